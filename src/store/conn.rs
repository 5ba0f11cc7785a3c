//! One connection type over both databases, and how each is opened.

use std::fmt;
use std::str::FromStr;

use diesel::connection::SimpleConnection;
use diesel::deserialize::{self, FromSql};
use diesel::prelude::*;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::HasSqlType;

use crate::schema::Instant;
use crate::time::Moment;

/// For how many milliseconds SQLite waits for a lock of another process.
const LOCK_WAIT: u32 = 10_000;

/// Pages of 4 KB in SQLite's log after which the writer brings them into the file itself: usually that
/// was done before, apart from it.
const LOG_PAGES: u32 = 8000;

/// A connection to either database; one diesel expression serves both.
#[derive(diesel::MultiConnection)]
pub enum Conn {
    /// PostgreSQL.
    Postgres(diesel::PgConnection),
    /// SQLite, embedded.
    Sqlite(diesel::SqliteConnection),
}

impl HasSqlType<Instant> for MultiBackend {
    fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
        Self::lookup_sql_type::<Instant>(lookup)
    }
}

impl FromSql<Instant, MultiBackend> for Moment {
    fn from_sql(value: MultiRawValue<'_>) -> deserialize::Result<Self> {
        value.from_sql::<Moment, Instant>()
    }
}

impl ToSql<Instant, MultiBackend> for Moment {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
        out.set_value((Instant, self));
        Ok(IsNull::No)
    }
}

/// Puts one diesel expression into both arms, for the few forms the common connection lacks
/// (`on_conflict`, inserting many rows, `skip_locked`).
#[macro_export]
macro_rules! per_backend {
    ($conn:expr, $c:ident => $query:expr) => {
        match $conn {
            $crate::store::Conn::Postgres($c) => $query,
            $crate::store::Conn::Sqlite($c) => $query,
        }
    };
}

/// Where the data is kept.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// `postgres://…` as libpq reads it.
    Postgres(String),
    /// Path of a SQLite file.
    Sqlite(String),
}

impl FromStr for DatabaseUrl {
    type Err = String;

    /// Decides by the scheme alone: a mistyped PostgreSQL URL must not become a SQLite file of that
    /// name.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            Ok(DatabaseUrl::Postgres(text.to_string()))
        } else if let Some(path) = text
            .strip_prefix("sqlite://")
            .or_else(|| text.strip_prefix("sqlite:"))
        {
            if path.is_empty() {
                return Err(
                    "the database URL names no file; write sqlite:redress-data/redress.db".into(),
                );
            }
            Ok(DatabaseUrl::Sqlite(path.to_string()))
        } else {
            Err("the database URL must begin with postgres:// or sqlite:, such as postgres://user:password@host/redress or sqlite:redress-data/redress.db".to_string())
        }
    }
}

impl DatabaseUrl {
    /// The URL with its password replaced, fit for a log or a page.
    pub fn masked(&self) -> String {
        match self {
            DatabaseUrl::Sqlite(path) => format!("sqlite:{path}"),
            DatabaseUrl::Postgres(url) => mask_password(url),
        }
    }
}

