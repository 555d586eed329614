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
    /// Too many wrong passwords from the address; the text ends with the seconds left.
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
    /// The receiver refused.
    Refused,
    /// There are too many of what was asked for: sessions, rooms, members.
    LimitReached,
    /// A code that this version does not know.
    Other(CodeWord),
}

/// The codes without an argument, each with its word.
const PLAIN: [(&str, Code); 16] = [
    ("syntax", Code::Syntax),
    ("unknown-command", Code::UnknownCommand),
    ("not-logged-in", Code::NotLoggedIn),
    ("already-logged-in", Code::AlreadyLoggedIn),
    ("bad-credentials", Code::BadCredentials),
    ("blocked", Code::Blocked),
    ("throttled", Code::Throttled),
    ("empty", Code::Empty),
    ("too-long", Code::TooLong),
    ("bad-text", Code::BadText),
    ("no-members", Code::NoMembers),
    ("no-room", Code::NoRoom),
    ("key-reused", Code::KeyReused),
    ("unavailable", Code::Unavailable),
    ("refused", Code::Refused),
    ("limit-reached", Code::LimitReached),
];
const UNKNOWN_USER: &str = "unknown-user";
const INACTIVE_USER: &str = "inactive-user";
const ROOM_EXISTS: &str = "room-exists";

impl Code {
    /// The code's word, without its argument.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::UnknownUser(_) => UNKNOWN_USER,
            Self::InactiveUser(_) => INACTIVE_USER,
            Self::RoomExists(_) => ROOM_EXISTS,
            Self::Other(word) => word.as_str(),
            plain => PLAIN.iter().find(|(_, code)| code == plain).map_or("syntax", |(word, _)| word),
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
            _ => match PLAIN.iter().find(|(known, _)| *known == word) {
                Some((_, code)) => Some(code.clone()),
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
    /// Too much was asked for.
    Throttled,
    /// The account was removed.
    Removed,
    /// A code that this version does not know.
    Other(CodeWord),
}

impl ByeCode {
    const KNOWN: [(&'static str, Self); 4] = [
        ("shutdown", Self::Shutdown),
        ("idle", Self::Idle),
        ("throttled", Self::Throttled),
        ("removed", Self::Removed),
    ];

    /// The code's word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Shutdown => "shutdown",
            Self::Idle => "idle",
            Self::Throttled => "throttled",
            Self::Removed => "removed",
            Self::Other(word) => word.as_str(),
        }
    }

    pub(super) fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let word = fields.word()?;
        match Self::KNOWN.iter().find(|(known, _)| *known == word) {
            Some((_, code)) => Some(code.clone()),
            None => CodeWord::parse(word).ok().map(Self::Other),
        }
    }
}
