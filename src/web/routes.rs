//! The one list of routes: what there is, whom it lets in, and who answers.
//!
//! To add a route, add a line. A line without an access rule does not compile. `GET` answers `HEAD`
//! too. Where two lines fit a path, the first one counts: `/vendors/new` stands before `/vendors/{id}`.

use actix_web::http::Method;
use actix_web::middleware::{Next, from_fn};
use actix_web::{guard, web};

use super::access::{Access, admit};
use super::{api, assets, pages, watching};

/// A route as lists and tests see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: &'static str,
    /// The pattern of the path.
    pub path: &'static str,
    /// Whom it lets in.
    pub access: Access,
}

macro_rules! routes {
    ($($method:ident $path:literal $access:ident => $handler:expr;)+) => {
        /// Every route, in the order in which they are tried.
        pub fn all() -> Vec<Route> {
            vec![$(Route { method: stringify!($method), path: $path, access: Access::$access }),+]
        }

        pub(super) fn configure(config: &mut web::ServiceConfig) {
            $(config.service(
                web::resource($path)
                    .guard(routes!(@guard $method))
                    .wrap(from_fn(|request, next: Next<actix_web::body::BoxBody>| {
                        admit(Access::$access, request, next)
                    }))
                    .to($handler),
            );)+
        }
    };
    (@guard GET) => { guard::Any(guard::Get()).or(guard::Head()) };
    (@guard POST) => { guard::Post() };
    (@guard PUT) => { guard::Put() };
    (@guard DELETE) => { guard::Delete() };
}

