//! Entering and withdrawing go-live windows.

use serde_json::{Value, json};

use super::ladder::unknown_names;
use crate::domain::go_live::GoLive;
use crate::domain::terms_input::{calendars_named, go_live_period, read_go_live};
use crate::domain::{ContractId, GoLiveId};
use crate::error::{Error, Result};
use crate::store::{Tx, calendar, contract, go_live, terms};

/// Enters a go-live window of a contract; it counts for what is reported in it from now on.
///
/// # Errors
/// Every fault at its field; a commitment that is laxer than the terms is one.
pub fn enter(tx: &mut Tx<'_>, id: ContractId, value: &Value) -> Result<GoLive> {
    let contract = contract::find(tx.conn(), id)?;
    let now = tx.now();
    let known = calendar::known(tx.conn(), &calendars_named(value))?;
    let book = calendar::book(tx.conn(), &known)?;
    let versions = match go_live_period(value).filter(|(from, to)| from < to) {
        Some((from, to)) => terms::in_force_during(tx.conn(), &contract, from, to)?,
        // A fault of the period is said; the rest is checked against what was entered last.
        None => terms::of_contract(tx.conn(), id)?
            .pop()
            .into_iter()
            .collect(),
    };
    let unknown = unknown_names(tx.conn(), value, "")?;
    let input = match read_go_live(value, &versions, &book, now) {
        Ok(input) if unknown.is_empty() => input,
        Ok(_) => return Err(unknown.into()),
        Err(faults) => return Err([faults, unknown].concat().into()),
    };
    let window = go_live::insert(tx, &contract, &input)?;
    let detail = json!({"window": window, "input": input});
    tx.record("contract", id.0, "go-live window entered", &detail)?;
    go_live::find(tx.conn(), window)
}

/// Withdraws a window that has not begun; no case was reported in it.
///
/// # Errors
/// When it has begun, or was withdrawn before.
pub fn withdraw(tx: &mut Tx<'_>, contract: ContractId, id: GoLiveId) -> Result<GoLive> {
    let window = go_live::find(tx.conn(), id)?;
    if window.contract_id != contract {
        return Err(Error::not_found("go-live window", id));
    }
    if !go_live::withdraw(tx, id)? {
        return Err(Error::conflict(match window.withdrawn_at {
            Some(at) => format!("the go-live window {} was withdrawn at {at}", window.name),
            None => format!(
                "the go-live window {} began at {}; only one that has not begun can be withdrawn",
                window.name, window.starts_at
            ),
        }));
    }
    let detail = json!({"window": id, "name": window.name});
    tx.record("contract", contract.0, "go-live window withdrawn", &detail)?;
    go_live::find(tx.conn(), id)
}
