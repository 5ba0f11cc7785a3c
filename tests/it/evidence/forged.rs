//! What was changed, removed, added or moved in the database is found, and it is said which.

use redress::domain::timeline::{Event, seal};
use redress::domain::words::EventKind;
use redress::domain::{CaseId, IncidentId};
use redress::engine::anchors::run_due;
use redress::store;
use serde_json::json;

use super::{forge, on_each, verified};
use crate::world::World;

/// Two incidents; the second has five events.
fn story(world: &World) -> IncidentId {
    let contract = world.signs("NW-2026", world.usual_terms());
    world.raises(contract, "S1");
    let incident = world.raises(contract, "S1");
    world.says(
        incident,
        json!({"kind": "responded", "reason": "Mei Lin called"}),
    );
    world.stands_at("2026-03-02T10:05[Europe/Berlin]");
    world.says(
        incident,
        json!({"kind": "paused", "stop": "ACCESS", "reason": "guard house closed"}),
    );
    world.stands_at("2026-03-02T10:10[Europe/Berlin]");
    world.says(incident, json!({"kind": "resumed"}));
    world.says(incident, json!({"kind": "restored"}));
    let (faults, walked) = verified(world, None);
    assert_eq!(faults, [""; 0]);
    assert_eq!((walked.incidents, walked.events, walked.texts), (2, 6, 4));
    incident
}

fn finds(sql: &'static str, told: &[&str]) {
    for world in [Some(World::on_sqlite()), World::on_postgres()]
        .into_iter()
        .flatten()
    {
        story(&world);
        forge(&world, sql);
        let (faults, _) = verified(&world, None);
        assert!(faults.len() >= told.len(), "{sql}: {faults:#?}");
        for (fault, told) in faults.iter().zip(told) {
            assert!(fault.starts_with(told), "{sql}: {faults:#?}");
        }
    }
}

#[test]
fn a_changed_event_is_named_whatever_was_changed() {
    for column in [
        "kind = 'updated'",
        "kind = 'a word nobody knows'",
        "source = 'import'",
        "person_id = 2",
        "person_id = NULL",
        "case_id = 1",
        "fields = '{\"taken_back\":true}'",
        "fields = '{\"nobody_reads\":1}'",
        "fields = '{\"taken_back\":true,\"taken_back\":false}'",
        "fields = 'not JSON'",
        "text_hashes = '{}'",
    ] {
        let sql = format!("UPDATE events SET {column} WHERE incident_id = 2 AND seq = 2");
        finds(sql.leak(), &["INC-1002 event 2: it was changed"]);
    }
}

#[test]
fn a_moment_moved_by_a_microsecond_is_a_change() {
    on_each(|world| {
        let incident = story(world);
        let by = match world.store.url() {
            store::DatabaseUrl::Postgres(_) => "occurred_at - interval '1 microsecond'",
            store::DatabaseUrl::Sqlite(_) => "occurred_at - 1",
        };
        forge(
            world,
            &format!(
                "UPDATE events SET occurred_at = {by} WHERE incident_id = {incident} AND seq = 3"
            ),
        );
        let (faults, _) = verified(world, None);
        assert_eq!(faults.len(), 1);
        assert!(
            faults[0].starts_with("INC-1002 event 3: it was changed: it hashes to"),
            "{faults:?}"
        );
    });
}

#[test]
fn a_hash_made_anew_breaks_the_link_of_the_next() {
    finds(
        "UPDATE events SET hash = 'aa' WHERE incident_id = 2 AND seq = 2",
        &[
            "INC-1002 event 2: it was changed",
            "INC-1002 event 3: it does not follow the event before it",
        ],
    );
}

