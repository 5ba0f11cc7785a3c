//! Letters whose turn has come: leased, judged again, written, sent outside any transaction, settled.
//!
//! These overlap: while some are on their way the next are leased and written, and those that are
//! through are settled together. At least once: a process that dies between sending and settling sends
//! the letter again when its lease has ended, with the same Message-ID, so that the double is
//! recognisable.

use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use lettre::message::Mailbox;
use tokio::task::{JoinError, JoinHandle, JoinSet};

use super::blocking;
use crate::domain::outbox::{Due, LEASE, domain_of};
use crate::domain::received::ReplyAddress;
use crate::error::{Error, Result};
use crate::fault;
use crate::hook::outlet::{HookOutlet, Reply};
use crate::mail::outlet::{Delivery, LONGEST_SEND, Outlet};
use crate::mail::templates::Templates;
use crate::store::{self, Actor, Store};
use crate::time::{Micros, Moment, SECOND, Stopwatch};

mod lanes;
mod posted;
mod refused;
mod settle;
mod written;

use lanes::{Choice, Lanes, Run};
use settle::{End, Ended};
use written::{Leased, Outbound, Posting, Written};

/// Letters looked at together; those of a domain that holds them up are put off and looked past.
const LOOKED_AT: i64 = 256;
/// Letters leased, judged and written together.
const BATCH: usize = 128;
/// Letters held at once, from the lease to the settlement.
const HELD: usize = 384;
/// How often is looked for new letters while others are on their way.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A letter that has not been begun this long after it was leased is given back, since sending it might
/// outlast the lease.
const BEGUN_WITHIN: Micros = LEASE - LONGEST_SEND.as_secs() as i64 * SECOND - 10 * SECOND;
const _: () = assert!(BEGUN_WITHIN >= 30 * SECOND);

/// By which way letters leave, and in whose name.
#[derive(Clone, Debug)]
pub struct Sender {
    /// The way.
    pub outlet: Outlet,
    /// Whom they come from.
    pub from: Mailbox,
    /// The address that replies go to; none: the sender.
    pub reply_to: Option<ReplyAddress>,
    /// Where links in letters lead, without a slash at the end.
    pub public_url: String,
    /// The way of those that go to webhooks.
    pub hooks: HookOutlet,
    /// What they are written by.
    pub templates: Templates,
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
    /// Told to wait, untried, since others to the same domain were before them.
    pub put_off: u32,
}

impl std::ops::AddAssign for Delivered {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.retried += other.retried;
        self.failed += other.failed;
        self.cancelled += other.cancelled;
        self.put_off += other.put_off;
    }
}

/// Sends every letter whose turn has come; leaves none behind but those that have to wait for others to
/// the same domain.
///
/// # Errors
/// When the database does not do as asked; a letter that was leased then is due again when its lease
/// ends.
pub async fn deliver(store: &Store, sender: &Sender) -> Result<Delivered> {
    let mut post = Post::new(store.clone(), Arc::new(sender.clone()));
    let mut done = Delivered::default();
    while let Some(some) = post.step().await? {
        done += some;
    }
    Ok(done)
}

/// The letters on their way, from one step to the next.
pub struct Post {
    store: Store,
    sender: Arc<Sender>,
    lanes: Lanes<Written>,
    sending: JoinSet<Through>,
    taking: Option<JoinHandle<Result<Taken>>>,
    settling: Option<JoinHandle<(Vec<Ended>, Result<Delivered>)>>,
    ended: Vec<Ended>,
    /// When letters were looked for last.
    now: Moment,
    look: Look,
}

/// Whether it is worth while to look for letters that are due.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Now,
    /// As soon as a letter is through.
    AfterOne,
    /// When somebody says so, or after a while.
    Later,
    /// Not any more.
    Never,
}

/// Letters that were handed over one after the other, with what became of as many as were begun.
struct Through {
    letters: Vec<Written>,
    replies: Vec<Reply>,
    /// The service broke down over the letter after those.
    broke_down: bool,
    took: Micros,
}

/// What was found, in two steps, since the choice between them is not a matter of the database.
enum Taken {
    Due(Moment, Vec<Due>),
    Leased(Leased),
}

impl Post {
    /// Nothing is on its way yet.
    pub fn new(store: Store, sender: Arc<Sender>) -> Self {
        Self {
            lanes: Lanes::new(sender.outlet.limits()),
            store,
            sender,
            sending: JoinSet::new(),
            taking: None,
            settling: None,
            ended: Vec::new(),
            now: Moment::default(),
            look: Look::Now,
        }
    }

