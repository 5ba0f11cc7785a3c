//! Reads one raw message as it came in. Pure: it is given the bytes and touches nothing.
//!
//! Whoever sends mail decides what stands in it, so every walk through it is bounded: how long the message
//! and each head of it may be, how many parts it has and how deep they lie, how much of its text is
//! decoded. What is attached is named and never opened.

mod automatic;
mod html;
mod intake;
mod mime;
mod quoted;

use mail_parser::{Address, HeaderName, HeaderValue, Message, MessageParser};

pub use intake::{arrived, not_fetched, take_in};
pub use mime::Excess;

use crate::domain::link::mask;
use crate::domain::received::{Correspondent, Incoming};
use crate::time::{Moment, SECOND};
use mime::{Head, Leaf};

/// Most characters of a text that are kept; the whole is in the message itself.
const LONGEST_TEXT: usize = 20_000;
/// Most characters of what stands on one line.
const LONGEST_LINE: usize = 300;
/// Most addresses, Message-IDs or file names that are looked at.
const MOST_NAMED: usize = 100;

/// Reads a message.
///
/// # Errors
/// When it exceeds a bound, or has no head at all.
pub fn read(raw: &[u8]) -> Result<Incoming, Excess> {
    let raw = without_envelope_line(raw);
    let (head, leaves) = mime::walk(raw)?;
    told(&head, &leaves)
}

/// Reads what the head of a message says, and nothing else of it.
///
/// # Errors
/// When the head exceeds a bound, or there is none.
pub fn read_head(raw: &[u8]) -> Result<Incoming, Excess> {
    told(&Head::of(without_envelope_line(raw))?, &[])
}

fn told(head: &Head<'_>, leaves: &[Leaf<'_>]) -> Result<Incoming, Excess> {
    let parsed = MessageParser::default().parse_headers(head.bytes);
    let parsed = parsed.ok_or(Excess::NoHead)?;
    let subject = one_line(parsed.subject().unwrap_or_default());
    Ok(Incoming {
        from: from(&parsed),
        to: to(&parsed, head),
        message_id: parsed.message_id().map(one_line),
        answers: answers(&parsed),
        dated_at: parsed
            .date()
            .and_then(|date| date.to_timestamp().checked_mul(SECOND))
            .map(Moment::from_micros),
        text: text(leaves),
        files: files(leaves),
        automatic: automatic::sign(head, &subject),
        results: head.values("authentication-results"),
        subject,
    })
}

/// A mail server that hands messages to commands may put a line of the mailbox format before it.
fn without_envelope_line(raw: &[u8]) -> &[u8] {
    if !raw.starts_with(b"From ") {
        return raw;
    }
    let end = raw.iter().position(|byte| *byte == b'\n');
    end.map_or(raw, |end| &raw[end + 1..])
}

/// The senders of every From header: a second one is a trick that must not be overlooked.
fn from(parsed: &Message<'_>) -> Vec<Correspondent> {
    let mut all = Vec::new();
    for value in parsed.header_values(HeaderName::From) {
        if let HeaderValue::Address(address) = value {
            all.extend(correspondents(address));
        }
    }
    all
}

fn correspondents(address: &Address<'_>) -> Vec<Correspondent> {
    let all = address.iter().take(MOST_NAMED);
    all.filter_map(|one| {
        let email = one_line(one.address.as_deref()?);
        (!email.is_empty()).then(|| Correspondent {
            name: one_line(one.name.as_deref().unwrap_or_default()),
            email,
        })
    })
    .collect()
}

/// Where it went: what it says itself, and what the mail servers on the way noted.
fn to(parsed: &Message<'_>, head: &Head<'_>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for name in [HeaderName::To, HeaderName::Cc, HeaderName::ResentTo] {
        for value in parsed.header_values(name) {
            if let HeaderValue::Address(address) = value {
                all.extend(correspondents(address).into_iter().map(|one| one.email));
            }
        }
    }
    for name in ["delivered-to", "x-original-to", "envelope-to"] {
        for value in head.values(name) {
            all.push(one_line(value.trim_matches(['<', '>'])));
        }
    }
    all.truncate(MOST_NAMED);
    all
}

/// The Message-IDs that it answers, the nearest first: of a thread the last one.
fn answers(parsed: &Message<'_>) -> Vec<String> {
    let ids = |value: &HeaderValue<'_>| -> Vec<String> {
        match value {
            HeaderValue::Text(one) => vec![one_line(one)],
            HeaderValue::TextList(all) => {
                let from = all.len().saturating_sub(MOST_NAMED);
                all[from..].iter().map(|one| one_line(one)).collect()
            }
            _ => Vec::new(),
        }
    };
    let mut all = ids(parsed.in_reply_to());
    all.extend(ids(parsed.references()).into_iter().rev());
    all.truncate(2 * MOST_NAMED);
    all
}

/// What it says, quoted texts and signatures cut, and our own signed links masked.
fn text(leaves: &[Leaf<'_>]) -> String {
    let plain: Vec<String> = texts(leaves, "plain").collect();
    let whole = if plain.iter().any(|text| !text.trim().is_empty()) {
        plain.join("\n")
    } else {
        let html: Vec<String> = texts(leaves, "html")
            .map(|html| html::text(&html))
            .collect();
        html.join("\n")
    };
    let cut = quoted::cut(&clean(&whole));
    mask(&shortened(&cut, LONGEST_TEXT))
}

fn texts<'a>(leaves: &'a [Leaf<'_>], kind: &'a str) -> impl Iterator<Item = String> + 'a {
    let of_kind = leaves.iter().filter(move |leaf| leaf.is_text(kind));
    of_kind.take(5).map(Leaf::text)
}

fn files(leaves: &[Leaf<'_>]) -> Vec<String> {
    let attached = leaves.iter().filter_map(Leaf::file_name);
    attached
        .take(MOST_NAMED)
        .map(|name| crate::domain::evidence::harmless_name(&name))
        .collect()
}

/// On one line, without what cannot be seen.
fn one_line(text: &str) -> String {
    let spaced: String = text
        .chars()
        .take(10 * LONGEST_LINE)
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .filter(|letter| !turns(*letter))
        .collect();
    let joined = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    shortened(&joined, LONGEST_LINE)
}

/// Lines as Unix has them, without what cannot be seen.
fn clean(text: &str) -> String {
    let unix = text.replace("\r\n", "\n").replace('\r', "\n");
    let seen =
        |letter: &char| (!letter.is_control() || matches!(letter, '\n' | '\t')) && !turns(*letter);
    unix.chars().filter(seen).collect()
}

/// Letters that turn the direction of others round.
fn turns(letter: char) -> bool {
    matches!(letter, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_string(),
        Some((end, _)) => format!("{} …", text[..end].trim_end()),
    }
}

#[cfg(test)]
mod tests;
