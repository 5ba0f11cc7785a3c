//! What is wrong with a scenario, and where.

use serde_json::{Value, json};

use super::{incident, of, office, played, played_bytes};

/// A scenario that can be played, to be spoilt.
fn good() -> Value {
    office(json!([incident(json!([
        {"at": "2026-03-02T09:00:00Z", "kind": "reported"},
        {"at": "2026-03-02T09:10:00Z", "id": "call", "kind": "responded"},
        {"at": "2026-03-02T10:00:00Z", "id": "stop", "kind": "paused", "stop": "MAINT"},
        {"at": "2026-03-02T10:05:00Z", "kind": "agreed", "concerns": "stop"}]))]))
}

#[test]
fn each_fault_is_said_at_its_path_with_the_way_out_and_nothing_is_told() {
    let commitment = "/contracts/0/terms/commitments/2";
    let event = "/incidents/0/events/2";
    let table: &[(&str, &str, Value, &str, &str)] = &[
        ("", "extra", json!(1), "extra", "calendars, people"),
        (
            "",
            "until",
            json!("2026-03-31"),
            "until",
            "2026-11-20T15:40:00Z",
        ),
        (
            "",
            "until",
            json!("9999-01-01T00:00:00Z"),
            "until",
            "1900 to 2999",
        ),
        (
            "",
            "until",
            json!("2999-01-01T00:00:00Z"),
            "until",
            "twenty years",
        ),
        (
            "/contracts/0/terms/commitments/0",
            "target",
            json!({"open_time": 1e15}),
            "contracts[0].terms.commitments[0].target",
            "string",
        ),
        (
            "/contracts/0/terms/ladder/0",
            "when",
            json!({"after_due": "PT30000H"}),
            "contracts[0].terms.ladder[0].when",
            "at most a year",
        ),
        (
            "",
            "until",
            json!("2026-03-02T10:00:00Z"),
            "incidents[0].events[3].at",
            "after the end",
        ),
        ("", "calendars", json!({}), "calendars", "must be a list"),
        (
            "/calendars/0",
            "time_zone",
            json!("CET1"),
            "calendars[0].time_zone",
            "Europe/Berlin",
        ),
        (
            "/calendars/0/week",
            "mon",
            json!([["09:00", "09:00"]]),
            "calendars[0].week.mon[0]",
            "00:00 to 24:00",
        ),
        (
            "/calendars/0",
            "week",
            json!({}),
            "contracts[0].terms.commitments[0].calendar",
            "no open time",
        ),
        (
            "/vendors/0/contacts/1",
            "calendar",
            json!("Night"),
            "vendors[0].contacts[1].calendar",
            "the scenario has Berlin office",
        ),
        (
            "/vendors/0/contacts/1",
            "rung",
            json!(7),
            "vendors[0].contacts[1].rung",
            "executive",
        ),
        (
            "/contracts/0",
            "vendor",
            json!("Acme"),
            "contracts[0].vendor",
            "there is no vendor \"Acme\"; the scenario has Northwind Carrier",
        ),
        (
            "/contracts/0",
            "vendor",
            json!(7),
            "contracts[0].vendor",
            "there is no vendor 7",
        ),
        (
            "/contracts/0",
            "vendor_id",
            json!(1),
            "contracts[0].vendor",
            "leave one out",
        ),
        (
            "/contracts/0",
            "owner",
            json!("nobody"),
            "contracts[0].owner",
            "owner@example.com",
        ),
        (
            "/contracts/0/terms",
            "remark",
            json!(""),
            "contracts[0].terms.remark",
            "not known here",
        ),
        (
            commitment,
            "calendar",
            json!("X"),
            "contracts[0].terms.commitments[2].calendar",
            "there is no calendar \"X\"; the scenario has Berlin office",
        ),
        (
            commitment,
            "calendar",
            json!({"a": 1}),
            "contracts[0].terms.commitments[2].calendar",
            "there is no calendar {\"a\":1}",
        ),
        (
            commitment,
            "calendar",
            json!(null),
            "contracts[0].terms.commitments[2].calendar_id",
            "missing",
        ),
        (
            commitment,
            "target",
            json!({"open_time": "PT1000000000000000S"}),
            "contracts[0].terms.commitments[2].target",
            "hundred years",
        ),
        (
            commitment,
            "target",
            json!({"open_time": "PT800000H"}),
            "contracts[0].terms.commitments[2].target",
            "Berlin office",
        ),
        (
            commitment,
            "target",
            json!({"business_days": 4_000_000_000_u32}),
            "contracts[0].terms.commitments[2].target",
            "3660",
        ),
        (
            "/contracts/0/terms/ladder/1",
            "to",
            json!(["team:x"]),
            "contracts[0].terms.ladder[1].to[0]",
            "there is no team x",
        ),
        (
            "/incidents/0",
            "contract",
            json!("NW"),
            "incidents[0].contract",
            "there is no contract \"NW\"; the scenario has NW-2026",
        ),
        (
            "/incidents/0",
            "title",
            json!(null),
            "incidents[0].title",
            "missing",
        ),
        (
            "/incidents/0",
            "sevirity",
            json!("S1"),
            "incidents[0].sevirity",
            "severity",
        ),
        (
            "/incidents/0",
            "events",
            json!([]),
            "incidents[0].events",
            "\"kind\": \"reported\"",
        ),
        (
            "/incidents/0",
            "events",
            json!("none"),
            "incidents[0].events",
            "must be a list",
        ),
        (
            "/incidents/0",
            "reported_at",
            json!("2026-03-02T09:00:00Z"),
            "incidents[0].events[0]",
            "reported already",
        ),
        (
            "/incidents/0",
            "cases",
            json!([{"contract": "NW-2026", "severity": "S1"}]),
            "incidents[0].cases[0]",
            "has one",
        ),
        (
            "/incidents/0",
            "cases",
            json!([{"contract": "Z", "severity": "S1"}]),
            "incidents[0].cases[0].contract",
            "no contract \"Z\"",
        ),
        (
            event,
            "at",
            json!(null),
            "incidents[0].events[2].at",
            "missing",
        ),
        (
            event,
            "at",
            json!("2026-03-02 10:00"),
            "incidents[0].events[2].at",
            "2026-11-20T15:40:00Z",
        ),
        (
            event,
            "at",
            json!("2026-03-01T10:00:00Z"),
            "incidents[0].events[2].at",
            "before the incident is reported",
        ),
        (
            event,
            "recorded_at",
            json!("2026-03-02T09:30:00Z"),
            "incidents[0].events[2].recorded_at",
            "lies before",
        ),
        (
            event,
            "kind",
            json!("slept"),
            "incidents[0].events[2].kind",
            "paused",
        ),
        (
            event,
            "colour",
            json!("red"),
            "incidents[0].events[2].colour",
            "recorded_at",
        ),
        (
            event,
            "severity",
            json!("S1"),
            "incidents[0].events[2].severity",
            "carries no severity",
        ),
        (
            "/incidents/0/events/3",
            "id",
            json!("call"),
            "incidents[0].events[3].id",
            "event 2 has it too",
        ),
        (
            "/incidents/0/events/3",
            "id",
            json!(3),
            "incidents[0].events[3].id",
            "text",
        ),
        (
            event,
            "case",
            json!("Z"),
            "incidents[0].events[2].case",
            "no contract \"Z\"",
        ),
        (
            event,
            "case",
            json!(2),
            "incidents[0].events[2].case",
            "its contract's reference",
        ),
        (
            "/incidents/0/events/3",
            "concerns",
            json!("stopp"),
            "incidents[0].events[3].concerns",
            "from 1 to 4",
        ),
        (
            "/incidents/0/events/3",
            "concerns",
            json!(9),
            "incidents[0].events[3].concerns",
            "from 1 to 4",
        ),
        (
            "/incidents/0/events/3",
            "concerns",
            json!(-1),
            "incidents[0].events[3].concerns",
            "from 1 to 4",
        ),
        (
            "/incidents/0/events/0",
            "severity",
            json!("S2"),
            "incidents[0].events[0].case",
            "names its case",
        ),
    ];
    for (object, field, wrong, path, way_out) in table {
        let mut scenario = good();
        let place = scenario
            .pointer_mut(object)
            .unwrap_or_else(|| panic!("{object}"));
        place[*field] = wrong.clone();
        let (lines, faults) = played(&scenario);
        assert_eq!(lines, Vec::<Value>::new(), "{object}/{field} = {wrong}");
        let paths: Vec<&str> = faults.iter().map(|(path, _)| path.as_str()).collect();
        let said = faults.iter().find(|(at, _)| at == path);
        let said = &said
            .unwrap_or_else(|| panic!("{object}/{field} = {wrong}: {faults:#?}"))
            .1;
        assert!(said.contains(way_out), "{object}/{field} = {wrong}: {said}");
        // What takes the ground from under others brings theirs; all else is one fault.
        assert!(
            paths.len() == 1 || ["week", "calendars"].contains(field),
            "{object}/{field} = {wrong}: {faults:#?}"
        );
    }
}

