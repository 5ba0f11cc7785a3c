//! The rehearsal of a contract's ladder: who would be told what, when, in which language.

use actix_web::web::{Data, Path, Query};
use askama::Template;
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::{Choice, language, page, try_again};
use crate::domain::contract::Contract;
use crate::domain::input::{Faults, FieldError};
use crate::domain::ladder::Deed;
use crate::domain::letter::Side;
use crate::domain::words::{ClockState, Metric};
use crate::error::{Error, Result};
use crate::simulate::{Rehearsal, RehearsedClock, RehearsedLetter, RehearsedStep, rehearse};
use crate::store::{Conn, contract, terms};
use crate::time::Moment;
use crate::web::access::Caller;
use crate::web::error::{Answer, Fault};
use crate::web::form::Form;
use crate::web::frame::{Frame, capitalised};
use crate::web::shown::{Reader, Shown, local_moment, local_text};
use crate::web::state::{State, block, read};
use crate::web::wording;

/// What may happen in a rehearsal, each a field of the form with what one reads beside it.
const ANSWERS: &[(&str, &str)] = &[
    ("responded", "The vendor responds"),
    ("acknowledged", "One of us acknowledges"),
    ("restored", "The service is back"),
    ("resolved", "The trouble is repaired"),
];

#[derive(Template)]
#[template(path = "rehearsal/show.html")]
struct ShowPage {
    frame: Frame,
    contract: Contract,
    /// Where the contract's page is.
    back: String,
    form: Form,
    severities: Vec<Choice>,
    answers: Vec<Choice>,
    zone: String,
    /// What would happen; none while nothing was asked or it is not acceptable.
    rehearsal: Option<RehearsalView>,
}

/// A rehearsal as the page shows it.
struct RehearsalView {
    terms: i32,
    ended: Shown,
    cut_short: bool,
    clocks: Vec<ClockView>,
    occasions: Vec<LetterView>,
}

/// A clock and what its ladder would do.
struct ClockView {
    metric: String,
    clause: String,
    standings: Vec<StandingView>,
    breaches: Vec<Shown>,
    steps: Vec<StepView>,
}

/// How a clock would stand from a moment on.
struct StandingView {
    at: Shown,
    state: &'static str,
    state_text: String,
    due: Option<Shown>,
    interval: String,
}

/// A step of the ladder.
struct StepView {
    when: String,
    at: Option<Shown>,
    deed: String,
    /// Whether it tells nobody.
    is_mute: bool,
    letters: Vec<LetterView>,
}

/// A letter that would be written.
struct LetterView {
    name: String,
    email: String,
    side: String,
    language: &'static str,
    kind: String,
    leaves: Option<Shown>,
    waits: bool,
    reason: String,
    subject: String,
    text: String,
}

/// Whom the page is for: the contract's zone first, and the zone of whoever gets a letter beside it.
struct View {
    now: Moment,
    zone: Tz,
}

impl View {
    fn rehearsal(&self, rehearsal: &Rehearsal) -> RehearsalView {
        RehearsalView {
            terms: rehearsal.terms,
            ended: self.moment(rehearsal.ended_at),
            cut_short: rehearsal.cut_short,
            clocks: rehearsal
                .clocks
                .iter()
                .map(|clock| self.clock(clock))
                .collect(),
            occasions: rehearsal
                .occasions
                .iter()
                .map(|letter| self.letter(letter))
                .collect(),
        }
    }

    fn moment(&self, at: Moment) -> Shown {
        Shown::of(at, self.now, self.zone, None)
    }

    fn clock(&self, clock: &RehearsedClock) -> ClockView {
        let repeats = clock.metric == Metric::Update;
        let standings = clock.standings.iter().map(|standing| StandingView {
            at: self.moment(standing.at),
            state: standing.state.as_str(),
            state_text: capitalised(standing.state.as_str()),
            due: standing
                .due_at
                .filter(|_| standing.state != ClockState::Cancelled)
                .map(|due| self.moment(due)),
            interval: if repeats {
                format!("Interval {}", standing.interval)
            } else {
                String::new()
            },
        });
        ClockView {
            metric: wording::metric(clock.metric),
            clause: clock.clause.clone(),
            standings: standings.collect(),
            breaches: clock
                .breaches
                .iter()
                .map(|breach| self.moment(breach.due_at))
                .collect(),
            steps: clock
                .steps
                .iter()
                .map(|step| self.step(step, repeats))
                .collect(),
        }
    }

    fn step(&self, step: &RehearsedStep, repeats: bool) -> StepView {
        let when = match (step.when, step.repeat) {
            (None, _) => "Reminder when an acknowledgement expires".to_string(),
            (Some(when), 0) => wording::when(when),
            (Some(when), repeat) => format!("{}, again ({repeat})", wording::when(when)),
        };
        let of_interval = if repeats && step.deed.is_some() {
            format!(", interval {}", step.interval)
        } else {
            String::new()
        };
        StepView {
            when: when + &of_interval,
            at: step.planned_at.map(|at| self.moment(at)),
            deed: deed(step),
            is_mute: step.letters.is_empty(),
            letters: step
                .letters
                .iter()
                .map(|letter| self.letter(letter))
                .collect(),
        }
    }

