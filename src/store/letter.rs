//! The outbox: letters queued in the transaction of their cause, leased, sent outside any transaction,
//! settled.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use super::among::AmongValues;
use super::bulk::{bulk_insert, groups};
use super::{Conn, Tx};
use crate::domain::letter::{LetterFacts, LetterKind, LetterState, Recipient};
use crate::domain::outbox::{Due, LEASE, Letter, message_id, moot, thread_id};
use crate::domain::words::ClockState;
use crate::domain::{BreachId, CaseId, ClockId, ContactId, IncidentId, LetterId};
use crate::error::{Error, Result};
use crate::per_backend;
use crate::schema::{breaches, clocks, letters, withdrawals};
use crate::time::Moment;

/// A letter about to be queued.
#[derive(Clone, Debug)]
pub struct NewLetter {
    /// What makes it the only one of its kind.
    pub key: String,
    /// What it is for.
    pub kind: LetterKind,
    /// The incident it is about.
    pub incident_id: Option<IncidentId>,
    /// The case.
    pub case_id: Option<CaseId>,
    /// The clock.
    pub clock_id: Option<ClockId>,
    /// The breach it tells of or corrects.
    pub breach_id: Option<BreachId>,
    /// The vendor's contact it goes to.
    pub contact_id: Option<ContactId>,
    /// Who gets it.
    pub recipient: Recipient,
    /// What it says: [`LetterFacts`] as JSON.
    pub facts: String,
    /// The moment it is for.
    pub planned_at: Moment,
    /// It waits until then: the recipient's hours.
    pub not_before: Moment,
}

/// A letter as it goes into the outbox.
struct Row<'a> {
    new: &'a NewLetter,
    created_at: Moment,
    next_attempt_at: Moment,
    message_id: String,
    thread: Option<String>,
}

bulk_insert! {
    /// Queues letters but those that were queued before.
    InsertLetters(row: Row<'a>) into letters {
        key: row.new.key,
        kind: row.new.kind,
        incident_id: row.new.incident_id,
        case_id: row.new.case_id,
        clock_id: row.new.clock_id,
        breach_id: row.new.breach_id,
        contact_id: row.new.contact_id,
        name: row.new.recipient.name,
        email: row.new.recipient.email,
        locale: row.new.recipient.locale,
        time_zone: row.new.recipient.time_zone,
        side: row.new.recipient.side,
        facts: row.new.facts,
        state: LetterState::Queued,
        planned_at: row.new.planned_at,
        created_at: row.created_at,
        next_attempt_at: row.next_attempt_at,
        attempts: 0_i32,
        lease: 0_i64,
        in_doubt: false,
        message_id: row.message_id,
        thread: row.thread,
    }
    on_conflict(key) nothing
}

/// Queues letters, but none of whose key one was queued before; gives how many were new.
///
/// # Errors
/// When the database does not take them.
pub fn queue(tx: &mut Tx<'_>, new: &[NewLetter]) -> Result<u32> {
    let created_at = tx.now();
    let rows: Vec<Row<'_>> = new
        .iter()
        .map(|new| Row {
            new,
            created_at,
            next_attempt_at: tx.goes_at(new.not_before),
            message_id: message_id(new.incident_id, &new.key),
            thread: new
                .incident_id
                .map(|incident| thread_id(&incident.reference(), &new.recipient.email)),
        })
        .collect();
    let mut queued = 0;
    for some in groups(tx.conn(), &rows) {
        let some = per_backend!(tx.conn(), conn => InsertLetters::of(some).execute(conn))?;
        queued += u32::try_from(some).unwrap_or(u32::MAX);
    }
    Ok(queued)
}

/// One letter.
///
/// # Errors
/// When there is none.
pub fn get(conn: &mut Conn, id: LetterId) -> Result<Letter> {
    letters::table
        .find(id)
        .select(Letter::as_select())
        .get_result(conn)
        .optional()?
        .ok_or_else(|| Error::not_found("letter", id))
}

/// The bytes of a letter as they were sent.
///
/// # Errors
/// When there is no such letter.
pub fn message(conn: &mut Conn, id: LetterId) -> Result<Option<Vec<u8>>> {
    letters::table
        .find(id)
        .select(letters::message)
        .get_result(conn)
        .optional()?
        .ok_or_else(|| Error::not_found("letter", id))
}

