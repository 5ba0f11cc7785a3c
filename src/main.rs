use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    redress::cli::run(redress::cli::Cli::parse())
}
