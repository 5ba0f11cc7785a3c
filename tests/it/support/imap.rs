//! An IMAP server with one mailbox, as far as one client needs it, that fails to order.
//!
//! Every `Imap` is a server of its own on a port of its own, in the clear unless it has a certificate, gone
//! when dropped.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// How long a test waits for what must happen.
const LONGEST: Duration = Duration::from_secs(20);

/// A message in the mailbox.
#[derive(Clone)]
struct Message {
    bytes: Vec<u8>,
    /// As IMAP writes it.
    internal_date: String,
    is_seen: bool,
    /// What the server says it is long, if that is a lie.
    said_size: Option<u64>,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// Nothing is said to this command.
    Silence(&'static str),
    /// The line is cut at this command.
    HangUp(&'static str),
    /// This command is refused.
    No(&'static str),
    /// It is answered without end.
    Endless(&'static str),
}

#[derive(Default)]
struct Shared {
    messages: Vec<Message>,
    mishap: Option<Mishap>,
    /// Those who idle are told through these.
    idle: Vec<Sender<()>>,
    lines: Vec<String>,
    open: Vec<TcpStream>,
    is_gone: bool,
}

pub struct Imap {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    seen: Mutex<Receiver<u32>>,
    listening: Option<JoinHandle<()>>,
}

impl Imap {
    pub fn start() -> Self {
        Self::start_with(None)
    }

    /// Encrypted from the start.
    pub fn start_with(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Mutex::new(Shared::default()));
        let (marked, seen) = channel();
        let of_all = Arc::clone(&shared);
        let listening = thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let (shared, marked, tls) = (Arc::clone(&of_all), marked.clone(), tls.clone());
                {
                    let mut shared = shared.lock().unwrap();
                    if shared.is_gone {
                        return;
                    }
                    shared.open.push(stream.try_clone().unwrap());
                }
                thread::spawn(move || match tls {
                    None => converse(stream, &shared, &marked),
                    Some(config) => {
                        let connection = ServerConnection::new(config).unwrap();
                        converse(StreamOwned::new(connection, stream), &shared, &marked);
                    }
                });
            }
        });
        Self {
            address,
            shared,
            seen: Mutex::new(seen),
            listening: Some(listening),
        }
    }

    /// Where it is, for a user with that password.
    pub fn url(&self, scheme: &str, password: &str) -> String {
        format!(
            "{scheme}://reply%40example.com:{password}@127.0.0.1:{}/INBOX",
            self.address.port()
        )
    }

    /// Puts a message into the mailbox.
    pub fn receives(&self, bytes: &[u8], internal_date: &str) {
        self.receives_as(bytes, internal_date, None);
    }

    /// The same, and lies about its length.
    pub fn receives_as(&self, bytes: &[u8], internal_date: &str, said_size: Option<u64>) {
        let mut shared = self.shared.lock().unwrap();
        shared.messages.push(Message {
            bytes: bytes.to_vec(),
            internal_date: internal_date.to_string(),
            is_seen: false,
            said_size,
        });
        for idle in shared.idle.drain(..) {
            let _ = idle.send(());
        }
    }

    pub fn goes_wrong(&self, mishap: Option<Mishap>) {
        self.shared.lock().unwrap().mishap = mishap;
    }

    /// Waits until the next message is marked; gives its number.
    pub fn marked(&self) -> u32 {
        self.seen
            .lock()
            .unwrap()
            .recv_timeout(LONGEST)
            .expect("a message is marked")
    }

    /// The numbers of the messages that are not marked.
    pub fn unseen(&self) -> Vec<usize> {
        let shared = self.shared.lock().unwrap();
        let numbered = shared.messages.iter().enumerate();
        numbered
            .filter(|(_, message)| !message.is_seen)
            .map(|(index, _)| index + 1)
            .collect()
    }

    /// How often a line with these words was said to it.
    pub fn heard(&self, words: &str) -> usize {
        let shared = self.shared.lock().unwrap();
        shared
            .lines
            .iter()
            .filter(|line| line.contains(words))
            .count()
    }
}

