//! Letters that went wrong elsewhere: too many, too few, or none and nobody knew.

use std::sync::Arc;

use redress::domain::letter::LetterState;
use redress::domain::person::Role;
use redress::engine::deliver::Delivered;
use redress::engine::tick::tick;
use redress::engine::{Health, check, show};
use redress::mail::outlet::{Delivery, MemoryOutlet};
use redress::metrics::Metrics;
use redress::time::MINUTE;
use serde_json::json;

use crate::incident_api::{raise, sign};
use crate::on_both;
use crate::service;

// One letter was wanted when the time was up; each run of the job after it brought another.
on_both! { fn glpi_2408_one_letter_however_often_the_engine_looks(world) {
    let mut terms = world.usual_terms();
    terms["ladder"] = json!([{"when": {"at_due": true}, "to": ["owner"], "by": ["email"]}]);
    let contract = world.signs("NW-2026", terms);
    let incident = world.raises(contract, "S1");
    world.says(incident, json!({"kind": "responded"}));
    world.passes_to("2026-03-02T15:00[Europe/Berlin]");
    for minute in 0..200 {
        world.hand.set(world.hand.now() + MINUTE);
        tick(&world.store).unwrap();
        if minute % 50 == 0 {
            world.says(incident, json!({"kind": "noted", "reason": "still down"}));
        }
    }
    assert_eq!(world.post(), ["raised desk@vendor.example", "breached owner@example.com"]);
    assert_eq!(world.delivers().sent, 2);
    assert_eq!(world.delivers(), Delivered::default());
} }

// The guard against doubles was the day and the kind: what had changed on the same day was not told.
on_both! { fn zammad_4348_a_second_warning_of_the_day_is_told_when_the_deadline_is_another(world) {
    let mut terms = world.usual_terms();
    terms["ladder"] = json!([{"when": {"percent": 50}, "to": ["owner"], "by": ["email"], "metrics": ["restore"]}]);
    let contract = world.signs("NW-2026", terms);
    let incident = world.raises(contract, "S2");
    world.says(incident, json!({"kind": "responded"}));
    world.passes_to("2026-03-02T15:30[Europe/Berlin]");
    world.delivers();
    assert_eq!(world.post()[1..], ["warned owner@example.com"], "half of eight hours, at 15:00");
    // The four hours of S1 are over already: they are counted from now.
    world.says(incident, json!({"kind": "severity_changed", "severity": "S1"}));
    world.passes_to("2026-03-02T17:29:59[Europe/Berlin]");
    assert_eq!(world.post()[1..].len(), 1);
    world.passes_to("2026-03-02T17:30[Europe/Berlin]");
    assert_eq!(world.post()[1..], ["warned owner@example.com"; 2], "half of four hours, the same day");
    world.delivers();
    let warned: Vec<_> = world.letters().into_iter().skip(1).collect();
    assert!(warned.iter().all(|letter| letter.state == LetterState::Sent));
    assert_ne!(warned[0].message_id, warned[1].message_id);
    world.passes_to("2026-03-03T10:29[Europe/Berlin]");
    assert_eq!(world.post()[1..].len(), 2, "and not again in the morning");
} }

// The job said that it had done its work; no mail left, and no log knew of it.
#[test]
fn glpi_12401_mail_that_does_not_leave_is_seen() {
    service::on_both(|service| {
        sign(service);
        let engineer = service.program(Role::Engineer);
        raise(&engineer);
        // The letter is there as soon as the incident is, before anything has run.
        let queued = &engineer.get("/api/v1/letters").json()["items"][0];
        assert_eq!(
            (
                &queued["recipient"]["email"],
                &queued["state"],
                &queued["attempts"]
            ),
            (&json!("desk@vendor.example"), &json!("queued"), &json!(0))
        );

        let outlet = MemoryOutlet::default();
        let away = "connection refused".to_string();
        let error = away.clone();
        outlet.fails_next(1, Delivery::Unreachable { error });
        let done = service.delivers(&outlet);
        assert_eq!((done.sent, done.retried), (0, 1));
        let waits = &engineer.get("/api/v1/letters").json()["items"][0];
        assert_eq!(
            (&waits["state"], &waits["attempts"], &waits["last_error"]),
            (&json!("queued"), &json!(1), &json!(away))
        );
        service.person("ann", Role::Engineer);
        let ann = service.browser("ann");
        let page = ann.get("/letters").text;
        assert!(page.contains("Trying again"), "{page}");

        // Nobody tries: the service is not ready, and says how long the letter has waited.
        service.hand.set(service.hand.now() + 5 * MINUTE);
        let health = Arc::new(Health::default());
        let metrics = Metrics::default();
        show(&metrics, &service.store, &health);
        assert!(check(service.store.clone(), Arc::clone(&health))().is_err());
        let text = metrics.text();
        let waited = text
            .lines()
            .find_map(|line| line.strip_prefix("redress_oldest_due_letter_seconds "))
            .unwrap_or_else(|| panic!("{text}"));
        assert!(waited.parse::<f64>().unwrap() >= 240.0, "{waited}");

        let text = "5.1.1 nobody of that name".to_string();
        outlet.fails_next(
            1,
            Delivery::Refused {
                code: 550,
                text,
                address: true,
            },
        );
        assert_eq!(service.delivers(&outlet).failed, 1);
        let failed = &engineer.get("/api/v1/letters?state=failed").json()["items"][0];
        assert_eq!(failed["attempts"], 2);
        assert!(failed["last_error"].to_string().contains("550"), "{failed}");
        let page = ann.get("/letters?state=failed").text;
        assert!(page.contains("desk@vendor.example"), "{page}");
        let to_the_desk =
            |letter: &&redress::mail::outlet::Outgoing| letter.to == "desk@vendor.example";
        assert_eq!(outlet.letters().iter().filter(to_the_desk).count(), 0);
    });
}
