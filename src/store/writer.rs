//! SQLite's one writer: a thread that runs all writes that wait in one transaction, each in a
//! savepoint of its own, and answers them after the commit.
//!
//! A commit costs a sync of the disk, whatever it holds; so those who wait for the disk share it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, JoinHandle, ThreadId};

use anyhow::{Context, anyhow};
use diesel::connection::SimpleConnection;

use super::checkpoint::Checkpointer;
use super::conn::{Conn, DatabaseUrl};
use super::{begin, commit, rollback};
use crate::error::{Error, Result};
use crate::fault;
use crate::time::{MILLISECOND, Micros, Stopwatch};

/// Writes in one transaction at most: nobody waits for more than these.
const MOST: usize = 64;
/// A group that has run for so long takes no more in.
const LONGEST: Micros = 5 * MILLISECOND;
/// A write that keeps all others waiting for so long is logged.
const SLOW: Micros = 100 * MILLISECOND;

/// The thread that writes, and the way to it.
pub(super) struct Writer {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

type Alone = Box<dyn FnOnce(Result<&mut Conn>) + Send>;

enum Job {
    /// Shares its transaction with others.
    Write(Box<dyn Grouped>),
    /// Has the connection for itself, outside any transaction.
    Alone(Alone),
}

/// A write on its way through the group.
trait Grouped: Send {
    /// Does it, and says whether it is to be kept.
    fn run(&mut self, conn: &mut Conn) -> bool;
    /// Tells the one who waits how it ended, with the group committed or lost.
    fn answer(self: Box<Self>, lost: Option<&anyhow::Error>);
}

struct Write<T, F> {
    work: Option<F>,
    done: Option<thread::Result<Result<T>>>,
    reply: SyncSender<thread::Result<Result<T>>>,
}

impl<T: Send, F: FnOnce(&mut Conn) -> Result<T> + Send> Grouped for Write<T, F> {
    fn run(&mut self, conn: &mut Conn) -> bool {
        let Some(work) = self.work.take() else {
            return false;
        };
        // diesel's transactions do not catch a panic; the savepoint must be undone for the others.
        let done = catch_unwind(AssertUnwindSafe(|| work(conn)));
        let is_kept = matches!(done, Ok(Ok(_)));
        self.done = Some(done);
        is_kept
    }

    fn answer(self: Box<Self>, lost: Option<&anyhow::Error>) {
        let answer = match (self.done, lost) {
            (Some(Ok(Ok(_))) | None, Some(lost)) => {
                Ok(Err(Error::Unavailable(anyhow!("{lost:#}"))))
            }
            (Some(done), _) => done,
            (None, None) => Ok(Err(gone())),
        };
        // Whoever asked may have gone.
        let _ = self.reply.send(answer);
    }
}

impl Writer {
    /// Opens the connection and starts the thread.
    pub(super) fn start(url: &DatabaseUrl) -> anyhow::Result<Self> {
        let conn = url.connect()?;
        let (jobs, waiting) = channel();
        let mut desk = Desk {
            url: url.clone(),
            conn: Some(conn),
            checkpointer: Some(Checkpointer::start(url)?),
        };
        let thread = thread::Builder::new()
            .name("writer".into())
            .spawn(move || desk.serve(&waiting))
            .context("the writer's thread could not be started")?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    /// Does that in a transaction, which others may share, and returns after its commit.
    pub(super) fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = sync_channel(1);
        self.hand_over(Job::Write(Box::new(Write {
            work: Some(work),
            done: None,
            reply,
        })))?;
        match answer.recv() {
            Ok(Ok(done)) => done,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => Err(gone()),
        }
    }

    /// Does that with the connection for itself, outside any transaction.
    pub(super) fn alone<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = sync_channel(1);
        self.hand_over(Job::Alone(Box::new(move |conn| {
            let done = conn.and_then(work);
            let _ = reply.send(done);
        })))?;
        answer.recv().map_err(|_| gone())?
    }

    fn hand_over(&self, job: Job) -> Result<()> {
        if self.thread() == Some(thread::current().id()) {
            return Err(anyhow!("a write was begun within a write").into());
        }
        let jobs = self.jobs.as_ref().ok_or_else(gone)?;
        jobs.send(job).map_err(|_| gone())
    }

    fn thread(&self) -> Option<ThreadId> {
        self.thread.as_ref().map(|thread| thread.thread().id())
    }
}

/// Waits until what was handed over is done: the file is closed when the store is gone.
impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        let is_own = self.thread() == Some(thread::current().id());
        if let Some(thread) = self.thread.take().filter(|_| !is_own)
            && thread.join().is_err()
        {
            tracing::error!("the writer ended badly");
        }
    }
}

fn gone() -> Error {
    Error::Unavailable(anyhow!("the writer has ended"))
}

/// What the thread holds.
struct Desk {
    url: DatabaseUrl,
    /// None after a fault: it is opened again for the next.
    conn: Option<Conn>,
    checkpointer: Option<Checkpointer>,
}

