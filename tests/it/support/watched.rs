//! A program that lives no longer than this test run.
//!
//! Statics are never dropped and a killed process runs no handler, so a small shell stands by:
//! it holds one end of a pipe whose other end only the test process has. When that closes, for
//! whatever reason, the shell ends the program and removes its folder.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// The longest a program may take from its start to its line of readiness.
const STARTS_WITHIN: Duration = Duration::from_secs(90);

/// `sh -c STANDS_BY sh FOLDER SIGNALS PROGRAM…`
const STANDS_BY: &str = r#"
folder=$1 signals=$2; shift 2
"$@" </dev/null 2>&1 &
program=$!
exec >/dev/null
cat >/dev/null
for signal in $signals; do kill -s "$signal" "$program"; done
( sleep 10; kill -s KILL "$program" ) & patience=$!
wait "$program"
kill "$patience"
# What the program started itself may still be writing for a moment.
for attempt in 1 2 3 4 5 6 7 8 9 10; do
  rm -rf "$folder" && break
  sleep 0.3
done
"#;

/// A running program, in a folder of its own. Dropping it, or dying, ends both.
pub struct Watched {
    shell: Child,
    lifeline: Option<ChildStdin>,
}

pub struct Start<'a> {
    /// Working, temporary and home folder of the program.
    pub folder: TempDir,
    pub command: Vec<&'a OsStr>,
    /// The names of the signals by which the program ends at once, divided by spaces.
    pub ends_by: &'a str,
    /// User and group to run as; `None` is our own.
    pub owner: Option<(u32, u32)>,
    /// Stands in the line, on standard output or error, by which the program says that it is ready.
    pub ready: &'a str,
}

impl Watched {
    /// The running program and the line by which it said that it is ready.
    /// The error is all that the program said instead.
    pub fn start(start: Start) -> Result<(Self, String), String> {
        let folder = start.folder.keep();
        let mut shell = shell(&folder, start.owner)
            .args(["-c", STANDS_BY, "sh"])
            .args([folder.as_os_str(), start.ends_by.as_ref()])
            .args(&start.command)
            .spawn()
            .map_err(|error| format!("sh does not start: {error}"))?;
        let lifeline = shell.stdin.take();
        let output = shell
            .stdout
            .take()
            .expect("standard output was asked to be a pipe");
        let watched = Self { shell, lifeline };

        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            // Read on when nobody listens any more: a full pipe would halt the program.
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = tell.send(line);
            }
        });

        let deadline = Instant::now() + STARTS_WITHIN;
        let mut said = Vec::new();
        let what_happened = loop {
            match told.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) if line.contains(start.ready) => return Ok((watched, line)),
                Ok(line) => said.push(line),
                Err(RecvTimeoutError::Timeout) => break "is not ready in time",
                Err(RecvTimeoutError::Disconnected) => break "ended",
            }
        };
        Err(format!(
            "{:?} {what_happened}, after saying:\n{}",
            start.command,
            said.join("\n")
        ))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.lifeline = None;
        let _ = self.shell.wait();
    }
}

fn shell(folder: &Path, owner: Option<(u32, u32)>) -> Command {
    let mut shell = Command::new("sh");
    shell
        .current_dir(folder)
        .env("HOME", folder)
        .env("TMPDIR", folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        // A Ctrl-C at the terminal must reach the tests and not the shell that tidies up after them.
        .process_group(0);
    if let Some((user, group)) = owner {
        shell.uid(user).gid(group);
    }
    shell
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start_shell(commands: &str) -> Result<(Watched, String), String> {
        Watched::start(Start {
            folder: tempfile::tempdir().unwrap(),
            command: vec![OsStr::new("sh"), OsStr::new("-c"), OsStr::new(commands)],
            ends_by: "TERM",
            owner: None,
            ready: "ready",
        })
    }

    #[test]
    fn a_program_and_its_folder_end_with_the_lifeline() {
        let (watched, line) =
            start_shell("echo starting; touch trace; echo ready $$ $PWD; exec tail -f /dev/null")
                .unwrap();
        let [_, id, folder] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let process = Path::new("/proc").join(id);
        assert!(process.is_dir());
        assert!(Path::new(folder).join("trace").is_file());

        drop(watched);
        assert!(!process.exists());
        assert!(!Path::new(folder).exists());
    }

    #[test]
    fn a_program_that_ends_before_it_is_ready_is_quoted() {
        let error = start_shell("echo no such luck >&2")
            .map(|_| ())
            .unwrap_err();
        assert!(
            error.contains("ended") && error.contains("no such luck"),
            "{error}"
        );
    }
}
