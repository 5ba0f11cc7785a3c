//! One version of what a contract promises.

use std::sync::Arc;

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::calendar::DayEnd;
use super::ladder::Step;
use super::words::Metric;
use super::{CalendarId, ContractId, TermsId, duration};
use crate::schema::terms;
use crate::time::{Micros, Moment};

/// One version of a contract's terms as it is kept; never edited.
#[derive(Clone, Debug, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = terms)]
pub struct Terms {
    /// Key.
    pub id: TermsId,
    /// The contract they belong to.
    pub contract_id: ContractId,
    /// 1 for the first version.
    pub number: i32,
    /// They begin at 00:00 of this date in the contract's zone.
    pub effective_from: NaiveDate,
    /// When they were entered.
    pub entered_at: Moment,
    /// What they promise.
    pub promise: Promise,
    /// From this date of the contract's zone on they also judge reports that were recorded before their
    /// entry; none: only what is recorded after it.
    pub apply_from: Option<NaiveDate>,
}

impl Terms {
    /// Whether they may judge what was reported on the local date `day`, at the moment `at`, and recorded
    /// at `recorded_at`: what was recorded before they were entered only where they are applied from
    /// that date on.
    fn may_judge(&self, day: NaiveDate, at: Moment, recorded_at: Moment) -> bool {
        let known = self.entered_at <= recorded_at.max(at);
        let applied = self.apply_from.is_some_and(|from| from <= day);
        self.effective_from <= day && (known || applied)
    }
}

/// The version that judges what was reported at `at` and recorded at `recorded_at`: of those that may,
/// the one that began last; of two that began on one day, the one entered later. `zone` is the
/// contract's.
pub fn judging(versions: &[Terms], zone: Tz, at: Moment, recorded_at: Moment) -> Option<&Terms> {
    let day = at.date_in(zone);
    let may = versions.iter();
    let may = may.filter(|of| of.may_judge(day, at, recorded_at));
    may.max_by_key(|of| (of.effective_from, of.number))
}

/// What a version of the terms promises; kept and exchanged in the same shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, diesel::deserialize::FromSqlRow)]
pub struct Promise {
    /// ISO 4217 code of all money in the terms.
    pub currency: String,
    /// Fee of one month in minor units of the currency.
    pub monthly_fee: Option<i64>,
    /// The contract's own scale, worst first.
    pub severities: Vec<Severity>,
    /// Grounds on which the clock may stand still.
    pub clock_stops: Vec<ClockStop>,
    /// The promises themselves; at most one for each metric and severity.
    #[serde(with = "shared")]
    pub commitments: Vec<Arc<Commitment>>,
    /// What a change of severity does to running clocks.
    pub on_severity_change: OnSeverityChange,
    /// What a reopening does to stopped clocks.
    pub on_reopen: OnReopen,
    /// Whether a repair counts only once we confirm it; none: at once.
    #[serde(default)]
    pub confirmation: Option<Confirmation>,
    /// Which event starts the clock of `root_cause`.
    #[serde(default)]
    pub root_cause_from: RootCauseFrom,
    /// Our escalation policy under these terms.
    pub ladder: Vec<Step>,
}

/// How long we have to say whether a repair is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// So many business days of the calendar in which the repair was promised, until the same time of
    /// day; our silence until then is a yes.
    pub business_days: u32,
}

/// One level of the contract's own scale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Severity {
    /// Short code, such as `S1`.
    pub code: String,
    /// Its name in the contract.
    pub name: String,
    /// When it applies.
    #[serde(default)]
    pub criteria: String,
}

/// A ground on which the contract lets the clock stand still.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockStop {
    /// Short code, such as `ACCESS`.
    pub code: String,
    /// Where the contract says so.
    pub clause: String,
    /// What it is called.
    pub name: String,
    /// The metrics it holds.
    pub metrics: Vec<Metric>,
    /// Whether it counts only once the other side has agreed.
    pub needs_agreement: bool,
}

/// One promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commitment {
    /// Where the contract says so.
    pub clause: String,
    /// What is measured.
    pub metric: Metric,
    /// The severity it is for, by code.
    pub severity: String,
    /// How much time the vendor has.
    pub target: Target,
    /// When that time counts.
    pub calendar_id: CalendarId,
    /// The clock stops that may hold it, by code; none named: all that list the metric.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stops: Option<Vec<String>>,
    /// What the contract says follows from a breach.
    #[serde(default)]
    pub remedy: String,
}

/// The budget of a commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// That much open time of the calendar, in microseconds.
    OpenTime(Micros),
    /// Business days of the calendar.
    BusinessDays {
        /// How many; 0 is the day of the start.
        days: u32,
        /// At which time of the last day.
        at: DayEnd,
    },
}

text_enum! {
    /// What a change of severity does to running clocks.
    OnSeverityChange {
        /// The new target counts from the original start.
        FromStart = "from_start",
        /// The new target counts from the change.
        FromChange = "from_change",
        /// The same share of the budget stays used.
        CarryFraction = "carry_fraction",
    }
}

