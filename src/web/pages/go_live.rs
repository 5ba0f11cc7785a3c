//! Entering and withdrawing go-live windows, and how a contract's page lists them.

use std::collections::HashMap;

use actix_web::web::{Data, Path};
use askama::Template;

use super::incident::{heard, reader, take_local_time};
use super::terms::fields;
use super::{Choice, compound, page, try_again};
use crate::actions;
use crate::domain::PersonId;
use crate::domain::contract::Contract;
use crate::domain::go_live::GoLive;
use crate::domain::input::FieldError;
use crate::domain::words::Metric;
use crate::error::Error;
use crate::store::{calendar, contract};
use crate::time::Moment;
use crate::web::access::Caller;
use crate::web::api::go_live::go_live_id;
use crate::web::error::Answer;
use crate::web::form::{Form, Row};
use crate::web::frame::Frame;
use crate::web::idempotency::{Done, act_once};
use crate::web::shown::{Reader, Shown};
use crate::web::state::{State, read};
use crate::web::wording;

/// A window in the list of a contract's page.
pub struct WindowRow {
    /// Its key.
    pub id: i64,
    /// What people call it.
    pub name: String,
    /// Its first moment.
    pub starts: Shown,
    /// The first moment after it.
    pub ends: Shown,
    /// What is promised in it.
    pub commitments: Vec<String>,
    /// Who is told beside the audience of each step.
    pub command_post: Vec<String>,
    /// The state as the style knows it.
    pub state: &'static str,
    /// What one reads.
    pub state_text: &'static str,
    /// Who entered or withdrew it, and when.
    pub by: String,
    /// Whether it has not begun.
    pub may_withdraw: bool,
    /// Names the sending of its form.
    pub request_id: String,
}

impl WindowRow {
    /// A window for that reader; `names` are those of the people who entered and withdrew it.
    pub fn new(
        window: &GoLive,
        contract: &Contract,
        names: &HashMap<PersonId, String>,
        reader: Reader,
    ) -> Self {
        let zone = contract.time_zone.0;
        let (state, state_text) = standing(window, reader.now);
        let (deed, at, person) = match window.withdrawn_at {
            Some(at) => ("withdrawn", at, window.withdrawn_by),
            None => ("entered", window.entered_at, window.entered_by),
        };
        let person = person.and_then(|person| names.get(&person));
        let person = person.map_or_else(String::new, |name| format!(" by {name}"));
        Self {
            id: window.id.0,
            name: window.name.clone(),
            starts: reader.sees(window.starts_at, zone),
            ends: reader.sees(window.ends_at, zone),
            commitments: window
                .commitments
                .0
                .iter()
                .map(|of| {
                    let promised = wording::promise(of.metric, of.target);
                    let metric = wording::metric(of.metric);
                    format!("{} {metric}: {promised}, {}", of.severity, of.clause)
                })
                .collect(),
            command_post: window
                .command_post
                .0
                .iter()
                .map(wording::audience)
                .collect(),
            state,
            state_text,
            by: format!("{deed} {}{person}", reader.sees_here(at).here),
            may_withdraw: state == "future",
            request_id: Form::default().request_id(),
        }
    }
}

fn standing(window: &GoLive, now: Moment) -> (&'static str, &'static str) {
    if window.withdrawn_at.is_some() {
        ("withdrawn", "Withdrawn")
    } else if now < window.starts_at {
        ("future", "Not yet")
    } else if now < window.ends_at {
        ("active", "Open now")
    } else {
        ("ended", "Over")
    }
}

#[derive(Template)]
#[template(path = "contract/go_live.html")]
struct FormPage {
    frame: Frame,
    contract: Contract,
    form: Form,
    zone: String,
    offered: Offered,
}

/// What the lists of a commitment's row offer.
struct Offered {
    metrics: Vec<Choice>,
    units: Vec<Choice>,
    calendars: Vec<Choice>,
}

impl FormPage {
    /// A form that nobody has filled in, and the row that the script copies.
    fn model(&self) -> (Form, Row) {
        (Form::default(), Row::model("commitments"))
    }

    /// The fault that stands at none of the form's fields but at the list as a whole.
    fn list_fault(&self) -> &str {
        let mut errors = self.form.errors.iter();
        let found = errors.find(|FieldError { field, .. }| field == "commitments");
        found.map_or("", |fault| &fault.message)
    }
}

async fn show(
    state: &State,
    frame: Frame,
    mut form: Form,
    contract: Contract,
    reader: Reader,
) -> Answer {
    let calendars = read(state, calendar::all).await?;
    if form.rows("commitments").is_empty() {
        form.add_row("commitments");
    }
    page(&FormPage {
        frame,
        contract,
        form,
        zone: reader.zone.name().to_string(),
        offered: Offered {
            metrics: Metric::ALL
                .iter()
                .map(|metric| Choice::new(metric.as_str(), wording::metric(*metric)))
                .collect(),
            units: compound::units(),
            calendars: calendars
                .into_iter()
                .map(|calendar| Choice::new(calendar.id.to_string(), calendar.name))
                .collect(),
        },
    })
}

/// Asks for a window.
pub async fn new(state: Data<State>, frame: Frame, caller: Caller, key: Path<String>) -> Answer {
    let contract = read(&state, move |conn| contract::find_by_key(conn, &key)).await?;
    let reader = reader(&frame, &caller);
    show(&state, frame, Form::default(), contract, reader).await
}

/// Enters a window.
pub async fn enter(
    state: Data<State>,
    frame: Frame,
    caller: Caller,
    key: Path<String>,
    mut form: Form,
) -> Answer {
    let contract = read(&state, move |conn| contract::find_by_key(conn, &key)).await?;
    let reader = reader(&frame, &caller);
    if form.rows_changed() {
        return show(&state, frame, form, contract, reader).await;
    }
    let (mut value, mut ours) = fields::go_live_input(&mut form);
    for field in ["starts_at", "ends_at"] {
        ours.extend(take_local_time(&mut value, field, reader));
    }
    let (id, once) = (contract.id, form.once());
    let outcome = act_once(&state, &caller, once, move |tx| {
        let window = actions::go_live::enter(tx, id, &value);
        if !ours.is_empty() {
            let theirs = match window {
                Err(Error::Invalid(faults)) => faults,
                _ => Vec::new(),
            };
            return Err(compound::join_faults(ours, theirs, fields::place).into());
        }
        Ok(Done::go(
            format!("/contracts/{id}#go-lives"),
            format!("The go-live window {} was entered.", window?.name),
        ))
    })
    .await
    .map_err(|fault| compound::at_form(fault, fields::place));
    try_again(heard(outcome, reader), form, async |form| {
        show(&state, frame, form, contract, reader).await
    })
    .await
}

/// Withdraws a window.
pub async fn withdraw(
    state: Data<State>,
    caller: Caller,
    path: Path<(String, String)>,
    form: Form,
) -> Answer {
    let (key, window) = path.into_inner();
    act_once(&state, &caller, form.once(), move |tx| {
        let contract = contract::find_by_key(tx.conn(), &key)?;
        let window = actions::go_live::withdraw(tx, contract.id, go_live_id(&window)?)?;
        Ok(Done::go(
            format!("/contracts/{}#go-lives", contract.id),
            format!("The go-live window {} was withdrawn.", window.name),
        ))
    })
    .await
}
