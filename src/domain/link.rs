//! Signed links: what a letter lets its reader do without an account.
//!
//! A link is the capability itself. It names the letter that holds it, the case, the vendor's contact
//! (none for one of us), one purpose and the moment it expires, and carries an HMAC-SHA-256 over these
//! with the installation's key; whoever holds no such letter cannot make one. Everything in it follows
//! from the letter and the key, so the same letter always holds the same links.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;

use super::input::FieldError;
use super::letter::{ClockFacts, IncidentFacts, LetterKind, Side};
use super::locale::Locale;
use super::outbox::Letter;
use super::words::{ClockState, EventKind, Metric};
use super::zone::Zone;
use super::{CaseId, ContactId, LetterId};
use crate::time::{HOUR, Micros, Moment, SECOND};

/// How long a vendor's links serve, counted from when their letter was queued.
pub const LIFE: Micros = 30 * 24 * HOUR;
/// How long a link serves one of us, counted in the same way.
pub const LIFE_OURS: Micros = 7 * 24 * HOUR;

/// What stands in the place of a link where a letter is shown to others than its recipient.
pub const MASKED: &str = "masked";

/// Where the path of a link for one answer begins.
pub const ANSWER_PATH: &str = "/answer/";
/// Where the path of a link to the vendor's page begins.
pub const VENDOR_PATH: &str = "/vendor/";

/// Longest text that is looked at as a link.
const LONGEST: usize = 200;
/// Shortest text that is taken for one when links are masked: the signature alone is longer.
const SHORTEST: usize = 43;
/// Length of the signature, in bytes.
const SIGNATURE: usize = 32;
/// What signatures are made over begins with this, so that the key signs nothing else.
const CONTEXT: &[u8] = b"redress link 1\0";

text_enum! {
    /// The one thing that a link is for.
    Purpose {
        /// A person at the vendor has it in hand: records `responded`.
        Acknowledge = "acknowledge",
        /// How it stands: records `updated`.
        Update = "update",
        /// By when: records `promised`.
        Promise = "promise",
        /// A way round the trouble works: records `worked_around`.
        Workaround = "workaround",
        /// The service is back: records `restored`.
        Restored = "restored",
        /// It is repaired: records `resolved`.
        Resolved = "resolved",
        /// The vendor's page of its own open incidents; may be opened many times.
        View = "view",
        /// One of us takes an escalation: records `acknowledged`.
        Take = "take",
    }
}

impl Purpose {
    /// What a vendor may answer.
    pub const ANSWERS: [Purpose; 6] = [
        Purpose::Acknowledge,
        Purpose::Update,
        Purpose::Promise,
        Purpose::Workaround,
        Purpose::Restored,
        Purpose::Resolved,
    ];

    /// The event that it records; nothing for the vendor's page.
    pub fn records(self) -> Option<EventKind> {
        match self {
            Purpose::Acknowledge => Some(EventKind::Responded),
            Purpose::Update => Some(EventKind::Updated),
            Purpose::Promise => Some(EventKind::Promised),
            Purpose::Workaround => Some(EventKind::WorkedAround),
            Purpose::Restored => Some(EventKind::Restored),
            Purpose::Resolved => Some(EventKind::Resolved),
            Purpose::Take => Some(EventKind::Acknowledged),
            Purpose::View => None,
        }
    }

    /// The answer that stops a clock, if a link can give it.
    pub fn that_stops(metric: Metric) -> Option<Purpose> {
        match metric {
            Metric::Respond => Some(Purpose::Acknowledge),
            Metric::Update => Some(Purpose::Update),
            Metric::Workaround => Some(Purpose::Workaround),
            Metric::Restore => Some(Purpose::Restored),
            Metric::Resolve => Some(Purpose::Resolved),
            Metric::RootCause | Metric::DataLoss => None,
        }
    }

    fn code(self) -> u8 {
        // The place in the list, from 1; a list of eight fits.
        let place = Self::ALL.iter().position(|purpose| *purpose == self);
        place.map_or(0, |place| place as u8 + 1)
    }
}

/// What a link says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// The letter that holds it.
    pub letter: LetterId,
    /// The case it is about.
    pub case: CaseId,
    /// The vendor's contact it was written to; none: one of us.
    pub contact: Option<ContactId>,
    /// The one thing it is for.
    pub purpose: Purpose,
    /// It serves no more from then on; whole seconds.
    pub expires_at: Moment,
}

