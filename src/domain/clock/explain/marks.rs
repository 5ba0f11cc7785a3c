//! What happened to a lap, each at its moment.

use super::super::super::calendar::{CalendarError, DayEnd};
use super::super::super::terms::Target;
use super::super::super::timeline::Fact;
use super::super::super::words::{ClockState, EventKind, Metric};
use super::super::Lap;
use super::super::walk::{NotHeld, Note, Turn, answers};
use super::lay::Pause;
use super::line::{Ground, NoDay, SeverityTurn, StopGround, What};
use super::{Explained, due};
use crate::time::Moment;

/// Something that happened.
pub(super) struct Mark {
    pub(super) at: Moment,
    /// Of one moment, what has the lower place is said first.
    place: u8,
    pub(super) what: What,
}

const BEGINS: u8 = 0;
const HAPPENS: u8 = 1;
const DATE: u8 = 2;
const STOPS: u8 = 3;
const STANDS: u8 = 4;
const DUE: u8 = 5;
const AFTER: u8 = 6;

struct Marks {
    /// What lies outside is not of this lap.
    from: Moment,
    last: Moment,
    all: Vec<Mark>,
}

impl Marks {
    fn add(&mut self, at: Moment, place: u8, what: What) {
        if self.from <= at && at <= self.last {
            self.all.push(Mark { at, place, what });
        }
    }
}

