//! TLS between a socket and the lines.

use core::fmt;
use std::io::IoSlice;

use super::raw::{Got, Raw, Wire, Written};
use super::socket::Read;
use crate::server::channel::{Channel, PLAIN_BYTES_MAX, TlsFailed};
use crate::server::outbox::Outbox;

/// A connection's TLS. While a step of its handshake is done elsewhere, it is not here.
#[derive(Debug)]
pub(in crate::server) struct Secured {
    channel: Option<Box<Channel>>,
    /// How much of the outbox is in records that the system has not taken.
    sealed: usize,
}

/// Memory that all connections use in turn.
#[derive(Default)]
pub(super) struct Scratch {
    /// Records as they came, the rest of what came before them first.
    records: Vec<u8>,
    plain: Vec<u8>,
    /// Records to be written.
    sealed: Vec<u8>,
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scratch(..)")
    }
}

impl Secured {
    pub(in crate::server) fn new(channel: Channel) -> Self {
        Self { channel: Some(Box::new(channel)), sealed: 0 }
    }

    pub(super) fn is_open(&self) -> bool {
        self.channel.as_ref().is_some_and(|channel| channel.is_open())
    }

    /// How much was received and is no whole record.
    pub(super) fn kept_bytes(&self) -> usize {
        self.channel.as_ref().map_or(0, |channel| channel.kept_bytes())
    }

    pub(super) fn take_back(&mut self, channel: Box<Channel>) {
        self.channel = Some(channel);
    }

    pub(super) fn read<'a, W: Wire>(
        &mut self,
        raw: &mut Raw<W>,
        buffer: &mut [u8],
        scratch: &'a mut Scratch,
    ) -> Read<'a> {
        let Some(channel) = &mut self.channel else { return Read::Blocked };
        let Scratch { records, plain, .. } = scratch;
        plain.clear();
        if !channel.is_open() {
            return match raw.read(channel.room(buffer)) {
                Got::Bytes(bytes) => {
                    channel.keep(buffer.get(..bytes).unwrap_or_default());
                    self.channel.take().map_or(Read::Blocked, Read::Shake)
                }
                Got::Blocked => Read::Blocked,
                Got::End | Got::Failed => Read::Failed,
            };
        }
        channel.take_early(plain);
        if plain.is_empty() {
            match raw.read(buffer) {
                Got::Bytes(bytes) => {
                    let opened = channel.open(buffer.get(..bytes).unwrap_or_default(), records, plain);
                    if opened.is_err() {
                        let _ = flush(raw, channel);
                        return Read::Failed;
                    }
                }
                Got::Blocked => return Read::Blocked,
                Got::End => return Read::End,
                Got::Failed => return Read::Failed,
            }
        }
        if channel.peer_has_ended() {
            raw.end_input();
        }
        Read::Bytes(plain)
    }

    pub(super) fn write<W: Wire>(
        &mut self,
        raw: &mut Raw<W>,
        outbox: &Outbox,
        scratch: &mut Scratch,
    ) -> Written {
        let Some(channel) = &mut self.channel else { return Written::Blocked };
        if channel.sealed().is_empty() && !outbox.is_empty() {
            if !channel.is_open() {
                return Written::Blocked;
            }
            gather(outbox, &mut scratch.plain);
            if channel.seal(&scratch.plain, &mut scratch.sealed).is_err() {
                return Written::Failed;
            }
            self.sealed = scratch.plain.len();
        }
        match flush(raw, channel) {
            Written::Bytes(_) => {
                channel.give_back(&mut scratch.sealed);
                Written::Bytes(core::mem::take(&mut self.sealed))
            }
            stopped => stopped,
        }
    }

    /// Says that nothing more will come, so that the peer can tell the end from a cut.
    pub(super) fn say_end<W: Wire>(&mut self, raw: &mut Raw<W>) -> Written {
        let Some(channel) = &mut self.channel else { return Written::Failed };
        match channel.seal_end() {
            Ok(()) => flush(raw, channel),
            Err(TlsFailed) => Written::Failed,
        }
    }
}

/// One record's worth of what waits. The messages that peers share are copied here, beside which the encryption weighs far more.
fn gather(outbox: &Outbox, plain: &mut Vec<u8>) {
    plain.clear();
    for piece in outbox.pieces() {
        let room = PLAIN_BYTES_MAX - plain.len();
        match piece.get(..room) {
            Some(fits) => return plain.extend_from_slice(fits),
            None => plain.extend_from_slice(piece),
        }
    }
}

/// Writes the records that wait.
pub(super) fn flush<W: Wire>(raw: &mut Raw<W>, channel: &mut Channel) -> Written {
    let (taken, written) = put(raw, channel.sealed());
    channel.sent(taken);
    written
}

/// Writes until everything is taken or the system takes no more, and says how much it took.
fn put<W: Wire>(raw: &mut Raw<W>, bytes: &[u8]) -> (usize, Written) {
    let mut taken = 0;
    while let Some(rest) = bytes.get(taken..).filter(|rest| !rest.is_empty()) {
        match raw.write(&[IoSlice::new(rest)]) {
            Written::Bytes(bytes) => taken += bytes,
            stopped => return (taken, stopped),
        }
    }
    (taken, Written::Bytes(taken))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_takes_what_waits_up_to_its_bound() {
        let mut outbox = Outbox::default();
        let mut plain = b"before".to_vec();
        for (bytes, gathered) in
            [(9_000, 9_000), (7_000, 16_000), (9_000, PLAIN_BYTES_MAX), (1, PLAIN_BYTES_MAX)]
        {
            outbox.push(vec![b'x'; bytes]);
            gather(&outbox, &mut plain);
            assert_eq!(plain.len(), gathered);
        }
    }
}
