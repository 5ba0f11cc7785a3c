//! The register of breaches; entries and withdrawals are only ever added.

use std::collections::HashMap;

use diesel::prelude::*;

use super::{Conn, Tx};
use crate::domain::breach::{Breach, Withdrawal};
use crate::domain::{BreachId, ClockId, IncidentId};
use crate::error::{Error, Result};
use crate::per_backend;
use crate::schema::{breaches, withdrawals};
use crate::time::Moment;

/// Rows written by one statement.
const ROWS: usize = 100;

/// What tells one entry of the register from another: clock, run, interval, due moment and which entry
/// for it.
pub type Key = (ClockId, i32, i32, Moment, i32);

/// The key of an entry.
pub fn key(breach: &Breach) -> Key {
    let Breach {
        clock_id,
        run,
        interval,
        due_at,
        entry,
        ..
    } = *breach;
    (clock_id, run, interval, due_at, entry)
}

/// Enters breaches and gives each its number; what their `id` was before is not looked at.
///
/// # Errors
/// When one of them is in the register, or the database does not take them.
pub fn insert(tx: &mut Tx<'_>, new: &mut [Breach]) -> Result<()> {
    for some in new.chunks_mut(ROWS) {
        let values: Vec<_> = some
            .iter()
            .map(|new| {
                (
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
                )
            })
            .collect();
        let columns = (
            breaches::clock_id,
            breaches::run,
            breaches::interval,
            breaches::due_at,
            breaches::entry,
        );
        let made: Vec<(Key, BreachId)> = per_backend!(tx.conn(), conn =>
            diesel::insert_into(breaches::table)
                .values(values)
                .returning((columns, breaches::id))
                .get_results(conn))?;
        // Databases promise no order of what an insertion returns.
        let made: HashMap<Key, BreachId> = made.into_iter().collect();
        for breach in some {
            breach.id = made
                .get(&key(breach))
                .copied()
                .ok_or_else(|| anyhow::anyhow!("a breach that was entered has no number"))?;
        }
    }
    Ok(())
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

/// All entries of several incidents by their clocks, oldest first.
///
/// # Errors
/// When the database does not answer.
pub fn of_incidents(
    conn: &mut Conn,
    incidents: &[IncidentId],
) -> Result<HashMap<ClockId, Vec<Entry>>> {
    let rows: Vec<Entry> = breaches::table
        .left_join(withdrawals::table)
        .filter(breaches::incident_id.eq_any(incidents))
        .order(breaches::id)
        .select((Breach::as_select(), Option::<Withdrawal>::as_select()))
        .load(conn)?;
    let mut found: HashMap<ClockId, Vec<Entry>> = HashMap::new();
    for entry in rows {
        found.entry(entry.0.clock_id).or_default().push(entry);
    }
    Ok(found)
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
