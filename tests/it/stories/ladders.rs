//! Who is told, when, and how often.

use redress::domain::letter::LetterFacts;
use redress::domain::words::{ClockState, Metric};
use serde_json::json;

use crate::on_both;
use crate::world::{World, at, enter_calendar};

fn ladder(world: &World, steps: serde_json::Value) -> redress::domain::ContractId {
    let mut terms = world.usual_terms();
    terms["ladder"] = steps;
    world.signs("NW-2026", terms)
}

on_both! { fn a_step_with_nobody_is_skipped_and_the_next_brought_forward(world) {
    let contract = ladder(world, json!([
        {"when": {"percent": 50}, "to": ["vendor:4"], "by": ["email"]},
        {"when": {"percent": 90}, "to": ["reporter"], "by": ["email"]},
        {"when": {"at_due": true}, "to": ["vendor:4"], "by": ["email"]},
        {"when": {"after_due": "PT2H"}, "to": ["owner"], "by": ["email"]}]));
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-02T10:30[Europe/Berlin]");
    assert_eq!(world.post()[1..], ["warned ann@example.com"], "at half time, not at nine tenths");
    world.passes_to("2026-03-02T11:00[Europe/Berlin]");
    assert_eq!(world.post()[2..], ["escalated owner@example.com"], "at the deadline, not two hours later");
    world.says(incident, json!({"kind": "resolved"}));
} }

on_both! { fn a_letter_waits_for_the_hours_of_its_recipient(world) {
    let contract = ladder(world, json!([
        {"when": {"at_due": true}, "to": ["vendor:2"], "by": ["email"], "hold": "recipient_hours"}]));
    world.stands_at("2026-03-02T16:30[Europe/Berlin]");
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-02T17:30[Europe/Berlin]");
    let letters = world.letters();
    let held = letters.last().expect("a letter");
    // The duty manager sits in Shanghai and has no calendar: 09:00 the next morning there.
    assert_eq!(held.next_attempt_at, at("2026-03-03T09:00[Asia/Shanghai]"));
    world.says(incident, json!({"kind": "resolved"}));
} }

on_both! { fn a_contact_with_a_calendar_is_written_to_in_its_hours(world) {
    let nights = enter_calendar(&world.store, json!({"name": "Nights", "time_zone": "Europe/Berlin",
        "week": {"mon": [["22:00", "06:00"]], "tue": [["22:00", "06:00"]]}}));
    world.gives_the_desk_hours(nights);
    let contract = ladder(world, json!([{"when": {"at_due": true}, "to": ["vendor:1"], "by": ["email"], "hold": "recipient_hours"}]));
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-02T11:00[Europe/Berlin]");
    assert_eq!(world.letters().last().expect("a letter").next_attempt_at, at("2026-03-02T22:00[Europe/Berlin]"));
    world.says(incident, json!({"kind": "resolved"}));
} }

on_both! { fn repeats_are_bounded_and_stop_with_the_clock(world) {
    let contract = ladder(world, json!([
        {"when": {"at_due": true}, "to": ["owner"], "by": ["email"], "metrics": ["respond"],
         "repeat": {"every": "PT30M", "times": 3, "until": "stopped"}}]));
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-02T11:40[Europe/Berlin]");
    assert_eq!(world.post()[1..], ["breached owner@example.com", "breached owner@example.com"]);
    // An acknowledgement does not end what only the stop ends.
    world.says(incident, json!({"kind": "acknowledged", "metrics": ["respond"]}));
    world.passes_to("2026-03-02T12:00[Europe/Berlin]");
    assert_eq!(world.post()[3..], ["breached owner@example.com"]);
    world.says(incident, json!({"kind": "responded"}));
    world.passes_to("2026-03-03T18:00[Europe/Berlin]");
    assert!(world.post()[4..].iter().all(|line| !line.starts_with("breached")), "{:?}", world.post());
} }