/// Letters, newest first, from below a key on; of one state or incident if they are named.
///
/// # Errors
/// When the database does not answer.
pub fn list(
    conn: &mut Conn,
    state: Option<LetterState>,
    incident: Option<IncidentId>,
    before: Option<LetterId>,
    limit: i64,
) -> Result<Vec<Letter>> {
    let mut query = letters::table
        .order(letters::id.desc())
        .limit(limit)
        .select(Letter::as_select())
        .into_boxed();
    if let Some(state) = state {
        query = query.filter(letters::state.eq(state));
    }
    if let Some(incident) = incident {
        query = query.filter(letters::incident_id.eq(incident));
    }
    if let Some(before) = before {
        query = query.filter(letters::id.lt(before));
    }
    Ok(query.load(conn)?)
}

/// How many letters stand in each state.
///
/// # Errors
/// When the database does not answer.
pub fn counts(conn: &mut Conn) -> Result<Vec<(LetterState, i64)>> {
    Ok(letters::table
        .group_by(letters::state)
        .select((letters::state, diesel::dsl::count_star()))
        .load(conn)?)
}

/// The letters that told of a breach.
///
/// # Errors
/// When the database does not answer.
pub fn of_breach(conn: &mut Conn, breach: BreachId) -> Result<Vec<Letter>> {
    // By its incident: an index of breaches would cost each letter a write for the sake of these few.
    let incident: IncidentId = breaches::table
        .find(breach)
        .select(breaches::incident_id)
        .get_result(conn)?;
    Ok(letters::table
        .filter(letters::incident_id.eq(incident))
        .filter(letters::breach_id.eq(breach))
        .filter(letters::kind.ne(LetterKind::Corrected))
        .order(letters::id)
        .select(Letter::as_select())
        .load(conn)?)
}

/// Everyone who was, or still is to be, written to about a case, one letter for each address.
///
/// # Errors
/// When the database does not answer.
pub fn told_of_case(conn: &mut Conn, case: CaseId) -> Result<Vec<Letter>> {
    let mut told: Vec<Letter> = letters::table
        .filter(letters::case_id.eq(case))
        .filter(letters::state.ne(LetterState::Cancelled))
        .order(letters::id)
        .select(Letter::as_select())
        .load(conn)?;
    let mut seen = HashSet::new();
    told.retain(|letter| seen.insert(letter.email.clone()));
    Ok(told)
}

/// The first letters whose moment has come or whose lease has ended, in the order of their moments.
///
/// # Errors
/// When the database does not answer.
pub fn due(conn: &mut Conn, now: Moment, limit: i64) -> Result<Vec<Due>> {
    type Row = (LetterId, String, Moment);
    let place = (letters::id, letters::email, letters::next_attempt_at);
    // Two questions, since each then reads no more of the index than it answers with.
    let waiting: Vec<Row> = letters::table
        .filter(letters::state.eq(LetterState::Queued))
        .filter(letters::next_attempt_at.le(now))
        .order((letters::next_attempt_at, letters::id))
        .limit(limit)
        .select(place)
        .load(conn)?;
    let lapsed: Vec<Row> = letters::table
        .filter(letters::state.eq(LetterState::Leased))
        .filter(letters::leased_until.le(now))
        .order((letters::next_attempt_at, letters::id))
        .limit(limit)
        .select(place)
        .load(conn)?;
    let mut due: Vec<Row> = waiting.into_iter().chain(lapsed).collect();
    due.sort_by_key(|(id, _, at)| (*at, *id));
    due.truncate(limit.unsigned_abs() as usize);
    Ok(due
        .into_iter()
        .map(|(id, email, _)| Due { id, email })
        .collect())
}

