//! Fields of forms that stand for more than one value of the API: the windows of a day, a target, a
//! list of codes.
//!
//! A form is read as the API's JSON. What cannot even be put into that shape is a fault of its own,
//! which is shown together with those that the input has otherwise.

use serde_json::{Map, Value, json};

use super::Choice;
use crate::domain::calendar::{DayEnd, Window};
use crate::domain::duration;
use crate::domain::input::FieldError;
use crate::domain::terms::Target;
use crate::time::{HOUR, MINUTE, Micros, SECOND};
use crate::web::error::Fault;
use crate::web::wording;

/// The units of a target: what is sent, what one reads, and its length where it has one.
const UNITS: &[(&str, &str, Option<Micros>)] = &[
    ("minutes", "minutes", Some(MINUTE)),
    ("hours", "hours", Some(HOUR)),
    ("seconds", "seconds", Some(SECOND)),
    ("business_days", "business days", None),
];

/// The units that a target may be written in.
pub fn units() -> Vec<Choice> {
    UNITS
        .iter()
        .map(|(value, label, _)| Choice::new(*value, *label))
        .collect()
}

/// A target as the form shows it.
pub struct TargetFields {
    /// How many.
    pub amount: String,
    /// Of what.
    pub unit: &'static str,
    /// The end of a business-day target; empty: the time of the start.
    pub at: String,
}

/// Takes a target apart.
pub fn target_fields(target: Target) -> TargetFields {
    match target {
        Target::OpenTime(budget) => {
            let (amount, unit) = amount(budget);
            TargetFields {
                amount,
                unit,
                at: String::new(),
            }
        }
        Target::BusinessDays { days, at } => TargetFields {
            amount: days.to_string(),
            unit: "business_days",
            at: match at {
                DayEnd::SameTime => String::new(),
                at => at.to_string(),
            },
        },
    }
}

/// A length of time in the largest unit in which it is whole.
pub fn amount(length: Micros) -> (String, &'static str) {
    for (unit, micros) in [("hours", HOUR), ("minutes", MINUTE)] {
        if length > 0 && length % micros == 0 {
            return ((length / micros).to_string(), unit);
        }
    }
    (wording::decimal(length, SECOND), "seconds")
}

/// Puts a target together as the API takes it.
///
/// # Errors
/// A sentence for the person who entered it.
pub fn target_json(amount: &str, unit: &str, at: &str) -> Result<Value, String> {
    if unit != "business_days" {
        return Ok(json!({"open_time": duration::write(length(amount, unit)?)}));
    }
    let days: i64 = amount
        .trim()
        .parse()
        .map_err(|_| format!("\"{amount}\" is not a whole number of business days"))?;
    Ok(match at.trim() {
        "" => json!({"business_days": days}),
        at => json!({"business_days": days, "at": at}),
    })
}

/// Reads a length of time as an amount of a unit: `15`, `1.5`.
///
/// # Errors
/// A sentence for the person who entered it.
pub fn length(amount: &str, unit: &str) -> Result<Micros, String> {
    let wrong =
        || format!("\"{amount}\" is not an amount of time; write a number such as 15 or 1.5");
    let micros = UNITS.iter().find(|(value, _, _)| *value == unit);
    let micros = micros
        .and_then(|(_, _, length)| *length)
        .ok_or_else(|| "choose minutes, hours or seconds".to_string())?;
    let digits = amount.trim();
    let is_large = digits.len() > 10 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let length = decimal(amount, 6)
        .map(|millionths| i128::from(millionths) * i128::from(micros) / 1_000_000);
    if is_large || length.is_some_and(|length| length > i128::from(duration::LONGEST)) {
        return Err(format!("{digits} {unit} are longer than a hundred years"));
    }
    length
        .and_then(|length| Micros::try_from(length).ok())
        .ok_or_else(wrong)
}

/// Reads a length of time as one writes it: `30 min`, `1 h 30 min`, `10 s`.
///
/// # Errors
/// A sentence for the person who entered it.
pub fn length_of_text(text: &str) -> Result<Micros, String> {
    let wrong =
        || format!("\"{text}\" is not a length of time; write it like 30 min or 1 h 30 min");
    let mut total: Micros = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err("say how long: 30 min, or 1 h 30 min".to_string());
    }
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or_else(wrong)?;
        let (amount, after) = rest.split_at(end);
        let after = after.trim_start();
        let end = after
            .find(|c: char| !c.is_alphabetic())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let unit = match unit {
            "h" | "hour" | "hours" => "hours",
            "m" | "min" | "minute" | "minutes" => "minutes",
            "s" | "sec" | "second" | "seconds" => "seconds",
            _ => return Err(wrong()),
        };
        let part = length(amount, unit).map_err(|_| wrong())?;
        total = total.checked_add(part).ok_or_else(wrong)?;
        rest = after.trim_start();
    }
    Ok(total)
}

/// Reads a decimal number that is not negative, as that many places make it whole: `12.5` with two
/// places is 1250.
pub fn decimal(text: &str, places: u32) -> Option<i64> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let width = places as usize;
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) || fraction.len() > width {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let fraction: i64 = format!("{fraction:0<width$}0").parse().ok()?;
    whole
        .checked_mul(10_i64.checked_pow(places)?)?
        .checked_add(fraction / 10)
}

/// The windows of a day as the form shows them: `09:00-12:30, 13:30-18:00`.
pub fn windows_text(windows: &[Window]) -> String {
    let written = windows
        .iter()
        .map(|window| format!("{}-{}", window.opens(), window.closes()));
    written.collect::<Vec<_>>().join(", ")
}

