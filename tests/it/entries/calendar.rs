//! Calendars: revisions, what was known when, holidays.

use redress::actions;
use redress::domain::CalendarId;
use redress::domain::calendar_entry::{CalendarInput, Holiday};
use redress::error::{Error, Refused};
use redress::store::{self, Actor, Store};
use redress::time::{HOUR, Moment};
use serde_json::{Value, json};

use super::contract::enter_contract;
use super::{enter_calendar, faults, office, on_both};

fn edit(store: &Store, id: CalendarId, revision: i64, value: &Value) -> Result<i64, Error> {
    let input = CalendarInput::read_edit(value)?;
    store.write(Actor::Operator, move |tx| {
        actions::calendar::edit(tx, id, revision, &input)
    })
}

fn at(text: &str) -> Moment {
    Moment::parse(text).unwrap()
}

fn opening_at(hour: &str) -> Value {
    let mut value = office();
    for day in ["mon", "tue", "wed", "thu", "fri"] {
        value["week"][day] = json!([[hour, "18:00"]]);
    }
    value
}

#[test]
fn an_edit_counts_from_today_on_and_a_correction_from_ever() {
    on_both(|store, hand| {
        let id = enter_calendar(store, office()).unwrap();
        let entered = hand.now();
        hand.advance(chrono::TimeDelta::hours(1));
        assert_eq!(edit(store, id, 1, &opening_at("11:00")).unwrap(), 2);
        hand.advance(chrono::TimeDelta::days(1));
        let mut correction = opening_at("07:00");
        correction["correction"] = json!(true);
        assert_eq!(edit(store, id, 2, &correction).unwrap(), 3);

        let book = store
            .read(|conn| store::calendar::book(conn, &[id]))
            .unwrap();
        let open_on = |known: Moment, date: &str| {
            let from = at(&format!("{date}T00:00:00+01:00"));
            let view = book.view(id, known);
            view.calendar.open_between(from, from + 24 * HOUR).unwrap() / HOUR
        };
        // Before it was entered, and until the edit: nine hours a day.
        assert_eq!(open_on(entered - HOUR, "2026-11-24"), 9);
        assert_eq!(open_on(entered, "2026-11-24"), 9);
        // The edit of Monday counts from Monday on, not for the Friday before.
        let edited = entered + HOUR;
        assert_eq!(open_on(edited, "2026-11-20"), 9);
        assert_eq!(open_on(edited, "2026-11-23"), 7);
        // The correction of Tuesday counts for every day.
        assert_eq!(open_on(hand.now(), "2026-11-20"), 11);
        assert_eq!(open_on(hand.now(), "2026-11-23"), 11);
        assert_eq!(book.latest(id).revision, 3);
        assert_eq!(book.edits(id).collect::<Vec<_>>(), [edited, hand.now()]);

        let revisions = store
            .read(|conn| store::calendar::revisions(conn, id))
            .unwrap();
        let from: Vec<_> = revisions
            .iter()
            .map(|made| made.from_date.map(|date| date.to_string()))
            .collect();
        assert_eq!(from, [None, Some("2026-11-23".to_string()), None]);
    });
}

#[test]
fn whoever_edits_an_older_revision_is_told_so_and_makes_none() {
    on_both(|store, _| {
        let id = enter_calendar(store, office()).unwrap();
        edit(store, id, 1, &opening_at("10:00")).unwrap();
        let error = edit(store, id, 1, &opening_at("11:00")).unwrap_err();
        assert!(
            matches!(error, Error::Refused(Refused::Stale { .. })),
            "{error:?}"
        );
        assert_eq!(
            store
                .read(|conn| store::calendar::revisions(conn, id))
                .unwrap()
                .len(),
            2
        );
    });
}

#[test]
fn two_calendars_do_not_share_a_name_also_not_after_an_edit() {
    on_both(|store, _| {
        enter_calendar(store, office()).unwrap();
        assert_eq!(
            faults(enter_calendar(store, office()).unwrap_err())[0].field,
            "name"
        );
        let mut other = office();
        other["name"] = json!("Other office");
        let other = enter_calendar(store, other).unwrap();
        assert_eq!(
            faults(edit(store, other, 1, &office()).unwrap_err())[0].field,
            "name"
        );
        let names: Vec<_> = store
            .read(|conn| store::calendar::page(conn, None, 10))
            .unwrap()
            .into_iter()
            .map(|line| (line.head.name, line.head.revision))
            .collect();
        assert_eq!(
            names,
            [
                ("Berlin office".to_string(), 1),
                ("Other office".to_string(), 1)
            ]
        );
    });
}

