//! A connection to the server, over TLS or not.

use std::io::{self, Read, Write};

use rustls::{ClientConnection, Stream as Tls};

/// A socket, and TLS over it where the server speaks it.
#[derive(Debug)]
pub(super) struct Stream<S> {
    pub(super) socket: S,
    tls: Option<Box<ClientConnection>>,
}

impl<S> Stream<S> {
    pub(super) fn new(socket: S, tls: Option<ClientConnection>) -> Self {
        Self { socket, tls: tls.map(Box::new) }
    }

    /// The same connection with another kind of socket.
    pub(super) fn try_map<T>(self, change: impl FnOnce(S) -> io::Result<T>) -> io::Result<Stream<T>> {
        Ok(Stream { socket: change(self.socket)?, tls: self.tls })
    }

    /// Whether a read that did not fill its buffer took all there was. With TLS more may lie there decrypted.
    pub(super) fn short_read_is_all(&self) -> bool {
        self.tls.is_none()
    }
}

impl<S: Read + Write> Read for Stream<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.tls {
            None => self.socket.read(buffer),
            Some(tls) => Tls::new(&mut **tls, &mut self.socket).read(buffer),
        }
    }
}

impl<S: Read + Write> Write for Stream<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.tls {
            None => self.socket.write(bytes),
            Some(tls) => Tls::new(&mut **tls, &mut self.socket).write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.tls {
            None => self.socket.flush(),
            Some(tls) => Tls::new(&mut **tls, &mut self.socket).flush(),
        }
    }
}
