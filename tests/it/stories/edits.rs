//! What an edit of a calendar moves is what its preview said, in as many batches as it takes.

use std::collections::BTreeMap;

use redress::consequence::preview_edit;
use redress::domain::words::{ClockState, EventKind, Metric};
use redress::store;
use redress::time::Moment;
use serde_json::json;

use crate::on_both;
use crate::world::{World, at};

/// More than the engine judges in one transaction.
const INCIDENTS: usize = 60;

type Moves = BTreeMap<(String, Metric), (Option<Moment>, Option<Moment>)>;

on_both! { fn a_preview_names_each_deadline_that_the_edit_then_moves(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    world.stands_at("2026-03-02T16:30[Europe/Berlin]");
    let incidents: Vec<_> = (0..INCIDENTS).map(|_| world.raises(contract, "S2")).collect();
    world.says(incidents[0], json!({"kind": "paused", "stop": "ACCESS"}));
    world.says(incidents[1], json!({"kind": "resolved"}));
    world.passes_to("2026-03-02T16:31[Europe/Berlin]");
    // Tomorrow is closed: what is due tomorrow moves, what is over or held does not.
    let input = World::closing("2026-03-03", "Storm");
    let now = world.hand.now();
    let office = world.office;
    let preview = world.store.read(|conn| preview_edit(conn, office, &input, now)).unwrap();
    assert_eq!(preview.stay, 1, "the paused one has no deadline before or after");
    let foretold: Moves = preview
        .moves
        .iter()
        .map(|one| ((one.incident.clone(), one.metric), (one.due_before, one.due_after)))
        .collect();
    assert_eq!(foretold.len(), 2 * (INCIDENTS - 1) - 1);
    let before: usize = incidents.iter().map(|id| world.events(*id).len()).sum();
    assert_eq!(before, INCIDENTS + 2, "a preview records nothing");
    assert_eq!(world.store.read(|conn| store::calendar::find(conn, office)).unwrap().revision, 1);

    world.closes_the_office_on("2026-03-03", "Storm");
    let moved = world.passes_to("2026-03-02T16:31[Europe/Berlin]").moved;
    assert_eq!(moved as usize, foretold.len());
    let mut recorded = Moves::new();
    for id in &incidents {
        for event in world.events(*id).iter().filter(|event| event.kind == EventKind::DeadlineMoved) {
            let key = (id.reference(), event.fields.metrics[0]);
            recorded.insert(key, (event.fields.due_before, event.fields.due_after));
        }
    }
    assert_eq!(recorded, foretold);
} }

// Which of two things of the very same microsecond came first is what they were judged by, and stays so.
on_both! { fn an_edit_at_the_very_moment_of_an_answer_stands_in_the_order_of_entry(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let answered = world.raises(contract, "S1");
    let open = world.raises(contract, "S1");
    let moment = at("2026-03-02T12:00[Europe/Berlin]");
    world.passes_to_moment(moment);
    world.says(answered, json!({"kind": "resolved"}));
    world.closes_the_office_on("2026-03-02", "Storm");
    world.passes_to_moment(moment + 1);
    let after = world.says(open, json!({"kind": "restored"})).occurred_at;
    assert_eq!(after, moment + 1);
    let stands = |incident| {
        let clock = world.clock(incident, Metric::Restore);
        (clock.state, clock.due_at, clock.calendar_revision)
    };
    let before = (stands(answered), stands(open));
    // Answered before the edit: due at three on the day itself. The other by what is closed today.
    let due = |moment: &str| Some(at(moment));
    assert_eq!(before.0, (ClockState::Met, due("2026-03-02T15:00[Europe/Berlin]"), 1));
    assert_eq!(before.1, (ClockState::Met, due("2026-03-03T14:00[Europe/Berlin]"), 2));
    world.passes_to("2026-03-02T16:00[Europe/Berlin]");
    for incident in [answered, open] {
        world.says(incident, json!({"kind": "noted", "reason": "the storm is over"}));
    }
    assert_eq!((stands(answered), stands(open)), before);
} }
