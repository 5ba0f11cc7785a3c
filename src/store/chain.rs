//! The chains as bare rows, for whoever checks them: nothing is read as what it ought to be, so that
//! nothing can be read over.

use diesel::prelude::*;

use super::Conn;
use crate::domain::IncidentId;
use crate::error::Result;
use crate::schema::{event_texts, events, incidents};
use crate::time::Moment;

/// An event as it lies in the database.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = events)]
pub struct RawEvent {
    /// Key.
    pub id: i64,
    /// The incident.
    pub incident_id: IncidentId,
    /// Its number.
    pub seq: i64,
    /// Key of the case.
    pub case_id: Option<i64>,
    /// A word, if nobody changed it.
    pub kind: String,
    /// When it happened.
    pub occurred_at: Moment,
    /// When it was written down.
    pub recorded_at: Moment,
    /// Key of the person.
    pub person_id: Option<i64>,
    /// A word, if nobody changed it.
    pub source: String,
    /// JSON, if nobody changed it.
    pub fields: String,
    /// JSON, if nobody changed it.
    pub text_hashes: String,
    /// The hash of the event before.
    pub previous_hash: String,
    /// Its hash.
    pub hash: String,
}

/// Where a timeline ends by its incident.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = incidents)]
pub struct RawHead {
    /// Key.
    pub id: IncidentId,
    /// Number of the last event.
    pub last_seq: i64,
    /// Its hash.
    pub head_hash: String,
}

/// A text of an event as it lies in the database.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = event_texts)]
pub struct RawText {
    /// The event.
    pub event_id: i64,
    /// Which text.
    pub name: String,
    /// Its salt.
    pub salt: String,
    /// What it says.
    pub content: String,
}

/// At most `limit` events of all timelines, by incident and number, those after incident, number and key.
///
/// # Errors
/// When the database does not answer.
pub fn events_after(
    conn: &mut Conn,
    (incident, seq, id): (IncidentId, i64, i64),
    limit: i64,
) -> Result<Vec<RawEvent>> {
    let same = events::incident_id.eq(incident);
    let later = events::seq
        .gt(seq)
        .or(events::seq.eq(seq).and(events::id.gt(id)));
    Ok(events::table
        // Said twice, so that the index is entered at the place and not read from its beginning.
        .filter(events::incident_id.ge(incident))
        .filter(events::incident_id.gt(incident).or(same.and(later)))
        .order((events::incident_id, events::seq, events::id))
        .limit(limit)
        .select(RawEvent::as_select())
        .load(conn)?)
}

/// The texts of those events.
///
/// # Errors
/// When the database does not answer.
pub fn texts_of(conn: &mut Conn, events: &[i64]) -> Result<Vec<RawText>> {
    Ok(event_texts::table
        .filter(event_texts::event_id.eq_any(events))
        .order((event_texts::event_id, event_texts::name))
        .select(RawText::as_select())
        .load(conn)?)
}

/// At most `limit` incidents in order of key, those after a key.
///
/// # Errors
/// When the database does not answer.
pub fn heads_after(conn: &mut Conn, after: IncidentId, limit: i64) -> Result<Vec<RawHead>> {
    Ok(incidents::table
        .filter(incidents::id.gt(after))
        .order(incidents::id)
        .limit(limit)
        .select(RawHead::as_select())
        .load(conn)?)
}
