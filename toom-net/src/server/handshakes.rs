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
use super::workers::{next, spawn_patient, survives};

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
            spawn_patient(&format!("toom-tls-{number}"), server.clone(), move || {
                shake(&queue, &back, &waker, Channel::shake);
            })
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

/// A handshake that panics has failed: its connection ends.
fn shake(
    queue: &Mutex<Receiver<Handshake>>,
    back: &Sender<Handshake>,
    waker: &Waker,
    go_on: impl Fn(&mut Channel) -> Result<(), TlsFailed>,
) {
    while let Some(mut step) = next(queue) {
        step.outcome = survives(|| go_on(&mut step.channel)).unwrap_or(Err(TlsFailed));
        if back.send(step).is_err() {
            return;
        }
        let _ = waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use mio::{Poll, Token};

    use super::*;

    #[test]
    fn a_handshake_that_panics_has_failed_and_those_behind_it_go_on() {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let resolver = Arc::new(rustls::server::ResolvesServerCertUsingSni::new());
        let config = Arc::new(config.with_no_client_auth().with_cert_resolver(resolver));
        let poll = Poll::new().unwrap();
        let waker = Waker::new(poll.registry(), Token(0)).unwrap();
        let (steps, queue) = channel();
        let (back, done) = channel();
        for slot in 1..=2 {
            let channel = Box::new(Channel::new(Arc::clone(&config)).unwrap());
            let connection = ConnectionId::new(slot, 1);
            steps.send(Handshake { connection, channel, outcome: Ok(()) }).unwrap();
        }
        drop(steps);
        let begun = std::sync::atomic::AtomicU32::new(0);
        shake(&Mutex::new(queue), &back, &waker, |channel| {
            assert!(begun.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 0, "planted");
            channel.shake()
        });
        drop(back);
        let told: Vec<_> = done.iter().map(|step| (step.connection.slot(), step.outcome.is_ok())).collect();
        assert_eq!(told, [(1, false), (2, true)]);
    }
}
