//! Why a clock stands as it does, and why there is none.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use chrono::{NaiveDate, SecondsFormat};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::incident::incident_id;
use crate::consequence::{Judged, JudgedCase, judged};
use crate::domain::clock::{
    ClockRow, Effect, Explanation, Ground, Line, Missing, NoDay, NotHeld, Part, Shut, StopGround,
    Verdict, What, Why,
};
use crate::domain::locale::Locale;
use crate::domain::terms::Target;
use crate::domain::words::{ClockState, Metric};
use crate::domain::{CalendarId, CaseId, ClockId};
use crate::error::{Error, Result};
use crate::mail::explanation::Teller;
use crate::report::in_seconds;
use crate::store::{Conn, clock, incident};
use crate::time::{Micros, Moment, SECOND};
use crate::web::wording;
use crate::web::{Answer, Caller, State, read};

/// Which lap of a clock is asked about, and in which language it is told.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Asked {
    run: Option<i32>,
    interval: Option<i32>,
    /// The language of the sentences; none: English.
    pub(in crate::web) language: Option<Locale>,
}

/// A clock with what explains it.
pub(in crate::web) struct Found {
    pub(in crate::web) row: ClockRow,
    pub(in crate::web) judged: Judged,
    /// Nothing where a correction took the clock away.
    pub(in crate::web) explanation: Option<Explanation>,
    /// All laps by run and interval, oldest first, with how each ended.
    pub(in crate::web) laps: Vec<(i32, i32, Option<Verdict>)>,
}

impl Found {
    /// Judges and explains a clock; without a run and an interval the lap that stands on the board.
    pub(in crate::web) fn of(
        conn: &mut Conn,
        id: ClockId,
        asked: &Asked,
        now: Moment,
    ) -> Result<Self> {
        let row = clock::get(conn, id)?;
        let found = incident::get(conn, row.incident_id)?;
        let judged = judged(conn, found, now)?;
        let explained = judged.explained(row.case_id, row.metric, now)?;
        let (mut explanation, mut laps) = (None, Vec::new());
        if let Some(explained) = &explained {
            let all = &explained.clock.laps;
            laps = all
                .iter()
                .map(|lap| (lap.run, lap.interval, lap.verdict))
                .collect();
            let current = explained.clock.current();
            let run = asked.run.unwrap_or(match asked.interval {
                Some(_) => 1,
                None => current.run,
            });
            let interval = asked.interval.unwrap_or(match asked.run {
                Some(run) if run != current.run => 1,
                _ => current.interval,
            });
            explanation = explained
                .lap(run, interval)
                .map_err(|error| Error::conflict(error.to_string()))?;
            if explanation.is_none() {
                let lap = format!("{id} in run {run}, interval {interval}");
                return Err(Error::not_found("clock", lap));
            }
        }
        drop(explained);
        Ok(Self {
            row,
            judged,
            explanation,
            laps,
        })
    }

    /// The case of the clock.
    pub(in crate::web) fn case(&self) -> Result<&JudgedCase> {
        let mut cases = self.judged.cases.iter();
        cases
            .find(|judged| judged.case.id == self.row.case_id)
            .ok_or_else(|| Error::not_found("case", self.row.case_id))
    }

    /// Why the clock does not run, where it does not.
    pub(in crate::web) fn missing(&self) -> Result<Option<Missing>> {
        let missing = self.judged.missing(self.case()?).into_iter();
        let mut missing = missing.filter(|missing| missing.metric == self.row.metric);
        Ok(missing.next())
    }
}

#[derive(Serialize)]
struct ExplanationBody {
    clock: ClockId,
    incident: String,
    case: CaseId,
    vendor: String,
    contract: String,
    terms: i32,
    go_live: Option<String>,
    metric: Metric,
    laps: Vec<LapBody>,
    #[serde(flatten)]
    lap: Option<ToldBody>,
    missing: Option<MissingBody>,
}

#[derive(Serialize)]
struct LapBody {
    run: i32,
    interval: i32,
    verdict: Option<Verdict>,
}

