//! Letters that follow from facts, queued with the facts they state.

use super::audience::{self, Addressee, People};
use super::written::Written;
use super::{CaseFacts, Cause, Scene};
use crate::domain::breach::Breach;
use crate::domain::clock::{Clock, Lap, Verdict, explain};
use crate::domain::ladder::{Generation, Target as Audience};
use crate::domain::letter::{
    AnswerFacts, ClockFacts, CorrectedFacts, ExplanationFacts, IncidentFacts, LetterFacts,
    LetterKind, LetterState, Promised, Recipient, Side, StepFacts, Told, Trigger,
};
use crate::domain::terms::Target;
use crate::domain::timeline::Event;
use crate::domain::webhook::WebhookName;
use crate::domain::words::{ClockState, EventKind, Metric, Source};
use crate::domain::{BreachId, ClockId};
use crate::error::Result;
use crate::store::letter::NewLetter;
use crate::store::{self, Tx};
use crate::time::Moment;

/// The clock that letters are written about.
pub(super) struct Subject<'a> {
    pub(super) scene: &'a Scene<'a>,
    pub(super) case: &'a CaseFacts,
    pub(super) clock: &'a Clock,
    pub(super) clock_id: ClockId,
    pub(super) generation: Generation,
}

/// What is common to all letters about an incident.
pub(super) fn facts(
    scene: &Scene<'_>,
    case: &CaseFacts,
    kind: LetterKind,
    planned_at: Moment,
) -> IncidentFacts {
    let incident = scene.incident;
    let severity = severity(scene, case);
    let name = case
        .terms
        .promise
        .severity(&severity)
        .map(|severity| severity.name.clone());
    IncidentFacts {
        kind,
        incident: incident.id.reference(),
        title: incident.title.clone(),
        description: incident.description.clone(),
        drill: incident.drill,
        vendor: case.vendor.name.clone(),
        vendor_reference: Some(case.case.vendor_reference.clone()).filter(|text| !text.is_empty()),
        contract: case.contract.reference.clone(),
        contract_title: case.contract.title.clone(),
        contract_zone: case.contract.time_zone,
        owner: named(&audience::owner(case).recipient),
        severity,
        severity_name: name.unwrap_or_default(),
        reported_at: reported_at(scene, case),
        planned_at,
        clocks: Vec::new(),
        step: None,
        missed_steps: Vec::new(),
        skipped_steps: Vec::new(),
        breach: None,
        also_told: Vec::new(),
        remark: None,
        rejected: false,
        corrected: None,
        answer: None,
        explanation: None,
        link: format!("/incidents/{}", incident.id.reference()),
        anchor: scene.anchor.cloned(),
    }
}

/// Name and address, or the address alone where that is all there is.
fn named(recipient: &Recipient) -> String {
    if recipient.name == recipient.email {
        recipient.email.clone()
    } else {
        format!("{} <{}>", recipient.name, recipient.email)
    }
}

fn severity(scene: &Scene<'_>, case: &CaseFacts) -> String {
    scene
        .facts
        .iter()
        .rev()
        .filter(|fact| fact.case.is_none_or(|of| of == case.case.id))
        .find_map(|fact| fact.severity.clone())
        .unwrap_or_else(|| case.case.severity.clone())
}

fn reported_at(scene: &Scene<'_>, case: &CaseFacts) -> Moment {
    scene
        .facts
        .iter()
        .find(|fact| fact.kind == EventKind::Reported && fact.case == Some(case.case.id))
        .map_or(scene.incident.reported_at, |fact| fact.at)
}

/// How a lap of a clock stands, in the words of a letter; lateness is as of `now` while it runs.
pub(super) fn clock_facts(
    scene: &Scene<'_>,
    clock: &Clock,
    lap: &Lap,
    now: Moment,
) -> Result<ClockFacts> {
    let is_amount = clock.metric == Metric::DataLoss;
    let promise = match lap.commitment.target {
        Target::OpenTime(micros) if is_amount => Promised::Amount { micros },
        Target::OpenTime(micros) => Promised::OpenTime { micros },
        Target::BusinessDays { days, at } => Promised::BusinessDays {
            days,
            at: at.to_string(),
        },
    };
    let (mut late_open, mut late_elapsed) = (None, None);
    if let (Some(Verdict::Missed), Some(due), false) = (lap.verdict, lap.due_at, is_amount) {
        let until = lap.stopped_at.unwrap_or(now).max(due);
        late_open = Some(lap.track.counted(due, until).map_err(super::unusable)?);
        late_elapsed = Some(until - due);
    }
    let current = std::ptr::eq(lap, clock.current());
    let state = match (current, lap.verdict) {
        (true, _) => clock.state,
        (false, Some(Verdict::Missed)) => ClockState::Missed,
        (false, _) => ClockState::Met,
    };
    Ok(ClockFacts {
        metric: clock.metric,
        clause: lap.commitment.clause.clone(),
        promise,
        calendar: scene.book.name(lap.commitment.calendar_id).to_string(),
        started_at: lap.started_at,
        due_at: lap.due_at.filter(|_| !is_amount),
        provisional: lap.provisional,
        state,
        interval: lap.interval,
        run: lap.run,
        breached_at: lap.breached_at,
        stopped_at: lap.stopped_at,
        lost: (is_amount && lap.stopped_at.is_some()).then_some(lap.spent),
        late_open,
        late_elapsed,
        remaining: (state.is_open() && lap.verdict.is_none())
            .then(|| (lap.budget - lap.spent).max(0)),
    })
}

