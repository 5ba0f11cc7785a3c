//! Who may do what: the rule of each route, who calls, and that a form came from our own page.

use std::future::{Ready, ready};

use actix_web::body::BoxBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use super::error::{Answer, Fault};
use super::state::{State, block};
use crate::actions::session::{prolong, prolonged};
use crate::domain::locale::Locale;
use crate::domain::person::{Person, Role};
use crate::domain::zone::Zone;
use crate::domain::{PersonId, TokenId};
use crate::error::{Refused, Result};
use crate::secret::Secret;
use crate::store::{Actor, session, token};

/// Whom a route lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Public,
    /// Whoever holds a signed link: the path is the capability, which the handler checks. No cookie counts,
    /// so a form sent from elsewhere could do no more than its sender could with the link at hand.
    Link,
    /// Every person: reading, and one's own settings.
    SignedIn,
    /// Whoever enters vendors, calendars, contracts and terms.
    Enter,
    /// Whoever raises incidents and records what happens.
    Record,
    /// Whoever reviews breaches, reports and letters.
    Review,
    /// Whoever looks after the people and the service.
    Administer,
}

impl Access {
    /// Whether a person of that role is let in.
    pub fn admits(self, role: Role) -> bool {
        self.roles().contains(&role)
    }

    /// The roles that are let in.
    pub fn roles(self) -> &'static [Role] {
        match self {
            Access::Public | Access::Link | Access::SignedIn => Role::ALL,
            Access::Enter => &[Role::Procurement, Role::Administrator],
            Access::Record => &[Role::Engineer, Role::Manager, Role::Administrator],
            Access::Review => &[Role::Manager, Role::Administrator],
            Access::Administer => &[Role::Administrator],
        }
    }
}

/// Who calls. Handlers take it as an argument; there is none on public routes.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Key.
    pub id: PersonId,
    /// What others call this person.
    pub name: String,
    /// Where letters go.
    pub email: String,
    /// What this person may do.
    pub role: Role,
    /// The zone in which moments are shown.
    pub time_zone: Zone,
    /// The language of letters.
    pub locale: Locale,
    /// By what the person was known.
    pub how: How,
}

/// By what a caller was known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// The cookie of a session; the hash of its value.
    Session(String),
    /// An API token.
    Token(TokenId),
}

impl Caller {
    /// In whose name changes are made.
    pub fn actor(&self) -> Actor {
        Actor::Person(self.id)
    }

    /// Whether a route with that rule would let this person in, so that a page shows what can be done.
    pub fn may(&self, access: Access) -> bool {
        access.admits(self.role)
    }

    /// The caller of a request, if one is known.
    pub fn of(request: &HttpRequest) -> Option<Self> {
        request.extensions().get::<Caller>().cloned()
    }

    fn new(person: Person, how: How) -> Self {
        Self {
            id: person.id,
            name: person.name,
            email: person.email,
            role: person.role,
            time_zone: person.time_zone,
            locale: person.locale,
            how,
        }
    }
}

impl FromRequest for Caller {
    type Error = Fault;
    type Future = Ready<Answer<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Caller::of(request).ok_or_else(nobody))
    }
}

/// The middleware of each route; `routes!` puts it there with the route's rule.
pub(super) async fn admit(
    rule: Access,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    match check(rule, request.request()).await {
        Ok(caller) => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            next.call(request).await
        }
        Err((fault, caller)) => {
            // So that the error page still knows whose page it is.
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            Ok(request.error_response(fault))
        }
    }
}

async fn check(
    rule: Access,
    request: &HttpRequest,
) -> Result<Option<Caller>, (Fault, Option<Caller>)> {
    if rule == Access::Link {
        return Ok(None);
    }
    if rule == Access::Public {
        same_origin(request).map_err(|fault| (fault, None))?;
        return Ok(None);
    }
    let caller = recognise(request)
        .await
        .map_err(|fault| (fault, None))?
        .ok_or_else(|| (nobody(), None))?;
    if matches!(caller.how, How::Session(_))
        && let Err(fault) = same_origin(request)
    {
        return Err((fault, Some(caller)));
    }
    if !caller.may(rule) {
        return Err((not_yours(rule, caller.role), Some(caller)));
    }
    Ok(Some(caller))
}

