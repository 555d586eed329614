//! One peer's socket, which never blocks.

use core::net::IpAddr;
use std::io::{self, IoSlice, Read as _, Write as _};
use std::net::Shutdown;

use mio::event::Event;
use mio::net::TcpStream;

use crate::server::outbox::Outbox;

/// How many pieces one system call writes at most: what Linux takes (`IOV_MAX`). The more messages are due, the fewer calls each costs.
const PIECES_MAX: usize = 1024;

/// A socket, with what is known of it since it was last tried: it is tried only when that may bring something.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    ip: IpAddr,
    input: Input,
    /// Whether the peer was heard to send no more: then it is read to the end.
    read_closed: bool,
    writable: bool,
    draining: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    Ready,
    Blocked,
    Ended,
}

/// What reading came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    Bytes(usize),
    Blocked,
    /// The peer sends no more.
    End,
    Failed,
}

/// What writing came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    Bytes(usize),
    Blocked,
    Failed,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, ip: IpAddr) -> Self {
        // Lines are short and awaited. Where it cannot be set they come later, but they come.
        let _ = stream.set_nodelay(true);
        Self { stream, ip, input: Input::Ready, read_closed: false, writable: true, draining: false }
    }

    pub(super) fn ip(&self) -> IpAddr {
        self.ip
    }

    /// Takes note of what the system tells.
    pub(super) fn note(&mut self, event: &Event) {
        self.read_closed |= event.is_read_closed();
        self.writable |= event.is_writable();
        if self.input == Input::Blocked && (event.is_readable() || event.is_read_closed()) {
            self.input = Input::Ready;
        }
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Read {
        match self.input {
            Input::Ready => {}
            Input::Blocked => return Read::Blocked,
            Input::Ended => return Read::End,
        }
        loop {
            match self.stream.read(buffer) {
                Ok(0) => {
                    self.input = Input::Ended;
                    return Read::End;
                }
                Ok(bytes) => {
                    if bytes < buffer.len() && !self.read_closed {
                        // All there was. More to come is told of anew.
                        self.input = Input::Blocked;
                    }
                    return Read::Bytes(bytes);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.input = Input::Blocked;
                    return Read::Blocked;
                }
                Err(_) => return Read::Failed,
            }
        }
    }

    /// Writes as much of `outbox` as the system takes by one call.
    pub(super) fn write(&mut self, outbox: &Outbox) -> Written {
        if outbox.is_empty() {
            return Written::Bytes(0);
        }
        if !self.writable {
            return Written::Blocked;
        }
        let slices: Vec<_> = outbox.pieces().take(PIECES_MAX).map(IoSlice::new).collect();
        loop {
            match self.stream.write_vectored(&slices) {
                Ok(bytes) => return Written::Bytes(bytes),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.writable = false;
                    return Written::Blocked;
                }
                Err(_) => return Written::Failed,
            }
        }
    }

    /// Ends the stream to the peer, and says whether the peer may still be sending. What it sends is read and dropped: closing
    /// with bytes unread would make the system throw away what the peer has not taken yet.
    pub(super) fn end_output(&mut self) -> bool {
        self.draining = true;
        self.stream.shutdown(Shutdown::Write).is_ok() && self.input != Input::Ended
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining
    }
}
