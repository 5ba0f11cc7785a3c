//! Brings what SQLite's log holds into its file, apart from the writer.
//!
//! Left to itself SQLite does so within the commit that made the log long, and whoever waits for that
//! commit, and everybody behind, waits for the file too.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use anyhow::Context;
use diesel::prelude::*;

use super::conn::{Conn, DatabaseUrl, checkpoint};

/// Rows changed after which the log is brought into the file: some hundred of its pages.
const ROWS: i64 = 1000;

/// The thread that does it, and how far it was asked to.
pub(super) struct Checkpointer {
    asked: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    rows: i64,
}

diesel::define_sql_function! {
    /// Rows changed by this connection since it was opened.
    fn total_changes() -> diesel::sql_types::BigInt;
}

impl Checkpointer {
    /// Starts the thread.
    pub(super) fn start(url: &DatabaseUrl) -> anyhow::Result<Self> {
        let (asked, asks) = sync_channel(1);
        let url = url.clone();
        let thread = thread::Builder::new()
            .name("checkpoints".into())
            .spawn(move || serve(&url, &asks))
            .context("the thread for the database's log could not be started")?;
        Ok(Self {
            asked: Some(asked),
            thread: Some(thread),
            rows: 0,
        })
    }

    /// Asks for it if the writer's connection changed enough since it was asked last.
    pub(super) fn committed(&mut self, conn: &mut Conn) {
        let rows: QueryResult<i64> = diesel::select(total_changes()).get_result(conn);
        // A new connection counts from the beginning.
        let Ok(rows) = rows.map(|rows| if rows < self.rows { rows + ROWS } else { rows }) else {
            return;
        };
        if rows - self.rows < ROWS {
            return;
        }
        let Some(asked) = &self.asked else {
            return;
        };
        // One that waits already will see these rows too.
        if !matches!(asked.try_send(()), Err(TrySendError::Disconnected(()))) {
            self.rows = rows;
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.asked = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread for the database's log ended badly");
        }
    }
}

fn serve(url: &DatabaseUrl, asks: &Receiver<()>) {
    let mut open = None;
    while asks.recv().is_ok() {
        let conn = match open.take() {
            Some(conn) => Ok(conn),
            None => url.connect(),
        };
        let done = conn.and_then(|mut conn| {
            if let Conn::Sqlite(conn) = &mut conn {
                checkpoint(conn)?;
            }
            Ok(conn)
        });
        match done {
            Ok(conn) => open = Some(conn),
            // The writer does it itself once the log is long.
            Err(error) => {
                tracing::warn!(%error, "the database's log could not be brought into its file");
            }
        }
    }
}
