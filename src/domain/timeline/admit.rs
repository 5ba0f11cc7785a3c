//! Whether an event may be recorded, decided before anything is kept.

use super::super::CaseId;
use super::super::input::{Faults, FieldError};
use super::super::terms::Promise;
use super::super::words::EventKind;
use super::{Event, Fact, Fields, Standing, correction_of, facts, of_case, root, standing};
use crate::time::{MINUTE, Moment, SECOND};

/// What somebody wants to record.
#[derive(Clone, Debug)]
pub struct Draft {
    /// What happened.
    pub kind: EventKind,
    /// The case it concerns; none: all.
    pub case: Option<CaseId>,
    /// When it happened; none: now. For `corrected` the moment of the corrected event belongs into
    /// `fields.corrected_at`.
    pub occurred_at: Option<Moment>,
    /// Why, or what was said.
    pub reason: String,
    /// What else the kind carries.
    pub fields: Fields,
}

/// Clocks of different machines differ a little; so much ahead is taken as now.
const AHEAD: i64 = 60 * SECOND;
/// Further back an event needs a reason: it was not entered as it happened.
const LATE: i64 = 15 * MINUTE;

/// The claimed moment, or now where it lies a little ahead; more than that is a fault of the field.
pub fn not_ahead(claimed: Moment, now: Moment, field: &str, faults: &mut Faults) -> Moment {
    if claimed > now + AHEAD {
        faults.add(field, format!("{claimed} lies in the future; it is {now}"));
    }
    claimed.min(now)
}

/// Whether what happened then needs a reason why it is entered only now.
pub fn entered_late(at: Moment, now: Moment) -> bool {
    at < now - LATE
}

/// The moment at which the event is held to have happened.
///
/// `cases` are the incident's cases with the promise that judges each.
///
/// # Errors
/// Every fault at its field.
pub fn admit(
    draft: &Draft,
    events: &[Event],
    cases: &[(CaseId, &Promise)],
    now: Moment,
) -> Result<Moment, Vec<FieldError>> {
    let mut faults = Faults::none();
    let facts = facts(events);
    let at = moment(draft, &facts, now, &mut faults);
    if let Some(case) = draft.case {
        let known = cases.iter().any(|(id, _)| *id == case);
        faults.require(
            known,
            "case",
            format!("case {case} does not belong to this incident"),
        );
    }
    let concerned: Vec<&(CaseId, &Promise)> = cases
        .iter()
        .filter(|(id, _)| draft.case.is_none_or(|case| case == *id))
        .collect();
    let before: Vec<&Fact> = facts.iter().filter(|fact| fact.at <= at).collect();
    match draft.kind {
        EventKind::Reported => faults.add(
            "kind",
            "an incident is reported by raising it; a further vendor by adding a case",
        ),
        EventKind::DeadlineMoved => {
            faults.add("kind", "only the service records that a deadline moved")
        }
        EventKind::Erased => faults.add(
            "kind",
            "texts are erased by an administrator: POST /incidents/{id}/erasures, or Erase beside the event",
        ),
        EventKind::Paused => paused(draft, &concerned, &before, &mut faults),
        EventKind::Resumed => resumed(draft, &concerned, &before, &mut faults),
        EventKind::Agreed | EventKind::Refused => answered(draft, events, cases, &mut faults),
        EventKind::SeverityChanged => severity(draft, &concerned, &before, &mut faults),
        EventKind::Reopened => faults.require(
            concerned
                .iter()
                .any(|(case, _)| has_stopped(&before, *case)),
            "kind",
            format!("no clock that a reopening could start again was stopped by {at}"),
        ),
        EventKind::Corrected => corrected(draft, events, cases, now, &mut faults),
        EventKind::Confirmed | EventKind::Rejected => confirmation(draft, &concerned, &mut faults),
        EventKind::Promised => promised(draft, at, &mut faults),
        EventKind::DataLoss => data_loss(draft, &facts, &concerned, &mut faults),
        EventKind::HandedOver => handed_over(draft, &facts, cases, &mut faults),
        EventKind::Cancelled => {
            faults.require(
                !draft.reason.trim().is_empty(),
                "reason",
                "say why the incident is cancelled",
            );
        }
        EventKind::Acknowledged => {
            faults.require(
                draft.occurred_at.is_none(),
                "occurred_at",
                "an acknowledgement counts from the moment it is recorded and cannot be back-dated",
            );
        }
        EventKind::Responded
        | EventKind::Updated
        | EventKind::WorkedAround
        | EventKind::Restored
        | EventKind::Resolved
        | EventKind::CauseExplained
        | EventKind::Noted => {}
    }
    let over = concerned
        .iter()
        .all(|(case, _)| standing(before.iter().copied(), *case) == Standing::Cancelled);
    if over
        && !concerned.is_empty()
        && !matches!(draft.kind, EventKind::Noted | EventKind::Corrected)
    {
        faults.add(
            "kind",
            "the incident is cancelled; only remarks and corrections can be recorded, and a correction can take the cancellation back",
        );
    }
    faults.or(at)
}

