//! Vendors, calendars, contracts and terms: entered, edited, refused.

mod vendor;

use redress::domain::vendor::VendorInput;
use redress::domain::{VendorId, input::FieldError};
use redress::error::Error;
use redress::store::{Actor, DatabaseUrl, Store};
use redress::time::{HandTime, Moment, TimeSource};
use serde_json::Value;

use crate::support::postgres::Template;

static MIGRATED: Template = Template::new("entries", |url| {
    let store = open(url, &hand());
    store.migrate().unwrap();
});

/// Monday, 23 November 2026, 10:00 in Berlin.
fn hand() -> HandTime {
    HandTime::at(Moment::parse("2026-11-23T09:00:00Z").unwrap())
}

fn open(url: &str, hand: &HandTime) -> Store {
    let url: DatabaseUrl = url.parse().unwrap();
    Store::open(&url, TimeSource::Hand(hand.clone())).unwrap()
}

/// Plays a story on a fresh SQLite file and, where there is one, on a fresh PostgreSQL database.
fn on_both(story: impl Fn(&Store, &HandTime)) {
    let folder = tempfile::tempdir().unwrap();
    let hand_of_sqlite = hand();
    let url = format!("sqlite:{}", folder.path().join("entries.db").display());
    let store = open(&url, &hand_of_sqlite);
    store.migrate().unwrap();
    story(&store, &hand_of_sqlite);
    if let Some(database) = MIGRATED.database() {
        let hand_of_postgres = hand();
        story(&open(&database.url, &hand_of_postgres), &hand_of_postgres);
    }
}

fn faults(error: Error) -> Vec<FieldError> {
    match error {
        Error::Invalid(faults) => faults,
        other => panic!("expected faults of the input, got {other:?}"),
    }
}

/// Enters a vendor as the API reads it.
fn enter_vendor(store: &Store, value: Value) -> Result<VendorId, Error> {
    let input = VendorInput::read(&value)?;
    store.write(Actor::Operator, move |tx| {
        redress::actions::vendor::enter(tx, &input)
    })
}
