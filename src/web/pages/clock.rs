//! A clock as the board and the incident's page show it.

use crate::consequence::{Judged, JudgedCase};
use crate::domain::ClockId;
use crate::domain::clock::{Clock, Lap, Verdict};
use crate::domain::terms::{ClockStop, Promise};
use crate::domain::timeline::{Fact, open_pauses};
use crate::domain::words::{ClockState, EventKind, Metric};
use crate::store::breach::Entry;
use crate::time::{HOUR, Moment};
use crate::web::shown::{Reader, Shown};
use crate::web::wording;

/// From this share of the budget on a clock is shown as near its end, in percent.
const NEARLY: u32 = 75;

/// A clock as the macro `clock` shows it.
#[derive(Clone, Debug)]
pub struct ClockCard {
    /// The word that decides how the state looks.
    pub state: &'static str,
    /// What one reads.
    pub state_text: String,
    /// What is measured.
    pub metric: String,
    /// Where the contract promises it, for `update` with the number of the interval.
    pub clause: String,
    /// `calm`, `soon`, `late`, `held`, `good` or `mute`.
    pub tone: &'static str,
    /// When it runs out.
    pub due: Shown,
    /// Whether that is known.
    pub has_due: bool,
    /// How much is left, or how it ended.
    pub left: String,
    /// Whether `left` changes each second.
    pub ticking: bool,
    /// Share of the budget that is used; may pass 100.
    pub percent: u32,
    /// The same in words.
    pub budget: String,
    /// What else one should know.
    pub note: String,
    /// The page that explains it; empty where it has none.
    pub href: String,
}

impl ClockCard {
    /// A clock of a case for that reader; `entries` are those of the register about the incident.
    pub fn new(
        judged: &Judged,
        case: &JudgedCase,
        clock: &Clock,
        entries: &[Entry],
        reader: Reader,
    ) -> Self {
        let lap = clock.current();
        let percent = percent(lap);
        let tone = tone(clock, percent, reader.now);
        let (state, state_text) = state(clock, tone);
        let open = clock.state.is_open();
        let due = lap.due_at.filter(|_| clock.state != ClockState::Cancelled);
        Self {
            state,
            state_text,
            metric: wording::metric(clock.metric),
            clause: match clock.metric {
                Metric::Update => format!("{}, interval {}", lap.commitment.clause, lap.interval),
                _ => lap.commitment.clause.clone(),
            },
            tone,
            // An amount has no deadline; the moment at which it was too much stands with the breach.
            due: due.map_or_else(Shown::default, |due| {
                reader.sees(due, case.contract.time_zone.0)
            }),
            has_due: due.is_some(),
            left: left(clock, reader.now),
            ticking: open && due.is_some(),
            percent,
            budget: format!("{percent} % of {}", wording::target(lap.commitment.target)),
            note: note(judged, case, clock, entries, reader),
            href: String::new(),
        }
    }
}

impl ClockCard {
    /// The card with a link to the page of the clock of that key.
    pub fn of(mut self, id: ClockId) -> Self {
        self.href = format!("/clocks/{id}");
        self
    }
}

/// How grave a severity is by the contract's own scale: 1 is the worst.
pub fn rank(promise: &Promise, code: &str) -> usize {
    let place = promise
        .severities
        .iter()
        .position(|severity| severity.code == code);
    place.unwrap_or(promise.severities.len()) + 1
}

fn percent(lap: &Lap) -> u32 {
    let share = match lap.budget {
        0 if lap.breached_at.is_some() => 100,
        0 => 0,
        budget => i128::from(lap.spent.max(0)) * 100 / i128::from(budget),
    };
    u32::try_from(share).unwrap_or(u32::MAX)
}

fn is_late(lap: &Lap, now: Moment) -> bool {
    lap.breached_at.is_some() || lap.due_at.is_some_and(|due| due < now)
}

fn tone(clock: &Clock, percent: u32, now: Moment) -> &'static str {
    let lap = clock.current();
    match clock.state {
        ClockState::Running | ClockState::Paused if is_late(lap, now) => "late",
        ClockState::Paused => "held",
        ClockState::Running
            if percent >= NEARLY || lap.due_at.is_some_and(|due| due - now <= HOUR) =>
        {
            "soon"
        }
        ClockState::Running => "calm",
        ClockState::Met => "good",
        ClockState::Missed => "late",
        ClockState::Awaiting => "held",
        ClockState::Pending | ClockState::Cancelled => "mute",
    }
}

