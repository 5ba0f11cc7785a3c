//! The pages on which vendors, calendars, contracts and terms are entered, as a browser without
//! script uses them.

use redress::domain::person::Role;

use crate::service::{Answer, Caller, Service, on_both};

/// Somebody who enters contracts.
fn iris(service: &Service) -> Caller<'_> {
    service.person("iris", Role::Procurement);
    service.browser("iris")
}

/// Follows the redirect after a form that was accepted.
fn arrives<'a>(browser: &Caller<'a>, answer: &Answer, at: &str) -> Answer {
    assert_eq!(answer.status, 303, "{}", answer.text);
    assert_eq!(answer.header("location"), at);
    let cookies = format!(
        "{}; {}",
        browser.header("Cookie"),
        answer.cookie("redress_flash")
    );
    let page = browser.with("Cookie", &cookies).get(at);
    assert_eq!(page.status, 200, "{}", page.text);
    page
}

#[track_caller]
fn shows(page: &Answer, parts: &[&str]) {
    for part in parts {
        assert!(
            page.text.contains(part),
            "{part:?} is missing in {}",
            page.text
        );
    }
}

const VENDOR: &[(&str, &str)] = &[
    ("request_id", "v1"),
    ("name", "Northwind Carrier"),
    ("time_zone", "Europe/Berlin"),
    ("locale", "en"),
    ("contacts[0].name", "Service desk"),
    ("contacts[0].email", "desk@vendor.example"),
    ("contacts[0].rung", "1"),
    ("contacts[1].name", ""),
    ("contacts[1].email", ""),
    ("contacts[1].rung", "2"),
];

const CALENDAR: &[(&str, &str)] = &[
    ("request_id", "c1"),
    ("name", "Berlin office"),
    ("time_zone", "Europe/Berlin"),
    ("week.mon", "09:00-12:30, 13:30-18:00"),
    ("week.fri", "22:00-06:00"),
    ("exceptions[0].date", "2026-12-25"),
    ("exceptions[0].name", "Christmas"),
    ("exceptions[0].windows", ""),
];

const CONTRACT: &[(&str, &str)] = &[
    ("request_id", "k1"),
    ("vendor_id", "1"),
    ("reference", "NW-2026"),
    ("title", "Wide area network"),
    ("owner", "owner@example.com"),
    ("time_zone", ""),
    ("effective_from", "2026-01-01"),
    ("effective_to", ""),
];

const TERMS: &[(&str, &str)] = &[
    ("request_id", "t1"),
    ("effective_from", "2026-01-01"),
    ("currency", "EUR"),
    ("monthly_fee", "12000.00"),
    ("on_severity_change", "from_start"),
    ("on_reopen", "continue"),
    ("severities[0].code", "S1"),
    ("severities[0].name", "Critical"),
    ("clock_stops[0].code", "ACCESS"),
    ("clock_stops[0].clause", "7.4"),
    ("clock_stops[0].name", "No access"),
    ("clock_stops[0].metrics", "restore"),
    ("clock_stops[0].metrics", "resolve"),
    ("commitments[0].clause", "5.1"),
    ("commitments[0].metric", "respond"),
    ("commitments[0].severity", "S1"),
    ("commitments[0].amount", "15"),
    ("commitments[0].unit", "minutes"),
    ("commitments[0].calendar_id", "1"),
    ("ladder[0].when", "at_due"),
    ("ladder[0].to", "vendor:1, owner"),
    ("ladder[0].hold", "at_once"),
    ("ladder[0].until", "acknowledged"),
];

/// The same form with some fields filled in otherwise.
fn but<'a>(form: &[(&'a str, &'a str)], other: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields: Vec<_> = form
        .iter()
        .filter(|(name, _)| other.iter().all(|(changed, _)| changed != name))
        .copied()
        .collect();
    fields.extend(other);
    fields
}

