//! Little-endian numbers in bytes that nobody has checked yet.

use crate::{Conversation, RoomId};

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|word| u16::from_le_bytes(*word))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|word| u32::from_le_bytes(*word))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|word| u64::from_le_bytes(*word))
}

pub(super) fn i64_at(bytes: &[u8], at: usize) -> Option<i64> {
    bytes.get(at..)?.first_chunk().map(|word| i64::from_le_bytes(*word))
}

/// The number that stands for a conversation: 0 for broadcast, else the room's. It keeps the order of conversations.
pub(super) fn conversation_code(conversation: Conversation) -> u32 {
    match conversation {
        Conversation::Broadcast => 0,
        Conversation::Room(room) => room.number(),
    }
}

pub(super) fn conversation_of(code: u32) -> Conversation {
    RoomId::new(code).map_or(Conversation::Broadcast, Conversation::Room)
}

/// What is wrong in a part of a file, and where in that part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damage {
    pub(super) offset: u64,
    pub(super) what: &'static str,
}

impl Damage {
    pub(super) const fn at(offset: u64, what: &'static str) -> Self {
        Self { offset, what }
    }
}
