//! What went wrong elsewhere, told again here: each story is named after the issue it comes from.

use redress::domain::ContractId;
use redress::domain::words::{ClockState, Metric};
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
