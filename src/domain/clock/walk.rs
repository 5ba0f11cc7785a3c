//! The walk through the facts that judges one clock.

use std::sync::Arc;

use super::super::calendar::CalendarError;
use super::super::calendar_book::CalendarBook;
use super::super::terms::{Commitment, OnReopen, OnSeverityChange, Promise, Target};
use super::super::timeline::Fact;
use super::super::words::{ClockState, EventKind, Metric};
use super::track::{Held, Track, clip};
use super::{Clock, Lap, Verdict};
use crate::time::{Micros, Moment};

/// Judges the clock of one metric; `facts` begin with the report of the case.
pub(super) fn walk(
    metric: Metric,
    promise: &Promise,
    facts: &[&Fact],
    book: &CalendarBook,
    now: Moment,
) -> Result<Option<Clock>, CalendarError> {
    let Some(severity) = facts.first().and_then(|fact| fact.severity.clone()) else {
        return Ok(None);
    };
    let mut walk = Walk::start(metric, promise, book, severity, facts[0])?;
    let mut edits = edits(promise, book, facts[0].at, now)
        .into_iter()
        .peekable();
    let mut rest = &facts[1..];
    loop {
        let next_fact = rest.first().map(|fact| fact.at);
        match (edits.peek().copied(), next_fact) {
            (Some(edit), fact) if fact.is_none_or(|at| edit <= at) => {
                edits.next();
                walk.advance(edit, Reach::Past)?;
                walk.calendar_edited(edit)?;
            }
            (_, Some(at)) => {
                let moment = rest.iter().take_while(|fact| fact.at == at).count();
                let (together, later) = rest.split_at(moment);
                // An answer at the very due moment is in time, whatever else that moment holds.
                let answered = together.iter().any(|fact| answers(metric, fact.kind));
                walk.advance(at, if answered { Reach::Before } else { Reach::Past })?;
                for fact in together {
                    walk.apply(fact)?;
                }
                rest = later;
            }
            _ => break,
        }
    }
    walk.advance(now, Reach::Past)?;
    walk.finish(now)
}

/// Whether a due moment equal to the one walked to has been reached.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Before,
    Past,
}

/// Whether an event of that kind stops a clock of that metric, or ends an interval of `update`.
fn answers(metric: Metric, kind: EventKind) -> bool {
    use EventKind::{Resolved, Responded, Restored, Updated, WorkedAround};
    match metric {
        Metric::Respond | Metric::Update => {
            matches!(
                kind,
                Responded | Updated | WorkedAround | Restored | Resolved
            )
        }
        Metric::Workaround => matches!(kind, WorkedAround | Restored | Resolved),
        Metric::Restore => matches!(kind, Restored | Resolved),
        Metric::Resolve => matches!(kind, Resolved),
    }
}

/// The moments at which a calendar of the terms was edited while the clock lived, in order.
fn edits(promise: &Promise, book: &CalendarBook, from: Moment, now: Moment) -> Vec<Moment> {
    let mut moments: Vec<Moment> = promise
        .calendars()
        .into_iter()
        .flat_map(|id| book.edits(id).collect::<Vec<_>>())
        .filter(|at| *at > from && *at <= now)
        .collect();
    moments.sort();
    moments.dedup();
    moments
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    Open,
    Stopped(Moment),
    Cancelled,
}

struct Walk<'a> {
    metric: Metric,
    promise: &'a Promise,
    book: &'a CalendarBook,
    severity: String,
    /// The commitment for the severity of the moment; none: the clock is cancelled meanwhile.
    commitment: Option<Arc<Commitment>>,
    /// Calendar revisions made up to here are known.
    known: Moment,
    status: Status,
    /// Permitted clock stops, and the gaps of reopenings that do not count (without a code).
    holds: Vec<(Option<String>, Held)>,
    /// A calendar edit never puts a deadline before itself.
    not_before: Option<Moment>,
    /// Severity changes that came while the clock was stopped; they matter when it is reopened.
    deferred: Vec<(Moment, String)>,
    finished: Vec<Lap>,
    lap: Option<Lap>,
    /// Where the present run or interval began.
    origin: Moment,
    run: i32,
    interval: i32,
    /// Share of the budget used when the commitment fell away, for `carry_fraction`.
    share: Option<(Micros, Micros)>,
    seqs: Vec<i64>,
}

