//! Calendars as people enter and edit them: a name, and revisions of its hours.

use std::collections::HashMap;

use chrono::{Days, NaiveDate};
use serde::Serialize;
use serde_json::Value;
use validator::Validate;

use super::CalendarId;
use super::calendar::{DayName, Exception, Hours, KeptOffsets, Layer, Week, Window};
use super::input::{Faults, FieldError};
use super::reading::Object;
use super::zone::Zone;
use crate::schema::calendars;
use crate::time::Moment;

/// A calendar, whatever its revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = calendars)]
pub struct CalendarHead {
    /// Key.
    pub id: CalendarId,
    /// What people call it; no two calendars share one.
    pub name: String,
    /// Number of its last revision.
    pub revision: i64,
    /// When it was entered.
    pub created_at: Moment,
}

/// One revision of a calendar's hours; never edited.
///
/// For each local date the revision with the highest number counts whose `from_date` is that date or
/// earlier; one without a `from_date` counts from ever. An ordinary edit begins on the day on which
/// it is made, a correction of the past has no `from_date` and so replaces all before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Revision {
    /// Its number, from 1.
    pub revision: i64,
    /// The first local date it counts for; none: from ever.
    pub from_date: Option<NaiveDate>,
    /// When it was made.
    pub made_at: Moment,
    /// What it is called where nobody made it, such as "zone data 2026b".
    pub name: Option<String>,
    /// Version of the zone data that its wall clocks are read by; none: that of this build.
    pub zone_data: Option<String>,
    /// Its hours.
    #[serde(skip)]
    pub hours: Hours,
}

/// What these revisions, in order of number, say for each date: the last layer that has begun.
pub fn layers(
    revisions: impl IntoIterator<Item = (Layer, Option<KeptOffsets>)>,
) -> Vec<(Layer, Option<KeptOffsets>)> {
    let mut layers: Vec<(Layer, Option<KeptOffsets>)> = Vec::new();
    for (layer, kept) in revisions {
        // A later revision counts for all dates of an earlier one that does not begin before it.
        while layers
            .last()
            .is_some_and(|(earlier, _)| earlier.from >= layer.from)
        {
            layers.pop();
        }
        layers.push((layer, kept));
    }
    layers
}

/// How long before its end a holiday list is said to end.
const SAID_BEFORE: Days = Days::new(60);

/// The last day that the holiday list speaks for, once that is at most 60 days away or past: later
/// deadlines are provisional until the list goes on.
pub fn list_ends(hours: &Hours, today: NaiveDate) -> Option<NaiveDate> {
    let soon = today.checked_add_days(SAID_BEFORE)?;
    hours.reaches().filter(|last| *last <= soon)
}

/// A calendar as somebody enters or edits it, checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Validate)]
pub struct CalendarInput {
    /// What people call it.
    #[validate(length(max = 200, message = "the name is longer than 200 characters"))]
    pub name: String,
    /// Its hours.
    pub hours: Hours,
    /// Whether an edit corrects the past too.
    pub correction: bool,
}

const FIELDS: &[&str] = &["name", "time_zone", "week", "exceptions"];
const EDIT_FIELDS: &[&str] = &["name", "time_zone", "week", "exceptions", "correction"];

/// More exceptions than a century of holidays.
const MOST_EXCEPTIONS: usize = 5000;
/// More windows a day than anybody keeps.
const MOST_WINDOWS: usize = 48;

impl CalendarInput {
    /// Reads and checks a new calendar.
    ///
    /// # Errors
    /// Every fault at its field. That the name is free is for the store to say.
    pub fn read(value: &Value) -> Result<Self, Vec<FieldError>> {
        Self::read_fields(value, FIELDS)
    }

    /// Reads and checks an edited calendar, which may say that it corrects the past.
    ///
    /// # Errors
    /// As [`CalendarInput::read`].
    pub fn read_edit(value: &Value) -> Result<Self, Vec<FieldError>> {
        Self::read_fields(value, EDIT_FIELDS)
    }

    fn read_fields(value: &Value, known: &[&str]) -> Result<Self, Vec<FieldError>> {
        let mut faults = Faults::none();
        let Some(object) = Object::open(value, "", known, &mut faults) else {
            return Err(faults.into_vec());
        };
        let name = object.text("name", &mut faults).unwrap_or_default();
        let zone = object
            .parsed::<Zone>("time_zone", &mut faults)
            .unwrap_or(Zone::UTC);
        let week = week(&object, &mut faults);
        let exceptions = exceptions(&object, &mut faults);
        let input = Self {
            name,
            hours: Hours {
                time_zone: zone.0,
                week,
                exceptions,
            },
            correction: object.yes("correction", &mut faults),
        };
        faults.check("", &input);
        faults.or(input)
    }
}

