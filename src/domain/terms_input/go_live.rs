//! Go-live windows as somebody enters them.

use serde_json::Value;

use super::{Known, commitment, step};
use crate::domain::calendar_book::CalendarBook;
use crate::domain::duration;
use crate::domain::go_live::GoLiveInput;
use crate::domain::input::{Faults, FieldError};
use crate::domain::reading::Object;
use crate::domain::terms::{Commitment, Target, Terms};
use crate::time::Moment;

const FIELDS: &[&str] = &[
    "name",
    "starts_at",
    "ends_at",
    "commitments",
    "command_post",
];

/// The period of a window that is being entered, as far as it can be read: it decides which versions
/// of the terms the window is checked against.
pub fn go_live_period(value: &Value) -> Option<(Moment, Moment)> {
    let mut faults = Faults::none();
    let object = Object::open(value, "", FIELDS, &mut faults)?;
    let starts_at = object.parsed("starts_at", &mut faults)?;
    let ends_at = object.parsed("ends_at", &mut faults)?;
    Some((starts_at, ends_at))
}

/// Reads and checks a go-live window. `versions` are the terms that may judge what is reported in it,
/// `book` holds the calendars of [`super::calendars_named`] that exist, `now` is the moment of entry.
///
/// # Errors
/// Every fault at its field; a commitment that is laxer than one of the terms is one.
pub fn read_go_live(
    value: &Value,
    versions: &[Terms],
    book: &CalendarBook,
    now: Moment,
) -> Result<GoLiveInput, Vec<FieldError>> {
    let mut faults = Faults::none();
    let Some(object) = Object::open(value, "", FIELDS, &mut faults) else {
        return Err(faults.into_vec());
    };
    let name = object.text("name", &mut faults);
    if let Some(name) = &name {
        faults.require(
            name.chars().count() <= 200,
            "name",
            "the name is longer than 200 characters",
        );
    }
    let starts_at: Option<Moment> = object.parsed("starts_at", &mut faults);
    let ends_at: Option<Moment> = object.parsed("ends_at", &mut faults);
    if let (Some(starts_at), Some(ends_at)) = (starts_at, ends_at) {
        if ends_at <= starts_at {
            faults.add(
                "ends_at",
                format!("the window begins at {starts_at} and cannot end at {ends_at}"),
            );
        } else if ends_at <= now {
            faults.add(
                "ends_at",
                "the window is over; it counts only for what is reported after its entry",
            );
        } else {
            faults.require(
                !versions.is_empty(),
                "starts_at",
                "the contract has no terms in force in that period; enter its terms first",
            );
        }
    }
    let commitments = commitments(&object, versions, book, now, &mut faults);
    let gives_nothing = |field: &str| {
        let value = object.get(field);
        value.is_none_or(|value| value.as_array().is_some_and(Vec::is_empty))
    };
    let command_post = if gives_nothing("command_post") {
        Vec::new()
    } else {
        step::audience(&object, "command_post", &mut faults)
    };
    faults.require(
        !(gives_nothing("commitments") && gives_nothing("command_post")),
        "commitments",
        "a go-live window has stricter commitments or a command post; this one has neither",
    );
    match (name, starts_at, ends_at) {
        (Some(name), Some(starts_at), Some(ends_at)) => faults.or(GoLiveInput {
            name,
            starts_at,
            ends_at,
            commitments,
            command_post,
        }),
        _ => Err(faults.into_vec()),
    }
}

fn commitments(
    object: &Object<'_>,
    versions: &[Terms],
    book: &CalendarBook,
    now: Moment,
    faults: &mut Faults,
) -> Vec<Commitment> {
    // Without terms every code would be one fault more, and the lack of terms is said already.
    let Some(first) = versions.first() else {
        return Vec::new();
    };
    let in_all = |has: &dyn Fn(&Terms) -> bool| versions.iter().all(has);
    let severities = first.promise.severities.iter();
    let severities = severities
        .map(|severity| severity.code.clone())
        .filter(|code| in_all(&|terms| terms.promise.severity(code).is_some()));
    let stops = first.promise.clock_stops.iter();
    let stops = stops
        .map(|stop| stop.code.clone())
        .filter(|code| in_all(&|terms| terms.promise.clock_stop(code).is_some()));
    let known = Known {
        severities: severities.collect(),
        stops: stops.collect(),
        clock_stops: &first.promise.clock_stops,
        book,
        now,
    };
    let mut read = Vec::new();
    for (path, commitment) in commitment::rows(object, &known, faults) {
        for terms in versions {
            let written = terms
                .promise
                .commitment(commitment.metric, &commitment.severity);
            if let Some(written) = written.filter(|written| commitment.is_laxer_than(written)) {
                faults.add(
                    format!("{path}.target"),
                    format!(
                        "{} is laxer than the {} that clause {} of terms {} gives; a go-live window only makes terms stricter",
                        length(commitment.target),
                        length(written.target),
                        written.clause,
                        terms.number
                    ),
                );
            }
        }
        read.push(commitment);
    }
    read
}

fn length(target: Target) -> String {
    match target {
        Target::OpenTime(budget) => duration::write(budget),
        Target::BusinessDays { days, .. } => format!("{days} business days"),
    }
}
