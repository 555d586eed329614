//! Lines that nobody asked for.

use toom_core::{Conversation, MessageNumber, MessageRef, RoomId};

use super::fields::Fields;
use super::row::append_message_fields;
use super::{ByeCode, MessageLine, NameWord, TransferPush, put};

/// A line that the server sends on its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Push {
    /// `MSG`: someone posted.
    Message(MessageLine),
    /// `ROOM`: a room was built with you in it.
    Room {
        /// The room.
        room: RoomId,
        /// Its members, who built it first.
        members: Vec<NameWord>,
    },
    /// `LAG`: these messages were not pushed.
    Lag {
        /// Of which conversation.
        conversation: Conversation,
        /// The first of them.
        first: MessageNumber,
        /// The last of them.
        last: MessageNumber,
    },
    /// `UPD`: something about a transfer of a file.
    Transfer(TransferPush),
    /// `BYE`: the server is about to close.
    Bye {
        /// Why, for programs.
        code: ByeCode,
        /// Why, for people: one line, at most [`TEXT_BYTES_MAX`](super::TEXT_BYTES_MAX) bytes of which are written.
        text: Box<str>,
    },
}

impl Push {
    /// Appends `MSG` for `message`. Nothing is allocated but by `out`.
    pub fn append_message(out: &mut Vec<u8>, message: MessageRef<'_>) {
        put::str(out, "MSG");
        append_message_fields(out, message);
        put::end(out);
    }

    /// Appends the line with its end.
    pub fn append_to(&self, out: &mut Vec<u8>) {
        match self {
            Self::Message(message) => return Self::append_message(out, message.view()),
            Self::Room { room, members } => {
                put::str(out, "ROOM");
                put::room_field(out, *room);
                put::name_fields(out, members);
            }
            Self::Lag { conversation, first, last } => {
                put::str(out, "LAG");
                put::conversation_field(out, *conversation);
                put::message_number_field(out, *first);
                put::message_number_field(out, *last);
            }
            Self::Transfer(push) => push.append_to(out),
            Self::Bye { code, text } => {
                put::str(out, "BYE ");
                put::str(out, code.as_str());
                put::people_field(out, text);
            }
        }
        put::end(out);
    }

    pub(super) fn read_room(mut fields: Fields<'_>) -> Option<Self> {
        Some(Self::Room { room: fields.room()?, members: fields.names()? })
    }

    pub(super) fn read_lag(mut fields: Fields<'_>) -> Option<Self> {
        let conversation = fields.conversation()?;
        let (first, last) = (fields.message_number()?, fields.message_number()?);
        (first <= last).then_some(Self::Lag { conversation, first, last })
    }

    pub(super) fn read_bye(mut fields: Fields<'_>) -> Option<Self> {
        let code = ByeCode::read(&mut fields)?;
        Some(Self::Bye { code, text: fields.rest().unwrap_or_default().into() })
    }
}
