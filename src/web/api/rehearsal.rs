//! Rehearsals: what the ladder of a contract would do. Nothing is changed.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};

use crate::simulate::rehearse;
use crate::web::{Answer, Caller, JsonBody, State, block};

/// `POST /contracts/{id}/rehearsal` with `severity`, and perhaps `reported_at`, `title` and `events`.
pub async fn play(state: Data<State>, caller: Caller, key: Path<String>, body: JsonBody) -> Answer {
    let (store, templates) = (state.store.clone(), state.templates.clone());
    let rehearsal =
        block(move || rehearse(&store, &templates, &key, &caller.email, &body.value)).await?;
    Ok(HttpResponse::Ok().json(rehearsal))
}
