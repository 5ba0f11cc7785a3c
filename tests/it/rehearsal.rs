//! Rehearsals: they tell what the engine then does, and change nothing.

use diesel::connection::Connection;
use diesel::{QueryableByName, RunQueryDsl};
use redress::domain::person::Role;
use redress::error::Error;
use redress::mail::templates::Templates;
use redress::simulate::{Rehearsal, rehearse};
use redress::store::DatabaseUrl;
use serde_json::{Value, json};

use crate::incident_api::sign;
use crate::on_both;
use crate::service::{Service, sign_in};
use crate::world::{World, at};

fn rehearsed(world: &World, input: &Value) -> Rehearsal {
    rehearse(
        &world.store,
        &Templates::default(),
        "NW-2026",
        "ann@example.com",
        input,
    )
    .unwrap_or_else(|error| panic!("{input} was refused: {error}"))
}

/// Every letter of a rehearsal that would leave, as when, to whom, about what.
fn would_leave(rehearsal: &Rehearsal) -> Vec<(String, String, String)> {
    let of_steps = rehearsal
        .clocks
        .iter()
        .flat_map(|clock| &clock.steps)
        .flat_map(|step| &step.letters);
    let mut letters: Vec<_> = of_steps
        .chain(&rehearsal.occasions)
        .filter_map(|letter| {
            let leaves_at = letter.leaves_at?.to_string();
            Some((leaves_at, letter.to.clone(), letter.subject.clone()))
        })
        .collect();
    letters.sort();
    letters
}

/// The same of the letters that the engine sent.
fn left(world: &World) -> Vec<(String, String, String)> {
    let mut letters: Vec<_> = world
        .letters()
        .into_iter()
        .filter_map(|letter| {
            let sent = letter.subject.clone()?;
            Some((letter.settled_at?.to_string(), letter.email, sent))
        })
        .collect();
    letters.sort();
    letters
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    n: i64,
}

/// How many rows every table has.
fn rows(world: &World) -> Vec<(String, i64)> {
    let schema = include_str!("../../src/schema.rs");
    let tables = schema
        .split("diesel::table! {")
        .skip(1)
        .map(|part| part.split_whitespace().next().unwrap().to_string());
    let count = |table: &str| {
        let sql = diesel::sql_query(format!("SELECT count(*) AS n FROM {table}"));
        match world.store.url() {
            DatabaseUrl::Postgres(url) => {
                sql.get_result::<Count>(&mut diesel::PgConnection::establish(url).unwrap())
            }
            DatabaseUrl::Sqlite(path) => {
                sql.get_result::<Count>(&mut diesel::SqliteConnection::establish(path).unwrap())
            }
        }
        .unwrap()
        .n
    };
    tables.map(|table| (table.clone(), count(&table))).collect()
}

/// Lets time pass as the loops of the service do: what falls due is done, and what may leave leaves.
fn passes_and_delivers(world: &World, until: &str) {
    let until = at(until);
    loop {
        let timer = world.store.read(redress::store::clock::next_timer).unwrap();
        let letter = world.store.read(redress::store::letter::next_due).unwrap();
        match [timer, letter]
            .into_iter()
            .flatten()
            .min()
            .filter(|due| *due <= until)
        {
            Some(due) => world.passes_to_moment(due.max(world.hand.now())),
            None => return world.hand.set(until),
        };
        world.delivers();
    }
}

on_both! { fn what_is_rehearsed_is_what_the_engine_then_does(world) {
    let mut terms = world.usual_terms();
    terms["ladder"][1]["hold"] = json!("recipient_hours");
    world.signs("NW-2026", terms);
    let before = rows(world);
    let rehearsal = rehearsed(world, &json!({
        "severity": "S1", "title": "Frankfurt is cut off",
        "reported_at": "2026-03-06T15:30:00Z",
        "events": [
            {"at": "2026-03-06T16:45:00Z", "kind": "responded"},
            {"at": "2026-03-09T14:00:00Z", "kind": "acknowledged"},
            {"at": "2026-03-09T16:10:00Z", "kind": "restored"},
            {"at": "2026-03-09T16:30:00Z", "kind": "resolved"}]}));
    assert_eq!(rows(world), before, "a rehearsal changes nothing");

    world.stands_at("2026-03-06T16:30[Europe/Berlin]");
    let contract = redress::domain::ContractId(1);
    let incident = world.raises(contract, "S1");
    for (moment, kind) in [
        ("2026-03-06T17:45[Europe/Berlin]", "responded"),
        ("2026-03-09T15:00[Europe/Berlin]", "acknowledged"),
        ("2026-03-09T17:10[Europe/Berlin]", "restored"),
        ("2026-03-09T17:30[Europe/Berlin]", "resolved"),
    ] {
        passes_and_delivers(world, moment);
        world.says(incident, json!({"kind": kind}));
    }
    passes_and_delivers(world, "2026-03-12T12:00[Europe/Berlin]");
    let (rehearsed, done) = (would_leave(&rehearsal), left(world));
    assert!(done.len() > 8, "{done:#?}");
    assert_eq!(rehearsed, done);
    assert!(!rehearsal.cut_short);
} }

