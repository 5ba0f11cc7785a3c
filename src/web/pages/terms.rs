//! Entering terms: the form, its rows, and the example deadlines shown meanwhile.

pub(super) mod fields;

use actix_web::web::{Data, Path};
use askama::Template;
use serde_json::Value;

use super::promise::{due, raised, reopening, severity_change, start_of_cause};
use super::{Choice, compound, page, try_again};
use crate::actions;
use crate::actions::contract::Preview;
use crate::domain::contract::Contract;
use crate::domain::input::FieldError;
use crate::domain::ladder::{Hold, Until};
use crate::domain::terms::{OnReopen, OnSeverityChange, RootCauseFrom, Terms};
use crate::domain::words::Metric;
use crate::error::Error;
use crate::store::{calendar, contract, terms};
use crate::web::access::Caller;
use crate::web::error::Answer;
use crate::web::form::{Form, Row};
use crate::web::frame::Frame;
use crate::web::idempotency::{Done, act_once};
use crate::web::state::{State, block, read};
use crate::web::wording;

#[derive(Template)]
#[template(path = "contract/terms.html")]
struct TermsPage {
    frame: Frame,
    contract: Contract,
    form: Form,
    is_first: bool,
    severity_changes: Vec<Choice>,
    reopenings: Vec<Choice>,
    /// What the clock of the cause starts with.
    starts_of_cause: Vec<Choice>,
    offered: Offered,
    preview: Option<Shown>,
}

/// What the lists of the form's rows offer.
struct Offered {
    metrics: Vec<Choice>,
    units: Vec<Choice>,
    calendars: Vec<Choice>,
    moments: Vec<Choice>,
    holds: Vec<Choice>,
    untils: Vec<Choice>,
}

/// Example deadlines as the form shows them.
struct Shown {
    raised: String,
    examples: Vec<ExampleRow>,
    /// What of the ladder will not work, with the number of the step.
    warnings: Vec<(usize, String)>,
}

struct ExampleRow {
    severity: String,
    metric: String,
    target: String,
    clause: String,
    due: String,
}

impl TermsPage {
    /// A form that nobody has filled in, and the row of a list that the script copies.
    fn model(&self, list: &str) -> (Form, Row) {
        (Form::default(), Row::model(list))
    }
}

/// Asks for new terms: a copy of the version entered last, or the usual beginnings.
pub async fn new(state: Data<State>, frame: Frame, key: Path<String>) -> Answer {
    let store = state.store.clone();
    let (contract, last, today) = block(move || {
        let now = store.now()?;
        store.read(|conn| {
            let contract = contract::find_by_key(conn, &key)?;
            let last: Option<Terms> = terms::of_contract(conn, contract.id)?.pop();
            let today = now.date_in(contract.time_zone.0);
            Ok((contract, last, today))
        })
    })
    .await?;
    let form = match &last {
        Some(terms) => fields::of_promise(&terms.promise, today.max(contract.effective_from)),
        None => fields::first(contract.effective_from),
    };
    show(&state, frame, form, contract, None).await
}

/// Enters new terms, or shows what they would mean.
pub async fn enter(
    state: Data<State>,
    frame: Frame,
    caller: Caller,
    key: Path<String>,
    mut form: Form,
) -> Answer {
    let contract = read(&state, move |conn| contract::find_by_key(conn, &key)).await?;
    if form.rows_changed() {
        return show(&state, frame, form, contract, None).await;
    }
    let (value, ours) = fields::input(&mut form);
    let preview = preview(&state, &contract, value.clone()).await?;
    let faults = compound::join_faults(ours.clone(), preview.errors.clone(), fields::place);
    if !form.value("_preview").is_empty() {
        form.errors = faults;
        return show(&state, frame, form, contract, Some(preview)).await;
    }
    let (id, once) = (contract.id, form.once());
    let outcome = if ours.is_empty() {
        act_once(&state, &caller, once, move |tx| {
            let terms = actions::contract::amend(tx, id, &value)?;
            Ok(Done::go(
                format!("/contracts/{id}?terms={}", terms.number),
                format!("Terms {} were entered.", terms.number),
            ))
        })
        .await
        .map_err(|fault| compound::at_form(fault, fields::place))
    } else {
        Err(Error::Invalid(faults).into())
    };
    try_again(outcome, form, async |form| {
        show(&state, frame, form, contract, Some(preview)).await
    })
    .await
}

async fn preview(state: &State, contract: &Contract, value: Value) -> Answer<Preview> {
    let (store, vendor) = (state.store.clone(), contract.vendor_id);
    block(move || {
        let now = store.now()?;
        store.read(|conn| actions::contract::preview(conn, Some(vendor), &value, now))
    })
    .await
}

async fn show(
    state: &State,
    frame: Frame,
    mut form: Form,
    contract: Contract,
    preview: Option<Preview>,
) -> Answer {
    let id = contract.id;
    let (calendars, is_first) = read(state, move |conn| {
        let is_first = terms::of_contract(conn, id)?.is_empty();
        Ok((calendar::all(conn)?, is_first))
    })
    .await?;
    for list in ["severities", "commitments"] {
        if form.rows(list).is_empty() {
            form.add_row(list);
        }
    }
    page(&TermsPage {
        frame,
        contract,
        form,
        is_first,
        severity_changes: OnSeverityChange::ALL
            .iter()
            .map(|rule| Choice::new(rule.as_str(), severity_change(*rule)))
            .collect(),
        reopenings: OnReopen::ALL
            .iter()
            .map(|rule| Choice::new(rule.as_str(), reopening(*rule)))
            .collect(),
        starts_of_cause: RootCauseFrom::ALL
            .iter()
            .map(|start| Choice::new(start.as_str(), start_of_cause(*start)))
            .collect(),
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
            moments: fields::moments(),
            holds: vec![
                Choice::new(Hold::AtOnce.as_str(), "at once"),
                Choice::new(Hold::RecipientHours.as_str(), "in the recipient's hours"),
            ],
            untils: vec![
                Choice::new(Until::Acknowledged.as_str(), "acknowledged"),
                Choice::new(Until::Stopped.as_str(), "the clock stops"),
            ],
        },
        preview: preview.map(Shown::from),
    })
}

impl From<Preview> for Shown {
    fn from(preview: Preview) -> Self {
        Self {
            raised: preview.examples.first().map_or_else(String::new, raised),
            examples: preview
                .examples
                .iter()
                .map(|example| ExampleRow {
                    severity: example.severity.clone(),
                    metric: wording::metric(example.metric),
                    target: wording::promise(example.metric, example.target),
                    clause: example.clause.clone(),
                    due: due(example),
                })
                .collect(),
            warnings: preview
                .warnings
                .into_iter()
                .map(|warning| (warning.step, warning.message))
                .collect(),
        }
    }
}

/// The faults that stand at none of the form's fields but at a list as a whole.
impl TermsPage {
    fn list_fault(&self, list: &str) -> &str {
        let found = self
            .form
            .errors
            .iter()
            .find(|FieldError { field, .. }| field == list);
        found.map_or("", |fault| &fault.message)
    }
}
