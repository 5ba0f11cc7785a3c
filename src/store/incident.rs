//! Incidents, their cases and their timelines.

mod search;

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;

pub use search::{IncidentLine, Search, cases_of, list};

use super::among::AmongValues;
use super::{Conn, Tx};
use crate::domain::go_live::CaseTerms;
use crate::domain::incident::{Case, Incident, IncidentState};
use crate::domain::ladder::Step;
use crate::domain::timeline::{Event, Fields, GENESIS, SealedText, seal, text_hash};
use crate::domain::words::{EventKind, Source};
use crate::domain::{CaseId, ContractId, IncidentId, PersonId};
use crate::error::{Error, Result};
use crate::schema::{cases, event_texts, events, incidents};
use crate::time::Moment;

/// An incident about to be kept.
pub struct NewIncident<'a> {
    /// What it is, in a line.
    pub title: &'a str,
    /// What else is known.
    pub description: &'a str,
    /// Whether it is practice.
    pub drill: bool,
    /// When the first vendor was told.
    pub reported_at: Moment,
    /// Who raised it.
    pub reporter: PersonId,
}

/// Keeps a new incident, without cases and events yet.
///
/// # Errors
/// When the database does not take it.
pub fn insert(tx: &mut Tx<'_>, new: &NewIncident<'_>) -> Result<Incident> {
    let now = tx.now();
    let id: IncidentId = diesel::insert_into(incidents::table)
        .values((
            incidents::title.eq(new.title),
            incidents::description.eq(new.description),
            incidents::state.eq(IncidentState::Open),
            incidents::drill.eq(new.drill),
            incidents::reported_at.eq(new.reported_at),
            incidents::reporter.eq(new.reporter),
            incidents::created_at.eq(now),
            incidents::last_seq.eq(0_i64),
            incidents::head_hash.eq(GENESIS),
        ))
        .returning(incidents::id)
        .get_result(tx.conn())?;
    get(tx.conn(), id)
}

/// The incident of that key.
///
/// # Errors
/// When there is none.
pub fn get(conn: &mut Conn, id: IncidentId) -> Result<Incident> {
    incidents::table
        .find(id)
        .select(Incident::as_select())
        .get_result(conn)
        .optional()?
        .ok_or_else(|| Error::not_found("incident", id.reference()))
}

/// The incidents of those keys, in their order.
///
/// # Errors
/// When the database does not answer.
pub fn get_all(conn: &mut Conn, ids: &[IncidentId]) -> Result<Vec<Incident>> {
    Ok(incidents::table
        .filter(incidents::id.among(ids))
        .order(incidents::id)
        .select(Incident::as_select())
        .load(conn)?)
}

/// Locks an incident before anything of it is changed, and reads the clock again: the moment of the
/// transaction is the one at which it could begin to judge, and never before the one that the incident has
/// reached already.
///
/// # Errors
/// When there is none.
pub fn lock(tx: &mut Tx<'_>, id: IncidentId) -> Result<Incident> {
    if let Conn::Postgres(conn) = tx.conn() {
        incidents::table
            .find(id)
            .select(incidents::id)
            .for_update()
            .first::<IncidentId>(conn)
            .optional()?;
    }
    tx.refresh_now()?;
    let reached = super::reached(tx.conn(), id)?;
    tx.not_before(reached);
    get(tx.conn(), id)
}

/// When one of us, a vendor or an import last recorded an event; what the engine records follows from
/// something else.
///
/// # Errors
/// When the database does not answer.
pub fn last_recorded(conn: &mut Conn) -> Result<Option<Moment>> {
    Ok(events::table
        .filter(events::source.ne(Source::Engine))
        .order(events::id.desc())
        .select(events::recorded_at)
        .first(conn)
        .optional()?)
}

/// Locks those incidents that nobody else holds, in order of key, and gives them.
///
/// # Errors
/// When the database does not answer.
pub fn lock_free(tx: &mut Tx<'_>, ids: &[IncidentId]) -> Result<Vec<Incident>> {
    let free = match tx.conn() {
        Conn::Postgres(conn) => incidents::table
            .filter(incidents::id.among(ids))
            .order(incidents::id)
            .select(incidents::id)
            .for_update()
            .skip_locked()
            .load::<IncidentId>(conn)?,
        Conn::Sqlite(_) => ids.to_vec(),
    };
    tx.refresh_now()?;
    get_all(tx.conn(), &free)
}

