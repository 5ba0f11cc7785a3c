//! Webhooks through the API and on their pages.

use redress::domain::person::Role;
use serde_json::json;

use crate::service::on_both;
use crate::support::hook::{Hook, Reply};

#[test]
fn a_webhook_is_entered_edited_tried_out_rotated_and_removed_by_the_api() {
    on_both(|service| {
        let hook = Hook::start();
        let program = service.program(Role::Administrator);
        let reader = service.program(Role::Procurement);
        let entered = json!({"name": "chat", "preset": "standard", "address": hook.url()});
        assert_eq!(reader.post("/api/v1/webhooks", &entered).status, 403);
        let made = program.post("/api/v1/webhooks", &entered);
        assert_eq!(made.status, 201, "{}", made.text);
        let secret = made.json()["secret"].as_str().unwrap().to_string();
        assert!(
            secret.starts_with("whsec_") && secret.len() > 40,
            "{secret}"
        );
        let place = made.header("location").to_string();

        // Neither the secret nor the rest of the address is ever shown again.
        let secrets = [&secret[6..], "XyZ0123456789"];
        for text in [reader.get(&place).text, reader.get("/api/v1/webhooks").text] {
            assert!(secrets.iter().all(|one| !text.contains(one)), "{text}");
        }
        let shown = reader.get(&place);
        assert_eq!(shown.json()["secret"], "***");
        assert_eq!(shown.json()["used_by"], json!([]));
        assert_eq!(shown.header("etag"), "\"1\"");

        let faults = program.post("/api/v1/webhooks", &entered).problem(422);
        assert_eq!(faults, ["name"], "the name is taken");

        assert_eq!(program.put(&place, &json!({"enabled": false})).status, 428);
        let stale = program.with("If-Match", "\"7\"");
        assert_eq!(stale.put(&place, &json!({"enabled": false})).status, 412);
        let first = program.with("If-Match", "\"1\"");
        let edited = first.put(&place, &json!({"locale": "zh-CN"}));
        assert_eq!(edited.status, 200, "{}", edited.text);
        assert_eq!(edited.json()["locale"], "zh-CN");

        hook.answers(Reply::With(500, "", "not now".into()));
        let tried = program.post(&format!("{place}/test"), &json!({})).json();
        assert_eq!(
            (&tried["accepted"], &tried["status"], &tried["body"]),
            (&json!(false), &json!(500), &json!("not now"))
        );
        let tried = program.post(&format!("{place}/test"), &json!({})).json();
        assert_eq!(tried["accepted"], true, "{tried}");
        assert_eq!(hook.posted()[1].json()["type"], "test");
        assert!(!hook.posted()[1].header("webhook-signature").is_empty());

        let second = program.with("If-Match", "\"2\"");
        let rotated = second.post(&format!("{place}/rotate"), &json!({}));
        assert_eq!(rotated.status, 200, "{}", rotated.text);
        assert_ne!(rotated.json()["secret"], json!(secret));
        assert!(rotated.json()["old_secret_until"].is_string());

        assert_eq!(program.delete(&place).status, 204);
        assert_eq!(program.get(&place).status, 404);
    });
}

#[test]
fn an_address_of_the_inner_network_is_not_knocked_at_by_a_test_either() {
    on_both(|service| {
        let program = service.program(Role::Administrator);
        let inner = json!({"name": "inner", "preset": "slack", "address": "http://10.255.255.1/x"});
        let place = program.post("/api/v1/webhooks", &inner);
        let place = place.header("location");
        let tried = program.post(&format!("{place}/test"), &json!({})).json();
        assert_eq!(tried["accepted"], false);
        assert!(
            tried["outcome"]
                .as_str()
                .unwrap()
                .contains("10.255.255.1 is private"),
            "{tried}"
        );
        assert!(tried["status"].is_null());
    });
}

#[test]
fn the_page_shows_a_secret_once_and_what_a_test_was_answered() {
    on_both(|service| {
        let hook = Hook::start();
        service.person("root", Role::Administrator);
        let browser = service.browser("root");
        let empty = browser.get("/webhooks");
        assert!(empty.text.contains("No webhook yet"), "{}", empty.text);
        let wrong = browser.send(
            "/webhooks",
            &[("name", "Chat"), ("preset", "standard"), ("address", "x")],
        );
        assert!(
            wrong.text.contains("is no name for webhook:NAME")
                && wrong.text.contains("cannot be posted to")
        );
        let fields = [
            ("name", "chat"),
            ("preset", "standard"),
            ("address", &hook.url()),
            ("secret", ""),
            ("locale", "en"),
            ("time_zone", "Europe/Berlin"),
            ("enabled", "true"),
        ];
        let made = browser.send("/webhooks", &fields);
        assert_eq!(made.status, 200, "{}", made.text);
        assert!(made.text.contains("whsec_"));
        let shown = browser.get("/webhooks/1").text;
        assert!(
            !shown.contains("whsec_") && !shown.contains("XyZ0123456789"),
            "{shown}"
        );
        hook.answers(Reply::With(202, "", "<b>taken</b>".into()));
        let tried = browser.send("/webhooks/1/test", &[]);
        assert!(
            tried.text.contains("it was accepted") && tried.text.contains("202"),
            "{}",
            tried.text
        );
        assert!(
            tried.text.contains("&#60;b&#62;taken") || tried.text.contains("&lt;b&gt;taken"),
            "{}",
            tried.text
        );
        let edit = [
            ("name", "chat"),
            ("_version", "1"),
            ("preset", "standard"),
            ("address", ""),
            ("secret", ""),
            ("locale", "zh-CN"),
            ("time_zone", "Asia/Shanghai"),
        ];
        assert_eq!(browser.send("/webhooks/1", &edit).status, 303);
        let list = browser.get("/webhooks").text;
        assert!(
            list.contains("Disabled"),
            "a box that is not ticked: {list}"
        );
        assert_eq!(browser.send("/webhooks/1/remove", &[]).status, 303);
        assert!(browser.get("/webhooks").text.contains("No webhook yet"));
    });
}
