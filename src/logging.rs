//! The log: readable on a terminal, JSON lines otherwise.

use std::io::IsTerminal;

use anyhow::anyhow;
use tracing_subscriber::EnvFilter;

/// Begins to log to standard error; `filter` such as `info` or `redress=debug,warn`.
///
/// # Errors
/// When the filter cannot be read, or logging has begun already.
pub fn start(filter: &str) -> anyhow::Result<()> {
    let filter = parse(filter)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // It would be told on the same standard error, which panics where that cannot be written: a log
        // on a full disk must not end what is logged.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    let begun = if std::io::stderr().is_terminal() {
        builder.with_target(false).try_init()
    } else {
        builder
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .with_ansi(false)
            .try_init()
    };
    begun.map_err(|error| anyhow!("logging could not begin: {error}"))
}

/// Reads a filter, as the settings are checked before anything begins.
///
/// # Errors
/// When the filter cannot be read.
pub fn parse(filter: &str) -> anyhow::Result<EnvFilter> {
    EnvFilter::builder().parse(filter).map_err(|error| {
        anyhow!("\"{filter}\" is no log filter ({error}); write info, debug or redress=debug,warn")
    })
}
