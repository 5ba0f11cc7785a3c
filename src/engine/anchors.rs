//! Every hour the heads of the timelines that changed go into the anchor chain, and files that no event
//! took within a day are dropped.

use crate::domain::anchor::{Anchor, MOST_HEADS, seal};
use crate::domain::evidence::WAITS;
use crate::domain::received::UNPLACED_KEPT;
use crate::domain::timeline::GENESIS;
use crate::error::Result;
use crate::fault;
use crate::store::{self, Actor, Conn, Store, Tx};
use crate::time::{HOUR, Moment};

/// The name by which it is remembered when it ran last.
const ROUTINE: &str = "anchors";

/// Anchors what changed, if the hour has come; gives the number of anchors made.
///
/// After downtime it is made up for once. Nothing is made where nothing changed, and nothing twice, also
/// with several engines. More than 500 changed timelines make several anchors, each in a transaction
/// of its own, so that people's writes go between.
///
/// # Errors
/// When the database does not do as asked; the hour stays due then.
pub fn run_due(store: &Store) -> Result<u32> {
    let mut made = 0;
    loop {
        let now = store.now()?;
        if store.read(next_due)?.is_some_and(|due| due > now) {
            return Ok(made);
        }
        let done = store.write(Actor::Engine, make)?;
        fault::point("anchor.committed");
        match done {
            Made::Some => made += 1,
            Made::Last => return Ok(made + 1),
            Made::None => return Ok(made),
        }
    }
}

/// When the next anchor is due: at the full hour (UTC) after the last.
///
/// # Errors
/// When the database does not answer.
pub fn next_due(conn: &mut Conn) -> Result<Option<Moment>> {
    let last = store::routine::last_run(conn, ROUTINE)?;
    Ok(Some(last.map_or(Moment::default(), |last| last + HOUR)))
}

/// What one transaction made.
enum Made {
    /// An anchor, and there is more.
    Some,
    /// An anchor, which took all there was.
    Last,
    /// Nothing changed, or another engine was first.
    None,
}

fn make(tx: &mut Tx<'_>) -> Result<Made> {
    let heads = store::anchor::wanted(tx, MOST_HEADS as i64)?;
    let is_last = heads.len() < MOST_HEADS;
    if is_last {
        let hour = full_hour(tx.now());
        if !store::routine::ran(tx, ROUTINE, hour)? {
            return Ok(Made::None);
        }
        let before = tx.now() - WAITS;
        store::evidence::drop_waiting(tx, before)?;
        let before = tx.now() - UNPLACED_KEPT;
        store::received::drop_unplaced(tx, before)?;
    }
    if heads.is_empty() {
        return Ok(Made::None);
    }
    let (number, previous_hash) = match store::anchor::latest(tx.conn())? {
        Some(last) => (last.number + 1, last.hash),
        None => (1, GENESIS.to_string()),
    };
    let at = tx.now();
    let anchor = Anchor {
        number,
        at,
        hash: seal(number, at, &previous_hash, &heads)?,
        previous_hash,
    };
    store::anchor::insert(tx, &anchor, &heads)?;
    let detail = serde_json::json!({"hash": anchor.hash, "incidents": heads.len()});
    tx.record("anchor", number, "made", &detail)?;
    fault::point("anchor.made");
    Ok(if is_last { Made::Last } else { Made::Some })
}

fn full_hour(at: Moment) -> Moment {
    at - at.micros().rem_euclid(HOUR)
}
