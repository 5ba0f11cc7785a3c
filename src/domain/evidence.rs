//! Files that go with an event: what is kept of them, and how the chain holds them.
//!
//! The event's typed fields hold the SHA-256 of each file, in order; its name is a text of the event
//! (`file_1`, `file_2` …) and so sealed with a salt. Name and content can be erased together while the
//! chain stays valid.

use crate::domain::{EvidenceId, PersonId};
use crate::schema::evidence;
use crate::time::{DAY, Micros, Moment};

/// Longest file, in bytes.
pub const MOST_BYTES: u64 = 25_000_000;

/// How much of a file lies in one row, in bytes.
pub const CHUNK: usize = 256 * 1024;

/// How long a file waits for the event it belongs to before it is dropped.
pub const WAITS: Micros = DAY;

/// The names of the texts that hold the names of an event's files, in order.
pub const NAMES: [&str; 10] = [
    "file_1", "file_2", "file_3", "file_4", "file_5", "file_6", "file_7", "file_8", "file_9",
    "file_10",
];

/// Longest name, in characters.
const LONGEST_NAME: usize = 200;

/// A file that belongs to an event, or waits for one.
#[derive(Clone, Debug, PartialEq, Eq, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = evidence)]
pub struct File {
    /// Key.
    pub id: EvidenceId,
    /// The SHA-256 of its content, in hexadecimal.
    pub sha256: String,
    /// Its length in bytes.
    pub size: i64,
    /// What kind of file it is said to be.
    pub media_type: String,
    /// Its name while it waits; with an event it lies with the event's texts.
    pub name: String,
    /// Who sent it.
    pub person_id: PersonId,
    /// When.
    pub uploaded_at: Moment,
    /// The event it belongs to.
    pub event_id: Option<i64>,
    /// Its place among the event's files, from 1.
    pub position: Option<i32>,
}

impl File {
    /// The name of the text that holds its name.
    pub fn text_name(&self) -> &'static str {
        let index = self
            .position
            .and_then(|position| usize::try_from(position - 1).ok());
        index
            .and_then(|index| NAMES.get(index))
            .copied()
            .unwrap_or_default()
    }
}

/// The place among an event's files that a text's name speaks of.
pub fn position_of(name: &str) -> Option<i32> {
    let index = NAMES.iter().position(|known| *known == name)?;
    i32::try_from(index + 1).ok()
}

/// A file as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// Its name, made harmless.
    pub name: String,
    /// What kind of file it is said to be.
    pub media_type: String,
    /// Its length in bytes.
    pub size: u64,
    /// The SHA-256 of its content, in hexadecimal.
    pub sha256: String,
}

/// The name of a file without folders and control characters.
pub fn harmless_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last
        .chars()
        .filter(|letter| {
            !letter.is_control()
                && !matches!(letter, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
        })
        .take(LONGEST_NAME)
        .collect();
    match kept.trim() {
        "" | "." | ".." => "file".to_string(),
        kept => kept.to_string(),
    }
}

/// A media type without its parameters; what is none is any file.
pub fn harmless_type(media_type: &str) -> String {
    let essence = media_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let is_token = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    match essence.split_once('/') {
        Some((kind, part)) if essence.len() <= 100 && is_token(kind) && is_token(part) => essence,
        _ => "application/octet-stream".to_string(),
    }
}

/// Reads the SHA-256 of a file.
///
/// # Errors
/// A sentence for the person who entered it.
pub fn read_hash(text: &str) -> Result<String, String> {
    let hash = text.trim().to_ascii_lowercase();
    if hash.len() == 64 && hash.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        Ok(hash)
    } else {
        Err(format!(
            "\"{text}\" is not the SHA-256 of a file in 64 hexadecimal digits, as POST /evidence answers it"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_folders_and_what_turns_them_round() {
        assert_eq!(harmless_name("C:\\logs\\router.log"), "router.log");
        assert_eq!(harmless_name("../../etc/passwd"), "passwd");
        assert_eq!(harmless_name("gnp.\u{202e}exe\r\n"), "gnp.exe");
        assert_eq!(harmless_name("日志 1.txt"), "日志 1.txt");
        for nothing in ["", "/", "..", " \n"] {
            assert_eq!(harmless_name(nothing), "file");
        }
    }

    #[test]
    fn types_lose_parameters_and_nonsense() {
        assert_eq!(harmless_type("Text/Plain; charset=utf-8"), "text/plain");
        for nonsense in ["", "text", "text/", "a b/c", "text/html\r\nX: y"] {
            assert_eq!(harmless_type(nonsense), "application/octet-stream");
        }
    }

    #[test]
    fn a_place_and_its_name_belong_together() {
        assert_eq!(position_of("file_10"), Some(10));
        assert_eq!(position_of("file_11"), None);
        assert_eq!(position_of("reason"), None);
    }
}
