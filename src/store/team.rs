//! Teams and their members.

use std::collections::HashMap;

use diesel::prelude::*;

use super::among::AmongValues;
use super::{Conn, Tx, unique};
use crate::domain::person::Person;
use crate::domain::team::{Team, TeamName};
use crate::domain::{PersonId, TeamId};
use crate::error::{Error, Refused, Result};
use crate::schema::{people, team_members, teams};

/// The team of that key.
///
/// # Errors
/// When there is none.
pub fn find(conn: &mut Conn, id: TeamId) -> Result<Team> {
    teams::table
        .find(id)
        .select(Team::as_select())
        .get_result(conn)
        .optional()?
        .ok_or_else(|| Error::not_found("team", id))
}

/// The team of that name, if there is one.
///
/// # Errors
/// When the database does not answer.
pub fn named(conn: &mut Conn, name: &TeamName) -> Result<Option<Team>> {
    Ok(teams::table
        .filter(teams::name.eq(name.as_str()))
        .select(Team::as_select())
        .get_result(conn)
        .optional()?)
}

/// Every team in order of name; there are few.
///
/// # Errors
/// When the database does not answer.
pub fn all(conn: &mut Conn) -> Result<Vec<Team>> {
    Ok(teams::table
        .order(teams::name)
        .select(Team::as_select())
        .load(conn)?)
}

/// At most `limit` teams in order of key, those after the given key.
///
/// # Errors
/// When the database does not answer.
pub fn page(conn: &mut Conn, after: Option<TeamId>, limit: i64) -> Result<Vec<Team>> {
    Ok(teams::table
        .filter(teams::id.gt(after.unwrap_or_default()))
        .order(teams::id)
        .limit(limit)
        .select(Team::as_select())
        .load(conn)?)
}

/// The members of some teams in the order they are listed, those who have left too.
///
/// # Errors
/// When the database does not answer.
pub fn members(conn: &mut Conn, ids: &[TeamId]) -> Result<HashMap<TeamId, Vec<Person>>> {
    let rows: Vec<(TeamId, Person)> = team_members::table
        .inner_join(people::table)
        .filter(team_members::team_id.among(ids))
        .order((team_members::team_id, team_members::place))
        .select((team_members::team_id, Person::as_select()))
        .load(conn)?;
    let mut members: HashMap<TeamId, Vec<Person>> = HashMap::new();
    for (team, person) in rows {
        members.entry(team).or_default().push(person);
    }
    Ok(members)
}

/// Keeps a new team with its members.
///
/// # Errors
/// At `name` when another has it.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    name: &TeamName,
    active: bool,
    members: &[PersonId],
) -> Result<TeamId> {
    let now = tx.now();
    let id = diesel::insert_into(teams::table)
        .values((
            teams::name.eq(name.as_str()),
            teams::active.eq(active),
            teams::created_at.eq(now),
            teams::version.eq(1_i64),
        ))
        .returning(teams::id)
        .get_result(tx.conn())
        .map_err(|error| unique(error, "name", || format!("there is a team {name} already")))?;
    list(tx, id, members)?;
    Ok(id)
}

/// Changes a team that still has the version the edit was made from, and gives the new version.
///
/// # Errors
/// When there is none, or somebody changed it first.
pub(crate) fn update(
    tx: &mut Tx<'_>,
    before: &Team,
    version: i64,
    active: bool,
    members: &[PersonId],
) -> Result<i64> {
    let stands = teams::id.eq(before.id).and(teams::version.eq(version));
    let changed = diesel::update(teams::table.filter(stands))
        .set((teams::active.eq(active), teams::version.eq(version + 1)))
        .execute(tx.conn())?;
    if changed == 0 {
        let what = format!("team {}", before.name);
        return Err(Refused::Stale { what }.into());
    }
    forget_members(tx, before.id)?;
    list(tx, before.id, members)?;
    Ok(version + 1)
}

/// Forgets a team.
///
/// # Errors
/// When there is none.
pub(crate) fn delete(tx: &mut Tx<'_>, id: TeamId) -> Result<()> {
    forget_members(tx, id)?;
    match diesel::delete(teams::table.find(id)).execute(tx.conn())? {
        0 => Err(Error::not_found("team", id)),
        _ => Ok(()),
    }
}

fn list(tx: &mut Tx<'_>, id: TeamId, members: &[PersonId]) -> Result<()> {
    for (place, person) in (0_i32..).zip(members) {
        diesel::insert_into(team_members::table)
            .values((
                team_members::team_id.eq(id),
                team_members::place.eq(place),
                team_members::person_id.eq(*person),
            ))
            .execute(tx.conn())?;
    }
    Ok(())
}

fn forget_members(tx: &mut Tx<'_>, id: TeamId) -> Result<()> {
    diesel::delete(team_members::table.filter(team_members::team_id.eq(id))).execute(tx.conn())?;
    Ok(())
}
