//! Vendors and their contacts.

use std::collections::HashSet;

use diesel::prelude::*;

use super::among::AmongValues;
use super::{Conn, Tx, calendar, unique};
use crate::domain::input::Faults;
use crate::domain::vendor::{Contact, ContactInput, Vendor, VendorInput};
use crate::domain::{ContactId, VendorId};
use crate::error::{Error, Refused, Result};
use crate::schema::{contacts, contracts, vendors};

/// A vendor in a list.
#[derive(Clone, Debug)]
pub struct VendorLine {
    /// The vendor.
    pub vendor: Vendor,
    /// How many contacts it has.
    pub contacts: i64,
    /// How many contracts we have with it.
    pub contracts: i64,
}

/// The vendor of that key.
///
/// # Errors
/// When there is none.
pub fn find(conn: &mut Conn, id: VendorId) -> Result<Vendor> {
    vendors::table
        .find(id)
        .select(Vendor::as_select())
        .get_result(conn)
        .optional()?
        .ok_or_else(|| Error::not_found("vendor", id.reference()))
}

/// The vendors of those keys, in no order.
///
/// # Errors
/// When the database does not answer.
pub fn find_all(conn: &mut Conn, ids: &[VendorId]) -> Result<Vec<Vendor>> {
    Ok(vendors::table
        .filter(vendors::id.among(ids))
        .select(Vendor::as_select())
        .load(conn)?)
}

/// The vendor of that reference (`V-7`) or key, as URLs carry either.
///
/// # Errors
/// When there is none.
pub fn find_by_key(conn: &mut Conn, key: &str) -> Result<Vendor> {
    match VendorId::parse(key) {
        Some(id) => find(conn, id),
        None => Err(Error::not_found("vendor", key)),
    }
}

/// The vendor of that name, if there is one.
///
/// # Errors
/// When the database does not answer.
pub fn named(conn: &mut Conn, name: &str) -> Result<Option<Vendor>> {
    Ok(vendors::table
        .filter(vendors::name.eq(name))
        .select(Vendor::as_select())
        .first(conn)
        .optional()?)
}

/// The contacts of a vendor, lowest rung first.
///
/// # Errors
/// When the database does not answer.
pub fn contacts(conn: &mut Conn, id: VendorId) -> Result<Vec<Contact>> {
    Ok(contacts::table
        .filter(contacts::vendor_id.eq(id))
        .order((contacts::rung, contacts::id))
        .select(Contact::as_select())
        .load(conn)?)
}

/// At most `limit` vendors in order of name, those after the given name.
///
/// # Errors
/// When the database does not answer.
pub fn page(conn: &mut Conn, after: Option<&str>, limit: i64) -> Result<Vec<Vendor>> {
    let mut query = vendors::table
        .order(vendors::name)
        .limit(limit)
        .select(Vendor::as_select())
        .into_boxed();
    if let Some(name) = after {
        query = query.filter(vendors::name.gt(name.to_string()));
    }
    Ok(query.load(conn)?)
}

/// The contacts of several vendors, lowest rung first.
///
/// # Errors
/// When the database does not answer.
pub fn contacts_of(conn: &mut Conn, ids: &[VendorId]) -> Result<Vec<Contact>> {
    Ok(contacts::table
        .filter(contacts::vendor_id.among(ids))
        .order((contacts::rung, contacts::id))
        .select(Contact::as_select())
        .load(conn)?)
}

/// [`page`] with the figures a list shows.
///
/// # Errors
/// When the database does not answer.
pub fn lines(conn: &mut Conn, after: Option<&str>, limit: i64) -> Result<Vec<VendorLine>> {
    let page = page(conn, after, limit)?;
    let ids: Vec<VendorId> = page.iter().map(|vendor| vendor.id).collect();
    let with_contacts: Vec<(VendorId, i64)> = contacts::table
        .filter(contacts::vendor_id.eq_any(ids.clone()))
        .group_by(contacts::vendor_id)
        .select((contacts::vendor_id, diesel::dsl::count_star()))
        .load(conn)?;
    let with_contracts: Vec<(VendorId, i64)> = contracts::table
        .filter(contracts::vendor_id.eq_any(ids))
        .group_by(contracts::vendor_id)
        .select((contracts::vendor_id, diesel::dsl::count_star()))
        .load(conn)?;
    let count = |of: &[(VendorId, i64)], id| {
        of.iter()
            .find(|(vendor, _)| *vendor == id)
            .map_or(0, |(_, count)| *count)
    };
    Ok(page
        .into_iter()
        .map(|vendor| VendorLine {
            contacts: count(&with_contacts, vendor.id),
            contracts: count(&with_contracts, vendor.id),
            vendor,
        })
        .collect())
}

