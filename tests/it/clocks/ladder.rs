//! Steps of a ladder: when each is due, what becomes of it, and that it does not matter when one looks.

use std::collections::BTreeMap;

use proptest::prelude::*;
use redress::domain::ladder::{
    Acknowledged, Audience, Deed, Generation, Past, Plan, Step, Taken, plan,
};
use redress::domain::terms::OnSeverityChange;
use redress::domain::words::{EventKind, Metric};
use redress::time::{MINUTE, Moment};
use serde_json::{Value, json};

use super::story::*;

/// An engine that remembers which steps it took.
#[derive(Default)]
struct Engine {
    ladder: Vec<Step>,
    /// Steps with nobody to tell.
    empty: Vec<usize>,
    acknowledged: Vec<Acknowledged>,
    /// By generation.
    taken: BTreeMap<i32, BTreeMap<Taken, Deed>>,
    /// When it first saw that a run and interval had run out.
    noticed: BTreeMap<(i32, i32), Moment>,
    /// In the order in which they were taken: step, moment it was for, what became of it.
    told: Vec<(i32, Taken, Moment, Deed)>,
}

impl Engine {
    /// An engine for a ladder whose steps all go to the owner.
    fn with(whens: Value) -> Self {
        let steps = whens.as_array().unwrap().iter().map(|when| {
            let mut step = when.clone();
            for (field, value) in [("to", json!(["owner"])), ("by", json!(["email"]))] {
                step[field] = value;
            }
            serde_json::from_value(step).unwrap()
        });
        Self {
            ladder: steps.collect(),
            ..Self::default()
        }
    }

    /// Looks at the clock at that moment, takes what is due and answers what else it planned.
    fn looks(&mut self, story: &Story, metric: Metric, now: Moment) -> Plan {
        let Some(clock) = story.find(metric, &shown(now)) else {
            return Plan::default();
        };
        let begins = |kind| matches!(kind, EventKind::SeverityChanged | EventKind::Reopened);
        let begun: Vec<Moment> = story
            .events
            .iter()
            .filter(|event| event.recorded_at <= now && begins(event.kind))
            .map(|event| event.recorded_at)
            .collect();
        let generation = Generation {
            number: i32::try_from(begun.len()).unwrap() + 1,
            began: begun.into_iter().max().unwrap_or_default(),
        };
        for lap in clock.laps.iter().filter(|lap| lap.breached_at.is_some()) {
            self.noticed.entry((lap.run, lap.interval)).or_insert(now);
        }
        let taken = self.taken.entry(generation.number).or_default();
        let past = Past {
            generation,
            taken,
            acknowledged: &self.acknowledged,
        };
        let (empty, noticed) = (&self.empty, &self.noticed);
        let audience = |step| match empty.contains(&step) {
            true => Audience::Nobody,
            false => Audience::WithOurs,
        };
        let plan = plan(&self.ladder, &clock, &past, now, audience, |lap| {
            noticed.get(&(lap.run, lap.interval)).copied()
        })
        .unwrap();
        for due in &plan.due {
            assert!(due.planned_at <= now, "{due:?} at {}", shown(now));
            taken.insert(due.key, due.deed);
            self.told
                .push((generation.number, due.key, due.planned_at, due.deed));
        }
        plan
    }

    /// What it has done by that moment when it wakes whenever the plan says so: step, repeat, deed and
    /// moment.
    fn climbs(&mut self, story: &Story, metric: Metric, until: &str) -> Vec<String> {
        let until = at(until);
        let mut now = story.events[0].occurred_at;
        loop {
            let clock = story.find(metric, &shown(now));
            let due = clock.and_then(|clock| clock.current().due_at);
            let next = self.looks(story, metric, now).next;
            let event = story.events.iter().map(|event| event.recorded_at);
            let later = event.chain(next).chain(due).filter(|at| *at > now).min();
            match later.filter(|later| *later <= until) {
                Some(later) => now = later,
                None => return self.told.iter().map(words).collect(),
            }
        }
    }
}

