//! What people do with incidents: raise them, add vendors, record what happens.

mod apply;
mod choice;
mod record;
mod what_if;

use serde_json::json;

pub(super) use apply::apply;
pub use apply::{Applied, applied};
pub use choice::Choice;
pub(super) use record::record_said_by;
pub use record::{Preview, PreviewedCase, preview, record};
pub use what_if::{Answer, Compared, Stands, WhatIf};

use crate::consequence::{Cause, follow};
use crate::domain::contract::Contract;
use crate::domain::go_live::CaseTerms;
use crate::domain::incident::{Incident, IncidentState, OpenCase, Raise};
use crate::domain::input::Faults;
use crate::domain::timeline::{Fields, entered_late, not_ahead};
use crate::domain::words::{EventKind, Source};
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
    store::contract::keep_still(tx, raise.case.contract_id)?;
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
    store::contract::keep_still(tx, case.contract_id)?;
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
    if let Some(outside) = outside_the_term(&contract, reported_at) {
        faults.add("reported_at", outside);
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

/// That the contract does not cover that moment, if so.
fn outside_the_term(contract: &Contract, at: Moment) -> Option<String> {
    if contract.covers(at) {
        return None;
    }
    let until = contract.effective_to.map_or_else(
        || "until further notice".to_string(),
        |last| format!("to {last}"),
    );
    Some(format!(
        "{at} lies outside the term of contract {}, which runs from {} {until} ({})",
        contract.reference,
        contract.effective_from,
        contract.time_zone.name()
    ))
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

/// What time has brought by now comes before what is recorded now, however long the engine slept: the
/// steps that were due belong to the generation in which they fell due.
fn time_first(tx: &mut Tx<'_>, incident: &mut Incident) -> Result<()> {
    let now = tx.now();
    if store::clock::is_due(tx.conn(), incident.id, now)? {
        tx.just_before(|tx| follow(tx, incident, &Cause::Time))?;
    }
    Ok(())
}
