//! What stops a clock and what starts it again: answers, reopenings, cancellations.

use super::super::super::calendar::CalendarError;
use super::super::super::terms::{OnReopen, RootCauseFrom};
use super::super::super::timeline::Fact;
use super::super::super::words::{EventKind, Metric};
use super::super::Verdict;
use super::super::confirm::awaited;
use super::super::track::Held;
use super::{Deferred, Reach, Status, Turn, Walk};
use crate::time::Moment;

impl<'a> Walk<'a> {
    pub(super) fn answer(&mut self, fact: &Fact) -> Result<(), CalendarError> {
        let ends = matches!(fact.kind, EventKind::Restored | EventKind::Resolved);
        // They end the pauses of the metrics they stop.
        let released = ends && self.release(fact, |_| true);
        if self.status == Status::Pending && self.metric == Metric::RootCause {
            self.explained = self.explained.or(Some(fact.seq));
        }
        if self.status != Status::Open {
            return Ok(());
        }
        self.seqs.push(fact.seq);
        if released {
            self.refresh_holds();
        }
        if self.metric == Metric::Update {
            return self.answer_update(fact, ends);
        }
        self.stop(fact.at)?;
        if self.metric == Metric::Resolve && self.commitment.is_some() {
            let waits = awaited(self.promise, self.severity, self.book, fact.at)?;
            self.awaiting = waits.map(|awaited| awaited.until);
            if let Some(lap) = &mut self.lap {
                lap.confirmed_by = self.awaiting;
            }
        }
        if self.awaiting.is_none() {
            self.settle();
        }
        Ok(())
    }

    fn stop(&mut self, at: Moment) -> Result<(), CalendarError> {
        self.status = Status::Stopped(at);
        if let Some(lap) = self.lap.as_mut().filter(|_| self.commitment.is_some()) {
            lap.stopped_at = Some(at);
            lap.ended_at = Some(at);
            lap.spent = lap.track.spent(at)?;
        }
        Ok(())
    }

    /// A lap that was stopped before it ran out is met.
    fn settle(&mut self) {
        if let Some(lap) = self.lap.as_mut().filter(|lap| lap.stopped_at.is_some())
            && lap.verdict.is_none()
        {
            lap.verdict = Some(Verdict::Met);
            lap.seqs = self.seqs.clone();
        }
    }

    /// We confirmed the repair.
    pub(super) fn confirmed(&mut self, fact: &Fact) {
        if self.awaiting.is_some() {
            self.seqs.push(fact.seq);
            self.note(fact.at, Some(fact.seq), || Turn::Confirmed);
            self.confirm();
        }
    }

    /// The repair counts, whether we said so or were silent.
    pub(super) fn confirm(&mut self) {
        if self.awaiting.take().is_none() {
            return;
        }
        if let Some(lap) = &mut self.lap {
            lap.confirmed_by = None;
        }
        self.settle();
    }

    /// Whether an event of that kind is what the pending clock waits for.
    pub(super) fn begins_with(&self, kind: EventKind) -> bool {
        self.metric == Metric::RootCause
            && self.status == Status::Pending
            && match self.promise.root_cause_from {
                RootCauseFrom::Resolved => kind == EventKind::Resolved,
                RootCauseFrom::Restored => {
                    matches!(kind, EventKind::Restored | EventKind::Resolved)
                }
            }
    }

    /// The cause is owed from here on; one that was explained before is in time.
    pub(super) fn begin(&mut self, fact: &Fact) -> Result<(), CalendarError> {
        self.status = Status::Open;
        self.seqs.push(fact.seq);
        self.begin_lap(fact.at)?;
        if let Some(seq) = self.explained.take()
            && self.commitment.is_some()
        {
            self.seqs.push(seq);
            self.stop(fact.at)?;
            self.settle();
        }
        Ok(())
    }

    /// The cause is owed again once the next repair is done: of what was answered nothing stays unless
    /// the terms begin a new run, but a breach does.
    fn pend(&mut self, fact: &Fact) -> Result<(), CalendarError> {
        for change in std::mem::take(&mut self.deferred) {
            match change {
                Deferred::Severity(_, severity) => self.severity = severity,
                Deferred::Edit(at) => self.known = at,
            }
        }
        self.commitment = self.commitment_now();
        self.status = Status::Pending;
        self.explained = None;
        self.seqs.push(fact.seq);
        let restart = self.promise.on_reopen == OnReopen::Restart;
        if let Some(mut lap) = self.lap.take()
            && (lap.breached_at.is_some() || (restart && lap.verdict.is_some()))
        {
            // Nothing is owed until it begins again, so it is not later than this.
            if lap.stopped_at.is_none() {
                lap.stopped_at = Some(fact.at);
                lap.spent = lap.track.spent(fact.at)?;
            }
            lap.ended_at = lap.ended_at.or(Some(fact.at));
            self.finished.push(lap);
            self.run += 1;
        }
        Ok(())
    }

