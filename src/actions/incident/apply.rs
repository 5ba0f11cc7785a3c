//! Terms that were entered for the past and come to judge what was reported since.

use chrono::NaiveTime;

use super::choice::{Choice, missing, recorded_at, reported};
use super::record::PreviewedCase;
use super::time_first;
use crate::consequence::{Cause, follow, unusable};
use crate::domain::IncidentId;
use crate::domain::clock::{changes, judge};
use crate::domain::contract::Contract;
use crate::domain::go_live::CaseTerms;
use crate::domain::incident::Case;
use crate::domain::terms::{Terms, judging};
use crate::domain::timeline::{Event, Fields, facts};
use crate::domain::words::{EventKind, Source};
use crate::error::{Error, Result};
use crate::store::incident::NewEvent;
use crate::store::{self, Conn, Tx};
use crate::time::Moment;

/// A case that would come under terms applied from a past date.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The case with and without them.
    pub case: PreviewedCase,
    /// Codes that it uses and that they lack, each with its event; such a case keeps them from being
    /// applied.
    pub missing: Vec<String>,
}

/// The cases that terms would come to judge by their `apply_from`; they need not be kept yet.
///
/// # Errors
/// When a calendar has no open time within its horizon, or the database does not answer.
pub fn applied(
    conn: &mut Conn,
    contract: &Contract,
    terms: &Terms,
    now: Moment,
) -> Result<Vec<Applied>> {
    let mut found = Vec::new();
    for incident in concerned(conn, contract, terms)? {
        let events = store::incident::events(conn, incident)?;
        let Some((case, choice)) = chosen(conn, contract, terms, incident, &events)? else {
            continue;
        };
        let facts = facts(&events);
        let (before, after) = (&choice.before.terms.promise, &choice.after.terms.promise);
        let mut calendars = before.calendars();
        calendars.extend(after.calendars());
        let book = store::calendar::book(conn, &calendars)?;
        let judged = |promise| judge(case.id, promise, &facts, &book, now).map_err(unusable);
        found.push(Applied {
            missing: missing(case.id, before, after, &facts),
            case: PreviewedCase {
                contract: contract.clone(),
                clocks: changes(&judged(before)?, &judged(after)?),
                case,
                before: choice.before,
                after: choice.after,
            },
        });
    }
    Ok(found)
}

/// Brings every case that was reported since `terms.apply_from` under terms just kept, each with a note
/// on its timeline and with what follows from it.
///
/// # Errors
/// At `apply_from` when a case uses a code that the terms lack.
pub fn apply(tx: &mut Tx<'_>, contract: &Contract, terms: &Terms, source: Source) -> Result<()> {
    let mut lacking = Vec::new();
    for id in concerned(tx.conn(), contract, terms)? {
        let mut incident = store::incident::lock(tx, id)?;
        time_first(tx, &mut incident)?;
        let events = store::incident::events(tx.conn(), id)?;
        let Some((case, choice)) = chosen(tx.conn(), contract, terms, id, &events)? else {
            continue;
        };
        let (before, after) = (&choice.before.terms.promise, &choice.after.terms.promise);
        let missing = missing(case.id, before, after, &facts(&events));
        if !missing.is_empty() {
            lacking.push(format!("{} uses {}", id.reference(), missing.join(", ")));
        }
        // One such case keeps the terms from being applied to any.
        if !lacking.is_empty() {
            continue;
        }
        choice.keep(tx)?;
        let reason = format!(
            "terms {} of contract {} are applied from {} on",
            terms.number,
            contract.reference,
            terms.apply_from.unwrap_or(terms.effective_from)
        );
        let new = NewEvent {
            case: Some(case.id),
            kind: EventKind::Noted,
            occurred_at: tx.now(),
            source,
            fields: Fields {
                terms: Some(terms.number),
                go_live: choice.after.go_live.as_ref().map(|window| window.id),
                ..Fields::default()
            },
            texts: vec![("reason", reason.clone())],
        };
        let event = store::incident::append(tx, &mut incident, new)?;
        let detail = serde_json::json!({"incident": id.reference(), "seq": event.seq, "kind": event.kind, "occurred_at": event.occurred_at});
        tx.record("incident", id.0, "event recorded", &detail)?;
        let cause = Cause::Recorded(Box::new(event), reason);
        follow(tx, &mut incident, &cause)?;
    }
    if lacking.is_empty() {
        Ok(())
    } else {
        let wrong = format!(
            "the terms lack codes that were used since: {}; they can be entered without being applied",
            lacking.join("; ")
        );
        Err(Error::field("apply_from", wrong))
    }
}

/// Incidents with a case of the contract that may have been reported since the terms are applied, in
/// the order in which incidents are locked.
fn concerned(conn: &mut Conn, contract: &Contract, terms: &Terms) -> Result<Vec<IncidentId>> {
    let from = terms.apply_from.unwrap_or(terms.effective_from);
    let since = contract.time_zone.moment(from.and_time(NaiveTime::MIN));
    store::incident::reported_since(conn, contract.id, since)
}

/// The contract's case of an incident and what comes to judge it, if those terms do.
fn chosen(
    conn: &mut Conn,
    contract: &Contract,
    terms: &Terms,
    incident: IncidentId,
    events: &[Event],
) -> Result<Option<(Case, Choice)>> {
    let cases = store::incident::cases(conn, incident)?;
    let Some(case) = cases
        .into_iter()
        .find(|case| case.contract_id == contract.id)
    else {
        return Ok(None);
    };
    let mut versions = store::terms::of_contract(conn, contract.id)?;
    versions.retain(|version| version.id != terms.id);
    versions.push(terms.clone());
    let known = facts(events);
    let Some(report) = reported(&known, case.id) else {
        return Ok(None);
    };
    let recorded_at = recorded_at(events, report).unwrap_or(report.at);
    let version = judging(&versions, contract.time_zone.0, report.at, recorded_at);
    if case.terms_id == terms.id || version.is_none_or(|version| version.id != terms.id) {
        return Ok(None);
    }
    let before = store::go_live::terms_with(conn, case.terms_id, case.go_live_id)?;
    let choice = Choice {
        case: case.id,
        incident,
        contract: contract.reference.clone(),
        after: CaseTerms::new(terms.clone(), before.go_live.clone()),
        before,
    };
    Ok(Some((case, choice)))
}
