//! Versions of contracts' terms; added, never edited.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::among::AmongValues;
use super::{Conn, Tx};
use crate::domain::contract::Contract;
use crate::domain::terms::{Commitment, Promise, Target, Terms};
use crate::domain::words::{ClockState, Metric};
use crate::domain::{CalendarId, ContractId, TermsId};
use crate::error::{Error, Result};
use crate::schema::{cases, clocks, contracts, terms};
use crate::time::{Micros, Moment};

/// The terms of that key.
///
/// # Errors
/// When there are none.
pub fn find(conn: &mut Conn, id: TermsId) -> Result<Terms> {
    terms::table
        .find(id)
        .select(Terms::as_select())
        .get_result(conn)
        .optional()?
        .ok_or_else(|| Error::not_found("version of terms", id))
}

/// The terms of those keys, in no order.
///
/// # Errors
/// When the database does not answer.
pub fn find_all(conn: &mut Conn, ids: &[TermsId]) -> Result<Vec<Terms>> {
    Ok(terms::table
        .filter(terms::id.among(ids))
        .select(Terms::as_select())
        .load(conn)?)
}

/// All versions of a contract's terms, first entered first.
///
/// # Errors
/// When the database does not answer.
pub fn of_contract(conn: &mut Conn, id: ContractId) -> Result<Vec<Terms>> {
    Ok(terms::table
        .filter(terms::contract_id.eq(id))
        .order(terms::number)
        .select(Terms::as_select())
        .load(conn)?)
}

/// The terms that judge what is reported at `at`: of the versions that have begun by then, at 00:00
/// of their date in the contract's zone, the one that began last; of two that began on one day, the
/// one entered later. Nothing before the first version begins.
///
/// # Errors
/// When the database does not answer.
pub fn in_force(conn: &mut Conn, contract: &Contract, at: Moment) -> Result<Option<Terms>> {
    // A date has begun at a moment exactly when the local date of that moment is that date or later.
    let today = at.date_in(contract.time_zone.0);
    // A contract has few of them; a bound LIMIT would make SQLite parse the statement anew each time.
    Ok(terms::table
        .filter(
            terms::contract_id
                .eq(contract.id)
                .and(terms::effective_from.le(today)),
        )
        .order((terms::effective_from.desc(), terms::number.desc()))
        .select(Terms::as_select())
        .get_result(conn)
        .optional()?)
}

/// Adds a version and gives it its number: one more than the last.
///
/// # Errors
/// When the contract is not there.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    contract: ContractId,
    effective_from: NaiveDate,
    apply_from: Option<NaiveDate>,
    promise: &Promise,
) -> Result<Terms> {
    // The contract's row is the lock under which versions are numbered; and the contract as people
    // read it has changed.
    let found = diesel::update(contracts::table.find(contract))
        .set(contracts::version.eq(contracts::version + 1))
        .execute(tx.conn())?;
    if found == 0 {
        return Err(Error::not_found("contract", contract));
    }
    let last: Option<i32> = terms::table
        .filter(terms::contract_id.eq(contract))
        .select(diesel::dsl::max(terms::number))
        .first(tx.conn())?;
    let (number, entered_at) = (last.unwrap_or(0) + 1, tx.now());
    let id: TermsId = diesel::insert_into(terms::table)
        .values((
            terms::contract_id.eq(contract),
            terms::number.eq(number),
            terms::effective_from.eq(effective_from),
            terms::entered_at.eq(entered_at),
            terms::promise.eq(serde_json::to_string(promise)?),
            terms::apply_from.eq(apply_from),
        ))
        .returning(terms::id)
        .get_result(tx.conn())?;
    Ok(Terms {
        id,
        contract_id: contract,
        number,
        effective_from,
        entered_at,
        promise: promise.clone(),
        apply_from,
    })
}

