//! The zone data that calendars were made with, kept so that they say tomorrow what they said.

use chrono::NaiveDate;
use chrono_tz::Tz;
use diesel::prelude::*;

use super::super::{Conn, Tx};
use super::Made;
use crate::domain::CalendarId;
use crate::domain::calendar::{Hours, KeptOffsets, Offsets};
use crate::error::{Error, Result};
use crate::per_backend;
use crate::schema::{calendar_revisions, zone_offsets};
use crate::time::{Moment, ZONE_DATA};

/// A revision that was not compared with the zone data of this build yet.
#[derive(Clone, Debug)]
pub struct Other {
    /// The calendar.
    pub calendar: CalendarId,
    /// The revision.
    pub revision: i64,
    /// The first local date it counts for; none: from ever.
    pub from_date: Option<NaiveDate>,
    /// When it was made.
    pub made_at: Moment,
    /// Its hours.
    pub hours: Hours,
    /// Version of the zone data that it was made with; none: made before that was kept.
    pub zone_data: Option<String>,
}

/// The revisions that were neither made with the zone data of this build nor found to be the same by
/// it, in order of their keys.
///
/// # Errors
/// When the database does not answer.
pub fn others(conn: &mut Conn) -> Result<Vec<Other>> {
    let rows: Vec<(CalendarId, Made)> = calendar_revisions::table
        .filter(
            calendar_revisions::zone_data
                .is_null()
                .or(calendar_revisions::zone_data.ne(ZONE_DATA)),
        )
        .filter(
            calendar_revisions::same_by
                .is_null()
                .or(calendar_revisions::same_by.ne(ZONE_DATA)),
        )
        .order((
            calendar_revisions::calendar_id,
            calendar_revisions::revision,
        ))
        .select((calendar_revisions::calendar_id, Made::as_select()))
        .load(conn)?;
    rows.into_iter()
        .map(|(calendar, made)| {
            Ok(Other {
                calendar,
                revision: made.revision,
                from_date: made.from_date,
                made_at: made.made_at,
                hours: serde_json::from_str(&made.hours)?,
                zone_data: made.zone_data,
            })
        })
        .collect()
}

/// The offsets of a zone as that version of the zone data gave them, if they were kept.
///
/// # Errors
/// When what is kept is no table of offsets.
pub(crate) fn offsets(conn: &mut Conn, zone: Tz, version: &str) -> Result<Option<Offsets>> {
    let text: Option<String> = zone_offsets::table
        .find((zone.name(), version))
        .select(zone_offsets::offsets)
        .get_result(conn)
        .optional()?;
    let Some(text) = text else { return Ok(None) };
    let offsets: Offsets = serde_json::from_str(&text)?;
    if !offsets.is_sound() {
        return Err(Error::Unexpected(anyhow::anyhow!(
            "the kept offsets of {zone} by zone data {version} are not in order"
        )));
    }
    Ok(Some(offsets))
}

/// Keeps the offsets of a zone by the zone data of this build.
pub(super) fn keep(tx: &mut Tx<'_>, zone: Tz) -> Result<()> {
    let kept = diesel::dsl::exists(zone_offsets::table.find((zone.name(), ZONE_DATA)));
    if diesel::select(kept).get_result(tx.conn())? {
        return Ok(());
    }
    insert(tx, zone, ZONE_DATA, &Offsets::of(zone))
}

fn insert(tx: &mut Tx<'_>, zone: Tz, version: &str, offsets: &Offsets) -> Result<()> {
    let offsets = serde_json::to_string(offsets)?;
    per_backend!(tx.conn(), conn => diesel::insert_into(zone_offsets::table)
        .values((
            zone_offsets::zone.eq(zone.name()),
            zone_offsets::zone_data.eq(version),
            zone_offsets::offsets.eq(&offsets),
        ))
        .on_conflict_do_nothing()
        .execute(conn))?;
    Ok(())
}

/// Notes that the zone data of this build gives a revision the same hours, or made it where nothing was
/// noted before.
///
/// # Errors
/// When the database does not take it.
pub(crate) fn note(tx: &mut Tx<'_>, other: &Other) -> Result<()> {
    keep(tx, other.hours.time_zone)?;
    let row = calendar_revisions::table.find((other.calendar, other.revision));
    if other.zone_data.is_none() {
        diesel::update(row)
            .set(calendar_revisions::zone_data.eq(ZONE_DATA))
            .execute(tx.conn())?;
    } else {
        diesel::update(row)
            .set(calendar_revisions::same_by.eq(ZONE_DATA))
            .execute(tx.conn())?;
    }
    Ok(())
}

/// Has a revision read by other zone data than that of this build, as where it was copied from.
///
/// # Errors
/// When the database does not take it.
pub(crate) fn read_by(
    tx: &mut Tx<'_>,
    id: CalendarId,
    revision: i64,
    zone: Tz,
    kept: &KeptOffsets,
) -> Result<()> {
    insert(tx, zone, &kept.version, &kept.offsets)?;
    diesel::update(calendar_revisions::table.find((id, revision)))
        .set(calendar_revisions::zone_data.eq(&*kept.version))
        .execute(tx.conn())?;
    Ok(())
}
