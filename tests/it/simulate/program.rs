//! `redress simulate` as scripts use it.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{incident, office, scenarios};
use crate::cli::{run, text};

#[test]
fn every_example_of_the_documentation_prints_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let mut played = 0;
    let mut files: Vec<PathBuf> = std::fs::read_dir(scenarios())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let output = run(
            folder.path(),
            &["simulate", &file.display().to_string()],
            "",
        );
        assert!(output.status.success(), "{name}: {}", text(&output.stderr));
        insta::with_settings!({snapshot_path => "../snapshots/scenarios", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!(name, text(&output.stdout));
        });
        played += 1;
    }
    assert!(played >= 3, "only {played} examples were found");
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "nothing is left where it was run");
}

#[test]
fn a_scenario_is_read_from_standard_input_and_printed_as_json_lines() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = office(json!([incident(
        json!([{"at": "2026-03-02T09:00:00Z", "kind": "reported"}])
    )]));
    let output = run(folder.path(), &["simulate", "-"], &scenario.to_string());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines: Vec<Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(
        lines
            .iter()
            .all(|line| line["at"].is_string() && line["what"].is_string())
    );
    assert_eq!(lines.last().unwrap()["what"], "summary");
}

#[test]
fn wrong_input_exits_with_2_and_keeps_the_two_outputs_apart() {
    let folder = tempfile::tempdir().unwrap();
    let refused = office(json!([incident(json!([
        {"at": "2026-03-02T09:00:00Z", "kind": "reported"},
        {"at": "2026-03-02T09:20:00Z", "kind": "paused", "stop": "RAIN"}]))]));
    let output = run(folder.path(), &["simulate", "-"], &refused.to_string());
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).starts_with("error: incidents[0].events[1].stop: "),
        "{}",
        text(&output.stderr)
    );
    let told = text(&output.stdout);
    assert!(
        told.ends_with('\n') && told.contains("\"breach\""),
        "{told}"
    );
    assert!(
        told.lines()
            .all(|line| serde_json::from_str::<Value>(line).is_ok())
    );

    for (input, said) in [("{\n oops", "line 2 column 2"), ("{\"untl\": 1}", "untl: ")] {
        let output = run(folder.path(), &["simulate", "-"], input);
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(text(&output.stdout), "");
        assert!(
            text(&output.stderr).contains(said),
            "{}",
            text(&output.stderr)
        );
    }
    let output = run(folder.path(), &["simulate", "none.json"], "");
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("none.json: cannot be read"),
        "{}",
        text(&output.stderr)
    );
}
