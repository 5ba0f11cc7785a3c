//! What several incidents are judged from, read with as many questions to the database as for one.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::audience::People;
use crate::domain::anchor::PrintedHead;
use crate::domain::calendar_book::CalendarBook;
use crate::domain::clock::{ClockRow, OutcomeRow};
use crate::domain::contract::Contract;
use crate::domain::go_live::CaseTerms;
use crate::domain::incident::{Case, Incident};
use crate::domain::ladder::{Deed, Taken};
use crate::domain::person::Person;
use crate::domain::terms::Terms;
use crate::domain::timeline::Event;
use crate::domain::vendor::{Contact, Vendor};
use crate::domain::{ClockId, ContractId, GoLiveId, IncidentId, PersonId, TermsId, VendorId};
use crate::error::Result;
use crate::store::breach::Entry;
use crate::store::clock::StepRow;
use crate::store::{self, Conn};
use crate::time::Moment;

/// Everything about one case that its consequences depend on.
pub(crate) struct CaseFacts {
    pub(crate) case: Case,
    /// The terms with the go-live window it was reported in.
    pub(crate) terms: Arc<Terms>,
    pub(crate) contract: Arc<Contract>,
    pub(crate) vendor: Arc<Vendor>,
    pub(crate) contacts: Arc<[Contact]>,
    pub(crate) owner: Option<Arc<Person>>,
}

/// What was kept about a clock before.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) row: Option<ClockRow>,
    pub(super) entries: Vec<Entry>,
    pub(super) outcomes: Vec<OutcomeRow>,
    pub(super) timer: Option<Moment>,
    pub(super) steps: Vec<StepRow>,
}

impl Kept {
    /// The steps taken in a generation.
    pub(super) fn taken(&self, generation: i32) -> BTreeMap<Taken, Deed> {
        self.steps
            .iter()
            .filter(|row| row.generation == generation)
            .map(|row| {
                let key = Taken {
                    run: row.run,
                    interval: row.interval,
                    step: row.step,
                    repeat: row.repeat,
                };
                (key, row.deed)
            })
            .collect()
    }
}

/// Some locked incidents with all that they are judged from.
pub(super) struct Gathered {
    cases: HashMap<IncidentId, Vec<CaseFacts>>,
    clocks: HashMap<IncidentId, Vec<ClockRow>>,
    events: HashMap<IncidentId, Vec<Event>>,
    kept: HashMap<ClockId, Kept>,
    reporters: HashMap<PersonId, Arc<Person>>,
    /// The calendars they count in, and those of the vendors' contacts.
    pub(super) book: CalendarBook,
    /// The head of the anchor chain, as letters print it.
    pub(super) anchor: Option<PrintedHead>,
    /// Whom ladders name, found once.
    pub(super) people: People,
}

impl Gathered {
    /// Reads it.
    pub(super) fn read(conn: &mut Conn, incidents: &[Incident]) -> Result<Self> {
        let ids: Vec<IncidentId> = incidents.iter().map(|incident| incident.id).collect();
        let mut people = People::default();
        let mut cases: HashMap<IncidentId, Vec<CaseFacts>> = HashMap::new();
        for case in case_facts(conn, &ids, &mut people)? {
            cases.entry(case.case.incident_id).or_default().push(case);
        }
        let rows = store::clock::of_incidents(conn, &ids)?;
        // Clocks may still be kept that other terms asked for.
        let mut calendars: Vec<_> = rows.iter().map(|row| row.calendar_id).collect();
        for facts in cases.values().flatten() {
            calendars.extend(facts.terms.promise.calendars());
            calendars.extend(facts.contacts.iter().filter_map(|one| one.calendar_id));
        }
        calendars.sort();
        calendars.dedup();
        let kept = if rows.is_empty() {
            HashMap::new()
        } else {
            kept(conn, &ids, &rows)?
        };
        let mut clocks: HashMap<IncidentId, Vec<ClockRow>> = HashMap::new();
        for row in rows {
            clocks.entry(row.incident_id).or_default().push(row);
        }
        let mut reporters: Vec<PersonId> =
            incidents.iter().map(|incident| incident.reporter).collect();
        reporters.sort();
        reporters.dedup();
        let reporters = store::person::find_all(conn, &reporters)?;
        Ok(Self {
            cases,
            clocks,
            events: store::incident::events_of(conn, &ids)?,
            kept,
            reporters: reporters
                .into_iter()
                .map(|person| (person.id, Arc::new(person)))
                .collect(),
            book: store::calendar::book(conn, &calendars)?,
            anchor: store::anchor::latest(conn)?.map(|anchor| anchor.printed()),
            people,
        })
    }

    /// Its cases in the order they were opened.
    pub(super) fn take_cases(&mut self, incident: IncidentId) -> Vec<CaseFacts> {
        self.cases.remove(&incident).unwrap_or_default()
    }

    /// Its clocks as they were kept, in the order they were made.
    pub(super) fn take_clocks(&mut self, incident: IncidentId) -> Vec<ClockRow> {
        self.clocks.remove(&incident).unwrap_or_default()
    }

