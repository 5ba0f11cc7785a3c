//! Edited calendars and the clocks that run in them.

use redress::domain::terms::OnReopen::{AsIfNeverResolved, Continue, Restart};
use redress::domain::terms::Promise;
use redress::domain::words::{EventKind, Metric};
use serde_json::json;

use super::story::*;

fn desk() -> Promise {
    terms()
        .promises(Metric::Restore, "S2", open("PT4H"), OFFICE)
        .promises(Metric::Resolve, "S2", open("PT8H"), OFFICE)
        .promises(Metric::Resolve, "S1", open("PT6H"), OFFICE)
}

fn reported(when: &str) -> Story {
    let mut story = Story::under(desk());
    story.reported(when, "S2");
    story
}

#[test]
fn an_edit_moves_the_clocks_that_run() {
    let mut story = reported("Mon 10:00");
    story.office_edited(&[("Mon 12:00", json!([["09:00", "15:00"]]))]);
    assert_eq!(
        story.stands(Metric::Resolve, "Mon 11:59"),
        "running: due Tue 10:00, used PT1H59M of PT8H"
    );
    assert_eq!(
        story.stands(Metric::Resolve, "Mon 12:00"),
        "running: due Tue 12:00, used PT2H of PT8H"
    );
    assert_eq!(
        story
            .find(Metric::Resolve, "Mon 11:59")
            .unwrap()
            .current()
            .revision,
        1
    );
    assert_eq!(
        story
            .find(Metric::Resolve, "Mon 12:00")
            .unwrap()
            .current()
            .revision,
        2
    );
}

#[test]
fn each_local_date_is_counted_by_the_revision_then_in_force() {
    let mut story = reported("Mon 16:00");
    story.office_edited(&[
        ("Tue 08:00", json!([["09:00", "12:00"]])),
        ("Wed 08:00", json!([["06:00", "20:00"]])),
    ]);
    // One hour on Monday, three on Tuesday, four on Wednesday from six o'clock.
    assert_eq!(
        story.stands(Metric::Resolve, "Wed 08:30"),
        "running: due Wed 10:00, used PT6H30M of PT8H"
    );
}

#[test]
fn an_edit_never_puts_a_deadline_before_itself() {
    // Open from six on Tuesday, four hours from Monday 16:00 end at nine; the edit is made later.
    let edit = [("Tue 10:30", json!([["06:00", "17:00"]]))];
    let mut story = reported("Mon 16:00");
    story.office_edited(&edit);
    assert_eq!(
        story.stands(Metric::Restore, "Tue 10:00"),
        "running: due Tue 12:00, used PT2H of PT4H"
    );
    assert_eq!(
        story.stands(Metric::Restore, "Tue 11:00"),
        "running: due Tue 10:30, used PT6H of PT4H, missed"
    );
    // Whoever answers at that very moment is in time.
    story.says(EventKind::Restored, "Tue 10:30");
    assert_eq!(
        story.stands(Metric::Restore, "Tue 11:00"),
        "met: due Tue 10:30, used PT5H30M of PT4H, met at Tue 10:30"
    );
}

#[test]
fn an_answer_at_the_deadline_and_at_an_edit_is_in_time() {
    let mut story = reported("Mon 10:00");
    story.says(EventKind::Restored, "Mon 14:00");
    story.office_edited(&[("Mon 14:00", json!([["09:00", "14:00"]]))]);
    assert_eq!(
        story.stands(Metric::Restore, "Mon 16:00"),
        "met: due Mon 14:00, used PT4H of PT4H, met at Mon 14:00"
    );
}

#[test]
fn an_edit_does_not_touch_what_was_reached_before_it() {
    let edit = [("Mon 15:00", json!([["09:00", "10:30"]]))];
    let mut missed = reported("Mon 10:00");
    let mut met = reported("Mon 10:00");
    met.says(EventKind::Restored, "Mon 13:00");
    let before = [
        missed.stands(Metric::Restore, "Mon 14:30"),
        met.stands(Metric::Restore, "Mon 14:30"),
    ];
    missed.office_edited(&edit);
    met.office_edited(&edit);
    assert_eq!(met.stands(Metric::Restore, "Tue 15:00"), before[1]);
    assert!(before[0].starts_with("running: due Mon 14:00"));
    for story in [&missed, &met] {
        let clock = story.find(Metric::Restore, "Tue 15:00").unwrap();
        assert_eq!(clock.current().due_at, Some(at("Mon 14:00")));
        assert_eq!(clock.current().revision, 1);
    }
}

#[test]
fn an_edit_made_while_a_clock_is_paused_counts_when_it_goes_on() {
    let mut story = reported("Mon 10:00");
    story.paused("Mon 11:00", "ACCESS");
    story.office_edited(&[("Mon 12:00", json!([["09:00", "15:00"]]))]);
    assert_eq!(
        story.stands(Metric::Restore, "Mon 13:00"),
        "paused: not due, used PT1H of PT4H"
    );
    story.resumed("Mon 14:00", None);
    assert_eq!(
        story.stands(Metric::Restore, "Mon 14:00"),
        "running: due Tue 11:00, used PT1H of PT4H"
    );
}

