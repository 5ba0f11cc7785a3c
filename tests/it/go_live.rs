//! Go-live windows through the API and on pages.

use chrono::TimeDelta;
use redress::domain::person::Role;
use serde_json::{Value, json};

use crate::incident_api::{passes, raise, sign};
use crate::service::{Service, on_both};

fn cutover() -> Value {
    json!({"name": "Cutover to the new core", "starts_at": "2026-11-23T10:00:00Z", "ends_at": "2026-11-23T12:00:00Z",
           "commitments": [{"clause": "G.1", "metric": "restore", "severity": "S1", "calendar_id": 1,
                            "target": {"open_time": "PT1H"}}],
           "command_post": ["vendor:2", "reporter"]})
}

fn fields(answer: &Value) -> Vec<&str> {
    let errors = answer["errors"].as_array().unwrap();
    errors
        .iter()
        .map(|fault| fault["field"].as_str().unwrap())
        .collect()
}

#[test]
fn a_window_is_entered_listed_and_said_by_name_wherever_it_judged() {
    on_both(|service| {
        sign(service);
        let iris = service.program(Role::Procurement);
        let path = "/api/v1/contracts/NW-2026/go_lives";
        let made = iris.post(path, &cutover());
        assert_eq!(made.status, 201, "{}", made.text);
        assert_eq!(made.json()["commitments"][0]["clause"], "G.1");
        let list = iris.get(path).json();
        assert_eq!(list["items"][0], made.json());
        assert_eq!(list["next"], Value::Null);
        let engineer = service.program(Role::Engineer);
        assert_eq!(engineer.post(path, &cutover()).status, 403);
        let late = engineer.post(&format!("{path}/1/withdraw"), &json!({}));
        assert_eq!(late.status, 403);

        service.hand.advance(TimeDelta::hours(1));
        let incident = raise(&engineer).json();
        assert_eq!(
            incident["cases"][0]["go_live"], "Cutover to the new core",
            "{incident}"
        );
        passes(service, 61);
        let incident = engineer.get("/api/v1/incidents/1").json();
        let restore = incident["breaches"].as_array().unwrap().iter();
        let restore: Vec<_> = restore.filter(|row| row["metric"] == "restore").collect();
        assert_eq!(restore[0]["clause"], "G.1");
        assert_eq!(restore[0]["go_live"], "Cutover to the new core");
        let reference = restore[0]["reference"].as_str().unwrap();
        let entry = engineer.get(&format!("/api/v1/breaches/{reference}"));
        assert_eq!(
            entry.json()["judged_by"]["go_live"],
            "Cutover to the new core"
        );
        let begun = iris.post(&format!("{path}/1/withdraw"), &json!({}));
        assert_eq!(begun.status, 409);
        assert!(begun.text.contains("only one that has not begun"));

        service.person("ann", Role::Engineer);
        let ann = service.browser("ann");
        let page = ann.get("/incidents/INC-1001");
        assert!(page.text.contains("go-live window"), "{}", page.text);
        assert!(page.text.contains("Cutover to the new core"));
        let page = ann.get(&format!("/breaches/{reference}"));
        assert!(
            page.text.contains("Cutover to the new core"),
            "{}",
            page.text
        );
        assert!(
            page.text.contains("1 h"),
            "what was promised: {}",
            page.text
        );
    });
}

#[test]
fn what_is_wrong_with_a_window_is_said_at_its_fields() {
    on_both(|service| {
        sign(service);
        let iris = service.program(Role::Procurement);
        let mut laxer = cutover();
        laxer["commitments"][0]["target"] = json!({"open_time": "PT5H"});
        laxer["name"] = json!("n".repeat(201));
        laxer["command_post"] = json!(["vendor:9"]);
        let refused = iris.post("/api/v1/contracts/1/go_lives", &laxer);
        assert_eq!(refused.status, 422);
        assert_eq!(
            fields(&refused.json()),
            ["command_post[0]", "commitments[0].target", "name"]
        );
        let unknown = iris.post("/api/v1/contracts/NW-1/go_lives", &cutover());
        assert_eq!(unknown.status, 404);
        let strange = iris.post("/api/v1/contracts/1/go_lives/x/withdraw", &json!({}));
        assert_eq!(strange.status, 404);
    });
}

fn iris(service: &Service) -> crate::service::Caller<'_> {
    service.person("iris", Role::Procurement);
    service.browser("iris")
}

#[test]
fn the_pages_enter_and_withdraw_a_window_without_script() {
    on_both(|service| {
        sign(service);
        let iris = iris(service);
        let page = iris.get("/contracts/1");
        assert!(page.text.contains("None was entered."), "{}", page.text);
        assert!(page.text.contains("href=\"/contracts/1/go_lives/new\""));
        let form = iris.get("/contracts/1/go_lives/new");
        for field in [
            "name",
            "starts_at",
            "ends_at",
            "command_post",
            "commitments[0].amount",
        ] {
            assert!(
                form.text.contains(&format!("name=\"{field}\"")),
                "{field}: {}",
                form.text
            );
        }
        let mut fields = vec![
            ("request_id", "w1"),
            ("name", "Cutover"),
            ("starts_at", "2026-11-23T11:00"),
            ("ends_at", "2026-11-23T13:00"),
            ("command_post", "vendor:2, everybody"),
            ("commitments[0].clause", "G.1"),
            ("commitments[0].metric", "restore"),
            ("commitments[0].severity", "S1"),
            ("commitments[0].amount", "5"),
            ("commitments[0].unit", "hours"),
            ("commitments[0].calendar_id", "1"),
            ("commitments[1].clause", ""),
        ];
        let refused = iris.send("/contracts/1/go_lives", &fields);
        assert_eq!(refused.status, 422, "{}", refused.text);
        for id in ["error-commitments[0].amount", "error-command_post"] {
            assert!(
                refused.text.contains(&format!("id=\"{id}\"")),
                "{id}: {}",
                refused.text
            );
        }
        assert!(refused.text.contains("value=\"2026-11-23T11:00\""));
        fields[4].1 = "vendor:2, role:manager";
        fields[8].1 = "1";
        fields[2].1 = "soon";
        let refused = iris.send("/contracts/1/go_lives", &fields);
        assert_eq!(refused.status, 422, "{}", refused.text);
        assert!(refused.text.contains("id=\"error-starts_at\""));
        fields[2].1 = "2026-11-23T11:00";
        let entered = iris.send("/contracts/1/go_lives", &fields);
        assert_eq!(entered.status, 303, "{}", entered.text);
        assert_eq!(entered.header("location"), "/contracts/1#go-lives");
        let page = iris.get("/contracts/1");
        for part in [
            "Cutover",
            "vendor rung 2 (duty manager)",
            "G.1",
            "Not yet",
            "entered Mon 23 Nov 10:00 by",
        ] {
            assert!(page.text.contains(part), "{part}: {}", page.text);
        }
        let gone = iris.send("/contracts/1/go_lives/1/withdraw", &[("request_id", "w2")]);
        assert_eq!(gone.status, 303, "{}", gone.text);
        let page = iris.get("/contracts/1");
        assert!(page.text.contains("Withdrawn"), "{}", page.text);
        assert!(!page.text.contains("/go_lives/1/withdraw"));
        service.hand.advance(TimeDelta::hours(2));
        let incident = raise(&service.program(Role::Engineer)).json();
        assert_eq!(incident["cases"][0]["go_live"], Value::Null);
    });
}
