//! How the engine stands: figures for `/metrics`, a check for `/readyz`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use serde::Serialize;

use crate::error::Result;
use crate::metrics::Metrics;
use crate::store::{self, Store};
use crate::time::{Micros, Moment, SECOND};

/// What the engine did and how it stands, for `/readyz`, `/metrics` and the pages.
#[derive(Debug, Default)]
pub struct Health {
    /// Microseconds since 1970 when a round ended last; 0 before the first.
    pub(super) last_round: AtomicI64,
    pub(super) rounds: AtomicU64,
    pub(super) errors: AtomicU64,
    pub(super) breaches: AtomicU64,
    pub(super) steps: AtomicU64,
    pub(super) letters_sent: AtomicU64,
    pub(super) letters_failed: AtomicU64,
}

/// The figures of [`Health`] at one moment.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Figures {
    /// When a round of the loop ended last.
    pub last_round: Option<Moment>,
    /// Rounds since the start.
    pub rounds: u64,
    /// Rounds that ended with an error.
    pub errors: u64,
    /// Breaches entered.
    pub breaches: u64,
    /// Steps taken.
    pub steps: u64,
    /// Letters sent.
    pub letters_sent: u64,
    /// Letters that failed for good.
    pub letters_failed: u64,
}

impl Health {
    /// The figures now.
    pub fn figures(&self) -> Figures {
        let last = self.last_round.load(Ordering::Relaxed);
        Figures {
            last_round: (last != 0).then(|| Moment::from_micros(last)),
            rounds: self.rounds.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
            breaches: self.breaches.load(Ordering::Relaxed),
            steps: self.steps.load(Ordering::Relaxed),
            letters_sent: self.letters_sent.load(Ordering::Relaxed),
            letters_failed: self.letters_failed.load(Ordering::Relaxed),
        }
    }
}

/// Name, help, and how it is read.
type Gauge<R> = (&'static str, &'static str, R);
type Figure = fn(&Figures) -> u64;
type NextDue = fn(&mut store::Conn) -> Result<Option<Moment>>;

/// Shows the engine's figures in `/metrics`.
pub fn show(metrics: &Metrics, store: &Store, health: &Arc<Health>) {
    let figures: [Gauge<Figure>; 6] = [
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
    ];
    for (name, help, figure) in figures {
        let health = Arc::clone(health);
        metrics.gauge(name, "", help, move || {
            Some(figure(&health.figures()) as f64)
        });
    }
    let oldest: [Gauge<NextDue>; 2] = [
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
    for (name, help, next) in oldest {
        let store = store.clone();
        metrics.gauge(name, "", help, move || {
            let waited = waited(&store, next).ok()?;
            Some(waited as f64 / SECOND as f64)
        });
    }
}

/// How long the oldest one that is due has waited; zero while none is.
fn waited(store: &Store, next: NextDue) -> Result<Micros> {
    let now = store.now()?;
    let due = store.read(next)?;
    Ok(due.map_or(0, |due| (now - due).max(0)))
}

/// A due clock or letter that is older than this means that the engine does not keep up.
const OVERDUE: Micros = 60 * SECOND;

/// The check of the engine for `/readyz`: how long the oldest due clock and letter have waited.
pub fn check(
    store: Store,
    health: Arc<Health>,
) -> impl Fn() -> Result<String, String> + Send + Sync + 'static {
    move || {
        let waits = || -> Result<(Micros, Micros)> {
            let timer = waited(&store, store::clock::next_timer)?;
            let letter = waited(&store, store::letter::next_due)?;
            Ok((timer, letter))
        };
        let (timer, letter) = waits().map_err(|_| "the database does not answer".to_string())?;
        let rounds = health.figures().rounds;
        let found = format!(
            "{rounds} rounds; the oldest due clock waits {} s, the oldest due letter {} s",
            timer / SECOND,
            letter / SECOND
        );
        if timer.max(letter) > OVERDUE {
            Err(found)
        } else {
            Ok(found)
        }
    }
}