impl Desk {
    fn serve(&mut self, waiting: &Receiver<Job>) {
        let mut next = None;
        while let Some(job) = next.take().or_else(|| waiting.recv().ok()) {
            match job {
                Job::Write(first) => {
                    let mut ran = Vec::new();
                    let lost = self.group(first, waiting, &mut ran, &mut next).err();
                    if let Some(lost) = &lost {
                        tracing::error!(error = %lost, writes = ran.len(), "writes were lost and refused");
                        // Its state is not known; the next write opens it again.
                        self.conn = None;
                    }
                    ran.into_iter()
                        .for_each(|write| write.answer(lost.as_ref()));
                    if let (Some(conn), Some(checkpointer)) =
                        (&mut self.conn, &mut self.checkpointer)
                    {
                        checkpointer.committed(conn);
                    }
                }
                Job::Alone(work) => {
                    let conn = self.open();
                    if catch_unwind(AssertUnwindSafe(|| work(conn))).is_err() {
                        self.conn = None;
                    }
                }
            }
        }
    }

    fn open(&mut self) -> Result<&mut Conn> {
        let conn = match self.conn.take() {
            Some(conn) => conn,
            None => self.url.connect().map_err(Error::Unavailable)?,
        };
        Ok(self.conn.insert(conn))
    }

    /// Runs that write and those that wait in one transaction; what came and cannot share it is next.
    ///
    /// An error means that nothing of the group was kept.
    fn group(
        &mut self,
        first: Box<dyn Grouped>,
        waiting: &Receiver<Job>,
        ran: &mut Vec<Box<dyn Grouped>>,
        next: &mut Option<Job>,
    ) -> anyhow::Result<()> {
        ran.push(first);
        let conn = self.open()?;
        begin(conn).context("the database cannot be written")?;
        fault::point("write.begun");
        let begun = Stopwatch::start();
        while let Some(write) = ran.last_mut() {
            savepoint(conn, write.as_mut())?;
            fault::point("write.done");
            if ran.len() >= MOST || begun.micros() >= LONGEST {
                break;
            }
            match waiting.try_recv() {
                Ok(Job::Write(write)) => ran.push(write),
                Ok(alone) => {
                    *next = Some(alone);
                    break;
                }
                Err(_) => break,
            }
        }
        fault::point("write.before-commit");
        if let Err(error) = commit(conn) {
            // After a failed commit the transaction may still be open.
            rollback(conn);
            return Err(anyhow::Error::new(error).context("the database could not be written"));
        }
        fault::point("write.committed");
        Ok(())
    }
}

