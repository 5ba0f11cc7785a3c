//! Moments as pages show them: in the reader's zone and, where the wall shows something else, in the
//! other side's too.

use chrono::{Datelike, NaiveDateTime};
use chrono_tz::Tz;

use crate::time::{Moment, SECOND};

/// A moment as the macros `moment` and `moment_short` show it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// RFC 3339, for programs.
    pub iso: String,
    /// In the reader's zone: `Mon 23 Nov 03:00`, with the year where it is another one.
    pub here: String,
    /// The reader's zone in short: `Berlin`.
    pub here_zone: String,
    /// The same in the other zone; empty where the wall shows the same there.
    pub there: String,
    /// The other zone in short.
    pub there_zone: String,
}

impl Shown {
    /// A moment for a reader in the zone `here`, and `there` where the calendar is.
    pub fn of(at: Moment, now: Moment, here: Tz, there: Option<Tz>) -> Self {
        let this_year = now.in_zone(here).year();
        let wall = |zone: Tz| {
            let local = at.in_zone(zone);
            let year = if local.year() == this_year { "" } else { " %Y" };
            let seconds = if at.micros() % (60 * SECOND) == 0 {
                ""
            } else {
                ":%S"
            };
            local
                .format(&format!("%a %-d %b{year} %H:%M{seconds}"))
                .to_string()
        };
        let local_here = wall(here);
        let local_there = there
            .map(|zone| (wall(zone), short(zone)))
            .filter(|(wall, _)| *wall != local_here);
        let (there, there_zone) = local_there.unwrap_or_default();
        Self {
            iso: at.to_string(),
            here: local_here,
            here_zone: short(here),
            there,
            there_zone,
        }
    }
}

/// Who looks at a page, and when: what moments on it are shown for.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    /// The reader's zone.
    pub zone: Tz,
    /// The moment at which the page is made.
    pub now: Moment,
}

impl Reader {
    /// A moment for this reader, and in the zone `there` where its wall shows something else.
    pub fn sees(&self, at: Moment, there: Tz) -> Shown {
        Shown::of(at, self.now, self.zone, Some(there))
    }

    /// A moment in the reader's zone alone.
    pub fn sees_here(&self, at: Moment) -> Shown {
        Shown::of(at, self.now, self.zone, None)
    }

    /// Rewrites the instants in a sentence, which the layers below write in UTC, as the reader's wall
    /// shows them.
    pub fn hears(&self, sentence: &str) -> String {
        let words = sentence.split(' ').map(|word| {
            let bare = word.trim_end_matches([',', ';', '.']);
            match Moment::parse(bare) {
                Ok(at) => {
                    let shown = self.sees_here(at);
                    let tail = &word[bare.len()..];
                    format!("{} ({}){tail}", shown.here, shown.here_zone)
                }
                Err(_) => word.to_string(),
            }
        });
        words.collect::<Vec<_>>().join(" ")
    }
}

/// A moment as a field for local date and time holds it: `2026-11-23T10:00:00`.
pub fn local_text(at: Moment, zone: Tz) -> String {
    at.in_zone(zone).format("%Y-%m-%dT%H:%M:%S").to_string()
}

/// Reads a field for local date and time. A time that exists twice is the first of the two.
///
/// # Errors
/// A sentence for the person who entered it, when it is no such time or the zone skips it.
pub fn local_moment(text: &str, zone: Tz) -> Result<Moment, String> {
    let text = text.trim();
    let local = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .ok_or_else(|| {
            format!("\"{text}\" is not a date with a time; write it like 2026-11-23T10:00")
        })?;
    let instant = local.and_local_timezone(zone).earliest().ok_or_else(|| {
        format!("{text} does not exist in {zone}: the clocks were moved forward over it")
    })?;
    Moment::parse(&instant.to_rfc3339())
}

/// The zone as people say it: `Europe/Berlin` is `Berlin`.
pub fn short(zone: Tz) -> String {
    let name = zone.name();
    name.rsplit('/').next().unwrap_or(name).replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_zone_shows_only_where_its_wall_differs() {
        let at = Moment::parse("2026-11-23T02:00:00Z").unwrap();
        let shown = Shown::of(at, at, Tz::Europe__Berlin, Some(Tz::Asia__Shanghai));
        assert_eq!(shown.here, "Mon 23 Nov 03:00");
        assert_eq!(shown.here_zone, "Berlin");
        assert_eq!(
            (shown.there.as_str(), shown.there_zone.as_str()),
            ("Mon 23 Nov 10:00", "Shanghai")
        );
        let paris = Shown::of(at, at, Tz::Europe__Berlin, Some(Tz::Europe__Paris));
        assert_eq!(paris.there, "");
    }

    #[test]
    fn a_sentence_says_moments_as_the_readers_wall_shows_them() {
        let now = Moment::parse("2026-11-23T02:00:00Z").unwrap();
        let zone = Tz::Europe__Berlin;
        let heard = Reader { zone, now }
            .hears("2026-11-23T03:00:00Z lies in the future; it is 2026-11-23T02:00:00Z");
        assert_eq!(
            heard,
            "Mon 23 Nov 04:00 (Berlin) lies in the future; it is Mon 23 Nov 03:00 (Berlin)"
        );
    }

    #[test]
    fn a_local_time_is_read_in_its_zone() {
        let read = |text| local_moment(text, Tz::Europe__Berlin).map(|at| at.to_string());
        assert_eq!(read("2026-11-23T10:00").unwrap(), "2026-11-23T09:00:00Z");
        assert_eq!(read("2026-11-23T10:00:07").unwrap(), "2026-11-23T09:00:07Z");
        let twice = read("2026-10-25T02:30").unwrap();
        assert_eq!(twice, "2026-10-25T00:30:00Z", "the first of the two");
        assert!(
            read("2026-03-29T02:30")
                .unwrap_err()
                .contains("does not exist")
        );
        assert!(read("yesterday").unwrap_err().contains("2026-11-23T10:00"));
        assert!(read("0001-01-01T00:00").is_err());
        let at = Moment::parse("2026-11-23T09:00:07Z").unwrap();
        assert_eq!(local_text(at, Tz::Europe__Berlin), "2026-11-23T10:00:07");
    }

    #[test]
    fn seconds_and_another_year_are_not_left_out() {
        let at = Moment::parse("2025-01-02T03:04:05Z").unwrap();
        let now = Moment::parse("2026-11-23T02:00:00Z").unwrap();
        assert_eq!(
            Shown::of(at, now, Tz::UTC, None).here,
            "Thu 2 Jan 2025 03:04:05"
        );
    }
}
