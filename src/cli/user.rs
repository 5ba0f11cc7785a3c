//! `redress user`: people, by whoever holds the machine.

use std::io::{BufRead, IsTerminal};

use clap::Subcommand;
use serde_json::json;

use super::open;
use crate::actions;
use crate::config::Config;
use crate::domain::person::{PersonInput, Role};
use crate::secret::{Secret, hash_password};
use crate::store::Actor;

/// What can be done.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Add a person; the password is read from standard input, or made and printed when there is none
    Add {
        /// E-mail address
        #[arg(long)]
        email: String,
        /// Name
        #[arg(long)]
        name: String,
        /// procurement, engineer, manager or administrator
        #[arg(long)]
        role: Role,
        /// Time zone in which moments are shown
        #[arg(long, default_value = "UTC")]
        time_zone: String,
        /// Language of letters: en or zh-CN
        #[arg(long, default_value = "en")]
        locale: String,
    },
}

pub(super) fn run(config: &Config, command: Command) -> anyhow::Result<()> {
    let Command::Add {
        email,
        name,
        role,
        time_zone,
        locale,
    } = command;
    let given = given_password()?;
    let password = match &given {
        Some(password) => password.clone(),
        None => Secret::fresh()?.reveal()[..20].to_string(),
    };
    let input = PersonInput::read(&json!({
        "email": email, "name": name, "role": role, "time_zone": time_zone, "locale": locale,
        "password": password,
    }))
    .map_err(crate::error::Error::from)?;
    let hash = hash_password(&password)?;
    let store = open(config)?;
    let (email, role) = (input.email.clone(), input.role);
    store.write(Actor::Operator, move |tx| {
        actions::person::add(tx, &input, Some(&hash))
    })?;
    eprintln!("{email} was added as {role}.");
    if given.is_none() {
        eprintln!("The password, shown this once:");
        println!("{password}");
    }
    Ok(())
}

/// The first line of standard input, unless a person sits there.
fn given_password() -> anyhow::Result<Option<String>> {
    let input = std::io::stdin();
    if input.is_terminal() {
        return Ok(None);
    }
    let mut line = String::new();
    input.lock().read_line(&mut line)?;
    let password = line.trim_end_matches(['\r', '\n']);
    Ok((!password.is_empty()).then(|| password.to_string()))
}
