//! Connecting and logging in.

use core::time::Duration;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Instant;

use super::LoadError;
use super::dialect::{Dialect, Entry, Role};
use super::scan::Scanner;
use super::server::Door;
use super::stream::Stream;

/// How many log in at once: no more than the password checks that may wait at a server.
const AT_ONCE: usize = 64;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connections that are logged in, and how long that took.
#[derive(Debug)]
pub struct Entered {
    /// The receivers first, then the posters.
    pub(super) streams: Vec<Stream<TcpStream>>,
    pub(super) dialect: Dialect,
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
    for index in 0..receivers + posters {
        let role = if index < receivers { Role::Receives } else { Role::Posts };
        streams.push(ask(door, index, role).map_err(LoadError::while_doing("connecting"))?);
        // The answer to who asked long before is there by now: nobody waits for nobody.
        if let Some(earlier) = index.checked_sub(AT_ONCE).and_then(|earlier| streams.get_mut(earlier)) {
            await_login(door.dialect, earlier)?;
        }
    }
    for stream in streams.iter_mut().skip((receivers + posters).saturating_sub(AT_ONCE)) {
        await_login(door.dialect, stream)?;
    }
    Ok(Entered { streams, dialect: door.dialect, took: started.elapsed() })
}

/// Connects, and asks without waiting for the greeting.
fn ask(door: &Door, index: usize, role: Role) -> std::io::Result<Stream<TcpStream>> {
    let mut stream = door.connect(PATIENCE)?;
    stream.write_all(&door.dialect.entry(index, role)?)?;
    Ok(stream)
}

/// Reads up to the answer to the login. Nothing follows it, for nobody posts yet.
fn await_login(dialect: Dialect, stream: &mut Stream<TcpStream>) -> Result<(), LoadError> {
    let (mut scanner, mut buffer, mut entered) = (Scanner::default(), [0; 1024], false);
    while !entered {
        let read = stream.read(&mut buffer).map_err(LoadError::while_doing("logging in"))?;
        if read == 0 {
            return Err(LoadError::Closed);
        }
        scanner.feed(buffer.get(..read).unwrap_or_default(), |line| match dialect.entering(line) {
            Entry::Done => {
                entered = true;
                Ok(())
            }
            Entry::Expected => Ok(()),
            Entry::Unexpected => Err(LoadError::unexpected(line)),
        })?;
    }
    Ok(())
}
