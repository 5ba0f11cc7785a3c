//! What a letter is about: the facts as they were when it was queued.
//!
//! A letter keeps its facts, not its text: the text is made when the letter is about to go out,
//! because only then is it known how late it is. Facts are kept as JSON for as long as a letter
//! waits, so a newer version must read what an older one wrote: a field that is added later has a
//! default.

use serde::{Deserialize, Serialize};

use super::anchor::PrintedHead;
use super::clock::{Explanation, Row};
use super::locale::Locale;
use super::person::Person;
use super::words::{ClockState, EventKind, Metric};
use super::zone::Zone;
use crate::time::{Micros, Moment};

text_enum! {
    /// What a letter is for.
    LetterKind {
        /// An incident was raised; goes to the vendor's service desk.
        Raised = "raised",
        /// A deadline draws near.
        Warned = "warned",
        /// A deadline has passed or is passing; the next one up is told.
        Escalated = "escalated",
        /// A commitment was not kept and is in the register.
        Breached = "breached",
        /// The incident is over.
        Resolved = "resolved",
        /// It is not over: the repair was rejected, or the incident was reopened.
        Reopened = "reopened",
        /// A breach that was told of is withdrawn.
        Corrected = "corrected",
        /// The vendor answered by a link or a message: the receipt for both sides.
        Answered = "answered",
        /// Figures for a period.
        Report = "report",
        /// A mail server refuses an address that letters are written to.
        Undeliverable = "undeliverable",
    }
}

text_enum! {
    /// How a letter in the outbox stands.
    LetterState {
        /// Waits for its moment or for the next attempt.
        Queued = "queued",
        /// One engine is sending it.
        Leased = "leased",
        /// A mail server has taken it.
        Sent = "sent",
        /// A mail server refused it for good, or every attempt was used up.
        Failed = "failed",
        /// Not needed any more.
        Cancelled = "cancelled",
    }
}

text_enum! {
    /// Whom a recipient belongs to.
    Side {
        /// One of us.
        Ours = "ours",
        /// A contact of the vendor.
        Vendor = "vendor",
    }
}

/// Who gets a letter, with the language and the zone it is written in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// Name of the person or desk.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// The letter's language.
    pub locale: Locale,
    /// The zone that moments are shown in.
    pub time_zone: Zone,
    /// Decides what may be shown.
    pub side: Side,
}

impl Recipient {
    /// An address of ours that no person has, in that zone.
    pub fn of_address(email: &str, time_zone: Zone) -> Self {
        Self {
            name: email.to_string(),
            email: email.to_string(),
            locale: Locale::En,
            time_zone,
            side: Side::Ours,
        }
    }
}

impl From<&Person> for Recipient {
    fn from(person: &Person) -> Self {
        Self {
            name: person.name.clone(),
            email: person.email.clone(),
            locale: person.locale,
            time_zone: person.time_zone,
            side: Side::Ours,
        }
    }
}

/// The facts of a letter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, diesel::deserialize::FromSqlRow)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum LetterFacts {
    /// About an incident.
    Incident(Box<IncidentFacts>),
    /// About a period.
    Report(Box<ReportFacts>),
    /// About an address.
    Undeliverable(Box<UndeliverableFacts>),
}

impl LetterFacts {
    /// As they are kept.
    ///
    /// # Errors
    /// Never in practice: facts hold nothing that JSON lacks.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }

    /// What the letter is for.
    pub fn kind(&self) -> LetterKind {
        match self {
            LetterFacts::Incident(facts) => facts.kind,
            LetterFacts::Report(_) => LetterKind::Report,
            LetterFacts::Undeliverable(_) => LetterKind::Undeliverable,
        }
    }
}

