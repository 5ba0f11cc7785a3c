//! Reports: one computation behind the page, CSV, JSON, the command line and the mail.
//!
//! [`figures`] counts what is kept and gives a plain structure; everything else only writes that
//! down, so that all totals agree. What a percentage cannot say alone stands beside it: the number of
//! cases, the interval, the margin.

mod asked;
mod csv;
mod late;
mod lines;
mod mailed;
mod register;

pub use asked::{Asked, vendor_called};
pub use csv::write as write_csv;
pub use late::{Late, Replays};
pub use lines::{About, BreachLine, CaseLine, OpenLine, Scales, WithdrawnLine};
pub use mailed::facts;
pub use register::{Entry, entry, register};

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;
use serde::{Serialize, Serializer};

use crate::domain::anchor::PrintedHead;
use crate::domain::attainment::{Attainment, Dimension};
use crate::domain::clock::{OutcomeRow, Verdict};
use crate::domain::period::Period;
use crate::domain::words::Metric;
use crate::domain::zone::Zone;
use crate::domain::{ContractId, VendorId};
use crate::error::Result;
use crate::store::{self, Conn};
use crate::time::{Micros, Moment, SECOND};

/// What a report is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Whom it is about; none: all vendors.
    pub vendor: Option<VendorId>,
    /// For which dates; each contract reads them in its own zone.
    pub period: Period,
}

/// The figures of a period.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The period, such as `2026-10`.
    pub period: Period,
    /// Its first date.
    pub from: NaiveDate,
    /// The first date that is not in it any more.
    pub to: NaiveDate,
    /// Whom it is about; none: all vendors.
    pub vendor: Option<VendorName>,
    /// The moment it was made: lateness that has no end yet is counted up to here.
    pub as_of: Moment,
    /// The contracts it is about, each with its own moments.
    pub contracts: Vec<Part>,
    /// Everything together.
    pub total: Score,
    /// Figures for each contract, metric and severity that had a case; what had none is not scored.
    pub rows: Vec<Row>,
    /// How many different incidents are in the figures.
    pub incidents: u64,
    /// What was left out because it was practice.
    pub drills: Drills,
    /// The breaches of the period, in order of their due moments: exactly those that `missed` counts.
    pub breaches: Vec<BreachLine>,
    /// Entries of the register that do not hold any more and are in no figure.
    pub withdrawn: Vec<WithdrawnLine>,
    /// Clocks that began before the period's end and are not due yet; they are in no figure.
    pub open: Vec<OpenLine>,
    /// The head of the anchor chain when the report was made; none before the first anchor.
    pub anchor: Option<PrintedHead>,
}

/// A vendor by its names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VendorName {
    /// Key.
    pub id: VendorId,
    /// What people call it: `V-7`.
    pub reference: String,
    /// Its name.
    pub name: String,
}

/// A contract's part in a report.
#[derive(Clone, Debug, Serialize)]
pub struct Part {
    /// Key of the contract.
    pub contract_id: ContractId,
    /// Its reference.
    pub contract: String,
    /// Its title.
    pub title: String,
    /// Key of the vendor.
    pub vendor_id: VendorId,
    /// Name of the vendor.
    pub vendor: String,
    /// The zone that the period is read in.
    pub time_zone: Zone,
    /// When the period begins there.
    pub from: Moment,
    /// When it ends there.
    pub to: Moment,
}

/// How commitments were kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Score {
    /// Commitments kept.
    pub met: u64,
    /// Commitments not kept.
    pub missed: u64,
    /// Both together.
    pub cases: u64,
    /// The share kept, with its interval; none without a case.
    pub attainment: Option<Attainment>,
    /// Of those met, the mean share of the budget that was left: the sum of
    /// (budget − spent) ÷ budget, each in open time, ÷ met; from 0 to 1. A budget of zero leaves 0.
    /// None when none was met.
    pub margin: Option<f64>,
}

/// Figures of one metric and severity of one contract.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Key of the contract.
    pub contract_id: ContractId,
    /// Its reference.
    pub contract: String,
    /// Name of the vendor.
    pub vendor: String,
    /// What was measured.
    pub metric: Metric,
    /// Code of the severity.
    pub severity: String,
    /// Place of the severity on the contract's scale, 1 is the worst.
    pub rank: usize,
    /// The figures.
    #[serde(flatten)]
    pub score: Score,
}

/// What was left out because it was practice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Drills {
    /// Different incidents.
    pub incidents: u64,
    /// Commitments kept in them.
    pub met: u64,
    /// Commitments not kept in them.
    pub missed: u64,
}

