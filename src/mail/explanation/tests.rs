use serde_json::json;

use super::*;
use crate::domain::CaseId;
use crate::domain::calendar_book::tests::book_of;
use crate::domain::clock::{
    Closed, Effect, Ground, Line, NoDay, NotHeld, Part, SeverityTurn, Shut, StopGround, explain,
};
use crate::domain::terms::{OnReopen, Promise, Target};
use crate::domain::timeline::Fact;
use crate::domain::words::{EventKind, Metric};
use crate::time::{HOUR, MINUTE};

fn at(text: &str) -> Moment {
    text.parse().unwrap()
}

/// The explanation of the first response of which the letters of the tests speak.
pub(crate) fn first_response() -> ExplanationFacts {
    let hours = json!([["09:00", "18:00"]]);
    let week = json!({"mon": hours, "tue": hours, "wed": hours, "thu": hours, "fri": hours});
    let book = book_of(&[("Berlin office", "Europe/Berlin", week)]);
    let promise: Promise = serde_json::from_value(json!({
        "currency": "EUR", "monthly_fee": null, "severities": [{"code": "S1", "name": "Critical"}],
        "clock_stops": [], "on_severity_change": "from_start", "on_reopen": "continue", "ladder": [],
        "commitments": [{"clause": "5.1", "metric": "respond", "severity": "S1", "calendar_id": 1,
                         "target": {"open_time": "PT15M"}}],
    }))
    .unwrap();
    let reported = Fact {
        seq: 1,
        case: Some(CaseId(1)),
        kind: EventKind::Reported,
        at: at("2026-11-20T15:40:00Z"),
        severity: Some("S1".into()),
        stop: None,
        answer: None,
        void: false,
        to_case: None,
        seconds: None,
    };
    let facts = [reported];
    let now = at("2026-11-20T15:55:00Z");
    let explained = explain(CaseId(1), Metric::Respond, &promise, &facts, &book, now);
    let explanation = explained.unwrap().unwrap().current().unwrap();
    explanation.check(&explanation.lap).unwrap();
    ExplanationFacts::short(&explanation)
}

fn line(what: What) -> Row {
    Row::Line(Line {
        from: at("2026-11-20T15:00:00Z"),
        to: at("2026-11-20T15:00:00Z"),
        part: Part::Counts,
        what,
        counted: 0,
        total: HOUR,
        budget: 4 * HOUR,
        late: None,
    })
}

fn open(from: &str, to: &str, late: Option<Micros>) -> Row {
    let (from, to) = (at(from), at(to));
    Row::Line(Line {
        from,
        to,
        part: if late.is_some() {
            Part::Late
        } else {
            Part::Counts
        },
        what: What::Open(from.date_in(Tz::UTC)),
        counted: to - from,
        total: 3 * HOUR,
        budget: 4 * HOUR,
        late,
    })
}

