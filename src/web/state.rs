//! What handlers know beside the request.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use anyhow::anyhow;
use tracing::Span;

use super::access::Caller;
use super::error::{Answer, Fault};
use super::throttle::Throttle;
use crate::actions::link::Refusal;
use crate::engine::{self, Health};
use crate::error::{Error, Result};
use crate::health::Checks;
use crate::hook::outlet::HookOutlet;
use crate::mail::templates::Templates;
use crate::metrics::{Counter, Metrics};
use crate::store::{Conn, Store, Tx};

/// What handlers know beside the request; copies share it.
#[derive(Clone)]
pub struct State {
    /// What is kept.
    pub store: Store,
    /// What `/readyz` looks at; each part of the service adds its own.
    pub checks: Checks,
    /// What `/metrics` shows; each part of the service adds its own.
    pub metrics: Metrics,
    /// How the engine of this process does.
    pub health: Arc<Health>,
    /// How often signing in was tried.
    pub(super) throttle: Arc<Throttle>,
    /// What became of signed links.
    pub(super) links: Arc<LinkCounts>,
    /// The way to webhooks, for trying one out.
    pub hooks: HookOutlet,
    /// What letters are written by.
    pub templates: Templates,
    public_url: Arc<str>,
    answers: Arc<[Counter; 5]>,
}

impl State {
    /// What a service needs whose pages are reached at `public_url` (scheme and host, no slash at the
    /// end). Checks the database and the engine for `/readyz`.
    pub fn new(store: Store, public_url: &str) -> Self {
        let (checks, metrics) = (Checks::default(), Metrics::default());
        let database = store.clone();
        checks.add("database", move || match database.needs_migration() {
            Ok(false) => Ok("answers and has this version's tables".to_string()),
            Ok(true) => Err("has another version's tables; run redress migrate".to_string()),
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "the database does not answer");
                Err("does not answer; the log says why".to_string())
            }
        });
        let health = Arc::new(Health::default());
        checks.add("engine", engine::check(store.clone(), Arc::clone(&health)));
        checks.add("clock", engine::check_time(Arc::clone(&health)));
        let answers = [1, 2, 3, 4, 5].map(|class| {
            metrics.counter(
                "redress_http_answers_total",
                &format!("status=\"{class}xx\""),
                "Answers to HTTP requests by class of status.",
            )
        });
        let links = LinkCounts::new(&metrics);
        Self {
            store,
            checks,
            metrics,
            health,
            throttle: Arc::default(),
            links: Arc::new(links),
            hooks: HookOutlet::default(),
            templates: Templates::default(),
            public_url: public_url.trim_end_matches('/').into(),
            answers: Arc::new(answers),
        }
    }

    /// Where people reach the service: scheme and host, no slash at the end.
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// Whether people reach it by https, so that cookies must not travel otherwise.
    pub fn is_secure(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    pub(super) fn count_answer(&self, status: u16) {
        let class = usize::from(status / 100).clamp(1, 5) - 1;
        self.answers[class].increase();
    }
}

/// How many signed links were used and refused.
pub(super) struct LinkCounts {
    pub(super) used: Counter,
    refused: Vec<(&'static str, Counter)>,
}

impl LinkCounts {
    fn new(metrics: &Metrics) -> Self {
        let reasons = Refusal::WORDS.into_iter().chain(["throttled"]);
        Self {
            used: metrics.counter(
                "redress_links_used_total",
                "",
                "Answers recorded by signed links of letters.",
            ),
            refused: reasons
                .map(|reason| {
                    let counter = metrics.counter(
                        "redress_links_refused_total",
                        &format!("reason=\"{reason}\""),
                        "Signed links that were refused, by reason.",
                    );
                    (reason, counter)
                })
                .collect(),
        }
    }

    pub(super) fn refused(&self, reason: &str) {
        let found = self.refused.iter().find(|(known, _)| *known == reason);
        if let Some((_, counter)) = found {
            counter.increase();
        }
    }
}

/// How long whoever asks waits for the database: longer than any lock is waited for. What was begun may
/// still end.
const LONGEST: Duration = Duration::from_secs(40);

/// Does work that waits (the database, hashing) where it does not hold up other requests.
pub async fn block<T, F>(work: F) -> Answer<T>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T> + Send + 'static,
{
    let span = Span::current();
    let working = web::block(move || span.in_scope(work));
    tokio::time::timeout(LONGEST, working)
        .await
        .map_err(|_| Error::InDoubt(anyhow!("the database did not answer in time")))?
        .map_err(Fault::interrupted)?
        .map_err(Fault::from)
}

/// Reads from the store.
pub async fn read<T, F>(state: &State, f: F) -> Answer<T>
where
    T: Send + 'static,
    F: FnOnce(&mut Conn) -> Result<T> + Send + 'static,
{
    let store = state.store.clone();
    block(move || store.read(f)).await
}

/// Changes something in the caller's name, in one transaction.
pub async fn act<T, F>(state: &State, caller: &Caller, f: F) -> Answer<T>
where
    T: Send + 'static,
    F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
{
    let (store, actor) = (state.store.clone(), caller.actor());
    block(move || store.write(actor, f)).await
}
