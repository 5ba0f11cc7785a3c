//! What signed links need to be kept: the key, which of them were used, and which were called in.

use anyhow::anyhow;
use diesel::prelude::*;

use super::{Conn, Tx};
use crate::domain::incident::{Case, Incident, IncidentState};
use crate::domain::link::{LinkKey, Purpose};
use crate::domain::vendor::Contact;
use crate::domain::{ContactId, IncidentId, LetterId, VendorId};
use crate::error::{Error, Result};
use crate::per_backend;
use crate::schema::{cases, contacts, contracts, incidents, link_keys, revoked_links, used_links};
use crate::secret::random;
use crate::time::Moment;

/// The name of the key that letters are signed with.
const LETTERS: &str = "letters";

/// The key, if one was needed before.
///
/// # Errors
/// When the database does not answer.
pub fn key(conn: &mut Conn) -> Result<Option<LinkKey>> {
    let secret: Option<Vec<u8>> = link_keys::table
        .find(LETTERS)
        .select(link_keys::secret)
        .get_result(conn)
        .optional()?;
    Ok(secret.map(|secret| LinkKey::new(&secret)))
}

/// The key; made now if there is none.
///
/// # Errors
/// When the machine gives no randomness or the database does not take it.
pub fn key_or_new(tx: &mut Tx<'_>) -> Result<LinkKey> {
    if let Some(key) = key(tx.conn())? {
        return Ok(key);
    }
    let secret = random()?;
    let now = tx.now();
    // Another node may make one at the same moment; the first counts.
    per_backend!(tx.conn(), conn => diesel::insert_into(link_keys::table)
        .values((
            link_keys::name.eq(LETTERS),
            link_keys::secret.eq(&secret[..]),
            link_keys::made_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(conn))?;
    key(tx.conn())?.ok_or_else(|| anyhow!("the key of links was not kept").into())
}

/// A link that was used.
#[derive(Clone, Copy, Debug, Queryable, Selectable)]
#[diesel(table_name = used_links)]
pub struct Used {
    /// When.
    pub used_at: Moment,
    /// On which incident.
    pub incident_id: IncidentId,
    /// The number of the event that it recorded.
    pub seq: i64,
}

/// When the link of a letter for that purpose was used; the occasion is empty for a link that serves once.
///
/// # Errors
/// When the database does not answer.
pub fn used(
    conn: &mut Conn,
    letter: LetterId,
    purpose: Purpose,
    occasion: &str,
) -> Result<Option<Used>> {
    Ok(used_links::table
        .find((letter, purpose, occasion))
        .select(Used::as_select())
        .get_result(conn)
        .optional()?)
}

/// Notes that a link was used; the key of the table lets nobody do so twice.
///
/// # Errors
/// When it was used before.
pub fn use_up(
    tx: &mut Tx<'_>,
    letter: LetterId,
    purpose: Purpose,
    occasion: &str,
    (incident, seq): (IncidentId, i64),
) -> Result<()> {
    let now = tx.now();
    diesel::insert_into(used_links::table)
        .values((
            used_links::letter_id.eq(letter),
            used_links::purpose.eq(purpose),
            used_links::occasion.eq(occasion),
            used_links::used_at.eq(now),
            used_links::incident_id.eq(incident),
            used_links::seq.eq(seq),
        ))
        .execute(tx.conn())
        .map_err(|error| super::unique(error, "", || "this link was used already".to_string()))?;
    Ok(())
}

/// Calls the links of a letter in; says whether they served until now.
///
/// # Errors
/// When the database does not take it.
pub fn revoke(tx: &mut Tx<'_>, letter: LetterId) -> Result<bool> {
    let (now, person) = (tx.now(), tx.actor().person());
    let revoked = per_backend!(tx.conn(), conn => diesel::insert_into(revoked_links::table)
        .values((
            revoked_links::letter_id.eq(letter),
            revoked_links::at.eq(now),
            revoked_links::person_id.eq(person),
        ))
        .on_conflict_do_nothing()
        .execute(conn))?;
    Ok(revoked == 1)
}

/// When the links of a letter were called in, if they were.
///
/// # Errors
/// When the database does not answer.
pub fn revoked(conn: &mut Conn, letter: LetterId) -> Result<Option<Moment>> {
    Ok(revoked_links::table
        .find(letter)
        .select(revoked_links::at)
        .get_result(conn)
        .optional()?)
}

/// A contact, if it has not been removed.
///
/// # Errors
/// When the database does not answer.
pub fn contact(conn: &mut Conn, id: ContactId) -> Result<Option<Contact>> {
    Ok(contacts::table
        .find(id)
        .select(Contact::as_select())
        .get_result(conn)
        .optional()?)
}

/// The cases of a vendor in incidents that are not over, oldest first.
///
/// # Errors
/// When the database does not answer.
pub fn open_cases(conn: &mut Conn, vendor: VendorId) -> Result<Vec<(Incident, Case)>> {
    Ok(cases::table
        .inner_join(incidents::table)
        .inner_join(contracts::table)
        .filter(contracts::vendor_id.eq(vendor))
        .filter(incidents::state.eq(IncidentState::Open))
        .order(cases::id)
        .select((Incident::as_select(), Case::as_select()))
        .load(conn)?)
}

/// One case with its incident.
///
/// # Errors
/// When there is none.
pub fn case(conn: &mut Conn, id: crate::domain::CaseId) -> Result<(Incident, Case)> {
    cases::table
        .inner_join(incidents::table)
        .filter(cases::id.eq(id))
        .select((Incident::as_select(), Case::as_select()))
        .get_result(conn)
        .optional()?
        .ok_or_else(|| Error::not_found("case", id))
}
