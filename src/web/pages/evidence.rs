//! The hash chain: its head, the last anchors, and how to check a printed head.

use actix_web::web::Data;
use askama::Template;

use super::page;
use crate::domain::anchor::{Anchor, PrintedHead};
use crate::engine::anchors::next_due;
use crate::store::anchor;
use crate::web::access::Caller;
use crate::web::error::Answer;
use crate::web::frame::Frame;
use crate::web::paging::Paging;
use crate::web::shown::{Reader, Shown};
use crate::web::state::{State, block};

#[derive(Template)]
#[template(path = "evidence/show.html")]
struct ShowPage {
    frame: Frame,
    /// The newest anchor.
    head: Option<Line>,
    /// Whether something is not anchored yet.
    is_wanted: bool,
    next_due: Option<Shown>,
    anchors: Vec<Line>,
    first: &'static str,
    next: String,
}

struct Line {
    printed: PrintedHead,
    made: Shown,
    incidents: i64,
}

impl Line {
    fn new((anchor, incidents): (Anchor, i64), reader: Reader) -> Self {
        Self {
            made: reader.sees_here(anchor.at),
            printed: anchor.printed(),
            incidents,
        }
    }
}

/// Shows the anchor chain.
pub async fn show(state: Data<State>, frame: Frame, caller: Caller, paging: Paging) -> Answer {
    let (after, rows) = (paging.after::<i64>()?, paging.rows());
    let (store, zone) = (state.store.clone(), caller.time_zone.0);
    let shown = block(move || {
        let now = store.now()?;
        let reader = Reader { zone, now };
        store.read(|conn| {
            let newest = anchor::page(conn, None, 1)?.pop();
            let listing = paging.listing(anchor::page(conn, after, rows)?, |row| row.0.number);
            let is_wanted = anchor::is_wanted(conn)?;
            let due = next_due(conn)?.filter(|due| *due > now);
            Ok(ShowPage {
                frame,
                head: newest.map(|row| Line::new(row, reader)),
                is_wanted,
                next_due: due.map(|due| reader.sees_here(due)),
                anchors: listing
                    .items
                    .into_iter()
                    .map(|row| Line::new(row, reader))
                    .collect(),
                first: after.map_or("", |_| "/evidence"),
                next: listing
                    .next
                    .map_or_else(String::new, |cursor| format!("/evidence?cursor={cursor}")),
            })
        })
    })
    .await?;
    page(&shown)
}
