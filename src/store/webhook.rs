//! Webhooks, and what they last answered.

use diesel::prelude::*;
use serde::Serialize;

use super::{Conn, Tx, unique};
use crate::domain::webhook::{SecretChange, Webhook, WebhookInput, WebhookName};
use crate::domain::{LetterId, WebhookId};
use crate::error::{Error, Refused, Result};
use crate::schema::{webhook_answers, webhooks};
use crate::time::Moment;

/// The webhook of that key.
///
/// # Errors
/// When there is none.
pub fn find(conn: &mut Conn, id: WebhookId) -> Result<Webhook> {
    webhooks::table
        .find(id)
        .select(Webhook::as_select())
        .get_result(conn)
        .optional()?
        .ok_or_else(|| Error::not_found("webhook", id))
}

/// The webhook of that name, if there is one.
///
/// # Errors
/// When the database does not answer.
pub fn named(conn: &mut Conn, name: &WebhookName) -> Result<Option<Webhook>> {
    Ok(webhooks::table
        .filter(webhooks::name.eq(name.as_str()))
        .select(Webhook::as_select())
        .get_result(conn)
        .optional()?)
}

/// Every webhook in order of name; there are few.
///
/// # Errors
/// When the database does not answer.
pub fn all(conn: &mut Conn) -> Result<Vec<Webhook>> {
    Ok(webhooks::table
        .order(webhooks::name)
        .select(Webhook::as_select())
        .load(conn)?)
}

/// At most `limit` webhooks in order of key, those after the given key.
///
/// # Errors
/// When the database does not answer.
pub fn page(conn: &mut Conn, after: Option<WebhookId>, limit: i64) -> Result<Vec<Webhook>> {
    Ok(webhooks::table
        .filter(webhooks::id.gt(after.unwrap_or_default()))
        .order(webhooks::id)
        .limit(limit)
        .select(Webhook::as_select())
        .load(conn)?)
}

/// Keeps a new webhook that signs with `secret`.
///
/// # Errors
/// At `name` when another has it.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    input: &WebhookInput,
    secret: Option<&str>,
) -> Result<WebhookId> {
    let now = tx.now();
    diesel::insert_into(webhooks::table)
        .values((
            webhooks::name.eq(input.name.as_str()),
            webhooks::address.eq(input.address.as_deref().unwrap_or_default()),
            webhooks::preset.eq(input.preset),
            webhooks::secret.eq(secret),
            webhooks::locale.eq(input.locale),
            webhooks::time_zone.eq(input.time_zone),
            webhooks::enabled.eq(input.enabled),
            webhooks::created_at.eq(now),
            webhooks::version.eq(1_i64),
        ))
        .returning(webhooks::id)
        .get_result(tx.conn())
        .map_err(|error| {
            unique(error, "name", || {
                format!("there is a webhook {} already", input.name)
            })
        })
}

/// Changes a webhook that still has the version the edit was made from, and gives the new version.
///
/// # Errors
/// When there is none, or somebody changed it first.
pub(crate) fn update(
    tx: &mut Tx<'_>,
    before: &Webhook,
    version: i64,
    input: &WebhookInput,
    secret: Option<&str>,
) -> Result<i64> {
    let address = input.address.as_deref().unwrap_or(&before.address);
    let because = before
        .disabled_because
        .as_deref()
        .filter(|_| !input.enabled);
    // A secret that somebody replaces by hand signs no longer.
    let (old_secret, rotated_at) = match input.secret {
        SecretChange::Keep if input.preset == before.preset => {
            (before.old_secret.as_deref(), before.rotated_at)
        }
        _ => (None, None),
    };
    let stands = webhooks::id
        .eq(before.id)
        .and(webhooks::version.eq(version));
    let changed = diesel::update(webhooks::table.filter(stands))
        .set((
            webhooks::address.eq(address),
            webhooks::preset.eq(input.preset),
            webhooks::secret.eq(secret),
            webhooks::old_secret.eq(old_secret),
            webhooks::rotated_at.eq(rotated_at),
            webhooks::locale.eq(input.locale),
            webhooks::time_zone.eq(input.time_zone),
            webhooks::enabled.eq(input.enabled),
            webhooks::disabled_because.eq(because),
            webhooks::version.eq(version + 1),
        ))
        .execute(tx.conn())?;
    if changed == 0 {
        let what = format!("webhook {}", before.name);
        return Err(Refused::Stale { what }.into());
    }
    Ok(version + 1)
}

/// Has a webhook sign with a new secret, and beside it for a while with the present one.
///
/// # Errors
/// When the database does not take it.
pub(crate) fn rotate(tx: &mut Tx<'_>, before: &Webhook, secret: &str) -> Result<()> {
    let now = tx.now();
    diesel::update(webhooks::table.find(before.id))
        .set((
            webhooks::secret.eq(secret),
            webhooks::old_secret.eq(&before.secret),
            webhooks::rotated_at.eq(now),
            webhooks::version.eq(webhooks::version + 1),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// Puts a webhook out of use; gives its key if it was in use.
///
/// # Errors
/// When the database does not take it.
pub(crate) fn disable(
    tx: &mut Tx<'_>,
    name: &WebhookName,
    because: &str,
) -> Result<Option<WebhookId>> {
    let in_use = webhooks::table
        .filter(webhooks::name.eq(name.as_str()))
        .filter(webhooks::enabled.eq(true));
    Ok(diesel::update(in_use)
        .set((
            webhooks::enabled.eq(false),
            webhooks::disabled_because.eq(because),
            webhooks::version.eq(webhooks::version + 1),
        ))
        .returning(webhooks::id)
        .get_result(tx.conn())
        .optional()?)
}

/// Forgets a webhook.
///
/// # Errors
/// When there is none.
pub(crate) fn delete(tx: &mut Tx<'_>, id: WebhookId) -> Result<()> {
    match diesel::delete(webhooks::table.find(id)).execute(tx.conn())? {
        0 => Err(Error::not_found("webhook", id)),
        _ => Ok(()),
    }
}

/// What a webhook answered to a letter.
#[derive(Clone, Debug, Serialize, Queryable, Selectable)]
#[diesel(table_name = webhook_answers)]
pub struct Answer {
    /// When.
    pub at: Moment,
    /// The status of the answer.
    pub status: i32,
    /// The beginning of its body, without secrets.
    pub body: String,
}

/// What a webhook last answered to a letter, if it did.
///
/// # Errors
/// When the database does not answer.
pub fn answer(conn: &mut Conn, letter: LetterId) -> Result<Option<Answer>> {
    Ok(webhook_answers::table
        .find(letter)
        .select(Answer::as_select())
        .get_result(conn)
        .optional()?)
}

/// Keeps what a webhook answered to a letter in the place of what it answered before.
///
/// # Errors
/// When the database does not take it.
pub fn keep_answer(tx: &mut Tx<'_>, letter: LetterId, status: u16, body: &str) -> Result<()> {
    drop_answer(tx, letter)?;
    let now = tx.now();
    diesel::insert_into(webhook_answers::table)
        .values((
            webhook_answers::letter_id.eq(letter),
            webhook_answers::at.eq(now),
            webhook_answers::status.eq(i32::from(status)),
            webhook_answers::body.eq(body),
        ))
        .execute(tx.conn())?;
    Ok(())
}

/// Forgets what a webhook answered to a letter: it may repeat what it was sent.
///
/// # Errors
/// When the database does not take it.
pub fn drop_answer(tx: &mut Tx<'_>, letter: LetterId) -> Result<()> {
    diesel::delete(webhook_answers::table.find(letter)).execute(tx.conn())?;
    Ok(())
}
