//! What people may do: one function for each deed, called inside [`crate::store::Store::write`].
//!
//! An action decides with `domain`, keeps with `store` and notes what it did; it knows no request.

pub mod calendar;
pub mod contract;
pub mod erasure;
pub mod evidence;
pub mod go_live;
pub mod incident;
mod ladder;
pub mod letter;
pub mod link;
pub mod person;
pub mod received;
pub mod refused_address;
pub mod rota;
pub mod schedule;
pub mod session;
pub mod team;
pub mod token;
pub mod vendor;
pub mod webhook;
