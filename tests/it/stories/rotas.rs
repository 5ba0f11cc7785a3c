//! Steps that tell a team, or whoever is on duty.

use redress::actions;
use redress::domain::ladder::Deed;
use redress::domain::letter::{LetterFacts, Trigger};
use redress::domain::person::PersonInput;
use redress::domain::refused_address::RefusedAddress;
use redress::domain::rota::{Rota, RotaInput};
use redress::domain::team::{Team, TeamInput};
use redress::domain::{CalendarId, ContractId, IncidentId, PersonId};
use redress::error::Error;
use redress::mail::templates::Templates;
use redress::simulate::rehearse;
use redress::store::{self, Actor};
use serde_json::{Value, json};

use crate::on_both;
use crate::world::{World, enter_calendar};

fn joins(world: &World, name: &str, zone: &str) -> PersonId {
    let email = format!("{}@example.com", name.to_lowercase());
    let input = json!({"name": name, "email": email, "role": "engineer", "time_zone": zone});
    let input = PersonInput::read(&input).unwrap();
    world
        .store
        .write(Actor::Operator, move |tx| {
            actions::person::add(tx, &input, None)
        })
        .unwrap()
}

fn leaves(world: &World, id: PersonId) {
    let person = world
        .store
        .read(|conn| store::person::find(conn, id))
        .unwrap();
    world
        .store
        .write(Actor::Operator, move |tx| {
            let input = json!({"name": person.name, "email": person.email, "role": person.role,
                "time_zone": person.time_zone, "active": false});
            actions::person::edit(tx, id, person.version, &PersonInput::read(&input)?, None)
        })
        .unwrap();
}

fn hours(world: &World, name: &str, zone: &str, windows: Value) -> CalendarId {
    let week =
        json!({"mon": windows, "tue": windows, "wed": windows, "thu": windows, "fri": windows});
    enter_calendar(
        &world.store,
        json!({"name": name, "time_zone": zone, "week": week}),
    )
}

fn team(world: &World, input: Value) -> Team {
    let id = world
        .store
        .write(Actor::Operator, move |tx| {
            actions::team::enter(tx, &TeamInput::read(&input)?)
        })
        .unwrap_or_else(|error| panic!("the team was refused: {error}"));
    world
        .store
        .read(|conn| store::team::find(conn, id))
        .unwrap()
}

fn rota(world: &World, input: Value) -> Rota {
    let id = world
        .store
        .write(Actor::Operator, move |tx| {
            actions::rota::enter(tx, &RotaInput::read(&input)?)
        })
        .unwrap_or_else(|error| panic!("the rota was refused: {error}"));
    world
        .store
        .read(|conn| store::rota::find(conn, id))
        .unwrap()
}

/// Mei in Shanghai, Uwe in Berlin and Joe in New York, each in office hours, with Ann for the rest.
fn follows_the_sun(world: &World) -> (Rota, [PersonId; 3]) {
    let day = || json!([["09:00", "17:00"]]);
    let people = [
        joins(world, "Mei", "Asia/Shanghai"),
        joins(world, "Uwe", "Europe/Berlin"),
        joins(world, "Joe", "America/New_York"),
    ];
    let entries = [
        (
            "mei@example.com",
            hours(world, "Shanghai", "Asia/Shanghai", day()),
        ),
        (
            "uwe@example.com",
            hours(world, "Berlin", "Europe/Berlin", day()),
        ),
        (
            "joe@example.com",
            hours(world, "New York", "America/New_York", day()),
        ),
    ]
    .map(|(person, calendar)| json!({"person": person, "calendar_id": calendar}));
    let input = json!({"name": "network", "entries": entries, "fallback": "ann@example.com"});
    (rota(world, input), people)
}

/// Terms that count around the clock and whose ladder is this.
fn round_the_clock(world: &World, ladder: Value) -> Value {
    let day = json!([["00:00", "24:00"]]);
    let round = enter_calendar(
        &world.store,
        json!({"name": "Around the clock", "time_zone": "UTC", "week": {"mon": day, "tue": day,
            "wed": day, "thu": day, "fri": day, "sat": day, "sun": day}}),
    );
    let mut terms = world.usual_terms();
    for commitment in terms["commitments"].as_array_mut().unwrap() {
        commitment["calendar_id"] = json!(round);
    }
    terms["ladder"] = ladder;
    terms
}

