//! Letters that are through, settled together.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Delivered, posted, refused};
use crate::domain::outbox::{Letter, retry_after};
use crate::domain::refused_address::spelled;
use crate::error::{Error, Result};
use crate::fault;
use crate::hook::outlet::Reply;
use crate::mail::outlet::Delivery;
use crate::store::letter::{Sent, Settlement};
use crate::store::{self, Actor, Store, Tx};
use crate::time::Moment;

/// Letters settled in one transaction; people's writes go between.
const BATCH: usize = 64;

/// Longest sentence of a mail server that is kept, in characters.
const LONGEST: usize = 500;

/// A letter that is through, or was not begun.
pub(super) struct Ended {
    pub letter: Letter,
    /// What went out, if something did.
    pub sent: Option<Sent>,
    pub end: End,
}

impl Ended {
    fn is_accepted(&self) -> bool {
        matches!(self.end, End::Delivered(Delivery::Accepted { .. }))
    }

    /// What the mail server said, if it refused the recipient's address.
    fn refusal(&self) -> Option<String> {
        match &self.end {
            End::Delivered(Delivery::Refused {
                code,
                text,
                address: true,
            }) => Some(format!("{code} {text}")),
            _ => None,
        }
    }
}

/// What became of a leased letter.
pub(super) enum End {
    /// The outlet said so.
    Delivered(Delivery),
    /// A webhook's answer says so.
    Posted(Box<Reply>),
    /// The service broke down while handing it over.
    BrokeDown,
    /// It is not needed any more.
    Needless(&'static str),
    /// It has no text or no address.
    Unwritable(String),
    /// It was not begun, and is due again then, or at once.
    GivenBack(Option<Moment>),
}

/// What a settlement came to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Came {
    Sent,
    Retried,
    Failed,
    Cancelled,
    Back,
    /// Another engine had taken the letter over.
    TakenOver,
}

/// Settles those letters, many in one transaction; one that cannot be settled takes no other along.
///
/// What could not be settled because the database does not answer is given back with the error.
pub(super) fn settle(store: &Store, ended: Vec<Ended>) -> (Vec<Ended>, Result<Delivered>) {
    let mut done = Delivered::default();
    let mut waiting = ended.into_iter();
    loop {
        let batch: Arc<Vec<Ended>> = Arc::new(waiting.by_ref().take(BATCH).collect());
        if batch.is_empty() {
            return (Vec::new(), Ok(done));
        }
        let came = match together(store, &batch) {
            // One of them must not keep the others from being settled.
            Err(error) if !is_away(&error) => one_by_one(store, &batch),
            came => came,
        };
        match came {
            Ok(came) => count(&mut done, &batch, &came),
            Err(error) => {
                let mut left: Vec<Ended> = Arc::into_inner(batch).unwrap_or_default();
                left.extend(waiting);
                return (left, Err(error));
            }
        }
    }
}

/// The database, and no letter, is why. Settling again what was kept after all changes nothing: the lease
/// is over then.
fn is_away(error: &Error) -> bool {
    matches!(error, Error::Unavailable(_) | Error::InDoubt(_))
}

fn together(store: &Store, batch: &Arc<Vec<Ended>>) -> Result<Vec<Came>> {
    let batch = Arc::clone(batch);
    store.write(Actor::Engine, move |tx| {
        let accepted = batch.iter().filter(|ended| ended.is_accepted());
        let accepted = accepted.map(|ended| ended.letter.email.as_str());
        let marked = store::refused_address::of(tx.conn(), accepted)?;
        let mut marked: HashSet<String> = marked.into_iter().map(|mark| mark.email).collect();
        // Marked in the batch itself: what was refused before may be accepted after.
        let refused = batch.iter().filter(|ended| ended.refusal().is_some());
        marked.extend(refused.map(|ended| spelled(&ended.letter.email)));
        batch
            .iter()
            .map(|ended| one(tx, ended, marked.contains(&spelled(&ended.letter.email))))
            .collect()
    })
}

fn one_by_one(store: &Store, batch: &Arc<Vec<Ended>>) -> Result<Vec<Came>> {
    let mut came = Vec::new();
    for place in 0..batch.len() {
        let all = Arc::clone(batch);
        let alone = store.write(Actor::Engine, move |tx| one(tx, &all[place], true));
        let alone = match alone {
            Err(error) if !is_away(&error) => {
                let letter = &batch[place].letter;
                tracing::error!(letter = letter.id.0, %error, "a letter could not be settled");
                // Left as it is it would go out again and again whenever its lease ends.
                let (id, lease) = (letter.id, letter.lease);
                let wrong = Settlement::InDoubt(None, "its settlement could not be kept".into());
                let failed = store.write(Actor::Engine, move |tx| {
                    store::letter::settle(tx, id, lease, None, &wrong)
                })?;
                Ok(if failed {
                    Came::Failed
                } else {
                    Came::TakenOver
                })
            }
            alone => alone,
        }?;
        came.push(alone);
    }
    Ok(came)
}

