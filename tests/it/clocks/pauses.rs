//! Clock stops: what a pause does and does not hold.

use redress::domain::terms::{OnSeverityChange, Promise};
use redress::domain::words::{EventKind, Metric};

use super::story::*;

fn desk() -> Promise {
    terms()
        .promises(Metric::Restore, "S2", open("PT4H"), OFFICE)
        .promises(Metric::Resolve, "S2", open("PT8H"), OFFICE)
}

fn reported() -> Story {
    let mut story = Story::under(desk());
    story.reported("Mon 10:00", "S2");
    story
}

#[test]
fn nothing_falls_due_while_a_clock_is_paused() {
    let mut story = reported();
    story.paused("Mon 11:00", "ACCESS");
    for now in ["Mon 11:00", "Mon 14:00", "Fri 10:00", "Fri+ 10:00"] {
        assert_eq!(
            story.stands(Metric::Restore, now),
            "paused: not due, used PT1H of PT4H"
        );
    }
    story.resumed("Fri 10:00", None);
    assert_eq!(
        story.stands(Metric::Restore, "Fri 10:30"),
        "running: due Fri 13:00, used PT1H30M of PT4H"
    );
}

#[test]
fn a_pause_counts_only_where_it_overlaps_open_time() {
    for (from, to, due) in [
        ("Mon 16:00", "Tue 09:30", "Tue 11:30"),
        ("Mon 18:00", "Tue 08:00", "Tue 10:00"),
        ("Mon 17:00", "Tue 09:00", "Tue 10:00"),
        ("Mon 11:00", "Mon 12:00", "Tue 11:00"),
        ("Mon 12:00", "Mon 12:00", "Tue 10:00"),
        ("Mon 16:00", "Fri 16:00", "Mon+ 10:00"),
    ] {
        let mut story = reported();
        story.paused(from, "ACCESS");
        story.resumed(to, None);
        let clock = story.find(Metric::Resolve, "Fri 16:30").unwrap();
        assert_eq!(
            clock.current().due_at.map(shown).as_deref(),
            Some(due),
            "paused {from} to {to}"
        );
    }
}

#[test]
fn a_stop_holds_only_the_metrics_it_lists() {
    let mut story = reported();
    story.paused("Mon 11:00", "PARTS");
    assert_eq!(
        story.stands(Metric::Restore, "Mon 13:00"),
        "running: due Mon 14:00, used PT3H of PT4H"
    );
    assert_eq!(
        story.stands(Metric::Resolve, "Mon 13:00"),
        "paused: not due, used PT1H of PT8H"
    );
}

#[test]
fn a_stop_holds_only_commitments_that_permit_it() {
    let promise = terms()
        .promises(Metric::Restore, "S2", open("PT4H"), OFFICE)
        .held_only_by(&["FORCE"])
        .promises(Metric::Resolve, "S2", open("PT8H"), OFFICE);
    let mut story = Story::under(promise);
    story.reported("Mon 10:00", "S2");
    story.paused("Mon 11:00", "ACCESS");
    assert_eq!(
        story.stands(Metric::Restore, "Mon 13:00"),
        "running: due Mon 14:00, used PT3H of PT4H"
    );
    assert_eq!(
        story.stands(Metric::Resolve, "Mon 13:00"),
        "paused: not due, used PT1H of PT8H"
    );
    story.paused("Mon 13:00", "FORCE");
    assert_eq!(
        story.stands(Metric::Restore, "Mon 16:00"),
        "paused: not due, used PT3H of PT4H"
    );
}

#[test]
fn a_clock_is_paused_while_any_stop_that_covers_it_is_open() {
    let mut story = reported();
    story.paused("Mon 11:00", "ACCESS");
    story.paused("Mon 12:00", "FORCE");
    story.resumed("Mon 13:00", Some("ACCESS"));
    assert_eq!(
        story.stands(Metric::Resolve, "Mon 13:30"),
        "paused: not due, used PT1H of PT8H"
    );
    story.resumed("Mon 14:00", Some("FORCE"));
    assert_eq!(
        story.stands(Metric::Resolve, "Mon 15:00"),
        "running: due Tue 13:00, used PT2H of PT8H"
    );
}

