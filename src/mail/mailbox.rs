//! A mailbox that replies come to, read by IMAP (RFC 9051).
//!
//! Whoever answers may be anybody, slow or silent: every exchange has a time in which it must be over and a
//! number of bytes that it may take.

mod wire;

use std::fmt;
use std::time::Duration;

use async_imap::types::Fetch;
use async_imap::{Client, Session};
use futures_util::TryStreamExt;
use percent_encoding::percent_decode_str;
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

use super::outlet::{Authorities, Encryption};
use crate::domain::received::MOST_BYTES;
use crate::time::Moment;
use wire::{Bounded, Wire};

/// How many bytes an answer may have that is no message.
const MOST_SAID: u64 = 4 * 1024 * 1024;
/// How many more than it says a message may have, for what stands round it.
const MARGIN: u64 = 64 * 1024;

/// How long is waited for whom.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For the connection, encryption included.
    pub connection: Duration,
    /// For each answer.
    pub answer: Duration,
    /// For a message.
    pub message: Duration,
    /// For something new, where the server tells of it by itself.
    pub news: Duration,
    /// Between two looks, where it does not.
    pub looks: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connection: Duration::from_secs(20),
            answer: Duration::from_secs(30),
            message: Duration::from_secs(120),
            news: Duration::from_secs(240),
            looks: Duration::from_secs(60),
        }
    }
}

/// Where the mailbox is, and how one gets in.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    host: String,
    port: u16,
    is_encrypted: bool,
    user: String,
    password: String,
    folder: String,
}

impl Address {
    /// Reads `imaps://USER:PASSWORD@HOST:993/FOLDER`; what is special in it is percent-encoded. `imap://`
    /// is not encrypted.
    ///
    /// # Errors
    /// What is missing, in a sentence that repeats no password.
    pub fn of(url: &Url) -> Result<Self, String> {
        let plain = |text: &str| {
            let decoded = percent_decode_str(text).decode_utf8();
            decoded.map_or_else(|_| String::new(), |text| text.into_owned())
        };
        let is_encrypted = url.scheme() == "imaps";
        let user = plain(url.username());
        let password = plain(url.password().unwrap_or_default());
        if user.is_empty() || password.is_empty() {
            return Err("there must be a user and a password before the host".to_string());
        }
        let folder = plain(url.path().trim_matches('/'));
        if [&user, &password, &folder]
            .iter()
            .any(|text| text.chars().any(char::is_control))
        {
            return Err("user, password and folder have no control characters".to_string());
        }
        // An IPv6 address stands in brackets in a URL and nowhere else.
        let host = url.host_str().unwrap_or_default();
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_string(),
            port: url.port().unwrap_or(if is_encrypted { 993 } else { 143 }),
            is_encrypted,
            user,
            password,
            folder: if folder.is_empty() {
                "INBOX".to_string()
            } else {
                folder
            },
        })
    }
}

/// Passwords never show.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_encrypted { "imaps" } else { "imap" };
        let Self {
            host,
            port,
            user,
            folder,
            ..
        } = self;
        write!(f, "{scheme}://{user}:***@{host}:{port}/{folder}")
    }
}

/// A message as it lies in the mailbox.
#[derive(Clone, Debug)]
pub struct Lying {
    /// Its number, which stays.
    pub uid: u32,
    /// What tells it from every other in every mailbox.
    pub identity: String,
    /// Its length in bytes, as the server says.
    pub size: u64,
    /// When it reached the mailbox, as the server says.
    pub received_at: Option<Moment>,
}

/// One session with the server.
pub struct Mailbox {
    session: Session<Bounded>,
    patience: Patience,
    identity: String,
    /// Whether the server tells of news by itself.
    tells: bool,
}

impl Mailbox {
    /// Connects, signs in and opens the folder.
    ///
    /// # Errors
    /// What went wrong, in a sentence without the password.
    pub async fn open(
        address: &Address,
        authorities: &Authorities,
        patience: Patience,
    ) -> Result<Self, String> {
        let connected = within(
            "connect",
            patience.connection,
            connect(address, authorities),
        );
        let mut client = Client::new(Bounded::new(connected.await?, MOST_SAID));
        let greeting = within("greet", patience.answer, async {
            client.read_response().await.map_err(said)
        });
        if greeting.await?.is_none() {
            return Err("the mailbox's server says nothing and hangs up".to_string());
        }
        let mut session = within("sign in", patience.answer, async {
            let signed_in = client.login(&address.user, &address.password).await;
            signed_in.map_err(|(error, _)| said(error))
        })
        .await?;
        let folder = within("open the folder", patience.answer, async {
            session.select(&address.folder).await.map_err(said)
        })
        .await?;
        let tells = within("say what it can", patience.answer, async {
            let can = session.capabilities().await.map_err(said)?;
            Ok(can.has_str("IDLE"))
        })
        .await?;
        let generation = folder.uid_validity.unwrap_or_default();
        Ok(Self {
            session,
            patience,
            identity: format!("{address:?} {generation}"),
            tells,
        })
    }

