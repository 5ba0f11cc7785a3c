//! Webhooks: named destinations that get letters beside mailboxes.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use url::Url;

use super::WebhookId;
use super::input::{Faults, FieldError};
use super::letter::{Recipient, Side};
use super::locale::Locale;
use super::reading::Object;
use super::zone::Zone;
use crate::schema::webhooks;
use crate::time::{DAY, Micros, Moment};

text_enum! {
    /// Who is at the other end, which decides how a message looks, how it is signed and what an answer
    /// means.
    Preset {
        /// A program of one's own: JSON, signed as Standard Webhooks says.
        Standard = "standard",
        /// An incoming webhook of Slack.
        Slack = "slack",
        /// A Workflows webhook of Microsoft Teams.
        Teams = "teams",
        /// A custom bot of Feishu or Lark.
        Feishu = "feishu",
        /// A custom robot of DingTalk.
        Dingtalk = "dingtalk",
    }
}

impl Preset {
    /// Whether messages are signed with a secret that the other side gave us.
    pub fn takes_their_secret(self) -> bool {
        matches!(self, Preset::Feishu | Preset::Dingtalk)
    }
}

ladder_name! {
    /// What a ladder calls a webhook; never changed.
    WebhookName = "webhook"
}

impl WebhookName {
    /// The webhook that an address of the outbox names; none: it is a mailbox.
    pub fn of_address(address: &str) -> Option<Self> {
        address.strip_prefix("webhook:")?.parse().ok()
    }
}

/// How long the secret before the present one signs beside it.
pub const OVERLAP: Micros = DAY;

/// A named destination. Its address and its secrets let whoever knows them write there, so they show
/// nowhere.
#[derive(Clone, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = webhooks)]
pub struct Webhook {
    /// Key.
    pub id: WebhookId,
    /// What ladders call it.
    pub name: WebhookName,
    /// Where messages are posted.
    pub address: String,
    /// Who is at the other end.
    pub preset: Preset,
    /// What messages are signed with.
    pub secret: Option<String>,
    /// What they are signed with beside it for a while.
    pub old_secret: Option<String>,
    /// When the old secret was replaced.
    pub rotated_at: Option<Moment>,
    /// The language of its messages.
    pub locale: Locale,
    /// The zone that moments are shown in.
    pub time_zone: Zone,
    /// Whether it gets messages at all.
    pub enabled: bool,
    /// Why the service itself put it out of use, if it did.
    pub disabled_because: Option<String>,
    /// When it was entered.
    pub created_at: Moment,
    /// Grows with each change.
    pub version: i64,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("name", &self.name)
            .field("address", &self.place())
            .field("preset", &self.preset)
            .finish_non_exhaustive()
    }
}

impl Webhook {
    /// Its address as far as it may be shown: the path often is the secret.
    pub fn place(&self) -> String {
        place(&self.address)
    }

    /// The secrets that sign a message at that moment, the present one first.
    pub fn secrets_at(&self, now: Moment) -> Vec<&str> {
        let overlaps = self.rotated_at.is_some_and(|at| now < at + OVERLAP);
        let old = self.old_secret.as_deref().filter(|_| overlaps);
        self.secret.as_deref().into_iter().chain(old).collect()
    }

    /// As the recipient of a letter; a webhook belongs to us.
    pub fn recipient(&self) -> Recipient {
        Recipient {
            name: format!("webhook {}", self.name),
            email: self.name.address(),
            locale: self.locale,
            time_zone: self.time_zone,
            side: Side::Ours,
        }
    }

    /// The text without anything that would let its reader write there.
    pub fn redacted(&self, text: &str) -> String {
        let mut hidden: Vec<String> = vec![self.address.clone()];
        if let Ok(url) = Url::parse(&self.address) {
            let words = url
                .path_segments()
                .into_iter()
                .flatten()
                .map(str::to_string);
            let values = url.query_pairs().map(|(_, value)| value.into_owned());
            hidden.extend(words.chain(values).filter(|word| word.len() >= 8));
        }
        let secrets = self.secret.iter().chain(&self.old_secret);
        hidden.extend(secrets.flat_map(|secret| {
            [
                secret.clone(),
                secret.trim_start_matches(SECRET_PREFIX).to_string(),
            ]
        }));
        hidden.retain(|word| !word.is_empty());
        // Longest first, so that no part of one is left over.
        hidden.sort_by_key(|word| std::cmp::Reverse(word.len()));
        hidden
            .iter()
            .fold(text.to_string(), |text, word| text.replace(word, "***"))
    }
}

