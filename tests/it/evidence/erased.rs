//! Personal data that was erased is gone wherever the service keeps it, and the chain holds.

use redress::actions::erasure::erase;
use redress::domain::IncidentId;
use redress::domain::erasure::Erasure;
use redress::domain::letter::LetterState;
use redress::domain::outbox::Letter;
use redress::domain::person::Role;
use redress::domain::timeline::Event;
use redress::domain::words::Source;
use redress::engine::overwrite;
use redress::error::Error;
use redress::store::{self, Actor, DatabaseUrl};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::verified;
use crate::on_both;
use crate::world::{World, at};

fn erases(world: &World, incident: IncidentId, input: Value) -> Result<Event, Error> {
    let erasure = Erasure::read(&input)?;
    world.store.write(Actor::Person(world.max), move |tx| {
        erase(tx, incident, &erasure, Source::Api)
    })
}

fn fields(refused: Result<Event, Error>) -> Vec<String> {
    match refused {
        Err(Error::Invalid(faults)) => faults.into_iter().map(|fault| fault.field).collect(),
        other => panic!("{other:?}"),
    }
}

/// The engine's next round: once, and never again for the same erasure.
fn overwrites(world: &World) {
    let is_sqlite = matches!(world.store.url(), DatabaseUrl::Sqlite(_));
    assert_eq!(overwrite::run_due(&world.store).unwrap(), is_sqlite);
    assert!(!overwrite::run_due(&world.store).unwrap());
}

/// Whether a text stands anywhere in what the database keeps.
fn is_kept(world: &World, text: &str) -> bool {
    match world.store.url() {
        DatabaseUrl::Sqlite(path) => {
            let file = std::fs::read(path).unwrap();
            let wal = std::fs::read(format!("{path}-wal")).unwrap_or_default();
            [file, wal].iter().any(|bytes| {
                bytes
                    .windows(text.len())
                    .any(|part| part == text.as_bytes())
            })
        }
        DatabaseUrl::Postgres(_) => {
            let letters = world.letters();
            let quotes =
                |part: &Option<String>| part.as_ref().is_some_and(|part| part.contains(text));
            letters.iter().any(|letter: &Letter| {
                let bytes = world
                    .store
                    .read(|conn| store::letter::message(conn, letter.id))
                    .unwrap();
                serde_json::to_string(&letter.facts).unwrap().contains(text)
                    || quotes(&letter.subject)
                    || quotes(&letter.body_text)
                    || quotes(&letter.body_html)
                    || bytes.is_some_and(|bytes| String::from_utf8_lossy(&bytes).contains(text))
            }) || world
                .store
                .read(store::incident::ids)
                .unwrap()
                .into_iter()
                .any(|incident| {
                    let texts = world
                        .store
                        .read(|conn| store::incident::texts(conn, incident))
                        .unwrap();
                    let row = world
                        .store
                        .read(|conn| store::incident::get(conn, incident))
                        .unwrap();
                    let cases = world
                        .store
                        .read(|conn| store::incident::cases(conn, incident))
                        .unwrap();
                    let entries = world
                        .store
                        .read(|conn| store::breach::of_incident(conn, incident))
                        .unwrap();
                    let trail = world
                        .store
                        .read(|conn| store::audit::of(conn, "incident", incident.0))
                        .unwrap();
                    texts
                        .values()
                        .flat_map(|texts| texts.values())
                        .any(|one| one.content.contains(text))
                        || format!("{row:?}{cases:?}{entries:?}{trail:?}").contains(text)
                })
        }
    }
}

