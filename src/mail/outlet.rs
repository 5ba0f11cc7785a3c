//! Where letters leave the house.
//!
//! An outlet gets the finished bytes of one letter for one recipient and says what became of them,
//! in the terms by which the outbox decides: done, never, later, or nobody knows.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::LetterId;
use crate::time::Moment;

mod smtp;

pub(in crate::mail) use smtp::Encryption;
pub use smtp::{Authorities, LONGEST_SEND, Patience, SmtpOutlet};

/// A letter as it leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Its key in the outbox; names the file in a folder.
    pub id: LetterId,
    /// When it goes out; names the file in a folder.
    pub at: Moment,
    /// Address of the sender.
    pub from: String,
    /// Address of the recipient.
    pub to: String,
    /// The whole message, headers first (RFC 5322), lines ended by CR LF.
    pub bytes: Vec<u8>,
}

/// What became of a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Somebody else is responsible for it now.
    Accepted {
        /// What the server said, or where the letter was put.
        response: String,
    },
    /// Refused for good: sending it again gets the same answer.
    Refused {
        /// Reply code of the protocol, 5xx.
        code: u16,
        /// What the server said.
        text: String,
        /// Whether it is the recipient's address that is refused, and would be whatever was written.
        address: bool,
    },
    /// Not now.
    Deferred {
        /// Reply code of the protocol, 4xx.
        code: u16,
        /// What the server said.
        text: String,
    },
    /// There was nobody to hand it to, or nobody who would talk to us: certainly not delivered,
    /// and not the letter's fault.
    Unreachable {
        /// What went wrong.
        error: String,
    },
    /// The connection was lost after the content had begun to flow: it may have been delivered.
    InDoubt {
        /// What went wrong.
        error: String,
    },
}

impl Delivery {
    /// Whether it says that nobody can be talked to.
    pub fn is_trouble(&self) -> bool {
        matches!(
            self,
            Delivery::Unreachable { .. } | Delivery::InDoubt { .. }
        )
    }

    fn unreachable(error: impl ToString) -> Self {
        Delivery::Unreachable {
            error: error.to_string(),
        }
    }
}

/// What letters to one domain may take up, so that they do not flood it and do not hold up others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once; 0: as many as there are.
    pub connections: u32,
    /// Letters a minute; 0: as many as go.
    pub per_minute: u32,
}

/// Where letters go.
#[derive(Clone, Debug)]
pub enum Outlet {
    /// A mail server.
    Smtp(SmtpOutlet),
    /// A folder of `.eml` files, for an installation without a mail server.
    Folder(PathBuf),
    /// The memory of this process, for tests.
    Memory(MemoryOutlet),
}

impl Outlet {
    /// What letters to one domain may take up by this way.
    pub fn limits(&self) -> Limits {
        match self {
            Outlet::Smtp(server) => server.limits(),
            Outlet::Folder(_) => Limits::default(),
            Outlet::Memory(memory) => memory.kept().limits,
        }
    }

    /// Hands over letters one after the other, a mail server over one connection, and tells `done`
    /// what became of each. None takes longer than [`LONGEST_SEND`] with the usual [`Patience`].
    ///
    /// Ends early when nobody can be talked to any more, and before a letter (other than the first) that
    /// may not begin any more; those left have certainly not been sent.
    pub async fn send_in_turn(
        &self,
        letters: &[&Outgoing],
        may_begin: impl Fn(usize) -> bool,
        mut done: impl FnMut(Delivery),
    ) {
        if let Outlet::Smtp(server) = self {
            return server.send_in_turn(letters, may_begin, done).await;
        }
        for (place, letter) in letters.iter().enumerate() {
            if place > 0 && !may_begin(place) {
                return;
            }
            let delivery = self.send(letter).await;
            let is_over = delivery.is_trouble();
            done(delivery);
            if is_over {
                return;
            }
        }
    }

    /// Hands over one letter.
    pub async fn send(&self, letter: &Outgoing) -> Delivery {
        match self {
            Outlet::Smtp(server) => {
                let mut done = None;
                let through = |delivery| done = Some(delivery);
                server.send_in_turn(&[letter], |_| true, through).await;
                done.unwrap_or_else(|| Delivery::unreachable("the letter was not begun"))
            }
            Outlet::Folder(folder) => keep_in(folder.clone(), (*letter).clone()).await,
            Outlet::Memory(memory) => memory.send(letter),
        }
    }
}

