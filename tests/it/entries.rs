//! Vendors, calendars, contracts and terms: entered, edited, refused.

mod api;
mod calendar;
mod contract;
mod pages;
mod vendor;

use redress::actions;
use redress::domain::calendar_entry::CalendarInput;
use redress::domain::input::FieldError;
use redress::domain::vendor::VendorInput;
use redress::domain::{CalendarId, VendorId};
use redress::error::Error;
use redress::store::{Actor, DatabaseUrl, Store};
use redress::time::{HandTime, Moment, TimeSource};
use serde_json::{Value, json};

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
        actions::vendor::enter(tx, &input)
    })
}

/// Enters a calendar as the API reads it.
fn enter_calendar(store: &Store, value: Value) -> Result<CalendarId, Error> {
    let input = CalendarInput::read(&value)?;
    store.write(Actor::Operator, move |tx| {
        actions::calendar::enter(tx, &input)
    })
}

fn northwind() -> Value {
    json!({
        "name": "Northwind Carrier", "time_zone": "Europe/Berlin", "locale": "en",
        "contacts": [
            {"name": "Duty manager", "email": "duty@vendor.example", "rung": 2, "time_zone": "Asia/Shanghai"},
            {"name": "Service desk", "email": "desk@vendor.example", "rung": 1}]
    })
}

fn office() -> Value {
    let day = json!([["09:00", "18:00"]]);
    json!({
        "name": "Berlin office", "time_zone": "Europe/Berlin",
        "week": {"mon": day, "tue": day, "wed": day, "thu": day, "fri": day},
        "exceptions": [{"date": "2026-12-24", "name": "Christmas Eve", "windows": [["09:00", "12:00"]]}]
    })
}
