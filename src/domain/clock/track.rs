//! How the time of one lap is counted: from where, through which calendar, with which holds.

use std::sync::Arc;

use super::super::calendar::{Calendar, CalendarError};
use crate::time::{Micros, Moment};

/// A stretch that does not count; open-ended while it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// From when.
    pub from: Moment,
    /// Until when.
    pub to: Option<Moment>,
}

/// The arithmetic of one lap.
#[derive(Clone, Debug)]
pub struct Track {
    /// The calendar in force.
    pub calendar: Arc<Calendar>,
    /// From where time counts.
    pub base: Moment,
    /// Part of the budget that was used up before `base`.
    pub carried: Micros,
    /// The whole budget, in microseconds of open time.
    pub budget: Micros,
    /// The due moment of a business-day target as the rule writes it, even in closed time.
    pub written: Option<Moment>,
    /// Stretches that do not count, in order and apart from each other; the first may have begun before
    /// `base`, but none ended by then.
    pub holds: Vec<Held>,
}

impl Track {
    /// When the budget is used up; nothing while a hold keeps that open.
    ///
    /// Untouched by a hold, a business-day target is due exactly as written; after one, the
    /// remainder of its budget is walked.
    ///
    /// # Errors
    /// When the calendar has too little open time in its horizon.
    pub fn due(&self) -> Result<Option<Moment>, CalendarError> {
        let Some(written) = self.written.filter(|_| self.carried == 0) else {
            return self.reach(self.budget);
        };
        for hold in self.holds.iter().filter(|hold| hold.from < written) {
            let Some(to) = hold.to else {
                return Ok(None);
            };
            let from = hold.from.max(self.base);
            if self.calendar.open_between(from, to.min(written))? > 0 {
                return self.reach(self.budget);
            }
            if to > written {
                return Ok(Some(to));
            }
        }
        Ok(Some(written))
    }

    /// When that much of the budget is used up; nothing while a hold keeps that open.
    ///
    /// # Errors
    /// When the calendar has too little open time in its horizon.
    pub fn reach(&self, amount: Micros) -> Result<Option<Moment>, CalendarError> {
        let mut remaining = (amount - self.carried).max(0);
        let mut cursor = self.base;
        for hold in &self.holds {
            let reached = self.calendar.add(cursor, remaining)?;
            // Used up at the very instant a hold begins: due at that instant.
            if reached <= hold.from {
                return Ok(Some(reached));
            }
            remaining -= self.calendar.open_between(cursor, hold.from)?;
            match hold.to {
                Some(to) => cursor = to,
                None => return Ok(None),
            }
        }
        self.calendar.add(cursor, remaining).map(Some)
    }

    /// The moment that lies `offset` of counted time before `from`, walking the windows and holds
    /// backwards; nothing when that is before the count began.
    ///
    /// # Errors
    /// When the calendar has too little open time in its horizon.
    pub fn back(&self, from: Moment, offset: Micros) -> Result<Option<Moment>, CalendarError> {
        if offset == 0 {
            return Ok(Some(from));
        }
        let mut remaining = offset;
        let mut cursor = from;
        for hold in self.holds.iter().rev().filter(|hold| hold.from < from) {
            let to = hold.to.unwrap_or(from).min(from);
            let counted = self.calendar.open_between(to, cursor)?;
            if remaining <= counted {
                return self.calendar.sub(cursor, remaining).map(Some);
            }
            remaining -= counted;
            cursor = hold.from;
        }
        let reached = self.calendar.sub(cursor, remaining)?;
        Ok((reached >= self.base).then_some(reached))
    }

    /// The moment that lies `offset` of counted time after `from`; nothing while a hold keeps that
    /// open.
    ///
    /// # Errors
    /// When the calendar has too little open time in its horizon.
    pub fn after(&self, from: Moment, offset: Micros) -> Result<Option<Moment>, CalendarError> {
        let rest = Track {
            base: from,
            carried: 0,
            budget: offset,
            written: None,
            holds: clip(self.holds.iter().copied(), from),
            calendar: Arc::clone(&self.calendar),
        };
        rest.reach(offset)
    }

    /// Open time between two moments that no hold covers.
    ///
    /// # Errors
    /// When the moments lie outside the calendar's years.
    pub fn counted(&self, from: Moment, to: Moment) -> Result<Micros, CalendarError> {
        let mut counted = self.calendar.open_between(from, to)?;
        for hold in &self.holds {
            let (start, end) = (hold.from.max(from), hold.to.unwrap_or(to).min(to));
            if start < end {
                counted -= self.calendar.open_between(start, end)?;
            }
        }
        Ok(counted)
    }

    /// How much of the budget is used up at that moment.
    ///
    /// # Errors
    /// When the moments lie outside the calendar's years.
    pub fn spent(&self, at: Moment) -> Result<Micros, CalendarError> {
        Ok(self.carried + self.counted(self.base, at)?)
    }
}

/// The holds that last beyond `base`, joined where they overlap.
///
/// One that began before keeps its beginning: what is used up at `base` is not used up at the instant a
/// pause begins.
pub(super) fn clip(holds: impl Iterator<Item = Held>, base: Moment) -> Vec<Held> {
    let lasting = |hold: &Held| hold.to.is_none_or(|to| to > base && to > hold.from);
    let mut joined: Vec<Held> = holds.filter(lasting).collect();
    joined.sort_by_key(|hold| hold.from);
    joined.dedup_by(|next, last| {
        let touches = last.to.is_none_or(|to| next.from <= to);
        if touches {
            last.to = last.to.zip(next.to).map(|(last, next)| last.max(next));
        }
        touches
    });
    joined
}
