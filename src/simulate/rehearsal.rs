//! A rehearsal: what the ladder of a contract would do with an incident of a given severity and moment.

use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use serde_json::{Value, json};

use super::PUBLIC_URL;
use super::copy::Copy;
use super::ground::Ground;
use super::happening::{Happening, What};
use super::incident::{self, Played};
use super::names::Names;
use super::player::Player;
use super::stage::Stage;
use crate::domain::IncidentId;
use crate::domain::clock::ClockRow;
use crate::domain::input::{Faults, FieldError};
use crate::domain::ladder::{Deed, Step, When};
use crate::domain::letter::{LetterKind, LetterState, Side};
use crate::domain::locale::Locale;
use crate::domain::outbox::Letter;
use crate::domain::reading::Object;
use crate::domain::words::{ClockState, Metric};
use crate::domain::zone::Zone;
use crate::error::{Error, Result};
use crate::mail::templates::Templates;
use crate::store::clock::StepRow;
use crate::store::{self, Actor, Conn, Store};
use crate::time::{DAY, Micros, Moment};

/// What a ladder would do.
#[derive(Clone, Debug, Serialize)]
pub struct Rehearsal {
    /// The contract's reference.
    pub contract: String,
    /// The contract's zone.
    pub time_zone: Zone,
    /// Number of the version of the terms that would judge it.
    pub terms: i32,
    /// The severity, by code.
    pub severity: String,
    /// When the vendor would be told.
    pub reported_at: Moment,
    /// When the last thing would happen.
    pub ended_at: Moment,
    /// Whether more would happen than is shown.
    pub cut_short: bool,
    /// The clocks that would run.
    pub clocks: Vec<RehearsedClock>,
    /// Letters that no step causes: the report to the vendor, the end, corrections.
    pub occasions: Vec<RehearsedLetter>,
}

/// A clock that would run.
#[derive(Clone, Debug, Serialize)]
pub struct RehearsedClock {
    /// What it measures.
    pub metric: Metric,
    /// Where the contract promises it.
    pub clause: String,
    /// How it would stand in the course of time.
    pub standings: Vec<Standing>,
    /// The breaches that would be entered.
    pub breaches: Vec<Entered>,
    /// What the ladder would do about it; of `update` for the first two intervals.
    pub steps: Vec<RehearsedStep>,
}

/// How a clock would stand from a moment on.
#[derive(Clone, Debug, Serialize)]
pub struct Standing {
    /// From when on.
    pub at: Moment,
    /// How.
    pub state: ClockState,
    /// When it would run out.
    pub due_at: Option<Moment>,
    /// Interval of `update`.
    pub interval: i32,
}

/// A breach that would be entered.
#[derive(Clone, Debug, Serialize)]
pub struct Entered {
    /// When.
    pub at: Moment,
    /// The deadline that was not kept.
    pub due_at: Moment,
}

/// A step of the ladder.
#[derive(Clone, Debug, Serialize)]
pub struct RehearsedStep {
    /// Its place on the ladder, from 0; none for the reminder after an acknowledgement.
    pub step: Option<usize>,
    /// The moment it is for, as the ladder says it.
    pub when: Option<When>,
    /// 0 for the step itself, then its repeats.
    pub repeat: i32,
    /// Run of the clock.
    pub run: i32,
    /// Interval of `update`.
    pub interval: i32,
    /// What would become of it; none: it would not be reached.
    pub deed: Option<Deed>,
    /// The moment it would be for.
    pub planned_at: Option<Moment>,
    /// What it would write.
    pub letters: Vec<RehearsedLetter>,
}

/// A letter that would be written.
#[derive(Clone, Debug, Serialize)]
pub struct RehearsedLetter {
    /// What it is for.
    pub kind: LetterKind,
    /// Address of the recipient.
    pub to: String,
    /// Name of the recipient.
    pub name: String,
    /// Whom the recipient belongs to.
    pub side: Side,
    /// Its language.
    pub locale: Locale,
    /// The zone in which it states moments.
    pub time_zone: Zone,
    /// The moment it is for.
    pub planned_at: Moment,
    /// When it would leave; none: it would not be needed any more by then.
    pub leaves_at: Option<Moment>,
    /// Whether it would wait for its recipient's hours.
    pub held: bool,
    /// Why it would not leave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Its subject.
    pub subject: String,
    /// Its plain text.
    pub text: String,
}

const FIELDS: &[&str] = &["severity", "title", "reported_at", "events"];

/// What an incident is called in a rehearsal that gives it no title.
const TITLE: &str = "Rehearsal";
/// Moments that a rehearsal stops at; a page that shows more would not be read.
const MOST_ROUNDS: u64 = 2_000;
/// Events may follow the report by that much.
const LONGEST: Micros = 2 * 366 * DAY;
/// Intervals of `update` that are shown: the second shows how it goes on.
const INTERVALS_SHOWN: i32 = 2;

