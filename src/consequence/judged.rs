//! An incident's clocks as they stand at a moment, for those who only look.

use std::collections::HashMap;
use std::sync::Arc;

use super::unusable;
use crate::domain::breach::Breach;
use crate::domain::calendar_book::CalendarBook;
use crate::domain::clock::{Clock, Explained, Missing, explain, judge, missing};
use crate::domain::contract::Contract;
use crate::domain::go_live::{CaseTerms, GoLive};
use crate::domain::incident::{Case, Incident};
use crate::domain::terms::Terms;
use crate::domain::timeline::{Event, Fact, facts};
use crate::domain::vendor::Vendor;
use crate::domain::words::Metric;
use crate::domain::{CaseId, IncidentId};
use crate::error::{Error, Result};
use crate::store::{self, Conn};
use crate::time::{Micros, Moment};

/// A case with what judges it, and its clocks.
pub struct JudgedCase {
    /// The case.
    pub case: Case,
    /// The terms that judge it, with what the go-live window changes in them.
    pub terms: Terms,
    /// The go-live window it was reported in.
    pub go_live: Option<GoLive>,
    /// The contract.
    pub contract: Contract,
    /// The vendor.
    pub vendor: Vendor,
    /// Its clocks.
    pub clocks: Vec<Clock>,
}

/// An incident as it stands at a moment.
pub struct Judged {
    /// The incident.
    pub incident: Incident,
    /// Its timeline as recorded.
    pub events: Vec<Event>,
    /// What is held to have happened.
    pub facts: Vec<Fact>,
    /// Its cases in the order they were opened.
    pub cases: Vec<JudgedCase>,
    /// The calendars its clocks count in.
    pub book: Arc<CalendarBook>,
}

impl Judged {
    /// The clock of that case and metric, with its case.
    pub fn clock(&self, case: CaseId, metric: Metric) -> Option<(&JudgedCase, &Clock)> {
        let judged = self.cases.iter().find(|judged| judged.case.id == case)?;
        let clock = judged.clocks.iter().find(|clock| clock.metric == metric)?;
        Some((judged, clock))
    }

    /// What led to the due moments of that clock, judged at the moment at which the incident was; nothing
    /// where it has no such clock.
    ///
    /// # Errors
    /// When a calendar has no open time within its horizon.
    pub fn explained(
        &self,
        case: CaseId,
        metric: Metric,
        now: Moment,
    ) -> Result<Option<Explained<'_>>> {
        let Some(judged) = self.cases.iter().find(|judged| judged.case.id == case) else {
            return Ok(None);
        };
        let promise = &judged.terms.promise;
        explain(case, metric, promise, &self.facts, &self.book, now).map_err(unusable)
    }

    /// Each metric of which a case has no clock that runs, or ran, and why.
    pub fn missing(&self, of: &JudgedCase) -> Vec<Missing> {
        let promise = &of.terms.promise;
        missing(of.case.id, promise, &self.events, &self.facts, &of.clocks)
    }

    /// By how much the clock of a breach is late at `now`, or was when it stopped; nothing for an
    /// entry that the judgement does not know any more.
    ///
    /// # Errors
    /// When the moments lie outside the calendar's years.
    pub fn lateness(&self, breach: &Breach, now: Moment) -> Result<Option<Lateness>> {
        let Some((_, clock)) = self.clock(breach.case_id, breach.metric) else {
            return Ok(None);
        };
        let lap = clock.laps.iter().find(|lap| {
            (lap.run, lap.interval, lap.due_at)
                == (breach.run, breach.interval, Some(breach.due_at))
        });
        let Some(lap) = lap else {
            return Ok(None);
        };
        let until = lap.stopped_at.or(lap.ended_at).unwrap_or(now);
        let until = until.max(breach.due_at);
        let open = lap.track.counted(breach.due_at, until).map_err(unusable)?;
        Ok(Some(Lateness {
            stopped_at: lap.stopped_at,
            is_over: lap.stopped_at.or(lap.ended_at).is_some(),
            open,
            elapsed: until - breach.due_at,
        }))
    }
}

/// By how much a commitment was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lateness {
    /// When it was done after all.
    pub stopped_at: Option<Moment>,
    /// Whether it grows no more: stopped, cancelled, or followed by another interval of `update`.
    pub is_over: bool,
    /// Open time from the deadline on that nothing held.
    pub open: Micros,
    /// Elapsed time from the deadline on.
    pub elapsed: Micros,
}

/// Judges an incident as it stands at `now`, and keeps nothing.
///
/// # Errors
/// When there is no such incident, or a calendar has no open time within its horizon.
pub fn judged(conn: &mut Conn, incident: Incident, now: Moment) -> Result<Judged> {
    let id = incident.id;
    let mut one = judged_all(conn, vec![incident], now)?;
    one.pop()
        .ok_or_else(|| Error::not_found("incident", id.reference()))
}

/// Judges several incidents, with as many questions to the database as for one.
///
/// # Errors
/// When a calendar has no open time within its horizon.
pub fn judged_all(conn: &mut Conn, incidents: Vec<Incident>, now: Moment) -> Result<Vec<Judged>> {
    let ids: Vec<IncidentId> = incidents.iter().map(|incident| incident.id).collect();
    let mut timelines = store::incident::events_of(conn, &ids)?;
    let cases = store::incident::cases_of(conn, &ids)?;
    let mut terms = store::go_live::terms_of_cases(conn, &cases)?;
    let contracts: HashMap<_, Contract> =
        store::contract::find_all(conn, &keys(&cases, |case| case.contract_id))?
            .into_iter()
            .map(|line| (line.contract.id, line.contract))
            .collect();
    let vendors: Vec<_> = contracts
        .values()
        .map(|contract| contract.vendor_id)
        .collect();
    let vendors: HashMap<_, Vendor> = store::vendor::find_all(conn, &vendors)?
        .into_iter()
        .map(|vendor| (vendor.id, vendor))
        .collect();
    let mut calendars: Vec<_> = terms
        .values()
        .flat_map(|of| of.terms.promise.calendars())
        .collect();
    calendars.sort();
    calendars.dedup();
    let book = Arc::new(store::calendar::book(conn, &calendars)?);
    let mut all = Vec::with_capacity(incidents.len());
    for incident in incidents {
        let events = timelines.remove(&incident.id).unwrap_or_default();
        let facts = facts(&events);
        let mut judged = Vec::new();
        for case in cases.iter().filter(|case| case.incident_id == incident.id) {
            // The keys of the database hold these together.
            let (Some(CaseTerms { terms, go_live }), Some(contract)) =
                (terms.remove(&case.id), contracts.get(&case.contract_id))
            else {
                continue;
            };
            let Some(vendor) = vendors.get(&contract.vendor_id) else {
                continue;
            };
            let clocks = judge(case.id, &terms.promise, &facts, &book, now).map_err(unusable)?;
            judged.push(JudgedCase {
                case: case.clone(),
                terms,
                go_live,
                contract: contract.clone(),
                vendor: vendor.clone(),
                clocks,
            });
        }
        all.push(Judged {
            incident,
            events,
            facts,
            cases: judged,
            book: Arc::clone(&book),
        });
    }
    Ok(all)
}

fn keys<T: Ord>(cases: &[Case], key: impl Fn(&Case) -> T) -> Vec<T> {
    let mut keys: Vec<T> = cases.iter().map(key).collect();
    keys.sort();
    keys.dedup();
    keys
}
