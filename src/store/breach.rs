//! The register of breaches; entries and withdrawals are only ever added.

use diesel::prelude::*;

use super::{Conn, Tx};
use crate::domain::breach::{Breach, Withdrawal};
use crate::domain::{BreachId, ClockId, IncidentId};
use crate::error::{Error, Result};
use crate::schema::{breaches, withdrawals};

/// Enters a breach; `id` of the given value is not looked at.
///
/// # Errors
/// When the database does not take it.
pub fn insert(tx: &mut Tx<'_>, new: &Breach) -> Result<BreachId> {
    Ok(diesel::insert_into(breaches::table)
        .values((
            breaches::clock_id.eq(new.clock_id),
            breaches::case_id.eq(new.case_id),
            breaches::incident_id.eq(new.incident_id),
            breaches::contract_id.eq(new.contract_id),
            breaches::vendor_id.eq(new.vendor_id),
            breaches::terms_id.eq(new.terms_id),
            breaches::metric.eq(new.metric),
            breaches::severity.eq(&new.severity),
            breaches::clause.eq(&new.clause),
            breaches::run.eq(new.run),
            breaches::interval.eq(new.interval),
            breaches::due_at.eq(new.due_at),
            breaches::entry.eq(new.entry),
            breaches::noticed_at.eq(new.noticed_at),
            breaches::calendar_id.eq(new.calendar_id),
            breaches::calendar_revision.eq(new.calendar_revision),
            breaches::zone_data.eq(&new.zone_data),
            breaches::seqs.eq(&new.seqs),
            breaches::drill.eq(new.drill),
            breaches::go_live_id.eq(new.go_live_id),
        ))
        .returning(breaches::id)
        .get_result(tx.conn())?)
}

/// Withdraws an entry, naming the event that did it.
///
/// # Errors
/// When it was withdrawn before, or the database does not take it.
pub fn withdraw(tx: &mut Tx<'_>, breach: BreachId, seq: i64, reason: &str) -> Result<()> {
    let now = tx.now();
    diesel::insert_into(withdrawals::table)
        .values((
            withdrawals::breach_id.eq(breach),
            withdrawals::at.eq(now),
            withdrawals::seq.eq(seq),
            withdrawals::reason.eq(reason),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// An entry with its withdrawal, if it was withdrawn.
pub type Entry = (Breach, Option<Withdrawal>);

/// All entries of a clock, oldest first.
///
/// # Errors
/// When the database does not answer.
pub fn of_clock(conn: &mut Conn, clock: ClockId) -> Result<Vec<Entry>> {
    Ok(breaches::table
        .left_join(withdrawals::table)
        .filter(breaches::clock_id.eq(clock))
        .order(breaches::id)
        .select((Breach::as_select(), Option::<Withdrawal>::as_select()))
        .load(conn)?)
}

/// All entries of an incident, oldest first.
///
/// # Errors
/// When the database does not answer.
pub fn of_incident(conn: &mut Conn, incident: IncidentId) -> Result<Vec<Entry>> {
    Ok(breaches::table
        .left_join(withdrawals::table)
        .filter(breaches::incident_id.eq(incident))
        .order(breaches::id)
        .select((Breach::as_select(), Option::<Withdrawal>::as_select()))
        .load(conn)?)
}

/// One entry.
///
/// # Errors
/// When there is none.
pub fn get(conn: &mut Conn, id: BreachId) -> Result<Entry> {
    breaches::table
        .left_join(withdrawals::table)
        .filter(breaches::id.eq(id))
        .select((Breach::as_select(), Option::<Withdrawal>::as_select()))
        .first(conn)
        .optional()?
        .ok_or_else(|| Error::not_found("breach", id.reference()))
}
