//! Posting messages.
//!
//! The name of the other side is looked up once for each attempt, every address that it stands for must be
//! one that may be reached, and the connection goes to one of these very addresses: there is no second
//! look-up whose answer could be another. Connections are not kept. Redirects are not followed: no chat
//! needs one, and whoever gave the address did not name the place that it leads to.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use chrono::DateTime;
use serde_json::Value;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Timeout};

use super::message::Parcel;
use super::network::{Network, refusal};
use crate::domain::outbox::LONGEST_RETRY;
use crate::domain::webhook::{Preset, Webhook};
use crate::mail::outlet::Delivery;
use crate::metrics::Metrics;
use crate::time::{Micros, Moment, SECOND};
use crate::trust;

/// How long the other side may take for all of it.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// How much of an answer is read.
const READ: u64 = 64 * 1024;
/// How much of an answer is kept, in bytes.
const KEPT: usize = 1024;

/// Where messages go.
#[derive(Clone, Debug)]
pub enum HookOutlet {
    /// To their addresses.
    Http(Http),
    /// The way of letters by mail, for rehearsals: that leads into memory.
    AsMail,
}

impl Default for HookOutlet {
    fn default() -> Self {
        Self::Http(Http::new(Vec::new(), PATIENCE))
    }
}

/// The way to other machines; copies share their counts.
#[derive(Clone, Debug)]
pub struct Http(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    allowed: Vec<Network>,
    patience: Duration,
    config: OnceLock<ureq::config::Config>,
    counts: [AtomicU64; 7],
}

/// What messages come to: the label of each count.
const OUTCOMES: [&str; 7] = ["2xx", "3xx", "4xx", "5xx", "other", "none", "forbidden"];

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// In the terms by which the outbox decides.
    pub delivery: Delivery,
    /// What the other side answered, if it did.
    pub answer: Option<Answer>,
    /// How long it asks to be left alone.
    pub wait: Option<Micros>,
    /// Whether it says that nobody is there any more.
    pub is_gone: bool,
}

/// An answer as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The beginning of the body, without secrets.
    pub body: String,
}

impl From<Delivery> for Reply {
    fn from(delivery: Delivery) -> Self {
        Self {
            delivery,
            answer: None,
            wait: None,
            is_gone: false,
        }
    }
}

impl HookOutlet {
    /// The way to other machines; besides the open internet only those ranges may be reached.
    pub fn http(allowed: Vec<Network>) -> Self {
        Self::Http(Http::new(allowed, PATIENCE))
    }

    /// The same with other patience.
    pub fn patient_for(allowed: Vec<Network>, patience: Duration) -> Self {
        Self::Http(Http::new(allowed, patience))
    }

    /// Posts one message; blocks until that is done or failed, never much longer than [`PATIENCE`]. `now`
    /// is the moment of the attempt.
    pub fn post(&self, webhook: &Webhook, parcel: &Parcel, now: Moment) -> Reply {
        match self {
            HookOutlet::Http(http) => http.post(webhook, parcel, now),
            HookOutlet::AsMail => Reply::from(Delivery::Unreachable {
                error: "this is a rehearsal".to_string(),
            }),
        }
    }

    /// Whether messages go the way of letters by mail.
    pub fn is_as_mail(&self) -> bool {
        matches!(self, HookOutlet::AsMail)
    }

    /// Shows in `/metrics` what messages came to.
    pub fn show(&self, metrics: &Metrics) {
        let HookOutlet::Http(http) = self else {
            return;
        };
        for (place, outcome) in OUTCOMES.iter().enumerate() {
            let inner = Arc::clone(&http.0);
            metrics.gauge(
                "redress_webhook_answers",
                &format!("status=\"{outcome}\""),
                "Messages posted to webhooks since the start by what was answered",
                move || Some(inner.counts[place].load(Ordering::Relaxed) as f64),
            );
        }
    }
}

impl Http {
    fn new(allowed: Vec<Network>, patience: Duration) -> Self {
        Self(Arc::new(Inner {
            allowed,
            patience,
            config: OnceLock::new(),
            counts: Default::default(),
        }))
    }

