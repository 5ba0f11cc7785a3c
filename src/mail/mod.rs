//! Letters: what they say, how they become messages, how they leave the house, and how what comes back is read.
//!
//! `letters`, `message` and `inbound` are pure. Only `outlet` and `mailbox` talk
//! to anyone.

pub mod brief;
pub mod explanation;
pub mod inbound;
pub mod letters;
pub mod links;
pub mod mailbox;
pub mod message;
pub mod outlet;
pub mod samples;
pub mod templates;
pub mod wording;
