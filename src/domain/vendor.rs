//! Third parties that owe us service, and their contacts.

use std::collections::HashSet;

use serde::Serialize;
use serde_json::Value;
use validator::Validate;

use super::input::{Faults, FieldError};
use super::locale::Locale;
use super::reading::Object;
use super::zone::Zone;
use super::{CalendarId, ContactId, VendorId};
use crate::schema::{contacts, vendors};
use crate::time::Moment;

/// A third party that owes us service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = vendors)]
pub struct Vendor {
    /// Key.
    pub id: VendorId,
    /// Its name; no two vendors share one.
    pub name: String,
    /// Where its people sit.
    pub time_zone: Zone,
    /// The language of letters to it.
    pub locale: Locale,
    /// What else one should know.
    pub notes: String,
    /// When it was entered.
    pub created_at: Moment,
    /// Grows with each change.
    pub version: i64,
}

/// A person or desk at the vendor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = contacts)]
pub struct Contact {
    /// Key.
    pub id: ContactId,
    /// Whose contact it is.
    #[serde(skip)]
    pub vendor_id: VendorId,
    /// Whom letters address.
    pub name: String,
    /// Where letters go.
    pub email: String,
    /// Rung of the vendor's own ladder, 1 to 4.
    pub rung: i32,
    /// Where the contact sits; none: where the vendor does.
    pub time_zone: Option<Zone>,
    /// The language of letters; none: the vendor's.
    pub locale: Option<Locale>,
    /// The contact's own hours, for letters that wait for them.
    pub calendar_id: Option<CalendarId>,
}

/// What a rung of the vendor's ladder is called.
pub fn rung_name(rung: i32) -> &'static str {
    match rung {
        1 => "service desk",
        2 => "duty manager",
        3 => "account lead",
        _ => "executive",
    }
}

/// A vendor as somebody enters or edits it, checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Validate)]
pub struct VendorInput {
    /// Its name.
    #[validate(length(max = 200, message = "the name is longer than 200 characters"))]
    pub name: String,
    /// Where its people sit.
    pub time_zone: Zone,
    /// The language of letters to it.
    pub locale: Locale,
    /// What else one should know.
    #[validate(length(max = 10_000, message = "the notes are longer than 10000 characters"))]
    pub notes: String,
    /// Its contacts, all of them.
    #[validate(
        length(max = 100, message = "a vendor has at most 100 contacts"),
        nested
    )]
    pub contacts: Vec<ContactInput>,
}

/// A contact as somebody enters or edits it, checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Validate)]
pub struct ContactInput {
    /// The contact that is kept; none: a new one.
    pub id: Option<ContactId>,
    /// Whom letters address.
    #[validate(length(max = 200, message = "the name is longer than 200 characters"))]
    pub name: String,
    /// Where letters go.
    #[validate(
        email(message = "this is not an e-mail address; write it like desk@vendor.example"),
        length(max = 254, message = "an e-mail address has at most 254 characters")
    )]
    pub email: String,
    /// Rung of the vendor's own ladder.
    #[validate(range(
        min = 1,
        max = 4,
        message = "a rung is 1 (service desk), 2 (duty manager), 3 (account lead) or 4 (executive)"
    ))]
    pub rung: i64,
    /// Where the contact sits.
    pub time_zone: Option<Zone>,
    /// The language of letters.
    pub locale: Option<Locale>,
    /// The contact's own hours.
    pub calendar_id: Option<CalendarId>,
}

const VENDOR_FIELDS: &[&str] = &["name", "time_zone", "locale", "notes", "contacts"];
const CONTACT_FIELDS: &[&str] = &[
    "id",
    "name",
    "email",
    "rung",
    "time_zone",
    "locale",
    "calendar_id",
];

impl VendorInput {
    /// Reads and checks a vendor.
    ///
    /// # Errors
    /// Every fault at its field. That calendars exist, that a contact's `id` is one of this vendor's
    /// and that the name is free is for the store to say.
    pub fn read(value: &Value) -> Result<Self, Vec<FieldError>> {
        let mut faults = Faults::none();
        let Some(object) = Object::open(value, "", VENDOR_FIELDS, &mut faults) else {
            return Err(faults.into_vec());
        };
        let input = Self {
            name: object.text("name", &mut faults).unwrap_or_default(),
            time_zone: object.parsed("time_zone", &mut faults).unwrap_or(Zone::UTC),
            locale: object.optional("locale", &mut faults).unwrap_or(Locale::En),
            notes: object
                .optional_text("notes", &mut faults)
                .unwrap_or_default(),
            contacts: object
                .list("contacts", &mut faults)
                .into_iter()
                .map(|(path, item)| ContactInput::read(item, path, &mut faults))
                .collect(),
        };
        faults.check("", &input);
        let mut seen = HashSet::new();
        for (index, contact) in input.contacts.iter().enumerate() {
            if !contact.email.is_empty()
                && !seen.insert((contact.rung, contact.email.to_lowercase()))
            {
                faults.add(
                    format!("contacts[{index}].email"),
                    format!("{} stands twice on rung {}", contact.email, contact.rung),
                );
            }
        }
        faults.or(input)
    }
}