    fn letter(&self, letter: &RehearsedLetter) -> LetterView {
        let theirs = Some(letter.time_zone.0);
        LetterView {
            name: letter.name.clone(),
            email: letter.to.clone(),
            side: match letter.side {
                Side::Ours => "ours",
                Side::Vendor => "vendor",
            }
            .to_string(),
            language: language(letter.locale),
            kind: capitalised(letter.kind.as_str()),
            leaves: letter
                .leaves_at
                .map(|at| Shown::of(at, self.now, self.zone, theirs)),
            waits: letter.held,
            reason: letter.reason.clone().unwrap_or_default(),
            subject: letter.subject.clone(),
            text: letter.text.clone(),
        }
    }
}

fn deed(step: &RehearsedStep) -> String {
    match step.deed {
        None => "Not reached",
        Some(Deed::Told) if step.letters.is_empty() => {
            "Nobody: acknowledged, or told by a later step"
        }
        Some(Deed::Told) => "Told",
        Some(Deed::Empty) => "Skipped: nobody is there",
        Some(Deed::Early) => "Skipped: before the start",
        Some(Deed::Passed) => "Passed over",
        Some(Deed::Reminded) => "Reminded",
    }
    .to_string()
}

/// Rehearses the ladder with a severity, a moment of report in the contract's zone, and answers; asks
/// for them first.
pub async fn show(
    state: Data<State>,
    frame: Frame,
    caller: Caller,
    key: Path<String>,
    asked: Query<Vec<(String, String)>>,
) -> Answer {
    // The frame's moment was written by us just now.
    let now = Moment::parse(&frame.now).unwrap_or_default();
    let (contract, severities) = read(&state, move |conn| {
        let contract = contract::find_by_key(conn, &key)?;
        let severities = severities(conn, &contract, now)?;
        Ok((contract, severities))
    })
    .await?;
    let zone = contract.time_zone.0;
    let is_asked = asked.iter().any(|(name, _)| name == "severity");
    let mut form = Form::of(asked.into_inner());
    if !is_asked {
        form.set("reported_at", local_text(now, zone));
        if let Some(first) = severities.first() {
            form.set("severity", first.value.clone());
        }
    }
    let shell = |form: Form, rehearsal: Option<RehearsalView>| ShowPage {
        frame: frame.clone(),
        back: super::contract::address(&contract),
        contract: contract.clone(),
        form,
        severities: severities.clone(),
        answers: ANSWERS
            .iter()
            .map(|(field, label)| Choice::new(*field, *label))
            .collect(),
        zone: contract.time_zone.to_string(),
        rehearsal,
    };
    if !is_asked {
        return page(&shell(form, None));
    }
    let outcome = async {
        let (value, fields) = question(&form, zone).map_err(Error::from)?;
        let (store, templates) = (state.store.clone(), state.templates.clone());
        let id = contract.id.to_string();
        let played = block(move || rehearse(&store, &templates, &id, &caller.email, &value)).await;
        let rehearsal = played.map_err(|fault| in_form(fault, &fields, Reader { zone, now }))?;
        let view = View { now, zone }.rehearsal(&rehearsal);
        page(&shell(form.clone(), Some(view)))
    }
    .await;
    try_again(outcome, form.clone(), async |form| page(&shell(form, None))).await
}

/// The severities of the terms in force, or of the last that were entered.
fn severities(conn: &mut Conn, contract: &Contract, now: Moment) -> Result<Vec<Choice>> {
    let in_force = terms::in_force(conn, contract, now)?;
    let terms = match in_force {
        Some(terms) => Some(terms),
        None => terms::of_contract(conn, contract.id)?.pop(),
    };
    let severities = terms.map_or_else(Vec::new, |terms| terms.promise.severities);
    Ok(severities
        .into_iter()
        .map(|severity| {
            let label = format!("{} {}", severity.code, severity.name);
            Choice::new(severity.code, label)
        })
        .collect())
}

/// What is asked of the rehearsal, and for each of its events the field that it comes from.
fn question(form: &Form, zone: Tz) -> Result<(Value, Vec<&'static str>), Vec<FieldError>> {
    let mut faults = Faults::none();
    let mut moment = |field: &str| -> Option<Moment> {
        let text = form.value(field).trim();
        if text.is_empty() {
            return None;
        }
        faults.take(field, local_moment(text, zone))
    };
    let reported_at = moment("reported_at");
    let mut events = Vec::new();
    let mut fields = Vec::new();
    for (field, _) in ANSWERS {
        if let Some(at) = moment(field) {
            events.push(json!({"at": at, "kind": field}));
            fields.push(*field);
        }
    }
    let value =
        json!({"severity": form.value("severity"), "reported_at": reported_at, "events": events});
    faults.or((value, fields))
}

/// Faults of events at the fields of the form.
fn in_form(fault: Fault, fields: &[&str], reader: Reader) -> Fault {
    let Fault::Said(Error::Invalid(found)) = fault else {
        return fault;
    };
    let at_field = |fault: FieldError| {
        let place = fault.field.strip_prefix("events[").and_then(|rest| {
            let (number, _) = rest.split_once(']')?;
            fields.get(number.parse::<usize>().ok()?)
        });
        let field = place.map_or(fault.field.clone(), |field| (*field).to_string());
        FieldError::new(field, reader.hears(&fault.message))
    };
    Fault::Said(Error::Invalid(found.into_iter().map(at_field).collect()))
}
