//! Rotas.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde::Serialize;

use crate::actions;
use crate::domain::rota::{Duty, Roster, RotaInput, RotaName};
use crate::domain::{CalendarId, RotaId};
use crate::error::{Error, Result};
use crate::store::{Conn, ladder, rota};
use crate::time::{DAY, Micros, Moment};
use crate::web::{
    Answer, Caller, Done, IfMatch, JsonBody, Paging, State, act, act_once, read, with_etag,
};

/// For how long it is said who is on duty.
pub(in crate::web) const AHEAD: Micros = 7 * DAY;

/// A rota as the API shows it.
#[derive(Serialize)]
struct RotaBody {
    id: RotaId,
    name: RotaName,
    entries: Vec<EntryBody>,
    /// The mail address of the fallback.
    fallback: String,
    active: bool,
    /// The mail address of whoever is on duty now.
    on_duty: Option<String>,
    /// Who is on duty during the next seven days.
    #[serde(skip_serializing_if = "Option::is_none")]
    shifts: Option<Vec<ShiftBody>>,
    /// What names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    used_by: Option<Vec<String>>,
    created_at: Moment,
    #[serde(skip)]
    version: i64,
}

#[derive(Serialize)]
struct EntryBody {
    person: String,
    calendar_id: CalendarId,
}

#[derive(Serialize)]
struct ShiftBody {
    from: Moment,
    to: Moment,
    /// The mail address; none: nobody is told.
    person: Option<String>,
    /// Whether nobody is in hours and this is the fallback.
    fallback: bool,
}

impl RotaBody {
    fn of(roster: &Roster, now: Moment) -> Self {
        let email = |duty| roster.who(duty).map(|person| person.email.clone());
        let entries = roster.turns.iter().map(|turn| EntryBody {
            person: turn.person.email.clone(),
            calendar_id: turn.calendar_id,
        });
        Self {
            id: roster.rota.id,
            name: roster.rota.name.clone(),
            entries: entries.collect(),
            fallback: roster.fallback.email.clone(),
            active: roster.rota.active,
            on_duty: email(roster.duty_at(now)),
            shifts: None,
            used_by: None,
            created_at: roster.rota.created_at,
            version: roster.rota.version,
        }
    }

    fn kept(conn: &mut Conn, id: RotaId, now: Moment) -> Result<Self> {
        let rota = rota::find(conn, id)?;
        Ok(Self::of(&rota::roster(conn, rota)?, now))
    }
}

/// `GET /rotas`: in the order they were entered, with who is on duty now.
pub async fn list(state: Data<State>, paging: Paging) -> Answer {
    let (after, rows) = (paging.after()?, paging.rows());
    let now = state.store.now()?;
    let rotas = read(&state, move |conn| {
        let rotas = rota::page(conn, after, rows)?.into_iter();
        rotas
            .map(|rota| rota::roster(conn, rota))
            .collect::<Result<Vec<Roster>>>()
    })
    .await?;
    let listing = paging.listing(rotas, |roster| roster.rota.id);
    Ok(HttpResponse::Ok().json(listing.map(|roster| RotaBody::of(&roster, now))))
}

/// `GET /rotas/{id}`: also who is on duty during the next seven days.
pub async fn show(state: Data<State>, key: Path<String>) -> Answer {
    let (id, now) = (rota_id(&key)?, state.store.now()?);
    let body = read(&state, move |conn| {
        let rota = rota::find(conn, id)?;
        let users = ladder::users(conn, &rota.name.address(), now)?;
        let roster = rota::roster(conn, rota)?;
        let shifts = roster.shifts(now, now + AHEAD).into_iter();
        let shifts = shifts.map(|shift| ShiftBody {
            from: shift.from,
            to: shift.to,
            person: roster.who(shift.duty).map(|person| person.email.clone()),
            fallback: shift.duty == Duty::Fallback,
        });
        Ok(RotaBody {
            shifts: Some(shifts.collect()),
            used_by: Some(users),
            ..RotaBody::of(&roster, now)
        })
    })
    .await?;
    Ok(with_etag(body.version, &body))
}

/// `POST /rotas`.
pub async fn enter(state: Data<State>, caller: Caller, body: JsonBody) -> Answer {
    let (value, once) = body.parts();
    act_once(&state, &caller, once, move |tx| {
        let id = actions::rota::enter(tx, &RotaInput::read(&value)?)?;
        let now = tx.now();
        let body = RotaBody::kept(tx.conn(), id, now)?;
        Done::made(format!("/api/v1/rotas/{id}"), &body)
    })
    .await
}

/// `PUT /rotas/{id}` with `If-Match`: the entries as a whole.
pub async fn edit(
    state: Data<State>,
    caller: Caller,
    key: Path<String>,
    version: IfMatch,
    body: JsonBody,
) -> Answer {
    let id = rota_id(&key)?;
    let version = version.version_of("the rota")?;
    let body = act(&state, &caller, move |tx| {
        let before = rota::find(tx.conn(), id)?;
        let input = RotaInput::read_edit(&body.value, &before)?;
        actions::rota::edit(tx, &before, version, &input)?;
        let now = tx.now();
        RotaBody::kept(tx.conn(), id, now)
    })
    .await?;
    Ok(with_etag(body.version, &body))
}

/// `DELETE /rotas/{id}`.
pub async fn remove(state: Data<State>, caller: Caller, key: Path<String>) -> Answer {
    let id = rota_id(&key)?;
    act(&state, &caller, move |tx| actions::rota::remove(tx, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}

pub(in crate::web) fn rota_id(key: &str) -> Result<RotaId> {
    key.parse()
        .map(RotaId)
        .map_err(|_| Error::not_found("rota", key))
}
