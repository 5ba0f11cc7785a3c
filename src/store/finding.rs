//! What will not work when it is needed, read from all that is kept.

use std::collections::HashMap;

use crate::domain::VendorId;
use crate::domain::contract::Contract;
use crate::domain::finding::{
    Finding, Gravity, InForce, Subject, of_calendar, of_contract, of_ladder, of_refused,
};
use crate::domain::person::Role;
use crate::domain::terms::Promise;
use crate::domain::vendor::Contact;
use crate::error::Result;
use crate::store::contract::ContractLine;
use crate::store::{Conn, calendar, contract, person, refused_address, terms, vendor};
use crate::time::Moment;

/// Contracts looked at together.
const TOGETHER: i64 = 200;

/// Everything that is found at that moment, errors first: calendars, contracts in force with their
/// ladders, addresses that are refused, people.
///
/// # Errors
/// When the database does not answer.
pub fn all(conn: &mut Conn, now: Moment) -> Result<Vec<Finding>> {
    let mut found = people(conn)?;
    let calendars = calendar::all(conn)?;
    let ids: Vec<_> = calendars.iter().map(|head| head.id).collect();
    let book = calendar::book(conn, &ids)?;
    for head in &calendars {
        found.extend(of_calendar(head, &book.latest(head.id).calendar, now));
    }
    let mut after: Option<String> = None;
    loop {
        let lines = contract::page(conn, None, after.as_deref(), TOGETHER)?;
        found.extend(of_contracts(conn, &lines, now)?);
        match lines.last() {
            Some(last) => after = Some(last.contract.reference.clone()),
            None => break,
        }
    }
    // What a ladder says of an address is not said twice.
    for mark in refused_address::all(conn)? {
        let words = format!("mail to {} was refused", mark.email);
        if !found.iter().any(|known| known.message.contains(&words)) {
            let (vendors, _) = refused_address::concerned(conn, &mark.email)?;
            let page = vendors
                .first()
                .map_or_else(|| "/letters".to_string(), |id| format!("/vendors/{id}"));
            found.push(of_refused(&mark, &page));
        }
    }
    found.sort_by_key(|finding| finding.gravity);
    Ok(found)
}

/// What is found about one contract in force apart from the single steps of its ladder, and about the
/// calendars that its time counts in.
///
/// # Errors
/// When the database does not answer.
pub fn about(conn: &mut Conn, contract: &Contract, now: Moment) -> Result<Vec<Finding>> {
    if !is_in_force(contract, now) {
        return Ok(Vec::new());
    }
    let terms = terms::in_force(conn, contract, now)?;
    let promise = terms.as_ref().map(|terms| &terms.promise);
    let contacts = vendor::contacts(conn, contract.vendor_id)?;
    let mut found = of_contract(&InForce {
        contract,
        promise,
        contacts: &contacts,
    });
    let ids = promise.map_or_else(Vec::new, Promise::calendars);
    let book = calendar::book(conn, &ids)?;
    for id in ids {
        let head = calendar::find(conn, id)?;
        found.extend(of_calendar(&head, &book.latest(id).calendar, now));
    }
    Ok(found)
}

fn is_in_force(contract: &Contract, now: Moment) -> bool {
    let today = now.date_in(contract.time_zone.0);
    contract.effective_from <= today && contract.effective_to.is_none_or(|last| today <= last)
}

/// Without an administrator nobody can let others in.
fn people(conn: &mut Conn) -> Result<Vec<Finding>> {
    let administrators = person::of_role(conn, Role::Administrator)?;
    if administrators.iter().any(|person| person.active) {
        return Ok(Vec::new());
    }
    Ok(vec![Finding::new(
        Gravity::Error,
        Subject::People,
        "people",
        "there is no active administrator",
        "add one by redress user add --role administrator",
    )])
}

fn of_contracts(conn: &mut Conn, lines: &[ContractLine], now: Moment) -> Result<Vec<Finding>> {
    let in_force: Vec<_> = lines
        .iter()
        .map(|line| &line.contract)
        .filter(|contract| is_in_force(contract, now))
        .collect();
    let vendors: Vec<VendorId> = in_force.iter().map(|contract| contract.vendor_id).collect();
    let mut contacts: HashMap<VendorId, Vec<Contact>> = HashMap::new();
    for contact in vendor::contacts_of(conn, &vendors)? {
        contacts.entry(contact.vendor_id).or_default().push(contact);
    }
    let mut found = Vec::new();
    for contract in in_force {
        let terms = terms::in_force(conn, contract, now)?;
        let promise = terms.as_ref().map(|terms| &terms.promise);
        let ladder = match promise {
            Some(promise) => {
                contract::warnings(conn, contract.vendor_id, Some(&contract.owner), promise)?
            }
            None => Vec::new(),
        };
        found.extend(of_contract(&InForce {
            contract,
            promise,
            contacts: contacts
                .get(&contract.vendor_id)
                .map_or(&[][..], Vec::as_slice),
        }));
        found.extend(of_ladder(contract, &ladder));
    }
    Ok(found)
}
