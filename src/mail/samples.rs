//! Letters as they might be: facts for trying templates on, and for whoever wants to see how letters read.
//!
//! Every branch of the templates that are compiled in is taken by some sample; a test sees to it.

use crate::domain::letter::{
    ClockFacts, IncidentFacts, LetterFacts, LetterKind, Recipient, Side, StepFacts, Told, Trigger,
};
use crate::domain::locale::Locale;
use crate::domain::words::Metric;
use crate::domain::zone::Zone;
use crate::time::{HOUR, MINUTE, Micros, Moment};

mod clocks;
mod others;
mod special;

use clocks::{late, met, running};

/// The address of the service in samples.
pub const PUBLIC_URL: &str = "https://redress.example.com";

/// A letter as it might be.
#[derive(Clone, Debug)]
pub struct Sample {
    /// What is special about it, as it stands in addresses: `drill`.
    pub name: &'static str,
    /// The same in words.
    pub title: &'static str,
    /// Its facts.
    pub facts: LetterFacts,
    /// When it goes out.
    pub sent_at: Moment,
}

/// Every sample of letters of that kind in that language.
pub fn samples(kind: LetterKind, locale: Locale) -> Vec<Sample> {
    match kind {
        LetterKind::Report => others::reports(locale),
        LetterKind::Undeliverable => others::undeliverable(locale),
        _ => of_incident(kind, locale),
    }
}

/// Who gets letters of that kind: the vendor's contact, one of us, or both.
pub fn readers(kind: LetterKind, locale: Locale) -> Vec<Recipient> {
    match kind {
        LetterKind::Undeliverable => vec![owner(locale)],
        _ => vec![desk(locale), owner(locale)],
    }
}

/// A moment of the year that the samples lie in.
fn at(month: u32, day: u32, hour: u32, minute: u32) -> Moment {
    // Every day of 2026 has a midnight in UTC.
    let days = chrono::NaiveDate::from_ymd_opt(2026, month, day)
        .unwrap_or_default()
        .signed_duration_since(chrono::NaiveDate::default())
        .num_days();
    let minutes = (days * 24 + i64::from(hour)) * 60 + i64::from(minute);
    Moment::from_micros(minutes * MINUTE)
}

fn say(locale: Locale, english: &str, chinese: &str) -> String {
    match locale {
        Locale::En => english.to_string(),
        Locale::ZhCn => chinese.to_string(),
    }
}

fn zone(locale: Locale) -> Zone {
    match locale {
        Locale::En => Zone(chrono_tz::Europe::London),
        Locale::ZhCn => Zone(chrono_tz::Asia::Shanghai),
    }
}

fn desk(locale: Locale) -> Recipient {
    Recipient {
        name: say(locale, "Service desk", "北风通信服务台"),
        email: "desk@vendor.example".to_string(),
        locale,
        time_zone: zone(locale),
        side: Side::Vendor,
    }
}

fn owner(locale: Locale) -> Recipient {
    Recipient {
        name: say(locale, "Olga Owner", "王丽"),
        email: "owner@example.com".to_string(),
        locale,
        time_zone: zone(locale),
        side: Side::Ours,
    }
}

fn told(name: String, email: &str, side: Side) -> Told {
    Told {
        name,
        email: email.to_string(),
        side,
    }
}

fn step(trigger: Trigger, planned_at: Moment) -> StepFacts {
    StepFacts {
        planned_at,
        trigger,
        repeat: 0,
        reminder: false,
    }
}

fn after_due(offset: Micros, measured: &str) -> Trigger {
    Trigger::AfterDue {
        offset,
        measured: measured.to_string(),
    }
}

