//! Serving: the library's server, with the accounts of the file, the signals of an operator, and a line an event.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use jiff::tz::TimeZone;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use toom_core::{Config, Epoch, Limits, MemoryStorage, Policy, Secret, Seed, Storage, UserName};
use toom_net::archive::{TextLogs, TextLogsError};
use toom_net::credentials::Credentials;
use toom_net::server::{Handle, RoomTexts, Server};

use crate::accounts::{self, Accounts};
use crate::args::ServeArgs;
use crate::failure::Failure;
use crate::limits::Bounds;
use crate::open_files;
use crate::printer::Printer;

/// How long the program waits at its end for text logs that are slow.
const PATIENCE: Duration = Duration::from_secs(5);

/// Serves until a signal ends it.
pub(crate) fn run(args: &ServeArgs) -> Result<(), Failure> {
    let accounts = load(args)?;
    let identity = args.tls.load(args.listen)?;
    // Before the first connection: a signal that comes early must not end the program without a word.
    let mut signals = Signals::new([SIGHUP, SIGTERM, SIGINT]).map_err(Failure::Signals)?;
    if !args.memory {
        eprintln!("toomd: messages are kept in memory only in this version, and are gone when it ends");
    }

    let mut bounds = Bounds::with(&args.limits);
    if let Some(notice) = open_files::fit(&mut bounds.server) {
        eprintln!("toomd: {notice}");
    }
    let printer = Printer::start(if args.show_room_texts { RoomTexts::Shown } else { RoomTexts::Hidden })?;
    let mut storage = MemoryStorage::new(Epoch::new(u64::from_le_bytes(random()?)));
    let logs = args.text_logs.as_deref().map(|folder| keep_logs(folder, &mut storage)).transpose()?;
    let (events, log) = (printer.sink(), logs.as_ref().map(TextLogs::sink));
    let server = Server::builder(storage)
        .config(config(args, bounds.engine)?)
        .limits(bounds.server)
        .accounts(secrets(&accounts))
        .listen(SocketAddr::new(args.listen, args.port))
        .tls(identity)
        .on_event(move |event| {
            if let Some(log) = &log {
                log.tell(event);
            }
            events.tell(event);
        })
        .start()?;
    eprintln!("listening on {}", server.local_addr());

    let (handle, ended) = (server.handle(), signals.handle());
    let outcome = std::thread::scope(|scope| {
        scope.spawn(|| obey(&mut signals, &handle, args));
        let outcome = server.wait();
        ended.close();
        outcome
    });
    printer.finish();
    if logs.is_some_and(|logs| !logs.finish(PATIENCE)) {
        eprintln!("toomd: the text logs take no more lines; the last are not written");
    }
    Ok(outcome?)
}

/// Begins to keep text logs, with the times of the machine's zone.
fn keep_logs(folder: &Path, storage: &mut impl Storage) -> Result<TextLogs, TextLogsError> {
    TextLogs::start(folder, TimeZone::system(), storage, |line| {
        // Whoever closed standard error does not want to know.
        let _ = writeln!(io::stderr(), "toomd: {line}");
    })
}

/// Obeys signals until one ends the server, or the server ends by itself.
fn obey(signals: &mut Signals, server: &Handle, args: &ServeArgs) {
    for signal in signals.forever() {
        if signal != SIGHUP {
            return server.stop();
        }
        match load(args) {
            Ok(accounts) => {
                server.set_accounts(secrets(&accounts));
                eprintln!("toomd: read {} again", shown(&args.credentials));
            }
            Err(failure) => eprintln!("toomd: {failure}; the accounts stay as they were"),
        }
        match args.tls.load(args.listen) {
            Ok(identity) => identity.into_iter().for_each(|identity| server.set_identity(identity)),
            Err(failure) => eprintln!("toomd: {failure}; the certificate stays as it was"),
        }
    }
}

fn load(args: &ServeArgs) -> Result<Credentials, Failure> {
    let Accounts { credentials, notices } = accounts::load(args)?;
    for notice in notices {
        eprintln!("toomd: {notice}");
    }
    Ok(credentials)
}

fn secrets(credentials: &Credentials) -> Vec<(UserName, Secret)> {
    credentials.accounts().map(|(name, secret)| (name.clone(), secret.clone())).collect()
}

fn config(args: &ServeArgs, limits: Limits) -> Result<Config, Failure> {
    let policy = Policy { attempts: args.attempts, block: args.block, ..Policy::default() };
    Ok(Config { policy, limits, seed: Seed::new(random()?) })
}

fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(Failure::NoRandomSeed)?;
    Ok(bytes)
}

fn shown(path: &Path) -> std::path::Display<'_> {
    path.display()
}
