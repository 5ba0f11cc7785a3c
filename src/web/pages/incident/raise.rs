//! The forms by which an incident is raised and a vendor is added to one.

use actix_web::web::{Data, Path, Query};
use askama::Template;
use serde::Deserialize;
use serde_json::Value;

use super::{heard, reader, take_local_time};
use crate::actions;
use crate::domain::IncidentId;
use crate::domain::contract::Contract;
use crate::domain::go_live::CaseTerms;
use crate::domain::incident::{OpenCase, Raise};
use crate::domain::input::FieldError;
use crate::domain::terms::{Promise, Severity};
use crate::domain::words::{Metric, Source};
use crate::error::Result;
use crate::store::{Conn, contract, go_live, incident, terms};
use crate::time::Moment;
use crate::web::access::{Access, Caller};
use crate::web::api::incident::incident_id;
use crate::web::error::Answer;
use crate::web::form::{Form, Shape};
use crate::web::frame::Frame;
use crate::web::idempotency::{Done, act_once};
use crate::web::pages::compound::join_faults;
use crate::web::pages::{Choice, page, try_again};
use crate::web::shown::Reader;
use crate::web::state::{State, read};
use crate::web::wording;

const SHAPE: Shape = Shape {
    numbers: &["contract_id"],
    flags: &["drill"],
    lists: &[],
};

/// Contracts that the form offers.
const MOST_CONTRACTS: i64 = 1000;

/// Which contract the form is for.
#[derive(Deserialize)]
pub struct Chosen {
    contract: Option<String>,
}

#[derive(Template)]
#[template(path = "incident/new.html")]
struct NewPage {
    frame: Frame,
    form: Form,
    /// Reference of the incident that a vendor is added to; none: a new one.
    to: Option<String>,
    over: String,
    back: String,
    contracts: Vec<Choice>,
    chosen: Option<ChosenContract>,
    zone: String,
    may_enter: bool,
}

impl NewPage {
    /// Where the contract is chosen.
    fn choose(&self) -> String {
        match &self.to {
            Some(reference) => format!("/incidents/{reference}/cases/new"),
            None => "/incidents/new".to_string(),
        }
    }

    /// Where the form is sent.
    fn action(&self) -> String {
        match &self.to {
            Some(reference) => format!("/incidents/{reference}/cases"),
            None => "/incidents".to_string(),
        }
    }
}

/// The contract that must answer, with its scale.
struct ChosenContract {
    contract: Contract,
    vendor: String,
    term: String,
    severities: Vec<Choice>,
    scale: Vec<Level>,
}

/// A severity with what is promised for it.
struct Level {
    severity: Severity,
    rank: usize,
    promises: Vec<String>,
}

impl ChosenContract {
    fn of(conn: &mut Conn, contract: Contract, at: Moment) -> Result<Self> {
        let line = contract::find_all(conn, &[contract.id])?.pop();
        let window = go_live::applying(conn, contract.id, at)?;
        let promise = terms::in_force(conn, &contract, at)?
            .map(|terms| CaseTerms::new(terms, window).terms.promise);
        let severities = promise.as_ref().map(|promise| promise.severities.clone());
        let severities = severities.unwrap_or_default();
        Ok(Self {
            vendor: line.map_or_else(String::new, |line| line.vendor),
            term: wording::term(contract.effective_from, contract.effective_to),
            severities: severities
                .iter()
                .map(|severity| {
                    Choice::new(
                        severity.code.clone(),
                        format!("{} {}", severity.code, severity.name),
                    )
                })
                .collect(),
            scale: severities
                .into_iter()
                .enumerate()
                .map(|(place, severity)| Level {
                    rank: place + 1,
                    promises: promise
                        .as_ref()
                        .map_or_else(Vec::new, |promise| promises(promise, &severity)),
                    severity,
                })
                .collect(),
            contract,
        })
    }
}

fn promises(promise: &Promise, severity: &Severity) -> Vec<String> {
    Metric::ALL
        .iter()
        .filter_map(|metric| promise.commitment(*metric, &severity.code))
        .map(|commitment| {
            let target = wording::promise(commitment.metric, commitment.target);
            format!("{} {target}", commitment.metric)
        })
        .collect()
}

/// Asks for a new incident; first for its contract, whose severities are offered then.
pub async fn new(
    state: Data<State>,
    frame: Frame,
    caller: Caller,
    chosen: Query<Chosen>,
) -> Answer {
    let key = chosen.into_inner().contract.unwrap_or_default();
    show(&state, frame, &caller, Form::default(), key, None).await
}

/// Asks for a vendor that must answer for a part of an incident.
pub async fn ask_case(
    state: Data<State>,
    frame: Frame,
    caller: Caller,
    key: Path<String>,
    chosen: Query<Chosen>,
) -> Answer {
    let to = incident_id(&key)?;
    let key = chosen.into_inner().contract.unwrap_or_default();
    show(&state, frame, &caller, Form::default(), key, Some(to)).await
}

