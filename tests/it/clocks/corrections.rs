//! Events entered late, set right, taken back, and the end of it all.

use redress::domain::terms::Promise;
use redress::domain::timeline::Fields;
use redress::domain::words::{EventKind, Metric};

use super::story::*;

fn desk() -> Promise {
    terms()
        .promises(Metric::Respond, "S2", open("PT1H"), OFFICE)
        .promises(Metric::Respond, "S1", open("PT15M"), OFFICE)
        .promises(Metric::Update, "S2", open("PT2H"), OFFICE)
        .promises(Metric::Resolve, "S2", open("PT8H"), OFFICE)
        .promises(Metric::Resolve, "S1", open("PT4H"), OFFICE)
}

fn reported() -> Story {
    let mut story = Story::under(desk());
    story.reported("Mon 10:00", "S2");
    story
}

fn respond(story: &Story) -> String {
    story.stands(Metric::Respond, "Wed 10:00")
}

#[test]
fn a_corrected_moment_is_the_one_that_counts() {
    let mut story = reported();
    let answer = story.says(EventKind::Responded, "Mon 11:30");
    let late = "missed: due Mon 11:00, used PT1H30M of PT1H, missed at Mon 11:30, late PT30M";
    let timely = "met: due Mon 11:00, used PT45M of PT1H, met at Mon 10:45";
    assert_eq!(respond(&story), late);
    let first = story.moved(answer, "Mon 10:45");
    assert_eq!(respond(&story), timely);
    // A correction is set right, or taken back, by naming it.
    let second = story.moved(first, "Mon 11:30");
    assert_eq!(respond(&story), late);
    let third = story.taken_back(second);
    assert_eq!(respond(&story), timely);
    story.taken_back(third);
    assert_eq!(respond(&story), late);
}

#[test]
fn what_is_taken_back_did_not_happen() {
    let mut story = reported();
    let answer = story.says(EventKind::Responded, "Mon 10:30");
    let back = story.taken_back(answer);
    assert_eq!(
        respond(&story),
        "running: due Mon 11:00, used PT16H of PT1H, missed"
    );
    story.taken_back(back);
    assert_eq!(
        respond(&story),
        "met: due Mon 11:00, used PT30M of PT1H, met at Mon 10:30"
    );
}

#[test]
fn what_was_taken_back_may_be_said_to_have_happened_at_another_moment() {
    let mut story = reported();
    let answer = story.says(EventKind::Responded, "Mon 11:30");
    let back = story.taken_back(answer);
    story.moved(back, "Mon 10:45");
    assert_eq!(
        respond(&story),
        "met: due Mon 11:00, used PT45M of PT1H, met at Mon 10:45"
    );
}

#[test]
fn a_correction_of_a_correction_keeps_what_it_does_not_change() {
    let mut story = Story::under(desk());
    let report = story.reported("Mon 10:00", "S2");
    story.says(EventKind::Responded, "Mon 10:30");
    let moved = story.moved(report, "Mon 10:10");
    let severity = Some("S1".to_string());
    story.corrects(
        moved,
        Fields {
            severity,
            ..Fields::default()
        },
    );
    assert_eq!(
        respond(&story),
        "missed: due Mon 10:25, used PT20M of PT15M, missed at Mon 10:30, late PT5M"
    );
}

#[test]
fn a_corrected_report_moves_all_that_counts_from_it() {
    let mut story = reported();
    story.moved(1, "Mon 09:30");
    assert_eq!(
        story.stands(Metric::Respond, "Mon 10:00"),
        "running: due Mon 10:30, used PT30M of PT1H"
    );
    assert_eq!(
        story.stands(Metric::Resolve, "Mon 10:00"),
        "running: due Tue 09:30, used PT30M of PT8H"
    );
}

#[test]
fn a_corrected_severity_or_stop_counts_as_if_it_had_been_entered_so() {
    let mut story = reported();
    let change = story.severity("Mon 12:00", "S4");
    let severity = Some("S1".to_string());
    story.corrects(
        change,
        Fields {
            severity,
            ..Fields::default()
        },
    );
    assert_eq!(
        story.stands(Metric::Resolve, "Mon 13:00"),
        "running: due Mon 14:00, used PT3H of PT4H"
    );
    let mut paused = reported();
    let pause = paused.paused("Mon 10:30", "PARTS");
    assert_eq!(
        paused.stands(Metric::Respond, "Mon 10:45"),
        "running: due Mon 11:00, used PT45M of PT1H"
    );
    let stop = Some("ACCESS".to_string());
    paused.corrects(
        pause,
        Fields {
            stop,
            ..Fields::default()
        },
    );
    assert_eq!(
        paused.stands(Metric::Respond, "Mon 10:45"),
        "paused: not due, used PT30M of PT1H"
    );
}

