//! The mailbox for replies, looked into over IMAP.

use std::time::Duration;

use redress::domain::IncidentId;
use redress::domain::received::{Received, Verdict};
use redress::domain::words::EventKind;
use redress::mail::mailbox::{Address, Patience};
use redress::mail::outlet::Authorities;
use redress::postbox::{Postbox, Standing};
use redress::store;
use tokio::sync::watch;
use url::Url;

use super::replies::{Mail, raised, reception};
use crate::on_both;
use crate::support::imap::{Imap, Mishap};
use crate::support::smtp::Authority;
use crate::world::{World, at};

/// As the server writes 2 March 2026, 10:04 in Berlin.
const CAME: &str = " 2-Mar-2026 10:04:00 +0100";

fn postbox(url: &str) -> Postbox {
    Postbox {
        address: Address::of(&Url::parse(url).unwrap()).unwrap(),
        authorities: Authorities::default(),
        patience: Patience::default(),
        reception: reception(),
        standing: Standing::default(),
    }
}

fn looks(world: &World, postbox: &Postbox) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(postbox.look_once(&world.store))
}

fn messages(world: &World) -> Vec<Received> {
    let mut all = world
        .store
        .read(|conn| store::received::list(conn, None, None, None, 100))
        .unwrap();
    all.reverse();
    all
}

fn kinds(world: &World, incident: IncidentId) -> Vec<EventKind> {
    world
        .events(incident)
        .iter()
        .map(|event| event.kind)
        .collect()
}

on_both! { fn a_reply_in_the_mailbox_counts_when_it_came_there_and_is_marked_once_it_is_kept(world) {
    let (incident, letter) = raised(world);
    world.passes_to("2026-03-02T10:20[Europe/Berlin]");
    let server = Imap::start();
    let postbox = postbox(&server.url("imap", "right"));
    server.receives(&Mail::to(&letter).bytes(), CAME);
    server.receives(b"Subject: nothing\r\n\r\nBuy now\r\n", CAME);
    looks(world, &postbox).unwrap();
    assert_eq!(world.events(incident)[1].occurred_at, at("2026-03-02T10:04[Europe/Berlin]"));
    assert_eq!(server.unseen(), Vec::<usize>::new());
    let verdicts: Vec<_> = messages(world).iter().map(|message| message.verdict).collect();
    assert_eq!(verdicts, [Verdict::Trusted, Verdict::Unplaced]);
    // The same again, for instance since the mark was lost.
    server.receives(&Mail::to(&letter).bytes(), CAME);
    looks(world, &postbox).unwrap();
    assert_eq!((messages(world).len(), server.unseen().len()), (2, 0));
    assert_eq!(kinds(world, incident), [EventKind::Reported, EventKind::Responded]);
} }

on_both! { fn what_is_too_long_is_not_fetched_and_a_server_that_lies_is_cut_off(world) {
    let (_, letter) = raised(world);
    let server = Imap::start();
    let postbox = postbox(&server.url("imap", "right"));
    server.receives_as(b"From: a@b.example\r\n\r\nx", CAME, Some(50_000_000));
    looks(world, &postbox).unwrap();
    assert_eq!(server.heard("BODY.PEEK"), 0);
    assert_eq!((messages(world)[0].verdict, messages(world)[0].size), (Verdict::Refused, 50_000_000));
    // It says that it is short and is long.
    let mut long = Mail::to(&letter);
    long.text = "x".repeat(1_000_000);
    server.receives_as(&long.bytes(), CAME, Some(100));
    let said = looks(world, &postbox).unwrap_err();
    assert!(said.contains("more than it may"), "{said}");
    assert_eq!(server.unseen(), [2]);
} }

on_both! { fn a_server_that_is_gone_silent_or_endless_is_given_up_in_time(world) {
    let server = Imap::start();
    let mut right = postbox(&server.url("imap", "right"));
    right.patience.answer = Duration::from_secs(1);
    for (mishap, said) in [
        (Mishap::Silence("LOGIN"), "did not sign in within"),
        (Mishap::Silence("UID SEARCH"), "did not list what is new within"),
        (Mishap::HangUp("SELECT"), "the mailbox's server"),
        (Mishap::No("SELECT"), "not today"),
        (Mishap::Endless("UID SEARCH"), "the mailbox's server"),
    ] {
        server.goes_wrong(Some(mishap));
        let trouble = looks(world, &right).unwrap_err();
        assert!(trouble.contains(said), "{mishap:?}: {trouble}");
    }
    server.goes_wrong(None);
    let wrong = looks(world, &postbox(&server.url("imap", "wrong-1f"))).unwrap_err();
    assert!(wrong.contains("who are you") && !wrong.contains("wrong-1f"), "{wrong}");
    let url = server.url("imap", "right");
    drop(server);
    assert!(looks(world, &postbox(&url)).is_err());
} }

on_both! { fn a_message_that_cannot_be_kept_stays_in_the_mailbox(world) {
    let (_, letter) = raised(world);
    let server = Imap::start();
    server.receives(&Mail::to(&letter).bytes(), CAME);
    server.goes_wrong(Some(Mishap::HangUp("UID STORE")));
    let postbox = postbox(&server.url("imap", "right"));
    looks(world, &postbox).unwrap_err();
    assert_eq!((messages(world).len(), server.unseen()), (1, vec![1]), "kept, and met again");
    server.goes_wrong(None);
    looks(world, &postbox).unwrap();
    assert_eq!((messages(world).len(), server.unseen()), (1, vec![]));
    world.delivers();
} }

on_both! { fn the_thread_takes_what_comes_while_the_server_tells_of_it(world) {
    let (incident, letter) = raised(world);
    let authority = Authority::new("house");
    let server = Imap::start_with(Some(authority.certifies(&["127.0.0.1"])));
    let mut postbox = postbox(&server.url("imaps", "right"));
    assert!(looks(world, &postbox).unwrap_err().contains("--smtp-ca-file"), "nobody knows that authority");
    postbox.authorities = Authorities::read(authority.file().path()).unwrap();
    let standing = postbox.standing.clone();
    let (stop, stopped) = watch::channel(false);
    server.receives(b"Subject: first\r\n\r\nx\r\n", CAME);
    postbox.start(world.store.clone(), stopped).unwrap();
    assert_eq!(server.marked(), 1);
    // Told of while it waits.
    server.receives(&Mail::to(&letter).bytes(), CAME);
    assert_eq!(server.marked(), 2);
    assert_eq!(kinds(world, incident), [EventKind::Reported, EventKind::Responded]);
    assert_eq!(standing.failed(), 0);
    assert!(standing.silence().is_some());
    stop.send(true).unwrap();
    world.delivers();
} }
