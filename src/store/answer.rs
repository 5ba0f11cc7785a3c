//! What was answered to requests that carried an idempotency key, so that the same request sent twice
//! does one thing and gets one answer.

use diesel::prelude::*;

use super::Tx;
use crate::domain::PersonId;
use crate::error::{Refused, Result};
use crate::per_backend;
use crate::schema::answers;
use crate::time::DAY;

/// An answer that was given.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = answers)]
pub struct Answer {
    /// HTTP status.
    pub status: i32,
    /// Where the thing that was made is, or where to go next.
    pub location: Option<String>,
    /// The body.
    pub body: String,
}

/// Claims a key for this transaction, or gives what was answered to the same request in the last
/// 24 hours.
///
/// The unique index decides: on PostgreSQL the insert waits for another transaction that has claimed
/// the key, and then finds its answer, or the key free if it was rolled back.
///
/// # Errors
/// When the key came with another request.
pub(crate) fn claim(
    tx: &mut Tx<'_>,
    person: PersonId,
    key: &str,
    request_hash: &str,
) -> Result<Option<Answer>> {
    let now = tx.now();
    let old = answers::table
        .filter(answers::person_id.eq(person))
        .filter(answers::created_at.le(now - DAY));
    diesel::delete(old).execute(tx.conn())?;
    let claim = (
        answers::person_id.eq(person),
        answers::key.eq(key),
        answers::request_hash.eq(request_hash),
        answers::status.eq(0),
        answers::body.eq(""),
        answers::created_at.eq(now),
    );
    let claimed = per_backend!(tx.conn(), conn => diesel::insert_into(answers::table)
        .values(claim)
        .on_conflict_do_nothing()
        .execute(conn))?;
    if claimed == 1 {
        return Ok(None);
    }
    let (hash, answer): (String, Answer) = answers::table
        .find((person, key))
        .select((answers::request_hash, Answer::as_select()))
        .get_result(tx.conn())?;
    if hash != request_hash {
        let key = key.to_string();
        return Err(Refused::KeyReused { key }.into());
    }
    Ok(Some(answer))
}

/// Keeps the answer under a key that this transaction has claimed.
///
/// # Errors
/// When the database does not answer.
pub(crate) fn keep(tx: &mut Tx<'_>, person: PersonId, key: &str, answer: &Answer) -> Result<()> {
    diesel::update(answers::table.find((person, key)))
        .set((
            answers::status.eq(answer.status),
            answers::location.eq(&answer.location),
            answers::body.eq(&answer.body),
        ))
        .execute(tx.conn())?;
    Ok(())
}
