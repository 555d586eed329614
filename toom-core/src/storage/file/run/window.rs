//! Some bytes of a run in memory: what was read last, so that the next read need neither fetch nor check it again.

use super::Run;
use super::block::Block;
use super::index::Entry;
use super::sealed::Damage;
use crate::StorageError;
use crate::storage::file::disk::DiskFile;

/// The bytes from `start` on of one run.
#[derive(Default)]
pub(super) struct Window {
    /// Which run; `None` while there are no bytes.
    run: Option<u64>,
    start: u64,
    /// How many of `buffer` they are; the rest is room.
    length: usize,
    buffer: Vec<u8>,
    /// The blocks from `start` up to here have right checksums.
    checked: u64,
}

impl Window {
    /// Makes it hold the bytes of `run` from `from` to `to`. What it holds of them is kept.
    pub(super) fn fill<F: DiskFile>(&mut self, run: &Run<F>, from: u64, to: u64) -> Result<(), StorageError> {
        if self.holds(run, from, to) {
            return Ok(());
        }
        self.length = match self.range(run.key, from, self.end()) {
            Some(kept) => {
                let length = kept.len();
                self.buffer.copy_within(kept, 0);
                length
            }
            None => 0,
        };
        self.checked = if self.length == 0 { from } else { self.checked.max(from) };
        (self.run, self.start) = (None, from);
        let wanted = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
        self.buffer.resize(self.buffer.len().max(wanted), 0);
        let end = self.end();
        if let Some(room) = self.buffer.get_mut(self.length..wanted) {
            run.read_bytes(room, end)?;
        }
        (self.run, self.length) = (Some(run.key), wanted);
        Ok(())
    }

    pub(super) fn holds<F>(&self, run: &Run<F>, from: u64, to: u64) -> bool {
        self.range(run.key, from, to).is_some()
    }

    /// The block that `entry` tells of and that ends at `end`, which must have been [filled](Self::fill) in.
    pub(super) fn block<F>(&mut self, run: &Run<F>, entry: &Entry, end: u64) -> Result<Block<'_>, Damage> {
        let range = self.range(run.key, entry.offset, end);
        let bytes = range.and_then(|range| self.buffer.get(range)).unwrap_or_default();
        if end <= self.checked {
            return Block::parse_checked(bytes, entry);
        }
        let block = Block::parse(bytes, run.salt, entry)?;
        if entry.offset <= self.checked {
            self.checked = end;
        }
        Ok(block)
    }

    fn end(&self) -> u64 {
        self.start.saturating_add(self.length as u64)
    }

    /// Where in the buffer the bytes from `from` to `to` lie, if they all do.
    fn range(&self, run: u64, from: u64, to: u64) -> Option<core::ops::Range<usize>> {
        let is_here = self.run == Some(run) && from >= self.start && from <= to && to <= self.end();
        let place = |offset: u64| usize::try_from(offset - self.start).ok();
        if is_here { Some(place(from)?..place(to)?) } else { None }
    }
}
