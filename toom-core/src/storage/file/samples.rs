//! Records for the tests of a store in a folder.

use proptest::prelude::*;

use crate::{
    Body, Conversation, IdempotencyKey, Message, MessageNumber, Posted, Record, RoomCreated, RoomId,
    Timestamp, UserName,
};

/// The message numbered `number` of the broadcast conversation.
pub(super) fn posted(number: u64, body: &str) -> Record {
    Record::Posted(Posted {
        message: Message {
            conversation: Conversation::Broadcast,
            number: MessageNumber::new(number).unwrap(),
            at: Timestamp::from_unix_micros(number.cast_signed()).unwrap(),
            author: UserName::parse("Luke").unwrap(),
            body: Body::parse(body).unwrap(),
        },
        key: None,
    })
}

pub(super) fn any_record() -> impl Strategy<Value = Record> {
    prop_oneof![
        4 => any_posted().prop_map(Record::Posted),
        1 => any_room().prop_map(Record::RoomCreated),
    ]
}

fn any_posted() -> impl Strategy<Value = Posted> {
    let conversation =
        any::<u32>().prop_map(|room| RoomId::new(room).map_or(Conversation::Broadcast, Conversation::Room));
    let number = (1..=u64::MAX).prop_map(|number| MessageNumber::new(number).unwrap());
    let body = "\\PC{0,40}x".prop_map(|text| Body::parse(&text).unwrap());
    (conversation, number, any_time(), any_name(), body, any_key()).prop_map(
        |(conversation, number, at, author, body, key)| Posted {
            message: Message { conversation, number, at, author, body },
            key,
        },
    )
}

fn any_room() -> impl Strategy<Value = RoomCreated> {
    let room = (1..=u32::MAX).prop_map(|room| RoomId::new(room).unwrap());
    let members = prop::collection::vec(any_name(), 0..5);
    (room, any_time(), members, any_key()).prop_map(|(room, at, members, key)| RoomCreated {
        room,
        at,
        members: members.into(),
        key,
    })
}

fn any_time() -> impl Strategy<Value = Timestamp> {
    (Timestamp::MIN.unix_micros()..=Timestamp::MAX.unix_micros())
        .prop_map(|micros| Timestamp::from_unix_micros(micros).unwrap())
}

fn any_name() -> impl Strategy<Value = UserName> {
    "[A-Za-zé]{1,32}".prop_map(|raw| UserName::parse(&raw).unwrap())
}

fn any_key() -> impl Strategy<Value = Option<IdempotencyKey>> {
    prop::option::of("[A-Za-z0-9_-]{1,64}".prop_map(|raw| IdempotencyKey::parse(&raw).unwrap()))
}
