//! A primary that is lost, and the standby that takes its place.

use std::sync::atomic::{AtomicBool, Ordering};

use diesel::connection::SimpleConnection;
use diesel::sql_types::Bool;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, sql_query};

use super::child::{Child, Doors, Order};
use super::history::{check, settles};
use super::house::{Chance, House, pause, say, until};
use super::traffic::together;
use crate::support::or_leave_out;
use crate::support::postgres::{folder_of, free_port, server};

const PROGRAMS: [&str; 3] = ["postgres", "initdb", "pg_basebackup"];

/// `sh -c PRIMARY PROGRAMS PORT`: as an operator sets it up, apart from the syncing, since nobody pulls
/// the plug of this machine.
const PRIMARY: &str = r#"
"$0/initdb" -D data -U postgres --auth=trust -E UTF8 --locale=C --no-sync >initdb.log 2>&1 || { cat initdb.log; exit 1; }
exec "$0/postgres" -D data -p "$1" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
  -c fsync=off -c dynamic_shared_memory_type=mmap -c wal_level=replica -c max_wal_senders=4
"#;

/// `sh -c STANDBY PROGRAMS PORT PRIMARY`: a streaming copy of that primary.
const STANDBY: &str = r#"
"$0/pg_basebackup" -h 127.0.0.1 -p "$2" -U postgres -D data -R -X stream --no-sync -c fast >backup.log 2>&1 || { cat backup.log; exit 1; }
exec "$0/postgres" -D data -p "$1" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
  -c fsync=off -c dynamic_shared_memory_type=mmap
"#;

#[derive(QueryableByName)]
struct Is {
    #[diesel(sql_type = Bool)]
    so: bool,
}

fn url(port: u16) -> String {
    format!("postgres://postgres@127.0.0.1:{port}/postgres")
}

fn runs(port: u16, statements: &str) {
    let mut conn = PgConnection::establish(&url(port)).unwrap();
    conn.batch_execute(statements).unwrap();
}

fn is_so(port: u16, question: &str) -> bool {
    let Ok(mut conn) = PgConnection::establish(&url(port)) else {
        return false;
    };
    let question = format!("SELECT ({question}) AS so");
    sql_query(question)
        .get_result::<Is>(&mut conn)
        .is_ok_and(|is| is.so)
}

#[test]
fn a_promoted_standby_has_everything_that_was_answered() {
    let Some(programs) = or_leave_out("postgres", folder_of(&PROGRAMS)) else {
        return;
    };
    let mut chance = Chance::of_this_run("failover");
    let (first, second) = (free_port().unwrap(), free_port().unwrap());
    let [one, two] = [first.to_string(), second.to_string()];
    let primary = server(&programs, PRIMARY, &[&one], "ready to accept connections").unwrap();
    let _standby = server(
        &programs,
        STANDBY,
        &[&two, &one],
        "ready to accept read-only connections",
    )
    .unwrap();
    // After the copy was taken, so that the copy does not wait for one of its own once it is promoted.
    runs(first, "ALTER SYSTEM SET synchronous_standby_names = '*'");
    runs(first, "SELECT pg_reload_conf()");
    until("the standby is synchronous", || {
        is_so(
            first,
            "SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'",
        )
    });
    let house = House::on_postgres(&format!(
        "postgres://postgres@127.0.0.1:{first},127.0.0.1:{second}/postgres?target_session_attrs=read-write"
    ));
    let doors = Doors::closed(2);
    let over = AtomicBool::new(false);
    let mut callers = chance.branch();
    let answered = std::thread::scope(|scope| {
        let traffic = scope.spawn(|| {
            together(&house, &doors, &mut callers, 4, |caller| {
                while !over.load(Ordering::Relaxed) {
                    caller.raises();
                }
            })
        });
        let nodes: Vec<Child> = (0..2)
            .map(|_| Child::start(&house, &Order::default()))
            .collect();
        for (number, node) in nodes.iter().enumerate() {
            doors.set(number, Some(node.url.clone()));
        }
        let raised = |port: u16, least: usize| {
            until(&format!("{least} incidents were raised"), || {
                is_so(port, &format!("SELECT count(*) >= {least} FROM incidents"))
            });
        };
        raised(first, 40 + usize::try_from(chance.below(20)).unwrap());
        // At once, as when its machine is lost.
        drop(primary);
        (0..chance.below(20)).for_each(|_| pause());
        runs(second, "SELECT pg_promote()");
        say("the primary was lost and the standby promoted");
        raised(second, 120);
        over.store(true, Ordering::Relaxed);
        let answered = traffic.join().unwrap();
        settles(&house);
        assert!(
            nodes.iter().all(|node| !node.has_ended()),
            "a service gave up"
        );
        nodes.into_iter().for_each(Child::stop);
        answered
    });
    check(&house, &answered, "failover to a promoted standby");
}
