//! The one place that knows which HTTP status an error has and how it is shown.
//!
//! Handlers and extractors give a [`Fault`]; the middleware in `web/request.rs` asks this file to show
//! it: as a problem document (RFC 9457) to programs, as a page to people. An unexpected error tells the
//! caller nothing but the id of the request, and the log everything, once.

use std::fmt;

use actix_web::error::BlockingError;
use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use anyhow::anyhow;
use askama::Template;
use serde::Serialize;
use serde_json::json;

use super::access::Caller;
use super::frame::Frame;
use super::request::RequestId;
use crate::actions::link::Refusal;
use crate::domain::input::FieldError;
use crate::error::{Error, Refused};

/// What a handler answers.
pub type Answer<T = HttpResponse> = Result<T, Fault>;

/// Why a request was not done.
#[derive(Debug)]
pub enum Fault {
    /// What the layers below say.
    Said(Error),
    /// The request itself cannot be read; the sentence says what would be right.
    Malformed(String),
    /// Nothing is at this address.
    NoSuchPath,
    /// Something is at this address, for other methods.
    WrongMethod(Vec<Method>),
    /// The body is longer than this many bytes.
    TooLarge(usize),
    /// The body is of another kind than this.
    WrongType(&'static str),
    /// Too often; try again after this many seconds.
    TooMany(i64),
}

impl<E: Into<Error>> From<E> for Fault {
    fn from(error: E) -> Self {
        Fault::Said(error.into())
    }
}

impl Fault {
    /// A fault of ours or of the machine.
    pub fn unexpected(error: impl fmt::Display) -> Self {
        Fault::Said(Error::Unexpected(anyhow!("{error}")))
    }

    /// The work was given up because the service stops, or panicked.
    pub fn interrupted(_: BlockingError) -> Self {
        Fault::unexpected("the work was interrupted")
    }

    /// The faults of the input, field by field, if it is that.
    pub fn fields(&self) -> &[FieldError] {
        match self {
            Fault::Said(Error::Invalid(faults)) => faults,
            _ => &[],
        }
    }

    fn kind(&self) -> Kind {
        use StatusCode as S;
        let (status, word, title) = match self {
            Fault::Malformed(_) => (S::BAD_REQUEST, "malformed", "The request cannot be read"),
            Fault::NoSuchPath => (S::NOT_FOUND, "not-found", "There is nothing here"),
            Fault::WrongMethod(_) => (
                S::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "This cannot be done here",
            ),
            Fault::TooLarge(_) => (S::PAYLOAD_TOO_LARGE, "too-large", "That is too much"),
            Fault::WrongType(_) => (
                S::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-type",
                "The body is of another kind",
            ),
            Fault::TooMany(_) => (S::TOO_MANY_REQUESTS, "too-many", "Too many attempts"),
            Fault::Said(Error::Invalid(_)) => (
                S::UNPROCESSABLE_ENTITY,
                "invalid",
                "The input is not acceptable",
            ),
            Fault::Said(Error::Unavailable(_)) => (
                S::SERVICE_UNAVAILABLE,
                "unavailable",
                "The database cannot be used just now",
            ),
            Fault::Said(Error::InDoubt(_)) => (
                S::SERVICE_UNAVAILABLE,
                "in-doubt",
                "The database did not answer",
            ),
            Fault::Said(Error::Unexpected(_)) => (
                S::INTERNAL_SERVER_ERROR,
                "unexpected",
                "Something went wrong on our side",
            ),
            Fault::Said(Error::Refused(refused)) => match refused {
                Refused::NotFound { .. } => (S::NOT_FOUND, "not-found", "There is no such thing"),
                Refused::Stale { .. } => {
                    (S::PRECONDITION_FAILED, "stale", "Somebody else was first")
                }
                Refused::Conflict(_) => (S::CONFLICT, "conflict", "That cannot be done now"),
                Refused::Forbidden(_) => (S::FORBIDDEN, "forbidden", "You may not do this"),
                Refused::Unauthenticated(_) => {
                    (S::UNAUTHORIZED, "unauthenticated", "Nobody is signed in")
                }
                Refused::KeyReused { .. } => (
                    S::UNPROCESSABLE_ENTITY,
                    "key-reused",
                    "The idempotency key was used before",
                ),
                Refused::PreconditionMissing { .. } => (
                    S::PRECONDITION_REQUIRED,
                    "precondition-missing",
                    "Say which version you are changing",
                ),
            },
        };
        Kind {
            status,
            word,
            title,
        }
    }

