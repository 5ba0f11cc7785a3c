//! Targets in business days.

use super::*;

#[test]
fn business_days_follow_the_rule_word_for_word() {
    let four = "16:00".parse::<DayEnd>().unwrap();
    let office = office("Europe/Berlin");
    // (start, days, at, start counted from, due); 2026-11-20 is a Friday.
    let table = [
        // Day 0 is the date of the start when it has open time left.
        (
            "2026-11-20T10:00:00+01:00",
            1,
            DayEnd::SameTime,
            "2026-11-20T10:00:00+01:00",
            "2026-11-23T10:00:00+01:00",
        ),
        (
            "2026-11-20T10:00:00+01:00",
            2,
            DayEnd::Close,
            "2026-11-20T10:00:00+01:00",
            "2026-11-24T17:00:00+01:00",
        ),
        (
            "2026-11-20T10:00:00+01:00",
            2,
            four,
            "2026-11-20T10:00:00+01:00",
            "2026-11-24T16:00:00+01:00",
        ),
        // Before the opening there is open time left; due as written, in closed time.
        (
            "2026-11-20T07:00:00+01:00",
            1,
            DayEnd::SameTime,
            "2026-11-20T07:00:00+01:00",
            "2026-11-23T07:00:00+01:00",
        ),
        // After the closing day 0 is the next business day, and the start moves to its opening.
        (
            "2026-11-20T17:00:00+01:00",
            1,
            DayEnd::SameTime,
            "2026-11-23T09:00:00+01:00",
            "2026-11-24T09:00:00+01:00",
        ),
        (
            "2026-11-21T12:00:00+01:00",
            1,
            DayEnd::Close,
            "2026-11-23T09:00:00+01:00",
            "2026-11-24T17:00:00+01:00",
        ),
        (
            "2026-11-21T12:00:00+01:00",
            0,
            DayEnd::SameTime,
            "2026-11-23T09:00:00+01:00",
            "2026-11-23T09:00:00+01:00",
        ),
        // No days to go: the end of day 0, or the time of it, or that of the next where it has passed.
        (
            "2026-11-20T10:00:00+01:00",
            0,
            DayEnd::Close,
            "2026-11-20T10:00:00+01:00",
            "2026-11-20T17:00:00+01:00",
        ),
        (
            "2026-11-20T10:00:00+01:00",
            0,
            four,
            "2026-11-20T10:00:00+01:00",
            "2026-11-20T16:00:00+01:00",
        ),
        (
            "2026-11-20T16:00:00+01:00",
            0,
            four,
            "2026-11-20T16:00:00+01:00",
            "2026-11-20T16:00:00+01:00",
        ),
        (
            "2026-11-20T16:30:00+01:00",
            0,
            four,
            "2026-11-20T16:30:00+01:00",
            "2026-11-23T16:00:00+01:00",
        ),
        // The clocks change on Sunday 2026-10-25.
        (
            "2026-10-23T10:00:00+02:00",
            1,
            DayEnd::SameTime,
            "2026-10-23T10:00:00+02:00",
            "2026-10-26T10:00:00+01:00",
        ),
    ];
    for (start, days, end, counted, due) in table {
        let expected = BusinessDue {
            start: at(counted),
            due: at(due),
        };
        assert_eq!(
            office.business_days(at(start), days, end),
            Ok(expected),
            "{start} {days} {end}"
        );
    }
}

#[test]
fn a_business_day_due_at_a_local_time_that_exists_twice_takes_the_second() {
    let desk = calendar("Europe/Berlin", every_day(json!([["00:00", "24:00"]])));
    let due = |start: &str, time: &str| {
        let end = time.parse::<DayEnd>().unwrap();
        desk.business_days(at(start), 1, end).unwrap().due
    };
    assert_eq!(
        due("2026-10-24T12:00:00+02:00", "02:30"),
        at("2026-10-25T02:30:00+01:00")
    );
    assert_eq!(
        due("2026-03-28T12:00:00+01:00", "02:30"),
        at("2026-03-29T03:30:00+02:00")
    );
}

#[test]
fn holidays_and_skipped_dates_are_no_business_days() {
    let desk = calendar_with(
        "Pacific/Apia",
        every_day(json!([["09:00", "17:00"]])),
        json!([{"date": "2011-12-31", "name": "Closed"}]),
    );
    let due = desk
        .business_days(at("2011-12-29T10:00:00-10:00"), 1, DayEnd::Close)
        .unwrap();
    assert_eq!(due.due, at("2012-01-01T17:00:00+14:00"));
}

#[test]
fn the_tail_of_a_night_is_no_business_day_of_its_own() {
    let night = calendar(
        "UTC",
        json!({"mon": [["22:00", "06:00"]], "wed": [["22:00", "06:00"]]}),
    );
    // Tuesday 03:00 lies in Monday's window; no window opens on a Tuesday.
    let due = night
        .business_days(at("2026-11-24T03:00:00Z"), 0, DayEnd::Close)
        .unwrap();
    assert_eq!(due.start, at("2026-11-25T22:00:00Z"));
    assert_eq!(due.due, at("2026-11-26T06:00:00Z"));
}
