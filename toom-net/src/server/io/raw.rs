//! One peer's socket, which never blocks.

use std::io::{self, IoSlice, Read as _, Write as _};
use std::net::Shutdown;

use mio::event::Event;
use mio::net::TcpStream;

/// A socket, with what is known of it since it was last tried: it is tried only when that may bring something.
#[derive(Debug)]
pub(super) struct Raw {
    stream: TcpStream,
    input: Input,
    /// Whether the peer was heard to send no more: then it is read to the end.
    read_closed: bool,
    writable: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    Ready,
    Blocked,
    Ended,
}

/// What reading came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Got {
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

impl Raw {
    pub(super) fn new(stream: TcpStream) -> Self {
        // Lines are short and awaited. Where it cannot be set they come later, but they come.
        let _ = stream.set_nodelay(true);
        Self { stream, input: Input::Ready, read_closed: false, writable: true }
    }

    /// Takes note of what the system tells.
    pub(super) fn note(&mut self, event: &Event) {
        self.read_closed |= event.is_read_closed();
        self.writable |= event.is_writable();
        if self.input == Input::Blocked && (event.is_readable() || event.is_read_closed()) {
            self.input = Input::Ready;
        }
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Got {
        match self.input {
            Input::Ready => {}
            Input::Blocked => return Got::Blocked,
            Input::Ended => return Got::End,
        }
        loop {
            match self.stream.read(buffer) {
                Ok(0) => {
                    self.input = Input::Ended;
                    return Got::End;
                }
                Ok(bytes) => {
                    if bytes < buffer.len() && !self.read_closed {
                        // All there was. More to come is told of anew.
                        self.input = Input::Blocked;
                    }
                    return Got::Bytes(bytes);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.input = Input::Blocked;
                    return Got::Blocked;
                }
                Err(_) => return Got::Failed,
            }
        }
    }

    /// Writes as much of `slices` as the system takes by one call.
    pub(super) fn write(&mut self, slices: &[IoSlice<'_>]) -> Written {
        if !self.writable {
            return Written::Blocked;
        }
        loop {
            // For one piece `send` costs the system a tenth less than `writev`.
            let written = match slices {
                [one] => self.stream.write(one),
                _ => self.stream.write_vectored(slices),
            };
            match written {
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

    /// Sends no more, and says whether the peer may still be sending.
    pub(super) fn end_output(&mut self) -> bool {
        self.stream.shutdown(Shutdown::Write).is_ok() && self.input != Input::Ended
    }

    /// Takes what the peer still sends for nothing.
    #[cfg(feature = "tls")]
    pub(super) fn end_input(&mut self) {
        self.input = Input::Ended;
    }
}