    /// What the caller may know, with the way out.
    fn detail(&self, request: &HttpRequest, id: &RequestId) -> String {
        match self {
            Fault::Said(Error::Unexpected(_)) => format!(
                "Nothing was changed. The log of the service has the reason under the request id {id}."
            ),
            Fault::Said(Error::Unavailable(_)) => format!(
                "Nothing was changed. Try again in a minute; if it stays so, the log of the service has the reason under the request id {id}."
            ),
            Fault::Said(Error::InDoubt(_)) if request.method().is_safe() => format!(
                "Try again in a minute; if it stays so, the log of the service has the reason under the request id {id}."
            ),
            Fault::Said(Error::InDoubt(_)) => format!(
                "It may have been done or not. Look, or send the same again under the same Idempotency-Key, which does it once; the log of the service has the reason under the request id {id}."
            ),
            Fault::Said(Error::Invalid(faults)) if faults.len() == 1 => {
                "One field needs another look.".to_string()
            }
            Fault::Said(Error::Invalid(faults)) => {
                format!("{} fields need another look.", faults.len())
            }
            other => sentence(&match other {
                Fault::NoSuchPath => format!("there is nothing at {}", request.path()),
                Fault::WrongMethod(allowed) => format!(
                    "{} cannot be used on {}; it takes {}",
                    request.method(),
                    request.path(),
                    methods(allowed)
                ),
                _ => other.to_string(),
            }),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Said(error) => error.fmt(f),
            Fault::Malformed(reason) => f.write_str(reason),
            Fault::NoSuchPath => f.write_str("there is nothing at this address"),
            Fault::WrongMethod(allowed) => write!(f, "only {} can be used", methods(allowed)),
            Fault::TooLarge(limit) => write!(
                f,
                "the body is longer than {limit} bytes ({} MB); send less at once",
                limit / 1_000_000
            ),
            Fault::WrongType(wanted) => write!(
                f,
                "the body must be {wanted}; send it with Content-Type: {wanted}"
            ),
            Fault::TooMany(seconds) => write!(
                f,
                "there were too many attempts; try again in {} minutes",
                (seconds + 59) / 60
            ),
        }
    }
}

impl ResponseError for Fault {
    fn status_code(&self) -> StatusCode {
        self.kind().status
    }