#[test]
fn a_changed_missing_or_added_text_is_named() {
    let of = "WHERE event_id = (SELECT id FROM events WHERE incident_id = 2 AND seq = 2)";
    finds(
        format!("UPDATE event_texts SET content = 'nobody called' {of}").leak(),
        &["INC-1002 event 2: the text \"reason\" was changed"],
    );
    finds(
        format!("UPDATE event_texts SET salt = 'x' {of}").leak(),
        &["INC-1002 event 2: the text \"reason\" was changed"],
    );
    finds(
        format!("DELETE FROM event_texts {of}").leak(),
        &["INC-1002 event 2: the text \"reason\" is missing, and no event says that it was erased"],
    );
    finds(
        "INSERT INTO event_texts (event_id, name, salt, content) SELECT id, 'remark', 'x', 'x' FROM events WHERE incident_id = 2 AND seq = 4",
        &["INC-1002 event 4: the text \"remark\" was added"],
    );
}

#[test]
fn a_missing_event_is_named_wherever_it_stood() {
    let gone = |seqs: &str| -> &'static str {
        format!("DELETE FROM event_texts WHERE event_id IN (SELECT id FROM events WHERE incident_id = 2 AND seq IN ({seqs})); \
            DELETE FROM events WHERE incident_id = 2 AND seq IN ({seqs})").leak()
    };
    finds(
        gone("1"),
        &["INC-1002 event 2: event 1 before it is missing"],
    );
    finds(
        gone("3"),
        &["INC-1002 event 4: event 3 before it is missing"],
    );
    finds(
        gone("2, 3"),
        &["INC-1002 event 4: events 2 to 3 before it are missing"],
    );
    finds(
        gone("5"),
        &["INC-1002: its end is missing: it has events up to 4 and knows of 5"],
    );
    finds(
        gone("1, 2, 3, 4, 5"),
        &["INC-1002: its end is missing: it has events up to 0 and knows of 5"],
    );
}

#[test]
fn an_added_event_is_named() {
    let columns = "incident_id, case_id, kind, occurred_at, recorded_at, person_id, source, fields, text_hashes, previous_hash, hash";
    finds(format!("INSERT INTO events (seq, {columns}) SELECT 6, {columns} FROM events WHERE incident_id = 2 AND seq = 4").leak(),
        &["INC-1002 event 6: it does not follow the event before it", "INC-1002 event 6: it was moved: by its hash it is event 4",
          "INC-1002: events were added: it has events up to 6 and knows of 5"]);
}

#[test]
fn events_that_changed_places_are_named() {
    finds(
        "UPDATE events SET seq = 99 WHERE incident_id = 2 AND seq = 2; UPDATE events SET seq = 2 WHERE incident_id = 2 AND seq = 4; \
         UPDATE events SET seq = 4 WHERE incident_id = 2 AND seq = 99",
        &[
            "INC-1002 event 2: it does not follow",
            "INC-1002 event 2: it was moved: by its hash it is event 4",
            "INC-1002 event 3: it does not follow",
            "INC-1002 event 4: it does not follow",
            "INC-1002 event 4: it was moved: by its hash it is event 2",
            "INC-1002 event 5: it does not follow",
        ],
    );
}

#[test]
fn an_incident_that_says_otherwise_is_named() {
    finds(
        "UPDATE incidents SET head_hash = 'aa' WHERE id = 2",
        &["INC-1002: its last event hashes to"],
    );
    finds(
        "DELETE FROM incidents WHERE id = 1",
        &["INC-1001: there is no such incident, and yet it has events"],
    );
}

/// Changes a timeline from an event on as somebody would who knows how it is chained.
fn write_anew(world: &World, incident: IncidentId, change: impl Fn(&mut Event)) {
    let mut events = world.events(incident);
    let mut previous = events[0].previous_hash.clone();
    let mut sql = String::new();
    for event in &mut events {
        change(event);
        event.previous_hash.clone_from(&previous);
        event.hash = seal(event).unwrap();
        previous.clone_from(&event.hash);
        sql += &format!(
            "UPDATE events SET kind = '{}', case_id = {}, previous_hash = '{}', hash = '{}' WHERE id = {};",
            event.kind,
            event
                .case_id
                .map_or("NULL".to_string(), |case| case.to_string()),
            event.previous_hash,
            event.hash,
            event.id
        );
    }
    sql += &format!("UPDATE incidents SET head_hash = '{previous}' WHERE id = {incident};");
    forge(world, &sql);
}

