//! Names and references where the API has ids: found, and put in their place, so that the API's own
//! readers can read the rest.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::domain::input::{Faults, FieldError, join};

/// What a scenario calls the things of one noun, in its order; the first has the number 1, as it would
/// in an empty database.
#[derive(Debug)]
pub(in crate::simulate) struct Names {
    noun: &'static str,
    names: Vec<String>,
}

impl Names {
    /// The names of a list of things, each in that field; one without a name cannot be named.
    pub(in crate::simulate) fn of(noun: &'static str, list: &[Value], field: &str) -> Self {
        let name = |thing: &Value| {
            let text = thing.get(field).and_then(Value::as_str).unwrap_or_default();
            text.trim().to_string()
        };
        Self {
            noun,
            names: list.iter().map(name).collect(),
        }
    }

    /// The number of the thing of that name, from 1.
    ///
    /// # Errors
    /// A sentence that names those there are.
    pub(in crate::simulate) fn number(&self, name: &str) -> Result<usize, String> {
        let name = name.trim();
        let place = self.names.iter().position(|known| known == name);
        match place.filter(|_| !name.is_empty()) {
            Some(place) => Ok(place + 1),
            None => Err(self.unknown(&format!("\"{name}\""))),
        }
    }

    /// The number that a value gives, as a name or as the number itself.
    ///
    /// # Errors
    /// As for [`Names::number`].
    pub(in crate::simulate) fn number_of(&self, value: &Value) -> Result<usize, String> {
        if let Some(name) = value.as_str() {
            return self.number(name);
        }
        let number = value
            .as_u64()
            .and_then(|number| usize::try_from(number).ok())
            .filter(|number| (1..=self.names.len()).contains(number));
        number.ok_or_else(|| self.unknown(&short(value)))
    }

    fn unknown(&self, what: &str) -> String {
        let known: Vec<&str> = self
            .names
            .iter()
            .filter(|name| !name.is_empty())
            .take(20)
            .map(String::as_str)
            .collect();
        let noun = self.noun;
        if known.is_empty() {
            format!("there is no {noun} {what}; the scenario has none")
        } else {
            format!(
                "there is no {noun} {what}; the scenario has {}",
                known.join(", ")
            )
        }
    }
}

/// A value as a sentence shows it.
fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 60 {
        return text;
    }
    let begin: String = text.chars().take(60).collect();
    format!("{begin}…")
}

/// Where a reader's paths stand in the scenario as it was written.
#[derive(Debug, Default)]
pub(in crate::simulate) struct Places {
    written: HashMap<String, String>,
}

impl Places {
    /// Puts the number of what a field names into the field that the reader knows. `fields` are the ways
    /// to write it, the reader's own first, such as `calendar_id` and `calendar`. What cannot be found is
    /// noted at the field as it was written.
    pub(in crate::simulate) fn resolve(
        &mut self,
        object: &mut Map<String, Value>,
        path: &str,
        fields: (&str, &str),
        names: &Names,
        faults: &mut Faults,
    ) {
        let (own, by_name) = fields;
        let at = |field: &str| join(path, field);
        let written = match object.remove(by_name) {
            Some(Value::Null) | None => own,
            Some(_) if object.get(own).is_some_and(|value| !value.is_null()) => {
                faults.add(
                    at(by_name),
                    format!("{own} says this already; leave one out"),
                );
                own
            }
            Some(value) => {
                object.insert(own.to_string(), value);
                self.written.insert(at(own), at(by_name));
                by_name
            }
        };
        let Some(value) = object.get(own).filter(|value| !value.is_null()) else {
            return;
        };
        let number = names.number_of(value).unwrap_or_else(|wrong| {
            faults.add(at(written), wrong);
            0
        });
        object.insert(own.to_string(), json!(number));
    }

    /// Notes a reader's faults below `path`, each where it was written; what was said there already is
    /// not said again.
    pub(in crate::simulate) fn note(
        &self,
        path: &str,
        found: Vec<FieldError>,
        faults: &mut Faults,
    ) {
        for fault in found {
            let read = join(path, &fault.field);
            let written = self.written.get(&read).cloned().unwrap_or(read);
            if !faults.at(&written) {
                faults.add(written, fault.message);
            }
        }
    }
}
