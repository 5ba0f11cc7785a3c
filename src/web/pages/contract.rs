//! Contracts: their heads, and what their terms promise.

use actix_web::web::{Data, Path, Query};
use askama::Template;
use serde::Deserialize;
use serde_json::{Value, json};

use super::go_live::WindowRow;
use super::promise::{PromiseView, VersionRow};
use super::{Choice, page, try_again};
use crate::actions;
use crate::domain::contract::{Contract, ContractInput};
use crate::domain::vendor::Vendor;
use crate::error::{Error, Result};
use crate::store::contract::ContractLine;
use crate::store::{Conn, contract, finding, go_live, person, terms, vendor};
use crate::time::Moment;
use crate::web::access::{Access, Caller};
use crate::web::error::Answer;
use crate::web::form::{Form, Shape};
use crate::web::frame::{Frame, capitalised};
use crate::web::idempotency::{Done, act_once};
use crate::web::paging::Paging;
use crate::web::shown::Reader;
use crate::web::state::{State, block, read};
use crate::web::wording;

const SHAPE: Shape = Shape {
    numbers: &["vendor_id"],
    flags: &[],
    lists: &[],
};

/// Vendors that the form offers; somebody with more enters contracts by the API.
const MOST_VENDORS: i64 = 2000;

/// How a contract stands on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its term has not begun.
    Future,
    /// The day lies in its term.
    Active,
    /// Its term is over.
    Ended,
}

impl Standing {
    /// How a contract stands at that moment.
    pub fn of(contract: &Contract, now: Moment) -> Self {
        let today = now.date_in(contract.time_zone.0);
        match (contract.covers_date(today), today < contract.effective_from) {
            (true, _) => Self::Active,
            (false, true) => Self::Future,
            (false, false) => Self::Ended,
        }
    }

    /// The state as the style knows it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Future => "future",
            Self::Active => "active",
            Self::Ended => "ended",
        }
    }

    /// What one reads.
    pub fn text(self) -> &'static str {
        match self {
            Self::Future => "Not yet",
            Self::Active => "In force",
            Self::Ended => "Ended",
        }
    }
}

/// A contract in a list.
pub struct ContractRow {
    /// The contract.
    pub contract: Contract,
    /// The vendor's name.
    pub vendor: String,
    /// From when to when.
    pub term: String,
    /// How it stands.
    pub standing: Standing,
}

impl ContractRow {
    /// A contract as it stands at that moment.
    pub fn new(line: ContractLine, now: Moment) -> Self {
        Self {
            term: wording::term(line.contract.effective_from, line.contract.effective_to),
            standing: Standing::of(&line.contract, now),
            vendor: line.vendor,
            contract: line.contract,
        }
    }
}

#[derive(Template)]
#[template(path = "contract/list.html")]
struct ListPage {
    frame: Frame,
    contracts: Vec<ContractRow>,
    may_enter: bool,
    first: &'static str,
    next: String,
}

/// Lists the contracts in order of reference.
pub async fn list(state: Data<State>, frame: Frame, caller: Caller, paging: Paging) -> Answer {
    let (after, rows) = (paging.after::<String>()?, paging.rows());
    let is_first = after.is_none();
    let store = state.store.clone();
    let (lines, now) = block(move || {
        let now = store.now()?;
        let lines = store.read(|conn| contract::page(conn, None, after.as_deref(), rows))?;
        Ok((lines, now))
    })
    .await?;
    let listing = paging.listing(lines, |line| line.contract.reference.clone());
    let listing = listing.map(|line| ContractRow::new(line, now));
    page(&ListPage {
        frame,
        may_enter: caller.may(Access::Enter),
        first: if is_first { "" } else { "/contracts" },
        next: listing
            .next
            .map_or_else(String::new, |cursor| format!("/contracts?cursor={cursor}")),
        contracts: listing.items,
    })
}

#[derive(Template)]
#[template(path = "contract/show.html")]
struct ShowPage {
    frame: Frame,
    contract: Contract,
    vendor: Vendor,
    term: String,
    standing: Standing,
    versions: Vec<VersionRow>,
    promise: Option<PromiseView>,
    go_lives: Vec<WindowRow>,
    may_enter: bool,
}

/// Which version of the terms is to be shown.
#[derive(Deserialize)]
pub struct Asked {
    terms: Option<i32>,
}

/// Shows a contract with one version of its terms: the one that was asked for, else the one in force,
/// else the last.
pub async fn show(
    state: Data<State>,
    frame: Frame,
    caller: Caller,
    key: Path<String>,
    asked: Query<Asked>,
) -> Answer {
    let store = state.store.clone();
    let may_enter = caller.may(Access::Enter);
    let shown = block(move || {
        let now = store.now()?;
        let zone = caller.time_zone.0;
        store.read(|conn| {
            let contract = contract::find_by_key(conn, &key)?;
            let reader = Reader { zone, now };
            show_page(conn, frame, contract, asked.terms, reader, may_enter)
        })
    })
    .await?;
    page(&shown)
}

