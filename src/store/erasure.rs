//! What is taken out of the tables when texts are erased.

use diesel::prelude::*;
use sha2::{Digest, Sha256};

use super::{Conn, Tx, routine};
use crate::domain::erasure::ERASED;
use crate::domain::letter::{LetterFacts, LetterKind, LetterState};
use crate::domain::outbox::Letter;
use crate::domain::{BreachId, CaseId, IncidentId, LetterId};
use crate::error::Result;
use crate::per_backend;
use crate::schema::{cases, erased_letters, event_texts, incidents, letters, withdrawals};
use crate::time::Moment;

/// A letter whose sent form was erased.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = erased_letters)]
pub struct ErasedLetter {
    /// When.
    pub at: Moment,
    /// The incident whose text it quoted.
    pub incident_id: IncidentId,
    /// The number of the `erased` event.
    pub seq: i64,
    /// The hash of the bytes that were sent, if it was.
    pub sha256: Option<String>,
}

/// The moment of the last erasure, as a routine is remembered.
pub(super) const LEFT: &str = "texts erased";
/// The moment of the erasure that the file was last written anew for.
const OVERWRITTEN: &str = "file overwritten";

/// The moment of the last erasure, if bytes of what was erased may still lie in the file.
///
/// # Errors
/// When the database does not answer.
pub fn left_in_file(conn: &mut Conn) -> Result<Option<Moment>> {
    let Some(erased) = routine::last_run(conn, LEFT)? else {
        return Ok(None);
    };
    let overwritten = routine::last_run(conn, OVERWRITTEN)?;
    Ok((Some(erased) > overwritten).then_some(erased))
}

/// Notes that nothing of what was erased up to that moment lies in the file.
///
/// # Errors
/// When the database does not take it.
pub fn not_left_in_file(tx: &mut Tx<'_>, erased: Moment) -> Result<()> {
    routine::ran(tx, OVERWRITTEN, erased).map(drop)
}

/// Drops salt and content of texts of an event; their bytes are left in the file until it is written
/// anew.
///
/// # Errors
/// When the database does not take it.
pub fn drop_texts(tx: &mut Tx<'_>, event: i64, names: &[String]) -> Result<()> {
    diesel::delete(
        event_texts::table
            .filter(event_texts::event_id.eq(event))
            .filter(event_texts::name.eq_any(names)),
    )
    .execute(tx.conn())?;
    let now = tx.now();
    routine::ran(tx, LEFT, now).map(drop)
}

/// Takes the copy of a title out of the incident.
///
/// # Errors
/// When the database does not take it.
pub fn drop_title(tx: &mut Tx<'_>, incident: IncidentId) -> Result<()> {
    diesel::update(incidents::table.find(incident))
        .set(incidents::title.eq(ERASED))
        .execute(tx.conn())?;
    Ok(())
}

/// Takes the copy of a description out of the incident.
///
/// # Errors
/// When the database does not take it.
pub fn drop_description(tx: &mut Tx<'_>, incident: IncidentId) -> Result<()> {
    diesel::update(incidents::table.find(incident))
        .set(incidents::description.eq(""))
        .execute(tx.conn())?;
    Ok(())
}

/// Takes the vendor's reference out of the case.
///
/// # Errors
/// When the database does not take it.
pub fn drop_vendor_reference(tx: &mut Tx<'_>, case: CaseId) -> Result<()> {
    diesel::update(cases::table.find(case))
        .set(cases::vendor_reference.eq(""))
        .execute(tx.conn())?;
    Ok(())
}

/// Takes the reason out of a withdrawal.
///
/// # Errors
/// When the database does not take it.
pub fn drop_withdrawal_reason(tx: &mut Tx<'_>, breach: BreachId) -> Result<()> {
    diesel::update(withdrawals::table.find(breach))
        .set(withdrawals::reason.eq(ERASED))
        .execute(tx.conn())?;
    Ok(())
}

/// At most `limit` letters that may quote a text of that incident, those after a key: its own, and the
/// reports queued since it was entered.
///
/// # Errors
/// When the database does not answer.
pub fn letters_quoting(
    conn: &mut Conn,
    incident: IncidentId,
    since: Moment,
    after: LetterId,
    limit: i64,
) -> Result<Vec<Letter>> {
    let is_report = letters::kind
        .eq(LetterKind::Report)
        .and(letters::created_at.ge(since));
    let is_its = letters::incident_id.eq(incident).assume_not_null();
    Ok(letters::table
        .filter(letters::id.gt(after))
        .filter(is_its.or(is_report))
        .order(letters::id)
        .limit(limit)
        .select(Letter::as_select())
        .load(conn)?)
}

/// Puts facts without the erased texts in the place of those a letter has, and drops what was sent but
/// for its hash. Says whether it could: a letter that is just being sent stays as it is.
///
/// # Errors
/// When the database does not take it.
pub fn redact_letter(
    tx: &mut Tx<'_>,
    letter: LetterId,
    facts: &LetterFacts,
    (incident, seq): (IncidentId, i64),
) -> Result<bool> {
    let now = tx.now();
    let sent: Option<Vec<u8>> = letters::table
        .find(letter)
        .select(letters::message)
        .get_result(tx.conn())?;
    let none = None::<String>;
    let changed = diesel::update(
        letters::table
            .find(letter)
            .filter(letters::state.ne(LetterState::Leased)),
    )
    .set((
        letters::facts.eq(serde_json::to_string(facts)?),
        letters::subject.eq(&none),
        letters::body_text.eq(&none),
        letters::body_html.eq(&none),
        letters::message.eq(None::<Vec<u8>>),
    ))
    .execute(tx.conn())?;
    if changed == 0 {
        return Ok(false);
    }
    super::webhook::drop_answer(tx, letter)?;
    let sha256 = sent.map(|bytes| hex::encode(Sha256::digest(bytes)));
    // A letter may quote several texts that are erased one after another; the first holds the hash.
    per_backend!(tx.conn(), conn => diesel::insert_into(erased_letters::table)
        .values((
            erased_letters::letter_id.eq(letter),
            erased_letters::at.eq(now),
            erased_letters::incident_id.eq(incident),
            erased_letters::seq.eq(seq),
            erased_letters::sha256.eq(&sha256),
        ))
        .on_conflict_do_nothing()
        .execute(conn))?;
    Ok(true)
}

/// What is known of a letter whose sent form was erased; nothing for others.
///
/// # Errors
/// When the database does not answer.
pub fn of_letter(conn: &mut Conn, letter: LetterId) -> Result<Option<ErasedLetter>> {
    Ok(erased_letters::table
        .find(letter)
        .select(ErasedLetter::as_select())
        .get_result(conn)
        .optional()?)
}
