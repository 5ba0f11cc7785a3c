//! Webhooks.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::actions;
use crate::domain::WebhookId;
use crate::domain::locale::Locale;
use crate::domain::webhook::{OVERLAP, Preset, Webhook, WebhookInput, WebhookName};
use crate::domain::zone::Zone;
use crate::error::{Error, Result};
use crate::hook::message::{Message, Parcel};
use crate::hook::outlet::Reply;
use crate::mail::outlet::Delivery;
use crate::store::{Conn, ladder, webhook};
use crate::time::Moment;
use crate::web::state::block;
use crate::web::{
    Answer, Caller, Done, IfMatch, JsonBody, Paging, RawBody, State, act, act_once, read, with_etag,
};

/// A webhook as the API shows it: neither its whole address nor its secret.
#[derive(Serialize)]
struct WebhookBody {
    id: WebhookId,
    name: WebhookName,
    address: String,
    preset: Preset,
    /// `***` where messages are signed.
    secret: Option<&'static str>,
    /// Until when the secret before signs as well.
    old_secret_until: Option<Moment>,
    locale: Locale,
    time_zone: Zone,
    enabled: bool,
    disabled_because: Option<String>,
    /// What tells somebody by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    used_by: Option<Vec<String>>,
    created_at: Moment,
    #[serde(skip)]
    version: i64,
}

impl WebhookBody {
    fn of(webhook: Webhook) -> Self {
        Self {
            id: webhook.id,
            address: webhook.place(),
            preset: webhook.preset,
            secret: webhook.secret.as_ref().map(|_| "***"),
            old_secret_until: webhook.rotated_at.map(|at| at + OVERLAP),
            locale: webhook.locale,
            time_zone: webhook.time_zone,
            enabled: webhook.enabled,
            used_by: None,
            created_at: webhook.created_at,
            version: webhook.version,
            name: webhook.name,
            disabled_because: webhook.disabled_because,
        }
    }

    fn with_users(conn: &mut Conn, id: WebhookId, now: Moment) -> Result<Self> {
        let webhook = webhook::find(conn, id)?;
        let users = ladder::users(conn, &webhook.name.address(), now)?;
        Ok(Self {
            used_by: Some(users),
            ..Self::of(webhook)
        })
    }
}

/// `GET /webhooks`: in the order they were entered.
pub async fn list(state: Data<State>, paging: Paging) -> Answer {
    let (after, rows) = (paging.after()?, paging.rows());
    let rows = read(&state, move |conn| webhook::page(conn, after, rows)).await?;
    let listing = paging.listing(rows, |webhook| webhook.id);
    Ok(HttpResponse::Ok().json(listing.map(WebhookBody::of)))
}

/// `GET /webhooks/{id}`.
pub async fn show(state: Data<State>, key: Path<String>) -> Answer {
    let (id, now) = (webhook_id(&key)?, state.store.now()?);
    let body = read(&state, move |conn| WebhookBody::with_users(conn, id, now)).await?;
    Ok(with_etag(body.version, &body))
}

/// `POST /webhooks`: a secret that was made is in the answer, this once.
pub async fn enter(state: Data<State>, caller: Caller, body: JsonBody) -> Answer {
    let (value, once) = body.parts();
    act_once(&state, &caller, once, move |tx| {
        let (id, made) = actions::webhook::enter(tx, &WebhookInput::read(&value)?)?;
        let body = WebhookBody::of(webhook::find(tx.conn(), id)?);
        let done = Done::made(format!("/api/v1/webhooks/{id}"), &body)?;
        Ok(match made {
            Some(secret) => done.with_secret("secret", &secret),
            None => done,
        })
    })
    .await
}

/// `PUT /webhooks/{id}` with `If-Match`: what is left out stays as it is.
pub async fn edit(
    state: Data<State>,
    caller: Caller,
    key: Path<String>,
    version: IfMatch,
    body: JsonBody,
) -> Answer {
    let id = webhook_id(&key)?;
    let version = version.version_of("the webhook")?;
    let (made, mut value, version) = act(&state, &caller, move |tx| {
        let before = webhook::find(tx.conn(), id)?;
        let input = WebhookInput::read_edit(&body.value, &before)?;
        let made = actions::webhook::edit(tx, &before, version, &input)?;
        let body = WebhookBody::of(webhook::find(tx.conn(), id)?);
        Ok((made, serde_json::to_value(&body)?, body.version))
    })
    .await?;
    if let Some(secret) = made {
        value["secret"] = json!(secret);
    }
    Ok(with_etag(version, &value))
}