/// Keeps a new case of an incident that those terms judge, with their ladder frozen.
///
/// # Errors
/// When the contract has a case of this incident already, or the database does not take it.
pub fn insert_case(
    tx: &mut Tx<'_>,
    incident: IncidentId,
    terms: &CaseTerms,
    severity: &str,
    vendor_reference: &str,
) -> Result<CaseId> {
    let ladder: &[Step] = &terms.terms.promise.ladder;
    Ok(diesel::insert_into(cases::table)
        .values((
            cases::incident_id.eq(incident),
            cases::contract_id.eq(terms.terms.contract_id),
            cases::terms_id.eq(terms.terms.id),
            cases::go_live_id.eq(terms.go_live.as_ref().map(|window| window.id)),
            cases::severity.eq(severity),
            cases::vendor_reference.eq(vendor_reference),
            cases::ladder.eq(serde_json::to_string(ladder)?),
        ))
        .returning(cases::id)
        .get_result(tx.conn())?)
}

/// The cases of an incident in the order they were opened.
///
/// # Errors
/// When the database does not answer.
pub fn cases(conn: &mut Conn, incident: IncidentId) -> Result<Vec<Case>> {
    Ok(cases::table
        .filter(cases::incident_id.eq(incident))
        .order(cases::id)
        .select(Case::as_select())
        .load(conn)?)
}

/// Incidents with a case of that contract of which something was said at or after `since` that may have
/// been its report, in order of key.
///
/// # Errors
/// When the database does not answer.
pub fn reported_since(
    conn: &mut Conn,
    contract: ContractId,
    since: Moment,
) -> Result<Vec<IncidentId>> {
    let all: Vec<IncidentId> = cases::table
        .filter(cases::contract_id.eq(contract))
        .select(cases::incident_id)
        .order(cases::incident_id)
        .load(conn)?;
    let says = [EventKind::Reported, EventKind::Corrected];
    let mut found = Vec::new();
    // Databases take a bounded number of values in one question.
    for some in all.chunks(500) {
        let some: Vec<IncidentId> = events::table
            .filter(
                events::incident_id
                    .eq_any(some)
                    .and(events::kind.eq_any(says))
                    .and(events::recorded_at.ge(since)),
            )
            .select(events::incident_id)
            .distinct()
            .order(events::incident_id)
            .load(conn)?;
        found.extend(some);
    }
    Ok(found)
}

