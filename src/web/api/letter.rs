//! The outbox.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use serde::{Deserialize, Serialize};

use super::incident::incident_id;
use crate::actions;
use crate::domain::letter::{LetterKind, LetterState, Recipient};
use crate::domain::outbox::Letter;
use crate::domain::{IncidentId, LetterId};
use crate::error::{Error, Result};
use crate::store::{Tx, letter, webhook};
use crate::time::Moment;
use crate::web::{Answer, Caller, Done, Paging, RawBody, State, act_once, read};

/// A letter as the API shows it.
#[derive(Serialize)]
struct LetterBody {
    id: LetterId,
    kind: LetterKind,
    incident: Option<String>,
    breach: Option<String>,
    recipient: Recipient,
    state: LetterState,
    planned_at: Moment,
    created_at: Moment,
    next_attempt_at: Option<Moment>,
    attempts: i32,
    last_error: Option<String>,
    settled_at: Option<Moment>,
    key: String,
    subject: Option<String>,
    text: Option<String>,
    /// What a webhook last answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<webhook::Answer>,
}

impl From<Letter> for LetterBody {
    fn from(letter: Letter) -> Self {
        let waits = matches!(letter.state, LetterState::Queued | LetterState::Leased);
        Self {
            id: letter.id,
            kind: letter.kind,
            incident: letter.incident_id.map(|id| id.reference()),
            breach: letter.breach_id.map(|id| id.reference()),
            recipient: letter.recipient(),
            state: letter.state,
            planned_at: letter.planned_at,
            created_at: letter.created_at,
            next_attempt_at: waits.then_some(letter.next_attempt_at),
            attempts: letter.attempts,
            last_error: letter.last_error,
            settled_at: letter.settled_at,
            key: letter.key,
            subject: letter.subject,
            text: letter.body_text,
            answer: None,
        }
    }
}

/// Which letters are asked for.
#[derive(Deserialize)]
pub struct Asked {
    /// How they stand.
    pub(in crate::web) state: Option<String>,
    /// About this incident, by key or reference.
    pub(in crate::web) incident: Option<String>,
}

impl Asked {
    /// How the letters stand and what they are about; an empty field asks for nothing.
    pub(in crate::web) fn filters(&self) -> Result<(Option<LetterState>, Option<IncidentId>)> {
        let given = |field: &Option<String>| field.clone().filter(|text| !text.is_empty());
        let state = match given(&self.state) {
            Some(word) => Some(word.parse().map_err(|wrong| Error::field("state", wrong))?),
            None => None,
        };
        let incident = match given(&self.incident) {
            Some(key) => Some(incident_id(&key)?),
            None => None,
        };
        Ok((state, incident))
    }
}

/// `GET /letters?state=&incident=`: newest first.
pub async fn list(state: Data<State>, paging: Paging, asked: Query<Asked>) -> Answer {
    let (of_state, incident) = asked.filters()?;
    let listing = read(&state, move |conn| {
        let rows = letter::list(conn, of_state, incident, paging.after()?, paging.rows())?;
        Ok(paging
            .listing(rows, |letter| letter.id)
            .map(LetterBody::from))
    })
    .await?;
    Ok(HttpResponse::Ok().json(listing))
}

/// `GET /letters/{id}`.
pub async fn show(state: Data<State>, key: Path<String>) -> Answer {
    let id = letter_id(&key)?;
    let (found, answer) = read(&state, move |conn| {
        Ok((letter::get(conn, id)?, webhook::answer(conn, id)?))
    })
    .await?;
    Ok(HttpResponse::Ok().json(LetterBody {
        answer,
        ..LetterBody::from(found)
    }))
}

/// `POST /letters/{id}/requeue`.
pub async fn requeue(
    state: Data<State>,
    caller: Caller,
    key: Path<String>,
    body: RawBody,
) -> Answer {
    done_to(&state, &caller, &key, body, actions::letter::requeue).await
}

/// `POST /letters/{id}/cancel`.
pub async fn cancel(
    state: Data<State>,
    caller: Caller,
    key: Path<String>,
    body: RawBody,
) -> Answer {
    done_to(&state, &caller, &key, body, actions::letter::cancel).await
}

/// `POST /letters/{id}/revoke-links`: its signed links serve no more.
pub async fn revoke_links(
    state: Data<State>,
    caller: Caller,
    key: Path<String>,
    body: RawBody,
) -> Answer {
    done_to(&state, &caller, &key, body, actions::link::revoke).await
}

/// Does something to a letter and answers with the letter as it is then.
async fn done_to(
    state: &State,
    caller: &Caller,
    key: &str,
    body: RawBody,
    deed: fn(&mut Tx<'_>, LetterId) -> Result<()>,
) -> Answer {
    let id = letter_id(key)?;
    act_once(state, caller, body.once, move |tx| {
        deed(tx, id)?;
        Done::answered(&LetterBody::from(letter::get(tx.conn(), id)?))
    })
    .await
}

pub(in crate::web) fn letter_id(key: &str) -> Result<LetterId> {
    key.parse()
        .map(LetterId)
        .map_err(|_| Error::not_found("letter", key))
}
