//! What must hold at the end of every story, whatever it was about.

use std::collections::{BTreeMap, BTreeSet};

use redress::consequence::{Judged, judged};
use redress::domain::IncidentId;
use redress::domain::breach::Breach;
use redress::domain::clock::{Clock, ClockRow, Verdict};
use redress::domain::letter::LetterState;
use redress::domain::timeline::Event;
use redress::domain::timeline::{GENESIS, seal};
use redress::domain::words::EventKind;
use redress::engine::anchors;
use redress::engine::tick::tick;
use redress::evidence::verify::walk;
use redress::store::audit::AuditLine;
use redress::store::{self, Store};
use redress::time::Moment;
use serde_json::Value;

use super::World;

impl World {
    /// What must hold at the end of every story.
    pub fn ends(&self) {
        let kept = Kept {
            store: &self.store,
            now: self.hand.now(),
        };
        for incident in self.store.read(store::incident::ids).unwrap() {
            kept.agrees_with_the_facts(incident);
            self.somebody_wakes(incident);
        }
        self.every_chain_holds();
        self.once_more_changes_nothing();
        self.every_letter_leaves_once();
    }

    /// What `redress verify` walks, before and after an hour's anchor.
    fn every_chain_holds(&self) {
        for _ in 0..2 {
            let walked = walk(&self.store, None, |fault| panic!("{fault}")).unwrap();
            assert_eq!(walked.faults, 0);
            anchors::run_due(&self.store).unwrap();
        }
    }

    /// A clock that may still run out has a timer.
    fn somebody_wakes(&self, incident: IncidentId) {
        let now = self.hand.now();
        let next = self.store.read(store::clock::next_timer).unwrap();
        for clock in self.clocks(incident) {
            let due = clock.due_at.filter(|due| *due > now);
            if let Some(due) = due.filter(|_| clock.state.is_open() && clock.breached_at.is_none())
            {
                assert!(
                    next.is_some_and(|next| next <= due),
                    "no timer wakes {clock:?}"
                );
            }
        }
    }

    fn once_more_changes_nothing(&self) {
        tick(&self.store).unwrap();
        let kept = || {
            let incidents = self.store.read(store::incident::ids).unwrap();
            let each = incidents.into_iter().map(|incident| {
                let rows: Vec<_> = self.clocks(incident).iter().map(kept).collect();
                (
                    rows,
                    self.breaches(incident).len(),
                    self.steps(incident).len(),
                )
            });
            (self.letters().len(), each.collect::<Vec<_>>())
        };
        let before = kept();
        tick(&self.store).unwrap();
        assert_eq!(before, kept(), "a second tick found something to do");
    }

    /// Whatever waits and may leave does leave, once, under a Message-ID of its own.
    fn every_letter_leaves_once(&self) {
        let now = self.hand.now();
        self.delivers();
        let letters = self.letters();
        for letter in &letters {
            assert_ne!(letter.state, LetterState::Leased, "{}", letter.key);
            let waits = letter.state == LetterState::Queued;
            assert!(
                !waits || letter.next_attempt_at > now,
                "{} did not leave",
                letter.key
            );
        }
        let left = self.outlet.letters();
        let once: BTreeSet<_> = left.iter().map(|letter| letter.id).collect();
        assert_eq!(once.len(), left.len(), "a letter left twice");
        let ids: BTreeSet<_> = letters.iter().map(|letter| &letter.message_id).collect();
        assert_eq!(ids.len(), letters.len(), "a Message-ID stands twice");
        assert_eq!(self.delivers(), Default::default());
    }
}

/// What a database keeps at a moment, whoever wrote it.
pub struct Kept<'a> {
    pub store: &'a Store,
    pub now: Moment,
}

