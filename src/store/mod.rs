//! What is kept, and the only place that knows SQL.
//!
//! [`Store::write`] is the one way to change anything: it makes a [`Tx`], which carries the moment
//! and the author, and every function that changes rows takes a `&mut Tx`.

mod among;
mod bulk;
mod checkpoint;
mod conn;
mod listen;
mod tx;
mod wall;
mod writer;

pub mod anchor;
pub mod answer;
pub mod audit;
pub mod breach;
pub mod calendar;
pub mod chain;
pub mod clock;
pub mod contract;
pub mod erasure;
pub mod evidence;
pub mod finding;
pub mod go_live;
pub mod incident;
pub mod ladder;
pub mod letter;
pub mod link;
pub mod overview;
pub mod person;
pub mod received;
pub mod refused_address;
pub mod report;
pub mod rota;
pub mod routine;
pub mod schedule;
pub mod session;
pub mod team;
pub mod terms;
pub mod token;
pub mod vendor;
pub mod webhook;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Context;
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::prelude::*;
use diesel::r2d2::{Pool, PooledConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use tokio::sync::Notify;

pub use conn::{Conn, DatabaseUrl, MultiBackend, mask_password};
pub use listen::Listening;
pub use tx::{Actor, Tx};
pub use wall::{Shown, free_letters, reached};

use crate::error::{Error, Result};
use crate::fault;
use crate::machine::processors;
use crate::schema::Instant;
use crate::time::{Moment, TimeSource};
use wall::Wall;
use writer::Writer;

/// Transactions of one engine at a time; the pool has connections left for people.
pub const MOST_HANDS: usize = 4;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// How long a request waits for a free connection before it is refused.
const CONNECTION_WAIT: Duration = Duration::from_secs(10);

/// Connections to the database, and the moment.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    url: DatabaseUrl,
    pool: Pool<conn::Connector>,
    /// SQLite has one writer; others wait for it instead of failing with "database is locked".
    writer: Option<Writer>,
    time: Wall,
    poke: Notify,
    poke_letters: Notify,
    /// Wakes the listener, who tells other nodes.
    written: Notify,
    listens: AtomicBool,
}

impl Store {
    /// Opens the database; it is not created for PostgreSQL, and not migrated.
    ///
    /// # Errors
    /// When it cannot be reached or opened.
    pub fn open(url: &DatabaseUrl, time: TimeSource) -> anyhow::Result<Self> {
        let (readers, writer) = match url {
            DatabaseUrl::Sqlite(path) => {
                if let Some(folder) = std::path::Path::new(path).parent()
                    && !folder.as_os_str().is_empty()
                {
                    std::fs::create_dir_all(folder)
                        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
                }
                let writer = Writer::start(url)
                    .with_context(|| format!("cannot open the database {}", url.masked()))?;
                (8, Some(writer))
            }
            DatabaseUrl::Postgres(_) => {
                // r2d2 would retry in the background and hide the reason.
                url.connect()
                    .with_context(|| format!("cannot reach the database {}", url.masked()))?;
                (16, None)
            }
        };
        let connector = conn::Connector {
            url: url.clone(),
            reader: writer.is_some(),
        };
        let pool = Pool::builder()
            .max_size(readers)
            .min_idle(Some(1))
            .connection_timeout(CONNECTION_WAIT)
            .build(connector)
            .context("cannot open the connections to the database")?;
        let store = Self {
            inner: Arc::new(Inner {
                url: url.clone(),
                pool,
                writer,
                time: Wall::new(time),
                poke: Notify::new(),
                poke_letters: Notify::new(),
                written: Notify::new(),
                listens: AtomicBool::new(false),
            }),
        };
        Ok(store)
    }

    /// Brings the database to this version and names the steps that were taken.
    ///
    /// # Errors
    /// When a step fails; it is then rolled back.
    pub fn migrate(&self) -> anyhow::Result<Vec<String>> {
        fn run<C, DB>(conn: &mut C, migrations: EmbeddedMigrations) -> anyhow::Result<Vec<String>>
        where
            DB: diesel::backend::Backend,
            C: MigrationHarness<DB>,
        {
            conn.run_pending_migrations(migrations)
                .map(|steps| steps.iter().map(ToString::to_string).collect())
                .map_err(|error| {
                    anyhow::anyhow!("the database could not be brought to this version: {error}")
                })
        }
        self.alone(|conn| {
            Ok(match conn {
                Conn::Sqlite(conn) => run(conn, SQLITE),
                Conn::Postgres(conn) => run(conn, POSTGRES),
            })
        })?
    }

