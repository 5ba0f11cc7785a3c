//! Letters to one domain that is dead, slow or gets very many, and letters to others.

use std::sync::Arc;
use std::time::Duration;

use diesel::Connection;
use diesel::connection::SimpleConnection;
use redress::domain::letter::LetterState;
use redress::domain::outbox::ATTEMPTS;
use redress::engine::deliver::{Delivered, Post, Sender};
use redress::hook::outlet::HookOutlet;
use redress::mail::outlet::{Delivery, Limits, Outlet, Patience, SmtpOutlet};
use redress::mail::templates::Templates;
use redress::store::{self, DatabaseUrl};
use redress::time::{DAY, MINUTE, Moment, SECOND};
use tokio::runtime::Runtime;

use crate::on_both;
use crate::support::smtp::Smtp;
use crate::world::World;

fn run(world: &World, sql: &str) {
    match world.store.url() {
        DatabaseUrl::Postgres(url) => diesel::PgConnection::establish(url)
            .unwrap()
            .batch_execute(sql),
        DatabaseUrl::Sqlite(path) => diesel::SqliteConnection::establish(path)
            .unwrap()
            .batch_execute(sql),
    }
    .unwrap();
}

/// Queues copies of the letter of one incident, to that address, before the letter itself.
fn copies(world: &World, number: u32, email: &str) {
    let same = "kind, incident_id, case_id, clock_id, breach_id, contact_id, name, locale, time_zone, side, facts, \
                planned_at, created_at, state, attempts, lease, in_doubt, thread";
    run(
        world,
        &format!(
            "INSERT INTO letters (key, message_id, email, next_attempt_at, {same}) \
         WITH RECURSIVE copies (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM copies WHERE number < {number}) \
         SELECT '{email} ' || number || ' ' || key, '{email}.' || number || message_id, '{email}', next_attempt_at, {same} \
         FROM letters CROSS JOIN copies WHERE email = 'desk@vendor.example' AND key NOT LIKE '%@%@%'"
        ),
    );
}

/// The delivery, on a runtime of its own that outlives each call.
pub struct Desk {
    post: Post,
    runtime: Runtime,
}

impl Desk {
    pub fn new(world: &World, outlet: Outlet) -> Self {
        Self::with_hooks(world, outlet, HookOutlet::AsMail)
    }

