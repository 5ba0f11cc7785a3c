//! The steps as they are written in the terms.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::super::duration;
use super::super::person::Role;
use super::super::rota::RotaName;
use super::super::team::TeamName;
use super::super::webhook::WebhookName;
use super::super::words::Metric;
use crate::time::Micros;

/// One step of a ladder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The moment it is for.
    pub when: When,
    /// Who is told.
    pub to: Vec<Target>,
    /// How they are told.
    pub by: Vec<Channel>,
    /// Whether they are told again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<Repeat>,
    /// Whether a letter waits for the recipient's hours.
    #[serde(default)]
    pub hold: Hold,
    /// The metrics it is for; none named: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Vec<Metric>>,
    /// The severities it is for, by code; none named: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severities: Option<Vec<String>>,
}

impl Step {
    /// Whether each of its audience is written to.
    pub fn by_mail(&self) -> bool {
        self.by.contains(&Channel::Email)
    }

    /// The webhooks that get one message for all of its audience.
    pub fn webhooks(&self) -> impl Iterator<Item = &WebhookName> {
        self.by.iter().filter_map(|channel| match channel {
            Channel::Email => None,
            Channel::Webhook(name) => Some(name),
        })
    }

    /// Whether the step is for clocks of that metric and severity.
    pub fn applies_to(&self, metric: Metric, severity: &str) -> bool {
        self.metrics
            .as_ref()
            .is_none_or(|metrics| metrics.contains(&metric))
            && self
                .severities
                .as_ref()
                .is_none_or(|codes| codes.iter().any(|code| code == severity))
    }
}

/// The moment of a step, relative to the budget or the deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// When that share of the budget is used up, in percent; 100 is the deadline.
    Percent(u32),
    /// Before the deadline, by that much.
    BeforeDue(Micros, Measured),
    /// At the deadline.
    AtDue,
    /// After the deadline, by that much.
    AfterDue(Micros, Measured),
}

/// On which side of the deadline a step lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// A warning.
    Before,
    /// The deadline itself.
    At,
    /// An escalation.
    After,
}

impl When {
    /// On which side of the deadline the step lies.
    pub fn direction(self) -> Direction {
        match self {
            When::Percent(percent) if percent < 100 => Direction::Before,
            When::BeforeDue(offset, _) if offset > 0 => Direction::Before,
            When::Percent(100) | When::AtDue | When::BeforeDue(..) => Direction::At,
            When::AfterDue(0, _) => Direction::At,
            When::Percent(_) | When::AfterDue(..) => Direction::After,
        }
    }

    /// How the step's offset and its repeats are measured.
    pub fn measured(self) -> Measured {
        match self {
            When::BeforeDue(_, measured) | When::AfterDue(_, measured) => measured,
            When::Percent(_) | When::AtDue => Measured::Open,
        }
    }
}

text_enum! {
    /// What an offset counts.
    Measured {
        /// Open time of the commitment's calendar.
        Open = "open",
        /// Elapsed time.
        Elapsed = "elapsed",
    }
}

/// How a step is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeat {
    /// The time between two tellings, measured as the step's offset is.
    #[serde(with = "duration")]
    pub every: Micros,
    /// How often it is told again at most.
    pub times: u32,
    /// What ends it earlier.
    #[serde(default)]
    pub until: Until,
}

text_enum! {
    /// What ends the repeats of a step.
    #[derive(Default)]
    Until {
        /// One of us has taken the escalation, or the clock has stopped.
        #[default]
        Acknowledged = "acknowledged",
        /// Only that the clock has stopped.
        Stopped = "stopped",
    }
}

text_enum! {
    /// When a letter may leave.
    #[derive(Default)]
    Hold {
        /// At once, whatever the hour.
        #[default]
        AtOnce = "at_once",
        /// In the recipient's own hours.
        RecipientHours = "recipient_hours",
    }
}

/// How somebody is told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// Each by mail.
    Email,
    /// All by one message to the webhook of that name.
    Webhook(WebhookName),
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Channel::Email => f.write_str("email"),
            Channel::Webhook(name) => f.write_str(&name.address()),
        }
    }
}

