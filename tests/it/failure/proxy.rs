//! Stands between a service and its PostgreSQL, and can hold back what they say.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::house::pause;

/// Passes bytes on while it does not hold them.
pub struct Proxy {
    /// The database as it is reached through this.
    pub url: String,
    /// Whether it passes nothing on; connections are still accepted.
    pub holds: Arc<AtomicBool>,
}

impl Proxy {
    /// In front of the database at that URL, which has to be on 127.0.0.1.
    pub fn to(url: &str) -> Self {
        let (head, rest) = url.split_once("@").unwrap();
        let (address, name) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap();
        let holds = Arc::new(AtomicBool::new(false));
        let (address, held) = (address.to_string(), Arc::clone(&holds));
        // Ends with the test process.
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(&address) else {
                    continue;
                };
                let pairs = [
                    (stream.try_clone(), server.try_clone()),
                    (Ok(server), Ok(stream)),
                ];
                for (from, to) in pairs {
                    if let (Ok(from), Ok(to)) = (from, to) {
                        let held = Arc::clone(&held);
                        thread::spawn(move || passes_on(from, to, &held));
                    }
                }
            }
        });
        Self {
            url: format!("{head}@{own}/{name}"),
            holds,
        }
    }
}

fn passes_on(mut from: TcpStream, mut to: TcpStream, held: &AtomicBool) {
    let mut bytes = [0; 16_384];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        while held.load(Ordering::SeqCst) {
            pause();
        }
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
