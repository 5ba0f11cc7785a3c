//! What follows, collected for several incidents and written in a few statements.

use crate::domain::clock::{ClockRow, OutcomeRow};
use crate::error::Result;
use crate::store::audit::Note;
use crate::store::clock::{StepRow, Timer};
use crate::store::letter::NewLetter;
use crate::store::{self, Tx};

/// Rows to be written.
#[derive(Default)]
pub(super) struct Written {
    /// Clocks that have a row already.
    pub(super) clocks: Vec<ClockRow>,
    pub(super) outcomes: Vec<OutcomeRow>,
    pub(super) steps: Vec<StepRow>,
    pub(super) timers: Vec<Timer>,
    pub(super) notes: Vec<Note>,
    pub(super) letters: Vec<NewLetter>,
}

impl Written {
    /// Writes all of it; gives how many letters were new.
    pub(super) fn write(self, tx: &mut Tx<'_>) -> Result<u32> {
        store::clock::keep(tx, &self.clocks)?;
        store::clock::keep_outcomes(tx, &self.outcomes)?;
        store::clock::take_steps(tx, &self.steps)?;
        store::clock::keep_timers(tx, &self.timers)?;
        tx.record_all(&self.notes)?;
        store::letter::queue(tx, &self.letters)
    }

    /// Queues the letters so far, for those who ask the outbox whom it has; gives how many were new.
    pub(super) fn queue_letters(&mut self, tx: &mut Tx<'_>) -> Result<u32> {
        store::letter::queue(tx, &std::mem::take(&mut self.letters))
    }
}