/// What a letter about an incident says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentFacts {
    /// Any kind but `report`.
    pub kind: LetterKind,
    /// Reference of the incident, `INC-1042`.
    pub incident: String,
    /// Title of the incident.
    pub title: String,
    /// Description of the incident; may be empty.
    #[serde(default)]
    pub description: String,
    /// Raised for practice: every letter says so.
    #[serde(default)]
    pub drill: bool,
    /// Name of the vendor.
    pub vendor: String,
    /// What the vendor calls the case, where it is known.
    #[serde(default)]
    pub vendor_reference: Option<String>,
    /// Reference of the contract.
    pub contract: String,
    /// Title of the contract.
    #[serde(default)]
    pub contract_title: String,
    /// Zone of the contract.
    pub contract_zone: Zone,
    /// Name or address of the contract's owner: the one address of ours that a vendor sees.
    #[serde(default)]
    pub owner: String,
    /// Code of the case's severity.
    pub severity: String,
    /// Name of the case's severity.
    #[serde(default)]
    pub severity_name: String,
    /// When the vendor was told.
    pub reported_at: Moment,
    /// When the letter was due to go out.
    pub planned_at: Moment,
    /// The clocks the letter is about, the one that caused it first.
    #[serde(default)]
    pub clocks: Vec<ClockFacts>,
    /// The step of the ladder that caused it.
    #[serde(default)]
    pub step: Option<StepFacts>,
    /// Steps that were passed over while nothing ran, in a letter that makes up for them.
    #[serde(default)]
    pub missed_steps: Vec<StepFacts>,
    /// Steps just below this one on the ladder that found nobody to tell; only for our own side.
    #[serde(default)]
    pub skipped_steps: Vec<Trigger>,
    /// Reference of the breach, `B-17`.
    #[serde(default)]
    pub breach: Option<String>,
    /// Who else was told at the same step.
    #[serde(default)]
    pub also_told: Vec<Told>,
    /// A sentence of the person who caused it.
    #[serde(default)]
    pub remark: Option<String>,
    /// Whether we rejected the repair, so that it never counted.
    #[serde(default)]
    pub rejected: bool,
    /// The breach that is withdrawn and the event that withdrew it.
    #[serde(default)]
    pub corrected: Option<CorrectedFacts>,
    /// What the vendor said by a link or a message.
    #[serde(default)]
    pub answer: Option<AnswerFacts>,
    /// How the deadline of the first clock came about.
    #[serde(default)]
    pub explanation: Option<ExplanationFacts>,
    /// Path of the incident's page, `/incidents/INC-1042`; the public address comes before it.
    pub link: String,
    /// The head of the anchor chain when it was queued, which the vendor can hold against our record.
    #[serde(default)]
    pub anchor: Option<PrintedHead>,
}

/// How a deadline came about, told shortly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplanationFacts {
    /// The zone of the calendar that the time counts in.
    pub zone: Zone,
    /// What led to the due moment, and from there to the moment of the letter.
    pub rows: Vec<Row>,
}

impl ExplanationFacts {
    /// The short telling of an explanation, as a letter keeps it.
    pub fn short(explanation: &Explanation) -> Self {
        Self {
            zone: Zone(explanation.zone),
            rows: explanation.short(),
        }
    }
}

/// One clock as it stood when the letter was queued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockFacts {
    /// What is measured.
    pub metric: Metric,
    /// Clause of the contract.
    pub clause: String,
    /// What was promised.
    pub promise: Promised,
    /// Name of the calendar that time counts in.
    #[serde(default)]
    pub calendar: String,
    /// When the clock started.
    pub started_at: Moment,
    /// When it is due; none while a clock stop holds it.
    #[serde(default)]
    pub due_at: Option<Moment>,
    /// The deadline lies past the end of the calendar's holiday list.
    #[serde(default)]
    pub provisional: bool,
    /// How the clock stands.
    pub state: ClockState,
    /// Number of the interval, for updates.
    #[serde(default)]
    pub interval: i32,
    /// Which run of the clock; 0 in letters that did not say.
    #[serde(default)]
    pub run: i32,
    /// The deadline it did not keep.
    #[serde(default)]
    pub breached_at: Option<Moment>,
    /// When it stopped.
    #[serde(default)]
    pub stopped_at: Option<Moment>,
    /// How much data was lost, in microseconds of data, once that is measured.
    #[serde(default)]
    pub lost: Option<Micros>,
    /// Late by that much open time, in microseconds.
    #[serde(default)]
    pub late_open: Option<Micros>,
    /// Late by that much elapsed time, in microseconds.
    #[serde(default)]
    pub late_elapsed: Option<Micros>,
    /// Open time that is left, in microseconds.
    #[serde(default)]
    pub remaining: Option<Micros>,
}

