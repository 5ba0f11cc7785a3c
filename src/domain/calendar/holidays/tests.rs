use super::*;

fn file(events: &str) -> String {
    let text = format!("BEGIN:VCALENDAR\nVERSION:2.0\n{events}END:VCALENDAR\n");
    text.replace('\n', "\r\n")
}

fn event(lines: &str) -> String {
    file(&format!("BEGIN:VEVENT\nUID:1\n{lines}END:VEVENT\n"))
}

fn read(text: &str) -> Vec<(String, String)> {
    let file = holidays_from_ics(text, 2026..=2028).unwrap();
    let pair = |holiday: Holiday| (holiday.date.to_string(), holiday.name);
    file.holidays.into_iter().map(pair).collect()
}

fn dates(text: &str) -> Vec<String> {
    read(text).into_iter().map(|(date, _)| date).collect()
}

fn refused(text: &str) -> String {
    holidays_from_ics(text, 2026..=2028).unwrap_err()
}

#[test]
fn an_all_day_event_is_a_holiday_and_its_end_is_the_day_after_it() {
    let one =
        "SUMMARY:New Year\\, observed\nDTSTART;VALUE=DATE:20270101\nDTEND;VALUE=DATE:20270102\n";
    assert_eq!(
        read(&event(one)),
        [("2027-01-01".to_string(), "New Year, observed".to_string())]
    );
    let week = "SUMMARY:国庆节\nDTSTART;VALUE=DATE:20261001\nDTEND;VALUE=DATE:20261004\n";
    assert_eq!(
        dates(&event(week)),
        ["2026-10-01", "2026-10-02", "2026-10-03"]
    );
}

#[test]
fn without_an_end_it_lasts_a_day_or_as_long_as_it_says() {
    assert_eq!(dates(&event("DTSTART:20261225\n")), ["2026-12-25"]);
    assert_eq!(
        dates(&event(
            "DTSTART;VALUE=DATE:20261225\nDTEND;VALUE=DATE:20261225\n"
        )),
        ["2026-12-25"]
    );
    assert_eq!(
        dates(&event("DTSTART;VALUE=DATE:20261225\nDURATION:P2D\n")),
        ["2026-12-25", "2026-12-26"]
    );
    assert_eq!(
        dates(&event("DTSTART;VALUE=DATE:20261225\nDURATION:P1W\n")).len(),
        7
    );
}

#[test]
fn a_yearly_event_is_given_for_the_years_asked_for() {
    let christmas = "SUMMARY:Christmas\nDTSTART;VALUE=DATE:20101225\n";
    for rule in [
        "FREQ=YEARLY",
        "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=25;WKST=MO",
    ] {
        let text = event(&format!("{christmas}RRULE:{rule}\n"));
        assert_eq!(dates(&text), ["2026-12-25", "2027-12-25", "2028-12-25"]);
    }
    let every_second = event(&format!("{christmas}RRULE:FREQ=YEARLY;INTERVAL=2\n"));
    assert_eq!(dates(&every_second), ["2026-12-25", "2028-12-25"]);
    let until = event(&format!(
        "{christmas}RRULE:FREQ=YEARLY;UNTIL=20271225T000000Z\n"
    ));
    assert_eq!(dates(&until), ["2026-12-25", "2027-12-25"]);
    let counted = event(&format!("{christmas}RRULE:FREQ=YEARLY;COUNT=17\n"));
    assert_eq!(dates(&counted), ["2026-12-25"]);
    let without = event(&format!(
        "{christmas}RRULE:FREQ=YEARLY\nEXDATE;VALUE=DATE:20271225,20281225\n"
    ));
    assert_eq!(dates(&without), ["2026-12-25"]);
}

#[test]
fn the_29th_of_february_comes_back_in_leap_years_only() {
    let text = event("DTSTART;VALUE=DATE:20240229\nRRULE:FREQ=YEARLY\n");
    assert_eq!(dates(&text), ["2028-02-29"]);
}

