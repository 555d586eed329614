//! Writing a run: blocks in order, each page of the index behind the blocks it tells of, so that no more than a page of it is
//! held in memory.

use super::block::Chunk;
use super::index::{Entry, Fence, PAGE_ENTRIES, Page, RunSummary, end_bytes, put_end};
use crate::storage::file::checksum::Salt;
use crate::storage::file::disk::DiskFile;
use crate::storage::file::fault;
use crate::{StorageError, Timestamp};

const BUFFER_BYTES: usize = 256 << 10;

/// A run that is being written to a file of its own, which is empty when it begins.
///
/// Blocks MUST come in order of conversation, and in order of number in each.
pub(in crate::storage::file) struct RunWriter<F> {
    file: F,
    shown: String,
    salt: Salt,
    id: u64,
    sync_bytes: u64,
    /// What is not written yet, and how much is.
    buffer: Vec<u8>,
    written: u64,
    synced: u64,
    page: Vec<Entry>,
    fences: Vec<Fence>,
    messages: u64,
    times: Option<(Timestamp, Timestamp)>,
}

impl<F: DiskFile> RunWriter<F> {
    /// Writes the run `id` to `file`, which messages to people call `shown`, and syncs it whenever `sync_bytes` were written, so
    /// that no sync takes long.
    pub(in crate::storage::file) fn new(
        file: F,
        shown: String,
        salt: Salt,
        id: u64,
        sync_bytes: u64,
    ) -> Self {
        Self {
            file,
            shown,
            salt,
            id,
            sync_bytes,
            buffer: Vec::with_capacity(BUFFER_BYTES * 2),
            written: 0,
            synced: 0,
            page: Vec::with_capacity(PAGE_ENTRIES),
            fences: Vec::new(),
            messages: 0,
            times: None,
        }
    }

    /// Adds the messages of `chunk` as a block; an empty one adds nothing.
    pub(in crate::storage::file) fn push(&mut self, chunk: &Chunk) -> Result<(), StorageError> {
        let view = chunk.view();
        let Some((first_at, last_at)) = view.first_at().zip(view.last_at()) else { return Ok(()) };
        let messages = u32::try_from(view.messages()).expect("a block has room for a few KiB");
        let entry = Entry {
            conversation: view.conversation(),
            messages,
            first: view.first_number(),
            first_at,
            offset: self.end(),
        };
        chunk.put(self.salt, &mut self.buffer);
        self.added(entry, last_at)
    }

    /// Adds a block of another run of the store as it is.
    pub(super) fn copy(
        &mut self,
        block: &[u8],
        entry: &Entry,
        last_at: Timestamp,
    ) -> Result<(), StorageError> {
        let entry = Entry { offset: self.end(), ..*entry };
        self.buffer.extend_from_slice(block);
        self.added(entry, last_at)
    }

    /// Ends the run. It is durable, but for its name, when this returns `Ok`.
    pub(in crate::storage::file) fn finish(mut self) -> Result<RunSummary, StorageError> {
        self.put_page();
        let (first_at, last_at) = self.times.unwrap_or((Timestamp::MIN, Timestamp::MIN));
        let mut summary = RunSummary {
            id: self.id,
            bytes: self.end() + end_bytes(self.fences.len()) as u64,
            messages: self.messages,
            first_at,
            last_at,
            footer_checksum: 0,
        };
        let offset = self.end();
        summary.footer_checksum = put_end(&self.fences, offset, &summary, self.salt, &mut self.buffer);
        self.write()?;
        self.sync()?;
        Ok(summary)
    }

    /// Where the next block begins.
    fn end(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    fn added(&mut self, entry: Entry, last_at: Timestamp) -> Result<(), StorageError> {
        let (first, last) = self.times.unwrap_or((entry.first_at, last_at));
        self.times = Some((first.min(entry.first_at), last.max(last_at)));
        self.messages += u64::from(entry.messages);
        self.page.push(entry);
        if self.page.len() == PAGE_ENTRIES {
            self.put_page();
        }
        if self.buffer.len() >= BUFFER_BYTES {
            self.write()?;
        }
        if self.written - self.synced >= self.sync_bytes {
            self.sync()?;
        }
        Ok(())
    }

    fn put_page(&mut self) {
        if let Some(&first) = self.page.first() {
            let entries = u32::try_from(self.page.len()).expect("a page has a few hundred entries");
            self.fences.push(Fence { first, page_offset: self.end(), entries });
            Page::put(&self.page, self.salt, &mut self.buffer);
            self.page.clear();
        }
    }

    fn write(&mut self) -> Result<(), StorageError> {
        self.file
            .write_at(&self.buffer, self.written)
            .map_err(|error| fault::of_write(self.shown.clone(), "write history", error))?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        self.file.sync().map_err(|error| fault::failed(self.shown.clone(), "sync history", error))?;
        self.synced = self.written;
        Ok(())
    }
}