impl ContactInput {
    fn read(value: &Value, path: String, faults: &mut Faults) -> Self {
        // Stands in for what could not be read; the faults keep it from being used.
        let mut input = Self {
            id: None,
            name: String::new(),
            email: String::new(),
            rung: 1,
            time_zone: None,
            locale: None,
            calendar_id: None,
        };
        if let Some(object) = Object::open(value, path, CONTACT_FIELDS, faults) {
            input.id = object.optional_number("id", faults).map(ContactId);
            input.name = object.text("name", faults).unwrap_or_default();
            input.email = object.text("email", faults).unwrap_or_default();
            input.rung = object.number("rung", faults).unwrap_or(1);
            input.time_zone = object.optional("time_zone", faults);
            input.locale = object.optional("locale", faults);
            input.calendar_id = object
                .optional_number("calendar_id", faults)
                .map(CalendarId);
        }
        input
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn good() -> Value {
        json!({
            "name": "Northwind Carrier", "time_zone": "Europe/Berlin", "locale": "en",
            "contacts": [
                {"name": "Service desk", "email": "desk@vendor.example", "rung": 1},
                {"name": "Duty manager", "email": "duty@vendor.example", "rung": 2,
                 "time_zone": "Asia/Shanghai", "locale": "zh-CN"}]
        })
    }

    #[test]
    fn the_published_example_is_read() {
        let vendor = VendorInput::read(&good()).unwrap();
        assert_eq!(vendor.contacts.len(), 2);
        assert_eq!(vendor.contacts[1].locale, Some(Locale::ZhCn));
        assert_eq!(vendor.contacts[0].time_zone, None);
    }

    #[test]
    fn each_wrong_field_is_named_with_the_way_out() {
        let table: &[(&str, Value, &str, &str)] = &[
            ("/name", json!(null), "name", "missing"),
            ("/name", json!("  "), "name", "missing"),
            ("/name", json!("x".repeat(201)), "name", "200"),
            ("/time_zone", json!("+01:00"), "time_zone", "Europe/Berlin"),
            ("/locale", json!("de"), "locale", "zh-CN"),
            (
                "/contacts/0/email",
                json!("desk"),
                "contacts[0].email",
                "desk@vendor.example",
            ),
            (
                "/contacts/1/rung",
                json!(5),
                "contacts[1].rung",
                "executive",
            ),
            (
                "/contacts/1/rung",
                json!("2"),
                "contacts[1].rung",
                "whole number",
            ),
            (
                "/contacts/1/time_zone",
                json!("Mars/Base"),
                "contacts[1].time_zone",
                "Europe/Berlin",
            ),
            ("/contacts/0", json!([]), "contacts[0]", "JSON object"),
        ];
        for (place, wrong, field, way_out) in table {
            let mut value = good();
            *value.pointer_mut(place).unwrap() = wrong.clone();
            let faults = VendorInput::read(&value).unwrap_err();
            let fault = faults.iter().find(|fault| fault.field == *field);
            let message = &fault
                .unwrap_or_else(|| panic!("{place}: {faults:?}"))
                .message;
            assert!(message.contains(way_out), "{place}: {message}");
        }
    }

    #[test]
    fn all_faults_come_at_once_and_one_for_each_field() {
        let faults = VendorInput::read(&json!({
            "time_zone": "nowhere", "renewal": "tacit",
            "contacts": [{"email": "x", "rung": 9}]
        }))
        .unwrap_err();
        let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "contacts[0].email",
                "contacts[0].name",
                "contacts[0].rung",
                "name",
                "renewal",
                "time_zone"
            ]
        );
    }

    #[test]
    fn one_address_stands_on_a_rung_once() {
        let mut value = good();
        value["contacts"][1] = json!({"name": "Again", "email": "DESK@vendor.example", "rung": 1});
        let faults = VendorInput::read(&value).unwrap_err();
        assert_eq!(faults[0].field, "contacts[1].email");
    }
}
