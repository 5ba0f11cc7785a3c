//! Clocks and outcomes as they are kept: the result of the judgement, for search and figures.

use super::Verdict;
use crate::domain::terms::{Commitment, Target};
use crate::domain::words::{ClockState, Metric};
use crate::domain::{CalendarId, CaseId, ClockId, ContractId, IncidentId, VendorId};
use crate::schema::{clocks, outcomes};
use crate::time::{Micros, Moment};

/// A clock on the board.
#[derive(Clone, Debug, PartialEq, Eq, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = clocks)]
pub struct ClockRow {
    /// Key.
    pub id: ClockId,
    /// The incident.
    pub incident_id: IncidentId,
    /// The case.
    pub case_id: CaseId,
    /// What is measured.
    pub metric: Metric,
    /// How it stands.
    pub state: ClockState,
    /// The severity it is judged under, by code.
    pub severity: String,
    /// Where the contract promises it.
    pub clause: String,
    /// When its time counts.
    pub calendar_id: CalendarId,
    /// By which revision of that calendar.
    pub calendar_revision: i64,
    /// When its present run or interval began.
    pub started_at: Moment,
    /// When it runs out; unknown while it is held.
    pub due_at: Option<Moment>,
    /// Whether the deadline lies past the end of the calendar's holiday list.
    pub provisional: bool,
    /// Open time it may take, in microseconds.
    pub budget: Micros,
    /// Open time it had taken when it last changed, in microseconds; of a running clock it grows with time.
    pub spent: Micros,
    /// When it ran out.
    pub breached_at: Option<Moment>,
    /// When it was stopped.
    pub stopped_at: Option<Moment>,
    /// Which run.
    pub run: i32,
    /// Which interval of `update`.
    pub interval: i32,
    /// Generation of its ladder.
    pub generation: i32,
}

impl ClockRow {
    /// Whether nothing about the clock changed but the time that it has run for.
    pub fn goes_on_as(&self, before: &ClockRow) -> bool {
        let spent = if self.state == ClockState::Running {
            self.spent
        } else {
            before.spent
        };
        let before = ClockRow {
            spent,
            ..before.clone()
        };
        *self == before
    }

    /// The commitment as far as the row kept it, for a clock that the terms ask for no more.
    pub fn commitment(&self) -> Commitment {
        Commitment {
            clause: self.clause.clone(),
            metric: self.metric,
            severity: self.severity.clone(),
            target: Target::OpenTime(self.budget),
            calendar_id: self.calendar_id,
            stops: None,
            remedy: String::new(),
        }
    }
}

/// How one run or interval of a clock ended.
#[derive(Clone, Debug, PartialEq, Eq, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = outcomes)]
pub struct OutcomeRow {
    /// The clock.
    pub clock_id: ClockId,
    /// Which run.
    pub run: i32,
    /// Which interval of `update`.
    pub interval: i32,
    /// The incident.
    pub incident_id: IncidentId,
    /// The contract.
    pub contract_id: ContractId,
    /// The vendor.
    pub vendor_id: VendorId,
    /// Whether it was practice; counts for nothing then.
    pub drill: bool,
    /// What is measured.
    pub metric: Metric,
    /// The severity it was judged under, by code.
    pub severity: String,
    /// Where the contract promises it.
    pub clause: String,
    /// How it ended.
    pub result: Verdict,
    /// When it began.
    pub started_at: Moment,
    /// When it ran out or would have.
    pub due_at: Moment,
    /// When it was stopped.
    pub stopped_at: Option<Moment>,
    /// From when the result is certain: the earlier of stop and deadline.
    pub certain_at: Moment,
    /// Open time it could take, in microseconds.
    pub budget: Micros,
    /// Open time it took, in microseconds.
    pub spent: Micros,
    /// Open time from the deadline to the stop, in microseconds, when it is missed and stopped.
    pub late_open: Option<Micros>,
}
