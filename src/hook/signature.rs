//! How a message proves where it comes from.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

use crate::domain::webhook::key_of;

/// The header `webhook-signature` of Standard Webhooks 1.0: HMAC-SHA-256 over id, timestamp (seconds) and
/// body with full stops between, once for each secret that counts.
pub fn standard(id: &str, timestamp: i64, body: &[u8], secrets: &[&str]) -> String {
    let mut content = format!("{id}.{timestamp}.").into_bytes();
    content.extend_from_slice(body);
    let signatures: Vec<String> = secrets
        .iter()
        .filter_map(|secret| key_of(secret))
        .map(|key| format!("v1,{}", signed(&key, &content)))
        .collect();
    signatures.join(" ")
}

/// The field `sign` of a Feishu bot: HMAC-SHA-256 over nothing, whose key is the timestamp (seconds), a
/// line end and the secret.
pub fn feishu(timestamp: i64, secret: &str) -> String {
    signed(format!("{timestamp}\n{secret}").as_bytes(), b"")
}

/// The parameter `sign` of a DingTalk robot, before it is written for an address: HMAC-SHA-256 over the
/// timestamp (milliseconds), a line end and the secret, whose key is the secret.
pub fn dingtalk(timestamp: i64, secret: &str) -> String {
    signed(
        secret.as_bytes(),
        format!("{timestamp}\n{secret}").as_bytes(),
    )
}

fn signed(key: &[u8], content: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    STANDARD.encode(hmac::sign(&key, content))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that the libraries of Standard Webhooks test themselves with.
    #[test]
    fn the_published_example_gets_the_published_signature() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", br#"{"test": 2432232314}"#);
        let signed = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(standard(id, 1_614_265_330, body, &[secret]), signed);
        let other = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
        let both = standard(id, 1_614_265_330, body, &[other, secret]);
        assert!(both.starts_with("v1,") && both.ends_with(signed), "{both}");
        assert_eq!(both.split(' ').count(), 2);
        assert_eq!(standard(id, 0, body, &["no secret"]), "");
    }

    /// Computed by the Python of the public documentation of both.
    #[test]
    fn the_bots_of_feishu_and_dingtalk_get_theirs() {
        assert_eq!(
            feishu(1_599_360_473, "this is secret"),
            "/eYKrXQBzTjUZJ3s6NX16VxGbTwmK7AEs8/FnvC1CSw="
        );
        assert_eq!(
            dingtalk(1_599_360_473_000, "this is secret"),
            "hXZTWifRGHclNuZSKxoXc//sh51SWfVfRIhcdeKs63I="
        );
    }
}
