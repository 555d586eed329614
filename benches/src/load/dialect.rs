//! How each server is spoken to: only as much of its protocol as the load needs.

use std::io::{self, Write as _};

use toom_core::{Body, Password, UserName};
use toom_net::protocol::{Command, Hello, Live, Request};

use super::scan::{self, Line, number};

/// The password of every account.
pub(super) const PASSWORD: &str = "a password";

/// The name of the account of connection `index`; each has its own.
pub(super) fn account(index: usize) -> String {
    format!("user{index}")
}

/// A protocol of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Toom,
    /// The publish and subscribe of Redis, in RESP2.
    Redis,
    /// The core protocol of NATS, with an answer to every publication.
    Nats,
    /// The bare relay's: the texts themselves.
    Relay,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Receives,
    /// Posts, and is not told of what others post.
    Posts,
}

/// What a line means to somebody who is entering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// Enough was said: messages may come, or be posted.
    Done,
    /// One of the lines that come before that.
    Expected,
    Unexpected,
}

impl Dialect {
    /// What connection `index` says first, without waiting for anything.
    pub(super) fn entry(self, index: usize, role: Role) -> io::Result<Vec<u8>> {
        let mut lines = Vec::new();
        let words: &[u8] = match (self, role) {
            (Self::Toom, _) => {
                log_in(index, role, &mut lines)?;
                b""
            }
            (Self::Redis, Role::Receives) => {
                b"SUBSCRIBE b
"
            }
            (Self::Redis, Role::Posts) => {
                b"PING
"
            }
            (Self::Nats, Role::Receives) => {
                b"CONNECT {\"verbose\":false}
SUB b 1
PING
"
            }
            (Self::Nats, Role::Posts) => {
                b"CONNECT {\"verbose\":true}
PING
"
            }
            (Self::Relay, Role::Receives) => {
                b"R
"
            }
            (Self::Relay, Role::Posts) => {
                b"P
"
            }
        };
        lines.extend(words);
        Ok(lines)
    }

    /// What a line means that comes before the connection may be used.
    pub(super) fn entering(self, line: &[u8]) -> Entry {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (last, before): (&[u8], &[&[u8]]) = match self {
            Self::Toom => (b"OK LOGIN ", &[b"TOOM 1 ", b"OK HELLO"]),
            Self::Redis if line == b"+PONG" => return Entry::Done,
            Self::Redis => (b":1", &[b"*3", b"$9", b"subscribe", b"$1", b"b"]),
            Self::Nats => (b"PONG", &[b"INFO ", b"+OK", b"PING"]),
            Self::Relay => (b"+", &[]),
        };
        if line.starts_with(last) {
            Entry::Done
        } else if before.iter().any(|before| line.starts_with(before)) {
            Entry::Expected
        } else {
            Entry::Unexpected
        }
    }

    /// Appends the request that posts `text`.
    pub(super) fn append_post(self, text: &str, out: &mut Vec<u8>) -> io::Result<()> {
        let bytes = text.len();
        match self {
            Self::Toom => {
                let body = Body::parse(text).map_err(io::Error::other)?;
                let request = Request { tag: None, command: Command::Broadcast { key: None, body } };
                request.append_to(out).map_err(io::Error::other)
            }
            Self::Redis => write!(out, "*3\r\n$7\r\nPUBLISH\r\n$1\r\nb\r\n${bytes}\r\n{text}\r\n"),
            Self::Nats => write!(out, "PUB b {bytes}\r\n{text}\r\n"),
            Self::Relay => writeln!(out, "{text}"),
        }
    }

