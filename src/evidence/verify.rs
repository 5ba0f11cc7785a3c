//! Walks all chains and says what does not hold: every event is hashed again from the bare rows.
//!
//! What is read is never what ought to be there: a row whose words nobody knows is a fault and not an
//! error. Memory stays bounded: events and anchors go by in pages.

mod anchors;
mod files;
mod timeline;

use std::collections::VecDeque;
use std::fmt;

use crate::domain::IncidentId;
use crate::domain::anchor::Anchor;
use crate::domain::evidence::File;
use crate::error::Result;
use crate::store::chain::{RawEvent, RawHead, RawText, events_after, heads_after, texts_of};
use crate::store::evidence::of_events;
use crate::store::{Conn, Store};
use crate::time::Moment;
use timeline::Chain;

/// Rows read at a time.
const PAGE: i64 = 500;

/// Something that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What is wrong there, in a sentence without its subject.
    pub what: String,
}

/// Where a fault lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At an event.
    Event(IncidentId, i64),
    /// At an incident as a whole.
    Incident(IncidentId),
    /// At an anchor.
    Anchor(i64),
    /// At the head that was given.
    Given,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Event(incident, seq) => write!(f, "{} event {seq}: ", incident.reference()),
            Place::Incident(incident) => write!(f, "{}: ", incident.reference()),
            Place::Anchor(number) => write!(f, "anchor {number}: "),
            Place::Given => f.write_str("the given head: "),
        }?;
        f.write_str(&self.what)
    }
}

/// What was walked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walked {
    /// Incidents.
    pub incidents: u64,
    /// Their events.
    pub events: u64,
    /// Texts that are there and were hashed again.
    pub texts: u64,
    /// Files that are there and were hashed again.
    pub files: u64,
    /// Texts and files that were erased, as an event says.
    pub erased: u64,
    /// Anchors.
    pub anchors: u64,
    /// Faults found.
    pub faults: u64,
    /// The anchor that the given head belongs to.
    pub given: Option<Anchor>,
    /// Events that were recorded after it, which it does not cover.
    pub after: u64,
}

/// Walks every chain as of one moment and hands each fault to `found` as soon as it is seen.
///
/// `given` is a printed head of the anchor chain, whole or its first digits, as
/// [`crate::domain::anchor::read_printed`] gives it. Without one neither a cut end of a timeline nor a
/// missing incident can be seen if whoever did it cut the anchor chain as well.
///
/// # Errors
/// When the database does not answer, or `found` fails.
pub fn walk(
    store: &Store,
    given: Option<&str>,
    mut found: impl FnMut(&Fault) -> Result<()>,
) -> Result<Walked> {
    store.read_as_one(|conn| {
        let mut walked = Walked::default();
        let mut tell = |walked: &mut Walked, fault: Fault| {
            walked.faults += 1;
            found(&fault)
        };
        anchors::walk(conn, given, &mut walked, &mut tell)?;
        timelines(conn, &mut walked, &mut tell)?;
        Ok(walked)
    })
}

type Tell<'a> = dyn FnMut(&mut Walked, Fault) -> Result<()> + 'a;

