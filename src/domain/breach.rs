//! Commitments not kept, in the register.

use super::words::Metric;
use super::{
    BreachId, CalendarId, CaseId, ClockId, ContractId, GoLiveId, IncidentId, TermsId, VendorId,
};
use crate::schema::{breaches, withdrawals};
use crate::time::Moment;

text_enum! {
    /// How what was breached stands now.
    Standing {
        /// It was done after all, late.
        Stopped = "stopped",
        /// It is still not done.
        Open = "open",
        /// It is not asked for any more and was never done.
        Cancelled = "cancelled",
    }
}

/// One entry of the register: what was judged, and by what. Never changed; a withdrawal is a row of
/// its own.
#[derive(Clone, Debug, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = breaches)]
pub struct Breach {
    /// Key.
    pub id: BreachId,
    /// The clock that ran out.
    pub clock_id: ClockId,
    /// Its case.
    pub case_id: CaseId,
    /// Its incident.
    pub incident_id: IncidentId,
    /// The contract that was not kept.
    pub contract_id: ContractId,
    /// The vendor.
    pub vendor_id: VendorId,
    /// The version of the terms.
    pub terms_id: TermsId,
    /// What was measured.
    pub metric: Metric,
    /// Under which severity, by code.
    pub severity: String,
    /// Where the contract promises it.
    pub clause: String,
    /// Run of the clock.
    pub run: i32,
    /// Interval of `update`.
    pub interval: i32,
    /// When it ran out.
    pub due_at: Moment,
    /// 0 for the first entry; one more for each entry after a withdrawal.
    pub entry: i32,
    /// When the service entered it.
    pub noticed_at: Moment,
    /// The calendar.
    pub calendar_id: CalendarId,
    /// Its revision.
    pub calendar_revision: i64,
    /// Version of the zone data.
    pub zone_data: String,
    /// Numbers of the events it was judged by, as JSON.
    pub seqs: String,
    /// Whether it was practice.
    pub drill: bool,
    /// The go-live window that applied with the terms.
    pub go_live_id: Option<GoLiveId>,
}

/// That an entry no longer holds, and why.
#[derive(Clone, Debug, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = withdrawals)]
pub struct Withdrawal {
    /// The entry.
    pub breach_id: BreachId,
    /// When it was withdrawn.
    pub at: Moment,
    /// Number of the event that withdrew it.
    pub seq: i64,
    /// Why.
    pub reason: String,
}
