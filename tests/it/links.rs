//! Answers by the signed links of letters, as a browser without an account meets them.

use std::thread;

use chrono::TimeDelta;
use mail_parser::MessageParser;
use redress::actions;
use redress::domain::IncidentId;
use redress::domain::person::Role;
use redress::domain::timeline::Event;
use redress::domain::vendor::VendorInput;
use redress::domain::words::{EventKind, Metric, Source};
use redress::mail::outlet::MemoryOutlet;
use redress::store::{self, Actor};
use redress::time::Moment;
use serde_json::{Value, json};

use crate::incident_api::{passes, raise, sign};
use crate::service::{Answer, Caller, Service, on_both};

const INCIDENT: IncidentId = IncidentId(1);

/// A letter as it left the house.
struct Sent {
    to: String,
    subject: String,
    text: String,
    html: String,
}

impl Sent {
    /// The path of the first link of that beginning.
    fn link(&self, start: &str) -> String {
        let at = self.text.find(start);
        let at = at.unwrap_or_else(|| panic!("no {start} in {}", self.text));
        let link: String = self.text[at..].split_whitespace().next().unwrap().into();
        assert!(link.len() > start.len() + 50, "{link}");
        let escaped = link.replace('/', "&#x2f;");
        assert!(self.html.contains(&escaped), "{}", self.html);
        link
    }
}

/// Sends what waits; gives it as the recipients have it.
fn delivers(service: &Service) -> Vec<Sent> {
    let outlet = MemoryOutlet::default();
    service.delivers(&outlet);
    let sent = outlet.drain().into_iter().map(|letter| {
        let read = MessageParser::default().parse(&letter.bytes).unwrap();
        Sent {
            to: letter.to,
            subject: read.subject().unwrap_or_default().to_string(),
            text: read.body_text(0).unwrap().into_owned(),
            html: read.body_html(0).unwrap().into_owned(),
        }
    });
    sent.collect()
}

fn to<'a>(sent: &'a [Sent], email: &str) -> &'a Sent {
    let found = sent.iter().find(|letter| letter.to == email);
    found.unwrap_or_else(|| panic!("no letter to {email}"))
}

/// An incident with its first letter to the desk.
fn raised(service: &Service) -> Sent {
    sign(service);
    raise(&service.program(Role::Engineer));
    let mut sent = delivers(service);
    assert_eq!(sent.len(), 1);
    sent.remove(0)
}

fn events(service: &Service) -> Vec<Event> {
    service
        .store
        .read(|conn| store::incident::events(conn, INCIDENT))
        .unwrap()
}

fn kinds(service: &Service) -> Vec<EventKind> {
    events(service).iter().map(|event| event.kind).collect()
}

fn texts(service: &Service, event: &Event) -> Vec<(String, String)> {
    let texts = service
        .store
        .read(|conn| store::incident::texts(conn, INCIDENT))
        .unwrap();
    let of = texts.get(&event.id).cloned().unwrap_or_default();
    of.into_iter()
        .map(|(name, text)| (name, text.content))
        .collect()
}

fn state(service: &Service, metric: Metric) -> String {
    let clocks = service
        .store
        .read(|conn| store::clock::of_incident(conn, INCIDENT))
        .unwrap();
    let clock = clocks.iter().find(|clock| clock.metric == metric).unwrap();
    clock.state.to_string()
}

/// How often links were refused for that reason.
fn refused(service: &Service, reason: &str) -> String {
    let line = format!("redress_links_refused_total{{reason=\"{reason}\"}} ");
    let metrics = service.nobody().get("/metrics").text;
    let rest = metrics.split(&line).nth(1);
    rest.unwrap().lines().next().unwrap().to_string()
}

fn answers(nobody: &Caller<'_>, link: &str, fields: &[(&str, &str)]) -> Answer {
    nobody.send(link, fields)
}

