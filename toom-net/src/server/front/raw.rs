//! What carries one peer's bytes, and never blocks.

use std::io::{self, IoSlice, Read, Write};

/// Carries the bytes of one peer. It says [`WouldBlock`](io::ErrorKind::WouldBlock) where it would have to wait, and who has it is told
/// when it would not any more.
pub(crate) trait Wire: Read + Write {
    /// Sends no more.
    fn end_output(&mut self) -> io::Result<()>;
}

/// What may be tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Happened {
    pub(crate) readable: bool,
    pub(crate) read_closed: bool,
    pub(crate) writable: bool,
}

/// A wire, with what is known of it since it was last tried: it is tried only when that may bring something.
#[derive(Debug)]
pub(super) struct Raw<W> {
    wire: W,
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

impl<W: Wire> Raw<W> {
    pub(super) fn new(wire: W) -> Self {
        Self { wire, input: Input::Ready, read_closed: false, writable: true }
    }

    /// Takes note of what happened.
    pub(super) fn note(&mut self, what: Happened) {
        self.read_closed |= what.read_closed;
        self.writable |= what.writable;
        if self.input == Input::Blocked && (what.readable || what.read_closed) {
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
            match self.wire.read(buffer) {
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
                [one] => self.wire.write(one),
                _ => self.wire.write_vectored(slices),
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
        self.wire.end_output().is_ok() && self.input != Input::Ended
    }

    /// Takes what the peer still sends for nothing.
    #[cfg(feature = "tls")]
    pub(super) fn end_input(&mut self) {
        self.input = Input::Ended;
    }
}