/// Takes a lease on the first letters whose moment has come; a lease that has ended is taken over.
///
/// # Errors
/// When the database does not take it.
pub fn lease(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<Letter>> {
    let now = tx.now();
    let due = due(tx.conn(), now, limit)?;
    let ids: Vec<LetterId> = due.into_iter().map(|letter| letter.id).collect();
    take(tx, &ids)
}

/// Takes a lease on those letters, as far as they are due and nobody else holds them, in the order of
/// their moments.
///
/// # Errors
/// When the database does not take it.
pub fn take(tx: &mut Tx<'_>, ids: &[LetterId]) -> Result<Vec<Letter>> {
    let now = tx.now();
    let waiting = letters::state
        .eq(LetterState::Queued)
        .and(letters::next_attempt_at.le(now));
    let lapsed = letters::state
        .eq(LetterState::Leased)
        .and(letters::leased_until.le(now));
    let due = letters::table
        .filter(letters::id.among(ids))
        .filter(waiting.or(lapsed.assume_not_null()));
    let ids: Vec<LetterId> = match tx.conn() {
        Conn::Postgres(conn) => due
            .select(letters::id)
            .for_update()
            .skip_locked()
            .load(conn)?,
        Conn::Sqlite(conn) => due.select(letters::id).load(conn)?,
    };
    // Whoever held a lapsed lease may have sent the letter before it died.
    diesel::update(
        letters::table
            .filter(letters::id.among(&ids))
            .filter(letters::state.eq(LetterState::Leased)),
    )
    .set(letters::in_doubt.eq(true))
    .execute(tx.conn())?;
    diesel::update(letters::table.filter(letters::id.among(&ids)))
        .set((
            letters::state.eq(LetterState::Leased),
            letters::lease.eq(letters::lease + 1),
            letters::leased_until.eq(now + LEASE),
        ))
        .execute(tx.conn())?;
    Ok(letters::table
        .filter(letters::id.among(&ids))
        .order((letters::next_attempt_at, letters::id))
        .select(Letter::as_select())
        .load(tx.conn())?)
}

/// Has letters wait for that moment; those that somebody holds or has settled stay as they are.
///
/// # Errors
/// When the database does not take it.
pub fn put_off(tx: &mut Tx<'_>, letters: &[(LetterId, Moment)]) -> Result<()> {
    for (id, until) in letters {
        let waiting = letters::table
            .find(id)
            .filter(letters::state.eq(LetterState::Queued));
        diesel::update(waiting)
            .set(letters::next_attempt_at.eq(*until))
            .execute(tx.conn())?;
    }
    Ok(())
}

/// Gives a leased letter back untried, to wait for that moment; says whether it was still held by that
/// lease.
///
/// # Errors
/// When the database does not take it.
pub fn give_back(tx: &mut Tx<'_>, id: LetterId, lease: i64, until: Moment) -> Result<bool> {
    let held = letters::table
        .find(id)
        .filter(letters::lease.eq(lease))
        .filter(letters::state.eq(LetterState::Leased));
    let given = diesel::update(held)
        .set((
            letters::state.eq(LetterState::Queued),
            letters::next_attempt_at.eq(until),
            letters::leased_until.eq(None::<Moment>),
        ))
        .execute(tx.conn())?;
    Ok(given == 1)
}

/// How the clocks and breaches stand that letters are about.
#[derive(Debug, Default)]
pub struct Standing {
    clocks: HashMap<ClockId, (ClockState, i32, i32)>,
    withdrawn: HashSet<BreachId>,
}

impl Standing {
    /// Why a letter is not needed any more, if so.
    pub fn moot(&self, letter: &Letter) -> Option<&'static str> {
        let clock = letter.clock_id.and_then(|id| self.clocks.get(&id));
        let same_lap = match (clock, &letter.facts) {
            (Some((_, run, interval)), LetterFacts::Incident(facts)) => {
                facts.clocks.first().is_none_or(|stated| {
                    stated.interval == *interval && (stated.run == 0 || stated.run == *run)
                })
            }
            _ => true,
        };
        let withdrawn = letter
            .breach_id
            .is_some_and(|id| self.withdrawn.contains(&id));
        let open = clock.map(|(state, ..)| state.is_open());
        moot(letter, open, same_lap, withdrawn)
    }
}

/// How the clocks and breaches of those letters stand now.
///
/// # Errors
/// When the database does not answer.
pub fn standing(conn: &mut Conn, of: &[Letter]) -> Result<Standing> {
    let clock_ids: Vec<ClockId> = of.iter().filter_map(|letter| letter.clock_id).collect();
    let breach_ids: Vec<BreachId> = of.iter().filter_map(|letter| letter.breach_id).collect();
    let mut standing = Standing::default();
    if !clock_ids.is_empty() {
        let rows: Vec<(ClockId, ClockState, i32, i32)> = clocks::table
            .filter(clocks::id.eq_any(clock_ids))
            .select((clocks::id, clocks::state, clocks::run, clocks::interval))
            .load(conn)?;
        let rows = rows.into_iter();
        standing.clocks = rows
            .map(|(id, state, run, interval)| (id, (state, run, interval)))
            .collect();
    }
    if !breach_ids.is_empty() {
        let withdrawn: Vec<BreachId> = withdrawals::table
            .filter(withdrawals::breach_id.eq_any(breach_ids))
            .select(withdrawals::breach_id)
            .load(conn)?;
        standing.withdrawn = withdrawn.into_iter().collect();
    }
    Ok(standing)
}

/// A letter as it went out.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Its subject.
    pub subject: String,
    /// Its plain text.
    pub text: String,
    /// Its HTML.
    pub html: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What became of a leased letter.
