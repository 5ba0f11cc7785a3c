//! Messages that came in: on the page of the incident they are about, and all of them in a list.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Data, Path, Query};
use askama::Template;

use super::incident::{page_of, reader, take_local_time};
use super::{Choice, go, page, try_again};
use crate::actions;
use crate::domain::input::FieldError;
use crate::domain::received::{RECORDED, Received, Verdict};
use crate::domain::timeline::Event;
use crate::domain::words::EventKind;
use crate::domain::{IncidentId, ReceivedId};
use crate::error::Error;
use crate::mail::links::mask_message;
use crate::store::received;
use crate::time::Moment;
use crate::web::access::Caller;
use crate::web::api::received::{Asked, received_id};
use crate::web::error::Answer;
use crate::web::form::Form;
use crate::web::frame::Frame;
use crate::web::idempotency::{Done, act_once};
use crate::web::paging::Paging;
use crate::web::shown::{Reader, Shown};
use crate::web::state::{State, act, read};
use crate::web::wording;

/// A message as pages show it.
pub struct ReceivedRow {
    /// Its key.
    pub id: ReceivedId,
    /// Who it claims to come from.
    pub sender: String,
    /// What it is about.
    pub subject: String,
    /// What it says.
    pub text: String,
    /// The names of its attachments.
    pub files: String,
    /// When it reached us.
    pub received: Shown,
    /// When it says that it was written.
    pub dated: Option<Shown>,
    /// How long it is.
    pub size: String,
    /// The SHA-256 of its bytes.
    pub sha256: String,
    /// Reference of the incident; empty: none.
    pub incident: String,
    /// The word that decides how its verdict looks.
    pub tone: &'static str,
    /// What it is taken for.
    pub verdict: &'static str,
    /// Why.
    pub reason: String,
    /// The events that were recorded by it.
    pub events: Vec<(i64, String)>,
    /// Whether one of us has still to say what it is.
    pub waits: bool,
    /// Whether something can be recorded by it.
    pub is_offered: bool,
    /// Whether its bytes are kept.
    pub has_content: bool,
    /// When it was erased, if it was.
    pub erased: Option<Shown>,
}

impl ReceivedRow {
    /// A message for that reader; `events` are those of its incident.
    pub fn new(message: &Received, events: &[Event], reader: Reader) -> Self {
        let by_it = events
            .iter()
            .filter(|event| event.fields.message.as_ref() == Some(&message.sha256));
        let is_offered = message.verdict.is_offered() && message.erased_at.is_none();
        let sender = match (message.sender_name.as_str(), message.sender_email.as_str()) {
            ("", "") => "nobody named".to_string(),
            ("", email) => email.to_string(),
            (name, email) => format!("{name} <{email}>"),
        };
        let (tone, verdict) = verdict(message.verdict);
        Self {
            id: message.id,
            sender,
            subject: message.subject.clone(),
            text: message.body.clone(),
            files: message.files.0.join(", "),
            received: reader.sees_here(message.received_at),
            dated: message.dated_at.map(|at| reader.sees_here(at)),
            size: wording::bytes(message.size),
            sha256: message.sha256.clone(),
            incident: message
                .incident_id
                .map_or_else(String::new, |id| id.reference()),
            tone,
            verdict,
            reason: message.reason.clone(),
            events: by_it
                .map(|event| (event.seq, event.kind.as_str().replace('_', " ")))
                .collect(),
            waits: is_offered && message.handled_at.is_none(),
            is_offered,
            has_content: message.incident_id.is_some() && message.erased_at.is_none(),
            erased: message.erased_at.map(|at| reader.sees_here(at)),
        }
    }

    /// What can be recorded by one press, as value and label.
    pub fn kinds(&self) -> Vec<Choice> {
        let at_once = RECORDED.iter().filter(|kind| **kind != EventKind::Promised);
        at_once
            .map(|kind| Choice::new(kind.as_str(), kind_name(*kind)))
            .collect()
    }

    /// Names a sending of a form.
    pub fn request_id(&self) -> String {
        Form::default().request_id()
    }
}

fn kind_name(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Responded => "They respond",
        EventKind::Updated => "They say how it stands",
        EventKind::WorkedAround => "There is a way round it",
        EventKind::Restored => "The service is back",
        _ => "It is resolved",
    }
}

fn verdict(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Trusted => ("met", "From the vendor"),
        Verdict::Unproven => ("doubt", "Sender not proven"),
        Verdict::Automatic => ("cancelled", "Automatic, does not count"),
        Verdict::Ours => ("cancelled", "From one of us, does not count"),
        Verdict::Unplaced => ("doubt", "Belongs nowhere"),
        Verdict::Refused => ("failed", "Refused"),
    }
}

#[derive(Template)]
#[template(path = "received/list.html")]
struct ListPage {
    frame: Frame,
    form: Form,
    verdicts: Vec<Choice>,
    messages: Vec<ReceivedRow>,
    first: String,
    next: String,
}

