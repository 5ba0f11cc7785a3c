//! One's own name, zone, language and password.

use actix_web::web::Data;
use askama::Template;
use serde_json::json;

use super::{Choice, go, page, try_again};
use crate::actions;
use crate::domain::person::{OwnSettings, Password};
use crate::error::Error;
use crate::secret::{hash_password, verify_password};
use crate::store::person;
use crate::web::access::{Caller, How};
use crate::web::error::{Answer, Fault};
use crate::web::form::{Form, Shape};
use crate::web::frame::Frame;
use crate::web::state::{State, act, block};

#[derive(Template)]
#[template(path = "person/account.html")]
struct AccountPage {
    frame: Frame,
    email: String,
    form: Form,
    password: Form,
    languages: Vec<Choice>,
}

impl AccountPage {
    fn new(frame: Frame, caller: &Caller) -> Self {
        let own = json!({
            "name": caller.name, "time_zone": caller.time_zone, "locale": caller.locale
        });
        Self {
            frame,
            email: caller.email.clone(),
            form: Form::of_json(&own),
            password: Form::default(),
            languages: Choice::languages(),
        }
    }
}

/// Shows what one may change.
pub async fn show(frame: Frame, caller: Caller) -> Answer {
    page(&AccountPage::new(frame, &caller))
}

/// Changes name, zone and language.
pub async fn edit(state: Data<State>, frame: Frame, caller: Caller, form: Form) -> Answer {
    let value = form.json(&Shape::default());
    let id = caller.id;
    let outcome = act(&state, &caller, move |tx| {
        actions::person::edit_own(tx, id, &OwnSettings::read(&value)?)
    })
    .await
    .map(|()| go("/account", "Your settings are kept."));
    try_again(outcome, form, async |form| {
        page(&AccountPage {
            form,
            ..AccountPage::new(frame, &caller)
        })
    })
    .await
}

/// Changes the password, for whoever knows the present one.
pub async fn change_password(
    state: Data<State>,
    frame: Frame,
    caller: Caller,
    form: Form,
) -> Answer {
    let outcome = new_password(&state, &caller, &form).await;
    try_again(outcome, form, async |form| {
        page(&AccountPage {
            password: form.emptied(),
            ..AccountPage::new(frame, &caller)
        })
    })
    .await
}

async fn new_password(state: &State, caller: &Caller, form: &Form) -> Answer {
    let (current, wanted) = (form.value("current").to_string(), form.value("password"));
    let wanted: Password = wanted
        .parse()
        .map_err(|reason: String| Error::field("password", reason))?;
    let id = caller.id;
    let (store, throttle, email) = (
        state.store.clone(),
        state.throttle.clone(),
        caller.email.clone(),
    );
    let hash = block(move || {
        // Whoever found an open browser must not be able to try passwords here either.
        if let Err(wait) = throttle.begin(&email, "account", store.now()?) {
            return Ok(Err(wait));
        }
        let kept = store.read(|conn| person::find(conn, id))?.password_hash;
        if !verify_password(&current, kept.as_deref()) {
            return Err(Error::field("current", "this is not your present password"));
        }
        throttle.succeeded(&email);
        Ok(Ok(hash_password(wanted.reveal())?))
    })
    .await?
    .map_err(Fault::TooMany)?;
    let session = match &caller.how {
        How::Session(hash) => Some(hash.clone()),
        How::Token(_) => None,
    };
    act(state, caller, move |tx| {
        actions::person::set_password(tx, id, &hash, session.as_deref())
    })
    .await?;
    Ok(go(
        "/account",
        "Your password is changed; other browsers are signed out.",
    ))
}
