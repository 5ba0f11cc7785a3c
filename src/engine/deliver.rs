//! Letters whose turn has come: leased, judged again, sent outside any transaction, settled.
//!
//! At least once: a process that dies between sending and settling sends the letter again when its
//! lease has ended, with the same Message-ID, so that the double is recognisable.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use futures_util::future::join_all;
use lettre::message::Mailbox;

use super::blocking;
use crate::domain::clock::ClockRow;
use crate::domain::letter::LetterFacts;
use crate::domain::outbox::{Letter, moot, retry_after};
use crate::error::Result;
use crate::fault;
use crate::mail::letters::{Rendered, render};
use crate::mail::message::{Envelope, full_id, message};
use crate::mail::outlet::{Delivery, Outgoing, Outlet};
use crate::store::letter::{Sent, Settlement};
use crate::store::{self, Actor, Store};
use crate::time::Moment;

/// Letters leased at once and sent side by side, so that a lease outlives the sending of each.
const BATCH: i64 = 4;

/// By which way letters leave, and in whose name.
#[derive(Clone, Debug)]
pub struct Sender {
    /// The way.
    pub outlet: Outlet,
    /// Whom they come from.
    pub from: Mailbox,
    /// Where links in letters lead, without a slash at the end.
    pub public_url: String,
}

/// What became of the letters of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Taken by the mail server.
    pub sent: u32,
    /// To be tried again.
    pub retried: u32,
    /// Failed for good.
    pub failed: u32,
    /// Not needed any more.
    pub cancelled: u32,
}

impl std::ops::AddAssign for Delivered {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.retried += other.retried;
        self.failed += other.failed;
        self.cancelled += other.cancelled;
    }
}

/// Sends every letter whose turn has come; leaves none behind.
///
/// # Errors
/// When the database does not do as asked; a letter that was leased then is due again when its lease
/// ends.
pub async fn deliver(store: &Store, sender: &Sender) -> Result<Delivered> {
    let mut done = Delivered::default();
    while let Some(batch) = deliver_some(store, sender).await? {
        done += batch;
    }
    Ok(done)
}

/// Sends a few letters whose turn has come; nothing when there are none.
///
/// # Errors
/// As for [`deliver`]; the others of the few have been sent and settled even then.
pub async fn deliver_some(store: &Store, sender: &Sender) -> Result<Option<Delivered>> {
    let leased = lease(store).await?;
    if leased.is_empty() {
        return Ok(None);
    }
    fault::point("letter.leased");
    let mut done = Delivered::default();
    let mut wrong = None;
    let sending = leased
        .into_iter()
        .map(|letter| guarded(store, sender, letter));
    for end in join_all(sending).await {
        match end {
            Ok(End::Sent) => done.sent += 1,
            Ok(End::Retried) => done.retried += 1,
            Ok(End::Failed) => done.failed += 1,
            Ok(End::Cancelled) => done.cancelled += 1,
            Err(error) => wrong = Some(error),
        }
    }
    wrong.map_or(Ok(Some(done)), Err)
}

async fn lease(store: &Store) -> Result<Vec<Letter>> {
    let store = store.clone();
    blocking(move || {
        let now = store.now()?;
        // A lease is a write; without this look an idle outbox would write for ever.
        if store
            .read(store::letter::next_due)?
            .is_none_or(|next| next > now)
        {
            return Ok(Vec::new());
        }
        store.write(Actor::Engine, |tx| store::letter::lease(tx, BATCH))
    })
    .await
}

/// What became of one letter.
enum End {
    Sent,
    Retried,
    Failed,
    Cancelled,
}

/// Sends one letter; one that makes the service break down is tried again later as if it had been put
/// off, and holds up neither the others nor the delivery.
async fn guarded(store: &Store, sender: &Sender, letter: Letter) -> Result<End> {
    let sending = AssertUnwindSafe(one(store, sender, letter.clone()));
    if let Ok(end) = sending.catch_unwind().await {
        return end;
    }
    tracing::error!(letter = letter.id.0, "the service broke down over a letter");
    let breaking = store.clone();
    let now = blocking(move || breaking.now()).await?;
    // It may have been handed over before.
    let how = in_doubt(&letter, now, "the service broke down while sending it");
    let end = end(&letter, &how);
    settle(store, &letter, None, how).await?;
    Ok(end)
}

/// What a settlement comes to; a letter that failed is logged.
fn end(letter: &Letter, how: &Settlement) -> End {
    match how {
        Settlement::Sent => End::Sent,
        Settlement::Retry(..) | Settlement::InDoubt(Some(_), _) => End::Retried,
        Settlement::Cancelled(_) => End::Cancelled,
        Settlement::Failed(wrong) | Settlement::InDoubt(None, wrong) => {
            tracing::warn!(
                letter = letter.id.0,
                to = letter.email,
                error = wrong,
                "a letter failed"
            );
            End::Failed
        }
    }
}

