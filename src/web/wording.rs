//! How pages say lengths of time, dates, money and the words of the terms.

use chrono::NaiveDate;

use super::frame::capitalised;
use crate::domain::calendar::DayEnd;
use crate::domain::clock::{Missing, Why};
use crate::domain::evidence::position_of;
use crate::domain::ladder::{Channel, Direction, Measured, Step, Target as Audience, Until, When};
use crate::domain::terms::{RootCauseFrom, Target, Terms};
use crate::domain::vendor::rung_name;
use crate::domain::words::Metric;
use crate::time::{HOUR, MINUTE, Micros, SECOND};

/// A date: `1 Jan 2026`.
pub fn day(date: NaiveDate) -> String {
    date.format("%-d %b %Y").to_string()
}

/// A date with its weekday: `Thu 1 Jan 2026`.
pub fn weekday(date: NaiveDate) -> String {
    date.format("%a %-d %b %Y").to_string()
}

/// A term: `1 Jan 2026 to 31 Dec 2027`, or `1 Jan 2026, open end`.
pub fn term(from: NaiveDate, to: Option<NaiveDate>) -> String {
    match to {
        Some(to) => format!("{} to {}", day(from), day(to)),
        None => format!("{}, open end", day(from)),
    }
}

/// A length of time: `1 h 30 min`, `15 min`, `0.5 s`.
pub fn length(micros: Micros) -> String {
    let (hours, minutes, rest) = (micros / HOUR, micros % HOUR / MINUTE, micros % MINUTE);
    let mut parts = Vec::new();
    if hours > 0 {
        parts.push(format!("{hours} h"));
    }
    if minutes > 0 {
        parts.push(format!("{minutes} min"));
    }
    if rest > 0 || parts.is_empty() {
        parts.push(format!("{} s", decimal(rest, SECOND)));
    }
    parts.join(" ")
}

/// A length of time that passed, to the second: `1 h 30 min 5 s`; never rounded up.
pub fn passed(micros: Micros) -> String {
    length(micros.max(0) / SECOND * SECOND)
}

/// How far a deadline lies ahead, or behind where that is negative: `1 d 02:03:04 left`, `3:04 late`.
///
/// The same form as the script's countdown. At the deadline itself the promise is still kept: late
/// begins after it.
pub fn countdown(micros: Micros) -> String {
    let (seconds, word) = match micros {
        late if late < 0 => (-late / SECOND, "late"),
        left => ((left + SECOND - 1) / SECOND, "left"),
    };
    let (days, hours, minutes, seconds) = (
        seconds / 86_400,
        seconds / 3_600 % 24,
        seconds / 60 % 60,
        seconds % 60,
    );
    match (days, hours) {
        (0, 0) => format!("{minutes}:{seconds:02} {word}"),
        (0, hours) => format!("{hours}:{minutes:02}:{seconds:02} {word}"),
        _ => format!("{days} d {hours:02}:{minutes:02}:{seconds:02} {word}"),
    }
}

/// Open time that is left of a budget, in hours, minutes and seconds: `59:39:37 left`; days of open
/// time would be taken for days of the calendar.
pub fn remaining(micros: Micros) -> String {
    let seconds = (micros.max(0) + SECOND - 1) / SECOND;
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02} left"),
        hours => format!("{hours}:{minutes:02}:{seconds:02} left"),
    }
}

/// How many of a unit a length of time is, without more decimals than it has.
pub fn decimal(micros: Micros, unit: Micros) -> String {
    let (whole, rest) = (micros / unit, micros % unit);
    if rest == 0 {
        return whole.to_string();
    }
    // Six decimals of a second, and of the units that pages offer, are exact.
    let fraction = i128::from(rest) * 1_000_000 / i128::from(unit);
    format!("{whole}.{}", format!("{fraction:06}").trim_end_matches('0'))
}

/// A target: `15 min`, `2 business days, 16:00`.
pub fn target(target: Target) -> String {
    match target {
        Target::OpenTime(budget) => length(budget),
        Target::BusinessDays { days, at } => {
            let days = match days {
                0 => "the same business day".to_string(),
                1 => "1 business day".to_string(),
                days => format!("{days} business days"),
            };
            match at {
                DayEnd::SameTime => days,
                DayEnd::Close => format!("{days}, at closing"),
                DayEnd::At(_) => format!("{days}, {at}"),
            }
        }
    }
}