fn state(clock: &Clock, tone: &str) -> (&'static str, String) {
    let (code, text) = match (clock.state, tone) {
        (ClockState::Running, "late") => ("late", "Past due"),
        (ClockState::Paused, "late") => ("paused", "Paused, past due"),
        (ClockState::Running, _) => ("running", "Running"),
        (ClockState::Paused, _) => ("paused", "Paused"),
        (ClockState::Pending, _) => ("pending", "Not begun"),
        (ClockState::Awaiting, _) => ("awaiting", "Awaiting us"),
        (ClockState::Met, _) => ("met", "Met"),
        (ClockState::Missed, _) => ("missed", "Missed"),
        (ClockState::Cancelled, _) => ("cancelled", "Cancelled"),
    };
    (code, text.to_string())
}

fn left(clock: &Clock, now: Moment) -> String {
    let lap = clock.current();
    if clock.metric == Metric::DataLoss && lap.stopped_at.is_some() {
        return format!("{} of data lost", wording::passed(lap.spent));
    }
    match (clock.state, lap.due_at) {
        (ClockState::Pending, _) if clock.metric == Metric::DataLoss => {
            "the loss is not measured yet".to_string()
        }
        (ClockState::Pending, _) => "once it is repaired".to_string(),
        (ClockState::Awaiting, _) => "we confirm or reject it".to_string(),
        (ClockState::Running | ClockState::Paused, Some(due)) => wording::countdown(due - now),
        (ClockState::Running | ClockState::Paused, None) => {
            wording::remaining(lap.budget - lap.spent)
        }
        (ClockState::Met, _) => format!("after {}", wording::passed(lap.spent)),
        (ClockState::Missed, _) if clock.metric == Metric::Update => {
            let missed = |lap: &&Lap| lap.verdict == Some(Verdict::Missed);
            match clock.laps.iter().filter(missed).count() {
                1 => "1 interval missed".to_string(),
                many => format!("{many} intervals missed"),
            }
        }
        (ClockState::Missed, _) => match lap.late_open() {
            Ok(Some(late)) => format!("{} late", wording::passed(late)),
            _ => "late".to_string(),
        },
        (ClockState::Cancelled, _) => "nothing is owed".to_string(),
    }
}

fn note(
    judged: &Judged,
    case: &JudgedCase,
    clock: &Clock,
    entries: &[Entry],
    reader: Reader,
) -> String {
    let lap = clock.current();
    let mut notes: Vec<String> = Vec::new();
    for (breach, withdrawal) in entries {
        let is_its = breach.case_id == case.case.id
            && breach.metric == clock.metric
            && (breach.run, breach.interval) == (lap.run, lap.interval);
        if is_its && withdrawal.is_none() {
            let noticed = reader.sees_here(breach.noticed_at);
            notes.push(format!(
                "Breach {}, noticed {}",
                breach.id.reference(),
                noticed.here
            ));
        }
    }
    if clock.state == ClockState::Paused {
        for (pause, stop) in holding(judged, case, lap) {
            let since = reader.sees_here(pause.at);
            notes.push(format!(
                "{}, clause {}: {}, since {}",
                stop.code, stop.clause, stop.name, since.here
            ));
        }
    }
    if let Some(until) = lap.confirmed_by {
        let until = reader.sees_here(until);
        notes.push(format!("Our silence until {} is a yes", until.here));
    }
    if lap.provisional && clock.state.is_open() {
        notes.push(
            "Provisional: past the end of the calendar's holiday list, by its weekly hours"
                .to_string(),
        );
    }
    notes.join(". ")
}

/// The open pauses that hold a lap, with their clock stops.
fn holding<'a>(
    judged: &'a Judged,
    case: &'a JudgedCase,
    lap: &'a Lap,
) -> Vec<(&'a Fact, &'a ClockStop)> {
    let promise = &case.terms.promise;
    open_pauses(&judged.facts, Some(case.case.id))
        .into_iter()
        .filter_map(|pause| Some((pause, promise.clock_stop(pause.stop.as_deref()?)?)))
        .filter(|(pause, stop)| {
            let counts =
                !stop.needs_agreement || matches!(pause.answer, Some((EventKind::Agreed, _)));
            counts && lap.commitment.may_be_held_by(stop)
        })
        .collect()
}
