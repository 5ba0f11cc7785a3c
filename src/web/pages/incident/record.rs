//! Recording what happened, from any of the forms on the incident's page.

use actix_web::web::{Data, Path};
use serde_json::Value;

use super::{heard, reader, show, take_local_time};
use crate::actions;
use crate::domain::incident::Record;
use crate::domain::input::FieldError;
use crate::domain::words::Source;
use crate::time::SECOND;
use crate::web::access::Caller;
use crate::web::api::incident::incident_id;
use crate::web::error::{Answer, Fault};
use crate::web::form::{Form, Shape};
use crate::web::frame::Frame;
use crate::web::idempotency::{Done, act_once};
use crate::web::pages::compound::{at_form, join_faults, length_of_text, take};
use crate::web::pages::try_again;
use crate::web::shown::Reader;
use crate::web::spool::{FileForm, Spooled};
use crate::web::state::{State, act};

/// The forms of the page by name.
pub const ACTS: &[&str] = &[
    "did", "promise", "confirm", "loss", "pause", "resume", "answer", "severity", "take", "note",
    "reopen", "handover", "cancel",
];

const SHAPE: Shape = Shape {
    numbers: &["case", "to_case", "concerns"],
    flags: &["void"],
    lists: &["metrics", "evidence"],
};

/// Records an event.
pub async fn record(
    state: Data<State>,
    frame: Frame,
    caller: Caller,
    key: Path<String>,
    sent: FileForm,
) -> Answer {
    let FileForm { mut form, files } = sent;
    let id = incident_id(&key)?;
    let act = form.value("_act").to_string();
    if !ACTS.contains(&act.as_str()) {
        return Err(Fault::Malformed(format!(
            "\"{act}\" is no form of this page; open the incident and fill in one of its forms"
        )));
    }
    let reader = reader(&frame, &caller);
    // Kept before the input is looked at: a form that is shown again cannot choose a file again.
    let field = format!("{act}.evidence");
    for file in files {
        if !form.is(&field, &file.arrived.sha256) {
            let hash = upload(&state, &caller, file).await?;
            form.add(&field, hash);
        }
    }
    let outcome = async {
        let record = checked(&form, &act, reader)?;
        act_once(&state, &caller, form.once(), move |tx| {
            let event = actions::incident::record(tx, id, &record, Source::Page)?;
            let kind = event.kind.as_str().replace('_', " ");
            let said = format!("Recorded as event {}: {kind}.", event.seq);
            Ok(Done::go(format!("/incidents/{}", id.reference()), said))
        })
        .await
    }
    .await;
    let outcome = outcome.map_err(|fault| at_form(fault, |field| place(&act, field)));
    try_again(heard(outcome, reader), form, async |form| {
        show::page_of(&state, frame, &caller, id, form).await
    })
    .await
}

/// Keeps a file until the event takes it; gives its hash.
async fn upload(state: &State, caller: &Caller, file: Spooled) -> Answer<String> {
    let Spooled {
        arrived,
        mut content,
        ..
    } = file;
    act(state, caller, move |tx| {
        actions::evidence::keep(tx, &arrived, &mut content)?;
        Ok(arrived.sha256)
    })
    .await
}

/// Where a fault of the input stands on the page: forms with one kind of event have no field for it.
fn place(act: &str, field: &str) -> String {
    match field {
        "" => String::new(),
        "kind" if !matches!(act, "did" | "answer" | "confirm") => act.to_string(),
        field => format!("{act}.{}", field.split('[').next().unwrap_or(field)),
    }
}

fn checked(form: &Form, act: &str, reader: Reader) -> Answer<Record> {
    let mut value = form.json(&SHAPE)[act].take();
    let mut ours = take_local_time(&mut value, "occurred_at", reader);
    ours.extend(take_local_time(&mut value, "promised_for", reader));
    ours.extend(take_seconds(&mut value));
    match Record::read(&value) {
        Ok(record) => {
            let mut faults = ours;
            faults.extend(unsaid(act, &record));
            if faults.is_empty() {
                Ok(record)
            } else {
                Err(faults.into())
            }
        }
        Err(faults) => Err(join_faults(ours, faults, str::to_string).into()),
    }
}

/// Puts a number of seconds in the place of how much data was lost, written as a length of time.
pub(super) fn take_seconds(value: &mut Value) -> Vec<FieldError> {
    let Some(fields) = value.as_object_mut() else {
        return Vec::new();
    };
    let text = take(fields, "seconds");
    if text.trim().is_empty() {
        return Vec::new();
    }
    match length_of_text(&text) {
        Ok(lost) => {
            fields.insert("seconds".into(), (lost / SECOND).into());
            Vec::new()
        }
        Err(wrong) => vec![FieldError::new("seconds", wrong)],
    }
}

/// A note without a word says nothing.
fn unsaid(act: &str, record: &Record) -> Option<FieldError> {
    (act == "note" && record.reason.is_empty())
        .then(|| FieldError::new("reason", "write what is to be remembered"))
}
