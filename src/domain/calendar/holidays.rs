//! Holidays from an iCalendar file, as governments and calendar programs publish them.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use chrono::{Datelike, Days, NaiveDate};
use icalendar::parser::{Component, Property, read_calendar_simple, unfold};

use crate::domain::calendar_entry::Holiday;

/// What a holiday file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HolidayFile {
    /// One for each date, in order.
    pub holidays: Vec<Holiday>,
    /// A sentence for each event that is no holiday, for the person who brought the file.
    pub remarks: Vec<String>,
}

/// More dates than a century of holidays: the file is something else.
const MOST_DATES: usize = 5_000;
/// Longer than any holiday.
const MOST_DAYS: u64 = 366;
/// As deep as components stand in each other in any real file; each level costs stack to read.
const DEEPEST: usize = 8;
/// Longest name that is kept, in characters.
const LONGEST_NAME: usize = 200;

/// Reads the all-day events of an iCalendar file (RFC 5545) as holidays.
///
/// An event of several days gives each of them, two events on one date give one holiday with both
/// names. An event that comes back every year on its date is given for each of `years` that it
/// reaches; other events are given as they stand, whatever their year. Timed and cancelled events are
/// left out with a remark.
///
/// # Errors
/// A sentence for the person who brought the file: that it is no iCalendar file, that it holds no
/// all-day event, or which event cannot be read. Nothing is taken from a file that was not understood
/// whole, because a holiday lost without a word is a wrong deadline later.
pub fn holidays_from_ics(text: &str, years: RangeInclusive<i32>) -> Result<HolidayFile, String> {
    let unfolded = unfold(text.trim_start_matches('\u{feff}'));
    let roots = parse(&unfolded)?;
    let mut events = Vec::new();
    for root in &roots {
        collect(root, &mut events);
    }
    let begun = unfolded
        .lines()
        .filter(|line| line.trim_end().eq_ignore_ascii_case("BEGIN:VEVENT"))
        .count();
    if begun != events.len() {
        return Err(format!(
            "the file is damaged: {begun} events begin in it, {} could be read",
            events.len()
        ));
    }
    let mut names: BTreeMap<NaiveDate, Vec<String>> = BTreeMap::new();
    let mut remarks = Vec::new();
    for event in events {
        match read_event(event, &years)? {
            Event::Holiday { name, dates } => {
                for date in dates {
                    let there = names.entry(date).or_default();
                    if !there.contains(&name) {
                        there.push(name.clone());
                    }
                }
            }
            Event::LeftOut(remark) => remarks.push(remark),
        }
        if names.len() > MOST_DATES {
            return Err(format!(
                "the file holds more than {MOST_DATES} dates; is it a holiday file?"
            ));
        }
    }
    if names.is_empty() && remarks.is_empty() {
        return Err("the file holds no event, so there is no holiday to take from it".to_string());
    }
    if names.is_empty() {
        return Err(format!(
            "the file holds no all-day event, so there is no holiday to take from it: {}",
            remarks.join("; ")
        ));
    }
    let holidays = names
        .into_iter()
        .map(|(date, names)| Holiday {
            date,
            name: names.join(" / ").chars().take(LONGEST_NAME).collect(),
        })
        .collect();
    Ok(HolidayFile { holidays, remarks })
}

fn parse(unfolded: &str) -> Result<Vec<Component<'_>>, String> {
    let no_calendar =
        || "this is not an iCalendar file; such a file begins with BEGIN:VCALENDAR".to_string();
    let mut roots = Vec::new();
    for part in parts(unfolded)? {
        let read = read_calendar_simple(part).map_err(|error| {
            if begins(part, "BEGIN:") {
                let place: String = error.input.trim_start().chars().take(60).collect();
                let line = place.lines().next().unwrap_or_default();
                format!("the iCalendar file cannot be read at \"{line}\"")
            } else {
                no_calendar()
            }
        })?;
        roots.extend(read);
    }
    if roots.is_empty() || !roots.iter().all(|root| named(root, "VCALENDAR")) {
        return Err(no_calendar());
    }
    Ok(roots)
}

/// The calendars of a file, which may hold several one after the other; the parser takes one.
fn parts(unfolded: &str) -> Result<Vec<&str>, String> {
    let mut parts = Vec::new();
    let mut depth: usize = 0;
    let (mut start, mut end) = (0, 0);
    for line in unfolded.split_inclusive('\n') {
        end += line.len();
        if begins(line, "BEGIN:") {
            depth += 1;
        } else if begins(line, "END:") {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                parts.push(unfolded[start..end].trim());
                start = end;
            }
        }
        if depth > DEEPEST {
            return Err("the file is damaged: its parts do not end".to_string());
        }
    }
    parts.push(unfolded[start..].trim());
    parts.retain(|part| !part.is_empty());
    Ok(parts)
}

fn begins(line: &str, word: &str) -> bool {
    line.get(..word.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(word))
}

fn named(component: &Component<'_>, name: &str) -> bool {
    component.name.as_str().eq_ignore_ascii_case(name)
}

fn collect<'a, 'b>(component: &'a Component<'b>, events: &mut Vec<&'a Component<'b>>) {
    if named(component, "VEVENT") {
        events.push(component);
    }
    for inner in &component.components {
        collect(inner, events);
    }
}

enum Event {
    Holiday { name: String, dates: Vec<NaiveDate> },
    LeftOut(String),
}