fn week(object: &Object<'_>, faults: &mut Faults) -> Week {
    let mut week = Week::default();
    let days: Vec<&str> = DayName::ALL.iter().map(|day| day.as_str()).collect();
    let Some(value) = object.need("week", faults) else {
        return week;
    };
    if let Some(by_day) = Object::open(value, object.at("week"), &days, faults) {
        for &day in DayName::ALL {
            week.0[day as usize] = windows(&by_day, day.as_str(), faults);
        }
    }
    week
}

fn windows(object: &Object<'_>, field: &str, faults: &mut Faults) -> Vec<Window> {
    let mut windows = Vec::new();
    let list = object.list(field, faults);
    faults.require(
        list.len() <= MOST_WINDOWS,
        object.at(field),
        format!("a day has at most {MOST_WINDOWS} windows"),
    );
    for (path, item) in list.into_iter().take(MOST_WINDOWS) {
        let pair = item.as_array().map(Vec::as_slice);
        match pair {
            Some([Value::String(open), Value::String(close)]) => {
                windows.extend(faults.take(&path, Window::parse(open, close)));
            }
            _ => faults.add(
                path,
                "a window is two times of day, such as [\"09:00\", \"17:00\"]",
            ),
        }
    }
    windows
}

fn exceptions(object: &Object<'_>, faults: &mut Faults) -> Vec<Exception> {
    let list = object.list("exceptions", faults);
    faults.require(
        list.len() <= MOST_EXCEPTIONS,
        object.at("exceptions"),
        format!("a calendar has at most {MOST_EXCEPTIONS} exceptions"),
    );
    let mut first_at: HashMap<NaiveDate, usize> = HashMap::new();
    let mut exceptions = Vec::new();
    for (index, (path, item)) in list.into_iter().take(MOST_EXCEPTIONS).enumerate() {
        let Some(row) = Object::open(item, path, &["date", "name", "windows"], faults) else {
            continue;
        };
        let date = row.date("date", faults);
        let name = row.optional_text("name", faults).unwrap_or_default();
        faults.require(
            name.chars().count() <= 200,
            row.at("name"),
            "the name is longer than 200 characters",
        );
        let windows = windows(&row, "windows", faults);
        let Some(date) = date else { continue };
        if let Some(first) = first_at.insert(date, index) {
            faults.add(
                row.at("date"),
                format!(
                    "{date} stands in row {} already; a date has one exception",
                    first + 1
                ),
            );
        }
        exceptions.push(Exception {
            date,
            name,
            windows,
        });
    }
    exceptions.sort_by_key(|exception| exception.date);
    exceptions
}

/// A holiday that was found in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Holiday {
    /// The local date.
    pub date: NaiveDate,
    /// What it is called.
    pub name: String,
}

/// What became of the holidays of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Dates that are closed now.
    pub added: Vec<Holiday>,
    /// Dates that had an exception already, which stays.
    pub skipped: Vec<Holiday>,
    /// A sentence for each event of the file that is no holiday.
    pub remarks: Vec<String>,
}

