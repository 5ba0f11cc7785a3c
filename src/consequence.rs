//! What follows from the facts of an incident, in the transaction that learnt of them.
//!
//! People record events (`actions`), time passes (`engine`); either way the same things follow: the
//! clocks are judged again, breaches are entered or withdrawn, steps are taken, letters are queued and
//! timers moved, all in one transaction with what caused it. The judgement starts from the timeline
//! under the incident's lock and never from what was stored, which is why an answer and a deadline in
//! the same second come out right whichever commits first.

mod audience;
mod foreseen;
mod judged;
mod letters;
mod moved;
mod register;
mod steps;

pub use foreseen::{Foreseen, foreseen};
pub use judged::{Judged, JudgedCase, Lateness, judged, judged_all};
pub(crate) use moved::leaves_enough;
pub use moved::{EditPreview, Move, preview_edit};

use crate::domain::CaseId;
use crate::domain::anchor::PrintedHead;
use crate::domain::calendar::CalendarError;
use crate::domain::calendar_book::CalendarBook;
use crate::domain::clock::{Clock, ClockRow, OutcomeRow, judge};
use crate::domain::contract::Contract;
use crate::domain::go_live::CaseTerms;
use crate::domain::incident::{Case, Incident, IncidentState};
use crate::domain::ladder::{Acknowledged, Generation};
use crate::domain::person::Person;
use crate::domain::terms::Terms;
use crate::domain::timeline::{Event, Fact, Fields, Standing, facts, standing};
use crate::domain::vendor::{Contact, Vendor};
use crate::domain::words::{ClockState, EventKind, Metric, Source};
use crate::error::{Error, Result};
use crate::store::incident::NewEvent;
use crate::store::{self, Conn, Tx};
use crate::time::Moment;

/// What was done; the loop, the log and the tests all use it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Followed {
    /// Breaches entered.
    pub breached: u32,
    /// Breaches withdrawn.
    pub withdrawn: u32,
    /// Steps of ladders taken.
    pub steps: u32,
    /// Letters queued.
    pub letters: u32,
    /// Deadlines moved by a calendar edit.
    pub moved: u32,
}

impl std::ops::AddAssign for Followed {
    fn add_assign(&mut self, other: Self) {
        self.breached += other.breached;
        self.withdrawn += other.withdrawn;
        self.steps += other.steps;
        self.letters += other.letters;
        self.moved += other.moved;
    }
}

/// What made it necessary to judge again.
#[derive(Clone, Debug)]
pub enum Cause {
    /// An event was recorded, with that reason.
    Recorded(Box<Event>, String),
    /// A moment has come.
    Time,
}

/// Everything about one case that its consequences depend on.
pub(crate) struct CaseFacts {
    pub(crate) case: Case,
    /// The terms with the go-live window it was reported in.
    pub(crate) terms: Terms,
    pub(crate) contract: Contract,
    pub(crate) vendor: Vendor,
    pub(crate) contacts: Vec<Contact>,
    pub(crate) owner: Option<Person>,
}

/// One incident while its consequences are drawn.
pub(crate) struct Scene<'a> {
    pub(crate) incident: &'a Incident,
    pub(crate) events: &'a [Event],
    pub(crate) facts: &'a [Fact],
    pub(crate) reporter: &'a Person,
    pub(crate) book: &'a CalendarBook,
    pub(crate) cause: &'a Cause,
    /// The head of the anchor chain, as letters print it.
    pub(crate) anchor: Option<&'a PrintedHead>,
}

