//! Contracts and their terms: both or neither, and which version judges what.

use redress::actions;
use redress::domain::contract::ContractInput;
use redress::domain::{CalendarId, ContractId};
use redress::error::{Error, Refused};
use redress::store::{self, Actor, Store};
use redress::time::Moment;
use serde_json::{Value, json};

use super::{enter_calendar, enter_vendor, faults, northwind, office, on_both};

fn terms(calendar: CalendarId) -> Value {
    json!({
        "effective_from": "2026-01-01", "currency": "EUR", "monthly_fee": 1_200_000,
        "severities": [{"code": "S1", "name": "Critical"}],
        "commitments": [{"clause": "5.1", "metric": "respond", "severity": "S1",
                         "calendar_id": calendar, "target": {"open_time": "PT15M"}}]
    })
}

fn contract(vendor: i64, calendar: CalendarId) -> Value {
    json!({
        "vendor_id": vendor, "reference": "NW-2026", "title": "Wide area network",
        "owner": "owner@example.com", "effective_from": "2026-01-01", "effective_to": "2027-12-31",
        "terms": terms(calendar)
    })
}

fn enter(store: &Store, value: Value) -> Result<ContractId, Error> {
    store.write(Actor::Operator, move |tx| {
        actions::contract::enter(tx, &value)
    })
}

/// A contract with a vendor of its own, whose commitment counts in that calendar.
pub fn enter_contract(store: &Store, calendar: CalendarId) -> Result<ContractId, Error> {
    let vendor = enter_vendor(store, northwind())?;
    enter(store, contract(vendor.0, calendar))
}

fn amend(store: &Store, id: ContractId, value: Value) -> Result<i32, Error> {
    let terms = store.write(Actor::Operator, move |tx| {
        actions::contract::amend(tx, id, &value, redress::domain::words::Source::Api)
    })?;
    Ok(terms.number)
}

fn at(text: &str) -> Moment {
    Moment::parse(text).unwrap()
}

#[test]
fn a_contract_is_entered_with_its_terms_in_the_vendors_zone() {
    on_both(|store, _| {
        let calendar = enter_calendar(store, office()).unwrap();
        let id = enter_contract(store, calendar).unwrap();
        let found = store
            .read(|conn| store::contract::find_by_key(conn, "NW-2026"))
            .unwrap();
        assert_eq!(found.id, id);
        assert_eq!(found.time_zone.name(), "Europe/Berlin");
        let versions = store
            .read(|conn| store::terms::of_contract(conn, id))
            .unwrap();
        assert_eq!(versions.len(), 1);
        assert_eq!(versions[0].number, 1);
        assert_eq!(versions[0].promise.ladder.len(), 3, "the default ladder");
        let lines = store
            .read(|conn| store::contract::page(conn, None, None, 10))
            .unwrap();
        assert_eq!(lines[0].vendor, "Northwind Carrier");
        let trail = store
            .read(|conn| store::audit::of(conn, "contract", id.0))
            .unwrap();
        let deeds: Vec<_> = trail.iter().map(|line| line.deed.as_str()).collect();
        assert_eq!(deeds, ["entered", "terms entered"]);
    });
}

#[test]
fn faults_of_contract_and_terms_come_at_once_and_nothing_stays() {
    on_both(|store, _| {
        let calendar = enter_calendar(store, office()).unwrap();
        let mut value = contract(99, calendar);
        value["owner"] = json!("nobody");
        value["terms"]["effective_from"] = json!("2025-12-31");
        value["terms"]["commitments"][0]["calendar_id"] = json!(77);
        value["terms"]["commitments"][0]["severity"] = json!("S9");
        let found = faults(enter(store, value).unwrap_err());
        let fields: Vec<_> = found.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "owner",
                "terms.commitments[0].calendar_id",
                "terms.commitments[0].severity",
                "terms.effective_from",
                "vendor_id"
            ]
        );
        let lines = store
            .read(|conn| store::contract::page(conn, None, None, 10))
            .unwrap();
        assert!(lines.is_empty());
    });
}

#[test]
fn two_contracts_do_not_share_a_reference_and_the_terms_of_the_second_do_not_stay() {
    on_both(|store, _| {
        let calendar = enter_calendar(store, office()).unwrap();
        let id = enter_contract(store, calendar).unwrap();
        let vendor = store
            .read(|conn| store::contract::find(conn, id))
            .unwrap()
            .vendor_id;
        let error = enter(store, contract(vendor.0, calendar)).unwrap_err();
        assert_eq!(faults(error)[0].field, "reference");
        assert_eq!(
            store
                .read(|conn| store::terms::of_contract(conn, id))
                .unwrap()
                .len(),
            1
        );
    });
}

