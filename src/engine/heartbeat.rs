//! A sign of life to the outside while all is well: when it stays away, somebody else raises the alarm,
//! also when this machine is gone with all that could have said so.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use tokio::sync::watch;
use ureq::Agent;
use url::Url;

use super::{Health, standing};
use crate::store::Store;
use crate::trust;

/// How often it is sent.
pub const EVERY: Duration = Duration::from_secs(60);
/// How long the other side may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What became of the signs of life.
#[derive(Debug, Default)]
pub struct Heartbeats {
    sent: AtomicU64,
    failed: AtomicU64,
    withheld: AtomicU64,
}

impl Heartbeats {
    /// Those that arrived.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Those that could not be sent.
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// Those that were not sent because the engine was not well.
    pub fn withheld(&self) -> u64 {
        self.withheld.load(Ordering::Relaxed)
    }
}

/// Where signs of life go, and how.
#[derive(Clone)]
pub struct Heart {
    url: Url,
    agent: Agent,
}

impl Heart {
    /// Sends them to that address (`http` or `https`) by GET. An answer other than 2xx is a failure, and so
    /// is one that takes over ten seconds.
    pub fn new(url: Url) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .tls_config(trust::of_the_system())
            .user_agent("redress")
            .build();
        Self {
            url,
            agent: config.into(),
        }
    }

    /// Sends one sign of life if all is well; blocks until it has arrived or failed.
    pub fn beat(&self, store: &Store, health: &Health) {
        let faults = match standing(store, health) {
            Ok(standing) => standing.faults(),
            Err(_) => vec!["the database does not answer".to_string()],
        };
        let beats = &health.heartbeats;
        if !faults.is_empty() {
            beats.withheld.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(
                reason = faults.join("; "),
                "no sign of life is sent to the outside"
            );
            return;
        }
        match self.send() {
            Ok(()) => {
                beats.sent.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => {
                beats.failed.fetch_add(1, Ordering::Relaxed);
                // The address may hold a secret: only its host is named.
                tracing::warn!(
                    host = self.url.host_str(),
                    error = format!("{error:#}"),
                    "a sign of life could not be sent to the outside"
                );
            }
        }
    }

    fn send(&self) -> anyhow::Result<()> {
        let sent = self.agent.get(self.url.as_str()).call();
        let status = sent.map_err(without_address)?.status();
        anyhow::ensure!(status.is_success(), "it answered {status}");
        Ok(())
    }
}

/// What went wrong, without the address, which may hold a secret.
fn without_address(error: ureq::Error) -> anyhow::Error {
    match error {
        ureq::Error::Timeout(_) => anyhow::anyhow!("it took too long"),
        ureq::Error::HostNotFound => anyhow::anyhow!("there is no such host"),
        ureq::Error::ConnectionFailed => anyhow::anyhow!("it cannot be reached"),
        ureq::Error::Io(error) => anyhow::Error::new(error).context("the connection failed"),
        ureq::Error::Tls(reason) => anyhow::anyhow!("TLS failed: {reason}"),
        ureq::Error::Rustls(error) => anyhow::Error::new(error).context("TLS failed"),
        _ => anyhow::anyhow!("the exchange failed"),
    }
}

/// Sends signs of life until the service ends; nothing of the engine waits for them.
///
/// # Errors
/// When a sign of life breaks down altogether.
pub async fn run(
    heart: Heart,
    store: Store,
    health: Arc<Health>,
    mut stop: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    loop {
        let (heart, store, health) = (heart.clone(), store.clone(), Arc::clone(&health));
        tokio::task::spawn_blocking(move || heart.beat(&store, &health))
            .await
            .context("the heartbeat broke down")?;
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
        }
    }
}
