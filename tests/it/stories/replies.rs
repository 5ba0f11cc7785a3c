//! Mail that comes back: replies of the vendor, of machines, of anybody.

use mail_parser::MessageParser;
use redress::actions::received::{self, Reception, Taken};
use redress::domain::IncidentId;
use redress::domain::received::{Received, Verdict};
use redress::domain::timeline::Event;
use redress::domain::words::{EventKind, Metric, Source};
use redress::error::{Error, Result};
use redress::mail::inbound::{arrived, take_in};
use redress::store::{self, Actor};
use redress::time::{MINUTE, Moment};
use serde_json::json;

use crate::on_both;
use crate::world::{World, at};

const DESK: &str = "desk@vendor.example";
const PROOF: &str = "mx.example.com; dmarc=pass header.from=vendor.example";

/// What is to be known of a letter to answer it.
pub struct Sent {
    id: String,
    thread: String,
    reply_to: String,
}

fn sent(world: &World, to: &str) -> Sent {
    world.delivers();
    let letters = world.outlet.drain();
    let letter = letters.iter().find(|letter| letter.to == to).unwrap();
    let read = MessageParser::default().parse(&letter.bytes).unwrap();
    Sent {
        id: read.message_id().unwrap().to_string(),
        thread: read.in_reply_to().as_text().unwrap().to_string(),
        reply_to: read
            .reply_to()
            .and_then(|address| address.first())
            .and_then(|address| address.address.clone())
            .map(|address| address.to_string())
            .unwrap_or_default(),
    }
}

/// A message about to be sent to us.
pub struct Mail {
    head: Vec<String>,
    from: String,
    to: String,
    subject: String,
    pub text: String,
}

impl Mail {
    pub fn to(letter: &Sent) -> Self {
        Self {
            head: vec![
                format!("Authentication-Results: {PROOF}"),
                "Message-ID: <1@vendor.example>".to_string(),
                format!("In-Reply-To: <{}>", letter.id),
                format!("References: <{}> <{}>", letter.thread, letter.id),
                // Says whatever its sender likes.
                "Date: Mon, 2 Mar 2026 01:00:00 +0100".to_string(),
            ],
            from: format!("Mei Lin <{DESK}>"),
            to: letter.reply_to.clone(),
            subject: "Re: Frankfurt".to_string(),
            text: "We are on it.\n\nOn Monday Redress wrote:\n> Frankfurt is cut off\n".to_string(),
        }
    }

    fn with(mut self, header: &str) -> Self {
        self.head.push(header.to_string());
        self
    }

    fn without(mut self, header: &str) -> Self {
        self.head.retain(|line| !line.starts_with(header));
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let Self {
            from,
            to,
            subject,
            text,
            ..
        } = self;
        let head = self.head.join("\r\n");
        format!("{head}\r\nFrom: {from}\r\nTo: {to}\r\nSubject: {subject}\r\n\r\n{text}")
            .into_bytes()
    }
}

pub fn reception() -> Reception {
    Reception {
        reply_to: "redress@example.com".parse().ok(),
        relays: vec!["mx.example.com".to_string()],
    }
}

fn arrives(world: &World, mail: &Mail) -> Taken {
    let arrived = take_in(mail.bytes().as_slice()).unwrap();
    received::receive(&world.store, &reception(), arrived).unwrap()
}

fn arrived_at(world: &World, mail: &Mail, at: Moment) -> Taken {
    received::receive(&world.store, &reception(), arrived(mail.bytes(), Some(at))).unwrap()
}

fn kept(verdict: Verdict, taken: &Taken) -> (Option<i64>, String) {
    match taken {
        Taken::Kept {
            verdict: as_what,
            reason,
            seq,
            ..
        } if *as_what == verdict => (*seq, reason.clone()),
        other => panic!("not {verdict}: {other:?}"),
    }
}

fn messages(world: &World) -> Vec<Received> {
    let mut all = world
        .store
        .read(|conn| store::received::list(conn, None, None, None, 100))
        .unwrap();
    all.reverse();
    all
}

fn texts(world: &World, event: &Event) -> Vec<(String, String)> {
    let texts = world
        .store
        .read(|conn| store::incident::texts(conn, event.incident_id))
        .unwrap();
    let of = texts.get(&event.id).cloned().unwrap_or_default();
    of.into_iter()
        .map(|(name, text)| (name, text.content))
        .collect()
}