/// Runs one write in a savepoint. An error means that SQLite gave up the whole transaction.
fn savepoint(conn: &mut Conn, write: &mut dyn Grouped) -> anyhow::Result<()> {
    const GIVEN_UP: &str = "the database gave up the transaction";
    conn.batch_execute("SAVEPOINT one").context(GIVEN_UP)?;
    let begun = Stopwatch::start();
    let is_kept = write.run(conn);
    let took = begun.micros();
    if took >= SLOW {
        tracing::warn!(
            milliseconds = took / MILLISECOND,
            "a write kept all others waiting"
        );
    }
    let end = if is_kept {
        "RELEASE one"
    } else {
        "ROLLBACK TO one; RELEASE one"
    };
    // After a full disk or a fault of it there may be no transaction any more, and no savepoint in it.
    conn.batch_execute(end).context(GIVEN_UP)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use diesel::prelude::*;
    use diesel::sql_types::BigInt;

    use super::*;

    type Answer<T> = Receiver<thread::Result<Result<T>>>;

    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        rows: i64,
    }

    /// A file with one table, the writer's desk at it, and what waits there.
    struct Office {
        _folder: tempfile::TempDir,
        url: DatabaseUrl,
        jobs: Sender<Job>,
        waiting: Receiver<Job>,
    }

    impl Office {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let url = DatabaseUrl::Sqlite(folder.path().join("one.db").display().to_string());
            let mut conn = url.connect().unwrap();
            conn.batch_execute("CREATE TABLE notes (text TEXT NOT NULL)")
                .unwrap();
            let (jobs, waiting) = channel();
            Self {
                _folder: folder,
                url,
                jobs,
                waiting,
            }
        }

        fn waits<T: Send + 'static>(
            &self,
            work: impl FnOnce(&mut Conn) -> Result<T> + Send + 'static,
        ) -> Answer<T> {
            let (reply, answer) = sync_channel(1);
            let write = Write {
                work: Some(work),
                done: None,
                reply,
            };
            self.jobs.send(Job::Write(Box::new(write))).unwrap();
            answer
        }

        /// Does all that waits.
        fn works(self) -> tempfile::TempDir {
            drop(self.jobs);
            let mut desk = Desk {
                url: self.url,
                conn: None,
                checkpointer: None,
            };
            desk.serve(&self.waiting);
            self._folder
        }
    }

    fn rows(conn: &mut Conn) -> i64 {
        diesel::sql_query("SELECT count(*) AS rows FROM notes")
            .get_result::<Count>(conn)
            .unwrap()
            .rows
    }

    /// What everybody else sees.
    fn committed(url: &DatabaseUrl) -> i64 {
        rows(&mut url.connect_reader().unwrap())
    }

    fn note(conn: &mut Conn) -> Result<()> {
        conn.batch_execute("INSERT INTO notes VALUES ('kept')")?;
        Ok(())
    }

    fn answered<T>(answer: &Answer<T>) -> Result<T> {
        answer.try_recv().unwrap().unwrap()
    }

    #[test]
    fn writes_that_wait_share_a_commit_of_at_most_64() {
        let office = Office::new();
        let answers: Vec<_> = (0..100)
            .map(|_| {
                let url = office.url.clone();
                office.waits(move |conn| {
                    note(conn)?;
                    Ok((rows(conn), committed(&url)))
                })
            })
            .collect();
        let _folder = office.works();
        let seen: Vec<(i64, i64)> = answers.iter().map(|one| answered(one).unwrap()).collect();
        // A slow machine makes smaller groups, never larger ones, and never one commit for each.
        assert!(
            seen.iter()
                .all(|(here, there)| (1..=64).contains(&(here - there))),
            "{seen:?}"
        );
        assert!(
            seen.iter().any(|(here, there)| here - there > 1),
            "{seen:?}"
        );
        assert_eq!(
            seen.iter().map(|(here, _)| *here).collect::<Vec<_>>(),
            (1..=100).collect::<Vec<_>>()
        );
    }

    #[test]
    fn one_that_fails_or_panics_takes_no_other_with_it() {
        let office = Office::new();
        let url = office.url.clone();
        let first = office.waits(note);
        let fails = office.waits(|conn| {
            note(conn)?;
            Err::<(), _>(Error::conflict("no"))
        });
        let panics = office.waits(|conn| -> Result<()> {
            note(conn)?;
            panic!("in the middle")
        });
        let last = office.waits(note);
        let _folder = office.works();
        assert!(answered(&first).is_ok() && answered(&last).is_ok());
        assert!(matches!(answered(&fails), Err(Error::Refused(_))));
        assert!(panics.try_recv().unwrap().is_err());
        assert_eq!(committed(&url), 2);
    }

    #[test]
    fn a_group_that_the_database_gave_up_is_refused_whole_and_the_next_write_works() {
        let office = Office::new();
        let url = office.url.clone();
        let before = office.waits(note);
        // What SQLite does when the disk is full in the middle of a statement.
        let full = office.waits(|conn| {
            conn.batch_execute("ROLLBACK")?;
            Err::<(), _>(Error::conflict("the statement failed"))
        });
        let after = office.waits(note);
        let _folder = office.works();
        assert!(matches!(answered(&before), Err(Error::Unavailable(_))));
        assert!(answered(&full).is_err());
        assert!(answered(&after).is_ok());
        assert_eq!(committed(&url), 1);
    }

    #[test]
    fn what_needs_the_connection_alone_runs_outside_any_transaction_in_its_turn() {
        let office = Office::new();
        let url = office.url.clone();
        let first = office.waits(note);
        let (reply, answer) = sync_channel(1);
        let alone = move |conn: Result<&mut Conn>| {
            let conn = conn.unwrap();
            let vacuumed = conn.batch_execute("VACUUM");
            reply.send((vacuumed.is_ok(), committed(&url))).unwrap();
        };
        office.jobs.send(Job::Alone(Box::new(alone))).unwrap();
        let last = office.waits(|conn| Ok(rows(conn)));
        let _folder = office.works();
        assert!(answered(&first).is_ok());
        assert_eq!(answer.try_recv().unwrap(), (true, 1));
        assert_eq!(answered(&last).unwrap(), 1);
    }

    #[test]
    fn what_needs_the_connection_alone_outlives_the_group_before_it() {
        let office = Office::new();
        let url = office.url.clone();
        // Found wrong at the commit and not before, when the next has been taken from the queue.
        let fails = office.waits(|conn| {
            conn.batch_execute(
                "CREATE TABLE parts (id INTEGER PRIMARY KEY, of INTEGER REFERENCES parts DEFERRABLE INITIALLY DEFERRED); \
                 INSERT INTO parts VALUES (1, 2)",
            )?;
            Ok(())
        });
        let (reply, answer) = sync_channel(1);
        let alone = move |conn: Result<&mut Conn>| reply.send(conn.map(rows).unwrap()).unwrap();
        office.jobs.send(Job::Alone(Box::new(alone))).unwrap();
        let _folder = office.works();
        assert!(matches!(answered(&fails), Err(Error::Unavailable(_))));
        assert_eq!(answer.try_recv().unwrap(), 0);
        assert_eq!(committed(&url), 0);
    }

    #[test]
    fn a_write_within_a_write_is_refused_instead_of_waiting_for_itself() {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::Sqlite(folder.path().join("one.db").display().to_string());
        let writer = Arc::new(Writer::start(&url).unwrap());
        let again = Arc::downgrade(&writer);
        let nested = writer.write(move |_| {
            let writer = again.upgrade().ok_or_else(gone)?;
            writer.write(|_| Ok(()))
        });
        assert!(nested.unwrap_err().to_string().contains("within a write"));
    }
}
