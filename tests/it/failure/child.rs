//! The service as a process of its own that can be killed, and the doors by which it is reached.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::house::House;

/// A process that says nothing for so long has not started, or does not end.
const PATIENCE: Duration = Duration::from_secs(60);

/// `sh -c STANDS_BY sh LOG PROGRAM…`: passes signals on, and ends the program with this test process.
const STANDS_BY: &str = r#"
log=$1; shift
"$@" </dev/null 2>>"$log" &
program=$!
echo "process $program"
exec >/dev/null 2>&1
while read -r signal; do kill -s "$signal" "$program"; done
kill -s KILL "$program"
wait "$program"
"#;

/// How a child is started.
#[derive(Clone, Default)]
pub struct Order {
    /// The point at which it ends itself, and at which passing: `write.begun:2`.
    pub fault: Option<String>,
    /// Shell words put before the program, which has to end with `exec "$@"`.
    pub first: Option<String>,
    /// A database other than that of the house, such as one behind a proxy.
    pub database: Option<String>,
}

/// A running service.
pub struct Child {
    shell: std::process::Child,
    orders: Option<ChildStdin>,
    lines: Receiver<String>,
    log: PathBuf,
    /// `http://127.0.0.1:PORT`
    pub url: String,
    /// Its process id.
    pub process: u32,
}

impl Child {
    /// Starts it and waits until it listens, or until it ends; then the text is what it said.
    pub fn try_start(house: &House, order: &Order) -> Result<Self, String> {
        let log = house.folder.path().join("service.log");
        let program = env!("CARGO_BIN_EXE_redress");
        let mut command = Command::new("sh");
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("REDRESS_")) {
            command.env_remove(name);
        }
        command.args(["-c", STANDS_BY, "sh"]).arg(&log);
        if let Some(first) = &order.first {
            command.args(["sh", "-c", first, "sh"]);
        }
        if let Some(fault) = &order.fault {
            command.env("REDRESS_FAULT", fault);
        }
        let database = order.database.as_ref().unwrap_or(&house.database);
        let smtp = house.sink.url();
        command
            .args([program, "serve", "--listen", "127.0.0.1:0", "--log", "warn"])
            .args(["--database-url", database, "--smtp-url", &smtp])
            .args(["--mail-from", "Redress <redress@example.com>", "--data-dir"])
            .arg(house.folder.path().as_os_str())
            .current_dir(house.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut shell = command.spawn().unwrap();
        let output = shell.stdout.take().unwrap();
        let (tell, lines) = mpsc::channel();
        // Read on to the end: that is how the end of the process is noticed.
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = tell.send(line);
            }
        });
        let orders = shell.stdin.take();
        let mut child = Self {
            shell,
            orders,
            lines,
            log,
            url: String::new(),
            process: 0,
        };
        while child.url.is_empty() || child.process == 0 {
            let Ok(line) = child.lines.recv_timeout(PATIENCE) else {
                return Err(child.said());
            };
            if let Some(process) = line.strip_prefix("process ") {
                child.process = process.parse().unwrap();
            } else if let Some(url) = line.strip_prefix("Redress listens on ") {
                child.url = url.to_string();
            }
        }
        Ok(child)
    }

    /// Starts it and waits until it listens.
    pub fn start(house: &House, order: &Order) -> Self {
        Self::try_start(house, order).unwrap_or_else(|said| panic!("it did not start: {said}"))
    }

    /// Waits until it has ended by itself; gives its exit code as a shell has it.
    pub fn ends(mut self) -> Option<i32> {
        self.waits_for_its_end();
        self.orders = None;
        self.shell.wait().unwrap().code()
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        loop {
            match self.lines.try_recv() {
                Ok(_) => {}
                Err(error) => return error == mpsc::TryRecvError::Disconnected,
            }
        }
    }

    /// Sends it that signal.
    pub fn signal(&mut self, name: &str) {
        // One that has ended needs none.
        let _ = writeln!(self.orders.as_mut().unwrap(), "{name}");
    }

    /// Ends it with SIGKILL.
    pub fn kill(mut self) {
        self.signal("KILL");
        assert_eq!(self.ends(), Some(128 + 9));
    }

    /// Ends it in order.
    pub fn stop(mut self) {
        self.signal("TERM");
        let said = self.said();
        assert_eq!(self.ends(), Some(0), "{said}");
    }

    /// What it logged so far.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn waits_for_its_end(&self) {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end: {}", self.said()),
            }
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.shell.wait();
    }
}

/// Where the services that run just now are reached.
#[derive(Default)]
pub struct Doors(Mutex<Vec<Option<String>>>);

impl Doors {
    /// So many, all closed.
    pub fn closed(count: usize) -> Self {
        Self(Mutex::new(vec![None; count]))
    }

    /// Opens or closes one of them.
    pub fn set(&self, number: usize, url: Option<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)[number] = url;
    }

    /// One that is open, by that number among them.
    pub fn one(&self, number: u64) -> Option<String> {
        let doors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let open: Vec<&String> = doors.iter().flatten().collect();
        let among = u64::try_from(open.len()).ok().filter(|count| *count > 0)?;
        Some(open[(number % among) as usize].clone())
    }
}
