//! Signing in and out, and the link for the first administrator.

use serde_json::json;

use crate::domain::PersonId;
use crate::error::Result;
use crate::store::session::Session;
use crate::store::{Tx, person, session};
use crate::time::{DAY, HOUR, Micros, Moment};

/// A session that is not used for this long ends.
pub const IDLE: Micros = 12 * HOUR;
/// A session ends this long after signing in, however much it is used.
pub const LONGEST: Micros = 7 * DAY;
/// A session in use is prolonged at most this often, so that reading does not write.
const PROLONG_AFTER: Micros = HOUR;
/// The one-time link works for this long.
pub const LINK_LIFE: Micros = DAY;

/// Opens a session for a person whose password was right.
///
/// # Errors
/// When the database does not answer.
pub fn sign_in(tx: &mut Tx<'_>, person: PersonId, token_hash: &str) -> Result<()> {
    let until = tx.now() + IDLE;
    session::open(tx, person, token_hash, until)?;
    tx.record("person", person.0, "signed in", &json!({}))
}

/// Ends a session; one that has ended already stays so.
///
/// # Errors
/// When the database does not answer.
pub fn sign_out(tx: &mut Tx<'_>, token_hash: &str) -> Result<()> {
    if let Some(person) = session::close(tx, token_hash)? {
        tx.record("person", person.0, "signed out", &json!({}))?;
    }
    Ok(())
}

/// Whether a session in use should be prolonged now, and until when.
pub fn prolonged(session: &Session, now: Moment) -> Option<Moment> {
    let until = (now + IDLE).min(session.created_at + LONGEST);
    (until - session.expires_at >= PROLONG_AFTER).then_some(until)
}

/// Lets a session in use last longer. Leaves no audit line: nothing about anybody changes.
///
/// # Errors
/// When the database does not answer.
pub fn prolong(tx: &mut Tx<'_>, session: &Session, until: Moment) -> Result<()> {
    session::prolong(tx, &session.token_hash, until)
}

/// Offers a new one-time link for the first administrator, unless somebody is there already.
///
/// # Errors
/// When the database does not answer.
pub fn offer_link(tx: &mut Tx<'_>, token_hash: &str) -> Result<bool> {
    if person::any(tx.conn())? {
        return Ok(false);
    }
    let until = tx.now() + LINK_LIFE;
    session::offer_link(tx, token_hash, until)?;
    tx.record("person", 0, "setup link offered", &json!({"until": until}))?;
    Ok(true)
}
