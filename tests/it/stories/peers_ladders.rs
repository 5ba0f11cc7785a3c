//! Calendars and ladders that went wrong elsewhere: windows that cannot be said, escalations that were
//! lost or came when nobody needed them any more, and nobody knew beforehand.

use redress::domain::IncidentId;
use redress::domain::ladder::Deed;
use redress::domain::letter::LetterState;
use redress::domain::words::{ClockState, Metric};
use redress::store;
use serde_json::{Value, json};

use crate::on_both;
use crate::world::{World, at, enter_calendar};

/// Terms of one commitment, `restore` for S1, with that ladder.
fn restores(world: &World, calendar: Value, target: &str, ladder: Value) -> Value {
    let mut terms = world.usual_terms();
    terms["commitments"] = json!([{"clause": "5.3", "metric": "restore", "severity": "S1",
        "calendar_id": calendar, "target": {"open_time": target}}]);
    terms["ladder"] = ladder;
    terms
}

fn due(world: &World, incident: IncidentId) -> Option<redress::time::Moment> {
    world.clock(incident, Metric::Restore).due_at
}

/// The steps taken, each with its moment and what became of it.
fn taken(world: &World, incident: IncidentId) -> Vec<(i32, redress::time::Moment, Deed)> {
    let steps = world.steps(incident).into_iter();
    steps
        .map(|step| (step.step, step.planned_at, step.deed))
        .collect()
}

// A shift was kept in UTC and a day was 24 hours: after the change of the clocks it began an hour early.
on_both! { fn oncall_5512_a_shift_begins_by_the_wall_clock_and_the_long_night_has_its_hour(world) {
    let day = json!([["09:00", "17:00"]]);
    let desk = enter_calendar(&world.store, json!({"name": "New York", "time_zone": "America/New_York",
        "week": {"mon": day, "tue": day, "wed": day, "thu": day, "fri": day}}));
    let night = json!([["22:00", "06:00"]]);
    let watch = enter_calendar(&world.store, json!({"name": "Night watch", "time_zone": "America/New_York",
        "week": {"sat": night}}));
    let by_day = world.signs("NY-1", restores(world, json!(desk), "PT2H", json!([])));
    let by_night = world.signs("NY-2", restores(world, json!(watch), "PT9H", json!([])));
    world.stands_at("2026-10-30T16:00[America/New_York]");
    let (office, night) = (world.raises(by_day, "S1"), world.raises(by_night, "S1"));
    assert_eq!(due(world, office), Some(at("2026-11-02T10:00[America/New_York]")));
    assert_eq!(due(world, office).unwrap().to_string(), "2026-11-02T15:00:00Z", "not 14:00, as in summer");
    // From ten to six are nine hours in the night that has two o'clock twice.
    assert_eq!(due(world, night), Some(at("2026-11-01T06:00[America/New_York]")));
    world.passes_to("2026-11-02T10:00[America/New_York]");
    assert_eq!(world.breaches(office).len(), 1);
    assert_eq!(world.breaches(night).len(), 1);
} }

