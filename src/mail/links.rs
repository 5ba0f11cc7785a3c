//! The signed links of a letter, and letters as others than their recipient may see them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::domain::letter::{IncidentFacts, LetterFacts, Recipient, Side};
use crate::domain::link::{
    ANSWER_PATH, LinkKey, MASKED, Purpose, Token, VENDOR_PATH, can_be_taken, mask, offered,
};
use crate::domain::outbox::Letter;

/// The links that a template prints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Links {
    /// The answers offered at once, the one that matters most first.
    pub answers: Vec<Link>,
    /// The vendor's page, where all other answers are; none: the letter offers none.
    pub all: Option<String>,
    /// Where one of us takes the escalation.
    pub take: Option<String>,
}

/// One link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Link {
    /// What for.
    pub purpose: Purpose,
    /// The whole address.
    pub url: String,
}

/// Gives the text of a link for a purpose, if the letter has one.
pub type Signer<'a> = &'a dyn Fn(Purpose) -> Option<String>;

/// Signs the links of a letter.
pub fn signer<'a>(letter: &'a Letter, key: &'a LinkKey) -> impl Fn(Purpose) -> Option<String> + 'a {
    move |purpose| Token::of(letter, purpose).map(|token| key.seal(&token))
}

/// Masks every link: for whoever is not the recipient.
pub fn masked(_: Purpose) -> Option<String> {
    Some(MASKED.to_string())
}

/// The links that a letter prints.
pub(super) fn links_of(
    facts: &IncidentFacts,
    recipient: &Recipient,
    public_url: &str,
    sign: Signer<'_>,
) -> Links {
    let public_url = public_url.trim_end_matches('/');
    let address = |path: &str, purpose: Purpose| {
        sign(purpose).map(|text| format!("{public_url}{path}{text}"))
    };
    match recipient.side {
        Side::Vendor => Links {
            answers: offered(facts)
                .into_iter()
                .filter_map(|purpose| {
                    let url = address(ANSWER_PATH, purpose)?;
                    Some(Link { purpose, url })
                })
                .collect(),
            all: address(VENDOR_PATH, Purpose::View),
            take: None,
        },
        Side::Ours => Links {
            take: can_be_taken(facts)
                .then(|| address(ANSWER_PATH, Purpose::Take))
                .flatten(),
            ..Links::default()
        },
    }
}

/// Whether a letter can hold links.
pub fn may_hold_links(letter: &Letter) -> bool {
    matches!(letter.facts, LetterFacts::Incident(_)) && letter.case_id.is_some()
}

/// A message as it was sent, with the links in its texts masked. What is not changed stays byte for byte;
/// a text that held a link is encoded anew.
pub fn mask_message(message: &[u8]) -> Vec<u8> {
    let boundaries = boundaries(message);
    let divides = |line: &[u8]| {
        line.strip_prefix(b"--")
            .is_some_and(|rest| boundaries.iter().any(|known| rest.starts_with(known)))
    };
    let mut masked = Vec::with_capacity(message.len());
    let mut lines = message.split_inclusive(|byte| *byte == b'\n').peekable();
    // From one boundary to the next: headers, an empty line, a body.
    while lines.peek().is_some() {
        let mut head: Vec<&[u8]> = Vec::new();
        for line in lines.by_ref() {
            head.push(line);
            if trimmed(line).is_empty() {
                break;
            }
        }
        let mut body: Vec<u8> = Vec::new();
        while let Some(line) = lines.peek() {
            if divides(line) {
                break;
            }
            body.extend_from_slice(line);
            lines.next();
        }
        let boundary = lines.next_if(|line| divides(line));
        part(&head, &body, &mut masked);
        masked.extend_from_slice(boundary.unwrap_or_default());
    }
    masked
}

/// What divides the parts of a message, as its headers name it.
fn boundaries(message: &[u8]) -> Vec<Vec<u8>> {
    const NAMED: &[u8] = b"boundary=";
    let mut found = Vec::new();
    let mut rest = message;
    while let Some(at) = rest
        .windows(NAMED.len())
        .position(|part| part.eq_ignore_ascii_case(NAMED))
    {
        rest = &rest[at + NAMED.len()..];
        let quoted = rest.strip_prefix(b"\"");
        let from = quoted.unwrap_or(rest);
        let ends = |byte: &u8| match quoted {
            Some(_) => *byte == b'"',
            None => *byte == b';' || byte.is_ascii_whitespace(),
        };
        let end = from.iter().position(ends).unwrap_or(from.len());
        if end > 0 {
            found.push(from[..end].to_vec());
        }
    }
    found
}

