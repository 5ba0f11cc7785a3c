//! Teams.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde::Serialize;

use crate::actions;
use crate::domain::TeamId;
use crate::domain::person::Person;
use crate::domain::team::{Team, TeamInput, TeamName};
use crate::error::{Error, Result};
use crate::store::{Conn, ladder, team};
use crate::time::Moment;
use crate::web::{
    Answer, Caller, Done, IfMatch, JsonBody, Paging, State, act, act_once, read, with_etag,
};

/// A team as the API shows it.
#[derive(Serialize)]
struct TeamBody {
    id: TeamId,
    name: TeamName,
    /// The mail addresses of its members, of those who have left too.
    members: Vec<String>,
    active: bool,
    /// What names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    used_by: Option<Vec<String>>,
    created_at: Moment,
    #[serde(skip)]
    version: i64,
}

impl TeamBody {
    fn of(team: Team, members: Vec<Person>) -> Self {
        Self {
            id: team.id,
            name: team.name,
            members: members.into_iter().map(|member| member.email).collect(),
            active: team.active,
            used_by: None,
            created_at: team.created_at,
            version: team.version,
        }
    }

    fn kept(conn: &mut Conn, id: TeamId) -> Result<Self> {
        let team = team::find(conn, id)?;
        let members = team::members(conn, &[id])?.remove(&id);
        Ok(Self::of(team, members.unwrap_or_default()))
    }
}

/// `GET /teams`: in the order they were entered.
pub async fn list(state: Data<State>, paging: Paging) -> Answer {
    let (after, rows) = (paging.after()?, paging.rows());
    let (teams, mut members) = read(&state, move |conn| {
        let teams = team::page(conn, after, rows)?;
        let ids: Vec<TeamId> = teams.iter().map(|team| team.id).collect();
        let members = team::members(conn, &ids)?;
        Ok((teams, members))
    })
    .await?;
    let listing = paging.listing(teams, |team| team.id);
    let body = |team: Team| {
        let members = members.remove(&team.id);
        TeamBody::of(team, members.unwrap_or_default())
    };
    Ok(HttpResponse::Ok().json(listing.map(body)))
}

/// `GET /teams/{id}`.
pub async fn show(state: Data<State>, key: Path<String>) -> Answer {
    let (id, now) = (team_id(&key)?, state.store.now()?);
    let body = read(&state, move |conn| {
        let body = TeamBody::kept(conn, id)?;
        let users = ladder::users(conn, &body.name.address(), now)?;
        Ok(TeamBody {
            used_by: Some(users),
            ..body
        })
    })
    .await?;
    Ok(with_etag(body.version, &body))
}

/// `POST /teams`.
pub async fn enter(state: Data<State>, caller: Caller, body: JsonBody) -> Answer {
    let (value, once) = body.parts();
    act_once(&state, &caller, once, move |tx| {
        let id = actions::team::enter(tx, &TeamInput::read(&value)?)?;
        Done::made(
            format!("/api/v1/teams/{id}"),
            &TeamBody::kept(tx.conn(), id)?,
        )
    })
    .await
}

/// `PUT /teams/{id}` with `If-Match`: the members as a whole.
pub async fn edit(
    state: Data<State>,
    caller: Caller,
    key: Path<String>,
    version: IfMatch,
    body: JsonBody,
) -> Answer {
    let id = team_id(&key)?;
    let version = version.version_of("the team")?;
    let body = act(&state, &caller, move |tx| {
        let before = team::find(tx.conn(), id)?;
        let input = TeamInput::read_edit(&body.value, &before)?;
        actions::team::edit(tx, &before, version, &input)?;
        TeamBody::kept(tx.conn(), id)
    })
    .await?;
    Ok(with_etag(body.version, &body))
}

/// `DELETE /teams/{id}`.
pub async fn remove(state: Data<State>, caller: Caller, key: Path<String>) -> Answer {
    let id = team_id(&key)?;
    act(&state, &caller, move |tx| actions::team::remove(tx, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}

pub(in crate::web) fn team_id(key: &str) -> Result<TeamId> {
    key.parse()
        .map(TeamId)
        .map_err(|_| Error::not_found("team", key))
}
