//! Webhooks: named destinations of ladders beside mailboxes.

use actix_web::web::{Data, Path};
use askama::Template;
use serde_json::json;

use super::{Choice, go, page, try_again};
use crate::actions;
use crate::domain::webhook::{OVERLAP, Preset, Webhook, WebhookInput};
use crate::error::Result;
use crate::store::{ladder, webhook};
use crate::web::access::{Access, Caller};
use crate::web::api::webhook::{Tried, try_out, webhook_id};
use crate::web::error::Answer;
use crate::web::form::{Form, Shape};
use crate::web::frame::Frame;
use crate::web::idempotency::{Done, act_once};
use crate::web::shown::{Reader, Shown};
use crate::web::state::{State, act, block, read};

const SHAPE: Shape = Shape {
    numbers: &[],
    flags: &["enabled"],
    lists: &[],
};

#[derive(Template)]
#[template(path = "webhook/list.html")]
struct ListPage {
    frame: Frame,
    webhooks: Vec<Line>,
    may_edit: bool,
}

struct Line {
    webhook: Webhook,
    place: String,
    used_by: String,
}

/// Lists the webhooks, without what may be a secret.
pub async fn list(state: Data<State>, frame: Frame, caller: Caller) -> Answer {
    let store = state.store.clone();
    let webhooks = block(move || {
        let now = store.now()?;
        store.read(|conn| {
            let mut lines = Vec::new();
            for webhook in webhook::all(conn)? {
                lines.push(Line {
                    used_by: ladder::users(conn, &webhook.name.address(), now)?.join(", "),
                    place: webhook.place(),
                    webhook,
                });
            }
            Ok(lines)
        })
    })
    .await?;
    page(&ListPage {
        frame,
        webhooks,
        may_edit: caller.may(Access::Administer),
    })
}

#[derive(Template)]
#[template(path = "webhook/form.html")]
struct FormPage {
    frame: Frame,
    form: Form,
    presets: Vec<Choice>,
    languages: Vec<Choice>,
    webhook: Option<Webhook>,
    /// Where it posts to, as far as that is shown.
    place: String,
    /// Until when the secret before signs as well.
    overlaps: Option<Shown>,
    /// What tells somebody by it.
    used_by: String,
    /// The secret that was just made, shown this once.
    fresh: Option<String>,
    /// What became of a message that was just tried.
    tried: Option<Tried>,
}

/// What a page about one webhook shows beside its form.
#[derive(Default)]
struct Beside {
    fresh: Option<String>,
    tried: Option<Tried>,
}

async fn form_page(
    state: &State,
    frame: Frame,
    caller: &Caller,
    form: Form,
    webhook: Option<Webhook>,
    beside: Beside,
) -> Answer {
    let (store, asked) = (state.store.clone(), webhook.clone());
    let (now, users) = block(move || {
        let now = store.now()?;
        let users = match &asked {
            Some(webhook) => {
                let address = webhook.name.address();
                store.read(|conn| ladder::users(conn, &address, now))?
            }
            None => Vec::new(),
        };
        Ok((now, users))
    })
    .await?;
    let reader = Reader {
        zone: caller.time_zone.0,
        now,
    };
    let overlaps = webhook
        .as_ref()
        .and_then(|webhook| webhook.rotated_at)
        .map(|at| at + OVERLAP)
        .filter(|until| *until > now);
    page(&FormPage {
        frame,
        form,
        presets: presets(),
        languages: Choice::languages(),
        place: webhook.as_ref().map_or_else(String::new, Webhook::place),
        overlaps: overlaps.map(|until| reader.sees_here(until)),
        used_by: users.join(", "),
        webhook,
        fresh: beside.fresh,
        tried: beside.tried,
    })
}

/// The page of a webhook as it is kept.
async fn one_page(
    state: &State,
    frame: Frame,
    caller: &Caller,
    webhook: Webhook,
    beside: Beside,
) -> Answer {
    let form = form_of(&webhook);
    form_page(state, frame, caller, form, Some(webhook), beside).await
}

fn presets() -> Vec<Choice> {
    let said = |preset| match preset {
        Preset::Standard => "A program (Standard Webhooks)",
        Preset::Slack => "Slack",
        Preset::Teams => "Microsoft Teams (Workflows)",
        Preset::Feishu => "Feishu / Lark",
        Preset::Dingtalk => "DingTalk",
    };
    Preset::ALL
        .iter()
        .map(|preset| Choice::new(preset.as_str(), said(*preset)))
        .collect()
}

/// Asks for a new webhook.
pub async fn new(state: Data<State>, frame: Frame, caller: Caller) -> Answer {
    let form = Form::of_json(&json!({
        "preset": Preset::Standard, "locale": caller.locale, "time_zone": caller.time_zone,
        "enabled": true,
    }));
    form_page(&state, frame, &caller, form, None, Beside::default()).await
}

