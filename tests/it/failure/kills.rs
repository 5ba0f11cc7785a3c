//! SIGKILL on SQLite at every point at which something is written.

use std::sync::atomic::{AtomicBool, Ordering};

use redress::evidence::verify::walk;
use redress::fault::POINTS;

use super::child::{Child, Doors, Order};
use super::history::{check, settles};
use super::house::{Chance, House, until};
use super::traffic::together;

/// What a fresh start does by itself; the others need people at work.
fn rank(point: &str) -> usize {
    let of_start = [
        "routine.made",
        "routine.committed",
        "anchor.made",
        "anchor.committed",
    ];
    of_start
        .iter()
        .position(|known| *known == point)
        .unwrap_or(of_start.len())
}

#[test]
fn a_service_killed_at_any_point_of_writing_goes_on_where_it_was() {
    let mut chance = Chance::of_this_run("killed at every point");
    let house = House::on_sqlite();
    let doors = Doors::closed(1);
    let over = AtomicBool::new(false);
    let mut points: Vec<&str> = POINTS.to_vec();
    points.sort_by_key(|point| rank(point));
    let mut nth = chance.branch();
    let answered = std::thread::scope(|scope| {
        let traffic = scope.spawn(|| {
            together(&house, &doors, &mut chance, 4, |caller| {
                while !over.load(Ordering::Relaxed) {
                    caller.raises();
                }
            })
        });
        for point in &points {
            let own = if point.starts_with("write.") || point.starts_with("letter.") {
                1 + nth.below(12)
            } else {
                1
            };
            let order = Order {
                fault: Some(format!("{point}:{own}")),
                ..Order::default()
            };
            // It may die before it listens.
            if let Ok(child) = Child::try_start(&house, &order) {
                doors.set(0, Some(child.url.clone()));
                until(&format!("the service dies at {point}:{own}"), || {
                    child.has_ended()
                });
                doors.set(0, None);
                assert_eq!(child.ends(), Some(128 + 9), "at {point}");
            }
            let walked = walk(&house.store(), None, |fault| {
                panic!("{fault} after {point}")
            });
            assert_eq!(walked.unwrap().faults, 0);
        }
        let last = Child::start(&house, &Order::default());
        doors.set(0, Some(last.url.clone()));
        over.store(true, Ordering::Relaxed);
        let answered = traffic.join().unwrap();
        settles(&house);
        last.stop();
        answered
    });
    let summary = check(&house, &answered, "SQLite, killed at each of the points");
    assert!(
        summary.doubles >= 1,
        "a letter that was sent and not settled comes twice"
    );
}
