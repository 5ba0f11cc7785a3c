//! Messages that come in: kept, matched with the letter they answer, believed or not, and recorded.
//!
//! Only one thing follows by itself: a reply that is proven to come from the vendor stops the clock of
//! `respond`. All else that it may say is for one of us to confirm.

use std::sync::Arc;

use serde_json::json;

use super::incident::record_said_by;
use crate::domain::incident::Record;
use crate::domain::outbox::Letter;
use crate::domain::received::{
    Arrived, Ground, Incoming, MOST_BYTES, NO_TEXT, RECORDED, Received, ReplyAddress, Verdict,
    judge, open_tag,
};
use crate::domain::timeline::{Event, Fields, Standing, correction_of, facts, standing};
use crate::domain::words::{EventKind, Metric, Source};
use crate::domain::{CaseId, IncidentId, ReceivedId};
use crate::error::{Error, Result};
use crate::store::received::{NewReceived, Place};
use crate::store::{self, Actor, Conn, Store, Tx};
use crate::time::Moment;

/// Most characters of a message that become the reason of an event; the message itself is kept with it.
const LONGEST_REASON: usize = 4_000;

/// What the configuration says of mail that comes in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reception {
    /// The address that replies go to, with a tag for each letter; none: without tags.
    pub reply_to: Option<ReplyAddress>,
    /// Names of the mail relays whose Authentication-Results count.
    pub relays: Vec<String>,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is kept.
    Kept {
        /// As what.
        verdict: Verdict,
        /// Why.
        reason: String,
        /// The incident it is about.
        incident: Option<IncidentId>,
        /// The number of the event that it recorded.
        seq: Option<i64>,
    },
    /// The same message was kept before.
    Known,
}

/// Takes a message that arrived, in a transaction of its own.
///
/// # Errors
/// When the database does not do as asked: nothing was kept, and the message is to be brought again.
pub fn receive(store: &Store, reception: &Reception, arrived: Arrived) -> Result<Taken> {
    let (arrived, reception) = (Arc::new(arrived), Arc::new(reception.clone()));
    let attempt = |may_record: bool| {
        let (arrived, reception) = (Arc::clone(&arrived), Arc::clone(&reception));
        store.write(Actor::Mail, move |tx| {
            take(tx, &reception, &arrived, may_record)
        })
    };
    match attempt(true) {
        // The timeline does not admit the answer; the message is kept all the same, for one of us to see.
        Err(Error::Invalid(_) | Error::Refused(_)) => attempt(false),
        done => done,
    }
}

fn take(
    tx: &mut Tx<'_>,
    reception: &Reception,
    arrived: &Arrived,
    may_record: bool,
) -> Result<Taken> {
    let incoming = &arrived.incoming;
    let found = match &arrived.refused {
        Some(excess) => Err((Verdict::Refused, excess.clone())),
        None => find(tx.conn(), reception, incoming)?,
    };
    let (placed, (verdict, reason)) = match found {
        Ok(found) => {
            let (place, judged) = place(tx.conn(), reception, incoming, &found)?;
            (Some((found.letter, place)), judged)
        }
        Err(judged) => (None, judged),
    };
    let mut received_at = arrived.received_at.map_or(tx.now(), |at| at.min(tx.now()));
    if let Some((letter, _)) = &placed {
        // Nobody answers a letter before it is written; the mailbox's clock was wrong.
        received_at = received_at.max(letter.created_at);
    }
    let sender = incoming.from.first().cloned().unwrap_or_default();
    let place = placed.map(|(_, place)| place);
    let new = NewReceived {
        received_at,
        sha256: &arrived.sha256,
        size: i64::try_from(arrived.size).unwrap_or(i64::MAX),
        verdict,
        reason: &reason,
        place,
        message_id: incoming.message_id.as_deref().unwrap_or_default(),
        sender: (&sender.name, &sender.email),
        subject: &incoming.subject,
        body: &incoming.text,
        files: &incoming.files,
        dated_at: incoming.dated_at,
    };
    let Some(id) = store::received::insert(tx, &new)? else {
        return Ok(Taken::Known);
    };
    let mut taken = Taken::Kept {
        verdict,
        reason,
        incident: place.map(|place| place.incident),
        seq: None,
    };
    let Some(place) = place else {
        return Ok(taken);
    };
    debug_assert!(arrived.bytes.len() as u64 <= MOST_BYTES);
    store::received::insert_content(tx, id, &arrived.bytes)?;
    let detail = json!({"incident": place.incident.reference(), "verdict": verdict,
        "letter": place.letter, "sha256": arrived.sha256});
    tx.record("received message", id.0, "received", &detail)?;
    if verdict == Verdict::Trusted && may_record {
        store::incident::lock(tx, place.incident)?;
        if waits_for_response(tx.conn(), place.incident, place.case)? {
            let message = store::received::get(tx.conn(), id)?;
            let event = record(tx, &message, EventKind::Responded, None)?;
            store::received::handle(tx, id)?;
            if let Taken::Kept { seq, .. } = &mut taken {
                *seq = Some(event.seq);
            }
        }
    }
    Ok(taken)
}

