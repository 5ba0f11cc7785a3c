//! What a reopening does to stopped clocks.

use redress::domain::terms::OnReopen::{AsIfNeverResolved, Continue, Restart};
use redress::domain::terms::{OnReopen, Promise};
use redress::domain::words::{EventKind, Metric};

use super::story::*;

fn desk(policy: OnReopen) -> Promise {
    terms()
        .promises(Metric::Respond, "S2", open("PT1H"), OFFICE)
        .promises(Metric::Workaround, "S2", open("PT2H"), OFFICE)
        .promises(Metric::Restore, "S2", open("PT4H"), OFFICE)
        .promises(Metric::Resolve, "S2", open("PT8H"), OFFICE)
        .promises(Metric::Resolve, "S1", open("PT4H"), OFFICE)
        .on_reopen(policy)
}

/// Reported on Monday at 10:00, resolved two hours later.
fn resolved(policy: OnReopen) -> Story {
    let mut story = Story::under(desk(policy));
    story.reported("Mon 10:00", "S2");
    story.says(EventKind::Resolved, "Mon 12:00");
    story
}

fn reopened(policy: OnReopen, when: &str) -> Story {
    let mut story = resolved(policy);
    story.says(EventKind::Reopened, when);
    story
}

#[test]
fn continue_leaves_out_the_time_it_counted_as_stopped() {
    let story = reopened(Continue, "Tue 11:00");
    assert_eq!(
        story.stands(Metric::Resolve, "Tue 10:59"),
        "met: due Tue 10:00, used PT2H of PT8H, met at Mon 12:00"
    );
    assert_eq!(
        story.stands(Metric::Resolve, "Tue 12:00"),
        "running: due Tue 17:00, used PT3H of PT8H"
    );
}

#[test]
fn as_if_never_resolved_counts_that_time() {
    let story = reopened(AsIfNeverResolved, "Mon 14:00");
    assert_eq!(
        story.stands(Metric::Resolve, "Mon 15:00"),
        "running: due Tue 10:00, used PT5H of PT8H"
    );
    // A deadline passed meanwhile keeps its moment and is noticed at the reopening.
    let late = reopened(AsIfNeverResolved, "Tue 11:00");
    assert_eq!(
        late.stands(Metric::Resolve, "Tue 10:59"),
        "met: due Tue 10:00, used PT2H of PT8H, met at Mon 12:00"
    );
    assert_eq!(
        late.stands(Metric::Resolve, "Tue 11:00"),
        "running: due Tue 10:00, used PT9H of PT8H, missed"
    );
}

#[test]
fn restart_is_a_new_run_and_the_earlier_outcome_stays() {
    let mut story = reopened(Restart, "Tue 11:00");
    assert_eq!(
        story.stands(Metric::Resolve, "Tue 12:00"),
        "running: 1.1 due Tue 10:00, used PT2H of PT8H, met at Mon 12:00; 2.1 due Wed 11:00, used PT1H of PT8H"
    );
    story.says(EventKind::Resolved, "Wed 12:00");
    assert_eq!(
        story.stands(Metric::Resolve, "Wed 12:00"),
        "missed: 1.1 due Tue 10:00, used PT2H of PT8H, met at Mon 12:00; \
         2.1 due Wed 11:00, used PT9H of PT8H, missed at Wed 12:00, late PT1H"
    );
}

#[test]
fn each_clock_goes_on_from_its_own_stop_and_respond_never_does() {
    let mut story = Story::under(desk(Continue));
    story.reported("Mon 10:00", "S2");
    story.says(EventKind::Responded, "Mon 10:30");
    story.says(EventKind::WorkedAround, "Mon 11:00");
    story.says(EventKind::Restored, "Mon 12:00");
    story.says(EventKind::Resolved, "Mon 13:00");
    story.says(EventKind::Reopened, "Mon 15:00");
    for (metric, stands) in [
        (
            Metric::Respond,
            "met: due Mon 11:00, used PT30M of PT1H, met at Mon 10:30",
        ),
        (
            Metric::Workaround,
            "running: due Mon 16:00, used PT1H of PT2H",
        ),
        (Metric::Restore, "running: due Mon 17:00, used PT2H of PT4H"),
        (Metric::Resolve, "running: due Tue 12:00, used PT3H of PT8H"),
    ] {
        assert_eq!(story.stands(metric, "Mon 15:00"), stands);
    }
}

#[test]
fn respond_is_not_reopened_under_any_policy() {
    for policy in [Continue, AsIfNeverResolved, Restart] {
        let story = reopened(policy, "Tue 11:00");
        // The resolution was its first answer.
        assert_eq!(
            story.stands(Metric::Respond, "Wed 11:00"),
            "missed: due Mon 11:00, used PT2H of PT1H, missed at Mon 12:00, late PT1H",
            "{policy}"
        );
    }
}

#[test]
fn a_clock_that_was_not_stopped_is_not_touched() {
    for policy in [Continue, AsIfNeverResolved, Restart] {
        let mut story = Story::under(desk(policy));
        story.reported("Mon 10:00", "S2");
        story.says(EventKind::WorkedAround, "Mon 11:00");
        story.says(EventKind::Reopened, "Mon 12:00");
        assert_eq!(
            story.stands(Metric::Restore, "Mon 13:00"),
            "running: due Mon 14:00, used PT3H of PT4H",
            "{policy}"
        );
    }
}

