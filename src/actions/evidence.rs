//! Files that people add to what they record.

use std::io::Read;

use serde_json::json;

use crate::domain::evidence::{Arrived, File, NAMES};
use crate::domain::input::Faults;
use crate::domain::{EvidenceId, PersonId};
use crate::error::{Error, Result};
use crate::store::{self, Tx};

/// Keeps a file that arrived until an event takes it; one that none takes is dropped after a day.
///
/// # Errors
/// At `file` when it is empty; when its content cannot be read, or the database does not take it.
pub fn keep(tx: &mut Tx<'_>, arrived: &Arrived, content: &mut dyn Read) -> Result<EvidenceId> {
    let person = somebody(tx)?;
    if arrived.size == 0 {
        return Err(Error::field("file", "the file is empty"));
    }
    let id = store::evidence::insert(tx, person, arrived, content)?;
    // Its name stays out of the trail: nothing can be erased from there.
    let detail = json!({"sha256": arrived.sha256, "size": arrived.size});
    tx.record("evidence", id.0, "uploaded", &detail)?;
    Ok(id)
}

/// The files that an event names, as they wait for it, in its order.
///
/// # Errors
/// At `evidence` when there are too many, one stands twice, or none of that content waits.
pub(super) fn named(tx: &mut Tx<'_>, hashes: &[String]) -> Result<Vec<File>> {
    let mut faults = Faults::none();
    let mut files: Vec<File> = Vec::with_capacity(hashes.len());
    if hashes.is_empty() {
        return Ok(files);
    }
    let person = somebody(tx)?;
    if hashes.len() > NAMES.len() {
        let wrong = format!("an event carries at most {} files", NAMES.len());
        faults.add("evidence", wrong);
        return Err(faults.into_vec().into());
    }
    for (index, hash) in hashes.iter().enumerate() {
        let place = format!("evidence[{index}]");
        if files.iter().any(|file| file.sha256 == *hash) {
            faults.add(place, "this file stands twice");
            continue;
        }
        match store::evidence::waiting(tx.conn(), person, hash)? {
            Some(file) => files.push(file),
            None => faults.add(
                place,
                format!("no file {hash} of yours waits for an event; send it to POST /evidence first, once for each event"),
            ),
        }
    }
    faults.or(files).map_err(Error::from)
}

fn somebody(tx: &Tx<'_>) -> Result<PersonId> {
    let person = tx.actor().person();
    person.ok_or_else(|| Error::conflict("files are sent by one of us"))
}