/// Cuts the last event off and puts the incident right, as somebody would who knows how.
const CUT: &str = "DELETE FROM event_texts WHERE event_id IN (SELECT id FROM events WHERE incident_id = 2 AND seq = 5); \
    DELETE FROM events WHERE incident_id = 2 AND seq = 5; \
    UPDATE incidents SET last_seq = 4, head_hash = (SELECT hash FROM events WHERE incident_id = 2 AND seq = 4) WHERE id = 2;";

/// Takes an incident away with everything that names it.
const GONE: &str = "DELETE FROM event_texts WHERE event_id IN (SELECT id FROM events WHERE incident_id = 2); \
    DELETE FROM events WHERE incident_id = 2; DELETE FROM incidents WHERE id = 2;";

const NO_ANCHORS: &str = "DELETE FROM anchor_heads; DELETE FROM anchors;";

#[test]
fn what_the_timeline_cannot_show_the_anchors_do() {
    on_each(|world| {
        let incident = story(world);
        assert_eq!(run_due(&world.store).unwrap(), 1);
        write_anew(world, incident, |event| {
            if event.seq == 2 {
                event.kind = EventKind::Updated;
            }
        });
        assert_eq!(
            verified(world, None).0,
            [
                "INC-1002: event 5 is not the one whose hash anchor 1 holds: the timeline was written anew"
            ]
        );
    });
    on_each(|world| {
        story(world);
        run_due(&world.store).unwrap();
        forge(world, CUT);
        assert_eq!(
            verified(world, None).0,
            ["INC-1002: event 5 is missing; anchor 1 holds its hash"]
        );
    });
    on_each(|world| {
        story(world);
        run_due(&world.store).unwrap();
        forge(world, GONE);
        assert_eq!(
            verified(world, None).0,
            ["INC-1002: the incident is missing; anchor 1 knows it with 5 events"]
        );
    });
}

#[test]
fn what_was_cut_off_with_its_anchors_a_printed_head_shows() {
    for cut in [CUT, GONE] {
        for world in [Some(World::on_sqlite()), World::on_postgres()]
            .into_iter()
            .flatten()
        {
            story(&world);
            run_due(&world.store).unwrap();
            let printed = world
                .store
                .read(store::anchor::latest)
                .unwrap()
                .unwrap()
                .printed();
            forge(&world, &format!("{cut}{NO_ANCHORS}"));
            assert_eq!(
                verified(&world, None).0,
                [""; 0],
                "nothing shows it from within"
            );
            let (faults, _) = verified(&world, Some(printed.short()));
            assert_eq!(faults.len(), 1);
            assert!(
                faults[0].starts_with(&format!(
                    "the given head: no anchor begins with {}",
                    printed.short()
                )),
                "{faults:?}"
            );
        }
    }
}

