//! Rotas: who is on duty when.

use actix_web::web::{Data, Path};
use askama::Template;
use serde_json::{Value, json};

use super::{Choice, colleagues, go, page, try_again};
use crate::actions;
use crate::domain::RotaId;
use crate::domain::rota::{Duty, Roster, Rota, RotaInput};
use crate::store::{calendar, ladder, rota};
use crate::time::Moment;
use crate::web::access::{Access, Caller};
use crate::web::api::rota::{AHEAD, rota_id};
use crate::web::error::Answer;
use crate::web::form::{Form, Row, Shape};
use crate::web::frame::Frame;
use crate::web::idempotency::{Done, act_once};
use crate::web::shown::{Reader, Shown};
use crate::web::state::{State, act, block, read};

const SHAPE: Shape = Shape {
    numbers: &["calendar_id"],
    flags: &["active"],
    lists: &[],
};

#[derive(Template)]
#[template(path = "rota/list.html")]
struct ListPage {
    frame: Frame,
    rotas: Vec<Line>,
    may_edit: bool,
}

struct Line {
    rota: Rota,
    people: String,
    fallback: String,
    on_duty: String,
    used_by: String,
}

/// Lists the rotas, each with who is on duty now.
pub async fn list(state: Data<State>, frame: Frame, caller: Caller) -> Answer {
    let store = state.store.clone();
    let rotas = block(move || {
        let now = store.now()?;
        store.read(|conn| {
            let mut lines = Vec::new();
            for rota in rota::all(conn)? {
                let used_by = ladder::users(conn, &rota.name.address(), now)?.join(", ");
                let roster = rota::roster(conn, rota)?;
                let people = roster.turns.iter().map(|turn| turn.person.name.as_str());
                lines.push(Line {
                    people: people.collect::<Vec<_>>().join(", "),
                    fallback: roster.fallback.name.clone(),
                    on_duty: who(&roster, roster.duty_at(now)),
                    used_by,
                    rota: roster.rota,
                });
            }
            Ok(lines)
        })
    })
    .await?;
    page(&ListPage {
        frame,
        rotas,
        may_edit: caller.may(Access::Enter),
    })
}

/// Whom a ladder tells then, in words.
fn who(roster: &Roster, duty: Duty) -> String {
    match (duty, roster.who(duty)) {
        (Duty::Fallback, Some(person)) => format!("{}, the fallback", person.name),
        (_, Some(person)) => person.name.clone(),
        (_, None) => "nobody".to_string(),
    }
}

#[derive(Template)]
#[template(path = "rota/form.html")]
struct FormPage {
    frame: Frame,
    form: Form,
    people: Vec<Choice>,
    calendars: Vec<Choice>,
    rota: Option<Rota>,
    /// What names it.
    used_by: String,
    /// Who is on duty during the next days, if it is one that is kept.
    shifts: Vec<Shift>,
}

struct Shift {
    from: Shown,
    to: Shown,
    who: String,
    /// Nobody of the entries is in hours.
    is_gap: bool,
}

impl FormPage {
    /// The row that the script adds.
    fn model(&self) -> (Form, Row) {
        (Form::default(), Row::model("entries"))
    }

    fn has_gap(&self) -> bool {
        self.shifts.iter().any(|shift| shift.is_gap)
    }
}

fn shifts(roster: &Roster, now: Moment, reader: Reader) -> Vec<Shift> {
    let shifts = roster.shifts(now, now + AHEAD).into_iter();
    let shown = shifts.map(|shift| {
        // The zone of whoever is on duty is told beside the reader's own.
        let sees = |at| match roster.who(shift.duty) {
            Some(person) => reader.sees(at, person.time_zone.0),
            None => reader.sees_here(at),
        };
        Shift {
            from: sees(shift.from),
            to: sees(shift.to),
            who: who(roster, shift.duty),
            is_gap: !matches!(shift.duty, Duty::Turn(_)),
        }
    });
    shown.collect()
}

