//! One's own API tokens.

use actix_web::web::{Data, Path};
use askama::Template;

use super::{go, page, try_again};
use crate::actions;
use crate::domain::TokenId;
use crate::secret::Secret;
use crate::store::token::{self, Token};
use crate::web::access::Caller;
use crate::web::error::Answer;
use crate::web::form::Form;
use crate::web::frame::Frame;
use crate::web::shown::Shown;
use crate::web::state::{State, act, block};

/// Tokens on the page; whoever has more uses the API.
const MOST: i64 = 500;

#[derive(Template)]
#[template(path = "token/list.html")]
struct ListPage {
    frame: Frame,
    tokens: Vec<Line>,
    form: Form,
    /// The new token, shown this once.
    fresh: Option<Fresh>,
}

struct Fresh {
    name: String,
    secret: String,
}

struct Line {
    id: TokenId,
    name: String,
    made: Shown,
}

/// Lists the tokens that count.
pub async fn list(state: Data<State>, frame: Frame, caller: Caller) -> Answer {
    shown(&state, frame, &caller, Form::default(), None).await
}

/// Makes a token and shows it once. The answer is not kept, so a form sent twice makes two, of which
/// one can be revoked.
pub async fn create(state: Data<State>, frame: Frame, caller: Caller, form: Form) -> Answer {
    let secret = Secret::token().map_err(crate::error::Error::from)?;
    let (person, name, hash) = (caller.id, form.value("name").to_string(), secret.hash());
    let made = act(&state, &caller, move |tx| {
        actions::token::create(tx, person, &name, &hash)
    })
    .await;
    match made {
        Ok(_) => {
            let fresh = Fresh {
                name: form.value("name").trim().to_string(),
                secret: secret.reveal().to_string(),
            };
            shown(&state, frame, &caller, Form::default(), Some(fresh)).await
        }
        Err(fault) => {
            try_again(Err(fault), form, async |form| {
                shown(&state, frame, &caller, form, None).await
            })
            .await
        }
    }
}

/// Ends a token.
pub async fn revoke(state: Data<State>, caller: Caller, id: Path<i64>) -> Answer {
    let (person, id) = (caller.id, TokenId(*id));
    act(&state, &caller, move |tx| {
        actions::token::revoke(tx, person, id)
    })
    .await?;
    Ok(go(
        "/tokens",
        "The token is revoked; what used it has no access any more.",
    ))
}

async fn shown(
    state: &State,
    frame: Frame,
    caller: &Caller,
    form: Form,
    fresh: Option<Fresh>,
) -> Answer {
    let (store, person, zone) = (state.store.clone(), caller.id, caller.time_zone.0);
    let tokens = block(move || {
        let now = store.now()?;
        let tokens = store.read(|conn| token::page(conn, person, None, MOST))?;
        let line = |token: Token| Line {
            id: token.id,
            name: token.name,
            made: Shown::of(token.created_at, now, zone, None),
        };
        let counting = |token: &Token| token.revoked_at.is_none();
        Ok(tokens.into_iter().filter(counting).map(line).collect())
    })
    .await?;
    page(&ListPage {
        frame,
        tokens,
        form,
        fresh,
    })
}
