//! The command line: reads what was asked for, calls one function, gives the exit code.
//!
//! Exit codes: 0 done, 1 failed (for `check`: an error was found), 2 wrong usage or input; `redress inbound`
//! has those that mail servers know.

pub mod calendar;
pub mod report;

mod check;
mod demo;
mod inbound;
mod serve;
mod simulate;
mod templates;
mod token;
mod user;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Config, Flags, WrongSetting};
use crate::error::Error;
use crate::logging;
use crate::mail::templates::Templates;
use crate::store::Store;
use crate::time::TimeSource;

/// Holds third-party vendors to the response times they signed.
#[derive(Parser)]
#[command(name = "redress", version, about, disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    flags: Flags,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the service: pages, API and engine (also without a command)
    Serve(serve::Args),
    /// Run the service on a throw-away database with half a year of believable data
    Demo,
    /// Play a scenario against virtual time and print what happens as JSON Lines
    Simulate(simulate::Args),
    /// Calendar questions
    #[command(subcommand)]
    Calendar(CalendarCommand),
    /// The breach report of a period: commitments met and missed, each breach, what is not due yet
    Report(report::Args),
    /// Bring the database to this version
    Migrate,
    /// Walk the hash chains and say what was changed, is missing, was added or moved
    Verify(verify::Args),
    /// Look for what will not work when it is needed: settings, ladders, calendars, addresses, templates
    Check(check::Args),
    /// Templates of letters
    #[command(subcommand)]
    Templates(templates::Command),
    /// Take in one mail message from standard input
    #[command(after_help = inbound::EXIT_CODES)]
    Inbound,
    /// People
    #[command(subcommand)]
    User(user::Command),
    /// API tokens
    #[command(subcommand)]
    Token(token::Command),
}

#[derive(Subcommand)]
enum CalendarCommand {
    /// Answer calendar questions: JSON Lines on standard input, JSON Lines on standard output
    Eval,
}

/// Does what the command line asks for.
pub fn run(cli: Cli) -> ExitCode {
    match begin(cli) {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}

fn begin(cli: Cli) -> anyhow::Result<ExitCode> {
    let flags = cli.flags;
    let settings = || -> anyhow::Result<Config> {
        let config = Config::load(&flags)?;
        logging::start(&config.log)?;
        Ok(config)
    };
    let serve = Command::Serve(serve::Args::default());
    let done = match cli.command.unwrap_or(serve) {
        // Its answer is the code; settings that cannot be read are among what it tells.
        Command::Check(args) => {
            let has_errors = check::run(&flags, &args)?;
            return Ok(ExitCode::from(u8::from(has_errors)));
        }
        Command::Serve(args) => serve::run(&settings()?, &args),
        Command::Demo => demo::run(&settings()?),
        Command::Simulate(args) => simulate::run(&args),
        Command::Calendar(CalendarCommand::Eval) => {
            calendar::eval(std::io::stdin().lock(), std::io::stdout().lock()).map(drop)
        }
        Command::Report(args) => report::run(&settings()?, &args),
        Command::Migrate => migrate(&settings()?),
        Command::Verify(args) => verify::run(&settings()?, &args),
        Command::Templates(command) => templates::run(command),
        Command::Inbound => inbound::run(&settings()?, std::io::stdin().lock()),
        Command::User(command) => user::run(&settings()?, command),
        Command::Token(command) => token::run(&settings()?, command),
    };
    done.map(|()| ExitCode::SUCCESS)
}

fn migrate(config: &Config) -> anyhow::Result<()> {
    let store = Store::open(&config.database_url, TimeSource::Machine)?;
    let steps = store.migrate()?;
    if steps.is_empty() {
        println!("The database has this version already.");
    }
    for step in steps {
        println!("Took step {step}.");
    }
    Ok(())
}

/// Opens the database for a command that changes something, and brings it to this version.
fn open(config: &Config) -> anyhow::Result<Store> {
    let store = Store::open(&config.database_url, TimeSource::Machine)?;
    store.migrate()?;
    Ok(store)
}

/// The templates that letters are written by: those compiled in, and those of the folder that is named.
///
/// # Errors
/// Every fault of the folder.
fn own_templates(config: &Config) -> Result<Templates, Error> {
    match &config.mail_templates {
        Some(folder) => Templates::read(folder).map_err(Error::Invalid),
        None => Ok(Templates::default()),
    }
}

fn fail(error: &anyhow::Error) -> ExitCode {
    if let Some(Error::Invalid(faults)) = error.downcast_ref::<Error>() {
        for fault in faults {
            if fault.field.is_empty() {
                eprintln!("error: {}", fault.message);
            } else {
                eprintln!("error: {}: {}", fault.field, fault.message);
            }
        }
        return ExitCode::from(2);
    }
    eprintln!("error: {error:#}");
    if let Some(not_kept) = error.downcast_ref::<inbound::NotKept>() {
        return ExitCode::from(not_kept.code());
    }
    let was_asked_wrongly = error.is::<WrongSetting>()
        || matches!(error.downcast_ref::<Error>(), Some(Error::Refused(_)));
    ExitCode::from(if was_asked_wrongly { 2 } else { 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn wrong_input_and_failure_have_their_own_exit_codes() {
        let code = |error: Error| format!("{:?}", fail(&error.into()));
        assert_eq!(
            code(Error::field("name", "is missing")),
            format!("{:?}", ExitCode::from(2))
        );
        assert_eq!(
            code(Error::not_found("person", "x")),
            format!("{:?}", ExitCode::from(2))
        );
        assert_eq!(
            code(Error::Unexpected(anyhow::anyhow!("disk full"))),
            format!("{:?}", ExitCode::from(1))
        );
    }
}
