//! What is true and what follows from it.
//!
//! Everything here is given the facts and the moment and touches nothing: no connection, no
//! request, no mail transport, no machine time. The words are those of the glossary
//! (`docs/glossary.md`).

#[macro_use]
mod text_enum;
#[macro_use]
mod ladder_name;
mod ids;

pub mod anchor;
pub mod attainment;
pub mod breach;
pub mod calendar;
pub mod calendar_book;
pub mod calendar_entry;
pub mod clock;
pub mod contract;
pub mod duration;
pub mod erasure;
pub mod evidence;
pub mod example;
pub mod finding;
pub mod go_live;
pub mod incident;
pub mod input;
pub mod ladder;
pub mod ladder_warning;
pub mod letter;
pub mod link;
pub mod locale;
pub mod outbox;
pub mod period;
pub mod person;
pub mod reading;
pub mod received;
pub mod refused_address;
pub mod rota;
pub mod schedule;
pub mod team;
pub mod terms;
pub mod terms_input;
pub mod timeline;
pub mod vendor;
pub mod webhook;
pub mod words;
pub mod zone;

pub use ids::*;
