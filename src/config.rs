//! Settings: flags over environment over `redress.toml` over what is usual.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use toml::Table;
use url::Url;

use crate::actions::received::Reception;
use crate::hook::network::{Network, networks};
use crate::logging;
use crate::mail::mailbox::Address;
use crate::mail::outlet::{Authorities, Limits};
use crate::store::{DatabaseUrl, mask_password};

/// Settings as flags or environment give them; each may be left out.
#[derive(Args, Clone, Default)]
pub struct Flags {
    /// File with settings [default: redress.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE", env = "REDRESS_CONFIG")]
    pub config: Option<PathBuf>,

    /// Where the data is kept: sqlite:FILE or postgres://USER:PASSWORD@HOST/NAME [default: sqlite:redress-data/redress.db]
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "REDRESS_DATABASE_URL",
        hide_env_values = true
    )]
    pub database_url: Option<String>,

    /// Address to listen on [default: 127.0.0.1:8080]
    #[arg(
        long,
        global = true,
        value_name = "ADDRESS:PORT",
        env = "REDRESS_LISTEN"
    )]
    pub listen: Option<String>,

    /// Mail server: smtp://USER:PASSWORD@HOST:587 or smtps://… [default: none; letters become files]
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "REDRESS_SMTP_URL",
        hide_env_values = true
    )]
    pub smtp_url: Option<String>,

    /// File with certificates (PEM) of authorities that are trusted for the mail server, besides the system's [default: none]
    #[arg(long, global = true, value_name = "FILE", env = "REDRESS_SMTP_CA_FILE")]
    pub smtp_ca_file: Option<String>,

    /// Where people reach the service, for links and cookies [default: http:// and the address it listens on]
    #[arg(long, global = true, value_name = "URL", env = "REDRESS_PUBLIC_URL")]
    pub public_url: Option<String>,

    /// Sender of letters [default: Redress <redress@localhost>]
    #[arg(long, global = true, value_name = "ADDRESS", env = "REDRESS_MAIL_FROM")]
    pub mail_from: Option<String>,

    /// Folder with templates of letters that replace those compiled in [default: none]
    #[arg(
        long,
        global = true,
        value_name = "FOLDER",
        env = "REDRESS_MAIL_TEMPLATES"
    )]
    pub mail_templates: Option<String>,

    /// Address for replies, which gets a tag for each letter (redress+TAG@…) [default: none; replies go to the sender of letters, untagged]
    #[arg(
        long,
        global = true,
        value_name = "ADDRESS",
        env = "REDRESS_MAIL_REPLY_TO"
    )]
    pub mail_reply_to: Option<String>,

    /// Names under which mail relays of ours write Authentication-Results, such as mx.example.com,mx2.example.com [default: none; no sender is believed]
    #[arg(
        long,
        global = true,
        value_name = "NAMES",
        env = "REDRESS_MAIL_TRUSTED_RELAY"
    )]
    pub mail_trusted_relay: Option<String>,

    /// Mailbox to which replies come, for Redress alone: imaps://USER:PASSWORD@HOST/FOLDER [default: none]
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "REDRESS_IMAP_URL",
        hide_env_values = true
    )]
    pub imap_url: Option<String>,

    /// Connections over which letters to one recipient domain go at once; 0: no limit [default: 4]
    #[arg(
        long,
        global = true,
        value_name = "NUMBER",
        env = "REDRESS_MAIL_DOMAIN_CONNECTIONS"
    )]
    pub mail_domain_connections: Option<String>,

    /// Letters a minute to one recipient domain; 0: no limit [default: 6000]
    #[arg(
        long,
        global = true,
        value_name = "NUMBER",
        env = "REDRESS_MAIL_DOMAIN_PER_MINUTE"
    )]
    pub mail_domain_per_minute: Option<String>,

    /// Address to which a sign of life goes every minute while all is well [default: none]
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "REDRESS_HEARTBEAT_URL",
        hide_env_values = true
    )]
    pub heartbeat_url: Option<String>,

    /// Ranges of addresses beside the open internet that webhooks may have, such as 10.0.0.0/8,fd00::/8 [default: none]
    #[arg(
        long,
        global = true,
        value_name = "RANGES",
        env = "REDRESS_WEBHOOK_ALLOW"
    )]
    pub webhook_allow: Option<String>,

    /// Folder for the embedded database and for letters as files [default: redress-data]
    #[arg(long, global = true, value_name = "FOLDER", env = "REDRESS_DATA_DIR")]
    pub data_dir: Option<String>,

    /// What to log, such as info or redress=debug,warn [default: info]
    #[arg(long, global = true, value_name = "FILTER", env = "REDRESS_LOG")]
    pub log: Option<String>,
}

