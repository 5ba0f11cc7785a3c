//! The mail server that a URL names, and the way to a connection with it.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::commands::Ehlo;
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use percent_encoding::percent_decode_str;
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::{Host, Url};

use super::Patience;
use super::connection::{Connection, exchange};
use super::encryption::{Authorities, Encryption};
use super::failure::Fault;
use super::opening::{Clear, Opened};

/// What the URL says.
pub(super) struct Server {
    host: String,
    port: u16,
    tls: Tls,
    login: Option<(String, String)>,
    hello: ClientId,
    pub(super) patience: Patience,
}

enum Tls {
    None,
    /// STARTTLS where the server offers it.
    Opportunistic(Encryption),
    /// STARTTLS, or nothing is sent.
    Required(Encryption),
    /// TLS from the first byte.
    Implicit(Encryption),
}

impl Server {
    pub(super) fn from_url(
        url: &str,
        authorities: &Authorities,
        patience: Patience,
    ) -> Result<Self, String> {
        let url = Url::parse(url).map_err(|error| {
            format!("the mail server's URL cannot be read ({error}); write it like smtp://user:password@mail.example.com:587?tls=required")
        })?;
        let host = match url.host() {
            Some(Host::Domain(name)) => name.to_string(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => return Err("the mail server's URL names no host".to_string()),
        };
        let mut wanted = None;
        for (key, value) in url.query_pairs() {
            if key != "tls" {
                return Err(format!(
                    "the mail server's URL has a parameter \"{key}\"; only tls is known"
                ));
            }
            wanted = Some(value.into_owned());
        }
        let encryption = || Encryption::new(&host, authorities);
        let (tls, port) = match (url.scheme(), wanted.as_deref()) {
            ("smtp", None) if !authorities.is_empty() => {
                return Err(
                    "authorities for encryption are given (smtp_ca_file), and the mail server's URL asks for none; \
                     add ?tls=required or write smtps://"
                        .to_string(),
                );
            }
            ("smtp", None) => (Tls::None, 25),
            ("smtp", Some("opportunistic")) => (Tls::Opportunistic(encryption()?), 587),
            ("smtp", Some("required")) => (Tls::Required(encryption()?), 587),
            ("smtps", None) => (Tls::Implicit(encryption()?), 465),
            ("smtp", Some(other)) => {
                return Err(format!(
                    "tls={other} is not known in the mail server's URL; use required or opportunistic"
                ));
            }
            ("smtps", Some(_)) => {
                return Err(
                    "smtps is always encrypted; leave tls out of the mail server's URL".to_string(),
                );
            }
            (scheme, _) => {
                return Err(format!(
                    "a mail server's URL begins with smtp:// or smtps://, not {scheme}://"
                ));
            }
        };
        let decoded = |text: &str| {
            percent_decode_str(text)
                .decode_utf8()
                .map(|text| text.into_owned())
                .map_err(|_| "user or password in the mail server's URL is not UTF-8".to_string())
        };
        let login = match (url.username(), url.password()) {
            ("", None) => None,
            (user, Some(password)) => Some((decoded(user)?, decoded(password)?)),
            (_, None) => return Err("the mail server's URL has a user and no password".to_string()),
        };
        let hello = match url.path().trim_matches('/') {
            "" => ClientId::default(),
            name => ClientId::Domain(name.to_string()),
        };
        Ok(Self {
            port: url.port().unwrap_or(port),
            host,
            tls,
            login,
            hello,
            patience,
        })
    }

    /// The URL again, without the password.
    pub(super) fn masked(&self) -> String {
        let scheme = if matches!(self.tls, Tls::Implicit(_)) {
            "smtps"
        } else {
            "smtp"
        };
        let login = self
            .login
            .as_ref()
            .map_or(String::new(), |(user, _)| format!("{user}:***@"));
        let host = match self.host.parse() {
            Ok(IpAddr::V6(address)) => format!("[{address}]"),
            _ => self.host.clone(),
        };
        let tls = match self.tls {
            Tls::None | Tls::Implicit(_) => "",
            Tls::Opportunistic(_) => "?tls=opportunistic",
            Tls::Required(_) => "?tls=required",
        };
        format!("{scheme}://{login}{host}:{}{tls}", self.port)
    }
}

impl Server {
    /// An encrypted and logged-in connection, as far as the URL asks for it.
    ///
    /// Every refusal here is about the two servers and not about the letter, even a 5xx: a wrong
    /// password must not cost the letters that it delays.
    pub(super) async fn connect(&self) -> Result<Connection, String> {
        let within = self.patience.exchange;
        let place = format!("{}:{}", self.host, self.port);
        let failed = |step: &str, error: String| format!("{place}: {step}: {error}");

        let connecting = async {
            let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
            stream.set_nodelay(true)?;
            Ok::<_, io::Error>((stream.peer_addr()?, stream))
        };
        let (peer, stream) = in_time(within, connecting)
            .await
            .map_err(|error| failed("connect", error))?;

        let stream: Box<dyn AsyncTokioStream> = match &self.tls {
            Tls::None => Box::new(stream),
            Tls::Implicit(encryption) => {
                let encrypted = in_time(within, encryption.begin(stream)).await;
                let encrypted = encrypted.map_err(|error| failed("TLS", error))?;
                Box::new(Opened::not_greeted(encrypted, peer))
            }
            Tls::Required(encryption) | Tls::Opportunistic(encryption) => {
                let mut clear = Clear::new(stream);
                let offer = in_time(within, clear.introduce(&self.hello)).await;
                let offer = offer.map_err(|error| failed("greeting", error))?;
                if offers(&offer, "STARTTLS") {
                    let encrypted = in_time(within, clear.encrypt(encryption)).await;
                    let encrypted = encrypted.map_err(|error| failed("STARTTLS", error))?;
                    Box::new(Opened::greeted(encrypted, peer))
                } else {
                    self.goes_on_in_the_clear(peer.ip().is_loopback())
                        .map_err(|error| failed("STARTTLS", error.to_string()))?;
                    let bare = clear.into_bare();
                    let bare = bare.map_err(|error| failed("greeting", error))?;
                    Box::new(Opened::greeted(bare, peer))
                }
            }
        };
        let opening = AsyncSmtpConnection::connect_with_transport(stream, &self.hello);
        let mut connection = exchange(within, opening)
            .await
            .map_err(|fault| failed("greeting", fault.to_string()))?;

        // lettre keeps of the first answer only what it uses itself.
        let hello = connection.command(Ehlo::new(self.hello.clone()));
        let offer = exchange(within, hello)
            .await
            .map_err(|fault| failed("EHLO", fault.to_string()))?;

        if let Some((user, password)) = &self.login {
            let credentials = Credentials::new(user.clone(), password.clone());
            exchange(within, connection.auth(DEFAULT_MECHANISMS, &credentials))
                .await
                .map_err(|fault| failed("AUTH", fault.to_string()))?;
        }
        Ok(Connection::new(connection, offers(&offer, "PIPELINING")))
    }

