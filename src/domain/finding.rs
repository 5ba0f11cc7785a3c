//! What will not work when it is needed, found before it is.

use chrono::NaiveDate;
use serde::Serialize;

use super::calendar::Calendar;
use super::calendar_entry::{CalendarHead, list_ends};
use super::contract::Contract;
use super::ladder::Step;
use super::ladder_warning::LadderWarning;
use super::refused_address::RefusedAddress;
use super::terms::{Commitment, Promise};
use super::vendor::Contact;
use super::words::Metric;
use crate::time::{DAY, Moment};

text_enum! {
    /// How grave a finding is.
    Gravity {
        /// It will not work.
        Error = "error",
        /// It will work worse than it might.
        Warning = "warning",
    }
}

text_enum! {
    /// What a finding is about.
    Subject {
        /// The settings of the service.
        Settings = "settings",
        /// The templates of letters.
        Template = "template",
        /// The database as a whole.
        Database = "database",
        /// The people of ours.
        People = "people",
        /// A calendar.
        Calendar = "calendar",
        /// A contract.
        Contract = "contract",
        /// The ladder of a contract.
        Ladder = "ladder",
        /// An address that letters go to.
        Address = "address",
    }
}

/// One thing that will not work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How grave it is.
    pub gravity: Gravity,
    /// What it is about.
    pub subject: Subject,
    /// Where it is: `contract NW-2026, step 2`.
    pub place: String,
    /// What is wrong.
    pub message: String,
    /// The way out.
    pub remedy: String,
    /// Path of the page that leads to where it can be mended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
}

impl Finding {
    /// A finding without a page.
    pub fn new(
        gravity: Gravity,
        subject: Subject,
        place: impl Into<String>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            gravity,
            subject,
            place: place.into(),
            message: message.into(),
            remedy: remedy.into(),
            page: None,
        }
    }

    /// Whether it will not work at all.
    pub fn is_error(&self) -> bool {
        self.gravity == Gravity::Error
    }

    /// As one sentence.
    pub fn sentence(&self) -> String {
        format!("{}: {}; {}.", self.place, self.message, self.remedy)
    }

    /// The same with the page that leads to where it can be mended.
    #[must_use]
    pub fn on(self, page: impl Into<String>) -> Self {
        Self {
            page: Some(page.into()),
            ..self
        }
    }
}

/// A year is long enough to tell a calendar that never opens from one with long holidays.
const A_YEAR: i64 = 366;

/// What is wrong with a calendar: it has no open time in the next year, or its holiday list ends within 60
/// days or has ended.
pub fn of_calendar(head: &CalendarHead, calendar: &Calendar, now: Moment) -> Vec<Finding> {
    let place = format!("calendar {}", head.name);
    let page = format!("/calendars/{}", head.id);
    let opens = calendar.next_opening(now);
    if opens.map_or(true, |opens| opens - now > A_YEAR * DAY) {
        let finding = Finding::new(
            Gravity::Error,
            Subject::Calendar,
            place,
            "it has no open time in the next year, so nothing that counts in it ever falls due",
            "give it weekly hours",
        );
        return vec![finding.on(page)];
    }
    let today = now.date_in(calendar.zone());
    let Some(last) = calendar
        .hours_on(today)
        .and_then(|hours| list_ends(hours, today))
    else {
        return Vec::new();
    };
    let ends = if last < today { "ended" } else { "ends" };
    let finding = Finding::new(
        Gravity::Warning,
        Subject::Calendar,
        place,
        format!("its holiday list {ends} on {last}; later deadlines are provisional"),
        "enter or import the holidays of the next year",
    );
    vec![finding.on(page)]
}

/// A contract in force with what is needed to judge it.
pub struct InForce<'a> {
    /// The contract.
    pub contract: &'a Contract,
    /// What it promises now; none: no terms are in force.
    pub promise: Option<&'a Promise>,
    /// The vendor's contacts.
    pub contacts: &'a [Contact],
}

/// What is wrong with a contract in force, apart from the single steps of its ladder.
pub fn of_contract(of: &InForce<'_>) -> Vec<Finding> {
    let place = format!("contract {}", of.contract.reference);
    let page = format!("/contracts/{}", of.contract.id);
    let vendor = format!("/vendors/{}", of.contract.vendor_id);
    let mut found = Vec::new();
    let Some(promise) = of.promise else {
        let finding = Finding::new(
            Gravity::Error,
            Subject::Contract,
            place,
            "no terms of it are in force, so no incident can be raised under it",
            "enter terms, or the last day of the contract",
        );
        return vec![finding.on(page)];
    };
    if of.contacts.iter().all(|contact| contact.rung != 1) {
        found.push(
            Finding::new(
                Gravity::Error,
                Subject::Contract,
                &place,
                "the vendor has no contact on rung 1 (service desk), so nobody there is told of an incident",
                "enter a contact on rung 1",
            )
            .on(&vendor),
        );
    }
    if promise.ladder.is_empty() {
        found.push(
            Finding::new(
                Gravity::Warning,
                Subject::Ladder,
                &place,
                "its ladder has no step: nobody is told before or after a deadline",
                "enter terms with a ladder",
            )
            .on(&page),
        );
    } else {
        found.extend(uncovered(promise).map(|commitment| {
            let (metric, severity) = (commitment.metric, &commitment.severity);
            Finding::new(
                Gravity::Warning,
                Subject::Ladder,
                &place,
                format!("no step of its ladder is for {metric} {severity}: nobody is told before or after that deadline"),
                "enter terms with a step for it",
            )
            .on(&page)
        }));
    }
    found
}

/// What is wrong with the steps of a contract's ladder.
pub fn of_ladder(contract: &Contract, warnings: &[LadderWarning]) -> Vec<Finding> {
    let finding = |warning: &LadderWarning| {
        let (gravity, remedy) = if warning.is_lost() {
            (Gravity::Error, "name somebody who can be told")
        } else {
            (
                Gravity::Warning,
                "enter who is missing, or terms with another step",
            )
        };
        let place = format!("contract {}, step {}", contract.reference, warning.step);
        Finding::new(gravity, Subject::Ladder, place, &warning.message, remedy)
            .on(format!("/contracts/{}", contract.id))
    };
    warnings.iter().map(finding).collect()
}

/// The commitments that no step is for. Lost data is an amount, not a deadline.
fn uncovered(promise: &Promise) -> impl Iterator<Item = &Commitment> {
    let steps: &[Step] = &promise.ladder;
    promise
        .commitments
        .iter()
        .map(AsRef::as_ref)
        .filter(|commitment| commitment.metric != Metric::DataLoss)
        .filter(|commitment| {
            !steps
                .iter()
                .any(|step| step.applies_to(commitment.metric, &commitment.severity))
        })
}

/// What is wrong with an address that a mail server refuses.
pub fn of_refused(mark: &RefusedAddress, page: &str) -> Finding {
    let day: NaiveDate = mark.refused_at.utc().date_naive();
    Finding::new(
        Gravity::Warning,
        Subject::Address,
        &mark.email,
        format!("mail to it was refused on {day} ({})", mark.answer),
        "ask for the right address and enter it",
    )
    .on(page)
}

#[cfg(test)]
mod tests;
