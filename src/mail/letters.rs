//! What a letter says: facts and a recipient in, subject and text out.
//!
//! Pure: the moment of sending is given. The templates (`templates/mail/<letter>/<language>/`)
//! are compiled in; they hold all the sentences, and `wording` the names, moments and lengths.

use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde};
use minijinja::{AutoEscape, Environment, Error, State, UndefinedBehavior, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::links::{self, Links, Signer, links_of};
use super::wording;
use crate::domain::letter::{
    ClockFacts, ExplanationFacts, IncidentFacts, LetterFacts, Promised, Recipient, ReportFacts,
    Side, Told, Trigger,
};
use crate::domain::link::Purpose;
use crate::domain::locale::Locale;
use crate::domain::words::{EventKind, Metric};
use crate::domain::zone::Zone;
use crate::time::{MINUTE, Micros, Moment};

mod templates;

/// A letter that goes out later than this says when it was due to go out.
const LATE: Micros = MINUTE;

/// No letter needs more; a template that loops for ever ends here.
const FUEL: u64 = 2_000_000;

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

/// A letter could not be written.
#[derive(Debug, thiserror::Error)]
#[error("letter template {template}: {reason}")]
pub struct RenderError {
    /// Name of the template.
    pub template: String,
    /// What is wrong with it, and where.
    pub reason: String,
}

/// Writes the letter for one recipient, as it reads when it goes out at `sent_at`, for whoever is not that
/// recipient: every signed link is masked.
///
/// `public_url` is the address people reach the service by; the facts' path comes after it.
///
/// # Errors
/// When a template does not compile, asks for something that is not there, or never ends.
pub fn render(
    facts: &LetterFacts,
    recipient: &Recipient,
    public_url: &str,
    sent_at: Moment,
) -> Result<Rendered, RenderError> {
    render_signed(facts, recipient, public_url, sent_at, &links::masked)
}

/// The same for the recipient alone, with the links that `sign` gives.
///
/// # Errors
/// As [`render`].
pub fn render_signed(
    facts: &LetterFacts,
    recipient: &Recipient,
    public_url: &str,
    sent_at: Moment,
    sign: Signer<'_>,
) -> Result<Rendered, RenderError> {
    let environment = ENVIRONMENT.as_ref().map_err(|error| RenderError {
        template: error.name().unwrap_or("(unnamed)").to_string(),
        reason: error.to_string(),
    })?;
    let (context, attachments) = match facts {
        LetterFacts::Incident(facts) => (
            incident_context(facts, recipient, public_url, sent_at, sign),
            Vec::new(),
        ),
        LetterFacts::Report(facts) => (
            report_context(facts, recipient, public_url, sent_at),
            csv_of(facts).into_iter().collect(),
        ),
        LetterFacts::Undeliverable(facts) => (
            context(
                facts,
                recipient,
                address(public_url, &facts.link),
                Some(facts.planned_at),
                sent_at,
            ),
            Vec::new(),
        ),
    };

    let folder = format!("{}/{}", facts.kind(), recipient.locale);
    let write = |part: &str| {
        let name = format!("{folder}/{part}");
        environment
            .get_template(&name)
            .and_then(|template| template.render(context.clone()))
            .map_err(|error| RenderError {
                template: name,
                reason: format!("{error:#}"),
            })
    };
    Ok(Rendered {
        subject: one_line(&write("subject.txt")?, SUBJECT),
        text: tidy(&write("body.txt")?),
        html: write("body.html")?,
        attachments,
    })
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

static ENVIRONMENT: LazyLock<Result<Environment<'static>, Error>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()?,
    );
    environment.set_auto_escape_callback(|name| {
        if name.ends_with(".html") {
            AutoEscape::Html
        } else {
            AutoEscape::None
        }
    });
    add_filters(&mut environment);
    for (name, source) in templates::ALL {
        environment.add_template(name, source)?;
    }
    Ok(environment)
});

