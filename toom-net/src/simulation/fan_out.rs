//! One message after another for many peers, with nothing in the way: what a delivery costs the server, without its system calls.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, IoSlice, Read, Write};
use std::net::Ipv4Addr;
use std::rc::Rc;

use toom_core::{Config, Epoch, MemoryStorage, Mono, Now, Secret, StorageError, Timestamp, UserName};

use crate::server::stepped::{Happened, Stepped, Wire};
use crate::server::{Rate, ServerLimits};

/// One server, and peers that take all bytes at once. The first of them posts, and all others are told.
#[derive(Debug)]
pub struct FanOut {
    server: Stepped<MemoryStorage, End>,
    now: Now,
    peers: Vec<Peer>,
    text: String,
}

#[derive(Debug)]
struct Peer {
    slot: usize,
    line: Rc<RefCell<Line>>,
}

/// What goes between a peer and the server.
#[derive(Debug, Default)]
struct Line {
    sent: VecDeque<u8>,
    told: u64,
}

/// The server's end of a line.
#[derive(Debug)]
struct End(Rc<RefCell<Line>>);

impl FanOut {
    /// A server with an empty history in memory, and `peers` sessions of as many users.
    ///
    /// # Errors
    /// [`StorageError`]: none, in memory.
    pub fn new(peers: u32) -> Result<Self, StorageError> {
        let count = usize::try_from(peers).unwrap_or(usize::MAX);
        let limits =
            ServerLimits { connections_max: count, posts: Rate::UNBOUNDED, ..ServerLimits::default() };
        let now = Now { wall: Timestamp::MIN, mono: Mono::ZERO };
        let accounts = (0..peers).filter_map(|number| Some((name(number)?, Secret::plain("pw").ok()?)));
        let storage = MemoryStorage::new(Epoch::new(1));
        let server = Stepped::start(storage, Config::default(), limits, accounts.collect(), now)?;
        let mut fan_out = Self { server, now, peers: Vec::new(), text: "x".repeat(100) };
        for number in 0..peers {
            fan_out.log_in(number);
        }
        Ok(fan_out)
    }

    fn log_in(&mut self, number: u32) {
        let line = Rc::new(RefCell::new(Line::default()));
        let mut slot = None;
        self.server.connect(End(Rc::clone(&line)), Ipv4Addr::LOCALHOST.into(), self.now.mono, |place| {
            slot = Some(place);
        });
        if let Some(slot) = slot {
            self.peers.push(Peer { slot, line });
            self.send(self.peers.len() - 1, &format!("LOGIN user{number} pw\n"));
            self.settle();
        }
    }

    /// The first peer posts so many messages of 100 bytes, `window` in a turn of the server, and all others are told of each.
    pub fn post(&mut self, messages: u32, window: u32) {
        let line = format!("BCM {}\n", self.text);
        let mut left = messages;
        while left > 0 {
            let now = left.min(window.max(1));
            self.send(0, &line.repeat(usize::try_from(now).unwrap_or(usize::MAX)));
            self.settle();
            left -= now;
        }
    }

    /// How many bytes each peer was told so far.
    #[must_use]
    pub fn told(&self) -> Vec<u64> {
        self.peers.iter().map(|peer| peer.line.borrow().told).collect()
    }

    fn send(&mut self, peer: usize, text: &str) {
        if let Some(peer) = self.peers.get(peer) {
            peer.line.borrow_mut().sent.extend(text.bytes());
            self.server.happened(peer.slot, Happened { readable: true, ..Happened::default() });
        }
    }

    /// Goes on until there is nothing to do.
    fn settle(&mut self) {
        loop {
            self.server.pass(usize::MAX, self.now.mono);
            let turned = self.server.turn(usize::MAX, self.now);
            let checked = self.server.check(0).is_some();
            let waiting = self.server.waiting(self.now.mono);
            if turned.taken == 0 && !checked && !waiting.turns && !waiting.passes {
                return;
            }
        }
    }
}

fn name(number: u32) -> Option<UserName> {
    UserName::parse(&format!("user{number}")).ok()
}

impl Read for End {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut line = self.0.borrow_mut();
        if line.sent.is_empty() { Err(io::ErrorKind::WouldBlock.into()) } else { line.sent.read(buffer) }
    }
}

impl Write for End {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().told += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        slices.iter().map(|slice| self.write(slice)).sum()
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Wire for End {
    fn end_output(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_peer_but_the_one_that_posts_is_told_of_every_message_however_many_are_posted_at_once() {
        for window in [1, 16] {
            let mut fan_out = FanOut::new(20).unwrap();
            let before = fan_out.told();
            assert_eq!(before.len(), 20);
            fan_out.post(50, window);
            let told: Vec<_> =
                fan_out.told().iter().zip(&before).map(|(after, before)| after - before).collect();
            let [poster, receivers @ ..] = &told[..] else { panic!("there are some") };
            assert!(*poster > 0 && *poster < 50 * 100, "{told:?}: it is told the numbers alone");
            assert!(receivers.iter().all(|told| *told == receivers[0] && *told > 50 * 100), "{told:?}");
        }
    }
}
