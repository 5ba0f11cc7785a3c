//! The anchor chain; anchors are only ever added.

use diesel::prelude::*;

use super::{Conn, Tx};
use crate::domain::IncidentId;
use crate::domain::anchor::{Anchor, Head};
use crate::error::{Error, Result};
use crate::schema::{anchor_heads, anchors, events, incidents};

/// The last anchor, if one was made.
///
/// # Errors
/// When the database does not answer.
pub fn latest(conn: &mut Conn) -> Result<Option<Anchor>> {
    Ok(anchors::table
        .order(anchors::number.desc())
        .select(Anchor::as_select())
        .first(conn)
        .optional()?)
}

/// The anchor of that number.
///
/// # Errors
/// When there is none.
pub fn find(conn: &mut Conn, number: i64) -> Result<Anchor> {
    anchors::table
        .find(number)
        .select(Anchor::as_select())
        .get_result(conn)
        .optional()?
        .ok_or_else(|| Error::not_found("anchor", number))
}

/// At most `limit` anchors, newest first, from below a number on; each with how many heads it holds.
///
/// # Errors
/// When the database does not answer.
pub fn page(conn: &mut Conn, before: Option<i64>, limit: i64) -> Result<Vec<(Anchor, i64)>> {
    let found: Vec<Anchor> = anchors::table
        .filter(anchors::number.lt(before.unwrap_or(i64::MAX)))
        .order(anchors::number.desc())
        .limit(limit)
        .select(Anchor::as_select())
        .load(conn)?;
    let numbers: Vec<i64> = found.iter().map(|anchor| anchor.number).collect();
    let counts: Vec<(i64, i64)> = anchor_heads::table
        .filter(anchor_heads::number.eq_any(&numbers))
        .group_by(anchor_heads::number)
        .select((anchor_heads::number, diesel::dsl::count_star()))
        .load(conn)?;
    let count_of = |number: i64| counts.iter().find(|(of, _)| *of == number);
    Ok(found
        .into_iter()
        .map(|anchor| {
            let heads = count_of(anchor.number).map_or(0, |(_, heads)| *heads);
            (anchor, heads)
        })
        .collect())
}

/// At most `limit` anchors in order of number, those after a number.
///
/// # Errors
/// When the database does not answer.
pub fn in_order(conn: &mut Conn, after: i64, limit: i64) -> Result<Vec<Anchor>> {
    Ok(anchors::table
        .filter(anchors::number.gt(after))
        .order(anchors::number)
        .limit(limit)
        .select(Anchor::as_select())
        .load(conn)?)
}

/// The heads that an anchor holds, in order of incident, as they are sealed.
///
/// # Errors
/// When the database does not answer.
pub fn heads(conn: &mut Conn, number: i64) -> Result<Vec<Head>> {
    Ok(anchor_heads::table
        .filter(anchor_heads::number.eq(number))
        .order(anchor_heads::incident_id)
        .select(Head::as_select())
        .load(conn)?)
}

/// The number of the first anchor that holds a head of that incident.
///
/// # Errors
/// When the database does not answer.
pub fn first_of_incident(conn: &mut Conn, incident: IncidentId) -> Result<Option<i64>> {
    Ok(anchor_heads::table
        .filter(anchor_heads::incident_id.eq(incident))
        .order(anchor_heads::number)
        .select(anchor_heads::number)
        .first(conn)
        .optional()?)
}

/// What the timelines say where an anchor holds their heads: the head, whether there is such an
/// incident, and the hash of that event, if there is one.
pub type Held = (Head, Option<i64>, Option<String>);

/// The heads of an anchor beside what the timelines hold now.
///
/// # Errors
/// When the database does not answer.
pub fn held(conn: &mut Conn, number: i64) -> Result<Vec<Held>> {
    let event_there = events::incident_id
        .eq(anchor_heads::incident_id)
        .and(events::seq.eq(anchor_heads::event_count));
    Ok(anchor_heads::table
        .left_join(incidents::table)
        .left_join(events::table.on(event_there))
        .filter(anchor_heads::number.eq(number))
        .order(anchor_heads::incident_id)
        .select((
            Head::as_select(),
            incidents::last_seq.nullable(),
            events::hash.nullable(),
        ))
        .load(conn)?)
}

/// Whether some timeline has grown since it was anchored.
///
/// # Errors
/// When the database does not answer.
pub fn is_wanted(conn: &mut Conn) -> Result<bool> {
    Ok(incidents::table
        .filter(incidents::last_seq.ne(incidents::anchored_seq))
        .select(incidents::id)
        .first::<IncidentId>(conn)
        .optional()?
        .is_some())
}

/// Locks at most `limit` incidents whose timelines have grown since they were anchored, in order of
/// key, and gives their heads.
///
/// # Errors
/// When the database does not answer.
pub fn wanted(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<Head>> {
    let grown = incidents::table
        .filter(incidents::last_seq.ne(incidents::anchored_seq))
        .order(incidents::id)
        .limit(limit)
        .select((incidents::id, incidents::last_seq, incidents::head_hash));
    let rows: Vec<(IncidentId, i64, String)> = match tx.conn() {
        // Whoever else makes an anchor waits here, and then finds these done.
        Conn::Postgres(conn) => grown.for_update().load(conn)?,
        Conn::Sqlite(conn) => grown.load(conn)?,
    };
    Ok(rows
        .into_iter()
        .map(|(incident_id, event_count, hash)| Head {
            incident_id,
            event_count,
            hash,
        })
        .collect())
}

/// Adds an anchor with its heads, whose incidents are locked.
///
/// # Errors
/// When there is one of that number, or the database does not take it.
pub fn insert(tx: &mut Tx<'_>, anchor: &Anchor, heads: &[Head]) -> Result<()> {
    diesel::insert_into(anchors::table)
        .values((
            anchors::number.eq(anchor.number),
            anchors::at.eq(anchor.at),
            anchors::previous_hash.eq(&anchor.previous_hash),
            anchors::hash.eq(&anchor.hash),
        ))
        .execute(tx.conn())?;
    for head in heads {
        diesel::insert_into(anchor_heads::table)
            .values((
                anchor_heads::number.eq(anchor.number),
                anchor_heads::incident_id.eq(head.incident_id),
                anchor_heads::event_count.eq(head.event_count),
                anchor_heads::hash.eq(&head.hash),
            ))
            .execute(tx.conn())?;
    }
    let anchored: Vec<IncidentId> = heads.iter().map(|head| head.incident_id).collect();
    diesel::update(incidents::table.filter(incidents::id.eq_any(&anchored)))
        .set(incidents::anchored_seq.eq(incidents::last_seq))
        .execute(tx.conn())?;
    Ok(())
}
