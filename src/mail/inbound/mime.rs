//! A message taken apart into its leaves, within bounds.
//!
//! A walk of our own, since a parser that builds the whole tree first has done the work of a bomb before
//! anybody can count. Heads are read by the parser; bodies are only divided.

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{ContentType, Message, MessageParser, MimeHeaders};

use crate::domain::received::MOST_BYTES;

/// Longest head, of the message or of a part, in bytes.
pub(super) const LONGEST_HEAD: usize = 256 * 1024;
/// Most header fields of one head.
const MOST_FIELDS: usize = 1_000;
/// Most parts, at any depth.
const MOST_PARTS: usize = 200;
/// How deep parts may lie in parts.
const DEEPEST: u32 = 10;
/// How much of a body is decoded to read its text, in bytes.
const MOST_DECODED: usize = 1024 * 1024;

/// Which bound a message exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Excess {
    /// The message is too long.
    #[error("it is longer than {} MB", MOST_BYTES / 1_000_000)]
    Bytes,
    /// A head is too long.
    #[error("a head in it is longer than {} KB", LONGEST_HEAD / 1024)]
    Head,
    /// A head has too many fields.
    #[error("a head in it has more than {MOST_FIELDS} fields")]
    Fields,
    /// There are too many parts.
    #[error("it has more than {MOST_PARTS} parts")]
    Parts,
    /// Parts lie too deep in parts.
    #[error("its parts lie more than {DEEPEST} deep")]
    Depth,
    /// It has no head at all.
    #[error("it is no message: it has no head")]
    NoHead,
    /// Reading it broke down.
    #[error("it cannot be read")]
    Unreadable,
}

/// The head of a message.
pub(super) struct Head<'a> {
    /// Its bytes, with the empty line at the end.
    pub bytes: &'a [u8],
    /// Its fields in their order: the name in small letters, the value on one line.
    fields: Vec<(String, String)>,
}

impl<'a> Head<'a> {
    /// The head that a message begins with.
    pub fn of(raw: &'a [u8]) -> Result<Self, Excess> {
        let (bytes, _) = divided(raw)?;
        Ok(Self {
            bytes,
            fields: fields(bytes)?,
        })
    }

    /// The values of the fields of that name, in small letters, the topmost first.
    pub fn values(&self, name: &str) -> Vec<String> {
        let of_name = self.fields.iter().filter(|(known, _)| known == name);
        of_name.map(|(_, value)| value.clone()).collect()
    }

    /// The topmost value of the field of that name.
    pub fn value(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        let found = fields.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// A part without parts.
pub(super) struct Leaf<'a> {
    /// None where it has no field.
    head: Option<Message<'a>>,
    body: &'a [u8],
}

impl Leaf<'_> {
    /// Whether it is a text of that kind which is to be read, not a file.
    pub fn is_text(&self, kind: &str) -> bool {
        let is_kind = match self.content_type() {
            Some(of) => {
                let is_text = of.ctype().eq_ignore_ascii_case("text");
                let subtype = of.subtype().unwrap_or("plain");
                is_text && subtype.eq_ignore_ascii_case(kind)
            }
            None => kind == "plain",
        };
        is_kind && !self.is_attached()
    }

    fn content_type(&self) -> Option<&ContentType<'_>> {
        self.head.as_ref().and_then(content_type)
    }

    fn is_attached(&self) -> bool {
        self.head.as_ref().is_some_and(|head| {
            let disposition = head.content_disposition();
            disposition.is_some_and(ContentType::is_attachment) || head.attachment_name().is_some()
        })
    }

    /// The name of a file, if it is one; what has no name goes by its kind.
    pub fn file_name(&self) -> Option<String> {
        if self.is_text("plain") || self.is_text("html") {
            return None;
        }
        let head = self.head.as_ref();
        let named = head.and_then(|head| head.attachment_name().map(str::to_string));
        Some(named.unwrap_or_else(|| match self.content_type() {
            Some(of) => format!("{}.{}", of.ctype(), of.subtype().unwrap_or("bin")),
            None => "file".to_string(),
        }))
    }

    /// Its text, decoded as far as the bound goes.
    pub fn text(&self) -> String {
        let body = &self.body[..self.body.len().min(MOST_DECODED)];
        let head = self.head.as_ref();
        let encoding = head.and_then(|head| head.content_transfer_encoding());
        let encoding = encoding.unwrap_or_default();
        let bytes = match encoding.trim().to_ascii_lowercase().as_str() {
            "base64" => {
                let seen = |byte: &u8| byte.is_ascii_graphic();
                let mut packed: Vec<u8> = body.iter().copied().filter(seen).collect();
                // What the bound cut off leaves no half group behind.
                packed.truncate(packed.len() / 4 * 4);
                base64_decode(&packed)
            }
            "quoted-printable" => quoted_printable_decode(body),
            _ => None,
        };
        let bytes = bytes.unwrap_or_else(|| body.to_vec());
        let charset = self.content_type().and_then(|of| of.attribute("charset"));
        match charset.and_then(|charset| charset_decoder(charset.as_bytes())) {
            Some(decode) => decode(&bytes),
            None => String::from_utf8_lossy(&bytes).into_owned(),
        }
    }
}

