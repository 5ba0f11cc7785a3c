//! What whoever holds a letter may do by its signed links, without an account.

use serde_json::json;

use super::incident::record_said_by;
use crate::domain::clock::ClockRow;
use crate::domain::contract::Contract;
use crate::domain::incident::{Case, Incident, Record};
use crate::domain::letter::{LetterFacts, LetterState, Recipient, Side};
use crate::domain::link::{MASKED, Purpose, Said, Token};
use crate::domain::outbox::Letter;
use crate::domain::person::Person;
use crate::domain::timeline::{Event, Fields, Standing, facts, standing};
use crate::domain::vendor::Vendor;
use crate::domain::words::{EventKind, Source};
use crate::domain::{CaseId, LetterId, VendorId};
use crate::error::{Error, Result};
use crate::store::{self, Actor, Conn, Tx};
use crate::time::Moment;

/// Why a link is not good, or not good any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody of ours signed it.
    Forged,
    /// It is the mask that our own pages show.
    Masked,
    /// Its time is over.
    Expired(Told),
    /// Its letter was cancelled or its links were called in.
    Revoked(Told),
    /// Its recipient is not the vendor's contact, or one of us, any more.
    Removed(Told),
    /// The case needs no such answer any more.
    Over(Told),
    /// It was used before.
    Used(Told, UsedBy),
}

/// What may be told to whoever holds a link that we did sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Reference of the incident.
    pub incident: String,
    /// The letter's recipient, with language and zone.
    pub to: Recipient,
}

/// When and by whom a link was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedBy {
    /// When.
    pub at: Moment,
    /// The name that was typed; empty where it was erased.
    pub name: String,
    /// What was recorded.
    pub kind: EventKind,
}

impl Refusal {
    /// The word that it is counted and logged by.
    pub fn word(&self) -> &'static str {
        match self {
            Refusal::Forged => "forged",
            Refusal::Masked => "masked",
            Refusal::Expired(_) => "expired",
            Refusal::Revoked(_) => "revoked",
            Refusal::Removed(_) => "removed",
            Refusal::Over(_) => "over",
            Refusal::Used(..) => "used",
        }
    }

    /// Every such word.
    pub const WORDS: [&'static str; 7] = [
        "forged", "masked", "expired", "revoked", "removed", "over", "used",
    ];
}

/// What a good link opens.
#[derive(Clone, Debug)]
pub struct Opened {
    /// What it says.
    pub token: Token,
    /// The letter that holds it.
    pub letter: Letter,
    /// Who got the letter, with the language and zone of today.
    pub to: Recipient,
    /// The vendor, for a link to its contact.
    pub vendor: Vendor,
    /// The person, for a link to one of us with an account.
    pub person: Option<Person>,
    /// The case, for a link to an answer.
    pub subject: Subject,
}

/// One case as whoever answers sees it.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The incident.
    pub incident: Incident,
    /// The vendor's part in it.
    pub case: Case,
    /// The contract.
    pub contract: Contract,
    /// Name of the severity; may be empty.
    pub severity_name: String,
    /// Its clocks.
    pub clocks: Vec<ClockRow>,
}

/// Whether a link that we signed serves at `now`, and what it opens.
///
/// # Errors
/// When the database does not answer.
pub fn open(
    conn: &mut Conn,
    text: &str,
    now: Moment,
) -> Result<std::result::Result<Opened, Refusal>> {
    if text == MASKED {
        return Ok(Err(Refusal::Masked));
    }
    let token = store::link::key(conn)?.and_then(|key| key.open(text));
    match token {
        Some(token) => open_signed(conn, &token, now),
        None => Ok(Err(Refusal::Forged)),
    }
}

