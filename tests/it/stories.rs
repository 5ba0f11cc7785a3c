//! Stories in the trade's words, each on both databases.

mod ladders;
mod path;
mod policies;
