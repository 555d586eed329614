//! What a server tells its operator: one line an event.

use core::fmt;
use core::net::IpAddr;
use core::num::NonZeroU16;
use std::sync::Arc;

use jiff::tz::TimeZone;
use toom_core::{Conversation, Message, Room, SessionId, StorageError, Timestamp, UserName};

use crate::shown::{OneLine, Spoken};

/// Something that an operator may want to see. It is given to the event sink after it is stored, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The server has begun.
    Running,
    /// It accepts connections.
    Waiting,
    /// A message was posted, to everyone or to a room.
    Posted(Message),
    /// A user asked who is active.
    ListedUsers {
        /// Who.
        user: UserName,
    },
    /// A room was built; its first member built it.
    RoomCreated(Room),
    /// A user reads what was posted.
    Read {
        /// Who.
        user: UserName,
    },
    /// A session has begun.
    LoggedIn(OpenSession),
    /// A session has ended, for whatever reason.
    LoggedOut {
        /// Which.
        session: SessionId,
        /// Whose.
        user: UserName,
    },
    /// Something failed that the operator can mend.
    Trouble {
        /// Which thing, doing what, and why.
        problem: String,
    },
}

/// A session that has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenSession {
    /// The session.
    pub session: SessionId,
    /// When it began.
    pub at: Timestamp,
    /// Whose it is, spelled as the account is.
    pub user: UserName,
    /// Where its user is.
    pub ip: IpAddr,
    /// The UDP port of its user's client, if it told one.
    pub udp: Option<NonZeroU16>,
}

impl Event {
    /// The store did not keep what it was given, or could not be read.
    pub(super) fn storage_failed(error: &StorageError) -> Self {
        Self::trouble("storage", error)
    }

    pub(super) fn trouble(doing: &str, error: &dyn core::error::Error) -> Self {
        Self::Trouble { problem: format!("{doing}: {error}") }
    }

    /// Whether it tells of trouble: such lines go to standard error.
    #[must_use]
    pub fn is_trouble(&self) -> bool {
        matches!(self, Self::Trouble { .. })
    }
}

/// Whether event lines show what is said in rooms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RoomTexts {
    /// They do not.
    #[default]
    Hidden,
    /// They do: the operator asked for it.
    Shown,
}

/// How event lines are written.
#[derive(Clone, Debug)]
pub struct EventFormat {
    /// The time zone of the times in them.
    pub zone: TimeZone,
    /// Whether they show what is said in rooms.
    pub room_texts: RoomTexts,
}

impl EventFormat {
    /// The line of an event, without an end. Who logs in is not told: what follows says who is there.
    #[must_use]
    pub fn line<'a>(&'a self, event: &'a Event) -> Option<EventLine<'a>> {
        let told = !matches!(event, Event::LoggedIn(_));
        told.then_some(EventLine { format: self, event })
    }
}

/// An event as a line. Whatever the texts hold, it is one, and no terminal obeys it: see [`OneLine`].
#[derive(Clone, Copy, Debug)]
pub struct EventLine<'a> {
    format: &'a EventFormat,
    event: &'a Event,
}

impl fmt::Display for EventLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.event {
            Event::Running => f.write_str("===== Server is running ====="),
            Event::Waiting => f.write_str("===== Waiting for connection request from clients...====="),
            Event::Posted(message) => self.posted(message, f),
            Event::ListedUsers { user } => write!(f, "{user} issued ATU command"),
            Event::RoomCreated(room) => created(room, f),
            Event::Read { user } => write!(f, "RDM command issued from {user}"),
            Event::LoggedIn(_) => Ok(()),
            Event::LoggedOut { user, .. } => write!(f, "{user} logout"),
            Event::Trouble { problem } => OneLine(problem).fmt(f),
        }
    }
}

impl EventLine<'_> {
    fn posted(&self, message: &Message, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Message { conversation, number, at, author, body } = message;
        let at = Spoken { at: *at, zone: &self.format.zone };
        let text = OneLine(body.as_str());
        match conversation {
            Conversation::Broadcast => write!(f, "{author} broadcasted BCM \"{text}\" at {at}"),
            Conversation::Room(room) => {
                write!(f, "{author} issued a message in separate room {room}: #{number};{at};{author}")?;
                match self.format.room_texts {
                    RoomTexts::Hidden => Ok(()),
                    RoomTexts::Shown => write!(f, ";{text}"),
                }
            }
        }
    }
}

fn created(room: &Room, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let members: &Arc<[UserName]> = &room.members;
    if let Some(builder) = members.first() {
        write!(f, "{builder} issued SRB command: ")?;
    }
    write!(f, "Separate chat room has been created, room ID:{}, users in this room:", room.id)?;
    for (place, member) in members.iter().enumerate() {
        write!(f, "{}{member}", if place == 0 { "" } else { ", " })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
