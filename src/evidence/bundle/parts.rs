//! The files of a bundle that programs read.

use std::collections::{BTreeMap, HashMap};
use std::io::{Seek, Write};

use anyhow::Context;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::pack::Packer;
use super::{Content, MOST_ANCHORS};
use crate::consequence::JudgedCase;
use crate::domain::PersonId;
use crate::domain::anchor;
use crate::domain::clock::{Clock, Lap};
use crate::domain::erasure::{erasures, sealed};
use crate::domain::evidence::File;
use crate::domain::letter::LetterFacts;
use crate::domain::timeline::{SealedText, canonical};
use crate::error::Result;
use crate::mail::links::mask_message;
use crate::store::{self, Conn};
use crate::time::{Micros, SECOND};

/// Texts by event and name.
pub(super) type Texts = HashMap<i64, BTreeMap<String, SealedText>>;
/// Names of people by key.
pub(super) type People = BTreeMap<i64, String>;

/// Who recorded the events, by key.
pub(super) fn people(conn: &mut Conn, content: &Content) -> Result<People> {
    let judged = &content.judged;
    let mut keys: Vec<PersonId> = judged
        .events
        .iter()
        .filter_map(|event| event.person_id)
        .chain([judged.incident.reporter])
        .collect();
    keys.sort();
    keys.dedup();
    let names = store::person::names(conn, &keys)?;
    Ok(names.into_iter().map(|(id, name)| (id.0, name)).collect())
}

pub(super) fn incident(content: &Content, people: &People) -> Value {
    let incident = &content.judged.incident;
    json!({
        "reference": incident.id.reference(),
        "title": incident.title,
        "description": incident.description,
        "state": incident.state,
        "drill": incident.drill,
        "reported_at": incident.reported_at,
        "created_at": incident.created_at,
        "as_of": content.now,
        "breach": content.breach.map(|(breach, _)| breach.reference()),
        "events": incident.last_seq,
        "head": incident.head_hash,
        "cases": cases(content).map(|case| json!({
            "id": case.case.id,
            "contract": case.contract.reference,
            "vendor": case.vendor.name,
            "terms": case.terms.number,
            "severity": case.case.severity,
            "vendor_reference": case.case.vendor_reference,
        })).collect::<Vec<_>>(),
        "people": people,
    })
}

fn cases(content: &Content) -> impl Iterator<Item = &JudgedCase> {
    let cases = content.judged.cases.iter();
    cases.filter(|case| content.tells(Some(case.case.id)))
}

/// Each event's canonical form as the text that is hashed, its hash, and its texts with their salts.
pub(super) fn timeline(content: &Content, texts: &Texts, files: &[Packed]) -> Result<Value> {
    let erased = erasures(&content.judged.events);
    let mut events = Vec::with_capacity(content.judged.events.len());
    for event in &content.judged.events {
        let form = String::from_utf8(canonical(event)?).map_err(anyhow::Error::from)?;
        let mut told = serde_json::Map::new();
        let mut withheld = Vec::new();
        for name in sealed(event).into_keys() {
            let Some(text) = texts.get(&event.id).and_then(|texts| texts.get(&name)) else {
                continue;
            };
            if content.tells_texts(event) {
                told.insert(name, json!({"salt": text.salt, "content": text.content}));
            } else {
                withheld.push(name);
            }
        }
        events.push(json!({
            "seq": event.seq,
            "hash": event.hash,
            "form": form,
            "texts": told,
            "erased": erased.get(&event.seq).cloned().unwrap_or_default(),
            "withheld": withheld,
            "files": files.iter().filter(|file| file.seq == event.seq).map(|file| json!({
                "sha256": file.file.sha256,
                "size": file.file.size,
                "media_type": file.file.media_type,
                "file": file.is_told.then_some(&file.path),
            })).collect::<Vec<_>>(),
        }));
    }
    Ok(json!({"incident": content.incident().reference(), "events": events}))
}

/// A file of an event, and where it lies in the bundle.
pub(super) struct Packed {
    /// The event.
    seq: i64,
    /// The file.
    file: File,
    /// Where it lies.
    path: String,
    /// Whether it is in the bundle: not erased, and not another vendor's.
    pub(super) is_told: bool,
}

/// The files of the timeline.
pub(super) fn files(conn: &mut Conn, content: &Content, texts: &Texts) -> Result<Vec<Packed>> {
    let events = &content.judged.events;
    let mut packed = Vec::new();
    for file in store::evidence::of_incident(conn, content.incident())? {
        let Some(event) = events.iter().find(|event| Some(event.id) == file.event_id) else {
            continue;
        };
        let name = texts
            .get(&event.id)
            .and_then(|texts| texts.get(file.text_name()))
            .map(|text| text.content.clone());
        let place = file.position.unwrap_or_default();
        packed.push(Packed {
            seq: event.seq,
            path: format!("files/{}-{place}-{}", event.seq, plain(name.as_deref())),
            is_told: name.is_some() && content.tells_texts(event),
            file,
        });
    }
    Ok(packed)
}

