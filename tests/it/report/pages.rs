//! The pages of the register, the report and its schedules, as a browser gets them.

use redress::domain::person::Role;
use redress::engine::{routines, tick};
use redress::time::{HOUR, MINUTE, Moment};
use serde_json::{Value, json};

use crate::service::{Service, on_both};

/// An incident of each kind under one contract in Berlin: answered in time, answered twice as late as
/// promised, not answered at all, practised; and one that is not due yet.
fn a_month(service: &Service) {
    let program = service.program(Role::Administrator);
    let make = |path: &str, body: &Value| {
        let made = program.post(path, body);
        assert_eq!(made.status, 201, "{path}: {}", made.text);
        made.json()["id"].clone()
    };
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let week: serde_json::Map<String, Value> = days
        .iter()
        .map(|day| ((*day).to_string(), json!([["00:00", "24:00"]])))
        .collect();
    let calendar = make(
        "/api/v1/calendars",
        &json!({"name": "Always", "time_zone": "Europe/Berlin", "week": week}),
    );
    let vendor = make(
        "/api/v1/vendors",
        &json!({"name": "Lanhai <蓝海>", "time_zone": "Asia/Shanghai", "contacts": []}),
    );
    let contract = make(
        "/api/v1/contracts",
        &json!({"vendor_id": vendor, "reference": "LH & Co", "title": "Servers", "owner": "owner@example.com",
            "time_zone": "Europe/Berlin", "effective_from": "2026-01-01", "terms": {
                "effective_from": "2026-01-01", "currency": "EUR",
                "severities": [{"code": "P1", "name": "Critical"}],
                "commitments": [{"clause": "5.1", "metric": "respond", "severity": "P1",
                    "calendar_id": calendar, "target": {"open_time": "PT1H"}, "remedy": "5 % of the fee"}],
                "ladder": [{"when": {"at_due": true}, "to": ["owner"], "by": ["email"]}]}}),
    );
    let raise = |title: &str, drill: bool| {
        let incident =
            json!({"contract_id": contract, "severity": "P1", "title": title, "drill": drill});
        make("/api/v1/incidents", &incident)
    };
    let answer = |incident: &Value| {
        let path = format!("/api/v1/incidents/{incident}/events");
        assert_eq!(
            program.post(&path, &json!({"kind": "responded"})).status,
            201
        );
    };
    let pass = |time| {
        service.hand.set(service.hand.now() + time);
        tick::tick(&service.store).unwrap();
    };
    service
        .hand
        .set(Moment::parse("2026-11-10T09:00:00Z").unwrap());
    let kept = raise("Kept", false);
    let late = raise("Late", false);
    raise("Never answered", false);
    raise("Practice", true);
    pass(15 * MINUTE);
    answer(&kept);
    pass(105 * MINUTE);
    answer(&late);
    pass(HOUR);
    raise("Just begun", false);
}

/// The addresses that a page links to.
fn links(page: &str) -> Vec<String> {
    let parts = page.split("href=\"").skip(1);
    let links = parts.filter_map(|part| part.split_once('"'));
    links
        .map(|(link, _)| link.replace("&#38;", "&").replace("&amp;", "&"))
        .collect()
}

#[test]
fn every_figure_of_the_report_opens_what_it_counts() {
    on_both(|service| {
        a_month(service);
        service.person("max", Role::Manager);
        let max = service.browser("max");
        let report = max.get("/report?period=2026-11");
        assert_eq!(report.status, 200, "{}", report.text);
        let text = &report.text;
        assert!(
            text.contains("33.3 %") && text.contains("1 of 3 kept"),
            "{text}"
        );
        assert!(
            text.contains("6.1 to 79.2 %"),
            "the interval stands beside it"
        );
        assert!(text.contains("75.0 %"), "the margin");
        assert!(text.contains("1 drill left out, with 1 case"));
        assert!(text.contains("Just begun") && !text.contains("Practice"));
        assert!(
            text.contains("1\u{a0}h<") && text.contains("2\u{a0}h<") && text.contains("not yet")
        );
        assert!(
            text.contains("LH &#38; Co") && !text.contains("<蓝海>"),
            "names are no markup"
        );

        let mut opened = Vec::new();
        for link in links(text) {
            let evidence = ["/report/cases", "/report.", "/breaches/"];
            if evidence.iter().any(|path| link.starts_with(path)) {
                let page = max.get(&link);
                assert_eq!(page.status, 200, "{link}: {}", page.text);
                opened.push((link, page.text));
            }
        }
        let (_, missed) = opened
            .iter()
            .find(|(link, _)| link.contains("contract=") && link.contains("result=missed"))
            .expect("a link from the missed ones of the row");
        assert!(missed.contains("Never answered") && missed.contains("Late"));
        assert!(!missed.contains(">Kept<") && missed.contains("2 cases"));
        let (_, met) = opened
            .iter()
            .find(|(link, _)| link.contains("contract=") && link.contains("result=met"))
            .expect("a link from those met");
        assert!(met.contains(">Kept<") && met.contains("15\u{a0}min of 1\u{a0}h"));
        assert_eq!(
            opened
                .iter()
                .filter(|(link, _)| link.starts_with("/breaches/"))
                .count(),
            2
        );

        let of_vendor = max.get("/report?period=2026-11&vendor=V-1");
        assert!(of_vendor.text.contains("<option value=\"1\" selected>"));
        let usual = max.get("/report");
        assert!(
            usual.text.contains("value=\"2026-10\"") && usual.text.contains("Nothing to score")
        );
    });
}

