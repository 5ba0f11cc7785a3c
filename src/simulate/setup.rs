//! Enters what a scenario brings: people, calendars, vendors, contracts and schedules, through the same
//! readers and actions as the API.

use serde_json::{Map, Value, json};

use super::ground::Ground;
use super::later::{Entry, Later, take_moment};
use super::named::Named;
use super::names::{Names, Places};
use super::scenario::Scenario;
use crate::actions;
use crate::domain::calendar_entry::CalendarInput;
use crate::domain::input::{Faults, FieldError, join};
use crate::domain::person::PersonInput;
use crate::domain::rota::RotaInput;
use crate::domain::schedule::ScheduleInput;
use crate::domain::team::TeamInput;
use crate::domain::vendor::VendorInput;
use crate::domain::{ContractId, VendorId};
use crate::error::{Error, Result};
use crate::store::{self, Actor, Tx};
use crate::time::Moment;

/// Who reports where the scenario names nobody.
pub(super) const REPORTER: &str = "reporter@example.com";

/// What was entered.
pub(super) struct Entered {
    /// The contracts in the order of the scenario.
    pub(super) contracts: Vec<ContractId>,
    /// What is entered while the scenario runs, in order of time.
    pub(super) later: Vec<Later>,
}

/// Enters everything; the faults that were found go to those found before.
///
/// # Errors
/// When the database does not do as asked. A fault of the scenario is noted instead.
pub(super) fn enter(ground: &Ground, scenario: &Scenario, faults: &mut Faults) -> Result<Entered> {
    let mut setup = Setup {
        ground,
        scenario,
        faults,
        calendars: Names::of("calendar", &scenario.calendars, "name"),
        vendors: Names::of("vendor", &scenario.vendors, "name"),
        later: Vec::new(),
    };
    setup.people()?;
    for (index, value) in scenario.calendars.iter().enumerate() {
        setup.calendar(index, value)?;
    }
    for (index, value) in scenario.teams.iter().enumerate() {
        let value = value.clone();
        setup.write(&format!("teams[{index}]"), &Places::default(), move |tx| {
            actions::team::enter(tx, &TeamInput::read(&value)?)
        })?;
    }
    for (index, value) in scenario.rotas.iter().enumerate() {
        setup.rota(index, value)?;
    }
    for (index, value) in scenario.vendors.iter().enumerate() {
        setup.vendor(index, value)?;
    }
    let mut contracts = Vec::new();
    for (index, value) in scenario.contracts.iter().enumerate() {
        contracts.push(setup.contract(index, value)?);
    }
    for (index, value) in scenario.schedules.iter().enumerate() {
        setup.schedule(index, value)?;
    }
    let mut later = setup.later;
    later.sort_by_key(|later| later.at);
    Ok(Entered { contracts, later })
}

struct Setup<'a> {
    ground: &'a Ground,
    scenario: &'a Scenario,
    faults: &'a mut Faults,
    calendars: Names,
    vendors: Names,
    later: Vec<Later>,
}

