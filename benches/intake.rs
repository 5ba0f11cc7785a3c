//! How fast incidents are taken in: raised through HTTP by 64 connections, each with its events,
//! clocks, timers, letters and audit lines, beside what the same disk takes in bare batches.
//!
//! The load generator runs on the same processors. `REDRESS_BENCH_SIZE` is the number of incidents
//! (default 5,000). Prints figures and asserts nothing about time.

mod support;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use redress::web::{self, State};
use support::{House, disk, figure, quantile, size};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CONNECTIONS: usize = 64;
const USUAL_SIZE: usize = 5_000;

fn main() {
    let house = House::new();
    let size = size(USUAL_SIZE);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let state = State::new(house.store.clone(), &format!("http://{address}"));
    let running = {
        let _inside = runtime.enter();
        web::start(state, listener).expect("a service")
    };
    let request = Arc::new(request(&house));

    runtime.block_on(load(address, &request, CONNECTIONS * 4));
    let disk_rows = disk::rows(&house.url);
    let before = house.rows();
    let begun = Instant::now();
    let mut took = runtime.block_on(load(address, &request, size));
    let seconds = begun.elapsed().as_secs_f64();
    let rows = house.rows() - before;
    runtime.block_on(running.stop()).expect("an end");

    figure("incidents", took.len() as f64 / seconds, "per s");
    figure("rows", rows as f64 / seconds, "per s");
    figure("disk_rows", disk_rows, "per s");
    figure("p99", quantile(&mut took, 0.99), "ms");
}

fn request(house: &House) -> Vec<u8> {
    let body = serde_json::json!({"contract_id": house.contract, "severity": "S1",
        "title": "Frankfurt is cut off", "description": "No traffic since the maintenance window."});
    let body = body.to_string();
    format!(
        "POST /api/v1/incidents HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        house.token,
        body.len()
    )
    .into_bytes()
}

/// Raises so many incidents; gives how long each took, in milliseconds.
async fn load(address: SocketAddr, request: &Arc<Vec<u8>>, incidents: usize) -> Vec<f64> {
    let left = Arc::new(AtomicUsize::new(incidents));
    let hands: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (left, request) = (Arc::clone(&left), Arc::clone(request));
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(address).await.expect("a connection");
                stream.set_nodelay(true).expect("no delay");
                let mut took = Vec::new();
                let take = |left: usize| left.checked_sub(1);
                while left
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
                    .is_ok()
                {
                    let begun = Instant::now();
                    stream.write_all(&request).await.expect("a request");
                    answer(&mut stream).await;
                    took.push(begun.elapsed().as_secs_f64() * 1e3);
                }
                took
            })
        })
        .collect();
    let mut took = Vec::new();
    for hand in hands {
        took.extend(hand.await.expect("a hand"));
    }
    took
}

/// Reads one answer to its end; anything but 201 ends the benchmark.
async fn answer(stream: &mut TcpStream) {
    let mut read = Vec::with_capacity(4_096);
    loop {
        let mut some = [0_u8; 4_096];
        let length = stream.read(&mut some).await.expect("an answer");
        assert!(length > 0, "the connection was closed");
        read.extend_from_slice(&some[..length]);
        let Some(end) = read.windows(4).position(|part| part == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&read[..end]).to_ascii_lowercase();
        assert!(
            head.starts_with("http/1.1 201"),
            "{}",
            String::from_utf8_lossy(&read)
        );
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .and_then(|length| length.trim().parse::<usize>().ok())
            .expect("a length");
        if read.len() >= end + 4 + length {
            return;
        }
    }
}
