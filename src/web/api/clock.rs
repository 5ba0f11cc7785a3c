//! The clocks of all incidents: the board.

use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use serde::{Deserialize, Serialize};

use super::incident::ClockBody;
use crate::domain::ClockId;
use crate::domain::words::ClockState;
use crate::error::Error;
use crate::store::clock;
use crate::time::Moment;
use crate::web::{Answer, Paging, State, read};

/// Which clocks are asked for.
#[derive(Deserialize)]
pub struct Asked {
    /// States, separated by commas; none named: running ones.
    state: Option<String>,
    order: Option<String>,
}

/// Place in the list: after that due moment and clock.
#[derive(Serialize, Deserialize)]
struct Place(Moment, ClockId);

/// `GET /clocks?state=running,paused&order=due_at`: those with a due moment, soonest first.
pub async fn list(state: Data<State>, paging: Paging, asked: Query<Asked>) -> Answer {
    if let Some(order) = asked.order.as_deref().filter(|order| *order != "due_at") {
        return Err(Error::field(
            "order",
            format!("\"{order}\" is not known; clocks come in order of due_at"),
        )
        .into());
    }
    let mut states = Vec::new();
    for word in asked.state.as_deref().unwrap_or("running").split(',') {
        let state: ClockState = word
            .trim()
            .parse()
            .map_err(|wrong: String| Error::field("state", wrong))?;
        states.push(state);
    }
    let listing = read(&state, move |conn| {
        let after: Option<Place> = paging.after()?;
        let rows = clock::list(
            conn,
            &states,
            after.map(|place| (place.0, place.1)),
            paging.rows(),
        )?;
        let listing = paging.listing(rows, |row| Place(row.due_at.unwrap_or_default(), row.id));
        Ok(listing.map(|row| ClockBody::of(row, None)))
    })
    .await?;
    Ok(HttpResponse::Ok().json(listing))
}
