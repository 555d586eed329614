//! One conversation as it is handed on: in order of number, each message once.

use std::collections::BTreeMap;

use toom_core::{MessageNumber, Receipt};

use super::Ticket;
use crate::protocol::{MessageLine, Since};

/// What was handed on of a conversation, and what waits for those before it.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    /// The last number that was handed on, 0 before the first; `None` while nobody knows where this visit begins.
    seen: Option<u64>,
    /// The smallest and the greatest number that was heard of.
    heard: Option<(u64, u64)>,
    /// Whether any of them was pushed. What is pushed comes in order; an answer may come before what is pushed with lower numbers.
    pushed: bool,
    held: BTreeMap<u64, Held>,
    held_bytes: usize,
}

/// What something held takes in memory beside its texts.
const HELD_BYTES: usize = 128;

/// How many own posts are remembered before it is asked where the visit begins.
const OWN_MAX: usize = 64;

/// What has a place in a conversation.
#[derive(Debug)]
pub(super) enum Held {
    /// What someone posted.
    Message(MessageLine),
    /// What this client posted: who asked for it saw the text. The answer is handed on in its place, if it was not yet.
    Own(Option<Posted>),
    /// Messages that are gone for good, to this last one.
    Gone(u64),
    /// Messages that exist and cannot be had, to this last one.
    Missed(u64),
}

/// The answer to a post of this client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Posted {
    pub(super) ticket: Ticket,
    pub(super) receipt: Receipt,
}

/// The next of a conversation.
#[derive(Debug)]
pub(super) enum Next {
    Message(MessageLine),
    Own(Posted),
    Gone { first: MessageNumber, last: MessageNumber },
    Missed { first: MessageNumber, last: MessageNumber },
}

impl Sequence {
    /// Says that this visit begins behind `seen`, unless that was known.
    pub(super) fn begin_after(&mut self, seen: u64) {
        self.seen.get_or_insert(seen);
    }

    /// Says that this visit begins with the first number that was heard of, unless that was known.
    pub(super) fn begin(&mut self) {
        if let Some((first, _)) = self.heard {
            self.begin_after(first - 1);
        }
    }

    /// Whether all that is missing before the first number that was heard of would have been heard of, too.
    pub(super) const fn can_begin(&self) -> bool {
        self.pushed
    }

    /// Says that what is heard of next was pushed.
    pub(super) const fn is_pushed(&mut self) {
        self.pushed = true;
    }

    /// Whether it has to be asked where this visit begins: nothing was pushed for long.
    pub(super) fn wants_beginning(&self) -> bool {
        self.seen.is_none() && self.held.len() >= OWN_MAX
    }

    /// Whether it is known where this visit begins.
    pub(super) const fn has_begun(&self) -> bool {
        self.seen.is_some()
    }

    /// From where on to read: behind the last that was handed on, if it is known where this visit begins.
    pub(super) fn since(&self) -> Option<Since> {
        self.seen.map(|seen| Since::Number(MessageNumber::new(seen)))
    }

    /// Says that the messages `first` to `last` exist.
    pub(super) fn hear_of(&mut self, first: u64, last: u64) {
        let (lowest, highest) = self.heard.unwrap_or((first, last));
        self.heard = Some((lowest.min(first), highest.max(last)));
    }

    /// Keeps what has the place `number` until its turn comes. What was handed on, or is held, is not taken twice.
    pub(super) fn hold(&mut self, number: u64, what: Held) {
        let last = what.last().unwrap_or(number);
        self.hear_of(number, last);
        let own = matches!(what, Held::Own(_));
        let seen = self.seen.is_some_and(|seen| last <= seen);
        if own || !(seen || self.held.contains_key(&number)) {
            self.held_bytes += what.bytes();
            let before = self.held.insert(number, what);
            self.held_bytes -= before.map_or(0, |before| before.bytes());
        }
    }

    /// The next in order, if it is there.
    pub(super) fn next(&mut self) -> Option<Next> {
        loop {
            let seen = self.seen?;
            let entry = self.held.first_entry().filter(|entry| *entry.key() <= seen.saturating_add(1))?;
            let (number, held) = entry.remove_entry();
            self.held_bytes -= held.bytes();
            let last =
                if let Held::Gone(last) = held { self.split(last) } else { held.last().unwrap_or(number) };
            self.seen = Some(last.max(seen));
            let range = || Some((MessageNumber::new(seen + 1)?, MessageNumber::new(last)?));
            match held {
                Held::Own(Some(posted)) => return Some(Next::Own(posted)),
                Held::Own(None) => {}
                _ if last <= seen => {}
                Held::Message(message) => return Some(Next::Message(message)),
                Held::Gone(_) => return range().map(|(first, last)| Next::Gone { first, last }),
                Held::Missed(_) => return range().map(|(first, last)| Next::Missed { first, last }),
            }
        }
    }

    /// Messages to this last one are gone by now: how many of them are told before the next that is held. What arrived is shown all the same, and
    /// those behind it are kept until their turn comes.
    fn split(&mut self, last: u64) -> u64 {
        let Some(next) = self.held.keys().next().copied().filter(|next| *next <= last) else { return last };
        if let Some(rest) = (next..=last).find(|number| !self.held.contains_key(number)) {
            self.hold(rest, Held::Gone(last));
        }
        next - 1
    }

    /// The number behind which messages are missing: some that exist were not handed on.
    pub(super) fn missing_after(&self) -> Option<u64> {
        let (seen, (_, last)) = (self.seen?, self.heard?);
        (last > seen).then_some(seen)
    }

