//! Entering, editing and ending reports that are mailed regularly.

use serde_json::json;

use crate::domain::ScheduleId;
use crate::domain::schedule::ScheduleInput;
use crate::error::Result;
use crate::store::{Tx, routine, schedule};

/// Enters a schedule; it runs from now on and makes nothing up from before.
///
/// # Errors
/// At `vendor_id` when there is no such vendor.
pub fn enter(tx: &mut Tx<'_>, input: &ScheduleInput) -> Result<ScheduleId> {
    let id = schedule::insert(tx, input)?;
    tx.record("schedule", id.0, "entered", &json!(input))?;
    Ok(id)
}

/// Edits a schedule that still has the version the edit was made from, and gives the new version.
/// When it runs at other times from now on, or runs again, it makes nothing up from before.
///
/// # Errors
/// As [`enter`], and when somebody changed the schedule first.
pub fn edit(tx: &mut Tx<'_>, id: ScheduleId, version: i64, input: &ScheduleInput) -> Result<i64> {
    let before = schedule::find(tx.conn(), id)?;
    let version = schedule::update(tx, id, version, input)?;
    let begins_anew = before.cron != input.cron
        || before.time_zone != input.time_zone
        || (input.active && !before.active);
    if begins_anew {
        let now = tx.now();
        routine::ran(tx, &before.routine(), now)?;
    }
    tx.record("schedule", id.0, "edited", &json!(input))?;
    Ok(version)
}

/// Ends a schedule; letters that it queued still go out.
///
/// # Errors
/// When there is none.
pub fn end(tx: &mut Tx<'_>, id: ScheduleId) -> Result<()> {
    schedule::delete(tx, id)?;
    tx.record("schedule", id.0, "ended", &json!({}))
}
