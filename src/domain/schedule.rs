//! Reports that are mailed regularly: when, about whom, to whom.

mod cron;

pub use cron::Cron;

use serde::Serialize;
use serde_json::Value;
use validator::{Validate, ValidateEmail};

use super::input::{Faults, FieldError};
use super::period::Period;
use super::reading::Object;
use super::zone::Zone;
use super::{ScheduleId, VendorId};
use crate::schema::schedules;
use crate::time::Moment;

/// A report that is mailed regularly. Each run reports the whole month before the run's local date.
#[derive(Clone, Debug, Serialize, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = schedules)]
pub struct Schedule {
    /// Key.
    pub id: ScheduleId,
    /// What the letters are called.
    pub name: String,
    /// Whom it is about; none: all vendors.
    pub vendor_id: Option<VendorId>,
    /// When it runs.
    pub cron: Cron,
    /// The zone that this is meant in.
    pub time_zone: Zone,
    /// Mail addresses of those who get it.
    pub recipients: Recipients,
    /// Whether it runs at all.
    pub active: bool,
    /// When it was entered; nothing is made up for from before.
    pub created_at: Moment,
    /// Grows with each change.
    pub version: i64,
}

/// The next run that has to be made, which may stand for several that were missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The moment it was for: the first of those it stands for.
    pub at: Moment,
    /// What it reports.
    pub period: Period,
    /// Everything up to this moment is done with it.
    pub covers: Moment,
}

impl Schedule {
    /// The name of its routine.
    pub fn routine(&self) -> String {
        format!("report:{}", self.id)
    }

    /// The first moment after `done` at which it runs; none while it is not active.
    pub fn next_after(&self, done: Moment) -> Option<Moment> {
        if !self.active {
            return None;
        }
        self.cron.next_after(done, self.time_zone.0)
    }

    /// The run that is due at `now` when everything up to `done` was made. Runs that were missed and
    /// would report the same month are one.
    pub fn due(&self, done: Moment, now: Moment) -> Option<Run> {
        let at = self.next_after(done).filter(|at| *at <= now)?;
        let zone = self.time_zone.0;
        let today = at.date_in(zone);
        let (_, month_ends) = Period::month_of(today).bounds(zone);
        Some(Run {
            at,
            period: Period::month_before(today),
            covers: now.min(month_ends - 1).max(at),
        })
    }
}

/// Mail addresses, kept as a JSON list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, diesel::deserialize::FromSqlRow)]
#[serde(transparent)]
pub struct Recipients(pub Vec<String>);

from_text_column!(Recipients, |text| serde_json::from_str(&text)
    .map(Recipients));

/// A schedule as somebody enters or edits it, checked.
#[derive(Clone, Debug, Serialize, Validate)]
pub struct ScheduleInput {
    /// What the letters are called.
    #[validate(length(max = 200, message = "the name is longer than 200 characters"))]
    pub name: String,
    /// Whom it is about; none: all vendors.
    pub vendor_id: Option<VendorId>,
    /// When it runs.
    pub cron: Cron,
    /// The zone that this is meant in.
    pub time_zone: Zone,
    /// Mail addresses of those who get it, each once.
    pub recipients: Vec<String>,
    /// Whether it runs at all.
    pub active: bool,
}

/// Most addresses of a schedule.
const MOST_RECIPIENTS: usize = 50;

const FIELDS: &[&str] = &[
    "name",
    "vendor_id",
    "cron",
    "time_zone",
    "recipients",
    "active",
];

impl ScheduleInput {
    /// Reads and checks a schedule; `active` counts as yes when it is left out.
    ///
    /// # Errors
    /// Every fault at its field. That the vendor exists is for the store to say.
    pub fn read(value: &Value) -> Result<Self, Vec<FieldError>> {
        let mut faults = Faults::none();
        let Some(object) = Object::open(value, "", FIELDS, &mut faults) else {
            return Err(faults.into_vec());
        };
        let name = object.text("name", &mut faults);
        let vendor_id = object
            .optional_number("vendor_id", &mut faults)
            .map(VendorId);
        let cron = object.parsed("cron", &mut faults);
        let time_zone = object.parsed("time_zone", &mut faults);
        let recipients = read_recipients(&object, &mut faults);
        let active = object.get("active").is_none() || object.yes("active", &mut faults);
        let (Some(name), Some(cron), Some(time_zone)) = (name, cron, time_zone) else {
            return Err(faults.into_vec());
        };
        let input = Self {
            name,
            vendor_id,
            cron,
            time_zone,
            recipients,
            active,
        };
        faults.check("", &input);
        faults.or(input)
    }
}

