//! What follows from the facts of an incident, in the transaction that learnt of them.
//!
//! People record events (`actions`), time passes (`engine`); either way the same things follow: the
//! clocks are judged again, breaches are entered or withdrawn, steps are taken, letters are queued and
//! timers moved, all in one transaction with what caused it. The judgement starts from the timeline
//! under the incident's lock and never from what was stored, which is why an answer and a deadline in
//! the same second come out right whichever commits first.

mod audience;
mod foreseen;
mod gathered;
mod judged;
mod letters;
mod moved;
mod register;
mod steps;
mod written;

pub use foreseen::{Foreseen, foreseen};
pub use judged::{Judged, JudgedCase, Lateness, judged, judged_all};
pub(crate) use moved::leaves_enough;
pub use moved::{EditPreview, Move, preview_edit};

use std::collections::HashMap;
use std::panic::resume_unwind;
use std::sync::Arc;

use audience::{Addressee, People};
pub(crate) use gathered::CaseFacts;
use gathered::{Gathered, Kept};
use letters::Subject;
use written::Written;

use crate::domain::anchor::PrintedHead;
use crate::domain::breach::Breach;
use crate::domain::calendar::CalendarError;
use crate::domain::calendar_book::CalendarBook;
use crate::domain::clock::{Clock, ClockRow, OutcomeRow, judge};
use crate::domain::incident::{Incident, IncidentState};
use crate::domain::ladder::{Acknowledged, Generation};
use crate::domain::person::Person;
use crate::domain::timeline::{Event, Fact, Fields, Standing, facts, standing};
use crate::domain::words::{ClockState, EventKind, Metric, Source};
use crate::domain::{CaseId, ClockId, IncidentId};
use crate::error::{Error, Result};
use crate::store::clock::Timer;
use crate::store::incident::NewEvent;
use crate::store::{self, Conn, Tx};
use crate::time::Moment;

/// Incidents whose ladders take longer to climb than a thread to start.
const WORTH_A_THREAD: usize = 20;

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

/// An incident on its way, and the clocks it was judged to have.
struct Site {
    events: Vec<Event>,
    facts: Vec<Fact>,
    reporter: Arc<Person>,
    cases: Vec<CaseFacts>,
    clocks: Vec<Judgement>,
    /// Whom each step of each case's ladder tells.
    audiences: Vec<Vec<Vec<Addressee>>>,
}

/// A clock as it was judged, and what was kept of it.
struct Judgement {
    /// Which case of its incident.
    case: usize,
    clock: Clock,
    row: ClockRow,
    kept: Kept,
    generation: Generation,
    /// Entries of the register that do not hold any more.
    gone: Vec<Breach>,
}

impl Judgement {
    fn subject<'a>(&'a self, scene: &'a Scene<'a>, cases: &'a [CaseFacts]) -> Subject<'a> {
        Subject {
            scene,
            case: &cases[self.case],
            clock: &self.clock,
            clock_id: self.row.id,
            generation: self.generation,
        }
    }
}

/// Draws the consequences for a locked incident as it stands at the transaction's moment.
///
/// # Errors
/// When a calendar of its terms has no open time within its horizon, or the database does not do as
/// asked; nothing is kept then.
pub fn follow(tx: &mut Tx<'_>, incident: &mut Incident, cause: &Cause) -> Result<Followed> {
    follow_all(tx, std::slice::from_mut(incident), cause)
}

/// Draws the consequences for several locked incidents, with about as many statements as for one.
///
/// # Errors
/// As [`follow`], for any of them.
pub fn follow_all(tx: &mut Tx<'_>, incidents: &mut [Incident], cause: &Cause) -> Result<Followed> {
    let mut done = Followed::default();
    let mut written = Written::default();
    let mut gathered = Gathered::read(tx.conn(), incidents)?;
    let mut sites = Vec::with_capacity(incidents.len());
    let mut fresh = Vec::new();
    for incident in incidents.iter_mut() {
        let (site, moved) = site(tx, &mut gathered, incident, cause)?;
        done.moved += moved;
        let new = site
            .clocks
            .iter()
            .filter(|one| one.row.id == ClockId::default());
        fresh.extend(new.map(|one| one.row.clone()));
        sites.push(site);
    }
    let made = store::clock::insert(tx, &fresh)?;
    let mut lacking = Vec::new();
    for (incident, site) in incidents.iter().zip(&mut sites) {
        for one in &mut site.clocks {
            if let Some(id) = made.get(&(one.row.case_id, one.row.metric)) {
                one.row.id = *id;
            }
        }
        let scene = scene(incident, site, &gathered, cause);
        for one in &site.clocks {
            let subject = one.subject(&scene, &site.cases);
            keep_outcomes(tx, &mut written, &subject, &one.kept.outcomes)?;
            done.withdrawn += u32::try_from(one.gone.len()).unwrap_or(u32::MAX);
            for breach in &one.gone {
                register::withdraw(tx, &mut written, &subject, breach)?;
            }
            lacking.extend(register::lacking(&subject, &one.kept.entries, tx.now())?);
        }
    }
    store::breach::insert(tx, &mut lacking)?;
    written.notes.extend(lacking.iter().map(register::note));
    done.breached = u32::try_from(lacking.len()).unwrap_or(u32::MAX);
    let mut entered: HashMap<ClockId, Vec<Breach>> = HashMap::new();
    for breach in lacking {
        entered.entry(breach.clock_id).or_default().push(breach);
    }
    let mut people = std::mem::take(&mut gathered.people);
    for (incident, site) in incidents.iter().zip(&mut sites) {
        site.audiences = audiences(
            tx.conn(),
            &mut people,
            &scene(incident, site, &gathered, cause),
            &site.cases,
        )?;
    }
    done.steps += climb_all(
        &mut written,
        incidents,
        &sites,
        &entered,
        &gathered,
        cause,
        tx.now(),
    )?;
    for (incident, site) in incidents.iter_mut().zip(&sites) {
        let scene = scene(incident, site, &gathered, cause);
        for (number, case) in site.cases.iter().enumerate() {
            let of_case = site.clocks.iter().filter(|one| one.case == number);
            let clocks: Vec<&Clock> = of_case.map(|one| &one.clock).collect();
            done.letters +=
                letters::of_occasion(tx, &mut written, &mut people, &scene, case, &clocks)?;
        }
        keep_standing(tx, incident, &site.cases, &site.facts)?;
    }
    done.letters += written.write(tx)?;
    Ok(done)
}

