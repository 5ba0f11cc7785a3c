//! The anchor chain: every hour the heads of the timelines that changed go into one chain, whose own
//! head is printed in letters and reports. Who holds such a print can tell later whether the end of a
//! timeline, or a whole incident, was cut off, which a timeline's own chain cannot show.

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::IncidentId;
use crate::schema::{anchor_heads, anchors};
use crate::time::Moment;

/// Most heads in one anchor, so that checking it takes bounded memory; what is more goes into the next
/// anchor at once.
pub const MOST_HEADS: usize = 500;

/// Hexadecimal digits of the short form that is printed.
const SHORT: usize = 16;

/// Fewest hexadecimal digits of a printed head that can be looked for.
pub const FEWEST_DIGITS: usize = 12;

/// One anchor, without the heads it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = anchors)]
pub struct Anchor {
    /// Its number in the chain, from 1.
    pub number: i64,
    /// When it was made.
    pub at: Moment,
    /// The hash of the anchor before; the first holds 64 zeros.
    pub previous_hash: String,
    /// Its own hash.
    pub hash: String,
}

/// How far a timeline was when the anchor was made.
#[derive(Clone, Debug, PartialEq, Eq, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = anchor_heads)]
pub struct Head {
    /// The incident.
    pub incident_id: IncidentId,
    /// How many events it had.
    pub event_count: i64,
    /// The hash of the last of them.
    pub hash: String,
}

/// The head of the anchor chain as it is printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrintedHead {
    /// Number of the anchor.
    pub number: i64,
    /// When it was made.
    pub at: Moment,
    /// Its hash, in full.
    pub hash: String,
}

impl Anchor {
    /// The anchor as it is printed.
    pub fn printed(&self) -> PrintedHead {
        PrintedHead {
            number: self.number,
            at: self.at,
            hash: self.hash.clone(),
        }
    }
}

impl PrintedHead {
    /// The first digits of the hash, as letters print them.
    pub fn short(&self) -> &str {
        self.hash.get(..SHORT).unwrap_or(&self.hash)
    }
}

/// The canonical form of an anchor, version 1: RFC 8785 JSON of version, number, `at` (RFC 3339 with six
/// decimals), the hash of the anchor before, and the heads (incident, count, hash) in their order.
///
/// # Errors
/// When the form cannot be written, which no anchor of ours brings about.
pub fn canonical(
    number: i64,
    at: Moment,
    previous: &str,
    heads: &[Head],
) -> Result<Vec<u8>, serde_json::Error> {
    let heads: Vec<_> = heads
        .iter()
        .map(|head| {
            json!({
                "incident": head.incident_id.reference(),
                "count": head.event_count,
                "hash": head.hash,
            })
        })
        .collect();
    serde_json_canonicalizer::to_vec(&json!({
        "version": 1,
        "number": number,
        "at": at.canonical(),
        "previous": previous,
        "heads": heads,
    }))
}

/// The hash of an anchor: SHA-256 of its canonical form.
///
/// # Errors
/// As [`canonical`].
pub fn seal(
    number: i64,
    at: Moment,
    previous: &str,
    heads: &[Head],
) -> Result<String, serde_json::Error> {
    Ok(hex::encode(Sha256::digest(canonical(
        number, at, previous, heads,
    )?)))
}

/// Reads a printed head, whole or shortened, as somebody types it: spaces and case do not matter.
///
/// # Errors
/// A sentence, when it is too short or no hexadecimal number.
pub fn read_printed(text: &str) -> Result<String, String> {
    let digits: String = text
        .chars()
        .filter(|letter| !letter.is_whitespace())
        .collect::<String>()
        .to_ascii_lowercase();
    let is_hex = digits.chars().all(|digit| digit.is_ascii_hexdigit());
    if !is_hex || !(FEWEST_DIGITS..=64).contains(&digits.len()) {
        return Err(format!(
            "\"{text}\" is no printed head; it takes {FEWEST_DIGITS} to 64 hexadecimal digits, as a letter or report shows them"
        ));
    }
    Ok(digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::timeline::GENESIS;

    #[test]
    fn an_anchor_is_sealed_over_everything_it_holds() {
        let at: Moment = "2026-11-23T10:00:00Z".parse().unwrap();
        let head = |id: i64, count| Head {
            incident_id: IncidentId(id),
            event_count: count,
            hash: "ab".repeat(32),
        };
        let form = canonical(1, at, GENESIS, &[head(42, 3)]).unwrap();
        let told = format!(
            r#"{{"at":"2026-11-23T10:00:00.000000Z","heads":[{{"count":3,"hash":"{}","incident":"INC-1042"}}],"number":1,"previous":"{GENESIS}","version":1}}"#,
            "ab".repeat(32)
        );
        assert_eq!(String::from_utf8(form).unwrap(), told);
        let base = seal(1, at, GENESIS, &[head(42, 3)]).unwrap();
        for other in [
            seal(2, at, GENESIS, &[head(42, 3)]),
            seal(1, at + 1, GENESIS, &[head(42, 3)]),
            seal(1, at, &base, &[head(42, 3)]),
            seal(1, at, GENESIS, &[head(42, 4)]),
            seal(1, at, GENESIS, &[head(43, 3)]),
            seal(1, at, GENESIS, &[]),
        ] {
            assert_ne!(other.unwrap(), base);
        }
    }

    #[test]
    fn a_printed_head_is_read_as_it_is_typed() {
        assert_eq!(
            read_printed(" 3FA9 12bc 88de 0a41 ").unwrap(),
            "3fa912bc88de0a41"
        );
        for wrong in ["", "3fa912bc88d", "3fa912bc88dx", &"a".repeat(65)] {
            assert!(read_printed(wrong).is_err(), "{wrong}");
        }
    }
}
