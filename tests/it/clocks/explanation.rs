//! What a clock says about itself.

use proptest::prelude::*;
use redress::domain::clock::{Explanation, Row, What};
use redress::domain::terms::OnReopen::{AsIfNeverResolved, Restart};
use redress::domain::terms::OnSeverityChange::{CarryFraction, FromChange};
use redress::domain::terms::{Confirmation, OnReopen, OnSeverityChange};
use redress::domain::timeline::Fields;
use redress::domain::words::{EventKind, Metric};
use redress::time::{MINUTE, Micros, Moment};
use serde_json::{Value, json};

use super::story::*;

/// The only lap of `resolve` at that moment, line by line.
fn said(story: &Story, now: &str) -> Vec<String> {
    let explained = story.explained(Metric::Resolve, now);
    assert_eq!(explained.len(), 1);
    lines(&explained[0])
}

fn ten_hours() -> Story {
    Story::under(terms().promises(Metric::Resolve, "S2", open("PT10H"), OFFICE))
}

#[test]
fn a_deadline_over_a_weekend_is_explained_window_by_window() {
    let mut story = ten_hours();
    story.reported("Fri 15:00", "S2");
    assert_eq!(
        said(&story, "Fri 16:00"),
        [
            "Fri 15:00: starts: reported #1 = PT0S",
            "Fri 15:00 to Fri 16:00: open = PT1H",
            "Fri 16:00: now = PT1H",
            "Fri 16:00 to Fri 17:00: open = PT2H",
            "Fri 17:00 to Mon+ 09:00: closed = PT2H",
            "Mon+ 09:00 to Mon+ 17:00: open = PT10H",
            "Mon+ 17:00: due = PT10H"
        ]
    );
}

#[test]
fn a_holiday_and_special_hours_are_named() {
    let mut story = Story::under(terms().promises(Metric::Resolve, "S2", open("PT8H"), 3));
    let exceptions = json!([
        {"date": "2026-11-18", "name": "Day of Repentance", "windows": []},
        {"date": "2026-11-19", "name": "Works meeting", "windows": [["09:00", "11:00"]]},
    ]);
    let week = workdays(&json!([["09:00", "12:00"], ["13:00", "17:00"]]));
    story.counts_in(3, calendar("Berlin", "Europe/Berlin", &week, &exceptions));
    story.reported("Tue 15:00", "S2");
    assert_eq!(
        said(&story, "Tue 15:00"),
        [
            "Tue 15:00: starts: reported #1 = PT0S",
            "Tue 15:00: now = PT0S",
            "Tue 15:00 to Tue 16:00: open = PT1H",
            "Tue 16:00 to Tue 23:00: closed = PT1H",
            "Tue 23:00 to Wed 23:00: closed: Day of Repentance = PT1H",
            "Wed 23:00 to Thu 08:00: closed: Works meeting 09:00–11:00 = PT1H",
            "Thu 08:00 to Thu 10:00: open = PT3H",
            "Thu 10:00 to Thu 23:00: closed: Works meeting 09:00–11:00 = PT3H",
            "Thu 23:00 to Fri 08:00: closed = PT3H",
            "Fri 08:00 to Fri 11:00: open = PT6H",
            "Fri 11:00 to Fri 12:00: closed = PT6H",
            "Fri 12:00 to Fri 14:00: open = PT8H",
            "Fri 14:00: due = PT8H"
        ]
    );
}

#[test]
fn a_date_that_the_zone_left_out_is_said() {
    let mut story = Story::under(terms().promises(Metric::Resolve, "S2", open("PT24H"), 3));
    let always = json!([["00:00", "24:00"]]);
    let mut week = workdays(&always);
    week["sat"] = always.clone();
    week["sun"] = always;
    story.counts_in(3, calendar("Apia", "Pacific/Apia", &week, &json!([])));
    story.reported("Mon 00:00", "S2");
    // Samoa went from 29 to 31 December 2011.
    let from = Moment::parse("2011-12-29T20:00:00Z").unwrap();
    story.events[0].occurred_at = from;
    let explained = story.explained_at(Metric::Resolve, from);
    let skipped = explained[0]
        .lines
        .iter()
        .find(|line| matches!(line.what, What::Skipped(_)))
        .unwrap();
    assert_eq!(skipped.what, What::Skipped("2011-12-30".parse().unwrap()));
    assert_eq!(skipped.from, Moment::parse("2011-12-30T10:00:00Z").unwrap());
}

