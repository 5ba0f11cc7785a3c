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

#[test]
fn terms_for_the_past_list_what_changes_before_they_are_applied() {
    on_both(|service| {
        sign(service);
        let program = service.program(Role::Engineer);
        raise(&program);
        passes(service, 45);
        let iris = service.program(Role::Procurement);
        let mut terms = stricter(service, "2026-11-23");
        let path = "/api/v1/contracts/1/terms/apply-preview";
        let listed = iris.post(path, &terms);
        assert_eq!(listed.status, 200, "{}", listed.text);
        let listed = listed.json();
        assert_eq!(listed["cases"][0]["incident"], "INC-1001");
        assert_eq!(listed["cases"][0]["after"]["terms"], 2);
        let restore = of_metric(&listed["clocks"], "restore");
        assert_eq!(
            restore["after"]["breaches"],
            json!(["2026-11-23T09:30:00Z"])
        );
        assert_eq!(listed["refused"], json!([]));
        terms["apply_from"] = json!("2026-11-24");
        let wrong = iris.post(path, &terms);
        assert_eq!(wrong.status, 422);
        assert_eq!(wrong.json()["errors"][0]["field"], "apply_from");
        assert_eq!(program.post(path, &terms).status, 403);
        terms["apply_from"] = json!("2026-11-23");
        let made = iris.post("/api/v1/contracts/1/terms", &terms);
        entered(&made);
        assert_eq!(made.json()["apply_from"], "2026-11-23");
        let shown = program.get("/api/v1/incidents/1").json();
        assert_eq!(shown["cases"][0]["terms"], 2);
        assert_eq!(shown["timeline"][1]["kind"], "noted");
        assert_eq!(shown["timeline"][1]["terms"], 2);
        let contract = iris.get("/api/v1/contracts/1").json();
        assert_eq!(contract["terms"][1]["apply_from"], "2026-11-23");
    });
}

#[test]
fn the_form_of_terms_shows_what_a_past_date_changes_before_it_is_saved() {
    on_both(|service| {
        sign(service);
        raise(&service.program(Role::Engineer));
        passes(service, 45);
        service.person("iris", Role::Procurement);
        let iris = service.browser("iris");
        let mut fields = vec![
            ("request_id", "t1"),
            ("effective_from", "2026-11-23"),
            ("currency", "EUR"),
            ("severities[0].code", "S1"),
            ("severities[0].name", "Critical"),
            ("commitments[0].clause", "6.3"),
            ("commitments[0].metric", "restore"),
            ("commitments[0].severity", "S1"),
            ("commitments[0].amount", "30"),
            ("commitments[0].unit", "minutes"),
            ("commitments[0].calendar_id", "1"),
        ];
        let path = "/contracts/1/terms";
        let hidden = |page: &str| {
            let at = page.split("name=\"_apply_seen\" value=\"").nth(1);
            let at = at.unwrap_or_else(|| panic!("nothing is shown: {page}"));
            at.split('"').next().unwrap().to_string()
        };
        let asked = iris.send(path, &fields);
        assert_eq!(asked.status, 200, "{}", asked.text);
        for part in [
            "INC-1001, NW-2026: terms 2 of 23 Nov 2026 instead of terms 1 of 1 Jan 2026",
            "running, clause 6.3, due Mon 23 Nov 10:30 Berlin, a breach",
            "these terms begin in the past",
            "name=\"apply\"",
            "value=\"2026-11-23\"",
        ] {
            assert!(asked.text.contains(part), "{part}: {}", asked.text);
        }
        let versions = |service: &Service| {
            let contract = service
                .program(Role::Procurement)
                .get("/api/v1/contracts/1");
            contract.json()["terms"].as_array().unwrap().len()
        };
        assert_eq!(versions(service), 1);
        let seen = hidden(&asked.text);
        fields.extend([("_apply_seen", seen.as_str()), ("apply_from", "2026-11-23")]);
        // Other terms than those that were looked at are shown first.
        let mut other = fields.clone();
        other[0].1 = "t2";
        other[8].1 = "31";
        let again = iris.send(path, &other);
        assert!(
            again.text.contains("due Mon 23 Nov 10:31 Berlin, a breach"),
            "{}",
            again.text
        );
        assert_eq!(versions(service), 1);
        fields.push(("apply", "true"));
        fields[0].1 = "t3";
        let saved = iris.send(path, &fields);
        assert_eq!(saved.status, 303, "{}", saved.text);
        let shown = service
            .program(Role::Engineer)
            .get("/api/v1/incidents/1")
            .json();
        assert_eq!(shown["cases"][0]["terms"], 2);
        service.person("ann", Role::Engineer);
        let page = service.browser("ann").get("/incidents/INC-1001");
        assert!(
            page.text.contains("Judged by terms 2 from now on"),
            "{}",
            page.text
        );
        // Without the box they judge only what is recorded from now on.
        let without: Vec<_> = fields
            .iter()
            .filter(|(name, _)| !["apply", "_apply_seen", "apply_from"].contains(name))
            .copied()
            .collect();
        let asked = iris.send(path, &without);
        let seen = hidden(&asked.text);
        let mut without = without;
        without[0].1 = "t5";
        without.extend([("_apply_seen", seen.as_str()), ("apply_from", "2026-11-23")]);
        let saved = iris.send(path, &without);
        assert_eq!(saved.status, 303, "{}", saved.text);
        let shown = service
            .program(Role::Engineer)
            .get("/api/v1/incidents/1")
            .json();
        assert_eq!(shown["cases"][0]["terms"], 2);
        assert_eq!(versions(service), 3);
    });
}
