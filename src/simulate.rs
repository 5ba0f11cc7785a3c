//! Scenarios played against virtual time: what would happen, without waiting for it.
//!
//! Nothing here imitates the service. A scenario is entered into a throw-away database through the same
//! readers and actions as the API, the same engine runs at every moment at which something is due, and
//! the same letters are written; only the clock is moved by hand and the letters stay in memory. A
//! rehearsal plays an incident of a contract that is entered already, on a copy of all it depends on.

mod copy;
mod ground;
mod happening;
mod incident;
mod later;
mod named;
mod names;
mod player;
mod rehearsal;
mod scenario;
mod setup;
mod stage;

pub use happening::{
    BreachLine, BreachSummary, ClockLine, ClockSummary, Happening, IncidentSummary, LetterLine,
    RoutineLine, StepLine, Summary, What, WithdrawnLine,
};
pub use rehearsal::{Rehearsal, RehearsedClock, RehearsedLetter, RehearsedStep, rehearse};
pub use scenario::Scenario;

use crate::error::Result;
use crate::mail::templates::Templates;
use ground::Ground;
use player::Player;
use stage::Stage;

/// Where links in the letters of a scenario lead.
const PUBLIC_URL: &str = "https://redress.example.com";

/// Moments at which a scenario may be stopped, so that a mistyped interval ends with a sentence.
pub const MOST_ROUNDS: u64 = 200_000;

/// Plays a scenario and tells what happens as it happens; the last thing told is the summary.
///
/// `bytes` are the scenario's JSON, as `docs/simulate.md` describes it. At most `rounds` moments are
/// stopped at.
///
/// # Errors
/// Every fault of the scenario at its path, before anything is told. An event that is refused while the
/// scenario is played, at its path; what happened before it has been told then. What `say` gives.
pub async fn play(
    bytes: &[u8],
    rounds: u64,
    say: &mut (dyn FnMut(Happening) -> Result<()> + Send),
) -> Result<()> {
    let (scenario, mut faults) = Scenario::read(bytes)?;
    let ground = Ground::at(scenario.begins, PUBLIC_URL, &Templates::default())?;
    let entered = setup::enter(&ground, &scenario, &mut faults)?;
    if !faults.is_empty() {
        return Err(faults.into_vec().into());
    }
    let stage = Stage::new(&ground, rounds, say);
    let (contracts, later) = (&entered.contracts, &entered.later);
    let mut player = Player::new(stage, &scenario.incidents, contracts, later);
    player.play(scenario.ends).await?;
    if scenario.ends_early {
        player.stage.run_out(scenario.ends).await?;
    } else {
        player.stage.finish_at(scenario.ends).await?;
    }
    let summary = player.summary()?;
    player.stage.say(What::Summary(summary))
}
