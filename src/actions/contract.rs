//! Entering and editing contracts and their terms.

use chrono::NaiveDate;
use serde_json::{Value, json};

use crate::domain::calendar_book::CalendarBook;
use crate::domain::contract::{ContractInput, NewContract};
use crate::domain::example::{Example, examples};
use crate::domain::input::{Faults, FieldError};
use crate::domain::ladder_warning::LadderWarning;
use crate::domain::terms::{Promise, Terms};
use crate::domain::terms_input::{self, TermsReading};
use crate::domain::vendor::Vendor;
use crate::domain::{ContractId, VendorId};
use crate::error::{Error, Refused, Result};
use crate::store::{Conn, Tx, calendar, contract, terms, vendor};
use crate::time::Moment;

/// Enters a contract with its first terms, both or neither; the terms may also be left out and
/// entered later. The shape is that of `POST /api/v1/contracts`; it is read here because terms can
/// only be judged beside the calendars they name.
///
/// # Errors
/// Every fault at its field, the terms' below `terms`.
pub fn enter(tx: &mut Tx<'_>, value: &Value) -> Result<ContractId> {
    let mut faults = Faults::none();
    let Some(new) = NewContract::read(value, &mut faults) else {
        return Err(faults.into_vec().into());
    };
    let vendor = match new.vendor_id {
        Some(id) => known_vendor(tx.conn(), id, &mut faults)?,
        None => None,
    };
    let mut first = None;
    if let Some(value) = new.terms {
        let now = tx.now();
        let reading = read_terms(tx.conn(), value, "terms", now)?;
        let term_is_read = !faults.at("effective_from") && !faults.at("effective_to");
        if let Some(from) = reading.effective_from.filter(|_| term_is_read) {
            let term = (new.head.effective_from, new.head.effective_to);
            check_within(term, from, "terms.effective_from", &mut faults);
        }
        faults.extend("", reading.faults);
        first = reading.effective_from.map(|from| (from, reading.promise));
    }
    let (Some(vendor), true) = (vendor, faults.is_empty()) else {
        return Err(faults.into_vec().into());
    };
    let zone = new.head.time_zone.unwrap_or(vendor.time_zone);
    let id = contract::insert(tx, vendor.id, &new.head, zone)?;
    tx.record("contract", id.0, "entered", &json!(new.head))?;
    if let Some((from, promise)) = first {
        keep_terms(tx, id, from, &promise)?;
    }
    Ok(id)
}

/// Edits the head of a contract that still has the version the edit was made from, and gives the
/// new version. Vendor and terms stay.
///
/// # Errors
/// At `reference` when another contract has it; at the dates when terms would lie outside of them;
/// when somebody changed the contract first.
pub fn edit(tx: &mut Tx<'_>, id: ContractId, version: i64, input: &ContractInput) -> Result<i64> {
    let before = contract::find(tx.conn(), id)?;
    let zone = match input.time_zone {
        Some(zone) => zone,
        None => vendor::find(tx.conn(), before.vendor_id)?.time_zone,
    };
    let version = contract::update(tx, id, version, input, zone)?;
    tx.record("contract", id.0, "edited", &json!(input))?;
    Ok(version)
}

/// Adds terms to a contract: the next version, from a date within the contract's term. A date in the
/// past judges only what is recorded from now on, since an incident's version is chosen when its
/// report is recorded.
///
/// # Errors
/// Every fault at its field.
pub fn amend(tx: &mut Tx<'_>, id: ContractId, value: &Value) -> Result<Terms> {
    let contract = contract::find(tx.conn(), id)?;
    let now = tx.now();
    let reading = read_terms(tx.conn(), value, "", now)?;
    let mut faults = Faults::none();
    if let Some(from) = reading.effective_from {
        let term = (contract.effective_from, contract.effective_to);
        check_within(term, from, "effective_from", &mut faults);
    }
    faults.extend("", reading.faults);
    match reading.effective_from {
        Some(from) if faults.is_empty() => keep_terms(tx, id, from, &reading.promise),
        _ => Err(faults.into_vec().into()),
    }
}

/// What terms that are being entered would mean.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Preview {
    /// An example deadline for each commitment that has no fault.
    pub examples: Vec<Example>,
    /// What of the ladder will not work; only where the vendor is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<LadderWarning>,
    /// Every fault at its field.
    pub errors: Vec<FieldError>,
}

/// Example deadlines for terms that are being entered, and every fault in them; nothing is kept. With
/// a vendor also what of the ladder will not reach anybody there.
///
/// # Errors
/// When the database does not answer.
pub fn preview(
    conn: &mut Conn,
    vendor: Option<VendorId>,
    value: &Value,
    now: Moment,
) -> Result<Preview> {
    let book = book_for(conn, value)?;
    let reading = terms_input::read(value, "", &book, now);
    let warnings = match vendor {
        Some(vendor) => contract::warnings(conn, vendor, &reading.promise)?,
        None => Vec::new(),
    };
    Ok(Preview {
        warnings,
        examples: examples(&reading.promise, &book, now),
        errors: reading.faults,
    })
}

fn read_terms(conn: &mut Conn, value: &Value, path: &str, now: Moment) -> Result<TermsReading> {
    let book = book_for(conn, value)?;
    Ok(terms_input::read(value, path, &book, now))
}

/// The calendars that the terms name, as far as they exist.
fn book_for(conn: &mut Conn, value: &Value) -> Result<CalendarBook> {
    let known = calendar::known(conn, &terms_input::calendars_named(value))?;
    calendar::book(conn, &known)
}

fn known_vendor(conn: &mut Conn, id: VendorId, faults: &mut Faults) -> Result<Option<Vendor>> {
    match vendor::find(conn, id) {
        Ok(vendor) => Ok(Some(vendor)),
        Err(Error::Refused(Refused::NotFound { .. })) => {
            faults.add("vendor_id", format!("there is no vendor {id}"));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn check_within(
    (first, last): (NaiveDate, Option<NaiveDate>),
    from: NaiveDate,
    field: &str,
    faults: &mut Faults,
) {
    faults.require(
        first <= from,
        field,
        format!("the terms cannot begin on {from}, before the contract does on {first}"),
    );
    if let Some(last) = last {
        faults.require(
            from <= last,
            field,
            format!("the terms cannot begin on {from}, after the contract ends on {last}"),
        );
    }
}

fn keep_terms(
    tx: &mut Tx<'_>,
    contract: ContractId,
    from: NaiveDate,
    promise: &Promise,
) -> Result<Terms> {
    let terms = terms::insert(tx, contract, from, promise)?;
    let detail = json!({"number": terms.number, "effective_from": from, "promise": promise});
    tx.record("contract", contract.0, "terms entered", &detail)?;
    Ok(terms)
}
