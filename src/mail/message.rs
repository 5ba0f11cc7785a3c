//! A letter's text as an RFC 5322 message.

use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Attachment as Part, Mailbox, Message, MultiPart, SinglePart};

use super::letters::Rendered;
use crate::domain::letter::Recipient;
use crate::time::{Moment, SECOND};

/// What stands on a letter besides its text.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// The sender.
    pub from: Mailbox,
    /// The address that replies go to; none: the sender.
    pub reply_to: Option<String>,
    /// The whole Message-ID, from [`full_id`].
    pub message_id: String,
    /// The Message-ID that the thread hangs on, from [`full_id`]; none: it belongs to no thread.
    pub thread: Option<String>,
}

/// A letter could not be made into a message.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// The recipient's address is none.
    #[error("\"{address}\" is not an e-mail address: {reason}")]
    Address {
        /// As it is kept.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The parts do not fit together.
    #[error("the message cannot be built: {0}")]
    Build(String),
}

/// Marks a letter that no person wrote, so that no machine answers it (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_string())
    }
}

/// The bytes that a mail server is given; `date` becomes the Date of the message.
///
/// # Errors
/// When the recipient's address is none.
pub fn message(
    rendered: &Rendered,
    recipient: &Recipient,
    envelope: &Envelope,
    date: Moment,
) -> Result<Vec<u8>, MessageError> {
    let address = recipient
        .email
        .parse()
        .map_err(
            |error: lettre::address::AddressError| MessageError::Address {
                address: recipient.email.clone(),
                reason: error.to_string(),
            },
        )?;
    let name = Some(recipient.name.trim())
        .filter(|name| !name.is_empty() && *name != recipient.email)
        .map(|name| name.chars().filter(|c| !c.is_control()).collect());

    let mut builder = Message::builder()
        .from(envelope.from.clone())
        .to(Mailbox::new(name, address))
        .subject(rendered.subject.clone())
        .date(UNIX_EPOCH + since_epoch(date))
        .message_id(Some(envelope.message_id.clone()))
        .header(AutoSubmitted);
    if let Some(address) = &envelope.reply_to {
        let address = address.parse();
        builder = builder.reply_to(Mailbox::new(
            envelope.from.name.clone(),
            address.map_err(|_| MessageError::Build("the address for replies is none".into()))?,
        ));
    }
    if let Some(thread) = &envelope.thread {
        builder = builder
            .in_reply_to(thread.clone())
            .references(thread.clone());
    }

    let text = MultiPart::alternative()
        .singlepart(SinglePart::plain(rendered.text.clone()))
        .singlepart(SinglePart::html(rendered.html.clone()));
    let body = if rendered.attachments.is_empty() {
        text
    } else {
        let mut mixed = MultiPart::mixed().multipart(text);
        for file in &rendered.attachments {
            let media_type = ContentType::parse(&file.media_type)
                .map_err(|error| MessageError::Build(error.to_string()))?;
            mixed =
                mixed.singlepart(Part::new(file.name.clone()).body(file.bytes.clone(), media_type));
        }
        mixed
    };
    builder
        .multipart(body)
        .map(|message| message.formatted())
        .map_err(|error| MessageError::Build(error.to_string()))
}

/// A message cannot be older than 1970: its date has no earlier form here.
fn since_epoch(date: Moment) -> Duration {
    Duration::from_secs(u64::try_from(date.micros() / SECOND).unwrap_or(0))
}

/// A whole Message-ID from its left part, which the outbox keeps, and the domain of this service.
pub fn full_id(left: &str, domain: &str) -> String {
    format!("<{left}@{domain}>")
}

#[cfg(test)]
mod tests;
