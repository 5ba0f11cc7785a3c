//! An explanation for people: days that are alike are told once.

use chrono::NaiveTime;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::Explanation;
use super::line::{Line, NoDay, Part, Shut, What};
use crate::time::{Micros, Moment};

/// A row for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Row {
    /// A line as it is.
    Line(Line),
    /// Days alike, with the closed time between them.
    Alike(Alike),
    /// Closed time over dates that are no business days.
    Closed(Closed),
    /// Rows that are left out.
    Left {
        /// How many lines they stand for.
        lines: u64,
        /// Open time that counts in them, in microseconds.
        counted: Micros,
    },
}

/// Closed time over several dates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// From when.
    pub from: Moment,
    /// Until when.
    pub to: Moment,
    /// As in a line.
    pub part: Part,
    /// How many lines it stands for.
    pub lines: u64,
}

/// Days one after the other with the same hours, all of which counted whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alike {
    /// How many.
    pub days: u64,
    /// The first opening.
    pub from: Moment,
    /// The last closing.
    pub to: Moment,
    /// The windows of each day, by the wall clock of the calendar's zone.
    pub windows: Vec<(NaiveTime, NaiveTime)>,
    /// Open time of each day, in microseconds.
    pub each: Micros,
    /// How many lines they stand for.
    pub lines: u64,
    /// The numbers of the first and the last business day among them, where the target counts those.
    pub business: Option<(u32, u32)>,
    /// As in a line, at the end of the last day.
    pub part: Part,
    /// As in a line.
    pub total: Micros,
    /// As in a line.
    pub budget: Micros,
    /// As in a line.
    pub late: Option<Micros>,
}

/// Fewer days alike are told one by one.
const FEWEST: usize = 3;

/// Rows of a short telling up to the due moment, and after it.
const SHORT: usize = 20;
const SHORT_AFTER: usize = 10;

/// One day of open windows, and the lines before it that need no telling among days alike.
struct Day<'l> {
    lines: &'l [Line],
    from: Moment,
    windows: Vec<(NaiveTime, NaiveTime)>,
    counted: Micros,
    part: Part,
    budget: Micros,
}

impl Day<'_> {
    fn is_like(&self, other: &Day<'_>) -> bool {
        (&self.windows, self.counted, self.part, self.budget)
            == (&other.windows, other.counted, other.part, other.budget)
    }
}

impl Explanation {
    /// The lines, with three days or more that are alike told once.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut rest = &self.lines[..];
        while let Some((line, later)) = rest.split_first() {
            let folded = match line.what {
                What::Open(_) => {
                    alike(rest, self.zone).map(|(row, lines)| (Row::Alike(row), lines))
                }
                What::Shut(Shut::OutsideHours) => {
                    closed(rest).map(|(row, lines)| (Row::Closed(row), lines))
                }
                _ => None,
            };
            match folded {
                Some((row, lines)) => {
                    rows.push(row);
                    rest = &rest[lines..];
                }
                None => {
                    rows.push(Row::Line(line.clone()));
                    rest = later;
                }
            }
        }
        rows
    }

    /// The same, and so short that it fits a letter: of many rows the first and the last before the due
    /// moment, and the first and the last after it. A letter is read later, so nothing is said of now.
    pub fn short(&self) -> Vec<Row> {
        let mut rows = self.rows();
        let is_now = |row: &Row| matches!(row, Row::Line(line) if line.what == What::Now(false));
        rows.retain(|row| !is_now(row));
        let is_due =
            |row: &Row| matches!(row, Row::Line(line) if matches!(line.what, What::Due { .. }));
        let due = rows.iter().position(is_due);
        let (before, after) = rows.split_at(due.map_or(rows.len(), |due| due + 1));
        let mut short = shortened(before, SHORT);
        short.extend(shortened(after, SHORT_AFTER));
        short
    }
}

fn shortened(rows: &[Row], most: usize) -> Vec<Row> {
    if rows.len() <= most {
        return rows.to_vec();
    }
    let first = most / 2;
    let last = rows.len() - (most - first - 1);
    let left = &rows[first..last];
    let row = Row::Left {
        lines: left.iter().map(Row::lines).sum(),
        counted: left.iter().map(Row::counted).sum(),
    };
    let mut short = rows[..first].to_vec();
    short.push(row);
    short.extend_from_slice(&rows[last..]);
    short
}