#[test]
fn pauses_are_told_with_their_ground_and_those_that_never_counted_with_why() {
    let mut story = ten_hours();
    story.reported("Mon 09:00", "S2");
    story.paused("Mon 10:00", "ACCESS");
    let agreed = story.paused("Mon 11:00", "MAINT");
    story.resumed("Mon 12:00", Some("ACCESS"));
    story.answers(EventKind::Agreed, "Mon 12:30", agreed);
    story.resumed("Mon 13:00", Some("MAINT"));
    let refused = story.paused("Mon 14:00", "MAINT");
    story.answers(EventKind::Refused, "Mon 14:30", refused);
    assert_eq!(
        said(&story, "Mon 16:00"),
        [
            "Mon 09:00: starts: reported #1 = PT0S",
            "Mon 09:00 to Mon 10:00: open = PT1H",
            "Mon 10:00: paused ACCESS #2 = PT1H",
            "Mon 10:00 to Mon 11:00: held by ACCESS #2 = PT1H",
            "Mon 11:00: paused MAINT #3 agreed #5 = PT1H",
            "Mon 11:00 to Mon 12:00: held by ACCESS #2 and MAINT #3 agreed #5 = PT1H",
            "Mon 12:00: ACCESS ends #4 = PT1H",
            "Mon 12:00 to Mon 13:00: held by MAINT #3 agreed #5 = PT1H",
            "Mon 13:00: MAINT ends #6 = PT1H",
            "Mon 13:00 to Mon 14:00: open = PT2H",
            "Mon 14:00: not paused MAINT #7: Refused(8) = PT2H",
            "Mon 14:00 to Mon 16:00: open = PT4H",
            "Mon 16:00: now = PT4H",
            "Mon 16:00 to Mon 17:00: open = PT5H",
            "Mon 17:00 to Tue 09:00: closed = PT5H",
            "Tue 09:00 to Tue 14:00: open = PT10H",
            "Tue 14:00: due = PT10H"
        ]
    );
}

#[test]
fn a_clock_that_stands_still_ends_at_the_present_and_has_no_due_moment() {
    let mut story = ten_hours();
    story.reported("Mon 09:00", "S2");
    story.paused("Mon 10:00", "ACCESS");
    assert_eq!(
        said(&story, "Mon 18:00"),
        [
            "Mon 09:00: starts: reported #1 = PT0S",
            "Mon 09:00 to Mon 10:00: open = PT1H",
            "Mon 10:00: paused ACCESS #2 = PT1H",
            "Mon 10:00 to Mon 17:00: held by ACCESS #2 = PT1H",
            "Mon 17:00 to Mon 18:00: closed = PT1H",
            "Mon 18:00: now, held = PT1H"
        ]
    );
}

#[test]
fn each_policy_of_a_severity_change_is_told_as_it_was_counted() {
    let told = |policy: OnSeverityChange| {
        let promise = terms()
            .promises(Metric::Resolve, "S2", open("PT8H"), OFFICE)
            .promises(Metric::Resolve, "S1", open("PT4H"), AROUND)
            .on_change(policy);
        let mut story = Story::under(promise);
        story.reported("Mon 15:00", "S2");
        story.severity("Mon 16:00", "S1");
        said(&story, "Mon 16:30")
    };
    assert_eq!(
        told(OnSeverityChange::FromStart),
        [
            "Mon 15:00: starts: reported #1 = PT0S",
            "Mon 15:00 to Mon 16:00: open = PT1H",
            "Mon 16:00: S2 -> S1 #2: FromStart, used PT1H of PT8H, due Tue 15:00 -> Mon 19:00 = PT1H",
            "Mon 16:00 to Mon 16:30: open = PT1H30M",
            "Mon 16:30: now = PT1H30M",
            "Mon 16:30 to Mon 19:00: open = PT4H",
            "Mon 19:00: due = PT4H"
        ]
    );
    assert_eq!(
        told(FromChange),
        [
            "Mon 15:00 (earlier): starts: reported #1 = PT0S",
            "Mon 15:00 to Mon 16:00 (earlier): open = PT1H",
            "Mon 16:00: S2 -> S1 #2: FromChange, used PT1H of PT8H, due Tue 15:00 -> Mon 20:00 = PT0S",
            "Mon 16:00 to Mon 16:30: open = PT30M",
            "Mon 16:30: now = PT30M",
            "Mon 16:30 to Mon 20:00: open = PT4H",
            "Mon 20:00: due = PT4H"
        ]
    );
    assert_eq!(
        told(CarryFraction),
        [
            "Mon 15:00 (earlier): starts: reported #1 = PT0S",
            "Mon 15:00 to Mon 16:00 (earlier): open = PT1H",
            "Mon 16:00: S2 -> S1 #2: Carried(1800000000), used PT1H of PT8H, due Tue 15:00 -> Mon 19:30 = PT30M",
            "Mon 16:00 to Mon 16:30: open = PT1H",
            "Mon 16:30: now = PT1H",
            "Mon 16:30 to Mon 19:30: open = PT4H",
            "Mon 19:30: due = PT4H"
        ]
    );
}