/// The letter that a message answers.
struct Found {
    letter: Letter,
    case: CaseId,
    has_forged_tag: bool,
}

/// Which letter it answers: the one of its address tag, or else the nearest that it refers to. Otherwise
/// what it is taken for without.
fn find(
    conn: &mut Conn,
    reception: &Reception,
    incoming: &Incoming,
) -> Result<std::result::Result<Found, (Verdict, String)>> {
    let mut letters = Vec::new();
    let mut has_forged_tag = false;
    if let Some(address) = &reception.reply_to {
        let key = store::link::key(conn)?;
        for tag in incoming.to.iter().filter_map(|to| address.tag_of(to)) {
            match key.as_ref().and_then(|key| open_tag(key, tag)) {
                Some(letter) => match store::letter::get(conn, letter) {
                    Ok(letter) => letters.push(letter),
                    // Of a database that was put back to an earlier state.
                    Err(Error::Refused(_)) => has_forged_tag = true,
                    Err(other) => return Err(other),
                },
                None => has_forged_tag = true,
            }
        }
    }
    if letters.is_empty() {
        letters = store::received::answered(conn, &incoming.letters())?;
    } else {
        has_forged_tag = false;
    }
    let is_about_nothing = !letters.is_empty();
    let mut about = letters.into_iter().filter_map(|letter| {
        letter.case_id.map(|case| Found {
            case,
            letter,
            has_forged_tag,
        })
    });
    if let Some(found) = about.next() {
        return Ok(Ok(found));
    }
    let reason = if is_about_nothing {
        "it answers a letter about no incident"
    } else if has_forged_tag {
        "it went to an address whose tag we never made"
    } else {
        "it answers no letter of ours"
    };
    Ok(Err((Verdict::Unplaced, reason.to_string())))
}

/// Where a message belongs that answers a letter, and what it is taken for.
fn place(
    conn: &mut Conn,
    reception: &Reception,
    incoming: &Incoming,
    found: &Found,
) -> Result<(Place, (Verdict, String))> {
    let (incident, case) = store::link::case(conn, found.case)?;
    let contract = store::contract::find(conn, case.contract_id)?;
    let contacts = store::vendor::contacts(conn, contract.vendor_id)?;
    let email = incoming.sender().map_or("", |sender| sender.email.as_str());
    let mut ground = Ground {
        letter: &found.letter,
        contacts: &contacts,
        is_ours: false,
        has_forged_tag: found.has_forged_tag,
        relays: &reception.relays,
    };
    let contact = ground.contact(email).map(|contact| contact.id);
    ground.is_ours = contact.is_none()
        && (contract.owner.eq_ignore_ascii_case(email)
            || store::person::with_email(conn, email)?.is_some());
    let place = Place {
        letter: found.letter.id,
        incident: incident.id,
        case: case.id,
        contact,
    };
    Ok((place, judge(incoming, &ground)))
}

/// Whether that case still waits for its first answer.
fn waits_for_response(conn: &mut Conn, incident: IncidentId, case: CaseId) -> Result<bool> {
    let events = store::incident::events(conn, incident)?;
    if standing(&facts(&events), case) != Standing::Open {
        return Ok(false);
    }
    let clocks = store::clock::of_incident(conn, incident)?;
    let mut of_case = clocks.iter().filter(|clock| clock.case_id == case);
    Ok(of_case.any(|clock| clock.metric == Metric::Respond && clock.state.is_open()))
}

