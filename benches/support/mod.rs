//! What the benchmarks share: how figures are printed, and, for those of the running service, a company
//! on a fresh database and probes of the disk it lies on.
//!
//! The database is a SQLite file in a temporary folder, or, where `REDRESS_BENCH_DATABASE_URL` names
//! one, an empty PostgreSQL database.

#![allow(dead_code)] // Each benchmark uses a part.

pub mod bare;
pub mod disk;
pub mod fill;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use redress::actions;
use redress::domain::calendar_entry::CalendarInput;
use redress::domain::person::PersonInput;
use redress::domain::vendor::VendorInput;
use redress::domain::{ContractId, PersonId};
use redress::secret::Secret;
use redress::store::{Actor, Conn, DatabaseUrl, Store};
use redress::time::TimeSource;
use serde_json::{Value, json};

/// Prints one figure.
pub fn figure(name: &str, value: f64, unit: &str) {
    println!("figure {name} {value:.1} {unit}");
}

/// The size from the environment, or the usual.
pub fn size(usual: usize) -> usize {
    let size = std::env::var("REDRESS_BENCH_SIZE").ok();
    size.and_then(|size| size.parse().ok())
        .unwrap_or(usual)
        .max(1)
}

/// The value below which that share of the sorted values lies.
pub fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values
        .get((last as f64 * share).ceil() as usize)
        .copied()
        .unwrap_or(f64::NAN)
}

/// A company with one vendor and one contract.
pub struct House {
    pub store: Store,
    pub url: DatabaseUrl,
    pub contract: ContractId,
    pub person: PersonId,
    /// A token of that person.
    pub token: String,
    /// Where the database lies, if it is a file.
    pub folder: tempfile::TempDir,
}

const TABLES: [&str; 12] = [
    "incidents",
    "cases",
    "events",
    "event_texts",
    "clocks",
    "timers",
    "outcomes",
    "steps",
    "breaches",
    "letters",
    "audit",
    "routines",
];

impl House {
    /// Builds it.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = match std::env::var("REDRESS_BENCH_DATABASE_URL") {
            Ok(url) => url,
            Err(_) => format!("sqlite:{}", folder.path().join("bench.db").display()),
        };
        let url: DatabaseUrl = url.parse().expect("a database URL");
        let store = Store::open(&url, TimeSource::Machine).expect("a database");
        store.migrate().expect("the tables");
        let person = person(&store);
        let secret = Secret::token().expect("a token");
        let hash = secret.hash();
        store
            .write(Actor::Operator, move |tx| {
                actions::token::create(tx, person, "bench", &hash)
            })
            .expect("a token");
        let contract = contract(&store);
        Self {
            store,
            url,
            contract,
            person,
            token: secret.reveal().to_string(),
            folder,
        }
    }

    /// A connection past the service, for probes and counts.
    pub fn connection(&self) -> Conn {
        connect(&self.url)
    }

    /// Rows in all tables that incidents fill.
    pub fn rows(&self) -> i64 {
        let mut conn = self.connection();
        TABLES.iter().map(|table| count(&mut conn, table)).sum()
    }
}

/// Opens a connection as the service writes.
pub fn connect(url: &DatabaseUrl) -> Conn {
    match url {
        DatabaseUrl::Sqlite(path) => {
            let mut conn = diesel::SqliteConnection::establish(path).expect("a connection");
            conn.batch_execute(
                "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                 PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 8000",
            )
            .expect("settings");
            Conn::Sqlite(conn)
        }
        DatabaseUrl::Postgres(url) => {
            Conn::Postgres(diesel::PgConnection::establish(url).expect("a connection"))
        }
    }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

/// Rows of a table.
pub fn count(conn: &mut Conn, table: &str) -> i64 {
    diesel::sql_query(format!("SELECT count(*) AS rows FROM {table}"))
        .get_result::<Count>(conn)
        .expect("a count")
        .rows
}

fn person(store: &Store) -> PersonId {
    let input = json!({"name": "Ann", "email": "ann@example.com", "role": "engineer",
        "time_zone": "Europe/Berlin", "locale": "en"});
    let input = PersonInput::read(&input).expect("a person");
    store
        .write(Actor::Operator, move |tx| {
            actions::person::add(tx, &input, None)
        })
        .expect("a person")
}

/// Six promises round the clock and a ladder of four steps, as a contract for a critical system has.
fn contract(store: &Store) -> ContractId {
    let day = json!([["00:00", "24:00"]]);
    let week: Value = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
        .into_iter()
        .map(|name| (name.to_string(), day.clone()))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let input = json!({"name": "Always", "time_zone": "Europe/Berlin", "week": week});
    let input = CalendarInput::read(&input).expect("a calendar");
    let calendar = store
        .write(Actor::Operator, move |tx| {
            actions::calendar::enter(tx, &input)
        })
        .expect("a calendar");
    let vendor = VendorInput::read(&json!({
        "name": "Northwind Carrier", "time_zone": "Europe/Berlin", "locale": "en",
        "contacts": [
            {"name": "Service desk", "email": "desk@vendor.example", "rung": 1},
            {"name": "Duty manager", "email": "duty@vendor.example", "rung": 2}]}))
    .expect("a vendor");
    let vendor = store
        .write(Actor::Operator, move |tx| {
            actions::vendor::enter(tx, &vendor)
        })
        .expect("a vendor");
    let promise = |metric: &str, severity: &str, target: &str| {
        json!({"clause": "5.1", "metric": metric, "severity": severity,
            "calendar_id": calendar, "target": {"open_time": target}})
    };
    let mut commitments: Vec<Value> = [
        ("respond", "PT1H"),
        ("update", "PT4H"),
        ("workaround", "PT8H"),
        ("restore", "PT24H"),
        ("resolve", "PT240H"),
        ("root_cause", "PT240H"),
    ]
    .into_iter()
    .map(|(metric, target)| promise(metric, "S1", target))
    .collect();
    commitments.push(promise("respond", "S2", "PT1H"));
    commitments.push(promise("restore", "S2", "PT24H"));
    let contract = json!({"vendor_id": vendor, "reference": "NW-2026", "title": "Wide area network",
        "owner": "ann@example.com", "time_zone": "Europe/Berlin", "effective_from": "2026-01-01",
        "terms": {
            "effective_from": "2026-01-01", "currency": "EUR",
            "severities": [{"code": "S1", "name": "Critical"}, {"code": "S2", "name": "Major"}],
            "clock_stops": [],
            "commitments": commitments,
            "ladder": [
                {"when": {"percent": 75}, "to": ["vendor:1", "reporter"], "by": ["email"]},
                {"when": {"at_due": true}, "to": ["vendor:2", "owner"], "by": ["email"]},
                {"when": {"after_due": "PT1H", "measured": "elapsed"}, "to": ["owner"], "by": ["email"]},
                {"when": {"after_due": "PT4H", "measured": "elapsed"}, "to": ["owner"], "by": ["email"]}]}});
    store
        .write(Actor::Operator, move |tx| {
            actions::contract::enter(tx, &contract)
        })
        .expect("a contract")
}
