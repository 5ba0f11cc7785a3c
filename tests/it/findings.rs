//! What will not work when an incident comes: on the page, in the API, by `redress check`.

use std::fs;

use redress::domain::person::Role;
use serde_json::{Value, json};

use crate::cli::{run, text};
use crate::service::{Caller, on_both};

/// An organisation with one of each fault. It is 23 November 2026.
fn enters_what_will_not_work(program: &Caller<'_>) {
    let made = |path: &str, body: &Value| {
        let answer = program.post(path, body);
        assert_eq!(answer.status, 201, "{path}: {}", answer.text);
        answer.json()["id"].clone()
    };
    let day = json!([["09:00", "17:00"]]);
    let week = json!({"mon": day, "tue": day, "wed": day, "thu": day, "fri": day});
    let office = made(
        "/api/v1/calendars",
        &json!({"name": "Berlin office", "time_zone": "Europe/Berlin", "week": week,
                "exceptions": [{"date": "2026-12-25", "name": "Christmas", "windows": []}]}),
    );
    made(
        "/api/v1/calendars",
        &json!({"name": "Old office", "time_zone": "Europe/Berlin", "week": week,
                "exceptions": [{"date": "2025-12-25", "name": "Christmas", "windows": []}]}),
    );
    made(
        "/api/v1/calendars",
        &json!({"name": "Far office", "time_zone": "Europe/Berlin", "week": week,
                "exceptions": [{"date": "2027-12-25", "name": "Christmas", "windows": []}]}),
    );
    made(
        "/api/v1/calendars",
        &json!({"name": "Nobody", "time_zone": "UTC", "week": {}}),
    );
    let vendor = made(
        "/api/v1/vendors",
        &json!({"name": "Northwind Carrier", "time_zone": "Europe/Berlin", "locale": "en",
                "contacts": [{"name": "Duty manager", "email": "duty@vendor.example", "rung": 2}]}),
    );
    let contract = |reference: &str, from: &str, to: Option<&str>, ladder: Value| {
        made(
            "/api/v1/contracts",
            &json!({"vendor_id": vendor, "reference": reference, "title": "WAN",
                    "owner": "owner@example.com", "time_zone": "Europe/Berlin",
                    "effective_from": "2026-01-01", "effective_to": to,
                    "terms": {"effective_from": from, "currency": "EUR", "monthly_fee": null,
                              "severities": [{"code": "S1", "name": "Critical"}], "clock_stops": [],
                              "commitments": [
                                {"clause": "5.1", "metric": "respond", "severity": "S1",
                                 "calendar_id": office, "target": {"open_time": "PT15M"}},
                                {"clause": "5.3", "metric": "restore", "severity": "S1",
                                 "calendar_id": office, "target": {"open_time": "PT4H"}}],
                              "on_severity_change": "from_start", "on_reopen": "continue",
                              "confirmation": null, "ladder": ladder}}),
        );
    };
    let steps = json!([
        {"when": {"percent": 75}, "to": ["vendor:1"], "by": ["email"], "metrics": ["respond"]},
        {"when": {"at_due": true}, "to": ["vendor:2", "role:manager"], "by": ["email"],
         "metrics": ["respond"]}]);
    contract("NW-2026", "2026-01-01", None, steps.clone());
    contract("NW-2025", "2026-01-01", Some("2026-10-31"), steps.clone());
    contract("NW-2027", "2026-12-01", None, steps);
}

#[test]
fn the_page_and_the_api_list_what_will_not_work() {
    on_both(|service| {
        service.person("ada", Role::Administrator);
        let ada = service.browser("ada");
        assert!(ada.get("/findings").text.contains("Nothing was found"));

        enters_what_will_not_work(&service.program(Role::Procurement));
        let reader = service.program(Role::Engineer);
        let answer = reader.get("/api/v1/findings").json();
        let found = answer["items"].as_array().unwrap();
        let said: Vec<String> = found
            .iter()
            .map(|finding| {
                let part = |name: &str| finding[name].as_str().unwrap_or_default().to_string();
                format!("{} {}: {}", part("gravity"), part("place"), part("message"))
            })
            .collect();
        let expected = [
            "error calendar Nobody: it has no open time in the next year, so nothing that counts in it ever falls due",
            "error contract NW-2026: the vendor has no contact on rung 1 (service desk), so nobody there is told of an incident",
            "error contract NW-2026, step 1: it tells nobody and will be skipped",
            "error contract NW-2027: no terms of it are in force, so no incident can be raised under it",
            "warning calendar Berlin office: its holiday list ends on 2026-12-31; later deadlines are provisional",
            "warning calendar Old office: its holiday list ended on 2025-12-31; later deadlines are provisional",
            "warning contract NW-2026: no step of its ladder is for restore S1: nobody is told before or after that deadline",
            "warning contract NW-2026, step 1: the vendor has no contact on rung 1 (service desk)",
            "warning contract NW-2026, step 2: nobody of us has the role manager",
        ];
        assert_eq!(said, expected, "{said:#?}");

        let page = ada.get("/findings").text;
        for finding in found {
            for part in ["place", "message", "remedy"] {
                let words = finding[part].as_str().unwrap();
                assert!(page.contains(words), "{words}: {page}");
            }
            let there = finding["page"].as_str().unwrap();
            assert!(page.contains(&format!("href=\"{there}\"")), "{there}");
            assert_eq!(ada.get(there).status, 200, "{there}");
        }
        // What concerns a contract stands on its page, too; one that has ended is left in peace.
        let contract = |reference: &str| ada.get(&format!("/contracts/{reference}")).text;
        let warned = contract("NW-2026");
        for needed in [
            "Contract NW-2026: the vendor has no contact on rung 1 (service desk)",
            "Contract NW-2026: no step of its ladder is for restore S1",
            "Calendar Berlin office: its holiday list ends on 2026-12-31",
            "it tells nobody and will be skipped",
        ] {
            assert!(warned.contains(needed), "{needed}: {warned}");
        }
        assert!(
            !warned.contains("Old office") && !warned.contains("NW-2026, step"),
            "{warned}"
        );
        assert!(contract("NW-2027").contains("no terms of it are in force"));
        assert!(!contract("NW-2025").contains("banner-soon"));
        assert!(page.contains("<strong>4</strong> errors"), "{page}");
        assert!(page.contains("<strong>5</strong> warnings"), "{page}");
    });
}

