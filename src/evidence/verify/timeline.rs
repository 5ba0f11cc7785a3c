//! One timeline: numbers without gaps, each event hashing to what it says and naming the one before,
//! each text to its hash.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::{Fault, Place, Walked, fault};
use crate::domain::IncidentId;
use crate::domain::evidence::position_of;
use crate::domain::timeline::{Form, GENESIS, SealedText, text_hash};
use crate::store::chain::{RawEvent, RawHead, RawText};

/// How many places are tried for an event that does not fit where it stands.
const PLACES: i64 = 1_000;

/// A timeline while its events go by.
pub(super) struct Chain {
    incident: IncidentId,
    /// The number that comes next.
    next: i64,
    /// The hash that the next event has to name.
    previous: String,
    /// Texts that are not there, by event.
    missing: BTreeSet<(i64, String)>,
    /// Texts that are there, of events that some later event may erase.
    present: BTreeSet<(i64, String)>,
    /// Texts that were erased, with the event that says so.
    erased: BTreeMap<(i64, String), i64>,
    /// By its hash, each message that events rest on: those events, and whether it is there.
    messages: BTreeMap<String, (Vec<i64>, bool)>,
}

/// The fields of an `erased` event that matter here.
#[derive(Default, Deserialize)]
struct Erasure {
    #[serde(default)]
    erases: Option<i64>,
    #[serde(default)]
    erased: Vec<String>,
}

impl Chain {
    pub(super) fn of(incident: IncidentId) -> Self {
        Self {
            incident,
            next: 1,
            previous: GENESIS.to_string(),
            missing: BTreeSet::new(),
            present: BTreeSet::new(),
            erased: BTreeMap::new(),
            messages: BTreeMap::new(),
        }
    }

    /// Takes the next event and says what is wrong with it.
    pub(super) fn event(
        &mut self,
        event: &RawEvent,
        texts: &[RawText],
        walked: &mut Walked,
    ) -> Vec<Fault> {
        let mut wrong = Vec::new();
        let is_gap = event.seq > self.next;
        if is_gap {
            wrong.push(match event.seq - self.next {
                1 => format!("event {} before it is missing", self.next),
                _ => format!(
                    "events {} to {} before it are missing",
                    self.next,
                    event.seq - 1
                ),
            });
        } else if event.seq < self.next {
            wrong.push("its number stands twice or is none".to_string());
        }
        if !is_gap && event.previous_hash != self.previous {
            wrong.push(format!(
                "it does not follow the event before it: it names {}, which is not that event's hash; one of the two was changed, replaced or moved",
                short(&event.previous_hash)
            ));
        }
        wrong.extend(self.content(event));
        wrong.extend(self.texts(event, texts, walked));
        if event.kind == "erased" {
            let erasure: Erasure = serde_json::from_str(&event.fields).unwrap_or_default();
            for name in erasure.erased {
                let of = erasure.erases.unwrap_or_default();
                self.erased.insert((of, name), event.seq);
            }
        }
        self.next = event.seq.saturating_add(1);
        self.previous.clone_from(&event.hash);
        let place = Place::Event(self.incident, event.seq);
        wrong.into_iter().map(|what| fault(place, what)).collect()
    }

    /// Whether the event hashes to what it says.
    fn content(&self, event: &RawEvent) -> Option<String> {
        let (Some(fields), Some(texts)) = (plain(&event.fields), plain(&event.text_hashes)) else {
            return Some("it was changed: its fields are not as they are written".to_string());
        };
        let hash_at = |seq: i64| {
            let form = Form {
                incident: self.incident,
                seq,
                case: event.case_id,
                kind: &event.kind,
                occurred_at: event.occurred_at,
                recorded_at: event.recorded_at,
                actor: event.person_id,
                source: &event.source,
                fields: fields.clone(),
                texts: texts.clone(),
                previous: &event.previous_hash,
            };
            form.hash().unwrap_or_default()
        };
        let here = hash_at(event.seq);
        if here == event.hash {
            return None;
        }
        let nearby = (event.seq - PLACES).max(1)..=event.seq.saturating_add(PLACES);
        let elsewhere = nearby.into_iter().find(|seq| hash_at(*seq) == event.hash);
        Some(match elsewhere {
            Some(seq) => format!("it was moved: by its hash it is event {seq}"),
            None => format!(
                "it was changed: it hashes to {} and says {}",
                short(&here),
                short(&event.hash)
            ),
        })
    }

