//! Time zones by their IANA names, as people enter them and as they are kept.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use chrono::{LocalResult, NaiveDateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::time::Moment;

/// An IANA time zone; kept and exchanged by its name.
///
/// A bare offset is no zone: it would be wrong for half of the year.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub struct Zone(pub Tz);

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Zone = Zone(Tz::UTC);

    /// The IANA name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// The moment at which a clock on the wall of that zone shows this: the first where it does so
    /// twice; a time that does not exist moves forward by the length of the gap.
    pub fn moment(self, local: NaiveDateTime) -> Moment {
        match self.0.from_local_datetime(&local) {
            LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.to_utc().into(),
            LocalResult::None => {
                // Read with the offset before the gap it comes out past the gap by as much as it
                // lay inside. No gap is nearer than a day to the one before.
                let day_before = local - TimeDelta::days(1);
                let offset = self.0.offset_from_utc_datetime(&day_before).fix();
                (local - offset).and_utc().into()
            }
        }
    }
}

impl Deref for Zone {
    type Target = Tz;
    fn deref(&self) -> &Tz {
        &self.0
    }
}

impl From<Zone> for Tz {
    fn from(zone: Zone) -> Tz {
        zone.0
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Zone {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        text.trim().parse().map(Zone).map_err(|_| {
            format!("\"{text}\" is not a time zone; write an IANA name such as Europe/Berlin, Asia/Shanghai or UTC")
        })
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl<DB> diesel::serialize::ToSql<diesel::sql_types::Text, DB> for Zone
where
    DB: diesel::backend::Backend,
    str: diesel::serialize::ToSql<diesel::sql_types::Text, DB>,
{
    fn to_sql<'b>(
        &'b self,
        out: &mut diesel::serialize::Output<'b, '_, DB>,
    ) -> diesel::serialize::Result {
        <str as diesel::serialize::ToSql<diesel::sql_types::Text, DB>>::to_sql(self.name(), out)
    }
}

from_text_column!(Zone, |text| text.parse::<Zone>());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_clock_time_is_one_moment_also_where_clocks_are_changed() {
        let moment = |zone: &str, local: &str| {
            let zone: Zone = zone.parse().unwrap();
            zone.moment(local.parse().unwrap()).to_string()
        };
        let berlin = |local| moment("Europe/Berlin", local);
        assert_eq!(berlin("2026-11-23T10:00:00"), "2026-11-23T09:00:00Z");
        // 02:30 does not exist; it is shown as 03:30.
        assert_eq!(berlin("2026-03-29T02:30:00"), "2026-03-29T01:30:00Z");
        // 02:30 comes twice.
        assert_eq!(berlin("2026-10-25T02:30:00"), "2026-10-25T00:30:00Z");
        // Samoa left out a whole day.
        assert_eq!(
            moment("Pacific/Apia", "2011-12-30T12:00:00"),
            "2011-12-30T22:00:00Z"
        );
    }

    #[test]
    fn an_offset_or_a_city_is_no_zone_and_the_way_out_is_named() {
        for text in ["+01:00", "Berlin", "Europe/Berln", ""] {
            let error = text.parse::<Zone>().unwrap_err();
            assert!(error.contains("Europe/Berlin"), "{error}");
        }
        assert_eq!(
            "Asia/Shanghai".parse::<Zone>().unwrap().name(),
            "Asia/Shanghai"
        );
    }
}