impl Setup<'_> {
    /// Enters something, or notes its faults below `path`.
    fn write<T: Send + 'static>(
        &mut self,
        path: &str,
        places: &Places,
        f: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<Option<T>> {
        match self.ground.store.write(Actor::Operator, f) {
            Ok(done) => Ok(Some(done)),
            Err(error) => {
                self.refused(path, places, error)?;
                Ok(None)
            }
        }
    }

    fn refused(&mut self, path: &str, places: &Places, error: Error) -> Result<()> {
        match error {
            Error::Invalid(found) => places.note(path, found, self.faults),
            Error::Refused(refused) => self.faults.add(path, refused.to_string()),
            other => return Err(other),
        }
        Ok(())
    }

    /// Enters something now, or keeps it for its moment.
    fn enter_at(
        &mut self,
        at: Option<Moment>,
        path: String,
        entry: Entry,
        places: &Places,
    ) -> Result<()> {
        match at.filter(|at| *at > self.scenario.begins) {
            Some(at) if at > self.scenario.ends => self.faults.add(
                path,
                format!(
                    "{at} lies after the end of the scenario at {}",
                    self.scenario.ends
                ),
            ),
            Some(at) => self.later.push(Later { at, path, entry }),
            None => {
                if let Err(error) = entry.enter(self.ground) {
                    self.refused(&path, places, error)?;
                }
            }
        }
        Ok(())
    }

    fn calendar(&mut self, index: usize, value: &Value) -> Result<()> {
        let path = format!("calendars[{index}]");
        let mut value = value.clone();
        let edits = value
            .as_object_mut()
            .and_then(|fields| fields.remove("edits"));
        let name = value.get("name").cloned();
        let entered = self.write(&path, &Places::default(), move |tx| {
            actions::calendar::enter(tx, &CalendarInput::read(&value)?)
        })?;
        let id = match entered {
            Some(id) => id,
            // What names it is still read, so that its own faults are found too.
            None => self.ground.store.write(Actor::Operator, move |tx| {
                let day = json!([["00:00", "24:00"]]);
                let stand_in = json!({"name": format!("calendar {}", index + 1), "time_zone": "UTC",
                    "week": {"mon": day, "tue": day, "wed": day, "thu": day, "fri": day, "sat": day, "sun": day}});
                actions::calendar::enter(tx, &CalendarInput::read(&stand_in)?)
            })?,
        };
        for (path, mut edit) in listed(edits, &path, "edits", self.faults) {
            let Some(fields) = edit.as_object_mut() else {
                self.faults
                    .add(path, "an edit is a calendar as the API takes it, with at");
                continue;
            };
            let Some(at) = take_moment(fields, "at", &path, self.faults) else {
                if !self.faults.at(&join(&path, "at")) {
                    self.faults
                        .add(join(&path, "at"), "say when the calendar is edited");
                }
                continue;
            };
            if let (None, Some(name)) = (fields.get("name"), &name) {
                fields.insert("name".to_string(), name.clone());
            }
            if let Err(found) = CalendarInput::read_edit(&edit) {
                self.faults.extend(&path, found);
            }
            let entry = Entry::Calendar(id, edit);
            self.enter_at(
                Some(at.max(self.scenario.begins + 1)),
                path,
                entry,
                &Places::default(),
            )?;
        }
        Ok(())
    }

    fn rota(&mut self, index: usize, value: &Value) -> Result<()> {
        let path = format!("rotas[{index}]");
        let mut value = value.clone();
        let mut places = Places::default();
        let entries = value.get_mut("entries").and_then(Value::as_array_mut);
        for (number, entry) in entries.into_iter().flatten().enumerate() {
            if let Value::Object(fields) = entry {
                let path = format!("{path}.entries[{number}]");
                let ways = ("calendar_id", "calendar");
                places.resolve(fields, &path, ways, &self.calendars, self.faults);
            }
        }
        self.write(&path, &places, move |tx| {
            actions::rota::enter(tx, &RotaInput::read(&value)?)
        })?;
        Ok(())
    }

    fn vendor(&mut self, index: usize, value: &Value) -> Result<VendorId> {
        let path = format!("vendors[{index}]");
        let mut value = value.clone();
        let mut places = Places::default();
        let contacts = value.get_mut("contacts").and_then(Value::as_array_mut);
        for (number, contact) in contacts.into_iter().flatten().enumerate() {
            if let Value::Object(fields) = contact {
                let path = format!("{path}.contacts[{number}]");
                let ways = ("calendar_id", "calendar");
                places.resolve(fields, &path, ways, &self.calendars, self.faults);
            }
        }
        let entered = self.write(&path, &places, move |tx| {
            actions::vendor::enter(tx, &VendorInput::read(&value)?)
        })?;
        match entered {
            Some(id) => Ok(id),
            None => self.ground.store.write(Actor::Operator, move |tx| {
                let stand_in = json!({"name": format!("vendor {}", index + 1), "time_zone": "UTC"});
                actions::vendor::enter(tx, &VendorInput::read(&stand_in)?)
            }),
        }
    }

    /// A contract with every version of its terms; 0 where it could not be entered.
    fn contract(&mut self, index: usize, value: &Value) -> Result<ContractId> {
        let path = format!("contracts[{index}]");
        let Value::Object(fields) = value else {
            self.faults.add(path, "a contract is a JSON object in the shape of the API, with vendor, reference, title, owner, effective_from and terms");
            return Ok(ContractId::default());
        };
        let mut fields = fields.clone();
        let mut places = Places::default();
        let ways = ("vendor_id", "vendor");
        places.resolve(&mut fields, &path, ways, &self.vendors, self.faults);
        let go_lives = fields.remove("go_lives");
        let mut now = Vec::new();
        let mut later = Vec::new();
        for (path, mut terms) in versions(&mut fields, &path) {
            self.calendars_of(&mut terms, &path, &mut places);
            let at = self.entered_at(&mut terms, &path);
            match at.filter(|at| *at > self.scenario.begins) {
                Some(_) => later.push((at, path, terms)),
                None => now.push((at, path, terms)),
            }
        }
        let first = (!now.is_empty()).then(|| now.remove(0));
        if let Some((_, _, terms)) = &first {
            fields.insert("terms".to_string(), terms.clone());
        }
        let head = Value::Object(fields);
        let entered = self.ground.store.write(Actor::Operator, move |tx| {
            actions::contract::enter(tx, &head)
        });
        let id = match entered {
            Ok(id) => Some(id),
            Err(error) => {
                let written = first.map_or_else(String::new, |(_, path, _)| path);
                let error = in_version(error, &path, &written);
                self.refused("", &places, error)?;
                None
            }
        };
        for (at, path, terms) in now.into_iter().chain(later) {
            if id.is_none() || at.is_some() {
                let now = self.ground.hand.now();
                let preview = self
                    .ground
                    .store
                    .read(|conn| actions::contract::preview(conn, None, &terms, now))?;
                places.note(&path, preview.errors, self.faults);
            }
            if let Some(id) = id {
                self.enter_at(at, path, Entry::Terms(id, terms), &places)?;
            }
        }
        for (path, mut window) in listed(go_lives, &path, "go_lives", self.faults) {
            self.calendars_of(&mut window, &path, &mut places);
            let at = self.entered_at(&mut window, &path);
            if let Some(id) = id {
                self.enter_at(at, path, Entry::GoLive(id, window), &places)?;
            }
        }
        Ok(id.unwrap_or_default())
    }

    fn entered_at(&mut self, value: &mut Value, path: &str) -> Option<Moment> {
        let fields = value.as_object_mut()?;
        take_moment(fields, "entered_at", path, self.faults)
    }

    /// Puts the ids of calendars into terms that name them.
    fn calendars_of(&mut self, terms: &mut Value, path: &str, places: &mut Places) {
        let commitments = terms.get_mut("commitments").and_then(Value::as_array_mut);
        for (number, commitment) in commitments.into_iter().flatten().enumerate() {
            if let Value::Object(fields) = commitment {
                let path = format!("{path}.commitments[{number}]");
                let ways = ("calendar_id", "calendar");
                places.resolve(fields, &path, ways, &self.calendars, self.faults);
            }
        }
    }

    fn schedule(&mut self, index: usize, value: &Value) -> Result<()> {
        let path = format!("schedules[{index}]");
        let mut value = value.clone();
        let mut places = Places::default();
        if let Value::Object(fields) = &mut value {
            let ways = ("vendor_id", "vendor");
            places.resolve(fields, &path, ways, &self.vendors, self.faults);
        }
        self.write(&path, &places, move |tx| {
            actions::schedule::enter(tx, &ScheduleInput::read(&value)?)
        })?;
        Ok(())
    }

    /// Those whom the scenario lists, and those whom something else in it names. Where it lists nobody,
    /// each role that a ladder names has one person.
    fn people(&mut self) -> Result<()> {
        let listed = self.scenario.people.as_deref().unwrap_or_default();
        for (index, value) in listed.iter().enumerate() {
            let value = value.clone();
            self.write(&format!("people[{index}]"), &Places::default(), move |tx| {
                actions::person::add(tx, &PersonInput::read(&value)?, None)
            })?;
        }
        let mut named = Named::of(self.scenario);
        if self.scenario.people.is_none() {
            named.one_of_each_role();
        }
        for (email, role, zone) in named.people {
            let name = email.split('@').next().unwrap_or(&email).to_string();
            let input = json!({"email": email, "name": name, "role": role, "time_zone": zone});
            // An address with faults is noted where it is written.
            let Ok(input) = PersonInput::read(&input) else {
                continue;
            };
            self.ground
                .store
                .write(Actor::Operator, move |tx| match store::person::with_email(
                    tx.conn(),
                    &input.email,
                )? {
                    Some(_) => Ok(()),
                    None => actions::person::add(tx, &input, None).map(drop),
                })?;
        }
        Ok(())
    }
}