fn confirms(
    world: &World,
    message: &Received,
    kind: EventKind,
    promised_for: Option<Moment>,
) -> Result<Event> {
    let id = message.id;
    world.store.write(Actor::Person(world.ann), move |tx| {
        received::confirm(tx, id, kind, promised_for)
    })
}

pub fn raised(world: &World) -> (IncidentId, Sent) {
    let contract = world.signs("NW-2026", world.usual_terms());
    let incident = world.raises(contract, "S1");
    let letter = sent(world, DESK);
    (incident, letter)
}

fn kinds(world: &World, incident: IncidentId) -> Vec<EventKind> {
    world
        .events(incident)
        .iter()
        .map(|event| event.kind)
        .collect()
}

on_both! { fn a_proven_reply_stops_the_response_clock_at_the_moment_it_came(world) {
    let (incident, letter) = raised(world);
    assert!(letter.reply_to.starts_with("redress+") && letter.reply_to.len() > 40, "{}", letter.reply_to);
    world.passes_to("2026-03-02T10:09[Europe/Berlin]");
    let taken = arrives(world, &Mail::to(&letter));
    assert_eq!(kept(Verdict::Trusted, &taken), (Some(2), String::new()));

    let events = world.events(incident);
    let event = &events[1];
    assert_eq!((event.kind, event.source, event.person_id), (EventKind::Responded, Source::Mail, None));
    assert_eq!((event.occurred_at, event.recorded_at), (world.hand.now(), world.hand.now()));
    let message = &messages(world)[0];
    assert_eq!(event.fields.message.as_ref(), Some(&message.sha256));
    assert_eq!((event.fields.contact, event.fields.letter), (message.contact_id, message.letter_id));
    let says = |name: &str, content: &str| (name.to_string(), content.to_string());
    assert_eq!(texts(world, event), [
        says("contact", "Mei Lin <desk@vendor.example>"), says("name", "Mei Lin"), says("reason", "We are on it."),
        says("subject", "Re: Frankfurt")]);
    let clock = world.clock(incident, Metric::Respond);
    assert_eq!((clock.state.as_str(), clock.stopped_at), ("met", Some(world.hand.now())));
    assert!(message.handled_at.is_some() && message.handled_by.is_none());
    let id = message.id;
    let bytes = world.store.read(|conn| store::received::content(conn, id)).unwrap().unwrap();
    assert_eq!(bytes, Mail::to(&letter).bytes(), "byte for byte");

    // Both sides have it in writing; the vendor is not mailed its own words.
    world.delivers();
    let receipts = world.outlet.drain();
    let text = |to: &str| {
        let found = receipts.iter().find(|letter| letter.to == to).unwrap();
        MessageParser::default().parse(&found.bytes).unwrap().body_text(0).unwrap().into_owned()
    };
    assert!(!text(DESK).contains("We are on it."), "{}", text(DESK));
    for part in ["We are on it.", "by mail", "Received:     Mon 2 Mar 2026", "Nobody of ours has checked it"] {
        assert!(text("owner@example.com").contains(part), "no {part}: {}", text("owner@example.com"));
    }

    // A second reply is offered, and records nothing by itself.
    world.passes_to("2026-03-02T10:20[Europe/Berlin]");
    let again = Mail { text: "It will be back at noon.".into(), ..Mail::to(&letter) };
    assert_eq!(kept(Verdict::Trusted, &arrives(world, &again)).0, None);
    assert_eq!(kinds(world, incident).len(), 2);
    let second = &messages(world)[1];
    assert_eq!(second.handled_at, None);
    let noon = at("2026-03-02T12:00[Europe/Berlin]");
    world.passes_to("2026-03-02T10:30[Europe/Berlin]");
    assert!(matches!(confirms(world, second, EventKind::Promised, None), Err(Error::Invalid(_))));
    assert!(matches!(confirms(world, second, EventKind::Cancelled, None), Err(Error::Invalid(_))));
    let promised = confirms(world, second, EventKind::Promised, Some(noon)).unwrap();
    assert_eq!((promised.person_id, promised.source), (Some(world.ann), Source::Mail));
    assert_eq!(promised.occurred_at, at("2026-03-02T10:20[Europe/Berlin]"));
    assert_eq!(promised.fields.promised_for, Some(noon));
    assert!(matches!(confirms(world, second, EventKind::Promised, Some(noon)), Err(Error::Refused(_))), "once");
    confirms(world, second, EventKind::Updated, None).unwrap();
    assert_eq!(messages(world)[1].handled_by, Some(world.ann));
} }

