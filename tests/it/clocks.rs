//! The rules of metrics and clocks, told as timelines of one case and judged without a database.

mod amounts;
mod answers;
mod causes;
mod changes;
mod confirmations;
mod corrections;
mod edits;
mod explanation;
mod ladder;
mod missing;
mod pauses;
mod properties;
mod reopening;
mod slow;
mod story;
mod updates;
