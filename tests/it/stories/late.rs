//! Entered late, in another order, or wrongly and then set right, a timeline ends in the state that live
//! entry would have given.

use redress::domain::words::Metric;
use redress::domain::{ContractId, IncidentId};
use redress::time::{DAY, HOUR, MINUTE, Moment};
use serde_json::{Value, json};

use super::cut::Dice;
use crate::on_both;
use crate::world::{World, monday};

/// Something that happened, some time after the report.
type Happening = (Moment, Value);

const INCIDENTS: usize = 6;

fn made_up(dice: &mut Dice) -> Vec<Happening> {
    let kinds = [
        json!({"kind": "responded"}),
        json!({"kind": "updated"}),
        json!({"kind": "promised", "promised_for": "2026-04-01T00:00:00Z"}),
        json!({"kind": "worked_around"}),
        json!({"kind": "severity_changed", "severity": "S1"}),
        json!({"kind": "severity_changed", "severity": "S2"}),
        json!({"kind": "paused", "stop": "ACCESS"}),
        json!({"kind": "resumed"}),
        json!({"kind": "restored"}),
        json!({"kind": "resolved"}),
        json!({"kind": "reopened"}),
        json!({"kind": "cause_explained"}),
    ];
    let mut at = monday();
    (0..9)
        .map(|_| {
            at = at + (1 + i64::try_from(dice.below(14)).unwrap()) * 17 * MINUTE;
            let kind = &kinds[usize::try_from(dice.below(kinds.len() as u64)).unwrap()];
            (at, kind.clone())
        })
        .collect()
}

/// Three contracts in a row have the same terms: one for each way of entry.
fn contract(world: &World, number: usize) -> ContractId {
    let terms_of = number / 3;
    let mut terms = world.usual_terms();
    terms["commitments"].as_array_mut().unwrap().extend([
        json!({"clause": "5.2", "metric": "update", "severity": "S1", "calendar_id": world.office, "target": {"open_time": "PT45M"}}),
        json!({"clause": "5.4", "metric": "resolve", "severity": "S1", "calendar_id": world.office, "target": {"business_days": 1, "at": "12:00"}}),
        json!({"clause": "5.4", "metric": "resolve", "severity": "S2", "calendar_id": world.office, "target": {"business_days": 2, "at": "close"}}),
        json!({"clause": "5.5", "metric": "root_cause", "severity": "S1", "calendar_id": world.office, "target": {"open_time": "PT2H"}})]);
    let policies = ["continue", "as_if_never_resolved", "restart"];
    let changes = ["from_start", "from_change", "carry_fraction"];
    terms["on_reopen"] = json!(policies[terms_of % 3]);
    terms["on_severity_change"] = json!(changes[(terms_of + terms_of / 3) % 3]);
    world.signs(&format!("NW-{number}"), terms)
}

fn end() -> Moment {
    monday() + 5 * DAY
}

/// Lets time pass to the end and says how everything came out: breaches, outcomes and clocks.
fn came_out(world: &World, incident: IncidentId) -> Vec<String> {
    world.passes_to_moment(end());
    let clocks = world.clocks(incident);
    let mut told: Vec<String> = world
        .breaches(incident)
        .iter()
        .map(|one| {
            let lap = (one.metric, one.run, one.interval);
            format!("breach {lap:?} {} {}", one.due_at, one.severity)
        })
        .collect();
    told.sort();
    for clock in &clocks {
        told.push(format!(
            "{} {} due {:?} stopped {:?} breached {:?} run {}.{} of {}",
            clock.metric,
            clock.state,
            clock.due_at,
            clock.stopped_at,
            clock.breached_at,
            clock.run,
            clock.interval,
            clock.budget
        ));
        told.extend(world.outcomes(incident, clock.metric));
    }
    told
}

/// The happenings that the timeline admits when they are typed as they happen, and how it ends.
fn live(world: &World, number: usize, happenings: &[Happening]) -> (Vec<Happening>, Vec<String>) {
    world.hand.set(monday());
    let incident = world.raises(contract(world, number), "S1");
    let mut admitted = Vec::new();
    for (at, event) in happenings {
        world.passes_to_moment(*at);
        if world.records(incident, event.clone()).is_ok() {
            admitted.push((*at, event.clone()));
        }
    }
    (admitted, came_out(world, incident))
}

