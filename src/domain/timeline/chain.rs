//! The hash chain of a timeline: who changes, drops or reorders an event breaks it.

use std::collections::BTreeMap;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::Event;
use crate::time::Moment;

/// What the first event of an incident names as the hash before it.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A text of an event with the salt that its hash is made with.
///
/// The chain holds only the hash, so that erasing salt and content leaves it valid, and the salt
/// keeps short texts such as names from being guessed from the hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedText {
    /// Which text: `reason`, `title`, `description`, `vendor_reference`.
    pub name: String,
    /// 32 random hexadecimal digits.
    pub salt: String,
    /// The text itself.
    pub content: String,
}

/// SHA-256 of salt and content, in hexadecimal.
pub fn text_hash(text: &SealedText) -> String {
    let mut hash = Sha256::new();
    hash.update(text.salt.as_bytes());
    hash.update(text.content.as_bytes());
    hex::encode(hash.finalize())
}

/// The hash of an event: SHA-256 of its canonical form, version 1.
///
/// That form is the RFC 8785 JSON of version, incident, seq, case, kind, both instants (RFC 3339 with
/// six decimals), actor id, source, typed fields, the hash of each text, and the hash of the event
/// before. The incident is named by its reference (`INC-1042`), which an export carries too.
///
/// # Errors
/// When the form cannot be written, which no event of ours brings about.
pub fn seal(event: &Event) -> Result<String, serde_json::Error> {
    let texts: BTreeMap<String, String> = serde_json::from_str(&event.text_hashes)?;
    let form = json!({
        "version": 1,
        "incident": event.incident_id.reference(),
        "seq": event.seq,
        "case": event.case_id,
        "kind": event.kind,
        "occurred_at": six(event.occurred_at),
        "recorded_at": six(event.recorded_at),
        "actor": event.person_id,
        "source": event.source,
        "fields": event.fields,
        "texts": texts,
        "previous": event.previous_hash,
    });
    let canonical = serde_json_canonicalizer::to_vec(&form)?;
    Ok(hex::encode(Sha256::digest(canonical)))
}

fn six(moment: Moment) -> String {
    moment.canonical()
}
