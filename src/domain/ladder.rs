//! Our escalation policy: ordered steps, each with a moment, an audience and a channel.

mod plan;
mod step;

pub use plan::{Acknowledged, Audience, Deed, Due, Generation, Past, Plan, Taken, plan};
pub use step::{Channel, Direction, Hold, Measured, Repeat, Step, TARGETS, Target, Until, When};
