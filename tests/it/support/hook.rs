//! The other side of a webhook, on loopback: keeps what is posted and answers to order.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Posted {
    /// Path and query.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Posted {
    pub fn header(&self, name: &str) -> &str {
        let found = self
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value.as_str())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

/// How a request is answered.
#[derive(Clone, Debug)]
pub enum Reply {
    /// With that status, further headers (each ended by CR LF) and body.
    With(u16, &'static str, String),
    /// Not at all, until the caller gives up.
    Never,
    /// With a body that does not end.
    Endless,
    /// With a head that does not end.
    EndlessHead,
}

#[derive(Default)]
struct Shared {
    posted: Mutex<Vec<Posted>>,
    replies: Mutex<VecDeque<Reply>>,
    usual: Mutex<Option<Reply>>,
    connections: AtomicUsize,
}

/// Listens until the test process ends.
pub struct Hook {
    pub at: SocketAddr,
    shared: Arc<Shared>,
}

impl Hook {
    /// Answers 200 unless told otherwise.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let kept = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                kept.connections.fetch_add(1, Ordering::SeqCst);
                let kept = Arc::clone(&kept);
                // An error is the caller's hanging up, which some of them are told to do.
                thread::spawn(move || serve(stream, &kept).ok());
            }
        });
        Self { at, shared }
    }

    pub fn url(&self) -> String {
        format!("http://{}/in/XyZ0123456789", self.at)
    }

    /// The next request is answered so.
    pub fn answers(&self, reply: Reply) {
        self.shared.replies.lock().unwrap().push_back(reply);
    }

    /// Every request from now on is answered so.
    pub fn always_answers(&self, reply: Reply) {
        *self.shared.usual.lock().unwrap() = Some(reply);
    }

    /// What was posted so far, in order.
    pub fn posted(&self) -> Vec<Posted> {
        self.shared.posted.lock().unwrap().clone()
    }

    /// How often somebody connected.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

fn serve(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let target = line.split(' ').nth(1).unwrap_or_default().to_string();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_string(), value.to_string())),
            None => break,
        }
    }
    let length = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    shared.posted.lock().unwrap().push(Posted {
        target,
        headers,
        body,
    });
    let next = shared.replies.lock().unwrap().pop_front();
    let usual = || shared.usual.lock().unwrap().clone();
    let reply = next
        .or_else(usual)
        .unwrap_or(Reply::With(200, "", "ok".to_string()));
    match reply {
        Reply::With(status, headers, body) => write!(
            stream,
            "HTTP/1.1 {status} So\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}",
            body.len()
        ),
        // Returns when the other side has closed.
        Reply::Never => reader.read(&mut [0]).map(drop),
        Reply::Endless => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            loop {
                stream.write_all(&[b'x'; 1024])?;
            }
        }
        Reply::EndlessHead => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
            loop {
                stream.write_all(b"X-More: and more of it\r\n")?;
            }
        }
    }
}
