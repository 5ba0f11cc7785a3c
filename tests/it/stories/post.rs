//! Letters between the moment they are queued and the moment they arrive.

use redress::domain::ContractId;
use redress::domain::letter::LetterState;
use redress::domain::words::Metric;
use serde_json::{Value, json};

use crate::on_both;
use crate::world::{World, at};

/// Only `restore` for S1 within four hours, so that each letter is about it.
fn restores(world: &World, ladder: Value) -> ContractId {
    let mut terms = world.usual_terms();
    terms["commitments"] = json!([{"clause": "5.3", "metric": "restore", "severity": "S1",
        "calendar_id": world.office, "target": {"open_time": "PT4H"}}]);
    terms["ladder"] = ladder;
    world.signs("NW-2026", terms)
}

fn states(world: &World, kind: &str) -> Vec<(String, LetterState)> {
    let letters = world.letters().into_iter();
    letters
        .filter(|letter| letter.kind.as_str() == kind)
        .map(|letter| (letter.email, letter.state))
        .collect()
}

on_both! { fn a_held_warning_is_not_sent_once_its_clock_has_stopped(world) {
    let contract = restores(world, json!([{"when": {"percent": 75}, "to": ["vendor:2"], "by": ["email"], "hold": "recipient_hours"}]));
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-02T14:30[Europe/Berlin]");
    world.delivers();
    assert_eq!(states(world, "warned"), [("duty@vendor.example".to_string(), LetterState::Queued)]);
    world.says(incident, json!({"kind": "restored"}));
    world.passes_to("2026-03-03T09:00[Asia/Shanghai]");
    assert_eq!(world.delivers().cancelled, 1);
    assert_eq!(states(world, "warned"), [("duty@vendor.example".to_string(), LetterState::Cancelled)]);
    assert!(world.outlet.letters().iter().all(|letter| letter.to != "duty@vendor.example"));
} }

on_both! { fn a_held_breach_is_told_in_the_morning_although_it_was_repaired_at_night(world) {
    let contract = restores(world, json!([{"when": {"at_due": true}, "to": ["vendor:2"], "by": ["email"], "hold": "recipient_hours"}]));
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-02T15:10[Europe/Berlin]");
    world.says(incident, json!({"kind": "restored"}));
    world.delivers();
    assert_eq!(states(world, "breached"), [("duty@vendor.example".to_string(), LetterState::Queued)]);
    world.passes_to("2026-03-03T09:00[Asia/Shanghai]");
    world.delivers();
    assert_eq!(states(world, "breached"), [("duty@vendor.example".to_string(), LetterState::Sent)]);
} }

on_both! { fn a_correction_goes_to_those_who_got_the_letter_and_to_nobody_else(world) {
    let contract = restores(world, json!([
        {"when": {"at_due": true}, "to": ["owner"], "by": ["email"]},
        {"when": {"at_due": true}, "to": ["vendor:2"], "by": ["email"], "hold": "recipient_hours"}]));
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-02T15:00[Europe/Berlin]");
    world.delivers();
    let right = at("2026-03-02T14:55[Europe/Berlin]");
    world.passes_to("2026-03-02T15:05[Europe/Berlin]");
    world.says(incident, json!({"kind": "restored", "occurred_at": right}));
    assert!(world.breaches(incident).is_empty());
    assert_eq!(states(world, "breached"), [
        ("owner@example.com".to_string(), LetterState::Sent), ("duty@vendor.example".to_string(), LetterState::Cancelled)]);
    assert_eq!(states(world, "corrected"), [("owner@example.com".to_string(), LetterState::Queued)]);
} }

on_both! { fn a_breach_that_is_entered_again_is_told_again(world) {
    let contract = restores(world, json!([{"when": {"at_due": true}, "to": ["owner"], "by": ["email"]}]));
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-02T15:05[Europe/Berlin]");
    world.delivers();
    let restored = world.says(incident, json!({"kind": "restored", "occurred_at": at("2026-03-02T14:55[Europe/Berlin]")}));
    world.delivers();
    world.passes_to("2026-03-02T15:20[Europe/Berlin]");
    world.says(incident, json!({"kind": "corrected", "corrects": restored.seq, "taken_back": true, "reason": "it was another line"}));
    let breach = world.breaches(incident).remove(0);
    assert_eq!((breach.entry, breach.due_at, breach.noticed_at),
        (1, at("2026-03-02T15:00[Europe/Berlin]"), at("2026-03-02T15:20[Europe/Berlin]")));
    world.delivers();
    let told: Vec<_> = world.post().into_iter().skip(1).collect();
    assert_eq!(told, ["breached owner@example.com", "corrected owner@example.com", "breached owner@example.com"]);
} }

on_both! { fn letters_to_one_recipient_about_one_incident_are_one_thread(world) {
    let contract = restores(world, json!([
        {"when": {"percent": 50}, "to": ["owner"], "by": ["email"]},
        {"when": {"at_due": true}, "to": ["owner", "vendor:1"], "by": ["email"]}]));
    let (first, second) = (world.raises(contract, "S1"), world.raises(contract, "S1"));
    world.passes_to("2026-03-02T15:00[Europe/Berlin]");
    world.delivers();
    let threads = |incident, email: &str| {
        let letters = world.letters().into_iter();
        let of: std::collections::BTreeSet<_> = letters
            .filter(|letter| letter.incident_id == Some(incident) && letter.email == email)
            .map(|letter| letter.thread.expect("a thread"))
            .collect();
        of
    };
    let owner = threads(first, "owner@example.com");
    assert_eq!(owner.len(), 1);
    assert_ne!(owner, threads(second, "owner@example.com"));
    assert_ne!(owner, threads(first, "desk@vendor.example"));
    let thread = owner.into_iter().next().expect("one");
    let hanging = world.outlet.letters().iter().filter(|letter| String::from_utf8_lossy(&letter.bytes).contains(&thread)).count();
    assert_eq!(hanging, 2, "the warning and the breach");
} }

on_both! { fn terms_entered_later_judge_only_what_is_reported_under_them(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let before = world.raises(contract, "S1");
    let mut stricter = world.usual_terms();
    stricter["effective_from"] = json!("2026-03-03");
    stricter["commitments"][2]["target"]["open_time"] = json!("PT2H");
    world.store.write(redress::store::Actor::Operator, move |tx| redress::actions::contract::amend(tx, contract, &stricter, redress::domain::words::Source::Api)).unwrap();
    world.passes_to("2026-03-03T10:00[Europe/Berlin]");
    let after = world.raises(contract, "S1");
    assert_eq!(world.clock(before, Metric::Restore).due_at, Some(at("2026-03-02T15:00[Europe/Berlin]")));
    assert_eq!(world.clock(after, Metric::Restore).due_at, Some(at("2026-03-03T12:00[Europe/Berlin]")));
} }
