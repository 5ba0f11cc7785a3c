//! One case under terms of its own: events are entered by hand, and its clocks judged whenever asked.
//!
//! Moments are written as a weekday of the week from Monday, 16 November 2026 and a time in UTC,
//! `"Tue 09:30"`; a `+` after the day means the week after, `"Mon+ 10:00"`.

use std::sync::Arc;

use redress::domain::calendar::{Calendar, Hours, Layer};
use redress::domain::calendar_book::{CalendarBook, View};
use redress::domain::clock::{Clock, Explanation, Lap, Verdict, explain, judge};
use redress::domain::duration;
use redress::domain::terms::{
    Commitment, Confirmation, OnReopen, OnSeverityChange, Promise, RootCauseFrom,
};
use redress::domain::timeline::{Event, Fields, facts};
use redress::domain::words::{EventKind, Metric, Source};
use redress::domain::{CalendarId, CaseId, IncidentId};
use redress::time::{DAY, HOUR, MINUTE, Micros, Moment, SECOND};
use serde_json::{Value, json};

/// Monday to Friday, 09:00 to 17:00 UTC.
pub const OFFICE: i64 = 1;
/// 24 hours, every day.
pub const AROUND: i64 = 2;

const WEEK: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

fn monday() -> Moment {
    Moment::parse("2026-11-16T00:00:00Z").unwrap()
}

/// Reads `"Tue 09:30"`, `"Tue 09:30:00.000001"` or `"Mon+ 10:00"`.
pub fn at(text: &str) -> Moment {
    let (day, time) = text.split_once(' ').expect("a day and a time");
    let weeks = day.matches('+').count() as i64;
    let day = day.trim_end_matches('+');
    let day = WEEK
        .iter()
        .position(|name| *name == day)
        .expect("a weekday") as i64;
    let mut parts = time.split(':');
    let mut next = || {
        parts
            .next()
            .map_or(0.0, |part| part.parse::<f64>().unwrap())
    };
    let (hours, minutes, seconds) = (next() as i64, next() as i64, next());
    let seconds = (seconds * SECOND as f64).round() as i64;
    monday() + (weeks * 7 + day) * DAY + hours * HOUR + minutes * MINUTE + seconds
}

/// The reverse of [`at`].
pub fn shown(moment: Moment) -> String {
    let since = moment - monday();
    let (day, time) = (since.div_euclid(DAY), since.rem_euclid(DAY));
    let weeks = "+".repeat(usize::try_from(day.div_euclid(7)).unwrap_or(0));
    let day = WEEK[usize::try_from(day.rem_euclid(7)).unwrap()];
    let mut text = format!(
        "{day}{weeks} {:02}:{:02}",
        time / HOUR,
        time % HOUR / MINUTE
    );
    if time % MINUTE != 0 {
        text += &format!(":{:02}.{:06}", time % MINUTE / SECOND, time % SECOND);
    }
    text
}

/// A target of open time.
pub fn open(text: &str) -> Value {
    json!({"open_time": text})
}

/// A target of business days.
pub fn days(days: u32, at: &str) -> Value {
    json!({"business_days": days, "at": at})
}

/// Terms with the severities S1 to S4, four clock stops and no commitment yet.
///
/// `ACCESS` and `FORCE` hold every metric, `PARTS` holds `resolve` only, `MAINT` needs both sides.
pub fn terms() -> Promise {
    let stop = |code: &str, metrics: &[&str], needs: bool| json!({"code": code, "clause": "9.1", "name": code, "metrics": metrics, "needs_agreement": needs});
    let all = [
        "respond",
        "update",
        "workaround",
        "restore",
        "resolve",
        "root_cause",
    ];
    let severities = ["S1", "S2", "S3", "S4"].map(|code| json!({"code": code, "name": code}));
    serde_json::from_value(json!({
        "currency": "EUR",
        "monthly_fee": null,
        "severities": severities,
        "clock_stops": [
            stop("ACCESS", &all, false),
            stop("FORCE", &all, false),
            stop("PARTS", &["resolve"], false),
            stop("MAINT", &all, true),
        ],
        "commitments": [],
        "on_severity_change": "from_start",
        "on_reopen": "continue",
        "ladder": [],
    }))
    .unwrap()
}

