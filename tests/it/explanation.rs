//! Why a clock stands as it does, through the API and on its page.

use redress::domain::person::Role;
use serde_json::{Value, json};

use crate::incident_api::{passes, raise, sign};
use crate::service::{Answer, Caller, Service, on_both};

/// The path of the clock of that metric.
fn path(service: &Service, metric: &str) -> String {
    let program = service.program(Role::Manager);
    let incident = program.get("/api/v1/incidents/1").json();
    let clocks = incident["clocks"].as_array().unwrap();
    let clock = clocks.iter().find(|clock| clock["metric"] == metric);
    format!("/clocks/{}", clock.unwrap()["id"])
}

fn explained(service: &Service, metric: &str, query: &str) -> Answer {
    let path = path(service, metric);
    let program = service.program(Role::Manager);
    program.get(&format!("/api/v1{path}/explanation{query}"))
}

fn lines(body: &Value) -> Vec<String> {
    let lines = body["lines"].as_array().unwrap();
    lines
        .iter()
        .map(|line| {
            format!(
                "{} {}",
                line["kind"].as_str().unwrap(),
                line["total_seconds"]
            )
        })
        .collect()
}

/// Frankfurt is cut off for an hour and a half, a quarter of which stood still.
fn paused(service: &Service) {
    sign(service);
    let program = service.program(Role::Engineer);
    raise(&program);
    let record = |minutes, body: Value| {
        passes(service, minutes);
        let answer = program.post("/api/v1/incidents/1/events", &body);
        assert_eq!(answer.status, 201, "{}", answer.text);
    };
    record(30, json!({"kind": "paused", "stop": "ACCESS"}));
    record(15, json!({"kind": "resumed"}));
    record(15, json!({"kind": "paused", "stop": "MAINT"}));
    passes(service, 30);
}

#[test]
fn a_clock_is_explained_in_both_zones_and_its_sum_is_what_is_used() {
    on_both(|service| {
        paused(service);
        let answer = explained(service, "restore", "");
        assert_eq!(answer.status, 200, "{}", answer.text);
        let mut body = answer.json();
        assert_eq!(
            lines(&body),
            [
                "started 0",
                "open 1800",
                "paused 1800",
                "held 1800",
                "resumed 1800",
                "open 2700",
                "pause_not_counted 2700",
                "open 4500",
                "now 4500",
                "open 14400",
                "due 14400"
            ]
        );
        assert_eq!(body["spent_seconds"], 4500);
        assert_eq!(body["line_count"], 11);
        let last = body["lines"][10].clone();
        assert_eq!(last["from"], body["due_at"]);
        assert_eq!(last["remaining_seconds"], 0);
        body["lines"] = json!([body["lines"][1], body["lines"][2], body["lines"][6]]);
        insta::assert_json_snapshot!("an_explanation", body);
    });
}

#[test]
fn each_lap_can_be_asked_for_and_one_that_is_not_there_is_not_found() {
    on_both(|service| {
        sign(service);
        raise(&service.program(Role::Engineer));
        passes(service, 150);
        let current = explained(service, "update", "").json();
        assert_eq!(
            (&current["interval"], &current["verdict"]),
            (&json!(3), &Value::Null)
        );
        assert_eq!(current["laps"].as_array().unwrap().len(), 3);
        let first = explained(service, "update", "?interval=1").json();
        assert_eq!(first["verdict"], "missed");
        assert_eq!(first["due_at"], first["breached_at"]);
        // It is late until the next interval has run out too.
        assert_eq!(first["late_seconds"], 3600);
        let none = explained(service, "update", "?interval=9");
        assert_eq!(none.status, 404, "{}", none.text);
        assert_eq!(explained(service, "update", "?run=2").status, 404);
        let program = service.program(Role::Engineer);
        assert_eq!(program.get("/api/v1/clocks/999/explanation").status, 404);
        assert_eq!(
            service.nobody().get("/api/v1/clocks/1/explanation").status,
            401
        );
    });
}

