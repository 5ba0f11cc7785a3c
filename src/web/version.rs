//! Edits say which version they were made from: `ETag` on reading, `If-Match` on changing.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use serde::Serialize;

use super::error::{Answer, Fault};
use crate::error::Refused;

/// The version named by `If-Match`, if there is that header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IfMatch(Option<i64>);

/// No thing has this version: an ETag that is not one of ours matches nothing.
const NO_VERSION: i64 = -1;

impl IfMatch {
    /// The version that the edit was made from.
    ///
    /// # Errors
    /// When the request does not say; `what` is to be changed, such as "the vendor".
    pub fn version_of(self, what: &str) -> Answer<i64> {
        let what = what.to_string();
        self.0
            .ok_or_else(|| Refused::PreconditionMissing { what }.into())
    }
}

impl FromRequest for IfMatch {
    type Error = Fault;
    type Future = Ready<Answer<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let header = request.headers().get(header::IF_MATCH);
        ready(Ok(IfMatch(header.map(|value| {
            value.to_str().ok().and_then(version).unwrap_or(NO_VERSION)
        }))))
    }
}

/// Shows something as JSON with the ETag of its version.
pub fn with_etag(version: i64, body: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::ETAG, format!("\"{version}\"")))
        .json(body)
}

/// A proxy that compresses answers makes weak tags of ours; they still name one version.
fn version(tag: &str) -> Option<i64> {
    let tag = tag.trim();
    tag.strip_prefix("W/")
        .unwrap_or(tag)
        .strip_prefix('"')?
        .strip_suffix('"')?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_tags_name_a_version() {
        assert_eq!(version("\"7\""), Some(7));
        assert_eq!(version("W/\"7\""), Some(7));
        assert_eq!(version("7"), None);
        assert_eq!(version("*"), None);
        assert_eq!(version("\"abc\""), None);
    }
}
