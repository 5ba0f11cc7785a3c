//! The register of breaches.

use actix_web::web::{Data, Path, Query};
use askama::Template;
use chrono_tz::Tz;

use super::report::{FAINTEST, lateness, metric_of, not_stopped};
use super::{Choice, page, try_again};
use crate::domain::go_live::CaseTerms;
use crate::domain::letter::LetterState;
use crate::domain::outbox::Letter;
use crate::error::Result;
use crate::report::{self, Entry};
use crate::store::{self, Conn, vendor};
use crate::time::Moment;
use crate::web::access::Caller;
use crate::web::api::breach::{Asked, breach_id};
use crate::web::error::Answer;
use crate::web::form::Form;
use crate::web::frame::{Frame, capitalised};
use crate::web::paging::Paging;
use crate::web::shown::Shown;
use crate::web::state::{State, block};
use crate::web::wording;

/// Vendors that the form offers.
const MOST_VENDORS: i64 = 2000;

#[derive(Template)]
#[template(path = "breach/list.html")]
struct ListPage {
    frame: Frame,
    form: Form,
    vendors: Vec<Choice>,
    breaches: Vec<Line>,
    first: String,
    next: String,
}

struct Line {
    entry: Entry,
    metric: String,
    rank: usize,
    due: Shown,
    stopped: Option<Shown>,
    not_stopped: &'static str,
    /// In elapsed time; nothing of an entry that does not hold.
    late: String,
    state: &'static str,
    state_text: &'static str,
}

impl Line {
    fn new(entry: Entry, now: Moment, zone: Tz) -> Self {
        let shown = |at| Shown::of(at, now, zone, Some(entry.about.time_zone.0));
        let (state, state_text) = looks(&entry);
        Self {
            metric: metric_of(&entry.about),
            rank: entry.about.rank.min(FAINTEST),
            due: shown(entry.due_at),
            stopped: entry.late.and_then(|late| late.stopped_at).map(shown),
            not_stopped: entry.late.map_or("", |late| not_stopped(late.standing)),
            late: entry
                .late
                .map_or_else(String::new, |late| lateness(late.elapsed)),
            state,
            state_text,
            entry,
        }
    }
}

/// The state as the style knows it and as one reads it.
fn looks(entry: &Entry) -> (&'static str, &'static str) {
    match entry.state() {
        "stopped" => ("stopped", "Stopped late"),
        "open" => ("open", "Still open"),
        "cancelled" => ("cancelled", "Never done"),
        _ => ("withdrawn", "Withdrawn"),
    }
}

/// Lists the register, newest entry first.
pub async fn list(
    state: Data<State>,
    frame: Frame,
    caller: Caller,
    paging: Paging,
    asked: Query<Asked>,
) -> Answer {
    let zone = caller.time_zone.0;
    let (after, rows) = (paging.after()?, paging.rows());
    let store = state.store.clone();
    let vendors = block(move || store.read(|conn| vendor::page(conn, None, MOST_VENDORS))).await?;
    let mut form = Form::of([("vendor", asked.named().unwrap_or_default())]);
    let store = state.store.clone();
    let found = block(move || {
        let now = store.now()?;
        store.read(|conn| {
            let vendor = asked.vendor(conn)?;
            let rows = report::register(conn, vendor, after, rows, now)?;
            Ok((vendor, rows, now))
        })
    })
    .await;
    let shell = |form: Form, breaches, first, next| ListPage {
        frame: frame.clone(),
        form,
        vendors: vendors
            .iter()
            .map(|vendor| Choice::new(vendor.id.to_string(), vendor.name.clone()))
            .collect(),
        breaches,
        first,
        next,
    };
    let outcome = found.and_then(|(vendor, rows, now)| {
        let mut here = "/breaches".to_string();
        if let Some(id) = vendor {
            form.set("vendor", id.to_string());
            here = format!("/breaches?vendor={id}");
        }
        let listing = paging.listing(rows, |entry| entry.id);
        let joint = if vendor.is_some() { '&' } else { '?' };
        let next = listing.next.map_or_else(String::new, |cursor| {
            format!("{here}{joint}cursor={cursor}")
        });
        let first = if after.is_some() { here } else { String::new() };
        let lines = listing.items.into_iter();
        let lines = lines.map(|entry| Line::new(entry, now, zone)).collect();
        page(&shell(form.clone(), lines, first, next))
    });
    try_again(outcome, form, async |form| {
        page(&shell(form, Vec::new(), String::new(), String::new()))
    })
    .await
}

