//! What starts and stops a clock, and when it is met.

use redress::domain::CaseId;
use redress::domain::clock::judge;
use redress::domain::terms::Promise;
use redress::domain::timeline::facts;
use redress::domain::words::{ClockState, EventKind, Metric};

use super::story::*;

fn desk() -> Promise {
    terms()
        .promises(Metric::Respond, "S2", open("PT1H"), OFFICE)
        .promises(Metric::Workaround, "S2", open("PT2H"), OFFICE)
        .promises(Metric::Restore, "S2", open("PT4H"), OFFICE)
        .promises(Metric::Resolve, "S2", open("PT8H"), OFFICE)
}

fn reported() -> Story {
    let mut story = Story::under(desk());
    story.reported("Mon 10:00", "S2");
    story
}

#[test]
fn every_clock_starts_with_the_report() {
    let story = reported();
    for (metric, stands) in [
        (
            Metric::Respond,
            "running: due Mon 11:00, used PT30M of PT1H",
        ),
        (
            Metric::Workaround,
            "running: due Mon 12:00, used PT30M of PT2H",
        ),
        (
            Metric::Restore,
            "running: due Mon 14:00, used PT30M of PT4H",
        ),
        (
            Metric::Resolve,
            "running: due Tue 10:00, used PT30M of PT8H",
        ),
    ] {
        assert_eq!(story.stands(metric, "Mon 10:30"), stands);
    }
    assert_eq!(story.stands(Metric::Respond, "Mon 09:59"), "no clock");
    assert_eq!(story.stands(Metric::Update, "Mon 10:30"), "no clock");
}

#[test]
fn each_metric_is_stopped_by_its_own_events() {
    use EventKind::{Noted, Resolved, Responded, Restored, Updated, WorkedAround};
    let stops = [
        (
            Metric::Respond,
            vec![Responded, Updated, WorkedAround, Restored, Resolved],
        ),
        (Metric::Workaround, vec![WorkedAround, Restored, Resolved]),
        (Metric::Restore, vec![Restored, Resolved]),
        (Metric::Resolve, vec![Resolved]),
    ];
    for (metric, stopped_by) in stops {
        for kind in [Noted, Responded, Updated, WorkedAround, Restored, Resolved] {
            let mut story = reported();
            story.says(kind, "Mon 10:15");
            let state = story.find(metric, "Mon 10:30").unwrap().state;
            let expected = if stopped_by.contains(&kind) {
                ClockState::Met
            } else {
                ClockState::Running
            };
            assert_eq!(state, expected, "{metric} after {kind}");
        }
    }
}

#[test]
fn the_first_answer_stops_the_clock_and_later_ones_do_not_move_it() {
    let mut story = reported();
    story.says(EventKind::Updated, "Mon 10:15");
    story.says(EventKind::Responded, "Mon 10:45");
    story.says(EventKind::Resolved, "Tue 16:00");
    assert_eq!(
        story.stands(Metric::Respond, "Wed 10:00"),
        "met: due Mon 11:00, used PT15M of PT1H, met at Mon 10:15"
    );
}

#[test]
fn met_means_stopped_at_or_before_the_due_moment_to_the_microsecond() {
    for (answered, stands) in [
        (
            "Mon 10:59:59.999999",
            "met: due Mon 11:00, used PT59M59.999999S of PT1H, met at Mon 10:59:59.999999",
        ),
        (
            "Mon 11:00",
            "met: due Mon 11:00, used PT1H of PT1H, met at Mon 11:00",
        ),
        (
            "Mon 11:00:00.000001",
            "missed: due Mon 11:00, used PT1H0.000001S of PT1H, missed at Mon 11:00:00.000001, late PT0.000001S",
        ),
    ] {
        let mut story = reported();
        story.says(EventKind::Responded, answered);
        assert_eq!(story.stands(Metric::Respond, "Mon 12:00"), stands);
    }
}

#[test]
fn a_clock_past_its_deadline_runs_on_and_carries_its_breach() {
    let mut story = reported();
    assert_eq!(
        story.stands(Metric::Respond, "Mon 10:59:59.999999"),
        "running: due Mon 11:00, used PT59M59.999999S of PT1H"
    );
    assert_eq!(
        story.stands(Metric::Respond, "Mon 11:30"),
        "running: due Mon 11:00, used PT1H30M of PT1H, missed"
    );
    story.says(EventKind::Responded, "Mon 12:30");
    assert_eq!(
        story.stands(Metric::Respond, "Mon 13:00"),
        "missed: due Mon 11:00, used PT2H30M of PT1H, missed at Mon 12:30, late PT1H30M"
    );
}

