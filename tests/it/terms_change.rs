//! Cases that come under other terms, through the API and on pages.

use chrono::TimeDelta;
use redress::domain::person::Role;
use serde_json::{Value, json};

use crate::incident_api::{passes, raise, sign};
use crate::service::{Answer, Service, on_both};

/// Terms 2 from that date: S1 is restored in half an hour.
fn stricter(service: &Service, from: &str) -> Value {
    let program = service.program(Role::Procurement);
    let mut terms = program.get("/api/v1/contracts/1").json()["terms"][0].clone();
    for field in ["id", "number", "entered_at", "apply_from"] {
        terms.as_object_mut().unwrap().remove(field);
    }
    terms["effective_from"] = json!(from);
    terms["commitments"][2]["clause"] = json!("6.3");
    terms["commitments"][2]["target"] = json!({"open_time": "PT30M"});
    terms
}

fn entered(answer: &Answer) {
    assert_eq!(answer.status, 201, "{}", answer.text);
}

fn of_metric<'a>(clocks: &'a Value, metric: &str) -> &'a Value {
    let mut clocks = clocks.as_array().unwrap().iter();
    clocks.find(|clock| clock["metric"] == metric).unwrap()
}

#[test]
fn a_correction_into_other_terms_is_previewed_and_then_confirmed() {
    on_both(|service| {
        sign(service);
        let iris = service.program(Role::Procurement);
        entered(&iris.post(
            "/api/v1/contracts/1/terms",
            &stricter(service, "2026-11-24"),
        ));
        service.hand.advance(TimeDelta::hours(13));
        let program = service.program(Role::Engineer);
        raise(&program);
        // 23:00 in Berlin; terms 2 begin in an hour. The report is corrected the next morning.
        passes(service, 90);
        let path = "/api/v1/incidents/INC-1001/events";
        let mut event = json!({"kind": "corrected", "corrects": 1, "occurred_at": "2026-11-23T23:05:00Z",
                               "reason": "their log"});
        let preview = program.post(&format!("{path}/preview"), &event);
        assert_eq!(preview.status, 200, "{}", preview.text);
        let preview = preview.json();
        assert_eq!(preview["needs_confirm_terms"], true);
        assert_eq!(preview["cases"][0]["before"]["terms"], 1);
        assert_eq!(preview["cases"][0]["after"]["terms"], 2);
        let restore = of_metric(&preview["clocks"], "restore");
        assert_eq!(restore["before"]["due_at"], "2026-11-24T02:00:00Z");
        assert_eq!(restore["before"]["clause"], "5.3");
        assert_eq!(restore["after"]["due_at"], "2026-11-23T23:35:00Z");
        assert_eq!(restore["after"]["terms"], 2);
        assert_eq!(restore["after"]["breached_at"], Value::Null);
        let refused = program.post(path, &event);
        assert_eq!(refused.status, 422, "{}", refused.text);
        assert_eq!(refused.json()["errors"][0]["field"], "confirm_terms");
        let shown = program.get("/api/v1/incidents/1").json();
        assert_eq!(shown["timeline"].as_array().unwrap().len(), 1);
        assert_eq!(shown["cases"][0]["terms"], 1);
        event["confirm_terms"] = json!(true);
        let recorded = program.post(path, &event);
        entered(&recorded);
        assert_eq!(recorded.json()["event"]["terms"], 2);
        let after = of_metric(&recorded.json()["clocks"], "restore")["due_at"].clone();
        assert_eq!(after, "2026-11-23T23:35:00Z");

        // Any event has a preview.
        let answer = json!({"kind": "responded"});
        let preview = program.post(&format!("{path}/preview"), &answer).json();
        assert_eq!(preview["needs_confirm_terms"], false);
        assert_eq!(
            of_metric(&preview["clocks"], "respond")["after"]["state"],
            "missed"
        );
        let wrong = program.post(&format!("{path}/preview"), &json!({"kind": "agreed"}));
        assert_eq!(wrong.json()["errors"][0]["field"], "concerns");
        let nobody = program.post("/api/v1/incidents/9/events/preview", &answer);
        assert_eq!(nobody.status, 404);
    });
}

#[test]
fn the_form_shows_what_changes_before_the_correction_is_confirmed() {
    on_both(|service| {
        sign(service);
        let iris = service.program(Role::Procurement);
        entered(&iris.post(
            "/api/v1/contracts/1/terms",
            &stricter(service, "2026-11-24"),
        ));
        service.hand.advance(TimeDelta::hours(13));
        raise(&service.program(Role::Engineer));
        passes(service, 90);
        service.person("ann", Role::Engineer);
        let ann = service.browser("ann");
        let path = "/incidents/INC-1001/events/1/correct";
        let asked = ann.get(path);
        assert!(!asked.text.contains("confirm_terms"), "{}", asked.text);
        let mut fields = vec![
            ("request_id", "c1"),
            ("_how", "change"),
            ("occurred_at", "2026-11-24T00:05"),
            ("severity", "S1"),
            ("reason", "their log"),
        ];
        let shown = ann.send(path, &fields);
        assert_eq!(shown.status, 422, "{}", shown.text);
        for part in [
            "terms 2 of 24 Nov 2026 instead of terms 1 of 1 Jan 2026",
            "running, clause 6.3, due Tue 24 Nov 00:35 Berlin",
            "running, clause 5.3, due Tue 24 Nov 03:00 Berlin",
            "name=\"confirm_terms\"",
            "id=\"error-confirm_terms\"",
            "value=\"2026-11-24T00:05\"",
        ] {
            assert!(shown.text.contains(part), "{part}: {}", shown.text);
        }
        fields.push(("confirm_terms", "true"));
        fields[0].1 = "c2";
        let recorded = ann.send(path, &fields);
        assert_eq!(recorded.status, 303, "{}", recorded.text);
        let page = ann.get("/incidents/INC-1001");
        assert!(
            page.text.contains("terms 2 of 24 Nov 2026") && page.text.contains("judged by terms 2"),
            "{}",
            page.text
        );
    });
}
