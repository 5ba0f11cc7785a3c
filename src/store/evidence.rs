//! Files that go with events, in chunks.

use std::io::Read;

use anyhow::Context;
use diesel::prelude::*;

use super::{Conn, Tx};
use crate::domain::evidence::{Arrived, CHUNK, File};
use crate::domain::{EvidenceId, IncidentId, PersonId};
use crate::error::{Error, Result};
use crate::schema::{events, evidence, evidence_chunks};
use crate::time::Moment;

/// Keeps a file that waits for its event; its content is read chunk by chunk.
///
/// # Errors
/// When the content cannot be read, or the database does not take it.
pub fn insert(
    tx: &mut Tx<'_>,
    person: PersonId,
    arrived: &Arrived,
    content: &mut dyn Read,
) -> Result<EvidenceId> {
    let now = tx.now();
    let size = i64::try_from(arrived.size).context("a file longer than any disk")?;
    let id: EvidenceId = diesel::insert_into(evidence::table)
        .values((
            evidence::sha256.eq(&arrived.sha256),
            evidence::size.eq(size),
            evidence::media_type.eq(&arrived.media_type),
            evidence::name.eq(&arrived.name),
            evidence::person_id.eq(person),
            evidence::uploaded_at.eq(now),
        ))
        .returning(evidence::id)
        .get_result(tx.conn())?;
    for number in 0.. {
        let mut chunk = Vec::with_capacity(CHUNK);
        (&mut *content)
            .take(CHUNK as u64)
            .read_to_end(&mut chunk)
            .context("the file that arrived cannot be read")?;
        if chunk.is_empty() {
            break;
        }
        diesel::insert_into(evidence_chunks::table)
            .values((
                evidence_chunks::evidence_id.eq(id),
                evidence_chunks::number.eq(number),
                evidence_chunks::content.eq(chunk),
            ))
            .execute(tx.conn())?;
    }
    Ok(id)
}

/// The file of that key.
///
/// # Errors
/// When there is none.
pub fn find(conn: &mut Conn, id: EvidenceId) -> Result<File> {
    evidence::table
        .find(id)
        .select(File::as_select())
        .get_result(conn)
        .optional()?
        .ok_or_else(|| Error::not_found("evidence", id))
}

/// A file of that content that the person sent and that waits for an event.
///
/// # Errors
/// When the database does not answer.
pub fn waiting(conn: &mut Conn, person: PersonId, sha256: &str) -> Result<Option<File>> {
    Ok(evidence::table
        .filter(evidence::sha256.eq(sha256))
        .filter(evidence::person_id.eq(person))
        .filter(evidence::event_id.is_null())
        .order(evidence::id)
        .select(File::as_select())
        .first(conn)
        .optional()?)
}

/// Gives a file that waits to an event; its name lies with the event's texts from now on.
///
/// # Errors
/// When it waits no more, or the database does not take it.
pub fn attach(tx: &mut Tx<'_>, id: EvidenceId, event: i64, position: i32) -> Result<()> {
    let waits = evidence::table
        .find(id)
        .filter(evidence::event_id.is_null());
    let attached = diesel::update(waits)
        .set((
            evidence::event_id.eq(event),
            evidence::position.eq(position),
            evidence::name.eq(""),
        ))
        .execute(tx.conn())?;
    match attached {
        1 => Ok(()),
        _ => Err(Error::conflict(
            "the file was given to another event meanwhile; upload it again",
        )),
    }
}

/// The files of those events, in order of event and place.
///
/// # Errors
/// When the database does not answer.
pub fn of_events(conn: &mut Conn, events: &[i64]) -> Result<Vec<File>> {
    Ok(evidence::table
        .filter(evidence::event_id.eq_any(events.iter().copied().map(Some)))
        .order((evidence::event_id, evidence::position, evidence::id))
        .select(File::as_select())
        .load(conn)?)
}

/// The files of an incident's events, in order of event and place.
///
/// # Errors
/// When the database does not answer.
pub fn of_incident(conn: &mut Conn, incident: IncidentId) -> Result<Vec<File>> {
    Ok(evidence::table
        .inner_join(events::table)
        .filter(events::incident_id.eq(incident))
        .order((evidence::event_id, evidence::position))
        .select(File::as_select())
        .load(conn)?)
}

/// One chunk of a file's content, from 0; nothing after the last, or when it was erased.
///
/// # Errors
/// When the database does not answer.
pub fn chunk(conn: &mut Conn, id: EvidenceId, number: i32) -> Result<Option<Vec<u8>>> {
    Ok(evidence_chunks::table
        .find((id, number))
        .select(evidence_chunks::content)
        .get_result(conn)
        .optional()?)
}

/// Drops the content of a file of an event.
///
/// # Errors
/// When the database does not take it.
pub fn drop_content(tx: &mut Tx<'_>, event: i64, position: i32) -> Result<()> {
    let ids: Vec<EvidenceId> = evidence::table
        .filter(evidence::event_id.eq(event))
        .filter(evidence::position.eq(position))
        .select(evidence::id)
        .load(tx.conn())?;
    diesel::delete(evidence_chunks::table.filter(evidence_chunks::evidence_id.eq_any(&ids)))
        .execute(tx.conn())?;
    Ok(())
}

/// Drops files that no event took and that arrived before that moment; gives how many.
///
/// # Errors
/// When the database does not take it.
pub fn drop_waiting(tx: &mut Tx<'_>, before: Moment) -> Result<usize> {
    let old = evidence::table
        .filter(evidence::event_id.is_null())
        .filter(evidence::uploaded_at.lt(before))
        .select(evidence::id);
    let ids: Vec<EvidenceId> = match tx.conn() {
        // What is being given to an event just now is left to it.
        Conn::Postgres(conn) => old.for_update().skip_locked().load(conn)?,
        Conn::Sqlite(conn) => old.load(conn)?,
    };
    if ids.is_empty() {
        return Ok(0);
    }
    let chunks = evidence_chunks::evidence_id.eq_any(&ids);
    diesel::delete(evidence_chunks::table.filter(chunks)).execute(tx.conn())?;
    Ok(diesel::delete(evidence::table.filter(evidence::id.eq_any(&ids))).execute(tx.conn())?)
}
