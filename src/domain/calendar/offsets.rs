//! What a wall clock shows: the offsets of a zone, from the zone data of this build or as they were
//! kept from other zone data.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{LocalResult, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::Hours;
use super::flat::{KNOWN_FROM, KNOWN_TO, utc_windows};
use crate::time::{HOUR, Moment, SECOND, ZONE_DATA};

/// No zone changed its offset and changed it back within so long since 1900.
const STEP: i64 = 6 * HOUR / SECOND;

/// Every offset of a zone in the years 1900 to 2099, as one version of the zone data gives them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Offsets {
    /// From which second since 1970 on how many seconds are added to UTC, in order; the first entry
    /// holds before its moment too.
    changes: Vec<(i64, i32)>,
}

impl Offsets {
    /// The offsets of a zone by the zone data of this build; looked for once in the life of a process.
    pub fn of(zone: Tz) -> Arc<Self> {
        static FOUND: Mutex<BTreeMap<&str, Arc<Offsets>>> = Mutex::new(BTreeMap::new());
        let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
        let offsets = found
            .entry(zone.name())
            .or_insert_with(|| Arc::new(Self::find(zone)));
        Arc::clone(offsets)
    }

    fn find(zone: Tz) -> Self {
        let (first, end) = (KNOWN_FROM / SECOND, KNOWN_TO / SECOND);
        let offset = |second: i64| Rules::Build(zone).offset_at(utc(second));
        let mut changes = vec![(first, offset(first))];
        let (mut known, mut last) = (first, offset(first));
        while known < end {
            let next = (known + STEP).min(end);
            let after = offset(next);
            if after != last {
                let (mut low, mut high) = (known, next);
                while high - low > 1 {
                    let middle = low + (high - low) / 2;
                    if offset(middle) == last {
                        low = middle;
                    } else {
                        high = middle;
                    }
                }
                changes.push((high, after));
            }
            (known, last) = (next, after);
        }
        Self { changes }
    }

    /// Whether this can be a table of offsets: in order, and each less than a day.
    pub fn is_sound(&self) -> bool {
        !self.changes.is_empty()
            && self.changes.is_sorted_by(|one, next| one.0 < next.0)
            && self.changes.iter().all(|(_, offset)| offset.abs() < 86_400)
    }

    /// These offsets with another from that moment on until `to`; what tests make other zone data of.
    pub fn with(&self, from: Moment, to: Moment, offset: i32) -> Self {
        let (from, to) = (from.micros() / SECOND, to.micros() / SECOND);
        let back = self.at(to);
        let mut changes: Vec<(i64, i32)> = self
            .changes
            .iter()
            .copied()
            .filter(|(second, _)| *second < from || *second > to)
            .chain([(from, offset), (to, back)])
            .collect();
        changes.sort_unstable();
        Self { changes }
    }

    fn at(&self, second: i64) -> i32 {
        let begun = self.changes.partition_point(|(from, _)| *from <= second);
        self.changes
            .get(begun.saturating_sub(1))
            .map_or(0, |(_, offset)| *offset)
    }

    /// The offsets by which a wall clock shows that time: none in a gap, two where it comes twice.
    fn of_local(&self, local: NaiveDateTime) -> LocalResult<i32> {
        let second = local.and_utc().timestamp();
        // An offset is less than a day, so the moment lies within a day of the time read as UTC.
        let first = self
            .changes
            .partition_point(|(from, _)| *from <= second - 86_400)
            .saturating_sub(1);
        let mut found = LocalResult::None;
        for index in first..self.changes.len() {
            let (from, offset) = self.changes[index];
            if index > 0 && from > second + 86_400 {
                break;
            }
            let at = second - i64::from(offset);
            let begun = index == 0 || from <= at;
            let over = self.changes.get(index + 1).is_some_and(|(to, _)| *to <= at);
            if begun && !over {
                found = match found {
                    LocalResult::None => LocalResult::Single(offset),
                    LocalResult::Single(earlier) | LocalResult::Ambiguous(earlier, _) => {
                        LocalResult::Ambiguous(earlier, offset)
                    }
                };
            }
        }
        found
    }
}

fn utc(second: i64) -> NaiveDateTime {
    Moment::from_seconds(second).utc().naive_utc()
}

/// How wall clocks are read.
#[derive(Clone, Debug)]
pub(super) enum Rules {
    /// By the zone data of this build.
    Build(Tz),
    /// By other zone data: its version, and the offsets as they were kept.
    Kept(Arc<str>, Arc<Offsets>),
}

impl Rules {
    /// Version of the zone data.
    pub(super) fn version(&self) -> &str {
        match self {
            Rules::Build(_) => ZONE_DATA,
            Rules::Kept(version, _) => version,
        }
    }

    /// Seconds that are added to UTC.
    pub(super) fn offset_at(&self, utc: NaiveDateTime) -> i32 {
        match self {
            Rules::Build(zone) => zone.offset_from_utc_datetime(&utc).fix().local_minus_utc(),
            Rules::Kept(_, offsets) => offsets.at(utc.and_utc().timestamp()),
        }
    }

    fn of_local(&self, local: NaiveDateTime) -> LocalResult<i32> {
        match self {
            Rules::Build(zone) => zone
                .offset_from_local_datetime(&local)
                .map(|offset| offset.fix().local_minus_utc()),
            Rules::Kept(_, offsets) => offsets.of_local(local),
        }
    }

