use serde_json::json;

use super::*;
use crate::domain::calendar::{Hours, Layer, Week};
use crate::domain::locale::Locale;
use crate::domain::person::Role;
use crate::time::{DAY, HOUR};

fn person(number: i64, active: bool) -> Person {
    Person {
        id: PersonId(number),
        email: format!("p{number}@example.com"),
        name: format!("P{number}"),
        role: Role::Engineer,
        time_zone: crate::domain::zone::Zone::UTC,
        locale: Locale::En,
        password_hash: None,
        active,
        created_at: Moment::default(),
        version: 1,
    }
}

fn turn(number: i64, zone: &str, week: Value) -> Turn {
    let week: Week = serde_json::from_value(week).unwrap();
    let hours = Hours {
        time_zone: zone.parse().unwrap(),
        week,
        exceptions: Vec::new(),
    };
    Turn {
        person: person(number, true),
        is_refused: false,
        calendar_id: CalendarId(number),
        hours: Arc::new(Calendar::new(zone, vec![Layer { from: None, hours }])),
    }
}

fn all_days(windows: Value) -> Value {
    json!({"mon": windows, "tue": windows, "wed": windows, "thu": windows, "fri": windows,
           "sat": windows, "sun": windows})
}

fn working_days(windows: Value) -> Value {
    json!({"mon": windows, "tue": windows, "wed": windows, "thu": windows, "fri": windows})
}

fn roster(turns: Vec<Turn>) -> Roster {
    Roster {
        rota: Rota {
            id: RotaId(1),
            name: "network".parse().unwrap(),
            fallback_id: PersonId(9),
            active: true,
            created_at: Moment::default(),
            version: 1,
        },
        turns,
        fallback: person(9, true),
    }
}

fn at(text: &str) -> Moment {
    Moment::parse(text).unwrap()
}

/// Shanghai, Berlin and New York, 09:00 to 17:00 on working days.
fn follow_the_sun() -> Roster {
    let day = || working_days(json!([["09:00", "17:00"]]));
    roster(vec![
        turn(1, "Asia/Shanghai", day()),
        turn(2, "Europe/Berlin", day()),
        turn(3, "America/New_York", day()),
    ])
}

#[test]
fn the_sun_is_followed_and_the_fallback_gets_the_rest() {
    let roster = follow_the_sun();
    for (moment, duty) in [
        ("2026-11-24T01:00:00Z", Duty::Turn(0)),
        ("2026-11-24T08:59:59.999999Z", Duty::Turn(0)),
        // A closing is not in hours any more; Berlin has been in hours since 08:00.
        ("2026-11-24T09:00:00Z", Duty::Turn(1)),
        ("2026-11-24T15:00:00Z", Duty::Turn(1)),
        ("2026-11-24T16:00:00Z", Duty::Turn(2)),
        ("2026-11-24T21:59:59Z", Duty::Turn(2)),
        ("2026-11-24T22:00:00Z", Duty::Fallback),
        ("2026-11-25T00:59:59Z", Duty::Fallback),
        ("2026-11-28T10:00:00Z", Duty::Fallback),
    ] {
        assert_eq!(roster.duty_at(at(moment)), duty, "{moment}");
    }
}

#[test]
fn of_two_in_hours_the_first_is_on_duty() {
    let roster = follow_the_sun();
    let both = at("2026-11-24T08:30:00Z");
    assert_eq!(roster.duty_at(both), Duty::Turn(0));
    let mut swapped = roster.clone();
    swapped.turns.swap(0, 1);
    assert_eq!(swapped.on_duty(both).unwrap().name, "P2");
}

#[test]
fn hours_keep_to_the_wall_clock_when_the_clocks_change() {
    let roster = follow_the_sun();
    // Berlin opens at 08:00 UTC in winter and at 07:00 UTC in summer.
    assert_eq!(roster.duty_at(at("2026-03-27T16:00:01Z")), Duty::Turn(2));
    let berlin = Roster {
        turns: vec![roster.turns[1].clone()],
        ..roster
    };
    assert_eq!(berlin.duty_at(at("2026-03-27T07:30:00Z")), Duty::Fallback);
    assert_eq!(berlin.duty_at(at("2026-03-30T07:30:00Z")), Duty::Turn(0));
}

