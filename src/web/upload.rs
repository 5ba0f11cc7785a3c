//! Files in forms (`multipart/form-data`).

use actix_multipart::{Field, Multipart};
use actix_web::HttpRequest;
use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_util::{StreamExt, stream};

use super::error::{Answer, Fault};

/// A file that came with a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// The name of its field.
    pub field: String,
    /// Its own name, as the sender calls it.
    pub name: String,
    /// What is in it.
    pub content: Vec<u8>,
}

/// The parts of a form that can hold files.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) pairs: Vec<(String, String)>,
    pub(super) files: Vec<Upload>,
}

impl Parts {
    /// Reads a whole body. A file field in which nothing was chosen is left out.
    pub(super) async fn of(request: &HttpRequest, bytes: Bytes) -> Answer<Self> {
        let whole = stream::once(async { Ok::<_, PayloadError>(bytes) });
        let mut multipart = Multipart::new(request.headers(), Box::pin(whole));
        let mut parts = Self::default();
        while let Some(field) = multipart.next().await {
            let mut field = field.map_err(unreadable)?;
            let Some(name) = field.name().map(str::to_string) else {
                continue;
            };
            let file = field
                .content_disposition()
                .and_then(|shape| shape.get_filename())
                .map(str::to_string);
            let content = content(&mut field).await?;
            match file {
                None => parts
                    .pairs
                    .push((name, String::from_utf8_lossy(&content).into_owned())),
                Some(file) if !(file.is_empty() && content.is_empty()) => {
                    parts.files.push(Upload {
                        field: name,
                        name: file,
                        content,
                    });
                }
                Some(_) => {}
            }
        }
        Ok(parts)
    }

    /// What the same form sent again has too; the border between the parts is another each time.
    pub(super) fn essence(&self) -> Vec<u8> {
        let mut essence = Vec::new();
        let pairs = self
            .pairs
            .iter()
            .map(|(name, text)| (name, text.as_bytes()));
        let files = self.files.iter().map(|file| (&file.field, &*file.content));
        for (name, content) in pairs.chain(files) {
            for part in [name.as_bytes(), content] {
                essence.extend((part.len() as u64).to_be_bytes());
                essence.extend(part);
            }
        }
        essence
    }
}

async fn content(field: &mut Field) -> Answer<Vec<u8>> {
    let mut content = Vec::new();
    while let Some(chunk) = field.next().await {
        content.extend_from_slice(&chunk.map_err(unreadable)?);
    }
    Ok(content)
}

fn unreadable(error: actix_multipart::MultipartError) -> Fault {
    Fault::Malformed(format!("the form cannot be read: {error}"))
}
