//! Steps that tell a chat or a program.

use std::time::Duration;

use redress::actions;
use redress::domain::WebhookId;
use redress::domain::erasure::Erasure;
use redress::domain::ladder::Deed;
use redress::domain::letter::{LetterKind, LetterState};
use redress::domain::outbox::Letter;
use redress::domain::person::PersonInput;
use redress::domain::webhook::{Webhook, WebhookInput};
use redress::domain::words::Source;
use redress::hook::network::networks;
use redress::hook::outlet::HookOutlet;
use redress::mail::outlet::{MemoryOutlet, Outlet};
use redress::mail::templates::Templates;
use redress::simulate::rehearse;
use redress::store::{self, Actor};
use redress::time::{DAY, MINUTE, SECOND};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::lanes::Desk;
use crate::on_both;
use crate::support::hook::{Hook, Posted, Reply};
use crate::world::World;

/// A way that leads to loopback, as an installation may have it.
fn to_loopback(millis: u64) -> HookOutlet {
    let allowed = networks("127.0.0.0/8,::1").unwrap();
    HookOutlet::patient_for(allowed, Duration::from_millis(millis))
}

fn desk(world: &World, hooks: HookOutlet) -> Desk {
    Desk::with_hooks(world, Outlet::Memory(world.outlet.clone()), hooks)
}

/// Somebody enters a webhook; gives the secret that was made for it.
fn enters(world: &World, input: Value) -> (WebhookId, String) {
    let input = WebhookInput::read(&input).unwrap_or_else(|faults| panic!("{faults:?}"));
    let (id, made) = world
        .store
        .write(Actor::Operator, move |tx| {
            actions::webhook::enter(tx, &input)
        })
        .unwrap();
    (id, made.unwrap_or_default())
}

fn chat(world: &World, hook: &Hook) -> String {
    let chat = json!({"name": "chat", "preset": "standard", "address": hook.url(),
                      "time_zone": "Europe/Berlin"});
    enters(world, chat).1
}

fn webhook(world: &World, name: &str) -> Option<Webhook> {
    let name = name.parse().unwrap();
    world
        .store
        .read(|conn| store::webhook::named(conn, &name))
        .unwrap()
}

/// Terms whose ladder is this, and an S1 incident raised under them now.
fn climbs(world: &World, ladder: Value) -> redress::domain::IncidentId {
    let mut terms = world.usual_terms();
    terms["ladder"] = ladder;
    let contract = world.signs("NW-2026", terms);
    world.raises(contract, "S1")
}

fn at_due(by: Value) -> Value {
    json!([{"when": {"at_due": true}, "to": ["vendor:2", "owner"], "by": by, "metrics": ["respond"]}])
}

fn to_hooks(world: &World) -> Vec<Letter> {
    let letters = world.letters().into_iter();
    letters
        .filter(|letter| letter.webhook().is_some())
        .collect()
}

/// HMAC-SHA-256 as RFC 2104 has it, so that the product is not checked by itself.
fn hmac(key: &[u8], content: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key);
    let padded = |with: u8| block.map(|byte| byte ^ with);
    let inner = Sha256::new()
        .chain_update(padded(0x36))
        .chain_update(content);
    let outer = Sha256::new()
        .chain_update(padded(0x5c))
        .chain_update(inner.finalize());
    outer.finalize().to_vec()
}

fn is_signed(posted: &Posted, secret: &str) -> bool {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let key = STANDARD
        .decode(secret.trim_start_matches("whsec_"))
        .unwrap();
    let (id, timestamp) = (
        posted.header("webhook-id"),
        posted.header("webhook-timestamp"),
    );
    let mut content = format!("{id}.{timestamp}.").into_bytes();
    content.extend_from_slice(&posted.body);
    let expected = format!("v1,{}", STANDARD.encode(hmac(&key, &content)));
    let mut signatures = posted.header("webhook-signature").split(' ');
    signatures.any(|signature| signature == expected)
}