#[test]
fn after_an_edit_the_rule_for_business_days_is_applied_again_then_the_pauses() {
    let promise = terms().promises(Metric::Resolve, "S2", days(1, "close"), OFFICE);
    let mut story = Story::under(promise);
    story.reported("Mon 10:00", "S2");
    story.office_edited(&[("Mon 12:00", json!([["09:00", "15:00"]]))]);
    assert_eq!(
        story.stands(Metric::Resolve, "Mon 11:00"),
        "running: due Tue 17:00, used PT1H of PT15H"
    );
    assert_eq!(
        story.stands(Metric::Resolve, "Mon 13:00"),
        "running: due Tue 15:00, used PT3H of PT11H"
    );
    story.paused("Mon 10:30", "ACCESS");
    story.resumed("Mon 11:30", None);
    assert_eq!(
        story.stands(Metric::Resolve, "Mon 13:00"),
        "running: due Wed 10:00, used PT2H of PT11H"
    );
}

#[test]
fn a_severity_changed_after_an_edit_is_counted_by_it() {
    let mut story = reported("Mon 10:00");
    story.office_edited(&[("Mon 12:00", json!([["09:00", "15:00"]]))]);
    story.severity("Mon 13:00", "S1");
    assert_eq!(
        story.stands(Metric::Resolve, "Mon 14:00"),
        "running: due Tue 10:00, used PT4H of PT6H"
    );
}

#[test]
fn an_edit_made_while_a_clock_was_stopped_counts_from_its_own_moment_at_the_reopening() {
    // Open from one in the morning on Tuesday, eight hours from Monday 10:00 would end at two.
    let edit = [("Tue 09:30", json!([["01:00", "17:00"]]))];
    let story = |policy, reopened: &str| {
        let mut story = Story::under(desk().on_reopen(policy));
        story.reported("Mon 10:00", "S2");
        story.says(EventKind::Resolved, "Mon 16:00");
        story.says(EventKind::Reopened, reopened);
        story.office_edited(&edit);
        story.stands(Metric::Resolve, "Tue 13:00")
    };
    assert_eq!(
        story(AsIfNeverResolved, "Tue 12:00"),
        "running: due Tue 09:30, used PT19H of PT8H, missed"
    );
    assert_eq!(
        story(Continue, "Tue 12:00"),
        "running: due Tue 14:00, used PT7H of PT8H"
    );
    // A deadline passed before the edit keeps its moment.
    let late = [("Tue 10:30", json!([["01:00", "17:00"]]))];
    let mut passed = Story::under(desk().on_reopen(AsIfNeverResolved));
    passed.reported("Mon 10:00", "S2");
    passed.says(EventKind::Resolved, "Mon 16:00");
    passed.says(EventKind::Reopened, "Tue 12:00");
    passed.office_edited(&late);
    let clock = passed.find(Metric::Resolve, "Tue 12:00").unwrap();
    assert_eq!(clock.current().due_at, Some(at("Tue 10:00")));
    assert_eq!(clock.current().breached_at, Some(at("Tue 10:00")));
    assert_eq!(clock.current().revision, 1);
}

#[test]
fn an_edit_made_while_a_clock_was_stopped_counts_for_what_begins_anew() {
    let edit = [("Mon 13:00", json!([["09:00", "15:00"]]))];
    let promise = desk().promises(Metric::Update, "S2", open("PT2H"), OFFICE);
    let mut story = Story::under(promise.on_reopen(Restart));
    story.reported("Mon 10:00", "S2");
    story.says(EventKind::Resolved, "Mon 12:00");
    story.says(EventKind::Reopened, "Mon 14:00");
    story.office_edited(&edit);
    let due = |metric| story.find(metric, "Mon 14:30").unwrap().current().due_at;
    assert_eq!(due(Metric::Update), Some(at("Tue 10:00")));
    assert_eq!(due(Metric::Restore), Some(at("Tue 12:00")));
}

#[test]
fn a_severity_raised_in_a_pause_after_an_edit_still_gives_the_time_it_promises() {
    let promise = terms()
        .promises(Metric::Resolve, "S2", open("PT8H"), OFFICE)
        .promises(Metric::Resolve, "S1", open("PT1H"), OFFICE);
    let mut story = Story::under(promise);
    story.reported("Mon 09:00", "S2");
    story.paused("Mon 11:00", "ACCESS");
    story.office_edited(&[("Mon 12:00", json!([["09:00", "16:00"]]))]);
    // Two hours are used of what is only one from here on: nobody could know.
    story.severity("Mon 13:00", "S1");
    story.resumed("Mon 14:00", None);
    assert_eq!(
        story.stands(Metric::Resolve, "Mon 14:00"),
        "running: due Mon 15:00, used PT0S of PT1H"
    );
    story.explained(Metric::Resolve, "Mon 14:00");
}