/// Takes a message apart: its head, and its leaves in their order.
pub(super) fn walk(raw: &[u8]) -> Result<(Head<'_>, Vec<Leaf<'_>>), Excess> {
    if raw.len() as u64 > MOST_BYTES {
        return Err(Excess::Bytes);
    }
    let head = Head::of(raw)?;
    let mut walk = Walk {
        parts: 0,
        leaves: Vec::new(),
    };
    walk.descend(raw, 0)?;
    Ok((head, walk.leaves))
}

struct Walk<'a> {
    parts: usize,
    leaves: Vec<Leaf<'a>>,
}

impl<'a> Walk<'a> {
    fn descend(&mut self, bytes: &'a [u8], depth: u32) -> Result<(), Excess> {
        self.parts += 1;
        if self.parts > MOST_PARTS {
            return Err(Excess::Parts);
        }
        let (head, body) = divided(bytes)?;
        let parsed = MessageParser::default().parse_headers(head);
        let boundary = parsed
            .as_ref()
            .and_then(content_type)
            .filter(|of| of.ctype().eq_ignore_ascii_case("multipart"))
            .and_then(|of| of.attribute("boundary"))
            .filter(|boundary| !boundary.is_empty())
            .map(str::to_string);
        let Some(boundary) = boundary else {
            self.leaves.push(Leaf { head: parsed, body });
            return Ok(());
        };
        if depth == DEEPEST {
            return Err(Excess::Depth);
        }
        let marker = [b"--", boundary.as_bytes()].concat();
        let mut begun: Option<usize> = None;
        let mut at = 0;
        for line in body.split_inclusive(|byte| *byte == b'\n') {
            let from = at;
            at += line.len();
            let Some(rest) = line.strip_prefix(marker.as_slice()) else {
                continue;
            };
            let rest = rest.trim_ascii_end();
            if !matches!(rest, b"" | b"--") {
                continue;
            }
            if let Some(begun) = begun.take() {
                self.descend(&body[begun..from], depth + 1)?;
            }
            if rest == b"--" {
                return Ok(());
            }
            begun = Some(at);
        }
        match begun {
            // Cut off on its way; what is there is read.
            Some(begun) => self.descend(&body[begun..], depth + 1),
            None => Ok(()),
        }
    }
}

fn content_type<'a>(parsed: &'a Message<'_>) -> Option<&'a ContentType<'a>> {
    // The parser's own looks into the first part of a message, which one without a field has not.
    if parsed.parts.is_empty() {
        return None;
    }
    parsed.content_type()
}

/// Head and body; the head has the empty line at its end.
fn divided(bytes: &[u8]) -> Result<(&[u8], &[u8]), Excess> {
    let mut at = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        at += line.len();
        if at > LONGEST_HEAD {
            return Err(Excess::Head);
        }
        if line.trim_ascii_end().is_empty() {
            break;
        }
    }
    Ok(bytes.split_at(at))
}

fn fields(head: &[u8]) -> Result<Vec<(String, String)>, Excess> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in head.split_inclusive(|byte| *byte == b'\n') {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end_matches(['\r', '\n']);
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            if fields.len() == MOST_FIELDS {
                return Err(Excess::Fields);
            }
            let name = name.trim_end().to_ascii_lowercase();
            fields.push((name, value.trim().to_string()));
        }
    }
    Ok(fields)
}
