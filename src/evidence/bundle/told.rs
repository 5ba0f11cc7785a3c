//! The timeline as people read it, in plain text.

use std::fmt::Write;

use super::Content;
use super::parts::{People, Texts};
use crate::domain::erasure::{erasures, sealed};
use crate::domain::words::Source;

/// Every event, first recorded first, with instants in UTC.
pub(super) fn timeline(content: &Content, texts: &Texts, people: &People) -> String {
    let incident = &content.judged.incident;
    let mut told = format!(
        "Timeline of {}: {}\nAs of {}. All instants are UTC.\n",
        incident.id.reference(),
        incident.title,
        content.now
    );
    let erased = erasures(&content.judged.events);
    for event in &content.judged.events {
        let who = event
            .person_id
            .and_then(|person| people.get(&person.0))
            .map_or(
                match event.source {
                    // The texts below say who.
                    Source::VendorLink | Source::Mail => "the vendor",
                    Source::LetterLink => "the letter's recipient",
                    _ => "Redress",
                },
                String::as_str,
            );
        let case = content
            .judged
            .cases
            .iter()
            .find(|case| Some(case.case.id) == event.case_id);
        let about = match case {
            Some(case) if content.tells(event.case_id) => {
                format!(" ({}, {})", case.vendor.name, case.contract.reference)
            }
            Some(_) => " (another vendor)".to_string(),
            None => String::new(),
        };
        // Writing to a String cannot fail.
        let _ = write!(
            told,
            "\n{}. {}{about}\n   happened {}, recorded {} by {who}, {}\n",
            event.seq,
            event.kind.as_str().replace('_', " "),
            event.occurred_at,
            event.recorded_at,
            event.source
        );
        if let Ok(fields) = serde_json::to_string(&event.fields)
            && fields != "{}"
        {
            let _ = writeln!(told, "   {fields}");
        }
        for name in sealed(event).into_keys() {
            let text = texts.get(&event.id).and_then(|texts| texts.get(&name));
            let by = erased.get(&event.seq).and_then(|erased| erased.get(&name));
            let said = match (text, by) {
                (Some(text), _) if content.tells_texts(event) => {
                    text.content.replace('\n', "\n     ")
                }
                (Some(_), _) => "(left out here: it concerns another vendor)".to_string(),
                (None, Some(by)) => format!("(erased by event {by})"),
                (None, None) => "(missing)".to_string(),
            };
            let _ = writeln!(told, "   {name}: {said}");
        }
        let _ = writeln!(told, "   sha256 {}", event.hash);
    }
    told
}
