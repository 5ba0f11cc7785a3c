//! Deadlines that other systems' published tests assert, answered by `redress calendar eval`.

mod sla;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::DateTime;
use redress::cli::calendar::eval;
use serde_json::Value;

/// The shared folder when it is there, else the copy beside the tests.
pub fn folder() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = root.join("../shared/vectors");
    if shared.is_dir() {
        shared
    } else {
        root.join("tests/vectors")
    }
}

pub fn cases() -> Vec<(String, Value)> {
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(folder()).expect("the folder of vectors") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|ending| ending == "jsonl") {
            let name = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            for line in std::fs::read_to_string(&path)
                .expect("a readable file")
                .lines()
            {
                cases.push((
                    name.clone(),
                    serde_json::from_str(line).expect("a JSON line"),
                ));
            }
        }
    }
    cases
}

#[test]
fn every_unambiguous_case_is_answered_as_published() {
    let mut asked: BTreeMap<String, (String, Value)> = BTreeMap::new();
    let mut questions = String::new();
    for (file, case) in cases() {
        let kind = case["kind"].as_str().unwrap_or_default();
        let ambiguous = case["ambiguous"].as_bool().unwrap_or(false);
        if matches!(kind, "add" | "sub" | "between" | "is_open") && !ambiguous {
            questions += &format!("{case}\n");
            asked.insert(case["id"].to_string(), (file, case));
        }
    }
    assert!(asked.len() > 500, "only {} cases were found", asked.len());
    let mut answers = Vec::new();
    eval(questions.as_bytes(), &mut answers).expect("answers");
    let mut wrong = Vec::new();
    let mut right: BTreeMap<String, u32> = BTreeMap::new();
    for line in String::from_utf8(answers).expect("text").lines() {
        let answer: Value = serde_json::from_str(line).expect("a JSON line");
        let (file, case) = &asked[&answer["id"].to_string()];
        let same = match case["kind"].as_str() {
            Some("between") => answer["result"].as_f64() == case["expect_s"].as_f64(),
            Some("is_open") => answer["result"] == case["expect"],
            _ => {
                instant(&answer["result"]) == instant(&case["expect"])
                    && answer["result"].is_string()
            }
        };
        if same {
            *right.entry(file.clone()).or_default() += 1;
        } else {
            wrong.push(format!("{} gives {} for {case}", answer["id"], line));
        }
    }
    println!("answered as published: {right:?}");
    assert_eq!(
        right.values().sum::<u32>() as usize + wrong.len(),
        asked.len()
    );
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(10)].join("\n")
    );
}

fn instant(value: &Value) -> Option<i64> {
    let text = value.as_str()?;
    DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|at| at.timestamp_micros())
}

#[test]
fn a_line_that_cannot_be_answered_is_named_and_the_rest_goes_on() {
    let questions = "{\"id\": 1}\nnot json\n{\"id\": 3, \"kind\": \"is_open\", \"calendar\": {\"tz\": \"UTC\", \"week\": {\"mon\": [[\"00:00\", \"24:00\"]]}}, \"at\": \"2026-11-23T12:00:00Z\"}\n{\"id\": 4, \"kind\": \"add\", \"calendar\": {\"tz\": \"Mars/Base\"}, \"start\": \"2026-11-23T12:00:00Z\", \"duration_s\": 1}\n{\"id\": 5, \"kind\": \"add\", \"calendar\": {\"tz\": \"UTC\"}, \"start\": \"2026-11-23T12:00:00Z\", \"duration_s\": 1}\n{\"id\": 6, \"kind\": \"add\", \"calendar\": {\"tz\": \"UTC\", \"week\": {\"mon\": [[\"00:00\", \"24:00\"]]}}, \"start\": \"2026-11-23T12:00:00Z\", \"duration_s\": 1000000000000000}\n";
    let mut answers = Vec::new();
    let summary = eval(questions.as_bytes(), &mut answers).expect("answers");
    let lines: Vec<Value> = String::from_utf8(answers)
        .expect("text")
        .lines()
        .map(|line| serde_json::from_str(line).expect("a JSON line"))
        .collect();
    assert_eq!((summary.answered, summary.refused), (1, 5));
    assert!(
        lines[0]["error"]
            .as_str()
            .is_some_and(|error| error.starts_with("line 1:"))
    );
    assert!(
        lines[1]["error"]
            .as_str()
            .is_some_and(|error| error.starts_with("line 2: is not JSON"))
    );
    assert_eq!(lines[2]["result"], Value::Bool(true));
    assert!(
        lines[3]["error"]
            .as_str()
            .is_some_and(|error| error.contains("Mars/Base"))
    );
    assert!(
        lines[4]["error"]
            .as_str()
            .is_some_and(|error| error.contains("too little open time"))
    );
    assert!(
        lines[5]["error"]
            .as_str()
            .is_some_and(|error| error.contains("duration_s"))
    );
}
