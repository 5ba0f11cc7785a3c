//! What must hold for every calendar: properties over random ones, and a second implementation, slow
//! and obvious, that must agree with the first.

mod slow;

use chrono::{Days, NaiveDate, NaiveTime};
use proptest::collection::vec;
use proptest::prelude::*;
use redress::cli::calendar::eval;
use redress::domain::calendar::{Calendar, Exception, Hours, Layer, Week, Window};
use redress::time::{DAY, HOUR, MINUTE, Micros, Moment};

/// Zones with odd rules, each with dates on which its clocks were moved: by half an hour, by a day, by
/// two hours, at midnight, at one minute past it, twice in one spring, for good.
const CHANGES: &[(&str, &[&str])] = &[
    ("Australia/Lord_Howe", &["2026-04-05", "2026-10-04"]),
    ("Pacific/Apia", &["2011-12-30", "2011-09-24", "2012-04-01"]),
    ("Pacific/Kwajalein", &["1993-08-21"]),
    (
        "Africa/Casablanca",
        &["2026-02-15", "2026-03-22", "2013-07-07"],
    ),
    ("Asia/Tehran", &["2022-03-22", "2022-09-22", "1979-05-27"]),
    ("America/Sao_Paulo", &["2018-11-04", "2018-02-18"]),
    (
        "America/St_Johns",
        &["2006-04-02", "2006-10-29", "2026-03-08"],
    ),
    ("Asia/Kathmandu", &["1986-01-01"]),
    ("Europe/Berlin", &["2026-03-29", "2026-10-25"]),
    ("Europe/Dublin", &["2026-03-29", "2026-10-25"]),
    ("Antarctica/Troll", &["2026-03-29", "2026-10-25"]),
    ("Africa/Cairo", &["2026-04-24", "2026-10-30"]),
    ("America/Havana", &["2026-03-08", "2026-11-01"]),
    ("America/Caracas", &["2007-12-09", "2016-05-01"]),
];

/// So many random cases, or as many as `PROPTEST_CASES` asks for.
fn cases(usual: u32) -> ProptestConfig {
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default(),
        None => ProptestConfig::with_cases(usual),
    }
}

/// Any window; half of the times stand within the first hours of the day, where clocks are moved.
fn window() -> impl Strategy<Value = Window> {
    let time = || prop_oneof![0..300u32, 0..1440u32, (0..24u32).prop_map(|hour| hour * 60)];
    (time(), time())
        .prop_filter("a window has a length", |(open, close)| open != close)
        .prop_map(|(open, close)| {
            let written = |time: u32| format!("{:02}:{:02}", time / 60, time % 60);
            Window::parse(&written(open), &written(close)).expect("a window")
        })
}

fn windows() -> impl Strategy<Value = Vec<Window>> {
    prop_oneof![
        1 => Just(Vec::new()),
        1 => Just(vec![Window::parse("00:00", "24:00").expect("a window")]),
        4 => vec(window(), 1..4),
    ]
}

/// A zone, a date near which its clocks were moved, and hours with exceptions near that date.
fn hours() -> impl Strategy<Value = (Hours, NaiveDate)> {
    let place = prop::sample::select(CHANGES)
        .prop_flat_map(|(zone, dates)| (Just(zone), prop::sample::select(dates)));
    let exceptions = vec((prop_oneof![Just(3), Just(4), 0..10u64], windows()), 0..3);
    (place, prop::array::uniform7(windows()), exceptions).prop_map(
        |((zone, changed), week, rows)| {
            let changed: NaiveDate = changed.parse().expect("a date");
            let mut exceptions: Vec<Exception> = Vec::new();
            for (offset, windows) in rows {
                let date = changed - Days::new(4) + Days::new(offset);
                if exceptions.iter().all(|exception| exception.date != date) {
                    let name = "Exception".to_string();
                    exceptions.push(Exception {
                        date,
                        name,
                        windows,
                    });
                }
            }
            let time_zone = zone.parse().expect("a zone");
            let week = Week(week);
            (
                Hours {
                    time_zone,
                    week,
                    exceptions,
                },
                changed,
            )
        },
    )
}

