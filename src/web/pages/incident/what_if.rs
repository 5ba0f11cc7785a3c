//! What would be if something happened: three questions on an incident's page, and the answer.

use std::collections::HashMap;

use actix_web::web::{Data, Path, Query};
use askama::Template;
use serde_json::{Value, json};

use super::acts::Acts;
use super::{heard, reader, take_local_time};
use crate::actions::incident::{Answer as Answered, Compared, Stands, WhatIf};
use crate::consequence::{Foreseen, judged};
use crate::domain::CaseId;
use crate::domain::clock::Verdict;
use crate::domain::ladder::Deed;
use crate::domain::words::ClockState;
use crate::store::incident;
use crate::web::access::Caller;
use crate::web::api::incident::incident_id;
use crate::web::error::{Answer, Fault};
use crate::web::form::Form;
use crate::web::frame::Frame;
use crate::web::pages::compound::at_form;
use crate::web::pages::{page, try_again};
use crate::web::shown::{Reader, Shown};
use crate::web::state::{State, block, read};
use crate::web::wording;

/// Steps that the page shows; the API has them all.
const MOST_STEPS: usize = 30;

/// The questions by name, each with the kind of its event where that is fixed.
const QUESTIONS: [(&str, &str); 3] = [
    ("if_pause", "paused"),
    ("if_severity", "severity_changed"),
    ("if_did", ""),
];

#[derive(Template)]
#[template(path = "incident/what_if.html")]
struct WhatIfPage {
    frame: Frame,
    form: Form,
    reference: String,
    over: String,
    over_href: String,
    acts: Acts,
    answered: Option<Told>,
}

/// The answer as the page shows it.
struct Told {
    question: String,
    at: Shown,
    until: Shown,
    clocks: Vec<ClockRow>,
    /// Steps that come only as things are, or only if it happened.
    steps: Vec<StepRow>,
    /// How many of those are not shown.
    more: usize,
    /// How many come either way.
    common: usize,
}

struct ClockRow {
    what: String,
    whose: String,
    before: Option<StandsPart>,
    after: Option<StandsPart>,
    changes: bool,
}

struct StandsPart {
    state: &'static str,
    state_text: &'static str,
    due: Option<Shown>,
    used: String,
    severity: String,
}

struct StepRow {
    at: Shown,
    what: String,
    when: String,
    to: String,
    before: bool,
    after: bool,
}

impl StandsPart {
    fn new(stands: &Stands, reader: Reader, now: bool) -> Self {
        let is_over = stands.stopped_at.is_some();
        let (state, state_text) = match (stands.state, stands.verdict) {
            (ClockState::Running, Some(Verdict::Missed)) => ("late", "Past due"),
            (ClockState::Paused, Some(Verdict::Missed)) => ("paused", "Paused, past due"),
            (ClockState::Pending, _) => ("pending", "Not begun"),
            (ClockState::Awaiting, _) => ("awaiting", "Awaits our confirmation"),
            (ClockState::Running, _) => ("running", "Running"),
            (ClockState::Paused, _) => ("paused", "Paused"),
            (ClockState::Met, _) => ("met", "Met"),
            (ClockState::Missed, _) => ("missed", "Missed"),
            (ClockState::Cancelled, _) => ("cancelled", "Cancelled"),
        };
        Self {
            state,
            state_text,
            due: stands
                .due_at
                .filter(|_| stands.state != ClockState::Cancelled)
                .map(|due| reader.sees_here(due)),
            used: match stands.state {
                ClockState::Pending | ClockState::Cancelled => String::new(),
                _ => format!(
                    "{} of {} used{}",
                    wording::passed(stands.spent),
                    wording::length(stands.budget),
                    match (is_over, now) {
                        (false, true) => " so far",
                        _ => "",
                    }
                ),
            },
            severity: stands.severity.clone(),
        }
    }
}

impl Told {
    fn new(answered: &Answered, question: String, reader: Reader) -> Self {
        let whose = |case| {
            let found = answered.cases.iter().find(|(of, _)| of.id == case);
            match (answered.cases.len(), found) {
                (0 | 1, _) | (_, None) => String::new(),
                (_, Some((_, contract))) => contract.reference.clone(),
            }
        };
        let clock = |clock: &Compared| ClockRow {
            what: wording::metric(clock.metric),
            whose: whose(clock.case),
            before: clock
                .before
                .as_ref()
                .map(|stands| StandsPart::new(stands, reader, true)),
            after: clock
                .after
                .as_ref()
                .map(|stands| StandsPart::new(stands, reader, false)),
            changes: is_another(clock),
        };
        let (mut steps, common) = steps(answered, whose, reader);
        let more = steps.len().saturating_sub(MOST_STEPS);
        steps.truncate(MOST_STEPS);
        Self {
            question,
            at: reader.sees_here(answered.at),
            until: reader.sees_here(answered.until),
            clocks: answered.clocks.iter().map(clock).collect(),
            steps,
            more,
            common,
        }
    }
}

/// Whether anything but the passing of time makes a difference.
fn is_another(clock: &Compared) -> bool {
    let without_time = |stands: &Stands| Stands {
        spent: 0,
        ..stands.clone()
    };
    clock.before.as_ref().map(without_time) != clock.after.as_ref().map(without_time)
}

