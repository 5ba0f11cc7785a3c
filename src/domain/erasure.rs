//! Erasing personal data: which texts of which event, why, and where else they stand.
//!
//! The chain holds only hashes of texts, so content and salt can go while it stays valid. What was
//! copied from the text for other uses goes with it: the incident's title and description, the vendor's
//! reference, the reason of a withdrawal, and letters that quote it.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use validator::Validate;

use super::input::{Faults, FieldError};
use super::letter::{IncidentFacts, LetterFacts};
use super::reading::Object;
use super::timeline::{Event, SealedText};
use super::words::EventKind;

/// What stands where something was erased.
pub const ERASED: &str = "[erased]";

/// What an administrator wants erased.
#[derive(Clone, Debug, PartialEq, Eq, Validate)]
pub struct Erasure {
    /// The number of the event.
    pub seq: i64,
    /// The names of the texts.
    pub texts: Vec<String>,
    /// On what legal ground.
    #[validate(length(max = 4_000, message = "the reason is longer than 4000 characters"))]
    pub reason: String,
}

impl Erasure {
    /// Reads what somebody sent.
    ///
    /// # Errors
    /// Every fault at its field.
    pub fn read(value: &Value) -> Result<Self, Vec<FieldError>> {
        let mut faults = Faults::none();
        let erasure =
            Object::open(value, "", &["seq", "texts", "reason"], &mut faults).and_then(|object| {
                let seq = object.number("seq", &mut faults);
                let texts = object.words::<String>("texts", &mut faults);
                let reason = object.optional_text("reason", &mut faults);
                Some(Self {
                    seq: seq?,
                    texts: texts.unwrap_or_default(),
                    reason: reason.unwrap_or_default(),
                })
            });
        let Some(mut erasure) = erasure else {
            return Err(faults.into_vec());
        };
        erasure.texts.sort();
        erasure.texts.dedup();
        faults.check("", &erasure);
        if !faults.at("texts") {
            faults.require(
                !erasure.texts.is_empty(),
                "texts",
                "name the texts to be erased, such as reason",
            );
        }
        faults.require(
            !erasure.reason.trim().is_empty(),
            "reason",
            "say on what legal ground; the reason itself stays and is seen by everybody, so name nobody in it",
        );
        faults.or(erasure)
    }

    /// The event whose texts are to be erased, if that can be done.
    ///
    /// # Errors
    /// Every fault at its field: no such event, no such text, a text that is erased already.
    pub fn target<'a>(&self, events: &'a [Event]) -> Result<&'a Event, Vec<FieldError>> {
        let mut faults = Faults::none();
        let Some(event) = events.iter().find(|event| event.seq == self.seq) else {
            faults.add("seq", format!("there is no event {}", self.seq));
            return Err(faults.into_vec());
        };
        faults.require(
            event.kind != EventKind::Erased,
            "seq",
            format!(
                "event {} says why something was erased, which has to stay",
                self.seq
            ),
        );
        let sealed = sealed(event);
        for name in &self.texts {
            if !sealed.contains_key(name) {
                let known: Vec<&str> = sealed.keys().map(String::as_str).collect();
                let known = match known.as_slice() {
                    [] => "it has none".to_string(),
                    known => format!("it has {}", known.join(", ")),
                };
                let wrong = format!("event {} has no text \"{name}\"; {known}", self.seq);
                faults.add("texts", wrong);
            } else if let Some(by) = erased_by(events, self.seq, name) {
                let wrong = format!("\"{name}\" was erased already, by event {}", by.seq);
                faults.add("texts", wrong);
            }
        }
        faults.or(event)
    }
}

/// The texts that an event was sealed with, by name, each with its hash.
pub fn sealed(event: &Event) -> BTreeMap<String, String> {
    // Written by us; a database that somebody else wrote into is the affair of `redress verify`.
    serde_json::from_str(&event.text_hashes).unwrap_or_default()
}

/// The event that says that a text of another was erased.
pub fn erased_by<'a>(events: &'a [Event], seq: i64, name: &str) -> Option<&'a Event> {
    events.iter().find(|event| {
        event.kind == EventKind::Erased
            && event.fields.erases == Some(seq)
            && event.fields.erased.iter().any(|erased| erased == name)
    })
}

/// Every text of a timeline that was erased: by event and name, the number of the event that says so.
pub fn erasures(events: &[Event]) -> HashMap<i64, BTreeMap<String, i64>> {
    let mut all: HashMap<i64, BTreeMap<String, i64>> = HashMap::new();
    for event in events
        .iter()
        .filter(|event| event.kind == EventKind::Erased)
    {
        let of = all
            .entry(event.fields.erases.unwrap_or_default())
            .or_default();
        of.extend(
            event
                .fields
                .erased
                .iter()
                .map(|name| (name.clone(), event.seq)),
        );
    }
    all
}

