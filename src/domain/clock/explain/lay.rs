//! Lays the stretches of a lap one after the other, and what happened between them.

use chrono::NaiveDate;

use super::super::super::calendar::{Calendar, CalendarError};
use super::super::super::terms::ClockStop;
use super::super::Lap;
use super::line::{Ground, Line, Part, Shut, What};
use super::marks::Mark;
use crate::time::{Micros, Moment};

/// What may have held the clock, and for how long.
pub(super) struct Pause<'a> {
    pub(super) from: Moment,
    pub(super) to: Option<Moment>,
    /// Number of the event that ended it.
    pub(super) ended_by: Option<i64>,
    pub(super) ground: Ground,
    /// The clock stop it rests on; none: the time that a reopening leaves out.
    pub(super) stop: Option<&'a ClockStop>,
}

impl Pause<'_> {
    fn covers(&self, at: Moment) -> bool {
        self.from <= at && self.to.is_none_or(|to| to > at)
    }
}

pub(super) struct Layer<'a> {
    lap: &'a Lap,
    marks: &'a [Mark],
    pauses: &'a [Pause<'a>],
    lines: Vec<Line>,
    part: Part,
    total: Micros,
    budget: Micros,
    late: Option<Micros>,
}

impl<'a> Layer<'a> {
    pub(super) fn new(lap: &'a Lap, marks: &'a [Mark], pauses: &'a [Pause<'a>]) -> Self {
        Self {
            lap,
            marks,
            pauses,
            lines: Vec::new(),
            part: Part::Earlier,
            total: 0,
            budget: lap.budget,
            late: None,
        }
    }

    /// Counts a stretch as `counted` does: the lap as it stands, or as it stood under an earlier
    /// commitment.
    pub(super) fn count(
        &mut self,
        counted: &Lap,
        from: Moment,
        to: Moment,
        stands: bool,
    ) -> Result<(), CalendarError> {
        let track = &counted.track;
        self.part = if stands { Part::Counts } else { Part::Earlier };
        (self.total, self.budget) = (track.carried, counted.budget);
        for stretch in stretches(&track.calendar, from, to)? {
            let mut cuts: Vec<Moment> = Vec::new();
            if let Kind::Open(_) = stretch.kind {
                cuts.push(track.base);
                for hold in &track.holds {
                    cuts.extend([Some(hold.from), hold.to].into_iter().flatten());
                }
                for pause in self.pauses {
                    cuts.extend([Some(pause.from), pause.to].into_iter().flatten());
                }
            }
            for (from, to) in self.cut(stretch.from, stretch.to, cuts) {
                let held = |hold: &super::super::Held| {
                    hold.from <= from && hold.to.is_none_or(|to| to > from)
                };
                let what = match &stretch.kind {
                    Kind::Shut(shut) => What::Shut(shut.clone()),
                    Kind::Open(date) if from < track.base => What::BeforeDayZero(*date),
                    Kind::Open(date) if track.holds.iter().any(held) => {
                        What::Held(*date, self.grounds(counted, from))
                    }
                    Kind::Open(date) => What::Open(*date),
                };
                self.push(from, to, what);
            }
        }
        Ok(())
    }

    /// A stretch in which nothing was promised.
    pub(super) fn idle(&mut self, from: Moment, to: Moment) {
        self.part = Part::Earlier;
        for (from, to) in self.cut(from, to, Vec::new()) {
            self.push(from, to, What::Idle);
        }
    }

    pub(super) fn finish(mut self) -> Vec<Line> {
        self.say(None);
        self.lines
    }

    fn grounds(&self, counted: &Lap, at: Moment) -> Vec<Ground> {
        let counts = |pause: &&Pause<'_>| {
            pause.covers(at)
                && pause
                    .stop
                    .is_none_or(|stop| counted.commitment.may_be_held_by(stop))
        };
        self.pauses
            .iter()
            .filter(counts)
            .map(|pause| pause.ground.clone())
            .collect()
    }

    /// The pieces of a stretch between those moments and whatever happened within it.
    fn cut(&self, from: Moment, to: Moment, mut cuts: Vec<Moment>) -> Vec<(Moment, Moment)> {
        let marks = self.marks.iter().take_while(|mark| mark.at < to);
        cuts.extend(marks.map(|mark| mark.at));
        cuts.retain(|cut| from < *cut && *cut < to);
        cuts.sort();
        cuts.dedup();
        let ends = cuts.iter().copied().chain([to]);
        let begins = [from].into_iter().chain(cuts.iter().copied());
        begins.zip(ends).collect()
    }

    fn push(&mut self, from: Moment, to: Moment, what: What) {
        self.say(Some(from));
        let counted = match what {
            What::Open(_) => to - from,
            _ => 0,
        };
        self.total += counted;
        if let Some(late) = &mut self.late {
            *late += counted;
        }
        self.line(from, to, what, counted);
    }

    /// Says what happened up to that moment, or all that is left.
    fn say(&mut self, up_to: Option<Moment>) {
        while let Some((mark, rest)) = self.marks.split_first() {
            if up_to.is_some_and(|up_to| mark.at > up_to) {
                break;
            }
            self.marks = rest;
            self.line(mark.at, mark.at, mark.what.clone(), 0);
            let in_time = self.lap.breached_at.is_none();
            match mark.what {
                What::Due { .. } if !in_time => {
                    self.part = Part::Late;
                    self.late = Some(0);
                }
                What::Stopped(_) if in_time && Some(mark.at) == self.lap.stopped_at => {
                    self.part = Part::Rest;
                }
                _ => {}
            }
        }
    }

    fn line(&mut self, from: Moment, to: Moment, what: What, counted: Micros) {
        self.lines.push(Line {
            from,
            to,
            part: self.part,
            what,
            counted,
            total: self.total,
            budget: self.budget,
            late: self.late,
        });
    }
}