/// Settings, checked.
#[derive(Clone)]
pub struct Config {
    /// Where the data is kept.
    pub database_url: DatabaseUrl,
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Mail server; none: letters become files.
    pub smtp_url: Option<Url>,
    /// Whom the mail server's certificate may come from, besides those the system trusts.
    pub smtp_authorities: Authorities,
    /// Sender of letters, as a header has it.
    pub mail_from: String,
    /// Folder with templates of letters that replace those compiled in; none: there are no others.
    pub mail_templates: Option<PathBuf>,
    /// What is to be known to take in the mail that comes back.
    pub reception: Reception,
    /// The mailbox to which replies come; none: they come by a pipe, or not at all.
    pub mailbox: Option<Address>,
    /// What letters to one domain may take up of the mail server.
    pub mail_limits: Limits,
    /// Where a sign of life goes every minute while all is well; such addresses often hold a secret.
    pub heartbeat_url: Option<Url>,
    /// Ranges of addresses beside the open internet that webhooks may have.
    pub webhook_allow: Vec<Network>,
    /// Folder for what lies in files.
    pub data_dir: PathBuf,
    /// What to log.
    pub log: String,
    public_url: Option<Url>,
}

/// A setting that cannot be used, by its name, with the way out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {reason}")]
pub struct WrongSetting {
    /// The setting as it was given: a flag, a variable or a line of the file.
    pub setting: String,
    /// What is wrong and what would be right.
    pub reason: String,
}

const FILE: &str = "redress.toml";

/// A burst passes, a flood does not.
const USUAL_LIMITS: Limits = Limits {
    connections: 4,
    per_minute: 6_000,
};

/// The server library tells of each of its threads.
const USUAL_LOG: &str = "info,actix_server=warn";

/// Name in the file, of which flag and variable are made.
const NAMES: &[&str] = &[
    "database_url",
    "listen",
    "smtp_url",
    "smtp_ca_file",
    "public_url",
    "mail_from",
    "mail_templates",
    "mail_reply_to",
    "mail_trusted_relay",
    "imap_url",
    "mail_domain_connections",
    "mail_domain_per_minute",
    "heartbeat_url",
    "webhook_allow",
    "data_dir",
    "log",
];

impl Config {
    /// Reads the file and puts flags and environment, which clap has joined, over it.
    ///
    /// # Errors
    /// When a setting is not known or cannot be used.
    pub fn load(flags: &Flags) -> Result<Self, WrongSetting> {
        let (file, path) = match &flags.config {
            Some(path) => (Some(read(path)?), path.display().to_string()),
            None => {
                let usual = Path::new(FILE);
                let found = usual.exists().then(|| read(usual)).transpose()?;
                (found, FILE.to_string())
            }
        };
        Self::join(flags, file.as_deref().unwrap_or_default(), &path)
    }

    fn join(flags: &Flags, file: &str, path: &str) -> Result<Self, WrongSetting> {
        let given = Given {
            flags,
            file: parse(file, path)?,
            path,
        };
        let data_dir = PathBuf::from(given.or("data_dir", "redress-data")?);
        let database = data_dir.join("redress.db");
        let database_url = given.or("database_url", &format!("sqlite:{}", database.display()))?;
        let log = given.or("log", USUAL_LOG)?;
        logging::parse(&log).map_err(|error| given.wrong("log", error))?;
        Ok(Self {
            database_url: database_url
                .parse()
                .map_err(|error| given.wrong("database_url", error))?,
            listen: given.or("listen", "127.0.0.1:8080")?.parse().map_err(|_| {
                given.wrong(
                    "listen",
                    "this is not an address with a port; write 127.0.0.1:8080, or 0.0.0.0:8080 for every network",
                )
            })?,
            smtp_url: given.url(
                "smtp_url",
                &["smtp", "smtps"],
                "smtp://user:password@mail.example.com:587 or smtps://…:465",
            )?,
            smtp_authorities: given.authorities()?,
            public_url: given.public_url()?,
            mail_from: given.or("mail_from", "Redress <redress@localhost>")?,
            mail_templates: given.get("mail_templates")?.map(PathBuf::from),
            reception: given.reception()?,
            mailbox: given.mailbox()?,
            mail_limits: Limits {
                connections: given.number("mail_domain_connections", USUAL_LIMITS.connections)?,
                per_minute: given.number("mail_domain_per_minute", USUAL_LIMITS.per_minute)?,
            },
            heartbeat_url: given.url(
                "heartbeat_url",
                &["http", "https"],
                "https://monitor.example.com/ping/redress",
            )?,
            webhook_allow: networks(&given.or("webhook_allow", "")?)
                .map_err(|wrong| given.wrong("webhook_allow", wrong))?,
            data_dir,
            log,
        })
    }

