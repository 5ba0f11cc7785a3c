//! What people do with letters in the outbox.

use serde_json::json;

use crate::domain::LetterId;
use crate::error::{Error, Result};
use crate::store::{Tx, letter};

/// Puts a failed or cancelled letter back into the queue.
///
/// # Errors
/// When there is no such letter, or it stands otherwise.
pub fn requeue(tx: &mut Tx<'_>, id: LetterId) -> Result<()> {
    let state = letter::get(tx.conn(), id)?.state;
    if !letter::requeue(tx, id)? {
        return Err(Error::conflict(format!(
            "the letter is {state}; only a failed or cancelled one can be queued again"
        )));
    }
    tx.record("letter", id.0, "queued again", &json!({"was": state}))
}

/// Cancels a letter that still waits.
///
/// # Errors
/// When there is no such letter, or it does not wait any more.
pub fn cancel(tx: &mut Tx<'_>, id: LetterId) -> Result<()> {
    let state = letter::get(tx.conn(), id)?.state;
    if !letter::cancel(tx, id, "cancelled by hand")? {
        return Err(Error::conflict(format!(
            "the letter is {state}; only one that waits in the queue can be cancelled"
        )));
    }
    tx.record("letter", id.0, "cancelled", &json!({"was": state}))
}
