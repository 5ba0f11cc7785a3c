//! Laps begun, and counted again when a hold, a severity or a calendar changed.

use std::sync::Arc;

use super::super::super::CalendarId;
use super::super::super::calendar::CalendarError;
use super::super::super::calendar_book::View;
use super::super::super::terms::{ClockStop, Commitment, Target};
use super::super::Lap;
use super::super::track::{Held, Track, clip};
use super::{Status, Turn, Walk};
use crate::time::{Micros, Moment};

impl<'a> Walk<'a> {
    /// Begins a run or an interval at that moment.
    pub(super) fn begin_lap(&mut self, at: Moment) -> Result<(), CalendarError> {
        self.origin = at;
        self.note(at, None, || Turn::Begun);
        self.share = None;
        self.lap = None;
        if let Some(commitment) = self.commitment.clone() {
            self.rebase(commitment, at, 0)?;
        }
        Ok(())
    }

    /// Ends the present interval and begins the next.
    pub(super) fn next_interval(&mut self, at: Moment) -> Result<(), CalendarError> {
        if self.lap.is_some() {
            self.interval += 1;
        }
        self.close_lap();
        self.begin_lap(at)
    }

    pub(super) fn close_lap(&mut self) {
        self.finished.extend(self.lap.take());
    }

    /// Counts the present lap from `base` under that commitment, with part of the budget used.
    pub(super) fn rebase(
        &mut self,
        commitment: Arc<Commitment>,
        base: Moment,
        carried: Micros,
    ) -> Result<(), CalendarError> {
        (self.base, self.carried) = (base, carried);
        let view = self.view_of(commitment.calendar_id);
        let (start, budget, written) = match commitment.target {
            Target::OpenTime(budget) => (base, budget, None),
            Target::BusinessDays { days, at } => {
                let day = view.calendar.business_days(base, days, at)?;
                let budget = view.calendar.open_between(day.start, day.due)?;
                (day.start, budget, Some(day.due))
            }
        };
        let track = Track {
            calendar: Arc::clone(&view.calendar),
            base: start,
            carried: carried.min(budget),
            budget,
            written,
            holds: held_by(&self.holds, &commitment, start),
        };
        let due_at = match (track.due()?, self.not_before) {
            (Some(due), Some(floor)) if due < floor => not_held(floor, &track.holds),
            (due, _) => due,
        };
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
            followed: false,
            confirmed_by: None,
            verdict: None,
            provisional: due_at.is_some_and(|due| view.calendar.is_provisional(due)),
            seqs: Vec::new(),
            track,
            commitment,
        });
        Ok(())
    }

    /// The calendar as it is known by now.
    fn view_of(&mut self, id: CalendarId) -> &'a View {
        match self.asked {
            Some((asked, known, view)) if (asked, known) == (id, self.known) => view,
            _ => {
                let view = self.book.view(id, self.known);
                self.asked = Some((id, self.known, view));
                view
            }
        }
    }

    /// Counts again after a hold or a calendar changed.
    ///
    /// The deadline of a breached lap stands; its lateness still leaves out what is held.
    pub(super) fn recount(&mut self) -> Result<(), CalendarError> {
        self.refresh_holds();
        match (&self.lap, &self.commitment) {
            (Some(lap), Some(commitment))
                if self.status == Status::Open && lap.verdict.is_none() =>
            {
                self.rebase(Arc::clone(commitment), self.base, self.carried)
            }
            _ => Ok(()),
        }
    }

    /// Gives all laps that were not stopped the holds that are known by now.
    pub(super) fn refresh_holds(&mut self) {
        for lap in self.finished.iter_mut().chain(&mut self.lap) {
            if lap.stopped_at.is_none() {
                lap.track.holds = held_by(&self.holds, &lap.commitment, lap.track.base);
            }
        }
    }
}

/// What holds a lap under that commitment from `base` on.
fn held_by(
    holds: &[(Option<&ClockStop>, Held)],
    commitment: &Commitment,
    base: Moment,
) -> Vec<Held> {
    let counts =
        |ground: &Option<&ClockStop>| ground.is_none_or(|ground| commitment.may_be_held_by(ground));
    let counting = holds.iter().filter(|(ground, _)| counts(ground));
    clip(counting.map(|(_, held)| *held), base)
}

/// That moment, or the end of the hold it lies in; nothing while that lasts.
fn not_held(at: Moment, holds: &[Held]) -> Option<Moment> {
    let around = holds
        .iter()
        .find(|hold| hold.from < at && hold.to.is_none_or(|to| to > at));
    around.map_or(Some(at), |hold| hold.to)
}