impl<'a> Walk<'a> {
    fn start(
        metric: Metric,
        promise: &'a Promise,
        book: &'a CalendarBook,
        severity: String,
        reported: &Fact,
    ) -> Result<Self, CalendarError> {
        let mut walk = Self {
            metric,
            promise,
            book,
            commitment: promise.commitment(metric, &severity).cloned().map(Arc::new),
            severity,
            known: reported.at,
            status: Status::Open,
            holds: Vec::new(),
            not_before: None,
            deferred: Vec::new(),
            finished: Vec::new(),
            lap: None,
            origin: reported.at,
            run: 1,
            interval: 1,
            share: None,
            seqs: vec![reported.seq],
        };
        walk.begin_lap(reported.at)?;
        Ok(walk)
    }

    /// Begins a run or an interval at that moment.
    fn begin_lap(&mut self, at: Moment) -> Result<(), CalendarError> {
        self.origin = at;
        self.not_before = None;
        self.share = None;
        self.lap = None;
        if let Some(commitment) = self.commitment.clone() {
            self.rebase(commitment, at, 0)?;
        }
        Ok(())
    }

    /// Counts the present lap from `base` under that commitment, with part of the budget used.
    fn rebase(
        &mut self,
        commitment: Arc<Commitment>,
        base: Moment,
        carried: Micros,
    ) -> Result<(), CalendarError> {
        let view = self.book.view(commitment.calendar_id, self.known);
        let (budget, written) = match commitment.target {
            Target::OpenTime(budget) => (budget, None),
            Target::BusinessDays { days, at } => {
                let day = view.calendar.business_days(base, days, at)?;
                (view.calendar.open_between(base, day.due)?, Some(day.due))
            }
        };
        let holds = holds_for(&self.holds, self.promise, &commitment);
        let track = Track {
            calendar: Arc::clone(&view.calendar),
            base,
            carried: carried.min(budget),
            budget,
            written,
            holds: clip(&holds, base),
        };
        let mut due_at = track.due()?;
        if let (Some(due), Some(floor)) = (due_at, self.not_before)
            && due < floor
        {
            let held = track.holds.last();
            due_at = match held {
                Some(Held { to: None, .. }) => None,
                Some(Held { to: Some(to), .. }) => Some(floor.max(*to)),
                None => Some(floor),
            };
        }
        self.lap = Some(Lap {
            run: self.run,
            interval: self.interval,
            revision: view.revision,
            started_at: self.origin,
            due_at,
            budget,
            spent: 0,
            breached_at: None,
            stopped_at: None,
            ended_at: None,
            verdict: None,
            provisional: due_at.is_some_and(|due| is_provisional(&view.calendar, due)),
            seqs: Vec::new(),
            track,
            commitment,
        });
        Ok(())
    }

    /// Counts again after a hold or a calendar changed.
    fn recount(&mut self) -> Result<(), CalendarError> {
        self.refresh_holds();
        let counts = self.status == Status::Open && self.commitment.is_some();
        match &self.lap {
            // The deadline of a lap that ran out stands, and one that has ended has none to move.
            Some(lap) if counts && lap.verdict.is_none() => {
                let (commitment, base, carried) = (
                    Arc::clone(&lap.commitment),
                    lap.track.base,
                    lap.track.carried,
                );
                self.rebase(commitment, base, carried)
            }
            _ => Ok(()),
        }
    }

    /// Lateness leaves out what is held, also for laps that ran out and were not answered yet.
    fn refresh_holds(&mut self) {
        let (holds, promise) = (&self.holds, self.promise);
        let open = self
            .finished
            .iter_mut()
            .filter(|lap| lap.stopped_at.is_none());
        for lap in open.chain(&mut self.lap) {
            let held = holds_for(holds, promise, &lap.commitment);
            lap.track.holds = clip(&held, lap.track.base);
        }
    }