fn open_signed(
    conn: &mut Conn,
    token: &Token,
    now: Moment,
) -> Result<std::result::Result<Opened, Refusal>> {
    let letter = match store::letter::get(conn, token.letter) {
        Ok(letter) => letter,
        // Signed by this key, of a database that was put back to an earlier state.
        Err(Error::Refused(_)) => return Ok(Err(Refusal::Forged)),
        Err(other) => return Err(other),
    };
    if Token::of(&letter, token.purpose).as_ref() != Some(token) {
        return Ok(Err(Refusal::Forged));
    }
    let subject = subject(conn, token.case)?;
    let vendor = store::vendor::find(conn, subject.contract.vendor_id)?;
    let mut to = letter.recipient();
    let told = |to: &Recipient| Told {
        incident: subject.incident.id.reference(),
        to: to.clone(),
    };
    if now >= token.expires_at {
        return Ok(Err(Refusal::Expired(told(&to))));
    }
    let is_cancelled = letter.state == LetterState::Cancelled && !letter.may_have_arrived();
    if is_cancelled || store::link::revoked(conn, letter.id)?.is_some() {
        return Ok(Err(Refusal::Revoked(told(&to))));
    }
    let mut person = None;
    match token.contact {
        Some(id) => {
            let contact = store::link::contact(conn, id)?;
            let same = contact.filter(|contact| {
                contact.vendor_id == vendor.id && contact.email.eq_ignore_ascii_case(&letter.email)
            });
            let Some(contact) = same else {
                return Ok(Err(Refusal::Removed(told(&to))));
            };
            to.name = contact.name;
            to.locale = contact.locale.unwrap_or(vendor.locale);
            to.time_zone = contact.time_zone.unwrap_or(vendor.time_zone);
        }
        None => {
            person = store::person::with_email(conn, &letter.email)?;
            if person.as_ref().is_some_and(|person| !person.active) {
                return Ok(Err(Refusal::Removed(told(&to))));
            }
        }
    }
    if token.purpose != Purpose::View {
        if let Some(used) = used(conn, token, "")? {
            return Ok(Err(Refusal::Used(told(&to), used)));
        }
        if is_over(conn, &subject)? {
            return Ok(Err(Refusal::Over(told(&to))));
        }
    }
    Ok(Ok(Opened {
        token: *token,
        letter,
        to,
        vendor,
        person,
        subject,
    }))
}

/// When and by whom a link was used.
///
/// # Errors
/// When the database does not answer.
pub fn used(conn: &mut Conn, token: &Token, occasion: &str) -> Result<Option<UsedBy>> {
    let Some(used) = store::link::used(conn, token.letter, token.purpose, occasion)? else {
        return Ok(None);
    };
    let events = store::incident::events(conn, used.incident_id)?;
    let Some(event) = events.into_iter().find(|event| event.seq == used.seq) else {
        return Ok(None);
    };
    let texts = store::incident::texts(conn, used.incident_id)?;
    let name = texts.get(&event.id).and_then(|texts| texts.get("name"));
    let mut name = name.map_or_else(String::new, |text| text.content.clone());
    if let Some(person) = event.person_id {
        name = store::person::find(conn, person)?.name;
    }
    Ok(Some(UsedBy {
        at: used.used_at,
        name,
        kind: event.kind,
    }))
}

/// The open cases of a vendor, each as whoever answers sees it; of a shared incident its own part alone.
///
/// # Errors
/// When the database does not answer.
pub fn open_cases(conn: &mut Conn, vendor: VendorId) -> Result<Vec<Subject>> {
    let mut open = Vec::new();
    for (incident, case) in store::link::open_cases(conn, vendor)? {
        let subject = subject_of(conn, incident, case)?;
        if !is_over(conn, &subject)? {
            open.push(subject);
        }
    }
    Ok(open)
}

/// A case that the holder of a link to the vendor's page may answer for: an open one of that vendor.
///
/// # Errors
/// When there is none of that key; whether another vendor has one is not told.
pub fn own_case(conn: &mut Conn, opened: &Opened, case: CaseId) -> Result<Subject> {
    let not_found = || Error::not_found("open case", case);
    let mut own = store::link::open_cases(conn, opened.vendor.id)?.into_iter();
    let (incident, own) = own.find(|(_, own)| own.id == case).ok_or_else(not_found)?;
    let subject = subject_of(conn, incident, own)?;
    match is_over(conn, &subject)? {
        true => Err(not_found()),
        false => Ok(subject),
    }
}

fn subject(conn: &mut Conn, id: CaseId) -> Result<Subject> {
    let (incident, case) = store::link::case(conn, id)?;
    subject_of(conn, incident, case)
}

fn subject_of(conn: &mut Conn, incident: Incident, case: Case) -> Result<Subject> {
    let contract = store::contract::find(conn, case.contract_id)?;
    let cases = [case];
    let terms = store::go_live::terms_of_cases(conn, &cases)?;
    let [case] = cases;
    let severity_name = terms
        .get(&case.id)
        .and_then(|terms| terms.terms.promise.severity(&case.severity))
        .map_or_else(String::new, |severity| severity.name.clone());
    let mut clocks = store::clock::of_incident(conn, incident.id)?;
    clocks.retain(|clock| clock.case_id == case.id);
    Ok(Subject {
        incident,
        case,
        contract,
        severity_name,
        clocks,
    })
}

