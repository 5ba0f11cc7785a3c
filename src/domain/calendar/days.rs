//! Targets in business days.

use std::fmt;
use std::str::FromStr;

use chrono::{NaiveDate, NaiveTime};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Calendar, CalendarError, is_known};
use crate::time::Moment;

/// At which time of its last day a business-day target is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DayEnd {
    /// The wall-clock time of the start.
    SameTime,
    /// The last closing of that day.
    Close,
    /// That wall-clock time.
    At(NaiveTime),
}

impl fmt::Display for DayEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DayEnd::SameTime => f.write_str("same_time"),
            DayEnd::Close => f.write_str("close"),
            DayEnd::At(time) => write!(f, "{}", time.format("%H:%M")),
        }
    }
}

impl FromStr for DayEnd {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "same_time" => Ok(DayEnd::SameTime),
            "close" => Ok(DayEnd::Close),
            time if time.len() == 5 => NaiveTime::parse_from_str(time, "%H:%M")
                .map(DayEnd::At)
                .map_err(|_| wrong(text)),
            _ => Err(wrong(text)),
        }
    }
}

fn wrong(text: &str) -> String {
    format!("\"{text}\" is not same_time, close or a time of day such as 16:00")
}

impl Serialize for DayEnd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DayEnd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// When a business-day target begins to count and when it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BusinessDue {
    /// The start, moved to the opening of day 0 where its own date has no open time left.
    pub start: Moment,
    /// The due moment as written, even in closed time.
    pub due: Moment,
}

/// Dates searched for a business day before giving up: ten years.
const DATES: u32 = 3_653;

impl Calendar {
    /// The due moment of `days` business days after `start`.
    ///
    /// A business day is a local date on which a window opens. Day 0 is the start's date if it is one
    /// with open time left, else the next one, and the start moves to its opening. With no days to go,
    /// a time that has passed means that of the next business day. A local time that exists twice takes
    /// the second.
    ///
    /// # Errors
    /// When ten years do not hold that many business days, or lie outside the years that are known.
    pub fn business_days(
        &self,
        start: Moment,
        days: u32,
        at: DayEnd,
    ) -> Result<BusinessDue, CalendarError> {
        let asked = start;
        if !is_known(asked) {
            return Err(self.out_of_range(asked, asked));
        }
        let mut left = DATES;
        let today = self.date_at(start);
        let open_today = self.windows(today);
        let (start, mut date) = if open_today.iter().any(|(_, closes)| *closes > start) {
            (start, today)
        } else {
            let date = self.business_day_after(today, &mut left, start)?;
            let opens = self.windows(date).iter().map(|(opens, _)| *opens).min();
            (opens.unwrap_or(start), date)
        };
        for _ in 0..days {
            date = self.business_day_after(date, &mut left, start)?;
        }
        let mut due = self.end_of(date, at, start);
        if days == 0 && due < start {
            date = self.business_day_after(date, &mut left, start)?;
            due = self.end_of(date, at, start);
        }
        if !is_known(due) {
            return Err(self.out_of_range(asked, due));
        }
        Ok(BusinessDue { start, due })
    }

    fn business_day_after(
        &self,
        date: NaiveDate,
        left: &mut u32,
        start: Moment,
    ) -> Result<NaiveDate, CalendarError> {
        let mut date = date;
        while *left > 0 {
            *left -= 1;
            date = date.succ_opt().ok_or_else(|| self.too_little(start))?;
            if !self.windows(date).is_empty() {
                return Ok(date);
            }
        }
        Err(self.too_little(start))
    }

    fn end_of(&self, date: NaiveDate, at: DayEnd, start: Moment) -> Moment {
        let time = match at {
            DayEnd::Close => {
                let closes = self
                    .windows(date)
                    .into_iter()
                    .map(|(_, closes)| closes)
                    .max();
                return closes.unwrap_or(start);
            }
            DayEnd::SameTime if date == self.local_on(date, start).date() => return start,
            DayEnd::SameTime => self.local_on(date, start).time(),
            DayEnd::At(time) => time,
        };
        self.closing_on(date, time)
    }
}
