//! Contracts: their heads. What they promise is in [`super::terms`].

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::among::AmongValues;
use super::{Conn, Tx, unique};
use crate::domain::contract::{Contract, ContractInput};
use crate::domain::input::Faults;
use crate::domain::ladder::Target;
use crate::domain::ladder_warning::{Crew, LadderWarning, Reach, Reachable, ladder_warnings};
use crate::domain::person::Role;
use crate::domain::rota::Roster;
use crate::domain::terms::Promise;
use crate::domain::zone::Zone;
use crate::domain::{ContractId, VendorId};
use crate::error::{Error, Refused, Result};
use crate::schema::{contracts, people, vendors};

/// A contract in a list.
#[derive(Clone, Debug)]
pub struct ContractLine {
    /// The contract.
    pub contract: Contract,
    /// The vendor's name.
    pub vendor: String,
}

/// The contract of that key.
///
/// # Errors
/// When there is none.
pub fn find(conn: &mut Conn, id: ContractId) -> Result<Contract> {
    contracts::table
        .find(id)
        .select(Contract::as_select())
        .get_result(conn)
        .optional()?
        .ok_or_else(|| Error::not_found("contract", id))
}

/// The contract of that key, held for an amendment until the transaction ends: no report chooses among
/// its terms meanwhile. It is held before any incident is locked.
///
/// # Errors
/// When there is none.
pub fn hold(tx: &mut Tx<'_>, id: ContractId) -> Result<Contract> {
    if let Conn::Postgres(conn) = tx.conn() {
        contracts::table
            .find(id)
            .select(contracts::id)
            .for_no_key_update()
            .first::<ContractId>(conn)
            .optional()?;
    }
    tx.refresh_now()?;
    find(tx.conn(), id)
}

/// Keeps the terms of a contract from being amended until the transaction ends, while a report chooses
/// among them. Others may do so at the same time. It is done before any incident is locked.
///
/// # Errors
/// When the database does not answer.
pub fn keep_still(tx: &mut Tx<'_>, id: ContractId) -> Result<()> {
    if let Conn::Postgres(conn) = tx.conn() {
        contracts::table
            .find(id)
            .select(contracts::id)
            .for_share()
            .first::<ContractId>(conn)
            .optional()?;
        tx.refresh_now()?;
    }
    Ok(())
}

/// The contracts of those keys with the names of their vendors, in no order.
///
/// # Errors
/// When the database does not answer.
pub fn find_all(conn: &mut Conn, ids: &[ContractId]) -> Result<Vec<ContractLine>> {
    let rows: Vec<(Contract, String)> = contracts::table
        .inner_join(vendors::table)
        .filter(contracts::id.among(ids))
        .select((Contract::as_select(), vendors::name))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(contract, vendor)| ContractLine { contract, vendor })
        .collect())
}

/// The contract of that key or reference, as URLs carry either; a number is a key first.
///
/// # Errors
/// When there is none.
pub fn find_by_key(conn: &mut Conn, key: &str) -> Result<Contract> {
    if let Ok(id) = key.parse()
        && let Some(contract) = contracts::table
            .find(ContractId(id))
            .select(Contract::as_select())
            .get_result(conn)
            .optional()?
    {
        return Ok(contract);
    }
    by_reference(conn, key)?.ok_or_else(|| Error::not_found("contract", key))
}

/// The contract of that reference, if there is one.
///
/// # Errors
/// When the database does not answer.
pub fn by_reference(conn: &mut Conn, reference: &str) -> Result<Option<Contract>> {
    Ok(contracts::table
        .filter(contracts::reference.eq(reference))
        .select(Contract::as_select())
        .get_result(conn)
        .optional()?)
}

/// At most `limit` contracts in order of reference, those after the given reference; only a vendor's
/// when one is given.
///
/// # Errors
/// When the database does not answer.
pub fn page(
    conn: &mut Conn,
    vendor: Option<VendorId>,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<ContractLine>> {
    let mut query = contracts::table
        .inner_join(vendors::table)
        .order(contracts::reference)
        .limit(limit)
        .select((Contract::as_select(), vendors::name))
        .into_boxed();
    if let Some(vendor) = vendor {
        query = query.filter(contracts::vendor_id.eq(vendor));
    }
    if let Some(reference) = after {
        query = query.filter(contracts::reference.gt(reference.to_string()));
    }
    let rows: Vec<(Contract, String)> = query.load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(contract, vendor)| ContractLine { contract, vendor })
        .collect())
}

