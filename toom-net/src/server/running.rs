//! A server that runs.

use core::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;

use mio::Waker;
use toom_core::{Secret, UserName};

#[cfg(feature = "tls")]
use super::Identity;
use super::ServerError;
use super::exchange::Input;
use super::metrics::{Board, Metrics};
#[cfg(feature = "tls")]
use super::tls::Served;

/// A server that runs. It shuts down when this is dropped.
#[derive(Debug)]
pub struct RunningServer {
    local: SocketAddr,
    handle: Handle,
    /// The thread that owns the sockets. It ends when it is told to, and by itself if it cannot go on.
    pub(super) io: Option<JoinHandle<()>>,
    /// The others, which end after it.
    pub(super) workers: Vec<JoinHandle<()>>,
}

/// Steers a running server from any thread. It does not keep the server running.
#[derive(Clone, Debug)]
pub struct Handle {
    pub(super) stop: Arc<AtomicBool>,
    pub(super) waker: Arc<Waker>,
    pub(super) engine: SyncSender<Input>,
    #[cfg(feature = "tls")]
    pub(super) served: Option<Served>,
    pub(super) board: Board,
}

impl Handle {
    /// Makes these the accounts: new ones are put in, changed ones are changed, and those that are not named are removed, which ends
    /// their sessions. Other sessions stay.
    pub fn set_accounts(&self, accounts: impl IntoIterator<Item = (UserName, Secret)>) {
        // A server that has ended has no accounts.
        let _ = self.engine.send(Input::Accounts(accounts.into_iter().collect()));
    }

    /// Proves by this who the server is, from the next handshake on. Open connections stay. A server that was started without TLS
    /// goes on without.
    #[cfg(feature = "tls")]
    pub fn set_identity(&self, identity: Identity) {
        if let Some(served) = &self.served {
            served.replace(identity);
        }
    }

    /// Ends every session of `user`, which may log in again. The peers are told.
    pub fn kick(&self, user: UserName) {
        // A server that has ended has no sessions.
        let _ = self.engine.send(Input::Kick(user));
    }

    /// What the server has counted so far.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.board.read()
    }

    /// Whether the server was told to shut down, or does so by itself.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Tells the server to shut down, and does not wait for it.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        let _ = self.waker.wake();
    }
}

impl RunningServer {
    pub(super) fn new(local: SocketAddr, handle: Handle) -> Self {
        Self { local, handle, io: None, workers: Vec::new() }
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Steers it from elsewhere.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Shuts down: takes no more connections and requests, answers those in flight, says `BYE shutdown` to everyone, and waits, for
    /// [`closing_time`](super::ServerLimits::closing_time) at most, until that is written.
    ///
    /// # Errors
    /// [`ServerError::Panicked`] if the server had failed.
    pub fn shut_down(self) -> Result<(), ServerError> {
        self.handle.stop();
        self.wait()
    }

    /// Waits until the server ends: because of [`Handle::stop`], or because it failed.
    ///
    /// # Errors
    /// [`ServerError::Panicked`] if it failed.
    pub fn wait(mut self) -> Result<(), ServerError> {
        self.join()
    }

    fn join(&mut self) -> Result<(), ServerError> {
        let mut result = self.io.take().map_or(Ok(()), ended);
        // It has told the engine's thread already, unless it panicked or never began.
        let _ = self.handle.engine.send(Input::Stop);
        // Last started first: the others wait for what it tells them.
        while let Some(worker) = self.workers.pop() {
            result = result.and(ended(worker));
        }
        result
    }
}

fn ended(thread: JoinHandle<()>) -> Result<(), ServerError> {
    let name = thread.thread().name().unwrap_or_default().to_owned();
    thread.join().map_err(|_| ServerError::Panicked { thread: name })
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        self.handle.stop();
        // Who drops it does not want to know.
        let _ = self.join();
    }
}
