//! People.

use std::collections::HashMap;

use diesel::prelude::*;

use super::among::AmongValues;
use super::{Conn, Tx};
use crate::domain::PersonId;
use crate::domain::person::{OwnSettings, Person, PersonInput, Role};
use crate::error::{Error, Refused, Result};
use crate::schema::people;

/// The person of that key.
///
/// # Errors
/// When there is none.
pub fn find(conn: &mut Conn, id: PersonId) -> Result<Person> {
    people::table
        .find(id)
        .select(Person::as_select())
        .get_result(conn)
        .optional()?
        .ok_or_else(|| Error::not_found("person", id))
}

/// The people of those keys, in no order.
///
/// # Errors
/// When the database does not answer.
pub fn find_all(conn: &mut Conn, ids: &[PersonId]) -> Result<Vec<Person>> {
    Ok(people::table
        .filter(people::id.among(ids))
        .select(Person::as_select())
        .load(conn)?)
}

/// The names of people by their keys.
///
/// # Errors
/// When the database does not answer.
pub fn names(conn: &mut Conn, ids: &[PersonId]) -> Result<HashMap<PersonId, String>> {
    let rows: Vec<(PersonId, String)> = people::table
        .filter(people::id.among(ids))
        .select((people::id, people::name))
        .load(conn)?;
    Ok(rows.into_iter().collect())
}

/// The person of that address, however it is capitalised, if there is one.
///
/// # Errors
/// When the database does not answer.
pub fn with_email(conn: &mut Conn, email: &str) -> Result<Option<Person>> {
    Ok(people::table
        .filter(people::email.eq(email.trim().to_lowercase()))
        .select(Person::as_select())
        .get_result(conn)
        .optional()?)
}

/// The active people of a role, in order of name.
///
/// # Errors
/// When the database does not answer.
pub fn of_role(conn: &mut Conn, role: Role) -> Result<Vec<Person>> {
    Ok(people::table
        .filter(people::role.eq(role).and(people::active.eq(true)))
        .order((people::name, people::id))
        .select(Person::as_select())
        .load(conn)?)
}

/// At most `limit` people in order of key, those after the given key.
///
/// # Errors
/// When the database does not answer.
pub fn page(conn: &mut Conn, after: Option<PersonId>, limit: i64) -> Result<Vec<Person>> {
    Ok(people::table
        .filter(people::id.gt(after.unwrap_or_default()))
        .order(people::id)
        .limit(limit)
        .select(Person::as_select())
        .load(conn)?)
}

/// Whether there is anybody yet.
///
/// # Errors
/// When the database does not answer.
pub fn any(conn: &mut Conn) -> Result<bool> {
    let first: Option<PersonId> = people::table.select(people::id).first(conn).optional()?;
    Ok(first.is_some())
}

/// Keeps a new person.
///
/// # Errors
/// At `email` when somebody has that address already.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    input: &PersonInput,
    password_hash: Option<&str>,
) -> Result<PersonId> {
    let now = tx.now();
    diesel::insert_into(people::table)
        .values((
            people::email.eq(&input.email),
            people::name.eq(&input.name),
            people::role.eq(input.role),
            people::time_zone.eq(input.time_zone),
            people::locale.eq(input.locale),
            people::password_hash.eq(password_hash),
            people::active.eq(input.active),
            people::created_at.eq(now),
            people::version.eq(1_i64),
        ))
        .returning(people::id)
        .get_result(tx.conn())
        .map_err(|error| email_taken(error, input))
}

/// Changes a person who still has the version the edit was made from, and gives the new version. The
/// password stays.
///
/// # Errors
/// As [`insert`], and when somebody changed the person first.
pub(crate) fn update(
    tx: &mut Tx<'_>,
    id: PersonId,
    version: i64,
    input: &PersonInput,
) -> Result<i64> {
    let changed =
        diesel::update(people::table.filter(people::id.eq(id).and(people::version.eq(version))))
            .set((
                people::email.eq(&input.email),
                people::name.eq(&input.name),
                people::role.eq(input.role),
                people::time_zone.eq(input.time_zone),
                people::locale.eq(input.locale),
                people::active.eq(input.active),
                people::version.eq(version + 1),
            ))
            .execute(tx.conn())
            .map_err(|error| email_taken(error, input))?;
    if changed == 0 {
        let person = find(tx.conn(), id)?;
        return Err(Refused::Stale { what: person.name }.into());
    }
    Ok(version + 1)
}

/// Changes what a person may change of oneself.
///
/// # Errors
/// When there is no such person.
pub(crate) fn update_own(tx: &mut Tx<'_>, id: PersonId, settings: &OwnSettings) -> Result<()> {
    let changed = diesel::update(people::table.find(id))
        .set((
            people::name.eq(&settings.name),
            people::time_zone.eq(settings.time_zone),
            people::locale.eq(settings.locale),
            people::version.eq(people::version + 1),
        ))
        .execute(tx.conn())?;
    if changed == 0 {
        return Err(Error::not_found("person", id));
    }
    Ok(())
}

/// Keeps the hash of a new password.
///
/// # Errors
/// When there is no such person.
pub(crate) fn set_password(tx: &mut Tx<'_>, id: PersonId, hash: &str) -> Result<()> {
    let changed = diesel::update(people::table.find(id))
        .set(people::password_hash.eq(hash))
        .execute(tx.conn())?;
    if changed == 0 {
        return Err(Error::not_found("person", id));
    }
    Ok(())
}

/// The active administrators, locked until the transaction ends: two of them cannot each dismiss the
/// other at once.
///
/// # Errors
/// When the database does not answer.
pub(crate) fn lock_administrators(tx: &mut Tx<'_>) -> Result<Vec<PersonId>> {
    let administrators = people::table
        .filter(
            people::role
                .eq(Role::Administrator)
                .and(people::active.eq(true)),
        )
        .order(people::id)
        .select(people::id);
    Ok(match tx.conn() {
        Conn::Postgres(conn) => administrators.for_update().load(conn)?,
        // The transaction is SQLite's only writer.
        Conn::Sqlite(conn) => administrators.load(conn)?,
    })
}

fn email_taken(error: diesel::result::Error, input: &PersonInput) -> Error {
    super::unique(error, "email", || {
        format!("somebody has the address {} already", input.email)
    })
}