/// One part: its head, which may begin with lines of another, and its body.
fn part(head: &[&[u8]], body: &[u8], to: &mut Vec<u8>) {
    let encoding = head
        .iter()
        .filter_map(|line| header(line, "content-transfer-encoding"))
        .next_back();
    let mut kinds = head
        .iter()
        .filter_map(|line| header(line, "content-type"))
        .peekable();
    // What does not say what it is is plain text.
    let is_text = kinds.peek().is_none()
        || kinds.any(|kind| kind.starts_with("text/plain") || kind.starts_with("text/html"));
    let decoded = match encoding.as_deref() {
        _ if !is_text => None,
        Some("base64") => {
            let packed: Vec<u8> = body.iter().copied().filter(u8::is_ascii_graphic).collect();
            STANDARD.decode(packed).ok()
        }
        Some("quoted-printable") => Some(unquoted(body)),
        _ => Some(body.to_vec()),
    };
    // Links are ASCII in whatever character set stands round them, so each byte is taken for a letter.
    let text = decoded.map(|bytes| bytes.into_iter().map(char::from).collect::<String>());
    let changed = text
        .map(|text| (mask(&text), text))
        .filter(|(masked, text)| masked != text);
    let Some((text, _)) = changed else {
        head.iter().for_each(|line| to.extend_from_slice(line));
        to.extend_from_slice(body);
        return;
    };
    for line in head {
        if header(line, "content-transfer-encoding").is_none() {
            if trimmed(line).is_empty() {
                to.extend_from_slice(b"Content-Transfer-Encoding: base64\r\n");
            }
            to.extend_from_slice(line);
        }
    }
    // Every letter was a byte.
    let bytes: Vec<u8> = text.chars().map(|letter| letter as u8).collect();
    let packed = STANDARD.encode(bytes);
    for line in packed.as_bytes().chunks(76) {
        to.extend_from_slice(line);
        to.extend_from_slice(b"\r\n");
    }
}

fn header(line: &[u8], name: &str) -> Option<String> {
    let line = std::str::from_utf8(line).ok()?;
    let (known, value) = line.split_once(':')?;
    known
        .eq_ignore_ascii_case(name)
        .then(|| value.trim().to_ascii_lowercase())
}

fn trimmed(line: &[u8]) -> &[u8] {
    line.trim_ascii_end()
}

/// Quoted-printable (RFC 2045, section 6.7) undone.
fn unquoted(body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'=' {
            bytes.push(*first);
            continue;
        }
        if let Some(next) = rest.strip_prefix(b"\r\n").or(rest.strip_prefix(b"\n")) {
            rest = next;
            continue;
        }
        let byte = rest
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte {
            Some(byte) => {
                bytes.push(byte);
                rest = &rest[2..];
            }
            None => bytes.push(b'='),
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::locale::Locale;
    use crate::domain::zone::Zone;
    use crate::mail::letters::Rendered;
    use crate::mail::message::{Envelope, message};
    use crate::time::Moment;

    fn sent(text: &str) -> (Vec<u8>, Recipient) {
        let rendered = Rendered {
            subject: "Subject".into(),
            text: text.into(),
            html: format!("<p>{text}</p>"),
            attachments: Vec::new(),
            instead_of: None,
        };
        let recipient = Recipient {
            name: "Desk".into(),
            email: "desk@vendor.example".into(),
            locale: Locale::En,
            time_zone: Zone::UTC,
            side: Side::Vendor,
        };
        let envelope = Envelope {
            from: "redress@example.com".parse().unwrap(),
            reply_to: None,
            message_id: "<a@example.com>".into(),
            thread: None,
        };
        let at = Moment::parse("2026-11-23T09:00:00Z").unwrap();
        (
            message(&rendered, &recipient, &envelope, at).unwrap(),
            recipient,
        )
    }

    #[test]
    fn a_message_is_masked_whatever_its_encoding() {
        let link = "Q".repeat(64);
        for words in [
            "plain words",
            "längere Wörter",
            "全部都是中文，全部都是中文，全部都是中文",
        ] {
            let text = format!(
                "{words}\n-- \nhttps://redress.example.com/answer/{link} {words}\n{}",
                "x".repeat(100)
            );
            let (bytes, _) = sent(&text);
            let masked = mask_message(&bytes);
            let read = mail_parser::MessageParser::default()
                .parse(&masked)
                .unwrap();
            let (plain, html) = (read.body_text(0).unwrap(), read.body_html(0).unwrap());
            for body in [plain, html] {
                assert!(body.contains("/answer/masked"), "{body}");
                assert!(body.contains(words), "{body}");
                assert!(!body.contains("QQQQ"), "{body}");
            }
            assert_eq!(read.subject(), Some("Subject"));
        }
    }

    #[test]
    fn a_message_of_somebody_else_is_masked_in_whatever_form_it_quotes() {
        let link = "Q".repeat(64);
        for (head, body) in [
            ("Subject: x", format!("/answer/{link}")),
            (
                "Content-Type: text/plain; charset=gb18030",
                format!("\u{d2}\u{d1} /vendor/{link}"),
            ),
            (
                "Content-Type: multipart/mixed; Boundary=b",
                format!("--b\r\n\r\n/answer/{link}\r\n--b--"),
            ),
            (
                "Content-Type: text/html",
                format!("https://scan.example/?u=https%3A%2F%2Fx%2Fanswer%2F{link}&amp;y"),
            ),
            (
                "Content-Transfer-Encoding: quoted-printable",
                format!("/answer/QQQ=\r\n{link}"),
            ),
        ] {
            let raw: Vec<u8> = format!("{head}\r\n\r\n{body}")
                .chars()
                .map(|c| c as u8)
                .collect();
            let masked = mask_message(&raw);
            let read = mail_parser::MessageParser::default()
                .parse(&masked)
                .unwrap();
            let text = read.body_text(0).unwrap();
            assert!(
                text.contains("masked") && !text.contains("QQQ"),
                "{head}: {text}"
            );
        }
    }

    #[test]
    fn a_message_without_links_stays_byte_for_byte() {
        let (bytes, _) = sent("-- nothing to press here: 中文 /answer/short");
        assert_eq!(mask_message(&bytes), bytes);
    }
}
