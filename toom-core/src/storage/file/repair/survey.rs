//! Going through all messages once, to see what can be kept of each conversation.

use std::collections::{BTreeMap, BTreeSet};

use crate::rooms::End;
use crate::storage::file::repair::losses::LostMessages;
use crate::storage::file::run::Key;
use crate::{Conversation, MessageNumber, MessageRef, RoomCreated, RoomId, Timestamp};

/// Messages of a conversation without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) first: MessageNumber,
    pub(super) last: End,
}

/// The times of some messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first_at: Timestamp,
    pub(super) last_at: Timestamp,
}

/// What is known of a conversation without its messages.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known {
    /// The lowest number that an index tells.
    pub(super) first: Option<MessageNumber>,
    /// The highest number that anything tells.
    pub(super) last: Option<MessageNumber>,
}

/// What a source has that none before it has.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Won {
    pub(super) messages: u64,
    pub(super) span: Option<Span>,
}

/// Takes every message once, in order.
pub(super) struct Survey<'a> {
    rooms: &'a BTreeMap<RoomId, RoomCreated>,
    known: BTreeMap<Conversation, Known>,
    /// Whether messages before the first that is known of may have been dropped long ago.
    dropped: bool,
    journal: Option<usize>,
    now: Option<Conversation>,
    stretches: Vec<Stretch>,
    pub(super) kept: BTreeMap<Conversation, Stretch>,
    pub(super) lost: BTreeMap<Conversation, LostMessages>,
    pub(super) won: BTreeMap<usize, Won>,
    /// Those that only the journal has.
    pub(super) of_journal: BTreeSet<Key>,
}

impl<'a> Survey<'a> {
    /// `journal` is the place of the journal among the sources.
    pub(super) fn new(
        rooms: &'a BTreeMap<RoomId, RoomCreated>,
        known: BTreeMap<Conversation, Known>,
        dropped: bool,
        journal: usize,
    ) -> Self {
        Self {
            rooms,
            known,
            dropped,
            journal: Some(journal),
            now: None,
            stretches: Vec::new(),
            kept: BTreeMap::new(),
            lost: BTreeMap::new(),
            won: BTreeMap::new(),
            of_journal: BTreeSet::new(),
        }
    }

    pub(super) fn take(&mut self, source: usize, message: MessageRef<'_>) {
        if self.now != Some(message.conversation) {
            self.end_conversation();
            self.now = Some(message.conversation);
        }
        let room = match message.conversation {
            Conversation::Broadcast => None,
            Conversation::Room(room) => self.rooms.get(&room),
        };
        if room.is_some_and(|room| message.at <= room.at) {
            return;
        }
        self.win(source, message);
        let end = End { number: message.number, at: message.at };
        match self.stretches.last_mut() {
            Some(stretch)
                if MessageNumber::following(Some(stretch.last.number)) == end.number
                    && stretch.last.at < end.at =>
            {
                stretch.last = end;
            }
            _ => self.stretches.push(Stretch { first: end.number, last: end }),
        }
    }

    /// Ends with the conversations of which nothing could be read.
    pub(super) fn finish(&mut self) {
        self.end_conversation();
        while let Some(conversation) = self.known.keys().next().copied() {
            self.now = Some(conversation);
            self.end_conversation();
        }
    }

    fn win(&mut self, source: usize, MessageRef { conversation, number, at, .. }: MessageRef<'_>) {
        let won = self.won.entry(source).or_default();
        won.messages += 1;
        let span = won.span.unwrap_or(Span { first_at: at, last_at: at });
        won.span = Some(Span { first_at: span.first_at.min(at), last_at: span.last_at.max(at) });
        if self.journal == Some(source) {
            self.of_journal.insert((conversation, number));
        }
    }

