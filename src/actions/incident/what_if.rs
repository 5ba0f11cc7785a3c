//! What would be if something happened: judged as if it were recorded, with nothing kept.

use serde_json::Value;

use super::record::{Ground, plan_on, with};
use crate::consequence::{Foreseen, foreseen, unusable};
use crate::domain::clock::{Clock, Verdict, judge};
use crate::domain::contract::Contract;
use crate::domain::go_live::CaseTerms;
use crate::domain::incident::{Case, Incident, Record};
use crate::domain::input::{Faults, FieldError};
use crate::domain::reading::Object;
use crate::domain::timeline::{Event, facts};
use crate::domain::words::{ClockState, Metric};
use crate::domain::{CaseId, IncidentId};
use crate::error::{Error, Result};
use crate::store::{self, Conn};
use crate::time::{Micros, Moment};

/// More events than anybody wonders about at once.
const MOST: usize = 50;

const FIELDS: &[&str] = &["incident", "case", "events", "until"];

/// A question: what if this happened?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhatIf {
    /// Key or reference of the incident.
    pub incident: String,
    /// What happens, in this order; a moment may lie in the future.
    pub events: Vec<Record>,
    /// Up to when the steps of the ladders are foreseen; none: up to the last deadline that is open, before
    /// or after.
    pub until: Option<Moment>,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The incident.
    pub incident: Incident,
    /// The moment at which it was asked.
    pub now: Moment,
    /// The moment of the clocks after: that of the last event, at least now.
    pub at: Moment,
    /// Up to when the steps are foreseen.
    pub until: Moment,
    /// Each clock, as it stands now and as it would stand then.
    pub clocks: Vec<Compared>,
    /// The steps of the ladders as things are.
    pub steps_before: Vec<Foreseen>,
    /// The steps if it happened.
    pub steps_after: Vec<Foreseen>,
    /// The contract of each case.
    pub cases: Vec<(Case, Contract)>,
}

/// A clock with and without what may happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// The case.
    pub case: CaseId,
    /// What is measured.
    pub metric: Metric,
    /// How it stands now; none: no clock.
    pub before: Option<Stands>,
    /// How it would stand; none: no clock.
    pub after: Option<Stands>,
}

/// How a clock stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stands {
    /// Its state.
    pub state: ClockState,
    /// The severity it is judged under.
    pub severity: String,
    /// Where the contract promises it.
    pub clause: String,
    /// Which run.
    pub run: i32,
    /// Which interval of `update`.
    pub interval: i32,
    /// When it runs out; unknown while it is held.
    pub due_at: Option<Moment>,
    /// When it ran out.
    pub breached_at: Option<Moment>,
    /// When it was stopped.
    pub stopped_at: Option<Moment>,
    /// Open time it may take.
    pub budget: Micros,
    /// Open time it took.
    pub spent: Micros,
    /// Whether it was kept, once that is certain.
    pub verdict: Option<Verdict>,
}

impl Stands {
    fn of(clock: &Clock) -> Self {
        let lap = clock.current();
        Self {
            state: clock.state,
            severity: lap.commitment.severity.clone(),
            clause: lap.commitment.clause.clone(),
            run: lap.run,
            interval: lap.interval,
            due_at: lap.due_at,
            breached_at: lap.breached_at,
            stopped_at: lap.stopped_at,
            budget: lap.budget,
            spent: lap.spent,
            verdict: lap.verdict,
        }
    }
}

impl WhatIf {
    /// Reads a question; each event is read as if it were to be recorded.
    ///
    /// # Errors
    /// Every fault at its field, those of an event at `events[0].stop` and the like.
    pub fn read(value: &Value) -> std::result::Result<Self, Vec<FieldError>> {
        let mut faults = Faults::none();
        let question = Object::open(value, "", FIELDS, &mut faults).and_then(|object| {
            let incident = match object.get("incident") {
                Some(Value::Number(key)) => Some(key.to_string()),
                _ => object.text("incident", &mut faults),
            };
            let case = object.optional_number("case", &mut faults).map(CaseId);
            let until = object.optional("until", &mut faults);
            let mut events = Vec::new();
            let given = object.list("events", &mut faults);
            faults.require(
                (1..=MOST).contains(&given.len()) || faults.at("events"),
                "events",
                format!("say what happens: 1 to {MOST} events"),
            );
            for (path, event) in given {
                match Record::read(event) {
                    Ok(mut record) => {
                        record.case = record.case.or(case);
                        events.push(record);
                    }
                    Err(wrong) => faults.extend(&path, wrong),
                }
            }
            Some(Self {
                incident: incident?,
                events,
                until,
            })
        });
        match question {
            Some(question) => faults.or(question),
            None => Err(faults.into_vec()),
        }
    }

