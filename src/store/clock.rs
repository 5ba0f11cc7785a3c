//! Clocks as they stand, their outcomes, their steps, and when to look at them again.

use std::collections::{BTreeMap, HashMap};

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::among::AmongValues;
use super::bulk::{bulk_insert, groups};
use super::{Conn, Tx};
use crate::domain::clock::{ClockRow, OutcomeRow};
use crate::domain::ladder::{Deed, Taken};
use crate::domain::words::{ClockState, Metric};
use crate::domain::{CalendarId, CaseId, ClockId, IncidentId};
use crate::error::{Error, Result};
use crate::per_backend;
use crate::schema::{calendars, clocks, outcomes, steps, timers};
use crate::time::Moment;

/// Keys asked for by one statement.
const KEYS: usize = 2000;

/// The clocks of an incident, in the order they were made.
///
/// # Errors
/// When the database does not answer.
pub fn of_incident(conn: &mut Conn, incident: IncidentId) -> Result<Vec<ClockRow>> {
    Ok(clocks::table
        .filter(clocks::incident_id.eq(incident))
        .order(clocks::id)
        .select(ClockRow::as_select())
        .load(conn)?)
}

/// One clock.
///
/// # Errors
/// When there is none.
pub fn get(conn: &mut Conn, id: ClockId) -> Result<ClockRow> {
    clocks::table
        .find(id)
        .select(ClockRow::as_select())
        .get_result(conn)
        .optional()?
        .ok_or_else(|| Error::not_found("clock", id))
}

/// Place of a clock in the order of due moments: those without one come last.
pub type Place = (Option<Moment>, ClockId);

/// Clocks in order of their due moments, after a place in that order; of all states when none is
/// named.
///
/// # Errors
/// When the database does not answer.
pub fn list(
    conn: &mut Conn,
    states: &[ClockState],
    after: Option<Place>,
    limit: i64,
) -> Result<Vec<ClockRow>> {
    let of_states = || {
        let mut query = clocks::table
            .select(ClockRow::as_select())
            .limit(limit)
            .into_boxed();
        if !states.is_empty() {
            query = query.filter(clocks::state.eq_any(states.to_vec()));
        }
        query
    };
    let mut rows = Vec::new();
    if !matches!(after, Some((None, _))) {
        let mut query = of_states()
            .filter(clocks::due_at.is_not_null())
            .order((clocks::due_at, clocks::id));
        if let Some((Some(due), id)) = after {
            query = query.filter(
                clocks::due_at
                    .gt(due)
                    .or(clocks::due_at.eq(due).and(clocks::id.gt(id))),
            );
        }
        rows = query.load(conn)?;
    }
    let rest = limit - i64::try_from(rows.len()).unwrap_or(limit);
    if rest > 0 {
        let mut query = of_states()
            .filter(clocks::due_at.is_null())
            .order(clocks::id)
            .limit(rest);
        if let Some((None, id)) = after {
            query = query.filter(clocks::id.gt(id));
        }
        rows.extend(query.load(conn)?);
    }
    Ok(rows)
}

/// How many clocks may still run out, by how near that is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Past their deadline.
    pub past_due: i64,
    /// Due within that time.
    pub soon: i64,
    /// Due later.
    pub later: i64,
    /// Held, so that nothing falls due.
    pub held: i64,
}

/// Counts the clocks that may still run out; `soon` is the moment up to which they are due soon.
///
/// # Errors
/// When the database does not answer.
pub fn tally(conn: &mut Conn, now: Moment, soon: Moment) -> Result<Tally> {
    let open = || {
        clocks::table
            .filter(clocks::state.eq_any([ClockState::Running, ClockState::Paused]))
            .into_boxed()
    };
    Ok(Tally {
        past_due: open()
            .filter(clocks::due_at.lt(now))
            .count()
            .get_result(conn)?,
        soon: open()
            .filter(clocks::due_at.ge(now))
            .filter(clocks::due_at.le(soon))
            .count()
            .get_result(conn)?,
        later: open()
            .filter(clocks::due_at.gt(soon))
            .count()
            .get_result(conn)?,
        held: open()
            .filter(clocks::due_at.is_null())
            .count()
            .get_result(conn)?,
    })
}

