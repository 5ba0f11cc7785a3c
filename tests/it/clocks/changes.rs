//! What a change of severity does to running clocks.

use redress::domain::terms::OnSeverityChange::{CarryFraction, FromChange, FromStart};
use redress::domain::terms::{OnSeverityChange, Promise};
use redress::domain::words::{EventKind, Metric};

use super::story::*;

/// S1 in 4 hours, S2 in 8, S3 in 16; nothing is promised for S4.
fn desk(policy: OnSeverityChange) -> Promise {
    terms()
        .promises(Metric::Resolve, "S1", open("PT4H"), OFFICE)
        .promises(Metric::Resolve, "S2", open("PT8H"), OFFICE)
        .promises(Metric::Resolve, "S3", open("PT16H"), OFFICE)
        .on_change(policy)
}

fn changed(policy: OnSeverityChange, from: &str, when: &str, to: &str) -> Story {
    let mut story = Story::under(desk(policy));
    story.reported("Mon 10:00", from);
    story.severity(when, to);
    story
}

fn resolve(story: &Story, now: &str) -> String {
    story.stands(Metric::Resolve, now)
}

#[test]
fn from_start_counts_the_new_target_from_the_original_start() {
    let raised = changed(FromStart, "S2", "Mon 12:00", "S1");
    assert_eq!(
        resolve(&raised, "Mon 11:59"),
        "running: due Tue 10:00, used PT1H59M of PT8H"
    );
    assert_eq!(
        resolve(&raised, "Mon 12:00"),
        "running: due Mon 14:00, used PT2H of PT4H"
    );
    let lowered = changed(FromStart, "S1", "Mon 12:00", "S2");
    assert_eq!(
        resolve(&lowered, "Mon 12:00"),
        "running: due Tue 10:00, used PT2H of PT8H"
    );
}

#[test]
fn from_change_is_a_fresh_target() {
    let raised = changed(FromChange, "S2", "Mon 12:00", "S1");
    assert_eq!(
        resolve(&raised, "Mon 13:00"),
        "running: due Mon 16:00, used PT1H of PT4H"
    );
    let lowered = changed(FromChange, "S1", "Mon 12:00", "S2");
    assert_eq!(
        resolve(&lowered, "Mon 13:00"),
        "running: due Tue 12:00, used PT1H of PT8H"
    );
}

#[test]
fn carry_fraction_keeps_the_same_share_of_the_budget_used() {
    let raised = changed(CarryFraction, "S2", "Mon 12:00", "S1");
    assert_eq!(
        resolve(&raised, "Mon 12:00"),
        "running: due Mon 15:00, used PT1H of PT4H"
    );
    let lowered = changed(CarryFraction, "S1", "Mon 12:00", "S2");
    assert_eq!(
        resolve(&lowered, "Mon 12:00"),
        "running: due Mon 16:00, used PT4H of PT8H"
    );
    // Half of 8 hours, half of 4, and of these 1 hour more: three quarters of 16.
    let mut twice = Story::under(desk(CarryFraction));
    twice.reported("Mon 10:00", "S2");
    twice.severity("Mon 14:00", "S1");
    twice.severity("Mon 15:00", "S3");
    assert_eq!(
        resolve(&twice, "Mon 15:00"),
        "running: due Tue 11:00, used PT12H of PT16H"
    );
}

#[test]
fn carry_fraction_carries_at_most_all_of_the_budget() {
    // Written into closed time, a target may be used up and not be due yet.
    let promise = desk(CarryFraction)
        .promises(Metric::Restore, "S2", days(0, "20:00"), OFFICE)
        .promises(Metric::Restore, "S1", open("PT4H"), OFFICE);
    let mut story = Story::under(promise);
    story.reported("Mon 10:00", "S2");
    story.severity("Mon 18:00", "S1");
    assert_eq!(
        story.stands(Metric::Restore, "Mon 19:00"),
        "running: due Tue 09:00, used PT4H of PT4H"
    );
}