impl Kept<'_> {
    /// Chain, clocks, outcomes, breaches and audit trail of an incident are those of its timeline.
    pub fn agrees_with_the_facts(&self, incident: IncidentId) {
        self.chain_holds(incident);
        self.replay_gives_the_rows(incident);
        self.all_of_it_is_in_the_audit_trail(incident);
    }

    fn events(&self, incident: IncidentId) -> Vec<Event> {
        let read = |conn: &mut store::Conn| store::incident::events(conn, incident);
        self.store.read(read).unwrap()
    }

    fn clocks(&self, incident: IncidentId) -> Vec<ClockRow> {
        let read = |conn: &mut store::Conn| store::clock::of_incident(conn, incident);
        self.store.read(read).unwrap()
    }

    /// Breaches that hold.
    fn breaches(&self, incident: IncidentId) -> Vec<Breach> {
        let read = |conn: &mut store::Conn| store::breach::of_incident(conn, incident);
        let entries = self.store.read(read).unwrap().into_iter();
        entries
            .filter(|(_, withdrawal)| withdrawal.is_none())
            .map(|(breach, _)| breach)
            .collect()
    }

    fn chain_holds(&self, incident: IncidentId) {
        let mut previous = GENESIS.to_string();
        for (index, event) in self.events(incident).iter().enumerate() {
            assert_eq!(event.seq, index as i64 + 1);
            assert_eq!(event.previous_hash, previous);
            assert_eq!(seal(event).unwrap(), event.hash);
            previous.clone_from(&event.hash);
        }
    }

    /// Replaying the timeline gives the clocks, the outcomes and the breaches that are kept.
    fn replay_gives_the_rows(&self, incident: IncidentId) {
        let now = self.now;
        let judged = self
            .store
            .read(|conn| {
                let incident = store::incident::get(conn, incident)?;
                judged(conn, incident, now)
            })
            .unwrap();
        let rows = self.clocks(incident);
        let breaches = self.breaches(incident);
        let mut replayed = BTreeSet::new();
        for case in &judged.cases {
            for clock in &case.clocks {
                let row = rows
                    .iter()
                    .find(|row| row.case_id == case.case.id && row.metric == clock.metric)
                    .expect("a row");
                replayed.insert(row.id);
                self.explains_itself(&judged, row, clock);
                let told = format!("{} of {}", clock.metric, incident.reference());
                assert_eq!(kept(row), replay(clock), "{told}");
                self.outcomes_are_those_of(clock, row, &told);
                let missed: BTreeSet<_> = clock
                    .laps
                    .iter()
                    .filter(|lap| lap.verdict == Some(Verdict::Missed))
                    .map(|lap| (lap.run, lap.interval, lap.due_at.expect("a deadline")))
                    .collect();
                let entered: Vec<_> = breaches
                    .iter()
                    .filter(|breach| breach.clock_id == row.id)
                    .map(|breach| (breach.run, breach.interval, breach.due_at))
                    .collect();
                assert_eq!(
                    entered.iter().copied().collect::<BTreeSet<_>>(),
                    missed,
                    "{told}"
                );
                assert_eq!(entered.len(), missed.len(), "{told}: one breach twice");
            }
        }
        for row in rows.iter().filter(|row| !replayed.contains(&row.id)) {
            assert!(!row.state.is_open(), "nothing asks for {row:?}");
            assert!(breaches.iter().all(|breach| breach.clock_id != row.id));
        }
    }

    /// Every lap of every clock explains itself, and the lines add up to what is judged.
    fn explains_itself(&self, judged: &Judged, row: &ClockRow, clock: &Clock) {
        let now = self.now;
        let explained = judged.explained(row.case_id, row.metric, now).unwrap();
        let explained = explained.expect("an explanation");
        for lap in &clock.laps {
            let told = explained.lap(lap.run, lap.interval).unwrap();
            let told = told.expect("an explanation of each lap");
            if let Err(wrong) = told.check(lap) {
                panic!(
                    "{} {}.{}: {wrong}\n{:#?}",
                    row.metric, lap.run, lap.interval, told.lines
                );
            }
        }
    }

    fn outcomes_are_those_of(&self, clock: &Clock, row: &ClockRow, told: &str) {
        let outcomes = self
            .store
            .read(|conn| store::clock::outcomes_of(conn, row.id))
            .unwrap();
        let outcomes: Vec<_> = outcomes
            .iter()
            .map(|one| (one.run, one.interval, one.result, one.certain_at))
            .collect();
        let certain: Vec<_> = clock
            .laps
            .iter()
            .filter_map(|lap| Some((lap.run, lap.interval, lap.verdict?, lap.certain_at()?)))
            .collect();
        assert_eq!(outcomes, certain, "{told}");
    }

    /// Every event, breach and withdrawal was written down with its author in the transaction that
    /// made it.
    fn all_of_it_is_in_the_audit_trail(&self, incident: IncidentId) {
        let trail = |subject: &str, id: i64| -> Vec<AuditLine> {
            self.store
                .read(|conn| store::audit::of(conn, subject, id))
                .unwrap()
        };
        let mut lines: BTreeMap<&str, usize> = BTreeMap::new();
        let of_incident = trail("incident", incident.0);
        for line in &of_incident {
            *lines.entry(&line.deed).or_default() += 1;
        }
        let events = self.events(incident);
        for event in &events {
            let deeds: &[&str] = match event.kind {
                EventKind::Reported => &["raised", "case added"],
                EventKind::DeadlineMoved => &["deadline moved"],
                EventKind::Erased => &["texts erased"],
                _ => &["event recorded"],
            };
            let found = of_incident.iter().any(|line| {
                let detail: Value = serde_json::from_str(&line.detail).unwrap();
                deeds.contains(&line.deed.as_str())
                    && line.at == event.recorded_at
                    && (deeds != ["event recorded"] || detail["seq"] == event.seq)
            });
            assert!(found, "{} {} is not in the trail", event.seq, event.kind);
        }
        let lines: usize = [
            "raised",
            "case added",
            "deadline moved",
            "texts erased",
            "event recorded",
        ]
        .iter()
        .filter_map(|deed| lines.get(deed))
        .sum();
        assert_eq!(lines, events.len(), "{}", incident.reference());
        let entries = self
            .store
            .read(|conn| store::breach::of_incident(conn, incident))
            .unwrap();
        for (breach, withdrawal) in entries {
            let of_breach = trail("breach", breach.id.0);
            let at = |deed: &str| -> Vec<_> {
                let lines = of_breach.iter().filter(|line| line.deed == deed);
                lines.map(|line| line.at).collect()
            };
            assert_eq!(at("entered"), [breach.noticed_at]);
            let withdrawn: Vec<_> = withdrawal.iter().map(|withdrawal| withdrawal.at).collect();
            assert_eq!(at("withdrawn"), withdrawn);
        }
    }
}

/// What search and waking up go by, as it is kept.
fn kept(row: &ClockRow) -> String {
    let words = (row.state, &row.severity, &row.clause);
    let time = (row.started_at, row.due_at, row.provisional, row.budget);
    let end = (row.breached_at, row.stopped_at, row.run, row.interval);
    format!("{words:?} {time:?} {end:?}")
}

/// The same as the timeline gives it.
fn replay(clock: &Clock) -> String {
    let lap = clock.current();
    let words = (
        clock.state,
        &lap.commitment.severity,
        &lap.commitment.clause,
    );
    let time = (lap.started_at, lap.due_at, lap.provisional, lap.budget);
    let end = (lap.breached_at, lap.stopped_at, lap.run, lap.interval);
    format!("{words:?} {time:?} {end:?}")
}