#[test]
fn a_contract_may_wait_for_its_terms_and_then_judges_nothing_yet() {
    on_both(|store, hand| {
        let vendor = enter_vendor(store, northwind()).unwrap();
        let mut value = contract(vendor.0, CalendarId(1));
        value.as_object_mut().unwrap().remove("terms");
        let id = enter(store, value).unwrap();
        let now = hand.now();
        let found = store
            .read(|conn| {
                let contract = store::contract::find(conn, id)?;
                store::terms::in_force(conn, &contract, now)
            })
            .unwrap();
        assert!(found.is_none());
    });
}

#[test]
fn the_version_that_began_last_judges_from_midnight_of_the_contracts_zone() {
    on_both(|store, _| {
        let calendar = enter_calendar(store, office()).unwrap();
        let id = enter_contract(store, calendar).unwrap();
        let mut later = terms(calendar);
        later["effective_from"] = json!("2026-12-01");
        assert_eq!(amend(store, id, later.clone()).unwrap(), 2);
        assert_eq!(amend(store, id, later).unwrap(), 3);
        let mut between = terms(calendar);
        between["effective_from"] = json!("2026-06-01");
        assert_eq!(amend(store, id, between).unwrap(), 4);
        let in_force = |text: &str| {
            store
                .read(|conn| {
                    let contract = store::contract::find(conn, id)?;
                    store::terms::in_force(conn, &contract, at(text))
                })
                .unwrap()
                .map(|terms| terms.number)
        };
        assert_eq!(in_force("2025-12-31T23:59:59+01:00"), None);
        assert_eq!(in_force("2026-01-01T00:00:00+01:00"), Some(1));
        assert_eq!(in_force("2026-06-01T00:00:00+02:00"), Some(4));
        assert_eq!(in_force("2026-11-30T23:59:59+01:00"), Some(4));
        // Of two that begin on one day the one entered later.
        assert_eq!(in_force("2026-12-01T00:00:00+01:00"), Some(3));
    });
}

#[test]
fn terms_lie_within_the_contracts_term_also_when_that_is_edited() {
    on_both(|store, _| {
        let calendar = enter_calendar(store, office()).unwrap();
        let id = enter_contract(store, calendar).unwrap();
        for outside in ["2025-12-31", "2028-01-01"] {
            let mut value = terms(calendar);
            value["effective_from"] = json!(outside);
            assert_eq!(
                faults(amend(store, id, value).unwrap_err())[0].field,
                "effective_from"
            );
        }
        let head = |from: &str| {
            ContractInput::read(&json!({
                "reference": "NW-2026", "title": "Network", "owner": "owner@example.com",
                "effective_from": from
            }))
            .unwrap()
        };
        let edit = |version, input: ContractInput| {
            store.write(Actor::Operator, move |tx| {
                actions::contract::edit(tx, id, version, &input)
            })
        };
        let found = faults(edit(1 + 1, head("2026-02-01")).unwrap_err());
        assert_eq!(found[0].field, "effective_from");
        // Entering terms changed the contract, so the first version is an old one.
        let stale = edit(1, head("2026-01-01")).unwrap_err();
        assert!(
            matches!(stale, Error::Refused(Refused::Stale { .. })),
            "{stale:?}"
        );
        assert_eq!(edit(2, head("2025-07-01")).unwrap(), 3);
        let contract = store.read(|conn| store::contract::find(conn, id)).unwrap();
        assert_eq!(
            (contract.title.as_str(), contract.effective_to),
            ("Network", None)
        );
    });
}

#[test]
fn a_preview_shows_examples_and_faults_and_keeps_nothing() {
    on_both(|store, hand| {
        let calendar = enter_calendar(store, office()).unwrap();
        let mut value = terms(calendar);
        value["currency"] = json!("Euro");
        let now = hand.now();
        let preview = store
            .read(|conn| actions::contract::preview(conn, None, &value, now))
            .unwrap();
        assert_eq!(preview.examples.len(), 1);
        assert_eq!(preview.examples[0].start, at("2026-11-27T16:40:00+01:00"));
        assert_eq!(
            preview.examples[0].due,
            Some(at("2026-11-27T16:55:00+01:00"))
        );
        assert_eq!(preview.errors[0].field, "currency");
    });
}

#[test]
fn the_ladder_warns_of_whom_it_cannot_reach() {
    on_both(|store, _| {
        let calendar = enter_calendar(store, office()).unwrap();
        let id = enter_contract(store, calendar).unwrap();
        let warnings = store
            .read(|conn| {
                let contract = store::contract::find(conn, id)?;
                let versions = store::terms::of_contract(conn, id)?;
                store::contract::warnings(conn, contract.vendor_id, None, &versions[0].promise)
            })
            .unwrap();
        let steps: Vec<_> = warnings.iter().map(|warning| warning.step).collect();
        // Northwind has contacts on rungs 1 and 2, and nobody of us is a manager.
        assert_eq!(steps, [3, 3, 3], "{warnings:?}");
    });
}
