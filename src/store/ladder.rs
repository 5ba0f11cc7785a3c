//! What names something in its ladder: a webhook, a team, a rota.

use diesel::prelude::*;

use super::Conn;
use crate::domain::IncidentId;
use crate::domain::contract::Contract;
use crate::domain::incident::IncidentState;
use crate::domain::ladder::{Step, Target};
use crate::domain::terms::Terms;
use crate::error::Result;
use crate::schema::{cases, contracts, incidents, terms};
use crate::time::Moment;

/// The contracts whose terms in force or to come tell somebody by `address`, such as `webhook:chat` or
/// `team:network`, or whose go-live windows do that are not over.
///
/// # Errors
/// When the database does not answer.
pub fn contracts_with(conn: &mut Conn, address: &str, now: Moment) -> Result<Vec<Contract>> {
    let versions: Vec<(Contract, Terms)> = terms::table
        .inner_join(contracts::table)
        .filter(terms::promise.like(pattern(address)))
        .order((contracts::id, terms::number))
        .select((Contract::as_select(), Terms::as_select()))
        .load(conn)?;
    let mut found: Vec<Contract> = Vec::new();
    for (contract, version) in versions {
        let in_force = super::terms::in_force(conn, &contract, now)?;
        let is_to_come = version.effective_from > now.date_in(contract.time_zone.0);
        let counts = is_to_come || in_force.is_some_and(|terms| terms.id == version.id);
        let known = found.iter().any(|other| other.id == contract.id);
        if counts
            && !known
            && version
                .promise
                .ladder
                .iter()
                .any(|step| names(step, address))
        {
            found.push(contract);
        }
    }
    for (window, _) in super::go_live::not_ended(conn, now)? {
        let is_told = |target: &Target| target.to_string() == address;
        let known = found.iter().any(|other| other.id == window.contract_id);
        if !known && window.command_post.0.iter().any(is_told) {
            found.push(super::contract::find(conn, window.contract_id)?);
        }
    }
    Ok(found)
}

fn names(step: &Step, address: &str) -> bool {
    let told = step.to.iter().map(ToString::to_string);
    let mut all = told.chain(step.by.iter().map(ToString::to_string));
    all.any(|one| one == address)
}

/// The names that ladders use hold no sign that a pattern knows, but `_` of `on_duty`, which finds too
/// much and never too little.
fn pattern(address: &str) -> String {
    format!("%\"{address}\"%")
}

/// What tells somebody by `address`: contracts by reference, and open incidents whose frozen ladders do.
///
/// # Errors
/// When the database does not answer.
pub fn users(conn: &mut Conn, address: &str, now: Moment) -> Result<Vec<String>> {
    let contracts = contracts_with(conn, address, now)?.into_iter();
    let mut users: Vec<String> = contracts
        .map(|contract| format!("contract {}", contract.reference))
        .collect();
    let of_incidents: Vec<IncidentId> = cases::table
        .inner_join(incidents::table)
        .filter(incidents::state.eq(IncidentState::Open))
        .filter(cases::ladder.like(pattern(address)))
        .order(incidents::id)
        .select(incidents::id)
        .distinct()
        .load(conn)?;
    users.extend(of_incidents.into_iter().map(|id| id.reference()));
    Ok(users)
}
