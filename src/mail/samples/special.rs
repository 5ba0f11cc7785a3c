//! Samples of what only some letters about an incident say.

use super::clocks::{by_business_day, data_lost, late, missed, never_came};
use super::{Sample, after_due, at, on_time, say, step};
use crate::domain::letter::{
    AnswerFacts, ClockFacts, CorrectedFacts, IncidentFacts, LetterKind, StepFacts,
};
use crate::domain::link::Purpose;
use crate::domain::locale::Locale;
use crate::domain::words::{EventKind, Metric};
use crate::time::{HOUR, MINUTE};

/// The samples that such a letter has besides those of every letter.
pub(super) fn samples(locale: Locale, usual: IncidentFacts) -> Vec<Sample> {
    let with = |name, title, clock: ClockFacts| {
        let facts = IncidentFacts {
            clocks: vec![clock],
            ..usual.clone()
        };
        on_time(name, title, facts)
    };
    match usual.kind {
        LetterKind::Raised => vec![with(
            "business-day",
            "Due by a business day",
            by_business_day(locale),
        )],
        LetterKind::Warned => vec![
            with(
                "business-day",
                "Due by a business day",
                by_business_day(locale),
            ),
            reminder(usual.clone(), usual.clocks[0].clone()),
        ],
        LetterKind::Escalated | LetterKind::Breached => vec![
            reminder(usual.clone(), late(locale, 2 * HOUR)),
            with("done-late", "It was done, late", missed(locale)),
            with("never-came", "An update never came", never_came(locale)),
            with("data-lost", "Too much data was lost", data_lost(locale)),
            with(
                "not-late",
                "The step lies before the deadline",
                by_business_day(locale),
            ),
        ],
        LetterKind::Resolved => vec![with("missed", "One was missed", missed(locale))],
        LetterKind::Reopened => vec![rejected(locale, usual)],
        LetterKind::Corrected => corrections(&usual),
        LetterKind::Answered => answers(&usual),
        LetterKind::Report | LetterKind::Undeliverable => Vec::new(),
    }
}

/// What was said before is said again.
fn reminder(usual: IncidentFacts, clock: ClockFacts) -> Sample {
    let planned_at = at(11, 20, 17, 55);
    let repeat = StepFacts {
        repeat: 2,
        reminder: true,
        ..step(after_due(2 * HOUR, "open"), planned_at)
    };
    on_time(
        "reminder",
        "A reminder",
        IncidentFacts {
            planned_at,
            step: Some(repeat),
            clocks: vec![clock],
            ..usual
        },
    )
}

fn rejected(locale: Locale, usual: IncidentFacts) -> Sample {
    let remark = say(locale, "It fails again under load.", "高负载时再次中断。");
    on_time(
        "rejected",
        "The repair was rejected",
        IncidentFacts {
            rejected: true,
            remark: Some(remark),
            ..usual
        },
    )
}

/// The breach that is withdrawn.
pub(super) fn corrected(locale: Locale) -> CorrectedFacts {
    CorrectedFacts {
        breach: "B-17".to_string(),
        metric: Metric::Respond,
        clause: "5.1".to_string(),
        due_at: at(11, 20, 15, 55),
        seq: 6,
        kind: EventKind::Responded,
        occurred_at: at(11, 20, 15, 52),
        reason: say(
            locale,
            "their log shows 16:52 local",
            "对方日志显示当地时间 16:52 已响应",
        ),
    }
}

fn corrections(usual: &IncidentFacts) -> Vec<Sample> {
    let Some(corrected) = &usual.corrected else {
        return Vec::new();
    };
    let no_reason = CorrectedFacts {
        reason: String::new(),
        ..corrected.clone()
    };
    let of_data = CorrectedFacts {
        metric: Metric::DataLoss,
        clause: "5.7".to_string(),
        kind: EventKind::Corrected,
        ..corrected.clone()
    };
    let with = |name, title, corrected, clocks| {
        let facts = IncidentFacts {
            corrected: Some(corrected),
            clocks,
            ..usual.clone()
        };
        on_time(name, title, facts)
    };
    vec![
        with(
            "no-reason",
            "No reason was given",
            no_reason,
            usual.clocks.clone(),
        ),
        with(
            "data-lost",
            "Less data was lost than was said",
            of_data,
            Vec::new(),
        ),
    ]
}

/// What the vendor answered: a time, with a remark.
pub(super) fn answer(locale: Locale) -> AnswerFacts {
    AnswerFacts {
        by_mail: false,
        is_checked: false,
        seq: 4,
        kind: EventKind::Promised,
        at: at(11, 20, 15, 52),
        name: say(locale, "Mei Lin", "林梅"),
        contact: say(
            locale,
            "Duty manager <duty@vendor.example>",
            "值班经理陈伟 <duty@vendor.example>",
        ),
        promised_for: Some(at(11, 20, 18, 30)),
        remark: say(
            locale,
            "A technician is on the way.\nShe has the key.",
            "技术人员已在途中。\n钥匙在她手上。",
        ),
    }
}

/// Every answer that a link can give, and those by mail.
fn answers(usual: &IncidentFacts) -> Vec<Sample> {
    let Some(promised) = &usual.answer else {
        return Vec::new();
    };
    let named = |purpose: Purpose| match purpose {
        Purpose::Acknowledge => Some(("acknowledged", "Somebody has it in hand")),
        Purpose::Update => Some(("updated", "An update")),
        Purpose::Workaround => Some(("workaround", "A workaround")),
        Purpose::Restored => Some(("restored", "The service is back")),
        Purpose::Resolved => Some(("repaired", "It is repaired")),
        Purpose::Promise | Purpose::View | Purpose::Take => None,
    };
    let sample = |purpose: Purpose| {
        let ((name, title), kind) = (named(purpose)?, purpose.records()?);
        let facts = IncidentFacts {
            answer: Some(AnswerFacts {
                kind,
                promised_for: None,
                remark: String::new(),
                ..promised.clone()
            }),
            planned_at: promised.at + MINUTE / 2,
            ..usual.clone()
        };
        Some(on_time(name, title, facts))
    };
    let mut answers: Vec<Sample> = Purpose::ANSWERS.into_iter().filter_map(sample).collect();
    let by_mail = |is_checked: bool| IncidentFacts {
        answer: Some(AnswerFacts {
            by_mail: true,
            is_checked,
            ..promised.clone()
        }),
        ..usual.clone()
    };
    answers.push(on_time("mailed", "A reply by mail", by_mail(false)));
    answers.push(on_time(
        "read",
        "A reply by mail that one of us has read",
        by_mail(true),
    ));
    answers
}
