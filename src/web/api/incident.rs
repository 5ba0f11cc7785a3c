//! Incidents, their cases and what happens to them.

use std::collections::{BTreeMap, HashMap};

use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use serde::{Deserialize, Serialize};

use crate::actions;
use crate::consequence::judged;
use crate::domain::breach::Breach;
use crate::domain::clock::{Clock, ClockRow};
use crate::domain::incident::{IncidentState, OpenCase, Raise, Record};
use crate::domain::timeline::{Event, Fields, SealedText};
use crate::domain::words::{ClockState, EventKind, Metric, Source};
use crate::domain::{BreachId, CaseId, ClockId, ContractId, IncidentId, PersonId};
use crate::error::{Error, Result};
use crate::store::{Conn, breach, clock, incident};
use crate::time::{Micros, Moment, SECOND};
use crate::web::{Answer, Caller, Done, JsonBody, Paging, State, act_once, read};

/// An incident as the API shows it.
#[derive(Serialize)]
pub(super) struct IncidentBody {
    id: IncidentId,
    reference: String,
    title: String,
    description: String,
    state: IncidentState,
    drill: bool,
    reported_at: Moment,
    created_at: Moment,
    cases: Vec<CaseBody>,
    clocks: Vec<ClockBody>,
    breaches: Vec<BreachBody>,
    timeline: Vec<EventBody>,
}

#[derive(Serialize)]
struct CaseBody {
    id: CaseId,
    contract_id: ContractId,
    contract: String,
    vendor: String,
    terms: i32,
    severity: String,
    vendor_reference: String,
}

/// A clock as the API shows it.
#[derive(Serialize)]
pub(super) struct ClockBody {
    id: ClockId,
    incident: String,
    case: CaseId,
    metric: Metric,
    state: ClockState,
    severity: String,
    clause: String,
    started_at: Moment,
    due_at: Option<Moment>,
    provisional: bool,
    target_seconds: f64,
    spent_seconds: f64,
    breached_at: Option<Moment>,
    stopped_at: Option<Moment>,
    run: i32,
    interval: i32,
}

impl ClockBody {
    /// The row, with what has passed since it was judged last.
    pub(super) fn of(row: ClockRow, judged: Option<&Clock>) -> Self {
        let spent = judged.map_or(row.spent, |clock| clock.current().spent);
        Self {
            id: row.id,
            incident: row.incident_id.reference(),
            case: row.case_id,
            metric: row.metric,
            state: row.state,
            severity: row.severity,
            clause: row.clause,
            started_at: row.started_at,
            due_at: row.due_at,
            provisional: row.provisional,
            target_seconds: seconds(row.budget),
            spent_seconds: seconds(spent),
            breached_at: row.breached_at,
            stopped_at: row.stopped_at,
            run: row.run,
            interval: row.interval,
        }
    }
}

fn seconds(micros: Micros) -> f64 {
    micros as f64 / SECOND as f64
}

#[derive(Serialize)]
struct BreachBody {
    id: BreachId,
    reference: String,
    metric: Metric,
    clause: String,
    due_at: Moment,
    noticed_at: Moment,
    withdrawn_at: Option<Moment>,
}

/// An event as the API shows it.
#[derive(Serialize)]
pub(super) struct EventBody {
    seq: i64,
    case: Option<CaseId>,
    kind: EventKind,
    occurred_at: Moment,
    recorded_at: Moment,
    person: Option<PersonId>,
    source: Source,
    #[serde(flatten)]
    fields: Fields,
    /// Title, description, reason and the like; an erased one is missing.
    texts: BTreeMap<String, String>,
    hash: String,
}

impl EventBody {
    fn of(event: Event, texts: &mut HashMap<i64, BTreeMap<String, SealedText>>) -> Self {
        let texts = texts.remove(&event.id).unwrap_or_default();
        Self {
            seq: event.seq,
            case: event.case_id,
            kind: event.kind,
            occurred_at: event.occurred_at,
            recorded_at: event.recorded_at,
            person: event.person_id,
            source: event.source,
            fields: event.fields,
            texts: texts
                .into_iter()
                .map(|(name, text)| (name, text.content))
                .collect(),
            hash: event.hash,
        }
    }
}

