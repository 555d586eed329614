//! What a store has to answer, batch by batch.

use core::ops::{ControlFlow, RangeInclusive};
use core::time::Duration;
use std::collections::BTreeMap;

use super::script;
use crate::{
    Conversation, Disk, Epoch, FileStorage, History, MemoryStorage, Message, MessageNumber, MessageRef,
    Record, Recovered, Storage, StorageError, Timestamp,
};

/// Batches in the order in which they are appended, and what a store answers that holds the first so many of them.
#[derive(Clone, Debug)]
pub(super) struct Truth {
    pub(super) batches: Vec<Vec<Record>>,
    keep_for: Option<Duration>,
    /// After each number of batches: what an engine recovers, and the time of the newest record.
    after: Vec<(Recovered, i64)>,
    /// After each number of batches, how many records there are.
    records: Vec<usize>,
    messages: BTreeMap<Conversation, Vec<Message>>,
}

/// Why a store is not what it should be.
#[derive(Debug)]
pub(super) enum Wrong {
    /// It did not answer.
    Failed(StorageError),
    /// It answered, and not right.
    Answer(String),
}

impl From<StorageError> for Wrong {
    fn from(error: StorageError) -> Self {
        Self::Failed(error)
    }
}

impl From<String> for Wrong {
    fn from(answer: String) -> Self {
        Self::Answer(answer)
    }
}

impl core::fmt::Display for Wrong {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::Answer(answer) => answer.fmt(f),
        }
    }
}

impl Truth {
    /// What is older than `keep_for` may be gone.
    pub(super) fn new(batches: Vec<Vec<Record>>, keep_for: Option<Duration>) -> Self {
        let mut memory = MemoryStorage::new(Epoch::new(1));
        let mut after = vec![(memory.recover().unwrap(), 0)];
        let mut records = vec![0];
        let mut messages: BTreeMap<Conversation, Vec<Message>> = BTreeMap::new();
        for batch in &batches {
            memory.append(batch).unwrap();
            let newest = batch.last().unwrap().at().unix_micros();
            after.push((sorted(memory.recover().unwrap()), newest));
            records.push(records.last().unwrap() + batch.len());
            for record in batch {
                if let Record::Posted(posted) = record {
                    messages.entry(posted.message.conversation).or_default().push(posted.message.clone());
                }
            }
        }
        Self { batches, keep_for, after, records, messages }
    }

    /// How many batches `store` holds, one of `allowed`; an error says what is wrong.
    pub(super) fn held_by<D: Disk>(
        &self,
        store: &mut FileStorage<D>,
        allowed: RangeInclusive<usize>,
    ) -> Result<usize, Wrong> {
        let found = sorted(store.recover()?);
        let records = found.rooms.len() + found.tails.iter().map(|tail| count(tail.number)).sum::<usize>();
        let batches =
            self.records.binary_search(&records).map_err(|_| "it holds a part of a batch".to_owned())?;
        if !allowed.contains(&batches) {
            return Err(Wrong::Answer(format!("it holds {batches} batches, and should hold {allowed:?}")));
        }
        let (right, newest) = &self.after[batches];
        if found != *right {
            return Err(Wrong::Answer(format!("it recovers {found:?} and not {right:?}")));
        }
        for conversation in script::conversations() {
            self.check_conversation(store, conversation, right, *newest)?;
        }
        Ok(batches)
    }

    fn check_conversation(
        &self,
        history: &impl History,
        conversation: Conversation,
        right: &Recovered,
        newest: i64,
    ) -> Result<(), Wrong> {
        let end = right.tails.iter().find(|tail| tail.conversation == conversation);
        let end = end.map_or(0, |tail| count(tail.number));
        let all = self.messages.get(&conversation).map_or(&[][..], |all| &all[..end]);
        let floor = count(history.floor(conversation)?);
        let (gone, kept) =
            all.split_at_checked(floor - 1).ok_or_else(|| "its floor is behind its end".to_owned())?;
        if let Some(last) = gone.last() {
            let age = u128::from(newest.abs_diff(last.at.unix_micros()));
            if self.keep_for.is_none_or(|kept| age < kept.as_micros()) {
                return Err(Wrong::Answer(format!("{last:?} is gone")));
            }
        }
        let mut awaited = kept.iter();
        let mut wrong = None;
        let visit = |message: MessageRef<'_>| {
            if awaited.next().is_some_and(|right| is_that(message, right)) {
                return ControlFlow::Continue(());
            }
            wrong = Some(format!("it shows {message:?}"));
            ControlFlow::Break(())
        };
        history.read(conversation, None, usize::MAX, visit)?;
        wrong.map_or(Ok(()), |wrong| Err(Wrong::Answer(wrong)))?;
        if let Some(missing) = awaited.next() {
            return Err(Wrong::Answer(format!("{missing:?} is missing")));
        }
        for place in [0, kept.len() / 2, kept.len().saturating_sub(1)] {
            let Some(message) = kept.get(place) else { continue };
            let found = history.locate(conversation, message.at)?;
            if found != Some(message.number) {
                return Err(Wrong::Answer(format!("{found:?} is said to be of {:?}", message.at)));
            }
            let before = Timestamp::from_unix_micros(message.at.unix_micros() - 1).unwrap();
            let found = history.locate(conversation, before)?;
            if place > 0 && found != message.number.preceding() || found >= Some(message.number) {
                return Err(Wrong::Answer(format!(
                    "{found:?} is said to be the last before {:?}",
                    message.at
                )));
            }
        }
        Ok(())
    }
}

fn sorted(mut recovered: Recovered) -> Recovered {
    recovered.tails.sort_by_key(|tail| tail.conversation);
    recovered
}

fn count(number: MessageNumber) -> usize {
    usize::try_from(number.get()).unwrap()
}

fn is_that(found: MessageRef<'_>, right: &Message) -> bool {
    found == right.view()
}
