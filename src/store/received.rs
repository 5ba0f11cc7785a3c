//! Messages that came in.

use diesel::prelude::*;

use super::{Conn, Tx, routine};
use crate::domain::evidence::CHUNK;
use crate::domain::outbox::Letter;
use crate::domain::received::{Received, Verdict};
use crate::domain::{CaseId, ContactId, IncidentId, LetterId, PersonId, ReceivedId};
use crate::error::{Error, Result};
use crate::per_backend;
use crate::schema::{letters, received_chunks, received_messages};
use crate::time::Moment;

/// A message about to be kept.
#[derive(Clone, Debug)]
pub struct NewReceived<'a> {
    /// When it reached us.
    pub received_at: Moment,
    /// The SHA-256 of its bytes.
    pub sha256: &'a str,
    /// Its length in bytes.
    pub size: i64,
    /// What it is taken for.
    pub verdict: Verdict,
    /// Why.
    pub reason: &'a str,
    /// Where it belongs.
    pub place: Option<Place>,
    /// Its own Message-ID; may be empty.
    pub message_id: &'a str,
    /// The name and the address that its sender goes by.
    pub sender: (&'a str, &'a str),
    /// What it is about.
    pub subject: &'a str,
    /// What it says.
    pub body: &'a str,
    /// The names of its attachments.
    pub files: &'a [String],
    /// When it says that it was written.
    pub dated_at: Option<Moment>,
}

/// Which letter a message answers, and who of the vendor's contacts has the sender's address.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The letter.
    pub letter: LetterId,
    /// Its incident.
    pub incident: IncidentId,
    /// Its case.
    pub case: CaseId,
    /// The contact.
    pub contact: Option<ContactId>,
}

/// Keeps a message; nothing where the same one was kept before.
///
/// # Errors
/// When the database does not take it.
pub fn insert(tx: &mut Tx<'_>, new: &NewReceived<'_>) -> Result<Option<ReceivedId>> {
    let files = serde_json::to_string(new.files)?;
    let place = new.place;
    Ok(
        per_backend!(tx.conn(), conn => diesel::insert_into(received_messages::table)
        .values((
            received_messages::received_at.eq(new.received_at),
            received_messages::sha256.eq(new.sha256),
            received_messages::size.eq(new.size),
            received_messages::verdict.eq(new.verdict),
            received_messages::reason.eq(new.reason),
            received_messages::letter_id.eq(place.map(|place| place.letter)),
            received_messages::incident_id.eq(place.map(|place| place.incident)),
            received_messages::case_id.eq(place.map(|place| place.case)),
            received_messages::contact_id.eq(place.and_then(|place| place.contact)),
            received_messages::message_id.eq(new.message_id),
            received_messages::sender_name.eq(new.sender.0),
            received_messages::sender_email.eq(new.sender.1),
            received_messages::subject.eq(new.subject),
            received_messages::body.eq(new.body),
            received_messages::files.eq(&files),
            received_messages::dated_at.eq(new.dated_at),
        ))
        .on_conflict_do_nothing()
        .returning(received_messages::id)
        .get_result(conn)
        .optional())?,
    )
}

/// Keeps the bytes of a message.
///
/// # Errors
/// When the database does not take them.
pub fn insert_content(tx: &mut Tx<'_>, id: ReceivedId, content: &[u8]) -> Result<()> {
    for (number, chunk) in (0_i32..).zip(content.chunks(CHUNK)) {
        diesel::insert_into(received_chunks::table)
            .values((
                received_chunks::received_id.eq(id),
                received_chunks::number.eq(number),
                received_chunks::content.eq(chunk),
            ))
            .execute(tx.conn())?;
    }
    Ok(())
}

/// The bytes of a message; nothing where they are not kept, or were erased.
///
/// # Errors
/// When the database does not answer.
pub fn content(conn: &mut Conn, id: ReceivedId) -> Result<Option<Vec<u8>>> {
    let chunks: Vec<Vec<u8>> = received_chunks::table
        .filter(received_chunks::received_id.eq(id))
        .order(received_chunks::number)
        .select(received_chunks::content)
        .load(conn)?;
    Ok((!chunks.is_empty()).then(|| chunks.concat()))
}

/// The message of that key.
///
/// # Errors
/// When there is none.
pub fn get(conn: &mut Conn, id: ReceivedId) -> Result<Received> {
    received_messages::table
        .find(id)
        .select(Received::as_select())
        .get_result(conn)
        .optional()?
        .ok_or_else(|| Error::not_found("received message", id))
}

