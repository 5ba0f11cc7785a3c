//! A message on its way to a webhook.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{body, signature};
use crate::domain::letter::{ClockFacts, IncidentFacts, LetterKind, StepFacts};
use crate::domain::locale::Locale;
use crate::domain::outbox::Letter;
use crate::domain::webhook::{Preset, Webhook};
use crate::mail::brief::Brief;
use crate::mail::letters::RenderError;
use crate::mail::templates::Templates;
use crate::time::{MILLISECOND, Moment, SECOND};

/// What a message says, before it takes the shape that the other side wants.
#[derive(Clone, Debug)]
pub struct Message {
    /// What happened, such as `clock.breached`.
    pub kind: &'static str,
    /// When.
    pub at: Moment,
    /// For people.
    pub brief: Brief,
    /// For programs.
    pub data: Value,
}

impl Message {
    /// What a letter says to a webhook.
    ///
    /// # Errors
    /// When its subject cannot be written.
    pub fn of(
        templates: &Templates,
        letter: &Letter,
        facts: &IncidentFacts,
        public_url: &str,
        now: Moment,
    ) -> Result<Self, RenderError> {
        Ok(Self {
            kind: kind(facts.kind),
            at: facts.planned_at,
            brief: Brief::of(templates, facts, &letter.recipient(), public_url, now)?,
            data: data(letter, facts, public_url),
        })
    }

    /// What is sent to see whether a webhook works.
    pub fn sample(webhook: &Webhook, public_url: &str, now: Moment) -> Self {
        let (title, name, text, link) = match webhook.locale {
            Locale::En => (
                "Redress: a message to see whether this webhook works",
                "Webhook",
                "It does if you read this. Nothing has happened.",
                "Open Redress",
            ),
            Locale::ZhCn => (
                "Redress：用于检查此 Webhook 的测试消息",
                "Webhook",
                "看到本消息即表示工作正常，并未发生任何事件。",
                "打开 Redress",
            ),
        };
        Self {
            kind: "test",
            at: now,
            brief: Brief {
                title: title.to_string(),
                lines: vec![
                    (name.to_string(), webhook.name.to_string()),
                    ("Redress".to_string(), text.to_string()),
                ],
                link: link.to_string(),
                url: public_url.to_string(),
                instead_of: None,
            },
            data: json!({"webhook": webhook.name, "links": {"redress": public_url}}),
        }
    }
}

fn kind(of: LetterKind) -> &'static str {
    match of {
        LetterKind::Raised => "incident.raised",
        LetterKind::Resolved => "incident.resolved",
        LetterKind::Reopened => "incident.reopened",
        LetterKind::Warned => "clock.warned",
        LetterKind::Escalated => "clock.escalated",
        LetterKind::Breached => "clock.breached",
        LetterKind::Corrected => "breach.withdrawn",
        _ => "letter",
    }
}

fn data(letter: &Letter, facts: &IncidentFacts, public_url: &str) -> Value {
    let names: Vec<&str> = facts
        .also_told
        .iter()
        .map(|told| told.name.as_str())
        .collect();
    let mut links = json!({"incident": format!("{public_url}{}", facts.link)});
    if let Some(clock) = letter.clock_id {
        links["clock"] = json!(format!("{public_url}/clocks/{clock}"));
    }
    if let Some(breach) = &facts.breach {
        links["breach"] = json!(format!("{public_url}/breaches/{breach}"));
    }
    json!({
        "incident": facts.incident, "title": facts.title, "drill": facts.drill,
        "severity": facts.severity, "severity_name": facts.severity_name,
        "reported_at": facts.reported_at, "planned_at": facts.planned_at,
        "case": letter.case_id, "vendor": facts.vendor, "vendor_reference": facts.vendor_reference,
        "contract": facts.contract, "contract_title": facts.contract_title,
        "clock": letter.clock_id, "clocks": facts.clocks.iter().map(clock).collect::<Vec<_>>(),
        "step": facts.step.as_ref().map(step),
        "missed_steps": facts.missed_steps.iter().map(step).collect::<Vec<_>>(),
        "breach": facts.breach, "remark": facts.remark, "audience": names, "links": links,
    })
}

fn clock(clock: &ClockFacts) -> Value {
    json!({
        "metric": clock.metric, "clause": clock.clause, "state": clock.state,
        "interval": clock.interval, "started_at": clock.started_at, "due_at": clock.due_at,
        "provisional": clock.provisional, "breached_at": clock.breached_at,
        "stopped_at": clock.stopped_at,
        "late_seconds": clock.late_elapsed.map(|micros| micros / SECOND),
        "remaining_seconds": clock.remaining.map(|micros| micros / SECOND),
    })
}

fn step(step: &StepFacts) -> Value {
    json!({"planned_at": step.planned_at, "when": step.trigger, "repeat": step.repeat,
           "reminder": step.reminder})
}

/// A message as it leaves.
#[derive(Clone, PartialEq, Eq)]
pub struct Parcel {
    /// Where it is posted, with a signature where it stands there.
    pub url: String,
    /// Headers besides the media type.
    pub headers: Vec<(&'static str, String)>,
    /// JSON.
    pub body: Vec<u8>,
}

impl Parcel {
    /// Packs a message for a webhook; `id` is the same in every attempt, `now` is when this one is made.
    pub fn pack(webhook: &Webhook, id: &str, message: &Message, now: Moment) -> Self {
        let secrets = webhook.secrets_at(now);
        let secret = secrets.first().copied();
        let seconds = now.micros().div_euclid(SECOND);
        let mut body = body::of(webhook.preset, webhook.locale, message);
        let (mut url, mut headers) = (webhook.address.clone(), Vec::new());
        match (webhook.preset, secret) {
            (Preset::Feishu, Some(secret)) => {
                body["timestamp"] = json!(seconds.to_string());
                body["sign"] = json!(signature::feishu(seconds, secret));
            }
            (Preset::Dingtalk, Some(secret)) => {
                let millis = now.micros().div_euclid(MILLISECOND);
                let sign = signature::dingtalk(millis, secret);
                let sign = utf8_percent_encode(&sign, NON_ALPHANUMERIC);
                let joined = if url.contains('?') { '&' } else { '?' };
                url.push_str(&format!("{joined}timestamp={millis}&sign={sign}"));
            }
            _ => {}
        }
        let body = body.to_string().into_bytes();
        if webhook.preset == Preset::Standard {
            headers = vec![
                ("webhook-id", id.to_string()),
                ("webhook-timestamp", seconds.to_string()),
                (
                    "webhook-signature",
                    signature::standard(id, seconds, &body, &secrets),
                ),
            ];
        }
        Self { url, headers, body }
    }
}
