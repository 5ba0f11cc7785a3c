//! What a letter says: facts and a recipient in, subject and text out.
//!
//! Pure: the moment of sending is given. The templates hold all the sentences (those compiled in lie in
//! `templates/mail/<letter>/<language>/`), and `wording` the names, moments and lengths.

use minijinja::value::Serde;
use minijinja::{Environment, Value};
use serde::Serialize;

use super::links::{Links, Signer, links_of};
use super::wording;
use crate::domain::letter::{
    ClockFacts, IncidentFacts, LetterFacts, Recipient, ReportFacts, Side, Told,
};
use crate::domain::locale::Locale;
use crate::domain::zone::Zone;
use crate::time::{MINUTE, Micros, Moment};

pub(super) mod environment;
pub(super) mod files;

pub use environment::RenderError;
use environment::{Bounds, fill};

/// A letter that goes out later than this says when it was due to go out.
const LATE: Micros = MINUTE;

/// Longest subject, in characters.
const SUBJECT: usize = 180;

/// The text of a letter, ready to be made into a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// One line without control characters.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// HTML without remote content.
    pub html: String,
    /// Files.
    pub attachments: Vec<Attachment>,
    /// Why it was written by the templates that are compiled in, where an organisation has its own.
    pub instead_of: Option<RenderError>,
}

/// A file that goes with a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// File name, plain ASCII.
    pub name: String,
    /// Media type, such as `text/csv; charset=utf-8`.
    pub media_type: String,
    /// The content.
    pub bytes: Vec<u8>,
}

/// What a letter is made of: the facts, and for whom and when it is written.
pub(super) struct Order<'a> {
    pub facts: &'a LetterFacts,
    pub recipient: &'a Recipient,
    /// The address that people reach the service by; the facts' path comes after it.
    pub public_url: &'a str,
    pub sent_at: Moment,
    pub sign: Signer<'a>,
}

/// Writes a letter by the templates of that environment.
pub(super) fn write(
    environment: &Environment<'static>,
    order: &Order<'_>,
    bounds: Bounds,
) -> Result<Rendered, RenderError> {
    let context = context_of(order);
    let folder = format!("{}/{}", order.facts.kind(), order.recipient.locale);
    let part = |part: &str| fill(environment, &format!("{folder}/{part}"), &context, bounds);
    Ok(Rendered {
        subject: one_line(&part("subject.txt")?, SUBJECT),
        text: tidy(&part("body.txt")?),
        html: part("body.html")?,
        attachments: match order.facts {
            LetterFacts::Report(facts) => csv_of(facts).into_iter().collect(),
            _ => Vec::new(),
        },
        instead_of: None,
    })
}

/// All that the templates of a letter know.
pub(super) fn context_of(order: &Order<'_>) -> Value {
    let Order {
        recipient,
        public_url,
        sent_at,
        ..
    } = *order;
    match order.facts {
        LetterFacts::Incident(facts) => {
            incident_context(facts, recipient, public_url, sent_at, order.sign)
        }
        LetterFacts::Report(facts) => report_context(facts, recipient, public_url, sent_at),
        LetterFacts::Undeliverable(facts) => context(
            facts,
            recipient,
            address(public_url, &facts.link),
            Some(facts.planned_at),
            sent_at,
        ),
    }
}

/// What every template knows, besides the facts themselves.
#[derive(Serialize)]
struct Context<'a, F: Serialize> {
    #[serde(flatten)]
    facts: F,
    language: Locale,
    zone: Zone,
    to: &'a Recipient,
    to_vendor: bool,
    url: String,
    /// By how much it goes out late, if it is worth a sentence.
    late_by: Option<Micros>,
}

#[derive(Serialize)]
struct IncidentView<'a> {
    #[serde(flatten)]
    facts: &'a IncidentFacts,
    /// The clock the letter is about.
    clock: Option<&'a ClockFacts>,
    is_overdue: bool,
    /// The deadline that it did not keep, or that is to come.
    was_due: Option<Moment>,
    /// Who else was told, as this recipient may see it.
    others: Vec<String>,
    /// What can be answered without an account.
    links: Links,
}

#[derive(Serialize)]
struct ReportView<'a> {
    #[serde(flatten)]
    facts: &'a ReportFacts,
    /// The last moment that still belongs to the period.
    last: Moment,
}

fn incident_context(
    facts: &IncidentFacts,
    recipient: &Recipient,
    public_url: &str,
    sent_at: Moment,
    sign: Signer<'_>,
) -> Value {
    // The addresses themselves stay out of a template's reach.
    let without_addresses = IncidentFacts {
        also_told: Vec::new(),
        ..facts.clone()
    };
    let clock = facts.clocks.first();
    context(
        IncidentView {
            facts: &without_addresses,
            clock,
            is_overdue: clock.is_some_and(wording::is_overdue),
            was_due: clock.and_then(|clock| clock.breached_at.or(clock.due_at)),
            others: others(&facts.also_told, facts, recipient),
            links: links_of(facts, recipient, public_url, sign),
        },
        recipient,
        address(public_url, &facts.link),
        Some(facts.planned_at),
        sent_at,
    )
}