on_both! { fn a_reason_goes_with_its_copies_and_the_chain_holds(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-02T11:10[Europe/Berlin]");
    world.delivers();
    let late = at("2026-03-02T10:50[Europe/Berlin]");
    let said = "Mei Lin was ill and called from home";
    let responded = world.says(incident, json!({"kind": "responded", "occurred_at": late, "reason": said}));
    world.delivers();
    let corrected: Vec<Letter> = world.letters().into_iter().filter(|letter| letter.kind.as_str() == "corrected").collect();
    assert!(!corrected.is_empty() && corrected.iter().all(|letter| letter.body_text.as_ref().unwrap().contains(said)));
    assert!(is_kept(world, said));

    let event = erases(world, incident, json!({"seq": responded.seq, "texts": ["reason"], "reason": "GDPR art. 17, asked for by the person"})).unwrap();
    assert_eq!((event.fields.erases, event.fields.erased.as_slice()), (Some(responded.seq), &["reason".to_string()][..]));
    overwrites(world);
    assert!(!is_kept(world, said));
    let (faults, walked) = verified(world, None);
    assert_eq!(faults, [""; 0]);
    assert_eq!(walked.erased, 1);
    let entries = world.store.read(|conn| store::breach::of_incident(conn, incident)).unwrap();
    assert_eq!(entries[0].1.as_ref().unwrap().reason, "[erased]");
    let sent = world.outlet.letters();
    for letter in corrected {
        let now = world.store.read(|conn| store::letter::get(conn, letter.id)).unwrap();
        assert_eq!((now.state, now.body_text), (LetterState::Sent, None));
        let erased = world.store.read(|conn| store::erasure::of_letter(conn, letter.id)).unwrap().unwrap();
        let bytes = &sent.iter().find(|sent| sent.id == letter.id).unwrap().bytes;
        assert_eq!(erased.sha256, Some(hex::encode(Sha256::digest(bytes))));
        assert_eq!((erased.incident_id, erased.seq), (incident, event.seq));
    }
    let again = erases(world, incident, json!({"seq": responded.seq, "texts": ["reason"], "reason": "once more"}));
    assert_eq!(fields(again), ["texts"]);
} }

on_both! { fn title_description_and_reference_go_from_headings_and_letters_that_wait(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises_as(json!({"contract_id": contract, "severity": "S1", "title": "Laptop of Jane Doe, room 4711",
        "description": "Jane Doe cannot work", "vendor_reference": "JD-0815"})).unwrap().id;
    let input = json!({"seq": 1, "texts": ["title", "description", "vendor_reference"], "reason": "GDPR art. 17"});
    erases(world, incident, input).unwrap();
    overwrites(world);
    for gone in ["Jane Doe", "JD-0815", "4711"] {
        assert!(!is_kept(world, gone), "{gone}");
    }
    world.delivers();
    let letter = &world.letters()[0];
    assert_eq!(letter.state, LetterState::Sent);
    assert!(letter.subject.as_ref().unwrap().contains("[erased]"), "{:?}", letter.subject);
    world.passes_to("2026-03-02T11:10[Europe/Berlin]");
    world.delivers();
    assert_eq!(verified(world, None).1.erased, 3);
} }

on_both! { fn a_letter_that_is_just_being_sent_is_waited_for(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    let leased = world.store.write(Actor::Engine, |tx| store::letter::lease(tx, 1)).unwrap();
    assert_eq!(leased.len(), 1);
    let input = json!({"seq": 1, "texts": ["title"], "reason": "GDPR art. 17"});
    let refused = erases(world, incident, input.clone()).unwrap_err().to_string();
    assert!(refused.contains("just being sent"), "{refused}");
    assert_eq!(world.events(incident).len(), 1, "nothing was kept of it");
    world.stands_at("2026-03-02T10:06[Europe/Berlin]");
    world.delivers();
    erases(world, incident, input).unwrap();
} }

on_both! { fn what_cannot_be_erased_is_refused_at_its_field(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    world.says(incident, json!({"kind": "noted", "reason": "Ann was here"}));
    let event = erases(world, incident, json!({"seq": 2, "texts": ["reason"], "reason": "GDPR art. 17"})).unwrap();
    for (input, field) in [
        (json!({"seq": 9, "texts": ["reason"], "reason": "x"}), "seq"),
        (json!({"seq": 1, "texts": ["remark"], "reason": "x"}), "texts"),
        (json!({"seq": event.seq, "texts": ["reason"], "reason": "x"}), "seq"),
        (json!({"seq": 1, "texts": [], "reason": "x"}), "texts"),
        (json!({"seq": 1, "texts": ["title"], "reason": ""}), "reason"),
    ] {
        assert_eq!(fields(erases(world, incident, input)), [field]);
    }
    let by_record = world.records(incident, json!({"kind": "erased", "reason": "x"}));
    assert_eq!(fields(by_record), ["kind"]);
    let corrected = world.records(incident, json!({"kind": "corrected", "corrects": event.seq, "taken_back": true, "reason": "x"}));
    assert_eq!(fields(corrected), ["corrects"]);
} }

