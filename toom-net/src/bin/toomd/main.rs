//! `toomd`, the server program: it serves the chat, and keeps the account file.

mod accounts;
mod args;
mod failure;
mod limits;
mod open_files;
mod password;
mod printer;
mod repeats;
mod serve;
mod tls;
mod user;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Cli, Command};
use failure::Failure;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Some(Command::User(user)) => user::run(&user),
        None => serve::run(&cli.serve),
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
