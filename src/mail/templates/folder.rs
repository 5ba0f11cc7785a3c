//! An organisation's folder of templates, read strictly: what is misspelt there would be missed in a letter.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use minijinja::Environment;

use super::super::letters::environment::{RenderError, add, empty};
use super::super::letters::files;
use super::{OWN_FUEL, variables};
use crate::domain::input::FieldError;
use crate::domain::letter::LetterKind;
use crate::domain::locale::Locale;

/// Longest file, in bytes; the longest of those compiled in has a thirtieth of it.
const LONGEST: u64 = 256 * 1024;
/// More files than letters can use.
const MOST: usize = 1_000;
/// The files of a letter.
const FILES: [&str; 3] = ["subject.txt", "body.txt", "body.html"];
/// The folder of parts that letters share.
const PARTS: &str = "_parts";

/// Reads a folder: the names of its templates, and all templates, its own over those compiled in.
///
/// # Errors
/// Every fault of every file, each at its path and line.
pub(super) fn read(
    folder: &Path,
) -> Result<(BTreeSet<String>, Environment<'static>), Vec<FieldError>> {
    let mut faults = Vec::new();
    let mut own = BTreeMap::new();
    if let Err(error) = fs::read_dir(folder) {
        let place = folder.display().to_string();
        return Err(vec![FieldError::new(
            place,
            format!("the folder of templates cannot be read: {error}"),
        )]);
    }
    collect(folder, "", &mut own, &mut faults);
    let at = |wrong: RenderError| fault(folder, &own, &wrong);
    let mut environment = match empty(OWN_FUEL) {
        Ok(environment) => environment,
        Err(wrong) => return Err(vec![at(wrong)]),
    };
    for (name, source) in files::ALL {
        if !own.contains_key(*name)
            && let Err(wrong) = add(&mut environment, name, source)
        {
            faults.push(at(wrong));
        }
    }
    for (name, source) in &own {
        match add(&mut environment, name, source) {
            Err(wrong) => faults.push(at(wrong)),
            Ok(()) => faults.extend(
                looked_over(name, source, &environment, &own)
                    .into_iter()
                    .map(at),
            ),
        }
    }
    if faults.is_empty() {
        Ok((own.into_keys().collect(), environment))
    } else {
        Err(faults)
    }
}

/// A fault of a template as whoever wrote it looks for it.
pub(super) fn fault<T>(
    folder: &Path,
    own: &BTreeMap<String, T>,
    wrong: &RenderError,
) -> FieldError {
    let place = wrong.place();
    let place = if own.contains_key(&wrong.template) {
        folder.join(place).display().to_string()
    } else {
        format!("{place} (compiled in)")
    };
    FieldError::new(place, wrong.reason.clone())
}

/// Collects the files below a folder by their names.
fn collect(
    folder: &Path,
    prefix: &str,
    own: &mut BTreeMap<String, String>,
    faults: &mut Vec<FieldError>,
) {
    let mut note = |path: &Path, wrong: String| {
        faults.push(FieldError::new(path.display().to_string(), wrong));
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return note(folder, format!("cannot be read: {error}")),
    };
    let mut below = Vec::new();
    for entry in entries {
        let path = match entry {
            Ok(entry) => entry.path(),
            Err(error) => {
                note(folder, format!("cannot be read: {error}"));
                continue;
            }
        };
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            note(&path, "its name is not text".to_string());
            continue;
        };
        // Version control and desktops leave such files everywhere.
        if name.starts_with('.') {
            continue;
        }
        let name = format!("{prefix}{name}");
        if own.len() >= MOST {
            return note(folder, format!("holds more than {MOST} files"));
        }
        if path.is_dir() {
            match folder_of(&name) {
                Ok(()) => below.push((path, name)),
                Err(wrong) => note(&path, wrong),
            }
        } else {
            match file_of(&name).and_then(|()| text_of(&path)) {
                Ok(source) => {
                    own.insert(name, source);
                }
                Err(wrong) => note(&path, wrong),
            }
        }
    }
    for (path, name) in below {
        collect(&path, &format!("{name}/"), own, faults);
    }
}

