//! Reads an incident and its cases.

use serde_json::{Map, Value};

use super::{Act, Deed, Played, PlayedCase};
use crate::domain::ContractId;
use crate::domain::incident::{OpenCase, Raise};
use crate::domain::input::{Faults, join};
use crate::domain::reading::Object;
use crate::simulate::names::{Names, Places};
use crate::simulate::scenario::Labels;

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
/// Reads an incident; what cannot be read stands as something that the faults keep from being played.
pub(in crate::simulate) fn read(
    value: &Value,
    path: String,
    names: &Names,
    faults: &mut Faults,
) -> Played {
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

/// Reads one incident.
pub(super) struct Reader<'a> {
    pub(super) names: &'a Names,
    pub(super) played: Played,
    pub(super) labels: Labels,
    /// For each case whether a report names it.
    pub(super) reported: Vec<bool>,
    pub(super) faults: &'a mut Faults,
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

    pub(super) fn case(&mut self, path: String, open: OpenCase, is_reported: bool) {
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
