//! The steps that a ladder would take up to a moment, with nothing taken.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::audience::{self, People};
use super::gathered::case_facts;
use super::register;
use super::site::{acknowledged, generation};
use super::steps;
use super::{Cause, Scene, unusable};
use crate::domain::CaseId;
use crate::domain::clock::{Lap, judge};
use crate::domain::go_live::CaseTerms;
use crate::domain::incident::Incident;
use crate::domain::ladder::{Deed, Past, Target, When, plan};
use crate::domain::timeline::{Event, facts};
use crate::domain::words::Metric;
use crate::error::Result;
use crate::store::{self, Conn};
use crate::time::Moment;

/// A step that would be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreseen {
    /// The case.
    pub case: CaseId,
    /// The metric of its clock.
    pub metric: Metric,
    /// The run of that clock.
    pub run: i32,
    /// Its interval, for `update`.
    pub interval: i32,
    /// When.
    pub planned_at: Moment,
    /// The moment of the step as the ladder names it.
    pub when: When,
    /// 0 the first time, then the number of the repeat.
    pub repeat: i32,
    /// What becomes of it.
    pub deed: Deed,
    /// Whether an acknowledgement keeps it from our own side.
    pub acknowledged: bool,
    /// Whom it is for, as the ladder names them.
    pub to: Vec<Target>,
    /// Who that is, by name.
    pub names: Vec<String>,
}

/// The steps of all ladders of an incident that are not taken yet and would be by `until`, in order,
/// if its timeline were `events` and nothing else happened.
///
/// `terms` judge its cases; one that is missing is judged as it is kept. `now` is the moment at which
/// breaches are noticed that have passed already.
///
/// # Errors
/// When a calendar has no open time within its horizon.
pub fn foreseen(
    conn: &mut Conn,
    incident: &Incident,
    events: &[Event],
    terms: &HashMap<CaseId, CaseTerms>,
    now: Moment,
    until: Moment,
) -> Result<Vec<Foreseen>> {
    let mut people = People::default();
    let mut cases = case_facts(conn, &[incident.id], &mut people)?;
    for case in &mut cases {
        if let Some(of) = terms.get(&case.case.id) {
            case.terms = Arc::new(of.terms.clone());
        }
    }
    let calendars: Vec<_> = cases
        .iter()
        .flat_map(|case| case.terms.promise.calendars())
        .collect();
    let book = store::calendar::book(conn, &calendars)?;
    let reporter = store::person::find(conn, incident.reporter)?;
    let rows = store::clock::of_incident(conn, incident.id)?;
    let facts = facts(events);
    let scene = Scene {
        incident,
        events,
        facts: &facts,
        reporter: &reporter,
        book: &book,
        cause: &Cause::Time,
        anchor: None,
    };
    let mut all = Vec::new();
    for case in &cases {
        let audiences = steps::audiences(conn, &mut people, &scene, case, now)?;
        let promise = &case.terms.promise;
        for clock in judge(case.case.id, promise, &facts, &book, until).map_err(unusable)? {
            let row = rows
                .iter()
                .find(|row| (row.case_id, row.metric) == (case.case.id, clock.metric));
            let entries = match row {
                Some(row) => store::breach::of_clock(conn, row.id)?,
                None => Vec::new(),
            };
            let gone = register::no_longer_breached(&clock, &entries);
            let generation = generation(&scene, case, clock.metric, &entries, gone.len(), now);
            let taken = match row {
                Some(row) => store::clock::taken(conn, row.id, generation.number)?,
                None => BTreeMap::new(),
            };
            let holding = register::holding(&entries);
            let noticed = |lap: &Lap| {
                let entered = holding
                    .get(&(lap.run, lap.interval))
                    .filter(|breach| Some(breach.due_at) == lap.due_at)
                    .map(|breach| breach.noticed_at);
                entered.or(lap.breached_at.map(|at| at.max(now)))
            };
            let past = Past {
                generation,
                taken: &taken,
                acknowledged: &acknowledged(&scene, case.case.id, clock.metric, generation),
            };
            let ladder = &case.case.ladder.0;
            let plan = plan(
                ladder,
                &clock,
                &past,
                until,
                |step| steps::whom(audiences.get(step)),
                noticed,
            )
            .map_err(unusable)?;
            for due in plan.due {
                let step = &ladder[due.step];
                // Who is on duty is another one at another hour.
                let at = due.planned_at.max(now);
                let told = audience::of_step(conn, &mut people, &scene, case, step, at)?;
                let names = told.iter();
                all.push(Foreseen {
                    case: case.case.id,
                    metric: clock.metric,
                    run: due.key.run,
                    interval: due.key.interval,
                    planned_at: due.planned_at,
                    when: step.when,
                    repeat: if due.key.step < 0 { 0 } else { due.key.repeat },
                    deed: due.deed,
                    acknowledged: due.acknowledged,
                    to: step.to.clone(),
                    names: names.map(|to| to.recipient.name.clone()).collect(),
                });
            }
        }
    }
    all.sort_by_key(|step| (step.planned_at, step.case, step.metric));
    Ok(all)
}
