//! One vendor hands over to another: one event on both cases, and the gap between them.

use redress::consequence::judged;
use redress::domain::timeline::{Handover, handovers};
use redress::domain::words::{ClockState, Metric};
use redress::domain::{CaseId, IncidentId};
use redress::store;
use redress::time::MINUTE;
use serde_json::{Value, json};

use super::chosen_terms::faults;
use crate::on_both;
use crate::world::{World, at};

/// Raised at 10:00 for one contract; the other is told at that time.
fn two_cases(world: &World, told: &str) -> (IncidentId, CaseId, CaseId) {
    let first = world.signs("NW-2026", world.usual_terms());
    let second = world.signs("NW-2027", world.usual_terms());
    let incident = world.raises(first, "S1");
    world.says(incident, json!({"kind": "responded"}));
    world.passes_to(told);
    let to = world
        .adds_case(incident, json!({"contract_id": second, "severity": "S1"}))
        .unwrap();
    let cases = world
        .store
        .read(|conn| store::incident::cases(conn, incident))
        .unwrap();
    (incident, cases[0].id, to)
}

fn over(world: &World, incident: IncidentId) -> Vec<Handover> {
    let now = world.hand.now();
    let judged = world.store.read(|conn| {
        let incident = store::incident::get(conn, incident)?;
        judged(conn, incident, now)
    });
    handovers(&judged.unwrap().facts)
}

fn due(world: &World, incident: IncidentId, case: CaseId) -> redress::time::Moment {
    let clocks = world.clocks(incident);
    let mut clocks = clocks.iter();
    let clock = clocks.find(|clock| clock.case_id == case && clock.metric == Metric::Restore);
    clock.unwrap().due_at.unwrap()
}

on_both! { fn a_hand_over_is_one_event_on_both_and_its_gap_is_measured(world) {
    let (incident, from, to) = two_cases(world, "2026-03-02T10:45[Europe/Berlin]");
    let event = world.says(incident, json!({"kind": "handed_over", "case": from, "to_case": to,
        "occurred_at": at("2026-03-02T10:30[Europe/Berlin]"), "reason": "their line is fine"}));
    assert_eq!((event.case_id, event.fields.to_case), (Some(from), Some(to)));
    let found = over(world, incident);
    let wanted = Handover { seq: event.seq, at: at("2026-03-02T10:30[Europe/Berlin]"), from, to, gap: 15 * MINUTE };
    assert_eq!(found, [wanted]);
    // Each case's clocks go by its own report; the hand-over is no answer of anybody.
    assert_eq!(due(world, incident, from), at("2026-03-02T15:00[Europe/Berlin]"));
    assert_eq!(due(world, incident, to), at("2026-03-02T15:45[Europe/Berlin]"));
    let clocks = world.clocks(incident);
    let respond = clocks.iter().find(|clock| clock.case_id == to && clock.metric == Metric::Respond).unwrap();
    assert_eq!(respond.state, ClockState::Running);
    // It can be set right, and taken back.
    world.says(incident, json!({"kind": "corrected", "corrects": event.seq, "occurred_at": at("2026-03-02T10:20[Europe/Berlin]"), "reason": "their log"}));
    assert_eq!(over(world, incident)[0].gap, 25 * MINUTE);
    let correction = world.events(incident).last().unwrap().seq;
    world.says(incident, json!({"kind": "corrected", "corrects": correction, "taken_back": true, "reason": "our log"}));
    assert_eq!(over(world, incident), [wanted]);
    world.says(incident, json!({"kind": "corrected", "corrects": event.seq, "taken_back": true, "reason": "they kept it"}));
    assert_eq!(over(world, incident), []);
} }

on_both! { fn a_hand_over_to_a_case_that_was_reported_before_has_no_gap(world) {
    let (incident, from, to) = two_cases(world, "2026-03-02T10:20[Europe/Berlin]");
    world.passes_to("2026-03-02T10:30[Europe/Berlin]");
    world.says(incident, json!({"kind": "handed_over", "case": from, "to_case": to}));
    assert_eq!(over(world, incident)[0].gap, 0);
} }

on_both! { fn a_hand_over_needs_two_cases_that_are_not_cancelled(world) {
    let (incident, from, to) = two_cases(world, "2026-03-02T10:20[Europe/Berlin]");
    let refused = |event: Value| faults(world.records(incident, event).unwrap_err());
    assert_eq!(refused(json!({"kind": "handed_over"})), ["case: name the case that is handed over",
        "to_case: name the case that goes on with it; add the vendor first if it has none"]);
    assert_eq!(refused(json!({"kind": "handed_over", "case": from, "to_case": from})), ["to_case: a case cannot be handed over to itself"]);
    assert_eq!(refused(json!({"kind": "handed_over", "case": 99, "to_case": 98})),
        ["case: case 99 does not belong to this incident", "to_case: case 98 does not belong to this incident"]);
    assert_eq!(refused(json!({"kind": "handed_over", "case": from, "to_case": "NW"})), ["to_case: to case must be a whole number, not \"NW\""]);
    assert_eq!(refused(json!({"kind": "responded", "to_case": to})), ["to_case: an event \"responded\" carries no to case"]);
    let early = json!({"kind": "handed_over", "case": to, "to_case": from, "occurred_at": at("2026-03-02T10:10[Europe/Berlin]")});
    assert!(refused(early)[0].starts_with("occurred_at: "), "it cannot be handed over before it was there");
    world.says(incident, json!({"kind": "cancelled", "case": to, "reason": "not theirs"}));
    assert_eq!(refused(json!({"kind": "handed_over", "case": from, "to_case": to})), [format!("to_case: case {to} is cancelled")]);
    let back = refused(json!({"kind": "handed_over", "case": to, "to_case": from}));
    assert!(back.contains(&format!("case: case {to} is cancelled")), "{back:?}");
} }
