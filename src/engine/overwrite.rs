//! After texts were erased the file of SQLite is written anew, so that none of their bytes stays in it.

use crate::error::Result;
use crate::store::{self, Actor, DatabaseUrl, Store};

/// Writes the file anew, if texts were erased since it was last. Says whether it did.
///
/// SQLite leaves copies of a row where it moved it between pages, also with `secure_delete`, and old
/// pages in its log: only a file that was written anew holds nothing of what was deleted. PostgreSQL is
/// left to its own vacuum.
///
/// # Errors
/// When there is no room for a second file, or somebody reads the old one for long: it stays owed.
pub fn run_due(store: &Store) -> Result<bool> {
    if let DatabaseUrl::Postgres(_) = store.url() {
        return Ok(false);
    }
    let Some(erased) = store.read(store::erasure::left_in_file)? else {
        return Ok(false);
    };
    store.write_file_anew()?;
    store.write(Actor::Engine, move |tx| {
        store::erasure::not_left_in_file(tx, erased)
    })?;
    Ok(true)
}
