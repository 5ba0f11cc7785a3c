//! Open time counted minute by minute, from nothing but what a clock on the wall shows.
//!
//! Made to be obviously right: no arithmetic of windows, no sums, no search.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use redress::domain::calendar::Hours;
use redress::time::{MINUTE, Micros, Moment};

/// Ten days are looked at.
pub const MINUTES: usize = 10 * 24 * 60;
/// Two days more on either side, so that windows from outside reach in and gaps have two ends.
const MARGIN: usize = 2 * 24 * 60 + 16 * 60;

/// For each minute whether it is open.
pub struct Minutes(Vec<bool>);

impl Minutes {
    /// Opens, for each local date, every minute from the opening to the closing of its windows.
    pub fn count(hours: &Hours, first: Moment) -> Self {
        let begin = first - MARGIN as Micros * MINUTE;
        let total = MINUTES + 2 * MARGIN;
        let shown: Vec<i64> = (0..=total)
            .map(|minute| {
                let at = begin + minute as Micros * MINUTE;
                number(at.in_zone(hours.time_zone).naive_local())
            })
            .collect();
        let mut open = vec![false; total];
        let mut date = begin.date_in(hours.time_zone);
        while number(date.and_time(NaiveTime::MIN)) <= shown[total] {
            let midnight = number(date.and_time(NaiveTime::MIN));
            let day = midnight..midnight + 24 * 60;
            if shown.iter().any(|local| day.contains(local)) {
                for (opens, closes) in windows(hours, date) {
                    let opening = minute_that_opens(&shown, number(opens));
                    let closing = minute_that_closes(&shown, number(closes));
                    (opening..closing).for_each(|minute| open[minute] = true);
                }
            }
            date = date.succ_opt().expect("a next date");
        }
        Self(open)
    }

    /// Whether that minute, from 0 to [`MINUTES`], is open.
    pub fn is_open(&self, minute: usize) -> bool {
        self.0[MARGIN + minute]
    }

    /// Where it is open without a pause: the first minute of each stretch, and the one after its last.
    pub fn stretches(&self) -> Vec<(usize, usize)> {
        let mut stretches: Vec<(usize, usize)> = Vec::new();
        for minute in (0..MINUTES).filter(|minute| self.is_open(*minute)) {
            match stretches.last_mut() {
                Some((_, end)) if *end == minute => *end += 1,
                _ => stretches.push((minute, minute + 1)),
            }
        }
        stretches
    }

    /// Open minutes from one to the other.
    pub fn between(&self, from: usize, to: usize) -> usize {
        (from..to).filter(|minute| self.is_open(*minute)).count()
    }

    /// Walks forward until the budget is used up; nothing when that lies after the ten days.
    pub fn add(&self, start: usize, budget: usize) -> Option<usize> {
        let mut left = budget;
        for minute in start..MINUTES {
            if self.is_open(minute) {
                if left == 0 && budget == 0 {
                    return Some(minute);
                }
                left -= 1;
                if left == 0 {
                    return Some(minute + 1);
                }
            }
        }
        None
    }

    /// Walks backwards until the budget is used up; nothing when that lies before the ten days.
    pub fn sub(&self, end: usize, budget: usize) -> Option<usize> {
        let mut left = budget;
        for minute in (0..end).rev() {
            if self.is_open(minute) {
                if left == 0 && budget == 0 {
                    return Some(minute + 1);
                }
                left -= 1;
                if left == 0 {
                    return Some(minute);
                }
            }
        }
        None
    }
}

/// The windows of a date as the wall clock shows their ends.
fn windows(hours: &Hours, date: NaiveDate) -> Vec<(NaiveDateTime, NaiveDateTime)> {
    let exception = hours
        .exceptions
        .iter()
        .find(|exception| exception.date == date);
    let windows = match exception {
        Some(exception) => &exception.windows,
        None => &hours.week.0[date.weekday().num_days_from_monday() as usize],
    };
    let at = |text: String| match text.as_str() {
        "24:00" => date.and_time(NaiveTime::MIN) + TimeDelta::days(1),
        time => date.and_time(NaiveTime::parse_from_str(time, "%H:%M").expect("a time of day")),
    };
    let ends = windows.iter().map(|window| {
        let (opens, closes) = (at(window.opens()), at(window.closes()));
        let over_midnight = closes < opens;
        (opens, closes + TimeDelta::days(i64::from(over_midnight)))
    });
    ends.collect()
}

/// What the wall clock shows as one number of minutes.
fn number(local: NaiveDateTime) -> i64 {
    local.and_utc().timestamp() / 60
}

/// The first minute that shows the time.
fn minute_that_opens(shown: &[i64], time: i64) -> usize {
    shown
        .iter()
        .position(|local| *local == time)
        .unwrap_or_else(|| minute_past_the_gap(shown, time))
}

/// The last minute that shows the time.
fn minute_that_closes(shown: &[i64], time: i64) -> usize {
    shown
        .iter()
        .rposition(|local| *local == time)
        .unwrap_or_else(|| minute_past_the_gap(shown, time))
}

/// No minute shows the time: it counts on from the last minute before the clocks were moved. Times
/// before and after all minutes looked at belong to their ends.
fn minute_past_the_gap(shown: &[i64], time: i64) -> usize {
    let gap = shown
        .windows(2)
        .position(|pair| pair[0] < time && time < pair[1]);
    match gap {
        Some(before) => {
            let on = time - shown[before];
            (before + on as usize).min(shown.len() - 1)
        }
        None if time < shown[0] => 0,
        None => shown.len() - 1,
    }
}
