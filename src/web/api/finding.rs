//! What will not work when it is needed.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde_json::json;

use crate::store::finding;
use crate::web::{Answer, State, block};

/// `GET /findings`: everything that is found, errors first.
pub async fn list(state: Data<State>) -> Answer {
    let store = state.store.clone();
    let findings = block(move || {
        let now = store.now()?;
        store.read(|conn| finding::all(conn, now))
    })
    .await?;
    Ok(HttpResponse::Ok().json(json!({"items": findings, "next": null})))
}