#[test]
fn two_events_on_one_date_are_one_holiday() {
    let both = file(
        "BEGIN:VEVENT\nSUMMARY:May Day\nDTSTART;VALUE=DATE:20080501\nEND:VEVENT\n\
             BEGIN:VEVENT\nSUMMARY:Ascension\nDTSTART;VALUE=DATE:20080501\nEND:VEVENT\n\
             BEGIN:VEVENT\nSUMMARY:May Day\nDTSTART;VALUE=DATE:20080501\nEND:VEVENT\n",
    );
    assert_eq!(
        read(&both),
        [("2008-05-01".to_string(), "May Day / Ascension".to_string())]
    );
}

#[test]
fn folded_lines_lower_case_and_a_byte_order_mark_are_read() {
    let text = "\u{feff}BEGIN:VCALENDAR\nBEGIN:VEVENT\nsummary:A very lo\n ng name\ndtstart;value=date:20261225\nBEGIN:VALARM\nACTION:DISPLAY\nEND:VALARM\nEND:VEVENT\nEND:VCALENDAR\n";
    assert_eq!(
        read(text),
        [("2026-12-25".to_string(), "A very long name".to_string())]
    );
}

#[test]
fn several_calendars_in_one_file_all_count() {
    let one = event("DTSTART;VALUE=DATE:20261225\n");
    let two = event("DTSTART;VALUE=DATE:20261226\n");
    assert_eq!(dates(&format!("{one}{two}")), ["2026-12-25", "2026-12-26"]);
}

#[test]
fn timed_and_cancelled_events_are_left_out_with_a_remark() {
    let text = file(
        "BEGIN:VEVENT\nSUMMARY:Party\nDTSTART:20261224T180000\nDTEND:20261224T230000\nEND:VEVENT\n\
             BEGIN:VEVENT\nSUMMARY:Parade\nSTATUS:CANCELLED\nDTSTART;VALUE=DATE:20261226\nEND:VEVENT\n\
             BEGIN:VEVENT\nSUMMARY:Christmas\nDTSTART;VALUE=DATE:20261225\nEND:VEVENT\n",
    );
    let file = holidays_from_ics(&text, 2026..=2028).unwrap();
    assert_eq!(file.holidays.len(), 1);
    assert_eq!(file.remarks.len(), 2);
    assert!(file.remarks[0].contains("\"Party\" (20261224T180000) has a time of day"));
    assert!(file.remarks[1].contains("\"Parade\" (20261226) is cancelled"));
    let alone = refused(&event("SUMMARY:Party\nDTSTART:20261224T180000Z\n"));
    assert!(
        alone.contains("no all-day event") && alone.contains("Party"),
        "{alone}"
    );
}

#[test]
fn what_is_not_understood_is_refused_by_the_name_of_its_event() {
    let table = [
        ("RRULE:FREQ=WEEKLY\n", "FREQ=WEEKLY"),
        ("RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH\n", "BYDAY=4TH"),
        ("RRULE:FREQ=YEARLY;BYMONTH=11\n", "BYMONTH=11"),
        ("RRULE:FREQ=YEARLY;INTERVAL=0\n", "INTERVAL=0"),
        ("RRULE:INTERVAL=1\n", "INTERVAL=1"),
        ("RDATE;VALUE=DATE:20261226\n", "RDATE"),
        ("RECURRENCE-ID;VALUE=DATE:20261226\n", "RECURRENCE-ID"),
        ("DTEND;VALUE=DATE:20261224\n", "ends before it starts"),
        ("DTEND;VALUE=DATE:20290101\n", "738 days"),
        ("DTEND:20261226T000000\n", "does not end on a date"),
        ("DURATION:PT8H\n", "PT8H"),
        ("EXDATE:20261225T000000Z\nRRULE:FREQ=YEARLY\n", "no date"),
    ];
    for (line, reason) in table {
        let start = "SUMMARY:Yule\nDTSTART;VALUE=DATE:20261225\n";
        let message = refused(&event(&format!("{start}{line}")));
        assert!(message.contains("\"Yule\" (20261225)"), "{message}");
        assert!(message.contains(reason), "{line}: {message}");
    }
    let message = refused(&event("SUMMARY:Yule\n"));
    assert!(message.contains("\"Yule\" has no start"), "{message}");
    let message = refused(&event("SUMMARY:Yule\nDTSTART;VALUE=DATE:20260230\n"));
    assert!(message.contains("does not start on a date"), "{message}");
}

