//! `toomd`, the server program: it serves the chat, and keeps the account file.

mod accounts;
mod admin;
mod archive;
mod args;
mod bars;
mod config;
mod core_dump;
mod data;
mod docs;
mod failure;
mod limits;
mod logging;
mod open_files;
mod password;
mod printer;
mod random;
mod repair;
mod repeats;
mod replay;
mod serve;
mod sessions;
mod signals;
mod tls;
mod user;
mod verify;

use std::process::ExitCode;

use args::{Cli, Command};
use config::{Asked, Refused};
use failure::Failure;

fn main() -> ExitCode {
    core_dump::forbid();
    let words: Vec<_> = std::env::args_os().collect();
    let done = match config::read(&words, std::env::vars_os()) {
        Ok(Asked { cli, settings }) => run(cli, &settings),
        Err(Refused::Usage(error)) => error.exit(),
        Err(Refused::Settings(failure)) => Err(failure),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever pressed Ctrl-C knows.
        Err(Failure::Interrupted) => ExitCode::from(130),
        Err(failure) => {
            if tracing::dispatcher::has_been_set() {
                tracing::error!("{failure}");
            } else {
                eprintln!("toomd: {failure}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli, settings: &[config::Effective]) -> Result<(), Failure> {
    match cli.command {
        Some(Command::User(user)) => user::run(&user),
        Some(Command::Export(export)) => archive::export(&export),
        Some(Command::Import(import)) => archive::import(&import),
        Some(Command::Verify(verify)) => verify::run(&verify),
        Some(Command::Repair(repair)) => repair::run(&repair),
        Some(Command::Replay(replay)) => replay::run(&replay),
        Some(Command::Completions { shell }) => docs::completions(shell),
        Some(Command::Man) => docs::man(),
        Some(Command::Config(_)) => config::show(settings),
        Some(Command::Sessions(at)) => admin::sessions(&at.admin),
        Some(Command::Kick { at, name }) => admin::kick(&at.admin, &name),
        None => serve::run(&cli.serve),
    }
}
