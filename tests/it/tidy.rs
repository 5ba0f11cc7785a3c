//! The invariants of `docs/architecture.md`, kept by reading the source.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use diesel::Connection;
use diesel::connection::SimpleConnection;
use redress::web::routes;

use crate::on_both;
use crate::world::{World, at};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The source files below a folder or file of `src`, with what they say outside of tests and comments.
fn sources(below: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let start = root().join("src").join(below);
    let mut waiting = vec![start.clone(), start.with_extension("rs")];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(
                fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if path.extension().is_some_and(|ending| ending == "rs") && path.is_file() {
            let is_test = path.file_stem().is_some_and(|stem| stem == "tests")
                || path.to_string_lossy().contains("/tests/");
            let text = fs::read_to_string(&path).unwrap();
            let code = text
                .split("#[cfg(test)]\nmod tests {")
                .next()
                .unwrap_or_default();
            let code: Vec<&str> = code
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .collect();
            if !is_test {
                found.push((path, code.join("\n")));
            }
        }
    }
    assert!(!found.is_empty(), "no source below {below}");
    found
}

fn none_says(below: &str, words: &[&str]) {
    for (path, code) in sources(below) {
        for word in words {
            assert!(!code.contains(word), "{} says {word}", path.display());
        }
    }
}

#[test]
fn the_domain_touches_nothing() {
    none_says(
        "domain",
        &[
            "crate::store",
            "crate::web",
            "crate::engine",
            "crate::actions",
            "crate::mail",
            "crate::cli",
            "actix_web",
            "lettre::",
            "std::fs",
            "std::net",
            "SystemTime",
            "Utc::now",
            "Local::now",
            "Instant::now",
            "RunQueryDsl",
            "QueryDsl",
            "Connection",
        ],
    );
}

#[test]
fn only_one_file_asks_for_the_time() {
    for (path, code) in sources("") {
        if path.ends_with("src/time.rs") {
            continue;
        }
        for word in [
            "Utc::now",
            "Local::now",
            "SystemTime::now",
            "Instant::now",
            "clock_timestamp",
            "CURRENT_TIMESTAMP",
        ] {
            assert!(!code.contains(word), "{} says {word}", path.display());
        }
    }
}

#[test]
fn only_the_store_speaks_sql() {
    for (path, code) in sources("") {
        let store = root().join("src/store");
        if path.starts_with(&store) {
            let opens = ["begin_transaction", "BEGIN IMMEDIATE", "commit_transaction"];
            let here = opens.iter().any(|word| code.contains(word));
            assert!(
                !here || path == store.join("mod.rs"),
                "{} begins a transaction",
                path.display()
            );
            continue;
        }
        for word in [
            "diesel::prelude",
            "RunQueryDsl",
            "QueryDsl",
            "ExpressionMethods",
            "sql_query",
        ] {
            assert!(!code.contains(word), "{} says {word}", path.display());
        }
    }
}

#[test]
fn people_and_time_do_not_know_each_other() {
    none_says("actions", &["crate::engine"]);
    none_says("engine", &["crate::actions"]);
    none_says(
        "consequence",
        &["crate::actions", "crate::engine", "crate::web"],
    );
    none_says(
        "store",
        &[
            "crate::actions",
            "crate::engine",
            "crate::web",
            "crate::consequence",
        ],
    );
}

#[test]
fn only_the_delivery_calls_the_outlet() {
    for (path, code) in sources("") {
        let may = path.ends_with("engine/deliver.rs") || path.starts_with(root().join("src/mail"));
        assert!(
            may || !code.contains("outlet.send"),
            "{} sends",
            path.display()
        );
        let inside = code.contains("store.write(") && code.contains("outlet.send");
        let apart = path.ends_with("engine/deliver.rs");
        assert!(!inside || apart, "{} writes and sends", path.display());
    }
    // A transaction's closure is not async, so nothing can be awaited, and so sent, inside one.
    let store = fs::read_to_string(root().join("src/store/mod.rs")).unwrap();
    assert!(store.contains("f: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static"));
}

#[test]
fn only_one_file_knows_the_status_of_a_failure() {
    for (path, code) in sources("web") {
        if path.ends_with("web/error.rs") {
            continue;
        }
        for word in [
            "BAD_REQUEST",
            "NOT_FOUND",
            "CONFLICT",
            "UNPROCESSABLE",
            "INTERNAL_SERVER_ERROR",
            "FORBIDDEN",
            "UNAUTHORIZED",
            "PRECONDITION",
        ] {
            assert!(
                !code.contains(&format!("StatusCode::{word}")),
                "{} says {word}",
                path.display()
            );
        }
    }
    for layer in ["domain", "store", "actions", "engine", "consequence"] {
        none_says(layer, &["StatusCode"]);
    }
}

