//! Clocks of samples.

use super::{at, of_metric, say};
use crate::domain::clock::{Line, Part, Row, What};
use crate::domain::letter::{ClockFacts, ExplanationFacts, Promised};
use crate::domain::locale::Locale;
use crate::domain::words::{ClockState, EventKind, Metric};
use crate::domain::zone::Zone;
use crate::time::{HOUR, MINUTE, Micros, Moment};

/// A first response within a quarter of an hour of open time, of which so much is left.
pub(super) fn running(locale: Locale, left: Micros) -> ClockFacts {
    ClockFacts {
        metric: Metric::Respond,
        clause: "5.1".to_string(),
        promise: Promised::OpenTime {
            micros: 15 * MINUTE,
        },
        calendar: say(locale, "Berlin office", "柏林办公时间"),
        started_at: at(11, 20, 15, 40),
        due_at: Some(at(11, 20, 15, 55)),
        provisional: false,
        state: ClockState::Running,
        interval: 0,
        run: 1,
        breached_at: None,
        stopped_at: None,
        lost: None,
        late_open: None,
        late_elapsed: None,
        remaining: Some(left),
    }
}

/// The same past its deadline, by so much.
pub(super) fn late(locale: Locale, late: Micros) -> ClockFacts {
    ClockFacts {
        breached_at: Some(at(11, 20, 15, 55)),
        late_open: Some(late),
        late_elapsed: Some(late),
        remaining: None,
        ..running(locale, 0)
    }
}

/// The same stopped in time.
pub(super) fn met(locale: Locale) -> ClockFacts {
    ClockFacts {
        state: ClockState::Met,
        stopped_at: Some(at(11, 20, 15, 52)),
        ..running(locale, 3 * MINUTE)
    }
}

/// The same stopped too late.
pub(super) fn missed(locale: Locale) -> ClockFacts {
    ClockFacts {
        state: ClockState::Missed,
        stopped_at: Some(at(11, 20, 16, 10)),
        ..late(locale, 15 * MINUTE)
    }
}

/// An update that did not come; the next one is awaited.
pub(super) fn never_came(locale: Locale) -> ClockFacts {
    ClockFacts {
        interval: 3,
        state: ClockState::Missed,
        ..of_metric(Metric::Update, late(locale, 10 * MINUTE))
    }
}

/// A restoration that a clock stop holds.
pub(super) fn paused(locale: Locale) -> ClockFacts {
    ClockFacts {
        clause: "5.3".to_string(),
        promise: Promised::OpenTime { micros: 4 * HOUR },
        due_at: None,
        state: ClockState::Paused,
        remaining: Some(3 * HOUR + 20 * MINUTE),
        ..of_metric(Metric::Restore, running(locale, 0))
    }
}

/// A repair by a business day, which lies past the end of the holiday list.
pub(super) fn by_business_day(locale: Locale) -> ClockFacts {
    ClockFacts {
        clause: "5.4".to_string(),
        promise: Promised::BusinessDays {
            days: 2,
            at: "16:00".to_string(),
        },
        due_at: Some(at(11, 24, 15, 0)),
        provisional: true,
        ..of_metric(Metric::Resolve, running(locale, 11 * HOUR))
    }
}

/// A limit on lost data that was passed.
pub(super) fn data_lost(locale: Locale) -> ClockFacts {
    ClockFacts {
        clause: "5.7".to_string(),
        promise: Promised::Amount { micros: 5 * MINUTE },
        calendar: String::new(),
        due_at: Some(at(11, 20, 17, 0)),
        breached_at: Some(at(11, 20, 17, 0)),
        stopped_at: Some(at(11, 20, 17, 0)),
        state: ClockState::Missed,
        lost: Some(12 * MINUTE),
        late_open: None,
        late_elapsed: None,
        remaining: None,
        ..of_metric(Metric::DataLoss, running(locale, 0))
    }
}

/// A clock in each state there is.
pub(super) fn in_every_state(locale: Locale) -> Vec<ClockFacts> {
    let pending = ClockFacts {
        clause: "5.6".to_string(),
        due_at: None,
        state: ClockState::Pending,
        remaining: None,
        ..of_metric(Metric::RootCause, running(locale, 0))
    };
    let awaiting = ClockFacts {
        stopped_at: Some(at(11, 20, 18, 30)),
        state: ClockState::Awaiting,
        ..by_business_day(locale)
    };
    let cancelled = ClockFacts {
        clause: "5.5".to_string(),
        due_at: None,
        state: ClockState::Cancelled,
        remaining: None,
        ..of_metric(Metric::Workaround, running(locale, 0))
    };
    // Reopened after it was late: another deadline stands, the first was missed.
    let again = ClockFacts {
        clause: "5.3".to_string(),
        promise: Promised::OpenTime { micros: 4 * HOUR },
        due_at: Some(at(11, 23, 9, 0)),
        ..of_metric(Metric::Restore, late(locale, 3 * HOUR))
    };
    vec![
        missed(locale),
        never_came(locale),
        again,
        pending,
        awaiting,
        cancelled,
        met(locale),
        paused(locale),
        data_lost(locale),
    ]
}

/// How the deadline of the first response came about.
pub(super) fn explanation() -> ExplanationFacts {
    let budget = 15 * MINUTE;
    let line = |from: Moment, to: Moment, what: What, total: Micros| {
        Row::Line(Line {
            from,
            to,
            part: Part::Counts,
            what,
            counted: to - from,
            total,
            budget,
            late: None,
        })
    };
    let (reported, due) = (at(11, 20, 15, 40), at(11, 20, 15, 55));
    ExplanationFacts {
        zone: Zone(chrono_tz::Europe::Berlin),
        rows: vec![
            line(
                reported,
                reported,
                What::Started(Some((EventKind::Reported, 1))),
                0,
            ),
            line(
                reported,
                due,
                What::Open(reported.utc().date_naive()),
                budget,
            ),
            line(
                due,
                due,
                What::Due {
                    written: false,
                    floor: None,
                    provisional: false,
                },
                budget,
            ),
        ],
    }
}