    /// Goes on until something has been done or a second has passed; nothing when no letter is on its
    /// way and none is due.
    ///
    /// # Errors
    /// When the database does not do as asked. What is on its way stays so, and is settled by a later
    /// step or, where none comes, sent again when its lease ends.
    pub async fn step(&mut self) -> Result<Option<Delivered>> {
        self.give_back_old();
        self.begin();
        self.look_for_due();
        self.settle();
        if self.is_idle() {
            if self.look != Look::Never {
                self.look = Look::Now;
            }
            return Ok(None);
        }
        let waits = self.look == Look::Later && self.taking.is_none();
        tokio::select! {
            taken = done(&mut self.taking) => self.taken(taken).map(Some),
            settled = done(&mut self.settling) => self.settled(settled).map(Some),
            Some(sent) = self.sending.join_next() => {
                self.sent(sent);
                while let Some(sent) = self.sending.try_join_next() {
                    self.sent(sent);
                }
                Ok(Some(Delivered::default()))
            }
            () = self.store.letters_poked(), if waits => {
                self.look = Look::Now;
                Ok(Some(Delivered::default()))
            }
            () = tokio::time::sleep(LOOK_AGAIN) => {
                if waits {
                    self.look = Look::Now;
                }
                Ok(Some(Delivered::default()))
            }
        }
    }

