//! The ladders of several incidents.

use std::collections::HashMap;
use std::panic::resume_unwind;

use super::audience::{Addressee, People};
use super::gathered::{CaseFacts, Gathered};
use super::letters::Subject;
use super::site::{Judgement, Site, acknowledged, scene};
use super::written::Written;
use super::{Cause, Scene, register, steps};
use crate::domain::ClockId;
use crate::domain::breach::Breach;
use crate::domain::clock::ClockRow;
use crate::domain::incident::Incident;
use crate::domain::words::ClockState;
use crate::error::Result;
use crate::store::Conn;
use crate::store::clock::Timer;
use crate::time::Moment;

/// Incidents whose ladders take longer to climb than a thread to start.
const WORTH_A_THREAD: usize = 20;

/// Whom each step of each case's ladder tells.
pub(super) fn audiences(
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
pub(super) fn climb_all(
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