    fn end_conversation(&mut self) {
        let Some(conversation) = self.now.take() else { return };
        let stretches = core::mem::take(&mut self.stretches);
        let known = self.known.remove(&conversation).unwrap_or_default();
        let has_room = match conversation {
            Conversation::Broadcast => true,
            Conversation::Room(room) => self.rooms.contains_key(&room),
        };
        let longest = |stretch: &&Stretch| stretch.last.number.get() - stretch.first.get();
        let kept = stretches.iter().max_by_key(longest).copied().filter(|_| has_room);
        let lost = LostMessages {
            conversation,
            kept: kept.map(|kept| kept.first..=kept.last.number),
            unreadable: self.gaps(&stretches, known),
            given_up: stretches
                .iter()
                .filter(|stretch| Some(**stretch) != kept)
                .map(|stretch| stretch.first..=stretch.last.number)
                .collect(),
        };
        if let Some(kept) = kept {
            self.kept.insert(conversation, kept);
        }
        if !(lost.unreadable.is_empty() && lost.given_up.is_empty()) {
            self.lost.insert(conversation, lost);
        }
    }

    /// The numbers between the first and the last that there were, and that are in none of `stretches`.
    fn gaps(&self, stretches: &[Stretch], known: Known) -> Vec<core::ops::RangeInclusive<MessageNumber>> {
        let found = stretches.first().map(|stretch| stretch.first);
        let first = if self.dropped {
            found.into_iter().chain(known.first).min()
        } else {
            Some(MessageNumber::FIRST)
        };
        let last = stretches.last().map(|stretch| stretch.last.number).max(known.last);
        let (Some(mut next), Some(last)) = (first, last) else { return Vec::new() };
        let mut gaps = Vec::new();
        for stretch in stretches {
            if let Some(before) = stretch.first.preceding().filter(|before| *before >= next) {
                gaps.push(next..=before);
            }
            next = MessageNumber::following(Some(stretch.last.number));
        }
        if next <= last {
            gaps.push(next..=last);
        }
        gaps
    }
}

impl Known {
    pub(super) fn claim(&mut self, first: Key, last: Key) {
        self.first = self.first.into_iter().chain([first.1]).min();
        self.last = self.last.max(Some(last.1));
    }
}

impl Span {
    pub(super) fn contains(&self, at: Timestamp) -> bool {
        self.first_at <= at && at <= self.last_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: u64, last: u64) -> core::ops::RangeInclusive<MessageNumber> {
        MessageNumber::new(first).unwrap()..=MessageNumber::new(last).unwrap()
    }

    /// What is lost of a conversation of which messages with these numbers and times can be read.
    fn lost(messages: &[(u64, i64)]) -> LostMessages {
        let rooms = BTreeMap::new();
        let mut survey = Survey::new(&rooms, BTreeMap::new(), false, 1);
        for (number, at) in messages {
            let number = MessageNumber::new(*number).unwrap();
            let at = Timestamp::from_unix_micros(*at).unwrap();
            let conversation = Conversation::Broadcast;
            survey.take(0, MessageRef { conversation, number, at, author: "Luke", body: "hello" });
        }
        survey.finish();
        survey.lost.remove(&Conversation::Broadcast).unwrap()
    }

    fn numbered(numbers: impl IntoIterator<Item = u64>) -> Vec<(u64, i64)> {
        numbers.into_iter().map(|number| (number, number.cast_signed())).collect()
    }

    #[test]
    fn the_longest_stretch_without_a_gap_is_kept_wherever_it_lies() {
        let first = lost(&numbered((1..=5).chain(7..=8)));
        assert_eq!((first.kept, first.given_up), (Some(range(1, 5)), vec![range(7, 8)]));
        assert_eq!(first.unreadable, [range(6, 6)]);
        let last = lost(&numbered((1..=3).chain(5..=10)));
        assert_eq!((last.kept, last.given_up), (Some(range(5, 10)), vec![range(1, 3)]));
    }

    #[test]
    fn a_message_that_is_not_later_than_the_one_before_it_does_not_go_on_from_it() {
        let lost = lost(&[(1, 5), (2, 6), (3, 6)]);
        assert_eq!((lost.kept, lost.given_up), (Some(range(1, 2)), vec![range(3, 3)]));
    }
}
