//! Reports that are mailed regularly.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde::Serialize;

use crate::actions;
use crate::domain::ScheduleId;
use crate::domain::schedule::{Schedule, ScheduleInput};
use crate::engine::routines;
use crate::error::{Error, Result};
use crate::store::{Conn, schedule};
use crate::time::Moment;
use crate::web::{
    Answer, Caller, Done, IfMatch, JsonBody, Paging, State, act, act_once, read, with_etag,
};

/// A schedule as the API shows it.
#[derive(Serialize)]
struct ScheduleBody {
    #[serde(flatten)]
    schedule: Schedule,
    /// When it runs next; overdue if that is past.
    next_run_at: Option<Moment>,
}

impl ScheduleBody {
    fn of(conn: &mut Conn, schedule: Schedule) -> Result<Self> {
        let done = routines::done(conn, &schedule)?;
        Ok(Self {
            next_run_at: schedule.next_after(done),
            schedule,
        })
    }
}

/// `GET /schedules`: in the order they were entered.
pub async fn list(state: Data<State>, paging: Paging) -> Answer {
    let listing = read(&state, move |conn| {
        let rows = schedule::page(conn, paging.after()?, paging.rows())?;
        let mut bodies = Vec::with_capacity(rows.len());
        for schedule in rows {
            bodies.push(ScheduleBody::of(conn, schedule)?);
        }
        Ok(paging.listing(bodies, |body| body.schedule.id))
    })
    .await?;
    Ok(HttpResponse::Ok().json(listing))
}

/// `GET /schedules/{id}`.
pub async fn show(state: Data<State>, key: Path<String>) -> Answer {
    let id = schedule_id(&key)?;
    let body = read(&state, move |conn| {
        let schedule = schedule::find(conn, id)?;
        ScheduleBody::of(conn, schedule)
    })
    .await?;
    Ok(with_etag(body.schedule.version, &body))
}

/// `POST /schedules`.
pub async fn enter(state: Data<State>, caller: Caller, body: JsonBody) -> Answer {
    let (value, once) = body.parts();
    act_once(&state, &caller, once, move |tx| {
        let id = actions::schedule::enter(tx, &ScheduleInput::read(&value)?)?;
        let schedule = schedule::find(tx.conn(), id)?;
        Done::made(
            format!("/api/v1/schedules/{id}"),
            &ScheduleBody::of(tx.conn(), schedule)?,
        )
    })
    .await
}

/// `PUT /schedules/{id}` with `If-Match`: the whole schedule.
pub async fn edit(
    state: Data<State>,
    caller: Caller,
    key: Path<String>,
    version: IfMatch,
    body: JsonBody,
) -> Answer {
    let id = schedule_id(&key)?;
    let version = version.version_of("the schedule")?;
    let body = act(&state, &caller, move |tx| {
        actions::schedule::edit(tx, id, version, &ScheduleInput::read(&body.value)?)?;
        let schedule = schedule::find(tx.conn(), id)?;
        ScheduleBody::of(tx.conn(), schedule)
    })
    .await?;
    Ok(with_etag(body.schedule.version, &body))
}

/// `DELETE /schedules/{id}`.
pub async fn end(state: Data<State>, caller: Caller, key: Path<String>) -> Answer {
    let id = schedule_id(&key)?;
    act(&state, &caller, move |tx| actions::schedule::end(tx, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}

pub(in crate::web) fn schedule_id(key: &str) -> Result<ScheduleId> {
    key.parse()
        .map(ScheduleId)
        .map_err(|_| Error::not_found("schedule", key))
}
