//! The clocks of all incidents: the board.

use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use serde::Deserialize;

use super::incident::ClockBody;
use crate::consequence::{Judged, judged_all};
use crate::domain::IncidentId;
use crate::domain::clock::ClockRow;
use crate::domain::words::ClockState;
use crate::error::{Error, Result};
use crate::store::clock::Place;
use crate::store::{Conn, clock, incident};
use crate::time::Moment;
use crate::web::{Answer, Paging, State, block};

/// Which clocks are asked for.
#[derive(Deserialize)]
pub struct Asked {
    /// States, separated by commas; none named: those that may still run out.
    state: Option<String>,
    order: Option<String>,
}

impl Asked {
    fn states(&self) -> Result<Vec<ClockState>> {
        let Some(words) = self.state.as_deref().filter(|words| !words.is_empty()) else {
            return Ok(vec![ClockState::Running, ClockState::Paused]);
        };
        let states = words.split(',').map(|word| word.trim().parse());
        states
            .collect::<Result<_, String>>()
            .map_err(|wrong| Error::field("state", wrong))
    }
}

/// `GET /clocks?state=running,paused&order=due_at`: soonest first, those that are held last.
pub async fn list(state: Data<State>, paging: Paging, asked: Query<Asked>) -> Answer {
    if let Some(order) = asked.order.as_deref().filter(|order| *order != "due_at") {
        return Err(Error::field(
            "order",
            format!("\"{order}\" is not known; clocks come in order of due_at"),
        )
        .into());
    }
    let states = asked.states()?;
    let store = state.store.clone();
    let listing = block(move || {
        let now = store.now()?;
        store.read(|conn| {
            let rows = clock::list(conn, &states, paging.after()?, paging.rows())?;
            let listing = paging.listing(rows, |row| -> Place { (row.due_at, row.id) });
            let judged = judged_of(conn, &listing.items, now)?;
            let mut bodies = Vec::new();
            for row in listing.items {
                let found = judged
                    .iter()
                    .find(|judged| judged.incident.id == row.incident_id);
                bodies.extend(found.map(|judged| ClockBody::of(row, judged)));
            }
            Ok((bodies, listing.next))
        })
    })
    .await?;
    Ok(HttpResponse::Ok().json(serde_json::json!({"items": listing.0, "next": listing.1})))
}

/// The incidents of those clocks as they stand now.
pub(in crate::web) fn judged_of(
    conn: &mut Conn,
    rows: &[ClockRow],
    now: Moment,
) -> Result<Vec<Judged>> {
    let mut ids: Vec<IncidentId> = rows.iter().map(|row| row.incident_id).collect();
    ids.sort();
    ids.dedup();
    let incidents = incident::get_all(conn, &ids)?;
    judged_all(conn, incidents, now)
}