fn at_due(to: Value) -> Value {
    json!([{"when": {"at_due": true}, "to": to, "by": ["email"], "metrics": ["respond"], "hold": "recipient_hours"}])
}

/// An incident raised at that moment, of which everything is over; gives who was told at the deadline.
fn told(world: &World, contract: ContractId, moment: &str, due: &str) -> Vec<String> {
    world.passes_to(moment);
    let incident = world.raises(contract, "S1");
    world.passes_to(due);
    let letters = world.letters().into_iter();
    let told: Vec<String> = letters
        .filter(|letter| letter.incident_id == Some(incident) && letter.kind.as_str() == "breached")
        .inspect(|letter| {
            assert_eq!(
                letter.next_attempt_at, letter.planned_at,
                "nobody on duty waits"
            )
        })
        .map(|letter| letter.email)
        .collect();
    world.says(incident, json!({"kind": "resolved"}));
    told
}

/// Who would be told at the deadline of an incident reported then.
fn rehearsed(world: &World, reported_at: &str) -> Vec<String> {
    let asked = json!({"severity": "S1", "reported_at": reported_at});
    let rehearsal = rehearse(
        &world.store,
        &Templates::default(),
        "NW-2026",
        "ann@example.com",
        &asked,
    )
    .unwrap();
    let respond = rehearsal
        .clocks
        .iter()
        .find(|clock| clock.metric.as_str() == "respond");
    let steps = respond.unwrap().steps.iter();
    let letters = steps.flat_map(|step| &step.letters);
    letters.map(|letter| letter.to.clone()).collect()
}

fn deeds(world: &World, incident: IncidentId) -> Vec<(i32, Deed)> {
    let steps = world.steps(incident).into_iter();
    steps.map(|step| (step.step, step.deed)).collect()
}

fn warnings(world: &World, contract: ContractId) -> Vec<String> {
    let warnings = world.store.read(|conn| {
        let contract = store::contract::find(conn, contract)?;
        let terms = store::terms::in_force(conn, &contract, world.hand.now())?.unwrap();
        let owner = Some(contract.owner.as_str());
        store::contract::warnings(conn, contract.vendor_id, owner, &terms.promise)
    });
    let warnings = warnings.unwrap().into_iter();
    warnings.map(|warning| warning.message).collect()
}

fn is_refused(world: &World, email: &str) {
    let mark = RefusedAddress {
        email: email.to_string(),
        refused_at: world.hand.now(),
        answer: "550 no such mailbox".to_string(),
        letter_id: world.letters()[0].id,
    };
    world
        .store
        .write(Actor::Engine, move |tx| {
            store::refused_address::mark(tx, &mark)
        })
        .unwrap();
}

fn fields(error: Error) -> Vec<(String, String)> {
    let Error::Invalid(faults) = error else {
        panic!("{error}");
    };
    let faults = faults.into_iter();
    faults.map(|fault| (fault.field, fault.message)).collect()
}

on_both! { fn one_ladder_reaches_who_is_awake(world) {
    follows_the_sun(world);
    let contract = world.signs("NW-2026", round_the_clock(world, at_due(json!(["on_duty:network"]))));
    assert_eq!(warnings(world, contract), [""; 0]);
    for (raised, reported_at, due, who) in [
        ("2026-03-03T10:00[Asia/Shanghai]", "2026-03-03T02:00:00Z", "2026-03-03T11:00[Asia/Shanghai]", "mei@example.com"),
        // Both Shanghai and Berlin are in hours: the first entry.
        ("2026-03-03T08:30[Europe/Berlin]", "2026-03-03T07:30:00Z", "2026-03-03T09:30[Europe/Berlin]", "mei@example.com"),
        ("2026-03-03T10:30[Europe/Berlin]", "2026-03-03T09:30:00Z", "2026-03-03T11:30[Europe/Berlin]", "uwe@example.com"),
        ("2026-03-03T12:00[America/New_York]", "2026-03-03T17:00:00Z", "2026-03-03T13:00[America/New_York]", "joe@example.com"),
        // Nobody's hours: the fallback, at once, though it is night there too.
        ("2026-03-03T17:30[America/New_York]", "2026-03-03T22:30:00Z", "2026-03-03T18:30[America/New_York]", "ann@example.com"),
    ] {
        assert_eq!(rehearsed(world, reported_at), [who], "the rehearsal of {raised}");
        assert_eq!(told(world, contract, raised, due), [who], "{raised}");
    }
} }