/// A target of that metric: an update is due `every 1 h`.
pub fn promise(metric: Metric, of: Target) -> String {
    match metric {
        Metric::Update => format!("every {}", target(of)),
        Metric::DataLoss => format!("at most {} of data", target(of)),
        _ => target(of),
    }
}

/// A metric as it begins a sentence.
pub fn metric(metric: Metric) -> String {
    capitalised(&metric.as_str().replace('_', " "))
}

/// Why there is no clock of a metric: `No clock for resolve: promised for S1 (clause 5.3) only, and the
/// severity is S2 since event 4.`
pub fn missing(missing: &Missing, terms: &Terms) -> String {
    let metric = missing.metric.as_str().replace('_', " ");
    let why = match &missing.why {
        Why::NotPromised => format!(
            "terms {} of {} promise nothing of the kind",
            terms.number,
            day(terms.effective_from)
        ),
        Why::NotForSeverity {
            severity,
            promised,
            since,
            corrected,
        } => {
            let promised: Vec<String> = promised
                .iter()
                .map(|(severity, clause)| format!("{severity} (clause {clause})"))
                .collect();
            let since = match (since, corrected) {
                (Some(seq), _) => format!(" since event {seq}"),
                (None, Some(seq)) => format!(" by the correction in event {seq}"),
                (None, None) => String::new(),
            };
            format!(
                "terms {} promise it for {} only, and the severity is {severity}{since}",
                terms.number,
                promised.join(", ")
            )
        }
        Why::Cancelled { seq, void: true } => {
            format!("cancelled as never having been, in event {seq}")
        }
        Why::Cancelled { seq, void: false } => format!("cancelled in event {seq}"),
        Why::NotStarted => match (missing.metric, terms.promise.root_cause_from) {
            (Metric::DataLoss, _) => "it waits for the loss to be measured".to_string(),
            (Metric::RootCause, RootCauseFrom::Resolved) => "it starts with the repair".to_string(),
            (Metric::RootCause, RootCauseFrom::Restored) => {
                "it starts when the service is restored".to_string()
            }
            _ => "it starts with the report".to_string(),
        },
    };
    format!("No clock for {metric}: {why}.")
}

/// An amount in minor units: `EUR 12,000.00`.
pub fn money(currency: &str, minor: i64) -> String {
    let decimals = decimals(currency);
    let unit = 10_i64.pow(decimals);
    let (whole, rest) = (minor / unit, (minor % unit).abs());
    let digits = whole.abs().to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = if minor < 0 { "-" } else { "" };
    match decimals {
        0 => format!("{currency} {sign}{grouped}"),
        width => format!(
            "{currency} {sign}{grouped}.{rest:0width$}",
            width = width as usize
        ),
    }
}

/// How many decimals a currency has; two where ISO 4217 does not say.
pub fn decimals(currency: &str) -> u32 {
    iso_currency::Currency::from_code(currency)
        .and_then(|currency| currency.exponent())
        .map_or(2, u32::from)
}

/// The moment of a step: `At 75 % of the budget`, `30 min before the deadline`.
pub fn when(when: When) -> String {
    let offset = |offset, measured, side| {
        let elapsed = match measured {
            Measured::Open => "",
            Measured::Elapsed => " (elapsed)",
        };
        format!("{} {side} the deadline{elapsed}", length(offset))
    };
    match when {
        _ if when.direction() == Direction::At => "At the deadline".to_string(),
        When::Percent(percent) => format!("At {percent} % of the budget"),
        When::AtDue => "At the deadline".to_string(),
        When::BeforeDue(by, measured) => offset(by, measured, "before"),
        When::AfterDue(by, measured) => offset(by, measured, "after"),
    }
}

/// Whom a step tells: `vendor rung 2 (duty manager)`, `every manager`, `on duty by network`.
pub fn audience(of: &Audience) -> String {
    match of {
        Audience::VendorRung(rung) => format!("vendor rung {rung} ({})", rung_name(*rung)),
        Audience::Owner => "owner".to_string(),
        Audience::Reporter => "reporter".to_string(),
        Audience::Role(role) => format!("every {role}"),
        Audience::Person(email) => email.clone(),
        Audience::Team(name) => format!("team {name}"),
        Audience::OnDuty(name) => format!("on duty by {name}"),
    }
}

/// How a step tells: `e-mail and webhook chat`.
pub fn channels(step: &Step) -> String {
    let by: Vec<String> = step
        .by
        .iter()
        .map(|channel| match channel {
            Channel::Email => "e-mail".to_string(),
            Channel::Webhook(name) => format!("webhook {name}"),
        })
        .collect();
    by.join(" and ")
}