#[derive(Serialize)]
struct ToldBody {
    state: ClockState,
    run: i32,
    interval: i32,
    severity: String,
    clause: String,
    target: Target,
    calendar: CalendarBody,
    /// The asker's zone.
    time_zone: &'static str,
    as_of: Moment,
    started_at: Moment,
    due_at: Option<Moment>,
    breached_at: Option<Moment>,
    stopped_at: Option<Moment>,
    verdict: Option<Verdict>,
    provisional: bool,
    #[serde(serialize_with = "in_seconds")]
    target_seconds: Micros,
    #[serde(serialize_with = "in_seconds")]
    spent_seconds: Micros,
    late_seconds: Option<Value>,
    line_count: usize,
    lines: Vec<LineBody>,
}

#[derive(Serialize)]
struct CalendarBody {
    id: CalendarId,
    name: String,
    revision: i64,
    time_zone: &'static str,
}

/// A moment by the wall clocks of both zones, each with its offset.
#[derive(Serialize)]
struct Local {
    calendar: String,
    yours: String,
}

#[derive(Serialize)]
struct LineBody {
    kind: &'static str,
    part: Part,
    from: Moment,
    to: Moment,
    from_local: Local,
    to_local: Local,
    #[serde(serialize_with = "in_seconds")]
    counted_seconds: Micros,
    #[serde(serialize_with = "in_seconds")]
    total_seconds: Micros,
    #[serde(serialize_with = "in_seconds")]
    remaining_seconds: Micros,
    late_seconds: Option<Value>,
    /// What belongs to this kind alone.
    detail: Value,
    text: String,
}

fn seconds(length: Micros) -> Value {
    match length % SECOND {
        0 => json!(length / SECOND),
        _ => json!(length as f64 / SECOND as f64),
    }
}

impl ToldBody {
    fn of(told: Explanation, calendar: CalendarId, reader: Tz, language: Locale) -> Self {
        let teller = Teller {
            locale: language,
            calendar: told.zone,
            reader,
        };
        let lap = &told.lap;
        Self {
            state: told.state,
            run: lap.run,
            interval: lap.interval,
            severity: lap.commitment.severity.clone(),
            clause: lap.commitment.clause.clone(),
            target: lap.commitment.target,
            calendar: CalendarBody {
                id: calendar,
                name: told.calendar.clone(),
                revision: lap.revision,
                time_zone: told.zone.name(),
            },
            time_zone: reader.name(),
            as_of: told.as_of,
            started_at: lap.started_at,
            due_at: told.due(),
            breached_at: lap.breached_at,
            stopped_at: lap.stopped_at,
            verdict: lap.verdict,
            provisional: lap.provisional,
            target_seconds: lap.budget,
            spent_seconds: lap.spent,
            late_seconds: told.late().map(seconds),
            line_count: told.lines.len(),
            lines: told
                .lines
                .iter()
                .map(|line| LineBody::of(line, teller))
                .collect(),
        }
    }
}

impl LineBody {
    fn of(line: &Line, teller: Teller) -> Self {
        let local = |at: Moment| {
            let wall = |zone: Tz| {
                at.in_zone(zone)
                    .to_rfc3339_opts(SecondsFormat::AutoSi, false)
            };
            Local {
                calendar: wall(teller.calendar),
                yours: wall(teller.reader),
            }
        };
        let (kind, detail) = told(&line.what);
        Self {
            kind,
            part: line.part,
            from: line.from,
            to: line.to,
            from_local: local(line.from),
            to_local: local(line.to),
            counted_seconds: line.counted,
            total_seconds: line.total,
            remaining_seconds: line.remaining(),
            late_seconds: line.late.map(seconds),
            detail,
            text: teller.what(line),
        }
    }
}

