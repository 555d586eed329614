//! Records as they lie in the journal.
//!
//! | posted | bytes | | room created | bytes |
//! |---|---|---|---|---|
//! | kind: 2 | 1 | | kind: 1 | 1 |
//! | conversation: 0 broadcast, else the room | 4 | | room | 4 |
//! | number | 8 | | time | 8 |
//! | time | 8 | | bytes of key, 0 for none | 1 |
//! | bytes of author | 1 | | members | 2 |
//! | bytes of key, 0 for none | 1 | | key | |
//! | bytes of body | 4 | | of each member: bytes | 1 |
//! | author, key, body | | | its name | |

use std::collections::BTreeMap;

use super::bytes::{Put, Take};
use crate::{
    IdempotencyKey, KeyedRequest, MessageRef, Posted, Record, RoomCreated, RoomId, Timestamp, UserName,
};

const ROOM_CREATED: u8 = 1;
const POSTED: u8 = 2;
const ROOM_CREATED_HEAD_BYTES: usize = 16;
const POSTED_HEAD_BYTES: usize = 27;

/// A record, lent by the bytes in which it lies.
#[derive(Clone, Copy)]
pub(super) enum RecordRef<'a> {
    RoomCreated(RoomCreatedRef<'a>),
    Posted(PostedRef<'a>),
}

#[derive(Clone, Copy)]
pub(super) struct RoomCreatedRef<'a> {
    pub(super) room: RoomId,
    pub(super) at: Timestamp,
    pub(super) key: Option<&'a str>,
    pub(super) members: MembersRef<'a>,
}

#[derive(Clone, Copy)]
pub(super) struct PostedRef<'a> {
    pub(super) message: MessageRef<'a>,
    pub(super) key: Option<&'a str>,
}

/// The names of a room's members, in order.
#[derive(Clone, Copy)]
pub(super) struct MembersRef<'a> {
    count: u16,
    names: Take<'a>,
}

/// What lies there is no record, or says what no engine accepts: what of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

/// User names that were parsed before, by how they are shown: parsing one takes longer than reading a message.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeMap<Box<str>, UserName>);

/// The bytes that [`put`] puts.
pub(super) fn size(record: &Record) -> u64 {
    let key_bytes = |key: &Option<IdempotencyKey>| key.as_ref().map_or(0, |key| key.as_str().len());
    let bytes = match record {
        Record::Posted(Posted { message, key }) => {
            let texts = message.author.as_str().len() + message.body.as_str().len();
            POSTED_HEAD_BYTES + texts + key_bytes(key)
        }
        Record::RoomCreated(created) => {
            let names: usize = created.members.iter().map(|member| 1 + member.as_str().len()).sum();
            ROOM_CREATED_HEAD_BYTES + names + key_bytes(&created.key)
        }
    };
    bytes as u64
}

/// Puts `record` behind the bytes that are there; `None` if it has more members than can be told, and then a part of it is
/// there.
pub(super) fn put(record: &Record, out: &mut Vec<u8>) -> Option<()> {
    match record {
        Record::Posted(posted) => put_posted(posted, out),
        Record::RoomCreated(created) => put_room_created(created, out),
    }
}

fn put_posted(Posted { message, key }: &Posted, out: &mut Vec<u8>) -> Option<()> {
    let (author, body) = (message.author.as_str(), message.body.as_str());
    let key = key.as_ref().map_or("", IdempotencyKey::as_str);
    out.put_u8(POSTED);
    out.put_conversation(message.conversation);
    out.put_u64(message.number.get());
    out.put_i64(message.at.unix_micros());
    out.put_u8(u8::try_from(author.len()).ok()?);
    out.put_u8(u8::try_from(key.len()).ok()?);
    out.put_u32(u32::try_from(body.len()).ok()?);
    out.put_bytes(author.as_bytes());
    out.put_bytes(key.as_bytes());
    out.put_bytes(body.as_bytes());
    Some(())
}

