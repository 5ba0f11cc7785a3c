//! The clock that deadlines run by may be set back: what has been reached then, and what waits for a
//! moment that was never meant.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use diesel::dsl::max;
use diesel::prelude::*;

use super::{Conn, DatabaseUrl, Store, Tx};
use crate::domain::IncidentId;
use crate::domain::letter::LetterState;
use crate::domain::outbox::{LEASE, LONGEST_RETRY};
use crate::error::Result;
use crate::schema::{audit, breaches, events, letters};
use crate::time::{Micros, Moment, SECOND, Stopwatch, TimeSource};

/// Where this node learns what time it is, and the latest it learnt.
#[derive(Clone, Debug)]
pub(super) struct Wall {
    pub(super) source: TimeSource,
    latest: Arc<AtomicI64>,
}

impl Wall {
    pub(super) fn new(source: TimeSource) -> Self {
        Self {
            source,
            latest: Arc::new(AtomicI64::new(Moment::default().micros())),
        }
    }

    /// Notes a moment that the clock showed.
    pub(super) fn saw(&self, shown: Moment) -> Moment {
        self.latest.fetch_max(shown.micros(), Ordering::Relaxed);
        shown
    }

    pub(super) fn latest(&self) -> Moment {
        Moment::from_micros(self.latest.load(Ordering::Relaxed))
    }
}

impl Tx<'_> {
    /// Whether the clock shows less than it did, or than what was recorded before this node started. Of
    /// less than a second nothing is said: writes at the same time overtake each other.
    pub(crate) fn is_set_back(&self) -> bool {
        self.clock() + SECOND < self.wall.latest()
    }
}

/// What a look at the clock found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// What the clock that deadlines run by shows.
    pub at: Moment,
    /// The latest that it showed, or that was recorded before.
    pub latest: Moment,
    /// By how much this machine's clock is ahead of the database's, where the database's counts.
    pub skew: Option<Micros>,
    /// How long the answer took: so far the figures may be off.
    pub took: Micros,
}

impl Store {
    /// Looks at the clock.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn look_at_clock(&self) -> Result<Shown> {
        let is_shared = matches!(self.url(), DatabaseUrl::Postgres(_));
        let is_machine = matches!(self.inner.time.source, TimeSource::Machine);
        let (asked, machine) = (Stopwatch::start(), TimeSource::Machine.now());
        let at = self.inner.time.saw(self.now()?);
        // A clock moved by hand stands still meanwhile.
        let took = if is_machine { asked.micros() } else { 0 };
        Ok(Shown {
            at,
            latest: self.inner.time.latest(),
            skew: (is_shared && is_machine).then(|| machine + took / 2 - at),
            took,
        })
    }

    /// Learns how far time had come before this node was started, from what is recorded.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn learn_latest(&self) -> Result<Moment> {
        let recorded = self.read(latest)?;
        Ok(self.inner.time.saw(recorded.unwrap_or_default()))
    }
}

/// The newest rows that are looked at: after the clock was set back the very last are not the latest.
const NEWEST: i64 = 1000;

/// The latest moment of the newest audit lines and letters; between them they tell of every transaction
/// that matters.
fn latest(conn: &mut Conn) -> Result<Option<Moment>> {
    let lines: Vec<Moment> = audit::table
        .order(audit::id.desc())
        .limit(NEWEST)
        .select(audit::at)
        .load(conn)?;
    let letters: Vec<Moment> = letters::table
        .order(letters::id.desc())
        .limit(NEWEST)
        .select(letters::created_at)
        .load(conn)?;
    Ok(lines.into_iter().chain(letters).max())
}

/// The moment that an incident has reached: nothing of it is recorded or judged before that, whatever the
/// clock shows.
///
/// # Errors
/// When the database does not answer.
pub fn reached(conn: &mut Conn, incident: IncidentId) -> Result<Option<Moment>> {
    let recorded: Option<Moment> = events::table
        .filter(events::incident_id.eq(incident))
        .order(events::seq.desc())
        .select(events::recorded_at)
        .first(conn)
        .optional()?;
    let noticed: Option<Moment> = breaches::table
        .filter(breaches::incident_id.eq(incident))
        .select(max(breaches::noticed_at))
        .first(conn)?;
    Ok(recorded.max(noticed))
}

/// Lets letters go that wait for a moment which the clock showed wrongly: those that were to go at once,
/// those put off for longer than any retry is, and those whose lease lasts longer than any. Gives how many.
///
/// # Errors
/// When the database does not take it.
pub fn free_letters(tx: &mut Tx<'_>) -> Result<usize> {
    let clock = tx.clock();
    let waiting = || {
        letters::state
            .eq(LetterState::Queued)
            .and(letters::next_attempt_at.gt(clock))
    };
    let at_once = letters::attempts
        .eq(0)
        .and(letters::created_at.gt(clock))
        .and(letters::next_attempt_at.eq(letters::created_at));
    let put_off = letters::attempts
        .gt(0)
        .and(letters::next_attempt_at.gt(clock + LONGEST_RETRY));
    let freed = diesel::update(letters::table.filter(waiting()).filter(at_once.or(put_off)))
        .set(letters::next_attempt_at.eq(clock))
        .execute(tx.conn())?;
    let held = letters::table
        .filter(letters::state.eq(LetterState::Leased))
        .filter(letters::leased_until.gt(clock + LEASE));
    let shortened = diesel::update(held)
        .set(letters::leased_until.eq(clock + LEASE))
        .execute(tx.conn())?;
    Ok(freed + shortened)
}
