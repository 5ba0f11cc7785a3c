//! Five kinds of error, by who must act.
//!
//! `Refused`: the business says no, and the sentence says why. `Invalid`: the input is wrong, field
//! by field. `Unavailable`: the database does not take or give anything now, and the same may work in a
//! minute. `InDoubt`: the database was lost, or said nothing, while it was asked to keep something.
//! Everything else is unexpected: the caller learns nothing, the log everything.

use crate::domain::input::FieldError;

/// Result of everything that may fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something was not done; nothing of it was kept, unless it is in doubt.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The business says no.
    #[error("{0}")]
    Refused(#[from] Refused),
    /// The input is wrong; every fault at its field.
    #[error("the input is not acceptable: {}", summary(.0))]
    Invalid(Vec<FieldError>),
    /// The database cannot be reached or written just now; nothing was changed.
    #[error("{0:#}")]
    Unavailable(anyhow::Error),
    /// The database was lost at the commit, or did not answer in time: it may have been done or not.
    #[error("{0:#}")]
    InDoubt(anyhow::Error),
    /// A fault of ours or of the machine.
    #[error("{0:#}")]
    Unexpected(#[from] anyhow::Error),
}

/// What the business says no to, in the user's nouns.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no such thing.
    #[error("there is no {noun} {key}")]
    NotFound {
        /// What was looked for.
        noun: &'static str,
        /// How it was named.
        key: String,
    },
    /// Somebody changed it first.
    #[error("{what} was changed by someone else meanwhile; read it again and repeat your change")]
    Stale {
        /// What was to be changed.
        what: String,
    },
    /// It would break a rule of the state things are in.
    #[error("{0}")]
    Conflict(String),
    /// The person's role does not include it.
    #[error("{0}")]
    Forbidden(String),
    /// Nobody is signed in, or the token is not valid.
    #[error("{0}")]
    Unauthenticated(String),
    /// The same idempotency key came with another body.
    #[error("the idempotency key {key} was used before with another request; use a new key")]
    KeyReused {
        /// The key.
        key: String,
    },
    /// An edit did not say which version it was made from.
    #[error(
        "{what} can only be changed with an If-Match header that holds its ETag; read it first"
    )]
    PreconditionMissing {
        /// What was to be changed.
        what: String,
    },
}

impl Error {
    /// There is no such thing.
    pub fn not_found(noun: &'static str, key: impl ToString) -> Self {
        Refused::NotFound {
            noun,
            key: key.to_string(),
        }
        .into()
    }

    /// It would break a rule of the state things are in.
    pub fn conflict(message: impl Into<String>) -> Self {
        Refused::Conflict(message.into()).into()
    }

    /// One field is wrong.
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Error::Invalid(vec![FieldError::new(field, message)])
    }
}

impl From<Vec<FieldError>> for Error {
    fn from(faults: Vec<FieldError>) -> Self {
        Error::Invalid(faults)
    }
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        let is_passing = is_passing(&error);
        let error = anyhow::Error::new(error).context("the database did not do as asked");
        if is_passing {
            Error::Unavailable(error)
        } else {
            Error::Unexpected(error)
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Error::Unexpected(
            anyhow::Error::new(error).context("stored JSON could not be read or written"),
        )
    }
}

/// Whether it is the database's state and not the statement: a lost or read-only connection, a full or
/// broken disk.
fn is_passing(error: &diesel::result::Error) -> bool {
    use diesel::result::{DatabaseErrorKind as Kind, Error::DatabaseError};
    // SQLite's results FULL, READONLY, IOERR and CANTOPEN come without a kind, with these texts.
    const OF_THE_DISK: [&str; 4] = [
        "database or disk is full",
        "attempt to write a readonly database",
        "disk I/O error",
        "unable to open database file",
    ];
    match error {
        DatabaseError(Kind::ClosedConnection | Kind::ReadOnlyTransaction, _) => true,
        DatabaseError(_, info) => OF_THE_DISK.contains(&info.message()),
        _ => false,
    }
}

fn summary(faults: &[FieldError]) -> String {
    faults
        .iter()
        .map(|fault| format!("{}: {}", fault.field, fault.message))
        .collect::<Vec<_>>()
        .join("; ")
}
