//! Migrations go up, all the way down, and up again; both folders hold the same steps.

use redress::store::{DatabaseUrl, Store};
use redress::time::{HandTime, TimeSource};

use crate::support::postgres;
use crate::world::monday;

fn there_and_back(url: &str) {
    let url: DatabaseUrl = url.parse().unwrap();
    let store = Store::open(&url, TimeSource::Hand(HandTime::at(monday()))).unwrap();
    assert!(store.needs_migration().unwrap());
    let steps = store.migrate().unwrap();
    assert!(!steps.is_empty() && !store.needs_migration().unwrap());
    store.revert_all().unwrap();
    assert!(store.needs_migration().unwrap());
    assert_eq!(store.migrate().unwrap(), steps);
    assert!(store.migrate().unwrap().is_empty(), "nothing is left to do");
}

#[test]
fn sqlite_goes_up_down_and_up() {
    let folder = tempfile::tempdir().unwrap();
    there_and_back(&format!(
        "sqlite:{}",
        folder.path().join("steps.db").display()
    ));
}

#[test]
fn postgres_goes_up_down_and_up() {
    if let Some(database) = postgres::database() {
        there_and_back(&database.url);
    }
}
