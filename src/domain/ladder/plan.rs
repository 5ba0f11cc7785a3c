//! Which steps of a ladder are due for a clock, and when to look again.

use std::collections::BTreeMap;

use super::super::calendar::CalendarError;
use super::super::clock::{Clock, Lap};
use super::super::words::Metric;
use super::step::{Direction, Measured, Step, Until, When};
use crate::time::{HOUR, Micros, Moment};

/// How long an acknowledgement keeps letters from our own side.
const ACKNOWLEDGED_FOR: Micros = 2 * HOUR;

/// The present generation of a clock: a severity change, a reopening or a withdrawn breach begins the
/// next one, and a step that was taken in a generation is not taken in it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation {
    /// 1 for the first.
    pub number: i32,
    /// When it began.
    pub began: Moment,
}

/// One of us has taken an escalation of this clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// When it was recorded.
    pub at: Moment,
    /// Number of its event.
    pub seq: i64,
}

impl Acknowledged {
    /// When it expires.
    pub fn until(self) -> Moment {
        self.at + ACKNOWLEDGED_FOR
    }

    fn holds_at(self, moment: Moment) -> bool {
        (self.at..self.until()).contains(&moment)
    }
}

text_enum! {
    /// What became of a step.
    Deed {
        /// Its audience was told.
        Told = "told",
        /// It has nobody to tell; the next step was brought forward.
        Empty = "empty",
        /// Its moment lies before the start of the clock.
        Early = "early",
        /// Its moment lies before the present generation, in which the clock had run out already.
        Passed = "passed",
        /// An acknowledgement expired while the clock was still open.
        Reminded = "reminded",
    }
}

/// Whom a step has to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Nobody.
    Nobody,
    /// Only the vendor.
    Vendor,
    /// Somebody of ours, perhaps the vendor too.
    WithOurs,
}

/// Names a step of a clock within a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Taken {
    /// Run of the clock.
    pub run: i32,
    /// Interval of `update`.
    pub interval: i32,
    /// Place on the ladder from 0; −1 for the reminder after an acknowledgement.
    pub step: i32,
    /// 0 for the step itself; for a reminder the number of the acknowledgement's event.
    pub repeat: i32,
}

/// What became of the ladder of a clock in its present generation so far.
#[derive(Clone, Copy, Debug)]
pub struct Past<'a> {
    /// The present generation.
    pub generation: Generation,
    /// The steps taken in it.
    pub taken: &'a BTreeMap<Taken, Deed>,
    /// The acknowledgements recorded in it.
    pub acknowledged: &'a [Acknowledged],
}

/// A step that is due and not taken yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Which one.
    pub key: Taken,
    /// The place on the ladder whose audience it concerns.
    pub step: usize,
    /// The moment it was for.
    pub planned_at: Moment,
    /// What becomes of it.
    pub deed: Deed,
    /// Whether an acknowledgement keeps it from our own side.
    pub acknowledged: bool,
}

/// What a ladder asks for now.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Steps to take, in order of their moment.
    pub due: Vec<Due>,
    /// When the next one falls due, as far as that is known.
    pub next: Option<Moment>,
}

/// Works out which steps are due for that clock and when the next one is.
///
/// `audience` says whom a step has to tell, and
/// `noticed` when the register learnt that a lap had run out.
///
/// # Errors
/// When a calendar has no open time within its horizon.
pub fn plan(
    ladder: &[Step],
    clock: &Clock,
    past: &Past<'_>,
    now: Moment,
    audience: impl Fn(usize) -> Audience,
    noticed: impl Fn(&Lap) -> Option<Moment>,
) -> Result<Plan, CalendarError> {
    let mut planner = Planner {
        ladder,
        clock,
        taken: past.taken,
        generation: past.generation,
        acknowledged: past.acknowledged,
        now,
        audience: &audience,
        noticed: &noticed,
        plan: Plan::default(),
    };
    for lap in clock.laps.iter().filter(|lap| !clock.is_pending(lap)) {
        let lives = lap
            .ended_at
            .is_none_or(|ended| ended > past.generation.began);
        if lives || planner.is_news(lap) {
            planner.lap(lap)?;
        }
    }
    planner.reminders()?;
    planner
        .plan
        .due
        .sort_by_key(|due| (due.planned_at, due.key));
    Ok(planner.plan)
}

struct Planner<'a> {
    ladder: &'a [Step],
    clock: &'a Clock,
    taken: &'a BTreeMap<Taken, Deed>,
    generation: Generation,
    acknowledged: &'a [Acknowledged],
    now: Moment,
    audience: &'a dyn Fn(usize) -> Audience,
    noticed: &'a dyn Fn(&Lap) -> Option<Moment>,
    plan: Plan,
}

/// When a step is for, as far as the clock tells.
enum Place {
    At(Moment),
    BeforeStart,
    Unknown,
}

