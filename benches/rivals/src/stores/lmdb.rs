//! LMDB by heed: two databases in one file, a write transaction a batch, a read transaction a page.

use std::ops::Bound;
use std::path::Path;

use heed::types::Bytes;
use heed::{CommitOrAbort, Database, Env, EnvOpenOptions, RoTxn, WithTls};
use toom_core::{Conversation, MessageNumber, MessageRef, Record, Timestamp};

use super::{Store, StoreError, View, codec};
use crate::data::messages;

/// The file grows to what is stored; this is only the span of addresses that it may take.
const MAP_BYTES: usize = 64 << 30;

pub(super) struct Lmdb {
    env: Env,
    messages: Database<'static, Bytes, Bytes>,
    times: Database<'static, Bytes, Bytes>,
}

pub(super) struct Snapshot<'a> {
    transaction: RoTxn<'a, WithTls>,
    store: &'a Lmdb,
}

impl Store for Lmdb {
    type View<'a> = Snapshot<'a>;

    fn open(folder: &Path, _: usize) -> Result<Self, StoreError> {
        let mut options = EnvOpenOptions::new();
        options.map_size(MAP_BYTES).max_dbs(2);
        #[expect(
            unsafe_code,
            reason = "the map shows what lies in a file that nothing but LMDB changes: ours, in a new folder"
        )]
        // SAFETY: the folder was made by this run and is used by one process at a time, which opens it once.
        let env = unsafe { options.open(folder) }?;
        let databases = env.create_databases_and_commit(env.write_txn()?, |opener, transaction| {
            let messages = opener.create_database(transaction, Some("messages"))?;
            let times = opener.create_database(transaction, Some("times"))?;
            Ok::<_, heed::Error>(CommitOrAbort::<_, ()>::Commit((messages, times)))
        })?;
        let (messages, times) = databases.unwrap_commit();
        Ok(Self { env, messages, times })
    }

    fn append(&mut self, batch: &[Record]) -> Result<(), StoreError> {
        let mut transaction = self.env.write_txn()?;
        let mut value = Vec::new();
        for message in messages(batch) {
            codec::encode(message, &mut value)?;
            let key = codec::key(message.conversation, message.number.get());
            self.messages.put(&mut transaction, &key, &value)?;
            let key = codec::time_key(message.conversation, message.at);
            self.times.put(&mut transaction, &key, &codec::number_bytes(message.number))?;
        }
        Ok(transaction.commit()?)
    }

    fn view(&self) -> Result<Snapshot<'_>, StoreError> {
        Ok(Snapshot { transaction: self.env.read_txn()?, store: self })
    }
}

impl View for Snapshot<'_> {
    fn locate(
        &self,
        conversation: Conversation,
        since: Timestamp,
    ) -> Result<Option<MessageNumber>, StoreError> {
        let (first, last) = codec::times_until(conversation, since);
        let found = self.store.times.get_lower_than_or_equal_to(&self.transaction, &last)?;
        found.filter(|(key, _)| *key >= &first[..]).map(|(_, number)| codec::number(number)).transpose()
    }

    fn read(
        &self,
        conversation: Conversation,
        after: Option<MessageNumber>,
        limit: usize,
        mut visit: impl FnMut(MessageRef<'_>),
    ) -> Result<(), StoreError> {
        let (first, last) = codec::keys_after(conversation, after);
        let range = (Bound::Included(&first[..]), Bound::Included(&last[..]));
        for entry in self.store.messages.range(&self.transaction, &range)?.take(limit) {
            let (key, value) = entry?;
            visit(codec::decode(conversation, key, value)?);
        }
        Ok(())
    }
}
