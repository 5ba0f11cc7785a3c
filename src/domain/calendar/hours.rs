//! Hours as they are entered and kept.

use std::fmt;

use chrono::{Datelike, NaiveDate, Weekday};
use chrono_tz::Tz;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Seconds of a local day of 24 hours.
const DAY: u32 = 86_400;

/// One revision of a calendar: a zone, windows for each weekday, exceptions by date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// The zone its wall clocks show.
    pub time_zone: Tz,
    /// Windows of each weekday.
    pub week: Week,
    /// Dates with other windows, or none; at most one for each date.
    #[serde(default)]
    pub exceptions: Vec<Exception>,
}

/// Windows of each weekday, from Monday on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Week(pub [Vec<Window>; 7]);

/// A date that does not keep the weekly hours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// The local date.
    pub date: NaiveDate,
    /// What it is called.
    #[serde(default)]
    pub name: String,
    /// The windows that replace the weekly ones; none: closed.
    #[serde(default)]
    pub windows: Vec<Window>,
}

/// A stretch of wall-clock time, `[open, close)`; one that closes on the next date belongs to the
/// date on which it opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    /// Seconds after local midnight, below 86,400.
    pub(super) open: u32,
    /// Seconds after the same midnight, above `open`, at most 48 hours.
    pub(super) close: u32,
}

impl Hours {
    /// The windows of a local date: those of its exception, else those of its weekday.
    pub fn windows_on(&self, date: NaiveDate) -> &[Window] {
        match self.exception_on(date) {
            Some(exception) => &exception.windows,
            None => self.week.of(date.weekday()),
        }
    }

    /// The exception of a local date, if it has one.
    pub fn exception_on(&self, date: NaiveDate) -> Option<&Exception> {
        self.exceptions
            .iter()
            .find(|exception| exception.date == date)
    }
}

impl Week {
    /// The windows of a weekday.
    pub fn of(&self, day: Weekday) -> &[Window] {
        &self.0[day.num_days_from_monday() as usize]
    }

    /// Open on all days, around the clock.
    pub fn around_the_clock() -> Self {
        Self(std::array::from_fn(|_| {
            vec![Window {
                open: 0,
                close: DAY,
            }]
        }))
    }

    /// Open at the same windows from Monday to Friday.
    pub fn working_days(windows: &[Window]) -> Self {
        Self(std::array::from_fn(|day| {
            if day < 5 {
                windows.to_vec()
            } else {
                Vec::new()
            }
        }))
    }
}

impl Window {
    /// Reads the two wall-clock times of a window, `HH:MM` or `HH:MM:SS`; the closing may be `24:00`,
    /// and one at or before the opening lies on the next date.
    ///
    /// # Errors
    /// A sentence for the person who entered it.
    pub fn parse(open: &str, close: &str) -> Result<Self, String> {
        let opens = wall_clock(open)?;
        let closes = wall_clock(close)?;
        if opens == DAY {
            return Err("a window cannot open at 24:00; write 00:00 of the next day".to_string());
        }
        if opens == closes {
            return Err(format!(
                "the window {open} to {close} has no length; around the clock is 00:00 to 24:00"
            ));
        }
        let close = if closes < opens { closes + DAY } else { closes };
        Ok(Self { open: opens, close })
    }

    /// When it opens, as one writes it.
    pub fn opens(self) -> String {
        written(self.open)
    }

    /// When it closes, as one writes it.
    pub fn closes(self) -> String {
        if self.close > DAY {
            written(self.close - DAY)
        } else {
            written(self.close)
        }
    }

    /// Whether it closes on the next date.
    pub fn crosses_midnight(self) -> bool {
        self.close > DAY
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}–{}", self.opens(), self.closes())
    }
}

fn wall_clock(text: &str) -> Result<u32, String> {
    let wrong = || {
        format!(
            "\"{text}\" is not a time of day; write it like 09:00, or 24:00 for the end of the day"
        )
    };
    let parts: Vec<&str> = text.trim().split(':').collect();
    let two_digits =
        |part: &&str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !(2..=3).contains(&parts.len()) || !parts.iter().all(two_digits) {
        return Err(wrong());
    }
    let mut numbers = parts
        .iter()
        .map(|part| part.parse::<u32>().unwrap_or(u32::MAX));
    let (hours, minutes, seconds) = (
        numbers.next().unwrap_or(u32::MAX),
        numbers.next().unwrap_or(u32::MAX),
        numbers.next().unwrap_or(0),
    );
    if hours > 24 || minutes > 59 || seconds > 59 || (hours == 24 && (minutes, seconds) != (0, 0)) {
        return Err(wrong());
    }
    Ok(hours * 3600 + minutes * 60 + seconds)
}