routes! {
    // Signing in.
    GET    "/login"                     Public     => pages::session::ask;
    POST   "/login"                     Public     => pages::session::sign_in;
    POST   "/logout"                    Public     => pages::session::sign_out;
    GET    "/setup/{link}"              Public     => pages::session::ask_first;
    POST   "/setup/{link}"              Public     => pages::session::set_up;

    // Answers by the signed links of letters, without an account.
    GET    "/answer/{link}"             Link       => pages::link::ask;
    POST   "/answer/{link}"             Link       => pages::link::record;
    GET    "/vendor/{link}"             Link       => pages::link::vendor;
    GET    "/vendor/{link}/{case}/{purpose}" Link  => pages::link::ask_of_case;
    POST   "/vendor/{link}/{case}/{purpose}" Link  => pages::link::record_of_case;

    // What goes on.
    GET    "/"                          SignedIn   => pages::board::show;
    GET    "/incidents"                 SignedIn   => pages::incident::list;
    POST   "/incidents"                 Record     => pages::incident::raise;
    GET    "/incidents/new"             Record     => pages::incident::new;
    GET    "/incidents/{id}"            SignedIn   => pages::incident::show;
    GET    "/incidents/{id}/what-if"    SignedIn   => pages::incident::what_if;
    POST   "/incidents/{id}/events"     Record     => pages::incident::record;
    GET    "/incidents/{id}/events/{seq}/correct" Record => pages::incident::ask_correction;
    POST   "/incidents/{id}/events/{seq}/correct" Record => pages::incident::correct;
    GET    "/incidents/{id}/bundle.zip" SignedIn   => api::evidence::incident_bundle;
    GET    "/incidents/{id}/events/{seq}/erase" Administer => pages::incident::ask_erasure;
    POST   "/incidents/{id}/events/{seq}/erase" Administer => pages::incident::erase;
    GET    "/incidents/{id}/cases/new"  Record     => pages::incident::ask_case;
    POST   "/incidents/{id}/cases"      Record     => pages::incident::add_case;
    GET    "/clocks/{id}"               SignedIn   => pages::explanation::show;
    GET    "/clocks/{id}/explanation.txt" SignedIn => pages::explanation::text;
    GET    "/letters"                   SignedIn   => pages::letter::list;
    GET    "/letters/{id}"              SignedIn   => pages::letter::show;
    GET    "/letters/{id}/html"         SignedIn   => pages::letter::html;
    GET    "/letters/{id}/letter.eml"   SignedIn   => pages::letter::message;
    POST   "/letters/{id}/requeue"      Record     => pages::letter::requeue;
    POST   "/letters/{id}/cancel"       Record     => pages::letter::cancel;
    POST   "/letters/{id}/revoke-links" Record     => pages::letter::revoke_links;
    GET    "/letter-templates"          Administer => pages::letter_template::show;
    GET    "/letter-templates/html"     Administer => pages::letter_template::html;

    // Messages that came in.
    GET    "/received"                  Administer => pages::received::list;
    GET    "/received/{id}/message.eml" Record     => pages::received::message;
    POST   "/received/{id}/confirm"     Record     => pages::received::confirm;
    POST   "/received/{id}/dismiss"     Record     => pages::received::dismiss;
    POST   "/received/{id}/erase"       Administer => pages::received::erase;

    // Oneself.
    GET    "/account"                   SignedIn   => pages::account::show;
    POST   "/account"                   SignedIn   => pages::account::edit;
    POST   "/account/password"          SignedIn   => pages::account::change_password;
    GET    "/tokens"                    SignedIn   => pages::token::list;
    POST   "/tokens"                    SignedIn   => pages::token::create;
    POST   "/tokens/{id}/revoke"        SignedIn   => pages::token::revoke;

    // People.
    GET    "/people"                    Administer => pages::person::list;
    POST   "/people"                    Administer => pages::person::add;
    GET    "/people/new"                Administer => pages::person::new;
    GET    "/people/{id}"               Administer => pages::person::show;
    POST   "/people/{id}"               Administer => pages::person::edit;

    // Webhooks.
    GET    "/teams"                     SignedIn   => pages::team::list;
    POST   "/teams"                     Enter      => pages::team::enter;
    GET    "/teams/new"                 Enter      => pages::team::new;
    GET    "/teams/{id}"                Enter      => pages::team::show;
    POST   "/teams/{id}"                Enter      => pages::team::edit;
    POST   "/teams/{id}/remove"         Enter      => pages::team::remove;
    GET    "/rotas"                     SignedIn   => pages::rota::list;
    POST   "/rotas"                     Enter      => pages::rota::enter;
    GET    "/rotas/new"                 Enter      => pages::rota::new;
    GET    "/rotas/{id}"                Enter      => pages::rota::show;
    POST   "/rotas/{id}"                Enter      => pages::rota::edit;
    POST   "/rotas/{id}/remove"         Enter      => pages::rota::remove;
    GET    "/webhooks"                  SignedIn   => pages::webhook::list;
    POST   "/webhooks"                  Administer => pages::webhook::enter;
    GET    "/webhooks/new"              Administer => pages::webhook::new;
    GET    "/webhooks/{id}"             Administer => pages::webhook::show;
    POST   "/webhooks/{id}"             Administer => pages::webhook::edit;
    POST   "/webhooks/{id}/rotate"      Administer => pages::webhook::rotate;
    POST   "/webhooks/{id}/test"        Administer => pages::webhook::test;
    POST   "/webhooks/{id}/remove"      Administer => pages::webhook::remove;

    // Vendors, contracts, calendars.
    GET    "/vendors"                   SignedIn   => pages::vendor::list;
    POST   "/vendors"                   Enter      => pages::vendor::enter;
    GET    "/vendors/new"               Enter      => pages::vendor::new;
    GET    "/vendors/{id}"              SignedIn   => pages::vendor::show;
    POST   "/vendors/{id}"              Enter      => pages::vendor::edit;
    GET    "/vendors/{id}/edit"         Enter      => pages::vendor::change;
    POST   "/vendors/{id}/contacts/{contact}/works" Enter => pages::vendor::works;
    GET    "/contracts"                 SignedIn   => pages::contract::list;
    POST   "/contracts"                 Enter      => pages::contract::enter;
    GET    "/contracts/new"             Enter      => pages::contract::new;
    GET    "/contracts/{id}"            SignedIn   => pages::contract::show;
    POST   "/contracts/{id}"            Enter      => pages::contract::edit;
    GET    "/contracts/{id}/edit"       Enter      => pages::contract::change;
    GET    "/contracts/{id}/rehearsal"  SignedIn   => pages::rehearsal::show;
    GET    "/contracts/{id}/terms/new"  Enter      => pages::terms::new;
    POST   "/contracts/{id}/terms"      Enter      => pages::terms::enter;
    GET    "/contracts/{id}/go_lives/new" Enter    => pages::go_live::new;
    POST   "/contracts/{id}/go_lives"   Enter      => pages::go_live::enter;
    POST   "/contracts/{id}/go_lives/{window}/withdraw" Enter => pages::go_live::withdraw;

    GET    "/calendars"                 SignedIn   => pages::calendar::list;
    POST   "/calendars"                 Enter      => pages::calendar::enter;
    GET    "/calendars/new"             Enter      => pages::calendar::new;
    GET    "/calendars/{id}"            SignedIn   => pages::calendar::show;
    POST   "/calendars/{id}"            Enter      => pages::calendar::edit;
    GET    "/calendars/{id}/edit"       Enter      => pages::calendar::change;
    GET    "/calendars/{id}/holidays"   Enter      => pages::calendar::holidays;
    POST   "/calendars/{id}/holidays"   Enter      => pages::calendar::import_holidays;
    GET    "/findings"                  SignedIn   => pages::finding::list;

    // Evidence.
    GET    "/breaches"                  SignedIn   => pages::breach::list;
    GET    "/breaches/{id}"             SignedIn   => pages::breach::show;
    GET    "/breaches/{id}/bundle.zip"  SignedIn   => api::evidence::breach_bundle;
    GET    "/schedules"                 SignedIn   => pages::schedule::list;
    POST   "/schedules"                 Review     => pages::schedule::enter;
    GET    "/schedules/new"             Review     => pages::schedule::new;
    GET    "/schedules/{id}"            Review     => pages::schedule::show;
    POST   "/schedules/{id}"            Review     => pages::schedule::edit;
    POST   "/schedules/{id}/end"        Review     => pages::schedule::end;
    GET    "/evidence"                  Review     => pages::evidence::show;
    GET    "/evidence/{id}"             SignedIn   => api::evidence::download;
    GET    "/report"                    SignedIn   => pages::report::show;
    GET    "/report.csv"                SignedIn   => pages::report::csv;
    GET    "/report.json"               SignedIn   => pages::report::json;
    GET    "/report/cases"              SignedIn   => pages::report::cases;

    // The API.
    GET    "/api/v1/people"             Administer => api::person::list;
    POST   "/api/v1/people"             Administer => api::person::add;
    GET    "/api/v1/people/{id}"        Administer => api::person::show;
    PUT    "/api/v1/people/{id}"        Administer => api::person::edit;
    GET    "/api/v1/tokens"             SignedIn   => api::token::list;
    POST   "/api/v1/tokens"             SignedIn   => api::token::create;
    DELETE "/api/v1/tokens/{id}"        SignedIn   => api::token::revoke;

    GET    "/api/v1/vendors"            SignedIn   => api::vendor::list;
    POST   "/api/v1/vendors"            Enter      => api::vendor::enter;
    GET    "/api/v1/vendors/{id}"       SignedIn   => api::vendor::show;
    PUT    "/api/v1/vendors/{id}"       Enter      => api::vendor::edit;
    GET    "/api/v1/refused-addresses"  SignedIn   => api::refused_address::list;
    DELETE "/api/v1/refused-addresses/{email}" Enter => api::refused_address::lift;
    GET    "/api/v1/calendars"          SignedIn   => api::calendar::list;
    POST   "/api/v1/calendars"          Enter      => api::calendar::enter;
    GET    "/api/v1/calendars/{id}"     SignedIn   => api::calendar::show;
    PUT    "/api/v1/calendars/{id}"     Enter      => api::calendar::edit;
    POST   "/api/v1/calendars/{id}/holidays" Enter => api::calendar::import_holidays;
    POST   "/api/v1/calendars/{id}/preview" Enter => api::calendar::preview;
    POST   "/api/v1/calendars/{id}/deadline" SignedIn => api::calendar::deadline;
    GET    "/api/v1/contracts"          SignedIn   => api::contract::list;
    POST   "/api/v1/contracts"          Enter      => api::contract::enter;
    POST   "/api/v1/contracts/terms/preview" SignedIn => api::contract::preview;
    GET    "/api/v1/contracts/{id}"     SignedIn   => api::contract::show;
    PUT    "/api/v1/contracts/{id}"     Enter      => api::contract::edit;
    POST   "/api/v1/contracts/{id}/rehearsal" SignedIn => api::rehearsal::play;
    POST   "/api/v1/contracts/{id}/terms" Enter    => api::contract::amend;
    POST   "/api/v1/contracts/{id}/terms/apply-preview" Enter => api::preview::apply;
    GET    "/api/v1/contracts/{id}/go_lives" SignedIn => api::go_live::list;
    POST   "/api/v1/contracts/{id}/go_lives" Enter => api::go_live::enter;
    POST   "/api/v1/contracts/{id}/go_lives/{window}/withdraw" Enter => api::go_live::withdraw;

    GET    "/api/v1/findings"           SignedIn   => api::finding::list;
    GET    "/api/v1/incidents"          SignedIn   => api::incident::list;
    POST   "/api/v1/incidents"          Record     => api::incident::raise;
    GET    "/api/v1/incidents/{id}"     SignedIn   => api::incident::show;
    POST   "/api/v1/incidents/{id}/cases" Record   => api::incident::add_case;
    POST   "/api/v1/incidents/{id}/events" Record  => api::incident::record;
    GET    "/api/v1/incidents/{id}/bundle.zip" SignedIn => api::evidence::incident_bundle;
    POST   "/api/v1/incidents/{id}/events/preview" Record => api::preview::event;
    POST   "/api/v1/incidents/{id}/erasures" Administer => api::incident::erase;
    GET    "/api/v1/incidents/{id}/clocks/missing" SignedIn => api::explanation::missing;
    GET    "/api/v1/clocks"             SignedIn   => api::clock::list;
    POST   "/api/v1/clocks/what-if"     SignedIn   => api::what_if::answer;
    GET    "/api/v1/clocks/{id}/explanation" SignedIn => api::explanation::show;
    GET    "/api/v1/letters"            SignedIn   => api::letter::list;
    GET    "/api/v1/letters/{id}"       SignedIn   => api::letter::show;
    POST   "/api/v1/letters/{id}/requeue" Record   => api::letter::requeue;
    POST   "/api/v1/letters/{id}/cancel" Record    => api::letter::cancel;
    POST   "/api/v1/letters/{id}/revoke-links" Record => api::letter::revoke_links;
    GET    "/api/v1/received-messages"  Administer => api::received::list;
    GET    "/api/v1/incidents/{id}/received-messages" SignedIn => api::received::of_incident;
    POST   "/api/v1/received-messages/{id}/events" Record => api::received::confirm;
    POST   "/api/v1/received-messages/{id}/dismiss" Record => api::received::dismiss;
    GET    "/api/v1/breaches"           SignedIn   => api::breach::list;
    GET    "/api/v1/breaches/{id}"      SignedIn   => api::breach::show;
    GET    "/api/v1/breaches/{id}/bundle.zip" SignedIn => api::evidence::breach_bundle;
    POST   "/api/v1/evidence"           Record     => api::evidence::upload;
    GET    "/api/v1/evidence/{id}"      SignedIn   => api::evidence::download;
    GET    "/api/v1/anchors"            SignedIn   => api::anchor::list;
    GET    "/api/v1/anchors/{number}"   SignedIn   => api::anchor::show;
    GET    "/api/v1/reports/attainment" SignedIn   => api::report::attainment;
    GET    "/api/v1/reports/breaches"   SignedIn   => api::report::breaches;
    GET    "/api/v1/teams"              SignedIn   => api::team::list;
    POST   "/api/v1/teams"              Enter      => api::team::enter;
    GET    "/api/v1/teams/{id}"         SignedIn   => api::team::show;
    PUT    "/api/v1/teams/{id}"         Enter      => api::team::edit;
    DELETE "/api/v1/teams/{id}"         Enter      => api::team::remove;
    GET    "/api/v1/rotas"              SignedIn   => api::rota::list;
    POST   "/api/v1/rotas"              Enter      => api::rota::enter;
    GET    "/api/v1/rotas/{id}"         SignedIn   => api::rota::show;
    PUT    "/api/v1/rotas/{id}"         Enter      => api::rota::edit;
    DELETE "/api/v1/rotas/{id}"         Enter      => api::rota::remove;
    GET    "/api/v1/webhooks"           SignedIn   => api::webhook::list;
    POST   "/api/v1/webhooks"           Administer => api::webhook::enter;
    GET    "/api/v1/webhooks/{id}"      SignedIn   => api::webhook::show;
    PUT    "/api/v1/webhooks/{id}"      Administer => api::webhook::edit;
    DELETE "/api/v1/webhooks/{id}"      Administer => api::webhook::remove;
    POST   "/api/v1/webhooks/{id}/rotate" Administer => api::webhook::rotate;
    POST   "/api/v1/webhooks/{id}/test" Administer => api::webhook::test;
    GET    "/api/v1/schedules"          SignedIn   => api::schedule::list;
    POST   "/api/v1/schedules"          Review     => api::schedule::enter;
    GET    "/api/v1/schedules/{id}"     SignedIn   => api::schedule::show;
    PUT    "/api/v1/schedules/{id}"     Review     => api::schedule::edit;
    DELETE "/api/v1/schedules/{id}"     Review     => api::schedule::end;

    // For whoever watches the service.
    GET    "/healthz"                   Public     => watching::alive;
    GET    "/readyz"                    Public     => watching::ready;
    GET    "/metrics"                   Public     => watching::metrics;

    GET    "/assets/{file}"             Public     => assets::serve;
}

/// The methods that some route has for this path.
pub(super) fn methods_of(path: &str) -> Vec<Method> {
    let mut methods = Vec::new();
    for route in all() {
        if actix_web::dev::ResourceDef::new(route.path).is_match(path)
            && let Ok(method) = route.method.parse::<Method>()
            && !methods.contains(&method)
        {
            methods.push(method);
        }
    }
    methods
}
