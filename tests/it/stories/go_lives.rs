//! Windows round a launch in which stricter terms and a command post apply.

use redress::actions;
use redress::domain::go_live::GoLive;
use redress::domain::words::Metric;
use redress::domain::{CalendarId, ContractId, GoLiveId, IncidentId};
use redress::error::Error;
use redress::store::Actor;
use serde_json::{Value, json};

use crate::on_both;
use crate::world::{World, at};

fn enters(world: &World, contract: ContractId, window: Value) -> Result<GoLive, Error> {
    world.store.write(Actor::Person(world.max), move |tx| {
        actions::go_live::enter(tx, contract, &window)
    })
}

fn withdraws(world: &World, contract: ContractId, window: GoLiveId) -> Result<GoLive, Error> {
    world.store.write(Actor::Person(world.max), move |tx| {
        actions::go_live::withdraw(tx, contract, window)
    })
}

fn stricter(calendar: CalendarId, metric: &str, target: &str) -> Value {
    json!({"clause": "G.1", "metric": metric, "severity": "S1", "calendar_id": calendar,
           "target": {"open_time": target}})
}

/// From 14:00 to 16:00 on Monday: S1 is restored in an hour, and the managers are told of every step.
fn afternoon(world: &World, name: &str, target: &str) -> Value {
    json!({"name": name, "starts_at": at("2026-03-02T14:00[Europe/Berlin]"), "ends_at": at("2026-03-02T16:00[Europe/Berlin]"),
           "commitments": [stricter(world.office, "restore", target)], "command_post": ["role:manager"]})
}

fn due(world: &World, incident: IncidentId) -> redress::time::Moment {
    world.clock(incident, Metric::Restore).due_at.unwrap()
}

fn faults(error: Error) -> Vec<String> {
    match error {
        Error::Invalid(faults) => faults
            .into_iter()
            .map(|fault| format!("{}: {}", fault.field, fault.message))
            .collect(),
        other => vec![other.to_string()],
    }
}

on_both! { fn what_is_reported_in_a_go_live_window_is_judged_by_it_and_the_command_post_is_told(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let window = enters(world, contract, afternoon(world, "Cutover", "PT1H")).unwrap();
    world.passes_to("2026-03-02T13:59[Europe/Berlin]");
    let before = world.raises(contract, "S1");
    world.says(before, json!({"kind": "responded"}));
    world.passes_to("2026-03-02T14:00[Europe/Berlin]");
    let within = world.raises(contract, "S1");
    world.says(within, json!({"kind": "responded"}));
    assert_eq!(due(world, within), at("2026-03-02T15:00[Europe/Berlin]"), "its first moment is in it");
    assert_eq!(world.clock(within, Metric::Restore).clause, "G.1");
    let told = |of: IncidentId| {
        let letters = world.letters();
        let mut told: Vec<_> = letters.iter().filter(|letter| letter.incident_id == Some(of))
            .map(|letter| format!("{} {}", letter.kind, letter.email)).collect();
        told.sort();
        told
    };
    world.passes_to("2026-03-02T15:30[Europe/Berlin]");
    let breaches = world.breaches(within);
    assert_eq!((breaches.len(), breaches[0].go_live_id), (1, Some(window.id)));
    assert_eq!(breaches[0].clause, "G.1");
    assert!(told(within).contains(&"warned max@example.com".to_string()), "{:?}", told(within));
    assert!(told(within).contains(&"breached max@example.com".to_string()));
    // What was reported before it keeps the terms, and its ladder keeps its audience.
    assert_eq!(due(world, before), at("2026-03-02T17:59[Europe/Berlin]"));
    world.passes_to("2026-03-02T16:00[Europe/Berlin]");
    let after = world.raises(contract, "S1");
    world.says(after, json!({"kind": "responded"}));
    assert_eq!(due(world, after), at("2026-03-03T11:00[Europe/Berlin]"), "its last moment is not in it");
    world.passes_to("2026-03-03T11:30[Europe/Berlin]");
    assert!(told(before).contains(&"breached owner@example.com".to_string()));
    assert!(!told(before).iter().any(|line| line == "warned max@example.com" || line == "breached max@example.com"));
    assert_eq!(world.breaches(before)[0].go_live_id, None);
    // The chain tells what judged each.
    let reported = |of| world.events(of)[0].fields.clone();
    assert_eq!((reported(within).terms, reported(within).go_live), (Some(1), Some(window.id)));
    assert_eq!((reported(after).terms, reported(after).go_live), (Some(1), None));
} }