fn words((_, key, at, deed): &(i32, Taken, Moment, Deed)) -> String {
    let mut text = match key.step {
        -1 => "reminder".to_string(),
        step => format!("step {step}"),
    };
    if key.step >= 0 && key.repeat > 0 {
        text += &format!(" again {}", key.repeat);
    }
    format!("{text} {deed} {}", shown(*at))
}

fn resolve(target: &str) -> Story {
    let mut story = Story::under(terms().promises(Metric::Resolve, "S2", open(target), OFFICE));
    story.reported("Mon 10:00", "S2");
    story
}

#[test]
fn a_share_of_the_budget_is_reached_in_open_time() {
    let story = resolve("PT8H");
    let mut engine = Engine::with(json!([
        {"when": {"percent": 50}},
        {"when": {"percent": 90}},
        {"when": {"percent": 100}},
        {"when": {"percent": 150}},
    ]));
    assert_eq!(
        engine.climbs(&story, Metric::Resolve, "Fri 10:00"),
        [
            "step 0 told Mon 14:00",
            "step 1 told Tue 09:12",
            "step 2 told Tue 10:00",
            "step 3 told Tue 14:00",
        ]
    );
}

#[test]
fn offsets_are_walked_through_the_calendar_or_taken_as_they_are() {
    let week = workdays(&json!([["09:00", "12:00"], ["13:00", "17:00"]]));
    let mut story = Story::under(terms().promises(Metric::Resolve, "S2", open("PT2H15M"), 3));
    story.counts_in(3, calendar("Lunch", "UTC", &week, &json!([])));
    story.reported("Mon 10:00", "S2");
    let mut engine = Engine::with(json!([
        {"when": {"before_due": "PT30M"}},
        {"when": {"before_due": "PT30M", "measured": "elapsed"}},
        {"when": {"at_due": true}},
        {"when": {"after_due": "PT4H"}},
        {"when": {"after_due": "PT4H", "measured": "elapsed"}},
    ]));
    assert_eq!(
        engine.climbs(&story, Metric::Resolve, "Fri 10:00"),
        [
            "step 0 told Mon 11:45",
            "step 1 told Mon 12:45",
            "step 2 told Mon 13:15",
            "step 4 told Mon 17:15",
            "step 3 told Tue 09:15",
        ]
    );
}

#[test]
fn a_step_before_the_start_is_skipped_and_recorded() {
    let story = resolve("PT1H");
    for early in [
        json!({"when": {"before_due": "PT2H"}}),
        json!({"when": {"before_due": "PT2H", "measured": "elapsed"}}),
    ] {
        let mut engine = Engine::with(json!([early, {"when": {"before_due": "PT1H"}}]));
        assert_eq!(
            engine.climbs(&story, Metric::Resolve, "Mon 12:00"),
            ["step 0 early Mon 10:00", "step 1 told Mon 10:00"]
        );
    }
}

#[test]
fn an_empty_step_brings_the_next_forward_but_never_past_the_deadline() {
    let story = resolve("PT4H");
    let whens = json!([
        {"when": {"percent": 50}},
        {"when": {"percent": 75}},
        {"when": {"at_due": true}},
        {"when": {"after_due": "PT1H"}},
        {"when": {"after_due": "PT2H"}},
    ]);
    let climb = |empty: &[usize]| {
        let mut engine = Engine::with(whens.clone());
        engine.empty = empty.to_vec();
        engine.climbs(&story, Metric::Resolve, "Fri 10:00")
    };
    assert_eq!(
        climb(&[0]),
        [
            "step 0 empty Mon 12:00",
            "step 1 told Mon 12:00",
            "step 2 told Mon 14:00",
            "step 3 told Mon 15:00",
            "step 4 told Mon 16:00",
        ]
    );
    assert_eq!(
        climb(&[0, 1]),
        [
            "step 0 empty Mon 12:00",
            "step 1 empty Mon 12:00",
            "step 2 told Mon 14:00",
            "step 3 told Mon 15:00",
            "step 4 told Mon 16:00",
        ]
    );
    assert_eq!(
        climb(&[1, 2]),
        [
            "step 0 told Mon 12:00",
            "step 1 empty Mon 13:00",
            "step 2 empty Mon 14:00",
            "step 3 told Mon 14:00",
            "step 4 told Mon 16:00",
        ]
    );
    assert_eq!(
        climb(&[3]),
        [
            "step 0 told Mon 12:00",
            "step 1 told Mon 13:00",
            "step 2 told Mon 14:00",
            "step 3 empty Mon 15:00",
            "step 4 told Mon 15:00",
        ]
    );
}

