//! The check of a whole history: whatever died meanwhile, every step was taken once and at its moment,
//! every letter arrived, and nothing is lost that was answered.

use std::collections::{BTreeMap, BTreeSet};

use redress::domain::IncidentId;
use redress::domain::breach::Breach;
use redress::domain::clock::ClockRow;
use redress::domain::letter::{LetterFacts, LetterState};
use redress::domain::outbox::{LEASE, Letter};
use redress::domain::words::Metric;
use redress::engine::deliver::{Delivered, Sender, deliver};
use redress::engine::tick::tick;
use redress::evidence::verify::walk;
use redress::mail::outlet::{Outlet, Patience, SmtpOutlet};
use redress::mail::templates::Templates;
use redress::store::clock::StepRow;
use redress::store::{self, Store};
use redress::time::{HOUR, MINUTE, Micros, Moment, SECOND, TimeSource};

use super::house::{House, say, until};
use super::traffic::Answered;
use crate::world::ends::Kept;

/// Steps that are passed by more than this share a letter.
const LATE: Micros = MINUTE;

/// What a history holds.
#[derive(Debug, Default)]
pub struct Summary {
    pub clocks: usize,
    pub breaches: usize,
    pub steps: usize,
    pub letters: usize,
    pub doubles: usize,
}

/// Waits until the services have done all that is due and sent what they hold.
pub fn settles(house: &House) {
    until("everything that is due is done", || is_settled(house));
}

/// Whether everything that is due was done and sent; an engine that dies or is cut off just now is not
/// there yet.
pub fn is_settled(house: &House) -> bool {
    let soon = TimeSource::Machine.now() + HOUR;
    let store = house.store();
    let next = store.read(store::clock::next_timer);
    let counts = store.read(store::letter::counts);
    next.is_ok_and(|next| next.is_none_or(|next| next > soon))
        && counts.is_ok_and(|counts| {
            let mut states = counts.iter().map(|(state, _)| *state);
            states.all(|state| state != LetterState::Queued)
        })
}

/// Nothing lost that was answered: right after a process died, and at the end.
pub fn holds_what_was_answered(store: &Store, answered: &Answered) {
    let mut known: BTreeMap<IncidentId, i64> = BTreeMap::new();
    let ids = store.read(store::incident::ids).unwrap();
    for some in ids.chunks(500) {
        let read = |conn: &mut store::Conn| store::incident::get_all(conn, some);
        for incident in store.read(read).unwrap() {
            known.insert(incident.id, incident.last_seq);
        }
    }
    let raised: BTreeSet<i64> = answered.raised.iter().copied().collect();
    assert_eq!(
        raised.len(),
        answered.raised.len(),
        "two requests raised one incident"
    );
    let lost: Vec<_> = raised
        .iter()
        .filter(|id| !known.contains_key(&IncidentId(**id)))
        .collect();
    assert!(
        lost.is_empty(),
        "incidents were answered and lost: {lost:?}"
    );
    let recorded: BTreeSet<_> = answered.recorded.iter().copied().collect();
    assert_eq!(
        recorded.len(),
        answered.recorded.len(),
        "two requests recorded one event"
    );
    let lost: Vec<_> = recorded
        .iter()
        .filter(|(incident, seq)| {
            known
                .get(&IncidentId(*incident))
                .is_none_or(|last| last < seq)
        })
        .collect();
    assert!(lost.is_empty(), "events were answered and lost: {lost:?}");
    // Every request was repeated until it was answered, so that nothing else is there either.
    let events: i64 = known.values().sum();
    let others = events - i64::try_from(raised.len() + recorded.len()).unwrap();
    assert_eq!(
        (known.len(), others),
        (raised.len(), 0),
        "something was done twice"
    );
}