#[test]
fn a_link_stops_the_respond_clock_once_and_opening_it_changes_nothing() {
    on_both(|service| {
        let letter = raised(service);
        let link = letter.link("/answer/");
        let nobody = service.nobody();
        for _ in 0..5 {
            let page = nobody.get(&link);
            assert_eq!(page.status, 200, "{}", page.text);
            for part in [
                "INC-1001",
                "Frankfurt is cut off",
                "NW-2026",
                "23 Nov 2026, 10:15 CET (Europe/Berlin)",
                "Acknowledge",
            ] {
                assert!(page.text.contains(part), "no {part} in {}", page.text);
            }
            assert_eq!(page.header("referrer-policy"), "no-referrer");
            assert_eq!(page.header("cache-control"), "no-store");
            assert!(page.header("x-robots-tag").contains("noindex"));
            assert!(page.headers.get("set-cookie").is_none());
            assert_eq!(nobody.request("HEAD", &link, "").status, 200);
        }
        assert_eq!(kinds(service), [EventKind::Reported]);
        assert_eq!(state(service, Metric::Respond), "running");

        service.hand.advance(TimeDelta::minutes(7));
        let nameless = answers(&nobody, &link, &[("name", " "), ("remark", "x")]);
        assert_eq!(nameless.status, 422);
        assert!(nameless.text.contains("Please write your name"));
        let said = [("name", "Mei Lin"), ("remark", "Two of us are on it.")];
        // A browser that sends no referrer says that the form comes from nowhere.
        let done = answers(&nobody.with("Origin", "null"), &link, &said);
        assert_eq!(done.status, 200, "{}", done.text);
        assert!(done.text.contains("Recorded. Thank you."));

        let recorded = events(service);
        assert_eq!(kinds(service), [EventKind::Reported, EventKind::Responded]);
        let event = &recorded[1];
        assert_eq!(
            (event.source, event.person_id, event.occurred_at),
            (Source::VendorLink, None, service.hand.now())
        );
        assert_eq!(event.fields.contact.map(|contact| contact.0), Some(1));
        assert!(event.fields.letter.is_some());
        let says = |name: &str, content: &str| (name.to_string(), content.to_string());
        assert_eq!(
            texts(service, event),
            [
                says("contact", "Service desk <desk@vendor.example>"),
                says("name", "Mei Lin"),
                says("reason", "Two of us are on it.")
            ]
        );
        assert_eq!(state(service, Metric::Respond), "met");

        for again in [nobody.get(&link), answers(&nobody, &link, &said)] {
            assert_eq!(again.status, 410, "{}", again.text);
            for part in ["Mei Lin", "10:07 CET", "Nothing was recorded again"] {
                assert!(again.text.contains(part), "no {part} in {}", again.text);
            }
        }
        assert_eq!(events(service).len(), 2);
        assert_eq!(refused(service, "used"), "2");
        let metrics = service.nobody().get("/metrics").text;
        assert!(metrics.contains("redress_links_used_total 1"));

        // Both sides have it in writing, in the thread of the incident.
        let receipts = delivers(service);
        let desk = to(&receipts, "desk@vendor.example");
        assert!(desk.subject.contains("Recorded"), "{}", desk.subject);
        for email in [
            "desk@vendor.example",
            "owner@example.com",
            "program-engineer@example.com",
        ] {
            let receipt = to(&receipts, email);
            for part in [
                "Mei Lin",
                "Service desk <desk@vendor.example>",
                "  | Two of us are on it.",
            ] {
                assert!(receipt.text.contains(part), "no {part}: {}", receipt.text);
            }
        }
        let page = service
            .program(Role::Manager)
            .get("/api/v1/incidents/1")
            .json();
        assert_eq!(page["timeline"][1]["source"], "vendor_link");
        assert_eq!(page["timeline"][1]["texts"]["name"], "Mei Lin");
    });
}