on_both! { fn who_has_left_or_cannot_be_written_to_is_passed_over_at_once(world) {
    let (_, [mei, uwe, _]) = follows_the_sun(world);
    let contract = world.signs("NW-2026", round_the_clock(world, at_due(json!(["on_duty:network"]))));
    let incident = world.raises(contract, "S2");
    world.says(incident, json!({"kind": "resolved"}));
    world.passes_to("2026-03-03T08:30[Europe/Berlin]");
    let incident = world.raises(contract, "S1");
    // Mei leaves while the incident is open.
    leaves(world, mei);
    world.passes_to("2026-03-03T09:30[Europe/Berlin]");
    let last = world.letters().pop().unwrap();
    assert_eq!((last.incident_id, last.email.as_str()), (Some(incident), "uwe@example.com"));
    world.says(incident, json!({"kind": "resolved"}));
    is_refused(world, "uwe@example.com");
    let morning = "2026-03-03T10:30[Europe/Berlin]";
    assert_eq!(rehearsed(world, "2026-03-03T09:30:00Z"), ["ann@example.com"]);
    assert_eq!(told(world, contract, morning, "2026-03-03T11:30[Europe/Berlin]"), ["ann@example.com"]);
    let said = warnings(world, contract);
    assert!(said[0].starts_with("mail to uwe@example.com was refused") && said.len() == 1, "{said:?}");
    leaves(world, uwe);
    leaves(world, world.ann);
    assert_eq!(warnings(world, contract), [
        "the fallback of the rota network is not here any more; while nobody is in hours it reaches nobody"]);
} }

on_both! { fn a_team_is_written_to_as_it_is_when_the_step_is_taken(world) {
    let eve = joins(world, "Eve", "Europe/Berlin");
    joins(world, "Bob", "Europe/Berlin");
    let before = team(world, json!({"name": "wan", "members": ["eve@example.com", "Ann@example.com", "bob@example.com"]}));
    let contract = world.signs("NW-2026", round_the_clock(world, json!([
        {"when": {"percent": 50}, "to": ["team:wan"], "metrics": ["respond"]},
        {"when": {"at_due": true}, "to": ["team:wan", "person:ann@example.com"], "metrics": ["respond"]}])));
    world.passes_to("2026-03-03T10:00[Europe/Berlin]");
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-03T10:30[Europe/Berlin]");
    assert_eq!(world.post()[1..], ["warned eve@example.com", "warned ann@example.com", "warned bob@example.com"]);
    // The ladder names the team; who is in it is asked anew.
    leaves(world, eve);
    world.store.write(Actor::Operator, move |tx| {
        let edit = json!({"members": ["eve@example.com", "max@example.com", "ann@example.com"]});
        actions::team::edit(tx, &before, 1, &TeamInput::read_edit(&edit, &before)?)
    }).unwrap();
    world.passes_to("2026-03-03T11:00[Europe/Berlin]");
    assert_eq!(world.post()[4..], ["breached max@example.com", "breached ann@example.com"], "each once");
    assert_eq!(deeds(world, incident), [(0, Deed::Told), (1, Deed::Told)]);
} }

