//! The fields of the terms form, and the input of the API that they stand for.

use chrono::NaiveDate;
use serde_json::{Map, Value, json};

use crate::domain::duration;
use crate::domain::input::FieldError;
use crate::domain::ladder::{Measured, Step, When};
use crate::domain::terms::{Commitment, Promise};
use crate::domain::terms_input::default_ladder;
use crate::web::form::{Form, Row, Shape};
use crate::web::pages::Choice;
use crate::web::pages::compound::{
    decimal, length_of_text, rows, take, target_fields, target_json, words_json,
};
use crate::web::wording;

const SHAPE: Shape = Shape {
    numbers: &["calendar_id", "times"],
    flags: &[],
    lists: &["metrics"],
};

/// What makes a row more than a blank one; its choices do not.
const TEXTS: &[(&str, &[&str])] = &[
    ("severities", &["code", "name", "criteria"]),
    ("clock_stops", &["code", "clause", "name"]),
    ("commitments", &["clause", "severity", "amount", "remedy"]),
    ("ladder", &["amount", "to", "every"]),
];

/// The moments of a step as the form offers them.
const MOMENTS: &[(&str, &str)] = &[
    ("percent", "% of the budget"),
    ("before_due", "before the deadline"),
    ("at_due", "at the deadline"),
    ("after_due", "after it, open time"),
    ("after_due_elapsed", "after it, elapsed"),
    ("before_due_elapsed", "before it, elapsed"),
];

/// The moments of a step as the form offers them.
pub fn moments() -> Vec<Choice> {
    MOMENTS
        .iter()
        .map(|(value, label)| Choice::new(*value, *label))
        .collect()
}

/// A form for the first terms of a contract: four severities, the two promises that every contract
/// has, and the default ladder.
pub fn first(from: NaiveDate) -> Form {
    let severities = [
        ("S1", "Critical", "The service is down"),
        ("S2", "Major", "The service is badly degraded"),
        ("S3", "Minor", "Some of the service is degraded"),
        ("S4", "Question", "Nothing is degraded"),
    ];
    let severities: Vec<Value> = severities
        .iter()
        .map(|(code, name, criteria)| json!({"code": code, "name": name, "criteria": criteria}))
        .collect();
    let commitment = |metric| json!({"metric": metric, "severity": "S1", "unit": "minutes"});
    let ladder: Vec<Value> = default_ladder().iter().map(step).collect();
    Form::of_json(&json!({
        "effective_from": from,
        "currency": "EUR",
        "severities": severities,
        "commitments": [commitment("respond"), commitment("resolve")],
        "ladder": ladder,
    }))
}

/// A form that begins as a copy of other terms.
pub fn of_promise(promise: &Promise, from: NaiveDate) -> Form {
    let fee = promise.monthly_fee.map(|fee| {
        let places = wording::decimals(&promise.currency);
        let unit = 10_i64.pow(places);
        match places {
            0 => fee.to_string(),
            places => format!(
                "{}.{:0width$}",
                fee / unit,
                fee % unit,
                width = places as usize
            ),
        }
    });
    let stops: Vec<Value> = promise
        .clock_stops
        .iter()
        .map(|stop| {
            json!({"code": stop.code, "clause": stop.clause, "name": stop.name,
                   "metrics": stop.metrics, "needs_agreement": stop.needs_agreement})
        })
        .collect();
    let commitments: Vec<Value> = promise
        .commitments
        .iter()
        .map(|one| commitment(one))
        .collect();
    let ladder: Vec<Value> = promise.ladder.iter().map(step).collect();
    Form::of_json(&json!({
        "effective_from": from,
        "currency": promise.currency,
        "monthly_fee": fee,
        "on_severity_change": promise.on_severity_change,
        "on_reopen": promise.on_reopen,
        "root_cause_from": promise.root_cause_from,
        "confirm_days": promise.confirmation.map(|confirmation| confirmation.business_days),
        "severities": promise.severities,
        "clock_stops": stops,
        "commitments": commitments,
        "ladder": ladder,
    }))
}

