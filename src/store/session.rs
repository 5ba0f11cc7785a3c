//! Who is signed in, and the one-time link that makes the first administrator. Of each secret only
//! its hash is kept.

use diesel::prelude::*;

use super::{Conn, Tx};
use crate::domain::PersonId;
use crate::domain::person::Person;
use crate::error::Result;
use crate::schema::{people, sessions, setup_links};
use crate::time::Moment;

/// A session that has not run out.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub struct Session {
    /// Hash of the cookie's value.
    pub token_hash: String,
    /// Whose it is.
    pub person_id: PersonId,
    /// When the person signed in.
    pub created_at: Moment,
    /// From then on it does not count any more.
    pub expires_at: Moment,
}

/// The session of that hash and its person, if neither has ended.
///
/// # Errors
/// When the database does not answer.
pub fn holder(conn: &mut Conn, hash: &str, now: Moment) -> Result<Option<(Session, Person)>> {
    Ok(sessions::table
        .inner_join(people::table)
        .filter(sessions::token_hash.eq(hash))
        .filter(sessions::expires_at.gt(now))
        .filter(people::active.eq(true))
        .select((Session::as_select(), Person::as_select()))
        .get_result(conn)
        .optional()?)
}

/// Keeps a new session, and forgets those that have run out.
///
/// # Errors
/// When the database does not answer.
pub(crate) fn open(
    tx: &mut Tx<'_>,
    person: PersonId,
    hash: &str,
    expires_at: Moment,
) -> Result<()> {
    let now = tx.now();
    diesel::delete(sessions::table.filter(sessions::expires_at.le(now))).execute(tx.conn())?;
    diesel::insert_into(sessions::table)
        .values((
            sessions::token_hash.eq(hash),
            sessions::person_id.eq(person),
            sessions::created_at.eq(now),
            sessions::expires_at.eq(expires_at),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// Lets a session that is in use last longer.
///
/// # Errors
/// When the database does not answer.
pub(crate) fn prolong(tx: &mut Tx<'_>, hash: &str, expires_at: Moment) -> Result<()> {
    diesel::update(sessions::table.find(hash))
        .set(sessions::expires_at.eq(expires_at))
        .execute(tx.conn())?;
    Ok(())
}

/// Ends one session and says whose it was.
///
/// # Errors
/// When the database does not answer.
pub(crate) fn close(tx: &mut Tx<'_>, hash: &str) -> Result<Option<PersonId>> {
    Ok(diesel::delete(sessions::table.find(hash))
        .returning(sessions::person_id)
        .get_result(tx.conn())
        .optional()?)
}

/// Ends the sessions of a person, but not the one of that hash.
///
/// # Errors
/// When the database does not answer.
pub(crate) fn close_others(tx: &mut Tx<'_>, person: PersonId, but: Option<&str>) -> Result<usize> {
    let others = sessions::table
        .filter(sessions::person_id.eq(person))
        .filter(sessions::token_hash.ne(but.unwrap_or_default()));
    Ok(diesel::delete(others).execute(tx.conn())?)
}

/// Keeps a new one-time link; earlier ones do not work any more.
///
/// # Errors
/// When the database does not answer.
pub(crate) fn offer_link(tx: &mut Tx<'_>, hash: &str, expires_at: Moment) -> Result<()> {
    let now = tx.now();
    diesel::delete(setup_links::table.filter(setup_links::used_at.is_null())).execute(tx.conn())?;
    diesel::insert_into(setup_links::table)
        .values((
            setup_links::token_hash.eq(hash),
            setup_links::created_at.eq(now),
            setup_links::expires_at.eq(expires_at),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// Whether the one-time link still works.
///
/// # Errors
/// When the database does not answer.
pub fn link_works(conn: &mut Conn, hash: &str, now: Moment) -> Result<bool> {
    let found: Option<Moment> = setup_links::table
        .find(hash)
        .filter(setup_links::used_at.is_null())
        .filter(setup_links::expires_at.gt(now))
        .select(setup_links::expires_at)
        .get_result(conn)
        .optional()?;
    Ok(found.is_some())
}

/// Uses the one-time link up; says whether it still worked.
///
/// # Errors
/// When the database does not answer.
pub(crate) fn use_link(tx: &mut Tx<'_>, hash: &str) -> Result<bool> {
    let now = tx.now();
    let link = setup_links::table
        .filter(setup_links::token_hash.eq(hash))
        .filter(setup_links::used_at.is_null())
        .filter(setup_links::expires_at.gt(now));
    let used = diesel::update(link)
        .set(setup_links::used_at.eq(now))
        .execute(tx.conn())?;
    Ok(used == 1)
}
