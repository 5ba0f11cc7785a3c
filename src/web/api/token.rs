//! One's own API tokens.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde_json::json;

use crate::actions;
use crate::domain::TokenId;
use crate::domain::input::Faults;
use crate::domain::reading::Object;
use crate::secret::Secret;
use crate::store::token;
use crate::web::access::Caller;
use crate::web::body::JsonBody;
use crate::web::error::Answer;
use crate::web::idempotency::{Done, act_once};
use crate::web::paging::Paging;
use crate::web::state::{State, act, read};

/// `GET /tokens`
pub async fn list(state: Data<State>, caller: Caller, paging: Paging) -> Answer {
    let (person, after, rows) = (caller.id, paging.after()?, paging.rows());
    let tokens = read(&state, move |conn| token::page(conn, person, after, rows)).await?;
    Ok(HttpResponse::Ok().json(paging.listing(tokens, |token| token.id)))
}

/// `POST /tokens`: the secret is in the answer, this once; the same request sent again has it no more.
pub async fn create(state: Data<State>, caller: Caller, body: JsonBody) -> Answer {
    let (value, once) = body.parts();
    let person = caller.id;
    act_once(&state, &caller, once, move |tx| {
        let mut faults = Faults::none();
        let name = Object::open(&value, "", &["name"], &mut faults)
            .and_then(|object| object.text("name", &mut faults));
        let name = faults.or(name.unwrap_or_default())?;
        let secret = Secret::token()?;
        let id = actions::token::create(tx, person, &name, &secret.hash())?;
        let body = json!({"id": id, "name": name});
        let done = Done::made(format!("/api/v1/tokens/{id}"), &body)?;
        Ok(done.with_secret("token", secret.reveal()))
    })
    .await
}

/// `DELETE /tokens/{id}`
pub async fn revoke(state: Data<State>, caller: Caller, id: Path<i64>) -> Answer {
    let (person, id) = (caller.id, TokenId(*id));
    act(&state, &caller, move |tx| {
        actions::token::revoke(tx, person, id)
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}