fn commitment(commitment: &Commitment) -> Value {
    let target = target_fields(commitment.target);
    let stops = match &commitment.stops {
        None => String::new(),
        Some(codes) if codes.is_empty() => NO_STOP.to_string(),
        Some(codes) => codes.join(", "),
    };
    json!({
        "clause": commitment.clause, "metric": commitment.metric, "severity": commitment.severity,
        "amount": target.amount, "unit": target.unit, "at": target.at,
        "calendar_id": commitment.calendar_id, "stops": stops, "remedy": commitment.remedy,
    })
}

/// What one writes where no clock stop may hold a commitment.
const NO_STOP: &str = "none";

fn step(step: &Step) -> Value {
    let (when, amount) = match step.when {
        When::Percent(percent) => ("percent", percent.to_string()),
        When::AtDue => ("at_due", String::new()),
        When::BeforeDue(offset, Measured::Open) => ("before_due", wording::length(offset)),
        When::BeforeDue(offset, Measured::Elapsed) => {
            ("before_due_elapsed", wording::length(offset))
        }
        When::AfterDue(offset, Measured::Open) => ("after_due", wording::length(offset)),
        When::AfterDue(offset, Measured::Elapsed) => ("after_due_elapsed", wording::length(offset)),
    };
    let to: Vec<String> = step.to.iter().map(ToString::to_string).collect();
    let by: Vec<String> = step.by.iter().map(ToString::to_string).collect();
    let severities = step.severities.as_ref().map(|codes| codes.join(", "));
    json!({
        "when": when, "amount": amount, "to": to.join(", "), "by": by.join(", "), "metrics": step.metrics,
        "severities": severities, "hold": step.hold,
        "every": step.repeat.map(|repeat| wording::length(repeat.every)),
        "times": step.repeat.map(|repeat| repeat.times),
        "until": step.repeat.map(|repeat| repeat.until),
    })
}

/// The input that a form stands for, without rows that nobody filled in, and what of it cannot even
/// be put into the API's shape.
pub fn input(form: &mut Form) -> (Value, Vec<FieldError>) {
    for (list, texts) in TEXTS {
        let keep = |form: &Form, row: &Row| {
            let at_the_deadline = *list == "ladder" && form.is(&row.at("when"), "at_due");
            form.has_any(row, texts) || (at_the_deadline && form.has_any(row, &["to"]))
        };
        form.keep_rows(list, keep);
    }
    let mut value = form.json(&SHAPE);
    let mut faults = Vec::new();
    applied(&mut value);
    fee(&mut value, &mut faults);
    confirmation(&mut value, &mut faults);
    for row in rows(&mut value, "clock_stops") {
        let agreed = take(row, "needs_agreement") == "true";
        row.insert("needs_agreement".into(), agreed.into());
    }
    commitments(&mut value, &mut faults);
    for (index, row) in rows(&mut value, "ladder").enumerate() {
        ladder_row(row, index, &mut faults);
    }
    // A form without steps means that nobody is told, not that the default ladder is wanted.
    if let Value::Object(fields) = &mut value {
        fields.entry("ladder").or_insert_with(|| json!([]));
    }
    (value, faults)
}

/// Puts targets and clock stops of the commitments into the API's shape.
fn commitments(value: &mut Value, faults: &mut Vec<FieldError>) {
    for (index, row) in rows(value, "commitments").enumerate() {
        let (amount, unit, at) = (take(row, "amount"), take(row, "unit"), take(row, "at"));
        put(
            row,
            "target",
            target_json(&amount, &unit, &at),
            faults,
            || format!("commitments[{index}].amount"),
        );
        let stops = take(row, "stops");
        let stops = match stops.trim() {
            NO_STOP => json!([]),
            codes => words_json(codes),
        };
        row.insert("stops".into(), stops);
    }
}

/// The same for a go-live window: its commitments and its command post.
pub fn go_live_input(form: &mut Form) -> (Value, Vec<FieldError>) {
    for (list, texts) in TEXTS {
        form.keep_rows(list, |form, row| form.has_any(row, texts));
    }
    let mut value = form.json(&SHAPE);
    let mut faults = Vec::new();
    commitments(&mut value, &mut faults);
    if let Value::Object(fields) = &mut value {
        let post = words_json(&take(fields, "command_post"));
        fields.insert("command_post".into(), post);
    }
    (value, faults)
}