/// Draws the consequences for a locked incident as it stands at the transaction's moment.
///
/// # Errors
/// When a calendar of its terms has no open time within its horizon, or the database does not do as
/// asked; nothing is kept then.
pub fn follow(tx: &mut Tx<'_>, incident: &mut Incident, cause: &Cause) -> Result<Followed> {
    let mut done = Followed::default();
    let cases = case_facts(tx.conn(), incident)?;
    let rows = store::clock::of_incident(tx.conn(), incident.id)?;
    // Clocks may still be kept that other terms asked for.
    let kept = rows.iter().map(|row| row.calendar_id);
    let calendars: Vec<_> = cases
        .iter()
        .flat_map(|facts| {
            let hours = facts
                .contacts
                .iter()
                .filter_map(|contact| contact.calendar_id);
            facts.terms.promise.calendars().into_iter().chain(hours)
        })
        .chain(kept)
        .collect();
    let book = store::calendar::book(tx.conn(), &calendars)?;
    let reporter = store::person::find(tx.conn(), incident.reporter)?;
    done.moved = deadlines_moved(tx, incident, &cases, &rows, &book, cause)?;
    let events = store::incident::events(tx.conn(), incident.id)?;
    let facts = facts(&events);
    let anchor = store::anchor::latest(tx.conn())?.map(|anchor| anchor.printed());
    for case in &cases {
        let scene = Scene {
            incident,
            events: &events,
            facts: &facts,
            reporter: &reporter,
            book: &book,
            cause,
            anchor: anchor.as_ref(),
        };
        done += case_follows(tx, &scene, case, &rows)?;
    }
    keep_standing(tx, incident, &cases, &facts)?;
    Ok(done)
}

fn case_facts(conn: &mut Conn, incident: &Incident) -> Result<Vec<CaseFacts>> {
    let mut all = Vec::new();
    let cases = store::incident::cases(conn, incident.id)?;
    let mut terms = store::go_live::terms_of_cases(conn, &cases)?;
    for case in cases {
        // The keys of the database hold these together.
        let Some(CaseTerms { terms, .. }) = terms.remove(&case.id) else {
            continue;
        };
        let contract = store::contract::find(conn, case.contract_id)?;
        let vendor = store::vendor::find(conn, contract.vendor_id)?;
        let contacts = store::vendor::contacts(conn, vendor.id)?;
        let owner = store::person::with_email(conn, &contract.owner)?;
        all.push(CaseFacts {
            case,
            terms,
            contract,
            vendor,
            contacts,
            owner,
        });
    }
    Ok(all)
}

/// A calendar edit that moves a running deadline is an event of its own, with both values.
fn deadlines_moved(
    tx: &mut Tx<'_>,
    incident: &mut Incident,
    cases: &[CaseFacts],
    rows: &[ClockRow],
    book: &CalendarBook,
    cause: &Cause,
) -> Result<u32> {
    // The deadline moved before what has just been recorded, so it is judged without that.
    let recorded = match cause {
        Cause::Recorded(event, _) => event.seq,
        Cause::Time => i64::MAX,
    };
    let now = tx.now();
    let edited = |row: &ClockRow| book.latest(row.calendar_id).revision != row.calendar_revision;
    if !rows.iter().any(|row| row.state.is_open() && edited(row)) {
        return Ok(0);
    }
    let mut events = store::incident::events(tx.conn(), incident.id)?;
    events.retain(|event| event.seq < recorded);
    let known = facts(&events);
    let mut moved = 0;
    for case in cases {
        for clock in
            judge(case.case.id, &case.terms.promise, &known, book, now).map_err(unusable)?
        {
            let lap = clock.current();
            let Some(row) = rows
                .iter()
                .find(|row| row.case_id == case.case.id && row.metric == clock.metric)
            else {
                continue;
            };
            let same_lap = (row.run, row.interval) == (lap.run, lap.interval);
            let edited = row.calendar_id == lap.commitment.calendar_id
                && row.calendar_revision != lap.revision;
            if same_lap && edited && row.due_at != lap.due_at && row.breached_at.is_none() {
                let new = NewEvent {
                    case: Some(case.case.id),
                    kind: EventKind::DeadlineMoved,
                    occurred_at: now,
                    source: Source::Engine,
                    fields: Fields {
                        metrics: vec![clock.metric],
                        due_before: row.due_at,
                        due_after: lap.due_at,
                        ..Fields::default()
                    },
                    texts: Vec::new(),
                };
                let detail = serde_json::json!({"incident": incident.id.reference(), "metric": clock.metric,
                    "due_before": row.due_at, "due_after": lap.due_at});
                store::incident::append(tx, incident, new)?;
                tx.record("incident", incident.id.0, "deadline moved", &detail)?;
                moved += 1;
            }
        }
    }
    Ok(moved)
}

