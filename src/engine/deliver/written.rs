//! Leased letters, judged again and written.

use std::sync::Arc;

use super::Sender;
use super::settle::{End, Ended};
use crate::domain::LetterId;
use crate::domain::letter::{LetterFacts, Side};
use crate::domain::link::{LinkKey, mask};
use crate::domain::outbox::Letter;
use crate::domain::received::seal_tag;
use crate::domain::webhook::{Webhook, WebhookName};
use crate::fault;
use crate::hook::message::{Message, Parcel};
use crate::hook::outlet::Reply;
use crate::mail::letters::RenderError;
use crate::mail::links::signer;
use crate::mail::message::{Envelope, full_id, message};
use crate::mail::outlet::Outgoing;
use crate::store::letter::{Sent, Standing};
use crate::time::{Moment, Stopwatch};

/// A letter that is ready to go.
pub(super) struct Written {
    pub letter: Letter,
    pub outbound: Outbound,
    /// Since the lease was taken.
    pub leased: Stopwatch,
    sent: Sent,
}

/// A letter as it leaves.
pub(super) enum Outbound {
    /// By mail.
    Mail(Outgoing),
    /// To a webhook.
    Hook(Arc<Posting>),
}

/// A message with whom it goes to.
pub(super) struct Posting {
    pub id: LetterId,
    pub webhook: Webhook,
    pub parcel: Parcel,
    /// When it was packed.
    pub at: Moment,
}

/// What became of letters that were leased together.
#[derive(Default)]
pub(super) struct Leased {
    pub written: Vec<Written>,
    /// Those that need not go, or cannot.
    pub over: Vec<Ended>,
    /// Others were asked for and none was to be had.
    pub is_empty: bool,
}

impl Posting {
    /// As it goes the way of letters by mail.
    pub fn as_mail(&self) -> Outgoing {
        Outgoing {
            id: self.id,
            at: self.at,
            from: String::new(),
            to: self.webhook.name.address(),
            bytes: self.parcel.body.clone(),
        }
    }
}

impl Leased {
    /// Judges and writes letters as they read when they go out now.
    pub(super) fn of(
        letters: Vec<Letter>,
        standing: &Standing,
        webhooks: &[Webhook],
        (sender, key): (&Sender, &LinkKey),
        now: Moment,
        leased: Stopwatch,
    ) -> Self {
        let mut done = Self::default();
        for letter in letters {
            fault::point("letter.leased");
            // Judged when it is leased, not when it was queued.
            let end = if let Some(reason) = standing.moot(&letter) {
                End::Needless(reason)
            } else {
                let written = match letter.webhook() {
                    Some(name) => pack(sender, webhooks, &name, &letter, now),
                    None => write(sender, key, &letter, now),
                };
                match written {
                    Ok((sent, outbound)) => {
                        done.written.push(Written {
                            letter,
                            outbound,
                            leased,
                            sent,
                        });
                        continue;
                    }
                    Err(wrong) => {
                        tracing::error!(letter = letter.id.0, error = %wrong, "a letter could not be written");
                        End::Unwritable(wrong)
                    }
                }
            };
            done.over.push(Ended {
                letter,
                sent: None,
                end,
            });
        }
        done
    }
}

impl Written {
    /// The letter, if it goes by mail.
    pub(super) fn mail(&self) -> Option<&Outgoing> {
        match &self.outbound {
            Outbound::Mail(outgoing) => Some(outgoing),
            Outbound::Hook(_) => None,
        }
    }

    /// What became of it; nothing said: handing it over broke down.
    pub(super) fn ended(self, reply: Option<Reply>) -> Ended {
        if reply.is_none() {
            tracing::error!(
                letter = self.letter.id.0,
                "the service broke down over a letter"
            );
        }
        let (bytes, is_mail) = match self.outbound {
            Outbound::Mail(outgoing) => (outgoing.bytes, true),
            Outbound::Hook(posting) => (posting.parcel.body.clone(), false),
        };
        Ended {
            letter: self.letter,
            sent: Some(Sent { bytes, ..self.sent }),
            end: match reply {
                None => End::BrokeDown,
                Some(reply) if is_mail => End::Delivered(reply.delivery),
                Some(reply) => End::Posted(Box::new(reply)),
            },
        }
    }
}

fn write(
    sender: &Sender,
    key: &LinkKey,
    letter: &Letter,
    now: Moment,
) -> Result<(Sent, Outbound), String> {
    let recipient = letter.recipient();
    let sign = signer(letter, key);
    let rendered = sender
        .templates
        .render_signed(&letter.facts, &recipient, &sender.public_url, now, &sign)
        .map_err(|error| error.to_string())?;
    note_failure(sender, letter, rendered.instead_of.as_ref());
    let domain = sender.from.email.domain();
    // Only the vendor's answers are matched and recorded.
    let is_answered = letter.side == Side::Vendor && letter.case_id.is_some();
    let reply_to = sender.reply_to.as_ref().filter(|_| is_answered);
    let envelope = Envelope {
        from: sender.from.clone(),
        reply_to: reply_to.map(|address| address.tagged(&seal_tag(key, letter.id))),
        message_id: full_id(&letter.message_id, domain),
        thread: letter.thread.as_ref().map(|thread| full_id(thread, domain)),
    };
    let bytes =
        message(&rendered, &recipient, &envelope, now).map_err(|error| error.to_string())?;
    let outgoing = Outgoing {
        id: letter.id,
        at: now,
        from: sender.from.email.to_string(),
        to: letter.email.clone(),
        bytes,
    };
    let sent = Sent {
        subject: rendered.subject,
        // What is kept for reading is not for the recipient alone; the bytes are as they were sent.
        text: mask(&rendered.text),
        html: mask(&rendered.html),
        bytes: Vec::new(),
    };
    Ok((sent, Outbound::Mail(outgoing)))
}

fn pack(
    sender: &Sender,
    webhooks: &[Webhook],
    name: &WebhookName,
    letter: &Letter,
    now: Moment,
) -> Result<(Sent, Outbound), String> {
    let webhook = webhooks.iter().find(|webhook| webhook.name == *name);
    let webhook = webhook.ok_or_else(|| format!("there is no webhook {name} any more"))?;
    if !webhook.enabled {
        return Err(format!("the webhook {name} is disabled"));
    }
    let LetterFacts::Incident(facts) = &letter.facts else {
        return Err("webhooks get letters about incidents only".to_string());
    };
    let message = Message::of(&sender.templates, letter, facts, &sender.public_url, now)
        .map_err(|error| error.to_string())?;
    note_failure(sender, letter, message.brief.instead_of.as_ref());
    let sent = Sent {
        subject: message.brief.title.clone(),
        text: message.brief.text(),
        html: String::new(),
        bytes: Vec::new(),
    };
    let parcel = Parcel::pack(webhook, &letter.message_id, &message, now);
    let posting = Posting {
        id: letter.id,
        webhook: webhook.clone(),
        parcel,
        at: now,
    };
    Ok((sent, Outbound::Hook(Arc::new(posting))))
}

/// Logs and counts that an organisation's templates failed over a letter, which goes out all the same.
fn note_failure(sender: &Sender, letter: &Letter, wrong: Option<&RenderError>) {
    if let Some(wrong) = wrong {
        sender.templates.count_failed();
        tracing::warn!(letter = letter.id.0, error = %wrong, "a letter was written by the templates compiled in");
    }
}
