//! What would be if something happened. Nothing is changed.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::Serialize;

use crate::actions::incident::{Answer as Answered, Compared, Stands, WhatIf};
use crate::consequence::Foreseen;
use crate::domain::CaseId;
use crate::domain::clock::Verdict;
use crate::domain::ladder::{Deed, When};
use crate::domain::words::{ClockState, Metric};
use crate::report::in_seconds;
use crate::time::{Micros, Moment};
use crate::web::{Answer, JsonBody, State, read};

#[derive(Serialize)]
struct AnswerBody {
    incident: String,
    now: Moment,
    /// The moment of `after`.
    at: Moment,
    /// Up to when the steps are foreseen.
    until: Moment,
    clocks: Vec<ComparedBody>,
    steps: StepsBody,
}

#[derive(Serialize)]
struct ComparedBody {
    case: CaseId,
    metric: Metric,
    before: Option<StandsBody>,
    after: Option<StandsBody>,
}

#[derive(Serialize)]
struct StandsBody {
    state: ClockState,
    severity: String,
    clause: String,
    run: i32,
    interval: i32,
    due_at: Option<Moment>,
    breached_at: Option<Moment>,
    stopped_at: Option<Moment>,
    verdict: Option<Verdict>,
    #[serde(serialize_with = "in_seconds")]
    target_seconds: Micros,
    #[serde(serialize_with = "in_seconds")]
    spent_seconds: Micros,
}

#[derive(Serialize)]
struct StepsBody {
    before: Vec<StepBody>,
    after: Vec<StepBody>,
}

#[derive(Serialize)]
struct StepBody {
    planned_at: Moment,
    case: CaseId,
    metric: Metric,
    run: i32,
    interval: i32,
    when: When,
    repeat: i32,
    deed: Deed,
    /// Whether an acknowledgement keeps it from our own side.
    acknowledged: bool,
    to: Vec<String>,
    names: Vec<String>,
}

impl StandsBody {
    fn of(stands: Stands) -> Self {
        Self {
            state: stands.state,
            severity: stands.severity,
            clause: stands.clause,
            run: stands.run,
            interval: stands.interval,
            due_at: stands.due_at,
            breached_at: stands.breached_at,
            stopped_at: stands.stopped_at,
            verdict: stands.verdict,
            target_seconds: stands.budget,
            spent_seconds: stands.spent,
        }
    }
}

impl StepBody {
    fn of(step: Foreseen) -> Self {
        Self {
            planned_at: step.planned_at,
            case: step.case,
            metric: step.metric,
            run: step.run,
            interval: step.interval,
            when: step.when,
            repeat: step.repeat,
            deed: step.deed,
            acknowledged: step.acknowledged,
            to: step.to.iter().map(ToString::to_string).collect(),
            names: step.names,
        }
    }
}

impl AnswerBody {
    fn of(answered: Answered) -> Self {
        let clock = |clock: Compared| ComparedBody {
            case: clock.case,
            metric: clock.metric,
            before: clock.before.map(StandsBody::of),
            after: clock.after.map(StandsBody::of),
        };
        let steps = |steps: Vec<Foreseen>| steps.into_iter().map(StepBody::of).collect();
        Self {
            incident: answered.incident.id.reference(),
            now: answered.now,
            at: answered.at,
            until: answered.until,
            clocks: answered.clocks.into_iter().map(clock).collect(),
            steps: StepsBody {
                before: steps(answered.steps_before),
                after: steps(answered.steps_after),
            },
        }
    }
}

/// `POST /clocks/what-if` with `incident`, perhaps `case` and `until`, and `events` as they would be
/// recorded, whose moments may lie in the future.
pub async fn answer(state: Data<State>, body: JsonBody) -> Answer {
    let store = state.store.clone();
    let answered = read(&state, move |conn| {
        let question = WhatIf::read(&body.value)?;
        question.answer(conn, store.now()?)
    })
    .await?;
    Ok(HttpResponse::Ok().json(AnswerBody::of(answered)))
}