#[test]
fn a_changed_missing_or_added_anchor_is_named() {
    let cases: [(&str, &[&str]); 5] = [
        (
            "UPDATE anchors SET previous_hash = 'aa' WHERE number = 2",
            &["anchor 2: it does not follow", "anchor 2: it was changed"],
        ),
        (
            "DELETE FROM anchor_heads WHERE number = 1 AND incident_id = 1",
            &["anchor 1: it was changed"],
        ),
        (
            "UPDATE anchor_heads SET hash = 'aa' WHERE number = 1 AND incident_id = 1",
            &[
                "anchor 1: it was changed",
                "INC-1001: event 1 is not the one whose hash anchor 1 holds",
            ],
        ),
        (
            "DELETE FROM anchor_heads WHERE number = 1; DELETE FROM anchors WHERE number = 1",
            &["anchor 2: anchor 1 before it is missing"],
        ),
        (
            "UPDATE anchors SET number = 7 WHERE number = 2; UPDATE anchor_heads SET number = 7 WHERE number = 2",
            &[
                "anchor 7: anchors 2 to 6 before it are missing",
                "anchor 7: it was changed",
            ],
        ),
    ];
    for (sql, told) in cases {
        for world in [Some(World::on_sqlite()), World::on_postgres()]
            .into_iter()
            .flatten()
        {
            let incident = story(&world);
            run_due(&world.store).unwrap();
            world.stands_at("2026-03-02T11:10[Europe/Berlin]");
            world.says(incident, json!({"kind": "noted", "reason": "all is quiet"}));
            run_due(&world.store).unwrap();
            assert_eq!(verified(&world, None).0, [""; 0]);
            forge(&world, sql);
            let (faults, _) = verified(&world, None);
            assert_eq!(faults.len(), told.len(), "{sql}: {faults:#?}");
            for (fault, told) in faults.iter().zip(told) {
                assert!(fault.starts_with(told), "{sql}: {faults:#?}");
            }
        }
    }
}

#[test]
fn a_case_put_to_an_event_of_another_timeline_is_a_change_too() {
    on_each(|world| {
        let incident = story(world);
        run_due(&world.store).unwrap();
        write_anew(world, incident, |event| event.case_id = Some(CaseId(1)));
        assert_eq!(verified(world, None).0.len(), 1);
    });
}

/// Runs `redress verify` on the world's database: what it prints, and its exit code.
fn command(world: &World, args: &[&str]) -> (String, Option<i32>) {
    let url = match world.store.url() {
        store::DatabaseUrl::Postgres(url) => url.clone(),
        store::DatabaseUrl::Sqlite(path) => format!("sqlite:{path}"),
    };
    let folder = tempfile::tempdir().unwrap();
    let done = std::process::Command::new(env!("CARGO_BIN_EXE_redress"))
        .current_dir(folder.path())
        .arg("verify")
        .args(args)
        .env("REDRESS_DATABASE_URL", url)
        .env("REDRESS_LOG", "error")
        .output()
        .unwrap();
    let text = [done.stdout, done.stderr].concat();
    (String::from_utf8(text).unwrap(), done.status.code())
}

#[test]
fn the_command_says_what_it_found_and_what_it_cannot_see() {
    on_each(|world| {
        story(world);
        let (text, code) = command(world, &[]);
        assert_eq!(code, Some(0), "{text}");
        assert!(text.starts_with("Walked 2 incidents, 6 events, 4 texts, 0 files (0 more erased) and 0 anchors: no fault.\nThere is no anchor yet.\nWithout --anchor it cannot be seen"), "{text}");
        run_due(&world.store).unwrap();
        let head = world.store.read(store::anchor::latest).unwrap().unwrap();
        let (text, code) = command(world, &["--anchor", &head.hash[..12].to_uppercase()]);
        assert_eq!(code, Some(0), "{text}");
        assert!(text.contains("The given head is that of anchor 1, made 2026-03-02T09:10:00Z. It covers what was recorded until then, which is everything."), "{text}");
        forge(world, CUT);
        let (text, code) = command(world, &["--anchor", &head.hash]);
        assert_eq!(code, Some(1), "{text}");
        assert!(text.starts_with("INC-1002: event 5 is missing; anchor 1 holds its hash\nWalked 2 incidents, 5 events"), "{text}");
        assert!(text.ends_with("error: 1 fault was found\n"), "{text}");
        forge(world, NO_ANCHORS);
        let (text, code) = command(world, &["--anchor", &head.hash]);
        assert_eq!(code, Some(1), "{text}");
        assert!(
            text.starts_with("the given head: no anchor begins with"),
            "{text}"
        );
        for wrong in ["3fa912bc88d", "not a hash at all"] {
            let (text, code) = command(world, &["--anchor", wrong]);
            assert_eq!(code, Some(2), "{text}");
            assert!(text.contains("12 to 64 hexadecimal digits"), "{text}");
        }
    });
}