#[test]
fn what_is_forged_expired_revoked_removed_or_over_is_refused_and_counted() {
    on_both(|service| {
        let letter = raised(service);
        let link = letter.link("/answer/");
        let nobody = service.nobody();
        let said = [("name", "Mei Lin")];
        let (start, token) = link.split_at("/answer/".len());
        let turned = token.chars().rev().collect::<String>();
        for forged in [
            turned.as_str(),
            &token[1..],
            "999999",
            "",
            &"A".repeat(3_000),
        ] {
            let path = format!("{start}{forged}");
            for answer in [nobody.get(&path), nobody.send(&path, &said)] {
                assert_eq!(answer.status, 404, "{path}");
                assert!(!answer.text.contains("INC-"), "{}", answer.text);
            }
        }
        // A link to one answer opens no list, and the other way round.
        let vendor = letter.link("/vendor/");
        assert_eq!(nobody.get(&format!("/vendor/{token}")).status, 404);
        let crossed = format!("/answer/{}", &vendor["/vendor/".len()..]);
        assert_eq!(nobody.send(&crossed, &said).status, 404);
        assert_eq!(nobody.get("/answer/masked").status, 404);
        assert_eq!(refused(service, "forged"), "10");

        // The contact's address changes hands.
        let change = |email: &str, version: i64| {
            let input = VendorInput::read(
                &json!({"name": "Northwind Carrier", "time_zone": "Europe/Berlin",
                "contacts": [{"id": 1, "name": "Service desk", "email": email, "rung": 1}]}),
            )
            .unwrap();
            service
                .store
                .write(Actor::Operator, move |tx| {
                    actions::vendor::edit(tx, redress::domain::VendorId(1), version, &input)
                })
                .unwrap();
        };
        change("new@vendor.example", 1);
        assert_eq!(nobody.get(&link).status, 403);
        assert_eq!(nobody.get(&vendor).status, 403);
        assert_eq!(answers(&nobody, &link, &said).status, 403);
        assert_eq!(refused(service, "removed"), "3");
        change("desk@vendor.example", 2);
        assert_eq!(nobody.get(&link).status, 200);

        // Thirty days and not a moment longer.
        let now = service.hand.now();
        service.hand.set(now + 30 * 24 * 3600 * 1_000_000 - 1);
        assert_eq!(nobody.get(&link).status, 200);
        service.hand.set(now + 30 * 24 * 3600 * 1_000_000);
        let late = nobody.get(&link);
        assert_eq!(late.status, 410);
        assert!(late.text.contains("has expired") && late.text.contains("INC-1001"));
        assert_eq!(answers(&nobody, &link, &said).status, 410);
        assert_eq!(refused(service, "expired"), "2");
        service.hand.set(now);

        // Resolved: kindly told that nothing is needed.
        let engineer = service.program(Role::Engineer);
        let resolved = engineer.post("/api/v1/incidents/1/events", &json!({"kind": "resolved"}));
        assert_eq!(resolved.status, 201, "{}", resolved.text);
        let over = answers(&nobody, &link, &said);
        assert_eq!(over.status, 410);
        assert!(over.text.contains("No answer is needed any more"));
        assert_eq!(refused(service, "over"), "1");
        let list = nobody.get(&vendor);
        assert_eq!(list.status, 200);
        assert!(list.text.contains("Nothing of yours is open"));
        engineer.post(
            "/api/v1/incidents/1/events",
            &json!({"kind": "reopened", "reason": "again"}),
        );
        assert_eq!(nobody.get(&link).status, 200);

        let called_in = engineer.post("/api/v1/letters/1/revoke-links", &json!({}));
        assert_eq!(called_in.status, 200, "{}", called_in.text);
        engineer
            .post("/api/v1/letters/1/revoke-links", &json!({}))
            .problem(409);
        assert_eq!(answers(&nobody, &link, &said).status, 410);
        assert_eq!(nobody.get(&vendor).status, 410);
        assert_eq!(refused(service, "revoked"), "2");
        assert!(!kinds(service).contains(&EventKind::Responded));
    });
}