// A day had one window: lunch counted, and so did the gap between two shifts.
on_both! { fn chatwoot_14009_a_day_has_as_many_windows_as_it_has(world) {
    let day = json!([["07:30", "11:45"], ["12:15", "15:00"], ["19:00", "21:30"]]);
    let shifts = enter_calendar(&world.store, json!({"name": "Three shifts", "time_zone": "Europe/Berlin",
        "week": {"mon": day, "tue": [["07:30", "11:45"]]}}));
    let contract = world.signs("NW-2026", restores(world, json!(shifts), "PT7H", json!([])));
    let incident = world.raises(contract, "S1");
    // From ten: 1 h 45 min, 2 h 45 min, 2 h 30 min, which is all of them.
    assert_eq!(due(world, incident), Some(at("2026-03-02T21:30[Europe/Berlin]")));
    world.passes_to("2026-03-02T12:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "paused", "stop": "ACCESS"}));
    world.passes_to("2026-03-02T12:30[Europe/Berlin]");
    world.says(incident, json!({"kind": "resumed"}));
    // Of the half hour only what was open was held.
    assert_eq!(due(world, incident), Some(at("2026-03-03T07:45[Europe/Berlin]")));
} }

// After a step that waited, the rest of the chain never came.
on_both! { fn oncall_1206_after_a_wait_the_ladder_goes_on_where_it_stood(world) {
    let ladder = json!([
        {"when": {"percent": 50}, "to": ["vendor:1"], "by": ["email"], "hold": "recipient_hours"},
        {"when": {"percent": 75}, "to": ["reporter"], "by": ["email"]},
        {"when": {"at_due": true}, "to": ["owner"], "by": ["email"]},
        {"when": {"after_due": "PT1H"}, "to": ["role:manager"], "by": ["email"]}]);
    let contract = world.signs("NW-2026", restores(world, json!(world.office), "PT4H", ladder));
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-02T12:15[Europe/Berlin]");
    assert_eq!(taken(world, incident), [(0, at("2026-03-02T12:00[Europe/Berlin]"), Deed::Told)]);
    world.says(incident, json!({"kind": "paused", "stop": "ACCESS"}));
    world.passes_to("2026-03-12T09:00[Europe/Berlin]");
    assert_eq!(taken(world, incident).len(), 1, "nothing falls due while it waits");
    world.says(incident, json!({"kind": "resumed"}));
    // A quarter of an hour after half of it: 45 minutes to three quarters, another hour to the deadline.
    world.passes_to("2026-03-13T18:00[Europe/Berlin]");
    let later = [(1, "2026-03-12T09:45"), (2, "2026-03-12T10:45"), (3, "2026-03-12T11:45")];
    let later = later.map(|(step, moment)| (step, at(&format!("{moment}[Europe/Berlin]")), Deed::Told));
    assert_eq!(taken(world, incident)[1..], later);
    assert_eq!(world.post()[2..], ["warned ann@example.com", "breached owner@example.com", "escalated max@example.com"]);
} }

// Steps that could never be reached stood in the chain, and nothing said so.
on_both! { fn oncall_1326_what_a_ladder_cannot_do_is_said_before_an_incident_comes(world) {
    let ladder = json!([
        {"when": {"before_due": "PT5H"}, "to": ["owner"], "by": ["email"]},
        {"when": {"percent": 50}, "to": ["vendor:3", "person:gone@example.com"], "by": ["email"]},
        {"when": {"at_due": true}, "to": ["owner"], "by": ["email"], "metrics": ["resolve"]},
        {"when": {"after_due": "PT1H"}, "to": ["role:procurement", "owner"], "by": ["email"]}]);
    let terms = restores(world, json!(world.office), "PT4H", ladder);
    let contract = world.signs("NW-2026", terms);
    let said = world.store.read(|conn| {
        let vendor = store::contract::find(conn, contract)?.vendor_id;
        let version = store::terms::of_contract(conn, contract)?.remove(0);
        store::contract::warnings(conn, vendor, None, &version.promise)
    }).unwrap();
    let said: Vec<String> = said.iter().map(|warning| format!("{} {}", warning.step, warning.message)).collect();
    for (number, (step, words)) in [
        (1, "before the start of restore S1"), (2, "no contact on rung 3"), (2, "gone@example.com"),
        (2, "will be skipped"), (3, "never reached"), (4, "nobody of us has the role procurement"),
    ].into_iter().enumerate() {
        assert!(said[number].starts_with(&step.to_string()) && said[number].contains(words), "{said:#?}");
    }
    assert_eq!(said.len(), 6, "{said:#?}");
    // What was foretold is what comes: two steps skipped and recorded, the last one told at the deadline.
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-02T18:00[Europe/Berlin]");
    let deeds: Vec<_> = taken(world, incident).into_iter().map(|(step, _, deed)| (step, deed)).collect();
    assert_eq!(deeds, [(0, Deed::Early), (1, Deed::Empty), (3, Deed::Told)]);
} }

// A step with nobody on duty kept its delay all the same, and who was next heard of it too late.
on_both! { fn goalert_4548_a_step_with_nobody_costs_no_time(world) {
    let ladder = json!([
        {"when": {"at_due": true}, "to": ["vendor:3"], "by": ["email"]},
        {"when": {"after_due": "PT1H"}, "to": ["vendor:4"], "by": ["email"]},
        {"when": {"after_due": "PT2H"}, "to": ["owner"], "by": ["email"]},
        {"when": {"after_due": "PT3H"}, "to": ["role:manager"], "by": ["email"]}]);
    let contract = world.signs("NW-2026", restores(world, json!(world.office), "PT1H", ladder));
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-02T18:00[Europe/Berlin]");
    let deadline = at("2026-03-02T11:00[Europe/Berlin]");
    assert_eq!(taken(world, incident), [
        (0, deadline, Deed::Empty), (1, deadline, Deed::Empty), (2, deadline, Deed::Told),
        (3, at("2026-03-02T15:00[Europe/Berlin]"), Deed::Told)]);
    assert_eq!(world.letters()[1].planned_at, deadline);
    assert_eq!(world.post()[1..], ["escalated owner@example.com", "escalated max@example.com"]);
} }

// Somebody took it, and for months nobody thought of it again.
on_both! { fn goalert_1919_what_was_taken_and_forgotten_comes_back(world) {
    let ladder = json!([
        {"when": {"at_due": true}, "to": ["owner"], "by": ["email"]},
        {"when": {"after_due": "PT8H"}, "to": ["role:manager"], "by": ["email"]}]);
    let contract = world.signs("NW-2026", restores(world, json!(world.office), "PT1H", ladder));
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-02T11:05[Europe/Berlin]");
    world.says(incident, json!({"kind": "acknowledged"}));
    world.passes_to("2026-03-02T13:04:59[Europe/Berlin]");
    assert_eq!(world.post().len(), 2);
    world.passes_to("2026-03-02T13:05[Europe/Berlin]");
    assert_eq!(world.post()[2..], ["escalated owner@example.com"], "two hours later it is open still");
    world.passes_to("2026-05-29T18:00[Europe/Berlin]");
    assert_eq!(world.post()[3..], ["escalated max@example.com"], "and the next step goes to its audience");
    assert_eq!(world.letters()[3].planned_at, at("2026-03-03T11:00[Europe/Berlin]"));
} }

// Back after hours, it told of every problem that had been solved meanwhile.
on_both! { fn icinga2_5919_after_downtime_nothing_is_warned_of_that_is_over(world) {
    let ladder = json!([
        {"when": {"percent": 50}, "to": ["reporter"], "by": ["email"]},
        {"when": {"percent": 75}, "to": ["owner"], "by": ["email"]},
        {"when": {"at_due": true}, "to": ["role:manager"], "by": ["email"]}]);
    let contract = world.signs("NW-2026", restores(world, json!(world.office), "PT4H", ladder));
    let (solved, late) = (world.raises(contract, "S1"), world.raises(contract, "S1"));
    // The engine runs, but no mail leaves; then it sleeps too.
    world.passes_to("2026-03-02T12:00[Europe/Berlin]");
    assert_eq!(world.post()[2..], ["warned ann@example.com"; 2]);
    world.stands_at("2026-03-02T14:30[Europe/Berlin]");
    world.says(solved, json!({"kind": "restored"}));
    world.jumps_to("2026-03-02T17:00[Europe/Berlin]");
    world.delivers();
    assert_eq!(world.clock(solved, Metric::Restore).state, ClockState::Met);
    let left = |incident: IncidentId| -> Vec<String> {
        let letters = world.letters().into_iter();
        letters
            .filter(|letter| letter.incident_id == Some(incident) && letter.state == LetterState::Sent)
            .map(|letter| format!("{} {}", letter.kind, letter.email))
            .collect()
    };
    assert_eq!(left(solved), ["raised desk@vendor.example"], "what was restored in time is not warned of");
    let told = left(late);
    assert!(told.contains(&"breached max@example.com".to_string()), "{told:?}");
    assert_eq!(told.len(), 4, "one letter for each recipient: {told:?}");
    world.jumps_to("2026-03-02T17:01[Europe/Berlin]");
    world.delivers();
    assert_eq!(left(late), told);
    world.says(late, json!({"kind": "restored"}));
} }