    /// Where letters become files while there is no mail server.
    pub fn mail_folder(&self) -> PathBuf {
        self.data_dir.join("mail")
    }

    /// Where people reach the service, if somebody said so.
    pub fn published_url(&self) -> Option<String> {
        let url = self.public_url.as_ref()?;
        Some(url.as_str().trim_end_matches('/').to_string())
    }

    /// Where people reach the service (scheme and host, no slash at the end) that listens there.
    pub fn public_url(&self, listening: SocketAddr) -> String {
        match self.published_url() {
            Some(url) => url,
            None if listening.ip().is_unspecified() => {
                format!("http://localhost:{}", listening.port())
            }
            None => format!("http://{listening}"),
        }
    }
}

/// Passwords never show.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let smtp_url = self
            .smtp_url
            .as_ref()
            .map(|url| mask_password(url.as_str()));
        f.debug_struct("Config")
            .field("database_url", &self.database_url)
            .field("listen", &self.listen)
            .field("smtp_url", &smtp_url)
            .field("smtp_authorities", &self.smtp_authorities)
            .field("public_url", &self.public_url.as_ref().map(Url::as_str))
            .field("mail_from", &self.mail_from)
            .field("mail_templates", &self.mail_templates)
            .field("reception", &self.reception)
            .field("mailbox", &self.mailbox)
            .field("mail_limits", &self.mail_limits)
            .field(
                "heartbeat_host",
                &self.heartbeat_url.as_ref().map(Url::host_str),
            )
            .field("webhook_allow", &self.webhook_allow)
            .field("data_dir", &self.data_dir)
            .field("log", &self.log)
            .finish()
    }
}

struct Given<'a> {
    flags: &'a Flags,
    file: Table,
    path: &'a str,
}

