//! What the database gives for the very rows that the engine wrote, without any of the service's work.

use std::time::Instant;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use redress::domain::IncidentId;
use redress::store::Conn;

use super::{House, fill};

/// Tables that the engine adds rows to, and which of their rows belong to the incidents from one key to
/// another.
const TABLES: [(&str, &str); 5] = [
    ("breaches", "incident_id BETWEEN $1 AND $2"),
    ("letters", "incident_id BETWEEN $1 AND $2"),
    ("outcomes", "incident_id BETWEEN $1 AND $2"),
    (
        "steps",
        "clock_id IN (SELECT id FROM clocks WHERE incident_id BETWEEN $1 AND $2)",
    ),
    (
        "audit",
        "subject = 'breach' AND subject_id IN (SELECT id FROM breaches WHERE incident_id BETWEEN $1 AND $2)",
    ),
];

/// Incidents of one commit, as of one batch of the engine.
const BATCH: i64 = 200;

/// Rows a second at which what the engine wrote for an incident and its copies is copied into tables with
/// the same columns and indexes, in batches of the engine's size.
pub fn rows(house: &House, first: IncidentId, copies: usize) -> f64 {
    let mut conn = house.connection();
    for (table, _) in TABLES {
        let make = match &conn {
            Conn::Postgres(_) => {
                vec![format!(
                    "CREATE TABLE bare_{table} (LIKE {table} INCLUDING ALL)"
                )]
            }
            Conn::Sqlite(_) => like(&mut conn, table),
        };
        for statement in make {
            conn.batch_execute(&statement).expect("a table");
        }
    }
    let begun = Instant::now();
    let mut written = 0;
    let stride = fill::STRIDE as i64;
    let last = first.0 + stride * copies as i64;
    let mut from = first.0;
    while from <= last {
        let to = from + BATCH * stride - 1;
        conn.batch_execute("BEGIN").expect("a transaction");
        for (table, which) in TABLES {
            let copy = format!("INSERT INTO bare_{table} SELECT * FROM {table} WHERE {which}");
            written += diesel::sql_query(copy)
                .bind::<BigInt, _>(from)
                .bind::<BigInt, _>(to)
                .execute(&mut conn)
                .expect("rows");
        }
        conn.batch_execute("COMMIT").expect("a commit");
        from = to + 1;
    }
    written as f64 / begun.elapsed().as_secs_f64()
}

#[derive(QueryableByName)]
struct Made {
    #[diesel(sql_type = diesel::sql_types::Text)]
    statement: String,
}

/// The statements that make a table of SQLite and its indexes, under another name.
fn like(conn: &mut Conn, table: &str) -> Vec<String> {
    let made: Vec<Made> = diesel::sql_query(format!(
        "SELECT sql AS statement FROM sqlite_master WHERE tbl_name = '{table}' \
         AND type IN ('table', 'index') AND sql IS NOT NULL ORDER BY type DESC"
    ))
    .load(conn)
    .expect("statements");
    made.iter()
        .map(|made| {
            made.statement
                .replacen("INDEX ", "INDEX bare_", 1)
                .replace(&format!("ON {table} "), &format!("ON bare_{table} "))
                .replace(&format!("TABLE {table} "), &format!("TABLE bare_{table} "))
                .replace(
                    &format!("TABLE \"{table}\""),
                    &format!("TABLE bare_{table}"),
                )
        })
        .collect()
}
