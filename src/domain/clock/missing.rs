//! Why a case has no clock for a metric.

use std::sync::Arc;

use super::super::CaseId;
use super::super::terms::{Commitment, Promise};
use super::super::timeline::{Event, Fact, correction_of, of_case};
use super::super::words::{ClockState, EventKind, Metric};
use super::Clock;

/// A metric of which a case has no clock, none any more, or one that does not run yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What is not measured.
    pub metric: Metric,
    /// Why.
    pub why: Why,
}

/// Why nothing is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The terms promise nothing of the kind.
    NotPromised,
    /// They do, but not for the severity of the case.
    NotForSeverity {
        /// The severity that the case has.
        severity: String,
        /// Those for which something is promised, each with its clause.
        promised: Vec<(String, String)>,
        /// The event with which the case got that severity, where it once had another and a clock.
        since: Option<i64>,
        /// The correction by which the case never had another.
        corrected: Option<i64>,
    },
    /// The incident or the case was cancelled, in that event; a void one never was.
    Cancelled {
        /// Number of the event.
        seq: i64,
        /// Whether it was cancelled as never having been.
        void: bool,
    },
    /// What starts the metric has not happened.
    NotStarted,
}

/// Names each metric of which a case has no clock, or none any more or not yet, and why; in the order of
/// [`Metric::ALL`].
///
/// `clocks` are those of the case as they were judged by `facts`, which are those of the whole incident
/// and follow from `events`.
pub fn missing(
    case: CaseId,
    promise: &Promise,
    events: &[Event],
    facts: &[Fact],
    clocks: &[Clock],
) -> Vec<Missing> {
    let facts: Vec<&Fact> = of_case(facts, case).collect();
    Metric::ALL
        .iter()
        .filter(|metric| {
            let clock = clocks.iter().find(|clock| clock.metric == **metric);
            clock.is_none_or(|clock| {
                matches!(clock.state, ClockState::Cancelled | ClockState::Pending)
            })
        })
        .map(|metric| Missing {
            metric: *metric,
            why: why(*metric, promise, events, &facts),
        })
        .collect()
}

fn why(metric: Metric, promise: &Promise, events: &[Event], facts: &[&Fact]) -> Why {
    let promised: Vec<&Arc<Commitment>> = promise
        .commitments
        .iter()
        .filter(|commitment| commitment.metric == metric)
        .collect();
    if promised.is_empty() {
        return Why::NotPromised;
    }
    if let Some(fact) = facts.iter().find(|fact| fact.kind == EventKind::Cancelled) {
        return Why::Cancelled {
            seq: fact.seq,
            void: fact.void,
        };
    }
    let severities: Vec<(&str, i64)> = facts
        .iter()
        .filter_map(|fact| Some((fact.severity.as_deref()?, fact.seq)))
        .collect();
    let Some((severity, by)) = severities.last().copied() else {
        return Why::NotStarted;
    };
    if promise.commitment(metric, severity).is_some() {
        return Why::NotStarted;
    }
    let had_one = severities
        .iter()
        .any(|(severity, _)| promise.commitment(metric, severity).is_some());
    Why::NotForSeverity {
        severity: severity.to_string(),
        promised: promised
            .iter()
            .map(|commitment| (commitment.severity.clone(), commitment.clause.clone()))
            .collect(),
        since: Some(by).filter(|_| had_one),
        corrected: match had_one {
            true => None,
            false => taken_away(metric, promise, events, facts),
        },
    }
}

/// The correction by which the case never had a severity that is promised something: of an event that
/// says such a severity and is believed to say another, or nothing, by now.
fn taken_away(metric: Metric, promise: &Promise, events: &[Event], facts: &[&Fact]) -> Option<i64> {
    let case = facts.first().and_then(|fact| fact.case);
    events
        .iter()
        .filter(|event| event.case_id.is_none() || event.case_id == case)
        .filter(|event| matches!(event.kind, EventKind::Reported | EventKind::SeverityChanged))
        .filter(|event| {
            let severity = event.fields.severity.as_deref();
            severity.is_some_and(|severity| promise.commitment(metric, severity).is_some())
        })
        .find_map(|event| correction_of(events, event.seq))
        .map(|correction| correction.seq)
}
