//! The whole example of the published interface, and what is refused, through the API.

use redress::domain::person::Role;
use serde_json::{Value, json};

use crate::service::{Caller, on_both};

fn calendar() -> Value {
    json!({
        "name": "Berlin office", "time_zone": "Europe/Berlin",
        "week": {"mon": [["09:00","12:30"],["13:30","18:00"]], "tue": [["09:00","18:00"]], "fri": [["22:00","06:00"]]},
        "exceptions": [{"date": "2026-12-25", "name": "Christmas", "windows": []},
                       {"date": "2026-12-24", "name": "Christmas Eve", "windows": [["09:00","12:00"]]}]
    })
}

fn vendor() -> Value {
    json!({
        "name": "Northwind Carrier", "time_zone": "Europe/Berlin", "locale": "en",
        "contacts": [
            {"name": "Service desk", "email": "desk@vendor.example", "rung": 1},
            {"name": "Duty manager", "email": "duty@vendor.example", "rung": 2,
             "time_zone": "Asia/Shanghai", "locale": "zh-CN"}]
    })
}

fn terms() -> Value {
    json!({
        "effective_from": "2026-01-01", "currency": "EUR", "monthly_fee": 1_200_000,
        "severities": [{"code": "S1", "name": "Critical", "criteria": "A site is down"},
                       {"code": "S2", "name": "Major"}],
        "clock_stops": [{"code": "ACCESS", "clause": "7.4", "name": "No access to the site",
                         "metrics": ["restore","resolve"], "needs_agreement": false}],
        "commitments": [
            {"clause": "5.1", "metric": "respond", "severity": "S1", "calendar_id": 1, "target": {"open_time": "PT15M"}},
            {"clause": "5.2", "metric": "update",  "severity": "S1", "calendar_id": 1, "target": {"open_time": "PT1H"}},
            {"clause": "5.3", "metric": "restore", "severity": "S1", "calendar_id": 1, "target": {"open_time": "PT4H"}},
            {"clause": "5.4", "metric": "resolve", "severity": "S2", "calendar_id": 1,
             "target": {"business_days": 2, "at": "16:00"}}],
        "on_severity_change": "from_start", "on_reopen": "continue", "confirmation": null,
        "ladder": [
            {"when": {"percent": 75},               "to": ["vendor:1", "reporter"], "by": ["email"]},
            {"when": {"before_due": "PT30M"},       "to": ["owner"],                "by": ["email"], "metrics": ["restore"]},
            {"when": {"at_due": true},              "to": ["vendor:2", "owner"],    "by": ["email"]},
            {"when": {"after_due": "PT1H", "measured": "elapsed"}, "to": ["role:manager"], "by": ["email"],
             "repeat": {"every": "PT1H", "times": 8, "until": "acknowledged"}, "hold": "recipient_hours",
             "severities": ["S2"]}]
    })
}

fn contract() -> Value {
    json!({
        "vendor_id": 1, "reference": "NW-2026", "title": "Wide area network", "owner": "owner@example.com",
        "time_zone": "Europe/Berlin", "effective_from": "2026-01-01", "effective_to": null,
        "terms": terms()
    })
}

/// Enters the whole example.
fn enter_all(program: &Caller<'_>) {
    for (path, body) in [
        ("calendars", calendar()),
        ("vendors", vendor()),
        ("contracts", contract()),
    ] {
        let answer = program.post(&format!("/api/v1/{path}"), &body);
        assert_eq!(answer.status, 201, "{path}: {}", answer.text);
        assert_eq!(answer.header("location"), format!("/api/v1/{path}/1"));
    }
}