#[test]
fn resumed_without_a_stop_ends_all() {
    let mut story = reported();
    story.paused("Mon 11:00", "ACCESS");
    story.paused("Mon 12:00", "PARTS");
    story.resumed("Mon 13:00", None);
    assert_eq!(
        story.stands(Metric::Resolve, "Mon 14:00"),
        "running: due Tue 12:00, used PT2H of PT8H"
    );
    assert_eq!(
        story.stands(Metric::Restore, "Mon 14:00"),
        "running: due Mon 16:00, used PT2H of PT4H"
    );
}

#[test]
fn pausing_what_is_paused_already_changes_nothing() {
    let mut story = reported();
    story.paused("Mon 11:00", "ACCESS");
    story.paused("Mon 12:00", "ACCESS");
    story.resumed("Mon 13:00", Some("ACCESS"));
    assert_eq!(
        story.stands(Metric::Resolve, "Mon 14:00"),
        "running: due Tue 12:00, used PT2H of PT8H"
    );
}

#[test]
fn a_budget_used_up_at_the_instant_a_pause_begins_is_due_at_that_instant() {
    let mut story = reported();
    story.paused("Mon 14:00", "ACCESS");
    assert_eq!(
        story.stands(Metric::Restore, "Mon 15:00"),
        "paused: due Mon 14:00, used PT4H of PT4H, missed"
    );
    let mut sooner = reported();
    sooner.paused("Mon 13:59:59.999999", "ACCESS");
    assert_eq!(
        sooner.stands(Metric::Restore, "Mon 15:00"),
        "paused: not due, used PT3H59M59.999999S of PT4H"
    );
    sooner.resumed("Mon 16:00", None);
    assert_eq!(
        sooner.stands(Metric::Restore, "Mon 16:30"),
        "running: due Mon 16:00:00.000001, used PT4H29M59.999999S of PT4H, missed"
    );
}

#[test]
fn an_answer_at_the_instant_of_deadline_and_pause_is_in_time() {
    let mut story = reported();
    story.paused("Mon 14:00", "ACCESS");
    story.says(EventKind::Restored, "Mon 14:00");
    assert_eq!(
        story.stands(Metric::Restore, "Mon 15:00"),
        "met: due Mon 14:00, used PT4H of PT4H, met at Mon 14:00"
    );
}

#[test]
fn a_case_created_paused_uses_nothing_until_it_is_resumed() {
    let mut story = reported();
    story.paused("Mon 10:00", "ACCESS");
    assert_eq!(
        story.stands(Metric::Restore, "Tue 10:00"),
        "paused: not due, used PT0S of PT4H"
    );
    story.resumed("Tue 10:00", None);
    assert_eq!(
        story.stands(Metric::Restore, "Tue 11:00"),
        "running: due Tue 14:00, used PT1H of PT4H"
    );
}

#[test]
fn a_clock_that_goes_from_paused_straight_to_resolved_leaves_the_pause_out() {
    let mut story = reported();
    story.paused("Mon 11:00", "ACCESS");
    story.says(EventKind::Resolved, "Wed 10:00");
    assert_eq!(
        story.stands(Metric::Resolve, "Wed 12:00"),
        "met: not due, used PT1H of PT8H, met at Wed 10:00"
    );
}

#[test]
fn a_pause_does_not_clear_a_breach() {
    let mut story = reported();
    story.paused("Mon 15:00", "ACCESS");
    assert_eq!(
        story.stands(Metric::Restore, "Mon 15:30"),
        "paused: due Mon 14:00, used PT5H of PT4H, missed"
    );
    story.resumed("Mon 16:00", None);
    story.says(EventKind::Restored, "Mon 16:30");
    assert_eq!(
        story.stands(Metric::Restore, "Tue 10:00"),
        "missed: due Mon 14:00, used PT5H30M of PT4H, missed at Mon 16:30, late PT1H30M"
    );
}

