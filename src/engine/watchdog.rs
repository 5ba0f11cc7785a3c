//! Apart from the loops: one that breaks down is started again, one that gets nowhere gets company.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Health;
use crate::time::{MINUTE, Micros, SECOND, Stopwatch};

/// A loop of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loop {
    /// Does what is due: clocks, reports, anchors.
    Clocks,
    /// Sends letters.
    Letters,
}

impl Loop {
    /// All of them.
    pub const ALL: [Loop; 2] = [Loop::Clocks, Loop::Letters];

    /// As logs and figures name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Loop::Clocks => "clocks",
            Loop::Letters => "letters",
        }
    }
}

/// Signs of life of one loop.
#[derive(Debug)]
pub struct Pulse {
    since: Stopwatch,
    /// Microseconds on `since` at the last sign of life.
    last: AtomicI64,
    /// It does something that may take as long as it likes.
    is_excused: AtomicBool,
    is_stuck: AtomicBool,
    restarts: AtomicU64,
}

impl Default for Pulse {
    fn default() -> Self {
        Self {
            since: Stopwatch::start(),
            last: AtomicI64::new(0),
            is_excused: AtomicBool::new(false),
            is_stuck: AtomicBool::new(false),
            restarts: AtomicU64::new(0),
        }
    }
}

impl Pulse {
    /// The loop gets on.
    pub(super) fn beat(&self) {
        self.last.store(self.since.micros(), Ordering::Relaxed);
        self.is_excused.store(false, Ordering::Relaxed);
    }

    /// What comes next may take as long as it likes; the next sign of life ends that.
    pub(super) fn excuse(&self) {
        self.is_excused.store(true, Ordering::Relaxed);
    }

    /// How long there has been no sign of life, in microseconds.
    pub fn silence(&self) -> Micros {
        if self.is_excused.load(Ordering::Relaxed) {
            return 0;
        }
        (self.since.micros() - self.last.load(Ordering::Relaxed)).max(0)
    }

    /// Whether it got nowhere for too long and still does not.
    pub fn is_stuck(&self) -> bool {
        self.is_stuck.load(Ordering::Relaxed)
    }

    /// How often it was started again, after it broke down or got stuck.
    pub fn restarts(&self) -> u64 {
        self.restarts.load(Ordering::Relaxed)
    }
}

/// With which a loop shows that it lives, and learns that it is not wanted any more.
#[derive(Clone, Debug)]
pub(super) struct Token {
    health: Arc<Health>,
    of: Loop,
    is_left: Arc<AtomicBool>,
    stop: watch::Receiver<bool>,
}

impl Token {
    /// Shows that the loop gets on; says whether it is to go on.
    pub(super) fn goes_on(&self) -> bool {
        let is_left = self.is_left.load(Ordering::Relaxed);
        // Whoever was given up must not vouch for the one that took its place.
        if !is_left {
            self.health.pulse(self.of).beat();
        }
        !is_left && !is_over(&self.stop)
    }

    /// What comes next may take as long as it likes.
    pub(super) fn excuse(&self) {
        self.health.pulse(self.of).excuse();
    }
}

/// How patient the watchdog is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Without a sign of life for so long a loop is stuck.
    pub(super) silence: Micros,
    /// How often it looks.
    pub(super) look: Duration,
    /// How long it waits before it starts a loop that broke down again.
    pub(super) pause: Duration,
}

impl Patience {
    /// What suits each loop: longer than the longest thing it waits for, which is a lock of the database
    /// (30 s) for clocks, and for letters the lease, within which each must be sent.
    pub(super) fn of(this: Loop) -> Self {
        Self {
            silence: match this {
                Loop::Clocks => 2 * MINUTE,
                Loop::Letters => 2 * crate::domain::outbox::LEASE,
            },
            look: Duration::from_micros(SECOND.unsigned_abs()),
            pause: Duration::from_secs(1),
        }
    }
}

/// A thread that is stuck cannot be ended, so each may cost a connection: after so many in a row that got
/// nowhere there is no point in one more.
const MOST_IN_VAIN: u32 = 3;

/// Keeps a loop running until it is told to stop. One that panics is started again. One that is stuck is
/// given up, and another started beside it: what it waits for may be its alone, such as an answer on a
/// dead connection. Both may then do the same work, which the locks and unique keys of the database make
/// harmless; the one that was given up ends as soon as it comes back.
pub(super) async fn keep<F>(
    health: &Arc<Health>,
    of: Loop,
    patience: Patience,
    stop: watch::Receiver<bool>,
    start: impl Fn(Token) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let pulse = health.pulse(of);
    let mut stopped = stop.clone();
    let mut in_vain = 0;
    while !is_over(&stop) {
        let token = Token {
            health: Arc::clone(health),
            of,
            is_left: Arc::default(),
            stop: stop.clone(),
        };
        let is_left = Arc::clone(&token.is_left);
        pulse.beat();
        let mut task = tokio::spawn(start(token));
        match watch_over(&mut task, pulse, patience, &mut in_vain, &stop).await {
            Seen::Ended => return,
            Seen::BrokeDown(panic) => {
                tracing::error!(
                    of = of.as_str(),
                    error = panic,
                    "a loop of the engine broke down; it is started again"
                );
            }
            Seen::Stuck(silence) => {
                tracing::error!(
                    of = of.as_str(),
                    seconds = silence / SECOND,
                    in_vain,
                    "a loop of the engine is stuck; another is started beside it"
                );
                is_left.store(true, Ordering::Relaxed);
                task.abort();
                in_vain += 1;
            }
        }
        pulse.restarts.fetch_add(1, Ordering::Relaxed);
        tokio::select! {
            () = tokio::time::sleep(patience.pause) => {}
            _ = stopped.wait_for(|stop| *stop) => {}
        }
    }
}