fn moment(draft: &Draft, facts: &[Fact], now: Moment, faults: &mut Faults) -> Moment {
    let Some(claimed) = draft.occurred_at else {
        return now;
    };
    let at = not_ahead(claimed, now, "occurred_at", faults);
    let needs_reason = entered_late(at, now) && draft.kind != EventKind::Acknowledged;
    if needs_reason && draft.reason.trim().is_empty() {
        faults.add("reason", "an event that happened more than 15 minutes ago needs a reason why it is entered only now");
    }
    let reported = facts
        .iter()
        .filter(|fact| {
            fact.kind == EventKind::Reported
                && draft.case.is_none_or(|case| fact.case == Some(case))
        })
        .map(|fact| fact.at)
        .min();
    if let Some(reported) = reported
        && at < reported
    {
        faults.add(
            "occurred_at",
            format!("{at} lies before the incident was reported at {reported}"),
        );
    }
    at
}

fn paused(draft: &Draft, cases: &[&(CaseId, &Promise)], before: &[&Fact], faults: &mut Faults) {
    let Some(code) = draft.fields.stop.as_deref() else {
        return faults.add(
            "stop",
            format!(
                "name the clock stop that permits the pause: {}",
                stops(cases)
            ),
        );
    };
    if !cases
        .iter()
        .any(|(_, promise)| promise.clock_stop(code).is_some())
    {
        return faults.add(
            "stop",
            format!(
                "the terms permit no clock stop \"{code}\"; they have {}",
                stops(cases)
            ),
        );
    }
    if !cases
        .iter()
        .any(|(_, promise)| holds_something(promise, code))
    {
        return faults.add(
            "stop",
            format!(
                "the clock stop {code} is for nothing that the terms promise, so no clock would stand still; record noted instead"
            ),
        );
    }
    if open_stops(before, draft.case).contains(&code) {
        faults.add(
            "stop",
            format!("the clock stop {code} is open already; record resumed first"),
        );
    }
}

/// Whether some commitment may be held by the clock stop of that code.
fn holds_something(promise: &Promise, code: &str) -> bool {
    promise.clock_stop(code).is_some_and(|stop| {
        let mut commitments = promise.commitments.iter();
        commitments.any(|commitment| commitment.may_be_held_by(stop))
    })
}

fn stops(cases: &[&(CaseId, &Promise)]) -> String {
    let mut codes: Vec<&str> = cases
        .iter()
        .flat_map(|(_, promise)| promise.clock_stops.iter().map(|stop| stop.code.as_str()))
        .collect();
    codes.sort_unstable();
    codes.dedup();
    if codes.is_empty() {
        "none, so nothing may pause".to_string()
    } else {
        codes.join(", ")
    }
}

/// Codes of the stops that are open after those facts.
fn open_stops<'a>(before: &[&'a Fact], case: Option<CaseId>) -> Vec<&'a str> {
    let pauses = open_pauses(before.iter().copied(), case);
    pauses
        .into_iter()
        .filter_map(|pause| pause.stop.as_deref())
        .collect()
}

