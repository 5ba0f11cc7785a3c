//! A calendar as pages show it.

use chrono_tz::Tz;

use crate::domain::CalendarId;
use crate::domain::calendar::{Calendar, DayName, Exception, Hours, Layer, Window};
use crate::domain::calendar_book::{CalendarBook, View};
use crate::domain::calendar_entry::{CalendarHead, list_ends};
use crate::error::{Error, Result};
use crate::store::calendar::CalendarLine;
use crate::store::{Conn, calendar};
use crate::time::{DAY, MINUTE, Micros, Moment};
use crate::web::shown::Shown;
use crate::web::wording;

/// A calendar in a list.
pub struct CalendarRow {
    /// The calendar.
    pub head: CalendarHead,
    /// Its zone.
    pub zone: &'static str,
    /// Open time of a week.
    pub week: String,
    /// The last day that its holiday list speaks for.
    pub reach: String,
    /// Whether it is open now.
    pub standing: Standing,
    /// What everybody should know.
    pub notice: Option<String>,
}

impl CalendarRow {
    /// A calendar as it is at that moment.
    pub fn new(line: CalendarLine, book: &CalendarBook, now: Moment) -> Self {
        let calendar = &book.latest(line.head.id).calendar;
        Self {
            zone: line.hours.time_zone.name(),
            week: week_length(&line.hours),
            reach: reach(&line.hours),
            standing: Standing::of(calendar, now),
            notice: notice(&line.head.name, &line.hours, now),
            head: line.head,
        }
    }
}

/// What everybody should know of a holiday list that ends, or has ended.
fn notice(name: &str, hours: &Hours, now: Moment) -> Option<String> {
    let today = now.date_in(hours.time_zone);
    let last = list_ends(hours, today)?;
    let (ends, day) = (
        if last < today { "ended" } else { "ends" },
        wording::day(last),
    );
    Some(format!(
        "The holiday list of {name} {ends} on {day}. Later deadlines are provisional until it goes on."
    ))
}

/// Whether a calendar is open.
pub struct Standing {
    /// The state as the style knows it.
    pub code: &'static str,
    /// What one reads.
    pub text: String,
}

impl Standing {
    fn of(calendar: &Calendar, now: Moment) -> Self {
        let (code, text) = match calendar.next_opening(now) {
            Ok(opening) if opening == now => ("active", "Open".to_string()),
            Ok(opening) => {
                let local = opening.in_zone(calendar.zone());
                (
                    "ended",
                    format!("Closed, opens {}", local.format("%a %-d %b %H:%M")),
                )
            }
            Err(_) => ("ended", "Never opens".to_string()),
        };
        Self { code, text }
    }
}

/// A calendar in full.
pub struct CalendarView {
    /// The calendar.
    pub head: CalendarHead,
    /// Its zone.
    pub zone: Tz,
    /// All revisions.
    pub latest: View,
    /// Whether it is open now.
    pub standing: Standing,
    /// What everybody should know.
    pub notice: Option<String>,
    /// Open time of a week.
    pub week: String,
    /// The last day that its holiday list speaks for.
    pub reach: String,
    /// Each day of the week.
    pub days: Vec<DayView>,
    /// The exceptions from today on.
    pub coming: Vec<ExceptionView>,
    /// The exceptions before today, latest first.
    pub past: Vec<ExceptionView>,
    /// The revisions, last made first.
    pub revisions: Vec<RevisionView>,
}

/// A day of the week.
pub struct DayView {
    /// Its name.
    pub name: &'static str,
    /// Its windows.
    pub text: String,
    /// When it is open, the tail of the day before included.
    pub spans: Vec<SpanView>,
}

/// A stretch of a day, in minutes.
pub struct SpanView {
    /// Minutes after midnight.
    pub from: i64,
    /// How long.
    pub minutes: i64,
}

/// A date that does not keep the weekly hours.
pub struct ExceptionView {
    /// The date.
    pub date: String,
    /// What it is called.
    pub name: String,
    /// Its windows.
    pub hours: String,
}

/// A revision.
pub struct RevisionView {
    /// Its number.
    pub number: i64,
    /// When it was made.
    pub made: Shown,
    /// From when it counts.
    pub from: String,
    /// What it is called where nobody made it; empty otherwise.
    pub name: String,
    /// Version of the zone data it was made with.
    pub zone_data: String,
}