    /// What a line means once the connection is in use.
    pub(super) fn parse(self, line: &[u8]) -> Line<'_> {
        if self == Self::Toom {
            return Line::parse(line);
        }
        let bare = line.strip_suffix(b"\r").unwrap_or(line);
        if bare.first().is_some_and(u8::is_ascii_digit) {
            return Line::Message { number: None, rest: bare };
        }
        let (posted, beside): (&[u8], &[&[u8]]) = match self {
            Self::Redis => (b":", &[b"*3", b"$", b"message", b"b"]),
            Self::Nats => (b"+OK", &[b"MSG b ", b"PING", b"INFO "]),
            Self::Toom | Self::Relay => (b"+", &[]),
        };
        if bare.starts_with(posted) {
            Line::Posted
        } else if beside.iter().any(|beside| bare.starts_with(beside)) {
            Line::Nothing
        } else {
            Line::Other(line)
        }
    }

    /// The sequence with which the text of a message begins.
    pub(super) fn sequence(self, rest: &[u8]) -> Option<usize> {
        match self {
            Self::Toom => scan::sequence(rest),
            Self::Redis | Self::Nats | Self::Relay => usize::try_from(number(rest)?.0).ok(),
        }
    }
}

fn log_in(index: usize, role: Role, lines: &mut Vec<u8>) -> io::Result<()> {
    // Who says nothing is told of what others post.
    let hello = (role == Role::Posts).then(|| Command::Hello(Hello { live: Live::Off, ..Hello::default() }));
    let user = UserName::parse(&account(index)).map_err(io::Error::other)?;
    let login = Command::Login { user, password: Password::new(PASSWORD) };
    for command in hello.into_iter().chain([login]) {
        Request { tag: None, command }.append_to(lines).map_err(io::Error::other)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OTHERS: [Dialect; 3] = [Dialect::Redis, Dialect::Nats, Dialect::Relay];

    #[test]
    fn every_server_is_entered_by_its_own_last_word_alone() {
        let entries: [(Dialect, &[u8], Entry); 10] = [
            (Dialect::Toom, b"OK HELLO", Entry::Expected),
            (Dialect::Toom, b"OK LOGIN 1 t u", Entry::Done),
            (Dialect::Toom, b"ERR LOGIN throttled", Entry::Unexpected),
            (Dialect::Redis, b"$9\r", Entry::Expected),
            (Dialect::Redis, b":1\r", Entry::Done),
            (Dialect::Redis, b"-ERR max\r", Entry::Unexpected),
            (Dialect::Nats, b"+OK\r", Entry::Expected),
            (Dialect::Nats, b"PONG\r", Entry::Done),
            (Dialect::Nats, b"-ERR 'x'\r", Entry::Unexpected),
            (Dialect::Relay, b"+", Entry::Done),
        ];
        for (dialect, line, entry) in entries {
            assert_eq!(dialect.entering(line), entry, "{dialect:?} {line:?}");
        }
    }

    #[test]
    fn of_other_servers_lines_the_texts_are_the_messages() {
        for dialect in OTHERS {
            let text = b"00000017 xxx";
            assert_eq!(dialect.parse(text), Line::Message { number: None, rest: text });
            assert_eq!(dialect.sequence(text), Some(17));
            assert_eq!(dialect.parse(b"-ERR no"), Line::Other(b"-ERR no"));
        }
        assert_eq!(Dialect::Redis.parse(b"message\r"), Line::Nothing);
        assert_eq!(Dialect::Nats.parse(b"MSG b 1 100\r"), Line::Nothing);
        assert_eq!(Dialect::Redis.parse(b":1000\r"), Line::Posted);
        assert_eq!(Dialect::Nats.parse(b"+OK\r"), Line::Posted);
        assert_eq!(Dialect::Relay.parse(b"+"), Line::Posted);
    }

    #[test]
    fn a_post_is_told_with_its_length_where_the_server_wants_it() {
        let posted = |dialect: Dialect| {
            let mut out = Vec::new();
            dialect.append_post("0 x", &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(posted(Dialect::Toom), "BCM 0 x\n");
        assert_eq!(posted(Dialect::Redis), "*3\r\n$7\r\nPUBLISH\r\n$1\r\nb\r\n$3\r\n0 x\r\n");
        assert_eq!(posted(Dialect::Nats), "PUB b 3\r\n0 x\r\n");
        assert_eq!(posted(Dialect::Relay), "0 x\n");
    }
}