/// Builds terms one clause after the other.
pub trait Promises: Sized {
    /// Adds a commitment.
    fn promises(self, metric: Metric, severity: &str, target: Value, calendar: i64) -> Self;
    /// Adds the same commitment with only these clock stops.
    fn held_only_by(self, stops: &[&str]) -> Self;
    /// What a severity change does.
    fn on_change(self, policy: OnSeverityChange) -> Self;
    /// What a reopening does.
    fn on_reopen(self, policy: OnReopen) -> Self;
    /// A repair counts once we confirm it.
    fn confirmed_within(self, business_days: u32) -> Self;
    /// What the clock of the cause starts with.
    fn cause_from(self, start: RootCauseFrom) -> Self;
}

impl Promises for Promise {
    fn promises(mut self, metric: Metric, severity: &str, target: Value, calendar: i64) -> Self {
        self.commitments.push(Arc::new(Commitment {
            clause: format!("4.{}", self.commitments.len() + 1),
            metric,
            severity: severity.to_string(),
            target: serde_json::from_value(target).unwrap(),
            calendar_id: CalendarId(calendar),
            stops: None,
            remedy: String::new(),
        }));
        self
    }

    fn held_only_by(mut self, stops: &[&str]) -> Self {
        let last = self.commitments.last_mut().expect("a commitment");
        Arc::make_mut(last).stops = Some(stops.iter().map(|stop| stop.to_string()).collect());
        self
    }

    fn on_change(mut self, policy: OnSeverityChange) -> Self {
        self.on_severity_change = policy;
        self
    }

    fn on_reopen(mut self, policy: OnReopen) -> Self {
        self.on_reopen = policy;
        self
    }

    fn confirmed_within(mut self, business_days: u32) -> Self {
        self.confirmation = Some(Confirmation { business_days });
        self
    }

    fn cause_from(mut self, start: RootCauseFrom) -> Self {
        self.root_cause_from = start;
        self
    }
}

/// A calendar of one layer.
pub fn calendar(name: &str, zone: &str, week: &Value, exceptions: &Value) -> Calendar {
    let hours = hours(zone, week, exceptions);
    Calendar::new(name, vec![Layer { from: None, hours }])
}

fn hours(zone: &str, week: &Value, exceptions: &Value) -> Hours {
    serde_json::from_value(json!({"time_zone": zone, "week": week, "exceptions": exceptions}))
        .unwrap()
}

/// The same windows from Monday to Friday.
pub fn workdays(windows: &Value) -> Value {
    json!({"mon": windows, "tue": windows, "wed": windows, "thu": windows, "fri": windows})
}

fn every_day() -> Value {
    let windows = json!([["00:00", "24:00"]]);
    let mut week = workdays(&windows);
    week["sat"] = windows.clone();
    week["sun"] = windows;
    week
}

fn view(revision: i64, calendar: Calendar) -> View {
    View {
        revision,
        calendar: Arc::new(calendar),
    }
}

/// One case's timeline and all that it is judged by.
#[derive(Clone)]
pub struct Story {
    pub promise: Promise,
    pub book: CalendarBook,
    pub events: Vec<Event>,
}

impl Story {
    /// Nothing has happened yet.
    pub fn under(promise: Promise) -> Self {
        let office = calendar(
            "Office",
            "UTC",
            &workdays(&json!([["09:00", "17:00"]])),
            &json!([]),
        );
        let around = calendar("Around the clock", "UTC", &every_day(), &json!([]));
        let mut book = CalendarBook::default();
        book.insert(CalendarId(OFFICE), "Office".into(), view(1, office), vec![]);
        book.insert(CalendarId(AROUND), "Around".into(), view(1, around), vec![]);
        Self {
            promise,
            book,
            events: Vec::new(),
        }
    }

    /// Judges the clocks of that number by another calendar.
    pub fn counts_in(&mut self, id: i64, calendar: Calendar) {
        let name = calendar.name().to_string();
        self.book
            .insert(CalendarId(id), name, view(1, calendar), vec![]);
    }