impl Given<'_> {
    fn flag(&self, name: &str) -> Option<&String> {
        let flags = self.flags;
        let flag = match name {
            "database_url" => &flags.database_url,
            "listen" => &flags.listen,
            "smtp_url" => &flags.smtp_url,
            "smtp_ca_file" => &flags.smtp_ca_file,
            "public_url" => &flags.public_url,
            "mail_from" => &flags.mail_from,
            "mail_templates" => &flags.mail_templates,
            "mail_reply_to" => &flags.mail_reply_to,
            "mail_trusted_relay" => &flags.mail_trusted_relay,
            "imap_url" => &flags.imap_url,
            "mail_domain_connections" => &flags.mail_domain_connections,
            "mail_domain_per_minute" => &flags.mail_domain_per_minute,
            "heartbeat_url" => &flags.heartbeat_url,
            "webhook_allow" => &flags.webhook_allow,
            "data_dir" => &flags.data_dir,
            "log" => &flags.log,
            _ => &None,
        };
        // A variable set to nothing is how many start scripts leave one out.
        flag.as_ref().filter(|text| !text.trim().is_empty())
    }

    fn get(&self, name: &str) -> Result<Option<String>, WrongSetting> {
        if let Some(text) = self.flag(name) {
            return Ok(Some(text.trim().to_string()));
        }
        match self.file.get(name) {
            None => Ok(None),
            Some(toml::Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(self.wrong(
                name,
                format!("must be text in quotation marks, not {}", other.type_str()),
            )),
        }
    }

    fn or(&self, name: &str, usual: &str) -> Result<String, WrongSetting> {
        Ok(self.get(name)?.unwrap_or_else(|| usual.to_string()))
    }

    /// A number, in the file with or without quotation marks.
    fn number(&self, name: &str, usual: u32) -> Result<u32, WrongSetting> {
        let text = match (self.flag(name), self.file.get(name)) {
            (None, None) => return Ok(usual),
            (None, Some(toml::Value::Integer(number))) => number.to_string(),
            _ => self.get(name)?.unwrap_or_default(),
        };
        text.parse().map_err(|_| {
            self.wrong(
                name,
                format!("this is no whole number; write {usual}, or 0 for no limit"),
            )
        })
    }

    fn url(
        &self,
        name: &str,
        schemes: &[&str],
        example: &str,
    ) -> Result<Option<Url>, WrongSetting> {
        let Some(text) = self.get(name)? else {
            return Ok(None);
        };
        // The text may hold a password and is not repeated.
        match Url::parse(&text) {
            Ok(url) if schemes.contains(&url.scheme()) && url.has_host() => Ok(Some(url)),
            _ => Err(self.wrong(name, format!("this cannot be used; write {example}"))),
        }
    }

    fn authorities(&self) -> Result<Authorities, WrongSetting> {
        match self.get("smtp_ca_file")? {
            Some(path) => Authorities::read(Path::new(&path))
                .map_err(|reason| self.wrong("smtp_ca_file", reason)),
            None => Ok(Authorities::default()),
        }
    }

    fn mailbox(&self) -> Result<Option<Address>, WrongSetting> {
        let example = "imaps://user:password@mail.example.com/INBOX";
        let url = self.url("imap_url", &["imap", "imaps"], example)?;
        let address = url.as_ref().map(Address::of).transpose();
        address.map_err(|wrong| self.wrong("imap_url", format!("{wrong}; write {example}")))
    }

    fn reception(&self) -> Result<Reception, WrongSetting> {
        let reply_to = self.get("mail_reply_to")?;
        let reply_to = reply_to.map(|address| address.parse()).transpose();
        let relays = self.or("mail_trusted_relay", "")?;
        let relays = relays.split(',').map(str::trim);
        let relays: Vec<String> = relays
            .filter(|name| !name.is_empty())
            .map(str::to_string)
            .collect();
        if let Some(odd) = relays.iter().find(|name| name.contains([' ', ';', '='])) {
            let wrong = format!("\"{odd}\" is no name of a relay; write mx.example.com");
            return Err(self.wrong("mail_trusted_relay", wrong));
        }
        Ok(Reception {
            reply_to: reply_to.map_err(|wrong: String| self.wrong("mail_reply_to", wrong))?,
            relays,
        })
    }

    fn public_url(&self) -> Result<Option<Url>, WrongSetting> {
        let example = "https://redress.example.com, without a path";
        let url = self.url("public_url", &["http", "https"], example)?;
        let is_bare =
            |url: &Url| url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        match url {
            Some(url) if !is_bare(&url) => Err(self.wrong(
                "public_url",
                format!("this cannot be used; write {example}"),
            )),
            url => Ok(url),
        }
    }

    fn wrong(&self, name: &str, reason: impl fmt::Display) -> WrongSetting {
        let setting = if self.flag(name).is_some() {
            let flag = name.replace('_', "-");
            format!("--{flag} or REDRESS_{}", name.to_uppercase())
        } else {
            format!("{name} in {}", self.path)
        };
        WrongSetting {
            setting,
            reason: reason.to_string(),
        }
    }
}

fn read(path: &Path) -> Result<String, WrongSetting> {
    std::fs::read_to_string(path).map_err(|error| WrongSetting {
        setting: path.display().to_string(),
        reason: format!("the file with settings cannot be read: {error}"),
    })
}

