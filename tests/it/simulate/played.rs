//! What happens in virtual time.

use serde_json::{Value, json};

use super::{incident, of, office, plays};

fn summary(lines: &[Value]) -> Value {
    lines.last().unwrap()["incidents"].clone()
}

fn text<'a>(line: &'a Value, field: &str) -> &'a str {
    line[field].as_str().unwrap_or_default()
}

#[test]
fn a_missed_answer_is_told_in_order_of_time_to_whom_the_ladder_names() {
    let lines = plays(&office(json!([incident(json!([
        {"at": "2026-03-02T09:00:00Z", "kind": "reported"},
        {"at": "2026-03-02T10:45:00Z", "kind": "responded"},
        {"at": "2026-03-02T12:00:00Z", "kind": "restored"}]))])));
    let moments: Vec<&str> = lines.iter().map(|line| text(line, "at")).collect();
    assert!(moments.is_sorted(), "{moments:?}");
    let letters: Vec<_> = of(&lines, "letter")
        .iter()
        .map(|line| {
            (
                text(line, "at"),
                text(line, "kind"),
                text(line, "to"),
                line["step"].as_i64(),
            )
        })
        .collect();
    assert_eq!(
        letters,
        [
            (
                "2026-03-02T09:00:00Z",
                "raised",
                "desk@vendor.example",
                None
            ),
            (
                "2026-03-02T09:11:15Z",
                "warned",
                "desk@vendor.example",
                Some(0)
            ),
            (
                "2026-03-02T09:11:15Z",
                "warned",
                "reporter@example.com",
                Some(0)
            ),
            (
                "2026-03-02T09:15:00Z",
                "breached",
                "duty@vendor.example",
                Some(1)
            ),
            (
                "2026-03-02T09:15:00Z",
                "breached",
                "owner@example.com",
                Some(1)
            ),
            (
                "2026-03-02T10:15:00Z",
                "escalated",
                "manager@example.com",
                Some(2)
            ),
        ]
    );
    let subject = text(of(&lines, "letter")[3], "subject");
    assert!(
        subject.contains("违约 B-1") && subject.contains("17:15"),
        "{subject}"
    );
    let breaches = of(&lines, "breach");
    assert_eq!(breaches.len(), 1);
    assert_eq!(breaches[0]["metric"], "respond");
    assert_eq!(breaches[0]["due_at"], "2026-03-02T09:15:00Z");
    let clocks: Vec<_> = of(&lines, "clock")
        .iter()
        .map(|line| {
            (
                text(line, "at"),
                text(line, "metric"),
                text(line, "state"),
                text(line, "due_at"),
            )
        })
        .collect();
    assert_eq!(
        clocks,
        [
            (
                "2026-03-02T09:00:00Z",
                "respond",
                "running",
                "2026-03-02T09:15:00Z"
            ),
            (
                "2026-03-02T09:00:00Z",
                "restore",
                "running",
                "2026-03-02T14:00:00Z"
            ),
            (
                "2026-03-02T10:45:00Z",
                "respond",
                "missed",
                "2026-03-02T09:15:00Z"
            ),
            (
                "2026-03-02T12:00:00Z",
                "restore",
                "met",
                "2026-03-02T14:00:00Z"
            ),
        ]
    );
    let summary = summary(&lines);
    assert_eq!(summary[0]["breaches"][0]["late_seconds"], 5400);
    assert_eq!(summary[0]["clocks"][1]["spent_seconds"], 9000);
    assert_eq!(text(lines.last().unwrap(), "at"), "2026-03-31T16:00:00Z");
}

