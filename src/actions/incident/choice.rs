//! Which terms judge a case after its report was corrected.

use std::collections::HashMap;

use serde_json::json;

use super::outside_the_term;
use crate::domain::go_live::CaseTerms;
use crate::domain::incident::Case;
use crate::domain::terms::{Promise, judging};
use crate::domain::timeline::{Draft, Event, Fact, facts};
use crate::domain::words::EventKind;
use crate::domain::{CaseId, IncidentId};
use crate::error::{Error, Result};
use crate::store::{self, Conn, Tx};
use crate::time::Moment;

/// A case that other terms, or another go-live window, come to judge.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The case.
    pub case: CaseId,
    /// Reference of its contract.
    pub contract: String,
    /// What judged it so far.
    pub before: CaseTerms,
    /// What judges it from then on.
    pub after: CaseTerms,
    /// The incident it belongs to.
    pub incident: IncidentId,
}

impl Choice {
    /// Says what is to be confirmed, and how.
    pub fn unconfirmed(&self) -> String {
        format!(
            "the case would be judged by {} of contract {} instead of {}; look at the preview of what changes, then confirm it (confirm_terms)",
            named(&self.after),
            self.contract,
            named(&self.before)
        )
    }

    /// Keeps it with the case and in the audit trail; the ladder stays as it was frozen.
    ///
    /// # Errors
    /// When the database does not take it.
    pub fn keep(&self, tx: &mut Tx<'_>) -> Result<()> {
        store::incident::keep_terms(tx, self.case, &self.after)?;
        let of = |terms: &CaseTerms| json!({"terms": terms.terms.number, "go_live": terms.go_live.as_ref().map(|window| window.id)});
        let detail =
            json!({"case": self.case, "before": of(&self.before), "after": of(&self.after)});
        tx.record("incident", self.incident.0, "terms chosen again", &detail)
    }
}

/// What judges a case, as one says it.
pub(super) fn named(of: &CaseTerms) -> String {
    match of.go_live_name() {
        None => format!("terms {}", of.terms.number),
        Some(name) => format!("terms {} with the go-live window {name}", of.terms.number),
    }
}

/// What was found for the cases whose report would be at another moment.
#[derive(Default)]
pub(super) struct Choosing {
    choices: Vec<Choice>,
    /// Why a case cannot have been reported at that moment.
    refused: Option<String>,
    /// Codes that were used and that the other terms lack.
    missing: Vec<String>,
}

impl Choosing {
    /// What would judge that case, if that is something else than now.
    pub(super) fn of(&self, case: CaseId) -> Option<&CaseTerms> {
        let found = self.choices.iter().find(|choice| choice.case == case);
        found.map(|choice| &choice.after)
    }

    /// The choices, unless one is not possible.
    pub(super) fn settled(self, draft: &Draft) -> Result<Vec<Choice>> {
        let field = if draft.fields.taken_back {
            "taken_back"
        } else {
            "occurred_at"
        };
        if let Some(refused) = self.refused {
            return Err(Error::field(field, refused));
        }
        if !self.missing.is_empty() {
            return Err(Error::field(field, self.missing.join("; ")));
        }
        Ok(self.choices)
    }
}

/// Chooses again for every case whose report `after` holds to have happened at another moment than
/// `before` does.
pub(super) fn choose(
    conn: &mut Conn,
    cases: &[Case],
    terms: &HashMap<CaseId, CaseTerms>,
    before: &[Event],
    after: &[Event],
) -> Result<Choosing> {
    let mut choosing = Choosing::default();
    let (known, facts) = (facts(before), facts(after));
    for case in cases {
        let (Some(old), Some(written)) = (reported(&known, case.id), terms.get(&case.id)) else {
            continue;
        };
        let Some(right) = reported(&facts, case.id).filter(|right| right.at != old.at) else {
            continue;
        };
        let contract = store::contract::find(conn, case.contract_id)?;
        if let Some(outside) = outside_the_term(&contract, right.at) {
            choosing.refused = Some(outside);
            continue;
        }
        let recorded_at = recorded_at(before, old).unwrap_or(right.at);
        let versions = store::terms::of_contract(conn, contract.id)?;
        let zone = contract.time_zone.0;
        let Some(version) = judging(&versions, zone, right.at, recorded_at) else {
            choosing.refused = Some(format!(
                "at {} contract {} had no terms in force",
                right.at, contract.reference
            ));
            continue;
        };
        let window = store::go_live::applying(conn, contract.id, right.at)?;
        let chosen = CaseTerms::new(version.clone(), window);
        if chosen.is(written) {
            continue;
        }
        let missing = missing(
            case.id,
            &written.terms.promise,
            &chosen.terms.promise,
            &facts,
        );
        if !missing.is_empty() {
            choosing.missing.push(format!(
                "{} of contract {} were in force at {}, and have no {}",
                named(&chosen),
                contract.reference,
                right.at,
                missing.join(", no ")
            ));
        }
        choosing.choices.push(Choice {
            case: case.id,
            contract: contract.reference,
            before: written.clone(),
            after: chosen,
            incident: case.incident_id,
        });
    }
    Ok(choosing)
}

pub(super) fn reported(facts: &[Fact], case: CaseId) -> Option<&Fact> {
    facts
        .iter()
        .find(|fact| fact.kind == EventKind::Reported && fact.case == Some(case))
}

pub(super) fn recorded_at(events: &[Event], fact: &Fact) -> Option<Moment> {
    let event = events.iter().find(|event| event.seq == fact.seq)?;
    Some(event.recorded_at)
}

/// The codes that the facts of a case use and that `after` lacks, each with its event.
pub(super) fn missing(
    case: CaseId,
    before: &Promise,
    after: &Promise,
    facts: &[Fact],
) -> Vec<String> {
    let mut missing = Vec::new();
    for fact in facts {
        if fact.case.is_some_and(|of| of != case) {
            continue;
        }
        if let Some(code) = &fact.severity
            && after.severity(code).is_none()
        {
            missing.push(format!("severity {code} (event {})", fact.seq));
        }
        // A stop of all cases may be one that this contract never knew.
        if let Some(code) = &fact.stop
            && after.clock_stop(code).is_none()
            && (fact.case.is_some() || before.clock_stop(code).is_some())
        {
            missing.push(format!("clock stop {code} (event {})", fact.seq));
        }
    }
    missing
}
