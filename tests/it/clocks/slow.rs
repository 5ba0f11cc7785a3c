//! A second clock, slow and obvious: it counts minute by minute and is compared with ours.

use std::collections::BTreeSet;

use proptest::prelude::*;
use redress::domain::terms::OnReopen::{AsIfNeverResolved, Continue, Restart};
use redress::domain::terms::OnSeverityChange::{FromChange, FromStart};
use redress::domain::terms::{OnReopen, OnSeverityChange};
use redress::domain::words::{EventKind, Metric};
use redress::time::{MINUTE, Moment};
use serde_json::json;

use super::story::*;

/// Minutes since Monday, 00:00.
type Minute = i64;

/// Monday to Friday, 08:00 to 12:00 and 13:00 to 17:30.
fn is_open(minute: Minute) -> bool {
    let (day, time) = (minute / 1440 % 7, minute % 1440);
    day < 5 && ((480..720).contains(&time) || (780..1050).contains(&time))
}

/// Budgets in minutes.
const BUDGETS: [(&str, i64); 3] = [("S1", 200), ("S2", 500), ("S3", 1300)];

fn budget(severity: &str) -> i64 {
    BUDGETS
        .iter()
        .find(|(code, _)| *code == severity)
        .unwrap()
        .1
}

#[derive(Clone, Copy, Debug)]
enum Happens {
    Paused(&'static str),
    Resumed(Option<&'static str>),
    Resolved,
    Reopened,
    Severity(&'static str),
}

/// How one run of the slow clock stands.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Run {
    breached: Option<Minute>,
    stopped: Option<Minute>,
    used: i64,
}

struct Slow {
    change: OnSeverityChange,
    reopen: OnReopen,
    severity: &'static str,
    stops: BTreeSet<&'static str>,
    /// Minutes that count, since the run began.
    counted: Vec<Minute>,
    /// From where the present target counts.
    base: Minute,
    breached: Option<Minute>,
    stopped: Option<Minute>,
    /// Open, unpaused minutes since the stop.
    meanwhile: Vec<Minute>,
    deferred: Vec<(Minute, &'static str)>,
    runs: Vec<Run>,
}

impl Slow {
    fn used(&self) -> i64 {
        self.counted.iter().filter(|at| **at >= self.base).count() as i64
    }

    fn count(&mut self, minute: Minute) {
        self.counted.push(minute);
        if self.breached.is_none() && self.used() == budget(self.severity) {
            self.breached = Some(minute + 1);
        }
    }

    fn severity(&mut self, at: Minute, severity: &'static str) {
        self.severity = severity;
        if self.breached.is_some() {
            return;
        }
        self.base = match self.change {
            FromStart => Minute::MIN,
            _ => at,
        };
        // Never late for what could not be known.
        if self.used() >= budget(severity) {
            self.base = at;
        }
    }

    fn happens(&mut self, at: Minute, what: Happens) {
        match what {
            Happens::Paused(stop) => {
                self.stops.insert(stop);
            }
            Happens::Resumed(None) => self.stops.clear(),
            Happens::Resumed(Some(stop)) => {
                self.stops.remove(stop);
            }
            Happens::Resolved => {
                self.stops.clear();
                if self.stopped.is_none() {
                    self.stopped = Some(at);
                    self.meanwhile.clear();
                }
            }
            Happens::Reopened if self.stopped.is_some() => self.reopened(at),
            Happens::Severity(severity) if self.stopped.is_some() => {
                self.deferred.push((at, severity));
            }
            Happens::Severity(severity) => self.severity(at, severity),
            Happens::Reopened => {}
        }
    }

    fn reopened(&mut self, _: Minute) {
        let deferred = std::mem::take(&mut self.deferred);
        let mut meanwhile = std::mem::take(&mut self.meanwhile);
        if self.reopen == Restart {
            self.runs.push(self.run());
            self.severity = deferred
                .last()
                .map_or(self.severity, |(_, severity)| severity);
            (self.counted, self.base, self.breached) = (Vec::new(), Minute::MIN, None);
        } else {
            if self.reopen == Continue {
                meanwhile.clear();
            }
            let mut meanwhile = meanwhile.into_iter().peekable();
            for (changed, severity) in deferred {
                while let Some(minute) = meanwhile.next_if(|minute| *minute < changed) {
                    self.count(minute);
                }
                self.severity(changed, severity);
            }
            meanwhile.for_each(|minute| self.count(minute));
        }
        self.stopped = None;
    }

    fn run(&self) -> Run {
        Run {
            // A budget used up with the stop itself is met.
            breached: self.breached.filter(|due| Some(*due) != self.stopped),
            stopped: self.stopped,
            used: self.counted.iter().filter(|at| **at >= self.base).count() as i64,
        }
    }

    fn passes(&mut self, minute: Minute) {
        if !is_open(minute) || !self.stops.is_empty() {
            return;
        }
        match self.stopped {
            None => self.count(minute),
            Some(_) => self.meanwhile.push(minute),
        }
    }
}

/// The runs by then, and when the last falls due if nothing else happens.
fn slowly(
    change: OnSeverityChange,
    reopen: OnReopen,
    happenings: &[(Minute, Happens)],
    now: Minute,
) -> (Vec<Run>, Option<Minute>) {
    let mut slow = Slow {
        change,
        reopen,
        severity: "S2",
        stops: BTreeSet::new(),
        counted: Vec::new(),
        base: Minute::MIN,
        breached: None,
        stopped: None,
        meanwhile: Vec::new(),
        deferred: Vec::new(),
        runs: Vec::new(),
    };
    let mut rest = happenings;
    let mut minute = START;
    loop {
        while let Some((at, what)) = rest.first().filter(|(at, _)| *at <= minute) {
            slow.happens(*at, *what);
            rest = &rest[1..];
        }
        if minute >= now {
            break;
        }
        slow.passes(minute);
        minute += 1;
    }
    let last = slow.run();
    let mut runs = slow.runs.clone();
    runs.push(last.clone());
    while last.stopped.is_none() && slow.stops.is_empty() && slow.breached.is_none() {
        slow.passes(minute);
        minute += 1;
    }
    (runs, slow.breached.filter(|_| last.stopped.is_none()))
}

/// Monday, 09:10.
const START: Minute = 550;

fn moment(minute: Minute) -> Moment {
    at("Mon 00:00") + minute * MINUTE
}

fn happens() -> impl Strategy<Value = (Minute, Happens)> {
    let stop = || prop::sample::select(vec!["ACCESS", "FORCE", "PARTS"]);
    let what = prop_oneof![
        3 => stop().prop_map(Happens::Paused),
        3 => prop::option::of(stop()).prop_map(Happens::Resumed),
        2 => Just(Happens::Resolved),
        3 => Just(Happens::Reopened),
        2 => prop::sample::select(vec!["S1", "S2", "S3"]).prop_map(Happens::Severity),
    ];
    // Often on the same minute, in the same hours, or over a weekend.
    (prop_oneof![Just(0), 0..30i64, 0..200i64, 0..4000i64], what)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_clock_that_counts_minutes_says_the_same(
        change in prop::sample::select(vec![FromStart, FromChange]),
        reopen in prop::sample::select(vec![Continue, AsIfNeverResolved, Restart]),
        gaps in prop::collection::vec(happens(), 0..12),
        after in 0..6000i64,
    ) {
        let mut promise = terms().on_change(change).on_reopen(reopen);
        for (severity, minutes) in BUDGETS {
            promise = promise.promises(Metric::Resolve, severity, open(&format!("PT{minutes}M")), 3);
        }
        let mut story = Story::under(promise);
        let week = workdays(&json!([["08:00", "12:00"], ["13:00", "17:30"]]));
        story.counts_in(3, calendar("Lunch", "UTC", &week, &json!([])));
        story.reported(&shown(moment(START)), "S2");
        let mut happenings = Vec::new();
        let mut now = START;
        for (gap, what) in gaps {
            now += gap;
            happenings.push((now, what));
            let when = shown(moment(now));
            match what {
                Happens::Paused(stop) => story.paused(&when, stop),
                Happens::Resumed(stop) => story.resumed(&when, stop),
                Happens::Resolved => story.says(EventKind::Resolved, &when),
                Happens::Reopened => story.says(EventKind::Reopened, &when),
                Happens::Severity(severity) => story.severity(&when, severity),
            };
        }
        now += after;
        let (runs, due) = slowly(change, reopen, &happenings, now);
        let clock = story.find(Metric::Resolve, &shown(moment(now))).unwrap();
        let ours: Vec<Run> = clock
            .laps
            .iter()
            .map(|lap| Run {
                breached: lap.breached_at.map(minute),
                stopped: lap.stopped_at.map(minute),
                used: lap.spent / MINUTE,
            })
            .collect();
        prop_assert_eq!(&ours, &runs, "{}", words(&clock));
        let last = clock.current();
        if last.stopped_at.is_none() {
            prop_assert_eq!(last.due_at.map(minute), due, "{}", words(&clock));
        }
    }
}

fn minute(moment: Moment) -> Minute {
    let since = moment - at("Mon 00:00");
    assert_eq!(since % MINUTE, 0, "{moment}");
    since / MINUTE
}
