//! When a schedule runs, as a cron expression that is read on the wall of a zone.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Serialize, Serializer};

use crate::domain::calendar::opening;
use crate::time::{HOUR, Moment};

/// Longest expression, in characters.
const LONGEST: usize = 200;
/// No gap of any zone is longer: a zone that crosses the date line skips a whole day.
const LONGEST_GAP: i64 = 25 * HOUR;

/// A cron expression: five fields (minute, hour, day of the month, month, weekday), six with the
/// second before them, or one of `@monthly`, `@weekly`, `@daily`, `@hourly`, `@yearly`.
///
/// Weekdays are best written by name: as numbers they are counted as in Quartz, where 1 is Sunday,
/// and not as in the crontab of Unix. Where both a day of the month and a weekday are given, both
/// have to hold.
#[derive(Clone, Debug, diesel::deserialize::FromSqlRow)]
pub struct Cron {
    text: String,
    schedule: ::cron::Schedule,
}

impl Cron {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first moment after `after` at which it is due in that zone; none when it never is again.
    ///
    /// The expression is read on the wall, without any zone, and the wall's time then becomes a moment
    /// as in calendars: one that does not exist moves forward by the length of the gap, of one that
    /// exists twice the first counts.
    pub fn next_after(&self, after: Moment, zone: Tz) -> Option<Moment> {
        let before_gap = offset(zone, after - LONGEST_GAP);
        // A wall time in a gap is read with the offset before it, so the search begins there.
        let begin = after.utc() + before_gap.min(offset(zone, after));
        let mut found: Option<Moment> = None;
        for wall in self.schedule.after(&begin) {
            let wall: NaiveDateTime = wall.naive_utc();
            if let Some(found) = found {
                // Later times on the wall may be earlier moments, but only just after a gap.
                let most = before_gap.max(offset(zone, found));
                if wall >= found.utc().naive_utc() + most {
                    break;
                }
            }
            let at = opening(zone, wall);
            if at > after {
                found = Some(found.map_or(at, |found| found.min(at)));
            }
        }
        found
    }
}

/// How far the zone's wall is ahead of UTC at a moment.
fn offset(zone: Tz, at: Moment) -> TimeDelta {
    let seconds = zone.offset_from_utc_datetime(&at.utc().naive_utc()).fix();
    TimeDelta::seconds(i64::from(seconds.local_minus_utc()))
}

