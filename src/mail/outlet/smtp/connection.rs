//! One letter after the other over one connection.

use std::fmt;
use std::time::Duration;

use lettre::Address;
use lettre::address::AddressError;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::{Extension, MailBodyParameter, MailParameter, ServerInfo};
use lettre::transport::smtp::response::Response;
use tokio::time::timeout;

use super::super::{Delivery, Outgoing};
use super::Patience;
use super::failure::{Failure, Fault, Step};

/// One letter for one recipient.
pub(super) struct Job<'a> {
    from: Address,
    to: Address,
    bytes: &'a [u8],
}

impl<'a> Job<'a> {
    /// # Errors
    /// What becomes of a letter whose addresses are none.
    pub(super) fn of(letter: &'a Outgoing) -> Result<Self, Delivery> {
        // No server has refused it, so no address is marked.
        let wrong = |error: AddressError| Delivery::Refused {
            code: 553,
            text: format!("{error}: from {}, to {}", letter.from, letter.to),
            address: false,
        };
        Ok(Self {
            from: letter.from.parse().map_err(wrong)?,
            to: letter.to.parse().map_err(wrong)?,
            bytes: &letter.bytes,
        })
    }

    /// Everything that comes before the text.
    fn envelope(&self, server: &ServerInfo) -> Result<Envelope, Fault> {
        let parameters = self.parameters(server)?;
        Ok(Envelope(
            Mail::new(Some(self.from.clone()), parameters),
            Rcpt::new(self.to.clone(), Vec::new()),
        ))
    }

    /// What the letter asks of the server beyond plain ASCII.
    fn parameters(&self, server: &ServerInfo) -> Result<Vec<MailParameter>, Fault> {
        let needs = [
            (
                !self.from.to_string().is_ascii() || !self.to.to_string().is_ascii(),
                Extension::SmtpUtfEight,
                MailParameter::SmtpUtfEight,
            ),
            (
                !self.bytes.is_ascii(),
                Extension::EightBitMime,
                MailParameter::Body(MailBodyParameter::EightBitMime),
            ),
        ];
        let mut parameters = Vec::new();
        for (is_needed, extension, parameter) in needs {
            if is_needed && !server.supports_feature(extension) {
                return Err(Fault::Lacking(extension));
            }
            if is_needed {
                parameters.push(parameter);
            }
        }
        Ok(parameters)
    }
}

/// A connection, and what lettre does not remember of it.
pub(super) struct Connection {
    lettre: AsyncSmtpConnection,
    /// The server takes several commands at once (RFC 2920).
    pipelines: bool,
}

impl Connection {
    pub(super) fn new(lettre: AsyncSmtpConnection, pipelines: bool) -> Self {
        Self { lettre, pipelines }
    }

    /// Names sender and recipient, up to the server's readiness for the text.
    pub(super) async fn begin(&mut self, job: &Job<'_>, within: Duration) -> Result<(), Failure> {
        let envelope = job
            .envelope(self.lettre.server_info())
            .map_err(Failure::at(Step::Recipient))?;
        if self.pipelines {
            let begun = exchange(within, self.lettre.command(envelope)).await;
            return self.begun(begun, within).await;
        }
        let Envelope(mail, recipient) = envelope;
        exchange(within, self.lettre.command(mail))
            .await
            .map_err(Failure::at(Step::Mail))?;
        exchange(within, self.lettre.command(recipient))
            .await
            .map_err(Failure::at(Step::Recipient))?;
        exchange(within, self.lettre.command(Data))
            .await
            .map_err(Failure::at(Step::Data))?;
        Ok(())
    }

    /// Sends the text and, where the server takes several commands at once, the next letter's envelope
    /// behind it, as RFC 2920, 3.1 allows; gives the answer to the text and, unless the connection is lost,
    /// to that envelope.
    ///
    /// So a letter takes one exchange instead of four, and without a next letter two.
    pub(super) async fn finish(
        &mut self,
        job: &Job<'_>,
        next: Option<&Job<'_>>,
        patience: Patience,
    ) -> (Result<Response, Failure>, Option<Result<(), Failure>>) {
        let Ok(text) = std::str::from_utf8(job.bytes) else {
            let answer = exchange(patience.content, self.lettre.message(job.bytes)).await;
            return (answer.map_err(Failure::at(Step::Content)), None);
        };
        let server = self.lettre.server_info();
        // One that the server cannot carry comes to that when it is its turn.
        let envelope = next
            .filter(|_| self.pipelines)
            .and_then(|next| next.envelope(server).ok());
        let is_said = envelope.is_some();
        let packet = Packet(Content(text), envelope);
        let answer = exchange(patience.content, self.lettre.command(packet)).await;
        let answer = answer.map_err(Failure::at(Step::Content));
        let is_lost = answer
            .as_ref()
            .is_err_and(|failure| failure.is_dead_connection());
        if !is_said || is_lost {
            return (answer, None);
        }
        let begun = exchange(patience.exchange, self.lettre.read_response()).await;
        let said = self.begun(begun, patience.exchange).await;
        (answer, Some(said))
    }