#[test]
fn a_stop_that_needs_both_sides_counts_only_once_it_is_agreed() {
    let mut story = reported();
    let pause = story.paused("Mon 11:00", "MAINT");
    story.resumed("Mon 15:00", Some("MAINT"));
    let unanswered = "running: due Mon 14:00, used PT6H of PT4H, missed";
    assert_eq!(story.stands(Metric::Restore, "Mon 16:00"), unanswered);
    let mut refused = story.clone();
    refused.answers(EventKind::Refused, "Mon 16:00", pause);
    assert_eq!(refused.stands(Metric::Restore, "Mon 16:00"), unanswered);
    // It counts from its own beginning, and the breach inside it is gone.
    let answer = story.answers(EventKind::Agreed, "Mon 16:00", pause);
    let agreed = "running: due Tue 10:00, used PT2H of PT4H";
    assert_eq!(story.stands(Metric::Restore, "Mon 16:00"), agreed);
    // Taken back, it never counted.
    let correction = story.taken_back(answer);
    assert_eq!(story.stands(Metric::Restore, "Mon 16:00"), unanswered);
    story.taken_back(correction);
    assert_eq!(story.stands(Metric::Restore, "Mon 16:00"), agreed);
}

#[test]
fn restored_and_resolved_end_the_pauses_of_the_metrics_they_stop() {
    let mut story = reported();
    story.paused("Mon 11:00", "ACCESS");
    story.says(EventKind::Restored, "Mon 13:00");
    assert_eq!(
        story.stands(Metric::Restore, "Mon 14:00"),
        "met: not due, used PT1H of PT4H, met at Mon 13:00"
    );
    assert_eq!(
        story.stands(Metric::Resolve, "Mon 14:00"),
        "paused: not due, used PT1H of PT8H"
    );
    // Reopened, the restoring goes on without the pause; the repair is still held.
    story.says(EventKind::Reopened, "Mon 15:00");
    assert_eq!(
        story.stands(Metric::Restore, "Mon 16:00"),
        "running: due Tue 10:00, used PT2H of PT4H"
    );
    assert_eq!(
        story.stands(Metric::Resolve, "Mon 16:00"),
        "paused: not due, used PT1H of PT8H"
    );
    story.says(EventKind::Resolved, "Mon 16:00");
    story.says(EventKind::Reopened, "Mon 16:30");
    assert_eq!(
        story.stands(Metric::Resolve, "Mon 17:00"),
        "running: due Tue 15:30, used PT1H30M of PT8H"
    );
}

#[test]
fn a_pause_after_the_stop_leaves_the_outcome_as_it_is() {
    let promise = desk().promises(Metric::Update, "S2", open("PT2H"), OFFICE);
    let mut story = Story::under(promise);
    story.reported("Mon 10:00", "S2");
    story.says(EventKind::Restored, "Mon 11:00");
    let metrics = [Metric::Update, Metric::Restore];
    let before = metrics.map(|metric| story.stands(metric, "Mon 12:00"));
    let ended = |story: &Story, metric| story.find(metric, "Tue 12:00").unwrap().current().ended_at;
    story.paused("Mon 13:00", "ACCESS");
    assert_eq!(
        metrics.map(|metric| story.stands(metric, "Tue 12:00")),
        before
    );
    story.resumed("Mon 14:00", None);
    assert_eq!(
        metrics.map(|metric| story.stands(metric, "Tue 12:00")),
        before
    );
    for metric in metrics {
        assert_eq!(ended(&story, metric), Some(at("Mon 11:00")), "{metric}");
    }
}