/// What a letter about a step states.
pub(super) struct StepLetter<'a> {
    pub(super) kind: LetterKind,
    pub(super) lap: &'a Lap,
    pub(super) key: String,
    pub(super) planned_at: Moment,
    pub(super) step: StepFacts,
    /// The steps just below it that found nobody.
    pub(super) skipped: Vec<Trigger>,
    pub(super) breach: Option<BreachId>,
}

/// Somebody a letter about a step goes to.
pub(super) struct Reached<'a> {
    pub(super) to: &'a Addressee,
    /// The other steps that name them and passed together with this one.
    pub(super) missed: Vec<StepFacts>,
    /// The moment from which it may leave.
    pub(super) not_before: Moment,
}

/// Writes a letter about a step to each recipient, with the moment from which it may leave.
pub(super) fn about_step(
    written: &mut Written,
    subject: &Subject<'_>,
    letter: &StepLetter<'_>,
    to: Vec<Reached<'_>>,
    all: &[&Addressee],
    now: Moment,
) -> Result<()> {
    if to.is_empty() {
        return Ok(());
    }
    let mut facts = facts(subject.scene, subject.case, letter.kind, letter.planned_at);
    facts.clocks = vec![clock_facts(subject.scene, subject.clock, letter.lap, now)?];
    if letter.kind == LetterKind::Breached {
        facts.explanation = explanation(subject, letter.lap, now)?;
    }
    facts.step = Some(letter.step.clone());
    facts.breach = letter.breach.map(BreachId::reference);
    for Reached {
        to,
        missed,
        not_before,
    } in to
    {
        let mut facts = facts.clone();
        facts.missed_steps = missed;
        // Whom of ours there is nobody to tell is no matter of the vendor's.
        if to.recipient.side == Side::Ours {
            facts.skipped_steps.clone_from(&letter.skipped);
        }
        facts.also_told = match &to.stands_for {
            Some(named) => named.to_vec(),
            None => also_told(to, all.iter().copied()),
        };
        written.letters.push(NewLetter {
            key: format!("{}:{}", letter.key, to.recipient.email.to_lowercase()),
            kind: letter.kind,
            incident_id: Some(subject.scene.incident.id),
            case_id: Some(subject.case.case.id),
            clock_id: Some(subject.clock_id),
            breach_id: letter.breach,
            contact_id: to.contact_id(),
            recipient: to.recipient.clone(),
            facts: LetterFacts::Incident(Box::new(facts)).to_json()?,
            planned_at: letter.planned_at,
            not_before,
        });
    }
    Ok(())
}

/// How the deadline of a lap came about; nothing for an amount, which has none.
fn explanation(subject: &Subject<'_>, lap: &Lap, now: Moment) -> Result<Option<ExplanationFacts>> {
    let (scene, metric) = (subject.scene, subject.clock.metric);
    if metric == Metric::DataLoss {
        return Ok(None);
    }
    let explained = explain(
        subject.case.case.id,
        metric,
        &subject.case.terms.promise,
        scene.facts,
        scene.book,
        now,
    )
    .map_err(super::unusable)?;
    let Some(explained) = explained else {
        return Ok(None);
    };
    let told = explained
        .lap(lap.run, lap.interval)
        .map_err(super::unusable)?;
    Ok(told.as_ref().map(ExplanationFacts::short))
}

fn also_told<'a>(to: &Addressee, all: impl Iterator<Item = &'a Addressee>) -> Vec<Told> {
    all.filter(|other| other.recipient.email != to.recipient.email)
        .filter(|other| may_know(&to.recipient, &other.recipient.email))
        .map(audience::told)
        .collect()
}

/// A vendor need not know which chats of ours there are.
fn may_know(to: &Recipient, of: &str) -> bool {
    to.side == Side::Ours || WebhookName::of_address(of).is_none()
}

