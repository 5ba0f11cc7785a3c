//! Lengths of time as people and scripts write them: ISO 8601, in hours, minutes and seconds.

use crate::time::{HOUR, MINUTE, Micros, SECOND};

/// No budget of a real contract is longer; keeps every sum far from overflow.
pub const LONGEST: Micros = 100 * 366 * 24 * HOUR;

/// Reads `PT15M`, `PT1H30M`, `PT3S`, `PT0.5S`, `PT0S`.
///
/// Days and longer units are refused: in a commitment "one day" is either 24 open hours, which is
/// written `PT24H`, or a business day, which is a target of its own.
///
/// # Errors
/// A sentence for the person who entered it.
pub fn parse(text: &str) -> Result<Micros, String> {
    let wrong = || {
        format!(
            "\"{text}\" is not a duration in hours, minutes and seconds; write it like PT15M, PT4H or PT1H30M"
        )
    };
    let mut rest = text.trim().strip_prefix("PT").ok_or_else(wrong)?;
    let mut total: Micros = 0;
    let mut units: &[(char, Micros)] = &[('H', HOUR), ('M', MINUTE), ('S', SECOND)];
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or_else(wrong)?;
        let unit = rest[end..].chars().next().ok_or_else(wrong)?;
        let place = units
            .iter()
            .position(|(name, _)| *name == unit)
            .ok_or_else(wrong)?;
        let length = units[place].1;
        units = &units[place + 1..];
        let (whole, fraction) = rest[..end].split_once('.').unwrap_or((&rest[..end], ""));
        if whole.is_empty()
            || (rest[..end].contains('.')
                && (unit != 'S' || fraction.is_empty() || fraction.len() > 6))
        {
            return Err(wrong());
        }
        let amount: i64 = whole.parse().map_err(|_| too_long(text))?;
        total = amount
            .checked_mul(length)
            .and_then(|part| total.checked_add(part))
            .ok_or_else(|| too_long(text))?;
        if !fraction.is_empty() {
            let micros: i64 = format!("{fraction:0<6}").parse().map_err(|_| wrong())?;
            total += micros;
        }
        rest = &rest[end + 1..];
    }
    if total > LONGEST {
        return Err(too_long(text));
    }
    Ok(total)
}

fn too_long(text: &str) -> String {
    format!("\"{text}\" is longer than a hundred years")
}

/// Writes a length of time so that [`parse`] reads it back.
pub fn write(micros: Micros) -> String {
    let (hours, minutes) = (micros / HOUR, micros % HOUR / MINUTE);
    let (seconds, fraction) = (micros % MINUTE / SECOND, micros % SECOND);
    let mut text = String::from("PT");
    if hours > 0 {
        text += &format!("{hours}H");
    }
    if minutes > 0 {
        text += &format!("{minutes}M");
    }
    if fraction > 0 {
        text += &format!(
            "{seconds}.{}S",
            format!("{fraction:06}").trim_end_matches('0')
        );
    } else if seconds > 0 || text.len() == 2 {
        text += &format!("{seconds}S");
    }
    text
}

/// For `#[serde(with = "duration")]`: microseconds inside, ISO 8601 outside.
pub fn serialize<S: serde::Serializer>(micros: &Micros, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&write(*micros))
}

/// For `#[serde(with = "duration")]`.
pub fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Micros, D::Error> {
    let text = <String as serde::Deserialize>::deserialize(deserializer)?;
    parse(&text).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for text in [
            "PT0S",
            "PT3S",
            "PT0.5S",
            "PT15M",
            "PT1H",
            "PT1H30M",
            "PT100H0.000001S",
        ] {
            assert_eq!(write(parse(text).unwrap()), text);
        }
        assert_eq!(parse("PT90M").unwrap(), 90 * MINUTE);
    }

    #[test]
    fn days_and_nonsense_are_refused_with_the_way_out() {
        for text in [
            "P1D",
            "P1DT1H",
            "15M",
            "PT",
            "PT1.5H",
            "PT-5M",
            "PT5",
            "PTM",
            "PT1M1H",
            "PT99999999999H",
            "PT1.S",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse("P1D").unwrap_err().contains("PT4H"));
    }
}
