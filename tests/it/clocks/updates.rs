//! The clock of `update`: interval after interval.

use redress::domain::terms::Promise;
use redress::domain::words::{EventKind, Metric};

use super::story::*;

fn desk() -> Promise {
    terms().promises(Metric::Update, "S2", open("PT2H"), OFFICE)
}

fn reported(when: &str) -> Story {
    let mut story = Story::under(desk());
    story.reported(when, "S2");
    story
}

fn update(story: &Story, now: &str) -> String {
    story.stands(Metric::Update, now)
}

#[test]
fn each_answer_ends_an_interval_and_begins_the_next() {
    let mut story = reported("Mon 10:00");
    story.says(EventKind::Responded, "Mon 11:00");
    story.says(EventKind::Updated, "Mon 12:30");
    story.says(EventKind::WorkedAround, "Mon 14:00");
    assert_eq!(
        update(&story, "Mon 15:00"),
        "running: 1.1 due Mon 12:00, used PT1H of PT2H, met at Mon 11:00; \
         1.2 due Mon 13:00, used PT1H30M of PT2H, met at Mon 12:30; \
         1.3 due Mon 14:30, used PT1H30M of PT2H, met at Mon 14:00; \
         1.4 due Mon 16:00, used PT1H of PT2H"
    );
}

#[test]
fn a_missed_interval_is_followed_by_the_next_from_its_deadline() {
    let mut story = reported("Mon 10:00");
    assert_eq!(
        update(&story, "Mon 15:00"),
        "running: 1.1 due Mon 12:00, used PT2H of PT2H, missed; \
         1.2 due Mon 14:00, used PT2H of PT2H, missed; \
         1.3 due Mon 16:00, used PT1H of PT2H"
    );
    story.says(EventKind::Updated, "Mon 15:30");
    assert_eq!(
        update(&story, "Mon 16:00"),
        "running: 1.1 due Mon 12:00, used PT2H of PT2H, missed at Mon 15:30, late PT3H30M; \
         1.2 due Mon 14:00, used PT2H of PT2H, missed at Mon 15:30, late PT1H30M; \
         1.3 due Mon 16:00, used PT1H30M of PT2H, met at Mon 15:30; \
         1.4 due Tue 09:30, used PT30M of PT2H"
    );
}

#[test]
fn the_last_interval_cut_short_counts_for_nothing() {
    for kind in [EventKind::Restored, EventKind::Resolved] {
        let mut story = reported("Mon 10:00");
        story.says(EventKind::Updated, "Mon 11:00");
        story.says(kind, "Mon 12:00");
        assert_eq!(
            update(&story, "Wed 12:00"),
            "met: 1.1 due Mon 12:00, used PT1H of PT2H, met at Mon 11:00; \
             1.2 due Mon 13:00, used PT1H of PT2H at Mon 12:00"
        );
    }
}

#[test]
fn the_clock_shows_missed_if_any_interval_was() {
    let mut story = reported("Mon 10:00");
    story.says(EventKind::Updated, "Mon 12:00:00.000001");
    story.says(EventKind::Updated, "Mon 13:00");
    story.says(EventKind::Resolved, "Mon 14:00");
    let stands = update(&story, "Tue 12:00");
    assert!(
        stands.starts_with("missed: 1.1 due Mon 12:00, used PT2H of PT2H, missed at"),
        "{stands}"
    );
}

#[test]
fn an_update_at_the_very_deadline_is_in_time() {
    let mut story = reported("Mon 10:00");
    story.says(EventKind::Updated, "Mon 12:00");
    assert_eq!(
        update(&story, "Mon 12:00"),
        "running: 1.1 due Mon 12:00, used PT2H of PT2H, met at Mon 12:00; 1.2 due Mon 14:00, used PT0S of PT2H"
    );
    let mut ended = reported("Mon 10:00");
    ended.says(EventKind::Resolved, "Mon 12:00");
    assert_eq!(
        update(&ended, "Mon 12:00"),
        "met: due Mon 12:00, used PT2H of PT2H at Mon 12:00"
    );
}

#[test]
fn intervals_run_through_closed_time() {
    let story = reported("Fri 16:00");
    assert_eq!(
        update(&story, "Mon+ 10:30"),
        "running: 1.1 due Mon+ 10:00, used PT2H of PT2H, missed; 1.2 due Mon+ 12:00, used PT30M of PT2H"
    );
    let night = reported("Fri 20:00");
    assert_eq!(
        update(&night, "Mon+ 10:00"),
        "running: due Mon+ 11:00, used PT1H of PT2H"
    );
}

#[test]
fn an_interval_in_business_days_is_followed_by_the_next() {
    let promise = terms().promises(Metric::Update, "S2", days(1, "16:00"), OFFICE);
    let mut story = Story::under(promise);
    story.reported("Thu 10:00", "S2");
    let dues = |story: &Story, now: &str| -> Vec<String> {
        let clock = story.find(Metric::Update, now).unwrap();
        clock
            .laps
            .iter()
            .filter_map(|lap| lap.due_at.map(shown))
            .collect()
    };
    assert_eq!(
        dues(&story, "Tue+ 10:00"),
        ["Fri 16:00", "Mon+ 16:00", "Tue+ 16:00"]
    );
}