    /// Answers as of `now`; nothing is changed.
    ///
    /// # Errors
    /// When there is no such incident, or an event would not be admitted at its moment; its faults stand at
    /// `events[0].stop` and the like.
    pub fn answer(&self, conn: &mut Conn, now: Moment) -> Result<Answer> {
        let incident = self.incident(conn)?;
        let known = Ground::of(conn, incident.id)?;
        let (before, terms_before) = (known.events.clone(), known.terms.clone());
        let (after, at) = self.happens(conn, &incident, known, now)?;
        let now_clocks = clocks(conn, &after.cases, &before, &terms_before, now)?;
        let then_clocks = clocks(conn, &after.cases, &after.events, &after.terms, at)?;
        let last = [&now_clocks, &then_clocks]
            .into_iter()
            .flatten()
            .filter(|(_, clock)| clock.state.is_open())
            .filter_map(|(_, clock)| clock.current().due_at)
            .max();
        let until = self.until.unwrap_or_else(|| last.unwrap_or(at).max(at));
        let until = until.max(now);
        let mut cases = Vec::new();
        for case in &after.cases {
            let contract = store::contract::find(conn, case.contract_id)?;
            cases.push((case.clone(), contract));
        }
        Ok(Answer {
            now,
            at,
            until,
            clocks: compared(&now_clocks, &then_clocks),
            steps_before: foreseen(conn, &incident, &before, &terms_before, now, until)?,
            steps_after: foreseen(conn, &incident, &after.events, &after.terms, now, until)?,
            cases,
            incident,
        })
    }

    fn incident(&self, conn: &mut Conn) -> Result<Incident> {
        let none = || {
            Error::field(
                "incident",
                format!("there is no incident {}", self.incident),
            )
        };
        let id = IncidentId::parse(&self.incident).ok_or_else(none)?;
        match store::incident::get(conn, id) {
            Err(Error::Refused(_)) => Err(none()),
            other => other,
        }
    }

    /// The incident after all of it, and the moment of the last event.
    fn happens(
        &self,
        conn: &mut Conn,
        incident: &Incident,
        ground: Ground,
        now: Moment,
    ) -> Result<(Ground, Moment)> {
        let (mut ground, mut incident, mut at) = (ground, incident.clone(), now);
        for (place, record) in self.events.iter().enumerate() {
            let mut draft = record.draft();
            if draft.reason.trim().is_empty() {
                // A reason is asked of whoever records something; here nothing is recorded.
                draft.reason = "what if".to_string();
            }
            let then = draft.occurred_at.map_or(now, |at| at.max(now));
            let plan = plan_on(conn, &incident, ground, &draft, then)
                .map_err(|error| at_event(place, error))?;
            let events = with(&plan.events, &incident, &plan.draft, plan.occurred_at, then);
            let mut terms = plan.terms;
            for choice in plan.choices {
                terms.insert(choice.case, choice.after);
            }
            ground = Ground {
                events,
                cases: plan.cases,
                terms,
            };
            incident.last_seq += 1;
            at = at.max(then);
        }
        Ok((ground, at))
    }
}

fn at_event(place: usize, error: Error) -> Error {
    match error {
        Error::Invalid(faults) => Error::Invalid(
            faults
                .into_iter()
                .map(|fault| {
                    FieldError::new(format!("events[{place}].{}", fault.field), fault.message)
                })
                .collect(),
        ),
        other => other,
    }
}

type Terms = std::collections::HashMap<CaseId, CaseTerms>;

fn clocks(
    conn: &mut Conn,
    cases: &[Case],
    events: &[Event],
    terms: &Terms,
    at: Moment,
) -> Result<Vec<(CaseId, Clock)>> {
    let facts = facts(events);
    let mut all = Vec::new();
    for case in cases {
        let Some(of) = terms.get(&case.id) else {
            continue;
        };
        let promise = &of.terms.promise;
        let book = store::calendar::book(conn, &promise.calendars())?;
        let judged = judge(case.id, promise, &facts, &book, at).map_err(unusable)?;
        all.extend(judged.into_iter().map(|clock| (case.id, clock)));
    }
    Ok(all)
}

fn compared(before: &[(CaseId, Clock)], after: &[(CaseId, Clock)]) -> Vec<Compared> {
    let find = |all: &[(CaseId, Clock)], case: CaseId, metric: Metric| {
        all.iter()
            .find(|(of, clock)| (*of, clock.metric) == (case, metric))
            .map(|(_, clock)| Stands::of(clock))
    };
    let mut keys: Vec<(CaseId, Metric)> = before
        .iter()
        .chain(after)
        .map(|(case, clock)| (*case, clock.metric))
        .collect();
    keys.sort();
    keys.dedup();
    keys.into_iter()
        .map(|(case, metric)| Compared {
            case,
            metric,
            before: find(before, case, metric),
            after: find(after, case, metric),
        })
        .collect()
}