/// Scheme and host of an address, without what may be a secret.
pub fn place(address: &str) -> String {
    let Ok(url) = Url::parse(address) else {
        return "***".to_string();
    };
    let origin = url.origin().ascii_serialization();
    if url.path() == "/" && url.query().is_none() {
        origin
    } else {
        format!("{origin}/…")
    }
}

/// What a secret of Standard Webhooks begins with.
pub const SECRET_PREFIX: &str = "whsec_";

/// The bytes that a secret of Standard Webhooks stands for, 24 to 64 of them.
pub fn key_of(secret: &str) -> Option<Vec<u8>> {
    let bytes = STANDARD.decode(secret.strip_prefix(SECRET_PREFIX)?).ok()?;
    (24..=64).contains(&bytes.len()).then_some(bytes)
}

/// What an edit does to the secret.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretChange {
    /// It stays, or one is made where one is needed.
    Keep,
    /// There is none any more.
    Drop,
    /// It is this one from now on.
    Set(String),
}

/// A webhook as somebody enters or edits it, checked.
#[derive(Clone)]
pub struct WebhookInput {
    /// What ladders call it.
    pub name: WebhookName,
    /// Where messages are posted; none, in an edit: as before.
    pub address: Option<String>,
    /// Who is at the other end.
    pub preset: Preset,
    /// What becomes of the secret.
    pub secret: SecretChange,
    /// The language of its messages.
    pub locale: Locale,
    /// The zone that moments are shown in.
    pub time_zone: Zone,
    /// Whether it gets messages at all.
    pub enabled: bool,
}

const FIELDS: &[&str] = &[
    "name",
    "address",
    "preset",
    "secret",
    "locale",
    "time_zone",
    "enabled",
];

impl WebhookInput {
    /// Reads and checks a new webhook; `locale` is `en`, `time_zone` UTC and `enabled` yes when they are
    /// left out.
    ///
    /// # Errors
    /// Every fault at its field.
    pub fn read(value: &Value) -> Result<Self, Vec<FieldError>> {
        let mut faults = Faults::none();
        let input = Self::of(value, None, &mut faults);
        let has_fault = faults.at("address");
        if let Some(input) = &input {
            faults.require(
                input.address.is_some() || has_fault,
                "address",
                "say where messages are posted, such as https://hooks.example.com/redress",
            );
        }
        match input {
            Some(input) => faults.or(input),
            None => Err(faults.into_vec()),
        }
    }

    /// Reads and checks an edit of a webhook. What is left out stays as it is; the name cannot be changed.
    ///
    /// # Errors
    /// Every fault at its field.
    pub fn read_edit(value: &Value, before: &Webhook) -> Result<Self, Vec<FieldError>> {
        let mut faults = Faults::none();
        let input = Self::of(value, Some(before), &mut faults);
        if let Some(input) = &input {
            faults.require(
                input.name == before.name,
                "name",
                "a webhook keeps its name, by which ladders call it; enter another one instead",
            );
        }
        match input {
            Some(input) => faults.or(input),
            None => Err(faults.into_vec()),
        }
    }

    fn of(value: &Value, before: Option<&Webhook>, faults: &mut Faults) -> Option<Self> {
        let object = Object::open(value, "", FIELDS, faults)?;
        let name = match (object.get("name"), before) {
            (None, Some(before)) => Some(before.name.clone()),
            _ => object.parsed("name", faults),
        };
        let preset = match (object.get("preset"), before) {
            (None, Some(before)) => Some(before.preset),
            _ => object.parsed::<Preset>("preset", faults),
        };
        let address = object
            .optional_text("address", faults)
            .filter(|text| !text.is_empty())
            .and_then(|text| faults.take("address", checked_address(&text)));
        let secret = match object.get("secret") {
            None => SecretChange::Keep,
            Some(Value::String(text)) if text.trim().is_empty() => SecretChange::Drop,
            Some(_) => object
                .text("secret", faults)
                .map_or(SecretChange::Keep, SecretChange::Set),
        };
        let locale = object.optional("locale", faults);
        let time_zone = object.optional("time_zone", faults);
        let enabled = match object.get("enabled") {
            Some(_) => object.yes("enabled", faults),
            None => before.is_none_or(|before| before.enabled),
        };
        let (name, preset) = (name?, preset?);
        check_secret(preset, &secret, faults);
        Some(Self {
            name,
            address,
            preset,
            secret,
            locale: locale.unwrap_or_else(|| before.map_or(Locale::En, |before| before.locale)),
            time_zone: time_zone
                .unwrap_or_else(|| before.map_or(Zone::UTC, |before| before.time_zone)),
            enabled,
        })
    }
}

