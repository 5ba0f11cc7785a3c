//! The explanation of the cause: owed from the repair on.

use redress::domain::terms::OnReopen::{AsIfNeverResolved, Continue, Restart};
use redress::domain::terms::{Promise, RootCauseFrom};
use redress::domain::words::EventKind::{
    Cancelled, CauseExplained, Reopened, Resolved, Responded, Restored,
};
use redress::domain::words::Metric;

use super::story::*;

fn desk() -> Promise {
    terms()
        .promises(Metric::RootCause, "S1", open("PT8H"), OFFICE)
        .promises(Metric::RootCause, "S2", open("PT16H"), OFFICE)
}

fn reported(promise: Promise) -> Story {
    let mut story = Story::under(promise);
    story.reported("Mon 10:00", "S1");
    story.says(Responded, "Mon 10:10");
    story
}

fn cause(story: &Story, now: &str) -> String {
    story.stands(Metric::RootCause, now)
}

#[test]
fn it_waits_for_the_repair_and_counts_from_it() {
    let mut story = reported(desk());
    story.says(Restored, "Mon 11:00");
    assert_eq!(
        cause(&story, "Fri 10:00"),
        "pending: not due, used PT0S of PT0S"
    );
    story.says(Resolved, "Mon 12:00");
    assert_eq!(
        cause(&story, "Mon 13:00"),
        "running: due Tue 12:00, used PT1H of PT8H"
    );
    story.says(CauseExplained, "Tue 12:00");
    assert_eq!(
        cause(&story, "Wed 10:00"),
        "met: due Tue 12:00, used PT8H of PT8H, met at Tue 12:00"
    );
}

#[test]
fn where_the_terms_say_so_it_counts_from_the_service_being_back() {
    let mut story = reported(desk().cause_from(RootCauseFrom::Restored));
    story.says(Restored, "Mon 11:00");
    story.says(Resolved, "Mon 12:00");
    assert_eq!(
        cause(&story, "Mon 13:00"),
        "running: due Tue 11:00, used PT2H of PT8H"
    );
    // A repair brings the service back too.
    let mut story = reported(desk().cause_from(RootCauseFrom::Restored));
    story.says(Resolved, "Mon 12:00");
    assert_eq!(
        cause(&story, "Mon 13:00"),
        "running: due Tue 12:00, used PT1H of PT8H"
    );
}

#[test]
fn the_repair_ends_no_pause_of_it_and_a_pause_from_before_holds_it() {
    let mut story = reported(desk());
    story.paused("Mon 11:00", "ACCESS");
    story.says(Resolved, "Mon 12:00");
    assert_eq!(
        cause(&story, "Mon 15:00"),
        "paused: not due, used PT0S of PT8H"
    );
    story.resumed("Mon 16:00", None);
    assert_eq!(
        cause(&story, "Mon 16:30"),
        "running: due Tue 16:00, used PT30M of PT8H"
    );
}

#[test]
fn a_cause_explained_before_the_repair_is_in_time() {
    let mut story = reported(desk());
    story.says(CauseExplained, "Mon 11:00");
    assert_eq!(
        cause(&story, "Mon 11:30"),
        "pending: not due, used PT0S of PT0S"
    );
    story.says(Resolved, "Mon 12:00");
    assert_eq!(
        cause(&story, "Fri 12:00"),
        "met: due Tue 12:00, used PT0S of PT8H, met at Mon 12:00"
    );
}

#[test]
fn a_severity_of_before_the_repair_and_one_of_after_it_judge() {
    let mut story = reported(desk());
    story.severity("Mon 11:00", "S2");
    story.says(Resolved, "Mon 12:00");
    assert_eq!(
        cause(&story, "Mon 13:00"),
        "running: due Wed 12:00, used PT1H of PT16H"
    );
    story.severity("Mon 14:00", "S1");
    assert_eq!(
        cause(&story, "Mon 14:00"),
        "running: due Tue 12:00, used PT2H of PT8H"
    );
}

#[test]
fn a_reopening_makes_it_pending_again() {
    for policy in [Continue, AsIfNeverResolved] {
        let mut story = reported(desk().on_reopen(policy));
        story.says(Resolved, "Mon 12:00");
        story.says(CauseExplained, "Mon 13:00");
        story.says(Reopened, "Mon 14:00");
        assert_eq!(
            cause(&story, "Fri 14:00"),
            "pending: not due, used PT0S of PT0S",
            "{policy}"
        );
        story.says(Resolved, "Tue 12:00");
        assert_eq!(
            cause(&story, "Tue 13:00"),
            "running: due Wed 12:00, used PT1H of PT8H",
            "{policy}"
        );
    }
}

#[test]
fn with_a_restart_what_was_explained_stays_beside_the_new_run() {
    let mut story = reported(desk().on_reopen(Restart));
    story.says(Resolved, "Mon 12:00");
    story.says(CauseExplained, "Mon 13:00");
    story.says(Reopened, "Mon 14:00");
    story.says(Resolved, "Tue 12:00");
    assert_eq!(
        cause(&story, "Tue 13:00"),
        "running: 1.1 due Tue 12:00, used PT1H of PT8H, met at Mon 13:00; \
         2.1 due Wed 12:00, used PT1H of PT8H"
    );
}

#[test]
fn a_breach_outlives_the_reopening() {
    let mut story = reported(desk());
    story.says(Resolved, "Mon 12:00");
    story.says(Reopened, "Tue 14:00");
    assert_eq!(
        cause(&story, "Fri 14:00"),
        "pending: 1.1 due Tue 12:00, used PT10H of PT8H, missed at Tue 14:00, late PT2H; \
         2.1 not due, used PT0S of PT0S"
    );
}

#[test]
fn a_cancelled_incident_owes_no_cause() {
    let mut story = reported(desk());
    story.says(Cancelled, "Mon 11:00");
    story.says(Resolved, "Mon 12:00");
    assert_eq!(
        cause(&story, "Fri 14:00"),
        "cancelled: not due, used PT0S of PT0S"
    );
}
