//! What happens in the half year: when incidents are raised, and how each goes on.

use serde_json::{Value, json};

use super::chance::Chance;
use super::contracts::Signed;
use crate::domain::clock::ClockRow;
use crate::domain::words::{EventKind, Metric};
use crate::time::{DAY, HOUR, MINUTE, Micros, Moment, SECOND};

/// An incident that will be raised.
pub(super) struct Raising {
    pub(super) at: Moment,
    /// Place in the list of contracts.
    pub(super) contract: usize,
    pub(super) severity: String,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) vendor_reference: String,
    pub(super) drill: bool,
    /// Raised in the last hours: not over yet.
    recent: bool,
}

/// Something that will be recorded of an incident.
pub(super) struct Act {
    pub(super) at: Moment,
    pub(super) event: Value,
    /// The event carries, in `field`, the number of the last event of that kind.
    pub(super) about: Option<EventKind>,
    pub(super) field: &'static str,
}

/// The incidents of the period, the last few of them within its last hours.
pub(super) fn raisings(
    signed: &[Signed],
    from: Moment,
    until: Moment,
    count: usize,
    chance: &mut Chance,
) -> Vec<Raising> {
    let recent = 12;
    let mut raised = Vec::with_capacity(count);
    for number in 0..count {
        let contract = number % signed.len();
        let late = number + recent >= count;
        let at = if late {
            until - chance.between(0.05, 26.0).mul_add(HOUR as f64, 0.0) as Micros
        } else {
            from + chance.between(0.0, ((until - from) - 2 * DAY) as f64) as Micros
        };
        let at = Moment::from_micros(at.micros() / SECOND * SECOND);
        let of = &signed[contract];
        raised.push(Raising {
            at,
            contract,
            severity: severity(of, chance),
            title: (*chance.pick(of.titles)).to_string(),
            description: (*chance.pick(DESCRIPTIONS)).to_string(),
            vendor_reference: if chance.happens(0.7) {
                format!("{}{:04}", of.reference, 1000 + number * 7)
            } else {
                String::new()
            },
            drill: !late && chance.happens(0.03),
            recent: late,
        });
    }
    raised
}

const DESCRIPTIONS: &[&str] = &[
    "Monitoring raised it; confirmed by hand from two places.",
    "Reported by the branch by telephone. Restarting did not help.",
    "Began with the maintenance of last night.",
    "Customers are affected; the hotline has been told what to say.",
    "Seen for the second time this month.",
    "",
];

fn severity(of: &Signed, chance: &mut Chance) -> String {
    let mut left = chance.share();
    for (code, weight) in of.severities {
        if left < *weight {
            return (*code).to_string();
        }
        left -= weight;
    }
    of.severities[of.severities.len() - 1].0.to_string()
}

/// How the incident goes on, planned against the deadlines that its clocks have when it is raised.
pub(super) fn acts(
    clocks: &[ClockRow],
    signed: &Signed,
    raising: &Raising,
    chance: &mut Chance,
) -> Vec<Act> {
    let mut script = Script {
        clocks,
        start: raising.at,
        acts: Vec::new(),
    };
    if chance.happens(0.03) {
        script.add(
            2 * HOUR,
            json!({"kind": "cancelled", "reason": "raised twice; see the other incident"}),
        );
        return script.acts;
    }
    let promptness = if chance.happens(0.78) {
        chance.between(0.15, 0.95)
    } else {
        chance.between(1.05, 2.2)
    };
    let answered = script.by(Metric::Respond, promptness, HOUR);
    if raising.recent && chance.happens(0.5) {
        return script.acts;
    }
    script.responded(answered, chance);
    let over = [
        (Metric::Restore, 6 * HOUR),
        (Metric::Resolve, 20 * HOUR),
        (Metric::Workaround, 8 * HOUR),
    ]
    .into_iter()
    .find(|(metric, _)| script.clock(*metric).is_some());
    let (main, usual) = over.unwrap_or((Metric::Resolve, 9 * HOUR));
    let speed = if chance.happens(0.8) {
        chance.between(0.3, 0.92)
    } else {
        chance.between(1.02, 1.6)
    };
    let mut ended = script.by(main, speed, usual).max(answered + 20 * MINUTE);
    script.updates(answered, ended, chance);
    if let Some(stop) = signed.stop.filter(|_| chance.happens(0.18)) {
        ended = ended + script.pause(stop, answered, ended, chance);
    }
    if let Some(stop) = signed.agreed_stop.filter(|_| chance.happens(0.1)) {
        script.agreed_pause(stop, answered, ended, chance);
    }
    if chance.happens(0.07) {
        let code = signed.severities[1].0;
        if code != raising.severity {
            script.add((ended - answered) / 3 + (answered - raising.at), json!({"kind": "severity_changed", "severity": code, "reason": "a second site is affected"}));
        }
    }
    if raising.recent && chance.happens(0.6) {
        return script.acts;
    }
    script.ending(main, ended, signed.confirms, chance);
    script.acts
}

