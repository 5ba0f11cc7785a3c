//! Entering, editing, rotating and removing webhooks. Neither addresses nor secrets go into the audit
//! trail, from which nothing can be erased.

use serde_json::{Value, json};

use super::ladder::is_free;
use crate::domain::WebhookId;
use crate::domain::webhook::{Preset, SecretChange, Webhook, WebhookInput, place};
use crate::error::{Error, Refused, Result};
use crate::secret::webhook_secret;
use crate::store::{Tx, webhook};

/// Enters a webhook; gives its secret where one was made, to be shown once.
///
/// # Errors
/// At `name` when another has it.
pub fn enter(tx: &mut Tx<'_>, input: &WebhookInput) -> Result<(WebhookId, Option<String>)> {
    let (secret, made) = match &input.secret {
        SecretChange::Set(given) => (Some(given.clone()), None),
        _ if input.preset == Preset::Standard => {
            let made = webhook_secret()?;
            (Some(made.clone()), Some(made))
        }
        _ => (None, None),
    };
    let id = webhook::insert(tx, input, secret.as_deref())?;
    let address = place(input.address.as_deref().unwrap_or_default());
    let detail = noted(input, &address, secret.is_some());
    tx.record("webhook", id.0, "entered", &detail)?;
    Ok((id, made))
}

/// Edits a webhook that still has the version the edit was made from; gives its secret where one was
/// made.
///
/// # Errors
/// When there is none, or somebody changed it first.
pub fn edit(
    tx: &mut Tx<'_>,
    before: &Webhook,
    version: i64,
    input: &WebhookInput,
) -> Result<Option<String>> {
    let kept = before.secret.clone();
    let (secret, made) = match (&input.secret, input.preset) {
        (SecretChange::Set(given), _) => (Some(given.clone()), None),
        (SecretChange::Keep, preset) if preset == before.preset => (kept, None),
        (_, Preset::Standard) => {
            let made = webhook_secret()?;
            (Some(made.clone()), Some(made))
        }
        // What another preset signed with means nothing to this one.
        _ => (None, None),
    };
    webhook::update(tx, before, version, input, secret.as_deref())?;
    let address = match &input.address {
        Some(address) => place(address),
        None => before.place(),
    };
    let mut detail = noted(input, &address, secret.is_some());
    detail["new_address"] = json!(input.address.is_some());
    detail["new_secret"] = json!(secret != before.secret);
    tx.record("webhook", before.id.0, "edited", &detail)?;
    Ok(made)
}

/// Makes a new secret, to be shown once; messages are signed with the one before as well for a day.
///
/// # Errors
/// When it stands otherwise than the caller saw it, or its preset signs with a secret of the other side.
pub fn rotate(tx: &mut Tx<'_>, id: WebhookId, version: i64) -> Result<String> {
    let before = webhook::find(tx.conn(), id)?;
    if before.preset != Preset::Standard {
        return Err(Error::conflict(format!(
            "{} makes its own secrets; enter the new one of {} by editing it",
            before.preset, before.name
        )));
    }
    if before.version != version {
        let what = format!("webhook {}", before.name);
        return Err(Refused::Stale { what }.into());
    }
    let secret = webhook_secret()?;
    webhook::rotate(tx, &before, &secret)?;
    tx.record(
        "webhook",
        id.0,
        "secret replaced",
        &json!({"name": before.name}),
    )?;
    Ok(secret)
}

/// Removes a webhook. Letters that wait for it fail when their turn comes.
///
/// # Errors
/// When there is none, or terms in force or ladders of open incidents tell somebody by it.
pub fn remove(tx: &mut Tx<'_>, id: WebhookId) -> Result<()> {
    let before = webhook::find(tx.conn(), id)?;
    is_free(tx, &before.name.address(), |users| {
        format!(
            "the webhook {} is still used by {users}; disable it, or enter terms without it first",
            before.name
        )
    })?;
    webhook::delete(tx, id)?;
    tx.record("webhook", id.0, "removed", &json!({"name": before.name}))
}

fn noted(input: &WebhookInput, address: &str, is_signed: bool) -> Value {
    json!({"name": input.name, "address": address, "preset": input.preset, "signed": is_signed,
           "locale": input.locale, "time_zone": input.time_zone, "enabled": input.enabled})
}
