//! What went wrong with a letter, and what follows for it and for the connection.

use std::fmt;
use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::extension::Extension;

use super::super::Delivery;

/// How far a letter came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Mail,
    Recipient,
    Data,
    Content,
}

/// What went wrong, and where.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) step: Step,
    pub(super) fault: Fault,
    /// The server goes on waiting for a text all the same.
    pub(super) wants_text: bool,
}

#[derive(Debug)]
pub(super) enum Fault {
    /// The server said no.
    Reply { code: u16, text: String },
    /// The server did not say anything.
    Silence(Duration),
    /// The connection broke, or something came that is no SMTP.
    Broken(String),
    /// The server cannot carry this letter.
    Lacking(Extension),
}

impl Fault {
    pub(super) fn of(error: &Error) -> Self {
        let code = error
            .status()
            .and_then(|code| code.to_string().parse().ok());
        match code {
            Some(code) => Fault::Reply {
                code,
                text: std::error::Error::source(error)
                    .map(ToString::to_string)
                    .unwrap_or_default(),
            },
            None => Fault::Broken(error.to_string()),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Reply { code, text } => write!(f, "{code} {text}"),
            Fault::Silence(within) => write!(f, "no answer within {} s", within.as_secs_f32()),
            Fault::Broken(error) => f.write_str(error),
            Fault::Lacking(extension) => write!(f, "the server does not offer {extension}"),
        }
    }
}

/// The server is shutting the connection (RFC 5321, 3.8).
const CLOSING: u16 = 421;

/// The server wants a login or encryption first, or does not like the one it got (RFC 4954, 6).
const LOGIN_WANTED: [u16; 4] = [530, 534, 535, 538];

/// Whether a final refusal is that of the recipient's address, whatever was written to it.
///
/// The enhanced status code decides where there is one (RFC 3463, 3.2 to 3.5): addressing status, but
/// for the sender's; a mailbox that is disabled; a host that is unknown, or an address that its own host
/// calls so while it is named. A mailbox that is full and anything about policy, content or security is
/// not the address's fault. Without one, only what RFC 5321, 4.2.3 says of mailboxes counts, and only
/// while the recipient is named and the server's words do not speak of something else: after the text the
/// same code may mean the text, and many servers say 550 to a network that they do not like. Before the
/// recipient is named it is the sender who is refused.
fn blames_address(step: Step, code: u16, text: &str) -> bool {
    if !matches!(step, Step::Recipient | Step::Content) {
        return false;
    }
    let enhanced = text.split_whitespace().next().and_then(|word| {
        let mut parts = word.splitn(3, '.').map(str::parse::<u16>);
        match (parts.next(), parts.next(), parts.next()) {
            (Some(Ok(5)), Some(Ok(subject)), Some(Ok(detail))) => Some((subject, detail)),
            _ => None,
        }
    });
    match enhanced {
        Some((1, 0)) => step == Step::Recipient,
        Some((1, detail)) => !matches!(detail, 7 | 8),
        Some((2, 1)) => true,
        Some((4, 1 | 4)) => step == Step::Recipient,
        Some(_) => false,
        None => {
            let said = text.to_lowercase();
            step == Step::Recipient
                && matches!(code, 550 | 551 | 553)
                && !OF_SOMETHING_ELSE.iter().any(|word| said.contains(word))
        }
    }
}

/// Words by which a server without enhanced codes refuses a network, a sender or a text.
const OF_SOMETHING_ELSE: [&str; 8] = [
    "relay",
    "block",
    "spam",
    "policy",
    "blacklist",
    "reputation",
    "sender",
    "authenti",
];

impl Failure {
    pub(super) fn at(step: Step) -> impl FnOnce(Fault) -> Self {
        move |fault| Self {
            step,
            fault,
            wants_text: false,
        }
    }

    pub(super) fn delivery(self) -> Delivery {
        match self.fault {
            Fault::Reply { code, text } if LOGIN_WANTED.contains(&code) => {
                Delivery::unreachable(format!("{code} {text}"))
            }
            Fault::Reply { code, text } if code >= 500 => Delivery::Refused {
                address: blames_address(self.step, code, &text),
                code,
                text,
            },
            Fault::Reply { code, text } => Delivery::Deferred { code, text },
            // The codes a server would answer with (RFC 6531, 3.7.4 and RFC 6152, 3).
            Fault::Lacking(extension) => Delivery::Refused {
                code: if matches!(extension, Extension::SmtpUtfEight) {
                    553
                } else {
                    554
                },
                text: self.fault.to_string(),
                address: false,
            },
            Fault::Silence(_) | Fault::Broken(_) if self.step == Step::Content => {
                Delivery::InDoubt {
                    error: self.fault.to_string(),
                }
            }
            Fault::Silence(_) | Fault::Broken(_) => Delivery::unreachable(self.fault),
        }
    }

    pub(super) fn is_dead_connection(&self) -> bool {
        match self.fault {
            Fault::Reply { code, .. } => code == CLOSING,
            Fault::Silence(_) | Fault::Broken(_) => true,
            Fault::Lacking(_) => false,
        }
    }

    pub(super) fn leaves_connection_usable(&self) -> bool {
        !self.is_dead_connection() && !self.wants_text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_of_the_recipient_blames_the_address() {
        use Step::{Content, Recipient};
        for (step, code, text, blames) in [
            (Recipient, 550, "5.1.1 no such user", true),
            (Recipient, 550, "5.1.10 null MX", true),
            (Recipient, 550, "5.4.1 access denied", true),
            (Recipient, 550, "5.2.1 disabled", true),
            (Recipient, 550, "no such user", true),
            (Recipient, 551, "user not local", true),
            (Recipient, 553, "name not allowed", true),
            (Content, 550, "5.1.1 no such user", true),
            (Recipient, 552, "5.2.2 mailbox full", false),
            (Recipient, 550, "5.7.1 relaying denied", false),
            (Recipient, 550, "5.1.8 bad sender", false),
            (Recipient, 554, "no", false),
            (Recipient, 550, "relay not permitted", false),
            (Recipient, 550, "Blocked by a list", false),
            (Step::Mail, 550, "5.1.0 sender rejected", false),
            (Step::Mail, 550, "no", false),
            (Step::Data, 550, "5.1.1 no such user", false),
            (Content, 550, "5.1.0 other", false),
            (Content, 550, "spam", false),
            (Content, 554, "5.4.1 no", false),
            (Recipient, 550, "", true),
            (Recipient, 550, "5.x.1 what", true),
        ] {
            assert_eq!(
                blames_address(step, code, text),
                blames,
                "{step:?} {code} {text}"
            );
        }
    }
}