fn raised_late(world: &World, number: usize) -> IncidentId {
    let input = json!({"contract_id": contract(world, number), "severity": "S1", "title": "Frankfurt is cut off",
        "reported_at": monday(), "reason": "entered from the log book"});
    world.raises_as(input).unwrap().id
}

fn then(at: Moment, event: &Value) -> Value {
    let mut event = event.clone();
    event["occurred_at"] = json!(at);
    event["reason"] = json!("entered from the log book");
    event
}

/// Entered whole after the fact, some of it before what had happened earlier.
fn late(world: &World, number: usize, admitted: &[Happening], dice: &mut Dice) -> Vec<String> {
    world.hand.set(end() - HOUR);
    let incident = raised_late(world, number);
    let mut waiting: Vec<Happening> = admitted.to_vec();
    let mut refused = 0;
    while !waiting.is_empty() {
        let next = usize::try_from(dice.below(waiting.len() as u64)).unwrap();
        let (at, event) = waiting.remove(next);
        // What makes no sense yet, such as the end of a pause nobody has entered, waits its turn.
        if world.records(incident, then(at, &event)).is_err() {
            waiting.push((at, event));
            refused += 1;
            assert!(refused < 500, "{waiting:?} is refused for ever");
        }
    }
    came_out(world, incident)
}

/// Typed live but each at a wrong moment, and set right at the end.
fn corrected(world: &World, number: usize, admitted: &[Happening]) -> Vec<String> {
    world.hand.set(monday());
    let incident = world.raises(contract(world, number), "S1");
    let mut wrong = Vec::new();
    for (at, event) in admitted {
        world.passes_to_moment(*at + 11 * MINUTE);
        wrong.push((*at, world.says(incident, event.clone()).seq));
    }
    world.passes_to_moment(end() - HOUR);
    for (right, seq) in wrong {
        world.says(incident, json!({"kind": "corrected", "corrects": seq, "occurred_at": right, "reason": "our clock was wrong"}));
    }
    came_out(world, incident)
}

fn compare(world: &World, first_seed: u64) {
    let mut dice = Dice(first_seed);
    let (mut breaches, mut events) = (0, 0);
    for number in 0..INCIDENTS {
        let happenings = made_up(&mut dice);
        let (admitted, expected) = live(world, number * 3, &happenings);
        events += admitted.len();
        breaches += expected
            .iter()
            .filter(|line| line.starts_with("breach"))
            .count();
        let told = |way: &str| format!("{way}, incident {number}: {admitted:#?}");
        assert_eq!(
            late(world, number * 3 + 1, &admitted, &mut dice),
            expected,
            "{}",
            told("late")
        );
        assert_eq!(
            corrected(world, number * 3 + 2, &admitted),
            expected,
            "{}",
            told("corrected")
        );
    }
    assert!(
        events > 3 * INCIDENTS && breaches > INCIDENTS,
        "{events} events, {breaches} breaches"
    );
}

on_both! { fn late_entry_and_correction_end_as_live_entry_would_have(world) {
    compare(world, 5);
} }

on_both! { fn whoever_was_told_of_a_breach_that_a_late_answer_undoes_gets_a_correction(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-02T12:00[Europe/Berlin]");
    world.delivers();
    assert_eq!(world.breaches(incident).len(), 1);
    let sent = world.post();
    world.says(incident, json!({"kind": "responded", "occurred_at": monday() + 30 * MINUTE, "reason": "their ticket shows it"}));
    world.delivers();
    assert!(world.breaches(incident).is_empty());
    let post = world.post();
    // What was sent stays in the record.
    assert_eq!(post[..sent.len()], sent[..]);
    let told: Vec<_> = sent.iter().filter_map(|line| line.strip_prefix("breached ")).collect();
    for email in told {
        assert!(post.contains(&format!("corrected {email}")), "{email}: {post:?}");
    }
    assert_eq!(world.clock(incident, Metric::Respond).stopped_at, Some(monday() + 30 * MINUTE));
} }
