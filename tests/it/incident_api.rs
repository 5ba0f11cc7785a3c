//! Incidents, clocks and letters through the API: the published example, and what is refused.

use chrono::TimeDelta;
use redress::domain::person::Role;
use redress::engine::tick::tick;
use serde_json::{Value, json};

use crate::service::{Answer, Caller, Service, on_both};

/// Enters a round-the-clock calendar, a vendor and a contract whose terms know S1 and S2.
pub fn sign(service: &Service) {
    let all_day = json!([["00:00", "24:00"]]);
    let week: Value = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
        .into_iter()
        .map(|day| (day.to_string(), all_day.clone()))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let commitment = |clause: &str, metric: &str, severity: &str, target: &str| {
        json!({"clause": clause, "metric": metric, "severity": severity, "calendar_id": 1,
               "target": {"open_time": target}})
    };
    let calendar = json!({"name": "Round the clock", "time_zone": "Europe/Berlin", "week": week});
    let vendor = json!({
        "name": "Northwind Carrier", "time_zone": "Europe/Berlin", "locale": "en",
        "contacts": [{"name": "Service desk", "email": "desk@vendor.example", "rung": 1},
                     {"name": "Duty manager", "email": "duty@vendor.example", "rung": 2,
                      "time_zone": "Asia/Shanghai", "locale": "zh-CN"}]});
    let contract = json!({
        "vendor_id": 1, "reference": "NW-2026", "title": "Wide area network",
        "owner": "owner@example.com", "time_zone": "Europe/Berlin",
        "effective_from": "2026-01-01", "effective_to": "2027-12-31",
        "terms": {
            "effective_from": "2026-01-01", "currency": "EUR", "monthly_fee": 1_200_000,
            "severities": [{"code": "S1", "name": "Critical", "criteria": "A site is down"},
                           {"code": "S2", "name": "Major"}],
            "clock_stops": [
                {"code": "ACCESS", "clause": "7.4", "name": "No access to the site",
                 "metrics": ["restore", "resolve"], "needs_agreement": false},
                {"code": "MAINT", "clause": "7.5", "name": "Agreed maintenance",
                 "metrics": ["restore"], "needs_agreement": true}],
            "commitments": [
                commitment("5.1", "respond", "S1", "PT15M"), commitment("5.2", "update", "S1", "PT1H"),
                commitment("5.3", "restore", "S1", "PT4H"), commitment("5.3", "restore", "S2", "PT8H")],
            "ladder": [
                {"when": {"percent": 75}, "to": ["vendor:1", "reporter"], "by": ["email"]},
                {"when": {"at_due": true}, "to": ["vendor:2", "owner"], "by": ["email"]}]}});
    let program = service.program(Role::Procurement);
    for (path, body) in [
        ("calendars", calendar),
        ("vendors", vendor),
        ("contracts", contract),
    ] {
        let answer = program.post(&format!("/api/v1/{path}"), &body);
        assert_eq!(answer.status, 201, "{path}: {}", answer.text);
    }
}

/// Raises an S1 at the moment of the service's clock.
pub fn raise(program: &Caller<'_>) -> Answer {
    let answer = program.post("/api/v1/incidents", &frankfurt());
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer
}

fn frankfurt() -> Value {
    json!({"contract_id": 1, "severity": "S1", "title": "Frankfurt is cut off",
           "description": "Both lines are down.", "vendor_reference": "NW-99812"})
}

/// Time passes, and the engine does what is due.
pub fn passes(service: &Service, minutes: i64) {
    service.hand.advance(TimeDelta::minutes(minutes));
    tick(&service.store).unwrap();
}

fn clock<'a>(incident: &'a Value, metric: &str) -> &'a Value {
    let clocks = incident["clocks"].as_array().unwrap();
    clocks
        .iter()
        .find(|clock| clock["metric"] == metric)
        .unwrap_or_else(|| panic!("no clock for {metric}: {incident}"))
}