/// Attainment of one group of cases.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    /// Its value in each dimension that was asked for.
    #[serde(flatten)]
    pub key: BTreeMap<Dimension, String>,
    /// The figures.
    #[serde(flatten)]
    pub score: Score,
}

/// Adds up a score.
#[derive(Clone, Copy, Default)]
struct Tally {
    met: u64,
    missed: u64,
    left: f64,
}

impl Tally {
    fn add(&mut self, outcome: &OutcomeRow) {
        match outcome.result {
            Verdict::Met => {
                self.met += 1;
                self.left += share_left(outcome).unwrap_or(0.0);
            }
            Verdict::Missed => self.missed += 1,
        }
    }

    fn score(self) -> Score {
        Score {
            met: self.met,
            missed: self.missed,
            cases: self.met + self.missed,
            attainment: Attainment::of(self.met, self.missed),
            margin: (self.met > 0).then(|| self.left / self.met as f64),
        }
    }
}

/// The share of its budget that a commitment that was met had left; none when there was no budget.
fn share_left(outcome: &OutcomeRow) -> Option<f64> {
    let budget = outcome.budget;
    (budget > 0).then(|| (budget - outcome.spent).max(0) as f64 / budget as f64)
}

/// An outcome that belongs to the period.
struct Counted {
    outcome: OutcomeRow,
    title: String,
}

/// What belongs to the period, by each contract's own moments.
struct Gathered {
    parts: Vec<Part>,
    /// Where each contract stands among the parts.
    places: HashMap<ContractId, usize>,
    counted: Vec<Counted>,
    drills: Drills,
}

impl Gathered {
    fn part(&self, contract: ContractId) -> Option<&Part> {
        self.places.get(&contract).map(|place| &self.parts[*place])
    }

    /// The contract's part if the moment lies in it.
    fn holding(&self, contract: ContractId, at: Moment) -> Option<&Part> {
        self.part(contract)
            .filter(|part| part.from <= at && at < part.to)
    }
}

fn gather(conn: &mut Conn, ask: &Ask) -> Result<Gathered> {
    let contracts = store::report::contracts(conn, ask.vendor)?;
    let parts = contracts.into_iter().map(|(contract, vendor)| {
        let (from, to) = ask.period.bounds(contract.time_zone.0);
        Part {
            contract_id: contract.id,
            contract: contract.reference,
            title: contract.title,
            vendor_id: contract.vendor_id,
            vendor,
            time_zone: contract.time_zone,
            from,
            to,
        }
    });
    let parts: Vec<Part> = parts.collect();
    let mut gathered = Gathered {
        places: (0..)
            .zip(&parts)
            .map(|(place, part)| (part.contract_id, place))
            .collect(),
        parts,
        counted: Vec::new(),
        drills: Drills::default(),
    };
    let mut practised = BTreeSet::new();
    let (from, to) = ask.period.widest();
    for (outcome, title) in store::report::outcomes(conn, ask.vendor, from, to)? {
        if gathered
            .holding(outcome.contract_id, outcome.certain_at)
            .is_none()
        {
            continue;
        }
        if outcome.drill {
            practised.insert(outcome.incident_id);
            match outcome.result {
                Verdict::Met => gathered.drills.met += 1,
                Verdict::Missed => gathered.drills.missed += 1,
            }
        } else {
            gathered.counted.push(Counted { outcome, title });
        }
    }
    gathered.drills.incidents = practised.len() as u64;
    Ok(gathered)
}

/// The figures of a period.
///
/// An outcome is certain at the earlier of stop and deadline and belongs to the period that holds
/// that moment in the contract's zone. A clock that ran out counts as missed from its deadline on,
/// whether it has stopped or not.
///
/// # Errors
/// When there is no such vendor, a calendar cannot be counted in any more, or the database does not
/// answer.
pub fn figures(conn: &mut Conn, ask: &Ask, now: Moment) -> Result<Report> {
    let vendor = match ask.vendor {
        Some(id) => Some(VendorName {
            id,
            reference: id.reference(),
            name: store::vendor::find(conn, id)?.name,
        }),
        None => None,
    };
    let gathered = gather(conn, ask)?;
    let mut total = Tally::default();
    for case in &gathered.counted {
        total.add(&case.outcome);
    }
    let incidents: BTreeSet<_> = gathered
        .counted
        .iter()
        .map(|case| case.outcome.incident_id)
        .collect();
    let (breaches, withdrawn) = lines::breaches(conn, ask, &gathered, now)?;
    let open = lines::open(conn, ask, &gathered)?;
    Ok(Report {
        period: ask.period,
        from: ask.period.from(),
        to: ask.period.to(),
        vendor,
        as_of: now,
        total: total.score(),
        rows: rows(conn, &gathered)?,
        incidents: incidents.len() as u64,
        drills: gathered.drills,
        breaches,
        withdrawn,
        open,
        anchor: store::anchor::latest(conn)?.map(|anchor| anchor.printed()),
        contracts: gathered.parts,
    })
}

