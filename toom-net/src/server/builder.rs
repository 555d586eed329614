//! Starting a server.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::sync_channel;

use mio::net::TcpListener;
use mio::{Interest, Poll, Waker};
use socket2::{SockRef, TcpKeepalive};
use toom_core::{Config, Engine, Epoch, Secret, Storage, StorageError, Timestamp, UserName};

#[cfg(feature = "tls")]
use super::Identity;
use super::engine_loop::{BATCH_MAX, EngineLoop, Turn};
#[cfg(feature = "tls")]
use super::handshakes::Handshakes;
use super::hub::Hub;
use super::io::{Io, LISTENER, Parts, WAKER};
use super::metrics::Board;
use super::recording::{Opening, Recorder, Recording};
use super::running::{Handle, RunningServer};
use super::sink::EventSink;
#[cfg(feature = "tls")]
use super::tls::{Served, config};
use super::workers::{Links, Outlet, run_engine, spawn, spawn_checkers, spawn_reader};
use super::{Clock, Event, ServerLimits, SystemClock};
use crate::protocol::{ClientWord, Greeting, MAX_LINE, TransferId};

/// When the system asks whether a silent peer is still there: one that has vanished is found within two minutes.
const KEEP_ALIVE: TcpKeepalive = TcpKeepalive::new()
    .with_time(Duration::from_mins(1))
    .with_interval(Duration::from_secs(20))
    .with_retries(3);
/// What the server calls itself in its first line.
const SERVER: &str = concat!("toomd/", env!("CARGO_PKG_VERSION"));

/// A server to be started.
#[derive(Debug)]
pub struct Server;

impl Server {
    /// A server that keeps its messages in `storage`. It listens on 127.0.0.1, on a port of the system's choice, and
    /// nobody has an account yet.
    pub fn builder<S: Storage + Send + 'static>(storage: S) -> ServerBuilder<S> {
        ServerBuilder {
            storage,
            config: Config::default(),
            limits: ServerLimits::default(),
            accounts: Vec::new(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            sink: EventSink::new(|_| ()),
            clock: SystemClock::start(),
            recording: None,
            #[cfg(feature = "tls")]
            identity: None,
        }
    }
}

/// What a server is started with.
#[derive(Debug)]
pub struct ServerBuilder<S, C = SystemClock> {
    storage: S,
    config: Config,
    limits: ServerLimits,
    accounts: Vec<(UserName, Secret)>,
    listen: SocketAddr,
    sink: EventSink,
    clock: C,
    recording: Option<Recording>,
    #[cfg(feature = "tls")]
    identity: Option<Identity>,
}

/// Why no server was started, or why one ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The store could not be opened.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Nobody can connect there.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        reason: io::Error,
    },
    /// The recording could not be begun.
    #[error("cannot write the recording: {0}")]
    Recording(io::Error),
    /// The system gave no thread or no way to wait for sockets.
    #[error("cannot start the server: {0}")]
    System(#[from] io::Error),
    /// A thread of the server ended by a panic.
    #[error("the server failed: its thread {thread} panicked")]
    Panicked {
        /// The thread's name.
        thread: String,
    },
}