#[test]
fn faults_of_all_parts_come_at_once() {
    let mut scenario = good();
    scenario["calendars"][0]["time_zone"] = json!("Berlin");
    scenario["vendors"][0]["locale"] = json!("de");
    scenario["contracts"][0]["terms"]["currency"] = json!("XYZW");
    scenario["incidents"][0]["events"][1]["kind"] = json!("answered");
    let (_, faults) = played(&scenario);
    let paths: Vec<_> = faults.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "calendars[0].time_zone",
            "contracts[0].terms.currency",
            "incidents[0].events[1].kind",
            "vendors[0].locale"
        ]
    );
}

#[test]
fn later_versions_of_terms_are_read_even_when_the_first_is_refused() {
    let mut scenario = good();
    let mut first = scenario["contracts"][0]["terms"].clone();
    let mut second = first.clone();
    first["currency"] = json!("XYZW");
    second["commitments"][3]["calendar"] = json!("X");
    second["on_reopen"] = json!("never");
    scenario["contracts"][0]["terms"] = json!([first, second]);
    let (_, faults) = played(&scenario);
    let paths: Vec<_> = faults.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "contracts[0].terms[0].currency",
            "contracts[0].terms[1].commitments[3].calendar",
            "contracts[0].terms[1].on_reopen"
        ]
    );
}