/// The windows of a day as the API takes them.
///
/// # Errors
/// A sentence for the person who entered it.
pub fn windows_json(text: &str) -> Result<Value, String> {
    let mut windows = Vec::new();
    for part in text
        .split([',', ';'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        let (open, close) = part.split_once(['-', '–']).ok_or_else(|| {
            format!("\"{part}\" is not a window; write windows like 09:00-12:30, 13:30-18:00")
        })?;
        windows.push(json!([open.trim(), close.trim()]));
    }
    Ok(Value::Array(windows))
}

/// A list of words that are written with commas between them; nothing when there is none.
pub fn words_json(text: &str) -> Value {
    let words: Vec<&str> = text
        .split([',', ';'])
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .collect();
    if words.is_empty() {
        Value::Null
    } else {
        json!(words)
    }
}

/// The rows of a list in the input that a form gave.
pub fn rows<'a>(
    value: &'a mut Value,
    list: &str,
) -> impl Iterator<Item = &'a mut Map<String, Value>> {
    let rows = value.get_mut(list).and_then(Value::as_array_mut);
    rows.into_iter().flatten().filter_map(Value::as_object_mut)
}

/// Takes a text out of a row, where something else is put.
pub fn take(row: &mut Map<String, Value>, field: &str) -> String {
    match row.remove(field) {
        Some(Value::String(text)) => text,
        _ => String::new(),
    }
}

/// Joins what could not be put into the API's shape with what is wrong otherwise: `place` says at
/// which field of the form a fault of the input stands, and a field has one fault, ours first.
pub fn join_faults(
    ours: Vec<FieldError>,
    other: Vec<FieldError>,
    place: impl Fn(&str) -> String,
) -> Vec<FieldError> {
    let mut faults = ours;
    for fault in other {
        let field = place(&fault.field);
        if !faults.iter().any(|known| known.field == field) {
            faults.push(FieldError::new(field, fault.message));
        }
    }
    faults
}

/// Shows the faults of an outcome at the fields of the form.
pub fn at_form(fault: Fault, place: impl Fn(&str) -> String) -> Fault {
    match fault {
        Fault::Said(crate::error::Error::Invalid(faults)) => {
            Fault::Said(join_faults(Vec::new(), faults, place).into())
        }
        other => other,
    }
}

/// The field of a list of which one item is wrong: `week.mon[0]` stands in `week.mon`.
pub fn whole_list(field: &str) -> &str {
    match field.rsplit_once('[') {
        Some((list, rest)) if rest.ends_with(']') => list,
        _ => field,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_put_together_and_taken_apart() {
        let table = [
            (("15", "minutes", ""), json!({"open_time": "PT15M"})),
            (("1.5", "hours", ""), json!({"open_time": "PT1H30M"})),
            (("0.5", "seconds", ""), json!({"open_time": "PT0.5S"})),
            (
                ("2", "business_days", "16:00"),
                json!({"business_days": 2, "at": "16:00"}),
            ),
            (("0", "business_days", ""), json!({"business_days": 0})),
        ];
        for ((amount, unit, at), wanted) in table {
            let made = target_json(amount, unit, at).unwrap();
            assert_eq!(made, wanted);
            let target: Target = serde_json::from_value(made).unwrap();
            let fields = target_fields(target);
            let again = target_json(&fields.amount, fields.unit, &fields.at).unwrap();
            assert_eq!(serde_json::from_value::<Target>(again).unwrap(), target);
        }
        for (amount, unit) in [
            ("", "hours"),
            ("-1", "hours"),
            ("1,5", "hours"),
            ("1.5", "business_days"),
            ("1", "weeks"),
            ("99999999999", "hours"),
            ("1.0000001", "seconds"),
        ] {
            assert!(target_json(amount, unit, "").is_err(), "{amount} {unit}");
        }
    }

    #[test]
    fn windows_are_written_in_a_line() {
        let line = "09:00-12:30, 13:30 – 18:00; 22:00-06:00";
        let windows: Vec<Window> = serde_json::from_value(windows_json(line).unwrap()).unwrap();
        assert_eq!(
            windows_text(&windows),
            "09:00-12:30, 13:30-18:00, 22:00-06:00"
        );
        assert_eq!(windows_json("").unwrap(), json!([]));
        assert!(windows_json("all day").unwrap_err().contains("13:30-18:00"));
    }

    #[test]
    fn lengths_are_read_as_they_are_said() {
        for micros in [10 * SECOND, 90 * MINUTE, 26 * HOUR, SECOND / 2] {
            assert_eq!(length_of_text(&wording::length(micros)), Ok(micros));
        }
        assert_eq!(length_of_text("1.5 hours"), Ok(90 * MINUTE));
        for text in ["", "30", "min", "1 week", "-5 min", "1 h 5"] {
            assert!(length_of_text(text).is_err(), "{text}");
        }
    }

    #[test]
    fn decimals_are_exact() {
        assert_eq!(decimal("12000.50", 2), Some(1_200_050));
        assert_eq!(decimal("7", 0), Some(7));
        assert_eq!(decimal("7.5", 0), None);
        assert_eq!(decimal("1,000.00", 2), None);
        assert_eq!(decimal("99999999999999999999", 2), None);
    }

    #[test]
    fn a_field_has_one_fault_and_ours_comes_first() {
        let ours = vec![FieldError::new("week.mon", "ours")];
        let other = vec![
            FieldError::new("week.mon[1]", "theirs"),
            FieldError::new("name", "missing"),
        ];
        let joined = join_faults(ours, other, |field| whole_list(field).to_string());
        let said: Vec<_> = joined
            .iter()
            .map(|f| (f.field.as_str(), f.message.as_str()))
            .collect();
        assert_eq!(said, [("week.mon", "ours"), ("name", "missing")]);
    }
}