#[test]
fn a_pause_holds_the_interval_and_answers_go_on_beginning_new_ones() {
    let mut story = reported("Mon 10:00");
    story.paused("Mon 11:00", "ACCESS");
    assert_eq!(
        update(&story, "Tue 12:00"),
        "paused: not due, used PT1H of PT2H"
    );
    story.says(EventKind::Updated, "Mon 13:00");
    assert_eq!(
        update(&story, "Mon 14:00"),
        "paused: 1.1 not due, used PT1H of PT2H, met at Mon 13:00; 1.2 not due, used PT0S of PT2H"
    );
    story.resumed("Mon 15:00", None);
    assert_eq!(
        update(&story, "Mon 16:00"),
        "running: 1.1 not due, used PT1H of PT2H, met at Mon 13:00; 1.2 due Mon 17:00, used PT1H of PT2H"
    );
}

#[test]
fn how_late_a_missed_interval_is_leaves_out_a_pause_after_its_deadline() {
    let mut story = reported("Mon 10:00");
    story.paused("Mon 12:30", "ACCESS");
    story.resumed("Mon 13:00", None);
    story.says(EventKind::Updated, "Mon 13:30");
    assert_eq!(
        update(&story, "Mon 13:30"),
        "running: 1.1 due Mon 12:00, used PT2H of PT2H, missed at Mon 13:30, late PT1H; \
         1.2 due Mon 14:30, used PT1H of PT2H, met at Mon 13:30; \
         1.3 due Mon 15:30, used PT0S of PT2H"
    );
}

#[test]
fn a_missed_interval_is_over_for_the_ladder_when_the_next_is_missed_too_or_the_clock_ends() {
    let ended =
        |story: &Story, now: &str| story.find(Metric::Update, now).unwrap().laps[0].ended_at;
    let mut story = reported("Mon 10:00");
    assert_eq!(ended(&story, "Mon 13:59"), None);
    assert_eq!(ended(&story, "Mon 14:00"), Some(at("Mon 14:00")));
    let mut cancelled = story.clone();
    cancelled.says(EventKind::Cancelled, "Mon 13:00");
    assert_eq!(ended(&cancelled, "Mon 16:00"), Some(at("Mon 13:00")));
    // Nothing is promised for S4.
    story.severity("Mon 13:00", "S4");
    assert_eq!(ended(&story, "Mon 16:00"), Some(at("Mon 13:00")));
}

#[test]
fn a_severity_without_updates_breaks_them_off_and_a_later_one_takes_them_up() {
    let mut story = reported("Mon 10:00");
    story.severity("Mon 11:00", "S4");
    story.says(EventKind::Updated, "Mon 11:30");
    assert!(update(&story, "Tue 12:00").starts_with("cancelled: "));
    story.severity("Mon 12:00", "S2");
    let clock = story.find(Metric::Update, "Mon 13:00").unwrap();
    // The interval began with the update.
    assert_eq!(clock.current().due_at, Some(at("Mon 13:30")));
    assert!(clock.laps.iter().all(|lap| lap.verdict.is_none()));
}

#[test]
fn what_was_missed_is_over_when_the_severity_asks_for_no_updates_any_more() {
    let mut story = reported("Mon 10:00");
    story.severity("Mon 13:00", "S4");
    story.says(EventKind::Restored, "Mon 15:00");
    let clock = story.find(Metric::Update, "Tue 12:00").unwrap();
    let first = &clock.laps[0];
    assert_eq!(first.breached_at, Some(at("Mon 12:00")));
    assert_eq!(
        (first.stopped_at, first.ended_at),
        (None, Some(at("Mon 13:00")))
    );
    assert!(update(&story, "Tue 12:00").starts_with("cancelled: "));
    story.explained(Metric::Update, "Tue 12:00");
}

#[test]
fn what_was_missed_is_stopped_only_by_an_answer_that_was_still_owed() {
    let mut story = reported("Mon 10:00");
    story.severity("Mon 12:30", "S4");
    story.severity("Mon 13:00", "S2");
    // The clock goes on, and so does the wait for the answer.
    let mut went_on = story.clone();
    went_on.says(EventKind::Updated, "Mon 13:30");
    let stopped =
        |story: &Story| story.find(Metric::Update, "Tue 12:00").unwrap().laps[0].stopped_at;
    assert_eq!(stopped(&went_on), Some(at("Mon 13:30")));
    // Somebody told us meanwhile, without owing it: what comes later does not answer that interval.
    story.says(EventKind::Updated, "Mon 12:45");
    story.events.swap(2, 3);
    for (seq, event) in (1..).zip(&mut story.events) {
        event.seq = seq;
    }
    story.says(EventKind::Updated, "Mon 14:00");
    assert_eq!(stopped(&story), None);
    story.explained(Metric::Update, "Tue 12:00");
}

#[test]
fn updates_of_a_second_missed_for_ever_end_with_an_error_that_says_the_way_out() {
    let promise = terms().promises(Metric::Update, "S2", open("PT1S"), AROUND);
    let mut story = Story::under(promise);
    story.reported("Mon 00:00", "S2");
    let laps = |story: &Story, now: &str| {
        let facts = redress::domain::timeline::facts(&story.events);
        let case = redress::domain::CaseId(1);
        let clocks =
            redress::domain::clock::judge(case, &story.promise, &facts, &story.book, at(now))?;
        Ok::<usize, redress::domain::calendar::CalendarError>(clocks[0].laps.len())
    };
    // A day of seconds is judged, a hundred thousand of them is where it ends, however late it is.
    assert_eq!(laps(&story, "Tue 00:00"), Ok(86_401));
    for now in ["Tue 03:46:41", "Sun+ 00:00"] {
        let error = laps(&story, now).unwrap_err().to_string();
        assert!(error.contains("more than 100000 intervals"), "{error}");
        assert!(
            error.contains("record when it was answered or over"),
            "{error}"
        );
    }
    story.says(EventKind::Resolved, "Mon 01:00");
    assert_eq!(laps(&story, "Sun+ 00:00"), Ok(3_600));
}