text_enum! {
    /// What a reopening does to stopped clocks.
    OnReopen {
        /// The clock goes on; the time it was stopped does not count.
        Continue = "continue",
        /// The clock goes on; the time it was stopped counts.
        AsIfNeverResolved = "as_if_never_resolved",
        /// A new run of the clock begins; earlier outcomes stay.
        Restart = "restart",
    }
}

text_enum! {
    /// Which event starts the clock of `root_cause`.
    #[derive(Default)]
    RootCauseFrom {
        /// The final repair.
        #[default]
        Resolved = "resolved",
        /// The service being back, or the final repair if that comes first.
        Restored = "restored",
    }
}

/// Reads and writes what is shared in memory as if it were not.
mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<T: Serialize, S: Serializer>(
        shared: &[Arc<T>],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(shared.iter().map(|one| &**one))
    }

    pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Arc<T>>, D::Error> {
        let all = Vec::<T>::deserialize(deserializer)?;
        Ok(all.into_iter().map(Arc::new).collect())
    }
}

impl Promise {
    /// The commitment for that metric and severity.
    pub fn commitment(&self, metric: Metric, severity: &str) -> Option<&Arc<Commitment>> {
        self.commitments
            .iter()
            .find(|commitment| commitment.metric == metric && commitment.severity == severity)
    }

    /// The calendar in which the days for a confirmation are counted: that of the repair promised for the
    /// severity, or else of whatever is promised for it, or at all.
    pub fn calendar_of_confirmation(&self, severity: &str) -> Option<CalendarId> {
        let promised = |commitment: &&Arc<Commitment>| commitment.severity == severity;
        self.commitment(Metric::Resolve, severity)
            .or_else(|| self.commitments.iter().find(promised))
            .or_else(|| self.commitments.first())
            .map(|commitment| commitment.calendar_id)
    }

    /// The days for a confirmation as a target, if those of some severity are counted in that calendar.
    pub fn days_to_confirm(&self, calendar: CalendarId) -> Option<Target> {
        let days = self.confirmation?.business_days;
        let counts =
            |severity: &Severity| self.calendar_of_confirmation(&severity.code) == Some(calendar);
        let at = DayEnd::SameTime;
        let target = Target::BusinessDays { days, at };
        self.severities.iter().any(counts).then_some(target)
    }

    /// The clock stop of that code.
    pub fn clock_stop(&self, code: &str) -> Option<&ClockStop> {
        self.clock_stops.iter().find(|stop| stop.code == code)
    }

    /// The severity of that code.
    pub fn severity(&self, code: &str) -> Option<&Severity> {
        self.severities
            .iter()
            .find(|severity| severity.code == code)
    }

    /// The calendars that its commitments count in, each once.
    pub fn calendars(&self) -> Vec<CalendarId> {
        let mut ids: Vec<_> = self
            .commitments
            .iter()
            .map(|commitment| commitment.calendar_id)
            .collect();
        ids.sort();
        ids.dedup();
        ids
    }
}

impl Commitment {
    /// Whether that clock stop may hold this commitment's clock.
    pub fn may_be_held_by(&self, stop: &ClockStop) -> bool {
        stop.metrics.contains(&self.metric)
            && self
                .stops
                .as_ref()
                .is_none_or(|codes| codes.contains(&stop.code))
    }
}

from_text_column!(Promise, |text| serde_json::from_str(&text));

/// `{"open_time": "PT15M"}` or `{"business_days": 2, "at": "16:00"}`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TargetShape {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    open_time: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    business_days: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<DayEnd>,
}

impl Serialize for Target {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Target::OpenTime(budget) => TargetShape {
                open_time: Some(duration::write(budget)),
                business_days: None,
                at: None,
            },
            Target::BusinessDays { days, at } => TargetShape {
                open_time: None,
                business_days: Some(i64::from(days)),
                at: Some(at),
            },
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        match TargetShape::deserialize(deserializer)? {
            TargetShape {
                open_time: Some(text),
                business_days: None,
                at: None,
            } => duration::parse(&text)
                .map(Target::OpenTime)
                .map_err(D::Error::custom),
            TargetShape {
                open_time: None,
                business_days: Some(days),
                ..
            } if days < 0 => Err(D::Error::custom(format!(
                "a target is not negative, as {days} business days are"
            ))),
            TargetShape {
                open_time: None,
                business_days: Some(days),
                at,
            } => Ok(Target::BusinessDays {
                // More than any calendar holds; whoever asks for it is told so.
                days: u32::try_from(days).unwrap_or(u32::MAX),
                at: at.unwrap_or(DayEnd::SameTime),
            }),
            _ => Err(D::Error::custom(
                "a target is either open_time, such as {\"open_time\": \"PT15M\"}, or business_days, such as {\"business_days\": 2, \"at\": \"16:00\"}",
            )),
        }
    }
}