/// What was recorded of a case, and its clocks as they stand now.
struct Occasion<'a> {
    scene: &'a Scene<'a>,
    case: &'a CaseFacts,
    clocks: &'a [&'a Clock],
    event: &'a Event,
}

/// Letters of the occasion itself: the vendor's desk learns of a raised incident; everyone who was
/// written to learns that it is resolved, or is not after all.
pub(super) fn of_occasion(
    tx: &mut Tx<'_>,
    written: &mut Written,
    people: &mut People,
    scene: &Scene<'_>,
    case: &CaseFacts,
    clocks: &[&Clock],
) -> Result<u32> {
    let Cause::Recorded(event, reason) = scene.cause else {
        return Ok(0);
    };
    if event.case_id.is_some_and(|of| of != case.case.id) {
        return Ok(0);
    }
    let occasion = Occasion {
        scene,
        case,
        clocks,
        event,
    };
    if matches!(event.source, Source::VendorLink | Source::Mail) {
        receipts(tx, written, people, &occasion)?;
    }
    let (kind, asks_the_outbox) = match event.kind {
        EventKind::Reported => (LetterKind::Raised, false),
        EventKind::Resolved => (LetterKind::Resolved, true),
        EventKind::Reopened | EventKind::Rejected => (LetterKind::Reopened, true),
        _ => return Ok(0),
    };
    let mut queued = 0;
    let now = tx.now();
    let to = if asks_the_outbox {
        queued = written.queue_letters(tx)?;
        told_so_far(tx, people, scene, case)?
    } else {
        let desk = [Audience::VendorRung(1)];
        audience::of_targets(tx.conn(), people, scene, case, &desk, now)?
    };
    let remark = Some(reason.clone()).filter(|text| !text.is_empty());
    tell(written, &occasion, kind, &to, now, |facts| {
        facts.rejected = event.kind == EventKind::Rejected;
        facts.remark.clone_from(&remark);
    })?;
    Ok(queued)
}

/// Both sides get a record of what a vendor said by a link or a message: the contact whose letter held the
/// link or who wrote the message, and the owner and the reporter.
fn receipts(
    tx: &mut Tx<'_>,
    written: &mut Written,
    people: &mut People,
    occasion: &Occasion<'_>,
) -> Result<()> {
    let Occasion {
        scene, case, event, ..
    } = *occasion;
    let texts = store::incident::texts(tx.conn(), scene.incident.id)?;
    let text = |name: &str| {
        let found = texts.get(&event.id).and_then(|texts| texts.get(name));
        found.map_or_else(String::new, |text| text.content.clone())
    };
    let answer = AnswerFacts {
        seq: event.seq,
        kind: event.kind,
        at: match event.source {
            Source::Mail => event.occurred_at,
            _ => event.recorded_at,
        },
        name: text("name"),
        contact: text("contact"),
        promised_for: event.fields.promised_for,
        remark: text("reason"),
        by_mail: event.source == Source::Mail,
        is_checked: event.person_id.is_some(),
    };
    let contact = case
        .contacts
        .iter()
        .find(|contact| Some(contact.id) == event.fields.contact);
    let mut to: Vec<Addressee> = contact
        .map(|contact| Addressee::vendor(case, contact))
        .into_iter()
        .collect();
    let ours = [Audience::Owner, Audience::Reporter];
    let now = tx.now();
    for addressee in audience::of_targets(tx.conn(), people, scene, case, &ours, now)? {
        if to
            .iter()
            .all(|other| other.recipient.email != addressee.recipient.email)
        {
            to.push(addressee);
        }
    }
    let kind = LetterKind::Answered;
    tell(written, occasion, kind, &to, now, |facts| {
        facts.answer = Some(answer.clone());
    })
}

/// Writes a letter about an event to each addressee, with the clocks of the case as they stand and what
/// `add` states besides.
fn tell(
    written: &mut Written,
    occasion: &Occasion<'_>,
    kind: LetterKind,
    to: &[Addressee],
    now: Moment,
    add: impl Fn(&mut IncidentFacts),
) -> Result<()> {
    let Occasion {
        scene,
        case,
        clocks,
        event,
    } = *occasion;
    let mut stated = Vec::new();
    for clock in clocks {
        stated.push(clock_facts(scene, clock, clock.current(), now)?);
    }
    for addressee in to {
        let mut facts = facts(scene, case, kind, event.recorded_at);
        facts.clocks.clone_from(&stated);
        facts.also_told = also_told(addressee, to.iter());
        add(&mut facts);
        let own = facts.answer.as_mut().filter(|answer| answer.by_mail);
        if let (Some(answer), Side::Vendor) = (own, addressee.recipient.side) {
            // Nobody is mailed their own words back.
            answer.remark.clear();
        }
        written.letters.push(NewLetter {
            key: format!(
                "{kind}:{}:case{}:event{}:{}",
                scene.incident.id.reference(),
                case.case.id,
                event.seq,
                addressee.recipient.email.to_lowercase()
            ),
            kind,
            incident_id: Some(scene.incident.id),
            case_id: Some(case.case.id),
            clock_id: None,
            breach_id: None,
            contact_id: addressee.contact_id(),
            recipient: addressee.recipient.clone(),
            facts: LetterFacts::Incident(Box::new(facts)).to_json()?,
            planned_at: event.recorded_at,
            not_before: now,
        });
    }
    Ok(())
}