/// The clocks of several incidents, in the order they were made.
///
/// # Errors
/// When the database does not answer.
pub fn of_incidents(conn: &mut Conn, incidents: &[IncidentId]) -> Result<Vec<ClockRow>> {
    Ok(clocks::table
        .filter(clocks::incident_id.among(incidents))
        .order(clocks::id)
        .select(ClockRow::as_select())
        .load(conn)?)
}

/// Declares an insertion of clocks with all their columns but the key, which may stand first.
macro_rules! insert_clocks {
    ($(#[$meta:meta])* $name:ident($row:ident) { $($key:tt)* } $($then:tt)*) => {
        bulk_insert! {
            $(#[$meta])*
            $name($row: ClockRow) into clocks {
                $($key)*
                incident_id: $row.incident_id,
                case_id: $row.case_id,
                metric: $row.metric,
                state: $row.state,
                severity: $row.severity,
                clause: $row.clause,
                calendar_id: $row.calendar_id,
                calendar_revision: $row.calendar_revision,
                started_at: $row.started_at,
                due_at: $row.due_at,
                provisional: $row.provisional,
                budget: $row.budget,
                spent: $row.spent,
                breached_at: $row.breached_at,
                stopped_at: $row.stopped_at,
                run: $row.run,
                interval: $row.interval,
                generation: $row.generation,
            }
            $($then)*
        }
    };
}

insert_clocks! {
    /// Makes clocks that have no row yet.
    InsertClocks(row) {}
    returning(case_id, metric, id)
}

insert_clocks! {
    /// Keeps clocks that have a row: this is an update of many at once, which has no other form on both
    /// databases.
    KeepClocks(row) { id: row.id, }
    on_conflict(id) set(
        state,
        severity,
        clause,
        calendar_id,
        calendar_revision,
        started_at,
        due_at,
        provisional,
        budget,
        spent,
        breached_at,
        stopped_at,
        run,
        interval,
        generation,
    )
}

/// Makes the rows of clocks that have none yet for their case and metric, and gives their keys.
///
/// # Errors
/// When the database does not take them.
pub fn insert(tx: &mut Tx<'_>, rows: &[ClockRow]) -> Result<HashMap<(CaseId, Metric), ClockId>> {
    let mut keys = HashMap::new();
    for some in groups(tx.conn(), rows) {
        let made: Vec<(CaseId, Metric, ClockId)> =
            per_backend!(tx.conn(), conn => InsertClocks::of(some).get_results(conn))?;
        keys.extend(
            made.into_iter()
                .map(|(case, metric, id)| ((case, metric), id)),
        );
    }
    Ok(keys)
}

/// Keeps clocks that have a row as they were judged.
///
/// # Errors
/// When the database does not take them.
pub fn keep(tx: &mut Tx<'_>, rows: &[ClockRow]) -> Result<()> {
    for some in groups(tx.conn(), rows) {
        per_backend!(tx.conn(), conn => KeepClocks::of(some).execute(conn))?;
    }
    Ok(())
}

/// The outcomes of a clock, in order of run and interval.
///
/// # Errors
/// When the database does not answer.
pub fn outcomes_of(conn: &mut Conn, clock: ClockId) -> Result<Vec<OutcomeRow>> {
    Ok(outcomes::table
        .filter(outcomes::clock_id.eq(clock))
        .order((outcomes::run, outcomes::interval))
        .select(OutcomeRow::as_select())
        .load(conn)?)
}

/// The outcomes of several clocks, each in order of run and interval.
///
/// # Errors
/// When the database does not answer.
pub fn outcomes_of_all(
    conn: &mut Conn,
    clocks: &[ClockId],
) -> Result<HashMap<ClockId, Vec<OutcomeRow>>> {
    let mut found: HashMap<ClockId, Vec<OutcomeRow>> = HashMap::new();
    for some in clocks.chunks(KEYS) {
        let rows: Vec<OutcomeRow> = outcomes::table
            .filter(outcomes::clock_id.among(some))
            .order((outcomes::clock_id, outcomes::run, outcomes::interval))
            .select(OutcomeRow::as_select())
            .load(conn)?;
        for row in rows {
            found.entry(row.clock_id).or_default().push(row);
        }
    }
    Ok(found)
}

/// Takes away the outcomes of a clock that do not hold any more.
///
/// # Errors
/// When the database does not take it.
pub fn drop_outcomes(tx: &mut Tx<'_>, gone: &[OutcomeRow]) -> Result<()> {
    for row in gone {
        diesel::delete(outcomes::table.find((row.clock_id, row.run, row.interval)))
            .execute(tx.conn())?;
    }
    Ok(())
}

bulk_insert! {
    /// Keeps outcomes that are not kept yet.
    InsertOutcomes(row: OutcomeRow) into outcomes {
        clock_id: row.clock_id,
        run: row.run,
        interval: row.interval,
        incident_id: row.incident_id,
        contract_id: row.contract_id,
        vendor_id: row.vendor_id,
        drill: row.drill,
        metric: row.metric,
        severity: row.severity,
        clause: row.clause,
        result: row.result,
        started_at: row.started_at,
        due_at: row.due_at,
        stopped_at: row.stopped_at,
        certain_at: row.certain_at,
        budget: row.budget,
        spent: row.spent,
        late_open: row.late_open,
    }
}

/// Keeps outcomes that are not kept yet.
///
/// # Errors
/// When the database does not take them.
pub fn keep_outcomes(tx: &mut Tx<'_>, rows: &[OutcomeRow]) -> Result<()> {
    for some in groups(tx.conn(), rows) {
        per_backend!(tx.conn(), conn => InsertOutcomes::of(some).execute(conn))?;
    }
    Ok(())
}

/// The steps taken of a clock in a generation.
///
/// # Errors
/// When the database does not answer.
pub fn taken(conn: &mut Conn, clock: ClockId, generation: i32) -> Result<BTreeMap<Taken, Deed>> {
    let rows: Vec<(i32, i32, i32, i32, Deed)> = steps::table
        .filter(steps::clock_id.eq(clock))
        .filter(steps::generation.eq(generation))
        .select((
            steps::run,
            steps::interval,
            steps::step,
            steps::repeat,
            steps::deed,
        ))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(run, interval, step, repeat, deed)| {
            let key = Taken {
                run,
                interval,
                step,
                repeat,
            };
            (key, deed)
        })
        .collect())
}