on_both! { fn a_rehearsal_shows_who_waits_who_is_not_there_and_what_is_not_reached(world) {
    let mut terms = world.usual_terms();
    terms["ladder"] = json!([
        {"when": {"percent": 50}, "to": ["vendor:3"]},
        {"when": {"percent": 75}, "to": ["vendor:2"], "hold": "recipient_hours"},
        {"when": {"at_due": true}, "to": ["vendor:2", "owner"]},
        {"when": {"after_due": "PT1H"}, "to": ["role:procurement"]}]);
    world.signs("NW-2026", terms);
    // Monday 17:00 in Berlin is midnight in Shanghai.
    let rehearsal = rehearsed(world, &json!({"severity": "S1", "reported_at": "2026-03-02T16:00:00Z",
        "events": [{"at": "2026-03-02T16:59:00Z", "kind": "responded"}]}));
    let shown = json!(rehearsal);
    let respond = &shown["clocks"][0];
    assert_eq!(respond["metric"], "respond");
    let deeds: Vec<_> = respond["steps"].as_array().unwrap().iter().map(|step| (step["step"].clone(), step["deed"].clone())).collect();
    assert_eq!(deeds, [
        (json!(0), json!("empty")), (json!(1), json!("told")), (json!(2), Value::Null), (json!(3), Value::Null)]);
    let letter = &respond["steps"][1]["letters"][0];
    // It would have waited for the morning; by then nobody needs it.
    assert_eq!((&letter["to"], &letter["locale"], &letter["leaves_at"]), (&json!("duty@vendor.example"), &json!("zh-CN"), &Value::Null));
    assert_eq!(letter["reason"], "the clock has stopped");
    let restore = &shown["clocks"][1];
    let held = &restore["steps"][1]["letters"][0];
    // 17:00 in Shanghai is the end of the day.
    assert_eq!((&held["held"], &held["planned_at"], &held["leaves_at"]), (&json!(true), &json!("2026-03-03T09:00:00Z"), &json!("2026-03-04T01:00:00Z")));
    let text = restore["steps"][2]["letters"].as_array().unwrap().iter().map(|letter| letter["text"].as_str().unwrap()).collect::<String>();
    assert!(text.contains("Frankfurt") || text.contains("Rehearsal"), "{text}");
    assert_eq!(restore["steps"][3]["deed"], "empty");
} }

on_both! { fn a_go_live_window_counts_from_its_entry_on(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let window = json!({"name": "Launch", "starts_at": "2026-03-09T00:00:00Z", "ends_at": "2026-03-14T00:00:00Z",
        "commitments": [{"clause": "A.1", "metric": "respond", "severity": "S1", "calendar_id": world.office, "target": {"open_time": "PT5M"}}],
        "command_post": ["person:post@example.com", "role:engineer"]});
    world.store.write(redress::store::Actor::Operator, move |tx| redress::actions::go_live::enter(tx, contract, &window)).unwrap();
    let respond = |reported_at: &str| {
        let rehearsal = rehearsed(world, &json!({"severity": "S1", "reported_at": reported_at}));
        let clock = &rehearsal.clocks[0];
        let told: Vec<_> = clock.steps.iter().flat_map(|step| &step.letters).map(|letter| letter.to.clone()).collect();
        (clock.clause.clone(), clock.breaches[0].due_at.to_string(), told.contains(&"ann@example.com".to_string()))
    };
    assert_eq!(respond("2026-03-10T09:00:00Z"), ("A.1".to_string(), "2026-03-10T09:05:00Z".to_string(), true));
    assert_eq!(respond("2026-03-16T09:00:00Z").1, "2026-03-16T10:00:00Z");
} }

on_both! { fn updates_are_shown_for_two_intervals(world) {
    let mut terms = world.usual_terms();
    terms["commitments"][0]["metric"] = json!("update");
    world.signs("NW-2026", terms);
    let rehearsal = rehearsed(world, &json!({"severity": "S1", "reported_at": "2026-03-02T09:00:00Z"}));
    let update = &rehearsal.clocks[0];
    assert_eq!(update.metric.as_str(), "update");
    let intervals: Vec<i32> = update.steps.iter().map(|step| step.interval).collect();
    assert!(intervals.contains(&2) && intervals.iter().all(|interval| *interval <= 2), "{intervals:?}");
    assert!(!rehearsal.cut_short);
} }

