//! Messages that came in: replies to our letters, and whatever else reached the address.
//!
//! Which letter a message answers is one question, whether to believe its sender another. References and
//! Message-IDs are no secret, so they only say where a message belongs; believed is what a mail relay that
//! the configuration names has vouched for, from an address that the vendor gave us.

mod authenticity;
mod tag;

use serde::Serialize;

pub use authenticity::proven;
pub use tag::{ReplyAddress, open_tag, seal_tag};

use super::letter::Side;
use super::outbox::Letter;
use super::vendor::Contact;
use super::words::EventKind;
use super::{CaseId, ContactId, IncidentId, LetterId, PersonId, ReceivedId};
use crate::schema::received_messages;
use crate::time::{DAY, Micros, Moment};

/// Longest message that is read, in bytes.
pub const MOST_BYTES: u64 = super::evidence::MOST_BYTES;

/// How long a message that belongs nowhere, or was not read, is kept in the list.
pub const UNPLACED_KEPT: Micros = 30 * DAY;

/// What stands for a text where a message has none.
pub const NO_TEXT: &str = "(no text)";

/// What an engineer may record by a message: what a vendor may answer by a link.
pub const RECORDED: [EventKind; 6] = [
    EventKind::Responded,
    EventKind::Updated,
    EventKind::Promised,
    EventKind::WorkedAround,
    EventKind::Restored,
    EventKind::Resolved,
];

text_enum! {
    /// What a message is taken for.
    Verdict {
        /// A person at the vendor wrote it, and that is proven.
        Trusted = "trusted",
        /// It answers a letter of ours, but it is not proven who wrote it.
        Unproven = "unproven",
        /// A machine wrote it.
        Automatic = "automatic",
        /// One of us wrote it.
        Ours = "ours",
        /// It answers no letter of ours.
        Unplaced = "unplaced",
        /// It is too large or too intricate to be read.
        Refused = "refused",
    }
}

impl Verdict {
    /// Whether it may be what the vendor says, so that one of us is asked about it.
    pub fn is_offered(self) -> bool {
        matches!(self, Verdict::Trusted | Verdict::Unproven)
    }
}

/// A message as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, diesel::Queryable, diesel::Selectable)]
#[diesel(table_name = received_messages)]
pub struct Received {
    /// Key.
    pub id: ReceivedId,
    /// When it reached us.
    pub received_at: Moment,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// Its length in bytes.
    pub size: i64,
    /// What it is taken for.
    pub verdict: Verdict,
    /// Why, in a sentence; empty where nothing is to be said.
    pub reason: String,
    /// The letter it answers.
    pub letter_id: Option<LetterId>,
    /// The incident of that letter.
    pub incident_id: Option<IncidentId>,
    /// The case of that letter.
    pub case_id: Option<CaseId>,
    /// The vendor's contact whose address it comes from.
    pub contact_id: Option<ContactId>,
    /// Its own Message-ID; empty: it has none.
    pub message_id: String,
    /// The name that its sender goes by.
    pub sender_name: String,
    /// The address that it claims to come from.
    pub sender_email: String,
    /// What it is about.
    pub subject: String,
    /// What it says, without what it quotes.
    pub body: String,
    /// The names of its attachments.
    pub files: FileNames,
    /// When it says that it was written.
    pub dated_at: Option<Moment>,
    /// When one of us, or the service, was done with it.
    pub handled_at: Option<Moment>,
    /// Who was; none: the service.
    pub handled_by: Option<PersonId>,
    /// When its texts and its bytes were erased.
    pub erased_at: Option<Moment>,
}

/// Names of attachments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, diesel::deserialize::FromSqlRow)]
#[serde(transparent)]
pub struct FileNames(pub Vec<String>);

from_text_column!(FileNames, |text| serde_json::from_str(&text).map(FileNames));

