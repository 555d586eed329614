//! What a repair gives up.

use core::ops::RangeInclusive;

use crate::{Conversation, MessageNumber, RoomId};

/// What a store loses in a repair, and what it has lost already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Losses {
    /// The messages, by conversation, in order. A conversation that loses none is not here.
    pub messages: Vec<LostMessages>,
    /// The rooms whose record cannot be read, in order. Their messages are lost with them.
    pub rooms: Vec<RangeInclusive<RoomId>>,
    /// How many keyed requests are forgotten, of those that can be read, because what they were answered with is lost: who repeats one
    /// does it anew.
    pub keyed: u64,
}

/// What one conversation loses.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LostMessages {
    /// Where they were posted.
    pub conversation: Conversation,
    /// The numbers of the messages that are kept; `None` if none is.
    pub kept: Option<RangeInclusive<MessageNumber>>,
    /// The numbers of those that cannot be read.
    pub unreadable: Vec<RangeInclusive<MessageNumber>>,
    /// The numbers of those that can be read and are given up, because a conversation must not have gaps, or because its room is lost.
    pub given_up: Vec<RangeInclusive<MessageNumber>>,
}

impl Losses {
    /// Whether nothing is lost.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.rooms.is_empty() && self.keyed == 0
    }

    /// How many messages are lost in all.
    #[must_use]
    pub fn messages_lost(&self) -> u64 {
        let ranges = self.messages.iter().flat_map(|lost| lost.unreadable.iter().chain(&lost.given_up));
        ranges.map(|range| range.end().get() - range.start().get() + 1).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: u64, last: u64) -> RangeInclusive<MessageNumber> {
        MessageNumber::new(first).unwrap()..=MessageNumber::new(last).unwrap()
    }

    #[test]
    fn lost_messages_lost_rooms_and_forgotten_requests_are_losses_and_messages_are_counted() {
        let lost = |unreadable, given_up| LostMessages {
            conversation: Conversation::Broadcast,
            kept: None,
            unreadable,
            given_up,
        };
        let messages =
            vec![lost(vec![range(3, 3), range(5, 9)], vec![range(10, 14)]), lost(vec![range(1, 2)], vec![])];
        let messages = Losses { messages, ..Losses::default() };
        let rooms = Losses { rooms: vec![RoomId::FIRST..=RoomId::FIRST], ..Losses::default() };
        let keyed = Losses { keyed: 1, ..Losses::default() };
        assert!(Losses::default().is_empty());
        for losses in [&messages, &rooms, &keyed] {
            assert!(!losses.is_empty(), "{losses:?}");
        }
        assert_eq!((messages.messages_lost(), rooms.messages_lost()), (13, 0));
    }
}