/// The pauses that are open after those facts, of a case or of any; also those that count only once
/// both sides agree.
pub fn open_pauses<'a>(
    facts: impl IntoIterator<Item = &'a Fact>,
    case: Option<CaseId>,
) -> Vec<&'a Fact> {
    let mut open: Vec<&Fact> = Vec::new();
    let mut before: Vec<&Fact> = Vec::new();
    for fact in facts
        .into_iter()
        .filter(|fact| fact.case.is_none() || case.is_none() || fact.case == case)
    {
        match (fact.kind, &fact.stop) {
            // A refused pause never counted, so it holds nothing open.
            (EventKind::Paused, _) if matches!(fact.answer, Some((EventKind::Refused, _))) => {}
            (EventKind::Paused, Some(_)) => open.push(fact),
            (EventKind::Resumed, Some(_)) => open.retain(|pause| pause.stop != fact.stop),
            (EventKind::Resumed, None) => open.clear(),
            (EventKind::Resolved, _) if open.is_empty() => {}
            (EventKind::Resolved, _) => before = std::mem::take(&mut open),
            // That repair never happened, so it ended no pause.
            (EventKind::Rejected, _) => open.append(&mut before),
            (EventKind::Confirmed | EventKind::Reopened, _) => before.clear(),
            _ => {}
        }
    }
    open
}

fn resumed(draft: &Draft, cases: &[&(CaseId, &Promise)], before: &[&Fact], faults: &mut Faults) {
    let open = open_stops(before, draft.case);
    match draft.fields.stop.as_deref() {
        Some(code)
            if !cases
                .iter()
                .any(|(_, promise)| promise.clock_stop(code).is_some()) =>
        {
            faults.add(
                "stop",
                format!(
                    "the terms have no clock stop \"{code}\"; they have {}",
                    stops(cases)
                ),
            );
        }
        Some(code) if !open.contains(&code) => {
            faults.add(
                "stop",
                format!("the clock stop {code} was not open at that moment"),
            );
        }
        None if open.is_empty() => faults.add("kind", "nothing was paused at that moment"),
        _ => {}
    }
}

fn answered(draft: &Draft, events: &[Event], cases: &[(CaseId, &Promise)], faults: &mut Faults) {
    let Some(seq) = draft.fields.concerns else {
        return faults.add(
            "concerns",
            "name the number of the pause that was agreed or refused",
        );
    };
    let pause = events
        .iter()
        .find(|event| event.seq == seq && event.kind == EventKind::Paused);
    let Some(pause) = pause else {
        return faults.add(
            "concerns",
            format!("event {seq} of this incident is not a pause"),
        );
    };
    let needed = pause.fields.stop.as_deref().is_some_and(|code| {
        cases
            .iter()
            .filter_map(|(_, promise)| promise.clock_stop(code))
            .any(|stop| stop.needs_agreement)
    });
    if !needed {
        return faults.add(
            "concerns",
            format!("the pause in event {seq} needs no agreement; it counts already"),
        );
    }
    if let Some(fact) = facts(events).iter().find(|fact| fact.seq == seq)
        && let Some((kind, by)) = fact.answer
    {
        faults.add(
            "concerns",
            format!("the pause in event {seq} was {kind} in event {by}; correct that event if it is wrong"),
        );
    }
}

/// Whether a repair waits for this answer is asked of the clocks, which know the days it has.
fn confirmation(draft: &Draft, cases: &[&(CaseId, &Promise)], faults: &mut Faults) {
    faults.require(
        cases
            .iter()
            .any(|(_, promise)| promise.confirmation.is_some()),
        "kind",
        "the terms ask for no confirmation of a repair; record reopened if it is none",
    );
    faults.require(
        draft.kind == EventKind::Confirmed || !draft.reason.trim().is_empty(),
        "reason",
        "say why the repair is rejected",
    );
}

