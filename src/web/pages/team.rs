//! Teams: named lists of our people that ladders tell.

use actix_web::web::{Data, Path};
use askama::Template;
use serde_json::json;

use super::{Choice, colleagues, go, page, try_again};
use crate::actions;
use crate::domain::TeamId;
use crate::domain::team::{Team, TeamInput};
use crate::store::{ladder, team};
use crate::web::access::{Access, Caller};
use crate::web::api::team::team_id;
use crate::web::error::Answer;
use crate::web::form::{Form, Shape};
use crate::web::frame::Frame;
use crate::web::idempotency::{Done, act_once};
use crate::web::state::{State, act, block, read};

const SHAPE: Shape = Shape {
    numbers: &[],
    flags: &["active"],
    lists: &["members"],
};

#[derive(Template)]
#[template(path = "team/list.html")]
struct ListPage {
    frame: Frame,
    teams: Vec<Line>,
    may_edit: bool,
}

struct Line {
    team: Team,
    members: String,
    used_by: String,
}

/// Lists the teams.
pub async fn list(state: Data<State>, frame: Frame, caller: Caller) -> Answer {
    let store = state.store.clone();
    let teams = block(move || {
        let now = store.now()?;
        store.read(|conn| {
            let teams = team::all(conn)?;
            let ids: Vec<TeamId> = teams.iter().map(|team| team.id).collect();
            let mut members = team::members(conn, &ids)?;
            let mut lines = Vec::new();
            for team in teams {
                let members = members.remove(&team.id).unwrap_or_default().into_iter();
                let names = members.map(|person| match person.active {
                    true => person.name,
                    false => format!("{} (left)", person.name),
                });
                lines.push(Line {
                    members: names.collect::<Vec<_>>().join(", "),
                    used_by: ladder::users(conn, &team.name.address(), now)?.join(", "),
                    team,
                });
            }
            Ok(lines)
        })
    })
    .await?;
    page(&ListPage {
        frame,
        teams,
        may_edit: caller.may(Access::Enter),
    })
}

#[derive(Template)]
#[template(path = "team/form.html")]
struct FormPage {
    frame: Frame,
    form: Form,
    people: Vec<Choice>,
    team: Option<Team>,
    /// What names it.
    used_by: String,
}

async fn form_page(state: &State, frame: Frame, form: Form, team: Option<Team>) -> Answer {
    let (store, asked) = (state.store.clone(), team.clone());
    let (people, used_by) = block(move || {
        let now = store.now()?;
        store.read(|conn| {
            let users = match &asked {
                Some(team) => ladder::users(conn, &team.name.address(), now)?,
                None => Vec::new(),
            };
            Ok((colleagues(conn)?, users.join(", ")))
        })
    })
    .await?;
    page(&FormPage {
        frame,
        form,
        people,
        team,
        used_by,
    })
}

/// Asks for a new team.
pub async fn new(state: Data<State>, frame: Frame) -> Answer {
    let form = Form::of_json(&json!({"active": true}));
    form_page(&state, frame, form, None).await
}

/// Enters a team.
pub async fn enter(state: Data<State>, frame: Frame, caller: Caller, form: Form) -> Answer {
    let value = form.json(&SHAPE);
    let outcome = act_once(&state, &caller, form.once(), move |tx| {
        let input = TeamInput::read(&value)?;
        actions::team::enter(tx, &input)?;
        Ok(Done::go("/teams", format!("{} was added.", input.name)))
    })
    .await;
    try_again(outcome, form, async |form| {
        form_page(&state, frame, form, None).await
    })
    .await
}

/// Shows a team to be edited.
pub async fn show(state: Data<State>, frame: Frame, key: Path<String>) -> Answer {
    let id = team_id(&key)?;
    let (team, members) = read(&state, move |conn| {
        let team = team::find(conn, id)?;
        Ok((team, team::members(conn, &[id])?.remove(&id)))
    })
    .await?;
    let members = members.unwrap_or_default().into_iter();
    let members: Vec<String> = members.map(|person| person.email).collect();
    let mut form = Form::of_json(&json!({
        "name": team.name, "members": members, "active": team.active,
    }));
    form.set("_version", team.version.to_string());
    form_page(&state, frame, form, Some(team)).await
}

/// Edits a team.
pub async fn edit(
    state: Data<State>,
    frame: Frame,
    caller: Caller,
    key: Path<String>,
    form: Form,
) -> Answer {
    let id = team_id(&key)?;
    let team = read(&state, move |conn| team::find(conn, id)).await?;
    let version = form.value("_version").parse().unwrap_or_default();
    let (value, before) = (form.json(&SHAPE), team.clone());
    let outcome = act(&state, &caller, move |tx| {
        let input = TeamInput::read_edit(&value, &before)?;
        actions::team::edit(tx, &before, version, &input)?;
        Ok(format!("{} was changed.", input.name))
    })
    .await
    .map(|said| go("/teams", &said));
    try_again(outcome, form, async |form| {
        form_page(&state, frame, form, Some(team)).await
    })
    .await
}

/// Removes a team that nothing names.
pub async fn remove(state: Data<State>, caller: Caller, key: Path<String>, form: Form) -> Answer {
    let id = team_id(&key)?;
    act_once(&state, &caller, form.once(), move |tx| {
        actions::team::remove(tx, id)?;
        Ok(Done::go("/teams", "The team is removed."))
    })
    .await
}