/// Checks everything, after all services have ended, and says what there was. `deaths` bounds the
/// doubles: a process that died may have had a few letters on their way.
pub fn check(house: &House, answered: &Answered, what: &str) -> Summary {
    let mut now = TimeSource::Machine.now();
    let (store, hand) = house.store_at(now);
    // What a dead process held is free when its lease has ended; what was put off waits longer.
    for _ in 0..8 {
        tick(&store).unwrap();
        delivers(&store, house);
        now = now + LEASE + MINUTE;
        hand.set(now);
    }
    tick(&store).unwrap();
    assert_eq!(delivers(&store, house), Delivered::default());
    holds_what_was_answered(&store, answered);
    let walked = walk(&store, None, |fault| panic!("{fault}")).unwrap();
    assert_eq!(walked.faults, 0);
    assert!(walked.anchors > 0, "nothing was anchored");

    let letters = store
        .read(|conn| store::letter::list(conn, None, None, None, 1_000_000))
        .unwrap();
    let mut summary = Summary::default();
    let kept = Kept { store: &store, now };
    let mut of_clocks: BTreeMap<i64, Vec<&Letter>> = BTreeMap::new();
    for letter in &letters {
        if let Some(clock) = letter.clock_id {
            of_clocks.entry(clock.0).or_default().push(letter);
        }
    }
    for incident in store.read(store::incident::ids).unwrap() {
        kept.agrees_with_the_facts(incident);
        for clock in store
            .read(|conn| store::clock::of_incident(conn, incident))
            .unwrap()
        {
            let breaches = store
                .read(|conn| store::breach::of_clock(conn, clock.id))
                .unwrap();
            let breaches: Vec<Breach> = breaches.into_iter().map(|(breach, _)| breach).collect();
            let steps = store
                .read(|conn| store::clock::steps_of(conn, clock.id))
                .unwrap();
            let none = Vec::new();
            let letters = of_clocks.get(&clock.id.0).unwrap_or(&none);
            steps_are_those_of_the_ladder(&clock, &breaches, &steps, now);
            steps_were_told(&clock, &steps, letters);
            summary.clocks += 1;
            summary.steps += steps.len();
            summary.breaches += breaches.len();
        }
        let raised = letters
            .iter()
            .filter(|letter| letter.incident_id == Some(incident) && letter.clock_id.is_none());
        assert!(
            raised.count() >= 1,
            "nobody was told that {} was raised",
            incident.reference()
        );
    }
    summary.letters = letters.len();
    summary.doubles = every_letter_arrived(house, &letters);
    say(&format!(
        "history: clocks={} breaches={} steps={} letters={} doubles={} lost=0 ({what}; {} incidents, {} events more, {} requests sent again)",
        summary.clocks,
        summary.breaches,
        summary.steps,
        summary.letters,
        summary.doubles,
        answered.raised.len(),
        answered.recorded.len(),
        answered.again
    ));
    summary
}