fn report_context(
    facts: &ReportFacts,
    recipient: &Recipient,
    public_url: &str,
    sent_at: Moment,
) -> Value {
    context(
        ReportView {
            facts,
            last: facts.to - 1,
        },
        recipient,
        address(public_url, &facts.link),
        facts.planned_at,
        sent_at,
    )
}

fn context<F: Serialize>(
    facts: F,
    to: &Recipient,
    url: String,
    planned_at: Option<Moment>,
    sent_at: Moment,
) -> Value {
    Value::from(Serde(Context {
        facts,
        language: to.locale,
        zone: to.time_zone,
        to,
        to_vendor: to.side == Side::Vendor,
        url,
        late_by: planned_at
            .map(|planned_at| sent_at - planned_at)
            .filter(|late| *late > LATE),
    }))
}

fn address(public_url: &str, path: &str) -> String {
    format!("{}{path}", public_url.trim_end_matches('/'))
}

/// A vendor sees the names of our people and never their addresses, except the contract owner's.
fn others(told: &[Told], facts: &IncidentFacts, recipient: &Recipient) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for person in told {
        if person.email == recipient.email {
            continue;
        }
        let name = line(&person.name);
        let is_owner =
            person.email == facts.owner || facts.owner.ends_with(&format!("<{}>", person.email));
        let may_see_address =
            recipient.side == Side::Ours || person.side == Side::Vendor || is_owner;
        let label = match (may_see_address, name.as_str()) {
            (true, "") => line(&person.email),
            (true, name) if name == person.email => name.to_string(),
            (true, name) => format!("{name} <{}>", line(&person.email)),
            (false, name) if name.is_empty() || name.contains('@') => match recipient.locale {
                Locale::En => "a colleague of ours",
                Locale::ZhCn => "我方一位同事",
            }
            .to_string(),
            (false, name) => name.to_string(),
        };
        if !labels.contains(&label) {
            labels.push(label);
        }
    }
    labels
}

fn csv_of(facts: &ReportFacts) -> Option<Attachment> {
    let zone = facts.time_zone.0;
    (!facts.csv.is_empty()).then(|| Attachment {
        name: format!(
            "response-times-{}-to-{}.csv",
            facts.from.date_in(zone),
            (facts.to - 1).date_in(zone)
        ),
        media_type: "text/csv; charset=utf-8".to_string(),
        bytes: facts.csv.clone().into_bytes(),
    })
}

/// With a capital letter at the start, the rest as it is.
fn sentence(text: String) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => text,
    }
}

/// What people typed, as one line: no line ends, no control characters, nothing that turns the
/// direction of the text round.
pub(super) fn line(text: &str) -> String {
    one_line(text, 500)
}

/// The same, of so many characters at the most.
pub(super) fn one_line(text: &str, longest: usize) -> String {
    let words: String = text
        .chars()
        .map(|letter| if hides(letter) { ' ' } else { letter })
        .collect();
    let joined = words.split_whitespace().collect::<Vec<_>>().join(" ");
    if joined.chars().count() <= longest {
        return joined;
    }
    let mut short: String = joined.chars().take(longest.saturating_sub(1)).collect();
    short.push('…');
    short
}

fn hides(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{200E}' | '\u{200F}')
        || matches!(letter, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// What people typed, line by line behind a bar, so that it cannot pass for our own words.
fn quoted(text: &str) -> String {
    let lines: Vec<String> = typed_lines(text)
        .iter()
        .map(|text| format!("  | {text}").trim_end().to_string())
        .collect();
    lines.join("\n")
}

/// What people typed, for a place in HTML that keeps line ends.
fn plain(text: &str) -> String {
    typed_lines(text).join("\n")
}

fn typed_lines(text: &str) -> Vec<String> {
    const LINES: usize = 60;
    let mut lines: Vec<String> = text.trim().lines().take(LINES).map(line).collect();
    if text.trim().lines().count() > LINES {
        lines.push("…".to_string());
    }
    lines
}

/// At most one empty line in a row, none at either end, one line end at the end.
fn tidy(text: &str) -> String {
    let mut tidied = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.trim().lines().map(str::trim_end) {
        empty = if line.is_empty() { empty + 1 } else { 0 };
        if empty < 2 {
            tidied.push_str(line);
            tidied.push('\n');
        }
    }
    tidied
}

#[cfg(test)]
mod tests;
