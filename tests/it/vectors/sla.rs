//! Whole timelines that other systems' tests assert, judged by our clocks.

use std::collections::BTreeMap;
use std::sync::Arc;

use redress::domain::calendar::{Calendar, Layer};
use redress::domain::calendar_book::{CalendarBook, View};
use redress::domain::clock::{Clock, Verdict, explain, judge};
use redress::domain::terms::Promise;
use redress::domain::timeline::Fact;
use redress::domain::words::{EventKind, Metric};
use redress::domain::{CalendarId, CaseId};
use redress::time::{DAY, Moment, SECOND};
use serde_json::{Value, json};

/// What the vectors call our metrics.
const CLOCKS: [(&str, Metric); 3] = [
    ("response", Metric::Respond),
    ("update", Metric::Update),
    ("resolution", Metric::Resolve),
];

#[test]
fn every_unambiguous_timeline_is_judged_as_published() {
    let mut right: BTreeMap<String, u32> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (file, case) in super::cases() {
        if case["kind"] != "sla" || case["ambiguous"] == true {
            continue;
        }
        let faults = faults(&case);
        if faults.is_empty() {
            *right.entry(file).or_default() += 1;
        } else {
            wrong.push(format!("{}: {}\n{case}", case["id"], faults.join("; ")));
        }
    }
    println!("judged as published: {right:?}");
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(
        right.values().sum::<u32>() > 100,
        "only {right:?} were found"
    );
}

fn faults(case: &Value) -> Vec<String> {
    let promise = promise(case);
    let book = book(case);
    let facts = facts(case);
    let now = facts.iter().map(|fact| fact.at).max().unwrap_or_default() + 400 * DAY;
    let clock = |metric, facts: &[Fact]| -> Option<Clock> {
        let clocks = judge(CaseId(1), &promise, facts, &book, now).unwrap();
        let clock = clocks.into_iter().find(|clock| clock.metric == metric)?;
        let explained = explain(CaseId(1), metric, &promise, facts, &book, now).unwrap()?;
        for lap in &clock.laps {
            let told = explained.lap(lap.run, lap.interval).unwrap().unwrap();
            told.check(lap)
                .unwrap_or_else(|wrong| panic!("{}: {wrong}", case["id"]));
        }
        Some(clock)
    };
    let mut faults = Vec::new();
    for (name, metric) in CLOCKS {
        let expected = |field: &str| &case["expect"][format!("{name}_{field}")];
        let told = match metric {
            Metric::Respond => replies_only(&facts),
            _ => facts.clone(),
        };
        if let Some(due) = expected("due").as_str() {
            // A due moment is asserted as if the clock had never been stopped.
            let running = clock(metric, &unstopped(&told)).unwrap();
            let first = &running.laps[0];
            if first.due_at != Some(Moment::parse(due).unwrap()) {
                faults.push(format!("{name} is due {:?}", first.due_at));
            }
        }
        let Some(stopped) = clock(metric, &told) else {
            continue;
        };
        let lap = stopped.current();
        if let Some(consumed) = expected("consumed_s").as_i64()
            && lap.spent != consumed * SECOND
        {
            faults.push(format!("{name} used {} s", lap.spent / SECOND));
        }
        if let Some(breached) = expected("breached").as_bool()
            && (lap.verdict == Some(Verdict::Missed)) != breached
        {
            faults.push(format!("{name} is {:?}", lap.verdict));
        }
    }
    faults
}

/// To our `respond` a resolution is an answer too, and a reopening never touches it. To their response
/// only a reply is one, and a closed stretch stops it like a pause.
fn replies_only(facts: &[Fact]) -> Vec<Fact> {
    let mut facts = unstopped_by(facts, EventKind::Resolved);
    for fact in &mut facts {
        let kind = match fact.kind {
            EventKind::Resolved => EventKind::Paused,
            EventKind::Reopened => EventKind::Resumed,
            _ => continue,
        };
        (fact.kind, fact.stop) = (kind, Some("CLOSED".to_string()));
    }
    facts
}

