//! The stores under comparison, behind one small trait, and the limits that no store can pass.

use core::error::Error;
use std::path::Path;

use toom_core::{Conversation, Message, MessageNumber, MessageRef, Record, Timestamp};

use crate::data::query::{From, Query};

mod codec;
mod fjall;
mod kind;
mod lmdb;
mod raw;
mod redb;
mod sqlite;
mod toom;
mod vector;

pub use kind::Kind;

/// What went wrong in a store, in its own words.
pub type StoreError = Box<dyn Error + Send + Sync>;

/// A store as a chat engine uses it: batches in, pages out.
trait Store: Sized {
    /// A moment of the store, on which a page is read: a read transaction, where the store has such.
    type View<'a>: View
    where
        Self: 'a;

    /// Opens the store in `folder`, or makes it there. It caches at most about `cache_bytes`, if it caches itself.
    fn open(folder: &Path, cache_bytes: usize) -> Result<Self, StoreError>;

    /// Stores `batch`, all or nothing: durable and to be seen when it returns.
    fn append(&mut self, batch: &[Record]) -> Result<(), StoreError>;

    /// The store as it is now.
    fn view(&self) -> Result<Self::View<'_>, StoreError>;
}

/// A store at one moment.
trait View {
    /// The number of the last message of `conversation` that is not later than `since`.
    fn locate(
        &self,
        conversation: Conversation,
        since: Timestamp,
    ) -> Result<Option<MessageNumber>, StoreError>;

    /// Lends to `visit` at most `limit` messages of `conversation` with numbers greater than `after`, in order, with texts that
    /// were checked to be UTF-8.
    fn read(
        &self,
        conversation: Conversation,
        after: Option<MessageNumber>,
        limit: usize,
        visit: impl FnMut(MessageRef<'_>),
    ) -> Result<(), StoreError>;
}

/// What is measured: a store, or a limit.
pub trait Contender {
    /// Stores `batch`, durable when it returns.
    ///
    /// # Errors
    /// What the store says.
    fn append_batch(&mut self, batch: &[Record]) -> Result<(), StoreError>;

    /// Answers `queries`, each on a view of its own, and looks at every message; `None` for a limit, which only moves bytes.
    ///
    /// # Errors
    /// What the store says.
    fn answer(&self, queries: &[Query]) -> Result<Option<Seen>, StoreError>;
}

/// What a reader has looked at: how many messages, and a sum over them that two stores share only if they showed the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// How many messages.
    pub messages: u64,
    sum: u64,
}

impl Seen {
    /// What a reader of exactly `messages` has looked at.
    pub fn of<'a>(messages: impl IntoIterator<Item = &'a Message>) -> Self {
        let mut seen = Self::default();
        messages.into_iter().for_each(|message| seen.look(message.view()));
        seen
    }

    fn look(&mut self, message: MessageRef<'_>) {
        let text =
            |text: &str| u64::from(text.as_bytes().last().copied().unwrap_or(0)) + ((text.len() as u64) << 8);
        let place = message.number.get() ^ message.at.unix_micros().cast_unsigned().rotate_left(20);
        self.messages += 1;
        self.sum = self.sum.rotate_left(5) ^ place ^ text(message.author) ^ (text(message.body) << 24);
    }
}

impl<S: Store> Contender for S {
    fn append_batch(&mut self, batch: &[Record]) -> Result<(), StoreError> {
        self.append(batch)
    }

    fn answer(&self, queries: &[Query]) -> Result<Option<Seen>, StoreError> {
        let mut seen = Seen::default();
        for query in queries {
            read_page(self, query, |message| seen.look(message))?;
        }
        Ok(Some(seen))
    }
}

fn read_page<S: Store>(
    store: &S,
    query: &Query,
    visit: impl FnMut(MessageRef<'_>),
) -> Result<(), StoreError> {
    let view = store.view()?;
    let after = match query.from {
        From::Since(since) => view.locate(query.conversation, since)?,
        From::After(after) => after,
    };
    view.read(query.conversation, after, query.limit, visit)
}

#[cfg(test)]
mod tests;