#[test]
fn an_event_that_is_refused_while_it_is_played_names_incident_event_and_field() {
    let table: &[(Value, &str, &str)] = &[
        (
            json!({"kind": "paused", "stop": "RAIN"}),
            "incidents[0].events[2].stop",
            "ACCESS, MAINT",
        ),
        (
            json!({"kind": "severity_changed", "severity": "S9"}),
            "incidents[0].events[2].severity",
            "S1, S2",
        ),
        (
            json!({"kind": "resumed"}),
            "incidents[0].events[2].kind",
            "nothing was paused",
        ),
        (
            json!({"kind": "agreed", "concerns": 2}),
            "incidents[0].events[2].concerns",
            "not a pause",
        ),
        (
            json!({"kind": "agreed", "concerns": 4}),
            "incidents[0].events[2].concerns",
            "not recorded yet",
        ),
        (
            json!({"kind": "corrected", "corrects": 2, "reason": "x"}),
            "incidents[0].events[2].corrects",
            "say what is right",
        ),
        (
            json!({"kind": "deadline_moved"}),
            "incidents[0].events[2].kind",
            "only the service",
        ),
        (
            json!({"kind": "cancelled"}),
            "incidents[0].events[2].reason",
            "why",
        ),
        (
            json!({"kind": "handed_over", "case": "NW-2026", "to_case": "NW-2026"}),
            "incidents[0].events[2].to_case",
            "to itself",
        ),
        (
            json!({"kind": "acknowledged", "recorded_at": "2026-03-02T11:00:00Z"}),
            "incidents[0].events[2].at",
            "back-dated",
        ),
        (
            json!({"kind": "noted", "by": "ann"}),
            "incidents[0].events[2].by",
            "ann@example.com",
        ),
        (
            json!({"kind": "noted", "occurred_at": "2026-03-02T08:00:00Z"}),
            "incidents[0].events[2].occurred_at",
            "before the incident was reported",
        ),
    ];
    for (event, path, way_out) in table {
        let mut scenario = good();
        let mut event = event.clone();
        event["at"] = json!("2026-03-02T10:00:00Z");
        scenario["incidents"][0]["events"][2] = event.clone();
        scenario["incidents"][0]["events"][3] =
            json!({"at": "2026-03-02T12:00:00Z", "kind": "noted"});
        let (lines, faults) = played(&scenario);
        assert_eq!(faults.len(), 1, "{event}: {faults:#?}");
        assert_eq!(faults[0].0, *path, "{event}: {}", faults[0].1);
        assert!(faults[0].1.contains(way_out), "{event}: {}", faults[0].1);
        assert_eq!(
            of(&lines, "clock").len(),
            3,
            "what was played before is told"
        );
        assert_eq!(of(&lines, "summary").len(), 0);
    }
}

