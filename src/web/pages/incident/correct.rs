//! Setting an event right: what is entered becomes an event of its own that names it.

use actix_web::web::{Data, Path};
use askama::Template;
use serde_json::{Value, json};

use super::record::take_seconds;
use super::{heard, reader};
use crate::actions;
use crate::consequence::{Judged, judged};
use crate::domain::IncidentId;
use crate::domain::incident::Record;
use crate::domain::input::FieldError;
use crate::domain::timeline::{Event, Fact};
use crate::domain::words::{EventKind, Source};
use crate::error::{Error, Result};
use crate::store::incident;
use crate::time::SECOND;
use crate::web::access::Caller;
use crate::web::api::incident::incident_id;
use crate::web::error::Answer;
use crate::web::form::{Form, Shape};
use crate::web::frame::Frame;
use crate::web::idempotency::{Done, act_once};
use crate::web::pages::changes::ChangedCase;
use crate::web::pages::compound::join_faults;
use crate::web::pages::{Choice, page, try_again};
use crate::web::shown::{Reader, Shown, local_moment, local_text};
use crate::web::state::{State, read};
use crate::web::wording;

#[derive(Template)]
#[template(path = "incident/correct.html")]
struct CorrectPage {
    frame: Frame,
    form: Form,
    heading: String,
    over: String,
    back: String,
    reference: String,
    seq: i64,
    kind: String,
    happened: Shown,
    recorded: Shown,
    zone: String,
    ways: Vec<Choice>,
    /// The clock stops, where the event carries one.
    stops: Vec<Choice>,
    /// The severities, where the event carries one.
    severities: Vec<Choice>,
    /// Whether the event says how much data was lost.
    has_amount: bool,
    /// Whether there is something of it that can be changed.
    may_change: bool,
    /// What changes where other terms come to judge the case, to be confirmed.
    changes: Vec<ChangedCase>,
}

/// An event with what it says at present.
struct Target {
    judged: Judged,
    event: Event,
    /// What is held to have happened; nothing when it was taken back.
    fact: Option<Fact>,
}

impl Target {
    fn form(&self, reader: Reader) -> Form {
        let mut form = Form::default();
        let way = if self.may_change() {
            "change"
        } else {
            "take_back"
        };
        form.set("_how", way);
        if let Some(fact) = &self.fact {
            form.set("occurred_at", local_text(fact.at, reader.zone));
            let lost = fact
                .seconds
                .map(|lost| wording::length(lost.saturating_mul(SECOND)));
            form.set("seconds", lost.unwrap_or_default());
            form.set("stop", fact.stop.clone().unwrap_or_default());
            form.set("severity", fact.severity.clone().unwrap_or_default());
        }
        form
    }

    /// Remarks and answers carry nothing that a correction could change but their moment, which no
    /// clock cares for.
    fn may_change(&self) -> bool {
        self.fact.is_some()
    }

    fn page(self, frame: Frame, form: Form, reader: Reader, changes: Vec<ChangedCase>) -> Answer {
        let promises = || self.judged.cases.iter().map(|case| &case.terms.promise);
        let kind = self.fact.as_ref().map(|fact| fact.kind);
        let has_stop = self.fact.as_ref().is_some_and(|fact| fact.stop.is_some());
        let mut stops: Vec<Choice> = Vec::new();
        if has_stop && matches!(kind, Some(EventKind::Paused | EventKind::Resumed)) {
            for stop in promises().flat_map(|promise| &promise.clock_stops) {
                let label = format!("{} · {}", stop.code, stop.name);
                stops.push(Choice::new(stop.code.clone(), label));
            }
        }
        let mut severities: Vec<Choice> = Vec::new();
        if matches!(kind, Some(EventKind::Reported | EventKind::SeverityChanged)) {
            for severity in promises().flat_map(|promise| &promise.severities) {
                let label = format!("{} {}", severity.code, severity.name);
                severities.push(Choice::new(severity.code.clone(), label));
            }
        }
        for choices in [&mut stops, &mut severities] {
            choices.dedup_by(|a, b| a.value == b.value);
        }
        let ways = [
            ("change", "Change it", self.may_change()),
            (
                "take_back",
                "Take it back: it did not happen",
                self.event.kind != EventKind::Reported,
            ),
        ];
        let reference = self.judged.incident.id.reference();
        page(&CorrectPage {
            frame,
            heading: format!("Correct event {}", self.event.seq),
            over: format!("{reference} {}", self.judged.incident.title),
            back: format!("/incidents/{reference}"),
            reference,
            seq: self.event.seq,
            kind: self.event.kind.as_str().replace('_', " "),
            happened: reader.sees_here(
                self.fact
                    .as_ref()
                    .map_or(self.event.occurred_at, |fact| fact.at),
            ),
            recorded: reader.sees_here(self.event.recorded_at),
            zone: reader.zone.name().to_string(),
            ways: ways
                .into_iter()
                .filter(|(_, _, offered)| *offered)
                .map(|(value, label, _)| Choice::new(value, label))
                .collect(),
            stops,
            severities,
            has_amount: kind == Some(EventKind::DataLoss),
            may_change: self.may_change(),
            changes,
            form,
        })
    }
}

