//! Terms entered for the past judge what is recorded after their entry, and what was reported before
//! only where that is confirmed; each story fails without its rule.

use redress::actions;
use redress::actions::incident::Applied;
use redress::domain::words::{EventKind, Metric};
use redress::domain::{ContractId, IncidentId};
use redress::store;
use serde_json::{Value, json};

use super::chosen_terms::{amends, faults, stricter_from};
use crate::on_both;
use crate::world::{World, at};

fn previews(world: &World, contract: ContractId, terms: &Value) -> Vec<Applied> {
    let now = world.hand.now();
    world
        .store
        .read(|conn| {
            let contract = store::contract::find(conn, contract)?;
            actions::contract::apply_preview(conn, &contract, terms, now)
        })
        .unwrap()
}

fn terms_of(world: &World, incident: IncidentId) -> i32 {
    let cases = world
        .store
        .read(|conn| store::incident::cases(conn, incident))
        .unwrap();
    let terms = world
        .store
        .read(|conn| store::go_live::terms_of_cases(conn, &cases))
        .unwrap();
    terms[&cases[0].id].terms.number
}

fn applied_from(world: &World, date: &str) -> Value {
    let mut terms = stricter_from(world, "2026-03-02");
    terms["apply_from"] = json!(date);
    terms
}

on_both! { fn terms_with_a_past_date_judge_only_what_is_recorded_after_their_entry(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let before = world.raises(contract, "S1");
    world.says(before, json!({"kind": "responded"}));
    world.passes_to("2026-03-02T11:30[Europe/Berlin]");
    amends(world, contract, stricter_from(world, "2026-03-02")).unwrap();
    assert_eq!(terms_of(world, before), 1);
    let after = world.raises_as(json!({"contract_id": contract, "severity": "S1", "title": "Frankfurt is cut off",
        "reported_at": at("2026-03-02T10:00[Europe/Berlin]"), "reason": "told by telephone"})).unwrap().id;
    assert_eq!(terms_of(world, after), 2);
    assert_eq!(world.clock(before, Metric::Restore).due_at, Some(at("2026-03-02T15:00[Europe/Berlin]")));
    // A corrected report does not bring what was recorded before under them either.
    world.says(before, json!({"kind": "corrected", "corrects": 1, "occurred_at": at("2026-03-02T09:50[Europe/Berlin]"), "reason": "their log"}));
    assert_eq!(terms_of(world, before), 1);
} }

on_both! { fn terms_applied_from_a_past_date_judge_what_was_reported_since_once_it_was_listed(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let first = world.raises(contract, "S1");
    world.says(first, json!({"kind": "responded"}));
    world.passes_to("2026-03-03T10:00[Europe/Berlin]");
    let second = world.raises(contract, "S1");
    world.says(second, json!({"kind": "responded"}));
    world.passes_to("2026-03-03T11:30[Europe/Berlin]");
    world.delivers();
    let breaches = |incident| world.breaches(incident).iter().map(|breach| (breach.clause.clone(), breach.due_at)).collect::<Vec<_>>();
    assert_eq!(breaches(first), [("5.3".to_string(), at("2026-03-02T15:00[Europe/Berlin]"))]);
    assert_eq!(breaches(second), []);

    let terms = applied_from(world, "2026-03-03");
    let listed = previews(world, contract, &terms);
    assert_eq!(listed.iter().map(|one| one.case.case.incident_id).collect::<Vec<_>>(), [second]);
    let restore = listed[0].case.clocks.iter().find(|change| change.metric == Metric::Restore).unwrap();
    assert_eq!(restore.before.as_ref().unwrap().breaches, []);
    assert_eq!(restore.after.as_ref().unwrap().breaches, [at("2026-03-03T11:00[Europe/Berlin]")]);
    assert_eq!((terms_of(world, second), world.events(second).len()), (1, 2), "nothing is changed by the list");

    amends(world, contract, terms).unwrap();
    assert_eq!((terms_of(world, first), terms_of(world, second)), (1, 2));
    assert_eq!(breaches(first), [("5.3".to_string(), at("2026-03-02T15:00[Europe/Berlin]"))]);
    assert_eq!(breaches(second), [("6.3".to_string(), at("2026-03-03T11:00[Europe/Berlin]"))]);
    let events = world.events(second);
    let note = events.last().unwrap();
    assert_eq!((note.kind, note.fields.terms, note.person_id), (EventKind::Noted, Some(2), Some(world.max)));
    assert!(world.post().contains(&"breached duty@vendor.example".to_string()));
} }