#[test]
fn why_there_is_no_clock_is_said_for_each_metric() {
    on_both(|service| {
        sign(service);
        let program = service.program(Role::Engineer);
        raise(&program);
        let missing = || {
            let answer = program.get("/api/v1/incidents/INC-1001/clocks/missing");
            assert_eq!(answer.status, 200, "{}", answer.text);
            answer.json()["items"].as_array().unwrap().clone()
        };
        let told: Vec<_> = missing().iter().map(|one| one["text"].clone()).collect();
        let nothing = "terms 1 of 1 Jan 2026 promise nothing of the kind";
        assert_eq!(
            told,
            [
                format!("No clock for workaround: {nothing}."),
                format!("No clock for resolve: {nothing}."),
                format!("No clock for root cause: {nothing}."),
                format!("No clock for data loss: {nothing}."),
            ]
        );
        passes(service, 5);
        let change = json!({"kind": "severity_changed", "severity": "S2"});
        program.post("/api/v1/incidents/1/events", &change);
        let respond = missing().into_iter().find(|one| one["metric"] == "respond");
        insta::assert_json_snapshot!("a_clock_that_is_missing", respond.unwrap());
        let page = ann(service).get("/incidents/INC-1001");
        for part in [
            "6 metrics without a clock",
            "No clock for update: terms 1 promise it for S1 (clause 5.2) only, and the severity is S2 since event 2.",
        ] {
            assert!(page.text.contains(part), "no {part} in {}", page.text);
        }
        // The clock that fell away still explains itself, up to the change.
        let told = explained(service, "respond", "").json();
        assert_eq!(lines(&told).last().unwrap(), "severity_changed 300");
        assert_eq!(told["missing"]["why"], "not_for_severity");
    });
}

#[test]
fn a_clock_that_a_correction_took_away_has_no_lines_and_says_why() {
    on_both(|service| {
        sign(service);
        let program = service.program(Role::Engineer);
        raise(&program);
        passes(service, 5);
        let answer = program.post(
            "/api/v1/incidents/1/events",
            &json!({"kind": "corrected", "corrects": 1, "severity": "S2", "reason": "mistyped"}),
        );
        assert_eq!(answer.status, 201, "{}", answer.text);
        let missing = program.get("/api/v1/incidents/1/clocks/missing").json();
        let respond = &missing["items"][0];
        assert_eq!(
            (&respond["metric"], &respond["corrected_seq"]),
            (&json!("respond"), &json!(2))
        );
        let all = program.get("/api/v1/clocks?state=cancelled").json();
        let id = all["items"][0]["id"].as_i64().unwrap();
        let told = program
            .get(&format!("/api/v1/clocks/{id}/explanation"))
            .json();
        assert_eq!(told["lines"], Value::Null);
        assert_eq!(told["missing"]["corrected_seq"], 2);
        let page = ann(service);
        let page = page.get(&format!("/clocks/{id}"));
        assert!(
            page.text.contains("by the correction in event 2"),
            "{}",
            page.text
        );
    });
}

#[test]
fn the_page_of_a_clock_tells_it_and_is_found_from_the_board_and_the_incident() {
    on_both(|service| {
        paused(service);
        let browser = ann(service);
        let path = path(service, "restore");
        let link = format!("href=\"{path}\"");
        for page in ["/", "/incidents/INC-1001"] {
            let page = browser.get(page);
            assert!(page.text.contains(&link), "no {link} in {}", page.text);
        }
        let page = browser.get(&path);
        assert_eq!(page.status, 200, "{}", page.text);
        for part in [
            "Restore, clause 5.3",
            "INC-1001 · Frankfurt is cut off",
            "Pause begins: ACCESS No access to the site, clause 7.4 (event 2)",
            "Open, but held: ACCESS No access to the site, clause 7.4 (event 2)",
            "A pause that does not count, as both sides must agree and the other has not: MAINT Agreed maintenance, clause 7.5 (event 4)",
            "4 h used, 0 s left",
        ] {
            assert!(page.text.contains(part), "no {part} in {}", page.text);
        }
        assert_eq!(browser.get("/clocks/999").status, 404);
    });
}

#[test]
fn the_text_for_a_letter_comes_in_both_languages() {
    on_both(|service| {
        paused(service);
        let browser = ann(service);
        let path = path(service, "restore");
        let text = |language: &str| {
            let answer = browser.get(&format!("{path}/explanation.txt?language={language}"));
            assert_eq!(answer.status, 200, "{}", answer.text);
            assert!(answer.header("content-type").starts_with("text/plain"));
            answer.text
        };
        insta::assert_snapshot!(
            "an_explanation_for_a_letter",
            format!("{}\n{}", text("en"), text("zh-CN"))
        );
        let wrong = browser.get(&format!("{path}/explanation.txt?language=tlh"));
        assert!((400..500).contains(&wrong.status), "{}", wrong.text);
    });
}

fn ann(service: &Service) -> Caller<'_> {
    service.person("ann", Role::Engineer);
    service.browser("ann")
}