on_both! { fn a_reply_that_was_fetched_late_counts_when_it_reached_the_mailbox(world) {
    let (incident, letter) = raised(world);
    // The clock ran out at 11:00 before the mailbox was looked at.
    world.passes_to("2026-03-02T11:40[Europe/Berlin]");
    assert_eq!(world.breaches(incident).iter().filter(|breach| breach.metric == Metric::Respond).count(), 1);
    let came = at("2026-03-02T10:58[Europe/Berlin]");
    let taken = arrived_at(world, &Mail::to(&letter), came);
    assert!(kept(Verdict::Trusted, &taken).0.is_some());
    assert_eq!(world.clock(incident, Metric::Respond).stopped_at, Some(came));
    assert_eq!(world.breaches(incident).iter().filter(|breach| breach.metric == Metric::Respond).count(), 0);

    // A mailbox whose clock is wrong proves nothing about a time before the letter, or after now.
    let contract = world.store.read(|conn| store::incident::cases(conn, incident)).unwrap()[0].contract_id;
    for (wrong, right) in [(-60 * MINUTE, 0), (60 * MINUTE, 1)] {
        world.delivers();
        world.outlet.drain();
        let incident = world.raises(contract, "S1");
        let letter = sent(world, DESK);
        let raised = world.hand.now();
        world.passes_to_moment(raised + right * MINUTE);
        arrived_at(world, &Mail::to(&letter), raised + wrong);
        assert_eq!(world.clock(incident, Metric::Respond).stopped_at, Some(raised + right * MINUTE));
    }
} }

on_both! { fn what_a_machine_writes_never_counts_and_is_never_answered(world) {
    let (incident, letter) = raised(world);
    world.passes_to("2026-03-02T10:05[Europe/Berlin]");
    for (number, sign) in ["Auto-Submitted: auto-replied", "Precedence: bulk", "X-Auto-Response-Suppress: All",
        "Return-Path: <>"].into_iter().enumerate() {
        let mail = Mail::to(&letter).with(sign).with(&format!("X-Number: {number}"));
        kept(Verdict::Automatic, &arrives(world, &mail));
    }
    let away = Mail { subject: "Automatic reply: Frankfurt".into(), ..Mail::to(&letter) };
    kept(Verdict::Automatic, &arrives(world, &away));
    assert_eq!(kinds(world, incident), [EventKind::Reported]);
    assert_eq!(world.clock(incident, Metric::Respond).state.as_str(), "running");
    let message = messages(world)[0].clone();
    assert!(matches!(confirms(world, &message, EventKind::Responded, None), Err(Error::Refused(_))));
    world.delivers();
    assert!(world.outlet.drain().is_empty());
} }

on_both! { fn a_forged_sender_is_shown_with_the_doubt_and_counts_once_one_of_us_confirms_it(world) {
    let (incident, letter) = raised(world);
    world.passes_to("2026-03-02T10:05[Europe/Berlin]");
    let bare = || Mail::to(&letter).without("Authentication-Results");
    let forged = "Authentication-Results: mx.example.com; dmarc=fail header.from=vendor.example";
    for (mail, doubt) in [
        (bare(), "did not vouch"),
        (bare().with("Authentication-Results: mx.evil.example; dmarc=pass header.from=vendor.example"), "did not vouch"),
        // What the sender wrote below the relay's own word.
        (bare().with(forged).with(&format!("Authentication-Results: {PROOF}")), "dmarc=fail"),
        (Mail { from: "Mei <mei@evil.example>".into(), ..Mail::to(&letter) }, "not the address of a contact"),
        (Mail { from: format!("a@evil.example, {DESK}"), ..Mail::to(&letter) }, "2 senders"),
    ] {
        let (seq, reason) = kept(Verdict::Unproven, &arrives(world, &mail));
        assert_eq!(seq, None);
        assert!(reason.contains(doubt), "{reason}");
    }
    assert_eq!(kinds(world, incident), [EventKind::Reported]);
    world.passes_to("2026-03-02T11:30[Europe/Berlin]");
    assert_eq!(world.breaches(incident).iter().filter(|breach| breach.metric == Metric::Respond).count(), 1);

    let first = messages(world)[0].clone();
    let event = confirms(world, &first, EventKind::Responded, None).unwrap();
    assert_eq!(event.occurred_at, at("2026-03-02T10:05[Europe/Berlin]"));
    assert_eq!(event.person_id, Some(world.ann));
    assert_eq!(world.breaches(incident).iter().filter(|breach| breach.metric == Metric::Respond).count(), 0);
    // The others are put aside.
    let second = messages(world)[1].id;
    let dismiss = || world.store.write(Actor::Person(world.ann), move |tx| received::dismiss(tx, second));
    dismiss().unwrap();
    assert!(dismiss().is_err());
} }

