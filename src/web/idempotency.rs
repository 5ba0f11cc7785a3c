//! The same request sent twice does one thing and gets one answer.
//!
//! An API request names itself with an `Idempotency-Key`, a form with a hidden `request_id`. The key
//! belongs to the person, lives 24 hours, and is kept with the hash of the request and the answer in
//! the transaction of the change.

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::access::Caller;
use super::error::{Answer, Fault};
use super::state::{State, act};
use crate::error::Result;
use crate::store::{Tx, answer};

/// Longest key, in bytes.
const LONGEST_KEY: usize = 255;

/// What names a request, if it has a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Once(Option<Key>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    key: String,
    request_hash: String,
}

impl Once {
    /// The `Idempotency-Key` of an API request.
    pub(super) fn of_header(request: &HttpRequest, body: &[u8]) -> Answer<Self> {
        let Some(value) = request.headers().get("idempotency-key") else {
            return Ok(Self(None));
        };
        let key = value.to_str().unwrap_or_default().trim();
        if key.is_empty() || key.len() > LONGEST_KEY {
            return Err(Fault::Malformed(format!(
                "the Idempotency-Key must have 1 to {LONGEST_KEY} visible ASCII characters, such as a UUID"
            )));
        }
        Ok(Self::named(format!("api:{key}"), request, body))
    }

    /// The `request_id` of a form.
    pub(super) fn of_form(id: &str, request: &HttpRequest, body: &[u8]) -> Self {
        if id.is_empty() || id.len() > LONGEST_KEY {
            return Self(None);
        }
        Self::named(format!("form:{id}"), request, body)
    }

    fn named(key: String, request: &HttpRequest, body: &[u8]) -> Self {
        let mut hash = Sha256::new();
        for part in [
            request.method().as_str().as_bytes(),
            request.uri().to_string().as_bytes(),
            body,
        ] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let request_hash = hex::encode(hash.finalize());
        Self(Some(Key { key, request_hash }))
    }
}

/// What a deed is answered with; it can be kept and given again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    kept: answer::Answer,
    shown_once: Option<(&'static str, String)>,
}

impl Done {
    /// Something was made: 201 with its address.
    ///
    /// # Errors
    /// When the body cannot be written as JSON.
    pub fn made(location: impl Into<String>, body: &impl Serialize) -> Result<Self> {
        let location = Some(location.into());
        Self::with(HttpResponse::Created(), location, body)
    }

    /// Something was done: 200.
    ///
    /// # Errors
    /// When the body cannot be written as JSON.
    pub fn answered(body: &impl Serialize) -> Result<Self> {
        Self::with(HttpResponse::Ok(), None, body)
    }

    /// After a form: go there, where the sentence is shown.
    pub fn go(location: impl Into<String>, said: impl Into<String>) -> Self {
        Self::from(answer::Answer {
            status: status(HttpResponse::SeeOther()),
            location: Some(location.into()),
            body: said.into(),
        })
    }

    /// Adds a secret to the body, which is not kept: the same request sent again is answered without it.
    pub fn with_secret(mut self, field: &'static str, secret: &str) -> Self {
        self.shown_once = Some((field, secret.to_string()));
        self
    }

    fn with(
        response: HttpResponseBuilder,
        location: Option<String>,
        body: &impl Serialize,
    ) -> Result<Self> {
        Ok(Self::from(answer::Answer {
            status: status(response),
            location,
            body: serde_json::to_string(body)?,
        }))
    }

    fn respond(self, repeated: bool) -> HttpResponse {
        let answer::Answer {
            status,
            location,
            mut body,
        } = self.kept;
        let mut response = match location.as_deref() {
            Some(location) if is_redirect(status) => return super::pages::go(location, &body),
            _ if status == self::status(HttpResponse::Created()) => HttpResponse::Created(),
            _ => HttpResponse::Ok(),
        };
        if let Some(location) = location {
            response.insert_header((header::LOCATION, location));
        }
        if repeated {
            response.insert_header((
                HeaderName::from_static("idempotent-replayed"),
                HeaderValue::from_static("true"),
            ));
        }
        if let Some((field, secret)) = self.shown_once
            && let Ok(Value::Object(mut fields)) = serde_json::from_str(&body)
        {
            fields.insert(field.to_string(), secret.into());
            body = Value::Object(fields).to_string();
        }
        response.content_type("application/json").body(body)
    }
}

impl From<answer::Answer> for Done {
    fn from(kept: answer::Answer) -> Self {
        Self {
            kept,
            shown_once: None,
        }
    }
}

/// Does something in the caller's name, in one transaction. The same request sent again within 24
/// hours does nothing and gets the first's answer.
///
/// # Errors
/// What the deed gives, and then the key stays free; or that the key came with another request.
pub async fn act_once<F>(state: &State, caller: &Caller, once: Once, deed: F) -> Answer
where
    F: FnOnce(&mut Tx<'_>) -> Result<Done> + Send + 'static,
{
    let person = caller.id;
    let (done, repeated) = act(state, caller, move |tx| {
        let Some(Key { key, request_hash }) = once.0 else {
            return Ok((deed(tx)?, false));
        };
        if let Some(answer) = answer::claim(tx, person, &key, &request_hash)? {
            return Ok((Done::from(answer), true));
        }
        let done = deed(tx)?;
        answer::keep(tx, person, &key, &done.kept)?;
        Ok((done, false))
    })
    .await?;
    Ok(done.respond(repeated))
}

fn status(mut response: HttpResponseBuilder) -> i32 {
    i32::from(response.finish().status().as_u16())
}

fn is_redirect(status: i32) -> bool {
    (300..400).contains(&status)
}
