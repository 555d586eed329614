//! Connections on their way through a handshake.

use super::Io;
use super::secured::Secured;
use super::socket::Layer;
use crate::server::Clock;
use crate::server::channel::Channel;
use crate::server::exchange::ConnectionId;
use crate::server::handshakes::{Handshake, Handshakes};

impl<C: Clock> Io<C> {
    /// What a new connection has between its socket and its lines; `None` if that cannot be had.
    pub(super) fn layer(&self) -> Option<Layer> {
        let Some(handshakes) = &self.handshakes else { return Some(Layer::Plain) };
        handshakes.channel().ok().map(|channel| Layer::Tls(Secured::new(channel)))
    }

    /// Lets a step of the handshake be done.
    pub(super) fn begin_step(&self, id: ConnectionId, channel: Box<Channel>) {
        if let Some(handshakes) = &self.handshakes {
            handshakes.begin(id, channel);
        }
    }

    /// Goes on with the connections for which a step was done.
    pub(super) fn take_steps(&mut self) {
        while let Some(done) = self.handshakes.as_ref().and_then(Handshakes::next_done) {
            self.step_done(done);
        }
    }

    fn step_done(&mut self, done: Handshake) {
        let Handshake { connection: id, channel, outcome } = done;
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
}
