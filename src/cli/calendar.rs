//! `redress calendar eval`: answers calendar questions, JSON Lines in, JSON Lines out.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, Write};

use anyhow::Context;
use chrono::{NaiveDate, Offset, SecondsFormat};
use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::calendar::{Calendar, Exception, Hours, Layer, Week, Window};
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
    kind: String,
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
    holidays: Vec<NaiveDate>,
    #[serde(default)]
    overrides: BTreeMap<NaiveDate, Vec<Window>>,
}

/// Answers each line in order, one line each; a line that cannot be answered gets an error that names
/// it, and the stream goes on.
///
/// # Errors
/// Only when the input cannot be read or the output not be written.
pub fn eval(input: impl BufRead, mut output: impl Write) -> anyhow::Result<Summary> {
    let mut calendars: HashMap<String, Calendar> = HashMap::new();
    let mut summary = Summary::default();
    for (index, line) in input.split(b'\n').enumerate() {
        let line = line.context("the questions could not be read")?;
        let text = String::from_utf8_lossy(&line);
        if text.trim().is_empty() {
            continue;
        }
        let answer = match answer(&text, &mut calendars) {
            Ok((id, result)) => {
                summary.answered += 1;
                json!({"id": id, "result": result})
            }
            Err((id, wrong)) => {
                summary.refused += 1;
                json!({"id": id, "error": format!("line {}: {wrong}", index + 1)})
            }
        };
        writeln!(output, "{answer}").context("the answers could not be written")?;
    }
    output.flush().context("the answers could not be written")?;
    Ok(summary)
}

fn answer(
    line: &str,
    calendars: &mut HashMap<String, Calendar>,
) -> Result<(Value, Value), (Value, String)> {
    let whole: Value = serde_json::from_str(line)
        .map_err(|error| (Value::Null, format!("is not JSON: {error}")))?;
    let id = whole.get("id").cloned().unwrap_or_default();
    let fail = |wrong: String| (id.clone(), wrong);
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

fn solve(question: &Question, calendar: &Calendar) -> Result<Value, String> {
    let instant = |name: &str, value: &Option<String>| {
        let text = value
            .as_deref()
            .ok_or_else(|| format!("{name} is missing"))?;
        Moment::parse(text).map_err(|wrong| format!("{name}: {wrong}"))
    };
    let shown = |at: Moment| json!(in_zone(at, calendar.zone()));
    match question.kind.as_str() {
        "add" => {
            let (start, duration) = (instant("start", &question.start)?, duration(question)?);
            calendar
                .add(start, duration)
                .map(shown)
                .map_err(|error| error.to_string())
        }
        "sub" => {
            let (start, duration) = (instant("start", &question.start)?, duration(question)?);
            calendar
                .sub(start, duration)
                .map(shown)
                .map_err(|error| error.to_string())
        }
        "between" => {
            let (start, end) = (
                instant("start", &question.start)?,
                instant("end", &question.end)?,
            );
            let open = calendar
                .open_between(start, end)
                .map_err(|error| error.to_string())?;
            Ok(seconds(open))
        }
        "is_open" => {
            let at = instant("at", &question.at)?;
            calendar
                .is_open(at)
                .map(|open| json!(open))
                .map_err(|error| error.to_string())
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
    let shape: Shape = serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
    let time_zone: Tz = shape.tz.parse().map_err(|_| {
        format!(
            "\"{}\" is not an IANA time zone such as Europe/Berlin",
            shape.tz
        )
    })?;
    let mut exceptions: Vec<Exception> = Vec::new();
    for date in shape.holidays {
        exceptions.push(Exception {
            date,
            name: String::new(),
            windows: Vec::new(),
        });
    }
    for (date, windows) in shape.overrides {
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