/// The target as it is promised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Promised {
    /// Within that much open time.
    OpenTime {
        /// The budget in microseconds.
        micros: Micros,
    },
    /// No more than that much data lost.
    Amount {
        /// The limit in microseconds of data.
        micros: Micros,
    },
    /// By the end, or a time, of a business day.
    BusinessDays {
        /// How many business days after day 0.
        days: u32,
        /// `same_time`, `close` or a wall-clock time such as `16:00`.
        at: String,
    },
}

/// One step of the ladder, once or in one of its repeats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepFacts {
    /// When it was due.
    pub planned_at: Moment,
    /// What it is relative to.
    pub trigger: Trigger,
    /// 0 the first time, then the number of the repeat.
    #[serde(default)]
    pub repeat: i32,
    /// It says again what was said before.
    #[serde(default)]
    pub reminder: bool,
}

/// What the moment of a step is relative to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// A share of the budget.
    Percent {
        /// In percent.
        percent: u32,
    },
    /// Before the deadline.
    BeforeDue {
        /// In microseconds.
        offset: Micros,
        /// `open` or `elapsed`.
        measured: String,
    },
    /// The deadline.
    AtDue,
    /// After the deadline.
    AfterDue {
        /// In microseconds.
        offset: Micros,
        /// `open` or `elapsed`.
        measured: String,
    },
}

/// Someone else who was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Name of the person or desk.
    pub name: String,
    /// E-mail address; a vendor sees no address of ours.
    pub email: String,
    /// Whom they belong to.
    pub side: Side,
}

/// The breach that is withdrawn and the event that withdrew it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorrectedFacts {
    /// Reference of the breach, `B-17`.
    pub breach: String,
    /// What was measured.
    pub metric: Metric,
    /// Clause of the contract.
    pub clause: String,
    /// The deadline that was said to be missed.
    pub due_at: Moment,
    /// Number of the event on the timeline.
    pub seq: i64,
    /// What the event says happened.
    pub kind: EventKind,
    /// When it says it happened.
    pub occurred_at: Moment,
    /// The reason given with it; may be empty.
    #[serde(default)]
    pub reason: String,
}

/// What a vendor said by a link or a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerFacts {
    /// Number of the event that it was recorded as.
    pub seq: i64,
    /// What it says happened.
    pub kind: EventKind,
    /// When it was recorded; of a message when it was received.
    pub at: Moment,
    /// Who said so, as typed; of a message the sender's name.
    #[serde(default)]
    pub name: String,
    /// Whose letter held the link; of a message its sender.
    #[serde(default)]
    pub contact: String,
    /// For a promise: the time.
    #[serde(default)]
    pub promised_for: Option<Moment>,
    /// What else was said; may be empty.
    #[serde(default)]
    pub remark: String,
    /// Whether it was said in a message of the vendor's own, not by a link.
    #[serde(default)]
    pub by_mail: bool,
    /// Whether one of us has read it before it was recorded.
    #[serde(default)]
    pub is_checked: bool,
}