impl FromStr for Cron {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let wrong = |reason: &str| {
            format!(
                "\"{text}\" is not a cron expression{reason}; write minute, hour, day, month and weekday (by name), \
                 such as 0 8 1 * * for 08:00 on the first of each month"
            )
        };
        let fields: Vec<&str> = text.split_whitespace().collect();
        let expression = match fields.len() {
            1 | 6 => fields.join(" "),
            5 => format!("0 {}", fields.join(" ")),
            _ => return Err(wrong("")),
        };
        if text.chars().count() > LONGEST {
            return Err(format!(
                "a cron expression has at most {LONGEST} characters"
            ));
        }
        let schedule = ::cron::Schedule::from_str(&expression).map_err(|error| {
            // The last line of the library's message is the reason, the others draw where it stands.
            let said = error.to_string();
            wrong(&match said.lines().last().map(str::trim) {
                Some(reason) if !reason.is_empty() && !reason.contains('^') => {
                    format!(" ({reason})")
                }
                _ => String::new(),
            })
        })?;
        let start = DateTime::<Utc>::default();
        let mut first = schedule.after(&start);
        match (first.next(), first.next()) {
            (None, _) => Err(format!(
                "\"{text}\" never comes: there is no such date; write for example 0 8 1 * *"
            )),
            (Some(one), Some(two)) if two - one < TimeDelta::seconds(60) => Err(format!(
                "\"{text}\" comes more than once a minute; name one second, such as 0"
            )),
            _ => Ok(Self {
                text: fields.join(" "),
                schedule,
            }),
        }
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Serialize for Cron {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

from_text_column!(Cron, |text| text.parse::<Cron>());

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::SECOND;

    fn after(cron: &str, from: &str, zone: Tz, runs: usize) -> Vec<String> {
        let cron: Cron = cron.parse().unwrap();
        let mut at = Moment::parse(from).unwrap();
        let mut found = Vec::new();
        for _ in 0..runs {
            at = cron.next_after(at, zone).unwrap();
            found.push(at.in_zone(zone).format("%Y-%m-%dT%H:%M:%S%:z").to_string());
        }
        found
    }

    const BERLIN: Tz = Tz::Europe__Berlin;

    #[test]
    fn five_fields_and_six_and_words_say_the_same() {
        for text in [
            "0 0 1 * *",
            "0 0 0 1 * *",
            "0 0 0 1 * ?",
            "@monthly",
            "  0  0 1 * * ",
        ] {
            let found = after(text, "2026-11-23T00:00:00Z", BERLIN, 2);
            let expected = ["2026-12-01T00:00:00+01:00", "2027-01-01T00:00:00+01:00"];
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn weekdays_are_named_and_numbers_begin_with_sunday() {
        let monday = ["2026-11-30T08:00:00+01:00"];
        for text in ["0 8 * * MON", "0 8 * * Monday", "0 8 ? * 2"] {
            assert_eq!(
                after(text, "2026-11-23T08:00:00Z", BERLIN, 1),
                monday,
                "{text}"
            );
        }
    }

    #[test]
    fn a_time_in_the_gap_of_spring_moves_forward_and_comes_once() {
        let found = after("30 2 * * *", "2026-03-28T12:00:00Z", BERLIN, 2);
        assert_eq!(
            found,
            ["2026-03-29T03:30:00+02:00", "2026-03-30T02:30:00+02:00"]
        );
        // Asked between the gap and the moved time: it still comes.
        let found = after("30 2 * * *", "2026-03-29T01:10:00Z", BERLIN, 1);
        assert_eq!(found, ["2026-03-29T03:30:00+02:00"]);
        // What stands on the wall just after the gap comes in the order of moments, and once.
        let found = after("0,30 2,3 * * *", "2026-03-28T12:00:00Z", BERLIN, 3);
        assert_eq!(
            found,
            [
                "2026-03-29T03:00:00+02:00",
                "2026-03-29T03:30:00+02:00",
                "2026-03-30T02:00:00+02:00"
            ]
        );
        let found = after("15 2,3 * * *", "2026-03-28T12:00:00Z", BERLIN, 2);
        assert_eq!(
            found,
            ["2026-03-29T03:15:00+02:00", "2026-03-30T02:15:00+02:00"]
        );
    }

    #[test]
    fn a_time_that_exists_twice_in_autumn_comes_the_first_time_only() {
        let found = after("30 2 * * *", "2026-10-24T12:00:00Z", BERLIN, 2);
        assert_eq!(
            found,
            ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]
        );
        // Asked between the two.
        let found = after("30 2 * * *", "2026-10-25T01:00:00Z", BERLIN, 1);
        assert_eq!(found, ["2026-10-26T02:30:00+01:00"]);
    }

    #[test]
    fn what_never_comes_or_comes_too_often_is_refused_with_the_way_out() {
        let table = [
            ("", "0 8 1 * *"),
            ("monthly", "0 8 1 * *"),
            ("@fortnightly", "0 8 1 * *"),
            ("8 1 * *", "0 8 1 * *"),
            ("0 0 8 1 * * 2026", "0 8 1 * *"),
            ("61 8 1 * *", "0 8 1 * *"),
            ("0 8 1 * FUNDAY", "0 8 1 * *"),
            ("0 8 30 2 *", "never comes"),
            ("0 8 31 4,6,9,11 *", "never comes"),
            ("* * 8 1 * *", "once a minute"),
            ("0/30 0 8 1 * *", "once a minute"),
        ];
        for (text, way_out) in table {
            let error = text.parse::<Cron>().unwrap_err();
            assert!(error.contains(way_out), "{text}: {error}");
            assert!(!error.contains('\n'), "{text}: {error}");
        }
        assert!("0 8 29 2 *".parse::<Cron>().is_ok());
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "[0-9*/,?@A-Za-z -]{0,30}") {
            let _ = text.parse::<Cron>();
        }

        #[test]
        fn runs_follow_each_other_and_none_is_passed_over(
            minute in 0_u32..60, hour in 0_u32..24, seconds in 1_767_225_600_i64..1_830_297_600, zone in 0..4_usize
        ) {
            let zone = [BERLIN, Tz::America__New_York, Tz::Asia__Shanghai, Tz::Australia__Lord_Howe][zone];
            let cron: Cron = format!("{minute} {hour} * * *").parse().unwrap();
            let from = Moment::from_seconds(seconds);
            let next = cron.next_after(from, zone).unwrap();
            prop_assert!(next > from);
            // A daily run comes at most 25 hours later, and asking again just before it finds it too.
            prop_assert!(next - from <= 25 * HOUR);
            prop_assert_eq!(cron.next_after(next - SECOND, zone), Some(next));
        }
    }
}
