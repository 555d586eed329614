//! A peer's connection, which never blocks the one thread of the load.

use core::time::Duration;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};

use mio::net::TcpStream;
use socket2::{Domain, Socket, Type};

use super::super::LoadError;
use super::super::scan::Scanner;

/// How long a connection may take: it is to this machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// How a peer connects.
#[derive(Clone, Copy, Debug)]
pub(super) struct Approach {
    /// The address it comes from, one of 127/8.
    pub(super) source: Ipv4Addr,
    /// How many bytes the system takes for it while it does not read; `None`: as many as it likes.
    pub(super) buffer_bytes: Option<usize>,
    /// Whether it means to log in.
    pub(super) logs_in: bool,
}

impl Approach {
    /// Of somebody who means to log in.
    pub(super) const GUEST: Self = Self { source: Ipv4Addr::LOCALHOST, buffer_bytes: None, logs_in: true };
}

/// Whether more may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Open,
    Closed,
}

/// A socket with the line that is not complete yet.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) socket: TcpStream,
    scanner: Scanner,
}

impl Link {
    pub(super) fn connect(server: SocketAddr, approach: Approach) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        if approach.source != Ipv4Addr::LOCALHOST {
            socket.bind(&SocketAddr::from((approach.source, 0)).into())?;
        }
        if let Some(bytes) = approach.buffer_bytes {
            socket.set_recv_buffer_size(bytes)?;
        }
        socket.connect_timeout(&server.into(), PATIENCE)?;
        socket.set_tcp_nodelay(true)?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket: TcpStream::from_std(socket.into()), scanner: Scanner::default() })
    }

    /// Reads all there is by way of `buffer`.
    pub(super) fn read(
        &mut self,
        buffer: &mut [u8],
        mut each: impl FnMut(&[u8]) -> Result<(), LoadError>,
    ) -> Result<Flow, LoadError> {
        loop {
            let read = match self.socket.read(buffer) {
                Ok(0) => return Ok(Flow::Closed),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Flow::Open),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return Ok(Flow::Closed),
            };
            // Read on though the buffer is not full: the end of the connection may stand behind, and is told once.
            self.scanner.feed(buffer.get(..read).unwrap_or_default(), &mut each)?;
        }
    }

    /// Writes as much of `out` as the system takes. What nobody takes any more is told by the next read.
    pub(super) fn flush(&mut self, out: &mut Vec<u8>) {
        while !out.is_empty() {
            match self.socket.write(out) {
                Ok(written) if written > 0 => drop(out.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                _ => out.clear(),
            }
        }
    }
}
