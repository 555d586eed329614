//! What `toom`, the chat client, is made of. It is a library so that tests reach its parts; nothing else is meant to use it.
//!
//! * [`filter`]: the one way to the terminal, in which text from others is shown and never obeyed;
//! * [`command`]: what the user types, parsed;
//! * [`said`], [`voice`], with [`render`], [`paint`] and [`json`]: what there is to tell, and the lines that tell it;
//! * [`zone`]: times, read and written in the user's time zone;
//! * [`security`], with [`known_servers`]: whether that address is the right one, and who may listen on the way;
//! * [`login`], [`session`]: from an address to a session, and what is done in it;
//! * [`interactive`] and [`chat`], with [`prompt`], [`editor`], [`pending`], [`knowledge`] and [`unread`]: a person at a terminal;
//! * [`tui`]: the same on the whole screen;
//! * [`files`]: files from one user to another, and what is under way;
//! * [`script`], with [`lines`]: commands from arguments or standard input;
//! * [`demo`]: all of it in one process;
//! * [`args`], [`settings`], [`taste`], [`stop`]: how a run begins, and how it ends;
//! * [`docs`]: completions and manual pages.

pub mod args;
pub mod chat;
pub mod command;
pub mod demo;
pub mod docs;
pub mod editor;
pub mod files;
pub mod filter;
pub mod interactive;
pub mod json;
pub mod knowledge;
pub mod known_servers;
pub mod lines;
pub mod login;
pub mod paint;
pub mod pending;
pub mod prompt;
pub mod render;
pub mod said;
pub mod script;
pub mod security;
pub mod session;
pub mod settings;
pub mod stop;
pub mod taste;
pub mod tui;
pub mod unread;
pub mod voice;
pub mod zone;

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use tokio::runtime;

use args::{Args, Program, VisitArgs};
use login::Server;
use security::Security;
use settings::Refused;
use stop::{Stop, Verdict};
use zone::Zone;

/// The whole program.
#[must_use]
pub fn run() -> ExitCode {
    let words: Vec<_> = std::env::args_os().collect();
    stop::exit(match settings::read(&words) {
        Ok(args) => run_with(&args),
        Err(Refused::Usage(error)) => error.exit(),
        Err(Refused::File(stop)) => Err(stop),
    })
}

fn run_with(args: &Args) -> Result<Verdict, Stop> {
    match &args.program {
        Some(Program::Completions { shell }) => return docs::completions(*shell),
        Some(Program::Man { dir }) => return docs::man(dir.as_deref()),
        Some(Program::Tui(_) | Program::Demo) | None => {}
    }
    let zone = Zone::of_the_user();
    let runtime =
        runtime::Builder::new_current_thread().enable_all().build().map_err(|error| Stop::start(&error))?;
    runtime.block_on(async {
        match &args.program {
            Some(Program::Demo) => demo::run(zone, args).await,
            Some(Program::Tui(visit)) => tui::run(server(visit)?, visit, zone).await,
            _ => {
                let at_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
                if at_terminal && args.commands.is_empty() && !args.json && !args.follow {
                    interactive::run(server(&args.visit)?, &args.visit, zone).await
                } else {
                    script::run(server(&args.visit)?, args, zone).await
                }
            }
        }
    })
}

fn server(args: &VisitArgs) -> Result<Server, Stop> {
    let security = Security::of(&args.security)?;
    Ok(Server { host: args.host.clone(), port: args.port, udp: None, security })
}