fn written(seconds: u32) -> String {
    let (hours, minutes, rest) = (seconds / 3600, seconds % 3600 / 60, seconds % 60);
    if rest == 0 {
        format!("{hours:02}:{minutes:02}")
    } else {
        format!("{hours:02}:{minutes:02}:{rest:02}")
    }
}

impl Serialize for Window {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        [self.opens(), self.closes()].serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Window {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let [open, close] = <[String; 2]>::deserialize(deserializer)?;
        Window::parse(&open, &close).map_err(D::Error::custom)
    }
}

text_enum! {
    /// A weekday as JSON names it.
    DayName {
        /// Monday.
        Mon = "mon",
        /// Tuesday.
        Tue = "tue",
        /// Wednesday.
        Wed = "wed",
        /// Thursday.
        Thu = "thu",
        /// Friday.
        Fri = "fri",
        /// Saturday.
        Sat = "sat",
        /// Sunday.
        Sun = "sun",
    }
}

impl Serialize for Week {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let days = DayName::ALL
            .iter()
            .zip(&self.0)
            .filter(|(_, windows)| !windows.is_empty());
        serializer.collect_map(days)
    }
}

impl<'de> Deserialize<'de> for Week {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let days = std::collections::BTreeMap::<DayName, Vec<Window>>::deserialize(deserializer)?;
        let mut week = Week::default();
        for (day, windows) in days {
            week.0[day as usize] = windows;
        }
        Ok(week)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_read_and_written_the_same_way() {
        for (open, close, crosses) in [
            ("09:00", "17:30", false),
            ("00:00", "24:00", false),
            ("22:00", "06:00", true),
            ("22:00", "24:00", false),
            ("08:00:30", "08:00:31", false),
        ] {
            let window = Window::parse(open, close).unwrap();
            assert_eq!(
                (window.opens(), window.closes()),
                (open.into(), close.into())
            );
            assert_eq!(window.crosses_midnight(), crosses, "{window}");
        }
        // Midnight as a closing is the end of the day, however it is written.
        let evening = Window::parse("18:00", "00:00").unwrap();
        assert_eq!(evening, Window::parse("18:00", "24:00").unwrap());
    }

    #[test]
    fn a_window_that_cannot_be_is_refused_with_the_way_out() {
        for (open, close, way_out) in [
            ("09:00", "09:00", "00:00 to 24:00"),
            ("00:00", "00:00", "00:00 to 24:00"),
            ("24:00", "06:00", "00:00 of the next day"),
            ("9:00", "17:00", "like 09:00"),
            ("09:00", "24:01", "like 09:00"),
            ("09:00", "17:60", "like 09:00"),
            ("09:00", "25:00", "like 09:00"),
            ("09:00", "5 pm", "like 09:00"),
            ("09:00", "17:00:00:00", "like 09:00"),
            ("٠٩:٠٠", "17:00", "like 09:00"),
            ("", "17:00", "like 09:00"),
        ] {
            let error = Window::parse(open, close).unwrap_err();
            assert!(error.contains(way_out), "{open} {close}: {error}");
        }
    }

    #[test]
    fn hours_are_kept_in_the_shape_in_which_they_are_entered() {
        let text = r#"{"time_zone":"Europe/Berlin","week":{"mon":[["09:00","12:30"],["13:30","18:00"]],"fri":[["22:00","06:00"]]},"exceptions":[{"date":"2026-12-25","name":"Christmas","windows":[]}]}"#;
        let hours: Hours = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&hours).unwrap(), text);
        for wrong in [
            r#"{"time_zone":"Berlin","week":{}}"#,
            r#"{"time_zone":"UTC","week":{"monday":[]}}"#,
            r#"{"time_zone":"UTC","week":{"mon":[["09:00"]]}}"#,
            r#"{"time_zone":"UTC","week":{},"hours":[]}"#,
        ] {
            assert!(serde_json::from_str::<Hours>(wrong).is_err(), "{wrong}");
        }
    }
}
