//! A mail server that keeps what it is sent, and fails to order.
//!
//! Every `Smtp` is a server of its own on a port of its own, in the clear unless told to encrypt, gone
//! when dropped. Orders for the next letters are carried out in the order in which they were given.

mod certificates;
mod conversation;
mod received;
#[cfg(test)]
mod tests;

pub use certificates::{Authority, self_signed};
pub use received::Received;

use conversation::converse;
use rustls::ServerConfig;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};
use tokio::net::TcpSocket;

pub struct Smtp {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: Mutex<Option<JoinHandle<()>>>,
    /// Bound and never listening: holds the port for us while the server is away.
    _port: TcpSocket,
}

/// What the answer to EHLO offers.
#[derive(Clone)]
pub struct Offers {
    pub pipelining: bool,
    pub eight_bit_mime: bool,
    /// Asks for the text even when every recipient was refused, as it may with pipelining.
    pub always_wants_text: bool,
    /// User and password, without which no letter is taken.
    pub login: Option<(String, String)>,
    pub encryption: Encryption,
    /// What is said to STARTTLS, in one packet; unless it begins with 220, nothing is encrypted.
    pub go_ahead: String,
}

/// From when on the conversation is encrypted; the configuration comes from an [`Authority`].
#[derive(Clone, Default)]
pub enum Encryption {
    #[default]
    Never,
    /// STARTTLS.
    OnRequest(Arc<ServerConfig>),
    FromTheStart(Arc<ServerConfig>),
}

impl Default for Offers {
    fn default() -> Self {
        Self {
            pipelining: true,
            eight_bit_mime: true,
            always_wants_text: false,
            login: None,
            encryption: Encryption::Never,
            go_ahead: "220 2.0.0 go ahead".into(),
        }
    }
}

/// Starting and reading.
impl Smtp {
    pub fn start() -> Self {
        Self::start_with(Offers::default())
    }

    pub fn start_with(offers: Offers) -> Self {
        let port = TcpSocket::new_v4().expect("a socket");
        port.set_reuseaddr(true)
            .expect("a socket that shares its port");
        port.bind(([127, 0, 0, 1], 0).into())
            .expect("a free port on 127.0.0.1");
        let address = port.local_addr().expect("a bound socket has an address");

        let shared = Arc::new(Shared {
            offers,
            ..Shared::default()
        });
        let smtp = Self {
            address,
            shared,
            listening: Mutex::default(),
            _port: port,
        };
        smtp.comes_back();
        smtp
    }

    /// `smtp://127.0.0.1:PORT`, or `smtps` where it is encrypted from the start.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme(), self.address)
    }

    /// `smtp://USER:PASSWORD@127.0.0.1:PORT`; both must be fit for a URL as they are.
    pub fn url_as(&self, user: &str, password: &str) -> String {
        format!("{}://{user}:{password}@{}", self.scheme(), self.address)
    }

    fn scheme(&self) -> &'static str {
        match self.shared.offers.encryption {
            Encryption::FromTheStart(_) => "smtps",
            Encryption::Never | Encryption::OnRequest(_) => "smtp",
        }
    }

    /// Every line but those of letters that came without encryption, in order.
    pub fn in_the_clear(&self) -> Vec<String> {
        self.shared.lock().in_the_clear.clone()
    }

    /// All letters taken so far, in order of their arrival.
    pub fn letters(&self) -> Vec<Received> {
        self.shared.lock().letters.clone()
    }

    /// How many letters were begun (MAIL FROM was accepted), taken or not.
    pub fn attempts(&self) -> usize {
        self.shared.lock().attempts
    }

    /// All letters, as soon as there are `count`; panics when there are not `within` that time.
    pub fn wait_for(&self, count: usize, within: Duration) -> Vec<Received> {
        let state = self.wait_until(within, |state| state.letters.len() >= count);
        let subjects: Vec<_> = state.letters.iter().map(Received::subject).collect();
        assert!(
            subjects.len() >= count,
            "not {count} letters within {within:?}, only {subjects:?}"
        );
        state.letters.clone()
    }

    /// Returns as soon as `count` letters were begun; panics when they were not `within` that time.
    pub fn wait_for_attempts(&self, count: usize, within: Duration) {
        let attempts = self
            .wait_until(within, |state| state.attempts >= count)
            .attempts;
        assert!(
            attempts >= count,
            "not {count} attempts within {within:?}, only {attempts}"
        );
    }

    fn wait_until(
        &self,
        within: Duration,
        is_so: impl Fn(&State) -> bool,
    ) -> MutexGuard<'_, State> {
        let waited = self
            .shared
            .changed
            .wait_timeout_while(self.shared.lock(), within, |state| !is_so(state));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Failing to order. A `reply` is a whole line such as `451 4.3.0 try later`; after a 421 the
