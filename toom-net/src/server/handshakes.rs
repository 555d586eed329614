//! The threads that shake hands.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use mio::Waker;
use rustls::server::ServerConfig;

use super::ServerLimits;
use super::channel::{Channel, TlsFailed};
use super::exchange::ConnectionId;
use super::running::Handle;
use super::workers::{next, spawn_patient};

/// A step of the handshake on one connection.
#[derive(Debug)]
pub(super) struct Handshake {
    pub(super) connection: ConnectionId,
    pub(super) channel: Box<Channel>,
    pub(super) outcome: Result<(), TlsFailed>,
}

/// What the thread that owns the sockets needs for TLS.
///
/// A handshake is a signature and a key exchange: long enough that a crowd that connects would hold up what the others are to be
/// told, so it is done on threads of its own.
#[derive(Debug)]
pub(super) struct Handshakes {
    config: Arc<ServerConfig>,
    steps: Sender<Handshake>,
    done: Receiver<Handshake>,
}

impl Handshakes {
    /// Starts the threads. They end when this is dropped.
    pub(super) fn start(
        config: Arc<ServerConfig>,
        limits: &ServerLimits,
        server: &Handle,
    ) -> io::Result<(Self, Vec<JoinHandle<()>>)> {
        let (steps, queue) = channel::<Handshake>();
        let (back, done) = channel();
        let queue = Arc::new(Mutex::new(queue));
        let start = |number| {
            let (queue, back, waker) = (Arc::clone(&queue), back.clone(), Arc::clone(&server.waker));
            spawn_patient(&format!("toom-tls-{number}"), server.clone(), move || shake(&queue, &back, &waker))
        };
        let threads = (1..=limits.handshakes_at_once.get()).map(start).collect::<io::Result<_>>()?;
        Ok((Self { config, steps, done }, threads))
    }

    /// The server's side of a new connection.
    pub(super) fn channel(&self) -> Result<Channel, TlsFailed> {
        Channel::new(Arc::clone(&self.config))
    }

    /// Lets a step be done. A connection has one at a time, so that no more wait than there are connections.
    pub(super) fn begin(&self, connection: ConnectionId, channel: Box<Channel>) {
        // The threads end after this is dropped, or when the server fails.
        let _ = self.steps.send(Handshake { connection, channel, outcome: Ok(()) });
    }

    /// A step that was done.
    pub(super) fn next_done(&self) -> Option<Handshake> {
        self.done.try_recv().ok()
    }
}

fn shake(queue: &Mutex<Receiver<Handshake>>, back: &Sender<Handshake>, waker: &Waker) {
    while let Some(mut step) = next(queue) {
        step.outcome = step.channel.shake();
        if back.send(step).is_err() {
            return;
        }
        let _ = waker.wake();
    }
}
