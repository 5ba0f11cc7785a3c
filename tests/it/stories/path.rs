//! The main path: a commitment is not kept, and everyone who must know is told.

use redress::domain::letter::{LetterKind, LetterState};
use redress::domain::words::{ClockState, Metric};
use serde_json::json;

use crate::on_both;
use crate::world::at;

on_both! { fn an_unanswered_incident_is_warned_of_breached_and_escalated(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    assert_eq!(world.clock(incident, Metric::Respond).due_at, Some(at("2026-03-02T11:00[Europe/Berlin]")));
    assert_eq!(world.clock(incident, Metric::Restore).due_at, Some(at("2026-03-02T15:00[Europe/Berlin]")));
    assert_eq!(world.post(), ["raised desk@vendor.example"]);

    world.passes_to("2026-03-02T10:50[Europe/Berlin]");
    assert_eq!(world.post()[1..], ["warned desk@vendor.example", "warned ann@example.com"]);
    assert!(world.breaches(incident).is_empty());

    let done = world.passes_to("2026-03-02T11:00[Europe/Berlin]");
    assert_eq!(done.breached, 1);
    let breach = &world.breaches(incident)[0];
    assert_eq!((breach.clause.as_str(), breach.due_at), ("5.1", at("2026-03-02T11:00[Europe/Berlin]")));
    assert_eq!(breach.noticed_at, breach.due_at);
    assert_eq!(world.post()[3..], ["breached duty@vendor.example", "breached owner@example.com"]);

    // An hour later the manager, and again until somebody takes it.
    world.passes_to("2026-03-02T12:00[Europe/Berlin]");
    assert_eq!(world.post()[5..], ["escalated max@example.com"]);
    world.passes_to("2026-03-02T12:30[Europe/Berlin]");
    world.says(incident, json!({"kind": "acknowledged", "metrics": ["respond"]}));
    world.passes_to("2026-03-02T13:30[Europe/Berlin]");
    assert_eq!(world.post().len(), 6, "{:?}", world.post());

    world.says(incident, json!({"kind": "responded"}));
    let respond = world.clock(incident, Metric::Respond);
    assert_eq!(respond.state, ClockState::Missed);
    world.says(incident, json!({"kind": "resolved", "reason": "line replaced"}));
    let resolved: Vec<_> = world.post()[6..].to_vec();
    assert_eq!(resolved, [
        "resolved desk@vendor.example", "resolved owner@example.com", "resolved ann@example.com",
        "resolved duty@vendor.example", "resolved max@example.com"]);
    assert_eq!(world.clock(incident, Metric::Restore).state, ClockState::Met);
    assert!(world.passes_to("2026-03-03T18:00[Europe/Berlin]").breached == 0);
} }