on_both! { fn a_repeat_for_the_very_moment_of_the_stop_is_not_sent(world) {
    let contract = ladder(world, json!([
        {"when": {"at_due": true}, "to": ["owner"], "by": ["email"], "metrics": ["restore"],
         "repeat": {"every": "PT30M", "times": 3, "until": "stopped"}}]));
    let incident = world.raises(contract, "S1");
    world.says(incident, json!({"kind": "responded"}));
    world.passes_to("2026-03-02T15:45[Europe/Berlin]");
    assert_eq!(world.steps(incident).len(), 2);
    world.stands_at("2026-03-02T16:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "restored"}));
    world.passes_to("2026-03-03T18:00[Europe/Berlin]");
    assert_eq!(world.steps(incident).len(), 2, "{:?}", world.steps(incident));
    assert_eq!(world.post()[1..], ["breached owner@example.com"; 2]);
} }

on_both! { fn an_acknowledgement_expires_and_one_letter_reminds(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-02T11:01[Europe/Berlin]");
    world.says(incident, json!({"kind": "acknowledged"}));
    let before = world.post().len();
    world.passes_to("2026-03-02T13:00[Europe/Berlin]");
    assert_eq!(world.post().len(), before, "quiet for two hours: {:?}", world.post());
    world.passes_to("2026-03-02T13:01[Europe/Berlin]");
    assert_eq!(world.post()[before..], ["escalated max@example.com"]);
    let late = world.records(incident, json!({"kind": "acknowledged", "occurred_at": at("2026-03-02T11:00[Europe/Berlin]")}));
    assert!(late.unwrap_err().to_string().contains("back-dated"));
} }

on_both! { fn an_incident_reported_late_climbs_its_ladder_in_one_letter_each(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    world.stands_at("2026-03-02T12:10[Europe/Berlin]");
    let refused = world.raises_as(json!({"contract_id": contract, "severity": "S1", "title": "Frankfurt is cut off",
        "reported_at": at("2026-03-02T10:00[Europe/Berlin]")}));
    assert!(refused.unwrap_err().to_string().contains("reason"));
    let incident = world.raises_as(json!({"contract_id": contract, "severity": "S1", "title": "Frankfurt is cut off",
        "reported_at": at("2026-03-02T10:00[Europe/Berlin]"), "reason": "telephoned, entered afterwards"})).unwrap().id;
    let breach = &world.breaches(incident)[0];
    assert_eq!((breach.due_at, breach.noticed_at), (at("2026-03-02T11:00[Europe/Berlin]"), at("2026-03-02T12:10[Europe/Berlin]")));
    let mut post = world.post();
    post.sort();
    assert_eq!(post, [
        "breached duty@vendor.example", "breached owner@example.com", "escalated max@example.com",
        "raised desk@vendor.example", "warned ann@example.com", "warned desk@vendor.example"]);
} }

on_both! { fn a_drill_runs_whole_and_every_letter_says_so(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises_as(json!({"contract_id": contract, "severity": "S1", "title": "Practice", "drill": true})).unwrap().id;
    world.passes_to("2026-03-02T11:00[Europe/Berlin]");
    assert!(world.breaches(incident)[0].drill);
    for letter in world.letters() {
        let LetterFacts::Incident(facts) = &letter.facts else { panic!("a letter about an incident") };
        assert!(facts.drill);
    }
    world.delivers();
    let sent = world.letters();
    assert!(sent.iter().filter(|letter| letter.locale.as_str() == "en").all(|letter| letter.subject.as_deref().is_some_and(|subject| subject.contains("DRILL"))));
} }

on_both! { fn two_vendors_answer_each_for_its_own_part(world) {
    let first = world.signs("NW-2026", world.usual_terms());
    let second = world.signs("NW-2027", world.usual_terms());
    let incident = world.raises(first, "S1");
    world.passes_to("2026-03-02T10:30[Europe/Berlin]");
    let case = world.adds_case(incident, json!({"contract_id": second, "severity": "S2"})).unwrap();
    world.says(incident, json!({"kind": "responded", "case": case}));
    world.passes_to("2026-03-02T11:00[Europe/Berlin]");
    let breaches = world.breaches(incident);
    assert_eq!(breaches.len(), 1);
    assert_ne!(breaches[0].case_id, case);
    let twice = world.adds_case(incident, json!({"contract_id": second, "severity": "S1"}));
    assert!(twice.unwrap_err().to_string().contains("already"));
    world.says(incident, json!({"kind": "resolved"}));
    assert!(world.clocks(incident).iter().all(|clock| clock.state != ClockState::Running));
    let of_second = world.clocks(incident).into_iter().find(|clock| clock.case_id == case && clock.metric == Metric::Respond);
    assert_eq!(of_second.expect("a clock").state, ClockState::Met);
} }

// The duty manager hears of the first case first, and of the second too.
on_both! { fn who_was_told_of_two_cases_hears_of_the_repair_of_each(world) {
    let first = world.signs("NW-2026", world.usual_terms());
    let second = world.signs("NW-2027", world.usual_terms());
    let incident = world.raises(first, "S1");
    let case = world.adds_case(incident, json!({"contract_id": second, "severity": "S1"})).unwrap();
    world.passes_to("2026-03-02T11:01[Europe/Berlin]");
    world.says(incident, json!({"kind": "resolved", "case": case}));
    let told = |world: &World| world.post().iter().filter(|line| *line == "resolved duty@vendor.example").count();
    assert_eq!(told(world), 1, "{:?}", world.post());
    let other = world.breaches(incident).iter().map(|breach| breach.case_id).find(|of| *of != case).unwrap();
    world.says(incident, json!({"kind": "resolved", "case": other}));
    assert_eq!(told(world), 2, "{:?}", world.post());
} }

// However time is cut into ticks, breaches and steps come out equal; letters need not.
#[test]
fn passing_and_jumping_end_alike() {
    let told = |jumps: &[&str]| {
        let world = World::on_sqlite();
        let mut terms = world.usual_terms();
        terms["commitments"].as_array_mut().unwrap().push(
            json!({"clause": "5.2", "metric": "update", "severity": "S1", "calendar_id": world.office, "target": {"open_time": "PT45M"}}));
        let contract = world.signs("NW-2026", terms);
        let incident = world.raises(contract, "S1");
        if jumps.is_empty() {
            world.passes_to("2026-03-03T12:00[Europe/Berlin]");
        }
        for moment in jumps {
            world.jumps_to(moment);
        }
        let breaches: Vec<_> = world
            .breaches(incident)
            .iter()
            .map(|one| (one.metric, one.interval, one.due_at))
            .collect();
        let mut steps: Vec<_> = world
            .steps(incident)
            .into_iter()
            .map(|step| {
                (
                    step.clock_id,
                    step.interval,
                    step.step,
                    step.repeat,
                    step.planned_at,
                    step.deed,
                )
            })
            .collect();
        steps.sort();
        world.ends();
        (
            breaches
                .into_iter()
                .collect::<std::collections::BTreeSet<_>>(),
            steps,
        )
    };
    let whole = told(&[]);
    assert!(whole.0.len() > 5 && whole.1.len() > 10);
    assert_eq!(told(&["2026-03-03T12:00[Europe/Berlin]"]), whole);
    assert_eq!(
        told(&[
            "2026-03-02T10:40[Europe/Berlin]",
            "2026-03-02T12:00[Europe/Berlin]",
            "2026-03-02T15:00[Europe/Berlin]",
            "2026-03-03T12:00[Europe/Berlin]"
        ]),
        whole
    );
}