/// A name that every system can unpack, and that no shell takes for something else.
fn plain(name: Option<&str>) -> String {
    let letters = name.unwrap_or_default().chars().map(|letter| match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' | '_' => letter,
        _ => '_',
    });
    letters.collect()
}

/// Packs the content of a file, chunk by chunk.
pub(super) fn file<W: Write + Seek>(
    conn: &mut Conn,
    packed: &Packed,
    packer: &mut Packer<W>,
) -> Result<()> {
    packer.file(&packed.path, |to| {
        let mut number = 0;
        while let Some(chunk) = store::evidence::chunk(conn, packed.file.id, number)? {
            to.write_all(&chunk)
                .context("the bundle cannot be written")?;
            number += 1;
        }
        Ok(())
    })
}

/// The terms that judge each case, with the contract.
pub(super) fn terms(content: &Content) -> Value {
    let all = cases(content).map(|case| {
        json!({
            "case": case.case.id,
            "contract": case.contract,
            "vendor": {"name": case.vendor.name, "time_zone": case.vendor.time_zone},
            "number": case.terms.number,
            "effective_from": case.terms.effective_from,
            "entered_at": case.terms.entered_at,
            "promise": case.terms.promise,
            "go_live": case.go_live.as_ref().map(|window| &window.name),
            "ladder_of_the_case": case.case.ladder.0,
        })
    });
    all.collect()
}

/// Every revision of the calendars that the terms name.
pub(super) fn calendars(conn: &mut Conn, content: &Content) -> Result<Value> {
    let mut keys: Vec<_> = cases(content)
        .flat_map(|case| case.terms.promise.calendars())
        .collect();
    keys.sort();
    keys.dedup();
    let mut all = Vec::new();
    for id in keys {
        let head = store::calendar::find(conn, id)?;
        let revisions = store::calendar::revisions(conn, id)?;
        let read_by_others = store::calendar::read_by_others(conn, id)?;
        let revisions = revisions.into_iter().map(|revision| {
            let kept = read_by_others
                .iter()
                .find(|(number, _)| *number == revision.revision);
            json!({
                "revision": revision.revision,
                "from_date": revision.from_date,
                "made_at": revision.made_at,
                "name": revision.name,
                "zone_data": revision.zone_data,
                // Whoever recomputes has the zone data of today, not that of then.
                "offsets": kept.map(|(_, kept)| &*kept.offsets),
                "hours": revision.hours,
            })
        });
        let revisions: Vec<Value> = revisions.collect();
        all.push(json!({"id": id, "name": head.name, "revisions": revisions}));
    }
    Ok(json!({"zone_data": crate::time::ZONE_DATA, "calendars": all}))
}

/// Every clock as it is judged from the timeline, lap by lap.
pub(super) fn clocks(content: &Content) -> Value {
    let all = cases(content).flat_map(|case| {
        case.clocks.iter().map(|clock| {
            json!({
                "case": case.case.id,
                "contract": case.contract.reference,
                "metric": clock.metric,
                "state": clock.state,
                "calendar": content.judged.book.name(clock.current().commitment.calendar_id),
                "laps": laps(clock),
            })
        })
    });
    all.collect()
}

fn laps(clock: &Clock) -> Vec<Value> {
    let lap = |lap: &Lap| {
        json!({
            "run": lap.run,
            "interval": lap.interval,
            "clause": lap.commitment.clause,
            "severity": lap.commitment.severity,
            "calendar_id": lap.commitment.calendar_id,
            "calendar_revision": lap.revision,
            "started_at": lap.started_at,
            "due_at": lap.due_at,
            "provisional": lap.provisional,
            "target_seconds": seconds(lap.budget),
            "spent_seconds": seconds(lap.spent),
            "breached_at": lap.breached_at,
            "stopped_at": lap.stopped_at,
            "verdict": lap.verdict,
            "seqs": lap.seqs,
        })
    };
    clock.laps.iter().map(lap).collect()
}

fn seconds(length: Micros) -> Value {
    if length % SECOND == 0 {
        json!(length / SECOND)
    } else {
        json!(length as f64 / SECOND as f64)
    }
}

