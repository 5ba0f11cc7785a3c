//! Periods that reports are made for: local dates, which every contract reads in its own zone.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, Months, NaiveDate, NaiveTime};
use chrono_tz::Tz;
use serde::{Serialize, Serializer};

use super::calendar::opening;
use super::reading;
use crate::time::Moment;

/// From 00:00 of one date to 00:00 of a later one, which is not in it.
///
/// It has no zone of its own: what happened belongs to the period that holds the moment in the
/// contract's zone, so for each contract the period is another pair of moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Period {
    from: NaiveDate,
    to: NaiveDate,
}

/// How a period is written.
pub const FORMS: &str = "2026-10 (a month), 2026-Q4 (a quarter), 2026 (a year) or 2026-10-05..2026-10-19 (from a date to the one before the second)";

impl Period {
    /// The dates from `from` up to the one before `to`.
    ///
    /// # Errors
    /// A sentence for the person who entered it, when there is no date between them or they lie more
    /// than ten years apart.
    pub fn new(from: NaiveDate, to: NaiveDate) -> Result<Self, String> {
        if to <= from {
            return Err(format!(
                "a period from {from} cannot end before {to}; its end is the first date that is not in it any more"
            ));
        }
        if from
            .checked_add_months(Months::new(120))
            .is_none_or(|most| to > most)
        {
            return Err(format!(
                "the period from {from} to {to} is longer than ten years"
            ));
        }
        Ok(Self { from, to })
    }

    /// The month of that date.
    pub fn month_of(date: NaiveDate) -> Self {
        let from = date.with_day(1).unwrap_or(date);
        Self {
            from,
            to: later(from, 1),
        }
    }

    /// The whole month before that date's: what a report that is made on that date is about.
    pub fn month_before(date: NaiveDate) -> Self {
        let first = Self::month_of(date).from;
        // Before the first month that chrono knows there is nothing to report.
        Self::month_of(first.pred_opt().unwrap_or(first))
    }

    /// The first date.
    pub fn from(self) -> NaiveDate {
        self.from
    }

    /// The first date that is not in it any more.
    pub fn to(self) -> NaiveDate {
        self.to
    }

    /// The last date that is in it.
    pub fn last(self) -> NaiveDate {
        self.to.pred_opt().unwrap_or(self.to)
    }

    /// The moments at which it begins and ends in a zone. A midnight that does not exist moves forward
    /// by the length of the gap; of one that exists twice the first counts.
    pub fn bounds(self, zone: Tz) -> (Moment, Moment) {
        (midnight(zone, self.from), midnight(zone, self.to))
    }

    /// The moments between which it lies wherever on earth one is.
    pub fn widest(self) -> (Moment, Moment) {
        let (from, to) = self.bounds(Tz::UTC);
        // No zone was ever further than 16 hours from UTC.
        let margin = 16 * crate::time::HOUR;
        (from - margin, to + margin)
    }
}

/// 00:00 of a local date.
fn midnight(zone: Tz, date: NaiveDate) -> Moment {
    opening(zone, date.and_time(NaiveTime::MIN))
}

fn later(date: NaiveDate, months: u32) -> NaiveDate {
    date.checked_add_months(Months::new(months))
        .unwrap_or(NaiveDate::MAX)
}

/// The shortest way to write it: `2026-10`, `2026-Q4`, `2026`, else both dates.
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month) = (self.from.year(), self.from.month());
        let lasts = |months| self.from.day() == 1 && self.to == later(self.from, months);
        if lasts(1) {
            write!(f, "{year:04}-{month:02}")
        } else if lasts(3) && month % 3 == 1 {
            write!(f, "{year:04}-Q{}", month / 3 + 1)
        } else if lasts(12) && month == 1 {
            write!(f, "{year:04}")
        } else {
            write!(f, "{}..{}", self.from, self.to)
        }
    }
}

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some((from, to)) = text.split_once("..") {
            return Self::new(reading::date(from.trim())?, reading::date(to.trim())?);
        }
        let wrong = || format!("\"{text}\" is not a period; write it like {FORMS}");
        let (first, months) = match text.split_once('-') {
            None => (format!("{text}-01-01"), 12),
            Some((year, quarter)) if quarter.starts_with(['Q', 'q']) => {
                let quarter: u32 = quarter[1..].parse().map_err(|_| wrong())?;
                if !(1..=4).contains(&quarter) || text.len() != 7 {
                    return Err(wrong());
                }
                (format!("{year}-{:02}-01", 3 * quarter - 2), 3)
            }
            Some(_) => (format!("{text}-01"), 1),
        };
        let from = reading::date(&first).map_err(|_| wrong())?;
        Self::new(from, later(from, months))
    }
}

