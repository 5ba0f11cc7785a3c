//! What follows from the facts of an incident, in the transaction that learnt of them.
//!
//! People record events (`actions`), time passes (`engine`); either way the same things follow: the
//! clocks are judged again, breaches are entered or withdrawn, steps are taken, letters are queued and
//! timers moved, all in one transaction with what caused it. The judgement starts from the timeline
//! under the incident's lock and never from what was stored, which is why an answer and a deadline in
//! the same second come out right whichever commits first.

mod audience;
mod climb;
mod edited;
mod foreseen;
mod gathered;
mod judged;
mod letters;
mod moved;
mod outcome;
mod register;
mod site;
mod steps;
mod written;

pub use foreseen::{Foreseen, foreseen};
pub use judged::{Judged, JudgedCase, Lateness, judged, judged_all};
pub(crate) use moved::leaves_enough;
pub use moved::{EditPreview, Move, preview_edit};

use std::collections::HashMap;

use gathered::{CaseFacts, Gathered};
use site::{Site, scene};
use written::Written;

use crate::domain::ClockId;
use crate::domain::anchor::PrintedHead;
use crate::domain::breach::Breach;
use crate::domain::calendar::CalendarError;
use crate::domain::calendar_book::CalendarBook;
use crate::domain::clock::Clock;
use crate::domain::incident::{Incident, IncidentState};
use crate::domain::person::Person;
use crate::domain::timeline::{Event, Fact, Standing, standing};
use crate::domain::words::EventKind;
use crate::error::{Error, Result};
use crate::store::{self, Tx};

/// What was done; the loop, the log and the tests all use it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Followed {
    /// Breaches entered.
    pub breached: u32,
    /// Breaches withdrawn.
    pub withdrawn: u32,
    /// Steps of ladders taken.
    pub steps: u32,
    /// Letters queued.
    pub letters: u32,
    /// Deadlines moved by a calendar edit.
    pub moved: u32,
}

impl std::ops::AddAssign for Followed {
    fn add_assign(&mut self, other: Self) {
        self.breached += other.breached;
        self.withdrawn += other.withdrawn;
        self.steps += other.steps;
        self.letters += other.letters;
        self.moved += other.moved;
    }
}

/// What made it necessary to judge again.
#[derive(Clone, Debug)]
pub enum Cause {
    /// An event was recorded, with that reason.
    Recorded(Box<Event>, String),
    /// A moment has come.
    Time,
}

/// One incident while its consequences are drawn.
pub(crate) struct Scene<'a> {
    pub(crate) incident: &'a Incident,
    pub(crate) events: &'a [Event],
    pub(crate) facts: &'a [Fact],
    pub(crate) reporter: &'a Person,
    pub(crate) book: &'a CalendarBook,
    pub(crate) cause: &'a Cause,
    /// The head of the anchor chain, as letters print it.
    pub(crate) anchor: Option<&'a PrintedHead>,
}

/// Draws the consequences for a locked incident as it stands at the transaction's moment.
///
/// # Errors
/// When a calendar of its terms has no open time within its horizon, or the database does not do as
/// asked; nothing is kept then.
pub fn follow(tx: &mut Tx<'_>, incident: &mut Incident, cause: &Cause) -> Result<Followed> {
    follow_all(tx, std::slice::from_mut(incident), cause)
}