fn read_recipients(object: &Object<'_>, faults: &mut Faults) -> Vec<String> {
    let mut recipients: Vec<String> = Vec::new();
    let listed = object.list("recipients", faults);
    if !faults.at(&object.at("recipients")) && !(1..=MOST_RECIPIENTS).contains(&listed.len()) {
        faults.add(
            object.at("recipients"),
            format!("a schedule has 1 to {MOST_RECIPIENTS} recipients"),
        );
    }
    for (path, item) in listed {
        let address = item.as_str().unwrap_or_default().trim();
        if address.len() > 254 || !address.validate_email() {
            faults.add(
                path,
                format!("\"{address}\" is not an e-mail address; write it like ann@example.com"),
            );
        } else if !recipients
            .iter()
            .any(|known| known.eq_ignore_ascii_case(address))
        {
            recipients.push(address.to_string());
        }
    }
    recipients
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn good() -> Value {
        json!({"name": "Monthly", "vendor_id": null, "cron": "0 8 1 * *", "time_zone": "Europe/Berlin",
            "recipients": ["ann@example.com", "ANN@example.com", " max@example.com "]})
    }

    fn schedule(cron: &str) -> Schedule {
        Schedule {
            id: ScheduleId(7),
            name: "Monthly".into(),
            vendor_id: None,
            cron: cron.parse().unwrap(),
            time_zone: "Europe/Berlin".parse().unwrap(),
            recipients: Recipients(vec!["ann@example.com".into()]),
            active: true,
            created_at: Moment::default(),
            version: 1,
        }
    }

    fn at(text: &str) -> Moment {
        Moment::parse(text).unwrap()
    }

    #[test]
    fn each_address_counts_once_and_a_new_schedule_runs() {
        let input = ScheduleInput::read(&good()).unwrap();
        assert_eq!(input.recipients, ["ann@example.com", "max@example.com"]);
        assert!(input.active);
    }

    #[test]
    fn each_wrong_field_is_named_with_the_way_out() {
        let table = [
            ("name", json!(""), "name", "missing"),
            ("vendor_id", json!("V-1"), "vendor_id", "whole number"),
            ("cron", json!("every month"), "cron", "0 8 1 * *"),
            ("time_zone", json!("CET+1"), "time_zone", "Europe/Berlin"),
            ("recipients", json!([]), "recipients", "1 to 50"),
            (
                "recipients",
                json!(["ann"]),
                "recipients[0]",
                "ann@example.com",
            ),
            ("recipients", json!([7]), "recipients[0]", "ann@example.com"),
            ("active", json!("yes"), "active", "true or false"),
            ("format", json!("pdf"), "format", "not known here"),
        ];
        for (name, wrong, field, way_out) in table {
            let mut value = good();
            value[name] = wrong;
            let faults = ScheduleInput::read(&value).unwrap_err();
            assert_eq!(faults[0].field, field, "{faults:?}");
            assert!(faults[0].message.contains(way_out), "{faults:?}");
        }
    }

    #[test]
    fn a_run_reports_the_month_before_its_local_date() {
        // 00:30 of 1 November in Berlin is still October in UTC.
        let run = schedule("30 0 1 * *")
            .due(at("2026-10-15T00:00:00Z"), at("2026-10-31T23:30:00Z"))
            .unwrap();
        assert_eq!(run.at, at("2026-10-31T23:30:00Z"));
        assert_eq!(run.period.to_string(), "2026-10");
        assert_eq!(run.covers, run.at);
    }

    #[test]
    fn missed_runs_of_one_month_are_one_and_each_month_has_its_own() {
        let daily = schedule("0 8 * * *");
        let now = at("2026-11-23T12:00:00Z");
        let mut done = at("2026-09-10T06:00:00Z");
        let mut runs = Vec::new();
        while let Some(run) = daily.due(done, now) {
            assert!(run.covers > done);
            done = run.covers;
            runs.push((run.at.to_string(), run.period.to_string()));
        }
        let expected = [
            ("2026-09-11T06:00:00Z", "2026-08"),
            ("2026-10-01T06:00:00Z", "2026-09"),
            ("2026-11-01T07:00:00Z", "2026-10"),
        ];
        assert_eq!(
            runs,
            expected.map(|(at, month)| (at.to_string(), month.to_string()))
        );
        assert_eq!(done, now);
    }

    #[test]
    fn nothing_is_due_before_its_moment_or_while_it_is_off() {
        let mut monthly = schedule("0 8 1 * *");
        let (done, now) = (
            at("2026-11-01T07:00:00Z"),
            at("2026-12-01T06:59:59.999999Z"),
        );
        assert_eq!(monthly.due(done, now), None);
        assert!(monthly.due(done, now + 1).is_some());
        monthly.active = false;
        assert_eq!(monthly.due(done, now + 1), None);
    }
}
