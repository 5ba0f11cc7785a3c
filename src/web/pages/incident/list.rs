//! The list of incidents.

use std::collections::HashMap;

use actix_web::web::{Data, Query};
use askama::Template;

use crate::domain::clock::ClockRow;
use crate::domain::go_live::CaseTerms;
use crate::domain::incident::{Case, IncidentState};
use crate::domain::{CaseId, IncidentId};
use crate::error::Result;
use crate::store::incident::IncidentLine;
use crate::store::{Conn, clock, contract, go_live, incident, vendor};
use crate::time::HOUR;
use crate::web::access::{Access, Caller};
use crate::web::api::incident::Asked;
use crate::web::error::Answer;
use crate::web::form::Form;
use crate::web::frame::Frame;
use crate::web::pages::clock::rank;
use crate::web::pages::{Choice, address, page};
use crate::web::paging::Paging;
use crate::web::shown::{Reader, Shown};
use crate::web::state::{State, block};
use crate::web::wording;

/// Vendors that the filter offers.
const MOST_VENDORS: i64 = 500;

#[derive(Template)]
#[template(path = "incident/list.html")]
struct ListPage {
    frame: Frame,
    form: Form,
    vendors: Vec<Choice>,
    states: Vec<Choice>,
    incidents: Vec<Row>,
    is_filtered: bool,
    may_raise: bool,
    first: String,
    next: String,
}

/// An incident in the list.
struct Row {
    reference: String,
    title: String,
    drill: bool,
    cases: Vec<CasePart>,
    reported: Shown,
    next: Option<Due>,
    state: &'static str,
    state_text: &'static str,
}

struct CasePart {
    vendor: String,
    contract: String,
    severity: String,
    rank: usize,
}

/// The deadline that comes next, or the one that was passed first.
struct Due {
    iso: String,
    left: String,
    tone: &'static str,
}

/// What the rows of a list need beside the incidents.
struct Beside {
    cases: Vec<Case>,
    terms: HashMap<CaseId, CaseTerms>,
    contracts: Vec<contract::ContractLine>,
    clocks: Vec<ClockRow>,
}

impl Beside {
    fn of(conn: &mut Conn, ids: &[IncidentId]) -> Result<Self> {
        let cases = incident::cases_of(conn, ids)?;
        let contract_ids: Vec<_> = cases.iter().map(|case| case.contract_id).collect();
        Ok(Self {
            terms: go_live::terms_of_cases(conn, &cases)?,
            contracts: contract::find_all(conn, &contract_ids)?,
            clocks: clock::of_incidents(conn, ids)?,
            cases,
        })
    }

    fn cases(&self, id: IncidentId) -> Vec<CasePart> {
        let own = self.cases.iter().filter(|case| case.incident_id == id);
        own.filter_map(|case| {
            let line = self
                .contracts
                .iter()
                .find(|line| line.contract.id == case.contract_id)?;
            Some(CasePart {
                vendor: line.vendor.clone(),
                contract: line.contract.reference.clone(),
                severity: case.severity.clone(),
                rank: rank(&self.terms.get(&case.id)?.terms.promise, &case.severity),
            })
        })
        .collect()
    }

    fn row(&self, line: IncidentLine, reader: Reader) -> Row {
        let open = || {
            self.clocks
                .iter()
                .filter(|clock| clock.incident_id == line.id && clock.state.is_open())
        };
        let due = open().filter_map(|clock| clock.due_at).min();
        let tone = match due {
            Some(due) if due < reader.now => "late",
            Some(due) if due - reader.now <= HOUR => "soon",
            _ => "calm",
        };
        let (state, state_text) = match line.state {
            IncidentState::Open if tone == "late" => ("late", "Past due"),
            IncidentState::Open if due.is_none() && open().next().is_some() => ("paused", "Paused"),
            IncidentState::Open => ("running", "Open"),
            IncidentState::Resolved => ("met", "Resolved"),
            IncidentState::Cancelled => ("cancelled", "Cancelled"),
        };
        Row {
            reference: line.id.reference(),
            cases: self.cases(line.id),
            reported: reader.sees_here(line.reported_at),
            next: due.map(|due| Due {
                iso: due.to_string(),
                left: wording::countdown(due - reader.now),
                tone,
            }),
            title: line.title,
            drill: line.drill,
            state,
            state_text,
        }
    }
}

/// Lists the incidents, newest first.
pub async fn list(
    state: Data<State>,
    frame: Frame,
    caller: Caller,
    paging: Paging,
    asked: Query<Asked>,
) -> Answer {
    let asked = asked.into_inner();
    let filters = [
        ("q", &asked.q),
        ("vendor", &asked.vendor),
        ("contract", &asked.contract),
        ("state", &asked.state),
    ]
    .map(|(name, value)| (name, value.clone().unwrap_or_default()));
    let before = paging.after::<IncidentId>()?;
    let (store, zone) = (state.store.clone(), caller.time_zone.0);
    let (listing, vendors) = block(move || {
        let now = store.now()?;
        store.read(|conn| {
            let search = asked.search(conn, before)?;
            let lines = incident::list(conn, &search, paging.rows())?;
            let listing = paging.listing(lines, |line| line.id);
            let ids: Vec<_> = listing.items.iter().map(|line| line.id).collect();
            let beside = Beside::of(conn, &ids)?;
            let vendors = vendor::page(conn, None, MOST_VENDORS)?;
            let reader = Reader { zone, now };
            Ok((listing.map(|line| beside.row(line, reader)), vendors))
        })
    })
    .await?;
    page(&ListPage {
        frame,
        vendors: vendors
            .into_iter()
            .map(|vendor| Choice::new(vendor.id.to_string(), vendor.name))
            .collect(),
        states: [
            (IncidentState::Open, "Open"),
            (IncidentState::Resolved, "Resolved"),
            (IncidentState::Cancelled, "Cancelled"),
        ]
        .map(|(state, name)| Choice::new(state.as_str(), name))
        .into(),
        incidents: listing.items,
        is_filtered: filters.iter().any(|(_, value)| !value.is_empty()),
        may_raise: caller.may(Access::Record),
        first: before.map_or_else(String::new, |_| address("/incidents", &filters, None)),
        next: listing.next.map_or_else(String::new, |cursor| {
            address("/incidents", &filters, Some(&cursor))
        }),
        form: Form::of(filters),
    })
}
