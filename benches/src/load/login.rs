//! Connecting and logging in.

use core::time::Duration;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Instant;

use toom_core::{Password, UserName};
use toom_net::protocol::{Command, Hello, Live, Request};

use super::LoadError;
use super::process::{Door, PASSWORD, account};
use super::scan::Scanner;
use super::stream::Stream;

/// How many log in at once: fewer than the password checks that may wait at a server.
const AT_ONCE: usize = 32;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connections that are logged in, and how long that took.
#[derive(Debug)]
pub struct Entered {
    /// The receivers first, then the posters.
    pub(super) streams: Vec<Stream<TcpStream>>,
    /// Between the first connection and the last login.
    pub took: Duration,
}

/// Logs in `receivers`, and then `posters`, which are not told of what others post.
///
/// # Errors
/// If the server refuses one or falls silent.
pub fn enter(door: &Door, receivers: usize, posters: usize) -> Result<Entered, LoadError> {
    let started = Instant::now();
    let mut streams = Vec::with_capacity(receivers + posters);
    while streams.len() < receivers + posters {
        let first = streams.len();
        for index in first..(first + AT_ONCE).min(receivers + posters) {
            let live = if index < receivers { Live::On } else { Live::Off };
            streams.push(ask(door, index, live).map_err(LoadError::while_doing("connecting"))?);
        }
        for stream in streams.iter_mut().skip(first) {
            await_login(stream)?;
        }
    }
    Ok(Entered { streams, took: started.elapsed() })
}

/// Connects, and asks without waiting for the greeting.
fn ask(door: &Door, index: usize, live: Live) -> std::io::Result<Stream<TcpStream>> {
    let socket = TcpStream::connect(door.address)?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut stream = Stream::new(socket, door.tls()?);
    let user = UserName::parse(&account(index)).map_err(std::io::Error::other)?;
    let login = Command::Login { user, password: Password::new(PASSWORD) };
    let hello = Command::Hello(Hello { live, ..Hello::default() });
    let mut lines = Vec::new();
    for command in [hello, login] {
        Request { tag: None, command }.append_to(&mut lines).map_err(std::io::Error::other)?;
    }
    stream.write_all(&lines)?;
    Ok(stream)
}

/// Reads up to the answer to the login. Nothing follows it, for nobody posts yet.
fn await_login(stream: &mut Stream<TcpStream>) -> Result<(), LoadError> {
    let (mut scanner, mut buffer, mut entered) = (Scanner::default(), [0; 1024], false);
    while !entered {
        let read = stream.read(&mut buffer).map_err(LoadError::while_doing("logging in"))?;
        if read == 0 {
            return Err(LoadError::Closed);
        }
        scanner.feed(buffer.get(..read).unwrap_or_default(), |line| {
            entered |= line.starts_with(b"OK LOGIN ");
            let known = [&b"TOOM 1 "[..], b"OK HELLO", b"OK LOGIN "];
            let expected = known.iter().any(|known| line.starts_with(known));
            if expected { Ok(()) } else { Err(LoadError::unexpected(line)) }
        })?;
    }
    Ok(())
}
