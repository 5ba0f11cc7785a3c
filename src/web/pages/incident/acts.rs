//! What can be recorded on an incident as it stands: one form for each act, with what it needs.
//!
//! The forms stand on one page, so the fields of each carry its name: `pause.stop`. Behind the name
//! they are those of the API.

use crate::consequence::Judged;
use crate::domain::incident::IncidentState;
use crate::domain::timeline::open_pauses;
use crate::domain::words::{ClockState, EventKind, Metric};
use crate::web::form::Form;
use crate::web::pages::Choice;
use crate::web::shown::Reader;
use crate::web::wording;

/// What can be recorded now.
pub struct Acts {
    /// The reader's zone, in which local times are meant.
    pub zone: String,
    /// Under every local time.
    pub when: &'static str,
    /// The cases; empty where there is only one.
    pub cases: Vec<Choice>,
    /// What the vendor may have done.
    pub deeds: Vec<Choice>,
    /// The grounds on which the clocks may stand still.
    pub stops: Vec<Choice>,
    /// Those that are open.
    pub open_stops: Vec<Choice>,
    /// Pauses that wait for the other side.
    pub unanswered: Vec<Choice>,
    /// What the other side may say to one.
    pub answers: Vec<Choice>,
    /// The severities of the terms.
    pub severities: Vec<Choice>,
    /// Clocks that may still run out.
    pub metrics: Vec<Choice>,
    /// What we may say to a repair that waits for it; empty where none does.
    pub confirmations: Vec<Choice>,
    /// Whether the terms limit how much data may be lost, and it is not measured yet.
    pub may_measure: bool,
    /// Whether something was stopped that may start again.
    pub may_reopen: bool,
    /// Whether nothing is owed any more.
    pub is_cancelled: bool,
}

impl Acts {
    pub(super) fn of(judged: &Judged, reader: Reader) -> Self {
        let open = open_pauses(&judged.facts, None);
        let unanswered = open.iter().filter(|pause| {
            pause.answer.is_none()
                && judged.cases.iter().any(|case| {
                    let stop = pause.stop.as_deref();
                    let stop = stop.and_then(|code| case.terms.promise.clock_stop(code));
                    stop.is_some_and(|stop| stop.needs_agreement)
                })
        });
        let stopped = judged.facts.iter().any(|fact| {
            matches!(
                fact.kind,
                EventKind::WorkedAround | EventKind::Restored | EventKind::Resolved
            )
        });
        let confirmations = confirmations(judged);
        // A repair that waits for us is rejected, not reopened.
        let waits = !confirmations.is_empty();
        Self {
            zone: reader.zone.name().to_string(),
            when: super::WHEN,
            cases: cases(judged),
            deeds: [
                (EventKind::Responded, "Responded"),
                (EventKind::Updated, "Said how it stands"),
                (EventKind::WorkedAround, "Found a way round it"),
                (EventKind::Restored, "Restored the service"),
                (EventKind::Resolved, "Resolved it for good"),
                (EventKind::CauseExplained, "Explained the cause"),
            ]
            .map(|(kind, name)| Choice::new(kind.as_str(), name))
            .into(),
            stops: stops(judged),
            open_stops: open
                .iter()
                .filter_map(|pause| pause.stop.clone())
                .map(|code| Choice::new(code.clone(), code))
                .collect(),
            unanswered: unanswered
                .map(|pause| {
                    let since = reader.sees_here(pause.at);
                    let label = format!(
                        "Event {}: {}, since {}",
                        pause.seq,
                        pause.stop.as_deref().unwrap_or_default(),
                        since.here
                    );
                    Choice::new(pause.seq.to_string(), label)
                })
                .collect(),
            answers: vec![
                Choice::new("agreed", "Both sides agree"),
                Choice::new("refused", "Refused"),
            ],
            severities: severities(judged),
            metrics: metrics(judged),
            confirmations,
            may_measure: judged
                .cases
                .iter()
                .flat_map(|case| &case.clocks)
                .any(|clock| {
                    clock.metric == Metric::DataLoss && clock.state == ClockState::Pending
                }),
            may_reopen: stopped && (!waits || judged.cases.len() > 1),
            is_cancelled: judged.incident.state == IncidentState::Cancelled,
        }
    }

    /// Which form is open: the one that was sent, or else the first.
    pub fn is_open(&self, form: &Form, name: &str) -> bool {
        match form.value("_act") {
            "" => name == "did",
            sent => sent == name,
        }
    }

    /// Names a sending of that form; only the one that was sent keeps its name.
    pub fn request_id(&self, form: &Form, name: &str) -> String {
        if form.value("_act") == name {
            form.request_id()
        } else {
            Form::default().request_id()
        }
    }
}

/// What stands in the forms before anybody has filled them in.
pub fn blank() -> Form {
    Form::of([
        ("did.kind", "responded"),
        ("answer.kind", "agreed"),
        ("confirm.kind", "confirmed"),
    ])
}

fn cases(judged: &Judged) -> Vec<Choice> {
    if judged.cases.len() < 2 {
        return Vec::new();
    }
    let cases = judged.cases.iter().map(|case| {
        let label = format!("{} · {}", case.vendor.name, case.contract.reference);
        Choice::new(case.case.id.to_string(), label)
    });
    cases.collect()
}

fn stops(judged: &Judged) -> Vec<Choice> {
    let mut choices: Vec<Choice> = Vec::new();
    let promises = judged.cases.iter().map(|case| &case.terms.promise);
    for stop in promises.flat_map(|promise| &promise.clock_stops) {
        let agreement = if stop.needs_agreement {
            " (both must agree)"
        } else {
            ""
        };
        let label = format!(
            "{} · clause {} · {}{agreement}",
            stop.code, stop.clause, stop.name
        );
        if !choices.iter().any(|known| known.value == stop.code) {
            choices.push(Choice::new(stop.code.clone(), label));
        }
    }
    choices
}

fn confirmations(judged: &Judged) -> Vec<Choice> {
    let clocks = || judged.cases.iter().flat_map(|case| &case.clocks);
    if !clocks().any(|clock| clock.state == ClockState::Awaiting) {
        return Vec::new();
    }
    vec![
        Choice::new(EventKind::Confirmed.as_str(), "We confirm it"),
        Choice::new(EventKind::Rejected.as_str(), "It is not repaired"),
    ]
}

fn severities(judged: &Judged) -> Vec<Choice> {
    let mut choices: Vec<Choice> = Vec::new();
    let promises = judged.cases.iter().map(|case| &case.terms.promise);
    for severity in promises.flat_map(|promise| &promise.severities) {
        if !choices.iter().any(|known| known.value == severity.code) {
            let label = format!("{} {}", severity.code, severity.name);
            choices.push(Choice::new(severity.code.clone(), label));
        }
    }
    choices
}

fn metrics(judged: &Judged) -> Vec<Choice> {
    let mut choices: Vec<Choice> = Vec::new();
    let clocks = judged.cases.iter().flat_map(|case| &case.clocks);
    for clock in clocks.filter(|clock| clock.state.is_open()) {
        let word = clock.metric.as_str();
        if !choices.iter().any(|known| known.value == word) {
            choices.push(Choice::new(word, wording::metric(clock.metric)));
        }
    }
    choices
}