struct Script<'a> {
    clocks: &'a [ClockRow],
    start: Moment,
    acts: Vec<Act>,
}

impl Script<'_> {
    fn clock(&self, metric: Metric) -> Option<&ClockRow> {
        self.clocks.iter().find(|clock| clock.metric == metric)
    }

    /// The moment at which that share of the way to the deadline is gone.
    fn by(&self, metric: Metric, share: f64, otherwise: Micros) -> Moment {
        let due = self
            .clock(metric)
            .and_then(|clock| clock.due_at)
            .unwrap_or(self.start + otherwise);
        self.start + ((due - self.start) as f64 * share) as Micros
    }

    fn add(&mut self, after: Micros, event: Value) {
        self.push(self.start + after, event, None, "");
    }

    fn push(&mut self, at: Moment, event: Value, about: Option<EventKind>, field: &'static str) {
        let at = Moment::from_micros(at.micros() / SECOND * SECOND);
        self.acts.push(Act {
            at,
            event,
            about,
            field,
        });
    }

    fn responded(&mut self, at: Moment, chance: &mut Chance) {
        if chance.happens(0.06) {
            // They telephoned; it was written down an hour later.
            let event = json!({"kind": "responded", "occurred_at": at, "reason": "by telephone, entered after the call"});
            return self.push(at + HOUR, event, None, "");
        }
        self.push(
            at,
            json!({"kind": "responded", "reason": *chance.pick(ANSWERS)}),
            None,
            "",
        );
        if chance.happens(0.05) {
            let right = at - (at - self.start) / 3;
            let event = json!({"kind": "corrected", "occurred_at": right, "reason": "their ticket shows the answer earlier"});
            self.push(at + 5 * HOUR, event, Some(EventKind::Responded), "corrects");
        }
    }

    fn updates(&mut self, from: Moment, to: Moment, chance: &mut Chance) {
        let Some(budget) = self.clock(Metric::Update).map(|clock| clock.budget) else {
            return;
        };
        let mut at = from;
        for _ in 0..12 {
            let gap = if chance.happens(0.85) {
                chance.between(0.5, 0.95)
            } else {
                chance.between(1.1, 1.8)
            };
            at = at + (budget as f64 * gap) as Micros;
            if at >= to {
                return;
            }
            self.push(
                at,
                json!({"kind": "updated", "reason": *chance.pick(UPDATES)}),
                None,
                "",
            );
        }
    }

    /// Gives how long it lasted.
    fn pause(&mut self, stop: &str, from: Moment, to: Moment, chance: &mut Chance) -> Micros {
        let begins = from + ((to - from) as f64 * chance.between(0.1, 0.5)) as Micros;
        let length = ((to - from) as f64 * chance.between(0.2, 0.5)) as Micros;
        self.push(
            begins,
            json!({"kind": "paused", "stop": stop, "reason": "their technician waits at the gate"}),
            None,
            "",
        );
        self.push(
            begins + length,
            json!({"kind": "resumed", "stop": stop}),
            None,
            "",
        );
        length
    }

    fn agreed_pause(&mut self, stop: &str, from: Moment, to: Moment, chance: &mut Chance) {
        let begins = from + ((to - from) as f64 * chance.between(0.5, 0.7)) as Micros;
        let length = ((to - from) as f64 * chance.between(0.1, 0.25)) as Micros;
        self.push(
            begins,
            json!({"kind": "paused", "stop": stop, "reason": "asked for by their duty manager"}),
            None,
            "",
        );
        let answer = if chance.happens(0.7) {
            "agreed"
        } else {
            "refused"
        };
        let event = json!({"kind": answer, "reason": "by mail from both sides"});
        self.push(
            begins + length / 2,
            event,
            Some(EventKind::Paused),
            "concerns",
        );
        self.push(
            begins + length,
            json!({"kind": "resumed", "stop": stop}),
            None,
            "",
        );
    }

    fn ending(&mut self, main: Metric, at: Moment, confirms: bool, chance: &mut Chance) {
        let kind = match main {
            Metric::Restore => "restored",
            Metric::Workaround => "worked_around",
            _ => "resolved",
        };
        self.push(
            at,
            json!({"kind": kind, "reason": *chance.pick(ENDINGS)}),
            None,
            "",
        );
        let mut resolved = at;
        if kind != "resolved" {
            resolved = self
                .by(Metric::Resolve, chance.between(0.5, 0.9), 30 * HOUR)
                .max(at + HOUR);
            self.push(
                resolved,
                json!({"kind": "resolved", "reason": *chance.pick(ENDINGS)}),
                None,
                "",
            );
        }
        if confirms {
            return self.confirmed(resolved, chance);
        }
        self.aftermath(resolved, chance);
        if chance.happens(0.06) {
            let again = resolved + chance.between(2.0, 30.0).mul_add(HOUR as f64, 0.0) as Micros;
            self.push(
                again,
                json!({"kind": "reopened", "reason": "it is back"}),
                None,
                "",
            );
            self.push(
                again + 3 * HOUR,
                json!({"kind": "resolved", "reason": "a part was replaced"}),
                None,
                "",
            );
        }
    }
}

