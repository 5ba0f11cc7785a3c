//! What people do with incidents: raise them, add vendors, record what happens.

use serde_json::json;

use crate::consequence::{Cause, follow, unusable};
use crate::domain::clock::awaited;
use crate::domain::contract::Contract;
use crate::domain::go_live::CaseTerms;
use crate::domain::incident::{Incident, IncidentState, OpenCase, Raise, Record};
use crate::domain::input::Faults;
use crate::domain::terms::Promise;
use crate::domain::timeline::{Draft, Event, Fields, admit, entered_late, facts, not_ahead, root};
use crate::domain::words::{ClockState, EventKind, Source};
use crate::domain::{CaseId, IncidentId};
use crate::error::{Error, Result};
use crate::store::incident::{NewEvent, NewIncident};
use crate::store::{self, Tx};
use crate::time::Moment;

/// Raises an incident with its first case; its clocks start.
///
/// # Errors
/// When the contract or the severity is not known, the report lies outside the contract's term, in
/// the future, or too far back without a reason; nothing is kept then.
pub fn raise(tx: &mut Tx<'_>, raise: &Raise, source: Source) -> Result<Incident> {
    let Some(reporter) = tx.actor().person() else {
        return Err(Error::conflict("an incident is raised by one of us"));
    };
    let opening = open(tx, &raise.case, tx.now())?;
    let new = NewIncident {
        title: &raise.title,
        description: &raise.description,
        drill: raise.drill,
        reported_at: opening.reported_at,
        reporter,
    };
    let mut incident = store::incident::insert(tx, &new)?;
    let texts = vec![
        ("title", raise.title.clone()),
        ("description", raise.description.clone()),
    ];
    add(tx, &mut incident, &raise.case, &opening, source, texts)?;
    let detail = json!({"reference": incident.id.reference(), "contract": opening.contract.reference, "severity": raise.case.severity});
    tx.record("incident", incident.id.0, "raised", &detail)?;
    Ok(incident)
}

/// Adds a vendor to an incident: a case of another contract, with clocks of its own.
///
/// # Errors
/// As for [`raise`]; and when the contract has a case of this incident already.
pub fn add_case(
    tx: &mut Tx<'_>,
    id: IncidentId,
    case: &OpenCase,
    source: Source,
) -> Result<CaseId> {
    let mut incident = store::incident::lock(tx, id)?;
    if incident.state == IncidentState::Cancelled {
        return Err(Error::conflict(format!(
            "incident {} is cancelled; raise a new one, or take the cancellation back first",
            id.reference()
        )));
    }
    let cases = store::incident::cases(tx.conn(), id)?;
    if cases
        .iter()
        .any(|known| known.contract_id == case.contract_id)
    {
        return Err(Error::field(
            "contract_id",
            "this contract has a case of the incident already; record events for that one",
        ));
    }
    let opening = open(tx, case, tx.now())?;
    time_first(tx, &mut incident)?;
    let id = add(tx, &mut incident, case, &opening, source, Vec::new())?;
    let detail = json!({"reference": incident.id.reference(), "contract": opening.contract.reference, "severity": case.severity});
    tx.record("incident", incident.id.0, "case added", &detail)?;
    Ok(id)
}

/// What judges a case that is reported now.
struct Opening {
    contract: Contract,
    /// The version in force at the report, with the go-live window.
    terms: CaseTerms,
    reported_at: Moment,
}

fn open(tx: &mut Tx<'_>, case: &OpenCase, now: Moment) -> Result<Opening> {
    let mut faults = Faults::none();
    let reported_at = reported_at(case, now, &mut faults);
    let contract = match store::contract::find(tx.conn(), case.contract_id) {
        Ok(contract) => contract,
        Err(Error::Refused(_)) => {
            faults.add(
                "contract_id",
                format!("there is no contract {}", case.contract_id),
            );
            return Err(faults.into_vec().into());
        }
        Err(other) => return Err(other),
    };
    if !contract.covers(reported_at) {
        let until = contract.effective_to.map_or_else(
            || "until further notice".to_string(),
            |last| format!("to {last}"),
        );
        faults.add(
            "reported_at",
            format!(
                "{reported_at} lies outside the term of contract {}, which runs from {} {until} ({})",
                contract.reference,
                contract.effective_from,
                contract.time_zone.name()
            ),
        );
        return Err(faults.into_vec().into());
    }
    let Some(terms) = store::terms::in_force(tx.conn(), &contract, reported_at)? else {
        faults.add(
            "contract_id",
            format!(
                "contract {} has no terms in force at {reported_at}; enter its terms first",
                contract.reference
            ),
        );
        return Err(faults.into_vec().into());
    };
    let window = store::go_live::applying(tx.conn(), contract.id, reported_at)?;
    if terms.promise.severity(&case.severity).is_none() {
        let known: Vec<&str> = terms
            .promise
            .severities
            .iter()
            .map(|severity| severity.code.as_str())
            .collect();
        faults.add(
            "severity",
            format!(
                "the terms of contract {} have no severity \"{}\"; they have {}",
                contract.reference,
                case.severity,
                known.join(", ")
            ),
        );
    }
    let opening = Opening {
        contract,
        terms: CaseTerms::new(terms, window),
        reported_at,
    };
    faults.or(opening).map_err(Error::from)
}

fn reported_at(case: &OpenCase, now: Moment, faults: &mut Faults) -> Moment {
    let Some(claimed) = case.reported_at else {
        return now;
    };
    let at = not_ahead(claimed, now, "reported_at", faults);
    if entered_late(at, now) && case.reason.is_empty() {
        faults.add(
            "reason",
            "a report of more than 15 minutes ago needs a reason why it is entered only now, for it starts the clocks",
        );
    }
    at
}

