//! One peer's connection: its socket, and TLS between that and the lines, or nothing.

use core::fmt;
use core::net::IpAddr;
use std::io::IoSlice;

use super::raw::{Got, Happened, Raw, Wire, Written};
#[cfg(feature = "tls")]
use super::secured::{self, Secured};
#[cfg(feature = "tls")]
use crate::server::channel::Channel;
use crate::server::outbox::Outbox;

/// How many pieces one system call writes at most: what Linux takes (`IOV_MAX`). The more messages are due, the fewer calls each costs.
const PIECES_MAX: usize = 1024;
/// How many bytes are read at once: a few lines of the longest kind.
const READ_BYTES: usize = 32 * 1024;

#[derive(Debug)]
pub(in crate::server) struct Socket<W> {
    raw: Raw<W>,
    ip: IpAddr,
    layer: Layer,
    draining: bool,
}

#[derive(Debug)]
pub(in crate::server) enum Layer {
    Plain,
    #[cfg(feature = "tls")]
    Tls(Secured),
}

/// Memory that all connections use in turn.
pub(super) struct Scratch {
    read: Box<[u8]>,
    #[cfg(feature = "tls")]
    tls: secured::Scratch,
}

/// What reading came to.
pub(super) enum Read<'a> {
    /// What the peer sent. It may be nothing yet: try again.
    Bytes(&'a mut [u8]),
    Blocked,
    /// The peer sends no more.
    End,
    Failed,
    /// A step of the handshake is due, which takes too long here. Nothing is read until the channel is back.
    #[cfg(feature = "tls")]
    Shake(Box<Channel>),
}

/// Whether a stream has an end now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// It has, and the peer may still be sending.
    Half,
    /// It has on both sides.
    Whole,
    /// What comes before the end is not taken yet. Try again when the system takes more.
    #[cfg(feature = "tls")]
    NotYet,
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scratch(..)")
    }
}

impl Scratch {
    pub(super) fn new() -> Self {
        Self {
            read: vec![0; READ_BYTES].into(),
            #[cfg(feature = "tls")]
            tls: secured::Scratch::default(),
        }
    }
}

impl<W: Wire> Socket<W> {
    pub(in crate::server) fn new(wire: W, ip: IpAddr, layer: Layer) -> Self {
        Self { raw: Raw::new(wire), ip, layer, draining: false }
    }

    pub(super) fn ip(&self) -> IpAddr {
        self.ip
    }

    /// Takes note of what happened.
    pub(super) fn note(&mut self, what: Happened) {
        self.raw.note(what);
    }

    /// Reads at most `room` bytes from the system by one call.
    pub(super) fn read<'a>(&mut self, scratch: &'a mut Scratch, room: usize) -> Read<'a> {
        let room = room.min(READ_BYTES);
        let buffer = scratch.read.get_mut(..room).unwrap_or_default();
        #[cfg(feature = "tls")]
        if let Layer::Tls(secured) = &mut self.layer
            && !self.draining
        {
            return secured.read(&mut self.raw, buffer, &mut scratch.tls);
        }
        match self.raw.read(buffer) {
            Got::Bytes(bytes) => Read::Bytes(scratch.read.get_mut(..bytes).unwrap_or_default()),
            Got::Blocked => Read::Blocked,
            Got::End => Read::End,
            Got::Failed => Read::Failed,
        }
    }

    /// Writes as much of `outbox` as the system takes by one call, and says how much of it the system now has.
    #[cfg_attr(
        not(feature = "tls"),
        expect(unused_variables, reason = "plain bytes are written from where they are")
    )]
    pub(super) fn write(&mut self, outbox: &Outbox, scratch: &mut Scratch) -> Written {
        #[cfg(feature = "tls")]
        if let Layer::Tls(secured) = &mut self.layer {
            return secured.write(&mut self.raw, outbox, &mut scratch.tls);
        }
        if outbox.is_empty() {
            return Written::Bytes(0);
        }
        let mut slices = outbox.pieces().take(PIECES_MAX).map(IoSlice::new);
        match (slices.next(), slices.next()) {
            (Some(one), None) => self.raw.write(&[one]),
            (one, two) => self.raw.write(&one.into_iter().chain(two).chain(slices).collect::<Vec<_>>()),
        }
    }

    /// Ends the stream to the peer. What it still sends is read and dropped: closing with bytes unread would make the system throw
    /// away what the peer has not taken yet.
    pub(super) fn end_output(&mut self) -> Ended {
        #[cfg(feature = "tls")]
        if let Layer::Tls(secured) = &mut self.layer
            && secured.say_end(&mut self.raw) == Written::Blocked
        {
            return Ended::NotYet;
        }
        self.draining = true;
        if self.raw.end_output() { Ended::Half } else { Ended::Whole }
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining
    }

    /// How much was received that is not among the lines yet.
    pub(super) fn kept_bytes(&self) -> usize {
        match &self.layer {
            Layer::Plain => 0,
            #[cfg(feature = "tls")]
            Layer::Tls(secured) => secured.kept_bytes(),
        }
    }

    /// Whether nothing can be said to the peer yet.
    pub(super) fn is_shaking_hands(&self) -> bool {
        match &self.layer {
            Layer::Plain => false,
            #[cfg(feature = "tls")]
            Layer::Tls(secured) => !secured.is_open(),
        }
    }

    /// Takes a channel back after a step of the handshake.
    #[cfg(feature = "tls")]
    pub(super) fn take_back(&mut self, channel: Box<Channel>) {
        if let Layer::Tls(secured) = &mut self.layer {
            secured.take_back(channel);
        }
    }

    /// Tells the peer, if it can be told at once, why TLS with it came to nothing. The connection is to be dropped then.
    #[cfg(feature = "tls")]
    pub(super) fn say_failure(&mut self, mut channel: Channel) {
        let _ = secured::flush(&mut self.raw, &mut channel);
        let _ = self.raw.end_output();
    }
}
