//! What ladders that are being entered name.

use serde_json::Value;

use crate::domain::input::{Faults, FieldError, join};
use crate::domain::ladder::Target;
use crate::error::{Error, Result};
use crate::store::{Conn, Tx, ladder, rota, team};

/// The faults of terms or of a go-live window, below `path`, that name a team or a rota which there is not.
/// They are looked for in what was entered, whatever else is wrong with it.
///
/// # Errors
/// When the database does not answer.
pub(super) fn unknown_names(conn: &mut Conn, value: &Value, path: &str) -> Result<Vec<FieldError>> {
    let mut faults = Faults::none();
    let steps = items(value, "ladder").flat_map(|(step, value)| {
        let told = items(value, "to");
        told.map(move |(place, target)| (join(&step, &place), target))
    });
    for (place, target) in steps.chain(items(value, "command_post")) {
        let target = target.as_str().and_then(|text| text.parse().ok());
        match target {
            Some(Target::Team(name)) if team::named(conn, &name)?.is_none() => faults.add(
                join(path, &place),
                format!(
                    "there is no team {name}; enter it first, under Teams or by POST /api/v1/teams"
                ),
            ),
            Some(Target::OnDuty(name)) if rota::named(conn, &name)?.is_none() => faults.add(
                join(path, &place),
                format!(
                    "there is no rota {name}; enter it first, under Rotas or by POST /api/v1/rotas"
                ),
            ),
            _ => {}
        }
    }
    Ok(faults.into_vec())
}

/// Lets go on whoever removes what ladders call by `address`.
///
/// # Errors
/// When terms in force, go-live windows or ladders of open incidents name it: what is `said` of these.
pub(super) fn is_free(
    tx: &mut Tx<'_>,
    address: &str,
    said: impl FnOnce(&str) -> String,
) -> Result<()> {
    let now = tx.now();
    let users = ladder::users(tx.conn(), address, now)?;
    match users.is_empty() {
        true => Ok(()),
        false => Err(Error::conflict(said(&users.join(", ")))),
    }
}

/// The items of a list with their places in it, `to[2]`.
fn items<'a>(value: &'a Value, field: &'a str) -> impl Iterator<Item = (String, &'a Value)> {
    let items = value.get(field).and_then(Value::as_array);
    let items = items.into_iter().flatten().enumerate();
    items.map(move |(place, item)| (format!("{field}[{place}]"), item))
}