/// `POST /webhooks/{id}/rotate` with `If-Match`: a new secret, shown this once; the one before signs as
/// well for a day.
pub async fn rotate(
    state: Data<State>,
    caller: Caller,
    key: Path<String>,
    version: IfMatch,
    body: RawBody,
) -> Answer {
    let id = webhook_id(&key)?;
    let version = version.version_of("the webhook")?;
    act_once(&state, &caller, body.once, move |tx| {
        let secret = actions::webhook::rotate(tx, id, version)?;
        let body = WebhookBody::of(webhook::find(tx.conn(), id)?);
        Ok(Done::answered(&body)?.with_secret("secret", &secret))
    })
    .await
}

/// `DELETE /webhooks/{id}`.
pub async fn remove(state: Data<State>, caller: Caller, key: Path<String>) -> Answer {
    let id = webhook_id(&key)?;
    act(&state, &caller, move |tx| actions::webhook::remove(tx, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `POST /webhooks/{id}/test`: sends a message that says nothing has happened, and shows the answer.
pub async fn test(state: Data<State>, caller: Caller, key: Path<String>) -> Answer {
    let tried = try_out(&state, &caller, webhook_id(&key)?).await?;
    Ok(HttpResponse::Ok().json(tried))
}

/// What became of a message that was sent to see whether a webhook works.
#[derive(Clone, Debug, Serialize)]
pub(in crate::web) struct Tried {
    pub(in crate::web) accepted: bool,
    /// What it came to, in a sentence.
    pub(in crate::web) outcome: String,
    /// The status of the answer, if there was one.
    pub(in crate::web) status: Option<u16>,
    /// The beginning of the answer.
    pub(in crate::web) body: String,
}

impl Tried {
    fn of(reply: Reply) -> Self {
        let accepted = matches!(reply.delivery, Delivery::Accepted { .. });
        let outcome = match reply.delivery {
            Delivery::Accepted { .. } => "it was accepted".to_string(),
            Delivery::Refused { code: 0, text, .. } => format!("it was not sent: {text}"),
            Delivery::Refused { text, .. } => format!("it was refused: {text}"),
            Delivery::Deferred { text, .. } => format!("it was put off: {text}"),
            Delivery::Unreachable { error } => format!("it was not sent: {error}"),
            Delivery::InDoubt { error } => format!("it may have arrived: {error}"),
        };
        let (status, body) = match reply.answer {
            Some(answer) => (Some(answer.status), answer.body),
            None => (None, String::new()),
        };
        Self {
            accepted,
            outcome: outcome.trim_end_matches([':', ' ']).to_string(),
            status,
            body,
        }
    }
}

/// Sends a sample to a webhook, whether it is in use or not.
pub(in crate::web) async fn try_out(
    state: &State,
    caller: &Caller,
    id: WebhookId,
) -> Answer<Tried> {
    let (store, hooks) = (state.store.clone(), state.hooks.clone());
    let public_url = state.public_url().to_string();
    let tried = block(move || {
        let now = store.now()?;
        let webhook = store.read(|conn| webhook::find(conn, id))?;
        let message = Message::sample(&webhook, &public_url, now);
        let parcel = Parcel::pack(&webhook, &format!("msg_{}", Uuid::new_v4()), &message, now);
        Ok(Tried::of(hooks.post(&webhook, &parcel, now)))
    })
    .await?;
    let detail = json!({"accepted": tried.accepted, "status": tried.status});
    act(state, caller, move |tx| {
        tx.record("webhook", id.0, "tried out", &detail)
    })
    .await?;
    Ok(tried)
}

pub(in crate::web) fn webhook_id(key: &str) -> Result<WebhookId> {
    key.parse()
        .map(WebhookId)
        .map_err(|_| Error::not_found("webhook", key))
}
