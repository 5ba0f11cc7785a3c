//! Rotas: who is on duty when. The first of the entries who is in hours is told, else the fallback.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::calendar::Calendar;
use super::input::{Faults, FieldError};
use super::person::Person;
use super::reading::Object;
use super::{CalendarId, PersonId, RotaId};
use crate::schema::{rota_entries, rotas};
use crate::time::Moment;

ladder_name! {
    /// What a ladder calls a rota; never changed.
    RotaName = "on_duty"
}

/// The most entries of a rota.
const MOST: usize = 100;

/// A rota. Its entries are kept beside it, in the order they are asked.
#[derive(Clone, Debug, PartialEq, Eq, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = rotas)]
pub struct Rota {
    /// Key.
    pub id: RotaId,
    /// What ladders call it.
    pub name: RotaName,
    /// Who is told while nobody of the entries is in hours.
    pub fallback_id: PersonId,
    /// Whether anybody is told by it; by a retired one nobody is.
    pub active: bool,
    /// When it was entered.
    pub created_at: Moment,
    /// Grows with each change.
    pub version: i64,
}

/// One entry of a rota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = rota_entries)]
pub struct RotaEntry {
    /// Who.
    pub person_id: PersonId,
    /// The calendar of the hours in which that is.
    pub calendar_id: CalendarId,
}

/// An entry of a rota as somebody enters it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EntryInput {
    /// The mail address of the person, in small letters.
    pub person: String,
    /// The calendar of the hours.
    pub calendar_id: CalendarId,
}

/// A rota as somebody enters or edits one, checked. That people and calendars exist is for the store to
/// say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RotaInput {
    /// What ladders call it.
    pub name: RotaName,
    /// Who is in hours when, the first asked first.
    pub entries: Vec<EntryInput>,
    /// The mail address of the fallback, in small letters.
    pub fallback: String,
    /// Whether anybody is told by it.
    pub active: bool,
}

const FIELDS: &[&str] = &["name", "entries", "fallback", "active"];
const ENTRY_FIELDS: &[&str] = &["person", "calendar_id"];

impl RotaInput {
    /// Reads and checks a new rota; `active` counts as yes when it is left out.
    ///
    /// # Errors
    /// Every fault at its field.
    pub fn read(value: &Value) -> Result<Self, Vec<FieldError>> {
        Self::of(value, None)
    }

    /// Reads and checks an edit of a rota. A name or `active` that is left out stays as it is, and the
    /// name cannot be changed.
    ///
    /// # Errors
    /// Every fault at its field.
    pub fn read_edit(value: &Value, before: &Rota) -> Result<Self, Vec<FieldError>> {
        Self::of(value, Some(before))
    }

    fn of(value: &Value, before: Option<&Rota>) -> Result<Self, Vec<FieldError>> {
        let mut faults = Faults::none();
        let Some(object) = Object::open(value, "", FIELDS, &mut faults) else {
            return Err(faults.into_vec());
        };
        let name = match (object.get("name"), before) {
            (None, Some(before)) => Some(before.name.clone()),
            _ => object.parsed::<RotaName>("name", &mut faults),
        };
        if let (Some(name), Some(before)) = (&name, before) {
            faults.require(
                *name == before.name,
                "name",
                "a rota keeps its name, by which ladders call it; enter another one instead",
            );
        }
        let fallback = object.text("fallback", &mut faults);
        let entries = entries(&object, &mut faults);
        let active = match (object.get("active"), before) {
            (None, before) => before.is_none_or(|before| before.active),
            (Some(_), _) => object.yes("active", &mut faults),
        };
        match (name, fallback) {
            (Some(name), Some(fallback)) => faults.or(Self {
                name,
                entries,
                fallback: fallback.to_lowercase(),
                active,
            }),
            _ => Err(faults.into_vec()),
        }
    }
}

