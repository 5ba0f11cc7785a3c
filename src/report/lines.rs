//! The lines of a report: breaches, withdrawn entries, open clocks, and the cases behind a figure.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde::Serialize;

use super::late::{Late, Replays};
use super::{Ask, Counted, Gathered, Part, in_seconds, share_left};
use crate::domain::breach::{Breach, Withdrawal};
use crate::domain::clock::{OutcomeRow, Verdict};
use crate::domain::words::{ClockState, Metric};
use crate::domain::zone::Zone;
use crate::domain::{BreachId, ClockId, ContractId};
use crate::error::Result;
use crate::store::{self, Conn};
use crate::time::{Micros, Moment};

/// What a line is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct About {
    /// Name of the vendor.
    pub vendor: String,
    /// Key of the contract.
    pub contract_id: ContractId,
    /// Its reference.
    pub contract: String,
    /// Its zone.
    pub time_zone: Zone,
    /// Reference of the incident.
    pub incident: String,
    /// Title of the incident.
    pub title: String,
    /// What was measured.
    pub metric: Metric,
    /// Which interval of `update`.
    pub interval: i32,
    /// Code of the severity.
    pub severity: String,
    /// Place of the severity on the contract's scale, 1 is the worst.
    pub rank: usize,
    /// Clause of the contract.
    pub clause: String,
}

/// A commitment that was not kept.
#[derive(Clone, Debug, Serialize)]
pub struct BreachLine {
    /// Key.
    pub id: BreachId,
    /// What people call it: `B-17`.
    pub reference: String,
    /// What it is about.
    #[serde(flatten)]
    pub about: About,
    /// The deadline.
    pub due_at: Moment,
    /// When the service entered it.
    pub noticed_at: Moment,
    /// By how much it was missed.
    #[serde(flatten)]
    pub late: Late,
}

/// An entry of the register that does not hold any more.
#[derive(Clone, Debug, Serialize)]
pub struct WithdrawnLine {
    /// Key.
    pub id: BreachId,
    /// What people call it: `B-17`.
    pub reference: String,
    /// What it is about.
    #[serde(flatten)]
    pub about: About,
    /// The deadline that was said to be missed.
    pub due_at: Moment,
    /// When it was withdrawn.
    pub withdrawn_at: Moment,
    /// Number of the event that withdrew it.
    pub seq: i64,
    /// Why.
    pub reason: String,
}

/// A clock that is not due yet.
#[derive(Clone, Debug, Serialize)]
pub struct OpenLine {
    /// Key.
    pub clock_id: ClockId,
    /// What it is about.
    #[serde(flatten)]
    pub about: About,
    /// How it stands.
    pub state: ClockState,
    /// When it began.
    pub started_at: Moment,
    /// When it runs out; unknown while it is held.
    pub due_at: Option<Moment>,
    /// Open time it may take.
    #[serde(rename = "budget_seconds", serialize_with = "in_seconds")]
    pub budget: Micros,
}

/// One case in the figures.
#[derive(Clone, Debug, Serialize)]
pub struct CaseLine {
    /// What it is about.
    #[serde(flatten)]
    pub about: About,
    /// How it ended.
    pub result: Verdict,
    /// When it began.
    pub started_at: Moment,
    /// The deadline.
    pub due_at: Moment,
    /// When it was stopped.
    pub stopped_at: Option<Moment>,
    /// Open time it could take.
    #[serde(rename = "budget_seconds", serialize_with = "in_seconds")]
    pub budget: Micros,
    /// Open time it took; up to the last judgement while it has not stopped.
    #[serde(rename = "spent_seconds", serialize_with = "in_seconds")]
    pub spent: Micros,
    /// The share of the budget that was left, of one that was met.
    pub margin: Option<f64>,
}

impl CaseLine {
    pub(super) fn new(case: &Counted, part: &Part, rank: usize) -> Self {
        let outcome = &case.outcome;
        let met = outcome.result == Verdict::Met;
        Self {
            about: About {
                vendor: part.vendor.clone(),
                contract_id: part.contract_id,
                contract: part.contract.clone(),
                time_zone: part.time_zone,
                incident: outcome.incident_id.reference(),
                title: case.title.clone(),
                metric: outcome.metric,
                interval: outcome.interval,
                severity: outcome.severity.clone(),
                rank,
                clause: outcome.clause.clone(),
            },
            result: outcome.result,
            started_at: outcome.started_at,
            due_at: outcome.due_at,
            stopped_at: outcome.stopped_at,
            budget: outcome.budget,
            spent: outcome.spent,
            margin: share_left(outcome).filter(|_| met),
        }
    }
}