/// A hand-over names two cases of the incident that are different and not cancelled. Whether the one
/// that receives was told already is not asked: the gap, if there is one, is measured.
fn handed_over(draft: &Draft, facts: &[Fact], cases: &[(CaseId, &Promise)], faults: &mut Faults) {
    let sides = [
        ("case", draft.case, "name the case that is handed over"),
        (
            "to_case",
            draft.fields.to_case,
            "name the case that goes on with it; add the vendor first if it has none",
        ),
    ];
    for (field, case, missing) in sides {
        let Some(case) = case else {
            faults.add(field, missing);
            continue;
        };
        if !cases.iter().any(|(known, _)| *known == case) {
            if !faults.at(field) {
                faults.add(
                    field,
                    format!("case {case} does not belong to this incident"),
                );
            }
        } else if standing(facts, case) == Standing::Cancelled {
            faults.add(field, format!("case {case} is cancelled"));
        }
    }
    faults.require(
        draft.case.is_none() || draft.case != draft.fields.to_case,
        "to_case",
        "a case cannot be handed over to itself",
    );
}

fn promised(draft: &Draft, at: Moment, faults: &mut Faults) {
    match draft.fields.promised_for {
        None => faults.add("promised_for", "write the time that the vendor named"),
        Some(promised) => faults.require(
            promised >= at,
            "promised_for",
            format!(
                "the vendor cannot have promised at {at} something for {promised}, before that"
            ),
        ),
    }
}

/// A hundred years of data, in seconds; more is a slip of the finger.
const MOST_DATA: i64 = 100 * 366 * 24 * 3600;

fn amount(seconds: i64, faults: &mut Faults) {
    faults.require(
        (0..=MOST_DATA).contains(&seconds),
        "seconds",
        format!("the seconds of data lost lie between 0 and {MOST_DATA}"),
    );
}

fn data_loss(draft: &Draft, facts: &[Fact], cases: &[&(CaseId, &Promise)], faults: &mut Faults) {
    match draft.fields.seconds {
        None => faults.add(
            "seconds",
            "write how many seconds of data were lost; 0 if none",
        ),
        Some(seconds) => amount(seconds, faults),
    }
    let measured = facts.iter().find(|fact| {
        fact.kind == EventKind::DataLoss
            && cases
                .iter()
                .any(|(case, _)| fact.case.is_none_or(|of| of == *case))
    });
    if let Some(measured) = measured {
        faults.add(
            "kind",
            format!(
                "the loss of data was measured in event {}; correct that event if it is wrong",
                measured.seq
            ),
        );
    }
}

fn severity(draft: &Draft, cases: &[&(CaseId, &Promise)], before: &[&Fact], faults: &mut Faults) {
    let Some(code) = draft.fields.severity.as_deref() else {
        return faults.add("severity", "name the severity that applies from now on");
    };
    for (case, promise) in cases {
        if promise.severity(code).is_none() {
            faults.add(
                "severity",
                unknown_severity(code, *case, promise, cases.len()),
            );
        }
    }
    let has_it = |case: CaseId| {
        let mut facts = before
            .iter()
            .rev()
            .filter(|fact| fact.case.is_none_or(|of| of == case));
        facts.find_map(|fact| fact.severity.as_deref()) == Some(code)
    };
    // It would begin the clocks anew where the terms count from the change.
    if cases.iter().all(|(case, _)| has_it(*case)) {
        faults.add(
            "severity",
            format!("the severity is {code} already at that moment"),
        );
    }
}

fn unknown_severity(code: &str, case: CaseId, promise: &Promise, cases: usize) -> String {
    let known: Vec<&str> = promise
        .severities
        .iter()
        .map(|severity| severity.code.as_str())
        .collect();
    let of = if cases > 1 {
        format!(" of case {case}")
    } else {
        String::new()
    };
    format!(
        "the terms{of} have no severity \"{code}\"; they have {}",
        known.join(", ")
    )
}

fn has_stopped(before: &[&Fact], case: CaseId) -> bool {
    let (mut stopped, mut stopped_before) = (false, false);
    for fact in of_case(before.iter().copied(), case) {
        match fact.kind {
            EventKind::WorkedAround | EventKind::Restored => stopped = true,
            EventKind::Resolved => (stopped_before, stopped) = (stopped, true),
            EventKind::Rejected => stopped = stopped_before,
            EventKind::Reopened => stopped = false,
            _ => {}
        }
    }
    stopped
}

