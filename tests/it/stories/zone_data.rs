//! New zone data: running clocks follow it from today on, and what is over stays as it was judged.

use diesel::Connection;
use diesel::connection::SimpleConnection;
use redress::actions::calendar::{ZoneDataCompared, compare_zone_data};
use redress::domain::calendar::Offsets;
use redress::domain::words::{EventKind, Metric};
use redress::evidence::bundle::About;
use redress::mail::templates::Templates;
use redress::store::{self, DatabaseUrl};
use redress::time::{Moment, ZONE_DATA};
use serde_json::json;

use crate::evidence::bundle::{bundle, json_of, unpacked};
use crate::on_both;
use crate::world::{World, at};

fn sql(world: &World, text: &str) {
    match world.store.url() {
        DatabaseUrl::Postgres(url) => diesel::PgConnection::establish(url)
            .unwrap()
            .batch_execute(text),
        DatabaseUrl::Sqlite(path) => diesel::SqliteConnection::establish(path)
            .unwrap()
            .batch_execute(text),
    }
    .unwrap();
}

/// The office was entered with zone data of that version, by which Berlin had these offsets.
fn made_with(world: &World, version: &str, offsets: &Offsets) {
    let offsets = serde_json::to_string(offsets).unwrap();
    sql(
        world,
        &format!(
            "INSERT INTO zone_offsets VALUES ('Europe/Berlin', '{version}', '{offsets}');
             UPDATE calendar_revisions SET zone_data = '{version}' WHERE calendar_id = {};",
            world.office.0
        ),
    );
}

fn berlin() -> std::sync::Arc<Offsets> {
    Offsets::of(chrono_tz::Europe::Berlin)
}

fn compared(world: &World) -> ZoneDataCompared {
    compare_zone_data(&world.store).unwrap()
}

fn nothing() -> ZoneDataCompared {
    ZoneDataCompared::default()
}

/// When it is due by a wall clock of Berlin that summer time reaches a month early.
fn an_hour_early(text: &str) -> Moment {
    at(text) - redress::time::HOUR
}

on_both! { fn running_clocks_follow_new_zone_data_and_outcomes_stay(world) {
    // Berlin had announced summer time from 1 March on, and took it back on Tuesday the 3rd.
    let early = berlin().with(at("2026-03-01T00:00[Europe/Berlin]"), at("2026-03-29T04:00[Europe/Berlin]"), 7_200);
    made_with(world, "2026-early", &early);
    let contract = world.signs("NW-2026", world.usual_terms());
    world.stands_at("2026-03-02T10:00[Europe/Berlin]");
    let late = world.raises(contract, "S2");
    let answered = world.raises(contract, "S2");
    world.stands_at("2026-03-02T10:05[Europe/Berlin]");
    world.says(answered, json!({"kind": "responded"}));
    // By the wall clocks of then it is 17:40 and the office closes at 18:00.
    world.passes_to("2026-03-02T16:40[Europe/Berlin]");
    let running = world.raises(contract, "S2");
    let due_before = world.clock(running, Metric::Respond).due_at.unwrap();
    assert!(due_before < an_hour_early("2026-03-03T18:00[Europe/Berlin]"));
    assert!(due_before > an_hour_early("2026-03-03T09:00[Europe/Berlin]"));
    let input = json!({"severity": "S2", "reported_at": at("2026-03-02T16:40[Europe/Berlin]")});
    let rehearsed = redress::simulate::rehearse(&world.store, &Templates::default(), "NW-2026", "ann@example.com", &input).unwrap();
    assert_eq!(rehearsed.clocks[0].standings[0].due_at, Some(due_before), "a rehearsal reads the wall clocks of then too");
    let outcomes = [late, answered].map(|id| world.outcomes(id, Metric::Respond));
    let breaches: Vec<_> = world.breaches(late).iter().map(|breach| (breach.metric, breach.due_at)).collect();
    assert!(world.breaches(late).iter().all(|breach| breach.zone_data == "2026-early"));
    assert!(!breaches.is_empty());

    // The next build knows better.
    world.passes_to("2026-03-03T02:00[Europe/Berlin]");
    assert_eq!(compared(world), ZoneDataCompared { revised: 1, ..nothing() });
    let revisions = world.store.read(|conn| store::calendar::revisions(conn, world.office)).unwrap();
    assert_eq!(revisions.len(), 2);
    assert_eq!(revisions[1].name.as_deref(), Some(format!("zone data {ZONE_DATA}").as_str()));
    assert_eq!(revisions[1].from_date, Some("2026-03-03".parse().unwrap()));
    assert_eq!(revisions[1].hours, revisions[0].hours);
    world.passes_to("2026-03-03T02:00[Europe/Berlin]");
    let clock = world.clock(running, Metric::Respond);
    assert_eq!(clock.due_at, Some(due_before + redress::time::HOUR), "the morning opens an hour later");
    let moved: Vec<_> = world.events(running).into_iter().filter(|event| event.kind == EventKind::DeadlineMoved).collect();
    assert!(moved.iter().any(|event| event.fields.metrics == [Metric::Respond]
        && event.fields.due_before == Some(due_before) && event.fields.due_after == clock.due_at));
    assert_eq!(clock.calendar_revision, 2);
    assert_eq!([late, answered].map(|id| world.outcomes(id, Metric::Respond)), outcomes);
    world.says(late, json!({"kind": "resolved"}));
    assert_eq!(world.outcomes(late, Metric::Respond)[0].split(' ').next(), outcomes[0][0].split(' ').next());
    let after: Vec<_> = world.breaches(late).iter().map(|breach| (breach.metric, breach.due_at)).collect();
    assert_eq!(after, breaches, "a breach keeps the moment it was judged by");

    let (_, files) = unpacked(&bundle(world, About::Incident(late)));
    let kept = &json_of(&files, "calendars.json")["calendars"][0]["revisions"];
    assert_eq!((&kept[0]["zone_data"], &kept[0]["offsets"]), (&json!("2026-early"), &json!(early)));
    assert_eq!((&kept[1]["zone_data"], &kept[1]["offsets"]), (&json!(ZONE_DATA), &json!(null)));
    assert_eq!(kept[1]["name"], format!("zone data {ZONE_DATA}"));

    // A second start finds the old revision replaced, and makes none.
    assert_eq!(compared(world), ZoneDataCompared { kept: 1, ..nothing() });
} }

