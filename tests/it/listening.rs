//! Nodes on one PostgreSQL wake each other, and need not wait for the end of their second.

use std::time::Duration;

use diesel::{Connection, PgConnection, RunQueryDsl, sql_query};
use redress::store::{DatabaseUrl, Store};
use redress::time::{MILLISECOND, MINUTE, TimeSource};
use serde_json::json;
use tokio::time::timeout;

use crate::world::World;

/// Only to end a test that fails.
const LONG: Duration = Duration::from_secs(20);

fn on_runtime(story: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(story);
}

/// Another node on the same database, with the same clock.
fn neighbour(world: &World) -> Store {
    Store::open(world.store.url(), TimeSource::Hand(world.hand.clone())).unwrap()
}

async fn is_woken(store: &Store) {
    timeout(LONG, store.poked())
        .await
        .expect("nobody woke the engine");
}

async fn letters_are_woken(store: &Store) {
    timeout(LONG, store.letters_poked())
        .await
        .expect("nobody woke the delivery");
}

/// Waits until it listens, which wakes its engine once; what woke it before is forgotten by then.
async fn hears(store: &Store) {
    is_woken(store).await;
    letters_are_woken(store).await;
    assert_eq!(store.is_listening(), Some(true));
}

#[test]
fn what_one_node_makes_due_wakes_the_others() {
    let Some(world) = World::on_postgres() else {
        return;
    };
    let other = neighbour(&world);
    on_runtime(async {
        let contract = world.signs("NW-2026", world.usual_terms());
        let _hears = other.listen().unwrap();
        hears(&other).await;
        // What woke the first so far was its own doing.
        is_woken(&world.store).await;
        letters_are_woken(&world.store).await;
        let _tells = world.store.listen().unwrap();
        hears(&world.store).await;
        // A letter to the vendor at once, and nothing else soon.
        world.raises(contract, "S1");
        letters_are_woken(&other).await;
        // 75 % of the hour to respond is over in half a second.
        let reported = world.hand.now() - 45 * MINUTE + 500 * MILLISECOND;
        world
            .raises_as(
                json!({"contract_id": contract, "severity": "S1", "title": "Bonn is cut off",
                "reported_at": reported, "reason": "telephoned, entered afterwards"}),
            )
            .unwrap();
        is_woken(&other).await;
    });
    world.ends();
}

#[test]
fn a_connection_that_is_lost_is_opened_again_and_what_was_missed_is_looked_for() {
    let Some(world) = World::on_postgres() else {
        return;
    };
    let other = neighbour(&world);
    on_runtime(async {
        let _hears = other.listen().unwrap();
        hears(&other).await;
        let DatabaseUrl::Postgres(url) = world.store.url() else {
            unreachable!()
        };
        let mut conn = PgConnection::establish(url).unwrap();
        let cut = sql_query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE application_name = 'redress listener' AND datname = current_database()",
        );
        assert_eq!(cut.execute(&mut conn).unwrap(), 1);
        hears(&other).await;
    });
}

#[test]
fn a_node_alone_listens_to_nobody() {
    let world = World::on_sqlite();
    let _listening = world.store.listen().unwrap();
    assert_eq!(world.store.is_listening(), None);
}