fn corrected(
    draft: &Draft,
    events: &[Event],
    cases: &[(CaseId, &Promise)],
    now: Moment,
    faults: &mut Faults,
) {
    let fields = &draft.fields;
    if draft.reason.trim().is_empty() {
        faults.add("reason", "say why the event is corrected");
    }
    let Some(seq) = fields.corrects else {
        return faults.add(
            "corrects",
            "name the number of the event that is to be set right",
        );
    };
    let Some(target) = events.iter().find(|event| event.seq == seq) else {
        return faults.add("corrects", format!("this incident has no event {seq}"));
    };
    if let Some(earlier) = correction_of(events, seq) {
        return faults.add(
            "corrects",
            format!(
                "event {seq} is corrected already by event {}; correct that one",
                earlier.seq
            ),
        );
    }
    if matches!(
        target.kind,
        EventKind::DeadlineMoved | EventKind::Acknowledged | EventKind::Erased
    ) {
        return faults.add(
            "corrects",
            format!(
                "event {seq} ({}) says what the service did and cannot be corrected",
                target.kind
            ),
        );
    }
    let changes = fields.corrected_at.is_some()
        || fields.severity.is_some()
        || fields.stop.is_some()
        || fields.seconds.is_some();
    if changes == fields.taken_back {
        faults.add("corrects", "say what is right (occurred_at, severity, stop or seconds), or take the event back (taken_back), not both");
    }
    if fields.taken_back && target.kind == EventKind::Reported {
        faults.add(
            "taken_back",
            "a report cannot be taken back; cancel the incident as void instead",
        );
    }
    if let Some(right) = fields.corrected_at {
        corrected_moment(target, right, events, now, faults);
    }
    let kind = root(events, target).kind;
    if let Some(code) = fields.severity.as_deref() {
        if !matches!(kind, EventKind::Reported | EventKind::SeverityChanged) {
            faults.add(
                "severity",
                format!("event {seq} ({kind}) carries no severity"),
            );
        }
        for (case, promise) in cases {
            if target.case_id.is_none_or(|of| of == *case) && promise.severity(code).is_none() {
                faults.add(
                    "severity",
                    unknown_severity(code, *case, promise, cases.len()),
                );
            }
        }
    }
    if let Some(seconds) = fields.seconds {
        amount(seconds, faults);
        faults.require(
            kind == EventKind::DataLoss,
            "seconds",
            format!("event {seq} ({kind}) carries no seconds of data"),
        );
    }
    if let Some(code) = fields.stop.as_deref() {
        if !matches!(kind, EventKind::Paused | EventKind::Resumed) {
            faults.add(
                "stop",
                format!("event {seq} ({kind}) carries no clock stop"),
            );
        }
        if !cases
            .iter()
            .any(|(_, promise)| promise.clock_stop(code).is_some())
        {
            faults.add("stop", format!("the terms have no clock stop \"{code}\""));
        }
    }
}

fn corrected_moment(
    target: &Event,
    right: Moment,
    events: &[Event],
    now: Moment,
    faults: &mut Faults,
) {
    not_ahead(right, now, "occurred_at", faults);
    let target = root(events, target);
    let all = facts(events);
    let of_case = |fact: &&Fact| fact.case.is_none() || fact.case == target.case_id;
    if target.kind == EventKind::Reported {
        let next = all
            .iter()
            .filter(of_case)
            .find(|fact| fact.kind != EventKind::Reported);
        if let Some(next) = next.filter(|next| next.at < right) {
            faults.add(
                "occurred_at",
                format!("event {} happened at {}, before that", next.seq, next.at),
            );
        }
        return;
    }
    let reported = all
        .iter()
        .filter(|fact| fact.kind == EventKind::Reported)
        .find(|fact| target.case_id.is_none() || fact.case == target.case_id);
    if let Some(reported) = reported.filter(|reported| right < reported.at) {
        faults.add(
            "occurred_at",
            format!(
                "{right} lies before the incident was reported at {}",
                reported.at
            ),
        );
    }
}
