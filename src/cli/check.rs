//! `redress check`: what will not work when it is needed, found before it is. Nothing is changed, and nobody
//! is called.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args as ClapArgs;

use crate::config::{Config, Flags};
use crate::domain::finding::{Finding, Gravity, Subject};
use crate::mail::templates::Templates;
use crate::store::{self, DatabaseUrl, Store};
use crate::time::TimeSource;

mod settings;

/// How it is told.
#[derive(ClapArgs, Clone, Debug, Default)]
pub struct Args {
    /// Print JSON Lines: one object for each finding
    #[arg(long)]
    json: bool,
}

/// Looks and tells; whether there was an error among what was found.
pub(super) fn run(flags: &Flags, args: &Args) -> anyhow::Result<bool> {
    let mut found = look(flags);
    found.sort_by_key(|finding| finding.gravity);
    let mut output = std::io::stdout().lock();
    tell(&found, args.json, &mut output).context("cannot write to standard output")?;
    Ok(found.iter().any(Finding::is_error))
}

/// All that is found.
fn look(flags: &Flags) -> Vec<Finding> {
    let config = match Config::load(flags) {
        Ok(config) => config,
        Err(wrong) => {
            // Without settings there is nothing else to look at.
            return vec![Finding::new(
                Gravity::Error,
                Subject::Settings,
                wrong.setting,
                wrong.reason,
                "set it right and check again",
            )];
        }
    };
    let mut found = settings::findings(&config);
    found.extend(templates(&config));
    found.extend(kept(&config));
    found
}

fn templates(config: &Config) -> Vec<Finding> {
    let Some(folder) = &config.mail_templates else {
        return Vec::new();
    };
    let faults = Templates::read(folder).err().unwrap_or_default();
    let finding = |gravity, place, message, remedy: &str| {
        Finding::new(gravity, Subject::Template, place, message, remedy)
    };
    let mut found: Vec<Finding> = faults
        .into_iter()
        .map(|fault| {
            let remedy = "mend it, or remove the file so that the one compiled in is used";
            finding(Gravity::Error, fault.field, fault.message, remedy)
        })
        .collect();
    found.extend(remote(folder).into_iter().map(|(place, message)| {
        let remedy = "leave it out; letters should need nothing from elsewhere";
        finding(Gravity::Warning, place, message, remedy)
    }));
    found
}

/// The lines of HTML templates that load something: most mail programs do not, and whoever is asked learns
/// who reads.
fn remote(folder: &Path) -> Vec<(String, String)> {
    const SIGNS: [&str; 5] = ["<script", "<link", "<iframe", "src=\"http", "@import"];
    let mut found = Vec::new();
    for path in html_below(folder, DEEPEST) {
        let Ok(source) = std::fs::read_to_string(&path) else {
            continue;
        };
        for (number, line) in source.lines().enumerate() {
            if let Some(sign) = SIGNS.iter().find(|sign| line.contains(*sign)) {
                found.push((
                    format!("{}:{}", path.display(), number + 1),
                    format!("{sign} loads something that mail programs leave out"),
                ));
            }
        }
    }
    found
}

/// Folders of templates within each other.
const DEEPEST: usize = 3;

/// The HTML files of a folder and those below it, so deep, in their order.
fn html_below(folder: &Path, deep: usize) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() && deep > 1 {
            found.extend(html_below(&path, deep - 1));
        } else if path.extension().is_some_and(|ending| ending == "html") {
            found.push(path);
        }
    }
    found
}

/// What is found in the database.
fn kept(config: &Config) -> Vec<Finding> {
    let database = |gravity, message: String, remedy: &str| {
        vec![Finding::new(
            gravity,
            Subject::Database,
            "database_url",
            message,
            remedy,
        )]
    };
    // To look must not make a database.
    if let DatabaseUrl::Sqlite(path) = &config.database_url
        && !Path::new(path).exists()
    {
        return database(
            Gravity::Warning,
            "there is no database yet".to_string(),
            "redress serve makes it at the first start",
        );
    }
    let found = Store::open(&config.database_url, TimeSource::Machine).and_then(|store| {
        if store.needs_migration()? {
            return Ok(database(
                Gravity::Error,
                "it has another version's tables".to_string(),
                "run redress migrate",
            ));
        }
        let now = store.now()?;
        Ok(store.read(|conn| store::finding::all(conn, now))?)
    });
    found.unwrap_or_else(|error| {
        let message = format!("it cannot be read: {error:#}");
        database(
            Gravity::Error,
            message,
            "see that it runs and can be reached",
        )
    })
}

fn tell(found: &[Finding], json: bool, output: &mut impl Write) -> std::io::Result<()> {
    for finding in found {
        if json {
            writeln!(output, "{}", serde_json::json!(finding))?;
            continue;
        }
        let Finding {
            gravity,
            subject,
            place,
            message,
            remedy,
            page,
        } = finding;
        let page = page
            .as_ref()
            .map_or_else(String::new, |page| format!(" ({page})"));
        writeln!(
            output,
            "{gravity:<7}  {subject:<8}  {place}: {message}; {remedy}{page}"
        )?;
    }
    if !json {
        let errors = found.iter().filter(|finding| finding.is_error()).count();
        let warnings = found.len() - errors;
        writeln!(
            output,
            "{}, {}.",
            several(errors, "error"),
            several(warnings, "warning")
        )?;
    }
    output.flush()
}

fn several(count: usize, noun: &str) -> String {
    match count {
        0 => format!("no {noun}"),
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    }
}
