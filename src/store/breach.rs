//! The register of breaches; entries and withdrawals are only ever added.

use std::collections::HashMap;

use diesel::prelude::*;

use super::among::AmongValues;
use super::bulk::{bulk_insert, groups};
use super::{Conn, Tx};
use crate::domain::breach::{Breach, Withdrawal};
use crate::domain::{BreachId, ClockId, IncidentId};
use crate::error::{Error, Result};
use crate::per_backend;
use crate::schema::{breaches, withdrawals};
use crate::time::Moment;

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

bulk_insert! {
    /// Enters breaches.
    InsertBreaches(row: Breach) into breaches {
        clock_id: row.clock_id,
        case_id: row.case_id,
        incident_id: row.incident_id,
        contract_id: row.contract_id,
        vendor_id: row.vendor_id,
        terms_id: row.terms_id,
        metric: row.metric,
        severity: row.severity,
        clause: row.clause,
        run: row.run,
        interval: row.interval,
        due_at: row.due_at,
        entry: row.entry,
        noticed_at: row.noticed_at,
        calendar_id: row.calendar_id,
        calendar_revision: row.calendar_revision,
        zone_data: row.zone_data,
        seqs: row.seqs,
        drill: row.drill,
        go_live_id: row.go_live_id,
    }
    returning(clock_id, run, interval, due_at, entry, id)
}

/// Enters breaches and gives each its number; what their `id` was before is not looked at.
///
/// # Errors
/// When one of them is in the register, or the database does not take them.
pub fn insert(tx: &mut Tx<'_>, new: &mut [Breach]) -> Result<()> {
    // Databases promise no order of what an insertion returns.
    let mut made: HashMap<Key, BreachId> = HashMap::with_capacity(new.len());
    for some in groups(tx.conn(), new) {
        let rows: Vec<(ClockId, i32, i32, Moment, i32, BreachId)> =
            per_backend!(tx.conn(), conn => InsertBreaches::of(some).get_results(conn))?;
        made.extend(
            rows.into_iter()
                .map(|(clock, run, interval, due, entry, id)| {
                    ((clock, run, interval, due, entry), id)
                }),
        );
    }
    for breach in new {
        breach.id = made
            .get(&key(breach))
            .copied()
            .ok_or_else(|| anyhow::anyhow!("a breach that was entered has no number"))?;
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
        .filter(breaches::incident_id.among(incidents))
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
