//! What holds for every timeline, whatever happens on it.

use proptest::prelude::*;
use redress::domain::CaseId;
use redress::domain::clock::{Clock, Verdict, judge};
use redress::domain::terms::{Confirmation, OnReopen, OnSeverityChange, Promise};
use redress::domain::timeline::{Event, Fields, facts};
use redress::domain::words::{ClockState, EventKind, Metric};
use redress::time::{HOUR, MINUTE, Moment};
use serde_json::json;

use super::story::*;

/// Something that may happen, some minutes after what happened before.
#[derive(Clone, Debug)]
enum Happens {
    Says(EventKind),
    Paused(&'static str),
    Resumed(Option<&'static str>),
    Severity(&'static str),
    /// From now on the office opens and closes at these hours.
    Office(u8, u8),
}

fn happens() -> impl Strategy<Value = (i64, Happens)> {
    use EventKind::{
        CauseExplained, Confirmed, Promised, Rejected, Reopened, Resolved, Responded, Restored,
        Updated, WorkedAround,
    };
    let stop = || prop::sample::select(vec!["ACCESS", "FORCE", "PARTS"]);
    let what = prop_oneof![
        4 => prop::sample::select(vec![Responded, Updated, WorkedAround, Restored, Resolved])
            .prop_map(Happens::Says),
        3 => Just(Happens::Says(Reopened)),
        2 => prop::sample::select(vec![Resolved, CauseExplained, Promised]).prop_map(Happens::Says),
        2 => prop::sample::select(vec![Confirmed, Rejected]).prop_map(Happens::Says),
        3 => stop().prop_map(Happens::Paused),
        3 => prop::option::of(stop()).prop_map(Happens::Resumed),
        3 => prop::sample::select(vec!["S1", "S2", "S3", "S4"]).prop_map(Happens::Severity),
        1 => (6..10u8, 12..20u8).prop_map(|(opens, closes)| Happens::Office(opens, closes)),
    ];
    (prop_oneof![0..90i64, 0..1500i64], what)
}

/// What a severity change does, what a reopening does, and in how many days a repair is confirmed.
type Policies = (OnSeverityChange, OnReopen, Option<u32>);

/// Each metric under each severity but S4, in open time and in business days.
fn promise((change, reopen, days_to_confirm): Policies) -> Promise {
    let mut promise = terms()
        .promises(Metric::RootCause, "S1", open("PT5H"), OFFICE)
        .promises(Metric::RootCause, "S2", days(1, "close"), OFFICE)
        .promises(Metric::Respond, "S1", open("PT30M"), AROUND)
        .promises(Metric::Respond, "S2", open("PT1H"), OFFICE)
        .promises(Metric::Respond, "S3", days(1, "close"), OFFICE)
        .promises(Metric::Update, "S1", open("PT1H"), OFFICE)
        .promises(Metric::Update, "S2", open("PT3H"), AROUND)
        .promises(Metric::Update, "S3", days(1, "16:00"), OFFICE)
        .promises(Metric::Workaround, "S1", open("PT2H"), OFFICE)
        .held_only_by(&["FORCE"])
        .promises(Metric::Workaround, "S3", open("PT9H"), OFFICE)
        .promises(Metric::Restore, "S1", open("PT4H"), AROUND)
        .promises(Metric::Restore, "S2", days(0, "20:00"), OFFICE)
        .promises(Metric::Resolve, "S1", open("PT6H"), OFFICE)
        .promises(Metric::Resolve, "S2", open("PT10H"), OFFICE)
        .promises(Metric::Resolve, "S3", days(2, "same_time"), OFFICE)
        .on_change(change)
        .on_reopen(reopen);
    promise.confirmation = days_to_confirm.map(|business_days| Confirmation { business_days });
    promise
}

fn told(policies: Policies, happenings: &[(i64, Happens)]) -> Story {
    let mut story = Story::under(promise(policies));
    let mut now = at("Mon 08:00");
    story.reported(&shown(now), "S2");
    let mut edits = Vec::new();
    for (minutes, what) in happenings {
        now = now + minutes * MINUTE;
        let when = shown(now);
        match what {
            Happens::Says(kind) => story.says(*kind, &when),
            Happens::Paused(stop) => story.paused(&when, stop),
            Happens::Resumed(stop) => story.resumed(&when, *stop),
            Happens::Severity(severity) => story.severity(&when, severity),
            Happens::Office(opens, closes) => {
                let windows = json!([[format!("{opens:02}:00"), format!("{closes:02}:00")]]);
                edits.push((when, windows));
                0
            }
        };
    }
    edits.dedup_by(|later, earlier| later.0 == earlier.0);
    let edits: Vec<_> = edits
        .iter()
        .map(|(when, windows)| (when.as_str(), windows.clone()))
        .collect();
    story.office_edited(&edits);
    story
}

fn judged(story: &Story, events: &[Event], now: Moment) -> Vec<Clock> {
    judge(CaseId(1), &story.promise, &facts(events), &story.book, now).unwrap()
}

/// Names every breach: metric, run, interval and due moment.
fn breaches(clocks: &[Clock]) -> Vec<(Metric, i32, i32, Moment)> {
    let laps = clocks
        .iter()
        .flat_map(|clock| clock.laps.iter().map(move |lap| (clock.metric, lap)));
    laps.filter_map(|(metric, lap)| Some((metric, lap.run, lap.interval, lap.breached_at?)))
        .collect()
}

/// What an observer may rely on, whatever led there.
fn is_consistent(clock: &Clock, now: Moment) {
    let last = clock.current();
    let told = format!("{} at {}", words(clock), shown(now));
    match clock.state {
        ClockState::Running => {
            assert!(last.due_at.is_some(), "{told}");
            assert!(last.verdict.is_some() || last.due_at > Some(now), "{told}");
        }
        ClockState::Paused => assert_eq!(last.due_at, last.breached_at, "{told}"),
        ClockState::Pending => assert_eq!(last.due_at, None, "{told}"),
        ClockState::Awaiting => {
            assert!(last.confirmed_by > Some(now), "{told}");
            assert!(last.stopped_at.is_some(), "{told}");
        }
        ClockState::Met | ClockState::Missed => assert!(last.stopped_at.is_some(), "{told}"),
        ClockState::Cancelled => assert!(last.ended_at.is_some(), "{told}"),
    }
    let going = clock.state.is_open() || clock.state == ClockState::Pending;
    assert_eq!(last.ended_at.is_none(), going, "{told}");
    for lap in &clock.laps {
        assert!((0..=1000 * HOUR).contains(&lap.spent), "{told}");
        assert!(lap.started_at <= now, "{told}");
        match lap.verdict {
            Some(Verdict::Met) => {
                let stopped = lap.stopped_at.unwrap();
                assert!(lap.due_at.is_none_or(|due| stopped <= due), "{told}");
                // An edit counts for the whole of its day, also for what had been used of it.
                assert!(lap.spent <= lap.budget || lap.revision > 1, "{told}");
            }
            Some(Verdict::Missed) => {
                assert_eq!(lap.breached_at, lap.due_at, "{told}");
                assert!(lap.due_at.unwrap() <= now, "{told}");
                assert!(
                    lap.stopped_at.is_none_or(|at| Some(at) >= lap.due_at),
                    "{told}"
                );
                assert!(
                    lap.late_open().unwrap().is_none_or(|late| late >= 0),
                    "{told}"
                );
            }
            None => assert_eq!(lap.breached_at, None, "{told}"),
        }
    }
    let laps: Vec<_> = clock
        .laps
        .iter()
        .map(|lap| (lap.run, lap.interval))
        .collect();
    assert!(laps.is_sorted() && laps[0] == (1, 1), "{told}");
}

fn policies() -> impl Strategy<Value = Policies> {
    (
        prop::sample::select(OnSeverityChange::ALL),
        prop::sample::select(OnReopen::ALL),
        prop::option::of(1..3u32),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens afterwards, a breach that was noticed stays, at its moment; and at every moment
    /// the clocks make sense.
    #[test]
    fn nothing_that_happens_later_removes_a_breach(
        policies in policies(),
        happenings in prop::collection::vec(happens(), 1..14),
    ) {
        let story = told(policies, &happenings);
        let end = at("Mon++ 00:00");
        let last = breaches(&judged(&story, &story.events, end));
        for count in 1..=story.events.len() {
            let (known, later) = story.events.split_at(count);
            // Just before the next event: an answer in the microsecond of a deadline is in time.
            let until = later.first().map_or(end, |next| next.occurred_at - 1);
            for now in [known[count - 1].occurred_at, until] {
                if now < known[count - 1].occurred_at {
                    continue;
                }
                let clocks = judged(&story, known, now);
                for clock in &clocks {
                    is_consistent(clock, now);
                }
                if now == until {
                    for breach in breaches(&clocks) {
                        prop_assert!(last.contains(&breach), "{breach:?} known at {} is gone in {last:?}", shown(now));
                    }
                }
            }
        }
    }

    /// Typed live or entered whole after the fact, in any order, a timeline means the same.
    #[test]
    fn the_order_of_entry_means_nothing(
        policies in policies(),
        happenings in prop::collection::vec(happens(), 1..12),
        seed in any::<u64>(),
    ) {
        // Events of one moment keep the order in which they were entered, so let there be none.
        let apart: Vec<_> = happenings.into_iter().map(|(minutes, what)| (minutes + 1, what)).collect();
        let story = told(policies, &apart);
        let mut shuffled = story.clone();
        let mut state = seed | 1;
        shuffled.events.sort_by_key(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 33
        });
        for (seq, event) in (1..).zip(&mut shuffled.events) {
            event.seq = seq;
        }
        for metric in Metric::ALL {
            prop_assert_eq!(story.stands(*metric, "Mon++ 00:00"), shuffled.stands(*metric, "Mon++ 00:00"));
        }
    }

    /// Whatever happens, every clock explains itself, at every moment, and the lines add up.
    #[test]
    fn every_explanation_adds_up(
        policies in policies(),
        happenings in prop::collection::vec(happens(), 1..14),
        cancelled in prop::option::of(any::<bool>()),
    ) {
        let mut story = told(policies, &happenings);
        if let Some(void) = cancelled {
            let last = story.events[story.events.len() - 1].occurred_at + 90 * MINUTE;
            let fields = Fields { void, ..Fields::default() };
            story.enters(EventKind::Cancelled, &shown(last), fields);
        }
        for count in 1..=story.events.len() {
            let (known, later) = story.events.split_at(count);
            let until = later.first().map_or(at("Mon++ 00:00"), |next| next.occurred_at - 1);
            let known = Story { events: known.to_vec(), ..story.clone() };
            for now in [known.events[count - 1].occurred_at, until] {
                if now < known.events[count - 1].occurred_at {
                    continue;
                }
                for metric in Metric::ALL {
                    known.explained_at(*metric, now);
                }
            }
        }
    }
}