/// The entries of the register with what they were judged by; in the bundle of a breach those of its
/// case, withdrawn ones too.
pub(super) fn breaches(content: &Content) -> Result<Value> {
    let mut all = Vec::new();
    for (breach, withdrawal) in &content.entries {
        if !content.tells(Some(breach.case_id)) {
            continue;
        }
        let late = match withdrawal {
            Some(_) => None,
            None => content.judged.lateness(breach, content.now)?,
        };
        let seqs: Value = serde_json::from_str(&breach.seqs)?;
        all.push(json!({
            "reference": breach.id.reference(),
            "case": breach.case_id,
            "metric": breach.metric,
            "severity": breach.severity,
            "clause": breach.clause,
            "run": breach.run,
            "interval": breach.interval,
            "due_at": breach.due_at,
            "noticed_at": breach.noticed_at,
            "entry": breach.entry,
            "calendar_id": breach.calendar_id,
            "calendar_revision": breach.calendar_revision,
            "zone_data": breach.zone_data,
            "seqs": seqs,
            "drill": breach.drill,
            "stopped_at": late.and_then(|late| late.stopped_at),
            "late_open_seconds": late.map(|late| seconds(late.open)),
            "late_elapsed_seconds": late.map(|late| seconds(late.elapsed)),
            "withdrawn": withdrawal.as_ref().map(|withdrawal| json!({
                "at": withdrawal.at, "seq": withdrawal.seq, "reason": withdrawal.reason,
            })),
        }));
    }
    Ok(all.into())
}

/// What was written to whom: each letter as it was sent, and a list of all.
pub(super) fn letters<W: Write + Seek>(
    conn: &mut Conn,
    content: &Content,
    packer: &mut Packer<W>,
) -> Result<()> {
    let mut letters = store::letter::list(
        conn,
        None,
        Some(content.incident()),
        None,
        i64::from(i32::MAX),
    )?;
    letters.reverse();
    letters.retain(|letter| content.tells(letter.case_id));
    let mut all = Vec::with_capacity(letters.len());
    for letter in &letters {
        let bytes = store::letter::message(conn, letter.id)?;
        let erased = store::erasure::of_letter(conn, letter.id)?;
        let sha256 = match (&bytes, &erased) {
            (Some(bytes), _) => Some(hex::encode(Sha256::digest(bytes))),
            (None, Some(erased)) => erased.sha256.clone(),
            (None, None) => None,
        };
        // Signed links are the recipient's alone; with them a reader of the bundle could answer.
        let masked = bytes.as_ref().map(|bytes| mask_message(bytes));
        let is_masked = masked != bytes;
        let file = bytes.as_ref().map(|_| format!("letters/{}.eml", letter.id));
        let printed = match &letter.facts {
            LetterFacts::Incident(facts) => facts.anchor.as_ref(),
            LetterFacts::Report(facts) => facts.anchor.as_ref(),
            LetterFacts::Undeliverable(_) => None,
        };
        all.push(json!({
            "id": letter.id,
            "kind": letter.kind,
            "case": letter.case_id,
            "breach": letter.breach_id.map(|breach| breach.reference()),
            "to": letter.email,
            "name": letter.name,
            "side": letter.side,
            "language": letter.locale,
            "state": letter.state,
            "planned_at": letter.planned_at,
            "queued_at": letter.created_at,
            "settled_at": letter.settled_at,
            "attempts": letter.attempts,
            "last_error": letter.last_error,
            "message_id": letter.message_id,
            "subject": letter.subject,
            "anchor": printed.map(|head| json!({"number": head.number, "hash": head.hash})),
            "sha256": sha256,
            "file": file,
            "links_masked": is_masked,
            "file_sha256": masked.as_ref().map(|bytes| hex::encode(Sha256::digest(bytes))),
            "erased_by_event": erased.map(|erased| erased.seq),
        }));
        if let (Some(file), Some(bytes)) = (file, masked) {
            packer.bytes(&file, &bytes)?;
        }
    }
    packer.json("letters.json", &all)
}

/// The anchors from the first that holds this timeline on, one a line, each with the text that is
/// hashed.
pub(super) fn anchors<W: Write + Seek>(
    conn: &mut Conn,
    content: &Content,
    packer: &mut Packer<W>,
) -> Result<()> {
    let first = store::anchor::first_of_incident(conn, content.incident())?;
    packer.file("anchors.jsonl", |to| {
        let Some(first) = first else {
            return Ok(());
        };
        for anchor in store::anchor::in_order(conn, first - 1, MOST_ANCHORS)? {
            let heads = store::anchor::heads(conn, anchor.number)?;
            let form = anchor::canonical(anchor.number, anchor.at, &anchor.previous_hash, &heads)?;
            let form = String::from_utf8(form).map_err(anyhow::Error::from)?;
            let line = json!({"number": anchor.number, "hash": anchor.hash, "form": form});
            writeln!(to, "{line}").context("the bundle cannot be written")?;
        }
        Ok(())
    })
}
