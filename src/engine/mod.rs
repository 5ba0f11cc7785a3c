//! What time may do: one function for each deed, each a transaction.

pub mod tick;