#[test]
fn a_budget_carried_whole_into_a_pause_is_due_when_the_pause_ends() {
    let promise = desk(CarryFraction)
        .promises(Metric::Restore, "S2", days(0, "20:00"), OFFICE)
        .promises(Metric::Restore, "S1", days(0, "19:00"), OFFICE);
    let mut story = Story::under(promise);
    story.reported("Mon 10:00", "S2");
    story.paused("Mon 18:00", "ACCESS");
    story.severity("Mon 21:00", "S1");
    assert_eq!(
        story.stands(Metric::Restore, "Tue 12:00"),
        "paused: not due, used PT8H of PT8H"
    );
    story.resumed("Tue 12:00", None);
    assert_eq!(
        story.stands(Metric::Restore, "Tue 12:00"),
        "running: due Tue 12:00, used PT8H of PT8H, missed"
    );
}

#[test]
fn a_vendor_is_never_late_for_what_it_could_not_know() {
    // Four hours from the start ended before the change, or just with it.
    for (when, due) in [
        ("Mon 15:00", "Tue 11:00"),
        ("Mon 14:00", "Tue 10:00"),
        ("Mon 13:59", "Mon 14:00"),
    ] {
        let story = changed(FromStart, "S2", when, "S1");
        let clock = story.find(Metric::Resolve, when).unwrap();
        assert_eq!(
            clock.current().due_at.map(shown).as_deref(),
            Some(due),
            "changed at {when}"
        );
        assert_eq!(clock.current().breached_at, None);
    }
}

#[test]
fn a_clock_already_breached_keeps_its_breach_and_its_due_moment() {
    for policy in [FromStart, FromChange, CarryFraction] {
        let mut story = changed(policy, "S1", "Mon 15:00", "S3");
        assert_eq!(
            resolve(&story, "Mon 16:00"),
            "running: due Mon 14:00, used PT6H of PT4H, missed"
        );
        story.says(EventKind::Resolved, "Mon 16:30");
        assert_eq!(
            resolve(&story, "Tue 16:00"),
            "missed: due Mon 14:00, used PT6H30M of PT4H, missed at Mon 16:30, late PT2H30M"
        );
    }
}

#[test]
fn a_deadline_reached_at_the_very_change_was_reached_under_the_old_severity() {
    let story = changed(FromStart, "S1", "Mon 14:00", "S3");
    assert_eq!(
        resolve(&story, "Mon 14:00"),
        "running: due Mon 14:00, used PT4H of PT4H, missed"
    );
}

#[test]
fn elapsed_time_is_recounted_in_the_new_commitments_calendar() {
    let promise = terms()
        .promises(Metric::Resolve, "S2", open("PT8H"), OFFICE)
        .promises(Metric::Resolve, "S1", open("PT20H"), AROUND);
    let mut story = Story::under(promise.clone());
    story.reported("Mon 16:00", "S2");
    story.severity("Tue 08:00", "S1");
    assert_eq!(
        resolve(&story, "Tue 07:59"),
        "running: due Tue 16:00, used PT1H of PT8H"
    );
    assert_eq!(
        resolve(&story, "Tue 08:00"),
        "running: due Tue 12:00, used PT16H of PT20H"
    );
    let mut back = Story::under(promise);
    back.reported("Mon 16:00", "S1");
    back.severity("Tue 08:00", "S2");
    assert_eq!(
        resolve(&back, "Tue 08:00"),
        "running: due Tue 16:00, used PT1H of PT8H"
    );
}

