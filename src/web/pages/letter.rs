//! The outbox: what was written to whom, and what became of it.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Data, Path, Query};
use askama::Template;

use super::{Choice, language, page};
use crate::actions;
use crate::domain::LetterId;
use crate::domain::letter::{LetterFacts, LetterState, Side};
use crate::domain::outbox::Letter;
use crate::error::{Error, Result};
use crate::mail::brief::Brief;
use crate::mail::links::{mask_message, may_hold_links};
use crate::mail::templates::Templates;
use crate::store::Tx;
use crate::store::{erasure, letter, link, refused_address, webhook};
use crate::time::{MINUTE, Micros, Moment};
use crate::web::access::{Access, Caller};
use crate::web::api::letter::{Asked, letter_id};
use crate::web::error::Answer;
use crate::web::form::Form;
use crate::web::frame::{Frame, capitalised};
use crate::web::idempotency::{Done, act_once};
use crate::web::paging::Paging;
use crate::web::shown::{Reader, Shown};
use crate::web::state::{State, block, read};
use crate::web::wording;

/// A letter's HTML may use its own styles and nothing from anywhere else.
pub(super) const LETTER_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox";

/// A letter as lists show it.
pub struct LetterRow {
    /// Its key.
    pub id: LetterId,
    /// Its subject, or what it is about while none is written.
    pub subject: String,
    /// Who gets it.
    pub name: String,
    /// Where it goes.
    pub email: String,
    /// What it is for.
    pub kind: String,
    /// When it was queued.
    pub queued: Shown,
    /// How often it was tried.
    pub attempts: i32,
    /// The word that decides how its state looks.
    pub state: &'static str,
    /// What one reads.
    pub state_text: String,
}

impl LetterRow {
    /// A letter for that reader.
    pub fn new(letter: &Letter, reader: Reader) -> Self {
        let (state, state_text) = standing(letter, reader);
        Self {
            id: letter.id,
            subject: letter.about(),
            name: letter.name.clone(),
            email: letter.email.clone(),
            kind: capitalised(letter.kind.as_str()),
            queued: reader.sees_here(letter.created_at),
            attempts: letter.attempts,
            state,
            state_text,
        }
    }
}

fn standing(letter: &Letter, reader: Reader) -> (&'static str, String) {
    let at = || reader.sees_here(letter.next_attempt_at).here;
    match letter.state {
        LetterState::Queued if letter.attempts > 0 => ("doubt", format!("Trying again {}", at())),
        LetterState::Queued if letter.next_attempt_at > reader.now => {
            ("queued", format!("Waits until {}", at()))
        }
        LetterState::Queued => ("queued", "Waiting".to_string()),
        LetterState::Leased => ("sending", "Being sent".to_string()),
        LetterState::Sent => ("sent", "Sent".to_string()),
        LetterState::Failed => ("failed", "Not delivered".to_string()),
        LetterState::Cancelled => ("cancelled", "Cancelled".to_string()),
    }
}

#[derive(Template)]
#[template(path = "letter/list.html")]
struct ListPage {
    frame: Frame,
    form: Form,
    states: Vec<Choice>,
    tally: Tally,
    /// Addresses that are refused for good.
    refused: Vec<String>,
    letters: Vec<LetterRow>,
    first: String,
    next: String,
}

/// How many letters stand how.
#[derive(Default)]
struct Tally {
    failed: i64,
    waiting: i64,
    sent: i64,
    cancelled: i64,
    /// How long the oldest that is due has waited, if that is long.
    oldest: Option<String>,
}

/// Of a shorter wait nothing is said: letters leave a few at a time.
const LONG_WAIT: Micros = MINUTE;

/// Lists the letters, newest first.
pub async fn list(
    state: Data<State>,
    frame: Frame,
    caller: Caller,
    paging: Paging,
    asked: Query<Asked>,
) -> Answer {
    let (of_state, incident) = asked.filters()?;
    let after = paging.after::<LetterId>()?;
    let (store, rows) = (state.store.clone(), paging.rows());
    let (now, letters, counts, next, refused) = block(move || {
        let now = store.now()?;
        store.read(|conn| {
            let letters = letter::list(conn, of_state, incident, after, rows)?;
            let next = letter::next_due(conn)?;
            let refused = refused_address::all(conn)?;
            Ok((now, letters, letter::counts(conn)?, next, refused))
        })
    })
    .await?;
    let waits = next.map_or(0, |due| now - due);
    let mut tally = Tally {
        oldest: (waits > LONG_WAIT).then(|| wording::passed(waits)),
        ..Tally::default()
    };
    for (state, count) in counts {
        *match state {
            LetterState::Failed => &mut tally.failed,
            LetterState::Queued | LetterState::Leased => &mut tally.waiting,
            LetterState::Sent => &mut tally.sent,
            LetterState::Cancelled => &mut tally.cancelled,
        } += count;
    }
    let reader = Reader {
        zone: caller.time_zone.0,
        now,
    };
    let listing = paging.listing(letters, |letter| letter.id);
    let filters = [("state", &asked.state), ("incident", &asked.incident)];
    let filters = filters.map(|(name, value)| (name, value.clone().unwrap_or_default()));
    page(&ListPage {
        frame,
        states: LetterState::ALL
            .iter()
            .map(|state| Choice::new(state.as_str(), state_name(*state)))
            .collect(),
        tally,
        refused: refused.into_iter().map(|mark| mark.email).collect(),
        letters: listing
            .items
            .iter()
            .map(|letter| LetterRow::new(letter, reader))
            .collect(),
        first: after.map_or_else(String::new, |_| super::address("/letters", &filters, None)),
        next: listing.next.map_or_else(String::new, |cursor| {
            super::address("/letters", &filters, Some(&cursor))
        }),
        form: Form::of(filters),
    })
}

