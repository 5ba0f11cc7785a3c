//! What the frame round every page shows: who is signed in, where one can go, what has just been done.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::access::{Access, Caller};
use super::error::{Answer, Fault};
use super::routes;
use super::state::{State, block};
use crate::engine;
use crate::store::overview::{Overview, overview};

/// What the frame round every page shows; the field `frame` of each page's template. Handlers take it
/// as an argument.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// Language of the page.
    pub lang: &'static str,
    /// The moment at which it was made.
    pub now: String,
    /// Who is signed in.
    pub person: Option<SignedIn>,
    /// Where one can go.
    pub nav: Vec<NavGroup>,
    /// Whether the person may raise incidents.
    pub can_raise: bool,
    /// What has just been done.
    pub flash: Option<Flash>,
    /// Whether the page shows a drill.
    pub drill: bool,
    /// What everybody should know.
    pub notices: Vec<String>,
}

/// Who is signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Name.
    pub name: String,
    /// Role.
    pub role: String,
    /// Zone.
    pub time_zone: String,
}

/// Links that belong together.
#[derive(Clone, Debug)]
pub struct NavGroup {
    /// What they have in common.
    pub title: &'static str,
    /// The links.
    pub links: Vec<NavLink>,
}

/// A link of the frame.
#[derive(Clone, Debug)]
pub struct NavLink {
    /// Where it leads.
    pub href: &'static str,
    /// What it says.
    pub label: &'static str,
    /// Whether the page lies there.
    pub here: bool,
    /// How many things wait there.
    pub count: i64,
    /// What is counted.
    pub count_of: &'static str,
    /// Whether they are urgent.
    pub alarm: bool,
}

/// What has just been done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flash {
    /// `good` or `bad`.
    pub tone: &'static str,
    /// A sentence.
    pub text: String,
}

/// Every page of the frame: titles with addresses and labels. Whether a link is shown is decided by the
/// rule of its route.
const NAV: &[(&str, &[(&str, &str)])] = &[
    ("Now", &[("/", "Board"), ("/incidents", "Incidents")]),
    (
        "Evidence",
        &[
            ("/breaches", "Breaches"),
            ("/report", "Report"),
            ("/schedules", "Report schedules"),
            ("/evidence", "Hash chain"),
        ],
    ),
    (
        "Agreements",
        &[
            ("/vendors", "Vendors"),
            ("/contracts", "Contracts"),
            ("/calendars", "Calendars"),
            ("/findings", "Findings"),
        ],
    ),
    (
        "Service",
        &[
            ("/letters", "Outbox"),
            ("/received", "Received mail"),
            ("/letter-templates", "Letter templates"),
            ("/webhooks", "Webhooks"),
            ("/people", "People"),
            ("/teams", "Teams"),
            ("/rotas", "Rotas"),
            ("/tokens", "API tokens"),
        ],
    ),
];

impl Frame {
    /// The frame of a page for whom the request is known to come from, without figures.
    pub fn bare(request: &HttpRequest) -> Self {
        let caller = Caller::of(request);
        let routes = routes::all();
        let leads = |caller: &Caller, href: &str| {
            let mut pages = routes.iter().filter(|route| route.method == "GET");
            pages.any(|route| route.path == href && caller.may(route.access))
        };
        Self {
            lang: "en",
            can_raise: caller
                .as_ref()
                .is_some_and(|caller| leads(caller, "/incidents/new")),
            nav: caller.as_ref().map_or_else(Vec::new, |caller| {
                nav(request.path(), |href| leads(caller, href))
            }),
            person: caller.map(|caller| SignedIn {
                name: caller.name,
                role: capitalised(caller.role.as_str()),
                time_zone: caller.time_zone.to_string(),
            }),
            flash: flash_of(request),
            ..Self::default()
        }
    }
}

impl Frame {
    /// Shows beside a link how many things wait there.
    fn count(&mut self, href: &str, count: i64, count_of: &'static str) {
        let links = self.nav.iter_mut().flat_map(|group| &mut group.links);
        for link in links.filter(|link| link.href == href) {
            link.count = count;
            link.count_of = count_of;
            link.alarm = count > 0;
        }
    }
}

impl FromRequest for Frame {
    type Error = Fault;
    type Future = Pin<Box<dyn Future<Output = Answer<Self>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut frame = Frame::bare(request);
        let state = request.app_data::<Data<State>>().cloned();
        let administers = Caller::of(request).is_some_and(|caller| caller.may(Access::Administer));
        Box::pin(async move {
            let state = state.ok_or_else(|| Fault::unexpected("there is no state"))?;
            let (store, health) = (state.store.clone(), Arc::clone(&state.health));
            let is_known = frame.person.is_some();
            let (now, overview, faults) = block(move || {
                let overview = match is_known {
                    true => store.read(overview)?,
                    false => Overview::default(),
                };
                let mut faults = Vec::new();
                if administers {
                    faults = health.time().faults();
                    faults.extend(engine::standing(&store, &health)?.faults());
                }
                Ok((store.now()?, overview, faults))
            })
            .await?;
            frame.notices.extend(faults);
            frame.now = now.to_string();
            frame.count("/", overview.past_due, "past due");
            frame.count("/letters", overview.undelivered, "not delivered");
            Ok(frame)
        })
    }
}

fn nav(path: &str, leads: impl Fn(&str) -> bool) -> Vec<NavGroup> {
    let below = |href: &str| {
        path.strip_prefix(href)
            .is_some_and(|rest| rest.starts_with('/'))
    };
    let link = |&(href, label): &(&'static str, &'static str)| NavLink {
        href,
        label,
        here: path == href || (href != "/" && below(href)),
        count: 0,
        count_of: "",
        alarm: false,
    };
    NAV.iter()
        .map(|(title, links)| NavGroup {
            title,
            links: links
                .iter()
                .filter(|(href, _)| leads(href))
                .map(link)
                .collect(),
        })
        .filter(|group| !group.links.is_empty())
        .collect()
}

/// The cookie that carries one sentence from a form to the page that follows it.
const FLASH: &str = "redress_flash";

/// The cookie that carries a sentence to the next page.
pub(super) fn flash_cookie(text: &str) -> Cookie<'static> {
    Cookie::build(FLASH, URL_SAFE_NO_PAD.encode(text))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .finish()
}

/// Takes the sentence away once it was shown.
pub(super) fn spent_flash(request: &HttpRequest) -> Option<Cookie<'static>> {
    request.cookie(FLASH)?;
    let mut cookie = Cookie::build(FLASH, "").path("/").finish();
    cookie.make_removal();
    Some(cookie)
}

fn flash_of(request: &HttpRequest) -> Option<Flash> {
    let bytes = URL_SAFE_NO_PAD
        .decode(request.cookie(FLASH)?.value())
        .ok()?;
    Some(Flash {
        tone: "good",
        text: String::from_utf8(bytes).ok()?,
    })
}

/// A word as it begins a sentence.
pub(super) fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}