/// Keeps a new vendor with its contacts.
///
/// # Errors
/// At `name` when another vendor has it; at the field when a calendar or contact is not known.
pub(crate) fn insert(tx: &mut Tx<'_>, input: &VendorInput) -> Result<VendorId> {
    check(tx.conn(), input, &[])?;
    let now = tx.now();
    let id: VendorId = diesel::insert_into(vendors::table)
        .values((
            vendors::name.eq(&input.name),
            vendors::time_zone.eq(input.time_zone),
            vendors::locale.eq(input.locale),
            vendors::notes.eq(&input.notes),
            vendors::created_at.eq(now),
            vendors::version.eq(1_i64),
        ))
        .returning(vendors::id)
        .get_result(tx.conn())
        .map_err(|error| name_taken(error, input))?;
    for contact in &input.contacts {
        insert_contact(tx.conn(), id, contact)?;
    }
    Ok(id)
}

/// Changes a vendor that still has the version the edit was made from, and gives the new version.
/// Contacts that are not named any more are gone; those named by `id` keep it.
///
/// # Errors
/// As [`insert`], and when somebody changed the vendor first.
pub(crate) fn update(
    tx: &mut Tx<'_>,
    id: VendorId,
    version: i64,
    input: &VendorInput,
) -> Result<i64> {
    let changed =
        diesel::update(vendors::table.filter(vendors::id.eq(id).and(vendors::version.eq(version))))
            .set((
                vendors::name.eq(&input.name),
                vendors::time_zone.eq(input.time_zone),
                vendors::locale.eq(input.locale),
                vendors::notes.eq(&input.notes),
                vendors::version.eq(version + 1),
            ))
            .execute(tx.conn())
            .map_err(|error| name_taken(error, input))?;
    if changed == 0 {
        find(tx.conn(), id)?;
        let what = format!("vendor {}", id.reference());
        return Err(Refused::Stale { what }.into());
    }
    let before: Vec<ContactId> = contacts(tx.conn(), id)?
        .iter()
        .map(|contact| contact.id)
        .collect();
    check(tx.conn(), input, &before)?;
    let kept: Vec<ContactId> = input
        .contacts
        .iter()
        .filter_map(|contact| contact.id)
        .collect();
    diesel::delete(
        contacts::table.filter(contacts::vendor_id.eq(id).and(contacts::id.ne_all(kept))),
    )
    .execute(tx.conn())?;
    for contact in &input.contacts {
        match contact.id {
            Some(kept) => {
                diesel::update(contacts::table.find(kept))
                    .set((
                        contacts::name.eq(&contact.name),
                        contacts::email.eq(&contact.email),
                        contacts::rung.eq(contact.rung as i32),
                        contacts::time_zone.eq(contact.time_zone),
                        contacts::locale.eq(contact.locale),
                        contacts::calendar_id.eq(contact.calendar_id),
                    ))
                    .execute(tx.conn())?;
            }
            None => insert_contact(tx.conn(), id, contact)?,
        }
    }
    Ok(version + 1)
}

fn insert_contact(conn: &mut Conn, vendor: VendorId, contact: &ContactInput) -> Result<()> {
    diesel::insert_into(contacts::table)
        .values((
            contacts::vendor_id.eq(vendor),
            contacts::name.eq(&contact.name),
            contacts::email.eq(&contact.email),
            contacts::rung.eq(contact.rung as i32),
            contacts::time_zone.eq(contact.time_zone),
            contacts::locale.eq(contact.locale),
            contacts::calendar_id.eq(contact.calendar_id),
        ))
        .execute(conn)?;
    Ok(())
}

/// What only the database knows: that contacts are this vendor's and calendars exist.
fn check(conn: &mut Conn, input: &VendorInput, own: &[ContactId]) -> Result<()> {
    let mut faults = Faults::none();
    let mut seen = HashSet::new();
    for (index, contact) in input.contacts.iter().enumerate() {
        if let Some(id) = contact.id {
            let at = format!("contacts[{index}].id");
            faults.require(
                own.contains(&id),
                &at,
                format!("{id} is no contact of this vendor; leave the id out for a new contact"),
            );
            faults.require(seen.insert(id), &at, format!("contact {id} is named twice"));
        }
        if let Some(calendar) = contact.calendar_id
            && !calendar::exists(conn, calendar)?
        {
            faults.add(
                format!("contacts[{index}].calendar_id"),
                format!("there is no calendar {calendar}"),
            );
        }
    }
    faults.or(()).map_err(Error::from)
}

fn name_taken(error: diesel::result::Error, input: &VendorInput) -> Error {
    unique(error, "name", || {
        format!("another vendor is called {} already", input.name)
    })
}