on_both! { fn an_answer_at_the_very_due_moment_is_in_time(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    world.stands_at("2026-03-02T11:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "responded"}));
    world.passes_to("2026-03-02T11:30[Europe/Berlin]");
    assert_eq!(world.clock(incident, Metric::Respond).state, ClockState::Met);
    assert!(world.breaches(incident).is_empty());
} }

on_both! { fn an_answer_entered_late_withdraws_the_breach_and_corrects_the_letters(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-02T11:30[Europe/Berlin]");
    assert_eq!(world.breaches(incident).len(), 1);
    let refused = world.records(incident, json!({"kind": "responded", "occurred_at": at("2026-03-02T10:55[Europe/Berlin]")}));
    assert!(refused.unwrap_err().to_string().contains("reason"));
    world.says(incident, json!({"kind": "responded", "occurred_at": at("2026-03-02T10:55[Europe/Berlin]"), "reason": "by telephone"}));
    assert!(world.breaches(incident).is_empty());
    assert_eq!(world.clock(incident, Metric::Respond).state, ClockState::Met);
    // Nothing had left yet: the letters are cancelled, and nobody needs a correction.
    let post = world.letters();
    let breached: Vec<_> = post.iter().filter(|letter| letter.breach_id.is_some()).collect();
    assert_eq!(breached.len(), 2);
    assert!(breached.iter().all(|letter| letter.state.as_str() == "cancelled"), "{:?}", world.post());
} }

on_both! { fn after_downtime_the_breach_carries_its_due_moment_and_one_letter_catches_up(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    let done = world.jumps_to("2026-03-02T12:10[Europe/Berlin]");
    assert_eq!((done.breached, done.steps), (1, 3));
    let breach = &world.breaches(incident)[0];
    assert_eq!(breach.due_at, at("2026-03-02T11:00[Europe/Berlin]"));
    assert_eq!(breach.noticed_at, at("2026-03-02T12:10[Europe/Berlin]"));
    let mut post = world.post()[1..].to_vec();
    post.sort();
    assert_eq!(post, [
        "breached duty@vendor.example", "breached owner@example.com", "escalated max@example.com",
        "warned ann@example.com", "warned desk@vendor.example"]);
} }

on_both! { fn a_corrected_severity_takes_a_clock_away_and_the_engine_goes_on(world) {
    let mut terms = world.usual_terms();
    terms["commitments"].as_array_mut().unwrap().retain(|one| one["metric"] != "respond" || one["severity"] == "S1");
    let contract = world.signs("NW-2026", terms);
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-02T11:30[Europe/Berlin]");
    assert_eq!(world.breaches(incident).len(), 1);
    world.says(incident, json!({"kind": "corrected", "corrects": 1, "severity": "S2", "reason": "it was never critical"}));
    assert_eq!(world.clock(incident, Metric::Respond).state, ClockState::Cancelled);
    assert!(world.breaches(incident).is_empty(), "nobody promised it for S2");
    world.passes_to("2026-03-04T18:00[Europe/Berlin]");
} }

on_both! { fn a_void_cancellation_withdraws_and_escalates_no_more(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-02T11:30[Europe/Berlin]");
    let before = world.post().len();
    world.says(incident, json!({"kind": "cancelled", "void": true, "reason": "it was the wrong vendor"}));
    world.passes_to("2026-03-03T18:00[Europe/Berlin]");
    assert!(world.breaches(incident).is_empty());
    assert!(world.post()[before..].iter().all(|line| line.starts_with("corrected")), "{:?}", world.post());
} }

on_both! { fn a_pause_after_the_stop_of_a_clock_does_not_start_it_again(world) {
    let mut terms = world.usual_terms();
    let update = json!({"clause": "5.2", "metric": "update", "severity": "S1", "calendar_id": world.office, "target": {"open_time": "PT30M"}});
    let resolve = json!({"clause": "5.4", "metric": "resolve", "severity": "S1", "calendar_id": world.office, "target": {"open_time": "PT8H"}});
    terms["commitments"].as_array_mut().unwrap().extend([update, resolve]);
    terms["clock_stops"][0]["metrics"] = json!(["update", "resolve"]);
    let contract = world.signs("NW-2026", terms);
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-02T10:20[Europe/Berlin]");
    world.says(incident, json!({"kind": "responded"}));
    world.passes_to("2026-03-02T10:30[Europe/Berlin]");
    world.says(incident, json!({"kind": "restored"}));
    let before = world.post().len();
    world.passes_to("2026-03-02T11:30[Europe/Berlin]");
    world.says(incident, json!({"kind": "paused", "stop": "ACCESS"}));
    world.passes_to("2026-03-02T15:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "resumed"}));
    world.passes_to("2026-03-02T16:00[Europe/Berlin]");
    assert_eq!(world.clock(incident, Metric::Update).state, ClockState::Met);
    assert_eq!(world.post().len(), before, "{:?}", world.post());
} }

on_both! { fn an_answer_at_the_due_moment_that_is_entered_later_breaches_nothing(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    world.stands_at("2026-03-02T11:10[Europe/Berlin]");
    world.says(incident, json!({"kind": "responded", "occurred_at": at("2026-03-02T11:00[Europe/Berlin]")}));
    world.passes_to("2026-03-02T11:30[Europe/Berlin]");
    assert!(world.breaches(incident).is_empty());
    // As with an engine that never slept the breach was entered and withdrawn; its letters stay here.
    world.delivers();
    let letters = world.letters();
    let breached: Vec<_> = letters.iter().filter(|letter| letter.kind == LetterKind::Breached).collect();
    assert!(breached.iter().all(|letter| letter.state == LetterState::Cancelled), "{breached:?}");
} }

on_both! { fn a_deadline_that_passed_unnoticed_before_a_severity_change_is_still_told(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    world.stands_at("2026-03-02T11:05[Europe/Berlin]");
    world.says(incident, json!({"kind": "severity_changed", "severity": "S2"}));
    assert_eq!(world.breaches(incident).len(), 1);
    assert!(world.post().contains(&"breached owner@example.com".to_string()), "{:?}", world.post());
} }
