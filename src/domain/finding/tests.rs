use super::*;
use crate::domain::CalendarId;
use crate::domain::LetterId;
use crate::domain::calendar::Exception;
use crate::domain::calendar::{Hours, Layer, Week, Window};

fn at(text: &str) -> Moment {
    text.parse().unwrap()
}

fn found(last: Option<&str>, week: Week, now: &str) -> Vec<Finding> {
    let head = CalendarHead {
        id: CalendarId(7),
        name: "Berlin office".into(),
        revision: 1,
        created_at: Moment::default(),
    };
    let exceptions = last.map(|date| Exception {
        date: date.parse().unwrap(),
        name: "Christmas".into(),
        windows: Vec::new(),
    });
    let hours = Hours {
        time_zone: chrono_tz::Europe::Berlin,
        week,
        exceptions: exceptions.into_iter().collect(),
    };
    let calendar = Calendar::new("Berlin office", vec![Layer { from: None, hours }]);
    of_calendar(&head, &calendar, at(now))
}

fn office() -> Week {
    Week::working_days(&[Window::parse("09:00", "17:00").unwrap()])
}

#[test]
fn a_holiday_list_is_said_to_end_sixty_days_before_it_does() {
    // 60 days before 31 December is 1 November, by the wall clock of the calendar.
    let found = |now| found(Some("2026-12-25"), office(), now);
    assert_eq!(found("2026-10-31T22:59:59Z"), []);
    let ends = &found("2026-10-31T23:00:00Z")[0];
    assert_eq!(ends.gravity, Gravity::Warning);
    assert!(ends.message.contains("ends on 2026-12-31"), "{ends:?}");
    assert_eq!(ends.page.as_deref(), Some("/calendars/7"));
    let ended = &found("2026-12-31T23:00:00Z")[0];
    assert!(ended.message.contains("ended on 2026-12-31"), "{ended:?}");
}

#[test]
fn a_calendar_without_a_list_has_none_that_ends_and_one_without_hours_never_opens() {
    assert_eq!(found(None, office(), "2026-11-23T09:00:00Z"), []);
    let never = found(Some("2026-12-25"), Week::default(), "2026-11-23T09:00:00Z");
    assert_eq!(never.len(), 1);
    assert_eq!(never[0].gravity, Gravity::Error);
    assert!(never[0].message.contains("no open time"), "{never:?}");
}

#[test]
fn a_refused_address_is_named_with_what_the_server_said() {
    let mark = RefusedAddress {
        email: "desk@vendor.example".into(),
        refused_at: at("2026-11-20T15:52:00Z"),
        answer: "550 no such mailbox".into(),
        letter_id: LetterId(7),
    };
    let finding = of_refused(&mark, "/vendors/1");
    assert_eq!(finding.place, "desk@vendor.example");
    assert_eq!(
        finding.message,
        "mail to it was refused on 2026-11-20 (550 no such mailbox)"
    );
    assert_eq!(finding.page.as_deref(), Some("/vendors/1"));
}