fn fields(answer: &Value) -> Vec<&str> {
    let errors = answer["errors"].as_array().unwrap();
    errors
        .iter()
        .map(|fault| fault["field"].as_str().unwrap())
        .collect()
}

#[test]
fn an_incident_is_raised_and_shown_with_everything_it_has() {
    on_both(|service| {
        sign(service);
        let program = service.program(Role::Engineer);
        let answer = raise(&program);
        assert_eq!(answer.header("location"), "/api/v1/incidents/1");
        service.hand.advance(TimeDelta::seconds(90));
        let shown = program.get("/api/v1/incidents/INC-1001");
        assert_eq!(shown.status, 200);
        let mut shown = shown.json();
        assert_eq!(shown["id"], answer.json()["id"]);
        assert_eq!(clock(&shown, "respond")["spent_seconds"], 90);
        let hash = shown["timeline"][0]["hash"].take();
        assert_eq!(hash.as_str().unwrap().len(), 64);
        insta::assert_json_snapshot!("an_incident", shown);
        let list = program.get("/api/v1/incidents?state=open&q=frank").json();
        assert_eq!(list["items"][0]["reference"], "INC-1001");
    });
}

#[test]
fn events_are_numbered_and_the_clocks_after_them_are_answered() {
    on_both(|service| {
        sign(service);
        let program = service.program(Role::Engineer);
        raise(&program);
        let path = "/api/v1/incidents/1/events";
        let record = |minutes: i64, body: Value| {
            passes(service, minutes);
            let answer = program.post(path, &body);
            assert_eq!(answer.status, 201, "{body}: {}", answer.text);
            answer.json()
        };
        let responded = record(12, json!({"kind": "responded", "reason": "by telephone"}));
        assert_eq!(responded["event"]["seq"], 2);
        assert_eq!(responded["event"]["texts"]["reason"], "by telephone");
        assert_eq!(clock(&responded, "respond")["state"], "met");
        assert_eq!(clock(&responded, "respond")["spent_seconds"], 720);

        let paused = record(8, json!({"kind": "paused", "stop": "MAINT"}));
        assert_eq!(clock(&paused, "restore")["state"], "running");
        let agreed = record(10, json!({"kind": "agreed", "concerns": 3}));
        assert_eq!(clock(&agreed, "restore")["state"], "paused");
        assert_eq!(clock(&agreed, "restore")["due_at"], Value::Null);
        assert_eq!(clock(&agreed, "restore")["spent_seconds"], 20 * 60);
        let resumed = record(30, json!({"kind": "resumed"}));
        assert_eq!(clock(&resumed, "restore")["due_at"], "2026-11-23T13:40:00Z");
        let changed = record(1, json!({"kind": "severity_changed", "severity": "S2"}));
        assert_eq!(clock(&changed, "restore")["target_seconds"], 8 * 3600);
        assert_eq!(clock(&changed, "update")["state"], "cancelled");
        let corrected = record(
            1,
            json!({"kind": "corrected", "corrects": 2, "occurred_at": "2026-11-23T09:09:00Z",
                   "reason": "their log shows 10:09 local"}),
        );
        assert_eq!(clock(&corrected, "respond")["spent_seconds"], 540);
        record(0, json!({"kind": "noted", "reason": "they send a van"}));
        record(0, json!({"kind": "restored"}));
        let resolved = record(0, json!({"kind": "resolved"}));
        assert_eq!(resolved["state"], "resolved");
        let reopened = record(5, json!({"kind": "reopened", "reason": "it is back"}));
        assert_eq!(reopened["state"], "open");
        let cancelled = record(
            0,
            json!({"kind": "cancelled", "reason": "it never was one", "void": true}),
        );
        assert_eq!(cancelled["state"], "cancelled");
        let seqs = program.get("/api/v1/incidents/1").json();
        let seqs: Vec<_> = seqs["timeline"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["seq"].as_i64().unwrap())
            .collect();
        assert_eq!(seqs, (1..=12).collect::<Vec<_>>());
    });
}

