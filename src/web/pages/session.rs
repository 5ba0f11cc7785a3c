//! Signing in and out, and the first administrator.

use actix_web::http::header;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{page, try_again};
use crate::actions;
use crate::domain::PersonId;
use crate::domain::person::{Password, PersonInput, Role};
use crate::error::{Error, Refused};
use crate::secret::{Secret, hash_password, verify_password};
use crate::store::{Actor, person, session};
use crate::web::access;
use crate::web::error::{Answer, Fault};
use crate::web::form::{Form, Shape};
use crate::web::frame::Frame;
use crate::web::session::{COOKIE, cookie, removal, safe_next};
use crate::web::state::{State, block};

#[derive(Template)]
#[template(path = "session/login.html")]
struct SignInPage {
    frame: Frame,
    form: Form,
}

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    next: String,
}

/// Asks for address and password.
pub async fn ask(request: HttpRequest, frame: Frame, asked: Query<Asked>) -> Answer {
    if matches!(access::recognise(&request).await, Ok(Some(_))) {
        return Ok(super::go(safe_next(&asked.next), ""));
    }
    page(&SignInPage {
        frame,
        form: Form::of([("next", safe_next(&asked.next))]),
    })
}

/// Opens a session. Whether the address is known shows neither in the answer nor in its time.
pub async fn sign_in(request: HttpRequest, state: Data<State>, frame: Frame, form: Form) -> Answer {
    let outcome = begin_session(&request, &state, &form).await;
    try_again(outcome, form, async |mut form| {
        form.remove("password");
        page(&SignInPage { frame, form })
    })
    .await
}

async fn begin_session(request: &HttpRequest, state: &State, form: &Form) -> Answer {
    let email = form.value("email").to_string();
    let password = form.value("password").to_string();
    let address = network_address(request);
    let (store, throttle) = (state.store.clone(), state.throttle.clone());
    let outcome = block(move || {
        let now = store.now()?;
        if let Err(wait) = throttle.begin(&email, &address, now) {
            return Ok(Err(wait));
        }
        let found = store.read(|conn| person::with_email(conn, &email))?;
        let found = found.filter(|person| person.active);
        let hash = found
            .as_ref()
            .and_then(|person| person.password_hash.as_deref());
        if !verify_password(&password, hash) {
            tracing::warn!(address, "signing in was refused");
            return Err(wrong_password());
        }
        // Only somebody has a hash that fits.
        let person = found.map(|person| person.id).ok_or_else(wrong_password)?;
        throttle.succeeded(&email);
        let secret = Secret::fresh()?;
        let hash = secret.hash();
        store.write(Actor::Person(person), move |tx| {
            actions::session::sign_in(tx, person, &hash)
        })?;
        Ok(Ok(secret))
    })
    .await?;
    let secret = outcome.map_err(Fault::TooMany)?;
    Ok(entered(state, safe_next(form.value("next")), &secret))
}

/// Ends the session.
pub async fn sign_out(request: HttpRequest, state: Data<State>) -> Answer {
    if let Some(cookie) = request.cookie(COOKIE) {
        let hash = Secret::given(cookie.value()).hash();
        let store = state.store.clone();
        block(move || {
            let now = store.now()?;
            let found = store.read(|conn| session::holder(conn, &hash, now))?;
            match found {
                Some((_, person)) => store.write(Actor::Person(person.id), move |tx| {
                    actions::session::sign_out(tx, &hash)
                }),
                None => Ok(()),
            }
        })
        .await?;
    }
    let mut response = super::go("/login", "");
    response.add_cookie(&removal()).map_err(Fault::unexpected)?;
    Ok(response)
}

#[derive(Template)]
#[template(path = "session/first.html")]
struct FirstPage {
    frame: Frame,
    form: Form,
}

/// Asks who the first administrator is.
pub async fn ask_first(state: Data<State>, frame: Frame, link: Path<String>) -> Answer {
    let hash = Secret::given(&link).hash();
    let store = state.store.clone();
    let works = block(move || {
        let now = store.now()?;
        store.read(|conn| session::link_works(conn, &hash, now))
    })
    .await?;
    if !works {
        return Err(Error::not_found(
            "link",
            "of that address any more; restart the service for a new one",
        )
        .into());
    }
    let form = Form::of([("time_zone", "UTC")]);
    page(&FirstPage { frame, form })
}

/// Makes the first administrator and signs in.
pub async fn set_up(state: Data<State>, frame: Frame, link: Path<String>, form: Form) -> Answer {
    let mut value = form.json(&Shape::default());
    value["role"] = json!(Role::Administrator);
    let outcome = begin_service(&state, &link, value).await;
    try_again(outcome, form, async |form| page(&FirstPage { frame, form })).await
}

async fn begin_service(state: &State, link: &str, value: Value) -> Answer {
    let link_hash = Secret::given(link).hash();
    let store = state.store.clone();
    let secret = block(move || {
        let input = PersonInput::read(&value)?;
        let hash = hash_password(needed(input.password.as_ref())?.reveal())?;
        let secret = Secret::fresh()?;
        let session_hash = secret.hash();
        let id: PersonId = store.write(Actor::Operator, move |tx| {
            let id = actions::person::set_up(tx, &link_hash, &input, &hash)?;
            actions::session::sign_in(tx, id, &session_hash)?;
            Ok(id)
        })?;
        tracing::info!(person = id.0, "the first administrator was made");
        Ok(secret)
    })
    .await?;
    Ok(entered(state, "/", &secret))
}

fn needed(password: Option<&Password>) -> Result<&Password, Error> {
    password.ok_or_else(|| Error::field("password", "password is missing"))
}

fn entered(state: &State, location: &str, secret: &Secret) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, location))
        .cookie(cookie(state, secret))
        .finish()
}

fn wrong_password() -> Error {
    Refused::Unauthenticated("e-mail and password do not fit together".to_string()).into()
}

/// Where a request comes from. Only a proxy on this machine is believed about whom it speaks for.
pub(super) fn network_address(request: &HttpRequest) -> String {
    let Some(peer) = request.peer_addr() else {
        return "unknown".to_string();
    };
    let forwarded = request
        .headers()
        .get_all(header::X_FORWARDED_FOR)
        .last()
        .and_then(|value| value.to_str().ok()?.rsplit(',').next())
        .filter(|_| peer.ip().is_loopback());
    match forwarded {
        Some(address) => address.trim().to_string(),
        None => peer.ip().to_string(),
    }
}
