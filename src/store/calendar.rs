//! Calendars and their revisions, and the compiled form in which they are computed with.

mod kept;
mod zone_data;

use std::sync::Arc;

use chrono::NaiveDate;
use diesel::prelude::*;
use sha2::{Digest, Sha256};

use super::among::AmongValues;
use super::{Conn, Tx, unique};
use crate::domain::CalendarId;
use crate::domain::calendar::{Calendar, Hours, KeptOffsets, Layer};
use crate::domain::calendar_book::{CalendarBook, View};
use crate::domain::calendar_entry::{CalendarHead, CalendarInput, Revision, layers};
use crate::error::{Error, Refused, Result};
use crate::schema::{calendar_revisions, calendars};
use crate::time::{Moment, ZONE_DATA};

pub use zone_data::{Other, others};
pub(crate) use zone_data::{note, offsets, read_by};

/// A calendar in a list.
#[derive(Clone, Debug)]
pub struct CalendarLine {
    /// The calendar.
    pub head: CalendarHead,
    /// The hours of its last revision.
    pub hours: Hours,
}

/// Whether there is a calendar of that key.
///
/// # Errors
/// When the database does not answer.
pub fn exists(conn: &mut Conn, id: CalendarId) -> Result<bool> {
    Ok(!known(conn, &[id])?.is_empty())
}

/// Those of the keys that there are calendars for.
///
/// # Errors
/// When the database does not answer.
pub fn known(conn: &mut Conn, ids: &[CalendarId]) -> Result<Vec<CalendarId>> {
    Ok(calendars::table
        .filter(calendars::id.among(ids))
        .select(calendars::id)
        .load(conn)?)
}

/// The calendar of that key.
///
/// # Errors
/// When there is none.
pub fn find(conn: &mut Conn, id: CalendarId) -> Result<CalendarHead> {
    calendars::table
        .find(id)
        .select(CalendarHead::as_select())
        .get_result(conn)
        .optional()?
        .ok_or_else(|| Error::not_found("calendar", id))
}

/// The calendar of that name, if there is one.
///
/// # Errors
/// When the database does not answer.
pub fn named(conn: &mut Conn, name: &str) -> Result<Option<CalendarHead>> {
    Ok(calendars::table
        .filter(calendars::name.eq(name))
        .select(CalendarHead::as_select())
        .get_result(conn)
        .optional()?)
}

/// Every calendar, in order of name; for forms that choose one.
///
/// # Errors
/// When the database does not answer.
pub fn all(conn: &mut Conn) -> Result<Vec<CalendarHead>> {
    Ok(calendars::table
        .order(calendars::name)
        .select(CalendarHead::as_select())
        .load(conn)?)
}

/// At most `limit` calendars in order of name, those after the given name, with their present hours.
///
/// # Errors
/// When the database does not answer.
pub fn page(conn: &mut Conn, after: Option<&str>, limit: i64) -> Result<Vec<CalendarLine>> {
    let mut query = calendars::table
        .inner_join(calendar_revisions::table.on(is_last()))
        .order(calendars::name)
        .limit(limit)
        .select((CalendarHead::as_select(), calendar_revisions::hours))
        .into_boxed();
    if let Some(name) = after {
        query = query.filter(calendars::name.gt(name.to_string()));
    }
    let rows: Vec<(CalendarHead, String)> = query.load(conn)?;
    let mut lines = Vec::with_capacity(rows.len());
    for (head, hours) in rows {
        let hours = serde_json::from_str(&hours)?;
        lines.push(CalendarLine { head, hours });
    }
    Ok(lines)
}

/// The revisions of a calendar, first made first.
///
/// # Errors
/// When the database does not answer.
pub fn revisions(conn: &mut Conn, id: CalendarId) -> Result<Vec<Revision>> {
    made(conn, &[id])?
        .into_iter()
        .map(|(_, _, made)| {
            Ok(Revision {
                revision: made.revision,
                from_date: made.from_date,
                made_at: made.made_at,
                hours: serde_json::from_str(&made.hours)?,
                name: made.name,
                zone_data: made.zone_data,
            })
        })
        .collect()
}

