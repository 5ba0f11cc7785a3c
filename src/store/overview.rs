//! Figures for the frame round every page.

use diesel::prelude::*;

use super::Conn;
use crate::domain::letter::LetterState;
use crate::domain::words::ClockState;
use crate::error::Result;
use crate::schema::{clocks, letters};

/// What waits for somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// Clocks that have passed their deadline and still run.
    pub past_due: i64,
    /// Letters that could not be delivered.
    pub undelivered: i64,
}

/// What waits for somebody at present.
///
/// # Errors
/// When the database does not answer.
pub fn overview(conn: &mut Conn) -> Result<Overview> {
    let past_due = clocks::table
        .filter(clocks::state.eq_any([ClockState::Running, ClockState::Paused]))
        .filter(clocks::breached_at.is_not_null())
        .count()
        .get_result(conn)?;
    let undelivered = letters::table
        .filter(letters::state.eq(LetterState::Failed))
        .count()
        .get_result(conn)?;
    Ok(Overview {
        past_due,
        undelivered,
    })
}
