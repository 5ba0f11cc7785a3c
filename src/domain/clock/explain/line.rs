//! The lines of an explanation; letters keep them as facts, so what is added later has a default.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::super::super::calendar::Window;
use super::super::super::terms::{OnReopen, Target};
use super::super::super::words::EventKind;
use super::super::{Effect, Lap, NotHeld};
use crate::time::{Micros, Moment};

/// One line: a stretch of time, or a moment at which something happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// From when.
    pub from: Moment,
    /// Until when; the same moment where something happened.
    pub to: Moment,
    /// Where it stands on the way to the deadline.
    pub part: Part,
    /// What it is.
    pub what: What,
    /// Open time that counts in it, in microseconds.
    pub counted: Micros,
    /// Open time used of the budget up to its end, with what was carried over.
    pub total: Micros,
    /// The budget at that time.
    pub budget: Micros,
    /// Open time past the deadline up to its end, for what comes after it.
    pub late: Option<Micros>,
}

impl Line {
    /// Something that happened to a lap of which no time is counted.
    pub(super) fn said(at: Moment, what: What, lap: &Lap) -> Self {
        let total = match what {
            What::Measured(_, lost) => lost,
            _ => 0,
        };
        Self {
            from: at,
            to: at,
            part: Part::Counts,
            what,
            counted: 0,
            total,
            budget: lap.budget,
            late: None,
        }
    }

    /// Open time that is left of the budget at its end; none once that is used up.
    pub fn remaining(&self) -> Micros {
        (self.budget - self.total).max(0)
    }

    /// Whether it is a stretch of time, and not a moment.
    pub fn is_stretch(&self) -> bool {
        self.what.is_stretch()
    }
}

/// Where a line stands on the way to the deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Under a commitment that a change of severity has replaced since.
    Earlier,
    /// Leads to the due moment or the stop.
    Counts,
    /// After the stop: how the due moment would have been reached.
    Rest,
    /// After the due moment: how late it is.
    Late,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The lap begins, by that event; by none where the interval before ran out.
    Started(Option<(EventKind, i64)>),
    /// Open, and counted; the window belongs to that local date.
    Open(NaiveDate),
    /// Open, but before the first business day of the target.
    BeforeDayZero(NaiveDate),
    /// Open, but held on these grounds.
    Held(NaiveDate, Vec<Ground>),
    /// Not open.
    Shut(Shut),
    /// Nothing was promised for the severity of that time.
    Idle,
    /// A date that the zone left out.
    Skipped(NaiveDate),
    /// A business day of the target, from 0.
    BusinessDay(u32, NaiveDate),
    /// A date that is no business day of the target.
    NoBusinessDay(NaiveDate, NoDay),
    /// A clock stop begins to hold the clock.
    Paused(StopGround),
    /// A pause that never held the clock.
    NotPaused(StopGround, NotHeld),
    /// A clock stop ends, by that event.
    Resumed(StopGround, i64),
    /// The clock was stopped, by that event; also where it was reopened later.
    Stopped(Option<(EventKind, i64)>),
    /// The repair that stopped the clock is not confirmed yet: our silence up to then is a yes.
    Awaiting(Moment),
    /// The repair that stopped the clock was confirmed then, by that event or by silence.
    Confirmed(Moment, Option<i64>),
    /// A repair that was rejected later, each by its event: for this clock it never happened.
    Rejected(i64, Option<i64>),
    /// The clock waits for what it starts with.
    Waits,
    /// So much was lost, as that event says.
    Measured(i64, Micros),
    /// The stopped clock goes on, by that event.
    Reopened(i64, OnReopen),
    /// The severity changed.
    Severity(Box<SeverityTurn>),
    /// The calendar was edited.
    Edited {
        /// The revision before.
        before: i64,
        /// The revision from then on.
        after: i64,
        /// The due moment before.
        due_before: Option<Moment>,
        /// The due moment from then on.
        due_after: Option<Moment>,
    },
    /// The clock was cancelled, by that event; a void one never was.
    Cancelled(i64, bool),
    /// The interval after this one ran out too; from then on that one is late.
    Followed,
    /// The due moment that the business-day rule writes, where a pause has moved it.
    Written(Moment),
    /// The moment of the explanation, of a clock that goes on; whether it is held.
    Now(bool),
    /// The due moment.
    Due {
        /// It stands as the business-day rule writes it, even in closed time.
        written: bool,
        /// A calendar edit would have put it into the past: no earlier than the edit.
        floor: Option<Moment>,
        /// Past the end of the calendar's holiday list.
        provisional: bool,
    },
}

impl What {
    fn is_stretch(&self) -> bool {
        matches!(
            self,
            What::Open(_) | What::BeforeDayZero(_) | What::Held(..) | What::Shut(_) | What::Idle
        )
    }
}

/// Why a date is no business day of a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoDay {
    /// No window opens on it.
    Closed,
    /// It is a holiday.
    Holiday(String),
    /// The lap began when it had no open time left.
    Over,
}

/// Why a calendar is closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shut {
    /// Outside its weekly hours.
    OutsideHours,
    /// A holiday.
    Holiday(NaiveDate, String),
    /// Outside the special hours of that date.
    SpecialHours(NaiveDate, String, Vec<Window>),
}

/// Why open time does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ground {
    /// A clock stop of the terms.
    Stop(StopGround),
    /// It was stopped meanwhile, and the terms leave that time out.
    Gap {
        /// Number of the event that reopened it.
        reopened: i64,
    },
}

/// A clock stop as the terms name it, and the pause that rests on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopGround {
    /// Number of the pause.
    pub seq: i64,
    /// Code of the clock stop.
    pub code: String,
    /// What it is called.
    pub name: String,
    /// Where the contract says so.
    pub clause: String,
    /// Number of the event in which the other side agreed.
    pub agreed: Option<i64>,
}

/// What a change of severity did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeverityTurn {
    /// Number of the event, where one says so.
    pub seq: Option<i64>,
    /// The severity before; none where nothing was promised for it.
    pub from: Option<String>,
    /// The severity from then on.
    pub to: String,
    /// What it did to the clock.
    pub effect: Effect,
    /// How much of which budget was used under the commitment before.
    pub used: Option<(Micros, Micros)>,
    /// The target before.
    pub target_before: Option<Target>,
    /// The due moment before.
    pub due_before: Option<Moment>,
    /// The due moment from then on.
    pub due_after: Option<Moment>,
}