/// Whether the service ends; also when nobody is left to say so.
fn is_over(stop: &watch::Receiver<bool>) -> bool {
    *stop.borrow() || stop.has_changed().is_err()
}

enum Seen {
    /// As it was told.
    Ended,
    BrokeDown(String),
    /// Without a sign of life for so long.
    Stuck(Micros),
}

async fn watch_over(
    task: &mut JoinHandle<()>,
    pulse: &Pulse,
    patience: Patience,
    in_vain: &mut u32,
    stop: &watch::Receiver<bool>,
) -> Seen {
    let started = Stopwatch::start();
    loop {
        tokio::select! {
            ended = &mut *task => return match ended {
                Ok(()) => Seen::Ended,
                Err(panic) => Seen::BrokeDown(panic.to_string()),
            },
            () = tokio::time::sleep(patience.look) => {}
        }
        let silence = pulse.silence();
        if silence < patience.silence {
            // It has outlived what the one before it was stuck in.
            if started.micros() > patience.silence {
                *in_vain = 0;
                pulse.is_stuck.store(false, Ordering::Relaxed);
            }
            continue;
        }
        let was_stuck = pulse.is_stuck.swap(true, Ordering::Relaxed);
        if *in_vain < MOST_IN_VAIN || is_over(stop) {
            return Seen::Stuck(silence);
        }
        if !was_stuck {
            tracing::error!(
                seconds = silence / SECOND,
                "a loop of the engine is stuck again"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    /// Nothing here waits for longer than it must: what is stuck is so at once.
    const AT_ONCE: Patience = Patience {
        silence: MINUTE,
        look: Duration::from_micros(100),
        pause: Duration::ZERO,
    };
    /// Only to end a test that fails.
    const LONG: Duration = Duration::from_secs(20);

    /// Keeps a loop whose n-th start does what `at` says, until it ends by itself.
    fn kept<F: Future<Output = ()> + Send + 'static>(
        patience: Patience,
        start: impl Fn(u32, Token) -> F,
    ) -> (Arc<Health>, u32) {
        let health = Arc::new(Health::default());
        let (_stop, stopped) = watch::channel(false);
        let starts = AtomicU32::new(0);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let keeping = keep(&health, Loop::Clocks, patience, stopped, |token| {
            start(starts.fetch_add(1, Ordering::Relaxed), token)
        });
        runtime
            .block_on(async { tokio::time::timeout(LONG, keeping).await })
            .expect("the loop did not end");
        (health, starts.into_inner())
    }

    #[test]
    fn a_loop_that_breaks_down_is_started_again_and_counted() {
        let (health, starts) = kept(AT_ONCE, |number, _| async move {
            assert!(number >= 2, "it breaks down twice");
        });
        assert_eq!(starts, 3);
        let pulse = health.pulse(Loop::Clocks);
        assert_eq!((pulse.restarts(), pulse.is_stuck()), (2, false));
    }

    #[test]
    fn a_loop_that_is_stuck_gets_company_and_is_told_to_end() {
        let patience = Patience {
            silence: 0,
            ..AT_ONCE
        };
        let first: Arc<std::sync::Mutex<Option<Token>>> = Arc::default();
        let kept_first = Arc::clone(&first);
        let (health, starts) = kept(patience, move |number, token| {
            let first = Arc::clone(&kept_first);
            async move {
                if number == 0 {
                    *first.lock().unwrap() = Some(token);
                    // As a thread that waits for an answer that never comes.
                    std::future::pending::<()>().await;
                }
            }
        });
        // The second may be taken for stuck, too, before it has ended.
        assert!(starts >= 2);
        assert_eq!(health.pulse(Loop::Clocks).restarts(), u64::from(starts) - 1);
        let first = first.lock().unwrap().take().unwrap();
        assert!(!first.goes_on(), "it is not wanted any more");
    }

    #[test]
    fn one_that_may_take_long_is_not_stuck() {
        let pulse = Pulse::default();
        pulse.excuse();
        assert_eq!(pulse.silence(), 0);
        pulse.beat();
        assert!(pulse.silence() < MINUTE);
    }

    #[test]
    fn where_nobody_gets_on_not_more_than_three_are_given_up() {
        let patience = Patience {
            silence: 0,
            ..AT_ONCE
        };
        let (health, starts) = kept(patience, move |number, token| async move {
            if number < MOST_IN_VAIN {
                std::future::pending::<()>().await;
            }
            // The last is left to itself, however often it is looked at.
            for _ in 0..1000 {
                tokio::task::yield_now().await;
            }
            assert!(token.goes_on(), "it was given up");
        });
        assert_eq!(starts, MOST_IN_VAIN + 1);
        assert!(health.pulse(Loop::Clocks).is_stuck());
    }
}