    fn post(&self, webhook: &Webhook, parcel: &Parcel, now: Moment) -> Reply {
        let forbidden = Arc::new(Mutex::new(None));
        let mut request = self
            .agent(&forbidden)
            .post(&parcel.url)
            .content_type("application/json; charset=utf-8");
        for (name, value) in &parcel.headers {
            request = request.header(*name, value);
        }
        let mut response = match request.send(&parcel.body[..]) {
            Ok(response) => response,
            Err(error) => {
                let why = forbidden
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .take();
                self.count(if why.is_some() { "forbidden" } else { "none" });
                return Reply::from(failed(why, &error));
            }
        };
        let status = response.status().as_u16();
        self.count(match status {
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            500..600 => "5xx",
            _ => "other",
        });
        let header = |name: &str| {
            let value = response.headers().get(name)?;
            value.to_str().ok().map(str::to_string)
        };
        let wait = header("retry-after").and_then(|text| retry_after(&text, now));
        // What came in time counts; an answer that never ends is cut off here.
        let mut bytes = Vec::new();
        let mut reader = response.body_mut().with_config().limit(READ).reader();
        let read = read_some(&mut reader, &mut bytes);
        let mut reply = judge(webhook.preset, status, &bytes, wait);
        if let (Err(error), Delivery::Accepted { .. }) = (read, &reply.delivery)
            && webhook.preset.takes_their_secret()
        {
            // The status alone says nothing there.
            reply.delivery = Delivery::InDoubt {
                error: format!("its answer did not end: {error}"),
            };
        }
        let body = String::from_utf8_lossy(&bytes);
        // Secrets are taken out before it is cut, so that no half of one is left.
        let body = cut(&webhook.redacted(&body), KEPT);
        reply.delivery = without_secrets(reply.delivery, webhook);
        reply.answer = Some(Answer { status, body });
        reply
    }

    /// An agent of its own for each attempt, so that what is told of a refused address is of this attempt.
    fn agent(&self, forbidden: &Arc<Mutex<Option<String>>>) -> Agent {
        let inner = &self.0;
        let config = inner.config.get_or_init(|| config(inner.patience)).clone();
        let guard = Guard {
            inner: DefaultResolver::default(),
            allowed: inner.allowed.clone(),
            forbidden: Arc::clone(forbidden),
        };
        Agent::with_parts(config, DefaultConnector::default(), guard)
    }

