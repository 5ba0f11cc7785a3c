//! The page of an incident.

use actix_web::web::{Data, Path};
use askama::Template;

use super::acts::{self, Acts};
use super::reader;
use super::timeline::{Line, Sources};
use crate::consequence::{Judged, JudgedCase, judged};
use crate::domain::IncidentId;
use crate::domain::clock::{Clock, ClockRow, Why};
use crate::domain::incident::IncidentState;
use crate::domain::timeline::{Handover, handovers};
use crate::error::Result;
use crate::store::breach::Entry;
use crate::store::{breach, clock, evidence, incident, letter, person, received};
use crate::web::access::{Access, Caller};
use crate::web::api::incident::incident_id;
use crate::web::error::Answer;
use crate::web::form::Form;
use crate::web::frame::Frame;
use crate::web::pages::clock::{ClockCard, rank};
use crate::web::pages::letter::LetterRow;
use crate::web::pages::page;
use crate::web::pages::received::ReceivedRow;
use crate::web::shown::{Reader, Shown};
use crate::web::state::{State, read};
use crate::web::wording;

/// Letters on the page; the outbox has them all.
const MOST_LETTERS: i64 = 10;

#[derive(Template)]
#[template(path = "incident/show.html")]
struct ShowPage {
    frame: Frame,
    form: Form,
    reference: String,
    title: String,
    description: String,
    reporter: String,
    reported: Shown,
    state: &'static str,
    state_text: &'static str,
    cases: Vec<CasePart>,
    /// From one vendor to another, with the time in which nobody had it.
    handovers: Vec<HandoverRow>,
    acts: Option<Acts>,
    may_erase: bool,
    received: Vec<ReceivedRow>,
    timeline: Vec<Line>,
    breaches: Vec<BreachRow>,
    /// Entries that do not hold any more.
    withdrawn: Vec<BreachRow>,
    letters: Vec<LetterRow>,
    has_more_letters: bool,
}

/// One case handed over to another.
struct HandoverRow {
    seq: i64,
    at: Shown,
    from: String,
    to: String,
    gap: String,
}

impl HandoverRow {
    fn new(judged: &Judged, over: Handover, reader: Reader) -> Self {
        let of = |id| {
            let case = judged.cases.iter().find(|case| case.case.id == id);
            case.map(|case| (case.vendor.name.clone(), case.contract.time_zone.0))
        };
        let (from, zone) = of(over.from).unwrap_or_else(|| (String::new(), reader.zone));
        Self {
            seq: over.seq,
            at: reader.sees(over.at, zone),
            from,
            to: of(over.to).map_or_else(String::new, |(vendor, _)| vendor),
            gap: if over.gap > 0 {
                wording::passed(over.gap)
            } else {
                String::new()
            },
        }
    }
}

/// One contract's part.
struct CasePart {
    vendor: String,
    vendor_id: i64,
    contract: String,
    contract_id: i64,
    terms: String,
    /// The go-live window it was reported in; empty: none.
    go_live: String,
    vendor_reference: String,
    severity: String,
    severity_name: String,
    rank: usize,
    clocks: Vec<ClockCard>,
    /// Why there is no clock, a sentence for each metric without.
    missing: Vec<String>,
}

impl CasePart {
    fn new(
        judged: &Judged,
        case: &JudgedCase,
        entries: &[Entry],
        rows: &[ClockRow],
        reader: Reader,
    ) -> Self {
        let key = |clock: &Clock| {
            let of = |row: &&ClockRow| (row.case_id, row.metric) == (case.case.id, clock.metric);
            rows.iter().find(of).map(|row| row.id)
        };
        let promise = &case.terms.promise;
        let code = &case.case.severity;
        let name = promise.severity(code).map(|severity| severity.name.clone());
        Self {
            vendor: case.vendor.name.clone(),
            vendor_id: case.vendor.id.0,
            contract: case.contract.reference.clone(),
            contract_id: case.contract.id.0,
            terms: format!(
                "terms {} of {}",
                case.terms.number,
                wording::day(case.terms.effective_from)
            ),
            go_live: case
                .go_live
                .as_ref()
                .map_or_else(String::new, |window| window.name.clone()),
            vendor_reference: case.case.vendor_reference.clone(),
            severity: code.clone(),
            severity_name: name.unwrap_or_default(),
            rank: rank(promise, code),
            clocks: case
                .clocks
                .iter()
                .map(|clock| {
                    let card = ClockCard::new(judged, case, clock, entries, reader);
                    match key(clock) {
                        Some(id) => card.of(id),
                        None => card,
                    }
                })
                .collect(),
            missing: judged
                .missing(case)
                .iter()
                .filter(|missing| missing.why != Why::NotStarted)
                .map(|missing| wording::missing(missing, &case.terms))
                .collect(),
        }
    }
}

/// An entry of the register.
struct BreachRow {
    reference: String,
    what: String,
    severity: String,
    due: Shown,
    stopped: Option<Shown>,
    late_open: String,
    late_elapsed: String,
    state: &'static str,
    state_text: &'static str,
}