/// Records what a message says, as of the moment at which it reached us.
fn record(
    tx: &mut Tx<'_>,
    message: &Received,
    kind: EventKind,
    promised_for: Option<Moment>,
) -> Result<Event> {
    let (Some(incident), Some(case)) = (message.incident_id, message.case_id) else {
        return Err(Error::conflict("the message belongs to no incident"));
    };
    let said = [message.body.as_str(), &message.subject, NO_TEXT];
    let said = said.into_iter().find(|text| !text.is_empty());
    let email = &message.sender_email;
    let (name, from) = match message.sender_name.as_str() {
        "" => (email, email.clone()),
        name => (&message.sender_name, format!("{name} <{email}>")),
    };
    let who = vec![
        ("name", name.clone()),
        ("contact", from),
        ("subject", message.subject.clone()),
    ];
    let record = Record {
        kind,
        case: Some(case),
        occurred_at: Some(message.received_at),
        reason: said
            .unwrap_or_default()
            .chars()
            .take(LONGEST_REASON)
            .collect(),
        fields: Fields {
            contact: message.contact_id,
            letter: message.letter_id,
            message: Some(message.sha256.clone()),
            promised_for,
            ..Fields::default()
        },
        confirm_terms: false,
    };
    record_said_by(tx, incident, &record, Source::Mail, who)
}

/// Records what one of us reads in a message: that it says so, at the moment at which it reached us.
///
/// # Errors
/// At `kind` or `promised_for` when that cannot be said by a message; when the message is none of the
/// vendor's, was erased, or was recorded as that before; when the timeline does not admit it.
pub fn confirm(
    tx: &mut Tx<'_>,
    id: ReceivedId,
    kind: EventKind,
    promised_for: Option<Moment>,
) -> Result<Event> {
    let message = offered(tx, id)?;
    if !RECORDED.contains(&kind) {
        let known: Vec<&str> = RECORDED.iter().map(|kind| kind.as_str()).collect();
        let wrong = format!("a message can be recorded as {}", known.join(", "));
        return Err(Error::field("kind", wrong));
    }
    match (kind, promised_for) {
        (EventKind::Promised, None) => {
            return Err(Error::field("promised_for", "write which time it names"));
        }
        (EventKind::Promised, _) | (_, None) => {}
        (_, Some(_)) => {
            let wrong = format!("an event \"{kind}\" carries no promised for");
            return Err(Error::field("promised_for", wrong));
        }
    }
    if let Some(incident) = message.incident_id {
        store::incident::lock(tx, incident)?;
        let events = store::incident::events(tx.conn(), incident)?;
        if let Some(seq) = recorded_as(&events, &message, kind) {
            return Err(Error::conflict(format!(
                "this message is recorded as {} by event {seq} already",
                kind.as_str().replace('_', " ")
            )));
        }
    }
    let event = record(tx, &message, kind, promised_for)?;
    store::received::handle(tx, id)?;
    Ok(event)
}

/// The event that a message was recorded as, unless it is set right or taken back.
fn recorded_as(events: &[Event], message: &Received, kind: EventKind) -> Option<i64> {
    let mut of_it = events.iter().filter(|event| {
        event.kind == kind && event.fields.message.as_ref() == Some(&message.sha256)
    });
    let stands = |event: &&Event| correction_of(events, event.seq).is_none();
    of_it.find(stands).map(|event| event.seq)
}

/// Notes that nothing, or nothing more, is to be recorded by a message.
///
/// # Errors
/// When it is none of the vendor's, or somebody was done with it before.
pub fn dismiss(tx: &mut Tx<'_>, id: ReceivedId) -> Result<()> {
    let message = offered(tx, id)?;
    if message.handled_at.is_some() {
        return Err(Error::conflict(
            "somebody was done with this message before",
        ));
    }
    store::received::handle(tx, id)?;
    tx.record("received message", id.0, "dismissed", &json!({}))
}

fn offered(tx: &mut Tx<'_>, id: ReceivedId) -> Result<Received> {
    let message = store::received::get(tx.conn(), id)?;
    if message.erased_at.is_some() {
        return Err(Error::conflict("the message was erased"));
    }
    if !message.verdict.is_offered() {
        return Err(Error::conflict("the message is not what a vendor says"));
    }
    Ok(message)
}

/// Erases the texts and the bytes of a message that no event rests on.
///
/// # Errors
/// When it was erased before, or an event rests on it, whose texts are to be erased instead.
pub fn erase(tx: &mut Tx<'_>, id: ReceivedId) -> Result<()> {
    let message = store::received::get(tx.conn(), id)?;
    if let Some(incident) = message.incident_id {
        store::incident::lock(tx, incident)?;
        let events = store::incident::events(tx.conn(), incident)?;
        let mut events = events.iter();
        if let Some(event) =
            events.find(|event| event.fields.message.as_ref() == Some(&message.sha256))
        {
            return Err(Error::conflict(format!(
                "event {} of {} rests on this message; erase the texts of that event, and the message goes with them",
                event.seq,
                incident.reference()
            )));
        }
    }
    if !store::received::erase(tx, id)? {
        return Err(Error::conflict("the message was erased before"));
    }
    tx.record("received message", id.0, "erased", &json!({}))
}
