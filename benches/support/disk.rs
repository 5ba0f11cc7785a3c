//! What the disk gives without any of the service's work.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use redress::store::{Conn, DatabaseUrl};

use super::{connect, quantile};

/// How long rows are written for.
const PROBE: Duration = Duration::from_secs(2);

/// A connection to a database of its own on the same disk, with one table of the width of an event.
fn probe(beside: &DatabaseUrl) -> Conn {
    let mut conn = match beside {
        DatabaseUrl::Sqlite(path) => connect(&DatabaseUrl::Sqlite(format!("{path}.probe"))),
        DatabaseUrl::Postgres(_) => connect(beside),
    };
    conn.batch_execute(
        "DROP TABLE IF EXISTS disk_probe; \
         CREATE TABLE disk_probe (id BIGINT PRIMARY KEY, content TEXT NOT NULL)",
    )
    .expect("a table");
    conn
}

fn insert(conn: &mut Conn, first: u64, rows: u64) {
    let content = "x".repeat(200);
    let values: Vec<String> = (first..first + rows)
        .map(|id| format!("({id}, '{content}')"))
        .collect();
    let statement = format!("INSERT INTO disk_probe VALUES {}", values.join(","));
    conn.batch_execute(&statement).expect("rows");
}

/// Median of a durable commit of one row, in milliseconds.
pub fn commit(beside: &DatabaseUrl) -> f64 {
    let mut conn = probe(beside);
    let mut took: Vec<f64> = (0..200)
        .map(|id| {
            let begun = Instant::now();
            insert(&mut conn, id, 1);
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    quantile(&mut took, 0.5)
}

/// Rows a second in batches of 100, each a commit.
pub fn rows(beside: &DatabaseUrl) -> f64 {
    let mut conn = probe(beside);
    let begun = Instant::now();
    let mut written = 0;
    while begun.elapsed() < PROBE {
        insert(&mut conn, written, 100);
        written += 100;
    }
    written as f64 / begun.elapsed().as_secs_f64()
}