/// Draws the consequences for several locked incidents, with about as many statements as for one.
///
/// # Errors
/// As [`follow`], for any of them.
pub fn follow_all(tx: &mut Tx<'_>, incidents: &mut [Incident], cause: &Cause) -> Result<Followed> {
    let mut written = Written::default();
    let mut gathered = Gathered::read(tx.conn(), incidents)?;
    let (mut sites, moved) = site::judge_all(tx, &mut gathered, incidents, cause)?;
    let mut done = Followed {
        moved,
        ..Followed::default()
    };
    let entered = register_all(
        tx,
        &mut written,
        &mut done,
        incidents,
        &sites,
        &gathered,
        cause,
    )?;
    let mut people = std::mem::take(&mut gathered.people);
    let now = tx.now();
    for (incident, site) in incidents.iter().zip(&mut sites) {
        site.audiences = climb::audiences(
            tx.conn(),
            &mut people,
            &scene(incident, site, &gathered, cause),
            &site.cases,
            now,
        )?;
    }
    let climbed = climb::climb_all(
        tx,
        &mut written,
        incidents,
        &sites,
        &entered,
        &gathered,
        cause,
    )?;
    done.steps += climbed.steps;
    done.letters += climbed.letters;
    for (incident, site) in incidents.iter_mut().zip(&sites) {
        let scene = scene(incident, site, &gathered, cause);
        for (number, case) in site.cases.iter().enumerate() {
            let of_case = site.clocks.iter().filter(|one| one.case == number);
            let clocks: Vec<&Clock> = of_case.map(|one| &one.clock).collect();
            done.letters +=
                letters::of_occasion(tx, &mut written, &mut people, &scene, case, &clocks)?;
        }
        keep_standing(tx, incident, &site.cases, &site.facts)?;
    }
    done.letters += written.write(tx)?;
    Ok(done)
}

/// Keeps what the judgement found: outcomes, entries of the register that do not hold any more, and new
/// ones, which are given by their clocks.
fn register_all(
    tx: &mut Tx<'_>,
    written: &mut Written,
    done: &mut Followed,
    incidents: &[Incident],
    sites: &[Site],
    gathered: &Gathered,
    cause: &Cause,
) -> Result<HashMap<ClockId, Vec<Breach>>> {
    let mut lacking = Vec::new();
    for (incident, site) in incidents.iter().zip(sites) {
        let scene = scene(incident, site, gathered, cause);
        for one in &site.clocks {
            let subject = one.subject(&scene, &site.cases);
            outcome::keep(tx, written, &subject, &one.kept.outcomes)?;
            for breach in &one.gone {
                register::withdraw(tx, written, &subject, breach)?;
                done.withdrawn += 1;
            }
            lacking.extend(register::lacking(&subject, &one.kept.entries, tx.now())?);
        }
    }
    store::breach::insert(tx, &mut lacking)?;
    written.notes.extend(lacking.iter().map(register::note));
    done.breached = u32::try_from(lacking.len()).unwrap_or(u32::MAX);
    let mut entered: HashMap<ClockId, Vec<Breach>> = HashMap::new();
    for breach in lacking {
        entered.entry(breach.clock_id).or_default().push(breach);
    }
    Ok(entered)
}

fn keep_standing(
    tx: &mut Tx<'_>,
    incident: &mut Incident,
    cases: &[CaseFacts],
    facts: &[Fact],
) -> Result<()> {
    let standings: Vec<Standing> = cases
        .iter()
        .map(|case| standing(facts, case.case.id))
        .collect();
    let before = (incident.state, incident.reported_at);
    incident.state = if standings.contains(&Standing::Open) {
        IncidentState::Open
    } else if standings.contains(&Standing::Resolved) {
        IncidentState::Resolved
    } else {
        IncidentState::Cancelled
    };
    if let Some(first) = facts.iter().find(|fact| fact.kind == EventKind::Reported) {
        incident.reported_at = first.at;
    }
    if before != (incident.state, incident.reported_at) {
        store::incident::keep_standing(tx, incident.id, incident.state, incident.reported_at)?;
    }
    for case in cases {
        let severity = facts
            .iter()
            .rev()
            .filter(|fact| fact.case.is_none_or(|of| of == case.case.id))
            .find_map(|fact| fact.severity.clone());
        if let Some(severity) = severity.filter(|severity| *severity != case.case.severity) {
            store::incident::keep_severity(tx, case.case.id, &severity)?;
        }
    }
    Ok(())
}

/// A calendar that cannot answer is the user's to repair: the sentence names it.
pub(crate) fn unusable(error: CalendarError) -> Error {
    Error::conflict(error.to_string())
}
