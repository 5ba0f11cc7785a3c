//! People.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde_json::Value;

use crate::actions;
use crate::domain::PersonId;
use crate::domain::person::PersonInput;
use crate::error::Result;
use crate::secret::hash_password;
use crate::store::person;
use crate::web::access::Caller;
use crate::web::body::JsonBody;
use crate::web::error::Answer;
use crate::web::idempotency::{Done, act_once};
use crate::web::paging::Paging;
use crate::web::state::{State, act, block, read};
use crate::web::version::{IfMatch, with_etag};

/// `GET /people`
pub async fn list(state: Data<State>, paging: Paging) -> Answer {
    let (after, rows) = (paging.after()?, paging.rows());
    let people = read(&state, move |conn| person::page(conn, after, rows)).await?;
    Ok(HttpResponse::Ok().json(paging.listing(people, |person| person.id)))
}

/// `POST /people`
pub async fn add(state: Data<State>, caller: Caller, body: JsonBody) -> Answer {
    let (value, once) = body.parts();
    let (input, hash) = block(move || checked(&value)).await?;
    act_once(&state, &caller, once, move |tx| {
        let id = actions::person::add(tx, &input, hash.as_deref())?;
        let person = person::find(tx.conn(), id)?;
        Done::made(format!("/api/v1/people/{id}"), &person)
    })
    .await
}

/// `GET /people/{id}`
pub async fn show(state: Data<State>, id: Path<i64>) -> Answer {
    let id = PersonId(*id);
    let person = read(&state, move |conn| person::find(conn, id)).await?;
    Ok(with_etag(person.version, &person))
}

/// `PUT /people/{id}`
pub async fn edit(
    state: Data<State>,
    caller: Caller,
    id: Path<i64>,
    if_match: IfMatch,
    body: JsonBody,
) -> Answer {
    let id = PersonId(*id);
    let version = if_match.version_of("a person")?;
    let (input, hash) = block(move || checked(&body.value)).await?;
    let person = act(&state, &caller, move |tx| {
        actions::person::edit(tx, id, version, &input, hash.as_deref())?;
        person::find(tx.conn(), id)
    })
    .await?;
    Ok(with_etag(person.version, &person))
}

/// The input, and the hash of the password, which takes too long to be made in a transaction.
///
/// # Errors
/// Every fault at its field.
pub fn checked(value: &Value) -> Result<(PersonInput, Option<String>)> {
    let input = PersonInput::read(value)?;
    let hash = match &input.password {
        Some(password) => Some(hash_password(password.reveal())?),
        None => None,
    };
    Ok((input, hash))
}
