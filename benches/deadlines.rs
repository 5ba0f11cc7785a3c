//! How long a deadline takes: with a warm calendar, with a thousand calendars out of cache, to compile
//! one, to judge a whole incident; and beside it the same work done by another library.
//!
//! Prints one line a figure, `figure <name> <value> <unit>`, and asserts nothing about time.
//! `REDRESS_BENCH_SIZE` is the number of deadlines in a round (default 200,000).

mod support;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{Datelike, NaiveDate, TimeDelta, Weekday};
use jiff::{SignedDuration, Timestamp, civil};
use redress::domain::calendar::{Calendar, Hours, Layer};
use redress::domain::calendar_book::{CalendarBook, View};
use redress::domain::clock::judge;
use redress::domain::terms::Promise;
use redress::domain::timeline::Fact;
use redress::domain::words::EventKind;
use redress::domain::{CalendarId, CaseId};
use redress::time::{HOUR, MINUTE, Micros, Moment, SECOND};
use serde_json::{Value, json};
use support::{figure, size};
use workclock::{Break, Holidays, Schedule, Weekdays, WorkDay};

/// Enough that a round takes some milliseconds at the least.
const USUAL_SIZE: usize = 200_000;
/// The least of so many rounds counts: what is slower was disturbed.
const ROUNDS: usize = 7;
const CALENDARS: usize = 1_000;

fn main() {
    let size = size(USUAL_SIZE);
    let mut dice = Dice(0x5eed);
    let questions: Vec<(Moment, Micros)> = (0..size).map(|_| question(&mut dice)).collect();

    let calendar = calendar(&holidays());
    let warm = least(|| warm(&calendar, &questions));
    figure("warm", warm / size as f64, "ns");

    let shelf: Vec<Calendar> = (0..CALENDARS).map(|_| calendar_again()).collect();
    for calendar in &shelf {
        warm_up(calendar, &questions);
    }
    // Each calendar lies in memory of its own, and the next question is for any of them.
    let order: Vec<usize> = (0..size).map(|_| dice.below(CALENDARS)).collect();
    let cold = least(|| cold(&shelf, &order, &questions));
    figure("cold", cold / size as f64, "ns");
    drop(shelf);

    figure("compile", compile() / 1e3, "us");
    figure("judge", judged() / 1e3, "us");

    let slow = &questions[..size.min(20_000)];
    let schedule = schedule();
    agree(&calendar, &schedule, slow);
    let theirs = least(|| workclock(&schedule, slow));
    figure("workclock", theirs / slow.len() as f64, "ns");
}

/// The least time of a round in nanoseconds.
fn least(mut round: impl FnMut()) -> f64 {
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        round();
        best = best.min(start.elapsed());
    }
    best.as_nanos() as f64
}

/// Numbers that come out the same each time.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// A start at any second of 2024 to 2027, as late as its budget lets it, and one minute to 400 open
/// hours.
fn question(dice: &mut Dice) -> (Moment, Micros) {
    let minutes = 1 + dice.below(400 * 60) as i64;
    // Ten weeks and the longest holidays hold 400 open hours of such a week.
    let seconds = (4 * 365 - 90) * 86_400;
    let start = at("2024-01-01T00:00:00Z") + dice.below(seconds) as i64 * SECOND;
    (start, minutes * MINUTE)
}

fn at(text: &str) -> Moment {
    Moment::parse(text).expect("a moment")
}

/// Ten holidays a year, none on a weekend.
fn holidays() -> Vec<NaiveDate> {
    let days = [
        (1, 1),
        (2, 12),
        (3, 29),
        (5, 1),
        (5, 20),
        (6, 15),
        (8, 15),
        (10, 3),
        (11, 18),
        (12, 25),
    ];
    let mut all = Vec::new();
    for year in 2024..=2027 {
        for (month, day) in days {
            let mut date = NaiveDate::from_ymd_opt(year, month, day).expect("a date");
            while matches!(date.weekday(), Weekday::Sat | Weekday::Sun) {
                date += TimeDelta::days(1);
            }
            all.push(date);
        }
    }
    all
}

fn hours(holidays: &[NaiveDate]) -> Hours {
    let windows = json!([["09:00", "12:30"], ["13:30", "18:00"]]);
    let exceptions: Vec<Value> = holidays
        .iter()
        .map(|date| json!({"date": date, "name": "Holiday", "windows": []}))
        .collect();
    serde_json::from_value(
        json!({"time_zone": "Europe/Berlin", "exceptions": exceptions,
        "week": {"mon": windows, "tue": windows, "wed": windows, "thu": windows, "fri": windows}}),
    )
    .expect("hours")
}

fn calendar(holidays: &[NaiveDate]) -> Calendar {
    let hours = hours(holidays);
    Calendar::new("Berlin office", vec![Layer { from: None, hours }])
}

fn calendar_again() -> Calendar {
    calendar(&holidays())
}

fn warm_up(calendar: &Calendar, questions: &[(Moment, Micros)]) {
    let first = questions.iter().map(|(start, _)| *start).min();
    let last = questions.iter().map(|(start, _)| *start).max();
    for start in [first, last].into_iter().flatten() {
        black_box(calendar.add(start, 400 * HOUR)).expect("a deadline");
    }
}

fn warm(calendar: &Calendar, questions: &[(Moment, Micros)]) {
    for (start, budget) in questions {
        black_box(calendar.add(black_box(*start), black_box(*budget))).expect("a deadline");
    }
}

fn cold(shelf: &[Calendar], order: &[usize], questions: &[(Moment, Micros)]) {
    for (which, (start, budget)) in order.iter().zip(questions) {
        black_box(shelf[*which].add(black_box(*start), black_box(*budget))).expect("a deadline");
    }
}