/// By its text.
impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(text: &str) -> Period {
        text.parse().unwrap()
    }

    #[test]
    fn months_quarters_years_and_dates_are_read_and_written_alike() {
        let table = [
            ("2026-10", "2026-10-01", "2026-10-31"),
            ("2026-12", "2026-12-01", "2026-12-31"),
            ("2024-02", "2024-02-01", "2024-02-29"),
            ("2026-Q4", "2026-10-01", "2026-12-31"),
            ("2026-Q1", "2026-01-01", "2026-03-31"),
            ("2026", "2026-01-01", "2026-12-31"),
            ("2026-10-05..2026-10-19", "2026-10-05", "2026-10-18"),
        ];
        for (text, first, last) in table {
            let period = period(text);
            assert_eq!(period.from().to_string(), first, "{text}");
            assert_eq!(period.last().to_string(), last, "{text}");
            assert_eq!(period.to_string(), text);
        }
        assert_eq!(period("2026-10-01..2026-11-01").to_string(), "2026-10");
        assert_eq!(period("2026-q2"), period("2026-04-01..2026-07-01"));
    }

    #[test]
    fn what_is_no_period_is_refused_with_the_way_out() {
        let wrong = [
            "",
            "October",
            "2026-13",
            "2026-00",
            "2026-Q0",
            "2026-Q5",
            "2026-Q",
            "2026-Q04",
            "26-10",
            "2026-1",
            "0000",
            "2026-10-05",
            "2026-10-05..",
            "2026-10-05..2026-10-32",
        ];
        for text in wrong {
            let error = text.parse::<Period>().unwrap_err();
            assert!(error.contains("2026-1"), "{text}: {error}");
        }
        let backwards = "2026-10-19..2026-10-05".parse::<Period>().unwrap_err();
        assert!(backwards.contains("cannot end before"), "{backwards}");
        assert!("2026-10-05..2026-10-05".parse::<Period>().is_err());
        assert!(
            "2001-01-01..2026-01-01"
                .parse::<Period>()
                .unwrap_err()
                .contains("ten years")
        );
    }

    #[test]
    fn each_zone_has_its_own_moments_and_october_has_25_hours_on_one_day() {
        let october = period("2026-10");
        let (from, to) = october.bounds(Tz::Europe__Berlin);
        assert_eq!(from.to_string(), "2026-09-30T22:00:00Z");
        assert_eq!(to.to_string(), "2026-10-31T23:00:00Z");
        assert_eq!(to - from, (31 * 24 + 1) * crate::time::HOUR);
        let (from, _) = october.bounds(Tz::Asia__Shanghai);
        assert_eq!(from.to_string(), "2026-09-30T16:00:00Z");
        let (earliest, latest) = october.widest();
        for zone in chrono_tz::TZ_VARIANTS {
            let (from, to) = october.bounds(zone);
            assert!(earliest <= from && to <= latest, "{zone}");
        }
    }

    #[test]
    fn a_midnight_in_the_gap_moves_forward() {
        // Beirut puts its clocks forward at midnight: 2026-03-29 begins at 01:00.
        let (from, _) = period("2026-03-29..2026-03-30").bounds(Tz::Asia__Beirut);
        assert_eq!(from.to_string(), "2026-03-28T22:00:00Z");
    }

    #[test]
    fn the_month_before_is_whole_also_over_new_year() {
        let before = |date: &str| Period::month_before(date.parse().unwrap()).to_string();
        assert_eq!(before("2026-11-23"), "2026-10");
        assert_eq!(before("2026-11-01"), "2026-10");
        assert_eq!(before("2027-01-31"), "2026-12");
        assert_eq!(before("2026-03-31"), "2026-02");
    }
}