/// A step of a clock as it was taken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = steps)]
pub struct StepRow {
    /// The clock.
    pub clock_id: ClockId,
    /// In which generation.
    pub generation: i32,
    /// Run of the clock.
    pub run: i32,
    /// Interval of `update`.
    pub interval: i32,
    /// Place on the ladder from 0; −1 for the reminder after an acknowledgement.
    pub step: i32,
    /// 0 for the step itself.
    pub repeat: i32,
    /// The moment it was for.
    pub planned_at: Moment,
    /// When the service came to it.
    pub taken_at: Moment,
    /// What became of it.
    pub deed: Deed,
}

/// All steps taken of a clock, in their order.
///
/// # Errors
/// When the database does not answer.
pub fn steps_of(conn: &mut Conn, clock: ClockId) -> Result<Vec<StepRow>> {
    Ok(steps::table
        .filter(steps::clock_id.eq(clock))
        .order((
            steps::generation,
            steps::planned_at,
            steps::step,
            steps::repeat,
        ))
        .select(StepRow::as_select())
        .load(conn)?)
}

/// All steps taken of several clocks, in no order.
///
/// # Errors
/// When the database does not answer.
pub fn steps_of_all(conn: &mut Conn, clocks: &[ClockId]) -> Result<Vec<StepRow>> {
    let mut found = Vec::new();
    for some in clocks.chunks(KEYS) {
        let rows: Vec<StepRow> = steps::table
            .filter(steps::clock_id.among(some))
            .select(StepRow::as_select())
            .load(conn)?;
        found.extend(rows);
    }
    Ok(found)
}

