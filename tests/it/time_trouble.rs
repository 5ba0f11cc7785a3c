//! The clock is set back and forward, and two nodes read clocks a minute apart: nothing fires twice,
//! nothing is lost, and it is shown.

use std::collections::BTreeSet;

use redress::domain::IncidentId;
use redress::domain::breach::Breach;
use redress::domain::incident::Record;
use redress::domain::letter::LetterState;
use redress::domain::words::{Metric, Source};
use redress::engine::tick::tick;
use redress::engine::{Health, check_time};
use redress::store::{Actor, Store};
use redress::time::{HOUR, HandTime, MINUTE, Moment, SECOND, TimeSource};
use redress::{actions, store};
use serde_json::json;

use crate::world::{World, at};

/// Two fresh worlds on each database: one whose clock is right, one whose is not.
fn on_two(story: impl Fn(&World, &World)) {
    story(&World::on_sqlite(), &World::on_sqlite());
    if let (Some(right), Some(wrong)) = (World::on_postgres(), World::on_postgres()) {
        story(&right, &wrong);
    }
}

/// What became of an incident, without when the engine came to it.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    breaches: Vec<(Metric, Moment, i32)>,
    steps: BTreeSet<(Metric, i32, i32, i32, Moment)>,
}

fn outcome(world: &World, incident: IncidentId) -> Outcome {
    let mut breaches: Vec<_> = world
        .breaches(incident)
        .iter()
        .map(|breach: &Breach| (breach.metric, breach.due_at, breach.entry))
        .collect();
    breaches.sort_by_key(|(_, due, _)| *due);
    let metric = |id| {
        let clocks = world.clocks(incident);
        clocks.iter().find(|clock| clock.id == id).unwrap().metric
    };
    let rows = world.steps(incident);
    let steps: BTreeSet<_> = rows
        .iter()
        .map(|row| {
            (
                metric(row.clock_id),
                row.generation,
                row.step,
                row.repeat,
                row.planned_at,
            )
        })
        .collect();
    assert_eq!(steps.len(), rows.len(), "a step was taken twice");
    Outcome { breaches, steps }
}

fn runs_forward(world: &World, incident: IncidentId) {
    let events = world.events(incident);
    let recorded: Vec<Moment> = events.iter().map(|event| event.recorded_at).collect();
    assert!(recorded.is_sorted(), "{recorded:?}");
    let withdrawn = world
        .store
        .read(|conn| store::breach::of_incident(conn, incident))
        .unwrap()
        .into_iter()
        .filter(|(_, withdrawal)| withdrawal.is_some())
        .count();
    assert_eq!(withdrawn, 0, "a breach was taken back and entered again");
}

fn notes(world: &World, incident: IncidentId) {
    world.says(
        incident,
        json!({"kind": "noted", "reason": "they do not answer"}),
    );
}

#[test]
fn a_clock_set_back_for_a_while_is_like_downtime() {
    on_two(|right, wrong| {
        let raised = |world: &World| {
            let contract = world.signs("NW-2026", world.usual_terms());
            let incident = world.raises(contract, "S1");
            world.passes_to("2026-03-02T10:30[Europe/Berlin]");
            incident
        };
        let straight = raised(right);
        right.stands_at("2026-03-02T10:40[Europe/Berlin]");
        notes(right, straight);
        right.jumps_to("2026-03-02T12:10[Europe/Berlin]");
        right.passes_to("2026-03-03T18:00[Europe/Berlin]");

        let troubled = raised(wrong);
        // Three hours back: before the incident was raised.
        wrong.jumps_to("2026-03-02T07:30[Europe/Berlin]");
        wrong.stands_at("2026-03-02T07:40[Europe/Berlin]");
        notes(wrong, troubled);
        wrong.jumps_to("2026-03-02T09:10[Europe/Berlin]");
        wrong.jumps_to("2026-03-02T12:10[Europe/Berlin]");
        wrong.passes_to("2026-03-03T18:00[Europe/Berlin]");

        assert_eq!(outcome(wrong, troubled), outcome(right, straight));
        assert_eq!(wrong.post(), right.post());
        assert_eq!(outcome(wrong, troubled).breaches.len(), 2);
        runs_forward(wrong, troubled);
        wrong.ends();
    });
}

