//! SQLite in WAL mode, synchronous, one clustered table and an index by time.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use toom_core::{Conversation, MessageNumber, MessageRef, Record, Timestamp};

use super::{Store, StoreError, View};
use crate::data::{conversation_number, messages};

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS messages (
        conversation INTEGER NOT NULL,
        number INTEGER NOT NULL,
        at INTEGER NOT NULL,
        author TEXT NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (conversation, number)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS messages_by_time ON messages (conversation, at);";
const INSERT: &str =
    "INSERT INTO messages (conversation, number, at, author, body) VALUES (?1, ?2, ?3, ?4, ?5)";
const LOCATE: &str =
    "SELECT number FROM messages WHERE conversation = ?1 AND at <= ?2 ORDER BY at DESC LIMIT 1";
const READ: &str = "SELECT number, at, author, body FROM messages WHERE conversation = ?1 AND number > ?2 ORDER BY number LIMIT ?3";

pub(super) struct Sqlite(Connection);

impl Store for Sqlite {
    // Each statement reads on a snapshot of its own. A message keeps its number, so the two statements of a page need not share
    // one, which spares SQLite a BEGIN and a COMMIT.
    type View<'a> = &'a Connection;

    fn open(folder: &Path, cache_bytes: usize) -> Result<Self, StoreError> {
        let connection = Connection::open(folder.join("messages.sqlite"))?;
        let mode: String =
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
        if mode != "wal" {
            return Err(format!("the journal mode is {mode}, not wal").into());
        }
        connection.pragma_update(None, "synchronous", "FULL")?;
        // A negative size counts KiB.
        connection.pragma_update(None, "cache_size", -i64::try_from(cache_bytes / 1024)?)?;
        connection.execute_batch(TABLES)?;
        Ok(Self(connection))
    }

    fn append(&mut self, batch: &[Record]) -> Result<(), StoreError> {
        let transaction = self.0.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut insert = transaction.prepare_cached(INSERT)?;
            for message in messages(batch) {
                insert.execute(params![
                    conversation_number(message.conversation),
                    i64::try_from(message.number.get())?,
                    message.at.unix_micros(),
                    message.author.as_str(),
                    message.body.as_str(),
                ])?;
            }
        }
        Ok(transaction.commit()?)
    }

    fn view(&self) -> Result<&Connection, StoreError> {
        Ok(&self.0)
    }
}

impl View for &Connection {
    fn locate(
        &self,
        conversation: Conversation,
        since: Timestamp,
    ) -> Result<Option<MessageNumber>, StoreError> {
        let mut statement = self.prepare_cached(LOCATE)?;
        let found: Option<i64> = statement
            .query_row(params![conversation_number(conversation), since.unix_micros()], |row| row.get(0))
            .optional()?;
        found.map(number).transpose()
    }

    fn read(
        &self,
        conversation: Conversation,
        after: Option<MessageNumber>,
        limit: usize,
        mut visit: impl FnMut(MessageRef<'_>),
    ) -> Result<(), StoreError> {
        let mut statement = self.prepare_cached(READ)?;
        let after = i64::try_from(after.map_or(0, MessageNumber::get))?;
        let mut rows =
            statement.query(params![conversation_number(conversation), after, i64::try_from(limit)?])?;
        while let Some(row) = rows.next()? {
            visit(MessageRef {
                conversation,
                number: number(row.get(0)?)?,
                at: Timestamp::from_unix_micros(row.get(1)?).ok_or("a time is out of range")?,
                author: row.get_ref(2)?.as_str()?,
                body: row.get_ref(3)?.as_str()?,
            });
        }
        Ok(())
    }
}

fn number(stored: i64) -> Result<MessageNumber, StoreError> {
    MessageNumber::new(u64::try_from(stored)?).ok_or_else(|| "a number is zero".into())
}
