//! Anchors: one an hour where something changed, none twice, printed where it leaves the house.

use redress::domain::anchor::Anchor;
use redress::domain::letter::{LetterFacts, Side};
use redress::domain::person::Role;
use redress::domain::timeline::GENESIS;
use redress::engine::anchors::{next_due, run_due};
use redress::report;
use redress::store;
use serde_json::json;

use super::verified;
use crate::on_both;
use crate::world::{World, at};

fn all(world: &World) -> Vec<(Anchor, i64)> {
    let mut all = world
        .store
        .read(|conn| store::anchor::page(conn, None, 100))
        .unwrap();
    all.reverse();
    all
}

fn due(world: &World) -> Option<redress::time::Moment> {
    world.store.read(next_due).unwrap()
}

on_both! { fn every_hour_what_changed_is_anchored_once(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let first = world.raises(contract, "S1");
    world.raises(contract, "S2");
    world.passes_to("2026-03-02T10:00:30[Europe/Berlin]");
    assert_eq!(run_due(&world.store).unwrap(), 1);
    assert_eq!(run_due(&world.store).unwrap(), 0, "not twice");
    assert_eq!(due(world), Some(at("2026-03-02T11:00[Europe/Berlin]")));
    world.passes_to("2026-03-02T10:59[Europe/Berlin]");
    world.says(first, json!({"kind": "responded"}));
    assert_eq!(run_due(&world.store).unwrap(), 0, "not before the hour");
    world.passes_to("2026-03-02T11:00:01[Europe/Berlin]");
    assert_eq!(run_due(&world.store).unwrap(), 1);
    world.passes_to("2026-03-02T12:00:01[Europe/Berlin]");
    assert_eq!(run_due(&world.store).unwrap(), 0, "nothing changed");
    assert_eq!(due(world), Some(at("2026-03-02T13:00[Europe/Berlin]")));
    let [(one, of_one), (two, of_two)] = &all(world)[..] else {
        panic!("two anchors");
    };
    assert_eq!((one.number, *of_one, two.number, *of_two), (1, 2, 2, 1));
    assert_eq!(one.at, at("2026-03-02T10:00:30[Europe/Berlin]"));
    assert_eq!((one.previous_hash.as_str(), &two.previous_hash), (GENESIS, &one.hash));
    let heads = world.store.read(|conn| store::anchor::heads(conn, 2)).unwrap();
    let last = world.events(first).pop().unwrap();
    assert_eq!((heads[0].incident_id, heads[0].event_count, &heads[0].hash), (first, 2, &last.hash));
} }

on_both! { fn after_downtime_it_is_made_up_for_once(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    run_due(&world.store).unwrap();
    world.says(incident, json!({"kind": "responded"}));
    world.jumps_to("2026-03-03T09:17[Europe/Berlin]");
    assert_eq!(run_due(&world.store).unwrap(), 1);
    assert_eq!(run_due(&world.store).unwrap(), 0);
    assert_eq!(all(world).len(), 2);
    assert_eq!(due(world), Some(at("2026-03-03T10:00[Europe/Berlin]")));
} }

on_both! { fn two_engines_at_once_make_one_anchor(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    for _ in 0..20 {
        world.raises(contract, "S1");
    }
    let made: u32 = std::thread::scope(|scope| {
        let engines: Vec<_> = (0..4).map(|_| scope.spawn(|| run_due(&world.store).unwrap())).collect();
        engines.into_iter().map(|engine| engine.join().unwrap()).sum()
    });
    assert_eq!(made, 1);
    assert_eq!(all(world).len(), 1);
    assert_eq!(verified(world, None).0, [""; 0]);
} }

on_both! { fn a_printed_head_tells_what_it_covers(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    run_due(&world.store).unwrap();
    let head = all(world).pop().unwrap().0.printed();
    let (faults, walked) = verified(world, Some(head.short()));
    assert_eq!((faults.len(), walked.after), (0, 0));
    assert_eq!(walked.given.map(|anchor| anchor.number), Some(1));
    world.stands_at("2026-03-02T10:20[Europe/Berlin]");
    world.says(incident, json!({"kind": "responded"}));
    let (faults, walked) = verified(world, Some(&head.hash));
    assert_eq!((faults.len(), walked.after), (0, 1));
} }

on_both! { fn the_head_leaves_the_house_with_letters_to_vendors_and_reports(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    world.raises(contract, "S1");
    run_due(&world.store).unwrap();
    let head = all(world).pop().unwrap().0.printed();
    world.passes_to("2026-03-02T11:05[Europe/Berlin]");
    world.delivers();
    let mut printed = 0;
    for letter in world.letters() {
        let LetterFacts::Incident(facts) = &letter.facts else {
            panic!("a letter about an incident");
        };
        let is_first = letter.kind.as_str() == "raised";
        assert_eq!(facts.anchor, (!is_first).then(|| head.clone()), "the first was queued before");
        let says = letter.body_text.unwrap().contains(head.short());
        assert_eq!(says, letter.side == Side::Vendor && !is_first, "{}", letter.key);
        printed += usize::from(says);
    }
    assert_eq!(printed, 2, "the warning to the desk and the breach to the duty manager");
    let figures = world.store.read(|conn| {
        let ask = report::Ask { vendor: None, period: "2026-03".parse().unwrap() };
        report::figures(conn, &ask, world.hand.now())
    });
    assert_eq!(figures.unwrap().anchor, Some(head));
} }

#[test]
fn the_chain_is_shown_to_programs_and_on_its_page() {
    crate::service::on_both(|service| {
        crate::incident_api::sign(service);
        let engineer = service.program(Role::Engineer);
        assert_eq!(
            engineer.get("/api/v1/anchors").json(),
            json!({"items": [], "next": null})
        );
        service.person("max", Role::Manager);
        service.person("eve", Role::Engineer);
        let manager = service.browser("max");
        assert!(manager.get("/evidence").text.contains("No anchor yet"));
        crate::incident_api::raise(&engineer);
        run_due(&service.store).unwrap();
        let listed = engineer.get("/api/v1/anchors").json();
        let hash = listed["items"][0]["hash"].as_str().unwrap().to_string();
        assert_eq!(
            (
                &listed["items"][0]["number"],
                &listed["items"][0]["incidents"]
            ),
            (&json!(1), &json!(1))
        );
        let one = engineer.get("/api/v1/anchors/1").json();
        assert_eq!(
            (&one["heads"][0]["incident"], &one["heads"][0]["count"]),
            (&json!("INC-1001"), &json!(1))
        );
        assert_eq!(one["hash"], hash);
        assert_eq!(engineer.get("/api/v1/anchors/2").status, 404);
        assert_eq!(engineer.get("/api/v1/anchors/x").status, 404);
        let page = manager.get("/evidence");
        assert!(
            page.text.contains(&hash) && page.text.contains("redress verify --anchor"),
            "{}",
            page.text
        );
        assert_eq!(service.browser("eve").get("/evidence").status, 403);
    });
}