impl<S: Storage + Send + 'static, C: Clock> ServerBuilder<S, C> {
    /// The rules and bounds of the engine. Draw its seed at random.
    #[must_use]
    pub fn config(self, config: Config) -> Self {
        Self { config, ..self }
    }

    /// The bounds of the server.
    #[must_use]
    pub fn limits(self, limits: ServerLimits) -> Self {
        Self { limits, ..self }
    }

    /// Who may log in.
    #[must_use]
    pub fn accounts(self, accounts: impl IntoIterator<Item = (UserName, Secret)>) -> Self {
        Self { accounts: accounts.into_iter().collect(), ..self }
    }

    /// Where to listen; port 0 lets the system choose.
    #[must_use]
    pub fn listen(self, address: SocketAddr) -> Self {
        Self { listen: address, ..self }
    }

    /// Takes what the operator may want to see, in order. The engine waits while it runs.
    #[must_use]
    pub fn on_event(self, take: impl FnMut(&Event) + Send + 'static) -> Self {
        Self { sink: EventSink::new(take), ..self }
    }

    /// Speaks TLS, and nothing else, and proves by this who it is; with `None`, which is the default, it speaks without TLS.
    /// [`Handle::set_identity`] replaces it.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(self, identity: impl Into<Option<Identity>>) -> Self {
        Self { identity: identity.into(), ..self }
    }

    /// Writes down in `recording` everything that the engine is given and what it gives, for [`replay`](super::replay()): the texts of all messages,
    /// but no password and nothing that is made of one. A thread of its own does that; where it fails, or takes too long, the recording ends,
    /// with an [`Event`], and the server goes on. With `None`, which is the default, nothing is written down.
    #[must_use]
    pub fn record(self, recording: Option<impl Write + Send + 'static>) -> Self {
        Self { recording: recording.map(Recording::new), ..self }
    }

    /// Other clocks than the machine's.
    #[must_use]
    pub fn clock<D: Clock>(self, clock: D) -> ServerBuilder<S, D> {
        ServerBuilder {
            storage: self.storage,
            config: self.config,
            limits: self.limits,
            accounts: self.accounts,
            listen: self.listen,
            sink: self.sink,
            clock,
            recording: self.recording,
            #[cfg(feature = "tls")]
            identity: self.identity,
        }
    }

    /// Opens the store, listens, and starts the threads.
    ///
    /// # Errors
    /// [`ServerError`] says why there is no server.
    pub fn start(mut self) -> Result<RunningServer, ServerError> {
        let recovered = self.recording.as_ref().map(|_| self.storage.recover()).transpose()?;
        let engine = Engine::open(self.storage, self.config)?;
        let poll = Poll::new()?;
        let (listener, local) = open_listener(&poll, self.listen)
            .map_err(|reason| ServerError::Listen { address: self.listen, reason })?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let (outlet, inbox) = Outlet::new(Arc::clone(&waker));
        let (to_engine, inputs) = sync_channel(BATCH_MAX);
        let stop = Arc::new(AtomicBool::new(false));
        let board = Board::default();
        let handle = Handle {
            stop: Arc::clone(&stop),
            waker,
            engine: to_engine.clone(),
            board: board.clone(),
            #[cfg(feature = "tls")]
            served: self.identity.map(Served::new),
        };
        let greeting = greeting(engine.epoch(), self.limits.idle_time);
        let hub = Hub::new(&greeting, first_transfer(self.clock.now().wall), self.limits);
        let mut running = RunningServer::new(local, handle.clone());

        let reader = engine.storage().reader();
        let checks_max = self.limits.checks_max();
        let mut engine = EngineLoop::new(engine, checks_max);
        engine.set_accounts(self.accounts.clone(), &mut Turn::default());
        let recording = self.recording.zip(recovered).map(|(recording, recovered)| {
            let (config, accounts) = (self.config, self.accounts);
            let opening = Opening { config, epoch: greeting.epoch, checks_max, recovered, accounts };
            recording.begin(&opening, engine.digest(), self.sink.clone()).map_err(ServerError::Recording)
        });
        let (recorder, recording) = recording.transpose()?.unzip();
        running.workers.extend(recording);

        let pages = recorder.as_ref().map(Recorder::pages);
        let (reads, reading) = spawn_reader(reader, outlet.clone(), self.sink.clone(), pages, &handle)?;
        running.workers.push(reading);
        let (checks, checking) = spawn_checkers(&self.limits, &handle)?;
        running.workers.extend(checking);

        #[cfg(feature = "tls")]
        let handshakes = start_handshakes(&self.limits, &mut running)?;

        let sink = self.sink.clone();
        let links = Links { inputs, outlet, checks, reads, sink, counts: board.engine, recorder };
        let clock = Arc::new(self.clock);
        let engine_clock = Arc::clone(&clock);
        let run = move || run_engine(engine, links, &*engine_clock);
        running.workers.push(spawn("toom-engine", handle.clone(), run)?);

        self.sink.tell([Event::Running, Event::Waiting]);
        let (limits, sink) = (self.limits, self.sink);
        let parts = Parts {
            poll,
            listener,
            hub,
            limits,
            inbox,
            engine: to_engine,
            stop,
            sink,
            counts: board.connections,
            #[cfg(feature = "tls")]
            handshakes,
        };
        running.io = Some(spawn("toom-io", handle, move || Io::new(parts, clock).run())?);
        Ok(running)
    }
}

#[cfg(feature = "tls")]
fn start_handshakes(limits: &ServerLimits, running: &mut RunningServer) -> io::Result<Option<Handshakes>> {
    let handle = running.handle();
    let Some(served) = &handle.served else { return Ok(None) };
    let (handshakes, shaking) = Handshakes::start(config(served.clone()), limits, &handle)?;
    running.workers.extend(shaking);
    Ok(Some(handshakes))
}

pub(super) fn greeting(epoch: Epoch, idle: Duration) -> Greeting {
    let server = ClientWord::parse(SERVER).expect("a name and a version are a word");
    Greeting { server, max_line: MAX_LINE, epoch, idle: Some(idle) }
}

/// What the first transfer is called: no number that an earlier run of the server gave, as long as the clock goes on.
pub(super) fn first_transfer(now: Timestamp) -> TransferId {
    let seconds = now.unix_micros() / 1_000_000;
    u64::try_from(seconds).ok().and_then(TransferId::new).unwrap_or(TransferId::FIRST)
}

fn open_listener(poll: &Poll, address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let mut listener = TcpListener::bind(address)?;
    // Its connections have it from there. Where it cannot be set, the idle time finds who has vanished, if later.
    let _ = SockRef::from(&listener).set_tcp_keepalive(&KEEP_ALIVE);
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let local = listener.local_addr()?;
    Ok((listener, local))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_transfer_bears_the_second_in_which_the_server_began() {
        for (micros, first) in [(1_700_000_000_999_999, 1_700_000_000), (1, 1), (-5_000_000, 1)] {
            let now = Timestamp::from_unix_micros(micros).unwrap();
            assert_eq!(first_transfer(now), TransferId::new(first).unwrap());
        }
    }

    #[test]
    fn connections_have_the_systems_keep_alive_from_their_listener() {
        let poll = Poll::new().unwrap();
        let (listener, local) = open_listener(&poll, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let _peer = std::net::TcpStream::connect(local).unwrap();
        let accepted = loop {
            if let Ok((stream, _)) = listener.accept() {
                break stream;
            }
        };
        assert!(SockRef::from(&accepted).keepalive().unwrap());
        #[cfg(target_os = "linux")]
        assert_eq!(SockRef::from(&accepted).tcp_keepalive_time().unwrap(), Duration::from_mins(1));
    }
}
