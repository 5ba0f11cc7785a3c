//! Redress holds third-party vendors to the response times they signed.
//!
//! `docs/architecture.md` is the map: which layer may know what, and why.

pub mod actions;
pub mod cli;
pub mod config;
pub mod consequence;
pub mod demo;
pub mod domain;
pub mod engine;
pub mod error;
pub mod evidence;
pub mod fault;
pub mod health;
pub mod hook;
pub mod logging;
pub mod machine;
pub mod mail;
pub mod metrics;
pub mod postbox;
pub mod report;
pub mod schema;
pub mod secret;
pub mod simulate;
pub mod store;
pub mod time;
pub mod trust;
pub mod web;

/// Consequences are drawn from very many small pieces, which the C library's allocator gives and takes
/// back at a measurable part of the whole cost; measured with `benches/engine.rs`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