/// The desk, the owner and the reporter, and whoever else was written to about this case.
fn told_so_far(
    tx: &mut Tx<'_>,
    people: &mut People,
    scene: &Scene<'_>,
    case: &CaseFacts,
) -> Result<Vec<Addressee>> {
    let first = [Audience::VendorRung(1), Audience::Owner, Audience::Reporter];
    let now = tx.now();
    let mut all = audience::of_targets(tx.conn(), people, scene, case, &first, now)?;
    for letter in store::letter::told_of_case(tx.conn(), case.case.id)? {
        let known = all
            .iter()
            .any(|other| other.recipient.email == letter.email);
        if !known {
            let contact = case
                .contacts
                .iter()
                .find(|contact| Some(contact.id) == letter.contact_id);
            all.push(Addressee {
                recipient: letter.recipient(),
                contact: contact.cloned(),
                stands_for: None,
                on_duty: false,
            });
        }
    }
    Ok(all)
}

/// Tells whoever got, or in doubt got, a letter about the breach that it is withdrawn; for others the
/// letter is cancelled.
pub(super) fn corrections(
    tx: &mut Tx<'_>,
    written: &mut Written,
    subject: &Subject<'_>,
    breach: &Breach,
    seq: i64,
    reason: &str,
) -> Result<()> {
    let letters = store::letter::of_breach(tx.conn(), breach.id)?;
    let mut reached = Vec::new();
    for letter in letters {
        let mut leaving = letter.state == LetterState::Leased;
        if letter.state == LetterState::Queued {
            // It may have been leased between the reading and now; then it is on its way.
            let cancelled = store::letter::cancel(tx, letter.id, "the breach is withdrawn")?;
            if cancelled && !letter.in_doubt {
                continue;
            }
            leaving = !cancelled;
        }
        let again = reached
            .iter()
            .any(|other: &crate::domain::outbox::Letter| other.email == letter.email);
        if (leaving || letter.may_have_arrived()) && !again {
            reached.push(letter);
        }
    }
    let cause = subject.scene.events.iter().find(|event| event.seq == seq);
    if reached.is_empty() {
        return Ok(());
    }
    let stated = clock_facts(
        subject.scene,
        subject.clock,
        subject.clock.current(),
        tx.now(),
    )?;
    for letter in &reached {
        let mut facts = facts(subject.scene, subject.case, LetterKind::Corrected, tx.now());
        facts.clocks = vec![stated.clone()];
        facts.breach = Some(breach.id.reference());
        facts.also_told = reached
            .iter()
            .filter(|other| other.email != letter.email)
            .filter(|other| may_know(&letter.recipient(), &other.email))
            .map(|other| Told {
                name: other.name.clone(),
                email: other.email.clone(),
                side: other.side,
            })
            .collect();
        facts.corrected = Some(CorrectedFacts {
            breach: breach.id.reference(),
            metric: breach.metric,
            clause: breach.clause.clone(),
            due_at: breach.due_at,
            seq,
            kind: cause.map_or(EventKind::Corrected, |event| event.kind),
            occurred_at: cause.map_or(tx.now(), |event| event.occurred_at),
            reason: reason.to_string(),
        });
        written.letters.push(NewLetter {
            key: format!(
                "corrected:{}:{}",
                breach.id.reference(),
                letter.email.to_lowercase()
            ),
            kind: LetterKind::Corrected,
            incident_id: Some(subject.scene.incident.id),
            case_id: Some(subject.case.case.id),
            clock_id: Some(subject.clock_id),
            breach_id: Some(breach.id),
            contact_id: letter.contact_id,
            recipient: letter.recipient(),
            facts: LetterFacts::Incident(Box::new(facts)).to_json()?,
            planned_at: tx.now(),
            not_before: tx.now(),
        });
    }
    Ok(())
}

/// Whether somebody belongs to us.
pub(super) fn is_ours(addressee: &Addressee) -> bool {
    addressee.recipient.side == Side::Ours
}
