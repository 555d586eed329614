//! The load's ends of the connections.

use core::time::Duration;
use std::io::{self, Read as _, Write as _};

use mio::net::TcpStream;

use super::dialect::Dialect;
use super::scan::{Line, Scanner};
use super::stream::Stream;
use super::{Lag, LoadError};

/// A socket that never blocks, with the line that is not complete yet.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Stream<TcpStream>,
    dialect: Dialect,
    scanner: Scanner,
}

impl Wire {
    pub(super) fn new(stream: Stream<TcpStream>, dialect: Dialect) -> Self {
        Self { stream, dialect, scanner: Scanner::default() }
    }

    /// Reads all there is by way of `buffer`; `before` is called for every piece, `each` for every line.
    fn read<T>(
        &mut self,
        buffer: &mut [u8],
        before: impl Fn() -> T,
        mut each: impl FnMut(Line<'_>, &T) -> Result<(), LoadError>,
    ) -> Result<(), LoadError> {
        loop {
            let read = match self.stream.read(buffer) {
                Ok(0) => return Err(LoadError::Closed),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(LoadError::System { doing: "reading from the server", error }),
            };
            let at = before();
            let bytes = buffer.get(..read).unwrap_or_default();
            let dialect = self.dialect;
            self.scanner.feed(bytes, |line| each(dialect.parse(line), &at))?;
            if read < buffer.len() && self.stream.short_read_is_all() {
                return Ok(());
            }
        }
    }
}

/// Takes every message, and checks its number.
#[derive(Debug)]
pub(super) struct Receiver {
    pub(super) wire: Wire,
    pub(super) index: usize,
    pub(super) next: Expected,
    /// Whether the delays of its messages are taken down.
    pub(super) sampled: bool,
}

/// What has to come next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// The message with this number.
    Number(u64),
    /// Where messages bear no numbers: of each poster, the one with this sequence. Those of poster `i` of `n` are `i`, `i + n`, …
    Sequences(Vec<usize>),
}

/// What all receivers add to.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) arrived: u64,
    pub(super) left_out: u64,
    pub(super) delays: Vec<Duration>,
}

impl Receiver {
    /// Takes what has come. `sent_at` holds when each message was posted, `clock` says what time it is.
    pub(super) fn read(
        &mut self,
        buffer: &mut [u8],
        lag: Lag,
        (sent_at, clock): (&[Duration], &impl Fn() -> Duration),
        tally: &mut Tally,
    ) -> Result<(), LoadError> {
        let Self { wire, index, next, sampled } = self;
        let (receiver, dialect) = (*index, wire.dialect);
        wire.read(buffer, clock, |line, &at| match line {
            Line::Message { number, rest } => {
                tally.arrived += 1;
                if *sampled {
                    let sent = dialect.sequence(rest).and_then(|sequence| sent_at.get(sequence));
                    let sent = sent.ok_or_else(|| LoadError::unexpected(rest))?;
                    tally.delays.push(at.saturating_sub(*sent));
                }
                match (&mut *next, number) {
                    (Expected::Number(next), Some(came)) => step(next, came, came, receiver),
                    (Expected::Sequences(next), None) => dialect
                        .sequence(rest)
                        .ok_or_else(|| LoadError::unexpected(rest))
                        .and_then(|came| step_of_poster(next, came, receiver)),
                    _ => Err(LoadError::unexpected(rest)),
                }
            }
            Line::Lag { first, last } if lag == Lag::Counted && first <= last => {
                tally.left_out += last - first + 1;
                match &mut *next {
                    Expected::Number(next) => step(next, first, last, receiver),
                    Expected::Sequences(_) => Err(LoadError::unexpected(b"LAG b")),
                }
            }
            Line::Lag { first, last } => Err(LoadError::Lagged { receiver, first, last }),
            Line::Nothing => Ok(()),
            Line::Posted => Err(LoadError::unexpected(b"OK BCM")),
            Line::Other(line) => Err(LoadError::unexpected(line)),
        })
    }
}

/// The messages from `came` to `last` are there; `came` has to be the next.
fn step(next: &mut u64, came: u64, last: u64, receiver: usize) -> Result<(), LoadError> {
    if came != *next {
        return Err(LoadError::OutOfOrder { receiver, came, expected: *next });
    }
    *next = last + 1;
    Ok(())
}

fn step_of_poster(next: &mut [usize], came: usize, receiver: usize) -> Result<(), LoadError> {
    let posters = next.len().max(1);
    let Some(next) = next.get_mut(came % posters) else {
        return Err(LoadError::OutOfOrder { receiver, came: came as u64, expected: 0 });
    };
    if came != *next {
        return Err(LoadError::OutOfOrder { receiver, came: came as u64, expected: *next as u64 });
    }
    *next += posters;
    Ok(())
}