fn is_over(conn: &mut Conn, subject: &Subject) -> Result<bool> {
    let events = store::incident::events(conn, subject.incident.id)?;
    Ok(standing(&facts(&events), subject.case.id) != Standing::Open)
}

/// In whose name a link records.
pub fn actor(opened: &Opened) -> Actor {
    match &opened.person {
        Some(person) => Actor::Person(person.id),
        None => Actor::Link(opened.letter.id),
    }
}

/// Records what was said by a link, for that case; the occasion is empty for a link that serves once and
/// names the form on the vendor's page.
///
/// The link is judged again under the incident's lock, so of two that arrive together the second finds it
/// used.
///
/// # Errors
/// When the timeline does not admit it; nothing is kept then.
pub fn answer(
    tx: &mut Tx<'_>,
    token: &Token,
    purpose: Purpose,
    case: CaseId,
    said: &Said,
    occasion: &str,
) -> Result<std::result::Result<Event, Refusal>> {
    let (incident, _) = store::link::case(tx.conn(), case)?;
    let incident = store::incident::lock(tx, incident.id)?;
    let now = tx.now();
    let opened = match open_signed(tx.conn(), token, now)? {
        Ok(opened) => opened,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if token.purpose == Purpose::View {
        if let Some(used) = used(tx.conn(), token, occasion)? {
            let told = Told {
                incident: incident.id.reference(),
                to: opened.to,
            };
            return Ok(Err(Refusal::Used(told, used)));
        }
        own_case(tx.conn(), &opened, case)?;
    }
    let Some(kind) = purpose.records() else {
        return Err(Error::conflict("this link records nothing"));
    };
    let is_ours = opened.letter.side == Side::Ours;
    let mut fields = Fields {
        contact: token.contact,
        letter: Some(token.letter),
        promised_for: said.promised_for,
        ..Fields::default()
    };
    if kind == EventKind::Acknowledged {
        fields.metrics = of_letter(&opened);
        if fields.metrics.is_empty() {
            let told = Told {
                incident: incident.id.reference(),
                to: opened.to,
            };
            return Ok(Err(Refusal::Over(told)));
        }
    }
    let record = Record {
        kind,
        case: Some(case),
        occurred_at: None,
        reason: said.remark.clone(),
        fields,
        confirm_terms: false,
    };
    let to = &opened.to;
    let mut texts = Vec::new();
    if opened.person.is_none() {
        texts.push(("name", said.name.clone()));
        texts.push(("contact", format!("{} <{}>", to.name, to.email)));
    }
    let source = if is_ours {
        Source::LetterLink
    } else {
        Source::VendorLink
    };
    let event = record_said_by(tx, incident.id, &record, source, texts)?;
    let used = (incident.id, event.seq);
    store::link::use_up(tx, token.letter, token.purpose, occasion, used)?;
    // The name that was typed stays out of the audit trail, from which nothing can be erased: the event
    // holds it.
    let detail = json!({"incident": incident.id.reference(), "seq": event.seq, "purpose": purpose,
        "contact": token.contact});
    tx.record("letter", token.letter.0, "link used", &detail)?;
    Ok(Ok(event))
}

/// The clocks that a letter was about and that still run.
fn of_letter(opened: &Opened) -> Vec<crate::domain::words::Metric> {
    let LetterFacts::Incident(facts) = &opened.letter.facts else {
        return Vec::new();
    };
    let clocks = opened.subject.clocks.iter();
    clocks
        .filter(|clock| clock.state.is_open())
        .map(|clock| clock.metric)
        .filter(|metric| facts.clocks.iter().any(|stated| stated.metric == *metric))
        .collect()
}

/// Calls in the links of a letter: none of them serves any more.
///
/// # Errors
/// When there is no such letter, or they were called in before.
pub fn revoke(tx: &mut Tx<'_>, id: LetterId) -> Result<()> {
    store::letter::get(tx.conn(), id)?;
    if !store::link::revoke(tx, id)? {
        return Err(Error::conflict(
            "the links of this letter serve no more already",
        ));
    }
    tx.record("letter", id.0, "links called in", &json!({}))
}
