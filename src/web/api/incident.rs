//! Incidents, their cases and what happens to them.

use std::collections::{BTreeMap, HashMap};

use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use serde::{Deserialize, Serialize};

use super::evidence::FileBody;
use crate::actions;
use crate::consequence::{Judged, judged};
use crate::domain::clock::ClockRow;
use crate::domain::erasure::{Erasure, erasures};
use crate::domain::evidence::File;
use crate::domain::go_live::GoLive;
use crate::domain::incident::{IncidentState, OpenCase, Raise, Record};
use crate::domain::timeline::{Event, Fields, Handover, SealedText, handovers};
use crate::domain::words::{ClockState, EventKind, Metric, Source};
use crate::domain::{BreachId, CaseId, ClockId, ContractId, GoLiveId, IncidentId, PersonId};
use crate::error::{Error, Result};
use crate::report::in_seconds;
use crate::store::breach::Entry;
use crate::store::incident::Search;
use crate::store::{Conn, breach, clock, contract, evidence, go_live, incident, vendor};
use crate::time::{Micros, Moment};
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
    handovers: Vec<HandoverBody>,
    timeline: Vec<EventBody>,
}

/// One case handed over to another.
#[derive(Serialize)]
struct HandoverBody {
    seq: i64,
    at: Moment,
    from: CaseId,
    to: CaseId,
    /// Until the receiving case was reported; none where it was before.
    #[serde(rename = "gap_seconds", serialize_with = "in_seconds")]
    gap: Micros,
}

impl From<Handover> for HandoverBody {
    fn from(over: Handover) -> Self {
        Self {
            seq: over.seq,
            at: over.at,
            from: over.from,
            to: over.to,
            gap: over.gap,
        }
    }
}

#[derive(Serialize)]
struct CaseBody {
    id: CaseId,
    contract_id: ContractId,
    contract: String,
    vendor: String,
    terms: i32,
    /// Name of the go-live window it was reported in.
    go_live: Option<String>,
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
    started_at: Option<Moment>,
    due_at: Option<Moment>,
    provisional: bool,
    #[serde(serialize_with = "in_seconds")]
    target_seconds: Micros,
    #[serde(serialize_with = "in_seconds")]
    spent_seconds: Micros,
    breached_at: Option<Moment>,
    stopped_at: Option<Moment>,
    confirmed_by: Option<Moment>,
    run: i32,
    interval: i32,
}

impl ClockBody {
    /// The clock as it is judged now; the row gives its key, and how it stood when nothing is judged.
    pub(super) fn of(row: ClockRow, judged: &Judged) -> Self {
        let mut body = Self {
            id: row.id,
            incident: row.incident_id.reference(),
            case: row.case_id,
            metric: row.metric,
            state: row.state,
            severity: row.severity,
            clause: row.clause,
            started_at: (row.state != ClockState::Pending).then_some(row.started_at),
            due_at: row.due_at,
            provisional: row.provisional,
            target_seconds: row.budget,
            spent_seconds: row.spent,
            breached_at: row.breached_at,
            stopped_at: row.stopped_at,
            confirmed_by: None,
            run: row.run,
            interval: row.interval,
        };
        if let Some((_, clock)) = judged.clock(row.case_id, row.metric) {
            let lap = clock.current();
            body.state = clock.state;
            body.severity.clone_from(&lap.commitment.severity);
            body.clause.clone_from(&lap.commitment.clause);
            body.started_at = (!clock.is_pending(lap)).then_some(lap.started_at);
            body.confirmed_by = lap.confirmed_by;
            body.due_at = lap.due_at;
            body.provisional = lap.provisional;
            body.target_seconds = lap.budget;
            body.spent_seconds = lap.spent;
            body.breached_at = lap.breached_at;
            body.stopped_at = lap.stopped_at;
            body.run = lap.run;
            body.interval = lap.interval;
        }
        body
    }
}

/// An entry of the register as the incident shows it.
#[derive(Serialize)]
struct BreachBody {
    id: BreachId,
    reference: String,
    clock: ClockId,
    case: CaseId,
    metric: Metric,
    severity: String,
    clause: String,
    /// Name of the go-live window that applied.
    go_live: Option<String>,
    run: i32,
    interval: i32,
    due_at: Moment,
    noticed_at: Moment,
    #[serde(flatten)]
    late: Option<LateBody>,
    withdrawn: Option<WithdrawalBody>,
}

/// By how much it is late at present, or was when it stopped.
#[derive(Serialize)]
struct LateBody {
    stopped_at: Option<Moment>,
    #[serde(serialize_with = "in_seconds")]
    late_open_seconds: Micros,
    #[serde(serialize_with = "in_seconds")]
    late_elapsed_seconds: Micros,
}

#[derive(Serialize)]
struct WithdrawalBody {
    at: Moment,
    seq: i64,
    reason: String,
}

