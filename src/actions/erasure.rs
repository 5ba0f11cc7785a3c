//! Erasing personal data from a timeline.

use serde_json::json;

use crate::domain::LetterId;
use crate::domain::erasure::{Erasure, redact};
use crate::domain::evidence::position_of;
use crate::domain::incident::Incident;
use crate::domain::timeline::{Event, Fields, SealedText};
use crate::domain::words::{EventKind, Source};
use crate::domain::{IncidentId, erasure};
use crate::error::{Error, Result};
use crate::store::incident::NewEvent;
use crate::store::{self, Tx};

/// Letters read at a time.
const PAGE: i64 = 100;

/// Erases texts of one event with every copy of them that the service holds, and records that it did.
/// The chain stays valid: it holds only their hashes.
///
/// Letters that quote them keep their facts without them; what was sent is dropped but for its hash.
/// What has left the house stays where it is.
///
/// # Errors
/// When there is no such event or text, it is erased already, or a letter that quotes it is just being
/// sent; nothing is erased then.
pub fn erase(tx: &mut Tx<'_>, id: IncidentId, erasure: &Erasure, source: Source) -> Result<Event> {
    let mut incident = store::incident::lock(tx, id)?;
    let events = store::incident::events(tx.conn(), id)?;
    let target = erasure.target(&events)?;
    let mut texts = store::incident::texts(tx.conn(), id)?;
    let mut gone = texts.remove(&target.id).unwrap_or_default();
    gone.retain(|name, _| erasure.texts.contains(name));
    let gone: Vec<SealedText> = gone.into_values().collect();

    let new = NewEvent {
        case: target.case_id,
        kind: EventKind::Erased,
        occurred_at: tx.now(),
        source,
        fields: Fields {
            erases: Some(target.seq),
            erased: erasure.texts.clone(),
            ..Fields::default()
        },
        texts: vec![("reason", erasure.reason.clone())],
    };
    let event = store::incident::append(tx, &mut incident, new)?;
    store::erasure::drop_texts(tx, target.id, &erasure.texts)?;
    for position in erasure.texts.iter().filter_map(|name| position_of(name)) {
        store::evidence::drop_content(tx, target.id, position)?;
    }
    copies(tx, &incident, target, &gone)?;
    // The message that it was recorded by says the same in other words.
    if let Some(sha256) = &target.fields.message
        && let Some(message) = store::received::of_hash(tx.conn(), sha256)?
    {
        store::received::erase(tx, message.id)?;
    }
    let letters = letters(tx, &incident, target.seq, &gone, event.seq)?;
    let detail = json!({"incident": id.reference(), "seq": event.seq, "erases": target.seq,
        "texts": erasure.texts, "letters": letters});
    tx.record("incident", id.0, "texts erased", &detail)?;
    Ok(event)
}

/// Takes the texts out of the columns they were copied to for lists and headings.
fn copies(tx: &mut Tx<'_>, incident: &Incident, target: &Event, gone: &[SealedText]) -> Result<()> {
    for text in gone {
        match text.name.as_str() {
            "title" if incident.title == text.content => {
                store::erasure::drop_title(tx, incident.id)?;
            }
            "description" if incident.description == text.content => {
                store::erasure::drop_description(tx, incident.id)?;
            }
            "vendor_reference" => {
                for case in store::incident::cases(tx.conn(), incident.id)? {
                    if Some(case.id) == target.case_id && case.vendor_reference == text.content {
                        store::erasure::drop_vendor_reference(tx, case.id)?;
                    }
                }
            }
            "reason" => {
                for (breach, withdrawal) in store::breach::of_incident(tx.conn(), incident.id)? {
                    let quotes = withdrawal.is_some_and(|withdrawal| {
                        withdrawal.seq == target.seq && withdrawal.reason.ends_with(&text.content)
                    });
                    if quotes {
                        store::erasure::drop_withdrawal_reason(tx, breach.id)?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Takes the texts out of letters; gives how many quoted them.
fn letters(
    tx: &mut Tx<'_>,
    incident: &Incident,
    seq: i64,
    gone: &[SealedText],
    by: i64,
) -> Result<u32> {
    let reference = incident.id.reference();
    let mut quoting = 0;
    let mut after = LetterId::default();
    loop {
        let since = incident.created_at;
        let page = store::erasure::letters_quoting(tx.conn(), incident.id, since, after, PAGE)?;
        let Some(last) = page.last() else {
            return Ok(quoting);
        };
        after = last.id;
        for mut letter in page {
            if !redact(&mut letter.facts, &reference, seq, gone) {
                continue;
            }
            let mark = (incident.id, by);
            if !store::erasure::redact_letter(tx, letter.id, &letter.facts, mark)? {
                return Err(Error::conflict(format!(
                    "letter {} quotes it and is just being sent; try again in a minute",
                    letter.id
                )));
            }
            quoting += 1;
        }
    }
}

/// Names of the texts of an event that are still there, for whoever chooses among them.
///
/// # Errors
/// When there is no such event.
pub fn erasable(
    conn: &mut store::Conn,
    id: IncidentId,
    seq: i64,
) -> Result<(Event, Vec<SealedText>)> {
    let events = store::incident::events(conn, id)?;
    let found = events.into_iter().find(|event| event.seq == seq);
    let event = found.ok_or_else(|| Error::not_found("event", seq))?;
    let mut texts = store::incident::texts(conn, id)?;
    let present = texts.remove(&event.id).unwrap_or_default();
    let sealed = erasure::sealed(&event);
    let present = present
        .into_values()
        .filter(|text| sealed.contains_key(&text.name));
    Ok((event.clone(), present.collect()))
}