#[test]
fn a_deadline_that_could_not_be_known_is_counted_anew() {
    let promise = terms()
        .promises(Metric::Resolve, "S2", open("PT8H"), OFFICE)
        .promises(Metric::Resolve, "S1", open("PT1H"), OFFICE);
    let mut story = Story::under(promise);
    story.reported("Mon 09:00", "S2");
    story.severity("Mon 12:00", "S1");
    assert_eq!(
        said(&story, "Mon 12:30"),
        [
            "Mon 09:00 (earlier): starts: reported #1 = PT0S",
            "Mon 09:00 to Mon 12:00 (earlier): open = PT3H",
            "Mon 12:00: S2 -> S1 #2: Fresh, used PT3H of PT8H, due Mon 17:00 -> Mon 13:00 = PT0S",
            "Mon 12:00 to Mon 12:30: open = PT30M",
            "Mon 12:30: now = PT30M",
            "Mon 12:30 to Mon 13:00: open = PT1H",
            "Mon 13:00: due = PT1H"
        ]
    );
}

#[test]
fn time_without_a_commitment_is_told_as_such() {
    let promise = terms()
        .promises(Metric::Resolve, "S2", open("PT8H"), OFFICE)
        .on_change(FromChange);
    let mut story = Story::under(promise);
    story.reported("Mon 09:00", "S2");
    story.severity("Mon 10:00", "S4");
    story.severity("Mon 11:00", "S2");
    assert_eq!(
        said(&story, "Mon 12:00"),
        [
            "Mon 09:00 (earlier): starts: reported #1 = PT0S",
            "Mon 09:00 to Mon 10:00 (earlier): open = PT1H",
            "Mon 10:00 (earlier): S2 -> S4 #2: NoCommitment, used PT1H of PT8H, due Mon 17:00 -> none = PT1H",
            "Mon 10:00 to Mon 11:00 (earlier): nothing promised = PT1H",
            "Mon 11:00: S4 -> S2 #3: FromChange, used PT1H of PT8H, due Mon 17:00 -> Tue 11:00 = PT0S",
            "Mon 11:00 to Mon 12:00: open = PT1H",
            "Mon 12:00: now = PT1H",
            "Mon 12:00 to Mon 17:00: open = PT6H",
            "Mon 17:00 to Tue 09:00: closed = PT6H",
            "Tue 09:00 to Tue 11:00: open = PT8H",
            "Tue 11:00: due = PT8H"
        ]
    );
}

#[test]
fn a_reopening_tells_what_became_of_the_time_in_between() {
    let told = |policy: OnReopen| {
        let promise = terms()
            .promises(Metric::Resolve, "S2", open("PT3H"), OFFICE)
            .on_reopen(policy);
        let mut story = Story::under(promise);
        story.reported("Mon 09:00", "S2");
        story.says(EventKind::Resolved, "Mon 10:00");
        story.says(EventKind::Reopened, "Mon 11:30");
        let explained = story.explained(Metric::Resolve, "Mon 12:00");
        lines(explained.last().unwrap())
    };
    assert_eq!(
        told(OnReopen::Continue),
        [
            "Mon 09:00: starts: reported #1 = PT0S",
            "Mon 09:00 to Mon 10:00: open = PT1H",
            "Mon 10:00: stopped: resolved #2 = PT1H",
            "Mon 10:00 to Mon 11:30: held by stopped until #3 = PT1H",
            "Mon 11:30: reopened #3: continue = PT1H",
            "Mon 11:30 to Mon 12:00: open = PT1H30M",
            "Mon 12:00: now = PT1H30M",
            "Mon 12:00 to Mon 13:30: open = PT3H",
            "Mon 13:30: due = PT3H"
        ]
    );
    assert_eq!(
        told(AsIfNeverResolved),
        [
            "Mon 09:00: starts: reported #1 = PT0S",
            "Mon 09:00 to Mon 10:00: open = PT1H",
            "Mon 10:00: stopped: resolved #2 = PT1H",
            "Mon 10:00 to Mon 11:30: open = PT2H30M",
            "Mon 11:30: reopened #3: as_if_never_resolved = PT2H30M",
            "Mon 11:30 to Mon 12:00: open = PT3H",
            "Mon 12:00: now = PT3H",
            "Mon 12:00: due = PT3H"
        ]
    );
    assert_eq!(
        told(Restart),
        [
            "Mon 11:30: starts: reopened #3 = PT0S",
            "Mon 11:30 to Mon 12:00: open = PT30M",
            "Mon 12:00: now = PT30M",
            "Mon 12:00 to Mon 14:30: open = PT3H",
            "Mon 14:30: due = PT3H"
        ]
    );
}