on_both! { fn a_go_live_window_adds_what_the_terms_do_not_promise(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let mut window = afternoon(world, "Cutover", "PT1H");
    window["commitments"] = json!([stricter(world.office, "update", "PT30M")]);
    enters(world, contract, window).unwrap();
    world.passes_to("2026-03-02T14:10[Europe/Berlin]");
    let incident = world.raises(contract, "S1");
    assert_eq!(world.clock(incident, Metric::Update).due_at, Some(at("2026-03-02T14:40[Europe/Berlin]")));
    assert_eq!(due(world, incident), at("2026-03-03T09:10[Europe/Berlin]"), "the terms' own commitment stays");
} }

on_both! { fn a_go_live_window_counts_only_for_what_is_reported_after_its_entry(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    world.passes_to("2026-03-02T14:30[Europe/Berlin]");
    enters(world, contract, afternoon(world, "Cutover", "PT1H")).unwrap();
    world.passes_to("2026-03-02T15:00[Europe/Berlin]");
    let reported = |moment: &str| {
        let incident = world.raises_as(json!({"contract_id": contract, "severity": "S1", "title": "Frankfurt is cut off",
            "reported_at": at(moment), "reason": "told by telephone"})).unwrap().id;
        due(world, incident)
    };
    assert_eq!(reported("2026-03-02T14:29[Europe/Berlin]"), at("2026-03-03T09:29[Europe/Berlin]"));
    assert_eq!(reported("2026-03-02T14:30[Europe/Berlin]"), at("2026-03-02T15:30[Europe/Berlin]"));
} }

on_both! { fn of_two_go_live_windows_the_later_entered_counts(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    enters(world, contract, afternoon(world, "First", "PT1H")).unwrap();
    let second = enters(world, contract, afternoon(world, "Second", "PT2H")).unwrap();
    world.passes_to("2026-03-02T14:00[Europe/Berlin]");
    let incident = world.raises(contract, "S1");
    assert_eq!(due(world, incident), at("2026-03-02T16:00[Europe/Berlin]"));
    assert_eq!(world.events(incident)[0].fields.go_live, Some(second.id));
} }

on_both! { fn a_window_that_has_not_begun_may_be_withdrawn_and_no_other(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let other = world.signs("NW-2027", world.usual_terms());
    let first = enters(world, contract, afternoon(world, "First", "PT1H")).unwrap();
    let second = enters(world, contract, afternoon(world, "Second", "PT2H")).unwrap();
    let strange = withdraws(world, other, second.id).unwrap_err();
    assert!(strange.to_string().contains("there is no go-live window"), "{strange}");
    let gone = withdraws(world, contract, second.id).unwrap();
    assert_eq!((gone.withdrawn_by, gone.withdrawn_at), (Some(world.max), Some(world.hand.now())));
    let again = withdraws(world, contract, second.id).unwrap_err();
    assert!(again.to_string().contains("was withdrawn at"), "{again}");
    world.passes_to("2026-03-02T14:00[Europe/Berlin]");
    let incident = world.raises(contract, "S1");
    assert_eq!(due(world, incident), at("2026-03-02T15:00[Europe/Berlin]"), "the first counts");
    let begun = withdraws(world, contract, first.id).unwrap_err();
    assert!(begun.to_string().contains("only one that has not begun"), "{begun}");
} }

