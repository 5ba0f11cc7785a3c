//! The loss of data: an amount against its target.

use redress::domain::terms::Promise;
use redress::domain::timeline::Fields;
use redress::domain::words::{EventKind, Metric};

use super::story::*;

fn desk() -> Promise {
    terms()
        .promises(Metric::DataLoss, "S1", open("PT15M"), OFFICE)
        .promises(Metric::DataLoss, "S2", open("PT1H"), OFFICE)
}

fn reported(severity: &str) -> Story {
    let mut story = Story::under(desk());
    story.reported("Mon 10:00", severity);
    story
}

#[test]
fn it_is_pending_until_the_loss_is_measured() {
    let story = reported("S1");
    assert_eq!(
        story.stands(Metric::DataLoss, "Fri 10:00"),
        "pending: not due, used PT0S of PT15M"
    );
}

#[test]
fn a_loss_of_exactly_the_target_is_kept_and_a_second_more_is_a_breach_when_it_is_measured() {
    let mut story = reported("S1");
    story.lost(900, "Tue 20:00");
    assert_eq!(
        story.stands(Metric::DataLoss, "Tue 20:00"),
        "met: not due, used PT15M of PT15M, met at Tue 20:00"
    );
    let mut story = reported("S1");
    story.lost(901, "Tue 20:00");
    assert_eq!(
        story.stands(Metric::DataLoss, "Wed 10:00"),
        "missed: due Tue 20:00, used PT15M1S of PT15M, missed at Tue 20:00, late PT0S"
    );
}

#[test]
fn the_severity_of_the_measurement_judges_and_a_later_one_changes_nothing() {
    let mut story = reported("S1");
    story.severity("Mon 11:00", "S2");
    story.lost(1800, "Mon 12:00");
    story.severity("Mon 13:00", "S1");
    assert_eq!(
        story.stands(Metric::DataLoss, "Mon 14:00"),
        "met: not due, used PT30M of PT1H, met at Mon 12:00"
    );
}

#[test]
fn without_a_commitment_it_is_cancelled_until_a_severity_has_one() {
    let mut story = reported("S1");
    story.severity("Mon 11:00", "S3");
    story.lost(1800, "Mon 12:00");
    assert_eq!(
        story.stands(Metric::DataLoss, "Mon 12:30"),
        "cancelled: not due, used PT0S of PT15M"
    );
    story.severity("Mon 13:00", "S1");
    assert_eq!(
        story.stands(Metric::DataLoss, "Mon 14:00"),
        "missed: due Mon 13:00, used PT30M of PT15M, missed at Mon 13:00, late PT0S"
    );
}

#[test]
fn a_corrected_amount_judges_anew() {
    let mut story = reported("S1");
    let measured = story.lost(1200, "Mon 12:00");
    story.corrects(
        measured,
        Fields {
            seconds: Some(600),
            ..Fields::default()
        },
    );
    assert_eq!(
        story.stands(Metric::DataLoss, "Mon 14:00"),
        "met: not due, used PT10M of PT15M, met at Mon 12:00"
    );
}

#[test]
fn no_repair_reopening_or_cancellation_changes_what_was_lost() {
    let mut story = reported("S1");
    story.lost(1200, "Mon 12:00");
    for kind in [
        EventKind::Resolved,
        EventKind::Reopened,
        EventKind::Cancelled,
    ] {
        story.says(kind, "Mon 13:00");
    }
    assert_eq!(
        story.stands(Metric::DataLoss, "Mon 14:00"),
        "missed: due Mon 12:00, used PT20M of PT15M, missed at Mon 12:00, late PT0S"
    );
    let void = Fields {
        void: true,
        ..Fields::default()
    };
    let mut story = reported("S1");
    story.lost(1200, "Mon 12:00");
    story.enters(EventKind::Cancelled, "Mon 13:00", void);
    assert_eq!(
        story.stands(Metric::DataLoss, "Mon 14:00"),
        "cancelled: not due, used PT20M of PT15M at Mon 12:00"
    );
}
