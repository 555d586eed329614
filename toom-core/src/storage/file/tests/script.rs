//! Random records as an engine would give them.

use proptest::prelude::*;

use crate::{
    Body, Conversation, IdempotencyKey, Message, MessageNumber, Posted, Record, RoomCreated, RoomId,
    Timestamp, UserName,
};

/// What one record is made of; the engine's part, numbers and times, comes in when it is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draft {
    pub(super) kind: Kind,
    pub(super) author: usize,
    pub(super) wait_micros: i64,
    pub(super) keyed: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// A post to the broadcast conversation, or to one of the rooms, of about so many bytes.
    Post {
        conversation: u32,
        bytes: usize,
    },
    Room,
}

pub(super) const AUTHORS: [&str; 4] = ["Obiwan", "luke", "yoda", "ＬＥＩＡ"];
pub(super) const CONVERSATIONS: u32 = 5;

pub(super) fn draft() -> impl Strategy<Value = Draft> {
    draft_of(prop_oneof![8 => 1_usize..80, 1 => 80_usize..2000, 1 => Just(8192_usize)])
}

/// A draft of a message of so many bytes, or of a room.
pub(super) fn draft_of(bytes: impl Strategy<Value = usize>) -> impl Strategy<Value = Draft> {
    let post = (0..CONVERSATIONS, bytes).prop_map(|(conversation, bytes)| Kind::Post { conversation, bytes });
    let kind = prop_oneof![9 => post, 1 => Just(Kind::Room)];
    let wait = prop_oneof![4 => 1_i64..1000, 1 => 1_i64..10_000_000];
    (kind, 0..AUTHORS.len(), wait, any::<bool>()).prop_map(|(kind, author, wait_micros, keyed)| Draft {
        kind,
        author,
        wait_micros,
        keyed,
    })
}

pub(super) fn batch() -> impl Strategy<Value = Vec<Draft>> {
    prop::collection::vec(draft(), 1..12)
}

/// Gives numbers and times, as an engine does.
#[derive(Clone, Debug, Default)]
pub(super) struct Writer {
    at: i64,
    written: u64,
    rooms: u32,
    numbers: [u64; CONVERSATIONS as usize],
}

impl Writer {
    pub(super) fn write(&mut self, drafts: &[Draft]) -> Vec<Record> {
        drafts.iter().map(|draft| self.record(*draft)).collect()
    }

    /// The same, but what would be said in a room that is not built yet is said to everyone.
    pub(super) fn write_in_order(&mut self, drafts: &[Draft]) -> Vec<Record> {
        let mut write = |draft: &Draft| match draft.kind {
            Kind::Post { conversation, bytes } if conversation > self.rooms => {
                self.record(Draft { kind: Kind::Post { conversation: 0, bytes }, ..*draft })
            }
            _ => self.record(*draft),
        };
        drafts.iter().map(&mut write).collect()
    }

    fn record(&mut self, draft: Draft) -> Record {
        self.at += draft.wait_micros;
        self.written += 1;
        let at = Timestamp::from_unix_micros(self.at).unwrap();
        let key = draft.keyed.then(|| IdempotencyKey::parse(&format!("key-{}", self.written)).unwrap());
        let author: UserName = AUTHORS[draft.author].parse().unwrap();
        match draft.kind {
            Kind::Room => {
                self.rooms += 1;
                let other = AUTHORS[(draft.author + 1) % AUTHORS.len()].parse().unwrap();
                let room = RoomId::new(self.rooms).unwrap();
                Record::RoomCreated(RoomCreated { room, at, members: [author, other].into(), key })
            }
            Kind::Post { conversation, bytes } => {
                let number = &mut self.numbers[conversation as usize];
                *number += 1;
                let text: String = format!("{} é ", self.written).chars().cycle().take(bytes).collect();
                let text = if text.len() > bytes { "x".repeat(bytes) } else { text };
                let message = Message {
                    conversation: self::conversation(conversation),
                    number: MessageNumber::new(*number).unwrap(),
                    at,
                    author,
                    body: Body::parse(&text).unwrap(),
                };
                Record::Posted(Posted { message, key })
            }
        }
    }
}

pub(super) fn conversation(number: u32) -> Conversation {
    RoomId::new(number).map_or(Conversation::Broadcast, Conversation::Room)
}

pub(super) fn conversations() -> impl Iterator<Item = Conversation> {
    (0..CONVERSATIONS).map(conversation)
}
