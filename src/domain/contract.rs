//! What we signed with a vendor.

use chrono::NaiveDate;
use serde::Serialize;
use serde_json::Value;
use validator::Validate;

use super::input::{Faults, FieldError};
use super::reading::Object;
use super::zone::Zone;
use super::{ContractId, VendorId};
use crate::schema::contracts;
use crate::time::Moment;

/// What we signed with a vendor; what it promises stands in its terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = contracts)]
pub struct Contract {
    /// Key.
    pub id: ContractId,
    /// With whom.
    pub vendor_id: VendorId,
    /// What both sides call it; no two contracts share one.
    pub reference: String,
    /// What it is about.
    pub title: String,
    /// The services it covers.
    pub services: String,
    /// Mail address of the one of us who answers for it.
    pub owner: String,
    /// The zone its dates are meant in.
    pub time_zone: Zone,
    /// Its first day.
    pub effective_from: NaiveDate,
    /// Its last day; none: until further notice.
    pub effective_to: Option<NaiveDate>,
    /// When it was entered.
    pub created_at: Moment,
    /// Grows with each change.
    pub version: i64,
}

impl Contract {
    /// Whether a local date of the contract's zone lies within its term; the last day is in it.
    pub fn covers_date(&self, date: NaiveDate) -> bool {
        self.effective_from <= date && self.effective_to.is_none_or(|last| date <= last)
    }

    /// Whether a moment lies within its term.
    pub fn covers(&self, at: Moment) -> bool {
        self.covers_date(at.date_in(self.time_zone.0))
    }
}

/// The head of a contract as somebody enters or edits it, checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Validate)]
pub struct ContractInput {
    /// What both sides call it.
    #[validate(length(max = 100, message = "the reference is longer than 100 characters"))]
    pub reference: String,
    /// What it is about.
    #[validate(length(max = 200, message = "the title is longer than 200 characters"))]
    pub title: String,
    /// The services it covers.
    #[validate(length(
        max = 10_000,
        message = "the services are longer than 10000 characters"
    ))]
    pub services: String,
    /// Mail address of the one of us who answers for it.
    #[validate(
        email(message = "this is not an e-mail address; write it like owner@example.com"),
        length(max = 254, message = "an e-mail address has at most 254 characters")
    )]
    pub owner: String,
    /// The zone its dates are meant in; none: the vendor's.
    pub time_zone: Option<Zone>,
    /// Its first day.
    pub effective_from: NaiveDate,
    /// Its last day; none: until further notice.
    pub effective_to: Option<NaiveDate>,
}

/// A new contract: its head, its vendor, and its first terms still unread.
///
/// The terms are read by [`super::terms_input`], which needs the calendars they name.
#[derive(Clone, Debug)]
pub struct NewContract<'a> {
    /// With whom.
    pub vendor_id: Option<VendorId>,
    /// Its head; stands in for what could not be read where there are faults.
    pub head: ContractInput,
    /// The first terms as they were sent; without any nothing can be raised under the contract yet.
    pub terms: Option<&'a Value>,
}

const HEAD_FIELDS: &[&str] = &[
    "reference",
    "title",
    "services",
    "owner",
    "time_zone",
    "effective_from",
    "effective_to",
];
const NEW_FIELDS: &[&str] = &[
    "vendor_id",
    "reference",
    "title",
    "services",
    "owner",
    "time_zone",
    "effective_from",
    "effective_to",
    "terms",
];

impl ContractInput {
    /// Reads and checks the head of a contract that is edited.
    ///
    /// # Errors
    /// Every fault at its field. That the reference is free and that terms already entered stay
    /// within the term is for the store to say.
    pub fn read(value: &Value) -> Result<Self, Vec<FieldError>> {
        let mut faults = Faults::none();
        let input = Object::open(value, "", HEAD_FIELDS, &mut faults)
            .map(|object| Self::read_fields(&object, &mut faults));
        match input {
            Some(input) => faults.or(input),
            None => Err(faults.into_vec()),
        }
    }

