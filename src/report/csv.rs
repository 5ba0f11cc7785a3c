//! A report as one table of lines, told apart by the column `kind`.

use std::io::Write;

use anyhow::Context;
use csv::{Terminator, WriterBuilder};

use super::{About, Report, Score};
use crate::domain::zone::Zone;
use crate::error::Result;
use crate::time::{Micros, Moment, SECOND};

/// The columns, in their order; more may be added at the end.
const COLUMNS: &[&str] = &[
    "kind",
    "period",
    "from",
    "to",
    "vendor",
    "contract",
    "time_zone",
    "metric",
    "severity",
    "clause",
    "met",
    "missed",
    "cases",
    "attainment",
    "low",
    "high",
    "margin",
    "breach",
    "incident",
    "title",
    "interval",
    "state",
    "started_at",
    "due_at",
    "due_local",
    "stopped_at",
    "stopped_local",
    "late_open_seconds",
    "late_elapsed_seconds",
    "counted_until",
    "reason",
];

/// Writes a report as CSV: UTF-8 with a byte order mark, so that spreadsheets read Chinese; lines end
/// with CR LF as RFC 4180 has it.
///
/// The lines by their `kind`: `total` for everything together; `contract` for each contract with the
/// moments its period begins and ends at; `figures` for each contract, metric and severity that had a
/// case; `breach`, `withdrawn` and `open` (not yet due) one for each; `drills` for what was left out
/// because it was practice. Moments are RFC 3339, in UTC and, in the columns that end with `_local`, in
/// the contract's zone. Shares are from 0 to 1, lengths of time in seconds. `counted_until` is the
/// moment up to which lateness is counted where nothing has stopped it.
///
/// A cell of text that a spreadsheet would take for a formula gets an apostrophe before it: one that
/// begins with `=`, `+`, `-`, `@`, their full-width forms, a tabulator or a line break.
///
/// # Errors
/// When the output cannot be written.
pub fn write(report: &Report, output: impl Write) -> Result<()> {
    let mut output = output;
    output
        .write_all("\u{feff}".as_bytes())
        .context("the CSV could not be written")?;
    let mut table = Table {
        writer: WriterBuilder::new()
            .terminator(Terminator::CRLF)
            .from_writer(output),
    };
    table.put(COLUMNS.iter().map(|column| (*column).to_string()))?;
    let line = || Line::of(report);
    let vendor = report.vendor.as_ref().map(|vendor| vendor.name.as_str());
    table.add(
        line()
            .text("kind", "total")
            .text("vendor", vendor.unwrap_or_default())
            .plain("from", report.from)
            .plain("to", report.to)
            .plain("counted_until", report.as_of)
            .score(&report.total),
    )?;
    for part in &report.contracts {
        table.add(
            line()
                .text("kind", "contract")
                .text("vendor", &part.vendor)
                .text("contract", &part.contract)
                .text("title", &part.title)
                .text("time_zone", part.time_zone.name())
                .plain("from", local(part.from, part.time_zone))
                .plain("to", local(part.to, part.time_zone)),
        )?;
    }
    for row in &report.rows {
        table.add(
            line()
                .text("kind", "figures")
                .text("vendor", &row.vendor)
                .text("contract", &row.contract)
                .text("metric", row.metric.as_str())
                .text("severity", &row.severity)
                .score(&row.score),
        )?;
    }
    for breach in &report.breaches {
        let late = &breach.late;
        let not_stopped = late.stopped_at.is_none().then_some(late.until);
        table.add(
            line()
                .about("breach", &breach.about)
                .plain("breach", &breach.reference)
                .text("state", late.standing.as_str())
                .moment("due_at", "due_local", Some(breach.due_at), &breach.about)
                .moment(
                    "stopped_at",
                    "stopped_local",
                    late.stopped_at,
                    &breach.about,
                )
                .plain("late_open_seconds", seconds(late.open))
                .plain("late_elapsed_seconds", seconds(late.elapsed))
                .maybe("counted_until", not_stopped),
        )?;
    }
    for withdrawn in &report.withdrawn {
        table.add(
            line()
                .about("withdrawn", &withdrawn.about)
                .plain("breach", &withdrawn.reference)
                .text("state", "withdrawn")
                .moment(
                    "due_at",
                    "due_local",
                    Some(withdrawn.due_at),
                    &withdrawn.about,
                )
                .text("reason", &withdrawn.reason),
        )?;
    }
    for open in &report.open {
        table.add(
            line()
                .about("open", &open.about)
                .text("state", open.state.as_str())
                .plain("started_at", open.started_at)
                .moment("due_at", "due_local", open.due_at, &open.about),
        )?;
    }
    table.add(
        line()
            .text("kind", "drills")
            .plain("met", report.drills.met)
            .plain("missed", report.drills.missed)
            .plain("cases", report.drills.met + report.drills.missed),
    )?;
    table
        .writer
        .flush()
        .context("the CSV could not be written")?;
    Ok(())
}

