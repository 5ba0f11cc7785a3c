//! What time may do: one function for each deed, each a transaction.
//!
//! An activation takes no input: [`tick::tick`] reads what is due and makes it so, [`deliver::deliver`]
//! sends what waits. The same code serves the good day and the day after a crash; a poke after an
//! action only shortens the wait.

pub mod anchors;
pub mod deliver;
mod gauges;
mod health;
pub mod heartbeat;
pub mod overwrite;
mod recipient;
pub mod routines;
pub mod tick;
mod time_watch;
mod watchdog;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;

pub use gauges::show;
pub use health::{Figures, Health, Standing, check, check_time, standing};
pub use heartbeat::Heartbeats;
pub use time_watch::TimeWatch;
pub use watchdog::{Loop, Pulse};

use crate::error::{Error, Result};
use crate::store::{self, DatabaseUrl, Listening, Store};
use crate::time::{MILLISECOND, MINUTE, Micros, Moment, SECOND, Stopwatch};
use deliver::{Post, Sender};
use watchdog::{Patience, Token};

/// How long the loops sleep at most on PostgreSQL, where an announcement of another node may be lost.
const LONGEST_SHARED: Micros = SECOND;
/// How long they sleep at most on SQLite, which has one node; the command line may have brought work.
const LONGEST_ALONE: Micros = 30 * SECOND;
/// How long it waits for what another engine holds.
const HELD_ELSEWHERE: Micros = 20 * MILLISECOND;
/// How long it waits after an error before it tries again.
const AFTER_ERROR: Duration = Duration::from_secs(2);
/// How long it waits before it tries again to write the database's file anew, which takes long.
const AFTER_NOT_OVERWRITTEN: Micros = 10 * MINUTE;

/// Runs the engine until it is told to stop; finishes the batches it is in. A loop that breaks down is
/// started again.
pub async fn run(
    store: Store,
    sender: Arc<Sender>,
    health: Arc<Health>,
    stop: watch::Receiver<bool>,
) {
    // Without it the others are still heard of within a second.
    let _listening = store.listen().unwrap_or_else(|error| {
        tracing::error!(error = format!("{error:#}"), "other nodes are not heard");
        Listening::default()
    });
    let clocks = watchdog::keep(
        &health,
        Loop::Clocks,
        Patience::of(Loop::Clocks),
        stop.clone(),
        |token| clock_loop(store.clone(), Arc::clone(&health), stop.clone(), token),
    );
    let letters = watchdog::keep(
        &health,
        Loop::Letters,
        Patience::of(Loop::Letters),
        stop.clone(),
        |token| {
            let (store, sender) = (store.clone(), Arc::clone(&sender));
            deliver_loop(store, sender, Arc::clone(&health), stop.clone(), token)
        },
    );
    let time = time_watch::run(store.clone(), Arc::clone(&health), stop.clone());
    tokio::join!(clocks, letters, time);
}

