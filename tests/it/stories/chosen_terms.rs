//! A corrected report chooses the terms again, after a preview; each story fails without its rule.

use redress::actions;
use redress::actions::incident::Preview;
use redress::domain::incident::Record;
use redress::domain::terms::Terms;
use redress::domain::words::{ClockState, Metric};
use redress::domain::{ContractId, IncidentId};
use redress::error::Error;
use redress::store::{self, Actor};
use serde_json::{Value, json};

use crate::on_both;
use crate::world::{World, at};

pub fn amends(world: &World, contract: ContractId, terms: Value) -> Result<Terms, Error> {
    world.store.write(Actor::Person(world.max), move |tx| {
        actions::contract::amend(tx, contract, &terms, redress::domain::words::Source::Api)
    })
}

pub fn faults(error: Error) -> Vec<String> {
    match error {
        Error::Invalid(faults) => faults
            .into_iter()
            .map(|fault| format!("{}: {}", fault.field, fault.message))
            .collect(),
        other => vec![other.to_string()],
    }
}

fn previews(world: &World, incident: IncidentId, event: Value) -> Preview {
    let record = Record::read(&event).unwrap();
    let now = world.hand.now();
    world
        .store
        .read(|conn| actions::incident::preview(conn, incident, &record, now))
        .unwrap()
}

/// The usual terms, with S1 restored within an hour, from that date.
pub fn stricter_from(world: &World, date: &str) -> Value {
    let mut terms = world.usual_terms();
    terms["effective_from"] = json!(date);
    terms["commitments"][2]["target"] = json!({"open_time": "PT1H"});
    terms["commitments"][2]["clause"] = json!("6.3");
    terms
}

fn terms_of(world: &World, incident: IncidentId) -> Vec<i32> {
    let cases = world
        .store
        .read(|conn| store::incident::cases(conn, incident))
        .unwrap();
    let terms = world
        .store
        .read(|conn| store::go_live::terms_of_cases(conn, &cases))
        .unwrap();
    cases
        .iter()
        .map(|case| terms[&case.id].terms.number)
        .collect()
}

/// Raised on Monday under terms 1; terms 2 begin on Tuesday. It is Tuesday, 10:30.
fn told_on_tuesday(world: &World) -> (ContractId, IncidentId) {
    let contract = world.signs("NW-2026", world.usual_terms());
    amends(world, contract, stricter_from(world, "2026-03-03")).unwrap();
    world.passes_to("2026-03-02T17:00[Europe/Berlin]");
    let incident = world.raises(contract, "S1");
    (contract, incident)
}

fn really_on_tuesday(confirm: bool) -> Value {
    json!({"kind": "corrected", "corrects": 1, "occurred_at": at("2026-03-03T09:10[Europe/Berlin]"),
           "reason": "their ticket was opened on Tuesday", "confirm_terms": confirm})
}

on_both! { fn a_corrected_report_is_judged_by_the_terms_then_in_force_once_that_is_confirmed(world) {
    let (_, incident) = told_on_tuesday(world);
    world.passes_to("2026-03-03T10:30[Europe/Berlin]");
    world.delivers();
    // Under terms 1 an answer was due at 18:00, and the service back by noon.
    assert_eq!(world.breaches(incident).len(), 1);
    let restore = world.clock(incident, Metric::Restore);
    assert_eq!((restore.due_at, restore.clause.as_str()), (Some(at("2026-03-03T12:00[Europe/Berlin]")), "5.3"));
    let before = world.events(incident).len();

    let preview = previews(world, incident, really_on_tuesday(false));
    assert!(preview.changes_terms());
    let change = preview.cases[0].clocks.iter().find(|change| change.metric == Metric::Restore).unwrap();
    let (now, then) = (change.before.as_ref().unwrap(), change.after.as_ref().unwrap());
    assert_eq!((now.due_at, now.clause.as_str(), now.breached_at), (Some(at("2026-03-03T12:00[Europe/Berlin]")), "5.3", None));
    let due = at("2026-03-03T10:10[Europe/Berlin]");
    assert_eq!((then.due_at, then.clause.as_str(), then.breached_at), (Some(due), "6.3", Some(due)));
    let refused = faults(world.records(incident, really_on_tuesday(false)).unwrap_err());
    assert!(refused[0].starts_with("confirm_terms: the case would be judged by terms 2 of contract NW-2026 instead of terms 1"), "{refused:?}");
    assert_eq!((world.events(incident).len(), terms_of(world, incident)), (before, vec![1]), "nothing is changed");

    let ladder = |world: &World| world.store.read(|conn| store::incident::cases(conn, incident)).unwrap()[0].ladder.0.clone();
    let frozen = ladder(world);
    let event = world.says(incident, really_on_tuesday(true));
    assert_eq!((event.fields.terms, event.fields.go_live), (Some(2), None), "the chain tells it");
    assert_eq!(terms_of(world, incident), [2]);
    assert_eq!(ladder(world), frozen);
    // The first answer was missed on Monday no more; both are now since Tuesday, 10:10.
    let breaches = world.breaches(incident);
    let mut found: Vec<_> = breaches.iter().map(|breach| (breach.clause.as_str(), breach.due_at)).collect();
    found.sort();
    assert_eq!(found, [("5.1", due), ("6.3", due)]);
    assert!(breaches.iter().all(|breach| breach.terms_id == world.store.read(|conn| store::incident::cases(conn, incident)).unwrap()[0].terms_id));
    let post = world.post();
    assert!(post.contains(&"corrected duty@vendor.example".to_string()), "{post:?}");
    let trail = world.store.read(|conn| store::audit::of(conn, "incident", incident.0)).unwrap();
    let line = trail.iter().find(|line| line.deed == "terms chosen again").unwrap();
    let detail: Value = serde_json::from_str(&line.detail).unwrap();
    assert_eq!((&detail["before"]["terms"], &detail["after"]["terms"]), (&json!(1), &json!(2)));
} }