on_both! { fn applied_terms_withdraw_the_breaches_that_do_not_hold_and_correct_the_letters(world) {
    let mut lax = world.usual_terms();
    lax["effective_from"] = json!("2026-03-02");
    lax["apply_from"] = json!("2026-03-02");
    lax["commitments"][2]["target"] = json!({"open_time": "PT40H"});
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    world.says(incident, json!({"kind": "responded"}));
    world.passes_to("2026-03-02T15:30[Europe/Berlin]");
    assert_eq!(world.breaches(incident).len(), 1);
    world.delivers();
    amends(world, contract, lax).unwrap();
    assert!(world.breaches(incident).is_empty());
    let letters = world.letters();
    let corrected: Vec<_> = letters.iter().filter(|letter| letter.kind.to_string() == "corrected").map(|letter| letter.email.as_str()).collect();
    assert_eq!(corrected, ["duty@vendor.example", "owner@example.com"]);
    let entries = world.store.read(|conn| store::breach::of_incident(conn, incident)).unwrap();
    let gone = entries[0].1.as_ref().unwrap();
    assert_eq!((gone.seq, gone.reason.as_str()), (3, "terms 2 of contract NW-2026 are applied from 2026-03-02 on"));
} }

on_both! { fn a_correction_into_the_time_of_applied_terms_is_judged_by_them(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    world.stands_at("2026-03-02T17:00[Europe/Berlin]");
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-03T11:00[Europe/Berlin]");
    amends(world, contract, applied_from(world, "2026-03-03")).unwrap();
    assert_eq!(terms_of(world, incident), 1);
    let later = json!({"kind": "corrected", "corrects": 1, "occurred_at": at("2026-03-03T09:30[Europe/Berlin]"),
        "reason": "their log", "confirm_terms": true});
    world.says(incident, later);
    assert_eq!(terms_of(world, incident), 2);
} }

on_both! { fn terms_are_not_applied_while_an_incident_uses_a_code_that_they_lack(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let fine = world.raises(contract, "S1");
    let minor = world.raises(contract, "S3");
    let paused = world.raises(contract, "S2");
    world.says(paused, json!({"kind": "paused", "stop": "ACCESS"}));
    let mut terms = applied_from(world, "2026-03-02");
    terms["severities"].as_array_mut().unwrap().remove(2);
    terms["clock_stops"].as_array_mut().unwrap().remove(0);
    let listed = previews(world, contract, &terms);
    let missing: Vec<_> = listed.iter().map(|one| (one.case.case.incident_id, one.missing.clone())).collect();
    assert_eq!(missing, [(fine, vec![]), (minor, vec!["severity S3 (event 1)".to_string()]),
        (paused, vec!["clock stop ACCESS (event 2)".to_string()])]);
    let refused = faults(amends(world, contract, terms.clone()).unwrap_err());
    assert_eq!(refused.len(), 1);
    let said = format!("apply_from: the terms lack codes that were used since: {} uses severity S3 (event 1); {} uses clock stop ACCESS (event 2)",
        minor.reference(), paused.reference());
    assert!(refused[0].starts_with(&said), "{refused:?}");
    assert_eq!((terms_of(world, fine), world.events(fine).len()), (1, 1), "all or nothing");
    terms["apply_from"] = Value::Null;
    assert_eq!(amends(world, contract, terms).unwrap().apply_from, None);
} }

on_both! { fn a_later_version_keeps_what_it_judges_from_terms_applied_from_before(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let mut later = world.usual_terms();
    later["effective_from"] = json!("2026-03-03");
    amends(world, contract, later).unwrap();
    let monday = world.raises(contract, "S1");
    world.passes_to("2026-03-03T10:00[Europe/Berlin]");
    let tuesday = world.raises(contract, "S1");
    amends(world, contract, applied_from(world, "2026-03-02")).unwrap();
    assert_eq!((terms_of(world, monday), terms_of(world, tuesday)), (3, 2));
} }

on_both! { fn a_wrong_date_to_apply_from_is_named(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let refused = |date: &str| faults(amends(world, contract, applied_from(world, date)).unwrap_err());
    assert_eq!(refused("2026-03-01"), ["apply_from: the terms begin on 2026-03-02; they cannot be applied from 2026-03-01 on"]);
    assert!(refused("2026-03-03")[0].starts_with("apply_from: 2026-03-03 has not come"));
    assert!(refused("yesterday")[0].starts_with("apply_from: \"yesterday\" is not a date"));
    let mut first = world.usual_terms();
    first["apply_from"] = json!("2026-01-01");
    let contract = json!({"vendor_id": world.vendor, "reference": "NW-2027", "title": "Wide area network",
        "owner": "owner@example.com", "time_zone": "Europe/Berlin", "effective_from": "2026-01-01", "terms": first});
    let refused = faults(world.store.write(store::Actor::Operator, move |tx| actions::contract::enter(tx, &contract)).unwrap_err());
    assert!(refused[0].starts_with("terms.apply_from: "), "{refused:?}");
} }