on_both! { fn a_team_without_anybody_is_skipped_and_the_next_step_brought_forward(world) {
    let eve = joins(world, "Eve", "Europe/Berlin");
    team(world, json!({"name": "night", "members": ["eve@example.com"]}));
    let contract = world.signs("NW-2026", round_the_clock(world, json!([
        {"when": {"percent": 50}, "to": ["team:night"], "metrics": ["respond"]},
        {"when": {"percent": 90}, "to": ["owner"], "metrics": ["respond"]},
        {"when": {"at_due": true}, "to": ["team:night"], "metrics": ["respond"]},
        {"when": {"after_due": "PT1H"}, "to": ["reporter", "vendor:1"], "metrics": ["respond"]}])));
    assert_eq!(warnings(world, contract), [""; 0]);
    leaves(world, eve);
    let gone = "nobody of the team night is here any more";
    let skipped = "it tells nobody and will be skipped";
    assert_eq!(warnings(world, contract), [gone, skipped, gone, skipped]);
    world.passes_to("2026-03-03T10:00[Europe/Berlin]");
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-03T10:30[Europe/Berlin]");
    assert_eq!(deeds(world, incident), [(0, Deed::Empty), (1, Deed::Told)]);
    assert_eq!(world.post()[1..], ["warned owner@example.com"]);
    world.passes_to("2026-03-03T11:00[Europe/Berlin]");
    assert_eq!(deeds(world, incident)[2..], [(2, Deed::Empty), (3, Deed::Told)]);
    assert_eq!(world.post()[2..], ["escalated ann@example.com", "escalated desk@vendor.example"]);
    // Our own side reads what was skipped before, the vendor does not.
    let skipped: Vec<_> = world.letters().into_iter().map(|letter| match letter.facts {
        LetterFacts::Incident(facts) => facts.skipped_steps,
        other => panic!("{other:?}"),
    }).collect();
    assert_eq!(skipped, [vec![], vec![Trigger::Percent { percent: 50 }], vec![Trigger::AtDue], vec![]]);
} }

on_both! { fn what_a_ladder_names_is_retired_before_it_is_removed(world) {
    let (duty, _) = follows_the_sun(world);
    let crew = team(world, json!({"name": "wan", "members": ["max@example.com"]}));
    let contract = world.signs("NW-2026", round_the_clock(world, at_due(json!(["on_duty:network", "team:wan", "owner"]))));
    let used = world.store.write(Actor::Operator, move |tx| actions::team::remove(tx, crew.id)).unwrap_err();
    assert!(used.to_string().contains("contract NW-2026"), "{used}");
    let rota_id = duty.id;
    let used = world.store.write(Actor::Operator, move |tx| actions::rota::remove(tx, rota_id)).unwrap_err();
    assert!(used.to_string().contains("retire it"), "{used}");
    let before = crew.clone();
    world.store.write(Actor::Operator, move |tx| {
        let edit = json!({"members": ["max@example.com"], "active": false});
        actions::team::edit(tx, &before, 1, &TeamInput::read_edit(&edit, &before)?)?;
        let entries = json!([{"person": "mei@example.com", "calendar_id": 2}]);
        let edit = json!({"entries": entries, "fallback": "ann@example.com", "active": false});
        actions::rota::edit(tx, &duty, 1, &RotaInput::read_edit(&edit, &duty)?)
    }).unwrap();
    assert_eq!(warnings(world, contract), ["the rota network is retired", "the team wan is retired"]);
    assert_eq!(told(world, contract, "2026-03-03T10:00[Europe/Berlin]", "2026-03-03T11:00[Europe/Berlin]"),
        ["owner@example.com"]);
    // Once nothing names it any more it can go.
    let mut terms = round_the_clock_again(world);
    terms["ladder"] = at_due(json!(["owner"]));
    world.store.write(Actor::Operator, move |tx| {
        actions::contract::amend(tx, contract, &terms, redress::domain::words::Source::Api)?;
        actions::team::remove(tx, crew.id)?;
        actions::rota::remove(tx, rota_id)
    }).unwrap();
    assert_eq!(warnings(world, contract), [""; 0]);
} }

/// Terms from today on in the calendars there are.
fn round_the_clock_again(world: &World) -> Value {
    let mut terms = world.usual_terms();
    terms["effective_from"] = json!("2026-03-03");
    terms
}

