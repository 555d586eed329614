//! The least that a server can do: what the other servers cost more than this is their own.

use core::time::Duration;
use std::io::{self, Read as _, Write as _};
use std::net::Ipv4Addr;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

use super::LoadError;

const LISTENER: Token = Token(usize::MAX);
const READ_BYTES: usize = 64 * 1024;

/// One thread, and no order but that of arrival: what has come from posters is written to every receiver by one call, and each
/// line is answered by `+`. A receiver says `R` first and a poster `P`.
#[derive(Debug)]
struct Relay {
    poll: Poll,
    listener: TcpListener,
    ends: Vec<End>,
    receivers: Vec<usize>,
    /// Whole lines that were read and not passed on.
    lines: Vec<u8>,
}

#[derive(Debug)]
struct End {
    stream: TcpStream,
    is_known: bool,
    /// The beginning of a line.
    partial: Vec<u8>,
    /// What the system did not take.
    backlog: Vec<u8>,
}

/// Relays until it is killed, and says on standard error where it listens.
///
/// # Errors
/// If the system refuses something.
pub fn relay() -> Result<(), LoadError> {
    let doing = LoadError::while_doing("relaying");
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(&doing)?;
    listener.set_nonblocking(true).map_err(&doing)?;
    eprintln!("listening on {}", listener.local_addr().map_err(&doing)?);
    let mut listener = TcpListener::from_std(listener);
    let poll = Poll::new().map_err(&doing)?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE).map_err(&doing)?;
    let relay = Relay { poll, listener, ends: Vec::new(), receivers: Vec::new(), lines: Vec::new() };
    relay.run().map_err(doing)
}

impl Relay {
    fn run(mut self) -> io::Result<()> {
        let (mut events, mut buffer) = (Events::with_capacity(1024), vec![0; READ_BYTES]);
        loop {
            self.poll.poll(&mut events, None::<Duration>)?;
            for event in &events {
                match event.token() {
                    LISTENER => self.accept()?,
                    Token(index) => self.serve(index, &mut buffer)?,
                }
            }
            let lines = core::mem::take(&mut self.lines);
            if !lines.is_empty() {
                for index in &self.receivers {
                    if let Some(end) = self.ends.get_mut(*index) {
                        end.write(&lines)?;
                    }
                }
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        while let Some((mut stream, _)) = unless_blocked(self.listener.accept())? {
            stream.set_nodelay(true)?;
            let both = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(&mut stream, Token(self.ends.len()), both)?;
            self.ends.push(End { stream, is_known: false, partial: Vec::new(), backlog: Vec::new() });
        }
        Ok(())
    }

    /// Writes what waits for one end, and takes what it sent.
    fn serve(&mut self, index: usize, buffer: &mut [u8]) -> io::Result<()> {
        let Some(end) = self.ends.get_mut(index) else { return Ok(()) };
        end.write(&[])?;
        while let Some(read) = unless_blocked(end.stream.read(buffer))?.filter(|read| *read > 0) {
            end.partial.extend_from_slice(buffer.get(..read).unwrap_or_default());
            let whole = memchr::memrchr(b'\n', &end.partial).map_or(0, |last| last + 1);
            let rest = end.partial.split_off(whole);
            let lines = core::mem::replace(&mut end.partial, rest);
            let count = memchr::memchr_iter(b'\n', &lines).count();
            end.write(&b"+\n".repeat(count))?;
            if end.is_known {
                self.lines.extend_from_slice(&lines);
            } else if count > 0 {
                end.is_known = true;
                self.receivers.extend(lines.starts_with(b"R").then_some(index));
            }
        }
        Ok(())
    }
}

impl End {
    /// Writes what waits, and then `bytes`; what the system does not take waits.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let waits = !self.backlog.is_empty();
        if waits {
            self.backlog.extend_from_slice(bytes);
        }
        let due = if waits { self.backlog.as_slice() } else { bytes };
        if due.is_empty() {
            return Ok(());
        }
        let written = unless_blocked(self.stream.write(due))?.unwrap_or(0);
        if waits {
            self.backlog.drain(..written);
        } else {
            self.backlog.extend_from_slice(bytes.get(written..).unwrap_or_default());
        }
        Ok(())
    }
}

fn unless_blocked<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}
