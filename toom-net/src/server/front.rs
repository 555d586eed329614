//! What is done with connections, whatever carries their bytes: the hub is told what was read, and what it has is written.

use core::net::IpAddr;
use core::time::Duration;
use std::sync::mpsc::{SyncSender, TrySendError};

use toom_core::Mono;
use zeroize::Zeroize as _;

use super::ServerLimits;
use super::admission::{Admission, Refused};
#[cfg(feature = "tls")]
use super::channel::Channel;
use super::connection::Path;
use super::exchange::{ConnectionId, Input, Release};
#[cfg(feature = "tls")]
use super::handshakes::Handshake;
use super::hub::{Hub, Rest};

mod raw;
#[cfg(test)]
mod script;
#[cfg(feature = "tls")]
mod secured;
mod socket;

use raw::Written;
pub(crate) use raw::{Happened, Wire};
#[cfg(feature = "tls")]
pub(super) use secured::Secured;
use socket::{Ended, Read, Scratch};
pub(super) use socket::{Layer, Socket};

/// How often a connection is read in a row before the others have their turn.
const READS_IN_A_ROW: usize = 4;

/// The connections with what carries their bytes. It knows no clock, and waits for nothing.
///
/// It is told what [happened](Self::happened) and who [connects](Self::open); then a [`pass`](Self::pass) does all that is due.
#[derive(Debug)]
pub(super) struct Front<W> {
    pub(super) hub: Hub,
    admission: Admission,
    limits: ServerLimits,
    /// Sockets in the places of their connections.
    sockets: Vec<Option<Socket<W>>>,
    engine: SyncSender<Input>,
    /// Whether the engine's side has ended before this one: no answer will come.
    engine_lost: bool,
    scratch: Scratch,
    /// Steps of handshakes that are to be done elsewhere.
    #[cfg(feature = "tls")]
    pub(super) steps: Vec<(ConnectionId, Box<Channel>)>,
}

impl<W: Wire> Front<W> {
    pub(super) fn new(hub: Hub, limits: ServerLimits, engine: SyncSender<Input>) -> Self {
        Self {
            hub,
            admission: Admission::default(),
            limits,
            sockets: Vec::new(),
            engine,
            engine_lost: false,
            scratch: Scratch::new(),
            #[cfg(feature = "tls")]
            steps: Vec::new(),
        }
    }

    pub(super) fn is_engine_lost(&self) -> bool {
        self.engine_lost
    }

    /// Takes note of what happened to the connection in a place.
    pub(super) fn happened(&mut self, slot: usize, what: Happened) {
        let Some(id) = self.hub.at(slot) else { return };
        let Some(socket) = self.sockets.get_mut(slot).and_then(Option::as_mut) else { return };
        socket.note(what);
        if what.writable {
            self.hub.mark_dirty(id);
        }
        if what.readable || what.read_closed {
            self.hub.wake(id);
        }
    }

    /// The connection in a place is lost.
    pub(super) fn lost(&mut self, slot: usize) {
        if let Some(id) = self.hub.at(slot) {
            self.drop_connection(id);
        }
    }

    /// Does all that is due, with what the engine's side released meanwhile.
    pub(super) fn pass(&mut self, releases: impl Iterator<Item = Vec<Release>>, now: Mono) {
        for released in releases {
            self.hub.release(released, now);
        }
        self.hand_over();
        self.run_connections(now);
        self.write_dirty();
        self.expire(now);
        self.hand_over();
    }

    /// How long nothing may be due; `None`: until something happens.
    pub(super) fn timeout(&self, now: Mono) -> Option<Duration> {
        if self.hub.has_runnable() || self.hub.has_dirty() {
            return Some(Duration::ZERO);
        }
        self.hub.next_deadline().map(|deadline| deadline.since(now))
    }

    /// Lets a peer in. If there is no room for it, one that is not logged in makes some; its own address comes first.
    ///
    /// # Errors
    /// [`Refused`], which was counted, if it may not come in.
    pub(super) fn admit(&mut self, ip: IpAddr, now: Mono) -> Result<(), Refused> {
        self.make_room(ip, now).inspect_err(|refused| refused.count(self.hub.counts_mut()))?;
        self.admission.enter(ip, &self.limits);
        Ok(())
    }

    fn make_room(&mut self, ip: IpAddr, now: Mono) -> Result<(), Refused> {
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
        Ok(())
    }

    /// Tells a peer why, if it can be told at once, and closes.
    fn turn_out(&mut self, id: ConnectionId, now: Mono) {
        self.hub.turn_out(id, now);
        self.write(id);
        self.drop_connection(id);
    }

    /// Opens a connection for a peer that was let in. `start` is told its place, and gives its socket, unless the peer cannot be served.
    pub(super) fn open(
        &mut self,
        path: Path,
        now: Mono,
        start: impl FnOnce(ConnectionId) -> Option<Socket<W>>,
    ) {
        let id = self.hub.open(path, now);
        let Some(socket) = start(id) else {
            self.hub.remove(id);
            return self.admission.leave(path.peer, &self.limits);
        };
        if self.sockets.len() <= id.slot() {
            self.sockets.resize_with(id.slot() + 1, || None);
        }
        if let Some(place) = self.sockets.get_mut(id.slot()) {
            *place = Some(socket);
        }
    }

    /// A step of a handshake was done, or it came to nothing.
    #[cfg(feature = "tls")]
    pub(super) fn step_done(&mut self, step: Handshake) {
        let Handshake { connection: id, channel, outcome } = step;
        if self.hub.at(id.slot()) != Some(id) {
            return;
        }
        let Some(socket) = self.sockets.get_mut(id.slot()).and_then(Option::as_mut) else { return };
        if outcome.is_err() {
            self.hub.counts_mut().handshakes_failed += 1;
            socket.say_failure(*channel);
            return self.drop_connection(id);
        }
        socket.take_back(channel);
        self.hub.mark_dirty(id);
        self.hub.wake(id);
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
                Read::Shake(channel) => return self.steps.push((id, channel)),
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

#[cfg(test)]
mod tests;
