//! `redress token`: API tokens, by whoever holds the machine.

use clap::Subcommand;

use super::open;
use crate::actions;
use crate::config::Config;
use crate::error::Error;
use crate::secret::Secret;
use crate::store::{Actor, person};

/// What can be done.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Make an API token of a person; it stands alone on standard output, this once
    Create {
        /// E-mail address of the person
        #[arg(long)]
        email: String,
        /// What the token is for
        #[arg(long)]
        name: String,
    },
}

pub(super) fn run(config: &Config, command: Command) -> anyhow::Result<()> {
    let Command::Create { email, name } = command;
    let store = open(config)?;
    let secret = Secret::token()?;
    let hash = secret.hash();
    store.write(Actor::Operator, move |tx| {
        let person = person::with_email(tx.conn(), &email)?
            .filter(|person| person.active)
            .ok_or_else(|| Error::not_found("active person", &email))?;
        actions::token::create(tx, person.id, &name, &hash)
    })?;
    println!("{}", secret.reveal());
    Ok(())
}
