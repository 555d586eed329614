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
                Err(error) => self.pause(&error, sink),
            }
            self.in_a_row = 0;
            return None;
        }
    }

    /// The system refuses: it is asked again later, and the operator is told once until it gives a connection again.
    fn pause(&mut self, error: &io::Error, sink: &EventSink) {
        self.failures += 1;
        self.state = State::Paused(Instant::now() + PAUSE);
        if !core::mem::replace(&mut self.told, true) {
            sink.tell([Event::trouble("accepting connections", error)]);
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

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    const LONG: Duration = Duration::from_hours(1);

    fn acceptor() -> (Acceptor, std::net::SocketAddr, EventSink, Receiver<bool>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, told) = channel();
        let sink = EventSink::new(move |event| tell.send(event.is_trouble()).unwrap());
        (Acceptor::new(listener), address, sink, told)
    }

    /// Takes one that is about to come, if it takes any.
    fn take(acceptor: &mut Acceptor, sink: &EventSink) -> Option<(TcpStream, IpAddr)> {
        let begun = Instant::now();
        while begun.elapsed() < LONG {
            let taken = acceptor.next(sink);
            if taken.is_some() || acceptor.state != State::Blocked {
                return taken;
            }
            acceptor.ready();
        }
        None
    }

    #[test]
    fn where_nobody_waits_the_system_is_asked_again_when_it_tells_of_somebody() {
        let (mut acceptor, address, sink, _told) = acceptor();
        assert_eq!(acceptor.timeout(), Some(Duration::ZERO));
        assert!(acceptor.next(&sink).is_none());
        assert_eq!(acceptor.timeout(), None);
        let _peer = std::net::TcpStream::connect(address).unwrap();
        assert!(acceptor.next(&sink).is_none(), "it was not told");
        acceptor.ready();
        assert_eq!(take(&mut acceptor, &sink).unwrap().1, IpAddr::from(Ipv4Addr::LOCALHOST));
    }

    #[test]
    fn after_many_in_a_row_the_others_have_their_turn_once() {
        let (mut acceptor, address, sink, _told) = acceptor();
        let connect = || std::net::TcpStream::connect(address).unwrap();
        let mut open = Vec::new();
        for _ in 0..IN_A_ROW {
            open.push((connect(), take(&mut acceptor, &sink).unwrap()));
            // As if they had come at once: nothing was tried in vain between them.
            acceptor.in_a_row = open.len();
        }
        let _one_more = connect();
        assert!(acceptor.next(&sink).is_none());
        assert_eq!((acceptor.timeout(), acceptor.in_a_row), (Some(Duration::ZERO), 0));
        assert!(take(&mut acceptor, &sink).is_some());
        assert_eq!(acceptor.in_a_row, 1);
    }

    #[test]
    fn a_system_that_refuses_is_asked_again_after_a_pause_and_that_is_told_once() {
        let (mut acceptor, address, sink, told) = acceptor();
        let _peer = std::net::TcpStream::connect(address).unwrap();
        for failures in 1..=2 {
            acceptor.pause(&io::ErrorKind::OutOfMemory.into(), &sink);
            assert_eq!(acceptor.failures(), failures);
        }
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [true]);
        acceptor.state = State::Paused(Instant::now() + LONG);
        assert!(acceptor.next(&sink).is_none());
        assert!(acceptor.timeout() > Some(LONG / 2));
        acceptor.state = State::Paused(Instant::now());
        assert!(take(&mut acceptor, &sink).is_some());
        acceptor.pause(&io::ErrorKind::OutOfMemory.into(), &sink);
        assert_eq!(told.try_iter().count(), 1, "once more, for there was one between");
    }

    #[test]
    fn a_peer_that_is_gone_already_is_no_trouble_of_the_servers() {
        use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, OutOfMemory, WouldBlock};
        for (kind, of_the_peer) in [
            (Interrupted, true),
            (ConnectionAborted, true),
            (ConnectionReset, true),
            (OutOfMemory, false),
            (WouldBlock, false),
        ] {
            assert_eq!(is_of_the_peer(kind), of_the_peer, "{kind:?}");
        }
    }
}
