//! The incident's timeline: dated facts, appended and never edited.

mod admit;
mod chain;

use serde::{Deserialize, Serialize};

pub use admit::{Draft, admit, entered_late, not_ahead, open_pauses};
pub use chain::{Form, GENESIS, SealedText, canonical, seal, text_hash};

use super::words::{EventKind, Metric, Source};
use super::{CaseId, ContactId, GoLiveId, IncidentId, LetterId, PersonId};
use crate::schema::events;
use crate::time::{Micros, Moment};

/// One dated fact as it was recorded.
#[derive(Clone, Debug, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = events)]
pub struct Event {
    /// Key.
    pub id: i64,
    /// The incident it belongs to.
    pub incident_id: IncidentId,
    /// Its number on the incident's timeline, from 1.
    pub seq: i64,
    /// The case it concerns; none: all.
    pub case_id: Option<CaseId>,
    /// What happened.
    pub kind: EventKind,
    /// When it happened.
    pub occurred_at: Moment,
    /// When it was written down.
    pub recorded_at: Moment,
    /// Who wrote it down, if it was one of us.
    pub person_id: Option<PersonId>,
    /// By which way it came.
    pub source: Source,
    /// What else the kind carries.
    pub fields: Fields,
    /// For each text the SHA-256 of its salt and content, as JSON.
    pub text_hashes: String,
    /// The hash of the event before.
    pub previous_hash: String,
    /// The hash of this one.
    pub hash: String,
}

/// What an event carries beside its moment, depending on its kind.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, diesel::deserialize::FromSqlRow,
)]
pub struct Fields {
    /// `reported`, `severity_changed`: the severity from then on. `corrected`: the right one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// `paused`, `resumed`: the clock stop. `corrected`: the right one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<String>,
    /// `agreed`, `refused`: the number of the pause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concerns: Option<i64>,
    /// `corrected`: the number of the event that is set right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrects: Option<i64>,
    /// `corrected`: when it really happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrected_at: Option<Moment>,
    /// `corrected`: it did not happen at all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub taken_back: bool,
    /// `cancelled`: the incident was never one; its breaches are withdrawn.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub void: bool,
    /// `acknowledged`: the clocks that were taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<Metric>,
    /// `data_loss`: how many seconds of data. `corrected`: the right number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<i64>,
    /// `promised`: the time that the vendor named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promised_for: Option<Moment>,
    /// The SHA-256 of each file that goes with it; its name is the text `file_1`, `file_2` …
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// `erased`: the number of the event whose texts are erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erases: Option<i64>,
    /// `erased`: the names of the texts that are erased.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub erased: Vec<String>,
    /// `handed_over`: the case that goes on with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_case: Option<CaseId>,
    /// By a vendor's link: the contact whose letter held it. Who that was says the text `contact`, and
    /// what the person typed as a name the text `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<ContactId>,
    /// By a link: the letter that held it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub letter: Option<LetterId>,
    /// By a message that came in: the SHA-256 of its bytes. What it is about says the text `subject`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// `reported`: the version of the terms that judges the case. `corrected`, `noted`: the one that
    /// judges it from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<i32>,
    /// Beside `terms`: the go-live window that applies with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub go_live: Option<GoLiveId>,
    /// `deadline_moved`: the due moment before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_before: Option<Moment>,
    /// `deadline_moved`: the due moment after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_after: Option<Moment>,
}

from_text_column!(Fields, |text| serde_json::from_str(&text));

/// What is held to have happened, after all corrections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Number of the event that says so.
    pub seq: i64,
    /// The case it concerns; none: all.
    pub case: Option<CaseId>,
    /// What happened.
    pub kind: EventKind,
    /// When.
    pub at: Moment,
    /// The severity, for `reported` and `severity_changed`.
    pub severity: Option<String>,
    /// The clock stop, for `paused` and `resumed`.
    pub stop: Option<String>,
    /// For `data_loss`: how many seconds of data.
    pub seconds: Option<i64>,
    /// For a pause: what the other side said, and in which event.
    pub answer: Option<(EventKind, i64)>,
    /// For `cancelled`: whether the incident was never one.
    pub void: bool,
    /// For `handed_over`: the case that goes on with it.
    pub to_case: Option<CaseId>,
}

/// The facts of a timeline in the order they count: by moment, and of one moment by number.
///
/// A `corrected` event changes the event that it names, or takes it back; a correction can itself be
/// corrected by naming it.
pub fn facts(events: &[Event]) -> Vec<Fact> {
    let mut facts: Vec<Fact> = Vec::with_capacity(events.len());
    for event in events {
        if matches!(
            event.kind,
            EventKind::Corrected
                | EventKind::Noted
                | EventKind::Acknowledged
                | EventKind::DeadlineMoved
                | EventKind::Erased
                | EventKind::Agreed
                | EventKind::Refused
        ) {
            continue;
        }
        let Some(right) = corrected(events, event) else {
            continue;
        };
        let answer = if event.kind == EventKind::Paused {
            answer_to(events, event.seq)
        } else {
            None
        };
        facts.push(Fact {
            seq: event.seq,
            case: event.case_id,
            kind: event.kind,
            at: right.at,
            severity: right.severity,
            stop: right.stop,
            seconds: right.seconds,
            answer,
            void: event.fields.void,
            to_case: event.fields.to_case,
        });
    }
    facts.sort_by_key(|fact| (fact.at, fact.seq));
    facts
}

