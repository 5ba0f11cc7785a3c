//! The session cookie, and the way to the page where one signs in.

use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};

use super::state::State;
use crate::secret::Secret;

/// Name of the session cookie.
pub const COOKIE: &str = "redress_session";

/// The cookie of a new session; it ends with the browser, and at the latest when the service says so.
pub(super) fn cookie(state: &State, secret: &Secret) -> Cookie<'static> {
    Cookie::build(COOKIE, secret.reveal().to_string())
        .path("/")
        .http_only(true)
        .secure(state.is_secure())
        .same_site(SameSite::Lax)
        .finish()
}

/// Takes the cookie away.
pub(super) fn removal() -> Cookie<'static> {
    let mut cookie = Cookie::build(COOKIE, "").path("/").finish();
    cookie.make_removal();
    cookie
}

/// To the page where one signs in, and from there back to where one wanted to go.
pub(super) fn to_sign_in(request: &HttpRequest) -> HttpResponse {
    let mut location = "/login".to_string();
    // A form cannot be sent again by following an address.
    if request.method().is_safe() && request.path() != "/" {
        let next: String =
            url::form_urlencoded::byte_serialize(request.uri().to_string().as_bytes()).collect();
        location = format!("/login?next={next}");
    }
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, location))
        .finish()
}

/// Where to go after signing in: only to a path of our own, or somebody else's link could lead away.
pub(super) fn safe_next(next: &str) -> &str {
    let is_path = next.starts_with('/')
        && !next.starts_with("//")
        && next
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_path { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_never_leads_away() {
        assert_eq!(safe_next("/incidents/INC-1?a=b"), "/incidents/INC-1?a=b");
        for away in [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "",
            "/\r\nSet-Cookie: a",
        ] {
            assert_eq!(safe_next(away), "/", "{away}");
        }
    }
}
