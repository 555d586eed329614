//! Serving: the library's server, with the accounts of the file, the signals of an operator, and a line an event.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use jiff::tz::TimeZone;
use sd_notify::NotifyState;
use toom_core::{Config, Epoch, Limits, MemoryStorage, Policy, Secret, Seed, Storage, UserName};
use toom_net::archive::{TextLogs, TextLogsError, create_file};
use toom_net::credentials::Credentials;
use toom_net::server::{Handle, Identity, RoomTexts, Server};

use crate::accounts::{self, Accounts};
use crate::admin::Admin;
use crate::args::ServeArgs;
use crate::failure::Failure;
use crate::limits::Bounds;
use crate::logging::{self, ANNOUNCEMENT};
use crate::open_files;
use crate::printer::Printer;
use crate::random::random;
use crate::sessions::Sessions;
use crate::signals::{self, Watch};

/// How long the program waits at its end for text logs that are slow, and longer than the server may take for all else.
const PATIENCE: Duration = Duration::from_secs(5);

/// Serves until a signal ends it.
pub(crate) fn run(args: &ServeArgs) -> Result<(), Failure> {
    logging::start(args.log_format, args.log_level);
    let accounts = load(args)?;
    let identity = args.tls.load(args.listen, &args.data.dir.path)?;
    let signals = Watch::begin()?;
    let mut bounds = Bounds::with(&args.limits);
    if let Some(notice) = open_files::fit(&mut bounds.server) {
        tracing::warn!("{notice}");
    }
    // Kept only where somebody can ask for it.
    let open = args.admin.as_ref().map(|_| Sessions::default());
    let admin = args.admin.as_ref().zip(open.clone());
    let admin = admin.map(|(address, open)| Admin::start(address, open)).transpose()?;
    let start = Start { args, accounts, identity, signals, bounds, open, admin };
    if args.data.memory {
        start.serve(MemoryStorage::new(Epoch::new(u64::from_le_bytes(random()?))))
    } else {
        start.serve(args.data.open()?)
    }
}

/// What a server is started with, but for its store.
struct Start<'a> {
    args: &'a ServeArgs,
    accounts: Credentials,
    identity: Option<Identity>,
    signals: Watch,
    bounds: Bounds,
    open: Option<Sessions>,
    admin: Option<Admin>,
}

impl Start<'_> {
    fn serve<S: Storage + Send + 'static>(self, mut storage: S) -> Result<(), Failure> {
        let Self { args, accounts, identity, signals, bounds, open, admin } = self;
        let printer =
            Printer::start(if args.show_room_texts { RoomTexts::Shown } else { RoomTexts::Hidden })?;
        let logs = args.text_logs.as_deref().map(|folder| keep_logs(folder, &mut storage)).transpose()?;
        let (events, log) = (printer.sink(), logs.as_ref().map(TextLogs::sink));
        let recording = args.record.as_deref().map(create_file).transpose()?;
        let server = Server::builder(storage)
            .config(config(args, bounds.engine)?)
            .limits(bounds.server)
            .accounts(secrets(&accounts))
            .listen(SocketAddr::new(args.listen, args.port))
            .tls(identity)
            .record(recording)
            .on_event(move |event| {
                if let Some(log) = &log {
                    log.tell(event);
                }
                if let Some(open) = &open {
                    open.tell(event);
                }
                events.tell(event);
            })
            .start();
        let server = server.inspect_err(|_| remove_recording(args))?;

        let handle = server.handle();
        if let Some(admin) = &admin {
            admin.serves(handle.clone());
        }
        let slowest = bounds.server.closing_time.saturating_add(2 * PATIENCE);
        let (steered, asked) = (handle.clone(), args.clone());
        signals.obey(handle, slowest, move || reload(&steered, &asked))?;
        tracing::info!(target: ANNOUNCEMENT, "listening on {}", server.local_addr());
        signals::tell_systemd(NotifyState::Ready);
        let outcome = server.wait();
        printer.finish();
        if logs.is_some_and(|logs| !logs.finish(PATIENCE)) {
            tracing::warn!("the text logs take no more lines; the last are not written");
        }
        Ok(outcome?)
    }
}

/// Begins to keep text logs, with the times of the machine's zone.
fn keep_logs(folder: &Path, storage: &mut impl Storage) -> Result<TextLogs, TextLogsError> {
    TextLogs::start(folder, TimeZone::system(), storage, |line| {
        tracing::warn!("{line}");
    })
}

/// Removes the recording of a server that never served: its name is free for the next start.
fn remove_recording(args: &ServeArgs) {
    if let Some(path) = &args.record {
        let _ = std::fs::remove_file(path);
    }
}

/// Reads again what may change while the server runs.
fn reload(server: &Handle, args: &ServeArgs) {
    match load(args) {
        Ok(accounts) => {
            server.set_accounts(secrets(&accounts));
            tracing::info!("read {} again", shown(&args.credentials));
        }
        Err(failure) => tracing::warn!("{failure}; the accounts stay as they were"),
    }
    match args.tls.load(args.listen, &args.data.dir.path) {
        Ok(identity) => identity.into_iter().for_each(|identity| server.set_identity(identity)),
        Err(failure) => tracing::warn!("{failure}; the certificate stays as it was"),
    }
}

fn load(args: &ServeArgs) -> Result<Credentials, Failure> {
    let Accounts { credentials, notices } = accounts::load(args)?;
    for notice in notices {
        tracing::warn!("{notice}");
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

fn shown(path: &Path) -> std::path::Display<'_> {
    path.display()
}
