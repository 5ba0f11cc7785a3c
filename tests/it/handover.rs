//! Hand-overs through the API and on the incident's page.

use chrono::TimeDelta;
use redress::domain::person::Role;
use serde_json::{Value, json};

use crate::incident_api::{raise, sign};
use crate::service::{Service, on_both};

/// A second vendor with a contract, and its case of the incident ten minutes after the first.
fn second_case(service: &Service) {
    let iris = service.program(Role::Procurement);
    let vendor =
        json!({"name": "Cloud Host", "time_zone": "Europe/Berlin", "locale": "en", "contacts": []});
    let mut terms = iris.get("/api/v1/contracts/1").json()["terms"][0].clone();
    for field in ["id", "number", "entered_at"] {
        terms.as_object_mut().unwrap().remove(field);
    }
    let contract = json!({"vendor_id": 2, "reference": "CH-7", "title": "Hosting", "owner": "owner@example.com",
        "time_zone": "Europe/Berlin", "effective_from": "2026-01-01", "terms": terms});
    for (path, body) in [("vendors", vendor), ("contracts", contract)] {
        let made = iris.post(&format!("/api/v1/{path}"), &body);
        assert_eq!(made.status, 201, "{}", made.text);
    }
    service.hand.advance(TimeDelta::minutes(10));
    let added = service.program(Role::Engineer).post(
        "/api/v1/incidents/1/cases",
        &json!({"contract_id": 2, "severity": "S1"}),
    );
    assert_eq!(added.status, 201, "{}", added.text);
}

#[test]
fn the_incident_lists_its_hand_overs_with_their_gaps() {
    on_both(|service| {
        sign(service);
        let program = service.program(Role::Engineer);
        assert_eq!(raise(&program).json()["handovers"], json!([]));
        second_case(service);
        let path = "/api/v1/incidents/1/events";
        let wrong = program.post(path, &json!({"kind": "handed_over", "case": 1}));
        assert_eq!(wrong.status, 422);
        assert_eq!(wrong.json()["errors"][0]["field"], "to_case");
        let over = json!({"kind": "handed_over", "case": 1, "to_case": 2, "occurred_at": "2026-11-23T09:04:00Z"});
        let recorded = program.post(path, &over);
        assert_eq!(recorded.status, 201, "{}", recorded.text);
        assert_eq!(recorded.json()["event"]["to_case"], 2);
        let shown = program.get("/api/v1/incidents/1").json();
        assert_eq!(
            shown["handovers"],
            json!([{"seq": 3, "at": "2026-11-23T09:04:00Z", "from": 1, "to": 2, "gap_seconds": 360}])
        );
        let clocks = shown["clocks"].as_array().unwrap().iter();
        let started: Vec<&Value> = clocks
            .filter(|clock| clock["metric"] == "restore")
            .map(|clock| &clock["started_at"])
            .collect();
        assert_eq!(started, ["2026-11-23T09:00:00Z", "2026-11-23T09:10:00Z"]);
    });
}

#[test]
fn the_page_offers_a_hand_over_where_there_are_two_vendors() {
    on_both(|service| {
        sign(service);
        raise(&service.program(Role::Engineer));
        service.person("ann", Role::Engineer);
        let ann = service.browser("ann");
        let page = "/incidents/INC-1001";
        assert!(!ann.get(page).text.contains("handover.to_case"));
        second_case(service);
        assert!(ann.get(page).text.contains("name=\"handover.to_case\""));
        let mut fields = vec![
            ("request_id", "h1"),
            ("_act", "handover"),
            ("handover.kind", "handed_over"),
            ("handover.case", "1"),
            ("handover.to_case", "1"),
            ("handover.occurred_at", "2026-11-23T10:04"),
        ];
        let refused = ann.send(&format!("{page}/events"), &fields);
        assert_eq!(refused.status, 422, "{}", refused.text);
        assert!(
            refused.text.contains("id=\"error-handover.to_case\""),
            "{}",
            refused.text
        );
        fields[4].1 = "2";
        let recorded = ann.send(&format!("{page}/events"), &fields);
        assert_eq!(recorded.status, 303, "{}", recorded.text);
        let shown = ann.get(page).text;
        for part in [
            "Hand-overs",
            "Handed over to Cloud Host (Northwind Carrier, NW-2026)",
            ">6 min<",
            "href=\"/incidents/INC-1001/events/3/correct\"",
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
    });
}
