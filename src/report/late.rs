//! By how much a commitment was missed, also while it is not kept yet.

use std::collections::HashMap;

use serde::Serialize;

use crate::domain::breach::{Breach, Standing};
use crate::domain::clock::{Clock, OutcomeRow, judge};
use crate::domain::timeline::facts;
use crate::domain::words::ClockState;
use crate::domain::{CaseId, IncidentId};
use crate::error::{Error, Result};
use crate::store::{self, Conn};
use crate::time::{Micros, Moment};

/// By how much a commitment was missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Late {
    /// How it stands now.
    pub standing: Standing,
    /// When it was done after all.
    pub stopped_at: Option<Moment>,
    /// Open time from the deadline on, without clock stops.
    #[serde(rename = "late_open_seconds", serialize_with = "super::in_seconds")]
    pub open: Micros,
    /// Elapsed time from the deadline on.
    #[serde(rename = "late_elapsed_seconds", serialize_with = "super::in_seconds")]
    pub elapsed: Micros,
    /// Up to when both are counted: the stop, the cancellation, or the moment that was asked at.
    pub until: Moment,
}

/// Clocks judged again, to count lateness that has no end in what is kept; each case once.
#[derive(Default)]
pub struct Replays {
    judged: HashMap<CaseId, Vec<Clock>>,
}

impl Replays {
    /// By how much a commitment was missed, as of `now` where it has not stopped. `outcomes` are those
    /// of its clock.
    ///
    /// # Errors
    /// When a calendar cannot be counted in any more, or the database does not answer.
    pub fn late(
        &mut self,
        conn: &mut Conn,
        breach: &Breach,
        outcomes: &[OutcomeRow],
        now: Moment,
    ) -> Result<Late> {
        let kept = outcomes.iter().find(|row| {
            (row.clock_id, row.run, row.interval, row.due_at)
                == (breach.clock_id, breach.run, breach.interval, breach.due_at)
        });
        if let Some((stopped, open)) = kept.and_then(|row| row.stopped_at.zip(row.late_open)) {
            return Ok(Late {
                standing: Standing::Stopped,
                stopped_at: Some(stopped),
                open,
                elapsed: stopped - breach.due_at,
                until: stopped,
            });
        }
        let clocks = self.clocks(conn, breach.incident_id, breach.case_id, now)?;
        let Some(clock) = clocks.iter().find(|clock| clock.metric == breach.metric) else {
            return Ok(Self::elapsed_only(breach, now));
        };
        let lap = clock
            .laps
            .iter()
            .find(|lap| (lap.run, lap.interval) == (breach.run, breach.interval));
        let Some(lap) = lap else {
            return Ok(Self::elapsed_only(breach, now));
        };
        let (standing, until) = match (clock.state, clock.current().ended_at) {
            (ClockState::Cancelled, Some(ended)) => (Standing::Cancelled, ended),
            _ => (Standing::Open, now),
        };
        let until = until.max(breach.due_at);
        let open = lap
            .track
            .counted(breach.due_at, until)
            .map_err(|error| Error::conflict(error.to_string()))?;
        Ok(Late {
            standing,
            stopped_at: None,
            open,
            elapsed: until - breach.due_at,
            until,
        })
    }

    /// What can be said of an entry whose clock is not judged so any more and which the engine has not
    /// withdrawn yet.
    fn elapsed_only(breach: &Breach, now: Moment) -> Late {
        let until = now.max(breach.due_at);
        Late {
            standing: Standing::Open,
            stopped_at: None,
            open: 0,
            elapsed: until - breach.due_at,
            until,
        }
    }

    fn clocks(
        &mut self,
        conn: &mut Conn,
        incident: IncidentId,
        case: CaseId,
        now: Moment,
    ) -> Result<&[Clock]> {
        if !self.judged.contains_key(&case) {
            let events = store::incident::events(conn, incident)?;
            let known = facts(&events);
            for case in store::incident::cases(conn, incident)? {
                let promise = store::terms::find(conn, case.terms_id)?.promise;
                let book = store::calendar::book(conn, &promise.calendars())?;
                let clocks = judge(case.id, &promise, &known, &book, now)
                    .map_err(|error| Error::conflict(error.to_string()))?;
                self.judged.insert(case.id, clocks);
            }
        }
        Ok(self.judged.get(&case).map_or(&[], Vec::as_slice))
    }
}
