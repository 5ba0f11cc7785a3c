//! The page of a clock: how its deadline came about, window by window.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use askama::Template;
use serde::Deserialize;

use super::{address, language, page};
use crate::domain::ClockId;
use crate::domain::clock::{Explanation, Part, Row, Verdict, What};
use crate::domain::letter::ExplanationFacts;
use crate::domain::locale::Locale;
use crate::domain::words::{ClockState, Metric};
use crate::domain::zone::Zone;
use crate::error::{Error, Result};
use crate::mail::explanation::{Teller, ToldRow};
use crate::web::access::Caller;
use crate::web::api::explanation::{Asked, Found};
use crate::web::error::Answer;
use crate::web::frame::Frame;
use crate::web::shown::{Reader, Shown, short};
use crate::web::state::{State, read};
use crate::web::wording;

/// How the page is asked to look.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Look {
    /// `1`: days alike are told one by one.
    all: Option<u8>,
}

#[derive(Template)]
#[template(path = "clock/show.html")]
struct ShowPage {
    frame: Frame,
    title: String,
    over: String,
    over_href: String,
    /// Nothing where there is no clock any more.
    told: Option<Told>,
    /// Why the clock does not run.
    missing: String,
    vendor: String,
    contract: String,
    contract_id: i64,
    terms: String,
    laps: Vec<LapLink>,
    /// Addresses of the text for a letter, with the name of the language.
    texts: Vec<(String, &'static str)>,
}

/// What is told of one lap.
struct Told {
    state: &'static str,
    state_text: String,
    due: Option<Shown>,
    due_note: &'static str,
    used: String,
    target: String,
    late: String,
    calendar: String,
    calendar_id: i64,
    calendar_zone: String,
    reader_zone: String,
    severity: String,
    rows: Vec<RowPart>,
    lines: usize,
    /// Where every line is shown, if some are not.
    all: String,
}

/// A row of the table.
struct RowPart {
    told: ToldRow,
    tone: &'static str,
    is_due: bool,
    /// A moment, and not a stretch of time.
    is_mark: bool,
}

/// Another lap of the clock.
struct LapLink {
    href: String,
    label: String,
    here: bool,
}

impl RowPart {
    fn new(row: &Row, told: ToldRow) -> Self {
        let (part, is_mark) = match row {
            Row::Line(line) => (line.part, !line.is_stretch()),
            Row::Alike(days) => (days.part, false),
            Row::Closed(closed) => (closed.part, false),
            Row::Left { .. } => (Part::Counts, false),
        };
        let is_due = matches!(row, Row::Line(line) if matches!(line.what, What::Due { .. }));
        let tone = match (row, part) {
            (_, Part::Earlier | Part::Rest) | (Row::Closed(_), _) => "mute",
            (_, Part::Late) => "late",
            (Row::Line(line), _) => match line.what {
                What::Held(..) | What::Paused(_) => "held",
                What::Shut(_) | What::Idle | What::NoBusinessDay(..) => "mute",
                _ => "",
            },
            _ => "",
        };
        Self {
            told,
            tone,
            is_due,
            is_mark,
        }
    }
}

impl Told {
    fn new(explanation: &Explanation, reader: Reader, here: &str, all: bool) -> Self {
        let lap = &explanation.lap;
        let teller = Teller {
            locale: Locale::En,
            calendar: explanation.zone,
            reader: reader.zone,
        };
        let folded = explanation.rows();
        let rows: Vec<Row> = match all {
            true => explanation.lines.iter().cloned().map(Row::Line).collect(),
            false => folded,
        };
        let told = rows.iter().zip(teller.rows(&rows));
        let rows: Vec<RowPart> = told.map(|(row, told)| RowPart::new(row, told)).collect();
        let (state, state_text) = standing(explanation);
        let joint = if here.contains('?') { '&' } else { '?' };
        let is_held = explanation.state == ClockState::Paused && lap.ended_at.is_none();
        Self {
            state,
            state_text,
            due: explanation
                .due()
                .map(|due| reader.sees(due, explanation.zone)),
            due_note: match explanation.due() {
                None if is_held => "open, while it stands still",
                None => "none",
                Some(_) if lap.provisional => "provisional",
                Some(_) => "",
            },
            used: wording::passed(lap.spent),
            target: wording::promise(explanation.metric, lap.commitment.target),
            late: explanation.late().map_or_else(String::new, wording::passed),
            calendar: explanation.calendar.clone(),
            calendar_id: lap.commitment.calendar_id.0,
            calendar_zone: short(explanation.zone),
            reader_zone: short(reader.zone),
            severity: lap.commitment.severity.clone(),
            all: match rows.len() < explanation.lines.len() {
                true => format!("{here}{joint}all=1"),
                false => String::new(),
            },
            lines: explanation.lines.len(),
            rows,
        }
    }
}

fn standing(explanation: &Explanation) -> (&'static str, String) {
    let lap = &explanation.lap;
    let (state, text) = match (lap.verdict, explanation.state) {
        (Some(Verdict::Missed), _) if lap.ended_at.is_none() => ("late", "Past due"),
        (Some(Verdict::Missed), _) => ("missed", "Missed"),
        (Some(Verdict::Met), _) => ("met", "Met"),
        (None, ClockState::Pending) => ("pending", "Not begun"),
        (None, ClockState::Awaiting) => ("awaiting", "Awaits our confirmation"),
        (None, ClockState::Paused) if lap.ended_at.is_none() => ("paused", "Paused"),
        (None, _) if lap.ended_at.is_none() => ("running", "Running"),
        (None, _) if lap.stopped_at.is_some() => ("met", "Stopped, counts for nothing"),
        (None, _) => ("cancelled", "Cancelled"),
    };
    (state, text.to_string())
}

/// Shows a clock.
pub async fn show(
    state: Data<State>,
    frame: Frame,
    caller: Caller,
    id: Path<i64>,
    asked: Query<Asked>,
    look: Query<Look>,
) -> Answer {
    let (id, asked) = (ClockId(*id), asked.into_inner());
    let all = look.all == Some(1);
    let reader = super::incident::reader(&frame, &caller);
    let found = read(&state, move |conn| Found::of(conn, id, &asked, reader.now)).await?;
    page(&shown(frame, &found, reader, all)?)
}

fn shown(mut frame: Frame, found: &Found, reader: Reader, all: bool) -> Result<ShowPage> {
    let case = found.case()?;
    let incident = &found.judged.incident;
    frame.drill = incident.drill;
    let id = found.row.id;
    let here = |run: i32, interval: i32| {
        let filters = [("run", run.to_string()), ("interval", interval.to_string())];
        address(&format!("/clocks/{id}"), &filters, None)
    };
    let lap = found.explanation.as_ref().map(|told| &told.lap);
    let present = lap.map(|lap| (lap.run, lap.interval));
    let (clause, interval) = match lap {
        Some(lap) => (&lap.commitment.clause, lap.interval),
        None => (&found.row.clause, found.row.interval),
    };
    let metric = found.row.metric;
    let title = match metric {
        Metric::Update => format!(
            "{}, clause {clause}, interval {interval}",
            wording::metric(metric)
        ),
        _ => format!("{}, clause {clause}", wording::metric(metric)),
    };
    let text_of = |locale: &Locale| {
        let (run, interval) = present.unwrap_or((1, 1));
        let filters = [
            ("language", locale.to_string()),
            ("run", run.to_string()),
            ("interval", interval.to_string()),
        ];
        let path = format!("/clocks/{id}/explanation.txt");
        (address(&path, &filters, None), language(*locale))
    };
    let missing = found.missing()?;
    Ok(ShowPage {
        frame,
        title,
        over: format!("{} · {}", incident.id.reference(), incident.title),
        over_href: format!("/incidents/{}", incident.id.reference()),
        told: found.explanation.as_ref().map(|told| {
            let here = here(told.lap.run, told.lap.interval);
            Told::new(told, reader, &here, all)
        }),
        missing: missing.map_or_else(String::new, |why| wording::missing(&why, &case.terms)),
        vendor: case.vendor.name.clone(),
        contract: case.contract.reference.clone(),
        contract_id: case.contract.id.0,
        terms: format!(
            "terms {} of {}",
            case.terms.number,
            wording::day(case.terms.effective_from)
        ),
        laps: match found.laps.len() {
            0 | 1 => Vec::new(),
            _ => found
                .laps
                .iter()
                .map(|(run, interval, verdict)| LapLink {
                    href: here(*run, *interval),
                    label: lap_name(metric, *run, *interval, *verdict),
                    here: present == Some((*run, *interval)),
                })
                .collect(),
        },
        texts: match found.explanation {
            Some(_) => Locale::ALL.iter().map(text_of).collect(),
            None => Vec::new(),
        },
    })
}

fn lap_name(metric: Metric, run: i32, interval: i32, verdict: Option<Verdict>) -> String {
    let name = match metric {
        Metric::Update => format!("Interval {interval}"),
        _ => format!("Run {run}"),
    };
    match verdict {
        Some(verdict) => format!("{name}, {verdict}"),
        None => name,
    }
}

/// `GET /clocks/{id}/explanation.txt?run=&interval=&language=`: the same as plain text, to be put into a
/// letter.
pub async fn text(
    state: Data<State>,
    frame: Frame,
    caller: Caller,
    id: Path<i64>,
    asked: Query<Asked>,
) -> Answer {
    let (id, asked) = (ClockId(*id), asked.into_inner());
    let reader = super::incident::reader(&frame, &caller);
    let locale = asked.language.unwrap_or(caller.locale);
    let text = read(&state, move |conn| {
        let found = Found::of(conn, id, &asked, reader.now)?;
        let Some(told) = &found.explanation else {
            return Err(Error::not_found("explanation of clock", id));
        };
        let facts = ExplanationFacts {
            zone: Zone(told.zone),
            rows: told.rows(),
        };
        let case = found.case()?;
        let reference = found.judged.incident.id.reference();
        let about = (reference.as_str(), case.contract.reference.as_str());
        Ok(facts.letter(
            about,
            told.metric,
            &told.lap.commitment.clause,
            locale,
            Zone(reader.zone),
        ))
    })
    .await?;
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body(text))
}