/// Posts, and counts what is not answered. It is not told of what others post.
#[derive(Debug)]
pub(super) struct Poster {
    pub(super) wire: Wire,
    /// The sequence of its next message.
    pub(super) next: usize,
    pub(super) unanswered: usize,
    /// Requests that the system has not taken.
    pub(super) out: Vec<u8>,
}

impl Poster {
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<(), LoadError> {
        let unanswered = &mut self.unanswered;
        self.wire.read(
            buffer,
            || (),
            |line, ()| match line {
                Line::Posted if *unanswered > 0 => {
                    *unanswered -= 1;
                    Ok(())
                }
                Line::Posted => Err(LoadError::unexpected(b"OK BCM")),
                Line::Nothing => Ok(()),
                Line::Other(line) => Err(LoadError::unexpected(line)),
                Line::Message { rest, .. } => Err(LoadError::unexpected(rest)),
                Line::Lag { .. } => Err(LoadError::unexpected(b"LAG b")),
            },
        )
    }

    /// Writes as much as the system takes.
    pub(super) fn flush(&mut self) -> Result<(), LoadError> {
        loop {
            let stream = &mut self.wire.stream;
            let done = if self.out.is_empty() { stream.flush().map(|()| 0) } else { stream.write(&self.out) };
            match done {
                Ok(0) => return Ok(()),
                Ok(written) => drop(self.out.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(LoadError::System { doing: "posting", error }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// What has to come after `lines`, or what is wrong with them; and what was counted.
    fn receive(lines: &str, lag: Lag) -> (Result<Expected, String>, Tally) {
        receive_of(Dialect::Toom, Expected::Number(1), lines, lag)
    }

    fn receive_of(
        dialect: Dialect,
        next: Expected,
        lines: &str,
        lag: Lag,
    ) -> (Result<Expected, String>, Tally) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        // It blocks, so that all is read however late it comes: `lines` fit the buffer, and end the reading by being fewer.
        let near = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        listener.accept().unwrap().0.write_all(lines.as_bytes()).unwrap();
        let wire = Wire::new(Stream::new(TcpStream::from_std(near), None), dialect);
        let mut receiver = Receiver { wire, index: 7, next, sampled: true };
        let sent_at = [Duration::from_millis(1), Duration::from_millis(2)];
        let mut tally = Tally::default();
        let read = receiver.read(&mut [0; 4096], lag, (&sent_at, &|| Duration::from_millis(5)), &mut tally);
        (read.map(|()| receiver.next).map_err(|error| error.to_string()), tally)
    }

    #[test]
    fn messages_in_order_are_counted_with_their_delays() {
        let (read, tally) = receive("MSG b 1 t u 1 x\nMSG b 2 t u 0 x\n", Lag::Fails);
        assert_eq!((read, tally.arrived), (Ok(Expected::Number(3)), 2));
        assert_eq!(tally.delays, [Duration::from_millis(3), Duration::from_millis(4)]);
    }

    #[test]
    fn a_message_twice_or_too_early_fails_the_run() {
        for (lines, came, next) in [
            ("MSG b 1 t u 0\nMSG b 1 t u 0\n", 1, 2),
            ("MSG b 1 t u 0\nMSG b 3 t u 0\n", 3, 2),
            ("MSG b 2 t u 0\n", 2, 1),
            ("LAG b 2 3\n", 2, 1),
        ] {
            let error = receive(lines, Lag::Counted).0.unwrap_err();
            assert_eq!(error, format!("receiver 7: message {came} came, and {next} was the next"), "{lines}");
        }
    }

    #[test]
    fn without_numbers_the_messages_of_each_poster_come_in_order() {
        let of_two = |lines| receive_of(Dialect::Relay, Expected::Sequences(vec![0, 1]), lines, Lag::Fails);
        let (read, tally) = of_two("1 x\n0 x\n");
        assert_eq!((read, tally.arrived), (Ok(Expected::Sequences(vec![2, 3])), 2));
        for (lines, came, next) in [("0 x\n0 x\n", 0, 2), ("1 x\n1 x\n", 1, 3)] {
            let error = of_two(lines).0.unwrap_err();
            assert_eq!(error, format!("receiver 7: message {came} came, and {next} was the next"));
        }
    }

    #[test]
    fn lag_fails_the_run_unless_it_is_to_be_counted() {
        let lines = "LAG b 1 3\nMSG b 4 t u 1\n";
        assert!(receive(lines, Lag::Fails).0.unwrap_err().contains("LAG from 1 to 3"));
        let (read, tally) = receive(lines, Lag::Counted);
        assert_eq!((read, tally.left_out, tally.arrived), (Ok(Expected::Number(5)), 3, 1));
    }

    #[test]
    fn lines_that_no_receiver_should_get_fail_the_run() {
        for line in ["BYE shutdown x\n", "OK BCM 1 t\n", "MSG b 1 t u 9\n", "MSG b 1 t u x\n"] {
            assert!(receive(line, Lag::Counted).0.is_err(), "{line}");
        }
    }
}
