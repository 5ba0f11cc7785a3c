//! What went wrong elsewhere, told again here: each story is named after the issue it comes from.

use redress::actions;
use redress::domain::ContractId;
use redress::domain::calendar_entry::CalendarInput;
use redress::domain::letter::LetterKind;
use redress::domain::words::{ClockState, EventKind, Metric};
use redress::mail::templates::Templates;
use redress::store::{self, Actor};
use redress::time::{HOUR, MINUTE};
use serde_json::{Value, json};

use crate::on_both;
use crate::world::{World, at, enter_calendar};

/// Terms of one commitment, `restore` for S1, with that ladder.
fn restores(world: &World, calendar: Value, target: &str, ladder: Value) -> ContractId {
    let mut terms = world.usual_terms();
    terms["commitments"] = json!([{"clause": "5.3", "metric": "restore", "severity": "S1",
        "calendar_id": calendar, "target": {"open_time": target}}]);
    terms["ladder"] = ladder;
    world.signs("NW-2026", terms)
}

fn due(world: &World, incident: redress::domain::IncidentId) -> Option<redress::time::Moment> {
    world.clock(incident, Metric::Restore).due_at
}

// Created paused, the clock ran all the same.
on_both! { fn alga_3091_created_paused_nothing_is_used_up(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    world.says(incident, json!({"kind": "paused", "stop": "ACCESS"}));
    let restore = world.clock(incident, Metric::Restore);
    assert_eq!((restore.state, restore.due_at), (ClockState::Paused, None));
    world.says(incident, json!({"kind": "responded"}));
    world.passes_to("2026-03-03T14:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "resumed"}));
    assert_eq!(due(world, incident), Some(at("2026-03-03T18:00[Europe/Berlin]")));
    assert!(world.breaches(incident).is_empty());
} }

// Paused when its priority changed and closed from there, the ticket had waited for nothing.
on_both! { fn glpi_10594_paused_raised_and_repaired_without_going_on_keeps_the_wait(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S2");
    world.says(incident, json!({"kind": "responded"}));
    world.passes_to("2026-03-02T11:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "paused", "stop": "ACCESS"}));
    world.passes_to("2026-03-02T17:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "severity_changed", "severity": "S1"}));
    world.passes_to("2026-03-04T12:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "resolved"}));
    let restore = world.clock(incident, Metric::Restore);
    assert_eq!(restore.state, ClockState::Met);
    let outcome = world.store.read(|conn| store::clock::outcomes_of(conn, restore.id)).unwrap().remove(0);
    assert_eq!((outcome.budget, outcome.spent), (4 * HOUR, HOUR), "only what was open before the pause");
    assert!(world.breaches(incident).is_empty());
} }

// The time ran out although the ticket was waiting.
on_both! { fn glpi_24481_nothing_runs_out_while_it_waits(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    world.says(incident, json!({"kind": "responded"}));
    world.passes_to("2026-03-02T14:59:59[Europe/Berlin]");
    let told = world.post();
    world.says(incident, json!({"kind": "paused", "stop": "ACCESS"}));
    world.passes_to("2026-03-20T10:00[Europe/Berlin]");
    let waits = world.clock(incident, Metric::Restore);
    assert_eq!((waits.state, waits.due_at, waits.breached_at), (ClockState::Paused, None, None));
    assert_eq!((world.breaches(incident).len(), world.post()), (0, told));
    world.says(incident, json!({"kind": "resumed"}));
    let last = at("2026-03-20T10:00:01[Europe/Berlin]");
    assert_eq!(due(world, incident), Some(last), "the second that was left");
    world.passes_to("2026-03-20T10:01[Europe/Berlin]");
    assert_eq!(world.breaches(incident)[0].due_at, last);
} }

// Time on hold was thrown away when the priority changed.
on_both! { fn frappe_3776_a_raised_severity_keeps_the_pause_and_the_time_used(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S2");
    world.says(incident, json!({"kind": "responded"}));
    world.passes_to("2026-03-02T11:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "paused", "stop": "ACCESS"}));
    world.passes_to("2026-03-02T11:30[Europe/Berlin]");
    world.says(incident, json!({"kind": "severity_changed", "severity": "S1"}));
    assert_eq!(world.clock(incident, Metric::Restore).state, ClockState::Paused);
    world.passes_to("2026-03-02T15:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "resumed"}));
    // One of four hours was used before the pause.
    assert_eq!(due(world, incident), Some(at("2026-03-02T18:00[Europe/Berlin]")));
} }

// Waiting for the customer counted against the desk.
on_both! { fn osticket_3034_each_wait_for_us_is_left_out(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    world.says(incident, json!({"kind": "responded"}));
    for (from, to) in [("10:30", "11:00"), ("11:30", "12:00")] {
        world.passes_to(&format!("2026-03-02T{from}[Europe/Berlin]"));
        world.says(incident, json!({"kind": "paused", "stop": "ACCESS"}));
        world.passes_to(&format!("2026-03-02T{to}[Europe/Berlin]"));
        world.says(incident, json!({"kind": "resumed"}));
    }
    assert_eq!(due(world, incident), Some(at("2026-03-02T16:00[Europe/Berlin]")));
} }

// Pausing wiped the breach away.
on_both! { fn zammad_a_pause_does_not_clear_a_breach(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    world.says(incident, json!({"kind": "responded"}));
    world.passes_to("2026-03-02T15:30[Europe/Berlin]");
    world.says(incident, json!({"kind": "paused", "stop": "ACCESS"}));
    world.passes_to("2026-03-02T17:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "resolved"}));
    assert_eq!(world.breaches(incident).len(), 1);
    let restore = world.clock(incident, Metric::Restore);
    assert_eq!((restore.state, restore.breached_at), (ClockState::Missed, Some(at("2026-03-02T15:00[Europe/Berlin]"))));
} }

// On a calendar with a lunch break, what was to come before the deadline came at midnight.
on_both! { fn glpi_22678_a_warning_steps_back_over_the_lunch_break(world) {
    let contract = restores(world, json!(world.office), "PT4H",
        json!([{"when": {"before_due": "PT3H"}, "to": ["reporter"], "by": ["email"]}]));
    let incident = world.raises(contract, "S1");
    assert_eq!(due(world, incident), Some(at("2026-03-02T15:00[Europe/Berlin]")));
    world.passes_to("2026-03-02T10:59:59[Europe/Berlin]");
    assert_eq!(world.post().len(), 1);
    world.passes_to("2026-03-02T11:00[Europe/Berlin]");
    assert_eq!(world.post()[1..], ["warned ann@example.com"]);
    let steps = world.steps(incident);
    assert_eq!(steps[0].planned_at, at("2026-03-02T11:00[Europe/Berlin]"));
} }

// A deadline far ahead was looked for day by day, with a question to the database for each holiday, up to 2038.
on_both! { fn glpi_8129_a_far_deadline_is_found_past_2038_and_an_endless_search_ends(world) {
    let weekly = enter_calendar(&world.store, json!({"name": "A minute a week", "time_zone": "Europe/Berlin",
        "week": {"mon": [["09:00", "09:01"]]}, "exceptions": [{"date": "2037-12-28", "name": "Between the years", "windows": []}]}));
    let contract = restores(world, json!(weekly), "PT8H", json!([]));
    world.stands_at("2029-01-08T10:00[Europe/Berlin]");
    let incident = world.raises(contract, "S1");
    // 480 Mondays, without the one that is closed.
    assert_eq!(due(world, incident), Some(at("2038-03-29T09:01[Europe/Berlin]")));

    let mut terms = world.usual_terms();
    terms["commitments"] = json!([{"clause": "5.3", "metric": "restore", "severity": "S1",
        "calendar_id": weekly, "target": {"open_time": "PT10H"}}]);
    let endless = json!({"vendor_id": world.vendor, "reference": "NW-2027", "title": "Spare parts", "owner": "owner@example.com",
        "time_zone": "Europe/Berlin", "effective_from": "2026-01-01", "terms": terms});
    let refused = world.store.write(Actor::Operator, move |tx| actions::contract::enter(tx, &endless)).unwrap_err();
    assert!(refused.to_string().contains("calendar \"A minute a week\" has too little open time"), "{refused}");
} }

// A feed of holidays closed days that nobody observes: four days became six, and nobody saw why.
on_both! { fn zammad_390_the_letter_names_each_holiday_and_one_can_be_struck_out(world) {
    let day = json!([["09:00", "21:00"]]);
    let mut hours = json!({"name": "Every day", "time_zone": "Europe/Berlin",
        "week": {"mon": day, "tue": day, "wed": day, "thu": day, "fri": day, "sat": day, "sun": day}});
    let daily = enter_calendar(&world.store, hours.clone());
    let feed = ["20260304", "20260307"].iter().zip(["St Martin", "Remembrance Sunday"]).map(|(date, name)|
        format!("BEGIN:VEVENT\r\nUID:{date}\r\nDTSTAMP:20260101T000000Z\r\nDTSTART;VALUE=DATE:{date}\r\nSUMMARY:{name}\r\nEND:VEVENT\r\n"));
    let feed = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//feed//EN\r\n{}END:VCALENDAR\r\n", feed.collect::<String>());
    let imported = world.store.write(Actor::Operator, move |tx| actions::calendar::import_holidays(tx, daily, &feed)).unwrap();
    assert_eq!(imported.added.len(), 2);

    let contract = restores(world, json!(daily), "PT48H", json!([{"when": {"at_due": true}, "to": ["owner"], "by": ["email"]}]));
    world.stands_at("2026-03-02T23:00[Europe/Berlin]");
    let (six_days, four_days) = (world.raises(contract, "S1"), world.raises(contract, "S1"));
    world.says(six_days, json!({"kind": "responded"}));
    assert_eq!(due(world, six_days), Some(at("2026-03-08T21:00[Europe/Berlin]")));
    let told = |incident: redress::domain::IncidentId| {
        let letters = world.letters();
        let letter = letters.iter().find(|letter| letter.incident_id == Some(incident) && letter.kind == LetterKind::Breached);
        let letter = letter.expect("a letter");
        let now = world.hand.now();
        Templates::default().render(&letter.facts, &letter.recipient(), "https://redress.example.com", now).unwrap().text
    };
    // Remembrance Sunday is worked; who strikes it out sees the deadline move.
    world.passes_to("2026-03-03T10:00[Europe/Berlin]");
    hours["exceptions"] = json!([{"date": "2026-03-04", "name": "St Martin", "windows": []}]);
    let struck_out = CalendarInput::read_edit(&hours).unwrap();
    world.store.write(Actor::Operator, move |tx| actions::calendar::edit(tx, daily, 2, &struck_out)).unwrap();
    world.passes_to("2026-03-03T10:00[Europe/Berlin]");
    let moved = at("2026-03-07T21:00[Europe/Berlin]");
    for incident in [six_days, four_days] {
        assert_eq!(due(world, incident), Some(moved));
        assert!(world.events(incident).iter().any(|event| event.kind == EventKind::DeadlineMoved && event.fields.due_after == Some(moved)));
    }
    world.passes_to("2026-03-07T21:00[Europe/Berlin]");
    let why = told(four_days);
    assert!(why.contains("Wed 4 Mar") && why.contains("St Martin") && !why.contains("Remembrance"), "{why}");
} }

// Windows kept in UTC moved by an hour when the clocks did.
on_both! { fn oncall_3261_office_hours_stay_office_hours_when_the_clocks_change(world) {
    let contract = restores(world, json!(world.office), "PT8H", json!([]));
    world.stands_at("2026-03-27T16:00[Europe/Berlin]");
    let incident = world.raises(contract, "S1");
    // Two hours on Friday; on Monday, in summer time, six more with lunch between.
    assert_eq!(due(world, incident), Some(at("2026-03-30T16:00[Europe/Berlin]")));
    world.stands_at("2026-03-30T16:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "resolved"}));
    assert_eq!(world.clock(incident, Metric::Restore).state, ClockState::Met);
} }

// Last month was counted with the offset of today.
on_both! { fn dbt_zendesk_25_what_is_entered_in_summer_is_counted_by_the_clocks_of_its_winter(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    world.stands_at("2026-07-15T10:00[Europe/Berlin]");
    let late = |body: Value| {
        let mut body = body;
        body["reason"] = json!("entered from the paper log");
        body
    };
    let incident = world.raises_as(late(json!({"contract_id": contract, "severity": "S1", "title": "Frankfurt is cut off",
        "reported_at": at("2026-02-20T16:00[Europe/Berlin]")}))).unwrap().id;
    world.says(incident, late(json!({"kind": "responded", "occurred_at": at("2026-02-20T17:00[Europe/Berlin]")})));
    world.says(incident, late(json!({"kind": "restored", "occurred_at": at("2026-02-23T11:15[Europe/Berlin]")})));
    assert_eq!(world.clock(incident, Metric::Respond).state, ClockState::Met);
    // Two hours until the office closes at 18:00 on Friday, and two from 09:00 on Monday, by the clocks of February.
    let breach = world.breaches(incident).remove(0);
    assert_eq!(breach.due_at, at("2026-02-23T11:00[Europe/Berlin]"));
    let restore = world.clock(incident, Metric::Restore);
    let outcome = world.store.read(|conn| store::clock::outcomes_of(conn, restore.id)).unwrap().remove(0);
    assert_eq!((outcome.spent, outcome.late_open), (4 * HOUR + 15 * MINUTE, Some(15 * MINUTE)));
} }

// A day could not end at 24:00, so every midnight cost a minute.
on_both! { fn zammad_3180_no_minute_is_lost_at_midnight(world) {
    let day = json!([["00:00", "24:00"]]);
    let always = enter_calendar(&world.store, json!({"name": "Always", "time_zone": "Europe/Berlin",
        "week": {"mon": day, "tue": day, "wed": day, "thu": day, "fri": day, "sat": day, "sun": day}}));
    let contract = restores(world, json!(always), "PT72H", json!([]));
    let incident = world.raises(contract, "S1");
    assert_eq!(due(world, incident), Some(at("2026-03-05T10:00[Europe/Berlin]")));
    world.passes_to("2026-03-05T10:00[Europe/Berlin]");
    assert_eq!(world.breaches(incident)[0].due_at, at("2026-03-05T10:00[Europe/Berlin]"));
} }

// A working day had to begin before it ends.
on_both! { fn frappe_a_night_shift_belongs_to_the_evening_it_begins(world) {
    let night = json!([["22:00", "06:00"]]);
    let nights = enter_calendar(&world.store, json!({"name": "Nights", "time_zone": "Europe/Berlin",
        "week": {"mon": night, "tue": night, "wed": night, "thu": night, "fri": night}}));
    let contract = restores(world, json!(nights), "PT8H", json!([]));
    world.stands_at("2026-03-06T23:00[Europe/Berlin]");
    let incident = world.raises(contract, "S1");
    // Friday's shift ends on Saturday at six; the last hour is Monday's first.
    assert_eq!(due(world, incident), Some(at("2026-03-09T23:00[Europe/Berlin]")));
    world.stands_at("2026-03-07T05:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "restored"}));
} }

// Nearly all of the time used counted as too late; a second too late counted as in time.
on_both! { fn servicenow_the_last_microsecond_decides(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let (early, late) = (world.raises(contract, "S1"), world.raises(contract, "S1"));
    let due = at("2026-03-02T11:00[Europe/Berlin]");
    world.passes_to_moment(redress::time::Moment::from_micros(due.micros() - 1));
    world.says(early, json!({"kind": "responded"}));
    world.hand.set(redress::time::Moment::from_micros(due.micros() + 1));
    world.says(late, json!({"kind": "responded"}));
    assert_eq!(world.clock(early, Metric::Respond).state, ClockState::Met);
    assert_eq!(world.clock(late, Metric::Respond).state, ClockState::Missed);
    assert_eq!((world.breaches(early).len(), world.breaches(late).len()), (0, 1));
} }

// Editing a calendar rewrote what had long been judged.
on_both! { fn freeitsm_a_calendar_edit_rewrites_no_outcome(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-02T12:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "responded"}));
    world.passes_to("2026-03-02T14:00[Europe/Berlin]");
    world.says(incident, json!({"kind": "resolved"}));
    let before = (world.outcomes(incident, Metric::Respond), world.outcomes(incident, Metric::Restore));
    assert_eq!(before, (vec!["1.1 missed".to_string()], vec!["1.1 met".to_string()]));
    let breach = world.breaches(incident).remove(0);
    world.passes_to("2026-03-03T10:00[Europe/Berlin]");
    world.closes_the_office_on("2026-03-02", "it was a holiday after all");
    world.passes_to("2026-03-04T10:00[Europe/Berlin]");
    assert_eq!((world.outcomes(incident, Metric::Respond), world.outcomes(incident, Metric::Restore)), before);
    let after = world.breaches(incident).remove(0);
    assert_eq!((after.id, after.due_at, after.calendar_revision), (breach.id, breach.due_at, breach.calendar_revision));
} }

// The guard against doubles was "not yet today", so that every midnight brought mail.
on_both! { fn zammad_4432_a_passed_deadline_is_told_once_not_every_midnight(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    world.stands_at("2026-03-06T17:00[Europe/Berlin]");
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-09T18:00[Europe/Berlin]");
    world.delivers();
    let told = world.outlet.letters().len();
    assert!(told > 5);
    world.passes_to("2026-03-31T18:00[Europe/Berlin]");
    world.delivers();
    assert_eq!(world.outlet.letters().len(), told);
    assert_eq!(world.breaches(incident).len(), 2);
} }

// Once past the deadline, hundreds of mails.
on_both! { fn glpi_1996_a_repeat_ends_where_the_ladder_says(world) {
    let contract = restores(world, json!(world.office), "PT1H",
        json!([{"when": {"at_due": true}, "to": ["owner"], "by": ["email"], "repeat": {"every": "PT5M", "times": 3}}]));
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-16T11:00[Europe/Berlin]");
    assert_eq!(world.post()[1..], ["breached owner@example.com"; 4]);
    let repeats: Vec<_> = world.steps(incident).iter().map(|step| step.repeat).collect();
    assert_eq!(repeats, [0, 1, 2, 3]);
} }

// After downtime a flood of what was long past.
on_both! { fn snooze_10_a_week_of_downtime_is_one_letter_for_each_clock_and_recipient(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    world.jumps_to("2026-03-09T10:00[Europe/Berlin]");
    let mut post: Vec<_> = world.letters().iter().skip(1).map(|letter| (letter.clock_id, letter.email.clone())).collect();
    assert_eq!(post.len(), 10, "{:?}", world.post());
    post.sort();
    post.dedup();
    assert_eq!(post.len(), 10, "{:?}", world.post());
    world.delivers();
    for letter in world.letters().iter().filter(|letter| letter.email == "max@example.com") {
        let text = letter.body_text.as_deref().expect("a letter that was sent");
        assert!(text.contains("late"), "{text}");
    }
    assert_eq!(world.breaches(incident).len(), 2);
} }

// One mail more, although somebody had taken it.
on_both! { fn oncall_4654_what_was_taken_is_not_told_again(world) {
    let contract = restores(world, json!(world.office), "PT1H", json!([
        {"when": {"at_due": true}, "to": ["owner"], "by": ["email"], "repeat": {"every": "PT10M", "times": 9}},
        {"when": {"after_due": "PT30M"}, "to": ["role:manager", "vendor:2"], "by": ["email"]}]));
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-02T11:15[Europe/Berlin]");
    world.says(incident, json!({"kind": "acknowledged"}));
    let before = world.post().len();
    world.passes_to("2026-03-02T12:15[Europe/Berlin]");
    // Our own side is spared; the vendor's ladder goes on.
    assert_eq!(world.post()[before..], ["escalated duty@vendor.example"]);
    world.says(incident, json!({"kind": "resolved"}));
} }

// Silent caps of 100, 1,000 or 2,000 for each run left the rest for ever.
on_both! { fn znuny_no_run_leaves_anything_behind(world) {
    let contract = restores(world, json!(world.office), "PT1H",
        json!([{"when": {"at_due": true}, "to": ["owner"], "by": ["email"]}]));
    let incidents: Vec<_> = (0..60).map(|_| world.raises(contract, "S1")).collect();
    let done = world.jumps_to("2026-03-02T11:00[Europe/Berlin]");
    assert_eq!((done.breached, done.letters), (60, 60));
    assert_eq!(world.delivers().sent, 120);
    assert!(incidents.iter().all(|incident| world.breaches(*incident).len() == 1));
} }