#[test]
fn a_night_that_changes_its_clocks_is_covered_whole() {
    let night = all_days(json!([["22:00", "06:00"]]));
    let roster = roster(vec![turn(1, "Europe/Berlin", night)]);
    // The night in which clocks go back has nine hours.
    let from = at("2026-10-24T12:00:00Z");
    let shifts = roster.shifts(from, from + DAY);
    let told: Vec<_> = shifts.iter().map(|shift| shift.duty).collect();
    assert_eq!(told, [Duty::Fallback, Duty::Turn(0), Duty::Fallback]);
    assert_eq!(shifts[1].to - shifts[1].from, 9 * HOUR);
    // It belongs to the evening on which it began: Friday's night reaches into Saturday.
    let friday = json!({"fri": [["22:00", "06:00"]]});
    let roster = self::roster(vec![turn(1, "Europe/Berlin", friday)]);
    assert_eq!(roster.duty_at(at("2026-11-28T04:59:59Z")), Duty::Turn(0));
    assert_eq!(roster.duty_at(at("2026-11-28T05:00:00Z")), Duty::Fallback);
    assert_eq!(roster.duty_at(at("2026-11-27T04:00:00Z")), Duty::Fallback);
}

#[test]
fn who_is_gone_or_cannot_be_written_to_is_passed_over() {
    let morning = at("2026-11-24T08:30:00Z");
    let mut roster = follow_the_sun();
    roster.turns[0].person.active = false;
    assert_eq!(roster.duty_at(morning), Duty::Turn(1));
    roster.turns[1].is_refused = true;
    assert_eq!(roster.duty_at(morning), Duty::Fallback);
    assert_eq!(roster.on_duty(morning).unwrap().name, "P9");
    roster.fallback.active = false;
    assert_eq!(roster.duty_at(morning), Duty::Nobody);
    assert!(roster.on_duty(morning).is_none());
    let mut retired = follow_the_sun();
    retired.rota.active = false;
    assert_eq!(retired.duty_at(morning), Duty::Nobody);
}

#[test]
fn shifts_follow_each_other_without_gaps_and_agree_with_each_moment() {
    let roster = follow_the_sun();
    let (from, to) = (at("2026-03-23T00:00:00Z"), at("2026-04-02T00:00:00Z"));
    let shifts = roster.shifts(from, to);
    assert_eq!(shifts.first().unwrap().from, from);
    assert_eq!(shifts.last().unwrap().to, to);
    for pair in shifts.windows(2) {
        assert_eq!(pair[0].to, pair[1].from);
        assert_ne!(pair[0].duty, pair[1].duty);
    }
    let mut moment = from;
    while moment < to {
        let shift = shifts
            .iter()
            .find(|shift| shift.from <= moment && moment < shift.to)
            .unwrap();
        assert_eq!(shift.duty, roster.duty_at(moment), "{moment}");
        moment = moment + HOUR / 4;
    }
    let nobody = Roster {
        turns: Vec::new(),
        ..roster
    };
    let all = nobody.shifts(from, to);
    assert_eq!(
        all,
        [Shift {
            from,
            to,
            duty: Duty::Fallback
        }]
    );
}

#[test]
fn each_wrong_field_is_named_with_the_way_out() {
    let good = json!({"name": "network", "fallback": "Ann@Example.com",
        "entries": [{"person": "mei@example.com", "calendar_id": 1}]});
    let read = RotaInput::read(&good).unwrap();
    assert_eq!(
        (read.fallback.as_str(), read.active),
        ("ann@example.com", true)
    );
    for (place, wrong, field, way_out) in [
        ("/name", json!("Net work"), "name", "a to z"),
        ("/fallback", json!(null), "fallback", "missing"),
        ("/entries", json!([]), "entries", "at least one"),
        (
            "/entries/0/person",
            json!(null),
            "entries[0].person",
            "missing",
        ),
        (
            "/entries/0/calendar_id",
            json!("x"),
            "entries[0].calendar_id",
            "whole number",
        ),
        (
            "/entries/0",
            json!({"person": "a@b.de", "calendar_id": 1, "hours": 1}),
            "entries[0].hours",
            "",
        ),
    ] {
        let mut value = good.clone();
        *value.pointer_mut(place).unwrap() = wrong;
        let faults = RotaInput::read(&value).unwrap_err();
        assert_eq!(faults.len(), 1, "{place}: {faults:?}");
        assert_eq!(faults[0].field, field);
        assert!(faults[0].message.contains(way_out), "{faults:?}");
    }
    let twice = json!({"person": "MEI@example.com", "calendar_id": 1});
    let mut value = good;
    value["entries"].as_array_mut().unwrap().push(twice);
    assert_eq!(
        RotaInput::read(&value).unwrap_err()[0].field,
        "entries[1].person"
    );
}
