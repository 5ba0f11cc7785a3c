//! The mailbox that replies come to, looked after on a thread of its own, so that a server that is dead,
//! slow or silent holds nobody up.
//!
//! A message is marked in the mailbox only once it is kept; one that is met twice counts once. So several
//! nodes may look after the same mailbox, and a thread that dies in the middle loses nothing.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;

use crate::actions::received::{Reception, Taken, receive};
use crate::domain::received::{Arrived, MOST_BYTES};
use crate::error::Error;
use crate::mail::inbound::{arrived, not_fetched};
use crate::mail::mailbox::{Address, Lying, Mailbox, Patience};
use crate::mail::outlet::Authorities;
use crate::metrics::Metrics;
use crate::store::Store;
use crate::time::{Micros, SECOND, Stopwatch};

/// The first wait after something went wrong; it doubles.
const FIRST_WAIT: Duration = Duration::from_secs(5);
/// The longest such wait.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// A message that could not be fetched so often is given up.
const MOST_TRIES: u32 = 3;

/// How the looking after goes; copies share it.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    taken: Arc<AtomicU64>,
    failed: Arc<AtomicU64>,
    looked: Arc<Mutex<Option<Stopwatch>>>,
}

impl Standing {
    /// Microseconds since the mailbox was last looked into, or since the start; none before that.
    pub fn silence(&self) -> Option<Micros> {
        let looked = *self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        looked.map(Stopwatch::micros)
    }

    /// How often something went wrong.
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    fn begin(&self) {
        *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = Some(Stopwatch::start());
    }

    /// Shows it in `/metrics`.
    pub fn show(&self, metrics: &Metrics) {
        let of = self.clone();
        metrics.gauge(
            "redress_mailbox_silence_seconds",
            "",
            "How long the mailbox for replies was not looked into",
            move || of.silence().map(|silence| silence as f64 / SECOND as f64),
        );
        let of = self.clone();
        metrics.gauge(
            "redress_mailbox_errors",
            "",
            "How often the mailbox for replies could not be read since the start",
            move || Some(of.failed() as f64),
        );
        let of = self.clone();
        metrics.gauge(
            "redress_mailbox_messages",
            "",
            "Messages taken from the mailbox for replies since the start",
            move || Some(of.taken.load(Ordering::Relaxed) as f64),
        );
    }
}

/// What is needed to look after a mailbox.
#[derive(Clone, Debug)]
pub struct Postbox {
    /// Where it is.
    pub address: Address,
    /// Whom its certificate may come from besides those the system trusts.
    pub authorities: Authorities,
    /// How long is waited.
    pub patience: Patience,
    /// What is to be known to take messages in.
    pub reception: Reception,
    /// How it goes.
    pub standing: Standing,
}

/// What went wrong.
#[derive(Debug)]
enum Trouble {
    /// At the mailbox's server.
    Server(String),
    /// At the database.
    Database(Error),
}

impl From<String> for Trouble {
    fn from(said: String) -> Self {
        Trouble::Server(said)
    }
}