/// A holiday file, as a public authority gives it.
const HOLIDAYS: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Office//Holidays//EN\r\n\
    BEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20261224\r\nSUMMARY:Closed\r\nEND:VEVENT\r\n\
    BEGIN:VEVENT\r\nUID:2\r\nDTSTART;VALUE=DATE:20200101\r\nRRULE:FREQ=YEARLY\r\nSUMMARY:New Year\r\nEND:VEVENT\r\n\
    BEGIN:VEVENT\r\nUID:3\r\nDTSTART:20261201T090000Z\r\nDTEND:20261201T100000Z\r\nSUMMARY:Meeting\r\nEND:VEVENT\r\n\
    END:VCALENDAR\r\n";

#[test]
fn a_holiday_file_closes_dates_without_an_exception_in_a_new_revision() {
    on_both(|store, _| {
        let id = enter_calendar(store, office()).unwrap();
        let import = || {
            store.write(Actor::Operator, move |tx| {
                actions::calendar::import_holidays(tx, id, HOLIDAYS)
            })
        };
        let imported = import().unwrap();
        let dates = |holidays: &[Holiday]| -> Vec<String> {
            holidays
                .iter()
                .map(|holiday| holiday.date.to_string())
                .collect()
        };
        assert_eq!(dates(&imported.added), ["2026-01-01", "2027-01-01"]);
        assert_eq!(dates(&imported.skipped), ["2026-12-24"]);
        assert_eq!(
            imported.remarks.len(),
            1,
            "the meeting: {:?}",
            imported.remarks
        );
        let book = store
            .read(|conn| store::calendar::book(conn, &[id]))
            .unwrap();
        let view = book.latest(id);
        assert_eq!(view.revision, 2);
        let open_at = |text| view.calendar.is_open(at(text)).unwrap();
        assert!(!open_at("2027-01-01T10:00:00+01:00"));
        assert!(
            open_at("2026-12-24T10:00:00+01:00"),
            "the special hours stay"
        );
        assert!(
            open_at("2026-01-01T10:00:00+01:00"),
            "the past stays as it was"
        );
        assert_eq!(view.calendar.reaches(), Some("2027-12-31".parse().unwrap()));
        // The same file again has nothing new and makes no revision.
        assert_eq!(import().unwrap().added, []);
        assert_eq!(
            store
                .read(|conn| store::calendar::find(conn, id))
                .unwrap()
                .revision,
            2
        );
        let error = store
            .write(Actor::Operator, move |tx| {
                actions::calendar::import_holidays(tx, id, "date,name")
            })
            .unwrap_err();
        assert_eq!(faults(error)[0].field, "file");
    });
}

#[test]
fn a_calendar_that_contracts_count_in_cannot_be_closed_for_good() {
    on_both(|store, _| {
        let id = enter_calendar(store, office()).unwrap();
        let mut never = office();
        never["week"] = json!({});
        never["exceptions"] = json!([]);
        enter_contract(store, id).unwrap();
        let found = faults(edit(store, id, 1, &never).unwrap_err());
        assert_eq!(found[0].field, "week");
        assert!(found[0].message.contains("NW-2026"), "{found:?}");
        assert_eq!(
            store
                .read(|conn| store::calendar::find(conn, id))
                .unwrap()
                .revision,
            1
        );
        // Nobody counts in this one.
        let mut free = office();
        free["name"] = json!("Nobody's");
        let free = enter_calendar(store, free).unwrap();
        never["name"] = json!("Nobody's");
        assert_eq!(edit(store, free, 1, &never).unwrap(), 2);
    });
}

#[test]
fn a_calendar_keeps_enough_open_time_for_what_counts_in_it() {
    on_both(|store, hand| {
        let id = enter_calendar(store, office()).unwrap();
        enter_contract(store, id).unwrap();
        // A second of summer and no more: it opens within a year, and holds no hour in ten.
        let mut little = office();
        little["week"] = json!({});
        little["exceptions"] =
            json!([{"date": "2027-06-01", "name": "", "windows": [["09:00", "09:01"]]}]);
        let found = faults(edit(store, id, 1, &little).unwrap_err());
        assert_eq!(found[0].field, "week");
        assert!(
            found[0]
                .message
                .contains(" of NW-2026: calendar \"Berlin office\" has too little"),
            "{found:?}"
        );
        let input = CalendarInput::read_edit(&little).unwrap();
        let now = hand.now();
        let preview = store.read(|conn| redress::consequence::preview_edit(conn, id, &input, now));
        assert_eq!(faults(preview.unwrap_err()), found);
        let head = store.read(|conn| store::calendar::find(conn, id)).unwrap();
        assert_eq!(head.revision, 1);
    });
}

#[test]
fn a_book_names_the_calendar_that_is_not_there() {
    on_both(|store, _| {
        let id = enter_calendar(store, office()).unwrap();
        let ids = [id, CalendarId(404)];
        let error = store
            .read(|conn| store::calendar::book(conn, &ids))
            .unwrap_err();
        assert_eq!(error.to_string(), "there is no calendar 404");
    });
}
