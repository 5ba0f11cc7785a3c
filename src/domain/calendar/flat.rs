//! A calendar compiled: flat windows in UTC with running sums, so that a deadline is two searches.

use chrono::{Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;

use super::{Hours, Layer, Window};
use crate::time::{DAY, Micros, Moment};

/// Windows in UTC microseconds, in order, apart from each other, none empty.
pub(super) struct Flat {
    /// Answers are right for moments in `[valid_from, valid_to)`.
    valid_from: i64,
    valid_to: i64,
    pub(super) opens: Vec<i64>,
    pub(super) closes: Vec<i64>,
    /// Open time before each window.
    pub(super) before: Vec<i64>,
    /// Open time up to the end of each window.
    pub(super) through: Vec<i64>,
    /// For each day of UTC since `valid_from` the first window that closes after it begins.
    days: Vec<u32>,
}

/// Zones reach 14 hours from UTC, windows 48 hours from their date.
const MARGIN: i64 = 4;
/// What is compiled beyond the question, so that the next one is answered too.
const AHEAD: Micros = 400 * DAY;
/// More than this at once is nobody's commitment.
const WIDEST: Micros = 100 * 366 * DAY;

impl Flat {
    /// Nothing compiled yet.
    pub(super) fn empty() -> Self {
        Self {
            valid_from: 0,
            valid_to: 0,
            opens: Vec::new(),
            closes: Vec::new(),
            before: Vec::new(),
            through: Vec::new(),
            days: Vec::new(),
        }
    }

    /// Whether answers for that stretch are right.
    pub(super) fn covers(&self, from: Moment, to: Moment) -> bool {
        self.valid_from <= from.micros() && to.micros() < self.valid_to
    }

    /// Compiled for that stretch, and for what was known before where that stays within bounds.
    pub(super) fn grown(&self, layers: &[Layer], from: Moment, to: Moment) -> Option<Self> {
        let (asked_from, asked_to) = (from.micros(), to.micros());
        if asked_to.checked_sub(asked_from)? > WIDEST {
            return None;
        }
        let (mut first, mut last) = (asked_from - AHEAD / 8, asked_to + AHEAD);
        if self.valid_to > self.valid_from {
            let (low, high) = (first.min(self.valid_from), last.max(self.valid_to));
            if high - low <= WIDEST + AHEAD {
                (first, last) = (low, high);
            }
        }
        let first = Moment::from_micros(first).utc().date_naive();
        let last = Moment::from_micros(last).utc().date_naive();
        Self::compile(layers, first, last)
    }

    fn compile(layers: &[Layer], first: NaiveDate, last: NaiveDate) -> Option<Self> {
        let mut windows: Vec<(i64, i64)> = Vec::new();
        let mut date = first.checked_sub_days(Days::new(MARGIN.unsigned_abs()))?;
        let end = last.checked_add_days(Days::new(MARGIN.unsigned_abs()))?;
        while date <= end {
            if let Some(layer) = layers
                .iter()
                .rev()
                .find(|layer| layer.from.is_none_or(|from| from <= date))
            {
                windows.extend(
                    utc_windows(&layer.hours, date)
                        .into_iter()
                        .map(|(open, close)| (open.micros(), close.micros())),
                );
            }
            date = date.succ_opt()?;
        }
        windows.sort_unstable();
        let mut flat = Self::empty();
        flat.valid_from = midnight(first);
        flat.valid_to = midnight(last);
        for (open, close) in windows {
            match flat.closes.last_mut() {
                Some(before) if open <= *before => *before = close.max(*before),
                _ => {
                    flat.opens.push(open);
                    flat.closes.push(close);
                }
            }
        }
        let mut sum = 0;
        for (open, close) in flat.opens.iter().zip(&flat.closes) {
            flat.before.push(sum);
            sum += close - open;
            flat.through.push(sum);
        }
        let days = usize::try_from((flat.valid_to - flat.valid_from) / DAY).ok()?;
        let mut window = 0;
        for day in 0..=days {
            let start = flat.valid_from + i64::try_from(day).ok()? * DAY;
            while flat.closes.get(window).is_some_and(|close| *close <= start) {
                window += 1;
            }
            flat.days.push(u32::try_from(window).ok()?);
        }
        Some(flat)
    }

    /// The first window that closes after that moment, which must lie in the covered stretch.
    pub(super) fn closing_after(&self, at: i64) -> usize {
        let day = usize::try_from((at - self.valid_from) / DAY).unwrap_or(0);
        let mut window = self
            .days
            .get(day)
            .map_or(self.closes.len(), |window| *window as usize);
        while self.closes.get(window).is_some_and(|close| *close <= at) {
            window += 1;
        }
        window
    }

    /// Open time before that moment, counted from the first window.
    pub(super) fn position(&self, at: i64) -> i64 {
        let window = self.closing_after(at);
        match self.opens.get(window) {
            Some(open) => self.before[window] + (at - open).max(0),
            None => self.through.last().copied().unwrap_or(0),
        }
    }

    /// Where the covered stretch ends.
    pub(super) fn valid_to(&self) -> i64 {
        self.valid_to
    }

    /// Where the covered stretch begins.
    pub(super) fn valid_from(&self) -> i64 {
        self.valid_from
    }
}

fn midnight(date: NaiveDate) -> i64 {
    date.and_time(NaiveTime::MIN).and_utc().timestamp_micros()
}

/// The windows of a local date in UTC, in order of entry; those that become empty vanish, and a date
/// that the zone skipped has none.
pub(super) fn utc_windows(hours: &Hours, date: NaiveDate) -> Vec<(Moment, Moment)> {
    let windows = hours.windows_on(date);
    if windows.is_empty() || is_skipped(hours.time_zone, date) {
        return Vec::new();
    }
    let utc = |window: &Window| {
        let open = opening(hours.time_zone, at_second(date, window.open));
        let close = closing(hours.time_zone, at_second(date, window.close));
        (open < close).then_some((open, close))
    };
    windows.iter().filter_map(utc).collect()
}

fn at_second(date: NaiveDate, seconds: u32) -> NaiveDateTime {
    date.and_time(NaiveTime::MIN) + TimeDelta::seconds(i64::from(seconds))
}

fn is_skipped(zone: Tz, date: NaiveDate) -> bool {
    [at_second(date, 0), at_second(date, 86_399)]
        .iter()
        .all(|local| matches!(zone.offset_from_local_datetime(local), LocalResult::None))
}

/// The instant of a wall-clock time that opens: the first of two, and moved forward by the length of
/// the gap where it does not exist.
pub(super) fn opening(zone: Tz, local: NaiveDateTime) -> Moment {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.to_utc().into(),
        LocalResult::None => past_the_gap(zone, local),
    }
}

/// The instant of a wall-clock time that closes: the second of two, and moved forward by the length
/// of the gap where it does not exist.
pub(super) fn closing(zone: Tz, local: NaiveDateTime) -> Moment {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(_, at) => at.to_utc().into(),
        LocalResult::None => past_the_gap(zone, local),
    }
}

/// Read with the offset before the gap, a time inside it comes out moved by the gap's length.
fn past_the_gap(zone: Tz, local: NaiveDateTime) -> Moment {
    use chrono::Offset;
    for hours in 1..=48 {
        let earlier = local - TimeDelta::hours(hours);
        if let LocalResult::Single(offset) | LocalResult::Ambiguous(_, offset) =
            zone.offset_from_local_datetime(&earlier)
        {
            return (local - offset.fix()).and_utc().into();
        }
    }
    local.and_utc().into()
}
