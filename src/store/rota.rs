//! Rotas and their entries.

use diesel::prelude::*;

use super::{Conn, Tx, unique};
use crate::domain::person::Person;
use crate::domain::refused_address::mark_of;
use crate::domain::rota::{Roster, Rota, RotaEntry, RotaName, Turn};
use crate::domain::{CalendarId, PersonId, RotaId};
use crate::error::{Error, Refused, Result};
use crate::schema::{rota_entries, rotas};

/// The rota of that key.
///
/// # Errors
/// When there is none.
pub fn find(conn: &mut Conn, id: RotaId) -> Result<Rota> {
    rotas::table
        .find(id)
        .select(Rota::as_select())
        .get_result(conn)
        .optional()?
        .ok_or_else(|| Error::not_found("rota", id))
}

/// The rota of that name, if there is one.
///
/// # Errors
/// When the database does not answer.
pub fn named(conn: &mut Conn, name: &RotaName) -> Result<Option<Rota>> {
    Ok(rotas::table
        .filter(rotas::name.eq(name.as_str()))
        .select(Rota::as_select())
        .get_result(conn)
        .optional()?)
}

/// Every rota in order of name; there are few.
///
/// # Errors
/// When the database does not answer.
pub fn all(conn: &mut Conn) -> Result<Vec<Rota>> {
    Ok(rotas::table
        .order(rotas::name)
        .select(Rota::as_select())
        .load(conn)?)
}

/// At most `limit` rotas in order of key, those after the given key.
///
/// # Errors
/// When the database does not answer.
pub fn page(conn: &mut Conn, after: Option<RotaId>, limit: i64) -> Result<Vec<Rota>> {
    Ok(rotas::table
        .filter(rotas::id.gt(after.unwrap_or_default()))
        .order(rotas::id)
        .limit(limit)
        .select(Rota::as_select())
        .load(conn)?)
}

/// The entries of a rota in the order they are asked.
///
/// # Errors
/// When the database does not answer.
pub fn entries(conn: &mut Conn, id: RotaId) -> Result<Vec<RotaEntry>> {
    Ok(rota_entries::table
        .filter(rota_entries::rota_id.eq(id))
        .order(rota_entries::place)
        .select(RotaEntry::as_select())
        .load(conn)?)
}

/// A rota with its people as they are now, and their hours with all revisions.
///
/// # Errors
/// When the database does not answer.
pub fn roster(conn: &mut Conn, rota: Rota) -> Result<Roster> {
    let entries = entries(conn, rota.id)?;
    let ids: Vec<PersonId> = entries.iter().map(|entry| entry.person_id).collect();
    let people = super::person::find_all(conn, &ids)?;
    let fallback = super::person::find(conn, rota.fallback_id)?;
    let emails = people.iter().map(|person| person.email.as_str());
    let marks = super::refused_address::of(conn, emails)?;
    let mut calendars: Vec<CalendarId> = entries.iter().map(|entry| entry.calendar_id).collect();
    calendars.sort();
    calendars.dedup();
    let book = super::calendar::book(conn, &calendars)?;
    let turn = |entry: RotaEntry| {
        // The keys of the database hold these together.
        let person: &Person = people.iter().find(|one| one.id == entry.person_id)?;
        let view = book.get(entry.calendar_id)?;
        Some(Turn {
            is_refused: mark_of(&marks, &person.email).is_some(),
            person: person.clone(),
            calendar_id: entry.calendar_id,
            hours: view.calendar.clone(),
        })
    };
    Ok(Roster {
        turns: entries.into_iter().filter_map(turn).collect(),
        rota,
        fallback,
    })
}

/// Keeps a new rota with its entries.
///
/// # Errors
/// At `name` when another has it.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    name: &RotaName,
    active: bool,
    entries: &[RotaEntry],
    fallback: PersonId,
) -> Result<RotaId> {
    let now = tx.now();
    let id = diesel::insert_into(rotas::table)
        .values((
            rotas::name.eq(name.as_str()),
            rotas::fallback_id.eq(fallback),
            rotas::active.eq(active),
            rotas::created_at.eq(now),
            rotas::version.eq(1_i64),
        ))
        .returning(rotas::id)
        .get_result(tx.conn())
        .map_err(|error| unique(error, "name", || format!("there is a rota {name} already")))?;
    list(tx, id, entries)?;
    Ok(id)
}

/// Changes a rota that still has the version the edit was made from, and gives the new version.
///
/// # Errors
/// When there is none, or somebody changed it first.
pub(crate) fn update(
    tx: &mut Tx<'_>,
    before: &Rota,
    version: i64,
    active: bool,
    entries: &[RotaEntry],
    fallback: PersonId,
) -> Result<i64> {
    let stands = rotas::id.eq(before.id).and(rotas::version.eq(version));
    let changed = diesel::update(rotas::table.filter(stands))
        .set((
            rotas::fallback_id.eq(fallback),
            rotas::active.eq(active),
            rotas::version.eq(version + 1),
        ))
        .execute(tx.conn())?;
    if changed == 0 {
        let what = format!("rota {}", before.name);
        return Err(Refused::Stale { what }.into());
    }
    forget_entries(tx, before.id)?;
    list(tx, before.id, entries)?;
    Ok(version + 1)
}

/// Forgets a rota.
///
/// # Errors
/// When there is none.
pub(crate) fn delete(tx: &mut Tx<'_>, id: RotaId) -> Result<()> {
    forget_entries(tx, id)?;
    match diesel::delete(rotas::table.find(id)).execute(tx.conn())? {
        0 => Err(Error::not_found("rota", id)),
        _ => Ok(()),
    }
}

fn list(tx: &mut Tx<'_>, id: RotaId, entries: &[RotaEntry]) -> Result<()> {
    for (place, entry) in (0_i32..).zip(entries) {
        diesel::insert_into(rota_entries::table)
            .values((
                rota_entries::rota_id.eq(id),
                rota_entries::place.eq(place),
                rota_entries::person_id.eq(entry.person_id),
                rota_entries::calendar_id.eq(entry.calendar_id),
            ))
            .execute(tx.conn())?;
    }
    Ok(())
}

fn forget_entries(tx: &mut Tx<'_>, id: RotaId) -> Result<()> {
    diesel::delete(rota_entries::table.filter(rota_entries::rota_id.eq(id))).execute(tx.conn())?;
    Ok(())
}
