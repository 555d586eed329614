//! fjall: two keyspaces, an atomic batch that is synced, a snapshot a page.

use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable, Snapshot};
use toom_core::{Conversation, MessageNumber, MessageRef, Record, Timestamp};

use super::{Store, StoreError, View, codec};
use crate::data::messages;

pub(super) struct Fjall {
    database: Database,
    messages: Keyspace,
    times: Keyspace,
}

pub(super) struct Moment<'a> {
    snapshot: Snapshot,
    store: &'a Fjall,
}

impl Store for Fjall {
    type View<'a> = Moment<'a>;

    fn open(folder: &Path, cache_bytes: usize) -> Result<Self, StoreError> {
        let database = Database::builder(folder).cache_size(cache_bytes as u64).open()?;
        let messages = database.keyspace("messages", KeyspaceCreateOptions::default)?;
        let times = database.keyspace("times", KeyspaceCreateOptions::default)?;
        Ok(Self { database, messages, times })
    }

    fn append(&mut self, batch: &[Record]) -> Result<(), StoreError> {
        let mut writes = self.database.batch().durability(Some(PersistMode::SyncData));
        let mut value = Vec::new();
        for message in messages(batch) {
            codec::encode(message, &mut value)?;
            let key = codec::key(message.conversation, message.number.get());
            writes.insert(&self.messages, key, value.as_slice());
            let key = codec::time_key(message.conversation, message.at);
            writes.insert(&self.times, key, codec::number_bytes(message.number));
        }
        Ok(writes.commit()?)
    }

    fn view(&self) -> Result<Moment<'_>, StoreError> {
        Ok(Moment { snapshot: self.database.snapshot(), store: self })
    }
}

impl View for Moment<'_> {
    fn locate(
        &self,
        conversation: Conversation,
        since: Timestamp,
    ) -> Result<Option<MessageNumber>, StoreError> {
        let (first, last) = codec::times_until(conversation, since);
        let found = self.snapshot.range(&self.store.times, first..=last).next_back();
        found.map(|entry| codec::number(&entry.value()?)).transpose()
    }

    fn read(
        &self,
        conversation: Conversation,
        after: Option<MessageNumber>,
        limit: usize,
        mut visit: impl FnMut(MessageRef<'_>),
    ) -> Result<(), StoreError> {
        let (first, last) = codec::keys_after(conversation, after);
        for entry in self.snapshot.range(&self.store.messages, first..=last).take(limit) {
            let (key, value) = entry.into_inner()?;
            visit(codec::decode(conversation, &key, &value)?);
        }
        Ok(())
    }
}
