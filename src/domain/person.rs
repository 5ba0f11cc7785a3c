//! One of us.

use serde::Serialize;
use serde_json::Value;
use validator::Validate;

use super::PersonId;
use super::input::{Faults, FieldError};
use super::locale::Locale;
use super::reading::Object;
use super::zone::Zone;
use crate::schema::people;
use crate::time::Moment;

text_enum! {
    /// What a person may do; the access rule of each route names the roles it lets in.
    Role {
        /// Enters vendors, calendars, contracts and terms.
        Procurement = "procurement",
        /// Raises incidents and records what happens.
        Engineer = "engineer",
        /// Reviews breaches and reports.
        Manager = "manager",
        /// Everything, and the people themselves.
        Administrator = "administrator",
    }
}

/// One of us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = people)]
pub struct Person {
    /// Key.
    pub id: PersonId,
    /// Where letters go, and how one signs in; in lower case, and nobody else's.
    pub email: String,
    /// What others call this person.
    pub name: String,
    /// What this person may do.
    pub role: Role,
    /// The zone in which moments are shown.
    pub time_zone: Zone,
    /// The language of letters.
    pub locale: Locale,
    /// Hash of the password; none: cannot sign in with one.
    #[serde(skip)]
    pub password_hash: Option<String>,
    /// Whether this person may use the service.
    pub active: bool,
    /// When this person was added.
    pub created_at: Moment,
    /// Grows with each change.
    pub version: i64,
}

/// A person as somebody adds or edits one, checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Validate)]
pub struct PersonInput {
    /// Where letters go.
    #[validate(
        email(message = "this is not an e-mail address; write it like ann@example.com"),
        length(max = 254, message = "an e-mail address has at most 254 characters")
    )]
    pub email: String,
    /// What others call this person.
    #[validate(length(max = 200, message = "the name is longer than 200 characters"))]
    pub name: String,
    /// What this person may do.
    pub role: Role,
    /// The zone in which moments are shown.
    pub time_zone: Zone,
    /// The language of letters.
    pub locale: Locale,
    /// Whether this person may use the service.
    pub active: bool,
    /// A new password; none: as before, or none yet.
    #[serde(skip)]
    pub password: Option<Password>,
}

/// What a person may change of oneself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Validate)]
pub struct OwnSettings {
    /// What others call this person.
    #[validate(length(max = 200, message = "the name is longer than 200 characters"))]
    pub name: String,
    /// The zone in which moments are shown.
    pub time_zone: Zone,
    /// The language of letters.
    pub locale: Locale,
}

/// A password that is long enough.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

/// Shortest password, in characters.
pub const PASSWORD_MIN: usize = 12;
/// Longest password, in bytes: hashing must not become a way to keep the service busy.
const PASSWORD_MAX: usize = 1000;

impl Password {
    /// The password itself, for the hash.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl std::str::FromStr for Password {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.chars().count() < PASSWORD_MIN {
            Err(format!(
                "a password has at least {PASSWORD_MIN} characters; a few words in a row are easy to remember"
            ))
        } else if text.len() > PASSWORD_MAX {
            Err(format!("a password has at most {PASSWORD_MAX} bytes"))
        } else {
            Ok(Self(text.to_string()))
        }
    }
}

const PERSON_FIELDS: &[&str] = &[
    "email",
    "name",
    "role",
    "time_zone",
    "locale",
    "active",
    "password",
];
const OWN_FIELDS: &[&str] = &["name", "time_zone", "locale"];

impl PersonInput {
    /// Reads and checks a person; zone and language may be left out, and `active` counts as yes then.
    ///
    /// # Errors
    /// Every fault at its field. Whether the address is free is for the store to say.
    pub fn read(value: &Value) -> Result<Self, Vec<FieldError>> {
        let mut faults = Faults::none();
        let Some(object) = Object::open(value, "", PERSON_FIELDS, &mut faults) else {
            return Err(faults.into_vec());
        };
        let input = Self {
            email: object
                .text("email", &mut faults)
                .unwrap_or_default()
                .to_lowercase(),
            name: object.text("name", &mut faults).unwrap_or_default(),
            // Stands in for what could not be read; the faults keep it from being used.
            role: object.parsed("role", &mut faults).unwrap_or(Role::Engineer),
            time_zone: object
                .optional("time_zone", &mut faults)
                .unwrap_or(Zone::UTC),
            locale: object.optional("locale", &mut faults).unwrap_or(Locale::En),
            active: object.get("active").is_none() || object.yes("active", &mut faults),
            password: password(&object, &mut faults),
        };
        faults.check("", &input);
        faults.or(input)
    }
}

impl OwnSettings {
    /// Reads and checks what a person may change of oneself.
    ///
    /// # Errors
    /// Every fault at its field.
    pub fn read(value: &Value) -> Result<Self, Vec<FieldError>> {
        let mut faults = Faults::none();
        let Some(object) = Object::open(value, "", OWN_FIELDS, &mut faults) else {
            return Err(faults.into_vec());
        };
        let settings = Self {
            name: object.text("name", &mut faults).unwrap_or_default(),
            time_zone: object.parsed("time_zone", &mut faults).unwrap_or(Zone::UTC),
            locale: object.parsed("locale", &mut faults).unwrap_or(Locale::En),
        };
        faults.check("", &settings);
        faults.or(settings)
    }
}

/// White space round a password belongs to it.
fn password(object: &Object<'_>, faults: &mut Faults) -> Option<Password> {
    let text = object.get("password")?.as_str().unwrap_or_default();
    if text.is_empty() {
        return None;
    }
    faults.take("password", text.parse::<Password>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_wrong_field_is_named() {
        let faults = PersonInput::read(&json!({
            "email": "ann", "role": "boss", "time_zone": "Berlin", "locale": "de", "password": "short"
        }))
        .unwrap_err();
        let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(
            fields,
            ["email", "locale", "name", "password", "role", "time_zone"]
        );
    }

    #[test]
    fn an_address_is_kept_in_lower_case_and_a_password_never_shows() {
        let ann = PersonInput::read(&json!({
            "email": " Ann@Example.com ", "name": "Ann", "role": "engineer", "password": "four words in a row"
        }))
        .unwrap();
        assert_eq!(ann.email, "ann@example.com");
        assert!(ann.active);
        assert!(!format!("{ann:?}").contains("four words"));
        assert!(!json!(ann).to_string().contains("four words"));
    }
}