/// Puts a letter into a folder, which is made if it is not there.
async fn keep_in(folder: PathBuf, letter: Outgoing) -> Delivery {
    let kept = tokio::task::spawn_blocking(move || write_file(&folder, &letter)).await;
    match kept {
        Ok(Ok(path)) => Delivery::Accepted {
            response: format!("kept as {}", path.display()),
        },
        Ok(Err(error)) => Delivery::unreachable(error),
        Err(error) => Delivery::unreachable(error),
    }
}

/// Whoever reads the folder sees a letter whole or not at all.
fn write_file(folder: &Path, letter: &Outgoing) -> io::Result<PathBuf> {
    let name = format!(
        "{}-{}.eml",
        letter.at.utc().format("%Y%m%dT%H%M%SZ"),
        letter.id
    );
    let (path, unfinished) = (folder.join(&name), folder.join(format!(".{name}.part")));
    fs::create_dir_all(folder)?;
    let mut file = File::create(&unfinished)?;
    file.write_all(&letter.bytes)?;
    // The outbox will say that it is kept, so it must survive a power cut.
    file.sync_all()?;
    fs::rename(&unfinished, &path)?;
    Ok(path)
}

/// Keeps letters in memory, and fails to order; copies share their letters.
#[derive(Clone, Debug, Default)]
pub struct MemoryOutlet(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    letters: Vec<Outgoing>,
    /// What the next letters are answered with; none: handing that one over panics.
    answers: VecDeque<Option<Delivery>>,
    limits: Limits,
}

impl MemoryOutlet {
    /// The letters taken so far, in order.
    pub fn letters(&self) -> Vec<Outgoing> {
        self.kept().letters.clone()
    }

    /// Takes out the letters taken so far, in order.
    pub fn drain(&self) -> Vec<Outgoing> {
        std::mem::take(&mut self.kept().letters)
    }

    /// The next `count` letters are answered with `delivery` and, unless it is `Accepted`, not kept.
    pub fn fails_next(&self, count: usize, delivery: Delivery) {
        self.kept().answers.extend(vec![Some(delivery); count]);
    }

    /// From now on letters to one domain may not take up more.
    pub fn limited_to(&self, limits: Limits) {
        self.kept().limits = limits;
    }

    /// Handing over the next `count` letters panics.
    pub fn panics_next(&self, count: usize) {
        self.kept().answers.extend(vec![None; count]);
    }

    fn send(&self, letter: &Outgoing) -> Delivery {
        let mut kept = self.kept();
        let answer = match kept.answers.pop_front() {
            Some(Some(answer)) => answer,
            Some(None) => panic!("told to break down"),
            None => Delivery::Accepted {
                response: "kept in memory".to_string(),
            },
        };
        if matches!(answer, Delivery::Accepted { .. }) {
            kept.letters.push(letter.clone());
        }
        answer
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Every change is one push or pop, so what a panic left behind is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter() -> Outgoing {
        Outgoing {
            id: LetterId(17),
            at: Moment::parse("2026-11-20T15:52:07Z").unwrap(),
            from: "redress@example.com".to_string(),
            to: "desk@vendor.example".to_string(),
            bytes: b"Subject: hello\r\n\r\nhello\r\n".to_vec(),
        }
    }

    #[tokio::test]
    async fn a_folder_holds_whole_letters_under_date_and_number() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("mail");
        let outlet = Outlet::Folder(inner.clone());
        for _ in 0..2 {
            let delivery = outlet.send(&letter()).await;
            assert!(
                matches!(delivery, Delivery::Accepted { .. }),
                "{delivery:?}"
            );
        }
        let names: Vec<_> = fs::read_dir(&inner)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, ["20261120T155207Z-17.eml"]);
        assert_eq!(fs::read(inner.join(&names[0])).unwrap(), letter().bytes);
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_is_out_of_reach_and_keeps_the_letter_unsent() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let delivery = Outlet::Folder(file.path().to_path_buf())
            .send(&letter())
            .await;
        assert!(
            matches!(delivery, Delivery::Unreachable { .. }),
            "{delivery:?}"
        );
    }

    #[tokio::test]
    async fn memory_fails_as_often_as_it_is_told_to() {
        let memory = MemoryOutlet::default();
        let outlet = Outlet::Memory(memory.clone());
        let later = Delivery::Deferred {
            code: 451,
            text: "later".to_string(),
        };
        memory.fails_next(2, later.clone());
        assert_eq!(outlet.send(&letter()).await, later);
        assert_eq!(outlet.send(&letter()).await, later);
        assert!(memory.letters().is_empty());
        assert!(matches!(
            outlet.send(&letter()).await,
            Delivery::Accepted { .. }
        ));
        assert_eq!(memory.letters(), [letter()]);
    }
}