fn add_filters(environment: &mut Environment<'static>) {
    // A moment in the reader's zone, or in another: `due_at|moment(zone=contract_zone)`.
    environment.add_filter(
        "moment",
        |state: &State, at: Serde<Moment>, options: Kwargs| {
            let zone = match options.get::<Option<Value>>("zone")? {
                Some(zone) => read::<Zone>(&zone)?,
                None => reader_zone(state)?,
            };
            options.assert_all_used()?;
            Ok::<_, Error>(wording::moment(*at, zone, language(state)?))
        },
    );
    // The same moment in the contract's zone; empty where its wall clock shows the same.
    environment.add_filter("there", |state: &State, at: Serde<Moment>| {
        let (here, there) = (reader_zone(state)?, named::<Zone>(state, "contract_zone")?);
        let differs = at.in_zone(here.0).naive_local() != at.in_zone(there.0).naive_local();
        Ok::<_, Error>(if differs {
            wording::moment(*at, there, language(state)?)
        } else {
            String::new()
        })
    });
    environment.add_filter("moment_short", |state: &State, at: Serde<Moment>| {
        Ok::<_, Error>(wording::moment_short(
            *at,
            reader_zone(state)?,
            language(state)?,
        ))
    });
    environment.add_filter(
        "date",
        |state: &State, at: Serde<Moment>, zone: Serde<Zone>| {
            Ok::<_, Error>(wording::date(*at, *zone, language(state)?))
        },
    );
    environment.add_filter("duration", |state: &State, length: Micros| {
        Ok::<_, Error>(wording::duration(length, language(state)?))
    });
    environment.add_filter("percent", wording::percent);
    environment.add_filter("purpose", |state: &State, purpose: Serde<Purpose>| {
        Ok::<_, Error>(wording::purpose(*purpose, language(state)?))
    });
    environment.add_filter("metric", |state: &State, metric: Serde<Metric>| {
        Ok::<_, Error>(wording::metric(*metric, language(state)?))
    });
    environment.add_filter("subject_of", |state: &State, clock: Serde<ClockFacts>| {
        Ok::<_, Error>(wording::subject_of(&clock, language(state)?))
    });
    environment.add_filter("event", |state: &State, kind: Serde<EventKind>| {
        Ok::<_, Error>(wording::event(*kind, language(state)?))
    });
    environment.add_filter("promise", |state: &State, promised: Serde<Promised>| {
        Ok::<_, Error>(wording::promise(&promised, language(state)?))
    });
    environment.add_filter("trigger", |state: &State, trigger: Serde<Trigger>| {
        Ok::<_, Error>(wording::trigger(&trigger, language(state)?))
    });
    environment.add_filter("standing", |state: &State, clock: Serde<ClockFacts>| {
        Ok::<_, Error>(wording::standing(
            &clock,
            reader_zone(state)?,
            language(state)?,
        ))
    });
    // By how much a clock or a breach is late; empty where it is not.
    environment.add_filter("lateness", |state: &State, late: Value| {
        let open = read::<Option<Micros>>(&late.get_attr("late_open")?)?;
        let elapsed = read::<Option<Micros>>(&late.get_attr("late_elapsed")?)?;
        Ok::<_, Error>(wording::lateness(open, elapsed, language(state)?))
    });
    environment.add_filter("is_overdue", |clock: Serde<ClockFacts>| {
        wording::is_overdue(&clock)
    });
    environment.add_filter("sentence", sentence);
    environment.add_filter(
        "explained",
        |state: &State, explanation: Serde<ExplanationFacts>| {
            let rows = explanation.told(language(state)?, reader_zone(state)?);
            Ok::<_, Error>(Value::from(Serde(rows)))
        },
    );
    environment.add_filter(
        "explained_text",
        |state: &State, explanation: Serde<ExplanationFacts>| {
            Ok::<_, Error>(explanation.text(language(state)?, reader_zone(state)?))
        },
    );
    environment.add_filter("line", |text: String| line(&text));
    environment.add_filter("quoted", |text: String| quoted(&text));
    environment.add_filter("plain", |text: String| plain(&text));
}

fn language(state: &State) -> Result<Locale, Error> {
    named(state, "language")
}

fn reader_zone(state: &State) -> Result<Zone, Error> {
    named(state, "zone")
}

fn named<T: DeserializeOwned>(state: &State, name: &str) -> Result<T, Error> {
    read(&state.lookup(name).unwrap_or_default())
}

fn read<T: DeserializeOwned>(value: &Value) -> Result<T, Error> {
    T::deserialize(value)
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
