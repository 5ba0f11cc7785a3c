//! Erasing texts of an event, for administrators.

use actix_web::web::{Data, Path};
use askama::Template;

use super::{heard, reader};
use crate::actions;
use crate::domain::IncidentId;
use crate::domain::erasure::Erasure;
use crate::domain::timeline::{Event, SealedText};
use crate::domain::words::{EventKind, Source};
use crate::store::incident;
use crate::web::access::Caller;
use crate::web::api::incident::incident_id;
use crate::web::error::Answer;
use crate::web::form::{Form, Shape};
use crate::web::frame::Frame;
use crate::web::idempotency::{Done, act_once};
use crate::web::pages::{Choice, page, try_again};
use crate::web::shown::{Reader, Shown};
use crate::web::state::{State, read};
use crate::web::wording;

/// Longest part of a text that is shown where it is chosen, in characters.
const EXCERPT: usize = 160;

#[derive(Template)]
#[template(path = "incident/erase.html")]
struct ErasePage {
    frame: Frame,
    form: Form,
    heading: String,
    over: String,
    back: String,
    reference: String,
    seq: i64,
    kind: String,
    recorded: Shown,
    /// The texts that can be erased.
    texts: Vec<Choice>,
    is_erasure: bool,
}

async fn shown(
    state: &State,
    frame: Frame,
    form: Form,
    id: IncidentId,
    seq: i64,
    reader: Reader,
) -> Answer {
    let (title, event, texts) = read(state, move |conn| {
        let title = incident::get(conn, id)?.title;
        let (event, texts): (Event, Vec<SealedText>) = actions::erasure::erasable(conn, id, seq)?;
        Ok((title, event, texts))
    })
    .await?;
    let reference = id.reference();
    page(&ErasePage {
        frame,
        form,
        heading: format!("Erase texts of event {seq}"),
        over: format!("{reference} {title}"),
        back: format!("/incidents/{reference}"),
        reference,
        seq,
        kind: event.kind.as_str().replace('_', " "),
        recorded: reader.sees_here(event.recorded_at),
        texts: texts.iter().map(choice).collect(),
        is_erasure: event.kind == EventKind::Erased,
    })
}

fn choice(text: &SealedText) -> Choice {
    let mut excerpt: String = text.content.chars().take(EXCERPT).collect();
    if excerpt.len() < text.content.len() {
        excerpt.push('…');
    }
    let label = format!("{}: “{excerpt}”", wording::text_name(&text.name));
    Choice::new(text.name.clone(), label)
}

/// Asks which texts, and why.
pub async fn ask(
    state: Data<State>,
    frame: Frame,
    caller: Caller,
    path: Path<(String, i64)>,
) -> Answer {
    let (key, seq) = path.into_inner();
    let (id, reader) = (incident_id(&key)?, reader(&frame, &caller));
    shown(&state, frame, Form::default(), id, seq, reader).await
}

/// Erases them.
pub async fn erase(
    state: Data<State>,
    frame: Frame,
    caller: Caller,
    path: Path<(String, i64)>,
    form: Form,
) -> Answer {
    const SHAPE: Shape = Shape {
        numbers: &[],
        flags: &[],
        lists: &["texts"],
    };
    let (key, seq) = path.into_inner();
    let (id, reader) = (incident_id(&key)?, reader(&frame, &caller));
    let mut value = form.json(&SHAPE);
    value["seq"] = seq.into();
    let outcome = act_once(&state, &caller, form.once(), move |tx| {
        let erasure = Erasure::read(&value)?;
        let event = actions::erasure::erase(tx, id, &erasure, Source::Page)?;
        let said = format!("Erased; event {} says so.", event.seq);
        Ok(Done::go(format!("/incidents/{}", id.reference()), said))
    })
    .await;
    try_again(heard(outcome, reader), form, async |form| {
        shown(&state, frame, form, id, seq, reader).await
    })
    .await
}