    fn read_fields(object: &Object<'_>, faults: &mut Faults) -> Self {
        let from = object.date("effective_from", faults);
        let input = Self {
            reference: object.text("reference", faults).unwrap_or_default(),
            title: object.text("title", faults).unwrap_or_default(),
            services: object.optional_text("services", faults).unwrap_or_default(),
            owner: object.text("owner", faults).unwrap_or_default(),
            time_zone: object.optional("time_zone", faults),
            effective_from: from.unwrap_or_default(),
            effective_to: object.optional_date("effective_to", faults),
        };
        faults.check("", &input);
        if let (Some(from), Some(to)) = (from, input.effective_to)
            && to <= from
        {
            faults.add(
                object.at("effective_to"),
                format!("a contract that begins on {from} cannot end on {to}; leave the end out if there is none"),
            );
        }
        input
    }
}

impl<'a> NewContract<'a> {
    /// Reads the head and finds the terms; the faults go where the caller collects them.
    pub fn read(value: &'a Value, faults: &mut Faults) -> Option<Self> {
        let object = Object::open(value, "", NEW_FIELDS, faults)?;
        Some(Self {
            vendor_id: object.number("vendor_id", faults).map(VendorId),
            head: ContractInput::read_fields(&object, faults),
            terms: object.get("terms"),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn good() -> Value {
        json!({
            "reference": "NW-2026", "title": "Wide area network", "owner": "owner@example.com",
            "time_zone": "Europe/Berlin", "effective_from": "2026-01-01", "effective_to": null
        })
    }

    #[test]
    fn each_wrong_field_is_named_with_the_way_out() {
        let table: &[(&str, Value, &str, &str)] = &[
            ("reference", json!(""), "reference", "missing"),
            ("title", json!(null), "title", "missing"),
            ("owner", json!("nobody"), "owner", "owner@example.com"),
            ("time_zone", json!("CEST"), "time_zone", "Europe/Berlin"),
            (
                "effective_from",
                json!("01.01.2026"),
                "effective_from",
                "2026-11-23",
            ),
            (
                "effective_to",
                json!("2025-12-31"),
                "effective_to",
                "cannot end on 2025-12-31",
            ),
            (
                "effective_to",
                json!("2026-01-01"),
                "effective_to",
                "cannot end",
            ),
            ("renewal", json!("tacit"), "renewal", "not known here"),
            ("vendor_id", json!(2), "vendor_id", "not known here"),
        ];
        for (name, wrong, field, way_out) in table {
            let mut value = good();
            value[name] = wrong.clone();
            let faults = ContractInput::read(&value).unwrap_err();
            assert_eq!(faults.len(), 1, "{name}: {faults:?}");
            assert_eq!(faults[0].field, *field);
            assert!(
                faults[0].message.contains(way_out),
                "{name}: {}",
                faults[0].message
            );
        }
    }

    #[test]
    fn the_last_day_belongs_to_the_term_in_the_contracts_zone() {
        let contract = Contract {
            id: ContractId(1),
            vendor_id: VendorId(1),
            reference: "NW".into(),
            title: String::new(),
            services: String::new(),
            owner: "o@example.com".into(),
            time_zone: "Asia/Shanghai".parse().unwrap(),
            effective_from: "2026-01-01".parse().unwrap(),
            effective_to: Some("2026-12-31".parse().unwrap()),
            created_at: Moment::default(),
            version: 1,
        };
        let covers = |text| contract.covers(Moment::parse(text).unwrap());
        assert!(!covers("2025-12-31T23:59:59.999999+08:00"));
        assert!(covers("2026-01-01T00:00:00+08:00"));
        assert!(covers("2026-12-31T23:59:59.999999+08:00"));
        assert!(!covers("2027-01-01T00:00:00+08:00"));
    }
}
