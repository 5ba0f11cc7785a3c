//! How late the engine is: from the moment a clock falls due to the committed letter, with few and with
//! many open clocks; and how long a burst takes in which very many fall due in one instant, while people
//! go on writing.
//!
//! `REDRESS_BENCH_SIZE` is the number of open clocks (default 200,000); a tenth of them fall due in the
//! burst. Prints figures, the disk's own beside them, and asserts nothing about time.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use diesel::prelude::*;
use redress::actions;
use redress::domain::IncidentId;
use redress::domain::incident::{Raise, Record};
use redress::domain::words::Source;
use redress::engine::deliver::Sender;
use redress::engine::{self, Health, tick};
use redress::mail::outlet::{MemoryOutlet, Outlet};
use redress::mail::templates::Templates;
use redress::schema::letters;
use redress::store::{Actor, Store};
use redress::time::{HOUR, HandTime, MILLISECOND, MINUTE, Moment, SECOND, TimeSource};
use serde_json::json;
use support::{House, bare, disk, figure, fill, quantile, size};
use tokio::sync::watch;

const USUAL_SIZE: usize = 200_000;
const SMALL: usize = 10_000;
/// Incidents that fall due one after another while everything else rests.
const TIMED: i64 = 200;
/// Open clocks of one incident.
const CLOCKS: usize = 2;

fn main() {
    let size = size(USUAL_SIZE);
    let mut house = House::new();
    let commit = disk::commit(&house.url);
    let disk_rows = disk::rows(&house.url);
    figure("commit_p50", commit, "ms");

    // Due tomorrow: it only stands there.
    let far = raise(&house, TimeSource::Machine.now());
    fill::copies(&house, far, SMALL / CLOCKS);
    let mut small = lateness(&house);
    let many = (size / CLOCKS).saturating_sub(SMALL / CLOCKS);
    let far = raise(&house, TimeSource::Machine.now());
    fill::copies(&house, far, many);
    eprintln!("{} clocks are open", fill::open_clocks(&house));
    let mut late = lateness(&house);
    figure("lateness_p50", quantile(&mut late, 0.5), "ms");
    figure("lateness_p99", quantile(&mut late, 0.99), "ms");
    figure("lateness_p99_small", quantile(&mut small, 0.99), "ms");

    let burst = burst(&mut house, size / 10);
    figure("burst", burst.seconds, "s");
    figure("burst_rows", burst.rows / burst.seconds, "per s");
    figure("bare_rows", burst.bare_rows, "per s");
    figure("disk_rows", disk_rows, "per s");
    figure("write_p99_in_burst", burst.write_p99, "ms");
}

/// Raises an incident that was reported at that moment: an hour later its first answer is due.
fn raise(house: &House, reported_at: Moment) -> IncidentId {
    let raise = Raise::read(&json!({"contract_id": house.contract, "severity": "S2",
        "title": "Frankfurt is cut off", "reported_at": reported_at, "reason": "entered late"}))
    .expect("an incident");
    house
        .store
        .write(Actor::Person(house.person), move |tx| {
            actions::incident::raise(tx, &raise, Source::Api)
        })
        .expect("an incident")
        .id
}

/// How late each letter of a breach was committed, in milliseconds, while the engine has nothing else
/// to do.
fn lateness(house: &House) -> Vec<f64> {
    let start = TimeSource::Machine.now() + 6 * SECOND;
    let end = start + TIMED * 50 * MILLISECOND;
    for number in 0..TIMED {
        raise(house, start + number * 50 * MILLISECOND - HOUR);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let (stop, stopped) = watch::channel(false);
    let running = runtime.spawn(engine::run(
        house.store.clone(),
        Arc::new(sender()),
        Arc::new(Health::default()),
        stopped,
    ));
    let mut conn = house.connection();
    let mut last: i64 = letters::table
        .select(diesel::dsl::max(letters::id))
        .first::<Option<i64>>(&mut conn)
        .expect("letters")
        .unwrap_or(0);
    let mut late = Vec::new();
    while TimeSource::Machine.now() < end + 3 * SECOND {
        let fresh: Vec<(i64, Moment)> = letters::table
            .filter(letters::id.gt(last))
            .order(letters::id)
            .select((letters::id, letters::planned_at))
            .load(&mut conn)
            .expect("letters");
        let seen = TimeSource::Machine.now();
        last = fresh.last().map_or(last, |(id, _)| *id);
        let timed = fresh
            .iter()
            .filter(|(_, planned)| (start..end).contains(planned));
        late.extend(timed.map(|(_, planned)| (seen - *planned) as f64 / 1e3));
        std::thread::sleep(Duration::from_millis(1));
    }
    stop.send(true).expect("an engine");
    runtime.block_on(running).expect("an end");
    assert_eq!(late.len(), TIMED as usize * 2, "two letters for each");
    late
}

fn sender() -> Sender {
    Sender {
        outlet: Outlet::Memory(MemoryOutlet::default()),
        from: "Redress <redress@example.com>".parse().expect("a sender"),
        reply_to: None,
        public_url: "https://redress.example.com".to_string(),
        hooks: Default::default(),
        templates: Templates::default(),
    }
}

struct Burst {
    seconds: f64,
    rows: f64,
    /// Rows a second at which the same rows are copied.
    bare_rows: f64,
    write_p99: f64,
}

/// So many clocks fall due in one instant, while somebody writes every ten milliseconds.
fn burst(house: &mut House, clocks: usize) -> Burst {
    let now = TimeSource::Machine.now();
    let due = raise(house, now + MINUTE - HOUR);
    fill::copies(house, due, clocks - 1);
    let quiet: Vec<IncidentId> = (0..50).map(|_| raise(house, now)).collect();
    let hand = HandTime::at(now + MINUTE);
    house.store = Store::open(&house.url, TimeSource::Hand(hand)).expect("a database");
    let before = house.rows();
    let done = Arc::new(AtomicBool::new(false));
    let (store, person, over) = (house.store.clone(), house.person, Arc::clone(&done));
    let writer = std::thread::spawn(move || {
        let mut took = Vec::new();
        while !over.load(Ordering::Relaxed) {
            let incident = quiet[took.len() % quiet.len()];
            let note =
                Record::read(&json!({"kind": "noted", "reason": "still waiting"})).expect("a note");
            let begun = Instant::now();
            store
                .write(Actor::Person(person), move |tx| {
                    actions::incident::record(tx, incident, &note, Source::Api)
                })
                .expect("a note");
            took.push(begun.elapsed().as_secs_f64() * 1e3);
            std::thread::sleep(Duration::from_millis(10));
        }
        took
    });
    let begun = Instant::now();
    let ticked = tick::tick(&house.store).expect("a tick");
    let seconds = begun.elapsed().as_secs_f64();
    done.store(true, Ordering::Relaxed);
    let mut took = writer.join().expect("a writer");
    assert!(ticked.followed.breached as usize >= clocks, "{ticked:?}");
    eprintln!("{ticked:?}; {} writes meanwhile", took.len());
    let rows = (house.rows() - before) as f64;
    Burst {
        seconds,
        rows,
        bare_rows: bare::rows(house, due, clocks - 1),
        write_p99: quantile(&mut took, 0.99),
    }
}
