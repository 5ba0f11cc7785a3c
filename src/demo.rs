//! Half a year of believable data, made through the same actions and engine that serve people, under
//! a clock moved by hand. Nothing is inserted past them: what the pages show is what would have
//! happened.

mod chance;
mod contracts;
mod plot;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use anyhow::Context;
use serde_json::{Value, json};

use crate::actions;
use crate::domain::incident::{Raise, Record};
use crate::domain::person::PersonInput;
use crate::domain::schedule::ScheduleInput;
use crate::domain::words::Source;
use crate::domain::{IncidentId, PersonId};
use crate::engine::deliver::{Sender, deliver};
use crate::engine::{anchors, routines, tick};
use crate::error::{Error, Result};
use crate::store::{self, Actor, Store};
use crate::time::{DAY, HandTime, Moment};
use chance::Chance;
use contracts::Signed;
use plot::Act;

/// How far back the data reaches.
const HALF_A_YEAR: i64 = 182 * DAY;
/// Incidents raised in that time.
const INCIDENTS: usize = 170;

/// One of the people that were made.
#[derive(Clone, Debug)]
pub struct Login {
    /// Mail address to sign in with.
    pub email: &'static str,
    /// Role.
    pub role: &'static str,
}

/// What was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// The people; all have the same password.
    pub logins: Vec<Login>,
    /// Incidents raised.
    pub incidents: usize,
    /// Breaches entered.
    pub breaches: u32,
    /// Letters sent.
    pub letters: u32,
}

/// When the hand must stand before [`fill`] begins.
pub fn beginning(now: Moment) -> Moment {
    now - HALF_A_YEAR
}

/// Fills an empty database with the half year up to `until`; the store's clock is that hand.
///
/// # Errors
/// When an action is refused or the database does not do as asked.
pub async fn fill(
    store: &Store,
    hand: &HandTime,
    until: Moment,
    sender: &Sender,
    password_hash: String,
) -> anyhow::Result<Made> {
    let mut cast = people(store, &password_hash)?;
    let signed = contracts::sign(store, cast.pia, hand.now())
        .context("the contracts could not be entered")?;
    monthly_report(store, cast.max)?;
    let mut chance = Chance::new(20_260_101);
    let mut stage = Stage {
        store,
        hand,
        sender,
        agenda: BinaryHeap::new(),
        number: 0,
        breaches: 0,
        letters: 0,
    };
    for raised in plot::raisings(&signed, hand.now(), until, INCIDENTS, &mut chance) {
        stage.push(raised.at, Task::Raise(Box::new(raised)));
    }
    let mut incidents = 0;
    while let Some(Reverse(next)) = stage.agenda.pop() {
        if next.at > until {
            break;
        }
        stage.pass_to(next.at).await?;
        match next.task {
            Task::Raise(raised) => {
                let who = if raised.contract == 3 {
                    cast.li
                } else {
                    cast.ann
                };
                let id = stage.raise(who, &signed[raised.contract], &raised)?;
                incidents += 1;
                for act in plot::acts(
                    &stage.clocks(id)?,
                    &signed[raised.contract],
                    &raised,
                    &mut chance,
                ) {
                    stage.push(act.at, Task::Record(who, id, act));
                }
            }
            Task::Record(who, id, act) => stage.record(who, id, &act)?,
        }
    }
    stage.pass_to(until).await?;
    Ok(Made {
        logins: std::mem::take(&mut cast.logins),
        incidents,
        breaches: stage.breaches,
        letters: stage.letters,
    })
}

struct Cast {
    ann: PersonId,
    li: PersonId,
    pia: PersonId,
    max: PersonId,
    logins: Vec<Login>,
}

fn people(store: &Store, password_hash: &str) -> Result<Cast> {
    let add = |name: &str,
               email: &'static str,
               role: &'static str,
               zone: &str,
               locale: &str|
     -> Result<(PersonId, Login)> {
        let input = json!({"name": name, "email": email, "role": role, "time_zone": zone, "locale": locale});
        let input = PersonInput::read(&input)?;
        let hash = password_hash.to_string();
        let id = store.write(Actor::Operator, move |tx| {
            actions::person::add(tx, &input, Some(&hash))
        })?;
        Ok((id, Login { email, role }))
    };
    let (_, adam) = add(
        "Adam Keller",
        "adam@example.com",
        "administrator",
        "Europe/Berlin",
        "en",
    )?;
    let (ann, ann_login) = add(
        "Ann Fischer",
        "ann@example.com",
        "engineer",
        "Europe/Berlin",
        "en",
    )?;
    let (li, li_login) = add(
        "李娜",
        "li@example.com",
        "engineer",
        "Asia/Shanghai",
        "zh-CN",
    )?;
    let (max, max_login) = add(
        "Max Brunner",
        "max@example.com",
        "manager",
        "Europe/Berlin",
        "en",
    )?;
    let (pia, pia_login) = add(
        "Pia Lindqvist",
        "pia@example.com",
        "procurement",
        "Europe/Stockholm",
        "en",
    )?;
    Ok(Cast {
        ann,
        li,
        pia,
        max,
        logins: vec![adam, ann_login, li_login, max_login, pia_login],
    })
}

