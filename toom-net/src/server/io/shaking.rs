//! Connections on their way through a handshake.

use super::Io;
use crate::server::Clock;
use crate::server::front::{Layer, Secured};
use crate::server::handshakes::Handshakes;

impl<C: Clock> Io<C> {
    /// What a new connection has between its socket and its lines; `None` if that cannot be had.
    pub(super) fn layer(&self) -> Option<Layer> {
        let Some(handshakes) = &self.handshakes else { return Some(Layer::Plain) };
        handshakes.channel().ok().map(|channel| Layer::Tls(Secured::new(channel)))
    }

    /// Lets the steps be done that are due.
    pub(super) fn begin_steps(&mut self) {
        let steps = core::mem::take(&mut self.front.steps);
        if let Some(handshakes) = &self.handshakes {
            for (id, channel) in steps {
                handshakes.begin(id, channel);
            }
        }
    }

    /// Goes on with the connections for which a step was done.
    pub(super) fn take_steps(&mut self) {
        while let Some(done) = self.handshakes.as_ref().and_then(Handshakes::next_done) {
            self.front.step_done(done);
        }
    }
}