on_both! { fn what_cannot_be_rehearsed_is_said_at_its_field(world) {
    world.signs("NW-2026", world.usual_terms());
    let table: &[(Value, &str, &str)] = &[
        (json!({}), "severity", "missing"),
        (json!({"severity": "S9"}), "severity", "S1, S2, S3"),
        (json!({"severity": "S1", "colour": "red"}), "colour", "reported_at"),
        (json!({"severity": "S1", "reported_at": "2025-01-01T00:00:00Z"}), "reported_at", "2026-01-01"),
        (json!({"severity": "S1", "reported_at": "soon"}), "reported_at", "2026-11-20T15:40:00Z"),
        (json!({"severity": "S1", "events": [{"at": "2026-03-02T10:00:00Z", "kind": "paused", "stop": "RAIN"}]}), "events[0].stop", "ACCESS, MAINT"),
        (json!({"severity": "S1", "events": [{"at": "2026-03-01T10:00:00Z", "kind": "responded"}]}), "events[0].at", "before the incident is reported"),
        (json!({"severity": "S1", "events": [{"at": "2036-03-01T10:00:00Z", "kind": "responded"}]}), "events[0].at", "too long after"),
        (json!({"severity": "S1", "events": [{"kind": "responded"}]}), "events[0].at", "missing"),
        (json!({"severity": "S1", "events": [{"at": "2026-03-02T10:00:00Z", "kind": "noted", "by": "x@example.com"}]}), "events[0].by", "nobody"),
        (json!([]), "", "severity"),
    ];
    for (input, field, way_out) in table {
        match rehearse(&world.store, &Templates::default(), "NW-2026", "ann@example.com", input) {
            Err(Error::Invalid(faults)) => {
                assert_eq!(faults.len(), 1, "{input}: {faults:?}");
                assert_eq!(faults[0].field, *field, "{input}: {}", faults[0].message);
                assert!(faults[0].message.contains(way_out), "{input}: {}", faults[0].message);
            }
            other => panic!("{input}: {other:?}"),
        }
    }
    assert!(matches!(rehearse(&world.store, &Templates::default(), "NW", "ann@example.com", &json!({})), Err(Error::Refused(_))));
} }

#[test]
fn programs_and_pages_rehearse_the_same() {
    crate::service::on_both(|service: &Service| {
        sign(service);
        let program = service.program(Role::Engineer);
        let path = "/api/v1/contracts/NW-2026/rehearsal";
        let answer = program.post(
            path,
            &json!({"severity": "S1", "reported_at": "2026-11-23T09:00:00Z"}),
        );
        assert_eq!(answer.status, 200, "{}", answer.text);
        let body = answer.json();
        assert_eq!(body["clocks"][0]["metric"], "respond");
        let step = &body["clocks"][0]["steps"][1];
        assert_eq!(step["when"], json!({"at_due": true}));
        assert_eq!(step["letters"][0]["locale"], "zh-CN");
        let refused = program.post(path, &json!({"severity": "S7"}));
        assert_eq!(refused.problem(422), ["severity"]);
        assert_eq!(
            program
                .post("/api/v1/contracts/none/rehearsal", &json!({}))
                .status,
            404
        );

        service.person("ann", Role::Engineer);
        let browser = service.browser("ann");
        sign_in(&browser, "ann", crate::service::PASSWORD);
        let contract = browser.get("/contracts/NW-2026").text;
        assert!(contract.contains("/rehearsal\">Rehearse</a>"), "{contract}");
        let page = browser.get("/contracts/1/rehearsal").text;
        assert!(
            page.contains("name=\"responded\"") && !page.contains("What would happen"),
            "{page}"
        );
        let asked = "/contracts/1/rehearsal?severity=S1&reported_at=2026-11-23T10%3A00&responded=&restored=2026-11-23T11%3A00%3A00";
        let page = browser.get(asked).text;
        for part in [
            "What would happen",
            "First response due Mon 23 Nov, 10:15 CET",
            "简体中文",
            "duty@vendor.example",
            "<details><summary>",
            "Not reached",
            "Europe/Berlin",
        ] {
            assert!(page.contains(part), "no {part} in:\n{page}");
        }
        let wrong = browser.get("/contracts/1/rehearsal?severity=S1&reported_at=2026-11-23T10%3A00&responded=2026-11-23T09%3A00");
        assert_eq!(wrong.status, 422);
        assert!(
            wrong.text.contains(
                "id=\"error-responded\">this is recorded before the incident is reported"
            ),
            "{}",
            wrong.text
        );
        assert_eq!(program.get("/api/v1/incidents").json()["items"], json!([]));
    });
}
