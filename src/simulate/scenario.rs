//! Scenarios as somebody writes them: the shapes of the API, with names where it has ids.

use std::collections::HashMap;

use serde_json::Value;

use super::incident::{self, Played};
use super::names::Names;
use crate::domain::calendar::is_known;
use crate::domain::input::{Faults, FieldError};
use crate::domain::reading::Object;
use crate::time::{DAY, Micros, Moment};

/// A scenario, read as far as that goes without the database.
#[derive(Debug)]
pub struct Scenario {
    pub(super) people: Option<Vec<Value>>,
    pub(super) calendars: Vec<Value>,
    pub(super) teams: Vec<Value>,
    pub(super) rotas: Vec<Value>,
    pub(super) vendors: Vec<Value>,
    pub(super) contracts: Vec<Value>,
    pub(super) schedules: Vec<Value>,
    pub(super) incidents: Vec<Played>,
    /// When the first thing happens.
    pub(super) begins: Moment,
    /// When the scenario ends.
    pub(super) ends: Moment,
    /// Whether it ends as soon as nothing more is due.
    pub(super) ends_early: bool,
}

const FIELDS: &[&str] = &[
    "calendars",
    "people",
    "teams",
    "rotas",
    "vendors",
    "contracts",
    "schedules",
    "incidents",
    "until",
];

/// Without `until` a scenario ends when nothing more is due, and so long after its last event at the
/// latest: an update is due again and again.
const TAIL: Micros = 30 * DAY;
/// Longer than any contract's story; a mistyped year is said rather than played.
const LONGEST: Micros = 20 * 366 * DAY;

/// That nothing can be played at a moment whose wall clocks nobody knows, if it is one.
pub(super) fn of_unknown_year(at: Moment) -> Option<String> {
    (!is_known(at))
        .then(|| format!("{at} lies outside the years 1900 to 2099, which zone data speaks for"))
}

impl Scenario {
    /// Reads a scenario from the bytes of a file.
    ///
    /// Faults are noted at their paths, such as `incidents[0].events[2].stop`. What the database must
    /// know to judge, the fields of calendars, vendors and contracts among them, is found when it is
    /// played.
    ///
    /// # Errors
    /// Every fault found so far, together with what could be read: the rest may still have others.
    pub fn read(bytes: &[u8]) -> Result<(Self, Faults), Vec<FieldError>> {
        let value = parse(bytes)?;
        let mut faults = Faults::none();
        let Some(object) = Object::open(&value, "", FIELDS, &mut faults) else {
            return Err(faults.into_vec());
        };
        let list = |field: &str, faults: &mut Faults| -> Vec<Value> {
            let items = object.list(field, faults);
            items.into_iter().map(|(_, item)| item.clone()).collect()
        };
        let people = object.get("people").map(|_| list("people", &mut faults));
        let calendars = list("calendars", &mut faults);
        let teams = list("teams", &mut faults);
        let rotas = list("rotas", &mut faults);
        let vendors = list("vendors", &mut faults);
        let contracts = list("contracts", &mut faults);
        let schedules = list("schedules", &mut faults);
        let contract_names = Names::of("contract", &contracts, "reference");
        let incidents: Vec<Played> = object
            .list("incidents", &mut faults)
            .into_iter()
            .map(|(path, item)| incident::read(item, path, &contract_names, &mut faults))
            .collect();
        let until: Option<Moment> = object.optional("until", &mut faults);
        let moments = || incidents.iter().flat_map(Played::moments);
        let begins = moments().min().or(until).unwrap_or_default();
        let last = moments().max().unwrap_or(begins);
        let ends = until.unwrap_or(last + TAIL);
        for incident in &incidents {
            incident.within(until, begins + LONGEST, &mut faults);
        }
        let wrong = until.and_then(|until| {
            let too_late = until > begins + LONGEST;
            let too_late = too_late.then(|| {
                format!("{until} lies more than twenty years after the first event at {begins}")
            });
            too_late.or_else(|| of_unknown_year(until))
        });
        if let Some(wrong) = wrong {
            faults.add("until", wrong);
        }
        let scenario = Self {
            people,
            calendars,
            teams,
            rotas,
            vendors,
            contracts,
            schedules,
            incidents,
            begins,
            ends,
            ends_early: until.is_none(),
        };
        Ok((scenario, faults))
    }
}

/// Reads JSON; a fault of its syntax is said with line and column.
fn parse(bytes: &[u8]) -> Result<Value, Vec<FieldError>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    serde_json::from_slice(bytes).map_err(|error| {
        let wrong = format!("the scenario is not JSON: {error}");
        vec![FieldError::new("", wrong)]
    })
}

/// Labels that events of one incident were given, and where each stands.
#[derive(Debug, Default)]
pub(in crate::simulate) struct Labels(HashMap<String, usize>);

impl Labels {
    pub(in crate::simulate) fn add(&mut self, label: String, place: usize) -> Result<(), String> {
        match self.0.insert(label.clone(), place) {
            None => Ok(()),
            Some(first) => {
                self.0.insert(label.clone(), first);
                Err(format!(
                    "the label \"{label}\" is used twice; event {} has it too",
                    first + 1
                ))
            }
        }
    }

    /// The place in the list that a reference names: a label, or a number from 1.
    pub(in crate::simulate) fn find(&self, value: &Value, events: usize) -> Result<usize, String> {
        let known = match value {
            Value::String(label) => self.0.get(label.trim()).copied(),
            Value::Number(number) => number
                .as_u64()
                .and_then(|number| usize::try_from(number).ok())
                .and_then(|number| number.checked_sub(1))
                .filter(|place| *place < events),
            _ => None,
        };
        known.ok_or_else(|| {
            format!("{value} is no event of this incident; name one by its number in the list, from 1 to {events}, or by its id")
        })
    }
}