on_both! { fn a_step_sends_one_signed_message_for_its_whole_audience(world) {
    let hook = Hook::start();
    let secret = chat(world, &hook);
    let incident = climbs(world, json!([
        {"when": {"percent": 75}, "to": ["reporter"], "by": ["email", "webhook:chat"], "metrics": ["respond"]},
        {"when": {"at_due": true}, "to": ["vendor:2", "owner"], "by": ["webhook:chat"], "metrics": ["respond"]}]));
    world.passes_to("2026-03-02T10:45[Europe/Berlin]");
    assert_eq!(world.post()[1..], ["warned ann@example.com", "warned webhook:chat"]);
    world.passes_to("2026-03-02T11:00[Europe/Berlin]");
    assert_eq!(world.post()[3..], ["breached webhook:chat"], "nobody is written to");
    assert!(world.steps(incident).iter().all(|step| step.deed == Deed::Told));

    let mut desk = desk(world, to_loopback(5_000));
    desk.works();
    desk.works();
    let posted = hook.posted();
    assert_eq!(posted.len(), 2, "once each");
    assert!(posted.iter().all(|one| is_signed(one, &secret)), "{posted:?}");
    assert!(!is_signed(&posted[0], "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    let seconds = world.hand.now().micros() / SECOND;
    assert_eq!(posted[0].header("webhook-timestamp"), seconds.to_string());
    assert_eq!(posted[0].header("content-type"), "application/json; charset=utf-8");
    let (warned, breached) = (posted[0].json(), posted[1].json());
    assert_eq!((&warned["type"], &breached["type"]), (&json!("clock.warned"), &json!("clock.breached")));
    assert_eq!(warned["data"]["audience"], json!(["Ann"]));
    assert_eq!(breached["data"]["audience"], json!(["Duty manager", "owner@example.com"]));
    assert_eq!(breached["data"]["incident"], incident.reference());
    assert_eq!(breached["data"]["clocks"][0]["metric"], "respond");
    assert_eq!(breached["data"]["links"]["incident"],
        format!("https://redress.example.com/incidents/{}", incident.reference()));
    assert!(!posted[1].body.windows(13).any(|some| some == b"@vendor.examp"), "no address of theirs");

    let letters = to_hooks(world);
    assert!(letters.iter().all(|letter| letter.state == LetterState::Sent), "{letters:?}");
    assert_eq!(posted[1].header("webhook-id"), letters[1].message_id);
    let kept = world.store.read(|conn| store::letter::message(conn, letters[1].id)).unwrap();
    assert_eq!(kept.as_deref(), Some(&posted[1].body[..]), "the bytes are kept");
    let answer = world.store.read(|conn| store::webhook::answer(conn, letters[1].id)).unwrap().unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, "ok"));

    // Who was told learns how it ends.
    world.passes_to("2026-03-02T11:05[Europe/Berlin]");
    world.says(incident, json!({"kind": "resolved"}));
    desk.works();
    assert_eq!(hook.posted()[2].json()["type"], "incident.resolved");
} }

on_both! { fn a_message_that_was_not_taken_goes_again_under_its_id(world) {
    let hook = Hook::start();
    let secret = chat(world, &hook);
    climbs(world, at_due(json!(["webhook:chat"])));
    world.passes_to("2026-03-02T11:00[Europe/Berlin]");
    hook.answers(Reply::With(500, "", "a bad moment, XyZ0123456789".into()));
    hook.answers(Reply::With(429, "Retry-After: 600\r\n", String::new()));
    hook.answers(Reply::With(503, "Retry-After: 99999999\r\n", String::new()));
    let mut desk = desk(world, to_loopback(5_000));
    let mut waits = Vec::new();
    for _ in 0..3 {
        let now = world.hand.now();
        assert_eq!(desk.works().retried, 1);
        let letter = to_hooks(world).remove(0);
        assert_eq!(letter.state, LetterState::Queued);
        waits.push((letter.next_attempt_at - now) / MINUTE);
        world.passes_to_moment(letter.next_attempt_at);
    }
    assert!(waits[0] <= 1 && waits[1] == 10 && waits[2] == 240, "{waits:?}");
    let letter = to_hooks(world).remove(0);
    assert!(letter.last_error.unwrap().contains("503"));
    desk.works();
    assert_eq!(to_hooks(world)[0].state, LetterState::Sent);
    let posted = hook.posted();
    assert_eq!(posted.len(), 4);
    let ids: Vec<_> = posted.iter().map(|one| one.header("webhook-id")).collect();
    assert!(ids.iter().all(|id| *id == ids[0] && !id.is_empty()), "{ids:?}");
    let times: Vec<_> = posted.iter().map(|one| one.header("webhook-timestamp")).collect();
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "of each attempt: {times:?}");
    assert!(posted.iter().all(|one| is_signed(one, &secret)));
} }

