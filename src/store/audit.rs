//! Who changed what and when; written in the transaction of the change.

use diesel::prelude::*;
use serde_json::Value;

use super::bulk::{bulk_insert, groups};
use super::{Conn, Tx};
use crate::domain::PersonId;
use crate::error::Result;
use crate::per_backend;
use crate::schema::audit;
use crate::time::Moment;

/// One line of the audit trail.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = audit)]
pub struct AuditLine {
    /// Number of the line; grows with time.
    pub id: i64,
    /// When it was done.
    pub at: Moment,
    /// `person`, `engine`, `operator`, `link` or `mail`.
    pub actor: String,
    /// The person, if it was one.
    pub person_id: Option<PersonId>,
    /// The noun it was done to.
    pub subject: String,
    /// Which of them.
    pub subject_id: i64,
    /// What was done, in the past tense.
    pub deed: String,
    /// What else is worth keeping, as JSON.
    pub detail: String,
}

impl Tx<'_> {
    /// Notes what this transaction did; author and moment are the transaction's own.
    ///
    /// # Errors
    /// When the line cannot be written.
    pub fn record(
        &mut self,
        subject: &str,
        subject_id: i64,
        deed: &str,
        detail: &Value,
    ) -> Result<()> {
        let (now, actor) = (self.now(), self.actor());
        diesel::insert_into(audit::table)
            .values((
                audit::at.eq(now),
                audit::actor.eq(actor.word()),
                audit::person_id.eq(actor.person()),
                audit::subject.eq(subject),
                audit::subject_id.eq(subject_id),
                audit::deed.eq(deed),
                audit::detail.eq(detail.to_string()),
            ))
            .execute(self.conn())?;
        Ok(())
    }
}

/// What is to be noted of one thing.
#[derive(Clone, Debug)]
pub struct Note {
    /// The noun it was done to.
    pub subject: &'static str,
    /// Which of them.
    pub subject_id: i64,
    /// What was done, in the past tense.
    pub deed: &'static str,
    /// What else is worth keeping.
    pub detail: Value,
}

/// A line about to be written.
struct NewLine<'a> {
    at: Moment,
    actor: &'a str,
    person_id: Option<PersonId>,
    note: &'a Note,
    detail: String,
}

bulk_insert! {
    /// Writes lines of the trail.
    InsertLines(row: NewLine<'a>) into audit {
        at: row.at,
        actor: row.actor,
        person_id: row.person_id,
        subject: row.note.subject,
        subject_id: row.note.subject_id,
        deed: row.note.deed,
        detail: row.detail,
    }
}

impl Tx<'_> {
    /// Notes what this transaction did to several things.
    ///
    /// # Errors
    /// When the lines cannot be written.
    pub fn record_all(&mut self, notes: &[Note]) -> Result<()> {
        let (at, actor) = (self.now(), self.actor());
        let lines: Vec<NewLine<'_>> = notes
            .iter()
            .map(|note| NewLine {
                at,
                actor: actor.word(),
                person_id: actor.person(),
                note,
                detail: note.detail.to_string(),
            })
            .collect();
        for some in groups(self.conn(), &lines) {
            per_backend!(self.conn(), conn => InsertLines::of(some).execute(conn))?;
        }
        Ok(())
    }
}

/// The trail of one thing, oldest first.
///
/// # Errors
/// When the database does not answer.
pub fn of(conn: &mut Conn, subject: &str, subject_id: i64) -> Result<Vec<AuditLine>> {
    Ok(audit::table
        .filter(audit::subject.eq(subject))
        .filter(audit::subject_id.eq(subject_id))
        .order(audit::id)
        .select(AuditLine::as_select())
        .load(conn)?)
}
