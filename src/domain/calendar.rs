//! When a vendor's time counts: hours, holidays, and the arithmetic of open time.
//!
//! Open time is elapsed time inside the windows of a calendar, never a difference of wall clocks.

mod arithmetic;
mod days;
mod flat;
mod holidays;
mod hours;
mod offsets;
#[cfg(test)]
mod tests;

pub use arithmetic::Span;
pub use days::{BusinessDue, DayEnd};
pub use holidays::{HolidayFile, holidays_from_ics};
pub use hours::{DayName, Exception, Hours, Week, Window};
pub(in crate::domain) use offsets::opening;
pub use offsets::{Difference, Offsets, difference};

use std::sync::{Arc, PoisonError, RwLock};

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime};
use chrono_tz::Tz;

use crate::time::{DAY, Micros, Moment};
use flat::Flat;
use offsets::Rules;

/// A search ends after ten years with an error, never with a wrong moment.
pub const HORIZON: Micros = 3_653 * DAY;

/// So many days before a holiday list ends, its calendar says so.
const LIST_ENDS_SOON: i64 = 60;

/// How wall clocks are read where no layer says it.
static UTC: Rules = Rules::Build(Tz::UTC);

/// Whether that moment lies in the years that zone data speaks for, 1900 to 2099.
pub fn is_known(at: Moment) -> bool {
    (flat::KNOWN_FROM..flat::KNOWN_TO).contains(&at.micros())
}

/// Why a calendar gives no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// Its hours do not hold the time asked for.
    #[error(
        "calendar \"{calendar}\" has too little open time in the ten years from {from}; give it more hours, or ask for less time"
    )]
    NoOpenTime {
        /// The calendar's name.
        calendar: String,
        /// From where it was searched.
        from: Moment,
    },
    /// The moments lie too far apart, or outside the years that zone data speaks for.
    #[error(
        "calendar \"{calendar}\" cannot count from {from} to {to}: it knows the years 1900 to 2099, and at most 100 of them at once"
    )]
    OutOfRange {
        /// The calendar's name.
        calendar: String,
        /// One end.
        from: Moment,
        /// The other end.
        to: Moment,
    },
    /// Intervals of `update` beyond all measure: nobody answered, and nobody looked.
    #[error(
        "more than {most} intervals of update ran out since {from}; record when it was answered or over, or correct when it was reported"
    )]
    TooManyIntervals {
        /// So many are counted.
        most: usize,
        /// When the first began.
        from: Moment,
    },
}

impl CalendarError {
    /// Which of two fields of a question the error is a matter of: too little open time of the length that
    /// was asked for, an unknown year of the moment.
    pub fn field<'a>(&self, length: &'a str, moment: &'a str) -> &'a str {
        match self {
            CalendarError::NoOpenTime { .. } => length,
            _ => moment,
        }
    }
}

/// Hours that count from a local date on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// The first local date; none: from ever.
    pub from: Option<NaiveDate>,
    /// The hours.
    pub hours: Hours,
}

/// A layer whose wall clocks are read by other zone data than that of this build.
#[derive(Clone, Debug)]
pub struct KeptOffsets {
    /// Version of that zone data.
    pub version: Arc<str>,
    /// The offsets it gave.
    pub offsets: Arc<Offsets>,
}

/// A layer with what reads its wall clocks.
#[derive(Clone, Debug)]
struct Ruled {
    from: Option<NaiveDate>,
    hours: Hours,
    rules: Rules,
}

/// A calendar as it is computed with: for each local date the last layer that has begun by then.
///
/// Compiled on demand into flat UTC windows; the compiled part grows with the questions asked.
pub struct Calendar {
    name: String,
    layers: Vec<Ruled>,
    /// From here on the holiday list says nothing any more.
    unlisted: Option<Moment>,
    flat: RwLock<Flat>,
}

impl std::fmt::Debug for Calendar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Calendar")
            .field("name", &self.name)
            .field("layers", &self.layers)
            .finish_non_exhaustive()
    }
}

impl Calendar {
    /// A calendar of these layers; nothing is compiled yet. Without a layer it never opens.
    pub fn new(name: &str, layers: Vec<Layer>) -> Self {
        Self::of_kept(name, layers.into_iter().map(|layer| (layer, None)))
    }

    /// A calendar of layers some of which are read by other zone data than that of this build.
    pub fn of_kept(
        name: &str,
        layers: impl IntoIterator<Item = (Layer, Option<KeptOffsets>)>,
    ) -> Self {
        let ruled = |(layer, kept): (Layer, Option<KeptOffsets>)| Ruled {
            rules: match kept {
                Some(kept) => Rules::Kept(kept.version, kept.offsets),
                None => Rules::Build(layer.hours.time_zone),
            },
            from: layer.from,
            hours: layer.hours,
        };
        let mut layers: Vec<Ruled> = layers.into_iter().map(ruled).collect();
        layers.sort_by_key(|layer| layer.from);
        let unlisted = layers.last().and_then(|last| {
            let after = last.hours.reaches()?.succ_opt()?;
            Some(last.rules.opening(after.and_time(NaiveTime::MIN)))
        });
        Self {
            unlisted,
            name: name.to_string(),
            layers,
            flat: RwLock::new(Flat::empty()),
        }
    }

