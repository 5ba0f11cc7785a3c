//! `redress templates`: the letters' templates that are compiled in, as files to begin one's own with.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::Subcommand;

use crate::error::Error;
use crate::mail::templates::built_in;

/// What can be done.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Write the templates that are compiled in to a folder, to begin one's own with; nothing is replaced
    Write {
        /// The folder; made if there is none
        folder: PathBuf,
        /// Letters to write, such as raised or breached, and _parts for what they share; all when left out
        letters: Vec<String>,
    },
}

pub(super) fn run(command: Command) -> anyhow::Result<()> {
    let Command::Write { folder, letters } = command;
    let folders = || {
        built_in()
            .iter()
            .filter_map(|(name, _)| name.split('/').next())
    };
    if let Some(unknown) = letters
        .iter()
        .find(|letter| !folders().any(|known| known == *letter))
    {
        let mut known: Vec<&str> = folders().collect();
        known.dedup();
        return Err(Error::field(
            "letters",
            format!(
                "no letter is called {unknown}; the letters are {}",
                known.join(", ")
            ),
        )
        .into());
    }
    let wanted = |name: &str| {
        let letter = name.split('/').next();
        letters.is_empty() || letters.iter().any(|wanted| Some(wanted.as_str()) == letter)
    };
    let files: Vec<_> = built_in()
        .iter()
        .filter(|(name, _)| wanted(name))
        .map(|(name, source)| (folder.join(name), source))
        .collect();
    // Somebody may have worked on it for days.
    if let Some((path, _)) = files.iter().find(|(path, _)| path.exists()) {
        return Err(Error::field("folder", format!("{} is there already", path.display())).into());
    }
    for (path, source) in &files {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)
                .with_context(|| format!("cannot make the folder {}", parent.display()))?;
        }
        fs::write(path, source)
            .with_context(|| format!("cannot write the file {}", path.display()))?;
    }
    println!(
        "Wrote {} files to {}. Keep those you change and remove the rest, so that they go on with this program; name the folder by --mail-templates, and look at it with redress check.",
        files.len(),
        folder.display()
    );
    Ok(())
}