fn show_page(
    conn: &mut Conn,
    mut frame: Frame,
    contract: Contract,
    asked: Option<i32>,
    reader: Reader,
    may_enter: bool,
) -> Result<ShowPage> {
    let now = reader.now;
    let vendor = vendor::find(conn, contract.vendor_id)?;
    let versions = terms::of_contract(conn, contract.id)?;
    let in_force = terms::in_force(conn, &contract, now)?.map(|terms| terms.number);
    let wanted = asked.or(in_force);
    let shown = match wanted {
        Some(number) => versions.iter().find(|terms| terms.number == number),
        None => versions.last(),
    };
    if let (Some(number), None) = (asked, shown) {
        return Err(Error::not_found("version of terms", number));
    }
    let today = now.date_in(contract.time_zone.0);
    let promise = match shown {
        Some(terms) => Some(PromiseView::new(conn, &contract, terms, now)?),
        None => None,
    };
    let number = shown.map(|terms| terms.number);
    let found = finding::about(conn, &contract, now)?;
    frame
        .notices
        .extend(found.iter().map(|one| capitalised(&one.sentence())));
    let windows = go_live::of_contract(conn, contract.id)?;
    let people = windows.iter();
    let people = people.flat_map(|window| window.entered_by.into_iter().chain(window.withdrawn_by));
    let names = person::names(conn, &people.collect::<Vec<_>>())?;
    Ok(ShowPage {
        frame,
        vendor,
        term: wording::term(contract.effective_from, contract.effective_to),
        standing: Standing::of(&contract, now),
        versions: versions
            .iter()
            .rev()
            .map(|terms| VersionRow::new(terms, in_force, number, today))
            .collect(),
        promise,
        go_lives: windows
            .iter()
            .map(|window| WindowRow::new(window, &contract, &names, reader))
            .collect(),
        may_enter,
        contract,
    })
}

#[derive(Template)]
#[template(path = "contract/form.html")]
struct FormPage {
    frame: Frame,
    form: Form,
    /// The contract that is edited; none: a new one.
    contract: Option<Contract>,
    vendors: Vec<Choice>,
}

/// The form; `contract` is the one that is edited.
async fn form_page(state: &State, frame: Frame, form: Form, contract: Option<Contract>) -> Answer {
    let vendors = match contract {
        Some(_) => Vec::new(),
        None => read(state, |conn| vendor::page(conn, None, MOST_VENDORS)).await?,
    };
    page(&FormPage {
        frame,
        form,
        contract,
        vendors: vendors
            .into_iter()
            .map(|vendor| Choice::new(vendor.id.to_string(), vendor.name))
            .collect(),
    })
}

/// Which vendor the new contract is with.
#[derive(Deserialize)]
pub struct With {
    vendor: Option<i64>,
}

/// Asks for a new contract.
pub async fn new(state: Data<State>, frame: Frame, caller: Caller, with: Query<With>) -> Answer {
    let form = Form::of_json(&json!({"vendor_id": with.vendor, "owner": caller.email}));
    form_page(&state, frame, form, None).await
}

/// Enters a contract; its terms come next.
pub async fn enter(state: Data<State>, frame: Frame, caller: Caller, form: Form) -> Answer {
    let value = form.json(&SHAPE);
    let outcome = act_once(&state, &caller, form.once(), move |tx| {
        let id = actions::contract::enter(tx, &value)?;
        Ok(Done::go(
            format!("/contracts/{id}/terms/new"),
            "The contract was entered. Now enter what it promises.",
        ))
    })
    .await;
    try_again(outcome, form, async |form| {
        form_page(&state, frame, form, None).await
    })
    .await
}

/// Shows the head of a contract to be edited.
pub async fn change(state: Data<State>, frame: Frame, key: Path<String>) -> Answer {
    let contract = read(&state, move |conn| contract::find_by_key(conn, &key)).await?;
    let mut form = Form::of_json(&head(&contract));
    form.set("_version", contract.version.to_string());
    form_page(&state, frame, form, Some(contract)).await
}

fn head(contract: &Contract) -> Value {
    json!({
        "reference": contract.reference, "title": contract.title, "services": contract.services,
        "owner": contract.owner, "time_zone": contract.time_zone,
        "effective_from": contract.effective_from, "effective_to": contract.effective_to,
    })
}

/// Edits the head of a contract.
pub async fn edit(
    state: Data<State>,
    frame: Frame,
    caller: Caller,
    key: Path<String>,
    form: Form,
) -> Answer {
    let contract = read(&state, move |conn| contract::find_by_key(conn, &key)).await?;
    let version = form.value("_version").parse().unwrap_or_default();
    let (id, value) = (contract.id, form.json(&SHAPE));
    let outcome = act_once(&state, &caller, form.once(), move |tx| {
        actions::contract::edit(tx, id, version, &ContractInput::read(&value)?)?;
        Ok(Done::go(
            format!("/contracts/{id}"),
            "The contract was changed.",
        ))
    })
    .await;
    try_again(outcome, form, async |form| {
        form_page(&state, frame, form, Some(contract)).await
    })
    .await
}

/// Where a contract's page is.
pub fn address(contract: &Contract) -> String {
    format!("/contracts/{}", contract.id)
}