/// The timeline without its answers.
fn unstopped(facts: &[Fact]) -> Vec<Fact> {
    unstopped_by(
        &unstopped_by(facts, EventKind::Responded),
        EventKind::Resolved,
    )
}

/// The timeline without such answers; one that was reopened stays, for that time is left out.
fn unstopped_by(facts: &[Fact], kind: EventKind) -> Vec<Fact> {
    let reopened = |at: usize| {
        facts[at..]
            .iter()
            .any(|fact| fact.kind == EventKind::Reopened)
    };
    let kept = facts
        .iter()
        .enumerate()
        .filter(|(at, fact)| fact.kind != kind || (kind == EventKind::Resolved && reopened(*at)));
    kept.map(|(_, fact)| fact.clone()).collect()
}

fn facts(case: &Value) -> Vec<Fact> {
    let events = case["events"].as_array().unwrap();
    let facts = (1..).zip(events).filter_map(|(seq, event)| {
        let kind = match event["type"].as_str().unwrap() {
            "raise" => EventKind::Reported,
            "respond" => EventKind::Responded,
            "pause" => EventKind::Paused,
            "resume" => EventKind::Resumed,
            "resolve" => EventKind::Resolved,
            "reopen" => EventKind::Reopened,
            // What the customer says is no answer of the vendor.
            "customer_update" => return None,
            other => panic!("{other} in {case}"),
        };
        Some(Fact {
            seq,
            case: Some(CaseId(1)),
            kind,
            at: Moment::parse(event["at"].as_str().unwrap()).unwrap(),
            severity: (kind == EventKind::Reported).then(|| "S1".to_string()),
            stop: (kind == EventKind::Paused).then(|| "PAUSE".to_string()),
            seconds: None,
            answer: None,
            void: false,
            to_case: None,
        })
    });
    facts.collect()
}

fn promise(case: &Value) -> Promise {
    let held = |name: &str| match case["policy"]["pause_stops"].as_array() {
        Some(names) => names.iter().any(|held| held == name),
        None => true,
    };
    let promised = CLOCKS.iter().filter_map(|(name, metric)| {
        let seconds = case["commitments"][format!("{name}_s")].as_i64()?;
        Some(
            json!({"clause": "1", "metric": metric, "severity": "S1", "calendar_id": 1,
                    "target": {"open_time": format!("PT{seconds}S")}}),
        )
    });
    let metrics: Vec<Metric> = CLOCKS
        .iter()
        .filter(|(name, _)| held(name))
        .map(|(_, metric)| *metric)
        .collect();
    serde_json::from_value(json!({
        "currency": "EUR",
        "monthly_fee": null,
        "severities": [{"code": "S1", "name": "All"}],
        "clock_stops": [
            {"code": "PAUSE", "clause": "2", "name": "Pause", "metrics": metrics, "needs_agreement": false},
            {"code": "CLOSED", "clause": "2", "name": "Closed", "metrics": ["respond"], "needs_agreement": false},
        ],
        "commitments": promised.collect::<Vec<_>>(),
        "on_severity_change": "from_start",
        "on_reopen": "continue",
        "ladder": [],
    }))
    .unwrap()
}

fn book(case: &Value) -> CalendarBook {
    let shape = &case["calendar"];
    let exception = |date: &str, windows: &Value| json!({"date": date, "name": "Exception", "windows": windows});
    let holidays = shape["holidays"].as_array().into_iter().flatten();
    let overrides = shape["overrides"].as_object().into_iter().flatten();
    let exceptions: Vec<Value> = holidays
        .filter_map(Value::as_str)
        .map(|date| exception(date, &json!([])))
        .chain(overrides.map(|(date, windows)| exception(date, windows)))
        .collect();
    let hours = json!({"time_zone": shape["tz"], "week": shape["week"], "exceptions": exceptions});
    let layer = Layer {
        from: None,
        hours: serde_json::from_value(hours).unwrap(),
    };
    let view = View {
        revision: 1,
        calendar: Arc::new(Calendar::new("Vector", vec![layer])),
    };
    let mut book = CalendarBook::default();
    book.insert(CalendarId(1), "Vector".to_string(), view, Vec::new());
    book
}