pub(super) fn put_room_created(created: &RoomCreated, out: &mut Vec<u8>) -> Option<()> {
    let key = created.key.as_ref().map_or("", IdempotencyKey::as_str);
    out.put_u8(ROOM_CREATED);
    out.put_u32(created.room.number());
    out.put_i64(created.at.unix_micros());
    out.put_u8(u8::try_from(key.len()).ok()?);
    out.put_u16(u16::try_from(created.members.len()).ok()?);
    out.put_bytes(key.as_bytes());
    for member in created.members.iter() {
        out.put_u8(u8::try_from(member.as_str().len()).ok()?);
        out.put_bytes(member.as_str().as_bytes());
    }
    Some(())
}

impl<'a> RecordRef<'a> {
    /// The record at the front of `bytes`; `None` if there is none. Names and keys are not parsed yet.
    pub(super) fn take(bytes: &mut Take<'a>) -> Option<Self> {
        match bytes.u8()? {
            ROOM_CREATED => take_room_created(bytes).map(Self::RoomCreated),
            POSTED => take_posted(bytes).map(Self::Posted),
            _ => None,
        }
    }

    /// The keyed request that it came from, if it bore a key.
    pub(super) fn keyed(&self, names: &mut Names) -> Result<Option<KeyedRequest>, Malformed> {
        match *self {
            Self::Posted(PostedRef { key: None, .. })
            | Self::RoomCreated(RoomCreatedRef { key: None, .. }) => Ok(None),
            Self::Posted(PostedRef { message, key: Some(key) }) => {
                Ok(Some(KeyedRequest::of_post(names.parse(message.author)?, parse_key(key)?, message)))
            }
            Self::RoomCreated(created) => Ok(KeyedRequest::of_room(&created.own(names)?)),
        }
    }
}

impl RoomCreatedRef<'_> {
    pub(super) fn own(&self, names: &mut Names) -> Result<RoomCreated, Malformed> {
        Ok(RoomCreated {
            room: self.room,
            at: self.at,
            members: self.members.iter().map(|name| names.parse(name)).collect::<Result<_, _>>()?,
            key: self.key.map(parse_key).transpose()?,
        })
    }
}

fn take_posted<'a>(bytes: &mut Take<'a>) -> Option<PostedRef<'a>> {
    let (conversation, number, at) = (bytes.conversation()?, bytes.number()?, bytes.time()?);
    let (author_bytes, key_bytes, body_bytes) = (bytes.u8()?, bytes.u8()?, bytes.u32()?);
    let author = bytes.text(author_bytes.into())?;
    let key = key_if_any(bytes.text(key_bytes.into())?);
    let body = bytes.text(usize::try_from(body_bytes).ok()?)?;
    Some(PostedRef { message: MessageRef { conversation, number, at, author, body }, key })
}

fn take_room_created<'a>(bytes: &mut Take<'a>) -> Option<RoomCreatedRef<'a>> {
    let (room, at) = (bytes.u32().and_then(RoomId::new)?, bytes.time()?);
    let (key_bytes, count) = (bytes.u8()?, bytes.u16()?);
    let key = key_if_any(bytes.text(key_bytes.into())?);
    let members = MembersRef { count, names: *bytes };
    for _ in 0..count {
        take_name(bytes)?;
    }
    Some(RoomCreatedRef { room, at, key, members })
}

fn key_if_any(key: &str) -> Option<&str> {
    (!key.is_empty()).then_some(key)
}

fn take_name<'a>(bytes: &mut Take<'a>) -> Option<&'a str> {
    let name_bytes = bytes.u8()?;
    bytes.text(name_bytes.into())
}

impl<'a> MembersRef<'a> {
    pub(super) fn iter(self) -> impl Iterator<Item = &'a str> {
        let mut names = self.names;
        (0..self.count).map_while(move |_| take_name(&mut names))
    }
}

impl Names {
    pub(super) fn parse(&mut self, shown: &str) -> Result<UserName, Malformed> {
        if let Some(name) = self.0.get(shown) {
            return Ok(name.clone());
        }
        let name = UserName::from_record(shown).map_err(|_| Malformed("no user has such a name"))?;
        self.0.insert(shown.into(), name.clone());
        Ok(name)
    }
}

fn parse_key(raw: &str) -> Result<IdempotencyKey, Malformed> {
    IdempotencyKey::parse(raw).map_err(|_| Malformed("no request has such a key"))
}

#[cfg(test)]
mod tests;
