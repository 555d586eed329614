//! Why an operation was refused: one enum an operation. Nothing has changed when one is returned.

use core::time::Duration;

use crate::{RoomId, StorageError, UserName};

/// Why nobody was logged in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// The password is wrong, or nobody has this name; which of them, nobody is told.
    #[error("the password is wrong")]
    WrongPassword {
        /// How long the account is blocked because of it.
        blocked: Option<Duration>,
    },
    /// The account is blocked, or as many checks are under way as there are attempts left.
    #[error("the account is blocked for {left:?}")]
    Blocked {
        /// How long.
        left: Duration,
    },
    /// Too many wrong passwords came from this source.
    #[error("too many wrong passwords came from this address: try again in {left:?}")]
    Throttled {
        /// Until when.
        left: Duration,
    },
    /// The account, or the engine, has as many sessions as it may have.
    #[error("too many sessions are open, the limit is {limit}")]
    TooManySessions {
        /// How many there may be.
        limit: usize,
    },
    /// The host gave an id that an open session has.
    #[error("the session id is in use")]
    SessionInUse,
}

/// The session is not open: it was never, or it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not logged in")]
pub struct NotLoggedIn;

/// There is no such account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such account")]
pub struct NoSuchAccount;

/// Why nothing was broadcast.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BroadcastError {
    /// The session is not open.
    #[error(transparent)]
    NotLoggedIn(#[from] NotLoggedIn),
    /// The body is longer than the engine's limit.
    #[error("the message is {size} bytes, the limit is {limit}")]
    BodyTooLong {
        /// Bytes of the body.
        size: usize,
        /// The most bytes it may have.
        limit: usize,
    },
    /// The user gave this key to another request.
    #[error("the key was used for another request")]
    KeyReused,
    /// The last time that can be written has been used.
    #[error("the clock has reached the end of time")]
    EndOfTime,
    /// The message may not have been stored; whether it was is known once the store is open again.
    #[error("the message may not have been stored: {0}")]
    Storage(#[from] StorageError),
}

/// Why nothing was posted to a room.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostError {
    /// The session is not open.
    #[error(transparent)]
    NotLoggedIn(#[from] NotLoggedIn),
    /// There is no such room, or its members are others: which, nobody is told.
    #[error("no such room")]
    NoSuchRoom,
    /// The body is longer than the engine's limit.
    #[error("the message is {size} bytes, the limit is {limit}")]
    BodyTooLong {
        /// Bytes of the body.
        size: usize,
        /// The most bytes it may have.
        limit: usize,
    },
    /// The user gave this key to another request.
    #[error("the key was used for another request")]
    KeyReused,
    /// The last time that can be written has been used.
    #[error("the clock has reached the end of time")]
    EndOfTime,
    /// The message may not have been stored; whether it was is known once the store is open again.
    #[error("the message may not have been stored: {0}")]
    Storage(#[from] StorageError),
}

impl From<BroadcastError> for PostError {
    fn from(error: BroadcastError) -> Self {
        match error {
            BroadcastError::NotLoggedIn(error) => Self::NotLoggedIn(error),
            BroadcastError::BodyTooLong { size, limit } => Self::BodyTooLong { size, limit },
            BroadcastError::KeyReused => Self::KeyReused,
            BroadcastError::EndOfTime => Self::EndOfTime,
            BroadcastError::Storage(error) => Self::Storage(error),
        }
    }
}

/// Why no room was built.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreateRoomError {
    /// The session is not open.
    #[error(transparent)]
    NotLoggedIn(#[from] NotLoggedIn),
    /// Nobody has this name.
    #[error("there is no user {user}")]
    UnknownUser {
        /// The first such name.
        user: UserName,
    },
    /// This user is not active.
    #[error("{user} is not active")]
    InactiveUser {
        /// The first such user.
        user: UserName,
    },
    /// Nobody but the caller was named.
    #[error("a room needs somebody else in it")]
    NoMembers,
    /// More members than a room may have.
    #[error("a room has at most {limit} members")]
    TooManyMembers {
        /// How many it may have.
        limit: usize,
    },
    /// One of the members is in as many rooms as a user may be in. Who it is, nobody is told.
    #[error("a member would be in more than {limit} rooms")]
    TooManyRooms {
        /// How many rooms a user may be in.
        limit: usize,
    },
    /// A room with exactly these members exists.
    #[error("room {room} has exactly these members")]
    RoomExists {
        /// The room.
        room: RoomId,
    },
    /// The user gave this key to another request.
    #[error("the key was used for another request")]
    KeyReused,
    /// The last time that can be written has been used.
    #[error("the clock has reached the end of time")]
    EndOfTime,
    /// The room may not have been stored; whether it was is known once the store is open again.
    #[error("the room may not have been stored: {0}")]
    Storage(#[from] StorageError),
}

/// Why nothing was read.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The session is not open.
    #[error(transparent)]
    NotLoggedIn(#[from] NotLoggedIn),
    /// There is no such room, or its members are others: which, nobody is told.
    #[error("no such room")]
    NoSuchRoom,
    /// The store could not be read.
    #[error("the messages cannot be read: {0}")]
    Storage(#[from] StorageError),
}
