//! Three kinds of error, by who must act.
//!
//! `Refused`: the business says no, and the sentence says why. `Invalid`: the input is wrong, field
//! by field. Everything else is unexpected: the caller learns nothing, the log everything.

use crate::domain::input::FieldError;

/// Result of everything that may fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something was not done; nothing of it was kept.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The business says no.
    #[error("{0}")]
    Refused(#[from] Refused),
    /// The input is wrong; every fault at its field.
    #[error("the input is not acceptable: {}", summary(.0))]
    Invalid(Vec<FieldError>),
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
        Error::Unexpected(anyhow::Error::new(error).context("the database did not do as asked"))
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Error::Unexpected(
            anyhow::Error::new(error).context("stored JSON could not be read or written"),
        )
    }
}

fn summary(faults: &[FieldError]) -> String {
    faults
        .iter()
        .map(|fault| format!("{}: {}", fault.field, fault.message))
        .collect::<Vec<_>>()
        .join("; ")
}
