//! An explanation in words, for a letter and for a page.

mod sentence;

use chrono::Datelike;
use chrono_tz::Tz;

use super::letters::line;
use super::wording;
use crate::domain::clock::{Alike, Line, Row, What};
use crate::domain::letter::ExplanationFacts;
use crate::domain::locale::Locale;
use crate::domain::words::Metric;
use crate::domain::zone::Zone;
use crate::time::{Micros, Moment};

/// A row in words.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ToldRow {
    /// When, by the wall clock of the calendar's zone.
    pub when: String,
    /// The same by the reader's, where that shows another time; else empty.
    pub yours: String,
    /// What it was.
    pub what: String,
    /// How much of it counts; empty where nothing does.
    pub counted: String,
    /// How much is used and left by then, or how late it is; empty where that has not changed.
    pub stands: String,
}

/// Who is told: in which language, with which wall clocks.
#[derive(Clone, Copy, Debug)]
pub struct Teller {
    /// The language.
    pub locale: Locale,
    /// The zone of the calendar.
    pub calendar: Tz,
    /// The reader's zone.
    pub reader: Tz,
}

impl Teller {
    /// Tells rows, the first of them with its year.
    pub fn rows(self, rows: &[Row]) -> Vec<ToldRow> {
        let mut year = None;
        rows.iter()
            .map(|row| {
                let told = self.row(row, year);
                let ends = row.span().map(|(_, to)| to.in_zone(self.calendar).year());
                year = ends.or(year);
                told
            })
            .collect()
    }

    /// Plain text, a row on each line; the calendar's wall clock first, the reader's in brackets.
    pub fn text(self, rows: &[Row]) -> String {
        let rows = self.rows(rows).into_iter().map(|row| {
            let yours = match row.yours.as_str() {
                "" => String::new(),
                yours => format!(" ({yours})"),
            };
            let colon = self.say(": ", "：");
            let start = if row.when.is_empty() {
                String::new()
            } else {
                format!("{}{yours}{colon}", row.when)
            };
            let sums = [row.counted, row.stands];
            let sums: Vec<String> = sums.into_iter().filter(|text| !text.is_empty()).collect();
            let sums = match sums.join(self.say(", ", "，")) {
                none if none.is_empty() => none,
                sums => format!("{}{sums}", self.say("; ", "；")),
            };
            format!("- {start}{}{sums}\n", row.what)
        });
        rows.collect()
    }

    fn row(self, row: &Row, year: Option<i32>) -> ToldRow {
        let (when, yours) = match row.span() {
            Some((from, to)) => {
                let here = self.span(from, to, self.calendar, year);
                let there = self.span(from, to, self.reader, year);
                let same = [from, to].iter().all(|at| {
                    at.in_zone(self.calendar).naive_local() == at.in_zone(self.reader).naive_local()
                });
                (here, if same { String::new() } else { there })
            }
            None => Default::default(),
        };
        let (what, counted, stands) = match row {
            Row::Line(of) => (self.what(of), of.counted, self.stands(of)),
            Row::Alike(days) => (
                self.alike(days),
                row.counted(),
                self.totals(days.total, days.budget, days.late),
            ),
            Row::Closed(_) => {
                let closed = self.say("Closed; no business day", "非服务时间；非工作日");
                (closed.to_string(), 0, String::new())
            }
            Row::Left { lines, counted } => (self.left(*lines), *counted, String::new()),
        };
        ToldRow {
            when,
            yours,
            what,
            counted: match counted {
                0 => String::new(),
                counted => format!("+{}", self.length(counted)),
            },
            stands,
        }
    }

    fn say<'t>(self, english: &'t str, chinese: &'t str) -> &'t str {
        match self.locale {
            Locale::En => english,
            Locale::ZhCn => chinese,
        }
    }

    fn length(self, micros: Micros) -> String {
        wording::budget(micros, self.locale)
    }

    fn moment(self, at: Moment) -> String {
        wording::moment_short(at, Zone(self.calendar), self.locale)
    }

    fn due(self, at: Option<Moment>) -> String {
        match at {
            Some(at) => self.moment(at),
            None => self.say("not known", "未定").to_string(),
        }
    }

