//! The timeline as the page shows it: events and breaches, the last recorded first.

use std::collections::{BTreeMap, HashMap};

use crate::consequence::Judged;
use crate::domain::erasure::{erased_by, sealed};
use crate::domain::evidence::File;
use crate::domain::timeline::{Event, SealedText, correction_of};
use crate::domain::words::{EventKind, Source};
use crate::domain::{CaseId, PersonId};
use crate::store::breach::Entry;
use crate::time::{MINUTE, Moment, SECOND};
use crate::web::shown::{Reader, Shown};
use crate::web::wording;

/// A line of the timeline.
pub struct Line {
    /// Its number; none for a breach, which is no event.
    pub seq: Option<i64>,
    /// What happened.
    pub title: String,
    /// When.
    pub at: Shown,
    /// What was said about it.
    pub texts: Vec<String>,
    /// When it was written down, if that was later.
    pub late: String,
    /// Who wrote it down.
    pub who: String,
    /// By which way it came.
    pub source: &'static str,
    /// Its hash.
    pub hash: String,
    /// Whether it does not hold as it stands.
    pub is_void: bool,
    /// Number of the event that set it right, and what that says.
    pub set_right: Option<(i64, String)>,
    /// Where one can read more about it; empty: nowhere.
    pub href: String,
    /// Whether it may be corrected.
    pub correctable: bool,
    /// The files that go with it.
    pub files: Vec<FileLine>,
    /// What was erased of it, in sentences.
    pub erased: Vec<String>,
    /// Whether it has texts that can be erased.
    pub erasable: bool,
    /// The colour of its number.
    pub tone: &'static str,
    recorded_at: Moment,
}

impl Line {
    /// The first eight letters of its hash.
    pub fn short_hash(&self) -> &str {
        self.hash.get(..8).unwrap_or_default()
    }
}

/// A file of an event.
pub struct FileLine {
    /// Where it is to be had.
    pub href: String,
    /// Its name.
    pub name: String,
    /// How long it is.
    pub size: String,
    /// Its hash.
    pub sha256: String,
}

/// What lines are made from.
pub struct Sources<'a> {
    /// The incident as it stands.
    pub judged: &'a Judged,
    /// Texts of its events.
    pub texts: &'a HashMap<i64, BTreeMap<String, SealedText>>,
    /// Files of its events.
    pub files: &'a [File],
    /// Its breaches.
    pub entries: &'a [Entry],
    /// Names of the people.
    pub names: &'a HashMap<PersonId, String>,
    /// For whom.
    pub reader: Reader,
}

