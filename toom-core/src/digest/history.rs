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
