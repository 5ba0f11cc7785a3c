//! What a version of the terms promises, as a contract's page shows it.

use chrono::NaiveDate;

use crate::domain::CalendarId;
use crate::domain::calendar_book::CalendarBook;
use crate::domain::contract::Contract;
use crate::domain::example::{Example, examples};
use crate::domain::ladder_warning::LadderWarning;
use crate::domain::terms::{Commitment, OnReopen, OnSeverityChange, Promise, RootCauseFrom, Terms};
use crate::domain::words::Metric;
use crate::error::Result;
use crate::store::{Conn, calendar, contract};
use crate::time::{MINUTE, Moment};
use crate::web::shown::short;
use crate::web::wording;

/// A version in the list of a contract's terms.
pub struct VersionRow {
    /// Its number.
    pub number: i32,
    /// From when it counts.
    pub from: String,
    /// How many commitments it has.
    pub commitments: usize,
    /// What a change of severity does.
    pub severity_change: &'static str,
    /// What a reopening does.
    pub reopening: &'static str,
    /// The state as the style knows it.
    pub state: &'static str,
    /// What one reads.
    pub state_text: &'static str,
    /// Whether it is the one that is shown.
    pub is_shown: bool,
}

impl VersionRow {
    /// A version on that day.
    pub fn new(terms: &Terms, in_force: Option<i32>, shown: Option<i32>, today: NaiveDate) -> Self {
        let (state, state_text) = if in_force == Some(terms.number) {
            ("active", "In force")
        } else if terms.effective_from > today {
            ("future", "Not yet")
        } else {
            ("ended", "Replaced")
        };
        Self {
            number: terms.number,
            from: wording::day(terms.effective_from),
            commitments: terms.promise.commitments.len(),
            severity_change: severity_change(terms.promise.on_severity_change),
            reopening: reopening(terms.promise.on_reopen),
            state,
            state_text,
            is_shown: shown == Some(terms.number),
        }
    }
}

/// What a change of severity does to running clocks.
pub fn severity_change(rule: OnSeverityChange) -> &'static str {
    match rule {
        OnSeverityChange::FromStart => "Count from the start",
        OnSeverityChange::FromChange => "Count from the change",
        OnSeverityChange::CarryFraction => "Keep the share used",
    }
}

/// What the clock of the cause starts with.
pub fn start_of_cause(start: RootCauseFrom) -> &'static str {
    match start {
        RootCauseFrom::Resolved => "the final repair",
        RootCauseFrom::Restored => "the service being back",
    }
}

/// What a reopening does to stopped clocks.
pub fn reopening(rule: OnReopen) -> &'static str {
    match rule {
        OnReopen::Continue => "Go on",
        OnReopen::AsIfNeverResolved => "As if never stopped",
        OnReopen::Restart => "Start again",
    }
}

/// A version of the terms in full.
pub struct PromiseView {
    /// Its number.
    pub number: i32,
    /// From when it counts.
    pub from: String,
    /// The fee of a month.
    pub fee: Option<String>,
    /// The terms' own scale, worst first.
    pub severities: Vec<SeverityHead>,
    /// The commitments by metric, and in each row by severity.
    pub metrics: Vec<MetricRow>,
    /// When the example incident would be raised.
    pub raised: String,
    /// How long we have to confirm a repair; empty where it counts at once.
    pub confirmation: String,
    /// What the clock of the cause starts with; empty where no cause is owed.
    pub cause_from: &'static str,
    /// The steps of the ladder.
    pub ladder: Vec<StepView>,
    /// The clock stops.
    pub stops: Vec<StopView>,
}

/// A severity.
pub struct SeverityHead {
    /// 1 is the gravest.
    pub rank: usize,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// When it applies.
    pub criteria: String,
}

/// The commitments of one metric.
pub struct MetricRow {
    /// The metric.
    pub metric: String,
    /// One for each severity; none where nothing is promised.
    pub cells: Vec<Option<Cell>>,
}

/// A commitment.
pub struct Cell {
    /// How much time there is.
    pub target: String,
    /// Where the contract says so.
    pub clause: String,
    /// When the example would be due.
    pub example: String,
    /// Key of the calendar it counts in.
    pub calendar_id: CalendarId,
    /// Its name.
    pub calendar: String,
    /// What follows from a breach.
    pub remedy: String,
    /// The clock stops that may hold it, where not all may that list the metric.
    pub stops: Option<String>,
}

/// A step of the ladder.
pub struct StepView {
    /// The moment it is for.
    pub when: String,
    /// Whom it tells.
    pub to: Vec<String>,
    /// How they are told.
    pub by: String,
    /// What else it says.
    pub details: String,
    /// What of it will not work.
    pub warnings: Vec<String>,
}

/// A clock stop.
pub struct StopView {
    /// Its code.
    pub code: String,
    /// Where the contract says so.
    pub clause: String,
    /// What it is called.
    pub name: String,
    /// What it holds.
    pub metrics: String,
    /// Whether both sides must agree.
    pub needs_agreement: bool,
}