    /// Walks to that moment: due moments on the way are breaches.
    fn advance(&mut self, to: Moment, reach: Reach) -> Result<(), CalendarError> {
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
            if let Some(before) = self
                .finished
                .last_mut()
                .filter(|lap| lap.stopped_at.is_none())
            {
                before.ended_at = Some(due);
            }
            let endless = lap.budget == 0;
            self.close_lap();
            self.interval += 1;
            self.begin_lap(due)?;
            // An interval without length would breach for ever at one moment; the terms refuse it.
            if endless {
                self.status = Status::Cancelled;
            }
        }
        Ok(())
    }

    fn close_lap(&mut self) {
        self.finished.extend(self.lap.take());
    }

    fn apply(&mut self, fact: &Fact) -> Result<(), CalendarError> {
        if self.status == Status::Cancelled && fact.kind != EventKind::Cancelled {
            return Ok(());
        }
        match fact.kind {
            EventKind::Paused => self.pause(fact)?,
            EventKind::Resumed => self.resume(fact)?,
            EventKind::SeverityChanged => {
                if let Some(severity) = &fact.severity {
                    self.seqs.push(fact.seq);
                    self.severity_changed(fact.at, severity.clone())?;
                }
            }
            EventKind::Reopened => self.reopen(fact)?,
            EventKind::Cancelled => self.cancel(fact),
            kind if answers(self.metric, kind) => self.answer(fact)?,
            _ => {}
        }
        Ok(())
    }

    fn pause(&mut self, fact: &Fact) -> Result<(), CalendarError> {
        let Some(stop) = fact
            .stop
            .as_deref()
            .and_then(|code| self.promise.clock_stop(code))
        else {
            return Ok(());
        };
        let agreed = matches!(fact.answer, Some((EventKind::Agreed, _)));
        let held = |(code, held): &(Option<String>, Held)| {
            code.as_ref() == Some(&stop.code) && held.to.is_none()
        };
        if !stop.metrics.contains(&self.metric)
            || (stop.needs_agreement && !agreed)
            || self.holds.iter().any(held)
        {
            return Ok(());
        }
        self.seqs.push(fact.seq);
        self.seqs.extend(fact.answer.map(|(_, seq)| seq));
        let hold = Held {
            from: fact.at,
            to: None,
        };
        self.holds.push((Some(stop.code.clone()), hold));
        self.recount()
    }

    fn resume(&mut self, fact: &Fact) -> Result<(), CalendarError> {
        let mut ended = false;
        for (code, held) in &mut self.holds {
            if held.to.is_none() && (fact.stop.is_none() || *code == fact.stop) {
                held.to = Some(fact.at);
                ended = true;
            }
        }
        if !ended {
            return Ok(());
        }
        self.seqs.push(fact.seq);
        self.recount()
    }

    fn severity_changed(&mut self, at: Moment, severity: String) -> Result<(), CalendarError> {
        if let Status::Stopped(_) = self.status {
            self.deferred.push((at, severity));
            return Ok(());
        }
        self.severity = severity;
        let before = self.lap.clone().filter(|_| self.commitment.is_some());
        let next = self
            .promise
            .commitment(self.metric, &self.severity)
            .cloned()
            .map(Arc::new);
        self.commitment = next.clone();
        if let Some(lap) = &mut self.lap {
            lap.ended_at = next.is_none().then_some(at);
        }
        if next.is_none() {
            for lap in &mut self.finished {
                lap.ended_at = lap.ended_at.or(Some(at));
            }
        }
        // What is breached keeps its breach and its due moment.
        if self.lap.as_ref().is_some_and(|lap| lap.verdict.is_some()) {
            return Ok(());
        }
        if let Some(lap) = &before {
            self.share = Some((lap.track.spent(at)?.min(lap.budget), lap.budget));
        }
        let Some(next) = next else {
            return Ok(());
        };
        self.not_before = None;
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
        if self
            .lap
            .as_ref()
            .and_then(|lap| lap.due_at)
            .is_some_and(|due| due <= at)
        {
            self.rebase(next, at, 0)?;
        }
        Ok(())
    }

    fn calendar_edited(&mut self, at: Moment) -> Result<(), CalendarError> {
        self.known = at;
        let Some(lap) = self
            .lap
            .as_ref()
            .filter(|lap| lap.verdict != Some(Verdict::Missed))
        else {
            return Ok(());
        };
        if self.book.view(lap.commitment.calendar_id, at).revision != lap.revision {
            self.not_before = Some(at);
            self.recount()?;
        }
        Ok(())
    }

    fn answer(&mut self, fact: &Fact) -> Result<(), CalendarError> {
        let ends = matches!(fact.kind, EventKind::Restored | EventKind::Resolved);
        if ends {
            // They end the pauses of the metrics they stop.
            for (_, held) in &mut self.holds {
                held.to = held.to.or(Some(fact.at));
            }
        }
        if self.status != Status::Open {
            return Ok(());
        }
        self.seqs.push(fact.seq);
        if self.metric == Metric::Update {
            return self.answer_update(fact, ends);
        }
        self.status = Status::Stopped(fact.at);
        self.refresh_holds();
        if let Some(lap) = self.lap.as_mut().filter(|_| self.commitment.is_some()) {
            lap.stopped_at = Some(fact.at);
            lap.ended_at = Some(fact.at);
            lap.verdict = lap.verdict.or(Some(Verdict::Met));
            lap.spent = lap.track.spent(fact.at)?;
            if lap.verdict == Some(Verdict::Met) {
                lap.seqs = self.seqs.clone();
            }
        }
        Ok(())
    }

    /// An update ends the interval and begins the next; the last, cut short, counts for nothing.
    fn answer_update(&mut self, fact: &Fact, ends: bool) -> Result<(), CalendarError> {
        for lap in &mut self.finished {
            if lap.verdict == Some(Verdict::Missed) && lap.stopped_at.is_none() {
                lap.stopped_at = Some(fact.at);
                lap.ended_at = lap.ended_at.or(Some(fact.at));
            }
        }
        self.refresh_holds();
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
        self.close_lap();
        self.interval += 1;
        self.begin_lap(fact.at)
    }

    fn reopen(&mut self, fact: &Fact) -> Result<(), CalendarError> {
        let Status::Stopped(stopped) = self.status else {
            return Ok(());
        };
        if self.metric == Metric::Respond {
            return Ok(());
        }
        self.seqs.push(fact.seq);
        self.status = Status::Open;
        let deferred = std::mem::take(&mut self.deferred);
        let restart = self.promise.on_reopen == OnReopen::Restart;
        if self.metric == Metric::Update || restart {
            if let Some((_, severity)) = deferred.into_iter().next_back() {
                self.severity = severity;
            }
            self.commitment = self
                .promise
                .commitment(self.metric, &self.severity)
                .cloned()
                .map(Arc::new);
            self.close_lap();
            if self.metric == Metric::Update {
                self.interval += 1;
            } else {
                self.run += 1;
            }
            return self.begin_lap(fact.at);
        }
        if let Some(lap) = &mut self.lap {
            lap.stopped_at = None;
            if self.commitment.is_some() {
                lap.ended_at = None;
            }
            lap.verdict = lap.breached_at.map(|_| Verdict::Missed);
        }
        if self.promise.on_reopen == OnReopen::Continue {
            let gap = Held {
                from: stopped,
                to: Some(fact.at),
            };
            self.holds.push((None, gap));
        }
        self.recount()?;
        for (at, severity) in deferred {
            self.advance(at, Reach::Past)?;
            self.severity_changed(at, severity)?;
        }
        Ok(())
    }

    fn cancel(&mut self, fact: &Fact) {
        self.seqs.push(fact.seq);
        if self.status == Status::Open {
            self.status = Status::Cancelled;
            for lap in &mut self.finished {
                lap.ended_at = lap.ended_at.or(Some(fact.at));
            }
            if let Some(lap) = &mut self.lap {
                lap.ended_at = lap.ended_at.or(Some(fact.at));
                lap.spent = lap.track.spent(fact.at).unwrap_or(lap.spent);
                if lap.verdict.is_none() {
                    lap.due_at = None;
                }
            }
        }
        if fact.void {
            self.status = Status::Cancelled;
            for lap in self.finished.iter_mut().chain(&mut self.lap) {
                lap.verdict = None;
                lap.breached_at = None;
                lap.due_at = None;
            }
        }
    }

    fn finish(mut self, now: Moment) -> Result<Option<Clock>, CalendarError> {
        let gone = self.commitment.is_none();
        let held = self
            .lap
            .as_ref()
            .is_some_and(|lap| lap.track.holds.last().is_some_and(|hold| hold.to.is_none()));
        let open = self.status == Status::Open && !gone;
        if let Some(lap) = &mut self.lap {
            if open {
                lap.spent = lap.track.spent(now)?;
            } else if self.status == Status::Open && lap.verdict.is_none() {
                lap.due_at = None;
            }
            if lap.seqs.is_empty() {
                lap.seqs = self.seqs.clone();
            }
        }
        for lap in &mut self.finished {
            if lap.stopped_at.is_none() && lap.verdict == Some(Verdict::Missed) {
                lap.spent = lap.budget;
            }
        }
        self.close_lap();
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
            Status::Open if gone => ClockState::Cancelled,
            Status::Open if held => ClockState::Paused,
            Status::Open => ClockState::Running,
            Status::Stopped(_) if gone => ClockState::Cancelled,
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

/// The stretches that may hold that commitment: its permitted clock stops, and the gaps of reopenings.
fn holds_for(
    holds: &[(Option<String>, Held)],
    promise: &Promise,
    commitment: &Commitment,
) -> Vec<Held> {
    holds
        .iter()
        .filter(|(code, _)| match code {
            None => true,
            Some(code) => promise
                .clock_stop(code)
                .is_some_and(|stop| commitment.may_be_held_by(stop)),
        })
        .map(|(_, held)| *held)
        .collect()
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

fn is_provisional(calendar: &super::super::calendar::Calendar, due: Moment) -> bool {
    calendar
        .reaches()
        .is_some_and(|last| due.date_in(calendar.zone()) > last)
}
