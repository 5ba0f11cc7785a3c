//! The anchor chain.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde::Serialize;

use crate::domain::anchor::{Anchor, Head};
use crate::error::Error;
use crate::store::anchor;
use crate::web::{Answer, Paging, State, read};

#[derive(Serialize)]
struct LineBody {
    #[serde(flatten)]
    anchor: Anchor,
    /// How many heads it holds.
    incidents: i64,
}

#[derive(Serialize)]
struct AnchorBody {
    #[serde(flatten)]
    anchor: Anchor,
    /// In the order in which they are sealed.
    heads: Vec<HeadBody>,
}

#[derive(Serialize)]
struct HeadBody {
    incident: String,
    count: i64,
    hash: String,
}

impl HeadBody {
    fn of(head: Head) -> Self {
        Self {
            incident: head.incident_id.reference(),
            count: head.event_count,
            hash: head.hash,
        }
    }
}

/// `GET /anchors`: newest first.
pub async fn list(state: Data<State>, paging: Paging) -> Answer {
    let listing = read(&state, move |conn| {
        let rows = anchor::page(conn, paging.after()?, paging.rows())?;
        let listing = paging.listing(rows, |(anchor, _)| anchor.number);
        Ok(listing.map(|(anchor, incidents)| LineBody { anchor, incidents }))
    })
    .await?;
    Ok(HttpResponse::Ok().json(listing))
}

/// `GET /anchors/{number}`: with the heads it holds.
pub async fn show(state: Data<State>, number: Path<String>) -> Answer {
    let wanted = number.parse();
    let wanted: i64 = wanted.map_err(|_| Error::not_found("anchor", number.as_str()))?;
    let body = read(&state, move |conn| {
        let found = anchor::find(conn, wanted)?;
        let heads = anchor::heads(conn, wanted)?;
        Ok(AnchorBody {
            anchor: found,
            heads: heads.into_iter().map(HeadBody::of).collect(),
        })
    })
    .await?;
    Ok(HttpResponse::Ok().json(body))
}