impl Script<'_> {
    /// A repair that waits for us: we confirm it, reject it, or say nothing.
    fn confirmed(&mut self, resolved: Moment, chance: &mut Chance) {
        let hours = |hours: f64| (hours * HOUR as f64) as Micros;
        let answered = resolved + hours(chance.between(3.0, 30.0));
        if chance.happens(0.15) {
            let event = json!({"kind": "rejected", "reason": "it fails again under load"});
            self.push(answered, event, None, "");
            let again = answered + hours(chance.between(2.0, 20.0));
            let event = json!({"kind": "resolved", "reason": *chance.pick(ENDINGS)});
            self.push(again, event, None, "");
            return self.aftermath(again, chance);
        }
        if chance.happens(0.6) {
            self.push(answered, json!({"kind": "confirmed"}), None, "");
        }
        self.aftermath(resolved, chance);
    }

    /// What is told once it is over: the cause, and what was lost.
    fn aftermath(&mut self, resolved: Moment, chance: &mut Chance) {
        if self.clock(Metric::RootCause).is_some() && chance.happens(0.9) {
            let at = resolved + (chance.between(0.5, 8.0) * DAY as f64) as Micros;
            let event = json!({"kind": "cause_explained", "reason": *chance.pick(CAUSES)});
            self.push(at, event, None, "");
        }
        if self.clock(Metric::DataLoss).is_some() && chance.happens(0.7) {
            let lost = (chance.between(0.0, 1100.0)) as i64;
            let event = json!({"kind": "data_loss", "seconds": lost, "reason": "compared with the replica"});
            self.push(resolved + 2 * HOUR, event, None, "");
        }
    }
}

const CAUSES: &[&str] = &[
    "a cable was cut in roadworks",
    "a certificate had lapsed unnoticed",
    "the last release held a lock too long",
    "a power supply of a known bad series",
];

const ANSWERS: &[&str] = &[
    "ticket taken by a named engineer",
    "duty engineer called back",
    "confirmed by mail, analysis has begun",
];

const UPDATES: &[&str] = &[
    "fault located, technician under way",
    "part ordered, arrives within the hour",
    "second line joined the call",
    "measurement running",
];

const ENDINGS: &[&str] = &[
    "service checked by both sides",
    "part replaced and tested",
    "configuration rolled back",
    "patch installed",
];
