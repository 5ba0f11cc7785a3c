//! The files of an event: that each is there, and hashes to what the event says.

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::timeline::Chain;
use super::{Fault, Place, Walked, fault};
use crate::domain::evidence::{File, NAMES};
use crate::error::Result;
use crate::store::chain::RawEvent;
use crate::store::{self, Conn};

/// The fields of an event that matter here.
#[derive(Default, Deserialize)]
struct Named {
    #[serde(default)]
    evidence: Vec<String>,
    message: Option<String>,
}

/// Reads each file chunk by chunk.
pub(super) fn check(
    conn: &mut Conn,
    event: &RawEvent,
    files: &[File],
    chain: &mut Chain,
    walked: &mut Walked,
) -> Result<Vec<Fault>> {
    let named: Named = serde_json::from_str(&event.fields).unwrap_or_default();
    let mut wrong = Vec::new();
    for (index, sha256) in named.evidence.iter().enumerate() {
        let number = index + 1;
        let own = files
            .iter()
            .find(|file| file.position.is_some_and(|at| at as usize == number));
        let Some(file) = own else {
            wrong.push(format!("file {number} is missing"));
            continue;
        };
        match hash(conn, file)? {
            Some(found) if found == *sha256 => walked.files += 1,
            Some(_) => wrong.push(format!("file {number} was changed")),
            None => {
                chain.lacks(event.seq, NAMES.get(index).copied().unwrap_or_default());
                continue;
            }
        }
        chain.has(event.seq, NAMES.get(index).copied().unwrap_or_default());
    }
    let count = named.evidence.len();
    let is_added = |file: &File| {
        file.position
            .is_none_or(|at| !(1..=count).contains(&(at as usize)))
    };
    if files.iter().any(is_added) {
        wrong.push("a file was added: it is not in the chain".to_string());
    }
    if let Some(sha256) = &named.message {
        let found = message(conn, sha256)?;
        chain.rests_on(event.seq, sha256, found.is_some());
        match found {
            Some(found) if found != *sha256 => wrong.push("its message was changed".to_string()),
            Some(_) => walked.files += 1,
            None => {}
        }
    }
    let place = Place::Event(event.incident_id, event.seq);
    Ok(wrong.into_iter().map(|what| fault(place, what)).collect())
}

/// The hash of the bytes that are kept as the message of that hash; nothing when none are there.
fn message(conn: &mut Conn, sha256: &str) -> Result<Option<String>> {
    let Some(message) = store::received::of_hash(conn, sha256)? else {
        return Ok(None);
    };
    let bytes = store::received::content(conn, message.id)?;
    Ok(bytes.map(|bytes| hex::encode(Sha256::digest(bytes))))
}

/// The hash of a file's content; nothing when none is there.
fn hash(conn: &mut Conn, file: &File) -> Result<Option<String>> {
    let mut hash = Sha256::new();
    let mut number = 0;
    while let Some(chunk) = store::evidence::chunk(conn, file.id, number)? {
        hash.update(chunk);
        number += 1;
    }
    Ok((number > 0).then(|| hex::encode(hash.finalize())))
}
