//! What the stories stand on: a PostgreSQL, a mail server and a browser of their own.
//!
//! Nothing here knows the product. Everything listens on loopback only and ends with the test
//! process, however that ends.

pub mod browser;
pub mod hook;
pub mod imap;
pub mod postgres;
pub mod smtp;
mod watched;

use std::{
    collections::BTreeSet,
    env,
    io::Write,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// Names, divided by commas, of what must not be left out: `postgres`, `browser`.
const REQUIRE: &str = "REDRESS_TEST_REQUIRE";

/// What was found, or `None` after saying once and loudly that `what` is left out and why.
/// Panics instead where [`REQUIRE`] names `what`.
pub fn or_leave_out<T>(what: &'static str, found: Result<T, String>) -> Option<T> {
    let why = match found {
        Ok(found) => return Some(found),
        Err(why) => why,
    };
    assert!(
        !is_required(what, &env::var(REQUIRE).unwrap_or_default()),
        "{REQUIRE} asks for {what}, but {why}"
    );

    static SAID: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());
    if SAID
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(what)
    {
        // Written to the handle: what the print macros write is captured while a test passes.
        let notice = format!(
            "\n*** LEFT OUT: every test that needs {what}.\n*** Why: {why}.\n*** {REQUIRE}={what} makes this a failure.\n\n"
        );
        let _ = std::io::stderr().write_all(notice.as_bytes());
    }
    None
}

/// The first of `folders` that holds all of `programs`.
fn folder_with(programs: &[&str], folders: impl IntoIterator<Item = PathBuf>) -> Option<PathBuf> {
    folders.into_iter().find(|folder| {
        programs
            .iter()
            .all(|program| folder.join(program).is_file())
    })
}

fn search_path() -> Vec<PathBuf> {
    env::var_os("PATH")
        .map(|path| {
            env::split_paths(&path)
                .filter(|folder| folder != Path::new(""))
                .collect()
        })
        .unwrap_or_default()
}

fn is_required(what: &str, required: &str) -> bool {
    required.split(',').any(|name| name.trim() == what)
}

#[test]
fn what_is_required_is_a_list_of_whole_names() {
    assert!(is_required("postgres", "postgres,browser"));
    assert!(is_required("browser", "postgres, browser"));
    assert!(!is_required("post", "postgres,browser"));
    assert!(!is_required("postgres", ""));
}

#[test]
fn what_is_found_is_not_left_out() {
    assert_eq!(or_leave_out("nothing", Ok::<_, String>(7)), Some(7));
}

#[test]
fn programs_are_looked_for_together() {
    let [one, both] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    std::fs::write(one.path().join("initdb"), "").unwrap();
    std::fs::write(both.path().join("initdb"), "").unwrap();
    std::fs::write(both.path().join("postgres"), "").unwrap();
    let folders = || [one.path().to_owned(), both.path().to_owned()];
    assert_eq!(
        folder_with(&["postgres", "initdb"], folders()).as_deref(),
        Some(both.path())
    );
    assert_eq!(
        folder_with(&["initdb"], folders()).as_deref(),
        Some(one.path())
    );
    assert_eq!(folder_with(&["psql"], folders()), None);
}
