//! The breach report as a page, and the cases behind each of its figures.

mod view;

use actix_web::web::{Data, Query};
use askama::Template;
use serde::Deserialize;

pub use view::document;
pub(in crate::web::pages) use view::{FAINTEST, lateness, metric_of, not_stopped};

use super::{Choice, page, try_again};
use crate::domain::ContractId;
use crate::domain::clock::Verdict;
use crate::domain::period::Period;
use crate::domain::words::Metric;
use crate::report::{self, Ask, Asked, CaseLine, Only};
use crate::store::{Conn, vendor};
use crate::time::Moment;
use crate::web::access::Caller;
use crate::web::api::report as api;
use crate::web::error::Answer;
use crate::web::form::Form;
use crate::web::frame::Frame;
use crate::web::shown::Shown;
use crate::web::state::{State, block};
use crate::web::wording;
use view::{Place, View, about_period, query};

/// Vendors that the form offers.
const MOST_VENDORS: i64 = 2000;
/// Months that the form offers.
const MONTHS_OFFERED: usize = 15;

#[derive(Template)]
#[template(path = "report/show.html")]
struct ShowPage {
    frame: Frame,
    form: Form,
    vendors: Vec<Choice>,
    periods: Vec<String>,
    /// The report; none when what was asked for is not acceptable.
    report: Option<Made>,
}

struct Made {
    view: View,
    query: String,
}

/// Shows the report of a period; without one that of the last whole month.
pub async fn show(state: Data<State>, frame: Frame, caller: Caller, asked: Query<Asked>) -> Answer {
    let asked = asked.into_inner();
    let zone = caller.time_zone.0;
    let store = state.store.clone();
    let (vendors, now) = block(move || {
        let now = store.now()?;
        let vendors = store.read(|conn| vendor::page(conn, None, MOST_VENDORS))?;
        Ok((vendors, now))
    })
    .await?;
    let usual = Period::month_before(now.date_in(zone));
    let form = Form::of([
        ("period", period_text(&asked, usual)),
        ("vendor", asked.vendor.clone().unwrap_or_default()),
    ]);
    let shell = |form: Form, report: Option<Made>| ShowPage {
        frame: frame.clone(),
        form,
        vendors: vendors
            .iter()
            .map(|vendor| Choice::new(vendor.id.to_string(), vendor.name.clone()))
            .collect(),
        periods: offered(now, zone),
        report,
    };
    let outcome = async {
        let report = api::made(&state, move |conn| asked.read(conn, Some(usual))).await?;
        let place = Place {
            base: Some(String::new()),
            zone,
        };
        let query = query(&report);
        let view = View::of(&report, &place);
        let mut form = form.clone();
        if let Some(vendor) = &report.vendor {
            form.set("vendor", vendor.id.to_string());
        }
        page(&shell(form, Some(Made { view, query })))
    }
    .await;
    try_again(outcome, form.clone(), async |form| page(&shell(form, None))).await
}

/// What the field of the period holds.
fn period_text(asked: &Asked, usual: Period) -> String {
    let given = |field: &Option<String>| field.clone().filter(|text| !text.trim().is_empty());
    match (given(&asked.period), given(&asked.from), given(&asked.to)) {
        (Some(period), ..) => period,
        (None, None, None) => usual.to_string(),
        (None, from, to) => format!("{}..{}", from.unwrap_or_default(), to.unwrap_or_default()),
    }
}

/// The last months, and the years they lie in.
fn offered(now: Moment, zone: chrono_tz::Tz) -> Vec<String> {
    let mut month = Period::month_of(now.date_in(zone));
    let mut periods = Vec::new();
    for _ in 0..MONTHS_OFFERED {
        periods.push(month.to_string());
        month = Period::month_before(month.from());
    }
    let mut years: Vec<String> = periods.iter().map(|month| month[..4].to_string()).collect();
    years.dedup();
    periods.extend(years);
    periods
}

