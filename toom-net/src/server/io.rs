//! The thread that owns the sockets: it tells the hub what was read, and writes what the hub has.

use core::net::IpAddr;
use core::time::Duration;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Instant;

use mio::{Events, Interest, Poll, Token};
use toom_core::Mono;

use super::admission::Refused;
use super::connection::Path;
use super::exchange::{Input, Release};
#[cfg(not(feature = "tls"))]
use super::front::Layer;
use super::front::{Front, Happened, Socket};
#[cfg(feature = "tls")]
use super::handshakes::Handshakes;
use super::hub::Hub;
use super::metrics::{ConnectionMetrics, Published};
use super::sink::EventSink;
use super::{Clock, ServerLimits};

mod accept;
#[cfg(feature = "tls")]
mod shaking;
mod stream;

use accept::Acceptor;

/// What the listener's events are marked with.
pub(super) const LISTENER: Token = Token(usize::MAX);
/// What the other threads' calls are marked with.
pub(super) const WAKER: Token = Token(usize::MAX - 1);

/// How many connections may become ready at once and be told of at once.
const EVENTS_MAX: usize = 1024;

/// What the thread is made of.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) poll: Poll,
    pub(super) listener: mio::net::TcpListener,
    pub(super) hub: Hub,
    pub(super) limits: ServerLimits,
    pub(super) inbox: Receiver<Vec<Release>>,
    pub(super) engine: SyncSender<Input>,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) sink: EventSink,
    #[cfg(feature = "tls")]
    pub(super) handshakes: Option<Handshakes>,
    pub(super) counts: Published<ConnectionMetrics>,
}

pub(super) struct Io<C> {
    clock: Arc<C>,
    poll: Poll,
    acceptor: Option<Acceptor>,
    front: Front<mio::net::TcpStream>,
    closing_time: Duration,
    inbox: Receiver<Vec<Release>>,
    engine: SyncSender<Input>,
    stop: Arc<AtomicBool>,
    sink: EventSink,
    /// Where there is TLS.
    #[cfg(feature = "tls")]
    handshakes: Option<Handshakes>,
    counts: Published<ConnectionMetrics>,
}

impl<C: Clock> Io<C> {
    pub(super) fn new(parts: Parts, clock: Arc<C>) -> Self {
        Self {
            clock,
            poll: parts.poll,
            acceptor: Some(Acceptor::new(parts.listener)),
            front: Front::new(parts.hub, parts.limits, parts.engine.clone()),
            closing_time: parts.limits.closing_time,
            inbox: parts.inbox,
            engine: parts.engine,
            stop: parts.stop,
            sink: parts.sink,
            #[cfg(feature = "tls")]
            handshakes: parts.handshakes,
            counts: parts.counts,
        }
    }

    /// Serves until it is told to stop, or until it cannot go on. The other threads are told to stop then.
    pub(super) fn run(mut self) {
        let served = self.serve();
        if let Err(error) = served {
            self.sink.tell([super::Event::trouble("waiting for connections", &error)]);
        }
        // The engine drains its queue until it comes to this.
        let _ = self.engine.send(Input::Stop);
    }

    fn serve(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        while !self.stop.load(Ordering::Acquire) && !self.front.is_engine_lost() {
            self.pass(&mut events, None)?;
        }
        self.acceptor = None;
        self.front.hub.shut_down(self.clock.now().mono);
        let ends = Instant::now() + self.closing_time;
        while !self.front.hub.all_is_written() && !self.front.is_engine_lost() && Instant::now() < ends {
            self.pass(&mut events, Some(ends.saturating_duration_since(Instant::now())))?;
        }
        Ok(())
    }

    /// Waits for something to happen, and then does all that is due.
    fn pass(&mut self, events: &mut Events, at_most: Option<Duration>) -> io::Result<()> {
        let now = self.clock.now().mono;
        let timeout = [self.timeout(now), at_most].into_iter().flatten().min();
        unless_interrupted(self.poll.poll(events, timeout))?;
        let now = self.clock.now().mono;
        for event in &*events {
            match event.token() {
                LISTENER => self.acceptor.iter_mut().for_each(Acceptor::ready),
                WAKER => {}
                Token(slot) => self.note(slot, event),
            }
        }
        self.accept(now);
        #[cfg(feature = "tls")]
        self.take_steps();
        self.front.pass(self.inbox.try_iter(), now);
        #[cfg(feature = "tls")]
        self.begin_steps();
        self.counts.publish(self.front.hub.metrics());
        Ok(())
    }

    /// How long nothing may be due.
    fn timeout(&self, now: Mono) -> Option<Duration> {
        let accept = self.acceptor.as_ref().and_then(Acceptor::timeout);
        accept.into_iter().chain(self.front.timeout(now)).min()
    }

    fn note(&mut self, slot: usize, event: &mio::event::Event) {
        if event.is_write_closed() || event.is_error() {
            return self.front.lost(slot);
        }
        let (readable, read_closed) = (event.is_readable(), event.is_read_closed());
        self.front.happened(slot, Happened { readable, read_closed, writable: event.is_writable() });
    }

    fn accept(&mut self, now: Mono) {
        let Some(mut acceptor) = self.acceptor.take() else { return };
        while let Some((stream, ip)) = acceptor.next(&self.sink) {
            match self.front.admit(ip, now) {
                Ok(()) => self.open(stream, ip, now),
                Err(refused) => self.turn_away(stream, refused),
            }
        }
        self.front.hub.counts_mut().accept_failed = acceptor.failures();
        self.acceptor = Some(acceptor);
    }

    #[cfg_attr(not(feature = "tls"), expect(clippy::unused_self, reason = "without TLS all are told"))]
    fn turn_away(&self, stream: mio::net::TcpStream, why: Refused) {
        #[cfg(feature = "tls")]
        if self.handshakes.is_some() {
            // It could not be understood before a handshake, which would cost more than is to be spent here.
            return;
        }
        accept::turn_away(stream, why);
    }

    fn open(&mut self, mut stream: mio::net::TcpStream, ip: IpAddr, now: Mono) {
        #[cfg(not(feature = "tls"))]
        let layer = Some(Layer::Plain);
        #[cfg(feature = "tls")]
        let layer = self.layer();
        // A connection that has no address of ours any more is about to fail.
        let reached = stream.local_addr().map_or(ip, |local| local.ip().to_canonical());
        let registry = self.poll.registry();
        self.front.open(Path { peer: ip, reached }, now, |id| {
            let both = Interest::READABLE | Interest::WRITABLE;
            registry.register(&mut stream, Token(id.slot()), both).ok()?;
            // Lines are short and awaited. Where it cannot be set they come later, but they come.
            let _ = stream.set_nodelay(true);
            Some(Socket::new(stream, ip, layer?))
        });
    }
}

/// A signal that came meanwhile is no failure: it has nothing to do with connections.
fn unless_interrupted(waited: io::Result<()>) -> io::Result<()> {
    waited.or_else(|error| if error.kind() == io::ErrorKind::Interrupted { Ok(()) } else { Err(error) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_ends_no_server_and_any_other_failure_to_wait_does() {
        assert!(unless_interrupted(Ok(())).is_ok());
        assert!(unless_interrupted(Err(io::ErrorKind::Interrupted.into())).is_ok());
        let failed = unless_interrupted(Err(io::ErrorKind::OutOfMemory.into()));
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::OutOfMemory);
    }
}
