//! What the walk did and why, noted down for an explanation; a mere judgement notes nothing.

use serde::{Deserialize, Serialize};

use super::super::super::calendar::CalendarError;
use super::super::super::terms::{OnReopen, OnSeverityChange};
use super::super::super::timeline::Fact;
use super::super::super::words::EventKind;
use super::super::Lap;
use super::{Status, Walk};
use crate::time::{Micros, Moment};

/// One thing that changed how a clock counts; in the order in which the walk came to it.
#[derive(Clone, Debug)]
pub(in crate::domain::clock) struct Note {
    /// The run that it befell.
    pub(in crate::domain::clock) run: i32,
    /// The interval that it befell.
    pub(in crate::domain::clock) interval: i32,
    /// When.
    pub(in crate::domain::clock) at: Moment,
    /// Number of the event that says so.
    pub(in crate::domain::clock) seq: Option<i64>,
    /// What it was.
    pub(in crate::domain::clock) turn: Turn,
}

/// What changed how a clock counts.
#[derive(Clone, Debug)]
pub(in crate::domain::clock) enum Turn {
    /// The run or interval begins; what was noted of it before is of one that was given up.
    Begun,
    /// The repair that stopped it was confirmed, by the event or by silence.
    Confirmed,
    /// A clock stop began; with the event in which the other side agreed, where that was needed.
    Held { stop: String, agreed: Option<i64> },
    /// A pause was recorded that never held this clock.
    NotHeld { stop: String, why: NotHeld },
    /// The open pause of that stop ended.
    Released { stop: String },
    /// The stopped clock goes on.
    Reopened { stopped: Moment, policy: OnReopen },
    /// The case has another severity.
    Severity {
        to: String,
        effect: Effect,
        /// The lap as it had been counted until then.
        before: Option<Box<Lap>>,
        /// How much of which budget had been used when its commitment ended.
        used: Option<(Micros, Micros)>,
        due_after: Option<Moment>,
    },
    /// The calendar was edited and the lap counted anew.
    Edited {
        before: i64,
        after: i64,
        due_before: Option<Moment>,
        due_after: Option<Moment>,
    },
    /// The clock was cancelled; a void one never was.
    Cancelled { void: bool },
}

/// Why a recorded pause did not hold a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotHeld {
    /// The clock stop is not one for this metric, or not one for this commitment.
    NotForThis,
    /// Both sides must agree, and the other has not answered.
    Unanswered,
    /// The other side refused, in that event.
    Refused(i64),
    /// A pause on the same ground was open already.
    OpenAlready,
}

/// What a change of severity did to a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The new target counts from the original start.
    FromStart,
    /// The new target counts from the change.
    FromChange,
    /// The same share of the new budget counts as used: that much of it.
    Carried(Micros),
    /// The new deadline would not have lain after the change: the vendor could not know it, so the new
    /// target counts from the change.
    Fresh,
    /// The clock had run out already and keeps its breach and its due moment.
    Kept,
    /// Nothing is promised for the new severity.
    NoCommitment,
}

impl<'a> Walk<'a> {
    pub(super) fn note(&mut self, at: Moment, seq: Option<i64>, turn: impl FnOnce() -> Turn) {
        let (run, interval) = (self.run, self.interval);
        if let Some(trace) = &mut self.trace {
            trace.push(Note {
                run,
                interval,
                at,
                seq,
                turn: turn(),
            });
        }
    }

    /// A pause that does not hold this clock.
    pub(super) fn note_not_held(
        &mut self,
        fact: &Fact,
        is_for_metric: bool,
        needs_agreement: bool,
    ) {
        let why = match fact.answer {
            _ if !is_for_metric => NotHeld::NotForThis,
            Some((EventKind::Refused, seq)) if needs_agreement => NotHeld::Refused(seq),
            None if needs_agreement => NotHeld::Unanswered,
            _ => NotHeld::OpenAlready,
        };
        self.note(fact.at, Some(fact.seq), || Turn::NotHeld {
            stop: fact.stop.clone().unwrap_or_default(),
            why,
        });
    }

    /// Changes the severity, and notes what that did.
    pub(super) fn change_severity(
        &mut self,
        at: Moment,
        severity: &'a str,
    ) -> Result<(), CalendarError> {
        if self.trace.is_none() || self.status != Status::Open {
            return self.severity_changed(at, severity);
        }
        let before = self.lap.clone().map(Box::new);
        let kept = before.as_ref().is_some_and(|lap| lap.verdict.is_some());
        self.severity_changed(at, severity)?;
        let used = self.share.filter(|_| before.is_some());
        let policy = self.promise.on_severity_change;
        let effect = match (&self.commitment, policy) {
            (None, _) => Effect::NoCommitment,
            _ if kept => Effect::Kept,
            (_, OnSeverityChange::FromStart) if self.base == self.origin => Effect::FromStart,
            (_, OnSeverityChange::FromStart) => Effect::Fresh,
            (_, OnSeverityChange::FromChange) => Effect::FromChange,
            (_, OnSeverityChange::CarryFraction) => match used {
                Some((used, _)) if used > 0 && self.carried == 0 => Effect::Fresh,
                _ => Effect::Carried(self.carried),
            },
        };
        let lap = self
            .lap
            .as_ref()
            .filter(|_| self.commitment.is_some() || kept);
        let due_after = lap.and_then(|lap| lap.due_at);
        self.note(at, None, || Turn::Severity {
            to: severity.to_string(),
            effect,
            before,
            used,
            due_after,
        });
        Ok(())
    }

    /// Counts by the edited calendar, and notes what that did.
    pub(super) fn edit_calendar(&mut self, at: Moment) -> Result<(), CalendarError> {
        let counted = |lap: &Option<Lap>| lap.as_ref().map(|lap| (lap.revision, lap.due_at));
        let before = counted(&self.lap);
        self.calendar_edited(at)?;
        if let (Some((before, due_before)), Some((after, due_after))) = (before, counted(&self.lap))
            && before != after
        {
            self.note(at, None, || Turn::Edited {
                before,
                after,
                due_before,
                due_after,
            });
        }
        Ok(())
    }
}