/// The report as CSV.
pub async fn csv(state: Data<State>, asked: Query<Asked>) -> Answer {
    api::csv(&api::made(&state, move |conn| asked.read(conn, None)).await?)
}

/// The report as JSON.
pub async fn json(state: Data<State>, asked: Query<Asked>) -> Answer {
    api::json(&api::made(&state, move |conn| asked.read(conn, None)).await?)
}

/// Which cases are looked at.
#[derive(Deserialize)]
pub struct Which {
    contract: Option<i64>,
    metric: Option<Metric>,
    severity: Option<String>,
    result: Option<Verdict>,
}

#[derive(Template)]
#[template(path = "report/cases.html")]
struct CasesPage {
    frame: Frame,
    over: String,
    over_href: String,
    title: String,
    cases: Vec<CaseRow>,
}

struct CaseRow {
    case: CaseLine,
    metric: String,
    rank: usize,
    started: Shown,
    due: Shown,
    stopped: Option<Shown>,
    state: &'static str,
    state_text: &'static str,
    used: String,
    margin: String,
}

/// Lists the cases behind a figure.
pub async fn cases(
    state: Data<State>,
    frame: Frame,
    caller: Caller,
    asked: Query<Asked>,
    which: Query<Which>,
) -> Answer {
    let which = which.into_inner();
    let zone = caller.time_zone.0;
    let only = Only {
        contract: which.contract.map(ContractId),
        metric: which.metric,
        severity: which.severity.filter(|code| !code.is_empty()),
        result: which.result,
    };
    let what = what(&only);
    let store = state.store.clone();
    let (ask, vendor, cases, now) = block(move || {
        let now = store.now()?;
        store.read(|conn| {
            let ask = asked.read(conn, None)?;
            let vendor = name_of(conn, &ask)?;
            Ok((ask, vendor, report::cases(conn, &ask, &only)?, now))
        })
    })
    .await?;
    let named = ask
        .vendor
        .map(|id| format!("&vendor={id}"))
        .unwrap_or_default();
    page(&CasesPage {
        frame,
        over: format!("{vendor}, {}", about_period(ask.period)),
        over_href: format!("/report?period={}{named}", ask.period),
        title: what,
        cases: cases
            .into_iter()
            .map(|case| CaseRow::new(case, now, zone))
            .collect(),
    })
}

fn name_of(conn: &mut Conn, ask: &Ask) -> crate::error::Result<String> {
    Ok(match ask.vendor {
        Some(id) => vendor::find(conn, id)?.name,
        None => "All vendors".to_string(),
    })
}

/// What the figure that was followed is about.
fn what(only: &Only) -> String {
    let result = match only.result {
        Some(Verdict::Met) => "met",
        Some(Verdict::Missed) => "missed",
        None => "met and missed",
    };
    let mut title = match only.metric {
        Some(metric) => format!("{}, {result}", wording::metric(metric)),
        None => format!("Commitments {result}"),
    };
    if let Some(code) = &only.severity {
        title.push_str(", ");
        title.push_str(code);
    }
    title
}

impl CaseRow {
    fn new(case: CaseLine, now: Moment, zone: chrono_tz::Tz) -> Self {
        let there = Some(case.about.time_zone.0);
        let shown = |at| Shown::of(at, now, zone, there);
        let (state, state_text) = match case.result {
            Verdict::Met => ("met", "Met"),
            Verdict::Missed => ("missed", "Missed"),
        };
        Self {
            metric: metric_of(&case.about),
            rank: case.about.rank.min(FAINTEST),
            started: shown(case.started_at),
            due: shown(case.due_at),
            stopped: case.stopped_at.map(shown),
            state,
            state_text,
            used: match case.stopped_at {
                Some(_) => format!("{} of {}", lateness(case.spent), lateness(case.budget)),
                None => format!("all of {}", lateness(case.budget)),
            },
            margin: case
                .margin
                .map_or_else(String::new, |left| format!("{} left", view::percent(left))),
            case,
        }
    }
}