fn check_secret(preset: Preset, secret: &SecretChange, faults: &mut Faults) {
    match (preset, secret) {
        (Preset::Standard, SecretChange::Set(text)) => faults.require(
            key_of(text).is_some(),
            "secret",
            "this is no secret of Standard Webhooks: whsec_ and 24 to 64 bytes as base64; leave it out and one is made",
        ),
        (Preset::Standard, _) | (_, SecretChange::Keep | SecretChange::Drop) => {}
        (Preset::Slack | Preset::Teams, SecretChange::Set(_)) => faults.add(
            "secret",
            format!("{preset} takes no signature: its secret is the address"),
        ),
        (_, SecretChange::Set(text)) => faults.require(
            text.chars().count() <= 200,
            "secret",
            "a secret has at most 200 characters",
        ),
    }
}

/// An address that can be posted to. The text may hold a secret and is not repeated.
fn checked_address(text: &str) -> Result<String, String> {
    let wrong = || {
        "this cannot be posted to; write https://hooks.example.com/redress, without a user name or a #part"
            .to_string()
    };
    if text.len() > 2_000 {
        return Err("an address has at most 2000 characters".to_string());
    }
    let url = Url::parse(text.trim()).map_err(|_| wrong())?;
    let fits = ["http", "https"].contains(&url.scheme())
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none();
    fits.then(|| url.to_string()).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn webhook() -> Webhook {
        Webhook {
            id: WebhookId(1),
            name: "chat".parse().unwrap(),
            address: "https://hooks.example.com/services/T0000/B0000/XyZ123456789".into(),
            preset: Preset::Standard,
            secret: Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into()),
            old_secret: Some("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".into()),
            rotated_at: Moment::parse("2026-11-20T10:00:00Z").ok(),
            locale: Locale::En,
            time_zone: Zone::UTC,
            enabled: true,
            disabled_because: None,
            created_at: Moment::parse("2026-11-20T09:00:00Z").unwrap(),
            version: 1,
        }
    }

    #[test]
    fn a_name_is_an_address_of_the_outbox_and_a_mailbox_is_none() {
        let name: WebhookName = "on-call-2".parse().unwrap();
        assert_eq!(WebhookName::of_address(&name.address()), Some(name));
        assert_eq!(WebhookName::of_address("webhook:x@example.com"), None);
        assert_eq!(WebhookName::of_address("ann@example.com"), None);
        for wrong in ["", "Chat", "a b", "a_b", &"a".repeat(41)] {
            assert!(wrong.parse::<WebhookName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn neither_secrets_nor_the_path_of_the_address_show() {
        let webhook = webhook();
        assert_eq!(webhook.place(), "https://hooks.example.com/…");
        let shown = format!("{webhook:?}");
        assert!(!shown.contains("XyZ") && !shown.contains("MfKQ"), "{shown}");
        let answer = "no XyZ123456789 at https://hooks.example.com/services/T0000/B0000/XyZ123456789 \
                      for MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        assert_eq!(webhook.redacted(answer), "no *** at *** for ***");
    }

    #[test]
    fn the_secret_before_signs_for_a_day() {
        let webhook = webhook();
        let rotated = webhook.rotated_at.unwrap();
        assert_eq!(webhook.secrets_at(rotated + DAY - 1).len(), 2);
        let later = webhook.secrets_at(rotated + DAY);
        assert_eq!(later, [webhook.secret.as_deref().unwrap()]);
    }

    #[test]
    fn each_wrong_field_is_named() {
        let table = [
            (json!({}), &["name", "preset"][..]),
            (json!({"name": "chat", "preset": "slack"}), &["address"]),
            (
                json!({"name": "Chat", "preset": "irc", "address": "ftp://x"}),
                &["address", "name", "preset"],
            ),
            (
                json!({"name": "chat", "preset": "slack", "address": "https://a:b@x/"}),
                &["address"],
            ),
            (
                json!({"name": "chat", "preset": "slack", "address": "https://x/", "secret": "s"}),
                &["secret"],
            ),
            (
                json!({"name": "chat", "preset": "standard", "address": "https://x/", "secret": "whsec_abc"}),
                &["secret"],
            ),
        ];
        for (value, expected) in table {
            let Err(faults) = WebhookInput::read(&value) else {
                panic!("{value} was taken");
            };
            let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
            assert_eq!(fields, expected, "{value}");
        }
    }

    #[test]
    fn an_edit_keeps_what_it_leaves_out_but_never_another_name() {
        let before = webhook();
        let edit = WebhookInput::read_edit(&json!({"enabled": false}), &before)
            .unwrap_or_else(|faults| panic!("{faults:?}"));
        assert!(edit.address.is_none() && edit.secret == SecretChange::Keep && !edit.enabled);
        assert_eq!((edit.preset, edit.locale), (before.preset, before.locale));
        assert!(WebhookInput::read_edit(&json!({"name": "other"}), &before).is_err());
    }
}
