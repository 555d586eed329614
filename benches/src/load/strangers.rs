//! What peers that never log in make a server hold.

use core::fmt;
use core::time::Duration;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Instant;

use super::server::{Encryption, Ground, Server, ServerProcess, Store};
use super::stream::Stream;
use super::{LoadError, allow_open_files};

/// Files that are not strangers.
const OTHER_FILES: u64 = 64;
/// How long an answer may take, and how long a server may be busy with the strangers.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long a server must use no processor before it is taken to have read all.
const CALM: Duration = Duration::from_millis(300);
/// The longest part of a line that any number of strangers may have sent.
const PART_OF_LINE: usize = 1000;
/// How much of a first message of TLS is sent; its end never comes.
const PART_OF_HELLO: usize = 4000;

/// What a stranger does before it falls silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Habit {
    /// Connects.
    Silent,
    /// Sends a part of a line.
    PartOfLine,
    /// Sends lines that mean nothing, as long as they are taken, and reads no answer.
    Garbage,
    /// Sends the beginning of a handshake.
    PartOfHello,
    /// Shakes hands.
    Handshake,
    /// Shakes hands, and sends a part of a line.
    HandshakeAndPartOfLine,
    /// Shakes hands, and sends a part of a record.
    HandshakeAndPartOfRecord,
}

/// What is to be measured.
#[derive(Clone, Debug)]
pub struct Strangers {
    /// How many there are of each habit.
    pub count: usize,
    /// Whether the server speaks TLS.
    pub encryption: Encryption,
    /// In which folder the server makes its own.
    pub folder: PathBuf,
}

/// The server's memory for a stranger, habit by habit.
#[derive(Clone, Debug)]
pub struct Held(Vec<(&'static str, u64)>);

impl Held {
    /// That of the costliest habit.
    #[must_use]
    pub fn worst(&self) -> u64 {
        self.0.iter().map(|(_, bytes)| *bytes).max().unwrap_or(0)
    }
}

impl Strangers {
    /// Lets strangers of each habit connect to a server of their own.
    ///
    /// # Errors
    /// If a server cannot be started, or does not come to rest.
    pub fn run(&self) -> Result<Held, LoadError> {
        allow_open_files(self.count as u64 + OTHER_FILES)?;
        let habits: &[Habit] = match self.encryption {
            Encryption::Plain => &[Habit::Silent, Habit::PartOfLine, Habit::Garbage],
            Encryption::Tls => &[
                Habit::Silent,
                Habit::PartOfHello,
                Habit::Handshake,
                Habit::HandshakeAndPartOfLine,
                Habit::HandshakeAndPartOfRecord,
            ],
        };
        let measured = habits.iter().map(|habit| Ok((habit.name(), self.held(*habit)?)));
        measured.collect::<Result<_, _>>().map(Held)
    }

    fn held(&self, habit: Habit) -> Result<u64, LoadError> {
        let room = format!("strangers-per-address={}", self.count);
        let arguments = ["--limit", "login-time=10m", "--limit", &room].map(str::to_owned).into();
        let ground = Ground { folder: self.folder.clone(), arguments, ..Ground::new(self.count) };
        let server = ServerProcess::start(Server::Toom(Store::Memory, self.encryption), &ground)?;
        let empty = server.usage()?.resident_bytes;
        let strangers: Vec<_> = (0..self.count)
            .map(|_| habit.live(&server))
            .collect::<io::Result<_>>()
            .map_err(LoadError::while_doing("being a stranger"))?;
        come_to_rest(&server)?;
        let full = server.usage()?.resident_bytes;
        drop(strangers);
        Ok(full.saturating_sub(empty) / self.count as u64)
    }
}

impl Habit {
    fn name(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::PartOfLine => "a part of a line",
            Self::Garbage => "garbage, and reads no answer",
            Self::PartOfHello => "a part of the first message of TLS",
            Self::Handshake => "a handshake",
            Self::HandshakeAndPartOfLine => "a handshake and a part of a line",
            Self::HandshakeAndPartOfRecord => "a handshake and a part of a record",
        }
    }

    fn live(self, server: &ServerProcess) -> io::Result<Stream<TcpStream>> {
        let mut stream = server.door().connect(PATIENCE)?;
        match self {
            Self::Silent => {}
            Self::PartOfLine => stream.write_all(&[b'x'; PART_OF_LINE])?,
            Self::Garbage => {
                stream.socket.set_nonblocking(true)?;
                match stream.write_all(&b"y\n".repeat(1 << 15)) {
                    Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                    _ => {}
                }
            }
            Self::PartOfHello => {
                // A record of 4,091 bytes that holds a ClientHello of 4,087.
                let mut hello = vec![0x16, 3, 1, 0x0f, 0xfb, 1, 0, 0x0f, 0xf7];
                hello.resize(PART_OF_HELLO, 0);
                stream.socket.write_all(&hello)?;
            }
            Self::Handshake => greeted(&mut stream)?,
            Self::HandshakeAndPartOfLine => {
                greeted(&mut stream)?;
                stream.write_all(&[b'x'; PART_OF_LINE])?;
            }
            Self::HandshakeAndPartOfRecord => {
                greeted(&mut stream)?;
                let mut record = vec![0x17, 3, 3, 0x40, 0];
                record.resize(PART_OF_LINE, 0);
                stream.socket.write_all(&record)?;
            }
        }
        Ok(stream)
    }
}

/// The server speaks first, and does so when the handshake is done.
fn greeted(stream: &mut Stream<TcpStream>) -> io::Result<()> {
    stream.flush()?;
    match stream.read(&mut [0; 1024])? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

/// Waits until the server has nothing to do.
fn come_to_rest(server: &ServerProcess) -> Result<(), LoadError> {
    let begun = Instant::now();
    let mut used = server.usage()?.cpu;
    loop {
        std::thread::sleep(CALM);
        let now = server.usage()?.cpu;
        if core::mem::replace(&mut used, now) == now {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            return Err(LoadError::Restless);
        }
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| a stranger sends | bytes of the server's memory |\n| --- | --- |")?;
        self.0.iter().try_for_each(|(name, bytes)| writeln!(f, "| {name} | {bytes} |"))
    }
}