#[test]
fn a_late_report_needs_a_reason_and_starts_the_clocks_back_then() {
    on_both(|service| {
        sign(service);
        let program = service.program(Role::Engineer);
        let mut body = frankfurt();
        body["reported_at"] = json!("2026-11-20T15:40:00Z");
        assert_eq!(
            program.post("/api/v1/incidents", &body).problem(422),
            ["reason"]
        );
        body["reason"] = json!("telephoned, entered afterwards");
        let raised = program.post("/api/v1/incidents", &body).json();
        assert_eq!(
            clock(&raised, "respond")["breached_at"],
            "2026-11-20T15:55:00Z"
        );
        let breach = &raised["breaches"][0];
        assert_eq!(breach["reference"], "B-1");
        assert_eq!(breach["noticed_at"], "2026-11-23T09:00:00Z");
        assert_eq!(breach["late_elapsed_seconds"], 65 * 3600 + 5 * 60);

        let responded = json!({"kind": "responded", "occurred_at": "2026-11-20T15:52:00Z"});
        let path = "/api/v1/incidents/INC-1001/events";
        assert_eq!(program.post(path, &responded).problem(422), ["reason"]);
        let responded = json!({"kind": "responded", "occurred_at": "2026-11-20T15:52:00Z",
                               "reason": "by telephone, entered afterwards"});
        let after = program.post(path, &responded).json();
        assert_eq!(clock(&after, "respond")["state"], "met");
        let shown = program.get("/api/v1/incidents/1").json();
        assert_eq!(shown["breaches"][0]["withdrawn"]["seq"], 2);
    });
}

#[test]
fn another_vendor_is_a_case_of_its_own() {
    on_both(|service| {
        sign(service);
        let procurement = service.program(Role::Procurement);
        let mut terms = procurement.get("/api/v1/contracts/1").json()["terms"][0].clone();
        for field in ["id", "number", "entered_at"] {
            terms.as_object_mut().unwrap().remove(field);
        }
        let second = json!({"vendor_id": 1, "reference": "NW-LAN", "title": "Local network",
            "owner": "owner@example.com", "effective_from": "2026-01-01", "terms": terms});
        assert_eq!(procurement.post("/api/v1/contracts", &second).status, 201);

        let program = service.program(Role::Engineer);
        raise(&program);
        let path = "/api/v1/incidents/1/cases";
        let case = json!({"contract_id": 2, "severity": "S2"});
        let added = program.post(path, &case);
        assert_eq!(added.status, 201, "{}", added.text);
        let added = added.json();
        assert_eq!(added["cases"][1]["contract"], "NW-LAN");
        assert_eq!(added["clocks"].as_array().unwrap().len(), 4);
        assert_eq!(program.post(path, &case).problem(422), ["contract_id"]);

        let of_one = json!({"kind": "restored", "case": 2});
        let after = program.post("/api/v1/incidents/1/events", &of_one).json();
        let states: Vec<_> = after["clocks"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|clock| clock["metric"] == "restore")
            .map(|clock| clock["state"].as_str().unwrap().to_string())
            .collect();
        assert_eq!(states, ["running", "met"]);
    });
}

