//! Two judgements of a case side by side.

use serde::Serialize;

use super::{Clock, Verdict};
use crate::domain::words::{ClockState, Metric};
use crate::time::Moment;

/// One metric of a case in two judgements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What is measured.
    pub metric: Metric,
    /// How it stands; none: no clock.
    pub before: Option<Stand>,
    /// How it would stand; none: no clock.
    pub after: Option<Stand>,
}

/// How a clock stands in one judgement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stand {
    /// Its state.
    pub state: ClockState,
    /// When it runs out; unknown while it is held.
    pub due_at: Option<Moment>,
    /// When it ran out.
    pub breached_at: Option<Moment>,
    /// Where the contract promises it.
    pub clause: String,
    /// The due moments of its breaches, of all runs and intervals.
    pub breaches: Vec<Moment>,
}

impl Change {
    /// Whether both judgements say the same of it.
    pub fn is_none(&self) -> bool {
        self.before == self.after
    }
}

impl From<&Clock> for Stand {
    fn from(clock: &Clock) -> Self {
        let lap = clock.current();
        let missed = clock.laps.iter();
        let missed = missed.filter(|lap| lap.verdict == Some(Verdict::Missed));
        Self {
            state: clock.state,
            due_at: lap.due_at,
            breached_at: lap.breached_at,
            clause: lap.commitment.clause.clone(),
            breaches: missed.filter_map(|lap| lap.due_at).collect(),
        }
    }
}

/// Both judgements metric by metric, in the order of [`Metric::ALL`].
pub fn changes(before: &[Clock], after: &[Clock]) -> Vec<Change> {
    let stand = |clocks: &[Clock], metric| {
        let clock = clocks.iter().find(|clock| clock.metric == metric);
        clock.map(Stand::from)
    };
    let both = Metric::ALL.iter().map(|&metric| Change {
        metric,
        before: stand(before, metric),
        after: stand(after, metric),
    });
    both.filter(|change| change.before.is_some() || change.after.is_some())
        .collect()
}
