//! What the terms say about pauses, severities and reopenings; each story fails without its rule.

use redress::domain::words::{ClockState, EventKind, Metric};
use serde_json::{Value, json};

use crate::on_both;
use crate::world::{World, at};

fn terms_with(world: &World, field: &str, value: Value) -> Value {
    let mut terms = world.usual_terms();
    terms[field] = value;
    terms
}

on_both! { fn a_paused_clock_does_not_run_out(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    world.says(incident, json!({"kind": "responded"}));
    world.passes_to("2026-03-02T11:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "paused", "stop": "ACCESS", "reason": "guard house closed"}));
    assert_eq!(world.clock(incident, Metric::Restore).state, ClockState::Paused);
    world.passes_to("2026-03-05T11:00[Europe/Berlin]");
    assert!(world.breaches(incident).is_empty());
    world.says(incident, json!({"kind": "resumed"}));
    // One of four hours was used before; three are left.
    assert_eq!(world.clock(incident, Metric::Restore).due_at, Some(at("2026-03-05T15:00[Europe/Berlin]")));
} }

// peers: the pause was lost when the priority changed (glpi#6902 and others).
on_both! { fn glpi_6902_a_pause_outlives_a_change_of_severity(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    world.says(incident, json!({"kind": "responded"}));
    world.passes_to("2026-03-02T11:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "paused", "stop": "ACCESS"}));
    world.passes_to("2026-03-02T12:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "severity_changed", "severity": "S2"}));
    assert_eq!(world.clock(incident, Metric::Restore).state, ClockState::Paused);
    world.passes_to("2026-03-03T11:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "resumed", "stop": "ACCESS"}));
    // Eight hours from the report, of which one was used.
    assert_eq!(world.clock(incident, Metric::Restore).due_at, Some(at("2026-03-04T10:00[Europe/Berlin]")));
} }

// peers: from paused straight to resolved (glpi#15605).
on_both! { fn glpi_15605_from_paused_straight_to_resolved_is_met(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    world.says(incident, json!({"kind": "paused", "stop": "ACCESS"}));
    world.stands_at("2026-03-02T10:30[Europe/Berlin]");
    world.says(incident, json!({"kind": "responded"}));
    world.passes_to("2026-03-09T12:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "resolved"}));
    let restore = world.clock(incident, Metric::Restore);
    assert_eq!((restore.state, restore.spent), (ClockState::Met, 0));
} }

on_both! { fn an_agreement_counts_from_the_pause_and_withdraws_the_breach_inside_it(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    world.says(incident, json!({"kind": "responded"}));
    world.passes_to("2026-03-02T14:00[Europe/Berlin]");
    let pause = world.says(incident, json!({"kind": "paused", "stop": "MAINT"}));
    assert_eq!(world.clock(incident, Metric::Restore).state, ClockState::Running, "unanswered it does not count");
    world.passes_to("2026-03-02T15:30[Europe/Berlin]");
    assert_eq!(world.breaches(incident).len(), 1);
    world.delivers();
    world.says(incident, json!({"kind": "agreed", "concerns": pause.seq, "reason": "Mei Lin, by telephone"}));
    assert!(world.breaches(incident).is_empty());
    assert_eq!(world.clock(incident, Metric::Restore).state, ClockState::Paused);
    let corrected: Vec<_> = world.post().into_iter().filter(|line| line.starts_with("corrected")).collect();
    assert_eq!(corrected, ["corrected duty@vendor.example", "corrected owner@example.com"]);
    let again = world.records(incident, json!({"kind": "refused", "concerns": pause.seq}));
    assert!(again.unwrap_err().to_string().contains("was agreed"));
} }

on_both! { fn a_refused_pause_never_counted(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    let pause = world.says(incident, json!({"kind": "paused", "stop": "MAINT"}));
    world.says(incident, json!({"kind": "refused", "concerns": pause.seq}));
    assert_eq!(world.clock(incident, Metric::Restore).due_at, Some(at("2026-03-02T15:00[Europe/Berlin]")));
} }

on_both! { fn from_start_counts_the_new_target_from_the_report(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S2");
    world.passes_to("2026-03-02T11:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "severity_changed", "severity": "S1"}));
    assert_eq!(world.clock(incident, Metric::Restore).due_at, Some(at("2026-03-02T15:00[Europe/Berlin]")));
} }

on_both! { fn a_vendor_is_never_late_for_what_it_could_not_know(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S2");
    world.passes_to("2026-03-02T11:30[Europe/Berlin]");
    world.says(incident, json!({"kind": "severity_changed", "severity": "S1"}));
    // One hour from the report is over; it counts from the change.
    assert_eq!(world.clock(incident, Metric::Respond).due_at, Some(at("2026-03-02T12:30[Europe/Berlin]")));
    assert!(world.breaches(incident).is_empty());
} }

on_both! { fn from_change_counts_the_new_target_from_the_change(world) {
    let contract = world.signs("NW-2026", terms_with(world, "on_severity_change", json!("from_change")));
    let incident = world.raises(contract, "S2");
    world.passes_to("2026-03-02T11:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "severity_changed", "severity": "S1"}));
    assert_eq!(world.clock(incident, Metric::Restore).due_at, Some(at("2026-03-02T16:00[Europe/Berlin]")));
} }

on_both! { fn carry_fraction_keeps_the_share_that_was_used(world) {
    let contract = world.signs("NW-2026", terms_with(world, "on_severity_change", json!("carry_fraction")));
    let incident = world.raises(contract, "S2");
    world.passes_to("2026-03-02T12:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "severity_changed", "severity": "S1"}));
    // Two of eight hours were used: three of four are left.
    assert_eq!(world.clock(incident, Metric::Restore).due_at, Some(at("2026-03-02T16:00[Europe/Berlin]")));
} }

on_both! { fn a_severity_without_the_commitment_cancels_the_clock_and_one_with_it_goes_on(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    world.says(incident, json!({"kind": "responded"}));
    world.passes_to("2026-03-02T11:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "severity_changed", "severity": "S3"}));
    assert_eq!(world.clock(incident, Metric::Restore).state, ClockState::Cancelled);
    world.passes_to("2026-03-02T12:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "severity_changed", "severity": "S2"}));
    let restore = world.clock(incident, Metric::Restore);
    assert_eq!((restore.state, restore.due_at), (ClockState::Running, Some(at("2026-03-03T10:00[Europe/Berlin]"))));
} }

fn resolved_and_reopened(world: &World, policy: &str) -> redress::domain::IncidentId {
    let contract = world.signs("NW-2026", terms_with(world, "on_reopen", json!(policy)));
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-02T11:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "resolved"}));
    world.passes_to("2026-03-02T14:00[Europe/Berlin]");
    world.says(
        incident,
        json!({"kind": "reopened", "reason": "it is back"}),
    );
    assert_eq!(
        world.clock(incident, Metric::Respond).state,
        ClockState::Met,
        "a response stays one"
    );
    incident
}

on_both! { fn reopened_with_continue_the_stopped_time_does_not_count(world) {
    let incident = resolved_and_reopened(world, "continue");
    assert_eq!(world.clock(incident, Metric::Restore).due_at, Some(at("2026-03-02T17:00[Europe/Berlin]")));
} }

on_both! { fn reopened_as_if_never_resolved_the_stopped_time_counts(world) {
    let incident = resolved_and_reopened(world, "as_if_never_resolved");
    assert_eq!(world.clock(incident, Metric::Restore).due_at, Some(at("2026-03-02T15:00[Europe/Berlin]")));
} }

on_both! { fn reopened_as_if_never_resolved_a_deadline_that_passed_is_noticed_then(world) {
    let contract = world.signs("NW-2026", terms_with(world, "on_reopen", json!("as_if_never_resolved")));
    let incident = world.raises(contract, "S1");
    world.says(incident, json!({"kind": "resolved"}));
    world.passes_to("2026-03-02T17:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "reopened"}));
    let breach = &world.breaches(incident)[0];
    assert_eq!(breach.due_at, at("2026-03-02T15:00[Europe/Berlin]"));
    assert_eq!(breach.noticed_at, at("2026-03-02T17:00[Europe/Berlin]"));
    assert!(world.post().contains(&"breached owner@example.com".to_string()), "{:?}", world.post());
} }

on_both! { fn reopened_with_restart_a_new_run_begins_and_the_outcome_stays(world) {
    let incident = resolved_and_reopened(world, "restart");
    let restore = world.clock(incident, Metric::Restore);
    assert_eq!((restore.run, restore.due_at), (2, Some(at("2026-03-02T18:00[Europe/Berlin]"))));
    assert_eq!(world.outcomes(incident, Metric::Restore), ["1.1 met"]);
} }

on_both! { fn a_correction_gives_what_live_entry_would_have_given(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-02T11:20[Europe/Berlin]");
    let answer = world.says(incident, json!({"kind": "responded"}));
    assert_eq!(world.clock(incident, Metric::Respond).state, ClockState::Missed);
    let right = at("2026-03-02T10:40[Europe/Berlin]");
    let correction = world.says(incident, json!({"kind": "corrected", "corrects": answer.seq, "occurred_at": right, "reason": "their log"}));
    let respond = world.clock(incident, Metric::Respond);
    assert_eq!((respond.state, respond.stopped_at), (ClockState::Met, Some(right)));
    assert!(world.breaches(incident).is_empty());
    // What is corrected already is corrected by its correction.
    let twice = world.records(incident, json!({"kind": "corrected", "corrects": answer.seq, "taken_back": true, "reason": "x"}));
    assert!(twice.unwrap_err().to_string().contains(&format!("event {}", correction.seq)));
    world.says(incident, json!({"kind": "corrected", "corrects": correction.seq, "taken_back": true, "reason": "their log was wrong"}));
    assert_eq!(world.clock(incident, Metric::Respond).state, ClockState::Missed);
    assert_eq!(world.breaches(incident).len(), 1, "it is entered again");
    assert_eq!(world.breaches(incident)[0].entry, 1);
} }

on_both! { fn a_cancelled_incident_owes_nothing_more_and_keeps_its_breach(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-02T11:30[Europe/Berlin]");
    world.says(incident, json!({"kind": "cancelled", "reason": "the site is closed for good"}));
    world.passes_to("2026-03-03T18:00[Europe/Berlin]");
    assert_eq!(world.breaches(incident).len(), 1);
    assert_eq!(world.clock(incident, Metric::Restore).state, ClockState::Cancelled);
    let late = world.records(incident, json!({"kind": "responded"}));
    assert!(late.unwrap_err().to_string().contains("cancelled"));
} }

on_both! { fn updates_are_owed_again_and_again(world) {
    let mut terms = world.usual_terms();
    terms["commitments"].as_array_mut().unwrap().push(
        json!({"clause": "5.2", "metric": "update", "severity": "S1", "calendar_id": world.office, "target": {"open_time": "PT30M"}}));
    let contract = world.signs("NW-2026", terms);
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-02T10:20[Europe/Berlin]");
    world.says(incident, json!({"kind": "responded"}));
    // Silence: missed at 10:50 and at 11:20, counted on from each deadline.
    world.passes_to("2026-03-02T11:30[Europe/Berlin]");
    let due: Vec<_> = world.breaches(incident).iter().map(|breach| (breach.interval, breach.due_at)).collect();
    assert_eq!(due, [(2, at("2026-03-02T10:50[Europe/Berlin]")), (3, at("2026-03-02T11:20[Europe/Berlin]"))]);
    world.says(incident, json!({"kind": "updated"}));
    world.stands_at("2026-03-02T11:40[Europe/Berlin]");
    world.says(incident, json!({"kind": "restored"}));
    assert_eq!(world.outcomes(incident, Metric::Update), ["1.1 met", "1.2 missed", "1.3 missed", "1.4 met"]);
    assert_eq!(world.clock(incident, Metric::Update).state, ClockState::Missed);
} }

on_both! { fn business_days_are_due_as_written_unless_a_pause_touched_them(world) {
    let mut terms = world.usual_terms();
    terms["commitments"].as_array_mut().unwrap().push(
        json!({"clause": "5.4", "metric": "resolve", "severity": "S2", "calendar_id": world.office, "target": {"business_days": 2, "at": "16:00"}}));
    let contract = world.signs("NW-2026", terms);
    let incident = world.raises(contract, "S2");
    assert_eq!(world.clock(incident, Metric::Resolve).due_at, Some(at("2026-03-04T16:00[Europe/Berlin]")));
    world.passes_to("2026-03-02T18:30[Europe/Berlin]");
    world.says(incident, json!({"kind": "paused", "stop": "ACCESS"}));
    world.passes_to("2026-03-02T20:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "resumed"}));
    assert_eq!(world.clock(incident, Metric::Resolve).due_at, Some(at("2026-03-04T16:00[Europe/Berlin]")), "closed time");
    world.passes_to("2026-03-03T09:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "paused", "stop": "ACCESS"}));
    world.passes_to("2026-03-03T11:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "resumed"}));
    assert_eq!(world.clock(incident, Metric::Resolve).due_at, Some(at("2026-03-04T18:00[Europe/Berlin]")));
} }

on_both! { fn a_calendar_edit_moves_a_running_deadline_and_says_so(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S2");
    world.says(incident, json!({"kind": "responded"}));
    assert_eq!(world.clock(incident, Metric::Restore).due_at, Some(at("2026-03-03T10:00[Europe/Berlin]")));
    world.passes_to("2026-03-02T12:00[Europe/Berlin]");
    world.closes_the_office_on("2026-03-03", "strike");
    world.passes_to("2026-03-02T12:01[Europe/Berlin]");
    assert_eq!(world.clock(incident, Metric::Restore).due_at, Some(at("2026-03-04T10:00[Europe/Berlin]")));
    let events = world.events(incident);
    let moved = events.iter().find(|event| event.kind == EventKind::DeadlineMoved).expect("an event");
    assert_eq!(moved.fields.due_before, Some(at("2026-03-03T10:00[Europe/Berlin]")));
    assert_eq!(moved.fields.due_after, Some(at("2026-03-04T10:00[Europe/Berlin]")));
} }
