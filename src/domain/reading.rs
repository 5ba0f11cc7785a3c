//! Reads the JSON that people and scripts send, noting every fault at its field instead of stopping
//! at the first.
//!
//! Forms are read the same way: a page turns its fields, which are named by the same paths, into the
//! same JSON.

use std::fmt::Display;
use std::str::FromStr;

use serde_json::{Map, Value};

use super::input::Faults;

/// One JSON object that is being read, and where it stands in the whole input.
pub struct Object<'a> {
    path: String,
    fields: &'a Map<String, Value>,
}

impl<'a> Object<'a> {
    /// Begins to read; notes a fault when the value is no object, and one for each field that is not
    /// among the known ones.
    pub fn open(
        value: &'a Value,
        path: impl Into<String>,
        known: &[&str],
        faults: &mut Faults,
    ) -> Option<Self> {
        let path = path.into();
        let Value::Object(fields) = value else {
            let wrong = format!("must be a JSON object with the fields {}", known.join(", "));
            faults.add(path, wrong);
            return None;
        };
        let object = Self { path, fields };
        for field in fields
            .keys()
            .filter(|field| !known.contains(&field.as_str()))
        {
            let wrong = format!(
                "\"{field}\" is not known here; the fields are {}",
                known.join(", ")
            );
            faults.add(object.at(field), wrong);
        }
        Some(object)
    }

    /// Where it stands in the whole input.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The path of one of its fields.
    pub fn at(&self, field: &str) -> String {
        if self.path.is_empty() {
            field.to_string()
        } else {
            format!("{}.{field}", self.path)
        }
    }

    /// What stands in the field; `null` counts as nothing.
    pub fn get(&self, field: &str) -> Option<&'a Value> {
        self.fields.get(field).filter(|value| !value.is_null())
    }

    /// What stands in the field; notes a fault when that is nothing.
    pub fn need(&self, field: &str, faults: &mut Faults) -> Option<&'a Value> {
        let value = self.get(field);
        if value.is_none() {
            faults.add(self.at(field), format!("{} is missing", words(field)));
        }
        value
    }

    /// A text that may be left out, without the white space round it; an empty one counts as nothing.
    pub fn optional_text(&self, field: &str, faults: &mut Faults) -> Option<String> {
        match self.get(field)? {
            Value::String(text) => Some(text.trim().to_string()).filter(|text| !text.is_empty()),
            _ => {
                faults.add(self.at(field), format!("{} must be text", words(field)));
                None
            }
        }
    }

    /// A text that must be there.
    pub fn text(&self, field: &str, faults: &mut Faults) -> Option<String> {
        let text = self.optional_text(field, faults);
        if text.is_none() && !faults.at(&self.at(field)) {
            faults.add(self.at(field), format!("{} is missing", words(field)));
        }
        text
    }

    /// A text of a known form that may be left out.
    pub fn optional<T>(&self, field: &str, faults: &mut Faults) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        let text = self.optional_text(field, faults)?;
        faults.take(
            &self.at(field),
            text.parse::<T>().map_err(|error| error.to_string()),
        )
    }

    /// A text of a known form that must be there.
    pub fn parsed<T>(&self, field: &str, faults: &mut Faults) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        let text = self.text(field, faults)?;
        faults.take(
            &self.at(field),
            text.parse::<T>().map_err(|error| error.to_string()),
        )
    }

    /// A date that may be left out.
    pub fn optional_date(&self, field: &str, faults: &mut Faults) -> Option<chrono::NaiveDate> {
        let text = self.optional_text(field, faults)?;
        faults.take(&self.at(field), date(&text))
    }

    /// A date that must be there.
    pub fn date(&self, field: &str, faults: &mut Faults) -> Option<chrono::NaiveDate> {
        let text = self.text(field, faults)?;
        faults.take(&self.at(field), date(&text))
    }

    /// A whole number that may be left out.
    pub fn optional_number(&self, field: &str, faults: &mut Faults) -> Option<i64> {
        let value = self.get(field)?;
        let number = value.as_i64();
        if number.is_none() {
            faults.add(
                self.at(field),
                format!("{} must be a whole number, not {value}", words(field)),
            );
        }
        number
    }

    /// A whole number that must be there.
    pub fn number(&self, field: &str, faults: &mut Faults) -> Option<i64> {
        self.need(field, faults)?;
        self.optional_number(field, faults)
    }

    /// Yes or no; what is left out counts as no.
    pub fn yes(&self, field: &str, faults: &mut Faults) -> bool {
        match self.get(field) {
            None => false,
            Some(Value::Bool(yes)) => *yes,
            Some(_) => {
                faults.add(
                    self.at(field),
                    format!("{} must be true or false", words(field)),
                );
                false
            }
        }
    }

    /// A list with the path of each item; what is left out counts as empty.
    pub fn list(&self, field: &str, faults: &mut Faults) -> Vec<(String, &'a Value)> {
        match self.get(field) {
            None => Vec::new(),
            Some(Value::Array(items)) => items
                .iter()
                .enumerate()
                .map(|(index, item)| (format!("{}[{index}]", self.at(field)), item))
                .collect(),
            Some(_) => {
                faults.add(self.at(field), format!("{} must be a list", words(field)));
                Vec::new()
            }
        }
    }

    /// A list of texts of a known form; nothing when it was left out.
    pub fn words<T>(&self, field: &str, faults: &mut Faults) -> Option<Vec<T>>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.get(field)?;
        let mut items = Vec::new();
        for (path, item) in self.list(field, faults) {
            match item {
                Value::String(text) => items.extend(faults.take(
                    &path,
                    text.trim().parse::<T>().map_err(|error| error.to_string()),
                )),
                _ => faults.add(path, format!("each of {} must be text", words(field))),
            }
        }
        Some(items)
    }
}