#[test]
fn an_update_begins_a_new_interval_with_the_reopening() {
    for policy in [Continue, AsIfNeverResolved, Restart] {
        let promise = desk(policy).promises(Metric::Update, "S2", open("PT2H"), OFFICE);
        let mut story = Story::under(promise);
        story.reported("Mon 10:00", "S2");
        story.says(EventKind::Restored, "Mon 11:00");
        story.says(EventKind::Reopened, "Tue 11:00");
        assert_eq!(
            story.stands(Metric::Update, "Tue 12:00"),
            "running: 1.1 due Mon 12:00, used PT1H of PT2H at Mon 11:00; 1.2 due Tue 13:00, used PT1H of PT2H",
            "{policy}"
        );
    }
}

#[test]
fn a_breach_outlives_the_reopening() {
    for (policy, stands) in [
        (
            Continue,
            "running: due Mon 12:00, used PT4H of PT2H, missed",
        ),
        (
            AsIfNeverResolved,
            "running: due Mon 12:00, used PT6H of PT2H, missed",
        ),
        (
            Restart,
            "running: 1.1 due Mon 12:00, used PT3H of PT2H, missed at Mon 13:00, late PT1H; \
             2.1 due Mon 17:00, used PT1H of PT2H",
        ),
    ] {
        let mut story = Story::under(desk(policy));
        story.reported("Mon 10:00", "S2");
        story.says(EventKind::Restored, "Mon 13:00");
        story.says(EventKind::Reopened, "Mon 15:00");
        assert_eq!(
            story.stands(Metric::Workaround, "Mon 16:00"),
            stands,
            "{policy}"
        );
    }
}

#[test]
fn how_late_a_reopened_clock_is_leaves_out_what_the_policy_leaves_out() {
    for (policy, late) in [(Continue, "PT2H"), (AsIfNeverResolved, "PT4H")] {
        let mut story = Story::under(desk(policy));
        story.reported("Mon 10:00", "S2");
        story.says(EventKind::Restored, "Mon 13:00");
        story.says(EventKind::Reopened, "Mon 15:00");
        story.says(EventKind::Restored, "Mon 16:00");
        let stands = story.stands(Metric::Workaround, "Tue 16:00");
        assert!(
            stands.ends_with(&format!("missed at Mon 16:00, late {late}")),
            "{policy}: {stands}"
        );
    }
}

#[test]
fn the_second_stop_is_judged_like_the_first() {
    let mut story = reopened(Continue, "Tue 11:00");
    story.says(EventKind::Resolved, "Tue 17:00");
    assert_eq!(
        story.stands(Metric::Resolve, "Wed 12:00"),
        "met: due Tue 17:00, used PT8H of PT8H, met at Tue 17:00"
    );
    // The budget was used up when the clock stopped, and the stop did not last.
    story.says(EventKind::Reopened, "Wed 12:00");
    assert_eq!(
        story.stands(Metric::Resolve, "Wed 12:00"),
        "running: due Tue 17:00, used PT8H of PT8H, missed"
    );
}

#[test]
fn a_severity_changed_while_resolved_counts_from_the_reopening_on() {
    for (policy, stands) in [
        // Two of four hours are used, and the three between stop and reopening do not count.
        (Continue, "running: due Mon 17:00, used PT2H of PT4H"),
        // Four hours from the start end after the change: that deadline stands, and has passed.
        (
            AsIfNeverResolved,
            "running: due Mon 14:00, used PT5H of PT4H, missed",
        ),
        (
            Restart,
            "running: 1.1 due Tue 10:00, used PT2H of PT8H, met at Mon 12:00; \
             2.1 due Tue 11:00, used PT0S of PT4H",
        ),
    ] {
        let mut story = resolved(policy);
        story.severity("Mon 13:00", "S1");
        assert_eq!(
            story.stands(Metric::Resolve, "Mon 14:59"),
            "met: due Tue 10:00, used PT2H of PT8H, met at Mon 12:00"
        );
        story.says(EventKind::Reopened, "Mon 15:00");
        assert_eq!(
            story.stands(Metric::Resolve, "Mon 15:00"),
            stands,
            "{policy}"
        );
    }
}

#[test]
fn a_pause_between_stop_and_reopening_lasts_on() {
    let mut story = resolved(Continue);
    story.paused("Mon 13:00", "ACCESS");
    story.says(EventKind::Reopened, "Mon 15:00");
    assert_eq!(
        story.stands(Metric::Resolve, "Mon 16:00"),
        "paused: not due, used PT2H of PT8H"
    );
    story.resumed("Tue 10:00", None);
    assert_eq!(
        story.stands(Metric::Resolve, "Tue 11:00"),
        "running: due Tue 16:00, used PT3H of PT8H"
    );
}

#[test]
fn a_business_day_target_walks_its_remainder_after_the_reopening() {
    let promise = terms().promises(Metric::Resolve, "S2", days(1, "16:00"), OFFICE);
    let mut story = Story::under(promise.on_reopen(Continue));
    story.reported("Mon 10:00", "S2");
    story.says(EventKind::Resolved, "Mon 12:00");
    story.says(EventKind::Reopened, "Mon 14:00");
    assert_eq!(
        story.stands(Metric::Resolve, "Mon 14:00"),
        "running: due Wed 10:00, used PT2H of PT14H"
    );
}
