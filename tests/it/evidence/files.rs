//! Files that go with events: kept in pieces, held by the chain, and erasable.

use std::io::Cursor;

use redress::actions;
use redress::domain::IncidentId;
use redress::domain::erasure::Erasure;
use redress::domain::evidence::{Arrived, CHUNK};
use redress::domain::person::Role;
use redress::domain::timeline::Event;
use redress::domain::words::Source;
use redress::engine::anchors::run_due;
use redress::error::Error;
use redress::store::{self, Actor};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{forge, on_each, verified};
use crate::on_both;
use crate::world::World;

fn sha(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// A file of three pieces and a bit.
pub(super) fn log() -> Vec<u8> {
    (0..3 * CHUNK + 17).map(|at| (at % 251) as u8).collect()
}

/// Ann sends a file; gives its hash.
pub(super) fn sends(world: &World, name: &str, content: &[u8]) -> String {
    let arrived = Arrived {
        name: name.to_string(),
        media_type: "text/plain".to_string(),
        size: content.len() as u64,
        sha256: sha(content),
    };
    let hash = arrived.sha256.clone();
    let mut content = Cursor::new(content.to_vec());
    world
        .store
        .write(Actor::Person(world.ann), move |tx| {
            actions::evidence::keep(tx, &arrived, &mut content)
        })
        .unwrap();
    hash
}

fn content(world: &World, event: &Event) -> Vec<Vec<u8>> {
    world
        .store
        .read(|conn| {
            let mut all = Vec::new();
            for file in store::evidence::of_events(conn, &[event.id])? {
                let mut whole = Vec::new();
                for number in 0.. {
                    match store::evidence::chunk(conn, file.id, number)? {
                        Some(chunk) => whole.extend(chunk),
                        None => break,
                    }
                }
                all.push(whole);
            }
            Ok(all)
        })
        .unwrap()
}

fn fields(refused: Result<Event, Error>) -> Vec<String> {
    match refused {
        Err(Error::Invalid(faults)) => faults.into_iter().map(|fault| fault.field).collect(),
        other => panic!("{other:?}"),
    }
}

fn erases(world: &World, incident: IncidentId, input: Value) {
    let erasure = Erasure::read(&input).unwrap();
    world
        .store
        .write(Actor::Person(world.max), move |tx| {
            actions::erasure::erase(tx, incident, &erasure, Source::Api)
        })
        .unwrap();
}

/// A note with two files.
fn noted(world: &World) -> (IncidentId, Event) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    let hashes = [
        sends(world, "router.log", &log()),
        sends(world, "call with Jane Doe.txt", b"she said so"),
    ];
    let event = world.says(
        incident,
        json!({"kind": "noted", "reason": "see the log", "evidence": hashes}),
    );
    (incident, event)
}

on_both! { fn a_file_is_kept_with_its_event_and_held_by_the_chain(world) {
    let (incident, event) = noted(world);
    assert_eq!(event.fields.evidence, [sha(&log()), sha(b"she said so")]);
    assert_eq!(content(world, &event), [log(), b"she said so".to_vec()]);
    let texts = world.store.read(|conn| store::incident::texts(conn, incident)).unwrap();
    assert_eq!(texts[&event.id]["file_2"].content, "call with Jane Doe.txt");
    let (faults, walked) = verified(world, None);
    assert_eq!((faults.len(), walked.files), (0, 2));
} }

on_both! { fn an_erased_file_leaves_its_hash_and_the_chain_holds(world) {
    let (incident, event) = noted(world);
    erases(world, incident, json!({"seq": event.seq, "texts": ["file_2"], "reason": "GDPR art. 17"}));
    assert_eq!(content(world, &event), [log(), Vec::new()]);
    let texts = world.store.read(|conn| store::incident::texts(conn, incident)).unwrap();
    assert!(texts[&event.id].contains_key("file_1") && !texts[&event.id].contains_key("file_2"));
    let (faults, walked) = verified(world, None);
    assert_eq!(faults, [""; 0]);
    assert_eq!((walked.files, walked.erased), (1, 1));
} }

