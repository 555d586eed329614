//! Taking connections.

use core::net::IpAddr;
use core::time::Duration;
use std::io::{self, Write as _};
use std::net::Shutdown;
use std::time::Instant;

use mio::net::{TcpListener, TcpStream};

use crate::server::Event;
use crate::server::admission::Refused;
use crate::server::sink::EventSink;

/// How many connections are taken before those that are open have their turn.
const IN_A_ROW: usize = 64;
/// How long to wait when the system refuses, as it does when it has no file handle left.
const PAUSE: Duration = Duration::from_millis(100);

/// The listener, with what is known of it.
#[derive(Debug)]
pub(super) struct Acceptor {
    listener: TcpListener,
    state: State,
    in_a_row: usize,
    /// Whether the operator was told that no connection can be taken.
    told: bool,
    failures: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ready,
    Blocked,
    Paused(Instant),
}

impl Acceptor {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self { listener, state: State::Ready, in_a_row: 0, told: false, failures: 0 }
    }

    /// Somebody wants to connect.
    pub(super) fn ready(&mut self) {
        if self.state == State::Blocked {
            self.state = State::Ready;
        }
    }

    /// How long nothing can be taken; `None`: until the system tells of somebody.
    pub(super) fn timeout(&self) -> Option<Duration> {
        match self.state {
            State::Ready => Some(Duration::ZERO),
            State::Blocked => None,
            State::Paused(until) => Some(until.saturating_duration_since(Instant::now())),
        }
    }

    /// How often the system gave none.
    pub(super) fn failures(&self) -> u64 {
        self.failures
    }

    /// The next connection, unless others should have their turn.
    pub(super) fn next(&mut self, sink: &EventSink) -> Option<(TcpStream, IpAddr)> {
        match self.state {
            State::Blocked => return None,
            State::Paused(until) if Instant::now() < until => return None,
            State::Paused(_) => self.state = State::Ready,
            State::Ready if self.in_a_row == IN_A_ROW => {
                self.in_a_row = 0;
                return None;
            }
            State::Ready => {}
        }
        loop {
            match self.listener.accept() {
                Ok((stream, peer)) => {
                    self.in_a_row += 1;
                    self.told = false;
                    return Some((stream, peer.ip().to_canonical()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.state = State::Blocked,
                Err(error) if is_of_the_peer(error.kind()) => continue,
                Err(error) => {
                    self.failures += 1;
                    self.state = State::Paused(Instant::now() + PAUSE);
                    if !core::mem::replace(&mut self.told, true) {
                        sink.tell([Event::trouble("accepting connections", &error)]);
                    }
                }
            }
            self.in_a_row = 0;
            return None;
        }
    }
}

/// Whether it concerns one connection alone, which is gone already.
fn is_of_the_peer(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

/// Says why, and closes. It waits for nothing: a peer that is too many costs nothing more.
pub(super) fn turn_away(mut stream: TcpStream, why: Refused) {
    let mut line = Vec::new();
    why.bye().append_to(&mut line);
    if stream.write_all(&line).is_ok() {
        let _ = stream.shutdown(Shutdown::Write);
    }
}