/// Who calls, by token or cookie.
///
/// # Errors
/// When a token does not count, or the database does not answer.
pub(super) async fn recognise(request: &HttpRequest) -> Answer<Option<Caller>> {
    let Some(state) = request.app_data::<Data<State>>() else {
        return Err(Fault::unexpected(
            "the service was started without its state",
        ));
    };
    let store = state.store.clone();
    if super::speaks_json(request.path())
        && let Some(value) = request.headers().get(header::AUTHORIZATION)
    {
        let secret = bearer(value.to_str().unwrap_or_default())?;
        let found = block(move || store.read(|conn| token::holder(conn, &secret.hash()))).await?;
        return match found {
            Some((id, person)) => Ok(Some(Caller::new(person, How::Token(id)))),
            None => Err(unauthenticated(
                "this API token is not known or was revoked; make a new one under API tokens",
            )),
        };
    }
    let Some(cookie) = request.cookie(super::session::COOKIE) else {
        return Ok(None);
    };
    let hash = Secret::given(cookie.value()).hash();
    block(move || {
        let now = store.now()?;
        let Some((session, person)) = store.read(|conn| session::holder(conn, &hash, now))? else {
            return Ok(None);
        };
        if let Some(until) = prolonged(&session, now) {
            let session = session.clone();
            store.write(Actor::Person(person.id), move |tx| {
                prolong(tx, &session, until)
            })?;
        }
        Ok(Some(Caller::new(person, How::Session(session.token_hash))))
    })
    .await
}

fn bearer(value: &str) -> Answer<Secret> {
    let mut words = value.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some(scheme), Some(token), None) if scheme.eq_ignore_ascii_case("bearer") => {
            Ok(Secret::given(token))
        }
        _ => Err(unauthenticated(
            "the Authorization header must be written as \"Bearer rdr_…\" with an API token",
        )),
    }
}

/// A browser sends cookies along with a form on somebody else's page; such a form is refused.
fn same_origin(request: &HttpRequest) -> Answer<()> {
    if request.method().is_safe() {
        return Ok(());
    }
    let text = |name: header::HeaderName| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let ours = match (
        text(header::HeaderName::from_static("sec-fetch-site")),
        text(header::ORIGIN),
    ) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => is_our_origin(request, origin),
        (None, None) => false,
    };
    if ours {
        Ok(())
    } else {
        Err(Refused::Forbidden(
            "this was not sent from a page of this service; open the page itself and try again"
                .to_string(),
        )
        .into())
    }
}

fn is_our_origin(request: &HttpRequest, origin: &str) -> bool {
    let public = request
        .app_data::<Data<State>>()
        .is_some_and(|state| state.public_url().eq_ignore_ascii_case(origin));
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let addressed = origin
        .split_once("://")
        .is_some_and(|(_, authority)| !host.is_empty() && authority.eq_ignore_ascii_case(host));
    public || addressed
}

fn nobody() -> Fault {
    unauthenticated("nobody is signed in; send an API token as \"Authorization: Bearer rdr_…\"")
}

fn unauthenticated(message: &str) -> Fault {
    Refused::Unauthenticated(message.to_string()).into()
}

fn not_yours(rule: Access, role: Role) -> Fault {
    let roles: Vec<&str> = rule.roles().iter().map(|role| role.as_str()).collect();
    Refused::Forbidden(format!(
        "your role, {role}, does not include this; it takes {}",
        roles.join(" or ")
    ))
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_lets_the_administrator_in_and_reading_everybody() {
        let rules = [
            Access::Public,
            Access::Link,
            Access::SignedIn,
            Access::Enter,
            Access::Record,
            Access::Review,
            Access::Administer,
        ];
        for rule in rules {
            assert!(rule.admits(Role::Administrator), "{rule:?}");
        }
        assert!(Access::SignedIn.admits(Role::Procurement));
        assert!(Access::Record.admits(Role::Manager));
        assert!(!Access::Record.admits(Role::Procurement));
        assert!(!Access::Enter.admits(Role::Engineer));
        assert!(!Access::Review.admits(Role::Engineer));
        assert!(!Access::Administer.admits(Role::Manager));
    }
}
