//! Lets virtual time pass, the engine running at every moment at which something is due, and tells what
//! happened.

use std::collections::{HashMap, HashSet};

use super::ground::Ground;
use super::happening::{
    BreachLine, BreachSummary, ClockLine, ClockSummary, Happening, IncidentSummary, LetterLine,
    RoutineLine, StepLine, What, WithdrawnLine,
};
use crate::consequence::{Judged, judged};
use crate::domain::clock::ClockRow;
use crate::domain::outbox::Letter;
use crate::domain::{BreachId, CaseId, ClockId, IncidentId, LetterId};
use crate::engine::deliver::deliver;
use crate::engine::{routines, tick};
use crate::error::{Error, Result};
use crate::store::breach::Entry;
use crate::store::clock::StepRow;
use crate::store::{self, Conn};
use crate::time::Moment;

/// A ground on which time passes.
pub(crate) struct Stage<'a> {
    pub(crate) ground: &'a Ground,
    /// Tells somebody.
    say: &'a mut (dyn FnMut(Happening) -> Result<()> + Send),
    /// How many more moments may be stopped at.
    rounds_left: u64,
    seen: Seen,
}

/// What was told already.
#[derive(Default)]
struct Seen {
    cases: HashMap<CaseId, String>,
    clocks: HashMap<ClockId, ClockLine>,
    /// For each entry whether its withdrawal was told.
    breaches: HashMap<BreachId, bool>,
    /// Clock, generation, run, interval, step, repeat.
    steps: HashSet<(ClockId, i32, i32, i32, i32, i32)>,
    routines: HashMap<String, Moment>,
}

impl<'a> Stage<'a> {
    /// Nothing has happened yet; at most `rounds` moments are stopped at.
    pub(crate) fn new(
        ground: &'a Ground,
        rounds: u64,
        say: &'a mut (dyn FnMut(Happening) -> Result<()> + Send),
    ) -> Self {
        Self {
            ground,
            say,
            rounds_left: rounds,
            seen: Seen::default(),
        }
    }

    /// Tells something.
    pub(crate) fn say(&mut self, what: What) -> Result<()> {
        let at = self.ground.hand.now();
        (self.say)(Happening { at, what })
    }

    /// The next moment at which something is due, as far as that is known.
    pub(crate) fn next_due(&self) -> Result<Option<Moment>> {
        self.ground.store.read(|conn| {
            let timer = store::clock::next_timer(conn)?;
            let letter = store::letter::next_due(conn)?;
            let routine = routines::next_due(conn)?;
            Ok([timer, letter, routine].into_iter().flatten().min())
        })
    }

    /// Lets time pass to that moment. What is due exactly then is left, so that people come first.
    ///
    /// # Errors
    /// When an incident cannot be judged, or more moments would be stopped at than allowed.
    pub(crate) async fn pass_to(&mut self, moment: Moment) -> Result<()> {
        while let Some(due) = self.next_due()?.filter(|due| *due < moment) {
            self.stop_at(due).await?;
        }
        let hand = &self.ground.hand;
        hand.set(moment.max(hand.now()));
        Ok(())
    }

    /// Lets everything happen that is due up to that moment, which is included.
    ///
    /// # Errors
    /// As for [`Stage::pass_to`].
    pub(crate) async fn finish_at(&mut self, moment: Moment) -> Result<()> {
        self.pass_to(moment).await?;
        while self.next_due()?.is_some_and(|due| due <= moment) {
            self.stop_at(moment).await?;
        }
        Ok(())
    }

    /// Lets everything happen until nothing more is due, or that moment is over.
    ///
    /// # Errors
    /// As for [`Stage::pass_to`].
    pub(crate) async fn run_out(&mut self, latest: Moment) -> Result<()> {
        while let Some(due) = self.next_due()?.filter(|due| *due <= latest) {
            self.stop_at(due).await?;
        }
        Ok(())
    }

    /// Moves the hand to a due moment and lets the engine run once.
    ///
    /// # Errors
    /// As for [`Stage::pass_to`].
    pub(crate) async fn stop_at(&mut self, due: Moment) -> Result<()> {
        self.rounds_left = self.rounds_left.checked_sub(1).ok_or_else(|| {
            Error::field(
                "until",
                "too much happens in this scenario; end it earlier with until, or split it",
            )
        })?;
        let hand = &self.ground.hand;
        hand.set(due.max(hand.now()));
        let now = hand.now();
        let store = &self.ground.store;
        let incidents = store.read(|conn| store::clock::due(conn, now, i64::MAX))?;
        let ticked = tick::tick(store)?;
        if ticked.put_off > 0 {
            return Err(self.cannot_be_judged(&incidents));
        }
        for incident in incidents {
            self.look_at(incident)?;
        }
        routines::run_due(&self.ground.store)?;
        self.look_at_routines()?;
        deliver(&self.ground.store, &self.ground.sender).await?;
        self.look_at_letters()
    }