#[test]
fn a_step_is_for_the_metrics_and_severities_it_names() {
    let mut story = Story::under(
        terms()
            .promises(Metric::Resolve, "S2", open("PT8H"), OFFICE)
            .promises(Metric::Resolve, "S1", open("PT4H"), OFFICE),
    );
    story.reported("Mon 10:00", "S2");
    story.severity("Mon 11:00", "S1");
    let mut engine = Engine::with(json!([
        {"when": {"percent": 50}, "metrics": ["respond"]},
        {"when": {"percent": 50}, "metrics": ["respond", "resolve"], "severities": ["S2"]},
        {"when": {"percent": 50}, "severities": ["S1", "S3"]},
    ]));
    assert_eq!(
        engine.climbs(&story, Metric::Resolve, "Fri 10:00"),
        ["step 2 told Mon 12:00"]
    );
}

#[test]
fn nothing_is_told_of_what_was_over_in_time() {
    let whens =
        json!([{"when": {"percent": 75}}, {"when": {"at_due": true}}, {"when": {"percent": 100}}]);
    let mut story = resolve("PT4H");
    story.says(EventKind::Resolved, "Mon 14:00");
    assert_eq!(
        Engine::with(whens.clone()).climbs(&story, Metric::Resolve, "Fri 10:00"),
        ["step 0 told Mon 13:00"]
    );
    let mut sooner = resolve("PT4H");
    sooner.says(EventKind::Resolved, "Mon 12:00");
    let nothing: [&str; 0] = [];
    assert_eq!(
        Engine::with(whens).climbs(&sooner, Metric::Resolve, "Fri 10:00"),
        nothing
    );
}

#[test]
fn a_late_answer_ends_the_climb() {
    let mut story = resolve("PT4H");
    story.says(EventKind::Resolved, "Mon 15:30");
    let mut engine = Engine::with(json!([
        {"when": {"at_due": true}, "repeat": {"every": "PT1H", "times": 5}},
        {"when": {"after_due": "PT1H"}},
        {"when": {"after_due": "PT2H"}},
    ]));
    assert_eq!(
        engine.climbs(&story, Metric::Resolve, "Fri 10:00"),
        [
            "step 0 told Mon 14:00",
            "step 0 again 1 told Mon 15:00",
            "step 1 told Mon 15:00",
        ]
    );
}

#[test]
fn steps_wait_while_the_clock_is_paused() {
    let mut story = resolve("PT4H");
    story.paused("Mon 11:00", "ACCESS");
    story.resumed("Mon 14:00", None);
    let mut engine = Engine::with(json!([
        {"when": {"percent": 25}},
        {"when": {"before_due": "PT1H"}},
        {"when": {"at_due": true}},
    ]));
    assert_eq!(
        engine.climbs(&story, Metric::Resolve, "Fri 10:00"),
        [
            "step 0 told Mon 11:00",
            "step 1 told Mon 16:00",
            "step 2 told Mon 17:00",
        ]
    );
}

