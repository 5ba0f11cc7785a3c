//! One throw-away PostgreSQL cluster for the whole run, and a fresh database for each test.

use super::{
    folder_with, or_leave_out, search_path,
    watched::{Start, Watched},
};
use diesel::{Connection, PgConnection, RunQueryDsl, sql_query};
use std::{
    ffi::OsStr,
    fs,
    net::TcpListener,
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// A fresh, empty database, or `None` where this machine has no PostgreSQL.
pub fn database() -> Option<Database> {
    Some(Cluster::of_this_run()?.create("template1"))
}

/// What fresh databases are copied from, which is much faster than migrating each:
/// `static MIGRATED: Template = Template::new("migrated", |url| …)`.
pub struct Template {
    name: &'static str,
    prepare: fn(&str),
    is_made: Mutex<bool>,
}

impl Template {
    /// `prepare` is given the URL of an empty database once in a run, and must leave no
    /// connection open. `name` tells this template from the others of the run.
    pub const fn new(name: &'static str, prepare: fn(&str)) -> Self {
        Self {
            name,
            prepare,
            is_made: Mutex::new(false),
        }
    }

    /// A fresh copy, or `None` where this machine has no PostgreSQL.
    pub fn database(&self) -> Option<Database> {
        let cluster = Cluster::of_this_run()?;
        let name = format!("template_{}", self.name);
        // A panic of `prepare` fails its test and leaves the making to the next.
        let mut is_made = self.is_made.lock().unwrap_or_else(PoisonError::into_inner);
        if !*is_made {
            cluster.run(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
            cluster.run(&format!("CREATE DATABASE {name}"));
            (self.prepare)(&cluster.url(&name));
            *is_made = true;
        }
        drop(is_made);
        Some(cluster.create(&name))
    }
}

/// A database that is dropped with this value, whoever is still connected.
pub struct Database {
    /// `postgres://postgres@127.0.0.1:PORT/NAME`
    pub url: String,
    name: String,
    cluster: &'static Cluster,
}

impl Drop for Database {
    fn drop(&mut self) {
        // Not worth a panic within a panic: the cluster goes in any case.
        if let Ok(mut connection) = PgConnection::establish(&self.cluster.url("postgres")) {
            let _ = sql_query(format!(
                "DROP DATABASE IF EXISTS {} WITH (FORCE)",
                self.name
            ))
            .execute(&mut connection);
        }
    }
}

/// The folder that holds `postgres` and `initdb`; the error says why there is none to use.
pub fn programs() -> Result<PathBuf, String> {
    folder_of(&["postgres", "initdb"])
}

/// The folder that holds all of those programs of PostgreSQL; the error says why there is none.
pub fn folder_of(programs: &[&str]) -> Result<PathBuf, String> {
    let folders = search_path().into_iter().chain(debian_folders());
    folder_with(programs, folders).ok_or_else(|| {
        let programs = programs.join(" and ");
        format!("neither PATH nor /usr/lib/postgresql/*/bin holds {programs}")
    })
}

struct Cluster {
    port: u16,
    _server: Watched,
}

impl Cluster {
    fn of_this_run() -> Option<&'static Self> {
        static CLUSTER: OnceLock<Result<Cluster, String>> = OnceLock::new();
        let programs = or_leave_out("postgres", programs())?;
        // A server that is there and does not start is a fault, not a bare machine.
        match CLUSTER.get_or_init(|| Self::start(&programs)) {
            Ok(cluster) => Some(cluster),
            Err(error) => panic!("PostgreSQL does not start: {error}"),
        }
    }

    fn start(programs: &Path) -> Result<Self, String> {
        let mut attempt = 1;
        loop {
            // Nothing holds the port between here and the server's own bind.
            let port = free_port()?;
            match start_server(programs, port) {
                Ok(server) => {
                    return Ok(Self {
                        port,
                        _server: server,
                    });
                }
                Err(error)
                    if error.contains("could not create any TCP/IP sockets") && attempt < 5 =>
                {
                    attempt += 1
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn create(&'static self, template: &str) -> Database {
        static COUNT: AtomicU64 = AtomicU64::new(1);
        let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        self.run(&format!("CREATE DATABASE {name} TEMPLATE {template}"));
        Database {
            url: self.url(&name),
            name,
            cluster: self,
        }
    }

    fn run(&self, statement: &str) {
        let url = self.url("postgres");
        let mut connection =
            PgConnection::establish(&url).unwrap_or_else(|error| panic!("{url}: {error}"));
        sql_query(statement)
            .execute(&mut connection)
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }
}

/// `sh -c START PROGRAMS PORT`, in the folder of the cluster.
///
/// Nothing is worth syncing, since nothing outlives the run. Statistics are off so that no
/// vacuum holds a template. The session's zone is one that nobody expects, so that what
/// depends on it is noticed. No socket file, whose path may be at most 107 bytes long.
const START: &str = r#"
"$0/initdb" -D data -U postgres --auth=trust -E UTF8 --locale=C --no-sync >initdb.log 2>&1 || { cat initdb.log; exit 1; }
exec "$0/postgres" -D data -p "$1" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
  -c max_connections=200 -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
  -c autovacuum=off -c max_parallel_workers_per_gather=0 -c dynamic_shared_memory_type=mmap \
  -c timezone=Asia/Kathmandu -c log_min_messages=log
"#;

fn start_server(programs: &Path, port: u16) -> Result<Watched, String> {
    server(
        programs,
        START,
        &[&port.to_string()],
        "ready to accept connections",
    )
}

/// A server that a test keeps for itself: `sh -c SCRIPT PROGRAMS ARGS…` in a folder of its own, until
/// the line that contains `ready`. Dropping it ends it at once.
pub fn server(
    programs: &Path,
    script: &str,
    args: &[&str],
    ready: &str,
) -> Result<Watched, String> {
    let folder = tempfile::Builder::new()
        .prefix("redress-postgres-")
        .tempdir()
        .map_err(|error| error.to_string())?;
    let owner = owner(folder.path())?;
    if let Some((user, group)) = owner {
        chown(folder.path(), Some(user), Some(group)).map_err(|error| error.to_string())?;
    }
    let (server, _) = Watched::start(Start {
        folder,
        command: ["sh", "-c", script]
            .map(OsStr::new)
            .into_iter()
            .chain([programs.as_os_str()])
            .chain(args.iter().map(OsStr::new))
            .collect(),
        // The first ends the shell, in which initdb may still be at work, the second the server
        // without waiting for clients. A shell in the background ignores the second.
        ends_by: "TERM QUIT",
        owner,
        ready,
    })?;
    Ok(server)
}

/// The user and group `postgres` where we are root, as whom PostgreSQL refuses to run.
fn owner(own_folder: &Path) -> Result<Option<(u32, u32)>, String> {
    let we_are_root = fs::metadata(own_folder)
        .map_err(|error| error.to_string())?
        .uid()
        == 0;
    if !we_are_root {
        return Ok(None);
    }
    let users =
        fs::read_to_string("/etc/passwd").map_err(|error| format!("/etc/passwd: {error}"))?;
    user_in(&users, "postgres")
        .map(Some)
        .ok_or_else(|| "it does not run as root, and there is no user postgres".into())
}

/// User and group number of `name` in lines of `name:password:user:group:…`.
fn user_in(users: &str, name: &str) -> Option<(u32, u32)> {
    let line = users
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let mut fields = line.split(':').skip(1);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

/// A port on which nothing listens just now.
pub fn free_port() -> Result<u16, String> {
    let port = || {
        TcpListener::bind(("127.0.0.1", 0))?
            .local_addr()
            .map(|address| address.port())
    };
    port().map_err(|error: std::io::Error| format!("no port on 127.0.0.1: {error}"))
}

/// Debian keeps the server's programs off PATH, a folder for each version; newest first.
fn debian_folders() -> Vec<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let mut versions: Vec<_> = versions.collect();
    versions.sort_by_key(|folder| {
        folder
            .file_name()
            .and_then(|name| name.to_str()?.parse::<u32>().ok())
    });
    versions
        .into_iter()
        .rev()
        .map(|folder| folder.join("bin"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use diesel::{QueryableByName, sql_types::BigInt};

    #[derive(QueryableByName)]
    struct Number {
        #[diesel(sql_type = BigInt)]
        number: i64,
    }

    fn ask(url: &str, question: &str) -> diesel::QueryResult<i64> {
        let mut connection = PgConnection::establish(url).unwrap();
        Ok(sql_query(question)
            .get_result::<Number>(&mut connection)?
            .number)
    }

    static NUMBERED: Template = Template::new("numbered", |url| {
        let mut connection = PgConnection::establish(url).unwrap();
        sql_query("CREATE TABLE numbers AS SELECT 42::bigint AS number")
            .execute(&mut connection)
            .unwrap();
    });

    #[test]
    fn a_database_is_fresh_and_goes_with_its_value() {
        let Some(database) = database() else { return };
        let count = "SELECT count(*) AS number FROM pg_tables WHERE schemaname = 'public'";
        assert_eq!(ask(&database.url, count), Ok(0));

        let lingering = PgConnection::establish(&database.url).unwrap();
        let (name, everywhere) = (database.name.clone(), database.cluster.url("postgres"));
        drop(database);
        drop(lingering);
        let left = format!("SELECT count(*) AS number FROM pg_database WHERE datname = '{name}'");
        assert_eq!(ask(&everywhere, &left), Ok(0));
    }

    #[test]
    fn copies_of_a_template_do_not_see_each_other() {
        let Some(one) = NUMBERED.database() else {
            return;
        };
        let other = NUMBERED.database().unwrap();
        assert_eq!(
            ask(&one.url, "DELETE FROM numbers RETURNING number"),
            Ok(42)
        );
        assert_eq!(ask(&other.url, "SELECT number FROM numbers"), Ok(42));
        assert_eq!(
            ask(&one.url, "SELECT number FROM numbers"),
            Err(diesel::NotFound)
        );
    }

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let users = "root:x:0:0:root:/root:/bin/bash\npostgresql:x:7:8::/:\npostgres:x:103:112:,,,:/var:/bin/bash\n";
        assert_eq!(user_in(users, "postgres"), Some((103, 112)));
        assert_eq!(user_in(users, "post"), None);
    }
}