/// Lists what came in, newest first.
pub async fn list(
    state: Data<State>,
    frame: Frame,
    caller: Caller,
    paging: Paging,
    asked: Query<Asked>,
) -> Answer {
    let (verdict_asked, incident) = asked.filters()?;
    let reader = reader(&frame, &caller);
    let after = paging.after::<ReceivedId>()?;
    let rows = paging.rows();
    let messages = read(&state, move |conn| {
        received::list(conn, verdict_asked, incident, after, rows)
    })
    .await?;
    let listing = paging.listing(messages, |message| message.id);
    let filters = [("verdict", &asked.verdict), ("incident", &asked.incident)];
    let filters = filters.map(|(name, value)| (name, value.clone().unwrap_or_default()));
    let address = |cursor: Option<&str>| super::address("/received", &filters, cursor);
    page(&ListPage {
        frame,
        verdicts: Verdict::ALL
            .iter()
            .map(|one| Choice::new(one.as_str(), verdict(*one).1))
            .collect(),
        messages: listing
            .items
            .iter()
            .map(|message| ReceivedRow::new(message, &[], reader))
            .collect(),
        first: after.map_or_else(String::new, |_| address(None)),
        next: listing
            .next
            .map_or_else(String::new, |cursor| address(Some(cursor.as_str()))),
        form: Form::of(filters),
    })
}

/// Gives the bytes of a message as they came, but for the signed links that it quotes.
pub async fn message(state: Data<State>, key: Path<String>) -> Answer {
    let id = received_id(&key)?;
    let bytes = read(&state, move |conn| received::content(conn, id)).await?;
    let bytes = bytes.ok_or_else(|| Error::not_found("bytes of received message", id))?;
    let named = format!("attachment; filename=\"received-{id}.eml\"");
    Ok(HttpResponse::Ok()
        .content_type("message/rfc822")
        .insert_header((header::CONTENT_DISPOSITION, named))
        .body(mask_message(&bytes)))
}

/// Records what one of us reads in a message.
pub async fn confirm(
    state: Data<State>,
    frame: Frame,
    caller: Caller,
    key: Path<String>,
    form: Form,
) -> Answer {
    let (id, reader) = (received_id(&key)?, reader(&frame, &caller));
    let incident = incident_of(&state, id).await?;
    let outcome = async {
        let (kind, promised_for) = asked_of(&form, reader)?;
        act_once(&state, &caller, form.once(), move |tx| {
            let event = actions::received::confirm(tx, id, kind, promised_for)?;
            let said = format!(
                "Recorded as event {}: {}, as of the moment the message came.",
                event.seq,
                kind.as_str().replace('_', " ")
            );
            Ok(Done::go(back(incident), said))
        })
        .await
    }
    .await;
    // The forms of the page have fields of other names: what is wrong is said above them.
    let shown = super::incident::blank();
    try_again(outcome, shown, async |form| {
        page_of(&state, frame, &caller, incident, form).await
    })
    .await
}

/// The kind of event, and the promised time in the reader's zone.
fn asked_of(form: &Form, reader: Reader) -> Answer<(EventKind, Option<Moment>)> {
    let mut value = serde_json::json!({"promised_for": form.value("promised_for")});
    let faults = take_local_time(&mut value, "promised_for", reader);
    if !faults.is_empty() {
        return Err(faults.into());
    }
    let promised_for = value["promised_for"].as_str();
    let promised_for = promised_for.map(Moment::parse).transpose();
    let promised_for =
        promised_for.map_err(|wrong| FieldError::new("promised_for", wrong.to_string()));
    let kind = form.value("kind").parse();
    let kind = kind.map_err(|wrong: String| FieldError::new("kind", wrong));
    match (kind, promised_for) {
        (Ok(kind), Ok(promised_for)) => Ok((kind, promised_for)),
        (kind, promised_for) => {
            let faults = [kind.err(), promised_for.err()];
            Err(faults.into_iter().flatten().collect::<Vec<_>>().into())
        }
    }
}

/// Notes that nothing more is to be recorded by a message.
pub async fn dismiss(state: Data<State>, caller: Caller, key: Path<String>, form: Form) -> Answer {
    let id = received_id(&key)?;
    let incident = incident_of(&state, id).await?;
    act_once(&state, &caller, form.once(), move |tx| {
        actions::received::dismiss(tx, id)?;
        let said = "Noted: nothing is to be recorded by that message.";
        Ok(Done::go(back(incident), said))
    })
    .await
}

/// Erases the texts and the bytes of a message.
pub async fn erase(state: Data<State>, caller: Caller, key: Path<String>) -> Answer {
    let id = received_id(&key)?;
    act(&state, &caller, move |tx| actions::received::erase(tx, id)).await?;
    Ok(go(
        "/received",
        "The message is erased; its hash and what is known of it otherwise stay.",
    ))
}

async fn incident_of(state: &State, id: ReceivedId) -> Answer<IncidentId> {
    let found = read(state, move |conn| received::get(conn, id)).await?;
    let incident = found.incident_id;
    Ok(incident.ok_or_else(|| Error::conflict("the message belongs to no incident"))?)
}

fn back(incident: IncidentId) -> String {
    format!("/incidents/{}#mail", incident.reference())
}
