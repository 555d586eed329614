//! What `toom`, the chat client, is made of. It is a library so that tests reach its parts; nothing else is meant to use it.
//!
//! * [`filter`]: the one way to the terminal, in which text from others is shown and never obeyed;
//! * [`command`]: what the user types, parsed;
//! * [`said`], [`voice`], with [`render`] and [`json`]: what there is to tell, and the lines that tell it;
//! * [`zone`]: times, read and written in the user's time zone;
//! * [`security`], with [`known_servers`]: whether that address is the right one, and who may listen on the way;
//! * [`login`], [`session`]: from an address to a session, and what is done in it;
//! * [`interactive`] and [`chat`], with [`prompt`] and [`editor`]: a person at a terminal;
//! * [`script`], with [`lines`]: commands from arguments or standard input;
//! * [`demo`]: all of it in one process;
//! * [`args`], [`stop`]: how a run begins, and how it ends.

pub mod args;
pub mod chat;
pub mod command;
pub mod demo;
pub mod editor;
pub mod filter;
pub mod interactive;
pub mod json;
pub mod known_servers;
pub mod lines;
pub mod login;
pub mod prompt;
pub mod render;
pub mod said;
pub mod script;
pub mod security;
pub mod session;
pub mod stop;
pub mod voice;
pub mod zone;

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use clap::Parser as _;
use tokio::runtime;

use args::{Args, Program};
use login::Server;
use security::Security;
use stop::{Stop, Verdict};
use zone::Zone;

/// The whole program.
#[must_use]
pub fn run() -> ExitCode {
    stop::exit(run_with(&Args::parse()))
}

fn run_with(args: &Args) -> Result<Verdict, Stop> {
    let zone = Zone::of_the_user();
    let runtime =
        runtime::Builder::new_current_thread().enable_all().build().map_err(|error| Stop::start(&error))?;
    runtime.block_on(async {
        if let Some(Program::Demo) = args.program {
            return demo::run(zone).await;
        }
        let security = Security::of(&args.security)?;
        let server = Server { host: args.host.clone(), port: args.port, udp: args.udp(), security };
        let at_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
        if at_terminal && args.commands.is_empty() && !args.json && !args.follow {
            interactive::run(server, args, zone).await
        } else {
            script::run(&server, args, zone).await
        }
    })
}