on_both! { fn a_file_that_cannot_be_named_is_refused_at_its_place(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    let (one, unknown) = (sends(world, "a.txt", b"a"), sha(b"never sent"));
    let many: Vec<String> = (0..11).map(|at| sha(&[at])).collect();
    for (evidence, told) in [
        (json!([unknown]), vec!["evidence[0]"]),
        (json!([one, unknown]), vec!["evidence[1]"]),
        (json!([one, one]), vec!["evidence[1]"]),
        (json!(["a.txt", one]), vec!["evidence[0]"]),
        (json!(many), vec!["evidence"]),
    ] {
        let refused = world.records(incident, json!({"kind": "noted", "reason": "x", "evidence": evidence}));
        assert_eq!(fields(refused), told, "{evidence}");
    }
    world.says(incident, json!({"kind": "noted", "reason": "x", "evidence": [one]}));
    let again = world.records(incident, json!({"kind": "noted", "reason": "x", "evidence": [one]}));
    assert_eq!(fields(again), ["evidence[0]"], "each upload is for one event");
    sends(world, "a.txt", b"a");
    world.says(incident, json!({"kind": "noted", "reason": "x", "evidence": [one]}));
} }

on_both! { fn a_file_that_no_event_takes_is_dropped_after_a_day(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S3");
    let taken = sends(world, "a.txt", b"taken");
    world.says(incident, json!({"kind": "noted", "reason": "x", "evidence": [taken]}));
    let left = sends(world, "b.txt", b"left");
    let waits = |hash: &str| world.store.read(|conn| store::evidence::waiting(conn, world.ann, hash)).unwrap().is_some();
    world.jumps_to("2026-03-03T09:59[Europe/Berlin]");
    run_due(&world.store).unwrap();
    assert!(waits(&left));
    world.jumps_to("2026-03-03T11:01[Europe/Berlin]");
    run_due(&world.store).unwrap();
    assert!(!waits(&left));
    assert_eq!(verified(world, None).1.files, 1);
} }

#[test]
fn a_changed_missing_or_added_file_is_named() {
    let of = "(SELECT id FROM evidence WHERE position = 1)";
    let cases = [
        (format!("UPDATE evidence_chunks SET content = (SELECT content FROM evidence_chunks WHERE evidence_id = {of} AND number = 1) WHERE evidence_id = {of} AND number = 0"), "INC-1001 event 2: file 1 was changed"),
        (format!("DELETE FROM evidence_chunks WHERE evidence_id = {of} AND number = 3"), "INC-1001 event 2: file 1 was changed"),
        (format!("DELETE FROM evidence_chunks WHERE evidence_id = {of}"), "INC-1001 event 2: file 1 is missing, and no event says that it was erased"),
        (format!("DELETE FROM evidence_chunks WHERE evidence_id = {of}; DELETE FROM evidence WHERE position = 1"), "INC-1001 event 2: file 1 is missing"),
        ("UPDATE evidence SET position = 3 - position".to_string(), "INC-1001 event 2: file 1 was changed"),
        ("INSERT INTO evidence (sha256, size, media_type, name, person_id, uploaded_at, event_id, position) \
          SELECT sha256, size, media_type, name, person_id, uploaded_at, event_id, 3 FROM evidence WHERE position = 1".to_string(),
          "INC-1001 event 2: a file was added"),
    ];
    for (sql, told) in cases {
        for world in [Some(World::on_sqlite()), World::on_postgres()]
            .into_iter()
            .flatten()
        {
            // Both places change at once, which an index of unique places refuses row by row.
            let sql = format!("DROP INDEX evidence_of_event; {sql}");
            noted(&world);
            forge(&world, &sql);
            let (faults, _) = verified(&world, None);
            assert!(
                faults.first().is_some_and(|fault| fault.starts_with(told)),
                "{sql}: {faults:#?}"
            );
        }
    }
}

