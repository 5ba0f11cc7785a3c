//! Incidents of a scenario: their cases, and what is recorded of them and when.

use serde_json::{Map, Value, json};

use super::names::{Names, Places};
use super::scenario::Labels;
use crate::domain::ContractId;
use crate::domain::incident::{EVENT_FIELDS, OpenCase, Raise, Record};
use crate::domain::input::{Faults, join};
use crate::domain::reading::Object;
use crate::domain::timeline::entered_late;
use crate::domain::words::EventKind;
use crate::time::{MINUTE, Moment};

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
            let end = until.unwrap_or(latest);
            if act.recorded_at > end {
                let wrong = match until {
                    Some(until) => format!("{} lies after the end at {until}", act.recorded_at),
                    None => format!(
                        "{} lies too long after the first event; check the years",
                        act.recorded_at
                    ),
                };
                let of_case = act.moment_field == "reported_at";
                let field = if of_case { "reported_at" } else { "at" };
                faults.add(join(&act.path, field), wrong);
            }
        }
    }
}

const INCIDENT_FIELDS: &[&str] = &[
    "contract",
    "contract_id",
    "severity",
    "title",
    "description",
    "vendor_reference",
    "reported_at",
    "reason",
    "drill",
    "reporter",
    "cases",
    "events",
];
const CASE_FIELDS: &[&str] = &[
    "contract",
    "contract_id",
    "severity",
    "vendor_reference",
    "reported_at",
    "reason",
];
/// What an event of a scenario carries beside what the API reads.
const OWN_FIELDS: &[&str] = &["at", "recorded_at", "id", "by"];
/// What a report of a further vendor may carry, so that it needs no place among `cases`.
const REPORT_FIELDS: &[&str] = &[
    "kind",
    "at",
    "recorded_at",
    "occurred_at",
    "id",
    "by",
    "case",
    "reason",
    "severity",
    "vendor_reference",
];

/// Reads an incident; what cannot be read stands as something that the faults keep from being played.
pub(super) fn read(value: &Value, path: String, names: &Names, faults: &mut Faults) -> Played {
    let mut reader = Reader {
        names,
        played: Played {
            path: path.clone(),
            reporter: None,
            raise: nothing(),
            cases: Vec::new(),
            acts: Vec::new(),
        },
        labels: Labels::default(),
        reported: Vec::new(),
        faults,
    };
    if let Some(object) = Object::open(value, path, INCIDENT_FIELDS, reader.faults) {
        reader.incident(&object, value);
    }
    reader.played
}

fn nothing() -> Raise {
    Raise {
        case: unread_case(ContractId(0)),
        title: String::new(),
        description: String::new(),
        drill: false,
    }
}

/// Stands in for a case that could not be read.
fn unread_case(contract_id: ContractId) -> OpenCase {
    OpenCase {
        contract_id,
        severity: String::new(),
        vendor_reference: String::new(),
        reported_at: None,
        reason: String::new(),
    }
}

/// The number of the contract once its name was found; 0 where it was not.
fn contract_in(fields: &Map<String, Value>) -> ContractId {
    let number = fields.get("contract_id").and_then(Value::as_i64);
    ContractId(number.unwrap_or_default())
}

struct Reader<'a> {
    names: &'a Names,
    played: Played,
    labels: Labels,
    /// For each case whether a report names it.
    reported: Vec<bool>,
    faults: &'a mut Faults,
}