/// The revisions of a calendar whose wall clocks are read by other zone data than that of this build, with
/// that zone data.
///
/// # Errors
/// When the database does not answer.
pub fn read_by_others(conn: &mut Conn, id: CalendarId) -> Result<Vec<(i64, KeptOffsets)>> {
    let mut read = Vec::new();
    for (_, _, made) in made(conn, &[id])? {
        if let (_, Some(kept)) = made.layer(conn)? {
            read.push((made.revision, kept));
        }
    }
    Ok(read)
}

/// Every revision of some calendars with key and name, in order of both keys.
fn made(conn: &mut Conn, ids: &[CalendarId]) -> Result<Vec<(CalendarId, String, Made)>> {
    Ok(calendars::table
        .inner_join(calendar_revisions::table.on(calendar_revisions::calendar_id.eq(calendars::id)))
        .filter(calendars::id.among(ids))
        .order((calendars::id, calendar_revisions::revision))
        .select((calendars::id, calendars::name, Made::as_select()))
        .load(conn)?)
}

/// The hours of a calendar's last revision.
///
/// # Errors
/// When there is no such calendar.
pub fn hours(conn: &mut Conn, id: CalendarId) -> Result<Hours> {
    let text: Option<String> = calendars::table
        .inner_join(calendar_revisions::table.on(is_last()))
        .filter(calendars::id.eq(id))
        .select(calendar_revisions::hours)
        .get_result(conn)
        .optional()?;
    let text = text.ok_or_else(|| Error::not_found("calendar", id))?;
    Ok(serde_json::from_str(&text)?)
}

/// The calendars of these keys with every view of them. What was compiled before is used again.
///
/// # Errors
/// When one of them does not exist.
pub fn book(conn: &mut Conn, ids: &[CalendarId]) -> Result<CalendarBook> {
    let mut book = CalendarBook::default();
    if ids.is_empty() {
        return Ok(book);
    }
    let rows = made(conn, ids)?;
    for of_one in rows.chunk_by(|before, after| before.0 == after.0) {
        let (id, name, _) = &of_one[0];
        let made: Vec<&Made> = of_one.iter().map(|(_, _, made)| made).collect();
        let mut views = views(conn, name, &made)?;
        let (_, first) = views.remove(0);
        book.insert(*id, name.clone(), first, views);
    }
    match ids.iter().find(|id| !book.contains(**id)) {
        Some(missing) => Err(Error::not_found("calendar", missing)),
        None => Ok(book),
    }
}

/// The calendars of these keys, one of them as if it were edited at that moment.
///
/// # Errors
/// When one of them does not exist.
pub fn book_with_edit(
    conn: &mut Conn,
    ids: &[CalendarId],
    edited: CalendarId,
    from: Option<NaiveDate>,
    hours: &Hours,
    made_at: Moment,
) -> Result<CalendarBook> {
    let mut book = book(conn, ids)?;
    let head = find(conn, edited)?;
    let mut revisions = Vec::new();
    for (_, _, made) in made(conn, &[edited])? {
        revisions.push(made.layer(conn)?);
    }
    let hours = hours.clone();
    revisions.push((Layer { from, hours }, None));
    let calendar = Arc::new(Calendar::of_kept(&head.name, layers(revisions)));
    let revision = head.revision + 1;
    book.edit(edited, made_at, View { revision, calendar });
    Ok(book)
}

/// A revision as it is kept.
#[derive(diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = calendar_revisions)]
struct Made {
    revision: i64,
    from_date: Option<NaiveDate>,
    made_at: Moment,
    hours: String,
    zone_data: Option<String>,
    same_by: Option<String>,
    name: Option<String>,
}

impl Made {
    /// The version of other zone data that reads its wall clocks; none: that of this build does.
    fn other_zone_data(&self) -> Option<&str> {
        let ours = |version: &Option<String>| version.as_deref() == Some(ZONE_DATA);
        self.zone_data
            .as_deref()
            .filter(|_| !ours(&self.zone_data) && !ours(&self.same_by))
    }

    fn layer(&self, conn: &mut Conn) -> Result<(Layer, Option<KeptOffsets>)> {
        let hours: Hours = serde_json::from_str(&self.hours)?;
        let kept = match self.other_zone_data() {
            Some(version) => offsets(conn, hours.time_zone, version)?.map(|offsets| KeptOffsets {
                version: Arc::from(version),
                offsets: Arc::new(offsets),
            }),
            None => None,
        };
        let from = self.from_date;
        Ok((Layer { from, hours }, kept))
    }
}