on_both! { fn what_is_kept_of_an_answer_holds_no_secret(world) {
    let hook = Hook::start();
    let secret = chat(world, &hook);
    climbs(world, at_due(json!(["webhook:chat"])));
    world.passes_to("2026-03-02T11:00[Europe/Berlin]");
    hook.answers(Reply::With(400, "", format!("no {} at {} {}", secret, hook.url(), "y".repeat(5_000))));
    assert_eq!(desk(world, to_loopback(5_000)).works().failed, 1);
    let letter = to_hooks(world).remove(0);
    let answer = world.store.read(|conn| store::webhook::answer(conn, letter.id)).unwrap().unwrap();
    assert_eq!(answer.status, 400);
    assert!(answer.body.starts_with("no *** at ***"), "{}", answer.body);
    assert!(answer.body.len() <= 1_024);
    let said = letter.last_error.unwrap();
    assert!(said.starts_with("refused with 400") && !said.contains(&secret[6..]) && !said.contains("XyZ"), "{said}");
} }

on_both! { fn a_webhook_that_is_gone_is_put_out_of_use_and_somebody_is_told(world) {
    let root = PersonInput::read(&json!({"name": "Root", "email": "root@example.com", "role": "administrator"})).unwrap();
    world.store.write(Actor::Operator, move |tx| actions::person::add(tx, &root, None)).unwrap();
    let hook = Hook::start();
    chat(world, &hook);
    let incident = climbs(world, json!([
        {"when": {"percent": 50}, "to": ["owner"], "by": ["webhook:chat"], "metrics": ["respond"]},
        {"when": {"at_due": true}, "to": ["owner"], "by": ["webhook:chat"], "metrics": ["respond"]}]));
    world.passes_to("2026-03-02T10:30[Europe/Berlin]");
    hook.answers(Reply::With(410, "", "gone".into()));
    let mut desk = desk(world, to_loopback(5_000));
    assert_eq!(desk.works().failed, 1);
    let chat = webhook(world, "chat").unwrap();
    assert!(!chat.enabled && chat.disabled_because.unwrap().contains("410"));
    let told: Vec<_> = world.letters().into_iter()
        .filter(|letter| letter.kind == LetterKind::Undeliverable)
        .map(|letter| letter.email)
        .collect();
    assert_eq!(told, ["owner@example.com", "root@example.com"]);
    desk.works();
    let mail = world.outlet.letters().into_iter().filter(|letter| letter.to == "root@example.com").count();
    assert_eq!(mail, 1);
    // The next step finds nobody to tell, and says so.
    world.passes_to("2026-03-02T11:00[Europe/Berlin]");
    assert_eq!(world.steps(incident).last().unwrap().deed, Deed::Empty);
    assert_eq!(to_hooks(world).len(), 1);
} }

on_both! { fn letters_that_wait_for_a_webhook_out_of_use_fail_and_can_be_sent_again(world) {
    let hook = Hook::start();
    chat(world, &hook);
    climbs(world, at_due(json!(["webhook:chat"])));
    world.passes_to("2026-03-02T11:00[Europe/Berlin]");
    let edit = |enabled: bool| {
        let before = webhook(world, "chat").unwrap();
        let input = WebhookInput::read_edit(&json!({"enabled": enabled}), &before).unwrap_or_else(|_| panic!());
        world.store.write(Actor::Operator, move |tx| actions::webhook::edit(tx, &before, before.version, &input)).unwrap();
    };
    edit(false);
    let mut desk = desk(world, to_loopback(5_000));
    assert_eq!(desk.works().failed, 1);
    let letter = to_hooks(world).remove(0);
    assert_eq!(letter.last_error.as_deref(), Some("the webhook chat is disabled"));
    edit(true);
    let id = letter.id;
    world.store.write(Actor::Operator, move |tx| actions::letter::requeue(tx, id)).unwrap();
    assert_eq!((desk.works().sent, hook.posted().len()), (1, 1));
} }