on_both! { fn a_window_keeps_the_hours_of_its_calendar_from_being_taken_away(world) {
    let all_day = json!([["00:00", "24:00"]]);
    let nights = crate::world::enter_calendar(&world.store, json!({"name": "Launch", "time_zone": "Europe/Berlin",
        "week": {"mon": all_day, "tue": all_day}}));
    let contract = world.signs("NW-2026", world.usual_terms());
    let mut window = afternoon(world, "Cutover", "PT1H");
    window["commitments"] = json!([stricter(nights, "restore", "PT10M")]);
    enters(world, contract, window).unwrap();
    let empties = || {
        let input = redress::domain::calendar_entry::CalendarInput::read_edit(
            &json!({"name": "Launch", "time_zone": "Europe/Berlin", "week": {}})).unwrap();
        world.store.write(Actor::Operator, move |tx| actions::calendar::edit(tx, nights, 1, &input))
    };
    let refused = empties().unwrap_err();
    assert!(refused.to_string().contains("NW-2026 count in it"), "{refused}");
    world.passes_to("2026-03-02T16:00[Europe/Berlin]");
    empties().unwrap();
} }

on_both! { fn a_laxer_window_and_a_wrong_one_are_refused_at_their_fields(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let wrong = |change: &dyn Fn(&mut Value)| {
        let mut window = afternoon(world, "Cutover", "PT1H");
        change(&mut window);
        faults(enters(world, contract, window).unwrap_err())
    };
    let starts = |faults: Vec<String>, with: &[&str]| {
        assert_eq!(faults.len(), with.len(), "{faults:?}");
        for (fault, with) in faults.iter().zip(with) {
            assert!(fault.starts_with(with), "{fault}");
        }
    };
    starts(wrong(&|w| w["commitments"][0]["target"] = json!({"open_time": "PT5H"})),
        &["commitments[0].target: PT5H is laxer than the PT4H that clause 5.3 of terms 1 gives"]);
    starts(wrong(&|w| w["ends_at"] = w["starts_at"].clone()), &["ends_at: the window begins at"]);
    starts(wrong(&|w| {
        w["starts_at"] = json!("2026-02-01T00:00:00Z");
        w["ends_at"] = json!("2026-02-02T00:00:00Z");
    }), &["ends_at: the window is over"]);
    starts(wrong(&|w| w["name"] = json!("")), &["name: name is missing"]);
    starts(wrong(&|w| w["starts_at"] = json!("2026-03-02T14:00")), &["starts_at: "]);
    starts(wrong(&|w| w["commitments"][0]["severity"] = json!("S9")), &["commitments[0].severity: there is no severity S9"]);
    starts(wrong(&|w| w["commitments"][0]["stops"] = json!(["RAIN"])), &["commitments[0].stops[0]: "]);
    starts(wrong(&|w| w["commitments"][0]["calendar_id"] = json!(99)), &["commitments[0].calendar_id: there is no calendar 99"]);
    starts(wrong(&|w| w["command_post"] = json!(["everybody"])), &["command_post[0]: \"everybody\" is nobody"]);
    starts(wrong(&|w| {
        w["commitments"] = json!([]);
        w["command_post"] = json!([]);
    }), &["commitments: a go-live window has stricter commitments or a command post"]);
    starts(wrong(&|w| w["starts"] = json!("now")), &["starts: \"starts\" is not known here"]);
    // Targets in other calendars cannot be compared, and a command post alone is enough.
    let days = json!({"business_days": 3});
    let mut apart = afternoon(world, "Cutover", "PT1H");
    apart["commitments"][0]["target"] = days;
    enters(world, contract, apart).unwrap();
    let mut post = afternoon(world, "Cutover", "PT1H");
    post["commitments"] = json!([]);
    enters(world, contract, post).unwrap();
} }

on_both! { fn a_window_is_checked_against_every_version_it_lies_in(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let mut next = world.usual_terms();
    next["effective_from"] = json!("2026-03-03");
    next["commitments"][2]["target"] = json!({"open_time": "PT30M"});
    world.store.write(Actor::Operator, move |tx| actions::contract::amend(tx, contract, &next, redress::domain::words::Source::Api)).unwrap();
    let mut window = afternoon(world, "Cutover", "PT1H");
    window["ends_at"] = json!(at("2026-03-03T00:00[Europe/Berlin]"));
    enters(world, contract, window.clone()).unwrap();
    window["ends_at"] = json!(at("2026-03-03T00:00:01[Europe/Berlin]"));
    let refused = faults(enters(world, contract, window).unwrap_err());
    assert!(refused[0].starts_with("commitments[0].target: PT1H is laxer than the PT30M that clause 5.3 of terms 2"), "{refused:?}");
} }