impl PromiseView {
    /// A version of the terms as it is at that moment.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn new(conn: &mut Conn, contract: &Contract, terms: &Terms, now: Moment) -> Result<Self> {
        let promise = &terms.promise;
        let book = calendar::book(conn, &promise.calendars())?;
        let warnings =
            contract::warnings(conn, contract.vendor_id, Some(&contract.owner), promise)?;
        let examples = examples(promise, &book, now);
        Ok(Self {
            number: terms.number,
            from: wording::day(terms.effective_from),
            fee: promise
                .monthly_fee
                .map(|fee| wording::money(&promise.currency, fee)),
            severities: severities(promise),
            metrics: metrics(promise, &book, &examples),
            raised: examples.first().map_or_else(String::new, raised),
            confirmation: promise.confirmation.map_or_else(String::new, |of| {
                match of.business_days {
                    1 => "within 1 business day".to_string(),
                    days => format!("within {days} business days"),
                }
            }),
            cause_from: if promise
                .commitments
                .iter()
                .any(|of| of.metric == Metric::RootCause)
            {
                start_of_cause(promise.root_cause_from)
            } else {
                ""
            },
            ladder: steps(promise, &warnings),
            stops: promise
                .clock_stops
                .iter()
                .map(|stop| StopView {
                    code: stop.code.clone(),
                    clause: stop.clause.clone(),
                    name: stop.name.clone(),
                    metrics: words(&stop.metrics),
                    needs_agreement: stop.needs_agreement,
                })
                .collect(),
        })
    }
}

fn words(metrics: &[Metric]) -> String {
    metrics
        .iter()
        .map(|metric| metric.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

fn severities(promise: &Promise) -> Vec<SeverityHead> {
    (1..)
        .zip(&promise.severities)
        .map(|(rank, severity)| SeverityHead {
            rank,
            code: severity.code.clone(),
            name: severity.name.clone(),
            criteria: severity.criteria.clone(),
        })
        .collect()
}

fn metrics(promise: &Promise, book: &CalendarBook, examples: &[Example]) -> Vec<MetricRow> {
    let promised = |metric: &&Metric| {
        promise
            .commitments
            .iter()
            .any(|commitment| commitment.metric == **metric)
    };
    let row = |&metric: &Metric| MetricRow {
        metric: wording::metric(metric),
        cells: promise
            .severities
            .iter()
            .map(|severity| {
                let commitment = promise.commitment(metric, &severity.code)?;
                let example = examples
                    .iter()
                    .find(|example| example.metric == metric && example.severity == severity.code);
                Some(cell(commitment, book, example))
            })
            .collect(),
    };
    Metric::ALL.iter().filter(promised).map(row).collect()
}

fn cell(commitment: &Commitment, book: &CalendarBook, example: Option<&Example>) -> Cell {
    Cell {
        target: wording::promise(commitment.metric, commitment.target),
        clause: commitment.clause.clone(),
        example: example.map_or_else(String::new, due),
        calendar_id: commitment.calendar_id,
        calendar: book.name(commitment.calendar_id).to_string(),
        remedy: commitment.remedy.clone(),
        stops: commitment
            .stops
            .as_ref()
            .map(|codes| match codes.as_slice() {
                [] => "no clock stop".to_string(),
                codes => codes.join(", "),
            }),
    }
}

fn steps(promise: &Promise, warnings: &[LadderWarning]) -> Vec<StepView> {
    (1..)
        .zip(&promise.ladder)
        .map(|(number, step)| StepView {
            when: wording::when(step.when),
            to: step.to.iter().map(wording::audience).collect(),
            by: wording::channels(step),
            details: wording::details(step),
            warnings: warnings
                .iter()
                .filter(|warning| warning.step == number)
                .map(|warning| warning.message.clone())
                .collect(),
        })
        .collect()
}

/// When the incident of an example would be raised.
pub fn raised(example: &Example) -> String {
    let local = example.start.in_zone(example.time_zone.0);
    local.format("%A %-d %b %Y %H:%M").to_string()
}

/// When an example would be due, as the calendar's clock shows it, or why that cannot be said.
pub fn due(example: &Example) -> String {
    match (example.due, &example.error) {
        (Some(due), _) => {
            let local = due.in_zone(example.time_zone.0);
            let seconds = if due.micros() % MINUTE == 0 {
                ""
            } else {
                ":%S"
            };
            let shown = local
                .format(&format!("%a %-d %b %H:%M{seconds}"))
                .to_string();
            let zone = short(example.time_zone.0);
            let note = if example.provisional {
                ", provisional"
            } else {
                ""
            };
            format!("{shown} {zone}{note}")
        }
        (None, Some(error)) => error.clone(),
        (None, None) => String::new(),
    }
}
