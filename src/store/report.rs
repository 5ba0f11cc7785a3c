//! What reports are made of: outcomes, breaches and open clocks with what they belong to.

use diesel::prelude::*;

use super::Conn;
use crate::domain::breach::{Breach, Withdrawal};
use crate::domain::clock::{ClockRow, OutcomeRow};
use crate::domain::contract::Contract;
use crate::domain::words::ClockState;
use crate::domain::{BreachId, ClockId, VendorId};
use crate::error::Result;
use crate::schema::{
    breaches, cases, clocks, contracts, incidents, outcomes, vendors, withdrawals,
};
use crate::time::Moment;

/// The contracts of one vendor, or of all, with the vendor's name; in order of both names.
///
/// # Errors
/// When the database does not answer.
pub fn contracts(conn: &mut Conn, vendor: Option<VendorId>) -> Result<Vec<(Contract, String)>> {
    let mut query = contracts::table
        .inner_join(vendors::table)
        .order((vendors::name, contracts::reference))
        .select((Contract::as_select(), vendors::name))
        .into_boxed();
    if let Some(vendor) = vendor {
        query = query.filter(contracts::vendor_id.eq(vendor));
    }
    Ok(query.load(conn)?)
}

/// The outcomes that became certain in `[from, to)`, drills included, with the titles of their
/// incidents; in order of that moment.
///
/// # Errors
/// When the database does not answer.
pub fn outcomes(
    conn: &mut Conn,
    vendor: Option<VendorId>,
    from: Moment,
    to: Moment,
) -> Result<Vec<(OutcomeRow, String)>> {
    let mut query = outcomes::table
        .inner_join(incidents::table)
        .filter(outcomes::certain_at.ge(from))
        .filter(outcomes::certain_at.lt(to))
        .order((
            outcomes::certain_at,
            outcomes::clock_id,
            outcomes::run,
            outcomes::interval,
        ))
        .select((OutcomeRow::as_select(), incidents::title))
        .into_boxed();
    if let Some(vendor) = vendor {
        query = query.filter(outcomes::vendor_id.eq(vendor));
    }
    Ok(query.load(conn)?)
}

/// How the laps of some clocks ended.
///
/// # Errors
/// When the database does not answer.
pub fn outcomes_of(conn: &mut Conn, clocks: &[ClockId]) -> Result<Vec<OutcomeRow>> {
    let mut rows = Vec::new();
    // SQLite takes a bounded number of values in one question.
    for some in clocks.chunks(500) {
        let found: Vec<OutcomeRow> = outcomes::table
            .filter(outcomes::clock_id.eq_any(some.to_vec()))
            .order((outcomes::clock_id, outcomes::run, outcomes::interval))
            .select(OutcomeRow::as_select())
            .load(conn)?;
        rows.extend(found);
    }
    Ok(rows)
}

/// An entry of the register with the title of its incident.
pub type TitledEntry = (Breach, Option<Withdrawal>, String);

/// The entries whose due moment lies in `[from, to)`, drills included, in its order.
///
/// # Errors
/// When the database does not answer.
pub fn breaches(
    conn: &mut Conn,
    vendor: Option<VendorId>,
    from: Moment,
    to: Moment,
) -> Result<Vec<TitledEntry>> {
    let mut query = breaches::table
        .left_join(withdrawals::table)
        .inner_join(incidents::table)
        .filter(breaches::due_at.ge(from))
        .filter(breaches::due_at.lt(to))
        .order((breaches::due_at, breaches::id))
        .select((
            Breach::as_select(),
            Option::<Withdrawal>::as_select(),
            incidents::title,
        ))
        .into_boxed();
    if let Some(vendor) = vendor {
        query = query.filter(breaches::vendor_id.eq(vendor));
    }
    Ok(query.load(conn)?)
}

/// The register from below a key on, newest entry first; of one vendor if it is named. Drills are
/// in it.
///
/// # Errors
/// When the database does not answer.
pub fn register(
    conn: &mut Conn,
    vendor: Option<VendorId>,
    before: Option<BreachId>,
    limit: i64,
) -> Result<Vec<TitledEntry>> {
    let mut query = breaches::table
        .left_join(withdrawals::table)
        .inner_join(incidents::table)
        .order(breaches::id.desc())
        .limit(limit)
        .select((
            Breach::as_select(),
            Option::<Withdrawal>::as_select(),
            incidents::title,
        ))
        .into_boxed();
    if let Some(vendor) = vendor {
        query = query.filter(breaches::vendor_id.eq(vendor));
    }
    if let Some(before) = before {
        query = query.filter(breaches::id.lt(before));
    }
    Ok(query.load(conn)?)
}

/// A clock that is not due yet.
#[derive(Clone, Debug)]
pub struct OpenClock {
    /// The clock.
    pub clock: ClockRow,
    /// Its contract.
    pub contract: Contract,
    /// Title of its incident.
    pub title: String,
}

/// The clocks that run or are held, have not run out and began before a moment; in order of their
/// due moments, those without one last. Drills are left out.
///
/// # Errors
/// When the database does not answer.
pub fn not_yet_due(
    conn: &mut Conn,
    vendor: Option<VendorId>,
    began_before: Moment,
) -> Result<Vec<OpenClock>> {
    let open: Vec<ClockState> = ClockState::ALL
        .iter()
        .copied()
        .filter(|state| state.is_open())
        .collect();
    let mut query = clocks::table
        .inner_join(incidents::table)
        .inner_join(cases::table.inner_join(contracts::table))
        .filter(clocks::state.eq_any(open))
        .filter(clocks::breached_at.is_null())
        .filter(clocks::started_at.lt(began_before))
        .filter(incidents::drill.eq(false))
        .order((clocks::due_at, clocks::id))
        .select((
            ClockRow::as_select(),
            Contract::as_select(),
            incidents::title,
        ))
        .into_boxed();
    if let Some(vendor) = vendor {
        query = query.filter(contracts::vendor_id.eq(vendor));
    }
    let rows: Vec<(ClockRow, Contract, String)> = query.load(conn)?;
    let mut found: Vec<OpenClock> = rows
        .into_iter()
        .map(|(clock, contract, title)| OpenClock {
            clock,
            contract,
            title,
        })
        .collect();
    // The two databases disagree about where nothing stands in an order.
    found.sort_by_key(|open| {
        (
            open.clock.due_at.is_none(),
            open.clock.due_at,
            open.clock.id,
        )
    });
    Ok(found)
}
