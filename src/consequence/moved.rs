//! Which running deadlines an edit of a calendar would move; nothing is changed.

use serde::Serialize;

use super::{judged_all, unusable};
use crate::domain::calendar::{Calendar, Hours, Layer};
use crate::domain::calendar_entry::CalendarInput;
use crate::domain::clock::judge;
use crate::domain::example::deadline;
use crate::domain::words::Metric;
use crate::domain::{CalendarId, CaseId, ClockId, IncidentId};
use crate::error::{Error, Result};
use crate::store::{self, Conn};
use crate::time::{Micros, Moment};

/// Incidents judged at once.
const BATCH: usize = 200;

/// What an edit would do to the clocks that run in the calendar.
#[derive(Clone, Debug, Default, Serialize)]
pub struct EditPreview {
    /// The deadlines that would move, soonest first.
    pub moves: Vec<Move>,
    /// How many running clocks of the calendar keep theirs. What is over or has run out already stays
    /// as it was judged and is not counted.
    pub stay: usize,
}

/// A deadline that would move.
#[derive(Clone, Debug, Serialize)]
pub struct Move {
    /// The clock.
    pub clock: ClockId,
    /// Reference of its incident.
    pub incident: String,
    /// Its case.
    pub case: CaseId,
    /// What it measures.
    pub metric: Metric,
    /// When it is due now; none while it is held.
    pub due_before: Option<Moment>,
    /// When it would be due; none while it is held.
    pub due_after: Option<Moment>,
    /// By how much elapsed time, in seconds; negative: sooner.
    #[serde(rename = "moved_seconds", serialize_with = "whole_seconds")]
    pub moved: Option<Micros>,
    /// Whether it would lie past the end of the holiday list.
    pub provisional: bool,
}

fn whole_seconds<S: serde::Serializer>(
    moved: &Option<Micros>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    moved
        .map(|moved| moved / crate::time::SECOND)
        .serialize(serializer)
}

/// Whether a calendar of these hours leaves enough open time to all that counts in it.
///
/// # Errors
/// At `week`, with what it would be too little for.
pub(crate) fn leaves_enough(
    conn: &mut Conn,
    id: CalendarId,
    name: &str,
    hours: &Hours,
    now: Moment,
) -> Result<()> {
    let today = now.date_in(hours.time_zone);
    let counting = store::terms::counting_in(conn, id, today, now)?;
    let layer = Layer {
        from: None,
        hours: hours.clone(),
    };
    let calendar = Calendar::new(name, vec![layer]);
    let opens = calendar.opens_within_a_year(now);
    if !matches!(opens, Ok(true)) && !counting.is_empty() {
        let mut contracts: Vec<&str> = counting.iter().map(|one| one.reference.as_str()).collect();
        contracts.dedup();
        let wrong = format!(
            "the calendar would have no open time in the next year, but {} count in it",
            contracts.join(", ")
        );
        return Err(Error::field("week", wrong));
    }
    // A deadline that cannot be found would stop every incident under these terms.
    for one in counting {
        if let Err(error) = deadline(one.target, &calendar, now) {
            let wrong = format!("{} of {}: {error}", one.clause, one.reference);
            return Err(Error::field("week", wrong));
        }
    }
    Ok(())
}

/// Judges every clock that runs in the calendar twice, as it is and as it would be had the edit been
/// made now.
///
/// # Errors
/// When there is no such calendar; at `week` when it would leave too little open time to what counts in
/// it.
pub fn preview_edit(
    conn: &mut Conn,
    id: CalendarId,
    input: &CalendarInput,
    now: Moment,
) -> Result<EditPreview> {
    store::calendar::find(conn, id)?;
    leaves_enough(conn, id, &input.name, &input.hours, now)?;
    let concerned = store::clock::counting_in(conn, id)?;
    let mut incidents: Vec<IncidentId> = concerned.iter().map(|(incident, _)| *incident).collect();
    incidents.dedup();
    let from = (!input.correction).then(|| now.date_in(input.hours.time_zone));
    let mut preview = EditPreview::default();
    for some in incidents.chunks(BATCH) {
        let found = store::incident::get_all(conn, some)?;
        for judged in judged_all(conn, found, now)? {
            let rows = store::clock::of_incident(conn, judged.incident.id)?;
            for case in &judged.cases {
                let promise = &case.terms.promise;
                let ids = promise.calendars();
                let book =
                    store::calendar::book_with_edit(conn, &ids, id, from, &input.hours, now)?;
                let after =
                    judge(case.case.id, promise, &judged.facts, &book, now).map_err(unusable)?;
                for (before, after) in case.clocks.iter().zip(&after) {
                    let lap = before.current();
                    let runs = before.state.is_open() && lap.verdict.is_none();
                    if !runs || lap.commitment.calendar_id != id {
                        continue;
                    }
                    let (due_before, due_after) = (lap.due_at, after.current().due_at);
                    let row = rows
                        .iter()
                        .find(|row| row.case_id == case.case.id && row.metric == before.metric);
                    let Some(row) = row.filter(|_| due_before != due_after) else {
                        preview.stay += 1;
                        continue;
                    };
                    preview.moves.push(Move {
                        clock: row.id,
                        incident: judged.incident.id.reference(),
                        case: case.case.id,
                        metric: before.metric,
                        due_before,
                        due_after,
                        moved: due_before
                            .zip(due_after)
                            .map(|(before, after)| after - before),
                        provisional: after.current().provisional,
                    });
                }
            }
        }
    }
    preview.moves.sort_by_key(|one| (one.due_after, one.clock));
    Ok(preview)
}