#[test]
fn an_edit_that_would_put_the_deadline_into_the_past_is_its_floor() {
    let mut story = Story::under(terms().promises(Metric::Resolve, "S2", open("PT8H"), OFFICE));
    story.reported("Mon 15:00", "S2");
    story.office_edited(&[("Tue 12:00", json!([["01:00", "17:00"]]))]);
    assert_eq!(
        said(&story, "Tue 12:30"),
        [
            "Mon 15:00: starts: reported #1 = PT0S",
            "Mon 15:00 to Mon 17:00: open = PT2H",
            "Mon 17:00 to Tue 01:00: closed = PT2H",
            "Tue 01:00 to Tue 12:00: open = PT13H",
            "Tue 12:00: calendar 1 -> 2, due Tue 15:00 -> Tue 12:00 = PT13H",
            "Tue 12:00: due not before the edit of Tue 12:00 = PT13H",
            "Tue 12:00 to Tue 12:30 (late): open = PT13H30M",
            "Tue 12:30 (late): now = PT13H30M"
        ]
    );
}

#[test]
fn business_days_are_counted_and_the_written_moment_stands() {
    let mut story = Story::under(terms().promises(Metric::Resolve, "S2", days(2, "20:00"), 3));
    let exceptions = json!([{"date": "2026-11-23", "name": "Market day", "windows": []}]);
    let week = workdays(&json!([["09:00", "17:00"]]));
    story.counts_in(3, calendar("Office", "UTC", &week, &exceptions));
    story.reported("Thu 18:00", "S2");
    assert_eq!(
        said(&story, "Fri 12:00"),
        [
            "Thu 18:00: starts: reported #1 = PT0S",
            "Thu 18:00: Thu 19 Over = PT0S",
            "Thu 18:00 to Fri 09:00: closed = PT0S",
            "Fri 09:00: day 0 Fri 20 = PT0S",
            "Fri 09:00 to Fri 12:00: open = PT3H",
            "Fri 12:00: now = PT3H",
            "Fri 12:00 to Fri 17:00: open = PT8H",
            "Fri 17:00 to Sat 00:00: closed = PT8H",
            "Sat 00:00: Sat 21 Closed = PT8H",
            "Sat 00:00 to Sun 00:00: closed = PT8H",
            "Sun 00:00: Sun 22 Closed = PT8H",
            "Sun 00:00 to Mon+ 00:00: closed = PT8H",
            "Mon+ 00:00: Mon 23 Holiday(\"Market day\") = PT8H",
            "Mon+ 00:00 to Tue+ 00:00: closed: Market day = PT8H",
            "Tue+ 00:00 to Tue+ 09:00: closed = PT8H",
            "Tue+ 09:00: day 1 Tue 24 = PT8H",
            "Tue+ 09:00 to Tue+ 17:00: open = PT16H",
            "Tue+ 17:00 to Wed+ 09:00: closed = PT16H",
            "Wed+ 09:00: day 2 Wed 25 = PT16H",
            "Wed+ 09:00 to Wed+ 17:00: open = PT24H",
            "Wed+ 17:00 to Wed+ 20:00: closed = PT24H",
            "Wed+ 20:00: due as written = PT24H"
        ]
    );
    story.paused("Fri 10:00", "ACCESS");
    story.resumed("Fri 11:00", None);
    assert_eq!(
        said(&story, "Fri 12:00"),
        [
            "Thu 18:00: starts: reported #1 = PT0S",
            "Thu 18:00: Thu 19 Over = PT0S",
            "Thu 18:00 to Fri 09:00: closed = PT0S",
            "Fri 09:00: day 0 Fri 20 = PT0S",
            "Fri 09:00 to Fri 10:00: open = PT1H",
            "Fri 10:00: paused ACCESS #2 = PT1H",
            "Fri 10:00 to Fri 11:00: held by ACCESS #2 = PT1H",
            "Fri 11:00: ACCESS ends #3 = PT1H",
            "Fri 11:00 to Fri 12:00: open = PT2H",
            "Fri 12:00: now = PT2H",
            "Fri 12:00 to Fri 17:00: open = PT7H",
            "Fri 17:00 to Sat 00:00: closed = PT7H",
            "Sat 00:00: Sat 21 Closed = PT7H",
            "Sat 00:00 to Sun 00:00: closed = PT7H",
            "Sun 00:00: Sun 22 Closed = PT7H",
            "Sun 00:00 to Mon+ 00:00: closed = PT7H",
            "Mon+ 00:00: Mon 23 Holiday(\"Market day\") = PT7H",
            "Mon+ 00:00 to Tue+ 00:00: closed: Market day = PT7H",
            "Tue+ 00:00 to Tue+ 09:00: closed = PT7H",
            "Tue+ 09:00: day 1 Tue 24 = PT7H",
            "Tue+ 09:00 to Tue+ 17:00: open = PT15H",
            "Tue+ 17:00 to Wed+ 09:00: closed = PT15H",
            "Wed+ 09:00: day 2 Wed 25 = PT15H",
            "Wed+ 09:00 to Wed+ 17:00: open = PT23H",
            "Wed+ 17:00 to Wed+ 20:00: closed = PT23H",
            "Wed+ 20:00: written Wed+ 20:00 = PT23H",
            "Wed+ 20:00 to Thu+ 09:00: closed = PT23H",
            "Thu+ 09:00 to Thu+ 10:00: open = PT24H",
            "Thu+ 10:00: due = PT24H"
        ]
    );
}

