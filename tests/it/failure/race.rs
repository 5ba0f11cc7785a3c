//! Answers in the very microseconds in which clocks fall due, from several hands, with engines at work.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::TimeDelta;
use redress::actions;
use redress::domain::IncidentId;
use redress::domain::incident::Record;
use redress::domain::words::Source;
use redress::engine::tick::tick;
use redress::store::Actor;
use redress::time::{HOUR, SECOND};
use serde_json::json;

use super::house::{Chance, clocks, say};
use crate::on_both;
use crate::world::World;

/// Incidents that fall due in the same moment.
const ROUND: usize = 50;
const HANDS: usize = 4;
const ENGINES: usize = 2;

/// Two clocks that run out in the same moment.
fn terms(world: &World) -> serde_json::Value {
    let mut terms = world.usual_terms();
    for row in terms["commitments"].as_array_mut().unwrap() {
        row["target"] = json!({"open_time": "PT1S"});
    }
    terms["ladder"] = json!([{"when": {"at_due": true}, "to": ["vendor:2"], "by": ["email"]}]);
    terms
}

/// Raises incidents that fall due in a second and answers them while they do.
fn round(world: &World, incidents: &[IncidentId], chance: &mut Chance) {
    let due = world.hand.now() + SECOND;
    let mut answers: Vec<(IncidentId, &str)> = incidents
        .iter()
        .flat_map(|incident| [(*incident, "responded"), (*incident, "restored")])
        .collect();
    for at in (1..answers.len()).rev() {
        answers.swap(at, usize::try_from(chance.below(at as u64 + 1)).unwrap());
    }
    // Every answer moves the time on by a microsecond: half of them come before the deadline.
    world.hand.set(due - (answers.len() / 2) as i64);
    let waiting = Mutex::new(answers);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let engines: Vec<_> = (0..ENGINES)
            .map(|_| {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        tick(&world.store).unwrap();
                    }
                })
            })
            .collect();
        let hands: Vec<_> = (0..HANDS)
            .map(|_| {
                scope.spawn(|| {
                    loop {
                        let Some((incident, kind)) = waiting.lock().unwrap().pop() else {
                            break;
                        };
                        let record = Record::read(&json!({"kind": kind})).unwrap();
                        let answered = world.store.write(Actor::Person(world.ann), move |tx| {
                            actions::incident::record(tx, incident, &record, Source::Api)
                        });
                        answered.unwrap();
                        world.hand.advance(TimeDelta::microseconds(1));
                    }
                })
            })
            .collect();
        let ended: Vec<_> = hands
            .into_iter()
            .map(std::thread::ScopedJoinHandle::join)
            .collect();
        over.store(true, Ordering::Relaxed);
        ended.into_iter().for_each(Result::unwrap);
        engines
            .into_iter()
            .for_each(|engine| engine.join().unwrap());
    });
}

on_both! { fn an_answer_in_the_second_of_the_deadline_is_judged_alike_by_register_and_timeline(world) {
    let mut chance = Chance::of_this_run("answers against deadlines");
    let contract = world.signs("NW-2026", terms(world));
    let mut all = Vec::new();
    for _ in 0..(clocks() / 2 / ROUND).max(1) {
        let incidents: Vec<_> = (0..ROUND).map(|_| world.raises(contract, "S1")).collect();
        round(world, &incidents, &mut chance);
        all.extend(incidents);
    }
    world.hand.set(world.hand.now() + HOUR);
    tick(&world.store).unwrap();
    let missed: usize = all.iter().map(|incident| world.breaches(*incident).len()).sum();
    let answered = 2 * all.len();
    // Both happened, many times.
    assert!(missed > answered / 10 && missed < answered * 9 / 10, "{missed} of {answered}");
    say(&format!("answers against deadlines: answers={answered} missed={missed} in time={}", answered - missed));
    // What `World::ends` checks: register, clocks, outcomes and audit trail are those of the timelines.
} }
