//! The hash chain of a timeline: who changes, drops or reorders an event breaks it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Event;
use crate::domain::IncidentId;
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

/// What an event's hash is made of, whatever it was read from.
///
/// [`seal`] fills it from an [`Event`]; whoever checks a database fills it from the bare columns, so
/// that nothing of them is read over.
#[derive(Clone, Debug)]
pub struct Form<'a> {
    /// The incident.
    pub incident: IncidentId,
    /// The event's number.
    pub seq: i64,
    /// Key of the case, if it concerns one.
    pub case: Option<i64>,
    /// The word for what happened.
    pub kind: &'a str,
    /// When it happened.
    pub occurred_at: Moment,
    /// When it was written down.
    pub recorded_at: Moment,
    /// Key of the person who did so.
    pub actor: Option<i64>,
    /// The word for where it came from.
    pub source: &'a str,
    /// The typed fields.
    pub fields: Value,
    /// The hash of each text, by name.
    pub texts: Value,
    /// The hash of the event before.
    pub previous: &'a str,
}

impl Form<'_> {
    /// The canonical form, version 1: the RFC 8785 JSON of version, incident, seq, case, kind, both
    /// instants (RFC 3339 with six decimals), actor id, source, typed fields, the hash of each text,
    /// and the hash of the event before. The incident is named by its reference (`INC-1042`), which
    /// an export carries too.
    ///
    /// # Errors
    /// When the form cannot be written, which no event of ours brings about.
    pub fn canonical(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json_canonicalizer::to_vec(&json!({
            "version": 1,
            "incident": self.incident.reference(),
            "seq": self.seq,
            "case": self.case,
            "kind": self.kind,
            "occurred_at": self.occurred_at.canonical(),
            "recorded_at": self.recorded_at.canonical(),
            "actor": self.actor,
            "source": self.source,
            "fields": self.fields,
            "texts": self.texts,
            "previous": self.previous,
        }))
    }

    /// SHA-256 of the canonical form.
    ///
    /// # Errors
    /// As [`Form::canonical`].
    pub fn hash(&self) -> Result<String, serde_json::Error> {
        Ok(hex::encode(Sha256::digest(self.canonical()?)))
    }
}

/// The canonical form of an event.
///
/// # Errors
/// When the form cannot be written, which no event of ours brings about.
pub fn canonical(event: &Event) -> Result<Vec<u8>, serde_json::Error> {
    let texts: BTreeMap<String, String> = serde_json::from_str(&event.text_hashes)?;
    Form {
        incident: event.incident_id,
        seq: event.seq,
        case: event.case_id.map(|case| case.0),
        kind: event.kind.as_str(),
        occurred_at: event.occurred_at,
        recorded_at: event.recorded_at,
        actor: event.person_id.map(|person| person.0),
        source: event.source.as_str(),
        fields: serde_json::to_value(&event.fields)?,
        texts: serde_json::to_value(texts)?,
        previous: &event.previous_hash,
    }
    .canonical()
}

/// The hash of an event: SHA-256 of its canonical form.
///
/// # Errors
/// As [`canonical`].
pub fn seal(event: &Event) -> Result<String, serde_json::Error> {
    Ok(hex::encode(Sha256::digest(canonical(event)?)))
}