impl<'a> Planner<'a> {
    fn lap(&mut self, lap: &Lap) -> Result<(), CalendarError> {
        let mut places: Vec<(Moment, usize)> = Vec::new();
        for (index, step) in self.ladder.iter().enumerate() {
            if !step.applies_to(self.clock.metric, &lap.commitment.severity) {
                continue;
            }
            // What was over in time has no deadline behind it, not even at its last moment.
            let in_time = lap.ended_at.is_some() && lap.breached_at.is_none();
            if in_time && step.when.direction() != Direction::Before {
                continue;
            }
            // An amount gives no warning: it is known only once it is too much.
            if self.clock.metric == Metric::DataLoss && step.when.direction() == Direction::Before {
                continue;
            }
            match found(place(step.when, lap))?.unwrap_or_else(|| never(step.when)) {
                Place::At(at) => places.push((at, index)),
                Place::BeforeStart => self.take(lap, index, 0, lap.started_at, Deed::Early),
                Place::Unknown => {}
            }
        }
        places.sort();
        let mut pulled: Option<Moment> = None;
        for (at, index) in places {
            let step = &self.ladder[index];
            let mut planned = at;
            if let Some(pull) = pulled {
                planned = planned.min(match (step.when.direction(), lap.due_at) {
                    (Direction::At | Direction::After, Some(due)) => pull.max(due),
                    _ => pull,
                });
            }
            let mut passed = false;
            if planned < self.generation.began {
                passed = (self.noticed)(lap).is_some_and(|noticed| noticed < self.generation.began);
                // A deadline that passed unnoticed keeps its moment: the letter says how late it is.
                let ran_out = lap
                    .breached_at
                    .is_some_and(|breached| breached < self.generation.began);
                if passed || !ran_out {
                    planned = planned.max(self.generation.began);
                }
            }
            let key = key(lap, index, 0);
            let before = self.taken.get(&key).copied();
            if before.is_none() && !self.has_come(lap, planned) {
                // What comes later is looked at again then; its audience may have changed.
                pulled = None;
                continue;
            }
            let deed = match before {
                Some(deed) => deed,
                None if passed => Deed::Passed,
                None if (self.audience)(index) == Audience::Nobody => Deed::Empty,
                None => Deed::Told,
            };
            self.take(lap, index, 0, planned, deed);
            pulled = (deed == Deed::Empty).then_some(planned);
            if matches!(deed, Deed::Told | Deed::Passed) {
                self.repeats(lap, index, planned)?;
            }
        }
        Ok(())
    }

    /// Whether the lap ran out unnoticed until this generation: somebody still has to be told.
    fn is_news(&self, lap: &Lap) -> bool {
        lap.breached_at.is_some()
            && (self.noticed)(lap).is_some_and(|noticed| noticed >= self.generation.began)
    }

    fn repeats(&mut self, lap: &Lap, index: usize, first: Moment) -> Result<(), CalendarError> {
        let step = &self.ladder[index];
        let Some(repeat) = step.repeat else {
            return Ok(());
        };
        for number in 1..=repeat.times {
            let offset = repeat.every.saturating_mul(i64::from(number));
            let at = match step.when.measured() {
                Measured::Elapsed => Some(first + offset),
                Measured::Open => found(lap.track.after(first, offset))?.flatten(),
            };
            let Some(at) = at else { break };
            if at < self.generation.began {
                continue;
            }
            let come = self.has_come(lap, at);
            if come {
                self.take(
                    lap,
                    index,
                    i32::try_from(number).unwrap_or(i32::MAX),
                    at,
                    Deed::Told,
                );
            } else {
                break;
            }
        }
        Ok(())
    }

    /// Whether the moment has come while the lap was still going; notes when to look again if not.
    ///
    /// What happens at the very moment of a step comes before it. A deadline is none of that: the one of
    /// the next interval takes no step away, and a breach is told even if its moment was the last.
    fn has_come(&mut self, lap: &Lap, at: Moment) -> bool {
        let over = |ended| match at == ended {
            true => !lap.followed && lap.breached_at != Some(at),
            false => at > ended,
        };
        if lap.ended_at.is_some_and(over) {
            return false;
        }
        if at > self.now {
            self.look_again(at);
            return false;
        }
        true
    }

    fn look_again(&mut self, at: Moment) {
        self.plan.next = Some(self.plan.next.map_or(at, |next| next.min(at)));
    }

    fn take(&mut self, lap: &Lap, index: usize, repeat: i32, planned_at: Moment, deed: Deed) {
        let key = key(lap, index, repeat);
        if self.taken.contains_key(&key) || planned_at > self.now {
            return;
        }
        let bounded = match self.ladder[index].repeat {
            Some(how) if repeat > 0 => how.until == Until::Acknowledged,
            _ => true,
        };
        self.plan.due.push(Due {
            key,
            step: index,
            planned_at,
            deed,
            acknowledged: bounded && self.acknowledged.iter().any(|ack| ack.holds_at(planned_at)),
        });
    }

