//! Evidence that is handed over: bundles of an incident or a breach.

use std::io::{Seek, SeekFrom};

use actix_web::web::{Data, Path};
use anyhow::Context;

use super::breach::breach_id;
use super::incident::incident_id;
use crate::evidence::bundle::{About, write};
use crate::web::stream::{attachment, pieces};
use crate::web::{Answer, State, block};

/// `GET /incidents/{id}/bundle.zip`: everything about an incident.
pub async fn incident_bundle(state: Data<State>, key: Path<String>) -> Answer {
    let id = incident_id(&key)?;
    let name = format!("evidence-{}.zip", id.reference());
    bundle(&state, About::Incident(id), &name).await
}

/// `GET /breaches/{id}/bundle.zip`: the part of the vendor who did not keep it.
pub async fn breach_bundle(state: Data<State>, key: Path<String>) -> Answer {
    let id = breach_id(&key)?;
    let name = format!("evidence-{}.zip", id.reference());
    bundle(&state, About::Breach(id), &name).await
}

/// Made whole before the first byte leaves, so that what leaves is whole.
async fn bundle(state: &State, about: About, name: &str) -> Answer {
    let store = state.store.clone();
    let (file, size) = block(move || {
        let now = store.now()?;
        let mut file = tempfile::tempfile().context("no room for the bundle")?;
        store.read_as_one(|conn| write(conn, about, now, &mut file))?;
        let size = file
            .seek(SeekFrom::End(0))
            .context("the bundle cannot be read")?;
        file.seek(SeekFrom::Start(0))
            .context("the bundle cannot be read")?;
        Ok((file, size))
    })
    .await?;
    Ok(attachment(name, "application/zip", size, pieces(file)))
}