fn read_event(event: &Component<'_>, years: &RangeInclusive<i32>) -> Result<Event, String> {
    let text = |name: &str| property(event, name).map(|found| found.val.as_str().trim());
    let name = text("SUMMARY")
        .map(|name| name.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "Holiday".to_string());
    let start = text("DTSTART").ok_or_else(|| format!("the event \"{name}\" has no start"))?;
    if text("STATUS").is_some_and(|status| status.eq_ignore_ascii_case("CANCELLED")) {
        return Ok(Event::LeftOut(format!(
            "\"{name}\" ({start}) is cancelled and was left out"
        )));
    }
    if start.contains(['T', 't']) {
        return Ok(Event::LeftOut(format!(
            "\"{name}\" ({start}) has a time of day and was left out; only all-day events are holidays"
        )));
    }
    let wrong = |what: &str| format!("the event \"{name}\" ({start}) {what}");
    let first = date(start).ok_or_else(|| wrong("does not start on a date"))?;
    let days = length(event, first).map_err(|what| wrong(&what))?;
    for rule in ["RDATE", "RECURRENCE-ID"] {
        if text(rule).is_some() {
            return Err(wrong(&format!(
                "uses {rule}, which is not read; give each of its dates as an event of its own"
            )));
        }
    }
    let starts = match text("RRULE") {
        None => vec![first],
        Some(rule) => yearly(rule, first, years).map_err(|what| wrong(&what))?,
    };
    let left_out = exceptions(event).map_err(|what| wrong(&what))?;
    let mut dates = Vec::new();
    for start in starts {
        if !left_out.contains(&start) {
            dates.extend((0..days).filter_map(|day| start.checked_add_days(Days::new(day))));
        }
    }
    Ok(Event::Holiday { name, dates })
}

fn property<'a>(event: &'a Component<'_>, name: &str) -> Option<&'a Property<'a>> {
    event
        .properties
        .iter()
        .find(|property| property.name.as_str().eq_ignore_ascii_case(name))
}

/// A date as iCalendar writes it, `20261225`, in the years that moments can lie in.
fn date(text: &str) -> Option<NaiveDate> {
    let digits = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    let date = NaiveDate::parse_from_str(text, "%Y%m%d").ok()?;
    (digits && (1900..3000).contains(&date.year())).then_some(date)
}

/// How many days the event lasts: its end is the first day after it.
fn length(event: &Component<'_>, first: NaiveDate) -> Result<u64, String> {
    let value = |name: &str| property(event, name).map(|found| found.val.as_str().trim());
    let days = match (value("DTEND"), value("DURATION")) {
        (Some(end), _) => {
            let end = date(end).ok_or_else(|| format!("does not end on a date but on {end}"))?;
            // Some programs write the day itself as the end of a single day.
            if end == first {
                1
            } else {
                (end - first).num_days()
            }
        }
        (None, Some(duration)) => whole_days(duration)
            .ok_or_else(|| format!("lasts {duration}, which is not a number of days"))?,
        (None, None) => 1,
    };
    match u64::try_from(days) {
        Ok(days @ 1..=MOST_DAYS) => Ok(days),
        Ok(days) if days > 0 => Err(format!("lasts {days} days; is it a holiday?")),
        _ => Err("ends before it starts".to_string()),
    }
}

fn whole_days(duration: &str) -> Option<i64> {
    let number = duration
        .strip_prefix('+')
        .unwrap_or(duration)
        .strip_prefix('P')?;
    match (number.strip_suffix('D'), number.strip_suffix('W')) {
        (Some(days), _) => days.parse().ok(),
        (_, Some(weeks)) => weeks.parse::<i64>().ok()?.checked_mul(7),
        _ => None,
    }
}

/// Dates on which a repeated event does not take place.
fn exceptions(event: &Component<'_>) -> Result<Vec<NaiveDate>, String> {
    let mut dates = Vec::new();
    for property in &event.properties {
        if property.name.as_str().eq_ignore_ascii_case("EXDATE") {
            for text in property.val.as_str().split(',') {
                let read = date(text.trim());
                dates.push(read.ok_or_else(|| format!("leaves out \"{text}\", which is no date"))?);
            }
        }
    }
    Ok(dates)
}

/// The dates of a rule that comes back every year, or every few, on the date of its start.
fn yearly(
    rule: &str,
    first: NaiveDate,
    years: &RangeInclusive<i32>,
) -> Result<Vec<NaiveDate>, String> {
    let refused = || {
        format!(
            "repeats by \"{rule}\", which is not read; only FREQ=YEARLY on the date of its start is, so give each date as an event of its own"
        )
    };
    let mut interval: i32 = 1;
    let mut count = usize::MAX;
    let mut until = None;
    let mut yearly = false;
    for part in rule.split(';').filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=').ok_or_else(refused)?;
        match (key.to_uppercase().as_str(), value) {
            ("FREQ", value) if value.eq_ignore_ascii_case("YEARLY") => yearly = true,
            ("INTERVAL", value) => interval = value.parse().map_err(|_| refused())?,
            ("COUNT", value) => count = value.parse().map_err(|_| refused())?,
            ("UNTIL", value) => {
                until = Some(value.get(..8).and_then(date).ok_or_else(refused)?);
            }
            ("BYMONTH", value) if value.parse() == Ok(first.month()) => {}
            ("BYMONTHDAY", value) if value.parse() == Ok(first.day()) => {}
            ("WKST", _) => {}
            _ => return Err(refused()),
        }
    }
    if !yearly || interval < 1 {
        return Err(refused());
    }
    let step = usize::try_from(interval).map_err(|_| refused())?;
    let last = *years.end();
    // 29 February comes back in leap years only, and only those count.
    Ok((first.year()..=last)
        .step_by(step)
        .filter_map(|year| first.with_year(year))
        .take(count)
        .take_while(|date| until.is_none_or(|until| *date <= until))
        .filter(|date| years.contains(&date.year()))
        .collect())
}

#[cfg(test)]
mod tests;
