//! Example deadlines: what terms mean, shown while they are entered.

use chrono::{Datelike, SecondsFormat, TimeDelta, Weekday};
use serde::Serialize;
use serde_json::Value;

use super::calendar::{Calendar, CalendarError};
use super::calendar_book::{CalendarBook, View};
use super::input::{Faults, FieldError};
use super::reading::Object;
use super::terms::{Promise, Target};
use super::terms_input::read_target;
use super::words::Metric;
use super::zone::Zone;
use crate::time::Moment;

/// When a commitment would fall due for an incident raised on a Friday afternoon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Example {
    /// The severity, by code.
    pub severity: String,
    /// What is measured.
    pub metric: Metric,
    /// Where the contract promises it.
    pub clause: String,
    /// How much time there is.
    pub target: Target,
    /// Zone of the calendar, in which both moments are best read.
    pub time_zone: Zone,
    /// When the incident would be raised.
    pub start: Moment,
    /// When the answer would be due.
    pub due: Option<Moment>,
    /// Whether that lies past the end of the calendar's holiday list.
    pub provisional: bool,
    /// Why it cannot be said when it would be due.
    pub error: Option<String>,
}

/// Raised on the next Friday at 16:40 in each calendar's zone: late enough that it shows whether the
/// weekend counts; what starts later, as `root_cause` does, as if it started then. In order of severity as the terms list them, then of metric.
///
/// Commitments whose calendar is not in the book are left out.
pub fn examples(promise: &Promise, book: &CalendarBook, now: Moment) -> Vec<Example> {
    let mut examples = Vec::new();
    for severity in &promise.severities {
        for &metric in Metric::ALL {
            // An amount is not due at any time.
            let Some(commitment) = promise
                .commitment(metric, &severity.code)
                .filter(|_| metric != Metric::DataLoss)
            else {
                continue;
            };
            let Some(view) = book.get(commitment.calendar_id) else {
                continue;
            };
            let start = friday_afternoon(&view.calendar, now);
            let zone = view.calendar.zone();
            let found = deadline(commitment.target, &view.calendar, start);
            let due = found.as_ref().ok().copied();
            examples.push(Example {
                severity: severity.code.clone(),
                metric,
                clause: commitment.clause.clone(),
                target: commitment.target,
                time_zone: Zone(zone),
                start,
                due,
                provisional: due.is_some_and(|due| view.calendar.is_provisional(due)),
                error: found.err().map(|error| error.to_string()),
            });
        }
    }
    examples
}

/// When a target that starts at `start` is due, without pauses.
///
/// # Errors
/// When the calendar has too little open time within its horizon.
pub fn deadline(
    target: Target,
    calendar: &Calendar,
    start: Moment,
) -> Result<Moment, CalendarError> {
    match target {
        Target::OpenTime(budget) => calendar.add(start, budget),
        Target::BusinessDays { days, at } => {
            calendar.business_days(start, days, at).map(|day| day.due)
        }
    }
}

/// When would it be due? Asked of a calendar; nothing is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// When the target begins to count.
    pub start: Moment,
    /// How much time there is.
    pub target: Target,
}

/// The answer to a [`Question`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deadline {
    /// When the target begins to count.
    pub start: Moment,
    /// How much time there is.
    pub target: Target,
    /// When it is due.
    pub due: Moment,
    /// Zone of the calendar.
    pub time_zone: Zone,
    /// The due moment as the wall clock there shows it, with its offset.
    pub due_local: String,
    /// The revision of the calendar that was asked.
    pub revision: i64,
    /// Whether the due moment lies past the end of the calendar's holiday list.
    pub provisional: bool,
}

impl Question {
    /// Reads a question: `{"start": "2026-11-27T15:40:00Z", "target": {"open_time": "PT4H"}}`.
    ///
    /// # Errors
    /// Every fault at its field.
    pub fn read(value: &Value) -> Result<Self, Vec<FieldError>> {
        let mut faults = Faults::none();
        let Some(object) = Object::open(value, "", &["start", "target"], &mut faults) else {
            return Err(faults.into_vec());
        };
        let start = object.parsed::<Moment>("start", &mut faults);
        let target = read_target(&object, None, &mut faults);
        match (start, target) {
            (Some(start), Some(target)) => faults.or(Self { start, target }),
            _ => Err(faults.into_vec()),
        }
    }

    /// Asks the calendar.
    ///
    /// # Errors
    /// At `target` when the calendar has too little open time for it; at `start` when that, or the answer,
    /// lies outside the years that are known.
    pub fn answer(&self, view: &View) -> Result<Deadline, Vec<FieldError>> {
        let zone = view.calendar.zone();
        let due = deadline(self.target, &view.calendar, self.start).map_err(|error| {
            let field = error.field("target", "start");
            vec![FieldError::new(field, error.to_string())]
        })?;
        Ok(Deadline {
            start: self.start,
            target: self.target,
            due,
            time_zone: Zone(zone),
            due_local: due
                .in_zone(zone)
                .to_rfc3339_opts(SecondsFormat::AutoSi, true),
            revision: view.revision,
            provisional: view.calendar.is_provisional(due),
        })
    }
}

/// 16:40 of the first Friday after the present local date.
fn friday_afternoon(calendar: &Calendar, now: Moment) -> Moment {
    let zone = calendar.zone();
    let today = now.date_in(zone);
    let since_friday = today.weekday().days_since(Weekday::Fri);
    let wanted = today + TimeDelta::days(7 - i64::from(since_friday));
    let local = wanted.and_time(chrono::NaiveTime::MIN) + TimeDelta::minutes(16 * 60 + 40);
    Zone(zone).moment(local)
}