impl Sources<'_> {
    /// The lines, the last recorded first.
    pub fn lines(&self) -> Vec<Line> {
        let events = self.judged.events.iter().map(|event| self.event(event));
        let mut lines: Vec<Line> = events.collect();
        lines.extend(self.entries.iter().map(|entry| self.breach(entry)));
        // Of one moment a breach follows the event that showed it.
        lines.sort_by_key(|line| (line.recorded_at, line.seq.is_none(), line.seq));
        lines.reverse();
        lines
    }

    fn zone(&self, case: Option<CaseId>) -> chrono_tz::Tz {
        let of_case = self
            .judged
            .cases
            .iter()
            .find(|judged| case.is_none_or(|case| case == judged.case.id));
        of_case.map_or(self.reader.zone, |judged| judged.contract.time_zone.0)
    }

    /// The vendor, where there are several to tell apart.
    fn whose(&self, case: Option<CaseId>) -> String {
        let several = self.judged.cases.len() > 1;
        let of_case = self
            .judged
            .cases
            .iter()
            .find(|judged| Some(judged.case.id) == case && several);
        of_case.map_or_else(String::new, |judged| {
            format!(" ({}, {})", judged.vendor.name, judged.contract.reference)
        })
    }

    fn event(&self, event: &Event) -> Line {
        let correction = correction_of(&self.judged.events, event.seq);
        let texts = self.texts.get(&event.id);
        let text = |name: &str| {
            let found = texts.and_then(|texts| texts.get(name));
            found.map(|text| text.content.clone())
        };
        let late = event.recorded_at - event.occurred_at;
        let recorded = self.reader.sees_here(event.recorded_at);
        Line {
            seq: Some(event.seq),
            title: format!("{}{}", self.title(event), self.whose(event.case_id)),
            at: self
                .reader
                .sees(event.occurred_at, self.zone(event.case_id)),
            texts: self.said(event, text("reason")),
            late: if late >= MINUTE {
                format!(
                    "recorded {}, {} later",
                    recorded.here,
                    wording::passed(late / MINUTE * MINUTE)
                )
            } else {
                String::new()
            },
            who: match event.person_id {
                Some(person) => self.names.get(&person).cloned().unwrap_or_default(),
                None => match (text("name"), text("contact")) {
                    (Some(name), Some(contact)) => format!("{name}, {contact}"),
                    (Some(one), None) | (None, Some(one)) => one,
                    (None, None) if event.fields.letter.is_some() => "[erased]".to_string(),
                    (None, None) => "Redress".to_string(),
                },
            },
            source: match event.source {
                Source::Page => "page",
                Source::Api => "API",
                Source::Engine => "engine",
                Source::Import => "import",
                Source::VendorLink => "the vendor's link",
                Source::LetterLink => "link in a letter",
                Source::Mail => "mail",
            },
            hash: event.hash.clone(),
            is_void: correction.is_some(),
            set_right: correction.map(|by| {
                (
                    by.seq,
                    format!("corrected by {}: {}", by.seq, self.change(by)),
                )
            }),
            href: String::new(),
            correctable: correction.is_none()
                && !matches!(
                    event.kind,
                    EventKind::DeadlineMoved | EventKind::Acknowledged | EventKind::Erased
                ),
            files: self.files_of(event),
            erased: self.erased(event),
            erasable: event.kind != EventKind::Erased && texts.is_some(),
            tone: tone(event.kind),
            recorded_at: event.recorded_at,
        }
    }

    fn title(&self, event: &Event) -> String {
        let fields = &event.fields;
        let severity = fields.severity.as_deref().unwrap_or_default();
        match event.kind {
            EventKind::Reported => format!("Reported as {severity}"),
            EventKind::Responded => "Responded".to_string(),
            EventKind::Updated => "Updated".to_string(),
            EventKind::Promised => match fields.promised_for {
                Some(at) => {
                    let at = self.reader.sees(at, self.zone(event.case_id));
                    format!("Promised for {} {}", at.here, at.here_zone)
                }
                None => "Promised".to_string(),
            },
            EventKind::WorkedAround => "Worked around".to_string(),
            EventKind::Restored => "Restored".to_string(),
            EventKind::Resolved => "Resolved".to_string(),
            EventKind::Confirmed => "Repair confirmed".to_string(),
            EventKind::Rejected => "Repair rejected".to_string(),
            EventKind::Reopened => "Reopened".to_string(),
            EventKind::DataLoss => {
                let lost = fields.seconds.unwrap_or_default().saturating_mul(SECOND);
                format!("Data lost: {}", wording::passed(lost))
            }
            EventKind::CauseExplained => "Cause explained".to_string(),
            EventKind::HandedOver => {
                let mut cases = self.judged.cases.iter();
                let to = cases.find(|judged| Some(judged.case.id) == fields.to_case);
                let to = to.map_or("", |judged| judged.vendor.name.as_str());
                format!("Handed over to {to}")
            }
            EventKind::Paused => format!("Paused: {}", self.stop(event)),
            EventKind::Agreed => format!("Agreed to pause {}", fields.concerns.unwrap_or_default()),
            EventKind::Refused => format!("Refused pause {}", fields.concerns.unwrap_or_default()),
            EventKind::Resumed if fields.stop.is_some() => format!("Resumed: {}", self.stop(event)),
            EventKind::Resumed => "Resumed".to_string(),
            EventKind::SeverityChanged => format!("Severity changed to {severity}"),
            EventKind::Acknowledged => {
                let metrics: Vec<_> = fields
                    .metrics
                    .iter()
                    .map(|metric| metric.as_str())
                    .collect();
                format!("Escalation taken: {}", metrics.join(", "))
            }
            EventKind::DeadlineMoved => {
                let metrics: Vec<_> = fields
                    .metrics
                    .iter()
                    .map(|metric| metric.as_str())
                    .collect();
                format!("Deadline moved: {}", metrics.join(", "))
            }
            EventKind::Erased => {
                let names: Vec<String> = fields
                    .erased
                    .iter()
                    .map(|name| wording::text_name(name))
                    .collect();
                format!(
                    "Erased of event {}: {}",
                    fields.erases.unwrap_or_default(),
                    names.join(", ")
                )
            }
            EventKind::Noted => match fields.terms {
                Some(terms) => format!("Judged by terms {terms} from now on"),
                None => "Note".to_string(),
            },
            EventKind::Corrected => match fields.corrects.unwrap_or_default() {
                seq if fields.taken_back => format!("Took back event {seq}"),
                seq => format!("Corrected event {seq}"),
            },
            EventKind::Cancelled if fields.void => {
                "Cancelled: it never was an incident".to_string()
            }
            EventKind::Cancelled => "Cancelled".to_string(),
        }
    }

    /// Its files that are still there.
    fn files_of(&self, event: &Event) -> Vec<FileLine> {
        let own = self
            .files
            .iter()
            .filter(|file| file.event_id == Some(event.id));
        let texts = self.texts.get(&event.id);
        let lines = own.filter_map(|file| {
            let name = texts?.get(file.text_name())?;
            Some(FileLine {
                href: format!("/evidence/{}", file.id),
                name: name.content.clone(),
                size: wording::bytes(file.size),
                sha256: file.sha256.clone(),
            })
        });
        lines.collect()
    }

    /// Which of its texts were erased, when and by whom.
    fn erased(&self, event: &Event) -> Vec<String> {
        let names = sealed(event).into_keys();
        let erased = names.filter_map(|name| {
            let by = erased_by(&self.judged.events, event.seq, &name)?;
            let at = self.reader.sees_here(by.recorded_at);
            let who = by.person_id.and_then(|person| self.names.get(&person));
            Some(format!(
                "{}: erased {} by {}, see event {}",
                wording::text_name(&name),
                at.here,
                who.map_or("Redress", String::as_str),
                by.seq
            ))
        });
        erased.collect()
    }

    /// A clock stop by code and name.
    fn stop(&self, event: &Event) -> String {
        let code = event.fields.stop.as_deref().unwrap_or_default();
        let mut cases = self.judged.cases.iter();
        let stop = cases.find_map(|judged| judged.terms.promise.clock_stop(code));
        stop.map_or_else(|| code.to_string(), |stop| format!("{code}, {}", stop.name))
    }

    fn said(&self, event: &Event, reason: Option<String>) -> Vec<String> {
        let mut texts = Vec::new();
        match event.kind {
            EventKind::Corrected if !event.fields.taken_back => texts.push(self.change(event)),
            EventKind::DeadlineMoved => {
                let zone = self.zone(event.case_id);
                let shown = |at: Option<Moment>| {
                    at.map_or_else(
                        || "held".to_string(),
                        |at| {
                            let at = self.reader.sees(at, zone);
                            format!("{} {}", at.here, at.here_zone)
                        },
                    )
                };
                texts.push(format!(
                    "A calendar edit moved it from {} to {}.",
                    shown(event.fields.due_before),
                    shown(event.fields.due_after)
                ));
            }
            _ => {}
        }
        texts.extend(reason);
        texts
    }

    /// What a correction says is right.
    fn change(&self, correction: &Event) -> String {
        let fields = &correction.fields;
        if fields.taken_back {
            return "taken back".to_string();
        }
        let mut changes = Vec::new();
        if let Some(at) = fields.corrected_at {
            let at = self.reader.sees_here(at);
            changes.push(format!("happened {} {}", at.here, at.here_zone));
        }
        if let Some(severity) = &fields.severity {
            changes.push(format!("severity {severity}"));
        }
        if let Some(seconds) = fields.seconds {
            let lost = wording::passed(seconds.saturating_mul(SECOND));
            changes.push(format!("{lost} of data lost"));
        }
        if let Some(stop) = &fields.stop {
            changes.push(format!("clock stop {stop}"));
        }
        if let Some(terms) = fields.terms {
            changes.push(format!("judged by terms {terms}"));
        }
        changes.join(", ")
    }

    fn breach(&self, (breach, withdrawal): &Entry) -> Line {
        let interval = match breach.interval {
            1 => String::new(),
            interval => format!(", interval {interval}"),
        };
        let withdrawn = withdrawal.as_ref().map(|withdrawal| {
            let said = format!("withdrawn by {}: {}", withdrawal.seq, withdrawal.reason);
            (withdrawal.seq, said)
        });
        let late = breach.noticed_at - breach.due_at;
        Line {
            seq: None,
            title: format!(
                "Breach {}: {}, clause {}{interval}{}",
                breach.id.reference(),
                breach.metric,
                breach.clause,
                self.whose(Some(breach.case_id))
            ),
            at: self
                .reader
                .sees(breach.due_at, self.zone(Some(breach.case_id))),
            texts: Vec::new(),
            late: if late >= MINUTE {
                let noticed = self.reader.sees_here(breach.noticed_at);
                format!("noticed {}", noticed.here)
            } else {
                String::new()
            },
            who: "Redress".to_string(),
            source: "engine",
            hash: String::new(),
            is_void: withdrawal.is_some(),
            set_right: withdrawn,
            href: format!("/breaches/{}", breach.id.reference()),
            correctable: false,
            files: Vec::new(),
            erased: Vec::new(),
            erasable: false,
            tone: "late",
            recorded_at: breach.noticed_at,
        }
    }
}

fn tone(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Responded
        | EventKind::Updated
        | EventKind::Promised
        | EventKind::Confirmed
        | EventKind::CauseExplained
        | EventKind::WorkedAround
        | EventKind::Restored
        | EventKind::Resolved => "good",
        EventKind::Paused | EventKind::Agreed | EventKind::Refused | EventKind::Resumed => "held",
        EventKind::SeverityChanged
        | EventKind::Reopened
        | EventKind::Rejected
        | EventKind::DataLoss => "soon",
        EventKind::Corrected
        | EventKind::Acknowledged
        | EventKind::DeadlineMoved
        | EventKind::HandedOver => "calm",
        EventKind::Cancelled | EventKind::Noted | EventKind::Erased => "mute",
        EventKind::Reported => "",
    }
}
