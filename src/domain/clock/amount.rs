//! The clock of `data_loss`, which measures an amount and no time.

use std::sync::Arc;

use super::super::calendar_book::CalendarBook;
use super::super::terms::{Commitment, Promise, Target};
use super::super::timeline::Fact;
use super::super::words::{ClockState, EventKind, Metric};
use super::{Clock, Lap, Verdict};
use crate::time::{Micros, Moment, SECOND};

/// Judges the loss of data by the facts of a case, which begin with its report.
///
/// It is kept when the measured loss does not exceed the target of the severity under which it was
/// measured; where that has none, of the first severity after it that has one. Nothing falls due: a
/// breach is of the moment at which the loss was measured.
pub(super) fn data_loss(promise: &Promise, facts: &[&Fact], book: &CalendarBook) -> Option<Clock> {
    let reported = facts.first()?;
    let mut commitment: Option<&Arc<Commitment>> = None;
    let mut lap: Option<Lap> = None;
    let mut measured: Option<(Micros, i64)> = None;
    let mut seqs = vec![reported.seq];
    let mut cancelled = false;
    for fact in facts {
        if let Some(severity) = &fact.severity {
            commitment = promise.commitment(Metric::DataLoss, severity);
            seqs.extend((fact.seq != reported.seq).then_some(fact.seq));
        }
        match (fact.kind, fact.seconds) {
            (EventKind::DataLoss, Some(seconds)) if !cancelled && measured.is_none() => {
                measured = Some((seconds.saturating_mul(SECOND), fact.seq));
                seqs.push(fact.seq);
            }
            (EventKind::Cancelled, _) => {
                cancelled = true;
                seqs.push(fact.seq);
                if fact.void
                    && let Some(lap) = &mut lap
                {
                    (lap.verdict, lap.breached_at, lap.due_at) = (None, None, None);
                }
            }
            _ => {}
        }
        if lap.as_ref().is_some_and(|lap| lap.ended_at.is_some()) {
            continue;
        }
        let Some(commitment) = commitment else {
            continue;
        };
        let mut present = Lap::empty(Arc::clone(commitment), book, reported.at);
        if let Target::OpenTime(most) = commitment.target {
            present.budget = most;
        }
        present.seqs.clone_from(&seqs);
        if let Some((lost, _)) = measured
            && !cancelled
        {
            judge(&mut present, lost, fact.at);
        }
        lap = Some(present);
    }
    let lap = lap?;
    let state = match lap.verdict {
        _ if cancelled && lap.ended_at.is_none() => ClockState::Cancelled,
        Some(Verdict::Met) => ClockState::Met,
        Some(Verdict::Missed) => ClockState::Missed,
        None if lap.ended_at.is_some() || commitment.is_none() => ClockState::Cancelled,
        None => ClockState::Pending,
    };
    Some(Clock {
        metric: Metric::DataLoss,
        state,
        laps: vec![lap],
    })
}

fn judge(lap: &mut Lap, lost: Micros, at: Moment) {
    lap.spent = lost;
    lap.stopped_at = Some(at);
    lap.ended_at = Some(at);
    lap.track.base = at;
    if lost > lap.budget {
        lap.verdict = Some(Verdict::Missed);
        lap.breached_at = Some(at);
        lap.due_at = Some(at);
    } else {
        lap.verdict = Some(Verdict::Met);
    }
}