/// A message as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Incoming {
    /// Who it claims to come from; one, unless somebody plays tricks.
    pub from: Vec<Correspondent>,
    /// The addresses it went to.
    pub to: Vec<String>,
    /// Its own Message-ID, without brackets.
    pub message_id: Option<String>,
    /// The Message-IDs that it answers, the nearest first, without brackets.
    pub answers: Vec<String>,
    /// When it says that it was written.
    pub dated_at: Option<Moment>,
    /// What it is about, on one line.
    pub subject: String,
    /// What it says, without what it quotes.
    pub text: String,
    /// The names of its attachments.
    pub files: Vec<String>,
    /// What shows that a machine wrote it.
    pub automatic: Option<String>,
    /// Its Authentication-Results, the topmost first.
    pub results: Vec<String>,
}

/// A message as it arrived.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// Its bytes; empty where it is refused.
    pub bytes: Vec<u8>,
    /// Its length in bytes, as far as it was counted.
    pub size: u64,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// What it says; of a refused one what its head says, if that could be read.
    pub incoming: Incoming,
    /// Why it was not read.
    pub refused: Option<String>,
    /// When it reached the mailbox; none: now.
    pub received_at: Option<Moment>,
}

/// One address with its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Correspondent {
    /// The name; may be empty.
    pub name: String,
    /// The address.
    pub email: String,
}

impl Incoming {
    /// The one it claims to come from; nothing where it names none or several.
    pub fn sender(&self) -> Option<&Correspondent> {
        match self.from.as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }

    /// The left parts of the Message-IDs of letters of ours among those that it answers, the nearest
    /// first.
    pub fn letters(&self) -> Vec<&str> {
        let ids = self.answers.iter();
        let lefts = ids.filter_map(|id| id.split_once('@').map(|(left, _)| left));
        lefts.filter(|left| left.starts_with("letter.")).collect()
    }
}

/// What a message is judged by.
#[derive(Clone, Debug)]
pub struct Ground<'a> {
    /// The letter it answers.
    pub letter: &'a Letter,
    /// The contacts of the vendor that the letter's case is with.
    pub contacts: &'a [Contact],
    /// Whether its sender's address is one of ours.
    pub is_ours: bool,
    /// Whether it went to an address whose tag we never made.
    pub has_forged_tag: bool,
    /// The mail relays whose word counts.
    pub relays: &'a [String],
}

impl Ground<'_> {
    /// The vendor's contact of that address.
    pub fn contact(&self, email: &str) -> Option<&Contact> {
        let mut contacts = self.contacts.iter();
        contacts.find(|contact| contact.email.eq_ignore_ascii_case(email))
    }
}

/// What a message that answers a letter of ours is taken for, and why.
pub fn judge(incoming: &Incoming, ground: &Ground<'_>) -> (Verdict, String) {
    if let Some(sign) = &incoming.automatic {
        return (Verdict::Automatic, sign.clone());
    }
    let unproven = |reason: String| (Verdict::Unproven, reason);
    let Some(sender) = incoming.sender() else {
        let reason = match incoming.from.len() {
            0 => "it names no sender".to_string(),
            several => format!("it names {several} senders"),
        };
        return unproven(reason);
    };
    if ground.is_ours {
        let reason = format!("{} is an address of ours", sender.email);
        return (Verdict::Ours, reason);
    }
    if ground.letter.side == Side::Ours {
        return unproven("it answers a letter that was written to one of us".to_string());
    }
    if ground.has_forged_tag {
        return unproven("it went to an address whose tag we never made".to_string());
    }
    let is_recipient = ground.letter.email.eq_ignore_ascii_case(&sender.email);
    if !is_recipient && ground.contact(&sender.email).is_none() {
        return unproven(format!(
            "{} is not the address of a contact of the vendor",
            sender.email
        ));
    }
    match proven(&incoming.results, &sender.email, ground.relays) {
        Ok(()) => (Verdict::Trusted, String::new()),
        Err(doubt) => unproven(doubt),
    }
}
