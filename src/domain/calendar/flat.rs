//! A calendar compiled: flat windows in UTC with running sums, so that a deadline is two searches.

use std::collections::HashMap;

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use chrono_tz::Tz;

use super::offsets::Rules;
use super::{Hours, Ruled, Window, is_known};
use crate::time::{DAY, Micros, Moment, SECOND};

/// Windows in UTC, in order, apart from each other, none empty.
///
/// Laid out so that a deadline in a calendar that lies in no cache touches few lines of memory: one for
/// this, one for each of two places in the index, one for each of two windows. With five arrays of
/// microseconds and a binary search a cold deadline took 770 ns on the machine where this takes under
/// 400.
#[repr(align(64))]
pub(super) struct Flat {
    /// Answers are right for moments in `[valid_from, valid_to)`, in microseconds.
    valid_from: i64,
    valid_to: i64,
    windows: Box<[Slot]>,
    /// For each day of UTC since `valid_from` the first window that closes after it begins; behind
    /// them, for each `step` of open time, the first window through which that much is reached.
    index: Box<[u32]>,
    /// How many places of the index are days.
    days: usize,
    /// Open time in microseconds from one place of the rest of the index to the next.
    step: i64,
}

/// A window in whole seconds, as all zones and hours are: 136 years fit.
#[derive(Clone, Copy)]
struct Slot {
    /// Since the origin.
    open: u32,
    close: u32,
    /// Open time before it, counted from the first window.
    before: u32,
}

impl Slot {
    fn before(self) -> i64 {
        i64::from(self.before) * SECOND
    }

    /// Open time up to its end.
    fn through(self) -> i64 {
        (i64::from(self.before) + i64::from(self.close - self.open)) * SECOND
    }
}

/// Zone data names every change of an offset from here on …
pub(super) const KNOWN_FROM: i64 = -2_208_988_800 * SECOND; // 1900-01-01T00:00:00Z
/// … up to here; after it, summer time would silently be missing.
pub(super) const KNOWN_TO: i64 = 4_102_444_800 * SECOND; // 2100-01-01T00:00:00Z

