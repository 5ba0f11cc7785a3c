//! The ladder of entered terms.

use serde_json::Value;
use validator::ValidateEmail;

use super::{Known, bounded, metrics};
use crate::domain::duration;
use crate::domain::input::Faults;
use crate::domain::ladder::{Channel, Hold, Measured, Repeat, Step, TARGETS, Target, Until, When};
use crate::domain::person::Role;
use crate::domain::reading::Object;
use crate::time::{DAY, HOUR, Micros, SECOND};

const FIELDS: &[&str] = &[
    "when",
    "to",
    "by",
    "repeat",
    "hold",
    "metrics",
    "severities",
];

/// A step farther from its deadline is a slip of the finger.
const FARTHEST: Micros = 366 * DAY;

/// The ladder of terms that name none: a warning at three quarters of the budget, the deadline, and
/// an hour after it every hour until somebody takes it.
pub fn default_ladder() -> Vec<Step> {
    let step = |when, to, repeat| Step {
        when,
        to,
        by: vec![Channel::Email],
        repeat,
        hold: Hold::AtOnce,
        metrics: None,
        severities: None,
    };
    let hourly = Repeat {
        every: HOUR,
        times: 3,
        until: Until::Acknowledged,
    };
    vec![
        step(
            When::Percent(75),
            vec![Target::VendorRung(1), Target::Reporter],
            None,
        ),
        step(
            When::AtDue,
            vec![Target::VendorRung(2), Target::Owner],
            None,
        ),
        step(
            When::AfterDue(HOUR, Measured::Elapsed),
            vec![Target::VendorRung(3), Target::Role(Role::Manager)],
            Some(hourly),
        ),
    ]
}

/// The steps without fault, or the default ladder when none was given; an empty list means that
/// nobody is told.
pub(super) fn read(object: &Object<'_>, known: &Known<'_>, faults: &mut Faults) -> Vec<Step> {
    if object.get("ladder").is_none() {
        return default_ladder();
    }
    let mut steps = Vec::new();
    for (path, item) in bounded(object, "ladder", faults) {
        if let Some(row) = Object::open(item, &path, FIELDS, faults) {
            steps.extend(read_row(&row, known, faults));
        }
    }
    steps
}

fn read_row(row: &Object<'_>, known: &Known<'_>, faults: &mut Faults) -> Option<Step> {
    let when = row.need("when", faults).and_then(|value| {
        faults.take(
            &row.at("when"),
            serde_json::from_value::<When>(value.clone()),
        )
    });
    if let Some(When::BeforeDue(offset, _) | When::AfterDue(offset, _)) = when {
        faults.require(
            offset <= FARTHEST,
            row.at("when"),
            "a step lies at most a year, PT8784H, from the deadline",
        );
    }
    let to = audience(row, "to", faults);
    let by = channels(row, faults);
    let repeat = repeat(row, faults);
    let hold = row.optional("hold", faults).unwrap_or_default();
    let metrics = metrics(row, faults);
    let severities = severities(row, known, faults);
    Some(Step {
        when: when?,
        to,
        by,
        repeat,
        hold,
        metrics,
        severities,
    })
}

/// Whom a list of that name tells; an empty one is a fault.
pub(super) fn audience(row: &Object<'_>, field: &str, faults: &mut Faults) -> Vec<Target> {
    let mut targets = Vec::new();
    for (path, item) in row.list(field, faults) {
        let Value::String(text) = item else {
            faults.add(path, "an audience is text, such as vendor:1 or owner");
            continue;
        };
        match text.parse::<Target>() {
            Err(wrong) => faults.add(path, wrong),
            Ok(Target::Person(email)) if !email.validate_email() => {
                faults.add(
                    path,
                    format!(
                        "\"{email}\" is not an e-mail address; write it like person:ann@example.com"
                    ),
                );
            }
            Ok(target) if targets.contains(&target) => {
                faults.add(path, format!("{target} is named twice"));
            }
            Ok(target) => targets.push(target),
        }
    }
    let none_given = row
        .get(field)
        .is_none_or(|value| value.as_array().is_some_and(Vec::is_empty));
    faults.require(
        !none_given,
        row.at(field),
        format!("say who is told: {TARGETS}"),
    );
    targets
}

fn channels(row: &Object<'_>, faults: &mut Faults) -> Vec<Channel> {
    let mut channels = Vec::new();
    for (path, item) in row.list("by", faults) {
        let text = item.as_str().unwrap_or_default().trim();
        match text.parse::<Channel>() {
            Ok(channel) if !channels.contains(&channel) => channels.push(channel),
            Ok(channel) => faults.add(path, format!("{channel} is named twice")),
            Err(wrong) => faults.add(path, wrong),
        }
    }
    let empty = row
        .get("by")
        .and_then(Value::as_array)
        .is_some_and(Vec::is_empty);
    faults.require(
        !empty,
        row.at("by"),
        "say how they are told: email or webhook:NAME",
    );
    if row.get("by").is_none() {
        channels.push(Channel::Email);
    }
    channels
}

fn repeat(row: &Object<'_>, faults: &mut Faults) -> Option<Repeat> {
    let value = row.get("repeat")?;
    let object = Object::open(
        value,
        row.at("repeat"),
        &["every", "times", "until"],
        faults,
    )?;
    let every = object
        .text("every", faults)
        .and_then(|text| faults.take(&object.at("every"), duration::parse(&text)));
    if let Some(every) = every {
        faults.require(
            (SECOND..=FARTHEST).contains(&every),
            object.at("every"),
            "a step is repeated at intervals of at least a second, PT1S, and at most a year, PT8784H",
        );
    }
    let times = object.number("times", faults);
    if let Some(times) = times {
        faults.require(
            (1..=100).contains(&times),
            object.at("times"),
            "a step is repeated 1 to 100 times",
        );
    }
    let until = object.optional("until", faults).unwrap_or_default();
    Some(Repeat {
        every: every?,
        times: u32::try_from(times?).ok()?,
        until,
    })
}

fn severities(row: &Object<'_>, known: &Known<'_>, faults: &mut Faults) -> Option<Vec<String>> {
    row.get("severities")?;
    let mut codes: Vec<String> = Vec::new();
    let list = row.list("severities", faults);
    faults.require(
        !list.is_empty() || faults.at(&row.at("severities")),
        row.at("severities"),
        "name at least one severity, or leave severities out for all",
    );
    for (path, item) in list {
        let Value::String(code) = item else {
            faults.add(path, "a severity is named by its code, such as S1");
            continue;
        };
        let code = code.trim().to_string();
        if codes.contains(&code) {
            faults.add(path, format!("{code} is named twice"));
        } else if known.check_severity(&code, path, faults) {
            codes.push(code);
        }
    }
    Some(codes)
}
