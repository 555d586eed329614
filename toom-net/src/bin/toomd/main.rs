//! `toomd`, the server program: it serves the chat, and keeps the account file.

mod accounts;
mod args;
mod failure;
mod password;
mod user;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Cli, Command, ServeArgs};
use failure::Failure;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Some(Command::User(user)) => user::run(&user),
        None => check(&cli.serve),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever pressed Ctrl-C knows.
        Err(Failure::Interrupted) => ExitCode::from(130),
        Err(failure) => {
            eprintln!("toomd: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the accounts as a server does at its start, and says what is wrong with them. The server itself is still to come.
fn check(args: &ServeArgs) -> Result<(), Failure> {
    let accounts = accounts::load(args)?;
    for notice in accounts.notices {
        eprintln!("toomd: {notice}");
    }
    Err(Failure::NoServer { accounts: accounts.credentials.accounts().count() })
}
