//! Clocks: a pure function of the terms, the calendar revisions and the timeline.
//!
//! What is kept in the database is this function's result, for search and for waking up; replaying
//! the timeline gives the same rows. [`judge`] walks forward through the facts, so that a due moment
//! reached under the severity, terms and calendar then in force is a breach that no later severity
//! change, reopening or cancellation removes, while an event entered late simply stands where it
//! belongs.

mod amount;
mod change;
mod confirm;
mod explain;
mod missing;
mod row;
mod track;
mod walk;

use std::sync::Arc;

pub use change::{Change, Stand, changes};
pub use confirm::Awaited;
use confirm::Confirmations;
pub use explain::{
    Alike, Closed, Explained, Explanation, Ground, Line, NoDay, Part, Row, SeverityTurn, Shut,
    StopGround, What, explain,
};
pub use missing::{Missing, Why, missing};
pub use row::{ClockRow, OutcomeRow};
pub use track::{Held, Track};
pub use walk::{Effect, NotHeld};

use super::CaseId;
use super::calendar::CalendarError;
use super::calendar_book::CalendarBook;
use super::terms::{Commitment, Promise};
use super::timeline::{Fact, of_case};
use super::words::{ClockState, EventKind, Metric};
use crate::time::{Micros, Moment};

text_enum! {
    /// How a lap of a clock ended for the figures.
    Verdict {
        /// Stopped at or before its due moment.
        Met = "met",
        /// Not stopped by then.
        Missed = "missed",
    }
}

/// One metric of one case, judged at a moment.
#[derive(Clone, Debug)]
pub struct Clock {
    /// What is measured.
    pub metric: Metric,
    /// How it stands.
    pub state: ClockState,
    /// Its laps, oldest first, never empty; the last is the one that stands on the board.
    pub laps: Vec<Lap>,
}

/// One run of a clock, or one interval of `update`.
#[derive(Clone, Debug)]
pub struct Lap {
    /// Which run: a reopening with `restart` begins the next.
    pub run: i32,
    /// Which interval of `update`; 1 for all other metrics.
    pub interval: i32,
    /// The commitment that judges it.
    pub commitment: Arc<Commitment>,
    /// The calendar revision it is judged by.
    pub revision: i64,
    /// When it began; while it is pending, when the case was reported.
    pub started_at: Moment,
    /// When its budget is used up; unknown while it is held.
    pub due_at: Option<Moment>,
    /// Open time it may take, in microseconds.
    pub budget: Micros,
    /// Open time it took so far, without what was held.
    pub spent: Micros,
    /// When it ran out.
    pub breached_at: Option<Moment>,
    /// When it was stopped.
    pub stopped_at: Option<Moment>,
    /// When it was over for the ladder: stopped, cancelled, or followed by another interval of
    /// `update` that ran out too.
    pub ended_at: Option<Moment>,
    /// Whether it ended by the next interval's deadline and not by anything that happened.
    pub followed: bool,
    /// While it waits for our confirmation: until when, for silence is a yes.
    pub confirmed_by: Option<Moment>,
    /// How it ended, once that is certain.
    pub verdict: Option<Verdict>,
    /// Whether its deadline lies past the end of the calendar's holiday list.
    pub provisional: bool,
    /// Numbers of the events it was judged by.
    pub seqs: Vec<i64>,
    /// How its time was counted.
    pub track: Track,
}

impl Clock {
    /// The lap that stands on the board.
    pub fn current(&self) -> &Lap {
        // A clock is only made with a lap, and laps are only added.
        &self.laps[self.laps.len() - 1]
    }
}

impl Clock {
    /// A clock that a correction took away: nothing asks for it, and nothing of it counts.
    ///
    /// `commitment` is the one that asked for it last; it names the calendar for those who look.
    pub fn gone(commitment: &Commitment, book: &CalendarBook, at: Moment) -> Self {
        let mut lap = Lap::empty(Arc::new(commitment.clone()), book, at);
        lap.ended_at = Some(at);
        Self {
            metric: commitment.metric,
            state: ClockState::Cancelled,
            laps: vec![lap],
        }
    }