async fn clock_loop(
    store: Store,
    health: Arc<Health>,
    mut stop: watch::Receiver<bool>,
    token: Token,
) {
    let mut not_overwritten: Option<Stopwatch> = None;
    while token.goes_on() {
        let wait = match round(&store, &health, &token).await {
            Ok(wait) => wait,
            Err(error) => {
                health.errors.fetch_add(1, Ordering::Relaxed);
                tracing::error!(%error, "a round of the engine failed; it is tried again");
                AFTER_ERROR
            }
        };
        if not_overwritten.is_none_or(|failed| failed.micros() >= AFTER_NOT_OVERWRITTEN) {
            not_overwritten = None;
            // A large file takes long, and nothing else can be written meanwhile.
            token.excuse();
            if !overwrite(&store).await {
                health.errors.fetch_add(1, Ordering::Relaxed);
                not_overwritten = Some(Stopwatch::start());
            }
        }
        if !token.goes_on() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = store.poked() => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}

/// Overwrites what was erased; says whether nothing of it is left.
async fn overwrite(store: &Store) -> bool {
    let overwriting = store.clone();
    let begun = Stopwatch::start();
    match blocking(move || overwrite::run_due(&overwriting)).await {
        Ok(true) => {
            let took = begun.micros() / MILLISECOND;
            tracing::info!(
                milliseconds = took,
                "the database's file was written anew after an erasure"
            );
            true
        }
        Ok(false) => true,
        Err(error) => {
            tracing::error!(%error, "erased texts may still lie in the database's file; it is tried again in ten minutes");
            false
        }
    }
}

/// One round: everything that is due, then how long nothing will be.
async fn round(store: &Store, health: &Health, token: &Token) -> Result<Duration> {
    let (ticking, token) = (store.clone(), token.clone());
    let (ticked, wait) = blocking(move || {
        let ticked = tick::tick_while(&ticking, &|| token.goes_on())?;
        if !token.goes_on() {
            return Ok((ticked, Duration::ZERO));
        }
        let ran = routines::run_due(&ticking)?;
        if ran.reports > 0 {
            tracing::info!(reports = ran.reports, "reports were queued");
        }
        let made = anchors::run_due(&ticking)?;
        if made > 0 {
            tracing::info!(anchors = made, "the timelines that changed were anchored");
        }
        let now = ticking.now()?;
        let next = ticking.read(|conn| {
            let timer = store::clock::next_timer(conn)?;
            let routine = routines::next_due(conn)?;
            let anchor = anchors::next_due(conn)?;
            Ok([timer, routine, anchor].into_iter().flatten().min())
        })?;
        Ok((ticked, wait(&ticking, ticked.at, now, next)))
    })
    .await?;
    health.rounds.fetch_add(1, Ordering::Relaxed);
    health
        .breaches
        .fetch_add(u64::from(ticked.followed.breached), Ordering::Relaxed);
    health
        .steps
        .fetch_add(u64::from(ticked.followed.steps), Ordering::Relaxed);
    health
        .last_round
        .store(ticked.at.micros(), Ordering::Relaxed);
    if ticked.incidents > 0 {
        tracing::info!(
            incidents = ticked.incidents,
            breached = ticked.followed.breached,
            steps = ticked.followed.steps,
            letters = ticked.followed.letters,
            "what was due was done"
        );
    }
    Ok(wait)
}

async fn deliver_loop(
    store: Store,
    sender: Arc<Sender>,
    health: Arc<Health>,
    mut stop: watch::Receiver<bool>,
    token: Token,
) {
    let mut post = Post::new(store.clone(), Arc::clone(&sender));
    while token.goes_on() {
        let delivered = AssertUnwindSafe(post.step()).catch_unwind().await;
        let delivered = delivered.unwrap_or_else(|_| {
            // What was on its way goes again when its lease has ended.
            post = Post::new(store.clone(), Arc::clone(&sender));
            Err(Error::Unexpected(anyhow::anyhow!(
                "the delivery broke down"
            )))
        });
        let wait = match delivered {
            // Between one step and the next a signal to stop is heard.
            Ok(Some(delivered)) => {
                health.delivered(&delivered);
                continue;
            }
            Ok(None) => {
                let waiting = store.clone();
                let next = blocking(move || {
                    let now = waiting.now()?;
                    let next = waiting.read(store::letter::next_due)?;
                    Ok(wait(&waiting, now, now, next))
                });
                next.await.unwrap_or(AFTER_ERROR)
            }
            Err(error) => {
                health.errors.fetch_add(1, Ordering::Relaxed);
                tracing::error!(%error, "letters could not be delivered; it is tried again");
                AFTER_ERROR
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = store.letters_poked() => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
    match post.finish().await {
        Ok(delivered) => health.delivered(&delivered),
        Err(error) => {
            tracing::error!(%error, "letters on their way could not be settled; they go again when their lease has ended");
        }
    }
}

/// How long nothing is due. `looked` is the moment up to which everything was done that was free.
fn wait(store: &Store, looked: Moment, now: Moment, next: Option<Moment>) -> Duration {
    let longest = match store.url() {
        DatabaseUrl::Postgres(_) => LONGEST_SHARED,
        DatabaseUrl::Sqlite(_) => LONGEST_ALONE,
    };
    let wait = match next {
        // It was due and was not done: another engine holds it, which will not take long.
        Some(next) if next <= looked => HELD_ELSEWHERE,
        Some(next) => (next - now).clamp(0, longest),
        None => longest,
    };
    Duration::from_micros(wait.unsigned_abs())
}

/// Runs work on the database apart from the threads that serve requests.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(panic) => Err(Error::Unexpected(anyhow::anyhow!(
            "the engine's work ended badly: {panic}"
        ))),
    }
}
