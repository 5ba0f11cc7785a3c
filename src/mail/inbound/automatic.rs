//! Whether a machine wrote a message (RFC 3834 and what programs do besides).
//!
//! An automatic reply says that a mailbox exists, not that a person at the vendor has read a letter. It
//! never counts as an answer and is never answered itself.

use super::mime::Head;

/// What subjects of absence notes begin with, in small letters: the last resort, for programs that mark
/// them by nothing else.
const SUBJECTS: [&str; 17] = [
    "out of office",
    "out of the office",
    "automatic reply",
    "auto reply",
    "auto-reply",
    "autoreply",
    "auto response",
    "automatische antwort",
    "abwesenheitsnotiz",
    "abwesenheit:",
    "abwesend:",
    "nicht im büro",
    "自动回复",
    "自动答复",
    "自動回覆",
    "不在办公室",
    "外出自动",
];

/// What shows that a machine wrote it, in a sentence; nothing if nothing does.
pub(super) fn sign(head: &Head<'_>, subject: &str) -> Option<String> {
    let first_word = |name: &str| {
        let value = head.value(name)?.to_ascii_lowercase();
        let word = value.split([';', ' ', '(']).next().unwrap_or_default();
        Some(word.trim().to_string())
    };
    if let Some(kind) = first_word("auto-submitted").filter(|kind| kind != "no" && !kind.is_empty())
    {
        return Some(format!("its Auto-Submitted is \"{kind}\""));
    }
    if let Some(kind) = first_word("precedence")
        && ["bulk", "junk", "list", "auto_reply"].contains(&kind.as_str())
    {
        return Some(format!("its Precedence is \"{kind}\""));
    }
    let report = first_word("content-type").filter(|kind| kind == "multipart/report");
    if report.is_some() {
        return Some("it is a report of a mail server".to_string());
    }
    if head
        .value("return-path")
        .is_some_and(|path| path.trim() == "<>")
    {
        return Some("its Return-Path is empty".to_string());
    }
    for name in [
        "x-auto-response-suppress",
        "x-autoreply",
        "x-autorespond",
        "x-autoresponder",
        "list-id",
    ] {
        let value = head.value(name).unwrap_or("no");
        if !value.eq_ignore_ascii_case("no") && !value.eq_ignore_ascii_case("none") {
            return Some(format!("it has the header {}", shown(name)));
        }
    }
    let subject = subject.to_lowercase();
    let begins = SUBJECTS.iter().any(|start| subject.starts_with(start));
    begins.then(|| "its subject is that of an automatic reply".to_string())
}

/// The name of a header as it is usually written.
fn shown(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        format!("{}{rest}", first.to_uppercase())
    });
    words.collect::<Vec<_>>().join("-")
}
