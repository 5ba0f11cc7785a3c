//! The walk through the facts that judges one clock.

mod change;
mod count;
mod stop;
mod trace;

use std::sync::Arc;

use super::super::CalendarId;
use super::super::calendar::CalendarError;
use super::super::calendar_book::{CalendarBook, View};
use super::super::terms::{ClockStop, Commitment, Promise};
use super::super::timeline::Fact;
use super::super::words::{ClockState, EventKind, Metric};
use super::track::Held;
use super::{Clock, Lap, Verdict};
use crate::time::{Micros, Moment};

pub use trace::{Effect, NotHeld};
pub(super) use trace::{Note, Turn};

/// An update due every quarter of an hour is missed so often in nearly three years; every second, in a
/// day.
const MOST_INTERVALS: usize = 100_000;

/// Judges the clock of one metric; `facts` begin with the report of the case.
pub(super) fn walk(
    metric: Metric,
    promise: &Promise,
    facts: &[&Fact],
    book: &CalendarBook,
    edits: &Edits,
    now: Moment,
) -> Result<Option<Clock>, CalendarError> {
    Ok(walked(metric, promise, facts, book, edits, now, None)?.0)
}

/// Judges the clock of one metric, and notes what changed how it counts.
pub(super) fn traced(
    metric: Metric,
    promise: &Promise,
    facts: &[&Fact],
    book: &CalendarBook,
    edits: &Edits,
    now: Moment,
) -> Result<Option<(Clock, Vec<Note>)>, CalendarError> {
    let (clock, notes) = walked(metric, promise, facts, book, edits, now, Some(Vec::new()))?;
    Ok(clock.map(|clock| (clock, notes)))
}

fn walked<'a>(
    metric: Metric,
    promise: &'a Promise,
    facts: &[&'a Fact],
    book: &'a CalendarBook,
    edits: &Edits,
    now: Moment,
    trace: Option<Vec<Note>>,
) -> Result<(Option<Clock>, Vec<Note>), CalendarError> {
    let Some(severity) = facts.first().and_then(|fact| fact.severity.as_deref()) else {
        return Ok((None, Vec::new()));
    };
    let mut walk = Walk::start(metric, promise, book, severity, facts[0])?;
    walk.trace = trace;
    let mut edits = edits.after(facts[0].at, now).iter().copied().peekable();
    let mut rest = &facts[1..];
    while let Some(at) = [edits.peek().copied(), rest.first().map(|fact| fact.at)]
        .into_iter()
        .flatten()
        .min()
    {
        let moment = rest.iter().take_while(|fact| fact.at == at).count();
        let (together, later) = rest.split_at(moment);
        // An answer at the very due moment is in time, whatever else that moment holds.
        let answered = together.iter().any(|fact| answers(metric, fact.kind));
        let reach = if answered { Reach::Before } else { Reach::Past };
        walk.advance(at, reach)?;
        if edits.next_if_eq(&at).is_some() {
            walk.edit_calendar(at)?;
        }
        for fact in together {
            walk.apply(fact)?;
            // A reopening may bring back a deadline that this very moment reaches.
            walk.advance(at, reach)?;
        }
        rest = later;
    }
    walk.advance(now, Reach::Past)?;
    let notes = walk.trace.take().unwrap_or_default();
    Ok((walk.finish(now)?, notes))
}

/// Whether a due moment equal to the one walked to has been reached.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Before,
    Past,
}

/// Whether an event of that kind stops a clock of that metric, or ends an interval of `update`.
pub(super) fn answers(metric: Metric, kind: EventKind) -> bool {
    use EventKind::{
        CauseExplained, Promised, Resolved, Responded, Restored, Updated, WorkedAround,
    };
    match metric {
        Metric::Respond | Metric::Update => {
            matches!(
                kind,
                Responded | Updated | Promised | WorkedAround | Restored | Resolved
            )
        }
        Metric::Workaround => matches!(kind, WorkedAround | Restored | Resolved),
        Metric::Restore => matches!(kind, Restored | Resolved),
        Metric::Resolve => matches!(kind, Resolved),
        Metric::RootCause => matches!(kind, CauseExplained),
        Metric::DataLoss => false,
    }
}