on_both! { fn a_name_that_there_is_not_is_refused_where_it_stands(world) {
    let mut terms = world.usual_terms();
    terms["ladder"][1]["to"] = json!(["owner", "team:night", "on_duty:network"]);
    let contract = json!({"vendor_id": world.vendor, "reference": "NW-2026", "title": "WAN",
        "owner": "owner@example.com", "effective_from": "2026-01-01", "terms": terms.clone()});
    let refused = world.store.write(Actor::Operator, move |tx| actions::contract::enter(tx, &contract)).unwrap_err();
    let faults = fields(refused);
    assert_eq!(faults[0].0, "terms.ladder[1].to[1]");
    assert!(faults[0].1.starts_with("there is no team night; enter it first"), "{faults:?}");
    assert_eq!(faults[1].0, "terms.ladder[1].to[2]");
    assert!(faults[1].1.starts_with("there is no rota network; enter it first"), "{faults:?}");
    let preview = world.store.read(|conn| {
        actions::contract::preview(conn, Some(world.vendor), &terms, world.hand.now())
    }).unwrap();
    assert_eq!(preview.errors[0].field, "ladder[1].to[1]");

    let contract = world.signs("NW-2026", world.usual_terms());
    let window = json!({"name": "Go-live", "starts_at": "2026-03-03T00:00:00Z", "ends_at": "2026-03-10T00:00:00Z",
        "command_post": ["role:manager", "team:night"]});
    let asked = window.clone();
    let refused = world.store.write(Actor::Operator, move |tx| actions::go_live::enter(tx, contract, &asked)).unwrap_err();
    assert_eq!(fields(refused)[0].0, "command_post[1]");
    let crew = team(world, json!({"name": "night", "members": ["max@example.com"]}));
    world.store.write(Actor::Operator, move |tx| actions::go_live::enter(tx, contract, &window)).unwrap();
    let used = world.store.write(Actor::Operator, move |tx| actions::team::remove(tx, crew.id)).unwrap_err();
    assert!(used.to_string().contains("contract NW-2026"), "a window that is not over: {used}");

    let nobody = TeamInput::read(&json!({"name": "wan", "members": ["max@example.com", "x@example.com"]})).unwrap();
    let refused = world.store.write(Actor::Operator, move |tx| actions::team::enter(tx, &nobody)).unwrap_err();
    assert_eq!(fields(refused)[0].0, "members[1]");
    let nobody = RotaInput::read(&json!({"name": "network", "fallback": "y@example.com",
        "entries": [{"person": "x@example.com", "calendar_id": 77}]})).unwrap();
    let refused = world.store.write(Actor::Operator, move |tx| actions::rota::enter(tx, &nobody)).unwrap_err();
    let places: Vec<String> = fields(refused).into_iter().map(|(field, _)| field).collect();
    assert_eq!(places, ["entries[0].calendar_id", "entries[0].person", "fallback"]);
} }

on_both! { fn hours_that_are_edited_change_who_is_on_duty(world) {
    let (duty, _) = follows_the_sun(world);
    let noon = crate::world::at("2026-03-06T12:00[Europe/Berlin]");
    let on_duty = |world: &World| {
        let duty = duty.clone();
        let roster = world.store.read(|conn| store::rota::roster(conn, duty)).unwrap();
        roster.on_duty(noon).unwrap().name.clone()
    };
    assert_eq!(on_duty(world), "Uwe");
    let calendar = world.store.read(|conn| store::calendar::named(conn, "Berlin")).unwrap().unwrap();
    let day = json!([["09:00", "17:00"]]);
    let edit = json!({"name": "Berlin", "time_zone": "Europe/Berlin",
        "week": {"mon": day, "tue": day, "wed": day, "thu": day, "fri": day},
        "exceptions": [{"date": "2026-03-06", "name": "Outing", "windows": []}]});
    world.store.write(Actor::Operator, move |tx| {
        let input = redress::domain::calendar_entry::CalendarInput::read_edit(&edit)?;
        actions::calendar::edit(tx, calendar.id, calendar.revision, &input)
    }).unwrap();
    assert_eq!(on_duty(world), "Ann", "the fallback");
} }
