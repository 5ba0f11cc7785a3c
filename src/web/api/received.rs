//! Messages that came in.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::incident::incident_id;
use crate::actions;
use crate::domain::input::{Faults, FieldError};
use crate::domain::reading::Object;
use crate::domain::received::{FileNames, Received, Verdict};
use crate::domain::words::EventKind;
use crate::domain::{CaseId, IncidentId, LetterId, PersonId, ReceivedId};
use crate::error::{Error, Result};
use crate::store::{Conn, incident, received};
use crate::time::Moment;
use crate::web::{Answer, Caller, Done, JsonBody, Paging, RawBody, State, act_once, read};

/// A message as the API shows it.
#[derive(Serialize)]
struct ReceivedBody {
    id: ReceivedId,
    received_at: Moment,
    verdict: Verdict,
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
    incident: Option<String>,
    case: Option<CaseId>,
    letter: Option<LetterId>,
    from: From,
    subject: String,
    text: String,
    files: FileNames,
    dated_at: Option<Moment>,
    message_id: String,
    size: i64,
    sha256: String,
    handled_at: Option<Moment>,
    handled_by: Option<PersonId>,
    erased_at: Option<Moment>,
    /// Numbers of the events that were recorded by it.
    events: Vec<i64>,
}

/// Who a message claims to come from.
#[derive(Serialize)]
struct From {
    name: String,
    email: String,
}

impl ReceivedBody {
    fn of(conn: &mut Conn, message: Received) -> Result<Self> {
        let mut events = Vec::new();
        if let Some(incident) = message.incident_id {
            events = incident::events(conn, incident)?;
            events.retain(|event| event.fields.message.as_ref() == Some(&message.sha256));
        }
        Ok(Self {
            id: message.id,
            received_at: message.received_at,
            verdict: message.verdict,
            reason: message.reason,
            incident: message.incident_id.map(|id| id.reference()),
            case: message.case_id,
            letter: message.letter_id,
            from: From {
                name: message.sender_name,
                email: message.sender_email,
            },
            subject: message.subject,
            text: message.body,
            files: message.files,
            dated_at: message.dated_at,
            message_id: message.message_id,
            size: message.size,
            sha256: message.sha256,
            handled_at: message.handled_at,
            handled_by: message.handled_by,
            erased_at: message.erased_at,
            events: events.into_iter().map(|event| event.seq).collect(),
        })
    }
}

/// Which messages are asked for.
#[derive(Deserialize)]
pub struct Asked {
    /// What they are taken for.
    pub(in crate::web) verdict: Option<String>,
    /// About this incident, by key or reference.
    pub(in crate::web) incident: Option<String>,
}

impl Asked {
    /// What the messages are taken for and what they are about; an empty field asks for nothing.
    pub(in crate::web) fn filters(&self) -> Result<(Option<Verdict>, Option<IncidentId>)> {
        let given = |field: &Option<String>| field.clone().filter(|text| !text.is_empty());
        let verdict = match given(&self.verdict) {
            Some(word) => Some(
                word.parse()
                    .map_err(|wrong: String| Error::field("verdict", wrong))?,
            ),
            None => None,
        };
        let incident = match given(&self.incident) {
            Some(key) => Some(incident_id(&key)?),
            None => None,
        };
        Ok((verdict, incident))
    }
}

/// `GET /received-messages?verdict=&incident=`: newest first.
pub async fn list(state: Data<State>, paging: Paging, asked: Query<Asked>) -> Answer {
    let (verdict, incident) = asked.filters()?;
    listed(&state, paging, verdict, incident).await
}

/// `GET /incidents/{id}/received-messages`: those about an incident, newest first.
pub async fn of_incident(state: Data<State>, paging: Paging, key: Path<String>) -> Answer {
    let incident = incident_id(&key)?;
    listed(&state, paging, None, Some(incident)).await
}

async fn listed(
    state: &State,
    paging: Paging,
    verdict: Option<Verdict>,
    incident: Option<IncidentId>,
) -> Answer {
    let listing = read(state, move |conn| {
        let rows = received::list(conn, verdict, incident, paging.after()?, paging.rows())?;
        let mut bodies = Vec::with_capacity(rows.len());
        for message in rows {
            bodies.push(ReceivedBody::of(conn, message)?);
        }
        Ok(paging.listing(bodies, |body| body.id))
    })
    .await?;
    Ok(HttpResponse::Ok().json(listing))
}

/// `POST /received-messages/{id}/events`: what one of us reads in it, recorded as of the moment it came.
pub async fn confirm(
    state: Data<State>,
    caller: Caller,
    key: Path<String>,
    body: JsonBody,
) -> Answer {
    let id = received_id(&key)?;
    let (value, once) = body.parts();
    act_once(&state, &caller, once, move |tx| {
        let (kind, promised_for) = asked_of(&value)?;
        let event = actions::received::confirm(tx, id, kind, promised_for)?;
        let message = received::get(tx.conn(), id)?;
        let body = ReceivedBody::of(tx.conn(), message)?;
        Done::made(format!("/api/v1/incidents/{}", event.incident_id), &body)
    })
    .await
}

fn asked_of(value: &Value) -> std::result::Result<(EventKind, Option<Moment>), Vec<FieldError>> {
    let mut faults = Faults::none();
    let asked = Object::open(value, "", &["kind", "promised_for"], &mut faults);
    let asked = asked.and_then(|object| {
        let kind = object.parsed("kind", &mut faults);
        let promised_for = object.optional("promised_for", &mut faults);
        Some((kind?, promised_for))
    });
    match asked {
        Some(asked) => faults.or(asked),
        None => Err(faults.into_vec()),
    }
}

/// `POST /received-messages/{id}/dismiss`: nothing, or nothing more, is to be recorded by it.
pub async fn dismiss(
    state: Data<State>,
    caller: Caller,
    key: Path<String>,
    body: RawBody,
) -> Answer {
    let id = received_id(&key)?;
    act_once(&state, &caller, body.once, move |tx| {
        actions::received::dismiss(tx, id)?;
        let message = received::get(tx.conn(), id)?;
        Done::answered(&ReceivedBody::of(tx.conn(), message)?)
    })
    .await
}

pub(in crate::web) fn received_id(key: &str) -> Result<ReceivedId> {
    key.parse()
        .map(ReceivedId)
        .map_err(|_| Error::not_found("received message", key))
}
