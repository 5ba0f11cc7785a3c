//! Each kind of wrong terms: the right field and the way out.

use serde_json::{Value, json};

use super::{TermsReading, calendars_named, default_ladder, read};
use crate::domain::CalendarId;
use crate::domain::calendar_book::CalendarBook;
use crate::domain::calendar_book::tests::book_of;
use crate::domain::ladder::When;
use crate::domain::terms::{OnReopen, OnSeverityChange};
use crate::time::Moment;

fn good() -> Value {
    json!({
        "effective_from": "2026-01-01", "currency": "EUR", "monthly_fee": 1_200_000,
        "severities": [{"code": "S1", "name": "Critical", "criteria": "A site is down"},
                       {"code": "S2", "name": "Major"}],
        "clock_stops": [{"code": "ACCESS", "clause": "7.4", "name": "No access to the site",
                         "metrics": ["restore", "resolve"], "needs_agreement": false}],
        "commitments": [
            {"clause": "5.1", "metric": "respond", "severity": "S1", "calendar_id": 1, "target": {"open_time": "PT15M"}},
            {"clause": "5.2", "metric": "update", "severity": "S1", "calendar_id": 1, "target": {"open_time": "PT1H"}},
            {"clause": "5.3", "metric": "restore", "severity": "S1", "calendar_id": 1, "target": {"open_time": "PT4H"},
             "stops": ["ACCESS"]},
            {"clause": "5.4", "metric": "resolve", "severity": "S2", "calendar_id": 1,
             "target": {"business_days": 2, "at": "16:00"}}],
        "on_severity_change": "from_start", "on_reopen": "continue", "confirmation": null,
        "ladder": [
            {"when": {"percent": 75}, "to": ["vendor:1", "reporter"], "by": ["email"]},
            {"when": {"before_due": "PT30M"}, "to": ["owner"], "by": ["email"], "metrics": ["restore"]},
            {"when": {"at_due": true}, "to": ["vendor:2", "owner"], "by": ["email"]},
            {"when": {"after_due": "PT1H", "measured": "elapsed"}, "to": ["role:manager"], "by": ["email"],
             "repeat": {"every": "PT1H", "times": 8, "until": "acknowledged"},
             "hold": "recipient_hours", "severities": ["S2"]}]
    })
}

fn now() -> Moment {
    Moment::parse("2026-11-23T09:00:00Z").unwrap()
}

/// Calendar 1 is open on weekdays, calendar 2 never.
fn book() -> CalendarBook {
    let weekdays = json!([["09:00", "17:00"]]);
    let week = json!({"mon": weekdays, "tue": weekdays, "wed": weekdays, "thu": weekdays, "fri": weekdays});
    book_of(&[
        ("Berlin office", "Europe/Berlin", week),
        ("Never", "UTC", json!({})),
    ])
}

fn reading(value: &Value) -> TermsReading {
    read(value, "terms", &book(), now())
}

#[test]
fn the_published_example_is_read_whole() {
    let reading = reading(&good());
    assert_eq!(reading.faults, []);
    let promise = reading.promise;
    assert_eq!(promise.commitments.len(), 4);
    assert_eq!(promise.clock_stops.len(), 1);
    assert_eq!(promise.ladder.len(), 4);
    assert_eq!(promise.ladder[3].repeat.map(|repeat| repeat.times), Some(8));
    assert_eq!(reading.effective_from, Some("2026-01-01".parse().unwrap()));
    assert_eq!(calendars_named(&good()), [CalendarId(1)]);
    // What is kept and exchanged is the same shape.
    let kept = serde_json::to_value(&promise).unwrap();
    let mut again = kept.clone();
    again["effective_from"] = json!("2026-01-01");
    let read_again = super::read(&again, "", &book(), now());
    assert_eq!(read_again.faults, []);
    assert_eq!(read_again.promise, promise);
}

