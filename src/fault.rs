//! Places at which a test may end the process, by name: what is written must survive it there.
//!
//! Without the feature `fault-points`, as in every build that is not for tests, a point is nothing.
//! With it, `REDRESS_FAULT=name:nth` ends the process with SIGKILL when it passes that point for the
//! nth time.

/// Every point, as the code names them.
pub const POINTS: &[&str] = &[
    "write.begun",
    "write.done",
    "write.before-commit",
    "write.committed",
    "tick.read",
    "tick.judged",
    "tick.committed",
    "letter.leased",
    "letter.before-sending",
    "letter.sent",
    "letter.settled",
    "routine.made",
    "routine.committed",
    "anchor.made",
    "anchor.committed",
];

/// Passes the point of that name.
#[cfg(not(feature = "fault-points"))]
#[inline(always)]
pub fn point(_name: &str) {}

#[cfg(feature = "fault-points")]
pub use ordered::point;

#[cfg(feature = "fault-points")]
mod ordered {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::POINTS;

    struct Order {
        name: String,
        nth: u64,
        passed: AtomicU64,
    }

    static ORDER: LazyLock<Option<Order>> =
        LazyLock::new(|| Some(read(&std::env::var("REDRESS_FAULT").ok()?)));

    /// A fault that is ordered wrongly would be a test that passes without one.
    fn read(order: &str) -> Order {
        let read = order.rsplit_once(':').and_then(|(name, nth)| {
            let nth = nth.parse().ok().filter(|nth| *nth > 0)?;
            POINTS.contains(&name).then(|| Order {
                name: name.to_string(),
                nth,
                passed: AtomicU64::new(0),
            })
        });
        read.unwrap_or_else(|| panic!("REDRESS_FAULT={order} names no point with a count"))
    }

    /// Passes the point of that name; the process ends here if that was ordered.
    pub fn point(name: &str) {
        debug_assert!(POINTS.contains(&name), "{name} is not in the list");
        let Some(order) = ORDER.as_ref().filter(|order| order.name == name) else {
            return;
        };
        if order.passed.fetch_add(1, Ordering::SeqCst) + 1 == order.nth {
            // Nothing can be done about a signal that is not taken, and nothing may be done after it.
            let _ = rustix::process::kill_process(
                rustix::process::getpid(),
                rustix::process::Signal::KILL,
            );
            loop {
                std::thread::park();
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn an_order_names_a_point_and_a_count() {
            let order = read("write.committed:3");
            assert_eq!((order.name.as_str(), order.nth), ("write.committed", 3));
            for wrong in ["write.committed", "write.committed:0", "elsewhere:1", ""] {
                assert!(std::panic::catch_unwind(|| read(wrong)).is_err(), "{wrong}");
            }
        }
    }
}