on_both! { fn taking_the_correction_back_chooses_the_first_terms_again(world) {
    let (_, incident) = told_on_tuesday(world);
    world.passes_to("2026-03-03T10:30[Europe/Berlin]");
    let correction = world.says(incident, really_on_tuesday(true));
    let back = |confirm: bool| json!({"kind": "corrected", "corrects": correction.seq, "taken_back": true,
        "reason": "another ticket", "confirm_terms": confirm});
    let refused = faults(world.records(incident, back(false)).unwrap_err());
    assert!(refused[0].starts_with("confirm_terms: "), "{refused:?}");
    let event = world.says(incident, back(true));
    assert_eq!((event.fields.terms, terms_of(world, incident)), (Some(1), vec![1]));
    assert_eq!(world.clock(incident, Metric::Restore).due_at, Some(at("2026-03-03T12:00[Europe/Berlin]")));
} }

on_both! { fn a_correction_within_the_same_terms_needs_no_confirmation(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    let event = world.says(incident, json!({"kind": "corrected", "corrects": 1,
        "occurred_at": at("2026-03-02T09:30[Europe/Berlin]"), "reason": "their log"}));
    assert_eq!((event.fields.terms, terms_of(world, incident)), (None, vec![1]));
} }

on_both! { fn a_correction_is_refused_while_a_code_that_was_used_is_missing_in_the_other_terms(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let mut next = stricter_from(world, "2026-03-03");
    next["severities"] = json!([{"code": "S1", "name": "Critical"}, {"code": "S2", "name": "Major"}]);
    next["clock_stops"].as_array_mut().unwrap().remove(0);
    amends(world, contract, next).unwrap();
    world.passes_to("2026-03-02T17:00[Europe/Berlin]");
    let incident = world.raises(contract, "S1");
    let wrong = json!({"kind": "corrected", "corrects": 1, "occurred_at": at("2026-03-03T09:10[Europe/Berlin]"),
        "severity": "S3", "reason": "it was minor", "confirm_terms": true});
    world.passes_to("2026-03-03T09:20[Europe/Berlin]");
    let refused = faults(world.records(incident, wrong).unwrap_err());
    assert_eq!(refused, ["severity: the terms have no severity \"S3\"; they have S1, S2"]);
    let minor = world.says(incident, json!({"kind": "severity_changed", "severity": "S3"}));
    let pause = world.says(incident, json!({"kind": "paused", "stop": "ACCESS"}));
    let refused = faults(world.records(incident, really_on_tuesday(true)).unwrap_err());
    assert_eq!(refused.len(), 1);
    for part in ["occurred_at: terms 2 of contract NW-2026", "no severity S3 (event 2)", "no clock stop ACCESS (event 3)"] {
        assert!(refused[0].contains(part), "{part}: {refused:?}");
    }
    assert_eq!(terms_of(world, incident), [1]);
    for event in [minor, pause] {
        world.says(incident, json!({"kind": "corrected", "corrects": event.seq, "taken_back": true, "reason": "it was not"}));
    }
    world.says(incident, really_on_tuesday(true));
    assert_eq!(terms_of(world, incident), [2]);
} }