#[test]
fn what_is_late_is_counted_up_to_the_stop() {
    let mut story = ten_hours();
    story.reported("Mon 09:00", "S2");
    story.says(EventKind::Resolved, "Tue 15:30");
    let explained = story.explained(Metric::Resolve, "Wed 09:00");
    assert_eq!(
        lines(&explained[0]),
        [
            "Mon 09:00: starts: reported #1 = PT0S",
            "Mon 09:00 to Mon 17:00: open = PT8H",
            "Mon 17:00 to Tue 09:00: closed = PT8H",
            "Tue 09:00 to Tue 11:00: open = PT10H",
            "Tue 11:00: due = PT10H",
            "Tue 11:00 to Tue 15:30 (late): open = PT14H30M",
            "Tue 15:30 (late): stopped: resolved #2 = PT14H30M"
        ]
    );
    assert_eq!(explained[0].late(), Some(4 * 60 * MINUTE + 30 * MINUTE));
}

#[test]
fn what_was_answered_in_time_tells_how_the_deadline_would_have_come() {
    let mut story = ten_hours();
    story.reported("Mon 09:00", "S2");
    story.says(EventKind::Resolved, "Mon 12:00");
    assert_eq!(
        said(&story, "Wed 09:00"),
        [
            "Mon 09:00: starts: reported #1 = PT0S",
            "Mon 09:00 to Mon 12:00: open = PT3H",
            "Mon 12:00: stopped: resolved #2 = PT3H",
            "Mon 12:00 to Mon 17:00 (rest): open = PT8H",
            "Mon 17:00 to Tue 09:00 (rest): closed = PT8H",
            "Tue 09:00 to Tue 11:00 (rest): open = PT10H",
            "Tue 11:00 (rest): due = PT10H"
        ]
    );
}

#[test]
fn an_interval_that_ran_out_starts_the_next() {
    let promise = terms().promises(Metric::Update, "S2", open("PT1H"), OFFICE);
    let mut story = Story::under(promise);
    story.reported("Mon 09:00", "S2");
    let explained = story.explained(Metric::Update, "Mon 11:30");
    let told: Vec<_> = explained.iter().map(lines).collect();
    assert_eq!(
        told,
        [
            [
                "Mon 09:00: starts: reported #1 = PT0S",
                "Mon 09:00 to Mon 10:00: open = PT1H",
                "Mon 10:00: due = PT1H",
                "Mon 10:00 to Mon 11:00 (late): open = PT2H",
                "Mon 11:00 (late): the next one is late from here on = PT2H"
            ],
            [
                "Mon 10:00: starts as the one before ran out = PT0S",
                "Mon 10:00 to Mon 11:00: open = PT1H",
                "Mon 11:00: due = PT1H",
                "Mon 11:00 to Mon 11:30 (late): open = PT1H30M",
                "Mon 11:30 (late): now = PT1H30M"
            ],
            [
                "Mon 11:00: starts as the one before ran out = PT0S",
                "Mon 11:00 to Mon 11:30: open = PT30M",
                "Mon 11:30: now = PT30M",
                "Mon 11:30 to Mon 12:00: open = PT1H",
                "Mon 12:00: due = PT1H"
            ]
        ]
    );
}

#[test]
fn thousands_of_hours_are_told_to_the_last() {
    let mut story = Story::under(terms().promises(Metric::Resolve, "S2", open("PT5000H"), OFFICE));
    story.reported("Mon 09:00", "S2");
    let explained = story.explained(Metric::Resolve, "Mon 10:00");
    let windows = explained[0].lines.iter();
    let windows = windows.filter(|line| matches!(line.what, What::Open(_)));
    // 625 days of eight hours, the first of which the present moment divides.
    assert_eq!(windows.count(), 626);
}

