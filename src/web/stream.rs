//! Answers that are longer than one wants in memory.

use std::fs::File;
use std::io::{self, Read};

use actix_web::HttpResponse;
use actix_web::body::SizedStream;
use actix_web::http::header::{
    self, Charset, ContentDisposition, ContentEncoding, DispositionParam, DispositionType,
    ExtendedValue,
};
use actix_web::web::{self, Bytes};
use futures_util::{Stream, stream};

use crate::domain::EvidenceId;
use crate::store::{self, Store};

/// How much is read at a time, in bytes.
const PIECE: usize = 256 * 1024;

/// What a browser may do with a file of somebody else's: keep it.
const POLICY: &str = "default-src 'none'; sandbox";

/// Answers with a file to be saved, whatever it is, under that name.
pub(super) fn attachment(
    name: &str,
    media_type: &str,
    size: u64,
    content: impl Stream<Item = io::Result<Bytes>> + 'static,
) -> HttpResponse {
    let plain: String = name
        .chars()
        .map(|letter| match letter {
            ' '..='~' if !matches!(letter, '"' | '\\' | '%' | '/') => letter,
            _ => '_',
        })
        .collect();
    let mut parameters = vec![DispositionParam::Filename(plain.clone())];
    if plain != name {
        parameters.push(DispositionParam::FilenameExt(ExtendedValue {
            charset: Charset::Ext("UTF-8".to_string()),
            language_tag: None,
            value: name.as_bytes().to_vec(),
        }));
    }
    HttpResponse::Ok()
        .content_type(media_type)
        // Compressed already, or not worth it.
        .insert_header(ContentEncoding::Identity)
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header(ContentDisposition {
            disposition: DispositionType::Attachment,
            parameters,
        })
        .body(SizedStream::new(size, Box::pin(content)))
}

/// A file of this machine piece by piece.
pub(super) fn pieces(file: File) -> impl Stream<Item = io::Result<Bytes>> {
    stream::unfold(Some(file), |file| async move {
        let mut file = file?;
        let read = web::block(move || {
            let mut piece = vec![0; PIECE];
            let length = file.read(&mut piece)?;
            piece.truncate(length);
            Ok::<_, io::Error>((file, piece))
        });
        match read.await.map_err(io::Error::other).flatten() {
            Ok((_, piece)) if piece.is_empty() => None,
            Ok((file, piece)) => Some((Ok(Bytes::from(piece)), Some(file))),
            Err(error) => Some((Err(error), None)),
        }
    })
}

/// The content of a file that is kept, chunk by chunk.
pub(super) fn chunks(store: Store, id: EvidenceId) -> impl Stream<Item = io::Result<Bytes>> {
    stream::unfold(Some(0), move |number| {
        let store = store.clone();
        async move {
            let number = number?;
            let read =
                web::block(move || store.read(|conn| store::evidence::chunk(conn, id, number)));
            match read.await.map_err(io::Error::other) {
                Ok(Ok(None)) => None,
                Ok(Ok(Some(chunk))) => Some((Ok(Bytes::from(chunk)), Some(number + 1))),
                Ok(Err(error)) => Some((Err(io::Error::other(error)), None)),
                Err(error) => Some((Err(error), None)),
            }
        }
    })
}
