//! Vendors and their contacts.

use redress::actions;
use redress::domain::vendor::VendorInput;
use redress::domain::{ContactId, VendorId};
use redress::error::{Error, Refused};
use redress::store::{self, Actor, Store};
use serde_json::{Value, json};

use super::{enter_vendor, faults, northwind, on_both};

fn edit(store: &Store, id: VendorId, version: i64, value: &Value) -> Result<i64, Error> {
    let input = VendorInput::read(value)?;
    store.write(Actor::Operator, move |tx| {
        actions::vendor::edit(tx, id, version, &input)
    })
}

#[test]
fn a_vendor_is_entered_with_its_contacts_lowest_rung_first() {
    on_both(|store, hand| {
        let id = enter_vendor(store, northwind()).unwrap();
        let vendor = store
            .read(|conn| store::vendor::find_by_key(conn, &id.reference()))
            .unwrap();
        assert_eq!(vendor.name, "Northwind Carrier");
        assert_eq!(vendor.created_at, hand.now());
        let contacts = store
            .read(|conn| store::vendor::contacts(conn, id))
            .unwrap();
        let rungs: Vec<_> = contacts.iter().map(|contact| contact.rung).collect();
        assert_eq!(rungs, [1, 2]);
        let trail = store
            .read(|conn| store::audit::of(conn, "vendor", id.0))
            .unwrap();
        assert_eq!(trail.len(), 1);
        assert_eq!(trail[0].deed, "entered");
    });
}

#[test]
fn two_vendors_do_not_share_a_name_and_nothing_of_the_second_stays() {
    on_both(|store, _| {
        enter_vendor(store, northwind()).unwrap();
        let found = faults(enter_vendor(store, northwind()).unwrap_err());
        assert_eq!(found[0].field, "name");
        assert!(found[0].message.contains("Northwind Carrier"), "{found:?}");
        let lines = store
            .read(|conn| store::vendor::lines(conn, None, 10))
            .unwrap();
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].contacts, 2);
    });
}

#[test]
fn an_edit_replaces_the_contacts_and_keeps_those_it_names() {
    on_both(|store, _| {
        let id = enter_vendor(store, northwind()).unwrap();
        let before = store
            .read(|conn| store::vendor::contacts(conn, id))
            .unwrap();
        let mut value = northwind();
        value["contacts"] = json!([
            {"id": before[0].id, "name": "Service desk", "email": "hotline@vendor.example", "rung": 1},
            {"name": "Executive", "email": "chief@vendor.example", "rung": 4}]);
        assert_eq!(edit(store, id, 1, &value).unwrap(), 2);
        let after = store
            .read(|conn| store::vendor::contacts(conn, id))
            .unwrap();
        let kept: Vec<ContactId> = after.iter().map(|contact| contact.id).collect();
        assert_eq!(after.len(), 2);
        assert_eq!(kept[0], before[0].id);
        assert_eq!(after[0].email, "hotline@vendor.example");
        assert_eq!(after[1].rung, 4);
    });
}

#[test]
fn whoever_edits_an_older_version_is_told_so_and_changes_nothing() {
    on_both(|store, _| {
        let id = enter_vendor(store, northwind()).unwrap();
        edit(store, id, 1, &northwind()).unwrap();
        let mut value = northwind();
        value["name"] = json!("Southwind");
        let error = edit(store, id, 1, &value).unwrap_err();
        assert!(
            matches!(error, Error::Refused(Refused::Stale { .. })),
            "{error:?}"
        );
        let vendor = store.read(|conn| store::vendor::find(conn, id)).unwrap();
        assert_eq!(vendor.name, "Northwind Carrier");
        let error = edit(store, VendorId(99), 1, &northwind()).unwrap_err();
        assert!(
            matches!(error, Error::Refused(Refused::NotFound { .. })),
            "{error:?}"
        );
    });
}

#[test]
fn contacts_of_others_and_calendars_that_are_not_there_are_refused_at_once() {
    on_both(|store, _| {
        let id = enter_vendor(store, northwind()).unwrap();
        let mut other = northwind();
        other["name"] = json!("Halden Cloud");
        let other_id = enter_vendor(store, other).unwrap();
        let foreign = store
            .read(|conn| store::vendor::contacts(conn, other_id))
            .unwrap();
        let mut value = northwind();
        value["contacts"][0]["id"] = json!(foreign[0].id);
        value["contacts"][1]["calendar_id"] = json!(77);
        let found = faults(edit(store, id, 1, &value).unwrap_err());
        let fields: Vec<_> = found.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["contacts[0].id", "contacts[1].calendar_id"]);
    });
}

#[test]
fn vendors_are_listed_by_name_page_by_page() {
    on_both(|store, _| {
        for name in ["Carrier", "Aether", "Borealis"] {
            let mut value = northwind();
            value["name"] = json!(name);
            enter_vendor(store, value).unwrap();
        }
        let page = |after: Option<&str>| -> Vec<String> {
            let lines = store
                .read(|conn| store::vendor::lines(conn, after, 2))
                .unwrap();
            lines.into_iter().map(|line| line.vendor.name).collect()
        };
        assert_eq!(page(None), ["Aether", "Borealis"]);
        assert_eq!(page(Some("Borealis")), ["Carrier"]);
    });
}
