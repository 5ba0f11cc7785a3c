//! The command line.

pub mod calendar;
