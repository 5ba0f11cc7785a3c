//! The anchor chain: its own links and hashes, and that each timeline still holds the head that an
//! anchor took of it.

use super::{Fault, PAGE, Place, Tell, Walked, fault};
use crate::domain::anchor::{Anchor, Head, seal};
use crate::domain::timeline::GENESIS;
use crate::error::Result;
use crate::store::Conn;
use crate::store::anchor::{Held, held, in_order};

pub(super) fn walk(
    conn: &mut Conn,
    given: Option<&str>,
    walked: &mut Walked,
    tell: &mut Tell<'_>,
) -> Result<()> {
    let mut next = 1;
    let mut previous = GENESIS.to_string();
    let mut after = i64::MIN;
    loop {
        let page = in_order(conn, after, PAGE)?;
        let Some(last) = page.last() else {
            break;
        };
        after = last.number;
        for anchor in page {
            walked.anchors += 1;
            let heads = held(conn, anchor.number)?;
            for fault in of_anchor(&anchor, &heads, next, &previous)? {
                tell(walked, fault)?;
            }
            next = anchor.number.saturating_add(1);
            previous.clone_from(&anchor.hash);
            if given.is_some_and(|given| anchor.hash.starts_with(given)) {
                walked.given = Some(anchor);
            }
        }
    }
    if let (Some(given), None) = (given, &walked.given) {
        let what = format!(
            "no anchor begins with {given}: the end of the anchor chain was cut off, or it was written anew, or the head is another installation's"
        );
        tell(walked, fault(Place::Given, what))?;
    }
    Ok(())
}

fn of_anchor(anchor: &Anchor, heads: &[Held], next: i64, previous: &str) -> Result<Vec<Fault>> {
    let mut faults = Vec::new();
    let here = Place::Anchor(anchor.number);
    let is_gap = anchor.number != next;
    if is_gap {
        let what = match anchor.number - next {
            1 => format!("anchor {next} before it is missing"),
            _ => format!(
                "anchors {next} to {} before it are missing",
                anchor.number - 1
            ),
        };
        faults.push(fault(here, what));
    } else if anchor.previous_hash != previous {
        let what =
            "it does not follow the anchor before it; one of the two was changed or replaced";
        faults.push(fault(here, what.to_string()));
    }
    let own: Vec<Head> = heads.iter().map(|(head, _, _)| head.clone()).collect();
    if seal(anchor.number, anchor.at, &anchor.previous_hash, &own)? != anchor.hash {
        let what = "it was changed: it does not hash to what it says";
        faults.push(fault(here, what.to_string()));
    }
    for (head, last_seq, hash) in heads {
        let (place, count) = (Place::Incident(head.incident_id), head.event_count);
        let what = match (last_seq, hash) {
            (None, _) => format!(
                "the incident is missing; anchor {} knows it with {count} events",
                anchor.number
            ),
            (_, None) => format!(
                "event {count} is missing; anchor {} holds its hash",
                anchor.number
            ),
            (_, Some(hash)) if *hash != head.hash => format!(
                "event {count} is not the one whose hash anchor {} holds: the timeline was written anew",
                anchor.number
            ),
            _ => continue,
        };
        faults.push(fault(place, what));
    }
    Ok(faults)
}
