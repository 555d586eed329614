//! Inputs of the engine, as items and back. Passwords and secrets stay behind.

use core::num::NonZeroUsize;

use toom_core::{
    Body, Conversation, Cursor, IdempotencyKey, MessageNumber, Password, Reading, RoomId, SessionId, Since,
    Timestamp, UserName, Verdict,
};

use super::items::{self, Input as Recorded};
use crate::protocol::{ContentHash, FileName, FileOffer, Fingerprint, Tag};
use crate::server::exchange::{Ask, ConnectionId, Input, Offer, Operation, ReplyTo};

/// The item of an input.
pub(super) fn item(input: &Input) -> Recorded<'_> {
    match input {
        Input::Ask(Ask { to, operation }) => Recorded::Ask(items::Ask {
            connection: number(to.connection),
            ticket: to.ticket,
            tag: to.tag.as_ref().map(Tag::as_str),
            operation: operation_item(operation),
        }),
        Input::Checked(checked) => {
            Recorded::Checked { connection: number(checked.connection), verdict: checked.verdict.into() }
        }
        Input::Gone(connection) => Recorded::Gone { connection: number(*connection) },
        Input::Kick(user) => Recorded::Kick { user: user.as_str() },
        Input::Accounts(_) => Recorded::Accounts,
        Input::Stop => Recorded::Stop,
    }
}

/// The number of a connection, which is that of its session.
pub(in crate::server) fn number(connection: ConnectionId) -> u64 {
    connection.session().get()
}

pub(in crate::server) fn connection(number: u64) -> ConnectionId {
    ConnectionId::of_session(SessionId::new(number))
}

pub(super) fn room_number(conversation: Conversation) -> u32 {
    match conversation {
        Conversation::Broadcast => 0,
        Conversation::Room(room) => room.number(),
    }
}

pub(super) fn conversation(room: u32) -> Conversation {
    RoomId::new(room).map_or(Conversation::Broadcast, Conversation::Room)
}

fn operation_item(operation: &Operation) -> items::Operation<'_> {
    match operation {
        Operation::Login { user, password: _, ip, udp } => {
            items::Operation::Login { user: user.as_str(), ip: *ip, udp: *udp }
        }
        Operation::Logout => items::Operation::Logout,
        Operation::ActiveUsers => items::Operation::ActiveUsers,
        Operation::Read { reading, limit } => {
            items::Operation::Read { reading: reading_item(reading), limit: limit.get() as u64 }
        }
        Operation::Broadcast { key, body } => {
            items::Operation::Broadcast { key: key_text(key.as_ref()), text: body.as_str() }
        }
        Operation::CreateRoom { key, users } => items::Operation::CreateRoom {
            key: key_text(key.as_ref()),
            users: users.iter().map(UserName::as_str).collect(),
        },
        Operation::PostRoom { key, room, body } => items::Operation::PostRoom {
            key: key_text(key.as_ref()),
            room: room.number(),
            text: body.as_str(),
        },
        Operation::Offer(offer) => items::Operation::Offer {
            user: offer.user.as_str(),
            bytes: offer.file.bytes,
            hash: *offer.file.hash.bytes(),
            fingerprint: *offer.file.fingerprint.bytes(),
            name: offer.file.name.as_str(),
        },
    }
}

fn key_text(key: Option<&IdempotencyKey>) -> Option<&str> {
    key.map(IdempotencyKey::as_str)
}

fn reading_item(reading: &Reading) -> items::Reading {
    match *reading {
        Reading::Conversation { conversation, since: Since::Time(at) } => {
            items::Reading::Since { room: room_number(conversation), at: at.unix_micros() }
        }
        Reading::Conversation { conversation, since: Since::Number(after) } => items::Reading::After {
            room: room_number(conversation),
            number: after.map_or(0, MessageNumber::get),
        },
        Reading::Rooms { since } => items::Reading::Rooms { since: since.unix_micros() },
        Reading::Next(cursor) => items::Reading::Next { cursor: cursor.to_string() },
    }
}