#[test]
fn every_route_has_an_access_rule_and_is_listed_once() {
    let all = routes::all();
    assert!(all.len() > 40, "only {} routes", all.len());
    let mut seen = BTreeSet::new();
    for route in &all {
        assert!(
            seen.insert((route.method, route.path)),
            "{} {} stands twice",
            route.method,
            route.path
        );
    }
    let public: Vec<_> = all
        .iter()
        .filter(|route| format!("{:?}", route.access) == "Public")
        .map(|route| route.path)
        .collect();
    assert!(
        public.iter().all(|path| [
            "/login", "/logout", "/setup", "/healthz", "/readyz", "/metrics", "/assets"
        ]
        .iter()
        .any(|start| path.starts_with(start))),
        "open to everybody: {public:?}"
    );
    let by_link: BTreeSet<_> = all
        .iter()
        .filter(|route| format!("{:?}", route.access) == "Link")
        .map(|route| route.path.split('{').next().unwrap_or_default())
        .collect();
    assert_eq!(by_link, BTreeSet::from(["/answer/", "/vendor/"]));
}

#[test]
fn both_migration_folders_hold_the_same_names() {
    let names = |folder: &str| -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for entry in fs::read_dir(root().join("migrations").join(folder)).unwrap() {
            let path = entry.unwrap().path();
            for step in ["up.sql", "down.sql"] {
                assert!(path.join(step).is_file(), "{} lacks {step}", path.display());
            }
            names.insert(path.file_name().unwrap().to_string_lossy().into_owned());
        }
        names
    };
    assert_eq!(names("sqlite"), names("postgres"));
}

fn run(world: &World, sql: &str) -> Result<(), String> {
    let url = match world.store.url() {
        redress::store::DatabaseUrl::Postgres(url) => url.clone(),
        redress::store::DatabaseUrl::Sqlite(path) => path.clone(),
    };
    let done = match world.store.url() {
        redress::store::DatabaseUrl::Postgres(_) => diesel::PgConnection::establish(&url)
            .unwrap()
            .batch_execute(sql),
        redress::store::DatabaseUrl::Sqlite(_) => diesel::SqliteConnection::establish(&url)
            .unwrap()
            .batch_execute(sql),
    };
    done.map_err(|error| error.to_string())
}

on_both! { fn every_table_loads(world) {
    let schema = fs::read_to_string(root().join("src/schema.rs")).unwrap();
    let mut tables = 0;
    for part in schema.split("diesel::table! {").skip(1) {
        let name = part.split_whitespace().next().unwrap();
        let columns: Vec<&str> = part
            .lines()
            .take_while(|line| !line.starts_with('}'))
            .filter_map(|line| line.split_once("->").map(|(column, _)| column.trim()))
            .collect();
        run(world, &format!("SELECT {} FROM {name} LIMIT 1", columns.join(", "))).unwrap_or_else(|error| panic!("{name}: {error}"));
        tables += 1;
    }
    assert!(tables >= 25, "only {tables} tables were found");
} }

on_both! { fn what_happened_cannot_be_changed_or_deleted(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    world.passes_to("2026-03-02T11:30[Europe/Berlin]");
    let late = at("2026-03-02T10:50[Europe/Berlin]");
    world.says(incident, serde_json::json!({"kind": "responded", "occurred_at": late, "reason": "by telephone"}));
    redress::engine::anchors::run_due(&world.store).unwrap();
    for sql in [
        "UPDATE events SET kind = 'noted'", "DELETE FROM events",
        "UPDATE breaches SET clause = ''", "DELETE FROM breaches",
        "UPDATE withdrawals SET reason = ''", "DELETE FROM withdrawals",
        "UPDATE audit SET deed = ''", "DELETE FROM audit",
        "UPDATE anchors SET hash = ''", "DELETE FROM anchors",
        "UPDATE anchor_heads SET hash = ''", "DELETE FROM anchor_heads",
        "UPDATE event_texts SET content = ''",
    ] {
        let refused = run(world, sql).expect_err(sql);
        assert!(refused.contains("append-only"), "{sql}: {refused}");
    }
    let tables = ["events", "breaches", "withdrawals", "audit", "anchors", "anchor_heads", "event_texts"];
    for table in tables {
        // What empties or replaces rows without asking the triggers of each row.
        let sql = match world.store.url() {
            redress::store::DatabaseUrl::Postgres(_) => format!("TRUNCATE {table} CASCADE"),
            redress::store::DatabaseUrl::Sqlite(_) => format!("INSERT OR REPLACE INTO {table} SELECT * FROM {table}"),
        };
        let refused = run(world, &sql).expect_err(&sql);
        assert!(refused.contains("append-only"), "{sql}: {refused}");
    }
} }