/// The versions that may judge what is reported in `[from, to)`: the one in force at its begin, and
/// those that begin in it.
///
/// # Errors
/// When the database does not answer.
pub fn in_force_during(
    conn: &mut Conn,
    contract: &Contract,
    from: Moment,
    to: Moment,
) -> Result<Vec<Terms>> {
    let mut versions: Vec<Terms> = in_force(conn, contract, from)?.into_iter().collect();
    let day = |at: Moment| at.date_in(contract.time_zone.0);
    let later: Vec<Terms> = terms::table
        .filter(
            terms::contract_id
                .eq(contract.id)
                .and(terms::effective_from.gt(day(from)))
                .and(terms::effective_from.le(day(to - 1))),
        )
        .order((terms::effective_from, terms::number))
        .select(Terms::as_select())
        .load(conn)?;
    versions.extend(later);
    // Of two that begin on one day the one entered later counts.
    let replaced: Vec<bool> = versions
        .windows(2)
        .map(|pair| pair[0].effective_from == pair[1].effective_from)
        .chain([false])
        .collect();
    let mut replaced = replaced.into_iter();
    versions.retain(|_| !replaced.next().unwrap_or_default());
    Ok(versions)
}

/// A promise that needs open time of a calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counting {
    /// Reference of its contract.
    pub reference: String,
    /// Its clause, or the confirmation of repairs.
    pub clause: String,
    /// How much time it gives.
    pub target: Target,
}

/// What still needs open time in that calendar: clocks that run in it, and commitments of terms in force
/// on `today` or later, and of go-live windows that have not ended by `now`.
///
/// # Errors
/// When the database does not answer.
pub fn counting_in(
    conn: &mut Conn,
    calendar: CalendarId,
    today: NaiveDate,
    now: Moment,
) -> Result<Vec<Counting>> {
    let open: Vec<ClockState> = ClockState::ALL
        .iter()
        .copied()
        .filter(|state| state.is_open())
        .collect();
    let running: Vec<(String, String, Micros)> = clocks::table
        .inner_join(cases::table.inner_join(contracts::table))
        .filter(
            clocks::calendar_id
                .eq(calendar)
                .and(clocks::state.eq_any(open))
                .and(clocks::metric.ne(Metric::DataLoss)),
        )
        .select((contracts::reference, clocks::clause, clocks::budget))
        .distinct()
        .load(conn)?;
    let of_clock = |(reference, clause, budget)| Counting {
        reference,
        clause,
        target: Target::OpenTime(budget),
    };
    let mut counting: Vec<Counting> = running.into_iter().map(of_clock).collect();
    let add = |counting: &mut Vec<Counting>, reference: &str, commitment: &Commitment| {
        if commitment.calendar_id == calendar && commitment.metric != Metric::DataLoss {
            counting.push(Counting {
                reference: reference.to_string(),
                clause: commitment.clause.clone(),
                target: commitment.target,
            });
        }
    };
    let rows: Vec<(String, Terms)> = terms::table
        .inner_join(contracts::table)
        .filter(
            contracts::effective_to
                .is_null()
                .or(contracts::effective_to.ge(today)),
        )
        .order((contracts::reference, terms::effective_from, terms::number))
        .select((contracts::reference, Terms::as_select()))
        .load(conn)?;
    for (index, (reference, version)) in rows.iter().enumerate() {
        let replaced = rows[index + 1..].iter().any(|(_, later)| {
            later.contract_id == version.contract_id && later.effective_from <= today
        });
        if !replaced {
            let commitments = version.promise.commitments.iter();
            commitments.for_each(|commitment| add(&mut counting, reference, commitment));
            let days = version.promise.days_to_confirm(calendar);
            counting.extend(days.map(|target| Counting {
                reference: reference.clone(),
                clause: "the confirmation".to_string(),
                target,
            }));
        }
    }
    for (window, reference) in super::go_live::not_ended(conn, now)? {
        let commitments = window.commitments.0.iter();
        commitments.for_each(|commitment| add(&mut counting, &reference, commitment));
    }
    counting.sort_by(|one, other| {
        (&one.reference, &one.clause).cmp(&(&other.reference, &other.clause))
    });
    counting.dedup();
    Ok(counting)
}