#[test]
fn what_was_asked_wrongly_stays_in_the_form() {
    on_both(|service| {
        service.person("max", Role::Manager);
        let max = service.browser("max");
        let page = max.get("/report?period=October&vendor=Nobody");
        assert_eq!(page.status, 422);
        assert!(
            page.text.contains("value=\"October\"") && page.text.contains("id=\"error-period\"")
        );
        assert!(page.text.contains("id=\"error-vendor\""));
        assert_eq!(max.get("/breaches?vendor=Nobody").status, 422);
        assert_eq!(max.get("/report.csv").status, 422);
        assert_eq!(
            max.get("/report/cases?period=2026-10&metric=weather")
                .status,
            400
        );
    });
}

#[test]
fn the_register_and_an_entry_say_what_was_judged_and_who_was_told() {
    on_both(|service| {
        a_month(service);
        service.person("max", Role::Manager);
        let max = service.browser("max");
        let list = max.get("/breaches");
        assert_eq!(
            list.text.matches("/breaches/B-").count(),
            3,
            "practice is in the register"
        );
        for word in ["Still open", "Stopped late", ">drill<", "Never answered"] {
            assert!(list.text.contains(word), "{word}");
        }
        let first = max.get("/breaches?limit=2");
        let next = links(&first.text)
            .into_iter()
            .find(|link| link.contains("cursor="));
        let rest = max.get(&next.expect("a next page"));
        assert_eq!(rest.text.matches("/breaches/B-").count(), 1);

        let entries = service
            .program(Role::Manager)
            .get("/api/v1/breaches")
            .json();
        let late = entries["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|entry| entry["title"] == "Late");
        let late = late.expect("the one that was answered late");
        assert_eq!(
            (&late["standing"], &late["late_open_seconds"]),
            (&json!("stopped"), &json!(3600))
        );
        let page = max.get(&format!(
            "/breaches/{}",
            late["reference"].as_str().unwrap()
        ));
        assert_eq!(page.status, 200, "{}", page.text);
        for word in [
            "Respond, clause 5.1, missed",
            "LH &#38; Co",
            "5 % of the fee",
            "Always",
            "owner@example.com",
            "1\u{a0}h",
        ] {
            assert!(page.text.contains(word), "{word}: {}", page.text);
        }
        assert_eq!(max.get("/breaches/B-999").status, 404);
        assert_eq!(max.get("/breaches/nonsense").status, 404);
    });
}

#[test]
fn a_schedule_is_entered_on_a_page_and_faults_stand_at_their_fields() {
    on_both(|service| {
        service.person("max", Role::Manager);
        service.person("eve", Role::Engineer);
        let max = service.browser("max");
        assert_eq!(max.get("/schedules/new").status, 200);
        let wrong = [
            ("name", "Monthly"),
            ("vendor_id", ""),
            ("cron", "0 8 30 2 *"),
            ("time_zone", "Berlin"),
            ("recipients", "max@example.com\r\nnobody"),
            ("active", "true"),
        ];
        let page = max.send("/schedules", &wrong);
        assert_eq!(page.status, 422);
        for field in ["cron", "time_zone", "recipients"] {
            assert!(
                page.text.contains(&format!("id=\"error-{field}\"")),
                "{field}: {}",
                page.text
            );
        }
        assert!(page.text.contains("value=\"Monthly\"") && page.text.contains("nobody"));

        let mut fields = wrong;
        fields[2].1 = "0 8 1 * *";
        fields[3].1 = "Europe/Berlin";
        fields[4].1 = "max@example.com\r\nboard@example.com\r\n";
        assert_eq!(
            max.send("/schedules", &fields).header("location"),
            "/schedules"
        );
        let list = max.get("/schedules");
        assert!(list.text.contains("board@example.com") && list.text.contains("not yet"));
        service.hand.set(service.hand.now() + 10 * 24 * HOUR);
        // That session has ended meanwhile.
        let max = service.browser("max");
        assert_eq!(routines::run_due(&service.store).unwrap().reports, 1);
        assert!(!max.get("/schedules").text.contains("not yet"));

        let form = max.get("/schedules/1");
        assert!(
            form.text.contains("max@example.com\nboard@example.com"),
            "{}",
            form.text
        );
        let off: Vec<_> = fields[..5]
            .iter()
            .copied()
            .chain([("_version", "1")])
            .collect();
        assert_eq!(max.send("/schedules/1", &off).status, 303);
        assert!(max.get("/schedules").text.contains(">off<"));
        assert_eq!(
            max.send("/schedules/1", &off).status,
            412,
            "somebody was first"
        );

        let eve = service.browser("eve");
        assert_eq!(eve.get("/schedules").status, 200);
        assert!(!eve.get("/schedules").text.contains("/schedules/new"));
        assert_eq!(eve.send("/schedules/1/end", &[]).status, 403);
        assert_eq!(max.send("/schedules/1/end", &[]).status, 303);
        assert!(max.get("/schedules").text.contains("No schedule yet"));
    });
}