    /// Its name, as errors give it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The zone of its last layer.
    pub fn zone(&self) -> Tz {
        self.layers
            .last()
            .map_or(Tz::UTC, |layer| layer.hours.time_zone)
    }

    /// Version of the zone data that its last layer is read by.
    pub fn zone_data(&self) -> &str {
        self.rules().version()
    }

    /// What a wall clock of its zone shows at that moment.
    pub(in crate::domain) fn local(&self, at: Moment) -> NaiveDateTime {
        self.rules().local(at)
    }

    /// The local date of a moment.
    pub(in crate::domain) fn date_at(&self, at: Moment) -> NaiveDate {
        self.local(at).date()
    }

    /// The first moment of a local date; of one that the zone left out, that of the next.
    pub(in crate::domain) fn day_start(&self, date: NaiveDate) -> Moment {
        self.rules_on(date).opening(date.and_time(NaiveTime::MIN))
    }

    /// What a wall clock shows at that moment, read as on that local date.
    fn local_on(&self, date: NaiveDate, at: Moment) -> NaiveDateTime {
        self.rules_on(date).local(at)
    }

    /// The moment at which a wall clock shows that time on a date, as a closing is read.
    fn closing_on(&self, date: NaiveDate, time: NaiveTime) -> Moment {
        self.rules_on(date).closing(date.and_time(time))
    }

    /// How wall clocks are read by its last layer.
    fn rules(&self) -> &Rules {
        self.layers.last().map_or(&UTC, |layer| &layer.rules)
    }

    /// How they are read on a local date; before any layer has begun, as by the last.
    fn rules_on(&self, date: NaiveDate) -> &Rules {
        self.layer_on(date)
            .map_or_else(|| self.rules(), |layer| &layer.rules)
    }

    fn layer_on(&self, date: NaiveDate) -> Option<&Ruled> {
        self.layers
            .iter()
            .rev()
            .find(|layer| layer.from.is_none_or(|from| from <= date))
    }

    /// The windows of a local date in UTC, in order of entry.
    fn windows(&self, date: NaiveDate) -> Vec<(Moment, Moment)> {
        self.layer_on(date).map_or_else(Vec::new, |layer| {
            flat::utc_windows(&layer.hours, &layer.rules, date)
        })
    }

    /// The hours in force on a local date.
    pub fn hours_on(&self, date: NaiveDate) -> Option<&Hours> {
        self.layer_on(date).map(|layer| &layer.hours)
    }

    /// The exception of a local date, if it has one.
    pub fn exception_on(&self, date: NaiveDate) -> Option<&Exception> {
        self.hours_on(date)?.exception_on(date)
    }

    /// When the first window of that date opens, if one does.
    pub fn first_opening(&self, date: NaiveDate) -> Option<Moment> {
        self.windows(date).iter().map(|(opens, _)| *opens).min()
    }

    /// Whether the zone left that date out, so that it has no hours and not even a moment.
    pub fn skips(&self, date: NaiveDate) -> bool {
        self.layer_on(date)
            .is_some_and(|layer| layer.rules.skip(date))
    }

    /// The last day that its holiday list speaks for: the end of the year of the last exception. Past
    /// it the weekly hours answer. A calendar without exceptions has no list that could end.
    pub fn reaches(&self) -> Option<NaiveDate> {
        self.layers.last()?.hours.reaches()
    }

    /// Whether a moment lies past the end of the holiday list, so that a holiday that nobody has
    /// entered yet may move a deadline of then.
    pub fn is_provisional(&self, due: Moment) -> bool {
        self.unlisted.is_some_and(|unlisted| due >= unlisted)
    }

    /// The last day of its holiday list, when that day is near enough to say so: from 60 days before
    /// it on, and after it.
    pub fn list_ending(&self, today: NaiveDate) -> Option<NaiveDate> {
        self.reaches()
            .filter(|last| (*last - today).num_days() <= LIST_ENDS_SOON)
    }

    /// Asks the compiled windows, which cover at least that stretch.
    ///
    /// They are asked under the lock: taking them out of it would touch a count in memory that a
    /// question does not need.
    fn ask<T>(
        &self,
        from: Moment,
        to: Moment,
        question: impl FnOnce(&Flat) -> T,
    ) -> Result<T, CalendarError> {
        {
            let known = self.flat.read().unwrap_or_else(PoisonError::into_inner);
            if known.covers(from, to) {
                return Ok(question(&known));
            }
        }
        let mut known = self.flat.write().unwrap_or_else(PoisonError::into_inner);
        if !known.covers(from, to) {
            *known = known
                .grown(&self.layers, from, to)
                .ok_or_else(|| self.out_of_range(from, to))?;
        }
        Ok(question(&known))
    }

    fn out_of_range(&self, from: Moment, to: Moment) -> CalendarError {
        CalendarError::OutOfRange {
            calendar: self.name.clone(),
            from,
            to,
        }
    }
}

impl Hours {
    /// The last day that its holiday list speaks for; see [`Calendar::reaches`].
    pub fn reaches(&self) -> Option<NaiveDate> {
        let last = self
            .exceptions
            .iter()
            .map(|exception| exception.date)
            .max()?;
        NaiveDate::from_ymd_opt(last.year(), 12, 31)
    }
}