/// Whether there may be such a folder.
fn folder_of(name: &str) -> Result<(), String> {
    let path: Vec<&str> = name.split('/').collect();
    match path[..] {
        [letter] if letter == PARTS || letter.parse::<LetterKind>().is_ok() => Ok(()),
        [letter] => Err(format!(
            "no letter is called {letter}; the letters are {}, and {PARTS} holds what they share",
            names(LetterKind::ALL.iter().map(|kind| kind.as_str()))
        )),
        [_, locale] if locale.parse::<Locale>().is_ok() => Ok(()),
        [_, locale] => Err(format!(
            "letters are not written in {locale}; the languages are {}",
            names(Locale::ALL.iter().map(|locale| locale.as_str()))
        )),
        _ => Err("a folder of a language holds files only".to_string()),
    }
}

/// Whether there may be such a file in its folder.
fn file_of(name: &str) -> Result<(), String> {
    let path: Vec<&str> = name.split('/').collect();
    match path[..] {
        [PARTS, file] | [PARTS, _, file] => {
            if file.ends_with(".txt") || file.ends_with(".html") {
                Ok(())
            } else {
                Err("a part is named ….txt or ….html, which decides how it is escaped".to_string())
            }
        }
        [_, _, file] if FILES.contains(&file) => Ok(()),
        [_, _, _] => Err(format!(
            "a letter has the files {}",
            names(FILES.into_iter())
        )),
        _ => Err(format!(
            "belongs into the folder of a letter and a language, such as raised/en/{}",
            FILES[1]
        )),
    }
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

fn text_of(path: &Path) -> Result<String, String> {
    let cannot = |error| format!("cannot be read: {error}");
    let facts = fs::metadata(path).map_err(cannot)?;
    if !facts.is_file() {
        return Err("is not a file".to_string());
    }
    if facts.len() > LONGEST {
        return Err(format!("is longer than {} KiB", LONGEST / 1024));
    }
    let bytes = fs::read(path).map_err(cannot)?;
    String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        format!("line {} is not UTF-8", line + 1)
    })
}

/// What can be seen in a template without a letter.
fn looked_over(
    name: &str,
    source: &str,
    environment: &Environment<'static>,
    own: &BTreeMap<String, String>,
) -> Vec<RenderError> {
    let wrong = |line: Option<usize>, reason: String| RenderError {
        template: name.to_string(),
        line,
        reason,
        is_excess: false,
    };
    let mut found = Vec::new();
    if let Some(line) = line_of(source, "autoescape") {
        let reason = "autoescape is not for letters: what people typed is never HTML";
        found.push(wrong(Some(line), reason.to_string()));
    }
    // A part of a name that nobody uses is misspelt.
    let is_new = !files::ALL.iter().any(|(known, _)| *known == name);
    let quoted = [format!("\"{name}\""), format!("'{name}'")];
    let is_used = own
        .iter()
        .any(|(other, source)| other != name && quoted.iter().any(|text| source.contains(text)));
    if is_new && !is_used {
        let reason = "no template uses this part; it may be misspelt".to_string();
        found.push(wrong(None, reason));
    }
    if let Ok(template) = environment.get_template(name) {
        let mut unknown: Vec<String> = template
            .undeclared_variables(true)
            .into_iter()
            .filter(|variable| !variables::is_known(name, variable))
            .collect();
        unknown.sort();
        for variable in unknown {
            let line = line_of(source, &variable);
            found.push(wrong(line, format!("there is no variable {variable} here")));
        }
    }
    found
}

/// The first line that holds those words, from 1.
fn line_of(source: &str, words: &str) -> Option<usize> {
    let place = source.lines().position(|line| line.contains(words));
    place.map(|place| place + 1)
}
