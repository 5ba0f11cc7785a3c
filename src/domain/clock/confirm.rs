//! Repairs that wait for our confirmation, where the terms ask for one.

use std::borrow::Cow;

use super::super::calendar::{CalendarError, DayEnd};
use super::super::calendar_book::CalendarBook;
use super::super::terms::Promise;
use super::super::timeline::Fact;
use super::super::words::{EventKind, Metric};
use crate::time::Moment;

/// A repair that we have neither confirmed nor rejected yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Awaited {
    /// When the vendor said it was repaired.
    pub since: Moment,
    /// Our silence up to here is a yes.
    pub until: Moment,
}

/// What became of the repairs of a case.
#[derive(Clone, Debug, Default)]
pub(super) struct Confirmations {
    /// Events that said it was repaired and were rejected: they never happened for what they stopped.
    rejected: Vec<i64>,
    /// Rejections that came when nothing waited for them any more.
    idle: Vec<i64>,
    /// The repair that waits, with the moment at which silence confirms it.
    awaited: Option<Awaited>,
}

impl Confirmations {
    /// Goes through the facts of a case, which begin with its report.
    ///
    /// # Errors
    /// When the calendar has too few business days in its horizon.
    pub(super) fn of(
        promise: &Promise,
        facts: &[&Fact],
        book: &CalendarBook,
    ) -> Result<Self, CalendarError> {
        let mut found = Self::default();
        if promise.confirmation.is_none() {
            return Ok(found);
        }
        let mut severity = "";
        let mut waiting: Vec<i64> = Vec::new();
        for fact in facts {
            if found.awaited.is_some_and(|awaited| awaited.until < fact.at) {
                found.awaited = None;
                waiting.clear();
            }
            severity = fact.severity.as_deref().unwrap_or(severity);
            match fact.kind {
                EventKind::Resolved => {
                    if found.awaited.is_none() {
                        found.awaited = awaited(promise, severity, book, fact.at)?;
                    }
                    waiting.push(fact.seq);
                }
                EventKind::Rejected if found.awaited.is_none() => found.idle.push(fact.seq),
                EventKind::Rejected => {
                    found.awaited = None;
                    found.rejected.append(&mut waiting);
                }
                EventKind::Confirmed | EventKind::Reopened | EventKind::Cancelled => {
                    found.awaited = None;
                    waiting.clear();
                }
                _ => {}
            }
        }
        Ok(found)
    }

    /// The repair that waits at that moment, which lies behind all facts.
    pub(super) fn awaited(&self, at: Moment) -> Option<Awaited> {
        self.awaited.filter(|awaited| at <= awaited.until)
    }

    /// The facts that count for the clock of that metric.
    pub(super) fn counting<'f, 'a>(
        &self,
        metric: Metric,
        facts: &'f [&'a Fact],
    ) -> Cow<'f, [&'a Fact]> {
        if self.rejected.is_empty() && self.idle.is_empty() {
            return Cow::Borrowed(facts);
        }
        // What we rejected goes on to have started `root_cause`, which begins again then.
        let counts = |fact: &&&Fact| {
            !self.idle.contains(&fact.seq)
                && (metric == Metric::RootCause || !self.rejected.contains(&fact.seq))
        };
        Cow::Owned(facts.iter().filter(counts).copied().collect())
    }
}

/// The days for an answer to a repair at that moment; nothing where the terms ask for none.
///
/// # Errors
/// When the calendar has too few business days in its horizon.
pub(super) fn awaited(
    promise: &Promise,
    severity: &str,
    book: &CalendarBook,
    since: Moment,
) -> Result<Option<Awaited>, CalendarError> {
    let (Some(confirmation), Some(calendar)) = (
        promise.confirmation,
        promise.calendar_of_confirmation(severity),
    ) else {
        return Ok(None);
    };
    let calendar = &book.view(calendar, since).calendar;
    let day = calendar.business_days(since, confirmation.business_days, DayEnd::SameTime)?;
    Ok(Some(Awaited {
        since,
        until: day.due,
    }))
}
