//! Nodes on one PostgreSQL wake each other: whoever has made something due soon says so, and the others
//! need not wait for the end of their second.
//!
//! The announcement goes out after the commit and on a connection of its own: `pg_notify` inside a
//! transaction would let only one commit at a time (measured: 4 thousand a second instead of 12).

mod link;

use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use self::link::Link;
use super::{DatabaseUrl, Store, clock, letter};
use crate::error::Result;
use crate::time::{Moment, SECOND};

/// At most one announcement in this time.
const GAP: Duration = Duration::from_millis(5);
/// A server that does not answer a command for so long is taken for lost.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it waits before it connects again, twice as long after each failure.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// What others look up by themselves at the latest after this time need not be announced.
const SOON: i64 = SECOND;

/// Other nodes are heard, and told, while this lives.
#[derive(Debug, Default)]
pub struct Listening {
    /// Whoever listens ends when this is dropped.
    _told: Option<oneshot::Sender<()>>,
}

/// What falls due next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Next {
    clock: Option<Moment>,
    letter: Option<Moment>,
}

/// What was said last, of clocks or of letters.
#[derive(Clone, Copy, Debug, Default)]
struct Announced(Option<Moment>);

impl Announced {
    /// Whether others have to be told that this is next: it comes before what they were told of, or that
    /// is over, and they would not look in time by themselves.
    fn needs(&mut self, next: Option<Moment>, now: Moment) -> bool {
        let known = self.0;
        // What was done meanwhile makes room for something later.
        self.0 = next;
        next.is_some_and(|next| {
            next <= now + SOON
                && known != Some(next)
                && known.is_none_or(|known| next < known || known <= now)
        })
    }
}

impl Store {
    /// Begins to hear other nodes on the same PostgreSQL and to tell them; nothing on SQLite, which has
    /// one node.
    ///
    /// A lost connection is opened again. Whatever was missed meanwhile is made up for by a poke.
    ///
    /// # Errors
    /// When there can be no further thread.
    pub fn listen(&self) -> anyhow::Result<Listening> {
        let DatabaseUrl::Postgres(url) = self.url() else {
            return Ok(Listening::default());
        };
        let (told, end) = oneshot::channel();
        let (store, url) = (self.clone(), url.clone());
        // Connecting blocks; nothing else of the service is to wait for it.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        std::thread::Builder::new()
            .name("listener".into())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        _ = end => {}
                        () = keep_listening(&store, &url) => {}
                    }
                });
                store.inner.listens.store(false, Ordering::Relaxed);
                runtime.shutdown_background();
            })
            .context("the listener's thread could not be started")?;
        Ok(Listening { _told: Some(told) })
    }

    /// Whether other nodes are heard just now; none on SQLite.
    pub fn is_listening(&self) -> Option<bool> {
        let is_shared = matches!(self.url(), DatabaseUrl::Postgres(_));
        is_shared.then(|| self.inner.listens.load(Ordering::Relaxed))
    }
}

async fn keep_listening(store: &Store, url: &str) {
    let mut pause = SHORTEST_PAUSE;
    loop {
        let lost = match Link::open(url) {
            Ok(link) => {
                pause = SHORTEST_PAUSE;
                listen(store, link).await
            }
            Err(error) => Err(error),
        };
        store.inner.listens.store(false, Ordering::Relaxed);
        if let Err(error) = lost {
            tracing::warn!(
                error = format!("{error:#}"),
                seconds = pause.as_secs_f32(),
                "other nodes are not heard; it is tried again, and every second they are looked for anyway"
            );
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Hears and tells until the connection is lost.
async fn listen(store: &Store, mut link: Link) -> anyhow::Result<()> {
    tell(&mut link, c"LISTEN redress").await?;
    store.inner.listens.store(true, Ordering::Relaxed);
    // Nobody told us what happened before.
    store.poke_here();
    let mut gap = tokio::time::interval(GAP);
    gap.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut clocks, mut letters) = (Announced::default(), Announced::default());
    let mut is_wanted = false;
    let mut look: Option<JoinHandle<Result<(Moment, Next)>>> = None;
    loop {
        tokio::select! {
            heard = link.heard() => for what in heard? {
                match what.as_str() {
                    "clocks" => store.inner.poke.notify_one(),
                    "letters" => store.inner.poke_letters.notify_one(),
                    _ => store.poke_here(),
                }
            },
            () = store.inner.written.notified(), if !is_wanted => is_wanted = true,
            _ = gap.tick(), if is_wanted && look.is_none() => {
                is_wanted = false;
                let store = store.clone();
                look = Some(tokio::task::spawn_blocking(move || next(&store)));
            }
            looked = ended(&mut look), if look.is_some() => {
                look = None;
                // An error is the engine's to report, which asks the same.
                let Some(Ok((now, next))) = looked else { continue };
                let wakes = (clocks.needs(next.clock, now), letters.needs(next.letter, now));
                match wakes {
                    (true, true) => tell(&mut link, c"NOTIFY redress").await?,
                    (true, false) => tell(&mut link, c"NOTIFY redress, 'clocks'").await?,
                    (false, true) => tell(&mut link, c"NOTIFY redress, 'letters'").await?,
                    (false, false) => {}
                }
            }
        }
    }
}

async fn ended<T>(look: &mut Option<JoinHandle<T>>) -> Option<T> {
    match look {
        Some(look) => look.await.ok(),
        None => None,
    }
}

async fn tell(link: &mut Link, command: &std::ffi::CStr) -> anyhow::Result<()> {
    tokio::time::timeout(PATIENCE, link.execute(command))
        .await
        .context("the database does not answer")?
}

fn next(store: &Store) -> Result<(Moment, Next)> {
    store.read(|conn| {
        let next = Next {
            clock: clock::next_timer(conn)?,
            letter: letter::next_due(conn)?,
        };
        Ok((super::moment(conn, &store.inner.time.source)?, next))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Option<Moment> {
        Some(Moment::from_seconds(second))
    }

    #[test]
    fn only_what_comes_before_the_earliest_announced_is_announced() {
        let now = Moment::from_seconds(100);
        let mut said = Announced::default();
        assert!(said.needs(at(101), now), "nothing was announced before");
        assert!(!said.needs(at(101), now), "it was announced");
        assert!(said.needs(at(100), now), "it comes before");
        assert!(
            said.needs(at(101), now),
            "what was announced has come, and the next is another"
        );
        assert!(!said.needs(None, now));
        assert!(said.needs(at(99), now), "it is overdue");
    }

    #[test]
    fn what_others_find_by_themselves_is_not_announced() {
        let now = Moment::from_seconds(100);
        let mut said = Announced::default();
        assert!(!said.needs(at(102), now));
        assert!(said.needs(at(101), now));
    }
}
