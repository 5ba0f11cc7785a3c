//! A report as it is put into a letter.

use super::Report;
use crate::domain::letter::{ReportBreach, ReportFacts, ReportRow};
use crate::domain::zone::Zone;
use crate::error::Result;
use crate::time::Moment;

/// The facts of the letter that brings a report: its name, the zone its period is shown in, and the
/// moment it was due to go out.
///
/// # Errors
/// When the CSV cannot be written.
pub fn facts(report: &Report, name: &str, zone: Zone, planned_at: Moment) -> Result<ReportFacts> {
    let (from, to) = report.period.bounds(zone.0);
    let rows = report.rows.iter().map(|row| ReportRow {
        contract: row.contract.clone(),
        metric: row.metric,
        severity: row.severity.clone(),
        met: row.score.met as i64,
        missed: row.score.missed as i64,
        attainment: row.score.attainment.map(|found| found.share),
        low: row.score.attainment.map(|found| found.low),
        high: row.score.attainment.map(|found| found.high),
        margin: row.score.margin,
    });
    let breaches = report.breaches.iter().map(|line| ReportBreach {
        reference: line.reference.clone(),
        incident: line.about.incident.clone(),
        clause: line.about.clause.clone(),
        metric: line.about.metric,
        severity: line.about.severity.clone(),
        due_at: line.due_at,
        stopped_at: line.late.stopped_at,
        late_open: Some(line.late.open),
        late_elapsed: Some(line.late.elapsed),
    });
    let mut csv = Vec::new();
    super::write_csv(report, &mut csv)?;
    let csv = String::from_utf8(csv).map_err(anyhow::Error::from)?;
    Ok(ReportFacts {
        name: name.to_string(),
        vendor: report.vendor.as_ref().map(|vendor| vendor.name.clone()),
        from,
        to,
        time_zone: zone,
        planned_at: Some(planned_at),
        rows: rows.collect(),
        breaches: breaches.collect(),
        open: report.open.len() as i64,
        link: link(report),
        csv,
        anchor: report.anchor.clone(),
    })
}

/// Path of the report's page.
fn link(report: &Report) -> String {
    match &report.vendor {
        Some(vendor) => format!("/report?period={}&vendor={}", report.period, vendor.id),
        None => format!("/report?period={}", report.period),
    }
}
