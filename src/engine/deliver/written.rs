//! Leased letters, judged again and written.

use super::Sender;
use super::settle::{End, Ended};
use crate::domain::link::{LinkKey, mask};
use crate::domain::outbox::Letter;
use crate::fault;
use crate::mail::letters::{Rendered, render_signed};
use crate::mail::links::signer;
use crate::mail::message::{Envelope, full_id, message};
use crate::mail::outlet::{Delivery, Outgoing};
use crate::store::letter::{Sent, Standing};
use crate::time::{Moment, Stopwatch};

/// A letter that is ready to go.
pub(super) struct Written {
    pub letter: Letter,
    pub outgoing: Outgoing,
    /// Since the lease was taken.
    pub leased: Stopwatch,
    rendered: Rendered,
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

impl Leased {
    /// Judges and writes letters as they read when they go out now.
    pub(super) fn of(
        letters: Vec<Letter>,
        standing: &Standing,
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
                match write(sender, key, &letter, now) {
                    Ok((rendered, outgoing)) => {
                        done.written.push(Written {
                            letter,
                            outgoing,
                            leased,
                            rendered,
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
    /// What became of it; nothing said: handing it over broke down.
    pub(super) fn ended(self, delivery: Option<Delivery>) -> Ended {
        if delivery.is_none() {
            tracing::error!(
                letter = self.letter.id.0,
                "the service broke down over a letter"
            );
        }
        Ended {
            letter: self.letter,
            sent: Some(Sent {
                subject: self.rendered.subject,
                // What is kept for reading is not for the recipient alone; the bytes are as they were sent.
                text: mask(&self.rendered.text),
                html: mask(&self.rendered.html),
                bytes: self.outgoing.bytes,
            }),
            end: delivery.map_or(End::BrokeDown, End::Delivered),
        }
    }
}

fn write(
    sender: &Sender,
    key: &LinkKey,
    letter: &Letter,
    now: Moment,
) -> Result<(Rendered, Outgoing), String> {
    let recipient = letter.recipient();
    let sign = signer(letter, key);
    let rendered = render_signed(&letter.facts, &recipient, &sender.public_url, now, &sign)
        .map_err(|error| error.to_string())?;
    let domain = sender.from.email.domain();
    let envelope = Envelope {
        from: sender.from.clone(),
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
    Ok((rendered, outgoing))
}
