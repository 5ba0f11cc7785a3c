//! What time may do: one function for each deed, each a transaction.
//!
//! An activation takes no input: [`tick::tick`] reads what is due and makes it so, [`deliver::deliver`]
//! sends what waits. The same code serves the good day and the day after a crash; a poke after an
//! action only shortens the wait.

pub mod deliver;
pub mod routines;
pub mod tick;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;

use crate::error::{Error, Result};
use crate::metrics::Metrics;
use crate::store::{self, Store};
use crate::time::{Micros, Moment, SECOND};
use deliver::Sender;

/// How long the loop sleeps at most: other machines may have brought work.
const LONGEST_WAIT: Micros = SECOND;
/// How long it waits after an error before it tries again.
const AFTER_ERROR: Duration = Duration::from_secs(2);

/// What the engine did and how it stands, for `/readyz`, `/metrics` and the pages.
#[derive(Debug, Default)]
pub struct Health {
    /// Microseconds since 1970 when a round ended last; 0 before the first.
    last_round: AtomicI64,
    rounds: AtomicU64,
    errors: AtomicU64,
    breaches: AtomicU64,
    steps: AtomicU64,
    letters_sent: AtomicU64,
    letters_failed: AtomicU64,
}

/// The figures of [`Health`] at one moment.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Figures {
    /// When a round of the loop ended last.
    pub last_round: Option<Moment>,
    /// Rounds since the start.
    pub rounds: u64,
    /// Rounds that ended with an error.
    pub errors: u64,
    /// Breaches entered.
    pub breaches: u64,
    /// Steps taken.
    pub steps: u64,
    /// Letters sent.
    pub letters_sent: u64,
    /// Letters that failed for good.
    pub letters_failed: u64,
}

impl Health {
    /// The figures now.
    pub fn figures(&self) -> Figures {
        let last = self.last_round.load(Ordering::Relaxed);
        Figures {
            last_round: (last != 0).then(|| Moment::from_micros(last)),
            rounds: self.rounds.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
            breaches: self.breaches.load(Ordering::Relaxed),
            steps: self.steps.load(Ordering::Relaxed),
            letters_sent: self.letters_sent.load(Ordering::Relaxed),
            letters_failed: self.letters_failed.load(Ordering::Relaxed),
        }
    }
}

/// Shows the engine's figures in `/metrics`.
pub fn show(metrics: &Metrics, store: &Store, health: &Arc<Health>) {
    let figures: [(&'static str, &'static str, fn(&Figures) -> u64); 6] = [
        (
            "redress_engine_rounds",
            "Rounds of the engine since the start",
            |figures| figures.rounds,
        ),
        (
            "redress_engine_errors",
            "Rounds of the engine that ended with an error",
            |figures| figures.errors,
        ),
        (
            "redress_breaches_entered",
            "Breaches entered since the start",
            |figures| figures.breaches,
        ),
        (
            "redress_steps_taken",
            "Steps of ladders taken since the start",
            |figures| figures.steps,
        ),
        (
            "redress_letters_sent",
            "Letters sent since the start",
            |figures| figures.letters_sent,
        ),
        (
            "redress_letters_failed",
            "Letters that failed for good since the start",
            |figures| figures.letters_failed,
        ),
    ];
    for (name, help, figure) in figures {
        let health = Arc::clone(health);
        metrics.gauge(name, "", help, move || {
            Some(figure(&health.figures()) as f64)
        });
    }
    let oldest: [(
        &'static str,
        &'static str,
        fn(&mut store::Conn) -> Result<Option<Moment>>,
    ); 2] = [
        (
            "redress_oldest_due_clock_seconds",
            "How long the oldest due clock has waited",
            store::clock::next_timer,
        ),
        (
            "redress_oldest_due_letter_seconds",
            "How long the oldest due letter has waited",
            store::letter::next_due,
        ),
    ];
    for (name, help, next) in oldest {
        let store = store.clone();
        metrics.gauge(name, "", help, move || {
            let now = store.now().ok()?;
            let due = store.read(next).ok()?;
            Some(due.map_or(0.0, |due| (now - due).max(0) as f64 / SECOND as f64))
        });
    }
}