fn ladder_row(row: &mut Map<String, Value>, index: usize, faults: &mut Vec<FieldError>) {
    let (kind, amount) = (take(row, "when"), take(row, "amount"));
    put(row, "when", when_json(&kind, &amount), faults, || {
        format!("ladder[{index}].amount")
    });
    let to = words_json(&take(row, "to"));
    row.insert("to".into(), to);
    // A form that has no such field, or an empty one, means by mail.
    let by = take(row, "by");
    if !by.trim().is_empty() {
        row.insert("by".into(), words_json(&by));
    }
    let severities = words_json(&take(row, "severities"));
    row.insert("severities".into(), severities);
    let (every, until) = (take(row, "every"), take(row, "until"));
    let times = row.remove("times").unwrap_or_default();
    if every.trim().is_empty() && times.is_null() {
        return;
    }
    let repeat = length_of_text(&every)
        .map(|every| json!({"every": duration::write(every), "times": times, "until": until}));
    put(row, "repeat", repeat, faults, || {
        format!("ladder[{index}].every")
    });
}

fn put(
    row: &mut Map<String, Value>,
    field: &str,
    made: Result<Value, String>,
    faults: &mut Vec<FieldError>,
    at: impl FnOnce() -> String,
) {
    match made {
        Ok(value) => {
            row.insert(field.to_string(), value);
        }
        Err(wrong) => faults.push(FieldError::new(at(), wrong)),
    }
}

fn when_json(kind: &str, amount: &str) -> Result<Value, String> {
    let offset = || length_of_text(amount).map(duration::write);
    Ok(match kind {
        "percent" => {
            let number = amount.trim().trim_end_matches('%').trim_end();
            let percent: u32 = number.parse().map_err(|_| {
                format!("\"{amount}\" is not a percentage; write a whole number such as 75")
            })?;
            json!({"percent": percent})
        }
        "at_due" => json!({"at_due": true}),
        "before_due" => json!({"before_due": offset()?}),
        "before_due_elapsed" => json!({"before_due": offset()?, "measured": "elapsed"}),
        "after_due" => json!({"after_due": offset()?}),
        "after_due_elapsed" => json!({"after_due": offset()?, "measured": "elapsed"}),
        _ => return Err("choose when the step is due".to_string()),
    })
}

fn fee(value: &mut Value, faults: &mut Vec<FieldError>) {
    let currency = value["currency"].as_str().unwrap_or_default();
    let places = wording::decimals(currency.trim());
    let text = match value
        .get("monthly_fee")
        .and_then(Value::as_str)
        .map(str::trim)
    {
        Some(text) if !text.is_empty() => text,
        _ => {
            value["monthly_fee"] = Value::Null;
            return;
        }
    };
    let minor = decimal(text, places);
    if minor.is_none() {
        faults.push(FieldError::new(
            "monthly_fee",
            format!(
                "\"{text}\" is not an amount of money; write it like {:.*}",
                places as usize, 12000.0
            ),
        ));
    }
    value["monthly_fee"] = json!(minor);
}

/// The date counts only with its box ticked.
fn applied(value: &mut Value) {
    if let Some(fields) = value.as_object_mut()
        && take(fields, "apply") != "true"
    {
        fields.remove("apply_from");
    }
}

/// An empty field means that no confirmation is asked for.
fn confirmation(value: &mut Value, faults: &mut Vec<FieldError>) {
    let Some(fields) = value.as_object_mut() else {
        return;
    };
    let days = take(fields, "confirm_days");
    let days = days.trim();
    if days.is_empty() {
        return;
    }
    match days.parse::<i64>() {
        Ok(days) => {
            fields.insert("confirmation".into(), json!({"business_days": days}));
        }
        Err(_) => faults.push(FieldError::new(
            "confirm_days",
            format!("\"{days}\" is not a number of business days; leave it empty where repairs need no confirmation"),
        )),
    }
}

