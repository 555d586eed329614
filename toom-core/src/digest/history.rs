//! A digest of what was said that does not depend on the order in which it is read.

use core::ops::ControlFlow;

use super::{Canonical, Digest};
use crate::{History, MessageRef, Recovered, RoomCreated, Seed, StorageError, Tail};

const ROOM: u8 = 1;
const END: u8 = 2;
const MESSAGE: u8 = 3;
/// How many messages are read in one go: nobody who appends waits long.
const PAGE: usize = 1000;

impl Digest {
    /// Stands for the rooms, the ends of conversations and the messages of a store: `recovered` is what its
    /// [`recover`](crate::Storage::recover) told. It is the same for every store that keeps the same of them, however it does.
    ///
    /// It reads the whole history.
    ///
    /// ```
    /// use toom_core::{Digest, Epoch, MemoryStorage, Storage};
    ///
    /// let (mut one, mut other) = (MemoryStorage::new(Epoch::new(1)), MemoryStorage::new(Epoch::new(2)));
    /// let digest = Digest::of_history(&one.reader(), &one.recover()?)?;
    /// assert_eq!(digest, Digest::of_history(&other.reader(), &other.recover()?)?);
    /// # Ok::<(), toom_core::StorageError>(())
    /// ```
    ///
    /// # Errors
    /// [`StorageError`] if the store cannot be read.
    pub fn of_history(history: &impl History, recovered: &Recovered) -> Result<Self, StorageError> {
        let mut sum = HistorySum::default();
        recovered.rooms.iter().for_each(|room| sum.room(room));
        for tail in &recovered.tails {
            sum.end(*tail);
            let mut last = None;
            loop {
                let before = last;
                history.read(tail.conversation, last, PAGE, |message| {
                    sum.message(message);
                    last = Some(message.number);
                    ControlFlow::Continue(())
                })?;
                if last == before {
                    break;
                }
            }
        }
        Ok(sum.digest())
    }
}

/// Adds up what a store keeps, in any order.
#[derive(Debug, Default)]
pub(crate) struct HistorySum(u128);

impl HistorySum {
    pub(crate) fn room(&mut self, created: &RoomCreated) {
        self.add(ROOM, |into| {
            into.number(created.room.number()).number(created.at.unix_micros().cast_unsigned());
            created.members.iter().for_each(|member| {
                into.text(member.as_str());
            });
        });
    }

    pub(crate) fn end(&mut self, Tail { conversation, number, at }: Tail) {
        self.add(END, |into| {
            into.conversation(conversation).number(number.get()).number(at.unix_micros().cast_unsigned());
        });
    }

    pub(crate) fn message(&mut self, message: MessageRef<'_>) {
        self.add(MESSAGE, |into| {
            into.conversation(message.conversation).number(message.number.get());
            into.number(message.at.unix_micros().cast_unsigned()).text(message.author).text(message.body);
        });
    }

    pub(crate) fn digest(&self) -> Digest {
        Digest(self.0)
    }

    fn add(&mut self, kind: u8, put: impl FnOnce(&mut Canonical)) {
        let mut canonical = Canonical::new(Seed::default());
        canonical.number(kind);
        put(&mut canonical);
        self.0 = self.0.wrapping_add(canonical.finish());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Body, Conversation, Epoch, MemoryStorage, Message, MessageNumber, Posted, Record, RoomId, Storage,
        Timestamp,
    };

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_unix_micros(micros).unwrap()
    }

    fn posted(number: u64, body: &str) -> Message {
        Message {
            conversation: Conversation::Broadcast,
            number: MessageNumber::new(number).unwrap(),
            at: at(number.cast_signed()),
            author: "luke".parse().unwrap(),
            body: Body::parse(body).unwrap(),
        }
    }

    fn sum(add: impl FnOnce(&mut HistorySum)) -> Digest {
        let mut sum = HistorySum::default();
        add(&mut sum);
        sum.digest()
    }

    #[test]
    fn another_room_another_end_or_another_message_makes_another_digest() {
        let members = |other: &str| ["luke".parse().unwrap(), other.parse().unwrap()].into();
        let room = |other| RoomCreated { room: RoomId::FIRST, at: at(1), members: members(other), key: None };
        let end = |number| Tail {
            conversation: Conversation::Broadcast,
            number: MessageNumber::new(number).unwrap(),
            at: at(1),
        };
        let digests = [
            sum(|_| {}),
            sum(|sum| sum.room(&room("leia"))),
            sum(|sum| sum.room(&room("yoda"))),
            sum(|sum| sum.end(end(1))),
            sum(|sum| sum.end(end(2))),
            sum(|sum| sum.message(posted(1, "a").view())),
            sum(|sum| sum.message(posted(1, "b").view())),
        ];
        for (place, digest) in digests.iter().enumerate() {
            assert!(!digests[..place].contains(digest), "{place}: {digests:?}");
        }
    }

    #[test]
    fn what_is_read_in_another_order_has_the_same_digest() {
        let (one, two) = (posted(1, "a"), posted(2, "b"));
        let forth = sum(|sum| [&one, &two].iter().for_each(|message| sum.message(message.view())));
        let back = sum(|sum| [&two, &one].iter().for_each(|message| sum.message(message.view())));
        assert_eq!(forth, back);
    }

    #[test]
    fn a_digest_of_a_history_stands_for_all_of_its_pages() {
        let digest = |last: &str| {
            let mut storage = MemoryStorage::new(Epoch::new(1));
            let count = PAGE as u64 + 1;
            let bodies = (1..=count).map(|number| (number, if number == count { last } else { "a" }));
            let record = |(number, body)| Record::Posted(Posted { message: posted(number, body), key: None });
            storage.append(&bodies.map(record).collect::<Vec<_>>()).unwrap();
            Digest::of_history(&storage.reader(), &storage.recover().unwrap()).unwrap()
        };
        assert_ne!(digest("a"), digest("b"), "the first page is the same");
    }
}
