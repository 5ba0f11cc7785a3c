//! Letters one after the other over one connection, of which each may be the one that goes wrong.

use std::time::Duration;

use redress::mail::outlet::{Delivery, MemoryOutlet, Outgoing, Outlet, Patience, SmtpOutlet};

use super::{is_accepted, letter_to, of_every_manner, outlet};
use crate::support::smtp::Smtp;

fn letters(to: &[&str]) -> Vec<Outgoing> {
    to.iter()
        .map(|to| letter_to(&format!("{to}@vendor.example")))
        .collect()
}

async fn send_while(
    outlet: &Outlet,
    letters: &[Outgoing],
    may_begin: impl Fn(usize) -> bool,
) -> Vec<Delivery> {
    let letters: Vec<_> = letters.iter().collect();
    let mut done = Vec::new();
    outlet
        .send_in_turn(&letters, may_begin, |delivery| done.push(delivery))
        .await;
    done
}

async fn send(outlet: &Outlet, letters: &[Outgoing]) -> Vec<Delivery> {
    send_while(outlet, letters, |_| true).await
}

/// What became of each, by the first letter of its name and the code where there is one.
fn brief(done: &[Delivery]) -> Vec<String> {
    let brief = |delivery: &Delivery| match delivery {
        Delivery::Accepted { .. } => "accepted".to_string(),
        Delivery::Refused { code, .. } => format!("refused {code}"),
        Delivery::Deferred { code, .. } => format!("deferred {code}"),
        Delivery::Unreachable { .. } => "unreachable".to_string(),
        Delivery::InDoubt { .. } => "in doubt".to_string(),
    };
    done.iter().map(brief).collect()
}

fn taken(server: &Smtp) -> Vec<String> {
    let name = |to: &str| to.split('@').next().unwrap_or_default().to_string();
    let letters = server.letters();
    letters.iter().map(|letter| name(&letter.to[0])).collect()
}

#[tokio::test]
async fn all_arrive_whole_in_their_order_over_one_connection() {
    for server in of_every_manner() {
        let letters = letters(&["a", "b", "c", "d"]);
        let done = send(&outlet(&server.url()), &letters).await;
        assert!(done.len() == 4 && done.iter().all(is_accepted), "{done:?}");
        let received = server.letters();
        for (sent, received) in letters.iter().zip(&received) {
            assert_eq!((&sent.to, &sent.bytes), (&received.to[0], &received.raw));
        }
        assert_eq!((received.len(), server.most_connections()), (4, 1));
    }
}

#[tokio::test]
async fn a_refusal_in_the_middle_costs_no_other_letter() {
    for server in of_every_manner() {
        let outlet = outlet(&server.url());
        server.refuses("gone@vendor.example", "550 5.1.1 nobody of that name");
        server.refuses("full@vendor.example", "452 4.2.2 mailbox full");
        let mixed = letters(&["a", "gone", "b", "full", "gone", "c"]);
        assert_eq!(
            brief(&send(&outlet, &mixed).await),
            [
                "accepted",
                "refused 550",
                "accepted",
                "deferred 452",
                "refused 550",
                "accepted"
            ]
        );
        server.fails_next(1, "554 5.7.1 looks like spam");
        server.fails_next(1, "421 4.3.2 going down");
        let texts = letters(&["spam", "late", "d", "gone", "e"]);
        assert_eq!(
            brief(&send(&outlet, &texts).await),
            [
                "refused 554",
                "deferred 421",
                "accepted",
                "refused 550",
                "accepted"
            ]
        );
        assert_eq!(taken(&server), ["a", "b", "c", "d", "e"]);
    }
}

#[tokio::test]
async fn a_letter_without_an_address_is_refused_in_its_place() {
    let server = Smtp::start();
    let mut letters = letters(&["a", "b", "c"]);
    letters[1].to = "nobody".to_string();
    let done = send(&outlet(&server.url()), &letters).await;
    assert_eq!(brief(&done), ["accepted", "refused 553", "accepted"]);
    assert_eq!(taken(&server), ["a", "c"]);
}

#[tokio::test]
async fn doubt_is_about_the_letter_whose_text_flowed_and_no_other() {
    for server in of_every_manner() {
        let outlet = outlet(&server.url());
        assert!(is_accepted(
            &outlet.send(&letter_to("first@vendor.example")).await
        ));
        server.fails_next(1, "451 4.3.0 try later");
        server.drops_after_data(1);
        let done = send(&outlet, &letters(&["a", "b", "c"])).await;
        assert_eq!(
            brief(&done),
            ["deferred 451", "in doubt"],
            "the third is left"
        );
        assert_eq!(taken(&server), ["first", "b"]);

        server.fails_next(1, "451 4.3.0 try later");
        server.drops_in_data(1);
        let done = send(&outlet, &letters(&["a", "b", "c"])).await;
        assert_eq!(brief(&done), ["deferred 451", "in doubt"]);
        assert_eq!(taken(&server), ["first", "b"]);
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_at_the_next_envelope_has_the_letter_before_it() {
    let patience = Patience {
        exchange: Duration::from_millis(200),
        content: Duration::from_millis(200),
    };
    for server in of_every_manner() {
        let outlet = Outlet::Smtp(SmtpOutlet::from_url(&server.url(), patience).unwrap());
        server.falls_silent_for("dead.example");
        let mut letters = letters(&["a", "b", "c"]);
        letters[1].to = "desk@dead.example".to_string();
        let done = send(&outlet, &letters).await;
        assert_eq!(brief(&done), ["accepted", "unreachable"]);
        assert_eq!(taken(&server), ["a"]);
        assert!(is_accepted(&outlet.send(&letters[2]).await));
    }
}

#[tokio::test]
async fn a_letter_whose_time_is_over_is_not_begun_and_its_envelope_carries_nothing() {
    for server in of_every_manner() {
        let outlet = outlet(&server.url());
        let done = send_while(&outlet, &letters(&["a", "b", "c"]), |place| place < 2).await;
        assert_eq!(brief(&done), ["accepted", "accepted"]);
        let done = send_while(&outlet, &letters(&["d", "e"]), |_| false).await;
        assert_eq!(brief(&done), ["accepted"], "the first may always");
        assert!(is_accepted(
            &outlet.send(&letter_to("f@vendor.example")).await
        ));
        assert_eq!(taken(&server), ["a", "b", "d", "f"]);
    }
}

#[tokio::test]
async fn memory_goes_the_same_way() {
    let memory = MemoryOutlet::default();
    let outlet = Outlet::Memory(memory.clone());
    let lost = Delivery::InDoubt {
        error: "lost".to_string(),
    };
    memory.fails_next(1, lost);
    assert_eq!(
        brief(&send(&outlet, &letters(&["a", "b"])).await),
        ["in doubt"]
    );
    assert_eq!(
        send_while(&outlet, &letters(&["c", "d"]), |_| false)
            .await
            .len(),
        1
    );
    assert_eq!(memory.letters().len(), 1);
}
