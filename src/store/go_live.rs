//! Go-live windows, and what judges a case: its terms with the window it was reported in.

use std::collections::HashMap;

use diesel::prelude::*;

use super::among::AmongValues;
use super::{Conn, Tx};
use crate::domain::contract::Contract;
use crate::domain::go_live::{CaseTerms, GoLive, GoLiveInput};
use crate::domain::incident::Case;
use crate::domain::terms::Terms;
use crate::domain::{CaseId, ContractId, GoLiveId, TermsId};
use crate::error::{Error, Result};
use crate::schema::{contracts, go_lives};
use crate::time::Moment;

/// What judges each of those cases. Nobody else reads a case's terms, so that the window is never
/// forgotten.
///
/// # Errors
/// When the database does not answer.
pub fn terms_of_cases(conn: &mut Conn, cases: &[Case]) -> Result<HashMap<CaseId, CaseTerms>> {
    let mut keys: Vec<TermsId> = cases.iter().map(|case| case.terms_id).collect();
    keys.sort();
    keys.dedup();
    let versions: HashMap<TermsId, Terms> = super::terms::find_all(conn, &keys)?
        .into_iter()
        .map(|terms| (terms.id, terms))
        .collect();
    let windows: Vec<GoLiveId> = cases.iter().filter_map(|case| case.go_live_id).collect();
    let windows = find_all(conn, &windows)?;
    let of_case = |case: &Case| {
        // The keys of the database hold these together.
        let terms = versions.get(&case.terms_id)?.clone();
        let window = case.go_live_id.and_then(|id| windows.get(&id)).cloned();
        Some((case.id, CaseTerms::new(terms, window)))
    };
    Ok(cases.iter().filter_map(of_case).collect())
}

/// A version of the terms with a window, as a case or a breach names them.
///
/// # Errors
/// When one of them is not there.
pub fn terms_with(conn: &mut Conn, terms: TermsId, window: Option<GoLiveId>) -> Result<CaseTerms> {
    let terms = super::terms::find(conn, terms)?;
    let window = match window {
        Some(id) => Some(find(conn, id)?),
        None => None,
    };
    Ok(CaseTerms::new(terms, window))
}

/// The window that applies to what is reported at that moment: entered before, not withdrawn, and of
/// two the later entered.
///
/// # Errors
/// When the database does not answer.
pub fn applying(
    conn: &mut Conn,
    contract: ContractId,
    reported_at: Moment,
) -> Result<Option<GoLive>> {
    // A contract has few of them; a bound LIMIT would make SQLite parse the statement anew each time.
    Ok(go_lives::table
        .filter(
            go_lives::contract_id
                .eq(contract)
                .and(go_lives::starts_at.le(reported_at))
                .and(go_lives::ends_at.gt(reported_at))
                .and(go_lives::entered_at.le(reported_at))
                .and(go_lives::withdrawn_at.is_null()),
        )
        .order((go_lives::entered_at.desc(), go_lives::id.desc()))
        .select(GoLive::as_select())
        .get_result(conn)
        .optional()?)
}

/// The window of that key.
///
/// # Errors
/// When there is none.
pub fn find(conn: &mut Conn, id: GoLiveId) -> Result<GoLive> {
    go_lives::table
        .find(id)
        .select(GoLive::as_select())
        .get_result(conn)
        .optional()?
        .ok_or_else(|| Error::not_found("go-live window", id))
}

/// The windows of those keys.
///
/// # Errors
/// When the database does not answer.
pub fn find_all(conn: &mut Conn, ids: &[GoLiveId]) -> Result<HashMap<GoLiveId, GoLive>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<GoLive> = go_lives::table
        .filter(go_lives::id.among(ids))
        .select(GoLive::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(|window| (window.id, window)).collect())
}

/// All windows of a contract, withdrawn ones too, the last to begin first.
///
/// # Errors
/// When the database does not answer.
pub fn of_contract(conn: &mut Conn, contract: ContractId) -> Result<Vec<GoLive>> {
    Ok(go_lives::table
        .filter(go_lives::contract_id.eq(contract))
        .order((go_lives::starts_at.desc(), go_lives::id.desc()))
        .select(GoLive::as_select())
        .load(conn)?)
}

/// The windows that may still apply to a report, with the references of their contracts.
///
/// # Errors
/// When the database does not answer.
pub fn not_ended(conn: &mut Conn, now: Moment) -> Result<Vec<(GoLive, String)>> {
    Ok(go_lives::table
        .inner_join(contracts::table)
        .filter(
            go_lives::ends_at
                .gt(now)
                .and(go_lives::withdrawn_at.is_null()),
        )
        .select((GoLive::as_select(), contracts::reference))
        .load(conn)?)
}

/// Keeps a new window.
///
/// # Errors
/// When the database does not take it.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    contract: &Contract,
    input: &GoLiveInput,
) -> Result<GoLiveId> {
    let (now, person) = (tx.now(), tx.actor().person());
    Ok(diesel::insert_into(go_lives::table)
        .values((
            go_lives::contract_id.eq(contract.id),
            go_lives::name.eq(&input.name),
            go_lives::starts_at.eq(input.starts_at),
            go_lives::ends_at.eq(input.ends_at),
            go_lives::commitments.eq(serde_json::to_string(&input.commitments)?),
            go_lives::command_post.eq(serde_json::to_string(&input.command_post)?),
            go_lives::entered_at.eq(now),
            go_lives::entered_by.eq(person),
        ))
        .returning(go_lives::id)
        .get_result(tx.conn())?)
}

/// Withdraws a window that holds and has not begun; says whether it was one.
///
/// # Errors
/// When the database does not take it.
pub(crate) fn withdraw(tx: &mut Tx<'_>, id: GoLiveId) -> Result<bool> {
    let (now, person) = (tx.now(), tx.actor().person());
    let changed = diesel::update(
        go_lives::table.filter(
            go_lives::id
                .eq(id)
                .and(go_lives::starts_at.gt(now))
                .and(go_lives::withdrawn_at.is_null()),
        ),
    )
    .set((
        go_lives::withdrawn_at.eq(Some(now)),
        go_lives::withdrawn_by.eq(person),
    ))
    .execute(tx.conn())?;
    Ok(changed == 1)
}