fn compiled(hours: &Hours) -> Calendar {
    let layer = Layer {
        from: None,
        hours: hours.clone(),
    };
    Calendar::new("Random", vec![layer])
}

fn midnight(date: NaiveDate) -> Moment {
    date.and_time(NaiveTime::MIN).and_utc().into()
}

/// A moment within ten days round the date, to the microsecond.
fn moment(date: NaiveDate, share: f64) -> Moment {
    midnight(date) + ((share - 0.5) * 10.0 * DAY as f64) as Micros
}

fn share() -> impl Strategy<Value = f64> {
    0.0..1.0
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn open_time_adds_up_over_any_split((hours, date) in hours(), mut shares in prop::array::uniform3(share())) {
        shares.sort_by(f64::total_cmp);
        let calendar = compiled(&hours);
        let [from, between, to] = shares.map(|share| moment(date, share));
        let whole = calendar.open_between(from, to).unwrap();
        let parts = calendar.open_between(from, between).unwrap() + calendar.open_between(between, to).unwrap();
        prop_assert_eq!(whole, parts);
        prop_assert!(0 <= whole && whole <= to - from);
        let spans = calendar.spans(from, to).unwrap();
        prop_assert_eq!(whole, spans.iter().map(|span| span.closes - span.opens).sum::<Micros>());
        for pair in spans.windows(2) {
            prop_assert!(pair[0].closes <= pair[1].opens);
        }
        for span in spans {
            prop_assert!(calendar.is_open(span.opens).unwrap());
            prop_assert!(calendar.is_open(span.closes - 1).unwrap());
        }
    }

    #[test]
    fn adding_and_taking_away_are_inverse((hours, date) in hours(), from in share(), budget in 1..200 * HOUR) {
        let calendar = compiled(&hours);
        let start = moment(date, from);
        if let Ok(due) = calendar.add(start, budget) {
            prop_assert_eq!(calendar.open_between(start, due).unwrap(), budget);
            prop_assert_eq!(calendar.open_between(start, due - 1).unwrap(), budget - 1);
            prop_assert_eq!(calendar.sub(due, budget).unwrap(), calendar.next_opening(start).unwrap());
        }
        if let Ok(begun) = calendar.sub(start, budget) {
            prop_assert_eq!(calendar.open_between(begun, start).unwrap(), budget);
            prop_assert_eq!(calendar.open_between(begun + 1, start).unwrap(), budget - 1);
            prop_assert_eq!(calendar.add(begun, budget).unwrap(), calendar.sub(start, 0).unwrap());
        }
    }

    #[test]
    fn deadlines_are_monotonic_in_start_and_budget(
        (hours, date) in hours(),
        mut starts in prop::array::uniform2(share()),
        mut budgets in prop::array::uniform2(0..200 * HOUR),
    ) {
        starts.sort_by(f64::total_cmp);
        budgets.sort_unstable();
        let calendar = compiled(&hours);
        let [early, late] = starts.map(|share| moment(date, share));
        let [small, large] = budgets;
        if let (Ok(first), Ok(later)) = (calendar.add(early, small), calendar.add(late, small)) {
            prop_assert!(early <= first && first <= later);
            prop_assert!(first <= calendar.add(early, large).unwrap());
        }
        if let (Ok(first), Ok(later)) = (calendar.sub(early, small), calendar.sub(late, small)) {
            prop_assert!(first <= early && first <= later);
            prop_assert!(calendar.sub(early, large).unwrap() <= first);
        }
    }

    #[test]
    fn daylight_saving_neither_makes_nor_loses_time(
        (mut hours, date) in hours(),
        mut shares in prop::array::uniform2(share()),
    ) {
        shares.sort_by(f64::total_cmp);
        hours.week = Week::around_the_clock();
        hours.exceptions.clear();
        let calendar = compiled(&hours);
        let [from, to] = shares.map(|share| moment(date, share));
        prop_assert_eq!(calendar.open_between(from, to).unwrap(), to - from);
        prop_assert_eq!(calendar.add(from, to - from).unwrap(), to);
        prop_assert_eq!(calendar.sub(to, to - from).unwrap(), from);
    }

    #[test]
    fn an_answer_does_not_depend_on_what_was_asked_before(
        (hours, date) in hours(),
        shares in vec((share(), -7_000..7_000i64), 1..3),
        budget in 0..100 * HOUR,
    ) {
        let asked = compiled(&hours);
        for (share, days) in shares {
            let start = moment(date, share) + days * DAY;
            let fresh = compiled(&hours);
            prop_assert_eq!(asked.add(start, budget), fresh.add(start, budget));
            let fresh = compiled(&hours);
            prop_assert_eq!(asked.sub(start, budget), fresh.sub(start, budget));
        }
    }

    #[test]
    fn business_days_are_dates_on_which_a_window_opens_counted_one_by_one(
        (hours, date) in hours(),
        from in share(),
        days in 0..6usize,
    ) {
        let start = moment(date, from);
        let today = start.date_in(hours.time_zone);
        let opening: Vec<(Moment, Moment)> = today
            .iter_days()
            .take(40)
            .filter_map(|date| stretch_of(&hours, date))
            .filter(|(_, closes)| *closes > start)
            .collect();
        let found = compiled(&hours).business_days(start, days as u32, "close".parse().unwrap());
        match opening.get(days) {
            Some((_, due)) => {
                let found = found.unwrap();
                prop_assert_eq!(found.due, *due);
                let moves = stretch_of(&hours, today).is_none_or(|(_, closes)| closes <= start);
                prop_assert_eq!(found.start, if moves { opening[0].0 } else { start });
            }
            None => prop_assert!(found.is_err() || hours.week.0.iter().any(|windows| !windows.is_empty())),
        }
    }

    #[test]
    fn the_evaluator_answers_each_line_whatever_stands_in_it(lines in vec(question(), 1..8)) {
        let mut answers = Vec::new();
        let asked = lines.iter().filter(|line| !String::from_utf8_lossy(line).trim().is_empty()).count();
        let summary = eval(lines.join(&b'\n').as_slice(), &mut answers).unwrap();
        let answers = String::from_utf8(answers).unwrap();
        prop_assert_eq!(answers.lines().count(), asked);
        prop_assert_eq!(summary.answered + summary.refused, asked as u64);
        for answer in answers.lines() {
            let answer: serde_json::Value = serde_json::from_str(answer).unwrap();
            prop_assert!(answer.get("result").is_some() != answer.get("error").is_some());
        }
    }
}

