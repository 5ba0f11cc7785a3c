//! Steps of a ladder that are due: taken once, with one letter for each recipient.

use std::collections::{BTreeMap, HashMap};

use super::audience::{self, Addressee, People};
use super::letters::{self, Reached, StepLetter, Subject};
use super::register::LapKey;
use super::written::Written;
use super::{CaseFacts, Scene};
use crate::domain::breach::Breach;
use crate::domain::clock::Lap;
use crate::domain::ladder::{
    Acknowledged, Audience, Deed, Direction, Due, Past, Step, Taken, When, plan,
};
use crate::domain::letter::{LetterKind, StepFacts, Trigger};
use crate::error::Result;
use crate::store::Conn;
use crate::store::clock::StepRow;
use crate::time::{MINUTE, Moment};

/// Steps passed by more than this make one letter for each recipient, not one for each step.
const LATE: i64 = MINUTE;

/// Whom each step of a case's ladder tells that is taken `at` that moment, found once for all its clocks.
pub(super) fn audiences(
    conn: &mut Conn,
    people: &mut People,
    scene: &Scene<'_>,
    case: &CaseFacts,
    at: Moment,
) -> Result<Vec<Vec<Addressee>>> {
    case.case
        .ladder
        .0
        .iter()
        .map(|step| audience::of_step(conn, people, scene, case, step, at))
        .collect()
}

/// What was done on a ladder before.
pub(super) struct Before<'a> {
    /// Steps taken in the present generation.
    pub(super) taken: &'a BTreeMap<Taken, Deed>,
    pub(super) acknowledged: &'a [Acknowledged],
    /// The entries of the register that hold.
    pub(super) holding: &'a HashMap<LapKey, &'a Breach>,
}

/// Takes the steps that are due. Answers how many were taken, and when to look again.
pub(super) fn take(
    written: &mut Written,
    subject: &Subject<'_>,
    audiences: &[Vec<Addressee>],
    before: &Before<'_>,
    now: Moment,
) -> Result<(u32, Option<Moment>)> {
    let ladder = &subject.case.case.ladder.0;
    let past = Past {
        generation: subject.generation,
        taken: before.taken,
        acknowledged: before.acknowledged,
    };
    let plan = plan(
        ladder,
        subject.clock,
        &past,
        now,
        |step| whom(audiences.get(step)),
        |lap| {
            before
                .holding
                .get(&(lap.run, lap.interval))
                .map(|breach| breach.noticed_at)
        },
    )
    .map_err(super::unusable)?;
    written.steps.extend(plan.due.iter().map(|due| StepRow {
        clock_id: subject.clock_id,
        generation: subject.generation.number,
        run: due.key.run,
        interval: due.key.interval,
        step: due.key.step,
        repeat: due.key.repeat,
        planned_at: due.planned_at,
        taken_at: now,
        deed: due.deed,
    }));
    let told: Vec<&Due> = plan
        .due
        .iter()
        .filter(|due| matches!(due.deed, Deed::Told | Deed::Reminded))
        .collect();
    let (late, timely): (Vec<&Due>, Vec<&Due>) = told
        .into_iter()
        .partition(|due| now - due.planned_at > LATE);
    let mut deeds = before.taken.clone();
    deeds.extend(plan.due.iter().map(|due| (due.key, due.deed)));
    let climbed = Climbed {
        audiences,
        holding: before.holding,
        deeds: &deeds,
    };
    for due in timely {
        tell(written, subject, &climbed, &[due], now)?;
    }
    if !late.is_empty() {
        tell(written, subject, &climbed, &late, now)?;
    }
    let steps = u32::try_from(plan.due.len()).unwrap_or(u32::MAX);
    Ok((steps, plan.next))
}

/// A ladder as far as it is climbed.
struct Climbed<'a> {
    audiences: &'a [Vec<Addressee>],
    holding: &'a HashMap<LapKey, &'a Breach>,
    /// What became of the steps taken in the present generation, those of this moment too.
    deeds: &'a BTreeMap<Taken, Deed>,
}

impl Climbed<'_> {
    /// The steps between that one and the next below it that was told: they found nobody.
    fn skipped(&self, ladder: &[Step], due: &Due) -> Vec<Trigger> {
        if due.deed != Deed::Told || due.key.repeat > 0 {
            return Vec::new();
        }
        let below = (0..due.key.step)
            .rev()
            .map(|step| Taken { step, ..due.key });
        let mut skipped: Vec<Trigger> = below
            .map(|key| (key, self.deeds.get(&key)))
            .take_while(|(_, deed)| *deed != Some(&Deed::Told))
            .filter(|(_, deed)| *deed == Some(&Deed::Empty))
            .filter_map(|(key, _)| ladder.get(usize::try_from(key.step).ok()?))
            .map(trigger)
            .collect();
        skipped.reverse();
        skipped
    }
}

/// Writes to everyone these steps tell: the highest of the steps that name a recipient speaks, and the
/// letter lists the others.
fn tell(
    written: &mut Written,
    subject: &Subject<'_>,
    climbed: &Climbed<'_>,
    dues: &[&Due],
    now: Moment,
) -> Result<()> {
    let Climbed {
        audiences, holding, ..
    } = *climbed;
    let ladder = &subject.case.case.ladder.0;
    let mut told: Vec<&str> = Vec::new();
    for due in dues.iter().rev() {
        let Some(lap) = lap_of(subject, due) else {
            continue;
        };
        let all: Vec<&Addressee> = audiences[due.step]
            .iter()
            .filter(|to| reaches(due, to))
            .collect();
        let step = &ladder[due.step];
        let kind = kind_of(step.when, due.deed);
        let breach = match kind {
            LetterKind::Warned => None,
            _ => holding
                .get(&(lap.run, lap.interval))
                .map(|breach| breach.id),
        };
        let mut to = Vec::new();
        for one in &all {
            if told.contains(&one.recipient.email.as_str()) {
                continue;
            }
            told.push(&one.recipient.email);
            let others = dues.iter().filter(|other| other.key != due.key);
            let missed = others
                .filter(|other| {
                    audiences[other.step].iter().any(|another| {
                        another.recipient.email == one.recipient.email && reaches(other, another)
                    })
                })
                .map(|other| step_facts(&ladder[other.step], other))
                .collect();
            to.push(Reached {
                to: one,
                missed,
                not_before: audience::not_before(subject.scene, step, one, now),
            });
        }
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
            skipped: climbed.skipped(ladder, due),
            breach,
        };
        letters::about_step(written, subject, &letter, to, &all, now)?;
    }
    Ok(())
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
    StepFacts {
        planned_at: due.planned_at,
        trigger: trigger(step),
        repeat: if due.key.step < 0 { 0 } else { due.key.repeat },
        reminder: due.deed == Deed::Reminded || due.key.repeat > 0,
    }
}

fn trigger(step: &Step) -> Trigger {
    match step.when {
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
    }
}