    /// The engine only logs why; judging once more says it.
    fn cannot_be_judged(&self, incidents: &[IncidentId]) -> Error {
        let now = self.ground.hand.now();
        for id in incidents {
            let judged = self.ground.store.read(|conn| {
                let incident = store::incident::get(conn, *id)?;
                judged(conn, incident, now)
            });
            if let Err(error) = judged {
                return error;
            }
        }
        Error::conflict(
            "an incident cannot be judged any more; a step of its ladder waits for open time that never comes",
        )
    }

    /// Tells what is new about an incident.
    ///
    /// # Errors
    /// When the database does not answer, or the telling fails.
    pub(crate) fn look_at(&mut self, id: IncidentId) -> Result<()> {
        let now = self.ground.hand.now();
        let news = self
            .ground
            .store
            .read(|conn| self.seen.news(conn, id, now))?;
        for what in news {
            self.say(what)?;
        }
        Ok(())
    }

    fn look_at_routines(&mut self) -> Result<()> {
        for (name, done_to) in self.ground.store.read(store::routine::all)? {
            if self.seen.routines.insert(name.clone(), done_to) != Some(done_to) {
                self.say(What::Routine(RoutineLine { name, done_to }))?;
            }
        }
        Ok(())
    }

    fn look_at_letters(&mut self) -> Result<()> {
        let mut sent = self.ground.outlet.drain();
        // They are sent side by side; a scenario tells the same twice.
        sent.sort_by_key(|outgoing| outgoing.id);
        for outgoing in sent {
            let line = self
                .ground
                .store
                .read(|conn| self.seen.letter(conn, outgoing.id))?;
            self.say(What::Letter(line))?;
        }
        Ok(())
    }

    /// How an incident stands now.
    ///
    /// # Errors
    /// When it cannot be judged.
    pub(crate) fn summary_of(&self, id: IncidentId) -> Result<IncidentSummary> {
        let now = self.ground.hand.now();
        self.ground.store.read(|conn| summary(conn, id, now))
    }
}

impl Seen {
    /// What is new about an incident, in the order in which it follows.
    fn news(&mut self, conn: &mut Conn, id: IncidentId, now: Moment) -> Result<Vec<What>> {
        let mut news = Vec::new();
        let rows = store::clock::of_incident(conn, id)?;
        for row in &rows {
            let line = ClockLine::of(row, self.case(conn, row.case_id, id)?);
            if self.clocks.insert(row.id, line.clone()).as_ref() != Some(&line) {
                news.push(What::Clock(line));
            }
        }
        let entries = store::breach::of_incident(conn, id)?;
        for entry in &entries {
            news.extend(self.withdrawn(entry));
        }
        let new: Vec<&Entry> = entries
            .iter()
            .filter(|(breach, _)| !self.breaches.contains_key(&breach.id))
            .collect();
        if !new.is_empty() {
            let incident = store::incident::get(conn, id)?;
            let judged = judged(conn, incident, now)?;
            for entry in new {
                news.push(self.entered(entry, &judged, now)?);
            }
        }
        for row in &rows {
            for step in store::clock::steps_of(conn, row.id)? {
                news.extend(self.step(&step, row));
            }
        }
        Ok(news)
    }

    fn case(&mut self, conn: &mut Conn, case: CaseId, incident: IncidentId) -> Result<&str> {
        if !self.cases.contains_key(&case) {
            for case in store::incident::cases(conn, incident)? {
                let contract = store::contract::find(conn, case.contract_id)?;
                self.cases.insert(case.id, contract.reference);
            }
        }
        Ok(self.known_case(case))
    }

    /// Every case was looked at before anything is told about it.
    fn known_case(&self, case: CaseId) -> &str {
        self.cases.get(&case).map_or("", String::as_str)
    }

    fn withdrawn(&mut self, (breach, withdrawal): &Entry) -> Option<What> {
        let withdrawal = withdrawal.as_ref()?;
        let told = self.breaches.get_mut(&breach.id)?;
        if std::mem::replace(told, true) {
            return None;
        }
        Some(What::Withdrawn(WithdrawnLine {
            incident: breach.incident_id.reference(),
            case: self.known_case(breach.case_id).to_string(),
            breach: breach.id.reference(),
            metric: breach.metric,
            due_at: breach.due_at,
            seq: withdrawal.seq,
            reason: withdrawal.reason.clone(),
        }))
    }

