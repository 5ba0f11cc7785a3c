//! What becomes of a letter at a mail server that does all that mail servers do.

use std::time::Duration;

use redress::domain::LetterId;
use redress::mail::outlet::{Delivery, Outgoing, Outlet, Patience, SmtpOutlet};
use redress::time::Moment;

use crate::support::smtp::{Offers, Smtp};

mod encrypted;
mod in_turn;

fn outlet(url: &str) -> Outlet {
    Outlet::Smtp(SmtpOutlet::from_url(url, Patience::default()).unwrap())
}

fn letter_to(to: &str) -> Outgoing {
    Outgoing {
        id: LetterId(1),
        at: Moment::parse("2026-11-20T15:52:00Z").unwrap(),
        from: "redress@example.com".to_string(),
        to: to.to_string(),
        bytes: b"Subject: Frankfurt is cut off\r\n\r\nline\r\n.\r\n..two dots\r\n".to_vec(),
    }
}

fn letter() -> Outgoing {
    letter_to("desk@vendor.example")
}

fn is_accepted(delivery: &Delivery) -> bool {
    matches!(delivery, Delivery::Accepted { .. })
}

#[track_caller]
fn assert_unreachable(delivery: &Delivery, because: &str) {
    let Delivery::Unreachable { error } = delivery else {
        panic!("{delivery:?}")
    };
    assert!(error.contains(because), "{error}");
}

#[tokio::test]
async fn a_letter_arrives_as_it_was_sent() {
    let server = Smtp::start();
    let delivery = outlet(&server.url()).send(&letter()).await;
    assert!(is_accepted(&delivery), "{delivery:?}");
    let [received] = server.letters().try_into().ok().unwrap();
    assert_eq!(received.from, "redress@example.com");
    assert_eq!(received.to, ["desk@vendor.example"]);
    assert_eq!(received.raw, letter().bytes);
}

#[tokio::test]
async fn a_refused_recipient_is_final_and_the_next_letter_goes_out() {
    let server = Smtp::start();
    server.refuses("gone@vendor.example", "550 5.1.1 nobody of that name");
    let outlet = outlet(&server.url());
    assert_eq!(
        outlet.send(&letter_to("gone@vendor.example")).await,
        Delivery::Refused {
            code: 550,
            text: "5.1.1 nobody of that name".to_string(),
            address: true,
        }
    );
    assert!(is_accepted(&outlet.send(&letter()).await));
}

/// Servers that take one command after the other, several at once, and the text in any case.
fn of_every_manner() -> [Smtp; 3] {
    [(false, false), (true, false), (true, true)].map(|(pipelining, always_wants_text)| {
        Smtp::start_with(Offers {
            pipelining,
            always_wants_text,
            ..Offers::default()
        })
    })
}

#[tokio::test]
async fn a_refusal_at_any_step_is_told_from_the_others_and_costs_no_other_letter() {
    for server in of_every_manner() {
        let outlet = outlet(&server.url());
        server.refuses("gone@vendor.example", "550 5.1.1 nobody of that name");
        server.refuses("full@vendor.example", "452 4.2.2 mailbox full");
        let refused = outlet.send(&letter_to("gone@vendor.example")).await;
        assert!(
            matches!(refused, Delivery::Refused { code: 550, .. }),
            "{refused:?}"
        );
        assert!(is_accepted(&outlet.send(&letter()).await));
        let deferred = outlet.send(&letter_to("full@vendor.example")).await;
        assert!(
            matches!(deferred, Delivery::Deferred { code: 452, .. }),
            "{deferred:?}"
        );
        server.fails_next(1, "554 5.7.1 looks like spam");
        let spam = outlet.send(&letter()).await;
        assert!(
            matches!(spam, Delivery::Refused { code: 554, .. }),
            "{spam:?}"
        );
        assert!(is_accepted(&outlet.send(&letter()).await));
        let texts: Vec<_> = server
            .letters()
            .into_iter()
            .map(|letter| (letter.to, letter.raw))
            .collect();
        let right = (vec!["desk@vendor.example".to_string()], letter().bytes);
        assert_eq!(texts, [right.clone(), right], "no text went to another");
    }
}