#[test]
fn a_vendor_is_entered_and_edited_and_a_form_sent_twice_makes_one() {
    on_both(|service| {
        let iris = iris(service);
        shows(&iris.get("/vendors"), &["No vendor yet", "Add a vendor"]);
        shows(
            &iris.get("/vendors/new"),
            &["name=\"contacts[0].email\"", "__n__"],
        );

        let wrong = but(
            VENDOR,
            &[("time_zone", "Berlin"), ("contacts[0].email", "desk")],
        );
        let again = iris.send("/vendors", &wrong);
        assert_eq!(again.status, 422);
        shows(
            &again,
            &[
                "id=\"error-time_zone\"",
                "id=\"error-contacts[0].email\"",
                "value=\"Northwind Carrier\"",
                "value=\"Berlin\"",
            ],
        );

        let first = iris.send("/vendors", VENDOR);
        let page = arrives(&iris, &first, "/vendors/1");
        shows(
            &page,
            &[
                "Northwind Carrier was entered.",
                "1 service desk",
                "desk@vendor.example",
            ],
        );
        let second = iris.send("/vendors", VENDOR);
        assert_eq!(second.header("location"), "/vendors/1");

        let form = iris.get("/vendors/1/edit");
        shows(
            &form,
            &[
                "name=\"contacts[0].id\" value=\"1\"",
                "name=\"_version\" value=\"1\"",
            ],
        );
        let change = but(
            VENDOR,
            &[
                ("request_id", "v2"),
                ("_version", "1"),
                ("name", "Southwind"),
            ],
        );
        shows(
            &arrives(&iris, &iris.send("/vendors/1", &change), "/vendors/1"),
            &["Southwind"],
        );
        let stale = but(&change, &[("request_id", "v3"), ("name", "Westwind")]);
        let refused = iris.send("/vendors/1", &stale);
        assert_eq!(refused.status, 412);
        shows(
            &refused,
            &["was changed by someone else", "value=\"Westwind\""],
        );
        let list = iris.get("/vendors");
        shows(&list, &["V-1", "Southwind"]);
        assert!(!list.text.contains("V-2"));
    });
}

#[test]
fn rows_are_added_without_script_and_what_was_entered_stays() {
    on_both(|service| {
        let iris = iris(service);
        let more = iris.send("/vendors", &but(VENDOR, &[("_add", "contacts")]));
        assert_eq!(more.status, 200);
        shows(
            &more,
            &["value=\"Northwind Carrier\"", "name=\"contacts[2].email\""],
        );
        shows(&iris.get("/vendors"), &["No vendor yet"]);
    });
}

#[test]
fn a_calendar_is_entered_in_lines_of_hours_and_shown_as_a_week() {
    on_both(|service| {
        let iris = iris(service);
        let wrong = but(
            CALENDAR,
            &[
                ("week.mon", "all day"),
                ("week.fri", "09:00-25:00"),
                ("exceptions[0].windows", "9-5"),
            ],
        );
        let again = iris.send("/calendars", &wrong);
        assert_eq!(again.status, 422);
        shows(
            &again,
            &[
                "id=\"error-week.mon\"",
                "id=\"error-week.fri\"",
                "id=\"error-exceptions[0].windows\"",
                "value=\"all day\"",
            ],
        );

        let page = arrives(&iris, &iris.send("/calendars", CALENDAR), "/calendars/1");
        shows(
            &page,
            &[
                "09:00–12:30, 13:30–18:00",
                "16 h",
                "The holiday list of Berlin office ends on 31 Dec 2026",
                "Fri 25 Dec 2026",
                "31 Dec 2026",
                "Open",
            ],
        );
        let question = "start=2026-11-23T17:30&amount=1&unit=hours&at=";
        shows(
            &iris.get(&format!("/calendars/1?{question}")),
            &["Due Fri 27 Nov 2026 22:30:00"],
        );
        let question = "start=soon&amount=&unit=hours&at=";
        shows(
            &iris.get(&format!("/calendars/1?{question}")),
            &[
                "id=\"error-start\"",
                "id=\"error-amount\"",
                "value=\"soon\"",
            ],
        );

        shows(
            &iris.get("/calendars/1/edit"),
            &["value=\"22:00-06:00\"", "value=\"2026-12-25\""],
        );
        let change = but(
            CALENDAR,
            &[("request_id", "c2"), ("_version", "1"), ("week.mon", "")],
        );
        let page = arrives(&iris, &iris.send("/calendars/1", &change), "/calendars/1");
        shows(&page, &["Revision 2 was made", "23 Nov 2026", "from ever"]);
    });
}

