//! Bodies of API requests, with the idempotency key they came with.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::StreamExt;
use serde_json::Value;
use serde_json::error::Category;

use super::error::{Answer, Fault};
use super::idempotency::Once;

/// Longest body of a form or of JSON, in bytes.
pub const LIMIT: usize = 1_000_000;

/// A JSON body; a handler reads it field by field, so that every fault comes at once.
pub struct JsonBody {
    /// What was sent.
    pub value: Value,
    /// The idempotency key it came with.
    pub once: Once,
}

impl JsonBody {
    /// Both parts, for [`super::act_once`].
    pub fn parts(self) -> (Value, Once) {
        (self.value, self.once)
    }
}

/// A body of any kind, such as an iCalendar file; also for a `POST` without one.
pub struct RawBody {
    /// What was sent.
    pub bytes: Bytes,
    /// The idempotency key it came with.
    pub once: Once,
}

type Reading<T> = Pin<Box<dyn Future<Output = Answer<T>>>>;

impl FromRequest for JsonBody {
    type Error = Fault;
    type Future = Reading<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let kind = request.content_type().to_ascii_lowercase();
            if kind != "application/json" && !kind.ends_with("+json") {
                return Err(Fault::WrongType("application/json"));
            }
            let bytes = collect(&request, payload).await?;
            let once = Once::of_header(&request, &bytes)?;
            let value = parse(&bytes)?;
            Ok(JsonBody { value, once })
        })
    }
}

impl FromRequest for RawBody {
    type Error = Fault;
    type Future = Reading<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let bytes = collect(&request, payload).await?;
            let once = Once::of_header(&request, &bytes)?;
            Ok(RawBody { bytes, once })
        })
    }
}

/// Reads the whole body, or none of it when it says beforehand that it is too long.
pub(super) async fn collect(request: &HttpRequest, mut payload: Payload) -> Answer<Bytes> {
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > LIMIT) {
        return Err(Fault::TooLarge(LIMIT));
    }
    let mut body = Vec::with_capacity(announced.unwrap_or_default());
    while let Some(chunk) = payload.next().await {
        let chunk = chunk
            .map_err(|error| Fault::Malformed(format!("the body did not arrive whole: {error}")))?;
        if body.len() + chunk.len() > LIMIT {
            return Err(Fault::TooLarge(LIMIT));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.into())
}

fn parse(bytes: &[u8]) -> Answer<Value> {
    serde_json::from_slice(bytes).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        Fault::Malformed(match error.classify() {
            Category::Eof if bytes.is_empty() => {
                "the body is empty; send a JSON object".to_string()
            }
            Category::Eof => format!("the body is not whole JSON; it ends at {place}"),
            _ => {
                let reason = error.to_string();
                let reason = reason.split(" at line ").next().unwrap_or_default();
                format!("the body is not JSON: {reason} at {place}")
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_json_is_shown_where() {
        let reason = |text: &str| match parse(text.as_bytes()) {
            Err(Fault::Malformed(reason)) => reason,
            other => panic!("{other:?}"),
        };
        assert!(reason("{\"a\": 1,\n \"b\": x}").contains("line 2, column 7"));
        assert!(reason("{\"a\": ").contains("ends at line 1"));
        assert!(reason("").contains("empty"));
        assert_eq!(parse(b"{\"a\": 1}").unwrap()["a"], 1);
    }
}