/// What else a step says: its repeats, what it waits for, what it is for.
pub fn details(step: &Step) -> String {
    use crate::domain::ladder::Hold;
    let mut parts = Vec::new();
    if let Some(repeat) = step.repeat {
        let until = match repeat.until {
            Until::Acknowledged => "acknowledged",
            Until::Stopped => "the clock stops",
        };
        let times = match repeat.times {
            1 => "once".to_string(),
            times => format!("{times} times"),
        };
        parts.push(format!(
            "again after {} at most {times}, until {until}",
            length(repeat.every)
        ));
    }
    if step.hold == Hold::RecipientHours {
        parts.push("held to the recipient's hours".to_string());
    }
    if let Some(metrics) = &step.metrics {
        let metrics: Vec<_> = metrics.iter().map(|metric| metric.as_str()).collect();
        parts.push(format!("only {}", metrics.join(", ")));
    }
    if let Some(severities) = &step.severities {
        parts.push(format!("only {}", severities.join(", ")));
    }
    parts.join(" · ")
}

/// How long a file is: `840 bytes`, `12 KB`, `3.4 MB`.
pub fn bytes(size: i64) -> String {
    match size {
        ..1_000 => format!("{size} bytes"),
        1_000..1_000_000 => format!("{} KB", size / 1_000),
        _ => format!("{:.1} MB", size as f64 / 1_000_000.0),
    }
}

/// What people call a text of an event.
pub fn text_name(name: &str) -> String {
    match name {
        "title" => "Title".to_string(),
        "description" => "Description".to_string(),
        "vendor_reference" => "Vendor's reference".to_string(),
        "reason" => "What was said".to_string(),
        "name" => "Who said so".to_string(),
        "contact" => "Whose letter it was, or who wrote".to_string(),
        "subject" => "Subject of the message".to_string(),
        other => match position_of(other) {
            Some(position) => format!("File {position}, name and content"),
            None => other.replace('_', " "),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_said_in_the_units_they_have() {
        let said = [
            0,
            SECOND / 2,
            3 * SECOND,
            15 * MINUTE,
            90 * MINUTE,
            100 * HOUR + SECOND,
        ];
        let said: Vec<_> = said.into_iter().map(length).collect();
        assert_eq!(
            said,
            ["0 s", "0.5 s", "3 s", "15 min", "1 h 30 min", "100 h 1 s"]
        );
        assert_eq!(decimal(90 * MINUTE, HOUR), "1.5");
    }

    #[test]
    fn a_countdown_reaches_zero_at_the_deadline_and_not_before() {
        let said = [
            93_784 * SECOND,
            3_784 * SECOND,
            184 * SECOND,
            1,
            0,
            -1,
            -61 * SECOND,
        ];
        let said: Vec<_> = said.into_iter().map(countdown).collect();
        assert_eq!(
            said,
            [
                "1 d 02:03:04 left",
                "1:03:04 left",
                "3:04 left",
                "0:01 left",
                "0:00 left",
                "0:00 late",
                "1:01 late"
            ]
        );
        assert_eq!(remaining(59 * HOUR + 184 * SECOND), "59:03:04 left");
        assert_eq!(passed(61 * SECOND + 999), "1 min 1 s");
    }

    #[test]
    fn money_has_the_decimals_of_its_currency() {
        assert_eq!(money("EUR", 1_200_000), "EUR 12,000.00");
        assert_eq!(money("EUR", -5), "EUR -0.05");
        assert_eq!(money("JPY", 1_234_567), "JPY 1,234,567");
        assert_eq!(money("KWD", 1_500), "KWD 1.500");
    }

    #[test]
    fn targets_and_steps_are_said_as_one_would() {
        let business = |days, at: &str| Target::BusinessDays {
            days,
            at: at.parse().unwrap(),
        };
        assert_eq!(promise(Metric::Update, Target::OpenTime(HOUR)), "every 1 h");
        assert_eq!(target(business(2, "16:00")), "2 business days, 16:00");
        assert_eq!(
            target(business(0, "close")),
            "the same business day, at closing"
        );
        assert_eq!(when(When::Percent(75)), "At 75 % of the budget");
        assert_eq!(when(When::Percent(100)), "At the deadline");
        assert_eq!(
            when(When::AfterDue(HOUR, Measured::Elapsed)),
            "1 h after the deadline (elapsed)"
        );
    }
}