/// A due clock or letter that is older than this means that the engine does not keep up.
const OVERDUE: Micros = 60 * SECOND;

/// The check of the engine for `/readyz`: how long the oldest due clock and letter have waited.
pub fn check(
    store: Store,
    health: Arc<Health>,
) -> impl Fn() -> Result<String, String> + Send + Sync + 'static {
    move || {
        let waits = || -> Result<(Micros, Micros)> {
            let now = store.now()?;
            let (timer, letter) = store.read(|conn| {
                Ok((
                    store::clock::next_timer(conn)?,
                    store::letter::next_due(conn)?,
                ))
            })?;
            let wait = |due: Option<Moment>| due.map_or(0, |due| (now - due).max(0));
            Ok((wait(timer), wait(letter)))
        };
        let (timer, letter) = waits().map_err(|_| "the database does not answer".to_string())?;
        let rounds = health.figures().rounds;
        let found = format!(
            "{rounds} rounds; the oldest due clock waits {} s, the oldest due letter {} s",
            timer / SECOND,
            letter / SECOND
        );
        if timer.max(letter) > OVERDUE {
            Err(found)
        } else {
            Ok(found)
        }
    }
}

/// Runs the engine until it is told to stop; finishes the round it is in.
pub async fn run(
    store: Store,
    sender: Arc<Sender>,
    health: Arc<Health>,
    mut stop: watch::Receiver<bool>,
) {
    let delivery = tokio::spawn(deliver_loop(
        store.clone(),
        sender,
        Arc::clone(&health),
        stop.clone(),
    ));
    while !*stop.borrow() {
        let wait = match round(&store, &health).await {
            Ok(wait) => wait,
            Err(error) => {
                health.errors.fetch_add(1, Ordering::Relaxed);
                tracing::error!(%error, "a round of the engine failed; it is tried again");
                AFTER_ERROR
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = store.poked() => {}
            _ = stop.changed() => {}
        }
    }
    if let Err(error) = delivery.await {
        tracing::error!(%error, "the delivery of letters ended badly");
    }
}

/// One round: everything that is due, then how long nothing will be.
async fn round(store: &Store, health: &Health) -> Result<Duration> {
    let ticking = store.clone();
    let (ticked, wait) = blocking(move || {
        let ticked = tick::tick(&ticking)?;
        let ran = routines::run_due(&ticking)?;
        if ran.reports > 0 {
            tracing::info!(reports = ran.reports, "reports were queued");
        }
        let ran = routines::run_due(&ticking)?;
        if ran.reports > 0 {
            tracing::info!(reports = ran.reports, "reports were queued");
        }
        let now = ticking.now()?;
        let next = ticking.read(|conn| {
            let timer = store::clock::next_timer(conn)?;
            let routine = routines::next_due(conn)?;
            Ok([timer, routine].into_iter().flatten().min())
        })?;
        Ok((ticked, until(now, next)))
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
) {
    while !*stop.borrow() {
        let wait = match deliver::deliver(&store, &sender).await {
            Ok(delivered) => {
                health
                    .letters_sent
                    .fetch_add(u64::from(delivered.sent), Ordering::Relaxed);
                health
                    .letters_failed
                    .fetch_add(u64::from(delivered.failed), Ordering::Relaxed);
                let waiting = store.clone();
                let next = blocking(move || {
                    let now = waiting.now()?;
                    let next = waiting.read(store::letter::next_due)?;
                    Ok(until(now, next))
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
            _ = stop.changed() => {}
        }
    }
}

fn until(now: Moment, next: Option<Moment>) -> Duration {
    let wait = next.map_or(LONGEST_WAIT, |next| (next - now).clamp(0, LONGEST_WAIT));
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
