//! Whether the clock that deadlines run by can be believed: set back or forward, or apart from this
//! machine's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use super::{Health, blocking};
use crate::error::Result;
use crate::store::{self, Actor, Store};
use crate::time::{HOUR, MINUTE, Micros, Moment, SECOND, Stopwatch};

/// Of a smaller difference nothing is said.
const TOLERANCE: Micros = SECOND;
/// An answer that took longer is not used.
const QUICK: Micros = TOLERANCE / 4;
const LOOK: Duration = Duration::from_secs(1);
/// In the place of a figure that is not known.
const UNKNOWN: i64 = i64::MIN;

/// What was seen of the clock that deadlines run by: this machine's on SQLite, the database's on
/// PostgreSQL.
#[derive(Debug)]
pub struct TimeWatch {
    /// What the clock showed last, in microseconds since 1970.
    shown: AtomicI64,
    behind: AtomicI64,
    skew: AtomicI64,
    is_skewed: AtomicBool,
    jumps: AtomicU64,
    last_jump: AtomicI64,
    jumped_at: AtomicI64,
}

impl Default for TimeWatch {
    fn default() -> Self {
        Self {
            shown: AtomicI64::new(UNKNOWN),
            behind: AtomicI64::new(0),
            skew: AtomicI64::new(UNKNOWN),
            is_skewed: AtomicBool::new(false),
            jumps: AtomicU64::new(0),
            last_jump: AtomicI64::new(0),
            jumped_at: AtomicI64::new(UNKNOWN),
        }
    }
}

impl TimeWatch {
    /// By how much this machine's clock is ahead of the database's, in microseconds; nothing where only
    /// the machine's counts.
    pub fn skew(&self) -> Option<Micros> {
        known(&self.skew)
    }

    /// How far the clock stands behind what is recorded already, in microseconds: it was set back.
    pub fn behind(&self) -> Micros {
        self.behind.load(Ordering::Relaxed)
    }

    /// How often it jumped by more than a second.
    pub fn jumps(&self) -> u64 {
        self.jumps.load(Ordering::Relaxed)
    }

    /// By how many microseconds it jumped last (below zero: back), and what it showed then.
    pub fn last_jump(&self) -> Option<(Micros, Moment)> {
        let at = known(&self.jumped_at)?;
        Some((
            self.last_jump.load(Ordering::Relaxed),
            Moment::from_micros(at),
        ))
    }