/// Takes erased texts of an event out of the facts of a letter; says whether any stood there.
pub fn redact(facts: &mut LetterFacts, incident: &str, seq: i64, texts: &[SealedText]) -> bool {
    match facts {
        LetterFacts::Incident(facts) => {
            let mut found = false;
            for text in texts {
                found |= facts.incident == incident && redact_incident(facts, seq, text);
            }
            found
        }
        LetterFacts::Report(facts) => match redact_csv(&facts.csv, incident, texts) {
            Some(csv) => {
                facts.csv = csv;
                true
            }
            None => false,
        },
        LetterFacts::Undeliverable(_) => false,
    }
}

fn redact_incident(facts: &mut IncidentFacts, seq: i64, text: &SealedText) -> bool {
    let content = text.content.as_str();
    let mut found = false;
    let mut put = |place: &mut String, quotes: bool| {
        if quotes {
            *place = ERASED.to_string();
            found = true;
        }
    };
    match text.name.as_str() {
        "title" => {
            let quotes = facts.title == content;
            put(&mut facts.title, quotes);
        }
        "description" => {
            let quotes = facts.description == content;
            put(&mut facts.description, quotes);
        }
        "vendor_reference" => {
            if let Some(reference) = &mut facts.vendor_reference {
                let quotes = reference == content;
                put(reference, quotes);
            }
        }
        "name" | "contact" => {
            if let Some(answer) = facts.answer.as_mut().filter(|answer| answer.seq == seq) {
                let place = match text.name.as_str() {
                    "name" => &mut answer.name,
                    _ => &mut answer.contact,
                };
                let quotes = place == content;
                put(place, quotes);
            }
        }
        "reason" => {
            if let Some(answer) = facts.answer.as_mut().filter(|answer| answer.seq == seq) {
                let quotes = answer.remark == content;
                put(&mut answer.remark, quotes);
            }
            if let Some(remark) = &mut facts.remark {
                let quotes = remark == content;
                put(remark, quotes);
            }
            if let Some(corrected) = &mut facts.corrected {
                // The reason of a withdrawal begins with the kind of the event that caused it.
                let quotes = corrected.seq == seq && corrected.reason.ends_with(content);
                put(&mut corrected.reason, quotes);
            }
        }
        _ => {}
    }
    found
}

/// The lines about that incident without the texts; nothing if none stood there.
fn redact_csv(csv: &str, incident: &str, texts: &[SealedText]) -> Option<String> {
    if !csv.contains(incident) {
        return None;
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(csv.as_bytes());
    let mut writer = csv::WriterBuilder::new()
        .flexible(true)
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    let mut found = false;
    for record in reader.records() {
        let record = record.ok()?;
        let is_its = record.iter().any(|field| field == incident);
        let fields = record.iter().map(|field| {
            // The title alone, or a reason after the kind of its event.
            let quotes = |text: &SealedText| {
                !text.content.is_empty() && is_its && field.ends_with(text.content.as_str())
            };
            if field != incident && texts.iter().any(quotes) {
                found = true;
                return ERASED;
            }
            field
        });
        writer.write_record(fields).ok()?;
    }
    let written = String::from_utf8(writer.into_inner().ok()?).ok()?;
    found.then_some(written)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(name: &str, content: &str) -> SealedText {
        SealedText {
            name: name.into(),
            salt: "00".into(),
            content: content.into(),
        }
    }

    #[test]
    fn what_is_to_be_erased_is_named_with_a_reason() {
        let read = Erasure::read(
            &json!({"seq": 3, "texts": ["title", "reason", "title"], "reason": "GDPR art. 17"}),
        );
        assert_eq!(read.unwrap().texts, ["reason", "title"]);
        let fields = |value| -> Vec<String> {
            let faults = Erasure::read(&value).unwrap_err();
            faults.into_iter().map(|fault| fault.field).collect()
        };
        assert_eq!(fields(json!({"seq": 3})), ["reason", "texts"]);
        assert_eq!(
            fields(json!({"seq": 3, "texts": ["reason"], "reason": " "})),
            ["reason"]
        );
        assert_eq!(
            fields(json!({"texts": "reason", "reason": "x"})),
            ["seq", "texts"]
        );
    }

    #[test]
    fn a_report_loses_the_texts_only_where_it_speaks_of_the_incident() {
        let csv = "incident,title,reason\r\nINC-1001,\"Mei, desk\",\"noted was recorded: Mei, desk\"\r\nINC-1002,\"Mei, desk\",x\r\n";
        let redacted = redact_csv(csv, "INC-1001", &[text("title", "Mei, desk")]).unwrap();
        assert_eq!(
            redacted,
            "incident,title,reason\r\nINC-1001,[erased],[erased]\r\nINC-1002,\"Mei, desk\",x\r\n"
        );
        assert_eq!(
            redact_csv(csv, "INC-1003", &[text("title", "Mei, desk")]),
            None
        );
        assert_eq!(redact_csv(csv, "INC-1001", &[text("title", "Ann")]), None);
    }
}