#[test]
fn a_report_that_is_refused_names_what_the_incident_says() {
    let report = |incident: Value| {
        let (lines, faults) = played(&office(json!([incident])));
        assert_eq!(lines, Vec::<Value>::new());
        assert_eq!(faults.len(), 1, "{faults:#?}");
        faults[0].clone()
    };
    let events = |at: &str| json!([{"at": at, "kind": "reported"}]);
    let mut wrong = incident(events("2026-03-02T09:00:00Z"));
    wrong["severity"] = json!("S9");
    let (path, said) = report(wrong);
    assert_eq!(path, "incidents[0].severity");
    assert!(said.contains("S1, S2"), "{said}");
    let (path, said) = report(incident(events("2025-12-31T22:59:59Z")));
    assert_eq!(path, "incidents[0].events[0].at");
    assert!(said.contains("2026-01-01"), "{said}");
}

#[test]
fn what_is_not_json_is_said_with_line_and_column() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let table: &[(&[u8], &str)] = &[
        (b"", "line 1 column 0"),
        (b"{\n  \"incidents\": [,]\n}", "line 2 column 17"),
        (b"{\"until\": 1e999}", "line 1"),
        (b"{\"until\": \"\xff\"}", "line 1"),
        (
            deep.as_bytes(),
            "recursion limit exceeded at line 1 column 128",
        ),
    ];
    for (bytes, place) in table {
        let (lines, faults) = played_bytes(bytes, 10);
        assert!(lines.is_empty());
        assert_eq!(faults.len(), 1);
        assert!(
            faults[0].1.contains("not JSON") && faults[0].1.contains(place),
            "{}",
            faults[0].1
        );
    }
    for not_a_scenario in ["[]", "7", "null", "\"x\""] {
        let (_, faults) = played_bytes(not_a_scenario.as_bytes(), 10);
        assert!(faults[0].1.contains("calendars"), "{faults:?}");
    }
}

#[test]
fn a_scenario_without_anything_ends_at_once() {
    let (lines, faults) = played_bytes(b"\xef\xbb\xbf{}", 10);
    assert_eq!(faults, []);
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["incidents"], json!([]));
}

#[test]
fn too_many_moments_end_with_a_sentence() {
    let mut scenario = office(json!([incident(
        json!([{"at": "2026-03-02T09:00:00Z", "kind": "reported"}])
    )]));
    scenario["contracts"][0]["terms"]["commitments"][0]["metric"] = json!("update");
    scenario["contracts"][0]["terms"]["commitments"][0]["target"] = json!({"open_time": "PT1S"});
    let (lines, faults) = played_bytes(scenario.to_string().as_bytes(), 40);
    assert!(lines.len() > 40);
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].0, "until");
}