/// The message of those bytes.
///
/// # Errors
/// When the database does not answer.
pub fn of_hash(conn: &mut Conn, sha256: &str) -> Result<Option<Received>> {
    Ok(received_messages::table
        .filter(received_messages::sha256.eq(sha256))
        .select(Received::as_select())
        .get_result(conn)
        .optional()?)
}

/// The messages about an incident, newest first.
///
/// # Errors
/// When the database does not answer.
pub fn of_incident(conn: &mut Conn, incident: IncidentId) -> Result<Vec<Received>> {
    Ok(received_messages::table
        .filter(received_messages::incident_id.eq(incident))
        .order(received_messages::id.desc())
        .select(Received::as_select())
        .load(conn)?)
}

/// Messages, newest first, from below a key on; of one verdict or incident if they are named.
///
/// # Errors
/// When the database does not answer.
pub fn list(
    conn: &mut Conn,
    verdict: Option<Verdict>,
    incident: Option<IncidentId>,
    before: Option<ReceivedId>,
    limit: i64,
) -> Result<Vec<Received>> {
    let mut query = received_messages::table
        .order(received_messages::id.desc())
        .limit(limit)
        .select(Received::as_select())
        .into_boxed();
    if let Some(verdict) = verdict {
        query = query.filter(received_messages::verdict.eq(verdict));
    }
    if let Some(incident) = incident {
        query = query.filter(received_messages::incident_id.eq(incident));
    }
    if let Some(before) = before {
        query = query.filter(received_messages::id.lt(before));
    }
    Ok(query.load(conn)?)
}

/// How many messages of that verdict are kept.
///
/// # Errors
/// When the database does not answer.
pub fn count(conn: &mut Conn, verdict: Verdict) -> Result<i64> {
    Ok(received_messages::table
        .filter(received_messages::verdict.eq(verdict))
        .count()
        .get_result(conn)?)
}

/// The letters of those left parts of Message-IDs, in the order in which they are named.
///
/// # Errors
/// When the database does not answer.
pub fn answered(conn: &mut Conn, lefts: &[&str]) -> Result<Vec<Letter>> {
    let mut found: Vec<Letter> = letters::table
        .filter(letters::message_id.eq_any(lefts))
        .select(Letter::as_select())
        .load(conn)?;
    found.sort_by_key(|letter| lefts.iter().position(|left| *left == letter.message_id));
    Ok(found)
}

/// Notes that somebody is done with a message; who was first stays.
///
/// # Errors
/// When the database does not take it.
pub fn handle(tx: &mut Tx<'_>, id: ReceivedId) -> Result<()> {
    let now = tx.now();
    let by: Option<PersonId> = tx.actor().person();
    let open = received_messages::table
        .find(id)
        .filter(received_messages::handled_at.is_null());
    diesel::update(open)
        .set((
            received_messages::handled_at.eq(now),
            received_messages::handled_by.eq(by),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// Drops the texts and the bytes of a message; its hash stays. Says whether there was anything left.
///
/// # Errors
/// When the database does not take it.
pub fn erase(tx: &mut Tx<'_>, id: ReceivedId) -> Result<bool> {
    let now = tx.now();
    let whole = received_messages::table
        .find(id)
        .filter(received_messages::erased_at.is_null());
    let erased = diesel::update(whole)
        .set((
            received_messages::erased_at.eq(now),
            received_messages::message_id.eq(""),
            received_messages::sender_name.eq(""),
            received_messages::sender_email.eq(""),
            received_messages::subject.eq(""),
            received_messages::body.eq(""),
            received_messages::files.eq("[]"),
            received_messages::reason.eq(""),
        ))
        .execute(tx.conn())?;
    diesel::delete(received_chunks::table.filter(received_chunks::received_id.eq(id)))
        .execute(tx.conn())?;
    routine::ran(tx, super::erasure::LEFT, now)?;
    Ok(erased == 1)
}

/// Drops what belongs nowhere and came before that moment; gives how many.
///
/// # Errors
/// When the database does not take it.
pub fn drop_unplaced(tx: &mut Tx<'_>, before: Moment) -> Result<usize> {
    let old = received_messages::table
        .filter(received_messages::verdict.eq_any([Verdict::Unplaced, Verdict::Refused]))
        .filter(received_messages::received_at.lt(before));
    Ok(diesel::delete(old).execute(tx.conn())?)
}