#[derive(Template)]
#[template(path = "breach/show.html")]
struct ShowPage {
    frame: Frame,
    title: String,
    over: String,
    over_href: String,
    line: Line,
    open_late: String,
    is_open: bool,
    promised: String,
    remedy: String,
    started: Option<Shown>,
    noticed: Shown,
    withdrawn: Option<Shown>,
    terms_from: String,
    terms_number: i32,
    /// The go-live window that applied; empty: none.
    go_live: String,
    calendar: String,
    events: String,
    letters: Vec<LetterRow>,
}

struct LetterRow {
    id: i64,
    kind: String,
    to: String,
    sent: Option<Shown>,
    state: &'static str,
    state_text: String,
}

/// What one entry was judged by and who was told.
struct Facts {
    entry: Entry,
    started: Option<Moment>,
    terms: CaseTerms,
    calendar: String,
    letters: Vec<Letter>,
}

fn facts(conn: &mut Conn, key: &str, now: Moment) -> Result<Facts> {
    let id = breach_id(key)?;
    let entry = report::entry(conn, id, now)?;
    let by = &entry.judged_by;
    let laps = store::report::outcomes_of(conn, &[by.clock])?;
    let lap = laps
        .iter()
        .find(|lap| (lap.run, lap.interval) == (by.run, entry.about.interval));
    Ok(Facts {
        started: lap.map(|lap| lap.started_at),
        terms: store::go_live::terms_with(conn, by.terms, by.go_live_id)?,
        calendar: store::calendar::find(conn, by.calendar_id)?.name,
        letters: store::letter::of_breach(conn, id)?,
        entry,
    })
}

/// Shows one entry of the register.
pub async fn show(state: Data<State>, frame: Frame, caller: Caller, key: Path<String>) -> Answer {
    let zone = caller.time_zone.0;
    let store = state.store.clone();
    let (facts, now) = block(move || {
        let now = store.now()?;
        let facts = store.read(|conn| facts(conn, &key, now))?;
        Ok((facts, now))
    })
    .await?;
    let about = &facts.entry.about;
    let promise = &facts.terms.terms.promise;
    let commitment = promise.commitment(about.metric, &about.severity);
    let there = Some(about.time_zone.0);
    let shown = |at| Shown::of(at, now, zone, there);
    let events = facts.entry.judged_by.events.iter();
    let mut frame = frame;
    frame.drill = facts.entry.drill;
    page(&ShowPage {
        frame,
        title: format!("{}, clause {}, missed", metric_of(about), about.clause),
        over: format!(
            "{} · {} {}",
            facts.entry.reference, about.incident, about.title
        ),
        over_href: format!("/incidents/{}", about.incident),
        open_late: facts
            .entry
            .late
            .map_or_else(String::new, |late| lateness(late.open)),
        is_open: facts.entry.is_open(),
        promised: commitment.map_or_else(String::new, |promised| {
            wording::promise(about.metric, promised.target)
        }),
        remedy: commitment.map_or_else(String::new, |promised| promised.remedy.clone()),
        started: facts.started.map(shown),
        noticed: shown(facts.entry.noticed_at),
        withdrawn: facts.entry.withdrawn.as_ref().map(|gone| shown(gone.at)),
        terms_from: wording::day(facts.terms.terms.effective_from),
        terms_number: facts.terms.terms.number,
        go_live: facts
            .terms
            .go_live
            .map_or_else(String::new, |window| window.name),
        calendar: facts.calendar,
        events: events
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", "),
        letters: facts
            .letters
            .into_iter()
            .map(|letter| LetterRow::new(letter, now, zone))
            .collect(),
        line: Line::new(facts.entry, now, zone),
    })
}

impl LetterRow {
    fn new(letter: Letter, now: Moment, zone: Tz) -> Self {
        let state = match letter.state {
            LetterState::Leased => "sending",
            other => other.as_str(),
        };
        let sent = letter
            .settled_at
            .filter(|_| letter.state == LetterState::Sent);
        Self {
            id: letter.id.0,
            kind: capitalised(letter.kind.as_str()),
            to: letter.email,
            sent: sent.map(|at| Shown::of(at, now, zone, None)),
            state,
            state_text: capitalised(state),
        }
    }
}
