//! Calendars: their hours, their revisions, their holidays.

mod view;

use std::collections::HashMap;

use actix_web::web::{Data, Path, Query};
use askama::Template;
use serde_json::{Value, json};

use super::compound::{self, join_faults, target_json, whole_list, windows_json, windows_text};
use super::{Choice, page, try_again};
use crate::actions;
use crate::consequence::{EditPreview, Move, preview_edit};
use crate::domain::CalendarId;
use crate::domain::calendar::{DayName, Hours};
use crate::domain::calendar_entry::{CalendarHead, CalendarInput};
use crate::domain::example::Question;
use crate::domain::input::FieldError;
use crate::domain::zone::Zone;
use crate::error::Error;
use crate::store::calendar;
use crate::time::Moment;
use crate::web::access::{Access, Caller};
use crate::web::error::{Answer, Fault};
use crate::web::form::{Form, Row, Shape};
use crate::web::frame::Frame;
use crate::web::idempotency::{Done, act_once};
use crate::web::paging::Paging;
use crate::web::shown::{local_moment, local_text};
use crate::web::state::{State, block, read};
use crate::web::wording;
use view::{CalendarRow, CalendarView, day_name};

const SHAPE: Shape = Shape {
    numbers: &[],
    flags: &[],
    lists: &[],
};

#[derive(Template)]
#[template(path = "calendar/list.html")]
struct ListPage {
    frame: Frame,
    calendars: Vec<CalendarRow>,
    may_enter: bool,
    first: &'static str,
    next: String,
}

/// Lists the calendars in order of name.
pub async fn list(state: Data<State>, mut frame: Frame, caller: Caller, paging: Paging) -> Answer {
    let (after, rows) = (paging.after::<String>()?, paging.rows());
    let is_first = after.is_none();
    let store = state.store.clone();
    let listing = block(move || {
        let now = store.now()?;
        store.read(|conn| {
            let lines = calendar::page(conn, after.as_deref(), rows)?;
            let listing = paging.listing(lines, |line| line.head.name.clone());
            let ids: Vec<CalendarId> = listing.items.iter().map(|line| line.head.id).collect();
            let book = calendar::book(conn, &ids)?;
            Ok(listing.map(|line| CalendarRow::new(line, &book, now)))
        })
    })
    .await?;
    let notices = listing.items.iter().filter_map(|row| row.notice.clone());
    frame.notices.extend(notices);
    page(&ListPage {
        frame,
        may_enter: caller.may(Access::Enter),
        first: if is_first { "" } else { "/calendars" },
        next: listing
            .next
            .map_or_else(String::new, |cursor| format!("/calendars?cursor={cursor}")),
        calendars: listing.items,
    })
}

#[derive(Template)]
#[template(path = "calendar/show.html")]
struct ShowPage {
    frame: Frame,
    calendar: CalendarView,
    /// The question about a deadline.
    form: Form,
    units: Vec<Choice>,
    /// Its answer.
    answer: String,
    may_enter: bool,
}

/// Shows a calendar, and answers when a target would be due.
pub async fn show(
    state: Data<State>,
    mut frame: Frame,
    caller: Caller,
    id: Path<i64>,
    asked: Query<HashMap<String, String>>,
) -> Answer {
    let (store, id, reader) = (state.store.clone(), CalendarId(*id), caller.time_zone.0);
    let mut form = Form::of(asked.into_inner());
    let (calendar, form, answer) = block(move || {
        let now = store.now()?;
        let calendar = store.read(|conn| CalendarView::new(conn, id, now, reader))?;
        let mut answer = String::new();
        if form.get("start").is_some() {
            match ask(&form, &calendar) {
                Ok(due) => answer = due,
                Err(faults) => form.errors = faults,
            }
        } else {
            form.set("start", local_text(now, calendar.zone));
            form.set("unit", "hours");
        }
        Ok((calendar, form, answer))
    })
    .await?;
    frame.notices.extend(calendar.notice.clone());
    page(&ShowPage {
        frame,
        calendar,
        form,
        units: compound::units(),
        answer,
        may_enter: caller.may(Access::Enter),
    })
}

fn ask(form: &Form, calendar: &CalendarView) -> Result<String, Vec<FieldError>> {
    let mut faults = Vec::new();
    let mut put = |field: &str, made: Result<Value, String>| {
        made.unwrap_or_else(|wrong| {
            faults.push(FieldError::new(field, wrong));
            Value::Null
        })
    };
    let start = local_moment(form.value("start"), calendar.zone).map(|start| json!(start));
    let start = put("start", start);
    let target = target_json(form.value("amount"), form.value("unit"), form.value("at"));
    let target = put("amount", target);
    let place = |field: &str| field.replace("target", "amount");
    let question = Question::read(&json!({"start": start, "target": target}))
        .map_err(|other| join_faults(faults.clone(), other, place))?;
    let deadline = question
        .answer(&calendar.latest)
        .map_err(|other| join_faults(faults, other, place))?;
    let local = deadline.due.in_zone(calendar.zone);
    let note = if deadline.provisional {
        ", provisional: it lies past the end of the holiday list"
    } else {
        ""
    };
    Ok(format!(
        "Due {}{note}",
        local.format("%a %-d %b %Y %H:%M:%S")
    ))
}

