//! Terms as somebody enters them: read, checked against the calendars they name, every fault at its
//! field.

mod commitment;
mod go_live;
mod step;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::str::FromStr;
use std::sync::Arc;

use chrono::NaiveDate;
use serde_json::Value;
use validator::{Validate, ValidationError};

use super::CalendarId;
use super::calendar_book::CalendarBook;
use super::example::deadline;
use super::input::{Faults, FieldError, join};
use super::reading::Object;
use super::terms::{
    ClockStop, Confirmation, OnReopen, OnSeverityChange, Promise, RootCauseFrom, Severity,
};
use super::words::Metric;
use crate::time::Moment;

pub use commitment::read_target;
pub use go_live::{go_live_period, read_go_live};
pub use step::default_ladder;

/// What could be read of entered terms.
#[derive(Clone, Debug)]
pub struct TermsReading {
    /// They begin at 00:00 of this date in the contract's zone.
    pub effective_from: Option<NaiveDate>,
    /// From this date of the contract's zone on they also judge what was recorded before their entry.
    pub apply_from: Option<NaiveDate>,
    /// What of the promise is without fault; whole only when there are no faults.
    pub promise: Promise,
    /// Every fault at its field.
    pub faults: Vec<FieldError>,
}

const TERMS_FIELDS: &[&str] = &[
    "effective_from",
    "apply_from",
    "currency",
    "monthly_fee",
    "severities",
    "clock_stops",
    "commitments",
    "on_severity_change",
    "on_reopen",
    "confirmation",
    "root_cause_from",
    "ladder",
];

/// Most rows that one list of the terms may have.
const MOST_ROWS: usize = 200;

/// The calendars that entered terms name, known or not: those that [`read`] wants in its book.
pub fn calendars_named(value: &Value) -> Vec<CalendarId> {
    let commitments = value.get("commitments").and_then(Value::as_array);
    let mut ids: Vec<CalendarId> = commitments
        .into_iter()
        .flatten()
        .filter_map(|commitment| commitment.get("calendar_id")?.as_i64().map(CalendarId))
        .collect();
    ids.sort();
    ids.dedup();
    ids
}

/// Reads and checks terms that stand at `path` of the input. `book` holds those of
/// [`calendars_named`] that exist; `now` is the moment of entry, from which calendars must open within
/// a year and deadlines must be found.
pub fn read(value: &Value, path: &str, book: &CalendarBook, now: Moment) -> TermsReading {
    let mut faults = Faults::none();
    let (mut effective_from, mut apply_from) = (None, None);
    let mut promise = nothing();
    if let Some(object) = Object::open(value, path, TERMS_FIELDS, &mut faults) {
        effective_from = object.date("effective_from", &mut faults);
        apply_from = object.optional_date("apply_from", &mut faults);
        promise.currency = currency(&object, &mut faults);
        promise.monthly_fee = fee(&object, &mut faults);
        let severities = severities(&object, &mut faults);
        let stops = clock_stops(&object, &mut faults);
        let known = Known {
            severities: severities.codes,
            stops: stops.codes,
            clock_stops: &stops.rows,
            book,
            now,
        };
        let commitments = commitment::read(&object, &known, &mut faults);
        promise.commitments = commitments.into_iter().map(Arc::new).collect();
        promise.ladder = step::read(&object, &known, &mut faults);
        promise.severities = severities.rows;
        promise.clock_stops = stops.rows;
        promise.on_severity_change = object
            .optional("on_severity_change", &mut faults)
            .unwrap_or(OnSeverityChange::FromStart);
        promise.on_reopen = object
            .optional("on_reopen", &mut faults)
            .unwrap_or(OnReopen::Continue);
        promise.root_cause_from = object
            .optional("root_cause_from", &mut faults)
            .unwrap_or_default();
        promise.confirmation = confirmation(&object, &mut faults);
        let late = promise.calendars().into_iter().find_map(|id| {
            let calendar = &book.get(id)?.calendar;
            deadline(promise.days_to_confirm(id)?, calendar, now).err()
        });
        if let Some(error) = late {
            faults.add(
                join(&object.at("confirmation"), "business_days"),
                error.to_string(),
            );
        }
    }
    TermsReading {
        effective_from,
        apply_from,
        promise,
        faults: faults.into_vec(),
    }
}