/// server closes the connection, as the protocol has it.
impl Smtp {
    /// The next `count` letters are read to their end and then answered with `reply`.
    pub fn fails_next(&self, count: usize, reply: &str) {
        self.order(count, AtData::Answer(reply.into()));
    }

    /// Every letter to `recipient` is read to its end and then answered with `reply`.
    pub fn fails_for(&self, recipient: &str, reply: &str) {
        self.shared
            .lock()
            .fails_for
            .insert(recipient.into(), reply.into());
    }

    /// The next `count` recipients are answered with `reply`.
    pub fn refuses_next(&self, count: usize, reply: &str) {
        self.shared
            .lock()
            .refuses_next
            .extend(vec![reply.to_owned(); count]);
    }

    /// `recipient` is always answered with `reply`.
    pub fn refuses(&self, recipient: &str, reply: &str) {
        self.shared
            .lock()
            .refuses
            .insert(recipient.into(), reply.into());
    }

    /// Takes back what [`Self::refuses`] and [`Self::fails_for`] said of `recipient`.
    pub fn accepts(&self, recipient: &str) {
        let mut state = self.shared.lock();
        state.refuses.remove(recipient);
        state.fails_for.remove(recipient);
    }

    /// The connection is closed in the middle of each of the next `count` letters.
    pub fn drops_in_data(&self, count: usize) {
        self.order(count, AtData::DropInside);
    }

    /// The next `count` letters are taken, and nothing is said for as long as the sender waits.
    pub fn falls_silent_in_data(&self, count: usize) {
        self.order(count, AtData::Silence);
    }

    /// From now on nothing is said to a recipient of that domain, for as long as the sender waits.
    pub fn falls_silent_for(&self, domain: &str) {
        self.shared.lock().silent_for.insert(domain.into());
    }

    /// Takes back what [`Self::falls_silent_for`] said.
    pub fn speaks_to(&self, domain: &str) {
        self.shared.lock().silent_for.remove(domain);
    }

    /// The most connections that were open at once.
    pub fn most_connections(&self) -> usize {
        self.shared.lock().most_open
    }

    /// The next `count` letters are taken, and the connection closed before the sender is told.
    pub fn drops_after_data(&self, count: usize) {
        self.order(count, AtData::DropAfter);
    }

    /// From now on connections are refused, and those that are open are closed.
    pub fn goes_away(&self) {
        let Some(listening) = self
            .listening
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        else {
            return;
        };
        self.shared.lock().is_away = true;
        // Wakes the thread from accept.
        let _ = TcpStream::connect(self.address);
        listening
            .join()
            .expect("the listening thread does not panic");
        for (_, stream) in std::mem::take(&mut self.shared.lock().open) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Ends [`Self::goes_away`], on the same port.
    pub fn comes_back(&self) {
        let mut listening = self
            .listening
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if listening.is_none() {
            let listener = TcpListener::bind(self.address).expect("the port is kept for us");
            self.shared.lock().is_away = false;
            let shared = Arc::clone(&self.shared);
            *listening = Some(thread::spawn(move || listen(&listener, &shared)));
        }
    }

    fn order(&self, count: usize, what: AtData) {
        self.shared.lock().next_data.extend(vec![what; count]);
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        self.goes_away();
    }
}

#[derive(Default)]
struct Shared {
    offers: Offers,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    letters: Vec<Received>,
    attempts: usize,
    in_the_clear: Vec<String>,
    refuses: BTreeMap<String, String>,
    refuses_next: VecDeque<String>,
    fails_for: BTreeMap<String, String>,
    next_data: VecDeque<AtData>,
    silent_for: BTreeSet<String>,
    is_away: bool,
    connections: u64,
    most_open: usize,
    open: BTreeMap<u64, TcpStream>,
}

/// What was ordered for one letter from DATA on.
#[derive(Clone)]
enum AtData {
    Answer(String),
    DropInside,
    DropAfter,
    Silence,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        result
    }
}

fn listen(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming().map_while(Result::ok) {
        let mut state = shared.lock();
        if state.is_away {
            return;
        }
        state.connections += 1;
        let number = state.connections;
        state
            .open
            .extend(stream.try_clone().map(|clone| (number, clone)));
        state.most_open = state.most_open.max(state.open.len());
        drop(state);

        let shared = Arc::clone(shared);
        thread::spawn(move || {
            // An error is a client that went away, which is its affair.
            let _ = converse(&stream, &shared);
            let _ = stream.shutdown(Shutdown::Both);
            shared.lock().open.remove(&number);
        });
    }
}