#[test]
fn the_whole_example_is_entered_and_read_again() {
    on_both(|service| {
        let program = service.program(Role::Procurement);
        enter_all(&program);

        let vendor = program.get("/api/v1/vendors/V-1");
        assert_eq!((vendor.status, vendor.header("etag")), (200, "\"1\""));
        let vendor = vendor.json();
        assert_eq!(vendor["reference"], "V-1");
        assert_eq!(vendor["contacts"][1]["locale"], "zh-CN");
        assert_eq!(vendor["contacts"][0]["time_zone"], Value::Null);

        let found = program.get("/api/v1/calendars/1").json();
        for field in ["name", "time_zone", "week"] {
            assert_eq!(found[field], calendar()[field], "{field}");
        }
        assert_eq!(found["exceptions"][0]["date"], "2026-12-24");
        assert_eq!(found["holidays_reach"], "2026-12-31");
        assert_eq!(found["revisions"][0]["from_date"], Value::Null);

        let contract = program.get("/api/v1/contracts/NW-2026").json();
        let mut shown = contract["terms"][0].clone();
        assert_eq!(shown["number"], 1);
        assert_eq!(
            contract["warnings"][0]["message"],
            "nobody of us has the role manager"
        );
        for field in ["id", "number", "entered_at"] {
            shown.as_object_mut().unwrap().remove(field);
        }
        // What is shown can be sent again as the next version.
        let again = program.post("/api/v1/contracts/1/terms", &shown);
        assert_eq!(again.status, 201, "{}", again.text);
        assert_eq!(again.json()["number"], 2);

        let list = program.get("/api/v1/contracts?vendor=V-1").json();
        assert_eq!(list["items"][0]["vendor"], "Northwind Carrier");
        assert_eq!(list["next"], Value::Null);
    });
}

#[test]
fn the_default_ladder_is_shown_where_none_was_given() {
    on_both(|service| {
        let program = service.program(Role::Procurement);
        program.post("/api/v1/calendars", &calendar());
        program.post("/api/v1/vendors", &vendor());
        let mut body = contract();
        body["terms"].as_object_mut().unwrap().remove("ladder");
        let shown = program.post("/api/v1/contracts", &body).json();
        assert_eq!(
            shown["terms"][0]["ladder"][2],
            json!({"when": {"after_due": "PT1H", "measured": "elapsed"}, "to": ["vendor:3", "role:manager"],
                   "by": ["email"], "repeat": {"every": "PT1H", "times": 3, "until": "acknowledged"},
                   "hold": "at_once"})
        );
    });
}

#[test]
fn each_fault_of_the_input_is_named_and_nothing_is_kept() {
    on_both(|service| {
        let program = service.program(Role::Procurement);
        let mut wrong = calendar();
        wrong["time_zone"] = json!("Europe/Berln");
        wrong["exceptions"][1]["date"] = json!("2026-12-25");
        wrong["open"] = json!(true);
        let fields = program.post("/api/v1/calendars", &wrong).problem(422);
        assert_eq!(fields, ["exceptions[1].date", "open", "time_zone"]);

        enter_all(&program);
        let mut wrong = contract();
        wrong["effective_to"] = json!("2025-12-31");
        wrong["terms"]["commitments"][0]["severity"] = json!("S9");
        wrong["terms"]["ladder"][0]["to"] = json!(["vendor:7"]);
        let fields = program.post("/api/v1/contracts", &wrong).problem(422);
        assert_eq!(
            fields,
            [
                "effective_to",
                "terms.commitments[0].severity",
                "terms.ladder[0].to[0]"
            ]
        );
        assert_eq!(
            program.post("/api/v1/contracts", &contract()).problem(422),
            ["reference"]
        );
        assert_eq!(
            program.post("/api/v1/vendors", &json!([1])).problem(422),
            [""]
        );
        let beyond = |field: &str, value: Value| {
            let mut terms = terms();
            terms["effective_from"] = json!("2027-01-01");
            *terms.pointer_mut(field).unwrap() = value;
            program
                .post("/api/v1/contracts/1/terms", &terms)
                .problem(422)
        };
        for target in [
            json!({"open_time": "PT1000000000000000S"}),
            json!({"open_time": 1e15}),
            json!({"open_time": "PT30000H"}),
            json!({"business_days": 1e15, "at": "close"}),
            json!({"business_days": 1_000_000_000_000_000_i64}),
            json!({"business_days": 3660}),
        ] {
            let fields = beyond("/commitments/0/target", target);
            assert_eq!(fields, ["commitments[0].target"]);
        }
        let fields = beyond(
            "/ladder/1/when",
            json!({"before_due": "PT1000000000000000S"}),
        );
        assert_eq!(fields, ["ladder[1].when"]);
        let fields = beyond("/effective_from", json!("3001-01-01"));
        assert_eq!(fields, ["effective_from"]);
        let asked = json!({"start": "2150-01-01T00:00:00Z", "target": {"open_time": "PT1H"}});
        assert_eq!(
            program
                .post("/api/v1/calendars/1/deadline", &asked)
                .problem(422),
            ["start"]
        );
        let kept = program.get("/api/v1/contracts/NW-2026").json();
        assert_eq!(kept["terms"].as_array().unwrap().len(), 1);
        let list = program.get("/api/v1/contracts").json();
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
    });
}

