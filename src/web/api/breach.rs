//! The register of breaches.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use serde::Deserialize;

use crate::domain::{BreachId, VendorId};
use crate::error::{Error, Result};
use crate::report;
use crate::store::Conn;
use crate::web::state::block;
use crate::web::{Answer, Paging, State};

/// Whose breaches are asked for.
#[derive(Deserialize)]
pub struct Asked {
    vendor: Option<String>,
}

impl Asked {
    /// The vendor as it was named.
    pub(in crate::web) fn named(&self) -> Option<String> {
        self.vendor.clone()
    }

    /// The vendor, if one is named.
    ///
    /// # Errors
    /// At `vendor` when there is no such vendor.
    pub(in crate::web) fn vendor(&self, conn: &mut Conn) -> Result<Option<VendorId>> {
        let named = self.vendor.as_deref().map(str::trim);
        let Some(text) = named.filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        match report::vendor_called(conn, text)? {
            None => Err(Error::field(
                "vendor",
                format!("there is no vendor {text}; leave it out for all"),
            )),
            known => Ok(known),
        }
    }
}

/// `GET /breaches?vendor=`: newest first; practice and withdrawn entries are in it and say so.
pub async fn list(state: Data<State>, paging: Paging, asked: Query<Asked>) -> Answer {
    let store = state.store.clone();
    let listing = block(move || {
        let now = store.now()?;
        store.read(|conn| {
            let vendor = asked.vendor(conn)?;
            let rows = report::register(conn, vendor, paging.after()?, paging.rows(), now)?;
            Ok(paging.listing(rows, |entry| entry.id))
        })
    })
    .await?;
    Ok(HttpResponse::Ok().json(listing))
}

/// `GET /breaches/{id}`: by key or reference.
pub async fn show(state: Data<State>, key: Path<String>) -> Answer {
    let id = breach_id(&key)?;
    let store = state.store.clone();
    let entry = block(move || {
        let now = store.now()?;
        store.read(|conn| report::entry(conn, id, now))
    })
    .await?;
    Ok(HttpResponse::Ok().json(entry))
}

pub(in crate::web) fn breach_id(key: &str) -> Result<BreachId> {
    BreachId::parse(key).ok_or_else(|| Error::not_found("breach", key))
}
