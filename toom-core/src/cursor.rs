//! Where a page ended, so that the next can go on there.

use core::fmt;
use core::str::FromStr;

use crate::{Conversation, MessageNumber, RoomId, Timestamp};

/// Where a page ended. It is written as one word of `a-z 0-9 . -`, to be handed out and taken back as it is; it
/// carries no right, and a made-up one reads nothing that could not be read without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(pub(crate) Place);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Behind a number of a conversation.
    Conversation { conversation: Conversation, after: Option<MessageNumber> },
    /// Behind a number of a room, in a read over all rooms of what is later than `since` and not later than `horizon`; without
    /// one, than the last message of these rooms.
    Rooms { since: Timestamp, horizon: Option<Timestamp>, room: RoomId, after: Option<MessageNumber> },
}

impl Cursor {
    pub(crate) const fn conversation(conversation: Conversation, after: Option<MessageNumber>) -> Self {
        Self(Place::Conversation { conversation, after })
    }

    pub(crate) const fn rooms(
        since: Timestamp,
        horizon: Option<Timestamp>,
        room: RoomId,
        after: Option<MessageNumber>,
    ) -> Self {
        Self(Place::Rooms { since, horizon, room, after })
    }

    /// The one conversation that it goes on with; `None`: all rooms.
    #[must_use]
    pub const fn of_conversation(&self) -> Option<Conversation> {
        match self.0 {
            Place::Conversation { conversation, .. } => Some(conversation),
            Place::Rooms { .. } => None,
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |after: Option<MessageNumber>| after.map_or(0, MessageNumber::get);
        match self.0 {
            Place::Conversation { conversation: Conversation::Broadcast, after } => {
                write!(f, "b.{}", number(after))
            }
            Place::Conversation { conversation: Conversation::Room(room), after } => {
                write!(f, "r.{room}.{}", number(after))
            }
            Place::Rooms { since, horizon: None, room, after } => {
                write!(f, "s.{}.x.{room}.{}", since.unix_micros(), number(after))
            }
            Place::Rooms { since, horizon: Some(horizon), room, after } => {
                write!(f, "s.{}.{}.{room}.{}", since.unix_micros(), horizon.unix_micros(), number(after))
            }
        }
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(word: &str) -> Result<Self, CursorError> {
        parse(word).map(Self).ok_or(CursorError)
    }
}

fn parse(word: &str) -> Option<Place> {
    let mut parts = word.split('.');
    let place = match parts.next()? {
        "b" => Place::Conversation {
            conversation: Conversation::Broadcast,
            after: MessageNumber::new(parts.next()?.parse().ok()?),
        },
        "r" => Place::Conversation {
            conversation: Conversation::Room(room(parts.next()?)?),
            after: MessageNumber::new(parts.next()?.parse().ok()?),
        },
        "s" => Place::Rooms {
            since: time(parts.next()?)?,
            horizon: match parts.next()? {
                "x" => None,
                word => Some(time(word)?),
            },
            room: room(parts.next()?)?,
            after: MessageNumber::new(parts.next()?.parse().ok()?),
        },
        _ => return None,
    };
    parts.next().is_none().then_some(place)
}

fn room(word: &str) -> Option<RoomId> {
    word.parse().ok().and_then(RoomId::new)
}

fn time(word: &str) -> Option<Timestamp> {
    word.parse().ok().and_then(Timestamp::from_unix_micros)
}

/// The word is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a cursor is a word that an earlier reply gave")]
pub struct CursorError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_as_it_was_written() {
        let at = |micros| Timestamp::from_unix_micros(micros).unwrap();
        let room = RoomId::new(7).unwrap();
        let after = MessageNumber::new(9);
        let cases = [
            (Cursor::conversation(Conversation::Broadcast, None), "b.0"),
            (Cursor::conversation(Conversation::Room(room), after), "r.7.9"),
            (Cursor::rooms(at(-5), None, room, None), "s.-5.x.7.0"),
            (Cursor::rooms(at(5), Some(at(6)), room, after), "s.5.6.7.9"),
        ];
        for (cursor, word) in cases {
            assert_eq!(cursor.to_string(), word);
            assert_eq!(word.parse(), Ok(cursor));
        }
    }

    #[test]
    fn other_words_are_no_cursors() {
        let words =
            ["", "b", "b.", "b.x", "b.1.2", "r.0.1", "r.1", "s.1.2.3", "s.1.2.0.1", "s.x.2.1.1", "q.1"];
        for word in words {
            assert_eq!(word.parse::<Cursor>(), Err(CursorError), "{word}");
        }
        assert!(format!("s.{}.x.1.0", i64::MAX).parse::<Cursor>().is_err());
    }
}