async fn form_page(
    state: &State,
    frame: Frame,
    caller: &Caller,
    mut form: Form,
    roster: Option<Roster>,
) -> Answer {
    if form.rows("entries").is_empty() {
        form.add_row("entries");
    }
    let rota = roster.as_ref().map(|roster| roster.rota.clone());
    let (store, zone) = (state.store.clone(), caller.time_zone.0);
    let (people, calendars, used_by, shifts) = block(move || {
        let now = store.now()?;
        store.read(|conn| {
            let (mut used_by, mut coming) = (Vec::new(), Vec::new());
            if let Some(roster) = roster {
                used_by = ladder::users(conn, &roster.rota.name.address(), now)?;
                coming = shifts(&roster, now, Reader { zone, now });
            }
            let calendars = calendar::all(conn)?.into_iter();
            let calendars = calendars.map(|one| Choice::new(one.id.to_string(), one.name));
            Ok((
                colleagues(conn)?,
                calendars.collect(),
                used_by.join(", "),
                coming,
            ))
        })
    })
    .await?;
    page(&FormPage {
        frame,
        form,
        people,
        calendars,
        rota,
        used_by,
        shifts,
    })
}

/// Asks for a new rota.
pub async fn new(state: Data<State>, frame: Frame, caller: Caller) -> Answer {
    let form = Form::of_json(&json!({"active": true}));
    form_page(&state, frame, &caller, form, None).await
}

/// Enters a rota.
pub async fn enter(state: Data<State>, frame: Frame, caller: Caller, mut form: Form) -> Answer {
    if form.rows_changed() {
        return form_page(&state, frame, &caller, form, None).await;
    }
    let value = entered(&mut form);
    let outcome = act_once(&state, &caller, form.once(), move |tx| {
        let input = RotaInput::read(&value)?;
        let id = actions::rota::enter(tx, &input)?;
        Ok(Done::go(
            format!("/rotas/{id}"),
            format!("{} was added.", input.name),
        ))
    })
    .await;
    try_again(outcome, form, async |form| {
        form_page(&state, frame, &caller, form, None).await
    })
    .await
}

/// Shows a rota to be edited, with who is on duty during the next days.
pub async fn show(state: Data<State>, frame: Frame, caller: Caller, key: Path<String>) -> Answer {
    let roster = kept(&state, rota_id(&key)?).await?;
    let entries = roster.turns.iter();
    let entries: Vec<Value> = entries
        .map(|turn| json!({"person": turn.person.email, "calendar_id": turn.calendar_id}))
        .collect();
    let rota = &roster.rota;
    let mut form = Form::of_json(&json!({
        "name": rota.name, "entries": entries, "fallback": roster.fallback.email,
        "active": rota.active,
    }));
    form.set("_version", rota.version.to_string());
    form_page(&state, frame, &caller, form, Some(roster)).await
}

async fn kept(state: &State, id: RotaId) -> Answer<Roster> {
    read(state, move |conn| {
        let rota = rota::find(conn, id)?;
        rota::roster(conn, rota)
    })
    .await
}

/// Edits a rota.
pub async fn edit(
    state: Data<State>,
    frame: Frame,
    caller: Caller,
    key: Path<String>,
    mut form: Form,
) -> Answer {
    let id = rota_id(&key)?;
    let roster = kept(&state, id).await?;
    if form.rows_changed() {
        return form_page(&state, frame, &caller, form, Some(roster)).await;
    }
    let version = form.value("_version").parse().unwrap_or_default();
    let (value, before) = (entered(&mut form), roster.rota.clone());
    let outcome = act(&state, &caller, move |tx| {
        let input = RotaInput::read_edit(&value, &before)?;
        actions::rota::edit(tx, &before, version, &input)?;
        Ok(format!("{} was changed.", input.name))
    })
    .await
    .map(|said| go(&format!("/rotas/{id}"), &said));
    try_again(outcome, form, async |form| {
        form_page(&state, frame, &caller, form, Some(roster)).await
    })
    .await
}

/// Removes a rota that nothing names.
pub async fn remove(state: Data<State>, caller: Caller, key: Path<String>, form: Form) -> Answer {
    let id = rota_id(&key)?;
    act_once(&state, &caller, form.once(), move |tx| {
        actions::rota::remove(tx, id)?;
        Ok(Done::go("/rotas", "The rota is removed."))
    })
    .await
}

/// What was entered as the API takes it, without rows that nobody filled in.
fn entered(form: &mut Form) -> Value {
    form.keep_rows("entries", |form, row| {
        form.has_any(row, &["person", "calendar_id"])
    });
    form.json(&SHAPE)
}
