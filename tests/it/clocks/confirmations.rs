//! Repairs that count once we confirm them.

use redress::domain::terms::Promise;
use redress::domain::words::EventKind::{
    Cancelled, Confirmed, Rejected, Reopened, Resolved, Restored,
};
use redress::domain::words::Metric;

use super::story::*;

fn desk() -> Promise {
    terms()
        .promises(Metric::Respond, "S1", open("PT8H"), OFFICE)
        .promises(Metric::Update, "S1", open("PT4H"), OFFICE)
        .promises(Metric::Restore, "S1", open("PT6H"), OFFICE)
        .promises(Metric::Resolve, "S1", open("PT8H"), OFFICE)
        .promises(Metric::RootCause, "S1", open("PT4H"), OFFICE)
        .confirmed_within(5)
}

/// Reported on Monday at 10:00, repaired two hours later as the vendor says.
fn resolved() -> Story {
    let mut story = Story::under(desk());
    story.reported("Mon 10:00", "S1");
    story.says(Resolved, "Mon 12:00");
    story
}

#[test]
fn a_repair_waits_and_nothing_falls_due_meanwhile() {
    let story = resolved();
    assert_eq!(
        story.stands(Metric::Resolve, "Fri 10:00"),
        "awaiting: due Tue 10:00, used PT2H of PT8H at Mon 12:00"
    );
    assert_eq!(
        story.stands(Metric::Restore, "Fri 10:00"),
        "met: due Mon 16:00, used PT2H of PT6H, met at Mon 12:00"
    );
}

#[test]
fn confirmed_it_counts_from_the_repair() {
    let mut story = resolved();
    story.says(Confirmed, "Thu 12:00");
    assert_eq!(
        story.stands(Metric::Resolve, "Thu 12:00"),
        "met: due Tue 10:00, used PT2H of PT8H, met at Mon 12:00"
    );
}

#[test]
fn silence_is_a_yes_after_the_days_of_the_terms() {
    let story = resolved();
    // Five business days after Monday, at the same time of day.
    assert_eq!(
        &story.stands(Metric::Resolve, "Mon+ 11:59:59.999999")[..8],
        "awaiting"
    );
    assert_eq!(
        story.stands(Metric::Resolve, "Mon+ 12:00"),
        "met: due Tue 10:00, used PT2H of PT8H, met at Mon 12:00"
    );
}

#[test]
fn a_rejected_repair_never_happened_for_what_it_stopped() {
    let mut story = resolved();
    story.says(Rejected, "Wed 10:00");
    // Deadlines passed meanwhile are breaches at their own due moments.
    assert_eq!(
        story.stands(Metric::Resolve, "Wed 10:00"),
        "running: due Tue 10:00, used PT16H of PT8H, missed"
    );
    assert_eq!(
        story.stands(Metric::Restore, "Wed 10:00"),
        "running: due Mon 16:00, used PT16H of PT6H, missed"
    );
    assert_eq!(
        story.stands(Metric::Respond, "Wed 10:00"),
        "running: due Tue 10:00, used PT16H of PT8H, missed"
    );
    assert_eq!(
        story.stands(Metric::Update, "Tue 09:30"),
        "met: due Mon 14:00, used PT2H of PT4H at Mon 12:00",
        "as it stood before the rejection"
    );
    assert!(
        story.stands(Metric::Update, "Wed 10:00").starts_with(
            "running: 1.1 due Mon 14:00, used PT4H of PT4H, missed; 1.2 due Tue 10:00"
        ),
        "{}",
        story.stands(Metric::Update, "Wed 10:00")
    );
    // The cause is owed once it is really repaired; what it missed meanwhile stays.
    assert_eq!(
        story.stands(Metric::RootCause, "Wed 10:00"),
        "pending: 1.1 due Mon 16:00, used PT14H of PT4H, missed at Wed 10:00, late PT10H; \
         2.1 not due, used PT0S of PT0S"
    );
    story.says(Resolved, "Wed 11:00");
    story.says(Confirmed, "Wed 12:00");
    assert_eq!(
        story.stands(Metric::Resolve, "Wed 12:00"),
        "missed: due Tue 10:00, used PT17H of PT8H, missed at Wed 11:00, late PT9H"
    );
}

#[test]
fn what_stopped_before_the_repair_stays_stopped() {
    let mut story = Story::under(desk());
    story.reported("Mon 10:00", "S1");
    story.says(Restored, "Mon 11:00");
    story.says(Resolved, "Mon 12:00");
    story.says(Rejected, "Wed 10:00");
    assert_eq!(
        story.stands(Metric::Restore, "Wed 10:00"),
        "met: due Mon 16:00, used PT1H of PT6H, met at Mon 11:00"
    );
}

#[test]
fn a_pause_that_the_rejected_repair_ended_goes_on() {
    let mut story = Story::under(desk());
    story.reported("Mon 10:00", "S1");
    story.paused("Mon 11:00", "ACCESS");
    story.says(Resolved, "Mon 12:00");
    story.says(Rejected, "Wed 10:00");
    assert_eq!(
        story.stands(Metric::Resolve, "Wed 10:00"),
        "paused: not due, used PT1H of PT8H"
    );
}

#[test]
fn a_rejection_after_the_silence_changes_nothing() {
    let mut story = resolved();
    story.says(Rejected, "Mon+ 12:00:00.000001");
    assert_eq!(
        story.stands(Metric::Resolve, "Tue+ 10:00"),
        "met: due Tue 10:00, used PT2H of PT8H, met at Mon 12:00"
    );
    assert_eq!(
        story.stands(Metric::Respond, "Tue+ 10:00"),
        "met: due Tue 10:00, used PT2H of PT8H, met at Mon 12:00"
    );
}

#[test]
fn a_repair_that_came_late_waits_too_and_stays_a_breach() {
    let mut story = Story::under(desk());
    story.reported("Mon 10:00", "S1");
    story.says(Resolved, "Tue 12:00");
    assert_eq!(
        story.stands(Metric::Resolve, "Wed 10:00"),
        "awaiting: due Tue 10:00, used PT10H of PT8H, missed at Tue 12:00, late PT2H"
    );
    story.says(Confirmed, "Wed 12:00");
    assert_eq!(
        story.stands(Metric::Resolve, "Wed 12:00"),
        "missed: due Tue 10:00, used PT10H of PT8H, missed at Tue 12:00, late PT2H"
    );
}

#[test]
fn reopened_after_the_confirmation_it_goes_on_from_its_stop() {
    let mut story = resolved();
    story.says(Confirmed, "Mon 14:00");
    story.says(Reopened, "Tue 10:00");
    assert_eq!(
        story.stands(Metric::Resolve, "Tue 11:00"),
        "running: due Tue 16:00, used PT3H of PT8H"
    );
}

#[test]
fn a_cancellation_while_it_waits_leaves_the_repair_as_it_was() {
    let mut story = resolved();
    story.says(Cancelled, "Tue 09:00");
    assert_eq!(
        story.stands(Metric::Resolve, "Wed 10:00"),
        "met: due Tue 10:00, used PT2H of PT8H, met at Mon 12:00"
    );
}