fn add(
    tx: &mut Tx<'_>,
    incident: &mut Incident,
    case: &OpenCase,
    opening: &Opening,
    source: Source,
    mut texts: Vec<(&'static str, String)>,
) -> Result<CaseId> {
    let id = store::incident::insert_case(
        tx,
        incident.id,
        &opening.terms,
        &case.severity,
        &case.vendor_reference,
    )?;
    texts.push(("vendor_reference", case.vendor_reference.clone()));
    texts.push(("reason", case.reason.clone()));
    let new = NewEvent {
        case: Some(id),
        kind: EventKind::Reported,
        occurred_at: opening.reported_at,
        source,
        fields: Fields {
            severity: Some(case.severity.clone()),
            terms: Some(opening.terms.terms.number),
            go_live: opening.terms.go_live.as_ref().map(|window| window.id),
            ..Fields::default()
        },
        texts,
    };
    let event = store::incident::append(tx, incident, new)?;
    follow(
        tx,
        incident,
        &Cause::Recorded(Box::new(event), case.reason.clone()),
    )?;
    Ok(id)
}

/// Records what happened; everything that follows from it is done in the same transaction.
///
/// # Errors
/// When the timeline does not admit it, every fault at its field; nothing is kept then.
pub fn record(tx: &mut Tx<'_>, id: IncidentId, record: &Record, source: Source) -> Result<Event> {
    let mut incident = store::incident::lock(tx, id)?;
    time_first(tx, &mut incident)?;
    let now = tx.now();
    let events = store::incident::events(tx.conn(), id)?;
    let known = store::incident::cases(tx.conn(), id)?;
    let terms = store::go_live::terms_of_cases(tx.conn(), &known)?;
    let cases: Vec<(CaseId, &Promise)> = known
        .iter()
        .filter_map(|case| Some((case.id, &terms.get(&case.id)?.terms.promise)))
        .collect();
    let mut draft = record.draft();
    let occurred_at = admit(&draft, &events, &cases, now)?;
    confirmable(tx, &draft, &events, &cases, occurred_at)?;
    if draft.kind == EventKind::Corrected {
        draft.case = corrected_case(&draft, &events);
        // A little ahead counts as now, as for every event.
        draft.fields.corrected_at = draft.fields.corrected_at.map(|right| right.min(now));
        same_terms(tx, &draft, &events)?;
    }
    if draft.kind == EventKind::Acknowledged {
        name_clocks(tx, id, &mut draft)?;
    }
    let new = NewEvent {
        case: draft.case,
        kind: draft.kind,
        occurred_at,
        source,
        fields: draft.fields,
        texts: vec![("reason", draft.reason.clone())],
    };
    let event = store::incident::append(tx, &mut incident, new)?;
    let detail = json!({"incident": incident.id.reference(), "seq": event.seq, "kind": event.kind, "occurred_at": event.occurred_at});
    tx.record("incident", incident.id.0, "event recorded", &detail)?;
    follow(
        tx,
        &mut incident,
        &Cause::Recorded(Box::new(event.clone()), draft.reason),
    )?;
    Ok(event)
}

/// What time has brought by now comes before what is recorded now, however long the engine slept: the
/// steps that were due belong to the generation in which they fell due.
fn time_first(tx: &mut Tx<'_>, incident: &mut Incident) -> Result<()> {
    let now = tx.now();
    if store::clock::is_due(tx.conn(), incident.id, now)? {
        tx.just_before(|tx| follow(tx, incident, &Cause::Time))?;
    }
    Ok(())
}

/// A repair is confirmed or rejected while it waits for that, and reopened only afterwards.
fn confirmable(
    tx: &mut Tx<'_>,
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
        let book = store::calendar::book(tx.conn(), &promise.calendars())?;
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

/// A correction concerns the case of what it corrects.
fn corrected_case(draft: &Draft, events: &[Event]) -> Option<CaseId> {
    let target = events
        .iter()
        .find(|event| Some(event.seq) == draft.fields.corrects)?;
    target.case_id
}

/// The terms were fixed when the report was recorded; a corrected report must lie in the same version.
fn same_terms(tx: &mut Tx<'_>, draft: &Draft, events: &[Event]) -> Result<()> {
    let target = events
        .iter()
        .find(|event| Some(event.seq) == draft.fields.corrects)
        .map(|event| root(events, event))
        .filter(|event| event.kind == EventKind::Reported);
    let (Some(target), Some(right)) = (target, draft.fields.corrected_at) else {
        return Ok(());
    };
    for case in store::incident::cases(tx.conn(), target.incident_id)? {
        if Some(case.id) != target.case_id {
            continue;
        }
        let contract = store::contract::find(tx.conn(), case.contract_id)?;
        let in_force = store::terms::in_force(tx.conn(), &contract, right)?;
        if !contract.covers(right) || in_force.is_none_or(|terms| terms.id != case.terms_id) {
            return Err(Error::field(
                "occurred_at",
                format!(
                    "at {right} other terms of contract {} were in force; cancel this incident as void and raise it anew",
                    contract.reference
                ),
            ));
        }
    }
    Ok(())
}

/// Without names an acknowledgement takes the clocks that ran out or are within their warning.
fn name_clocks(tx: &mut Tx<'_>, id: IncidentId, draft: &mut Draft) -> Result<()> {
    let clocks = store::clock::of_incident(tx.conn(), id)?;
    let open: Vec<_> = clocks
        .iter()
        .filter(|clock| {
            clock.state.is_open() && draft.case.is_none_or(|case| case == clock.case_id)
        })
        .collect();
    if draft.fields.metrics.is_empty() {
        for clock in &open {
            let warned = !store::clock::taken(tx.conn(), clock.id, clock.generation)?.is_empty();
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
