//! Any line from a server.

use super::fields::{Fields, VT};
use super::{Greeting, MessageLine, Push, Reply, Row, Tag, TransferPush};

/// A line from a server. It is understood without knowing what was asked, but for the rows, which stay as they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerLine<'a> {
    /// The first line.
    Greeting(Greeting),
    /// A line before the last of a reply.
    Row {
        /// The tag of the request.
        tag: Option<Tag>,
        /// The row, to be interpreted with the verb of the request.
        row: Row<'a>,
    },
    /// The last line of a reply.
    Reply(Reply),
    /// A line that nobody asked for.
    Push(Push),
}

/// Why a line from a server was not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServerLineError {
    /// It is not UTF-8.
    #[error("the line is not UTF-8")]
    NotUtf8,
    /// It holds a control character other than VT.
    #[error("the line holds a control character")]
    ControlCharacter,
    /// It greets as another version than 1.
    #[error("the server does not speak TOOM/1")]
    OtherVersion,
    /// An untagged line begins with a word that this version does not know, or with `UPD` and one. A client ignores it.
    #[error("the line begins with an unknown word")]
    UnknownWord,
    /// It begins with a known word, but what follows is not what has to follow.
    #[error("the line is malformed")]
    Malformed,
}

impl<'a> ServerLine<'a> {
    /// Parses a line, given without its end.
    ///
    /// # Errors
    /// [`ServerLineError`] says why not. [`ServerLineError::UnknownWord`] is to be ignored.
    pub fn parse(line: &'a [u8]) -> Result<Self, ServerLineError> {
        let line = str::from_utf8(line).map_err(|_| ServerLineError::NotUtf8)?;
        if line.contains(|c: char| c.is_control() && c != VT) {
            return Err(ServerLineError::ControlCharacter);
        }
        let mut fields = Fields::new(line);
        let first = fields.word().ok_or(ServerLineError::Malformed)?;
        let parsed = match first.strip_prefix('@') {
            Some(tag) => {
                let tag = Tag::parse(tag).map_err(|_| ServerLineError::Malformed)?;
                let word = fields.word().ok_or(ServerLineError::Malformed)?;
                Self::read_answer(Some(tag), word, fields)
            }
            None => match first {
                "MSG" => MessageLine::read(fields).map(|message| Self::Push(Push::Message(message))),
                "ROOM" => Push::read_room(fields).map(Self::Push),
                "LAG" => Push::read_lag(fields).map(Self::Push),
                "UPD" => Some(Self::Push(Push::Transfer(TransferPush::read(fields)?))),
                "BYE" => Push::read_bye(fields).map(Self::Push),
                "ROW" | "OK" | "ERR" => Self::read_answer(None, first, fields),
                "TOOM" if fields.word() != Some("1") => return Err(ServerLineError::OtherVersion),
                "TOOM" => Greeting::read(fields).map(Self::Greeting),
                _ => return Err(ServerLineError::UnknownWord),
            },
        };
        let parsed = parsed.ok_or(ServerLineError::Malformed)?;
        let holds_body = matches!(parsed, Self::Row { .. } | Self::Push(Push::Message(_)));
        if line.contains(VT) && !holds_body { Err(ServerLineError::ControlCharacter) } else { Ok(parsed) }
    }

    fn read_answer(tag: Option<Tag>, word: &str, fields: Fields<'a>) -> Option<Self> {
        match word {
            "ROW" => Some(Self::Row { tag, row: Row::new(fields.rest()?) }),
            "OK" => Reply::read_ok(tag, fields).map(Self::Reply),
            "ERR" => Reply::read_err(tag, fields).map(Self::Reply),
            _ => None,
        }
    }
}
