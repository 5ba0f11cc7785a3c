//! Teams: named lists of our people that ladders tell.

use serde::Serialize;
use serde_json::Value;

use super::TeamId;
use super::input::{Faults, FieldError};
use super::reading::Object;
use crate::schema::teams;
use crate::time::Moment;

ladder_name! {
    /// What a ladder calls a team; never changed.
    TeamName = "team"
}

/// The most members of a team.
const MOST: usize = 200;

/// A team. Its members are kept beside it, in the order they are listed.
#[derive(Clone, Debug, PartialEq, Eq, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = teams)]
pub struct Team {
    /// Key.
    pub id: TeamId,
    /// What ladders call it.
    pub name: TeamName,
    /// Whether it is told anything; a retired one is not.
    pub active: bool,
    /// When it was entered.
    pub created_at: Moment,
    /// Grows with each change.
    pub version: i64,
}

/// A team as somebody enters or edits one, checked. That its members are people of ours is for the store
/// to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TeamInput {
    /// What ladders call it.
    pub name: TeamName,
    /// The mail addresses of its members, in small letters.
    pub members: Vec<String>,
    /// Whether it is told anything.
    pub active: bool,
}

const FIELDS: &[&str] = &["name", "members", "active"];

impl TeamInput {
    /// Reads and checks a new team; `active` counts as yes when it is left out.
    ///
    /// # Errors
    /// Every fault at its field.
    pub fn read(value: &Value) -> Result<Self, Vec<FieldError>> {
        Self::of(value, None)
    }

    /// Reads and checks an edit of a team. A name or `active` that is left out stays as it is, and the
    /// name cannot be changed.
    ///
    /// # Errors
    /// Every fault at its field.
    pub fn read_edit(value: &Value, before: &Team) -> Result<Self, Vec<FieldError>> {
        Self::of(value, Some(before))
    }

    fn of(value: &Value, before: Option<&Team>) -> Result<Self, Vec<FieldError>> {
        let mut faults = Faults::none();
        let Some(object) = Object::open(value, "", FIELDS, &mut faults) else {
            return Err(faults.into_vec());
        };
        let name = match (object.get("name"), before) {
            (None, Some(before)) => Some(before.name.clone()),
            _ => object.parsed::<TeamName>("name", &mut faults),
        };
        if let (Some(name), Some(before)) = (&name, before) {
            faults.require(
                *name == before.name,
                "name",
                "a team keeps its name, by which ladders call it; enter another one instead",
            );
        }
        let mut members: Vec<String> = Vec::new();
        let listed = object.list("members", &mut faults);
        faults.require(
            !listed.is_empty() || faults.at("members"),
            "members",
            "a team has at least one member, named by mail address",
        );
        faults.require(
            listed.len() <= MOST,
            "members",
            format!("a team has at most {MOST} members"),
        );
        for (path, item) in listed {
            let Some(email) = item.as_str().map(|text| text.trim().to_lowercase()) else {
                faults.add(
                    path,
                    "a member is named by mail address, such as ann@example.com",
                );
                continue;
            };
            if members.contains(&email) {
                faults.add(path, format!("{email} is listed twice"));
            } else {
                members.push(email);
            }
        }
        let active = match (object.get("active"), before) {
            (None, before) => before.is_none_or(|before| before.active),
            (Some(_), _) => object.yes("active", &mut faults),
        };
        match name {
            Some(name) => faults.or(Self {
                name,
                members,
                active,
            }),
            None => Err(faults.into_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_wrong_field_is_named_with_the_way_out() {
        for (value, field, way_out) in [
            (json!({"members": ["ann@example.com"]}), "name", "missing"),
            (
                json!({"name": "Night shift", "members": ["ann@example.com"]}),
                "name",
                "a to z",
            ),
            (json!({"name": "night"}), "members", "at least one"),
            (
                json!({"name": "night", "members": []}),
                "members",
                "at least one",
            ),
            (
                json!({"name": "night", "members": "ann"}),
                "members",
                "list",
            ),
            (
                json!({"name": "night", "members": [7]}),
                "members[0]",
                "mail address",
            ),
            (
                json!({"name": "night", "members": ["ann@example.com", " Ann@Example.com"]}),
                "members[1]",
                "twice",
            ),
        ] {
            let faults = TeamInput::read(&value).unwrap_err();
            assert_eq!(faults.len(), 1, "{value}: {faults:?}");
            assert_eq!(faults[0].field, field, "{value}");
            assert!(faults[0].message.contains(way_out), "{faults:?}");
        }
    }

    #[test]
    fn an_edit_keeps_the_name_and_what_it_leaves_out() {
        let before = Team {
            id: TeamId(1),
            name: "night".parse().unwrap(),
            active: false,
            created_at: Moment::default(),
            version: 1,
        };
        let edit = TeamInput::read_edit(&json!({"members": ["ann@example.com"]}), &before).unwrap();
        assert_eq!((edit.name.as_str(), edit.active), ("night", false));
        let renamed = json!({"name": "day", "members": ["ann@example.com"]});
        let faults = TeamInput::read_edit(&renamed, &before).unwrap_err();
        assert_eq!(faults[0].field, "name");
    }
}