#[derive(Clone, Debug)]
pub enum Settlement {
    /// Taken by the mail server.
    Sent,
    /// To be tried again at that moment.
    Retry(Moment, String),
    /// Lost after the content had begun to flow: tried again at that moment, or given up.
    InDoubt(Option<Moment>, String),
    /// Refused for good, or given up.
    Failed(String),
    /// Not needed any more.
    Cancelled(String),
}

/// Settles a letter that is still held by that lease; says whether it was.
///
/// # Errors
/// When the database does not take it.
pub fn settle(
    tx: &mut Tx<'_>,
    id: LetterId,
    lease: i64,
    sent: Option<&Sent>,
    how: &Settlement,
) -> Result<bool> {
    let now = tx.now();
    let tried = i32::from(!matches!(how, Settlement::Cancelled(_)));
    let (state, next, error, settled) = match how {
        Settlement::Sent => (LetterState::Sent, now, None, Some(now)),
        Settlement::Retry(at, error) => (LetterState::Queued, *at, Some(error), None),
        Settlement::InDoubt(Some(at), error) => (LetterState::Queued, *at, Some(error), None),
        Settlement::Failed(error) | Settlement::InDoubt(None, error) => {
            (LetterState::Failed, now, Some(error), Some(now))
        }
        Settlement::Cancelled(reason) => (LetterState::Cancelled, now, Some(reason), Some(now)),
    };
    let held = letters::table
        .find(id)
        .filter(letters::lease.eq(lease))
        .filter(letters::state.eq(LetterState::Leased));
    let kept = (
        letters::state.eq(state),
        letters::next_attempt_at.eq(next),
        letters::attempts.eq(letters::attempts + tried),
        letters::leased_until.eq(None::<Moment>),
        letters::last_error.eq(error),
        letters::settled_at.eq(settled),
    );
    // One statement where a letter went out, which is nearly always: its row is long.
    let settled = match sent {
        Some(sent) => {
            let written = (
                letters::subject.eq(&sent.subject),
                letters::body_text.eq(&sent.text),
                letters::body_html.eq(&sent.html),
                letters::message.eq(&sent.bytes),
            );
            diesel::update(held).set((kept, written)).execute(tx.conn())
        }
        None => diesel::update(held).set(kept).execute(tx.conn()),
    }?;
    if settled == 1 && matches!(how, Settlement::InDoubt(..)) {
        diesel::update(letters::table.find(id))
            .set(letters::in_doubt.eq(true))
            .execute(tx.conn())?;
    }
    Ok(settled == 1)
}

/// Cancels a letter that nobody is sending; says whether it was still waiting.
///
/// # Errors
/// When the database does not take it.
pub fn cancel(tx: &mut Tx<'_>, id: LetterId, reason: &str) -> Result<bool> {
    let now = tx.now();
    let waiting = letters::table
        .find(id)
        .filter(letters::state.eq(LetterState::Queued));
    let cancelled = diesel::update(waiting)
        .set((
            letters::state.eq(LetterState::Cancelled),
            letters::last_error.eq(reason),
            letters::settled_at.eq(now),
        ))
        .execute(tx.conn())?;
    Ok(cancelled == 1)
}

/// Puts a failed or cancelled letter back into the queue, to be tried from now on; says whether it was
/// one.
///
/// # Errors
/// When the database does not take it.
pub fn requeue(tx: &mut Tx<'_>, id: LetterId) -> Result<bool> {
    let now = tx.now();
    let over = letters::table
        .find(id)
        .filter(letters::state.eq_any([LetterState::Failed, LetterState::Cancelled]));
    let queued = diesel::update(over)
        .set((
            letters::state.eq(LetterState::Queued),
            letters::attempts.eq(0),
            letters::next_attempt_at.eq(now),
            letters::settled_at.eq(None::<Moment>),
        ))
        .execute(tx.conn())?;
    Ok(queued == 1)
}

/// When the next letter has to be looked at: its attempt, or the end of a lease that was not settled.
///
/// # Errors
/// When the database does not answer.
pub fn next_due(conn: &mut Conn) -> Result<Option<Moment>> {
    let waiting: Option<Moment> = letters::table
        .filter(letters::state.eq(LetterState::Queued))
        .order(letters::next_attempt_at)
        .select(letters::next_attempt_at)
        .first(conn)
        .optional()?;
    let lapsing: Option<Moment> = letters::table
        .filter(letters::state.eq(LetterState::Leased))
        .filter(letters::leased_until.is_not_null())
        .order(letters::leased_until)
        .select(letters::leased_until.assume_not_null())
        .first(conn)
        .optional()?;
    Ok([waiting, lapsing].into_iter().flatten().min())
}
