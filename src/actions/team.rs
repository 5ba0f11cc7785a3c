//! Entering, editing and removing teams. The audit trail, from which nothing can be erased, gets the keys of
//! the members and not their addresses.

use serde_json::{Value, json};

use super::ladder::is_free;
use super::person::known;
use crate::domain::input::Faults;
use crate::domain::team::{Team, TeamInput};
use crate::domain::{PersonId, TeamId};
use crate::error::Result;
use crate::store::{Conn, Tx, team};

/// Enters a team.
///
/// # Errors
/// At `name` when another has it; at the member that is nobody of ours.
pub fn enter(tx: &mut Tx<'_>, input: &TeamInput) -> Result<TeamId> {
    let members = members(tx.conn(), input)?;
    let id = team::insert(tx, &input.name, input.active, &members)?;
    tx.record("team", id.0, "entered", &noted(input, &members))?;
    Ok(id)
}

/// Edits a team that still has the version the edit was made from, and gives the new version. Steps that
/// fall due from now on tell its new members.
///
/// # Errors
/// At the member that is nobody of ours; when there is no such team, or somebody changed it first.
pub fn edit(tx: &mut Tx<'_>, before: &Team, version: i64, input: &TeamInput) -> Result<i64> {
    let members = members(tx.conn(), input)?;
    let version = team::update(tx, before, version, input.active, &members)?;
    tx.record("team", before.id.0, "edited", &noted(input, &members))?;
    Ok(version)
}

/// Removes a team.
///
/// # Errors
/// When there is none, or terms in force, go-live windows or ladders of open incidents name it.
pub fn remove(tx: &mut Tx<'_>, id: TeamId) -> Result<()> {
    let before = team::find(tx.conn(), id)?;
    is_free(tx, &before.name.address(), |users| {
        format!(
            "the team {} is still named by {users}; retire it, or enter terms without it first",
            before.name
        )
    })?;
    team::delete(tx, id)?;
    tx.record("team", id.0, "removed", &json!({"name": before.name}))
}

fn members(conn: &mut Conn, input: &TeamInput) -> Result<Vec<PersonId>> {
    let mut faults = Faults::none();
    let mut ids = Vec::new();
    for (place, email) in input.members.iter().enumerate() {
        ids.extend(known(
            conn,
            email,
            &format!("members[{place}]"),
            &mut faults,
        )?);
    }
    Ok(faults.or(ids)?)
}

fn noted(input: &TeamInput, members: &[PersonId]) -> Value {
    json!({"name": input.name, "members": members, "active": input.active})
}