/// Keeps how the incident and its cases stand now.
///
/// # Errors
/// When the database does not take it.
pub fn keep_standing(
    tx: &mut Tx<'_>,
    incident: IncidentId,
    state: IncidentState,
    reported_at: Moment,
) -> Result<()> {
    diesel::update(incidents::table.find(incident))
        .set((
            incidents::state.eq(state),
            incidents::reported_at.eq(reported_at),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// Keeps which terms judge a case, with their go-live window; its ladder stays.
///
/// # Errors
/// When the database does not take it.
pub fn keep_terms(tx: &mut Tx<'_>, case: CaseId, terms: &CaseTerms) -> Result<()> {
    diesel::update(cases::table.find(case))
        .set((
            cases::terms_id.eq(terms.terms.id),
            cases::go_live_id.eq(terms.go_live.as_ref().map(|window| window.id)),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// Keeps a case's severity of the moment.
///
/// # Errors
/// When the database does not take it.
pub fn keep_severity(tx: &mut Tx<'_>, case: CaseId, severity: &str) -> Result<()> {
    diesel::update(cases::table.find(case))
        .set(cases::severity.eq(severity))
        .execute(tx.conn())?;
    Ok(())
}

/// An event about to be recorded.
pub struct NewEvent {
    /// The case it concerns; none: all.
    pub case: Option<CaseId>,
    /// What happened.
    pub kind: EventKind,
    /// When.
    pub occurred_at: Moment,
    /// By which way it came.
    pub source: Source,
    /// What else the kind carries.
    pub fields: Fields,
    /// Its texts by name; empty ones are left out.
    pub texts: Vec<(&'static str, String)>,
}

/// Appends an event to the timeline of a locked incident: numbered, and chained by hash to the one
/// before.
///
/// # Errors
/// When the database does not take it.
pub fn append(tx: &mut Tx<'_>, incident: &mut Incident, new: NewEvent) -> Result<Event> {
    let sealed: Vec<SealedText> = new
        .texts
        .into_iter()
        .filter(|(_, content)| !content.is_empty())
        .map(|(name, content)| {
            Ok(SealedText {
                name: name.to_string(),
                salt: salt()?,
                content,
            })
        })
        .collect::<Result<_>>()?;
    let hashes: BTreeMap<&str, String> = sealed
        .iter()
        .map(|text| (text.name.as_str(), text_hash(text)))
        .collect();
    let mut event = Event {
        id: 0,
        incident_id: incident.id,
        seq: incident.last_seq + 1,
        case_id: new.case,
        kind: new.kind,
        occurred_at: new.occurred_at,
        recorded_at: tx.now(),
        person_id: tx.actor().person(),
        source: new.source,
        fields: new.fields,
        text_hashes: serde_json::to_string(&hashes)?,
        previous_hash: incident.head_hash.clone(),
        hash: String::new(),
    };
    event.hash = seal(&event)?;
    event.id = diesel::insert_into(events::table)
        .values((
            events::incident_id.eq(event.incident_id),
            events::seq.eq(event.seq),
            events::case_id.eq(event.case_id),
            events::kind.eq(event.kind),
            events::occurred_at.eq(event.occurred_at),
            events::recorded_at.eq(event.recorded_at),
            events::person_id.eq(event.person_id),
            events::source.eq(event.source),
            events::fields.eq(serde_json::to_string(&event.fields)?),
            events::text_hashes.eq(&event.text_hashes),
            events::previous_hash.eq(&event.previous_hash),
            events::hash.eq(&event.hash),
        ))
        .returning(events::id)
        .get_result(tx.conn())?;
    for text in &sealed {
        diesel::insert_into(event_texts::table)
            .values((
                event_texts::event_id.eq(event.id),
                event_texts::name.eq(&text.name),
                event_texts::salt.eq(&text.salt),
                event_texts::content.eq(&text.content),
            ))
            .execute(tx.conn())?;
    }
    incident.last_seq = event.seq;
    incident.head_hash.clone_from(&event.hash);
    diesel::update(incidents::table.find(incident.id))
        .set((
            incidents::last_seq.eq(incident.last_seq),
            incidents::head_hash.eq(&incident.head_hash),
        ))
        .execute(tx.conn())?;
    Ok(event)
}

fn salt() -> Result<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow::anyhow!("the machine gives no random numbers: {error}"))?;
    Ok(hex::encode(bytes))
}

/// The timeline of an incident in the order it was recorded.
///
/// # Errors
/// When the database does not answer.
pub fn events(conn: &mut Conn, incident: IncidentId) -> Result<Vec<Event>> {
    Ok(events::table
        .filter(events::incident_id.eq(incident))
        .order(events::seq)
        .select(Event::as_select())
        .load(conn)?)
}

/// The timelines of several incidents, each in the order it was recorded.
///
/// # Errors
/// When the database does not answer.
pub fn events_of(
    conn: &mut Conn,
    incidents: &[IncidentId],
) -> Result<HashMap<IncidentId, Vec<Event>>> {
    let rows: Vec<Event> = events::table
        .filter(events::incident_id.among(incidents))
        .order((events::incident_id, events::seq))
        .select(Event::as_select())
        .load(conn)?;
    let mut timelines: HashMap<IncidentId, Vec<Event>> = HashMap::new();
    for event in rows {
        timelines.entry(event.incident_id).or_default().push(event);
    }
    Ok(timelines)
}

/// The texts of an incident's events, by event and name; erased ones are missing.
///
/// # Errors
/// When the database does not answer.
pub fn texts(
    conn: &mut Conn,
    incident: IncidentId,
) -> Result<HashMap<i64, BTreeMap<String, SealedText>>> {
    let rows: Vec<(i64, String, String, String)> = event_texts::table
        .inner_join(events::table)
        .filter(events::incident_id.eq(incident))
        .select((
            event_texts::event_id,
            event_texts::name,
            event_texts::salt,
            event_texts::content,
        ))
        .load(conn)?;
    let mut texts: HashMap<i64, BTreeMap<String, SealedText>> = HashMap::new();
    for (event, name, salt, content) in rows {
        let text = SealedText {
            name: name.clone(),
            salt,
            content,
        };
        texts.entry(event).or_default().insert(name, text);
    }
    Ok(texts)
}

/// Every incident, in order of key; for walks through all chains.
///
/// # Errors
/// When the database does not answer.
pub fn ids(conn: &mut Conn) -> Result<Vec<IncidentId>> {
    Ok(incidents::table
        .select(incidents::id)
        .order(incidents::id)
        .load(conn)?)
}
