//! Many incidents at once: one that was raised as people raise it, and copies of its rows.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use redress::domain::IncidentId;
use redress::store::Conn;

use super::{House, count};

/// More than the rows that one incident has in any table: from one copy's keys to the next.
pub const STRIDE: usize = 16;

/// Columns of a table, those that hold a key of the copied rows first.
struct Table {
    name: &'static str,
    keys: &'static [&'static str],
    others: &'static str,
    of: &'static str,
}

const TABLES: [Table; 7] = [
    Table {
        name: "incidents",
        keys: &["id"],
        others: "title, description, state, drill, reported_at, reporter, created_at, last_seq, head_hash, anchored_seq",
        of: "id",
    },
    Table {
        name: "cases",
        keys: &["id", "incident_id"],
        others: "contract_id, terms_id, severity, vendor_reference, ladder, go_live_id",
        of: "incident_id",
    },
    Table {
        name: "events",
        keys: &["id", "incident_id", "case_id"],
        others: "seq, kind, occurred_at, recorded_at, person_id, source, fields, text_hashes, previous_hash, hash",
        of: "incident_id",
    },
    Table {
        name: "clocks",
        keys: &["id", "incident_id", "case_id"],
        others: "metric, state, severity, clause, calendar_id, calendar_revision, started_at, due_at, provisional, budget, spent, breached_at, stopped_at, run, interval, generation",
        of: "incident_id",
    },
    Table {
        name: "timers",
        keys: &["clock_id", "incident_id"],
        others: "at",
        of: "incident_id",
    },
    Table {
        name: "steps",
        keys: &["clock_id"],
        others: "generation, run, interval, step, repeat, planned_at, taken_at, deed",
        of: "clock_id",
    },
    Table {
        name: "event_texts",
        keys: &["event_id"],
        others: "name, salt, content",
        of: "event_id",
    },
];

/// Copies an incident so many times, with everything but its letters; counts as anchored.
pub fn copies(house: &House, of: IncidentId, times: usize) {
    let mut conn = house.connection();
    let conn = &mut conn;
    conn.batch_execute(&format!(
        "UPDATE incidents SET anchored_seq = last_seq WHERE id = {}",
        of.0
    ))
    .expect("an anchor");
    conn.batch_execute("BEGIN").expect("a transaction");
    for table in &TABLES {
        let keys: Vec<String> = table
            .keys
            .iter()
            .map(|key| format!("{key} + {STRIDE} * copy"))
            .collect();
        let of = match table.of {
            "clock_id" => format!(
                "clock_id IN (SELECT id FROM clocks WHERE incident_id = {})",
                of.0
            ),
            "event_id" => format!(
                "event_id IN (SELECT id FROM events WHERE incident_id = {})",
                of.0
            ),
            column => format!("{column} = {}", of.0),
        };
        conn.batch_execute(&format!(
            "WITH RECURSIVE copies (copy) AS (SELECT 1 UNION ALL SELECT copy + 1 FROM copies WHERE copy < {times}) \
             INSERT INTO {name} ({keys_of}, {others}) SELECT {keys}, {others} FROM {name}, copies WHERE {of}",
            name = table.name,
            keys_of = table.keys.join(", "),
            others = table.others,
            keys = keys.join(", "),
        ))
        .unwrap_or_else(|error| panic!("{}: {error}", table.name));
    }
    conn.batch_execute("COMMIT").expect("a commit");
    if let Conn::Postgres(conn) = conn {
        for table in ["incidents", "cases", "events", "clocks"] {
            diesel::sql_query(format!(
                "SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
            ))
            .execute(conn)
            .expect("a sequence");
        }
        conn.batch_execute("ANALYZE").expect("statistics");
    } else {
        conn.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)")
            .expect("a short log");
    }
    // What was filled in would otherwise go on reaching the disk while something is measured.
    let synced = std::process::Command::new("sync").status();
    assert!(synced.is_ok_and(|status| status.success()), "sync");
}

/// Clocks that wait for their moment.
pub fn open_clocks(house: &House) -> i64 {
    count(&mut house.connection(), "timers")
}