/// For each revision when it was made and the calendar with all revisions up to it.
fn views(conn: &mut Conn, name: &str, made: &[&Made]) -> Result<Vec<(Moment, View)>> {
    // Names what a view is made of, whatever database it came from: several may be open at once.
    let mut content = Sha256::new();
    content.update(name.as_bytes());
    let mut views = Vec::with_capacity(made.len());
    let mut read: Vec<(Layer, Option<KeptOffsets>)> = Vec::new();
    for (index, last) in made.iter().enumerate() {
        let from = last
            .from_date
            .map(|date| date.to_string())
            .unwrap_or_default();
        let zone_data = last.other_zone_data().unwrap_or_default();
        for part in [from.as_str(), last.hours.as_str(), zone_data] {
            content.update((part.len() as u64).to_be_bytes());
            content.update(part.as_bytes());
        }
        let key: [u8; 32] = content.clone().finalize().into();
        let calendar = kept::compiled(key, name, || {
            for made in &made[read.len()..=index] {
                read.push(made.layer(conn)?);
            }
            Ok(layers(read.iter().cloned()))
        })?;
        let revision = last.revision;
        views.push((last.made_at, View { revision, calendar }));
    }
    Ok(views)
}

/// Keeps a new calendar with its first revision, which counts from ever.
///
/// # Errors
/// At `name` when another calendar has it.
pub(crate) fn insert(tx: &mut Tx<'_>, input: &CalendarInput) -> Result<CalendarId> {
    let now = tx.now();
    let id: CalendarId = diesel::insert_into(calendars::table)
        .values((
            calendars::name.eq(&input.name),
            calendars::revision.eq(1_i64),
            calendars::created_at.eq(now),
        ))
        .returning(calendars::id)
        .get_result(tx.conn())
        .map_err(|error| name_taken(error, &input.name))?;
    insert_revision(tx, id, 1, None, &input.hours, None)?;
    Ok(id)
}

/// Adds a revision to a calendar whose last one still is `revision`, and gives its number; `called` is
/// the name of one that nobody made.
///
/// # Errors
/// At `name` when another calendar has it; when somebody changed the calendar first.
pub(crate) fn revise(
    tx: &mut Tx<'_>,
    id: CalendarId,
    revision: i64,
    name: &str,
    from_date: Option<NaiveDate>,
    hours: &Hours,
    called: Option<&str>,
) -> Result<i64> {
    let changed = diesel::update(
        calendars::table.filter(calendars::id.eq(id).and(calendars::revision.eq(revision))),
    )
    .set((
        calendars::name.eq(name),
        calendars::revision.eq(revision + 1),
    ))
    .execute(tx.conn())
    .map_err(|error| name_taken(error, name))?;
    if changed == 0 {
        let what = format!("calendar {}", find(tx.conn(), id)?.name);
        return Err(Refused::Stale { what }.into());
    }
    insert_revision(tx, id, revision + 1, from_date, hours, called)?;
    Ok(revision + 1)
}

fn insert_revision(
    tx: &mut Tx<'_>,
    id: CalendarId,
    revision: i64,
    from_date: Option<NaiveDate>,
    hours: &Hours,
    called: Option<&str>,
) -> Result<()> {
    let now = tx.now();
    zone_data::keep(tx, hours.time_zone)?;
    diesel::insert_into(calendar_revisions::table)
        .values((
            calendar_revisions::calendar_id.eq(id),
            calendar_revisions::revision.eq(revision),
            calendar_revisions::from_date.eq(from_date),
            calendar_revisions::hours.eq(serde_json::to_string(hours)?),
            calendar_revisions::made_at.eq(now),
            calendar_revisions::zone_data.eq(ZONE_DATA),
            calendar_revisions::name.eq(called),
        ))
        .execute(tx.conn())?;
    Ok(())
}

fn name_taken(error: diesel::result::Error, name: &str) -> Error {
    unique(error, "name", || {
        format!("another calendar is called {name} already")
    })
}

/// Joins a calendar to its last revision.
#[diesel::dsl::auto_type]
fn is_last() -> _ {
    calendar_revisions::calendar_id
        .eq(calendars::id)
        .and(calendar_revisions::revision.eq(calendars::revision))
}