    /// The office calendar has other windows on its working days, for local dates from that moment's
    /// date on, as the edits say that were made one after the other.
    pub fn office_edited(&mut self, edits: &[(&str, Value)]) {
        let first = hours("UTC", &workdays(&json!([["09:00", "17:00"]])), &json!([]));
        let mut layers = vec![Layer {
            from: None,
            hours: first,
        }];
        let first = view(1, Calendar::new("Office", layers.clone()));
        let mut views = Vec::new();
        for (revision, (made, windows)) in (2..).zip(edits) {
            layers.push(Layer {
                from: Some(at(made).utc().date_naive()),
                hours: hours("UTC", &workdays(windows), &json!([])),
            });
            views.push((
                at(made),
                view(revision, Calendar::new("Office", layers.clone())),
            ));
        }
        self.book
            .insert(CalendarId(OFFICE), "Office".into(), first, views);
    }

    /// Enters an event with what it carries and answers its number.
    pub fn enters(&mut self, kind: EventKind, when: &str, fields: Fields) -> i64 {
        let seq = self.events.len() as i64 + 1;
        self.events.push(Event {
            id: seq,
            incident_id: IncidentId(1),
            seq,
            case_id: Some(CaseId(1)),
            kind,
            occurred_at: at(when),
            recorded_at: at(when),
            person_id: None,
            source: Source::Api,
            fields,
            text_hashes: "{}".into(),
            previous_hash: String::new(),
            hash: String::new(),
        });
        seq
    }

    /// Enters an event that carries nothing beside its moment.
    pub fn says(&mut self, kind: EventKind, when: &str) -> i64 {
        self.enters(kind, when, Fields::default())
    }

    /// So much data was lost, in seconds.
    pub fn lost(&mut self, seconds: i64, when: &str) -> i64 {
        let seconds = Some(seconds);
        self.enters(
            EventKind::DataLoss,
            when,
            Fields {
                seconds,
                ..Fields::default()
            },
        )
    }

    /// The case begins.
    pub fn reported(&mut self, when: &str, severity: &str) -> i64 {
        let severity = Some(severity.to_string());
        self.enters(
            EventKind::Reported,
            when,
            Fields {
                severity,
                ..Fields::default()
            },
        )
    }

    /// The severity becomes another.
    pub fn severity(&mut self, when: &str, severity: &str) -> i64 {
        let severity = Some(severity.to_string());
        self.enters(
            EventKind::SeverityChanged,
            when,
            Fields {
                severity,
                ..Fields::default()
            },
        )
    }

    /// A clock stop begins.
    pub fn paused(&mut self, when: &str, stop: &str) -> i64 {
        let stop = Some(stop.to_string());
        self.enters(
            EventKind::Paused,
            when,
            Fields {
                stop,
                ..Fields::default()
            },
        )
    }

    /// A clock stop ends; without a code all end.
    pub fn resumed(&mut self, when: &str, stop: Option<&str>) -> i64 {
        let stop = stop.map(str::to_string);
        self.enters(
            EventKind::Resumed,
            when,
            Fields {
                stop,
                ..Fields::default()
            },
        )
    }

    /// The other side answers a pause.
    pub fn answers(&mut self, kind: EventKind, when: &str, pause: i64) -> i64 {
        let concerns = Some(pause);
        self.enters(
            kind,
            when,
            Fields {
                concerns,
                ..Fields::default()
            },
        )
    }

    /// An event happened at another moment.
    pub fn moved(&mut self, seq: i64, right: &str) -> i64 {
        self.corrects(
            seq,
            Fields {
                corrected_at: Some(at(right)),
                ..Fields::default()
            },
        )
    }

    /// An event did not happen.
    pub fn taken_back(&mut self, seq: i64) -> i64 {
        self.corrects(
            seq,
            Fields {
                taken_back: true,
                ..Fields::default()
            },
        )
    }

    /// An event is set right.
    pub fn corrects(&mut self, seq: i64, fields: Fields) -> i64 {
        let fields = Fields {
            corrects: Some(seq),
            ..fields
        };
        self.enters(EventKind::Corrected, "Sun+ 12:00", fields)
    }