#[test]
fn repeats_are_bounded_and_measured_like_the_step() {
    let story = resolve("PT4H");
    let mut engine = Engine::with(json!([
        {"when": {"after_due": "PT2H"}, "repeat": {"every": "PT2H", "times": 2}},
        {"when": {"after_due": "PT2H", "measured": "elapsed"}, "repeat": {"every": "PT2H", "times": 2}},
    ]));
    assert_eq!(
        engine.climbs(&story, Metric::Resolve, "Fri 10:00"),
        [
            "step 0 told Mon 16:00",
            "step 1 told Mon 16:00",
            "step 1 again 1 told Mon 18:00",
            "step 1 again 2 told Mon 20:00",
            "step 0 again 1 told Tue 10:00",
            "step 0 again 2 told Tue 12:00",
        ]
    );
}

#[test]
fn each_missed_interval_of_update_climbs_for_itself_until_the_next_is_missed() {
    let mut story = Story::under(terms().promises(Metric::Update, "S2", open("PT2H"), OFFICE));
    story.reported("Mon 10:00", "S2");
    story.says(EventKind::Updated, "Mon 15:00");
    let mut engine = Engine::with(json!([
        {"when": {"percent": 75}},
        {"when": {"at_due": true}},
        {"when": {"after_due": "PT90M"}},
        {"when": {"after_due": "PT3H"}},
    ]));
    engine.climbs(&story, Metric::Update, "Mon 16:00");
    let told: Vec<String> = engine
        .told
        .iter()
        .map(|told| format!("{}: {}", told.1.interval, words(told)))
        .collect();
    assert_eq!(
        told,
        [
            "1: step 0 told Mon 11:30",
            "1: step 1 told Mon 12:00",
            "1: step 2 told Mon 13:30",
            "2: step 0 told Mon 13:30",
            "2: step 1 told Mon 14:00",
        ]
    );
}

#[test]
fn what_stops_a_clock_at_the_very_moment_of_a_step_comes_before_it() {
    let whens = json!([
        {"when": {"percent": 50}},
        {"when": {"at_due": true}, "repeat": {"every": "PT1H", "times": 9}},
        {"when": {"after_due": "PT1H"}},
    ]);
    let climb = |kind, when: &str| {
        let mut story = resolve("PT4H");
        story.says(kind, when);
        Engine::with(whens.clone()).climbs(&story, Metric::Resolve, "Fri 10:00")
    };
    let none: [&str; 0] = [];
    assert_eq!(climb(EventKind::Resolved, "Mon 12:00"), none);
    assert_eq!(climb(EventKind::Cancelled, "Mon 12:00"), none);
    let due = ["step 0 told Mon 12:00", "step 1 told Mon 14:00"];
    assert_eq!(climb(EventKind::Resolved, "Mon 15:00"), due);
    assert_eq!(climb(EventKind::Cancelled, "Mon 15:00"), due);
    // The deadline was reached all the same, and that is told.
    assert_eq!(climb(EventKind::Cancelled, "Mon 14:00"), due);
    assert_eq!(
        climb(EventKind::Resolved, "Mon 15:00:00.000001"),
        [
            "step 0 told Mon 12:00",
            "step 1 told Mon 14:00",
            "step 1 again 1 told Mon 15:00",
            "step 2 told Mon 15:00",
        ]
    );
}

#[test]
fn the_deadline_of_the_next_interval_takes_no_step_away_but_what_ends_the_clock_then_does() {
    let terms = || terms().promises(Metric::Update, "S2", open("PT2H"), OFFICE);
    let whens = json!([{"when": {"after_due": "PT2H"}}]);
    let climb = |ends: Option<EventKind>| {
        let mut story = Story::under(terms());
        story.reported("Mon 10:00", "S2");
        if let Some(kind) = ends {
            story.says(kind, "Mon 14:00");
        }
        Engine::with(whens.clone()).climbs(&story, Metric::Update, "Mon 15:00")
    };
    assert_eq!(climb(None), ["step 0 told Mon 14:00"]);
    let none: [&str; 0] = [];
    assert_eq!(climb(Some(EventKind::Updated)), none);
    assert_eq!(climb(Some(EventKind::Resolved)), none);
    assert_eq!(climb(Some(EventKind::Cancelled)), none);
}

