//! A mail server, spoken to by lettre's connection one command at a time.
//!
//! Not lettre's transport: it does not tell a connection lost before the content from one lost
//! after it, which is the difference between sending a letter again and sending it twice; it closes
//! the connection at the first refused recipient; and on a socket with Nagle's algorithm the final
//! dot waits for the acknowledgement of the text, some 40 ms for each letter.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use lettre::transport::smtp::response::Response;

use super::{Delivery, Limits, Outgoing};
use crate::domain::outbox::LEASE;
use crate::time::SECOND;

mod connection;
mod encryption;
mod failure;
mod opening;
mod resting;
mod server;

use connection::{Connection, Job};
pub use encryption::Authorities;
pub(in crate::mail) use encryption::Encryption;
use failure::{Failure, Step};
use resting::Shared;
use server::Server;

/// How long the server may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For the connection, and for each answer but the last.
    pub exchange: Duration,
    /// From the first byte of the content to the answer to it.
    pub content: Duration,
}

const EXCHANGE: Duration = Duration::from_secs(20);
const CONTENT: Duration = Duration::from_secs(60);

/// Connect, greeting, STARTTLS, EHLO to lettre and to us, AUTH, MAIL, RCPT and DATA; RSET, or MAIL once
/// more on a connection that turns out to be dead.
const EXCHANGES: u32 = 10;

/// The longest that one letter can take with the usual [`Patience`].
pub const LONGEST_SEND: Duration =
    Duration::from_secs(EXCHANGES as u64 * EXCHANGE.as_secs() + CONTENT.as_secs());

// A letter whose lease ends while it is being sent is sent twice.
const _: () = assert!(LONGEST_SEND.as_secs() < (LEASE / SECOND) as u64);

impl Default for Patience {
    fn default() -> Self {
        Self {
            exchange: EXCHANGE,
            content: CONTENT,
        }
    }
}

/// A mail server; copies share its connections.
#[derive(Clone)]
pub struct SmtpOutlet(Arc<Shared>, Limits);

/// Starting.
impl SmtpOutlet {
    /// Reads `smtp://host`, `smtp://user:password@host:587?tls=required`, `smtps://…`; nothing is
    /// connected yet.
    ///
    /// `smtp` without `tls` is not encrypted (port 25); `tls=required` and `tls=opportunistic` use
    /// STARTTLS (port 587); `smtps` is TLS from the start (port 465). A path is the name to say in EHLO.
    ///
    /// The server's certificate must be for the URL's host and come from an authority that the system
    /// trusts.
    ///
    /// # Errors
    /// A sentence for whoever configured it, without the password.
    pub fn from_url(url: &str, patience: Patience) -> Result<Self, String> {
        Self::from_url_trusting(url, &Authorities::default(), patience)
    }

    /// The same, with authorities that are trusted as those of the system are.
    ///
    /// # Errors
    /// As [`Self::from_url`]; also when there are such authorities and the URL asks for no encryption.
    pub fn from_url_trusting(
        url: &str,
        authorities: &Authorities,
        patience: Patience,
    ) -> Result<Self, String> {
        let server = Server::from_url(url, authorities, patience)?;
        Ok(Self(Arc::new(Shared::new(server)), Limits::default()))
    }

    /// The same server, with limits for each domain.
    #[must_use]
    pub fn limited_to(self, limits: Limits) -> Self {
        Self(self.0, limits)
    }

    pub(super) fn limits(&self) -> Limits {
        self.1
    }
}

impl fmt::Debug for SmtpOutlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SmtpOutlet")
            .field(&self.0.server.masked())
            .finish()
    }
}