/// The request that an item was made of, but for the password. `None`: it was made of none.
pub(in crate::server) fn ask(item: &items::Ask<'_>) -> Option<Ask> {
    let tag = option(item.tag, |tag| Tag::parse(tag).ok())?;
    let to = ReplyTo { connection: connection(item.connection), ticket: item.ticket, tag };
    Some(Ask { to, operation: operation(&item.operation)? })
}

fn operation(item: &items::Operation<'_>) -> Option<Operation> {
    Some(match item {
        items::Operation::Login { user, ip, udp } => {
            Operation::Login { user: name(user)?, password: Password::new(""), ip: *ip, udp: *udp }
        }
        items::Operation::Logout => Operation::Logout,
        items::Operation::ActiveUsers => Operation::ActiveUsers,
        items::Operation::Read { reading: of, limit } => Operation::Read {
            reading: reading(of)?,
            limit: usize::try_from(*limit).ok().and_then(NonZeroUsize::new)?,
        },
        items::Operation::Broadcast { key: of, text } => {
            Operation::Broadcast { key: key(*of)?, body: Body::parse(text).ok()? }
        }
        items::Operation::CreateRoom { key: of, users } => Operation::CreateRoom {
            key: key(*of)?,
            users: users.iter().map(|user| name(user)).collect::<Option<_>>()?,
        },
        items::Operation::PostRoom { key: of, room, text } => {
            Operation::PostRoom { key: key(*of)?, room: RoomId::new(*room)?, body: Body::parse(text).ok()? }
        }
        items::Operation::Offer { user, bytes, hash, fingerprint, name: of } => {
            let file = FileOffer {
                bytes: *bytes,
                hash: ContentHash::new(*hash),
                fingerprint: Fingerprint::new(*fingerprint),
                name: FileName::parse(of).ok()?,
            };
            Operation::Offer(Box::new(Offer { user: name(user)?, file }))
        }
    })
}

fn reading(item: &items::Reading) -> Option<Reading> {
    Some(match item {
        items::Reading::Since { room, at } => {
            Reading::Conversation { conversation: conversation(*room), since: Since::Time(time(*at)?) }
        }
        items::Reading::After { room, number } => Reading::Conversation {
            conversation: conversation(*room),
            since: Since::Number(MessageNumber::new(*number)),
        },
        items::Reading::Rooms { since } => Reading::Rooms { since: time(*since)? },
        items::Reading::Next { cursor } => Reading::Next(cursor.parse::<Cursor>().ok()?),
    })
}

pub(in crate::server) fn name(text: &str) -> Option<UserName> {
    UserName::parse(text).ok()
}

pub(in crate::server) fn time(micros: i64) -> Option<Timestamp> {
    Timestamp::from_unix_micros(micros)
}

/// The key that stands there, if one does; the outer `None`: what stands there is no key.
#[expect(clippy::option_option, reason = "a key that is missing is another thing than one that is wrong")]
pub(super) fn key(text: Option<&str>) -> Option<Option<IdempotencyKey>> {
    option(text, |text| IdempotencyKey::parse(text).ok())
}

#[expect(clippy::option_option, reason = "what is missing is another thing than what is wrong")]
fn option<T>(text: Option<&str>, parse: impl Fn(&str) -> Option<T>) -> Option<Option<T>> {
    match text {
        None => Some(None),
        Some(text) => parse(text).map(Some),
    }
}

impl From<Verdict> for items::Verdict {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Right => Self::Right,
            Verdict::Wrong => Self::Wrong,
        }
    }
}

impl From<items::Verdict> for Verdict {
    fn from(verdict: items::Verdict) -> Self {
        match verdict {
            items::Verdict::Right => Self::Right,
            items::Verdict::Wrong => Self::Wrong,
        }
    }
}
