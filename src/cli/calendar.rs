//! `redress calendar eval`: answers calendar questions, JSON Lines in, JSON Lines out.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, Read, Write};

use anyhow::Context;
use chrono::{Offset, SecondsFormat};
use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::calendar::{
    Calendar, CalendarError, Exception, Hours, Layer, Week, Window, is_known,
};
use crate::domain::reading::date;
use crate::time::{Micros, Moment, SECOND};

/// How many questions were answered, and how many could not be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Lines with a result.
    pub answered: u64,
    /// Lines with an error.
    pub refused: u64,
}

/// Different calendars kept compiled within a run.
const KEPT: usize = 256;

#[derive(Deserialize)]
struct Question {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    calendar: Value,
    #[serde(default)]
    start: Option<String>,
    #[serde(default)]
    end: Option<String>,
    #[serde(default)]
    at: Option<String>,
    #[serde(default)]
    duration_s: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    tz: String,
    #[serde(default)]
    week: Week,
    #[serde(default)]
    holidays: Vec<String>,
    #[serde(default)]
    overrides: BTreeMap<String, Vec<Window>>,
}

/// Longest question; a calendar with a century of holidays takes a tenth of it.
const LONGEST_LINE: u64 = 1 << 20;

/// Answers each line in order, one line each, before the next is read; a line that cannot be answered
/// gets an error that names it, and the stream goes on. What is kept in memory does not grow with the
/// input.
///
/// # Errors
/// Only when the input cannot be read or the output not be written.
pub fn eval(mut input: impl BufRead, mut output: impl Write) -> anyhow::Result<Summary> {
    let mut calendars: HashMap<String, Calendar> = HashMap::new();
    let mut summary = Summary::default();
    let mut line = Vec::new();
    for number in 1_u64.. {
        if !next_line(&mut input, &mut line).context("the questions could not be read")? {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let answer = match answer(&line, &mut calendars) {
            Ok((id, result)) => {
                summary.answered += 1;
                json!({"id": id, "result": result})
            }
            Err((id, wrong)) => {
                summary.refused += 1;
                json!({"id": id, "error": format!("line {number}: {wrong}")})
            }
        };
        writeln!(output, "{answer}")
            .and_then(|()| output.flush())
            .context("the answers could not be written")?;
    }
    Ok(summary)
}

/// Reads the next line; says whether there was one. Of a line that is too long only the beginning is
/// kept, one byte longer than allowed.
fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    line.clear();
    let read = input
        .by_ref()
        .take(LONGEST_LINE + 1)
        .read_until(b'\n', line)?;
    if line.len() as u64 > LONGEST_LINE && !line.ends_with(b"\n") {
        input.skip_until(b'\n')?;
    }
    Ok(read > 0)
}

fn answer(
    line: &[u8],
    calendars: &mut HashMap<String, Calendar>,
) -> Result<(Value, Value), (Value, String)> {
    let whole: Value = read_json(line).map_err(|wrong| (Value::Null, wrong))?;
    let id = whole.get("id").cloned().unwrap_or_default();
    let fail = |wrong: String| (id.clone(), wrong);
    if !whole.is_object() {
        return Err(fail("is not a JSON object".to_string()));
    }
    let question: Question =
        serde_json::from_value(whole).map_err(|error| fail(error.to_string()))?;
    let key = question.calendar.to_string();
    if !calendars.contains_key(&key) {
        let calendar =
            read(&question.calendar).map_err(|wrong| fail(format!("calendar: {wrong}")))?;
        if calendars.len() >= KEPT {
            calendars.clear();
        }
        calendars.insert(key.clone(), calendar);
    }
    let Some(calendar) = calendars.get(&key) else {
        return Err(fail("calendar: is not kept".to_string()));
    };
    let result = solve(&question, calendar).map_err(fail)?;
    Ok((question.id, result))
}

fn read_json(line: &[u8]) -> Result<Value, String> {
    if line.len() as u64 > LONGEST_LINE {
        return Err(format!("is longer than {LONGEST_LINE} bytes"));
    }
    serde_json::from_slice(line.trim_ascii_end()).map_err(|error| {
        // The line it names is always the first of this one.
        let said = error.to_string();
        let wrong = said.split(" at line ").next().unwrap_or_default();
        format!("is not JSON: {wrong} at column {}", error.column())
    })
}

