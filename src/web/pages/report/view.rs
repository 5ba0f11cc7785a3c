//! A report as people read it, on a page of the service or in a file of its own.

use askama::Template;
use chrono_tz::Tz;

use crate::domain::anchor::PrintedHead;
use crate::domain::breach::Standing;
use crate::domain::period::Period;
use crate::domain::words::{ClockState, Metric};
use crate::error::{Error, Result};
use crate::report::{About, BreachLine, OpenLine, Report, Row, Score, WithdrawnLine};
use crate::time::{Micros, Moment, SECOND};
use crate::web::shown::Shown;
use crate::web::wording;

/// The rank from which on severities look alike.
pub(in crate::web::pages) const FAINTEST: usize = 6;

/// Where a report is read.
pub(super) struct Place {
    /// What stands before the path of a link; none: no links.
    pub(super) base: Option<String>,
    /// The reader's zone.
    pub(super) zone: Tz,
}

/// A report in words; the part that a page and a file share.
#[derive(Template)]
#[template(path = "report/body.html")]
pub(super) struct View {
    pub(super) title: String,
    pub(super) over: String,
    as_of: Shown,
    /// The head of the anchor chain, and when it was made.
    anchor: Option<(PrintedHead, Shown)>,
    attainment: Option<(String, String)>,
    score: Score,
    breaches_href: Option<String>,
    incidents: u64,
    drills: String,
    /// Said of reports over contracts in different zones.
    zones: String,
    many: bool,
    rows: Vec<RowView>,
    breaches: Vec<BreachView>,
    withdrawn: Vec<WithdrawnView>,
    open: Vec<OpenView>,
    parts: Vec<PartView>,
}

struct RowView {
    contract: String,
    vendor: String,
    metric: String,
    severity: String,
    rank: usize,
    met: Figure,
    missed: Figure,
    cases: Figure,
    attainment: String,
    low: f64,
    value: f64,
    high: f64,
    interval: String,
    margin: String,
}

/// A number that opens what it counts.
struct Figure {
    number: u64,
    href: Option<String>,
}

struct LineView {
    metric: String,
    clause: String,
    contract: String,
    vendor: String,
    incident: String,
    incident_href: Option<String>,
    title: String,
    severity: String,
    rank: usize,
}

struct BreachView {
    line: LineView,
    reference: String,
    href: Option<String>,
    due: Shown,
    stopped: Option<Shown>,
    not_stopped: &'static str,
    open: String,
    elapsed: String,
}

struct WithdrawnView {
    line: LineView,
    reference: String,
    href: Option<String>,
    due: Shown,
    at: Shown,
    seq: i64,
    reason: String,
}

struct OpenView {
    line: LineView,
    state: &'static str,
    state_text: &'static str,
    started: Shown,
    due: Option<Shown>,
    budget: String,
}

struct PartView {
    contract: String,
    title: String,
    vendor: String,
    zone: &'static str,
}

impl View {
    pub(super) fn of(report: &Report, place: &Place) -> Self {
        let name = report
            .vendor
            .as_ref()
            .map_or("All vendors", |vendor| vendor.name.as_str());
        let shown = |at| Shown::of(at, report.as_of, place.zone, None);
        let mut zones: Vec<&str> = report
            .contracts
            .iter()
            .map(|part| part.time_zone.name())
            .collect();
        zones.sort_unstable();
        zones.dedup();
        let cases = |result: &str| format!("/report/cases?{}&result={result}", query(report));
        let rows = report.rows.iter();
        Self {
            title: format!("{name}, {}", about_period(report.period)),
            over: format!(
                "Breach report · {} to {}",
                wording::day(report.period.from()),
                wording::day(report.period.last())
            ),
            as_of: shown(report.as_of),
            anchor: report
                .anchor
                .as_ref()
                .map(|head| (head.clone(), shown(head.at))),
            attainment: report.total.attainment.map(|found| {
                (
                    percent(found.share),
                    format!("{} to {}", bare(found.low), percent(found.high)),
                )
            }),
            score: report.total,
            breaches_href: place.link(&cases("missed")),
            incidents: report.incidents,
            drills: drills(report),
            zones: match zones.as_slice() {
                [] | [_] => String::new(),
                several => format!(
                    "Each contract counts its own days: the period is read in {}.",
                    several.join(", ")
                ),
            },
            many: report.contracts.len() > 1,
            rows: rows.map(|row| RowView::of(report, row, place)).collect(),
            breaches: report
                .breaches
                .iter()
                .map(|line| BreachView::of(line, report.as_of, place))
                .collect(),
            withdrawn: report
                .withdrawn
                .iter()
                .map(|line| WithdrawnView::of(line, report.as_of, place))
                .collect(),
            open: report
                .open
                .iter()
                .map(|line| OpenView::of(line, report.as_of, place))
                .collect(),
            parts: report
                .contracts
                .iter()
                .map(|part| PartView {
                    contract: part.contract.clone(),
                    title: part.title.clone(),
                    vendor: part.vendor.clone(),
                    zone: part.time_zone.name(),
                })
                .collect(),
        }
    }
}

