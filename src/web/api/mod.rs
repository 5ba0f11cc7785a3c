//! The API, version 1, for programs.

pub mod person;
pub mod token;