impl Token {
    /// The link of a letter for that purpose; nothing where the letter is about no case, or the purpose
    /// is not for its recipient.
    pub fn of(letter: &Letter, purpose: Purpose) -> Option<Self> {
        let is_ours = purpose == Purpose::Take;
        if is_ours != (letter.side == Side::Ours) || is_ours == letter.contact_id.is_some() {
            return None;
        }
        let life = if is_ours { LIFE_OURS } else { LIFE };
        let expires = (letter.created_at + life).micros();
        Some(Self {
            letter: letter.id,
            case: letter.case_id?,
            contact: letter.contact_id,
            purpose,
            expires_at: Moment::from_micros(expires - expires.rem_euclid(SECOND)),
        })
    }
}

/// What links are signed with: 32 random bytes, one key for each installation.
#[derive(Clone)]
pub struct LinkKey(hmac::Key);

impl LinkKey {
    /// From the bytes that are kept.
    pub fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The text that stands in an address: the token and its signature, base64url.
    pub fn seal(&self, token: &Token) -> String {
        let mut bytes = vec![token.purpose.code()];
        for number in [
            token.letter.0,
            token.case.0,
            token.contact.map_or(0, |contact| contact.0),
            token.expires_at.micros() / SECOND,
        ] {
            push_number(&mut bytes, number.unsigned_abs());
        }
        let signature = hmac::sign(&self.0, &signed(&bytes));
        bytes.extend_from_slice(signature.as_ref());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The signature over what is said elsewhere in the installation's name; it begins with a word of its
    /// own, so that it is no link.
    pub(super) fn signature(&self, said: &[u8]) -> [u8; SIGNATURE] {
        let mut signature = [0; SIGNATURE];
        signature.copy_from_slice(hmac::sign(&self.0, said).as_ref());
        signature
    }

    /// Whether two signatures are the same; takes as long wherever they differ.
    pub(super) fn is_same(&self, given: &[u8], right: &[u8]) -> bool {
        hmac::verify(&self.0, given, hmac::sign(&self.0, right).as_ref()).is_ok()
    }

    /// What a text says that somebody sent; nothing when this key did not sign it. The comparison takes
    /// as long whatever is wrong, and nothing else is looked at before.
    pub fn open(&self, text: &str) -> Option<Token> {
        if text.len() > LONGEST {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (said, signature) = bytes.split_at(bytes.len().checked_sub(SIGNATURE)?);
        hmac::verify(&self.0, &signed(said), signature).ok()?;
        let (code, mut rest) = said.split_first()?;
        let purpose = Purpose::ALL
            .iter()
            .find(|purpose| purpose.code() == *code)?;
        let mut number = || take_number(&mut rest);
        let (letter, case, contact, expires) = (number()?, number()?, number()?, number()?);
        let is_whole = rest.is_empty();
        is_whole.then_some(Token {
            letter: LetterId(letter),
            case: CaseId(case),
            contact: Some(ContactId(contact)).filter(|contact| contact.0 != 0),
            purpose: *purpose,
            expires_at: Moment::from_micros(expires.checked_mul(SECOND)?),
        })
    }
}

impl std::fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

fn signed(said: &[u8]) -> Vec<u8> {
    [CONTEXT, said].concat()
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn push_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take_number(bytes: &mut &[u8]) -> Option<i64> {
    let mut number = 0_u64;
    for shift in (0..63).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return i64::try_from(number).ok();
        }
    }
    None
}

/// The ends of the addresses before a link, in plain text and as HTML or another address writes a slash.
const BEFORE_LINKS: [&str; 8] = [
    ANSWER_PATH,
    VENDOR_PATH,
    "&#x2f;answer&#x2f;",
    "&#x2f;vendor&#x2f;",
    // Within the address of a scanner of mail that wraps links.
    "%2Fanswer%2F",
    "%2Fvendor%2F",
    "%2fanswer%2f",
    "%2fvendor%2f",
];

/// A text, or HTML, with every link in it masked.
pub fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        let next = BEFORE_LINKS
            .into_iter()
            .filter_map(|path| rest.find(path).map(|at| at + path.len()))
            .min();
        let Some(after) = next else {
            masked.push_str(rest);
            return masked;
        };
        let (before, from) = rest.split_at(after);
        masked.push_str(before);
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        let end = from.find(|letter| !is_part(letter)).unwrap_or(from.len());
        if end >= SHORTEST {
            masked.push_str(MASKED);
            rest = &from[end..];
        } else {
            rest = from;
        }
    }
}

