//! Entering and editing contracts and their terms.

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::incident::{self, Applied};
use super::ladder::unknown_names;
use crate::domain::calendar_book::CalendarBook;
use crate::domain::contract::{Contract, ContractInput, NewContract};
use crate::domain::example::{Example, examples};
use crate::domain::input::{Faults, FieldError};
use crate::domain::ladder_warning::LadderWarning;
use crate::domain::terms::{Promise, Terms};
use crate::domain::terms_input::{self, TermsReading};
use crate::domain::vendor::Vendor;
use crate::domain::words::Source;
use crate::domain::{ContractId, TermsId, VendorId};
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
        faults.require(
            reading.apply_from.is_none(),
            "terms.apply_from",
            "a contract that is only being entered has no incidents to which its terms could be applied",
        );
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
        keep_terms(tx, id, from, None, &promise)?;
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

/// Adds terms to a contract: the next version, from a date within the contract's term. With a date in
/// the past they judge only what is recorded from now on, since an incident's version is chosen when
/// its report is recorded; unless `apply_from` says from which date on they also judge what was
/// recorded before. Each case that comes under them so gets a note, from `source`.
///
/// # Errors
/// Every fault at its field; at `apply_from` the incidents that use codes which the terms lack.
pub fn amend(tx: &mut Tx<'_>, id: ContractId, value: &Value, source: Source) -> Result<Terms> {
    let contract = contract::hold(tx, id)?;
    let now = tx.now();
    let (from, reading) = read_amendment(tx.conn(), &contract, value, now)?;
    let terms = keep_terms(tx, id, from, reading.apply_from, &reading.promise)?;
    if terms.apply_from.is_some() {
        incident::apply(tx, &contract, &terms, source)?;
    }
    Ok(terms)
}

/// What would come under terms that are being entered if they were applied from `apply_from` on, or
/// without it from their own date on; nothing is kept.
///
/// # Errors
/// Every fault at its field.
pub fn apply_preview(
    conn: &mut Conn,
    contract: &Contract,
    value: &Value,
    now: Moment,
) -> Result<Vec<Applied>> {
    let (from, reading) = read_amendment(conn, contract, value, now)?;
    let versions = terms::of_contract(conn, contract.id)?;
    let terms = Terms {
        id: TermsId::default(),
        contract_id: contract.id,
        number: versions.last().map_or(0, |last| last.number) + 1,
        effective_from: from,
        entered_at: now,
        promise: reading.promise,
        apply_from: Some(reading.apply_from.unwrap_or(from)),
    };
    incident::applied(conn, contract, &terms, now)
}

fn read_amendment(
    conn: &mut Conn,
    contract: &Contract,
    value: &Value,
    now: Moment,
) -> Result<(NaiveDate, TermsReading)> {
    let mut reading = read_terms(conn, value, "", now)?;
    let mut faults = Faults::none();
    if let Some(from) = reading.effective_from {
        let term = (contract.effective_from, contract.effective_to);
        check_within(term, from, "effective_from", &mut faults);
        if let Some(apply_from) = reading.apply_from {
            let today = now.date_in(contract.time_zone.0);
            faults.require(
                from <= apply_from,
                "apply_from",
                format!("the terms begin on {from}; they cannot be applied from {apply_from} on"),
            );
            faults.require(
                apply_from <= today,
                "apply_from",
                format!("{apply_from} has not come; what is reported from then on is judged by the terms without it"),
            );
        }
    }
    faults.extend("", std::mem::take(&mut reading.faults));
    match reading.effective_from {
        Some(from) if faults.is_empty() => Ok((from, reading)),
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
    let mut reading = terms_input::read(value, "", &book, now);
    reading.faults.extend(unknown_names(conn, value, "")?);
    let warnings = match vendor {
        Some(vendor) => contract::warnings(conn, vendor, None, &reading.promise)?,
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
    let mut reading = terms_input::read(value, path, &book, now);
    reading.faults.extend(unknown_names(conn, value, path)?);
    Ok(reading)
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
    apply_from: Option<NaiveDate>,
    promise: &Promise,
) -> Result<Terms> {
    let terms = terms::insert(tx, contract, from, apply_from, promise)?;
    let detail = json!({"number": terms.number, "effective_from": from, "apply_from": apply_from, "promise": promise});
    tx.record("contract", contract.0, "terms entered", &detail)?;
    Ok(terms)
}