#[test]
fn what_cannot_be_raised_is_refused_at_its_field_and_nothing_is_kept() {
    on_both(|service| {
        sign(service);
        let program = service.program(Role::Engineer);
        let table = [
            (json!({"severity": "S9"}), vec!["severity"]),
            (json!({"contract_id": 7}), vec!["contract_id"]),
            (json!({"contract_id": "one"}), vec!["contract_id"]),
            (
                json!({"reported_at": "2025-12-31T12:00:00Z", "reason": "late"}),
                vec!["reported_at"],
            ),
            (
                json!({"reported_at": "2026-11-23T09:02:00Z"}),
                vec!["reported_at"],
            ),
            (
                json!({"reported_at": "2026-11-23T10:00:00"}),
                vec!["reported_at"],
            ),
            (
                json!({"title": "", "severity": "", "urgent": true}),
                vec!["severity", "title", "urgent"],
            ),
            (json!({"title": "x".repeat(201)}), vec!["title"]),
        ];
        for (change, wanted) in table {
            let mut body = frankfurt();
            for (field, value) in change.as_object().unwrap() {
                body[field] = value.clone();
            }
            let answer = program.post("/api/v1/incidents", &body);
            assert_eq!(answer.problem(422), wanted, "{change}: {}", answer.text);
        }
        let list = program.get("/api/v1/incidents").json();
        assert_eq!(list["items"], json!([]));
    });
}

#[test]
fn what_cannot_have_happened_is_refused_at_its_field() {
    on_both(|service| {
        sign(service);
        let program = service.program(Role::Engineer);
        raise(&program);
        passes(service, 5);
        let table = [
            (json!({"kind": "applauded"}), vec!["kind"]),
            (json!({"kind": "reported"}), vec!["kind"]),
            (
                json!({"kind": "responded", "occurred_at": "2026-11-23T09:07:00Z"}),
                vec!["occurred_at"],
            ),
            (
                json!({"kind": "responded", "occurred_at": "2026-11-23T08:59:59Z"}),
                vec!["occurred_at"],
            ),
            (json!({"kind": "paused"}), vec!["stop"]),
            (json!({"kind": "paused", "stop": "LUNCH"}), vec!["stop"]),
            (json!({"kind": "resumed"}), vec!["kind"]),
            (json!({"kind": "agreed"}), vec!["concerns"]),
            (json!({"kind": "agreed", "concerns": 1}), vec!["concerns"]),
            (
                json!({"kind": "severity_changed", "severity": "S3"}),
                vec!["severity"],
            ),
            (json!({"kind": "reopened"}), vec!["kind"]),
            (json!({"kind": "cancelled"}), vec!["reason"]),
            (
                json!({"kind": "corrected", "corrects": 9, "reason": "r", "taken_back": true}),
                vec!["corrects"],
            ),
            (
                json!({"kind": "corrected", "corrects": 1, "reason": "r", "taken_back": true}),
                vec!["taken_back"],
            ),
            (json!({"kind": "noted", "stop": "ACCESS"}), vec!["stop"]),
            (json!({"kind": "noted", "case": 9}), vec!["case"]),
        ];
        for (body, wanted) in table {
            let answer = program.post("/api/v1/incidents/1/events", &body);
            assert_eq!(answer.problem(422), wanted, "{body}: {}", answer.text);
        }
        let shown = program.get("/api/v1/incidents/1").json();
        assert_eq!(shown["timeline"].as_array().unwrap().len(), 1);
    });
}

#[test]
fn bodies_that_are_none_and_callers_without_the_right_are_refused() {
    on_both(|service| {
        sign(service);
        let program = service.program(Role::Engineer);
        let typed = program.with("Content-Type", "application/json");
        typed
            .request("POST", "/api/v1/incidents", "{\"title\": ")
            .problem(400);
        let long = format!("{{\"title\": \"{}\"}}", "x".repeat(1_000_000));
        typed
            .request("POST", "/api/v1/incidents", &long)
            .problem(413);
        program
            .with("Content-Type", "text/plain")
            .request("POST", "/api/v1/incidents", "title")
            .problem(415);
        service
            .program(Role::Procurement)
            .post("/api/v1/incidents", &frankfurt())
            .problem(403);
        service
            .nobody()
            .post("/api/v1/incidents", &frankfurt())
            .problem(401);
        for path in [
            "INC-1001",
            "1",
            "INC-",
            "nothing",
            "INC--9223372036854775808",
        ] {
            program
                .get(&format!("/api/v1/incidents/{path}"))
                .problem(404);
        }
        for (path, field) in [
            ("incidents?state=ajar", "state"),
            ("clocks?state=ajar", "state"),
            ("clocks?order=title", "order"),
            ("letters?state=ajar", "state"),
        ] {
            let answer = program.get(&format!("/api/v1/{path}"));
            assert_eq!(answer.problem(422), [field], "{path}");
        }
    });
}