fn entries(object: &Object<'_>, faults: &mut Faults) -> Vec<EntryInput> {
    let listed = object.list("entries", faults);
    faults.require(
        !listed.is_empty() || faults.at("entries"),
        "entries",
        "a rota has at least one entry, a person with the calendar of their hours",
    );
    faults.require(
        listed.len() <= MOST,
        "entries",
        format!("a rota has at most {MOST} entries"),
    );
    let mut entries: Vec<EntryInput> = Vec::new();
    for (path, item) in listed {
        let Some(row) = Object::open(item, &path, ENTRY_FIELDS, faults) else {
            continue;
        };
        let person = row.text("person", faults);
        let calendar = row.number("calendar_id", faults);
        let (Some(person), Some(calendar)) = (person, calendar) else {
            continue;
        };
        let entry = EntryInput {
            person: person.to_lowercase(),
            calendar_id: CalendarId(calendar),
        };
        if entries.contains(&entry) {
            let twice = format!("{} stands twice with that calendar", entry.person);
            faults.add(row.at("person"), twice);
        } else {
            entries.push(entry);
        }
    }
    entries
}

/// An entry with what decides whether it is on duty.
#[derive(Clone, Debug)]
pub struct Turn {
    /// Who.
    pub person: Person,
    /// Whether a mail server refuses the address of that person.
    pub is_refused: bool,
    /// The calendar of the hours.
    pub calendar_id: CalendarId,
    /// The hours.
    pub hours: Arc<Calendar>,
}

impl Turn {
    /// Whether the person is here and can be written to.
    pub fn is_reachable(&self) -> bool {
        self.person.active && !self.is_refused
    }

    /// Whether the person is in hours at that moment; hours that nobody knows are none.
    fn is_in_hours(&self, at: Moment) -> bool {
        self.hours.is_open(at).unwrap_or(false)
    }
}

/// A rota with its people and their hours.
#[derive(Clone, Debug)]
pub struct Roster {
    /// The rota.
    pub rota: Rota,
    /// Its entries in the order they are asked.
    pub turns: Vec<Turn>,
    /// Who is told while nobody of the entries is in hours.
    pub fallback: Person,
}

/// Who is on duty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// The entry in that place.
    Turn(usize),
    /// Nobody is in hours: the fallback.
    Fallback,
    /// Nobody is in hours and the fallback is gone, or the rota is retired.
    Nobody,
}

/// A stretch of time in which the same one is on duty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shift {
    /// Its first moment.
    pub from: Moment,
    /// The first moment after it.
    pub to: Moment,
    /// Who.
    pub duty: Duty,
}

impl Roster {
    /// Who is on duty at that moment: the first entry that is in hours, here, and not refused by a mail
    /// server; else the fallback, refused or not, since somebody has to be tried.
    pub fn duty_at(&self, at: Moment) -> Duty {
        if !self.rota.active {
            return Duty::Nobody;
        }
        let on_duty = |turn: &Turn| turn.is_reachable() && turn.is_in_hours(at);
        match self.turns.iter().position(on_duty) {
            Some(place) => Duty::Turn(place),
            None if self.fallback.active => Duty::Fallback,
            None => Duty::Nobody,
        }
    }

    /// The person on duty at that moment, if there is one.
    pub fn on_duty(&self, at: Moment) -> Option<&Person> {
        self.who(self.duty_at(at))
    }

    /// Whom that means.
    pub fn who(&self, duty: Duty) -> Option<&Person> {
        match duty {
            Duty::Turn(place) => self.turns.get(place).map(|turn| &turn.person),
            Duty::Fallback => Some(&self.fallback),
            Duty::Nobody => None,
        }
    }

    /// Who is on duty from one moment to another, in order and without gaps, as things stand.
    pub fn shifts(&self, from: Moment, to: Moment) -> Vec<Shift> {
        let mut changes = vec![from];
        for turn in &self.turns {
            // What is in hours at no known time changes nothing.
            for span in turn.hours.spans(from, to).unwrap_or_default() {
                changes.extend([span.opens, span.closes]);
            }
        }
        changes.retain(|at| (from..to).contains(at));
        changes.sort();
        changes.dedup();
        let mut shifts: Vec<Shift> = Vec::new();
        for at in changes {
            let duty = self.duty_at(at);
            if let Some(last) = shifts.last_mut() {
                if last.duty == duty {
                    continue;
                }
                last.to = at;
            }
            shifts.push(Shift { from: at, to, duty });
        }
        shifts
    }
}

#[cfg(test)]
mod tests;
