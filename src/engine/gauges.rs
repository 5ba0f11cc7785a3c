//! The engine's figures in `/metrics`.

use std::sync::Arc;

use super::Health;
use super::health::{Figures, waited};
use super::watchdog::{Loop, Pulse};
use crate::domain::received::Verdict;
use crate::error::Result;
use crate::metrics::Metrics;
use crate::store::{self, Store};
use crate::time::{Micros, Moment, SECOND};

/// Name, help, and how it is read.
type Gauge<R> = (&'static str, &'static str, R);
type OfEngine = fn(&Figures) -> u64;
type OfLoop = fn(&Pulse) -> f64;
type OfHealth = fn(&Health) -> Option<f64>;
type NextDue = fn(&mut store::Conn) -> Result<Option<Moment>>;

const FIGURES: [Gauge<OfEngine>; 8] = [
    (
        "redress_engine_rounds",
        "Rounds of the engine since the start",
        |figures| figures.rounds,
    ),
    (
        "redress_engine_errors",
        "Rounds of the engine that ended with an error",
        |figures| figures.errors,
    ),
    (
        "redress_breaches_entered",
        "Breaches entered since the start",
        |figures| figures.breaches,
    ),
    (
        "redress_steps_taken",
        "Steps of ladders taken since the start",
        |figures| figures.steps,
    ),
    (
        "redress_letters_sent",
        "Letters sent since the start",
        |figures| figures.letters_sent,
    ),
    (
        "redress_letters_failed",
        "Letters that failed for good since the start",
        |figures| figures.letters_failed,
    ),
    (
        "redress_letters_retried",
        "Attempts since the start after which a letter has to be tried again",
        |figures| figures.letters_retried,
    ),
    (
        "redress_letters_put_off",
        "Letters told to wait, untried, since the start: others to the same domain were before them",
        |figures| figures.letters_put_off,
    ),
];

const OLDEST: [Gauge<NextDue>; 2] = [
    (
        "redress_oldest_due_clock_seconds",
        "How long the oldest due clock has waited",
        store::clock::next_timer,
    ),
    (
        "redress_oldest_due_letter_seconds",
        "How long the oldest due letter has waited",
        store::letter::next_due,
    ),
];

const OF_LOOPS: [Gauge<OfLoop>; 3] = [
    (
        "redress_engine_silence_seconds",
        "How long a loop has given no sign of life",
        |pulse| seconds(pulse.silence()),
    ),
    (
        "redress_engine_stuck",
        "Whether a loop gets nowhere: 1 if so",
        |pulse| f64::from(u8::from(pulse.is_stuck())),
    ),
    (
        "redress_engine_restarts",
        "How often a loop was started again after it broke down or got stuck",
        |pulse| pulse.restarts() as f64,
    ),
];

const OF_HEALTH: [Gauge<OfHealth>; 6] = [
    (
        "redress_clock_skew_seconds",
        "By how much this machine's clock is ahead of the database's, by which deadlines run",
        |health| health.time().skew().map(seconds),
    ),
    (
        "redress_clock_behind_seconds",
        "How far the clock stands behind what is recorded already, since it was set back",
        |health| Some(seconds(health.time().behind())),
    ),
    (
        "redress_clock_jumps",
        "How often the clock that deadlines run by jumped by more than a second since the start",
        |health| Some(health.time().jumps() as f64),
    ),
    (
        "redress_heartbeats_sent",
        "Signs of life that arrived outside since the start",
        |health| Some(health.heartbeats.sent() as f64),
    ),
    (
        "redress_heartbeats_failed",
        "Signs of life that could not be sent since the start",
        |health| Some(health.heartbeats.failed() as f64),
    ),
    (
        "redress_heartbeats_withheld",
        "Signs of life not sent since the engine was not well",
        |health| Some(health.heartbeats.withheld() as f64),
    ),
];

fn seconds(micros: Micros) -> f64 {
    micros as f64 / SECOND as f64
}

/// Shows the engine's figures in `/metrics`.
pub fn show(metrics: &Metrics, store: &Store, health: &Arc<Health>) {
    for (name, help, figure) in FIGURES {
        let health = Arc::clone(health);
        metrics.gauge(name, "", help, move || {
            Some(figure(&health.figures()) as f64)
        });
    }
    for (name, help, next) in OLDEST {
        let store = store.clone();
        metrics.gauge(name, "", help, move || {
            waited(&store, next).ok().map(seconds)
        });
    }
    for (name, help, figure) in OF_LOOPS {
        for of in Loop::ALL {
            let health = Arc::clone(health);
            let label = format!("loop=\"{}\"", of.as_str());
            metrics.gauge(name, &label, help, move || Some(figure(health.pulse(of))));
        }
    }
    for (name, help, figure) in OF_HEALTH {
        let health = Arc::clone(health);
        metrics.gauge(name, "", help, move || figure(&health));
    }
    let marked = store.clone();
    metrics.gauge(
        "redress_refused_addresses",
        "",
        "Addresses that a mail server refuses for good",
        move || {
            marked
                .read(store::refused_address::count)
                .ok()
                .map(|count| count as f64)
        },
    );
    for verdict in Verdict::ALL {
        let store = store.clone();
        metrics.gauge(
            "redress_received_messages",
            &format!("verdict=\"{verdict}\""),
            "Messages that came in and are kept, by what they are taken for",
            move || {
                let count = store.read(|conn| store::received::count(conn, *verdict));
                count.ok().map(|count| count as f64)
            },
        );
    }
    let listening = store.clone();
    metrics.gauge(
        "redress_other_nodes_heard",
        "",
        "Whether this node hears the others on the same PostgreSQL: 1 if so",
        move || listening.is_listening().map(|is| f64::from(u8::from(is))),
    );
}