fn delivers(store: &Store, house: &House) -> Delivered {
    let outlet = SmtpOutlet::from_url(&house.sink.url(), Patience::default()).unwrap();
    let sender = Sender {
        outlet: Outlet::Smtp(outlet),
        from: "Redress <redress@example.com>".parse().unwrap(),
        reply_to: None,
        public_url: "http://127.0.0.1".to_string(),
        hooks: Default::default(),
        templates: Templates::default(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(deliver(store, &sender)).unwrap()
}

/// The ladder of the house, reckoned without the code that is tested: place, repeat, and its moment.
fn ladder(clock: &ClockRow) -> [(i32, i32, Moment); 4] {
    let due = clock.due_at.expect("a clock of the house is never held");
    let half = clock.started_at + (due - clock.started_at) / 2;
    [
        (0, 0, half),
        (1, 0, due),
        (2, 0, due + SECOND / 2),
        (2, 1, due + SECOND / 2 + SECOND),
    ]
}

/// Every step whose moment came while the clock was still going, once, for its own moment; a breach
/// once, due when it was due.
fn steps_are_those_of_the_ladder(
    clock: &ClockRow,
    breaches: &[Breach],
    steps: &[StepRow],
    now: Moment,
) {
    assert!(clock.metric == Metric::Respond || clock.metric == Metric::Restore);
    let due = clock.due_at.unwrap();
    let ran_out = clock.stopped_at.is_none_or(|stopped| stopped > due) && due <= now;
    let entered: Vec<_> = breaches
        .iter()
        .map(|breach| (breach.due_at, breach.entry))
        .collect();
    let expected: Vec<_> = ran_out.then_some((due, 0)).into_iter().collect();
    assert_eq!(entered, expected, "{clock:?}");
    let until = clock.stopped_at.unwrap_or(now).min(now);
    let expected: Vec<_> = ladder(clock)
        .into_iter()
        .filter(|(step, _, at)| *at <= until && (*step == 0 || ran_out))
        .collect();
    let taken: Vec<_> = steps
        .iter()
        .map(|step| (step.step, step.repeat, step.planned_at))
        .collect();
    assert_eq!(taken, expected, "{clock:?}");
    for step in steps {
        assert!(
            step.taken_at >= step.planned_at,
            "before its moment: {step:?}"
        );
    }
}

fn told_by(step: i32) -> &'static [&'static str] {
    match step {
        0 => &["desk@vendor.example"],
        1 => &["duty@vendor.example", "owner@example.com"],
        _ => &["max@example.com"],
    }
}

/// Each step has a letter to each of those it tells, and no letter is without a step.
fn steps_were_told(clock: &ClockRow, steps: &[StepRow], letters: &[&Letter]) {
    let key = |step: &StepRow, to: &str| {
        let (id, at) = (clock.id, (step.generation, step.run, step.interval));
        format!(
            "clock{id}:g{}:r{}:i{}:s{}:n{}:{to}",
            at.0, at.1, at.2, step.step, step.repeat
        )
    };
    let mut possible = BTreeSet::new();
    for step in steps {
        for to in told_by(step.step) {
            let own = key(step, to);
            let is_told = letters.iter().any(|letter| {
                let speaks_for_it = matches!(&letter.facts, LetterFacts::Incident(facts)
                    if facts.missed_steps.iter().any(|missed| missed.planned_at == step.planned_at));
                letter.key == own || (letter.email == *to && speaks_for_it)
            });
            assert!(is_told, "{to} was not told of {step:?}");
            if step.taken_at - step.planned_at <= LATE {
                assert!(
                    letters.iter().any(|letter| letter.key == own),
                    "{own} is missing"
                );
            }
            possible.insert(own);
        }
    }
    for letter in letters {
        assert!(possible.contains(&letter.key), "{} has no step", letter.key);
    }
}

/// Every letter that was not cancelled arrived, under its own Message-ID; gives how many came twice.
fn every_letter_arrived(house: &House, letters: &[Letter]) -> usize {
    let mut arrived: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut count = 0;
    for received in house.sink.letters() {
        let id = received.header("Message-ID").unwrap();
        arrived.entry(id).or_default().extend(received.to);
        count += 1;
    }
    let mut ids = BTreeSet::new();
    for letter in letters {
        let id = format!("<{}@example.com>", letter.message_id);
        assert!(ids.insert(id.clone()), "a Message-ID stands twice");
        match letter.state {
            LetterState::Sent => {
                let to = arrived
                    .get(&id)
                    .unwrap_or_else(|| panic!("{} did not arrive", letter.key));
                assert!(
                    to.iter().all(|to| *to == letter.email),
                    "{}: {to:?}",
                    letter.key
                );
                // Only a letter that was in doubt is sent again.
                assert!(
                    to.len() == 1 || letter.in_doubt,
                    "{} came twice",
                    letter.key
                );
            }
            LetterState::Cancelled => {
                assert!(
                    !arrived.contains_key(&id) || letter.in_doubt,
                    "{} was cancelled",
                    letter.key
                );
            }
            state => panic!("{} is {state}: {:?}", letter.key, letter.last_error),
        }
    }
    let unknown: Vec<_> = arrived.keys().filter(|id| !ids.contains(*id)).collect();
    assert!(unknown.is_empty(), "nobody queued {unknown:?}");
    count - arrived.len()
}