#[test]
fn elapsed_time_is_recounted_with_the_stops_of_the_new_commitment() {
    let promise = terms()
        .promises(Metric::Resolve, "S2", open("PT8H"), OFFICE)
        .promises(Metric::Resolve, "S1", open("PT6H"), OFFICE)
        .held_only_by(&["FORCE"]);
    let mut story = Story::under(promise);
    story.reported("Mon 10:00", "S2");
    story.paused("Mon 11:00", "ACCESS");
    story.resumed("Mon 12:00", None);
    story.severity("Mon 13:00", "S1");
    assert_eq!(
        resolve(&story, "Mon 12:59"),
        "running: due Tue 11:00, used PT1H59M of PT8H"
    );
    assert_eq!(
        resolve(&story, "Mon 13:00"),
        "running: due Mon 16:00, used PT3H of PT6H"
    );
    story.severity("Mon 14:00", "S2");
    assert_eq!(
        resolve(&story, "Mon 14:00"),
        "running: due Tue 11:00, used PT3H of PT8H"
    );
}

#[test]
fn a_pause_is_not_lost_when_the_severity_changes() {
    for (policy, paused, resumed) in [
        (
            FromStart,
            "paused: not due, used PT1H of PT4H",
            "running: due Tue 10:00, used PT1H of PT4H",
        ),
        (
            FromChange,
            "paused: not due, used PT0S of PT4H",
            "running: due Tue 11:00, used PT0S of PT4H",
        ),
        (
            CarryFraction,
            "paused: not due, used PT30M of PT4H",
            "running: due Tue 10:30, used PT30M of PT4H",
        ),
    ] {
        let mut story = Story::under(desk(policy));
        story.reported("Mon 10:00", "S2");
        story.paused("Mon 11:00", "ACCESS");
        story.severity("Mon 13:00", "S1");
        assert_eq!(resolve(&story, "Tue 20:00"), paused, "{policy}");
        story.resumed("Mon 15:00", None);
        assert_eq!(resolve(&story, "Mon 15:00"), resumed, "{policy}");
    }
}

#[test]
fn a_shorter_target_used_up_before_the_pause_counts_from_the_change() {
    let mut story = Story::under(desk(FromStart));
    story.reported("Mon 10:00", "S3");
    story.paused("Mon 15:00", "ACCESS");
    story.severity("Mon 16:00", "S1");
    assert_eq!(
        resolve(&story, "Mon 16:30"),
        "paused: not due, used PT0S of PT4H"
    );
    story.resumed("Mon 16:30", None);
    assert_eq!(
        resolve(&story, "Tue 09:00"),
        "running: due Tue 12:30, used PT30M of PT4H"
    );
}

#[test]
fn a_severity_without_a_commitment_cancels_the_clock_and_a_later_one_lets_it_go_on() {
    for (policy, stands) in [
        (FromStart, "running: due Tue 10:00, used PT3H of PT8H"),
        (FromChange, "running: due Tue 13:00, used PT0S of PT8H"),
        (CarryFraction, "running: due Tue 11:00, used PT2H of PT8H"),
    ] {
        let mut story = changed(policy, "S2", "Mon 12:00", "S4");
        assert!(
            resolve(&story, "Wed 12:00").starts_with("cancelled: not due"),
            "{policy}"
        );
        story.severity("Mon 13:00", "S2");
        assert_eq!(resolve(&story, "Mon 13:00"), stands, "{policy}");
    }
}

#[test]
fn what_happens_while_no_commitment_asks_leaves_a_cancelled_clock_alone() {
    let mut story = changed(FromStart, "S2", "Mon 12:00", "S4");
    let ended = |story: &Story| {
        story
            .find(Metric::Resolve, "Tue 12:00")
            .unwrap()
            .current()
            .ended_at
    };
    story.paused("Mon 13:00", "ACCESS");
    assert_eq!(ended(&story), Some(at("Mon 12:00")));
    story.resumed("Mon 14:00", None);
    assert_eq!(ended(&story), Some(at("Mon 12:00")));
    assert!(resolve(&story, "Tue 12:00").starts_with("cancelled: not due"));
    // Asked for again, the pause counts.
    let mut again = story.clone();
    again.severity("Mon 15:00", "S2");
    assert_eq!(
        resolve(&again, "Mon 15:00"),
        "running: due Tue 11:00, used PT4H of PT8H"
    );
    story.says(EventKind::Resolved, "Mon 15:00");
    story.says(EventKind::Reopened, "Mon 16:00");
    assert_eq!(ended(&story), Some(at("Mon 12:00")));
    assert!(resolve(&story, "Tue 12:00").starts_with("cancelled: not due"));
}

