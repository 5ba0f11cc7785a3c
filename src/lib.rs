//! Redress holds third-party vendors to the response times they signed.
//!
//! `docs/architecture.md` is the map: which layer may know what, and why.

pub mod actions;
pub mod cli;
pub mod domain;
pub mod error;
pub mod schema;
pub mod store;
pub mod time;