    /// The messages that nobody has seen yet, the oldest first.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn unseen(&mut self) -> Result<Vec<u32>, String> {
        self.allow(MOST_SAID);
        let session = &mut self.session;
        let found = within("list what is new", self.patience.answer, async {
            session.uid_search("UNSEEN").await.map_err(said)
        });
        let mut uids: Vec<u32> = found.await?.into_iter().collect();
        uids.sort_unstable();
        Ok(uids)
    }

    /// What the server says of a message; nothing when it is gone.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn about(&mut self, uid: u32) -> Result<Option<Lying>, String> {
        let found = self.fetch(
            uid,
            "(UID RFC822.SIZE INTERNALDATE)",
            MOST_SAID,
            self.patience.answer,
        );
        let found = found.await?;
        let of_it = found.iter().find(|fetched| fetched.uid == Some(uid));
        Ok(of_it.map(|fetched| Lying {
            uid,
            identity: format!("{} {uid}", self.identity),
            // A server that does not say is believed no length at all.
            size: fetched.size.map_or(u64::MAX, u64::from),
            received_at: fetched
                .internal_date()
                .map(|at| Moment::from_micros(at.timestamp_micros())),
        }))
    }

    /// The bytes of a message; nothing when it is gone. It is not marked by this.
    ///
    /// # Errors
    /// What went wrong, for instance that it is longer than the server said.
    pub async fn bytes(&mut self, lying: &Lying) -> Result<Option<Vec<u8>>, String> {
        let most = lying.size.min(MOST_BYTES) + MARGIN;
        let found = self.fetch(lying.uid, "(UID BODY.PEEK[])", most, self.patience.message);
        let found = found.await?;
        let of_it = found.iter().find(|fetched| fetched.uid == Some(lying.uid));
        Ok(of_it.and_then(Fetch::body).map(<[u8]>::to_vec))
    }

    /// Marks a message as seen: it is done with.
    ///
    /// # Errors
    /// What went wrong; it is then met again.
    pub async fn mark(&mut self, uid: u32) -> Result<(), String> {
        self.allow(MOST_SAID);
        let session = &mut self.session;
        within("mark a message", self.patience.answer, async {
            let marked = session.uid_store(uid.to_string(), "+FLAGS.SILENT (\\Seen)");
            let marked = marked.await.map_err(said)?;
            marked.try_collect::<Vec<Fetch>>().await.map_err(said)
        })
        .await
        .map(drop)
    }

    /// Waits until there may be something new, some minutes at most.
    ///
    /// # Errors
    /// What went wrong: the server may be gone.
    pub async fn news(mut self) -> Result<Self, String> {
        self.allow(MOST_SAID);
        // What the server told by the way is looked for again anyway.
        while self.session.unsolicited_responses.try_recv().is_ok() {}
        if !self.tells {
            tokio::time::sleep(self.patience.looks).await;
            let session = &mut self.session;
            within("answer", self.patience.answer, async {
                session.noop().await.map_err(said)
            })
            .await?;
            return Ok(self);
        }
        let Self {
            session,
            patience,
            identity,
            tells,
        } = self;
        let mut idle = session.idle();
        within("begin to tell", patience.answer, async {
            idle.init().await.map_err(said)
        })
        .await?;
        let (told, _stop) = idle.wait_with_timeout(patience.news);
        timeout(patience.news, told)
            .await
            .map_or(Ok(()), |told| told.map(drop).map_err(said))?;
        let session = within("stop telling", patience.answer, async {
            idle.done().await.map_err(said)
        })
        .await?;
        Ok(Self {
            session,
            patience,
            identity,
            tells,
        })
    }

    async fn fetch(
        &mut self,
        uid: u32,
        what: &str,
        most: u64,
        limit: Duration,
    ) -> Result<Vec<Fetch>, String> {
        self.allow(most);
        let session = &mut self.session;
        within("give a message", limit, async {
            let found = session
                .uid_fetch(uid.to_string(), what)
                .await
                .map_err(said)?;
            found.try_collect().await.map_err(said)
        })
        .await
    }

    fn allow(&mut self, bytes: u64) {
        self.session.get_mut().allow(bytes);
    }
}

async fn connect(address: &Address, authorities: &Authorities) -> Result<Box<dyn Wire>, String> {
    let stream = TcpStream::connect((address.host.as_str(), address.port)).await;
    let stream = stream.map_err(|error| error.to_string())?;
    if !address.is_encrypted {
        return Ok(Box::new(stream));
    }
    let encryption = Encryption::new(&address.host, authorities)?;
    Ok(Box::new(encryption.begin(stream).await?))
}

/// What the server did wrong; it may repeat nothing that was said to it.
fn said(error: impl fmt::Display) -> String {
    let told: String = error.to_string().chars().take(300).collect();
    format!("the mailbox's server: {told}")
}

async fn within<T>(
    what: &str,
    limit: Duration,
    does: impl Future<Output = Result<T, String>>,
) -> Result<T, String> {
    let slow = |_| {
        format!(
            "the mailbox's server did not {what} within {} s",
            limit.as_secs()
        )
    };
    timeout(limit, does).await.map_err(slow)?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Result<Address, String> {
        Address::of(&Url::parse(url).unwrap())
    }

    #[test]
    fn an_address_is_read_whole_and_shown_without_its_password() {
        let read =
            address("imaps://reply%40example.com:p%40ss%2Fword@mail.example.com/Replies%20in")
                .unwrap();
        assert_eq!(
            format!("{read:?}"),
            "imaps://reply@example.com:***@mail.example.com:993/Replies in"
        );
        assert_eq!(read.password, "p@ss/word");
        let plain = address("imap://a:b@[::1]:1143").unwrap();
        assert_eq!(
            (plain.host.as_str(), plain.folder.as_str(), plain.port),
            ("::1", "INBOX", 1143)
        );
        for wrong in [
            "imaps://mail.example.com",
            "imaps://a@mail.example.com",
            "imaps://a:b%0d%0ac@mail.example.com",
        ] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }
}
