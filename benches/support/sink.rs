//! A mail server that throws everything away: `smtp-sink`, which comes with postfix.

use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

/// Where the program is, if not on the path.
const VARIABLE: &str = "REDRESS_BENCH_SMTP_SINK";

/// The program, or what to do to have one.
pub fn program() -> Result<PathBuf, String> {
    if let Some(named) = std::env::var_os(VARIABLE) {
        let named = PathBuf::from(named);
        return if named.is_file() {
            Ok(named)
        } else {
            Err(format!(
                "{VARIABLE} names {}, which is no file",
                named.display()
            ))
        };
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders
        .map(|folder| folder.join("smtp-sink"))
        .find(|program| program.is_file())
        .ok_or_else(|| {
            format!(
                "this benchmark sends to smtp-sink, which comes with postfix and was not found. Nothing needs to be \
                 installed or started:\n\n    apt-get download postfix && dpkg -x postfix_*.deb postfix\n    \
                 {VARIABLE}=$PWD/postfix/usr/sbin/smtp-sink cargo bench --bench letters\n"
            )
        })
}

/// The running program.
pub struct Sink {
    child: Child,
    address: SocketAddr,
    counting: Option<JoinHandle<String>>,
}

impl Sink {
    /// Starts it on a port of its own.
    pub fn start(program: &Path) -> Self {
        let address = TcpListener::bind("127.0.0.1:0")
            .and_then(|free| free.local_addr())
            .expect("a free port");
        let mut command = Command::new(program);
        // It lies beside its libraries where the package was unpacked and not installed.
        let libraries = program.parent().map(|folder| folder.join("../lib/postfix"));
        if let Some(libraries) = libraries.filter(|folder| folder.is_dir()) {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        if std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
            command.args(["-u", "nobody"]);
        }
        let mut child = command
            .args(["-c", &address.to_string(), "100"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()));
        let mut counts = child.stdout.take().expect("its output");
        let counting = std::thread::spawn(move || {
            // One line that is written over and over; only its end is of interest.
            let (mut last, mut some) = (Vec::new(), [0; 8192]);
            while let Ok(read) = counts.read(&mut some) {
                if read == 0 {
                    break;
                }
                last.extend_from_slice(&some[..read]);
                let old = last.len().saturating_sub(200);
                last.drain(..old);
            }
            String::from_utf8_lossy(&last).into_owned()
        });
        let sink = Self {
            child,
            address,
            counting: Some(counting),
        };
        let listens = |_: &u32| TcpStream::connect(address).is_ok();
        let is_there = (0..100)
            .inspect(|_| std::thread::sleep(Duration::from_millis(20)))
            .any(|attempt| listens(&attempt));
        assert!(is_there, "{} does not listen", program.display());
        sink
    }

    /// `smtp://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// Ends it and says how many letters it took.
    pub fn ends(mut self) -> usize {
        self.child.kill().expect("a running program");
        let counted = self
            .counting
            .take()
            .expect("a count")
            .join()
            .expect("a count");
        let count = counted.rsplit("mesg=").next().unwrap_or_default();
        let digits: String = count.chars().take_while(char::is_ascii_digit).collect();
        digits
            .parse()
            .unwrap_or_else(|_| panic!("no count in {counted:?}"))
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