#[test]
fn a_holiday_file_is_uploaded_or_pasted() {
    on_both(|service| {
        let iris = iris(service);
        iris.send("/calendars", CALENDAR);
        let file = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261225\r\nSUMMARY:Again\r\n\
                    END:VEVENT\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20270326\r\nSUMMARY:Good Friday\r\n\
                    END:VEVENT\r\nEND:VCALENDAR\r\n";
        let body = format!(
            "--b\r\nContent-Disposition: form-data; name=\"request_id\"\r\n\r\nh1\r\n\
             --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"days.ics\"\r\n\r\n{file}\r\n--b--\r\n"
        );
        let answer = iris
            .with("Content-Type", "multipart/form-data; boundary=b")
            .request("POST", "/calendars/1/holidays", &body);
        let page = arrives(&iris, &answer, "/calendars/1");
        shows(
            &page,
            &["1 date added, 1 date skipped", "Good Friday", "Christmas"],
        );

        let empty = iris.send("/calendars/1/holidays", &[("text", " ")]);
        assert_eq!(empty.status, 422);
        shows(&empty, &["id=\"error-file\""]);
        let again = iris.send("/calendars/1/holidays", &[("text", file)]);
        let page = arrives(&iris, &again, "/calendars/1");
        shows(&page, &["0 dates added, 2 dates skipped"]);
    });
}

#[test]
fn a_contract_and_its_terms_are_entered_with_examples_shown_meanwhile() {
    on_both(|service| {
        let iris = iris(service);
        iris.send("/vendors", VENDOR);
        iris.send("/calendars", CALENDAR);
        shows(
            &iris.get("/contracts/new?vendor=1"),
            &["value=\"1\" selected", "value=\"iris@example.com\""],
        );
        let wrong = iris.send(
            "/contracts",
            &but(
                CONTRACT,
                &[("effective_to", "2025-01-01"), ("vendor_id", "")],
            ),
        );
        assert_eq!(wrong.status, 422);
        shows(
            &wrong,
            &[
                "id=\"error-effective_to\"",
                "id=\"error-vendor_id\"",
                "value=\"NW-2026\"",
            ],
        );
        let entered = iris.send("/contracts", CONTRACT);
        let form = arrives(&iris, &entered, "/contracts/1/terms/new");
        shows(
            &form,
            &[
                "Now enter what it promises",
                "value=\"S4\"",
                "value=\"vendor:2, owner\"",
                "Berlin office",
            ],
        );
        shows(&iris.get("/contracts/1"), &["No terms yet"]);

        // The monthly fee is wrong, and still the example is computed.
        let meanwhile = but(
            TERMS,
            &[
                ("_preview", "1"),
                ("monthly_fee", "a lot"),
                ("ladder[0].to", "vendor:4"),
            ],
        );
        let preview = iris.send("/contracts/1/terms", &meanwhile);
        assert_eq!(preview.status, 200);
        shows(
            &preview,
            &[
                "Friday 27 Nov 2026 16:40",
                "Fri 27 Nov 22:15 Berlin",
                "id=\"error-monthly_fee\"",
                "value=\"a lot\"",
                "Step 1 of the ladder: the vendor has no contact on rung 4 (executive)",
            ],
        );
        let wrong = but(
            TERMS,
            &[
                ("commitments[0].severity", "S9"),
                ("commitments[0].amount", "soon"),
                ("ladder[0].to", "vendor:9"),
                ("severities[0].code", ""),
            ],
        );
        let again = iris.send("/contracts/1/terms", &wrong);
        assert_eq!(again.status, 422);
        shows(
            &again,
            &[
                "id=\"error-commitments[0].severity\"",
                "id=\"error-commitments[0].amount\"",
                "id=\"error-ladder[0].to\"",
                "id=\"error-severities[0].code\"",
                "value=\"soon\"",
            ],
        );
        for (amount, unit, said) in [
            (
                "1000000000000000",
                "seconds",
                "1000000000000000 seconds are longer than a hundred years",
            ),
            (
                "9999999999999999999999",
                "hours",
                "are longer than a hundred years",
            ),
            ("99999999", "hours", "longer than a hundred years"),
            (
                "1000000000000000",
                "business_days",
                "a target has at most 3660 business days",
            ),
            (
                "30000",
                "hours",
                "has too little open time in the ten years",
            ),
        ] {
            let changes = [
                ("commitments[0].amount", amount),
                ("commitments[0].unit", unit),
            ];
            let again = iris.send("/contracts/1/terms", &but(TERMS, &changes));
            assert_eq!(again.status, 422, "{amount} {unit}");
            shows(
                &again,
                &["id=\"error-commitments[0].amount\"", said, amount],
            );
        }
        shows(&iris.get("/contracts/1"), &["No terms yet"]);

        let saved = iris.send("/contracts/1/terms", TERMS);
        let page = arrives(&iris, &saved, "/contracts/1?terms=1");
        shows(
            &page,
            &[
                "Terms 1 were entered.",
                "EUR 12,000.00",
                "15 min",
                "Fri 27 Nov 22:15 Berlin",
                "At the deadline",
                "No access: holds restore, resolve.",
                "In force",
            ],
        );
        // The next terms begin as a copy.
        let next = iris.get("/contracts/1/terms/new");
        shows(
            &next,
            &[
                "value=\"12000.00\"",
                "value=\"2026-11-23\"",
                "value=\"vendor:1, owner\"",
            ],
        );
        let shown = iris.get("/contracts/1?terms=7");
        assert_eq!(shown.status, 404);
    });
}

