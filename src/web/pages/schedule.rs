//! Reports that are mailed regularly.

use actix_web::web::{Data, Path};
use askama::Template;
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::{Choice, go, page, try_again};
use crate::actions;
use crate::domain::input::FieldError;
use crate::domain::schedule::{Schedule, ScheduleInput};
use crate::engine::routines;
use crate::error::{Error, Result};
use crate::store::{Conn, routine, schedule, vendor};
use crate::time::Moment;
use crate::web::access::{Access, Caller};
use crate::web::api::schedule::schedule_id;
use crate::web::error::Answer;
use crate::web::form::{Form, Shape};
use crate::web::frame::Frame;
use crate::web::idempotency::{Done, act_once};
use crate::web::paging::Paging;
use crate::web::shown::Shown;
use crate::web::state::{State, act, block, read};

const SHAPE: Shape = Shape {
    numbers: &["vendor_id"],
    flags: &["active"],
    lists: &[],
};

/// Vendors that the form offers.
const MOST_VENDORS: i64 = 2000;

#[derive(Template)]
#[template(path = "schedule/list.html")]
struct ListPage {
    frame: Frame,
    schedules: Vec<Line>,
    may_edit: bool,
    first: &'static str,
    next: String,
}

struct Line {
    schedule: Schedule,
    about: String,
    recipients: String,
    last: Option<Shown>,
    next: Option<Shown>,
}

impl Line {
    fn of(conn: &mut Conn, schedule: Schedule, now: Moment, zone: Tz) -> Result<Self> {
        let shown = |at| Shown::of(at, now, zone, Some(schedule.time_zone.0));
        let done = routines::done(conn, &schedule)?;
        let about = match schedule.vendor_id {
            Some(id) => vendor::find(conn, id)?.name,
            None => "All vendors".to_string(),
        };
        Ok(Self {
            about,
            recipients: schedule.recipients.0.join(", "),
            last: routine::last_run(conn, &schedule.routine())?.map(shown),
            next: schedule.next_after(done).map(shown),
            schedule,
        })
    }
}

/// Lists the schedules.
pub async fn list(state: Data<State>, frame: Frame, caller: Caller, paging: Paging) -> Answer {
    let (after, rows, zone) = (paging.after()?, paging.rows(), caller.time_zone.0);
    let is_first = after.is_none();
    let store = state.store.clone();
    let lines = block(move || {
        let now = store.now()?;
        store.read(|conn| {
            let mut lines = Vec::new();
            for schedule in schedule::page(conn, after, rows)? {
                lines.push(Line::of(conn, schedule, now, zone)?);
            }
            Ok(lines)
        })
    })
    .await?;
    let listing = paging.listing(lines, |line| line.schedule.id);
    page(&ListPage {
        frame,
        may_edit: caller.may(Access::Review),
        first: if is_first { "" } else { "/schedules" },
        next: listing
            .next
            .map_or_else(String::new, |cursor| format!("/schedules?cursor={cursor}")),
        schedules: listing.items,
    })
}

#[derive(Template)]
#[template(path = "schedule/form.html")]
struct FormPage {
    frame: Frame,
    form: Form,
    vendors: Vec<Choice>,
    title: String,
    action: String,
    is_edit: bool,
}

async fn form_page(state: &State, frame: Frame, form: Form, schedule: Option<&Schedule>) -> Answer {
    let vendors = read(state, |conn| vendor::page(conn, None, MOST_VENDORS)).await?;
    page(&FormPage {
        frame,
        form,
        vendors: vendors
            .into_iter()
            .map(|vendor| Choice::new(vendor.id.to_string(), vendor.name))
            .collect(),
        title: schedule.map_or("Add a report schedule".into(), |schedule| {
            schedule.name.clone()
        }),
        action: schedule.map_or("/schedules".into(), |schedule| {
            format!("/schedules/{}", schedule.id)
        }),
        is_edit: schedule.is_some(),
    })
}

/// Asks for a new schedule.
pub async fn new(state: Data<State>, frame: Frame, caller: Caller) -> Answer {
    let form = Form::of_json(&json!({
        "cron": "0 8 1 * *", "time_zone": caller.time_zone, "recipients": caller.email, "active": true,
    }));
    form_page(&state, frame, form, None).await
}

/// Enters a schedule.
pub async fn enter(state: Data<State>, frame: Frame, caller: Caller, form: Form) -> Answer {
    let outcome = async {
        let input = input(&form)?;
        act_once(&state, &caller, form.once(), move |tx| {
            actions::schedule::enter(tx, &input)?;
            let said = format!("{} was added.", input.name);
            Ok(Done::go("/schedules", said))
        })
        .await
    }
    .await;
    try_again(outcome, form, async |form| {
        form_page(&state, frame, form, None).await
    })
    .await
}

/// Shows a schedule to be edited.
pub async fn show(state: Data<State>, frame: Frame, key: Path<String>) -> Answer {
    let schedule = found(&state, &key).await?;
    let mut form = Form::of_json(&json!({
        "name": schedule.name, "vendor_id": schedule.vendor_id, "cron": schedule.cron,
        "time_zone": schedule.time_zone, "recipients": schedule.recipients.0.join("\n"),
        "active": schedule.active,
    }));
    form.set("_version", schedule.version.to_string());
    form_page(&state, frame, form, Some(&schedule)).await
}

/// Edits a schedule.
pub async fn edit(
    state: Data<State>,
    frame: Frame,
    caller: Caller,
    key: Path<String>,
    form: Form,
) -> Answer {
    let schedule = found(&state, &key).await?;
    let id = schedule.id;
    let outcome = async {
        let version = form.value("_version").parse().unwrap_or_default();
        let input = input(&form)?;
        act_once(&state, &caller, form.once(), move |tx| {
            actions::schedule::edit(tx, id, version, &input)?;
            let said = format!("{} was changed.", input.name);
            Ok(Done::go("/schedules", said))
        })
        .await
    }
    .await;
    try_again(outcome, form, async |form| {
        form_page(&state, frame, form, Some(&schedule)).await
    })
    .await
}

/// Ends a schedule.
pub async fn end(state: Data<State>, caller: Caller, key: Path<String>) -> Answer {
    let id = schedule_id(&key)?;
    act(&state, &caller, move |tx| actions::schedule::end(tx, id)).await?;
    Ok(go(
        "/schedules",
        "The schedule is ended; no more reports are mailed for it.",
    ))
}

async fn found(state: &State, key: &str) -> Answer<Schedule> {
    let id = schedule_id(key)?;
    read(state, move |conn| schedule::find(conn, id)).await
}

/// The form has the addresses in one field, a line each.
fn input(form: &Form) -> Result<ScheduleInput> {
    let mut value = form.json(&SHAPE);
    let lines: Vec<Value> = form
        .value("recipients")
        .split(['\n', ',', ';'])
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(Value::from)
        .collect();
    value["recipients"] = Value::from(lines);
    ScheduleInput::read(&value).map_err(|faults| {
        let at_the_field = faults
            .into_iter()
            .map(|fault| match fault.field.split_once('[') {
                Some((field, _)) => FieldError::new(field, fault.message),
                None => fault,
            });
        Error::Invalid(at_the_field.collect())
    })
}
