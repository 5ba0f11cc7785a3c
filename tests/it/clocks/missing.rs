//! Why there is no clock.

use redress::domain::CaseId;
use redress::domain::clock::{Why, judge, missing};
use redress::domain::terms::Promise;
use redress::domain::timeline::{Fields, facts};
use redress::domain::words::{EventKind, Metric};

use super::story::*;

fn promise() -> Promise {
    terms()
        .promises(Metric::Respond, "S1", open("PT1H"), OFFICE)
        .promises(Metric::Respond, "S2", open("PT2H"), OFFICE)
        .promises(Metric::Resolve, "S1", open("PT4H"), OFFICE)
        .promises(Metric::RootCause, "S2", open("PT8H"), OFFICE)
}

/// Why the case has no clock of that metric; nothing where one runs or ran.
fn why(story: &Story, metric: Metric, now: &str) -> Option<Why> {
    let facts = facts(&story.events);
    let clocks = judge(CaseId(1), &story.promise, &facts, &story.book, at(now)).unwrap();
    let all = missing(CaseId(1), &story.promise, &story.events, &facts, &clocks);
    let found = all.into_iter().find(|missing| missing.metric == metric);
    found.map(|missing| missing.why)
}

fn not_for(severity: &str, since: Option<i64>, corrected: Option<i64>) -> Option<Why> {
    Some(Why::NotForSeverity {
        severity: severity.into(),
        promised: vec![("S1".into(), "4.3".into())],
        since,
        corrected,
    })
}

#[test]
fn what_is_not_promised_and_what_has_not_begun_are_told_apart() {
    let mut story = Story::under(promise());
    story.reported("Mon 09:00", "S2");
    let why = |metric| why(&story, metric, "Mon 10:00");
    assert_eq!(why(Metric::Respond), None);
    assert_eq!(why(Metric::Update), Some(Why::NotPromised));
    assert_eq!(why(Metric::Resolve), not_for("S2", None, None));
    assert_eq!(why(Metric::RootCause), Some(Why::NotStarted));
}

#[test]
fn a_severity_change_or_a_correction_that_took_a_clock_away_is_named() {
    let mut story = Story::under(promise());
    let reported = story.reported("Mon 09:00", "S1");
    assert_eq!(why(&story, Metric::Resolve, "Mon 09:30"), None);
    let mut changed = story.clone();
    let change = changed.severity("Mon 10:00", "S2");
    let found = why(&changed, Metric::Resolve, "Mon 11:00");
    assert_eq!(found, not_for("S2", Some(change), None));
    let severity = Some("S2".to_string());
    let right = Fields {
        severity,
        ..Fields::default()
    };
    let correction = story.corrects(reported, right);
    let found = why(&story, Metric::Resolve, "Sun+ 13:00");
    assert_eq!(found, not_for("S2", None, Some(correction)));
}

#[test]
fn a_cancelled_case_says_by_which_event() {
    let mut story = Story::under(promise());
    story.reported("Mon 09:00", "S1");
    let void = Fields {
        void: true,
        ..Fields::default()
    };
    let seq = story.enters(EventKind::Cancelled, "Mon 10:00", void);
    assert_eq!(
        why(&story, Metric::Resolve, "Mon 11:00"),
        Some(Why::Cancelled { seq, void: true })
    );
    assert_eq!(
        why(&story, Metric::Update, "Mon 11:00"),
        Some(Why::NotPromised)
    );
}