impl FromStr for Channel {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim().split_once(':') {
            None if text.trim() == "email" => Ok(Channel::Email),
            Some(("webhook", name)) => name.parse().map(Channel::Webhook),
            _ => Err(format!(
                "\"{text}\" is no way to tell somebody; use email or webhook:NAME"
            )),
        }
    }
}

impl Serialize for Channel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Channel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Whom a step tells; found in the contract and among the people when the step is taken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// The vendor's contacts on that rung, 1 to 4.
    VendorRung(i32),
    /// The contract's owner.
    Owner,
    /// Who raised the incident.
    Reporter,
    /// Everyone of us with that role.
    Role(Role),
    /// One of us, by mail address.
    Person(String),
    /// The members of the team of that name.
    Team(TeamName),
    /// Whoever is on duty by the rota of that name.
    OnDuty(RotaName),
}

/// The forms in which somebody is named, as faults list them.
pub const TARGETS: &str = "vendor:1 to vendor:4, owner, reporter, role:manager, person:ann@example.com, team:NAME or on_duty:ROTA";

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::VendorRung(rung) => write!(f, "vendor:{rung}"),
            Target::Owner => f.write_str("owner"),
            Target::Reporter => f.write_str("reporter"),
            Target::Role(role) => write!(f, "role:{role}"),
            Target::Person(email) => write!(f, "person:{email}"),
            Target::Team(name) => f.write_str(&name.address()),
            Target::OnDuty(name) => f.write_str(&name.address()),
        }
    }
}

impl FromStr for Target {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        match text.split_once(':') {
            None if text == "owner" => Ok(Target::Owner),
            None if text == "reporter" => Ok(Target::Reporter),
            Some(("vendor", rung)) => match rung.parse() {
                Ok(rung @ 1..=4) => Ok(Target::VendorRung(rung)),
                _ => Err(format!(
                    "\"{text}\" names no rung; the vendor's rungs are vendor:1 to vendor:4"
                )),
            },
            Some(("role", role)) => role.parse().map(Target::Role),
            Some(("person", email)) if email.contains('@') => Ok(Target::Person(email.to_string())),
            Some(("team", name)) => name.parse().map(Target::Team),
            Some(("on_duty", name)) => name.parse().map(Target::OnDuty),
            _ => Err(format!("\"{text}\" is nobody; use {TARGETS}")),
        }
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// `{"percent": 75}`, `{"before_due": "PT30M"}`, `{"at_due": true}`, `{"after_due": "PT1H", "measured": "elapsed"}`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WhenShape {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    percent: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before_due: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at_due: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after_due: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    measured: Option<Measured>,
}

impl Serialize for When {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut shape = WhenShape {
            percent: None,
            before_due: None,
            at_due: None,
            after_due: None,
            measured: None,
        };
        match *self {
            When::Percent(percent) => shape.percent = Some(i64::from(percent)),
            When::AtDue => shape.at_due = Some(true),
            When::BeforeDue(offset, measured) => {
                shape.before_due = Some(duration::write(offset));
                shape.measured = Some(measured);
            }
            When::AfterDue(offset, measured) => {
                shape.after_due = Some(duration::write(offset));
                shape.measured = Some(measured);
            }
        }
        shape.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let shape = WhenShape::deserialize(deserializer)?;
        let measured = shape.measured.unwrap_or(Measured::Open);
        match (
            shape.percent,
            shape.before_due,
            shape.at_due,
            shape.after_due,
        ) {
            (Some(percent), None, None, None) => u32::try_from(percent)
                .ok()
                .filter(|percent| (1..=1000).contains(percent))
                .map(When::Percent)
                .ok_or_else(|| D::Error::custom("percent must lie between 1 and 1000")),
            (None, Some(offset), None, None) => duration::parse(&offset)
                .map(|offset| When::BeforeDue(offset, measured))
                .map_err(D::Error::custom),
            (None, None, Some(true), None) => Ok(When::AtDue),
            (None, None, None, Some(offset)) => duration::parse(&offset)
                .map(|offset| When::AfterDue(offset, measured))
                .map_err(D::Error::custom),
            _ => Err(D::Error::custom(
                "a step needs exactly one of percent, before_due, at_due (true) and after_due",
            )),
        }
    }
}