    /// The rest of what a server says to an envelope that it got at once, from its answer to MAIL on.
    async fn begun(
        &mut self,
        begun: Result<Response, Fault>,
        within: Duration,
    ) -> Result<(), Failure> {
        if matches!(begun, Err(Fault::Silence(_) | Fault::Broken(_))) {
            return begun.map(drop).map_err(Failure::at(Step::Mail));
        }
        let taken = exchange(within, self.lettre.read_response()).await;
        if begun.is_ok() && matches!(taken, Err(Fault::Silence(_) | Fault::Broken(_))) {
            return taken.map(drop).map_err(Failure::at(Step::Recipient));
        }
        let ready = exchange(within, self.lettre.read_response()).await;
        let is_ready = ready.is_ok();
        let refused = begun
            .map_err(Failure::at(Step::Mail))
            .and(taken.map_err(Failure::at(Step::Recipient)))
            .and(ready.map_err(Failure::at(Step::Data)));
        refused.map(drop).map_err(|failure| Failure {
            // It waits for a text that is for nobody; whatever came next would be taken for it.
            wants_text: is_ready,
            ..failure
        })
    }

    /// Makes the server forget the letter that it refused.
    pub(super) async fn reset(&mut self, within: Duration) -> Result<(), Fault> {
        exchange(within, self.lettre.command(Rset)).await.map(drop)
    }

    pub(super) async fn quit(&mut self, within: Duration) {
        // The letters are delivered already; whether the server says good-bye does not matter.
        let _ = timeout(within, self.lettre.quit()).await;
    }
}

/// Everything that comes before the text, in one packet.
struct Envelope(Mail, Rcpt);

impl fmt::Display for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{Data}", self.0, self.1)
    }
}

/// The text with the dot that ends it, in one packet; a line of it that begins with a dot gets another
/// (RFC 5321, 4.5.2).
struct Content<'a>(&'a str);

impl fmt::Display for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DOT: &str = "\r\n.";
        let mut rest = self.0;
        if rest.starts_with('.') {
            f.write_str(".")?;
        }
        while let Some(at) = rest.find(DOT) {
            let (line, after) = rest.split_at(at + DOT.len());
            write!(f, "{line}.")?;
            rest = after;
        }
        f.write_str(rest)?;
        f.write_str(if self.0.ends_with("\r\n") {
            ".\r\n"
        } else {
            "\r\n.\r\n"
        })
    }
}

/// The text, and the envelope of the letter after it.
struct Packet<'a>(Content<'a>, Option<Envelope>);

impl fmt::Display for Packet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)?;
        self.1.as_ref().map_or(Ok(()), |next| next.fmt(f))
    }
}

pub(super) async fn exchange<T>(
    within: Duration,
    answer: impl Future<Output = Result<T, Error>>,
) -> Result<T, Fault> {
    match timeout(within, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(Fault::of(&error)),
        Err(_) => Err(Fault::Silence(within)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_begins_with_a_dot_does_not_end_the_text() {
        let sent = |text| Content(text).to_string();
        assert_eq!(sent(".a\r\n..\r\n.\r\n"), "..a\r\n...\r\n..\r\n.\r\n");
        assert_eq!(sent("a.\r\nb"), "a.\r\nb\r\n.\r\n");
        assert_eq!(sent("\r\n.\r\n."), "\r\n..\r\n..\r\n.\r\n");
    }

    #[test]
    fn only_what_is_lost_after_the_content_began_is_in_doubt() {
        let lost = |step| Failure::at(step)(Fault::Silence(Duration::from_secs(20))).delivery();
        for step in [Step::Mail, Step::Recipient, Step::Data] {
            assert!(matches!(lost(step), Delivery::Unreachable { .. }));
        }
        assert_eq!(
            lost(Step::Content),
            Delivery::InDoubt {
                error: "no answer within 20 s".to_string()
            }
        );
    }
}