/// The entries of the register that belong to the period: those that hold, and those withdrawn.
pub(super) fn breaches(
    conn: &mut Conn,
    ask: &Ask,
    gathered: &Gathered,
    now: Moment,
) -> Result<(Vec<BreachLine>, Vec<WithdrawnLine>)> {
    let (from, to) = ask.period.widest();
    let entries = store::report::breaches(conn, ask.vendor, from, to)?;
    let clocks: Vec<ClockId> = entries.iter().map(|(breach, ..)| breach.clock_id).collect();
    let mut outcomes: HashMap<ClockId, Vec<OutcomeRow>> = HashMap::new();
    for row in store::report::outcomes_of(conn, &clocks)? {
        outcomes.entry(row.clock_id).or_default().push(row);
    }
    let mut replays = Replays::default();
    let mut scales = Scales::default();
    let (mut held, mut withdrawn) = (Vec::new(), Vec::new());
    for (breach, withdrawal, title) in entries {
        let Some(part) = gathered.holding(breach.contract_id, breach.due_at) else {
            continue;
        };
        if breach.drill {
            continue;
        }
        let rank = scales.rank(conn, breach.contract_id, &breach.severity)?;
        let about = about_breach(part, &breach, title, rank);
        match withdrawal {
            Some(withdrawal) => withdrawn.push(withdrawn_line(&breach, withdrawal, about)),
            None => {
                let own = outcomes
                    .get(&breach.clock_id)
                    .map_or(&[][..], Vec::as_slice);
                let late = replays.late(conn, &breach, own, now)?;
                held.push(BreachLine {
                    id: breach.id,
                    reference: breach.id.reference(),
                    about,
                    due_at: breach.due_at,
                    noticed_at: breach.noticed_at,
                    late,
                });
            }
        }
    }
    Ok((held, withdrawn))
}

fn about_breach(part: &Part, breach: &Breach, title: String, rank: usize) -> About {
    About {
        vendor: part.vendor.clone(),
        contract_id: part.contract_id,
        contract: part.contract.clone(),
        time_zone: part.time_zone,
        incident: breach.incident_id.reference(),
        title,
        metric: breach.metric,
        interval: breach.interval,
        severity: breach.severity.clone(),
        rank,
        clause: breach.clause.clone(),
    }
}

fn withdrawn_line(breach: &Breach, withdrawal: Withdrawal, about: About) -> WithdrawnLine {
    WithdrawnLine {
        id: breach.id,
        reference: breach.id.reference(),
        about,
        due_at: breach.due_at,
        withdrawn_at: withdrawal.at,
        seq: withdrawal.seq,
        reason: withdrawal.reason,
    }
}

/// The clocks that began before the period's end in their contract's zone and are not due yet.
pub(super) fn open(conn: &mut Conn, ask: &Ask, gathered: &Gathered) -> Result<Vec<OpenLine>> {
    let (_, to) = ask.period.widest();
    let mut scales = Scales::default();
    let mut lines = Vec::new();
    for open in store::report::not_yet_due(conn, ask.vendor, to)? {
        let clock = open.clock;
        let Some(part) = gathered.part(open.contract.id) else {
            continue;
        };
        if clock.started_at >= part.to {
            continue;
        }
        let rank = scales.rank(conn, part.contract_id, &clock.severity)?;
        lines.push(OpenLine {
            clock_id: clock.id,
            about: About {
                vendor: part.vendor.clone(),
                contract_id: part.contract_id,
                contract: part.contract.clone(),
                time_zone: part.time_zone,
                incident: clock.incident_id.reference(),
                title: open.title,
                metric: clock.metric,
                interval: clock.interval,
                severity: clock.severity,
                rank,
                clause: clock.clause,
            },
            state: clock.state,
            started_at: clock.started_at,
            due_at: clock.due_at,
            budget: clock.budget,
        });
    }
    Ok(lines)
}

/// The severities of contracts by rank; each contract is read once.
#[derive(Default)]
pub struct Scales(HashMap<ContractId, Vec<String>>);

impl Scales {
    /// The place of a severity on its contract's scale, 1 is the worst: the scale of its last terms,
    /// and then what only earlier ones have.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn rank(&mut self, conn: &mut Conn, contract: ContractId, code: &str) -> Result<usize> {
        let scale = match self.0.entry(contract) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => free.insert(scale(conn, contract)?),
        };
        let place = scale.iter().position(|known| known == code);
        Ok(place.unwrap_or(scale.len()) + 1)
    }
}

fn scale(conn: &mut Conn, contract: ContractId) -> Result<Vec<String>> {
    let mut codes: Vec<String> = Vec::new();
    for terms in store::terms::of_contract(conn, contract)?.iter().rev() {
        for severity in &terms.promise.severities {
            if !codes.contains(&severity.code) {
                codes.push(severity.code.clone());
            }
        }
    }
    Ok(codes)
}
