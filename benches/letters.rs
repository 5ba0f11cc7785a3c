//! How many letters a second leave: over one connection and over four, as many as the mail server takes
//! of letters that are written already; and from the outbox, where each is leased, judged, written, sent
//! and settled.
//!
//! `REDRESS_BENCH_SIZE` is the number of letters (default 40,000; a quarter of them from the outbox). The
//! mail server is postfix's `smtp-sink`, which counts what it takes; see `benches/support/sink.rs` for
//! how to have it. Prints figures, the disk's own beside them, and asserts nothing about time.

#[path = "support/sink.rs"]
mod sink;
mod support;

use std::time::Instant;

use diesel::connection::SimpleConnection;
use futures_util::future::join_all;
use redress::actions;
use redress::domain::incident::Raise;
use redress::domain::words::Source;
use redress::engine::deliver::{Sender, deliver};
use redress::engine::tick::tick;
use redress::mail::outlet::{Delivery, MemoryOutlet, Outgoing, Outlet, Patience, SmtpOutlet};
use redress::mail::templates::Templates;
use redress::store::Actor;
use redress::time::{MINUTE, TimeSource};
use serde_json::json;
use sink::Sink;
use support::{House, disk, figure, size};

const USUAL_SIZE: usize = 40_000;
/// Letters that go one after the other before the next are looked for, as the delivery does it.
const RUN: usize = 32;
/// Written over as often, since a single run says little on a machine that does other things as well.
const ROUNDS: usize = 3;

fn main() {
    let program = match sink::program() {
        Ok(program) => program,
        Err(how) => {
            eprintln!("{how}");
            std::process::exit(1);
        }
    };
    let size = size(USUAL_SIZE);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let house = House::new();
    let written = runtime.block_on(written(&house));
    let bytes = written
        .iter()
        .map(|letter| letter.bytes.len())
        .sum::<usize>()
        / written.len();
    eprintln!(
        "{} kinds of letters, {bytes} bytes in the mean",
        written.len()
    );

    for (name, connections) in [("one_connection", 1), ("four_connections", 4)] {
        for _ in 0..ROUNDS {
            let sink = Sink::start(&program);
            let seconds = runtime.block_on(send(&sink, &written, size, connections));
            assert_eq!(sink.ends(), size, "what the mail server took");
            figure(name, size as f64 / seconds, "per s");
        }
    }

    for _ in 0..ROUNDS {
        figure("commit_p50", disk::commit(&house.url), "ms");
        figure("disk_rows", disk::rows(&house.url), "per s");
        let letters = queue(&house, size / 4);
        let sink = Sink::start(&program);
        let sender = sender(outlet(&sink));
        let begun = Instant::now();
        let done = runtime
            .block_on(deliver(&house.store, &sender))
            .expect("deliveries");
        let seconds = begun.elapsed().as_secs_f64();
        assert_eq!(done.sent as usize, letters, "{done:?}");
        drop(sender);
        assert_eq!(sink.ends(), letters, "what the mail server took");
        figure("from_outbox", letters as f64 / seconds, "per s");
    }
}

fn outlet(sink: &Sink) -> Outlet {
    Outlet::Smtp(SmtpOutlet::from_url(&sink.url(), Patience::default()).expect("a mail server"))
}

fn sender(outlet: Outlet) -> Sender {
    Sender {
        outlet,
        from: "Redress <redress@example.com>".parse().expect("a sender"),
        reply_to: None,
        public_url: "https://redress.example.com".to_string(),
        hooks: Default::default(),
        templates: Templates::default(),
    }
}

/// The letters of two incidents, of which one is late, as they go out.
async fn written(house: &House) -> Vec<Outgoing> {
    let now = TimeSource::Machine.now();
    for minutes in [50, 70] {
        let raise = Raise::read(&json!({"contract_id": house.contract, "severity": "S2",
            "title": "Frankfurt is cut off", "reported_at": now - minutes * MINUTE, "reason": "entered late"}))
        .expect("an incident");
        let done = house.store.write(Actor::Person(house.person), move |tx| {
            actions::incident::raise(tx, &raise, Source::Api)
        });
        done.expect("an incident");
    }
    tick(&house.store).expect("a tick");
    let memory = MemoryOutlet::default();
    deliver(&house.store, &sender(Outlet::Memory(memory.clone())))
        .await
        .expect("deliveries");
    memory.letters()
}

/// Sends so many letters side by side; gives the seconds it took.
async fn send(sink: &Sink, written: &[Outgoing], size: usize, connections: usize) -> f64 {
    let outlet = outlet(sink);
    let begun = Instant::now();
    let lanes = (0..connections).map(|lane| {
        let (outlet, written) = (outlet.clone(), written.to_vec());
        tokio::spawn(async move {
            let numbers: Vec<_> = (lane..size).step_by(connections).collect();
            for run in numbers.chunks(RUN) {
                let letters: Vec<_> = run
                    .iter()
                    .map(|number| &written[number % written.len()])
                    .collect();
                let through = |delivery| {
                    assert!(
                        matches!(delivery, Delivery::Accepted { .. }),
                        "{delivery:?}"
                    );
                };
                outlet.send_in_turn(&letters, |_| true, through).await;
            }
        })
    });
    for lane in join_all(lanes).await {
        lane.expect("a lane");
    }
    begun.elapsed().as_secs_f64()
}

/// Queues copies of the letters that went out; gives how many.
fn queue(house: &House, size: usize) -> usize {
    let mut conn = house.connection();
    let kinds = support::count(&mut conn, "letters WHERE key NOT LIKE 'copy %'") as usize;
    let each = (size / kinds).max(1);
    let same = "kind, incident_id, case_id, clock_id, breach_id, contact_id, name, email, locale, time_zone, \
                side, facts, planned_at, created_at";
    conn.batch_execute(&format!(
        "DELETE FROM letters WHERE key LIKE 'copy %'; \
         INSERT INTO letters (key, state, next_attempt_at, attempts, lease, in_doubt, message_id, thread, {same}) \
         WITH RECURSIVE copies (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM copies WHERE number < {each}) \
         SELECT 'copy ' || number || ' ' || key, 'queued', created_at, 0, 0, FALSE, message_id || '.' || number, thread, {same} \
         FROM letters CROSS JOIN copies"
    ))
    .expect("letters");
    kinds * each
}