/// Enters a webhook. The answer may show a secret and is not kept; a form sent twice finds its name taken.
pub async fn enter(state: Data<State>, frame: Frame, caller: Caller, form: Form) -> Answer {
    let outcome = async {
        let input = input(&form, None)?;
        act(&state, &caller, move |tx| {
            let (id, made) = actions::webhook::enter(tx, &input)?;
            Ok((webhook::find(tx.conn(), id)?, made))
        })
        .await
    }
    .await;
    match outcome {
        Ok((webhook, None)) => {
            let said = format!("{} was added. Try it out below.", webhook.name);
            Ok(go(&format!("/webhooks/{}", webhook.id), &said))
        }
        Ok((webhook, fresh)) => {
            let beside = Beside { fresh, tried: None };
            one_page(&state, frame, &caller, webhook, beside).await
        }
        Err(fault) => {
            try_again(Err(fault), form, async |form| {
                form_page(&state, frame, &caller, form, None, Beside::default()).await
            })
            .await
        }
    }
}

/// Shows a webhook to be edited and tried out.
pub async fn show(state: Data<State>, frame: Frame, caller: Caller, key: Path<String>) -> Answer {
    let webhook = found(&state, &key).await?;
    one_page(&state, frame, &caller, webhook, Beside::default()).await
}

/// Edits a webhook.
pub async fn edit(
    state: Data<State>,
    frame: Frame,
    caller: Caller,
    key: Path<String>,
    form: Form,
) -> Answer {
    let webhook = found(&state, &key).await?;
    let outcome = async {
        let version = form.value("_version").parse().unwrap_or_default();
        let (input, before) = (input(&form, Some(&webhook))?, webhook.clone());
        act(&state, &caller, move |tx| {
            let made = actions::webhook::edit(tx, &before, version, &input)?;
            Ok((webhook::find(tx.conn(), before.id)?, made))
        })
        .await
    }
    .await;
    match outcome {
        Ok((webhook, None)) => {
            let said = format!("{} was changed.", webhook.name);
            Ok(go("/webhooks", &said))
        }
        Ok((webhook, fresh)) => {
            let beside = Beside { fresh, tried: None };
            one_page(&state, frame, &caller, webhook, beside).await
        }
        Err(fault) => {
            try_again(Err(fault), form, async |form| {
                let beside = Beside::default();
                form_page(&state, frame, &caller, form, Some(webhook), beside).await
            })
            .await
        }
    }
}

/// Makes a new secret and shows it once.
pub async fn rotate(
    state: Data<State>,
    frame: Frame,
    caller: Caller,
    key: Path<String>,
    form: Form,
) -> Answer {
    let id = webhook_id(&key)?;
    let version = form.value("_version").parse().unwrap_or_default();
    let (webhook, secret) = act(&state, &caller, move |tx| {
        let secret = actions::webhook::rotate(tx, id, version)?;
        Ok((webhook::find(tx.conn(), id)?, secret))
    })
    .await?;
    let beside = Beside {
        fresh: Some(secret),
        tried: None,
    };
    one_page(&state, frame, &caller, webhook, beside).await
}

/// Sends a message that says nothing has happened, and shows what was answered.
pub async fn test(state: Data<State>, frame: Frame, caller: Caller, key: Path<String>) -> Answer {
    let webhook = found(&state, &key).await?;
    let tried = try_out(&state, &caller, webhook.id).await?;
    let beside = Beside {
        fresh: None,
        tried: Some(tried),
    };
    one_page(&state, frame, &caller, webhook, beside).await
}

/// Removes a webhook that nothing uses.
pub async fn remove(state: Data<State>, caller: Caller, key: Path<String>, form: Form) -> Answer {
    let id = webhook_id(&key)?;
    act_once(&state, &caller, form.once(), move |tx| {
        actions::webhook::remove(tx, id)?;
        Ok(Done::go("/webhooks", "The webhook is removed."))
    })
    .await
}

async fn found(state: &State, key: &str) -> Answer<Webhook> {
    let id = webhook_id(key)?;
    read(state, move |conn| webhook::find(conn, id)).await
}

fn form_of(webhook: &Webhook) -> Form {
    let mut form = Form::of_json(&json!({
        "name": webhook.name, "preset": webhook.preset, "locale": webhook.locale,
        "time_zone": webhook.time_zone, "enabled": webhook.enabled,
    }));
    form.set("_version", webhook.version.to_string());
    form
}

/// Fields left empty are left out: neither address nor secret is shown to be sent back.
fn input(form: &Form, before: Option<&Webhook>) -> Result<WebhookInput> {
    let mut value = form.json(&SHAPE);
    if let Some(fields) = value.as_object_mut() {
        for field in ["address", "secret"] {
            if form.value(field).trim().is_empty() {
                fields.remove(field);
            }
        }
        if form.checked("_no_secret") {
            fields.insert("secret".to_string(), json!(""));
        }
    }
    Ok(match before {
        Some(before) => WebhookInput::read_edit(&value, before)?,
        None => WebhookInput::read(&value)?,
    })
}