#[test]
fn a_repair_waits_for_a_yes_and_a_rejected_one_never_happened() {
    let mut promise = terms().promises(Metric::Resolve, "S2", open("PT10H"), OFFICE);
    promise.confirmation = Some(Confirmation { business_days: 1 });
    let mut story = Story::under(promise);
    story.reported("Mon 09:00", "S2");
    story.says(EventKind::Resolved, "Mon 12:00");
    assert_eq!(
        said(&story, "Mon 13:00"),
        [
            "Mon 09:00: starts: reported #1 = PT0S",
            "Mon 09:00 to Mon 12:00: open = PT3H",
            "Mon 12:00: stopped: resolved #2 = PT3H",
            "Mon 12:00 (rest): waits for a yes until Tue 12:00 = PT3H",
            "Mon 12:00 to Mon 17:00 (rest): open = PT8H",
            "Mon 17:00 to Tue 09:00 (rest): closed = PT8H",
            "Tue 09:00 to Tue 11:00 (rest): open = PT10H",
            "Tue 11:00 (rest): due = PT10H"
        ]
    );
    story.says(EventKind::Rejected, "Mon 14:00");
    story.says(EventKind::Resolved, "Mon 15:00");
    story.says(EventKind::Confirmed, "Mon 16:00");
    assert_eq!(
        said(&story, "Mon 16:00"),
        [
            "Mon 09:00: starts: reported #1 = PT0S",
            "Mon 09:00 to Mon 12:00: open = PT3H",
            "Mon 12:00: #2 rejected by #3 = PT3H",
            "Mon 12:00 to Mon 15:00: open = PT6H",
            "Mon 15:00: stopped: resolved #4 = PT6H",
            "Mon 15:00 to Mon 16:00 (rest): open = PT7H",
            "Mon 16:00 (rest): confirmed Mon 16:00 #5 = PT7H",
            "Mon 16:00 to Mon 17:00 (rest): open = PT8H",
            "Mon 17:00 to Tue 09:00 (rest): closed = PT8H",
            "Tue 09:00 to Tue 11:00 (rest): open = PT10H",
            "Tue 11:00 (rest): due = PT10H"
        ]
    );
}

#[test]
fn what_is_owed_later_waits_and_what_is_measured_counts_no_time() {
    let promise = terms()
        .promises(Metric::RootCause, "S2", open("PT4H"), OFFICE)
        .promises(Metric::DataLoss, "S2", open("PT15M"), OFFICE);
    let mut story = Story::under(promise);
    story.reported("Mon 09:00", "S2");
    let told = |story: &Story, metric, now| lines(&story.explained(metric, now)[0]);
    assert_eq!(
        told(&story, Metric::RootCause, "Mon 10:00"),
        ["Mon 09:00: waits = PT0S"]
    );
    assert_eq!(
        told(&story, Metric::DataLoss, "Mon 10:00"),
        ["Mon 09:00: waits = PT0S"]
    );
    story.says(EventKind::Resolved, "Mon 11:00");
    let lost = Fields {
        seconds: Some(1800),
        ..Fields::default()
    };
    story.enters(EventKind::DataLoss, "Mon 12:00", lost);
    assert_eq!(
        told(&story, Metric::RootCause, "Mon 12:00"),
        [
            "Mon 11:00: starts: resolved #2 = PT0S",
            "Mon 11:00 to Mon 12:00: open = PT1H",
            "Mon 12:00: now = PT1H",
            "Mon 12:00 to Mon 15:00: open = PT4H",
            "Mon 15:00: due = PT4H"
        ]
    );
    assert_eq!(
        told(&story, Metric::DataLoss, "Mon 12:00"),
        [
            "Mon 09:00: starts: reported #1 = PT0S",
            "Mon 12:00: lost PT30M #3 = PT30M"
        ]
    );
}

#[test]
fn days_alike_are_told_once_and_nothing_is_lost() {
    let mut story = Story::under(terms().promises(Metric::Resolve, "S2", open("PT5000H"), OFFICE));
    story.reported("Mon 10:00", "S2");
    story.paused("Wed 10:00", "ACCESS");
    story.resumed("Wed 11:00", None);
    let explanation = story.explained(Metric::Resolve, "Wed 12:00").remove(0);
    let rows = explanation.rows();
    let alike = |row: &Row| match row {
        Row::Alike(days) => Some(days.days),
        _ => None,
    };
    // Monday and Wednesday are broken, and the last day ends early.
    assert_eq!(rows.iter().filter_map(alike).collect::<Vec<_>>(), [622]);
    let lines: u64 = rows.iter().map(Row::lines).sum();
    assert_eq!(lines, explanation.lines.len() as u64);
    let counted: Micros = rows.iter().map(Row::counted).sum();
    assert_eq!(counted, explanation.lap.budget);
}