impl Reader<'_> {
    fn incident(&mut self, object: &Object<'_>, value: &Value) {
        self.played.reporter = object.optional_text("reporter", self.faults);
        let path = object.path().to_string();
        let without = ["reporter", "cases", "events"];
        let (mut fields, places) = self.with_contract(value, &path, &without);
        fields.retain(|field, _| INCIDENT_FIELDS.contains(&field.as_str()));
        let contract = contract_in(&fields);
        match Raise::read(&Value::Object(fields)) {
            Ok(raise) => self.played.raise = raise,
            Err(found) => {
                self.played.raise.case.contract_id = contract;
                places.note(&path, found, self.faults);
            }
        }
        let first = self.played.raise.case.clone();
        self.case(path, first, object.get("reported_at").is_some());
        for (path, item) in object.list("cases", self.faults) {
            if let Some(object) = Object::open(item, path.clone(), CASE_FIELDS, self.faults) {
                let (mut fields, places) = self.with_contract(item, &path, &[]);
                fields.retain(|field, _| CASE_FIELDS.contains(&field.as_str()));
                let contract = contract_in(&fields);
                let open = OpenCase::read(&Value::Object(fields)).unwrap_or_else(|found| {
                    places.note(&path, found, self.faults);
                    unread_case(contract)
                });
                self.case(path, open, object.get("reported_at").is_some());
            }
        }
        let events = object.list("events", self.faults);
        for (place, (path, item)) in events.iter().enumerate() {
            self.label(item, path, place);
        }
        let count = events.len();
        for (path, item) in events {
            self.event(item, path, count);
        }
        self.reports(object);
    }

    /// The fields of an incident or case with the number of its contract.
    fn with_contract(
        &mut self,
        value: &Value,
        path: &str,
        without: &[&str],
    ) -> (Map<String, Value>, Places) {
        let mut fields = value.as_object().cloned().unwrap_or_default();
        fields.retain(|field, _| !without.contains(&field.as_str()));
        let mut places = Places::default();
        let ways = ("contract_id", "contract");
        places.resolve(&mut fields, path, ways, self.names, self.faults);
        (fields, places)
    }

    fn case(&mut self, path: String, open: OpenCase, is_reported: bool) {
        let contract = usize::try_from(open.contract_id.0).unwrap_or_default();
        if contract > 0
            && self
                .played
                .cases
                .iter()
                .any(|case| case.contract == contract)
        {
            self.faults.add(
                path.clone(),
                "this contract has a case of the incident already; a contract has one",
            );
        }
        self.reported.push(is_reported);
        self.played.cases.push(PlayedCase {
            path,
            contract,
            open,
        });
    }

    fn label(&mut self, item: &Value, path: &str, place: usize) {
        match item.get("id") {
            None | Some(Value::Null) => {}
            Some(Value::String(label)) => {
                let added = self.labels.add(label.trim().to_string(), place);
                self.faults.take(&join(path, "id"), added);
            }
            Some(_) => self.faults.add(
                join(path, "id"),
                "an event's id is text by which other events name it",
            ),
        }
    }

    fn event(&mut self, item: &Value, path: String, count: usize) {
        let is_report = item.get("kind").and_then(Value::as_str) == Some("reported");
        let known: Vec<&str> = if is_report {
            REPORT_FIELDS.to_vec()
        } else {
            let all = EVENT_FIELDS.iter().chain(OWN_FIELDS);
            all.copied().collect()
        };
        let Some(object) = Object::open(item, path, &known, self.faults) else {
            return;
        };
        let Some(moments) = self.moments(&object) else {
            // Still say what else is wrong with it.
            self.unplaced(&object, item, &known, count, is_report);
            return;
        };
        let act = if is_report {
            self.report(&object, &moments)
        } else {
            self.record(&object, item, &known, &moments, count)
        };
        self.played.acts.push(Act {
            path: object.path().to_string(),
            recorded_at: moments.recorded_at,
            by: object.optional_text("by", self.faults),
            deed: act,
            moment_field: moments.field,
        });
    }

    fn unplaced(
        &mut self,
        object: &Object<'_>,
        item: &Value,
        known: &[&str],
        count: usize,
        is_report: bool,
    ) {
        let moments = Moments {
            at: Moment::default(),
            recorded_at: Moment::default(),
            field: "at",
            is_late: true,
        };
        if !is_report {
            self.record(object, item, known, &moments, count);
        }
    }

    /// When an event happened and when it is recorded.
    fn moments(&mut self, object: &Object<'_>) -> Option<Moments> {
        let at: Option<Moment> = object.optional("at", self.faults);
        let occurred_at: Option<Moment> = object.optional("occurred_at", self.faults);
        let recorded_at: Option<Moment> = object.optional("recorded_at", self.faults);
        let field = if occurred_at.is_some() {
            "occurred_at"
        } else {
            "at"
        };
        let faulty = ["at", "occurred_at", "recorded_at"]
            .iter()
            .any(|field| self.faults.at(&object.at(field)));
        if faulty {
            return None;
        }
        let Some(at) = at.or(occurred_at) else {
            self.faults.add(
                object.at("at"),
                "at is missing; say when it happened, such as 2026-11-20T15:40:00Z",
            );
            return None;
        };
        let recorded_at = recorded_at.unwrap_or(at);
        let happened = occurred_at.unwrap_or(at);
        if happened > recorded_at + MINUTE {
            let later = if object.get("recorded_at").is_some() {
                "recorded_at"
            } else {
                "at"
            };
            self.faults.add(
                object.at(later),
                format!("{recorded_at} lies before {happened}, when it happened"),
            );
            return None;
        }
        Some(Moments {
            at: happened,
            recorded_at,
            field,
            is_late: happened != recorded_at,
        })
    }

    fn report(&mut self, object: &Object<'_>, moments: &Moments) -> Deed {
        let named = object.get("case");
        let severity = object.optional_text("severity", self.faults);
        let vendor_reference = object.optional_text("vendor_reference", self.faults);
        let mut cases = Vec::new();
        if let Some(value) = named {
            cases.extend(self.case_named(value, object, severity.as_deref(), vendor_reference));
        } else if severity
            .as_ref()
            .is_some_and(|code| *code != self.played.raise.case.severity)
            || vendor_reference.is_some()
        {
            self.faults.add(
                object.at("case"),
                "a report that gives a severity or a vendor's reference names its case; without one write them on the incident",
            );
        }
        for case in &cases {
            if std::mem::replace(&mut self.reported[*case], true) {
                self.faults.add(
                    object.path().to_string(),
                    "this case is reported twice; say once when its vendor was told",
                );
            }
        }
        Deed::Report {
            cases,
            at: moments.at,
            reason: moments.reason(object.optional_text("reason", self.faults)),
        }
    }

    /// The case that a report names; one of a contract that has none yet is a new one.
    fn case_named(
        &mut self,
        value: &Value,
        object: &Object<'_>,
        severity: Option<&str>,
        vendor_reference: Option<String>,
    ) -> Option<usize> {
        if value.is_number() {
            return self.place_of_case(value, object);
        }
        let contract = self
            .faults
            .take(&object.at("case"), self.names.number_of(value))?;
        let known = self
            .played
            .cases
            .iter()
            .position(|case| case.contract == contract);
        if let Some(place) = known {
            let case = &mut self.played.cases[place].open;
            if let Some(code) = severity {
                case.severity = code.to_string();
            }
            if let Some(reference) = vendor_reference {
                case.vendor_reference = reference;
            }
            return Some(place);
        }
        let first = &self.played.raise.case;
        let open = OpenCase {
            contract_id: ContractId(i64::try_from(contract).unwrap_or_default()),
            severity: severity.unwrap_or(&first.severity).to_string(),
            vendor_reference: vendor_reference.unwrap_or_default(),
            reported_at: None,
            reason: String::new(),
        };
        self.case(object.path().to_string(), open, false);
        Some(self.played.cases.len() - 1)
    }

    /// The case that an event names: its contract's reference, or its number in the incident from 1.
    fn place_of_case(&mut self, value: &Value, object: &Object<'_>) -> Option<usize> {
        let found = match value {
            Value::String(_) => self.names.number_of(value).and_then(|contract| {
                let of_contract = |case: &PlayedCase| case.contract == contract;
                let place = self.played.cases.iter().position(of_contract);
                place.ok_or_else(|| format!("{value} has no case of this incident"))
            }),
            _ => value
                .as_u64()
                .and_then(|number| usize::try_from(number).ok())
                .and_then(|number| number.checked_sub(1))
                .filter(|place| *place < self.played.cases.len())
                .ok_or_else(|| {
                    format!(
                        "{value} is no case of this incident; name one by its contract's reference"
                    )
                }),
        };
        self.faults.take(&object.at("case"), found)
    }

    fn record(
        &mut self,
        object: &Object<'_>,
        item: &Value,
        known: &[&str],
        moments: &Moments,
        count: usize,
    ) -> Deed {
        let mut fields = item.as_object().cloned().unwrap_or_default();
        fields.retain(|field, _| {
            known.contains(&field.as_str()) && !OWN_FIELDS.contains(&field.as_str())
        });
        let case = object
            .get("case")
            .and_then(|value| self.place_of_case(value, object));
        let mut named = |field: &str| {
            let value = object.get(field)?;
            // The reader wants a number; the right one is known when it is played.
            fields.insert(field.to_string(), json!(1));
            let place = self.labels.find(value, count);
            self.faults.take(&object.at(field), place)
        };
        let (concerns, corrects) = (named("concerns"), named("corrects"));
        fields.remove("case");
        let is_correction = item.get("kind").and_then(Value::as_str) == Some("corrected");
        self.say_when(object, &mut fields, moments, is_correction);
        let record = match Record::read(&Value::Object(fields)) {
            Ok(record) => record,
            Err(found) => {
                Places::default().note(object.path(), found, self.faults);
                noted()
            }
        };
        Deed::Record {
            record: Box::new(record),
            case,
            concerns,
            corrects,
        }
    }

    /// Puts the moment into the field in which the API reads it.
    fn say_when(
        &mut self,
        object: &Object<'_>,
        fields: &mut Map<String, Value>,
        moments: &Moments,
        is_correction: bool,
    ) {
        if is_correction {
            // The moment of a correction is when it is recorded; what it gives is the right one. Played
            // late without anything else to set right, its `at` is that.
            let sets_more = ["severity", "stop", "taken_back", "seconds", "occurred_at"]
                .iter()
                .any(|field| object.get(field).is_some());
            if moments.is_late && !sets_more {
                fields.insert("occurred_at".to_string(), json!(moments.at));
            }
            return;
        }
        fields.remove("occurred_at");
        if moments.is_late {
            fields.insert("occurred_at".to_string(), json!(moments.at));
            let reason = object.optional_text("reason", &mut Faults::none());
            let is_text = object.get("reason").is_none_or(Value::is_string);
            if is_text && reason.is_none() && entered_late(moments.at, moments.recorded_at) {
                fields.insert("reason".to_string(), json!(RECORDED_LATER));
            }
        }
    }

    /// Makes reports of the moments that cases carry, gives a report without a case to all cases that no
    /// other names, and sees to it that every case is reported before anything is recorded of it.
    fn reports(&mut self, object: &Object<'_>) {
        let open: Vec<usize> = (0..self.reported.len())
            .filter(|case| !self.reported[*case])
            .collect();
        let mut general = 0;
        let mut twice = None;
        for act in &mut self.played.acts {
            if let Deed::Report { cases, .. } = &mut act.deed
                && cases.is_empty()
            {
                general += 1;
                cases.clone_from(&open);
                if general > 1 || open.is_empty() {
                    twice = Some(act.path.clone());
                }
            }
        }
        if let Some(path) = twice {
            self.faults.add(
                path,
                "the incident is reported already; a report of a further vendor names its case",
            );
        }
        for case in 0..self.played.cases.len() {
            let PlayedCase { path, open, .. } = &self.played.cases[case];
            if let Some(at) = open.reported_at {
                self.played.acts.push(Act {
                    path: path.clone(),
                    recorded_at: at,
                    by: None,
                    deed: Deed::Report {
                        cases: vec![case],
                        at,
                        reason: open.reason.clone(),
                    },
                    moment_field: "reported_at",
                });
            } else if general == 0 && !self.reported[case] && !self.faults.at(&object.at("events"))
            {
                self.faults.add(
                    object.at("events"),
                    "nothing says when the vendor was told; begin with {\"at\": \"…\", \"kind\": \"reported\"}",
                );
            }
        }
        let first = self
            .played
            .acts
            .iter()
            .filter(|act| act.is_report())
            .map(|act| act.recorded_at)
            .min();
        for act in &self.played.acts {
            if first.is_some_and(|first| act.recorded_at < first) {
                self.faults.add(
                    join(&act.path, "at"),
                    "this is recorded before the incident is reported",
                );
            }
        }
    }
}

/// The reason of what is played late and gives none: the service wants one.
const RECORDED_LATER: &str = "recorded later";

struct Moments {
    at: Moment,
    recorded_at: Moment,
    field: &'static str,
    is_late: bool,
}

impl Moments {
    fn reason(&self, given: Option<String>) -> String {
        match given {
            Some(reason) => reason,
            None if entered_late(self.at, self.recorded_at) => RECORDED_LATER.to_string(),
            None => String::new(),
        }
    }
}

/// Stands in for an event that could not be read.
fn noted() -> Record {
    Record {
        kind: EventKind::Noted,
        case: None,
        occurred_at: None,
        reason: String::new(),
        fields: crate::domain::timeline::Fields::default(),
        confirm_terms: false,
    }
}