    fn span(self, from: Moment, to: Moment, zone: Tz, year: Option<i32>) -> String {
        let (begins, ends) = (from.in_zone(zone), to.in_zone(zone));
        let day = |at: &chrono::DateTime<Tz>, year: Option<i32>| {
            wording::day_of(at, self.locale, year != Some(at.year()))
        };
        let begin = format!("{} {}", day(&begins, year), wording::wall_clock(&begins));
        if from == to {
            return begin;
        }
        let end = wording::wall_clock(&ends);
        if begins.date_naive() == ends.date_naive() {
            return format!("{begin}–{end}");
        }
        format!("{begin} – {} {end}", day(&ends, Some(begins.year())))
    }

    /// Where a line tells how much is used; for the rest, nothing has changed since the one before.
    fn stands(self, of: &Line) -> String {
        let tells = match of.what {
            What::Severity(_) | What::Stopped(_) | What::Now(_) | What::Due { .. } => true,
            _ => of.counted > 0,
        };
        if tells {
            self.totals(of.total, of.budget, of.late)
        } else {
            String::new()
        }
    }

    fn totals(self, total: Micros, budget: Micros, late: Option<Micros>) -> String {
        match (late, self.locale) {
            (Some(late), Locale::En) => format!("late by {} of open time", self.length(late)),
            (Some(late), Locale::ZhCn) => format!("已逾期服务时间 {}", self.length(late)),
            (None, Locale::En) => format!(
                "{} used, {} left",
                self.length(total),
                self.length((budget - total).max(0))
            ),
            (None, Locale::ZhCn) => format!(
                "已用 {}，剩余 {}",
                self.length(total),
                self.length((budget - total).max(0))
            ),
        }
    }

    fn alike(self, days: &Alike) -> String {
        let windows: Vec<String> = days
            .windows
            .iter()
            .map(|(from, to)| {
                let end = to.format("%H:%M").to_string();
                let end = if end == "00:00" { "24:00" } else { &end };
                format!("{}–{end}", from.format("%H:%M"))
            })
            .collect();
        let windows = windows.join(self.say(", ", "、"));
        let each = self.length(days.each);
        let business = match (days.business, self.locale) {
            (Some((first, last)), Locale::En) => format!(" (business days {first} to {last})"),
            (Some((first, last)), Locale::ZhCn) => format!("（第 {first} 至 {last} 个工作日）"),
            (None, _) => String::new(),
        };
        match self.locale {
            Locale::En => format!(
                "{} days alike{business}: open {windows}, {each} each",
                days.days
            ),
            Locale::ZhCn => format!(
                "{} 天相同{business}：服务时间 {windows}，每天 {each}",
                days.days
            ),
        }
    }

    fn left(self, lines: u64) -> String {
        match self.locale {
            Locale::En => format!("… {lines} more lines; our record has them all"),
            Locale::ZhCn => format!("……另有 {lines} 行，完整内容见我方记录"),
        }
    }
}

impl ExplanationFacts {
    /// Tells the rows in that language, with the wall clocks of the calendar and of that zone.
    pub fn told(&self, locale: Locale, reader: Zone) -> Vec<ToldRow> {
        self.teller(locale, reader).rows(&self.rows)
    }

    /// The same as plain text.
    pub fn text(&self, locale: Locale, reader: Zone) -> String {
        self.teller(locale, reader).text(&self.rows)
    }

    /// The same with a heading that says which incident and contract, which clause and which metric it
    /// is about: to be put into a letter.
    pub fn letter(
        &self,
        (incident, contract): (&str, &str),
        metric: Metric,
        clause: &str,
        locale: Locale,
        reader: Zone,
    ) -> String {
        let (contract, clause) = (line(contract), line(clause));
        let metric = wording::metric(metric, locale);
        let calendar = self.zone;
        let yours = match (calendar == reader, locale) {
            (true, _) => String::new(),
            (false, Locale::En) => {
                format!(" (those of {reader} in brackets where they differ)")
            }
            (false, Locale::ZhCn) => format!("（括号内为 {reader} 时区，仅在不同时列出）"),
        };
        let heading = match locale {
            Locale::En => format!(
                "{incident}, contract {contract}, clause {clause}: {metric}\nHow the deadline came about, in times of {calendar}{yours}"
            ),
            Locale::ZhCn => format!(
                "{incident}，合同 {contract} 第 {clause} 条：{metric}\n期限计算过程，时间为 {calendar} 时区{yours}"
            ),
        };
        format!("{heading}\n\n{}", self.text(locale, reader))
    }

    fn teller(&self, locale: Locale, reader: Zone) -> Teller {
        Teller {
            locale,
            calendar: self.zone.0,
            reader: reader.0,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
