//! Recording what happened, and what that would change.

use std::collections::HashMap;

use serde_json::json;

use super::choice::{Choice, Choosing, choose};
use super::time_first;
use crate::actions::evidence;
use crate::consequence::{Cause, follow, unusable};
use crate::domain::clock::{Change, awaited, changes, judge};
use crate::domain::contract::Contract;
use crate::domain::evidence::NAMES;
use crate::domain::go_live::CaseTerms;
use crate::domain::incident::{Case, Incident, Record};
use crate::domain::terms::Promise;
use crate::domain::timeline::{Draft, Event, admit, facts};
use crate::domain::words::{ClockState, EventKind, Source};
use crate::domain::{CaseId, IncidentId};
use crate::error::{Error, Result};
use crate::store::incident::NewEvent;
use crate::store::{self, Conn, Tx};
use crate::time::Moment;

/// Records what happened; everything that follows from it is done in the same transaction.
///
/// A correction of `reported` chooses the terms and the go-live window again, once that is confirmed;
/// the ladder stays as it was frozen.
///
/// # Errors
/// When the timeline does not admit it, every fault at its field; nothing is kept then.
pub fn record(tx: &mut Tx<'_>, id: IncidentId, record: &Record, source: Source) -> Result<Event> {
    record_said_by(tx, id, record, source, Vec::new())
}

/// The same with texts that say who it was, where that is not one of us.
pub(in crate::actions) fn record_said_by(
    tx: &mut Tx<'_>,
    id: IncidentId,
    record: &Record,
    source: Source,
    who: Vec<(&'static str, String)>,
) -> Result<Event> {
    let mut incident = store::incident::lock(tx, id)?;
    time_first(tx, &mut incident)?;
    let now = tx.now();
    let Plan {
        mut draft,
        occurred_at,
        choices,
        ..
    } = plan(tx.conn(), &incident, record, now)?;
    if !record.confirm_terms
        && let Some(choice) = choices.first()
    {
        return Err(Error::field("confirm_terms", choice.unconfirmed()));
    }
    for choice in &choices {
        choice.keep(tx)?;
        draft.fields.terms = Some(choice.after.terms.number);
        draft.fields.go_live = choice.after.go_live.as_ref().map(|window| window.id);
    }
    let files = evidence::named(tx, &draft.fields.evidence)?;
    let mut texts = vec![("reason", draft.reason.clone())];
    texts.extend(who);
    let names = files.iter().map(|file| file.name.clone());
    texts.extend(NAMES.into_iter().zip(names));
    let new = NewEvent {
        case: draft.case,
        kind: draft.kind,
        occurred_at,
        source,
        fields: draft.fields,
        texts,
    };
    let event = store::incident::append(tx, &mut incident, new)?;
    for (position, file) in (1..).zip(&files) {
        store::evidence::attach(tx, file.id, event.id, position)?;
    }
    let detail = json!({"incident": incident.id.reference(), "seq": event.seq, "kind": event.kind, "occurred_at": event.occurred_at});
    tx.record("incident", incident.id.0, "event recorded", &detail)?;
    follow(
        tx,
        &mut incident,
        &Cause::Recorded(Box::new(event.clone()), draft.reason),
    )?;
    Ok(event)
}

/// What an event would change, with nothing kept.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Each case of the incident.
    pub cases: Vec<PreviewedCase>,
}

/// A case with and without the event.
#[derive(Clone, Debug)]
pub struct PreviewedCase {
    /// The case.
    pub case: Case,
    /// Its contract.
    pub contract: Contract,
    /// What judges it now.
    pub before: CaseTerms,
    /// What would judge it then.
    pub after: CaseTerms,
    /// Its clocks, before and after.
    pub clocks: Vec<Change>,
}

impl Preview {
    /// Whether a case would be judged by other terms, which is to be confirmed.
    pub fn changes_terms(&self) -> bool {
        self.cases.iter().any(|case| !case.before.is(&case.after))
    }
}

