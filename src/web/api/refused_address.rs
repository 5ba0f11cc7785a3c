//! Addresses that a mail server refuses for good.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde_json::json;

use crate::actions;
use crate::store::refused_address;
use crate::web::{Answer, Caller, State, act, read};

/// `GET /refused-addresses`: all of them, in their order.
pub async fn list(state: Data<State>) -> Answer {
    let items = read(&state, refused_address::all).await?;
    Ok(HttpResponse::Ok().json(json!({"items": items, "next": null})))
}

/// `DELETE /refused-addresses/{email}`: the address works again.
pub async fn lift(state: Data<State>, caller: Caller, email: Path<String>) -> Answer {
    act(&state, &caller, move |tx| {
        actions::refused_address::lift(tx, &email)
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}