/// Settles one letter. `marked`: its address may have a mark that an accepted letter lifts.
fn one(tx: &mut Tx<'_>, ended: &Ended, marked: bool) -> Result<Came> {
    let letter = &ended.letter;
    let now = tx.now();
    if let End::GivenBack(until) = ended.end {
        let until = until.unwrap_or(now);
        let held = store::letter::give_back(tx, letter.id, letter.lease, until)?;
        return Ok(if held { Came::Back } else { Came::TakenOver });
    }
    let how = settlement(ended, now);
    let held = store::letter::settle(tx, letter.id, letter.lease, ended.sent.as_ref(), &how)?;
    if !held {
        return Ok(Came::TakenOver);
    }
    if let End::Posted(reply) = &ended.end {
        posted::keep(tx, letter, reply)?;
    } else if let (Some(answer), Settlement::Failed(_)) = (ended.refusal(), &how) {
        refused::mark(tx, letter, &plain(&answer))?;
    } else if marked && ended.is_accepted() {
        refused::clear(tx, letter)?;
    }
    Ok(Came::of(&how))
}

fn settlement(ended: &Ended, now: Moment) -> Settlement {
    let letter = &ended.letter;
    let delivery = match &ended.end {
        End::Delivered(delivery) => delivery,
        End::Posted(reply) => return posted::settlement(letter, reply, now),
        // It may have been handed over before.
        End::BrokeDown => return in_doubt(letter, now, "the service broke down while sending it"),
        End::Needless(reason) => return Settlement::Cancelled((*reason).to_string()),
        End::Unwritable(wrong) => return Settlement::Failed(plain(wrong)),
        End::GivenBack(_) => return Settlement::Retry(now, String::new()),
    };
    of_delivery(letter, delivery, now)
}

pub(super) fn of_delivery(letter: &Letter, delivery: &Delivery, now: Moment) -> Settlement {
    match delivery {
        Delivery::Accepted { .. } => Settlement::Sent,
        Delivery::Refused { code, text, .. } => {
            Settlement::Failed(plain(&format!("refused with {code} {text}")))
        }
        Delivery::Deferred { code, text } => {
            later(letter, now, plain(&format!("put off with {code} {text}")))
        }
        Delivery::Unreachable { error } => later(letter, now, plain(error)),
        Delivery::InDoubt { error } => in_doubt(letter, now, error),
    }
}

fn in_doubt(letter: &Letter, now: Moment, error: &str) -> Settlement {
    match later(letter, now, plain(&format!("may have arrived: {error}"))) {
        Settlement::Retry(at, error) => Settlement::InDoubt(Some(at), error),
        Settlement::Failed(error) => Settlement::InDoubt(None, error),
        other => other,
    }
}

fn later(letter: &Letter, now: Moment, error: String) -> Settlement {
    let attempts = letter.attempts + 1;
    // Spread by the letter's number: letters that failed together do not come back together.
    let jitter = (letter.id.0.rem_euclid(97)) as f64 / 97.0;
    match retry_after(attempts, jitter) {
        Some(wait) => Settlement::Retry(now + wait, error),
        None => Settlement::Failed(format!("given up after {attempts} attempts: {error}")),
    }
}

/// What a server says, as it can be kept and shown: PostgreSQL takes no NUL, and a page no kilobytes.
fn plain(text: &str) -> String {
    let signs = text.chars().take(LONGEST);
    signs
        .map(|sign| if sign.is_control() { ' ' } else { sign })
        .collect()
}

impl Came {
    fn of(how: &Settlement) -> Self {
        match how {
            Settlement::Sent => Came::Sent,
            Settlement::Retry(..) | Settlement::InDoubt(Some(_), _) => Came::Retried,
            Settlement::Cancelled(_) => Came::Cancelled,
            Settlement::Failed(_) | Settlement::InDoubt(None, _) => Came::Failed,
        }
    }
}

fn count(done: &mut Delivered, batch: &[Ended], came: &[Came]) {
    for (ended, came) in batch.iter().zip(came) {
        fault::point("letter.settled");
        let letter = &ended.letter;
        match came {
            Came::Sent => done.sent += 1,
            Came::Retried => done.retried += 1,
            Came::Cancelled => done.cancelled += 1,
            Came::Back => done.put_off += 1,
            Came::Failed => {
                done.failed += 1;
                tracing::warn!(letter = letter.id.0, to = letter.email, "a letter failed");
            }
            Came::TakenOver => {
                tracing::warn!(
                    letter = letter.id.0,
                    "another engine had taken the letter over"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_is_kept_in_one_line_without_signs_that_a_database_refuses() {
        assert_eq!(plain("550 no\0such\r\nbox"), "550 no such  box");
        assert_eq!(plain(&"é".repeat(2_000)).chars().count(), LONGEST);
    }
}
