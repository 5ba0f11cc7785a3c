//! What changes how a running clock counts: pauses, severities, edited calendars.

use std::sync::Arc;

use super::super::super::calendar::CalendarError;
use super::super::super::terms::{ClockStop, Commitment, OnSeverityChange};
use super::super::super::timeline::Fact;
use super::super::super::words::EventKind;
use super::super::track::Held;
use super::{Deferred, Status, Turn, Walk};
use crate::time::{Micros, Moment};

impl<'a> Walk<'a> {
    pub(super) fn pause(&mut self, fact: &Fact) -> Result<(), CalendarError> {
        let Some(stop) = fact
            .stop
            .as_deref()
            .and_then(|code| self.promise.clock_stop(code))
        else {
            return Ok(());
        };
        let agreed = matches!(fact.answer, Some((EventKind::Agreed, _)));
        let held = |(ground, held): &(Option<&ClockStop>, Held)| {
            ground.is_some_and(|ground| ground.code == stop.code) && held.to.is_none()
        };
        if !stop.metrics.contains(&self.metric)
            || (stop.needs_agreement && !agreed)
            || self.holds.iter().any(held)
        {
            let is_for_metric = stop.metrics.contains(&self.metric);
            self.note_not_held(fact, is_for_metric, stop.needs_agreement && !agreed);
            return Ok(());
        }
        self.seqs.push(fact.seq);
        self.seqs.extend(fact.answer.map(|(_, seq)| seq));
        let hold = Held {
            from: fact.at,
            to: None,
        };
        self.holds.push((Some(stop), hold));
        self.note(fact.at, Some(fact.seq), || Turn::Held {
            stop: stop.code.clone(),
            agreed: fact.answer.map(|(_, seq)| seq).filter(|_| agreed),
        });
        self.recount()
    }

    pub(super) fn resume(&mut self, fact: &Fact) -> Result<(), CalendarError> {
        let ends = |ground: Option<&ClockStop>| {
            fact.stop.is_none() || ground.map(|ground| &ground.code) == fact.stop.as_ref()
        };
        if !self.release(fact, ends) {
            return Ok(());
        }
        self.seqs.push(fact.seq);
        self.recount()
    }

    /// Ends the open pauses that rest on such grounds; says whether there were any.
    pub(super) fn release(
        &mut self,
        fact: &Fact,
        ends: impl Fn(Option<&ClockStop>) -> bool,
    ) -> bool {
        let (mut any, mut noted) = (false, Vec::new());
        for (ground, held) in &mut self.holds {
            if held.to.is_none() && ends(*ground) {
                held.to = Some(fact.at);
                any = true;
                let ground = ground.filter(|_| self.trace.is_some());
                noted.extend(ground.map(|ground| ground.code.clone()));
            }
        }
        for stop in noted {
            self.note(fact.at, Some(fact.seq), || Turn::Released { stop });
        }
        any
    }

    pub(super) fn severity_changed(
        &mut self,
        at: Moment,
        severity: &'a str,
    ) -> Result<(), CalendarError> {
        if let Status::Stopped(_) = self.status {
            self.deferred.push(Deferred::Severity(at, severity));
            return Ok(());
        }
        self.severity = severity;
        if self.status == Status::Pending {
            self.commitment = self.commitment_now();
            return Ok(());
        }
        let next = self.commitment_now();
        let before = std::mem::replace(&mut self.commitment, next.clone());
        if before.is_some()
            && let Some(lap) = &mut self.lap
        {
            lap.spent = lap.track.spent(at)?;
            self.share = Some((lap.spent, lap.budget));
        }
        let Some(next) = next else {
            if before.is_some() {
                self.end_laps(at);
            }
            return Ok(());
        };
        if let Some(lap) = &mut self.lap {
            lap.ended_at = None;
            // What is breached keeps its breach and its due moment.
            if lap.verdict.is_some() {
                return Ok(());
            }
        }
        match self.promise.on_severity_change {
            OnSeverityChange::FromStart => self.rebase(next.clone(), self.origin, 0)?,
            OnSeverityChange::FromChange => self.rebase(next.clone(), at, 0)?,
            OnSeverityChange::CarryFraction => {
                self.rebase(next.clone(), at, 0)?;
                let budget = self.lap.as_ref().map_or(0, |lap| lap.budget);
                self.rebase(next.clone(), at, same_share(self.share, budget))?;
            }
        }
        // A vendor is never late for what it could not know.
        let due = match &self.lap {
            // While it is held, the floor of a calendar edit may hide that it is used up.
            Some(lap) => lap.due_at.or(lap.track.due()?),
            None => None,
        };
        if due.is_some_and(|due| due <= at) {
            self.rebase(next, at, 0)?;
        }
        Ok(())
    }

    pub(super) fn calendar_edited(&mut self, at: Moment) -> Result<(), CalendarError> {
        match self.status {
            Status::Stopped(_) => {
                self.deferred.push(Deferred::Edit(at));
                return Ok(());
            }
            Status::Cancelled => return Ok(()),
            Status::Pending | Status::Open => self.known = at,
        }
        let Some(lap) = self.lap.as_ref().filter(|lap| lap.verdict.is_none()) else {
            return Ok(());
        };
        if self.book.view(lap.commitment.calendar_id, at).revision != lap.revision {
            self.not_before = Some(at);
            self.recount()?;
        }
        Ok(())
    }

    /// The commitment for the severity of the moment.
    pub(super) fn commitment_now(&self) -> Option<Arc<Commitment>> {
        self.promise.commitment(self.metric, self.severity).cloned()
    }

    /// The clock is asked for no more: its laps are over for the ladder.
    pub(super) fn end_laps(&mut self, at: Moment) {
        for lap in self.finished.iter_mut().chain(&mut self.lap) {
            let ended = *lap.ended_at.get_or_insert(at);
            lap.followed &= ended != at;
        }
    }
}

/// The part of the new budget that is used when the same share stays used, at most all of it.
fn same_share(share: Option<(Micros, Micros)>, budget: Micros) -> Micros {
    match share {
        Some((used, whole)) if whole > 0 => {
            let part = i128::from(budget) * i128::from(used.clamp(0, whole)) / i128::from(whole);
            Micros::try_from(part).unwrap_or(budget)
        }
        _ => 0,
    }
}
