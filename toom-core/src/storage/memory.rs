//! A store in memory: as quick as it gets, gone with the process.

use core::num::NonZeroUsize;
use core::ops::ControlFlow;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::storage::{History, Recovered, Storage, StorageError, Tail};
use crate::{
    Conversation, Epoch, KeyedRequest, KeyedRequests, Message, MessageNumber, MessageRef, Record,
    RoomCreated, Timestamp,
};

/// A store in memory. Its contents live as long as it or one of its readers.
#[derive(Debug)]
pub struct MemoryStorage {
    epoch: Epoch,
    reader: MemoryReader,
    rooms: Vec<RoomCreated>,
    keyed: KeyedRequests,
    kept_max: Option<NonZeroUsize>,
    stamps_reserved: Option<Timestamp>,
}

/// Reads a [`MemoryStorage`] while it is appended to.
#[derive(Clone, Debug)]
pub struct MemoryReader(Arc<RwLock<Conversations>>);

#[derive(Debug, Default)]
struct Conversations {
    broadcast: Log,
    rooms: BTreeMap<Conversation, Log>,
}

/// The messages of one conversation. Those numbered up to `dropped` are gone, the last of them was of the time `dropped_at`.
#[derive(Debug, Default)]
struct Log {
    dropped: u64,
    dropped_at: Option<Timestamp>,
    messages: Vec<Message>,
}

impl MemoryStorage {
    /// An empty store with the birth mark `epoch`.
    #[must_use]
    pub fn new(epoch: Epoch) -> Self {
        Self {
            epoch,
            reader: MemoryReader(Arc::default()),
            rooms: Vec::new(),
            keyed: KeyedRequests::default(),
            kept_max: None,
            stamps_reserved: None,
        }
    }

    /// An empty store that keeps at least the last `messages` of each conversation, and less than twice as many: older
    /// ones are dropped as new ones come.
    #[must_use]
    pub fn keeping(epoch: Epoch, messages: NonZeroUsize) -> Self {
        Self { kept_max: Some(messages), ..Self::new(epoch) }
    }
}

impl Storage for MemoryStorage {
    type Reader = MemoryReader;

    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn append(&mut self, records: &[Record]) -> Result<(), StorageError> {
        let mut conversations = self.reader.write();
        for record in records {
            if let Some(keyed) = KeyedRequest::of(record) {
                self.keyed.remember(keyed);
            }
            match record {
                Record::RoomCreated(created) => self.rooms.push(created.clone()),
                Record::Posted(posted) => {
                    let log = conversations.log_mut(posted.message.conversation);
                    log.messages.push(posted.message.clone());
                    log.drop_old(self.kept_max);
                }
            }
        }
        Ok(())
    }

    fn recover(&mut self) -> Result<Recovered, StorageError> {
        let conversations = self.reader.read();
        Ok(Recovered {
            rooms: self.rooms.clone(),
            tails: conversations.logs().filter_map(Log::tail).collect(),
            keyed: self.keyed.in_order_of_time(),
            stamps_reserved: self.stamps_reserved,
        })
    }

    fn reserve_stamps(&mut self, until: Timestamp) -> Result<(), StorageError> {
        self.stamps_reserved = Some(until);
        Ok(())
    }

    fn reader(&self) -> MemoryReader {
        self.reader.clone()
    }
}

impl History for MemoryStorage {
    fn locate(
        &self,
        conversation: Conversation,
        since: Timestamp,
    ) -> Result<Option<MessageNumber>, StorageError> {
        self.reader.locate(conversation, since)
    }

    fn read(
        &self,
        conversation: Conversation,
        after: Option<MessageNumber>,
        limit: usize,
        visit: impl FnMut(MessageRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        History::read(&self.reader, conversation, after, limit, visit)
    }

    fn floor(&self, conversation: Conversation) -> Result<MessageNumber, StorageError> {
        self.reader.floor(conversation)
    }
}

impl History for MemoryReader {
    fn locate(
        &self,
        conversation: Conversation,
        since: Timestamp,
    ) -> Result<Option<MessageNumber>, StorageError> {
        let conversations = self.read();
        Ok(conversations.log(conversation).and_then(|log| log.locate(since)))
    }

    fn read(
        &self,
        conversation: Conversation,
        after: Option<MessageNumber>,
        limit: usize,
        mut visit: impl FnMut(MessageRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        let conversations = self.read();
        let messages = conversations.log(conversation).map_or(&[][..], |log| log.after(after));
        for message in messages.iter().take(limit) {
            if visit(message.view()).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn floor(&self, conversation: Conversation) -> Result<MessageNumber, StorageError> {
        let conversations = self.read();
        let dropped = conversations.log(conversation).map_or(0, |log| log.dropped);
        Ok(MessageNumber::following(MessageNumber::new(dropped)))
    }
}

impl MemoryReader {
    // A writer that panicked cannot have left a log half changed: pushing is its last step.
    fn read(&self) -> RwLockReadGuard<'_, Conversations> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Conversations> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Conversations {
    fn log(&self, conversation: Conversation) -> Option<&Log> {
        match conversation {
            Conversation::Broadcast => Some(&self.broadcast),
            room @ Conversation::Room(_) => self.rooms.get(&room),
        }
    }

    fn log_mut(&mut self, conversation: Conversation) -> &mut Log {
        match conversation {
            Conversation::Broadcast => &mut self.broadcast,
            room @ Conversation::Room(_) => self.rooms.entry(room).or_default(),
        }
    }

    fn logs(&self) -> impl Iterator<Item = &Log> {
        core::iter::once(&self.broadcast).chain(self.rooms.values())
    }
}

impl Log {
    fn locate(&self, since: Timestamp) -> Option<MessageNumber> {
        let kept = self.messages.partition_point(|message| message.at <= since);
        if kept == 0 && self.dropped_at.is_some_and(|dropped_at| dropped_at > since) {
            return None;
        }
        MessageNumber::new(self.dropped + kept as u64)
    }

    fn after(&self, after: Option<MessageNumber>) -> &[Message] {
        let skipped = after.map_or(0, MessageNumber::get).saturating_sub(self.dropped);
        usize::try_from(skipped).ok().and_then(|skipped| self.messages.get(skipped..)).unwrap_or_default()
    }

    fn tail(&self) -> Option<Tail> {
        self.messages.last().map(|last| Tail {
            conversation: last.conversation,
            number: last.number,
            at: last.at,
        })
    }

    /// Drops in bulk, so that dropping costs each message one move.
    fn drop_old(&mut self, kept_max: Option<NonZeroUsize>) {
        if let Some(kept) = kept_max.map(NonZeroUsize::get)
            && self.messages.len() >= kept.saturating_mul(2)
        {
            let old = self.messages.len() - kept;
            self.dropped_at = self.messages.drain(..old).next_back().map(|message| message.at);
            self.dropped += old as u64;
        }
    }
}

#[cfg(test)]
mod tests;
