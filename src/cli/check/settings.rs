//! Settings that can be read and will not do.

use std::net::IpAddr;
use std::path::Path;

use url::Host;

use super::super::serve::sender_address;
use crate::config::Config;
use crate::domain::finding::{Finding, Gravity, Subject};
use crate::mail::outlet::{Patience, SmtpOutlet};

/// What of the settings will not do.
pub(super) fn findings(config: &Config) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut add = |gravity, place: &str, message: String, remedy: &str| {
        found.push(Finding::new(
            gravity,
            Subject::Settings,
            place,
            message,
            remedy,
        ));
    };
    if let Err(wrong) = writable(&config.data_dir) {
        let message = format!("{} {wrong}", config.data_dir.display());
        let remedy = "name a folder in which the service may write";
        add(Gravity::Error, "data_dir", message, remedy);
    }
    match sender_address(config) {
        Err(wrong) => add(
            Gravity::Error,
            "mail_from",
            wrong.reason,
            "set an address of yours",
        ),
        Ok(from) if config.smtp_url.is_some() && is_of_this_machine(from.email.domain()) => add(
            Gravity::Warning,
            "mail_from",
            format!(
                "letters come from {}, which other mail servers refuse",
                from.email
            ),
            "set an address of yours",
        ),
        Ok(_) => {}
    }
    match &config.smtp_url {
        None => add(
            Gravity::Warning,
            "smtp_url",
            format!(
                "is not set: letters become files in {} and reach nobody",
                config.mail_folder().display()
            ),
            "name your mail server",
        ),
        Some(url) => {
            let server = SmtpOutlet::from_url_trusting(
                url.as_str(),
                &config.smtp_authorities,
                Patience::default(),
            );
            if let Err(wrong) = server {
                add(Gravity::Error, "smtp_url", wrong, "set it right");
            }
        }
    }
    if config.reception.reply_to.is_some() && config.reception.relays.is_empty() {
        add(
            Gravity::Warning,
            "mail_trusted_relay",
            "is not set: no sender of a reply is believed, so no reply stops a clock by itself"
                .to_string(),
            "name the relay of yours that writes Authentication-Results",
        );
    }
    match config.published_url() {
        None => add(
            Gravity::Warning,
            "public_url",
            format!(
                "is not set: links in letters lead to {}, where nobody else finds the service",
                config.public_url(config.listen)
            ),
            "set the address under which people reach it",
        ),
        Some(url) => {
            let host = url::Url::parse(&url)
                .ok()
                .and_then(|url| url.host().map(|host| host.to_owned()));
            let is_here = host.as_ref().is_some_and(is_loopback);
            if !is_here && url.starts_with("http://") {
                add(
                    Gravity::Warning,
                    "public_url",
                    format!(
                        "{url} is not encrypted: passwords and signed links can be read on the way"
                    ),
                    "put a proxy that speaks https before the service",
                );
            }
            if is_here && config.smtp_url.is_some() {
                add(
                    Gravity::Warning,
                    "public_url",
                    format!("links in letters lead to {url}, where nobody else finds the service"),
                    "set the address under which people reach it",
                );
            }
        }
    }
    found
}

/// Whether the service can write into that folder, which it makes itself in one that is there.
fn writable(folder: &Path) -> Result<(), String> {
    let existing = folder
        .ancestors()
        .map(|path| match path.as_os_str().is_empty() {
            true => Path::new("."),
            false => path,
        })
        .find(|path| path.exists())
        .unwrap_or(Path::new("."));
    if !existing.is_dir() {
        return Err("is not a folder".to_string());
    }
    // A file without a name, which is gone when it is closed.
    match tempfile::tempfile_in(existing) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("cannot be written: {error}")),
    }
}

fn is_of_this_machine(domain: &str) -> bool {
    domain == "localhost" || domain.ends_with(".localhost") || domain.ends_with(".invalid")
}

fn is_loopback(host: &Host) -> bool {
    match host {
        Host::Domain(name) => is_of_this_machine(name),
        Host::Ipv4(address) => IpAddr::from(*address).is_loopback(),
        Host::Ipv6(address) => IpAddr::from(*address).is_loopback(),
    }
}