    /// Takes every migration back, in reverse order; all data goes with them.
    ///
    /// # Errors
    /// When a step cannot be taken back.
    pub fn revert_all(&self) -> anyhow::Result<()> {
        let reverted = self.alone(|conn| {
            Ok(match conn {
                Conn::Sqlite(conn) => conn.revert_all_migrations(SQLITE).map(drop),
                Conn::Postgres(conn) => conn.revert_all_migrations(POSTGRES).map(drop),
            })
        })?;
        reverted.map_err(|error| anyhow::anyhow!("the migrations could not be taken back: {error}"))
    }

    /// Whether the database has steps to take before this version can use it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn needs_migration(&self) -> anyhow::Result<bool> {
        let pending = self.alone(|conn| {
            Ok(match conn {
                Conn::Sqlite(conn) => conn.has_pending_migration(SQLITE),
                Conn::Postgres(conn) => conn.has_pending_migration(POSTGRES),
            })
        })?;
        pending.map_err(|error| anyhow::anyhow!("cannot read the version of the database: {error}"))
    }

    /// How many transactions of one engine are worth running at a time: one on SQLite, which has one
    /// writer, and one for each processor, up to [`MOST_HANDS`], on PostgreSQL.
    pub fn hands(&self) -> usize {
        if self.inner.writer.is_some() {
            return 1;
        }
        processors().min(MOST_HANDS)
    }

    /// Where the data is kept.
    pub fn url(&self) -> &DatabaseUrl {
        &self.inner.url
    }

    /// The present moment: the machine's with SQLite, the database's with PostgreSQL, so that several
    /// machines agree.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn now(&self) -> Result<Moment> {
        if let (TimeSource::Machine, None) = (&self.inner.time.source, &self.inner.writer) {
            return self.read(|conn| moment(conn, &TimeSource::Machine));
        }
        Ok(self.inner.time.source.now())
    }

    /// Reads; whatever the function asks sees committed facts.
    ///
    /// # Errors
    /// What the function gives, or when no connection is free in time.
    pub fn read<T>(&self, f: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
        let mut conn = self.pooled()?;
        f(&mut conn)
    }

    /// Reads as of one moment: whatever the function asks, and however long it takes, it sees the facts
    /// as they were committed when it asked first.
    ///
    /// # Errors
    /// What the function gives, or when no connection is free in time.
    pub fn read_as_one<T>(&self, f: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
        let mut conn = self.pooled()?;
        match &mut *conn {
            Conn::Sqlite(conn) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN"),
            Conn::Postgres(conn) => AnsiTransactionManager::begin_transaction_sql(
                conn,
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            ),
        }?;
        let done = catch_unwind(AssertUnwindSafe(|| f(&mut conn)));
        rollback(&mut conn);
        match done {
            Ok(done) => done,
            Err(panic) => resume_unwind(panic),
        }
    }

    /// Changes something: all of what the function does is committed, or nothing.
    ///
    /// On SQLite it runs on the writer's thread, in one transaction with whatever else waits.
    ///
    /// # Errors
    /// What the function gives, or when the commit fails; nothing was changed then, unless the error is
    /// [`Error::InDoubt`].
    pub fn write<T>(
        &self,
        actor: Actor,
        f: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
    {
        let done = match &self.inner.writer {
            Some(writer) => {
                let time = self.inner.time.clone();
                writer.write(move |conn| in_tx(conn, &time, actor, f))
            }
            None => self.write_pooled(actor, f),
        };
        if done.is_ok() {
            self.poke();
        }
        done
    }

    fn write_pooled<T>(&self, actor: Actor, f: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        let mut held = self.pooled()?;
        let conn = &mut *held;
        begin(conn)?;
        fault::point("write.begun");
        let done = catch_unwind(AssertUnwindSafe(|| in_tx(conn, &self.inner.time, actor, f)));
        match done {
            Ok(Ok(value)) => {
                fault::point("write.done");
                fault::point("write.before-commit");
                if let Err(error) = commit(conn) {
                    // After a failed commit the transaction may still be open.
                    rollback(conn);
                    return Err(match error.into() {
                        // The server may have kept it before it, or the way to it, was lost.
                        Error::Unavailable(lost) => Error::InDoubt(lost),
                        other => other,
                    });
                }
                fault::point("write.committed");
                Ok(value)
            }
            Ok(Err(error)) => {
                rollback(conn);
                Err(error)
            }
            Err(panic) => {
                rollback(conn);
                drop(held);
                resume_unwind(panic)
            }
        }
    }

    /// Writes the file of SQLite anew and empties its log, so that nothing that was deleted is left in
    /// them. Nothing else is written meanwhile; it needs as much room again as the file has.
    ///
    /// # Errors
    /// When there is no such room, or an old state is being read for longer than a second.
    pub(crate) fn write_file_anew(&self) -> Result<()> {
        self.alone(|conn| match conn {
            Conn::Sqlite(conn) => Ok(conn::write_file_anew(conn)?),
            Conn::Postgres(_) => Ok(()),
        })
    }

    /// Wakes whoever waits in [`Store::poked`], and by [`Store::listen`] other nodes where something is
    /// due soon; only ever shortens a wait.
    pub fn poke(&self) {
        self.poke_here();
        self.inner.written.notify_one();
    }

    fn poke_here(&self) {
        self.inner.poke.notify_one();
        self.inner.poke_letters.notify_one();
    }

    /// Returns when something was changed since the last call.
    pub async fn poked(&self) {
        self.inner.poke.notified().await;
    }

    /// The same for the delivery of letters, which waits apart from the engine's loop.
    pub async fn letters_poked(&self) {
        self.inner.poke_letters.notified().await;
    }

    fn pooled(&self) -> Result<PooledConnection<conn::Connector>> {
        self.inner
            .pool
            .get()
            .context("no connection to the database was free in time")
            .map_err(Error::Unavailable)
    }

    /// A connection that may write, with no transaction begun.
    fn alone<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        match &self.inner.writer {
            Some(writer) => writer.alone(work),
            None => work(&mut *self.pooled()?),
        }
    }
}