#[test]
fn an_edit_names_the_version_it_was_made_from() {
    on_both(|service| {
        let program = service.program(Role::Procurement);
        enter_all(&program);
        let head = json!({"reference": "NW-2026", "title": "Network", "owner": "new@example.com",
                          "effective_from": "2026-01-01"});
        for (path, body) in [
            ("vendors/V-1", vendor()),
            ("calendars/1", calendar()),
            ("contracts/NW-2026", head),
        ] {
            let path = format!("/api/v1/{path}");
            let tag = program.get(&path).header("etag").to_string();
            program.put(&path, &body).problem(428);
            let first = program.with("If-Match", &tag).put(&path, &body);
            assert_eq!(first.status, 200, "{path}: {}", first.text);
            assert_ne!(first.header("etag"), tag);
            program
                .with("If-Match", &tag)
                .put(&path, &body)
                .problem(412);
        }
        let revisions = &program.get("/api/v1/calendars/1").json()["revisions"];
        assert_eq!(revisions[1]["from_date"], "2026-11-23");
    });
}

#[test]
fn the_same_request_twice_enters_one_vendor() {
    on_both(|service| {
        let program = service
            .program(Role::Procurement)
            .with("Idempotency-Key", "once");
        let first = program.post("/api/v1/vendors", &vendor());
        let second = program.post("/api/v1/vendors", &vendor());
        assert_eq!((first.status, second.status), (201, 201));
        assert_eq!(first.json(), second.json());
        let list = program.get("/api/v1/vendors").json();
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
    });
}

#[test]
fn lists_come_in_pages_by_cursor() {
    on_both(|service| {
        let program = service.program(Role::Procurement);
        for name in ["Carrier", "Aether", "Borealis"] {
            let mut body = vendor();
            body["name"] = json!(name);
            program.post("/api/v1/vendors", &body);
        }
        let first = program.get("/api/v1/vendors?limit=2").json();
        assert_eq!(first["items"][1]["name"], "Borealis");
        assert_eq!(first["items"][1]["contacts"].as_array().unwrap().len(), 2);
        let next = first["next"].as_str().unwrap();
        let second = program
            .get(&format!("/api/v1/vendors?limit=2&cursor={next}"))
            .json();
        assert_eq!(second["items"][0]["name"], "Carrier");
        assert_eq!(second["next"], Value::Null);
    });
}

#[test]
fn a_calendar_says_when_a_target_would_be_due_and_changes_nothing() {
    on_both(|service| {
        let program = service.program(Role::Engineer);
        service
            .program(Role::Procurement)
            .post("/api/v1/calendars", &calendar());
        // Monday 18:00 closes; Tuesday opens at 09:00.
        let question = json!({"start": "2026-11-23T16:30:00Z", "target": {"open_time": "PT1H"}});
        let answer = program
            .post("/api/v1/calendars/1/deadline", &question)
            .json();
        assert_eq!(answer["due"], "2026-11-24T08:30:00Z");
        assert_eq!(answer["due_local"], "2026-11-24T09:30:00+01:00");
        assert_eq!(
            (&answer["provisional"], &answer["revision"]),
            (&json!(false), &json!(1))
        );
        let past_the_list =
            json!({"start": "2027-01-04T09:00:00Z", "target": {"business_days": 1, "at": "close"}});
        let answer = program
            .post("/api/v1/calendars/1/deadline", &past_the_list)
            .json();
        assert_eq!(answer["due_local"], "2027-01-05T18:00:00+01:00");
        assert_eq!(answer["provisional"], true);
        let wrong =
            json!({"start": "2026-11-23T16:30:00", "target": {"business_days": 4_000_000_000_u32}});
        let fields = program
            .post("/api/v1/calendars/1/deadline", &wrong)
            .problem(422);
        assert_eq!(fields, ["start", "target"]);
        assert_eq!(program.get("/api/v1/calendars/1").json()["revision"], 1);
    });
}