async fn show(
    state: &State,
    frame: Frame,
    caller: &Caller,
    mut form: Form,
    contract_key: String,
    to: Option<IncidentId>,
) -> Answer {
    let now = reader(&frame, caller).now;
    let (to, contracts, chosen) = read(state, move |conn| {
        let (to, taken) = match to {
            Some(id) => {
                let taken = incident::cases(conn, id)?;
                (Some(incident::get(conn, id)?), taken)
            }
            None => (None, Vec::new()),
        };
        let mut lines = contract::page(conn, None, None, MOST_CONTRACTS)?;
        lines.retain(|line| {
            !taken
                .iter()
                .any(|case| case.contract_id == line.contract.id)
        });
        lines.sort_by(|a, b| {
            (&a.vendor, &a.contract.reference).cmp(&(&b.vendor, &b.contract.reference))
        });
        let key = match (contract_key.as_str(), lines.as_slice()) {
            // Where there is only one there is nothing to choose.
            ("", [only]) => only.contract.id.to_string(),
            (key, _) => key.to_string(),
        };
        let chosen = match key.as_str() {
            "" => None,
            key => {
                let contract = contract::find_by_key(conn, key)?;
                Some(ChosenContract::of(conn, contract, now)?)
            }
        };
        Ok((to, lines, chosen))
    })
    .await?;
    if let Some(chosen) = &chosen {
        form.set("contract", chosen.contract.id.to_string());
    }
    let (over, back) = match &to {
        Some(incident) => {
            let reference = incident.id.reference();
            (
                format!("{reference} {}", incident.title),
                format!("/incidents/{reference}"),
            )
        }
        None => ("Incidents".to_string(), "/incidents".to_string()),
    };
    page(&NewPage {
        form,
        over,
        back,
        to: to.map(|incident| incident.id.reference()),
        contracts: contracts
            .into_iter()
            .map(|line| {
                let label = format!(
                    "{} · {} {}",
                    line.vendor, line.contract.reference, line.contract.title
                );
                Choice::new(line.contract.id.to_string(), label)
            })
            .collect(),
        chosen,
        zone: caller.time_zone.to_string(),
        may_enter: caller.may(Access::Enter),
        frame,
    })
}

/// Raises an incident.
pub async fn raise(state: Data<State>, frame: Frame, caller: Caller, form: Form) -> Answer {
    let reader = reader(&frame, &caller);
    let outcome = async {
        let raise = checked(&form, reader, Raise::read)?;
        act_once(&state, &caller, form.once(), move |tx| {
            let id = actions::incident::raise(tx, &raise, Source::Page)?.id;
            let said = format!("{} is raised; its clocks run.", id.reference());
            Ok(Done::go(format!("/incidents/{}", id.reference()), said))
        })
        .await
    }
    .await;
    try_again(heard(outcome, reader), form, async |form| {
        let key = form.value("contract_id").to_string();
        show(&state, frame, &caller, form, key, None).await
    })
    .await
}

/// Adds a vendor to an incident.
pub async fn add_case(
    state: Data<State>,
    frame: Frame,
    caller: Caller,
    key: Path<String>,
    form: Form,
) -> Answer {
    let id = incident_id(&key)?;
    let reader = reader(&frame, &caller);
    let outcome = async {
        let case = checked(&form, reader, |value| {
            let mut value = value.clone();
            if let Some(fields) = value.as_object_mut() {
                // Practice is a matter of the whole incident.
                fields.remove("drill");
            }
            OpenCase::read(&value)
        })?;
        act_once(&state, &caller, form.once(), move |tx| {
            actions::incident::add_case(tx, id, &case, Source::Page)?;
            let said = "The vendor is added; its clocks run.";
            Ok(Done::go(format!("/incidents/{}", id.reference()), said))
        })
        .await
    }
    .await;
    try_again(heard(outcome, reader), form, async |form| {
        let key = form.value("contract_id").to_string();
        show(&state, frame, &caller, form, key, Some(id)).await
    })
    .await
}

fn checked<T>(
    form: &Form,
    reader: Reader,
    read: impl FnOnce(&Value) -> Result<T, Vec<FieldError>>,
) -> Answer<T> {
    let mut value = form.json(&SHAPE);
    if let Some(fields) = value.as_object_mut() {
        fields.remove("contract");
    }
    let ours = take_local_time(&mut value, "reported_at", reader);
    match read(&value) {
        Ok(input) if ours.is_empty() => Ok(input),
        Ok(_) => Err(ours.into()),
        Err(faults) => Err(join_faults(ours, faults, str::to_string).into()),
    }
}