#[test]
fn business_days_alike_keep_their_numbers_and_weekends_are_one_row() {
    let promise = terms().promises(Metric::Resolve, "S2", days(6, "12:00"), OFFICE);
    let mut story = Story::under(promise);
    story.reported("Mon 08:00", "S2");
    let explanation = story.explained(Metric::Resolve, "Mon 08:00").remove(0);
    let told: Vec<String> = explanation
        .rows()
        .iter()
        .map(|row| match row {
            Row::Alike(days) => format!("{} days {:?}", days.days, days.business),
            Row::Closed(closed) => format!("{} to {}", shown(closed.from), shown(closed.to)),
            _ => "one line".to_string(),
        })
        .filter(|told| told != "one line")
        .collect();
    assert_eq!(told, ["6 days Some((0, 5))"]);
    let mut story = story.clone();
    story.paused("Fri 16:00", "ACCESS");
    story.resumed("Fri 16:30", None);
    let explanation = story.explained(Metric::Resolve, "Fri 16:30").remove(0);
    let weekend = explanation.rows().into_iter().find_map(|row| match row {
        Row::Closed(closed) => Some((shown(closed.from), shown(closed.to), closed.lines)),
        _ => None,
    });
    assert_eq!(weekend, Some(("Fri 17:00".into(), "Mon+ 09:00".into(), 5)));
}

#[test]
fn a_letter_gets_the_first_and_the_last_rows() {
    let mut story = Story::under(terms().promises(Metric::Resolve, "S2", open("PT300H"), OFFICE));
    story.reported("Mon 10:00", "S2");
    for day in ["Tue", "Wed", "Thu", "Fri", "Tue+", "Wed+", "Thu+", "Fri+"] {
        story.paused(&format!("{day} 10:00"), "ACCESS");
        story.resumed(&format!("{day} 11:00"), None);
    }
    let explanation = story.explained(Metric::Resolve, "Sun+ 12:00").remove(0);
    let (rows, short) = (explanation.rows(), explanation.short());
    assert!(rows.len() > 30 && short.len() == 20, "{}", short.len());
    assert_eq!(short[0], rows[0]);
    assert_eq!(short.last(), rows.last());
    let counted: Micros = short.iter().map(Row::counted).sum();
    assert_eq!(counted, explanation.lap.budget);
}

/// A check that nothing can fail proves nothing.
#[test]
fn an_explanation_that_does_not_add_up_is_found_out() {
    let mut story = ten_hours();
    story.reported("Mon 09:00", "S2");
    story.paused("Mon 10:00", "ACCESS");
    story.resumed("Mon 11:00", None);
    story.says(EventKind::Resolved, "Tue 15:30");
    let right = story.explained(Metric::Resolve, "Wed 09:00").remove(0);
    let wrong = |spoil: &dyn Fn(&mut Explanation)| {
        let mut spoilt = right.clone();
        spoil(&mut spoilt);
        spoilt.check(&right.lap).unwrap_err()
    };
    let open = right
        .lines
        .iter()
        .position(|line| matches!(line.what, What::Open(_)))
        .unwrap();
    let held = right
        .lines
        .iter()
        .position(|line| matches!(line.what, What::Held(..)))
        .unwrap();
    let due = right
        .lines
        .iter()
        .position(|line| matches!(line.what, What::Due { .. }))
        .unwrap();
    let found = [
        wrong(&|it| it.lines[open].counted += 1),
        wrong(&|it| it.lines[open + 1].total += 1),
        wrong(&|it| drop(it.lines.remove(open))),
        wrong(&|it| it.lines[held].what = What::Held("2026-11-16".parse().unwrap(), Vec::new())),
        wrong(&|it| it.lines[held].what = What::Open("2026-11-16".parse().unwrap())),
        wrong(&|it| drop(it.lines.remove(due))),
        wrong(&|it| drop(it.lines.pop())),
        wrong(&|it| it.lap.due_at = it.lap.due_at.map(|due| due + 1)),
    ];
    assert_eq!(found.len(), 8, "{found:?}");
}

