//! The API, version 1, for programs.

pub mod anchor;
pub mod breach;
pub mod calendar;
pub mod clock;
pub mod contract;
pub mod evidence;
pub mod explanation;
pub mod finding;
pub mod go_live;
pub mod incident;
pub mod letter;
pub mod person;
pub mod preview;
pub mod received;
pub mod refused_address;
pub mod rehearsal;
pub mod report;
pub mod rota;
pub mod schedule;
pub mod team;
pub mod token;
pub mod vendor;
pub mod webhook;
pub mod what_if;