#[test]
fn a_step_that_no_calendar_reaches_keeps_no_other_from_being_taken() {
    let story = resolve("PT4H");
    let whens = json!([
        {"when": {"before_due": "PT30000H"}},
        {"when": {"at_due": true}, "repeat": {"every": "PT30000H", "times": 100}},
        {"when": {"after_due": "PT30000H"}},
        {"when": {"percent": 1000}},
    ]);
    let mut engine = Engine::with(whens);
    assert_eq!(
        engine.climbs(&story, Metric::Resolve, "Thu 12:00"),
        ["step 0 early Mon 10:00", "step 1 told Mon 14:00"]
    );
    assert_eq!(
        engine.climbs(&story, Metric::Resolve, "Sun+ 12:00")[2..],
        ["step 3 told Mon+ 10:00"]
    );
}

#[test]
fn an_acknowledgement_expires_after_two_hours_and_reminds_once() {
    let story = resolve("PT4H");
    let mut engine = Engine::with(json!([
        {"when": {"at_due": true}},
        {"when": {"after_due": "PT1H"}},
        {"when": {"after_due": "PT1H"}, "repeat": {"every": "PT1H", "times": 1, "until": "stopped"}},
    ]));
    engine.acknowledged = vec![Acknowledged {
        at: at("Mon 14:10"),
        seq: 7,
    }];
    let mut kept = Vec::new();
    for now in [
        "Mon 14:00",
        "Mon 15:00",
        "Mon 16:00",
        "Mon 16:10",
        "Mon 17:00",
        "Wed 10:00",
    ] {
        let plan = engine.looks(&story, Metric::Resolve, at(now));
        let due = plan.due.iter();
        kept.extend(due.map(|due| (due.key.step, due.key.repeat, due.acknowledged)));
    }
    assert_eq!(
        kept,
        [
            (0, 0, false),
            (1, 0, true),
            (2, 0, true),
            (2, 1, false),
            (-1, 7, false),
        ]
    );
    assert_eq!(engine.told.last().unwrap().2, at("Mon 16:10"));
}

#[test]
fn a_severity_change_begins_a_new_generation_in_which_steps_are_taken_anew() {
    let mut story = Story::under(
        terms()
            .promises(Metric::Resolve, "S2", open("PT4H"), OFFICE)
            .promises(Metric::Resolve, "S1", open("PT3H"), OFFICE),
    );
    story.reported("Mon 10:00", "S2");
    story.severity("Mon 13:30", "S1");
    let whens = json!([{"when": {"percent": 50}}, {"when": {"at_due": true}}]);
    assert_eq!(
        Engine::with(whens).climbs(&story, Metric::Resolve, "Fri 10:00"),
        [
            "step 0 told Mon 12:00",
            "step 0 told Mon 15:00",
            "step 1 told Mon 16:30",
        ]
    );
}

#[test]
fn a_severity_that_ends_the_clock_tells_nothing_again() {
    let mut story = resolve("PT4H");
    story.severity("Mon 12:30", "S4");
    assert_eq!(
        Engine::with(json!([{"when": {"percent": 50}}])).climbs(
            &story,
            Metric::Resolve,
            "Tue 10:00"
        ),
        ["step 0 told Mon 12:00"]
    );
}

