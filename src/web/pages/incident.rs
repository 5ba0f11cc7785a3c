//! Incidents: raised, shown with their clocks, and what happens to them.

mod acts;
mod correct;
mod erase;
mod list;
mod raise;
mod record;
mod show;
mod timeline;
mod what_if;

use serde_json::Value;

pub(super) use acts::blank;
pub use correct::{ask as ask_correction, correct};
pub use erase::{ask as ask_erasure, erase};
pub use list::list;
pub use raise::{add_case, ask_case, new, raise};
pub use record::record;
pub(super) use show::page_of;
pub use show::show;
pub use what_if::show as what_if;

use crate::domain::input::FieldError;
use crate::error::Error;
use crate::time::Moment;
use crate::web::access::Caller;
use crate::web::error::{Answer, Fault};
use crate::web::frame::Frame;
use crate::web::shown::{Reader, local_moment};

/// What is said under a field for a local time.
pub(crate) const WHEN: &str =
    "Empty: now. A time that exists twice is taken as the first of the two";

/// Whoever looks at the page of that frame.
pub(in crate::web::pages) fn reader(frame: &Frame, caller: &Caller) -> Reader {
    Reader {
        zone: caller.time_zone.0,
        // The frame's moment was written by us just now.
        now: Moment::parse(&frame.now).unwrap_or_default(),
    }
}

/// Puts the instant in the place of a field for local date and time, which is meant in the reader's
/// zone; an empty one counts as not given.
pub(super) fn take_local_time(value: &mut Value, field: &str, reader: Reader) -> Vec<FieldError> {
    let Some(fields) = value.as_object_mut() else {
        return Vec::new();
    };
    let Some(Value::String(text)) = fields.remove(field) else {
        return Vec::new();
    };
    if text.trim().is_empty() {
        return Vec::new();
    }
    match local_moment(&text, reader.zone) {
        Ok(at) => {
            fields.insert(field.to_string(), Value::String(at.to_string()));
            Vec::new()
        }
        Err(wrong) => vec![FieldError::new(field, wrong)],
    }
}

/// Says the moments in what is wrong with an input as the reader's wall shows them.
pub(super) fn heard(outcome: Answer, reader: Reader) -> Answer {
    outcome.map_err(|fault| match fault {
        Fault::Said(Error::Invalid(faults)) => Fault::Said(Error::Invalid(
            faults
                .into_iter()
                .map(|fault| FieldError::new(fault.field, reader.hears(&fault.message)))
                .collect(),
        )),
        other => other,
    })
}
