//! Entering and editing calendars.

use std::sync::Arc;

use chrono::{Datelike, Months, NaiveDate};
use serde_json::json;

use crate::consequence::leaves_enough;
use crate::domain::CalendarId;
use crate::domain::calendar::{Difference, Hours, Offsets, difference, holidays_from_ics};
use crate::domain::calendar_entry::{CalendarInput, Imported, with_holidays};
use crate::error::{Error, Refused, Result};
use crate::store::{Actor, Store, Tx, calendar, clock, incident};
use crate::time::{Moment, ZONE_DATA};

/// Enters a calendar.
///
/// # Errors
/// At `name` when another calendar has it.
pub fn enter(tx: &mut Tx<'_>, input: &CalendarInput) -> Result<CalendarId> {
    let id = calendar::insert(tx, input)?;
    tx.record("calendar", id.0, "entered", &json!(input))?;
    Ok(id)
}

/// Edits a calendar whose last revision still is the one the edit was made from: a new revision,
/// which counts for local dates from today on, or from ever when it corrects the past. Gives its
/// number. Clocks that run in the calendar are judged again.
///
/// # Errors
/// At `name` when another calendar has it; at `week` when the calendar would leave too little open time
/// to what counts in it; when somebody changed the calendar first.
pub fn edit(tx: &mut Tx<'_>, id: CalendarId, revision: i64, input: &CalendarInput) -> Result<i64> {
    let from = (!input.correction).then(|| tx.now().date_in(input.hours.time_zone));
    let revision = revise(tx, id, revision, &input.name, from, &input.hours)?;
    tx.record(
        "calendar",
        id.0,
        "edited",
        &json!({"revision": revision, "from_date": from, "input": input}),
    )?;
    Ok(revision)
}

/// Closes the dates of an iCalendar file, as far as they have no exception yet: a new revision, which
/// counts from today on, unless none of them is new. Holidays that come back every year are taken for
/// this year and the next: a list that reached further would hide that movable ones are missing in it.
///
/// # Errors
/// At `file` when it is no iCalendar file or cannot be read whole; as [`edit`].
pub fn import_holidays(tx: &mut Tx<'_>, id: CalendarId, file: &str) -> Result<Imported> {
    let head = calendar::find(tx.conn(), id)?;
    let hours = calendar::hours(tx.conn(), id)?;
    let today = tx.now().date_in(hours.time_zone);
    let years = today.year()..=today.year() + 1;
    let found = holidays_from_ics(file, years).map_err(|wrong| Error::field("file", wrong))?;
    let (hours, mut imported) = with_holidays(hours, found.holidays);
    imported.remarks = found.remarks;
    if !imported.added.is_empty() {
        let revision = revise(tx, id, head.revision, &head.name, Some(today), &hours)?;
        let detail = json!({"revision": revision, "from_date": today, "imported": imported});
        tx.record("calendar", id.0, "holidays added", &detail)?;
    }
    Ok(imported)
}

fn revise(
    tx: &mut Tx<'_>,
    id: CalendarId,
    revision: i64,
    name: &str,
    from: Option<NaiveDate>,
    hours: &Hours,
) -> Result<i64> {
    let now = tx.now();
    leaves_enough(tx.conn(), id, name, hours, now)?;
    move_clocks(tx, id, |tx| {
        calendar::revise(tx, id, revision, name, from, hours, None)
    })
}

/// Makes a revision, after which the engine moves the clocks that run in the calendar.
fn move_clocks(
    tx: &mut Tx<'_>,
    id: CalendarId,
    revise: impl FnOnce(&mut Tx<'_>) -> Result<i64>,
) -> Result<i64> {
    // Incidents are locked before the revision gets its moment: nothing judged meanwhile is undone by it.
    let concerned = clock::lock_counting_in(tx, id)?;
    // What was answered in the very same microsecond was answered before it.
    if let Some(recorded) = incident::last_recorded(tx.conn())? {
        tx.comes_after(recorded);
    }
    let revision = revise(tx)?;
    clock::wake(tx, &concerned)?;
    Ok(revision)
}

/// What the zone data of this build did to the calendars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ZoneDataCompared {
    /// Revisions that it gives the same hours, or that nothing was noted of before.
    pub same: u32,
    /// Revisions of which it moves hours that are over, or that a later revision replaced: they go on to
    /// be read by the zone data they were made with.
    pub kept: u32,
    /// Calendars that got a revision.
    pub revised: u32,
}