on_both! { fn mail_that_belongs_nowhere_is_listed_and_forgotten_after_a_month(world) {
    let (_, letter) = raised(world);
    let stray = || Mail::to(&letter).without("In-Reply-To").without("References");
    let mail = Mail { to: "redress@example.com".into(), ..stray() };
    let (_, reason) = kept(Verdict::Unplaced, &arrives(world, &mail));
    assert_eq!(reason, "it answers no letter of ours");
    // A tag of nobody's making.
    let (local, domain) = letter.reply_to.split_once('@').unwrap();
    let forged = format!("{}0@{domain}", &local[..local.len() - 1]);
    let forged = if forged == letter.reply_to { format!("{}1@{domain}", &local[..local.len() - 1]) } else { forged };
    let mail = Mail { to: forged.clone(), ..stray() };
    let (_, reason) = kept(Verdict::Unplaced, &arrives(world, &mail));
    assert_eq!(reason, "it went to an address whose tag we never made");
    // With references beside it, it is placed but not believed.
    let mail = Mail { to: forged, ..Mail::to(&letter) };
    let (seq, reason) = kept(Verdict::Unproven, &arrives(world, &mail));
    assert_eq!((seq, reason.as_str()), (None, "it went to an address whose tag we never made"));
    // The tag alone finds the letter.
    kept(Verdict::Trusted, &arrives(world, &stray()));

    assert_eq!(messages(world).len(), 4);
    assert!(world.store.read(|conn| store::received::content(conn, redress::domain::ReceivedId(1))).unwrap().is_none());
    world.passes_to("2026-04-03T10:00[Europe/Berlin]");
    redress::engine::anchors::run_due(&world.store).unwrap();
    assert!(messages(world).iter().all(|message| message.incident_id.is_some()));
    world.delivers();
} }

on_both! { fn the_same_message_twice_counts_once(world) {
    let (incident, letter) = raised(world);
    world.passes_to("2026-03-02T10:05[Europe/Berlin]");
    kept(Verdict::Trusted, &arrives(world, &Mail::to(&letter)));
    world.passes_to("2026-03-02T10:06[Europe/Berlin]");
    assert_eq!(arrives(world, &Mail::to(&letter)), Taken::Known);
    assert_eq!(messages(world).len(), 1);
    assert_eq!(kinds(world, incident), [EventKind::Reported, EventKind::Responded]);
} }

on_both! { fn one_of_us_is_not_the_vendor(world) {
    let (incident, letter) = raised(world);
    world.passes_to("2026-03-02T10:05[Europe/Berlin]");
    for from in ["Ann <ANN@example.com>", "Owner <owner@example.com>"] {
        let mail = Mail { from: from.into(), ..Mail::to(&letter) };
        kept(Verdict::Ours, &arrives(world, &mail));
    }
    // The vendor answers a letter of ours that somebody passed on.
    world.passes_to("2026-03-02T10:50[Europe/Berlin]");
    world.delivers();
    let letters = world.outlet.drain();
    let ours = letters.iter().find(|letter| letter.to.ends_with("@example.com")).expect("a warning to one of us");
    let read = MessageParser::default().parse(&ours.bytes).unwrap();
    let ours = Sent { id: read.message_id().unwrap().into(), thread: "x@y".into(), reply_to: "redress@example.com".into() };
    assert!(read.reply_to().is_none(), "letters to us bear no tag");
    let (_, reason) = kept(Verdict::Unproven, &arrives(world, &Mail::to(&ours)));
    assert!(reason.contains("one of us"), "{reason}");
    assert_eq!(kinds(world, incident), [EventKind::Reported]);
} }

on_both! { fn a_reply_to_what_is_long_resolved_is_offered_and_changes_nothing(world) {
    let (incident, letter) = raised(world);
    world.passes_to("2026-03-02T10:05[Europe/Berlin]");
    world.says(incident, json!({"kind": "resolved"}));
    world.delivers();
    world.passes_to("2026-05-04T10:00[Europe/Berlin]");
    let taken = arrives(world, &Mail::to(&letter));
    assert_eq!(kept(Verdict::Trusted, &taken).0, None);
    assert_eq!(kinds(world, incident), [EventKind::Reported, EventKind::Resolved]);
    world.says(incident, json!({"kind": "cancelled", "reason": "practice"}));
    let message = messages(world)[0].clone();
    assert!(matches!(confirms(world, &message, EventKind::Updated, None), Err(Error::Invalid(_))));
} }