/// Reads a calendar date such as `2026-11-23`, in the years that moments can lie in.
///
/// # Errors
/// A sentence for the person who entered it.
pub fn date(text: &str) -> Result<chrono::NaiveDate, String> {
    use chrono::Datelike;
    // chrono also reads 2026-1-2 and signs, which other readers of the same field would not.
    let exact = |date: chrono::NaiveDate| date.to_string() == text;
    match chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        Ok(date) if exact(date) && (1900..3000).contains(&date.year()) => Ok(date),
        Ok(date) if exact(date) => Err(format!("{date} lies outside the years 1900 to 2999")),
        _ => Err(format!(
            "\"{text}\" is not a date; write it like 2026-11-23"
        )),
    }
}

/// A field's name as one says it.
fn words(field: &str) -> String {
    field.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults_of(read: impl FnOnce(&mut Faults)) -> Vec<(String, String)> {
        let mut faults = Faults::none();
        read(&mut faults);
        faults
            .into_vec()
            .into_iter()
            .map(|fault| (fault.field, fault.message))
            .collect()
    }

    #[test]
    fn every_fault_is_noted_at_its_path() {
        let value = json!({"name": 7, "extra": 1, "rung": "two", "from": "2026-2-3", "list": {}});
        let found = faults_of(|faults| {
            let known = ["name", "zone", "rung", "from", "list"];
            let object = Object::open(&value, "a[0]", &known, faults).unwrap();
            assert_eq!(object.text("name", faults), None);
            assert_eq!(object.text("zone", faults), None);
            assert_eq!(object.number("rung", faults), None);
            assert_eq!(object.date("from", faults), None);
            assert!(object.list("list", faults).is_empty());
        });
        let fields: Vec<_> = found.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "a[0].extra",
                "a[0].from",
                "a[0].list",
                "a[0].name",
                "a[0].rung",
                "a[0].zone"
            ]
        );
        assert!(
            found[0].1.contains("\"extra\" is not known here"),
            "{found:?}"
        );
        assert_eq!(found[3].1, "name must be text");
        assert_eq!(found[5].1, "zone is missing");
    }

    #[test]
    fn dates_are_written_in_one_way_only() {
        assert!(date("2026-11-23").is_ok());
        for text in [
            "2026-1-2",
            "23.11.2026",
            "2026-02-30",
            "+2026-1-01",
            "0001-01-01",
            "",
        ] {
            assert!(date(text).is_err(), "{text}");
        }
    }
}
