//! Whether the lines of an explanation add up to what the judgement found.

use super::super::super::terms::Target;
use super::super::super::words::Metric;
use super::super::{Effect, Lap, Verdict};
use super::Explanation;
use super::line::{Line, Part, What};
use crate::time::{Micros, Moment};

impl Explanation {
    /// Compares the lines with the lap as it was judged: that they leave nothing out and count nothing
    /// twice, that their sum is the budget at the due moment and what is said to be used at the moment
    /// it is said of, and that they end where the judgement ends.
    ///
    /// # Errors
    /// What does not agree.
    pub fn check(&self, lap: &Lap) -> Result<(), String> {
        match self.lines.first().map(|line| &line.what) {
            Some(What::Waits) => return self.check_waiting(lap),
            _ if self.metric == Metric::DataLoss => return self.check_measured(lap),
            _ => {}
        }
        self.check_order(lap)?;
        self.check_sums(lap)?;
        self.check_due(lap)?;
        self.check_spent(lap)?;
        self.check_late(lap)?;
        self.check_days(lap)
    }

    fn check_waiting(&self, lap: &Lap) -> Result<(), String> {
        agree("what is used while it waits", lap.spent, 0)?;
        agree("the due moment", None, lap.due_at)?;
        agree("the stop", None, lap.stopped_at)
    }

    fn check_measured(&self, lap: &Lap) -> Result<(), String> {
        let measured = self.lines.iter().find_map(|line| match line.what {
            What::Measured(_, lost) => Some((line.from, lost)),
            _ => None,
        });
        agree(
            "the measurement",
            measured,
            lap.stopped_at.map(|at| (at, lap.spent)),
        )?;
        let too_much = measured.is_some_and(|(_, lost)| lost > lap.budget) && !self.is_void;
        agree("a breach", lap.breached_at.is_some(), too_much)
    }

    fn check_order(&self, lap: &Lap) -> Result<(), String> {
        let starts = |line: &&Line| matches!(line.what, What::Started(_));
        let first = self.lines.first().filter(starts).map(|line| line.from);
        agree("the start", first, Some(lap.started_at))?;
        let over = lap.stopped_at.or(lap.ended_at).unwrap_or(self.as_of);
        let says = |line: &&Line| match line.what {
            What::Stopped(_) => lap.stopped_at.is_some(),
            What::Now(_) => lap.stopped_at.is_none() && lap.ended_at.is_none(),
            What::Cancelled(..) | What::Severity(_) | What::Followed => lap.stopped_at.is_none(),
            _ => false,
        };
        let last = self
            .lines
            .iter()
            .filter(says)
            .find(|line| line.from == over);
        agree("the stop", last.map(|line| line.from), Some(over))?;
        let mut cursor = lap.started_at;
        for line in &self.lines {
            agree("the beginning of a line", line.from, cursor)?;
            if line.is_stretch() == (line.to <= line.from) {
                return Err(format!("{line:?} has no right length"));
            }
            if let What::Held(_, grounds) = &line.what
                && grounds.is_empty()
            {
                return Err(format!("nothing holds {line:?}"));
            }
            cursor = line.to;
        }
        let end = [self.due(), lap.stopped_at, lap.ended_at];
        let open = lap.stopped_at.is_none() && lap.ended_at.is_none();
        let to_now = open && (lap.breached_at.is_some() || self.due().is_none());
        let end = end.into_iter().flatten().max();
        let end = if to_now { Some(self.as_of) } else { end };
        agree("the end of the lines", Some(cursor), end)
    }

    fn check_sums(&self, lap: &Lap) -> Result<(), String> {
        let mut total = lap.track.carried;
        for line in &self.lines {
            let counted = match line.what {
                What::Open(_) => line.to - line.from,
                _ => 0,
            };
            agree("what a line counts", line.counted, counted)?;
            if line.part != Part::Earlier {
                total += counted;
                agree("a running total", line.total, total)?;
            }
        }
        self.check_earlier()
    }

