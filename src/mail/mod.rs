//! Letters: what they say, how they become messages, and how they leave the house.
//!
//! `letters` and `message` are pure. Only `outlet` talks to anyone.

pub mod brief;
pub mod explanation;
pub mod letters;
pub mod links;
pub mod message;
pub mod outlet;
pub mod samples;
pub mod templates;
pub mod wording;