#[derive(Clone, Debug)]
enum Happens {
    Paused(&'static str, Option<EventKind>),
    Resumed,
    Says(EventKind),
    Severity(&'static str),
}

fn happens() -> impl Strategy<Value = (i64, Happens)> {
    use EventKind::{Agreed, Refused, Reopened, Resolved, Responded, Restored, Updated};
    let what = prop_oneof![
        3 => (
            prop::sample::select(vec!["ACCESS", "PARTS", "MAINT"]),
            prop::sample::select(vec![None, Some(Agreed), Some(Refused)]),
        ).prop_map(|(stop, answer)| Happens::Paused(stop, answer)),
        2 => Just(Happens::Resumed),
        3 => prop::sample::select(vec![Responded, Updated, Restored, Resolved, Reopened, Reopened])
            .prop_map(Happens::Says),
        2 => prop::sample::select(vec!["S1", "S2", "S3", "S4"]).prop_map(Happens::Severity),
    ];
    (prop_oneof![Just(0i64), 0..90i64, 0..6000i64], what)
}

fn week() -> impl Strategy<Value = Value> {
    let window = prop::sample::select(vec![
        json!([]),
        json!([["09:00", "17:00"]]),
        json!([["08:00", "12:30"], ["13:30", "18:00"]]),
        json!([["22:00", "06:00"]]),
        json!([["00:00", "24:00"]]),
        json!([["00:30", "01:30"], ["02:00", "02:45:10"]]),
    ]);
    prop::collection::vec(window, 7).prop_map(|windows| {
        let mut week = serde_json::Map::new();
        for (day, windows) in ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
            .iter()
            .zip(windows)
        {
            week.insert(day.to_string(), windows);
        }
        week.insert("wed".into(), json!([["09:00", "12:00"]]));
        Value::Object(week)
    })
}

/// A zone, and a moment near which it does something odd.
fn oddity() -> impl Strategy<Value = (&'static str, Moment)> {
    let odd = [
        ("Australia/Lord_Howe", "2026-04-04T10:00:00Z"),
        ("Pacific/Apia", "2011-12-28T10:00:00Z"),
        ("Africa/Casablanca", "2026-02-14T10:00:00Z"),
        ("Asia/Tehran", "2022-09-20T10:00:00Z"),
        ("America/Sao_Paulo", "2018-11-02T10:00:00Z"),
        ("America/St_Johns", "2026-10-30T10:00:00Z"),
        ("Asia/Kathmandu", "1985-12-30T10:00:00Z"),
        ("Europe/Berlin", "2026-10-23T10:00:00Z"),
    ];
    let odd = odd.map(|(zone, near)| (zone, Moment::parse(near).unwrap()));
    prop::sample::select(odd.to_vec())
}

fn odd_exceptions(near: Moment, days: &[(i64, u8)]) -> Value {
    let mut exceptions = serde_json::Map::new();
    for (day, kind) in days {
        let date = (near + day * 24 * 60 * MINUTE).utc().date_naive();
        let windows = match kind {
            0 => json!([]),
            1 => json!([["10:00", "11:00"]]),
            _ => json!([["20:00", "04:00"]]),
        };
        let one = json!({"date": date, "name": format!("Day {day}"), "windows": windows});
        exceptions.insert(date.to_string(), one);
    }
    exceptions.into_iter().map(|(_, one)| one).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    /// Over random hours in zones that do odd things, with holidays, pauses that wait for the other side
    /// and changes of severity, every lap of every clock adds up at every moment.
    #[test]
    fn explanations_add_up_over_random_calendars(
        (zone, near) in oddity(),
        (first, second) in (week(), week()),
        exceptions in prop::collection::vec((0..12i64, 0..3u8), 0..6),
        change in prop::sample::select(OnSeverityChange::ALL),
        reopen in prop::sample::select(OnReopen::ALL),
        happenings in prop::collection::vec(happens(), 0..9),
        after in 0..9000i64,
    ) {
        let promise = terms()
            .promises(Metric::Respond, "S2", open("PT2H17M"), 3)
            .promises(Metric::Respond, "S3", days(0, "03:30"), 4)
            .promises(Metric::Update, "S1", open("PT1H30M"), 4)
            .promises(Metric::Update, "S2", open("PT7H"), 3)
            .promises(Metric::Restore, "S2", days(1, "close"), 3)
            .promises(Metric::Restore, "S3", days(3, "same_time"), 4)
            .held_only_by(&["ACCESS"])
            .promises(Metric::Resolve, "S1", days(2, "02:30"), 3)
            .promises(Metric::Resolve, "S2", open("PT11H0.000007S"), 4)
            .promises(Metric::Resolve, "S3", open("PT0S"), 4)
            .on_change(change)
            .on_reopen(reopen);
        let mut story = Story::under(promise);
        let exceptions = odd_exceptions(near, &exceptions);
        story.counts_in(3, calendar("First", zone, &first, &exceptions));
        story.counts_in(4, calendar("Second", zone, &second, &exceptions));
        let mut when = near;
        let place = |story: &mut Story, at: Moment| {
            story.events.last_mut().unwrap().occurred_at = at;
        };
        story.reported("Mon 00:00", "S2");
        place(&mut story, when);
        for (minutes, what) in &happenings {
            when = when + minutes * MINUTE;
            match what {
                Happens::Paused(stop, answer) => {
                    let pause = story.paused("Mon 00:00", stop);
                    place(&mut story, when);
                    if let Some(answer) = answer {
                        story.answers(*answer, "Mon 00:00", pause);
                        place(&mut story, when);
                    }
                }
                Happens::Resumed => {
                    story.resumed("Mon 00:00", None);
                    place(&mut story, when);
                }
                Happens::Says(kind) => {
                    story.enters(*kind, "Mon 00:00", Fields::default());
                    place(&mut story, when);
                }
                Happens::Severity(severity) => {
                    story.severity("Mon 00:00", severity);
                    place(&mut story, when);
                }
            }
        }
        for now in [when, when + after * MINUTE] {
            for metric in Metric::ALL {
                story.explained_at(*metric, now);
            }
        }
    }
}