impl Postbox {
    /// Looks after the mailbox on a thread of its own until it is told to stop.
    ///
    /// # Errors
    /// When the machine gives no thread.
    pub fn start(self, store: Store, stopped: watch::Receiver<bool>) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        std::thread::Builder::new()
            .name("postbox".to_string())
            .spawn(move || runtime.block_on(self.run(&store, stopped)))?;
        Ok(())
    }

    async fn run(&self, store: &Store, mut stopped: watch::Receiver<bool>) {
        let mut tries = HashMap::new();
        let mut wait = FIRST_WAIT;
        self.standing.begin();
        loop {
            let before = self.standing.taken.load(Ordering::Relaxed);
            let looking = AssertUnwindSafe(self.session(store, &mut tries)).catch_unwind();
            let ended = tokio::select! {
                ended = looking => ended,
                _ = stopped.changed() => return,
            };
            self.standing.failed.fetch_add(1, Ordering::Relaxed);
            match ended {
                Ok(Trouble::Server(said)) => {
                    tracing::warn!(mailbox = ?self.address, error = said, "the mailbox cannot be read");
                }
                Ok(Trouble::Database(error)) => {
                    tracing::error!(mailbox = ?self.address, %error, "a message cannot be kept now");
                }
                Err(_) => {
                    tracing::error!(mailbox = ?self.address, "reading the mailbox broke down")
                }
            }
            // A session that was of use does not count as one more failure in a row.
            if self.standing.taken.load(Ordering::Relaxed) > before {
                wait = FIRST_WAIT;
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = stopped.changed() => return,
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// One session after the other's end: takes what is new and waits for more, until something goes
    /// wrong.
    async fn session(&self, store: &Store, tries: &mut HashMap<String, u32>) -> Trouble {
        let opened = Mailbox::open(&self.address, &self.authorities, self.patience);
        let mut mailbox = match opened.await {
            Ok(mailbox) => mailbox,
            Err(said) => return Trouble::Server(said),
        };
        loop {
            if let Err(trouble) = self.look(store, &mut mailbox, tries).await {
                return trouble;
            }
            mailbox = match mailbox.news().await {
                Ok(mailbox) => mailbox,
                Err(said) => return Trouble::Server(said),
            };
        }
    }

    /// Opens the mailbox, takes what is new, and is done.
    ///
    /// # Errors
    /// What went wrong, in a sentence; what was taken stays taken.
    pub async fn look_once(&self, store: &Store) -> Result<(), String> {
        let opened = Mailbox::open(&self.address, &self.authorities, self.patience);
        let mut mailbox = opened.await?;
        let mut tries = HashMap::new();
        let looked = self.look(store, &mut mailbox, &mut tries).await;
        looked.map_err(|trouble| match trouble {
            Trouble::Server(said) => said,
            Trouble::Database(error) => error.to_string(),
        })
    }

    async fn look(
        &self,
        store: &Store,
        mailbox: &mut Mailbox,
        tries: &mut HashMap<String, u32>,
    ) -> Result<(), Trouble> {
        for uid in mailbox.unseen().await? {
            let Some(lying) = mailbox.about(uid).await? else {
                continue;
            };
            let tried = tries.entry(lying.identity.clone()).or_default();
            *tried += 1;
            let arrived = if lying.size > MOST_BYTES {
                not_fetched(&lying.identity, lying.size, None, lying.received_at)
            } else if *tried > MOST_TRIES {
                let why = "it could not be fetched from the mailbox";
                not_fetched(&lying.identity, lying.size, Some(why), lying.received_at)
            } else {
                match mailbox.bytes(&lying).await? {
                    Some(bytes) => arrived(bytes, lying.received_at),
                    None => continue,
                }
            };
            self.take(store, &lying, arrived)?;
            mailbox.mark(uid).await?;
            tries.remove(&lying.identity);
        }
        self.standing.begin();
        Ok(())
    }

    fn take(&self, store: &Store, lying: &Lying, arrived: Arrived) -> Result<(), Trouble> {
        let refused = arrived.refused.clone();
        let taken = receive(store, &self.reception, arrived).map_err(Trouble::Database)?;
        self.standing.taken.fetch_add(1, Ordering::Relaxed);
        match (refused, taken) {
            (Some(reason), _) => {
                tracing::warn!(
                    uid = lying.uid,
                    size = lying.size,
                    reason,
                    "a message is refused"
                );
            }
            (None, Taken::Known) => {
                tracing::info!(uid = lying.uid, "a message came again and counts once");
            }
            (
                None,
                Taken::Kept {
                    verdict,
                    reason,
                    incident,
                    seq,
                },
            ) => {
                let incident = incident.map(|id| id.reference());
                tracing::info!(uid = lying.uid, %verdict, reason, incident, seq, "a message is kept");
            }
        }
        Ok(())
    }
}
