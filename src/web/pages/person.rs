//! The people, for administrators.

use actix_web::web::{Data, Path};
use askama::Template;
use serde_json::json;

use super::{Choice, language, page, try_again};
use crate::actions;
use crate::domain::PersonId;
use crate::domain::person::{Person, PersonInput, Role};
use crate::store::person;
use crate::web::access::Caller;
use crate::web::api::person::checked as checked_json;
use crate::web::error::Answer;
use crate::web::form::{Form, Shape};
use crate::web::frame::{Frame, capitalised};
use crate::web::idempotency::{Done, act_once};
use crate::web::paging::Paging;
use crate::web::state::{State, block, read};

const SHAPE: Shape = Shape {
    numbers: &[],
    flags: &["active"],
    lists: &[],
};

#[derive(Template)]
#[template(path = "person/list.html")]
struct ListPage {
    frame: Frame,
    people: Vec<Line>,
    next: String,
}

struct Line {
    id: PersonId,
    name: String,
    email: String,
    role: String,
    time_zone: &'static str,
    language: &'static str,
    state: &'static str,
    state_text: &'static str,
}

impl Line {
    fn new(person: Person) -> Self {
        let (state, state_text) = match (person.active, &person.password_hash) {
            (false, _) => ("ended", "May not sign in"),
            (true, None) => ("future", "Has no password yet"),
            (true, Some(_)) => ("active", "May sign in"),
        };
        Self {
            id: person.id,
            name: person.name,
            email: person.email,
            role: capitalised(person.role.as_str()),
            time_zone: person.time_zone.name(),
            language: language(person.locale),
            state,
            state_text,
        }
    }
}

/// Lists the people.
pub async fn list(state: Data<State>, frame: Frame, paging: Paging) -> Answer {
    let (after, rows) = (paging.after()?, paging.rows());
    let people = read(&state, move |conn| person::page(conn, after, rows)).await?;
    let listing = paging.listing(people, |person| person.id).map(Line::new);
    page(&ListPage {
        frame,
        people: listing.items,
        next: listing
            .next
            .map_or_else(String::new, |cursor| format!("/people?cursor={cursor}")),
    })
}

#[derive(Template)]
#[template(path = "person/form.html")]
struct FormPage {
    frame: Frame,
    form: Form,
    title: String,
    action: String,
    /// Whether the person is there already.
    is_edit: bool,
    roles: Vec<Choice>,
    languages: Vec<Choice>,
}

impl FormPage {
    fn new(frame: Frame, form: Form, person: Option<&Person>) -> Self {
        Self {
            frame,
            form,
            title: person.map_or_else(|| "Add a person".to_string(), |person| person.name.clone()),
            action: person.map_or_else(
                || "/people".to_string(),
                |person| format!("/people/{}", person.id),
            ),
            is_edit: person.is_some(),
            roles: Role::ALL
                .iter()
                .map(|role| Choice::new(role.as_str(), capitalised(role.as_str())))
                .collect(),
            languages: Choice::languages(),
        }
    }
}

/// Asks for a new person.
pub async fn new(frame: Frame, caller: Caller) -> Answer {
    let form = Form::of_json(&json!({
        "role": Role::Engineer, "time_zone": caller.time_zone, "locale": caller.locale, "active": true
    }));
    page(&FormPage::new(frame, form, None))
}

/// Adds a person.
pub async fn add(state: Data<State>, frame: Frame, caller: Caller, form: Form) -> Answer {
    let outcome = async {
        let (input, hash) = checked(&form).await?;
        act_once(&state, &caller, form.once(), move |tx| {
            actions::person::add(tx, &input, hash.as_deref())?;
            Ok(Done::go("/people", format!("{} was added.", input.name)))
        })
        .await
    }
    .await;
    try_again(outcome, form, async |form| {
        page(&FormPage::new(frame, form, None))
    })
    .await
}

/// Shows a person to be edited.
pub async fn show(state: Data<State>, frame: Frame, id: Path<i64>) -> Answer {
    let id = PersonId(*id);
    let person = read(&state, move |conn| person::find(conn, id)).await?;
    let mut form = Form::of_json(&json!({
        "email": person.email, "name": person.name, "role": person.role,
        "time_zone": person.time_zone, "locale": person.locale, "active": person.active,
    }));
    form.set("_version", person.version.to_string());
    page(&FormPage::new(frame, form, Some(&person)))
}

/// Edits a person.
pub async fn edit(
    state: Data<State>,
    frame: Frame,
    caller: Caller,
    id: Path<i64>,
    form: Form,
) -> Answer {
    let id = PersonId(*id);
    let person = read(&state, move |conn| person::find(conn, id)).await?;
    let outcome = async {
        let version = form.value("_version").parse().unwrap_or_default();
        let (input, hash) = checked(&form).await?;
        act_once(&state, &caller, form.once(), move |tx| {
            actions::person::edit(tx, id, version, &input, hash.as_deref())?;
            Ok(Done::go("/people", format!("{} was changed.", input.name)))
        })
        .await
    }
    .await;
    try_again(outcome, form, async |form| {
        page(&FormPage::new(frame, form, Some(&person)))
    })
    .await
}

async fn checked(form: &Form) -> Answer<(PersonInput, Option<String>)> {
    let value = form.json(&SHAPE);
    block(move || checked_json(&value)).await
}