#[test]
fn the_order_of_entry_does_not_matter() {
    // (how to enter it) in the order in which it happened.
    type Entry = fn(&mut Story) -> i64;
    let entries: [Entry; 9] = [
        |story| story.reported("Mon 10:00", "S2"),
        |story| story.says(EventKind::Responded, "Mon 10:20"),
        |story| story.paused("Mon 10:40", "ACCESS"),
        |story| story.severity("Mon 11:00", "S1"),
        |story| story.resumed("Mon 12:00", Some("ACCESS")),
        |story| story.says(EventKind::Resolved, "Mon 14:00"),
        |story| story.says(EventKind::Reopened, "Mon 15:00"),
        |story| story.paused("Mon 15:30", "PARTS"),
        |story| story.says(EventKind::Resolved, "Tue 12:00"),
    ];
    let told = |order: &[usize]| {
        let mut story = Story::under(desk());
        for entry in order {
            entries[*entry](&mut story);
        }
        [Metric::Respond, Metric::Update, Metric::Resolve]
            .map(|metric| story.stands(metric, "Wed 12:00"))
    };
    let live = told(&[0, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(
        live[2],
        "met: not due, used PT3H10M of PT4H, met at Tue 12:00"
    );
    assert_eq!(told(&[8, 7, 6, 5, 4, 3, 2, 1, 0]), live);
    assert_eq!(told(&[4, 0, 8, 2, 6, 1, 5, 3, 7]), live);
}

#[test]
fn a_pause_entered_late_withdraws_the_breach_after_it() {
    let mut story = reported();
    assert!(respond(&story).ends_with("missed"));
    story.paused("Mon 10:30", "ACCESS");
    story.resumed("Mon 12:00", None);
    assert_eq!(
        story.stands(Metric::Respond, "Mon 12:10"),
        "running: due Mon 12:30, used PT40M of PT1H"
    );
}

#[test]
fn a_cancelled_case_owes_nothing_more_and_keeps_its_breaches() {
    let mut story = reported();
    let end = story.says(EventKind::Cancelled, "Mon 13:00");
    assert_eq!(
        respond(&story),
        "cancelled: due Mon 11:00, used PT3H of PT1H, missed"
    );
    assert_eq!(
        story.stands(Metric::Resolve, "Wed 10:00"),
        "cancelled: not due, used PT3H of PT8H"
    );
    let update = story.stands(Metric::Update, "Wed 10:00");
    assert!(
        update.starts_with("cancelled: 1.1 due Mon 12:00, used PT2H of PT2H, missed; 1.2 not due"),
        "{update}"
    );
    // Nothing that happens later wakes it.
    story.severity("Mon 14:00", "S1");
    story.paused("Mon 15:00", "ACCESS");
    story.says(EventKind::Resolved, "Mon 16:00");
    let clock = story.find(Metric::Resolve, "Wed 10:00").unwrap();
    assert_eq!(clock.current().ended_at, Some(at("Mon 13:00")));
    assert_eq!(
        story.stands(Metric::Resolve, "Wed 10:00"),
        "cancelled: not due, used PT3H of PT8H"
    );
    story.taken_back(end);
    assert_eq!(
        story.stands(Metric::Resolve, "Wed 10:00"),
        "met: not due, used PT1H of PT4H, met at Mon 16:00"
    );
}

#[test]
fn an_outcome_reached_before_the_cancellation_stays() {
    let mut story = reported();
    story.says(EventKind::Responded, "Mon 10:30");
    story.says(EventKind::Cancelled, "Mon 13:00");
    assert_eq!(
        respond(&story),
        "met: due Mon 11:00, used PT30M of PT1H, met at Mon 10:30"
    );
}

#[test]
fn a_void_case_never_was_one() {
    let mut story = reported();
    story.says(EventKind::Responded, "Mon 10:30");
    story.enters(
        EventKind::Cancelled,
        "Mon 15:00",
        Fields {
            void: true,
            ..Fields::default()
        },
    );
    for metric in [Metric::Respond, Metric::Update, Metric::Resolve] {
        let clock = story.find(metric, "Wed 10:00").unwrap();
        assert_eq!(clock.state.as_str(), "cancelled", "{metric}");
        for lap in &clock.laps {
            assert_eq!((lap.verdict, lap.breached_at), (None, None), "{metric}");
            assert!(lap.ended_at.is_some(), "{metric}");
        }
    }
}