#[test]
fn of_two_that_press_at_once_one_records() {
    on_both(|service| {
        let letter = raised(service);
        let link = letter.link("/answer/");
        let all: Vec<u16> = thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|number| {
                    let (link, nobody) = (&link, service.nobody());
                    let name = format!("Person {number}");
                    scope.spawn(move || answers(&nobody, link, &[("name", &name)]).status)
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        let count = |status: u16| all.iter().filter(|other| **other == status).count();
        assert_eq!((count(200), count(410)), (1, 7), "{all:?}");
        assert_eq!(kinds(service), [EventKind::Reported, EventKind::Responded]);
    });
}

#[test]
fn nobody_of_ours_is_shown_a_link_that_serves() {
    on_both(|service| {
        let letter = raised(service);
        let tokens = [letter.link("/answer/"), letter.link("/vendor/")];
        let tokens = tokens.map(|link| link.rsplit('/').next().unwrap().to_string());
        service.person("ann", Role::Administrator);
        let ann = service.browser("ann");
        let program = service.program(Role::Administrator);
        let eml = ann.get("/letters/1/letter.eml");
        let read = MessageParser::default().parse(&eml.bytes).unwrap();
        let shown = [
            ann.get("/letters/1").text,
            ann.get("/letters/1/html").text,
            program.get("/api/v1/letters/1").text,
            program.get("/api/v1/letters").text,
            read.body_text(0).unwrap().into_owned(),
            read.body_html(0).unwrap().into_owned(),
            eml.text.replace("=\r\n", ""),
        ];
        for text in &shown {
            for token in &tokens {
                assert!(!text.contains(token.as_str()), "{text}");
            }
        }
        for text in [&shown[0], &shown[2], &shown[4]] {
            assert!(text.contains("answer/masked"), "{text}");
        }
        // As it was sent it is kept.
        let kept = service
            .store
            .read(|conn| store::letter::message(conn, redress::domain::LetterId(1)))
            .unwrap()
            .unwrap();
        let read = MessageParser::default().parse(&kept).unwrap();
        assert!(read.body_text(0).unwrap().contains(&tokens[0]));
        let bundle = ann.get("/incidents/INC-1001/bundle.zip");
        assert_eq!(bundle.status, 200);
        for token in &tokens {
            assert!(!String::from_utf8_lossy(&bundle.bytes).contains(token.as_str()));
        }
        // What waits is shown with masked links, too.
        passes(service, 12);
        let waiting = ann.get("/letters/2").text;
        assert!(
            waiting.contains("how it would read now") && waiting.contains("/masked"),
            "{waiting}"
        );
    });
}

#[test]
fn a_promise_is_read_in_the_contacts_zone_and_language() {
    on_both(|service| {
        raised(service);
        passes(service, 16);
        let sent = delivers(service);
        // The duty manager sits in Shanghai and reads Chinese.
        let duty = to(&sent, "duty@vendor.example");
        let promise = duty
            .text
            .find("承诺完成时间")
            .map(|at| &duty.text[at..])
            .unwrap();
        let at = promise.find("/answer/").unwrap();
        let link: String = promise[at..].split_whitespace().next().unwrap().into();
        let nobody = service.nobody();
        let page = nobody.get(&link);
        assert!(page.text.contains("lang=\"zh-CN\"") && page.text.contains("Asia/Shanghai"));
        assert!(
            page.text.contains("2026年11月23日 周一 17:15"),
            "{}",
            page.text
        );
        let past = [("name", "林梅"), ("promised_for", "2026-11-23T17:00")];
        let refused = answers(&nobody, &link, &past);
        assert_eq!(refused.status, 422);
        assert!(refused.text.contains("已过"), "{}", refused.text);
        let said = [("name", "林梅"), ("promised_for", "2026-11-23T19:30")];
        let done = answers(&nobody, &link, &said);
        assert_eq!(done.status, 200, "{}", done.text);
        assert!(
            done.text.contains("2026年11月23日 周一 19:30"),
            "{}",
            done.text
        );
        let last = events(service).pop().unwrap();
        let promised = Moment::parse("2026-11-23T11:30:00Z").unwrap();
        assert_eq!(
            (last.kind, last.fields.promised_for),
            (EventKind::Promised, Some(promised))
        );
        let receipts = delivers(service);
        let duty = to(&receipts, "duty@vendor.example");
        assert!(
            duty.text.contains("林梅") && duty.text.contains("19:30"),
            "{}",
            duty.text
        );
        assert!(
            to(&receipts, "owner@example.com")
                .text
                .contains("12:30 CET")
        );
    });
}

#[test]
fn the_vendors_page_shows_its_own_part_and_takes_every_answer() {
    on_both(|service| {
        let letter = raised(service);
        let procurement = service.program(Role::Procurement);
        let contract = procurement.get("/api/v1/contracts/1").json();
        let other = json!({"name": "Southwind", "time_zone": "Europe/Paris",
            "contacts": [{"name": "Bureau", "email": "bureau@south.example", "rung": 1}]});
        assert_eq!(procurement.post("/api/v1/vendors", &other).status, 201);
        let terms = &contract["terms"];
        let terms = terms.as_array().map_or(terms, |all| &all[0]);
        let second = json!({"vendor_id": 2, "reference": "SW-SECRET", "title": "Exchange",
            "owner": "owner@example.com", "time_zone": "Europe/Paris", "effective_from": "2026-01-01",
            "terms": without_keys(terms)});
        let signed = procurement.post("/api/v1/contracts", &second);
        assert_eq!(signed.status, 201, "{}", signed.text);
        let engineer = service.program(Role::Engineer);
        let shared = engineer.post(
            "/api/v1/incidents/1/cases",
            &json!({"contract_id": 2, "severity": "S2", "vendor_reference": "SW-REF"}),
        );
        assert_eq!(shared.status, 201, "{}", shared.text);
        let alone = engineer.post(
            "/api/v1/incidents",
            &json!({"contract_id": 2, "severity": "S1", "title": "Paris is dark"}),
        );
        assert_eq!(alone.status, 201, "{}", alone.text);
        let sent = delivers(service);
        let page = letter.link("/vendor/");
        let nobody = service.nobody();
        let list = nobody.get(&page);
        assert_eq!(list.status, 200, "{}", list.text);
        for part in [
            "INC-1001",
            "Frankfurt is cut off",
            "NW-2026",
            "NW-99812",
            "first response",
        ] {
            assert!(list.text.contains(part), "no {part}: {}", list.text);
        }
        for strange in [
            "Southwind",
            "SW-SECRET",
            "SW-REF",
            "Paris",
            "INC-1002",
            "Both lines",
        ] {
            assert!(!list.text.contains(strange), "{strange}: {}", list.text);
        }
        assert_eq!(nobody.get(&page).status, 200, "as often as one likes");

        // Every answer, each with a form of its own; the same form twice records once.
        for (purpose, kind) in [
            ("acknowledge", EventKind::Responded),
            ("update", EventKind::Updated),
            ("update", EventKind::Updated),
            ("workaround", EventKind::WorkedAround),
            ("restored", EventKind::Restored),
        ] {
            let path = format!("{page}/1/{purpose}");
            let form = nobody.get(&path);
            assert_eq!(form.status, 200, "{}", form.text);
            let id = form
                .text
                .split("name=\"request_id\" value=\"")
                .nth(1)
                .unwrap();
            let id = id.split('"').next().unwrap();
            let said = [("request_id", id), ("name", "Mei"), ("remark", "so it is")];
            service.hand.advance(TimeDelta::minutes(1));
            let done = nobody.send(&path, &said);
            assert_eq!(done.status, 200, "{}", done.text);
            assert_eq!(nobody.send(&path, &said).status, 410);
            let last = events(service).pop().unwrap();
            assert_eq!(
                (last.kind, last.case_id.map(|case| case.0)),
                (kind, Some(1))
            );
        }
        // Another vendor's case is not to be reached, nor is one that is not there.
        for case in [2, 3, 999] {
            let path = format!("{page}/{case}/resolved");
            let strange = nobody.get(&path);
            assert_eq!(strange.status, 410);
            assert!(!strange.text.contains("INC-") && !strange.text.contains("Southwind"));
            let said = [("request_id", "x"), ("name", "Mei")];
            assert_eq!(nobody.send(&path, &said).status, 410);
        }
        assert_eq!(nobody.get(&format!("{page}/1/take")).status, 404);
        let south = to(&sent, "bureau@south.example").link("/vendor/");
        let theirs = nobody.get(&south).text;
        assert!(
            theirs.contains("INC-1002") && !theirs.contains("Northwind"),
            "{theirs}"
        );
    });
}

/// Terms as they are entered again.
fn without_keys(terms: &Value) -> Value {
    let mut terms = terms.clone();
    if let Some(fields) = terms.as_object_mut() {
        fields.retain(|name, _| {
            [
                "effective_from",
                "currency",
                "monthly_fee",
                "severities",
                "clock_stops",
                "commitments",
                "ladder",
            ]
            .contains(&name.as_str())
        });
    }
    terms
}

#[test]
fn one_of_us_takes_an_escalation_from_the_letter() {
    on_both(|service| {
        raised(service);
        passes(service, 12);
        let sent = delivers(service);
        let letter = to(&sent, "program-engineer@example.com");
        let link = letter.link("/answer/");
        assert!(letter.text.contains("Take this on"));
        assert!(!letter.text.contains("/vendor/"));
        let nobody = service.nobody();
        assert_eq!(nobody.get(&link).status, 200);
        assert_eq!(kinds(service), [EventKind::Reported]);
        let done = answers(&nobody, &link, &[("remark", "I call them.")]);
        assert_eq!(done.status, 200, "{}", done.text);
        let taken = events(service).pop().unwrap();
        assert_eq!(
            (taken.kind, taken.source),
            (EventKind::Acknowledged, Source::LetterLink)
        );
        assert_eq!(taken.fields.metrics, [Metric::Respond]);
        assert!(
            taken.person_id.is_some(),
            "it is recorded in the person's name"
        );
        assert_eq!(answers(&nobody, &link, &[]).status, 410);
        assert_eq!(
            state(service, Metric::Respond),
            "running",
            "the vendor's clock runs on"
        );
        // The step at the deadline goes to the vendor and not to the owner, who would be told in vain.
        passes(service, 4);
        let next = delivers(service);
        assert!(next.iter().any(|letter| letter.to == "duty@vendor.example"));
        assert!(next.iter().all(|letter| letter.to != "owner@example.com"));
    });
}

#[test]
fn what_a_vendor_typed_is_erased_like_any_other_text() {
    on_both(|service| {
        let letter = raised(service);
        let nobody = service.nobody();
        let said = [("name", "Mei Lin"), ("remark", "Ring me at home.")];
        assert_eq!(
            answers(&nobody, &letter.link("/answer/"), &said).status,
            200
        );
        delivers(service);
        let root = service.program(Role::Administrator);
        let erased = root.post(
            "/api/v1/incidents/1/erasures",
            &json!({"seq": 2, "texts": ["contact", "name", "reason"], "reason": "GDPR art. 17"}),
        );
        assert_eq!(erased.status, 201, "{}", erased.text);
        let mut shown = vec![
            root.get("/api/v1/incidents/1").text,
            nobody.get(&letter.link("/answer/")).text,
        ];
        service.person("ann", Role::Administrator);
        let ann = service.browser("ann");
        shown.push(ann.get("/incidents/INC-1001").text);
        for number in 1..=4 {
            shown.push(root.get(&format!("/api/v1/letters/{number}")).text);
            shown.push(ann.get(&format!("/letters/{number}")).text);
        }
        for text in shown {
            for gone in ["Mei Lin", "Ring me"] {
                assert!(!text.contains(gone), "{gone} in {text}");
            }
        }
    });
}

#[test]
fn forged_links_are_bounded_and_a_path_with_a_link_is_not_logged_whole() {
    on_both(|service| {
        let letter = raised(service);
        let nobody = service.nobody();
        for number in 0..100 {
            assert_eq!(nobody.get(&format!("/answer/forged-{number}")).status, 404);
        }
        let link = letter.link("/answer/");
        assert_eq!(nobody.get(&link).status, 429);
        assert_eq!(refused(service, "throttled"), "1");
        service.hand.advance(TimeDelta::minutes(15));
        assert_eq!(nobody.get(&link).status, 200);
    });
}
