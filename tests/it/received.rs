//! Mail that came in, as engineers, administrators and programs meet it.

use chrono::TimeDelta;
use mail_parser::MessageParser;
use redress::actions::received::{Reception, receive};
use redress::domain::person::Role;
use redress::mail::inbound::take_in;
use redress::mail::outlet::MemoryOutlet;
use serde_json::json;

use crate::incident_api::{raise, sign};
use crate::service::{Service, on_both};

/// An incident whose desk has its letter; gives the Message-ID.
fn raised(service: &Service) -> String {
    sign(service);
    raise(&service.program(Role::Engineer));
    let outlet = MemoryOutlet::default();
    service.delivers(&outlet);
    let letter = outlet.drain().remove(0);
    let read = MessageParser::default().parse(&letter.bytes).unwrap();
    read.message_id().unwrap().to_string()
}

fn arrives(service: &Service, head: &str, text: &str) {
    let raw = format!(
        "{head}\r\nFrom: Mei Lin <desk@vendor.example>\r\nSubject: Re: <b>Frankfurt</b>\r\n\r\n{text}"
    );
    let reception = Reception {
        reply_to: None,
        relays: vec!["mx.example.com".into()],
    };
    receive(&service.store, &reception, take_in(raw.as_bytes()).unwrap()).unwrap();
}

const PROOF: &str = "Authentication-Results: mx.example.com; dmarc=pass";

#[test]
fn an_engineer_records_by_one_press_what_a_message_says() {
    on_both(|service| {
        let id = raised(service);
        service.hand.advance(TimeDelta::minutes(5));
        let quoted = "Q".repeat(64);
        arrives(
            service,
            &format!("In-Reply-To: <{id}>"),
            &format!("It is <i>back</i>.\r\n> https://x.example/answer/{quoted}\r\n"),
        );
        service.hand.advance(TimeDelta::minutes(5));
        service.person("ann", Role::Engineer);
        let ann = service.browser("ann");
        let page = ann.get("/incidents/INC-1001").text;
        for part in [
            "Mail from the vendor",
            "Re: &#60;b&#62;Frankfurt",
            "It is &#60;i&#62;back",
            "Sender not proven",
            "no mail relay is trusted",
            "The service is back",
            "Nothing to record",
        ] {
            let other = part.replace("no mail relay is trusted", "did not vouch");
            assert!(page.contains(&other), "no {other} in {page}");
        }
        let message = ann.get("/received/1/message.eml");
        assert_eq!(message.status, 200);
        let read = MessageParser::default()
            .parse(message.text.as_bytes())
            .unwrap();
        let body = read.body_text(0).unwrap();
        assert!(
            body.contains("/answer/masked") && !body.contains("QQQQ"),
            "{body}"
        );

        let promise = ann.send(
            "/received/1/confirm",
            &[("kind", "promised"), ("promised_for", "soon")],
        );
        assert_eq!(promise.status, 422, "{}", promise.text);
        let done = ann.send("/received/1/confirm", &[("kind", "restored")]);
        assert_eq!(done.status, 303, "{}", done.text);
        let shown = service
            .program(Role::Engineer)
            .get("/api/v1/incidents/1")
            .json();
        let event = &shown["timeline"][1];
        assert_eq!(
            (event["kind"].as_str(), event["source"].as_str()),
            (Some("restored"), Some("mail"))
        );
        assert_eq!(event["texts"]["reason"], "It is <i>back</i>.");
        assert_eq!(event["occurred_at"], "2026-11-23T09:05:00Z");
        assert_eq!(event["recorded_at"], "2026-11-23T09:10:00Z");
        let again = ann.send("/received/1/confirm", &[("kind", "restored")]);
        assert_eq!(again.status, 409, "{}", again.text);
        assert!(again.text.contains("by event 2 already"));
        let page = ann.get("/incidents/INC-1001").text;
        assert!(page.contains("event 2: restored") && !page.contains("Nothing to record"));

        // Who only looks may not, and the list of all is the administrators'.
        service.person("max", Role::Procurement);
        let max = service.browser("max");
        assert_eq!(
            max.send("/received/1/confirm", &[("kind", "resolved")])
                .status,
            403
        );
        assert!(
            !max.get("/incidents/INC-1001")
                .text
                .contains("Record more by it")
        );
        assert_eq!(ann.get("/received").status, 403);
        assert_eq!(ann.send("/received/1/erase", &[]).status, 403);
    });
}

#[test]
fn an_administrator_sees_what_nobody_could_place_and_erases_it() {
    on_both(|service| {
        raised(service);
        arrives(service, PROOF, "Buy now");
        service.person("root", Role::Administrator);
        let root = service.browser("root");
        let page = root.get("/received").text;
        for part in [
            "Belongs nowhere",
            "it answers no letter of ours",
            "Buy now",
            "desk@vendor.example",
        ] {
            assert!(page.contains(part), "no {part} in {page}");
        }
        assert!(
            !root
                .get("/received?verdict=trusted")
                .text
                .contains("Buy now")
        );
        let metrics = service.nobody().get("/metrics").text;
        assert!(
            metrics.contains("redress_received_messages{verdict=\"unplaced\"} 1"),
            "{metrics}"
        );
        assert_eq!(root.send("/received/1/erase", &[]).status, 303);
        let page = root.get("/received").text;
        assert!(
            !page.contains("Buy now") && page.contains("erased"),
            "{page}"
        );
    });
}

#[test]
fn programs_list_and_confirm_messages() {
    on_both(|service| {
        let id = raised(service);
        service.hand.advance(TimeDelta::minutes(5));
        arrives(
            service,
            &format!("{PROOF}\r\nIn-Reply-To: <{id}>"),
            "On it.",
        );
        let engineer = service.program(Role::Engineer);
        let listed = engineer
            .get("/api/v1/incidents/INC-1001/received-messages")
            .json();
        let message = &listed["items"][0];
        assert_eq!(message["verdict"], "trusted");
        assert_eq!(message["events"], json!([2]));
        assert_eq!(
            message["from"],
            json!({"name": "Mei Lin", "email": "desk@vendor.example"})
        );
        assert_eq!(engineer.get("/api/v1/received-messages").status, 403);
        let promise = json!({"kind": "promised", "promised_for": "2026-11-23T12:00:00Z"});
        let recorded = engineer.post("/api/v1/received-messages/1/events", &promise);
        assert_eq!(recorded.status, 201, "{}", recorded.text);
        assert_eq!(recorded.json()["events"], json!([2, 3]));
        for wrong in [
            json!({}),
            json!({"kind": "noted"}),
            json!({"kind": "updated", "promised_for": "2026-11-23T12:00:00Z"}),
        ] {
            let refused = engineer.post("/api/v1/received-messages/1/events", &wrong);
            assert_eq!(refused.status, 422, "{}", refused.text);
        }
        assert_eq!(
            engineer
                .post("/api/v1/received-messages/1/dismiss", &json!({}))
                .status,
            409
        );
        let all = service
            .program(Role::Administrator)
            .get("/api/v1/received-messages?verdict=trusted")
            .json();
        assert_eq!(all["items"].as_array().unwrap().len(), 1);
    });
}
