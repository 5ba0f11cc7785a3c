//! Moments, and the one place that asks for the time.
//!
//! Everything else in the service is told what time it is. That is what makes a deadline
//! reproducible: the same facts judged at the same moment give the same answer, in a test, in a
//! rehearsal and three years later in front of an auditor.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Version of the IANA zone data that every deadline of this build is computed with.
pub const ZONE_DATA: &str = chrono_tz::IANA_TZDB_VERSION;

/// An instant in UTC, in whole microseconds since 1970-01-01T00:00:00Z.
///
/// A `Moment` built by [`Moment::parse`], [`FromStr`] or the databases lies in the years 1900 to
/// 2999, so that adding a sane duration cannot overflow.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = crate::schema::Instant)]
pub struct Moment(i64);

/// A length of time in microseconds, never rounded before it is compared.
pub type Micros = i64;

/// Microseconds in one millisecond.
pub const MILLISECOND: Micros = 1_000;
/// Microseconds in one second.
pub const SECOND: Micros = 1_000_000;
/// Microseconds in one minute.
pub const MINUTE: Micros = 60 * SECOND;
/// Microseconds in one hour.
pub const HOUR: Micros = 60 * MINUTE;
/// Microseconds in a day of 24 hours; a local day may be shorter or longer.
pub const DAY: Micros = 24 * HOUR;

const EARLIEST: i64 = -2_208_988_800 * SECOND; // 1900-01-01T00:00:00Z
const LATEST: i64 = 32_503_680_000 * SECOND; // 3000-01-01T00:00:00Z

impl Moment {
    /// The moment this many microseconds after 1970-01-01T00:00:00Z.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The moment this many whole seconds after 1970-01-01T00:00:00Z.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds * SECOND)
    }

    /// Reads an RFC 3339 instant with an offset; a local time without one is refused, because
    /// nobody can say which moment it means.
    ///
    /// # Errors
    /// A sentence for the person who entered it, when it is not such an instant or lies outside
    /// the years 1900 to 2999.
    pub fn parse(text: &str) -> Result<Self, String> {
        let instant = DateTime::parse_from_rfc3339(text.trim()).map_err(|_| {
            format!(
                "\"{text}\" is not an instant with an offset; write it like 2026-11-20T15:40:00Z or 2026-11-20T16:40:00+01:00"
            )
        })?;
        let micros = instant.timestamp_micros();
        if !(EARLIEST..LATEST).contains(&micros) {
            return Err(format!("\"{text}\" lies outside the years 1900 to 2999"));
        }
        Ok(Self(micros))
    }

    /// The same instant as chrono's UTC type.
    pub fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or_default()
    }

    /// What a clock on the wall of that zone shows at this moment.
    pub fn in_zone(self, zone: Tz) -> DateTime<Tz> {
        self.utc().with_timezone(&zone)
    }

    /// The local date of that zone at this moment.
    pub fn date_in(self, zone: Tz) -> NaiveDate {
        self.in_zone(zone).date_naive()
    }

    /// RFC 3339 in UTC with exactly six decimals: the form that hashes are made of.
    pub fn canonical(self) -> String {
        self.utc().to_rfc3339_opts(SecondsFormat::Micros, true)
    }

    /// This moment moved by that many microseconds; stays inside the supported years.
    pub fn saturating_add(self, micros: Micros) -> Self {
        Self(self.0.saturating_add(micros).clamp(EARLIEST, LATEST))
    }
}

impl From<DateTime<Utc>> for Moment {
    fn from(instant: DateTime<Utc>) -> Self {
        Self(instant.timestamp_micros())
    }
}

impl Add<Micros> for Moment {
    type Output = Moment;
    fn add(self, micros: Micros) -> Moment {
        self.saturating_add(micros)
    }
}

/// Elapsed microseconds between two moments.
impl Sub for Moment {
    type Output = Micros;
    fn sub(self, earlier: Moment) -> Micros {
        self.0 - earlier.0
    }
}

impl Sub<Micros> for Moment {
    type Output = Moment;
    fn sub(self, micros: Micros) -> Moment {
        self.saturating_add(micros.saturating_neg())
    }
}

/// RFC 3339 in UTC, with decimals only where the moment has them.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.utc().to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Moment {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// How PostgreSQL is asked for the time, so that several machines on one database agree.
pub const DATABASE_CLOCK: &str = "clock_timestamp()";

/// Where the service learns what time it is.
#[derive(Clone, Debug)]
pub enum TimeSource {
    /// The clock of this machine; with PostgreSQL the store asks [`DATABASE_CLOCK`] instead.
    Machine,
    /// A clock moved by hand: tests, the demonstration, simulations.
    Hand(HandTime),
}

impl TimeSource {
    /// The present moment.
    pub fn now(&self) -> Moment {
        match self {
            TimeSource::Machine => Utc::now().into(),
            TimeSource::Hand(hand) => hand.now(),
        }
    }
}

/// Measures how long something took, for logs and figures; nothing is decided by it.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Begins to measure.
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// Microseconds since the start.
    pub fn micros(self) -> Micros {
        i64::try_from(self.0.elapsed().as_micros()).unwrap_or(i64::MAX)
    }
}

/// A clock that stands still until it is moved; copies show the same time.
#[derive(Clone, Debug)]
pub struct HandTime(Arc<AtomicI64>);

impl HandTime {
    /// A clock that shows `start`.
    pub fn at(start: Moment) -> Self {
        Self(Arc::new(AtomicI64::new(start.micros())))
    }

    /// What the clock shows.
    pub fn now(&self) -> Moment {
        Moment(self.0.load(Ordering::SeqCst))
    }

    /// Sets the clock, also backwards.
    pub fn set(&self, moment: Moment) {
        self.0.store(moment.micros(), Ordering::SeqCst);
    }

    /// Moves the clock on by a length of time.
    pub fn advance(&self, by: TimeDelta) {
        let micros = by.num_microseconds().unwrap_or(0);
        self.set(self.now() + micros);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_without_offset_is_refused_and_says_how_to_write_it() {
        let error = Moment::parse("2026-11-20T15:40:00").unwrap_err();
        assert!(error.contains("2026-11-20T15:40:00Z"), "{error}");
    }

    #[test]
    fn years_outside_the_zone_tables_are_refused() {
        assert!(Moment::parse("0001-01-01T00:00:00Z").is_err());
        assert!(Moment::parse("9999-01-01T00:00:00Z").is_err());
    }

    #[test]
    fn the_canonical_form_always_has_six_decimals() {
        let whole = Moment::parse("2026-11-20T16:40:00+01:00").unwrap();
        assert_eq!(whole.canonical(), "2026-11-20T15:40:00.000000Z");
        assert_eq!(whole.to_string(), "2026-11-20T15:40:00Z");
        let fine = Moment::parse("2026-11-20T15:40:00.000001Z").unwrap();
        assert_eq!(fine.canonical(), "2026-11-20T15:40:00.000001Z");
    }
}
