//! Entering and editing calendars.

use chrono::{Datelike, NaiveDate};
use serde_json::json;

use crate::domain::CalendarId;
use crate::domain::calendar::{Calendar, Hours, Layer, holidays_from_ics};
use crate::domain::calendar_entry::{CalendarInput, Imported, with_holidays};
use crate::error::{Error, Result};
use crate::store::{Tx, calendar, clock, terms};
use crate::time::{DAY, Moment};

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
/// At `name` when another calendar has it; at `week` when the calendar would not open any more
/// though contracts count in it; when somebody changed the calendar first.
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
    if !opens_within_a_year(name, hours, now) {
        let today = now.date_in(hours.time_zone);
        let contracts = terms::counting_in(tx.conn(), id, today, now)?;
        if !contracts.is_empty() {
            return Err(Error::field(
                "week",
                format!(
                    "the calendar would have no open time in the next year, but {} count in it",
                    contracts.join(", ")
                ),
            ));
        }
    }
    // Incidents are locked before the revision gets its moment: nothing judged meanwhile is undone by it.
    let concerned = clock::lock_counting_in(tx, id)?;
    let revision = calendar::revise(tx, id, revision, name, from, hours)?;
    clock::wake(tx, &concerned)?;
    Ok(revision)
}

fn opens_within_a_year(name: &str, hours: &Hours, now: Moment) -> bool {
    let layer = Layer {
        from: None,
        hours: hours.clone(),
    };
    let calendar = Calendar::new(name, vec![layer]);
    calendar
        .open_between(now, now + 366 * DAY)
        .is_ok_and(|open| open > 0)
}
