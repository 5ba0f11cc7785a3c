//! Steps of a ladder that are due: taken once, with one letter for each recipient.

use std::collections::HashMap;

use super::audience::{self, Addressee};
use super::letters::{self, StepLetter, Subject};
use super::register::{self, LapKey};
use super::{CaseFacts, Scene};
use crate::domain::breach::Breach;
use crate::domain::clock::Lap;
use crate::domain::ladder::{Acknowledged, Audience, Deed, Direction, Due, Past, Step, When, plan};
use crate::domain::letter::{LetterKind, StepFacts, Trigger};
use crate::error::Result;
use crate::store::{self, Conn, Tx};
use crate::time::{MINUTE, Moment};

/// Steps passed by more than this make one letter for each recipient, not one for each step.
const LATE: i64 = MINUTE;

/// Whom each step of a case's ladder tells, found once for all its clocks.
pub(super) fn audiences(
    conn: &mut Conn,
    scene: &Scene<'_>,
    case: &CaseFacts,
) -> Result<Vec<Vec<Addressee>>> {
    case.case
        .ladder
        .0
        .iter()
        .map(|step| audience::of_targets(conn, scene, case, &step.to))
        .collect()
}

/// Takes the steps that are due. Answers how many were taken, how many letters were queued, and when to
/// look again.
pub(super) fn take(
    tx: &mut Tx<'_>,
    subject: &Subject<'_>,
    audiences: &[Vec<Addressee>],
    acknowledged: &[Acknowledged],
) -> Result<(u32, u32, Option<Moment>)> {
    let now = tx.now();
    let ladder = &subject.case.case.ladder.0;
    let taken = store::clock::taken(tx.conn(), subject.clock_id, subject.generation.number)?;
    let entries = store::breach::of_clock(tx.conn(), subject.clock_id)?;
    let holding = register::holding(&entries);
    let past = Past {
        generation: subject.generation,
        taken: &taken,
        acknowledged,
    };
    let plan = plan(
        ladder,
        subject.clock,
        &past,
        now,
        |step| whom(audiences.get(step)),
        |lap| {
            holding
                .get(&(lap.run, lap.interval))
                .map(|breach| breach.noticed_at)
        },
    )
    .map_err(super::unusable)?;
    for due in &plan.due {
        store::clock::take_step(
            tx,
            subject.clock_id,
            subject.generation.number,
            due.key,
            due.planned_at,
            due.deed,
        )?;
    }
    let told: Vec<&Due> = plan
        .due
        .iter()
        .filter(|due| matches!(due.deed, Deed::Told | Deed::Reminded))
        .collect();
    let (late, timely): (Vec<&Due>, Vec<&Due>) = told
        .into_iter()
        .partition(|due| now - due.planned_at > LATE);
    let mut queued = 0;
    for due in timely {
        queued += tell(tx, subject, ladder, audiences, &holding, &[due])?;
    }
    if !late.is_empty() {
        queued += tell(tx, subject, ladder, audiences, &holding, &late)?;
    }
    let steps = u32::try_from(plan.due.len()).unwrap_or(u32::MAX);
    Ok((steps, queued, plan.next))
}

/// Writes to everyone these steps tell: the highest of the steps that name a recipient speaks, and the
/// letter lists the others.
fn tell(
    tx: &mut Tx<'_>,
    subject: &Subject<'_>,
    ladder: &[Step],
    audiences: &[Vec<Addressee>],
    holding: &HashMap<LapKey, &Breach>,
    dues: &[&Due],
) -> Result<u32> {
    let mut queued = 0;
    let now = tx.now();
    let mut told: Vec<String> = Vec::new();
    for due in dues.iter().rev() {
        let Some(lap) = lap_of(subject, due) else {
            continue;
        };
        let all: Vec<Addressee> = audiences[due.step]
            .iter()
            .filter(|to| reaches(due, to))
            .cloned()
            .collect();
        let step = &ladder[due.step];
        let kind = kind_of(step.when, due.deed);
        let breach = match kind {
            LetterKind::Warned => None,
            _ => holding
                .get(&(lap.run, lap.interval))
                .map(|breach| breach.id),
        };
        for to in &all {
            if told.contains(&to.recipient.email) {
                continue;
            }
            told.push(to.recipient.email.clone());
            let others = dues.iter().filter(|other| other.key != due.key);
            let missed = others
                .filter(|other| {
                    audiences[other.step]
                        .iter()
                        .any(|one| one.recipient.email == to.recipient.email && reaches(other, one))
                })
                .map(|other| step_facts(&ladder[other.step], other))
                .collect();
            let letter = StepLetter {
                kind,
                lap,
                key: format!(
                    "clock{}:g{}:r{}:i{}:s{}:n{}",
                    subject.clock_id,
                    subject.generation.number,
                    due.key.run,
                    due.key.interval,
                    due.key.step,
                    due.key.repeat
                ),
                planned_at: due.planned_at,
                step: step_facts(step, due),
                missed,
                breach,
            };
            let not_before = audience::not_before(subject.scene, step, to, now);
            queued += u32::from(letters::about_step(
                tx, subject, &letter, to, &all, not_before,
            )?);
        }
    }
    Ok(queued)
}

pub(super) fn whom(audience: Option<&Vec<Addressee>>) -> Audience {
    match audience {
        Some(all) if all.iter().any(letters::is_ours) => Audience::WithOurs,
        Some(all) if !all.is_empty() => Audience::Vendor,
        _ => Audience::Nobody,
    }
}

/// An acknowledgement keeps letters from our own side; a reminder after it goes to nobody else.
fn reaches(due: &Due, to: &Addressee) -> bool {
    match due.deed {
        Deed::Reminded => letters::is_ours(to),
        _ => !(due.acknowledged && letters::is_ours(to)),
    }
}

fn lap_of<'a>(subject: &'a Subject<'_>, due: &Due) -> Option<&'a Lap> {
    subject
        .clock
        .laps
        .iter()
        .find(|lap| (lap.run, lap.interval) == (due.key.run, due.key.interval))
}

fn kind_of(when: When, deed: Deed) -> LetterKind {
    match (when.direction(), deed) {
        (Direction::Before, _) => LetterKind::Warned,
        (Direction::At, Deed::Told) => LetterKind::Breached,
        _ => LetterKind::Escalated,
    }
}

fn step_facts(step: &Step, due: &Due) -> StepFacts {
    let trigger = match step.when {
        When::Percent(percent) => Trigger::Percent { percent },
        When::AtDue => Trigger::AtDue,
        When::BeforeDue(offset, measured) => Trigger::BeforeDue {
            offset,
            measured: measured.to_string(),
        },
        When::AfterDue(offset, measured) => Trigger::AfterDue {
            offset,
            measured: measured.to_string(),
        },
    };
    StepFacts {
        planned_at: due.planned_at,
        trigger,
        repeat: if due.key.step < 0 { 0 } else { due.key.repeat },
        reminder: due.deed == Deed::Reminded || due.key.repeat > 0,
    }
}
