//! API tokens.

use serde_json::json;

use crate::domain::{PersonId, TokenId};
use crate::error::{Error, Result};
use crate::store::{Tx, token};

/// Keeps a new token of a person. What it opens is decided by the person's role at each use.
///
/// # Errors
/// At `name` when it is missing or too long.
pub fn create(tx: &mut Tx<'_>, person: PersonId, name: &str, token_hash: &str) -> Result<TokenId> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Error::field(
            "name",
            "name is missing; say what the token is for",
        ));
    }
    if name.chars().count() > 200 {
        return Err(Error::field(
            "name",
            "the name is longer than 200 characters",
        ));
    }
    let id = token::insert(tx, person, name, token_hash)?;
    tx.record(
        "token",
        id.0,
        "created",
        &json!({"name": name, "person": person}),
    )?;
    Ok(id)
}

/// Ends a token of that person; it does not count from now on.
///
/// # Errors
/// When this person has no such token that counts.
pub fn revoke(tx: &mut Tx<'_>, person: PersonId, id: TokenId) -> Result<()> {
    if !token::revoke(tx, person, id)? {
        return Err(Error::not_found("token", id));
    }
    tx.record("token", id.0, "revoked", &json!({"person": person}))
}