    /// An update ends the interval and begins the next; the last, cut short, counts for nothing.
    ///
    /// It also stops the intervals that were missed before it. While the severity asks for no updates the
    /// clock is cancelled and nothing is stopped: what was missed before was over then.
    fn answer_update(&mut self, fact: &Fact, ends: bool) -> Result<(), CalendarError> {
        let unanswered = self.finished.iter_mut().skip(self.past_answer);
        for lap in unanswered.filter(|_| self.commitment.is_some()) {
            if lap.verdict == Some(Verdict::Missed) && lap.stopped_at.is_none() {
                lap.stopped_at = Some(fact.at);
                lap.ended_at = lap.ended_at.or(Some(fact.at));
            }
        }
        self.past_answer = self.finished.len();
        if let Some(lap) = self.lap.as_mut().filter(|_| self.commitment.is_some()) {
            lap.stopped_at = Some(fact.at);
            lap.ended_at = Some(fact.at);
            lap.spent = lap.track.spent(fact.at)?;
            lap.seqs = self.seqs.clone();
            if !ends {
                lap.verdict = Some(Verdict::Met);
            }
        }
        if ends {
            self.status = Status::Stopped(fact.at);
            return Ok(());
        }
        self.next_interval(fact.at)
    }

    pub(super) fn reopen(&mut self, fact: &Fact) -> Result<(), CalendarError> {
        if self.metric == Metric::RootCause {
            return match self.status {
                Status::Pending => Ok(()),
                _ => self.pend(fact),
            };
        }
        self.confirm();
        let Status::Stopped(stopped) = self.status else {
            return Ok(());
        };
        if self.metric == Metric::Respond {
            return Ok(());
        }
        self.seqs.push(fact.seq);
        self.status = Status::Open;
        let policy = self.promise.on_reopen;
        self.note(fact.at, Some(fact.seq), || Turn::Reopened {
            stopped,
            policy,
        });
        let deferred = std::mem::take(&mut self.deferred);
        let restart = self.promise.on_reopen == OnReopen::Restart;
        if self.metric == Metric::Update || restart {
            return self.start_afresh(fact.at, deferred);
        }
        if let Some(lap) = &mut self.lap {
            lap.stopped_at = None;
            lap.verdict = lap.breached_at.map(|_| Verdict::Missed);
            // Without a commitment it had ended before it was stopped.
            if self.commitment.is_some() {
                lap.ended_at = None;
            }
        }
        if self.promise.on_reopen == OnReopen::Continue {
            let gap = Held {
                from: stopped,
                to: Some(fact.at),
            };
            self.holds.push((None, gap));
        }
        self.recount()?;
        for change in deferred {
            match change {
                Deferred::Severity(at, severity) => {
                    self.advance(at, Reach::Past)?;
                    self.change_severity(at, severity)?;
                }
                Deferred::Edit(at) => {
                    self.advance(at, Reach::Past)?;
                    self.edit_calendar(at)?;
                }
            }
        }
        Ok(())
    }

    /// A new interval of `update`, or a new run, under the severity and calendars of that moment.
    fn start_afresh(
        &mut self,
        at: Moment,
        deferred: Vec<Deferred<'a>>,
    ) -> Result<(), CalendarError> {
        self.known = at;
        for change in deferred {
            if let Deferred::Severity(_, severity) = change {
                self.severity = severity;
            }
        }
        self.commitment = self.commitment_now();
        if self.metric == Metric::Update {
            return self.next_interval(at);
        }
        if self.lap.is_some() {
            self.run += 1;
        }
        self.close_lap();
        self.begin_lap(at)
    }

    pub(super) fn cancel(&mut self, fact: &Fact) -> Result<(), CalendarError> {
        self.seqs.push(fact.seq);
        let void = fact.void;
        self.note(fact.at, Some(fact.seq), || Turn::Cancelled { void });
        self.confirm();
        if matches!(self.status, Status::Pending | Status::Open) {
            self.status = Status::Cancelled;
            if let Some(lap) = self.lap.as_mut().filter(|lap| lap.ended_at.is_none()) {
                lap.spent = lap.track.spent(fact.at)?;
                if lap.verdict.is_none() {
                    lap.due_at = None;
                }
            }
            self.end_laps(fact.at);
        }
        if fact.void {
            self.status = Status::Cancelled;
            for lap in self.finished.iter_mut().chain(&mut self.lap) {
                lap.verdict = None;
                lap.breached_at = None;
                lap.due_at = None;
            }
        }
        Ok(())
    }
}
