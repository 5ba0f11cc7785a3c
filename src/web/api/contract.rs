//! Contracts and their terms.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use serde::{Deserialize, Serialize};

use crate::actions;
use crate::domain::TermsId;
use crate::domain::contract::{Contract, ContractInput};
use crate::domain::ladder_warning::LadderWarning;
use crate::domain::terms::{Promise, Terms};
use crate::domain::words::Source;
use crate::error::Result;
use crate::store::{Conn, contract, terms, vendor};
use crate::time::Moment;
use crate::web::{
    Answer, Caller, Done, IfMatch, JsonBody, Paging, State, act, act_once, block, read, with_etag,
};

/// A contract as the API shows it.
#[derive(Serialize)]
struct ContractBody {
    #[serde(flatten)]
    contract: Contract,
    /// Every version of its terms, first entered first.
    terms: Vec<TermsBody>,
    /// What of the ladder of the terms entered last will not work.
    warnings: Vec<LadderWarning>,
}

/// A version of the terms as the API shows it.
#[derive(Serialize)]
struct TermsBody {
    id: TermsId,
    number: i32,
    effective_from: chrono::NaiveDate,
    entered_at: Moment,
    /// From this date on it also judges reports that were recorded before its entry.
    apply_from: Option<chrono::NaiveDate>,
    #[serde(flatten)]
    promise: Promise,
}

impl From<Terms> for TermsBody {
    fn from(terms: Terms) -> Self {
        Self {
            id: terms.id,
            number: terms.number,
            effective_from: terms.effective_from,
            entered_at: terms.entered_at,
            apply_from: terms.apply_from,
            promise: terms.promise,
        }
    }
}

impl ContractBody {
    fn of(conn: &mut Conn, contract: Contract) -> Result<Self> {
        let versions = terms::of_contract(conn, contract.id)?;
        let warnings = match versions.last() {
            Some(last) => contract::warnings(
                conn,
                contract.vendor_id,
                Some(&contract.owner),
                &last.promise,
            )?,
            None => Vec::new(),
        };
        Ok(Self {
            contract,
            terms: versions.into_iter().map(TermsBody::from).collect(),
            warnings,
        })
    }
}

/// A contract in a list.
#[derive(Serialize)]
struct LineBody {
    #[serde(flatten)]
    contract: Contract,
    /// The vendor's name.
    vendor: String,
}

/// Which contracts are asked for.
#[derive(Deserialize)]
pub struct Asked {
    /// Only those with this vendor, by key or reference.
    vendor: Option<String>,
}

/// `GET /contracts?vendor=`: in order of reference.
pub async fn list(state: Data<State>, paging: Paging, asked: Query<Asked>) -> Answer {
    let listing = read(&state, move |conn| {
        let after: Option<String> = paging.after()?;
        let vendor = match &asked.vendor {
            Some(key) => Some(vendor::find_by_key(conn, key)?.id),
            None => None,
        };
        let rows = contract::page(conn, vendor, after.as_deref(), paging.rows())?;
        let listing = paging.listing(rows, |line| line.contract.reference.clone());
        Ok(listing.map(|line| LineBody {
            contract: line.contract,
            vendor: line.vendor,
        }))
    })
    .await?;
    Ok(HttpResponse::Ok().json(listing))
}

/// `GET /contracts/{id}`: by key or reference.
pub async fn show(state: Data<State>, key: Path<String>) -> Answer {
    let body = read(&state, move |conn| {
        let contract = contract::find_by_key(conn, &key)?;
        ContractBody::of(conn, contract)
    })
    .await?;
    Ok(with_etag(body.contract.version, &body))
}

/// `POST /contracts`: the contract and its first terms, both or neither.
pub async fn enter(state: Data<State>, caller: Caller, body: JsonBody) -> Answer {
    let (value, once) = body.parts();
    act_once(&state, &caller, once, move |tx| {
        let id = actions::contract::enter(tx, &value)?;
        let contract = contract::find(tx.conn(), id)?;
        Done::made(
            format!("/api/v1/contracts/{id}"),
            &ContractBody::of(tx.conn(), contract)?,
        )
    })
    .await
}

/// `PUT /contracts/{id}` with `If-Match`: the head; vendor and terms stay.
pub async fn edit(
    state: Data<State>,
    caller: Caller,
    key: Path<String>,
    version: IfMatch,
    body: JsonBody,
) -> Answer {
    let version = version.version_of("the contract")?;
    let body = act(&state, &caller, move |tx| {
        let id = contract::find_by_key(tx.conn(), &key)?.id;
        actions::contract::edit(tx, id, version, &ContractInput::read(&body.value)?)?;
        let contract = contract::find(tx.conn(), id)?;
        ContractBody::of(tx.conn(), contract)
    })
    .await?;
    Ok(with_etag(body.contract.version, &body))
}

/// `POST /contracts/{id}/terms`: the next version of what it promises.
pub async fn amend(
    state: Data<State>,
    caller: Caller,
    key: Path<String>,
    body: JsonBody,
) -> Answer {
    let (value, once) = body.parts();
    act_once(&state, &caller, once, move |tx| {
        let contract = contract::find_by_key(tx.conn(), &key)?;
        let terms = actions::contract::amend(tx, contract.id, &value, Source::Api)?;
        Done::made(
            format!("/api/v1/contracts/{}", contract.id),
            &TermsBody::from(terms),
        )
    })
    .await
}

/// `POST /contracts/terms/preview`: example deadlines and every fault; nothing is kept.
pub async fn preview(state: Data<State>, body: JsonBody) -> Answer {
    let store = state.store.clone();
    let preview = block(move || {
        let now = store.now()?;
        store.read(|conn| actions::contract::preview(conn, None, &body.value, now))
    })
    .await?;
    Ok(HttpResponse::Ok().json(preview))
}