/// What the rows of the terms may refer to.
struct Known<'a> {
    /// Codes of severities, also of rows with faults elsewhere.
    severities: Vec<String>,
    /// Codes of clock stops, also of rows with faults elsewhere.
    stops: Vec<String>,
    clock_stops: &'a [ClockStop],
    book: &'a CalendarBook,
    now: Moment,
}

impl Known<'_> {
    fn check_severity(&self, code: &str, path: String, faults: &mut Faults) -> bool {
        let known = self.severities.iter().any(|severity| severity == code);
        faults.require(
            known,
            path,
            not_among(code, "severity", "severities", &self.severities),
        );
        known
    }
}

fn not_among(code: &str, one: &str, many: &str, known: &[String]) -> String {
    if known.is_empty() {
        format!("there is no {one} {code}; the terms name no {many}")
    } else {
        format!(
            "there is no {one} {code}; the {many} are {}",
            known.join(", ")
        )
    }
}

fn nothing() -> Promise {
    Promise {
        currency: String::new(),
        monthly_fee: None,
        severities: Vec::new(),
        clock_stops: Vec::new(),
        commitments: Vec::new(),
        on_severity_change: OnSeverityChange::FromStart,
        on_reopen: OnReopen::Continue,
        confirmation: None,
        root_cause_from: RootCauseFrom::Resolved,
        ladder: Vec::new(),
    }
}

fn currency(object: &Object<'_>, faults: &mut Faults) -> String {
    let Some(code) = object.text("currency", faults) else {
        return String::new();
    };
    faults.require(
        iso_currency::Currency::from_code(&code).is_some(),
        object.at("currency"),
        format!("\"{code}\" is not a currency; write its ISO 4217 code, such as EUR, CNY or USD"),
    );
    code
}

fn fee(object: &Object<'_>, faults: &mut Faults) -> Option<i64> {
    let fee = object.optional_number("monthly_fee", faults)?;
    faults.require(
        (0..=1_000_000_000_000_000).contains(&fee),
        object.at("monthly_fee"),
        "the monthly fee is a number of minor units (cents) that is not negative; leave it out if there is none",
    );
    Some(fee)
}

/// Days that terms give for a confirmation where they do not say how many.
const DAYS_TO_CONFIRM: i64 = 5;

/// `null`, or `{"business_days": 5}`; without a number the usual five.
fn confirmation(object: &Object<'_>, faults: &mut Faults) -> Option<Confirmation> {
    let value = object.get("confirmation")?;
    let path = object.at("confirmation");
    let given = Object::open(value, &path, &["business_days"], faults)?;
    let days = given
        .optional_number("business_days", faults)
        .unwrap_or(DAYS_TO_CONFIRM);
    let days = u32::try_from(days)
        .ok()
        .filter(|days| (1..=366).contains(days));
    faults.require(
        days.is_some(),
        given.at("business_days"),
        "we have 1 to 366 business days to confirm a repair",
    );
    days.map(|business_days| Confirmation { business_days })
}

/// Rows without fault, and the codes of all rows.
struct Rows<T> {
    rows: Vec<T>,
    codes: Vec<String>,
}

/// The texts of a severity; read here so that their lengths are checked by derive.
#[derive(Validate)]
struct SeverityTexts {
    #[validate(custom(function = "code_form"))]
    code: String,
    #[validate(length(max = 200, message = "the name is longer than 200 characters"))]
    name: String,
    #[validate(length(max = 2000, message = "the criteria are longer than 2000 characters"))]
    criteria: String,
}

fn severities(object: &Object<'_>, faults: &mut Faults) -> Rows<Severity> {
    let list = object.list("severities", faults);
    faults.require(
        (1..=10).contains(&list.len()) || faults.at(&object.at("severities")),
        object.at("severities"),
        "terms have one to ten severities, worst first",
    );
    let mut codes = Codes::default();
    let mut rows = Vec::new();
    for (path, item) in list {
        let Some(row) = Object::open(item, &path, &["code", "name", "criteria"], faults) else {
            continue;
        };
        let texts = SeverityTexts {
            code: row.text("code", faults).unwrap_or_default(),
            name: row.text("name", faults).unwrap_or_default(),
            criteria: row.optional_text("criteria", faults).unwrap_or_default(),
        };
        faults.check(&path, &texts);
        codes.add(&texts.code, row.at("code"), faults);
        rows.push(Severity {
            code: texts.code,
            name: texts.name,
            criteria: texts.criteria,
        });
    }
    Rows {
        rows,
        codes: codes.known,
    }
}

