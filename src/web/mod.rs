//! Pages and API: reads a request, calls one function, shows the result.
//!
//! # How to add something
//!
//! 1. Add a line to the list in [`routes`]: method, path, access rule, handler.
//! 2. Write the handler, one function per verb, in `pages/<noun>.rs` or `api/<noun>.rs`. It takes what
//!    it needs as arguments and gives an [`Answer`]:
//!
//!    ```ignore
//!    pub async fn enter(state: Data<State>, caller: Caller, body: JsonBody) -> Answer {
//!        let (value, once) = body.parts();
//!        act_once(&state, &caller, once, move |tx| {
//!            let id = vendor::enter(tx, &VendorInput::read(&value)?)?;
//!            Ok(Done::made(format!("/api/v1/vendors/{id}"), &json!({"id": id})))
//!        })
//!        .await
//!    }
//!    ```
//!
//!    A page's handler also takes the [`Frame`] and, where one is sent, the [`Form`], whose fields are
//!    named by the API's paths. [`try_again`] shows it once more when the input is not acceptable:
//!
//!    ```ignore
//!    pub async fn enter(state: Data<State>, frame: Frame, caller: Caller, form: Form) -> Answer {
//!        let value = form.json(&SHAPE);
//!        let outcome = act_once(&state, &caller, form.once(), move |tx| {
//!            let id = vendor::enter(tx, &VendorInput::read(&value)?)?;
//!            Ok(Done::go(format!("/vendors/{}", id.reference()), "The vendor is entered."))
//!        })
//!        .await;
//!        try_again(outcome, form, async |form| page(&FormPage { frame, form })).await
//!    }
//!    ```
//!
//! [`read`] asks the store, [`act`] changes something, [`act_once`] does so at most once for a request
//! that carries an idempotency key (API) or a request id (forms). Errors go up with `?`; only
//! [`error`] knows their status and how they look.

pub mod access;
pub mod api;
pub mod body;
pub mod error;
pub mod form;
pub mod frame;
pub mod idempotency;
pub mod pages;
pub mod paging;
pub mod request;
pub mod routes;
pub mod session;
pub mod shown;
mod spool;
pub mod state;
mod stream;
pub mod throttle;
pub mod upload;
pub mod version;
pub mod wording;

mod assets;
mod watching;

use std::io;
use std::net::{SocketAddr, TcpListener};

use actix_web::dev::ServerHandle;
use actix_web::middleware::{Compress, from_fn};
use actix_web::web::Data;
use actix_web::{App, HttpMessage, HttpRequest, HttpResponse, HttpServer, web as actix};
use tokio::task::JoinHandle;

pub use access::{Access, Caller, How};
pub use body::{JsonBody, RawBody};
pub use error::{Answer, Fault};
pub use form::Form;
pub use frame::Frame;
pub use idempotency::{Done, Once, act_once};
pub use pages::{page, try_again};
pub use paging::{Listing, Paging};
pub use shown::Shown;
pub use state::{State, act, block, read};
pub use version::{IfMatch, with_etag};

/// How long requests may take to finish once the service stops, in seconds.
const FINISH_WITHIN: u64 = 30;

/// A server that answers.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    handle: ServerHandle,
    task: JoinHandle<io::Result<()>>,
}

impl Running {
    /// Takes no more requests and returns when those that were begun are answered.
    ///
    /// # Errors
    /// When the server ended with an error of its own.
    pub async fn stop(self) -> io::Result<()> {
        self.handle.stop(true).await;
        self.task.await.map_err(io::Error::other)?
    }
}

/// Begins to answer on a listener; needs a tokio runtime round it.
///
/// # Errors
/// When the listener cannot be used.
pub fn start(state: State, listener: TcpListener) -> io::Result<Running> {
    let address = listener.local_addr()?;
    let state = Data::new(state);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .configure(routes::configure)
            .default_service(actix::to(nothing_here))
            .wrap(from_fn(request::accompany))
            .wrap(Compress::default())
    })
    .disable_signals()
    .shutdown_timeout(FINISH_WITHIN)
    .listen(listener)?
    .run();
    Ok(Running {
        address,
        handle: server.handle(),
        task: tokio::spawn(server),
    })
}

/// Whether whoever asks for this path is a program.
fn speaks_json(path: &str) -> bool {
    path.starts_with("/api/") || is_watching(path)
}

/// Whether whoever asks for this path watches over the service.
fn is_watching(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz" | "/metrics")
}

async fn nothing_here(request: HttpRequest) -> Answer<HttpResponse> {
    // So that the page still knows whose it is; who is not known gets the same answer.
    if let Ok(Some(caller)) = access::recognise(&request).await {
        request.extensions_mut().insert(caller);
    }
    let methods = routes::methods_of(request.path());
    Err(if methods.is_empty() {
        Fault::NoSuchPath
    } else {
        Fault::WrongMethod(methods)
    })
}