/// A letter of that kind in the state of things in which such letters are queued.
fn usual(kind: LetterKind, locale: Locale) -> IncidentFacts {
    let due = at(11, 20, 15, 55);
    let (planned_at, clock, caused) = match kind {
        LetterKind::Warned => {
            let planned = at(11, 20, 15, 51);
            let percent = Trigger::Percent { percent: 75 };
            (planned, running(locale, 4 * MINUTE), Some(percent))
        }
        LetterKind::Escalated | LetterKind::Breached => {
            (due, late(locale, 0), Some(Trigger::AtDue))
        }
        LetterKind::Resolved => (at(11, 20, 18, 30), met(locale), None),
        LetterKind::Corrected => (at(11, 20, 17, 5), met(locale), None),
        LetterKind::Answered => (at(11, 20, 15, 52), met(locale), None),
        _ => (at(11, 20, 15, 40), running(locale, 15 * MINUTE), None),
    };
    IncidentFacts {
        kind,
        incident: "INC-1042".to_string(),
        title: say(locale, "Frankfurt is cut off", "法兰克福机房网络中断"),
        description: say(
            locale,
            "No packet passes since 16:38.\nSite code FRA-2.",
            "自 16:38 起完全不通。\n机房编号：法兰克福二号。",
        ),
        drill: false,
        vendor: say(locale, "Northwind Carrier", "北风通信有限公司"),
        vendor_reference: Some("NW-99812".to_string()),
        contract: "NW-2026".to_string(),
        contract_title: say(locale, "Wide area network", "广域网服务"),
        contract_zone: Zone(chrono_tz::Europe::Berlin),
        owner: say(
            locale,
            "Olga Owner <owner@example.com>",
            "王丽 <owner@example.com>",
        ),
        severity: "S1".to_string(),
        severity_name: say(locale, "Critical", "严重"),
        reported_at: at(11, 20, 15, 40),
        planned_at,
        clocks: vec![clock],
        step: caused.map(|trigger| step(trigger, planned_at)),
        missed_steps: Vec::new(),
        skipped_steps: Vec::new(),
        breach: (kind == LetterKind::Breached).then(|| "B-17".to_string()),
        also_told: vec![
            told(
                say(locale, "Duty manager", "值班经理陈伟"),
                "duty@vendor.example",
                Side::Vendor,
            ),
            told(
                say(locale, "Max Manager", "李强"),
                "max@example.com",
                Side::Ours,
            ),
        ],
        remark: None,
        rejected: false,
        corrected: (kind == LetterKind::Corrected).then(|| special::corrected(locale)),
        answer: (kind == LetterKind::Answered).then(|| special::answer(locale)),
        explanation: (kind == LetterKind::Breached).then(clocks::explanation),
        link: "/incidents/INC-1042".to_string(),
        anchor: Some(others::head()),
    }
}

fn of_incident(kind: LetterKind, locale: Locale) -> Vec<Sample> {
    let usual = usual(kind, locale);
    let mut samples = vec![
        on_time("usual", "As it usually is", usual.clone()),
        on_time(
            "drill",
            "A drill",
            IncidentFacts {
                drill: true,
                ..usual.clone()
            },
        ),
        on_time("bare", "Little is known", bare(usual.clone(), Vec::new())),
        on_time(
            "paused",
            "The clock is paused",
            IncidentFacts {
                clocks: vec![clocks::paused(locale)],
                ..usual.clone()
            },
        ),
        on_time(
            "paused-bare",
            "The clock is paused, and little is known",
            bare(usual.clone(), vec![clocks::paused(locale)]),
        ),
        on_time(
            "many-clocks",
            "Clocks in every state, and a remark",
            IncidentFacts {
                clocks: clocks::in_every_state(locale),
                remark: Some(say(
                    locale,
                    "Please call before you come.",
                    "到场前请先致电。",
                )),
                ..usual.clone()
            },
        ),
        late_letter(locale, usual.clone()),
    ];
    samples.extend(special::samples(locale, usual));
    samples
}

fn on_time(name: &'static str, title: &'static str, facts: IncidentFacts) -> Sample {
    Sample {
        name,
        title,
        sent_at: facts.planned_at,
        facts: LetterFacts::Incident(Box::new(facts)),
    }
}

/// The same without anything that may be missing.
fn bare(usual: IncidentFacts, clocks: Vec<ClockFacts>) -> IncidentFacts {
    IncidentFacts {
        clocks,
        description: String::new(),
        vendor_reference: None,
        contract_title: String::new(),
        owner: String::new(),
        severity_name: String::new(),
        step: None,
        breach: None,
        also_told: Vec::new(),
        corrected: None,
        answer: None,
        explanation: None,
        anchor: None,
        ..usual
    }
}

/// A letter that makes up for steps that fell due while nothing ran.
fn late_letter(locale: Locale, usual: IncidentFacts) -> Sample {
    let sent_at = usual.planned_at + 65 * MINUTE;
    let missed_steps = vec![
        step(Trigger::Percent { percent: 75 }, at(11, 20, 15, 51)),
        StepFacts {
            repeat: 1,
            reminder: true,
            ..step(after_due(HOUR, "elapsed"), at(11, 20, 16, 55))
        },
    ];
    let clock = ClockFacts {
        provisional: true,
        ..late(locale, 65 * MINUTE)
    };
    let is_of_step = usual.step.is_some();
    let facts = IncidentFacts {
        missed_steps: if is_of_step { missed_steps } else { Vec::new() },
        skipped_steps: if is_of_step {
            vec![Trigger::Percent { percent: 90 }]
        } else {
            Vec::new()
        },
        clocks: if is_of_step {
            vec![clock]
        } else {
            usual.clocks.clone()
        },
        ..usual
    };
    Sample {
        sent_at,
        ..on_time("late", "It goes out late", facts)
    }
}

/// Another metric of the same clock.
fn of_metric(metric: Metric, clock: ClockFacts) -> ClockFacts {
    ClockFacts { metric, ..clock }
}

#[cfg(test)]
mod tests;
