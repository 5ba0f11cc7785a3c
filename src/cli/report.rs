//! `redress report`: the breach report of a period to a file.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args as ClapArgs;

use super::open;
use crate::config::Config;
use crate::domain::input::Faults;
use crate::error::{Error, Result};
use crate::report::{self, Asked, Report};
use crate::store::Store;
use crate::web::pages::report::document;

/// What is asked for.
#[derive(ClapArgs, Clone, Debug, Default)]
pub struct Args {
    /// The period: 2026-10, 2026-Q4, 2026, or 2026-10-05..2026-10-19 (without the last date)
    #[arg(long)]
    pub period: String,
    /// The vendor by name, reference (V-7) or key; all when it is left out
    #[arg(long)]
    pub vendor: Option<String>,
    /// html, csv or json
    #[arg(long, default_value = "html")]
    pub format: String,
    /// The file to write; standard output when it is left out
    #[arg(long)]
    pub out: Option<PathBuf>,
}

#[derive(Clone, Copy)]
enum Format {
    Html,
    Csv,
    Json,
}

const FORMATS: &[(&str, Format)] = &[
    ("html", Format::Html),
    ("csv", Format::Csv),
    ("json", Format::Json),
];

pub(super) fn run(config: &Config, args: &Args) -> anyhow::Result<()> {
    let store = open(config)?;
    let mut made = Vec::new();
    // Nothing is written, and no file is touched, unless the whole report could be made.
    write(&store, args, config.published_url(), &mut made)?;
    match &args.out {
        Some(path) => {
            let file = File::create(path)
                .with_context(|| format!("cannot write the file {}", path.display()))?;
            let mut file = BufWriter::new(file);
            file.write_all(&made)
                .and_then(|()| file.flush())
                .with_context(|| format!("cannot write the file {}", path.display()))?;
        }
        None => std::io::stdout()
            .lock()
            .write_all(&made)
            .context("cannot write to standard output")?,
    }
    Ok(())
}

/// Writes the report that is asked for, as of now. The links of HTML lead to the service at `base`;
/// there are none without it.
///
/// # Errors
/// Every fault at its field: `period`, `vendor`, `format`; and when the output cannot be written.
pub fn write(store: &Store, args: &Args, base: Option<String>, output: impl Write) -> Result<()> {
    let mut faults = Faults::none();
    let format = faults.take("format", format(&args.format));
    let asked = Asked {
        period: Some(args.period.clone()),
        vendor: args.vendor.clone(),
        ..Asked::default()
    };
    let now = store.now()?;
    let made = store.read(|conn| {
        let ask = match asked.read(conn, None) {
            Err(Error::Invalid(more)) => {
                faults.extend("", more);
                return Ok(None);
            }
            other => other?,
        };
        report::figures(conn, &ask, now).map(Some)
    })?;
    match (format, made) {
        (Some(format), Some(report)) => write_as(format, &report, base, output),
        _ => Err(Error::Invalid(faults.into_vec())),
    }
}

fn write_as(
    format: Format,
    report: &Report,
    base: Option<String>,
    mut output: impl Write,
) -> Result<()> {
    match format {
        Format::Html => {
            let page = document(report, base)?;
            output
                .write_all(page.as_bytes())
                .context("the report could not be written")?;
            Ok(())
        }
        Format::Csv => report::write_csv(report, output),
        Format::Json => {
            serde_json::to_writer_pretty(&mut output, report)
                .context("the report could not be written")?;
            output
                .write_all(b"\n")
                .context("the report could not be written")?;
            Ok(())
        }
    }
}

fn format(text: &str) -> std::result::Result<Format, String> {
    let known = FORMATS.iter().find(|(name, _)| *name == text);
    known.map(|(_, format)| *format).ok_or_else(|| {
        let names: Vec<&str> = FORMATS.iter().map(|(name, _)| *name).collect();
        format!(
            "\"{text}\" is not a form this report comes in; use one of {}",
            names.join(", ")
        )
    })
}
