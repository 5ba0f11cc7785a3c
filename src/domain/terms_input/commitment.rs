//! The commitments of entered terms.

use std::collections::HashMap;

use serde_json::Value;
use validator::Validate;

use std::str::FromStr;

use super::{Known, bounded, not_among};
use crate::domain::CalendarId;
use crate::domain::calendar_book::View;
use crate::domain::example::deadline;
use crate::domain::input::Faults;
use crate::domain::reading::Object;
use crate::domain::terms::{Commitment, Target};
use crate::domain::words::Metric;
use crate::time::SECOND;

const FIELDS: &[&str] = &[
    "clause",
    "metric",
    "severity",
    "target",
    "calendar_id",
    "stops",
    "remedy",
];

/// More business days than ten years have; a longer promise is a slip of the finger.
const MOST_DAYS: u32 = 3660;

/// The texts of a commitment.
#[derive(Validate)]
struct Texts {
    #[validate(length(max = 50, message = "the clause is longer than 50 characters"))]
    clause: String,
    #[validate(length(max = 2000, message = "the remedy is longer than 2000 characters"))]
    remedy: String,
}

/// The commitments without fault; the faults of the others at their fields.
pub(super) fn read(object: &Object<'_>, known: &Known<'_>, faults: &mut Faults) -> Vec<Commitment> {
    let none = object
        .get("commitments")
        .is_none_or(|value| value.as_array().is_some_and(Vec::is_empty));
    faults.require(
        !none,
        object.at("commitments"),
        "the terms promise nothing; add at least one commitment",
    );
    let rows = rows(object, known, faults);
    rows.into_iter().map(|(_, commitment)| commitment).collect()
}

/// The rows without fault, each with its path; there may be none.
pub(super) fn rows(
    object: &Object<'_>,
    known: &Known<'_>,
    faults: &mut Faults,
) -> Vec<(String, Commitment)> {
    let list = bounded(object, "commitments", faults);
    let mut first_at: HashMap<(Metric, String), usize> = HashMap::new();
    let mut commitments = Vec::new();
    for (index, (path, item)) in list.into_iter().enumerate() {
        let Some(row) = Object::open(item, &path, FIELDS, faults) else {
            continue;
        };
        let metric = row
            .text("metric", faults)
            .and_then(|text| faults.take(&row.at("metric"), Metric::from_str(text.trim())));
        let severity = row
            .text("severity", faults)
            .filter(|code| known.check_severity(code, row.at("severity"), faults));
        if let (Some(metric), Some(severity)) = (metric, &severity)
            && let Some(first) = first_at.insert((metric, severity.clone()), index)
        {
            faults.add(
                row.at("metric"),
                format!(
                    "{metric} is promised twice for {severity}; it stands in row {} too",
                    first + 1
                ),
            );
        }
        let commitment = read_row(&row, metric, severity, known, faults);
        commitments.extend(commitment.map(|commitment| (path, commitment)));
    }
    commitments
}

fn read_row(
    row: &Object<'_>,
    metric: Option<Metric>,
    severity: Option<String>,
    known: &Known<'_>,
    faults: &mut Faults,
) -> Option<Commitment> {
    let texts = Texts {
        clause: row.text("clause", faults).unwrap_or_default(),
        remedy: row.optional_text("remedy", faults).unwrap_or_default(),
    };
    faults.check(row.path(), &texts);
    let target = read_target(row, metric, faults);
    let calendar = calendar(row, known, faults);
    let stops = stops(row, metric, known, faults);
    let (target, (calendar_id, view)) = (target?, calendar?);
    // A deadline that cannot be found would stop every incident under these terms.
    if metric != Some(Metric::DataLoss)
        && let Err(error) = deadline(target, &view.calendar, known.now)
    {
        faults.add(row.at("target"), error.to_string());
        return None;
    }
    Some(Commitment {
        clause: texts.clause,
        metric: metric?,
        severity: severity?,
        target,
        calendar_id,
        stops,
        remedy: texts.remedy,
    })
}

/// The field `target` of a commitment of that metric, or of a question about no metric.
pub fn read_target(
    row: &Object<'_>,
    metric: Option<Metric>,
    faults: &mut Faults,
) -> Option<Target> {
    let value = row.need("target", faults)?;
    let target: Target = faults.take(&row.at("target"), serde_json::from_value(value.clone()))?;
    let wrong = match (target, metric) {
        (Target::OpenTime(budget), Some(Metric::Update)) if budget < SECOND => {
            Some("an update is due at intervals of at least a second, PT1S".to_string())
        }
        (Target::BusinessDays { days: 0, .. }, Some(Metric::Update)) => {
            Some("an update is due at intervals of at least one business day".to_string())
        }
        (Target::BusinessDays { .. }, Some(Metric::DataLoss)) => Some(
            "how much data may be lost is an amount; write it as open_time, such as {\"open_time\": \"PT15M\"}"
                .to_string(),
        ),
        (Target::OpenTime(budget), _) if budget < 0 => Some("a target is not negative".to_string()),
        (Target::BusinessDays { days, .. }, _) if days > MOST_DAYS => {
            Some(format!("a target has at most {MOST_DAYS} business days"))
        }
        _ => None,
    };
    match wrong {
        None => Some(target),
        Some(wrong) => {
            faults.add(row.at("target"), wrong);
            None
        }
    }
}

/// A calendar that exists and opens within a year.
fn calendar<'a>(
    row: &Object<'_>,
    known: &Known<'a>,
    faults: &mut Faults,
) -> Option<(CalendarId, &'a View)> {
    let id = CalendarId(row.number("calendar_id", faults)?);
    let Some(view) = known.book.get(id) else {
        faults.add(row.at("calendar_id"), format!("there is no calendar {id}"));
        return None;
    };
    match view.calendar.opens_within_a_year(known.now) {
        Ok(true) => Some((id, view)),
        Err(error) => {
            faults.add(row.at("calendar_id"), error.to_string());
            None
        }
        Ok(false) => {
            let wrong = format!(
                "the calendar {} has no open time in the next year; give it hours first",
                known.book.name(id)
            );
            faults.add(row.at("calendar_id"), wrong);
            None
        }
    }
}

fn stops(
    row: &Object<'_>,
    metric: Option<Metric>,
    known: &Known<'_>,
    faults: &mut Faults,
) -> Option<Vec<String>> {
    row.get("stops")?;
    let mut codes: Vec<String> = Vec::new();
    for (path, item) in row.list("stops", faults) {
        let Value::String(code) = item else {
            faults.add(path, "a clock stop is named by its code, such as ACCESS");
            continue;
        };
        let code = code.trim().to_string();
        if !known.stops.contains(&code) {
            faults.add(
                path,
                not_among(&code, "clock stop", "clock stops", &known.stops),
            );
        } else if codes.contains(&code) {
            faults.add(path, format!("{code} is named twice"));
        } else if let Some(metric) = metric
            && let Some(stop) = known.clock_stops.iter().find(|stop| stop.code == code)
            && !stop.metrics.is_empty()
            && !stop.metrics.contains(&metric)
        {
            faults.add(
                path,
                format!("the clock stop {code} does not list the metric {metric}"),
            );
        } else {
            codes.push(code);
        }
    }
    Some(codes)
}