    fn entered(
        &mut self,
        (breach, withdrawal): &Entry,
        judged: &Judged,
        now: Moment,
    ) -> Result<What> {
        self.breaches.insert(breach.id, withdrawal.is_some());
        let late = judged.lateness(breach, now)?;
        Ok(What::Breach(BreachLine {
            incident: breach.incident_id.reference(),
            case: self.known_case(breach.case_id).to_string(),
            breach: breach.id.reference(),
            metric: breach.metric,
            severity: breach.severity.clone(),
            clause: breach.clause.clone(),
            due_at: breach.due_at,
            late_seconds: late.map_or(0, |late| late.elapsed),
            late_open_seconds: late.map_or(0, |late| late.open),
            run: breach.run,
            interval: breach.interval,
        }))
    }

    fn step(&mut self, step: &StepRow, clock: &ClockRow) -> Option<What> {
        let key = (
            step.clock_id,
            step.generation,
            step.run,
            step.interval,
            step.step,
            step.repeat,
        );
        if !self.steps.insert(key) {
            return None;
        }
        let on_ladder = step.step >= 0;
        Some(What::Step(StepLine {
            incident: clock.incident_id.reference(),
            case: self.known_case(clock.case_id).to_string(),
            metric: clock.metric,
            step: on_ladder.then_some(step.step),
            repeat: if on_ladder { step.repeat } else { 0 },
            deed: step.deed,
            planned_at: step.planned_at,
            run: step.run,
            interval: step.interval,
        }))
    }

    fn letter(&mut self, conn: &mut Conn, id: LetterId) -> Result<LetterLine> {
        let letter = store::letter::get(conn, id)?;
        let metric = letter
            .clock_id
            .and_then(|clock| self.clocks.get(&clock))
            .map(|line| line.metric);
        let case = match (letter.case_id, letter.incident_id) {
            (Some(case), Some(incident)) => Some(self.case(conn, case, incident)?.to_string()),
            _ => None,
        };
        Ok(LetterLine {
            incident: letter.incident_id.map(IncidentId::reference),
            case,
            metric,
            kind: letter.kind,
            step: step_of(&letter),
            to: letter.email,
            name: letter.name,
            side: letter.side,
            locale: letter.locale,
            time_zone: letter.time_zone,
            subject: letter.subject.unwrap_or_default(),
            key: letter.key,
            planned_at: letter.planned_at,
            text: letter.body_text.unwrap_or_default(),
        })
    }
}

/// The place on the ladder of the step that caused a letter: its key names it, `clock4:g1:r1:i1:s2:n0:…`.
fn step_of(letter: &Letter) -> Option<i32> {
    let of_clock = letter.key.strip_prefix("clock")?;
    let step = of_clock.split(':').nth(4)?.strip_prefix('s')?;
    step.parse().ok().filter(|step| *step >= 0)
}

fn summary(conn: &mut Conn, id: IncidentId, now: Moment) -> Result<IncidentSummary> {
    let incident = store::incident::get(conn, id)?;
    let rows = store::clock::of_incident(conn, id)?;
    let entries = store::breach::of_incident(conn, id)?;
    let judged = judged(conn, incident, now)?;
    let mut clocks = Vec::new();
    for row in &rows {
        // A clock that a correction took away is not judged any more, and nothing of it counts.
        let Some((case, clock)) = judged.clock(row.case_id, row.metric) else {
            continue;
        };
        let lap = clock.current();
        clocks.push(ClockSummary {
            case: case.contract.reference.clone(),
            metric: clock.metric,
            state: clock.state,
            severity: lap.commitment.severity.clone(),
            clause: lap.commitment.clause.clone(),
            started_at: lap.started_at,
            due_at: lap.due_at,
            provisional: lap.provisional,
            target_seconds: lap.budget,
            spent_seconds: lap.spent,
            breached_at: lap.breached_at,
            stopped_at: lap.stopped_at,
            run: lap.run,
            interval: lap.interval,
        });
    }
    clocks.sort_by(|a, b| (&a.case, a.metric).cmp(&(&b.case, b.metric)));
    let mut breaches = Vec::new();
    for (breach, _) in entries.iter().filter(|(_, gone)| gone.is_none()) {
        let late = judged.lateness(breach, now)?;
        let case = judged
            .cases
            .iter()
            .find(|judged| judged.case.id == breach.case_id);
        breaches.push(BreachSummary {
            case: case.map_or_else(String::new, |case| case.contract.reference.clone()),
            metric: breach.metric,
            severity: breach.severity.clone(),
            clause: breach.clause.clone(),
            due_at: breach.due_at,
            late_seconds: late.map_or(0, |late| late.elapsed),
            late_open_seconds: late.map_or(0, |late| late.open),
            run: breach.run,
            interval: breach.interval,
        });
    }
    breaches.sort_by(|a, b| {
        let key = |line: &BreachSummary| (line.due_at, line.metric, line.run, line.interval);
        (key(a), &a.case).cmp(&(key(b), &b.case))
    });
    Ok(IncidentSummary {
        incident: id.reference(),
        title: judged.incident.title.clone(),
        state: judged.incident.state,
        clocks,
        breaches,
    })
}
