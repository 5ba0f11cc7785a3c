//! Whatever stands in a scenario or a question, it is answered in a sentence or played, never a panic.
//!
//! `PROPTEST_CASES` says how many inputs are tried; without it there are few, so that the tests stay
//! quick.

use proptest::prelude::*;
use proptest::sample::Index;
use redress::cli::calendar::eval;
use redress::domain::calendar::{Calendar, Hours, Layer};
use redress::simulate::Scenario;
use redress::time::{Moment, SECOND};
use serde_json::{Value, json};

use super::{played_bytes, scenarios};

/// Few cases unless the environment asks for more.
fn cases(usual: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok();
    let cases = asked
        .and_then(|number| number.parse().ok())
        .unwrap_or(usual);
    ProptestConfig {
        cases,
        // What fails is shown as it is; the seeds would be files in the repository.
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// The examples of the documentation.
fn examples() -> Vec<Value> {
    let mut files: Vec<_> = std::fs::read_dir(scenarios())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
        .iter()
        .map(|file| serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap())
        .collect()
}

/// What is put in the place of something that was right.
fn nasty() -> impl Strategy<Value = Value> {
    let values = [
        json!(null),
        json!(true),
        json!(0),
        json!(1),
        json!(-1),
        json!(2),
        json!(1e15),
        json!(1_000_000_000_000_000_i64),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(1.5),
        json!(1e308),
        json!(""),
        json!(" "),
        json!("S1"),
        json!("PT0S"),
        json!("PT1S"),
        json!("PT0.000001S"),
        json!("PT1000000000000000S"),
        json!("PT876000H"),
        json!("P1D"),
        json!("24:00"),
        json!("25:00"),
        json!("00:00"),
        json!("02:30"),
        json!("0001-01-01"),
        json!("1900-01-01"),
        json!("2026-03-29"),
        json!("2026-02-30"),
        json!("9999-12-31"),
        json!("2999-12-31"),
        json!("0001-01-01T00:00:00Z"),
        json!("1900-01-01T00:00:00Z"),
        json!("2026-10-25T02:30:00+02:00"),
        json!("2026-11-16T10:00:00Z"),
        json!("2099-12-31T23:59:59.999999Z"),
        json!("2999-12-31T23:59:59Z"),
        json!("9999-12-31T23:59:59Z"),
        json!("2016-12-31T23:59:60Z"),
        json!("Pacific/Apia"),
        json!("Africa/Casablanca"),
        json!("Australia/Lord_Howe"),
        json!("America/St_Johns"),
        json!("Mars/Base"),
        json!("vendor:1"),
        json!("vendor:9"),
        json!("role:manager"),
        json!("person:x@example.com"),
        json!("owner"),
        json!("@"),
        json!("reported"),
        json!("responded"),
        json!("updated"),
        json!("promised"),
        json!("worked_around"),
        json!("restored"),
        json!("resolved"),
        json!("confirmed"),
        json!("rejected"),
        json!("reopened"),
        json!("paused"),
        json!("agreed"),
        json!("refused"),
        json!("resumed"),
        json!("severity_changed"),
        json!("data_loss"),
        json!("cause_explained"),
        json!("handed_over"),
        json!("acknowledged"),
        json!("noted"),
        json!("corrected"),
        json!("cancelled"),
        json!("deadline_moved"),
        json!("erased"),
        json!("respond"),
        json!("update"),
        json!("root_cause"),
        json!("from_change"),
        json!("carry_fraction"),
        json!("restart"),
        json!("as_if_never_resolved"),
        json!("recipient_hours"),
        json!([]),
        json!({}),
        json!([[]]),
        json!([null]),
        json!({"business_days": 0}),
        json!({"business_days": 3660, "at": "02:30"}),
        json!({"business_days": 1, "at": "close"}),
        json!({"open_time": "PT0S"}),
        json!({"open_time": "PT1S"}),
        json!({"open_time": "PT87600H"}),
        json!({"percent": 1000}),
        json!({"before_due": "PT1000H"}),
        json!({"after_due": "PT0S", "measured": "elapsed"}),
        json!({"every": "PT1S", "times": 100}),
        json!([["00:00", "24:00"]]),
        json!([["22:00", "06:00"], ["05:00", "04:59"]]),
        json!("\u{0}"),
        json!("\u{202e}\u{1f525}"),
        json!("{% raw %}{{ 7 * 7 }}\r\nBcc: x@example.com"),
    ];
    prop_oneof![
        8 => prop::sample::select(values.to_vec()),
        1 => any::<i64>().prop_map(|number| json!(number)),
        1 => ".{0,12}".prop_map(|text| json!(text)),
    ]
}

/// One change of a document.
#[derive(Clone, Debug)]
enum Change {
    /// Something else stands there.
    Put(Index, Value),
    /// A field or item is missing.
    Drop(Index),
    /// A field has another name.
    Rename(Index, &'static str),
    /// A list has an item twice.
    Double(Index),
    /// Two things have changed places.
    Swap(Index, Index),
}

fn change() -> impl Strategy<Value = Change> {
    let names = [
        "at",
        "kind",
        "id",
        "case",
        "by",
        "stop",
        "severity",
        "recorded_at",
        "corrects",
        "concerns",
        "calendar",
        "extra",
        "promised_for",
        "seconds",
        "void",
        "terms",
        "cases",
    ];
    prop_oneof![
        6 => (any::<Index>(), nasty()).prop_map(|(place, value)| Change::Put(place, value)),
        2 => any::<Index>().prop_map(Change::Drop),
        2 => (any::<Index>(), prop::sample::select(names.to_vec())).prop_map(|(place, name)| Change::Rename(place, name)),
        2 => any::<Index>().prop_map(Change::Double),
        2 => (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Change::Swap(a, b)),
    ]
}

/// The place of everything in a document, as pointers.
fn places(value: &Value, at: String, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                places(value, format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                places(item, format!("{at}/{number}"), found);
            }
        }
        _ => {}
    }
    found.push(at);
}

fn changed(document: &mut Value, change: &Change) {
    let mut all = Vec::new();
    places(document, String::new(), &mut all);
    let pick = |index: &Index| index.get(&all).clone();
    let parent = |pointer: &str| {
        pointer.rsplit_once('/').map(|(parent, last)| {
            (
                parent.to_string(),
                last.replace("~1", "/").replace("~0", "~"),
            )
        })
    };
    match change {
        Change::Put(place, value) => *document.pointer_mut(&pick(place)).unwrap() = value.clone(),
        Change::Drop(place) | Change::Rename(place, _) | Change::Double(place) => {
            let Some((above, last)) = parent(&pick(place)) else {
                return;
            };
            match (document.pointer_mut(&above).unwrap(), change) {
                (Value::Object(fields), Change::Rename(_, name)) => {
                    let value = fields.remove(&last).unwrap();
                    fields.insert((*name).to_string(), value);
                }
                (Value::Object(fields), Change::Drop(_)) => {
                    fields.remove(&last);
                }
                (Value::Array(items), Change::Drop(_)) => {
                    items.remove(last.parse().unwrap());
                }
                (Value::Array(items), Change::Double(_)) => {
                    let item = items[last.parse::<usize>().unwrap()].clone();
                    items.push(item);
                }
                _ => {}
            }
        }
        Change::Swap(a, b) => {
            let (a, b) = (pick(a), pick(b));
            let (first, second) = (
                document.pointer(&a).unwrap().clone(),
                document.pointer(&b).unwrap().clone(),
            );
            *document.pointer_mut(&a).unwrap() = second;
            if let Some(place) = document.pointer_mut(&b) {
                *place = first;
            }
        }
    }
}

/// Plays it; whatever it is, it ends with a summary or with faults that can be read, and time never
/// runs backwards in what is told.
fn is_answered(bytes: &[u8]) {
    let (lines, faults) = played_bytes(bytes, 120);
    let moments: Vec<Moment> = lines
        .iter()
        .map(|line| line["at"].as_str().unwrap().parse().unwrap())
        .collect();
    assert!(moments.is_sorted());
    let has_ended = lines.last().is_some_and(|line| line["what"] == "summary");
    assert_eq!(has_ended, faults.is_empty());
    for (path, message) in faults {
        assert!(!message.is_empty(), "{path} has no sentence");
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn bytes_at_random_are_no_scenario(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok((_, faults)) = Scenario::read(&bytes) {
            let _ = faults.into_vec();
        }
    }

    #[test]
    fn an_example_with_bytes_changed_is_answered(
        example in any::<Index>(),
        changes in prop::collection::vec((any::<Index>(), any::<u8>(), 0..3_u8), 1..6),
    ) {
        let mut bytes = example.get(&examples()).to_string().into_bytes();
        for (place, byte, how) in changes {
            let place = place.index(bytes.len());
            match how {
                0 => bytes[place] = byte,
                1 => bytes.insert(place, byte),
                _ => { bytes.remove(place); }
            }
        }
        if let Ok((_, faults)) = Scenario::read(&bytes) {
            let _ = faults.into_vec();
        }
    }
}

proptest! {
    #![proptest_config(cases(40))]

    #[test]
    fn an_example_with_things_changed_is_played_or_refused(
        example in any::<Index>(),
        changes in prop::collection::vec(change(), 1..4),
    ) {
        let mut document = example.get(&examples()).clone();
        for change in &changes {
            changed(&mut document, change);
        }
        is_answered(document.to_string().as_bytes());
    }
}

fn question() -> Value {
    json!({"id": 1, "kind": "add", "start": "2026-03-29T01:30:00+01:00", "end": "2026-11-01T00:00:00Z", "at": "2026-10-25T00:30:00Z",
        "duration_s": 3600, "calendar": {"tz": "Europe/Berlin", "week": {"mon": [["09:00", "17:00"]], "sun": [["22:00", "06:00"], ["01:00", "04:00"]]},
            "holidays": ["2026-12-25"], "overrides": {"2026-12-24": [["09:00", "12:00"]]}}})
}

/// The hours of a question, as a calendar of our own.
fn calendar_of(question: &Value) -> Calendar {
    let shape = &question["calendar"];
    let mut exceptions: Vec<Value> = Vec::new();
    for date in shape["holidays"].as_array().into_iter().flatten() {
        exceptions.push(json!({"date": date, "name": "", "windows": []}));
    }
    for (date, windows) in shape["overrides"].as_object().into_iter().flatten() {
        exceptions.push(json!({"date": date, "name": "", "windows": windows}));
    }
    let week = shape.get("week").cloned().unwrap_or(json!({}));
    let hours: Hours = serde_json::from_value(
        json!({"time_zone": shape["tz"], "week": week, "exceptions": exceptions}),
    )
    .unwrap();
    Calendar::new("in question", vec![Layer { from: None, hours }])
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn a_question_with_things_changed_is_answered_in_open_time_or_refused(
        kind in prop::sample::select(vec!["add", "sub", "between", "is_open"]),
        changes in prop::collection::vec(change(), 0..4),
    ) {
        let mut asked = question();
        asked["kind"] = json!(kind);
        for change in &changes {
            changed(&mut asked, change);
        }
        let mut answers = Vec::new();
        let summary = eval(asked.to_string().as_bytes(), &mut answers).unwrap();
        prop_assert_eq!(summary.answered + summary.refused, 1);
        let answer: Value = serde_json::from_slice(&answers).unwrap();
        let Some(result) = answer.get("result") else {
            prop_assert!(answer["error"].as_str().unwrap().starts_with("line 1: "));
            return Ok(());
        };
        // What was answered is right: a deadline lies after its start, and ends open time.
        let kind = asked["kind"].as_str().unwrap();
        if let ("add" | "sub", Some(found)) = (kind, result.as_str()) {
            let found: Moment = found.parse().unwrap();
            let start: Moment = asked["start"].as_str().unwrap().parse().unwrap();
            let calendar = calendar_of(&asked);
            let budget = asked["duration_s"].as_f64().unwrap();
            let (from, to) = if kind == "add" { (start, found) } else { (found, start) };
            prop_assert!(from <= to, "{asked}: {answer}");
            let open = calendar.open_between(from, to).unwrap();
            prop_assert!((open as f64 - budget * SECOND as f64).abs() <= 1.0, "{asked}: {answer}, open {open}");
            if budget > 0.0 {
                let inside = if kind == "add" { found - 1 } else { found };
                prop_assert!(calendar.is_open(inside).unwrap(), "{asked}: {answer}");
            }
        }
    }

    #[test]
    fn bytes_at_random_are_answered_line_by_line(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        let mut answers = Vec::new();
        let summary = eval(bytes.as_slice(), &mut answers).unwrap();
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count() as u64;
        prop_assert_eq!(summary.answered + summary.refused, lines);
    }
}