/// A row of each kind there is.
fn every_row() -> Vec<Row> {
    let stop = |agreed| StopGround {
        seq: 4,
        code: "ACCESS".into(),
        name: "No access".into(),
        clause: "9.1".into(),
        agreed,
    };
    let date = "2026-12-25".parse().unwrap();
    let window = serde_json::from_value(json!(["09:00", "11:00"])).unwrap();
    let severity = |effect| {
        line(What::Severity(Box::new(SeverityTurn {
            seq: Some(5),
            from: Some("S2".into()),
            to: "S1".into(),
            effect,
            used: Some((HOUR, 8 * HOUR)),
            target_before: Some(Target::OpenTime(8 * HOUR)),
            due_before: Some(at("2026-11-23T10:00:00Z")),
            due_after: Some(at("2026-11-20T17:00:00Z")),
        })))
    };
    let due = |written, floor, provisional| {
        line(What::Due {
            written,
            floor,
            provisional,
        })
    };
    vec![
        line(What::Started(Some((EventKind::Reported, 1)))),
        line(What::Started(None)),
        open("2026-11-20T15:00:00Z", "2026-11-20T16:30:00Z", None),
        open("2026-11-20T22:30:00Z", "2026-11-21T01:00:00Z", None),
        open(
            "2026-12-31T22:00:00Z",
            "2027-01-01T02:00:00Z",
            Some(90 * MINUTE),
        ),
        line(What::BeforeDayZero(date)),
        line(What::Held(
            date,
            vec![Ground::Stop(stop(Some(6))), Ground::Gap { reopened: 9 }],
        )),
        line(What::Shut(Shut::OutsideHours)),
        line(What::Shut(Shut::Holiday(date, "Christmas".into()))),
        line(What::Shut(Shut::Holiday(date, String::new()))),
        line(What::Shut(Shut::SpecialHours(
            date,
            "Works meeting".into(),
            vec![window],
        ))),
        line(What::Idle),
        line(What::Skipped(date)),
        line(What::BusinessDay(2, date)),
        line(What::NoBusinessDay(date, NoDay::Closed)),
        line(What::NoBusinessDay(
            date,
            NoDay::Holiday("Christmas".into()),
        )),
        line(What::NoBusinessDay(date, NoDay::Over)),
        line(What::Paused(stop(None))),
        line(What::NotPaused(stop(None), NotHeld::NotForThis)),
        line(What::NotPaused(stop(None), NotHeld::Unanswered)),
        line(What::NotPaused(stop(None), NotHeld::Refused(8))),
        line(What::NotPaused(stop(None), NotHeld::OpenAlready)),
        line(What::Resumed(stop(None), 7)),
        line(What::Stopped(Some((EventKind::Resolved, 7)))),
        line(What::Stopped(None)),
        line(What::Awaiting(at("2026-11-27T15:00:00Z"))),
        line(What::Confirmed(at("2026-11-27T15:00:00Z"), Some(8))),
        line(What::Confirmed(at("2026-11-27T15:00:00Z"), None)),
        line(What::Rejected(7, Some(8))),
        line(What::Waits),
        line(What::Measured(3, 30 * MINUTE)),
        line(What::Reopened(9, OnReopen::Continue)),
        line(What::Reopened(9, OnReopen::AsIfNeverResolved)),
        line(What::Reopened(9, OnReopen::Restart)),
        severity(Effect::FromStart),
        severity(Effect::FromChange),
        severity(Effect::Carried(30 * MINUTE)),
        severity(Effect::Fresh),
        severity(Effect::Kept),
        severity(Effect::NoCommitment),
        line(What::Edited {
            before: 1,
            after: 2,
            due_before: Some(at("2026-11-23T10:00:00Z")),
            due_after: None,
        }),
        line(What::Cancelled(9, true)),
        line(What::Cancelled(9, false)),
        line(What::Followed),
        line(What::Written(at("2026-11-23T15:00:00Z"))),
        line(What::Now(true)),
        line(What::Now(false)),
        due(false, None, false),
        due(true, None, false),
        due(false, Some(at("2026-11-20T12:00:00Z")), true),
        Row::Alike(Alike {
            days: 5,
            from: at("2026-11-23T08:00:00Z"),
            to: at("2026-11-27T17:00:00Z"),
            windows: vec![
                ("09:00".parse().unwrap(), "12:30".parse().unwrap()),
                ("13:30".parse().unwrap(), "00:00".parse().unwrap()),
            ],
            each: 8 * HOUR,
            lines: 19,
            business: Some((1, 5)),
            part: Part::Counts,
            total: 41 * HOUR,
            budget: 50 * HOUR,
            late: None,
        }),
        Row::Closed(Closed {
            from: at("2026-11-27T17:00:00Z"),
            to: at("2026-11-30T08:00:00Z"),
            part: Part::Counts,
            lines: 5,
        }),
        Row::Left {
            lines: 120,
            counted: 320 * HOUR,
        },
    ]
}

fn told(locale: Locale, reader: Tz) -> String {
    let teller = Teller {
        locale,
        calendar: Tz::Europe__Berlin,
        reader,
    };
    teller.text(&every_row())
}

#[test]
fn each_kind_of_row_is_told_in_english() {
    insta::assert_snapshot!(told(Locale::En, Tz::Asia__Shanghai));
}

#[test]
fn each_kind_of_row_is_told_in_chinese() {
    insta::assert_snapshot!(told(Locale::ZhCn, Tz::Asia__Shanghai));
}

#[test]
fn the_other_wall_clock_is_left_out_where_it_shows_the_same() {
    let text = told(Locale::En, Tz::Europe__Paris);
    let first = text.lines().next().unwrap();
    assert_eq!(first, "- Fri 20 Nov 2026 16:00: Starts: reported (event 1)");
}

/// What is kept with a letter is read back as it was.
#[test]
fn rows_are_kept_as_facts() {
    let facts = ExplanationFacts {
        zone: Zone(Tz::Europe__Berlin),
        rows: every_row(),
    };
    let kept = serde_json::to_string(&facts).unwrap();
    assert_eq!(
        serde_json::from_str::<ExplanationFacts>(&kept).unwrap(),
        facts
    );
}

/// Names are data: they cannot break out of their line.
#[test]
fn names_stay_on_their_line() {
    let date = "2026-12-25".parse().unwrap();
    let row = line(What::Shut(Shut::Holiday(date, "Day\n- Due: never".into())));
    let teller = Teller {
        locale: Locale::En,
        calendar: Tz::UTC,
        reader: Tz::UTC,
    };
    assert_eq!(teller.text(&[row]).lines().count(), 1);
}