/// Which answers a letter to the vendor offers at once, the one that matters most first. All others are
/// on the vendor's page: at night one wants one thing to press.
pub fn offered(facts: &IncidentFacts) -> Vec<Purpose> {
    let asks = matches!(
        facts.kind,
        LetterKind::Raised
            | LetterKind::Warned
            | LetterKind::Escalated
            | LetterKind::Breached
            | LetterKind::Reopened
            | LetterKind::Answered
    );
    if !asks {
        return Vec::new();
    }
    let open = facts.clocks.iter().filter(|clock| is_wanted(clock));
    let first = open
        .filter_map(|clock| Purpose::that_stops(clock.metric))
        .next();
    let mut offered: Vec<Purpose> = first.into_iter().collect();
    // Who has not answered yet does so with a promise, too; but to be told so early is a burden.
    if !matches!(facts.kind, LetterKind::Raised | LetterKind::Answered) && first.is_some() {
        offered.push(Purpose::Promise);
    }
    offered
}

/// Whether a letter to one of us offers to take the escalation.
pub fn can_be_taken(facts: &IncidentFacts) -> bool {
    let escalates = matches!(
        facts.kind,
        LetterKind::Warned | LetterKind::Escalated | LetterKind::Breached
    );
    escalates && facts.clocks.iter().any(is_wanted)
}

/// Whether an answer to that clock is still wanted: it may run out, or it is a missed interval of updates,
/// which the next follows at once.
fn is_wanted(clock: &ClockFacts) -> bool {
    clock.state.is_open() || (clock.metric == Metric::Update && clock.state == ClockState::Missed)
}

/// What a vendor says by a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Who says so, as typed.
    pub name: String,
    /// What else there is to say.
    pub remark: String,
    /// For a promise: the time.
    pub promised_for: Option<Moment>,
}

/// Longest name, in characters.
const LONGEST_NAME: usize = 200;
/// Longest remark, in characters.
const LONGEST_REMARK: usize = 4_000;

impl Said {
    /// Reads what was typed into the form of that purpose; the promised time is a local one of the
    /// contact's zone. Faults are in the contact's language.
    ///
    /// # Errors
    /// Every fault at its field.
    pub fn read(
        purpose: Purpose,
        name: &str,
        remark: &str,
        promised_for: &str,
        (zone, locale): (Zone, Locale),
        now: Moment,
    ) -> Result<Self, Vec<FieldError>> {
        let mut faults = Vec::new();
        let mut fault = |field: &str, english: String, chinese: String| {
            let message = match locale {
                Locale::En => english,
                Locale::ZhCn => chinese,
            };
            faults.push(FieldError::new(field, message));
        };
        let (name, remark) = (one_line(name), clean(remark));
        if name.is_empty() && purpose != Purpose::Take {
            fault(
                "name",
                "Please write your name; it stands in the record.".into(),
                "请填写您的姓名，姓名将写入记录。".into(),
            );
        }
        if name.chars().count() > LONGEST_NAME {
            fault(
                "name",
                format!("The name is longer than {LONGEST_NAME} characters."),
                format!("姓名不得超过 {LONGEST_NAME} 个字符。"),
            );
        }
        if remark.chars().count() > LONGEST_REMARK {
            fault(
                "remark",
                format!("The text is longer than {LONGEST_REMARK} characters."),
                format!("内容不得超过 {LONGEST_REMARK} 个字符。"),
            );
        }
        if purpose == Purpose::Update && remark.is_empty() {
            fault(
                "remark",
                "Please write how it stands.".into(),
                "请填写当前进展。".into(),
            );
        }
        let mut promised = None;
        if purpose == Purpose::Promise {
            match local(promised_for, zone) {
                Local::At(at) if at < now => fault(
                    "promised_for",
                    format!("That time has passed in {zone}; please name a time to come."),
                    format!("该时间（{zone}）已过，请填写将来的时间。"),
                ),
                Local::At(at) => promised = Some(at),
                Local::Skipped => fault(
                    "promised_for",
                    format!(
                        "That time does not exist in {zone}: the clocks are put forward over it. Please name another."
                    ),
                    format!("该时间在 {zone} 不存在（夏令时调整跳过了这一时刻），请填写其他时间。"),
                ),
                Local::Unreadable => fault(
                    "promised_for",
                    "Please write a date and a time, such as 2026-11-23T10:00.".into(),
                    "请填写日期和时间，例如 2026-11-23T10:00。".into(),
                ),
            }
        }
        if faults.is_empty() {
            Ok(Self {
                name,
                remark,
                promised_for: promised,
            })
        } else {
            Err(faults)
        }
    }
}

