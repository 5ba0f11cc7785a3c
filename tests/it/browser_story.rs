//! One incident as a person lives it in a browser: raised, counted down, fallen due, read as a breach.

use redress::actions;
use redress::domain::calendar_entry::CalendarInput;
use redress::domain::person::Role;
use redress::domain::vendor::VendorInput;
use redress::engine::tick::tick;
use redress::store::Actor;
use redress::time::MINUTE;
use serde_json::json;

use crate::service::{PASSWORD, Service, on_both};
use crate::support::browser::{Browser, browser};

/// A contract that promises an answer within half an hour, around the clock.
fn signs(service: &Service) {
    let day = json!([["00:00", "24:00"]]);
    let calendar = CalendarInput::read(&json!({"name": "Around the clock", "time_zone": "Europe/Berlin",
        "week": {"mon": day, "tue": day, "wed": day, "thu": day, "fri": day, "sat": day, "sun": day}}))
    .unwrap();
    let vendor = VendorInput::read(
        &json!({"name": "Northwind Carrier", "time_zone": "Europe/Berlin", "locale": "en",
        "contacts": [{"name": "Service desk", "email": "desk@vendor.example", "rung": 1}]}),
    )
    .unwrap();
    service
        .store
        .write(Actor::Operator, move |tx| {
            let calendar = actions::calendar::enter(tx, &calendar)?;
            let vendor = actions::vendor::enter(tx, &vendor)?;
            let contract = json!({"vendor_id": vendor, "reference": "NW-2026", "title": "Wide area network",
                "owner": "max@example.com", "effective_from": "2026-01-01", "terms": {
                    "effective_from": "2026-01-01", "currency": "EUR", "monthly_fee": 1_200_000,
                    "severities": [{"code": "S1", "name": "Critical"}],
                    "commitments": [{"clause": "5.1", "metric": "respond", "severity": "S1", "calendar_id": calendar,
                                     "target": {"open_time": "PT30M"}}]}});
            actions::contract::enter(tx, &contract)
        })
        .unwrap();
}

fn signs_in(browser: &Browser, service: &Service, name: &str) {
    browser.goto(&format!("{}/login", service.url));
    browser
        .find("input[name=email]")
        .types(&format!("{name}@example.com"));
    browser.find("input[name=password]").types(PASSWORD);
    browser.find("input[name=password]").submit();
}

#[test]
fn an_incident_is_raised_counts_down_falls_due_and_is_read_as_a_breach() {
    on_both(|service| {
        let Some(browser) = browser(1280, 900) else {
            return;
        };
        signs(service);
        service.person("ann", Role::Engineer);
        signs_in(&browser, service, "ann");

        browser.goto(&format!("{}/incidents/new?contract=1", service.url));
        browser.find("input[name=severity][value=S1]").click();
        browser
            .find("input[name=title]")
            .types("Frankfurt is cut off");
        browser.find("input[name=title]").submit();
        assert!(
            browser.url().contains("/incidents/INC-1001"),
            "{}",
            browser.url()
        );
        assert!(browser.text("h1").contains("Frankfurt is cut off"));

        // The board counts down from the service's own moment.
        browser.goto(&format!("{}/", service.url));
        let left = browser.find("time[data-due]");
        assert_eq!(
            left.attribute("data-due").as_deref(),
            Some((service.hand.now() + 30 * MINUTE).to_string().as_str())
        );
        assert!(browser.text("main").contains("INC-1001"));
        let counted = browser.text("time[data-due]");
        assert!(
            counted.contains("29") || counted.contains("30"),
            "{counted}"
        );

        service.hand.set(service.hand.now() + 31 * MINUTE);
        assert_eq!(tick(&service.store).unwrap().followed.breached, 1);
        browser.goto(&format!("{}/breaches", service.url));
        browser.wait_for_text("main", "5.1");
        browser.goto(&format!("{}/breaches/B-1", service.url));
        let page = browser.text("main");
        assert!(
            page.contains("Northwind Carrier") && page.contains("INC-1001") && page.contains("5.1"),
            "{page}"
        );
        assert_eq!(browser.complaints(), Vec::<String>::new());
    });
}