#[derive(Template)]
#[template(path = "calendar/form.html")]
struct FormPage {
    frame: Frame,
    form: Form,
    /// The calendar that is edited; none: a new one.
    calendar: Option<CalendarHead>,
    days: Vec<Choice>,
    /// What saving would move, where that was asked for.
    preview: Option<PreviewView>,
}

/// What an edit would do to running clocks, as one reads it.
struct PreviewView {
    moves: Vec<MoveRow>,
    stay: usize,
}

struct MoveRow {
    incident: String,
    metric: String,
    before: String,
    after: String,
    by: String,
}

impl PreviewView {
    fn of(preview: EditPreview, zone: Zone) -> Self {
        let shown = |at: Option<Moment>| {
            at.map_or_else(
                || "held".to_string(),
                |at| {
                    at.in_zone(zone.0)
                        .format("%a %-d %b %Y %H:%M:%S")
                        .to_string()
                },
            )
        };
        let row = |one: Move| MoveRow {
            incident: one.incident,
            metric: wording::metric(one.metric),
            before: shown(one.due_before),
            after: shown(one.due_after),
            by: match one.moved {
                None => String::new(),
                Some(moved) if moved < 0 => format!("{} sooner", wording::passed(-moved)),
                Some(moved) => format!("{} later", wording::passed(moved)),
            },
        };
        Self {
            moves: preview.moves.into_iter().map(row).collect(),
            stay: preview.stay,
        }
    }
}

impl FormPage {
    fn model(&self) -> (Form, Row) {
        (Form::default(), Row::model("exceptions"))
    }
}

fn form_page(frame: Frame, form: Form, calendar: Option<CalendarHead>) -> Answer {
    form_page_with(frame, form, calendar, None)
}

fn form_page_with(
    frame: Frame,
    form: Form,
    calendar: Option<CalendarHead>,
    preview: Option<PreviewView>,
) -> Answer {
    page(&FormPage {
        preview,
        frame,
        form,
        calendar,
        days: DayName::ALL
            .iter()
            .map(|day| Choice::new(format!("week.{day}"), day_name(*day)))
            .collect(),
    })
}

/// Asks for a new calendar.
pub async fn new(frame: Frame, caller: Caller) -> Answer {
    let mut form = Form::of([("time_zone", caller.time_zone.name())]);
    for day in &DayName::ALL[..5] {
        form.set(&format!("week.{day}"), "09:00-17:00");
    }
    form_page(frame, form, None)
}

/// Enters a calendar.
pub async fn enter(state: Data<State>, frame: Frame, caller: Caller, mut form: Form) -> Answer {
    if form.rows_changed() {
        return form_page(frame, form, None);
    }
    let outcome = match input(&mut form, CalendarInput::read) {
        Err(fault) => Err(fault),
        Ok(input) => {
            act_once(&state, &caller, form.once(), move |tx| {
                let id = actions::calendar::enter(tx, &input)?;
                Ok(Done::go(
                    format!("/calendars/{id}"),
                    format!("{} was entered.", input.name),
                ))
            })
            .await
        }
    };
    try_again(outcome, form, async |form| form_page(frame, form, None)).await
}

/// Shows a calendar to be edited.
pub async fn change(state: Data<State>, frame: Frame, id: Path<i64>) -> Answer {
    let id = CalendarId(*id);
    let (head, hours) = read(&state, move |conn| {
        Ok((calendar::find(conn, id)?, calendar::hours(conn, id)?))
    })
    .await?;
    let mut form = filled_in(&head, &hours);
    form.set("_version", head.revision.to_string());
    form_page(frame, form, Some(head))
}

fn filled_in(head: &CalendarHead, hours: &Hours) -> Form {
    let mut form = Form::of([
        ("name", head.name.as_str()),
        ("time_zone", hours.time_zone.name()),
    ]);
    for (day, windows) in DayName::ALL.iter().zip(&hours.week.0) {
        form.set(&format!("week.{day}"), windows_text(windows));
    }
    for (index, exception) in hours.exceptions.iter().enumerate() {
        let mut put =
            |field, value: String| form.set(&format!("exceptions[{index}].{field}"), value);
        put("date", exception.date.to_string());
        put("name", exception.name.clone());
        put("windows", windows_text(&exception.windows));
    }
    form
}

