//! How laps of clocks ended, for the figures.

use super::letters::Subject;
use super::unusable;
use super::written::Written;
use crate::domain::clock::OutcomeRow;
use crate::error::Result;
use crate::store::{self, Tx};

/// Replaces the outcomes of a clock by what was judged now.
pub(super) fn keep(
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
