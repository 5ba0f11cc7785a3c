//! The rules of calendars, one by one.

mod bounds;
mod business_days;

use chrono::NaiveDate;
use serde_json::json;

use super::*;
use crate::time::{HOUR, MINUTE};

fn at(text: &str) -> Moment {
    Moment::parse(text).unwrap()
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn hours(zone: &str, week: serde_json::Value, exceptions: serde_json::Value) -> Hours {
    let shape = json!({"time_zone": zone, "week": week, "exceptions": exceptions});
    serde_json::from_value(shape).unwrap()
}

fn layer(from: Option<&str>, hours: Hours) -> Layer {
    Layer {
        from: from.map(date),
        hours,
    }
}

fn calendar_with(zone: &str, week: serde_json::Value, exceptions: serde_json::Value) -> Calendar {
    Calendar::new("Desk", vec![layer(None, hours(zone, week, exceptions))])
}

fn calendar(zone: &str, week: serde_json::Value) -> Calendar {
    calendar_with(zone, week, json!([]))
}

fn every_day(windows: serde_json::Value) -> serde_json::Value {
    let days = DayName::ALL
        .iter()
        .map(|day| (day.to_string(), windows.clone()));
    serde_json::Value::Object(days.collect())
}

fn around_the_clock(zone: &str) -> Calendar {
    calendar(zone, every_day(json!([["00:00", "24:00"]])))
}

/// Monday to Friday, 09:00 to 17:00.
fn office(zone: &str) -> Calendar {
    let windows = [Window::parse("09:00", "17:00").unwrap()];
    let hours = Hours {
        time_zone: zone.parse().unwrap(),
        week: Week::working_days(&windows),
        exceptions: Vec::new(),
    };
    Calendar::new("Office", vec![layer(None, hours)])
}

#[test]
fn a_window_is_half_open() {
    let office = office("UTC");
    for (moment, open) in [
        ("2026-11-23T08:59:59.999999Z", false),
        ("2026-11-23T09:00:00Z", true),
        ("2026-11-23T16:59:59.999999Z", true),
        ("2026-11-23T17:00:00Z", false),
    ] {
        assert_eq!(office.is_open(at(moment)), Ok(open), "{moment}");
    }
}

#[test]
fn open_time_is_elapsed_time_and_the_day_of_autumn_has_25_hours() {
    let berlin = around_the_clock("Europe/Berlin");
    for (from, to, length) in [
        ("2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00", 25),
        ("2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00", 23),
        ("2026-11-23T00:00:00+01:00", "2026-11-24T00:00:00+01:00", 24),
    ] {
        assert_eq!(berlin.open_between(at(from), at(to)), Ok(length * HOUR));
    }
}

#[test]
fn a_wall_clock_time_in_a_gap_moves_forward_by_the_length_of_the_gap() {
    let opens_in_it = calendar("Europe/Berlin", json!({"sun": [["02:30", "06:00"]]}));
    assert_eq!(
        opens_in_it.next_opening(at("2026-03-29T00:00:00+01:00")),
        Ok(at("2026-03-29T03:30:00+02:00"))
    );
    let closes_in_it = calendar("Europe/Berlin", json!({"sun": [["01:00", "02:30"]]}));
    let day = (
        at("2026-03-29T00:00:00+01:00"),
        at("2026-03-30T00:00:00+02:00"),
    );
    assert_eq!(
        closes_in_it.spans(day.0, day.1).unwrap()[0].closes,
        at("2026-03-29T03:30:00+02:00")
    );
    // Half an hour is skipped on Lord Howe Island.
    let lord_howe = calendar("Australia/Lord_Howe", json!({"sun": [["02:15", "03:00"]]}));
    assert_eq!(
        lord_howe.next_opening(at("2026-10-04T00:00:00+10:30")),
        Ok(at("2026-10-04T02:45:00+11:00"))
    );
}

#[test]
fn of_a_time_that_exists_twice_an_opening_takes_the_first_and_a_closing_the_second() {
    let night = calendar("Europe/Berlin", json!({"sun": [["02:15", "02:45"]]}));
    let (from, to) = (
        at("2026-10-25T00:00:00+02:00"),
        at("2026-10-26T00:00:00+01:00"),
    );
    let spans = night.spans(from, to).unwrap();
    assert_eq!(
        spans,
        [Span {
            date: date("2026-10-25"),
            opens: at("2026-10-25T02:15:00+02:00"),
            closes: at("2026-10-25T02:45:00+01:00"),
        }]
    );
    assert_eq!(night.open_between(from, to), Ok(90 * MINUTE));
}

#[test]
fn windows_that_become_empty_vanish() {
    let gap = (
        at("2026-03-29T00:00:00+01:00"),
        at("2026-03-30T00:00:00+02:00"),
    );
    for windows in [json!([["02:00", "03:00"]]), json!([["02:45", "03:30"]])] {
        let night = calendar("Europe/Berlin", json!({"sun": windows}));
        assert_eq!(night.spans(gap.0, gap.1), Ok(vec![]));
        assert_eq!(night.open_between(gap.0, gap.1), Ok(0));
    }
}

#[test]
fn overlapping_windows_are_one() {
    let desk = calendar(
        "UTC",
        json!({"mon": [["09:00", "13:00"], ["12:00", "17:00"], ["17:00", "18:00"]]}),
    );
    let monday = (at("2026-11-23T00:00:00Z"), at("2026-11-24T00:00:00Z"));
    assert_eq!(desk.open_between(monday.0, monday.1), Ok(9 * HOUR));
    let sum: Micros = desk
        .spans(monday.0, monday.1)
        .unwrap()
        .iter()
        .map(|span| span.closes - span.opens)
        .sum();
    assert_eq!(sum, 9 * HOUR);
}

#[test]
fn a_date_that_the_zone_skipped_has_no_hours() {
    let apia = calendar("Pacific/Apia", every_day(json!([["09:00", "17:00"]])));
    let (from, to) = (
        at("2011-12-29T12:00:00-10:00"),
        at("2011-12-31T12:00:00+14:00"),
    );
    let dates: Vec<NaiveDate> = apia
        .spans(from, to)
        .unwrap()
        .iter()
        .map(|span| span.date)
        .collect();
    assert_eq!(dates, [date("2011-12-29"), date("2011-12-31")]);
    assert_eq!(
        apia.add(from, 6 * HOUR),
        Ok(at("2011-12-31T10:00:00+14:00"))
    );
    // A night that closes on the skipped date lasts as long as any other.
    let night = calendar("Pacific/Apia", json!({"thu": [["22:00", "06:00"]]}));
    assert_eq!(
        night.open_between(from, at("2012-01-02T00:00:00+14:00")),
        Ok(8 * HOUR)
    );
}

#[test]
fn a_day_that_begins_in_a_gap_opens_when_the_clocks_have_moved() {
    let sao_paulo = around_the_clock("America/Sao_Paulo");
    assert_eq!(
        sao_paulo.open_between(
            at("2018-11-03T00:00:00-03:00"),
            at("2018-11-05T00:00:00-02:00")
        ),
        Ok(47 * HOUR)
    );
    let late = calendar("America/Sao_Paulo", json!({"sat": [["23:00", "24:00"]]}));
    assert_eq!(
        late.open_between(
            at("2018-11-03T00:00:00-03:00"),
            at("2018-11-05T00:00:00-02:00")
        ),
        Ok(HOUR)
    );
}

#[test]
fn a_budget_used_up_exactly_at_a_closing_is_due_at_that_closing() {
    let office = office("UTC");
    let start = at("2026-11-20T16:00:00Z");
    assert_eq!(office.add(start, HOUR), Ok(at("2026-11-20T17:00:00Z")));
    assert_eq!(
        office.add(start, HOUR + 1),
        Ok(at("2026-11-23T09:00:00.000001Z"))
    );
    assert_eq!(office.add(start, 9 * HOUR), Ok(at("2026-11-23T17:00:00Z")));
}

#[test]
fn a_start_in_closed_time_counts_from_the_next_opening() {
    let office = office("UTC");
    for start in [
        "2026-11-20T17:00:00Z",
        "2026-11-21T12:00:00Z",
        "2026-11-23T09:00:00Z",
    ] {
        assert_eq!(office.add(at(start), HOUR), Ok(at("2026-11-23T10:00:00Z")));
    }
}

#[test]
fn a_budget_of_zero_is_due_at_once_from_open_time_and_at_the_next_opening_from_closed() {
    let office = office("UTC");
    let open = at("2026-11-23T12:34:56Z");
    assert_eq!(office.add(open, 0), Ok(open));
    let opening = at("2026-11-23T09:00:00Z");
    assert_eq!(office.add(opening, 0), Ok(opening));
    assert_eq!(office.add(at("2026-11-20T17:00:00Z"), 0), Ok(opening));
    assert_eq!(office.next_opening(at("2026-11-22T00:00:00Z")), Ok(opening));
}

#[test]
fn open_time_between_two_moments_in_the_wrong_order_is_zero() {
    let office = office("UTC");
    let (from, to) = (at("2026-11-23T15:00:00Z"), at("2026-11-23T10:00:00Z"));
    assert_eq!(office.open_between(to, from), Ok(5 * HOUR));
    assert_eq!(office.open_between(from, to), Ok(0));
    assert_eq!(office.open_between(from, from), Ok(0));
    assert_eq!(office.spans(from, to), Ok(vec![]));
}

#[test]
fn counting_backwards_walks_the_same_windows() {
    let office = office("UTC");
    let due = at("2026-11-23T09:30:00Z");
    assert_eq!(office.sub(due, HOUR), Ok(at("2026-11-20T16:30:00Z")));
    // The mirror image of a budget used up at a closing: one used up at an opening.
    assert_eq!(office.sub(due, 30 * MINUTE), Ok(at("2026-11-23T09:00:00Z")));
    assert_eq!(office.sub(due, 0), Ok(due));
    let closed = at("2026-11-22T12:00:00Z");
    assert_eq!(office.sub(closed, 0), Ok(at("2026-11-20T17:00:00Z")));
    assert_eq!(office.sub(closed, HOUR), Ok(at("2026-11-20T16:00:00Z")));
    // Negative budgets are walked the other way.
    assert_eq!(office.add(due, -HOUR), office.sub(due, HOUR));
    assert_eq!(office.sub(due, -HOUR), office.add(due, HOUR));
}

#[test]
fn an_exception_replaces_the_weekly_windows_of_its_date() {
    let desk = calendar_with(
        "Europe/Berlin",
        json!({"thu": [["09:00", "17:00"]], "fri": [["09:00", "17:00"]]}),
        json!([{"date": "2026-12-24", "name": "Christmas Eve", "windows": [["09:00", "12:00"]]},
               {"date": "2026-12-25", "name": "Christmas", "windows": []},
               {"date": "2026-12-26", "name": "Stock-taking", "windows": [["10:00", "11:00"]]}]),
    );
    let start = at("2026-12-24T11:00:00+01:00");
    assert_eq!(
        desk.add(start, 2 * HOUR),
        Ok(at("2026-12-26T11:00:00+01:00"))
    );
    assert_eq!(
        desk.exception_on(date("2026-12-25")).unwrap().name,
        "Christmas"
    );
    assert_eq!(desk.exception_on(date("2026-12-27")), None);
}

#[test]
fn a_window_over_midnight_belongs_to_the_date_on_which_it_opens() {
    let week = json!({"thu": [["22:00", "06:00"]], "fri": [["22:00", "06:00"]]});
    let night = calendar_with(
        "UTC",
        week.clone(),
        json!([{"date": "2026-11-20", "name": "Closed"}]),
    );
    // The tail of Thursday stays open on the holiday, the tail of the holiday is closed with it.
    assert_eq!(night.is_open(at("2026-11-20T05:59:00Z")), Ok(true));
    assert_eq!(night.is_open(at("2026-11-20T23:00:00Z")), Ok(false));
    assert_eq!(night.is_open(at("2026-11-21T01:00:00Z")), Ok(false));
    let spans = calendar("UTC", week)
        .spans(at("2026-11-21T00:00:00Z"), at("2026-11-22T00:00:00Z"))
        .unwrap();
    assert_eq!((spans.len(), spans[0].date), (1, date("2026-11-20")));
    assert_eq!(spans[0].opens, at("2026-11-21T00:00:00Z"));
}

#[test]
fn the_closing_of_a_night_is_mapped_on_the_following_date() {
    let night = calendar("Europe/Berlin", json!({"sat": [["22:00", "06:00"]]}));
    for (from, to, length) in [
        ("2026-10-24T00:00:00+02:00", "2026-10-26T00:00:00+01:00", 9),
        ("2026-03-28T00:00:00+01:00", "2026-03-30T00:00:00+02:00", 7),
    ] {
        assert_eq!(night.open_between(at(from), at(to)), Ok(length * HOUR));
    }
}

#[test]
fn a_holiday_list_reaches_to_the_end_of_its_last_year_and_says_so_60_days_before() {
    let listed = |dates: &[&str]| {
        let rows: Vec<_> = dates
            .iter()
            .map(|date| json!({"date": date, "name": "Holiday"}))
            .collect();
        calendar_with("UTC", every_day(json!([["09:00", "17:00"]])), json!(rows))
    };
    let desk = listed(&["2026-12-25", "2025-12-25"]);
    assert_eq!(desk.reaches(), Some(date("2026-12-31")));
    for (today, says) in [
        ("2026-10-31", false),
        ("2026-11-01", true),
        ("2026-12-31", true),
        ("2027-06-01", true),
    ] {
        assert_eq!(desk.list_ending(date(today)).is_some(), says, "{today}");
    }
    assert_eq!(listed(&[]).reaches(), None);
    assert_eq!(listed(&[]).list_ending(date("2026-11-02")), None);
}

#[test]
fn a_revision_counts_for_local_dates_from_its_date_on() {
    let early = every_day(json!([["08:00", "10:00"]]));
    let late = every_day(json!([["12:00", "13:00"]]));
    let layers = vec![
        layer(Some("2026-11-24"), hours("Asia/Shanghai", late, json!([]))),
        layer(None, hours("Europe/Berlin", early.clone(), json!([]))),
    ];
    let desk = Calendar::new("Desk", layers);
    assert_eq!(desk.zone().name(), "Asia/Shanghai");
    let start = at("2026-11-23T08:00:00+01:00");
    assert_eq!(
        desk.add(start, 2 * HOUR),
        Ok(at("2026-11-23T10:00:00+01:00"))
    );
    assert_eq!(
        desk.add(start, 3 * HOUR),
        Ok(at("2026-11-24T13:00:00+08:00"))
    );
    // Before its first date a calendar without an older layer has no hours.
    let young = Calendar::new(
        "Young",
        vec![layer(Some("2026-11-24"), hours("UTC", early, json!([])))],
    );
    assert_eq!(young.next_opening(start), Ok(at("2026-11-24T08:00:00Z")));
    assert!(young.sub(start, HOUR).is_err());
    let none = Calendar::new("None", Vec::new());
    assert!(none.add(start, HOUR).is_err());
}

#[test]
fn answers_do_not_depend_on_what_was_asked_before() {
    let asked = office("Europe/Berlin");
    let questions = [
        "2026-11-23T12:00:00Z",
        "1930-01-06T12:00:00Z",
        "2090-03-01T00:00:00Z",
        "2026-11-23T12:00:00Z",
    ];
    for question in questions {
        let start = at(question);
        assert_eq!(
            asked.add(start, 100 * HOUR),
            office("Europe/Berlin").add(start, 100 * HOUR)
        );
        assert_eq!(
            asked.sub(start, 100 * HOUR),
            office("Europe/Berlin").sub(start, 100 * HOUR)
        );
    }
}

#[test]
fn the_ends_of_what_is_compiled_do_not_cut_a_window() {
    let asked_first = at("2026-11-23T12:00:00Z");
    for zone in ["Pacific/Auckland", "Pacific/Honolulu"] {
        let night = || calendar(zone, every_day(json!([["22:00", "21:00"]])));
        let ends = night().ask(asked_first, asked_first, |flat| {
            [flat.valid_from(), flat.valid_to()]
        });
        for end in ends.unwrap() {
            for hours in -30..30 {
                let start = Moment::from_micros(end) + hours * HOUR;
                // Each question to a calendar of its own, so that nothing that grew meanwhile helps.
                let warm = || {
                    let warm = night();
                    warm.is_open(asked_first).unwrap();
                    warm
                };
                assert_eq!(warm().is_open(start), night().is_open(start), "{start}");
                assert_eq!(warm().add(start, HOUR), night().add(start, HOUR), "{start}");
                assert_eq!(warm().sub(start, HOUR), night().sub(start, HOUR), "{start}");
            }
        }
    }
}

#[test]
fn one_calendar_may_be_asked_by_many_at_once() {
    let shared = office("Europe/Berlin");
    let start = at("2020-01-06T08:00:00Z");
    std::thread::scope(|scope| {
        for offset in 0..8 {
            let shared = &shared;
            scope.spawn(move || {
                for year in 0..8 {
                    let from = start + (year * 364 + offset * 7) * DAY;
                    assert_eq!(shared.add(from, 8 * HOUR), Ok(from + 8 * HOUR));
                }
            });
        }
    });
}

/// Where one offset holds for days, windows are not asked of the zone one by one: both ways must agree
/// for zones that changed often, late, by half an hour or by a day.
#[test]
fn the_quick_way_through_a_zone_gives_the_same_windows_as_the_slow_one() {
    for zone in [
        "Africa/Casablanca",
        "Pacific/Apia",
        "Africa/Monrovia",
        "Asia/Gaza",
        "Antarctica/Troll",
    ] {
        let desk = calendar(
            zone,
            every_day(json!([
                ["00:00", "00:20"],
                ["01:50", "02:10"],
                ["22:00", "21:00"]
            ])),
        );
        for year in [1915, 1942, 1972, 2011, 2026, 2086] {
            let start = at(&format!("{year}-01-01T00:00:00Z"));
            let end = start + 366 * DAY;
            let slow: Micros = desk
                .spans(start, end)
                .unwrap()
                .iter()
                .map(|span| span.closes - span.opens)
                .sum();
            assert_eq!(desk.open_between(start, end), Ok(slow), "{zone} {year}");
        }
    }
}
