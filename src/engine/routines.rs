//! What comes round on schedule: reports that are mailed.

use super::recipient;
use crate::domain::letter::{LetterFacts, LetterKind};
use crate::domain::schedule::{Run, Schedule};
use crate::domain::zone::Zone;
use crate::error::Result;
use crate::fault;
use crate::report::{self, Ask, Report};
use crate::store::letter::NewLetter;
use crate::store::{self, Actor, Conn, Store, Tx};
use crate::time::Moment;

/// What was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// Reports whose letters were queued.
    pub reports: u32,
}

/// Makes every report that is due, oldest first, each in a transaction of its own. One that fails
/// does not hold up the others.
///
/// A missed run is made up for, and runs that were missed and would report the same month are one. None
/// is made twice, also with several engines: the routine moves forward only once.
///
/// # Errors
/// The first failure, after all were tried.
pub fn run_due(store: &Store) -> Result<Ran> {
    let mut ran = Ran::default();
    let mut failed = None;
    for schedule in store.read(store::schedule::active)? {
        match run_all(store, &schedule) {
            Ok(reports) => ran.reports += reports,
            Err(error) => {
                tracing::error!(schedule = %schedule.id, %error, "a scheduled report could not be made");
                failed = failed.or(Some(error));
            }
        }
    }
    failed.map_or(Ok(ran), Err)
}

/// When the next report is due; in the past, if it is overdue.
///
/// # Errors
/// When the database does not answer.
pub fn next_due(conn: &mut Conn) -> Result<Option<Moment>> {
    let mut next = None;
    for schedule in store::schedule::active(conn)? {
        let due = schedule.next_after(done(conn, &schedule)?);
        next = [next, due].into_iter().flatten().min();
    }
    Ok(next)
}

/// Up to when the runs of a schedule were made; a new one makes nothing up from before it was entered.
///
/// # Errors
/// When the database does not answer.
pub fn done(conn: &mut Conn, schedule: &Schedule) -> Result<Moment> {
    let last = store::routine::last_run(conn, &schedule.routine())?;
    Ok(last.unwrap_or(schedule.created_at))
}

fn run_all(store: &Store, schedule: &Schedule) -> Result<u32> {
    let mut reports = 0;
    loop {
        let now = store.now()?;
        let done = store.read(|conn| done(conn, schedule))?;
        let Some(run) = schedule.due(done, now) else {
            return Ok(reports);
        };
        let known = schedule.clone();
        if !store.write(Actor::Engine, move |tx| make(tx, &known, run))? {
            return Ok(reports);
        }
        fault::point("routine.committed");
        reports += 1;
    }
}

/// Makes one run; says whether it did: another engine may have been first, or somebody may have changed
/// or ended the schedule meanwhile.
fn make(tx: &mut Tx<'_>, known: &Schedule, run: Run) -> Result<bool> {
    let present = store::schedule::version(tx.conn(), known.id)?;
    if present != Some(known.version) {
        return Ok(false);
    }
    let routine = known.routine();
    if !store::routine::ran(tx, &routine, run.at)? {
        return Ok(false);
    }
    store::routine::ran(tx, &routine, run.covers)?;
    let ask = Ask {
        vendor: known.vendor_id,
        period: run.period,
    };
    let now = tx.now();
    let report = report::figures(tx.conn(), &ask, now)?;
    let facts = report::facts(&report, &known.name, zone_of(&report, known), run.at)?;
    let facts = LetterFacts::Report(Box::new(facts)).to_json()?;
    let mut letters = Vec::new();
    for email in &known.recipients.0 {
        let Some(recipient) = recipient::with_email(tx.conn(), email, known.time_zone)? else {
            continue;
        };
        letters.push(NewLetter {
            key: format!("{routine}:{}:{}", run.at, email.to_lowercase()),
            kind: LetterKind::Report,
            incident_id: None,
            case_id: None,
            clock_id: None,
            breach_id: None,
            contact_id: None,
            recipient,
            facts: facts.clone(),
            planned_at: run.at,
            not_before: now,
        });
    }
    let queued = store::letter::queue(tx, &letters)?;
    let detail = serde_json::json!({"due": run.at, "period": run.period, "letters": queued});
    tx.record("schedule", known.id.0, "ran", &detail)?;
    fault::point("routine.made");
    Ok(true)
}

/// The zone in which the letter states its period: the contracts' own where they share one.
fn zone_of(report: &Report, schedule: &Schedule) -> Zone {
    let mut zones = report.contracts.iter().map(|part| part.time_zone);
    match zones.next() {
        Some(first) if zones.all(|other| other == first) => first,
        _ => schedule.time_zone,
    }
}