    fn count(&self, outcome: &str) {
        if let Some(place) = OUTCOMES.iter().position(|one| *one == outcome) {
            self.0.counts[place].fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn config(patience: Duration) -> ureq::config::Config {
    Agent::config_builder()
        .timeout_global(Some(patience))
        // So that one can tell whether anything was sent.
        .timeout_resolve(Some(patience / 2))
        .timeout_connect(Some(patience / 2))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        // A proxy would look the name up by itself.
        .proxy(None)
        .max_idle_connections(0)
        .max_idle_connections_per_host(0)
        .tls_config(trust::of_the_system())
        .user_agent("redress")
        .build()
}

/// Looks names up, and lets through only what may be reached.
#[derive(Debug)]
struct Guard {
    inner: DefaultResolver,
    allowed: Vec<Network>,
    forbidden: Arc<Mutex<Option<String>>>,
}

impl Guard {
    fn refuses(&self, address: IpAddr) -> Option<String> {
        let class = refusal(address)?;
        let allowed = self.allowed.iter().any(|range| range.contains(address));
        (!allowed).then(|| {
            format!("{address} is {class}, and such addresses are not allowed (--webhook-allow)")
        })
    }
}

impl Resolver for Guard {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = match self.inner.resolve(uri, config, timeout) {
            // Else nobody could tell it from a connection that was lost.
            Err(ureq::Error::Io(_)) => return Err(ureq::Error::HostNotFound),
            found => found?,
        };
        // One of them is enough: whoever mixes them wants to lead astray.
        if let Some(why) = found.iter().find_map(|one| self.refuses(one.ip())) {
            *self
                .forbidden
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some(why);
            return Err(ureq::Error::HostNotFound);
        }
        Ok(found)
    }
}

/// Why nothing came back. Addresses hold secrets: the error's own words are not always used.
fn failed(forbidden: Option<String>, error: &ureq::Error) -> Delivery {
    if let Some(why) = forbidden {
        return Delivery::Refused {
            code: 0,
            text: why,
            address: false,
        };
    }
    let unreachable = |error: &str| Delivery::Unreachable {
        error: error.to_string(),
    };
    let in_doubt = |error: &str| Delivery::InDoubt {
        error: error.to_string(),
    };
    match error {
        ureq::Error::HostNotFound => unreachable("there is no such host"),
        ureq::Error::ConnectionFailed => unreachable("it cannot be reached"),
        ureq::Error::Timeout(Timeout::Resolve) => unreachable("looking its name up took too long"),
        ureq::Error::Timeout(Timeout::Connect) => unreachable("connecting took too long"),
        ureq::Error::Timeout(_) => in_doubt("it did not answer in time"),
        ureq::Error::Tls(reason) => unreachable(&format!("TLS failed: {reason}")),
        ureq::Error::Rustls(error) => unreachable(&format!("TLS failed: {error}")),
        ureq::Error::Io(error) if is_of_handshake(error) => {
            unreachable(&format!("TLS failed: {error}"))
        }
        ureq::Error::Io(error) if is_before_sending(error) => {
            unreachable(&format!("it cannot be reached: {error}"))
        }
        ureq::Error::Io(error) => in_doubt(&format!("the connection failed: {error}")),
        ureq::Error::LargeResponseHeader(..) => in_doubt("its answer has too long a head"),
        ureq::Error::Protocol(_) => in_doubt("its answer is not HTTP"),
        _ => in_doubt("the exchange failed"),
    }
}

/// Nothing was sent to whom TLS does not trust, or who speaks none.
fn is_of_handshake(error: &io::Error) -> bool {
    use rustls::Error as Tls;
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    matches!(
        inner,
        Some(Tls::InvalidCertificate(_) | Tls::InvalidMessage(_) | Tls::PeerIncompatible(_))
    )
}

fn is_before_sending(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::ConnectionRefused
            | Kind::HostUnreachable
            | Kind::NetworkUnreachable
            | Kind::AddrNotAvailable
    )
}

fn read_some(reader: &mut impl io::Read, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut some = [0_u8; 4096];
    loop {
        match reader.read(&mut some)? {
            0 => return Ok(()),
            read => bytes.extend_from_slice(&some[..read]),
        }
    }
}

/// What an answer means. 2xx is accepted; 408, 429 and 5xx may pass; 410 says that nobody is there any
/// more; all else is final. Feishu and DingTalk say in the body whether they took it.
pub fn judge(preset: Preset, status: u16, body: &[u8], wait: Option<Micros>) -> Reply {
    let accepted = || Delivery::Accepted {
        response: format!("answered {status}"),
    };
    let text = || cut(&String::from_utf8_lossy(body), 200);
    let deferred = |text: String| Delivery::Deferred { code: status, text };
    let refused = |text: String| Delivery::Refused {
        code: status,
        text,
        address: false,
    };
    let delivery = match status {
        200..300 => match said_in_body(preset, body) {
            Said::Yes => accepted(),
            Said::Later(why) => deferred(why),
            Said::No(why) => refused(why),
        },
        300..400 => refused("a redirect, and redirects are not followed".to_string()),
        408 | 429 | 500..600 => deferred(text()),
        _ => refused(text()),
    };
    let is_deferred = matches!(delivery, Delivery::Deferred { .. });
    Reply {
        delivery,
        answer: None,
        wait: wait.filter(|_| is_deferred),
        is_gone: status == 410,
    }
}

enum Said {
    Yes,
    Later(String),
    No(String),
}

/// Codes of Feishu and DingTalk for "too many" and "busy".
const PASSING: [i64; 5] = [-1, 9499, 11_232, 90_030, 130_101];

fn said_in_body(preset: Preset, body: &[u8]) -> Said {
    if !preset.takes_their_secret() {
        return Said::Yes;
    }
    let Ok(Value::Object(fields)) = serde_json::from_slice::<Value>(body) else {
        return Said::No(format!(
            "this is no answer of {preset}: {}",
            cut(&String::from_utf8_lossy(body), 200)
        ));
    };
    let of = |names: &[&str]| names.iter().find_map(|name| fields.get(*name));
    let (code, text) = match preset {
        Preset::Feishu => (of(&["code", "StatusCode"]), of(&["msg", "StatusMessage"])),
        _ => (of(&["errcode"]), of(&["errmsg"])),
    };
    let text = text.and_then(Value::as_str).unwrap_or_default();
    let Some(code) = code.and_then(Value::as_i64) else {
        return Said::No(format!("its answer says no code: {}", cut(text, 200)));
    };
    let said = cut(&format!("code {code}: {text}"), 200);
    match code {
        0 => Said::Yes,
        code if PASSING.contains(&code) => Said::Later(said),
        _ => Said::No(said),
    }
}

/// How long to wait by a header `Retry-After`, in seconds or as a date; within the longest wait between
/// two attempts.
fn retry_after(text: &str, now: Moment) -> Option<Micros> {
    let text = text.trim();
    let wait = match text.parse::<i64>() {
        Ok(seconds) => seconds.checked_mul(SECOND).unwrap_or(LONGEST_RETRY),
        Err(_) => Moment::from(DateTime::parse_from_rfc2822(text).ok()?.to_utc()) - now,
    };
    (wait > 0).then(|| wait.min(LONGEST_RETRY))
}

fn without_secrets(delivery: Delivery, webhook: &Webhook) -> Delivery {
    match delivery {
        Delivery::Refused {
            code,
            text,
            address,
        } => Delivery::Refused {
            code,
            text: webhook.redacted(&text),
            address,
        },
        Delivery::Deferred { code, text } => Delivery::Deferred {
            code,
            text: webhook.redacted(&text),
        },
        other => other,
    }
}

/// The beginning of a text, without signs that a database or a page refuses.
fn cut(text: &str, longest: usize) -> String {
    let mut end = text.len().min(longest);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end]
        .chars()
        .map(|sign| match sign {
            '\n' => '\n',
            sign if sign.is_control() => ' ',
            sign => sign,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(reply: &Reply) -> &'static str {
        match reply.delivery {
            Delivery::Accepted { .. } => "accepted",
            Delivery::Refused { .. } => "refused",
            Delivery::Deferred { .. } => "deferred",
            Delivery::Unreachable { .. } => "unreachable",
            Delivery::InDoubt { .. } => "in doubt",
        }
    }

    #[test]
    fn a_status_says_whether_to_try_again() {
        let table = [
            (200, "accepted"),
            (202, "accepted"),
            (204, "accepted"),
            (301, "refused"),
            (307, "refused"),
            (400, "refused"),
            (401, "refused"),
            (404, "refused"),
            (408, "deferred"),
            (410, "refused"),
            (429, "deferred"),
            (500, "deferred"),
            (503, "deferred"),
            (600, "refused"),
        ];
        for (status, expected) in table {
            let reply = judge(Preset::Standard, status, b"", None);
            assert_eq!(said(&reply), expected, "{status}");
            assert_eq!(reply.is_gone, status == 410, "{status}");
        }
    }

    #[test]
    fn feishu_and_dingtalk_are_judged_by_the_body() {
        let table = [
            (
                Preset::Feishu,
                r#"{"code":0,"msg":"success","data":{}}"#,
                "accepted",
            ),
            (
                Preset::Feishu,
                r#"{"StatusCode":0,"StatusMessage":"success"}"#,
                "accepted",
            ),
            (
                Preset::Feishu,
                r#"{"code":19021,"msg":"sign match fail"}"#,
                "refused",
            ),
            (
                Preset::Feishu,
                r#"{"code":11232,"msg":"frequency limited"}"#,
                "deferred",
            ),
            (Preset::Feishu, "<html>a captive portal</html>", "refused"),
            (
                Preset::Dingtalk,
                r#"{"errcode":0,"errmsg":"ok"}"#,
                "accepted",
            ),
            (
                Preset::Dingtalk,
                r#"{"errcode":310000,"errmsg":"sign not match"}"#,
                "refused",
            ),
            (
                Preset::Dingtalk,
                r#"{"errcode":-1,"errmsg":"busy"}"#,
                "deferred",
            ),
            (Preset::Dingtalk, r#"{"errmsg":"ok"}"#, "refused"),
            (Preset::Slack, "ok", "accepted"),
            (Preset::Teams, "", "accepted"),
        ];
        for (preset, body, expected) in table {
            let reply = judge(preset, 200, body.as_bytes(), None);
            assert_eq!(said(&reply), expected, "{preset} {body}");
        }
    }

    #[test]
    fn who_asks_to_be_left_alone_is_for_four_hours_at_most() {
        let now = Moment::parse("2026-11-20T15:00:00Z").unwrap();
        let table = [
            ("120", Some(120 * SECOND)),
            ("0", None),
            ("-5", None),
            ("99999999999999999", Some(LONGEST_RETRY)),
            ("Fri, 20 Nov 2026 15:02:00 GMT", Some(120 * SECOND)),
            ("Fri, 20 Nov 2026 14:02:00 GMT", None),
            ("soon", None),
        ];
        for (text, expected) in table {
            assert_eq!(retry_after(text, now), expected, "{text}");
        }
        let reply = judge(Preset::Slack, 429, b"", Some(SECOND));
        assert_eq!(reply.wait, Some(SECOND));
        assert_eq!(judge(Preset::Slack, 200, b"", Some(SECOND)).wait, None);
    }

    #[test]
    fn what_is_kept_of_an_answer_is_short_and_harmless() {
        assert_eq!(cut("a\0b\u{1b}[31m\nc", 100), "a b [31m\nc");
        assert_eq!(cut("ééé", 3), "é");
    }
}
