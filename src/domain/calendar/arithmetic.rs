//! The arithmetic of open time.

use chrono::NaiveDate;

use super::flat::{Flat, KNOWN_FROM, KNOWN_TO};
use super::{Calendar, CalendarError, HORIZON};
use crate::time::{DAY, Micros, Moment};

/// An open window, clipped to what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The local date it belongs to.
    pub date: NaiveDate,
    /// From when.
    pub opens: Moment,
    /// Until when.
    pub closes: Moment,
}

impl Calendar {
    /// The moment at which that much open time after `start` is used up.
    ///
    /// A budget used up exactly at a closing is due at that closing; a start in closed time counts from
    /// the next opening; a budget of zero is due at once from open time, else at the next opening.
    ///
    /// A negative budget is walked backwards.
    ///
    /// # Errors
    /// When ten years do not hold that much open time, or lie outside the years that are known.
    pub fn add(&self, start: Moment, budget: Micros) -> Result<Moment, CalendarError> {
        if budget < 0 {
            return self.sub(start, budget.saturating_neg());
        }
        let at = start.micros();
        let end = at.saturating_add(HORIZON);
        let last = end.min(KNOWN_TO - 1);
        let mut reach = at;
        loop {
            let (reached, valid_to) = self.ask(start, Moment::from_micros(reach), |flat| {
                (forward(flat, at, budget), flat.valid_to())
            })?;
            if let Some(reached) = reached.filter(|reached| *reached <= last) {
                return Ok(Moment::from_micros(reached));
            }
            if valid_to > last {
                break;
            }
            reach = (valid_to + 365 * DAY).min(last);
        }
        if last < end {
            return Err(self.out_of_range(start, Moment::from_micros(end)));
        }
        Err(self.too_little(start))
    }

    /// The mirror image of [`Calendar::add`]: the moment from which that much open time leads to `end`.
    ///
    /// A budget used up exactly at an opening gives that opening; zero from closed time gives the
    /// closing before.
    ///
    /// # Errors
    /// As for [`Calendar::add`].
    pub fn sub(&self, end: Moment, budget: Micros) -> Result<Moment, CalendarError> {
        if budget < 0 {
            return self.add(end, budget.saturating_neg());
        }
        let at = end.micros();
        let begin = at.saturating_sub(HORIZON);
        let first = begin.max(KNOWN_FROM);
        let mut reach = at;
        loop {
            let (reached, valid_from) = self.ask(Moment::from_micros(reach), end, |flat| {
                (backward(flat, at, budget), flat.valid_from())
            })?;
            if let Some(reached) = reached.filter(|reached| *reached >= first) {
                return Ok(Moment::from_micros(reached));
            }
            if valid_from <= first {
                break;
            }
            reach = (valid_from - 365 * DAY).max(first);
        }
        if first > begin {
            return Err(self.out_of_range(Moment::from_micros(begin), end));
        }
        Err(self.too_little(Moment::from_micros(first)))
    }

    /// Whether it opens at all in the 366 days from that moment on.
    ///
    /// # Errors
    /// When they lie outside the years that are known.
    pub fn opens_within_a_year(&self, from: Moment) -> Result<bool, CalendarError> {
        Ok(self.open_between(from, from + 366 * DAY)? > 0)
    }

    /// Open time between two moments; none when they stand in the wrong order.
    ///
    /// # Errors
    /// When they lie too far apart, or outside the years that are known.
    pub fn open_between(&self, from: Moment, to: Moment) -> Result<Micros, CalendarError> {
        if to <= from {
            return Ok(0);
        }
        self.ask(from, to, |flat| {
            flat.position(to.micros()) - flat.position(from.micros())
        })
    }

    /// Whether that moment lies in a window, `[open, close)`.
    ///
    /// # Errors
    /// When it lies outside the years that are known.
    pub fn is_open(&self, at: Moment) -> Result<bool, CalendarError> {
        self.ask(at, at, |flat| {
            let window = flat.closing_after(at.micros());
            flat.open(window).is_some_and(|open| open <= at.micros())
        })
    }

    /// The moment itself when it is open, else the next opening.
    ///
    /// # Errors
    /// When there is none within ten years.
    pub fn next_opening(&self, at: Moment) -> Result<Moment, CalendarError> {
        self.add(at, 0)
    }

    /// The windows between two moments, each with the local date it belongs to, in order; overlapping
    /// ones are given once, with the date of the first.
    ///
    /// # Errors
    /// When the moments lie too far apart, or outside the years that are known.
    pub fn spans(&self, from: Moment, to: Moment) -> Result<Vec<Span>, CalendarError> {
        if to <= from {
            return Ok(Vec::new());
        }
        self.ask(from, to, |_| ())?;
        let mut spans: Vec<Span> = Vec::new();
        let mut date = self.date_at(from - 3 * DAY);
        let last = self.date_at(to + 3 * DAY);
        while date <= last {
            let windows = self.windows(date).into_iter();
            spans.extend(windows.map(|(opens, closes)| Span {
                date,
                opens,
                closes,
            }));
            let Some(next) = date.succ_opt() else { break };
            date = next;
        }
        spans.sort_by_key(|span| (span.opens, span.closes));
        let mut apart: Vec<Span> = Vec::new();
        for span in spans {
            let before = apart.last().map_or(from, |span| span.closes);
            let (opens, closes) = (span.opens.max(before).max(from), span.closes.min(to));
            if opens < closes {
                apart.push(Span {
                    date: span.date,
                    opens,
                    closes,
                });
            }
        }
        Ok(apart)
    }

    pub(super) fn too_little(&self, from: Moment) -> CalendarError {
        CalendarError::NoOpenTime {
            calendar: self.name.clone(),
            from,
        }
    }
}

/// Nothing when what is compiled does not reach far enough.
fn forward(flat: &Flat, at: i64, budget: Micros) -> Option<i64> {
    let first = flat.closing_after(at);
    let open = flat.open(first)?;
    if budget == 0 {
        return Some(at.max(open)).filter(|reached| *reached < flat.valid_to());
    }
    let start = at.max(open);
    // Usually a short budget ends within the same window.
    if budget <= flat.close(first) - start {
        return Some(start + budget).filter(|reached| *reached < flat.valid_to());
    }
    let target = (flat.before(first) + (start - open)).checked_add(budget)?;
    let window = flat.reaching(target);
    let reached = flat.open(window)? + (target - flat.before(window));
    (reached < flat.valid_to()).then_some(reached)
}

fn backward(flat: &Flat, at: i64, budget: Micros) -> Option<i64> {
    if budget == 0 {
        // Seen backwards a window is (open, close]: its closing is in it, its opening is not.
        let window = flat.closing_after(at - 1);
        if flat.open(window).is_some_and(|open| open < at) {
            return Some(at);
        }
        let before = window.checked_sub(1)?;
        return Some(flat.close(before)).filter(|closed| *closed >= flat.valid_from());
    }
    let target = flat
        .position(at)
        .checked_sub(budget)
        .filter(|target| *target >= 0)?;
    let window = flat.exceeding(target);
    let reached = flat.open(window)? + (target - flat.before(window));
    (reached >= flat.valid_from()).then_some(reached)
}