fn rows(conn: &mut Conn, gathered: &Gathered) -> Result<Vec<Row>> {
    let mut tallies: HashMap<(ContractId, Metric, &str), Tally> = HashMap::new();
    for Counted { outcome, .. } in &gathered.counted {
        let key = (
            outcome.contract_id,
            outcome.metric,
            outcome.severity.as_str(),
        );
        tallies.entry(key).or_default().add(outcome);
    }
    let mut scales = Scales::default();
    let mut rows = Vec::with_capacity(tallies.len());
    for part in &gathered.parts {
        let own = tallies
            .iter()
            .filter(|((id, ..), _)| *id == part.contract_id);
        let mut of_contract: Vec<Row> = Vec::new();
        for ((_, metric, severity), tally) in own {
            of_contract.push(Row {
                contract_id: part.contract_id,
                contract: part.contract.clone(),
                vendor: part.vendor.clone(),
                metric: *metric,
                severity: severity.to_string(),
                rank: scales.rank(conn, part.contract_id, severity)?,
                score: tally.score(),
            });
        }
        of_contract
            .sort_by(|a, b| (a.metric, a.rank, &a.severity).cmp(&(b.metric, b.rank, &b.severity)));
        rows.extend(of_contract);
    }
    Ok(rows)
}

/// Which cases of a report are looked at; what is not named is not asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Only {
    /// Of one contract.
    pub contract: Option<ContractId>,
    /// Of one metric.
    pub metric: Option<Metric>,
    /// Of one severity.
    pub severity: Option<String>,
    /// Of one result.
    pub result: Option<Verdict>,
}

/// The cases behind the figures, in the order in which they became certain.
///
/// # Errors
/// When the database does not answer.
pub fn cases(conn: &mut Conn, ask: &Ask, only: &Only) -> Result<Vec<CaseLine>> {
    let gathered = gather(conn, ask)?;
    let asked = |outcome: &OutcomeRow| {
        only.contract.is_none_or(|id| id == outcome.contract_id)
            && only.metric.is_none_or(|metric| metric == outcome.metric)
            && only
                .severity
                .as_ref()
                .is_none_or(|code| *code == outcome.severity)
            && only.result.is_none_or(|result| result == outcome.result)
    };
    let mut scales = Scales::default();
    let mut found = Vec::new();
    for case in gathered.counted.iter().filter(|case| asked(&case.outcome)) {
        let outcome = &case.outcome;
        if let Some(part) = gathered.part(outcome.contract_id) {
            let rank = scales.rank(conn, outcome.contract_id, &outcome.severity)?;
            found.push(CaseLine::new(case, part, rank));
        }
    }
    Ok(found)
}

/// Attainment by some dimensions, in the order of their values; one group of everything when none is
/// named. What had no case is not there.
///
/// # Errors
/// When the database does not answer.
pub fn attainment(conn: &mut Conn, ask: &Ask, by: &[Dimension]) -> Result<Vec<Group>> {
    let gathered = gather(conn, ask)?;
    let mut tallies: BTreeMap<Vec<String>, Tally> = BTreeMap::new();
    for Counted { outcome, .. } in &gathered.counted {
        let Some(part) = gathered.part(outcome.contract_id) else {
            continue;
        };
        let key = by.iter().map(|dimension| match dimension {
            Dimension::Vendor => part.vendor.clone(),
            Dimension::Contract => part.contract.clone(),
            Dimension::Metric => outcome.metric.to_string(),
            Dimension::Severity => outcome.severity.clone(),
            Dimension::Month => {
                Period::month_of(outcome.certain_at.date_in(part.time_zone.0)).to_string()
            }
        });
        tallies.entry(key.collect()).or_default().add(outcome);
    }
    let groups = tallies.into_iter().map(|(key, tally)| Group {
        key: by.iter().copied().zip(key).collect(),
        score: tally.score(),
    });
    Ok(groups.collect())
}

/// A length of time in seconds, with decimals only where it has them.
pub(crate) fn in_seconds<S: Serializer>(length: &Micros, serializer: S) -> Result<S::Ok, S::Error> {
    if length % SECOND == 0 {
        serializer.serialize_i64(length / SECOND)
    } else {
        serializer.serialize_f64(*length as f64 / SECOND as f64)
    }
}