bulk_insert! {
    /// Records steps.
    InsertSteps(row: StepRow) into steps {
        clock_id: row.clock_id,
        generation: row.generation,
        run: row.run,
        interval: row.interval,
        step: row.step,
        repeat: row.repeat,
        planned_at: row.planned_at,
        taken_at: row.taken_at,
        deed: row.deed,
    }
}

/// Records that steps were taken.
///
/// # Errors
/// When one of them was taken before, or the database does not take them.
pub fn take_steps(tx: &mut Tx<'_>, rows: &[StepRow]) -> Result<()> {
    for some in groups(tx.conn(), rows) {
        per_backend!(tx.conn(), conn => InsertSteps::of(some).execute(conn))?;
    }
    Ok(())
}

/// When a clock has to be looked at again; never, if there is no such moment.
#[derive(Clone, Copy, Debug)]
pub struct Timer {
    /// The clock.
    pub clock: ClockId,
    /// Its incident.
    pub incident: IncidentId,
    /// The moment.
    pub at: Option<Moment>,
}

/// The timers of several clocks.
///
/// # Errors
/// When the database does not answer.
pub fn timers_of(conn: &mut Conn, clocks: &[ClockId]) -> Result<HashMap<ClockId, Moment>> {
    let mut found = HashMap::new();
    for some in clocks.chunks(KEYS) {
        let rows: Vec<(ClockId, Moment)> = timers::table
            .filter(timers::clock_id.among(some))
            .select((timers::clock_id, timers::at))
            .load(conn)?;
        found.extend(rows);
    }
    Ok(found)
}

bulk_insert! {
    /// Keeps timers of clocks that have one or not.
    KeepTimers(row: (ClockId, IncidentId, Moment)) into timers {
        clock_id: row.0,
        incident_id: row.1,
        at: row.2,
    }
    on_conflict(clock_id) set(at)
}

/// Keeps when clocks have to be looked at again.
///
/// # Errors
/// When the database does not take it.
pub fn keep_timers(tx: &mut Tx<'_>, kept: &[Timer]) -> Result<()> {
    let over: Vec<ClockId> = kept
        .iter()
        .filter(|timer| timer.at.is_none())
        .map(|timer| timer.clock)
        .collect();
    for some in over.chunks(KEYS) {
        diesel::delete(timers::table.filter(timers::clock_id.among(some))).execute(tx.conn())?;
    }
    let waiting: Vec<(ClockId, IncidentId, Moment)> = kept
        .iter()
        .filter_map(|timer| Some((timer.clock, timer.incident, timer.at?)))
        .collect();
    for some in groups(tx.conn(), &waiting) {
        per_backend!(tx.conn(), conn => KeepTimers::of(some).execute(conn))?;
    }
    Ok(())
}

/// The incidents with a timer that is due, in order of the earliest, each once.
///
/// # Errors
/// When the database does not answer.
pub fn due(conn: &mut Conn, now: Moment, limit: i64) -> Result<Vec<IncidentId>> {
    let rows: Vec<IncidentId> = timers::table
        .filter(timers::at.le(now))
        .order((timers::at, timers::clock_id))
        .limit(limit)
        .select(timers::incident_id)
        .load(conn)?;
    let mut incidents = Vec::new();
    for id in rows {
        if !incidents.contains(&id) {
            incidents.push(id);
        }
    }
    Ok(incidents)
}

/// Whether a clock of the incident fell due before that moment and was not looked at since.
///
/// # Errors
/// When the database does not answer.
pub fn is_due(conn: &mut Conn, incident: IncidentId, now: Moment) -> Result<bool> {
    let overdue = timers::incident_id.eq(incident).and(timers::at.lt(now));
    Ok(diesel::select(diesel::dsl::exists(timers::table.filter(overdue))).get_result(conn)?)
}

