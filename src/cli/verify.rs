//! `redress verify`: walks the chains and says what does not hold.

use std::io::{BufWriter, Write};

use anyhow::{Context, bail};
use clap::Args as ClapArgs;

use crate::config::Config;
use crate::domain::anchor::read_printed;
use crate::error::Error;
use crate::evidence::verify::{Walked, blind_spots, walk};
use crate::store::{self, Store};
use crate::time::TimeSource;

/// What is asked for.
#[derive(ClapArgs, Clone, Debug, Default)]
pub struct Args {
    /// A head of the anchor chain as a letter or report prints it: the whole hash, or its first 12 digits
    /// or more
    #[arg(long, value_name = "HASH")]
    pub anchor: Option<String>,
}

pub(super) fn run(config: &Config, args: &Args) -> anyhow::Result<()> {
    let given = match &args.anchor {
        Some(text) => Some(read_printed(text).map_err(|wrong| Error::field("anchor", wrong))?),
        None => None,
    };
    let store = Store::open(&config.database_url, TimeSource::Machine)?;
    if store.needs_migration()? {
        bail!("the database has another version's tables; run redress migrate");
    }
    let mut output = BufWriter::new(std::io::stdout().lock());
    let walked = walk(&store, given.as_deref(), |fault| {
        writeln!(output, "{fault}").context("cannot write to standard output")?;
        Ok(())
    })?;
    let latest = store.read(store::anchor::latest)?.map(|anchor| anchor.at);
    writeln!(output, "{}", summary(&walked)).context("cannot write to standard output")?;
    for sentence in blind_spots(&walked, latest) {
        writeln!(output, "{sentence}").context("cannot write to standard output")?;
    }
    output.flush().context("cannot write to standard output")?;
    match walked.faults {
        0 => Ok(()),
        1 => bail!("1 fault was found"),
        faults => bail!("{faults} faults were found"),
    }
}

fn summary(walked: &Walked) -> String {
    let Walked {
        incidents,
        events,
        texts,
        files,
        erased,
        anchors,
        ..
    } = walked;
    let found = match walked.faults {
        0 => "no fault".to_string(),
        1 => "1 fault".to_string(),
        faults => format!("{faults} faults"),
    };
    format!(
        "Walked {incidents} incidents, {events} events, {texts} texts, {files} files ({erased} more erased) and {anchors} anchors: {found}."
    )
}
