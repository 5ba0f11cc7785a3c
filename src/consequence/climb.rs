//! The ladders of several incidents.

use std::collections::HashMap;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

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
use crate::machine::processors;
use crate::store::clock::Timer;
use crate::store::{Conn, Tx};
use crate::time::Moment;

/// Incidents whose ladders are climbed at a stretch: that takes longer than a thread to start.
const PART: usize = 50;

/// Whom each step of each case's ladder tells that is taken `at` that moment.
pub(super) fn audiences(
    conn: &mut Conn,
    people: &mut People,
    scene: &Scene<'_>,
    cases: &[CaseFacts],
    at: Moment,
) -> Result<Vec<Vec<Vec<Addressee>>>> {
    cases
        .iter()
        .map(|case| steps::audiences(conn, people, scene, case, at))
        .collect()
}

/// What climbing did.
pub(super) struct Climbed {
    pub(super) steps: u32,
    /// Letters that are in the outbox already.
    pub(super) letters: u32,
}

/// Climbs the ladders of several incidents. Once there are enough of them other threads climb while this
/// one writes what was found before them and what each part of them adds: all others wait for this
/// transaction.
pub(super) fn climb_all(
    tx: &mut Tx<'_>,
    written: &mut Written,
    incidents: &[Incident],
    sites: &[Site],
    entered: &HashMap<ClockId, Vec<Breach>>,
    gathered: &Gathered,
    cause: &Cause,
) -> Result<Climbed> {
    let now = tx.now();
    let climb_some = |written: &mut Written, incidents: &[Incident], sites: &[Site]| {
        let mut taken = 0;
        for (incident, site) in incidents.iter().zip(sites) {
            let scene = scene(incident, site, gathered, cause);
            for one in &site.clocks {
                let subject = one.subject(&scene, &site.cases);
                let entered = entered.get(&one.row.id).map_or(&[][..], Vec::as_slice);
                let audiences = &site.audiences[one.case];
                taken += climb(written, &subject, one, entered, audiences, now)?;
            }
        }
        Result::Ok(taken)
    };
    let parts: Vec<_> = incidents.chunks(PART).zip(sites.chunks(PART)).collect();
    if parts.len() < 2 || processors() < 2 {
        let steps = climb_some(written, incidents, sites)?;
        return Ok(Climbed { steps, letters: 0 });
    }
    let next = AtomicUsize::new(0);
    let (found, parts_found) = mpsc::channel();
    let climb_parts = |found: mpsc::Sender<Result<(Written, u32)>>| {
        while let Some((incidents, sites)) = parts.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut written = Written::default();
            let taken = climb_some(&mut written, incidents, sites);
            // Nobody listens any more once another part failed.
            if found.send(taken.map(|taken| (written, taken))).is_err() {
                return;
            }
        }
    };
    std::thread::scope(|threads| {
        let climbing: Vec<_> = (1..processors().min(parts.len() + 1))
            .map(|_| {
                let found = found.clone();
                threads.spawn(|| climb_parts(found))
            })
            .collect();
        drop(found);
        let mut done = Climbed {
            steps: 0,
            letters: std::mem::take(written).write(tx)?,
        };
        for part in parts_found {
            let (written, taken) = part?;
            done.steps += taken;
            done.letters += written.write(tx)?;
        }
        for thread in climbing {
            thread.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
        Ok(done)
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
