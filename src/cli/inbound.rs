//! `redress inbound`: one message on standard input, from a pipe of any mail server.

use std::io::Read;

use anyhow::Context;

use crate::actions::received::{Taken, receive};
use crate::config::Config;
use crate::domain::received::Verdict;
use crate::error::Error;
use crate::mail::inbound::take_in;
use crate::store::Store;
use crate::time::TimeSource;

/// What the exit codes mean, for `--help`.
pub(super) const EXIT_CODES: &str = "\
Exit codes, as mail servers know them (sysexits.h):
  0   the message is kept, whatever it is taken for, or was kept before
  65  the message is refused: too large or too intricate to be read; do not bring it again
  75  the database is not there, or not of this version; bring the message again later
  2   wrong usage or a wrong setting";

/// Try again later (EX_TEMPFAIL).
const LATER: u8 = 75;
/// The message is at fault (EX_DATAERR).
const AT_FAULT: u8 = 65;

/// The message is not kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotKept {
    /// Not now.
    #[error("the message is not kept, to be brought again later: {0}")]
    Now(String),
    /// Never.
    #[error("the message is refused: {0}")]
    Ever(String),
}

impl NotKept {
    /// The exit code that says so.
    pub(super) fn code(&self) -> u8 {
        match self {
            NotKept::Now(_) => LATER,
            NotKept::Ever(_) => AT_FAULT,
        }
    }
}

/// Takes in one message.
pub(super) fn run(config: &Config, input: impl Read) -> anyhow::Result<()> {
    let later = |error: anyhow::Error| NotKept::Now(format!("{error:#}"));
    let arrived = take_in(input).context("it cannot be read").map_err(later)?;
    let (size, sha256) = (arrived.size, arrived.sha256.clone());
    let refused = arrived.refused.clone();
    if let Some(excess) = &refused {
        tracing::warn!(size, sha256, reason = excess, "a message is refused");
    }
    let taken = kept(config, arrived);
    if let Some(excess) = refused {
        // Whether it could be noted or not: it will be no better another time.
        if let Err(error) = taken {
            tracing::error!(%error, "that a message was refused could not be kept");
        }
        return Err(NotKept::Ever(excess).into());
    }
    match taken.map_err(later)? {
        Taken::Known => {
            tracing::info!(size, sha256, "a message came again and counts once");
            println!("kept before");
        }
        Taken::Kept {
            verdict,
            reason,
            incident,
            seq,
        } => {
            let incident = incident.map(|id| id.reference()).unwrap_or_default();
            tracing::info!(size, sha256, %verdict, reason, incident, seq, "a message is kept");
            let about = if verdict == Verdict::Unplaced {
                ""
            } else {
                &incident
            };
            println!("kept as {verdict} {about}");
        }
    }
    Ok(())
}

fn kept(config: &Config, arrived: crate::domain::received::Arrived) -> anyhow::Result<Taken> {
    let store = Store::open(&config.database_url, TimeSource::Machine)?;
    anyhow::ensure!(
        !store.needs_migration()?,
        "the database has another version; run redress migrate"
    );
    receive(&store, &config.reception, arrived).map_err(|error| match error {
        Error::Unexpected(error) => error,
        other => anyhow::Error::from(other),
    })
}