#[test]
fn a_business_day_target_that_no_pause_touches_is_due_exactly_as_written() {
    for (time, written) in [
        ("16:00", "Tue 16:00"),
        ("close", "Tue 17:00"),
        ("20:00", "Tue 20:00"),
        ("same_time", "Tue 10:00"),
    ] {
        let mut story =
            Story::under(terms().promises(Metric::Resolve, "S2", days(1, time), OFFICE));
        story.reported("Mon 10:00", "S2");
        let due = |story: &Story| {
            story
                .find(Metric::Resolve, "Tue 08:30")
                .unwrap()
                .current()
                .due_at
                .map(shown)
        };
        assert_eq!(due(&story).as_deref(), Some(written));
        story.paused("Mon 17:00", "ACCESS");
        story.resumed("Tue 08:00", None);
        assert_eq!(due(&story).as_deref(), Some(written));
    }
}

#[test]
fn of_a_business_day_target_that_a_pause_touched_the_remainder_is_walked() {
    for (time, due, budget) in [
        ("16:00", "Tue 17:00", "PT14H"),
        ("20:00", "Wed 10:00", "PT15H"),
        ("same_time", "Tue 11:00", "PT8H"),
    ] {
        let mut story =
            Story::under(terms().promises(Metric::Resolve, "S2", days(1, time), OFFICE));
        story.reported("Mon 10:00", "S2");
        story.paused("Mon 11:00", "ACCESS");
        assert_eq!(
            story.stands(Metric::Resolve, "Mon 13:00"),
            format!("paused: not due, used PT1H of {budget}")
        );
        story.resumed("Mon 12:00", None);
        assert_eq!(
            story.stands(Metric::Resolve, "Mon 13:00"),
            format!("running: due {due}, used PT2H of {budget}")
        );
    }
}

#[test]
fn a_target_written_into_closed_time_does_not_fall_due_inside_a_pause() {
    let mut story = Story::under(terms().promises(Metric::Resolve, "S2", days(1, "20:00"), OFFICE));
    story.reported("Mon 10:00", "S2");
    story.paused("Tue 18:00", "ACCESS");
    assert_eq!(
        story.stands(Metric::Resolve, "Tue 20:30"),
        "paused: not due, used PT15H of PT15H"
    );
    story.resumed("Tue 21:00", None);
    assert_eq!(
        story.stands(Metric::Resolve, "Tue 20:59:59.999999"),
        "paused: not due, used PT15H of PT15H"
    );
    assert_eq!(
        story.stands(Metric::Resolve, "Tue 21:00"),
        "running: due Tue 21:00, used PT15H of PT15H, missed"
    );
}

#[test]
fn a_pause_before_a_business_day_target_began_does_not_touch_it() {
    let promise = terms()
        .promises(Metric::Resolve, "S3", open("PT40H"), OFFICE)
        .promises(Metric::Resolve, "S2", days(0, "20:00"), OFFICE)
        .on_change(OnSeverityChange::FromChange);
    let mut story = Story::under(promise);
    story.reported("Mon 10:00", "S3");
    story.paused("Mon 16:00", "ACCESS");
    story.severity("Tue 07:00", "S2");
    story.resumed("Tue 08:00", None);
    assert_eq!(
        story.stands(Metric::Resolve, "Tue 12:00"),
        "running: due Tue 20:00, used PT3H of PT8H"
    );
}

#[test]
fn a_business_day_target_begins_with_the_opening_of_its_day_0() {
    // Tuesday 03:00 lies in Monday's night, but no window opens on a Tuesday.
    let mut story = Story::under(terms().promises(Metric::Resolve, "S2", days(0, "close"), 3));
    let week = serde_json::json!({"mon": [["22:00", "06:00"]], "wed": [["22:00", "06:00"]]});
    story.counts_in(3, calendar("Nights", "UTC", &week, &serde_json::json!([])));
    story.reported("Tue 03:00", "S2");
    let untouched = "running: due Thu 06:00, used PT0S of PT8H";
    assert_eq!(story.stands(Metric::Resolve, "Tue 08:00"), untouched);
    // What was open before the start does not count, and a pause there does not touch the target.
    story.paused("Tue 04:00", "ACCESS");
    story.resumed("Tue 05:00", None);
    assert_eq!(story.stands(Metric::Resolve, "Tue 08:00"), untouched);
}
