//! What is entered while a scenario runs: terms, go-live windows, and edits of calendars.

use serde_json::{Map, Value};

use super::ground::Ground;
use crate::actions;
use crate::domain::calendar_entry::CalendarInput;
use crate::domain::input::{Faults, join};
use crate::domain::words::Source;
use crate::domain::{CalendarId, ContractId};
use crate::error::{Error, Result};
use crate::store::{self, Actor};
use crate::time::Moment;

/// Something that is entered at a moment of the scenario.
#[derive(Debug)]
pub(super) struct Later {
    /// When.
    pub(super) at: Moment,
    /// Its place in the scenario.
    pub(super) path: String,
    /// What.
    pub(super) entry: Entry,
}

/// What is entered; names are ids already.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    /// A version of a contract's terms.
    Terms(ContractId, Value),
    /// A go-live window of a contract.
    GoLive(ContractId, Value),
    /// The new hours of a calendar.
    Calendar(CalendarId, Value),
}

impl Entry {
    /// Enters it now.
    ///
    /// # Errors
    /// As the API would answer, at the API's fields.
    pub(super) fn enter(&self, ground: &Ground) -> Result<()> {
        let entry = self.clone();
        ground.store.write(Actor::Operator, move |tx| {
            match entry {
                Entry::Terms(contract, value) => {
                    actions::contract::amend(tx, contract, &value, Source::Import)?;
                }
                Entry::GoLive(contract, value) => {
                    actions::go_live::enter(tx, contract, &value)?;
                }
                Entry::Calendar(id, value) => {
                    let revision = store::calendar::find(tx.conn(), id)?.revision;
                    actions::calendar::edit(tx, id, revision, &CalendarInput::read_edit(&value)?)?;
                }
            }
            Ok(())
        })
    }
}

/// The faults of something that was to be entered, at its place in the scenario.
pub(super) fn at_place(error: Error, path: &str) -> Error {
    let mut faults = Faults::none();
    match error {
        Error::Invalid(found) => faults.extend(path, found),
        Error::Refused(refused) => faults.add(path, refused.to_string()),
        other => return other,
    }
    faults.into_vec().into()
}

/// Takes the moment out of a field that the API does not know.
pub(super) fn take_moment(
    fields: &mut Map<String, Value>,
    field: &str,
    path: &str,
    faults: &mut Faults,
) -> Option<Moment> {
    let value = fields.remove(field).filter(|value| !value.is_null())?;
    let read = match value.as_str() {
        Some(text) => Moment::parse(text),
        None => Err(format!(
            "{value} is not an instant; write it like 2026-11-20T15:40:00Z"
        )),
    };
    faults.take(&join(path, field), read)
}
