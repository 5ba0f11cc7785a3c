//! The messages that came in about an incident.

use std::io::{Seek, Write};

use serde_json::json;
use sha2::{Digest, Sha256};

use super::Content;
use super::pack::Packer;
use crate::error::Result;
use crate::mail::links::mask_message;
use crate::store::{self, Conn};

/// Each message as it came, and a list of all.
pub(super) fn messages<W: Write + Seek>(
    conn: &mut Conn,
    content: &Content,
    packer: &mut Packer<W>,
) -> Result<()> {
    let mut messages = store::received::of_incident(conn, content.incident())?;
    messages.reverse();
    messages.retain(|message| content.tells(message.case_id));
    let mut all = Vec::with_capacity(messages.len());
    for message in messages {
        let bytes = store::received::content(conn, message.id)?;
        // What they quote may hold signed links, which are the recipient's of the letter alone.
        let masked = bytes.as_ref().map(|bytes| mask_message(bytes));
        let file = bytes
            .as_ref()
            .map(|_| format!("messages/{}.eml", message.id));
        all.push(json!({
            "id": message.id,
            "received_at": message.received_at,
            "verdict": message.verdict,
            "reason": message.reason,
            "case": message.case_id,
            "letter": message.letter_id,
            "from": {"name": message.sender_name, "email": message.sender_email},
            "subject": message.subject,
            "text": message.body,
            "attachments": message.files,
            "dated_at": message.dated_at,
            "message_id": message.message_id,
            "sha256": message.sha256,
            "size": message.size,
            "file": file,
            "links_masked": masked != bytes,
            "file_sha256": masked.as_ref().map(|bytes| hex::encode(Sha256::digest(bytes))),
            "erased_at": message.erased_at,
        }));
        if let (Some(file), Some(bytes)) = (file, masked) {
            packer.bytes(&file, &bytes)?;
        }
    }
    packer.json("messages.json", &all)
}
