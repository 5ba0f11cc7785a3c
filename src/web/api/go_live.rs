//! Go-live windows of contracts.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde::Serialize;

use crate::actions;
use crate::domain::go_live::{CommandPost, Commitments, GoLive};
use crate::domain::{GoLiveId, PersonId};
use crate::error::{Error, Result};
use crate::store::{contract, go_live};
use crate::time::Moment;
use crate::web::{Answer, Caller, Done, JsonBody, RawBody, State, act_once, read};

/// A window as the API shows it.
#[derive(Serialize)]
struct GoLiveBody {
    id: GoLiveId,
    name: String,
    starts_at: Moment,
    ends_at: Moment,
    commitments: Commitments,
    command_post: CommandPost,
    entered_at: Moment,
    entered_by: Option<PersonId>,
    withdrawn_at: Option<Moment>,
    withdrawn_by: Option<PersonId>,
}

impl From<GoLive> for GoLiveBody {
    fn from(window: GoLive) -> Self {
        Self {
            id: window.id,
            name: window.name,
            starts_at: window.starts_at,
            ends_at: window.ends_at,
            commitments: window.commitments,
            command_post: window.command_post,
            entered_at: window.entered_at,
            entered_by: window.entered_by,
            withdrawn_at: window.withdrawn_at,
            withdrawn_by: window.withdrawn_by,
        }
    }
}

/// The windows of one contract, which are few.
#[derive(Serialize)]
struct Windows {
    items: Vec<GoLiveBody>,
    next: Option<String>,
}

/// `GET /contracts/{id}/go_lives`: withdrawn ones too, the last to begin first.
pub async fn list(state: Data<State>, key: Path<String>) -> Answer {
    let windows = read(&state, move |conn| {
        let contract = contract::find_by_key(conn, &key)?;
        go_live::of_contract(conn, contract.id)
    })
    .await?;
    Ok(HttpResponse::Ok().json(Windows {
        items: windows.into_iter().map(GoLiveBody::from).collect(),
        next: None,
    }))
}

/// `POST /contracts/{id}/go_lives`: counts for what is reported in it from now on.
pub async fn enter(
    state: Data<State>,
    caller: Caller,
    key: Path<String>,
    body: JsonBody,
) -> Answer {
    let (value, once) = body.parts();
    act_once(&state, &caller, once, move |tx| {
        let contract = contract::find_by_key(tx.conn(), &key)?;
        let window = actions::go_live::enter(tx, contract.id, &value)?;
        Done::made(
            format!("/api/v1/contracts/{}/go_lives", contract.id),
            &GoLiveBody::from(window),
        )
    })
    .await
}

/// `POST /contracts/{id}/go_lives/{window}/withdraw`: of one that has not begun.
pub async fn withdraw(
    state: Data<State>,
    caller: Caller,
    path: Path<(String, String)>,
    body: RawBody,
) -> Answer {
    let (key, window) = path.into_inner();
    act_once(&state, &caller, body.once, move |tx| {
        let contract = contract::find_by_key(tx.conn(), &key)?;
        let window = actions::go_live::withdraw(tx, contract.id, go_live_id(&window)?)?;
        Done::answered(&GoLiveBody::from(window))
    })
    .await
}

/// Reads the key in a path.
pub(in crate::web) fn go_live_id(key: &str) -> Result<GoLiveId> {
    key.parse()
        .map(GoLiveId)
        .map_err(|_| Error::not_found("go-live window", key))
}
