//! Failures to order: whatever dies, nothing is lost and nothing is done twice.
//!
//! Some of these tests start the service as processes of their own, kill them, and then check the whole
//! history: see [`history`]. Each prints a line of what it found, past libtest's capture.
//!
//! `REDRESS_TEST_CLOCKS` is how many clocks the large ones raise (1,000 unless it is set).
//! `REDRESS_TEST_SEED` repeats what a run chose at random; every run says its own. What needs PostgreSQL, `prlimit` or the right to mount is left out loudly where that is missing;
//! `REDRESS_TEST_REQUIRE=postgres,prlimit,mounts` makes that a failure.

mod child;
mod cut;
mod disk;
mod failover;
mod history;
mod house;
mod kills;
mod nodes;
mod post;
mod proxy;
mod race;
mod traffic;
mod writes;
