//! Reads the events of an incident.

use serde_json::{Map, Value, json};

use super::reading::Reader;
use super::{Act, Deed, PlayedCase};
use crate::domain::ContractId;
use crate::domain::incident::{EVENT_FIELDS, OpenCase, Record};
use crate::domain::input::Faults;
use crate::domain::reading::Object;
use crate::domain::timeline::entered_late;
use crate::domain::words::EventKind;
use crate::simulate::names::Places;
use crate::time::{MINUTE, Moment};

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

impl Reader<'_> {
    pub(super) fn event(&mut self, item: &Value, path: String, count: usize) {
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
            return self.place_of_case(value, object, "case");
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
    fn place_of_case(&mut self, value: &Value, object: &Object<'_>, field: &str) -> Option<usize> {
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
        self.faults.take(&object.at(field), found)
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
            .and_then(|value| self.place_of_case(value, object, "case"));
        let to_case = object.get("to_case").and_then(|value| {
            // The reader wants a number; the right one is known when it is played.
            fields.insert("to_case".to_string(), json!(1));
            self.place_of_case(value, object, "to_case")
        });
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
            to_case,
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