on_both! { fn an_address_that_must_not_be_reached_is_refused_by_number_name_and_redirect(world) {
    let (hook, other) = (Hook::start(), Hook::start());
    let port = hook.at.port();
    let addresses = [
        ("number", format!("http://127.0.0.1:{port}/")),
        ("name", format!("http://localhost:{port}/")),
        ("mapped", format!("http://[::ffff:127.0.0.1]:{port}/")),
        ("decimal", format!("http://2130706433:{port}/")),
        ("metadata", "http://169.254.169.254/latest/".to_string()),
        ("private", "http://10.0.0.1/".to_string()),
    ];
    let mut by = Vec::new();
    for (name, address) in &addresses {
        enters(world, json!({"name": name, "preset": "standard", "address": address}));
        by.push(format!("webhook:{name}"));
    }
    climbs(world, at_due(json!(by)));
    world.passes_to("2026-03-02T11:00[Europe/Berlin]");
    let done = desk(world, HookOutlet::http(networks("192.168.0.0/16").unwrap())).works();
    assert_eq!(done.failed, 6, "{done:?}");
    assert_eq!(hook.connections(), 0, "nobody knocked");
    for letter in to_hooks(world) {
        let said = letter.last_error.unwrap();
        assert!(said.contains("--webhook-allow"), "{}: {said}", letter.email);
    }
    // Where loopback is allowed a redirect is not followed all the same.
    let number = to_hooks(world).remove(0);
    let elsewhere: &'static str = Box::leak(format!("Location: {}\r\n", other.url()).into_boxed_str());
    hook.answers(Reply::With(307, elsewhere, String::new()));
    world.store.write(Actor::Operator, move |tx| actions::letter::requeue(tx, number.id)).unwrap();
    assert_eq!(desk(world, to_loopback(5_000)).works().failed, 1);
    let said = to_hooks(world).remove(0).last_error.unwrap();
    assert!(said.contains("redirects are not followed"), "{said}");
    assert_eq!((hook.posted().len(), other.connections()), (1, 0));
} }

/// Answers in plain words whatever it is asked.
fn speaks_no_tls() -> std::net::SocketAddr {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let answered = stream.write_all(b"HTTP/1.1 400 Speak up\r\n\r\n");
            // Until the other side has closed.
            answered
                .and_then(|()| stream.read_to_end(&mut Vec::new()))
                .ok();
        }
    });
    at
}

on_both! { fn slow_and_endless_answers_are_cut_off_while_mail_goes_out(world) {
    let (slow, endless, head, dead) = (Hook::start(), Hook::start(), Hook::start(), Hook::start());
    slow.always_answers(Reply::Never);
    endless.always_answers(Reply::Endless);
    head.always_answers(Reply::EndlessHead);
    for (name, hook) in [("slow", &slow), ("endless", &endless), ("head", &head)] {
        enters(world, json!({"name": name, "preset": "slack", "address": hook.url()}));
    }
    // Nobody listens there any more.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    enters(world, json!({"name": "closed", "preset": "slack", "address": format!("http://{closed}/")}));
    enters(world, json!({"name": "fine", "preset": "slack", "address": dead.url()}));
    let plain = speaks_no_tls();
    enters(world, json!({"name": "plain", "preset": "slack", "address": format!("https://{plain}/")}));
    climbs(world, json!([{"when": {"at_due": true}, "to": ["owner"], "metrics": ["respond"], "by":
        ["webhook:plain", "webhook:slow", "webhook:endless", "webhook:head", "webhook:closed", "webhook:fine", "email"]}]));
    world.passes_to("2026-03-02T11:00[Europe/Berlin]");
    let mut desk = desk(world, to_loopback(1_500));
    let mail = |outlet: &MemoryOutlet| outlet.letters().iter().any(|letter| letter.to == "owner@example.com");
    desk.works_until(|| mail(&world.outlet) && dead.posted().len() == 1);
    let leased = to_hooks(world).into_iter().filter(|letter| letter.state == LetterState::Leased).count();
    assert!(leased >= 1, "the slow one is still being waited for when the mail is out");
    desk.works();
    let said = |name: &str| {
        let letters = to_hooks(world).into_iter();
        let letter = { letters }.find(|letter| letter.email == format!("webhook:{name}")).unwrap();
        (letter.state, letter.in_doubt, letter.last_error.unwrap_or_default())
    };
    let (state, in_doubt, error) = said("slow");
    assert!(state == LetterState::Queued && in_doubt && error.contains("did not answer in time"), "{error}");
    let (state, _, error) = said("head");
    assert!(state == LetterState::Queued && error.contains("may have arrived"), "{error}");
    let (state, in_doubt, error) = said("closed");
    assert!(state == LetterState::Queued && !in_doubt && error.contains("cannot be reached"), "{error}");
    let (state, in_doubt, error) = said("plain");
    assert!(state == LetterState::Queued && !in_doubt && error.contains("TLS failed"), "{error}");
    // A 2xx is a yes, however much is said after it; no more of it is read than is needed.
    assert_eq!(said("endless").0, LetterState::Sent);
    let endless = to_hooks(world).into_iter().find(|letter| letter.email == "webhook:endless").unwrap();
    let answer = world.store.read(|conn| store::webhook::answer(conn, endless.id)).unwrap().unwrap();
    assert_eq!(answer.body.len(), 1_024);
    assert_eq!(said("fine").0, LetterState::Sent);
} }

