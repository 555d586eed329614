//! The journal: what makes a batch durable, with one write and one sync.
//!
//! Its files are filled with zeros once and then used again and again from their first byte on, because bytes that were written
//! before sync quicker than a file that grows. What tells the frames of now from those of earlier use is their sequence.

mod files;
mod frame;
mod replay;
mod salvage;

use std::collections::VecDeque;

pub(super) use files::{JournalFile, lengths};
pub use replay::Cut;
pub(super) use replay::replay;
pub(super) use salvage::salvage;

use super::checksum::Salt;
use super::disk::{Disk, DiskFile};
use super::durability::Durability;
use super::fault;
use crate::{Record, StorageError};
use files::Opened;
use frame::Link;

/// One file is written while what is in the others moves to the history. There are never more: what is in so many waits to move, and is
/// held in memory meanwhile.
const FILES: usize = 3;
/// Batches and openings have sequences below this one. No store comes to it; one that somebody made up is to be repaired, and can be opened for
/// as long again until then.
pub(super) const SEQUENCES_END: u64 = 1 << 63;
/// A buffer that a long batch made longer does not stay so.
const BUFFER_BYTES_KEPT: usize = 1 << 20;

/// Where the frames of now begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct JournalStart {
    /// The sequence of the first; all lower ones lie elsewhere now.
    pub(super) first: u64,
    /// What stands in the first for the checksum of the frame before.
    pub(super) chain: u64,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Appended {
    /// It was written and, if that was asked for, synced.
    Written,
    /// Nothing was written: it does not fit behind what is in the file.
    FileFull,
}

/// A journal that is written to. After any error but [`StorageError::Full`] it must not be used any more.
pub(super) struct Journal<D: Disk> {
    disk: D,
    salt: Salt,
    active: Opened<D>,
    position: u64,
    next: Link,
    free: VecDeque<Opened<D>>,
    left: Vec<Opened<D>>,
    buffer: Vec<u8>,
}

impl<D: Disk> Journal<D> {
    /// Begins afresh: no frame that lies in a journal file is needed any more.
    ///
    /// Files that are missing, or shorter than `file_bytes`, are made, filled with zeros and synced.
    pub(super) fn begin(
        disk: &D,
        salt: Salt,
        file_bytes: u64,
        start: JournalStart,
    ) -> Result<Self, StorageError> {
        let mut there = files::list(disk)?;
        let mut free = VecDeque::new();
        for &file in &there {
            free.push_back(files::open(disk, file, file_bytes)?);
        }
        let found = free.len();
        while free.len() < FILES
            && let Some(file) = JournalFile::beside(&there)
        {
            there.insert(file);
            free.push_back(files::make(disk, file, file_bytes)?);
        }
        if free.len() > found {
            files::sync_names(disk)?;
        }
        let active = free.pop_front().expect("there are as many files as there must be");
        Ok(Self {
            disk: disk.clone(),
            salt,
            active,
            position: 0,
            next: Link { sequence: start.first, chain: start.chain },
            free,
            left: Vec::new(),
            buffer: Vec::new(),
        })
    }

    /// Writes `records` as one frame, and syncs it if `durability` says so.
    ///
    /// A file in which there is nothing yet takes any batch.
    ///
    /// # Errors
    /// [`StorageError::Full`]: nothing is stored, nor will be.
    pub(super) fn append(
        &mut self,
        records: &[Record],
        durability: Durability,
    ) -> Result<Appended, StorageError> {
        let body_bytes = frame::body_bytes(records).ok_or_else(|| self.too_large())?;
        let end = self.position + frame::HEAD_BYTES as u64 + u64::from(body_bytes);
        if self.position > 0 && end > self.active.bytes {
            return Ok(Appended::FileFull);
        }
        let checksum = frame::encode(records, self.next, durability, self.salt, &mut self.buffer)
            .ok_or_else(|| self.too_large())?;
        self.write()?;
        if durability == Durability::Sync {
            self.active.handle.sync().map_err(|error| fault::failed(self.shown(), "sync a batch", error))?;
        }
        self.position = end;
        self.active.bytes = self.active.bytes.max(end);
        self.next = Link { sequence: self.next.sequence.saturating_add(1), chain: checksum };
        self.buffer.shrink_to(BUFFER_BYTES_KEPT);
        Ok(Appended::Written)
    }

    /// Goes on in a free file, and returns the one left behind; `None` if none is free: then [`release`](Self::release) one, or
    /// [`add`](Self::add) one.
    pub(super) fn rotate(&mut self) -> Option<JournalFile> {
        let free = self.free.pop_front()?;
        let left = core::mem::replace(&mut self.active, free);
        self.position = 0;
        let file = left.file;
        self.left.push(left);
        Some(file)
    }

    /// The frames of `file`, which was left behind, all lie elsewhere now: it is free.
    pub(super) fn release(&mut self, file: JournalFile) {
        self.free.extend(self.left.extract_if(.., |left| left.file == file));
    }

    /// Where the next frame begins.
    pub(super) const fn start(&self) -> JournalStart {
        JournalStart { first: self.next.sequence, chain: self.next.chain }
    }

    fn write(&self) -> Result<(), StorageError> {
        let Err(error) = self.active.handle.write_at(&self.buffer, self.position) else {
            return Ok(());
        };
        let error = fault::of_write(self.shown(), "append a batch", error);
        if error.is_harmless() && self.is_whole() {
            self.revoke()?;
        }
        Err(error)
    }

    /// Whether the frame lies there although it was not written to its end: what is missing may be like what lay there before.
    fn is_whole(&self) -> bool {
        let mut there = vec![0; self.buffer.len()];
        self.active.handle.read_at(&mut there, self.position).is_ok() && there == self.buffer
    }

    /// The batch is refused, so it must never come back.
    fn revoke(&self) -> Result<(), StorageError> {
        let file = &self.active.handle;
        let revoked = file.write_at(&[0; frame::HEAD_BYTES], self.position).and_then(|()| file.sync());
        revoked.map_err(|error| fault::failed(self.shown(), "take back a batch", error))
    }

    fn shown(&self) -> String {
        self.disk.shown(&self.active.file.name())
    }

    fn too_large(&self) -> StorageError {
        StorageError::Full {
            thing: format!(
                "{} (a batch has at most {} bytes, a room {} members)",
                self.shown(),
                frame::BODY_BYTES_MAX,
                u16::MAX
            ),
            action: "append a batch",
        }
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;
