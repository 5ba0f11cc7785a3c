//! The stylesheet, the script and the icon, compiled in.

use std::sync::OnceLock;

use actix_web::http::header::{self, EntityTag, IfNoneMatch, TryIntoHeaderValue};
use actix_web::web::{Header, Path};
use actix_web::{HttpRequest, HttpResponse, Responder};
use sha2::{Digest, Sha256};

use super::error::{Answer, Fault};

struct Asset {
    name: &'static str,
    kind: &'static str,
    content: &'static [u8],
    tag: OnceLock<String>,
}

macro_rules! assets {
    ($($name:literal $kind:literal),+ $(,)?) => {
        static ASSETS: [Asset; [$($name),+].len()] = [$(Asset {
            name: $name,
            kind: $kind,
            content: include_bytes!(concat!("assets/", $name)),
            tag: OnceLock::new(),
        }),+];
    };
}

assets! {
    "redress.css" "text/css; charset=utf-8",
    "redress.js" "text/javascript; charset=utf-8",
    "favicon.svg" "image/svg+xml",
}

/// Browsers keep a file and ask each time whether it is still the same: a new version of the service
/// shows at once, and an old one is never sent twice.
pub(super) async fn serve(
    request: HttpRequest,
    file: Path<String>,
    known: Option<Header<IfNoneMatch>>,
) -> Answer {
    let asset = ASSETS
        .iter()
        .find(|asset| asset.name == file.as_str())
        .ok_or(Fault::NoSuchPath)?;
    let hash = asset
        .tag
        .get_or_init(|| hex::encode(&Sha256::digest(asset.content)[..16]));
    // Weak, because what travels may be compressed.
    let tag = EntityTag::new_weak(hash.clone());
    let same = match known {
        Some(Header(IfNoneMatch::Any)) => true,
        Some(Header(IfNoneMatch::Items(tags))) => tags.iter().any(|known| known.weak_eq(&tag)),
        None => false,
    };
    let mut response = if same {
        HttpResponse::NotModified().finish()
    } else {
        HttpResponse::Ok()
            .content_type(asset.kind)
            .body(asset.content)
            .respond_to(&request)
            .map_into_boxed_body()
    };
    let headers = response.headers_mut();
    if let Ok(value) = header::ETag(tag).try_into_value() {
        headers.insert(header::ETAG, value);
    }
    headers.insert(
        header::CACHE_CONTROL,
        header::HeaderValue::from_static("public, no-cache"),
    );
    Ok(response)
}
