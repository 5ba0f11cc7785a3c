//! Adding and editing people.

use serde_json::json;

use crate::domain::PersonId;
use crate::domain::input::Faults;
use crate::domain::person::{OwnSettings, PersonInput, Role};
use crate::error::{Error, Result};
use crate::store::{Conn, Tx, person, session};

/// Adds a person. The password comes as its hash, which takes too long to be made in a transaction.
///
/// # Errors
/// At `email` when somebody has that address already.
pub fn add(tx: &mut Tx<'_>, input: &PersonInput, password_hash: Option<&str>) -> Result<PersonId> {
    let id = person::insert(tx, input, password_hash)?;
    tx.record("person", id.0, "added", &json!(input))?;
    Ok(id)
}

/// Edits a person who still has the version the edit was made from, and gives the new version. One
/// who becomes inactive is signed out everywhere. The password is changed only where a hash is given.
///
/// # Errors
/// At `email` when somebody else has that address; when somebody changed the person first; when
/// nobody would be left to administer.
pub fn edit(
    tx: &mut Tx<'_>,
    id: PersonId,
    version: i64,
    input: &PersonInput,
    password_hash: Option<&str>,
) -> Result<i64> {
    let administrates = input.active && input.role == Role::Administrator;
    if !administrates && person::lock_administrators(tx)? == [id] {
        return Err(Error::conflict(
            "this is the last active administrator; make somebody else an administrator first",
        ));
    }
    let version = person::update(tx, id, version, input)?;
    if !input.active {
        session::close_others(tx, id, None)?;
    }
    tx.record("person", id.0, "edited", &json!(input))?;
    if let Some(hash) = password_hash {
        set_password(tx, id, hash, None)?;
    }
    Ok(version)
}

/// Changes one's own name, zone and language.
///
/// # Errors
/// When there is no such person.
pub fn edit_own(tx: &mut Tx<'_>, id: PersonId, settings: &OwnSettings) -> Result<()> {
    person::update_own(tx, id, settings)?;
    tx.record("person", id.0, "edited", &json!(settings))
}

/// Gives a person a new password; all sessions end but the one in which it was done.
///
/// # Errors
/// When there is no such person.
pub fn set_password(
    tx: &mut Tx<'_>,
    id: PersonId,
    password_hash: &str,
    this_session: Option<&str>,
) -> Result<()> {
    person::set_password(tx, id, password_hash)?;
    let ended = session::close_others(tx, id, this_session)?;
    tx.record(
        "person",
        id.0,
        "password changed",
        &json!({"sessions_ended": ended}),
    )
}

/// The person of ours whom an address names; a fault at `field` says that there is none.
pub(super) fn known(
    conn: &mut Conn,
    email: &str,
    field: &str,
    faults: &mut Faults,
) -> Result<Option<PersonId>> {
    let person = person::with_email(conn, email)?;
    faults.require(
        person.is_some(),
        field,
        format!("nobody of us has the address {email}; an administrator adds people under People"),
    );
    Ok(person.map(|person| person.id))
}

/// Makes the first administrator by the one-time link.
///
/// # Errors
/// When the link does not work any more, or somebody is there already.
pub fn set_up(
    tx: &mut Tx<'_>,
    link_hash: &str,
    input: &PersonInput,
    password_hash: &str,
) -> Result<PersonId> {
    if !session::use_link(tx, link_hash)? || person::any(tx.conn())? {
        return Err(Error::conflict(
            "this link does not work any more; restart the service for a new one, or ask an administrator",
        ));
    }
    let id = person::insert(tx, input, Some(password_hash))?;
    tx.record("person", id.0, "set up", &json!(input))?;
    Ok(id)
}