/// Makes the refusal of a unique index a fault of the field that has to be unique: the index decides,
/// not a look beforehand.
pub(crate) fn unique(
    error: diesel::result::Error,
    field: &str,
    message: impl FnOnce() -> String,
) -> Error {
    use diesel::result::{DatabaseErrorKind, Error::DatabaseError};
    match error {
        DatabaseError(DatabaseErrorKind::UniqueViolation, _) => Error::field(field, message()),
        other => other.into(),
    }
}

/// SQLite's deferred transactions fail at once with "database is locked" when a reader turns writer
/// (278 of 320 in a measured run with 8 threads); immediate ones wait.
fn begin(conn: &mut Conn) -> QueryResult<()> {
    match conn {
        Conn::Sqlite(conn) => {
            AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE")
        }
        // Whatever is written is found by its key. A plan is kept for a connection, and one made while a
        // table was small reads all of it long after it has grown: that took 7 ms a batch where others take 0.2.
        Conn::Postgres(conn) => AnsiTransactionManager::begin_transaction_sql(
            conn,
            "BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL jit = off",
        ),
    }
}

fn commit(conn: &mut Conn) -> QueryResult<()> {
    match conn {
        Conn::Sqlite(conn) => AnsiTransactionManager::commit_transaction(conn),
        Conn::Postgres(conn) => AnsiTransactionManager::commit_transaction(conn),
    }
}

fn rollback(conn: &mut Conn) {
    let undone = match conn {
        Conn::Sqlite(conn) => AnsiTransactionManager::rollback_transaction(conn),
        Conn::Postgres(conn) => AnsiTransactionManager::rollback_transaction(conn),
    };
    if let Err(error) = undone {
        tracing::warn!(%error, "a transaction could not be rolled back");
    }
}

/// Runs a function in the transaction that was begun on that connection.
fn in_tx<T>(
    conn: &mut Conn,
    wall: &Wall,
    actor: Actor,
    f: impl FnOnce(&mut Tx<'_>) -> Result<T>,
) -> Result<T> {
    let mut tx = Tx::of(conn, wall, actor)?;
    f(&mut tx)
}

fn moment(conn: &mut Conn, time: &TimeSource) -> Result<Moment> {
    match (time, &conn) {
        (TimeSource::Machine, Conn::Postgres(_)) => {
            diesel::select(diesel::dsl::sql::<Instant>(crate::time::DATABASE_CLOCK))
                .get_result(conn)
                .map_err(Error::from)
        }
        _ => Ok(time.now()),
    }
}