#[test]
fn the_start_of_a_fresh_target_is_the_change() {
    let promise = terms()
        .promises(Metric::Resolve, "S2", open("PT8H"), OFFICE)
        .promises(Metric::Resolve, "S1", open("PT1H"), OFFICE)
        .on_change(OnSeverityChange::FromChange);
    for measured in ["open", "elapsed"] {
        let mut story = Story::under(promise.clone());
        story.reported("Mon 10:00", "S2");
        story.severity("Mon 14:00", "S1");
        let mut engine = Engine::with(json!([
            {"when": {"before_due": "PT2H", "measured": measured}},
            {"when": {"before_due": "PT1H", "measured": measured}},
        ]));
        engine.looks(&story, Metric::Resolve, at("Mon 14:00"));
        let told: Vec<String> = engine
            .told
            .iter()
            .map(|told| format!("{} {}", told.1.step, told.3))
            .collect();
        assert_eq!(told, ["0 early", "1 told"], "{measured}");
    }
}

#[test]
fn no_step_before_a_deadline_in_closed_time_comes_after_it() {
    // Written into closed time, before any hour that counts.
    let mut story = Story::under(terms().promises(Metric::Resolve, "S2", days(0, "08:00"), OFFICE));
    story.reported("Mon 07:00", "S2");
    let whens = json!([
        {"when": {"percent": 50}},
        {"when": {"before_due": "PT0S"}},
        {"when": {"at_due": true}},
    ]);
    assert_eq!(
        Engine::with(whens.clone()).climbs(&story, Metric::Resolve, "Tue 10:00"),
        [
            "step 0 told Mon 08:00",
            "step 1 told Mon 08:00",
            "step 2 told Mon 08:00"
        ]
    );
    let mut evening =
        Story::under(terms().promises(Metric::Resolve, "S2", days(0, "20:00"), OFFICE));
    evening.reported("Mon 10:00", "S2");
    assert_eq!(
        Engine::with(whens).climbs(&evening, Metric::Resolve, "Tue 10:00"),
        [
            "step 0 told Mon 13:30",
            "step 1 told Mon 20:00",
            "step 2 told Mon 20:00"
        ]
    );
}

#[test]
fn repeats_count_from_the_same_moment_whatever_happens_later() {
    let mut story = Story::under(
        terms()
            .promises(Metric::Resolve, "S2", open("PT8H"), OFFICE)
            .promises(Metric::Resolve, "S1", open("PT6H"), OFFICE),
    );
    story.reported("Mon 10:00", "S2");
    story.severity("Mon 14:30", "S1");
    let whens = json!([{"when": {"percent": 50}, "repeat": {"every": "PT1H", "times": 2}}]);
    let mut engine = Engine::with(whens);
    for now in ["Mon 14:00", "Mon 14:30", "Tue 12:00", "Tue 13:00"] {
        engine.looks(&story, Metric::Resolve, at(now));
    }
    let told: Vec<String> = engine.told.iter().map(words).collect();
    assert_eq!(
        told,
        [
            "step 0 told Mon 14:00",
            "step 0 told Mon 14:30",
            "step 0 again 1 told Mon 15:30",
            "step 0 again 2 told Mon 16:30",
        ]
    );
}

