//! By how much a commitment was missed, also while it is not kept yet.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde::Serialize;

use crate::consequence::{Judged, judged};
use crate::domain::IncidentId;
use crate::domain::breach::{Breach, Standing};
use crate::domain::clock::OutcomeRow;
use crate::domain::words::ClockState;
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

/// Incidents judged again, to count lateness that has no end in what is kept; each once.
#[derive(Default)]
pub struct Replays(HashMap<IncidentId, Judged>);

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
        let judged = self.judged(conn, breach.incident_id, now)?;
        let of_case = judged
            .cases
            .iter()
            .find(|case| case.case.id == breach.case_id);
        let clock = of_case.and_then(|case| {
            let mut clocks = case.clocks.iter();
            clocks.find(|clock| clock.metric == breach.metric)
        });
        let lap = clock.and_then(|clock| {
            let mut laps = clock.laps.iter();
            laps.find(|lap| (lap.run, lap.interval) == (breach.run, breach.interval))
        });
        let (Some(clock), Some(lap)) = (clock, lap) else {
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

    fn judged(&mut self, conn: &mut Conn, incident: IncidentId, now: Moment) -> Result<&Judged> {
        match self.0.entry(incident) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(free) => {
                let incident = store::incident::get(conn, incident)?;
                Ok(free.insert(judged(conn, incident, now)?))
            }
        }
    }
}