#[test]
fn a_breach_outlives_a_severity_without_a_commitment() {
    let story = changed(FromStart, "S1", "Mon 15:00", "S4");
    let clock = story.find(Metric::Resolve, "Tue 12:00").unwrap();
    assert_eq!(clock.state.as_str(), "cancelled");
    assert_eq!(clock.current().breached_at, Some(at("Mon 14:00")));
    assert_eq!(clock.current().ended_at, Some(at("Mon 15:00")));
}

#[test]
fn a_severity_that_first_promises_something_starts_the_clock() {
    for (policy, stands) in [
        (FromStart, "running: due Tue 10:00, used PT2H of PT8H"),
        (FromChange, "running: due Tue 12:00, used PT0S of PT8H"),
        (CarryFraction, "running: due Tue 12:00, used PT0S of PT8H"),
    ] {
        let story = changed(policy, "S4", "Mon 12:00", "S2");
        assert_eq!(resolve(&story, "Mon 11:00"), "no clock");
        assert_eq!(resolve(&story, "Mon 12:00"), stands, "{policy}");
    }
}

#[test]
fn a_change_after_the_stop_does_not_touch_the_outcome() {
    let mut story = Story::under(desk(FromStart));
    story.reported("Mon 10:00", "S2");
    story.says(EventKind::Resolved, "Mon 15:00");
    story.severity("Mon 16:00", "S1");
    assert_eq!(
        resolve(&story, "Tue 16:00"),
        "met: due Tue 10:00, used PT5H of PT8H, met at Mon 15:00"
    );
}

#[test]
fn of_an_update_the_new_target_counts_from_the_start_of_its_interval() {
    let promise = terms()
        .promises(Metric::Update, "S2", open("PT4H"), OFFICE)
        .promises(Metric::Update, "S1", open("PT1H"), OFFICE);
    for (policy, due) in [
        (FromStart, "Mon 12:00"),
        (FromChange, "Mon 12:30"),
        (CarryFraction, "Mon 12:22:30.000000"),
    ] {
        let mut story = Story::under(promise.clone().on_change(policy));
        story.reported("Mon 10:00", "S2");
        story.says(EventKind::Updated, "Mon 11:00");
        story.severity("Mon 11:30", "S1");
        let clock = story.find(Metric::Update, "Mon 11:45").unwrap();
        assert_eq!(clock.current().interval, 2);
        assert_eq!(
            clock.current().due_at.map(shown).as_deref(),
            Some(due),
            "{policy}"
        );
    }
}

#[test]
fn of_a_business_day_target_the_rule_is_applied_from_where_the_policy_says() {
    let promise = terms()
        .promises(Metric::Resolve, "S3", open("PT40H"), OFFICE)
        .promises(Metric::Resolve, "S2", days(1, "16:00"), OFFICE);
    for (policy, due) in [(FromStart, "Tue 16:00"), (FromChange, "Wed 16:00")] {
        let mut story = Story::under(promise.clone().on_change(policy));
        story.reported("Mon 10:00", "S3");
        story.severity("Tue 12:00", "S2");
        let clock = story.find(Metric::Resolve, "Tue 13:00").unwrap();
        assert_eq!(
            clock.current().due_at.map(shown).as_deref(),
            Some(due),
            "{policy}"
        );
    }
    // A quarter of the 12 hours from the change to its second day is used.
    let mut story = Story::under(promise.on_change(CarryFraction));
    story.reported("Mon 10:00", "S3");
    story.severity("Tue 12:00", "S2");
    assert_eq!(
        resolve(&story, "Tue 12:00"),
        "running: due Wed 13:00, used PT3H of PT12H"
    );
}