    /// Whether that lap waits for what it starts with.
    pub fn is_pending(&self, lap: &Lap) -> bool {
        self.state == ClockState::Pending && std::ptr::eq(lap, self.current())
    }
}

impl Lap {
    /// A lap in which no time counts.
    fn empty(commitment: Arc<Commitment>, book: &CalendarBook, at: Moment) -> Self {
        let view = book.latest(commitment.calendar_id);
        let track = Track {
            calendar: Arc::clone(&view.calendar),
            base: at,
            carried: 0,
            budget: 0,
            written: None,
            holds: Vec::new(),
        };
        Self {
            run: 1,
            interval: 1,
            revision: view.revision,
            started_at: at,
            due_at: None,
            budget: 0,
            spent: 0,
            breached_at: None,
            stopped_at: None,
            ended_at: None,
            followed: false,
            confirmed_by: None,
            verdict: None,
            provisional: false,
            seqs: Vec::new(),
            track,
            commitment,
        }
    }

    /// Open time from the deadline to the stop, without what was held; nothing unless it is missed
    /// and stopped.
    ///
    /// # Errors
    /// When the moments lie outside the calendar's years.
    pub fn late_open(&self) -> Result<Option<Micros>, CalendarError> {
        match (self.verdict, self.due_at, self.stopped_at) {
            (Some(Verdict::Missed), Some(due), Some(stopped)) => {
                self.track.counted(due, stopped).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The moment from which the outcome is certain: the earlier of stop and deadline.
    pub fn certain_at(&self) -> Option<Moment> {
        match self.verdict? {
            Verdict::Met => self.stopped_at,
            Verdict::Missed => self.due_at,
        }
    }
}

/// Judges every clock of a case as it stands at `now`, in the order of [`Metric::ALL`].
///
/// `facts` are those of the whole incident in their order ([`super::timeline::facts`]); a metric
/// without a commitment for any severity the case had so far has no clock.
///
/// # Errors
/// When a calendar has no open time within its horizon.
pub fn judge(
    case: CaseId,
    promise: &Promise,
    facts: &[Fact],
    book: &CalendarBook,
    now: Moment,
) -> Result<Vec<Clock>, CalendarError> {
    let facts = facts_until(case, facts, now);
    let confirmations = Confirmations::of(promise, &facts, book)?;
    let edits = walk::Edits::of(promise, book);
    let mut clocks = Vec::new();
    for &metric in Metric::ALL {
        clocks.extend(match metric {
            Metric::DataLoss => amount::data_loss(promise, &facts, book),
            _ => {
                let counting = confirmations.counting(metric, &facts);
                walk::walk(metric, promise, &counting, book, &edits, now)?
            }
        });
    }
    Ok(clocks)
}

/// The repair of a case that waits for our answer at that moment.
///
/// # Errors
/// When a calendar has too few business days within its horizon.
pub fn awaited(
    case: CaseId,
    promise: &Promise,
    facts: &[Fact],
    book: &CalendarBook,
    at: Moment,
) -> Result<Option<Awaited>, CalendarError> {
    let before = facts.iter().filter(|fact| fact.at <= at);
    let facts: Vec<&Fact> = of_case(before, case).collect();
    Ok(Confirmations::of(promise, &facts, book)?.awaited(at))
}

/// The facts that judge a case at that moment: from its report on, none later.
fn facts_until(case: CaseId, facts: &[Fact], now: Moment) -> Vec<&Fact> {
    facts
        .iter()
        .filter(|fact| fact.at <= now && fact.case.is_none_or(|of| of == case))
        .skip_while(|fact| fact.kind != EventKind::Reported)
        .collect()
}
