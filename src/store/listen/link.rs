//! One connection of PostgreSQL's own client library that waits for notifications on its socket.
//!
//! diesel's connection can only be asked again and again whether a notification has come, and another
//! client would read the database's URL in its own way (`sslmode`, `target_session_attrs`, several
//! hosts, password files). So this file, and no other, speaks to libpq, which diesel links already.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::ptr::{NonNull, null};

use anyhow::{Context, bail, ensure};
use pq_sys::{ConnStatusType, ExecStatusType, PGconn};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// What the URL does not say: a server that is away, or a cable that was pulled, is noticed in seconds
/// and not in hours.
const UNLESS_SAID: [(&CStr, &CStr); 4] = [
    (c"connect_timeout", c"10"),
    (c"keepalives_idle", c"10"),
    (c"keepalives_interval", c"5"),
    (c"keepalives_count", c"3"),
];

/// Owns what libpq allocated for a connection.
struct Owned(NonNull<PGconn>);

// SAFETY: libpq lets a connection be used by any thread, one at a time; `Owned` is not `Sync`, and all that
// uses the pointer takes `&mut Link`.
unsafe impl Send for Owned {}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: the pointer came from `PQconnectdbParams` and is finished only here.
        unsafe { pq_sys::PQfinish(self.0.as_ptr()) }
    }
}

/// A connection that hears.
pub(super) struct Link {
    socket: AsyncFd<OwnedFd>,
    conn: Owned,
}

impl Link {
    /// Connects as the URL says; blocks this thread, at most ten seconds for each host unless the URL
    /// says otherwise.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses. Must be called within a tokio runtime.
    pub(super) fn open(url: &str) -> anyhow::Result<Self> {
        let url = CString::new(url).context("the database URL holds a zero byte")?;
        // Later values win, and those of the URL are put in the place of `dbname`.
        let said = UNLESS_SAID.iter().copied().chain([
            (c"dbname", url.as_c_str()),
            (c"application_name", c"redress listener"),
        ]);
        let (mut names, mut values): (Vec<*const c_char>, Vec<*const c_char>) = said
            .map(|(name, value)| (name.as_ptr(), value.as_ptr()))
            .unzip();
        names.push(null());
        values.push(null());
        // SAFETY: both arrays end with a null pointer and outlive the call, as do the texts they point to.
        let conn = unsafe { pq_sys::PQconnectdbParams(names.as_ptr(), values.as_ptr(), 1) };
        let conn = Owned(NonNull::new(conn).context("there is no memory for a connection")?);
        // SAFETY: the connection is not finished while `conn` lives.
        let (status, socket) = unsafe {
            (
                pq_sys::PQstatus(conn.0.as_ptr()),
                pq_sys::PQsocket(conn.0.as_ptr()),
            )
        };
        ensure!(status == ConnStatusType::CONNECTION_OK, wrong(&conn));
        // SAFETY: the socket of an open connection is open.
        let socket = unsafe { BorrowedFd::borrow_raw(socket) }.try_clone_to_owned()?;
        // A copy of our own: libpq closes its own as soon as it finds the connection lost.
        // SAFETY: nobody else knows the copy, so it stays open until it is dropped.
        let socket = unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE) }
            .context("the connection's socket cannot be waited for")?;
        Ok(Self { socket, conn })
    }

    /// Runs a command that gives no rows.
    ///
    /// # Errors
    /// When the server refuses it or is gone.
    pub(super) async fn execute(&mut self, command: &CStr) -> anyhow::Result<()> {
        // SAFETY: the connection is open and the text ends with a zero byte.
        let is_sent = unsafe { pq_sys::PQsendQuery(self.raw(), command.as_ptr()) };
        ensure!(is_sent == 1, wrong(&self.conn));
        let mut refused = None;
        loop {
            // SAFETY: the connection is open.
            while unsafe { pq_sys::PQisBusy(self.raw()) } == 1 {
                self.read_more().await?;
            }
            // SAFETY: the connection is open; the result is cleared below and not used afterwards.
            let result = unsafe { pq_sys::PQgetResult(self.raw()) };
            if result.is_null() {
                break;
            }
            // SAFETY: the result is not null and was not cleared before.
            let status = unsafe {
                let status = pq_sys::PQresultStatus(result);
                pq_sys::PQclear(result);
                status
            };
            if status != ExecStatusType::PGRES_COMMAND_OK {
                refused = Some(wrong(&self.conn));
            }
        }
        refused.map_or(Ok(()), |refused| bail!(refused))
    }

    /// Waits until other connections have notified this one, and gives what they said. May give nothing.
    ///
    /// # Errors
    /// When the connection is lost.
    pub(super) async fn heard(&mut self) -> anyhow::Result<Vec<String>> {
        // Some may have come with the answer to a command.
        let mut all = self.notifications();
        if all.is_empty() {
            self.read_more().await?;
            all = self.notifications();
        }
        Ok(all)
    }

    /// Waits for the socket and reads what has come.
    async fn read_more(&mut self) -> anyhow::Result<()> {
        let mut ready = self.socket.readable().await?;
        // Before it is read: what comes from now on wakes again.
        ready.clear_ready();
        // SAFETY: the connection is open.
        let is_read = unsafe { pq_sys::PQconsumeInput(self.raw()) };
        ensure!(is_read == 1, wrong(&self.conn));
        Ok(())
    }

    fn notifications(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        // SAFETY: the connection is open.
        let own = unsafe { pq_sys::PQbackendPID(self.raw()) };
        loop {
            // SAFETY: the connection is open; the notification is freed below and not used afterwards.
            let Some(notification) = NonNull::new(unsafe { pq_sys::PQnotifies(self.raw()) }) else {
                // What did not fit into libpq's buffer is still in the socket, which tells of it only once.
                // SAFETY: the connection is open. A lost one is found by whoever waits next.
                let is_read = unsafe { pq_sys::PQconsumeInput(self.raw()) } == 1;
                // SAFETY: as above.
                let more = NonNull::new(unsafe { pq_sys::PQnotifies(self.raw()) });
                let Some(more) = more.filter(|_| is_read) else {
                    return all;
                };
                take(more, own, &mut all);
                continue;
            };
            take(notification, own, &mut all);
        }
    }

    fn raw(&mut self) -> *mut PGconn {
        self.conn.0.as_ptr()
    }
}

/// Takes what a notification says, unless it is our own, and frees it.
fn take(notification: NonNull<pq_sys::PGnotify>, own: i32, all: &mut Vec<String>) {
    // SAFETY: libpq gave it to us alone, with a text that ends with a zero byte, to be freed with
    // `PQfreemem` once.
    unsafe {
        let said = notification.as_ref();
        if said.be_pid != own {
            all.push(CStr::from_ptr(said.extra).to_string_lossy().into_owned());
        }
        pq_sys::PQfreemem(notification.as_ptr().cast());
    }
}

/// What libpq says is wrong; it never repeats the password.
fn wrong(conn: &Owned) -> String {
    // SAFETY: the connection is not finished, and the text is copied before anything else is done with it.
    let said = unsafe { CStr::from_ptr(pq_sys::PQerrorMessage(conn.0.as_ptr())) };
    let said = said.to_string_lossy().trim().to_string();
    if said.is_empty() {
        "the connection was lost".to_string()
    } else {
        said
    }
}