    fn texts(&mut self, event: &RawEvent, texts: &[RawText], walked: &mut Walked) -> Vec<String> {
        let mut wrong = Vec::new();
        let sealed: BTreeMap<String, String> =
            serde_json::from_str(&event.text_hashes).unwrap_or_default();
        for text in texts {
            let Some(hash) = sealed.get(&text.name) else {
                wrong.push(format!(
                    "the text \"{}\" was added: it is not in the chain",
                    text.name
                ));
                continue;
            };
            walked.texts += 1;
            self.present.insert((event.seq, text.name.clone()));
            let found = text_hash(&SealedText {
                name: text.name.clone(),
                salt: text.salt.clone(),
                content: text.content.clone(),
            });
            if found != *hash {
                wrong.push(format!("the text \"{}\" was changed", text.name));
            }
        }
        for name in sealed.into_keys() {
            if !texts.iter().any(|text| text.name == name) {
                self.missing.insert((event.seq, name));
            }
        }
        wrong
    }

    /// Notes that a text or file of an event is not there.
    pub(super) fn lacks(&mut self, seq: i64, name: &str) {
        self.missing.insert((seq, name.to_string()));
    }

    /// Notes that a file of an event is there.
    pub(super) fn has(&mut self, seq: i64, name: &str) {
        self.present.insert((seq, name.to_string()));
    }

    /// Notes whether the message that an event rests on is there.
    pub(super) fn rests_on(&mut self, seq: i64, sha256: &str, is_there: bool) {
        let message = self.messages.entry(sha256.to_string()).or_default();
        message.0.push(seq);
        message.1 = is_there;
    }

    /// Ends the timeline: what the incident says of it, and what only the whole of it shows.
    pub(super) fn end(self, head: &RawHead, walked: &mut Walked) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (seq, name) in self.missing {
            if self.erased.contains_key(&(seq, name.clone())) {
                walked.erased += 1;
                continue;
            }
            let what = format!(
                "{} is missing, and no event says that it was erased",
                called(&name)
            );
            faults.push(fault(Place::Event(self.incident, seq), what));
        }
        // A message goes with any text of any event that rests on it.
        for (seqs, is_there) in self.messages.into_values() {
            let mut erased = self.erased.iter();
            let by = erased.find(|((of, _), _)| seqs.contains(of));
            let what = match (is_there, by) {
                (true, Some((_, by))) => {
                    format!("its message is there, and event {by} says that it was erased")
                }
                (false, None) => {
                    "its message is missing, and no event says that it was erased".to_string()
                }
                _ => continue,
            };
            let first = seqs.first().copied().unwrap_or_default();
            faults.push(fault(Place::Event(self.incident, first), what));
        }
        for ((seq, name), by) in self.erased {
            if self.present.contains(&(seq, name.clone())) {
                let what = format!(
                    "{} is there, and event {by} says that it was erased",
                    called(&name)
                );
                faults.push(fault(Place::Event(self.incident, seq), what));
            }
        }
        let last = self.next - 1;
        let place = Place::Incident(self.incident);
        if last < head.last_seq {
            let what = format!(
                "its end is missing: it has events up to {last} and knows of {}",
                head.last_seq
            );
            faults.push(fault(place, what));
        } else if last > head.last_seq {
            let what = format!(
                "events were added: it has events up to {last} and knows of {}",
                head.last_seq
            );
            faults.push(fault(place, what));
        } else if self.previous != head.head_hash {
            let what = format!(
                "its last event hashes to {} and it knows of {}: one of the two was changed",
                short(&self.previous),
                short(&head.head_hash)
            );
            faults.push(fault(place, what));
        }
        faults
    }
}

/// JSON as we write it: what is in the column and not in the value, such as a name that stands twice,
/// was put there by somebody else.
fn plain(column: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(column).ok()?;
    let again = serde_json::to_string(&value).ok()?;
    (value.is_object() && again.len() == column.len()).then_some(value)
}

/// A text, or a file with its name.
fn called(name: &str) -> String {
    match position_of(name) {
        Some(position) => format!("file {position}"),
        None => format!("the text \"{name}\""),
    }
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}