impl BreachRow {
    fn new(judged: &Judged, entry: &Entry, reader: Reader) -> Result<Self> {
        let (breach, withdrawal) = entry;
        let late = match withdrawal {
            Some(_) => None,
            None => judged.lateness(breach, reader.now)?,
        };
        let stopped = late.and_then(|late| late.stopped_at);
        let zone = judged
            .clock(breach.case_id, breach.metric)
            .map_or(reader.zone, |(case, _)| case.contract.time_zone.0);
        let is_over = late.is_some_and(|late| late.is_over);
        let (state, state_text) = match (withdrawal, stopped) {
            (Some(_), _) => ("withdrawn", "Withdrawn"),
            (None, Some(_)) => ("stopped", "Stopped"),
            (None, None) if is_over => ("stopped", "Over"),
            (None, None) => ("open", "Open"),
        };
        let interval = match breach.interval {
            1 => String::new(),
            interval => format!(", interval {interval}"),
        };
        Ok(Self {
            reference: breach.id.reference(),
            what: format!(
                "{}, clause {}{interval}",
                wording::metric(breach.metric),
                breach.clause
            ),
            severity: breach.severity.clone(),
            due: reader.sees(breach.due_at, zone),
            stopped: stopped.map(|at| reader.sees(at, zone)),
            late_open: late.map_or_else(String::new, |late| wording::passed(late.open)),
            late_elapsed: late.map_or_else(String::new, |late| wording::passed(late.elapsed)),
            state,
            state_text,
        })
    }
}

/// Shows an incident.
pub async fn show(state: Data<State>, frame: Frame, caller: Caller, key: Path<String>) -> Answer {
    let id = incident_id(&key)?;
    page_of(&state, frame, &caller, id, acts::blank()).await
}

/// The page with a form that was filled in.
pub(in crate::web::pages) async fn page_of(
    state: &State,
    mut frame: Frame,
    caller: &Caller,
    id: IncidentId,
    form: Form,
) -> Answer {
    let reader = reader(&frame, caller);
    let may_record = caller.may(Access::Record);
    let may_erase = caller.may(Access::Administer);
    let mut shown = read(state, move |conn| {
        let found = incident::get(conn, id)?;
        let judged = judged(conn, found, reader.now)?;
        let texts = incident::texts(conn, id)?;
        let files = evidence::of_incident(conn, id)?;
        let entries = breach::of_incident(conn, id)?;
        let rows = clock::of_incident(conn, id)?;
        let people = judged.events.iter().filter_map(|event| event.person_id);
        let mut people: Vec<_> = people.chain([judged.incident.reporter]).collect();
        people.sort();
        people.dedup();
        let names = person::names(conn, &people)?;
        let mut letters = letter::list(conn, None, Some(id), None, MOST_LETTERS + 1)?;
        let has_more_letters = letters.len() > MOST_LETTERS as usize;
        letters.truncate(MOST_LETTERS as usize);
        let messages = received::of_incident(conn, id)?;
        let sources = Sources {
            judged: &judged,
            texts: &texts,
            files: &files,
            entries: &entries,
            names: &names,
            reader,
        };
        let (mut breaches, mut withdrawn) = (Vec::new(), Vec::new());
        for entry in &entries {
            let row = BreachRow::new(&judged, entry, reader)?;
            match entry.1 {
                Some(_) => withdrawn.push(row),
                None => breaches.push(row),
            }
        }
        let (state, state_text) = standing(&judged, reader);
        let zone = judged
            .cases
            .first()
            .map_or(reader.zone, |case| case.contract.time_zone.0);
        Ok(ShowPage {
            frame: Frame::default(),
            form,
            reference: id.reference(),
            reporter: names
                .get(&judged.incident.reporter)
                .cloned()
                .unwrap_or_default(),
            reported: reader.sees(judged.incident.reported_at, zone),
            state,
            state_text,
            cases: judged
                .cases
                .iter()
                .map(|case| CasePart::new(&judged, case, &entries, &rows, reader))
                .collect(),
            handovers: handovers(&judged.facts)
                .into_iter()
                .map(|over| HandoverRow::new(&judged, over, reader))
                .collect(),
            acts: may_record.then(|| Acts::of(&judged, reader)),
            may_erase,
            received: messages
                .iter()
                .map(|message| ReceivedRow::new(message, &judged.events, reader))
                .collect(),
            timeline: sources.lines(),
            breaches,
            withdrawn,
            letters: letters
                .iter()
                .map(|letter| LetterRow::new(letter, reader))
                .collect(),
            has_more_letters,
            title: judged.incident.title.clone(),
            description: judged.incident.description.clone(),
        })
        .map(|shown| (shown, judged.incident.drill))
    })
    .await?;
    frame.drill = shown.1;
    shown.0.frame = frame;
    page(&shown.0)
}

fn standing(judged: &Judged, reader: Reader) -> (&'static str, &'static str) {
    let mut open = judged
        .cases
        .iter()
        .flat_map(|case| &case.clocks)
        .filter(|clock| clock.state.is_open());
    let is_late = open.any(|clock| {
        let lap = clock.current();
        lap.breached_at.is_some() || lap.due_at.is_some_and(|due| due < reader.now)
    });
    match judged.incident.state {
        IncidentState::Open if is_late => ("late", "Open, past due"),
        IncidentState::Open => ("running", "Open"),
        IncidentState::Resolved => ("met", "Resolved"),
        IncidentState::Cancelled => ("cancelled", "Cancelled"),
    }
}
