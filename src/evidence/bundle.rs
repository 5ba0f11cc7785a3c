//! An evidence bundle: everything about an incident or a breach in one ZIP file that can be checked
//! without us.
//!
//! Its files come in one order and carry no time of their own, so that the same facts give the same
//! content. What each is for, and how to check it, says `README.txt` in it.

mod explained;
mod pack;
mod parts;
mod readme;
mod received;
mod told;

use std::io::{Seek, Write};

use crate::consequence::{Judged, judged};
use crate::domain::timeline::Event;
use crate::domain::{BreachId, CaseId, IncidentId};
use crate::error::Result;
use crate::store::breach::Entry;
use crate::store::{self, Conn};
use crate::time::Moment;
use pack::Packer;

/// Most anchors in one bundle: six weeks of hours, so that a bundle stays of a size. Whoever holds a
/// later print finds the rest in `GET /api/v1/anchors/{number}`.
const MOST_ANCHORS: i64 = 1_000;

/// What a bundle is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// A whole incident with all its cases.
    Incident(IncidentId),
    /// One breach: only its vendor's part, so that it can be handed to that vendor.
    Breach(BreachId),
}

/// Everything that the parts are made from.
struct Content {
    judged: Judged,
    /// The breach, and with it the only case whose part is told.
    breach: Option<(BreachId, CaseId)>,
    entries: Vec<Entry>,
    now: Moment,
}

impl Content {
    /// Whether what concerns that case may be told; what concerns all of them may.
    fn tells(&self, case: Option<CaseId>) -> bool {
        match (self.breach, case) {
            (Some((_, only)), Some(case)) => only == case,
            _ => true,
        }
    }

    fn incident(&self) -> IncidentId {
        self.judged.incident.id
    }

    /// Whether the texts of an event may be told.
    fn tells_texts(&self, event: &Event) -> bool {
        self.tells(event.case_id)
    }
}

/// Writes the bundle as of `now`. The connection should see one moment ([`crate::store::Store::read_as_one`]).
///
/// # Errors
/// When there is no such incident or breach, the database does not answer, or the file cannot be
/// written.
pub fn write(conn: &mut Conn, about: About, now: Moment, out: impl Write + Seek) -> Result<()> {
    let content = content(conn, about, now)?;
    let mut packer = Packer::new(out);
    let texts = store::incident::texts(conn, content.incident())?;
    let people = parts::people(conn, &content)?;
    let files = parts::files(conn, &content, &texts)?;
    packer.text("README.txt", &readme::text(&content))?;
    packer.json("incident.json", &parts::incident(&content, &people))?;
    packer.json("timeline.json", &parts::timeline(&content, &texts, &files)?)?;
    packer.text("timeline.txt", &told::timeline(&content, &texts, &people))?;
    packer.json("terms.json", &parts::terms(&content))?;
    packer.json("calendars.json", &parts::calendars(conn, &content)?)?;
    packer.json("clocks.json", &parts::clocks(&content))?;
    packer.text("explanation.txt", &explained::text(&content)?)?;
    packer.json("breaches.json", &parts::breaches(&content)?)?;
    for file in files.iter().filter(|file| file.is_told) {
        parts::file(conn, file, &mut packer)?;
    }
    parts::letters(conn, &content, &mut packer)?;
    received::messages(conn, &content, &mut packer)?;
    parts::anchors(conn, &content, &mut packer)?;
    packer.finish()
}

fn content(conn: &mut Conn, about: About, now: Moment) -> Result<Content> {
    let (incident, breach) = match about {
        About::Incident(incident) => (incident, None),
        About::Breach(id) => {
            let (breach, _) = store::breach::get(conn, id)?;
            (breach.incident_id, Some((id, breach.case_id)))
        }
    };
    let found = store::incident::get(conn, incident)?;
    let entries = store::breach::of_incident(conn, incident)?;
    Ok(Content {
        judged: judged(conn, found, now)?,
        breach,
        entries,
        now,
    })
}