#[test]
fn what_may_be_left_out_has_its_default() {
    let mut value = good();
    for field in [
        "monthly_fee",
        "clock_stops",
        "on_severity_change",
        "on_reopen",
        "confirmation",
        "ladder",
    ] {
        value.as_object_mut().unwrap().remove(field);
    }
    value["commitments"][2]
        .as_object_mut()
        .unwrap()
        .remove("stops");
    let reading = reading(&value);
    assert_eq!(reading.faults, []);
    assert_eq!(reading.promise.ladder, default_ladder());
    assert_eq!(reading.promise.ladder[0].when, When::Percent(75));
    assert_eq!(
        reading.promise.on_severity_change,
        OnSeverityChange::FromStart
    );
    assert_eq!(reading.promise.on_reopen, OnReopen::Continue);
    value["ladder"] = json!([]);
    assert_eq!(super::read(&value, "", &book(), now()).promise.ladder, []);
}

#[test]
fn each_wrong_field_is_named_with_the_way_out() {
    let table: &[(&str, Value, &str, &str)] = &[
        (
            "/effective_from",
            json!("soon"),
            "effective_from",
            "2026-11-23",
        ),
        ("/currency", json!("Euro"), "currency", "ISO 4217"),
        ("/currency", json!(null), "currency", "missing"),
        ("/monthly_fee", json!(-1), "monthly_fee", "not negative"),
        ("/monthly_fee", json!(12.5), "monthly_fee", "whole number"),
        ("/severities", json!([]), "severities", "one to ten"),
        (
            "/severities/1/code",
            json!("s1"),
            "severities[1].code",
            "twice",
        ),
        (
            "/severities/0/code",
            json!("very bad"),
            "severities[0].code",
            "at most 20",
        ),
        (
            "/severities/0/name",
            json!(""),
            "severities[0].name",
            "missing",
        ),
        (
            "/clock_stops/0/metrics",
            json!([]),
            "clock_stops[0].metrics",
            "at least one",
        ),
        (
            "/clock_stops/0/metrics",
            json!(null),
            "clock_stops[0].metrics",
            "which metrics",
        ),
        (
            "/clock_stops/0/metrics",
            json!(["restore", "speed"]),
            "clock_stops[0].metrics[1]",
            "respond",
        ),
        (
            "/clock_stops/0/needs_agreement",
            json!("no"),
            "clock_stops[0].needs_agreement",
            "true or false",
        ),
        ("/commitments", json!([]), "commitments", "add at least one"),
        (
            "/commitments/0/clause",
            json!(null),
            "commitments[0].clause",
            "missing",
        ),
        (
            "/commitments/3",
            json!({"clause": "5.5", "metric": "data_loss", "severity": "S2", "calendar_id": 1, "target": {"business_days": 1}}),
            "commitments[3].target",
            "is an amount",
        ),
        (
            "/clock_stops/0/metrics",
            json!(["restore", "data_loss"]),
            "clock_stops[0].metrics",
            "is an amount",
        ),
        (
            "/commitments/0/severity",
            json!("S7"),
            "commitments[0].severity",
            "S1, S2",
        ),
        (
            "/commitments/1/metric",
            json!("respond"),
            "commitments[1].metric",
            "promised twice",
        ),
        (
            "/commitments/0/target",
            json!(null),
            "commitments[0].target",
            "missing",
        ),
        (
            "/commitments/0/target",
            json!({"open_time": "1 day"}),
            "commitments[0].target",
            "PT15M",
        ),
        (
            "/commitments/0/target",
            json!({"open_time": "PT1H", "business_days": 1}),
            "commitments[0].target",
            "either",
        ),
        (
            "/commitments/0/target",
            json!({"business_days": 4000}),
            "commitments[0].target",
            "3660",
        ),
        (
            "/commitments/0/target",
            json!({"business_days": 1, "at": "25:00"}),
            "commitments[0].target",
            "25:00",
        ),
        (
            "/commitments/0/target",
            json!({"open_time": "PT90000H"}),
            "commitments[0].target",
            "Berlin office",
        ),
        (
            "/commitments/1/target",
            json!({"open_time": "PT0S"}),
            "commitments[1].target",
            "PT1S",
        ),
        (
            "/commitments/1/target",
            json!({"business_days": 0}),
            "commitments[1].target",
            "business day",
        ),
        (
            "/commitments/0/calendar_id",
            json!(9),
            "commitments[0].calendar_id",
            "no calendar 9",
        ),
        (
            "/commitments/0/calendar_id",
            json!(2),
            "commitments[0].calendar_id",
            "no open time in the next year",
        ),
        (
            "/commitments/2/stops",
            json!(["LUNCH"]),
            "commitments[2].stops[0]",
            "ACCESS",
        ),
        (
            "/commitments/0/stops",
            json!(["ACCESS"]),
            "commitments[0].stops[0]",
            "does not list",
        ),
        (
            "/on_severity_change",
            json!("never"),
            "on_severity_change",
            "from_change",
        ),
        (
            "/on_reopen",
            json!("never"),
            "on_reopen",
            "as_if_never_resolved",
        ),
        (
            "/root_cause_from",
            json!("reported"),
            "root_cause_from",
            "restored",
        ),
        (
            "/confirmation",
            json!({"business_days": 0}),
            "confirmation.business_days",
            "1 to 366",
        ),
        (
            "/ladder/0/when",
            json!({"percent": 0}),
            "ladder[0].when",
            "between 1 and 1000",
        ),
        ("/ladder/0/when", json!({}), "ladder[0].when", "exactly one"),
        ("/ladder/0/to", json!([]), "ladder[0].to", "say who is told"),
        (
            "/ladder/0/to",
            json!(["vendor:5"]),
            "ladder[0].to[0]",
            "vendor:4",
        ),
        (
            "/ladder/0/to",
            json!(["owner", "crew:sea"]),
            "ladder[0].to[1]",
            "on_duty:ROTA",
        ),
        (
            "/ladder/0/to",
            json!(["team:High sea"]),
            "ladder[0].to[0]",
            "a to z",
        ),
        (
            "/ladder/0/to",
            json!(["person:ann@"]),
            "ladder[0].to[0]",
            "person:ann@example.com",
        ),
        (
            "/ladder/0/by",
            json!(["webhook:On call"]),
            "ladder[0].by[0]",
            "no name for webhook:NAME",
        ),
        ("/ladder/0/by", json!([]), "ladder[0].by", "email"),
        (
            "/ladder/1/metrics",
            json!(["speed"]),
            "ladder[1].metrics[0]",
            "respond",
        ),
        (
            "/ladder/3/severities",
            json!(["S9"]),
            "ladder[3].severities[0]",
            "S1, S2",
        ),
        (
            "/commitments/0/target",
            json!({"open_time": "PT1000000000000000S"}),
            "commitments[0].target",
            "hundred years",
        ),
        (
            "/commitments/0/target",
            json!({"open_time": "PT99999999999999999999S"}),
            "commitments[0].target",
            "hundred years",
        ),
        (
            "/commitments/0/target",
            json!({"open_time": "PT30000H"}),
            "commitments[0].target",
            "give it more hours",
        ),
        (
            "/commitments/0/target",
            json!({"business_days": 2700, "at": "close"}),
            "commitments[0].target",
            "Berlin office",
        ),
        (
            "/commitments/0/target",
            json!({"business_days": 1_000_000_000_000_000_i64, "at": "close"}),
            "commitments[0].target",
            "at most 3660 business days",
        ),
        (
            "/effective_from",
            json!("3000-01-01"),
            "effective_from",
            "1900 to 2999",
        ),
        (
            "/confirmation",
            json!({"business_days": 1_000_000_000_000_000_i64}),
            "confirmation.business_days",
            "1 to 366",
        ),
        (
            "/ladder/0/when",
            json!({"percent": 1_000_000_000_000_000_i64}),
            "ladder[0].when",
            "between 1 and 1000",
        ),
        (
            "/ladder/1/when",
            json!({"before_due": "PT8785H"}),
            "ladder[1].when",
            "at most a year",
        ),
        (
            "/ladder/3/when",
            json!({"after_due": "PT876000H", "measured": "elapsed"}),
            "ladder[3].when",
            "at most a year",
        ),
        (
            "/ladder/3/repeat/every",
            json!("PT876000H"),
            "ladder[3].repeat.every",
            "at most a year",
        ),
        (
            "/ladder/3/repeat/every",
            json!("PT0S"),
            "ladder[3].repeat.every",
            "PT1S",
        ),
        (
            "/ladder/3/repeat/times",
            json!(101),
            "ladder[3].repeat.times",
            "1 to 100",
        ),
        (
            "/ladder/3/hold",
            json!("maybe"),
            "ladder[3].hold",
            "recipient_hours",
        ),
    ];
    for (place, wrong, field, way_out) in table {
        let mut value = good();
        let parent = place.rsplit_once('/').unwrap();
        match value.pointer_mut(parent.0).unwrap() {
            Value::Array(items) => items[parent.1.parse::<usize>().unwrap()] = wrong.clone(),
            other => other[parent.1] = wrong.clone(),
        }
        let faults = reading(&value).faults;
        let field = format!("terms.{field}");
        let fault = faults.iter().find(|fault| fault.field == field);
        let message = &fault
            .unwrap_or_else(|| panic!("{place}: {faults:?}"))
            .message;
        assert!(message.contains(way_out), "{place}: {message}");
    }
}