struct Table<W: Write> {
    writer: csv::Writer<W>,
}

impl<W: Write> Table<W> {
    fn add(&mut self, line: Line) -> Result<()> {
        self.put(line.cells)
    }

    fn put(&mut self, cells: impl IntoIterator<Item = String>) -> Result<()> {
        self.writer
            .write_record(cells)
            .context("the CSV could not be written")?;
        Ok(())
    }
}

struct Line {
    cells: Vec<String>,
}

impl Line {
    fn of(report: &Report) -> Self {
        let line = Self {
            cells: vec![String::new(); COLUMNS.len()],
        };
        line.plain("period", report.period)
    }

    /// Text that somebody entered, or a word.
    fn text(self, column: &str, text: &str) -> Self {
        self.set(column, harmless(text))
    }

    /// A number, a moment or a reference of ours.
    fn plain(self, column: &str, value: impl ToString) -> Self {
        self.set(column, value.to_string())
    }

    fn maybe(self, column: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.plain(column, value),
            None => self,
        }
    }

    fn moment(self, utc: &str, in_zone: &str, at: Option<Moment>, about: &About) -> Self {
        self.maybe(utc, at)
            .maybe(in_zone, at.map(|at| local(at, about.time_zone)))
    }

    fn score(self, score: &Score) -> Self {
        let line = self
            .plain("met", score.met)
            .plain("missed", score.missed)
            .plain("cases", score.cases)
            .maybe("margin", score.margin);
        match score.attainment {
            Some(found) => line
                .plain("attainment", found.share)
                .plain("low", found.low)
                .plain("high", found.high),
            None => line,
        }
    }

    fn about(self, kind: &str, about: &About) -> Self {
        self.text("kind", kind)
            .text("vendor", &about.vendor)
            .text("contract", &about.contract)
            .text("time_zone", about.time_zone.name())
            .text("metric", about.metric.as_str())
            .text("severity", &about.severity)
            .text("clause", &about.clause)
            .plain("incident", &about.incident)
            .text("title", &about.title)
            .plain("interval", about.interval)
    }

    fn set(mut self, column: &str, cell: String) -> Self {
        if let Some(place) = COLUMNS.iter().position(|known| *known == column) {
            self.cells[place] = cell;
        }
        self
    }
}

/// Text that no spreadsheet takes for a formula.
fn harmless(text: &str) -> String {
    let risky = ['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r', '\n'];
    if text.starts_with(risky) {
        format!("'{text}")
    } else {
        text.to_string()
    }
}

/// RFC 3339 with the offset of the zone.
fn local(at: Moment, zone: Zone) -> String {
    at.in_zone(zone.0)
        .to_rfc3339_opts(chrono::SecondsFormat::AutoSi, false)
}

/// Seconds, with decimals only where there are any.
fn seconds(length: Micros) -> String {
    let (whole, rest) = (length / SECOND, length % SECOND);
    if rest == 0 {
        return whole.to_string();
    }
    format!("{whole}.{rest:06}")
        .trim_end_matches('0')
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_like_a_formula_is_made_text() {
        for risky in [
            "=1+1", "+49 30", "-2", "@SUM(A1)", "\tx", "\rx", "\n=1", "＝1", "＠a",
        ] {
            assert_eq!(harmless(risky), format!("'{risky}"));
        }
        for fine in ["", "a=b", "5.1", "北京", "'=1"] {
            assert_eq!(harmless(fine), fine);
        }
    }

    #[test]
    fn seconds_keep_their_decimals() {
        let table = [
            (0, "0"),
            (90 * SECOND, "90"),
            (SECOND + 1, "1.000001"),
            (2_500_000, "2.5"),
        ];
        for (length, text) in table {
            assert_eq!(seconds(length), text);
        }
    }
}