on_both! { fn a_secret_that_is_replaced_signs_beside_the_new_one_for_a_day(world) {
    let hook = Hook::start();
    let old = chat(world, &hook);
    let id = webhook(world, "chat").unwrap().id;
    let new = world.store.write(Actor::Operator, move |tx| actions::webhook::rotate(tx, id, 1)).unwrap();
    assert_ne!(old, new);
    climbs(world, at_due(json!(["webhook:chat"])));
    world.passes_to("2026-03-02T11:00[Europe/Berlin]");
    let mut desk = desk(world, to_loopback(5_000));
    desk.works();
    let posted = hook.posted();
    assert!(is_signed(&posted[0], &new) && is_signed(&posted[0], &old));
    world.passes_to_moment(world.hand.now() + DAY);
    let letter = to_hooks(world).remove(0).id;
    let chat = webhook(world, "chat").unwrap();
    assert_eq!(chat.secrets_at(world.hand.now()), [new.as_str()], "{letter}");
} }

on_both! { fn an_acknowledgement_keeps_it_quiet_and_a_withdrawn_breach_is_told_there_too(world) {
    let hook = Hook::start();
    chat(world, &hook);
    let incident = climbs(world, json!([
        {"when": {"at_due": true}, "to": ["owner"], "by": ["webhook:chat"], "metrics": ["respond"]},
        {"when": {"after_due": "PT30M"}, "to": ["vendor:1"], "by": ["email", "webhook:chat"], "metrics": ["respond"]}]));
    world.passes_to("2026-03-02T11:00[Europe/Berlin]");
    let mut desk = desk(world, to_loopback(5_000));
    desk.works();
    world.says(incident, json!({"kind": "acknowledged", "metrics": ["respond"]}));
    world.passes_to("2026-03-02T11:30[Europe/Berlin]");
    assert_eq!(world.post()[2..], ["escalated desk@vendor.example"], "the vendor is still told");
    world.says(incident, json!({"kind": "responded", "occurred_at": "2026-03-02T09:50:00Z", "reason": "by telephone"}));
    desk.works();
    let kinds: Vec<_> = hook.posted().iter().map(|one| one.json()["type"].clone()).collect();
    assert_eq!(kinds, ["clock.breached", "breach.withdrawn"]);
    // The vendor does not learn of our chats.
    for letter in world.outlet.letters().iter().filter(|letter| letter.to.ends_with("@vendor.example")) {
        assert!(!String::from_utf8_lossy(&letter.bytes).contains("webhook"), "{}", letter.to);
    }
} }

on_both! { fn one_that_terms_use_is_not_removed(world) {
    let hook = Hook::start();
    chat(world, &hook);
    let incident = climbs(world, at_due(json!(["webhook:chat"])));
    let id = webhook(world, "chat").unwrap().id;
    let refused = world.store.write(Actor::Operator, move |tx| actions::webhook::remove(tx, id)).unwrap_err();
    let said = refused.to_string();
    assert!(said.contains("contract NW-2026") && said.contains(&incident.reference()), "{said}");
    let (other, _) = enters(world, json!({"name": "other", "preset": "teams", "address": "https://hooks.example.com/x"}));
    world.store.write(Actor::Operator, move |tx| actions::webhook::remove(tx, other)).unwrap();
    assert!(webhook(world, "other").is_none());
} }

