//! API tokens; of each only its hash is kept.

use diesel::prelude::*;
use serde::Serialize;

use super::{Conn, Tx};
use crate::domain::person::Person;
use crate::domain::{PersonId, TokenId};
use crate::error::Result;
use crate::schema::{people, tokens};
use crate::time::Moment;

/// An API token, without the secret.
#[derive(Clone, Debug, Serialize, Queryable, Selectable)]
#[diesel(table_name = tokens)]
pub struct Token {
    /// Key.
    pub id: TokenId,
    /// Whose rights it has.
    #[serde(skip)]
    pub person_id: PersonId,
    /// What it is for, in its maker's words.
    pub name: String,
    /// When it was made.
    pub created_at: Moment,
    /// From when on it does not count any more.
    pub revoked_at: Option<Moment>,
}

/// The token of that hash and its person, if neither has ended.
///
/// # Errors
/// When the database does not answer.
pub fn holder(conn: &mut Conn, hash: &str) -> Result<Option<(TokenId, Person)>> {
    Ok(tokens::table
        .inner_join(people::table)
        .filter(tokens::token_hash.eq(hash))
        .filter(tokens::revoked_at.is_null())
        .filter(people::active.eq(true))
        .select((tokens::id, Person::as_select()))
        .get_result(conn)
        .optional()?)
}

/// At most `limit` tokens of a person in order of key, those after the given key.
///
/// # Errors
/// When the database does not answer.
pub fn page(
    conn: &mut Conn,
    person: PersonId,
    after: Option<TokenId>,
    limit: i64,
) -> Result<Vec<Token>> {
    Ok(tokens::table
        .filter(tokens::person_id.eq(person))
        .filter(tokens::id.gt(after.unwrap_or_default()))
        .order(tokens::id)
        .limit(limit)
        .select(Token::as_select())
        .load(conn)?)
}

/// Keeps a new token.
///
/// # Errors
/// When the database does not answer.
pub(crate) fn insert(tx: &mut Tx<'_>, person: PersonId, name: &str, hash: &str) -> Result<TokenId> {
    let now = tx.now();
    Ok(diesel::insert_into(tokens::table)
        .values((
            tokens::person_id.eq(person),
            tokens::name.eq(name),
            tokens::token_hash.eq(hash),
            tokens::created_at.eq(now),
        ))
        .returning(tokens::id)
        .get_result(tx.conn())?)
}

/// Ends a token of that person; says whether there was one that counted.
///
/// # Errors
/// When the database does not answer.
pub(crate) fn revoke(tx: &mut Tx<'_>, person: PersonId, id: TokenId) -> Result<bool> {
    let now = tx.now();
    let token = tokens::table
        .filter(tokens::id.eq(id))
        .filter(tokens::person_id.eq(person))
        .filter(tokens::revoked_at.is_null());
    let ended = diesel::update(token)
        .set(tokens::revoked_at.eq(now))
        .execute(tx.conn())?;
    Ok(ended == 1)
}
