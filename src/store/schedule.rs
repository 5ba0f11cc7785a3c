//! Reports that are mailed regularly.

use diesel::prelude::*;

use super::{Conn, Tx, vendor};
use crate::domain::ScheduleId;
use crate::domain::schedule::{Schedule, ScheduleInput};
use crate::error::{Error, Refused, Result};
use crate::schema::schedules;

/// The schedule of that key.
///
/// # Errors
/// When there is none.
pub fn find(conn: &mut Conn, id: ScheduleId) -> Result<Schedule> {
    schedules::table
        .find(id)
        .select(Schedule::as_select())
        .get_result(conn)
        .optional()?
        .ok_or_else(|| Error::not_found("schedule", id))
}

/// The version of a schedule, if it is still there.
///
/// # Errors
/// When the database does not answer.
pub fn version(conn: &mut Conn, id: ScheduleId) -> Result<Option<i64>> {
    Ok(schedules::table
        .find(id)
        .select(schedules::version)
        .get_result(conn)
        .optional()?)
}

/// At most `limit` schedules in order of key, those after the given key.
///
/// # Errors
/// When the database does not answer.
pub fn page(conn: &mut Conn, after: Option<ScheduleId>, limit: i64) -> Result<Vec<Schedule>> {
    Ok(schedules::table
        .filter(schedules::id.gt(after.unwrap_or_default()))
        .order(schedules::id)
        .limit(limit)
        .select(Schedule::as_select())
        .load(conn)?)
}

/// Every schedule that runs.
///
/// # Errors
/// When the database does not answer.
pub fn active(conn: &mut Conn) -> Result<Vec<Schedule>> {
    Ok(schedules::table
        .filter(schedules::active.eq(true))
        .order(schedules::id)
        .select(Schedule::as_select())
        .load(conn)?)
}

/// Keeps a new schedule.
///
/// # Errors
/// At `vendor_id` when there is no such vendor.
pub(crate) fn insert(tx: &mut Tx<'_>, input: &ScheduleInput) -> Result<ScheduleId> {
    let recipients = checked(tx.conn(), input)?;
    let now = tx.now();
    Ok(diesel::insert_into(schedules::table)
        .values((
            schedules::name.eq(&input.name),
            schedules::vendor_id.eq(input.vendor_id),
            schedules::cron.eq(input.cron.as_str()),
            schedules::time_zone.eq(input.time_zone),
            schedules::recipients.eq(recipients),
            schedules::active.eq(input.active),
            schedules::created_at.eq(now),
            schedules::version.eq(1_i64),
        ))
        .returning(schedules::id)
        .get_result(tx.conn())?)
}

/// Changes a schedule that still has the version the edit was made from, and gives the new version.
///
/// # Errors
/// As [`insert`], and when somebody changed the schedule first.
pub(crate) fn update(
    tx: &mut Tx<'_>,
    id: ScheduleId,
    version: i64,
    input: &ScheduleInput,
) -> Result<i64> {
    let recipients = checked(tx.conn(), input)?;
    let stands = schedules::id.eq(id).and(schedules::version.eq(version));
    let changed = diesel::update(schedules::table.filter(stands))
        .set((
            schedules::name.eq(&input.name),
            schedules::vendor_id.eq(input.vendor_id),
            schedules::cron.eq(input.cron.as_str()),
            schedules::time_zone.eq(input.time_zone),
            schedules::recipients.eq(recipients),
            schedules::active.eq(input.active),
            schedules::version.eq(version + 1),
        ))
        .execute(tx.conn())?;
    if changed == 0 {
        find(tx.conn(), id)?;
        let what = format!("schedule {id}");
        return Err(Refused::Stale { what }.into());
    }
    Ok(version + 1)
}

/// Forgets a schedule.
///
/// # Errors
/// When there is none.
pub(crate) fn delete(tx: &mut Tx<'_>, id: ScheduleId) -> Result<()> {
    match diesel::delete(schedules::table.find(id)).execute(tx.conn())? {
        0 => Err(Error::not_found("schedule", id)),
        _ => Ok(()),
    }
}

/// The recipients as they are kept, once it is known that the vendor exists.
fn checked(conn: &mut Conn, input: &ScheduleInput) -> Result<String> {
    if let Some(id) = input.vendor_id {
        vendor::find(conn, id).map_err(|error| match error {
            Error::Refused(Refused::NotFound { .. }) => Error::field(
                "vendor_id",
                format!("there is no vendor {id}; leave it out for all vendors"),
            ),
            other => other,
        })?;
    }
    Ok(serde_json::to_string(&input.recipients)?)
}