/// Max gets the report of all vendors on the first of each month.
fn monthly_report(store: &Store, who: PersonId) -> Result<()> {
    let input = ScheduleInput::read(&json!({
        "name": "Monthly breach report", "cron": "0 8 1 * *", "time_zone": "Europe/Berlin",
        "recipients": ["max@example.com"]
    }))?;
    store.write(Actor::Person(who), move |tx| {
        actions::schedule::enter(tx, &input)
    })?;
    Ok(())
}

enum Task {
    Raise(Box<plot::Raising>),
    Record(PersonId, IncidentId, Act),
}

/// Ordered by moment, then by the order in which it was planned.
struct Planned {
    at: Moment,
    number: u64,
    task: Task,
}

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.number) == (other.at, other.number)
    }
}
impl Eq for Planned {}
impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Planned {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

struct Stage<'a> {
    store: &'a Store,
    hand: &'a HandTime,
    sender: &'a Sender,
    agenda: BinaryHeap<Reverse<Planned>>,
    number: u64,
    breaches: u32,
    letters: u32,
}

impl Stage<'_> {
    fn push(&mut self, at: Moment, task: Task) {
        self.number += 1;
        self.agenda.push(Reverse(Planned {
            at,
            number: self.number,
            task,
        }));
    }

    /// Lets time pass, stopping at every moment at which something is due.
    async fn pass_to(&mut self, moment: Moment) -> anyhow::Result<()> {
        loop {
            let next = self.store.read(|conn| {
                let timer = store::clock::next_timer(conn)?;
                let letter = store::letter::next_due(conn)?;
                let routine = routines::next_due(conn)?;
                Ok([timer, letter, routine].into_iter().flatten().min())
            })?;
            match next.filter(|next| *next <= moment) {
                Some(next) => self.hand.set(next.max(self.hand.now())),
                None => break,
            }
            self.breaches += tick::tick(self.store)?.followed.breached;
            routines::run_due(self.store)?;
            anchors::run_due(self.store)?;
            self.letters += deliver(self.store, self.sender).await?.sent;
        }
        self.hand.set(moment.max(self.hand.now()));
        Ok(())
    }

    fn raise(
        &self,
        who: PersonId,
        contract: &Signed,
        raising: &plot::Raising,
    ) -> Result<IncidentId> {
        let input: Value = json!({
            "contract_id": contract.id,
            "severity": raising.severity,
            "title": raising.title,
            "description": raising.description,
            "vendor_reference": raising.vendor_reference,
            "drill": raising.drill,
        });
        let raise = Raise::read(&input)?;
        self.store
            .write(Actor::Person(who), move |tx| {
                actions::incident::raise(tx, &raise, Source::Page)
            })
            .map(|incident| incident.id)
    }

    fn clocks(&self, incident: IncidentId) -> Result<Vec<crate::domain::clock::ClockRow>> {
        self.store
            .read(|conn| store::clock::of_incident(conn, incident))
    }

    fn record(&self, who: PersonId, incident: IncidentId, act: &Act) -> Result<()> {
        let mut event = act.event.clone();
        if let Some(kind) = act.about {
            // Agreements and corrections name the event they are about by its number.
            let events = self
                .store
                .read(|conn| store::incident::events(conn, incident))?;
            let about = events.iter().rev().find(|event| event.kind == kind);
            let Some(about) = about else { return Ok(()) };
            event[act.field] = json!(about.seq);
        }
        let record = Record::read(&event)?;
        let done = self.store.write(Actor::Person(who), move |tx| {
            actions::incident::record(tx, incident, &record, Source::Page)
        });
        match done {
            // The plot does not look ahead: an answer to what was cancelled meanwhile is left out.
            Ok(_) | Err(Error::Invalid(_)) => Ok(()),
            Err(other) => Err(other),
        }
    }
}
