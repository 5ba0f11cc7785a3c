//! Calendars.

use actix_web::web::{Data, Path};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use chrono::NaiveDate;
use serde::Serialize;

use crate::actions;
use crate::consequence::preview_edit;
use crate::domain::CalendarId;
use crate::domain::calendar::Hours;
use crate::domain::calendar_entry::{CalendarHead, CalendarInput, Revision};
use crate::domain::example::Question;
use crate::error::{Error, Result};
use crate::store::{Conn, calendar};
use crate::web::{
    Answer, Caller, Done, Fault, IfMatch, JsonBody, Paging, RawBody, State, act, act_once, read,
    with_etag,
};

/// A calendar as the API shows it.
#[derive(Serialize)]
struct CalendarBody {
    #[serde(flatten)]
    head: CalendarHead,
    /// The hours of the last revision.
    #[serde(flatten)]
    hours: Hours,
    /// The last day that the list of exceptions speaks for; none: there is no list that could end.
    holidays_reach: Option<NaiveDate>,
    /// Every revision, first made first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    revisions: Vec<Revision>,
}

impl CalendarBody {
    fn of(conn: &mut Conn, id: CalendarId) -> Result<Self> {
        let head = calendar::find(conn, id)?;
        let revisions = calendar::revisions(conn, id)?;
        let last = revisions.last().map(|made| made.hours.clone());
        let hours = last.ok_or_else(|| Error::not_found("calendar", id))?;
        Ok(Self::with(head, hours, revisions))
    }

    fn with(head: CalendarHead, hours: Hours, revisions: Vec<Revision>) -> Self {
        Self {
            holidays_reach: hours.reaches(),
            head,
            hours,
            revisions,
        }
    }
}

/// `GET /calendars`: in order of name, with the present hours.
pub async fn list(state: Data<State>, paging: Paging) -> Answer {
    let listing = read(&state, move |conn| {
        let after: Option<String> = paging.after()?;
        let rows = calendar::page(conn, after.as_deref(), paging.rows())?;
        let listing = paging.listing(rows, |line| line.head.name.clone());
        Ok(listing.map(|line| CalendarBody::with(line.head, line.hours, Vec::new())))
    })
    .await?;
    Ok(HttpResponse::Ok().json(listing))
}

/// `GET /calendars/{id}`.
pub async fn show(state: Data<State>, id: Path<i64>) -> Answer {
    let id = CalendarId(*id);
    let body = read(&state, move |conn| CalendarBody::of(conn, id)).await?;
    Ok(with_etag(body.head.revision, &body))
}

/// `POST /calendars`.
pub async fn enter(state: Data<State>, caller: Caller, body: JsonBody) -> Answer {
    let (value, once) = body.parts();
    act_once(&state, &caller, once, move |tx| {
        let id = actions::calendar::enter(tx, &CalendarInput::read(&value)?)?;
        Done::made(
            format!("/api/v1/calendars/{id}"),
            &CalendarBody::of(tx.conn(), id)?,
        )
    })
    .await
}

/// `PUT /calendars/{id}` with `If-Match`: a new revision, which counts from today on, or with
/// `"correction": true` from ever.
pub async fn edit(
    state: Data<State>,
    caller: Caller,
    id: Path<i64>,
    revision: IfMatch,
    body: JsonBody,
) -> Answer {
    let (id, revision) = (CalendarId(*id), revision.version_of("a calendar")?);
    let body = act(&state, &caller, move |tx| {
        actions::calendar::edit(tx, id, revision, &CalendarInput::read_edit(&body.value)?)?;
        CalendarBody::of(tx.conn(), id)
    })
    .await?;
    Ok(with_etag(body.head.revision, &body))
}

/// `POST /calendars/{id}/preview` with the body of the PUT: which running deadlines the edit would move
/// and by how much; nothing is changed.
pub async fn preview(state: Data<State>, id: Path<i64>, body: JsonBody) -> Answer {
    let (id, now) = (CalendarId(*id), state.store.now()?);
    let preview = read(&state, move |conn| {
        preview_edit(conn, id, &CalendarInput::read_edit(&body.value)?, now)
    })
    .await?;
    Ok(HttpResponse::Ok().json(preview))
}

/// `POST /calendars/{id}/holidays` with an iCalendar file as the body: what was added, what was skipped
/// because the date has an exception already, and what in the file is no holiday.
pub async fn import_holidays(
    state: Data<State>,
    caller: Caller,
    id: Path<i64>,
    request: HttpRequest,
    body: RawBody,
) -> Answer {
    if !request.content_type().eq_ignore_ascii_case("text/calendar") {
        return Err(Fault::WrongType("text/calendar"));
    }
    let id = CalendarId(*id);
    act_once(&state, &caller, body.once, move |tx| {
        // Public lists are not always UTF-8; a strange letter in a name is no reason to refuse one.
        let file = String::from_utf8_lossy(&body.bytes);
        Done::answered(&actions::calendar::import_holidays(tx, id, &file)?)
    })
    .await
}

/// `POST /calendars/{id}/deadline`: when a target would be due; nothing is changed.
pub async fn deadline(state: Data<State>, id: Path<i64>, body: JsonBody) -> Answer {
    let id = CalendarId(*id);
    let answer = read(&state, move |conn| {
        let question = Question::read(&body.value)?;
        let book = calendar::book(conn, &[id])?;
        Ok(question.answer(book.latest(id))?)
    })
    .await?;
    Ok(HttpResponse::Ok().json(answer))
}