#[test]
fn a_holiday_file_is_sent_as_it_is() {
    on_both(|service| {
        let program = service.program(Role::Procurement);
        program.post("/api/v1/calendars", &calendar());
        let file = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20270326\r\n\
                    SUMMARY:Good Friday\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
        let path = "/api/v1/calendars/1/holidays";
        let sender = program.with("Content-Type", "text/calendar");
        let answer = sender.request("POST", path, file);
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(
            answer.json()["added"],
            json!([{"date": "2027-03-26", "name": "Good Friday"}])
        );
        assert_eq!(program.get("/api/v1/calendars/1").json()["revision"], 2);
        assert_eq!(
            sender.request("POST", path, "nothing").problem(422),
            ["file"]
        );
        program.post(path, &json!({})).problem(415);
    });
}

#[test]
fn a_preview_of_terms_shows_when_each_answer_would_be_due() {
    on_both(|service| {
        let program = service.program(Role::Procurement);
        program.post("/api/v1/calendars", &calendar());
        let mut body = terms();
        body["currency"] = json!("Euro");
        let preview = program.post("/api/v1/contracts/terms/preview", &body);
        assert_eq!(preview.status, 200, "{}", preview.text);
        let preview = preview.json();
        assert_eq!(preview["errors"][0]["field"], "currency");
        assert_eq!(preview["examples"][0]["start"], "2026-11-27T15:40:00Z");
        // This office opens on Friday at 22:00.
        assert_eq!(preview["examples"][0]["due"], "2026-11-27T21:15:00Z");
    });
}

#[test]
fn who_only_raises_incidents_reads_and_does_not_enter() {
    on_both(|service| {
        enter_all(&service.program(Role::Administrator));
        let engineer = service.program(Role::Engineer);
        assert_eq!(engineer.get("/api/v1/contracts/1").status, 200);
        engineer.post("/api/v1/vendors", &vendor()).problem(403);
        engineer
            .post("/api/v1/contracts/1/terms", &terms())
            .problem(403);
        service.nobody().get("/api/v1/vendors").problem(401);
        engineer.get("/api/v1/vendors/V-99").problem(404);
        engineer.get("/api/v1/contracts/NW-1999").problem(404);
        engineer.get("/api/v1/calendars/99").problem(404);
    });
}

#[test]
fn a_calendar_edit_can_be_previewed_and_changes_nothing() {
    on_both(|service| {
        let program = service.program(Role::Procurement);
        enter_all(&program);
        let mut edit = calendar();
        edit["week"]["mon"] = json!([["10:00", "18:00"]]);
        let preview = program.post("/api/v1/calendars/1/preview", &edit);
        assert_eq!(preview.status, 200, "{}", preview.text);
        assert_eq!(preview.json(), json!({"moves": [], "stay": 0}));
        assert_eq!(
            program.get("/api/v1/calendars/1").json()["revision"],
            json!(1)
        );
        edit["time_zone"] = json!("Mars/Base");
        let wrong = program.post("/api/v1/calendars/1/preview", &edit);
        assert_eq!(
            (wrong.status, &wrong.json()["errors"][0]["field"]),
            (422, &json!("time_zone"))
        );
        let none = program.post("/api/v1/calendars/9/preview", &calendar());
        assert_eq!(none.status, 404);
    });
}