/// The texts of a clock stop.
#[derive(Validate)]
struct StopTexts {
    #[validate(custom(function = "code_form"))]
    code: String,
    #[validate(length(max = 50, message = "the clause is longer than 50 characters"))]
    clause: String,
    #[validate(length(max = 200, message = "the name is longer than 200 characters"))]
    name: String,
}

fn clock_stops(object: &Object<'_>, faults: &mut Faults) -> Rows<ClockStop> {
    let list = bounded(object, "clock_stops", faults);
    let mut codes = Codes::default();
    let mut rows = Vec::new();
    for (path, item) in list {
        let known = ["code", "clause", "name", "metrics", "needs_agreement"];
        let Some(row) = Object::open(item, &path, &known, faults) else {
            continue;
        };
        let texts = StopTexts {
            code: row.text("code", faults).unwrap_or_default(),
            clause: row.text("clause", faults).unwrap_or_default(),
            name: row.text("name", faults).unwrap_or_default(),
        };
        faults.check(&path, &texts);
        codes.add(&texts.code, row.at("code"), faults);
        let metrics = metrics(&row, faults);
        let holds_amount = metrics
            .iter()
            .flatten()
            .any(|metric| *metric == Metric::DataLoss);
        faults.require(
            !holds_amount,
            row.at("metrics"),
            "data_loss is an amount, not a time; no clock stop can hold it",
        );
        faults.require(
            metrics.is_some(),
            row.at("metrics"),
            format!(
                "say which metrics the stop holds, such as {}",
                metric_words()
            ),
        );
        rows.push(ClockStop {
            code: texts.code,
            clause: texts.clause,
            name: texts.name,
            metrics: metrics.unwrap_or_default(),
            needs_agreement: row.yes("needs_agreement", faults),
        });
    }
    Rows {
        rows,
        codes: codes.known,
    }
}

/// A list that is not longer than anybody would type.
fn bounded<'a>(object: &Object<'a>, field: &str, faults: &mut Faults) -> Vec<(String, &'a Value)> {
    let mut list = object.list(field, faults);
    if list.len() > MOST_ROWS {
        faults.add(
            object.at(field),
            format!("there are more than {MOST_ROWS} rows"),
        );
        list.truncate(MOST_ROWS);
    }
    list
}

/// Some metrics, none twice; nothing when the field was left out. An empty list is a fault: it would
/// hold for nothing.
fn metrics(row: &Object<'_>, faults: &mut Faults) -> Option<Vec<Metric>> {
    row.get("metrics")?;
    let before = row.list("metrics", &mut Faults::none()).len();
    let mut found = Vec::new();
    for (path, item) in row.list("metrics", faults) {
        match item.as_str().map(|text| Metric::from_str(text.trim())) {
            Some(Ok(metric)) if found.contains(&metric) => {
                faults.add(path, format!("{metric} is named twice"));
            }
            Some(Ok(metric)) => found.push(metric),
            Some(Err(wrong)) => faults.add(path, wrong),
            None => faults.add(path, format!("a metric is one of {}", metric_words())),
        }
    }
    faults.require(
        before > 0 || faults.at(&row.at("metrics")),
        row.at("metrics"),
        format!("name at least one of {}", metric_words()),
    );
    Some(found)
}

fn metric_words() -> String {
    Metric::ALL
        .iter()
        .map(|metric| metric.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

/// Codes seen so far; each stands once.
#[derive(Default)]
struct Codes {
    known: Vec<String>,
    seen: HashSet<String>,
}

impl Codes {
    fn add(&mut self, code: &str, path: String, faults: &mut Faults) {
        if code.is_empty() {
            return;
        }
        // Two codes that differ in case only would be mixed up on the telephone.
        if self.seen.insert(code.to_lowercase()) {
            self.known.push(code.to_string());
        } else {
            faults.add(path, format!("the code {code} is used twice"));
        }
    }
}

fn code_form(code: &str) -> Result<(), ValidationError> {
    let plain = code
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if code.chars().count() <= 20 && plain {
        return Ok(());
    }
    let wrong = "a code has at most 20 letters, digits, hyphens, underscores and dots, such as S1";
    Err(ValidationError::new("code").with_message(wrong.into()))
}