impl Place {
    fn link(&self, path: &str) -> Option<String> {
        self.base.as_ref().map(|base| format!("{base}{path}"))
    }
}

impl RowView {
    fn of(report: &Report, row: &Row, place: &Place) -> Self {
        let figure = |number: u64, result: &str| {
            let only = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("contract", &row.contract_id.to_string())
                .append_pair("metric", row.metric.as_str())
                .append_pair("severity", &row.severity)
                .finish();
            let result = match result {
                "" => String::new(),
                result => format!("&result={result}"),
            };
            let path = format!("/report/cases?{}&{only}{result}", query(report));
            Figure {
                number,
                href: place.link(&path).filter(|_| number > 0),
            }
        };
        // A row only stands for what had a case.
        let (low, value, high) = row.score.attainment.map_or((0.0, 0.0, 0.0), |found| {
            (found.low, found.share, found.high)
        });
        Self {
            contract: row.contract.clone(),
            vendor: row.vendor.clone(),
            metric: wording::metric(row.metric),
            severity: row.severity.clone(),
            rank: row.rank.min(FAINTEST),
            met: figure(row.score.met, "met"),
            missed: figure(row.score.missed, "missed"),
            cases: figure(row.score.cases, ""),
            attainment: percent(value),
            low: tenths(low),
            value: tenths(value),
            high: tenths(high),
            interval: format!("{} to {}", bare(low), percent(high)),
            margin: row
                .score
                .margin
                .map_or_else(|| "none met".to_string(), percent),
        }
    }
}

impl LineView {
    fn of(about: &About, place: &Place) -> Self {
        Self {
            metric: metric_of(about),
            clause: about.clause.clone(),
            contract: about.contract.clone(),
            vendor: about.vendor.clone(),
            incident: about.incident.clone(),
            incident_href: place.link(&format!("/incidents/{}", about.incident)),
            title: about.title.clone(),
            severity: about.severity.clone(),
            rank: about.rank.min(FAINTEST),
        }
    }
}

impl BreachView {
    fn of(breach: &BreachLine, now: Moment, place: &Place) -> Self {
        let shown = |at| Shown::of(at, now, place.zone, Some(breach.about.time_zone.0));
        Self {
            line: LineView::of(&breach.about, place),
            reference: breach.reference.clone(),
            href: place.link(&format!("/breaches/{}", breach.reference)),
            due: shown(breach.due_at),
            stopped: breach.late.stopped_at.map(shown),
            not_stopped: not_stopped(breach.late.standing),
            open: lateness(breach.late.open),
            elapsed: lateness(breach.late.elapsed),
        }
    }
}

impl WithdrawnView {
    fn of(line: &WithdrawnLine, now: Moment, place: &Place) -> Self {
        let shown = |at| Shown::of(at, now, place.zone, Some(line.about.time_zone.0));
        Self {
            line: LineView::of(&line.about, place),
            reference: line.reference.clone(),
            href: place.link(&format!("/breaches/{}", line.reference)),
            due: shown(line.due_at),
            at: shown(line.withdrawn_at),
            seq: line.seq,
            reason: line.reason.clone(),
        }
    }
}

impl OpenView {
    fn of(open: &OpenLine, now: Moment, place: &Place) -> Self {
        let shown = |at| Shown::of(at, now, place.zone, Some(open.about.time_zone.0));
        let (state, state_text) = match open.state {
            ClockState::Paused => ("paused", "Paused"),
            _ => ("running", "Running"),
        };
        Self {
            line: LineView::of(&open.about, place),
            state,
            state_text,
            started: shown(open.started_at),
            due: open.due_at.map(shown),
            budget: wording::length(open.budget),
        }
    }
}

