//! TOOM's own stores, through the trait that an engine uses.

use core::ops::ControlFlow;
use std::path::Path;

use toom_core::{
    Conversation, Epoch, FileOptions, FileStorage, History, MemoryStorage, MessageNumber, MessageRef, Record,
    Storage, Timestamp,
};

use super::{Store, StoreError, View};

/// A [`Storage`] that can be opened in a folder.
pub(super) trait InFolder: Storage + Sized {
    fn open(folder: &Path) -> Result<Self, StoreError>;
}

impl InFolder for FileStorage {
    fn open(folder: &Path) -> Result<Self, StoreError> {
        // Nobody forges the messages of a comparison, so nothing has to be secret here.
        let random = [7; 16];
        Ok(Self::open(folder, FileOptions::new(random))?)
    }
}

impl InFolder for MemoryStorage {
    /// Nothing was kept, so it is a new one.
    fn open(_: &Path) -> Result<Self, StoreError> {
        Ok(Self::new(Epoch::new(1)))
    }
}

/// A [`Storage`], read through its reader.
pub(super) struct Toom<S: Storage> {
    storage: S,
    reader: S::Reader,
}

/// Its reader sees what has been acknowledged.
pub(super) struct Acknowledged<'a, R>(&'a R);

impl<S: InFolder> Store for Toom<S> {
    type View<'a>
        = Acknowledged<'a, S::Reader>
    where
        S: 'a;

    /// Opens it so far that an engine could go on: with all rooms and the end of every conversation known.
    fn open(folder: &Path, _: usize) -> Result<Self, StoreError> {
        let mut storage = S::open(folder)?;
        storage.recover()?;
        let reader = storage.reader();
        Ok(Self { storage, reader })
    }

    fn append(&mut self, batch: &[Record]) -> Result<(), StoreError> {
        Ok(self.storage.append(batch)?)
    }

    fn view(&self) -> Result<Acknowledged<'_, S::Reader>, StoreError> {
        Ok(Acknowledged(&self.reader))
    }
}

impl<R: History> View for Acknowledged<'_, R> {
    fn locate(
        &self,
        conversation: Conversation,
        since: Timestamp,
    ) -> Result<Option<MessageNumber>, StoreError> {
        Ok(self.0.locate(conversation, since)?)
    }

    fn read(
        &self,
        conversation: Conversation,
        after: Option<MessageNumber>,
        limit: usize,
        mut visit: impl FnMut(MessageRef<'_>),
    ) -> Result<(), StoreError> {
        let go_on = |message: MessageRef<'_>| {
            visit(message);
            ControlFlow::Continue(())
        };
        Ok(self.0.read(conversation, after, limit, go_on)?)
    }
}