    /// What a wall clock shows at that moment.
    pub(super) fn local(&self, at: Moment) -> NaiveDateTime {
        let utc = at.utc().naive_utc();
        utc + TimeDelta::seconds(i64::from(self.offset_at(utc)))
    }

    /// Whether the zone left that date out.
    pub(super) fn skip(&self, date: NaiveDate) -> bool {
        let start = date.and_time(NaiveTime::MIN);
        [start, start + TimeDelta::seconds(86_399)]
            .into_iter()
            .all(|local| matches!(self.of_local(local), LocalResult::None))
    }

    /// The instant of a wall-clock time that opens: the first of two, and moved forward by the length
    /// of the gap where it does not exist.
    pub(super) fn opening(&self, local: NaiveDateTime) -> Moment {
        match self.of_local(local) {
            LocalResult::Single(offset) | LocalResult::Ambiguous(offset, _) => less(local, offset),
            LocalResult::None => self.past_the_gap(local),
        }
    }

    /// The instant of a wall-clock time that closes: the second of two, and moved forward by the length
    /// of the gap where it does not exist.
    pub(super) fn closing(&self, local: NaiveDateTime) -> Moment {
        match self.of_local(local) {
            LocalResult::Single(offset) | LocalResult::Ambiguous(_, offset) => less(local, offset),
            LocalResult::None => self.past_the_gap(local),
        }
    }

    /// Read with the offset before the gap, a time inside it comes out moved by the gap's length.
    fn past_the_gap(&self, local: NaiveDateTime) -> Moment {
        for hours in 1..=48 {
            let earlier = local - TimeDelta::hours(hours);
            if let LocalResult::Single(offset) | LocalResult::Ambiguous(_, offset) =
                self.of_local(earlier)
            {
                return less(local, offset);
            }
        }
        local.and_utc().into()
    }
}

fn less(local: NaiveDateTime, offset: i32) -> Moment {
    (local - TimeDelta::seconds(i64::from(offset)))
        .and_utc()
        .into()
}

/// The instant of a wall-clock time that opens, by the zone data of this build.
pub(in crate::domain) fn opening(zone: Tz, local: NaiveDateTime) -> Moment {
    Rules::Build(zone).opening(local)
}

/// What the zone data of this build makes of hours that other zone data was asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The windows of every date lie where they lay.
    None,
    /// Only those of dates that are over lie elsewhere.
    Past,
    /// Those of this date, today or later, lie elsewhere.
    Coming(NaiveDate),
}

/// Compares the windows that hours open on the dates from `first` to `last` by those offsets and by the
/// zone data of this build.
pub fn difference(
    hours: &Hours,
    kept: &Arc<Offsets>,
    first: NaiveDate,
    today: NaiveDate,
    last: NaiveDate,
) -> Difference {
    let (now, then) = (
        Rules::Build(hours.time_zone),
        Rules::Kept(Arc::from(""), Arc::clone(kept)),
    );
    let mut found = Difference::None;
    for date in first.iter_days().take_while(|date| *date <= last) {
        if utc_windows(hours, &now, date) != utc_windows(hours, &then, date) {
            if date >= today {
                return Difference::Coming(date);
            }
            found = Difference::Past;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_offsets_read_every_wall_clock_as_the_zone_data_they_were_taken_from() {
        for zone in [
            "UTC",
            "Europe/Berlin",
            "Australia/Lord_Howe",
            "Pacific/Apia",
            "Africa/Casablanca",
            "Asia/Tehran",
            "America/Sao_Paulo",
            "America/St_Johns",
            "Asia/Kathmandu",
            "Europe/Dublin",
            "Antarctica/Troll",
        ] {
            let zone: Tz = zone.parse().unwrap();
            let offsets = Offsets::of(zone);
            assert!(offsets.is_sound());
            let text = serde_json::to_string(&*offsets).unwrap();
            assert_eq!(serde_json::from_str::<Offsets>(&text).unwrap(), *offsets);
            let kept = Rules::Kept(Arc::from("kept"), Arc::clone(&offsets));
            let build = Rules::Build(zone);
            // In 1900 local mean times end, which nothing before is asked about. Round each change
            // more than a day either way, in steps that meet no full quarter by chance.
            for (second, _) in &offsets.changes[1..] {
                for step in -60..=60 {
                    let at = utc(second + step * 1_801);
                    assert_eq!(kept.of_local(at), build.of_local(at), "{zone} {at}");
                    assert_eq!(kept.offset_at(at), build.offset_at(at), "{zone} {at}");
                    assert_eq!(kept.opening(at), build.opening(at), "{zone} {at}");
                    assert_eq!(kept.closing(at), build.closing(at), "{zone} {at}");
                    assert_eq!(kept.skip(at.date()), build.skip(at.date()), "{zone} {at}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_table_of_offsets_is_known() {
        let read = |text: &str| serde_json::from_str::<Offsets>(text).unwrap().is_sound();
        assert!(read("[[0,3600],[10,7200]]"));
        assert!(!read("[]"));
        assert!(!read("[[10,3600],[0,7200]]"));
        assert!(!read("[[0,86400]]"));
    }
}