/// The word for what a line says, and what belongs to it alone.
fn told(what: &What) -> (&'static str, Value) {
    let event = |of: &Option<(_, i64)>| match of {
        Some((kind, seq)) => json!({"event": kind, "seq": seq}),
        None => json!({}),
    };
    let date = |date: &NaiveDate| json!({"date": date});
    match what {
        What::Started(by) => ("started", event(by)),
        What::Open(of) => ("open", date(of)),
        What::BeforeDayZero(of) => ("open_before_day_zero", date(of)),
        What::Held(of, grounds) => {
            let grounds: Vec<Value> = grounds.iter().map(ground).collect();
            ("held", json!({"date": of, "grounds": grounds}))
        }
        What::Shut(Shut::OutsideHours) => ("closed", json!({"reason": "outside_hours"})),
        What::Shut(Shut::Holiday(of, name)) => (
            "closed",
            json!({"reason": "holiday", "date": of, "name": name}),
        ),
        What::Shut(Shut::SpecialHours(of, name, windows)) => (
            "closed",
            json!({"reason": "special_hours", "date": of, "name": name, "windows": windows}),
        ),
        What::Idle => ("nothing_promised", json!({})),
        What::Skipped(of) => ("skipped_date", date(of)),
        What::BusinessDay(number, of) => ("business_day", json!({"number": number, "date": of})),
        What::NoBusinessDay(of, why) => {
            let (reason, name) = match why {
                NoDay::Closed => ("closed", None),
                NoDay::Holiday(name) => ("holiday", Some(name)),
                NoDay::Over => ("no_open_time_left", None),
            };
            (
                "no_business_day",
                json!({"date": of, "reason": reason, "name": name}),
            )
        }
        What::Paused(of) => ("paused", stop(of)),
        What::NotPaused(of, why) => {
            let mut detail = stop(of);
            let (reason, refused) = match why {
                NotHeld::NotForThis => ("not_for_this", None),
                NotHeld::Unanswered => ("unanswered", None),
                NotHeld::Refused(by) => ("refused", Some(by)),
                NotHeld::OpenAlready => ("open_already", None),
            };
            detail["reason"] = json!(reason);
            detail["refused_seq"] = json!(refused);
            ("pause_not_counted", detail)
        }
        What::Resumed(of, by) => {
            let mut detail = stop(of);
            detail["resumed_seq"] = json!(by);
            ("resumed", detail)
        }
        What::Stopped(by) => ("stopped", event(by)),
        What::Awaiting(until) => ("awaiting", json!({"until": until})),
        What::Confirmed(at, seq) => ("confirmed", json!({"at": at, "seq": seq})),
        What::Rejected(seq, by) => ("rejected", json!({"seq": seq, "rejected_seq": by})),
        What::Waits => ("waits", json!({})),
        What::Measured(seq, lost) => (
            "measured",
            json!({"seq": seq, "lost_seconds": seconds(*lost)}),
        ),
        What::Reopened(seq, policy) => ("reopened", json!({"seq": seq, "policy": policy})),
        What::Severity(turn) => {
            let (effect, carried) = match turn.effect {
                Effect::FromStart => ("from_start", None),
                Effect::FromChange => ("from_change", None),
                Effect::Carried(carried) => ("carry_fraction", Some(seconds(carried))),
                Effect::Fresh => ("fresh", None),
                Effect::Kept => ("kept", None),
                Effect::NoCommitment => ("nothing_promised", None),
            };
            let used = turn.used.map(|(used, _)| seconds(used));
            let of = turn.used.map(|(_, whole)| seconds(whole));
            (
                "severity_changed",
                json!({"seq": turn.seq, "from": turn.from, "to": turn.to, "effect": effect,
                       "used_seconds": used, "of_seconds": of, "carried_seconds": carried,
                       "target_before": turn.target_before,
                       "due_before": turn.due_before, "due_after": turn.due_after}),
            )
        }
        What::Edited {
            before,
            after,
            due_before,
            due_after,
        } => (
            "calendar_edited",
            json!({"revision_before": before, "revision_after": after,
                   "due_before": due_before, "due_after": due_after}),
        ),
        What::Cancelled(seq, void) => ("cancelled", json!({"seq": seq, "void": void})),
        What::Followed => ("followed", json!({})),
        What::Written(at) => ("written_due", json!({"at": at})),
        What::Now(held) => ("now", json!({"held": held})),
        What::Due {
            written,
            floor,
            provisional,
        } => (
            "due",
            json!({"as_written": written, "not_before_edit_at": floor, "provisional": provisional}),
        ),
    }
}

fn ground(of: &Ground) -> Value {
    match of {
        Ground::Stop(of) => stop(of),
        Ground::Gap { reopened } => json!({"stopped_until_seq": reopened}),
    }
}

