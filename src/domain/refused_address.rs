//! Addresses that a mail server refuses for good.
//!
//! They are marked, not struck out: a letter about a deadline goes to a marked address all the same,
//! since the server may have been wrong, and an accepted one lifts the mark.

use serde::Serialize;

use super::LetterId;
use crate::schema::refused_addresses;
use crate::time::Moment;

/// An address that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = refused_addresses)]
pub struct RefusedAddress {
    /// The address, in small letters.
    pub email: String,
    /// When it was refused last.
    pub refused_at: Moment,
    /// What the mail server said.
    pub answer: String,
    /// The letter that it refused.
    pub letter_id: LetterId,
}

/// An address as marks are kept and looked for: in small letters, since no server in use tells two
/// mailboxes apart by capitals.
pub fn spelled(email: &str) -> String {
    email.trim().to_ascii_lowercase()
}

/// The mark of an address among others, if it has one.
pub fn mark_of<'a>(marks: &'a [RefusedAddress], email: &str) -> Option<&'a RefusedAddress> {
    let spelled = spelled(email);
    marks.iter().find(|mark| mark.email == spelled)
}