/// The first opening and the last closing of a date, if a window opens on it: those of a calendar that
/// has no other date.
fn stretch_of(hours: &Hours, date: NaiveDate) -> Option<(Moment, Moment)> {
    let windows = hours.windows_on(date).to_vec();
    let only = Hours {
        time_zone: hours.time_zone,
        week: Week::default(),
        exceptions: vec![Exception {
            date,
            name: String::new(),
            windows,
        }],
    };
    let (from, to) = (midnight(date) - 2 * DAY, midnight(date) + 4 * DAY);
    let spans = compiled(&only).spans(from, to).unwrap();
    let closes = spans.iter().map(|span| span.closes).max()?;
    Some((spans.first()?.opens, closes))
}

/// Bytes at random, and questions that are almost right.
fn question() -> impl Strategy<Value = Vec<u8>> {
    let bytes = vec(any::<u8>(), 0..60)
        .prop_map(|bytes| bytes.into_iter().filter(|byte| *byte != b'\n').collect());
    let pick = |choices: &'static [&'static str]| prop::sample::select(choices);
    let almost = (
        pick(&["add", "sub", "between", "is_open", "sla", ""]),
        pick(&["UTC", "Pacific/Apia", "Europe/Berlin", "Mars/Base", ""]),
        pick(&[
            r#"{"mon":[["00:00","24:00"]]}"#,
            r#"{"sun":[["22:00","06:00"],["05:00","04:59"]]}"#,
            r#"{"mon":[["09:00","09:00"]]}"#,
            "{}",
            "[]",
            "7",
        ]),
        pick(&[
            "2026-03-29T02:30:00+01:00",
            "1900-01-01T00:00:00Z",
            "2099-12-31T23:59:59.999999Z",
            "2026-03-29T02:30:00",
            "9999-12-31T00:00:00Z",
            "-262144-01-01T00:00:00Z",
            "2016-12-31T23:59:60Z",
            "",
        ]),
        pick(&[
            "0", "1", "0.000001", "-1", "1e15", "1000000000000000", "9223372036854775807",
            "18446744073709551615", "1e400", "null", "\"PT1H\"",
        ]),
    )
        .prop_map(|(kind, zone, week, instant, duration)| {
            format!(
                r#"{{"id":[1],"kind":"{kind}","calendar":{{"tz":"{zone}","week":{week}}},"start":"{instant}","end":"{instant}","at":"{instant}","duration_s":{duration}}}"#
            )
            .into_bytes()
        });
    prop_oneof![1 => bytes, 3 => almost]
}