#[test]
fn a_clock_set_forward_for_a_while_fires_early_and_never_again() {
    on_two(|right, wrong| {
        let raised = |world: &World| {
            let contract = world.signs("NW-2026", world.usual_terms());
            let incident = world.raises(contract, "S1");
            world.passes_to("2026-03-02T10:30[Europe/Berlin]");
            world.delivers();
            incident
        };
        let straight = raised(right);
        right.stands_at("2026-03-02T10:36[Europe/Berlin]");
        notes(right, straight);
        notes(right, straight);
        right.passes_to("2026-03-03T18:00[Europe/Berlin]");

        let troubled = raised(wrong);
        let health = Health::default();
        health.time().look(&wrong.store, 0).unwrap();
        // Three hours forward: past the deadline of the response.
        wrong.jumps_to("2026-03-02T13:30[Europe/Berlin]");
        health.time().look(&wrong.store, SECOND).unwrap();
        assert_eq!(wrong.breaches(troubled).len(), 1);
        notes(wrong, troubled);
        // Right again, with everything that was fired still in the outbox.
        wrong.jumps_to("2026-03-02T10:36[Europe/Berlin]");
        let waiting = wrong.letters().len() - wrong.outlet.letters().len();
        assert!(waiting > 0);
        assert_eq!(wrong.delivers().sent, 0, "they wait for half past one");
        health.time().look(&wrong.store, SECOND).unwrap();
        assert_eq!(wrong.delivers().sent as usize, waiting);
        notes(wrong, troubled);
        wrong.passes_to("2026-03-03T18:00[Europe/Berlin]");

        assert_eq!(outcome(wrong, troubled), outcome(right, straight));
        runs_forward(wrong, troubled);
        let kinds = |world: &World| -> Vec<String> {
            let told = world
                .letters()
                .into_iter()
                .filter(|one| one.breach_id.is_some());
            let mut told: Vec<_> = told
                .map(|one| format!("{} {:?}", one.email, one.clock_id))
                .collect();
            told.sort();
            told.dedup();
            told
        };
        assert_eq!(kinds(wrong).len(), kinds(right).len());
        wrong.ends();
    });
}

#[test]
fn an_edit_of_a_calendar_under_a_clock_set_back_takes_nothing_back() {
    let edited = |world: &World, somebody_is_first: bool| {
        let contract = world.signs("NW-2026", world.usual_terms());
        let incident = world.raises(contract, "S1");
        let health = Health::default();
        health.time().look(&world.store, 0).unwrap();
        // The breach is noticed in the very moment of its deadline, 11:00.
        world.passes_to("2026-03-02T11:30[Europe/Berlin]");
        assert_eq!(outcome(world, incident).breaches.len(), 1);
        world.jumps_to("2026-03-02T09:30[Europe/Berlin]");
        health.time().look(&world.store, SECOND).unwrap();
        assert!(health.time().behind() > HOUR);
        world.closes_the_office_on("2026-03-02", "Flood");
        if somebody_is_first {
            notes(world, incident);
        } else {
            assert_eq!(tick(&world.store).unwrap().incidents, 1);
        }
        assert_eq!(tick(&world.store).unwrap().incidents, 0, "once is enough");
        assert_eq!(outcome(world, incident).breaches.len(), 1);
        runs_forward(world, incident);
    };
    on_two(|one, other| {
        edited(one, false);
        edited(other, true);
    });
}