/// Whom each step of each case's ladder tells.
fn audiences(
    conn: &mut Conn,
    people: &mut People,
    scene: &Scene<'_>,
    cases: &[CaseFacts],
) -> Result<Vec<Vec<Vec<Addressee>>>> {
    cases
        .iter()
        .map(|case| steps::audiences(conn, people, scene, case))
        .collect()
}

/// Climbs the ladders of several incidents, on as many threads as the machine has processors once there
/// are enough of them: all others wait for this transaction. Answers how many steps were taken.
fn climb_all(
    written: &mut Written,
    incidents: &[Incident],
    sites: &[Site],
    entered: &HashMap<ClockId, Vec<Breach>>,
    gathered: &Gathered,
    cause: &Cause,
    now: Moment,
) -> Result<u32> {
    let climb_some = |incidents: &[Incident], sites: &[Site]| -> Result<(Written, u32)> {
        let mut written = Written::default();
        let mut taken = 0;
        for (incident, site) in incidents.iter().zip(sites) {
            let scene = scene(incident, site, gathered, cause);
            for one in &site.clocks {
                let subject = one.subject(&scene, &site.cases);
                let entered = entered.get(&one.row.id).map_or(&[][..], Vec::as_slice);
                let audiences = &site.audiences[one.case];
                taken += climb(&mut written, &subject, one, entered, audiences, now)?;
            }
        }
        Ok((written, taken))
    };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let share = incidents.len().div_ceil(processors).max(WORTH_A_THREAD);
    let mut parts = incidents.chunks(share).zip(sites.chunks(share));
    let Some((first, first_sites)) = parts.next() else {
        return Ok(0);
    };
    std::thread::scope(|threads| {
        let others: Vec<_> = parts
            .map(|(some, sites)| threads.spawn(move || climb_some(some, sites)))
            .collect();
        let mut done = vec![climb_some(first, first_sites)];
        for other in others {
            done.push(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        let mut steps = 0;
        for part in done {
            let (part, taken) = part?;
            written.append(part);
            steps += taken;
        }
        Ok(steps)
    })
}

fn scene<'a>(
    incident: &'a Incident,
    site: &'a Site,
    gathered: &'a Gathered,
    cause: &'a Cause,
) -> Scene<'a> {
    Scene {
        incident,
        events: &site.events,
        facts: &site.facts,
        reporter: &site.reporter,
        book: &gathered.book,
        cause,
        anchor: gathered.anchor.as_ref(),
    }
}

/// Judges the clocks of an incident. Answers how many deadlines an edited calendar moved, too.
fn site(
    tx: &mut Tx<'_>,
    gathered: &mut Gathered,
    incident: &mut Incident,
    cause: &Cause,
) -> Result<(Site, u32)> {
    let cases = gathered.take_cases(incident.id);
    let rows = gathered.take_clocks(incident.id);
    let mut events = gathered.take_events(incident.id);
    let moved = deadlines_moved(tx, incident, &cases, &rows, &events, &gathered.book, cause)?;
    if moved > 0 {
        events = store::incident::events(tx.conn(), incident.id)?;
    }
    let mut site = Site {
        facts: facts(&events),
        events,
        reporter: gathered.reporter(tx.conn(), incident.reporter)?,
        cases,
        clocks: Vec::new(),
        audiences: Vec::new(),
    };
    let now = tx.now();
    let mut clocks = Vec::new();
    for (number, case) in site.cases.iter().enumerate() {
        let (id, promise) = (case.case.id, &case.terms.promise);
        let mut judged = judge(id, promise, &site.facts, &gathered.book, now).map_err(unusable)?;
        judged.extend(gone(&gathered.book, case, &judged, &rows));
        for clock in judged {
            let before = rows
                .iter()
                .find(|row| row.case_id == id && row.metric == clock.metric);
            let kept = match before {
                Some(row) => Kept {
                    row: Some(row.clone()),
                    ..gathered.take_kept(row.id)
                },
                None => Kept::default(),
            };
            let gone = register::no_longer_breached(&clock, &kept.entries);
            let scene = scene(incident, &site, gathered, cause);
            let generation = generation(&scene, case, clock.metric, &kept.entries, gone.len(), now);
            let mut row = clock_row(incident.id, case, &clock, generation);
            if let Some(before) = before {
                row.id = before.id;
            }
            clocks.push(Judgement {
                case: number,
                clock,
                row,
                kept,
                generation,
                gone,
            });
        }
    }
    site.clocks = clocks;
    Ok((site, moved))
}