#[test]
fn an_administrator_erases_by_page_and_api_and_nobody_else() {
    crate::service::on_both(|service| {
        crate::incident_api::sign(service);
        let engineer = service.program(Role::Engineer);
        crate::incident_api::raise(&engineer);
        let noted = json!({"kind": "noted", "reason": "Jane Doe, +49 30 123456"});
        assert_eq!(
            engineer.post("/api/v1/incidents/1/events", &noted).status,
            201
        );
        let input = json!({"seq": 2, "texts": ["reason"], "reason": "GDPR art. 17"});
        for role in [Role::Engineer, Role::Manager, Role::Procurement] {
            assert_eq!(
                service
                    .program(role)
                    .post("/api/v1/incidents/1/erasures", &input)
                    .status,
                403
            );
        }
        service.person("root", Role::Administrator);
        service.person("max", Role::Manager);
        let root = service.browser("root");
        assert!(
            root.get("/incidents/INC-1001")
                .text
                .contains("/incidents/INC-1001/events/2/erase")
        );
        let max = service.browser("max");
        assert!(!max.get("/incidents/INC-1001").text.contains("/erase"));
        assert_eq!(max.get("/incidents/INC-1001/events/2/erase").status, 403);
        let asked = root.get("/incidents/INC-1001/events/2/erase");
        assert!(asked.text.contains("Jane Doe"), "{}", asked.text);
        let path = "/incidents/INC-1001/events/2/erase";
        let again = root.send(path, &[("reason", "GDPR art. 17")]);
        assert!(
            again.status == 422 && again.text.contains("name the texts to be erased"),
            "{}",
            again.text
        );
        let done = root.send(path, &[("texts", "reason"), ("reason", "GDPR art. 17")]);
        assert_eq!(
            (done.status, done.header("location")),
            (303, "/incidents/INC-1001"),
            "{}",
            done.text
        );
        let page = root.get("/incidents/INC-1001").text;
        assert!(
            page.contains("What was said: erased Mon 23 Nov 10:00 by root, see event 3"),
            "{page}"
        );
        assert!(page.contains("Erased of event 2: What was said") && !page.contains("Jane Doe"));
        let shown = engineer.get("/api/v1/incidents/1").json();
        assert_eq!(
            (
                &shown["timeline"][1]["texts"],
                &shown["timeline"][1]["erased_texts"]
            ),
            (&json!({}), &json!({"reason": 3}))
        );
        assert_eq!(
            (
                &shown["timeline"][2]["kind"],
                &shown["timeline"][2]["erases"]
            ),
            (&json!("erased"), &json!(2))
        );

        let administrator = service.program(Role::Administrator);
        let title = json!({"seq": 1, "texts": ["title"], "reason": "GDPR art. 17"});
        let done = administrator.post("/api/v1/incidents/INC-1001/erasures", &title);
        assert_eq!(done.status, 201, "{}", done.text);
        assert_eq!(
            (&done.json()["kind"], &done.json()["erased"]),
            (&json!("erased"), &json!(["title"]))
        );
        assert_eq!(
            administrator
                .post("/api/v1/incidents/INC-1001/erasures", &title)
                .problem(422),
            ["texts"]
        );
        assert_eq!(
            engineer.get("/api/v1/incidents/1").json()["title"],
            "[erased]"
        );
        let letters = engineer.get("/api/v1/letters").json();
        let id = &letters["items"][0]["id"];
        let page = root.get(&format!("/letters/{id}"));
        assert!(
            page.text.contains("What was sent was erased"),
            "{}",
            page.text
        );
    });
}