#[tokio::test]
async fn letters_share_a_connection() {
    for server in of_every_manner() {
        let outlet = outlet(&server.url());
        for _ in 0..20 {
            assert!(is_accepted(&outlet.send(&letter()).await));
        }
        assert_eq!((server.letters().len(), server.most_connections()), (20, 1));
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_is_given_up_with_doubt_only_after_the_text() {
    let patience = Patience {
        exchange: Duration::from_millis(200),
        content: Duration::from_millis(200),
    };
    for server in of_every_manner() {
        let outlet = Outlet::Smtp(SmtpOutlet::from_url(&server.url(), patience).unwrap());
        server.falls_silent_for("dead.example");
        let at_recipient = outlet.send(&letter_to("desk@dead.example")).await;
        assert_unreachable(&at_recipient, "no answer within 0.2 s");
        server.falls_silent_in_data(1);
        let in_text = outlet.send(&letter()).await;
        assert!(matches!(in_text, Delivery::InDoubt { .. }), "{in_text:?}");
        assert!(is_accepted(&outlet.send(&letter()).await));
    }
}

#[tokio::test]
async fn what_the_server_says_after_the_text_counts() {
    let server = Smtp::start();
    let outlet = outlet(&server.url());
    server.fails_next(1, "451 4.3.0 try later");
    server.fails_next(1, "554 5.7.1 looks like spam");
    server.fails_next(1, "421 4.3.2 going down");
    let reply = |code, text: &str| (code, text.to_string());
    let mut answers = Vec::new();
    for _ in 0..3 {
        match outlet.send(&letter()).await {
            Delivery::Refused { code, text, .. } | Delivery::Deferred { code, text } => {
                answers.push((code, text));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(
        answers,
        [
            reply(451, "4.3.0 try later"),
            reply(554, "5.7.1 looks like spam"),
            reply(421, "4.3.2 going down")
        ]
    );
    assert!(server.letters().is_empty());
    assert!(is_accepted(&outlet.send(&letter()).await));
}

#[tokio::test]
async fn a_recipient_may_be_deferred() {
    let server = Smtp::start();
    server.refuses_next(1, "450 4.2.0 greylisted");
    let outlet = outlet(&server.url());
    let delivery = outlet.send(&letter()).await;
    assert!(
        matches!(delivery, Delivery::Deferred { code: 450, .. }),
        "{delivery:?}"
    );
    assert!(is_accepted(&outlet.send(&letter()).await));
}

#[tokio::test]
async fn a_connection_lost_in_or_after_the_text_leaves_doubt() {
    let server = Smtp::start();
    let outlet = outlet(&server.url());
    server.drops_in_data(1);
    let inside = outlet.send(&letter()).await;
    assert!(matches!(inside, Delivery::InDoubt { .. }), "{inside:?}");
    assert!(server.letters().is_empty());

    server.drops_after_data(1);
    let after = outlet.send(&letter()).await;
    assert!(matches!(after, Delivery::InDoubt { .. }), "{after:?}");
    assert_eq!(server.letters().len(), 1);
}

#[tokio::test]
async fn a_server_that_is_away_is_unreachable_and_its_return_is_noticed() {
    let server = Smtp::start();
    let outlet = outlet(&server.url());
    assert!(is_accepted(&outlet.send(&letter()).await));
    server.goes_away();
    assert_unreachable(&outlet.send(&letter()).await, "connect");
    server.comes_back();
    assert!(is_accepted(&outlet.send(&letter()).await));
}

#[tokio::test]
async fn a_connection_that_died_while_it_rested_costs_no_attempt() {
    let server = Smtp::start();
    let outlet = outlet(&server.url());
    assert!(is_accepted(&outlet.send(&letter()).await));
    server.goes_away();
    server.comes_back();
    let delivery = outlet.send(&letter()).await;
    assert!(is_accepted(&delivery), "{delivery:?}");
    assert_eq!(server.letters().len(), 2);
}

#[tokio::test]
async fn a_wrong_password_does_not_cost_the_letter() {
    let server = Smtp::start_with(Offers {
        login: Some(("ann".to_string(), "right".to_string())),
        ..Offers::default()
    });
    let wrong = outlet(&server.url_as("ann", "mistyped"))
        .send(&letter())
        .await;
    assert_unreachable(&wrong, "AUTH: 535");
    assert!(!format!("{wrong:?}").contains("mistyped"), "{wrong:?}");
    let without = outlet(&server.url()).send(&letter()).await;
    assert_unreachable(&without, "530");

    let right = outlet(&server.url_as("ann", "right"));
    assert!(is_accepted(&right.send(&letter()).await));
    assert_eq!(server.letters()[0].user.as_deref(), Some("ann"));
}

#[tokio::test]
async fn nothing_is_sent_without_the_encryption_that_was_asked_for() {
    let server = Smtp::start();
    let required = outlet(&format!("{}?tls=required", server.url()));
    assert_unreachable(&required.send(&letter()).await, "STARTTLS");
    assert_eq!(server.attempts(), 0);
    let opportunistic = outlet(&format!("{}?tls=opportunistic", server.url()));
    assert!(is_accepted(&opportunistic.send(&letter()).await));
}

#[tokio::test]
async fn a_server_that_never_speaks_is_given_up() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", silent.local_addr().unwrap());
    let patience = Patience {
        exchange: Duration::from_millis(50),
        content: Duration::from_millis(50),
    };
    let outlet = Outlet::Smtp(SmtpOutlet::from_url(&url, patience).unwrap());
    assert_unreachable(&outlet.send(&letter()).await, "no answer within 0.05 s");
}

#[tokio::test]
async fn addresses_that_cannot_be_written_to_are_refused_here() {
    let server = Smtp::start();
    let outlet = outlet(&server.url());
    for address in ["nobody", "müller@vendor.example"] {
        let delivery = outlet.send(&letter_to(address)).await;
        assert!(
            matches!(delivery, Delivery::Refused { code: 553, .. }),
            "{delivery:?}"
        );
    }
    assert_eq!(server.attempts(), 0);
}

#[tokio::test]
async fn letters_may_leave_side_by_side() {
    let server = Smtp::start();
    let outlet = outlet(&server.url());
    let letter = letter();
    let deliveries = futures_util::future::join_all((0..10).map(|_| outlet.send(&letter))).await;
    assert!(deliveries.iter().all(is_accepted), "{deliveries:?}");
    assert_eq!(server.letters().len(), 10);
}