on_both! { fn each_chat_gets_its_own_shape_and_signature_in_its_own_language(world) {
    let (feishu, ding) = (Hook::start(), Hook::start());
    feishu.answers(Reply::With(200, "", r#"{"code":0,"msg":"success"}"#.into()));
    ding.answers(Reply::With(200, "", r#"{"errcode":310000,"errmsg":"sign not match"}"#.into()));
    enters(world, json!({"name": "feishu", "preset": "feishu", "address": feishu.url(), "secret": "feishu secret", "locale": "zh-CN"}));
    enters(world, json!({"name": "ding", "preset": "dingtalk", "address": format!("{}?access_token=abcdefgh12", ding.url()),
        "secret": "SECding"}));
    climbs(world, at_due(json!(["webhook:feishu", "webhook:ding"])));
    world.passes_to("2026-03-02T11:00[Europe/Berlin]");
    let done = desk(world, to_loopback(5_000)).works();
    assert_eq!((done.sent, done.failed), (2, 1), "the raised letter, and one of two: {done:?}");

    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let body = feishu.posted()[0].json();
    let seconds = world.hand.now().micros() / SECOND;
    assert_eq!(body["timestamp"], seconds.to_string());
    let key = format!("{seconds}\nfeishu secret");
    assert_eq!(body["sign"], STANDARD.encode(hmac(key.as_bytes(), b"")));
    let text = body["content"]["post"]["zh_cn"].to_string();
    assert!(text.contains("通知对象: Duty manager, owner@example.com") && text.contains("在 Redress 中打开"), "{text}");

    let posted = ding.posted().remove(0);
    let query: Vec<(String, String)> = url::form_urlencoded::parse(posted.target.split_once('?').unwrap().1.as_bytes())
        .into_owned().collect();
    let millis = seconds * 1_000;
    let sign = STANDARD.encode(hmac(b"SECding", format!("{millis}\nSECding").as_bytes()));
    assert_eq!(query, [("access_token".into(), "abcdefgh12".into()), ("timestamp".into(), millis.to_string()), ("sign".into(), sign)]);
    assert_eq!(posted.json()["msgtype"], "markdown");
    let letter = to_hooks(world).into_iter().find(|letter| letter.email == "webhook:ding").unwrap();
    assert_eq!(letter.state, LetterState::Failed);
    assert!(letter.last_error.unwrap().contains("310000"), "200 alone is no yes");
} }

on_both! { fn what_was_posted_and_answered_goes_when_a_text_is_erased(world) {
    let hook = Hook::start();
    chat(world, &hook);
    let incident = climbs(world, at_due(json!(["webhook:chat"])));
    world.passes_to("2026-03-02T11:00[Europe/Berlin]");
    hook.answers(Reply::With(200, "", "got: Frankfurt is cut off".into()));
    let mut desk = desk(world, to_loopback(5_000));
    desk.works();
    let letter = to_hooks(world).remove(0);
    let message = || world.store.read(|conn| store::letter::message(conn, letter.id)).unwrap();
    let answer = || world.store.read(|conn| store::webhook::answer(conn, letter.id)).unwrap();
    assert!(String::from_utf8_lossy(&message().unwrap()).contains("Frankfurt"));
    assert!(answer().unwrap().body.contains("Frankfurt"));
    let erasure = Erasure::read(&json!({"seq": 1, "texts": ["title"], "reason": "GDPR art. 17"})).unwrap();
    world.store.write(Actor::Person(world.max), move |tx| {
        actions::erasure::erase(tx, incident, &erasure, Source::Api)
    }).unwrap();
    assert!(message().is_none() && answer().is_none());
    let kept = to_hooks(world).remove(0);
    assert!(!serde_json::to_string(&kept.facts).unwrap().contains("Frankfurt"));
} }

on_both! { fn a_rehearsal_tells_of_the_message_and_posts_none(world) {
    let hook = Hook::start();
    let secret = chat(world, &hook);
    climbs(world, at_due(json!(["webhook:chat"])));
    let rehearsed = rehearse(&world.store, &Templates::default(), "NW-2026", "ann@example.com",
        &json!({"severity": "S1", "reported_at": "2026-03-02T09:00:00Z"})).unwrap();
    let told = serde_json::to_string(&rehearsed).unwrap();
    assert!(told.contains("webhook:chat"), "{told}");
    assert!(!told.contains(&secret) && !told.contains("XyZ0123456789"));
    assert_eq!(hook.connections(), 0);
} }
