//! Three services on one PostgreSQL, killed and cut off again and again.

use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::sql_types::Integer;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, sql_query};

use super::child::{Child, Doors, Order};
use super::history::{check, settles};
use super::house::{Chance, House, clocks, pause, say};
use super::traffic::together;
use crate::support::postgres;

const NODES: usize = 3;
const CALLERS: usize = 6;
/// At least, however fast the incidents are raised.
const DEATHS: usize = 6;
const CUTS: usize = 4;

#[derive(QueryableByName)]
struct Backend {
    #[diesel(sql_type = Integer)]
    pid: i32,
}

/// Cuts about a third of the connections of the services; gives how many.
fn cuts(url: &str, chance: &mut Chance) -> usize {
    let mut conn = PgConnection::establish(url).unwrap();
    let all = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let backends: Vec<Backend> = sql_query(all).load(&mut conn).unwrap();
    let mut cut = 0;
    for Backend { pid } in backends {
        if chance.below(3) == 0 {
            sql_query(format!("SELECT pg_terminate_backend({pid})"))
                .execute(&mut conn)
                .unwrap();
            cut += 1;
        }
    }
    cut
}

#[test]
fn three_services_on_one_postgres_share_the_work_whichever_of_them_dies() {
    let Some(database) = postgres::database() else {
        return;
    };
    let mut chance = Chance::of_this_run("three services on one PostgreSQL");
    let house = House::on_postgres(&database.url);
    let doors = Doors::closed(NODES);
    // Each incident has two clocks.
    let left = AtomicUsize::new(clocks() / 2);
    let take = |left: usize| left.checked_sub(1);
    let mut callers = chance.branch();
    let (mut deaths, mut cut) = (0, 0);
    let answered = std::thread::scope(|scope| {
        let traffic = scope.spawn(|| {
            together(&house, &doors, &mut callers, CALLERS, |caller| {
                while left
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
                    .is_ok()
                {
                    caller.raises();
                }
            })
        });
        let start = |number: usize| {
            let node = Child::start(&house, &Order::default());
            doors.set(number, Some(node.url.clone()));
            node
        };
        let mut nodes: Vec<Child> = (0..NODES).map(start).collect();
        let mut cuts_made = 0;
        while !traffic.is_finished() || deaths < DEATHS || cuts_made < CUTS {
            (0..chance.below(100)).for_each(|_| pause());
            if chance.below(5) < 2 {
                cut += cuts(&database.url, &mut chance);
                cuts_made += 1;
                continue;
            }
            let number = usize::try_from(chance.below(NODES as u64)).unwrap();
            doors.set(number, None);
            nodes.swap_remove(number).kill();
            deaths += 1;
            nodes.push(start(number));
            // The one that took its place in the list took its door as well.
            nodes.swap(number, NODES - 1);
        }
        let answered = traffic.join().unwrap();
        settles(&house);
        nodes.into_iter().for_each(Child::stop);
        answered
    });
    say(&format!(
        "{deaths} services were killed, {cut} connections cut"
    ));
    check(&house, &answered, "three services on one PostgreSQL");
}