impl IncidentBody {
    pub(super) fn of(conn: &mut Conn, id: IncidentId, now: Moment) -> Result<Self> {
        let found = incident::get(conn, id)?;
        let judged = judged(conn, found, now)?;
        let rows = clock::of_incident(conn, id)?;
        let mut texts = incident::texts(conn, id)?;
        let entries = breach::of_incident(conn, id)?;
        let clocks = rows
            .into_iter()
            .map(|row| {
                let clock = judged
                    .cases
                    .iter()
                    .filter(|case| case.case.id == row.case_id)
                    .flat_map(|case| &case.clocks)
                    .find(|clock| clock.metric == row.metric);
                ClockBody::of(row, clock)
            })
            .collect();
        let cases = judged
            .cases
            .iter()
            .map(|judged| CaseBody {
                id: judged.case.id,
                contract_id: judged.contract.id,
                contract: judged.contract.reference.clone(),
                vendor: judged.vendor.name.clone(),
                terms: judged.terms.number,
                severity: judged.case.severity.clone(),
                vendor_reference: judged.case.vendor_reference.clone(),
            })
            .collect();
        Ok(Self {
            id,
            reference: id.reference(),
            title: judged.incident.title,
            description: judged.incident.description,
            state: judged.incident.state,
            drill: judged.incident.drill,
            reported_at: judged.incident.reported_at,
            created_at: judged.incident.created_at,
            cases,
            clocks,
            breaches: entries
                .into_iter()
                .map(|(breach, withdrawal)| {
                    breach_body(breach, withdrawal.map(|withdrawal| withdrawal.at))
                })
                .collect(),
            timeline: judged
                .events
                .into_iter()
                .map(|event| EventBody::of(event, &mut texts))
                .collect(),
        })
    }
}

fn breach_body(breach: Breach, withdrawn_at: Option<Moment>) -> BreachBody {
    BreachBody {
        id: breach.id,
        reference: breach.id.reference(),
        metric: breach.metric,
        clause: breach.clause,
        due_at: breach.due_at,
        noticed_at: breach.noticed_at,
        withdrawn_at,
    }
}

/// Reads the key or reference in a path.
pub(in crate::web) fn incident_id(key: &str) -> Result<IncidentId> {
    IncidentId::parse(key).ok_or_else(|| Error::not_found("incident", key))
}

#[derive(Serialize)]
struct LineBody {
    id: IncidentId,
    reference: String,
    title: String,
    state: IncidentState,
    drill: bool,
    reported_at: Moment,
}

/// Which incidents are asked for.
#[derive(Deserialize)]
pub struct Asked {
    state: Option<IncidentState>,
}

/// `GET /incidents?state=`: newest first.
pub async fn list(state: Data<State>, paging: Paging, asked: Query<Asked>) -> Answer {
    let listing = read(&state, move |conn| {
        let before = paging.after()?;
        let rows = incident::list(conn, asked.state, before, paging.rows())?;
        Ok(paging.listing(rows, |line| line.id).map(|line| LineBody {
            id: line.id,
            reference: line.id.reference(),
            title: line.title,
            state: line.state,
            drill: line.drill,
            reported_at: line.reported_at,
        }))
    })
    .await?;
    Ok(HttpResponse::Ok().json(listing))
}

/// `GET /incidents/{id}`: by key or reference.
pub async fn show(state: Data<State>, key: Path<String>) -> Answer {
    let id = incident_id(&key)?;
    let asking = state.store.clone();
    let body = read(&state, move |conn| {
        let now = asking.now()?;
        IncidentBody::of(conn, id, now)
    })
    .await?;
    Ok(HttpResponse::Ok().json(body))
}

/// `POST /incidents`: the incident and its first case.
pub async fn raise(state: Data<State>, caller: Caller, body: JsonBody) -> Answer {
    let (value, once) = body.parts();
    act_once(&state, &caller, once, move |tx| {
        let raise = Raise::read(&value)?;
        let id = actions::incident::raise(tx, &raise, Source::Api)?.id;
        let now = tx.now();
        Done::made(
            format!("/api/v1/incidents/{id}"),
            &IncidentBody::of(tx.conn(), id, now)?,
        )
    })
    .await
}

/// `POST /incidents/{id}/cases`: one more vendor.
pub async fn add_case(
    state: Data<State>,
    caller: Caller,
    key: Path<String>,
    body: JsonBody,
) -> Answer {
    let id = incident_id(&key)?;
    let (value, once) = body.parts();
    act_once(&state, &caller, once, move |tx| {
        let case = OpenCase::read(&value)?;
        actions::incident::add_case(tx, id, &case, Source::Api)?;
        let now = tx.now();
        Done::made(
            format!("/api/v1/incidents/{id}"),
            &IncidentBody::of(tx.conn(), id, now)?,
        )
    })
    .await
}

#[derive(Serialize)]
struct RecordedBody {
    event: EventBody,
    state: IncidentState,
    clocks: Vec<ClockBody>,
}

/// `POST /incidents/{id}/events`: what happened, and the clocks after it.
pub async fn record(
    state: Data<State>,
    caller: Caller,
    key: Path<String>,
    body: JsonBody,
) -> Answer {
    let id = incident_id(&key)?;
    let (value, once) = body.parts();
    act_once(&state, &caller, once, move |tx| {
        let record = Record::read(&value)?;
        let event = actions::incident::record(tx, id, &record, Source::Api)?;
        let now = tx.now();
        let whole = IncidentBody::of(tx.conn(), id, now)?;
        let mut texts = incident::texts(tx.conn(), id)?;
        let body = RecordedBody {
            event: EventBody::of(event, &mut texts),
            state: whole.state,
            clocks: whole.clocks,
        };
        Done::made(format!("/api/v1/incidents/{id}"), &body)
    })
    .await
}