impl Drop for Imap {
    fn drop(&mut self) {
        {
            let mut shared = self.shared.lock().unwrap();
            shared.is_gone = true;
            shared.idle.clear();
            for stream in shared.open.drain(..) {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
        // Wakes the listener, which sees that it is not wanted any more.
        let _ = TcpStream::connect(self.address);
        if let Some(listening) = self.listening.take() {
            let _ = listening.join();
        }
    }
}

fn converse(stream: impl Read + Write, shared: &Mutex<Shared>, marked: &Sender<u32>) {
    let mut stream = BufReader::new(stream);
    let _ = answer(&mut stream, shared, marked);
}

fn answer<S: Read + Write>(
    stream: &mut BufReader<S>,
    shared: &Mutex<Shared>,
    marked: &Sender<u32>,
) -> std::io::Result<()> {
    stream.get_mut().write_all(b"* OK ready\r\n")?;
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Ok(());
        }
        shared.lock().unwrap().lines.push(line.clone());
        let said = line.trim_end();
        let (tag, command) = said.split_once(' ').unwrap_or((said, ""));
        let mishap = shared.lock().unwrap().mishap;
        let to = stream.get_mut();
        match mishap {
            Some(Mishap::Silence(at)) if command.starts_with(at) => continue,
            Some(Mishap::HangUp(at)) if command.starts_with(at) => return Ok(()),
            Some(Mishap::No(at)) if command.starts_with(at) => {
                write!(to, "{tag} NO not today\r\n")?;
                continue;
            }
            Some(Mishap::Endless(at)) if command.starts_with(at) => loop {
                to.write_all(&[b"* OK ".as_slice(), &[b'x'; 60_000], b"\r\n"].concat())?;
            },
            _ => {}
        }
        let mut messages = shared.lock().unwrap().messages.clone();
        if command.starts_with("LOGIN") {
            if command.contains("right") {
                write!(to, "{tag} OK welcome\r\n")?;
            } else {
                write!(to, "{tag} NO [AUTHENTICATIONFAILED] who are you\r\n")?;
            }
        } else if command == "CAPABILITY" {
            write!(to, "* CAPABILITY IMAP4rev1 IDLE\r\n{tag} OK done\r\n")?;
        } else if command.starts_with("SELECT") {
            let count = messages.len();
            write!(
                to,
                "* {count} EXISTS\r\n* OK [UIDVALIDITY 7] fine\r\n{tag} OK [READ-WRITE] done\r\n"
            )?;
        } else if command == "UID SEARCH UNSEEN" {
            let numbered = messages
                .iter()
                .enumerate()
                .filter(|(_, message)| !message.is_seen);
            let uids: Vec<String> = numbered.map(|(index, _)| (index + 1).to_string()).collect();
            write!(to, "* SEARCH {}\r\n{tag} OK done\r\n", uids.join(" "))?;
        } else if let Some(rest) = command.strip_prefix("UID FETCH ") {
            let (uid, what) = rest.split_once(' ').unwrap();
            let number: usize = uid.parse().unwrap();
            let message = messages.remove(number - 1);
            if what.contains("BODY.PEEK[]") {
                write!(
                    to,
                    "* {number} FETCH (UID {uid} BODY[] {{{}}}\r\n",
                    message.bytes.len()
                )?;
                to.write_all(&message.bytes)?;
                write!(to, ")\r\n{tag} OK done\r\n")?;
            } else {
                let size = message.said_size.unwrap_or(message.bytes.len() as u64);
                let date = message.internal_date;
                write!(
                    to,
                    "* {number} FETCH (UID {uid} RFC822.SIZE {size} INTERNALDATE \"{date}\")\r\n{tag} OK done\r\n"
                )?;
            }
        } else if let Some(rest) = command.strip_prefix("UID STORE ") {
            assert!(rest.ends_with("+FLAGS.SILENT (\\Seen)"), "{rest}");
            let uid: usize = rest.split(' ').next().unwrap().parse().unwrap();
            shared.lock().unwrap().messages[uid - 1].is_seen = true;
            write!(to, "{tag} OK done\r\n")?;
            to.flush()?;
            let _ = marked.send(uid as u32);
        } else if command == "IDLE" {
            let (tell, told) = channel();
            {
                let mut shared = shared.lock().unwrap();
                // What came between the last look and now is told at once.
                if shared.messages.iter().any(|message| !message.is_seen) {
                    let _ = tell.send(());
                }
                shared.idle.push(tell);
            }
            to.write_all(b"+ idling\r\n")?;
            to.flush()?;
            if told.recv().is_err() {
                return Ok(());
            }
            let count = shared.lock().unwrap().messages.len();
            write!(to, "* {count} EXISTS\r\n")?;
            to.flush()?;
            let mut done = String::new();
            stream.read_line(&mut done)?;
            assert_eq!(done.trim_end(), "DONE");
            write!(stream.get_mut(), "{tag} OK done\r\n")?;
        } else {
            write!(to, "{tag} OK done\r\n")?;
        }
        stream.get_mut().flush()?;
    }
}