on_both! { fn zone_data_that_moves_no_hours_is_only_noted(world) {
    made_with(world, "2026-same", &berlin());
    assert_eq!(compared(world), ZoneDataCompared { same: 1, ..nothing() });
    assert_eq!(compared(world), nothing(), "it was noted");
    let head = world.store.read(|conn| store::calendar::find(conn, world.office)).unwrap();
    assert_eq!(head.revision, 1);
} }

on_both! { fn offsets_at_night_move_no_office_hours(world) {
    // The change came an hour later in the night of a Sunday.
    let later = berlin().with(at("2026-03-29T03:00[Europe/Berlin]"), at("2026-03-29T04:00[Europe/Berlin]"), 3_600);
    assert_ne!(later, *berlin());
    made_with(world, "2026-night", &later);
    assert_eq!(compared(world), ZoneDataCompared { same: 1, ..nothing() });
} }

on_both! { fn hours_that_are_over_stay_as_they_were_read(world) {
    let past = berlin().with(at("2026-02-02T00:00[Europe/Berlin]"), at("2026-02-03T00:00[Europe/Berlin]"), 7_200);
    made_with(world, "2026-past", &past);
    assert_eq!(compared(world), ZoneDataCompared { kept: 1, ..nothing() });
    let book = world.store.read(|conn| store::calendar::book(conn, &[world.office])).unwrap();
    let calendar = &book.latest(world.office).calendar;
    assert_eq!(calendar.zone_data(), "2026-past");
    let opens = |from| calendar.next_opening(at(from)).unwrap();
    assert_eq!(opens("2026-02-02T00:00[Europe/Berlin]"), an_hour_early("2026-02-02T09:00[Europe/Berlin]"));
    assert_eq!(opens("2026-02-03T00:00[Europe/Berlin]"), at("2026-02-03T09:00[Europe/Berlin]"));
} }

on_both! { fn revisions_from_before_zone_data_was_kept_are_noted_as_of_this_build(world) {
    sql(world, "UPDATE calendar_revisions SET zone_data = NULL; DELETE FROM zone_offsets;");
    assert_eq!(compared(world), ZoneDataCompared { same: 1, ..nothing() });
    assert_eq!(compared(world), nothing());
    let revisions = world.store.read(|conn| store::calendar::revisions(conn, world.office)).unwrap();
    assert_eq!(revisions[0].zone_data.as_deref(), Some(ZONE_DATA));
} }

on_both! { fn a_clock_that_an_edit_did_not_find_is_moved_at_the_next_round(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    world.stands_at("2026-03-02T16:30[Europe/Berlin]");
    let incident = world.raises(contract, "S2");
    world.passes_to("2026-03-02T16:31[Europe/Berlin]");
    let timers: Vec<_> = world.clocks(incident).iter().map(|clock| clock.id.0.to_string()).collect();
    let far = match world.store.url() {
        DatabaseUrl::Postgres(_) => "TIMESTAMPTZ '2026-03-20T00:00:00Z'",
        DatabaseUrl::Sqlite(_) => "1773964800000000",
    };
    world.closes_the_office_on("2026-03-03", "Storm");
    // As if it had been raised in the very moment of the edit: nothing was woken.
    sql(world, &format!("UPDATE timers SET at = {far} WHERE clock_id IN ({})", timers.join(",")));
    let ticked = redress::engine::tick::tick(&world.store).unwrap();
    assert_eq!(ticked.followed.moved, 2, "respond and restore");
    let behind = |soon| world.store.read(|conn| store::clock::behind(conn, soon)).unwrap();
    assert_eq!(behind(Moment::default()), []);
    assert_eq!(redress::engine::tick::tick(&world.store).unwrap().incidents, 0);
} }