/// Sending.
impl SmtpOutlet {
    /// Hands letters to the server one after the other over one connection, and tells `done` what
    /// became of each.
    ///
    /// Ends early when the server cannot be talked to any more, and before a letter (other than the first)
    /// that may not begin any more; those left have certainly not been sent.
    pub(super) async fn send_in_turn(
        &self,
        letters: &[&Outgoing],
        may_begin: impl Fn(usize) -> bool,
        mut done: impl FnMut(Delivery),
    ) {
        let jobs: Vec<_> = letters.iter().map(|letter| Job::of(letter)).collect();
        let mut line = None;
        for (place, job) in jobs.iter().enumerate() {
            if place > 0 && !may_begin(place) {
                break;
            }
            let delivery = match job {
                Ok(job) => {
                    let next = jobs.get(place + 1).and_then(|next| next.as_ref().ok());
                    self.send(&mut line, job, next).await
                }
                Err(wrong) => wrong.clone(),
            };
            let is_over = delivery.is_trouble();
            done(delivery);
            if is_over {
                break;
            }
        }
        if let Some(connection) = line.and_then(Line::free) {
            self.0.rest(connection);
        }
    }

    /// Hands over one letter on the line there is, or on one of those that rest, or on a new one; leaves
    /// the line for the next if it can be used again.
    async fn send(
        &self,
        line: &mut Option<Line>,
        job: &Job<'_>,
        next: Option<&Job<'_>>,
    ) -> Delivery {
        let used = line.take().or_else(|| {
            self.0
                .wake()
                .map(|connection| Line::new(connection, Origin::Used))
        });
        if let Some(used) = used
            && let Some(delivery) = self.send_on(used, line, job, next).await
        {
            return delivery;
        }
        match self.0.server.connect().await {
            Ok(connection) => {
                let fresh = Line::new(connection, Origin::Fresh);
                let delivery = self.send_on(fresh, line, job, next).await;
                delivery.unwrap_or_else(|| Delivery::unreachable("the connection was lost"))
            }
            Err(error) => Delivery::Unreachable { error },
        }
    }

    /// None: the connection had died since it was used last, and the server has seen nothing of the
    /// letter.
    async fn send_on(
        &self,
        mut on: Line,
        line: &mut Option<Line>,
        job: &Job<'_>,
        next: Option<&Job<'_>>,
    ) -> Option<Delivery> {
        let patience = self.0.server.patience;
        let failure = match on.hand_over(job, next, patience).await {
            Ok(response) => {
                on.origin = Origin::Used;
                *line = Some(on);
                return Some(Delivery::Accepted {
                    response: said(&response),
                });
            }
            Err(failure) => failure,
        };
        if on.origin == Origin::Used && failure.step == Step::Mail && failure.is_dead_connection() {
            return None;
        }
        if failure.leaves_connection_usable()
            // What is said of the next letter already would be forgotten by a RSET, and needs none.
            && (on.next.is_some() || on.connection.reset(patience.exchange).await.is_ok())
        {
            on.origin = Origin::Used;
            *line = Some(on);
        }
        Some(failure.delivery())
    }
}

/// A connection on its way from one letter to the next.
struct Line {
    connection: Connection,
    origin: Origin,
    /// What the server says to the next letter's envelope, if it has got that already.
    next: Option<Result<(), Failure>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Fresh,
    /// It has carried letters before; the server may have closed it since.
    Used,
}

impl Line {
    fn new(connection: Connection, origin: Origin) -> Self {
        Self {
            connection,
            origin,
            next: None,
        }
    }

    /// Hands over a letter and, in one packet with its end, the envelope of the next.
    async fn hand_over(
        &mut self,
        job: &Job<'_>,
        next: Option<&Job<'_>>,
        patience: Patience,
    ) -> Result<Response, Failure> {
        match self.next.take() {
            Some(said) => said?,
            None => self.connection.begin(job, patience.exchange).await?,
        }
        let (answer, said) = self.connection.finish(job, next, patience).await;
        self.next = said;
        answer
    }

    /// The connection, unless the server waits for a letter that does not come.
    fn free(self) -> Option<Connection> {
        self.next.is_none().then_some(self.connection)
    }
}

/// The server's answer in one line.
fn said(response: &Response) -> String {
    let lines: Vec<_> = response.message().collect();
    format!("{} {}", response.code(), lines.join(" "))
}
