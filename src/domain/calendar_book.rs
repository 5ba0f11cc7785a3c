//! Calendars as they were known: which revision counts depends on the moment at which one asks.

use std::collections::HashMap;
use std::sync::Arc;

use super::CalendarId;
use super::calendar::Calendar;
use crate::time::Moment;

/// A calendar compiled from all its revisions up to one of them.
#[derive(Clone, Debug)]
pub struct View {
    /// The last revision that is in it.
    pub revision: i64,
    /// The hours; each local date by the revision that counts for it.
    pub calendar: Arc<Calendar>,
}

/// Some calendars with every view of them, oldest first.
///
/// A clock is judged by what was known: an edit counts from the moment it was made, for the dates it
/// names. The first revision also answers for moments before it was made.
#[derive(Clone, Debug, Default)]
pub struct CalendarBook {
    entries: HashMap<CalendarId, Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    name: String,
    first: View,
    /// Views after the first with the moment at which each was made.
    edits: Vec<(Moment, View)>,
}

impl CalendarBook {
    /// Adds a calendar: its first view, and those after it with the moment each was made, in order.
    pub fn insert(
        &mut self,
        id: CalendarId,
        name: String,
        first: View,
        edits: Vec<(Moment, View)>,
    ) {
        self.entries.insert(id, Entry { name, first, edits });
    }

    /// Adds a further view of a calendar that is in the book.
    pub fn edit(&mut self, id: CalendarId, made_at: Moment, view: View) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.edits.push((made_at, view));
        }
    }

    /// Whether the calendar is in the book.
    pub fn contains(&self, id: CalendarId) -> bool {
        self.entries.contains_key(&id)
    }

    /// The calendar as it was known at that moment: with all revisions made up to then, and with the
    /// first if none was made by then.
    ///
    /// # Panics
    /// When the calendar is not in the book, as an index out of its bounds would.
    pub fn view(&self, id: CalendarId, known: Moment) -> &View {
        let entry = self.entry(id);
        let made = entry
            .edits
            .partition_point(|(made_at, _)| *made_at <= known);
        match made {
            0 => &entry.first,
            made => &entry.edits[made - 1].1,
        }
    }

    /// The calendar with all its revisions.
    ///
    /// # Panics
    /// When the calendar is not in the book, as an index out of its bounds would.
    pub fn latest(&self, id: CalendarId) -> &View {
        self.entry(id).latest()
    }

    /// The calendar with all its revisions, if it is in the book.
    pub fn get(&self, id: CalendarId) -> Option<&View> {
        self.entries.get(&id).map(Entry::latest)
    }

    /// What people call the calendar.
    ///
    /// # Panics
    /// When the calendar is not in the book, as an index out of its bounds would.
    pub fn name(&self, id: CalendarId) -> &str {
        &self.entry(id).name
    }

    /// When the revisions after the first were made, in order.
    ///
    /// # Panics
    /// When the calendar is not in the book, as an index out of its bounds would.
    pub fn edits(&self, id: CalendarId) -> impl Iterator<Item = Moment> {
        self.entry(id).edits.iter().map(|(made_at, _)| *made_at)
    }

    fn entry(&self, id: CalendarId) -> &Entry {
        match self.entries.get(&id) {
            Some(entry) => entry,
            None => panic!("calendar {id} is not in this book of calendars"),
        }
    }
}

impl Entry {
    fn latest(&self) -> &View {
        self.edits.last().map_or(&self.first, |(_, view)| view)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::domain::calendar::{Hours, Layer};
    use crate::domain::calendar_entry::CalendarInput;

    /// A calendar of one revision that opens in these weekly windows.
    fn calendar(name: &str, zone: &str, week: &serde_json::Value) -> Arc<Calendar> {
        let value = serde_json::json!({"name": name, "time_zone": zone, "week": week});
        let hours: Hours = CalendarInput::read(&value).unwrap().hours;
        Arc::new(Calendar::new(name, vec![Layer { from: None, hours }]))
    }

    /// A book of calendars of one revision each, numbered from 1: name, zone and week.
    pub(crate) fn book_of(calendars: &[(&str, &str, serde_json::Value)]) -> CalendarBook {
        let mut book = CalendarBook::default();
        for (id, (name, zone, week)) in (1..).zip(calendars) {
            let calendar = calendar(name, zone, week);
            let first = View {
                revision: 1,
                calendar,
            };
            book.insert(CalendarId(id), name.to_string(), first, Vec::new());
        }
        book
    }

    #[test]
    fn a_view_holds_what_was_known_then_and_the_first_also_before() {
        let week = |open: &str| serde_json::json!({"mon": [[open, "17:00"]]});
        let view = |revision, open| View {
            revision,
            calendar: calendar("Desk", "UTC", &week(open)),
        };
        let at = Moment::from_seconds;
        let mut book = CalendarBook::default();
        let edits = vec![(at(100), view(2, "10:00")), (at(200), view(3, "11:00"))];
        book.insert(CalendarId(7), "Desk".into(), view(1, "09:00"), edits);
        let known = |seconds| book.view(CalendarId(7), at(seconds)).revision;
        assert_eq!(
            [known(0), known(99), known(100), known(199), known(200)],
            [1, 1, 2, 2, 3]
        );
        assert_eq!(book.latest(CalendarId(7)).revision, 3);
        assert_eq!(
            book.edits(CalendarId(7)).collect::<Vec<_>>(),
            [at(100), at(200)]
        );
        assert!(book.get(CalendarId(8)).is_none());
    }
}
