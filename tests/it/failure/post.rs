//! Letters that a mail server puts off, refuses, or takes without saying so.

use std::time::Duration;

use redress::actions;
use redress::domain::letter::LetterState;
use redress::domain::outbox::LEASE;
use redress::engine::deliver::{Delivered, Sender, deliver};
use redress::mail::outlet::{Outlet, Patience, SmtpOutlet};
use redress::mail::templates::Templates;
use redress::store::letter::Settlement;
use redress::store::{self, Actor};
use redress::time::MINUTE;

use crate::on_both;
use crate::support::smtp::Smtp;
use crate::world::World;

fn sends(world: &World, server: &Smtp) -> Delivered {
    let patience = Patience {
        exchange: Duration::from_secs(5),
        content: Duration::from_secs(5),
    };
    let sender = Sender {
        outlet: Outlet::Smtp(SmtpOutlet::from_url(&server.url(), patience).unwrap()),
        from: "Redress <redress@example.com>".parse().unwrap(),
        reply_to: None,
        public_url: "https://redress.example.com".to_string(),
        hooks: Default::default(),
        templates: Templates::default(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(deliver(&world.store, &sender)).unwrap()
}

fn raised(world: &World) {
    let contract = world.signs("NW-2026", world.usual_terms());
    world.raises(contract, "S1");
    assert_eq!(world.post(), ["raised desk@vendor.example"]);
}

on_both! { fn a_letter_that_is_put_off_goes_later_with_the_same_message_id(world) {
    let server = Smtp::start();
    raised(world);
    server.fails_next(1, "451 try again later");
    assert_eq!(sends(world, &server).retried, 1);
    let waits = world.letters().remove(0);
    assert_eq!((waits.state, waits.attempts), (LetterState::Queued, 1));
    assert!(waits.last_error.unwrap().contains("451"));
    assert!(waits.next_attempt_at > world.hand.now());
    assert_eq!(sends(world, &server), Delivered::default(), "not before its time");
    world.hand.set(world.hand.now() + 2 * MINUTE);
    assert_eq!(sends(world, &server).sent, 1);
    let letters = server.letters();
    assert_eq!(letters.len(), 1);
    assert!(letters[0].header("Message-ID").unwrap().contains(&waits.message_id));
} }

on_both! { fn a_letter_that_is_refused_has_failed_and_can_be_queued_again(world) {
    let server = Smtp::start();
    raised(world);
    server.refuses("desk@vendor.example", "550 no such mailbox");
    let first = sends(world, &server);
    assert_eq!(first.failed, 1);
    let failed = world.letters().remove(0);
    assert_eq!(failed.state, LetterState::Failed);
    assert!(failed.last_error.unwrap().contains("550"));
    server.accepts("desk@vendor.example");
    let id = failed.id;
    world.store.write(Actor::Person(world.ann), move |tx| actions::letter::requeue(tx, id)).unwrap();
    let sent = first.sent + sends(world, &server).sent;
    assert_eq!(sent, 2, "with the one that tells the owner of the address");
} }

on_both! { fn a_connection_lost_in_the_middle_leaves_doubt_and_the_double_is_recognisable(world) {
    let server = Smtp::start();
    raised(world);
    server.drops_after_data(1);
    assert_eq!(sends(world, &server).retried, 1);
    let doubt = world.letters().remove(0);
    assert!(doubt.in_doubt && doubt.may_have_arrived());
    world.hand.set(world.hand.now() + 2 * MINUTE);
    assert_eq!(sends(world, &server).sent, 1);
    let letters = server.letters();
    assert_eq!(letters.len(), 2, "it had arrived already");
    assert_eq!(letters[0].header("Message-ID"), letters[1].header("Message-ID"));
} }

on_both! { fn a_mail_server_that_is_away_loses_no_letter(world) {
    let server = Smtp::start();
    raised(world);
    server.goes_away();
    assert_eq!(sends(world, &server).retried, 1);
    assert!(!world.letters()[0].in_doubt);
    server.comes_back();
    world.hand.set(world.hand.now() + 2 * MINUTE);
    assert_eq!(sends(world, &server).sent, 1);
    assert_eq!(server.letters().len(), 1);
} }

on_both! { fn a_letter_over_which_the_service_breaks_down_holds_up_no_other(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    world.raises(contract, "S1");
    world.raises(contract, "S2");
    world.raises(contract, "S2");
    world.outlet.panics_next(1);
    let done = world.delivers();
    assert_eq!((done.sent, done.retried, done.failed), (2, 1, 0));
    let waits: Vec<_> = world.letters().into_iter().filter(|letter| letter.state == LetterState::Queued).collect();
    assert_eq!((waits.len(), waits[0].attempts, waits[0].in_doubt), (1, 1, true));
    assert!(waits[0].last_error.as_ref().unwrap().contains("broke down"));
    world.hand.set(world.hand.now() + 2 * MINUTE);
    assert_eq!(world.delivers().sent, 1);
    assert_eq!(world.outlet.letters().len(), 3);
} }

on_both! { fn a_lapsed_lease_is_taken_over_and_the_old_one_cannot_settle(world) {
    raised(world);
    let first = world.store.write(Actor::Engine, |tx| store::letter::lease(tx, 10)).unwrap().remove(0);
    let none = world.store.write(Actor::Engine, |tx| store::letter::lease(tx, 10)).unwrap();
    assert!(none.is_empty(), "it is held");
    world.hand.set(world.hand.now() + LEASE);
    let second = world.store.write(Actor::Engine, |tx| store::letter::lease(tx, 10)).unwrap().remove(0);
    assert!(second.lease > first.lease && second.in_doubt, "the first may have sent it");
    let settle = |lease: i64| {
        let id = first.id;
        world.store.write(Actor::Engine, move |tx| store::letter::settle(tx, id, lease, None, &Settlement::Sent)).unwrap()
    };
    assert!(!settle(first.lease));
    assert!(settle(second.lease));
} }
