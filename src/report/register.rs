//! The register of breaches as lists and pages show it: everything, practice and withdrawn entries too.

use std::collections::HashMap;

use serde::Serialize;

use super::lines::{About, Scales};
use super::{Late, Replays};
use crate::domain::breach::{Breach, Standing, Withdrawal};
use crate::domain::clock::OutcomeRow;
use crate::domain::contract::Contract;
use crate::domain::{
    BreachId, CalendarId, CaseId, ClockId, ContractId, GoLiveId, TermsId, VendorId,
};
use crate::error::{Error, Result};
use crate::store::report::TitledEntry;
use crate::store::{self, Conn};
use crate::time::Moment;

/// An entry of the register.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Key.
    pub id: BreachId,
    /// What people call it: `B-17`.
    pub reference: String,
    /// What it is about.
    #[serde(flatten)]
    pub about: About,
    /// Key of the vendor.
    pub vendor_id: VendorId,
    /// Whether it was practice.
    pub drill: bool,
    /// When it ran out.
    pub due_at: Moment,
    /// When the service entered it.
    pub noticed_at: Moment,
    /// By how much it was missed; nothing of an entry that does not hold any more.
    #[serde(flatten)]
    pub late: Option<Late>,
    /// That it does not hold any more.
    pub withdrawn: Option<Withdrawn>,
    /// What it was judged by.
    pub judged_by: JudgedBy,
}

/// That an entry does not hold any more, and why.
#[derive(Clone, Debug, Serialize)]
pub struct Withdrawn {
    /// When it was withdrawn.
    pub at: Moment,
    /// Number of the event that withdrew it.
    pub seq: i64,
    /// Why.
    pub reason: String,
}

/// What an entry was judged by.
#[derive(Clone, Debug, Serialize)]
pub struct JudgedBy {
    /// The case.
    pub case: CaseId,
    /// The clock.
    pub clock: ClockId,
    /// Run of the clock.
    pub run: i32,
    /// 0 for the first entry; one more for each entry after a withdrawal.
    pub entry: i32,
    /// Key of the version of the terms.
    pub terms: TermsId,
    /// Name of the go-live window that applied with it.
    pub go_live: Option<String>,
    /// Key of that window.
    pub go_live_id: Option<GoLiveId>,
    /// The calendar.
    pub calendar_id: CalendarId,
    /// Its revision.
    pub calendar_revision: i64,
    /// Version of the zone data.
    pub zone_data: String,
    /// Numbers of the events.
    pub events: Vec<i64>,
}

impl Entry {
    /// How it stands, in one word: that of [`Standing`], or `withdrawn`.
    pub fn state(&self) -> &'static str {
        match &self.late {
            Some(late) => late.standing.as_str(),
            None => "withdrawn",
        }
    }

    /// Whether it holds and is still not done.
    pub fn is_open(&self) -> bool {
        self.late
            .is_some_and(|late| late.standing == Standing::Open)
    }
}

/// The register from below a key on, newest entry first; of one vendor if it is named.
///
/// # Errors
/// When a calendar cannot be counted in any more, or the database does not answer.
pub fn register(
    conn: &mut Conn,
    vendor: Option<VendorId>,
    before: Option<BreachId>,
    limit: i64,
    now: Moment,
) -> Result<Vec<Entry>> {
    let rows = store::report::register(conn, vendor, before, limit)?;
    entries(conn, vendor, rows, now)
}

/// One entry of the register.
///
/// # Errors
/// When there is none, and as [`register`].
pub fn entry(conn: &mut Conn, id: BreachId, now: Moment) -> Result<Entry> {
    let (breach, withdrawal) = store::breach::get(conn, id)?;
    let title = store::incident::get(conn, breach.incident_id)?.title;
    let vendor = breach.vendor_id;
    entries(conn, Some(vendor), vec![(breach, withdrawal, title)], now)?
        .pop()
        .ok_or_else(|| Error::not_found("breach", id.reference()))
}

fn entries(
    conn: &mut Conn,
    vendor: Option<VendorId>,
    rows: Vec<TitledEntry>,
    now: Moment,
) -> Result<Vec<Entry>> {
    let contracts: HashMap<ContractId, (Contract, String)> =
        store::report::contracts(conn, vendor)?
            .into_iter()
            .map(|(contract, vendor)| (contract.id, (contract, vendor)))
            .collect();
    let clocks: Vec<ClockId> = rows.iter().map(|(breach, ..)| breach.clock_id).collect();
    let outcomes = store::report::outcomes_of(conn, &clocks)?;
    let windows: Vec<GoLiveId> = rows.iter().filter_map(|row| row.0.go_live_id).collect();
    let windows = store::go_live::find_all(conn, &windows)?;
    let (mut replays, mut scales) = (Replays::default(), Scales::default());
    let mut found = Vec::with_capacity(rows.len());
    for (breach, withdrawal, title) in rows {
        let Some((contract, vendor)) = contracts.get(&breach.contract_id) else {
            continue;
        };
        let late = match withdrawal {
            Some(_) => None,
            None => {
                let own: Vec<OutcomeRow> = outcomes
                    .iter()
                    .filter(|row| row.clock_id == breach.clock_id)
                    .cloned()
                    .collect();
                Some(replays.late(conn, &breach, &own, now)?)
            }
        };
        let rank = scales.rank(conn, breach.contract_id, &breach.severity)?;
        let about = About {
            vendor: vendor.clone(),
            contract_id: contract.id,
            contract: contract.reference.clone(),
            time_zone: contract.time_zone,
            incident: breach.incident_id.reference(),
            title,
            metric: breach.metric,
            interval: breach.interval,
            severity: breach.severity.clone(),
            rank,
            clause: breach.clause.clone(),
        };
        let window = breach.go_live_id.and_then(|id| windows.get(&id));
        let window = window.map(|window| window.name.clone());
        found.push(new_entry(breach, withdrawal, about, late, window)?);
    }
    Ok(found)
}

fn new_entry(
    breach: Breach,
    withdrawal: Option<Withdrawal>,
    about: About,
    late: Option<Late>,
    go_live: Option<String>,
) -> Result<Entry> {
    Ok(Entry {
        id: breach.id,
        reference: breach.id.reference(),
        about,
        vendor_id: breach.vendor_id,
        drill: breach.drill,
        due_at: breach.due_at,
        noticed_at: breach.noticed_at,
        late,
        withdrawn: withdrawal.map(|withdrawal| Withdrawn {
            at: withdrawal.at,
            seq: withdrawal.seq,
            reason: withdrawal.reason,
        }),
        judged_by: JudgedBy {
            case: breach.case_id,
            clock: breach.clock_id,
            run: breach.run,
            entry: breach.entry,
            terms: breach.terms_id,
            go_live,
            go_live_id: breach.go_live_id,
            calendar_id: breach.calendar_id,
            calendar_revision: breach.calendar_revision,
            zone_data: breach.zone_data,
            events: serde_json::from_str(&breach.seqs)?,
        },
    })
}