/// Keeps a new contract.
///
/// # Errors
/// At `reference` when another contract has it.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    vendor: VendorId,
    head: &ContractInput,
    zone: Zone,
) -> Result<ContractId> {
    let now = tx.now();
    diesel::insert_into(contracts::table)
        .values((
            contracts::vendor_id.eq(vendor),
            contracts::reference.eq(&head.reference),
            contracts::title.eq(&head.title),
            contracts::services.eq(&head.services),
            contracts::owner.eq(&head.owner),
            contracts::time_zone.eq(zone),
            contracts::effective_from.eq(head.effective_from),
            contracts::effective_to.eq(head.effective_to),
            contracts::created_at.eq(now),
            contracts::version.eq(1_i64),
        ))
        .returning(contracts::id)
        .get_result(tx.conn())
        .map_err(|error| reference_taken(error, head))
}

/// Changes the head of a contract that still has the version the edit was made from, and gives the
/// new version.
///
/// # Errors
/// At `reference` when another contract has it; at the dates when terms would lie outside of them;
/// when somebody changed the contract first.
pub(crate) fn update(
    tx: &mut Tx<'_>,
    id: ContractId,
    version: i64,
    head: &ContractInput,
    zone: Zone,
) -> Result<i64> {
    let changed = diesel::update(
        contracts::table.filter(contracts::id.eq(id).and(contracts::version.eq(version))),
    )
    .set((
        contracts::reference.eq(&head.reference),
        contracts::title.eq(&head.title),
        contracts::services.eq(&head.services),
        contracts::owner.eq(&head.owner),
        contracts::time_zone.eq(zone),
        contracts::effective_from.eq(head.effective_from),
        contracts::effective_to.eq(head.effective_to),
        contracts::version.eq(version + 1),
    ))
    .execute(tx.conn())
    .map_err(|error| reference_taken(error, head))?;
    if changed == 0 {
        let contract = find(tx.conn(), id)?;
        let what = format!("contract {}", contract.reference);
        return Err(Refused::Stale { what }.into());
    }
    let mut faults = Faults::none();
    for terms in super::terms::of_contract(tx.conn(), id)? {
        let begins = terms.effective_from;
        faults.require(
            head.effective_from <= begins,
            "effective_from",
            format!(
                "terms {} begin on {begins}; the contract cannot begin after them",
                terms.number
            ),
        );
        faults.require(
            head.effective_to.is_none_or(|last| begins <= last),
            "effective_to",
            format!(
                "terms {} begin on {begins}; the contract cannot end before them",
                terms.number
            ),
        );
    }
    faults.or(version + 1).map_err(Error::from)
}

/// What of the ladder of these terms will not work with the vendor's contacts and our people as they
/// are now.
///
/// # Errors
/// When the database does not answer.
pub fn warnings(
    conn: &mut Conn,
    vendor: VendorId,
    owner: Option<&str>,
    promise: &Promise,
) -> Result<Vec<LadderWarning>> {
    let contacts = super::vendor::contacts(conn, vendor)?;
    let people: Vec<(String, Role)> = people::table
        .filter(people::active.eq(true))
        .select((people::email, people::role))
        .load(conn)?;
    let people: Vec<Reachable> = people
        .into_iter()
        .map(|(email, role)| Reachable { email, role })
        .collect();
    let refused = super::refused_address::all(conn)?;
    let webhooks = super::webhook::all(conn)?;
    let (teams, rotas) = named_in(conn, promise)?;
    let reach = Reach {
        contacts: &contacts,
        people: &people,
        owner,
        refused: &refused,
        webhooks: &webhooks,
        teams: &teams,
        rotas: &rotas,
    };
    Ok(ladder_warnings(promise, &reach))
}

/// The teams and rotas that a ladder names, as far as there are any.
fn named_in(conn: &mut Conn, promise: &Promise) -> Result<(Vec<Crew>, Vec<Roster>)> {
    let targets: BTreeSet<&Target> = promise.ladder.iter().flat_map(|step| &step.to).collect();
    let (mut teams, mut rotas) = (Vec::new(), Vec::new());
    for target in targets {
        match target {
            Target::Team(name) => {
                let Some(team) = super::team::named(conn, name)? else {
                    continue;
                };
                let members = super::team::members(conn, &[team.id])?.remove(&team.id);
                let active = members.into_iter().flatten().filter(|one| one.active);
                teams.push(Crew {
                    members: active.map(|one| one.email).collect(),
                    name: team.name,
                    active: team.active,
                });
            }
            Target::OnDuty(name) => {
                if let Some(rota) = super::rota::named(conn, name)? {
                    rotas.push(super::rota::roster(conn, rota)?);
                }
            }
            _ => {}
        }
    }
    Ok((teams, rotas))
}

fn reference_taken(error: diesel::result::Error, head: &ContractInput) -> Error {
    unique(error, "reference", || {
        format!(
            "another contract has the reference {} already",
            head.reference
        )
    })
}