proptest! {
    #![proptest_config(cases(160))]

    #[test]
    fn a_minute_by_minute_count_gives_the_same_answers(
        (hours, date) in hours(),
        starts in vec((0..slow::MINUTES, 0..4_000usize), 8),
    ) {
        let fast = compiled(&hours);
        let first = midnight(date) - 5 * DAY;
        let slow = slow::Minutes::count(&hours, first);
        let at = |minute: usize| first + minute as Micros * MINUTE;
        let stretches = slow.stretches();
        prop_assert_eq!(joined(&fast, first, at(slow::MINUTES)), stretches.iter().map(|(opens, closes)| (at(*opens), at(*closes))).collect::<Vec<_>>());
        // Most mistakes stand at an end of a window, which a minute at random hardly ever hits.
        let near = |minute: &usize| minute.abs_diff(slow::MINUTES / 2) < 24 * 60;
        let mut ends: Vec<usize> = stretches.iter().flat_map(|(opens, closes)| [*opens, *closes]).filter(near).collect();
        ends.truncate(6);
        let between_ends = ends.iter().flat_map(|from| ends.iter().map(|to| (*from, slow.between(*from, *to))));
        for (minute, budget) in starts.into_iter().chain(between_ends) {
            let start = at(minute);
            prop_assert_eq!(fast.is_open(start).unwrap(), slow.is_open(minute), "open at {}", start);
            if minute > 0 {
                prop_assert_eq!(fast.is_open(start - 1).unwrap(), slow.is_open(minute - 1));
            }
            let end = (minute + budget).min(slow::MINUTES);
            prop_assert_eq!(
                fast.open_between(start, at(end)).unwrap(), slow.between(minute, end) as Micros * MINUTE,
                "between {} and {}", start, at(end)
            );
            let length = budget as Micros * MINUTE;
            // What the slow one does not find lies outside its ten days.
            if let Some(due) = slow.add(minute, budget) {
                prop_assert_eq!(fast.add(start, length), Ok(at(due)), "{} + {} min", start, budget);
            }
            if let Some(begun) = slow.sub(minute, budget) {
                prop_assert_eq!(fast.sub(start, length), Ok(at(begun)), "{} - {} min", start, budget);
            }
        }
    }
}

/// The spans of a calendar, with those joined that follow each other without a pause.
fn joined(calendar: &Calendar, from: Moment, to: Moment) -> Vec<(Moment, Moment)> {
    let mut stretches: Vec<(Moment, Moment)> = Vec::new();
    for span in calendar.spans(from, to).unwrap() {
        match stretches.last_mut() {
            Some((_, closes)) if *closes == span.opens => *closes = span.closes,
            _ => stretches.push((span.opens, span.closes)),
        }
    }
    stretches
}