/// Zones reach 14 hours from UTC, windows 48 hours from their date.
const MARGIN: Days = Days::new(4);
/// How far before the covered stretch a window may open: the margin, and as much again for zones.
const REACH: Micros = 8 * DAY;
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
            windows: Box::default(),
            index: Box::default(),
            days: 0,
            step: 1,
        }
    }

    /// Whether answers for that stretch are right.
    pub(super) fn covers(&self, from: Moment, to: Moment) -> bool {
        self.valid_from <= from.micros() && to.micros() < self.valid_to
    }

    /// Compiled for that stretch, and for what was known before where that stays within bounds.
    pub(super) fn grown(&self, layers: &[Ruled], from: Moment, to: Moment) -> Option<Self> {
        let (asked_from, asked_to) = (from.micros(), to.micros());
        if !is_known(from) || !is_known(to) {
            return None;
        }
        if asked_to - asked_from > WIDEST {
            return None;
        }
        let (mut first, mut last) = (asked_from - AHEAD / 8, asked_to + AHEAD);
        if self.valid_to > self.valid_from {
            let (low, high) = (first.min(self.valid_from), last.max(self.valid_to));
            if high - low <= WIDEST + AHEAD {
                (first, last) = (low, high);
            }
        }
        let first = Moment::from_micros(first.max(KNOWN_FROM)).date_in(Tz::UTC);
        let last = Moment::from_micros(last.min(KNOWN_TO)).date_in(Tz::UTC);
        Self::compile(layers, first, last)
    }

    fn compile(layers: &[Ruled], first: NaiveDate, last: NaiveDate) -> Option<Self> {
        let mut windows: Vec<(i64, i64)> = Vec::new();
        let mut readers: Vec<Reader<'_>> = layers.iter().map(Reader::new).collect();
        let mut date = first.checked_sub_days(MARGIN)?;
        let end = last.checked_add_days(MARGIN)?;
        while date <= end {
            // In order of their first date, so the last that has begun stands before the others.
            let begun =
                readers.partition_point(|reader| reader.from.is_none_or(|from| from <= date));
            if let Some(reader) = begun.checked_sub(1).and_then(|last| readers.get_mut(last)) {
                reader.read(date, &mut windows);
            }
            date = date.succ_opt()?;
        }
        windows.sort_unstable();
        let mut flat = Self::empty();
        flat.valid_from = midnight(first);
        flat.valid_to = midnight(last);
        flat.windows = flat.slots(&windows)?;
        flat.build_index()?;
        Some(flat)
    }

    /// The windows, those that touch or overlap made one; nothing where they do not fit.
    fn slots(&self, windows: &[(i64, i64)]) -> Option<Box<[Slot]>> {
        let seconds = |at: i64| u32::try_from((at - self.origin()) / SECOND).ok();
        let mut slots: Vec<Slot> = Vec::with_capacity(windows.len());
        for (open, close) in windows {
            let (open, close) = (seconds(*open)?, seconds(*close)?);
            match slots.last_mut() {
                Some(last) if open <= last.close => last.close = close.max(last.close),
                _ => slots.push(Slot {
                    open,
                    close,
                    before: 0,
                }),
            }
        }
        let mut sum: u32 = 0;
        for slot in &mut slots {
            slot.before = sum;
            sum = sum.checked_add(slot.close - slot.open)?;
        }
        Some(slots.into_boxed_slice())
    }

    fn build_index(&mut self) -> Option<()> {
        let mut index = Vec::with_capacity(self.windows.len() * 2);
        let days = (self.valid_to - self.valid_from) / DAY;
        let mut window = 0;
        for day in 0..=days {
            let start = self.valid_from + day * DAY;
            while window < self.windows.len() && self.close(window) <= start {
                window += 1;
            }
            index.push(u32::try_from(window).ok()?);
        }
        self.days = index.len();
        let total = self.windows.last().map_or(0, |last| last.through());
        let count = i64::try_from(self.windows.len()).ok()?.max(1);
        self.step = (total / count).max(SECOND);
        let mut window = 0;
        for place in 0..=total / self.step {
            let reached = place * self.step;
            while self
                .windows
                .get(window)
                .is_some_and(|slot| slot.through() < reached)
            {
                window += 1;
            }
            index.push(u32::try_from(window).ok()?);
        }
        self.index = index.into_boxed_slice();
        Some(())
    }

    /// From where windows are counted; a little before the covered stretch, into which they reach.
    fn origin(&self) -> i64 {
        self.valid_from - REACH
    }

    /// When that window opens, if there is one.
    pub(super) fn open(&self, window: usize) -> Option<i64> {
        let slot = self.windows.get(window)?;
        Some(self.origin() + i64::from(slot.open) * SECOND)
    }

    /// When that window closes.
    pub(super) fn close(&self, window: usize) -> i64 {
        self.origin() + i64::from(self.windows[window].close) * SECOND
    }

    /// Open time before that window, counted from the first.
    pub(super) fn before(&self, window: usize) -> i64 {
        self.windows[window].before()
    }

    /// The first window through which that much open time is reached; past the last when none is.
    pub(super) fn reaching(&self, amount: i64) -> usize {
        self.first_where(amount, |slot| slot.through() < amount)
    }

    /// The first window through which more than that much open time is reached.
    pub(super) fn exceeding(&self, amount: i64) -> usize {
        self.first_where(amount, |slot| slot.through() <= amount)
    }

    fn first_where(&self, amount: i64, too_early: impl Fn(&Slot) -> bool) -> usize {
        let place = usize::try_from(amount / self.step).unwrap_or(0) + self.days;
        let Some(first) = self.index.get(place).map(|first| *first as usize) else {
            return self.windows.len();
        };
        // Usually it is this one or the next.
        let mut window = first;
        for _ in 0..4 {
            match self.windows.get(window) {
                Some(slot) if too_early(slot) => window += 1,
                _ => return window,
            }
        }
        window + self.windows[window..].partition_point(too_early)
    }

    /// The first window that closes after that moment, which must lie in the covered stretch.
    pub(super) fn closing_after(&self, at: i64) -> usize {
        let day = usize::try_from((at - self.valid_from) / DAY).unwrap_or(0);
        let mut window = if day < self.days {
            self.index[day] as usize
        } else {
            self.windows.len()
        };
        while window < self.windows.len() && self.close(window) <= at {
            window += 1;
        }
        window
    }

    /// Open time before that moment, counted from the first window.
    pub(super) fn position(&self, at: i64) -> i64 {
        let window = self.closing_after(at);
        match self.open(window) {
            Some(open) => self.before(window) + (at - open).max(0),
            None => self.windows.last().map_or(0, |last| last.through()),
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

/// Reads the windows of one layer date by date.
struct Reader<'a> {
    from: Option<NaiveDate>,
    hours: &'a Hours,
    rules: &'a Rules,
    exceptions: HashMap<NaiveDate, &'a [Window]>,
    /// The offsets at midnight UTC of the dates from the one before `probed` to three after it.
    offsets: [i32; 5],
    probed: Option<NaiveDate>,
}

impl<'a> Reader<'a> {
    fn new(layer: &'a Ruled) -> Self {
        let mut exceptions: HashMap<NaiveDate, &'a [Window]> = HashMap::new();
        for exception in &layer.hours.exceptions {
            exceptions
                .entry(exception.date)
                .or_insert(&exception.windows);
        }
        Self {
            from: layer.from,
            hours: &layer.hours,
            rules: &layer.rules,
            exceptions,
            offsets: [0; 5],
            probed: None,
        }
    }

    fn read(&mut self, date: NaiveDate, into: &mut Vec<(i64, i64)>) {
        let windows = match self.exceptions.get(&date) {
            Some(windows) => windows,
            None => self.hours.week.of(date.weekday()),
        };
        if windows.is_empty() {
            return;
        }
        match self.steady_offset(date) {
            Some(offset) => {
                let start = midnight(date) - i64::from(offset) * SECOND;
                into.extend(windows.iter().map(|window| {
                    let (open, close) = (i64::from(window.open), i64::from(window.close));
                    (start + open * SECOND, start + close * SECOND)
                }));
            }
            None => {
                let windows = utc_windows(self.hours, self.rules, date).into_iter();
                into.extend(windows.map(|(open, close)| (open.micros(), close.micros())));
            }
        }
    }

    /// The offset that holds for all that a window of this date can touch, where it is one: almost
    /// always, and then wall clocks are a subtraction. The local date and the one after it lie between
    /// midnight UTC of the day before and of three days after. Seen at each midnight between, a change
    /// would stay hidden only if it were undone within a day, which no zone did since 1900.
    fn steady_offset(&mut self, date: NaiveDate) -> Option<i32> {
        let rules = self.rules;
        let probe =
            |days: i64| rules.offset_at((date + TimeDelta::days(days)).and_time(NaiveTime::MIN));
        if self.probed.is_some() && self.probed == date.pred_opt() {
            self.offsets.rotate_left(1);
            self.offsets[4] = probe(3);
        } else {
            self.offsets = [-1, 0, 1, 2, 3].map(probe);
        }
        self.probed = Some(date);
        let [first, rest @ ..] = self.offsets;
        rest.iter().all(|offset| *offset == first).then_some(first)
    }
}

fn midnight(date: NaiveDate) -> i64 {
    date.and_time(NaiveTime::MIN).and_utc().timestamp_micros()
}

/// The windows of a local date in UTC, in order of entry; those that become empty vanish, and a date
/// that the zone skipped has none.
pub(super) fn utc_windows(hours: &Hours, rules: &Rules, date: NaiveDate) -> Vec<(Moment, Moment)> {
    let windows = hours.windows_on(date);
    if windows.is_empty() || rules.skip(date) {
        return Vec::new();
    }
    let utc = |window: &Window| {
        let open = rules.opening(at_second(date, window.open));
        let close = rules.closing(at_second(date, window.close));
        (open < close).then_some((open, close))
    };
    windows.iter().filter_map(utc).collect()
}

fn at_second(date: NaiveDate, seconds: u32) -> NaiveDateTime {
    date.and_time(NaiveTime::MIN) + TimeDelta::seconds(i64::from(seconds))
}
