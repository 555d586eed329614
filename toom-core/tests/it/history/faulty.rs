//! A store whose appends fail when a test wants it.

use core::cell::RefCell;
use core::ops::ControlFlow;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::Arc;

use toom_core::{
    Conversation, Epoch, History, MemoryReader, MemoryStorage, MessageNumber, MessageRef, Record, Recovered,
    Storage, StorageError, Timestamp,
};

/// How an append fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// There is no room: nothing is stored, and the store goes on.
    Full,
    /// It fails, and the batch turns out to be stored when the store is opened again.
    FailedKept,
    /// It fails, and the batch turns out to be lost.
    FailedLost,
}

impl Fault {
    pub(crate) fn error(self) -> StorageError {
        let (thing, action) = ("the test's disk".to_owned(), "append a batch");
        match self {
            Self::Full => StorageError::Full { thing, action },
            Self::FailedKept | Self::FailedLost => {
                StorageError::Failed { thing, action, reason: Arc::new(core::fmt::Error) }
            }
        }
    }
}

/// What outlives the store's handle.
#[derive(Debug)]
struct Disk {
    stored: MemoryStorage,
    /// Written by an append that failed, seen by nobody before the store is opened again.
    limbo: Vec<Record>,
    fault: Option<Fault>,
    reads_fail: bool,
    appends: usize,
}

/// A handle on a disk; [`open`](Self::open) makes another one.
#[derive(Debug)]
pub(crate) struct FaultyStorage {
    disk: Rc<RefCell<Disk>>,
    failed: bool,
    unreadable: bool,
}

impl FaultyStorage {
    pub(crate) fn new(kept_max: Option<usize>) -> Self {
        let epoch = Epoch::new(7);
        let stored = match kept_max.and_then(NonZeroUsize::new) {
            Some(kept_max) => MemoryStorage::keeping(epoch, kept_max),
            None => MemoryStorage::new(epoch),
        };
        let disk = Disk { stored, limbo: Vec::new(), fault: None, reads_fail: false, appends: 0 };
        Self { disk: Rc::new(RefCell::new(disk)), failed: false, unreadable: false }
    }

    /// Opens the same disk anew.
    pub(crate) fn open(&self) -> Self {
        let mut disk = self.disk.borrow_mut();
        let limbo = core::mem::take(&mut disk.limbo);
        disk.stored.append(&limbo).unwrap();
        drop(disk);
        Self { disk: Rc::clone(&self.disk), failed: false, unreadable: false }
    }

    /// A handle on the same disk that cannot be recovered.
    pub(crate) fn open_unreadable(&self) -> Self {
        Self { disk: Rc::clone(&self.disk), failed: false, unreadable: true }
    }

    /// Lets the next append fail so.
    pub(crate) fn set_fault(&self, fault: Option<Fault>) {
        self.disk.borrow_mut().fault = fault;
    }

    pub(crate) fn fault(&self) -> Option<Fault> {
        self.disk.borrow().fault
    }

    /// Lets reads fail from now on, or no more.
    pub(crate) fn set_reads_fail(&self, fail: bool) {
        self.disk.borrow_mut().reads_fail = fail;
    }

    /// What reads through this handle.
    fn readable(&self) -> Result<MemoryReader, StorageError> {
        let disk = self.disk.borrow();
        if disk.reads_fail {
            return Err(unreadable());
        }
        Ok(disk.stored.reader())
    }

    /// How many appends were tried.
    pub(crate) fn appends(&self) -> usize {
        self.disk.borrow().appends
    }
}

fn unreadable() -> StorageError {
    let thing = "the test's disk".to_owned();
    StorageError::Corrupt { thing, offset: 0, what: "what a test wants" }
}

impl Storage for FaultyStorage {
    type Reader = MemoryReader;

    fn epoch(&self) -> Epoch {
        self.disk.borrow().stored.epoch()
    }

    fn append(&mut self, records: &[Record]) -> Result<(), StorageError> {
        assert!(!self.failed, "the engine wrote to a store that had failed");
        assert!(!records.is_empty(), "the engine made a write of nothing");
        let mut disk = self.disk.borrow_mut();
        disk.appends += 1;
        let Some(fault) = disk.fault.take() else { return disk.stored.append(records) };
        self.failed = fault != Fault::Full;
        if fault == Fault::FailedKept {
            disk.limbo = records.to_vec();
        }
        Err(fault.error())
    }

    fn recover(&mut self) -> Result<Recovered, StorageError> {
        if self.unreadable {
            return Err(unreadable());
        }
        self.disk.borrow_mut().stored.recover()
    }

    fn reserve_stamps(&mut self, until: Timestamp) -> Result<(), StorageError> {
        assert!(!self.failed, "the engine wrote to a store that had failed");
        let mut disk = self.disk.borrow_mut();
        let fault = disk.fault.take();
        if matches!(fault, None | Some(Fault::FailedKept)) {
            disk.stored.reserve_stamps(until)?;
        }
        self.failed = fault.is_some_and(|fault| fault != Fault::Full);
        fault.map_or(Ok(()), |fault| Err(fault.error()))
    }

    fn reader(&self) -> MemoryReader {
        self.disk.borrow().stored.reader()
    }
}

impl History for FaultyStorage {
    fn locate(
        &self,
        conversation: Conversation,
        since: Timestamp,
    ) -> Result<Option<MessageNumber>, StorageError> {
        self.readable()?.locate(conversation, since)
    }

    fn read(
        &self,
        conversation: Conversation,
        after: Option<MessageNumber>,
        limit: usize,
        visit: impl FnMut(MessageRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        History::read(&self.readable()?, conversation, after, limit, visit)
    }

    fn floor(&self, conversation: Conversation) -> Result<MessageNumber, StorageError> {
        self.readable()?.floor(conversation)
    }
}