/// The moments at which calendars of the terms were edited, in order.
pub(super) struct Edits(Vec<Moment>);

impl Edits {
    pub(super) fn of(promise: &Promise, book: &CalendarBook) -> Self {
        let mut moments = Vec::new();
        for id in promise.calendars() {
            moments.extend(book.edits(id));
        }
        moments.sort_unstable();
        moments.dedup();
        Self(moments)
    }

    /// Those that were made while the clock lived.
    fn after(&self, from: Moment, now: Moment) -> &[Moment] {
        let first = self.0.partition_point(|at| *at <= from);
        let last = self.0.partition_point(|at| *at <= now).max(first);
        &self.0[first..last]
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    /// What it starts with has not happened.
    Pending,
    Open,
    Stopped(Moment),
    Cancelled,
}

/// What came while the clock was stopped; it matters when it is reopened.
enum Deferred<'a> {
    Severity(Moment, &'a str),
    Edit(Moment),
}

struct Walk<'a> {
    metric: Metric,
    promise: &'a Promise,
    book: &'a CalendarBook,
    severity: &'a str,
    /// The commitment for the severity of the moment; none: the clock is cancelled meanwhile.
    commitment: Option<Arc<Commitment>>,
    /// Calendar revisions made up to here are known.
    known: Moment,
    /// The calendar that was asked last, as it was known then.
    asked: Option<(CalendarId, Moment, &'a View)>,
    status: Status,
    /// Permitted clock stops, and the gaps of reopenings that do not count (without a code).
    holds: Vec<(Option<&'a ClockStop>, Held)>,
    /// A calendar edit never puts a deadline before itself.
    not_before: Option<Moment>,
    deferred: Vec<Deferred<'a>>,
    finished: Vec<Lap>,
    /// How many of them no answer will stop any more.
    past_answer: usize,
    lap: Option<Lap>,
    /// Where the present run or interval began.
    origin: Moment,
    /// From where the present target is applied, with how much of it used up by then.
    base: Moment,
    carried: Micros,
    run: i32,
    interval: i32,
    /// Share of the budget used when the commitment fell away, for `carry_fraction`.
    share: Option<(Micros, Micros)>,
    /// While a repair waits for our confirmation: until when.
    awaiting: Option<Moment>,
    /// The number of the event in which the cause was explained before that was owed.
    explained: Option<i64>,
    seqs: Vec<i64>,
    /// What changed how the clock counts, where somebody asks for that.
    trace: Option<Vec<Note>>,
}

impl<'a> Walk<'a> {
    fn start(
        metric: Metric,
        promise: &'a Promise,
        book: &'a CalendarBook,
        severity: &'a str,
        reported: &Fact,
    ) -> Result<Self, CalendarError> {
        let mut walk = Self {
            metric,
            promise,
            book,
            commitment: None,
            severity,
            known: reported.at,
            asked: None,
            status: Status::Open,
            holds: Vec::new(),
            not_before: None,
            deferred: Vec::new(),
            finished: Vec::new(),
            past_answer: 0,
            lap: None,
            origin: reported.at,
            base: reported.at,
            carried: 0,
            run: 1,
            interval: 1,
            share: None,
            awaiting: None,
            explained: None,
            seqs: vec![reported.seq],
            trace: None,
        };
        walk.commitment = walk.commitment_now();
        if metric == Metric::RootCause {
            walk.status = Status::Pending;
        } else {
            walk.begin_lap(reported.at)?;
        }
        Ok(walk)
    }

    /// Walks to that moment: due moments on the way are breaches.
    fn advance(&mut self, to: Moment, reach: Reach) -> Result<(), CalendarError> {
        if let Some(until) = self.awaiting.filter(|until| *until <= to) {
            self.note(until, None, || Turn::Confirmed);
            self.confirm();
        }
        while self.status == Status::Open && self.commitment.is_some() {
            let Some(lap) = &mut self.lap else { break };
            let Some(due) = lap.due_at.filter(|_| lap.verdict.is_none()) else {
                break;
            };
            if due > to || (due == to && reach == Reach::Before) {
                break;
            }
            lap.breached_at = Some(due);
            lap.verdict = Some(Verdict::Missed);
            lap.seqs = self.seqs.clone();
            if self.metric != Metric::Update {
                break;
            }
            if self.finished.len() >= MOST_INTERVALS {
                let from = self.finished.first().map_or(due, |lap| lap.started_at);
                let most = MOST_INTERVALS;
                return Err(CalendarError::TooManyIntervals { most, from });
            }
            lap.spent = lap.budget;
            let endless = lap.budget == 0;
            if let Some(before) = self
                .finished
                .last_mut()
                .filter(|lap| lap.stopped_at.is_none())
            {
                before.followed = before.ended_at.is_none();
                before.ended_at = before.ended_at.or(Some(due));
            }
            self.next_interval(due)?;
            // An interval without length would breach for ever at one moment; the terms refuse it.
            if endless {
                self.status = Status::Cancelled;
            }
        }
        Ok(())
    }

    fn apply(&mut self, fact: &'a Fact) -> Result<(), CalendarError> {
        match fact.kind {
            EventKind::Cancelled => self.cancel(fact),
            _ if self.status == Status::Cancelled => Ok(()),
            EventKind::Paused => self.pause(fact),
            EventKind::Resumed => self.resume(fact),
            EventKind::SeverityChanged => {
                let Some(severity) = &fact.severity else {
                    return Ok(());
                };
                self.seqs.push(fact.seq);
                self.change_severity(fact.at, severity)
            }
            EventKind::Reopened => self.reopen(fact),
            // For what it stopped, a rejected repair is not among the facts at all.
            EventKind::Rejected if self.metric == Metric::RootCause => self.reopen(fact),
            EventKind::Confirmed => {
                self.confirmed(fact);
                Ok(())
            }
            kind if self.begins_with(kind) => self.begin(fact),
            kind if answers(self.metric, kind) => self.answer(fact),
            _ => Ok(()),
        }
    }

    fn finish(mut self, now: Moment) -> Result<Option<Clock>, CalendarError> {
        let gone = self.commitment.is_none();
        let held = self
            .lap
            .as_ref()
            .is_some_and(|lap| lap.track.holds.last().is_some_and(|hold| hold.to.is_none()));
        if let Some(lap) = &mut self.lap {
            if self.status == Status::Open && !gone {
                lap.spent = lap.track.spent(now)?;
            } else if gone && lap.verdict.is_none() {
                lap.due_at = None;
            }
            if lap.seqs.is_empty() {
                lap.seqs = self.seqs.clone();
            }
        }
        self.close_lap();
        // What waits for its start, or was cancelled while it did, has counted nothing.
        if (self.status == Status::Pending || self.finished.is_empty())
            && let Some(commitment) = &self.commitment
        {
            let mut lap = Lap::empty(Arc::clone(commitment), self.book, self.origin);
            (lap.run, lap.seqs) = (self.run, self.seqs.clone());
            self.finished.push(lap);
        }
        let Some(last) = self.finished.last() else {
            return Ok(None);
        };
        let missed = match self.metric {
            Metric::Update => self
                .finished
                .iter()
                .any(|lap| lap.verdict == Some(Verdict::Missed)),
            _ => last.verdict == Some(Verdict::Missed),
        };
        let state = match self.status {
            Status::Cancelled => ClockState::Cancelled,
            _ if gone => ClockState::Cancelled,
            Status::Pending => ClockState::Pending,
            Status::Stopped(_) if self.awaiting.is_some() => ClockState::Awaiting,
            Status::Open if held => ClockState::Paused,
            Status::Open => ClockState::Running,
            Status::Stopped(_) if missed => ClockState::Missed,
            Status::Stopped(_) => ClockState::Met,
        };
        Ok(Some(Clock {
            metric: self.metric,
            state,
            laps: self.finished,
        }))
    }
}