impl CalendarView {
    /// A calendar as it is at that moment, for somebody in the zone `reader`.
    ///
    /// # Errors
    /// When there is no such calendar.
    pub fn new(conn: &mut Conn, id: CalendarId, now: Moment, reader: Tz) -> Result<Self> {
        let head = calendar::find(conn, id)?;
        let book = calendar::book(conn, &[id])?;
        let latest = book.latest(id).clone();
        let revisions = calendar::revisions(conn, id)?;
        let hours = revisions.last().map(|made| made.hours.clone());
        let hours = hours.ok_or_else(|| Error::not_found("calendar", id))?;
        let today = now.date_in(hours.time_zone);
        let (coming, mut past): (Vec<&Exception>, Vec<&Exception>) = hours
            .exceptions
            .iter()
            .partition(|exception| exception.date >= today);
        past.reverse();
        Ok(Self {
            zone: hours.time_zone,
            standing: Standing::of(&latest.calendar, now),
            notice: notice(&head.name, &hours, now),
            week: week_length(&hours),
            reach: reach(&hours),
            days: days(&hours),
            coming: coming.into_iter().map(exception).collect(),
            past: past.into_iter().map(exception).collect(),
            revisions: revisions
                .iter()
                .rev()
                .map(|made| RevisionView {
                    number: made.revision,
                    made: Shown::of(made.made_at, now, reader, None),
                    from: made.from_date.map_or("from ever".to_string(), wording::day),
                    name: made.name.clone().unwrap_or_default(),
                    zone_data: made.zone_data.clone().unwrap_or_default(),
                })
                .collect(),
            latest,
            head,
        })
    }
}

/// A day of the week as one says it.
pub fn day_name(day: DayName) -> &'static str {
    match day {
        DayName::Mon => "Monday",
        DayName::Tue => "Tuesday",
        DayName::Wed => "Wednesday",
        DayName::Thu => "Thursday",
        DayName::Fri => "Friday",
        DayName::Sat => "Saturday",
        DayName::Sun => "Sunday",
    }
}

fn exception(exception: &Exception) -> ExceptionView {
    ExceptionView {
        date: wording::weekday(exception.date),
        name: exception.name.clone(),
        hours: hours_text(&exception.windows),
    }
}

fn hours_text(windows: &[Window]) -> String {
    if windows.is_empty() {
        return "closed".to_string();
    }
    windows
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

/// The last day that the holiday list speaks for.
fn reach(hours: &Hours) -> String {
    hours
        .reaches()
        .map_or_else(|| "no list".to_string(), wording::day)
}

/// The weekly hours in a zone without changes of the clock, so that each day has 24 hours.
fn plain_week(hours: &Hours) -> Calendar {
    let hours = Hours {
        time_zone: Tz::UTC,
        week: hours.week.clone(),
        exceptions: Vec::new(),
    };
    Calendar::new("week", vec![Layer { from: None, hours }])
}

/// Some Monday, at midnight.
const MONDAY: Moment = Moment::from_seconds(4 * 86_400);

fn week_length(hours: &Hours) -> String {
    let open = plain_week(hours).open_between(MONDAY, MONDAY + 7 * DAY);
    open.map_or_else(|_| String::new(), wording::length)
}

fn days(hours: &Hours) -> Vec<DayView> {
    let week = plain_week(hours);
    (0..)
        .zip(DayName::ALL)
        .map(|(number, day)| {
            let midnight = MONDAY + number * DAY;
            let open = week.spans(midnight, midnight + DAY).unwrap_or_default();
            let minutes = |length: Micros| length / MINUTE;
            let own = &hours.week.0[*day as usize];
            let mut text = hours_text(own);
            if let Some(tail) = open.first().filter(|span| span.opens == midnight)
                && own.iter().all(|window| window.opens() != "00:00")
            {
                let until = tail.closes.utc().format("%H:%M");
                text = match own.is_empty() {
                    true => format!("until {until}, from the day before"),
                    false => format!("until {until}, then {text}"),
                };
            }
            DayView {
                name: &day_name(*day)[..3],
                text,
                spans: open
                    .iter()
                    .map(|span| SpanView {
                        from: minutes(span.opens - midnight),
                        minutes: minutes(span.closes - span.opens),
                    })
                    .collect(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use chrono::Datelike;
    use serde_json::json;

    use super::*;
    use crate::domain::calendar_entry::CalendarInput;

    #[test]
    fn the_tail_of_a_night_is_drawn_on_the_next_day() {
        let value = json!({"name": "Desk", "time_zone": "Europe/Berlin",
            "week": {"mon": [["09:00", "12:30"]], "fri": [["22:00", "06:00"]], "sun": [["20:00", "02:00"]]}});
        let hours = CalendarInput::read(&value).unwrap().hours;
        assert_eq!(MONDAY.utc().weekday(), chrono::Weekday::Mon);
        let drawn: Vec<Vec<(i64, i64)>> = days(&hours)
            .iter()
            .map(|day| {
                day.spans
                    .iter()
                    .map(|span| (span.from, span.minutes))
                    .collect()
            })
            .collect();
        assert_eq!(drawn[0], [(0, 120), (540, 210)]);
        assert_eq!(drawn[4], [(1320, 120)]);
        assert_eq!(drawn[5], [(0, 360)]);
        assert_eq!(week_length(&hours), "17 h 30 min");
        let said = |day: usize| days(&hours)[day].text.clone();
        assert_eq!(said(0), "until 02:00, then 09:00–12:30");
        assert_eq!(said(1), "closed");
        assert_eq!(said(4), "22:00–06:00");
        assert_eq!(said(5), "until 06:00, from the day before");
    }
}