#[test]
fn the_same_request_twice_raises_and_records_once() {
    on_both(|service| {
        sign(service);
        let program = service.program(Role::Engineer);
        let once = program.with("Idempotency-Key", "raise-1");
        let first = raise(&once);
        service.hand.advance(TimeDelta::minutes(1));
        let second = raise(&once);
        assert_eq!(first.json(), second.json());
        assert_eq!(second.header("idempotent-replayed"), "true");
        let list = program.get("/api/v1/incidents").json();
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
        let mut other = frankfurt();
        other["title"] = json!("Leipzig is cut off");
        once.post("/api/v1/incidents", &other).problem(422);

        let once = program.with("Idempotency-Key", "record-1");
        for _ in 0..2 {
            let body = json!({"kind": "responded"});
            assert_eq!(once.post("/api/v1/incidents/1/events", &body).status, 201);
        }
        let shown = program.get("/api/v1/incidents/1").json();
        assert_eq!(shown["timeline"].as_array().unwrap().len(), 2);
    });
}

#[test]
fn the_board_has_the_soonest_first_and_held_clocks_last() {
    on_both(|service| {
        sign(service);
        let program = service.program(Role::Engineer);
        raise(&program);
        raise(&program);
        let pause = json!({"kind": "paused", "stop": "ACCESS"});
        program.post("/api/v1/incidents/1/events", &pause);
        // The engine has not come to the deadlines yet; the clocks are judged all the same.
        service.hand.advance(TimeDelta::minutes(20));
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/api/v1/clocks?order=due_at&limit=2{cursor}");
            let page = program.get(&path).json();
            for clock in page["items"].as_array().unwrap() {
                let word = |field: &str| clock[field].as_str().unwrap_or("none").to_string();
                seen.push(
                    [
                        word("incident"),
                        word("metric"),
                        word("state"),
                        word("due_at"),
                    ]
                    .join(" "),
                );
            }
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        insta::assert_json_snapshot!("the_board", seen);
        let late = program.get("/api/v1/clocks?state=running&limit=1").json();
        assert_eq!(late["items"][0]["breached_at"], "2026-11-23T09:15:00Z");
        let none = program.get("/api/v1/clocks?state=missed").json();
        assert_eq!(none["items"], json!([]));
    });
}

#[test]
fn letters_of_an_incident_are_cancelled_and_queued_again() {
    on_both(|service| {
        sign(service);
        let program = service.program(Role::Engineer);
        raise(&program);
        passes(service, 20);
        let list = program
            .get("/api/v1/letters?incident=INC-1001&state=queued")
            .json();
        let first = list["items"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(first["kind"], "raised");
        assert_eq!(first["recipient"]["email"], "desk@vendor.example");
        let path = format!("/api/v1/letters/{}", first["id"]);
        let act = |deed: &str| program.request("POST", &format!("{path}/{deed}"), "");
        act("requeue").problem(409);
        let cancelled = act("cancel");
        assert_eq!(cancelled.status, 200, "{}", cancelled.text);
        assert_eq!(cancelled.json()["state"], "cancelled");
        act("cancel").problem(409);
        assert_eq!(act("requeue").json()["state"], "queued");
        assert_eq!(
            program.get(&path).json()["next_attempt_at"],
            "2026-11-23T09:20:00Z"
        );
        program.get("/api/v1/letters/99").problem(404);
        service
            .program(Role::Procurement)
            .request("POST", &format!("{path}/cancel"), "")
            .problem(403);
        assert_eq!(
            fields(&program.get("/api/v1/letters?state=x").json()),
            ["state"]
        );
    });
}