/// Takes every version of the terms out of a contract, with its place in the scenario.
fn versions(contract: &mut Map<String, Value>, path: &str) -> Vec<(String, Value)> {
    match contract.remove("terms") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(versions)) => versions
            .into_iter()
            .enumerate()
            .map(|(number, terms)| (format!("{path}.terms[{number}]"), terms))
            .collect(),
        Some(terms) => vec![(format!("{path}.terms"), terms)],
    }
}

/// The items of a list that the API has elsewhere, each with its place.
fn listed(
    value: Option<Value>,
    path: &str,
    field: &str,
    faults: &mut Faults,
) -> Vec<(String, Value)> {
    let path = join(path, field);
    match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(items)) => (0..)
            .zip(items)
            .map(|(number, item)| (format!("{path}[{number}]"), item))
            .collect(),
        Some(_) => {
            faults.add(path, "this must be a list");
            Vec::new()
        }
    }
}

/// The faults of a contract at their full paths; those of its first terms below where these stand.
fn in_version(error: Error, contract: &str, terms: &str) -> Error {
    let Error::Invalid(found) = error else {
        return match error {
            Error::Refused(refused) => Error::field(contract, refused.to_string()),
            other => other,
        };
    };
    let place = |fault: FieldError| {
        let rest = fault
            .field
            .strip_prefix("terms")
            .filter(|rest| !terms.is_empty() && (rest.is_empty() || rest.starts_with(['.', '['])));
        let field = match rest {
            Some(rest) => format!("{terms}{rest}"),
            None => join(contract, &fault.field),
        };
        FieldError::new(field, fault.message)
    };
    Error::Invalid(found.into_iter().map(place).collect())
}
