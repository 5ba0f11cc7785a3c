//! What happens while a scenario is played, one line each.

use serde::Serialize;

use crate::domain::clock::ClockRow;
use crate::domain::incident::IncidentState;
use crate::domain::ladder::Deed;
use crate::domain::letter::{LetterKind, Side};
use crate::domain::locale::Locale;
use crate::domain::words::{ClockState, Metric};
use crate::domain::zone::Zone;
use crate::report::in_seconds;
use crate::time::{Micros, Moment};

/// Something that happened in virtual time.
#[derive(Clone, Debug, Serialize)]
pub struct Happening {
    /// When.
    pub at: Moment,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum What {
    /// A clock began, stopped, was held, went on, or its deadline moved.
    Clock(ClockLine),
    /// A step of a ladder was taken, or passed over.
    Step(StepLine),
    /// A letter left.
    Letter(LetterLine),
    /// A commitment was not kept.
    Breach(BreachLine),
    /// A breach was withdrawn.
    Withdrawn(WithdrawnLine),
    /// Something that comes round on schedule ran.
    Routine(RoutineLine),
    /// How everything stands in the end.
    Summary(Summary),
}

/// A clock as it stands from then on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClockLine {
    /// The incident's reference.
    pub incident: String,
    /// The case, by its contract's reference.
    pub case: String,
    /// What is measured.
    pub metric: Metric,
    /// How it stands.
    pub state: ClockState,
    /// When it runs out; unknown while it is held.
    pub due_at: Option<Moment>,
    /// The severity it is judged under, by code.
    pub severity: String,
    /// Where the contract promises it.
    pub clause: String,
    /// Which run.
    pub run: i32,
    /// Which interval of `update`.
    pub interval: i32,
    /// Whether the deadline lies past the end of the calendar's holiday list.
    pub provisional: bool,
}

impl ClockLine {
    pub(super) fn of(row: &ClockRow, case: &str) -> Self {
        Self {
            incident: row.incident_id.reference(),
            case: case.to_string(),
            metric: row.metric,
            state: row.state,
            due_at: row.due_at,
            severity: row.severity.clone(),
            clause: row.clause.clone(),
            run: row.run,
            interval: row.interval,
            provisional: row.provisional,
        }
    }
}

/// A step of a ladder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepLine {
    /// The incident's reference.
    pub incident: String,
    /// The case, by its contract's reference.
    pub case: String,
    /// What the clock measures.
    pub metric: Metric,
    /// Place on the ladder, from 0; none for the reminder after an acknowledgement.
    pub step: Option<i32>,
    /// 0 for the step itself, then its repeats.
    pub repeat: i32,
    /// What became of it.
    pub deed: Deed,
    /// The moment it was for.
    pub planned_at: Moment,
    /// Run of the clock.
    pub run: i32,
    /// Interval of `update`.
    pub interval: i32,
}

/// A letter that left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LetterLine {
    /// The incident's reference, unless it is a report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    /// The case, by its contract's reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// The clock it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<Metric>,
    /// What it is for.
    pub kind: LetterKind,
    /// Address of the recipient.
    pub to: String,
    /// Name of the recipient.
    pub name: String,
    /// Whom the recipient belongs to.
    pub side: Side,
    /// Its language.
    pub locale: Locale,
    /// The zone in which it states moments.
    pub time_zone: Zone,
    /// Its subject.
    pub subject: String,
    /// Place on the ladder of the step that caused it, from 0; none for letters of the occasion itself
    /// and for reminders.
    pub step: Option<i32>,
    /// What makes it the only one of its kind.
    pub key: String,
    /// The moment it was for.
    pub planned_at: Moment,
    /// Its plain text.
    #[serde(skip)]
    pub text: String,
}

/// A commitment that was not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BreachLine {
    /// The incident's reference.
    pub incident: String,
    /// The case, by its contract's reference.
    pub case: String,
    /// The breach's reference.
    pub breach: String,
    /// What was measured.
    pub metric: Metric,
    /// Under which severity, by code.
    pub severity: String,
    /// Where the contract promises it.
    pub clause: String,
    /// When it ran out.
    pub due_at: Moment,
    /// Elapsed time from the deadline to the stop, or to now while it runs.
    #[serde(serialize_with = "in_seconds")]
    pub late_seconds: Micros,
    /// The open time of that.
    #[serde(serialize_with = "in_seconds")]
    pub late_open_seconds: Micros,
    /// Run of the clock.
    pub run: i32,
    /// Interval of `update`.
    pub interval: i32,
}

/// A breach that no longer holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WithdrawnLine {
    /// The incident's reference.
    pub incident: String,
    /// The case, by its contract's reference.
    pub case: String,
    /// The breach's reference.
    pub breach: String,
    /// What was measured.
    pub metric: Metric,
    /// When it was held to have run out.
    pub due_at: Moment,
    /// Number of the event that withdrew it, on the incident's timeline.
    pub seq: i64,
    /// Why.
    pub reason: String,
}

/// A routine that ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoutineLine {
    /// Its name.
    pub name: String,
    /// Everything up to this moment is done.
    pub done_to: Moment,
}

/// How everything stands when the scenario ends.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The incidents in the order of the scenario.
    pub incidents: Vec<IncidentSummary>,
}

/// How an incident stands when the scenario ends.
#[derive(Clone, Debug, Serialize)]
pub struct IncidentSummary {
    /// Its reference.
    pub incident: String,
    /// Its title.
    pub title: String,
    /// How it stands as a whole.
    pub state: IncidentState,
    /// Its clocks as they are judged at the end.
    pub clocks: Vec<ClockSummary>,
    /// The breaches that hold.
    pub breaches: Vec<BreachSummary>,
}

/// How a clock stands when the scenario ends, in the fields of the API.
#[derive(Clone, Debug, Serialize)]
pub struct ClockSummary {
    /// The case, by its contract's reference.
    pub case: String,
    /// What is measured.
    pub metric: Metric,
    /// How it stands.
    pub state: ClockState,
    /// The severity it is judged under, by code.
    pub severity: String,
    /// Where the contract promises it.
    pub clause: String,
    /// When its present run or interval began.
    pub started_at: Moment,
    /// When it runs out; unknown while it is held.
    pub due_at: Option<Moment>,
    /// Whether the deadline lies past the end of the calendar's holiday list.
    pub provisional: bool,
    /// Open time it may take.
    #[serde(serialize_with = "in_seconds")]
    pub target_seconds: Micros,
    /// Open time it took.
    #[serde(serialize_with = "in_seconds")]
    pub spent_seconds: Micros,
    /// When it ran out.
    pub breached_at: Option<Moment>,
    /// When it was stopped.
    pub stopped_at: Option<Moment>,
    /// Which run.
    pub run: i32,
    /// Which interval of `update`.
    pub interval: i32,
}

/// A breach that holds when the scenario ends.
#[derive(Clone, Debug, Serialize)]
pub struct BreachSummary {
    /// The case, by its contract's reference.
    pub case: String,
    /// What was measured.
    pub metric: Metric,
    /// Under which severity, by code.
    pub severity: String,
    /// Where the contract promises it.
    pub clause: String,
    /// When it ran out.
    pub due_at: Moment,
    /// Elapsed time from the deadline to the stop, or to the end while it runs.
    #[serde(serialize_with = "in_seconds")]
    pub late_seconds: Micros,
    /// The open time of that.
    #[serde(serialize_with = "in_seconds")]
    pub late_open_seconds: Micros,
    /// Run of the clock.
    pub run: i32,
    /// Interval of `update`.
    pub interval: i32,
}
