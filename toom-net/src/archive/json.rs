//! Lines of JSON: what an export is, exactly.
//!
//! ```json
//! {"type":"toom","format":1,"rooms":1,"messages":2}
//! {"type":"message","number":1,"at":"2022-08-04T09:02:29.123456Z","user":"obiwan","text":"hello"}
//! {"type":"room","room":1,"at":"2022-08-04T09:02:40.654321Z","members":["obiwan","luke"]}
//! {"type":"message","room":1,"number":1,"at":"2022-08-04T09:03:07.000001Z","user":"obiwan","text":"have a nice day"}
//! ```

use std::borrow::Cow;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use toom_core::{
    Body, BodyError, Conversation, Message, MessageNumber, MessageRef, Posted, Record, RoomCreated, RoomId,
    Timestamp, UserName, UserNameError,
};

use super::progress::Counts;
use crate::protocol::{TimeError, append_time, parse_time};

/// The version of the form. A reader refuses others.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum JsonLine<'a> {
    /// The first line.
    Toom(Header),
    #[serde(borrow)]
    Room(JsonRoom<'a>),
    #[serde(borrow)]
    Message(JsonMessage<'a>),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    format: u32,
    rooms: u64,
    messages: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JsonRoom<'a> {
    room: u32,
    #[serde(borrow)]
    at: Cow<'a, str>,
    #[serde(borrow)]
    members: Vec<Cow<'a, str>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JsonMessage<'a> {
    /// None for what is said to everyone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    room: Option<u32>,
    number: u64,
    #[serde(borrow)]
    at: Cow<'a, str>,
    #[serde(borrow)]
    user: Cow<'a, str>,
    #[serde(borrow)]
    text: Cow<'a, str>,
}

/// Why a line is none of an export.
#[derive(Debug, thiserror::Error)]
pub(super) enum JsonError {
    #[error("no line of an export: {0}")]
    Form(#[from] serde_json::Error),
    #[error("rooms and messages are numbered from 1")]
    Zero,
    #[error(transparent)]
    Time(#[from] TimeError),
    #[error(transparent)]
    Name(#[from] UserNameError),
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error("this toomd reads format {FORMAT}, and the file has format {found}")]
    Format { found: u32 },
    #[error("a file of `toomd export --format json` begins with a line of type toom, and has no other")]
    Header,
}

impl Header {
    pub(super) fn new(Counts { rooms, messages }: Counts) -> Self {
        Self { format: FORMAT, rooms, messages }
    }
}

impl<'a> JsonLine<'a> {
    pub(super) fn room(created: &'a RoomCreated) -> Self {
        let members = created.members.iter().map(|member| member.as_str().into()).collect();
        Self::Room(JsonRoom { room: created.room.number(), at: time(created.at), members })
    }

    pub(super) fn message(message: MessageRef<'a>) -> Self {
        let MessageRef { conversation, number, at, author, body } = message;
        let room = match conversation {
            Conversation::Broadcast => None,
            Conversation::Room(room) => Some(room.number()),
        };
        Self::Message(JsonMessage {
            room,
            number: number.get(),
            at: time(at),
            user: author.into(),
            text: body.into(),
        })
    }
}

/// Writes a line with its end.
pub(super) fn write(out: &mut impl Write, line: &JsonLine<'_>) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}

/// Reads the first line.
pub(super) fn read_header(line: &str) -> Result<Counts, JsonError> {
    match serde_json::from_str(line) {
        Ok(JsonLine::Toom(Header { format: FORMAT, rooms, messages })) => Ok(Counts { rooms, messages }),
        Ok(JsonLine::Toom(Header { format, .. })) => Err(JsonError::Format { found: format }),
        Ok(JsonLine::Room(_) | JsonLine::Message(_)) | Err(_) => Err(JsonError::Header),
    }
}

/// Reads another line.
pub(super) fn read(line: &str) -> Result<Record, JsonError> {
    match serde_json::from_str(line)? {
        JsonLine::Toom(_) => Err(JsonError::Header),
        JsonLine::Room(JsonRoom { room, at, members }) => {
            let members =
                members.iter().map(|member| UserName::from_record(member)).collect::<Result<_, _>>()?;
            let room = RoomId::new(room).ok_or(JsonError::Zero)?;
            Ok(Record::RoomCreated(RoomCreated { room, at: parse_time(&at)?, members, key: None }))
        }
        JsonLine::Message(JsonMessage { room, number, at, user, text }) => {
            let conversation = match room {
                None => Conversation::Broadcast,
                Some(room) => Conversation::Room(RoomId::new(room).ok_or(JsonError::Zero)?),
            };
            let message = Message {
                conversation,
                number: MessageNumber::new(number).ok_or(JsonError::Zero)?,
                at: parse_time(&at)?,
                author: UserName::from_record(&user)?,
                body: Body::parse(&text)?,
            };
            Ok(Record::Posted(Posted { message, key: None }))
        }
    }
}

fn time(at: Timestamp) -> Cow<'static, str> {
    let mut text = Vec::with_capacity(27);
    append_time(&mut text, at);
    String::from_utf8_lossy(&text).into_owned().into()
}