fn in_doubt(letter: &Letter, now: Moment, error: &str) -> Settlement {
    match later(letter, now, format!("may have arrived: {error}")) {
        Settlement::Retry(at, error) => Settlement::InDoubt(Some(at), error),
        Settlement::Failed(error) => Settlement::InDoubt(None, error),
        other => other,
    }
}

async fn one(store: &Store, sender: &Sender, letter: Letter) -> Result<End> {
    let judging = store.clone();
    let judged = letter.clone();
    let (now, needless) = blocking(move || {
        let now = judging.now()?;
        let needless = judging.read(|conn| needless(conn, &judged))?;
        Ok((now, needless))
    })
    .await?;
    if let Some(reason) = needless {
        settle(
            store,
            &letter,
            None,
            Settlement::Cancelled(reason.to_string()),
        )
        .await?;
        return Ok(End::Cancelled);
    }
    let (rendered, bytes) = match written(sender, &letter, now) {
        Ok(written) => written,
        Err(wrong) => {
            tracing::error!(letter = letter.id.0, error = %wrong, "a letter could not be written");
            settle(store, &letter, None, Settlement::Failed(wrong)).await?;
            return Ok(End::Failed);
        }
    };
    let outgoing = Outgoing {
        id: letter.id,
        at: now,
        from: sender.from.email.to_string(),
        to: letter.email.clone(),
        bytes: bytes.clone(),
    };
    fault::point("letter.before-sending");
    let delivery = sender.outlet.send(&outgoing).await;
    fault::point("letter.sent");
    let how = match delivery {
        Delivery::Accepted { .. } => Settlement::Sent,
        Delivery::Refused { code, text } => {
            Settlement::Failed(format!("refused with {code} {text}"))
        }
        Delivery::Deferred { code, text } => {
            later(&letter, now, format!("put off with {code} {text}"))
        }
        Delivery::Unreachable { error } => later(&letter, now, error),
        Delivery::InDoubt { error } => in_doubt(&letter, now, &error),
    };
    let end = end(&letter, &how);
    let sent = Sent {
        subject: rendered.subject,
        text: rendered.text,
        html: rendered.html,
        bytes,
    };
    settle(store, &letter, Some(sent), how).await?;
    Ok(end)
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

/// Why the letter is not needed any more, if so: judged when it is leased, not when it was queued.
fn needless(conn: &mut store::Conn, letter: &Letter) -> Result<Option<&'static str>> {
    let clock: Option<ClockRow> = match letter.clock_id {
        Some(id) => Some(store::clock::get(conn, id)?),
        None => None,
    };
    let same_lap = match (&clock, &letter.facts) {
        (Some(clock), LetterFacts::Incident(facts)) => facts.clocks.first().is_none_or(|stated| {
            stated.interval == clock.interval && (stated.run == 0 || stated.run == clock.run)
        }),
        _ => true,
    };
    let withdrawn = match letter.breach_id {
        Some(id) => store::breach::get(conn, id)?.1.is_some(),
        None => false,
    };
    let open = clock.map(|clock| clock.state.is_open());
    Ok(moot(letter, open, same_lap, withdrawn))
}

fn written(sender: &Sender, letter: &Letter, now: Moment) -> Result<(Rendered, Vec<u8>), String> {
    let recipient = letter.recipient();
    let rendered = render(&letter.facts, &recipient, &sender.public_url, now)
        .map_err(|error| error.to_string())?;
    let domain = sender.from.email.domain();
    let envelope = Envelope {
        from: sender.from.clone(),
        message_id: full_id(&letter.message_id, domain),
        thread: letter.thread.as_ref().map(|thread| full_id(thread, domain)),
    };
    let bytes =
        message(&rendered, &recipient, &envelope, now).map_err(|error| error.to_string())?;
    Ok((rendered, bytes))
}

async fn settle(store: &Store, letter: &Letter, sent: Option<Sent>, how: Settlement) -> Result<()> {
    let (store, id, lease) = (store.clone(), letter.id, letter.lease);
    let settled = blocking(move || {
        store.write(Actor::Engine, move |tx| {
            store::letter::settle(tx, id, lease, sent.as_ref(), &how)
        })
    })
    .await?;
    fault::point("letter.settled");
    if !settled {
        tracing::warn!(
            letter = letter.id.0,
            "another engine had taken the letter over"
        );
    }
    Ok(())
}
