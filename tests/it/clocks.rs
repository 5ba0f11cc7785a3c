//! The rules of metrics and clocks, told as timelines of one case and judged without a database.

mod answers;
mod changes;
mod corrections;
mod edits;
mod ladder;
mod pauses;
mod properties;
mod reopening;
mod slow;
mod story;
mod updates;