/// What that event would change if it were recorded at `now`.
///
/// # Errors
/// As [`record`], but for the confirmation.
pub fn preview(conn: &mut Conn, id: IncidentId, record: &Record, now: Moment) -> Result<Preview> {
    let incident = store::incident::get(conn, id)?;
    let Plan {
        draft,
        occurred_at,
        choices,
        events,
        cases,
        mut terms,
    } = plan(conn, &incident, record, now)?;
    let before = facts(&events);
    let after = facts(&with(&events, &incident, &draft, occurred_at, now));
    let mut previewed = Vec::new();
    for case in cases {
        let Some(old) = terms.remove(&case.id) else {
            continue;
        };
        let chosen = choices.iter().find(|choice| choice.case == case.id);
        let new = chosen.map_or_else(|| old.clone(), |choice| choice.after.clone());
        let mut calendars = old.terms.promise.calendars();
        calendars.extend(new.terms.promise.calendars());
        let book = store::calendar::book(conn, &calendars)?;
        let judged = |of: &CaseTerms, facts| {
            judge(case.id, &of.terms.promise, facts, &book, now).map_err(unusable)
        };
        let clocks = changes(&judged(&old, &before)?, &judged(&new, &after)?);
        previewed.push(PreviewedCase {
            contract: store::contract::find(conn, case.contract_id)?,
            case,
            before: old,
            after: new,
            clocks,
        });
    }
    Ok(Preview { cases: previewed })
}

/// What recording an event comes to, decided before anything is kept.
pub(super) struct Plan {
    pub(super) draft: Draft,
    pub(super) occurred_at: Moment,
    /// Cases that other terms would judge.
    pub(super) choices: Vec<Choice>,
    pub(super) events: Vec<Event>,
    pub(super) cases: Vec<Case>,
    /// What judges each case now.
    pub(super) terms: HashMap<CaseId, CaseTerms>,
}

/// What an event is recorded on.
pub(super) struct Ground {
    pub(super) events: Vec<Event>,
    pub(super) cases: Vec<Case>,
    /// What judges each case.
    pub(super) terms: HashMap<CaseId, CaseTerms>,
}

impl Ground {
    /// The incident as it is kept.
    pub(super) fn of(conn: &mut Conn, id: IncidentId) -> Result<Self> {
        let cases = store::incident::cases(conn, id)?;
        Ok(Self {
            events: store::incident::events(conn, id)?,
            terms: store::go_live::terms_of_cases(conn, &cases)?,
            cases,
        })
    }
}

fn plan(conn: &mut Conn, incident: &Incident, record: &Record, now: Moment) -> Result<Plan> {
    let ground = Ground::of(conn, incident.id)?;
    plan_on(conn, incident, ground, &record.draft(), now)
}

/// Decides what recording that draft on that ground comes to.
pub(super) fn plan_on(
    conn: &mut Conn,
    incident: &Incident,
    ground: Ground,
    asked: &Draft,
    now: Moment,
) -> Result<Plan> {
    let Ground {
        events,
        cases,
        terms,
    } = ground;
    let mut draft = asked.clone();
    let mut choosing = Choosing::default();
    if draft.kind == EventKind::Corrected {
        draft.case = corrected_case(&draft, &events);
        // A little ahead counts as now, as for every event.
        draft.fields.corrected_at = draft.fields.corrected_at.map(|right| right.min(now));
        let known = events.iter().map(|event| event.seq);
        if known.clone().any(|seq| Some(seq) == draft.fields.corrects) {
            let after = with(&events, incident, &draft, now, now);
            choosing = choose(conn, &cases, &terms, &events, &after)?;
        }
    }
    let promises: Vec<(CaseId, &Promise)> = cases
        .iter()
        .filter_map(|case| {
            let written = terms.get(&case.id)?;
            let judging = choosing.of(case.id).unwrap_or(written);
            Some((case.id, &judging.terms.promise))
        })
        .collect();
    let occurred_at = admit(asked, &events, &promises, now)?;
    confirmable(conn, &draft, &events, &promises, occurred_at)?;
    let choices = choosing.settled(&draft)?;
    if draft.kind == EventKind::Acknowledged {
        name_clocks(conn, incident.id, &mut draft)?;
    }
    Ok(Plan {
        draft,
        occurred_at,
        choices,
        events,
        cases,
        terms,
    })
}