    pub fn with_hooks(world: &World, outlet: Outlet, hooks: HookOutlet) -> Self {
        let sender = Sender {
            outlet,
            from: "Redress <redress@example.com>".parse().unwrap(),
            reply_to: None,
            public_url: "https://redress.example.com".to_string(),
            hooks,
            templates: Templates::default(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread();
        Self {
            post: Post::new(world.store.clone(), Arc::new(sender)),
            runtime: { runtime }.enable_all().build().unwrap(),
        }
    }

    /// Goes on until nothing is on its way and none is due, or that is so.
    pub fn works_until(&mut self, is_enough: impl Fn() -> bool) -> Delivered {
        let Self { post, runtime } = self;
        runtime.block_on(async {
            let mut done = Delivered::default();
            while !is_enough() {
                match post.step().await.unwrap() {
                    Some(some) => done += some,
                    None => break,
                }
            }
            done
        })
    }

    pub fn works(&mut self) -> Delivered {
        self.works_until(|| false)
    }
}

fn in_state(world: &World, state: LetterState) -> i64 {
    let counts = world.store.read(store::letter::counts).unwrap();
    counts
        .into_iter()
        .find(|(of, _)| *of == state)
        .map_or(0, |(_, count)| count)
}

fn next(world: &World) -> Option<Moment> {
    world.store.read(store::letter::next_due).unwrap()
}

on_both! { fn ten_thousand_letters_to_a_dead_domain_do_not_keep_another_waiting(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    world.raises(contract, "S1");
    copies(world, 10_000, "desk@dead.example");
    world.hand.set(world.hand.now() + SECOND);
    world.raises(contract, "S1");
    let server = Smtp::start();
    server.falls_silent_for("dead.example");
    let patience = Patience { exchange: Duration::from_millis(100), content: Duration::from_secs(5) };
    let outlet = SmtpOutlet::from_url(&server.url(), patience).unwrap();
    let outlet = outlet.limited_to(Limits { connections: 2, per_minute: 0 });
    let mut desk = Desk::new(world, Outlet::Smtp(outlet));
    let done = desk.works_until(|| server.letters().len() == 2);
    assert_eq!(server.letters().len(), 2, "{done:?}");
    assert!(done.retried < 100, "{done:?}: most of the dead ones have not been tried when the others are through");
    assert!(server.most_connections() <= 4, "two for each domain");

    // The rest of them wait apart from each other, and none of them for long.
    desk.works();
    assert_eq!(in_state(world, LetterState::Queued), 10_000);
    let soon = world.hand.now() + 6 * MINUTE;
    let latest = world.letters().iter().map(|letter| letter.next_attempt_at).max();
    assert!(next(world) > Some(world.hand.now()) && latest < Some(soon), "{latest:?}");
    let untried = world.letters().iter().filter(|letter| letter.state == LetterState::Queued && letter.attempts == 0).count();
    assert!(untried > 9_000, "having to wait is no attempt: {untried}");

    // When the domain is back, those whose turn it is arrive.
    server.speaks_to("dead.example");
    let mut done = Delivered::default();
    for _ in 0..3 {
        world.hand.set(next(world).unwrap() + SECOND);
        done += desk.works();
    }
    assert_eq!((done.retried, done.failed), (0, 0), "{done:?}");
    assert!(done.sent >= 20 && server.letters().len() == 2 + done.sent as usize, "{done:?}");
} }

on_both! { fn a_domain_gets_no_more_letters_a_minute_than_it_may(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    world.raises(contract, "S1");
    copies(world, 24, "desk@other.example");
    world.outlet.limited_to(Limits { connections: 4, per_minute: 10 });
    let mut desk = Desk::new(world, Outlet::Memory(world.outlet.clone()));
    let start = world.hand.now();
    let mut sent = Vec::new();
    while let Some(due) = next(world) {
        world.hand.set(due.max(world.hand.now()));
        desk.works();
        sent.extend(world.outlet.drain().into_iter().filter(|letter| letter.to == "desk@other.example").map(|letter| letter.at - start));
    }
    assert_eq!(sent.len(), 24);
    for window in sent.windows(11) {
        assert!(window[10] - window[0] >= MINUTE, "{sent:?}");
    }
    assert!(sent[9] == 0 && sent[23] <= 4 * MINUTE, "{sent:?}");
    assert_eq!(in_state(world, LetterState::Sent), 25);
} }

on_both! { fn a_letter_that_is_always_put_off_is_given_up_after_two_days_of_growing_waits(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    world.raises(contract, "S1");
    let later = Delivery::Deferred { code: 451, text: "4.3.0 try later".to_string() };
    world.outlet.fails_next(ATTEMPTS as usize, later);
    let start = world.hand.now();
    let mut waits = Vec::new();
    while let Some(due) = next(world) {
        waits.push(due - world.hand.now());
        world.hand.set(due);
        world.delivers();
    }
    let letter = world.letters().remove(0);
    assert_eq!((letter.state, letter.attempts), (LetterState::Failed, ATTEMPTS));
    let said = letter.last_error.unwrap();
    assert!(said.contains("given up after 16 attempts") && said.contains("451 4.3.0 try later"), "{said}");
    assert_eq!(waits.len(), ATTEMPTS as usize);
    assert!(waits[1] <= MINUTE && waits[1] >= 48 * SECOND, "{waits:?}");
    assert!(waits[1..9].is_sorted(), "{waits:?}");
    let took = world.hand.now() - start;
    assert!(took > DAY && took < 2 * DAY, "{took}");
    world.passes_to_moment(world.hand.now());
} }

on_both! { fn letters_that_failed_together_do_not_come_back_together(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    world.raises(contract, "S1");
    copies(world, 20, "desk@other.example");
    let away = Delivery::Unreachable { error: "connection refused".to_string() };
    world.outlet.fails_next(21, away);
    let mut desk = Desk::new(world, Outlet::Memory(world.outlet.clone()));
    while world.letters().iter().any(|letter| letter.attempts == 0) {
        let due = next(world).unwrap();
        world.hand.set(due.max(world.hand.now()));
        desk.works();
    }
    let mut again: Vec<_> = world.letters().iter().map(|letter| letter.next_attempt_at).collect();
    again.sort();
    again.dedup();
    assert!(again.len() >= 20, "{again:?}");
} }

on_both! { fn a_silent_mail_server_leaves_doubt_and_the_letter_goes_again_under_its_name(world) {
    let contract = world.signs("NW-2026", world.usual_terms());
    world.raises(contract, "S1");
    let server = Smtp::start();
    server.falls_silent_in_data(1);
    let patience = Patience { exchange: Duration::from_secs(5), content: Duration::from_millis(200) };
    let outlet = SmtpOutlet::from_url(&server.url(), patience).unwrap();
    let mut desk = Desk::new(world, Outlet::Smtp(outlet));
    assert_eq!(desk.works().retried, 1);
    let doubt = world.letters().remove(0);
    assert!(doubt.in_doubt && doubt.last_error.unwrap().contains("may have arrived"));
    world.hand.set(world.hand.now() + MINUTE);
    assert_eq!(desk.works().sent, 1);
    let letters = server.letters();
    assert_eq!(letters.len(), 2, "it was read to its end the first time");
    assert_eq!(letters[0].header("Message-ID"), letters[1].header("Message-ID"));
    assert!(letters[0].header("Message-ID").unwrap().contains(&doubt.message_id));
} }
