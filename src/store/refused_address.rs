//! Addresses that a mail server refuses for good.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::among::AmongValues;
use super::{Conn, Tx};
use crate::domain::refused_address::{RefusedAddress, spelled};
use crate::domain::{ContractId, VendorId};
use crate::error::Result;
use crate::per_backend;
use crate::schema::{contacts, contracts, people, refused_addresses};

diesel::define_sql_function! {
    /// In small letters.
    fn lower(text: Text) -> Text;
}

/// Marks an address, or renews its mark; says whether it had none.
///
/// # Errors
/// When the database does not take it.
pub fn mark(tx: &mut Tx<'_>, mark: &RefusedAddress) -> Result<bool> {
    let row = (
        refused_addresses::email.eq(&mark.email),
        refused_addresses::refused_at.eq(mark.refused_at),
        refused_addresses::answer.eq(&mark.answer),
        refused_addresses::letter_id.eq(mark.letter_id),
    );
    // The key decides between two engines that are told at the same time.
    let made = per_backend!(tx.conn(), conn => diesel::insert_into(refused_addresses::table)
        .values(&row)
        .on_conflict_do_nothing()
        .execute(conn))?;
    if made == 0 {
        diesel::update(refused_addresses::table.find(&mark.email))
            .set((
                refused_addresses::refused_at.eq(mark.refused_at),
                refused_addresses::answer.eq(&mark.answer),
                refused_addresses::letter_id.eq(mark.letter_id),
            ))
            .execute(tx.conn())?;
    }
    Ok(made == 1)
}

/// Takes the mark of an address away and gives it, if there was one.
///
/// # Errors
/// When the database does not take it.
pub fn lift(tx: &mut Tx<'_>, email: &str) -> Result<Option<RefusedAddress>> {
    let email = spelled(email);
    let marked = refused_addresses::table
        .find(&email)
        .select(RefusedAddress::as_select())
        .get_result(tx.conn())
        .optional()?;
    diesel::delete(refused_addresses::table.find(&email)).execute(tx.conn())?;
    Ok(marked)
}

/// The marks of those addresses, however they are spelled.
///
/// # Errors
/// When the database does not answer.
pub fn of<'a>(
    conn: &mut Conn,
    emails: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<RefusedAddress>> {
    let emails: Vec<String> = emails.into_iter().map(spelled).collect();
    let emails: Vec<&str> = emails.iter().map(String::as_str).collect();
    Ok(refused_addresses::table
        .filter(refused_addresses::email.listed(&emails))
        .order(refused_addresses::email)
        .select(RefusedAddress::as_select())
        .load(conn)?)
}

/// Whether somebody has the address: a contact, one of us, or a contract as its owner's. A mark that is
/// left over from before an edit means nothing.
macro_rules! is_in_use {
    () => {{
        let email = refused_addresses::email;
        let contact = contacts::table.filter(lower(contacts::email).eq(email));
        let person = people::table
            .filter(people::active.eq(true))
            .filter(lower(people::email).eq(email));
        let owner = contracts::table.filter(lower(contracts::owner).eq(email));
        exists(contact).or(exists(person)).or(exists(owner))
    }};
}

/// All marked addresses that somebody has, in their order.
///
/// # Errors
/// When the database does not answer.
pub fn all(conn: &mut Conn) -> Result<Vec<RefusedAddress>> {
    Ok(refused_addresses::table
        .filter(is_in_use!())
        .order(refused_addresses::email)
        .select(RefusedAddress::as_select())
        .load(conn)?)
}

/// How many addresses are marked that somebody has.
///
/// # Errors
/// When the database does not answer.
pub fn count(conn: &mut Conn) -> Result<i64> {
    Ok(refused_addresses::table
        .filter(is_in_use!())
        .count()
        .get_result(conn)?)
}

/// The vendors that have a contact with that address, with the contracts with them and those whose owner
/// has it.
///
/// # Errors
/// When the database does not answer.
pub fn concerned(conn: &mut Conn, email: &str) -> Result<(Vec<VendorId>, Vec<ContractId>)> {
    let vendors: Vec<VendorId> = contacts::table
        .filter(lower(contacts::email).eq(spelled(email)))
        .select(contacts::vendor_id)
        .distinct()
        .order(contacts::vendor_id)
        .load(conn)?;
    let contracts: Vec<ContractId> = contracts::table
        .filter(
            contracts::vendor_id
                .eq_any(vendors.clone())
                .or(lower(contracts::owner).eq(spelled(email))),
        )
        .select(contracts::id)
        .order(contracts::id)
        .load(conn)?;
    Ok((vendors, contracts))
}