struct Stretch {
    from: Moment,
    to: Moment,
    kind: Kind,
}

enum Kind {
    Open(NaiveDate),
    Shut(Shut),
}

/// The windows between two moments and what lies between them, without a hole.
fn stretches(calendar: &Calendar, from: Moment, to: Moment) -> Result<Vec<Stretch>, CalendarError> {
    let mut stretches = Vec::new();
    let mut cursor = from;
    for span in calendar.spans(from, to)? {
        shut(calendar, cursor, span.opens, &mut stretches);
        stretches.push(Stretch {
            from: span.opens,
            to: span.closes,
            kind: Kind::Open(span.date),
        });
        cursor = span.closes;
    }
    shut(calendar, cursor, to, &mut stretches);
    Ok(stretches)
}

/// A closed stretch, in parts by what the calendar says of each local date.
fn shut(calendar: &Calendar, from: Moment, to: Moment, into: &mut Vec<Stretch>) {
    let mut cursor = from;
    let mut date = calendar.date_at(from);
    while cursor < to {
        let next = date.succ_opt();
        let end = next.map_or(to, |next| calendar.day_start(next).clamp(cursor, to));
        if cursor < end {
            let why = why_shut(calendar, date);
            match into.last_mut() {
                Some(last)
                    if last.to == cursor
                        && matches!(&last.kind, Kind::Shut(known) if *known == why) =>
                {
                    last.to = end;
                }
                _ => into.push(Stretch {
                    from: cursor,
                    to: end,
                    kind: Kind::Shut(why),
                }),
            }
        }
        cursor = end;
        let Some(next) = next else { break };
        date = next;
    }
}

fn why_shut(calendar: &Calendar, date: NaiveDate) -> Shut {
    match calendar.exception_on(date) {
        Some(exception) if exception.windows.is_empty() => {
            Shut::Holiday(date, exception.name.clone())
        }
        Some(exception) => {
            Shut::SpecialHours(date, exception.name.clone(), exception.windows.clone())
        }
        None => Shut::OutsideHours,
    }
}
