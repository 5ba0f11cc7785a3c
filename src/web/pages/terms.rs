//! Entering terms: the form, its rows, and the example deadlines shown meanwhile.

pub(super) mod fields;

use actix_web::web::{Data, Path};
use askama::Template;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::changes::ChangedCase;
use super::incident::reader;
use super::promise::{due, raised, reopening, severity_change, start_of_cause};
use super::{Choice, compound, page, try_again};
use crate::actions;
use crate::actions::contract::Preview;
use crate::domain::contract::Contract;
use crate::domain::input::FieldError;
use crate::domain::ladder::{Hold, Until};
use crate::domain::reading::date;
use crate::domain::terms::{OnReopen, OnSeverityChange, RootCauseFrom, Terms};
use crate::domain::words::{Metric, Source};
use crate::error::Error;
use crate::store::{calendar, contract, terms};
use crate::web::access::Caller;
use crate::web::error::{Answer, Fault};
use crate::web::form::{Form, Row};
use crate::web::frame::Frame;
use crate::web::idempotency::{Done, act_once};
use crate::web::shown::Reader;
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
    /// What could come under terms that begin in the past; empty where nothing could.
    past: Vec<Past>,
}

/// A case that could come under terms that begin in the past.
struct Past {
    case: ChangedCase,
    /// Codes that it uses and the terms lack.
    missing: String,
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
    show(&state, frame, form, contract, None, Vec::new()).await
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
        return show(&state, frame, form, contract, None, Vec::new()).await;
    }
    let reader = reader(&frame, &caller);
    let (value, ours) = fields::input(&mut form);
    let preview = preview(&state, &contract, value.clone()).await?;
    let faults = compound::join_faults(ours.clone(), preview.errors.clone(), fields::place);
    let past = match faults.is_empty() {
        true => past(&state, &contract, &mut form, value.clone(), reader).await?,
        false => Vec::new(),
    };
    // What is shown is what is decided on: other terms or another date are shown first.
    let seen = essence(&value, form.value("apply_from"));
    let is_seen = form.value("_apply_seen") == seen;
    form.set("_apply_seen", seen);
    if !form.value("_preview").is_empty() {
        form.errors = faults;
        return show(&state, frame, form, contract, Some(preview), past).await;
    }
    if !past.is_empty() && !is_seen {
        form.errors = vec![FieldError::new(
            "apply",
            "these terms begin in the past; say whether they also judge what was reported since, below",
        )];
        return show(&state, frame, form, contract, Some(preview), past).await;
    }
    let (id, once) = (contract.id, form.once());
    let outcome = if ours.is_empty() {
        act_once(&state, &caller, once, move |tx| {
            let terms = actions::contract::amend(tx, id, &value, Source::Page)?;
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
        show(&state, frame, form, contract, Some(preview), past).await
    })
    .await
}

/// Names the terms of a form and the date from which they would be applied.
fn essence(value: &Value, from: &str) -> String {
    let mut terms = value.clone();
    if let Some(fields) = terms.as_object_mut() {
        fields.remove("apply_from");
    }
    hex::encode(Sha256::digest(format!("{from} {terms}")))
}

/// What could come under these terms, applied from the date in the form or else from their own on, which
/// is then put there.
async fn past(
    state: &State,
    contract: &Contract,
    form: &mut Form,
    mut value: Value,
    reader: Reader,
) -> Answer<Vec<Past>> {
    let own = form.value("effective_from").to_string();
    let given = form.value("apply_from").trim().to_string();
    // Dates of that form are in the order of their letters.
    let from = if given < own { own } else { given };
    let today = reader.now.date_in(contract.time_zone.0);
    // Terms that begin later can be applied to nothing.
    if date(&from).is_ok_and(|from| from > today) {
        return Ok(Vec::new());
    }
    value["apply_from"] = Value::String(from.clone());
    let (store, contract) = (state.store.clone(), contract.clone());
    let found = block(move || {
        store.read(|conn| actions::contract::apply_preview(conn, &contract, &value, reader.now))
    });
    let found = match found.await {
        Ok(found) => found,
        // The date that was given is refused with the terms themselves.
        Err(Fault::Said(Error::Invalid(_))) => return Ok(Vec::new()),
        Err(other) => return Err(other),
    };
    if !found.is_empty() {
        form.set("apply_from", from);
    }
    let shown = found.iter().map(|applied| Past {
        case: ChangedCase::new(&applied.case, reader),
        missing: applied.missing.join(", "),
    });
    Ok(shown.collect())
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
    past: Vec<Past>,
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
        past,
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
