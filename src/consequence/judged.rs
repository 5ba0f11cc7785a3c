//! An incident's clocks as they stand at a moment, for those who only look.

use std::collections::HashMap;

use super::unusable;
use crate::domain::CaseId;
use crate::domain::calendar_book::CalendarBook;
use crate::domain::clock::{Clock, judge};
use crate::domain::contract::Contract;
use crate::domain::incident::{Case, Incident};
use crate::domain::terms::Terms;
use crate::domain::timeline::{Event, Fact, facts};
use crate::domain::vendor::Vendor;
use crate::error::Result;
use crate::store::{self, Conn};
use crate::time::Moment;

/// A case with what judges it, and its clocks.
pub struct JudgedCase {
    /// The case.
    pub case: Case,
    /// The terms that judge it.
    pub terms: Terms,
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
    pub book: CalendarBook,
}

impl Judged {
    /// The zone that the case's contract means.
    pub fn zones(&self) -> HashMap<CaseId, chrono_tz::Tz> {
        self.cases
            .iter()
            .map(|judged| (judged.case.id, judged.contract.time_zone.0))
            .collect()
    }
}

/// Judges an incident as it stands at `now`, and keeps nothing.
///
/// # Errors
/// When there is no such incident, or a calendar has no open time within its horizon.
pub fn judged(conn: &mut Conn, incident: Incident, now: Moment) -> Result<Judged> {
    let events = store::incident::events(conn, incident.id)?;
    let facts = facts(&events);
    let mut parts = Vec::new();
    let mut calendars = Vec::new();
    for case in store::incident::cases(conn, incident.id)? {
        let terms = store::terms::find(conn, case.terms_id)?;
        let contract = store::contract::find(conn, case.contract_id)?;
        let vendor = store::vendor::find(conn, contract.vendor_id)?;
        calendars.extend(terms.promise.calendars());
        parts.push((case, terms, contract, vendor));
    }
    let book = store::calendar::book(conn, &calendars)?;
    let mut cases = Vec::new();
    for (case, terms, contract, vendor) in parts {
        let clocks = judge(case.id, &terms.promise, &facts, &book, now).map_err(unusable)?;
        cases.push(JudgedCase {
            case,
            terms,
            contract,
            vendor,
            clocks,
        });
    }
    Ok(Judged {
        incident,
        events,
        facts,
        cases,
        book,
    })
}