impl Explained<'_> {
    /// All that happened from the beginning of the lap to that moment, in order; the commitment that
    /// stands counts from `base`.
    pub(super) fn marks(
        &self,
        lap: &Lap,
        base: Moment,
        last: Moment,
        pauses: &[Pause<'_>],
    ) -> Result<Vec<Mark>, CalendarError> {
        let mut marks = Marks {
            from: lap.started_at,
            last,
            all: Vec::new(),
        };
        marks.add(lap.started_at, BEGINS, What::Started(self.began_by(lap)));
        for note in self.notes_of(lap) {
            self.noted(lap, note, &mut marks);
        }
        for repair in &self.rejected {
            let by = self.fact_after(repair.at, EventKind::Rejected);
            marks.add(repair.at, HAPPENS, What::Rejected(repair.seq, by));
        }
        self.paused(lap, pauses, &mut marks);
        self.dates(lap, base, last, &mut marks)?;
        if let Some(stopped) = lap.stopped_at {
            marks.add(stopped, STOPS, What::Stopped(self.stopped_by(stopped)));
            if let Some(until) = lap.confirmed_by {
                marks.add(stopped, STOPS, What::Awaiting(until));
            }
        } else if let Some(ended) = lap.ended_at {
            let said = marks.all.iter().any(|mark| {
                mark.at == ended && matches!(mark.what, What::Cancelled(..) | What::Severity(_))
            });
            if !said {
                marks.add(ended, AFTER, What::Followed);
            }
        } else {
            let held = self.clock.state == ClockState::Paused;
            marks.add(self.now, STANDS, What::Now(held));
        }
        if let Some(due) = due(lap) {
            let floor = lap
                .track
                .due()?
                .filter(|natural| *natural < due)
                .and_then(|_| self.last_edit(lap, due));
            let written = lap.track.written;
            if let Some(written) = written.filter(|written| *written != due) {
                marks.add(written.min(last), DATE, What::Written(written));
            }
            let what = What::Due {
                written: written == Some(due),
                floor,
                provisional: lap.provisional,
            };
            marks.add(due, DUE, what);
        }
        marks.all.sort_by_key(|mark| (mark.at, mark.place));
        Ok(marks.all)
    }

    fn noted(&self, lap: &Lap, note: &Note, marks: &mut Marks) {
        let what = match &note.turn {
            Turn::NotHeld { stop, why } => self.not_paused(note, stop, *why),
            Turn::Held { stop, .. } => {
                let holds = self
                    .promise
                    .clock_stop(stop)
                    .is_some_and(|stop| lap.commitment.may_be_held_by(stop));
                if holds {
                    return;
                }
                self.not_paused(note, stop, NotHeld::NotForThis)
            }
            Turn::Begun | Turn::Released { .. } => return,
            Turn::Confirmed => {
                // It may come when there is nothing else to say any more.
                let at = note.at.min(marks.last);
                return marks.add(at, STOPS, What::Confirmed(note.at, note.seq));
            }
            Turn::Reopened { stopped, policy } => {
                if *stopped > lap.started_at {
                    marks.add(*stopped, STOPS, What::Stopped(self.stopped_by(*stopped)));
                }
                What::Reopened(note.seq.unwrap_or_default(), *policy)
            }
            Turn::Severity {
                to,
                effect,
                before,
                used,
                due_after,
            } => {
                let (from, seq) = self.severity_before(note.at, to);
                What::Severity(Box::new(SeverityTurn {
                    seq,
                    from,
                    to: to.clone(),
                    effect: *effect,
                    used: *used,
                    target_before: before.as_ref().map(|lap| lap.commitment.target),
                    due_before: before.as_ref().and_then(|lap| lap.due_at),
                    due_after: *due_after,
                }))
            }
            Turn::Edited {
                before,
                after,
                due_before,
                due_after,
            } => What::Edited {
                before: *before,
                after: *after,
                due_before: *due_before,
                due_after: *due_after,
            },
            Turn::Cancelled { void } => What::Cancelled(note.seq.unwrap_or_default(), *void),
        };
        marks.add(note.at, HAPPENS, what);
    }

    fn not_paused(&self, note: &Note, code: &str, why: NotHeld) -> What {
        let stop = self.promise.clock_stop(code);
        let ground = StopGround {
            seq: note.seq.unwrap_or_default(),
            code: code.to_string(),
            name: stop.map_or_else(String::new, |stop| stop.name.clone()),
            clause: stop.map_or_else(String::new, |stop| stop.clause.clone()),
            agreed: None,
        };
        What::NotPaused(ground, why)
    }

    fn paused(&self, lap: &Lap, pauses: &[Pause<'_>], marks: &mut Marks) {
        // What was recorded after the lap was over does not touch it.
        let over = lap.stopped_at.or(lap.ended_at);
        for pause in pauses {
            let (Ground::Stop(ground), Some(stop)) = (&pause.ground, pause.stop) else {
                continue;
            };
            let lasts = pause.to.is_none_or(|to| to > lap.started_at);
            if !lap.commitment.may_be_held_by(stop)
                || !lasts
                || over.is_some_and(|over| pause.from >= over)
            {
                continue;
            }
            let from = pause.from.max(lap.started_at);
            marks.add(from, HAPPENS, What::Paused(ground.clone()));
            if let (Some(to), Some(seq)) = (pause.to, pause.ended_by) {
                marks.add(to, HAPPENS, What::Resumed(ground.clone(), seq));
            }
        }
    }

    /// Dates that the zone left out, and the dates that a target in business days counts.
    fn dates(
        &self,
        lap: &Lap,
        base: Moment,
        last: Moment,
        marks: &mut Marks,
    ) -> Result<(), CalendarError> {
        let calendar = &lap.track.calendar;
        let dates = |from: Moment| calendar.date_at(from).iter_days();
        let end = calendar.date_at(last);
        for date in dates(lap.started_at).take_while(|date| *date <= end) {
            if calendar.skips(date) {
                marks.add(calendar.day_start(date), DATE, What::Skipped(date));
            }
        }
        let (Target::BusinessDays { days, at }, Some(written)) =
            (lap.commitment.target, lap.track.written)
        else {
            return Ok(());
        };
        let first = calendar.date_at(lap.track.base);
        // With no days to go, a time that has passed means that of the next business day.
        let days = match at {
            DayEnd::At(_) if days == 0 && calendar.date_at(written) > first => 1,
            _ => days,
        };
        let mut number = None;
        for date in dates(base) {
            if number == Some(days) || date > end {
                break;
            }
            let opening = calendar.first_opening(date);
            if let Some(opening) = opening.filter(|_| date >= first) {
                let next = number.map_or(0, |number| number + 1);
                let at = match next {
                    0 => lap.track.base,
                    // A written time may lie before the opening of its day.
                    _ => opening.min(written),
                };
                marks.add(at, DATE, What::BusinessDay(next, date));
                number = Some(next);
            } else if !calendar.skips(date) {
                let why = match calendar.exception_on(date) {
                    _ if opening.is_some() => NoDay::Over,
                    Some(exception) => NoDay::Holiday(exception.name.clone()),
                    None => NoDay::Closed,
                };
                let begins = calendar.day_start(date);
                marks.add(begins.max(base), DATE, What::NoBusinessDay(date, why));
            }
        }
        Ok(())
    }

    /// The event that began a lap; none for an interval that the end of the one before began.
    pub(super) fn began_by(&self, lap: &Lap) -> Option<(EventKind, i64)> {
        let ran_out = self.clock.laps.iter().any(|before| {
            (before.run, before.interval) < (lap.run, lap.interval)
                && before.breached_at == Some(lap.started_at)
        });
        let metric = self.clock.metric;
        let begins = |kind| match kind {
            EventKind::Reported | EventKind::Reopened => true,
            EventKind::Restored | EventKind::Resolved if metric == Metric::RootCause => true,
            kind => answers(metric, kind),
        };
        self.fact_at(lap.started_at, begins).filter(|_| !ran_out)
    }

    fn stopped_by(&self, at: Moment) -> Option<(EventKind, i64)> {
        let metric = self.clock.metric;
        let answered = |kind| answers(metric, kind);
        if metric != Metric::RootCause {
            return self.fact_at(at, answered);
        }
        // The cause may have been explained before it was owed; and nothing is owed after a reopening.
        let explained = self.facts.iter().rev().filter(|fact| fact.at <= at);
        let explained = explained.map(|fact| (fact.kind, fact.seq));
        self.fact_at(at, answered)
            .or_else(|| {
                self.fact_at(at, |kind| {
                    matches!(kind, EventKind::Reopened | EventKind::Rejected)
                })
            })
            .or_else(|| explained.clone().find(|(kind, _)| answered(*kind)))
    }

    fn fact_after(&self, at: Moment, is: EventKind) -> Option<i64> {
        let mut facts = self.facts.iter();
        facts
            .find(|fact| fact.at >= at && fact.kind == is)
            .map(|fact| fact.seq)
    }

    fn fact_at(&self, at: Moment, is: impl Fn(EventKind) -> bool) -> Option<(EventKind, i64)> {
        let mut facts = self.facts.iter().filter(|fact| fact.at == at);
        facts
            .find(|fact| is(fact.kind))
            .map(|fact| (fact.kind, fact.seq))
    }

    /// The severity before a change at that moment, and the number of the event.
    fn severity_before(&self, at: Moment, to: &str) -> (Option<String>, Option<i64>) {
        let says = |fact: &&Fact| fact.severity.is_some();
        let place = self.facts.iter().position(|fact| {
            fact.kind == EventKind::SeverityChanged
                && fact.at == at
                && fact.severity.as_deref() == Some(to)
        });
        let Some(place) = place else {
            return (None, None);
        };
        let before = self.facts[..place].iter().rev().copied().find(says);
        (
            before.and_then(|fact| fact.severity.clone()),
            Some(self.facts[place].seq),
        )
    }

    fn last_edit(&self, lap: &Lap, due: Moment) -> Option<Moment> {
        let edits = self
            .notes_of(lap)
            .filter(|note| note.at <= due && matches!(note.turn, Turn::Edited { .. }));
        edits.last().map(|note| note.at)
    }
}