fn state_name(state: LetterState) -> &'static str {
    match state {
        LetterState::Queued => "Waiting",
        LetterState::Leased => "Being sent",
        LetterState::Sent => "Sent",
        LetterState::Failed => "Not delivered",
        LetterState::Cancelled => "Cancelled",
    }
}

#[derive(Template)]
#[template(path = "letter/show.html")]
struct ShowPage {
    frame: Frame,
    row: LetterRow,
    /// Reference of the incident it is about.
    incident: String,
    side: &'static str,
    language: &'static str,
    time_zone: String,
    planned: Shown,
    settled: Option<Shown>,
    error: String,
    message_id: String,
    text: String,
    /// Whether it is shown as it would go out now.
    is_preview: bool,
    has_message: bool,
    /// It goes to a webhook.
    is_posted: bool,
    /// What was posted, where it went to one.
    posted: String,
    /// What the webhook last answered.
    answer: Option<AnswerPart>,
    /// When and why what was sent was erased, if it was.
    erased: Option<ErasedPart>,
    may_requeue: bool,
    may_cancel: bool,
    may_revoke: bool,
    /// When its links were called in, if they were.
    revoked: Option<Shown>,
    request_id: String,
}

/// What a webhook answered.
struct AnswerPart {
    at: Shown,
    status: i32,
    body: String,
}

/// What is known of what was sent when it is erased.
struct ErasedPart {
    at: Shown,
    incident: String,
    seq: i64,
    sha256: String,
}

/// Shows a letter.
pub async fn show(state: Data<State>, frame: Frame, caller: Caller, key: Path<String>) -> Answer {
    let id = letter_id(&key)?;
    let store = state.store.clone();
    let (now, letter, message, erased, revoked, answer) = block(move || {
        let now = store.now()?;
        store.read(|conn| {
            let message = letter::message(conn, id)?;
            let erased = erasure::of_letter(conn, id)?;
            let (revoked, answer) = (link::revoked(conn, id)?, webhook::answer(conn, id)?);
            let letter = letter::get(conn, id)?;
            Ok((now, letter, message, erased, revoked, answer))
        })
    })
    .await?;
    let reader = Reader {
        zone: caller.time_zone.0,
        now,
    };
    let may = caller.may(Access::Record);
    let is_posted = letter.webhook().is_some();
    let posted = message.as_ref().filter(|_| is_posted);
    let posted = posted.map_or_else(String::new, |bytes| laid_out(bytes));
    let written = Written::of(&letter, &state.templates, state.public_url(), now)?;
    let mut row = LetterRow::new(&letter, reader);
    row.subject = written.subject;
    page(&ShowPage {
        frame,
        row,
        incident: letter
            .incident_id
            .map_or_else(String::new, |id| id.reference()),
        side: match letter.side {
            Side::Ours => "one of us",
            Side::Vendor => "the vendor's",
        },
        language: language(letter.locale),
        time_zone: letter.time_zone.to_string(),
        planned: reader.sees(letter.planned_at, letter.time_zone.0),
        settled: letter.settled_at.map(|at| reader.sees_here(at)),
        error: letter.last_error.clone().unwrap_or_default(),
        message_id: letter.message_id.clone(),
        text: written.text,
        is_preview: letter.body_text.is_none() && letter.state != LetterState::Sent,
        has_message: message.is_some(),
        is_posted,
        posted,
        answer: answer.map(|answer| AnswerPart {
            at: reader.sees_here(answer.at),
            status: answer.status,
            body: answer.body,
        }),
        erased: erased.map(|erased| ErasedPart {
            at: reader.sees_here(erased.at),
            incident: erased.incident_id.reference(),
            seq: erased.seq,
            sha256: erased.sha256.unwrap_or_default(),
        }),
        may_requeue: may && matches!(letter.state, LetterState::Failed | LetterState::Cancelled),
        may_cancel: may && letter.state == LetterState::Queued,
        may_revoke: may && revoked.is_none() && !is_posted && may_hold_links(&letter),
        revoked: revoked.map(|at| reader.sees_here(at)),
        request_id: Form::default().request_id(),
    })
}