#[test]
fn an_answer_at_the_due_moment_is_in_time() {
    let lines = plays(&office(json!([incident(json!([
        {"at": "2026-03-02T09:00:00Z", "kind": "reported"},
        {"at": "2026-03-02T09:15:00Z", "kind": "responded"},
        {"at": "2026-03-02T14:00:00Z", "kind": "resolved"}]))])));
    assert_eq!(of(&lines, "breach"), Vec::<&Value>::new());
    let states: Vec<_> = summary(&lines)[0]["clocks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|clock| clock["state"].clone())
        .collect();
    assert_eq!(states, ["met", "met"]);
}

#[test]
fn what_is_entered_late_ends_as_if_it_had_been_entered_live() {
    let live = json!([
        {"at": "2026-03-02T09:00:00Z", "kind": "reported"},
        {"at": "2026-03-02T09:10:00Z", "kind": "responded"},
        {"at": "2026-03-02T10:00:00Z", "kind": "paused", "stop": "ACCESS"},
        {"at": "2026-03-02T11:00:00Z", "kind": "resumed"},
        {"at": "2026-03-02T11:20:00Z", "id": "night", "kind": "paused", "stop": "MAINT"},
        {"at": "2026-03-02T11:25:00Z", "kind": "agreed", "concerns": "night"},
        {"at": "2026-03-02T13:00:00Z", "kind": "severity_changed", "severity": "S2"},
        {"at": "2026-03-03T09:00:00Z", "kind": "resumed", "stop": "MAINT"},
        {"at": "2026-03-03T16:55:00Z", "kind": "restored"}]);
    let late = |recorded_at: &[&str]| {
        let mut events = live.clone();
        for (event, recorded_at) in events.as_array_mut().unwrap().iter_mut().zip(recorded_at) {
            if !recorded_at.is_empty() {
                event["recorded_at"] = json!(recorded_at);
            }
        }
        plays(&office(json!([incident(events)])))
    };
    let at_once = late(&[]);
    assert_eq!(of(&at_once, "breach").len(), 1, "restored too late");
    // The answer and the pauses are written down in the evening, after the breaches were told.
    let evening = "2026-03-02T16:30:00Z";
    let by_and_by = late(&["", evening, evening, evening, evening, evening, evening]);
    let withdrawn: Vec<_> = of(&by_and_by, "withdrawn")
        .iter()
        .map(|line| text(line, "metric"))
        .collect();
    // Between two records of the evening the restoration was late again.
    assert_eq!(withdrawn, ["respond", "restore", "restore"]);
    // The whole incident is typed a week later.
    let week = "2026-03-10T09:00:00Z";
    let whole = late(&[week; 9]);
    // What was late only between two records of one moment is told to nobody.
    let corrected = of(&whole, "letter")
        .into_iter()
        .filter(|line| line["kind"] == "corrected");
    assert_eq!(corrected.count(), 0);
    for played in [by_and_by, whole] {
        assert_eq!(summary(&played), summary(&at_once));
    }
}

#[test]
fn a_correction_names_the_event_by_its_number_or_its_id() {
    let events = |corrects: Value, right: &str| {
        json!([
            {"at": "2026-03-02T09:00:00Z", "kind": "reported"},
            {"at": "2026-03-02T09:30:00Z", "id": "call", "kind": "responded"},
            {"at": "2026-03-02T11:00:00Z", "kind": "corrected", "corrects": corrects, "occurred_at": right, "reason": "their log"}])
    };
    for corrects in [json!(2), json!("call")] {
        let lines = plays(&office(json!([incident(events(
            corrects,
            "2026-03-02T09:12:00Z"
        ))])));
        assert_eq!(of(&lines, "withdrawn").len(), 1);
        assert_eq!(summary(&lines)[0]["clocks"][0]["state"], "met");
    }
    // `at` is when the corrected event happened, once `recorded_at` says when the correction was made.
    let lines = plays(&office(json!([incident(json!([
        {"at": "2026-03-02T09:00:00Z", "kind": "reported"},
        {"at": "2026-03-02T09:30:00Z", "kind": "responded"},
        {"at": "2026-03-02T09:12:00Z", "recorded_at": "2026-03-02T11:00:00Z", "kind": "corrected", "corrects": 2, "reason": "their log"}]))])));
    assert_eq!(
        summary(&lines)[0]["clocks"][0]["stopped_at"],
        "2026-03-02T09:12:00Z"
    );
    let taken_back = plays(&office(json!([incident(json!([
        {"at": "2026-03-02T09:00:00Z", "kind": "reported"},
        {"at": "2026-03-02T09:10:00Z", "kind": "responded"},
        {"at": "2026-03-02T11:00:00Z", "kind": "corrected", "corrects": 2, "taken_back": true, "reason": "another incident"}]))])));
    assert_eq!(summary(&taken_back)[0]["clocks"][0]["state"], "running");
    assert_eq!(of(&taken_back, "breach")[0]["late_seconds"], 6300);
}

#[test]
fn several_vendors_answer_for_their_parts() {
    let mut scenario = office(json!([
        {"contract": "NW-2026", "severity": "S1", "title": "Payments fail",
         "cases": [{"contract": "ACME-1", "severity": "S2", "vendor_reference": "A-7"}],
         "events": [
            {"at": "2026-03-02T09:00:00Z", "kind": "reported", "case": "NW-2026"},
            {"at": "2026-03-02T09:30:00Z", "kind": "reported", "case": "ACME-1"},
            {"at": "2026-03-02T09:40:00Z", "kind": "responded", "case": "ACME-1"},
            {"at": "2026-03-02T12:00:00Z", "kind": "resolved"}]},
        {"contract": "NW-2026", "severity": "S2", "title": "Both at once",
         "cases": [{"contract": "ACME-1", "severity": "S1"}],
         "events": [{"at": "2026-03-03T09:00:00Z", "kind": "reported"},
                    {"at": "2026-03-03T09:05:00Z", "kind": "cancelled", "case": 2, "reason": "not theirs"}]}]));
    let mut second = scenario["contracts"][0].clone();
    second["reference"] = json!("ACME-1");
    scenario["contracts"].as_array_mut().unwrap().push(second);
    let lines = plays(&scenario);
    let summary = summary(&lines);
    let state = |incident: usize, case: &str, metric: &str| {
        let clocks = summary[incident]["clocks"].as_array().unwrap();
        let clock = clocks
            .iter()
            .find(|clock| clock["case"] == case && clock["metric"] == metric)
            .unwrap();
        (
            clock["state"].as_str().unwrap().to_string(),
            clock["started_at"].as_str().unwrap().to_string(),
        )
    };
    assert_eq!(
        state(0, "NW-2026", "respond"),
        ("missed".to_string(), "2026-03-02T09:00:00Z".to_string())
    );
    assert_eq!(
        state(0, "ACME-1", "respond"),
        ("met".to_string(), "2026-03-02T09:30:00Z".to_string())
    );
    assert_eq!(state(1, "NW-2026", "respond").0, "running");
    assert_eq!(state(1, "ACME-1", "respond").0, "cancelled");
}

#[test]
fn a_hand_over_names_both_cases_by_their_contracts() {
    let mut scenario = office(json!([incident(json!([
        {"at": "2026-03-02T09:00:00Z", "kind": "reported", "case": "NW-2026"},
        {"at": "2026-03-02T09:10:00Z", "kind": "responded", "case": "NW-2026"},
        {"at": "2026-03-02T09:20:00Z", "kind": "reported", "case": "NW-2027"},
        {"at": "2026-03-02T09:21:00Z", "kind": "handed_over", "case": "NW-2026", "to_case": "NW-2027"},
        {"at": "2026-03-02T09:22:00Z", "kind": "responded", "case": "NW-2027"},
        {"at": "2026-03-02T09:30:00Z", "kind": "resolved"}
    ]))]));
    let mut second = scenario["contracts"][0].clone();
    second["reference"] = json!("NW-2027");
    scenario["contracts"].as_array_mut().unwrap().push(second);
    let lines = plays(&scenario);
    assert_eq!(of(&lines, "breach").len(), 0);
    // Before its vendor is told there is nobody to hand over to.
    scenario["incidents"][0]["events"][3]["at"] = json!("2026-03-02T09:15:00Z");
    let (_, faults) = crate::simulate::played(&scenario);
    assert_eq!(faults[0].0, "incidents[0].events[3].to_case", "{faults:?}");
}

#[test]
fn the_shapes_and_numbers_of_the_api_are_taken_as_they_are() {
    let mut scenario = office(json!([
        {"contract_id": 1, "severity": "S1", "title": "Frankfurt is cut off", "reported_at": "2026-03-02T09:00:00Z", "drill": true}]));
    for commitment in scenario["contracts"][0]["terms"]["commitments"]
        .as_array_mut()
        .unwrap()
    {
        commitment.as_object_mut().unwrap().remove("calendar");
        commitment["calendar_id"] = json!(1);
    }
    let contract = scenario["contracts"][0].as_object_mut().unwrap();
    contract.remove("vendor");
    contract.insert("vendor_id".to_string(), json!(1));
    let lines = plays(&scenario);
    assert_eq!(of(&lines, "breach").len(), 2);
    assert!(
        of(&lines, "letter").iter().all(|letter| ["DRILL", "演练"]
            .iter()
            .any(|word| text(letter, "subject").contains(word))),
        "{lines:#?}"
    );
}

#[test]
fn the_version_of_the_terms_in_force_at_the_report_judges() {
    let mut scenario = office(json!([
        incident(json!([{"at": "2026-03-02T09:00:00Z", "kind": "reported"}])),
        incident(json!([{"at": "2026-03-05T09:00:00Z", "kind": "reported"}]))
    ]));
    let first = scenario["contracts"][0]["terms"].clone();
    let mut second = first.clone();
    second["effective_from"] = json!("2026-03-04");
    second["commitments"][0]["target"] = json!({"open_time": "PT5M"});
    scenario["contracts"][0]["terms"] = json!([first, second]);
    let lines = plays(&scenario);
    let due: Vec<_> = of(&lines, "breach")
        .iter()
        .filter(|line| line["metric"] == "respond")
        .map(|line| text(line, "due_at"))
        .collect();
    assert_eq!(due, ["2026-03-02T09:15:00Z", "2026-03-05T09:05:00Z"]);
}

#[test]
fn a_step_without_anybody_is_told_as_passed_over() {
    let mut scenario = office(json!([incident(
        json!([{"at": "2026-03-02T09:00:00Z", "kind": "reported"}])
    )]));
    // Listed people are all there are.
    scenario["people"] = json!([{"email": "ann@example.com", "name": "Ann", "role": "engineer", "time_zone": "Europe/Berlin"}]);
    let lines = plays(&scenario);
    let passed: Vec<_> = of(&lines, "step")
        .into_iter()
        .filter(|line| line["deed"] == "empty")
        .collect();
    assert!(
        !passed.is_empty() && passed.iter().all(|line| line["step"] == 2),
        "{passed:#?}"
    );
    assert!(
        of(&lines, "letter")
            .iter()
            .all(|line| line["kind"] != "escalated")
    );
}

#[test]
fn reports_come_round_and_a_scenario_without_end_ends_when_nothing_more_is_due() {
    let mut scenario = office(json!([incident(json!([
        {"at": "2026-03-30T08:00:00Z", "kind": "reported"},
        {"at": "2026-03-30T08:05:00Z", "kind": "resolved"}]))]));
    scenario.as_object_mut().unwrap().remove("until");
    assert_eq!(
        text(plays(&scenario).last().unwrap(), "at"),
        "2026-03-30T08:05:00Z"
    );
    scenario["schedules"] = json!([{"name": "Monthly", "cron": "0 8 1 * *", "time_zone": "Europe/Berlin", "recipients": ["max@example.com"], "vendor": "Northwind Carrier"}]);
    scenario["until"] = json!("2026-04-02T00:00:00Z");
    let lines = plays(&scenario);
    assert_eq!(of(&lines, "routine").len(), 1);
    let report = of(&lines, "letter")
        .into_iter()
        .find(|line| line["kind"] == "report")
        .unwrap();
    assert_eq!(
        (text(report, "at"), text(report, "to")),
        ("2026-04-01T06:00:00Z", "max@example.com")
    );
}

#[test]
fn a_go_live_window_and_new_terms_count_from_their_entry_on() {
    let report = |at: &str| incident(json!([{"at": at, "kind": "reported"}]));
    let mut scenario = office(json!([
        report("2026-03-02T09:00:00Z"),
        report("2026-03-04T09:00:00Z"),
        report("2026-03-06T09:00:00Z"),
        report("2026-03-10T09:00:00Z")
    ]));
    let window = |name: &str, target: &str, entered_at: &str| {
        json!({"name": name, "starts_at": "2026-03-02T00:00:00Z", "ends_at": "2026-03-08T00:00:00Z", "entered_at": entered_at,
            "commitments": [{"clause": "G", "metric": "respond", "severity": "S1", "calendar": "Berlin office", "target": {"open_time": target}}],
            "command_post": ["person:post@example.com"]})
    };
    scenario["contracts"][0]["go_lives"] = json!([
        window("Launch", "PT5M", "2026-03-01T00:00:00Z"),
        window("Second thoughts", "PT2M", "2026-03-05T00:00:00Z")
    ]);
    let mut terms = scenario["contracts"][0]["terms"].clone();
    let first = terms.clone();
    terms["effective_from"] = json!("2026-03-01");
    terms["entered_at"] = json!("2026-03-09T00:00:00Z");
    terms["commitments"][0]["target"] = json!({"open_time": "PT1M"});
    scenario["contracts"][0]["terms"] = json!([first, terms]);
    let lines = plays(&scenario);
    let due: Vec<_> = of(&lines, "breach")
        .iter()
        .filter(|line| line["metric"] == "respond")
        .map(|line| text(line, "due_at"))
        .collect();
    assert_eq!(
        due,
        [
            "2026-03-02T09:05:00Z",
            "2026-03-04T09:05:00Z",
            "2026-03-06T09:02:00Z",
            "2026-03-10T09:01:00Z"
        ]
    );
    let to_post = of(&lines, "letter")
        .iter()
        .filter(|line| line["to"] == "post@example.com")
        .count();
    assert!(to_post > 0);
}

#[test]
fn an_edited_calendar_moves_a_running_deadline() {
    let mut scenario = office(json!([incident(json!([
        {"at": "2026-03-02T16:00:00Z", "kind": "reported"},
        {"at": "2026-03-02T16:05:00Z", "kind": "responded"},
        {"at": "2026-03-04T16:00:00Z", "kind": "restored"}]))]));
    let mut edit = scenario["calendars"][0].clone();
    edit["at"] = json!("2026-03-02T17:30:00Z");
    edit["exceptions"] = json!([{"date": "2026-03-03", "name": "Strike", "windows": []}]);
    scenario["calendars"][0]["edits"] = json!([edit]);
    let lines = plays(&scenario);
    let moved: Vec<_> = of(&lines, "clock")
        .iter()
        .filter(|line| line["metric"] == "restore")
        .map(|line| (text(line, "at"), text(line, "due_at")))
        .collect();
    assert_eq!(
        moved[..2],
        [
            ("2026-03-02T16:00:00Z", "2026-03-03T11:00:00Z"),
            ("2026-03-02T17:30:00Z", "2026-03-04T11:00:00Z")
        ]
    );
}

#[test]
fn terms_that_are_applied_to_the_past_change_what_was_judged() {
    let mut scenario = office(json!([incident(json!([
        {"at": "2026-03-02T09:00:00Z", "kind": "reported"},
        {"at": "2026-03-02T09:30:00Z", "kind": "responded"},
        {"at": "2026-03-02T10:00:00Z", "kind": "resolved"}]))]));
    let first = scenario["contracts"][0]["terms"].clone();
    let mut second = first.clone();
    second["commitments"][0]["target"] = json!({"open_time": "PT45M"});
    second["entered_at"] = json!("2026-03-05T09:00:00Z");
    second["apply_from"] = json!("2026-03-01");
    second["effective_from"] = json!("2026-03-01");
    scenario["contracts"][0]["terms"] = json!([first, second]);
    let lines = plays(&scenario);
    let withdrawn = of(&lines, "withdrawn");
    assert_eq!(withdrawn.len(), 1, "{lines:#?}");
    assert_eq!(text(withdrawn[0], "at"), "2026-03-05T09:00:00Z");
    assert_eq!(summary(&lines)[0]["clocks"][0]["target_seconds"], 2700);
}