    /// Begins no more letters and goes on until those that were begun are settled.
    ///
    /// # Errors
    /// As for [`Post::step`].
    pub async fn finish(&mut self) -> Result<Delivered> {
        self.look = Look::Never;
        let mut finished = Delivered::default();
        loop {
            let waiting = self.lanes.drain(|_| true);
            self.give_back(waiting.into_iter().map(|letter| (letter, None)));
            match self.step().await? {
                Some(done) => finished += done,
                None => return Ok(finished),
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.taking.is_none()
            && self.settling.is_none()
            && self.sending.is_empty()
            && self.ended.is_empty()
            && self.lanes.held() == 0
    }

    /// Sends as many as there are connections for.
    fn begin(&mut self) {
        loop {
            let letters = self.lanes.begin();
            if letters.is_empty() {
                return;
            }
            let sender = Arc::clone(&self.sender);
            self.sending.spawn(async move {
                fault::point("letter.before-sending");
                let begun = Stopwatch::start();
                let mut replies = Vec::with_capacity(letters.len());
                let sending = AssertUnwindSafe(send(&sender, &letters, &mut replies));
                let broke_down = sending.catch_unwind().await.is_err();
                fault::point("letter.sent");
                Through {
                    letters,
                    replies,
                    broke_down,
                    took: begun.micros(),
                }
            });
        }
    }

    fn sent(&mut self, sent: Result<Through, JoinError>) {
        // Otherwise the runtime is ending; the letters' leases will.
        let Ok(through) = sent else {
            return;
        };
        let is_trouble = through.broke_down
            || (through.replies.last()).is_some_and(|reply| reply.delivery.is_trouble());
        let mut replies: Vec<_> = through.replies.into_iter().map(Some).collect();
        if through.broke_down {
            replies.push(None);
        }
        let mut letters = through.letters;
        let left = letters.split_off(replies.len().min(letters.len()));
        let Some(first) = letters.first() else {
            return;
        };
        let domain = domain_of(&first.letter.email).to_string();
        let run = Run {
            sent: letters.len(),
            left,
            took: through.took,
            is_trouble,
        };
        let back = self.lanes.ended(&domain, run, self.now);
        self.give_back(back.into_iter());
        let ended = letters.into_iter().zip(replies);
        self.ended
            .extend(ended.map(|(letter, reply)| letter.ended(reply)));
        if self.look == Look::AfterOne {
            self.look = Look::Now;
        }
    }

    fn give_back_old(&mut self) {
        let old = self
            .lanes
            .drain(|letter| letter.leased.micros() > BEGUN_WITHIN);
        self.give_back(old.into_iter().map(|letter| (letter, None)));
    }

    fn give_back(&mut self, letters: impl Iterator<Item = (Written, Option<Moment>)>) {
        self.ended.extend(letters.map(|(letter, until)| Ended {
            letter: letter.letter,
            sent: None,
            end: End::GivenBack(until),
        }));
    }

    fn look_for_due(&mut self) {
        let held = self.lanes.held() + self.ended.len();
        if self.look != Look::Now || self.taking.is_some() || held + BATCH > HELD {
            return;
        }
        let store = self.store.clone();
        self.taking = Some(tokio::spawn(blocking(move || {
            let now = store.now()?;
            let due = store.read(|conn| store::letter::due(conn, now, LOOKED_AT))?;
            Ok(Taken::Due(now, due))
        })));
    }

    fn taken(&mut self, taken: Result<Result<Taken>, JoinError>) -> Result<Delivered> {
        let mut done = Delivered::default();
        match taken.map_err(broken)?? {
            Taken::Due(now, due) => {
                self.now = now;
                let choice = self.lanes.choose(&due, now, BATCH);
                if choice.take.is_empty() && choice.put_off.is_empty() {
                    self.nothing_found(choice.is_full);
                } else {
                    done.put_off = u32::try_from(choice.put_off.len()).unwrap_or(u32::MAX);
                    self.lease(choice);
                }
            }
            Taken::Leased(leased) => {
                if leased.is_empty {
                    // Another engine was faster, and looks for the next as well.
                    self.nothing_found(false);
                }
                self.ended.extend(leased.over);
                for letter in leased.written {
                    let domain = domain_of(&letter.letter.email).to_string();
                    self.lanes.push(&domain, letter);
                }
            }
        }
        Ok(done)
    }

    fn nothing_found(&mut self, is_full: bool) {
        if self.look == Look::Now {
            self.look = if is_full { Look::AfterOne } else { Look::Later };
        }
    }

    fn lease(&mut self, choice: Choice) {
        let (store, sender) = (self.store.clone(), Arc::clone(&self.sender));
        self.taking = Some(tokio::spawn(blocking(move || {
            let leased = Stopwatch::start();
            let is_empty = choice.take.is_empty();
            let (now, letters, key) = store.write(Actor::Engine, move |tx| {
                store::letter::put_off(tx, &choice.put_off)?;
                let letters = store::letter::take(tx, &choice.take)?;
                Ok((tx.now(), letters, store::link::key_or_new(tx)?))
            })?;
            let is_empty = !is_empty && letters.is_empty();
            let (standing, webhooks) = store.read(|conn| {
                let standing = store::letter::standing(conn, &letters)?;
                let to_webhooks = letters.iter().any(|letter| letter.webhook().is_some());
                let webhooks = match to_webhooks {
                    true => store::webhook::all(conn)?,
                    false => Vec::new(),
                };
                Ok((standing, webhooks))
            })?;
            let mut done = Leased::of(letters, &standing, &webhooks, (&sender, &key), now, leased);
            done.is_empty = is_empty;
            Ok(Taken::Leased(done))
        })));
    }

    fn settle(&mut self) {
        if self.settling.is_some() || self.ended.is_empty() {
            return;
        }
        let (store, ended) = (self.store.clone(), std::mem::take(&mut self.ended));
        self.settling = Some(tokio::task::spawn_blocking(move || {
            settle::settle(&store, ended)
        }));
    }

    fn settled(
        &mut self,
        settled: Result<(Vec<Ended>, Result<Delivered>), JoinError>,
    ) -> Result<Delivered> {
        let (left, settled) = settled.map_err(broken)?;
        self.ended.extend(left);
        settled
    }
}

/// Hands letters to one domain over, one after the other, as long as each can be through before its lease
/// ends; or one to a webhook.
async fn send(sender: &Sender, letters: &[Written], replies: &mut Vec<Reply>) {
    let mails: Vec<_> = letters.iter().map_while(Written::mail).collect();
    let in_time = |place: usize| letters[place].leased.micros() <= BEGUN_WITHIN;
    let through = |delivery| replies.push(Reply::from(delivery));
    sender.outlet.send_in_turn(&mails, in_time, through).await;
    if let Some(Outbound::Hook(posting)) = letters.first().map(|letter| &letter.outbound) {
        replies.push(post(sender, posting).await);
    }
}

async fn post(sender: &Sender, posting: &Arc<Posting>) -> Reply {
    if sender.hooks.is_as_mail() {
        return Reply::from(sender.outlet.send(&posting.as_mail()).await);
    }
    let (hooks, posting) = (sender.hooks.clone(), Arc::clone(posting));
    let posted = tokio::task::spawn_blocking(move || {
        hooks.post(&posting.webhook, &posting.parcel, posting.at)
    });
    posted.await.unwrap_or_else(|error| {
        Reply::from(Delivery::InDoubt {
            error: format!("posting it broke down: {error}"),
        })
    })
}

fn broken(error: JoinError) -> Error {
    Error::Unexpected(anyhow::anyhow!("the delivery broke down: {error}"))
}

/// Waits for work that was begun, and for ever when none was.
async fn done<T>(work: &mut Option<JoinHandle<T>>) -> Result<T, JoinError> {
    match work {
        Some(handle) => {
            let done = handle.await;
            *work = None;
            done
        }
        None => pending().await,
    }
}