#[test]
fn two_nodes_a_minute_apart_fire_everything_once() {
    let (Some(right), Some(wrong)) = (World::on_postgres(), World::on_postgres()) else {
        return;
    };
    let raised = |world: &World| {
        let contract = world.signs("NW-2026", world.usual_terms());
        (world.raises(contract, "S1"), world.raises(contract, "S2"))
    };
    let (first, second) = raised(&right);
    right.passes_to("2026-03-03T18:00[Europe/Berlin]");

    let troubled = raised(&wrong);
    let ahead = HandTime::at(wrong.hand.now() + MINUTE);
    let other = Store::open(wrong.store.url(), TimeSource::Hand(ahead.clone())).unwrap();
    let end = at("2026-03-03T18:00[Europe/Berlin]");
    let ann = wrong.ann;
    let mut round = 0;
    while wrong.hand.now() < end {
        let now = wrong.hand.now() + 7 * MINUTE;
        wrong.hand.set(now);
        ahead.set(now + MINUTE);
        tick(&other).unwrap();
        tick(&wrong.store).unwrap();
        // Both write about the same incidents, first the one whose clock is ahead.
        round += 1;
        if round % 9 == 0 {
            for store in [&other, &wrong.store] {
                let record =
                    Record::read(&json!({"kind": "noted", "reason": "still nothing"})).unwrap();
                store
                    .write(Actor::Person(ann), move |tx| {
                        actions::incident::record(tx, troubled.0, &record, Source::Api)
                    })
                    .unwrap();
            }
        }
    }
    ahead.set(end + MINUTE);
    wrong.hand.set(end);
    tick(&other).unwrap();
    assert_eq!(outcome(&wrong, troubled.0), outcome(&right, first));
    assert_eq!(outcome(&wrong, troubled.1), outcome(&right, second));
    runs_forward(&wrong, troubled.0);
    drop(other);
    wrong.hand.set(end + MINUTE);
    wrong.ends();
}

#[test]
fn a_clock_that_was_set_is_shown_and_warned_of() {
    on_two(|_, world| {
        let health = std::sync::Arc::new(Health::default());
        let check = check_time(std::sync::Arc::clone(&health));
        let time = health.time();
        time.look(&world.store, 0).unwrap();
        assert!(time.faults().is_empty());
        assert_eq!(check().unwrap(), "the clock runs forward");
        world.hand.set(world.hand.now() + SECOND);
        time.look(&world.store, SECOND).unwrap();
        assert_eq!(time.jumps(), 0);
        world.hand.set(world.hand.now() - 3 * HOUR);
        time.look(&world.store, SECOND).unwrap();
        assert_eq!((time.jumps(), time.behind()), (1, 3 * HOUR));
        assert!(
            time.faults()[0].contains("stands 3 h 0 min behind"),
            "{:?}",
            time.faults()
        );
        world.hand.set(world.hand.now() + 3 * HOUR);
        time.look(&world.store, 0).unwrap();
        assert_eq!((time.jumps(), time.behind()), (2, 0));
        let told = check().unwrap();
        assert!(told.contains("jumped forward by 3 h 0 min"), "{told}");
        // An hour later it is history.
        world.hand.set(world.hand.now() + HOUR);
        time.look(&world.store, HOUR).unwrap();
        assert!(time.faults().is_empty());
    });
}

#[test]
fn a_node_that_starts_with_a_clock_set_back_knows_from_what_is_recorded() {
    on_two(|_, world| {
        let contract = world.signs("NW-2026", world.usual_terms());
        world.raises(contract, "S1");
        let early = HandTime::at(world.hand.now() - 2 * HOUR);
        let started = Store::open(world.store.url(), TimeSource::Hand(early)).unwrap();
        let health = Health::default();
        health.time().look(&started, 0).unwrap();
        assert_eq!(health.time().behind(), 2 * HOUR);
        // The letter that was to go at once need not wait for two hours.
        let letters = started
            .write(Actor::Engine, |tx| store::letter::lease(tx, 10))
            .unwrap();
        assert_eq!(letters.len(), 1);
        assert_eq!(letters[0].state, LetterState::Leased);
    });
}

#[test]
fn a_machine_on_a_database_is_compared_with_it() {
    let Some(world) = World::on_postgres() else {
        return;
    };
    let machine = Store::open(world.store.url(), TimeSource::Machine).unwrap();
    // Both run on this machine.
    let seen = machine.look_at_clock().unwrap();
    assert!(seen.skew.is_none_or(|skew| skew.abs() < MINUTE), "{seen:?}");
    assert_eq!(
        world.store.look_at_clock().unwrap().skew,
        None,
        "its clock is moved by hand"
    );
    assert_eq!(World::on_sqlite().store.look_at_clock().unwrap().skew, None);
}