impl Row {
    /// How many lines it stands for.
    pub fn lines(&self) -> u64 {
        match self {
            Row::Line(_) => 1,
            Row::Alike(days) => days.lines,
            Row::Closed(closed) => closed.lines,
            Row::Left { lines, .. } => *lines,
        }
    }

    /// From when until when; nothing for what is left out.
    pub fn span(&self) -> Option<(Moment, Moment)> {
        match self {
            Row::Line(line) => Some((line.from, line.to)),
            Row::Alike(days) => Some((days.from, days.to)),
            Row::Closed(closed) => Some((closed.from, closed.to)),
            Row::Left { .. } => None,
        }
    }

    /// Open time that counts in it, in microseconds.
    pub fn counted(&self) -> Micros {
        match self {
            Row::Line(line) => line.counted,
            Row::Alike(days) => days.each * i64::try_from(days.days).unwrap_or(0),
            Row::Closed(_) => 0,
            Row::Left { counted, .. } => *counted,
        }
    }
}

/// The closed time that these lines begin with, where dates that are no business days divide it.
fn closed(lines: &[Line]) -> Option<(Closed, usize)> {
    let first = lines.first()?;
    let is_closed = |line: &&Line| {
        line.part == first.part
            && matches!(
                line.what,
                What::Shut(Shut::OutsideHours) | What::NoBusinessDay(_, NoDay::Closed)
            )
    };
    let run = lines.iter().take_while(is_closed).count();
    let ends = |line: &Line| matches!(line.what, What::Shut(_));
    let taken = lines[..run].iter().rposition(ends)? + 1;
    let row = Closed {
        from: first.from,
        to: lines[taken - 1].to,
        part: first.part,
        lines: u64::try_from(taken).unwrap_or(u64::MAX),
    };
    (taken > 1).then_some((row, taken))
}

/// The days alike that these lines begin with, and how many lines they are.
fn alike(lines: &[Line], zone: Tz) -> Option<(Alike, usize)> {
    let first = day(lines, zone)?;
    let mut days = vec![first];
    let mut taken = days[0].lines.len();
    while let Some(next) = day(&lines[taken..], zone).filter(|next| next.is_like(&days[0])) {
        taken += next.lines.len();
        days.push(next);
    }
    if days.len() < FEWEST {
        return None;
    }
    let taken_lines = &lines[..taken];
    let last = taken_lines.last()?;
    // The number of the first day may stand before its opening, which is before these lines.
    let last_number = taken_lines.iter().rev().find_map(|line| match line.what {
        What::BusinessDay(number, _) => Some(number),
        _ => None,
    });
    let further = u32::try_from(days.len() - 1).unwrap_or(u32::MAX);
    let row = Alike {
        days: u64::try_from(days.len()).unwrap_or(u64::MAX),
        from: days[0].from,
        to: last.to,
        windows: days[0].windows.clone(),
        each: days[0].counted,
        lines: u64::try_from(taken).unwrap_or(u64::MAX),
        business: last_number.map(|last| (last.saturating_sub(further), last)),
        part: last.part,
        total: last.total,
        budget: last.budget,
        late: last.late,
    };
    Some((row, taken))
}

/// The day that these lines begin with, if it is one that needs no words of its own.
fn day(lines: &[Line], zone: Tz) -> Option<Day<'_>> {
    let between = lines.iter().take_while(|line| is_plain(line)).count();
    let first = lines.get(between)?;
    let What::Open(date) = first.what else {
        return None;
    };
    let mut end = between;
    let mut windows: Vec<(NaiveTime, NaiveTime)> = Vec::new();
    let mut counted = 0;
    for (place, line) in lines.iter().enumerate().skip(between) {
        match line.what {
            What::Open(of) if of == date => {
                windows.push((wall_clock(line.from, zone), wall_clock(line.to, zone)));
                counted += line.counted;
                end = place + 1;
            }
            What::Shut(Shut::OutsideHours) => {}
            _ => break,
        }
    }
    let lines = &lines[..end];
    let same = |line: &Line| line.part == first.part && line.budget == first.budget;
    lines.iter().all(same).then_some(Day {
        lines,
        from: first.from,
        windows,
        counted,
        part: first.part,
        budget: first.budget,
    })
}

/// Whether a line goes without saying between days alike.
fn is_plain(line: &Line) -> bool {
    matches!(
        line.what,
        What::Shut(Shut::OutsideHours)
            | What::BusinessDay(..)
            | What::NoBusinessDay(_, NoDay::Closed)
    )
}

fn wall_clock(at: Moment, zone: Tz) -> NaiveTime {
    at.in_zone(zone).time()
}
