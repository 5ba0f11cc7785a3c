//! Incidents of a scenario: their cases, and what is recorded of them and when.

mod event;
mod reading;

pub(super) use reading::read;

use super::scenario::of_unknown_year;
use crate::domain::incident::{OpenCase, Raise, Record};
use crate::domain::input::{Faults, join};
use crate::time::Moment;

/// An incident of a scenario.
#[derive(Debug)]
pub(super) struct Played {
    /// Its place in the scenario.
    pub(super) path: String,
    /// Mail address of who raises it; none: a reporter that the scenario brings.
    pub(super) reporter: Option<String>,
    /// What is raised; its case stands in until the first report is played.
    pub(super) raise: Raise,
    /// Its cases in the order of the scenario; the incident's own first.
    pub(super) cases: Vec<PlayedCase>,
    /// What is recorded, in the order of the scenario.
    pub(super) acts: Vec<Act>,
}

/// A case of an incident.
#[derive(Debug)]
pub(super) struct PlayedCase {
    /// Its place in the scenario.
    pub(super) path: String,
    /// The number of its contract in the scenario; 0 where that is not known.
    pub(super) contract: usize,
    /// Its severity and what else it was given.
    pub(super) open: OpenCase,
}

/// One thing that is recorded.
#[derive(Debug)]
pub(super) struct Act {
    /// Its place in the scenario.
    pub(super) path: String,
    /// When it is recorded.
    pub(super) recorded_at: Moment,
    /// Mail address of who records it; none: the reporter.
    pub(super) by: Option<String>,
    /// What is recorded.
    pub(super) deed: Deed,
    /// The field in which the moment of the event was written.
    pub(super) moment_field: &'static str,
}

/// What is recorded.
#[derive(Debug)]
pub(super) enum Deed {
    /// The vendors of these cases are told.
    Report {
        /// Places in the incident's list of cases.
        cases: Vec<usize>,
        /// When it happened.
        at: Moment,
        /// Why it is entered late.
        reason: String,
    },
    /// Something else happens.
    Record {
        /// As the API reads it; the numbers of events are set when it is played.
        record: Box<Record>,
        /// The case it concerns; none: all.
        case: Option<usize>,
        /// The event that is agreed or refused.
        concerns: Option<usize>,
        /// The event that is corrected.
        corrects: Option<usize>,
        /// The case that goes on with it, of a hand-over.
        to_case: Option<usize>,
    },
}

impl Act {
    pub(super) fn is_report(&self) -> bool {
        matches!(self.deed, Deed::Report { .. })
    }
}

impl Played {
    /// Every moment at which something is recorded or said to have happened.
    pub(super) fn moments(&self) -> impl Iterator<Item = Moment> {
        self.acts.iter().flat_map(|act| {
            let happened = match &act.deed {
                Deed::Report { at, .. } => Some(*at),
                Deed::Record { record, .. } => record.occurred_at,
            };
            happened.into_iter().chain([act.recorded_at])
        })
    }

    /// The mail addresses of those who raise it and record something.
    pub(super) fn people(&self) -> impl Iterator<Item = &str> {
        let by = self.acts.iter().filter_map(|act| act.by.as_deref());
        self.reporter.as_deref().into_iter().chain(by)
    }

    /// Notes what is recorded after the end of the scenario, or far away from its beginning.
    pub(super) fn within(&self, until: Option<Moment>, latest: Moment, faults: &mut Faults) {
        for act in &self.acts {
            let at = act.recorded_at;
            let too_late = || match until {
                Some(until) if at > until => Some(format!("{at} lies after the end at {until}")),
                None if at > latest => Some(format!(
                    "{at} lies too long after the first event; check the years"
                )),
                _ => None,
            };
            if let Some(wrong) = of_unknown_year(at).or_else(too_late) {
                let of_case = act.moment_field == "reported_at";
                let field = if of_case { "reported_at" } else { "at" };
                faults.add(join(&act.path, field), wrong);
            }
        }
    }
}