#[test]
fn a_calendar_that_cannot_answer_in_time_is_said_at_what_asks_for_it() {
    let once_a_year = json!({"date": "2027-03-01", "name": "", "windows": [["09:00", "17:00"]]});
    let layer = json!({"time_zone": "UTC", "week": {}, "exceptions": [once_a_year]});
    let hours = serde_json::from_value(layer).unwrap();
    let layers = vec![crate::domain::calendar::Layer { from: None, hours }];
    let calendar = crate::domain::calendar::Calendar::new("One day", layers).into();
    let mut book = book();
    let view = crate::domain::calendar_book::View {
        revision: 1,
        calendar,
    };
    book.insert(CalendarId(3), "One day".into(), view, Vec::new());
    let mut value = good();
    value["confirmation"] = json!({"business_days": 2});
    for commitment in value["commitments"].as_array_mut().unwrap() {
        commitment["calendar_id"] = json!(3);
        commitment["target"] = json!({"open_time": "PT1H"});
    }
    let fields = |value: &Value, now: &str| -> Vec<String> {
        let faults = read(value, "", &book, Moment::parse(now).unwrap()).faults;
        faults
            .into_iter()
            .map(|fault| format!("{} {}", fault.field, fault.message))
            .collect()
    };
    // One hour it has, two days to confirm in it has not.
    let found = fields(&value, "2026-11-23T09:00:00Z");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("confirmation.business_days calendar \"One day\""),
        "{found:?}"
    );
    // Zone data says nothing of the next century, and nobody is told that the hours are missing.
    let found = fields(&value, "2101-01-01T09:00:00Z");
    let said = |number: usize| {
        format!("commitments[{number}].calendar_id calendar \"One day\" cannot count")
    };
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(
        (0..4).all(|number| found[number].starts_with(&said(number))),
        "{found:?}"
    );
}

