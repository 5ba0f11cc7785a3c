//! A bundle is checked from its files alone, by code that shares nothing with what made it.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use redress::domain::IncidentId;
use redress::domain::person::Role;
use redress::engine::anchors::run_due;
use redress::evidence::bundle::{About, write};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::on_both;
use crate::world::{World, at};

pub type Files = BTreeMap<String, Vec<u8>>;

pub fn bundle(world: &World, about: About) -> Vec<u8> {
    let now = world.hand.now();
    let mut made = Cursor::new(Vec::new());
    world
        .store
        .read_as_one(|conn| write(conn, about, now, &mut made))
        .unwrap();
    made.into_inner()
}

pub fn unpacked(bytes: &[u8]) -> (Vec<String>, Files) {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut names = Vec::new();
    let mut files = Files::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).unwrap();
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        names.push(file.name().unwrap().into_owned());
        files.insert(file.name().unwrap().into_owned(), content);
    }
    (names, files)
}

fn sha(bytes: impl AsRef<[u8]>) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

pub fn json_of(files: &Files, name: &str) -> Value {
    serde_json::from_slice(&files[name]).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Checks the bundle as its README says; the first thing that does not hold.
fn check(files: &Files) -> Result<(), String> {
    let sums = String::from_utf8(files["SHA256SUMS"].clone()).unwrap();
    let listed: Vec<(&str, &str)> = sums
        .lines()
        .map(|line| line.split_once("  ").unwrap())
        .collect();
    if listed.len() != files.len() - 1 {
        return Err("a file has no sum".into());
    }
    for (sum, name) in listed {
        if sha(&files[name]) != sum {
            return Err(format!("{name} was changed"));
        }
    }
    let timeline = json_of(files, "timeline.json");
    let events = timeline["events"].as_array().unwrap();
    let mut previous = "0".repeat(64);
    for (index, event) in events.iter().enumerate() {
        let number = index + 1;
        let text = event["form"].as_str().unwrap();
        let form: Value = serde_json::from_str(text).unwrap();
        if sha(text) != event["hash"] || form["seq"] != number || form["previous"] != *previous {
            return Err(format!("event {number} does not hold"));
        }
        let mut told = 0;
        for (name, text) in event["texts"].as_object().unwrap() {
            let said = format!(
                "{}{}",
                text["salt"].as_str().unwrap(),
                text["content"].as_str().unwrap()
            );
            if form["texts"][name] != sha(said) {
                return Err(format!("{name} of event {number} does not hold"));
            }
            told += 1;
        }
        let others = event["erased"].as_object().unwrap().len()
            + event["withheld"].as_array().unwrap().len();
        if told + others != form["texts"].as_object().unwrap().len() {
            return Err(format!("a text of event {number} is missing"));
        }
        let named = form["fields"]["evidence"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        for (sum, file) in named.iter().zip(event["files"].as_array().unwrap()) {
            if let Some(file) = file["file"].as_str()
                && *sum != sha(&files[file])
            {
                return Err(format!("{file} does not hold"));
            }
        }
        previous = event["hash"].as_str().unwrap().to_string();
    }
    let lines = String::from_utf8(files["anchors.jsonl"].clone()).unwrap();
    let mut before: Option<String> = None;
    for line in lines.lines() {
        let anchor: Value = serde_json::from_str(line).unwrap();
        let form: Value = serde_json::from_str(anchor["form"].as_str().unwrap()).unwrap();
        let follows = before
            .as_ref()
            .is_none_or(|before| form["previous"] == **before);
        if sha(anchor["form"].as_str().unwrap()) != anchor["hash"] || !follows {
            return Err(format!("anchor {} does not hold", anchor["number"]));
        }
        for head in form["heads"].as_array().unwrap() {
            let count = head["count"].as_u64().unwrap() as usize;
            if head["incident"] == timeline["incident"] && events[count - 1]["hash"] != head["hash"]
            {
                return Err(format!(
                    "anchor {} holds another timeline",
                    anchor["number"]
                ));
            }
        }
        before = Some(anchor["hash"].as_str().unwrap().to_string());
    }
    for letter in json_of(files, "letters.json").as_array().unwrap() {
        if let Some(file) = letter["file"].as_str()
            && letter["file_sha256"] != sha(&files[file])
        {
            return Err(format!("{file} is not what was sent"));
        }
    }
    Ok(())
}

/// An incident of two vendors with a breach of the first, letters, anchors, and a text that was erased.
fn lived(world: &World) -> IncidentId {
    let contract = world.signs("NW-2026", world.usual_terms());
    let other = world.signs("NW-2027", world.usual_terms());
    let incident = world.raises_as(json!({"contract_id": contract, "severity": "S1", "title": "Frankfurt is cut off",
        "description": "Both lines are down.\n\"Beide\" – 两条线路", "vendor_reference": "NW-99812"})).unwrap().id;
    let case = world
        .adds_case(
            incident,
            json!({"contract_id": other, "severity": "S1", "vendor_reference": "SECRET-1"}),
        )
        .unwrap();
    run_due(&world.store).unwrap();
    world.delivers();
    world.passes_to("2026-03-02T11:10[Europe/Berlin]");
    run_due(&world.store).unwrap();
    world.delivers();
    world.says(
        incident,
        json!({"kind": "responded", "case": case, "reason": "the other one says it is the first"}),
    );
    let log = crate::evidence::files::sends(world, "router 1.log", &crate::evidence::files::log());
    let noted = world.says(
        incident,
        json!({"kind": "noted", "reason": "Jane Doe rang", "evidence": [log]}),
    );
    let erasure = redress::domain::erasure::Erasure::read(
        &json!({"seq": noted.seq, "texts": ["reason"], "reason": "GDPR art. 17"}),
    )
    .unwrap();
    world
        .store
        .write(redress::store::Actor::Person(world.max), move |tx| {
            redress::actions::erasure::erase(
                tx,
                incident,
                &erasure,
                redress::domain::words::Source::Api,
            )
        })
        .unwrap();
    world.passes_to("2026-03-02T12:05[Europe/Berlin]");
    run_due(&world.store).unwrap();
    world.delivers();
    incident
}

on_both! { fn an_incident_is_checked_from_its_bundle_alone(world) {
    let incident = lived(world);
    let bytes = bundle(world, About::Incident(incident));
    let (names, files) = unpacked(&bytes);
    assert_eq!(check(&files), Ok(()));
    assert_eq!(names[0], "README.txt");
    assert_eq!(names.last().map(String::as_str), Some("SHA256SUMS"));
    assert_eq!(bytes, bundle(world, About::Incident(incident)), "the same facts give the same bundle");

    let readme = String::from_utf8(files["README.txt"].clone()).unwrap();
    assert!(readme.contains("select(.incident == \"INC-1001\")") && !readme.contains("{incident}"), "{readme}");
    let told = String::from_utf8(files["timeline.txt"].clone()).unwrap();
    assert!(told.contains("两条线路") && told.contains("(erased by event 5)") && !told.contains("Jane Doe"), "{told}");
    assert_eq!(files["files/4-1-router_1.log"], crate::evidence::files::log());
    let incident = json_of(&files, "incident.json");
    assert_eq!((&incident["events"], incident["cases"].as_array().unwrap().len()), (&json!(5), 2));
    let terms = json_of(&files, "terms.json");
    assert_eq!(terms[0]["promise"]["commitments"][0]["clause"], "5.1");
    let calendars = json_of(&files, "calendars.json");
    assert_eq!(calendars["calendars"][0]["revisions"][0]["hours"]["time_zone"], "Europe/Berlin");
    let clocks = json_of(&files, "clocks.json");
    let respond = clocks.as_array().unwrap().iter().find(|clock| clock["metric"] == "respond").unwrap();
    assert_eq!((&respond["laps"][0]["due_at"], &respond["laps"][0]["verdict"]), (&json!("2026-03-02T10:00:00Z"), &json!("missed")));
    let explained = String::from_utf8(files["explanation.txt"].clone()).unwrap();
    assert!(explained.contains("INC-1001, contract NW-2026, clause 5.1") && explained.contains("contract NW-2027"), "{explained}");
    let breaches = json_of(&files, "breaches.json");
    assert_eq!((&breaches[0]["clause"], &breaches[0]["due_at"], breaches.as_array().unwrap().len()), (&json!("5.1"), &json!("2026-03-02T10:00:00Z"), 2));
    let letters = json_of(&files, "letters.json");
    let sent = letters.as_array().unwrap().iter().filter(|letter| letter["state"] == "sent").count();
    assert_eq!((sent, names.iter().filter(|name| name.ends_with(".eml")).count()), (world.outlet.letters().len(), sent));
    assert_eq!(String::from_utf8(files["anchors.jsonl"].clone()).unwrap().lines().count(), 2);
} }

on_both! { fn a_byte_that_was_changed_is_seen_wherever_it_stands(world) {
    let incident = lived(world);
    let (_, files) = unpacked(&bundle(world, About::Incident(incident)));
    for name in files.keys() {
        if files[name].is_empty() {
            continue;
        }
        let mut forged = files.clone();
        let content = forged.get_mut(name).unwrap();
        let middle = content.len() / 2;
        content[middle] = if content[middle] == b'x' { b'y' } else { b'x' };
        assert!(std::panic::catch_unwind(|| check(&forged)).map_or(true, |found| found.is_err()), "{name}");
    }
    // Who also makes the sums anew changes the chain.
    let with_sums = |mut files: Files| {
        files.remove("SHA256SUMS");
        let sums: String = files.iter().map(|(name, content)| format!("{}  {name}\n", sha(content))).collect();
        files.insert("SHA256SUMS".into(), sums.into_bytes());
        files
    };
    let replaced = |name: &str, from: &str, to: &str| {
        let mut forged = files.clone();
        let text = String::from_utf8(forged[name].clone()).unwrap();
        assert!(text.contains(from), "{name} has no {from}");
        forged.insert(name.into(), text.replacen(from, to, 1).into_bytes());
        check(&with_sums(forged))
    };
    assert_eq!(check(&with_sums(files.clone())), Ok(()));
    assert_eq!(replaced("timeline.json", "Both lines", "One line"), Err("description of event 1 does not hold".into()));
    assert_eq!(replaced("timeline.json", "\\\"kind\\\":\\\"responded\\\"", "\\\"kind\\\":\\\"updated\\\""), Err("event 3 does not hold".into()));
    let mut forged = files.clone();
    forged.insert("files/4-1-router_1.log".into(), b"all is well".to_vec());
    assert_eq!(check(&with_sums(forged)), Err("files/4-1-router_1.log does not hold".into()));
    assert_eq!(replaced("anchors.jsonl", "\\\"count\\\":2", "\\\"count\\\":1"), Err("anchor 1 does not hold".into()));
} }

on_both! { fn the_bundle_of_a_breach_tells_one_vendors_part(world) {
    let incident = lived(world);
    let breach = world.breaches(incident).remove(0);
    let (_, files) = unpacked(&bundle(world, About::Breach(breach.id)));
    assert_eq!(check(&files), Ok(()));
    let all: Vec<u8> = files.values().flatten().copied().collect();
    let all = String::from_utf8_lossy(&all);
    assert!(!all.contains("SECRET-1") && !all.contains("the other one says") && !all.contains("NW-2027"));
    let timeline = json_of(&files, "timeline.json");
    assert_eq!(timeline["events"].as_array().unwrap().len(), 5, "the chain is whole");
    assert_eq!(timeline["events"][1]["withheld"], json!(["vendor_reference"]));
    assert_eq!(timeline["events"][2]["withheld"], json!(["reason"]));
    assert_eq!(json_of(&files, "breaches.json").as_array().unwrap().len(), 1);
    assert_eq!(json_of(&files, "incident.json")["breach"], breach.id.reference());
    assert_eq!(breach.due_at, at("2026-03-02T11:00[Europe/Berlin]"));
} }

#[test]
fn bundles_are_downloaded_by_page_and_api() {
    crate::service::on_both(|service| {
        crate::incident_api::sign(service);
        let engineer = service.program(Role::Engineer);
        crate::incident_api::raise(&engineer);
        crate::incident_api::passes(service, 20);
        for path in [
            "/api/v1/incidents/INC-1001/bundle.zip",
            "/api/v1/incidents/1/bundle.zip",
            "/api/v1/breaches/B-1/bundle.zip",
        ] {
            let answer = service.program(Role::Procurement).get(path);
            assert_eq!(
                (answer.status, answer.header("content-type")),
                (200, "application/zip"),
                "{}",
                answer.text
            );
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            assert!(
                answer
                    .header("content-disposition")
                    .starts_with("attachment; filename=\"evidence-")
            );
            assert_eq!(check(&unpacked(&answer.bytes).1), Ok(()));
        }
        assert_eq!(engineer.get("/api/v1/incidents/9/bundle.zip").status, 404);
        assert_eq!(engineer.get("/api/v1/breaches/9/bundle.zip").status, 404);
        assert_eq!(
            service
                .nobody()
                .get("/api/v1/incidents/1/bundle.zip")
                .status,
            401
        );
        service.person("eve", Role::Engineer);
        let eve = service.browser("eve");
        assert!(
            eve.get("/incidents/INC-1001")
                .text
                .contains("/incidents/INC-1001/bundle.zip")
        );
        assert!(
            eve.get("/breaches/B-1")
                .text
                .contains("/breaches/B-1/bundle.zip")
        );
        assert_eq!(eve.get("/incidents/INC-1001/bundle.zip").status, 200);
        assert_eq!(eve.get("/breaches/B-1/bundle.zip").status, 200);
    });
}