    /// When an acknowledgement expires and the clock is still open, the audience of the highest step
    /// passed is told once more; unless it was renewed before.
    ///
    /// It is judged as of its own moment, so that a sleep of the engine takes no reminder away.
    fn reminders(&mut self) -> Result<(), CalendarError> {
        for ack in self.acknowledged.iter().copied() {
            let until = ack.until();
            let renewed = |other: &Acknowledged| other.seq > ack.seq && other.at <= until;
            if self.acknowledged.iter().any(renewed) {
                continue;
            }
            let Some(lap) = self.open_at(until) else {
                continue;
            };
            if until > self.now {
                self.look_again(until);
                continue;
            }
            let key = Taken {
                run: lap.run,
                interval: lap.interval,
                step: -1,
                repeat: i32::try_from(ack.seq).unwrap_or(i32::MAX),
            };
            if let Some(step) = self.highest(lap, until)?
                && !self.taken.contains_key(&key)
            {
                self.plan.due.push(Due {
                    key,
                    step,
                    planned_at: until,
                    deed: Deed::Reminded,
                    acknowledged: false,
                });
            }
        }
        Ok(())
    }

    /// The lap that was going at that moment, one that had run out before one that had not: for
    /// `update` the interval that ran out is never the present one.
    fn open_at(&self, moment: Moment) -> Option<&'a Lap> {
        let going = |lap: &&Lap| {
            lap.started_at <= moment && lap.ended_at.is_none_or(|ended| ended > moment)
        };
        let ran_out = |lap: &&Lap| lap.breached_at.is_some_and(|at| at <= moment);
        let clock = self.clock;
        let laps = || clock.laps.iter().rev().filter(going);
        laps().find(ran_out).or_else(|| laps().next())
    }

    /// The highest step of ours that a lap had passed at that moment.
    fn highest(&self, lap: &Lap, moment: Moment) -> Result<Option<usize>, CalendarError> {
        let mut highest: Option<(Moment, usize)> = None;
        for (index, step) in self.ladder.iter().enumerate() {
            if step.applies_to(self.clock.metric, &lap.commitment.severity)
                && (self.audience)(index) == Audience::WithOurs
                && let Some(Place::At(at)) = found(place(step.when, lap))?
                && at <= moment
            {
                highest = highest.max(Some((at, index)));
            }
        }
        Ok(highest.map(|(_, index)| index))
    }
}

fn key(lap: &Lap, index: usize, repeat: i32) -> Taken {
    Taken {
        run: lap.run,
        interval: lap.interval,
        step: i32::try_from(index).unwrap_or(i32::MAX),
        repeat,
    }
}

/// What was found, or nothing where the search ended: a step so far away must not keep a breach from being
/// entered.
fn found<T>(searched: Result<T, CalendarError>) -> Result<Option<T>, CalendarError> {
    match searched {
        Ok(found) => Ok(Some(found)),
        Err(CalendarError::NoOpenTime { .. } | CalendarError::OutOfRange { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Where a step lies that is not found within ten years of the deadline.
fn never(when: When) -> Place {
    match when {
        When::BeforeDue(..) => Place::BeforeStart,
        _ => Place::Unknown,
    }
}

fn place(when: When, lap: &Lap) -> Result<Place, CalendarError> {
    let known = |at: Option<Moment>| at.map_or(Place::Unknown, Place::At);
    let Some(due) = lap.due_at else {
        // A held clock has no deadline, but a share of its budget may have been used up before.
        return match when {
            When::Percent(percent) if percent < 100 => {
                lap.track.reach(share(lap.budget, percent)).map(known)
            }
            _ => Ok(Place::Unknown),
        };
    };
    Ok(match when {
        When::Percent(percent) if percent < 100 => known(
            lap.track
                .reach(share(lap.budget, percent))?
                .map(|at| at.min(due)),
        ),
        When::Percent(percent) => known(lap.track.after(due, share(lap.budget, percent - 100))?),
        When::AtDue => Place::At(due),
        When::BeforeDue(offset, Measured::Open) => lap
            .track
            .back(due, offset)?
            .map_or(Place::BeforeStart, Place::At),
        When::BeforeDue(offset, Measured::Elapsed) if due - offset < lap.track.base => {
            Place::BeforeStart
        }
        When::BeforeDue(offset, Measured::Elapsed) => Place::At(due - offset),
        When::AfterDue(offset, Measured::Open) => known(lap.track.after(due, offset)?),
        When::AfterDue(offset, Measured::Elapsed) => Place::At(due + offset),
    })
}

/// That many percent of a budget, rounded down to the microsecond.
fn share(budget: Micros, percent: u32) -> Micros {
    Micros::try_from(i128::from(budget) * i128::from(percent) / 100).unwrap_or(Micros::MAX)
}
