//! What stands up in a dispute: the chains checked, and what is handed over to be checked by others.

pub mod bundle;
pub mod verify;