/// The correction that holds for the event of that number: the last one that was not taken back.
pub fn correction_of(events: &[Event], seq: i64) -> Option<&Event> {
    events.iter().rev().find(|event| {
        event.kind == EventKind::Corrected
            && event.fields.corrects == Some(seq)
            && corrected(events, event).is_some()
    })
}

struct Right {
    at: Moment,
    severity: Option<String>,
    stop: Option<String>,
    seconds: Option<i64>,
}

/// What an event says after its corrections; nothing when it was taken back.
fn corrected(events: &[Event], event: &Event) -> Option<Right> {
    // A correction is always recorded after what it corrects, so this ends.
    let mut right = Right {
        at: event.occurred_at,
        severity: event.fields.severity.clone(),
        stop: event.fields.stop.clone(),
        seconds: event.fields.seconds,
    };
    if let Some(correction) = correction_of(events, event.seq) {
        let change = effective_change(events, correction);
        if change.taken_back {
            return None;
        }
        right.at = change.corrected_at.unwrap_or(right.at);
        right.severity = change.severity.or(right.severity);
        right.stop = change.stop.or(right.stop);
        right.seconds = change.seconds.or(right.seconds);
    }
    Some(right)
}

/// What a correction changes, after corrections of itself.
fn effective_change(events: &[Event], correction: &Event) -> Fields {
    let mut change = correction.fields.clone();
    if let Some(better) = correction_of(events, correction.seq) {
        let better = effective_change(events, better);
        change.corrected_at = better.corrected_at.or(change.corrected_at);
        change.severity = better.severity.or(change.severity);
        change.stop = better.stop.or(change.stop);
        change.seconds = better.seconds.or(change.seconds);
        change.taken_back = false;
    }
    change
}

fn answer_to(events: &[Event], pause: i64) -> Option<(EventKind, i64)> {
    events
        .iter()
        .rev()
        .find(|event| {
            matches!(event.kind, EventKind::Agreed | EventKind::Refused)
                && event.fields.concerns == Some(pause)
                && corrected(events, event).is_some()
        })
        .map(|event| (event.kind, event.seq))
}

/// The facts that concern a case, from its own report on: what was said of all cases before it was
/// opened does not count for it.
pub fn of_case<'a>(
    facts: impl IntoIterator<Item = &'a Fact>,
    case: CaseId,
) -> impl Iterator<Item = &'a Fact> {
    facts
        .into_iter()
        .skip_while(move |fact| !(fact.kind == EventKind::Reported && fact.case == Some(case)))
        .filter(move |fact| fact.case.is_none_or(|of| of == case))
}

/// One case handed over to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handover {
    /// Number of the event on both.
    pub seq: i64,
    /// When it was handed over.
    pub at: Moment,
    /// The case that gave it away.
    pub from: CaseId,
    /// The case that goes on with it.
    pub to: CaseId,
    /// Elapsed time from then until the receiving case was reported, in microseconds; none where it was
    /// reported before.
    pub gap: Micros,
}

/// The hand-overs of an incident in their order, with the time in which nobody had it.
pub fn handovers(facts: &[Fact]) -> Vec<Handover> {
    let reported = |case: CaseId| {
        let mut reports = facts.iter();
        reports.find(|fact| fact.kind == EventKind::Reported && fact.case == Some(case))
    };
    let over = facts
        .iter()
        .filter(|fact| fact.kind == EventKind::HandedOver);
    over.filter_map(|fact| {
        let (from, to) = (fact.case?, fact.to_case?);
        Some(Handover {
            seq: fact.seq,
            at: fact.at,
            from,
            to,
            gap: (reported(to)?.at - fact.at).max(0),
        })
    })
    .collect()
}

/// The event at the end of a chain of corrections: the event itself, unless it is one.
pub fn root<'a>(events: &'a [Event], event: &'a Event) -> &'a Event {
    let mut event = event;
    while let Some(target) = event.fields.corrects.and_then(|seq| {
        events
            .iter()
            .find(|other| other.seq == seq && seq < event.seq)
    }) {
        event = target;
    }
    event
}

/// How an incident stands as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Somebody still owes something.
    Open,
    /// Every case is resolved.
    Resolved,
    /// Nothing is owed any more.
    Cancelled,
}

/// How that case stands by the facts: resolved until it is reopened, cancelled for good.
pub fn standing<'a>(facts: impl IntoIterator<Item = &'a Fact>, case: CaseId) -> Standing {
    let mut standing = Standing::Open;
    for fact in of_case(facts, case) {
        match fact.kind {
            EventKind::Resolved if standing == Standing::Open => standing = Standing::Resolved,
            EventKind::Reopened | EventKind::Rejected if standing == Standing::Resolved => {
                standing = Standing::Open;
            }
            EventKind::Cancelled => standing = Standing::Cancelled,
            _ => {}
        }
    }
    standing
}