async fn target(state: &State, id: IncidentId, seq: i64, reader: Reader) -> Answer<Target> {
    read(state, move |conn| {
        let found = incident::get(conn, id)?;
        let judged = judged(conn, found, reader.now)?;
        let event = by_seq(&judged, seq)?;
        let mut root = event.clone();
        while let Some(corrects) = root.fields.corrects {
            root = by_seq(&judged, corrects)?;
        }
        let fact = judged.facts.iter().find(|fact| fact.seq == root.seq);
        let fact = fact.cloned();
        Ok(Target {
            judged,
            event,
            fact,
        })
    })
    .await
}

fn by_seq(judged: &Judged, seq: i64) -> Result<Event> {
    let found = judged.events.iter().find(|event| event.seq == seq);
    found.cloned().ok_or_else(|| Error::not_found("event", seq))
}

/// Asks what is right.
pub async fn ask(
    state: Data<State>,
    frame: Frame,
    caller: Caller,
    path: Path<(String, i64)>,
) -> Answer {
    let (key, seq) = path.into_inner();
    let reader = reader(&frame, &caller);
    let target = target(&state, incident_id(&key)?, seq, reader).await?;
    let form = target.form(reader);
    target.page(frame, form, reader, Vec::new())
}

/// Records the correction; one that brings the case under other terms is shown first.
pub async fn correct(
    state: Data<State>,
    frame: Frame,
    caller: Caller,
    path: Path<(String, i64)>,
    form: Form,
) -> Answer {
    let (key, seq) = path.into_inner();
    let id = incident_id(&key)?;
    let reader = reader(&frame, &caller);
    let target = target(&state, id, seq, reader).await?;
    let checked = checked(&form, &target, reader);
    let changes = match &checked {
        Ok(record) => changes(&state, id, record.clone(), reader).await,
        Err(_) => Vec::new(),
    };
    let outcome = async {
        let record = checked?;
        act_once(&state, &caller, form.once(), move |tx| {
            let event = actions::incident::record(tx, id, &record, Source::Page)?;
            let said = format!("Event {seq} is corrected by event {}.", event.seq);
            Ok(Done::go(format!("/incidents/{}", id.reference()), said))
        })
        .await
    }
    .await;
    try_again(heard(outcome, reader), form, async |form| {
        target.page(frame, form, reader, changes)
    })
    .await
}

/// What changes of cases that come under other terms; nothing where the correction is refused anyway.
async fn changes(
    state: &State,
    id: IncidentId,
    record: Record,
    reader: Reader,
) -> Vec<ChangedCase> {
    let preview = read(state, move |conn| {
        actions::incident::preview(conn, id, &record, reader.now)
    });
    let Ok(preview) = preview.await else {
        return Vec::new();
    };
    let changed = preview.cases.iter();
    let changed = changed.filter(|case| !case.before.is(&case.after));
    changed.map(|case| ChangedCase::new(case, reader)).collect()
}

/// Only what differs from what the event says now is a correction.
fn checked(form: &Form, target: &Target, reader: Reader) -> Answer<Record> {
    let mut value = form.json(&Shape::default());
    let mut ours = Vec::new();
    let mut sent = json!({
        "kind": EventKind::Corrected, "corrects": target.event.seq, "reason": value["reason"].take(),
    });
    if form.value("_how") == "take_back" {
        sent["taken_back"] = Value::Bool(true);
    } else {
        let before = target.form(reader);
        ours.extend(take_seconds(&mut value));
        for field in ["stop", "severity", "seconds"] {
            if !form.value(field).is_empty() && form.value(field) != before.value(field) {
                sent[field] = value[field].take();
            }
        }
        let at = form.value("occurred_at");
        if !at.is_empty() && !same_time(at, before.value("occurred_at")) {
            match local_moment(at, reader.zone) {
                Ok(at) => sent["occurred_at"] = json!(at),
                Err(wrong) => ours.push(FieldError::new("occurred_at", wrong)),
            }
        }
        if sent.as_object().is_some_and(|fields| fields.len() == 3) && ours.is_empty() {
            ours.push(FieldError::new(
                "occurred_at",
                "nothing is changed; enter what is right, or take the event back",
            ));
        }
    }
    if form.checked("confirm_terms") {
        sent["confirm_terms"] = Value::Bool(true);
    }
    match Record::read(&sent) {
        Ok(record) if ours.is_empty() => Ok(record),
        Ok(_) => Err(ours.into()),
        Err(faults) => Err(join_faults(ours, faults, str::to_string).into()),
    }
}

/// Browsers leave out seconds that are zero.
fn same_time(sent: &str, before: &str) -> bool {
    sent == before || before.strip_suffix(":00") == Some(sent)
}
