//! Who is behind an address that the engine writes to.

use crate::domain::letter::{Recipient, Side};
use crate::domain::locale::Locale;
use crate::domain::person::Person;
use crate::domain::zone::Zone;
use crate::error::Result;
use crate::store::{self, Conn};

/// One of us, with their language and zone, or an address of ours that no person has, with that zone.
/// Nobody, if the person has left: whoever may not sign in any more is not sent our affairs either.
pub(super) fn with_email(conn: &mut Conn, email: &str, zone: Zone) -> Result<Option<Recipient>> {
    Ok(match store::person::with_email(conn, email)? {
        Some(person) => person.active.then(|| of(person)),
        None => Some(Recipient {
            name: email.to_string(),
            email: email.to_string(),
            locale: Locale::En,
            time_zone: zone,
            side: Side::Ours,
        }),
    })
}

/// One of us.
pub(super) fn of(person: Person) -> Recipient {
    Recipient {
        name: person.name,
        email: person.email,
        locale: person.locale,
        time_zone: person.time_zone,
        side: Side::Ours,
    }
}
