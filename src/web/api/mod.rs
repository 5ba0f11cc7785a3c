//! The API, version 1, for programs.

pub mod calendar;
pub mod contract;
pub mod person;
pub mod token;
pub mod vendor;