#[test]
fn a_deadline_that_passed_unnoticed_is_told_in_the_next_generation_and_repeated_from_then_on() {
    let mut story = Story::under(
        terms()
            .promises(Metric::Resolve, "S2", open("PT4H"), OFFICE)
            .promises(Metric::Resolve, "S1", open("PT2H"), OFFICE),
    );
    story.reported("Mon 09:00", "S2");
    story.severity("Mon 15:30", "S1");
    let whens = json!([{"when": {"at_due": true}, "repeat": {"every": "PT1H", "times": 4}}]);
    let seen = |looks: &[&str]| {
        let mut engine = Engine::with(whens.clone());
        for now in looks {
            engine.looks(&story, Metric::Resolve, at(now));
        }
        engine.told.iter().map(words).collect::<Vec<_>>()
    };
    assert_eq!(
        seen(&["Mon 15:30", "Mon 16:00"]),
        ["step 0 told Mon 13:00", "step 0 again 3 told Mon 16:00"]
    );
    // Noticed in time, the new generation only goes on repeating.
    assert_eq!(
        seen(&["Mon 13:00", "Mon 15:30", "Mon 16:30"]),
        [
            "step 0 told Mon 13:00",
            "step 0 passed Mon 15:30",
            "step 0 again 1 told Mon 16:30",
        ]
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// However time is cut, the same steps are taken for the same moments: only events must find an
    /// engine that has looked just before them.
    #[test]
    fn when_one_looks_does_not_matter(
        steps in prop::collection::vec(a_step(), 1..6),
        empty in prop::collection::vec(0..6usize, 0..3),
        happenings in prop::collection::vec((1..400i64, 0..8usize), 0..6),
        looks in prop::collection::vec(0..4000i64, 0..30),
    ) {
        for metric in [Metric::Resolve, Metric::Update] {
            let story = eventful(&happenings);
            let mut wakes: Vec<Moment> = story
                .events
                .iter()
                .flat_map(|event| [event.recorded_at - 1, event.recorded_at])
                .collect();
            wakes.push(at("Thu 12:00"));
            let seldom = taken(&story, metric, &steps, &empty, &wakes);
            wakes.extend(looks.iter().map(|minutes| at("Mon 08:00") + minutes * MINUTE));
            let often = taken(&story, metric, &steps, &empty, &wakes);
            prop_assert_eq!(seldom, often, "{}", story.stands(metric, "Thu 12:00"));
        }
    }
}

fn a_step() -> impl Strategy<Value = Value> {
    let offset = prop::sample::select(vec!["PT10M", "PT1H", "PT3H"]);
    let measured = prop::sample::select(vec!["open", "elapsed"]);
    let when = prop_oneof![
        prop::sample::select(vec![25, 75, 90, 100, 150])
            .prop_map(|percent| json!({"percent": percent})),
        (offset.clone(), measured.clone())
            .prop_map(|(offset, measured)| json!({"before_due": offset, "measured": measured})),
        (offset, measured)
            .prop_map(|(offset, measured)| json!({"after_due": offset, "measured": measured})),
        Just(json!({"at_due": true})),
    ];
    (when, 0..4u32).prop_map(|(when, times)| match times {
        0 | 1 => json!({"when": when}),
        _ => json!({"when": when, "repeat": {"every": "PT40M", "times": times}}),
    })
}

fn eventful(happenings: &[(i64, usize)]) -> Story {
    let promise = terms()
        .promises(Metric::Update, "S2", open("PT3H"), OFFICE)
        .promises(Metric::Update, "S1", open("PT1H"), AROUND)
        .promises(Metric::Resolve, "S2", open("PT5H"), OFFICE)
        .promises(Metric::Resolve, "S1", days(1, "16:00"), OFFICE);
    let mut story = Story::under(promise);
    let mut now = at("Mon 09:00");
    story.reported(&shown(now), "S2");
    for (minutes, what) in happenings {
        now = now + minutes * MINUTE;
        let when = shown(now);
        match what {
            0 => story.says(EventKind::Updated, &when),
            1 => story.says(EventKind::Resolved, &when),
            2 => story.says(EventKind::Reopened, &when),
            3 | 4 => story.paused(&when, "ACCESS"),
            5 | 6 => story.resumed(&when, None),
            _ => story.severity(&when, "S1"),
        };
    }
    story
}

/// What an engine that looks at those moments has done in the end, in no order.
fn taken(
    story: &Story,
    metric: Metric,
    steps: &[Value],
    empty: &[usize],
    wakes: &[Moment],
) -> Vec<String> {
    let mut engine = Engine::with(json!(steps));
    engine.empty = empty.to_vec();
    let mut wakes = wakes.to_vec();
    wakes.sort();
    for now in wakes {
        engine.looks(story, metric, now);
    }
    let mut told: Vec<String> = engine
        .told
        .iter()
        .map(|told| {
            format!(
                "generation {} lap {}.{} {}",
                told.0,
                told.1.run,
                told.1.interval,
                words(told)
            )
        })
        .collect();
    told.sort();
    told
}
