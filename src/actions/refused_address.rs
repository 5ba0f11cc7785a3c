//! What people do about addresses that a mail server refuses.

use serde_json::json;

use crate::error::{Error, Result};
use crate::store::{Tx, refused_address};

/// Takes the mark of an address away: it works again.
///
/// # Errors
/// When it has no mark.
pub fn lift(tx: &mut Tx<'_>, email: &str) -> Result<()> {
    let mark = refused_address::lift(tx, email)?
        .ok_or_else(|| Error::not_found("refused address", email))?;
    let detail = json!({"email": mark.email, "answer": mark.answer});
    tx.record(
        "letter",
        mark.letter_id.0,
        "mark of its address lifted",
        &detail,
    )
}