/// One at a time: each makes a database of its own, and nobody waits for more than a moment.
static STAGE_IN_USE: Mutex<()> = Mutex::new(());

/// Rehearses an incident under a contract. `value` has `severity`, and may have `reported_at` (now, if
/// left out), `title` and `events` in the shapes of a scenario; `reporter` is the mail address of one of
/// us; letters are written by `templates`. Nothing in `store` is changed.
///
/// # Errors
/// When there is no such contract; every fault of the input at its field, also of an event that would
/// be refused.
pub fn rehearse(
    store: &Store,
    templates: &Templates,
    key: &str,
    reporter: &str,
    value: &Value,
) -> Result<Rehearsal> {
    let now = store.now()?;
    let contract = store.read(|conn| store::contract::find_by_key(conn, key))?;
    let played = read(value, &contract.reference, reporter, now)?;
    let emails: Vec<String> = played.people().map(str::to_string).collect();
    let begins = played.moments().min().unwrap_or(now);
    let copy = store.read(|conn| Copy::of(conn, contract, begins, &emails))?;
    let _alone = STAGE_IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)?;
    runtime.block_on(on_stage(copy, played, templates))
}

fn read(
    value: &Value,
    contract: &str,
    reporter: &str,
    now: Moment,
) -> Result<Played, Vec<FieldError>> {
    let mut faults = Faults::none();
    let Some(object) = Object::open(value, "", FIELDS, &mut faults) else {
        return Err(faults.into_vec());
    };
    let mut incident = json!({"contract": contract, "reporter": reporter, "title": TITLE, "reported_at": now, "events": []});
    for field in FIELDS {
        if let Some(given) = object.get(field) {
            incident[*field] = given.clone();
        }
    }
    let names = Names::of("contract", &[json!({"reference": contract})], "reference");
    let played = incident::read(&incident, String::new(), &names, &mut faults);
    let begins = played.moments().min().unwrap_or(now);
    played.within(None, begins + LONGEST, &mut faults);
    faults.or(played)
}

async fn on_stage(copy: Copy, played: Played, templates: &Templates) -> Result<Rehearsal> {
    let begins = played.moments().min().unwrap_or_default();
    let contract = copy.contract.clone();
    let ground = Ground::at(begins, PUBLIC_URL, templates)?;
    let contracts = [copy.lay_out(&ground)?];
    let mut told: Vec<Happening> = Vec::new();
    let mut say = |happening| {
        told.push(happening);
        Ok(())
    };
    let incidents = [played];
    let stage = Stage::new(&ground, u64::MAX, &mut say);
    let mut player = Player::new(stage, &incidents, &contracts, &[]);
    player.play(begins).await?;
    let Some(id) = player.raised().next() else {
        return Err(Error::conflict("the incident would not be raised"));
    };
    let cut_short = !run_out(&mut player.stage, id).await?;
    drop(player);
    let played = &incidents[0];
    let mut rehearsal = Rehearsal {
        contract: contract.reference,
        time_zone: contract.time_zone,
        terms: 0,
        severity: played.raise.case.severity.clone(),
        reported_at: begins,
        ended_at: told.last().map_or(begins, |last| last.at),
        cut_short,
        clocks: Vec::new(),
        occasions: Vec::new(),
    };
    ground
        .store
        .read(|conn| fill(conn, id, (&told, templates), &mut rehearsal))?;
    Ok(rehearsal)
}

/// Lets everything happen that is shown; says whether that was all.
async fn run_out(stage: &mut Stage<'_>, id: IncidentId) -> Result<bool> {
    for _ in 0..MOST_ROUNDS {
        // Updates are due again and again. Once enough of them were seen nothing waits for them any
        // more; what else falls due still judges the whole incident.
        let enough = stage.ground.store.read(|conn| {
            let rows = store::clock::of_incident(conn, id)?;
            let enough =
                |row: &ClockRow| row.metric == Metric::Update && row.interval > INTERVALS_SHOWN + 1;
            let ids = rows.into_iter().filter(enough).map(|row| row.id);
            Ok(ids.collect::<Vec<_>>())
        })?;
        stage.ground.store.write(Actor::Engine, move |tx| {
            let never = |clock| store::clock::Timer {
                clock,
                incident: id,
                at: None,
            };
            let timers: Vec<_> = enough.into_iter().map(never).collect();
            store::clock::keep_timers(tx, &timers)
        })?;
        match stage.next_due()? {
            Some(due) => stage.stop_at(due).await?,
            None => return Ok(true),
        }
    }
    Ok(false)
}