fn parse(file: &str, path: &str) -> Result<Table, WrongSetting> {
    let table: Table = file
        .parse()
        .map_err(|error: toml::de::Error| WrongSetting {
            setting: path.to_string(),
            reason: format!("this is not TOML: {}", error.message()),
        })?;
    match table.keys().find(|key| !NAMES.contains(&key.as_str())) {
        Some(unknown) => Err(WrongSetting {
            setting: format!("{unknown} in {path}"),
            reason: format!("is not known; the settings are {}", NAMES.join(", ")),
        }),
        None => Ok(table),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(flags: Flags, file: &str) -> Result<Config, WrongSetting> {
        Config::join(&flags, file, FILE)
    }

    #[test]
    fn flags_count_before_the_file_and_the_file_before_the_usual() {
        let flags = Flags {
            listen: Some("0.0.0.0:9000".to_string()),
            log: Some(String::new()),
            ..Flags::default()
        };
        let config = joined(flags, "listen = \"127.0.0.1:1\"\ndata_dir = \"there\"").unwrap();
        assert_eq!(config.listen.to_string(), "0.0.0.0:9000");
        assert_eq!(config.database_url.masked(), "sqlite:there/redress.db");
        assert_eq!(config.mail_folder(), Path::new("there/mail"));
        assert_eq!(config.log, USUAL_LOG);
        assert_eq!(config.public_url(config.listen), "http://localhost:9000");
    }

    #[test]
    fn limits_for_a_domain_are_numbers_with_or_without_quotation_marks() {
        let usual = joined(Flags::default(), "").unwrap().mail_limits;
        assert_eq!(usual, USUAL_LIMITS);
        let file = "mail_domain_connections = 2\nmail_domain_per_minute = \"30\"";
        let flags = Flags {
            mail_domain_per_minute: Some("0".to_string()),
            ..Flags::default()
        };
        let limits = |flags| joined(flags, file).unwrap().mail_limits;
        let of = |connections, per_minute| Limits {
            connections,
            per_minute,
        };
        assert_eq!(limits(Flags::default()), of(2, 30));
        assert_eq!(limits(flags), of(2, 0));
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_known_ones() {
        let wrong = joined(Flags::default(), "databse_url = \"x\"").unwrap_err();
        assert_eq!(wrong.setting, "databse_url in redress.toml");
        assert!(wrong.reason.contains("database_url"), "{wrong}");
    }

    #[test]
    fn wrong_values_name_the_setting_and_the_way_out() {
        let table = [
            (
                "listen = \"8080\"",
                "listen in redress.toml",
                "127.0.0.1:8080",
            ),
            ("listen = 8080", "listen in redress.toml", "quotation marks"),
            (
                "database_url = \"x.db\"",
                "database_url in redress.toml",
                "sqlite:",
            ),
            ("smtp_url = \"mail\"", "smtp_url in redress.toml", "smtp://"),
            (
                "heartbeat_url = \"monitor.example.com\"",
                "heartbeat_url in redress.toml",
                "https://",
            ),
            (
                "public_url = \"https://a/b\"",
                "public_url in redress.toml",
                "without a path",
            ),
            ("log = \"a=b=c\"", "log in redress.toml", "info"),
            (
                "mail_domain_per_minute = -1",
                "mail_domain_per_minute in redress.toml",
                "write 6000, or 0",
            ),
            (
                "mail_domain_connections = \"many\"",
                "mail_domain_connections in redress.toml",
                "write 4, or 0",
            ),
            (
                "webhook_allow = \"10.0.0.0/8, intranet\"",
                "webhook_allow in redress.toml",
                "10.0.0.0/8, fd00::/8",
            ),
            ("= 1", "redress.toml", "TOML"),
        ];
        for (file, setting, way_out) in table {
            let wrong = joined(Flags::default(), file).unwrap_err();
            assert_eq!(wrong.setting, setting, "{file}");
            assert!(wrong.reason.contains(way_out), "{wrong}");
        }
        let flags = Flags {
            smtp_url: Some("ftp://ann:secret@mail".to_string()),
            ..Flags::default()
        };
        let wrong = joined(flags, "").unwrap_err();
        assert_eq!(wrong.setting, "--smtp-url or REDRESS_SMTP_URL");
        assert!(!wrong.to_string().contains("secret"), "{wrong}");
    }

    #[test]
    fn a_file_of_authorities_without_a_certificate_is_refused_by_the_settings_name() {
        let folder = tempfile::tempdir().unwrap();
        let key = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
        let junk = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
        let cut = "-----BEGIN CERTIFICATE-----\nMAA=\n";
        for (name, text, reason) in [
            ("missing.pem", None, "cannot be read"),
            ("empty.pem", Some(""), "holds no certificate"),
            ("key.pem", Some(key), "holds no certificate"),
            ("junk.pem", Some(junk), "certificate 1"),
            ("cut.pem", Some(cut), "cannot be read"),
        ] {
            let path = folder.path().join(name);
            if let Some(text) = text {
                std::fs::write(&path, text).unwrap();
            }
            let flags = Flags {
                smtp_ca_file: Some(path.display().to_string()),
                ..Flags::default()
            };
            let wrong = joined(flags, "").unwrap_err();
            assert_eq!(wrong.setting, "--smtp-ca-file or REDRESS_SMTP_CA_FILE");
            assert!(
                wrong.reason.contains(reason) && wrong.reason.contains(name),
                "{wrong}"
            );
        }
        let wrong = joined(Flags::default(), "smtp_ca_file = \"nowhere.pem\"").unwrap_err();
        assert_eq!(wrong.setting, "smtp_ca_file in redress.toml");
    }

    #[test]
    fn passwords_never_show() {
        let config = joined(
            Flags::default(),
            "database_url = \"postgres://ann:secret@db/redress\"\nsmtp_url = \"smtp://ann:hidden@mail\"\n\
             imap_url = \"imaps://ann:unseen@mail/INBOX\"\n\
             heartbeat_url = \"https://monitor.example.com/ping/0f1e2d\"",
        )
        .unwrap();
        let shown = format!("{config:?}");
        assert!(
            ["secret", "hidden", "unseen", "0f1e2d"]
                .iter()
                .all(|one| !shown.contains(one)),
            "{shown}"
        );
    }
}