/// A URL with its password replaced by asterisks.
pub fn mask_password(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(mut parsed) => {
            if parsed.password().is_some() {
                // Only fails for URLs that cannot have a password.
                let _ = parsed.set_password(Some("***"));
            }
            let pairs: Vec<(String, String)> = parsed
                .query_pairs()
                .map(|(name, value)| match name.as_ref() {
                    "password" | "sslpassword" => (name.into_owned(), "***".to_string()),
                    _ => (name.into_owned(), value.into_owned()),
                })
                .collect();
            if !pairs.is_empty() {
                parsed.query_pairs_mut().clear().extend_pairs(pairs);
            }
            parsed.to_string()
        }
        // libpq takes several hosts, a URL has one: all before the path that could be a password goes.
        Err(_) => match url.split_once("://").and_then(|(scheme, rest)| {
            let (address, _) = rest.split_once(['/', '?']).unwrap_or((rest, ""));
            let hosts = address.rsplit('@').next()?;
            hosts.contains(',').then(|| format!("{scheme}://{hosts}"))
        }) {
            Some(hosts) => hosts,
            None => "(not a URL)".to_string(),
        },
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

/// What libpq is told unless the URL says otherwise, so that a server that is gone without a word is given
/// up: seconds for a connection to be made, seconds and probes for a silent one, milliseconds for what was
/// sent and not acknowledged.
const UNLESS_SAID: [(&str, &str); 5] = [
    ("connect_timeout", "10"),
    ("keepalives_idle", "10"),
    ("keepalives_interval", "5"),
    ("keepalives_count", "3"),
    ("tcp_user_timeout", "20000"),
];

fn patient(url: &str) -> String {
    let (head, said) = url.split_once('?').unwrap_or((url, ""));
    let mut pairs: Vec<String> = said
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(str::to_string)
        .collect();
    for (name, value) in UNLESS_SAID {
        let is_said = |pair: &String| pair.split('=').next() == Some(name);
        if !pairs.iter().any(is_said) {
            pairs.push(format!("{name}={value}"));
        }
    }
    format!("{head}?{}", pairs.join("&"))
}

impl DatabaseUrl {
    /// Opens a connection that may write.
    pub(super) fn connect(&self) -> anyhow::Result<Conn> {
        match self {
            DatabaseUrl::Postgres(url) => {
                let mut conn = diesel::PgConnection::establish(&patient(url))?;
                // A lock that is not had in this time is a fault to be seen, not to be waited for.
                conn.batch_execute("SET TIME ZONE 'UTC'; SET lock_timeout = '30s'; SET application_name = 'redress'")?;
                Ok(Conn::Postgres(conn))
            }
            DatabaseUrl::Sqlite(path) => {
                let mut conn = diesel::SqliteConnection::establish(path)?;
                // A recorded response must survive a power cut: every commit reaches the disk.
                conn.batch_execute(&format!(
                    "PRAGMA busy_timeout = {LOCK_WAIT}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                     PRAGMA foreign_keys = ON; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY; \
                     PRAGMA wal_autocheckpoint = {LOG_PAGES};",
                ))?;
                Ok(Conn::Sqlite(conn))
            }
        }
    }

    /// Opens a connection that only reads.
    pub(super) fn connect_reader(&self) -> anyhow::Result<Conn> {
        let mut conn = self.connect()?;
        if let Conn::Sqlite(conn) = &mut conn {
            conn.batch_execute("PRAGMA query_only = ON")?;
        }
        Ok(conn)
    }
}

/// What `PRAGMA wal_checkpoint` answers.
#[derive(QueryableByName)]
struct Checkpoint {
    #[diesel(sql_type = diesel::sql_types::Integer)]
    busy: i32,
}

/// Brings what the log of a SQLite file holds into the file, as far as nobody reads an older state.
pub(super) fn checkpoint(conn: &mut diesel::SqliteConnection) -> anyhow::Result<()> {
    diesel::sql_query("PRAGMA wal_checkpoint(PASSIVE)").get_result::<Checkpoint>(conn)?;
    Ok(())
}

/// Writes a SQLite file anew, and cuts off its log.
pub(super) fn write_file_anew(conn: &mut diesel::SqliteConnection) -> anyhow::Result<()> {
    conn.batch_execute("VACUUM; PRAGMA busy_timeout = 1000")?;
    let cut = diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result::<Checkpoint>(conn);
    conn.batch_execute(&format!("PRAGMA busy_timeout = {LOCK_WAIT}"))?;
    anyhow::ensure!(
        cut?.busy == 0,
        "an old state of the database is being read, so its log could not be cut off"
    );
    Ok(())
}

/// Keeps connections for r2d2; readers on SQLite, every connection on PostgreSQL.
#[derive(Debug)]
pub(super) struct Connector {
    pub(super) url: DatabaseUrl,
    pub(super) reader: bool,
}

/// r2d2 wants an error type of its own.
#[derive(Debug, thiserror::Error)]
#[error("{0:#}")]
pub(super) struct ConnectError(anyhow::Error);

impl diesel::r2d2::ManageConnection for Connector {
    type Connection = Conn;
    type Error = ConnectError;

    fn connect(&self) -> Result<Conn, ConnectError> {
        if self.reader {
            self.url.connect_reader().map_err(ConnectError)
        } else {
            self.url.connect().map_err(ConnectError)
        }
    }

    fn is_valid(&self, conn: &mut Conn) -> Result<(), ConnectError> {
        conn.batch_execute("SELECT 1")
            .map_err(|error| ConnectError(error.into()))
    }

    fn has_broken(&self, conn: &mut Conn) -> bool {
        use diesel::connection::{AnsiTransactionManager, TransactionManager};
        std::thread::panicking()
            || match conn {
                Conn::Postgres(conn) => AnsiTransactionManager::is_broken_transaction_manager(conn),
                Conn::Sqlite(conn) => AnsiTransactionManager::is_broken_transaction_manager(conn),
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_scheme_is_refused_and_not_made_a_file() {
        assert!(
            "postgress://localhost/redress"
                .parse::<DatabaseUrl>()
                .is_err()
        );
        assert!("redress.db".parse::<DatabaseUrl>().is_err());
        assert!("sqlite:".parse::<DatabaseUrl>().is_err());
    }

    #[test]
    fn a_server_that_is_gone_is_given_up_unless_the_url_says_otherwise() {
        assert_eq!(
            patient("postgres://db/redress"),
            "postgres://db/redress?connect_timeout=10&keepalives_idle=10&keepalives_interval=5&keepalives_count=3&tcp_user_timeout=20000"
        );
        let said =
            patient("postgres://a,b/redress?connect_timeout=3&target_session_attrs=read-write");
        assert!(said.starts_with("postgres://a,b/redress?connect_timeout=3&target_session_attrs=read-write&keepalives_idle=10"));
        assert_eq!(said.matches("connect_timeout").count(), 1);
    }

    #[test]
    fn passwords_never_show() {
        let url: DatabaseUrl = "postgres://ann:secret@db/redress?password=other"
            .parse()
            .unwrap();
        let shown = format!("{url:?}");
        assert!(
            !shown.contains("secret") && !shown.contains("other"),
            "{shown}"
        );
        let several = "postgres://ann:secret@a:1,b:2/redress?password=other";
        assert_eq!(mask_password(several), "postgres://a:1,b:2");
    }
}