enum Local {
    At(Moment),
    Skipped,
    Unreadable,
}

/// A local date and time; one that exists twice is the later, since a promise may be kept until then.
fn local(text: &str, zone: Zone) -> Local {
    let text = text.trim();
    let read = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|form| chrono::NaiveDateTime::parse_from_str(text, form).ok());
    let Some(local) = read else {
        return Local::Unreadable;
    };
    match local.and_local_timezone(zone.0).latest() {
        Some(at) => match Moment::parse(&at.to_rfc3339()) {
            Ok(at) => Local::At(at),
            Err(_) => Local::Unreadable,
        },
        None => Local::Skipped,
    }
}

fn one_line(text: &str) -> String {
    let spaced: String = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn clean(text: &str) -> String {
    let unix = text.replace("\r\n", "\n");
    let kept = unix
        .chars()
        .filter(|letter| !letter.is_control() || matches!(letter, '\n' | '\t'));
    kept.collect::<String>().trim().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> Token {
        Token {
            letter: LetterId(817),
            case: CaseId(300),
            contact: Some(ContactId(12)),
            purpose: Purpose::Acknowledge,
            expires_at: Moment::parse("2026-12-23T09:00:00Z").unwrap(),
        }
    }

    #[test]
    fn a_link_says_what_was_signed_and_any_other_text_says_nothing() {
        let key = LinkKey::new(&[7; 32]);
        let text = key.seal(&token());
        assert!(text.len() < 80, "{}", text.len());
        assert_eq!(key.open(&text), Some(token()));
        assert_eq!(key.seal(&token()), text, "the same letter, the same link");
        assert_eq!(LinkKey::new(&[8; 32]).open(&text), None);
        for place in 0..text.len() {
            let mut forged = text.clone().into_bytes();
            forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(key.open(&forged), None, "letter {place}");
        }
        for wrong in [
            "",
            "masked",
            "999999",
            &text[1..],
            &format!("{text}A"),
            &"A".repeat(5000),
        ] {
            assert_eq!(key.open(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn every_purpose_and_every_number_comes_back() {
        let key = LinkKey::new(&[1; 32]);
        for purpose in Purpose::ALL {
            for number in [1, 127, 128, 16_384, i64::MAX] {
                let token = Token {
                    letter: LetterId(number),
                    case: CaseId(number),
                    contact: None,
                    purpose: *purpose,
                    ..token()
                };
                assert_eq!(key.open(&key.seal(&token)), Some(token));
            }
        }
    }

    #[test]
    fn links_are_masked_wherever_they_stand() {
        let link = LinkKey::new(&[7; 32]).seal(&token());
        let text = format!(
            "see https://a.example/answer/{link}, <a href=\"https://a.example/vendor/{link}#x\">all</a> /answer/short &#x2f;answer&#x2f;{link}"
        );
        assert_eq!(
            mask(&text),
            "see https://a.example/answer/masked, <a href=\"https://a.example/vendor/masked#x\">all</a> /answer/short &#x2f;answer&#x2f;masked"
        );
    }

    #[test]
    fn a_promise_is_read_where_the_contact_is_also_when_clocks_are_changed() {
        let now = Moment::parse("2026-03-28T09:00:00Z").unwrap();
        let berlin = ("Europe/Berlin".parse().unwrap(), Locale::En);
        let read = |text: &str, now| {
            Said::read(Purpose::Promise, " Mei\nLin ", "", text, berlin, now)
                .map(|said| said.promised_for.unwrap().to_string())
                .map_err(|faults| faults[0].message.clone())
        };
        assert_eq!(
            read("2026-03-29T08:00", now).unwrap(),
            "2026-03-29T06:00:00Z"
        );
        assert!(
            read("2026-03-29T02:30", now)
                .unwrap_err()
                .contains("does not exist")
        );
        assert_eq!(
            read("2026-10-25T02:30", now).unwrap(),
            "2026-10-25T01:30:00Z"
        );
        assert!(
            read("2026-03-28T09:59", now)
                .unwrap_err()
                .contains("has passed")
        );
        assert!(
            read("tomorrow", now)
                .unwrap_err()
                .contains("2026-11-23T10:00")
        );
    }
}
