//! The thread that owns the sockets: it tells the hub what was read, and writes what the hub has.

use core::net::IpAddr;
use core::time::Duration;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::time::Instant;

use mio::{Events, Interest, Poll, Token};
use toom_core::Mono;
use zeroize::Zeroize as _;

use super::admission::{Admission, Refused};
use super::connection::Path;
use super::exchange::{ConnectionId, Input, Release};
#[cfg(feature = "tls")]
use super::handshakes::Handshakes;
use super::hub::{Hub, Rest};
use super::metrics::{ConnectionMetrics, Published};
use super::sink::EventSink;
use super::{Clock, ServerLimits};

mod accept;
mod raw;
#[cfg(feature = "tls")]
mod secured;
#[cfg(feature = "tls")]
mod shaking;
mod socket;

use accept::Acceptor;
use raw::Written;
#[cfg(not(feature = "tls"))]
use socket::Layer;
use socket::{Ended, Read, Scratch, Socket};

/// What the listener's events are marked with.
pub(super) const LISTENER: Token = Token(usize::MAX);
/// What the other threads' calls are marked with.
pub(super) const WAKER: Token = Token(usize::MAX - 1);

/// How often a connection is read in a row before the others have their turn.
const READS_IN_A_ROW: usize = 4;
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
    admission: Admission,
    hub: Hub,
    limits: ServerLimits,
    /// Sockets in the places of their connections.
    sockets: Vec<Option<Socket>>,
    inbox: Receiver<Vec<Release>>,
    engine: SyncSender<Input>,
    /// Whether the engine's thread has ended before this one: no answer will come.
    engine_lost: bool,
    stop: Arc<AtomicBool>,
    sink: EventSink,
    scratch: Scratch,
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
            admission: Admission::default(),
            hub: parts.hub,
            limits: parts.limits,
            sockets: Vec::new(),
            inbox: parts.inbox,
            engine: parts.engine,
            engine_lost: false,
            stop: parts.stop,
            sink: parts.sink,
            scratch: Scratch::new(),
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
        while !self.stop.load(Ordering::Acquire) && !self.engine_lost {
            self.pass(&mut events, None)?;
        }
        self.acceptor = None;
        self.hub.shut_down(self.clock.now().mono);
        let ends = Instant::now() + self.limits.closing_time;
        while !self.hub.all_is_written() && !self.engine_lost && Instant::now() < ends {
            self.pass(&mut events, Some(ends.saturating_duration_since(Instant::now())))?;
        }
        Ok(())
    }

    /// Waits for something to happen, and then does all that is due.
    fn pass(&mut self, events: &mut Events, at_most: Option<Duration>) -> io::Result<()> {
        let now = self.clock.now().mono;
        let timeout = [self.timeout(now), at_most].into_iter().flatten().min();
        match self.poll.poll(events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        let now = self.clock.now().mono;
        for event in &*events {
            match event.token() {
                LISTENER => self.acceptor.iter_mut().for_each(Acceptor::ready),
                WAKER => {}
                Token(slot) => self.note(slot, event),
            }
        }
        self.accept(now);
        while let Ok(releases) = self.inbox.try_recv() {
            self.hub.release(releases, now);
        }
        #[cfg(feature = "tls")]
        self.take_steps();
        self.hand_over();
        self.run_connections(now);
        self.write_dirty();
        self.expire(now);
        self.hand_over();
        self.counts.publish(self.hub.metrics());
        Ok(())
    }

    /// How long nothing may be due.
    fn timeout(&self, now: Mono) -> Option<Duration> {
        if self.hub.has_runnable() || self.hub.has_dirty() {
            return Some(Duration::ZERO);
        }
        let accept = self.acceptor.as_ref().and_then(Acceptor::timeout);
        let deadline = self.hub.next_deadline().map(|deadline| deadline.since(now));
        accept.into_iter().chain(deadline).min()
    }

    fn note(&mut self, slot: usize, event: &mio::event::Event) {
        let Some(id) = self.hub.at(slot) else { return };
        let Some(socket) = self.sockets.get_mut(slot).and_then(Option::as_mut) else { return };
        if event.is_write_closed() || event.is_error() {
            return self.drop_connection(id);
        }
        socket.note(event);
        if event.is_writable() {
            self.hub.mark_dirty(id);
        }
        if event.is_readable() || event.is_read_closed() {
            self.hub.wake(id);
        }
    }

    fn accept(&mut self, now: Mono) {
        let Some(mut acceptor) = self.acceptor.take() else { return };
        while let Some((stream, ip)) = acceptor.next(&self.sink) {
            match self.admit(ip, now) {
                Ok(()) => self.open(stream, ip, now),
                Err(refused) => {
                    refused.count(self.hub.counts_mut());
                    self.turn_away(stream, refused);
                }
            }
        }
        self.hub.counts_mut().accept_failed = acceptor.failures();
        self.acceptor = Some(acceptor);
    }

    /// Lets a peer in. If there is no room for it, one that is not logged in makes some; its own address comes first.
    fn admit(&mut self, ip: IpAddr, now: Mono) -> Result<(), Refused> {
        self.admission.knock(ip, &self.limits, now)?;
        if self.admission.is_address_full(ip, self.hub.strangers_of(ip), &self.limits) {
            let oldest = self.hub.oldest_stranger_of(ip).ok_or(Refused::Address)?;
            self.hub.counts_mut().strangers_dropped_address += 1;
            self.turn_out(oldest, now);
        }
        if self.admission.is_full(&self.limits) {
            let oldest = self.hub.oldest_stranger().ok_or(Refused::All)?;
            self.hub.counts_mut().strangers_dropped_all += 1;
            self.turn_out(oldest, now);
        }
        self.admission.enter(ip, &self.limits);
        Ok(())
    }

    /// Tells a peer why, if it can be told at once, and closes.
    fn turn_out(&mut self, id: ConnectionId, now: Mono) {
        self.hub.turn_out(id, now);
        self.write(id);
        self.drop_connection(id);
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
        let layer = Layer::Plain;
        #[cfg(feature = "tls")]
        let Some(layer) = self.layer() else { return self.admission.leave(ip, &self.limits) };
        // A connection that has no address of ours any more is about to fail.
        let reached = stream.local_addr().map_or(ip, |local| local.ip().to_canonical());
        let id = self.hub.open(Path { peer: ip, reached }, now);
        let both = Interest::READABLE | Interest::WRITABLE;
        if self.poll.registry().register(&mut stream, Token(id.slot()), both).is_err() {
            self.hub.remove(id);
            return self.admission.leave(ip, &self.limits);
        }
        if self.sockets.len() <= id.slot() {
            self.sockets.resize_with(id.slot() + 1, || None);
        }
        if let Some(place) = self.sockets.get_mut(id.slot()) {
            *place = Some(Socket::new(stream, ip, layer));
        }
    }

    fn drop_connection(&mut self, id: ConnectionId) {
        self.hub.remove(id);
        if let Some(socket) = self.sockets.get_mut(id.slot()).and_then(Option::take) {
            self.admission.leave(socket.ip(), &self.limits);
        }
    }

    /// Gives the engine what it takes; the rest is kept until it has taken that.
    fn hand_over(&mut self) {
        while let Some(input) = self.hub.next_input() {
            match self.engine.try_send(input) {
                Ok(()) => {}
                Err(TrySendError::Full(input)) => return self.hub.put_back(input),
                Err(TrySendError::Disconnected(_)) => {
                    self.engine_lost = true;
                    return;
                }
            }
        }
    }

    /// Lets each connection that may go on do so once.
    fn run_connections(&mut self, now: Mono) {
        for _ in 0..self.hub.runnable_len() {
            let Some(id) = self.hub.next_runnable() else { return };
            self.run_connection(id, now);
            self.hand_over();
        }
    }

    fn run_connection(&mut self, id: ConnectionId, now: Mono) {
        for _ in 0..READS_IN_A_ROW {
            let wanted = self.hub.serve(id, now);
            let Some(socket) = self.sockets.get_mut(id.slot()).and_then(Option::as_mut) else { return };
            let room = if socket.is_draining() { usize::MAX } else { wanted };
            if room == 0 {
                return;
            }
            match socket.read(&mut self.scratch, room) {
                Read::Bytes(read) => {
                    let secret = !self.hub.is_logged_in(id);
                    self.hub.feed(id, read);
                    if secret {
                        read.zeroize();
                        self.hub.keeps(id, socket.kept_bytes());
                    }
                }
                Read::Blocked => return,
                Read::End if socket.is_draining() => return self.drop_connection(id),
                Read::End => self.hub.end_of_input(id),
                Read::Failed => return self.drop_connection(id),
                #[cfg(feature = "tls")]
                Read::Shake(channel) => {
                    return self.begin_step(id, channel);
                }
            }
        }
        self.hub.wake(id);
    }

    fn write_dirty(&mut self) {
        while let Some(id) = self.hub.next_dirty() {
            self.write(id);
        }
    }

    fn write(&mut self, id: ConnectionId) {
        loop {
            let Some(socket) = self.sockets.get_mut(id.slot()).and_then(Option::as_mut) else { return };
            // The end was sent. Each time it is sent again, the system says again that there is room.
            if socket.is_draining() {
                return;
            }
            let Some(outbox) = self.hub.outbox(id) else { return };
            let written = match socket.write(outbox, &mut self.scratch) {
                Written::Bytes(bytes) => bytes,
                // Nobody is there yet to be told why it ends.
                Written::Blocked if socket.is_shaking_hands() && self.hub.is_ending(id) => {
                    return self.drop_connection(id);
                }
                Written::Blocked => return,
                Written::Failed => return self.drop_connection(id),
            };
            match self.hub.wrote(id, written) {
                Rest::More => {}
                Rest::Idle => return,
                Rest::End => {
                    return match socket.end_output() {
                        Ended::Half => self.hub.wake(id),
                        Ended::Whole => self.drop_connection(id),
                        #[cfg(feature = "tls")]
                        Ended::NotYet => {}
                    };
                }
            }
        }
    }

    fn expire(&mut self, now: Mono) {
        while let Some(id) = self.hub.expire(now) {
            self.drop_connection(id);
        }
    }
}
