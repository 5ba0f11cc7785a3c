//! Incidents on their way: judged, with what was kept of them beside.

use std::sync::Arc;

use super::audience::Addressee;
use super::edited::deadlines_moved;
use super::gathered::{CaseFacts, Gathered, Kept};
use super::letters::Subject;
use super::{Cause, Scene, register, unusable};
use crate::domain::breach::Breach;
use crate::domain::calendar_book::CalendarBook;
use crate::domain::clock::{Clock, ClockRow, judge};
use crate::domain::incident::Incident;
use crate::domain::ladder::{Acknowledged, Generation};
use crate::domain::person::Person;
use crate::domain::timeline::{Event, Fact, facts};
use crate::domain::words::{EventKind, Metric};
use crate::domain::{CaseId, ClockId, IncidentId};
use crate::error::Result;
use crate::store::{self, Tx};
use crate::time::Moment;

/// An incident on its way, and the clocks it was judged to have.
pub(super) struct Site {
    pub(super) events: Vec<Event>,
    pub(super) facts: Vec<Fact>,
    pub(super) reporter: Arc<Person>,
    pub(super) cases: Vec<CaseFacts>,
    pub(super) clocks: Vec<Judgement>,
    /// Whom each step of each case's ladder tells.
    pub(super) audiences: Vec<Vec<Vec<Addressee>>>,
}

/// A clock as it was judged, and what was kept of it.
pub(super) struct Judgement {
    /// Which case of its incident.
    pub(super) case: usize,
    pub(super) clock: Clock,
    pub(super) row: ClockRow,
    pub(super) kept: Kept,
    pub(super) generation: Generation,
    /// Entries of the register that do not hold any more.
    pub(super) gone: Vec<Breach>,
}

impl Judgement {
    pub(super) fn subject<'a>(
        &'a self,
        scene: &'a Scene<'a>,
        cases: &'a [CaseFacts],
    ) -> Subject<'a> {
        Subject {
            scene,
            case: &cases[self.case],
            clock: &self.clock,
            clock_id: self.row.id,
            generation: self.generation,
        }
    }
}

pub(super) fn scene<'a>(
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

/// Judges incidents and makes the rows of new clocks. Answers how many deadlines edited calendars moved,
/// too.
pub(super) fn judge_all(
    tx: &mut Tx<'_>,
    gathered: &mut Gathered,
    incidents: &mut [Incident],
    cause: &Cause,
) -> Result<(Vec<Site>, u32)> {
    let mut sites = Vec::with_capacity(incidents.len());
    let mut moved = 0;
    for incident in incidents {
        let (site, moved_here) = site(tx, gathered, incident, cause)?;
        moved += moved_here;
        sites.push(site);
    }
    let is_new = |one: &&Judgement| one.row.id == ClockId::default();
    let clocks = sites.iter().flat_map(|site| &site.clocks);
    let new: Vec<ClockRow> = clocks.filter(is_new).map(|one| one.row.clone()).collect();
    let made = store::clock::insert(tx, &new)?;
    for one in sites.iter_mut().flat_map(|site| &mut site.clocks) {
        if let Some(id) = made.get(&(one.row.case_id, one.row.metric)) {
            one.row.id = *id;
        }
    }
    Ok((sites, moved))
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
pub(super) fn generation(
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
pub(super) fn acknowledged(
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