/// Takes the steps of a clock's ladder that are due and keeps the clock as it stands. Answers how many
/// steps were taken.
fn climb(
    written: &mut Written,
    subject: &Subject<'_>,
    judgement: &Judgement,
    entered: &[Breach],
    audiences: &[Vec<Addressee>],
    now: Moment,
) -> Result<u32> {
    let (scene, kept, clock) = (subject.scene, &judgement.kept, &judgement.clock);
    let mut holding = register::holding(&kept.entries);
    for gone in &judgement.gone {
        holding.remove(&(gone.run, gone.interval));
    }
    holding.extend(
        entered
            .iter()
            .map(|breach| ((breach.run, breach.interval), breach)),
    );
    let before = steps::Before {
        taken: &kept.taken(subject.generation.number),
        acknowledged: &acknowledged(
            scene,
            subject.case.case.id,
            clock.metric,
            subject.generation,
        ),
        holding: &holding,
    };
    let (taken, next) = steps::take(written, subject, audiences, &before, now)?;
    let due = clock
        .current()
        .due_at
        .filter(|_| clock.state == ClockState::Running && clock.current().verdict.is_none());
    let silence = clock.current().confirmed_by;
    let at = [due, silence, next].into_iter().flatten().min();
    if at != kept.timer {
        written.timers.push(Timer {
            clock: judgement.row.id,
            incident: scene.incident.id,
            at,
        });
    }
    let is_kept = |before: &ClockRow| judgement.row.goes_on_as(before);
    if kept.row.as_ref().is_some_and(|before| !is_kept(before)) {
        written.clocks.push(judgement.row.clone());
    }
    Ok(taken)
}

/// A calendar edit that moves a running deadline is an event of its own, with both values.
fn deadlines_moved(
    tx: &mut Tx<'_>,
    incident: &mut Incident,
    cases: &[CaseFacts],
    rows: &[ClockRow],
    events: &[Event],
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
    let before = events.iter().take_while(|event| event.seq < recorded);
    let before: Vec<Event> = before.cloned().collect();
    let known = facts(&before);
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

/// Clocks that were kept and that no commitment asks for any more, since a correction changed the
/// severity that began them, or the terms.
fn gone(book: &CalendarBook, case: &CaseFacts, clocks: &[Clock], rows: &[ClockRow]) -> Vec<Clock> {
    rows.iter()
        .filter(|row| row.case_id == case.case.id)
        .filter(|row| !clocks.iter().any(|clock| clock.metric == row.metric))
        .map(|row| Clock::gone(&row.commitment(), book, row.started_at))
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
    incident: IncidentId,
    case: &CaseFacts,
    clock: &Clock,
    generation: Generation,
) -> ClockRow {
    let lap = clock.current();
    ClockRow {
        id: ClockId::default(),
        incident_id: incident,
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

/// Replaces the outcomes of a clock by what was judged now.
fn keep_outcomes(
    tx: &mut Tx<'_>,
    written: &mut Written,
    subject: &Subject<'_>,
    kept: &[OutcomeRow],
) -> Result<()> {
    let judged = outcomes(subject)?;
    let gone: Vec<OutcomeRow> = kept
        .iter()
        .filter(|row| !judged.contains(row))
        .cloned()
        .collect();
    store::clock::drop_outcomes(tx, &gone)?;
    let new = judged.into_iter().filter(|row| !kept.contains(row));
    written.outcomes.extend(new);
    Ok(())
}

fn outcomes(subject: &Subject<'_>) -> Result<Vec<OutcomeRow>> {
    let (incident, case, clock) = (subject.scene.incident, subject.case, subject.clock);
    let mut rows = Vec::new();
    for lap in &clock.laps {
        let (Some(result), Some(due_at), Some(certain_at)) =
            (lap.verdict, lap.due_at.or(lap.stopped_at), lap.certain_at())
        else {
            continue;
        };
        rows.push(OutcomeRow {
            clock_id: subject.clock_id,
            run: lap.run,
            interval: lap.interval,
            incident_id: incident.id,
            contract_id: case.contract.id,
            vendor_id: case.vendor.id,
            drill: incident.drill,
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
    let before = (incident.state, incident.reported_at);
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
    if before != (incident.state, incident.reported_at) {
        store::incident::keep_standing(tx, incident.id, incident.state, incident.reported_at)?;
    }
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