on_both! { fn a_report_cannot_be_corrected_to_a_time_without_terms(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    let early = json!({"kind": "corrected", "corrects": 1, "occurred_at": "2025-12-30T10:00:00Z", "reason": "their log", "confirm_terms": true});
    let refused = faults(world.records(incident, early).unwrap_err());
    assert!(refused[0].starts_with("occurred_at: 2025-12-30T10:00:00Z lies outside the term of contract NW-2026"), "{refused:?}");
    let strange = faults(world.records(incident, json!({"kind": "responded", "confirm_terms": true})).unwrap_err());
    assert_eq!(strange, ["confirm_terms: an event \"responded\" carries no confirm terms"]);
    let itself = faults(world.records(incident, json!({"kind": "corrected", "corrects": 2, "taken_back": true, "reason": "x"})).unwrap_err());
    assert_eq!(itself, ["corrects: this incident has no event 2"]);
} }

on_both! { fn a_corrected_report_chooses_the_go_live_window_again(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let window = json!({"name": "Cutover", "starts_at": at("2026-03-02T14:00[Europe/Berlin]"), "ends_at": at("2026-03-02T16:00[Europe/Berlin]"),
        "commitments": [{"clause": "G.1", "metric": "restore", "severity": "S1", "calendar_id": world.office, "target": {"open_time": "PT30M"}}],
        "command_post": ["role:manager"]});
    let window = world.store.write(Actor::Person(world.max), move |tx| actions::go_live::enter(tx, contract, &window)).unwrap();
    world.passes_to("2026-03-02T14:05[Europe/Berlin]");
    let incident = world.raises(contract, "S1");
    world.says(incident, json!({"kind": "responded"}));
    world.passes_to("2026-03-02T15:00[Europe/Berlin]");
    assert_eq!(world.breaches(incident)[0].go_live_id, Some(window.id));
    let earlier = |confirm: bool| json!({"kind": "corrected", "corrects": 1, "occurred_at": at("2026-03-02T13:55[Europe/Berlin]"),
        "reason": "their log", "confirm_terms": confirm});
    let refused = faults(world.records(incident, earlier(false)).unwrap_err());
    assert!(refused[0].contains("by terms 1 of contract NW-2026 instead of terms 1 with the go-live window Cutover"), "{refused:?}");
    let event = world.says(incident, earlier(true));
    assert_eq!((event.fields.terms, event.fields.go_live), (Some(1), None));
    assert!(world.breaches(incident).is_empty());
    assert_eq!(world.clock(incident, Metric::Restore).due_at, Some(at("2026-03-02T17:55[Europe/Berlin]")));
} }

on_both! { fn a_clock_that_the_other_terms_do_not_ask_for_is_gone_with_its_breach(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let mut next = stricter_from(world, "2026-03-03");
    // No answer is promised any more, in another calendar than the rest.
    let all_day = json!([["00:00", "24:00"]]);
    let nights = crate::world::enter_calendar(&world.store, json!({"name": "Nights", "time_zone": "Europe/Berlin", "week": {"tue": all_day, "wed": all_day}}));
    let commitments = next["commitments"].as_array_mut().unwrap();
    commitments.retain(|commitment| commitment["metric"] != "respond");
    for commitment in commitments {
        commitment["calendar_id"] = json!(nights);
    }
    amends(world, contract, next).unwrap();
    world.passes_to("2026-03-02T17:00[Europe/Berlin]");
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-03T10:00[Europe/Berlin]");
    assert_eq!(world.breaches(incident)[0].metric, Metric::Respond);
    world.says(incident, really_on_tuesday(true));
    assert!(world.breaches(incident).is_empty());
    assert_eq!(world.clock(incident, Metric::Respond).state, ClockState::Cancelled);
} }

on_both! { fn the_same_due_moment_by_another_clause_is_another_breach(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let mut next = world.usual_terms();
    next["effective_from"] = json!("2026-03-03");
    for commitment in next["commitments"].as_array_mut().unwrap() {
        commitment["clause"] = json!("7.1");
        commitment["target"] = json!({"business_days": 0, "at": "11:00"});
    }
    let mut first = next.clone();
    first["effective_from"] = json!("2026-03-02");
    for commitment in first["commitments"].as_array_mut().unwrap() {
        commitment["clause"] = json!("5.1");
        commitment["target"] = json!({"business_days": 1, "at": "11:00"});
    }
    amends(world, contract, first).unwrap();
    amends(world, contract, next).unwrap();
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-03T11:30[Europe/Berlin]");
    let clauses = |world: &World| world.breaches(incident).iter().map(|breach| breach.clause.clone()).collect::<Vec<_>>();
    assert_eq!(clauses(world), ["5.1", "5.1"]);
    world.says(incident, really_on_tuesday(true));
    assert_eq!(clauses(world), ["7.1", "7.1"]);
} }