/// `rows` are the incident's clocks as they were kept before.
fn case_follows(
    tx: &mut Tx<'_>,
    scene: &Scene<'_>,
    case: &CaseFacts,
    rows: &[ClockRow],
) -> Result<Followed> {
    let now = tx.now();
    let mut clocks = judge(
        case.case.id,
        &case.terms.promise,
        scene.facts,
        scene.book,
        now,
    )
    .map_err(unusable)?;
    clocks.extend(gone(scene, case, &clocks, rows));
    let audiences = steps::audiences(tx.conn(), scene, case)?;
    let mut done = Followed::default();
    for clock in &clocks {
        let before = rows
            .iter()
            .find(|row| row.case_id == case.case.id && row.metric == clock.metric);
        let entries = match before {
            Some(row) => store::breach::of_clock(tx.conn(), row.id)?,
            None => Vec::new(),
        };
        let gone = register::no_longer_breached(clock, &entries);
        let generation = generation(scene, case, clock.metric, &entries, gone.len(), now);
        let row = clock_row(scene, case, clock, generation);
        let id = store::clock::keep(tx, before, &row)?;
        let outcomes = outcomes(scene, case, clock, id)?;
        store::clock::keep_outcomes(tx, id, &outcomes)?;
        let subject = letters::Subject {
            scene,
            case,
            clock,
            clock_id: id,
            generation,
        };
        done.withdrawn += u32::try_from(gone.len()).unwrap_or(u32::MAX);
        for breach in gone {
            done.letters += register::withdraw(tx, &subject, breach)?;
        }
        done.breached += register::enter(tx, &subject, &entries)?;
        let (taken, queued, next) = steps::take(
            tx,
            &subject,
            &audiences,
            &acknowledged(scene, case.case.id, clock.metric, generation),
        )?;
        done.steps += taken;
        done.letters += queued;
        let due = clock
            .current()
            .due_at
            .filter(|_| clock.state == ClockState::Running && clock.current().verdict.is_none());
        let silence = clock.current().confirmed_by;
        let wake = [due, silence, next].into_iter().flatten().min();
        store::clock::keep_timer(tx, id, scene.incident.id, wake)?;
    }
    done.letters += letters::of_occasion(tx, scene, case, &clocks)?;
    Ok(done)
}

/// Clocks that were kept and that no commitment asks for any more, since a correction changed the
/// severity that began them, or the terms.
fn gone(scene: &Scene<'_>, case: &CaseFacts, clocks: &[Clock], rows: &[ClockRow]) -> Vec<Clock> {
    rows.iter()
        .filter(|row| row.case_id == case.case.id)
        .filter(|row| !clocks.iter().any(|clock| clock.metric == row.metric))
        .map(|row| Clock::gone(&row.commitment(), scene.book, row.started_at))
        .collect()
}

/// A new generation begins with a severity change, a reopening, or a withdrawn breach; corrections,
/// pauses and calendar edits keep it. It counts what was recorded, so that it only grows.
fn generation(
    scene: &Scene<'_>,
    case: &CaseFacts,
    metric: Metric,
    entries: &[store::breach::Entry],
    withdrawn_now: usize,
    now: Moment,
) -> Generation {
    let mut number = 1;
    let mut began = scene.incident.created_at.min(now);
    for event in scene.events {
        let begins = match event.kind {
            EventKind::SeverityChanged => true,
            EventKind::Reopened => metric != Metric::Respond,
            _ => false,
        };
        if begins && event.case_id.is_none_or(|of| of == case.case.id) {
            number += 1;
            began = began.max(event.recorded_at);
        }
    }
    for (_, withdrawal) in entries {
        if let Some(withdrawal) = withdrawal {
            number += 1;
            began = began.max(withdrawal.at);
        }
    }
    if withdrawn_now > 0 {
        number += i32::try_from(withdrawn_now).unwrap_or(i32::MAX);
        began = now;
    }
    if number == 1 {
        // Nothing lies before the first generation: an incident entered late climbs its whole ladder.
        began = Moment::default();
    }
    Generation { number, began }
}