/// What was measured; for updates with the number of the interval.
pub(in crate::web::pages) fn metric_of(about: &About) -> String {
    match about.metric {
        Metric::Update => format!("Update, interval {}", about.interval),
        metric => wording::metric(metric),
    }
}

/// What stands where the moment of the stop would.
pub(in crate::web::pages) fn not_stopped(standing: Standing) -> &'static str {
    match standing {
        Standing::Stopped => "",
        Standing::Open => "not yet",
        Standing::Cancelled => "never; cancelled",
    }
}

/// A lateness in whole seconds, unless it is less than one; a number and its unit stay on one line.
pub(in crate::web::pages) fn lateness(length: Micros) -> String {
    let shown = if length < SECOND {
        length
    } else {
        length - length % SECOND
    };
    let said = wording::length(shown);
    let words: Vec<&str> = said.split(' ').collect();
    let lengths = words.chunks(2).map(|pair| pair.join("\u{a0}"));
    lengths.collect::<Vec<_>>().join(" ")
}

/// A share in percent with one decimal: `91.4 %`.
pub(super) fn percent(share: f64) -> String {
    format!("{} %", bare(share))
}

fn bare(share: f64) -> String {
    format!("{:.1}", tenths(share))
}

/// In percent to a tenth. All or nothing is only said of what is: 99.97 % is not 100 %.
fn tenths(share: f64) -> f64 {
    let rounded = (share * 1000.0).round() / 10.0;
    if share < 1.0 && rounded >= 100.0 {
        99.9
    } else if share > 0.0 && rounded <= 0.0 {
        0.1
    } else {
        rounded
    }
}

fn drills(report: &Report) -> String {
    let counted = |number: u64, one: &str| match number {
        1 => format!("1 {one}"),
        several => format!("{several} {one}s"),
    };
    let of = &report.drills;
    if of.incidents == 0 {
        return "no drill".to_string();
    }
    format!(
        "{} left out, with {}",
        counted(of.incidents, "drill"),
        counted(of.met + of.missed, "case")
    )
}

/// A period as one says it: `October 2026`.
pub(super) fn about_period(period: Period) -> String {
    let text = period.to_string();
    match text.split_once("..") {
        Some(_) => format!(
            "{} to {}",
            wording::day(period.from()),
            wording::day(period.last())
        ),
        None if text.len() == 7 && !text.contains('Q') => period.from().format("%B %Y").to_string(),
        None => text,
    }
}

/// What asks for the same report again.
pub(super) fn query(report: &Report) -> String {
    match &report.vendor {
        Some(vendor) => format!("period={}&vendor={}", report.period, vendor.id),
        None => format!("period={}", report.period),
    }
}

#[derive(Template)]
#[template(path = "report/file.html")]
struct File {
    view: View,
    style: &'static str,
}

/// A report as one HTML file that needs nothing else. Its links lead to the service at `base`; there are
/// none without it.
///
/// # Errors
/// When the template cannot be filled in.
pub fn document(report: &Report, base: Option<String>) -> Result<String> {
    let mut zones = report.contracts.iter().map(|part| part.time_zone.0);
    let zone = match zones.next() {
        Some(first) if zones.all(|other| other == first) => first,
        _ => Tz::UTC,
    };
    let file = File {
        view: View::of(report, &Place { base, zone }),
        style: include_str!("../../assets/redress.css"),
    };
    file.render()
        .map_err(|error| Error::Unexpected(anyhow::Error::new(error)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::HOUR;

    #[test]
    fn all_or_nothing_is_only_said_of_what_is() {
        let said: Vec<String> = [1.0, 0.9999, 0.914, 0.0001, 0.0].map(percent).into();
        assert_eq!(said, ["100.0 %", "99.9 %", "91.4 %", "0.1 %", "0.0 %"]);
    }

    #[test]
    fn periods_are_said_as_one_would() {
        let said = |text: &str| about_period(text.parse().unwrap());
        assert_eq!(said("2026-10"), "October 2026");
        assert_eq!(said("2026-Q4"), "2026-Q4");
        assert_eq!(said("2026"), "2026");
        assert_eq!(said("2026-10-05..2026-10-19"), "5 Oct 2026 to 18 Oct 2026");
    }

    #[test]
    fn lateness_is_said_in_whole_seconds_unless_it_is_less_than_one() {
        assert_eq!(lateness(SECOND / 2), "0.5\u{a0}s");
        assert_eq!(lateness(3 * HOUR + SECOND + 7), "3\u{a0}h 1\u{a0}s");
    }
}
