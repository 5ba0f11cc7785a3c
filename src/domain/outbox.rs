//! Letters on their way: how they are kept, when they are tried again, when they are not needed.

use sha2::{Digest, Sha256};

use super::letter::{LetterFacts, LetterKind, LetterState, Recipient, Side};
use super::locale::Locale;
use super::webhook::WebhookName;
use super::zone::Zone;
use super::{BreachId, CaseId, ClockId, ContactId, IncidentId, LetterId};
use crate::schema::letters;
use crate::time::{HOUR, MINUTE, Micros, Moment};

/// A letter in the outbox.
#[derive(Clone, Debug, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = letters)]
pub struct Letter {
    /// Key.
    pub id: LetterId,
    /// What makes it the only one of its kind; queueing it twice is harmless.
    pub key: String,
    /// What it is for.
    pub kind: LetterKind,
    /// The incident it is about.
    pub incident_id: Option<IncidentId>,
    /// The case.
    pub case_id: Option<CaseId>,
    /// The clock.
    pub clock_id: Option<ClockId>,
    /// The breach it tells of or corrects.
    pub breach_id: Option<BreachId>,
    /// The vendor's contact it goes to.
    pub contact_id: Option<ContactId>,
    /// Name of the recipient.
    pub name: String,
    /// Address of the recipient.
    pub email: String,
    /// Language of the recipient.
    pub locale: Locale,
    /// Zone of the recipient.
    pub time_zone: Zone,
    /// Whom the recipient belongs to.
    pub side: Side,
    /// What it says.
    pub facts: LetterFacts,
    /// How it stands.
    pub state: LetterState,
    /// The moment it was for.
    pub planned_at: Moment,
    /// When it was queued.
    pub created_at: Moment,
    /// Not tried before this moment.
    pub next_attempt_at: Moment,
    /// How often it was tried.
    pub attempts: i32,
    /// Grows with each lease: who holds an older one cannot settle it.
    pub lease: i64,
    /// Whether a connection was lost after the content had begun to flow.
    pub in_doubt: bool,
    /// Until when the lease holds.
    pub leased_until: Option<Moment>,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// Left part of its Message-ID, made from the key.
    pub message_id: String,
    /// Left part of the Message-ID that its thread hangs on.
    pub thread: Option<String>,
    /// Subject as sent.
    pub subject: Option<String>,
    /// Plain text as sent.
    pub body_text: Option<String>,
    /// HTML as sent.
    pub body_html: Option<String>,
    /// When it was sent, failed for good or was cancelled.
    pub settled_at: Option<Moment>,
}

/// A letter whose moment has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Its key.
    pub id: LetterId,
    /// Where it goes.
    pub email: String,
}

impl Due {
    /// The part of the address after the @; a whole address without one stands for itself.
    pub fn domain(&self) -> &str {
        domain_of(&self.email)
    }
}

/// The part of an address after the @; a whole address without one stands for itself.
pub fn domain_of(email: &str) -> &str {
    email.rsplit_once('@').map_or(email, |(_, domain)| domain)
}

from_text_column!(LetterFacts, |text| serde_json::from_str(&text));

impl Letter {
    /// The webhook it goes to; none: it goes by mail.
    pub fn webhook(&self) -> Option<WebhookName> {
        WebhookName::of_address(&self.email)
    }

    /// Who gets it.
    pub fn recipient(&self) -> Recipient {
        Recipient {
            name: self.name.clone(),
            email: self.email.clone(),
            locale: self.locale,
            time_zone: self.time_zone,
            side: self.side,
        }
    }

    /// Its subject as it was sent, or what it is about while none is written.
    pub fn about(&self) -> String {
        let about = || match &self.facts {
            LetterFacts::Incident(facts) => format!("{} {}", facts.incident, facts.title),
            LetterFacts::Report(facts) => facts.name.clone(),
            LetterFacts::Undeliverable(facts) => facts.email.clone(),
        };
        self.subject.clone().unwrap_or_else(about)
    }

    /// Whether the recipient got it, or may have got it.
    pub fn may_have_arrived(&self) -> bool {
        self.state == LetterState::Sent || self.in_doubt
    }
}

/// The left part of a letter's Message-ID: the same for every attempt, so that a double is recognised.
///
/// The incident stands before what makes it unique, so that letters that are queued together lie together
/// in the index by which replies find them: each would dirty a page of its own otherwise.
pub fn message_id(incident: Option<IncidentId>, key: &str) -> String {
    match incident {
        Some(incident) => format!("letter.{incident}.{}", digest(key)),
        None => format!("letter.{}", digest(key)),
    }
}

/// The left part of the Message-ID that all letters about an incident to one recipient refer to.
///
/// No letter carries it itself, so that a thread holds together whichever letter is missing.
pub fn thread_id(incident: &str, email: &str) -> String {
    format!(
        "incident.{}",
        digest(&format!("{incident} {}", email.to_lowercase()))
    )
}

fn digest(text: &str) -> String {
    hex::encode(&Sha256::digest(text.as_bytes())[..16])
}

/// How often a letter is tried before it counts as failed; with the waits between, about two days.
pub const ATTEMPTS: i32 = 16;

/// How long a lease holds; longer than any exchange with a mail server may take.
pub const LEASE: Micros = 5 * MINUTE;

/// The longest wait between two attempts.
pub const LONGEST_RETRY: Micros = 4 * HOUR;

/// How long to wait after that many failed attempts; nothing when it is given up.
///
/// One minute, doubling, at most four hours. The jitter (0 to 1) takes off up to a fifth, so that
/// letters that failed together do not come back together.
pub fn retry_after(attempts: i32, jitter: f64) -> Option<Micros> {
    if attempts >= ATTEMPTS {
        return None;
    }
    let doublings = u32::try_from(attempts.max(1) - 1).unwrap_or(0).min(20);
    let wait = (MINUTE << doublings).min(LONGEST_RETRY);
    Some(wait - (wait as f64 * 0.2 * jitter.clamp(0.0, 1.0)) as Micros)
}

/// Why a letter is not needed any more when its turn comes, judged by how its clock and breach stand.
///
/// A warning is cancelled when its clock has stopped; a breach letter only when the breach is
/// withdrawn; raised and resolved letters never.
pub fn moot(
    letter: &Letter,
    clock_open: Option<bool>,
    same_lap: bool,
    breach_withdrawn: bool,
) -> Option<&'static str> {
    match letter.kind {
        LetterKind::Warned if clock_open == Some(false) => Some("the clock has stopped"),
        LetterKind::Warned if clock_open.is_some() && !same_lap => Some("the interval is over"),
        LetterKind::Breached | LetterKind::Escalated if breach_withdrawn => {
            Some("the breach is withdrawn")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_four_hours_and_end() {
        let minutes = |attempts| retry_after(attempts, 0.0).map(|wait| wait / MINUTE);
        let waits: Vec<_> = (1..=17).map(minutes).collect();
        assert_eq!(
            waits[..10],
            [1, 2, 4, 8, 16, 32, 64, 128, 240, 240].map(Some)
        );
        assert_eq!(waits[15], None);
        assert_eq!(retry_after(3, 1.0).map(|wait| wait / 1_000_000), Some(192));
    }
}
