//! Breaches entered and withdrawn.

use std::collections::HashMap;

use super::letters::{self, Subject};
use super::written::Written;
use crate::domain::BreachId;
use crate::domain::breach::Breach;
use crate::domain::clock::{Clock, Lap, Verdict};
use crate::domain::words::EventKind;
use crate::error::Result;
use crate::store::audit::Note;
use crate::store::breach::Entry;
use crate::store::{self, Tx};
use crate::time::Moment;

/// A lap by run and interval.
pub(super) type LapKey = (i32, i32);

/// The entries that hold, by lap.
pub(super) fn holding(entries: &[Entry]) -> HashMap<LapKey, &Breach> {
    entries
        .iter()
        .filter(|(_, withdrawal)| withdrawal.is_none())
        .map(|(breach, _)| ((breach.run, breach.interval), breach))
        .collect()
}

/// Entries that hold in the register but not by the judgement any more.
pub(super) fn no_longer_breached(clock: &Clock, entries: &[Entry]) -> Vec<Breach> {
    let laps: HashMap<LapKey, &Lap> = clock
        .laps
        .iter()
        .map(|lap| ((lap.run, lap.interval), lap))
        .collect();
    entries
        .iter()
        .filter(|(_, withdrawal)| withdrawal.is_none())
        .map(|(breach, _)| breach)
        .filter(|breach| {
            laps.get(&(breach.run, breach.interval))
                .is_none_or(|lap| !is_for(breach, lap))
        })
        .cloned()
        .collect()
}

/// Other terms may promise the same moment by another clause, which is another breach.
fn is_for(breach: &Breach, lap: &Lap) -> bool {
    is_due_then(breach, lap) && breach.clause == lap.commitment.clause
}

fn is_due_then(breach: &Breach, lap: &Lap) -> bool {
    lap.verdict == Some(Verdict::Missed) && Some(breach.due_at) == lap.due_at
}

/// Withdraws an entry, and tells whoever was told of it.
pub(super) fn withdraw(
    tx: &mut Tx<'_>,
    written: &mut Written,
    subject: &Subject<'_>,
    breach: &Breach,
) -> Result<()> {
    let scene = subject.scene;
    let (seq, reason) = match scene.cause {
        super::Cause::Recorded(event, reason) => (event.seq, said(event.kind, reason)),
        super::Cause::Time => (
            scene.incident.last_seq,
            "the calendar was corrected".to_string(),
        ),
    };
    store::breach::withdraw(tx, breach.id, seq, &reason)?;
    // The reason is left out: nothing can be erased from the audit trail.
    let detail = serde_json::json!({"incident": scene.incident.id.reference(), "event": seq});
    tx.record("breach", breach.id.0, "withdrawn", &detail)?;
    letters::corrections(tx, written, subject, breach, seq, &reason)
}

fn said(kind: EventKind, reason: &str) -> String {
    if kind == EventKind::Noted {
        // A note changes nothing but where it brings the case under other terms, and says so.
        reason.to_string()
    } else if reason.is_empty() {
        format!("{kind} was recorded")
    } else {
        format!("{kind} was recorded: {reason}")
    }
}

/// What the judgement found and the register lacks, to be entered.
pub(super) fn lacking(
    subject: &Subject<'_>,
    entries: &[Entry],
    noticed_at: Moment,
) -> Result<Vec<Breach>> {
    let mut lacking = Vec::new();
    for lap in &subject.clock.laps {
        let (Some(Verdict::Missed), Some(due_at)) = (lap.verdict, lap.due_at) else {
            continue;
        };
        let mut earlier = 0;
        let mut holds = false;
        for (breach, withdrawal) in entries {
            if (breach.run, breach.interval) == (lap.run, lap.interval) && is_due_then(breach, lap)
            {
                earlier += 1;
                holds |= withdrawal.is_none() && is_for(breach, lap);
            }
        }
        if !holds {
            lacking.push(entry(subject, lap, due_at, earlier, noticed_at)?);
        }
    }
    Ok(lacking)
}

/// The audit line of an entry.
pub(super) fn note(breach: &Breach) -> Note {
    Note {
        subject: "breach",
        subject_id: breach.id.0,
        deed: "entered",
        detail: serde_json::json!({
            "incident": breach.incident_id.reference(),
            "metric": breach.metric,
            "clause": breach.clause,
            "due_at": breach.due_at,
        }),
    }
}

fn entry(
    subject: &Subject<'_>,
    lap: &Lap,
    due_at: Moment,
    entry: i32,
    noticed_at: Moment,
) -> Result<Breach> {
    let (scene, case) = (subject.scene, subject.case);
    Ok(Breach {
        id: BreachId::default(),
        clock_id: subject.clock_id,
        case_id: case.case.id,
        incident_id: scene.incident.id,
        contract_id: case.contract.id,
        vendor_id: case.vendor.id,
        terms_id: case.terms.id,
        metric: subject.clock.metric,
        severity: lap.commitment.severity.clone(),
        clause: lap.commitment.clause.clone(),
        run: lap.run,
        interval: lap.interval,
        due_at,
        entry,
        noticed_at,
        calendar_id: lap.commitment.calendar_id,
        calendar_revision: lap.revision,
        zone_data: lap.track.calendar.zone_data().to_string(),
        seqs: serde_json::to_string(&lap.seqs)?,
        drill: scene.incident.drill,
        go_live_id: case.case.go_live_id,
    })
}