/// Hours with these holidays added, each closed all day; a date that has an exception keeps it.
pub fn with_holidays(mut hours: Hours, found: Vec<Holiday>) -> (Hours, Imported) {
    let mut imported = Imported::default();
    for holiday in found {
        if hours.exception_on(holiday.date).is_some() {
            imported.skipped.push(holiday);
        } else {
            hours.exceptions.push(Exception {
                date: holiday.date,
                name: holiday.name.clone(),
                windows: Vec::new(),
            });
            imported.added.push(holiday);
        }
    }
    hours.exceptions.sort_by_key(|exception| exception.date);
    (hours, imported)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn good() -> Value {
        json!({
            "name": "Berlin office", "time_zone": "Europe/Berlin",
            "week": {"mon": [["09:00","12:30"],["13:30","18:00"]], "tue": [["09:00","18:00"]],
                     "fri": [["22:00","06:00"]], "sun": [["00:00", "24:00"]]},
            "exceptions": [{"date": "2026-12-25", "name": "Christmas", "windows": []},
                           {"date": "2026-12-24", "name": "Christmas Eve", "windows": [["09:00","12:00"]]}]
        })
    }

    #[test]
    fn the_published_example_is_read_and_kept_in_the_same_shape() {
        let input = CalendarInput::read(&good()).unwrap();
        assert_eq!(input.hours.week.0[0].len(), 2);
        assert_eq!(input.hours.exceptions[0].name, "Christmas Eve");
        let kept = serde_json::to_string(&input.hours).unwrap();
        assert_eq!(serde_json::from_str::<Hours>(&kept).unwrap(), input.hours);
    }

    #[test]
    fn each_wrong_field_is_named_with_the_way_out() {
        let table: &[(&str, Value, &str, &str)] = &[
            ("/name", json!(null), "name", "missing"),
            ("/time_zone", json!("Berlin"), "time_zone", "Europe/Berlin"),
            ("/week", json!(null), "week", "missing"),
            ("/week", json!({"monday": []}), "week.monday", "mon, tue"),
            ("/week/mon", json!("9 to 5"), "week.mon", "must be a list"),
            (
                "/week/mon/1",
                json!(["13:30", "25:00"]),
                "week.mon[1]",
                "25:00",
            ),
            (
                "/week/mon/1",
                json!(["13:30"]),
                "week.mon[1]",
                "two times of day",
            ),
            (
                "/week/mon/1",
                json!(["09:00", "09:00"]),
                "week.mon[1]",
                "00:00 to 24:00",
            ),
            (
                "/exceptions/1/date",
                json!("2026-12-25"),
                "exceptions[1].date",
                "row 1",
            ),
            (
                "/exceptions/1/date",
                json!("24 Dec"),
                "exceptions[1].date",
                "2026-11-23",
            ),
            (
                "/exceptions/1/windows/0",
                json!("closed"),
                "exceptions[1].windows[0]",
                "two times",
            ),
        ];
        for (place, wrong, field, way_out) in table {
            let mut value = good();
            *value.pointer_mut(place).unwrap() = wrong.clone();
            let faults = CalendarInput::read(&value).unwrap_err();
            assert_eq!(faults.len(), 1, "{place}: {faults:?}");
            assert_eq!(faults[0].field, *field);
            assert!(
                faults[0].message.contains(way_out),
                "{place}: {}",
                faults[0].message
            );
        }
        let mut value = good();
        value["correction"] = json!(true);
        assert_eq!(
            CalendarInput::read(&value).unwrap_err()[0].field,
            "correction"
        );
        assert!(CalendarInput::read_edit(&value).unwrap().correction);
    }

    #[test]
    fn the_end_of_the_holiday_list_is_said_sixty_days_before() {
        let hours = CalendarInput::read(&good()).unwrap().hours;
        let said = |today: &str| list_ends(&hours, today.parse().unwrap());
        let last = "2026-12-31".parse().unwrap();
        assert_eq!(said("2026-10-31"), None);
        assert_eq!(said("2026-11-01"), Some(last));
        assert_eq!(said("2027-06-01"), Some(last));
        let mut none = hours.clone();
        none.exceptions.clear();
        assert_eq!(list_ends(&none, "2027-06-01".parse().unwrap()), None);
    }

    #[test]
    fn holidays_of_a_file_do_not_replace_what_was_entered_by_hand() {
        let hours = CalendarInput::read(&good()).unwrap().hours;
        let holiday = |date: &str| Holiday {
            date: date.parse().unwrap(),
            name: "From the file".into(),
        };
        let found = vec![holiday("2027-01-01"), holiday("2026-12-24")];
        let (hours, imported) = with_holidays(hours, found);
        assert_eq!(imported.added, [holiday("2027-01-01")]);
        assert_eq!(imported.skipped, [holiday("2026-12-24")]);
        let names: Vec<_> = hours.exceptions.iter().map(|e| e.name.as_str()).collect();
        assert_eq!(names, ["Christmas Eve", "Christmas", "From the file"]);
    }

    #[test]
    fn the_last_revision_that_has_begun_counts_and_a_correction_counts_from_ever() {
        let hours = |open: &str| {
            let mut value = good();
            value["week"] = json!({"mon": [[open, "18:00"]]});
            CalendarInput::read(&value).unwrap().hours
        };
        let date = |text: &str| Some(text.parse::<NaiveDate>().unwrap());
        let opens = |revisions: Vec<(Option<NaiveDate>, Hours)>| -> Vec<String> {
            let one = |(from, hours)| (Layer { from, hours }, None);
            layers(revisions.into_iter().map(one))
                .iter()
                .map(|(layer, _)| layer.hours.week.0[0][0].opens())
                .collect()
        };
        let first = (None, hours("09:00"));
        let edit = (date("2026-11-02"), hours("10:00"));
        let same_day = (date("2026-11-02"), hours("11:00"));
        let correction = (None, hours("08:00"));
        let later = (date("2026-12-01"), hours("12:00"));
        assert_eq!(opens(vec![first.clone(), edit.clone()]), ["09:00", "10:00"]);
        assert_eq!(
            opens(vec![first.clone(), edit.clone(), same_day.clone()]),
            ["09:00", "11:00"]
        );
        assert_eq!(
            opens(vec![first, edit, same_day, correction, later]),
            ["08:00", "12:00"]
        );
    }
}
