//! Why a clock stands as it does: what led to its due moment, line by line.
//!
//! The walk that judges a clock is done once more and notes what changed how it counts; between those
//! moments the calendar is read again date by date, and not by the sums that the judgement uses. So
//! the lines add up to the judgement's figures only if both are right: [`Explanation::check`].

mod check;
mod fold;
mod lay;
mod line;
mod marks;

pub use fold::{Alike, Closed, Row};
pub use line::{Ground, Line, NoDay, Part, SeverityTurn, Shut, StopGround, What};

use chrono_tz::Tz;

use super::super::CaseId;
use super::super::calendar::CalendarError;
use super::super::calendar_book::CalendarBook;
use super::super::terms::Promise;
use super::super::timeline::Fact;
use super::super::words::{ClockState, EventKind, Metric};
use super::confirm::Confirmations;
use super::walk::{self, Effect, Note, Turn};
use super::{Clock, Lap, Verdict, amount, facts_until};
use crate::time::{Micros, Moment, SECOND};
use lay::{Layer, Pause};

/// A clock with all that is needed to explain any of its laps.
pub struct Explained<'a> {
    /// The clock as it is judged at that moment.
    pub clock: Clock,
    notes: Vec<Note>,
    facts: Vec<&'a Fact>,
    /// What would have stopped the clock, had it not been rejected.
    rejected: Vec<&'a Fact>,
    promise: &'a Promise,
    book: &'a CalendarBook,
    now: Moment,
}

/// What led to the due moment of one lap, and beyond it to the stop.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// What is measured.
    pub metric: Metric,
    /// How the clock stands.
    pub state: ClockState,
    /// The lap as it was judged.
    pub lap: Lap,
    /// The name of the calendar that its time counts in.
    pub calendar: String,
    /// The zone of that calendar.
    pub zone: Tz,
    /// The moment at which all this is so.
    pub as_of: Moment,
    /// Whether the clock was cancelled as never having been.
    pub is_void: bool,
    /// What happened, in order; together the stretches leave nothing out.
    pub lines: Vec<Line>,
}

/// Explains the clock of one metric of a case as it stands at `now`; nothing where it has no clock.
///
/// `facts` are those of the whole incident in their order.
///
/// # Errors
/// When a calendar has no open time within its horizon.
pub fn explain<'a>(
    case: CaseId,
    metric: Metric,
    promise: &'a Promise,
    facts: &'a [Fact],
    book: &'a CalendarBook,
    now: Moment,
) -> Result<Option<Explained<'a>>, CalendarError> {
    let all = facts_until(case, facts, now);
    let (clock, notes, facts) = match metric {
        Metric::DataLoss => {
            let clock = amount::data_loss(promise, &all, book);
            (clock, Vec::new(), all.clone())
        }
        _ => {
            let facts = Confirmations::of(promise, &all, book)?
                .counting(metric, &all)
                .into_owned();
            let edits = walk::Edits::of(promise, book);
            match walk::traced(metric, promise, &facts, book, &edits, now)? {
                Some((clock, notes)) => (Some(clock), notes, facts),
                None => (None, Vec::new(), facts),
            }
        }
    };
    let rejected = all
        .iter()
        .filter(|fact| walk::answers(metric, fact.kind))
        .filter(|fact| !facts.iter().any(|counts| counts.seq == fact.seq))
        .copied()
        .collect();
    Ok(clock.map(|clock| Explained {
        clock,
        notes,
        facts,
        rejected,
        promise,
        book,
        now,
    }))
}

/// A stretch that is counted under one commitment.
struct Stage<'l> {
    lap: &'l Lap,
    from: Moment,
    to: Moment,
}

/// How a lap came to be counted as it is: under earlier commitments, under none, and as it stands.
enum Piece<'l> {
    Counted(Stage<'l>),
    Idle(Moment, Moment),
}