#[test]
fn pieces_can_be_erased_and_not_changed() {
    on_each(|world| {
        noted(world);
        let url = world.store.url().clone();
        let run = |sql: &str| {
            use diesel::Connection;
            use diesel::connection::SimpleConnection;
            match &url {
                store::DatabaseUrl::Postgres(url) => diesel::PgConnection::establish(url)
                    .unwrap()
                    .batch_execute(sql),
                store::DatabaseUrl::Sqlite(path) => diesel::SqliteConnection::establish(path)
                    .unwrap()
                    .batch_execute(sql),
            }
            .map_err(|error| error.to_string())
        };
        let refused = run("UPDATE evidence_chunks SET number = number + 10").unwrap_err();
        assert!(refused.contains("append-only"), "{refused}");
    });
}

#[test]
fn files_come_by_api_and_leave_as_attachments() {
    crate::service::on_both(|service| {
        crate::incident_api::sign(service);
        let engineer = service.program(Role::Engineer);
        crate::incident_api::raise(&engineer);
        let sent = engineer.file(
            "/api/v1/evidence?name=..%2Frouter%20%E6%97%A5.log",
            "text/html; charset=utf-8",
            &log(),
        );
        assert_eq!(sent.status, 201, "{}", sent.text);
        let body = sent.json();
        assert_eq!(
            (
                &body["sha256"],
                &body["size"],
                &body["name"],
                &body["media_type"]
            ),
            (
                &json!(sha(&log())),
                &json!(log().len()),
                &json!("router 日.log"),
                &json!("text/html")
            )
        );
        let path = format!("/api/v1/evidence/{}", body["id"]);
        assert_eq!(sent.header("location"), path);
        assert_eq!(
            service.program(Role::Manager).get(&path).status,
            404,
            "it waits, and is its sender's alone"
        );
        assert_eq!(engineer.get(&path).status, 200);

        let form = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"b.txt\"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--x--\r\n";
        let second = engineer.file(
            "/api/v1/evidence",
            "multipart/form-data; boundary=x",
            form.as_bytes(),
        );
        assert_eq!(
            (second.status, &second.json()["name"]),
            (201, &json!("b.txt")),
            "{}",
            second.text
        );
        let input = json!({"kind": "noted", "reason": "see these", "evidence": [body["sha256"], second.json()["sha256"]]});
        let noted = engineer.post("/api/v1/incidents/1/events", &input);
        assert_eq!(noted.status, 201, "{}", noted.text);
        let event = &noted.json()["event"];
        assert_eq!(
            (&event["files"][0]["name"], &event["files"][1]["name"]),
            (&json!("router 日.log"), &json!("b.txt"))
        );
        assert_eq!(
            engineer.get("/api/v1/incidents/1").json()["timeline"][1]["files"],
            event["files"]
        );

        let got = service.program(Role::Procurement).get(&path);
        assert_eq!((got.status, got.bytes), (200, log()));
        let header = |name: &str| got.headers.get(name).unwrap().to_str().unwrap();
        assert_eq!(
            (header("content-type"), header("x-content-type-options")),
            ("text/html", "nosniff")
        );
        assert_eq!(
            header("content-disposition"),
            "attachment; filename=\"router _.log\"; filename*=UTF-8''router%20%E6%97%A5.log"
        );
        assert_eq!(
            header("content-security-policy"),
            "default-src 'none'; sandbox"
        );
        assert_eq!(header("content-length"), log().len().to_string());
        assert_eq!(service.nobody().get(&path).status, 401);

        assert_eq!(
            service
                .program(Role::Procurement)
                .file("/api/v1/evidence", "text/plain", b"x")
                .status,
            403
        );
        assert_eq!(
            engineer
                .file("/api/v1/evidence", "text/plain", b"")
                .problem(422),
            ["file"]
        );
        for wrong in ["999", "x"] {
            assert_eq!(
                engineer.get(&format!("/api/v1/evidence/{wrong}")).status,
                404
            );
        }
        let keyed = engineer.with("Idempotency-Key", "one");
        let first = keyed.file("/api/v1/evidence", "text/plain", b"once").json();
        assert_eq!(
            keyed.file("/api/v1/evidence", "text/plain", b"once").json(),
            first
        );
        assert_eq!(
            keyed
                .file("/api/v1/evidence", "text/plain", b"twice")
                .status,
            422
        );

        let erased = service.program(Role::Administrator).post(
            "/api/v1/incidents/1/erasures",
            &json!({"seq": 2, "texts": ["file_1"], "reason": "GDPR art. 17"}),
        );
        assert_eq!(erased.status, 201, "{}", erased.text);
        assert_eq!(engineer.get(&path).status, 404);
        let shown = engineer.get("/api/v1/incidents/1").json();
        assert_eq!(shown["timeline"][1]["files"][0]["name"], Value::Null);
        assert_eq!(shown["timeline"][1]["erased_texts"], json!({"file_1": 3}));
    });
}