/// The acknowledgements of a clock that were recorded in its present generation.
fn acknowledged(
    scene: &Scene<'_>,
    case: CaseId,
    metric: Metric,
    generation: Generation,
) -> Vec<Acknowledged> {
    scene
        .events
        .iter()
        .filter(|event| {
            event.kind == EventKind::Acknowledged
                && event.case_id.is_none_or(|of| of == case)
                && event.fields.metrics.contains(&metric)
                && event.recorded_at >= generation.began
        })
        .map(|event| Acknowledged {
            at: event.recorded_at,
            seq: event.seq,
        })
        .collect()
}

fn clock_row(
    scene: &Scene<'_>,
    case: &CaseFacts,
    clock: &Clock,
    generation: Generation,
) -> ClockRow {
    let lap = clock.current();
    ClockRow {
        id: crate::domain::ClockId::default(),
        incident_id: scene.incident.id,
        case_id: case.case.id,
        metric: clock.metric,
        state: clock.state,
        severity: lap.commitment.severity.clone(),
        clause: lap.commitment.clause.clone(),
        calendar_id: lap.commitment.calendar_id,
        calendar_revision: lap.revision,
        started_at: lap.started_at,
        due_at: lap.due_at,
        provisional: lap.provisional,
        budget: lap.budget,
        spent: lap.spent,
        breached_at: lap.breached_at,
        stopped_at: lap.stopped_at,
        run: lap.run,
        interval: lap.interval,
        generation: generation.number,
    }
}

fn outcomes(
    scene: &Scene<'_>,
    case: &CaseFacts,
    clock: &Clock,
    id: crate::domain::ClockId,
) -> Result<Vec<OutcomeRow>> {
    let mut rows = Vec::new();
    for lap in &clock.laps {
        let (Some(result), Some(due_at), Some(certain_at)) =
            (lap.verdict, lap.due_at.or(lap.stopped_at), lap.certain_at())
        else {
            continue;
        };
        rows.push(OutcomeRow {
            clock_id: id,
            run: lap.run,
            interval: lap.interval,
            incident_id: scene.incident.id,
            contract_id: case.contract.id,
            vendor_id: case.vendor.id,
            drill: scene.incident.drill,
            metric: clock.metric,
            severity: lap.commitment.severity.clone(),
            clause: lap.commitment.clause.clone(),
            result,
            started_at: lap.started_at,
            due_at,
            stopped_at: lap.stopped_at,
            certain_at,
            budget: lap.budget,
            spent: lap.spent,
            late_open: lap.late_open().map_err(unusable)?,
        });
    }
    Ok(rows)
}

fn keep_standing(
    tx: &mut Tx<'_>,
    incident: &mut Incident,
    cases: &[CaseFacts],
    facts: &[Fact],
) -> Result<()> {
    let standings: Vec<Standing> = cases
        .iter()
        .map(|case| standing(facts, case.case.id))
        .collect();
    incident.state = if standings.contains(&Standing::Open) {
        IncidentState::Open
    } else if standings.contains(&Standing::Resolved) {
        IncidentState::Resolved
    } else {
        IncidentState::Cancelled
    };
    if let Some(first) = facts.iter().find(|fact| fact.kind == EventKind::Reported) {
        incident.reported_at = first.at;
    }
    store::incident::keep_standing(tx, incident.id, incident.state, incident.reported_at)?;
    for case in cases {
        let severity = facts
            .iter()
            .rev()
            .filter(|fact| fact.case.is_none_or(|of| of == case.case.id))
            .find_map(|fact| fact.severity.clone());
        if let Some(severity) = severity.filter(|severity| *severity != case.case.severity) {
            store::incident::keep_severity(tx, case.case.id, &severity)?;
        }
    }
    Ok(())
}

/// A calendar that cannot answer is the user's to repair: the sentence names it.
pub(crate) fn unusable(error: CalendarError) -> Error {
    Error::conflict(error.to_string())
}
