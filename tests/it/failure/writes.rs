//! Writes that die or are refused half-way, and many at once.

use std::panic::{AssertUnwindSafe, catch_unwind};

use redress::actions;
use redress::consequence::{Cause, follow};
use redress::domain::incident::{Raise, Record};
use redress::domain::words::{Metric, Source};
use redress::engine::tick::tick;
use redress::store::{self, Actor};
use serde_json::json;

use crate::on_both;

on_both! { fn a_process_that_dies_before_the_commit_keeps_nothing_and_the_next_round_repairs(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    world.stands_at("2026-03-02T11:00[Europe/Berlin]");
    let before = world.post();
    let died = catch_unwind(AssertUnwindSafe(|| {
        world.store.write(Actor::Engine, move |tx| -> redress::error::Result<()> {
            let mut locked = store::incident::lock(tx, incident)?;
            let done = follow(tx, &mut locked, &Cause::Time)?;
            assert_eq!(done.breached, 1);
            panic!("the power fails here")
        })
    }));
    assert!(died.is_err());
    assert_eq!(world.post(), before);
    assert!(world.breaches(incident).is_empty());
    assert_eq!(tick(&world.store).unwrap().followed.breached, 1);
    assert_eq!(world.breaches(incident).len(), 1);
} }

on_both! { fn a_refused_write_leaves_nothing_half_done(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    let events = world.events(incident).len();
    let record = Record::read(&json!({"kind": "responded"})).unwrap();
    let undone = world.store.write(Actor::Person(world.ann), move |tx| {
        actions::incident::record(tx, incident, &record, Source::Api)?;
        Err::<(), _>(redress::error::Error::conflict("a later part of the request says no"))
    });
    assert!(undone.is_err());
    assert_eq!(world.events(incident).len(), events);
    assert_eq!(world.clock(incident, Metric::Respond).state.as_str(), "running");
} }

on_both! { fn two_engines_at_once_take_every_step_once(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incidents: Vec<_> = (0..12).map(|_| world.raises(contract, "S1")).collect();
    world.stands_at("2026-03-02T12:30[Europe/Berlin]");
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| for _ in 0..4 { tick(&world.store).unwrap(); });
        }
    });
    tick(&world.store).unwrap();
    for incident in incidents {
        assert_eq!(world.breaches(incident).len(), 1);
        let mut steps: Vec<_> = world.steps(incident).into_iter().map(|step| (step.clock_id, step.step, step.repeat)).collect();
        let all = steps.len();
        steps.dedup();
        assert_eq!(steps.len(), all);
    }
} }

on_both! { fn many_hands_at_once_lose_nothing(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    std::thread::scope(|scope| {
        for hand in 0..6 {
            let store = &world.store;
            let ann = world.ann;
            scope.spawn(move || for number in 0..5 {
                let input = json!({"contract_id": contract, "severity": "S2", "title": format!("{hand}/{number}")});
                let raise = Raise::read(&input).unwrap();
                let incident = store
                    .write(Actor::Person(ann), move |tx| actions::incident::raise(tx, &raise, Source::Api))
                    .unwrap();
                let record = Record::read(&json!({"kind": "responded"})).unwrap();
                store
                    .write(Actor::Person(ann), move |tx| actions::incident::record(tx, incident.id, &record, Source::Api))
                    .unwrap();
            });
        }
    });
    assert_eq!(world.store.read(store::incident::ids).unwrap().len(), 30);
} }
