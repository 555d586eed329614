//! From a command of the wire to an operation of the engine.

use core::num::NonZeroUsize;

use toom_core::{Conversation, Cursor, Reading};

use super::Connection;
use crate::protocol::{Code, Command, CursorWord, Failure, Named, PageLimit, RoomsSince, Since, Verb};
use crate::server::ServerLimits;
use crate::server::exchange::Operation;

impl Connection {
    /// What the engine is to be asked for `command`, or why it is not asked at all.
    pub(super) fn operation(&self, command: Command) -> Result<Operation, Failure> {
        Ok(match command {
            Command::Login { user, password } => {
                Operation::Login { user, password, ip: self.ip, udp: self.udp }
            }
            Command::Broadcast { key, body } => Operation::Broadcast { key, body },
            Command::CreateRoom { key, users } => Operation::CreateRoom { key, users: names(users)? },
            Command::PostRoom { key, room, body } => Operation::PostRoom { key, room, body },
            Command::ActiveUsers => Operation::ActiveUsers,
            Command::ReadConversation { conversation, since, limit } => {
                let since = match since {
                    Since::Time(at) => toom_core::Since::Time(at),
                    Since::Number(after) => toom_core::Since::Number(after),
                    Since::Cursor(word) => {
                        return Ok(Operation::next(cursor(&word, Some(conversation))?, limit));
                    }
                };
                Operation::read(Reading::Conversation { conversation, since }, limit)
            }
            Command::ReadRooms { since: RoomsSince::Time(since), limit } => {
                Operation::read(Reading::Rooms { since }, limit)
            }
            Command::ReadRooms { since: RoomsSince::Cursor(word), limit } => {
                Operation::next(cursor(&word, None)?, limit)
            }
            Command::Logout => Operation::Logout,
            other => return Err(Failure::new(other.verb(), Code::Unavailable, "not served here")),
        })
    }
}

impl Operation {
    fn read(reading: Reading, limit: PageLimit) -> Self {
        let limit = NonZeroUsize::MIN.saturating_add(usize::from(limit.get()) - 1);
        Self::Read { reading, limit }
    }

    fn next(cursor: Cursor, limit: PageLimit) -> Self {
        Self::read(Reading::Next(cursor), limit)
    }

    /// What it counts among the requests in flight: a long reply, half of what may be.
    pub(super) fn weight(&self, limits: &ServerLimits) -> usize {
        match self {
            Self::Read { .. } | Self::ActiveUsers => limits.requests_in_flight_max.get().div_ceil(2),
            _ => 1,
        }
    }
}

fn names(users: Vec<Named>) -> Result<Vec<toom_core::UserName>, Failure> {
    let name = |user| match user {
        Named::User(name) => Ok(name),
        Named::Nobody(word) => {
            let text = format!("there is no user {word}");
            Err(Failure::new(Verb::Srb, Code::UnknownUser(word), text))
        }
    };
    users.into_iter().map(name).collect()
}

/// The cursor that `word` is, if an earlier page of the same conversation, or of all rooms, can have given it.
fn cursor(word: &CursorWord, of: Option<Conversation>) -> Result<Cursor, Failure> {
    let cursor = word.as_str().parse::<Cursor>().ok().filter(|cursor| cursor.of_conversation() == of);
    cursor.ok_or_else(|| {
        Failure::new(Verb::Rdm, Code::Syntax, "a cursor belongs to the read whose reply gave it")
    })
}
