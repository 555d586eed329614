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

#[cfg(test)]
mod tests {
    use io::ErrorKind::{ConnectionReset, Interrupted, WouldBlock};

    use super::super::script::Script;
    use super::*;

    const READABLE: Happened = Happened { readable: true, read_closed: false, writable: false };
    const READ_CLOSED: Happened = Happened { readable: false, read_closed: true, writable: false };
    const WRITABLE: Happened = Happened { readable: false, read_closed: false, writable: true };

    fn raw() -> (Raw<Script>, Script) {
        let script = Script::default();
        (Raw::new(script.clone()), script)
    }

    #[test]
    fn a_call_that_a_signal_broke_off_is_made_again() {
        let (mut raw, script) = raw();
        script.bring(Err(Interrupted));
        script.bring(Ok("PING"));
        assert_eq!(raw.read(&mut [0; 4]), Got::Bytes(4));
        script.allow(Err(Interrupted));
        assert_eq!(raw.write(&[IoSlice::new(b"OK")]), Written::Bytes(2));
        assert_eq!((script.tries(), script.taken().as_str()), (4, "OK"));
    }

    #[test]
    fn a_wire_that_brings_nothing_is_left_alone_until_something_happened() {
        let (mut raw, script) = raw();
        script.bring(Err(WouldBlock));
        assert_eq!([(); 2].map(|()| raw.read(&mut [0; 9])), [Got::Blocked; 2]);
        raw.note(WRITABLE);
        assert_eq!((raw.read(&mut [0; 9]), script.tries()), (Got::Blocked, 1));
        // What fills the buffer may not have been all, and what does not was.
        script.bring(Ok("123456789abc"));
        raw.note(READABLE);
        assert_eq!([(); 3].map(|()| raw.read(&mut [0; 9])), [Got::Bytes(9), Got::Bytes(3), Got::Blocked]);
        assert_eq!(script.tries(), 2);
    }

    #[test]
    fn who_was_heard_to_send_no_more_is_read_to_the_end() {
        let (mut raw, script) = raw();
        for read in ["12", "3", ""] {
            script.bring(Ok(read));
        }
        raw.note(READ_CLOSED);
        raw.note(READABLE);
        assert_eq!(
            [(); 4].map(|()| raw.read(&mut [0; 9])),
            [Got::Bytes(2), Got::Bytes(1), Got::End, Got::End]
        );
        assert!(!raw.end_output(), "it has ended on both sides");
        assert!(script.has_ended());
    }

    #[test]
    fn a_wire_that_takes_nothing_is_left_alone_until_something_happened() {
        let (mut raw, script) = raw();
        script.allow(Err(WouldBlock));
        let pieces = [IoSlice::new(b"OK "), IoSlice::new(b"PING")];
        assert_eq!([(); 2].map(|()| raw.write(&pieces)), [Written::Blocked; 2]);
        raw.note(READABLE);
        assert_eq!((raw.write(&pieces), script.tries()), (Written::Blocked, 1));
        raw.note(WRITABLE);
        raw.note(READABLE);
        script.allow(Ok(2));
        assert_eq!((raw.write(&pieces), script.taken().as_str()), (Written::Bytes(2), "OK"));
    }

    #[test]
    fn a_wire_that_fails_has_failed() {
        let (mut raw, script) = raw();
        script.bring(Err(ConnectionReset));
        script.allow(Err(ConnectionReset));
        assert_eq!(raw.read(&mut [0; 9]), Got::Failed);
        assert_eq!(raw.write(&[IoSlice::new(b"OK")]), Written::Failed);
        assert!(raw.end_output(), "the peer may still be sending");
    }
}
