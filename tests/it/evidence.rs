//! Evidence: chains that show what was done to them, anchors, and what is handed over.

mod anchors;
pub mod bundle;
mod erased;
mod files;
mod forged;

use diesel::Connection;
use diesel::connection::SimpleConnection;
use redress::evidence::verify::{Walked, walk};
use redress::store::DatabaseUrl;

use crate::world::World;

/// Every append-only table's triggers are switched off, as whoever holds the database can.
fn forge(world: &World, sql: &str) {
    match world.store.url() {
        DatabaseUrl::Postgres(url) => diesel::PgConnection::establish(url)
            .unwrap()
            .batch_execute(&format!("SET session_replication_role = replica; {sql}")),
        DatabaseUrl::Sqlite(path) => {
            let mut conn = diesel::SqliteConnection::establish(path).unwrap();
            let mut drops = String::from("PRAGMA foreign_keys = OFF;");
            for table in [
                "events",
                "event_texts",
                "anchors",
                "anchor_heads",
                "breaches",
                "evidence_chunks",
            ] {
                for what in ["update", "delete", "replace"] {
                    drops += &format!("DROP TRIGGER IF EXISTS {table}_no_{what};");
                }
            }
            conn.batch_execute(&format!("{drops} {sql}"))
        }
    }
    .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// What the walk says, one line a fault.
fn verified(world: &World, given: Option<&str>) -> (Vec<String>, Walked) {
    let mut lines = Vec::new();
    let walked = walk(&world.store, given, |fault| {
        lines.push(fault.to_string());
        Ok(())
    })
    .unwrap();
    assert_eq!(walked.faults as usize, lines.len());
    (lines, walked)
}

/// Plays a story on both databases whose ends do not hold any more.
fn on_each(story: fn(&World)) {
    story(&World::on_sqlite());
    if let Some(world) = World::on_postgres() {
        story(&world);
    }
}