fn stop(of: &StopGround) -> Value {
    json!({"stop": of.code, "name": of.name, "clause": of.clause, "seq": of.seq,
           "agreed_seq": of.agreed})
}

/// `GET /clocks/{id}/explanation?run=&interval=&language=`: each line that led to the due moment, and
/// beyond it to the stop.
pub async fn show(
    state: Data<State>,
    caller: Caller,
    id: Path<i64>,
    asked: Query<Asked>,
) -> Answer {
    let (id, store) = (ClockId(*id), state.store.clone());
    let reader = caller.time_zone.0;
    let body = read(&state, move |conn| {
        let found = Found::of(conn, id, &asked, store.now()?)?;
        let case = found.case()?;
        let missing = found.missing()?.map(|why| MissingBody::of(case, why));
        let language = asked.language.unwrap_or(Locale::En);
        Ok(ExplanationBody {
            clock: id,
            incident: found.judged.incident.id.reference(),
            case: case.case.id,
            vendor: case.vendor.name.clone(),
            contract: case.contract.reference.clone(),
            terms: case.terms.number,
            go_live: case.go_live.as_ref().map(|window| window.name.clone()),
            metric: found.row.metric,
            laps: found
                .laps
                .iter()
                .map(|(run, interval, verdict)| LapBody {
                    run: *run,
                    interval: *interval,
                    verdict: *verdict,
                })
                .collect(),
            missing,
            lap: found.explanation.map(|told| {
                let calendar = told.lap.commitment.calendar_id;
                ToldBody::of(told, calendar, reader, language)
            }),
        })
    })
    .await?;
    Ok(HttpResponse::Ok().json(body))
}

/// Why a case has no clock of a metric.
#[derive(Serialize)]
struct MissingBody {
    case: CaseId,
    contract: String,
    terms: TermsBody,
    metric: Metric,
    why: &'static str,
    severity: Option<String>,
    /// For which severities something is promised, and where.
    promised: Vec<PromisedBody>,
    /// The event since which it is so.
    since_seq: Option<i64>,
    /// The correction by which it was always so.
    corrected_seq: Option<i64>,
    void: Option<bool>,
    text: String,
}

#[derive(Serialize)]
struct TermsBody {
    number: i32,
    effective_from: NaiveDate,
}

#[derive(Serialize)]
struct PromisedBody {
    severity: String,
    clause: String,
}

impl MissingBody {
    fn of(case: &JudgedCase, missing: Missing) -> Self {
        let mut body = Self {
            case: case.case.id,
            contract: case.contract.reference.clone(),
            terms: TermsBody {
                number: case.terms.number,
                effective_from: case.terms.effective_from,
            },
            metric: missing.metric,
            why: "not_promised",
            severity: None,
            promised: Vec::new(),
            since_seq: None,
            corrected_seq: None,
            void: None,
            text: wording::missing(&missing, &case.terms),
        };
        match missing.why {
            Why::NotPromised => {}
            Why::NotForSeverity {
                severity,
                promised,
                since,
                corrected,
            } => {
                body.why = "not_for_severity";
                body.severity = Some(severity);
                body.promised = promised
                    .into_iter()
                    .map(|(severity, clause)| PromisedBody { severity, clause })
                    .collect();
                body.since_seq = since;
                body.corrected_seq = corrected;
            }
            Why::Cancelled { seq, void } => {
                body.why = "cancelled";
                body.since_seq = Some(seq);
                body.void = Some(void);
            }
            Why::NotStarted => body.why = "not_started",
        }
        body
    }
}

/// `GET /incidents/{id}/clocks/missing`: for each case every metric without a running clock, and why.
pub async fn missing(state: Data<State>, key: Path<String>) -> Answer {
    let id = incident_id(&key)?;
    let store = state.store.clone();
    let items = read(&state, move |conn| {
        let found = incident::get(conn, id)?;
        let judged = judged(conn, found, store.now()?)?;
        let of_case = |case| {
            let missing = judged.missing(case).into_iter();
            missing.map(move |why| MissingBody::of(case, why))
        };
        Ok(judged.cases.iter().flat_map(of_case).collect::<Vec<_>>())
    })
    .await?;
    Ok(HttpResponse::Ok().json(json!({"items": items})))
}
