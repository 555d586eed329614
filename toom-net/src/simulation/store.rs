//! The store of the server, which the simulation holds, too: the work behind its journal is done when chance says so.

use core::ops::ControlFlow;
use std::cell::RefCell;
use std::rc::Rc;

use toom_core::simulated::{SimDisk, SimFile};
use toom_core::{
    Conversation, Epoch, FileReader, FileStorage, History, MessageNumber, MessageRef, Record, Recovered,
    Storage, StorageError, Timestamp,
};

/// A store, shared.
#[derive(Clone, Debug)]
pub(super) struct Store(Rc<RefCell<FileStorage<SimDisk>>>);

impl Store {
    pub(super) fn new(store: FileStorage<SimDisk>) -> Self {
        Self(Rc::new(RefCell::new(store)))
    }

    /// Does a piece of the work behind the journal.
    pub(super) fn work(&self) -> Result<bool, StorageError> {
        self.0.borrow_mut().work()
    }

    /// Does a piece of the work that makes reads quicker.
    pub(super) fn tidy(&self) -> Result<bool, StorageError> {
        self.0.borrow_mut().tidy()
    }
}

impl History for Store {
    fn locate(&self, place: Conversation, since: Timestamp) -> Result<Option<MessageNumber>, StorageError> {
        self.0.borrow().locate(place, since)
    }

    fn read(
        &self,
        place: Conversation,
        after: Option<MessageNumber>,
        limit: usize,
        visit: impl FnMut(MessageRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        History::read(&*self.0.borrow(), place, after, limit, visit)
    }

    fn floor(&self, place: Conversation) -> Result<MessageNumber, StorageError> {
        self.0.borrow().floor(place)
    }

    fn bytes_on_disk(&self) -> Option<u64> {
        self.0.borrow().bytes_on_disk()
    }
}

impl Storage for Store {
    type Reader = FileReader<SimFile>;

    fn epoch(&self) -> Epoch {
        self.0.borrow().epoch()
    }

    fn append(&mut self, records: &[Record]) -> Result<(), StorageError> {
        self.0.borrow_mut().append(records)
    }

    fn recover(&mut self) -> Result<Recovered, StorageError> {
        self.0.borrow_mut().recover()
    }

    fn reserve_stamps(&mut self, until: Timestamp) -> Result<(), StorageError> {
        self.0.borrow_mut().reserve_stamps(until)
    }

    fn reader(&self) -> FileReader<SimFile> {
        self.0.borrow().reader()
    }
}