/// What a report for a period says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportFacts {
    /// Name of the schedule that asked for it.
    pub name: String,
    /// Name of the vendor; none: all.
    #[serde(default)]
    pub vendor: Option<String>,
    /// First moment of the period.
    pub from: Moment,
    /// First moment after the period.
    pub to: Moment,
    /// Zone of the period.
    pub time_zone: Zone,
    /// When the report was due to go out.
    #[serde(default)]
    pub planned_at: Option<Moment>,
    /// Figures by contract, metric and severity.
    #[serde(default)]
    pub rows: Vec<ReportRow>,
    /// The breaches of the period.
    #[serde(default)]
    pub breaches: Vec<ReportBreach>,
    /// Clocks not yet due.
    #[serde(default)]
    pub open: i64,
    /// Path of the report's page.
    pub link: String,
    /// The report as CSV, attached.
    #[serde(default)]
    pub csv: String,
    /// The head of the anchor chain when the report was made.
    #[serde(default)]
    pub anchor: Option<PrintedHead>,
}

/// What a letter says about an address that is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndeliverableFacts {
    /// The address.
    pub email: String,
    /// Whom it was written to under.
    pub name: String,
    /// The webhook that is gone, where it is one.
    #[serde(default)]
    pub webhook: Option<String>,
    /// When it was refused.
    pub refused_at: Moment,
    /// What the mail server said.
    pub answer: String,
    /// Reference of the incident that the refused letter was about.
    pub incident: Option<String>,
    /// The vendors that have it among their contacts.
    pub vendors: Vec<String>,
    /// References of the contracts in force with them.
    pub contracts: Vec<String>,
    /// When the letter was due to go out.
    pub planned_at: Moment,
    /// Path of the page where the address is kept.
    pub link: String,
}

/// One row of figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportRow {
    /// Reference of the contract.
    pub contract: String,
    /// What was measured.
    pub metric: Metric,
    /// Code of the severity.
    pub severity: String,
    /// Commitments kept.
    pub met: i64,
    /// Commitments not kept.
    pub missed: i64,
    /// Share kept, 0 to 1; none without a case.
    #[serde(default)]
    pub attainment: Option<f64>,
    /// Lower end of its 95 % interval, 0 to 1.
    #[serde(default)]
    pub low: Option<f64>,
    /// Upper end of its 95 % interval, 0 to 1.
    #[serde(default)]
    pub high: Option<f64>,
    /// Mean share of the budget that was left, 1 at most; negative where it was overdrawn.
    #[serde(default)]
    pub margin: Option<f64>,
}

/// One breach of the period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportBreach {
    /// `B-17`.
    pub reference: String,
    /// `INC-1042`.
    pub incident: String,
    /// Clause of the contract.
    pub clause: String,
    /// What was measured.
    pub metric: Metric,
    /// Code of the severity.
    pub severity: String,
    /// The deadline.
    pub due_at: Moment,
    /// When it stopped, if it did.
    #[serde(default)]
    pub stopped_at: Option<Moment>,
    /// Late by that much open time, in microseconds.
    #[serde(default)]
    pub late_open: Option<Micros>,
    /// Late by that much elapsed time, in microseconds.
    #[serde(default)]
    pub late_elapsed: Option<Micros>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_written_without_the_optional_fields_are_read() {
        let text = r#"{"about":"incident","kind":"warned","incident":"INC-1042","title":"Frankfurt is cut off",
            "vendor":"Northwind Carrier","contract":"NW-2026","contract_zone":"Europe/Berlin","severity":"S1",
            "reported_at":"2026-11-20T15:40:00Z","planned_at":"2026-11-20T15:51:15Z","link":"/incidents/INC-1042",
            "clocks":[{"metric":"respond","clause":"5.1","promise":{"open_time":{"micros":900000000}},
                       "started_at":"2026-11-20T15:40:00Z","state":"running"}],
            "a_field_of_a_newer_version":1}"#;
        let facts: LetterFacts = serde_json::from_str(text).unwrap();
        assert_eq!(facts.kind(), LetterKind::Warned);
        let again: LetterFacts =
            serde_json::from_str(&serde_json::to_string(&facts).unwrap()).unwrap();
        assert_eq!(facts, again);
    }
}