    /// What was counted under an earlier commitment is what the change that ended it says was used.
    fn check_earlier(&self) -> Result<(), String> {
        let mut before: Option<&Line> = None;
        for line in &self.lines {
            if let What::Severity(turn) = &line.what {
                // Others do not end a count: one from the start is counted anew across the change.
                let ends = matches!(
                    turn.effect,
                    Effect::FromChange | Effect::Carried(_) | Effect::Fresh
                );
                if let (true, Some(before), Some((used, _))) = (ends, before, turn.used) {
                    agree("what was used before a change", before.total, used)?;
                }
                if ends {
                    before = None;
                }
            } else if line.part == Part::Earlier && line.is_stretch() && line.what != What::Idle {
                if let Some(before) = before {
                    agree("a total", line.total, before.total + line.counted)?;
                }
                before = Some(line);
            }
        }
        Ok(())
    }

    fn check_due(&self, lap: &Lap) -> Result<(), String> {
        let mut dues = self
            .lines
            .iter()
            .filter(|line| matches!(line.what, What::Due { .. }));
        let due = dues.next();
        agree("the due moment", due.map(|line| line.from), self.due())?;
        agree("further due moments", dues.count(), 0)?;
        let Some(line) = due else {
            return Ok(());
        };
        agree("the budget", line.budget, lap.budget)?;
        let What::Due { floor, .. } = line.what else {
            return Ok(());
        };
        match floor {
            None => agree("the sum at the due moment", line.total, lap.budget)?,
            Some(edit) if edit <= line.from && line.total >= lap.budget => {}
            Some(_) => return Err(format!("no edit explains {line:?}")),
        }
        let last = self.lines.iter().rfind(|line| line.part != Part::Late);
        match last {
            Some(last) if std::ptr::eq(last, line) => Ok(()),
            last => Err(format!("after the due moment comes {last:?}")),
        }
    }

    fn check_spent(&self, lap: &Lap) -> Result<(), String> {
        let missed_update = self.metric == Metric::Update && lap.breached_at.is_some();
        if self.is_void && self.metric == Metric::Update {
            // What was never an incident has no deadline any more up to which it was counted.
            return Ok(());
        }
        if missed_update {
            return agree("what a missed interval used", lap.spent, lap.budget);
        }
        let judged_at = lap.stopped_at.or(lap.ended_at).unwrap_or(self.as_of);
        agree(
            "what is used",
            Some(lap.spent),
            self.total_at(judged_at, lap),
        )
    }

    fn total_at(&self, at: Moment, lap: &Lap) -> Option<Micros> {
        let counts = |line: &&Line| line.part != Part::Earlier && line.to <= at;
        let line = self.lines.iter().rfind(counts);
        line.map(|line| line.total)
            .or_else(|| (lap.track.base >= at).then_some(lap.track.carried))
    }

    fn check_late(&self, lap: &Lap) -> Result<(), String> {
        let late = lap.late_open().map_err(|error| error.to_string())?;
        match late {
            Some(late) => agree("how late it is", self.late().unwrap_or(0), late),
            None => Ok(()),
        }
    }

    fn check_days(&self, lap: &Lap) -> Result<(), String> {
        let numbers: Vec<u32> = self
            .lines
            .iter()
            .filter_map(|line| match line.what {
                What::BusinessDay(number, _) => Some(number),
                _ => None,
            })
            .collect();
        let expected: Vec<u32> = (0..).take(numbers.len()).collect();
        agree("the numbers of the business days", &numbers, &expected)?;
        let Target::BusinessDays { days, .. } = lap.commitment.target else {
            return agree("business days", numbers.len(), 0);
        };
        let as_written = lap.verdict != Some(Verdict::Met)
            && self.due().is_some()
            && self.due() == lap.track.written;
        match numbers.last() {
            Some(last) if as_written => {
                let next = days == 0 && *last == 1;
                agree("the last business day", *last, if next { 1 } else { days })
            }
            _ => Ok(()),
        }
    }
}

fn agree<T: PartialEq + std::fmt::Debug>(what: &str, said: T, judged: T) -> Result<(), String> {
    if said == judged {
        Ok(())
    } else {
        Err(format!(
            "{what}: the lines say {said:?}, the judgement {judged:?}"
        ))
    }
}
