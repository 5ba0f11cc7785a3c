//! Evidence: files that go with events, and bundles of an incident or a breach that are handed over.

use std::io::{Seek, SeekFrom};

use actix_web::web::{Data, Path, Payload, Query};
use actix_web::{HttpMessage, HttpRequest};
use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::breach::breach_id;
use super::incident::incident_id;
use crate::actions;
use crate::domain::EvidenceId;
use crate::domain::evidence::File;
use crate::error::{Error, Result};
use crate::evidence::bundle::{About, write};
use crate::store::{Conn, chain, evidence};
use crate::web::idempotency::Once;
use crate::web::spool::{Spooled, parts, spool};
use crate::web::stream::{attachment, chunks, pieces};
use crate::web::{Answer, Caller, Done, State, act_once, block, read};

/// A file as the API shows it.
#[derive(Serialize)]
pub(super) struct FileBody {
    id: EvidenceId,
    sha256: String,
    size: i64,
    /// Missing when it was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    media_type: String,
}

impl FileBody {
    pub(super) fn of(file: File, name: Option<String>) -> Self {
        Self {
            id: file.id,
            sha256: file.sha256,
            size: file.size,
            name,
            media_type: file.media_type,
        }
    }
}

/// What a bare body does not say of itself.
#[derive(Deserialize)]
pub struct Named {
    name: Option<String>,
}

/// `POST /evidence?name=`: a file, as the body or as the first file of a form; an event then names it
/// by its SHA-256.
pub async fn upload(
    state: Data<State>,
    caller: Caller,
    request: HttpRequest,
    named: Query<Named>,
    payload: Payload,
) -> Answer {
    let spooled = if request.content_type() == "multipart/form-data" {
        let (_, files) = parts(&request, payload.into_inner()).await?;
        let first = files.into_iter().next();
        first.ok_or_else(|| Error::field("file", "there is no file in the form, or it is empty"))?
    } else {
        let name = named.name.clone().unwrap_or_default();
        spool("file", &name, request.content_type(), payload).await?
    };
    let once = Once::of_header(&request, spooled.arrived.sha256.as_bytes())?;
    let Spooled {
        arrived,
        mut content,
        ..
    } = spooled;
    act_once(&state, &caller, once, move |tx| {
        let id = actions::evidence::keep(tx, &arrived, &mut content)?;
        let file = evidence::find(tx.conn(), id)?;
        let body = FileBody::of(file, Some(arrived.name));
        Done::made(format!("/api/v1/evidence/{id}"), &body)
    })
    .await
}

/// `GET /evidence/{id}`: the content of a file. One that waits for an event is its sender's alone.
pub async fn download(state: Data<State>, caller: Caller, key: Path<String>) -> Answer {
    let id = key.parse().map(EvidenceId);
    let id = id.map_err(|_| Error::not_found("evidence", key.as_str()))?;
    let (file, name) = read(&state, move |conn| {
        let file = evidence::find(conn, id)?;
        let name = match file.event_id {
            None if file.person_id == caller.id => Some(file.name.clone()),
            None => None,
            Some(event) => name_of(conn, &file, event)?,
        };
        let name = name.ok_or_else(|| Error::not_found("evidence", id))?;
        Ok((file, name))
    })
    .await?;
    let size = file.size.unsigned_abs();
    let content = chunks(state.store.clone(), id);
    Ok(attachment(&name, &file.media_type, size, content))
}

/// The name of a file of an event; nothing when it was erased.
fn name_of(conn: &mut Conn, file: &File, event: i64) -> Result<Option<String>> {
    let texts = chain::texts_of(conn, &[event])?;
    let mut texts = texts.into_iter();
    let name = texts.find(|text| text.name == file.text_name());
    Ok(name.map(|text| text.content))
}

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