/// The timeline as it would be with the draft at its end.
pub(super) fn with(
    events: &[Event],
    incident: &Incident,
    draft: &Draft,
    occurred_at: Moment,
    now: Moment,
) -> Vec<Event> {
    let mut all = events.to_vec();
    all.push(Event {
        id: 0,
        incident_id: incident.id,
        seq: incident.last_seq + 1,
        case_id: draft.case,
        kind: draft.kind,
        occurred_at,
        recorded_at: now,
        person_id: None,
        source: Source::Engine,
        fields: draft.fields.clone(),
        text_hashes: String::new(),
        previous_hash: String::new(),
        hash: String::new(),
    });
    all
}

/// A correction concerns the case of what it corrects.
fn corrected_case(draft: &Draft, events: &[Event]) -> Option<CaseId> {
    let target = events
        .iter()
        .find(|event| Some(event.seq) == draft.fields.corrects)?;
    target.case_id
}

/// A repair is confirmed or rejected while it waits for that, and reopened only afterwards.
fn confirmable(
    conn: &mut Conn,
    draft: &Draft,
    events: &[Event],
    cases: &[(CaseId, &Promise)],
    at: Moment,
) -> Result<()> {
    let answers = matches!(draft.kind, EventKind::Confirmed | EventKind::Rejected);
    if !answers && draft.kind != EventKind::Reopened {
        return Ok(());
    }
    let facts = facts(events);
    let mut waiting = false;
    for (case, promise) in cases {
        if promise.confirmation.is_none() || draft.case.is_some_and(|of| of != *case) {
            continue;
        }
        let book = store::calendar::book(conn, &promise.calendars())?;
        waiting |= awaited(*case, promise, &facts, &book, at)
            .map_err(unusable)?
            .is_some();
    }
    match (answers, waiting) {
        (true, false) => Err(Error::field(
            "kind",
            format!("no repair waited for a confirmation at {at}; record reopened if it is none"),
        )),
        (false, true) => Err(Error::field(
            "kind",
            "the repair is not confirmed yet; record rejected instead, with the reason",
        )),
        _ => Ok(()),
    }
}

/// Without names an acknowledgement takes the clocks that ran out or are within their warning.
fn name_clocks(conn: &mut Conn, id: IncidentId, draft: &mut Draft) -> Result<()> {
    let clocks = store::clock::of_incident(conn, id)?;
    let open: Vec<_> = clocks
        .iter()
        .filter(|clock| {
            clock.state.is_open() && draft.case.is_none_or(|case| case == clock.case_id)
        })
        .collect();
    if draft.fields.metrics.is_empty() {
        for clock in &open {
            let warned = !store::clock::taken(conn, clock.id, clock.generation)?.is_empty();
            if clock.breached_at.is_some() || warned {
                draft.fields.metrics.push(clock.metric);
            }
        }
    }
    let known = |metric| {
        open.iter()
            .any(|clock| clock.metric == metric && clock.state != ClockState::Cancelled)
    };
    if draft.fields.metrics.is_empty() || !draft.fields.metrics.iter().all(|metric| known(*metric))
    {
        return Err(Error::field(
            "metrics",
            "name clocks of the incident that still run; none has run out or been warned of so far",
        ));
    }
    draft.fields.metrics.sort();
    draft.fields.metrics.dedup();
    Ok(())
}