/// Nanoseconds to compile the windows of four years: a new calendar's first answer.
fn compile() -> f64 {
    let holidays = holidays();
    let (start, end) = (at("2024-01-01T00:00:00Z"), at("2027-12-01T00:00:00Z"));
    let mut best = f64::MAX;
    for _ in 0..50 {
        let fresh = calendar(&holidays);
        let began = Instant::now();
        black_box(fresh.open_between(start, end)).expect("an answer");
        best = best.min(began.elapsed().as_nanos() as f64);
    }
    best
}

/// Nanoseconds to judge an incident of six clocks by twenty events.
fn judged() -> f64 {
    let promise = promise();
    let mut book = CalendarBook::default();
    let first = View {
        revision: 1,
        calendar: Arc::new(calendar(&holidays())),
    };
    book.insert(CalendarId(1), "Berlin office".into(), first, Vec::new());
    let facts = facts();
    let now = at("2026-03-13T12:00:00Z");
    let clocks = judge(CaseId(1), &promise, &facts, &book, now).expect("clocks");
    assert_eq!((clocks.len(), facts.len()), (6, 20));
    let times = 2_000;
    least(|| {
        for _ in 0..times {
            let judged = judge(
                CaseId(1),
                black_box(&promise),
                black_box(&facts),
                &book,
                now,
            );
            black_box(judged).expect("clocks");
        }
    }) / f64::from(times)
}

fn promise() -> Promise {
    let metrics = [
        ("respond", "PT1H"),
        ("update", "PT4H"),
        ("workaround", "PT8H"),
        ("restore", "PT16H"),
        ("resolve", "PT40H"),
        ("root_cause", "PT40H"),
    ];
    let mut commitments = Vec::new();
    for severity in ["S1", "S2"] {
        for (metric, target) in metrics {
            commitments.push(
                json!({"clause": "5.1", "metric": metric, "severity": severity,
                "calendar_id": 1, "target": {"open_time": target}}),
            );
        }
    }
    let all = ["respond", "update", "workaround", "restore", "resolve"];
    serde_json::from_value(json!({
        "currency": "EUR", "monthly_fee": null,
        "severities": [{"code": "S1", "name": "Critical"}, {"code": "S2", "name": "Major"}],
        "clock_stops": [{"code": "ACCESS", "clause": "7.4", "name": "No access", "metrics": all, "needs_agreement": false}],
        "commitments": commitments, "on_severity_change": "from_start", "on_reopen": "continue", "ladder": [],
    }))
    .expect("terms")
}

/// A week of an incident: answers, pauses, two changes of severity, a repair, a reopening.
fn facts() -> Vec<Fact> {
    use EventKind::{
        CauseExplained, Paused, Reopened, Reported, Resolved, Responded, Restored, Resumed,
        SeverityChanged, Updated, WorkedAround,
    };
    let kinds = [
        Reported,
        Responded,
        Updated,
        Paused,
        Resumed,
        Updated,
        SeverityChanged,
        Updated,
        WorkedAround,
        Updated,
        Paused,
        Resumed,
        SeverityChanged,
        Updated,
        Restored,
        Resolved,
        Reopened,
        Updated,
        Resolved,
        CauseExplained,
    ];
    let mut moment = at("2026-03-02T08:10:00Z");
    let mut seen = 0;
    (1..)
        .zip(kinds)
        .map(|(seq, kind)| {
            moment = moment + 7 * HOUR + 13 * MINUTE;
            let severity = match kind {
                Reported => Some("S2"),
                SeverityChanged => {
                    seen += 1;
                    Some(if seen == 1 { "S1" } else { "S2" })
                }
                _ => None,
            };
            Fact {
                seq,
                case: Some(CaseId(1)),
                kind,
                at: moment,
                severity: severity.map(str::to_string),
                stop: (kind == Paused).then(|| "ACCESS".to_string()),
                seconds: None,
                answer: None,
                void: false,
                to_case: None,
            }
        })
        .collect()
}

/// The same calendar in the other library's terms.
fn schedule() -> Schedule {
    let time = |hour, minute| civil::time(hour, minute, 0, 0);
    let dates = holidays()
        .into_iter()
        .map(|date| civil::date(date.year() as i16, date.month() as i8, date.day() as i8));
    Schedule::builder()
        .time_zone("Europe/Berlin")
        .rule(WorkDay::new(time(9, 0), time(18, 0), Weekdays::MON_TO_FRI))
        .rule(Break::new(time(12, 30), time(13, 30), Weekdays::MON_TO_FRI))
        .rule(Holidays::new(dates))
        .build()
        .expect("a schedule")
}

fn workclock(schedule: &Schedule, questions: &[(Moment, Micros)]) {
    for (start, budget) in questions {
        let start = Timestamp::from_microsecond(start.micros()).expect("a moment");
        let budget = SignedDuration::from_micros(*budget);
        black_box(schedule.add(black_box(start), black_box(budget))).expect("a deadline");
    }
}

/// Both must do the same work, or the ratio says nothing.
fn agree(calendar: &Calendar, schedule: &Schedule, questions: &[(Moment, Micros)]) {
    for (start, budget) in questions {
        let ours = calendar.add(*start, *budget).expect("a deadline");
        let begin = Timestamp::from_microsecond(start.micros()).expect("a moment");
        let theirs = schedule
            .add(begin, SignedDuration::from_micros(*budget))
            .expect("a deadline");
        assert_eq!(ours.micros(), theirs.as_microsecond(), "{start} + {budget}");
    }
}