    /// Whether a server that offers no encryption gets letters all the same.
    fn goes_on_in_the_clear(&self, is_local: bool) -> Result<(), &'static str> {
        match &self.tls {
            // Whoever sits on the line can strike STARTTLS from the server's offer.
            Tls::Opportunistic(_) if self.login.is_some() && !is_local => Err(
                "the server offers no encryption, and the password is not sent without; \
                 leave tls out of the URL if that is what you want",
            ),
            Tls::Opportunistic(_) | Tls::None => Ok(()),
            Tls::Required(_) | Tls::Implicit(_) => {
                Err("the server offers no encryption, and nothing is sent without")
            }
        }
    }
}

/// What comes before the first letter, which has no step of its own.
async fn in_time<T, E: ToString>(
    within: Duration,
    opening: impl Future<Output = Result<T, E>>,
) -> Result<T, String> {
    match timeout(within, opening).await {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(_) => Err(Fault::Silence(within).to_string()),
    }
}

/// Whether the answer to EHLO names that extension.
fn offers(answer: &Response, extension: &str) -> bool {
    let mut offered = answer.message().skip(1);
    offered.any(|line| line.trim().eq_ignore_ascii_case(extension))
}

#[cfg(test)]
mod tests {
    use super::super::SmtpOutlet;
    use super::*;

    fn server(url: &str) -> Result<Server, String> {
        Server::from_url(url, &Authorities::default(), Patience::default())
    }

    #[test]
    fn a_password_goes_in_the_clear_only_where_the_url_says_so_or_it_stays_on_this_machine() {
        let goes = |url, is_local| server(url).unwrap().goes_on_in_the_clear(is_local).is_ok();
        for (url, to_another, to_this) in [
            ("smtp://ann:secret@mail.example.com", true, true),
            ("smtp://mail.example.com?tls=opportunistic", true, true),
            (
                "smtp://ann:secret@mail.example.com?tls=opportunistic",
                false,
                true,
            ),
            ("smtp://mail.example.com?tls=required", false, false),
            (
                "smtp://ann:secret@mail.example.com?tls=required",
                false,
                false,
            ),
            ("smtps://ann:secret@mail.example.com", false, false),
        ] {
            assert_eq!(
                (goes(url, false), goes(url, true)),
                (to_another, to_this),
                "{url}"
            );
        }
    }

    #[test]
    fn a_password_shows_nowhere() {
        let url = "smtps://ann:gr%C3%BCn%40home@mail.example.com";
        let outlet = SmtpOutlet::from_url(url, Patience::default()).unwrap();
        assert_eq!(
            format!("{outlet:?}"),
            r#"SmtpOutlet("smtps://ann:***@mail.example.com:465")"#
        );
        let login = server(url).unwrap().login.unwrap();
        assert_eq!(login, ("ann".to_string(), "grün@home".to_string()));
        for wrong in [
            "smtp://ann:secret@mail.example.com?tls=never",
            "smtp://ann:secret@mail.example.com?ssl=1",
            "smtp://ann:secret@mail.example.com:99999",
            "smtp://ann:secret@",
            "http://ann:secret@mail.example.com",
            "smtps://ann:secret@mail.example.com?tls=required",
        ] {
            let error = server(wrong).err().unwrap();
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(server("smtp://ann@mail.example.com").is_err());
    }

    #[test]
    fn ports_follow_the_kind_of_encryption() {
        let masked = |url| server(url).unwrap().masked();
        assert_eq!(
            masked("smtp://mail.example.com"),
            "smtp://mail.example.com:25"
        );
        assert_eq!(
            masked("smtp://mail.example.com?tls=required"),
            "smtp://mail.example.com:587?tls=required"
        );
        assert_eq!(masked("smtp://[::1]:2525"), "smtp://[::1]:2525");
        assert_eq!(
            server("smtp://127.0.0.1/redress.example.com")
                .unwrap()
                .hello,
            ClientId::Domain("redress.example.com".to_string())
        );
    }
}