    /// Gives up what is missing in front of the next that is held: it is handed on as missed.
    pub(super) fn give_up(&mut self) {
        let Some((after, (_, last))) = self.missing_after().zip(self.heard) else { return };
        let last = self.held.first_key_value().map_or(last, |(first, _)| first - 1);
        if last > after {
            self.hold(after + 1, Held::Missed(last));
        }
    }

    /// An answer that waits for its turn, and is not to wait for it any more.
    pub(super) fn take_own(&mut self) -> Option<Posted> {
        self.held
            .values_mut()
            .find_map(|held| if let Held::Own(posted) = held { posted.take() } else { None })
    }

    /// Whether anything waits for its turn, or for those who know where to begin.
    pub(super) fn is_behind(&self) -> bool {
        !self.held.is_empty() || self.heard.is_some_and(|(_, last)| self.seen.is_none_or(|seen| last > seen))
    }

    /// What waits takes so much memory.
    pub(super) const fn held_bytes(&self) -> usize {
        self.held_bytes
    }
}

impl Held {
    fn bytes(&self) -> usize {
        HELD_BYTES
            + match self {
                Self::Message(message) => message.author.as_str().len() + message.body.as_str().len(),
                Self::Own(_) | Self::Gone(_) | Self::Missed(_) => 0,
            }
    }

    /// The last of those that it stands for, if it stands for several.
    const fn last(&self) -> Option<u64> {
        match self {
            Self::Gone(last) | Self::Missed(last) => Some(*last),
            Self::Message(_) | Self::Own(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use toom_core::{Body, Conversation, Timestamp};

    use super::*;
    use crate::protocol::NameWord;

    fn number(number: u64) -> MessageNumber {
        MessageNumber::new(number).unwrap()
    }

    fn message(n: u64, text: &str) -> Held {
        Held::Message(MessageLine {
            conversation: Conversation::Broadcast,
            number: number(n),
            at: Timestamp::MIN,
            author: NameWord::parse("luke").unwrap(),
            body: Body::parse(text).unwrap(),
        })
    }

    fn handed_on(sequence: &mut Sequence) -> Vec<String> {
        let spelled = |next| match next {
            Next::Message(message) => message.number.to_string(),
            Next::Own(posted) => format!("own {}", posted.receipt.number),
            Next::Gone { first, last } => format!("gone {first}-{last}"),
            Next::Missed { first, last } => format!("missed {first}-{last}"),
        };
        core::iter::from_fn(|| sequence.next().map(spelled)).collect()
    }

    #[test]
    fn what_waits_is_counted_until_it_is_handed_on_in_order_and_once() {
        let mut sequence = Sequence::default();
        assert!(!sequence.has_begun() && !sequence.is_behind());
        sequence.begin_after(0);
        assert!(sequence.has_begun() && !sequence.is_behind());
        sequence.hold(3, message(3, "three"));
        sequence.hold(2, message(2, "two"));
        assert_eq!(sequence.held_bytes(), (HELD_BYTES + 4 + 5) + (HELD_BYTES + 4 + 3));
        sequence.hold(2, message(2, "again"));
        sequence.hold(5, Held::Own(None));
        assert_eq!(sequence.held_bytes(), 3 * HELD_BYTES + 4 + 5 + 4 + 3);
        assert_eq!((handed_on(&mut sequence), sequence.missing_after()), (vec![], Some(0)));
        assert!(sequence.is_behind());
        sequence.hold(1, message(1, "one"));
        assert_eq!(handed_on(&mut sequence), ["1", "2", "3"]);
        assert_eq!((sequence.held_bytes(), sequence.missing_after()), (HELD_BYTES, Some(3)));
        sequence.hold(4, message(4, "four"));
        assert_eq!(handed_on(&mut sequence), ["4"], "the own one was answered");
        sequence.hold(4, message(4, "late"));
        assert_eq!((sequence.held_bytes(), sequence.missing_after()), (0, None));
        assert!(!sequence.is_behind());
    }

    #[test]
    fn what_is_given_up_is_told_up_to_what_is_there() {
        let mut sequence = Sequence::default();
        sequence.begin_after(4);
        sequence.hold(8, message(8, "eight"));
        sequence.give_up();
        assert_eq!(handed_on(&mut sequence), ["missed 5-7", "8"]);
        sequence.hear_of(9, 12);
        assert!(sequence.is_behind());
        sequence.give_up();
        assert_eq!(handed_on(&mut sequence), ["missed 9-12"]);
        sequence.give_up();
        assert_eq!(handed_on(&mut sequence), Vec::<String>::new());
        assert!(!sequence.is_behind());
    }

    #[test]
    fn what_was_told_as_missing_is_not_handed_on_afterwards() {
        let mut sequence = Sequence::default();
        sequence.begin_after(0);
        sequence.hold(3, message(3, "three"));
        sequence.hold(1, Held::Missed(5));
        assert_eq!(handed_on(&mut sequence), ["missed 1-5"]);
    }

    #[test]
    fn after_many_own_posts_alone_it_has_to_be_asked_where_to_begin() {
        let mut sequence = Sequence::default();
        for n in 1..=64 {
            assert!(!sequence.wants_beginning(), "{n}");
            sequence.hold(n, Held::Own(None));
        }
        assert!(sequence.wants_beginning());
        sequence.begin();
        assert!(!sequence.wants_beginning());
        assert_eq!((handed_on(&mut sequence).len(), sequence.held_bytes()), (0, 0));
    }
}