    /// The clock of that metric, if it has one at that moment.
    pub fn find(&self, metric: Metric, now: &str) -> Option<Clock> {
        let facts = facts(&self.events);
        let clocks = judge(CaseId(1), &self.promise, &facts, &self.book, at(now)).unwrap();
        clocks.into_iter().find(|clock| clock.metric == metric)
    }

    /// Explains every lap of the clock of that metric, and sees to it that each explanation adds up to
    /// what was judged.
    pub fn explained(&self, metric: Metric, now: &str) -> Vec<Explanation> {
        self.explained_at(metric, at(now))
    }

    /// The same for a moment.
    pub fn explained_at(&self, metric: Metric, now: Moment) -> Vec<Explanation> {
        let facts = facts(&self.events);
        let clocks = judge(CaseId(1), &self.promise, &facts, &self.book, now).unwrap();
        let judged = clocks.iter().find(|clock| clock.metric == metric);
        let explained = explain(CaseId(1), metric, &self.promise, &facts, &self.book, now).unwrap();
        let (judged, explained) = match (judged, explained) {
            (Some(judged), Some(explained)) => (judged, explained),
            (None, None) => return Vec::new(),
            (judged, _) => panic!("only one of the two has a clock of {metric}: {judged:?}"),
        };
        assert_eq!(words(judged), words(&explained.clock));
        let explain = |lap: &Lap| {
            let explanation = explained.lap(lap.run, lap.interval).unwrap().unwrap();
            if let Err(wrong) = explanation.check(lap) {
                panic!(
                    "{metric} {}.{} at {}: {wrong}\n{}\n{}",
                    lap.run,
                    lap.interval,
                    shown(now),
                    words(judged),
                    lines(&explanation).join("\n")
                );
            }
            explanation
        };
        judged.laps.iter().map(explain).collect()
    }

    /// How a clock stands at that moment, in words: its state, then each of its laps.
    pub fn stands(&self, metric: Metric, now: &str) -> String {
        match self.find(metric, now) {
            Some(clock) => words(&clock),
            None => "no clock".to_string(),
        }
    }
}

/// A clock in words: its state, then each of its laps.
pub fn words(clock: &Clock) -> String {
    let laps: Vec<String> = clock.laps.iter().map(|lap| told(clock, lap)).collect();
    format!("{}: {}", clock.state, laps.join("; "))
}

/// A lap in words: when it is due, how much of its budget is used, how and when it ended.
fn told(clock: &Clock, lap: &Lap) -> String {
    let mut text = String::new();
    if clock.laps.len() > 1 {
        text += &format!("{}.{} ", lap.run, lap.interval);
    }
    text += &match lap.due_at {
        Some(due) => format!("due {}", shown(due)),
        None => "not due".to_string(),
    };
    text += &format!(
        ", used {} of {}",
        duration::write(lap.spent),
        duration::write(lap.budget)
    );
    text += match lap.verdict {
        Some(Verdict::Met) => ", met",
        Some(Verdict::Missed) => ", missed",
        None => "",
    };
    if let Some(stopped) = lap.stopped_at {
        text += &format!(" at {}", shown(stopped));
    }
    if let Some(late) = lap.late_open().unwrap() {
        text += &format!(", late {}", written(late));
    }
    assert_eq!(
        lap.breached_at.is_some(),
        lap.verdict == Some(Verdict::Missed),
        "{text}"
    );
    assert!(
        lap.breached_at.is_none_or(|at| Some(at) == lap.due_at),
        "{text}"
    );
    text
}

fn written(length: Micros) -> String {
    duration::write(length)
}

