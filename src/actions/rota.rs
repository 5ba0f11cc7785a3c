//! Entering, editing and removing rotas. The audit trail, from which nothing can be erased, gets the keys of
//! people and not their addresses.

use serde_json::{Value, json};

use super::ladder::is_free;
use super::person::known;
use crate::domain::input::Faults;
use crate::domain::rota::{Rota, RotaEntry, RotaInput};
use crate::domain::{PersonId, RotaId};
use crate::error::Result;
use crate::store::{Conn, Tx, calendar, rota};

/// Enters a rota.
///
/// # Errors
/// At `name` when another has it; at the person or calendar that there is not.
pub fn enter(tx: &mut Tx<'_>, input: &RotaInput) -> Result<RotaId> {
    let (entries, fallback) = found(tx.conn(), input)?;
    let id = rota::insert(tx, &input.name, input.active, &entries, fallback)?;
    tx.record("rota", id.0, "entered", &noted(input, &entries, fallback))?;
    Ok(id)
}

/// Edits a rota that still has the version the edit was made from, and gives the new version. Steps that
/// fall due from now on tell whoever is on duty by it then.
///
/// # Errors
/// At the person or calendar that there is not; when there is no such rota, or somebody changed it first.
pub fn edit(tx: &mut Tx<'_>, before: &Rota, version: i64, input: &RotaInput) -> Result<i64> {
    let (entries, fallback) = found(tx.conn(), input)?;
    let version = rota::update(tx, before, version, input.active, &entries, fallback)?;
    let detail = noted(input, &entries, fallback);
    tx.record("rota", before.id.0, "edited", &detail)?;
    Ok(version)
}

/// Removes a rota.
///
/// # Errors
/// When there is none, or terms in force, go-live windows or ladders of open incidents name it.
pub fn remove(tx: &mut Tx<'_>, id: RotaId) -> Result<()> {
    let before = rota::find(tx.conn(), id)?;
    is_free(tx, &before.name.address(), |users| {
        format!(
            "the rota {} is still named by {users}; retire it, or enter terms without it first",
            before.name
        )
    })?;
    rota::delete(tx, id)?;
    tx.record("rota", id.0, "removed", &json!({"name": before.name}))
}

fn found(conn: &mut Conn, input: &RotaInput) -> Result<(Vec<RotaEntry>, PersonId)> {
    let mut faults = Faults::none();
    let mut entries = Vec::new();
    for (place, entry) in input.entries.iter().enumerate() {
        let path = format!("entries[{place}]");
        let person = known(conn, &entry.person, &format!("{path}.person"), &mut faults)?;
        if !calendar::exists(conn, entry.calendar_id)? {
            let wrong = format!("there is no calendar {}", entry.calendar_id);
            faults.add(format!("{path}.calendar_id"), wrong);
        }
        entries.extend(person.map(|person_id| RotaEntry {
            person_id,
            calendar_id: entry.calendar_id,
        }));
    }
    let fallback = known(conn, &input.fallback, "fallback", &mut faults)?;
    // Without a fallback there is a fault, and the stand-in is not used.
    Ok(faults.or((entries, fallback.unwrap_or_default()))?)
}

fn noted(input: &RotaInput, entries: &[RotaEntry], fallback: PersonId) -> Value {
    let entries: Vec<Value> = entries
        .iter()
        .map(|entry| json!({"person": entry.person_id, "calendar": entry.calendar_id}))
        .collect();
    json!({"name": input.name, "entries": entries, "fallback": fallback, "active": input.active})
}
