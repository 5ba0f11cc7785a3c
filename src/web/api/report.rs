//! Figures.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Data, Query};
use serde::{Deserialize, Serialize};

use crate::domain::attainment::Dimension;
use crate::domain::input::Faults;
use crate::domain::period::Period;
use crate::error::{Error, Result};
use crate::report::{self, Ask, Asked, Group, Report};
use crate::store::Conn;
use crate::web::state::block;
use crate::web::{Answer, State, read};

/// What attainment is asked by.
#[derive(Deserialize)]
pub struct By {
    by: Option<String>,
}

#[derive(Serialize)]
struct Attainments {
    period: Period,
    by: Vec<Dimension>,
    items: Vec<Group>,
}

/// `GET /reports/attainment?from=&to=&by=vendor,metric,severity,month`: `to` is the first date that is
/// not in the period any more; `period=2026-10` says the same shorter.
pub async fn attainment(state: Data<State>, asked: Query<Asked>, by: Query<By>) -> Answer {
    let body = read(&state, move |conn| {
        let ask = asked.read(conn, None)?;
        let by = dimensions(by.by.as_deref().unwrap_or_default())?;
        Ok(Attainments {
            period: ask.period,
            items: report::attainment(conn, &ask, &by)?,
            by,
        })
    })
    .await?;
    Ok(HttpResponse::Ok().json(body))
}

fn dimensions(text: &str) -> Result<Vec<Dimension>> {
    let mut faults = Faults::none();
    let mut by = Vec::new();
    for word in text
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
    {
        if let Some(dimension) = faults.take("by", word.parse())
            && !by.contains(&dimension)
        {
            by.push(dimension);
        }
    }
    Ok(faults.or(by)?)
}

/// In which form a report is wanted.
#[derive(Deserialize)]
pub struct Form {
    format: Option<String>,
}

/// `GET /reports/breaches?period=&vendor=&format=json|csv`.
pub async fn breaches(state: Data<State>, asked: Query<Asked>, form: Query<Form>) -> Answer {
    let as_csv = match form.format.as_deref() {
        None | Some("" | "json") => false,
        Some("csv") => true,
        Some(other) => {
            let wrong = format!("\"{other}\" is no form of this report; use json or csv");
            return Err(Error::field("format", wrong).into());
        }
    };
    let report = made(&state, move |conn| asked.read(conn, None)).await?;
    if as_csv { csv(&report) } else { json(&report) }
}

/// The report that is asked for, as of now.
pub(in crate::web) async fn made(
    state: &State,
    ask: impl FnOnce(&mut Conn) -> Result<Ask> + Send + 'static,
) -> Answer<Report> {
    let store = state.store.clone();
    block(move || {
        let now = store.now()?;
        store.read(|conn| {
            let ask = ask(conn)?;
            report::figures(conn, &ask, now)
        })
    })
    .await
}

/// A report as JSON.
pub(in crate::web) fn json(report: &Report) -> Answer {
    Ok(HttpResponse::Ok().json(report))
}

/// A report as a CSV file.
pub(in crate::web) fn csv(report: &Report) -> Answer {
    let mut file = Vec::new();
    report::write_csv(report, &mut file)?;
    let name = format!("attachment; filename=\"{}.csv\"", file_name(report));
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8; header=present")
        .insert_header((header::CONTENT_DISPOSITION, name))
        .body(file))
}

/// Names of files hold nothing that a header or a disk would mind.
fn file_name(report: &Report) -> String {
    match &report.vendor {
        Some(vendor) => format!("breaches-{}-{}", report.period, vendor.reference),
        None => format!("breaches-{}", report.period),
    }
}