/// At which field of the form a fault of the input stands.
pub fn place(field: &str) -> String {
    const PLACES: &[(&str, &str)] = &[
        ("confirmation.business_days", "confirm_days"),
        ("].target", "].amount"),
        ("].when", "].amount"),
        ("].repeat.every", "].every"),
        ("].repeat.times", "].times"),
        ("].repeat.until", "].until"),
    ];
    // One item of `to`, `stops` or `command_post` stands in the field of the whole list.
    let mut field = field;
    if let Some((list, rest)) = field.rsplit_once('[')
        && (list.contains("].") || (list == "command_post" && rest.ends_with(']')))
    {
        field = list;
    }
    for (end, stands_in) in PLACES {
        if let Some(row) = field.strip_suffix(end) {
            return format!("{row}{stands_in}");
        }
    }
    field.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn promise() -> Promise {
        serde_json::from_value(json!({
            "currency": "EUR", "monthly_fee": 1_200_050,
            "severities": [{"code": "S1", "name": "Critical"}],
            "clock_stops": [
                {"code": "ACCESS", "clause": "7.4", "name": "No access", "metrics": ["restore"], "needs_agreement": true},
                {"code": "MAINT", "clause": "7.6", "name": "Maintenance", "metrics": ["restore"], "needs_agreement": false}],
            "commitments": [
                {"clause": "5.1", "metric": "restore", "severity": "S1", "target": {"open_time": "PT1H30M"},
                 "calendar_id": 1, "stops": ["ACCESS"], "remedy": "2 %"},
                {"clause": "5.2", "metric": "respond", "severity": "S1", "calendar_id": 1, "stops": [],
                 "target": {"business_days": 2, "at": "16:00"}}],
            "on_severity_change": "from_change", "on_reopen": "restart",
            "confirmation": {"business_days": 5}, "root_cause_from": "restored",
            "ladder": [
                {"when": {"percent": 75}, "to": ["vendor:1", "reporter"], "by": ["email"]},
                {"when": {"at_due": true}, "to": ["person:ann@example.com"], "by": ["email"], "metrics": ["restore"]},
                {"when": {"before_due": "PT30M", "measured": "elapsed"}, "to": ["owner"], "by": ["email", "webhook:chat"]},
                {"when": {"after_due": "PT1H"}, "to": ["role:manager"], "by": ["email"], "severities": ["S1"],
                 "repeat": {"every": "PT1H30M", "times": 8, "until": "stopped"}, "hold": "recipient_hours"}],
        }))
        .unwrap()
    }

    #[test]
    fn what_the_form_shows_is_what_it_sends() {
        let promise = promise();
        let mut form = of_promise(&promise, "2026-12-01".parse().unwrap());
        assert_eq!(form.value("monthly_fee"), "12000.50");
        assert_eq!(form.value("commitments[0].amount"), "90");
        let (value, faults) = input(&mut form);
        assert_eq!(faults, []);
        assert_eq!(value["effective_from"], "2026-12-01");
        assert_eq!(serde_json::from_value::<Promise>(value).unwrap(), promise);
    }

    #[test]
    fn blank_rows_are_left_out_and_what_cannot_be_read_is_said() {
        let mut form = Form::of([
            ("severities[0].code", ""),
            ("commitments[0].clause", ""),
            ("commitments[0].metric", "respond"),
            ("commitments[1].clause", "5.1"),
            ("commitments[1].amount", "soon"),
            ("commitments[1].unit", "hours"),
            ("ladder[0].when", "percent"),
            ("ladder[0].amount", "most"),
            ("ladder[0].to", "owner"),
            ("ladder[1].when", "at_due"),
            ("ladder[1].to", "owner"),
            ("ladder[1].every", "1 week"),
            ("currency", "JPY"),
            ("monthly_fee", "1.50"),
        ]);
        let (value, faults) = input(&mut form);
        assert_eq!(value["commitments"].as_array().unwrap().len(), 1);
        assert_eq!(value["ladder"][1]["when"], json!({"at_due": true}));
        let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "monthly_fee",
                "commitments[0].amount",
                "ladder[0].amount",
                "ladder[1].every"
            ]
        );
        assert!(faults[0].message.contains("12000"), "{faults:?}");
    }

    #[test]
    fn faults_of_the_input_stand_at_the_fields_of_the_form() {
        for (field, stands_in) in [
            ("commitments[2].target", "commitments[2].amount"),
            ("commitments[2].stops[1]", "commitments[2].stops"),
            ("ladder[0].to[1]", "ladder[0].to"),
            ("ladder[0].repeat.times", "ladder[0].times"),
            ("clock_stops[0].metrics[3]", "clock_stops[0].metrics"),
            ("severities[1].code", "severities[1].code"),
            ("commitments", "commitments"),
            ("currency", "currency"),
            ("confirmation.business_days", "confirm_days"),
        ] {
            assert_eq!(place(field), stands_in);
        }
    }
}
