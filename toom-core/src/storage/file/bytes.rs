//! Integers and texts as they lie in the files of a data directory: little-endian, without padding.

use crate::{Conversation, MessageNumber, RoomId, Timestamp};

/// Puts values behind the bytes that are there.
pub(super) trait Put {
    fn put_bytes(&mut self, bytes: &[u8]);

    fn put_u8(&mut self, value: u8) {
        self.put_bytes(&value.to_le_bytes());
    }

    fn put_u16(&mut self, value: u16) {
        self.put_bytes(&value.to_le_bytes());
    }

    fn put_u32(&mut self, value: u32) {
        self.put_bytes(&value.to_le_bytes());
    }

    fn put_u64(&mut self, value: u64) {
        self.put_bytes(&value.to_le_bytes());
    }

    fn put_i64(&mut self, value: i64) {
        self.put_bytes(&value.to_le_bytes());
    }

    /// A `u32`: the room's number, or 0 for the broadcast conversation.
    fn put_conversation(&mut self, conversation: Conversation) {
        self.put_u32(match conversation {
            Conversation::Broadcast => 0,
            Conversation::Room(room) => room.number(),
        });
    }
}

impl Put for Vec<u8> {
    fn put_bytes(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Takes values off the front of bytes; each `None` means that too few are left, or that they are no such value.
#[derive(Clone, Copy)]
pub(super) struct Take<'a>(&'a [u8]);

impl<'a> Take<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// What was not yet taken.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn text(&mut self, bytes: usize) -> Option<&'a str> {
        simdutf8::basic::from_utf8(self.bytes(bytes)?).ok()
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    pub(super) fn conversation(&mut self) -> Option<Conversation> {
        self.u32().map(|number| RoomId::new(number).map_or(Conversation::Broadcast, Conversation::Room))
    }

    /// The number of a message. The last that there is stands for none, so that there is always one that follows.
    pub(super) fn number(&mut self) -> Option<MessageNumber> {
        self.u64().filter(|number| *number < u64::MAX).and_then(MessageNumber::new)
    }

    pub(super) fn time(&mut self) -> Option<Timestamp> {
        self.i64().and_then(Timestamp::from_unix_micros)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_is_taken_in_the_same_order() {
        let mut out = Vec::new();
        out.put_u8(1);
        out.put_u16(0x0203);
        out.put_u32(0x0405_0607);
        out.put_u64(u64::MAX - 1);
        out.put_i64(-2);
        out.put_bytes("é".as_bytes());
        let mut take = Take::new(&out);
        assert!(!take.is_empty());
        assert_eq!(take.u8(), Some(1));
        assert_eq!(take.u16(), Some(0x0203));
        assert_eq!(take.u32(), Some(0x0405_0607));
        assert_eq!(take.u64(), Some(u64::MAX - 1));
        assert_eq!(take.i64(), Some(-2));
        assert_eq!(take.text(2), Some("é"));
        assert!(take.is_empty());
    }

    #[test]
    fn integers_lie_with_their_lowest_byte_first() {
        let mut out = Vec::new();
        out.put_u32(0x0102_0304);
        assert_eq!(out, [4, 3, 2, 1]);
    }

    #[test]
    fn what_is_too_short_is_not_taken() {
        let mut take = Take::new(&[1, 2, 3]);
        assert_eq!((take.u32(), take.u64(), take.i64()), (None, None, None));
        assert_eq!((take.bytes(4), take.bytes(usize::MAX), take.text(4)), (None, None, None));
        assert_eq!(take.rest(), [1, 2, 3], "nor is a part of it");
    }

    #[test]
    fn what_is_no_such_value_is_refused() {
        assert_eq!(Take::new(&[0xff, 0xfe]).text(2), None);
        assert_eq!(Take::new(&[0; 8]).number(), None);
        assert_eq!(Take::new(&(u64::MAX - 1).to_le_bytes()).number(), MessageNumber::new(u64::MAX - 1));
        assert_eq!(Take::new(&u64::MAX.to_le_bytes()).number(), None);
        assert_eq!(Take::new(&i64::MAX.to_le_bytes()).time(), None);
    }

    #[test]
    fn the_broadcast_conversation_is_0_and_a_room_its_number() {
        let mut out = Vec::new();
        let room = Conversation::Room(RoomId::new(7).unwrap());
        out.put_conversation(Conversation::Broadcast);
        out.put_conversation(room);
        assert_eq!(out, [0, 0, 0, 0, 7, 0, 0, 0]);
        let mut take = Take::new(&out);
        assert_eq!((take.conversation(), take.conversation()), (Some(Conversation::Broadcast), Some(room)));
    }
}