/// When the next timer falls due.
///
/// # Errors
/// When the database does not answer.
pub fn next_timer(conn: &mut Conn) -> Result<Option<Moment>> {
    Ok(timers::table
        .order((timers::at, timers::clock_id))
        .select(timers::at)
        .first(conn)
        .optional()?)
}

/// Puts off the timers of an incident that could not be judged, so that the others are not held up.
///
/// # Errors
/// When the database does not take it.
pub fn put_off(tx: &mut Tx<'_>, incident: IncidentId, until: Moment) -> Result<()> {
    diesel::update(
        timers::table
            .filter(timers::incident_id.eq(incident))
            .filter(timers::at.lt(until)),
    )
    .set(timers::at.eq(until))
    .execute(tx.conn())?;
    Ok(())
}

/// The clocks that may still run out and count in a calendar, in order of their incidents.
///
/// # Errors
/// When the database does not answer.
pub fn counting_in(
    conn: &mut Conn,
    calendar: crate::domain::CalendarId,
) -> Result<Vec<(IncidentId, ClockId)>> {
    let open = [ClockState::Running, ClockState::Paused];
    let mut concerned: Vec<(IncidentId, ClockId)> = clocks::table
        .filter(clocks::calendar_id.eq(calendar))
        .filter(clocks::state.eq_any(open))
        .select((clocks::incident_id, clocks::id))
        .load(conn)?;
    concerned.sort();
    Ok(concerned)
}

/// Open clocks that were judged before the last edit of their calendar and will not be looked at by
/// `soon`: on PostgreSQL an incident may be raised in the very moment of an edit, so that neither sees
/// the other.
///
/// # Errors
/// When the database does not answer.
pub fn behind(conn: &mut Conn, soon: Moment) -> Result<Vec<(IncidentId, ClockId)>> {
    // One by one: joined with the calendars, SQLite goes over all open clocks.
    let edited: Vec<(CalendarId, i64)> = calendars::table
        .filter(calendars::revision.gt(1))
        .select((calendars::id, calendars::revision))
        .load(conn)?;
    let mut behind = Vec::new();
    for (calendar, revision) in edited {
        let not_seen_soon = timers::at.is_null().or(timers::at.gt(soon));
        let some: Vec<(IncidentId, ClockId)> = clocks::table
            .left_join(timers::table.on(timers::clock_id.eq(clocks::id)))
            .filter(clocks::calendar_id.eq(calendar))
            .filter(clocks::calendar_revision.lt(revision))
            // In the words of the index `clocks_behind`: SQLite does not use it for bound values.
            .filter(sql::<Bool>(
                "state IN ('running', 'paused') AND breached_at IS NULL",
            ))
            .filter(not_seen_soon)
            .select((clocks::incident_id, clocks::id))
            .load(conn)?;
        behind.extend(some);
    }
    behind.sort();
    Ok(behind)
}

/// Locks the incidents with an open clock that counts in that calendar, in order of key, and gives those
/// clocks.
///
/// # Errors
/// When the database does not answer.
pub fn lock_counting_in(
    tx: &mut Tx<'_>,
    calendar: crate::domain::CalendarId,
) -> Result<Vec<(IncidentId, ClockId)>> {
    let concerned = counting_in(tx.conn(), calendar)?;
    let mut locked = None;
    for (incident, _) in &concerned {
        if locked != Some(*incident) {
            super::incident::lock(tx, *incident)?;
            locked = Some(*incident);
        }
    }
    Ok(concerned)
}

/// Makes clocks of locked incidents due now, so that the engine judges them again.
///
/// # Errors
/// When the database does not take it.
pub fn wake(tx: &mut Tx<'_>, clocks: &[(IncidentId, ClockId)]) -> Result<()> {
    let at = Some(tx.clock());
    let timers: Vec<Timer> = clocks
        .iter()
        .map(|&(incident, clock)| Timer {
            clock,
            incident,
            at,
        })
        .collect();
    keep_timers(tx, &timers)
}