    /// Bare; the middleware, which knows the request, shows the error.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

/// The answer of a form that has to be looked at again: the page it came from, with the status of the
/// fault.
pub(super) fn again(fault: &Fault, mut page: HttpResponse) -> HttpResponse {
    *page.status_mut() = fault.status_code();
    page
}

/// The page that refuses a signed link: 404 where we did not sign it, and for one that we did 403 where its
/// recipient may answer no more and 410 where its time is over.
pub(super) fn refused_link(refusal: &Refusal, mut page: HttpResponse) -> HttpResponse {
    *page.status_mut() = match refusal {
        Refusal::Forged | Refusal::Masked => StatusCode::NOT_FOUND,
        Refusal::Removed(_) => StatusCode::FORBIDDEN,
        Refusal::Expired(_) | Refusal::Revoked(_) | Refusal::Over(_) | Refusal::Used(..) => {
            StatusCode::GONE
        }
    };
    page
}

/// Whether entered values should stay in their form because another try may be accepted.
pub(super) fn worth_another_try(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::TooMany(_)
            | Fault::Said(
                Error::Invalid(_)
                    | Error::Refused(
                        Refused::Conflict(_)
                            | Refused::Stale { .. }
                            | Refused::KeyReused { .. }
                            | Refused::Unauthenticated(_)
                    )
            )
    )
}

/// `/readyz` when something is not well.
pub(super) fn not_ready(body: &impl Serialize) -> HttpResponse {
    HttpResponse::ServiceUnavailable().json(body)
}

/// Shows an error that a handler, an extractor or the framework gave.
pub(super) fn show(error: &actix_web::Error, request: &HttpRequest) -> HttpResponse {
    let id = RequestId::of(request);
    match error.as_error::<Fault>() {
        Some(fault) => shown(fault, request, &id),
        None => {
            let response = error.as_response_error();
            let fault = match response.status_code() {
                StatusCode::NOT_FOUND => Fault::NoSuchPath,
                StatusCode::PAYLOAD_TOO_LARGE => Fault::TooLarge(super::body::LIMIT),
                status if status.is_server_error() => Fault::unexpected(error),
                _ => Fault::Malformed(error.to_string()),
            };
            shown(&fault, request, &id)
        }
    }
}

fn shown(fault: &Fault, request: &HttpRequest, id: &RequestId) -> HttpResponse {
    let kind = fault.kind();
    if let Fault::Said(
        Error::Unexpected(error) | Error::Unavailable(error) | Error::InDoubt(error),
    ) = fault
    {
        tracing::error!(error = format!("{error:#}"), "the request failed");
    }
    let mut response = if super::speaks_json(request.path()) {
        problem(fault, &kind, request, id)
    } else {
        page(fault, &kind, request, id)
    };
    let headers = response.headers_mut();
    match fault {
        Fault::Said(Error::Unavailable(_) | Error::InDoubt(_)) => {
            headers.insert(header::RETRY_AFTER, header::HeaderValue::from_static("60"));
        }
        Fault::WrongMethod(allowed) => {
            if let Ok(value) = methods(allowed).parse() {
                headers.insert(header::ALLOW, value);
            }
        }
        Fault::TooMany(seconds) => {
            headers.insert(header::RETRY_AFTER, (*seconds).into());
        }
        Fault::Said(Error::Refused(Refused::Unauthenticated(_))) => {
            headers.insert(
                header::WWW_AUTHENTICATE,
                header::HeaderValue::from_static("Bearer"),
            );
        }
        _ => {}
    }
    response
}

struct Kind {
    status: StatusCode,
    word: &'static str,
    title: &'static str,
}

fn problem(fault: &Fault, kind: &Kind, request: &HttpRequest, id: &RequestId) -> HttpResponse {
    let mut body = json!({
        "type": format!("urn:redress:problem:{}", kind.word),
        "title": kind.title,
        "status": kind.status.as_u16(),
        "detail": fault.detail(request, id),
        "request_id": id.to_string(),
    });
    if !fault.fields().is_empty() {
        body["errors"] = json!(fault.fields());
    }
    HttpResponse::build(kind.status)
        .content_type("application/problem+json")
        .body(body.to_string())
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    frame: Frame,
    status: u16,
    title: &'a str,
    detail: String,
    errors: &'a [FieldError],
    request_id: String,
}

fn page(fault: &Fault, kind: &Kind, request: &HttpRequest, id: &RequestId) -> HttpResponse {
    if let Fault::Said(Error::Refused(Refused::Unauthenticated(_))) = fault
        && Caller::of(request).is_none()
    {
        return super::session::to_sign_in(request);
    }
    let page = ErrorPage {
        frame: Frame::bare(request),
        status: kind.status.as_u16(),
        title: kind.title,
        detail: fault.detail(request, id),
        errors: fault.fields(),
        request_id: id.to_string(),
    };
    match page.render() {
        Ok(html) => HttpResponse::build(kind.status)
            .content_type("text/html; charset=utf-8")
            .body(html),
        Err(error) => {
            tracing::error!(%error, "the error page could not be made");
            HttpResponse::new(kind.status)
        }
    }
}

fn methods(allowed: &[Method]) -> String {
    allowed
        .iter()
        .map(Method::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Makes a sentence of a refusal, which the layers below write in lower case and without full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}
