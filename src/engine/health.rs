//! How the engine stands: for `/readyz`, the pages and the heartbeat.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use serde::Serialize;

use super::deliver::Delivered;
use super::heartbeat::Heartbeats;
use super::time_watch::{TimeWatch, spoken};
use super::watchdog::{Loop, Pulse};
use crate::error::Result;
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
    pub(super) letters_retried: AtomicU64,
    pub(super) letters_put_off: AtomicU64,
    clocks: Pulse,
    letters: Pulse,
    /// How the clock that deadlines run by behaves.
    pub(super) time: TimeWatch,
    /// What became of the signs of life sent outside.
    pub(super) heartbeats: Heartbeats,
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
    /// Attempts after which a letter has to be tried again.
    pub letters_retried: u64,
    /// Letters told to wait, untried, since others to the same domain were before them.
    pub letters_put_off: u64,
}

impl Health {
    /// The signs of life of a loop.
    pub fn pulse(&self, of: Loop) -> &Pulse {
        match of {
            Loop::Clocks => &self.clocks,
            Loop::Letters => &self.letters,
        }
    }

    /// What became of the signs of life sent outside.
    pub fn heartbeats(&self) -> &Heartbeats {
        &self.heartbeats
    }

    /// How the clock that deadlines run by behaves.
    pub fn time(&self) -> &TimeWatch {
        &self.time
    }

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
            letters_retried: self.letters_retried.load(Ordering::Relaxed),
            letters_put_off: self.letters_put_off.load(Ordering::Relaxed),
        }
    }

    /// Counts what became of letters.
    pub(super) fn delivered(&self, some: &Delivered) {
        for (counted, more) in [
            (&self.letters_sent, some.sent),
            (&self.letters_failed, some.failed),
            (&self.letters_retried, some.retried),
            (&self.letters_put_off, some.put_off),
        ] {
            counted.fetch_add(u64::from(more), Ordering::Relaxed);
        }
    }
}

/// A due clock or letter that is older than this means that the engine does not keep up.
const OVERDUE: Micros = 60 * SECOND;

/// How the engine stands at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How long the oldest due clock has waited; zero while none is due.
    pub clock_waits: Micros,
    /// How long the oldest due letter has waited.
    pub letter_waits: Micros,
    /// Loops that get nowhere.
    pub stuck: Vec<Loop>,
}

impl Standing {
    /// What is wrong, in sentences; nothing while the engine keeps up.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.clock_waits > OVERDUE {
            faults.push(format!(
                "The engine does not keep up: what fell due {} ago is not done yet.",
                spoken(self.clock_waits)
            ));
        }
        if self.letter_waits > OVERDUE {
            faults.push(format!(
                "Letters do not leave: the oldest has waited for {}.",
                spoken(self.letter_waits)
            ));
        }
        for of in &self.stuck {
            faults.push(format!(
                "The engine's loop for {} is stuck; the log says since when.",
                of.as_str()
            ));
        }
        faults
    }
}

/// How the engine stands now.
///
/// # Errors
/// When the database does not answer.
pub fn standing(store: &Store, health: &Health) -> Result<Standing> {
    Ok(Standing {
        clock_waits: waited(store, store::clock::next_timer)?,
        letter_waits: waited(store, store::letter::next_due)?,
        stuck: Loop::ALL
            .into_iter()
            .filter(|of| health.pulse(*of).is_stuck())
            .collect(),
    })
}

/// How long the oldest one that is due has waited; zero while none is.
pub(super) fn waited(
    store: &Store,
    next: fn(&mut store::Conn) -> Result<Option<Moment>>,
) -> Result<Micros> {
    let now = store.now()?;
    let due = store.read(next)?;
    Ok(due.map_or(0, |due| (now - due).max(0)))
}

/// The check of the engine for `/readyz`: how long the oldest due clock and letter have waited, and
/// whether its loops get on.
pub fn check(
    store: Store,
    health: Arc<Health>,
) -> impl Fn() -> Result<String, String> + Send + Sync + 'static {
    move || {
        let standing =
            standing(&store, &health).map_err(|_| "the database does not answer".to_string())?;
        let restarts: u64 = Loop::ALL.map(|of| health.pulse(of).restarts()).iter().sum();
        let mut found = format!(
            "{} rounds; the oldest due clock waits {} s, the oldest due letter {} s",
            health.figures().rounds,
            standing.clock_waits / SECOND,
            standing.letter_waits / SECOND
        );
        if restarts > 0 {
            found = format!("{found}; loops were started again {restarts} times");
        }
        for of in &standing.stuck {
            found = format!("{found}; the loop for {} is stuck", of.as_str());
        }
        if standing.faults().is_empty() {
            Ok(found)
        } else {
            Err(found)
        }
    }
}

/// The check of the clock for `/readyz`. It says how the clock stands and never fails: another node would
/// do no better.
pub fn check_time(
    health: Arc<Health>,
) -> impl Fn() -> Result<String, String> + Send + Sync + 'static {
    move || Ok(health.time().detail())
}
