//! Failures to order: whatever dies, nothing is lost and nothing is done twice.
//!
//! Some of these tests start the service as processes of their own, kill them, and then check the whole
//! history: see [`history`]. `REDRESS_TEST_SEED` repeats what a run chose at random.

mod child;
mod history;
mod house;
mod kills;
mod post;
mod traffic;
mod writes;