/// Edits a calendar: a new revision.
pub async fn edit(
    state: Data<State>,
    frame: Frame,
    caller: Caller,
    id: Path<i64>,
    mut form: Form,
) -> Answer {
    let id = CalendarId(*id);
    let head = read(&state, move |conn| calendar::find(conn, id)).await?;
    if form.rows_changed() {
        return form_page(frame, form, Some(head));
    }
    let revision = form.value("_version").parse().unwrap_or_default();
    let outcome = match input(&mut form, CalendarInput::read_edit) {
        Err(fault) => Err(fault),
        Ok(input) if form.is("_preview", "1") => {
            let (now, zone) = (state.store.now()?, caller.time_zone);
            let preview = read(&state, move |conn| preview_edit(conn, id, &input, now)).await?;
            let preview = PreviewView::of(preview, zone);
            return form_page_with(frame, form, Some(head), Some(preview));
        }
        Ok(input) => {
            act_once(&state, &caller, form.once(), move |tx| {
                let revision = actions::calendar::edit(tx, id, revision, &input)?;
                let said = format!("Revision {revision} was made. Running clocks follow.");
                Ok(Done::go(format!("/calendars/{id}"), said))
            })
            .await
        }
    };
    try_again(outcome, form, async |form| {
        form_page(frame, form, Some(head))
    })
    .await
}

/// The input that a form stands for; every fault at its field of the form.
fn input(
    form: &mut Form,
    read: impl FnOnce(&Value) -> Result<CalendarInput, Vec<FieldError>>,
) -> Answer<CalendarInput> {
    form.keep_rows("exceptions", |form, row| {
        form.has_any(row, &["date", "name", "windows"])
    });
    let mut value = form.json(&SHAPE);
    let mut faults = Vec::new();
    let mut windows = |text: &Value, field: String| {
        windows_json(text.as_str().unwrap_or_default()).unwrap_or_else(|wrong| {
            faults.push(FieldError::new(field, wrong));
            json!([])
        })
    };
    if let Some(days) = value.get_mut("week").and_then(Value::as_object_mut) {
        for (day, text) in days {
            *text = windows(text, format!("week.{day}"));
        }
    }
    for (index, row) in compound::rows(&mut value, "exceptions").enumerate() {
        let text = row.remove("windows").unwrap_or_default();
        row.insert(
            "windows".into(),
            windows(&text, format!("exceptions[{index}].windows")),
        );
    }
    if value.get("correction").is_some() {
        value["correction"] = json!(form.checked("correction"));
    }
    match read(&value) {
        Ok(input) if faults.is_empty() => Ok(input),
        Ok(_) => Err(Error::Invalid(faults).into()),
        Err(other) => {
            let faults = join_faults(faults, other, |field| whole_list(field).to_string());
            Err(Error::Invalid(faults).into())
        }
    }
}

#[derive(Template)]
#[template(path = "calendar/holidays.html")]
struct HolidaysPage {
    frame: Frame,
    form: Form,
    calendar: CalendarHead,
}

/// Asks for a holiday file.
pub async fn holidays(state: Data<State>, frame: Frame, id: Path<i64>) -> Answer {
    let id = CalendarId(*id);
    let calendar = read(&state, move |conn| calendar::find(conn, id)).await?;
    let form = Form::default();
    page(&HolidaysPage {
        frame,
        form,
        calendar,
    })
}

/// Adds the holidays of a file, or of what was pasted from one.
pub async fn import_holidays(
    state: Data<State>,
    frame: Frame,
    caller: Caller,
    id: Path<i64>,
    form: Form,
) -> Answer {
    let id = CalendarId(*id);
    let calendar = read(&state, move |conn| calendar::find(conn, id)).await?;
    let file = match form.file("file") {
        Some(file) => String::from_utf8_lossy(&file.content).into_owned(),
        None => form.value("text").to_string(),
    };
    let outcome = if file.trim().is_empty() {
        Err(Fault::from(Error::field(
            "file",
            "choose a file, or paste what is in it below",
        )))
    } else {
        act_once(&state, &caller, form.once(), move |tx| {
            let imported = actions::calendar::import_holidays(tx, id, &file)?;
            let mut said = format!(
                "{} added, {} skipped because their date has an exception already.",
                dates(imported.added.len()),
                dates(imported.skipped.len())
            );
            if let Some(first) = imported.remarks.first() {
                let more = imported.remarks.len() - 1;
                said.push_str(&format!(" Not taken as a holiday: {first}"));
                if more > 0 {
                    said.push_str(&format!(" (and {more} more)"));
                }
            }
            Ok(Done::go(format!("/calendars/{id}"), said))
        })
        .await
    };
    try_again(outcome, form, async |form| {
        page(&HolidaysPage {
            frame,
            form,
            calendar,
        })
    })
    .await
}

fn dates(count: usize) -> String {
    match count {
        1 => "1 date".to_string(),
        count => format!("{count} dates"),
    }
}

/// Where a calendar's page is.
pub fn address(calendar: &CalendarHead) -> String {
    format!("/calendars/{}", calendar.id)
}