/// Incidents and events go by side by side, both in order of incident.
fn timelines(conn: &mut Conn, walked: &mut Walked, tell: &mut Tell<'_>) -> Result<()> {
    let mut events = Events::default();
    let mut heads: VecDeque<RawHead> = VecDeque::new();
    let mut after = IncidentId(i64::MIN);
    let since = walked.given.as_ref().map(|anchor| anchor.at);
    loop {
        if heads.is_empty() {
            heads.extend(heads_after(conn, after, PAGE)?);
        }
        let head = heads.pop_front();
        let next = head.as_ref().map(|head| head.id);
        // Events of incidents that are not there come before the next that is.
        while let Some(event) = events.peek(conn)? {
            let of = event.incident_id;
            if next.is_some_and(|next| of >= next) {
                break;
            }
            let what = "there is no such incident, and yet it has events".to_string();
            tell(walked, fault(Place::Incident(of), what))?;
            while events
                .peek(conn)?
                .is_some_and(|event| event.incident_id == of)
            {
                events.next(conn)?;
            }
        }
        let Some(head) = head else {
            return Ok(());
        };
        after = head.id;
        walked.incidents += 1;
        let mut chain = Chain::of(head.id);
        while let Some(Row {
            event,
            texts,
            files,
        }) = events.next_of(conn, head.id)?
        {
            walked.events += 1;
            walked.after += u64::from(since.is_some_and(|since| event.recorded_at > since));
            for fault in chain.event(&event, &texts, walked) {
                tell(walked, fault)?;
            }
            for fault in files::check(conn, &event, &files, &mut chain, walked)? {
                tell(walked, fault)?;
            }
        }
        for fault in chain.end(&head, walked) {
            tell(walked, fault)?;
        }
    }
}

fn fault(place: Place, what: String) -> Fault {
    Fault { place, what }
}

/// An event with what belongs to it.
struct Row {
    event: RawEvent,
    texts: Vec<RawText>,
    files: Vec<File>,
}

/// All events in order, read a page at a time.
#[derive(Default)]
struct Events {
    waiting: VecDeque<Row>,
    after: Option<(IncidentId, i64, i64)>,
    is_read: bool,
}

impl Events {
    fn peek(&mut self, conn: &mut Conn) -> Result<Option<&RawEvent>> {
        if self.waiting.is_empty() && !self.is_read {
            let start = (IncidentId(i64::MIN), i64::MIN, i64::MIN);
            let page = events_after(conn, self.after.unwrap_or(start), PAGE)?;
            self.is_read = page.is_empty();
            if let Some(last) = page.last() {
                self.after = Some((last.incident_id, last.seq, last.id));
            }
            let ids: Vec<i64> = page.iter().map(|event| event.id).collect();
            let mut texts = texts_of(conn, &ids)?;
            let mut files = of_events(conn, &ids)?;
            for event in page {
                let of = |text: &mut RawText| text.event_id == event.id;
                let texts = texts.extract_if(.., of).collect();
                let of = |file: &mut File| file.event_id == Some(event.id);
                let files = files.extract_if(.., of).collect();
                self.waiting.push_back(Row {
                    event,
                    texts,
                    files,
                });
            }
        }
        Ok(self.waiting.front().map(|row| &row.event))
    }

    fn next(&mut self, conn: &mut Conn) -> Result<Option<Row>> {
        self.peek(conn)?;
        Ok(self.waiting.pop_front())
    }

    fn next_of(&mut self, conn: &mut Conn, incident: IncidentId) -> Result<Option<Row>> {
        let is_its = self
            .peek(conn)?
            .is_some_and(|event| event.incident_id == incident);
        if is_its { self.next(conn) } else { Ok(None) }
    }
}

/// What cannot be seen by that walk, in sentences.
pub fn blind_spots(walked: &Walked, latest: Option<Moment>) -> Vec<String> {
    match &walked.given {
        Some(anchor) => {
            let covered = format!(
                "The given head is that of anchor {}, made {}. It covers what was recorded until then",
                anchor.number, anchor.at
            );
            vec![match walked.after {
                0 => format!("{covered}, which is everything."),
                1 => format!("{covered}; 1 event recorded later is not covered."),
                events => format!("{covered}; {events} events recorded later are not covered."),
            }]
        }
        None => vec![
            match latest {
                Some(at) => format!("The last anchor was made {at}; nothing later is anchored."),
                None => "There is no anchor yet.".to_string(),
            },
            "Without --anchor it cannot be seen whether the newest events or whole incidents were cut off together with the end of the anchor chain, or everything was written anew. Take a head from a letter or a report that left the house: redress verify --anchor HASH.".to_string(),
        ],
    }
}
