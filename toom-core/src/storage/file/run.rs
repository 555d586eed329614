//! Runs: the files of the history. Each is immutable, holds the messages of one span of time clustered by conversation, and
//! bears its own index.
//!
//! ```text
//! blocks of page 0 │ page 0 │ blocks of page 1 │ page 1 │ … │ fences │ footer
//! ```
//!
//! Nothing that is read is trusted: every part is under a checksum, and bears what tells it from every other part of its kind.

mod block;
mod cache;
mod index;
mod merge;
mod read;
mod salvage;
mod scan;
mod sealed;
mod window;
mod writer;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub(in crate::storage::file) use block::{BlockView, Chunk};
pub(in crate::storage::file) use cache::PageCache;
pub(in crate::storage::file) use index::RunSummary;
use index::{FOOTER_BYTES, Fence, Page, parse_fences, parse_footer, told_by_footer};
pub(in crate::storage::file) use merge::{Merge, Progress};
pub(in crate::storage::file) use read::{Located, Place};
pub(in crate::storage::file) use salvage::{Key, Salvage};
use scan::Scan;
use sealed::Damage;
pub(in crate::storage::file) use writer::RunWriter;

use crate::storage::file::checksum::Salt;
use crate::storage::file::disk::DiskFile;
use crate::storage::file::fault;
use crate::{MessageNumber, StorageError};

/// A run that is open for reading, by many threads at once.
pub(in crate::storage::file) struct Run<F> {
    file: F,
    shown: String,
    salt: Salt,
    summary: RunSummary,
    /// What tells it from every other run that this process opens.
    key: u64,
    fences: Box<[Fence]>,
    cache: Arc<PageCache>,
}

/// Its pages would take the memory of others until they are pushed out.
impl<F> Drop for Run<F> {
    fn drop(&mut self) {
        self.cache.forget(self.key, self.fences.len());
    }
}

impl<F: DiskFile> Run<F> {
    /// Opens the run in `file`, which must be the one that `summary` tells of. Reads its end alone.
    pub(in crate::storage::file) fn open(
        file: F,
        shown: String,
        salt: Salt,
        summary: RunSummary,
        cache: Arc<PageCache>,
    ) -> Result<Self, StorageError> {
        static OPENED: AtomicU64 = AtomicU64::new(0);
        let key = OPENED.fetch_add(1, Ordering::Relaxed);
        let mut run = Self { file, shown, salt, summary, key, fences: Box::default(), cache };
        let bytes = run.file.len().map_err(|error| run.failed(error))?;
        if bytes != summary.bytes {
            let damage = Damage::at(bytes.min(summary.bytes), "the file is not as long as the manifest says");
            return Err(run.corrupt(0, damage));
        }
        let footer_offset = bytes.saturating_sub(FOOTER_BYTES as u64);
        let footer = run.bytes(footer_offset, bytes)?;
        let offset =
            parse_footer(&footer, salt, &summary).map_err(|damage| run.corrupt(footer_offset, damage))?;
        let fences = run.bytes(offset, footer_offset)?;
        run.fences = parse_fences(&fences, salt, offset).map_err(|damage| run.corrupt(offset, damage))?;
        Ok(run)
    }

    /// What the file tells of the run in it, if its end is whole.
    pub(in crate::storage::file) fn told(file: &F, salt: Salt) -> Option<RunSummary> {
        let offset = file.len().ok()?.checked_sub(FOOTER_BYTES as u64)?;
        let mut footer = [0; FOOTER_BYTES];
        file.read_at(&mut footer, offset).ok()?;
        let (told, _) = told_by_footer(&footer)?;
        parse_footer(&footer, salt, &told).ok().map(|_| told)
    }

    pub(in crate::storage::file) fn summary(&self) -> &RunSummary {
        &self.summary
    }

    /// Lends to `visit` the place of the first message and of the last of each block, as far as the index can be read.
    pub(in crate::storage::file) fn claims(&self, mut visit: impl FnMut(Key, Key)) {
        for (number, fence) in self.fences.iter().enumerate() {
            let page = self.read_page(number);
            let entries = page.as_ref().map_or(core::slice::from_ref(&fence.first), |page| &page.entries);
            for entry in entries {
                let last = MessageNumber::new(entry.end() - 1).unwrap_or(entry.first);
                visit((entry.conversation, entry.first), (entry.conversation, last));
            }
        }
    }

    /// Reads everything, and lends each block to `see`, which tells what is wrong with it: every checksum and every law is
    /// checked.
    pub(in crate::storage::file) fn check(
        &self,
        mut see: impl FnMut(BlockView<'_>) -> Result<(), &'static str>,
    ) -> Result<(), StorageError> {
        let mut scan = Scan::new();
        let (mut messages, mut times) = (0, None);
        while let Some((entry, block)) = scan.next(self)? {
            let view = block.view().map_err(|damage| self.corrupt(entry.offset, damage))?;
            messages += view.messages() as u64;
            if let Some((first_at, last_at)) = view.first_at().zip(view.last_at()) {
                let (first, last) = times.unwrap_or((first_at, last_at));
                times = Some((first_at.min(first), last_at.max(last)));
            }
            see(view).map_err(|what| self.corrupt(entry.offset, Damage::at(0, what)))?;
        }
        let told = (self.summary.first_at, self.summary.last_at);
        if messages != self.summary.messages || times.is_some_and(|times| times != told) {
            return Err(self.corrupt(0, Damage::at(0, "the messages are not those that the manifest says")));
        }
        Ok(())
    }

    /// The page `number`, from the cache or from the file; `None` behind the last one.
    fn page(&self, number: usize) -> Result<Option<Arc<Page>>, StorageError> {
        if number >= self.fences.len() {
            return Ok(None);
        }
        self.cache.page((self.key, number), || self.read_page(number)).map(Some)
    }

    fn read_page(&self, number: usize) -> Result<Page, StorageError> {
        let fence = self.fences.get(number).expect("pages are asked for by the fences there are");
        let bytes = self.bytes(fence.page_offset, fence.end())?;
        Page::parse(&bytes, self.salt, fence).map_err(|damage| self.corrupt(fence.page_offset, damage))
    }

    fn bytes(&self, from: u64, to: u64) -> Result<Vec<u8>, StorageError> {
        let mut bytes = vec![0; usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX)];
        self.read_bytes(&mut bytes, from)?;
        Ok(bytes)
    }

    fn read_bytes(&self, buffer: &mut [u8], offset: u64) -> Result<(), StorageError> {
        self.file.read_at(buffer, offset).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => self.corrupt(offset, Damage::at(0, "the file ends too early")),
            _ => self.failed(error),
        })
    }

    fn failed(&self, error: io::Error) -> StorageError {
        fault::failed(self.shown.clone(), "read history", error)
    }

    /// Damage in the part of the file that begins at `offset`.
    fn corrupt(&self, offset: u64, damage: Damage) -> StorageError {
        let offset = offset.saturating_add(damage.offset);
        StorageError::Corrupt { thing: self.shown.clone(), offset, what: damage.what }
    }
}

impl<F> core::fmt::Debug for Run<F> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Run")
            .field("file", &self.shown)
            .field("summary", &self.summary)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
