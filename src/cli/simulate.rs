//! `redress simulate`: plays a scenario and prints what happens, one JSON object a line.

use std::io::{Read, Write};

use anyhow::Context;
use clap::Args as ClapArgs;

use crate::error::{Error, Result};
use crate::simulate::{self, Happening, MOST_ROUNDS};

/// What is to be played.
#[derive(ClapArgs, Clone, Debug)]
pub struct Args {
    /// The scenario, a JSON file; - reads it from standard input
    pub file: String,
}

/// Each line is written as soon as it happened, so that a long scenario can be watched.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let bytes = read(&args.file)?;
    let mut output = std::io::stdout();
    let mut say = move |happening: Happening| -> Result<()> {
        let line = serde_json::to_string(&happening)?;
        writeln!(output, "{line}")
            .and_then(|()| output.flush())
            .context("cannot write to standard output")?;
        Ok(())
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(simulate::play(&bytes, MOST_ROUNDS, &mut say))?;
    Ok(())
}

fn read(file: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let done = if file == "-" {
        std::io::stdin().lock().read_to_end(&mut bytes).map(drop)
    } else {
        std::fs::read(file).map(|read| bytes = read)
    };
    match done {
        Ok(()) => Ok(bytes),
        Err(error) => Err(Error::field(file, format!("cannot be read: {error}"))),
    }
}
