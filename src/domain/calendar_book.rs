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
