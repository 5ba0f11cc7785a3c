//! Files that arrive and are too long for memory: hashed on their way into a file without a name.

use std::fs::File;
use std::future::Future;
use std::io::{Seek, SeekFrom, Write};
use std::pin::Pin;

use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::dev::Payload;
use actix_web::web::{self, Bytes};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use anyhow::Context;
use futures_util::{Stream, StreamExt};
use sha2::{Digest, Sha256};

use super::body::LIMIT;
use super::error::{Answer, Fault};
use super::form::Form;
use crate::domain::evidence::{Arrived, CHUNK, MOST_BYTES, NAMES, harmless_name, harmless_type};
use crate::error::Error;

/// A file that arrived and lies outside of memory.
pub struct Spooled {
    /// The name of its field in a form.
    pub field: String,
    /// What is known of it.
    pub arrived: Arrived,
    /// Its content, from the beginning.
    pub content: File,
}

/// A form with files; without any it is read as every form.
pub struct FileForm {
    /// What was entered.
    pub form: Form,
    /// The files that were chosen, empty ones left out.
    pub files: Vec<Spooled>,
}

impl FromRequest for FileForm {
    type Error = Fault;
    type Future = Pin<Box<dyn Future<Output = Answer<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        if request.content_type() == "multipart/form-data" {
            let payload = payload.take();
            return Box::pin(async move {
                let (pairs, files) = parts(&request, payload).await?;
                let essence = essence(&pairs, &files);
                let form = Form::of_pairs(&request, pairs, &essence);
                Ok(Self { form, files })
            });
        }
        let form = Form::from_request(&request, payload);
        Box::pin(async move {
            Ok(Self {
                form: form.await?,
                files: Vec::new(),
            })
        })
    }
}

/// The texts and files of a multipart body.
pub(super) async fn parts(
    request: &HttpRequest,
    payload: Payload,
) -> Answer<(Vec<(String, String)>, Vec<Spooled>)> {
    let mut multipart = Multipart::new(request.headers(), payload);
    let (mut pairs, mut files) = (Vec::new(), Vec::new());
    let mut read = 0;
    while let Some(field) = multipart.next().await {
        let mut field = field.map_err(unreadable)?;
        let Some(name) = field.name().map(str::to_string) else {
            continue;
        };
        let shape = field.content_disposition();
        let file = shape
            .and_then(|shape| shape.get_filename())
            .map(str::to_string);
        match file {
            None => {
                let text = text(&mut field, &mut read).await?;
                pairs.push((name, text));
            }
            Some(file) => {
                let kind = field.content_type().map(ToString::to_string);
                let kind = kind.unwrap_or_default();
                let spooled = spool(&name, &file, &kind, &mut field).await?;
                if spooled.arrived.size > 0 {
                    files.push(spooled);
                }
                if files.len() > NAMES.len() {
                    let wrong = format!("at most {} files at once", NAMES.len());
                    return Err(Error::field(name, wrong).into());
                }
            }
        }
    }
    Ok((pairs, files))
}

async fn text(field: &mut Field, read: &mut usize) -> Answer<String> {
    let mut content = Vec::new();
    while let Some(chunk) = field.next().await {
        let chunk = chunk.map_err(unreadable)?;
        *read += chunk.len();
        if *read > LIMIT {
            return Err(Fault::TooLarge(LIMIT));
        }
        content.extend_from_slice(&chunk);
    }
    Ok(String::from_utf8_lossy(&content).into_owned())
}

/// Lets a file flow onto the disk.
pub(super) async fn spool<E: std::fmt::Display>(
    field: &str,
    name: &str,
    media_type: &str,
    mut content: impl Stream<Item = Result<Bytes, E>> + Unpin,
) -> Answer<Spooled> {
    let mut sink = Sink {
        file: tempfile::tempfile().context("no room for the file")?,
        hash: Sha256::new(),
        size: 0,
    };
    let mut waiting = Vec::with_capacity(CHUNK);
    while let Some(piece) = content.next().await {
        let piece = piece
            .map_err(|error| Fault::Malformed(format!("the file did not arrive whole: {error}")))?;
        if sink.size + (waiting.len() + piece.len()) as u64 > MOST_BYTES {
            return Err(Fault::TooLarge(MOST_BYTES as usize));
        }
        waiting.extend_from_slice(&piece);
        if waiting.len() >= CHUNK {
            sink = sink.take(std::mem::take(&mut waiting)).await?;
        }
    }
    let mut sink = sink.take(waiting).await?;
    sink.file
        .seek(SeekFrom::Start(0))
        .context("the file that arrived cannot be read")?;
    Ok(Spooled {
        field: field.to_string(),
        arrived: Arrived {
            name: harmless_name(name),
            media_type: harmless_type(media_type),
            size: sink.size,
            sha256: hex::encode(sink.hash.finalize()),
        },
        content: sink.file,
    })
}

struct Sink {
    file: File,
    hash: Sha256,
    size: u64,
}

impl Sink {
    /// Writes where waiting for the disk holds up nobody.
    async fn take(mut self, bytes: Vec<u8>) -> Answer<Self> {
        let written = web::block(move || {
            self.file.write_all(&bytes)?;
            self.hash.update(&bytes);
            self.size += bytes.len() as u64;
            Ok::<_, std::io::Error>(self)
        });
        let written = written.await.map_err(Fault::interrupted)?;
        Ok(written.context("no room for the file")?)
    }
}

/// What the same form sent again has too.
fn essence(pairs: &[(String, String)], files: &[Spooled]) -> Vec<u8> {
    let mut essence = Vec::new();
    let files = files.iter().map(|file| (&file.field, &file.arrived.sha256));
    for (name, content) in pairs.iter().map(|(name, text)| (name, text)).chain(files) {
        for part in [name, content] {
            essence.extend((part.len() as u64).to_be_bytes());
            essence.extend(part.as_bytes());
        }
    }
    essence
}

fn unreadable(error: MultipartError) -> Fault {
    Fault::Malformed(format!("the form cannot be read: {error}"))
}