#[test]
fn late_is_counted_in_open_time_and_may_be_nothing_at_all() {
    let mut story = Story::under(desk());
    story.reported("Mon 16:00", "S2");
    story.says(EventKind::Responded, "Mon 17:00:00.000001");
    assert_eq!(
        story.stands(Metric::Respond, "Tue 09:00"),
        "missed: due Mon 17:00, used PT1H of PT1H, missed at Mon 17:00:00.000001, late PT0S"
    );
    story.moved(2, "Tue 09:20");
    assert_eq!(
        story.stands(Metric::Respond, "Tue 10:00"),
        "missed: due Mon 17:00, used PT1H20M of PT1H, missed at Tue 09:20, late PT20M"
    );
}

#[test]
fn a_report_in_closed_time_counts_from_the_next_opening() {
    let mut story = Story::under(desk());
    story.reported("Sat 12:00", "S2");
    assert_eq!(
        story.stands(Metric::Respond, "Sun 12:00"),
        "running: due Mon+ 10:00, used PT0S of PT1H"
    );
    story.says(EventKind::Responded, "Sun 15:00");
    assert_eq!(
        story.stands(Metric::Respond, "Mon+ 12:00"),
        "met: due Mon+ 10:00, used PT0S of PT1H, met at Sun 15:00"
    );
}

#[test]
fn a_target_of_nothing_is_due_at_once_and_can_be_met() {
    let promise = || terms().promises(Metric::Respond, "S2", open("PT0S"), OFFICE);
    let mut story = Story::under(promise());
    story.reported("Mon 10:00", "S2");
    assert_eq!(
        story.stands(Metric::Respond, "Mon 10:01"),
        "running: due Mon 10:00, used PT1M of PT0S, missed"
    );
    story.says(EventKind::Responded, "Mon 10:00");
    assert_eq!(
        story.stands(Metric::Respond, "Mon 10:01"),
        "met: due Mon 10:00, used PT0S of PT0S, met at Mon 10:00"
    );
    let mut at_night = Story::under(promise());
    at_night.reported("Mon 20:00", "S2");
    at_night.says(EventKind::Responded, "Tue 09:00");
    assert_eq!(
        at_night.stands(Metric::Respond, "Tue 12:00"),
        "met: due Tue 09:00, used PT0S of PT0S, met at Tue 09:00"
    );
}

#[test]
fn a_case_created_resolved_has_met_everything() {
    let mut story = reported();
    story.says(EventKind::Resolved, "Mon 10:00");
    for metric in [
        Metric::Respond,
        Metric::Workaround,
        Metric::Restore,
        Metric::Resolve,
    ] {
        let stands = story.stands(metric, "Wed 10:00");
        assert!(stands.starts_with("met: "), "{metric}: {stands}");
        assert!(stands.contains("used PT0S"), "{metric}: {stands}");
    }
}

#[test]
fn a_case_is_judged_by_its_own_events_and_those_of_all() {
    let mut story = reported();
    let other = story.says(EventKind::Responded, "Mon 10:10");
    story.events[other as usize - 1].case_id = Some(CaseId(2));
    assert_eq!(
        story.stands(Metric::Respond, "Mon 10:30"),
        "running: due Mon 11:00, used PT30M of PT1H"
    );
    let all = story.says(EventKind::Responded, "Mon 10:20");
    story.events[all as usize - 1].case_id = None;
    assert_eq!(
        story.stands(Metric::Respond, "Mon 10:30"),
        "met: due Mon 11:00, used PT20M of PT1H, met at Mon 10:20"
    );
    let unknown = judge(
        CaseId(3),
        &story.promise,
        &facts(&story.events),
        &story.book,
        at("Mon 12:00"),
    );
    assert!(unknown.unwrap().is_empty());
}

#[test]
fn a_holiday_and_a_lunch_break_do_not_count() {
    let mut story = Story::under(terms().promises(Metric::Resolve, "S2", open("PT8H"), 3));
    let week = workdays(&serde_json::json!([["08:00", "12:00"], ["13:00", "17:00"]]));
    let off =
        serde_json::json!([{"date": "2026-11-17", "name": "Day of repentance", "windows": []}]);
    story.counts_in(3, calendar("Lunch", "UTC", &week, &off));
    story.reported("Mon 11:00", "S2");
    assert_eq!(
        story.stands(Metric::Resolve, "Wed 09:00"),
        "running: due Wed 11:00, used PT6H of PT8H"
    );
}

#[test]
fn a_clock_whose_calendar_never_opens_again_is_an_error_that_names_it() {
    let mut story = Story::under(terms().promises(Metric::Resolve, "S2", open("PT8H"), 3));
    story.counts_in(
        3,
        calendar(
            "Closed for good",
            "UTC",
            &serde_json::json!({}),
            &serde_json::json!([]),
        ),
    );
    story.reported("Mon 11:00", "S2");
    let error = judge(
        CaseId(1),
        &story.promise,
        &facts(&story.events),
        &story.book,
        at("Mon 12:00"),
    );
    assert!(error.unwrap_err().to_string().contains("Closed for good"));
}