fn solve(question: &Question, calendar: &Calendar) -> Result<Value, String> {
    let instant = |name: &str, value: &Option<String>| {
        let text = value
            .as_deref()
            .ok_or_else(|| format!("{name} is missing"))?;
        Moment::parse(text).map_err(|wrong| format!("{name}: {wrong}"))
    };
    let shown = |at: Moment| json!(in_zone(at, calendar.zone()));
    let at_field = |moment: &str, error: CalendarError| {
        format!("{}: {error}", error.field("duration_s", moment))
    };
    let kind = question.kind.as_deref().ok_or("kind is missing")?;
    match kind {
        "add" => {
            let (start, duration) = (instant("start", &question.start)?, duration(question)?);
            let due = calendar.add(start, duration);
            due.map(shown).map_err(|error| at_field("start", error))
        }
        "sub" => {
            let (start, duration) = (instant("start", &question.start)?, duration(question)?);
            let begun = calendar.sub(start, duration);
            begun.map(shown).map_err(|error| at_field("start", error))
        }
        "between" => {
            let (start, end) = (
                instant("start", &question.start)?,
                instant("end", &question.end)?,
            );
            let open = calendar
                .open_between(start, end)
                .map_err(|error| at_field(if is_known(start) { "end" } else { "start" }, error))?;
            Ok(seconds(open))
        }
        "is_open" => {
            let at = instant("at", &question.at)?;
            calendar
                .is_open(at)
                .map(|open| json!(open))
                .map_err(|error| at_field("at", error))
        }
        other => Err(format!(
            "kind: \"{other}\" is not known; use add, sub, between or is_open"
        )),
    }
}

/// RFC 3339 with the zone's offset. Before the railways came, and in Monrovia until 1972, offsets had
/// seconds, which RFC 3339 cannot write: those moments are given in UTC.
fn in_zone(at: Moment, zone: Tz) -> String {
    let local = at.in_zone(zone);
    if local.offset().fix().local_minus_utc() % 60 == 0 {
        local.to_rfc3339_opts(SecondsFormat::AutoSi, false)
    } else {
        at.to_string()
    }
}

fn seconds(micros: Micros) -> Value {
    if micros % SECOND == 0 {
        json!(micros / SECOND)
    } else {
        json!(micros as f64 / SECOND as f64)
    }
}

fn duration(question: &Question) -> Result<Micros, String> {
    let value = question
        .duration_s
        .as_ref()
        .ok_or("duration_s is missing")?;
    let wrong = || format!("duration_s: {value} is not a number of seconds from 0 to 10^11");
    let micros = match (value.as_i64(), value.as_f64()) {
        (Some(whole), _) => whole.checked_mul(SECOND).ok_or_else(wrong)?,
        (None, Some(fraction)) if fraction.is_finite() => {
            (fraction * SECOND as f64).round() as Micros
        }
        _ => return Err(wrong()),
    };
    if (0..=100_000_000_000 * SECOND).contains(&micros) {
        Ok(micros)
    } else {
        Err(wrong())
    }
}

fn read(value: &Value) -> Result<Calendar, String> {
    if value.is_null() {
        return Err("is missing".to_string());
    }
    if !value.is_object() {
        return Err("is not a JSON object".to_string());
    }
    let shape: Shape = serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
    let time_zone: Tz = shape.tz.parse().map_err(|_| {
        format!(
            "\"{}\" is not an IANA time zone such as Europe/Berlin",
            shape.tz
        )
    })?;
    let mut exceptions: Vec<Exception> = Vec::new();
    for text in shape.holidays {
        let date = date(&text).map_err(|wrong| format!("holidays: {wrong}"))?;
        if exceptions.iter().any(|exception| exception.date == date) {
            return Err(format!("{date} stands twice among the holidays"));
        }
        exceptions.push(Exception {
            date,
            name: String::new(),
            windows: Vec::new(),
        });
    }
    for (text, windows) in shape.overrides {
        let date = date(&text).map_err(|wrong| format!("overrides: {wrong}"))?;
        if exceptions.iter().any(|exception| exception.date == date) {
            return Err(format!(
                "{date} is a holiday and an override; a date has one exception"
            ));
        }
        exceptions.push(Exception {
            date,
            name: String::new(),
            windows,
        });
    }
    let hours = Hours {
        time_zone,
        week: shape.week,
        exceptions,
    };
    let layers = vec![Layer { from: None, hours }];
    Ok(Calendar::new("in question", layers))
}
