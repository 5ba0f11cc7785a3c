//! What would change if something were done; nothing is.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde::Serialize;

use super::incident::incident_id;
use crate::actions;
use crate::actions::incident::PreviewedCase;
use crate::domain::CaseId;
use crate::domain::clock::Stand;
use crate::domain::go_live::CaseTerms;
use crate::domain::incident::Record;
use crate::domain::words::Metric;
use crate::store::contract;
use crate::web::{Answer, JsonBody, State, block};

/// A case with what judges it, before and after.
#[derive(Serialize)]
pub(super) struct CaseBody {
    case: CaseId,
    incident: String,
    contract: String,
    before: TermsBody,
    after: TermsBody,
}

/// What judges a case.
#[derive(Serialize)]
struct TermsBody {
    terms: i32,
    /// Name of the go-live window.
    go_live: Option<String>,
}

/// A clock before and after.
#[derive(Serialize)]
pub(super) struct ClockBody {
    case: CaseId,
    metric: Metric,
    before: Option<StandBody>,
    after: Option<StandBody>,
}

#[derive(Serialize)]
struct StandBody {
    #[serde(flatten)]
    stand: Stand,
    /// The version of the terms.
    terms: i32,
}

impl From<&CaseTerms> for TermsBody {
    fn from(of: &CaseTerms) -> Self {
        Self {
            terms: of.terms.number,
            go_live: of.go_live_name().map(str::to_string),
        }
    }
}

impl From<&PreviewedCase> for CaseBody {
    fn from(previewed: &PreviewedCase) -> Self {
        Self {
            case: previewed.case.id,
            incident: previewed.case.incident_id.reference(),
            contract: previewed.contract.reference.clone(),
            before: TermsBody::from(&previewed.before),
            after: TermsBody::from(&previewed.after),
        }
    }
}

/// The clocks of a case before and after.
pub(super) fn clocks(previewed: &PreviewedCase) -> impl Iterator<Item = ClockBody> {
    let stand = |stand: &Option<Stand>, of: &CaseTerms| {
        stand.clone().map(|stand| StandBody {
            stand,
            terms: of.terms.number,
        })
    };
    previewed.clocks.iter().map(move |change| ClockBody {
        case: previewed.case.id,
        metric: change.metric,
        before: stand(&change.before, &previewed.before),
        after: stand(&change.after, &previewed.after),
    })
}

#[derive(Serialize)]
struct AppliedBody {
    /// Cases that would come under the terms.
    cases: Vec<CaseBody>,
    clocks: Vec<ClockBody>,
    /// Cases that keep the terms from being applied.
    refused: Vec<RefusedBody>,
}

#[derive(Serialize)]
struct RefusedBody {
    case: CaseId,
    incident: String,
    /// Codes that it uses and the terms lack, each with its event.
    missing: Vec<String>,
}

/// `POST /contracts/{id}/terms/apply-preview`: what terms entered for the past would change if they were
/// applied from `apply_from`, or else from their own date on; nothing is kept.
pub async fn apply(state: Data<State>, key: Path<String>, body: JsonBody) -> Answer {
    let store = state.store.clone();
    let found = block(move || {
        let now = store.now()?;
        store.read(|conn| {
            let contract = contract::find_by_key(conn, &key)?;
            actions::contract::apply_preview(conn, &contract, &body.value, now)
        })
    })
    .await?;
    let refused = found.iter().filter(|applied| !applied.missing.is_empty());
    let refused = refused.map(|applied| RefusedBody {
        case: applied.case.case.id,
        incident: applied.case.case.incident_id.reference(),
        missing: applied.missing.clone(),
    });
    Ok(HttpResponse::Ok().json(AppliedBody {
        refused: refused.collect(),
        cases: found.iter().map(|of| CaseBody::from(&of.case)).collect(),
        clocks: found.iter().flat_map(|of| clocks(&of.case)).collect(),
    }))
}

#[derive(Serialize)]
struct EventBody {
    /// Whether the event must be sent with `"confirm_terms": true`.
    needs_confirm_terms: bool,
    cases: Vec<CaseBody>,
    clocks: Vec<ClockBody>,
}

/// `POST /incidents/{id}/events/preview`: the clocks before and after an event; nothing is changed.
pub async fn event(state: Data<State>, key: Path<String>, body: JsonBody) -> Answer {
    let id = incident_id(&key)?;
    let store = state.store.clone();
    let preview = block(move || {
        let record = Record::read(&body.value)?;
        let now = store.now()?;
        store.read(|conn| actions::incident::preview(conn, id, &record, now))
    })
    .await?;
    Ok(HttpResponse::Ok().json(EventBody {
        needs_confirm_terms: preview.changes_terms(),
        cases: preview.cases.iter().map(CaseBody::from).collect(),
        clocks: preview.cases.iter().flat_map(clocks).collect(),
    }))
}