/// JSON with a line for each field.
fn laid_out(bytes: &[u8]) -> String {
    serde_json::from_slice::<serde_json::Value>(bytes)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| String::from_utf8_lossy(bytes).into_owned())
}

/// What stands in a letter: as it was sent, or as it would go out now.
struct Written {
    subject: String,
    text: String,
    html: String,
}

impl Written {
    fn of(letter: &Letter, templates: &Templates, public_url: &str, now: Moment) -> Result<Self> {
        if let (Some(subject), Some(text), Some(html)) =
            (&letter.subject, &letter.body_text, &letter.body_html)
        {
            return Ok(Self {
                subject: subject.clone(),
                text: text.clone(),
                html: html.clone(),
            });
        }
        // What was sent and erased is written as of then.
        let as_of = letter
            .settled_at
            .filter(|_| letter.state == LetterState::Sent)
            .unwrap_or(now);
        if let (Some(_), LetterFacts::Incident(facts)) = (letter.webhook(), &letter.facts) {
            let brief = Brief::of(templates, facts, &letter.recipient(), public_url, as_of)
                .map_err(|error| Error::conflict(error.to_string()))?;
            return Ok(Self {
                subject: brief.title.clone(),
                text: brief.text(),
                html: String::new(),
            });
        }
        let rendered = templates
            .render(&letter.facts, &letter.recipient(), public_url, as_of)
            .map_err(|error| Error::conflict(error.to_string()))?;
        Ok(Self {
            subject: rendered.subject,
            text: rendered.text,
            html: rendered.html,
        })
    }
}

/// Shows the HTML of a letter alone, for the frame on its page.
pub async fn html(state: Data<State>, key: Path<String>) -> Answer {
    let id = letter_id(&key)?;
    let store = state.store.clone();
    let (now, letter) = block(move || {
        let now = store.now()?;
        Ok((now, store.read(|conn| letter::get(conn, id))?))
    })
    .await?;
    let written = Written::of(&letter, &state.templates, state.public_url(), now)?;
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, LETTER_POLICY))
        .body(written.html))
}

/// Gives the bytes of a letter as they were sent, but for the signed links, which are its recipient's.
pub async fn message(state: Data<State>, key: Path<String>) -> Answer {
    let id = letter_id(&key)?;
    let (letter, bytes) = read(&state, move |conn| {
        Ok((letter::get(conn, id)?, letter::message(conn, id)?))
    })
    .await?;
    let bytes = bytes.ok_or_else(|| Error::not_found("message of letter", id))?;
    if letter.webhook().is_some() {
        return Ok(HttpResponse::Ok()
            .content_type("application/json")
            .insert_header((
                header::CONTENT_DISPOSITION,
                format!("attachment; filename=\"letter-{id}.json\""),
            ))
            .body(bytes));
    }
    Ok(HttpResponse::Ok()
        .content_type("message/rfc822")
        .insert_header((
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"letter-{id}.eml\""),
        ))
        .body(mask_message(&bytes)))
}

/// Puts a letter back into the queue.
pub async fn requeue(state: Data<State>, caller: Caller, key: Path<String>, form: Form) -> Answer {
    let said = "The letter is in the queue again.";
    settle(&state, &caller, &key, &form, said, actions::letter::requeue).await
}

/// Cancels a letter that still waits.
pub async fn cancel(state: Data<State>, caller: Caller, key: Path<String>, form: Form) -> Answer {
    let said = "The letter is cancelled; it will not be sent.";
    settle(&state, &caller, &key, &form, said, actions::letter::cancel).await
}

/// Calls the signed links of a letter in.
pub async fn revoke_links(
    state: Data<State>,
    caller: Caller,
    key: Path<String>,
    form: Form,
) -> Answer {
    let said = "The links of this letter serve no more.";
    settle(&state, &caller, &key, &form, said, actions::link::revoke).await
}

async fn settle(
    state: &State,
    caller: &Caller,
    key: &str,
    form: &Form,
    said: &'static str,
    deed: fn(&mut Tx<'_>, LetterId) -> Result<()>,
) -> Answer {
    let id = letter_id(key)?;
    act_once(state, caller, form.once(), move |tx| {
        deed(tx, id)?;
        Ok(Done::go(format!("/letters/{id}"), said))
    })
    .await
}