#[test]
fn a_new_installation_has_warnings_and_looking_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let checked = run(folder.path(), &["check"], "");
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stderr));
    let said = text(&checked.stdout);
    let expected = [
        "warning  settings  smtp_url: is not set: letters become files in redress-data/mail and reach nobody; name your mail server",
        "warning  settings  public_url: is not set: links in letters lead to http://127.0.0.1:8080, where nobody else finds the service; set the address under which people reach it",
        "warning  database  database_url: there is no database yet; redress serve makes it at the first start",
        "no error, 3 warnings.",
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn what_will_not_work_is_an_error_and_the_code_says_so() {
    let folder = tempfile::tempdir().unwrap();
    assert!(run(folder.path(), &["migrate"], "").status.success());
    let database = folder.path().join("redress-data/redress.db");
    let before = fs::read(&database).unwrap();
    fs::create_dir_all(folder.path().join("letters/raised/en")).unwrap();
    let subject = folder.path().join("letters/raised/en/subject.txt");
    fs::write(&subject, "{{ incidnet }}").unwrap();
    fs::write(
        folder.path().join("letters/raised/en/body.html"),
        "<p>{{ title }}</p>\n<img src=\"https://example.com/logo.png\">",
    )
    .unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let args = [
        "check",
        "--json",
        "--mail-templates",
        "letters",
        "--smtp-url",
        "smtp://mail.example.com?tls=perhaps",
        "--public-url",
        "http://redress.example.com",
        "--mail-reply-to",
        "redress@example.com",
        "--data-dir",
        "file",
        "--database-url",
        "sqlite:redress-data/redress.db",
    ];
    let checked = run(folder.path(), &args, "");
    assert_eq!(checked.status.code(), Some(1), "{}", text(&checked.stderr));
    let found: Vec<Value> = text(&checked.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let found: Vec<[&str; 4]> = found
        .iter()
        .map(|line| {
            ["gravity", "subject", "place", "message"].map(|name| line[name].as_str().unwrap())
        })
        .collect();
    let is_there = |gravity: &str, subject: &str, place: &str, message: &str| {
        let there = found
            .iter()
            .any(|line| line[..3] == [gravity, subject, place] && line[3].contains(message));
        assert!(there, "{gravity} {subject} {place} {message}\n{found:#?}");
    };
    is_there("error", "settings", "data_dir", "is not a folder");
    is_there("error", "settings", "smtp_url", "perhaps");
    is_there("warning", "settings", "public_url", "is not encrypted");
    is_there("warning", "settings", "mail_from", "redress@localhost");
    let subject = "letters/raised/en/subject.txt:1";
    is_there(
        "error",
        "template",
        subject,
        "there is no variable incidnet",
    );
    let html = "letters/raised/en/body.html:2";
    is_there("warning", "template", html, "src=\"http");
    is_there("error", "people", "people", "no active administrator");
    is_there("warning", "settings", "mail_trusted_relay", "is not set");
    assert_eq!(found.len(), 8, "{found:#?}");
    assert_eq!(fs::read(&database).unwrap(), before, "nothing was changed");

    let table: &[(&[&str], Option<i32>, &str)] = &[
        (
            &["check", "--listen", "8080"],
            Some(1),
            "error    settings  --listen or REDRESS_LISTEN",
        ),
        (
            &[
                "check",
                "--database-url",
                "postgres://ann:hunter2@127.0.0.1:1/redress",
            ],
            Some(1),
            "error    database  database_url: it cannot be read",
        ),
        (&["check", "--jsn"], Some(2), ""),
    ];
    for (args, code, needed) in table {
        let checked = run(folder.path(), args, "");
        let said = text(&checked.stdout);
        assert_eq!(checked.status.code(), *code, "{args:?}: {said}");
        assert!(said.contains(needed), "{args:?}: {said}");
        assert!(!said.contains("hunter2") && !text(&checked.stderr).contains("hunter2"));
    }
}