    /// Its timeline in the order it was recorded.
    pub(super) fn take_events(&mut self, incident: IncidentId) -> Vec<Event> {
        self.events.remove(&incident).unwrap_or_default()
    }

    /// What was kept about a clock.
    pub(super) fn take_kept(&mut self, clock: ClockId) -> Kept {
        self.kept.remove(&clock).unwrap_or_default()
    }

    /// Who raised an incident.
    pub(super) fn reporter(&self, conn: &mut Conn, id: PersonId) -> Result<Arc<Person>> {
        match self.reporters.get(&id) {
            Some(person) => Ok(Arc::clone(person)),
            // Says that there is none.
            None => store::person::find(conn, id).map(Arc::new),
        }
    }
}

fn kept(
    conn: &mut Conn,
    incidents: &[IncidentId],
    rows: &[ClockRow],
) -> Result<HashMap<ClockId, Kept>> {
    let clocks: Vec<ClockId> = rows.iter().map(|row| row.id).collect();
    let mut kept: HashMap<ClockId, Kept> = HashMap::new();
    for (clock, entries) in store::breach::of_incidents(conn, incidents)? {
        kept.entry(clock).or_default().entries = entries;
    }
    for (clock, outcomes) in store::clock::outcomes_of_all(conn, &clocks)? {
        kept.entry(clock).or_default().outcomes = outcomes;
    }
    for (clock, at) in store::clock::timers_of(conn, &clocks)? {
        kept.entry(clock).or_default().timer = Some(at);
    }
    for step in store::clock::steps_of_all(conn, &clocks)? {
        kept.entry(step.clock_id).or_default().steps.push(step);
    }
    Ok(kept)
}

/// The cases of some incidents, each with what its consequences depend on, in the order they were opened.
pub(super) fn case_facts(
    conn: &mut Conn,
    incidents: &[IncidentId],
    people: &mut People,
) -> Result<Vec<CaseFacts>> {
    let cases = store::incident::cases_of(conn, incidents)?;
    let terms = terms(conn, &cases)?;
    let mut contracts: Vec<ContractId> = cases.iter().map(|case| case.contract_id).collect();
    contracts.sort();
    contracts.dedup();
    let contracts: HashMap<ContractId, Arc<Contract>> =
        store::contract::find_all(conn, &contracts)?
            .into_iter()
            .map(|line| (line.contract.id, Arc::new(line.contract)))
            .collect();
    let mut vendors: Vec<VendorId> = contracts.values().map(|one| one.vendor_id).collect();
    vendors.sort();
    vendors.dedup();
    let contacts = contacts(conn, &vendors)?;
    let vendors: HashMap<VendorId, Arc<Vendor>> = store::vendor::find_all(conn, &vendors)?
        .into_iter()
        .map(|vendor| (vendor.id, Arc::new(vendor)))
        .collect();
    let mut all = Vec::with_capacity(cases.len());
    for case in cases {
        // The keys of the database hold these together.
        let (Some(terms), Some(contract)) = (
            terms.get(&(case.terms_id, case.go_live_id)),
            contracts.get(&case.contract_id),
        ) else {
            continue;
        };
        let Some(vendor) = vendors.get(&contract.vendor_id) else {
            continue;
        };
        all.push(CaseFacts {
            case,
            terms: Arc::clone(terms),
            contract: Arc::clone(contract),
            vendor: Arc::clone(vendor),
            contacts: contacts
                .get(&vendor.id)
                .map_or_else(|| Vec::new().into(), Arc::clone),
            owner: people.with_email(conn, &contract.owner)?,
        });
    }
    Ok(all)
}

/// Names what judges a case: the version and the window.
type TermsKey = (TermsId, Option<GoLiveId>);

/// What judges some cases.
fn terms(conn: &mut Conn, cases: &[Case]) -> Result<HashMap<TermsKey, Arc<Terms>>> {
    let by_terms: BTreeMap<_, &Case> = cases
        .iter()
        .map(|case| ((case.terms_id, case.go_live_id), case))
        .collect();
    let one_of_each: Vec<Case> = by_terms.into_values().cloned().collect();
    let mut terms = store::go_live::terms_of_cases(conn, &one_of_each)?;
    Ok(one_of_each
        .iter()
        .filter_map(|case| {
            let CaseTerms { terms, .. } = terms.remove(&case.id)?;
            Some(((case.terms_id, case.go_live_id), Arc::new(terms)))
        })
        .collect())
}

/// The contacts of some vendors, lowest rung first.
fn contacts(conn: &mut Conn, vendors: &[VendorId]) -> Result<HashMap<VendorId, Arc<[Contact]>>> {
    let mut by_vendor: HashMap<VendorId, Vec<Contact>> = HashMap::new();
    for contact in store::vendor::contacts_of(conn, vendors)? {
        by_vendor
            .entry(contact.vendor_id)
            .or_default()
            .push(contact);
    }
    Ok(by_vendor
        .into_iter()
        .map(|(vendor, contacts)| (vendor, contacts.into()))
        .collect())
}
