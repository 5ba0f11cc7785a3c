//! Where a calendar gives no answer, and says so.

use super::*;

#[test]
fn a_search_ends_after_ten_years_with_an_error_that_names_the_calendar() {
    let never = calendar("UTC", json!({}));
    let start = at("2026-11-23T12:00:00Z");
    for error in [
        never.add(start, 0).unwrap_err(),
        never.add(start, HOUR).unwrap_err(),
        never.sub(start, 0).unwrap_err(),
        never.sub(start, HOUR).unwrap_err(),
        never.business_days(start, 1, DayEnd::Close).unwrap_err(),
    ] {
        assert!(matches!(error, CalendarError::NoOpenTime { .. }), "{error}");
        assert!(error.to_string().contains("\"Desk\""), "{error}");
    }
    // The one open hour lies just inside ten years, and just outside.
    let once = |date: &str| {
        let open = json!([{"date": date, "name": "", "windows": [["00:00", "01:00"]]}]);
        calendar_with("UTC", json!({}), open)
    };
    let start = at("2026-11-23T00:00:00Z");
    assert_eq!(
        once("2036-11-22").add(start, HOUR),
        Ok(at("2036-11-22T01:00:00Z"))
    );
    assert!(once("2036-11-24").add(start, HOUR).is_err());
    assert_eq!(
        once("2016-11-24").sub(start, HOUR),
        Ok(at("2016-11-24T00:00:00Z"))
    );
    assert!(once("2016-11-20").sub(start, HOUR).is_err());
}

#[test]
fn budgets_beyond_all_measure_are_an_error_and_never_a_wrong_moment() {
    let start = at("2026-11-23T12:00:00Z");
    for calendar in [office("Europe/Berlin"), around_the_clock("UTC")] {
        // 10^15 microseconds are 31 years.
        for budget in [1_000_000_000_000_000, 11 * 366 * DAY] {
            assert!(calendar.add(start, budget).is_err(), "{budget}");
            assert!(calendar.sub(start, budget).is_err(), "{budget}");
        }
        assert!(calendar.add(start, Micros::MAX).is_err());
        assert!(calendar.add(start, Micros::MIN).is_err());
        assert!(
            calendar
                .business_days(start, u32::MAX, DayEnd::Close)
                .is_err()
        );
    }
}

#[test]
fn years_that_zone_data_does_not_speak_for_are_an_error() {
    let berlin = around_the_clock("Europe/Berlin");
    let inside = at("2099-07-01T12:00:00+02:00");
    assert_eq!(berlin.add(inside, HOUR), Ok(inside + HOUR));
    for outside in ["2100-07-01T12:00:00Z", "2999-12-31T23:59:59Z"] {
        let outside = at(outside);
        for error in [
            berlin.add(outside, HOUR).unwrap_err(),
            berlin.sub(outside, HOUR).unwrap_err(),
            berlin.open_between(inside, outside).unwrap_err(),
            berlin.is_open(outside).unwrap_err(),
            berlin.spans(inside, outside).unwrap_err(),
        ] {
            assert!(matches!(error, CalendarError::OutOfRange { .. }), "{error}");
        }
    }
    // A search that would have to go on behind them.
    let error = berlin.add(inside, 366 * DAY).unwrap_err();
    assert!(matches!(error, CalendarError::OutOfRange { .. }), "{error}");
    let error = berlin
        .sub(at("1900-06-01T00:00:00Z"), 366 * DAY)
        .unwrap_err();
    assert!(matches!(error, CalendarError::OutOfRange { .. }), "{error}");
    for micros in [i64::MIN, i64::MAX] {
        assert!(berlin.add(Moment::from_micros(micros), HOUR).is_err());
        assert!(berlin.sub(Moment::from_micros(micros), HOUR).is_err());
    }
    let everything = (Moment::from_micros(i64::MIN), Moment::from_micros(i64::MAX));
    assert!(berlin.open_between(everything.0, everything.1).is_err());
    let (first, last) = (at("1950-01-01T00:00:00Z"), at("2099-01-01T00:00:00Z"));
    assert!(
        berlin.open_between(first, last).is_err(),
        "more than a century at once"
    );
}

#[test]
fn business_days_end_with_the_years_that_zone_data_speaks_for() {
    let desk = office("Europe/Berlin");
    let start = at("2099-12-28T10:00:00Z");
    assert!(desk.business_days(start, 2, DayEnd::Close).is_ok());
    for (start, days) in [
        (start, 5),
        (at("2095-01-01T10:00:00Z"), 2_000),
        (at("2100-01-01T00:00:00Z"), 0),
        (Moment::from_micros(i64::MAX), 1),
        (Moment::from_micros(i64::MIN), 1),
    ] {
        let error = desk.business_days(start, days, DayEnd::Close).unwrap_err();
        assert!(
            matches!(error, CalendarError::OutOfRange { .. }),
            "{start} {days}: {error}"
        );
    }
}

/// Counted in dates that are looked at, not in time: ten years hold 3,653.
#[test]
fn a_search_that_finds_nothing_looks_at_ten_years_and_little_more() {
    let start = at("2026-11-23T12:00:00Z");
    for never in [
        calendar("Europe/Berlin", json!({})),
        calendar("Pacific/Apia", json!({})),
    ] {
        assert!(never.add(start, 0).is_err());
        assert!(never.add(start, 1).is_err());
        assert!(never.add(start, Micros::MAX).is_err());
        assert!(never.sub(start, Micros::MAX).is_err());
        let flat = never.flat.read().unwrap();
        let days = (flat.valid_to() - flat.valid_from()) / DAY;
        assert!(
            (7_306..8_800).contains(&days),
            "{days} days are compiled for ten years either way"
        );
    }
}
