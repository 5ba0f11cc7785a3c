//! Messages to webhooks: what they say, how they are signed, where they may go, and how they get there.
//!
//! `message`, `body` and `signature` are pure. Only `outlet` talks to anyone.

pub mod body;
pub mod message;
pub mod network;
pub mod outlet;
pub mod signature;