#[test]
fn whoever_may_not_enter_reads_and_sees_no_button() {
    on_both(|service| {
        let iris = iris(service);
        iris.send("/vendors", VENDOR);
        iris.send("/calendars", CALENDAR);
        iris.send("/contracts", CONTRACT);
        iris.send("/contracts/1/terms", TERMS);
        service.person("max", Role::Engineer);
        let max = service.browser("max");
        for path in [
            "/vendors",
            "/vendors/1",
            "/calendars",
            "/calendars/1",
            "/contracts",
            "/contracts/1",
        ] {
            let page = max.get(path);
            assert_eq!(page.status, 200, "{path}");
            for word in ["Add a", "/edit\"", "Enter new terms", "Import holidays"] {
                assert!(!page.text.contains(word), "{word} on {path}");
            }
        }
        for path in [
            "/vendors/new",
            "/calendars/1/edit",
            "/contracts/1/terms/new",
        ] {
            assert_eq!(max.get(path).status, 403, "{path}");
        }
        assert_eq!(max.send("/vendors", VENDOR).status, 403);
        assert_eq!(max.get("/contracts/NW-2026").status, 200);
        assert_eq!(max.get("/vendors/V-1").status, 200);
    });
}

#[test]
fn a_blank_row_does_not_keep_a_browser_from_saving_and_enter_removes_none() {
    on_both(|service| {
        service.person("iris", Role::Procurement);
        let Some(browser) = crate::support::browser::browser(375, 800) else {
            return;
        };
        browser.goto(&format!("{}/login?next=/vendors/new", service.url));
        browser.find("[name=email]").types("iris@example.com");
        browser
            .find("[name=password]")
            .types(crate::service::PASSWORD);
        browser.find("main form button").click();
        browser.wait_for("[name='contacts[1].name']");
        browser.find("[name='name']").types("Northwind");
        browser.find("[name='contacts[0].name']").types("Desk");
        browser
            .find("[name='contacts[0].email']")
            .types("desk@vendor.example");
        // The second row stays blank; U+E007 is the Enter key.
        browser.find("[name='contacts[0].email']").types("\u{e007}");
        browser.wait_for_text("h1", "Northwind");
        assert!(browser.text("main").contains("desk@vendor.example"));
    });
}