#[test]
fn all_faults_come_at_once_and_what_is_right_still_has_its_example() {
    let mut value = good();
    value["currency"] = json!("XXXX");
    value["renewal"] = json!("tacit");
    value["commitments"][0]["severity"] = json!("S9");
    value["ladder"][0]["to"] = json!([]);
    let reading = reading(&value);
    let fields: Vec<_> = reading
        .faults
        .iter()
        .map(|fault| fault.field.as_str())
        .collect();
    assert_eq!(
        fields,
        [
            "terms.commitments[0].severity",
            "terms.currency",
            "terms.ladder[0].to",
            "terms.renewal"
        ]
    );
    let examples = crate::domain::example::examples(&reading.promise, &book(), now());
    let shown: Vec<_> = examples
        .iter()
        .map(|example| {
            format!(
                "{} {} {}",
                example.severity,
                example.metric,
                example.due.unwrap()
            )
        })
        .collect();
    // Raised on Friday at 16:40, twenty minutes before the office closes for the weekend.
    assert_eq!(examples[0].start.to_string(), "2026-11-27T15:40:00Z");
    assert_eq!(
        shown,
        [
            "S1 update 2026-11-30T08:40:00Z",
            "S1 restore 2026-11-30T11:40:00Z",
            "S2 resolve 2026-12-01T15:00:00Z"
        ]
    );
}