impl BreachBody {
    fn of(
        (breach, withdrawal): Entry,
        judged: &Judged,
        windows: &HashMap<GoLiveId, GoLive>,
        now: Moment,
    ) -> Result<Self> {
        let late = match withdrawal {
            Some(_) => None,
            None => judged.lateness(&breach, now)?,
        };
        Ok(Self {
            id: breach.id,
            reference: breach.id.reference(),
            clock: breach.clock_id,
            case: breach.case_id,
            metric: breach.metric,
            severity: breach.severity,
            clause: breach.clause,
            go_live: breach
                .go_live_id
                .and_then(|id| windows.get(&id))
                .map(|window| window.name.clone()),
            run: breach.run,
            interval: breach.interval,
            due_at: breach.due_at,
            noticed_at: breach.noticed_at,
            late: late.map(|late| LateBody {
                stopped_at: late.stopped_at,
                late_open_seconds: late.open,
                late_elapsed_seconds: late.elapsed,
            }),
            withdrawn: withdrawal.map(|withdrawal| WithdrawalBody {
                at: withdrawal.at,
                seq: withdrawal.seq,
                reason: withdrawal.reason,
            }),
        })
    }
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
    /// The texts that were erased, each with the number of the event that says so.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    erased_texts: BTreeMap<String, i64>,
    /// The files that go with it, in the order of `evidence`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<FileBody>,
    hash: String,
}

impl EventBody {
    fn of(
        event: Event,
        texts: &mut HashMap<i64, BTreeMap<String, SealedText>>,
        erased: &HashMap<i64, BTreeMap<String, i64>>,
        files: &[File],
    ) -> Self {
        let texts = texts.remove(&event.id).unwrap_or_default();
        let own = files.iter().filter(|file| file.event_id == Some(event.id));
        let files = own.map(|file| {
            let name = texts.get(file.text_name());
            FileBody::of(file.clone(), name.map(|name| name.content.clone()))
        });
        let files = files.collect();
        Self {
            erased_texts: erased.get(&event.seq).cloned().unwrap_or_default(),
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
            files,
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
        let erased = erasures(&judged.events);
        let files = evidence::of_incident(conn, id)?;
        let entries = breach::of_incident(conn, id)?;
        let windows: Vec<_> = entries
            .iter()
            .filter_map(|(breach, _)| breach.go_live_id)
            .collect();
        let windows = go_live::find_all(conn, &windows)?;
        let clocks = rows
            .into_iter()
            .map(|row| ClockBody::of(row, &judged))
            .collect();
        let breaches = entries
            .into_iter()
            .map(|entry| BreachBody::of(entry, &judged, &windows, now))
            .collect::<Result<_>>()?;
        let cases = judged
            .cases
            .iter()
            .map(|judged| CaseBody {
                id: judged.case.id,
                contract_id: judged.contract.id,
                contract: judged.contract.reference.clone(),
                vendor: judged.vendor.name.clone(),
                terms: judged.terms.number,
                go_live: judged.go_live.as_ref().map(|window| window.name.clone()),
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
            breaches,
            handovers: handovers(&judged.facts)
                .into_iter()
                .map(HandoverBody::from)
                .collect(),
            timeline: judged
                .events
                .into_iter()
                .map(|event| EventBody::of(event, &mut texts, &erased, &files))
                .collect(),
        })
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
    /// How they stand.
    pub(in crate::web) state: Option<String>,
    /// With a case of this vendor, by key or reference.
    pub(in crate::web) vendor: Option<String>,
    /// With a case of this contract, by key or reference.
    pub(in crate::web) contract: Option<String>,
    /// What the title, the reference or the vendor's reference has in it.
    pub(in crate::web) q: Option<String>,
}

impl Asked {
    /// What the store is asked for; an empty field asks for nothing.
    pub(in crate::web) fn search(
        &self,
        conn: &mut Conn,
        before: Option<IncidentId>,
    ) -> Result<Search> {
        let given = |field: &Option<String>| field.clone().filter(|text| !text.is_empty());
        let state = match given(&self.state) {
            Some(word) => Some(word.parse().map_err(|wrong| Error::field("state", wrong))?),
            None => None,
        };
        let vendor = match given(&self.vendor) {
            Some(key) => Some(vendor::find_by_key(conn, &key)?.id),
            None => None,
        };
        let contract = match given(&self.contract) {
            Some(key) => Some(contract::find_by_key(conn, &key)?.id),
            None => None,
        };
        Ok(Search {
            state,
            vendor,
            contract,
            text: given(&self.q).unwrap_or_default(),
            before,
        })
    }
}

/// `GET /incidents?state=&vendor=&contract=&q=`: newest first.
pub async fn list(state: Data<State>, paging: Paging, asked: Query<Asked>) -> Answer {
    let listing = read(&state, move |conn| {
        let search = asked.search(conn, paging.after()?)?;
        let rows = incident::list(conn, &search, paging.rows())?;
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
        let files = evidence::of_events(tx.conn(), &[event.id])?;
        let body = RecordedBody {
            event: EventBody::of(event, &mut texts, &HashMap::new(), &files),
            state: whole.state,
            clocks: whole.clocks,
        };
        Done::made(format!("/api/v1/incidents/{id}"), &body)
    })
    .await
}

/// `POST /incidents/{id}/erasures`: the texts are gone; the answer is the event that says so.
pub async fn erase(
    state: Data<State>,
    caller: Caller,
    key: Path<String>,
    body: JsonBody,
) -> Answer {
    let id = incident_id(&key)?;
    let (value, once) = body.parts();
    act_once(&state, &caller, once, move |tx| {
        let erasure = Erasure::read(&value)?;
        let event = actions::erasure::erase(tx, id, &erasure, Source::Api)?;
        let mut texts = incident::texts(tx.conn(), id)?;
        let body = EventBody::of(event, &mut texts, &HashMap::new(), &[]);
        Done::made(format!("/api/v1/incidents/{id}"), &body)
    })
    .await
}