#[test]
fn what_is_entered_while_it_is_played_is_said_at_its_place() {
    let window = json!({"name": "Launch", "starts_at": "2026-03-02T00:00:00Z", "ends_at": "2026-03-08T00:00:00Z",
        "commitments": [{"clause": "G", "metric": "respond", "severity": "S1", "calendar": "Berlin office", "target": {"open_time": "PT5H"}}]});
    let with = |field: &str, value: &str| {
        let mut changed = window.clone();
        changed[field] = json!(value);
        changed
    };
    let mut unknown = window.clone();
    unknown["commitments"][0]["calendar"] = json!("X");
    let windows: &[(Value, &str, &str)] = &[
        (
            window.clone(),
            "contracts[0].go_lives[0].commitments[0].target",
            "laxer",
        ),
        (
            unknown,
            "contracts[0].go_lives[0].commitments[0].calendar",
            "no calendar \"X\"",
        ),
        (
            with("entered_at", "soon"),
            "contracts[0].go_lives[0].entered_at",
            "2026-11-20T15:40:00Z",
        ),
        (
            with("entered_at", "2027-01-01T00:00:00Z"),
            "contracts[0].go_lives[0]",
            "after the end",
        ),
        (json!(7), "contracts[0].go_lives[0]", "JSON object"),
    ];
    for (value, path, way_out) in windows {
        let mut scenario = good();
        scenario["contracts"][0]["go_lives"] = json!([value]);
        let (_, faults) = played(&scenario);
        let said = faults.iter().find(|(at, _)| at == path);
        let said = &said.unwrap_or_else(|| panic!("{value}: {faults:#?}")).1;
        assert!(said.contains(way_out), "{value}: {said}");
    }
    let mut scenario = good();
    scenario["calendars"][0]["edits"] =
        json!([{"week": {}}, {"at": "2026-03-02T12:00:00Z", "time_zone": "Mars"}]);
    let (_, faults) = played(&scenario);
    let paths: Vec<_> = faults.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "calendars[0].edits[0].at",
            "calendars[0].edits[1].time_zone",
            "calendars[0].edits[1].week"
        ]
    );
    // Refused only when its moment has come: the clocks of a contract count in it.
    scenario["calendars"][0]["edits"] =
        json!([{"at": "2026-03-02T12:00:00Z", "time_zone": "Europe/Berlin", "week": {}}]);
    let (lines, faults) = played(&scenario);
    assert_eq!(faults[0].0, "calendars[0].edits[0].week");
    assert!(!lines.is_empty());
}

#[test]
fn years_that_zone_data_does_not_speak_for_are_refused_before_anything_is_played() {
    let mut scenario = good();
    for event in scenario["incidents"][0]["events"].as_array_mut().unwrap() {
        event["at"] = json!("2101-03-02T09:00:00Z");
    }
    scenario["until"] = json!("2101-03-03T09:00:00Z");
    let (lines, faults) = played(&scenario);
    assert_eq!(lines, Vec::<Value>::new());
    let paths: Vec<_> = faults.iter().map(|(path, _)| path.as_str()).collect();
    let at = |number: usize| format!("incidents[0].events[{number}].at");
    let expected: Vec<String> = (0..4).map(at).chain(["until".to_string()]).collect();
    // The calendars of the terms say the same.
    assert_eq!(paths[4..], expected);
    assert!(
        faults.iter().all(|(_, said)| said.contains("1900 to 2099")),
        "{faults:?}"
    );
}

#[test]
fn an_edit_that_leaves_too_little_open_time_is_refused_at_its_week_and_the_clocks_go_on() {
    let mut scenario = good();
    scenario["contracts"][0]["terms"]["commitments"][0]["target"] = json!({"open_time": "PT100H"});
    // One minute a week: a hundred hours of that are more than a century.
    scenario["calendars"][0]["edits"] = json!([{"at": "2026-03-02T12:00:00Z", "time_zone": "Europe/Berlin",
        "week": {"mon": [["09:00", "09:01"]]}}]);
    let (_, faults) = played(&scenario);
    assert_eq!(faults.len(), 1, "{faults:?}");
    let (path, said) = &faults[0];
    assert_eq!(path, "calendars[0].edits[0].week");
    for part in ["NW-2026", "too little open time", "give it more hours"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}