#[test]
fn a_file_that_is_too_long_is_refused_however_it_comes() {
    crate::service::on_both(|service| {
        crate::incident_api::sign(service);
        let engineer = service.program(Role::Engineer);
        let limit = redress::domain::evidence::MOST_BYTES as usize;
        let whole = vec![b'x'; limit];
        let sent = engineer.file("/api/v1/evidence?name=big", "text/plain", &whole);
        assert_eq!(
            (sent.status, &sent.json()["sha256"]),
            (201, &json!(sha(&whole)))
        );
        let longer = vec![b'x'; limit + 1];
        let refused = engineer.file("/api/v1/evidence?name=big", "text/plain", &longer);
        assert_eq!(refused.status, 413, "{}", refused.text);
    });
}

#[test]
fn files_come_with_the_forms_of_the_page() {
    crate::service::on_both(|service| {
        crate::incident_api::sign(service);
        crate::incident_api::raise(&service.program(Role::Engineer));
        service.person("eve", Role::Engineer);
        let eve = service.browser("eve");
        assert!(
            eve.get("/incidents/INC-1001")
                .text
                .contains("enctype=\"multipart/form-data\"")
        );
        let part = |name: &str, rest: &str, content: &str| {
            format!(
                "--x\r\nContent-Disposition: form-data; name=\"{name}\"{rest}\r\n\r\n{content}\r\n"
            )
        };
        let form = |reason: &str, hidden: &str, file: &str| {
            let mut body = part("_act", "", "note")
                + &part("note.kind", "", "noted")
                + &part("note.reason", "", reason);
            if !hidden.is_empty() {
                body += &part("note.evidence", "", hidden);
            }
            body += &part(
                "note.file",
                "; filename=\"router.log\"\r\nContent-Type: text/plain",
                file,
            );
            body += &part(
                "did.file",
                "; filename=\"\"\r\nContent-Type: application/octet-stream",
                "",
            );
            body + "--x--\r\n"
        };
        let send = |body: String| {
            eve.file(
                "/incidents/INC-1001/events",
                "multipart/form-data; boundary=x",
                body.as_bytes(),
            )
        };
        let again = send(form("", "", "line 1"));
        assert_eq!(again.status, 422, "{}", again.text);
        let hash = sha(b"line 1");
        assert!(
            again
                .text
                .contains(&format!("name=\"note.evidence\" value=\"{hash}\"")),
            "it need not be chosen again: {}",
            again.text
        );
        let done = send(form("see the log", &hash, ""));
        assert_eq!(
            (done.status, done.header("location")),
            (303, "/incidents/INC-1001"),
            "{}",
            done.text
        );
        let page = eve.get("/incidents/INC-1001").text;
        assert!(
            page.contains("download>router.log</a>")
                && page.contains("6 bytes")
                && page.contains(&hash),
            "{page}"
        );
        let href = page
            .split("href=\"/evidence/")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .unwrap();
        let got = eve.get(&format!("/evidence/{href}"));
        assert_eq!((got.status, got.text.as_str()), (200, "line 1"));
        assert!(
            got.header("content-disposition")
                .starts_with("attachment; filename=\"router.log\"")
        );
    });
}
