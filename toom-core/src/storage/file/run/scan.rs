//! Reading a whole run, block after block.

use super::Run;
use super::block::Block;
use super::index::{Entry, Page};
use super::sealed::Damage;
use super::window::Window;
use crate::storage::file::disk::DiskFile;
use crate::{StorageError, Timestamp};

/// What is read in one call.
const READ_BYTES: u64 = 256 << 10;

/// A place in a run that is read from its first block to its last. It is to be used with one run alone.
pub(super) struct Scan {
    /// The page in use, and the number of the one after it.
    page: Option<Page>,
    next_page: usize,
    slot: usize,
    window: Window,
    /// The block before, and the time of its last message.
    last: Option<(Entry, Timestamp)>,
}

impl Scan {
    pub(super) fn new() -> Self {
        Self { page: None, next_page: 0, slot: 0, window: Window::default(), last: None }
    }

    /// The next block, checked, also against the one before it.
    pub(super) fn next<F: DiskFile>(
        &mut self,
        run: &Run<F>,
    ) -> Result<Option<(Entry, Block<'_>)>, StorageError> {
        let Some((entry, end)) = self.peek(run)? else { return Ok(None) };
        self.slot += 1;
        let page_end = self.page.as_ref().map_or(end, |page| page.end);
        if !self.window.holds(run, entry.offset, end) {
            let to = entry.offset.saturating_add(READ_BYTES).min(page_end).max(end);
            self.window.fill(run, entry.offset, to)?;
        }
        let corrupt = |damage| run.corrupt(entry.offset, damage);
        let block = self.window.block(run, &entry, end).map_err(corrupt)?;
        block.check_order().map_err(corrupt)?;
        if self.last.is_some_and(|(last, at)| !entry.follows(&last, at)) {
            return Err(corrupt(Damage::at(0, "a block does not follow the one before it")));
        }
        self.last = block.last_at().map(|last_at| (entry, last_at));
        Ok(Some((entry, block)))
    }

    /// What the index says of the next block, and where that ends.
    pub(super) fn peek<F: DiskFile>(&mut self, run: &Run<F>) -> Result<Option<(Entry, u64)>, StorageError> {
        loop {
            if let Some((entry, end)) = self.page.as_ref().and_then(|page| page.entry(self.slot)) {
                return Ok(Some((*entry, end)));
            }
            if self.next_page >= run.fences.len() {
                return Ok(None);
            }
            self.page = Some(run.read_page(self.next_page)?);
            self.next_page += 1;
            self.slot = 0;
        }
    }
}