/// How far before its making a revision that counts from ever is compared: incidents are not entered
/// from longer ago.
const YEARS_BEFORE: u32 = 10;
/// How far ahead hours are compared; no deadline is searched further.
const YEARS_AHEAD: u32 = 10;

/// Compares what calendars were made with, where it was other zone data, with the zone data of this
/// build, window by window: from the first date of a revision, or ten years before it was made, to ten
/// years from today. A calendar whose coming hours differ gets a revision that counts from today on, and
/// its running clocks are moved as by an edit; what is over keeps the zone data it was judged by.
///
/// # Errors
/// When the database does not do as asked; calendars that were done stay done.
pub fn compare_zone_data(store: &Store) -> Result<ZoneDataCompared> {
    let mut compared = ZoneDataCompared::default();
    let others = store.read(calendar::others)?;
    for of_one in others.chunk_by(|one, next| one.calendar == next.calendar) {
        let of_one = of_one.to_vec();
        let done = store.write(Actor::Engine, move |tx| compare_one(tx, &of_one))?;
        compared.same += done.same;
        compared.kept += done.kept;
        compared.revised += done.revised;
    }
    Ok(compared)
}

fn compare_one(tx: &mut Tx<'_>, others: &[calendar::Other]) -> Result<ZoneDataCompared> {
    let mut compared = ZoneDataCompared::default();
    for other in others {
        let head = calendar::find(tx.conn(), other.calendar)?;
        let difference = match &other.zone_data {
            None => Difference::None,
            Some(version) => {
                let zone = other.hours.time_zone;
                let kept = calendar::offsets(tx.conn(), zone, version)?;
                let kept = kept.map(Arc::new).unwrap_or_else(|| Offsets::of(zone));
                differs(other, &kept, tx.now())
            }
        };
        match difference {
            Difference::None => {
                calendar::note(tx, other)?;
                compared.same += 1;
            }
            Difference::Coming(date) if other.revision == head.revision => {
                let hours = &other.hours;
                let today = tx.now().date_in(hours.time_zone);
                let called = format!("zone data {ZONE_DATA}");
                let made = move_clocks(tx, head.id, |tx| {
                    let (name, from) = (&head.name, Some(today));
                    calendar::revise(tx, head.id, head.revision, name, from, hours, Some(&called))
                });
                let revision = match made {
                    Ok(revision) => revision,
                    // Another process that started at the same moment made it, or somebody an edit.
                    Err(Error::Refused(Refused::Stale { .. })) => continue,
                    Err(error) => return Err(error),
                };
                let detail = json!({"revision": revision, "from_date": today, "zone_data": ZONE_DATA,
                    "before": other.zone_data, "first_date_moved": date});
                tx.record("calendar", head.id.0, "zone data changed", &detail)?;
                compared.revised += 1;
            }
            Difference::Past | Difference::Coming(_) => compared.kept += 1,
        }
    }
    Ok(compared)
}

fn differs(other: &calendar::Other, kept: &Arc<Offsets>, now: Moment) -> Difference {
    if **kept == *Offsets::of(other.hours.time_zone) {
        return Difference::None;
    }
    let zone = other.hours.time_zone;
    let today = now.date_in(zone);
    let made = other.made_at.date_in(zone);
    let before = Months::new(12 * YEARS_BEFORE);
    let first = other
        .from_date
        .unwrap_or_else(|| made.checked_sub_months(before).unwrap_or(made));
    let last = today.checked_add_months(Months::new(12 * YEARS_AHEAD));
    difference(&other.hours, kept, first, today, last.unwrap_or(today))
}