on_both! { fn what_cannot_be_read_is_refused_counted_and_not_kept(world) {
    let (incident, letter) = raised(world);
    let long = Mail { text: "x".repeat(50_000_000), ..Mail::to(&letter) };
    let (_, reason) = kept(Verdict::Refused, &arrives(world, &long));
    assert_eq!(reason, "it is longer than 25 MB");
    let bomb = Mail::to(&letter).with("Content-Type: multipart/mixed; boundary=b");
    let bomb = Mail { text: "--b\r\n\r\nx\r\n".repeat(100_000), ..bomb };
    let (_, reason) = kept(Verdict::Refused, &arrives(world, &bomb));
    assert_eq!(reason, "it has more than 200 parts");
    let count = world.store.read(|conn| store::received::count(conn, Verdict::Refused)).unwrap();
    assert_eq!(count, 2);
    assert_eq!(messages(world)[0].sender_email, DESK);
    assert_eq!(kinds(world, incident), [EventKind::Reported]);
} }

on_both! { fn erasing_what_was_said_erases_the_message_too(world) {
    let (incident, letter) = raised(world);
    world.passes_to("2026-03-02T10:05[Europe/Berlin]");
    kept(Verdict::Trusted, &arrives(world, &Mail::to(&letter)));
    world.delivers();
    let verified = || {
        let mut faults = Vec::new();
        redress::evidence::verify::walk(&world.store, None, |fault| {
            faults.push(fault.to_string());
            Ok(())
        })
        .unwrap();
        faults
    };
    assert_eq!(verified(), Vec::<String>::new());
    let id = messages(world)[0].id;
    let rests = world.store.write(Actor::Person(world.max), move |tx| received::erase(tx, id));
    assert!(rests.unwrap_err().to_string().contains("event 2 of INC-1001 rests on this message"));
    let erasure = redress::domain::erasure::Erasure::read(
        &json!({"seq": 2, "texts": ["reason", "name", "contact", "subject"], "reason": "GDPR art. 17"})).unwrap();
    world.store.write(Actor::Person(world.max), move |tx| {
        redress::actions::erasure::erase(tx, incident, &erasure, Source::Api)
    }).unwrap();
    let message = &messages(world)[0];
    let texts = [&message.body, &message.subject, &message.sender_name, &message.sender_email, &message.message_id];
    assert!(texts.iter().all(|text| text.is_empty()), "{message:?}");
    assert!(message.erased_at.is_some() && message.sha256.len() == 64);
    let id = message.id;
    assert_eq!(world.store.read(|conn| store::received::content(conn, id)).unwrap(), None);
    assert!(world.letters().iter().all(|letter| !format!("{:?}", letter.facts).contains("We are on it")));
    assert_eq!(verified(), Vec::<String>::new());
    // It stays known.
    assert_eq!(arrives(world, &Mail::to(&letter)), Taken::Known);
} }

on_both! { fn a_message_that_was_changed_or_taken_away_is_seen(world) {
    let (incident, letter) = raised(world);
    world.passes_to("2026-03-02T10:05[Europe/Berlin]");
    kept(Verdict::Trusted, &arrives(world, &Mail::to(&letter)));
    world.delivers();
    let bundle = crate::evidence::bundle::bundle(world, redress::evidence::bundle::About::Incident(incident));
    let (_, files) = crate::evidence::bundle::unpacked(&bundle);
    let listed: serde_json::Value = serde_json::from_slice(&files["messages.json"]).unwrap();
    assert_eq!(listed[0]["verdict"], "trusted");
    assert_eq!(files["messages/1.eml"], Mail::to(&letter).bytes());
    let message = messages(world)[0].id;
    world.store.write(Actor::Operator, move |tx| store::received::erase(tx, message)).unwrap();
    let mut faults = Vec::new();
    redress::evidence::verify::walk(&world.store, None, |fault| {
        faults.push(fault.to_string());
        Ok(())
    })
    .unwrap();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].contains("its message is missing"), "{faults:?}");
    // The world ends whole: an event says that it was erased.
    let erasure = json!({"seq": 2, "texts": ["subject"], "reason": "GDPR art. 17"});
    let erasure = redress::domain::erasure::Erasure::read(&erasure).unwrap();
    world.store.write(Actor::Person(world.max), move |tx| {
        redress::actions::erasure::erase(tx, incident, &erasure, Source::Api)
    }).unwrap();
} }
