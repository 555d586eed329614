//! redb: two tables, a write transaction a batch, a read transaction a page.

use std::path::Path;

use redb::{Database, ReadTransaction, ReadableDatabase, TableDefinition, TableError};
use toom_core::{Conversation, MessageNumber, MessageRef, Record, Timestamp};

use super::{Store, StoreError, View, codec};
use crate::data::messages;

const MESSAGES: TableDefinition<'_, &codec::Key, &[u8]> = TableDefinition::new("messages");
const TIMES: TableDefinition<'_, &codec::Key, &[u8; 8]> = TableDefinition::new("times");

pub(super) struct Redb(Database);

impl Store for Redb {
    type View<'a> = ReadTransaction;

    fn open(folder: &Path, cache_bytes: usize) -> Result<Self, StoreError> {
        let database =
            Database::builder().set_cache_size(cache_bytes).create(folder.join("messages.redb"))?;
        if let Err(TableError::TableDoesNotExist(_)) = database.begin_read()?.open_table(TIMES) {
            let transaction = database.begin_write()?;
            transaction.open_table(MESSAGES)?;
            transaction.open_table(TIMES)?;
            transaction.commit()?;
        }
        Ok(Self(database))
    }

    fn append(&mut self, batch: &[Record]) -> Result<(), StoreError> {
        let transaction = self.0.begin_write()?;
        {
            let mut by_number = transaction.open_table(MESSAGES)?;
            let mut by_time = transaction.open_table(TIMES)?;
            let mut value = Vec::new();
            for message in messages(batch) {
                codec::encode(message, &mut value)?;
                let key = codec::key(message.conversation, message.number.get());
                by_number.insert(&key, value.as_slice())?;
                let key = codec::time_key(message.conversation, message.at);
                by_time.insert(&key, &codec::number_bytes(message.number))?;
            }
        }
        Ok(transaction.commit()?)
    }

    fn view(&self) -> Result<ReadTransaction, StoreError> {
        Ok(self.0.begin_read()?)
    }
}

impl View for ReadTransaction {
    fn locate(
        &self,
        conversation: Conversation,
        since: Timestamp,
    ) -> Result<Option<MessageNumber>, StoreError> {
        let (first, last) = codec::times_until(conversation, since);
        let found = self.open_table(TIMES)?.range::<&codec::Key>(&first..=&last)?.next_back().transpose()?;
        found.map(|(_, number)| codec::number(number.value())).transpose()
    }

    fn read(
        &self,
        conversation: Conversation,
        after: Option<MessageNumber>,
        limit: usize,
        mut visit: impl FnMut(MessageRef<'_>),
    ) -> Result<(), StoreError> {
        let (first, last) = codec::keys_after(conversation, after);
        for entry in self.open_table(MESSAGES)?.range::<&codec::Key>(&first..=&last)?.take(limit) {
            let (key, value) = entry?;
            visit(codec::decode(conversation, key.value(), value.value())?);
        }
        Ok(())
    }
}