    /// Looks at the clock, `passed` microseconds after the last look by a clock that cannot be set.
    /// Letters that wait for a moment which it showed wrongly are let go, and the loops look again what is
    /// due. Says whether it saw anything: an answer that took long says nothing about when it was made.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn look(&self, store: &Store, passed: Micros) -> Result<bool> {
        let last = known(&self.shown);
        if last.is_none() {
            store.learn_latest()?;
        }
        let seen = store.look_at_clock()?;
        if seen.took > QUICK {
            return Ok(false);
        }
        self.shown.store(seen.at.micros(), Ordering::Relaxed);
        let jump = last.map_or(0, |last| seen.at.micros() - last - passed);
        if jump.abs() > TOLERANCE {
            self.jumped(jump, seen.at);
        }
        let was_behind = self.behind() > 0;
        let behind = seen.latest - seen.at;
        let behind = if behind > TOLERANCE { behind } else { 0 };
        self.behind.store(behind, Ordering::Relaxed);
        if let Some(skew) = seen.skew {
            self.apart(skew);
        }
        if behind > 0 && (jump < -TOLERANCE || !was_behind) {
            tracing::warn!(
                seconds = behind / SECOND,
                "the clock stands behind what is recorded already; what falls due comes late until it is right"
            );
            let freed = store.write(Actor::Engine, store::free_letters)?;
            if freed > 0 {
                tracing::info!(
                    letters = freed,
                    "letters no longer wait for a moment that was not meant"
                );
            }
        }
        if jump.abs() > TOLERANCE {
            store.poke();
        }
        Ok(true)
    }

    fn jumped(&self, jump: Micros, at: Moment) {
        self.jumps.fetch_add(1, Ordering::Relaxed);
        self.last_jump.store(jump, Ordering::Relaxed);
        self.jumped_at.store(at.micros(), Ordering::Relaxed);
        tracing::warn!(
            seconds = jump as f64 / SECOND as f64,
            now = %at,
            "the clock that deadlines run by has jumped"
        );
    }

    /// Notes how far this machine's clock is ahead of the database's.
    fn apart(&self, skew: Micros) {
        self.skew.store(skew, Ordering::Relaxed);
        let is_skewed = skew.abs() > TOLERANCE;
        let was_skewed = self.is_skewed.swap(is_skewed, Ordering::Relaxed);
        if is_skewed && !was_skewed {
            tracing::warn!(
                seconds = skew as f64 / SECOND as f64,
                "this machine's clock differs from the database's, by which deadlines run"
            );
        } else if was_skewed && !is_skewed {
            tracing::info!("this machine's clock agrees with the database's again");
        }
    }

    /// What is wrong with the clock, in sentences for whoever looks after the service.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.behind() > 0 {
            faults.push(format!(
                "The clock was set back and stands {} behind what is recorded already: what falls due comes late until it is right.",
                spoken(self.behind())
            ));
        }
        if let Some(skew) = self.skew().filter(|skew| skew.abs() > TOLERANCE) {
            let side = if skew > 0 { "ahead of" } else { "behind" };
            faults.push(format!(
                "This machine's clock is {} {side} the database's, by which deadlines run.",
                spoken(skew.abs())
            ));
        }
        let shown = known(&self.shown).map(Moment::from_micros);
        if let (Some((jump, at)), Some(now)) = (self.last_jump(), shown)
            && jump > 0
            && now - at < HOUR
        {
            faults.push(format!(
                "The clock jumped forward by {} at {at}: what fell due in between was done at once.",
                spoken(jump)
            ));
        }
        faults
    }

    /// How the clock stands, for `/readyz`.
    pub fn detail(&self) -> String {
        let mut detail = self.faults().join(" ");
        if detail.is_empty() {
            detail = match self.skew() {
                Some(skew) => format!(
                    "this machine and the database agree within {} ms",
                    skew.abs() / 1000 + 1
                ),
                None => "the clock runs forward".to_string(),
            };
        }
        if let Some((jump, at)) = self.last_jump() {
            let side = if jump > 0 { "forward" } else { "back" };
            detail = format!(
                "{detail}; {} jumps, the last {side} by {} to {at}",
                self.jumps(),
                spoken(jump.abs())
            );
        }
        detail
    }
}

fn known(figure: &AtomicI64) -> Option<i64> {
    Some(figure.load(Ordering::Relaxed)).filter(|figure| *figure != UNKNOWN)
}

/// A length of time in words, rounded down.
pub(super) fn spoken(micros: Micros) -> String {
    match micros {
        _ if micros >= HOUR => format!("{} h {} min", micros / HOUR, micros % HOUR / MINUTE),
        _ if micros >= MINUTE => format!("{} min", micros / MINUTE),
        _ => format!("{} s", micros / SECOND),
    }
}

/// Looks every second until the service ends.
pub(super) async fn run(store: Store, health: Arc<Health>, mut stop: watch::Receiver<bool>) {
    // Before the first look, which is to be quick.
    let learning = store.clone();
    let _ = blocking(move || learning.learn_latest()).await;
    let mut last = Stopwatch::start();
    loop {
        let (looking, watching, since) = (store.clone(), Arc::clone(&health), last);
        let looked = blocking(move || {
            let (passed, next) = (since.micros(), Stopwatch::start());
            Ok(watching.time.look(&looking, passed)?.then_some(next))
        });
        // The engine reports a database that does not answer; the next look covers the time since the last.
        if let Ok(Some(next)) = looked.await {
            last = next;
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_a_minute_off_is_shown_and_a_millisecond_is_not() {
        let watch = TimeWatch::default();
        assert_eq!(watch.detail(), "the clock runs forward");
        watch.apart(-3_000);
        assert!(watch.faults().is_empty());
        assert_eq!(
            watch.detail(),
            "this machine and the database agree within 4 ms"
        );
        watch.apart(61 * SECOND);
        assert_eq!(
            watch.faults(),
            ["This machine's clock is 1 min ahead of the database's, by which deadlines run."]
        );
        watch.apart(-2 * HOUR);
        assert!(watch.detail().contains("2 h 0 min behind"));
    }
}
