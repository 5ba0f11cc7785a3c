//! Who is behind an address that the engine writes to.

use crate::domain::letter::Recipient;
use crate::domain::zone::Zone;
use crate::error::Result;
use crate::store::{self, Conn};

/// One of us, with their language and zone, or an address of ours that no person has, with that zone.
/// Nobody, if the person has left: whoever may not sign in any more is not sent our affairs either.
pub(super) fn with_email(conn: &mut Conn, email: &str, zone: Zone) -> Result<Option<Recipient>> {
    Ok(match store::person::with_email(conn, email)? {
        Some(person) => person.active.then(|| Recipient::from(&person)),
        None => Some(Recipient::of_address(email, zone)),
    })
}
