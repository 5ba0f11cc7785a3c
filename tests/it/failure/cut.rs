//! Requests that break off, and a PostgreSQL that says nothing.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::Ordering;

use redress::domain::person::Role;
use redress::store;
use serde_json::json;

use super::child::{Child, Doors, Order};
use super::history::{check, settles};
use super::house::{Chance, House, until};
use super::proxy::Proxy;
use super::traffic::{Asker, Caller};
use crate::incident_api::sign;
use crate::service::on_both;
use crate::support::postgres;

/// Sends that text and breaks off; gives what is answered, if anything.
fn breaks_off(url: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    // A connection that is reset is an answer as well.
    let _ = stream.read_to_string(&mut answer);
    answer
}

#[test]
fn a_body_that_breaks_off_does_nothing_and_hurts_nobody_else() {
    on_both(|service| {
        sign(service);
        let program = service.program(Role::Engineer);
        let bearer = program.header("Authorization");
        let body = json!({"contract_id": 1, "severity": "S1", "title": "Frankfurt is cut off"})
            .to_string();
        let head = format!(
            "POST /api/v1/incidents HTTP/1.1\r\nHost: redress\r\nAuthorization: {bearer}\r\n\
             Content-Type: application/json\r\nIdempotency-Key: once\r\n"
        );
        let half = &body[..body.len() / 2];
        let chunk = format!("{:x}\r\n{half}\r\n", half.len());
        for request in [
            format!("{head}Content-Length: {}\r\n\r\n{half}", body.len()),
            format!("{head}Content-Length: {}\r\n\r\n", body.len()),
            format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunk}"),
            format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunk}ffff\r\n"),
            head.clone(),
        ] {
            let answer = breaks_off(&service.url, &request);
            assert!(
                answer.is_empty() || answer.starts_with("HTTP/1.1 400 "),
                "{request}: {answer}"
            );
        }
        assert!(service.store.read(store::incident::ids).unwrap().is_empty());
        let whole = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
        let answer = breaks_off(&service.url, &whole);
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 201 "),
            "{answer}"
        );
        // Whether the answer was read or not: the key makes it one.
        let again = program.with("Idempotency-Key", "once");
        let raised = again.post("/api/v1/incidents", &serde_json::from_str(&body).unwrap());
        assert_eq!(raised.status, 201, "{}", raised.text);
        assert_eq!(service.store.read(store::incident::ids).unwrap().len(), 1);
    });
}

#[test]
fn a_postgres_that_says_nothing_makes_requests_end_and_loses_nothing() {
    let Some(database) = postgres::database() else {
        return;
    };
    let mut chance = Chance::of_this_run("a PostgreSQL that says nothing");
    let house = House::on_postgres(&database.url);
    let proxy = Proxy::to(&database.url);
    let order = Order {
        database: Some(proxy.url.clone()),
        ..Order::default()
    };
    let child = Child::start(&house, &order);
    let doors = Doors::closed(1);
    doors.set(0, Some(child.url.clone()));
    let mut caller = Caller::new(&house, &doors, chance.branch());
    caller.answered.raised.push(house.first.0);
    (0..20).for_each(|_| {
        caller.raises();
    });
    proxy.holds.store(true, Ordering::SeqCst);
    let asker = Asker::new(&house, &child.url);
    // More than there are connections to the database, so that the later ones find none.
    let ended: Vec<_> = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..24)
            .map(|number| {
                let asker = &asker;
                scope.spawn(move || match number % 2 {
                    0 => asker.asks("GET", "/api/v1/incidents", None),
                    _ => asker.raises(),
                })
            })
            .collect();
        asked.into_iter().map(|one| one.join().unwrap()).collect()
    });
    for (status, answer) in ended {
        assert_eq!(status, 503, "{answer}");
        let kind = answer["type"].as_str().unwrap();
        assert!(
            kind.ends_with("unavailable") || kind.ends_with("in-doubt"),
            "{answer}"
        );
    }
    let (status, _) = asker.asks("GET", "/healthz", None);
    assert_eq!(status, 200, "it lives");
    assert!(!child.has_ended(), "{}", child.said());
    proxy.holds.store(false, Ordering::SeqCst);
    until("the service answers again", || {
        asker.asks("GET", "/api/v1/incidents", None).0 == 200
    });
    (0..20).for_each(|_| {
        caller.raises();
    });
    settles(&house);
    child.stop();
    // What was given up may have been done after all, whole; nobody was told that it was.
    let mut answered = caller.answered;
    let known: Vec<i64> = house
        .store()
        .read(store::incident::ids)
        .unwrap()
        .iter()
        .map(|id| id.0)
        .collect();
    let given_up = known
        .iter()
        .filter(|id| !answered.raised.contains(id))
        .copied()
        .collect::<Vec<_>>();
    assert!(given_up.len() <= 12, "{given_up:?}");
    answered.raised.extend(given_up);
    check(
        &house,
        &answered,
        "a PostgreSQL that says nothing for a while",
    );
}
