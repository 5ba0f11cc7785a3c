//! Clocks whose moment has come: breaches, steps, letters.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

use crate::consequence::{Cause, Followed, follow, follow_all};
use crate::domain::IncidentId;
use crate::domain::incident::Incident;
use crate::error::{Error, Result};
use crate::fault;
use crate::store::{self, Actor, Store, Tx};
use crate::time::{MINUTE, Moment};

/// Incidents in one transaction; people's writes go between.
const BATCH: i64 = 200;

/// What a tick did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticked {
    /// The moment up to which everything is done.
    pub at: Moment,
    /// Incidents that were judged.
    pub incidents: u32,
    /// What followed.
    pub followed: Followed,
    /// Incidents that could not be judged and are tried again in a minute.
    pub put_off: u32,
}

impl Ticked {
    fn add(&mut self, part: Ticked) {
        self.incidents += part.incidents;
        self.followed += part.followed;
        self.put_off += part.put_off;
    }
}

/// Does everything that is due by now, in order of the due moment; leaves nothing behind.
///
/// # Errors
/// When the database does not do as asked; what was committed before stays done.
pub fn tick(store: &Store) -> Result<Ticked> {
    tick_while(store, &|| true)
}

/// Does what is due by now as long as `goes_on`, which is asked before each batch.
///
/// # Errors
/// As [`tick`].
pub fn tick_while(store: &Store, goes_on: &dyn Fn() -> bool) -> Result<Ticked> {
    let mut done = Ticked {
        at: store.now()?,
        ..Ticked::default()
    };
    wake_those_behind(store, done.at)?;
    let mut seen = HashSet::new();
    let limit = BATCH * i64::try_from(store.hands()).unwrap_or(1);
    while goes_on() {
        let now = done.at;
        let mut due = store.read(|conn| store::clock::due(conn, now, limit))?;
        // What was judged and is due again at the same moment would be so for ever.
        for stuck in due.extract_if(.., |incident| seen.contains(incident)) {
            tracing::error!(
                incident = stuck.reference(),
                "an incident stays due after it was judged; it is tried again in a minute"
            );
            put_off(store, stuck)?;
            done.put_off += 1;
        }
        if due.is_empty() {
            return Ok(done);
        }
        fault::point("tick.read");
        let mut judged = 0;
        for part in in_batches(store, &due) {
            let part = part?;
            judged += part.incidents;
            done.add(part);
        }
        if judged > 0 {
            seen.extend(due);
        } else {
            // All of them are held by somebody else, who will leave them judged.
            return Ok(done);
        }
    }
    Ok(done)
}

/// Judges what is due in batches, as many at a time as the database writes at a time.
fn in_batches(store: &Store, due: &[IncidentId]) -> Vec<Result<Ticked>> {
    let mut batches = due.chunks(BATCH as usize);
    let Some(first) = batches.next() else {
        return Vec::new();
    };
    thread::scope(|threads| {
        let others: Vec<_> = batches
            .map(|some| threads.spawn(|| one_batch(store, some)))
            .collect();
        let mut done = vec![one_batch(store, first)];
        for other in others {
            done.push(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    })
}

/// Judges some incidents in one transaction, or one by one where that fails.
fn one_batch(store: &Store, due: &[IncidentId]) -> Result<Ticked> {
    match batch(store, due.to_vec()) {
        Ok((incidents, followed)) => {
            fault::point("tick.committed");
            Ok(Ticked {
                incidents,
                followed,
                ..Ticked::default()
            })
        }
        Err(error @ (Error::Unavailable(_) | Error::InDoubt(_))) => Err(error),
        // One incident that cannot be judged must not hold up the others of its batch.
        Err(error) if due.len() > 1 => {
            tracing::warn!(%error, "a batch failed; its incidents are judged one by one");
            let mut done = Ticked::default();
            for incident in due {
                if let Ok(part) = alone(store, *incident) {
                    done.add(part);
                }
            }
            Ok(done)
        }
        Err(_) => alone(store, due[0]),
    }
}

/// Wakes clocks that an edit of their calendar did not find. One that could not be judged is looked at
/// within a minute anyway.
fn wake_those_behind(store: &Store, now: Moment) -> Result<()> {
    let soon = now + MINUTE;
    let behind = store.read(|conn| store::clock::behind(conn, soon))?;
    for some in behind.chunks(BATCH as usize) {
        let mut incidents: Vec<IncidentId> = some.iter().map(|(incident, _)| *incident).collect();
        incidents.dedup();
        store.write(Actor::Engine, move |tx| {
            for id in &incidents {
                store::incident::lock(tx, *id)?;
            }
            // Whoever held the lock may have judged them.
            let mut still = store::clock::behind(tx.conn(), soon)?;
            still.retain(|(incident, _)| incidents.binary_search(incident).is_ok());
            store::clock::wake(tx, &still)
        })?;
    }
    Ok(())
}

fn batch(store: &Store, due: Vec<IncidentId>) -> Result<(u32, Followed)> {
    // One incident over which the service breaks down must not hold up all others for ever.
    catch_unwind(AssertUnwindSafe(|| judged(store, due))).unwrap_or_else(|_| {
        Err(Error::Unexpected(anyhow::anyhow!(
            "the service broke down over it"
        )))
    })
}

fn judged(store: &Store, due: Vec<IncidentId>) -> Result<(u32, Followed)> {
    store.write(Actor::Engine, move |tx| {
        // One lock order for all: incidents by key. What judges them is read under their locks.
        let mut incidents = store::incident::lock_free(tx, &due)?;
        let followed = if tx.is_set_back() {
            one_by_one(tx, &mut incidents)?
        } else {
            follow_all(tx, &mut incidents, &Cause::Time)?
        };
        fault::point("tick.judged");
        Ok((u32::try_from(incidents.len()).unwrap_or(u32::MAX), followed))
    })
}

/// After the clock was set back incidents may have got further than it shows, each to a moment of its own.
fn one_by_one(tx: &mut Tx<'_>, incidents: &mut [Incident]) -> Result<Followed> {
    let mut followed = Followed::default();
    for incident in incidents {
        let reached = store::reached(tx.conn(), incident.id)?;
        followed += tx.no_earlier(reached, |tx| follow(tx, incident, &Cause::Time))?;
    }
    Ok(followed)
}

fn put_off(store: &Store, incident: IncidentId) -> Result<()> {
    store.write(Actor::Engine, move |tx| {
        store::incident::lock(tx, incident)?;
        let until = tx.clock() + MINUTE;
        store::clock::put_off(tx, incident, until)
    })
}

/// Judges one incident; one that cannot be judged is put off and reported.
fn alone(store: &Store, incident: IncidentId) -> Result<Ticked> {
    match batch(store, vec![incident]) {
        Ok((incidents, followed)) => Ok(Ticked {
            incidents,
            followed,
            ..Ticked::default()
        }),
        Err(error) => {
            tracing::error!(incident = incident.reference(), %error, "an incident could not be judged; it is tried again in a minute");
            put_off(store, incident)
                .map_err(|worse| Error::Unexpected(anyhow::anyhow!("{worse}, after {error}")))?;
            Ok(Ticked {
                incidents: 1,
                put_off: 1,
                ..Ticked::default()
            })
        }
    }
}
