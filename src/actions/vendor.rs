//! Entering and editing vendors.

use serde_json::json;

use crate::domain::VendorId;
use crate::domain::vendor::VendorInput;
use crate::error::Result;
use crate::store::{Tx, vendor};

/// Enters a vendor with its contacts.
///
/// # Errors
/// At `name` when another vendor has it; at the field when a calendar is not known.
pub fn enter(tx: &mut Tx<'_>, input: &VendorInput) -> Result<VendorId> {
    let id = vendor::insert(tx, input)?;
    tx.record("vendor", id.0, "entered", &json!(input))?;
    Ok(id)
}

/// Edits a vendor that still has the version the edit was made from, and gives the new version. The
/// contacts are replaced as a whole; those named by `id` stay the same contact.
///
/// # Errors
/// As [`enter`], and when somebody changed the vendor first.
pub fn edit(tx: &mut Tx<'_>, id: VendorId, version: i64, input: &VendorInput) -> Result<i64> {
    let version = vendor::update(tx, id, version, input)?;
    tx.record("vendor", id.0, "edited", &json!(input))?;
    Ok(version)
}