/// The lines of an explanation in words: when, what, and how much is used by then.
pub fn lines(explanation: &Explanation) -> Vec<String> {
    use redress::domain::clock::{Ground, Part, Shut, StopGround, What};
    let stop = |ground: &StopGround| match ground.agreed {
        Some(by) => format!("{} #{} agreed #{by}", ground.code, ground.seq),
        None => format!("{} #{}", ground.code, ground.seq),
    };
    let grounds = |grounds: &[Ground]| {
        let grounds: Vec<String> = grounds
            .iter()
            .map(|ground| match ground {
                Ground::Stop(ground) => stop(ground),
                Ground::Gap { reopened } => format!("stopped until #{reopened}"),
            })
            .collect();
        grounds.join(" and ")
    };
    let due = |due: Option<Moment>| due.map_or("none".to_string(), shown);
    let mut told = Vec::new();
    for line in &explanation.lines {
        let what = match &line.what {
            What::Started(None) => "starts as the one before ran out".to_string(),
            What::Started(Some((kind, seq))) => format!("starts: {kind} #{seq}"),
            What::Open(_) => "open".to_string(),
            What::BeforeDayZero(_) => "open, before day 0".to_string(),
            What::Held(_, of) => format!("held by {}", grounds(of)),
            What::Shut(Shut::OutsideHours) => "closed".to_string(),
            What::Shut(Shut::Holiday(_, name)) => format!("closed: {name}"),
            What::Shut(Shut::SpecialHours(_, name, windows)) => {
                let windows: Vec<String> = windows.iter().map(ToString::to_string).collect();
                format!("closed: {name} {}", windows.join(", "))
            }
            What::Idle => "nothing promised".to_string(),
            What::Skipped(date) => format!("no {date}"),
            What::BusinessDay(number, date) => format!("day {number} {}", date.format("%a %d")),
            What::NoBusinessDay(date, why) => format!("{} {why:?}", date.format("%a %d")),
            What::Paused(ground) => format!("paused {}", stop(ground)),
            What::NotPaused(ground, why) => format!("not paused {}: {why:?}", stop(ground)),
            What::Resumed(ground, seq) => format!("{} ends #{seq}", ground.code),
            What::Stopped(Some((kind, seq))) => format!("stopped: {kind} #{seq}"),
            What::Stopped(None) => "stopped".to_string(),
            What::Awaiting(until) => format!("waits for a yes until {}", shown(*until)),
            What::Confirmed(at, Some(seq)) => format!("confirmed {} #{seq}", shown(*at)),
            What::Confirmed(at, None) => format!("confirmed by silence {}", shown(*at)),
            What::Rejected(seq, by) => format!("#{seq} rejected by #{}", by.unwrap_or_default()),
            What::Waits => "waits".to_string(),
            What::Measured(seq, lost) => format!("lost {} #{seq}", duration::write(*lost)),
            What::Reopened(seq, policy) => format!("reopened #{seq}: {policy}"),
            What::Severity(turn) => format!(
                "{} -> {} #{}: {:?}, used {}, due {} -> {}",
                turn.from.clone().unwrap_or_default(),
                turn.to,
                turn.seq.unwrap_or_default(),
                turn.effect,
                turn.used
                    .map_or("nothing".to_string(), |(used, whole)| format!(
                        "{} of {}",
                        duration::write(used),
                        duration::write(whole)
                    )),
                due(turn.due_before),
                due(turn.due_after)
            ),
            What::Edited {
                before,
                after,
                due_before,
                due_after,
            } => format!(
                "calendar {before} -> {after}, due {} -> {}",
                due(*due_before),
                due(*due_after)
            ),
            What::Cancelled(seq, void) => {
                format!("cancelled #{seq}{}", if *void { ", void" } else { "" })
            }
            What::Followed => "the next one is late from here on".to_string(),
            What::Written(written) => format!("written {}", shown(*written)),
            What::Now(held) => format!("now{}", if *held { ", held" } else { "" }),
            What::Due {
                written,
                floor,
                provisional,
            } => {
                let mut text = "due".to_string();
                if *written {
                    text += " as written";
                }
                if let Some(edit) = floor {
                    text += &format!(" not before the edit of {}", shown(*edit));
                }
                if *provisional {
                    text += ", provisional";
                }
                text
            }
        };
        let when = match line.to == line.from {
            true => shown(line.from),
            false => format!("{} to {}", shown(line.from), shown(line.to)),
        };
        let part = match line.part {
            Part::Earlier => " (earlier)",
            Part::Counts => "",
            Part::Rest => " (rest)",
            Part::Late => " (late)",
        };
        told.push(format!(
            "{when}{part}: {what} = {}",
            duration::write(line.total)
        ));
    }
    told
}