impl Explained<'_> {
    /// Explains one lap; nothing where the clock has no such lap.
    ///
    /// # Errors
    /// When the moments lie outside the calendar's years.
    pub fn lap(&self, run: i32, interval: i32) -> Result<Option<Explanation>, CalendarError> {
        let lap = self
            .clock
            .laps
            .iter()
            .find(|lap| (lap.run, lap.interval) == (run, interval));
        lap.map(|lap| self.of(lap)).transpose()
    }

    /// Explains the lap that stands on the board.
    ///
    /// # Errors
    /// As [`Explained::lap`].
    pub fn current(&self) -> Result<Explanation, CalendarError> {
        self.of(self.clock.current())
    }

    fn of(&self, lap: &Lap) -> Result<Explanation, CalendarError> {
        let lines = if self.waits(lap) {
            self.waiting(lap)
        } else if self.clock.metric == Metric::DataLoss {
            self.measured(lap)
        } else {
            self.counted(lap)?
        };
        let calendar = lap.commitment.calendar_id;
        Ok(Explanation {
            metric: self.clock.metric,
            state: self.clock.state,
            lap: lap.clone(),
            calendar: self.book.name(calendar).to_string(),
            zone: lap.track.calendar.zone(),
            as_of: self.now,
            is_void: self.is_void(),
            lines,
        })
    }

    /// Whether nothing was counted yet: what the lap starts with has not happened.
    fn waits(&self, lap: &Lap) -> bool {
        let over = lap.stopped_at.or(lap.ended_at).is_some();
        let state = self.clock.state;
        matches!(state, ClockState::Pending | ClockState::Cancelled)
            && !over
            && std::ptr::eq(lap, self.clock.current())
    }

    fn waiting(&self, lap: &Lap) -> Vec<Line> {
        let cancelled = self
            .facts
            .iter()
            .find(|fact| fact.kind == EventKind::Cancelled);
        let cancelled = cancelled.map(|fact| (fact.at, What::Cancelled(fact.seq, fact.void)));
        [(lap.started_at, What::Waits)]
            .into_iter()
            .chain(cancelled)
            .map(|(at, what)| Line::said(at, what, lap))
            .collect()
    }

    /// An amount is measured once, and no time is counted for it.
    fn measured(&self, lap: &Lap) -> Vec<Line> {
        let said = |fact: &&&Fact| {
            fact.kind == EventKind::DataLoss && lap.stopped_at.is_some_and(|at| fact.at <= at)
        };
        let measured = self.facts.iter().find(said).and_then(|fact| {
            let lost = fact.seconds?.saturating_mul(SECOND);
            Some(Line::said(fact.at, What::Measured(fact.seq, lost), lap))
        });
        let ended = self
            .facts
            .iter()
            .find(|fact| fact.kind == EventKind::Cancelled);
        let ended =
            ended.map(|fact| Line::said(fact.at, What::Cancelled(fact.seq, fact.void), lap));
        let reported = What::Started(self.began_by(lap));
        [Line::said(lap.started_at, reported, lap)]
            .into_iter()
            .chain(measured)
            .chain(ended)
            .collect()
    }

    fn counted(&self, lap: &Lap) -> Result<Vec<Line>, CalendarError> {
        let last = self.last_moment(lap);
        let pieces = self.pieces(lap, last);
        let base = match pieces.last() {
            Some(Piece::Counted(stage)) => stage.from,
            _ => lap.started_at,
        };
        let pauses = self.pauses();
        let marks = self.marks(lap, base, last, &pauses)?;
        let mut layer = Layer::new(lap, &marks, &pauses);
        for piece in pieces {
            match piece {
                Piece::Counted(stage) => {
                    layer.count(
                        stage.lap,
                        stage.from,
                        stage.to,
                        std::ptr::eq(stage.lap, lap),
                    )?;
                }
                Piece::Idle(from, to) => layer.idle(from, to),
            }
        }
        Ok(layer.finish())
    }

    fn is_void(&self) -> bool {
        self.notes
            .iter()
            .any(|note| matches!(note.turn, Turn::Cancelled { void: true }))
    }

    /// Up to where there is something to say: the due moment, and the stop where that came later.
    fn last_moment(&self, lap: &Lap) -> Moment {
        let over = lap.stopped_at.or(lap.ended_at);
        let last = match due(lap) {
            Some(due) if lap.breached_at.is_some() => over.unwrap_or(self.now).max(due),
            Some(due) => due.max(over.unwrap_or(due)),
            None => over.unwrap_or(self.now),
        };
        last.max(lap.started_at)
    }

    /// The notes about that lap alone, since it began.
    fn notes_of(&self, lap: &Lap) -> impl Iterator<Item = &Note> {
        let key = (lap.run, lap.interval);
        let is_its = move |note: &&Note| (note.run, note.interval) == key;
        let begun = |note: &Note| is_its(&note) && matches!(note.turn, Turn::Begun);
        let from = self.notes.iter().rposition(begun).unwrap_or(0);
        self.notes[from..].iter().filter(is_its)
    }

    fn pieces<'l>(&'l self, lap: &'l Lap, last: Moment) -> Vec<Piece<'l>> {
        let mut pieces = Vec::new();
        let mut from = lap.started_at;
        let mut fell_away: Option<Moment> = None;
        for note in self.notes_of(lap) {
            let Turn::Severity { effect, before, .. } = &note.turn else {
                continue;
            };
            match effect {
                Effect::Kept => {}
                Effect::NoCommitment => {
                    fell_away = fell_away.or(Some(note.at).filter(|_| before.is_some()));
                }
                Effect::FromStart => {
                    pieces.clear();
                    (from, fell_away) = (lap.started_at, None);
                }
                Effect::FromChange | Effect::Carried(_) | Effect::Fresh => {
                    let counted_to = match before {
                        Some(_) => fell_away.unwrap_or(note.at),
                        None => from,
                    };
                    if let Some(before) = before.as_deref().filter(|_| from < counted_to) {
                        pieces.push(Piece::Counted(Stage {
                            lap: before,
                            from,
                            to: counted_to,
                        }));
                    }
                    if counted_to < note.at {
                        pieces.push(Piece::Idle(counted_to, note.at));
                    }
                    (from, fell_away) = (note.at, None);
                }
            }
        }
        pieces.push(Piece::Counted(Stage {
            lap,
            from,
            to: last.max(from),
        }));
        pieces
    }

    /// What held the clock, in whatever lap it began.
    fn pauses(&self) -> Vec<Pause<'_>> {
        let mut pauses: Vec<Pause<'_>> = Vec::new();
        for note in &self.notes {
            let seq = note.seq.unwrap_or_default();
            match &note.turn {
                Turn::Held { stop, agreed } => {
                    let Some(stop) = self.promise.clock_stop(stop) else {
                        continue;
                    };
                    pauses.push(Pause {
                        from: note.at,
                        to: None,
                        ended_by: None,
                        ground: Ground::Stop(StopGround {
                            seq,
                            code: stop.code.clone(),
                            name: stop.name.clone(),
                            clause: stop.clause.clone(),
                            agreed: *agreed,
                        }),
                        stop: Some(stop),
                    });
                }
                Turn::Released { stop } => {
                    let open = pauses.iter_mut().rev().find(|pause| {
                        pause.to.is_none() && pause.stop.is_some_and(|known| known.code == *stop)
                    });
                    if let Some(pause) = open {
                        (pause.to, pause.ended_by) = (Some(note.at), Some(seq));
                    }
                }
                Turn::Reopened { stopped, .. } => pauses.push(Pause {
                    from: *stopped,
                    to: Some(note.at),
                    ended_by: Some(seq),
                    ground: Ground::Gap { reopened: seq },
                    stop: None,
                }),
                _ => {}
            }
        }
        pauses
    }
}

/// The due moment, unless the lap was over, without being stopped, before that was certain.
fn due(lap: &Lap) -> Option<Moment> {
    let over = lap.verdict.is_none() && lap.stopped_at.is_none() && lap.ended_at.is_some();
    lap.due_at.filter(|_| !over)
}

impl Explanation {
    /// When the lap falls due, as far as its lines tell.
    pub fn due(&self) -> Option<Moment> {
        due(&self.lap)
    }

    /// Open time beyond the deadline that nothing held, by the lines.
    pub fn late(&self) -> Option<Micros> {
        self.lines.iter().rev().find_map(|line| line.late)
    }

    /// Whether the lap was kept, missed, or is not decided yet.
    pub fn verdict(&self) -> Option<Verdict> {
        self.lap.verdict
    }
}