/// The steps that make a difference, and how many do not.
fn steps(
    answered: &Answered,
    whose: impl Fn(CaseId) -> String,
    reader: Reader,
) -> (Vec<StepRow>, usize) {
    let tells = |step: &&Foreseen| matches!(step.deed, Deed::Told | Deed::Reminded);
    let (before, after) = (&answered.steps_before, &answered.steps_after);
    let (both, mut all): (Vec<&Foreseen>, Vec<&Foreseen>) = before
        .iter()
        .filter(tells)
        .partition(|step| after.contains(step));
    all.extend(
        after
            .iter()
            .filter(tells)
            .filter(|step| !before.contains(step)),
    );
    all.sort_by_key(|step| (step.planned_at, step.case, step.metric));
    let rows = all
        .into_iter()
        .map(|step| {
            let whose = whose(step.case);
            let joint = if whose.is_empty() { "" } else { " · " };
            StepRow {
                at: reader.sees_here(step.planned_at),
                what: format!("{}{joint}{whose}", wording::metric(step.metric)),
                when: match (step.deed, step.repeat) {
                    (Deed::Reminded, _) => "When the acknowledgement expires".to_string(),
                    (_, 0) => wording::when(step.when),
                    (_, repeat) => format!("{}, repeat {repeat}", wording::when(step.when)),
                },
                to: match step.names.is_empty() {
                    true => step
                        .to
                        .iter()
                        .map(wording::audience)
                        .collect::<Vec<_>>()
                        .join(", "),
                    false => step.names.join(", "),
                },
                before: before.contains(step),
                after: after.contains(step),
            }
        })
        .collect();
    (rows, both.len())
}

/// Shows the questions, and the answer to the one that is asked.
pub async fn show(
    state: Data<State>,
    frame: Frame,
    caller: Caller,
    key: Path<String>,
    asked: Query<HashMap<String, String>>,
) -> Answer {
    let id = incident_id(&key)?;
    let reader = reader(&frame, &caller);
    let form = Form::of(asked.into_inner());
    let name = form.value("if").to_string();
    let question = QUESTIONS.iter().find(|(of, _)| *of == name).copied();
    if question.is_none() && !name.is_empty() {
        return Err(Fault::Malformed(format!(
            "\"{name}\" is no question of this page; open the incident and ask one of its questions"
        )));
    }
    let answered = match question {
        None => Ok(None),
        Some((name, kind)) => answer(&state, id.reference(), &form, name, kind, reader).await,
    };
    let shown = async |form: Form, answered: Option<Told>| {
        let (acts, title, drill) = read(&state, move |conn| {
            let found = incident::get(conn, id)?;
            let judged = judged(conn, found, reader.now)?;
            let acts = Acts::of(&judged, reader);
            Ok((acts, judged.incident.title.clone(), judged.incident.drill))
        })
        .await?;
        let mut frame = frame;
        frame.drill = drill;
        page(&WhatIfPage {
            frame,
            form,
            reference: id.reference(),
            over: format!("{} · {title}", id.reference()),
            over_href: format!("/incidents/{}", id.reference()),
            acts,
            answered,
        })
    };
    match answered {
        Ok(answered) => shown(form, answered).await,
        Err(fault) => {
            let fault = at_form(fault, |field| place(&name, field));
            try_again(heard(Err(fault), reader), form, async |form| {
                shown(form, None).await
            })
            .await
        }
    }
}

/// Where a fault stands on the page; what has no field of its own stands above the forms.
fn place(name: &str, field: &str) -> String {
    let field = field.strip_prefix("events[0].").unwrap_or(field);
    match field {
        "kind" if name == "if_did" => format!("{name}.kind"),
        "stop" | "severity" | "case" | "occurred_at" => format!("{name}.{field}"),
        _ => String::new(),
    }
}

async fn answer(
    state: &State,
    reference: String,
    form: &Form,
    name: &str,
    kind: &str,
    reader: Reader,
) -> Answer<Option<Told>> {
    let mut event = json!({});
    let fields = event.as_object_mut();
    if let Some(fields) = fields {
        for field in ["kind", "stop", "severity", "occurred_at"] {
            let given = form.value(&format!("{name}.{field}"));
            if !given.is_empty() {
                fields.insert(field.to_string(), json!(given));
            }
        }
        if !kind.is_empty() {
            fields.insert("kind".to_string(), json!(kind));
        }
        if let Ok(case) = form.value(&format!("{name}.case")).parse::<i64>() {
            fields.insert("case".to_string(), json!(case));
        }
    }
    let wrong = take_local_time(&mut event, "occurred_at", reader);
    if !wrong.is_empty() {
        return Err(wrong.into());
    }
    let said = said(&event, reader);
    let body = json!({"incident": reference, "events": [event]});
    let question = WhatIf::read(&body).map_err(Fault::from)?;
    let store = state.store.clone();
    let answered = block(move || {
        let now = store.now()?;
        store.read(|conn| question.answer(conn, now))
    })
    .await?;
    Ok(Some(Told::new(&answered, said, reader)))
}

/// The question in words.
fn said(event: &Value, reader: Reader) -> String {
    let of = |field: &str| event[field].as_str().unwrap_or_default();
    let at = of("occurred_at").parse().ok();
    let at = at.map_or_else(
        || "now".to_string(),
        |at| format!("at {}", reader.sees_here(at).here),
    );
    match of("kind") {
        "paused" => format!("If {} paused the clocks {at}", of("stop")),
        "severity_changed" => format!("If this became {} {at}", of("severity")),
        kind => format!("If \"{}\" came {at}", kind.replace('_', " ")),
    }
}
