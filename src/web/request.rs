//! What every request gets: an id, a span that puts the id on each line of its log, the security
//! headers, and errors shown in the caller's manner.

use std::fmt;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{HttpMessage, HttpRequest};
use tracing::Instrument;
use uuid::Uuid;

use super::state::State;
use crate::domain::link::{ANSWER_PATH, VENDOR_PATH};
use crate::time::Stopwatch;

/// Names one request in the log and in its error answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(Uuid);

impl RequestId {
    /// The id of a request that passed [`accompany`].
    pub fn of(request: &HttpRequest) -> Self {
        request
            .extensions()
            .get::<RequestId>()
            .copied()
            .unwrap_or(Self(Uuid::nil()))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The outermost middleware of ours.
pub(super) async fn accompany(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let id = RequestId(Uuid::new_v4());
    request.extensions_mut().insert(id);
    let span = tracing::info_span!(
        "request",
        request_id = %id,
        method = %request.method(),
        path = without_secret(request.path()),
    );
    async move {
        let watch = Stopwatch::start();
        let response = next.call(request).await?.map_into_boxed_body();
        let mut response = shown(response);
        let path = response.request().path().to_string();
        dress(response.headers_mut(), id, &path);
        forget_flash(&mut response);
        let status = response.status().as_u16();
        if let Some(state) = response.request().app_data::<Data<State>>() {
            state.count_answer(status);
        }
        // Health checks come every few seconds and would hide the rest.
        if super::is_watching(&path) {
            tracing::debug!(status, micros = watch.micros(), "answered");
        } else {
            tracing::info!(status, micros = watch.micros(), "answered");
        }
        Ok(response)
    }
    .instrument(span)
    .await
}

fn shown(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let answer = response
        .response()
        .error()
        .map(|error| super::error::show(error, response.request()));
    match answer {
        Some(answer) => response.into_response(answer),
        None => response,
    }
}

/// What has just been done is shown once.
fn forget_flash(response: &mut ServiceResponse<BoxBody>) {
    let is_page = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if is_page && let Some(cookie) = super::frame::spent_flash(response.request()) {
        // Fails only for a cookie whose name or value no header can hold.
        let _ = response.response_mut().add_cookie(&cookie);
    }
}

/// The one-time link and the signed links of letters are secrets in a path.
fn without_secret(path: &str) -> String {
    for start in ["/setup/", ANSWER_PATH, VENDOR_PATH] {
        if let Some(rest) = path.strip_prefix(start) {
            let after = rest.find('/').map_or("", |at| &rest[at..]);
            return format!("{start}***{after}");
        }
    }
    path.to_string()
}

/// Whether the path itself lets its holder do something.
fn is_capability(path: &str) -> bool {
    path.starts_with(ANSWER_PATH) || path.starts_with(VENDOR_PATH)
}

const POLICY: &str = "default-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'";

fn dress(headers: &mut HeaderMap, id: RequestId, path: &str) {
    if is_capability(path) {
        headers.insert(
            HeaderName::from_static("x-robots-tag"),
            HeaderValue::from_static("noindex, nofollow"),
        );
    }
    let referrer = match is_capability(path) {
        true => "no-referrer",
        false => "same-origin",
    };
    let always = [
        (HeaderName::from_static("x-request-id"), id.to_string()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_string()),
        (header::REFERRER_POLICY, referrer.to_string()),
    ];
    let unless_set = [
        (header::CONTENT_SECURITY_POLICY, POLICY.to_string()),
        (header::CACHE_CONTROL, "no-store".to_string()),
    ];
    let unless_set = unless_set
        .into_iter()
        .filter(|(name, _)| !headers.contains_key(name))
        .collect::<Vec<_>>();
    for (name, value) in always.into_iter().chain(unless_set) {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
}