fn fill(
    conn: &mut Conn,
    id: IncidentId,
    (told, templates): (&[Happening], &Templates),
    rehearsal: &mut Rehearsal,
) -> Result<()> {
    let letters = &letters(conn, id)?;
    let written = Written { letters, templates };
    for case in store::incident::cases(conn, id)? {
        rehearsal.terms = store::terms::find(conn, case.terms_id)?.number;
        for row in store::clock::of_incident(conn, id)? {
            let steps = store::clock::steps_of(conn, row.id)?;
            let clock = clock(&row, told, &steps, &case.ladder.0, written)?;
            rehearsal.clocks.push(clock);
        }
    }
    rehearsal.clocks.sort_by_key(|clock| clock.metric);
    for letter in letters.iter().filter(|letter| !of_step(letter)) {
        rehearsal.occasions.push(shown(letter, templates)?);
    }
    Ok(())
}

/// What was written, and by what.
#[derive(Clone, Copy)]
struct Written<'a> {
    letters: &'a [Letter],
    templates: &'a Templates,
}

/// Every letter, in the order in which they were queued.
fn letters(conn: &mut Conn, id: IncidentId) -> Result<Vec<Letter>> {
    let mut letters = store::letter::list(conn, None, Some(id), None, i64::MAX)?;
    letters.reverse();
    Ok(letters)
}

/// Keys of letters that a step causes begin with its clock.
fn of_step(letter: &Letter) -> bool {
    letter.key.starts_with("clock")
}

fn clock(
    row: &ClockRow,
    told: &[Happening],
    taken: &[StepRow],
    ladder: &[Step],
    written: Written<'_>,
) -> Result<RehearsedClock> {
    let mut clock = RehearsedClock {
        metric: row.metric,
        clause: row.clause.clone(),
        standings: Vec::new(),
        breaches: Vec::new(),
        steps: Vec::new(),
    };
    for Happening { at, what } in told {
        match what {
            What::Clock(line) if line.metric == row.metric && shows(line.metric, line.interval) => {
                clock.standings.push(Standing {
                    at: *at,
                    state: line.state,
                    due_at: line.due_at,
                    interval: line.interval,
                });
            }
            What::Breach(line)
                if line.metric == row.metric && shows(line.metric, line.interval) =>
            {
                clock.breaches.push(Entered {
                    at: *at,
                    due_at: line.due_at,
                });
            }
            _ => {}
        }
    }
    for step in taken.iter().filter(|step| shows(row.metric, step.interval)) {
        clock.steps.push(step_taken(step, ladder, written)?);
    }
    for (place, step) in ladder.iter().enumerate() {
        let reached = taken
            .iter()
            .any(|taken| usize::try_from(taken.step) == Ok(place));
        if !reached && step.applies_to(row.metric, &row.severity) {
            clock.steps.push(RehearsedStep {
                step: Some(place),
                when: Some(step.when),
                repeat: 0,
                run: row.run,
                interval: 1,
                deed: None,
                planned_at: None,
                letters: Vec::new(),
            });
        }
    }
    Ok(clock)
}

fn shows(metric: Metric, interval: i32) -> bool {
    metric != Metric::Update || interval <= INTERVALS_SHOWN
}

fn step_taken(step: &StepRow, ladder: &[Step], written: Written<'_>) -> Result<RehearsedStep> {
    let place = usize::try_from(step.step).ok();
    let key = format!(
        "clock{}:g{}:r{}:i{}:s{}:n{}:",
        step.clock_id, step.generation, step.run, step.interval, step.step, step.repeat
    );
    let letters = written.letters.iter();
    let of_step = letters.filter(|letter| letter.key.starts_with(&key));
    Ok(RehearsedStep {
        step: place,
        when: place
            .and_then(|place| ladder.get(place))
            .map(|step| step.when),
        repeat: place.map_or(0, |_| step.repeat),
        run: step.run,
        interval: step.interval,
        deed: Some(step.deed),
        planned_at: Some(step.planned_at),
        letters: of_step
            .map(|letter| shown(letter, written.templates))
            .collect::<Result<_>>()?,
    })
}

fn shown(letter: &Letter, templates: &Templates) -> Result<RehearsedLetter> {
    let (subject, text) = match (&letter.subject, &letter.body_text) {
        (Some(subject), Some(text)) => (subject.clone(), text.clone()),
        _ => {
            let at = letter.settled_at.unwrap_or(letter.next_attempt_at);
            let written = templates
                .render(&letter.facts, &letter.recipient(), PUBLIC_URL, at)
                .map_err(anyhow::Error::from)?;
            (written.subject, written.text)
        }
    };
    let is_cancelled = letter.state == LetterState::Cancelled;
    let leaves_at = match letter.state {
        LetterState::Cancelled => None,
        _ => Some(letter.settled_at.unwrap_or(letter.next_attempt_at)),
    };
    Ok(RehearsedLetter {
        kind: letter.kind,
        to: letter.email.clone(),
        name: letter.name.clone(),
        side: letter.side,
        locale: letter.locale,
        time_zone: letter.time_zone,
        planned_at: letter.planned_at,
        leaves_at,
        held: leaves_at.is_some_and(|leaves_at| leaves_at > letter.created_at),
        reason: letter.last_error.clone().filter(|_| is_cancelled),
        subject,
        text,
    })
}
