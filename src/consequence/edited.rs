//! Deadlines that an edit of their calendar moved while they ran.

use super::gathered::CaseFacts;
use super::{Cause, unusable};
use crate::domain::calendar_book::CalendarBook;
use crate::domain::clock::{ClockRow, judge};
use crate::domain::incident::Incident;
use crate::domain::timeline::{Event, Fields, facts};
use crate::domain::words::{EventKind, Source};
use crate::error::Result;
use crate::store::incident::NewEvent;
use crate::store::{self, Tx};

/// A calendar edit that moves a running deadline is an event of its own, with both values.
pub(super) fn deadlines_moved(
    tx: &mut Tx<'_>,
    incident: &mut Incident,
    cases: &[CaseFacts],
    rows: &[ClockRow],
    events: &[Event],
    book: &CalendarBook,
    cause: &Cause,
) -> Result<u32> {
    // The deadline moved before what has just been recorded, so it is judged without that.
    let recorded = match cause {
        Cause::Recorded(event, _) => event.seq,
        Cause::Time => i64::MAX,
    };
    let now = tx.now();
    let edited = |row: &ClockRow| book.latest(row.calendar_id).revision != row.calendar_revision;
    if !rows.iter().any(|row| row.state.is_open() && edited(row)) {
        return Ok(0);
    }
    let before = events.iter().take_while(|event| event.seq < recorded);
    let before: Vec<Event> = before.cloned().collect();
    let known = facts(&before);
    let mut moved = 0;
    for case in cases {
        for clock in
            judge(case.case.id, &case.terms.promise, &known, book, now).map_err(unusable)?
        {
            let lap = clock.current();
            let Some(row) = rows
                .iter()
                .find(|row| row.case_id == case.case.id && row.metric == clock.metric)
            else {
                continue;
            };
            let same_lap = (row.run, row.interval) == (lap.run, lap.interval);
            let edited = row.calendar_id == lap.commitment.calendar_id
                && row.calendar_revision != lap.revision;
            if same_lap && edited && row.due_at != lap.due_at && row.breached_at.is_none() {
                let new = NewEvent {
                    case: Some(case.case.id),
                    kind: EventKind::DeadlineMoved,
                    occurred_at: now,
                    source: Source::Engine,
                    fields: Fields {
                        metrics: vec![clock.metric],
                        due_before: row.due_at,
                        due_after: lap.due_at,
                        ..Fields::default()
                    },
                    texts: Vec::new(),
                };
                let detail = serde_json::json!({"incident": incident.id.reference(), "metric": clock.metric,
                    "due_before": row.due_at, "due_after": lap.due_at});
                store::incident::append(tx, incident, new)?;
                tx.record("incident", incident.id.0, "deadline moved", &detail)?;
                moved += 1;
            }
        }
    }
    Ok(moved)
}