#[test]
fn a_file_of_another_kind_or_a_damaged_one_is_refused_whole() {
    for text in ["", "Date,Name\n2026-12-25,Christmas\n", "{}", "\u{0}\u{1}"] {
        let message = refused(text);
        assert!(message.contains("BEGIN:VCALENDAR"), "{text:?}: {message}");
    }
    let message = refused("BEGIN:VCARD\nFN:Ann\nEND:VCARD\n");
    assert!(message.contains("not an iCalendar file"), "{message}");
    let message = refused(&file(""));
    assert!(message.contains("no event"), "{message}");
    let whole = file(
        "BEGIN:VEVENT\nDTSTART;VALUE=DATE:20261225\nEND:VEVENT\n\
             BEGIN:VEVENT\nDTSTART;VALUE=DATE:20261226\nEND:VEVENT\n",
    );
    let message = refused(&format!("{whole}trailing words"));
    assert!(message.contains("BEGIN:VCALENDAR"), "{message}");
    // However a download breaks off, never fewer holidays than the file had.
    for end in (0..whole.trim_end().len()).filter(|end| whole.is_char_boundary(*end)) {
        if let Ok(file) = holidays_from_ics(&whole[..end], 2026..=2028) {
            panic!("cut at {end} gives {file:?}");
        }
    }
    let deep = "BEGIN:VCALENDAR\n".repeat(200_000);
    assert!(refused(&deep).contains("do not end"));
}

proptest::proptest! {
    /// Whatever a file holds, there is an answer; and nothing outside of what was asked is made up.
    #[test]
    fn any_file_is_answered(lines in proptest::collection::vec(proptest::sample::select(LINES), 0..14)) {
        let text = lines.join("\n");
        match holidays_from_ics(&text, 2026..=2028) {
            Ok(file) => {
                assert!(!file.holidays.is_empty());
                let dates: Vec<NaiveDate> = file.holidays.iter().map(|holiday| holiday.date).collect();
                assert!(dates.is_sorted_by(|a, b| a < b), "{text}: {dates:?}");
            }
            Err(message) => assert!(!message.is_empty()),
        }
        let _ = holidays_from_ics(&format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\n{text}\nEND:VEVENT\nEND:VCALENDAR\n"), 2026..=2028);
    }
}

const LINES: &[&str] = &[
    "BEGIN:VCALENDAR",
    "END:VCALENDAR",
    "BEGIN:VEVENT",
    "END:VEVENT",
    "BEGIN:VEVENT\nDTSTART:20261225\nEND:VEVENT",
    "DTSTART;VALUE=DATE:20261225",
    "DTSTART;VALUE=DATE:29991231",
    "DTSTART:20261225T000000Z",
    "DTSTART:2026é225",
    "DTEND;VALUE=DATE:20270101",
    "DTEND;VALUE=DATE:99991231",
    "DURATION:P9223372036854775807W",
    "DURATION:P-1D",
    "RRULE:FREQ=YEARLY",
    "RRULE:FREQ=YEARLY;INTERVAL=2147483647;COUNT=0",
    "RRULE:FREQ=YEARLY;UNTIL=2027é",
    "RRULE:;;=",
    "EXDATE:20261225,",
    "SUMMARY:\\",
    " folded",
    ":",
    ";",
    "é",
    "\u{0}",
];
