//! Why a request was refused, and why a connection ends.

use toom_core::RoomId;

use super::fields::Fields;
use super::{CodeWord, NameWord, put};

/// Why a request was refused, with what the wire puts between the code and the text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Code {
    /// The request has the wrong form.
    Syntax,
    /// There is no such verb.
    UnknownCommand,
    /// The verb is not served before LOGIN.
    NotLoggedIn,
    /// The connection is logged in.
    AlreadyLoggedIn,
    /// The user or the password is wrong.
    BadCredentials,
    /// Too many wrong passwords for the account; the text ends with the seconds left.
    Blocked,
    /// Too many wrong passwords from the address, too many logins at once, too many posts, or too much that is relayed; the text ends
    /// with the seconds left.
    Throttled,
    /// The message is empty.
    Empty,
    /// The message, or the line, is too long.
    TooLong,
    /// The message holds control characters, or is not UTF-8.
    BadText,
    /// No account bears the name.
    UnknownUser(NameWord),
    /// The user has no session.
    InactiveUser(NameWord),
    /// Nobody but the caller would be in the room.
    NoMembers,
    /// The room with exactly these members.
    RoomExists(RoomId),
    /// There is no such room, or the caller is not a member.
    NoRoom,
    /// The key was used with another request.
    KeyReused,
    /// The store does not work.
    Unavailable,
    /// The receiver takes no files, the transfer is over, or the operator does not want it.
    Refused,
    /// There are too many of what was asked for: sessions, rooms, members, transfers.
    LimitReached,
    /// A code that this version does not know.
    Other(CodeWord),
}

/// The codes without an argument.
const PLAIN: [Code; 16] = [
    Code::Syntax,
    Code::UnknownCommand,
    Code::NotLoggedIn,
    Code::AlreadyLoggedIn,
    Code::BadCredentials,
    Code::Blocked,
    Code::Throttled,
    Code::Empty,
    Code::TooLong,
    Code::BadText,
    Code::NoMembers,
    Code::NoRoom,
    Code::KeyReused,
    Code::Unavailable,
    Code::Refused,
    Code::LimitReached,
];
const UNKNOWN_USER: &str = "unknown-user";
const INACTIVE_USER: &str = "inactive-user";
const ROOM_EXISTS: &str = "room-exists";

impl Code {
    /// The code's word, without its argument.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Syntax => "syntax",
            Self::UnknownCommand => "unknown-command",
            Self::NotLoggedIn => "not-logged-in",
            Self::AlreadyLoggedIn => "already-logged-in",
            Self::BadCredentials => "bad-credentials",
            Self::Blocked => "blocked",
            Self::Throttled => "throttled",
            Self::Empty => "empty",
            Self::TooLong => "too-long",
            Self::BadText => "bad-text",
            Self::UnknownUser(_) => UNKNOWN_USER,
            Self::InactiveUser(_) => INACTIVE_USER,
            Self::NoMembers => "no-members",
            Self::RoomExists(_) => ROOM_EXISTS,
            Self::NoRoom => "no-room",
            Self::KeyReused => "key-reused",
            Self::Unavailable => "unavailable",
            Self::Refused => "refused",
            Self::LimitReached => "limit-reached",
            Self::Other(word) => word.as_str(),
        }
    }

    /// Appends the word and its argument.
    pub(super) fn append_to(&self, out: &mut Vec<u8>) {
        put::str(out, self.as_str());
        match self {
            Self::UnknownUser(name) | Self::InactiveUser(name) => put::field(out, name.as_str()),
            Self::RoomExists(room) => put::number_field(out, room.number().into()),
            _ => {}
        }
    }

    /// Reads a code and its argument; `None` if it is malformed.
    pub(super) fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let word = fields.word()?;
        match word {
            UNKNOWN_USER => fields.name().map(Self::UnknownUser),
            INACTIVE_USER => fields.name().map(Self::InactiveUser),
            ROOM_EXISTS => fields.room().map(Self::RoomExists),
            _ => match PLAIN.into_iter().find(|code| code.as_str() == word) {
                Some(code) => Some(code),
                None => CodeWord::parse(word).ok().map(Self::Other),
            },
        }
    }
}

/// Why the server is about to close a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ByeCode {
    /// The server shuts down.
    Shutdown,
    /// Nothing was heard for too long.
    Idle,
    /// Nobody logged in in time.
    LoginTimeout,
    /// The server, or the peer's address, has as many connections as it may have.
    TooManyConnections,
    /// The peer does not read what it is sent.
    Slow,
    /// Too much was asked for.
    Throttled,
    /// The account was removed.
    Removed,
    /// An operator ended the session.
    Kicked,
    /// A code that this version does not know.
    Other(CodeWord),
}

impl ByeCode {
    const KNOWN: [Self; 8] = [
        Self::Shutdown,
        Self::Idle,
        Self::LoginTimeout,
        Self::TooManyConnections,
        Self::Slow,
        Self::Throttled,
        Self::Removed,
        Self::Kicked,
    ];

    /// The code's word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Shutdown => "shutdown",
            Self::Idle => "idle",
            Self::LoginTimeout => "login-timeout",
            Self::TooManyConnections => "too-many-connections",
            Self::Slow => "slow",
            Self::Throttled => "throttled",
            Self::Removed => "removed",
            Self::Kicked => "kicked",
            Self::Other(word) => word.as_str(),
        }
    }

    pub(super) fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let word = fields.word()?;
        match Self::KNOWN.into_iter().find(|code| code.as_str() == word) {
            Some(code) => Some(code),
            None => CodeWord::parse(word).ok().map(Self::Other),
        }
    }
}
